/* Envelope, flat core, the context and the detectors' states as far as they reach, episodes,
 * header, ranks, chart: in this order, sizes told beforehand.
 */
#include "agent/snapshot.h"

#include "telemetry/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAGIC "TWSTATE3"

struct envelope {
    char magic[8];
    char digest[17]; /* thresholds and the detectors' state versions */
    char padding[7];
    uint32_t core_size, episode_size; /* the layouts of this build */
    uint32_t extent, state_size;      /* enum tw_extent */
    uint32_t n_episodes, header_size;
    uint32_t checksum;   /* CRC-32 of all that follows the envelope */
    uint32_t ranks_size; /* 0: there is one rank */
    uint32_t chart_size; /* 0: nothing is drawn */
    uint32_t more_padding;
};

unsigned char *tw_snapshot_save(const struct tw_run *run, const struct tw_settings *settings,
                                size_t *ret_size)
{
    struct envelope envelope = {
        .core_size = sizeof run->core,
        .episode_size = sizeof *run->episodes.at,
        .extent = run->context->extent,
        .state_size = (uint32_t)tw_run_state_size((enum tw_extent)run->context->extent),
        .n_episodes = (uint32_t)run->episodes.n,
        .header_size = (uint32_t)run->n_header_bytes,
        .ranks_size = run->ranks ? (uint32_t)tw_ranks_save(run->ranks, NULL) : 0,
        .chart_size = run->chart ? (uint32_t)sizeof *run->chart : 0,
    };
    memcpy(envelope.magic, MAGIC, sizeof envelope.magic);
    tw_settings_digest(settings, envelope.digest);
    size_t episodes_size = run->episodes.n * sizeof *run->episodes.at;
    size_t size = sizeof envelope + sizeof run->core + envelope.state_size + episodes_size +
                  run->n_header_bytes + envelope.ranks_size + envelope.chart_size;
    unsigned char *bytes = malloc(size), *at = bytes;
    if (!bytes)
        return NULL;
    at += sizeof envelope;
    at = (unsigned char *)memcpy(at, &run->core, sizeof run->core) + sizeof run->core;
    at = (unsigned char *)memcpy(at, run->state, envelope.state_size) + envelope.state_size;
    if (episodes_size)
        memcpy(at, run->episodes.at, episodes_size);
    at += episodes_size;
    if (run->n_header_bytes)
        memcpy(at, run->header_bytes, run->n_header_bytes);
    at += run->n_header_bytes;
    if (run->ranks)
        tw_ranks_save(run->ranks, at);
    if (run->chart)
        memcpy(at + envelope.ranks_size, run->chart, sizeof *run->chart);
    envelope.checksum = (uint32_t)crc32(0, bytes + sizeof envelope, (uInt)(size - sizeof envelope));
    memcpy(bytes, &envelope, sizeof envelope);
    *ret_size = size;
    return bytes;
}

static int check_envelope(const struct envelope *envelope, const unsigned char *body, size_t size,
                          const struct tw_settings *settings, struct tw_error *error)
{
    char digest[17];
    tw_settings_digest(settings, digest);
    if (memcmp(envelope->magic, MAGIC, sizeof envelope->magic))
        return tw_error_set(error, -ESTALE, "saved state is of another version");
    if (envelope->core_size != sizeof(struct tw_run_core) ||
        envelope->episode_size != sizeof(struct tw_episode) || envelope->extent >= TW_EXTENTS ||
        envelope->state_size != tw_run_state_size((enum tw_extent)envelope->extent) ||
        (envelope->chart_size && envelope->chart_size != sizeof(struct tw_run_chart)) ||
        memcmp(envelope->digest, digest, sizeof digest))
        return tw_error_set(error, -ESTALE,
                            "saved state is of another build or of other thresholds");
    /* The size bounds the counts: a damaged one does not allocate. */
    if (size != sizeof(struct tw_run_core) + envelope->state_size +
                    (size_t)envelope->n_episodes * sizeof(struct tw_episode) +
                    envelope->header_size + envelope->ranks_size + envelope->chart_size ||
        crc32(0, body, (uInt)size) != envelope->checksum)
        return tw_error_set(error, -EBADMSG, "saved state is damaged");
    return 0;
}

static int load_state(struct tw_run *run, const unsigned char *at, enum tw_extent extent,
                      const struct tw_settings *settings)
{
    if (extent > TW_EXTENT_STEPS && tw_run_grow(run, settings, extent))
        return -ENOMEM;
    memcpy(run->state, at, tw_run_state_size(extent));
    run->context->extent = (uint8_t)extent;
    return 0;
}

static int load_episodes(struct tw_run *run, const unsigned char *at, uint32_t n)
{
    size_t n_detectors = 0;
    while (tw_detectors[n_detectors])
        n_detectors++;
    if (n == 0)
        return 0;
    run->episodes.at = malloc(n * sizeof *run->episodes.at);
    if (!run->episodes.at)
        return -ENOMEM;
    memcpy(run->episodes.at, at, n * sizeof *run->episodes.at);
    run->episodes.n = n;
    for (uint32_t i = 0; i < n; i++) {
        struct tw_episode *episode = &run->episodes.at[i];
        if (episode->detector >= n_detectors)
            return -EBADMSG;
        episode->finding.detector = tw_detectors[episode->detector]->name;
    }
    return 0;
}

static int load_header(struct tw_run *run, const unsigned char *at, size_t size)
{
    struct tw_record record;
    size_t used;
    if (size == 0)
        return 0;
    tw_record_init(&record);
    int result = -EBADMSG;
    if (tw_cbor_decode(at, size, &record, &used, NULL) == 1 && record.header) {
        tw_run_take_header(run, &record);
        result = run->header ? 0 : -ENOMEM;
    }
    tw_record_clear(&record);
    return result;
}

static int load_chart(struct tw_run *run, const unsigned char *at)
{
    run->chart = malloc(sizeof *run->chart);
    if (!run->chart)
        return -ENOMEM;
    memcpy(run->chart, at, sizeof *run->chart);
    return 0;
}

int tw_snapshot_load(struct tw_run **ret, const void *data, size_t size,
                     const struct tw_settings *settings, struct tw_error *error)
{
    struct envelope envelope;
    if (size < sizeof envelope)
        return tw_error_set(error, -EBADMSG, "saved state is cut short");
    memcpy(&envelope, data, sizeof envelope);
    const unsigned char *at = (const unsigned char *)data + sizeof envelope;
    int result = check_envelope(&envelope, at, size - sizeof envelope, settings, error);
    if (result)
        return result;
    struct tw_run *run = tw_run_new("", settings);
    if (!run)
        return tw_error_set(error, -ENOMEM, "out of memory");
    memcpy(&run->core, at, sizeof run->core);
    at += sizeof run->core;
    result = load_state(run, at, (enum tw_extent)envelope.extent, settings);
    at += envelope.state_size;
    if (!result)
        result = load_episodes(run, at, envelope.n_episodes);
    at += (size_t)envelope.n_episodes * sizeof(struct tw_episode);
    if (!result)
        result = load_header(run, at, envelope.header_size);
    at += envelope.header_size;
    if (!result && envelope.ranks_size)
        result = tw_ranks_load(&run->ranks, at, (size_t)envelope.ranks_size);
    at += envelope.ranks_size;
    if (!result && envelope.chart_size)
        result = load_chart(run, at);
    if (result) {
        tw_run_free(run);
        return tw_error_set(error, result, "saved state is damaged");
    }
    *ret = run;
    return 0;
}
