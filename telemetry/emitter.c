/* The training loop's side of the emitter, and its writer thread. */
#include "telemetry/emitter.h"

#include "config.h"
#include "telemetry/emitter_frame.h"
#include "telemetry/emitter_writer.h"
#include "telemetry/ring.h"
#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RING_BYTES (4u << 20)
#define RING_BYTES_MAX (1u << 30)
#define LINGER_SECONDS 0.2
#define BATCH_BYTES (64u << 10)
#define BATCH_BYTES_MAX (16u << 20)
#define HEADER_SECONDS 60
#define CLOSE_SECONDS 10
/* How often the writer thread looks into the ring: the training loop cannot wake it without a
 * system call. 200 looks a second cost about 0.1 % of a core. */
#define LOOK_EVERY_NS 5000000
/* So many records are taken out of the ring before the outputs are looked after again. */
#define DRAIN_RECORDS 64
/* In CBOR a record is longer than its frame by its fields' names and the run's and attempt's, all
 * of them bounded: under 2 KiB. */
#define NAMES_BYTES 4096

struct tw_emitter {
    /* the training loop's */
    char run[TW_RUN_ID_MAX + 1], attempt[TW_ATTEMPT_MAX + 1];
    uint32_t rank;
    uint64_t seq;
    size_t record_bytes_max;
    _Atomic uint64_t emitted, dropped;

    struct tw_ring ring;

    /* the writer thread's */
    alignas(TW_CACHE_LINE) struct tw_emitter_writer writer;
    struct tw_frame_record unpacked;
    void *encoded; /* room for the largest record in CBOR */
    double close_seconds;
    pthread_t thread;
    _Atomic bool is_closing;
};

static void take(struct tw_emitter *emitter, void *frame, size_t size, uint32_t mark)
{
    if (mark & TW_MARK_HEADER) {
        tw_emitter_writer_take(&emitter->writer, frame, size, mark);
        return;
    }
    tw_frame_unpack(&emitter->unpacked, frame);
    long encoded = tw_cbor_encode(&emitter->unpacked.record, emitter->encoded,
                                  emitter->record_bytes_max + NAMES_BYTES);
    tw_emitter_writer_take(&emitter->writer, emitter->encoded, (size_t)encoded, mark);
}

/* Takes some records out of the ring. Returns whether there may be more. */
static bool drain(struct tw_emitter *emitter)
{
    void *frame;
    size_t size;
    uint32_t mark;
    for (int i = 0; i < DRAIN_RECORDS; i++) {
        frame = tw_ring_peek(&emitter->ring, &size, &mark);
        if (!frame)
            return false;
        take(emitter, frame, size, mark);
        tw_ring_drop(&emitter->ring);
    }
    return true;
}

static void *write_until_closed(void *argument)
{
    struct tw_emitter *emitter = argument;
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
    while (!atomic_load_explicit(&emitter->is_closing, memory_order_acquire)) {
        bool has_more = drain(emitter);
        tw_emitter_writer_tick(&emitter->writer);
        if (!has_more)
            nanosleep(&pause, NULL);
    }
    tw_emitter_writer_begin_close(&emitter->writer, emitter->close_seconds);
    while (drain(emitter))
        tw_emitter_writer_tick(&emitter->writer);
    tw_emitter_writer_close(&emitter->writer);
    return NULL;
}

/* An empty text is as good as none: it is what a shell variable that is not set becomes. */
static const char *text_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static int check_identity(const char *name, const char *value, size_t max, struct tw_error *error)
{
    size_t length = value ? strlen(value) : 0;
    if (!length)
        return tw_error_set(error, -EINVAL, "%s: missing", name);
    if (length > max)
        return tw_error_set(error, -EINVAL, "%s: longer than %zu bytes", name, max);
    if (!tw_text_is_utf8(value, length))
        return tw_error_set(error, -EINVAL, "%s: not UTF-8", name);
    return 0;
}

static int default_seconds(double *seconds, double preset, const char *name, struct tw_error *error)
{
    if (*seconds == 0)
        *seconds = preset;
    if (*seconds > 0 && *seconds <= 86400)
        return 0;
    return tw_error_set(error, -EINVAL, "%s: %g is outside 0 to 86400", name, *seconds);
}

static int default_bytes(size_t *bytes, size_t preset, size_t max, const char *name,
                         struct tw_error *error)
{
    if (!*bytes)
        *bytes = preset;
    if (*bytes <= max)
        return 0;
    return tw_error_set(error, -EINVAL, "%s: %zu is more than %zu", name, *bytes, max);
}

/* One process start: the time tells people, the pid tells two of the same second apart. */
static void make_attempt(char *ret, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    size_t length = strftime(ret, size, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(ret + length, size - length, "-%ld", (long)getpid());
}

static int complete(struct tw_emitter_options *options, char *attempt, struct tw_error *error)
{
    options->run_dir = text_or_null(options->run_dir);
    options->kafka_brokers = text_or_null(options->kafka_brokers);
    options->kafka_topic = text_or_null(options->kafka_topic);
    options->attempt = text_or_null(options->attempt);
    if (!options->attempt) {
        make_attempt(attempt, TW_ATTEMPT_MAX + 1);
        options->attempt = attempt;
    }
    if (!options->run_dir && !options->kafka_brokers)
        return tw_error_set(error, -EINVAL, "neither run_dir nor kafka_brokers is given");
    int result = check_identity("run", options->run, TW_RUN_ID_MAX, error);
    if (!result)
        result = check_identity("attempt", options->attempt, TW_ATTEMPT_MAX, error);
    if (!result)
        result =
            default_bytes(&options->ring_bytes, RING_BYTES, RING_BYTES_MAX, "ring_bytes", error);
    if (!result)
        result = default_bytes(&options->batch_bytes, BATCH_BYTES, BATCH_BYTES_MAX, "batch_bytes",
                               error);
    if (!result)
        result = default_seconds(&options->linger_seconds, LINGER_SECONDS, "linger_seconds", error);
    if (!result)
        result = default_seconds(&options->header_seconds, HEADER_SECONDS, "header_seconds", error);
    if (!result)
        result = default_seconds(&options->close_seconds, CLOSE_SECONDS, "close_seconds", error);
    return result;
}

static int set_up(struct tw_emitter *emitter, const struct tw_emitter_options *options)
{
    struct tw_record *unpacked = &emitter->unpacked.record;
    memcpy(emitter->run, options->run, strlen(options->run));
    memcpy(emitter->attempt, options->attempt, strlen(options->attempt));
    emitter->rank = options->rank;
    emitter->close_seconds = options->close_seconds;
    emitter->record_bytes_max =
        emitter->ring.size / 4 < TW_RECORD_BYTES_MAX ? emitter->ring.size / 4 : TW_RECORD_BYTES_MAX;
    memcpy(unpacked->run, emitter->run, sizeof unpacked->run);
    memcpy(unpacked->attempt, emitter->attempt, sizeof unpacked->attempt);
    unpacked->rank = emitter->rank;
    emitter->encoded = malloc(emitter->record_bytes_max + NAMES_BYTES);
    return emitter->encoded ? 0 : -ENOMEM;
}

static int start(struct tw_emitter *emitter, const struct tw_emitter_options *options,
                 struct tw_error *error)
{
    sigset_t all, callers;
    int result = tw_ring_init(&emitter->ring, options->ring_bytes);
    if (!result)
        result = set_up(emitter, options);
    if (result)
        return tw_error_set(error, result, "out of memory");
    /* Signals are the training's: neither our thread nor librdkafka's may be the one to get them.
     */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &callers);
    result = tw_emitter_writer_open(&emitter->writer, options, error);
    if (!result) {
        result = -pthread_create(&emitter->thread, NULL, write_until_closed, emitter);
        if (result)
            tw_error_set(error, result, "no thread can be started: %s", strerror(-result));
    }
    pthread_sigmask(SIG_SETMASK, &callers, NULL);
    return result;
}

int tw_emitter_open(struct tw_emitter **ret, const struct tw_emitter_options *options,
                    struct tw_error *error)
{
    struct tw_emitter_options completed = *options;
    char attempt[TW_ATTEMPT_MAX + 1];
    int result = complete(&completed, attempt, error);
    if (result)
        return result;
    struct tw_emitter *emitter = aligned_alloc(TW_CACHE_LINE, sizeof *emitter);
    if (!emitter)
        return tw_error_set(error, -ENOMEM, "out of memory");
    memset(emitter, 0, sizeof *emitter);
    result = start(emitter, &completed, error);
    if (result) {
        tw_emitter_writer_close(&emitter->writer);
        tw_ring_release(&emitter->ring);
        free(emitter->encoded);
        free(emitter);
        return result;
    }
    *ret = emitter;
    return 0;
}

/* What the writer thread fills in of the other kinds a header says here, in CBOR. */
static void identify_header(const struct tw_emitter *emitter, struct tw_record *record)
{
    memcpy(record->run, emitter->run, sizeof record->run);
    memcpy(record->attempt, emitter->attempt, sizeof record->attempt);
    record->rank = emitter->rank;
}

TW_HOT
static void identify(struct tw_emitter *emitter, struct tw_record *record)
{
    record->seq = emitter->seq++;
    record->has |= TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_RANK | TW_HAS_KIND;
    if (!(record->has & TW_HAS_TIME)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        record->time_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        record->has |= TW_HAS_TIME;
    }
    uint64_t dropped = atomic_load_explicit(&emitter->dropped, memory_order_relaxed);
    if (dropped && record->kind == TW_KIND_STEP)
        tw_record_set(record, TW_SIGNAL_DROPPED_RECORDS, (double)dropped);
}

/* 0 where there is room, -ENOBUFS where the ring is full, -EMSGSIZE where it will never do. */
TW_HOT
static int check_room(const struct tw_emitter *emitter, size_t size, size_t room)
{
    if (size > emitter->record_bytes_max)
        return -EMSGSIZE;
    return size > room ? -ENOBUFS : 0;
}

/* Headers are rare and made of lists: in CBOR from the start. */
static int put_header(struct tw_emitter *emitter, struct tw_record *record, uint32_t mark,
                      bool at_start)
{
    size_t room, max = emitter->record_bytes_max;
    void *at = tw_ring_reserve(&emitter->ring, at_start, &room);
    if (!at)
        return -ENOBUFS;
    identify_header(emitter, record);
    long size = tw_cbor_encode(record, at, room < max ? room : max);
    if (size < 0)
        return room < max ? -ENOBUFS : -EMSGSIZE;
    tw_ring_commit(&emitter->ring, at_start, (size_t)size, mark);
    return 0;
}

TW_HOT
static int put(struct tw_emitter *emitter, struct tw_record *record, uint32_t mark, bool at_start)
{
    if (mark & TW_MARK_HEADER)
        return put_header(emitter, record, mark, at_start);
    size_t room, size = tw_frame_size(record);
    void *at = tw_ring_reserve(&emitter->ring, at_start, &room);
    int result = check_room(emitter, size, at ? room : 0);
    if (result)
        return result;
    tw_frame_pack(record, at);
    tw_ring_commit(&emitter->ring, at_start, size, mark);
    return 0;
}

/* One thread adds: no need for the bus lock of an atomic addition. */
TW_HOT
static void count_up(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

TW_HOT
int tw_emit(struct tw_emitter *emitter, struct tw_record *record)
{
    uint32_t mark = record->kind == TW_KIND_HEADER ? TW_MARK_HEADER : 0;
    if (record->kind == TW_KIND_END || tw_record_is_nonfinite(record))
        mark |= TW_MARK_URGENT;
    identify(emitter, record);
    int result = put(emitter, record, mark, false);
    if (result == -ENOBUFS)
        result = put(emitter, record, mark, true);
    count_up(result ? &emitter->dropped : &emitter->emitted);
    return result;
}

struct tw_emitter_counts tw_emitter_counts(const struct tw_emitter *emitter)
{
    return (struct tw_emitter_counts){
        .emitted = atomic_load_explicit(&emitter->emitted, memory_order_relaxed),
        .dropped = atomic_load_explicit(&emitter->dropped, memory_order_relaxed),
        .lost = atomic_load_explicit(&emitter->writer.lost, memory_order_relaxed),
        .delivered = atomic_load_explicit(&emitter->writer.delivered, memory_order_relaxed),
    };
}

int tw_emitter_close(struct tw_emitter *emitter, struct tw_emitter_counts *ret_counts,
                     struct tw_error *error)
{
    if (!emitter)
        return 0;
    atomic_store_explicit(&emitter->is_closing, true, memory_order_release);
    pthread_join(emitter->thread, NULL);
    int result = emitter->writer.error.code;
    if (result && error && !error->code)
        *error = emitter->writer.error;
    if (ret_counts)
        *ret_counts = tw_emitter_counts(emitter);
    tw_ring_release(&emitter->ring);
    free(emitter->encoded);
    free(emitter);
    return result;
}

const char *tw_version(void)
{
    return PACKAGE_VERSION;
}
