/* The list of losses. */
#include "trainer/losses/loss.h"

#include <stdbool.h>
#include <string.h>

extern const struct tw_loss tw_loss_softmax_cross_entropy, tw_loss_mse;

const struct tw_loss *const tw_losses[] = {&tw_loss_softmax_cross_entropy, &tw_loss_mse, NULL};

const struct tw_loss *tw_loss_find(const char *name)
{
    for (size_t i = 0; tw_losses[i]; i++) {
        if (!strcmp(tw_losses[i]->name, name))
            return tw_losses[i];
    }
    return NULL;
}

static bool is_correct(size_t classes, const float *outputs, size_t label)
{
    for (size_t class = 0; class < classes; class ++) {
        if (class != label && !(outputs[class] < outputs[label]))
            return false;
    }
    return true;
}

size_t tw_loss_count_correct(size_t n, size_t classes, const float *outputs, const uint8_t *labels)
{
    size_t correct = 0;
    for (size_t row = 0; row < n; row++)
        correct += is_correct(classes, outputs + row * classes, labels[row]);
    return correct;
}
