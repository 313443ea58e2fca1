/* Layers by themselves, against numbers that PyTorch 2.15 gave for the same inputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/initializers/initializer.h"
#include "trainer/layers/layer.h"
#include "trainer/model.h"

#include <math.h>
#include <string.h>

#define ROWS 4
#define UNITS 3

static void assert_all_near(const float *values, const float *expected, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)values[i] - (double)expected[i]) <= tolerance))
            fail_msg("[%zu]: %.9g instead of %.9g", i, (double)values[i], (double)expected[i]);
    }
}

/* ---- batch normalisation: torch.nn.BatchNorm1d(3), weight (1.5, .5, -2), bias (.1, -.2, .3) ----
 */

static const float batch[ROWS * UNITS] = {1, -2, .5f, 3, 0, .25f, -1, 4, 2, 2, 1, -3};

struct norm {
    struct tw_layer layer;
    float parameters[2 * UNITS], gradients[2 * UNITS], buffers[2 * UNITS], kept[2 * UNITS];
};

static void make_norm(struct norm *norm)
{
    static const float gamma_and_beta[] = {1.5f, .5f, -2, .1f, -.2f, .3f};
    *norm = (struct norm){.layer = {.type = tw_layer_type_find("batch_norm"),
                                    .fan_in = UNITS,
                                    .units = UNITS,
                                    .parameters = norm->parameters,
                                    .used = norm->parameters,
                                    .gradients = norm->gradients,
                                    .buffers = norm->buffers,
                                    .kept = norm->kept,
                                    .is_training = true}};
    norm->layer.type->shape(&norm->layer, ROWS);
    assert_int_equal(norm->layer.n_parameters, 2 * UNITS);
    assert_int_equal(norm->layer.n_buffers, 2 * UNITS);
    assert_int_equal(norm->layer.n_kept, 2 * UNITS);
    norm->layer.type->initialise(&norm->layer);
    memcpy(norm->parameters, gamma_and_beta, sizeof gamma_and_beta);
}

static void batch_norm_trains_as_pytorchs(void **state)
{
    static const float outputs[] = {-.15354574f, -.83508462f,  -.31703112f, 1.8748199f,
                                    -.37320489f, -.042795062f, -2.1819115f, .55055457f,
                                    -1.9624474f, .86063707f,   -.14226502f, 3.5222735f};
    static const float by_output[] = {.5f, -1, 2, 1, 0, -.5f, -2, 3, 1, .25f, .75f, -1.5f};
    static const float by_input[] = {.7533921f,    .040028684f, -1.5745221f,  -.20283067f,
                                     -.041569427f, 1.0144472f,  -.3187508f,   .02617426f,
                                     .44276968f,   -.23181066f, -.024633504f, .11730503f};
    static const float by_parameter[] = {4.2680192f, 5.8600988f, 4.0792613f, -.25f, 2.75f, 1};
    static const float running[] = {.125f, .075f, -.00625f, 1.1916666f, 1.525f, 1.3432292f};
    struct norm norm;
    float output[ROWS * UNITS], input_gradient[ROWS * UNITS];
    (void)state;
    make_norm(&norm);
    norm.layer.type->forward(&norm.layer, ROWS, batch, output);
    norm.layer.type->backward(&norm.layer, ROWS, batch, output, by_output, input_gradient);
    assert_all_near(output, outputs, ROWS * UNITS, 5e-7);
    assert_all_near(input_gradient, by_input, ROWS * UNITS, 5e-7);
    assert_all_near(norm.gradients, by_parameter, 2 * UNITS, 1e-6);
    assert_all_near(norm.buffers, running, 2 * UNITS, 2e-7);
}

static void batch_norm_evaluates_with_the_running_statistics(void **state)
{
    static const float outputs[] = {1.3023201f,  -1.0401402f, -.57361156f, 4.0504804f,
                                    -.23036651f, -.14219844f, -1.4458402f, 1.3891808f,
                                    -3.1620903f, 2.6764004f,  .1745203f,   5.4661722f};
    struct norm norm;
    float output[ROWS * UNITS], before[2 * UNITS];
    (void)state;
    make_norm(&norm);
    norm.layer.type->forward(&norm.layer, ROWS, batch, output);
    memcpy(before, norm.buffers, sizeof before);
    norm.layer.is_training = false;
    /* One sample at a time: no other one of the batch has a say. */
    for (size_t row = 0; row < ROWS; row++)
        norm.layer.type->forward(&norm.layer, 1, batch + row * UNITS, output + row * UNITS);
    assert_all_near(output, outputs, ROWS * UNITS, 2e-6);
    assert_memory_equal(norm.buffers, before, sizeof before);
}

/* PyTorch refuses a batch of one; the last batch of an epoch may be one here. Its distance from its
 * own mean is 0, which leaves beta, and it moves no running statistic. */
static void a_batch_of_one_normalises_to_beta(void **state)
{
    struct norm norm;
    float output[UNITS];
    (void)state;
    make_norm(&norm);
    norm.layer.type->forward(&norm.layer, 1, batch, output);
    assert_all_near(output, norm.parameters + UNITS, UNITS, 0);
    for (size_t unit = 0; unit < UNITS; unit++)
        assert_true(norm.buffers[unit] == 0 && norm.buffers[UNITS + unit] == 1);
}

static void batch_norm_lets_nan_through_in_its_unit_alone(void **state)
{
    struct norm norm;
    float input[ROWS * UNITS], output[ROWS * UNITS];
    (void)state;
    make_norm(&norm);
    memcpy(input, batch, sizeof input);
    input[UNITS + 1] = NAN;
    norm.layer.type->forward(&norm.layer, ROWS, input, output);
    for (size_t i = 0; i < ROWS * UNITS; i++)
        assert_int_equal(isnan(output[i]) != 0, i % UNITS == 1);
}

/* ---- activations ---- */

static void expect_activation(const char *name, const float *values, const float *slopes)
{
    static const float input[] = {-3, -1, -.5f, 0, .5f, 1, 3}, ones[] = {1, 1, 1, 1, 1, 1, 1};
    const struct tw_layer layer = {.type = tw_layer_type_find(name), .fan_in = 7, .units = 7};
    float output[7], slope[7];
    layer.type->forward(&layer, 1, input, output);
    layer.type->backward(&layer, 1, input, output, ones, slope);
    assert_all_near(output, values, 7, 1e-6);
    assert_all_near(slope, slopes, 7, 1e-6);
}

static void gelu_and_leaky_relu_are_pytorchs(void **state)
{
    (void)state;
    expect_activation("gelu",
                      (const float[]){-.004050225f, -.15865526f, -.15426877f, 0, .34573123f,
                                      .84134471f, 2.9959497f},
                      (const float[]){-.011945605f, -.083315432f, .13250491f, .5f, .86749506f,
                                      1.0833154f, 1.0119456f});
    expect_activation("leaky_relu", (const float[]){-.03f, -.01f, -.005f, 0, .5f, 1, 3},
                      (const float[]){.01f, .01f, .01f, .01f, 1, 1, 1});
}

/* More than two vectors of AVX-512 and a rest. */
#define VALUES 39

static void every_activation_lets_nan_through(void **state)
{
    float input[VALUES], output[VALUES];
    (void)state;
    for (size_t k = 0; k < VALUES; k++)
        input[k] = k % 7 ? 1 : NAN;
    for (size_t i = 0; tw_layer_types[i]; i++) {
        const struct tw_layer layer = {
            .type = tw_layer_types[i], .fan_in = VALUES, .units = VALUES};
        if (!layer.type->is_activation)
            continue;
        layer.type->forward(&layer, 1, input, output);
        for (size_t k = 0; k < VALUES; k++)
            assert_int_equal(isnan(output[k]) != 0, k % 7 == 0);
    }
}

static double sigmoid_of(double x)
{
    return 1 / (1 + exp(-x));
}

static double gelu_of(double x)
{
    return x * .5 * (1 + erf(x * M_SQRT1_2));
}

/* Against the formulas in double, from -12 to 12 and at the infinities. */
static void expect_function(const char *name, double (*expected)(double), double at_infinity)
{
    const struct tw_layer layer = {
        .type = tw_layer_type_find(name), .fan_in = VALUES, .units = VALUES};
    float input[VALUES], output[VALUES];
    for (int start = 0; start < 100; start++) {
        for (size_t k = 0; k < VALUES; k++)
            input[k] = (float)(start * VALUES + (int)k - 50 * VALUES) * 24 / (100 * VALUES);
        input[start % VALUES] = INFINITY;
        layer.type->forward(&layer, 1, input, output);
        for (size_t k = 0; k < VALUES; k++) {
            double x = (double)input[k], should_be = isinf(x) ? at_infinity : expected(x);
            assert_true((double)output[k] == should_be ||
                        fabs((double)output[k] - should_be) <= 5e-7 * (1 + fabs(x)));
        }
    }
}

static void vectors_follow_the_formulas(void **state)
{
    (void)state;
    expect_function("tanh", tanh, 1);
    expect_function("sigmoid", sigmoid_of, 1);
    expect_function("gelu", gelu_of, (double)INFINITY);
}

static void only_units_that_stop_learning_at_0_can_die(void **state)
{
    (void)state;
    assert_true(tw_layer_type_find("relu")->can_die);
    assert_false(tw_layer_type_find("leaky_relu")->can_die);
    assert_false(tw_layer_type_find("gelu")->can_die);
    assert_false(tw_layer_type_find("tanh")->can_die);
}

/* ---- dropout ---- */

enum { MANY = 10000 };

/* Of 10,000 draws at .3 a share of .3 is dropped, within five standard errors of .0046. */
static void dropout_drops_its_share_and_keeps_the_mean(void **state)
{
    static float input[MANY], output[MANY], kept[MANY], back[MANY];
    struct tw_layer layer = {.type = tw_layer_type_find("dropout"),
                             .fan_in = MANY,
                             .units = MANY,
                             .kept = kept,
                             .rate = .3,
                             .is_training = true};
    struct tw_random random;
    size_t dropped = 0;
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        input[i] = 2;
    tw_random_init(&random, 1, TW_RANDOM_DROPOUT);
    layer.type->shape(&layer, 1);
    assert_int_equal(layer.n_kept, MANY);
    layer.type->draw(&layer, 1, &random);
    layer.type->forward(&layer, 1, input, output);
    layer.type->backward(&layer, 1, input, output, input, back);
    for (size_t i = 0; i < MANY; i++) {
        dropped += output[i] == 0;
        assert_true(output[i] == 0 || fabs(output[i] - 2 / .7) < 1e-6);
        assert_true(back[i] == output[i]); /* the same units, the same factor */
    }
    assert_true(fabs((double)dropped / MANY - .3) < .023);
    layer.is_training = false;
    layer.type->forward(&layer, 1, input, output);
    assert_memory_equal(output, input, sizeof input);
}

/* ---- the first weights ---- */

static void gain_and_bias_go_to_the_hidden_layers_alone(void **state)
{
    const struct tw_model_shape shape = {.n_inputs = 40,
                                         .n_outputs = 20,
                                         .batch_max = 1,
                                         .n_hidden = 1,
                                         .hidden = {30},
                                         .activation = tw_layer_type_find("tanh"),
                                         .batch_norm = true};
    const struct tw_initializer_config as_drawn = {.gain = 1}, spoilt = {.gain = 8, .bias = -3};
    struct tw_model first, second;
    struct tw_random random;
    (void)state;
    assert_int_equal(tw_model_init(&first, &shape, NULL), 0);
    assert_int_equal(tw_model_init(&second, &shape, NULL), 0);
    tw_random_init(&random, 5, TW_RANDOM_WEIGHTS);
    tw_model_initialise(&first, tw_initializer_find("xavier"), &as_drawn, &random);
    tw_random_init(&random, 5, TW_RANDOM_WEIGHTS);
    tw_model_initialise(&second, tw_initializer_find("xavier"), &spoilt, &random);
    /* 40 x 30 weights, 30 biases, 30 gammas, 30 betas, then the output layer's. */
    for (size_t i = 0; i < 1200; i++)
        assert_true(second.parameters[i] == 8 * first.parameters[i]);
    for (size_t i = 1200; i < 1230; i++)
        assert_true(first.parameters[i] == 0 && second.parameters[i] == -3);
    for (size_t i = 1230; i < 1290; i++)
        assert_true(second.parameters[i] == (i < 1260 ? 1 : 0));
    assert_memory_equal(first.parameters + 1290, second.parameters + 1290,
                        (first.n_parameters - 1290) * sizeof(float));
    tw_model_release(&first);
    tw_model_release(&second);
}

static void blocks_reach_to_the_next_layer_with_weights(void **state)
{
    const struct tw_model_shape shape = {.n_inputs = 5,
                                         .n_outputs = 3,
                                         .batch_max = 1,
                                         .n_hidden = 2,
                                         .hidden = {6, 4},
                                         .activation = tw_layer_type_find("relu"),
                                         .batch_norm = true,
                                         .dropout = .5};
    struct tw_model model;
    (void)state;
    assert_int_equal(tw_model_init(&model, &shape, NULL), 0);
    /* linear, batch_norm, relu, dropout; the same again; linear. */
    assert_int_equal(model.n_layers, 9);
    assert_int_equal(model.n_parameters, (5 + 1) * 6 + 12 + (6 + 1) * 4 + 8 + (4 + 1) * 3);
    assert_int_equal(model.n_buffers, 12 + 8);
    assert_int_equal(tw_model_next_block(&model, -1), 0);
    assert_int_equal(tw_model_next_block(&model, 0), 4);
    assert_int_equal(tw_model_next_block(&model, 4), 8);
    assert_int_equal(tw_model_next_block(&model, 8), -1);
    assert_int_equal(tw_model_activation(&model, 4), 6);
    assert_int_equal(tw_model_activation(&model, 8), 8);
    assert_int_equal(tw_model_block_end(&model, 4), 8);
    assert_int_equal(tw_model_block_end(&model, 8), 9);
    tw_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm_trains_as_pytorchs),
        cmocka_unit_test(batch_norm_evaluates_with_the_running_statistics),
        cmocka_unit_test(a_batch_of_one_normalises_to_beta),
        cmocka_unit_test(batch_norm_lets_nan_through_in_its_unit_alone),
        cmocka_unit_test(gelu_and_leaky_relu_are_pytorchs),
        cmocka_unit_test(every_activation_lets_nan_through),
        cmocka_unit_test(vectors_follow_the_formulas),
        cmocka_unit_test(only_units_that_stop_learning_at_0_can_die),
        cmocka_unit_test(dropout_drops_its_share_and_keeps_the_mean),
        cmocka_unit_test(gain_and_bias_go_to_the_hidden_layers_alone),
        cmocka_unit_test(blocks_reach_to_the_next_layer_with_weights),
    };
    return cmocka_run_group_tests_name("trainer_layers", tests, NULL, NULL);
}
