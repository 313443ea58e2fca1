/* A loss is one file ending in one struct tw_loss, listed in losses.c. */
#ifndef TW_LOSS_H
#define TW_LOSS_H

#include <stddef.h>
#include <stdint.h>

struct tw_loss {
    const char *name;        /* "softmax_cross_entropy" */
    const char *description; /* one line */
    /* Returns the mean loss of outputs[n][classes] against labels[n] (each < classes). Sets
     * gradient[n][classes], the mean loss's gradient by the outputs, unless it is NULL. Adds to
     * `*correct` the rows whose largest output is the label's; a row with NaN has none. */
    double (*evaluate)(size_t n, size_t classes, const float *outputs, const uint8_t *labels,
                       float *gradient, size_t *correct);
    /* (optional) The same of outputs[n] against values[n]; without it the loss is for classes. */
    double (*evaluate_values)(size_t n, const float *outputs, const float *values, float *gradient);
};

extern const struct tw_loss *const tw_losses[]; /* NULL-terminated */
/* The one called `name`, or NULL. */
const struct tw_loss *tw_loss_find(const char *name);

/* The rows of outputs[n][classes] whose largest output is the label's, as evaluate() counts them.
 */
size_t tw_loss_count_correct(size_t n, size_t classes, const float *outputs, const uint8_t *labels);

#endif
