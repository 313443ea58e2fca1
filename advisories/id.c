/* Ids: a function of what they name, so that writing a document twice is invisible downstream. */
#include "advisories/advisory.h"
#include "advisories/chart.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hashes the fields with a zero byte between them: no field holds one, so two lists of fields
 * never run into the same bytes. */
void tw_fields_id(char ret[TW_EVENT_ID_SIZE], size_t n, const char *const *fields)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    /* A process that has no SHA-256 or no memory for it cannot name what it writes: going on with a
     * wrong id would lose advisories without a word. */
    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        abort();
    for (size_t i = 0; i < n; i++) {
        if (i)
            EVP_DigestUpdate(context, "", 1);
        EVP_DigestUpdate(context, fields[i], strlen(fields[i]));
    }
    EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    for (size_t i = 0; i < (TW_EVENT_ID_SIZE - 1) / 2; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

void tw_episode_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt,
                   const char *detector, const char *scope, uint64_t detected_step)
{
    char step[24];
    snprintf(step, sizeof step, "%" PRIu64, detected_step);
    tw_fields_id(ret, 5, (const char *[]){run, attempt, detector, scope, step});
}

void tw_transition_id(char ret[TW_EVENT_ID_SIZE], const char *episode_id, uint32_t transition)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, transition);
    tw_fields_id(ret, 2, (const char *[]){episode_id, number});
}

void tw_run_event_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt,
                     uint32_t transition)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, transition);
    tw_fields_id(ret, 3, (const char *[]){run, attempt, number});
}

void tw_run_running_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt,
                       uint32_t transition, uint64_t sequence)
{
    char number[16], position[24];
    snprintf(number, sizeof number, "%" PRIu32, transition);
    snprintf(position, sizeof position, "%" PRIu64, sequence);
    tw_fields_id(ret, 5, (const char *[]){"running", run, attempt, number, position});
}

void tw_run_state_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt)
{
    tw_fields_id(ret, 3, (const char *[]){"run", run, attempt});
}

/* Numbers as text between zero bytes, like all else that is hashed. */
struct place_texts {
    char transition[16], pass[16], at[24];
};

static struct place_texts texts_of(const struct tw_chart_place *place, uint64_t at)
{
    struct place_texts texts;
    snprintf(texts.transition, sizeof texts.transition, "%" PRIu32, place->transition);
    snprintf(texts.pass, sizeof texts.pass, "%" PRIu32, place->pass);
    snprintf(texts.at, sizeof texts.at, "%" PRIu64, at);
    return texts;
}

void tw_bucket_chart_id(char ret[TW_EVENT_ID_SIZE], const struct tw_bucket_chart *chart)
{
    const struct tw_chart_place *place = &chart->place;
    struct place_texts texts = texts_of(place, chart->bucket);
    tw_fields_id(ret, 6,
                 (const char *[]){"chart", place->run.run, place->run.attempt, texts.transition,
                                  texts.pass, texts.at});
}

void tw_layer_chart_id(char ret[TW_EVENT_ID_SIZE], const struct tw_layer_chart *chart)
{
    const struct tw_chart_place *place = &chart->place;
    struct place_texts texts = texts_of(place, place->step);
    char index[16];
    snprintf(index, sizeof index, "%" PRIu32, chart->index);
    tw_fields_id(ret, 8,
                 (const char *[]){"layer", place->run.run, place->run.attempt, texts.transition,
                                  texts.pass, texts.at, index,
                                  chart->is_nonfinite ? "nonfinite" : "first"});
}
