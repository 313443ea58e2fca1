/* The trainer's arithmetic against published vectors and hand calculation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/compute_threads.h"
#include "trainer/initializers/initializer.h"
#include "trainer/losses/loss.h"
#include "trainer/optimizers/optimizer.h"
#include "trainer/random.h"
#include "trainer/schedules/schedule.h"

#include "telemetry/statistics.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((double)(value) - (double)(expected)) <= (tolerance))

/* The first six numbers that pcg32-demo prints for seed 42, stream 54 (pcg-c-basic 0.9,
 * sample-output/check-pcg32.out). */
static void pcg32_gives_the_published_numbers(void **state)
{
    static const uint32_t published[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                         0x83d2f293, 0xbfa4784b, 0xcbed606e};
    struct tw_random random;
    (void)state;
    tw_random_init(&random, 42, 54);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(tw_random_next(&random), published[i]);
}

static void a_shuffle_keeps_every_item_once(void **state)
{
    struct tw_random random;
    uint32_t items[1000];
    uint8_t seen[1000] = {0};
    size_t in_place = 0;
    (void)state;
    tw_random_init(&random, 7, TW_RANDOM_ORDER);
    for (uint32_t i = 0; i < 1000; i++)
        items[i] = i;
    tw_random_shuffle(&random, items, 1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_in_range(items[i], 0, 999);
        seen[items[i]]++;
        in_place += items[i] == i;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    /* On average one item stays where it was; ten are as good as impossible. */
    assert_in_range(in_place, 0, 10);
}

/* 100,000 draws: the mean's standard error is .0032, the variance's .0045; five of them. */
static void normal_numbers_have_mean_zero_and_variance_one(void **state)
{
    struct tw_random random;
    double sum = 0, squares = 0;
    (void)state;
    tw_random_init(&random, 1, TW_RANDOM_WEIGHTS);
    for (int i = 0; i < 100000; i++) {
        double value = tw_random_normal(&random);
        sum += value;
        squares += value * value;
    }
    assert_near(sum / 1e5, 0, .016);
    assert_near(squares / 1e5, 1, .023);
}

/* He: 2 / fan_in. Xavier: 2 / (fan_in + units), within sqrt(6 / (fan_in + units)). */
static void initializers_draw_with_the_variance_of_their_papers(void **state)
{
    static float weights[200 * 300];
    struct tw_layer layer = {
        .fan_in = 200, .units = 300, .n_weights = 200 * 300, .parameters = weights};
    struct tw_random random;
    (void)state;
    tw_random_init(&random, 3, TW_RANDOM_WEIGHTS);
    tw_initializer_find("he")->draw(NULL, &layer, &random);
    struct tw_statistics he = tw_statistics_of(TW_FLOAT32, weights, layer.n_weights, NULL);
    assert_near(tw_statistics_std(&he), .1, .002); /* sqrt(2 / 200) */
    assert_near(he.mean, 0, .002);
    tw_initializer_find("xavier")->draw(NULL, &layer, &random);
    struct tw_statistics xavier = tw_statistics_of(TW_FLOAT32, weights, layer.n_weights, NULL);
    assert_near(tw_statistics_std(&xavier), .0632456, .001); /* sqrt(2 / 500) */
    assert_true(tw_statistics_abs_max(&xavier) <= .1095446); /* sqrt(6 / 500) */
    assert_true(tw_statistics_abs_max(&xavier) > .109);
    const struct tw_initializer_config config = {.std = .7, .gain = 1};
    tw_initializer_find("normal")->draw(&config, &layer, &random);
    struct tw_statistics normal = tw_statistics_of(TW_FLOAT32, weights, layer.n_weights, NULL);
    assert_near(tw_statistics_std(&normal), .7, .01); /* 5 standard errors of .7 / sqrt(120,000) */
    assert_near(normal.mean, 0, .015);
}

/* The optimizers: one weight 1, gradients .5 and then -.25, learning rate .1. */
static void expect_two_steps(const char *name, struct tw_optimizer_config config, double first,
                             double second)
{
    const struct tw_optimizer *optimizer = tw_optimizer_find(name);
    float weight = 1, slot_values[TW_OPTIMIZER_SLOTS_MAX] = {0};
    float *slots[] = {&slot_values[0], &slot_values[1]};
    const float gradients[] = {.5f, -.25f};
    assert_non_null(optimizer);
    struct tw_optimizer_squares squares;
    optimizer->step(&config, .1, 1, 1, &weight, &gradients[0], slots, &squares);
    assert_near(weight, first, 2e-7);
    assert_near(squares.gradients, .25, 0);
    assert_near(squares.update, (first - 1) * (first - 1), 1e-7);
    assert_near(squares.parameters, first * first, 4e-7);
    optimizer->step(&config, .1, 2, 1, &weight, &gradients[1], slots, NULL);
    assert_near(weight, second, 4e-7);
}

/* v = .5, w = 1 - .05; v = .9 * .5 - .25 = .2, w = .95 - .02. */
static void sgd_with_momentum_takes_pytorchs_steps(void **state)
{
    (void)state;
    expect_two_steps("sgd", (struct tw_optimizer_config){.momentum = .9}, .95, .93);
    /* Without momentum: 1 - .05, + .025. */
    expect_two_steps("sgd", (struct tw_optimizer_config){0}, .95, .975);
}

/* g + m v: .5 + .45 = .95, w = .905; v = .2, -.25 + .18 = -.07, w = .912. */
static void nesterov_looks_one_step_ahead(void **state)
{
    (void)state;
    expect_two_steps("sgd", (struct tw_optimizer_config){.momentum = .9, .nesterov = true}, .905,
                     .912);
}

/* decay .1: g = .6, v = .6, w = .94; g = -.25 + .094 = -.156, v = .54 - .156 = .384,
 * w = .94 - .0384. */
static void weight_decay_of_sgd_joins_the_gradient(void **state)
{
    (void)state;
    expect_two_steps("sgd", (struct tw_optimizer_config){.momentum = .9, .weight_decay = .1}, .94,
                     .9016);
}

/* Step 1: m^ = .5, v^ = .25, w = 1 - .1 * .5 / .5 = .9.
 * Step 2: m = .9 * .05 - .1 * .25 = .02, m^ = .02 / .19 = .10526316;
 *         v = .999 * .00025 + .001 * .0625 = .00031225, v^ = .00031225 / .001999 = .15620310;
 *         w = .9 - .1 * .10526316 / .39522538 = .87336630. */
static void adam_takes_the_papers_steps(void **state)
{
    (void)state;
    expect_two_steps("adam",
                     (struct tw_optimizer_config){.beta1 = .9, .beta2 = .999, .epsilon = 1e-8}, .9,
                     .87336630);
}

/* decay .1. adam: g = .6, w = .9; g = -.25 + .09 = -.16, m = .054 - .016 = .038, m^ = .2,
 *   v = .999 * .00036 + .001 * .0256 = .00038524, v^ = .19271636, w = .9 - .1 * .2 / .43899471.
 * adamw: w = 1 * .99 - .1 = .89; .89 * .99 - .1 * .10526316 / .39522538 = .8811 - .02663370. */
static void weight_decay_joins_the_gradient_in_adam_and_the_weight_in_adamw(void **state)
{
    struct tw_optimizer_config config = {
        .beta1 = .9, .beta2 = .999, .epsilon = 1e-8, .weight_decay = .1};
    (void)state;
    expect_two_steps("adam", config, .9, .85444136);
    expect_two_steps("adamw", config, .89, .85446630);
}

/* epsilon 1: step 1: w = 1 - .1 * .5 / (.5 + 1) = .96666667; outside of the root, after the
 * correction. Step 2: .96666667 - .1 * .10526316 / (.39522538 + 1) = .95912214. */
static void epsilon_is_added_to_the_corrected_root(void **state)
{
    (void)state;
    expect_two_steps("adam", (struct tw_optimizer_config){.beta1 = .9, .beta2 = .999, .epsilon = 1},
                     .96666667, .95912214);
}

/* More than two blocks of the loops that take them. */
#define MANY 3001

static const struct tw_optimizer_config usual = {
    .momentum = .9, .beta1 = .9, .beta2 = .999, .epsilon = 1e-8, .weight_decay = .01};

static float many_weights[2][MANY], many_gradients[MANY], many_slots[2][2][MANY];

/* One step from weights `weight`, once with the sums and once without. */
static struct tw_optimizer_squares step_many(const struct tw_optimizer *optimizer, float weight)
{
    struct tw_optimizer_squares squares;
    memset(many_slots, 0, sizeof many_slots);
    for (size_t way = 0; way < 2; way++) {
        float *slots[] = {many_slots[way][0], many_slots[way][1]};
        for (size_t i = 0; i < MANY; i++)
            many_weights[way][i] = weight;
        optimizer->step(&usual, .1, 1, MANY, many_weights[way], many_gradients, slots,
                        way ? &squares : NULL);
    }
    return squares;
}

/* 1,024 float additions (a block without vectors), each off by half a unit of 2^-24 at the most. */
#define SQUARES_TOLERANCE (1024 * 0x1p-25)

/* The sums against additions one by one, and the weights with them against those without. */
static void expect_squares(const struct tw_optimizer *optimizer, float weight)
{
    double gradients = 0, update = 0, parameters = 0;
    struct tw_optimizer_squares squares = step_many(optimizer, weight);
    for (size_t i = 0; i < MANY; i++) {
        double after = many_weights[1][i], change = after - (double)weight;
        gradients += (double)many_gradients[i] * many_gradients[i];
        update += change * change;
        parameters += after * after;
        assert_near(many_weights[0][i], after, 1e-6 * fabs(after));
    }
    assert_near(squares.gradients, gradients, SQUARES_TOLERANCE * gradients);
    assert_near(squares.update, update, SQUARES_TOLERANCE * update);
    assert_near(squares.parameters, parameters, SQUARES_TOLERANCE * parameters);
}

static void sums_of_squares_fall_out_of_a_step(void **state)
{
    static const float scales[] = {1, 1e-25f, 1e25f};
    (void)state;
    for (size_t i = 0; tw_optimizers[i]; i++) {
        for (size_t k = 0; k < 3; k++) {
            for (size_t at = 0; at < MANY; at++)
                many_gradients[at] = scales[k] * ((float)(at % 11) - 4.5f);
            expect_squares(tw_optimizers[i], .5f);
            expect_squares(tw_optimizers[i], 1e-22f);
        }
    }
}

static void squares_of_what_is_not_finite_are_not_finite(void **state)
{
    (void)state;
    for (size_t i = 0; tw_optimizers[i]; i++) {
        memset(many_gradients, 0, sizeof many_gradients);
        many_gradients[1500] = INFINITY;
        assert_true(isinf(step_many(tw_optimizers[i], 1).gradients));
        many_gradients[1500] = NAN;
        struct tw_optimizer_squares squares = step_many(tw_optimizers[i], 1);
        assert_true(isnan(squares.gradients));
        assert_true(isnan(squares.update));
        assert_true(isnan(squares.parameters));
    }
}

/* ln(1 + e^-1 + e^-2) = ln 1.50321472 = .40760596 for the largest of (1, 2, 3), 2 more for the
 * smallest. softmax = (.09003057, .24472847, .66524096). */
static void cross_entropy_is_that_of_three_logits(void **state)
{
    static const float logits[] = {1, 2, 3, 1, 2, 3};
    static const uint8_t labels[] = {2, 0};
    float gradient[6];
    size_t correct = 0;
    (void)state;
    double loss =
        tw_loss_find("softmax_cross_entropy")->evaluate(2, 3, logits, labels, gradient, &correct);
    assert_near(loss, (.40760596 + 2.40760596) / 2, 1e-8);
    assert_int_equal(correct, 1);
    assert_near(gradient[0], .09003057 / 2, 1e-8);
    assert_near(gradient[1], .24472847 / 2, 1e-8);
    assert_near(gradient[2], (.66524096 - 1) / 2, 1e-8);
    assert_near(gradient[3], (.09003057 - 1) / 2, 1e-8);
}

static void cross_entropy_neither_overflows_nor_underflows(void **state)
{
    static const float logits[] = {3e38f, -3e38f, 0};
    static const uint8_t wrong[] = {2}, right[] = {0};
    const struct tw_loss *loss = tw_loss_find("softmax_cross_entropy");
    float gradient[3];
    size_t correct = 0;
    (void)state;
    assert_near(loss->evaluate(1, 3, logits, wrong, gradient, &correct) / 3e38, 1, 1e-6);
    assert_near(gradient[0], 1, 0);
    assert_near(gradient[2], -1, 0);
    assert_near(loss->evaluate(1, 3, logits, right, gradient, &correct), 0, 0);
    assert_int_equal(correct, 1);
}

static void nan_among_the_logits_gives_nan_and_no_hit(void **state)
{
    const struct tw_loss *loss = tw_loss_find("softmax_cross_entropy");
    static const uint8_t label[] = {1};
    (void)state;
    for (size_t at = 0; at < 3; at++) {
        float logits[] = {0, 5, 0};
        size_t correct = 0;
        logits[at] = NAN;
        assert_true(isnan(loss->evaluate(1, 3, logits, label, NULL, &correct)));
        assert_int_equal(correct, 0);
    }
    const float equal[] = {2, 2, 2};
    size_t correct = 0;
    loss->evaluate(1, 3, equal, label, NULL, &correct);
    assert_int_equal(correct, 0); /* a network that tells nothing apart is never right */
}

static void schedules_run_from_warm_up_to_their_end(void **state)
{
    const struct tw_schedule *cosine = tw_schedule_find("cosine");
    (void)state;
    /* 10 steps of warm-up, 100 after it. */
    assert_near(tw_schedule_factor(cosine, 0, 10, 110), .1, 1e-12);
    assert_near(tw_schedule_factor(cosine, 9, 10, 110), 1, 1e-12);
    assert_near(tw_schedule_factor(cosine, 10, 10, 110), 1, 1e-12);
    assert_near(tw_schedule_factor(cosine, 60, 10, 110), .5, 1e-12);
    assert_near(tw_schedule_factor(cosine, 35, 10, 110), .5 + sqrt(.125), 1e-12); /* cos 45 deg */
    assert_near(tw_schedule_factor(tw_schedule_find("linear"), 75, 0, 100), .25, 1e-12);
    assert_near(tw_schedule_factor(tw_schedule_find("constant"), 75, 0, 100), 1, 0);
    const struct tw_schedule *step = tw_schedule_find("step");
    assert_near(tw_schedule_factor(step, 32, 0, 99), 1, 0);
    assert_near(tw_schedule_factor(step, 33, 0, 99), .1, 1e-12);
    assert_near(tw_schedule_factor(step, 66, 0, 99), .01, 1e-12);
    /* A run that ends before its warm-up does, and a step past the end. */
    assert_near(tw_schedule_factor(cosine, 5, 10, 6), .6, 1e-12);
    assert_true(tw_schedule_factor(cosine, 500, 10, 110) >= 0);
}

/* PyTorch 2.15: SequentialLR of LinearLR(start_factor=1/5, total_iters=4) and, from step 5 of 20,
 * CosineAnnealingLR(T_max=15), LinearLR(1, 0, 15) or MultiStepLR([5, 10], .1), base rate 1. */
static void schedules_behind_a_warm_up_are_pytorchs(void **state)
{
    static const struct {
        const char *name;
        double rates[20];
    } recorded[] = {
        {"cosine",
         {.2,
          .4,
          .6,
          .8,
          1,
          1,
          .989073800367,
          .956772728821,
          .904508497187,
          .834565303179,
          .75,
          .654508497187,
          .552264231634,
          .447735768366,
          .345491502813,
          .25,
          .165434696821,
          .0954915028125,
          .0432272711787,
          .0109261996331}},
        {"linear",
         {.2,
          .4,
          .6,
          .8,
          1,
          1,
          .933333333333,
          .866666666667,
          .8,
          .733333333333,
          .666666666667,
          .6,
          .533333333333,
          .466666666667,
          .4,
          .333333333333,
          .266666666667,
          .2,
          .133333333333,
          .0666666666667}},
        {"step", {.2, .4, .6, .8, 1, 1, 1, 1, 1, 1, .1, .1, .1, .1, .1, .01, .01, .01, .01, .01}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        const struct tw_schedule *schedule = tw_schedule_find(recorded[i].name);
        for (uint64_t step = 0; step < 20; step++)
            assert_near(tw_schedule_factor(schedule, step, 5, 20), recorded[i].rates[step], 1e-11);
    }
}

#if defined(__SSE2__) || defined(__aarch64__)
static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Bits are compared: where inputs are flushed, a denormal equals 0. */
static void denormals_are_zero_in_the_thread_that_computes(void **state)
{
    volatile float normal = 2e-38f, denormal = 1e-39f, tenth = .1f, large = 1e30f;
    (void)state;
    tw_compute_threads_set(1);
    volatile float result = normal * tenth;
    assert_int_equal(bits_of(result), 0);
    volatile float of_input = denormal * large;
    assert_int_equal(bits_of(of_input), 0);
}

/* Large enough for OpenBLAS to share it out: half of the results came from another thread. */
static void denormals_are_zero_in_openblas_threads_too(void **state)
{
    enum { SIDE = 512 };
    static float left[SIDE * SIDE], right[SIDE * SIDE], product[SIDE * SIDE];
    size_t n_denormal = 0;
    (void)state;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        left[i] = 1e-39f;
        right[i] = .5f;
    }
    tw_compute_threads_set(2);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, SIDE, SIDE, SIDE, 1, left, SIDE, right,
                SIDE, 0, product, SIDE);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        n_denormal += bits_of(product[i]) != 0;
    assert_int_equal(n_denormal, 0);
    tw_compute_threads_set(1);
}
#endif

static void every_listed_thing_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; tw_optimizers[i]; i++) {
        assert_ptr_equal(tw_optimizer_find(tw_optimizers[i]->name), tw_optimizers[i]);
        assert_true(tw_optimizers[i]->n_slots <= TW_OPTIMIZER_SLOTS_MAX);
        assert_true(strlen(tw_optimizers[i]->description) > 0);
    }
    for (size_t i = 0; tw_schedules[i]; i++)
        assert_ptr_equal(tw_schedule_find(tw_schedules[i]->name), tw_schedules[i]);
    for (size_t i = 0; tw_initializers[i]; i++)
        assert_ptr_equal(tw_initializer_find(tw_initializers[i]->name), tw_initializers[i]);
    for (size_t i = 0; tw_losses[i]; i++)
        assert_ptr_equal(tw_loss_find(tw_losses[i]->name), tw_losses[i]);
    for (size_t i = 0; tw_layer_types[i]; i++) {
        const struct tw_layer_type *type = tw_layer_types[i];
        assert_ptr_equal(tw_layer_type_find(type->name), type);
        if (type->is_activation)
            assert_non_null(tw_initializer_find(type->initializer));
    }
    assert_null(tw_optimizer_find("adan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcg32_gives_the_published_numbers),
        cmocka_unit_test(a_shuffle_keeps_every_item_once),
        cmocka_unit_test(normal_numbers_have_mean_zero_and_variance_one),
        cmocka_unit_test(initializers_draw_with_the_variance_of_their_papers),
        cmocka_unit_test(sgd_with_momentum_takes_pytorchs_steps),
        cmocka_unit_test(nesterov_looks_one_step_ahead),
        cmocka_unit_test(weight_decay_of_sgd_joins_the_gradient),
        cmocka_unit_test(adam_takes_the_papers_steps),
        cmocka_unit_test(weight_decay_joins_the_gradient_in_adam_and_the_weight_in_adamw),
        cmocka_unit_test(epsilon_is_added_to_the_corrected_root),
        cmocka_unit_test(sums_of_squares_fall_out_of_a_step),
        cmocka_unit_test(squares_of_what_is_not_finite_are_not_finite),
        cmocka_unit_test(cross_entropy_is_that_of_three_logits),
        cmocka_unit_test(cross_entropy_neither_overflows_nor_underflows),
        cmocka_unit_test(nan_among_the_logits_gives_nan_and_no_hit),
        cmocka_unit_test(schedules_run_from_warm_up_to_their_end),
        cmocka_unit_test(schedules_behind_a_warm_up_are_pytorchs),
#if defined(__SSE2__) || defined(__aarch64__)
        cmocka_unit_test(denormals_are_zero_in_the_thread_that_computes),
        cmocka_unit_test(denormals_are_zero_in_openblas_threads_too),
#endif
        cmocka_unit_test(every_listed_thing_is_found_by_its_name),
    };
    return cmocka_run_group_tests_name("trainer_math", tests, NULL, NULL);
}
