/* The shipped rules for underfitting and the learning rate: each cause yields the amount that it
 * stands for, worked out by hand beside each assertion. */
#include "rules_fixture.h"

static struct tw_facts digits_run(void)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    strcpy(facts.optimizer, "adam");
    facts.learning_rate = 1e-3;
    facts.max_steps = 1350;
    facts.max_epochs = 30;
    facts.weight_decay = facts.dropout = 0;
    facts.step = 1350;
    return facts;
}

static struct tw_finding underfitting(const char *cause)
{
    struct tw_finding finding = make_finding("underfitting", TW_SEVERITY_WARNING);
    tw_evidence_add_text(&finding.evidence, "cause", cause);
    tw_evidence_add(&finding.evidence, "loss", 2.2);
    tw_evidence_add(&finding.evidence, "initial_loss", 2.4);
    tw_evidence_add(&finding.evidence, "trivial_loss", 2.303);
    return finding;
}

static struct answer first_of(void **state, const struct tw_finding *finding,
                              const struct tw_facts *facts, const char *parameter)
{
    struct answer answer = ask(*state, finding, NULL, 0, facts);
    assert_int_equal(answer.failed, 0);
    assert_true(answer.n >= 1);
    assert_string_equal(answer.at[0].parameter, parameter);
    assert_true(answer.at[0].verify.within_steps > 0);
    return answer;
}

static void must_multiply(const struct tw_suggestion *suggestion, double factor, double to)
{
    assert_int_equal(suggestion->op, TW_CHANGE_MULTIPLY);
    assert_number(suggestion->change, factor);
    assert_number(suggestion->to, to);
}

/* ---- underfitting ---- */

static void a_rate_too_low_is_raised_by_what_the_updates_lack(void **state)
{
    static const struct {
        double log_ratio, factor, from, to;
    } rows[] = {
        {-4.5, 100, 1e-5, 1e-3},  /* 10 ^ (4.5 - 2.5) */
        {-5, 300, 1e-6, 3e-4},    /* 10 ^ 2.5 = 316, in one digit */
        {-9, 1000, 1e-6, 1e-3},   /* at most */
        {-4.2, 50, 3e-5, 1.5e-3}, /* 10 ^ 1.7 = 50.1 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tw_facts facts = digits_run();
        struct tw_finding finding = underfitting("learning_rate_too_low");
        facts.learning_rate = rows[i].from;
        tw_evidence_add(&finding.evidence, "log10_update_ratio", rows[i].log_ratio);
        struct answer answer = first_of(state, &finding, &facts, "learning_rate");
        must_multiply(&answer.at[0], rows[i].factor, rows[i].to);
        assert_float_equal(answer.at[0].verify.limit, 1.98, 1e-9); /* .9 x 2.2 */
    }
}

static void a_rate_for_adam_is_raised_to_a_hundredth_at_most(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("learning_rate_too_low");
    tw_evidence_add(&finding.evidence, "log10_update_ratio", -5);
    struct answer answer = first_of(state, &finding, &facts, "learning_rate");
    assert_int_equal(answer.at[0].op, TW_CHANGE_SET);
    assert_number(answer.at[0].to, .01);
    /* From .001: the sentence tells what is left of the factor, and no rate for a factor. */
    assert_non_null(
        strstr(answer.at[0].why, "Take 10 times the learning rate, 0.01 instead of 0.001."));
}

static void without_update_norms_the_rate_is_raised_tenfold(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("learning_rate_too_low");
    facts.learning_rate = 1e-5;
    struct answer answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], 10, 1e-4);
}

static void a_rate_too_high_is_cut_to_a_tenth_and_to_what_is_usual(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("learning_rate_too_high");
    strcpy(facts.optimizer, "adam");
    facts.learning_rate = .1;
    struct answer answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], .1, .01);
    assert_number(find(&answer, "warmup_steps")->change, 70); /* .05 x 1,350 = 67.5, in one digit */
    facts.learning_rate = 1;
    answer = first_of(state, &finding, &facts, "learning_rate");
    assert_number(answer.at[0].to, .01); /* for Adam */
    strcpy(facts.optimizer, "sgd");
    facts.learning_rate = 3;
    answer = first_of(state, &finding, &facts, "learning_rate");
    assert_number(answer.at[0].to, .1);
    facts.warmup_steps = 100;
    answer = first_of(state, &finding, &facts, "learning_rate");
    assert_null(find(&answer, "warmup_steps"));
}

static void too_much_regularisation_is_taken_back(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("regularisation");
    tw_evidence_add(&finding.evidence, "weight_growth", .2);
    facts.weight_decay = .3;
    struct answer answer = first_of(state, &finding, &facts, "weight_decay");
    must_multiply(&answer.at[0], .01, .003);
    facts.dropout = .9;
    answer = first_of(state, &finding, &facts, "dropout");
    must_multiply(&answer.at[0], .2, .18);
}

static void too_few_units_become_four_an_input(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("capacity");
    tw_evidence_add(&finding.evidence, "hidden_units", 2);
    tw_evidence_add(&finding.evidence, "inputs", 64);
    struct answer answer = first_of(state, &finding, &facts, "hidden");
    must_multiply(&answer.at[0], 128, 256); /* 4 x 64 / 2 */
    assert_number(answer.at[0].from, 2);
    assert_null(find(&answer, "weight_decay"));
    facts.weight_decay = .1;
    facts.dropout = .2;
    answer = first_of(state, &finding, &facts, "hidden");
    must_multiply(find(&answer, "weight_decay"), .1, .01);
    assert_number(find(&answer, "dropout")->to, .1); /* .2 - .1 */
}

static void wide_layers_grow_by_half(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("capacity");
    struct answer answer = first_of(state, &finding, &facts, "hidden");
    assert_number(answer.at[0].change, 1.5);
    assert_unknown(answer.at[0].to);
    tw_evidence_add(&finding.evidence, "hidden_units", 1000);
    tw_evidence_add(&finding.evidence, "inputs", 64);
    answer = first_of(state, &finding, &facts, "hidden");
    must_multiply(&answer.at[0], 1.5, 1500);
}

static void a_budget_that_is_too_short_is_doubled(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("budget");
    struct answer answer = first_of(state, &finding, &facts, "epochs");
    must_multiply(&answer.at[0], 2, 60);
    must_multiply(find(&answer, "max_steps"), 2, 2700);
    tw_evidence_add(&finding.evidence, "log10_update_ratio", -3.5);
    answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], 3, 3e-3);
}

/* Four units an input, 32 to 512: 4 x 64 = 256, 4 x 10 = 40, 4 x 4 = 16. */
static void a_linear_model_gets_a_hidden_layer(void **state)
{
    static const double inputs[] = {64, 10, 4}, units[] = {256, 40, 32};
    for (int i = 0; i < 3; i++) {
        struct tw_facts facts = digits_run();
        struct tw_finding finding = underfitting("capacity");
        tw_evidence_add(&finding.evidence, "inputs", inputs[i]);
        tw_evidence_add(&finding.evidence, "hidden_layers", 0);
        struct answer answer = first_of(state, &finding, &facts, "hidden");
        assert_int_equal(answer.at[0].op, TW_CHANGE_SET);
        assert_number(answer.at[0].change, units[i]);
    }
}

static void sigmoids_that_do_not_learn_become_tanh_first(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("not_learning");
    strcpy(facts.activation, "sigmoid");
    struct answer answer = first_of(state, &finding, &facts, "activation");
    assert_text(answer.at[0].change, "tanh");
    strcpy(facts.activation, "tanh");
    first_of(state, &finding, &facts, "learning_rate");
}

static void what_does_not_learn_is_tried_on_a_few_samples_first(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = underfitting("not_learning");
    struct answer answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], 10, .01);
    assert_non_null(strstr(answer.at[0].why, "16 samples"));
    tw_evidence_add(&finding.evidence, "log10_update_ratio", -2);
    answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], .1, 1e-4);
}

/* ---- learning rate ---- */

static struct tw_finding of_rate(const char *cause, double value)
{
    struct tw_finding finding = make_finding("learning-rate", TW_SEVERITY_WARNING);
    finding.evidence.value = value;
    tw_evidence_add_text(&finding.evidence, "cause", cause);
    return finding;
}

static void a_rate_that_is_none_becomes_the_highest_that_was_used(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = of_rate("no_rate", .1);
    facts.learning_rate = 0;
    struct answer answer = first_of(state, &finding, &facts, "learning_rate");
    assert_number(answer.at[0].change, .001); /* Adam's default: arXiv 1412.6980 */
    facts.peak_learning_rate = .02;
    answer = first_of(state, &finding, &facts, "learning_rate");
    assert_number(answer.at[0].change, .02);
}

static void a_schedule_is_stretched_over_its_run(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = of_rate("early_end", .1); /* began at step 812 */
    struct answer answer = first_of(state, &finding, &facts, "schedule_steps");
    assert_number(answer.at[0].from, 812);
    assert_number(answer.at[0].to, 1350);
    assert_number(find(&answer, "max_steps")->to, 812);
}

static void a_schedule_that_does_not_run_is_told_with_its_name(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = of_rate("not_scheduled", 1);
    strcpy(facts.schedule, "cosine");
    tw_evidence_add(&finding.evidence, "learning_rate", 1e-3);
    struct answer answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], .3, 3e-4);
    assert_non_null(strstr(answer.at[0].why, "cosine"));
}

static void a_warm_up_becomes_a_twentieth_of_the_run(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = of_rate("long_warmup", 2);
    facts.warmup_steps = 2700;
    struct answer answer = first_of(state, &finding, &facts, "warmup_steps");
    assert_number(answer.at[0].to, 68); /* .05 x 1,350 = 67.5, in two digits */
}

static void unusual_updates_change_the_rate_by_three(void **state)
{
    struct tw_facts facts = digits_run();
    struct tw_finding finding = of_rate("small_updates", -5.5);
    facts.best_loss = 2.1;
    struct answer answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], 3, 3e-3);
    finding = of_rate("large_updates", -.5);
    answer = first_of(state, &finding, &facts, "learning_rate");
    must_multiply(&answer.at[0], .3, 3e-4);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rate_too_low_is_raised_by_what_the_updates_lack),
        TEST(a_rate_for_adam_is_raised_to_a_hundredth_at_most),
        TEST(without_update_norms_the_rate_is_raised_tenfold),
        TEST(a_rate_too_high_is_cut_to_a_tenth_and_to_what_is_usual),
        TEST(too_much_regularisation_is_taken_back),
        TEST(too_few_units_become_four_an_input),
        TEST(wide_layers_grow_by_half),
        TEST(a_budget_that_is_too_short_is_doubled),
        TEST(a_linear_model_gets_a_hidden_layer),
        TEST(sigmoids_that_do_not_learn_become_tanh_first),
        TEST(what_does_not_learn_is_tried_on_a_few_samples_first),
        TEST(a_rate_that_is_none_becomes_the_highest_that_was_used),
        TEST(a_schedule_is_stretched_over_its_run),
        TEST(a_schedule_that_does_not_run_is_told_with_its_name),
        TEST(a_warm_up_becomes_a_twentieth_of_the_run),
        TEST(unusual_updates_change_the_rate_by_three),
    };
    return cmocka_run_group_tests(tests, load_shipped_rules, free_rules);
}
