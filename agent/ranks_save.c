/* The ranks' state as bytes: the flat part, the roster, what waits, the kept header. */
#include "agent/ranks_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t tw_ranks_bytes(const struct tw_ranks *ranks)
{
    return sizeof *ranks + ranks->core.n_ranks * sizeof *ranks->rank + ranks->queue.capacity +
           ranks->core.n_header;
}

static unsigned char *put(unsigned char *to, const void *from, size_t size)
{
    if (size)
        memcpy(to, from, size);
    return to + size;
}

size_t tw_ranks_save(const struct tw_ranks *ranks, unsigned char *to)
{
    struct tw_ranks_core core = ranks->core;
    size_t roster = core.n_ranks * sizeof *ranks->rank;
    core.n_queue = (uint32_t)ranks->queue.n_bytes;
    if (to) {
        to = put(to, &core, sizeof core);
        to = put(to, ranks->rank, roster);
        to = put(to, ranks->queue.bytes, core.n_queue);
        put(to, ranks->header, core.n_header);
    }
    return sizeof core + roster + core.n_queue + core.n_header;
}

static int load_roster(struct tw_ranks *ranks, const unsigned char *bytes)
{
    const struct tw_ranks_core *saved = &ranks->core;
    uint32_t n = saved->n_ranks;
    ranks->core.n_ranks = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct tw_rank rank;
        memcpy(&rank, bytes + i * sizeof rank, sizeof rank);
        if (i && rank.number <= ranks->rank[i - 1].number)
            return -EBADMSG;
        struct tw_rank *added = tw_ranks_find_or_add(ranks, rank.number);
        if (!added)
            return -ENOMEM;
        *added = rank;
    }
    return 0;
}

static int load_header(struct tw_ranks *ranks, const unsigned char *bytes)
{
    if (!ranks->core.n_header)
        return 0;
    ranks->header = malloc(ranks->core.n_header);
    if (!ranks->header)
        return -ENOMEM;
    memcpy(ranks->header, bytes, ranks->core.n_header);
    return 0;
}

int tw_ranks_load(struct tw_ranks **ret, const unsigned char *bytes, size_t size)
{
    struct tw_ranks *ranks = tw_ranks_new();
    if (!ranks)
        return -ENOMEM;
    struct tw_ranks_core *core = &ranks->core;
    int result = size < sizeof *core ? -EBADMSG : 0;
    if (!result)
        memcpy(core, bytes, sizeof *core);
    uint64_t roster = (uint64_t)core->n_ranks * sizeof *ranks->rank;
    if (!result && (core->n_ranks > TW_RANKS_MAX ||
                    size != sizeof *core + roster + core->n_queue + core->n_header))
        result = -EBADMSG;
    if (!result && core->version != TW_RANKS_VERSION)
        result = -ESTALE;
    if (result)
        core->n_ranks = 0;
    bytes += sizeof *core;
    if (!result)
        result = load_roster(ranks, bytes);
    if (!result)
        result = tw_ranks_queue_load(&ranks->queue, bytes + roster, core->n_queue);
    if (!result)
        result = load_header(ranks, bytes + roster + core->n_queue);
    if (result)
        tw_ranks_free(ranks);
    else
        *ret = ranks;
    return result;
}
