/* The shipped rules for saturation, dead units and resumes: each branch of advice yields the amount
 * that it stands for, the best remedy first. The amounts are worked out by hand beside each
 * assertion. */
#include "rules_fixture.h"

static const struct tw_suggestion *get(const struct answer *answer, const char *parameter)
{
    const struct tw_suggestion *found = find(answer, parameter);
    if (!found)
        fail_msg("no advice on %s", parameter);
    return found;
}

static void must_change(const struct tw_suggestion *suggestion, const char *parameter,
                        enum tw_change_op op, double amount)
{
    assert_string_equal(suggestion->parameter, parameter);
    assert_int_equal(suggestion->op, op);
    assert_number(suggestion->change, amount);
}

/* ---- saturation ---- */

static struct tw_finding saturated(enum tw_severity severity, int from_start)
{
    struct tw_finding finding = make_finding("saturation", severity);
    strcpy(finding.scope, "layer:hidden2");
    strcpy(finding.evidence.statistic, "share of saturated activations in a layer");
    finding.evidence.value = .7;
    tw_evidence_add(&finding.evidence, "from_start", from_start);
    tw_evidence_add(&finding.evidence, "layers", 1);
    tw_evidence_add_text(&finding.evidence, "activation", "tanh");
    if (from_start)
        tw_evidence_add(&finding.evidence, "init_factor", .1966); /* see test_saturation.c */
    return finding;
}

static void a_gain_that_is_too_large_is_set_to_one(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = saturated(TW_SEVERITY_WARNING, 1);
    tw_facts_init(&facts);
    facts.init_gain = 5;
    strcpy(facts.initializer, "xavier");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_gain", TW_CHANGE_SET, 1);
    assert_number(answer.at[0].from, 5);
    assert_string_equal(answer.at[0].why, "70 % of the activations in hidden2 are saturated from "
                                          "step 812 on: weights drawn 5 times as wide as tanh can "
                                          "bear. Take a gain of 1.");
    assert_string_equal(answer.at[0].verify.signal, "saturated_fraction");
    assert_float_equal(answer.at[0].verify.limit, .25, 0);
    assert_int_equal(answer.at[0].verify.within_steps, 500);
    assert_null(find(&answer, "initializer")); /* xavier already */
    assert_number(get(&answer, "batch_norm")->change, 1);
    assert_null(find(&answer, "learning_rate"));
}

/* A sigmoid has a quarter of tanh's slope at 0. */
static void the_gain_of_sigmoids_is_set_to_four(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = saturated(TW_SEVERITY_WARNING, 1);
    tw_facts_init(&facts);
    strcpy(finding.evidence.extras[2].text, "sigmoid");
    strcpy(facts.initializer, "xavier");
    facts.init_gain = 20;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_gain", TW_CHANGE_SET, 4);
    facts.init_gain = 4; /* as it should be: no gain of 1 or 4 is set */
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_gain", TW_CHANGE_MULTIPLY, .2);
}

static void an_unknown_gain_shrinks_by_the_runs_own_numbers(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = saturated(TW_SEVERITY_INFO, 1);
    tw_facts_init(&facts);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_gain", TW_CHANGE_MULTIPLY, .2); /* .1966 in two digits */
    assert_unknown(answer.at[0].from);
    assert_text(get(&answer, "initializer")->change, "xavier");
    facts.init_std = .5;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_std", TW_CHANGE_MULTIPLY, .2);
    assert_number(answer.at[0].to, .1); /* .5 x .2 */
    assert_null(find(&answer, "init_gain"));
}

static void weights_shrink_by_half_at_least(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = saturated(TW_SEVERITY_INFO, 1);
    tw_facts_init(&facts);
    finding.evidence.extras[3].value = .6;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_gain", TW_CHANGE_MULTIPLY, .5);
}

static void inputs_and_biases_come_before_the_weights(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = saturated(TW_SEVERITY_WARNING, 1);
    tw_facts_init(&facts);
    facts.init_gain = 1;
    facts.feature_scale = 100;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "feature_scale", TW_CHANGE_SET, 1);
    facts.feature_scale = 1;
    facts.init_bias = -3;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_bias", TW_CHANGE_SET, 0);
}

static void sigmoid_gives_way_to_tanh(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = saturated(TW_SEVERITY_WARNING, 1);
    tw_facts_init(&facts);
    strcpy(facts.activation, "sigmoid");
    assert_null(find(&(struct answer){0}, "activation"));
    strcpy(finding.evidence.extras[2].text, "sigmoid");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_text(get(&answer, "activation")->change, "tanh");
    assert_text(get(&answer, "activation")->from, "sigmoid");
}

static void what_saturates_while_training_wants_a_lower_learning_rate(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = saturated(TW_SEVERITY_CRITICAL, 0);
    tw_facts_init(&facts);
    facts.learning_rate = .1;
    facts.weight_decay = .01;
    facts.batch_norm = 0;
    facts.init_gain = 2;
    facts.step = 900;
    facts.checkpoint_step = 800;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "learning_rate", TW_CHANGE_MULTIPLY, .3);
    assert_number(answer.at[0].to, .03); /* .1 x .3 */
    must_change(get(&answer, "weight_decay"), "weight_decay", TW_CHANGE_MULTIPLY, 3);
    assert_number(get(&answer, "weight_decay")->to, .03); /* .01 x 3 */
    must_change(get(&answer, "init_gain"), "init_gain", TW_CHANGE_MULTIPLY, .5);
    must_change(get(&answer, "resume_from_step"), "resume_from_step", TW_CHANGE_SET, 800);
    assert_number(get(&answer, "batch_norm")->change, 1);
    assert_number(get(&answer, "batch_norm")->from, 0);
    assert_number(get(&answer, "batch_norm")->to, 1);
    facts.batch_norm = 1;
    facts.checkpoint_step = 820; /* after the onset at 812 */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "batch_norm"));
    assert_null(find(&answer, "resume_from_step"));
}

/* ---- dead units ---- */

static struct tw_finding dead(int from_start)
{
    struct tw_finding finding = make_finding("dead-units", TW_SEVERITY_CRITICAL);
    strcpy(finding.scope, "layer:hidden1");
    strcpy(finding.evidence.statistic, "share of dead units in a layer");
    finding.evidence.value = .95;
    finding.evidence.baseline = .06;
    tw_evidence_add(&finding.evidence, "from_start", from_start);
    return finding;
}

static void units_that_died_want_a_lower_learning_rate_first(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = dead(0);
    tw_facts_init(&facts);
    facts.learning_rate = .2;
    facts.weight_decay = .01;
    facts.loss = facts.initial_loss = 2.3;
    strcpy(facts.activation, "relu");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "learning_rate", TW_CHANGE_MULTIPLY, .3);
    assert_number(answer.at[0].to, .06); /* .2 x .3 */
    assert_text(get(&answer, "activation")->change, "leaky_relu");
    assert_number(get(&answer, "batch_norm")->change, 1);
    must_change(get(&answer, "weight_decay"), "weight_decay", TW_CHANGE_MULTIPLY, 3);
    assert_null(find(&answer, "init_bias"));
}

static void units_that_never_lived_want_other_first_values(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = dead(1);
    tw_facts_init(&facts);
    facts.init_bias = -5;
    facts.learning_rate = .2;
    facts.loss = facts.initial_loss = 2.3;
    strcpy(facts.initializer, "xavier");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "init_bias", TW_CHANGE_SET, 0);
    assert_number(answer.at[0].from, -5);
    assert_text(get(&answer, "initializer")->change, "he");
    assert_text(get(&answer, "activation")->change, "leaky_relu");
    assert_null(find(&answer, "learning_rate"));
    facts.init_bias = 0;
    strcpy(facts.initializer, "he");
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "activation");
}

/* ---- resumes ---- */

static struct tw_finding resumed(const char *cause)
{
    struct tw_finding finding = make_finding("resume-discontinuity", TW_SEVERITY_INFO);
    finding.evidence.value = 2;
    finding.evidence.baseline = .5;
    tw_evidence_add_text(&finding.evidence, "cause", cause);
    tw_evidence_add(&finding.evidence, "loss", 1);
    tw_evidence_add(&finding.evidence, "before_step", 811);
    tw_evidence_add(&finding.evidence, "resume_step", 812);
    return finding;
}

static void another_learning_rate_is_set_back(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = resumed("learning rate");
    tw_facts_init(&facts);
    tw_evidence_add(&finding.evidence, "learning_rate_before", .001);
    tw_evidence_add(&finding.evidence, "learning_rate", .01);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "learning_rate", TW_CHANGE_SET, .001);
    assert_number(answer.at[0].from, .01);
    assert_float_equal(answer.at[0].verify.limit, .525, 1e-9); /* 1.05 x .5 */
}

static void weights_that_were_not_restored_are_loaded(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = resumed("weights");
    tw_facts_init(&facts);
    facts.initial_loss = 1.1;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[0], "resume_from_step", TW_CHANGE_SET, 811);
}

static void a_lost_optimizer_state_is_restored_or_warmed_up(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = resumed("optimizer state");
    tw_facts_init(&facts);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "restore_optimizer_state");
    assert_text(answer.at[0].change, "true");
    must_change(&answer.at[1], "warmup_steps", TW_CHANGE_SET, 2000); /* 2 / (1 - .999) */
    facts.beta2 = .95;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_change(&answer.at[1], "warmup_steps", TW_CHANGE_SET, 40); /* 2 / .05 */
}

static void data_go_on_where_they_were(void **state)
{
    struct tw_facts facts;
    struct tw_finding finding = resumed("data or weights");
    tw_facts_init(&facts);
    facts.checkpoint_step = 800;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "ignore_data_skip");
    assert_text(answer.at[0].change, "false");
    must_change(&answer.at[1], "resume_from_step", TW_CHANGE_SET, 800);
}

/* ---- activations in fp16 ---- */

static void activations_beyond_fp16_want_bf16(void **state)
{
    static const struct {
        enum tw_severity severity;
        double value;
        const char *text;
    } cases[] = {
        {TW_SEVERITY_INFO, 6000, "they have been growing since step 812"},
        {TW_SEVERITY_WARNING, 40000, "less than one doubling from overflow since step 812"},
        {TW_SEVERITY_CRITICAL, 70000, "they are beyond it since step 812"},
    };
    for (int i = 0; i < 3; i++) {
        struct tw_facts facts;
        struct tw_finding finding = make_finding("overflow", cases[i].severity);
        tw_facts_init(&facts);
        strcpy(finding.scope, "layer:mlp.3");
        tw_evidence_add(&finding.evidence, "largest_fp16", 65504);
        finding.evidence.value = cases[i].value;
        struct answer answer = ask(*state, &finding, NULL, 0, &facts);
        assert_string_equal(answer.at[0].parameter, "precision");
        assert_text(answer.at[0].change, "bf16");
        assert_non_null(strstr(answer.at[0].why, cases[i].text));
    }
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_gain_that_is_too_large_is_set_to_one),
        TEST(the_gain_of_sigmoids_is_set_to_four),
        TEST(an_unknown_gain_shrinks_by_the_runs_own_numbers),
        TEST(weights_shrink_by_half_at_least),
        TEST(inputs_and_biases_come_before_the_weights),
        TEST(sigmoid_gives_way_to_tanh),
        TEST(what_saturates_while_training_wants_a_lower_learning_rate),
        TEST(units_that_died_want_a_lower_learning_rate_first),
        TEST(units_that_never_lived_want_other_first_values),
        TEST(another_learning_rate_is_set_back),
        TEST(weights_that_were_not_restored_are_loaded),
        TEST(a_lost_optimizer_state_is_restored_or_warmed_up),
        TEST(data_go_on_where_they_were),
        TEST(activations_beyond_fp16_want_bf16),
    };
    return cmocka_run_group_tests(tests, load_shipped_rules, free_rules);
}
