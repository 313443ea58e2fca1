/* Softmax and cross-entropy in one: -ln softmax(x)[label] = ln(sum exp(x - max)) - (x[label] -
 * max). With the largest output taken off first no exponential overflows, and no logarithm of a
 * softmax that came out as 0 is ever taken. */
#include "trainer/losses/loss.h"

#include <math.h>

/* The row's loss; with `gradient`, also (softmax - one hot) * scale. */
static double row_loss(size_t classes, const float *outputs, size_t label, double scale,
                       float *gradient)
{
    double largest = outputs[0], sum = 0;
    for (size_t class = 1; class < classes; class ++) {
        if (outputs[class] > largest) /* NaN gets into the sum below, and so into the loss */
            largest = outputs[class];
    }
    for (size_t class = 0; class < classes; class ++)
        sum += exp(outputs[class] - largest);
    for (size_t class = 0; gradient && class < classes; class ++) {
        double probability = exp(outputs[class] - largest) / sum;
        gradient[class] = (float)(scale * (probability - (class == label)));
    }
    return log(sum) - (outputs[label] - largest);
}

static double evaluate(size_t n, size_t classes, const float *outputs, const uint8_t *labels,
                       float *gradient, size_t *correct)
{
    double sum = 0;
    for (size_t row = 0; row < n; row++) {
        const float *at = outputs + row * classes;
        sum += row_loss(classes, at, labels[row], 1.0 / (double)n,
                        gradient ? gradient + row * classes : NULL);
    }
    *correct += tw_loss_count_correct(n, classes, outputs, labels);
    return sum / (double)n;
}

const struct tw_loss tw_loss_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .description = "softmax and cross-entropy, for one class of several",
    .evaluate = evaluate,
};
