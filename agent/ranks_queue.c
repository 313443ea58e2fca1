/* The queue: items of a fixed head and a CBOR record each. */
#include "agent/ranks_queue.h"

#include "agent/ranks_combine.h"
#include "telemetry/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct tw_rank_place place;
    int64_t time_ms;
    uint32_t rank, size; /* the record's bytes; padded to 8 */
};

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

int tw_rank_place_compare(const struct tw_rank_place *a, const struct tw_rank_place *b)
{
    if (a->generation != b->generation)
        return a->generation < b->generation ? -1 : 1;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return a->which < b->which ? -1 : a->which > b->which;
}

void tw_ranks_queue_release(struct tw_ranks_queue *queue)
{
    free(queue->bytes);
    *queue = (struct tw_ranks_queue){0};
}

/* ---- walking ---- */

static struct item item_at(const struct tw_ranks_queue *queue, size_t at)
{
    struct item item;
    memcpy(&item, queue->bytes + at, sizeof item);
    return item;
}

static size_t behind(const struct item *item, size_t at)
{
    return at + sizeof *item + padded(item->size);
}

static void find_first(struct tw_ranks_queue *queue)
{
    for (size_t at = 0; at < queue->n_bytes;) {
        struct item item = item_at(queue, at);
        if (at == 0 || tw_rank_place_compare(&item.place, &queue->first) < 0)
            queue->first = item.place;
        at = behind(&item, at);
    }
}

size_t tw_ranks_queue_count(const struct tw_ranks_queue *queue, const struct tw_rank_place *place,
                            uint32_t rank, bool any_which)
{
    size_t n = 0;
    for (size_t at = 0; at < queue->n_bytes;) {
        struct item item = item_at(queue, at);
        at = behind(&item, at);
        if (any_which)
            item.place.which = place->which;
        n += (rank == TW_RANK_ANY || item.rank == rank) &&
             tw_rank_place_compare(&item.place, place) == 0;
    }
    return n;
}

/* ---- adding ---- */

static int grow(struct tw_ranks_queue *queue, size_t more)
{
    size_t needed = queue->n_bytes + more, capacity = queue->capacity;
    if (needed <= capacity)
        return 0;
    while (capacity < needed)
        capacity = capacity ? 2 * capacity : 4096;
    unsigned char *grown = realloc(queue->bytes, capacity);
    if (!grown)
        return -ENOMEM;
    queue->bytes = grown;
    queue->capacity = capacity;
    return 0;
}

/* What identifies a record is known of the run and of the place: it is left out. */
static void strip(struct tw_record *bare, const struct tw_record *record, bool with_attempt)
{
    *bare = *record; /* borrows what the record owns */
    memset(bare->run, 0, sizeof bare->run);
    bare->run[0] = '-';
    bare->has |= TW_HAS_KIND;
    bare->has &= ~(TW_HAS_SEQ | TW_HAS_RANK);
    bare->rank = 0;
    if (!with_attempt)
        bare->has &= ~TW_HAS_ATTEMPT;
}

int tw_ranks_queue_add(struct tw_ranks_queue *queue, const struct tw_rank_place *place,
                       const struct tw_record *record, int64_t time_ms, bool with_attempt)
{
    struct item item = {.place = *place, .time_ms = time_ms, .rank = record->rank};
    struct tw_record bare;
    long size = -ENOBUFS;
    strip(&bare, record, with_attempt);
    for (size_t room = 1024; size < 0 && room <= 2 * (size_t)TW_RECORD_BYTES_MAX; room *= 4) {
        if (grow(queue, sizeof item + room))
            return -ENOMEM;
        size = tw_cbor_encode(&bare, queue->bytes + queue->n_bytes + sizeof item, room - 8);
    }
    if (size < 0)
        return -ENOMEM;
    item.size = (uint32_t)size;
    memcpy(queue->bytes + queue->n_bytes, &item, sizeof item);
    size_t end = queue->n_bytes + sizeof item + (size_t)size;
    memset(queue->bytes + end, 0, padded((size_t)size) - (size_t)size);
    if (queue->n_bytes == 0 || tw_rank_place_compare(place, &queue->first) < 0)
        queue->first = *place;
    queue->n_bytes = behind(&item, queue->n_bytes);
    return 0;
}

/* ---- taking ---- */

size_t tw_ranks_queue_drop(struct tw_ranks_queue *queue)
{
    size_t kept = 0, n = 0;
    for (size_t at = 0; at < queue->n_bytes;) {
        struct item item = item_at(queue, at);
        size_t size = behind(&item, at) - at;
        if (tw_rank_place_compare(&item.place, &queue->first) == 0) {
            n++;
        } else {
            memmove(queue->bytes + kept, queue->bytes + at, size);
            kept += size;
        }
        at += size;
    }
    queue->n_bytes = kept;
    if (!kept)
        tw_ranks_queue_release(queue);
    else
        find_first(queue);
    return n;
}

static int by_rank(const void *a, const void *b)
{
    const struct tw_record *left = a, *right = b;
    return left->rank < right->rank ? -1 : left->rank > right->rank;
}

static void note_part(const struct tw_record *part, const struct item *item,
                      struct tw_ranks_taken *ret)
{
    if (ret->time_ms < item->time_ms)
        ret->time_ms = item->time_ms;
    if (!tw_record_is_nonfinite(part))
        return;
    if (!ret->n_nonfinite++ || item->rank < ret->nonfinite_rank)
        ret->nonfinite_rank = item->rank;
}

static size_t decode_parts(const struct tw_ranks_queue *queue, struct tw_record *parts, size_t max,
                           struct tw_ranks_taken *ret)
{
    size_t n = 0, used;
    *ret = (struct tw_ranks_taken){.time_ms = INT64_MIN};
    for (size_t at = 0; at < queue->n_bytes && n < max;) {
        struct item item = item_at(queue, at);
        const unsigned char *bytes = queue->bytes + at + sizeof item;
        at = behind(&item, at);
        if (tw_rank_place_compare(&item.place, &queue->first) != 0)
            continue;
        tw_record_init(&parts[n]);
        if (tw_cbor_decode(bytes, item.size, &parts[n], &used, NULL) != 1)
            continue;
        parts[n].rank = item.rank;
        note_part(&parts[n++], &item, ret);
    }
    qsort(parts, n, sizeof *parts, by_rank);
    return n;
}

int tw_ranks_queue_take(struct tw_ranks_queue *queue, struct tw_record *record,
                        struct tw_ranks_taken *ret)
{
    size_t max = tw_ranks_queue_count(queue, &queue->first, TW_RANK_ANY, false), n;
    struct tw_record *parts = malloc(max * sizeof *parts);
    if (!parts)
        return -ENOMEM;
    n = decode_parts(queue, parts, max, ret);
    int result = n ? tw_ranks_combine(parts, n, record) : -ENOMEM;
    for (size_t i = 0; i < n; i++)
        tw_record_clear(&parts[i]);
    free(parts);
    if (!result)
        tw_ranks_queue_drop(queue);
    return result;
}

/* ---- saved bytes ---- */

int tw_ranks_queue_load(struct tw_ranks_queue *queue, const void *bytes, size_t size)
{
    *queue = (struct tw_ranks_queue){0};
    if (!size)
        return 0;
    if (grow(queue, size))
        return -ENOMEM;
    memcpy(queue->bytes, bytes, size);
    for (size_t at = 0; at < size;) {
        struct item item;
        if (size - at >= sizeof item)
            item = item_at(queue, at);
        if (size - at < sizeof item || item.size > TW_RECORD_BYTES_MAX * 2u ||
            behind(&item, at) > size) {
            tw_ranks_queue_release(queue);
            return -EBADMSG;
        }
        at = behind(&item, at);
    }
    queue->n_bytes = size;
    find_first(queue);
    return 0;
}
