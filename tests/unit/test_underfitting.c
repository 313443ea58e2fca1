/* The underfitting detector on simulated runs. Levels are those of the literature: ln(classes) for
 * a classifier that knows nothing, .25 for a balanced yes or no with squared errors. */
#include "tests/unit/detector_fixture.h"

static const uint64_t seeds[] = {1, 2, 3, 4, 5};
#define FOR_SEEDS(seed)                                                                            \
    for (uint64_t at_ = 0, seed = seeds[0]; at_ < sizeof seeds / sizeof *seeds;                    \
         at_++, seed = seeds[at_ % (sizeof seeds / sizeof *seeds)])

#define LN10 2.302585092994046

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_underfitting);
}

static void finish(struct subject *subject)
{
    struct tw_report report = {0};
    subject->detector->finish(subject->state, subject->config, &subject->context, &subject->shared,
                              &report);
    for (uint32_t i = 0; i < report.n; i++)
        subject_apply(subject, &report.conditions[i]);
}

struct declared {
    const char *objective;
    uint64_t classes;
    double max_steps, weight_decay, dropout, learning_rate;
    uint64_t hidden_units, inputs;
};

static void declare(struct subject *subject, const struct declared *declared)
{
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    header->dataset_classes = declared->classes;
    snprintf(header->objective, sizeof header->objective, "%s",
             declared->objective ? declared->objective : "supervised");
    if (declared->max_steps > 0)
        assert_int_equal(tw_header_set_number(header, "max_steps", declared->max_steps), 0);
    assert_int_equal(tw_header_set_number(header, "weight_decay", declared->weight_decay), 0);
    assert_int_equal(tw_header_set_number(header, "dropout", declared->dropout), 0);
    if (declared->learning_rate > 0)
        assert_int_equal(tw_header_set_number(header, "learning_rate", declared->learning_rate), 0);
    if (declared->hidden_units) {
        struct tw_layer_info *hidden = tw_header_add_layer(header, "hidden1");
        hidden->units = declared->hidden_units;
        hidden->fan_in = declared->inputs;
        hidden->parameters = 1;
        struct tw_layer_info *output = tw_header_add_layer(header, "output");
        output->units = declared->classes;
        output->parameters = 1;
    }
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static const char *cause_of(const struct tw_finding *finding)
{
    for (uint32_t i = 0; i < finding->evidence.n_extras; i++) {
        if (!strcmp(finding->evidence.extras[i].name, "cause"))
            return finding->evidence.extras[i].text;
    }
    return "";
}

static double extra(const struct tw_finding *finding, const char *name)
{
    for (uint32_t i = 0; i < finding->evidence.n_extras; i++) {
        if (!strcmp(finding->evidence.extras[i].name, name))
            return finding->evidence.extras[i].value;
    }
    return NAN;
}

/* A step with its norms: `ratio` of the update to weights of norm `weights`. */
static void step(struct subject *subject, uint64_t number, double loss, double ratio,
                 double weights)
{
    struct tw_record record = loss_record(number, loss);
    tw_record_set(&record, TW_SIGNAL_UPDATE_NORM, ratio * weights);
    tw_record_set(&record, TW_SIGNAL_WEIGHT_NORM, weights);
    subject_observe(subject, &record);
}

static double noisy(double level, uint64_t *seed)
{
    return level * exp(.03 * next_heavy(seed));
}

/* ---- healthy ---- */

static void healthy_runs_are_silent(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        for (uint64_t interval = 1; interval <= 50; interval = interval == 1 ? 10 : interval + 40) {
            struct subject subject;
            uint64_t random = seed;
            start(&subject);
            if (seed % 2)
                declare(&subject, &(struct declared){.classes = 50257, .max_steps = 8000});
            for (uint64_t i = 0; i < 8000; i += interval)
                subject_loss(&subject, i, healthy_loss(i, .02, &random));
            finish(&subject);
            assert_int_equal(subject.n, 0);
            assert_true(subject_has_judged(&subject, NULL, 0));
            subject_stop(&subject);
        }
    }
}

/* Fine-tuning starts low and gets 8 % lower. */
static void fine_tuning_that_improves_by_little_is_silent(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t i = 0; i < 430; i++) {
            double level = 1.75 + .15 * exp(-(double)i / 60);
            subject_loss(&subject, 500 * i, level * exp(.01 * next_heavy(&random)));
        }
        finish(&subject);
        assert_int_equal(subject.n, 0);
        subject_stop(&subject);
    }
}

/* A run of three epochs whose loss still falls fast; the level of its end is .6 of the trivial. */
static void a_short_run_that_still_falls_is_silent(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 135});
        for (uint64_t i = 0; i < 135; i++)
            subject_loss(&subject, i, noisy(LN10 * exp(-(double)i / 270), &random));
        finish(&subject);
        assert_int_equal(subject.n, 0);
        subject_stop(&subject);
    }
}

/* ---- dead ---- */

static void run_dead(struct subject *subject, uint64_t seed, uint64_t interval, uint64_t steps,
                     double ratio, double weights_end)
{
    for (uint64_t i = 0; i < steps; i += interval) {
        double weights = 20 + (weights_end - 20) * (double)i / (double)steps;
        step(subject, i, noisy(LN10, &seed), ratio, weights);
    }
}

static void a_run_at_the_trivial_level_is_found_at_half_of_its_budget(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        for (uint64_t interval = 1; interval <= 10; interval += 9) {
            struct subject subject;
            start(&subject);
            declare(&subject, &(struct declared){.classes = 10, .max_steps = 2000});
            run_dead(&subject, seed, interval, 2000, 1e-3, 20);
            const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_CRITICAL);
            assert_non_null(finding);
            assert_true(finding->detected_step >= 999 && finding->detected_step < 1100);
            assert_string_equal(cause_of(finding), "not_learning");
            assert_float_equal(finding->evidence.baseline, LN10, 1e-9);
            assert_float_equal(finding->evidence.value, 1, .05); /* a median of 10 with 3 % noise */
            assert_int_equal(subject.n, 1);
            subject_stop(&subject);
        }
    }
}

static void with_a_reason_it_is_told_after_500_steps_and_critical_later(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 4000});
        run_dead(&subject, seed, 1, 1000, 1e-5, 20);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
        assert_true(subject.findings[0].detected_step >= 499);
        assert_true(subject.findings[0].detected_step < 600);
        for (uint64_t i = 1000; i < 1300; i++)
            step(&subject, i, LN10, 1e-5, 20);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
        subject_stop(&subject);
    }
}

/* A network that stands still for 45 % of its budget and learns then. */
static void a_slow_starter_is_silent(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 1800});
        for (uint64_t i = 0; i < 1800; i++) {
            double level = i < 800 ? LN10 : LN10 * exp(-(double)(i - 800) / 300);
            step(&subject, i, noisy(level, &random), 3e-3, 20);
        }
        finish(&subject);
        assert_int_equal(subject.n, 0);
        subject_stop(&subject);
    }
}

/* 40 losses in 2,000 steps are judged as well. */
static void a_sparse_log_of_a_dead_run_is_judged(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 2000});
        run_dead(&subject, seed, 50, 2000, 1e-3, 20);
        assert_non_null(subject_first(&subject, TW_SEVERITY_CRITICAL));
        subject_stop(&subject);
    }
}

static void check_cause(const struct declared *declared, double ratio, double weights_end,
                        const char *cause)
{
    FOR_SEEDS(seed)
    {
        struct subject subject;
        start(&subject);
        declare(&subject, declared);
        run_dead(&subject, seed, 1, 2100, ratio, weights_end);
        const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(finding);
        assert_string_equal(cause_of(finding), cause);
        assert_float_equal(extra(finding, "log10_update_ratio"), log10(ratio),
                           1. / TW_UPDATE_SIZE_UNIT);
        subject_stop(&subject);
    }
}

/* -4 and -1: TheDeepChecker. */
static void the_cause_is_told_by_updates_and_weights(void **state)
{
    (void)state;
    struct declared declared = {.classes = 10};
    check_cause(&declared, 1e-5, 20, "learning_rate_too_low");
    check_cause(&declared, .9e-4, 20, "learning_rate_too_low");
    check_cause(&declared, 1.5e-4, 20, "learning_rate_too_low"); /* 2,000 x it is under .4 */
    check_cause(&declared, 9e-4, 20, "not_learning");
    check_cause(&declared, .2, 20, "learning_rate_too_high");
    check_cause(&declared, 1e-3, 400, "learning_rate_too_high");
    check_cause(&declared, 1e-5, 400, "learning_rate_too_high");
    check_cause(&declared, 1e-3, 1, "not_learning"); /* no decay is declared */
    declared.weight_decay = 1;
    check_cause(&declared, 1e-3, 1, "regularisation");
    declared.weight_decay = 0;
    declared.dropout = .9;
    check_cause(&declared, 1e-3, 20, "regularisation");
}

/* Without norms only a rate far outside of the usual tells. */
static void without_norms_the_declared_rate_tells(void **state)
{
    (void)state;
    static const struct {
        double rate;
        const char *cause;
    } rows[] = {
        {1e-6, "learning_rate_too_low"}, {.05, "not_learning"}, {3, "learning_rate_too_high"}};
    for (size_t row = 0; row < 3; row++) {
        struct subject subject;
        uint64_t seed = 1;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .learning_rate = rows[row].rate});
        for (uint64_t i = 0; i < 2100; i++)
            subject_loss(&subject, i, noisy(LN10, &seed));
        const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(finding);
        assert_string_equal(cause_of(finding), rows[row].cause);
        subject_stop(&subject);
    }
}

/* 18 in the first steps, ln 10 ever after. */
static void a_blow_up_that_ends_at_the_trivial_level_had_too_high_a_rate(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10});
    subject_loss(&subject, 0, 2.4);
    for (uint64_t i = 1; i < 700; i++)
        subject_loss(&subject, i, noisy(i < 30 ? 18 : LN10, &seed));
    const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_CRITICAL);
    assert_non_null(finding);
    assert_string_equal(cause_of(finding), "learning_rate_too_high");
    subject_stop(&subject);
}

/* Squared errors of small batches: the first losses are up to four times what they are on average.
 */
static void high_first_losses_of_weights_that_stay_are_chance(void **state)
{
    (void)state;
    for (int grows = 0; grows < 2; grows++) {
        struct subject subject;
        uint64_t seed = 1;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 1000});
        for (uint64_t i = 1; i <= 1000; i++)
            step(&subject, i, noisy((i % 8 == 2 && i < 64 ? 4 : 1) * LN10, &seed), 1e-3,
                 grows && i > 64 ? 30 : 20);
        const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
        assert_non_null(finding);
        assert_string_equal(cause_of(finding), grows ? "learning_rate_too_high" : "not_learning");
        subject_stop(&subject);
    }
}

/* Weights grow as they learn, sigmoid layers' most: 9 times at .65 of the trivial loss. */
static void weights_that_grew_with_what_was_learned_were_not_thrown_out(void **state)
{
    (void)state;
    for (int is_dead = 0; is_dead < 2; is_dead++) {
        struct subject subject;
        uint64_t seed = 2;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 2000});
        for (uint64_t i = 1; i <= 2000; i++) {
            double share = is_dead ? 1 : .65 + .35 * exp(-(double)i / 100);
            step(&subject, i, noisy(share * LN10, &seed), 1e-3, 20 + .08 * (double)i);
        }
        finish(&subject);
        const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
        assert_non_null(finding);
        assert_string_equal(cause_of(finding), is_dead ? "learning_rate_too_high" : "capacity");
        subject_stop(&subject);
    }
}

static void what_learns_after_all_is_withdrawn(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10});
    for (uint64_t i = 0; i < 6000; i++) {
        double level = i < 2900 ? LN10 : LN10 * exp(-(double)(i - 2900) / 300);
        subject_loss(&subject, i, noisy(level, &seed));
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

static void a_resume_that_cures_it_is_a_recovery(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10});
    for (uint64_t i = 0; i < 6000; i++) {
        double level = i < 2900 ? LN10 : LN10 * exp(-(double)(i - 2900) / 300);
        if (i == 2900)
            subject_event(&subject, i, "resume");
        subject_loss(&subject, i, noisy(level, &seed));
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

/* A loss that is a sum over 32 samples is on another scale: it falls from 74 to 10. */
static void a_loss_on_another_scale_is_compared_with_its_start(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10, .max_steps = 2000});
    for (uint64_t i = 0; i < 2000; i++)
        subject_loss(&subject, i, noisy(10 + 64 * exp(-(double)i / 200), &seed));
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* ---- no trivial level ---- */

static void a_flat_loss_is_told_at_the_end_where_no_level_is_declared(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t i = 0; i < 220; i++)
            subject_loss(&subject, 50 * i, 7.6 * exp(.007 * next_heavy(&random)));
        assert_int_equal(subject.n, 0);
        finish(&subject);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
        assert_true(isfinite(subject.findings[0].evidence.baseline));
        subject_stop(&subject);
    }
}

static void a_flat_evaluation_loss_is_told_where_there_is_no_training_loss(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    for (uint64_t i = 0; i < 65; i++) {
        struct tw_record record = step_record(628 * i);
        record.kind = TW_KIND_EVAL;
        tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, i ? 615.2847 : 615.2858);
        subject_observe(&subject, &record);
    }
    finish(&subject);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

/* Squared errors of a yes or no: falls fast, and then stands at the variance of a fair coin. */
static void a_plateau_at_the_loss_of_a_constant_answer_is_told(void **state)
{
    (void)state;
    static const double levels[] = {.25, .6931471805599453, 1.0986122886681098};
    for (size_t row = 0; row < 4; row++) {
        struct subject subject;
        double level = row < 3 ? levels[row] : .31; /* no such level */
        start(&subject);
        for (uint64_t i = 0; i < 120; i++)
            subject_loss(&subject, 50 * i, level + exp(-(double)i / 6));
        finish(&subject);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), row < 3);
        subject_stop(&subject);
    }
}

static void a_run_that_learned_and_lost_it_again_is_not_underfitting(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    for (uint64_t i = 0; i < 600; i++)
        subject_loss(&subject, i, noisy(i < 300 ? 6. - 3 * (double)i / 300 : 6.1, &seed));
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* A network that reached .3 with ten classes had what it takes; that it rose to 1.9 again is a
 * divergence, and neither more units nor more steps are the answer. */
static void nor_is_it_where_the_trivial_level_is_declared(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10, .max_steps = 4000});
    for (uint64_t i = 0; i < 4000; i++) {
        double loss = i < 2000 ? .3 + 2 * exp(-(double)i / 200) : 1.9;
        step(&subject, i, noisy(loss, &seed), 1e-3, 20);
    }
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* Nor a crawl: what falls in the last third had risen to twenty times its best before. */
static void what_falls_from_a_blow_up_does_not_crawl(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    for (uint64_t i = 0; i < 2000; i++) {
        double loss = 2.3 + 8 / sqrt((double)i + 10);
        double risen = i < 1000 ? 1 : fmin(20, exp2((double)(i - 1000) / 50));
        subject_loss(&subject, i, noisy(loss * risen, &seed));
    }
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* Where the trivial level is declared, too. */
static void what_is_lost_again_was_learned(void **state)
{
    struct subject subject;
    uint64_t seed = 5;
    (void)state;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10, .max_steps = 1500});
    for (uint64_t i = 0; i < 1500; i++)
        step(&subject, i, noisy(i < 400 ? 2.3 * exp(-(double)i / 100) + .1 : LN10, &seed), 1e-3,
             20);
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_run_that_goes_on_with_trained_weights_is_not_judged_by_its_start(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    for (uint64_t i = 50000; i < 50600; i++)
        subject_loss(&subject, i, noisy(2.1, &seed));
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* 2,354 to 1,765 in a straight line. */
static void a_loss_that_crawls_at_an_even_pace_is_told_at_the_end(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        for (int is_healthy = 0; is_healthy < 2; is_healthy++) {
            struct subject subject;
            uint64_t random = seed;
            start(&subject);
            for (uint64_t i = 0; i < 1000; i++) {
                double fall = is_healthy ? 1 - exp(-(double)i / 150) : (double)i / 1000;
                subject_loss(&subject, i, 2354 * (1 - .25 * fall) * exp(.01 * next_heavy(&random)));
            }
            finish(&subject);
            assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), !is_healthy);
            subject_stop(&subject);
        }
    }
}

/* ---- high ---- */

/* Falls to `share` of the trivial level within some hundred steps, and stays. */
static void run_high(struct subject *subject, uint64_t seed, double share, uint64_t steps,
                     double end_rate)
{
    for (uint64_t i = 0; i < steps; i++) {
        double level = LN10 * (share + (1 - share) * exp(-(double)i / 100));
        struct tw_record record = loss_record(i, noisy(level, &seed));
        tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, i < 1000 ? 1e-3 : end_rate);
        tw_record_set(&record, TW_SIGNAL_UPDATE_NORM, .02);
        tw_record_set(&record, TW_SIGNAL_WEIGHT_NORM, 20);
        subject_observe(subject, &record);
    }
}

static void a_long_plateau_at_a_high_level_is_a_warning(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .hidden_units = 2, .inputs = 64});
        run_high(&subject, seed, .8, 6000, 1e-3);
        const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
        assert_non_null(finding);
        assert_true(finding->detected_step >= 2000);
        assert_string_equal(cause_of(finding), "capacity");
        assert_float_equal(extra(finding, "hidden_units"), 2, 0);
        assert_float_equal(extra(finding, "inputs"), 64, 0);
        subject_stop(&subject);
    }
}

static void a_plateau_alone_is_not_told(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10});
    run_high(&subject, 1, .4, 6000, 1e-3);
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_plateau_after_the_rate_has_decayed_waits_for_the_end(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10});
    run_high(&subject, 1, .8, 6000, 1e-5);
    assert_int_equal(subject.n, 0);
    finish(&subject);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

static void a_gap_to_the_evaluation_is_another_problem(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10});
    struct tw_record record = step_record(1);
    record.kind = TW_KIND_EVAL;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, 3);
    tw_record_set(&record, TW_SIGNAL_TRAIN_LOSS, 1.8);
    subject_observe(&subject, &record);
    run_high(&subject, 1, .8, 6000, 1e-3);
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* Wrong labels or dropout hold the training loss at .8 of the trivial one, or at it: the evaluation
 * tells that the model has learned. */
static void an_evaluation_that_is_good_acquits_the_training_loss(void **state)
{
    static const struct {
        double share, eval_share;
        int findings;
    } cases[] = {{.8, .3, 0}, {.8, .7, 1}, {1, .3, 0}, {1, .98, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct subject subject;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 3000});
        struct tw_record record = step_record(1);
        record.kind = TW_KIND_EVAL;
        tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, cases[i].eval_share * LN10);
        subject_observe(&subject, &record);
        run_high(&subject, 1, cases[i].share, 3000, 1e-3);
        finish(&subject);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), cases[i].findings);
        subject_stop(&subject);
    }
}

/* R^2 of .35 is worth having, where a cross-entropy of .65 of the trivial one is not. */
static void squared_errors_have_a_line_of_their_own(void **state)
{
    (void)state;
    for (int is_squared = 0; is_squared < 2; is_squared++) {
        struct subject subject;
        struct tw_record record = step_record(0);
        start(&subject);
        record.kind = TW_KIND_HEADER;
        struct tw_header *header = tw_record_add_header(&record);
        tw_header_set_number(header, "max_steps", 1400);
        tw_header_set_number(header, is_squared ? "target_variance" : "label_entropy", LN10);
        header->dataset_classes = is_squared ? 0 : 10;
        subject_observe(&subject, &record);
        tw_record_clear(&record);
        run_high(&subject, 1, .65, 1400, 1e-3);
        finish(&subject);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), !is_squared);
        subject_stop(&subject);
    }
}

/* 300 steps at the trivial level: nothing is known while they may go on, and enough once they have
 * used their budget, or ended by early stopping. */
static void a_short_run_is_judged_when_it_has_ended_itself(void **state)
{
    static const struct {
        double max_steps, patience;
        int findings;
    } cases[] = {{300, 0, 1}, {3000, 0, 0}, {3000, 5, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct subject subject;
        uint64_t random = 3;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = cases[i].max_steps});
        if (cases[i].patience > 0)
            subject.context.declared_early_stopping_patience = cases[i].patience;
        for (uint64_t at = 1; at <= 300; at++)
            step(&subject, at, noisy(LN10, &random), 3e-4, 20);
        assert_int_equal(subject.n, 0);
        finish(&subject);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), cases[i].findings);
        subject_stop(&subject);
    }
}

static void a_budget_that_ends_high_is_foretold_and_warned_of(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 1400});
        run_high(&subject, seed, .8, 1400, 1e-3);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_INFO);
        assert_true(subject.findings[0].detected_step >= 700);
        finish(&subject);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
        assert_string_equal(cause_of(&subject.findings[0]), "capacity");
        subject_stop(&subject);
    }
}

static void a_loss_that_still_falls_at_the_end_of_its_budget_is_an_information(void **state)
{
    (void)state;
    FOR_SEEDS(seed)
    {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        declare(&subject, &(struct declared){.classes = 10, .max_steps = 1000});
        for (uint64_t i = 0; i < 1000; i++)
            step(&subject, i, noisy(LN10 * exp(-(double)i / 1600), &random), 1e-3, 20);
        finish(&subject);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_INFO);
        assert_string_equal(cause_of(&subject.findings[0]), "budget");
        subject_stop(&subject);
    }
}

/* 6.5 of ln 50,257 = 10.8: little more than the frequencies of words, and no reason to warn. */
static void a_vocabulary_has_a_higher_line(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 50257, .max_steps = 3000});
    for (uint64_t i = 0; i < 3000; i++)
        subject_loss(&subject, i, noisy(6.5 + 4.3 * exp(-(double)i / 100), &seed));
    finish(&subject);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* ---- gates ---- */

static void objectives_whose_loss_need_not_fall_are_not_judged(void **state)
{
    (void)state;
    static const char *const objectives[] = {"adversarial", "reinforcement", "contrastive"};
    for (size_t i = 0; i < 3; i++) {
        struct subject subject;
        char reason[128] = "";
        start(&subject);
        declare(&subject, &(struct declared){.objective = objectives[i], .classes = 10});
        run_dead(&subject, 1, 1, 1000, 1e-3, 20);
        finish(&subject);
        assert_int_equal(subject.n, 0);
        assert_false(subject_has_judged(&subject, reason, sizeof reason));
        assert_non_null(strstr(reason, objectives[i]));
        subject_stop(&subject);
    }
}

static void few_losses_are_not_judged_and_the_reason_is_told(void **state)
{
    (void)state;
    struct subject subject;
    char reason[128] = "";
    start(&subject);
    for (uint64_t i = 0; i < 11; i++)
        subject_loss(&subject, i, 2.3);
    finish(&subject);
    assert_int_equal(subject.n, 0);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "only 11 losses");
    subject_stop(&subject);
}

static void a_loss_that_can_be_negative_is_not_judged_without_a_trivial_level(void **state)
{
    (void)state;
    struct subject subject;
    char reason[128] = "";
    start(&subject);
    for (uint64_t i = 0; i < 600; i++)
        subject_loss(&subject, i, i == 300 ? -1 : 2.3);
    finish(&subject);
    assert_int_equal(subject.n, 0);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);
}

static void a_warm_up_is_waited_for(void **state)
{
    (void)state;
    struct subject subject;
    struct tw_record record = step_record(0);
    start(&subject);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    header->dataset_classes = 10;
    assert_int_equal(tw_header_set_number(header, "warmup_steps", 1000), 0);
    subject_observe(&subject, &record);
    tw_record_clear(&record);
    run_dead(&subject, 1, 1, 1400, 1e-5, 20);
    assert_int_equal(subject.n, 0);
    for (uint64_t i = 1400; i < 1600; i++)
        step(&subject, i, LN10, 1e-5, 20);
    assert_int_equal(subject.n, 1);
    subject_stop(&subject);
}

static void other_data_begin_anew(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    declare(&subject, &(struct declared){.classes = 10});
    run_dead(&subject, 1, 1, 700, 1e-5, 20);
    assert_int_equal(subject.n, 1);
    subject_event(&subject, 700, "data_change");
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

/* One number that is none, at the first record or a later one, hides nothing. */
static void numbers_that_are_none_hide_nothing(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e308};
    for (size_t kind = 0; kind < 4; kind++) {
        for (uint64_t at = 0; at < 700; at += at < 3 ? 1 : 116) {
            struct subject subject;
            uint64_t seed = 1;
            start(&subject);
            declare(&subject, &(struct declared){.classes = 10});
            for (uint64_t i = 0; i < 700; i++) {
                double own = i == at ? bad[kind] : 1;
                step(&subject, i, own * noisy(LN10, &seed), own * 1e-5, 20 * own);
            }
            const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_CRITICAL);
            assert_non_null(finding);
            assert_string_equal(cause_of(finding), "learning_rate_too_low");
            subject_stop(&subject);
        }
    }
}

static void a_saved_state_goes_on_alike(void **state)
{
    (void)state;
    struct subject subject, restored;
    uint64_t seed = 1;
    start(&subject);
    start(&restored);
    declare(&subject, &(struct declared){.classes = 10});
    for (uint64_t i = 0; i < 2200; i++) {
        struct tw_record record = loss_record(i, noisy(LN10, &seed));
        if (i == 300) {
            memcpy(restored.state, subject.state, subject_state_size(&subject));
            restored.context = subject.context;
            restored.reports = subject.reports;
        }
        subject_observe(&subject, &record);
        if (i >= 300)
            subject_observe(&restored, &record);
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(restored.n, 1);
    assert_true(subject.reports == restored.reports);
    subject_stop(&subject);
    subject_stop(&restored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_runs_are_silent),
        cmocka_unit_test(fine_tuning_that_improves_by_little_is_silent),
        cmocka_unit_test(a_short_run_that_still_falls_is_silent),
        cmocka_unit_test(a_run_at_the_trivial_level_is_found_at_half_of_its_budget),
        cmocka_unit_test(with_a_reason_it_is_told_after_500_steps_and_critical_later),
        cmocka_unit_test(a_slow_starter_is_silent),
        cmocka_unit_test(a_sparse_log_of_a_dead_run_is_judged),
        cmocka_unit_test(the_cause_is_told_by_updates_and_weights),
        cmocka_unit_test(without_norms_the_declared_rate_tells),
        cmocka_unit_test(a_blow_up_that_ends_at_the_trivial_level_had_too_high_a_rate),
        cmocka_unit_test(high_first_losses_of_weights_that_stay_are_chance),
        cmocka_unit_test(weights_that_grew_with_what_was_learned_were_not_thrown_out),
        cmocka_unit_test(what_learns_after_all_is_withdrawn),
        cmocka_unit_test(a_resume_that_cures_it_is_a_recovery),
        cmocka_unit_test(a_loss_on_another_scale_is_compared_with_its_start),
        cmocka_unit_test(a_flat_loss_is_told_at_the_end_where_no_level_is_declared),
        cmocka_unit_test(a_flat_evaluation_loss_is_told_where_there_is_no_training_loss),
        cmocka_unit_test(a_plateau_at_the_loss_of_a_constant_answer_is_told),
        cmocka_unit_test(a_run_that_learned_and_lost_it_again_is_not_underfitting),
        cmocka_unit_test(nor_is_it_where_the_trivial_level_is_declared),
        cmocka_unit_test(what_falls_from_a_blow_up_does_not_crawl),
        cmocka_unit_test(what_is_lost_again_was_learned),
        cmocka_unit_test(a_run_that_goes_on_with_trained_weights_is_not_judged_by_its_start),
        cmocka_unit_test(a_loss_that_crawls_at_an_even_pace_is_told_at_the_end),
        cmocka_unit_test(a_long_plateau_at_a_high_level_is_a_warning),
        cmocka_unit_test(a_plateau_alone_is_not_told),
        cmocka_unit_test(a_plateau_after_the_rate_has_decayed_waits_for_the_end),
        cmocka_unit_test(a_gap_to_the_evaluation_is_another_problem),
        cmocka_unit_test(an_evaluation_that_is_good_acquits_the_training_loss),
        cmocka_unit_test(squared_errors_have_a_line_of_their_own),
        cmocka_unit_test(a_short_run_is_judged_when_it_has_ended_itself),
        cmocka_unit_test(a_budget_that_ends_high_is_foretold_and_warned_of),
        cmocka_unit_test(a_loss_that_still_falls_at_the_end_of_its_budget_is_an_information),
        cmocka_unit_test(a_vocabulary_has_a_higher_line),
        cmocka_unit_test(objectives_whose_loss_need_not_fall_are_not_judged),
        cmocka_unit_test(few_losses_are_not_judged_and_the_reason_is_told),
        cmocka_unit_test(a_loss_that_can_be_negative_is_not_judged_without_a_trivial_level),
        cmocka_unit_test(a_warm_up_is_waited_for),
        cmocka_unit_test(other_data_begin_anew),
        cmocka_unit_test(numbers_that_are_none_hide_nothing),
        cmocka_unit_test(a_saved_state_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
