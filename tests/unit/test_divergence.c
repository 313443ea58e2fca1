/* Divergence: injected faults on healthy losses are found, healthy losses and what only looks like
 * a divergence are left in peace. */
#include "detectors/divergence/state.h"
#include "tests/unit/detector_fixture.h"

#define STEPS 4000
#define FAULT 2500

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_divergence);
}

/* The injections of the reference calibration: factor on the loss, `t` steps after the fault. */
static double one_step(double t)
{
    return t < 1 ? 2 : 1;
}

static double decaying(double t)
{
    return 1 + exp(-t / 30);
}

static double doubling(double t)
{
    return fmin(20, exp2(t / 50));
}

static double creeping(double t)
{
    return 1 + .2 * fmin(1, t / 500);
}

static double climbing(double t)
{
    return 1 + .5 * fmin(1, t / 100);
}

static double none(double t)
{
    (void)t;
    return 1;
}

static void run_with_fault(struct subject *subject, double (*factor)(double), double sigma,
                           uint64_t seed)
{
    start(subject);
    for (uint64_t step = 0; step < STEPS; step++) {
        double loss = healthy_loss(step, sigma, &seed);
        subject_loss(subject, step, step < FAULT ? loss : loss * factor((double)(step - FAULT)));
    }
}

struct outcome {
    int runs, warned, criticals, before, informed;
    double mean_delay;
};

static struct outcome try_fault(double (*factor)(double))
{
    struct outcome outcome = {0};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject subject;
        run_with_fault(&subject, factor, seed % 2 ? .05 : .02, seed);
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_WARNING);
        outcome.runs++;
        outcome.warned += found != NULL;
        outcome.before += found && found->detected_step < FAULT;
        outcome.mean_delay += found ? (double)found->detected_step - FAULT : 0;
        outcome.criticals += subject_first(&subject, TW_SEVERITY_CRITICAL) != NULL;
        outcome.informed += subject.n > 0 && subject.findings[0].severity == TW_SEVERITY_INFO;
        subject_stop(&subject);
    }
    if (outcome.warned)
        outcome.mean_delay /= outcome.warned;
    print_message("# warned %d critical %d before %d informed %d delay %.0f\n", outcome.warned,
                  outcome.criticals, outcome.before, outcome.informed, outcome.mean_delay);
    return outcome;
}

static void healthy_losses_raise_no_alarm(void **state)
{
    (void)state;
    struct outcome outcome = try_fault(none);
    assert_int_equal(outcome.warned, 0);
}

static void a_single_high_loss_raises_no_alarm(void **state)
{
    (void)state;
    struct outcome outcome = try_fault(one_step);
    assert_int_equal(outcome.warned, 0);
}

static void a_spike_that_comes_back_is_left_to_the_detector_of_spikes(void **state)
{
    (void)state;
    struct outcome outcome = try_fault(decaying);
    assert_int_equal(outcome.warned, 0);
    assert_int_equal(outcome.informed, 0);
}

static void a_blow_up_is_critical_within_a_hundred_steps(void **state)
{
    (void)state;
    struct outcome outcome = try_fault(doubling);
    assert_int_equal(outcome.warned, 20);
    assert_int_equal(outcome.criticals, 20);
    assert_int_equal(outcome.before, 0);
    assert_true(outcome.mean_delay < 100);
}

static void a_slow_rise_by_a_fifth_is_found(void **state)
{
    (void)state;
    struct outcome outcome = try_fault(creeping);
    assert_true(outcome.warned >= 18);
    assert_int_equal(outcome.before, 0);
    assert_true(outcome.mean_delay < 500);
}

static void a_rise_by_half_is_found(void **state)
{
    (void)state;
    struct outcome outcome = try_fault(climbing);
    assert_int_equal(outcome.warned, 20);
    assert_int_equal(outcome.before, 0);
    assert_true(outcome.mean_delay < 250);
}

static void a_million_healthy_steps_raise_no_alarm(void **state)
{
    (void)state;
    /* Noise with the lag-1 autocorrelation of smoothed logs, up to 0.5. */
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        double noise = 0, memory = .05 * (double)seed;
        start(&subject);
        for (uint64_t step = 0; step < 100000; step++) {
            noise = memory * noise + .03 * next_heavy(&random);
            subject_loss(&subject, step, (2.3 + 8 * pow((double)step + 10, -.5)) * exp(noise));
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

/* The calibration had 0 and .2 suspicions in 100,000 steps of public runs; .3 is the budget. */
static void healthy_losses_are_hardly_ever_suspected(void **state)
{
    uint64_t suspicions = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t step = 0; step < 100000; step++)
            subject_loss(&subject, step, healthy_loss(step, .03, &random));
        suspicions += subject.suspicions;
        subject_stop(&subject);
    }
    print_message("# %llu suspicions in 1,000,000 steps\n", (unsigned long long)suspicions);
    assert_true(suspicions <= 3);
}

static void the_evidence_tells_where_it_began_and_from_what_level(void **state)
{
    struct subject subject;
    (void)state;
    run_with_fault(&subject, climbing, .02, 5);
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_WARNING);
    assert_non_null(found);
    assert_string_equal(found->scope, "run");
    assert_in_range(found->onset_step, FAULT - 60, FAULT + 60);
    assert_int_equal(found->onset_time_ms, (int64_t)found->onset_step * 100);
    assert_true(found->evidence.value >= found->evidence.threshold);
    /* The undisturbed curve at the fault: 2.3 + 8 / sqrt(2510) = 2.4597. */
    assert_true(fabs(found->evidence.baseline - 2.4597) < .05);
    assert_string_equal(found->evidence.extras[0].name, "best_loss");
    assert_true(fabs(found->evidence.extras[0].value - 2.4597) < .05);
    assert_true(found->evidence.window_first <= found->evidence.window_last);
    assert_true(found->confidence > .5 && found->confidence < 1);
    subject_stop(&subject);
}

/* ---- what only looks like a divergence ---- */

static void cosine_restarts_are_no_divergence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t step = 0; step < 6000; step++) {
            double phase = (double)(step % 1500);
            double hump = step < 1500 ? 1 : 1 + .7 * exp(-phase / 150);
            struct tw_record record = loss_record(step, hump * healthy_loss(step, .03, &random));
            tw_record_set(&record, TW_SIGNAL_LEARNING_RATE,
                          1e-5 + 5e-4 * (1 + cos(3.14159265 * phase / 1500)));
            subject_observe(&subject, &record);
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void run_resumed(struct subject *subject, uint64_t seed, bool tells, uint64_t rewind)
{
    start(subject);
    for (uint64_t i = 0; i < 6000; i++) {
        double factor = i < 3000 ? 1 : 1 + .3 * exp(-((double)i - 3000) / 300);
        uint64_t step = i < 3000 ? i : i - rewind;
        if (i == 3000 && tells)
            subject_event(subject, step, "resume");
        subject_loss(subject, step, factor * healthy_loss(step, .03, &seed));
    }
}

static void a_resume_with_a_higher_loss_that_decays_is_no_divergence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        run_resumed(&subject, seed, seed % 2, seed % 2 ? 0 : 500);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void nothing_is_said_while_a_resumed_run_finds_its_feet(void **state)
{
    struct subject subject;
    uint64_t random = 10;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 4000; step++) {
        bool is_bump = step >= 2040 && step < 2190;
        if (step == 2000)
            subject_event(&subject, step, "resume");
        subject_loss(&subject, step, (is_bump ? 1.4 : 1) * healthy_loss(step, .01, &random));
    }
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_loss_that_rises_with_the_learning_rate_is_explained(void **state)
{
    (void)state;
    for (int explained = 0; explained < 2; explained++) {
        struct subject subject;
        uint64_t random = 18;
        start(&subject);
        /* Triangular schedule without jumps: the rate triples in 600 steps, the loss follows. */
        for (uint64_t step = 0; step < 4000; step++) {
            double ramp = step < 2500 ? 0 : fmin(1, ((double)step - 2500) / 600);
            struct tw_record record =
                loss_record(step, (1 + .25 * ramp) * healthy_loss(step, .02, &random));
            tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, 1e-4 * (explained ? 1 + 2 * ramp : 1));
            subject_observe(&subject, &record);
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), !explained);
        subject_stop(&subject);
    }
}

static void other_data_are_no_divergence(void **state)
{
    struct subject subject;
    uint64_t random = 9;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 4000; step++) {
        if (step == 2000)
            subject_event(&subject, step, "data_change");
        subject_loss(&subject, step, (step < 2000 ? 1 : 5) * healthy_loss(step, .03, &random));
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
}

static void a_small_lasting_step_up_becomes_the_new_normal(void **state)
{
    struct subject subject;
    uint64_t random = 21;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 6000; step++) {
        double factor = step < 2000 ? 1 : step < 5000 ? 1.07 : 3;
        subject_loss(&subject, step, factor * healthy_loss(step, .02, &random));
        if (step == 4999) {
            assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
            assert_true(subject.suspicions >= 1);
            assert_true(subject.dismissals >= 1);
        }
    }
    /* And it is not blind afterwards. */
    assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 1);
    subject_stop(&subject);
}

static void near_a_loss_of_zero_ratios_mean_nothing(void **state)
{
    struct subject subject;
    uint64_t random = 2;
    (void)state;
    start(&subject);
    /* 2.3 down to 1e-4, then 3e-4 for good: 0.009 % of the progress. */
    for (uint64_t step = 0; step < 4000; step++) {
        double level = 1e-4 + 2.3 * exp(-(double)step / 150) + (step < 3000 ? 0 : 2e-4);
        subject_loss(&subject, step, level * exp(.05 * next_normal(&random)));
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
}

/* ---- its life ---- */

static double hill(double t) /* up by 80 % within 100 steps, back after 600 */
{
    return 1 + .8 * fmin(1, t / 100) * (t < 600 ? 1 : exp(-(t - 600) / 40));
}

static void a_divergence_that_comes_back_is_recovered(void **state)
{
    struct subject subject;
    (void)state;
    run_with_fault(&subject, hill, .02, 4);
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_int_equal(found->state, TW_STATE_RECOVERED);
    assert_in_range(found->closed_step, FAULT + 600, FAULT + 900);
    subject_stop(&subject);
}

static double ramp(double t) /* up by 45 % within 2,000 steps */
{
    return 1 + .45 * fmin(1, t / 2000);
}

static void a_warning_whose_loss_rises_on_becomes_critical(void **state)
{
    struct subject subject;
    uint64_t random = 4;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 4400; step++)
        subject_loss(&subject, step,
                     healthy_loss(step, .02, &random) *
                         ramp(step < FAULT ? 0 : (double)step - FAULT));
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_true(found->evidence.value < 1.4);
    subject_stop(&subject);
}

static double wobble(double t) /* 15 % up for 180 steps */
{
    return t < 180 ? 1.15 : 1;
}

static void a_wobble_that_was_warned_of_is_withdrawn(void **state)
{
    struct subject subject;
    (void)state;
    run_with_fault(&subject, wobble, .02, 4);
    assert_non_null(subject_first(&subject, TW_SEVERITY_WARNING));
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
}

static void wide_swings_without_progress_are_warned_of(void **state)
{
    struct subject subject;
    uint64_t random = 8;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 5000; step++) {
        double swing = step < 1000 ? 1 : 1 + .25 * (sin((double)step / 12) > 0);
        subject_loss(&subject, step, swing * 2.5 * exp(.01 * next_normal(&random)));
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

/* ---- what it cannot judge ---- */

static void too_few_losses_are_not_judged_and_it_says_so(void **state)
{
    struct subject subject;
    char reason[128];
    (void)state;
    start(&subject);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no loss in the log");
    subject_loss(&subject, 0, NAN);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no finite loss in the log");
    for (uint64_t step = 1; step <= 15; step++) {
        subject_loss(&subject, step, 2);
        if (step == 9) {
            assert_false(subject_has_judged(&subject, reason, sizeof reason));
            assert_string_equal(reason, "only 9 losses");
        }
    }
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    subject_loss(&subject, 16, 2);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);
}

static void adversarial_losses_are_not_judged_and_it_says_so(void **state)
{
    struct subject subject;
    char reason[128];
    (void)state;
    start(&subject);
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    snprintf(header->objective, sizeof header->objective, "adversarial");
    subject_observe(&subject, &record);
    tw_record_clear(&record);
    for (uint64_t step = 0; step < 2000; step++)
        subject_loss(&subject, step, step < 1000 ? 1 : 50);
    assert_int_equal(subject.n, 0);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_non_null(strstr(reason, "adversarial"));
    subject_stop(&subject);
}

/* ---- bad input ---- */

static void run_salted(struct subject *subject, uint64_t first, uint64_t every, const double *salt,
                       size_t n)
{
    uint64_t random = 17;
    start(subject);
    for (uint64_t step = 0; step < STEPS; step++) {
        double loss = healthy_loss(step, .03, &random);
        loss *= step < FAULT ? 1 : doubling((double)(step - FAULT));
        if (step >= first && (step - first) % every == 0)
            loss = salt[(step / every) % n];
        subject_loss(subject, step, loss);
    }
}

static void assert_floats_are_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(values[i]));
}

static void bad_numbers_at_any_place_do_not_blind_it(void **state)
{
    static const double salt[] = {NAN, INFINITY, -INFINITY, 1e308, 5e-324, 0, NAN};
    (void)state;
    for (uint64_t first = 0; first < 40; first++) {
        struct subject subject;
        run_salted(&subject, first, 13, salt, sizeof salt / sizeof *salt);
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(found);
        assert_in_range(found->detected_step, FAULT, FAULT + 200);
        assert_true(isfinite(found->evidence.value));
        const struct tw_divergence *divergence = subject.state;
        assert_floats_are_finite(subject.context.course.losses, TW_COURSE_LOSSES);
        assert_floats_are_finite(divergence->loss.level.window16.values, 16);
        assert_floats_are_finite(divergence->loss.blocks.means, TW_BLOCKS);
        subject_stop(&subject);
    }
}

static void losses_below_zero_are_judged_by_the_progress_they_lose(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        /* From 0 to -50; after step 2,500 up to -15, that is 70 % of the progress lost. */
        for (uint64_t step = 0; step < STEPS; step++) {
            double level = -50 * (1 - exp(-(double)step / 400));
            level += step < FAULT ? 0 : 35 * fmin(1, ((double)step - FAULT) / 200);
            subject_loss(&subject, step, level + next_normal(&random));
        }
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(found);
        assert_in_range(found->detected_step, FAULT, FAULT + 400);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
        subject_stop(&subject);
    }
}

static void the_first_negative_loss_changes_the_scale_and_not_the_verdict(void **state)
{
    (void)state;
    for (int diverges = 0; diverges < 2; diverges++) {
        struct subject subject;
        uint64_t random = 30;
        start(&subject);
        for (uint64_t step = 0; step < STEPS; step++) {
            double level = .3 + 2.7 * exp(-(double)step / 300);
            level += diverges && step >= FAULT ? 2 : 0;
            subject_loss(&subject, step, step == 1800 ? -.001 : level + .02 * next_normal(&random));
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), diverges);
        if (diverges) /* the best was learned on the log scale: .3 + 2.7 exp(-2500 / 300) */
            assert_true(fabs(subject_first(&subject, TW_SEVERITY_WARNING)->evidence.baseline - .3) <
                        .03);
        subject_stop(&subject);
    }
}

/* ---- state ---- */

static void a_state_saved_and_restored_at_every_record_changes_nothing(void **state)
{
    struct subject plain, moved;
    uint64_t seed = 6;
    (void)state;
    start(&plain);
    start(&moved);
    size_t size = tw_detector_divergence.state_size[TW_EXTENT_LAYERS];
    for (uint64_t step = 0; step < STEPS; step++) {
        double loss =
            healthy_loss(step, .03, &seed) * (step < FAULT ? 1 : hill((double)(step - FAULT)));
        void *copy = malloc(size);
        memcpy(copy, moved.state, size);
        memset(moved.state, 0xAA, size);
        free(moved.state);
        moved.state = copy;
        subject_loss(&plain, step, loss);
        subject_loss(&moved, step, loss);
        assert_memory_equal(plain.state, moved.state, size);
        assert_true(plain.reports == moved.reports);
    }
    assert_true(plain.n > 0);
    subject_stop(&plain);
    subject_stop(&moved);
}

static void sixteen_runs_of_one_log_say_the_same(void **state)
{
    uint64_t reports = 0;
    (void)state;
    for (int i = 0; i < 16; i++) {
        struct subject subject;
        run_with_fault(&subject, climbing, .03, 12);
        assert_true(i == 0 || reports == subject.reports);
        reports = subject.reports;
        subject_stop(&subject);
    }
}

/* The same training logged at each step, and as means over 10 and 50 steps. */
static size_t verdict_at_interval(uint64_t interval, double factor)
{
    struct subject subject;
    uint64_t random = 31;
    double sum = 0;
    start(&subject);
    for (uint64_t step = 1; step <= 30000; step++) {
        sum += healthy_loss(step, .04, &random) *
               (step < 20000 ? 1 : 1 + (factor - 1) * fmin(1, ((double)step - 20000) / 500));
        if (step % interval)
            continue;
        struct tw_record record = loss_record(step, sum / (double)interval);
        tw_record_set(&record, TW_SIGNAL_LOSS_AVERAGED_OVER, (double)interval);
        subject_observe(&subject, &record);
        sum = 0;
    }
    size_t warnings = subject_count(&subject, TW_SEVERITY_WARNING);
    subject_stop(&subject);
    return warnings;
}

static void the_log_interval_does_not_change_the_verdict(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(verdict_at_interval(intervals[i], 1), 0);
        assert_int_equal(verdict_at_interval(intervals[i], 1.3), 1);
        assert_int_equal(verdict_at_interval(intervals[i], 4), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_losses_raise_no_alarm),
        cmocka_unit_test(a_single_high_loss_raises_no_alarm),
        cmocka_unit_test(a_spike_that_comes_back_is_left_to_the_detector_of_spikes),
        cmocka_unit_test(a_blow_up_is_critical_within_a_hundred_steps),
        cmocka_unit_test(a_slow_rise_by_a_fifth_is_found),
        cmocka_unit_test(a_rise_by_half_is_found),
        cmocka_unit_test(a_million_healthy_steps_raise_no_alarm),
        cmocka_unit_test(healthy_losses_are_hardly_ever_suspected),
        cmocka_unit_test(the_evidence_tells_where_it_began_and_from_what_level),
        cmocka_unit_test(cosine_restarts_are_no_divergence),
        cmocka_unit_test(a_resume_with_a_higher_loss_that_decays_is_no_divergence),
        cmocka_unit_test(nothing_is_said_while_a_resumed_run_finds_its_feet),
        cmocka_unit_test(a_loss_that_rises_with_the_learning_rate_is_explained),
        cmocka_unit_test(other_data_are_no_divergence),
        cmocka_unit_test(a_small_lasting_step_up_becomes_the_new_normal),
        cmocka_unit_test(near_a_loss_of_zero_ratios_mean_nothing),
        cmocka_unit_test(a_divergence_that_comes_back_is_recovered),
        cmocka_unit_test(a_warning_whose_loss_rises_on_becomes_critical),
        cmocka_unit_test(a_wobble_that_was_warned_of_is_withdrawn),
        cmocka_unit_test(wide_swings_without_progress_are_warned_of),
        cmocka_unit_test(too_few_losses_are_not_judged_and_it_says_so),
        cmocka_unit_test(adversarial_losses_are_not_judged_and_it_says_so),
        cmocka_unit_test(bad_numbers_at_any_place_do_not_blind_it),
        cmocka_unit_test(losses_below_zero_are_judged_by_the_progress_they_lose),
        cmocka_unit_test(the_first_negative_loss_changes_the_scale_and_not_the_verdict),
        cmocka_unit_test(a_state_saved_and_restored_at_every_record_changes_nothing),
        cmocka_unit_test(sixteen_runs_of_one_log_say_the_same),
        cmocka_unit_test(the_log_interval_does_not_change_the_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
