/* The list of optimizers. */
#include "trainer/optimizers/optimizer.h"

#include <string.h>

extern const struct tw_optimizer tw_optimizer_sgd, tw_optimizer_adam, tw_optimizer_adamw;

const struct tw_optimizer *const tw_optimizers[] = {&tw_optimizer_adam, &tw_optimizer_adamw,
                                                    &tw_optimizer_sgd, NULL};

const struct tw_optimizer *tw_optimizer_find(const char *name)
{
    for (size_t i = 0; tw_optimizers[i]; i++) {
        if (!strcmp(tw_optimizers[i]->name, name))
            return tw_optimizers[i];
    }
    return NULL;
}
