/* TensorBoard's event files (events.out.tfevents.*), also those of PyTorch, tensorboardX, Keras,
 * Lightning and HuggingFace: records of TFRecord (length, checksum of the length, data, checksum of
 * the data; little-endian), each an Event (tensorflow/core/util/event.proto).
 *
 * A row is what one event tells. Scalars stand in simple_value or in a tensor of rank 0. A
 * histogram "h" gives "h/mean", "h/std", "h/norm", "h/abs_max" and "h/zero_fraction", as far as it
 * tells them exactly (tensorboard_tensor.h). */
#include "sources/logs/format.h"

#include "sources/logs/crc32c.h"
#include "sources/logs/tensorboard_parameters.h"
#include "sources/logs/tensorboard_tags.h"
#include "sources/logs/tensorboard_tensor.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_BYTES 16u /* around the data */
#define HEAD_BYTES 12u

/* A record that is longer is held here, and the caller need not: it grows with what has come, not
 * with what the length says. TensorFlow 1 puts the pictures of a step beside its scalars, so that
 * such a record is well worth it. */
#define HELD_FROM_BYTES (256u << 10)
#define RECORD_BYTES_MAX (64u << 20) /* that of most protobuf writers */

#define CELLS_MAX 64
#define HISTOGRAM_CELLS 5

/* Room for a tag and what a histogram puts behind it. */
#define NAME_BYTES (TW_TAG_BYTES_MAX + 16)

struct tensorboard {
    struct tw_tags tags;
    uint8_t *held; /* the beginning of a long record, its frame included */
    size_t held_size, held_room;
    uint64_t left_to_pass; /* of a record that is too long to be held */
};

/* What of an Event is for us. */
struct event {
    double wall_time;
    int64_t step;
    struct tw_protobuf summary, session_log;
    bool has_summary, has_session_log, has_version, has_wall_time;
};

struct summary_value {
    struct tw_protobuf tag, histogram, tensor, metadata;
    float simple_value;
    bool has_simple_value, has_histogram, has_tensor, has_metadata;
};

/* The row that an event becomes. */
struct building {
    const struct tw_log_sink *sink;
    struct tw_row row;
    struct tw_cell cells[CELLS_MAX];
    char names[HISTOGRAM_CELLS][NAME_BYTES]; /* of a histogram's cells */
};

static uint32_t read_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return le32toh(value);
}

static uint64_t read_u64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return le64toh(value);
}

static bool read_event(struct tw_protobuf message, struct event *ret)
{
    struct tw_protobuf_field field;
    int found;
    ret->wall_time = NAN;
    ret->step = 0; /* of the rest, what is read has its flag set */
    ret->has_summary = ret->has_session_log = ret->has_version = ret->has_wall_time = false;
    while ((found = tw_protobuf_next(&message, &field)) > 0) {
        if (tw_protobuf_is(&field, 1, TW_WIRE_FIXED64)) {
            ret->wall_time = tw_protobuf_double(field.value);
            ret->has_wall_time = true;
        } else if (tw_protobuf_is(&field, 2, TW_WIRE_VARINT)) {
            ret->step = (int64_t)field.value;
        } else if (tw_protobuf_is(&field, 3, TW_WIRE_BYTES)) {
            ret->has_version = true;
        } else if (tw_protobuf_is(&field, 5, TW_WIRE_BYTES)) {
            ret->summary = field.bytes;
            ret->has_summary = true;
        } else if (tw_protobuf_is(&field, 7, TW_WIRE_BYTES)) {
            ret->session_log = field.bytes;
            ret->has_session_log = true;
        }
    }
    return !found;
}

static bool read_value(struct tw_protobuf message, struct summary_value *ret)
{
    struct tw_protobuf_field field;
    int found;
    ret->tag = ret->metadata = (struct tw_protobuf){0};
    /* Of the rest, what is read has its flag set. */
    ret->has_simple_value = ret->has_histogram = ret->has_tensor = ret->has_metadata = false;
    while ((found = tw_protobuf_next(&message, &field)) > 0) {
        if (tw_protobuf_is(&field, 1, TW_WIRE_BYTES)) {
            ret->tag = field.bytes;
        } else if (tw_protobuf_is(&field, 2, TW_WIRE_FIXED32)) {
            ret->simple_value = tw_protobuf_float(field.value);
            ret->has_simple_value = true;
        } else if (tw_protobuf_is(&field, 5, TW_WIRE_BYTES)) {
            ret->histogram = field.bytes;
            ret->has_histogram = true;
        } else if (tw_protobuf_is(&field, 8, TW_WIRE_BYTES)) {
            ret->tensor = field.bytes;
            ret->has_tensor = true;
        } else if (tw_protobuf_is(&field, 9, TW_WIRE_BYTES)) {
            ret->metadata = field.bytes;
            ret->has_metadata = true;
        }
    }
    return !found;
}

static int flush_row(struct building *building)
{
    int result = 0;
    if (building->row.n_cells)
        result = building->sink->row(building->sink->closure, &building->row);
    building->row.n_cells = 0;
    return result;
}

static int add_cell(struct building *building, const char *name, double value,
                    enum tw_meaning meaning)
{
    int result = building->row.n_cells == CELLS_MAX ? flush_row(building) : 0;
    building->cells[building->row.n_cells++] = (struct tw_cell){name, value, meaning};
    return result;
}

static int broken(const struct building *building, const char *reason)
{
    return building->sink->broken(building->sink->closure, reason);
}

static int add_histogram(struct building *building, const char *tag,
                         const struct tw_histogram *histogram)
{
    const struct {
        const char *name;
        bool is_told;
        double value;
    } parts[HISTOGRAM_CELLS] = {
        {"abs_max", true, histogram->abs_max},
        {"mean", histogram->has_sums, histogram->mean},
        {"std", histogram->has_sums, histogram->standard_deviation},
        {"norm", histogram->has_sums, histogram->norm},
        {"zero_fraction", histogram->has_zeros, histogram->zero_fraction},
    };
    int result = flush_row(building);
    for (size_t i = 0; i < HISTOGRAM_CELLS && !result; i++) {
        snprintf(building->names[i], NAME_BYTES, "%s/%s", tag, parts[i].name);
        if (parts[i].is_told)
            result = add_cell(building, building->names[i], parts[i].value, TW_MEANS_OF_LAYER);
    }
    return result ? result : flush_row(building);
}

static int take_tensor(struct building *building, const struct tw_tag *tag, bool is_first,
                       struct tw_protobuf message)
{
    struct tw_tensor tensor;
    struct tw_histogram histogram;
    double number;
    if (!tw_tensor_read(message, &tensor))
        return broken(building, "a tensor is not well-formed");
    if (tag->plugin == TW_PLUGIN_TEXT || (tag->plugin == TW_PLUGIN_NONE && tensor.has_first))
        return is_first && tensor.has_first
                   ? tw_tensorboard_text(tag->name, tensor.first, building->sink)
                   : 0;
    if (tag->plugin == TW_PLUGIN_HISTOGRAMS)
        return tw_histogram_of_tensor(&tensor, &histogram)
                   ? add_histogram(building, tag->name, &histogram)
                   : 0;
    if (tw_tensor_scalar(&tensor, &number))
        return add_cell(building, tag->name, number, TW_MEANS_BY_NAME);
    return tag->plugin == TW_PLUGIN_SCALARS ? broken(building, "a scalar is none") : 0;
}

static int take_histogram(struct building *building, const struct tw_tag *tag,
                          struct tw_protobuf message)
{
    struct tw_histogram histogram;
    return tw_histogram_read(message, &histogram) ? add_histogram(building, tag->name, &histogram)
                                                  : 0;
}

/* SummaryMetadata: plugin_data = 1 {plugin_name = 1, content = 2}. */
static int take_metadata(struct building *building, struct tw_tag *tag, struct tw_protobuf metadata)
{
    struct tw_protobuf_field field, inner;
    struct tw_protobuf content = {0};
    tag->frame_size = 0; /* its plugin may be another now */
    while (tw_protobuf_next(&metadata, &field) > 0) {
        if (!tw_protobuf_is(&field, 1, TW_WIRE_BYTES))
            continue;
        while (tw_protobuf_next(&field.bytes, &inner) > 0)
            if (tw_protobuf_is(&inner, 1, TW_WIRE_BYTES))
                tag->plugin = tw_plugin_of(inner.bytes.at, tw_protobuf_size(&inner.bytes));
            else if (tw_protobuf_is(&inner, 2, TW_WIRE_BYTES))
                content = inner.bytes;
    }
    if (tag->plugin != TW_PLUGIN_HPARAMS || !tw_protobuf_size(&content))
        return 0;
    int result = tw_tensorboard_hparams(content, building->sink);
    return result == -EBADMSG ? broken(building, "hyper-parameters are not well-formed") : result;
}

static int take_value(struct tensorboard *state, struct building *building,
                      struct tw_protobuf message)
{
    struct summary_value value = {0};
    if (!read_value(message, &value))
        return broken(building, "a summary is not well-formed");
    /* A cell's name is its tag's, which is valid until the spare tag is another's. */
    int result = state->tags.spare && building->row.n_cells ? flush_row(building) : 0;
    struct tw_tag *tag = tw_tags_get(&state->tags, value.tag.at, tw_protobuf_size(&value.tag));
    if (!tag)
        return -ENOMEM;
    bool is_first = !tag->is_seen;
    tag->is_seen = true;
    if (!result && value.has_metadata)
        result = take_metadata(building, tag, value.metadata);
    if (result)
        return result;
    if (tag->plugin == TW_PLUGIN_OTHER || tag->plugin == TW_PLUGIN_HPARAMS)
        return 0;
    if (value.has_simple_value)
        return add_cell(building, tag->name, (double)value.simple_value, TW_MEANS_BY_NAME);
    if (value.has_histogram)
        return take_histogram(building, tag, value.histogram);
    return value.has_tensor ? take_tensor(building, tag, is_first, value.tensor) : 0;
}

static int64_t milliseconds(double seconds)
{
    return seconds > 0 && seconds < 1e12 ? (int64_t)llround(seconds * 1000) : -1;
}

static int take_summary(struct tensorboard *state, const struct event *event,
                        const struct tw_log_sink *sink)
{
    struct building building;
    struct tw_protobuf summary = event->summary;
    struct tw_protobuf_field field;
    int found, result = 0;
    building.sink = sink;
    building.row = (struct tw_row){.step = (double)event->step,
                                   .epoch = NAN,
                                   .time_ms = milliseconds(event->wall_time),
                                   .cells = building.cells};
    while (!result && (found = tw_protobuf_next(&summary, &field)) != 0)
        if (found < 0)
            break;
        else if (tw_protobuf_is(&field, 1, TW_WIRE_BYTES))
            result = take_value(state, &building, field.bytes);
    if (!result && found < 0)
        result = broken(&building, "a summary is not well-formed");
    return result ? result : flush_row(&building);
}

/* SessionLog: status = 1. TensorBoard passes over what was written before with the step of a start
 * or a later one (event_accumulator.py, _Purge). */
static int take_session_log(const struct event *event, const struct tw_log_sink *sink)
{
    enum { START = 1, CHECKPOINT = 3 };
    struct tw_protobuf message = event->session_log;
    struct tw_protobuf_field field;
    uint64_t status = 0;
    while (tw_protobuf_next(&message, &field) > 0)
        if (tw_protobuf_is(&field, 1, TW_WIRE_VARINT))
            status = field.value;
    if (status == CHECKPOINT)
        return sink->event(sink->closure, NULL, TW_LOG_CHECKPOINT, (double)event->step);
    if (status != START)
        return 0;
    return event->step > 0
               ? sink->event(sink->closure, NULL, TW_LOG_RUN_RESUMES, (double)event->step - 1)
               : sink->event(sink->closure, NULL, TW_LOG_RUN_STARTS, NAN);
}

/* ---- plain scalars ---- */

/* Events of one scalar differ in their time, their step and their number; the bytes between step
 * and number are the same for a tag, and the tag is told by the one before. */
struct plain {
    double wall_time;
    uint64_t step;
    const uint8_t *frame;
    size_t frame_size;
};

static bool is_plain(struct tw_protobuf message, struct plain *ret)
{
    enum { WALL_TIME = 1 << 3 | TW_WIRE_FIXED64, STEP = 2 << 3 | TW_WIRE_VARINT };
    uint64_t time = 0;
    *ret = (struct plain){0};
    if (tw_protobuf_size(&message) < 16 || message.at[0] != WALL_TIME || message.at[9] != STEP)
        return false;
    message.at++;
    tw_protobuf_fixed(&message, 8, &time);
    message.at++;
    if (!tw_protobuf_varint(&message, &ret->step) || tw_protobuf_size(&message) < 5)
        return false;
    ret->wall_time = tw_protobuf_double(time);
    ret->frame = message.at;
    ret->frame_size = tw_protobuf_size(&message) - 4;
    return true;
}

static int give_plain(const struct plain *plain, const struct tw_tag *tag,
                      const struct tw_log_sink *sink)
{
    const struct tw_cell cell = {
        tag->name, (double)tw_protobuf_float(read_u32(plain->frame + plain->frame_size)),
        TW_MEANS_BY_NAME};
    const struct tw_row row = {.step = (double)(int64_t)plain->step,
                               .epoch = NAN,
                               .time_ms = milliseconds(plain->wall_time),
                               .cells = &cell,
                               .n_cells = 1};
    return sink->row(sink->closure, &row);
}

/* One summary, and nothing that tells the step or the time once more. */
static bool is_one_summary(struct tw_protobuf rest)
{
    struct tw_protobuf_field field;
    return tw_protobuf_next(&rest, &field) > 0 && tw_protobuf_is(&field, 5, TW_WIRE_BYTES) &&
           rest.at == rest.end;
}

/* The number, not the tag or what else may stand behind it. */
static bool ends_with_number(struct tw_protobuf value)
{
    struct tw_protobuf_field field;
    bool is_number = false;
    while (tw_protobuf_next(&value, &field) > 0)
        is_number = tw_protobuf_is(&field, 2, TW_WIRE_FIXED32);
    return is_number;
}

/* The last event was taken as a whole: was it one? */
static void learn_plain(struct tensorboard *state, const struct event *event,
                        const struct plain *plain)
{
    struct tw_protobuf summary = event->summary;
    const struct tw_protobuf rest = {plain->frame, plain->frame + plain->frame_size + 4};
    struct tw_protobuf_field field;
    struct summary_value value;
    struct tw_tag *tag = state->tags.last;
    if (!tag || state->tags.spare || plain->frame_size > TW_TAG_FRAME_MAX || !is_one_summary(rest))
        return;
    bool is_one = tw_protobuf_next(&summary, &field) > 0 &&
                  tw_protobuf_is(&field, 1, TW_WIRE_BYTES) && summary.at == summary.end &&
                  read_value(field.bytes, &value) && !value.has_metadata && !value.has_histogram &&
                  !value.has_tensor && ends_with_number(field.bytes);
    bool is_told = tag->plugin != TW_PLUGIN_OTHER && tag->plugin != TW_PLUGIN_HPARAMS;
    if (!is_one || !is_told)
        return;
    tag->frame_size = (uint8_t)plain->frame_size;
    memcpy(tag->frame, plain->frame, plain->frame_size);
}

/* 1: it was such an event of the tag that comes next; 0: it was not, and nothing has been done. */
static int take_plain(struct tensorboard *state, const struct plain *plain,
                      const struct tw_log_sink *sink)
{
    struct tw_tag *tag = state->tags.last ? state->tags.last->next_guess : NULL;
    if (!tag || tag->frame_size != plain->frame_size ||
        memcmp(tag->frame, plain->frame, plain->frame_size))
        return 0;
    state->tags.last = tag;
    int result = give_plain(plain, tag, sink);
    return result ? result : 1;
}

static int take_event(struct tensorboard *state, struct tw_protobuf message,
                      const struct tw_log_sink *sink)
{
    struct event event;
    struct plain plain;
    bool may_be_plain = is_plain(message, &plain);
    int result = may_be_plain ? take_plain(state, &plain, sink) : 0;
    if (result)
        return result < 0 ? result : 0;
    if (!read_event(message, &event))
        return sink->broken(sink->closure, "an event is not well-formed");
    if (!event.has_summary)
        return event.has_session_log ? take_session_log(&event, sink) : 0;
    result = take_summary(state, &event, sink);
    if (!result && may_be_plain)
        learn_plain(state, &event, &plain);
    return result;
}

static int take_record(struct tensorboard *state, const uint8_t *record, size_t size,
                       const struct tw_log_sink *sink)
{
    const uint8_t *data = record + HEAD_BYTES;
    if (tw_crc32c_masked(data, size) != read_u32(data + size))
        return sink->broken(sink->closure, "a record has a wrong checksum");
    return take_event(state, (struct tw_protobuf){data, data + size}, sink);
}

/* The length of the record at `bytes`, of which HEAD_BYTES are there. */
static int read_head(const uint8_t *bytes, uint64_t *ret_size, struct tw_error *error)
{
    if (tw_crc32c_masked(bytes, 8) != read_u32(bytes + 8))
        return tw_error_set(error, -EBADMSG,
                            "the length of a record has a wrong checksum, and the next record "
                            "cannot be found without it");
    *ret_size = read_u64(bytes);
    return 0;
}

static int hold(struct tensorboard *state, const uint8_t *bytes, size_t size)
{
    if (state->held_room - state->held_size < size) {
        size_t room = 2 * state->held_room + size;
        uint8_t *more = realloc(state->held, room);
        if (!more)
            return -ENOMEM;
        state->held = more;
        state->held_room = room;
    }
    memcpy(state->held + state->held_size, bytes, size);
    state->held_size += size;
    return 0;
}

static void let_go(struct tensorboard *state)
{
    free(state->held);
    state->held = NULL;
    state->held_size = state->held_room = 0;
}

/* Goes on with the long record that is held: takes `size` bytes at most of it. */
static long go_on_holding(struct tensorboard *state, const uint8_t *bytes, size_t size,
                          const struct tw_log_sink *sink)
{
    uint64_t length = read_u64(state->held), missing = length + FRAME_BYTES - state->held_size;
    size_t taken = missing < size ? (size_t)missing : size;
    int result = hold(state, bytes, taken);
    if (!result && taken == missing) {
        result = take_record(state, state->held, (size_t)length, sink);
        let_go(state);
    }
    return result ? result : (long)taken;
}

/* Takes something of one record: its bytes, 0 when more are needed, or a negative error. */
static long take_some(struct tensorboard *state, const uint8_t *bytes, size_t size,
                      const struct tw_log_sink *sink, struct tw_error *error)
{
    uint64_t length = 0;
    int result;
    if (state->left_to_pass) {
        size_t taken = state->left_to_pass < size ? (size_t)state->left_to_pass : size;
        state->left_to_pass -= taken;
        return (long)taken;
    }
    if (state->held_size)
        return go_on_holding(state, bytes, size, sink);
    if (size < HEAD_BYTES)
        return 0;
    if ((result = read_head(bytes, &length, error)) < 0)
        return result;
    if (length > RECORD_BYTES_MAX) {
        state->left_to_pass = length > UINT64_MAX - FRAME_BYTES ? length : length + FRAME_BYTES;
        return sink->broken(sink->closure, "a record is longer than 64 MiB");
    }
    if (length + FRAME_BYTES <= size) {
        result = take_record(state, bytes, (size_t)length, sink);
        return result ? result : (long)(length + FRAME_BYTES);
    }
    if (length < HELD_FROM_BYTES)
        return 0;
    result = hold(state, bytes, size);
    return result ? result : (long)size;
}

static long tensorboard_bytes(void *closure, const void *bytes, size_t size, bool has_ended,
                              const struct tw_log_sink *sink, struct tw_error *error)
{
    struct tensorboard *state = closure;
    size_t taken = 0;
    (void)has_ended; /* half a record at the end is what a writer leaves that was killed */
    while (taken < size) {
        uint64_t before = state->left_to_pass;
        long n = take_some(state, (const uint8_t *)bytes + taken, size - taken, sink, error);
        if (n == -ENOMEM)
            tw_error_set(error, -ENOMEM, "out of memory");
        if (n < 0)
            return n;
        if (n == 0 && state->left_to_pass == before)
            break;
        taken += (size_t)n;
    }
    return (long)taken;
}

static void tensorboard_done(void *closure)
{
    struct tensorboard *state = closure;
    tw_tags_clear(&state->tags);
    let_go(state);
}

static bool is_named_so(const char *path)
{
    const char *name = strrchr(path, '/');
    return strstr(name ? name : path, "tfevents") != NULL;
}

/* The framing alone is that of all TFRecord files, those of training data among them. */
static int tensorboard_probe(const struct tw_log_sample *sample)
{
    const uint8_t *bytes = (const uint8_t *)sample->bytes;
    bool is_named = sample->path && is_named_so(sample->path);
    struct event event;
    uint64_t length = 0;
    if (sample->size < HEAD_BYTES)
        return is_named ? 60 : 0;
    if (read_head(bytes, &length, NULL) < 0)
        return is_named ? 30 : 0; /* it is one, but a broken one: that is to be told */
    if (length > sample->size - HEAD_BYTES)
        return is_named ? 90 : 20;
    if (!read_event((struct tw_protobuf){bytes + HEAD_BYTES, bytes + HEAD_BYTES + length}, &event))
        return is_named ? 60 : 0;
    return event.has_version ? 99 : event.has_wall_time || is_named ? 90 : 0;
}

const struct tw_log_format tw_log_format_tensorboard = {
    .name = "tensorboard",
    .description = "TensorBoard event files",
    .kind = TW_LOG_BYTES,
    .state_size = sizeof(struct tensorboard),
    .probe = tensorboard_probe,
    .bytes = tensorboard_bytes,
    .done = tensorboard_done,
};
