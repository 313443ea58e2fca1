/* Batches, and their way to the outputs. */
#include "telemetry/emitter_writer.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long a batch waits for room in a full Kafka queue before its records count as lost. */
#define FULL_QUEUE_PATIENCE_SECONDS 0.1

/* After a loss the header goes out again, but not before each message of a broker that takes none.
 */
#define HEADER_AFTER_LOSS_SECONDS 1

static int append(struct tw_emitter_bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->room) {
        size_t room = bytes->size + size > 2 * bytes->room ? bytes->size + size : 2 * bytes->room;
        unsigned char *grown = realloc(bytes->at, room);
        if (!grown)
            return -ENOMEM;
        bytes->at = grown;
        bytes->room = room;
    }
    memcpy(bytes->at + bytes->size, data, size);
    bytes->size += size;
    return 0;
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* A message's tag: how many records it holds, and whether the file has them, too. */
static uint32_t make_tag(uint32_t n, bool is_in_file)
{
    return n << 1 | is_in_file;
}

/* The header may have been in what was lost. */
static void bring_header_forward(struct tw_emitter_writer *writer)
{
    double due = tw_now_seconds() + HEADER_AFTER_LOSS_SECONDS;
    if (due < writer->header_due)
        writer->header_due = due;
}

static void on_kafka_done(void *closure, uint32_t tag, const char *reason)
{
    struct tw_emitter_writer *writer = closure;
    bool is_in_file = tag & 1;
    uint32_t n = tag >> 1;
    if (reason && n)
        tw_error_set(&writer->error, -EIO, "kafka: %s", reason);
    if (reason)
        bring_header_forward(writer);
    count(!reason && is_in_file ? &writer->delivered : &writer->lost, n);
}

int tw_emitter_writer_open(struct tw_emitter_writer *writer,
                           const struct tw_emitter_options *options, struct tw_error *error)
{
    int result = 0;
    writer->format = options->format;
    writer->rank = options->rank;
    writer->linger_seconds = options->linger_seconds;
    writer->header_seconds = options->header_seconds;
    writer->batch_bytes = options->batch_bytes;
    if (options->run_dir) {
        writer->run_dir = strdup(options->run_dir);
        result = writer->run_dir ? tw_run_file_open(&writer->file, options->run_dir,
                                                    options->format, options->rank, error)
                                 : tw_error_set(error, -ENOMEM, "out of memory");
    }
    if (!result && options->kafka_brokers) {
        struct tw_emitter_kafka_hooks hooks = {on_kafka_done, writer};
        result = tw_emitter_kafka_open(&writer->kafka, options, options->run, &hooks, error);
    }
    return result;
}

/* How long an output may keep us waiting now. */
static double patience(const struct tw_emitter_writer *writer)
{
    double left = writer->close_by - tw_now_seconds();
    if (!writer->is_closing || left > FULL_QUEUE_PATIENCE_SECONDS)
        return FULL_QUEUE_PATIENCE_SECONDS;
    return left > 0 ? left : 0;
}

/* The header once more, in a message of its own before the batch's: the file has it already. It
 * is a repeat, so that nothing is lost when it does not arrive. */
static void repeat_header(struct tw_emitter_writer *writer)
{
    double now = tw_now_seconds();
    if (!writer->header.size || now < writer->header_due)
        return;
    writer->header_due = now + writer->header_seconds;
    struct tw_error ignored = {0};
    tw_emitter_kafka_send(writer->kafka, writer->header.at, writer->header.size, make_tag(0, true),
                          patience(writer), &ignored);
}

static void flush(struct tw_emitter_writer *writer)
{
    uint32_t n = writer->n_batch;
    bool is_in_file = true;
    if (!n)
        return;
    if (writer->file)
        is_in_file =
            !tw_run_file_append(writer->file, writer->batch.at, writer->batch.size, &writer->error);
    if (!writer->kafka) {
        count(is_in_file ? &writer->delivered : &writer->lost, n);
    } else {
        repeat_header(writer);
        if (tw_emitter_kafka_send(writer->kafka, writer->batch.at, writer->batch.size,
                                  make_tag(n, is_in_file), patience(writer), &writer->error)) {
            count(&writer->lost, n);
            bring_header_forward(writer);
        }
    }
    writer->batch.size = 0;
    writer->n_batch = 0;
    writer->is_urgent = false;
}

/* Makes writer->line of a record in CBOR. */
static int make_line(struct tw_emitter_writer *writer, const void *record, size_t size)
{
    struct tw_record decoded;
    size_t used;
    char *text = NULL;
    tw_record_init(&decoded);
    if (tw_cbor_decode(record, size, &decoded, &used, NULL) > 0)
        text = tw_json_encode(&decoded);
    tw_record_clear(&decoded);
    size_t length = text ? strlen(text) : 0;
    if (text)
        text[length] = '\n'; /* in place of the NUL */
    writer->line.size = 0;
    int result = text ? append(&writer->line, text, length + 1) : -ENOMEM;
    free(text);
    return result;
}

static void write_run_json(struct tw_emitter_writer *writer, const void *record, size_t size)
{
    struct tw_record header;
    size_t used;
    tw_record_init(&header);
    if (tw_cbor_decode(record, size, &header, &used, &writer->error) > 0)
        tw_run_file_write_header(writer->run_dir, &header, &writer->error);
    tw_record_clear(&header);
}

static void keep_header(struct tw_emitter_writer *writer, const void *converted, size_t size)
{
    writer->header.size = 0;
    if (!append(&writer->header, converted, size))
        writer->header_due = tw_now_seconds() + writer->header_seconds;
}

static int add_to_batch(struct tw_emitter_writer *writer, const void *converted, size_t size)
{
    if (writer->batch.size + size > writer->batch_bytes)
        flush(writer);
    if (append(&writer->batch, converted, size))
        return -ENOMEM;
    if (writer->n_batch++ == 0)
        writer->batch_began = tw_now_seconds();
    return 0;
}

void tw_emitter_writer_take(struct tw_emitter_writer *writer, const void *record, size_t size,
                            uint32_t mark)
{
    const void *converted = record;
    size_t converted_size = size;
    int result = 0;
    if (writer->format == TW_WIRE_JSON) {
        result = make_line(writer, record, size);
        converted = writer->line.at;
        converted_size = writer->line.size;
    }
    if (!result)
        result = add_to_batch(writer, converted, converted_size);
    if (result) {
        tw_error_set(&writer->error, result, "out of memory");
        count(&writer->lost, 1);
        return;
    }
    if (mark & TW_MARK_HEADER) {
        keep_header(writer, converted, converted_size);
        if (writer->run_dir && writer->rank == 0)
            write_run_json(writer, record, size);
    }
    writer->is_urgent = writer->is_urgent || mark & TW_MARK_URGENT;
}

void tw_emitter_writer_tick(struct tw_emitter_writer *writer)
{
    if (writer->is_urgent ||
        (writer->n_batch && tw_now_seconds() - writer->batch_began >= writer->linger_seconds))
        flush(writer);
    if (writer->kafka)
        tw_emitter_kafka_poll(writer->kafka);
}

void tw_emitter_writer_begin_close(struct tw_emitter_writer *writer, double seconds)
{
    writer->close_by = tw_now_seconds() + seconds;
    writer->is_closing = true;
}

void tw_emitter_writer_close(struct tw_emitter_writer *writer)
{
    flush(writer);
    if (writer->file)
        tw_run_file_sync(writer->file, &writer->error);
    tw_emitter_kafka_close(writer->kafka, writer->close_by - tw_now_seconds());
    tw_run_file_close(writer->file);
    free(writer->run_dir);
    free(writer->batch.at);
    free(writer->line.at);
    free(writer->header.at);
}
