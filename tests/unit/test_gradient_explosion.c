/* Gradient explosion: each tier with what it asks for, the gates, and norms that show nothing. The
 * factors are those of the options: 4 and 10 times the baseline, a spike of 3, growth by 2. */
#include "detectors/gradient_explosion/state.h"
#include "tests/unit/detector_fixture.h"

#define STEPS 1500
#define FAULT 1000

struct run { /* a simulated run; factors hold from FAULT on */
    struct subject subject;
    uint64_t seed, stride;
    double norm_sigma;
};

static void start(struct run *run, uint64_t seed)
{
    *run = (struct run){.seed = seed, .stride = 1, .norm_sigma = .15};
    subject_start(&run->subject, &tw_detector_gradient_explosion);
}

/* Norms of a good run: high in the first steps, then level, with heavy tails. */
static double healthy_norm(struct run *run, uint64_t record)
{
    double level = 1 + 4 * exp(-(double)record / 40);
    return level * exp(run->norm_sigma * next_heavy(&run->seed));
}

static struct tw_record make_record(struct run *run, uint64_t record, double norm_factor,
                                    double loss_factor)
{
    struct tw_record made = step_record(record * run->stride);
    tw_record_set(&made, TW_SIGNAL_GRAD_NORM, norm_factor * healthy_norm(run, record));
    tw_record_set(&made, TW_SIGNAL_LOSS, loss_factor * healthy_loss(record, .01, &run->seed));
    made.grad_norm_kind = TW_GRAD_NORM_PRE_CLIP;
    return made;
}

static void feed(struct run *run, uint64_t from, uint64_t to, double norm_factor,
                 double loss_factor)
{
    for (uint64_t i = from; i < to; i++) {
        struct tw_record record = make_record(run, i, norm_factor, loss_factor);
        subject_observe(&run->subject, &record);
    }
}

static void feed_norm(struct run *run, uint64_t step, double norm)
{
    struct tw_record record = step_record(step);
    tw_record_set(&record, TW_SIGNAL_GRAD_NORM, norm);
    subject_observe(&run->subject, &record);
}

static size_t count(const struct run *run, enum tw_severity severity)
{
    return subject_count(&run->subject, severity);
}

static void feed_header(struct run *run, const char *objective, double micro_batches)
{
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    snprintf(header->objective, sizeof header->objective, "%s", objective);
    if (micro_batches > 0)
        assert_int_equal(tw_header_set_number(header, "micro_batches", micro_batches), 0);
    subject_observe(&run->subject, &record);
    tw_record_clear(&record);
}

static bool tells_of(const struct tw_finding *finding, const char *text)
{
    return finding && strstr(finding->evidence.statistic, text);
}

/* ---- tiers ---- */

static void healthy_norms_raise_no_alarm(void **state)
{
    static const double sigmas[] = {.05, .15, .4};
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct run run;
        start(&run, seed);
        run.norm_sigma = sigmas[seed % 3];
        feed(&run, 0, 4 * STEPS, 1, 1);
        assert_int_equal(count(&run, TW_SEVERITY_WARNING), 0);
        subject_stop(&run.subject);
    }
}

static void a_single_spike_is_an_information_once_it_is_over(void **state)
{
    (void)state;
    struct run run;
    start(&run, 1);
    feed(&run, 0, FAULT, 1, 1);
    feed(&run, FAULT, FAULT + 1, 40, 1);
    assert_int_equal(run.subject.n, 0);
    feed(&run, FAULT + 1, STEPS, 1, 1);
    assert_int_equal(run.subject.n, 1);
    const struct tw_finding *finding = &run.subject.findings[0];
    assert_int_equal(finding->severity, TW_SEVERITY_INFO);
    assert_int_equal(finding->state, TW_STATE_RECOVERED);
    assert_int_equal(finding->onset_step, FAULT);
    assert_true(finding->evidence.value > 20);
    subject_stop(&run.subject);
}

static void a_level_of_six_times_needs_a_further_sign(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct run alone, with_loss;
        start(&alone, seed);
        start(&with_loss, seed);
        feed(&alone, 0, FAULT, 1, 1);
        feed(&with_loss, 0, FAULT, 1, 1);
        feed(&alone, FAULT, STEPS, 6, 1);
        feed(&with_loss, FAULT, STEPS, 6, 1.2);
        assert_int_equal(count(&alone, TW_SEVERITY_WARNING), 0);
        assert_int_equal(count(&with_loss, TW_SEVERITY_WARNING), 1);
        assert_int_equal(count(&with_loss, TW_SEVERITY_CRITICAL), 0);
        const struct tw_finding *found = subject_first(&with_loss.subject, TW_SEVERITY_WARNING);
        assert_true(found->onset_step >= FAULT && found->onset_step <= FAULT + 3);
        assert_true(found->detected_step <= FAULT + 40);
        subject_stop(&alone.subject);
        subject_stop(&with_loss.subject);
    }
}

static void doubled_updates_are_such_a_sign(void **state)
{
    (void)state;
    struct run run;
    start(&run, 3);
    for (uint64_t i = 0; i < STEPS; i++) {
        struct tw_record record = make_record(&run, i, i < FAULT ? 1 : 6, 1);
        tw_record_set(&record, TW_SIGNAL_UPDATE_NORM, i < FAULT ? .01 : .025);
        subject_observe(&run.subject, &record);
    }
    assert_int_equal(count(&run, TW_SEVERITY_WARNING), 1);
    subject_stop(&run.subject);
}

static void spikes_before_are_such_a_sign(void **state)
{
    (void)state;
    struct run run;
    start(&run, 4);
    feed(&run, 0, FAULT, 1, 1);
    for (uint64_t i = FAULT; i < FAULT + 80; i++)
        feed(&run, i, i + 1, i % 20 == 0 ? 10 : 1, 1);
    feed(&run, FAULT + 80, FAULT + 100, 6, 1);
    assert_int_equal(count(&run, TW_SEVERITY_WARNING), 1);
    subject_stop(&run.subject);
}

static void a_level_of_fifteen_times_is_critical_and_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct run run;
        start(&run, seed);
        feed(&run, 0, FAULT, 1, 1);
        feed(&run, FAULT, FAULT + 50, 15, 1);
        const struct tw_finding *found = subject_first(&run.subject, TW_SEVERITY_CRITICAL);
        assert_non_null(found);
        assert_true(found->detected_step <= FAULT + 6); /* a median of 5 */
        assert_int_equal(found->state, TW_STATE_OPEN);
        feed(&run, FAULT + 50, STEPS, 1, 1);
        assert_int_equal(found->state, TW_STATE_RECOVERED);
        subject_stop(&run.subject);
    }
}

static void doubling_in_each_of_five_norms_is_critical(void **state)
{
    (void)state;
    struct run run;
    start(&run, 5);
    for (uint64_t i = 0; i < 300; i++)
        feed_norm(&run, i, 1 + .1 * next_uniform(&run.seed));
    for (uint64_t i = 0; i < 5; i++)
        feed_norm(&run, 300 + i, 2.3 * pow(2.05, (double)i));
    const struct tw_finding *found = subject_first(&run.subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_true(tells_of(found, "twofold"));
    assert_int_equal(found->detected_step, 304);
    subject_stop(&run.subject);
}

static void doubling_within_what_norms_scatter_is_none(void **state)
{
    (void)state;
    /* A run that fits its data: norms over decades. From a low one to 20 times the median, which is
     * 2 sigma, the growth of five is an accident. */
    struct run run;
    start(&run, 6);
    for (uint64_t i = 0; i < 300; i++)
        feed_norm(&run, i, .1 * exp(1.5 * next_normal(&run.seed)));
    for (uint64_t i = 0; i < 7; i++)
        feed_norm(&run, 300 + i, .01 * pow(2.4, (double)i + 2));
    for (uint64_t i = 307; i < 400; i++)
        feed_norm(&run, i, .1 * exp(1.5 * next_normal(&run.seed)));
    assert_int_equal(count(&run, TW_SEVERITY_WARNING), 0);
    subject_stop(&run.subject);
}

static void a_norm_that_climbed_until_it_was_infinite_is_critical(void **state)
{
    (void)state;
    struct run climbed, sudden, scaled;
    start(&climbed, 6);
    start(&sudden, 6);
    start(&scaled, 6);
    feed(&climbed, 0, FAULT, 1, 1);
    feed(&climbed, FAULT, FAULT + 2, 50, 1);
    feed_norm(&climbed, FAULT + 2, INFINITY);
    assert_int_equal(count(&climbed, TW_SEVERITY_CRITICAL), 1);
    feed(&sudden, 0, FAULT, 1, 1);
    feed_norm(&sudden, FAULT, NAN);
    assert_int_equal(count(&sudden, TW_SEVERITY_INFO), 0);
    for (uint64_t i = 0; i < FAULT + 2; i++) {
        struct tw_record record = make_record(&scaled, i, i < FAULT ? 1 : 50, 1);
        tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, 65536);
        subject_observe(&scaled.subject, &record);
    }
    feed_norm(&scaled, FAULT + 2, INFINITY); /* its scaler skips that */
    assert_int_equal(count(&scaled, TW_SEVERITY_WARNING), 0);
    subject_stop(&climbed.subject);
    subject_stop(&sudden.subject);
    subject_stop(&scaled.subject);
}

static void an_explosion_from_the_start_needs_no_baseline(void **state)
{
    (void)state;
    struct run up, down;
    start(&up, 7);
    start(&down, 7);
    for (uint64_t i = 0; i < 12; i++) {
        for (int is_up = 0; is_up < 2; is_up++) {
            struct tw_record record = loss_record(i, is_up ? 2 + (double)i : 2 - .1 * (double)i);
            tw_record_set(&record, TW_SIGNAL_GRAD_NORM, i < 3 ? 1 : 400 + (double)i);
            subject_observe(is_up ? &up.subject : &down.subject, &record);
        }
    }
    assert_int_equal(count(&up, TW_SEVERITY_CRITICAL), 1);
    assert_int_equal(count(&down, TW_SEVERITY_INFO), 0); /* it learns: such is an odd start */
    subject_stop(&up.subject);
    subject_stop(&down.subject);
}

/* ---- gates ---- */

static void a_warning_waits_for_the_warm_up_and_the_resume(void **state)
{
    (void)state;
    struct run warm, resumed;
    start(&warm, 8);
    feed(&warm, 0, 60, 1, 1);
    feed(&warm, 60, 99, 6, 1.2); /* before step 100 */
    assert_int_equal(count(&warm, TW_SEVERITY_WARNING), 0);
    start(&resumed, 8);
    feed(&resumed, 0, FAULT, 1, 1);
    subject_event(&resumed.subject, FAULT, "resume");
    feed(&resumed, FAULT, FAULT + 30, 1, 1);
    feed(&resumed, FAULT + 30, FAULT + 199, 15, 1.2);
    assert_int_equal(count(&resumed, TW_SEVERITY_WARNING), 0);
    subject_stop(&warm.subject);
    subject_stop(&resumed.subject);
}

static void a_jump_of_the_learning_rate_does_not_hide_an_explosion(void **state)
{
    (void)state;
    struct run run;
    start(&run, 9);
    for (uint64_t i = 0; i < FAULT + 40; i++) {
        struct tw_record record = make_record(&run, i, i < FAULT ? 1 : 30, 1);
        tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, i < FAULT ? 1e-3 : .1);
        subject_observe(&run.subject, &record);
    }
    assert_int_equal(count(&run, TW_SEVERITY_CRITICAL), 1);
    subject_stop(&run.subject);
}

/* Three steps at a hundred times the rate, by mistake: what they did is compared with the norms
 * from before the jump, though the rate is the old one again. */
static void a_rate_that_jumped_and_came_back_does_not_hide_it_either(void **state)
{
    (void)state;
    for (double factor = 1; factor < 31; factor += 29) {
        struct run run;
        start(&run, 9);
        for (uint64_t i = 0; i < FAULT + 50; i++) {
            struct tw_record record = make_record(&run, i, i < FAULT ? 1 : factor, 1);
            bool is_jump = i >= FAULT && i < FAULT + 3;
            tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, is_jump ? .1 : 1e-3);
            subject_observe(&run.subject, &record);
        }
        assert_int_equal(count(&run, TW_SEVERITY_WARNING), factor > 1);
        assert_int_equal(count(&run, TW_SEVERITY_CRITICAL), factor > 1);
        subject_stop(&run.subject);
    }
}

static void reinforcement_learning_is_warned_of_at_critical_numbers_only(void **state)
{
    (void)state;
    struct run six, fifteen;
    start(&six, 10);
    feed_header(&six, "reinforcement", 0);
    feed(&six, 0, FAULT, 1, 1);
    feed(&six, FAULT, STEPS, 6, 1.2);
    assert_int_equal(count(&six, TW_SEVERITY_WARNING), 0);
    start(&fifteen, 10);
    feed_header(&fifteen, "reinforcement", 0);
    feed(&fifteen, 0, FAULT, 1, 1);
    feed(&fifteen, FAULT, FAULT + 50, 15, 1);
    assert_int_equal(count(&fifteen, TW_SEVERITY_WARNING), 1);
    assert_int_equal(count(&fifteen, TW_SEVERITY_CRITICAL), 0);
    subject_stop(&six.subject);
    subject_stop(&fifteen.subject);
}

static void a_rise_by_the_number_of_micro_batches_is_a_sum(void **state)
{
    (void)state;
    struct run run;
    start(&run, 11);
    run.norm_sigma = .02;
    feed_header(&run, "", 16);
    feed(&run, 0, FAULT, 1, 1);
    feed(&run, FAULT, FAULT + 60, 16, 1.2);
    const struct tw_finding *found = subject_first(&run.subject, TW_SEVERITY_WARNING);
    assert_non_null(found);
    assert_int_equal(found->severity, TW_SEVERITY_WARNING); /* sixteen times is critical else */
    assert_true(tells_of(found, "micro-batches"));
    subject_stop(&run.subject);
}

static void gradients_that_were_not_unscaled_are_divided_by_the_scale(void **state)
{
    (void)state;
    struct run run;
    start(&run, 12);
    double scale = 1024;
    for (uint64_t i = 0; i < 6000; i++) {
        if (i % 200 == 199)
            scale = i < 3000 ? scale * 2 : scale / 2; /* up to 2^24 and back */
        struct tw_record record = make_record(&run, i, scale, 1);
        tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, scale);
        subject_observe(&run.subject, &record);
    }
    assert_int_equal(count(&run, TW_SEVERITY_WARNING), 0);
    subject_stop(&run.subject);
}

/* ---- what cannot be judged ---- */

static void clipped_norms_are_not_checked(void **state)
{
    char reason[128];
    (void)state;
    struct run told, seen, few;
    start(&told, 13);
    start(&seen, 13);
    start(&few, 13);
    for (uint64_t i = 0; i < 200; i++) {
        struct tw_record record = make_record(&told, i, 1, 1);
        record.grad_norm_kind = TW_GRAD_NORM_POST_CLIP;
        subject_observe(&told.subject, &record);
        feed_norm(&seen, i, i % 10 ? 1 : .3 + .6 * next_uniform(&seen.seed));
    }
    assert_false(subject_has_judged(&told.subject, reason, sizeof reason));
    assert_non_null(strstr(reason, "after clipping"));
    assert_false(subject_has_judged(&seen.subject, reason, sizeof reason));
    assert_string_equal(reason, "the gradient norm stands at 1: it is logged after clipping");
    feed(&few, 0, 15, 1, 1);
    assert_false(subject_has_judged(&few.subject, reason, sizeof reason));
    assert_string_equal(reason, "only 15 gradient norms");
    feed(&few, 15, 16, 1, 1);
    assert_true(subject_has_judged(&few.subject, reason, sizeof reason));
    subject_stop(&told.subject);
    subject_stop(&seen.subject);
    subject_stop(&few.subject);
}

static void a_number_that_is_none_disables_nothing(void **state)
{
    static const double none[] = {NAN, INFINITY, -INFINITY, 0, -1};
    (void)state;
    for (uint64_t at = 0; at < 5; at++) {
        for (size_t kind = 0; kind < 5; kind++) {
            struct run run;
            start(&run, 14 + at);
            for (uint64_t i = 0; i < FAULT + 20; i++) {
                struct tw_record record = make_record(&run, i, i < FAULT ? 1 : 15, 1);
                if (i == at * 30)
                    for (int signal = 0; signal < TW_SIGNALS; signal++)
                        tw_record_set(&record, (enum tw_signal)signal, none[kind]);
                subject_observe(&run.subject, &record);
            }
            assert_int_equal(count(&run, TW_SEVERITY_CRITICAL), 1);
            subject_stop(&run.subject);
        }
    }
}

/* ---- sparse and short logs ---- */

static void the_same_log_says_the_same_at_each_interval(void **state)
{
    static const uint64_t strides[] = {1, 10, 50};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct run good, bad;
        start(&good, 20);
        start(&bad, 20);
        good.stride = bad.stride = strides[i];
        feed(&good, 0, STEPS, 1, 1);
        feed(&bad, 0, FAULT, 1, 1);
        feed(&bad, FAULT, STEPS, 6, 1.2);
        assert_int_equal(count(&good, TW_SEVERITY_WARNING), 0);
        assert_int_equal(count(&bad, TW_SEVERITY_WARNING), 1);
        assert_int_equal(count(&bad, TW_SEVERITY_CRITICAL), 0);
        subject_stop(&good.subject);
        subject_stop(&bad.subject);
    }
}

static void a_short_log_is_judged_with_less_confidence(void **state)
{
    (void)state;
    struct run run;
    start(&run, 21);
    run.stride = 100;
    for (uint64_t i = 0; i < 16; i++)
        feed_norm(&run, 100 * i, (i < 10 ? 1 : 40) * exp(.1 * next_normal(&run.seed)));
    const struct tw_finding *found = subject_first(&run.subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_true(found->confidence < .7);
    subject_stop(&run.subject);
}

/* ---- layers ---- */

static void feed_layers(struct run *run, uint64_t step, const float *factors)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 4);
    layers->header_hash = run->subject.context.header_hash;
    float *norms = tw_layers_add_column(layers, TW_LAYER_GRAD_NORM);
    for (int i = 0; i < 4; i++)
        norms[i] = factors[i] * (float)exp(.1 * next_normal(&run->seed));
    subject_observe(&run->subject, &record);
    tw_record_clear(&record);
}

static void name_layers(struct run *run)
{
    static const char *const names[] = {"embedding", "block1", "block2", "head"};
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    for (int i = 0; i < 4; i++)
        assert_non_null(tw_header_add_layer(header, names[i]));
    subject_observe(&run->subject, &record);
    tw_record_clear(&record);
}

static const float level[] = {.5f, .5f, .5f, .5f};

static const char *text_of(const struct tw_evidence *evidence, const char *name)
{
    for (uint32_t i = 0; i < evidence->n_extras; i++) {
        if (!strcmp(evidence->extras[i].name, name))
            return evidence->extras[i].text;
    }
    return "";
}

static void the_layer_that_left_its_level_first_is_to_blame(void **state)
{
    (void)state;
    struct run run;
    static const float first[] = {.5f, .5f, 20, .5f}, all[] = {50, 50, 40, 50};
    start(&run, 30);
    name_layers(&run);
    for (uint64_t i = 0; i < FAULT; i++) {
        feed(&run, i, i + 1, 1, 1);
        if (i % 10 == 0)
            feed_layers(&run, i, i < FAULT - 10 ? level : first);
    }
    feed_layers(&run, FAULT, all);
    feed(&run, FAULT, FAULT + 10, 50, 1);
    const struct tw_finding *found = subject_first(&run.subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_string_equal(found->scope, "run");
    assert_string_equal(text_of(&found->evidence, "layer"), "block2");
    subject_stop(&run.subject);
}

static void a_layer_alone_is_told_when_it_makes_up_the_gradient(void **state)
{
    static const float large[] = {12, .5f, .5f, .5f}, usual[] = {.001f, .5f, .5f, .5f},
                       small[] = {.05f, .5f, .5f, .5f};
    (void)state;
    struct run dominant, little;
    start(&dominant, 31);
    start(&little, 31);
    name_layers(&dominant);
    name_layers(&little);
    for (uint64_t i = 0; i < FAULT; i += 10) {
        feed_layers(&dominant, i, i < 600 ? level : large);
        feed_layers(&little, i, i < 600 ? usual : small);
        feed(&dominant, i, i + 1, 1, 1); /* the global norm is not what shows it */
        feed(&little, i, i + 1, 1, 1);
    }
    const struct tw_finding *found = subject_first(&dominant.subject, TW_SEVERITY_WARNING);
    assert_non_null(found);
    assert_string_equal(found->scope, "layer:embedding");
    assert_int_equal(found->onset_step, 600);
    assert_int_equal(count(&little, TW_SEVERITY_WARNING), 0); /* fifty times, and next to nothing */
    subject_stop(&dominant.subject);
    subject_stop(&little.subject);
}

static void layers_stand_in_for_a_global_norm(void **state)
{
    static const float high[] = {20, 20, 20, 20};
    char reason[128];
    (void)state;
    struct run run;
    start(&run, 32);
    for (uint64_t i = 0; i < FAULT; i += 10)
        feed_layers(&run, i, i < 900 ? level : high);
    assert_true(subject_has_judged(&run.subject, reason, sizeof reason));
    const struct tw_finding *found = subject_first(&run.subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_string_equal(found->scope, "run");
    subject_stop(&run.subject);
}

/* ---- state ---- */

static void a_saved_state_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    struct run through, restored;
    start(&through, 40);
    start(&restored, 40);
    feed(&through, 0, FAULT + 2, 1, 1);
    memcpy(restored.subject.state, through.subject.state,
           tw_detector_gradient_explosion.state_size[TW_EXTENT_LAYERS]);
    restored.subject.context = through.subject.context;
    restored.seed = through.seed;
    through.subject.reports = restored.subject.reports = 1;
    feed(&through, FAULT + 2, STEPS, 15, 1.2);
    feed(&restored, FAULT + 2, STEPS, 15, 1.2);
    assert_true(through.subject.reports != 1);
    assert_true(through.subject.reports == restored.subject.reports);
    subject_stop(&through.subject);
    subject_stop(&restored.subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_norms_raise_no_alarm),
        cmocka_unit_test(a_single_spike_is_an_information_once_it_is_over),
        cmocka_unit_test(a_level_of_six_times_needs_a_further_sign),
        cmocka_unit_test(doubled_updates_are_such_a_sign),
        cmocka_unit_test(spikes_before_are_such_a_sign),
        cmocka_unit_test(a_level_of_fifteen_times_is_critical_and_ends),
        cmocka_unit_test(doubling_in_each_of_five_norms_is_critical),
        cmocka_unit_test(doubling_within_what_norms_scatter_is_none),
        cmocka_unit_test(a_norm_that_climbed_until_it_was_infinite_is_critical),
        cmocka_unit_test(an_explosion_from_the_start_needs_no_baseline),
        cmocka_unit_test(a_warning_waits_for_the_warm_up_and_the_resume),
        cmocka_unit_test(a_jump_of_the_learning_rate_does_not_hide_an_explosion),
        cmocka_unit_test(a_rate_that_jumped_and_came_back_does_not_hide_it_either),
        cmocka_unit_test(reinforcement_learning_is_warned_of_at_critical_numbers_only),
        cmocka_unit_test(a_rise_by_the_number_of_micro_batches_is_a_sum),
        cmocka_unit_test(gradients_that_were_not_unscaled_are_divided_by_the_scale),
        cmocka_unit_test(clipped_norms_are_not_checked),
        cmocka_unit_test(a_number_that_is_none_disables_nothing),
        cmocka_unit_test(the_same_log_says_the_same_at_each_interval),
        cmocka_unit_test(a_short_log_is_judged_with_less_confidence),
        cmocka_unit_test(the_layer_that_left_its_level_first_is_to_blame),
        cmocka_unit_test(a_layer_alone_is_told_when_it_makes_up_the_gradient),
        cmocka_unit_test(layers_stand_in_for_a_global_norm),
        cmocka_unit_test(a_saved_state_goes_on_as_if_nothing_had_been),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
