/* Two batches: while one is judged, the other is filled; then they change places. */
#include "agent/read_ahead.h"

#include "agent/lanes.h"
#include "telemetry/record_pack.h"

#include <stdlib.h>
#include <string.h>

/* A batch stays in a processor's nearest cache but one, and is long enough that the two need not
 * wait for each other often. */
enum { BATCH_SIZE = 256 << 10, JUDGE = 0, READER = 1, LANES = 2 };

/* Behind it stands the packed record, or why bytes were passed over. */
struct place {
    int64_t next;
    struct tw_position position;
};
#define PLACE_MAX (sizeof(struct place) + TW_RECORD_PACK_MAX)

_Static_assert(sizeof(struct place) % 8 == 0 && sizeof((struct tw_source_item *)0)->reason % 8 == 0,
               "records stay aligned");

struct batch {
    size_t size, taken; /* bytes that are filled, and of them judged */
    int last;           /* the source's last word, once it has come; else RECORD */
    struct tw_error error;
    _Alignas(8) unsigned char bytes[BATCH_SIZE];
};

struct tw_read_ahead {
    const struct tw_source *source;
    void *handle;
    struct tw_lanes *lanes;
    struct batch *judged, *filled;
    struct tw_record packed;   /* the newest that was packed: its names */
    struct tw_record unpacked; /* the newest that was judged */
    /* Of a run: */
    int (*take)(void *closure, int next, struct tw_source_item *item, struct tw_error *error);
    void *closure;
    struct tw_error *error;
    int result;
};

static bool goes_on(int next)
{
    return next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN;
}

/* ---- the reader ---- */

static void put(struct tw_read_ahead *ahead, int next, struct tw_source_item *item)
{
    struct batch *batch = ahead->filled;
    const struct place place = {next, item->position};
    memcpy(batch->bytes + batch->size, &place, sizeof place);
    batch->size += sizeof place;
    if (next == TW_NEXT_RECORD) {
        batch->size += tw_record_pack(item->record, &ahead->packed, batch->bytes + batch->size);
    } else {
        memcpy(batch->bytes + batch->size, item->reason, sizeof item->reason);
        batch->size += sizeof item->reason;
    }
}

static void fill(struct tw_read_ahead *ahead)
{
    struct batch *batch = ahead->filled;
    struct tw_source_item item;
    batch->size = batch->taken = 0;
    while (batch->size + PLACE_MAX <= BATCH_SIZE) {
        tw_source_item_clear(&item);
        int next = ahead->source->next(ahead->handle, 0, &item, &batch->error);
        if (!goes_on(next)) {
            batch->last = next;
            return;
        }
        put(ahead, next, &item);
    }
}

/* ---- the judge ---- */

static int get(struct tw_read_ahead *ahead, struct tw_source_item *ret)
{
    struct batch *batch = ahead->judged;
    struct place place;
    memcpy(&place, batch->bytes + batch->taken, sizeof place);
    batch->taken += sizeof place;
    tw_source_item_clear(ret);
    ret->position = place.position;
    if (place.next == TW_NEXT_RECORD) {
        batch->taken += tw_record_unpack(&ahead->unpacked, batch->bytes + batch->taken);
        ret->record = &ahead->unpacked;
    } else {
        memcpy(ret->reason, batch->bytes + batch->taken, sizeof ret->reason);
        batch->taken += sizeof ret->reason;
    }
    return (int)place.next;
}

/* After a failure the rest is taken out nevertheless: records may own something. */
static void judge(struct tw_read_ahead *ahead)
{
    struct tw_source_item item;
    while (ahead->judged->taken < ahead->judged->size) {
        int next = get(ahead, &item);
        if (!ahead->result)
            ahead->result = ahead->take(ahead->closure, next, &item, ahead->error);
    }
}

/* ---- both ---- */

static void work(void *closure, unsigned lane)
{
    struct tw_read_ahead *ahead = closure;
    if (lane == JUDGE)
        judge(ahead);
    else if (goes_on(ahead->judged->last))
        fill(ahead);
}

static int last_word(const struct batch *batch, struct tw_error *error)
{
    if (batch->last < 0 && error && !error->code)
        *error = batch->error;
    return batch->last;
}

static void swap(struct tw_read_ahead *ahead)
{
    struct batch *judged = ahead->judged;
    ahead->judged = ahead->filled;
    ahead->filled = judged;
}

int tw_read_ahead_run(struct tw_read_ahead *ahead,
                      int (*take)(void *closure, int next, struct tw_source_item *item,
                                  struct tw_error *error),
                      void *closure, struct tw_error *error)
{
    ahead->take = take;
    ahead->closure = closure;
    ahead->error = error;
    for (;;) {
        tw_lanes_run(ahead->lanes, work, ahead);
        if (!goes_on(ahead->judged->last))
            return ahead->result ? ahead->result : last_word(ahead->judged, error);
        swap(ahead);
        if (ahead->result) {
            judge(ahead);
            return ahead->result;
        }
    }
}

/* ---- life ---- */

static struct batch *new_batch(void)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch)
        batch->last = TW_NEXT_RECORD;
    return batch;
}

struct tw_read_ahead *tw_read_ahead_open(const struct tw_source *source, void *handle)
{
    struct tw_read_ahead *ahead = tw_lanes_processors() < LANES ? NULL : calloc(1, sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->source = source;
    ahead->handle = handle;
    tw_record_init(&ahead->packed);
    tw_record_init(&ahead->unpacked);
    ahead->judged = new_batch();
    ahead->filled = new_batch();
    ahead->lanes = tw_lanes_open(LANES);
    if (ahead->judged && ahead->filled && ahead->lanes && tw_lanes_count(ahead->lanes) == LANES)
        return ahead;
    tw_read_ahead_close(ahead);
    return NULL;
}

void tw_read_ahead_close(struct tw_read_ahead *ahead)
{
    if (!ahead)
        return;
    tw_lanes_close(ahead->lanes);
    tw_record_clear(&ahead->unpacked);
    free(ahead->judged);
    free(ahead->filled);
    free(ahead);
}
