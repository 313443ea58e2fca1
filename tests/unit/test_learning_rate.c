/* The learning-rate detector on simulated schedules. */
#include "tests/unit/detector_fixture.h"

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_learning_rate);
}

static void declare(struct subject *subject, const char *schedule, double max_steps, double warmup)
{
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    assert_int_equal(tw_header_set_text(header, "schedule", schedule), 0);
    assert_int_equal(tw_header_set_number(header, "max_steps", max_steps), 0);
    assert_int_equal(tw_header_set_number(header, "warmup_steps", warmup), 0);
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static void rate(struct subject *subject, uint64_t step, double value, double update)
{
    struct tw_record record = loss_record(step, 2);
    tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, value);
    if (!isnan(update)) {
        tw_record_set(&record, TW_SIGNAL_UPDATE_NORM, update);
        tw_record_set(&record, TW_SIGNAL_WEIGHT_NORM, 10);
    }
    subject_observe(subject, &record);
}

/* Cosine to zero after a warm-up (Loshchilov and Hutter, arXiv 1608.03983). */
static double cosine(uint64_t step, uint64_t warmup, uint64_t length)
{
    if (step < warmup)
        return 1e-3 * (double)step / (double)warmup;
    if (step >= length)
        return 0;
    double done = (double)(step - warmup) / (double)(length - warmup);
    return 5e-4 * (1 + cos(3.141592653589793 * done));
}

static const char *cause_of(const struct tw_finding *finding)
{
    for (uint32_t i = 0; i < finding->evidence.n_extras; i++) {
        if (!strcmp(finding->evidence.extras[i].name, "cause"))
            return finding->evidence.extras[i].text;
    }
    return "";
}

static void must_find(struct subject *subject, enum tw_severity severity, const char *cause)
{
    assert_int_equal(subject->n, 1);
    assert_int_equal(subject->findings[0].severity, severity);
    assert_string_equal(cause_of(&subject->findings[0]), cause);
}

static void healthy_schedules_are_silent(void **state)
{
    (void)state;
    static const char *const schedules[] = {"cosine", "linear", "constant", "step", ""};
    for (uint64_t interval = 1; interval <= 10; interval += 9) {
        for (size_t i = 0; i < 5; i++) {
            struct subject subject;
            start(&subject);
            declare(&subject, schedules[i], 4000, 100);
            for (uint64_t step = 0; step <= 4000; step += interval) {
                double value = i < 2    ? cosine(step, 100, 4000)
                               : i == 3 ? (step < 3000 ? 1e-3 : 1e-4)
                                        : 1e-3;
                rate(&subject, step, value, 10 * value);
            }
            assert_int_equal(subject.n, 0);
            subject_stop(&subject);
        }
    }
}

static void a_rate_that_is_none_is_a_warning(void **state)
{
    (void)state;
    static const double rates[] = {0, -1e-3, NAN, INFINITY};
    for (size_t i = 0; i < 4; i++) {
        struct subject subject;
        start(&subject);
        declare(&subject, "constant", 4000, 0);
        for (uint64_t step = 0; step < 1000; step++)
            rate(&subject, step, step < 500 ? 1e-3 : rates[i], step < 500 ? .01 : 0);
        must_find(&subject, TW_SEVERITY_WARNING, "no_rate");
        assert_int_equal(subject.findings[0].onset_step, 500);
        /* 56 of 556 are a tenth. */
        assert_int_equal(subject.findings[0].detected_step, 555);
        rate(&subject, 1000, 1e-3, .01);
        assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
        subject_stop(&subject);
    }
}

static void a_rate_that_the_log_rounds_to_zero_is_none_of_ours(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    declare(&subject, "cosine", 4000, 0);
    for (uint64_t step = 0; step < 4000; step++) /* printed with three digits behind the point */
        rate(&subject, step, round(cosine(step, 0, 4000) * 1000) / 1000, NAN);
    assert_int_equal(subject.n, 0);
    for (uint64_t step = 0; step < 1000; step++) /* and the weights move all the same */
        rate(&subject, step, 0, .01);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_schedule_that_ends_at_half_of_the_run_is_a_warning(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    declare(&subject, "cosine", 4000, 0);
    for (uint64_t step = 0; step < 4000; step++) {
        double value = cosine(step, 0, 2000);
        rate(&subject, step, value, 10 * value);
    }
    must_find(&subject, TW_SEVERITY_WARNING, "early_end");
    assert_int_equal(subject.findings[0].onset_step, 2000);
    subject_stop(&subject);
}

static void a_declared_schedule_that_does_not_run_is_a_warning(void **state)
{
    (void)state;
    for (uint64_t interval = 1; interval <= 10; interval += 9) {
        struct subject subject;
        start(&subject);
        declare(&subject, "cosine", 4000, 100);
        for (uint64_t step = 0; step < 4000; step += interval)
            rate(&subject, step, 1e-3, .01);
        must_find(&subject, TW_SEVERITY_WARNING, "not_scheduled");
        assert_int_equal(subject.findings[0].detected_step, 3000);
        subject_stop(&subject);
    }
}

static void a_warm_up_longer_than_the_run_is_told(void **state)
{
    (void)state;
    for (int is_longer = 0; is_longer < 2; is_longer++) {
        struct subject subject;
        start(&subject);
        declare(&subject, "linear", 1000, is_longer ? 2000 : 999);
        rate(&subject, 0, 0, NAN);
        assert_int_equal(subject.n, is_longer);
        if (is_longer) {
            must_find(&subject, TW_SEVERITY_INFO, "long_warmup");
            assert_float_equal(subject.findings[0].evidence.value, 2, 0); /* 2,000 / 1,000 */
        }
        subject_stop(&subject);
    }
}

/* Weights of norm 10, as rate() has them. */
static void updates_of_an_unusual_size_are_an_information(void **state)
{
    (void)state;
    static const struct {
        double update;
        const char *cause;
    } rows[] = {{5e-5, "small_updates"}, {2e-4, ""}, {.9, ""}, {2, "large_updates"}};
    for (size_t i = 0; i < 4; i++) {
        struct subject subject;
        start(&subject);
        for (uint64_t step = 0; step < 700; step++)
            rate(&subject, step, 1e-3, rows[i].update);
        if (rows[i].cause[0])
            must_find(&subject, TW_SEVERITY_INFO, rows[i].cause);
        else
            assert_int_equal(subject.n, 0);
        for (uint64_t step = 700; step < 900; step++)
            rate(&subject, step, 1e-3, .01);
        if (rows[i].cause[0])
            assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
        subject_stop(&subject);
    }
}

static void numbers_that_are_none_hide_nothing(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e308};
    for (size_t kind = 0; kind < 4; kind++) {
        for (uint64_t at = 0; at < 700; at += at < 3 ? 1 : 116) {
            struct subject subject;
            start(&subject);
            for (uint64_t step = 0; step < 700; step++)
                rate(&subject, step, step == at && !(bad[kind] > 0) ? bad[kind] : 1e-3,
                     step == at ? bad[kind] : 5e-5);
            must_find(&subject, TW_SEVERITY_INFO, "small_updates");
            subject_stop(&subject);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_schedules_are_silent),
        cmocka_unit_test(a_rate_that_is_none_is_a_warning),
        cmocka_unit_test(a_rate_that_the_log_rounds_to_zero_is_none_of_ours),
        cmocka_unit_test(a_schedule_that_ends_at_half_of_the_run_is_a_warning),
        cmocka_unit_test(a_declared_schedule_that_does_not_run_is_a_warning),
        cmocka_unit_test(a_warm_up_longer_than_the_run_is_told),
        cmocka_unit_test(updates_of_an_unusual_size_are_an_information),
        cmocka_unit_test(numbers_that_are_none_hide_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
