/* The list of losses. */
#include "trainer/losses/loss.h"

#include <string.h>

extern const struct tw_loss tw_loss_softmax_cross_entropy;

const struct tw_loss *const tw_losses[] = {&tw_loss_softmax_cross_entropy, NULL};

const struct tw_loss *tw_loss_find(const char *name)
{
    for (size_t i = 0; tw_losses[i]; i++) {
        if (!strcmp(tw_losses[i]->name, name))
            return tw_losses[i];
    }
    return NULL;
}
