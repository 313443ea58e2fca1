/* The .wandb file that Weights & Biases writes for each run, online or not: records
 * (wandb/proto/wandb_internal.proto) in blocks. A row is what one call of log() told, with its
 * _step and _timestamp; nested keys are joined by '/'. The configuration gives parameters, the
 * exit record tells how the run ended. */
#include "sources/logs/format.h"

#include "sources/logs/number.h"
#include "sources/logs/json_leaves.h"
#include "sources/logs/protobuf.h"
#include "sources/logs/wandb_blocks.h"
#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX 64
#define NAME_BYTES 512
#define TYPED_MAX 1024 /* objects of W&B's own kinds in one record: histograms, pictures */

/* Exit code of a run that Ctrl-C ended (wandb/sdk/lib/exit_hooks.py). */
#define INTERRUPTED_EXIT_CODE 255

/* An object with a "_type": its members are no numbers of the run's. */
struct typed {
    uint64_t name_hash;
    bool is_histogram;
};

struct wandb {
    struct tw_wandb_blocks blocks;
    const struct tw_log_sink *sink; /* during a call */
    struct tw_row row;              /* of the present history record */
    struct tw_cell cells[CELLS_MAX];
    char names[CELLS_MAX][NAME_BYTES];
    struct typed typed[TYPED_MAX]; /* in the present history record */
    size_t n_typed;
};

/* A HistoryItem or ConfigItem. Newer writers have a field for each type. */
struct item {
    char name[NAME_BYTES];
    struct tw_protobuf json;
    bool is_number;
    double number;
};

static void add_key(struct item *item, struct tw_protobuf key)
{
    size_t length = strlen(item->name);
    if (length && length + 1 < sizeof item->name)
        item->name[length++] = '/';
    tw_text_copy(item->name + length, sizeof item->name - length, (const char *)key.at,
                 tw_protobuf_size(&key));
    tw_text_make_utf8(item->name + length, strlen(item->name + length));
}

static bool read_item(struct tw_protobuf message, struct item *ret)
{
    enum {
        KEY = 1,
        NESTED_KEY = 2,
        BOOLEAN = 4,
        INTEGER = 5,
        NUMBER = 6,
        JSON = 8,
        VALUE_JSON = 16
    };
    struct tw_protobuf_field field;
    int found;
    ret->name[0] = 0;
    ret->json = (struct tw_protobuf){0};
    ret->is_number = false;
    while ((found = tw_protobuf_next(&message, &field)) > 0) {
        if (tw_protobuf_is(&field, KEY, TW_WIRE_BYTES) ||
            tw_protobuf_is(&field, NESTED_KEY, TW_WIRE_BYTES)) {
            add_key(ret, field.bytes);
        } else if (tw_protobuf_is(&field, JSON, TW_WIRE_BYTES) ||
                   tw_protobuf_is(&field, VALUE_JSON, TW_WIRE_BYTES)) {
            ret->json = field.bytes;
            ret->is_number = tw_log_number((const char *)field.bytes.at,
                                           tw_protobuf_size(&field.bytes), &ret->number) == 1;
        } else if (tw_protobuf_is(&field, NUMBER, TW_WIRE_FIXED64)) {
            ret->number = tw_protobuf_double(field.value);
            ret->is_number = true;
        } else if (tw_protobuf_is(&field, BOOLEAN, TW_WIRE_VARINT) ||
                   tw_protobuf_is(&field, INTEGER, TW_WIRE_VARINT)) {
            ret->number = (double)(int64_t)field.value;
            ret->is_number = true;
        }
    }
    return !found;
}

/* Calls `take` for each item (field `number`) of a record. */
static int each_item(struct wandb *wandb, struct tw_protobuf message, uint32_t number,
                     int (*take)(struct wandb *wandb, const struct item *item))
{
    struct tw_protobuf_field field;
    struct item item;
    int found, result = 0;
    while (!result && (found = tw_protobuf_next(&message, &field)) > 0) {
        if (!tw_protobuf_is(&field, number, TW_WIRE_BYTES))
            continue;
        if (!read_item(field.bytes, &item))
            return wandb->sink->broken(wandb->sink->closure, "an item is not well-formed");
        result = take(wandb, &item);
    }
    return result;
}

static int give_json(struct wandb *wandb, const struct item *item, tw_json_leaf *give)
{
    size_t size = tw_protobuf_size(&item->json);
    if (!size)
        return 0;
    int result = tw_json_leaves((const char *)item->json.at, size, item->name, give, wandb);
    if (result != -EBADMSG)
        return result;
    return wandb->sink->broken(wandb->sink->closure, "a value is no JSON");
}

static int flush_row(struct wandb *wandb)
{
    int result = 0;
    if (wandb->row.n_cells)
        result = wandb->sink->row(wandb->sink->closure, &wandb->row);
    wandb->row.n_cells = 0;
    return result;
}

static int add_cell(struct wandb *wandb, const char *name, const char *suffix, double value,
                    enum tw_meaning meaning)
{
    int result = wandb->row.n_cells == CELLS_MAX ? flush_row(wandb) : 0;
    size_t i = wandb->row.n_cells++;
    int length = snprintf(wandb->names[i], NAME_BYTES, "%s%s", name, suffix);
    (void)length; /* a name that is too long is cut */
    wandb->cells[i] = (struct tw_cell){wandb->names[i], value, meaning};
    return result;
}

/* FNV-1a. */
static uint64_t hash(const char *text, size_t size)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        value = (value ^ (uint8_t)text[i]) * 0x100000001b3u;
    return value;
}

/* What the whole row has: it may stand at the end of a record. */
static int look_ahead(struct wandb *wandb, const struct item *item)
{
    static const char histogram[] = "\"histogram\"";
    const char *last = strrchr(item->name, '/');
    if (!strcmp(item->name, "_step") && item->is_number)
        wandb->row.step = item->number;
    if (!strcmp(item->name, "_timestamp") && item->is_number && item->number > 0 &&
        item->number < 1e12)
        wandb->row.time_ms = (int64_t)llround(item->number * 1000);
    if (last && !strcmp(last, "/_type") && wandb->n_typed < TYPED_MAX)
        wandb->typed[wandb->n_typed++] =
            (struct typed){hash(item->name, (size_t)(last - item->name)),
                           tw_protobuf_size(&item->json) == sizeof histogram - 1 &&
                               !memcmp(item->json.at, histogram, sizeof histogram - 1)};
    return 0;
}

/* The typed object that an item is in, NULL: none. */
static const struct typed *find_typed(const struct wandb *wandb, const char *name)
{
    for (const char *end = name; wandb->n_typed && (end = strchr(end, '/')); end++) {
        uint64_t name_hash = hash(name, (size_t)(end - name));
        for (size_t i = 0; i < wandb->n_typed; i++)
            if (wandb->typed[i].name_hash == name_hash)
                return &wandb->typed[i];
    }
    return NULL;
}

/* The edges of a histogram begin and end at the least and the largest value. */
static int give_bins(struct wandb *wandb, const char *name, const json_t *bins)
{
    double least, most;
    if (!tw_json_leaf_number(json_array_get(bins, 0), &least) ||
        !tw_json_leaf_number(json_array_get(bins, json_array_size(bins) - 1), &most))
        return 0;
    return add_cell(wandb, name, "/abs_max", fmax(fabs(least), fabs(most)), TW_MEANS_OF_LAYER);
}

static int give_histogram_leaf(void *closure, const char *name, const json_t *leaf)
{
    char histogram[NAME_BYTES];
    const char *last = strrchr(name, '/');
    if (!last || strcmp(last, "/bins") != 0)
        return 0;
    tw_text_copy(histogram, sizeof histogram, name, (size_t)(last - name));
    return give_bins(closure, histogram, leaf);
}

static int give_leaf(void *closure, const char *name, const json_t *leaf)
{
    struct wandb *wandb = closure;
    const char *type = json_string_value(json_object_get(leaf, "_type"));
    double number;
    if (type && !strcmp(type, "histogram"))
        return give_bins(wandb, name, json_object_get(leaf, "bins"));
    return tw_json_leaf_number(leaf, &number) ? add_cell(wandb, name, "", number, TW_MEANS_BY_NAME)
                                              : 0;
}

static int take_history_item(struct wandb *wandb, const struct item *item)
{
    const struct typed *typed = find_typed(wandb, item->name);
    if (!strcmp(item->name, "_step") || !strcmp(item->name, "_timestamp"))
        return 0;
    if (typed)
        return typed->is_histogram ? give_json(wandb, item, give_histogram_leaf) : 0;
    if (!item->is_number)
        return give_json(wandb, item, give_leaf);
    bool is_runtime = !strcmp(item->name, "_runtime");
    return add_cell(wandb, item->name, "", item->number,
                    is_runtime ? TW_MEANS_NOTHING : TW_MEANS_BY_NAME);
}

/* HistoryRecord: item = 1, step = 2 {num = 1}. */
static int take_history(struct wandb *wandb, struct tw_protobuf message)
{
    struct tw_protobuf walk = message;
    struct tw_protobuf_field field, number;
    wandb->row = (struct tw_row){.step = NAN, .epoch = NAN, .time_ms = -1, .cells = wandb->cells};
    wandb->n_typed = 0;
    while (tw_protobuf_next(&walk, &field) > 0) {
        if (!tw_protobuf_is(&field, 2, TW_WIRE_BYTES))
            continue;
        wandb->row.step = 0; /* protobuf leaves a 0 out */
        while (tw_protobuf_next(&field.bytes, &number) > 0)
            if (tw_protobuf_is(&number, 1, TW_WIRE_VARINT))
                wandb->row.step = (double)(int64_t)number.value;
    }
    int result = each_item(wandb, message, 1, look_ahead);
    if (!result)
        result = each_item(wandb, message, 1, take_history_item);
    return result ? result : flush_row(wandb);
}

static int give_parameter(void *closure, const char *name, const json_t *leaf)
{
    const struct tw_log_sink *sink = ((struct wandb *)closure)->sink;
    char *text = tw_json_leaf_text(leaf);
    if (!text)
        return -ENOMEM;
    int result = sink->parameter(sink->closure, NULL, name, text);
    free(text);
    return result;
}

static int take_config_item(struct wandb *wandb, const struct item *item)
{
    static const char own[] = "_wandb"; /* what W&B notes there for itself */
    return strncmp(item->name, own, sizeof own - 1) != 0 ? give_json(wandb, item, give_parameter)
                                                         : 0;
}

/* ConfigRecord: update = 1. */
static int take_config(struct wandb *wandb, struct tw_protobuf message)
{
    return each_item(wandb, message, 1, take_config_item);
}

/* RunRecord. */
static int take_run(struct wandb *wandb, struct tw_protobuf message)
{
    enum { CONFIG = 4, STARTING_STEP = 14, RESUMED = 18 };
    struct tw_protobuf_field field;
    bool is_resumed = false;
    int64_t step = 0;
    int result = 0;
    while (!result && tw_protobuf_next(&message, &field) > 0)
        if (tw_protobuf_is(&field, CONFIG, TW_WIRE_BYTES))
            result = take_config(wandb, field.bytes);
        else if (tw_protobuf_is(&field, STARTING_STEP, TW_WIRE_VARINT))
            step = (int64_t)field.value;
        else if (tw_protobuf_is(&field, RESUMED, TW_WIRE_VARINT))
            is_resumed = field.value;
    if (result || !is_resumed)
        return result;
    return wandb->sink->event(wandb->sink->closure, NULL, TW_LOG_RUN_RESUMES, (double)step - 1);
}

/* RunExitRecord: exit_code = 1. */
static int take_exit(struct wandb *wandb, struct tw_protobuf message)
{
    struct tw_protobuf_field field;
    int64_t code = 0;
    while (tw_protobuf_next(&message, &field) > 0)
        if (tw_protobuf_is(&field, 1, TW_WIRE_VARINT))
            code = (int64_t)field.value;
    enum tw_log_event event = code == 0                       ? TW_LOG_COMPLETED
                              : code == INTERRUPTED_EXIT_CODE ? TW_LOG_INTERRUPTED
                                                              : TW_LOG_FAILED;
    return wandb->sink->event(wandb->sink->closure, NULL, event, NAN);
}

static int take_record(struct wandb *wandb, struct tw_protobuf record)
{
    enum { HISTORY = 2, CONFIG = 5, RUN = 17, EXIT = 18 };
    struct tw_protobuf_field field;
    int found, result = 0;
    while (!result && (found = tw_protobuf_next(&record, &field)) != 0) {
        if (found < 0)
            return wandb->sink->broken(wandb->sink->closure, "a record is not well-formed");
        if (tw_protobuf_is(&field, HISTORY, TW_WIRE_BYTES))
            result = take_history(wandb, field.bytes);
        else if (tw_protobuf_is(&field, CONFIG, TW_WIRE_BYTES))
            result = take_config(wandb, field.bytes);
        else if (tw_protobuf_is(&field, RUN, TW_WIRE_BYTES))
            result = take_run(wandb, field.bytes);
        else if (tw_protobuf_is(&field, EXIT, TW_WIRE_BYTES))
            result = take_exit(wandb, field.bytes);
    }
    return result;
}

static int take_step(struct wandb *wandb, const struct tw_wandb_step *step)
{
    int result = step->broken ? wandb->sink->broken(wandb->sink->closure, step->broken) : 0;
    if (!result && step->record)
        result = take_record(wandb, (struct tw_protobuf){step->record, step->record + step->size});
    return result;
}

static long wandb_bytes(void *closure, const void *bytes, size_t size, bool has_ended,
                        const struct tw_log_sink *sink, struct tw_error *error)
{
    struct wandb *wandb = closure;
    const uint8_t *at = bytes;
    struct tw_wandb_step step;
    size_t taken = 0;
    long n;
    (void)has_ended; /* half a record at the end is what a writer leaves that was killed */
    wandb->sink = sink;
    while ((n = tw_wandb_step(&wandb->blocks, at + taken, size - taken, &step)) > 0) {
        int result = take_step(wandb, &step);
        if (result == -ENOMEM)
            tw_error_set(error, -ENOMEM, "out of memory");
        if (result)
            return result;
        taken += (size_t)n;
    }
    if (n < 0)
        return tw_error_set(error, (int)n, "%s",
                            n == -ENOMEM ? "out of memory" : "this does not begin as .wandb does");
    return (long)taken;
}

static int wandb_probe(const struct tw_log_sample *sample)
{
    return sample->size >= TW_WANDB_HEAD_BYTES && tw_wandb_is_head(sample->bytes) ? 99 : 0;
}

static void wandb_done(void *closure)
{
    tw_wandb_blocks_clear(&((struct wandb *)closure)->blocks);
}

const struct tw_log_format tw_log_format_wandb = {
    .name = "wandb",
    .description = "Weights & Biases' .wandb files",
    .kind = TW_LOG_BYTES,
    .state_size = sizeof(struct wandb),
    .probe = wandb_probe,
    .bytes = wandb_bytes,
    .done = wandb_done,
};
