/* Rounding to 16-bit formats over all their numbers, dynamic loss scaling, and trainings in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/loss_scaler.h"
#include "trainer/precisions/precision.h"
#include "trainer/recorder.h"
#include "trainer/training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- rounding ---- */

/* Eight at once take the vector instructions where the processor has them, fewer the plain way. */
static float rounded(const struct tw_precision *precision, float value)
{
    float eight[8], one = value;
    for (size_t i = 0; i < 8; i++)
        eight[i] = value;
    precision->round(8, eight);
    precision->round(1, &one);
    for (size_t i = 0; i < 8; i++) {
        if (bits_of(eight[i]) != bits_of(one))
            fail_msg("%a: %a by vectors, %a plainly", (double)value, (double)eight[i], (double)one);
    }
    return one;
}

/* The value of a half's 16 bits by the definition in IEEE 754-2008, 3.4. */
static float half_value(uint32_t half)
{
    uint32_t exponent = (half >> 10) & 31, fraction = half & 0x3ff;
    float magnitude = exponent == 0    ? ldexpf((float)fraction, -24)
                      : exponent == 31 ? (fraction ? NAN : INFINITY)
                                       : ldexpf((float)(1024 + fraction), (int)exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

/* bfloat16 is the upper half of a float. */
static float bfloat_value(uint32_t bfloat)
{
    return from_bits(bfloat << 16);
}

static void assert_rounds(const struct tw_precision *precision, float value, float expected)
{
    float result = rounded(precision, value);
    if (bits_of(result) != bits_of(expected))
        fail_msg("%s of %a: %a instead of %a", precision->name, (double)value, (double)result,
                 (double)expected);
}

/* Each number of the format is its own; half way to the next one goes to that of an even last bit,
 * and the floats beside the half way point to the nearer one. `infinity`: its code; the step before
 * it counts as wide as the one before that. */
static void check_every_number(const struct tw_precision *precision, float (*value)(uint32_t),
                               uint32_t infinity, uint32_t first)
{
    for (uint32_t code = first; code < infinity; code++) {
        float lower = value(code), upper = value(code + 1);
        double step = code + 1 < infinity ? (double)upper - (double)lower
                                          : (double)lower - (double)value(code - 1);
        float middle = (float)((double)lower + step / 2);
        float even = code & 1 ? upper : lower;
        for (int sign = 1; sign >= -1; sign -= 2) {
            float s = (float)sign;
            assert_rounds(precision, s * lower, s * lower);
            assert_rounds(precision, s * middle, s * even);
            assert_rounds(precision, s * nextafterf(middle, 0), s * lower);
            assert_rounds(precision, s * nextafterf(middle, INFINITY), s * upper);
        }
    }
    for (uint32_t code = infinity + 1; code < 0x8000; code++)
        assert_true(isnan(rounded(precision, value(code))));
    assert_rounds(precision, INFINITY, INFINITY);
    assert_rounds(precision, -INFINITY, -INFINITY);
    assert_true(isnan(rounded(precision, NAN)) && isnan(rounded(precision, -NAN)));
    /* A NaN of which only the lowest bit is set must not become infinite. */
    assert_true(isnan(rounded(precision, from_bits(0x7f800001))));
    assert_true(isnan(rounded(precision, from_bits(0x7fffffff))));
}

static void every_half_and_what_lies_between_rounds_to_nearest_even(void **state)
{
    (void)state;
    check_every_number(tw_precision_find("fp16"), half_value, 0x7c00, 0);
}

static void every_bfloat_and_what_lies_between_rounds_to_nearest_even(void **state)
{
    (void)state;
    check_every_number(tw_precision_find("bf16"), bfloat_value, 0x7f80, 0);
}

/* torch.tensor(...).half().float() and .bfloat16().float(), PyTorch 2.15. */
static void some_numbers_round_as_pytorchs(void **state)
{
    static const float values[] = {1.f / 3,    65519.996f,  65520,      -70000,
                                   6e-8f,      2.9e-8f,     3.0e-8f,    1e-4f,
                                   3.3895e38f, 1.00390625f, 1.01171875f};
    static const float halves[] = {.333251953125f,
                                   65504,
                                   INFINITY,
                                   -INFINITY,
                                   5.960464477539063e-8f,
                                   0,
                                   5.960464477539063e-8f,
                                   1.0001659393310547e-4f,
                                   INFINITY,
                                   1.00390625f,
                                   1.01171875f};
    static const float bfloats[] = {.333984375f,
                                    65536,
                                    65536,
                                    -70144,
                                    6.007030606269836e-8f,
                                    2.898741513490677e-8f,
                                    3.003515303134918e-8f,
                                    1.0013580322265625e-4f,
                                    3.3895313892515355e38f,
                                    1,
                                    1.015625f};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_rounds(tw_precision_find("fp16"), values[i], halves[i]);
        assert_rounds(tw_precision_find("bf16"), values[i], bfloats[i]);
    }
}

#ifdef __FLT16_MAX__
/* The compiler's own half over a hundredth of all floats: every 97th, a prime. */
static void a_half_is_the_compilers(void **state)
{
    const struct tw_precision *precision = tw_precision_find("fp16");
    (void)state;
    for (uint64_t bits = 0; bits < UINT64_C(0x100000000); bits += 97 * 8) {
        float values[8], expected[8];
        for (uint32_t i = 0; i < 8; i++) {
            values[i] = from_bits((uint32_t)(bits + i * 97));
            expected[i] = (float)(_Float16)values[i];
        }
        precision->round(8, values);
        for (size_t i = 0; i < 8; i++) {
            if (bits_of(values[i]) != bits_of(expected[i]))
                fail_msg("%a instead of %a", (double)values[i], (double)expected[i]);
        }
    }
}
#endif

/* ---- loss scaling ---- */

/* torch.amp.GradScaler(init_scale=1024, growth_interval=3), PyTorch 2.15: its scale after steps
 * with (1) and without (0) an infinite gradient. */
static void the_scale_moves_as_pytorchs(void **state)
{
    static const bool overflows[] = {0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1};
    static const double scales[] = {1024, 1024, 2048, 1024, 1024, 1024, 512, 256,
                                    256,  256,  512,  512,  512,  1024, 512};
    struct tw_loss_scaler scaler = {.scale = 1024, .window = 3, .min_scale = 1};
    (void)state;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        tw_loss_scaler_update(&scaler, overflows[i]);
        assert_true(scaler.scale == scales[i]);
    }
}

/* 2^127 is the largest power of two in float; GradScaler stays there too. */
static void the_scale_stays_between_its_bounds(void **state)
{
    struct tw_loss_scaler large = {.scale = 0x1p126, .window = 1};
    struct tw_loss_scaler small = {.scale = 4, .window = 1, .min_scale = 2};
    struct tw_loss_scaler off = {.window = 1};
    (void)state;
    for (int i = 0; i < 3; i++) {
        tw_loss_scaler_update(&large, false);
        assert_true(large.scale == 0x1p127);
        tw_loss_scaler_update(&small, true);
        assert_true(small.scale == 2);
        tw_loss_scaler_update(&off, false);
        assert_false(tw_loss_scaler_is_on(&off));
    }
}

/* ---- trainings ---- */

static void set(struct tw_trainer_config *config, const char *name, const char *value)
{
    const struct tw_option *option = tw_option_find(tw_trainer_options, tw_trainer_n_options, name);
    assert_non_null(option);
    assert_int_equal(tw_option_set(option, config, value, NULL), 0);
}

/* `settings`: names and values by turns, up to a NULL. */
static struct tw_trainer_config configure(const char *const *settings)
{
    struct tw_trainer_config config = {0};
    assert_int_equal(tw_options_initialise(tw_trainer_options, tw_trainer_n_options, &config, NULL),
                     0);
    for (; *settings; settings += 2)
        set(&config, settings[0], settings[1]);
    return config;
}

static void release(struct tw_trainer_config *config)
{
    tw_options_release(tw_trainer_options, tw_trainer_n_options, config);
}

static void assert_representable(const struct tw_precision *precision, const float *values,
                                 size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float value = values[i];
        precision->round(1, &value);
        assert_true(value == values[i] || isnan(values[i]));
    }
}

static void check_what_is_rounded(const char *name)
{
    const char *const settings[] = {
        "precision", name, "hidden", "16,8", "activation", "tanh", "initial_loss_scale", "1", NULL};
    const struct tw_precision *precision = tw_precision_find(name);
    struct tw_trainer_config config = configure(settings);
    struct tw_training training;
    float weight;
    size_t differ = 0;
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    for (int i = 0; i < 3; i++)
        tw_training_step(&training);
    const struct tw_model *model = &training.model;
    for (size_t i = 0; i < model->n_layers; i++) {
        size_t n = training.n_batch * model->layers[i].units;
        assert_representable(precision, model->outputs[i], n);
        assert_representable(precision, model->output_gradients[i], n);
    }
    assert_representable(precision, model->gradients, model->n_parameters); /* scale 1 */
    assert_representable(precision, model->layers[0].used, model->layers[0].n_parameters);
    for (size_t i = 0; i < model->n_parameters; i++) {
        weight = model->parameters[i];
        precision->round(1, &weight);
        differ += weight != model->parameters[i];
    }
    assert_true(differ > model->n_parameters / 2); /* the optimizer's own are fp32 */
    tw_training_release(&training);
    release(&config);
}

static void activations_gradients_and_weights_in_use_are_numbers_of_the_format(void **state)
{
    (void)state;
    check_what_is_rounded("fp16");
    check_what_is_rounded("bf16");
}

static double signal_of(const struct tw_training *training, const struct tw_step_figures *figures,
                        enum tw_signal signal)
{
    struct tw_record record;
    tw_record_init(&record);
    tw_recorder_step(&record, training, figures);
    double value = tw_record_has(&record, signal) ? record.signal[signal] : -1;
    tw_record_clear(&record);
    return value;
}

/* A scale of 2^40 lifts gradients near .1 far beyond 65504. */
static void an_overflow_skips_the_step_and_halves_the_scale(void **state)
{
    const char *const settings[] = {"precision", "fp16", "initial_loss_scale", "1099511627776",
                                    NULL};
    struct tw_trainer_config config = configure(settings);
    struct tw_training training;
    float before;
    (void)state;
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    before = training.model.parameters[7];
    struct tw_step_figures figures = tw_training_step(&training);
    assert_true(figures.has_overflowed);
    assert_true(isfinite(figures.loss) && !isfinite(figures.grad_norm));
    assert_true(figures.update_norm == 0 && training.model.parameters[7] == before);
    assert_int_equal(training.step, 1);
    assert_int_equal(training.n_updates, 0);
    assert_true(signal_of(&training, &figures, TW_SIGNAL_LOSS_SCALE) == 0x1p40);
    assert_true(signal_of(&training, &figures, TW_SIGNAL_OVERFLOW) == 1);
    assert_true(signal_of(&training, &figures, TW_SIGNAL_SKIPPED_STEPS) == 1);
    int steps = 0;
    while (figures.has_overflowed && steps++ < 40)
        figures = tw_training_step(&training);
    assert_in_range(steps, 10, 39);
    assert_true(figures.loss_scale == ldexp(1, 40 - steps));
    assert_int_equal(training.n_updates, 1);
    assert_true(figures.update_norm > 0 && isfinite(figures.grad_norm));
    assert_true(signal_of(&training, &figures, TW_SIGNAL_OVERFLOW) == 0);
    tw_training_release(&training);
    release(&config);
}

/* The first step's norm is the same but for rounding, whatever the scale; halves have 11 bits. */
static void the_norm_that_is_told_is_unscaled(void **state)
{
    const char *const plain[] = {NULL}, *const scaled[] = {"precision", "fp16", NULL};
    struct tw_trainer_config first = configure(plain), second = configure(scaled);
    struct tw_training in_float, in_half;
    (void)state;
    assert_int_equal(tw_training_init(&in_float, &first, NULL), 0);
    assert_int_equal(tw_training_init(&in_half, &second, NULL), 0);
    struct tw_step_figures expected = tw_training_step(&in_float);
    struct tw_step_figures figures = tw_training_step(&in_half);
    assert_true(expected.loss_scale == 0 && figures.loss_scale == 65536);
    assert_true(fabs(figures.grad_norm / expected.grad_norm - 1) < .005);
    assert_true(fabs(figures.loss - expected.loss) < .005);
    assert_true(figures.grad_norm != expected.grad_norm);
    assert_true(signal_of(&in_float, &expected, TW_SIGNAL_LOSS_SCALE) == -1); /* not sent */
    tw_training_release(&in_float);
    tw_training_release(&in_half);
    release(&first);
    release(&second);
}

/* Inputs up to 60,000 fit a half; a weighted sum of 64 of them does not. */
static void large_inputs_overflow_a_half_and_no_bfloat(void **state)
{
    const char *half[] = {"precision", "fp16", "feature_scale", "60000", NULL};
    struct tw_training training;
    (void)state;
    for (int is_half = 1; is_half >= 0; is_half--) {
        half[1] = is_half ? "fp16" : "bf16";
        struct tw_trainer_config config = configure(half);
        size_t infinite = 0;
        assert_int_equal(tw_training_init(&training, &config, NULL), 0);
        tw_training_step(&training);
        for (size_t i = 0; i < training.n_batch * 128; i++)
            infinite += isinf(training.model.outputs[0][i]) != 0;
        assert_int_equal(infinite > 100, is_half);
        tw_training_release(&training);
        release(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_and_what_lies_between_rounds_to_nearest_even),
        cmocka_unit_test(every_bfloat_and_what_lies_between_rounds_to_nearest_even),
        cmocka_unit_test(some_numbers_round_as_pytorchs),
#ifdef __FLT16_MAX__
        cmocka_unit_test(a_half_is_the_compilers),
#endif
        cmocka_unit_test(the_scale_moves_as_pytorchs),
        cmocka_unit_test(the_scale_stays_between_its_bounds),
        cmocka_unit_test(activations_gradients_and_weights_in_use_are_numbers_of_the_format),
        cmocka_unit_test(an_overflow_skips_the_step_and_halves_the_scale),
        cmocka_unit_test(the_norm_that_is_told_is_unscaled),
        cmocka_unit_test(large_inputs_overflow_a_half_and_no_bfloat),
    };
    return cmocka_run_group_tests_name("trainer_precision", tests, NULL, NULL);
}
