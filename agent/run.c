/* One watched run, and what can be said of it as a whole. */
#include "agent/run.h"

#include "agent/slab.h"

#include "telemetry/wire.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the state's layout ---- */

/* Where each begins; the context is in front. */
struct layout {
    size_t size, series;
    uint32_t detector[TW_DETECTORS_MAX];
};
static struct layout layouts[TW_EXTENTS];
static pthread_once_t layouts_once = PTHREAD_ONCE_INIT;

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static void find_layouts(void)
{
    for (int extent = 0; extent < TW_EXTENTS; extent++) {
        struct layout *layout = &layouts[extent];
        layout->series = aligned(tw_context_size((enum tw_extent)extent));
        layout->size = layout->series + aligned(tw_run_series_size((enum tw_extent)extent));
        for (size_t i = 0; tw_detectors[i]; i++) {
            layout->detector[i] = (uint32_t)layout->size;
            layout->size += aligned(tw_detectors[i]->state_size[extent]);
        }
    }
}

/* Most runs send steps only. A sanitizer sees more of blocks of its own. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define HAS_SLABS 0
#else
#define HAS_SLABS 1
#endif
static struct tw_slab *runs, *states;
static pthread_once_t slabs_once = PTHREAD_ONCE_INIT;

size_t tw_run_state_size(enum tw_extent extent)
{
    pthread_once(&layouts_once, find_layouts);
    return layouts[extent].size;
}

/* For the process's life; without them each block comes from malloc(). */
static void make_slabs(void)
{
    runs = tw_slab_new(sizeof(struct tw_run));
    states = tw_slab_new(tw_run_state_size(TW_EXTENT_STEPS));
}

static void *take_block(struct tw_slab **slab, size_t size)
{
    if (HAS_SLABS)
        pthread_once(&slabs_once, make_slabs);
    return *slab ? tw_slab_take(*slab) : calloc(1, size);
}

static void put_block(struct tw_slab *slab, void *block)
{
    if (slab)
        tw_slab_put(slab, block);
    else
        free(block);
}

/* Only the state of step records is a block of the slab. */
static void put_state(struct tw_run *run)
{
    if (run->detector_at == layouts[TW_EXTENT_STEPS].detector)
        put_block(states, run->state);
    else
        free(run->state);
}

static void take_state(struct tw_run *run, unsigned char *state, enum tw_extent extent)
{
    run->state = state;
    run->context = (struct tw_context *)(void *)state;
    run->detector_at = layouts[extent].detector;
    run->series = (struct tw_run_series *)(void *)(state + layouts[extent].series);
}

struct tw_run *tw_run_new(const char *id, const struct tw_settings *settings)
{
    struct tw_run *run = take_block(&runs, sizeof *run);
    unsigned char *state = take_block(&states, tw_run_state_size(TW_EXTENT_STEPS));
    if (!run || !state) {
        put_block(runs, run);
        put_block(states, state);
        return NULL;
    }
    take_state(run, state, TW_EXTENT_STEPS);
    strncpy(run->core.id, id, sizeof run->core.id - 1);
    tw_context_start(run->context);
    tw_run_series_start(run->series);
    for (size_t i = 0; tw_detectors[i]; i++)
        tw_detectors[i]->start(tw_run_detector_state(run, i), settings->detector[i]);
    return run;
}

/* Copies the parts that there are to where they stand in a larger block. */
static void copy_state(const struct tw_run *run, unsigned char *to, const struct layout *layout)
{
    enum tw_extent extent = (enum tw_extent)run->context->extent;
    memcpy(to, run->context, tw_context_size(extent));
    memcpy(to + layout->series, run->series, tw_run_series_size(extent));
    for (size_t i = 0; tw_detectors[i]; i++)
        memcpy(to + layout->detector[i], tw_run_detector_state(run, i),
               tw_detectors[i]->state_size[extent]);
}

int tw_run_grow(struct tw_run *run, const struct tw_settings *settings, enum tw_extent extent)
{
    enum tw_extent before = (enum tw_extent)run->context->extent;
    unsigned char *state = calloc(1, tw_run_state_size(extent));
    if (!state)
        return -ENOMEM;
    copy_state(run, state, &layouts[extent]);
    put_state(run);
    take_state(run, state, extent);
    tw_context_grow(run->context, extent, run->header);
    tw_run_series_grow(run->series, before, extent);
    for (size_t i = 0; tw_detectors[i]; i++)
        tw_detector_grow(tw_detectors[i], tw_run_detector_state(run, i), settings->detector[i],
                         before, extent);
    return 0;
}

size_t tw_run_bytes_at(enum tw_extent extent)
{
    return sizeof(struct tw_run) + tw_run_state_size(extent);
}

double tw_run_patience(const struct tw_run *run, const struct tw_settings *settings)
{
    double shortest = INFINITY;
    for (size_t i = 0; tw_detectors[i]; i++) {
        if (tw_detectors[i]->patience)
            shortest =
                fmin(shortest, tw_detectors[i]->patience(tw_run_detector_state(run, i),
                                                         settings->detector[i], run->context));
    }
    return shortest;
}

size_t tw_run_bytes(const struct tw_run *run)
{
    return tw_run_bytes_at((enum tw_extent)run->context->extent) + run->n_header_bytes +
           run->episodes.n * sizeof *run->episodes.at +
           (run->ranks ? tw_ranks_bytes(run->ranks) : 0) + (run->chart ? sizeof *run->chart : 0);
}

static void prefetch(const void *from, size_t size)
{
    for (size_t at = 0; at < size; at += 64)
        __builtin_prefetch((const char *)from + at, 1);
}

/* Rings stand last in a state, and a record needs one place of them. */
void tw_run_prefetch(const struct tw_run *run)
{
    enum { CONTEXT_FRONT = 512, SERIES_FRONT = 128, FRONT = 768 };
    prefetch(run, sizeof *run);
    prefetch(run->context, CONTEXT_FRONT);
    prefetch(run->series, SERIES_FRONT);
    for (size_t i = 0; tw_detectors[i]; i++) {
        size_t size = tw_detectors[i]->state_size[TW_EXTENT_STEPS];
        prefetch(tw_run_detector_state(run, i), size < FRONT ? size : FRONT);
    }
}

/* ---- the header ---- */

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
    tw_ranks_free(run->ranks);
    free(run->chart);
    put_state(run);
    put_block(runs, run);
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

enum tw_run_health tw_run_health(const struct tw_run *run, const struct tw_settings *settings)
{
    if (has_problem(run))
        return TW_RUN_PROBLEM;
    for (size_t i = 0; tw_detectors[i]; i++) {
        char reason[128];
        if (!tw_detectors[i]->secondary &&
            tw_detectors[i]->has_judged(tw_run_detector_state(run, i), settings->detector[i],
                                        run->context, reason, sizeof reason))
            return TW_RUN_HEALTHY;
    }
    return TW_RUN_UNKNOWN;
}

const char *tw_run_verdict(const struct tw_run *run, const struct tw_settings *settings)
{
    static const char *const words[] = {"unknown", "healthy", "problem"};
    return words[tw_run_health(run, settings)];
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
                                        run->context, ret[n].reason, sizeof ret[n].reason))
            continue;
        if (run->core.state_lost)
            say_lost(ret[n].reason, sizeof ret[n].reason);
        if (run->core.is_revived)
            snprintf(ret[n].reason, sizeof ret[n].reason,
                     "the run was silent, and its history was dropped");
        ret[n++].detector = tw_detectors[i]->name;
    }
    return n;
}
