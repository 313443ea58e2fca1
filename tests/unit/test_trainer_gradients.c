/* Every gradient of a small network against central differences of its loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/losses/loss.h"
#include "trainer/model.h"

#include <math.h>
#include <stdlib.h>

#define SAMPLES 7
#define INPUTS 5
#define CLASSES 3

static const struct tw_initializer_config as_drawn = {.gain = 1};

static struct tw_model_shape shape_of(const char *activation)
{
    return (struct tw_model_shape){.n_inputs = INPUTS,
                                   .n_outputs = CLASSES,
                                   .batch_max = SAMPLES,
                                   .n_hidden = 2,
                                   .hidden = {6, 4},
                                   .activation = tw_layer_type_find(activation)};
}

static double loss_of(struct tw_model *model, const float *input, const uint8_t *labels,
                      float *gradient)
{
    size_t correct = 0;
    const float *outputs = tw_model_forward(model, SAMPLES, input);
    return tw_loss_find("softmax_cross_entropy")
        ->evaluate(SAMPLES, CLASSES, outputs, labels, gradient, &correct);
}

/* (loss(w + h) - loss(w - h)) / 2h: the rounding of float outputs is worth about 1e-7 / h, the
 * third derivative h^2; h = .01 keeps both near 1e-5 and 1e-4. Rectifiers have a kink, where the
 * difference tells nothing: there h is smaller, and the draws below lie on neither side by less. */
static void check_gradients(const struct tw_model_shape *shape, double h, double tolerance)
{
    struct tw_model model;
    struct tw_random random;
    float input[SAMPLES * INPUTS];
    uint8_t labels[SAMPLES];
    assert_int_equal(tw_model_init(&model, shape, NULL), 0);
    tw_random_init(&random, 11, TW_RANDOM_WEIGHTS);
    tw_model_initialise(&model, tw_initializer_find("he"), &as_drawn, &random);
    for (size_t i = 0; i < SAMPLES * INPUTS; i++)
        input[i] = (float)tw_random_normal(&random);
    for (size_t i = 0; i < SAMPLES; i++)
        labels[i] = (uint8_t)tw_random_below(&random, CLASSES);
    /* Biases start at 0: give them values too, or a forgotten one would not be seen. */
    for (size_t i = 0; i < model.n_parameters; i++)
        model.parameters[i] += .1f * (float)tw_random_normal(&random);
    tw_model_draw(&model, SAMPLES, &random); /* dropout keeps this mask for all that follows */

    loss_of(&model, input, labels, tw_model_output_gradient(&model));
    tw_model_backward(&model, SAMPLES, input);
    double largest = 0;
    for (size_t i = 0; i < model.n_parameters; i++) {
        float kept = model.parameters[i];
        model.parameters[i] = (float)(kept + h);
        double above = loss_of(&model, input, labels, NULL);
        model.parameters[i] = (float)(kept - h);
        double below = loss_of(&model, input, labels, NULL);
        model.parameters[i] = kept;
        double expected = (above - below) / (2 * h);
        assert_true(fabs(model.gradients[i] - expected) < tolerance);
        largest = fmax(largest, fabs(expected));
    }
    assert_true(largest > 100 * tolerance); /* the tolerance is small beside what is measured */
    tw_model_release(&model);
}

static void gradients_through_tanh_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("tanh");
    (void)state;
    check_gradients(&shape, .01, 5e-4);
}

static void gradients_through_sigmoid_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("sigmoid");
    (void)state;
    check_gradients(&shape, .01, 5e-4);
}

static void gradients_through_relu_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("relu");
    (void)state;
    check_gradients(&shape, .001, 1e-3);
}

static void gradients_through_leaky_relu_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("leaky_relu");
    (void)state;
    check_gradients(&shape, .001, 1e-3);
}

static void gradients_through_gelu_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("gelu");
    (void)state;
    check_gradients(&shape, .01, 5e-4);
}

/* Every sample's slope by every other one's inputs too: the batch's mean and deviation move. */
static void gradients_through_batch_norm_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("tanh");
    (void)state;
    shape.batch_norm = true;
    check_gradients(&shape, .01, 1e-3);
}

static void gradients_through_dropout_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("tanh");
    (void)state;
    shape.dropout = .4;
    check_gradients(&shape, .01, 5e-4);
}

static void gradients_through_all_of_them_are_the_slopes_of_the_loss(void **state)
{
    struct tw_model_shape shape = shape_of("gelu");
    (void)state;
    shape.batch_norm = true;
    shape.dropout = .4;
    check_gradients(&shape, .01, 1e-3);
}

static void relu_lets_nan_through(void **state)
{
    const struct tw_layer layer = {.type = tw_layer_type_find("relu"), .fan_in = 4, .units = 4};
    const float input[] = {NAN, -1, 0, 2}, gradient[] = {1, 1, 1, 1};
    float output[4], back[4];
    (void)state;
    layer.type->forward(&layer, 1, input, output);
    assert_true(isnan(output[0]) && output[1] == 0 && output[2] == 0 && output[3] == 2);
    layer.type->backward(&layer, 1, input, output, gradient, back);
    assert_true(back[0] == 1 && back[1] == 0 && back[2] == 0 && back[3] == 1);
}

static void saturation_begins_where_the_contract_says(void **state)
{
    const struct tw_layer_type *tanh_type = tw_layer_type_find("tanh");
    const struct tw_layer_type *sigmoid = tw_layer_type_find("sigmoid");
    (void)state;
    assert_true(tanh_type->low == -.95f && tanh_type->high == .95f);
    assert_true(sigmoid->low == .05f && sigmoid->high == .95f);
    assert_false(tw_layer_type_saturates(tw_layer_type_find("relu")));
}

static void blocks_are_the_layers_with_parameters(void **state)
{
    struct tw_model model;
    struct tw_model_shape shape = shape_of("relu");
    (void)state;
    assert_int_equal(tw_model_init(&model, &shape, NULL), 0);
    /* (5+1) 6 + (6+1) 4 + (4+1) 3 */
    assert_int_equal(model.n_parameters, 36 + 28 + 15);
    assert_int_equal(tw_model_next_block(&model, -1), 0);
    assert_int_equal(tw_model_next_block(&model, 0), 2);
    assert_int_equal(tw_model_next_block(&model, 2), 4);
    assert_int_equal(tw_model_next_block(&model, 4), -1);
    assert_int_equal(tw_model_activation(&model, 0), 1);
    assert_int_equal(tw_model_activation(&model, 4), 4);
    assert_string_equal(model.layers[4].name, "output");
    tw_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_through_tanh_are_the_slopes_of_the_loss),
        cmocka_unit_test(gradients_through_sigmoid_are_the_slopes_of_the_loss),
        cmocka_unit_test(gradients_through_relu_are_the_slopes_of_the_loss),
        cmocka_unit_test(gradients_through_leaky_relu_are_the_slopes_of_the_loss),
        cmocka_unit_test(gradients_through_gelu_are_the_slopes_of_the_loss),
        cmocka_unit_test(gradients_through_batch_norm_are_the_slopes_of_the_loss),
        cmocka_unit_test(gradients_through_dropout_are_the_slopes_of_the_loss),
        cmocka_unit_test(gradients_through_all_of_them_are_the_slopes_of_the_loss),
        cmocka_unit_test(relu_lets_nan_through),
        cmocka_unit_test(saturation_begins_where_the_contract_says),
        cmocka_unit_test(blocks_are_the_layers_with_parameters),
    };
    return cmocka_run_group_tests_name("trainer_gradients", tests, NULL, NULL);
}
