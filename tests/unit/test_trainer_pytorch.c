/* The optimizers, schedules and losses against what PyTorch makes of the same numbers
 * (tests/tools/record_pytorch.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/losses/loss.h"
#include "trainer/optimizers/optimizer.h"
#include "trainer/schedules/schedule.h"

#include <math.h>
#include <string.h>

#include "tests/data/pytorch.h"

/* Float32 on both sides, in another order: over 100 steps that came to 7e-6 at most. */
#define TOLERANCE 1e-4

#define LENGTH(array) (sizeof array / sizeof *array)

/* Relative; of numbers under a thousandth, as if they were that large. */
static void expect(double value, double recorded, double tolerance, const char *what, size_t i)
{
    double scale = fmax(fabs(recorded), 1e-3);
    if (!(fabs(value - recorded) <= tolerance * scale))
        fail_msg("%s, %zu: %.9g, PyTorch has %.9g", what, i, value, recorded);
}

static void the_optimizers_go_pytorchs_way(void **state)
{
    (void)state;
    for (size_t run = 0; run < LENGTH(recorded_optimizers); run++) {
        const struct tw_optimizer *optimizer =
            tw_optimizer_find(recorded_optimizers[run].optimizer);
        float weights[PROBLEM_WEIGHTS], gradients[PROBLEM_WEIGHTS];
        float state_of[TW_OPTIMIZER_SLOTS_MAX][PROBLEM_WEIGHTS] = {{0}};
        float *slots[TW_OPTIMIZER_SLOTS_MAX];
        size_t shown = 0;
        for (size_t i = 0; i < TW_OPTIMIZER_SLOTS_MAX; i++)
            slots[i] = state_of[i];
        memcpy(weights, starts, sizeof weights);
        for (uint64_t step = 1; shown < SHOWN_STEPS; step++) {
            for (size_t i = 0; i < PROBLEM_WEIGHTS; i++)
                gradients[i] = curvatures[i] * (weights[i] - goals[i]);
            optimizer->step(&recorded_optimizers[run].config,
                            recorded_optimizers[run].learning_rate, step, PROBLEM_WEIGHTS, weights,
                            gradients, slots, NULL);
            if (step != shown_steps[shown])
                continue;
            for (size_t i = 0; i < PROBLEM_WEIGHTS; i++)
                expect(weights[i], recorded_optimizers[run].weights[shown][i], TOLERANCE,
                       optimizer->name, run);
            shown++;
        }
    }
}

static void the_schedules_give_pytorchs_factors(void **state)
{
    (void)state;
    for (size_t run = 0; run < LENGTH(recorded_schedules); run++) {
        const struct tw_schedule *schedule = tw_schedule_find(recorded_schedules[run].schedule);
        for (uint64_t step = 0; step < SCHEDULE_STEPS; step++)
            expect(tw_schedule_factor(schedule, step, recorded_schedules[run].warmup_steps,
                                      SCHEDULE_STEPS),
                   recorded_schedules[run].factors[step], 1e-6, schedule->name, step);
    }
}

#define ROWS (LENGTH(labels))
#define CLASSES (LENGTH(logits) / ROWS)

static void expect_loss(const char *name, double recorded, const float *recorded_gradient)
{
    float gradient[LENGTH(logits)];
    size_t correct = 0;
    expect(tw_loss_find(name)->evaluate(ROWS, CLASSES, logits, labels, gradient, &correct),
           recorded, 1e-6, name, 0);
    for (size_t i = 0; i < LENGTH(logits); i++)
        expect(gradient[i], recorded_gradient[i], TOLERANCE, name, i);
    assert_int_equal(correct, 3); /* rows 0, 2 and 4, by eye */
}

static void losses_of_classes_and_their_gradients_are_pytorchs(void **state)
{
    (void)state;
    expect_loss("softmax_cross_entropy", recorded_cross_entropy, recorded_cross_entropy_gradient);
    expect_loss("mse", recorded_one_hot_mse, recorded_one_hot_mse_gradient);
}

static void the_squared_error_of_numbers_is_pytorchs(void **state)
{
    float outputs[ROWS], gradient[ROWS];
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        outputs[i] = logits[i * CLASSES];
    expect(tw_loss_find("mse")->evaluate_values(ROWS, outputs, values, gradient), recorded_mse,
           1e-6, "mse", 0);
    for (size_t i = 0; i < ROWS; i++)
        expect(gradient[i], recorded_mse_gradient[i], TOLERANCE, "mse", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_optimizers_go_pytorchs_way),
        cmocka_unit_test(the_schedules_give_pytorchs_factors),
        cmocka_unit_test(losses_of_classes_and_their_gradients_are_pytorchs),
        cmocka_unit_test(the_squared_error_of_numbers_is_pytorchs),
    };
    return cmocka_run_group_tests_name("trainer_pytorch", tests, NULL, NULL);
}
