/* Mean squared error, as PyTorch's MSELoss takes its mean: over rows and outputs. With classes the
 * target is 1 for the label's output and 0 for the others. */
#include "trainer/losses/loss.h"

static double term(float output, double target, double scale, float *gradient)
{
    double difference = output - target;
    if (gradient)
        *gradient = (float)(2 * scale * difference);
    return scale * difference * difference;
}

static double evaluate(size_t n, size_t classes, const float *outputs, const uint8_t *labels,
                       float *gradient, size_t *correct)
{
    double sum = 0, scale = 1 / ((double)n * (double)classes);
    for (size_t i = 0; i < n * classes; i++)
        sum += term(outputs[i], labels[i / classes] == i % classes, scale,
                    gradient ? gradient + i : NULL);
    *correct += tw_loss_count_correct(n, classes, outputs, labels);
    return sum;
}

static double evaluate_values(size_t n, const float *outputs, const float *values, float *gradient)
{
    double sum = 0, scale = 1 / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += term(outputs[i], values[i], scale, gradient ? gradient + i : NULL);
    return sum;
}

const struct tw_loss tw_loss_mse = {
    .name = "mse",
    .description = "mean squared error, of numbers or of one-hot classes",
    .evaluate = evaluate,
    .evaluate_values = evaluate_values,
};
