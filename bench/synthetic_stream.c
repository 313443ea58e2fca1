/* Records of healthy runs: the loss falls by a power law, and everything scatters a little. */
#include "bench/synthetic_stream.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS INT64_C(1764547200000) /* 2025-12-01 */
#define STEP_MS 250

void bench_run_id(char ret[TW_RUN_ID_MAX + 1], uint32_t run)
{
    snprintf(ret, TW_RUN_ID_MAX + 1, "bench-%07u-resnet50-lr3e-4", (unsigned)run);
}

/* Uniform in -1..1, from run, step and signal (the finaliser of G. Steele, D. Lea and C. Flood,
 * "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014). */
static double scatter(uint32_t run, uint64_t step, unsigned signal)
{
    uint64_t z = ((uint64_t)run << 40) ^ (step << 4) ^ signal;
    z = (z + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-52 - 1;
}

void bench_step_record(struct tw_record *ret, uint32_t run, uint64_t step)
{
    double t = (double)step;
    bench_run_id(ret->run, run);
    snprintf(ret->attempt, sizeof ret->attempt, "20251201T000000Z-4711");
    ret->has = TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_RANK | TW_HAS_KIND | TW_HAS_TIME | TW_HAS_STEP;
    ret->kind = TW_KIND_STEP;
    ret->rank = 0;
    ret->seq = ret->step = step;
    ret->time_ms = START_MS + (int64_t)step * STEP_MS;
    ret->grad_norm_kind = TW_GRAD_NORM_PRE_CLIP;
    tw_record_set(ret, TW_SIGNAL_EPOCH, t / 1000);
    tw_record_set(ret, TW_SIGNAL_LOSS,
                  (.5 + 8 / sqrt(t + 10)) * (1 + .03 * scatter(run, step, TW_SIGNAL_LOSS)));
    tw_record_set(ret, TW_SIGNAL_LEARNING_RATE, 3e-4);
    tw_record_set(ret, TW_SIGNAL_GRAD_NORM, 1 + .2 * scatter(run, step, TW_SIGNAL_GRAD_NORM));
    tw_record_set(ret, TW_SIGNAL_UPDATE_NORM, .03 + .002 * scatter(run, step, 5));
    tw_record_set(ret, TW_SIGNAL_WEIGHT_NORM, 31.5 + .0001 * t);
    tw_record_set(ret, TW_SIGNAL_SAMPLES, 256 * (t + 1));
    tw_record_set(ret, TW_SIGNAL_STEP_SECONDS, .25 + .01 * scatter(run, step, 11));
}

static long append_json(char *at, size_t room, const struct tw_record *record)
{
    char *text = tw_json_encode(record);
    size_t length = text ? strlen(text) : 0;
    if (!text || length + 1 > room) {
        free(text);
        return text ? -ENOBUFS : -ENOMEM;
    }
    memcpy(at, text, length);
    at[length] = '\n';
    free(text);
    return (long)length + 1;
}

long bench_message(void *buffer, size_t size, uint32_t run, uint64_t step, unsigned n,
                   enum tw_wire_format format)
{
    char *at = buffer;
    struct tw_record record;
    tw_record_init(&record);
    for (unsigned i = 0; i < n; i++) {
        size_t room = size - (size_t)(at - (char *)buffer);
        bench_step_record(&record, run, step + i);
        long bytes = format == TW_WIRE_CBOR ? tw_cbor_encode(&record, at, room)
                                            : append_json(at, room, &record);
        if (bytes < 0)
            return bytes;
        at += bytes;
    }
    tw_record_clear(&record);
    return at - (char *)buffer;
}
