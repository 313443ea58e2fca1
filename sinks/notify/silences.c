/* Silences. */
#include "sinks/notify/silences.h"

#include "advisories/iso_time.h"
#include "sinks/notify/subject.h"

#include "advisories/json_text.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static const char *find_fault(const json_t *silence, char *room, size_t size)
{
    int64_t starts, ends;
    const char *field;
    json_t *pattern, *matchers = json_object_get(silence, "matchers");
    if (!tw_document_text(silence, "id")[0])
        return "it has no id";
    if (!tw_iso_parse(tw_document_text(silence, "starts_at"), &starts) ||
        !tw_iso_parse(tw_document_text(silence, "ends_at"), &ends) || ends < starts)
        return "its times are none, or it ends before it starts";
    if (!json_object_size(matchers))
        return "it names nothing to be quiet about";
    json_object_foreach(matchers, field, pattern)
    {
        if (json_is_string(pattern) && tw_subject_has_field(field))
            continue;
        snprintf(room, size, "nothing is matched by '%.40s'", field);
        return room;
    }
    return NULL;
}

bool tw_silence_is_good(const json_t *silence, char *reason, size_t size)
{
    char room[100];
    const char *fault = find_fault(silence, room, sizeof room);
    if (fault)
        snprintf(reason, size, "%s", fault);
    return !fault;
}

static bool random_id(char ret[17])
{
    unsigned char bytes[8];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

json_t *tw_silence_new(const json_t *matchers, int64_t starts_ms, int64_t ends_ms,
                       const char *author, const char *text, struct tw_error *error)
{
    char id[17], starts[TW_ISO_SIZE], ends[TW_ISO_SIZE], reason[128];
    if (!random_id(id)) {
        tw_error_set(error, -EIO, "no random number for the silence's id");
        return NULL;
    }
    json_t *silence =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:O}", "id", id, "starts_at",
                  tw_iso_text(starts_ms, starts), "ends_at", tw_iso_text(ends_ms, ends), "author",
                  tw_json_string(author), "reason", tw_json_string(text), "matchers", matchers);
    if (!silence) {
        tw_error_set(error, -ENOMEM, "out of memory");
    } else if (!tw_silence_is_good(silence, reason, sizeof reason)) {
        tw_error_set(error, -EINVAL, "not a silence: %s", reason);
        json_decref(silence);
        silence = NULL;
    }
    return silence;
}

static int64_t time_of(const json_t *silence, const char *name)
{
    int64_t at = 0;
    tw_iso_parse(tw_document_text(silence, name), &at);
    return at;
}

bool tw_silence_is_over(const json_t *silence, int64_t now_ms)
{
    return now_ms >= time_of(silence, "ends_at");
}

bool tw_silence_is_active(const json_t *silence, int64_t now_ms)
{
    return now_ms >= time_of(silence, "starts_at") && !tw_silence_is_over(silence, now_ms);
}

void tw_silences_set(struct tw_silences *silences, const char *id, json_t *silence)
{
    char reason[128];
    if (!silences->all && !(silences->all = json_object()))
        return;
    if (!silence)
        json_object_del(silences->all, id);
    else if (tw_silence_is_good(silence, reason, sizeof reason))
        json_object_set(silences->all, id, silence);
}

static bool quiets(json_t *silence, const json_t *subject)
{
    const char *field;
    json_t *pattern;
    json_object_foreach(json_object_get(silence, "matchers"), field, pattern)
    {
        if (!tw_subject_field_matches(subject, field, json_string_value(pattern)))
            return false;
    }
    return true;
}

const json_t *tw_silences_find(const struct tw_silences *silences, const json_t *subject,
                               int64_t now_ms)
{
    const char *id;
    json_t *silence;
    json_object_foreach(silences->all, id, silence)
    {
        if (tw_silence_is_active(silence, now_ms) && quiets(silence, subject))
            return silence;
    }
    return NULL;
}

void tw_silences_release(struct tw_silences *silences)
{
    json_decref(silences->all);
    silences->all = NULL;
}
