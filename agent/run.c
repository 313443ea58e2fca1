/* One watched run, and what can be said of it as a whole. */
#include "agent/run.h"

#include "telemetry/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

size_t tw_run_detector_states_size(void)
{
    size_t size = 0;
    for (size_t i = 0; tw_detectors[i]; i++)
        size += aligned(tw_detectors[i]->state_size);
    return size;
}

void *tw_run_detector_state(const struct tw_run *run, size_t index)
{
    size_t offset = 0;
    for (size_t i = 0; i < index; i++)
        offset += aligned(tw_detectors[i]->state_size);
    return run->detector_states + offset;
}

struct tw_run *tw_run_new(const char *id, const struct tw_settings *settings)
{
    struct tw_run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->detector_states = calloc(1, tw_run_detector_states_size());
    if (!run->detector_states) {
        free(run);
        return NULL;
    }
    strncpy(run->core.id, id, sizeof run->core.id - 1);
    tw_context_start(&run->core.context);
    tw_run_series_start(&run->core.series);
    for (size_t i = 0; tw_detectors[i]; i++)
        tw_detectors[i]->start(tw_run_detector_state(run, i), settings->detector[i]);
    return run;
}

static void prefetch(const void *from, size_t size)
{
    for (size_t i = 0; i < size; i += 64)
        __builtin_prefetch((const char *)from + i, 1);
}

void tw_run_prefetch(const struct tw_run *run)
{
    prefetch(&run->core, 1024);
    prefetch(run->detector_states, 1024);
}

static void release_header(struct tw_run *run)
{
    /* A record is what knows how to free a header. */
    struct tw_record owner;
    tw_record_init(&owner);
    owner.header = run->header;
    tw_record_clear(&owner);
    run->header = NULL;
}

void tw_run_free(struct tw_run *run)
{
    if (!run)
        return;
    release_header(run);
    free(run->header_bytes);
    tw_episodes_release(&run->episodes);
    free(run->detector_states);
    free(run);
}

/* The header alone, without what differs between two copies of it. */
static unsigned char *encode_header(const struct tw_record *record, size_t *ret_size)
{
    struct tw_record bare;
    unsigned char *bytes = malloc(TW_RECORD_BYTES_MAX), *shrunk;
    tw_record_init(&bare);
    memcpy(bare.run, record->run, sizeof bare.run);
    memcpy(bare.attempt, record->attempt, sizeof bare.attempt);
    bare.has = record->has & TW_HAS_ATTEMPT;
    bare.kind = TW_KIND_HEADER;
    bare.header = record->header; /* borrowed */
    long size = bytes ? tw_cbor_encode(&bare, bytes, TW_RECORD_BYTES_MAX) : -1;
    if (size <= 0) {
        free(bytes);
        return NULL;
    }
    *ret_size = (size_t)size;
    shrunk = realloc(bytes, *ret_size);
    return shrunk ? shrunk : bytes;
}

bool tw_run_take_header(struct tw_run *run, const struct tw_record *record)
{
    size_t size = 0;
    unsigned char *bytes = encode_header(record, &size);
    if (!bytes)
        return true;
    if (run->header && size == run->n_header_bytes && !memcmp(bytes, run->header_bytes, size)) {
        free(bytes);
        return false;
    }
    struct tw_record copy;
    tw_record_init(&copy);
    if (tw_record_copy(&copy, record)) {
        free(bytes);
        return true;
    }
    release_header(run);
    run->header = copy.header;
    copy.header = NULL;
    tw_record_clear(&copy);
    free(run->header_bytes);
    run->header_bytes = bytes;
    run->n_header_bytes = size;
    return true;
}

struct tw_run_identity tw_run_identity(const struct tw_run *run)
{
    const struct tw_header *header = run->header;
    return (struct tw_run_identity){
        .run = run->core.id,
        .attempt = run->core.attempt,
        .name = header ? header->name : "",
        .project = header ? header->project : "",
        .group = header ? header->group : "",
        .host = header ? header->host : "",
        .user = header ? header->user : "",
    };
}

static bool has_problem(const struct tw_run *run)
{
    for (size_t i = 0; i < run->episodes.n; i++) {
        const struct tw_finding *finding = &run->episodes.at[i].finding;
        if (finding->state == TW_STATE_WITHDRAWN || finding->severity < TW_SEVERITY_WARNING)
            continue;
        if (finding->state != TW_STATE_RECOVERED || finding->severity == TW_SEVERITY_CRITICAL)
            return true;
    }
    return false;
}

const char *tw_run_verdict(const struct tw_run *run, const struct tw_settings *settings)
{
    if (has_problem(run))
        return "problem";
    for (size_t i = 0; tw_detectors[i]; i++) {
        char reason[128];
        if (!tw_detectors[i]->secondary &&
            tw_detectors[i]->has_judged(tw_run_detector_state(run, i), settings->detector[i],
                                        &run->core.context, reason, sizeof reason))
            return "healthy";
    }
    return "unknown";
}

/* Why the detector has not judged may well be that. */
static void say_lost(char *reason, size_t size)
{
    char why[128];
    snprintf(why, sizeof why, "%s", reason);
    snprintf(reason, size, "state lost, and the first records are gone: %.80s", why);
}

size_t tw_run_not_checked(const struct tw_run *run, const struct tw_settings *settings,
                          struct tw_not_checked *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; tw_detectors[i] && n < max; i++) {
        if (tw_detectors[i]->has_judged(tw_run_detector_state(run, i), settings->detector[i],
                                        &run->core.context, ret[n].reason, sizeof ret[n].reason))
            continue;
        if (run->core.state_lost)
            say_lost(ret[n].reason, sizeof ret[n].reason);
        ret[n++].detector = tw_detectors[i]->name;
    }
    return n;
}
