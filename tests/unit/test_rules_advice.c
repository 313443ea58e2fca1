/* Detectors and shipped rules together: the names of the evidence that rules look at are those that
 * the detectors give, so that a renamed one is a failing test and not a branch that went silent. */
#include "detector_fixture.h"
#include "rules_fixture.h"

static struct tw_rules *rules;

static int set_up(void **state)
{
    struct tw_error error = {0};
    (void)state;
    rules = tw_rules_new();
    assert_non_null(rules);
    assert_int_equal(tw_rules_load_shipped(rules, &error), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tw_rules_free(rules);
    return 0;
}

static void give(struct subject *subject, uint64_t step, double loss)
{
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r");
    record.kind = TW_KIND_STEP;
    record.step = step;
    record.has = TW_HAS_STEP | TW_HAS_KIND;
    tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, .1);
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

/* A loss that falls from 2 to 1.5 with some noise (1 %). */
static double falling_loss(uint64_t step)
{
    return (1.5 + .5 * exp(-(double)step / 100)) * (1 + .01 * sin((double)step * 12.9898));
}

/* The advice on the first finding that is at least a warning. */
static struct answer advise(struct subject *subject, struct tw_facts *facts)
{
    const struct tw_finding *finding = subject_first(subject, TW_SEVERITY_WARNING);
    if (!finding)
        fail_msg("nothing was found");
    struct answer answer = ask(rules, finding, NULL, 0, facts);
    assert_int_equal(answer.failed, 0);
    assert_true(answer.n > 0);
    return answer;
}

static void a_loss_that_becomes_nan_is_told_with_its_step_and_phase(void **state)
{
    struct subject subject;
    struct tw_facts facts;
    (void)state;
    tw_facts_init(&facts);
    subject_start(&subject, tw_detector_find("overflow"));
    for (uint64_t step = 1; step < 300; step++)
        give(&subject, step, falling_loss(step));
    give(&subject, 300, NAN);
    struct answer answer = advise(&subject, &facts);
    assert_string_equal(answer.at[0].rule, "overflow-nonfinite");
    /* The last loss is 1.5 + .5 exp(-2.99) = 1.525, within 1 %. */
    assert_non_null(strstr(answer.at[0].why, "Step 300 was the first that was not finite, in the "
                                             "loss; the loss before it was 1.5"));
    subject_stop(&subject);
}

static void a_loss_that_becomes_zero_is_told_as_a_disguise(void **state)
{
    struct subject subject;
    struct tw_facts facts;
    (void)state;
    tw_facts_init(&facts);
    subject_start(&subject, tw_detector_find("overflow"));
    for (uint64_t step = 1; step < 320; step++)
        give(&subject, step, step < 300 ? falling_loss(step) : 0);
    struct answer answer = advise(&subject, &facts);
    assert_non_null(strstr(answer.at[0].why, "losses of exactly 0 in a row since step 300"));
    assert_non_null(find(&answer, "logging_nan_inf_filter"));
    subject_stop(&subject);
}

static void an_evaluation_that_becomes_nan_leaves_the_learning_rate_alone(void **state)
{
    struct subject subject;
    struct tw_facts facts;
    struct tw_record record;
    (void)state;
    tw_facts_init(&facts);
    subject_start(&subject, tw_detector_find("overflow"));
    give(&subject, 1, 2);
    tw_record_init(&record);
    record.kind = TW_KIND_EVAL;
    record.step = 2;
    record.has = TW_HAS_STEP | TW_HAS_KIND;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, NAN);
    subject_observe(&subject, &record);
    struct answer answer = advise(&subject, &facts);
    assert_int_equal(answer.n, 1);
    assert_string_equal(answer.at[0].parameter, "eval_precision");
    subject_stop(&subject);
}

static void a_scale_that_collapses_is_told_with_its_halvings(void **state)
{
    struct subject subject;
    struct tw_facts facts;
    (void)state;
    tw_facts_init(&facts);
    facts.initial_loss_scale = 65536;
    subject_start(&subject, tw_detector_find("overflow"));
    for (uint64_t step = 1; step < 400; step++) {
        struct tw_record record;
        tw_record_init(&record);
        record.kind = TW_KIND_STEP;
        record.step = step;
        record.has = TW_HAS_STEP | TW_HAS_KIND;
        tw_record_set(&record, TW_SIGNAL_LOSS, falling_loss(step));
        /* From step 300 on halved every other step, down to 2. */
        double halvings = step < 300 ? 0 : fmin(15, (double)((step - 300) / 2 + 1));
        facts.loss_scale = 65536 / exp2(halvings);
        tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, facts.loss_scale);
        subject_observe(&subject, &record);
        tw_record_clear(&record);
    }
    struct answer answer = advise(&subject, &facts);
    assert_string_equal(answer.at[0].rule, "overflow-scale-collapse");
    assert_non_null(strstr(answer.at[0].why, " halvings"));
    subject_stop(&subject);
}

static void a_layer_near_the_end_of_fp16_is_told_as_such(void **state)
{
    struct subject subject;
    struct tw_facts facts;
    struct tw_record record;
    (void)state;
    tw_facts_init(&facts);
    subject_start(&subject, tw_detector_find("overflow"));
    tw_record_init(&record);
    record.kind = TW_KIND_HEADER;
    record.has = TW_HAS_KIND;
    struct tw_header *header = tw_record_add_header(&record);
    assert_int_equal(tw_header_set_text(header, "precision", "fp16"), 0);
    assert_non_null(tw_header_add_layer(header, "mlp.3"));
    uint64_t hash = tw_header_hash(header);
    subject_observe(&subject, &record);
    tw_record_clear(&record);
    for (uint64_t step = 10; step < 200; step += 10) {
        give(&subject, step, 2);
        record.kind = TW_KIND_LAYERS;
        record.has = TW_HAS_KIND | TW_HAS_STEP;
        record.step = step;
        struct tw_layers *layers = tw_record_add_layers(&record, 1);
        layers->header_hash = hash;
        tw_layers_add_column(layers, TW_LAYER_ACTIVATION_ABS_MAX)[0] = 40000;
        subject_observe(&subject, &record);
        tw_record_clear(&record);
    }
    struct answer answer = advise(&subject, &facts);
    assert_string_equal(answer.at[0].rule, "overflow-layer");
    assert_non_null(strstr(answer.at[0].why, "The activations of layer mlp.3 reach 40000"));
    subject_stop(&subject);
}

static void a_divergence_is_told_with_its_losses(void **state)
{
    struct subject subject;
    struct tw_facts facts;
    (void)state;
    tw_facts_init(&facts);
    facts.learning_rate = .1;
    subject_start(&subject, tw_detector_find("divergence"));
    for (uint64_t step = 1; step < 1200; step++)
        give(&subject, step,
             falling_loss(step) * (step < 1000 ? 1 : exp2((double)(step - 1000) / 50)));
    struct answer answer = advise(&subject, &facts);
    assert_string_equal(answer.at[0].rule, "divergence-critical");
    assert_number(answer.at[0].to, .01);
    assert_non_null(strstr(answer.at[0].why, " now")); /* evidence.loss is there */
    /* Its best loss is about 1.5; facts know none, so the detector's own is taken. */
    assert_string_equal(answer.at[0].verify.signal, "loss");
    assert_float_equal(answer.at[0].verify.limit, 1.5, .03);
    subject_stop(&subject);
}

static void a_divergence_from_the_start_is_told_as_one(void **state)
{
    struct subject subject;
    struct tw_facts facts;
    (void)state;
    tw_facts_init(&facts);
    subject_start(&subject, tw_detector_find("divergence"));
    for (uint64_t step = 1; step < 400; step++)
        give(&subject, step, step < 8 ? 2.3 : 2.3 * 9 * (1 + .05 * sin((double)step * 12.9898)));
    struct answer answer = advise(&subject, &facts);
    assert_string_equal(answer.at[0].rule, "divergence-critical");
    assert_non_null(strstr(answer.at[0].why, "over its first value"));
    assert_non_null(find(&answer, "warmup_steps"));
    subject_stop(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_that_becomes_nan_is_told_with_its_step_and_phase),
        cmocka_unit_test(a_loss_that_becomes_zero_is_told_as_a_disguise),
        cmocka_unit_test(an_evaluation_that_becomes_nan_leaves_the_learning_rate_alone),
        cmocka_unit_test(a_scale_that_collapses_is_told_with_its_halvings),
        cmocka_unit_test(a_layer_near_the_end_of_fp16_is_told_as_such),
        cmocka_unit_test(a_divergence_is_told_with_its_losses),
        cmocka_unit_test(a_divergence_from_the_start_is_told_as_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
