/* What it takes to decode a step record, one to a message as most programs send them and many to a
 * message as our emitter does, in both wire forms. */
#include "bench/harness.h"

#include "telemetry/emitter.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Records of different runs, so that no branch is learnt by heart. */
#define RECORDS 4096
#define RECORDS_A_GROUP 64
#define RECORD_ROOM 1024

enum form { CBOR_SINGLE, CBOR_GROUPED, JSON_SINGLE, JSON_GROUPED, FORMS };
static const char *const form_names[FORMS] = {"cbor_single", "cbor_grouped", "json_single",
                                              "json_grouped"};

struct messages {
    unsigned char *bytes;         /* one after the other */
    size_t ends[RECORDS];         /* of each */
    size_t n, n_records, n_bytes; /* that are read in one burst */
    size_t n_read;                /* in the last burst */
};

static void put_signals(struct tw_record *record, uint64_t i)
{
    static const struct {
        enum tw_signal signal;
        double value;
    } signals[] = {
        {TW_SIGNAL_EPOCH, 1.25},         {TW_SIGNAL_LOSS, 2.30001},
        {TW_SIGNAL_LEARNING_RATE, 3e-4}, {TW_SIGNAL_GRAD_NORM, 1.7},
        {TW_SIGNAL_UPDATE_NORM, .0123},  {TW_SIGNAL_WEIGHT_NORM, 55.6},
        {TW_SIGNAL_LOSS_SCALE, 65536},   {TW_SIGNAL_SAMPLES, 12800},
        {TW_SIGNAL_STEP_SECONDS, .0312},
    };
    for (size_t k = 0; k < sizeof signals / sizeof *signals; k++)
        tw_record_set(record, signals[k].signal, signals[k].value * (1 + 1e-3 * (double)(i % 97)));
}

static void make_record(struct tw_record *record, uint64_t i)
{
    uint64_t run = i / RECORDS_A_GROUP;
    tw_record_init(record);
    snprintf(record->run, sizeof record->run, "sweep-%llu-resnet50-lr",
             (unsigned long long)(run * 7919 % 100000));
    snprintf(record->attempt, sizeof record->attempt, "20240301T000000Z-%llu",
             (unsigned long long)(run % 64));
    record->has =
        TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_RANK | TW_HAS_KIND | TW_HAS_TIME | TW_HAS_STEP;
    record->seq = record->step = i * 37;
    record->time_ms = 1709251200123 + (int64_t)(i * 31);
    record->grad_norm_kind = TW_GRAD_NORM_PRE_CLIP;
    put_signals(record, i);
}

static size_t encode(const struct tw_record *record, bool is_json, unsigned char *ret)
{
    if (!is_json)
        return (size_t)tw_cbor_encode(record, ret, RECORD_ROOM);
    char *line = tw_json_encode(record);
    int length = line ? snprintf((char *)ret, RECORD_ROOM, "%s\n", line) : 0;
    free(line);
    return (size_t)length;
}

static int make_messages(struct messages *messages, enum form form, size_t n_records)
{
    struct tw_record record;
    bool is_grouped = form == CBOR_GROUPED || form == JSON_GROUPED;
    *messages = (struct messages){.bytes = malloc(n_records * RECORD_ROOM), .n_records = n_records};
    if (!messages->bytes)
        return -ENOMEM;
    for (uint64_t i = 0; i < n_records; i++) {
        make_record(&record, i);
        messages->n_bytes +=
            encode(&record, form >= JSON_SINGLE, messages->bytes + messages->n_bytes);
        if (!is_grouped || (i + 1) % RECORDS_A_GROUP == 0 || i + 1 == n_records)
            messages->ends[messages->n++] = messages->n_bytes;
    }
    return 0;
}

static void decode_all(void *closure)
{
    struct messages *messages = closure;
    struct tw_record record;
    size_t start = 0, n = 0;
    tw_record_init(&record);
    for (size_t i = 0; i < messages->n; i++) {
        size_t offset = 0, size = messages->ends[i] - start;
        while (tw_message_next(messages->bytes + start, size, &offset, &record, NULL) > 0)
            n++;
        start = messages->ends[i];
    }
    messages->n_read = n;
    tw_record_clear(&record);
}

static struct bench_quartiles nanoseconds(const double *seconds, const struct bench_times *times,
                                          const struct messages *messages)
{
    double each[BENCH_ROUNDS_MAX];
    for (unsigned i = 0; i < times->rounds; i++)
        each[i] = 1e9 * seconds[i] / (double)messages->n_records;
    return bench_quartiles_of(each, times->rounds);
}

static void judge(const struct bench_contestant *contestants, const struct bench_times *times,
                  const struct messages *messages, struct bench_figure *ret)
{
    ret->raw = bench_json_times(contestants, times);
    for (int i = 0; i < FORMS; i++) {
        json_t *of = json_object_get(ret->raw, form_names[i]);
        struct bench_quartiles cpu = nanoseconds(times->cpu[i], times, &messages[i]);
        json_object_set_new(of, "record_cpu_ns", bench_json_quartiles(cpu));
        json_object_set_new(of, "record_bytes",
                            json_real((double)messages[i].n_bytes / (double)messages[i].n_records));
        if (i == CBOR_SINGLE)
            ret->value = cpu.median;
    }
    json_object_set_new(ret->raw, "json_by_cbor",
                        bench_json_quartiles(bench_ratio(
                            times->cpu[JSON_SINGLE], times->cpu[CBOR_SINGLE], times->rounds, 1)));
    json_object_set_new(ret->raw, "records_a_group", json_integer(RECORDS_A_GROUP));
    json_object_set_new(ret->raw, "signals",
                        json_string("step records of 18 fields: 8 that identify, 9 signals and "
                                    "grad_norm_kind"));
}

static int measure(struct messages *messages, const struct bench_settings *settings,
                   struct bench_figure *ret, struct tw_error *error)
{
    struct bench_contestant contestants[FORMS];
    static struct bench_times times;
    for (int i = 0; i < FORMS; i++) {
        if (make_messages(&messages[i], (enum form)i, settings->is_smoke ? 100 : RECORDS))
            return tw_error_set(error, -ENOMEM, "out of memory");
        contestants[i] =
            (struct bench_contestant){form_names[i], decode_all, &messages[i], NULL, NULL};
    }
    bench_interleave(contestants, FORMS, settings->rounds ? settings->rounds : 101, &times);
    for (int i = 0; i < FORMS; i++) {
        if (messages[i].n_read != messages[i].n_records)
            return tw_error_set(error, -EBADMSG, "%s: only %zu records were read", form_names[i],
                                messages[i].n_read);
    }
    judge(contestants, &times, messages, ret);
    return 0;
}

static int run(const struct bench_settings *settings, struct bench_figure *ret,
               struct tw_error *error)
{
    static struct messages messages[FORMS];
    int result = measure(messages, settings, ret, error);
    for (int i = 0; i < FORMS; i++)
        free(messages[i].bytes);
    return result;
}

const struct bench_benchmark bench_decode = {
    .name = "decode_record_ns",
    .unit = "ns of CPU a record",
    .description = "decoding a step record of CBOR, one to a message",
    .goal = 250,
    .run = run,
};
