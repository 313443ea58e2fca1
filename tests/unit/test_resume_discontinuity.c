/* Resume discontinuity: simulated resumes, the clean ones and those that lost something. */
#include "tests/unit/detector_fixture.h"

struct job {
    double rate, update, jump, decay; /* the loss is (1 + jump exp(-steps / decay)) times its due */
    double sigma;
    uint64_t every;
};

static const struct job usual = {.rate = .1, .update = .01, .decay = 1, .sigma = .05, .every = 1};

static double due(uint64_t step)
{
    return .3 + 2 * exp(-(double)step / 300);
}

/* Steps of a job that started, or was resumed, after step `from`. */
static void train(struct subject *subject, const struct job *job, const char *attempt,
                  uint64_t from, uint64_t last, uint64_t *seed)
{
    for (uint64_t step = from + 1; step <= last; step++) {
        double noise = exp(job->sigma * next_heavy(seed));
        /* The first loss is computed before the first update. */
        double since = (double)(step - from - 1);
        double jump = since > 0 ? job->jump * exp(-since / job->decay) : 0;
        if (step % job->every)
            continue;
        struct tw_record record = loss_record(step, due(step) * (1 + jump) * noise);
        tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, job->rate);
        if (job->update > 0)
            tw_record_set(&record, TW_SIGNAL_UPDATE_NORM, job->update * noise);
        record.has |= TW_HAS_ATTEMPT;
        snprintf(record.attempt, sizeof record.attempt, "%s", attempt);
        subject_observe(subject, &record);
    }
}

static const struct tw_evidence_extra *extra(const struct tw_finding *finding, const char *name)
{
    for (uint32_t i = 0; i < finding->evidence.n_extras; i++) {
        if (!strcmp(finding->evidence.extras[i].name, name))
            return &finding->evidence.extras[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

static void a_clean_resume_is_silent(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50}, from[] = {2000, 1900, 1000, 0};
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        for (int i = 0; i < 12; i++) {
            struct subject subject;
            struct job job = usual;
            uint64_t random = seed;
            job.every = intervals[i % 3];
            job.sigma = seed % 2 ? .05 : .3;
            if (!from[i / 3])
                continue;
            subject_start(&subject, &tw_detector_resume_discontinuity);
            train(&subject, &job, "a", 0, 2000, &random);
            train(&subject, &job, "b", from[i / 3], 4000, &random);
            assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
            assert_true(subject_has_judged(&subject, (char[128]){0}, 128));
            subject_stop(&subject);
        }
    }
}

/* Adam without its moments: updates three times as large, a loss that doubles and comes back. */
static void a_lost_optimizer_state_is_told_and_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        struct job lost = usual;
        uint64_t random = seed;
        lost.jump = 1;
        lost.decay = 40;
        lost.update = seed % 2 ? .03 : 0;
        subject_start(&subject, &tw_detector_resume_discontinuity);
        train(&subject, &usual, "a", 0, 1000, &random);
        train(&subject, &lost, "b", 1000, 1500, &random);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 1);
        const struct tw_finding *finding = &subject.findings[0];
        assert_int_equal(finding->onset_step, 1001);
        assert_true(finding->detected_step <= 1010);
        assert_int_equal(finding->severity, TW_SEVERITY_INFO);
        assert_int_equal(finding->state, TW_STATE_RECOVERED);
        assert_string_equal(extra(finding, "cause")->text, "optimizer state");
        subject_stop(&subject);
    }
}

/* The same records: divergence waits, and by then the loss is back. */
static void a_lost_optimizer_state_is_not_divergence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        struct job lost = usual;
        uint64_t random = seed;
        lost.jump = 1;
        lost.decay = 60;
        lost.update = .03;
        subject_start(&subject, &tw_detector_divergence);
        train(&subject, &usual, "a", 0, 1000, &random);
        train(&subject, &lost, "b", 1000, 2500, &random);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
        subject_stop(&subject);
    }
}

/* A rate ten times too high throws the weights out: the loss passes 10^4 and then stands where a
 * model stands that knows nothing, 8 times as high as before but noisy. */
static void what_was_learned_and_lost_is_a_warning_however_high_it_had_been(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        struct job wild = usual;
        uint64_t random = seed;
        wild.sigma = .6;
        subject_start(&subject, &tw_detector_resume_discontinuity);
        subject.context.trivial_loss = 2.3;
        train(&subject, &wild, "a", 0, 1500, &random);
        for (uint64_t step = 1501; step <= 1700; step++) {
            double loss = step < 1502   ? .3
                          : step < 1520 ? 1e4
                                        : 2.4 * exp(.05 * next_normal(&random));
            struct tw_record record = loss_record(step, loss);
            record.has |= TW_HAS_ATTEMPT;
            strcpy(record.attempt, "b");
            subject_observe(&subject, &record);
        }
        const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
        assert_non_null(finding);
        assert_int_equal(finding->state, TW_STATE_OPEN);
        assert_int_equal(finding->onset_step, 1501);
        subject_stop(&subject);
    }
}

/* The rate in use has decayed to .01 of what was asked for: that is what to ask for again. */
static void a_rate_that_was_asked_for_is_what_to_change_back(void **state)
{
    struct subject subject;
    struct job before = usual, after = usual;
    uint64_t seed = 4;
    (void)state;
    before.rate = .001;
    after.rate = .8;
    after.jump = 4;
    after.decay = 1e9;
    subject_start(&subject, &tw_detector_resume_discontinuity);
    subject.context.declared_learning_rate = .1;
    train(&subject, &before, "a", 0, 1000, &seed);
    subject.context.declared_learning_rate = 1;
    train(&subject, &after, "b", 1000, 1200, &seed);
    const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
    assert_non_null(finding);
    assert_string_equal(extra(finding, "cause")->text, "learning rate");
    assert_float_equal(extra(finding, "learning_rate_before")->value, .1, 1e-12);
    assert_float_equal(extra(finding, "learning_rate")->value, 1, 1e-12);
    subject_stop(&subject);
}

static void a_loss_that_stays_up_is_a_warning(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct subject subject;
        struct job lost = usual;
        uint64_t seed = 3;
        lost.jump = .5;
        lost.decay = 1e9;
        lost.every = intervals[i];
        struct job before = usual;
        before.every = intervals[i];
        subject_start(&subject, &tw_detector_resume_discontinuity);
        train(&subject, &before, "a", 0, 2000, &seed);
        train(&subject, &lost, "b", 2000, 4000, &seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
        assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
        assert_float_equal(subject.findings[0].evidence.value, 1.5, .1);
        subject_stop(&subject);
    }
}

static void another_learning_rate_is_the_likely_cause(void **state)
{
    struct subject subject;
    struct job other = usual;
    uint64_t seed = 4;
    (void)state;
    other.rate = .5;
    other.jump = .5;
    other.decay = 1e9;
    subject_start(&subject, &tw_detector_resume_discontinuity);
    train(&subject, &usual, "a", 0, 1000, &seed);
    train(&subject, &other, "b", 1000, 1500, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    assert_string_equal(extra(&subject.findings[0], "cause")->text, "learning rate");
    assert_float_equal(extra(&subject.findings[0], "learning_rate_before")->value, .1, 1e-6);
    assert_float_equal(extra(&subject.findings[0], "learning_rate")->value, .5, 1e-6);
    subject_stop(&subject);
}

/* The step goes on, and the loss is that of new weights. */
static void weights_that_were_not_restored_are_seen(void **state)
{
    struct subject subject;
    uint64_t seed = 5;
    (void)state;
    subject_start(&subject, &tw_detector_resume_discontinuity);
    train(&subject, &usual, "a", 0, 1500, &seed);
    subject_event(&subject, 1500, "resume");
    for (uint64_t step = 1501; step <= 1800; step++)
        subject_loss(&subject, step, due(step - 1500) * exp(.05 * next_heavy(&seed)));
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    assert_string_equal(extra(&subject.findings[0], "cause")->text, "weights");
    subject_stop(&subject);
}

/* Losses past the checkpoint do not count: the run goes on where the checkpoint was. */
static void a_rewind_is_compared_with_the_losses_at_the_checkpoint(void **state)
{
    (void)state;
    for (uint64_t back = 100; back <= 900; back += 400) {
        struct subject subject;
        uint64_t seed = back;
        subject_start(&subject, &tw_detector_resume_discontinuity);
        train(&subject, &usual, "a", 0, 1000, &seed);
        /* The loss there was more than 1.1 times that of step 1,000. */
        assert_true(due(1000 - back) > 1.1 * due(1000) || back == 100);
        train(&subject, &usual, "b", 1000 - back, 1000, &seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
        subject_stop(&subject);
    }
}

static void numbers_that_are_none_do_not_end_the_watch(void **state)
{
    struct subject subject;
    struct job lost = usual;
    uint64_t seed = 6;
    (void)state;
    lost.jump = .5;
    lost.decay = 1e9;
    subject_start(&subject, &tw_detector_resume_discontinuity);
    subject_loss(&subject, 0, NAN);
    train(&subject, &usual, "a", 0, 1000, &seed);
    subject_loss(&subject, 1000, INFINITY);
    subject_loss(&subject, 1000, -INFINITY);
    train(&subject, &lost, "b", 1000, 1500, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

static void what_cannot_be_judged_is_said(void **state)
{
    struct subject subject;
    char reason[128] = "";
    uint64_t seed = 7;
    (void)state;
    subject_start(&subject, &tw_detector_resume_discontinuity);
    train(&subject, &usual, "a", 0, 4, &seed);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    train(&subject, &usual, "b", 4, 30, &seed);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "too few losses before or after the resume");
    subject_stop(&subject);
}

static void a_copied_state_goes_on_the_same(void **state)
{
    struct subject whole, first, second;
    struct job lost = usual;
    uint64_t seeds[] = {8, 8};
    (void)state;
    lost.jump = 1;
    lost.decay = 40;
    subject_start(&whole, &tw_detector_resume_discontinuity);
    subject_start(&first, &tw_detector_resume_discontinuity);
    subject_start(&second, &tw_detector_resume_discontinuity);
    train(&whole, &usual, "a", 0, 1000, &seeds[0]);
    train(&whole, &lost, "b", 900, 1400, &seeds[0]);
    train(&first, &usual, "a", 0, 1000, &seeds[1]);
    memcpy(second.state, first.state, subject_state_size(&second));
    second.context = first.context;
    second.reports = first.reports;
    train(&second, &lost, "b", 900, 1400, &seeds[1]);
    assert_int_equal(whole.n, 1);
    assert_true(whole.reports == second.reports);
    assert_memory_equal(whole.state, second.state, subject_state_size(&whole));
    subject_stop(&whole);
    subject_stop(&first);
    subject_stop(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_resume_is_silent),
        cmocka_unit_test(a_lost_optimizer_state_is_told_and_comes_back),
        cmocka_unit_test(a_lost_optimizer_state_is_not_divergence),
        cmocka_unit_test(what_was_learned_and_lost_is_a_warning_however_high_it_had_been),
        cmocka_unit_test(a_rate_that_was_asked_for_is_what_to_change_back),
        cmocka_unit_test(a_loss_that_stays_up_is_a_warning),
        cmocka_unit_test(another_learning_rate_is_the_likely_cause),
        cmocka_unit_test(weights_that_were_not_restored_are_seen),
        cmocka_unit_test(a_rewind_is_compared_with_the_losses_at_the_checkpoint),
        cmocka_unit_test(numbers_that_are_none_do_not_end_the_watch),
        cmocka_unit_test(what_cannot_be_judged_is_said),
        cmocka_unit_test(a_copied_state_goes_on_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
