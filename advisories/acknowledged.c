/* A ring of flags between the oldest message that is on its way and the newest. */
#include "advisories/acknowledged.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 1024

static unsigned char *flag(const struct tw_acknowledged *all, uint64_t number)
{
    return &all->came[number & (all->capacity - 1)];
}

int tw_acknowledged_reserve(struct tw_acknowledged *all)
{
    struct tw_acknowledged grown = *all;
    if (all->sent + 1 - all->safe < all->capacity) {
        *flag(all, all->sent + 1) = 0;
        return 0;
    }
    grown.capacity = all->capacity ? 2 * all->capacity : FIRST_CAPACITY;
    grown.came = calloc(grown.capacity, 1);
    if (!grown.came)
        return -ENOMEM;
    for (uint64_t number = all->safe + 1; number <= all->sent; number++)
        *flag(&grown, number) = *flag(all, number);
    free(all->came);
    *all = grown;
    return 0;
}

void tw_acknowledged_note(struct tw_acknowledged *all, uint64_t number)
{
    *flag(all, number) = 1;
    while (all->safe < all->sent && *flag(all, all->safe + 1))
        all->safe++;
}

void tw_acknowledged_release(struct tw_acknowledged *all)
{
    free(all->came);
    *all = (struct tw_acknowledged){0};
}
