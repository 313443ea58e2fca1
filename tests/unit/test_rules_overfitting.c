/* The shipped rules for overfitting and converged: the amount of each branch. The amounts are
 * worked out by hand beside each assertion. */
#include "rules_fixture.h"

/* Best evaluation of .9 at step 3000 of 8000; now, at step 4500, .99 with 15 evaluations since. */
static struct tw_facts overfit_run(void)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.step = 4500;
    facts.max_steps = 8000;
    facts.evals = 45;
    facts.steps_per_eval = 100;
    facts.eval_loss = .99;
    facts.best_eval_loss = .9;
    facts.best_eval_step = 3000;
    facts.learning_rate = .1;
    return facts;
}

static struct tw_finding overfitting(enum tw_severity severity, const char *kind)
{
    struct tw_finding finding = make_finding("overfitting", severity);
    struct tw_evidence *evidence = &finding.evidence;
    finding.onset_step = 3000;
    finding.detected_step = 4500;
    evidence->value = 1.1;
    evidence->threshold = 1.02;
    evidence->baseline = .9;
    tw_evidence_add_text(evidence, "kind", kind);
    tw_evidence_add(evidence, "best_step", 3000);
    tw_evidence_add(evidence, "eval_loss", .99);
    tw_evidence_add(evidence, "train_loss_at_best", .5);
    tw_evidence_add(evidence, "train_loss", .3);
    tw_evidence_add(evidence, "evals_since_best", 15);
    tw_evidence_add(evidence, "noise", .01);
    tw_evidence_add_text(evidence, "score", "accuracy");
    return finding;
}

static const struct tw_suggestion *must_find(const struct answer *answer, const char *parameter)
{
    const struct tw_suggestion *suggestion = find(answer, parameter);
    if (!suggestion)
        fail_msg("no advice on %s", parameter);
    return suggestion;
}

static void must_set(const struct answer *answer, const char *parameter, double value)
{
    const struct tw_suggestion *suggestion = must_find(answer, parameter);
    assert_int_equal(suggestion->op, TW_CHANGE_SET);
    assert_number(suggestion->change, value);
}

static void must_multiply(const struct answer *answer, const char *parameter, double factor,
                          double from, double to)
{
    const struct tw_suggestion *suggestion = must_find(answer, parameter);
    assert_int_equal(suggestion->op, TW_CHANGE_MULTIPLY);
    assert_number(suggestion->change, factor);
    assert_number(suggestion->from, from);
    assert_number(suggestion->to, to);
}

/* ---- overfitting ---- */

static void the_first_advice_is_to_end_at_the_best_step(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_WARNING, "overfitting");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.failed, 0);
    assert_string_equal(answer.rule.name, "overfitting-stop");
    assert_string_equal(answer.at[0].parameter, "max_steps");
    assert_number(answer.at[0].from, 8000);
    assert_number(answer.at[0].to, 3000);
    assert_string_equal(answer.at[0].verify.signal, "eval_loss");
    assert_float_equal(answer.at[0].verify.limit, .918, 1e-9); /* .9 x 1.02 */
    assert_string_equal(
        answer.at[0].why,
        "The evaluation loss was best, 0.9, at step 3000; 15 evaluations later it is 0.99 while "
        "the training loss went from 0.5 to 0.3. End the training at step 3000: the 1500 steps "
        "since then made the model worse.");
    must_set(&answer, "resume_from_step", 3000);
    assert_number(find(&answer, "resume_from_step")->from, 4500);
    assert_int_equal(find(&answer, "resume_from_step")->verify.within_steps, 300);
    must_set(&answer, "early_stopping_patience", 5); /* max(5, ceil 4.5) */
    facts.evals = 210;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "early_stopping_patience", 21);
}

static void a_run_on_a_part_of_its_data_wants_all_of_them_first(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_CRITICAL, "overfitting");
    facts.train_samples = 200;
    facts.dataset_samples = 1437;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "train_samples");
    assert_number(answer.at[0].from, 200);
    assert_number(answer.at[0].to, 1437);
    assert_string_equal(answer.at[1].parameter, "max_steps");
}

static void a_best_before_the_first_step_is_nothing_to_go_back_to(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_WARNING, "overfitting");
    finding.evidence.extras[1].value = 0;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "max_steps"));
    assert_null(find(&answer, "resume_from_step"));
    assert_string_equal(answer.at[0].parameter, "early_stopping_patience");
}

static void weight_decay_grows_threefold_or_tenfold(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding warning = overfitting(TW_SEVERITY_WARNING, "overfitting");
    struct tw_finding critical = overfitting(TW_SEVERITY_CRITICAL, "overfitting");
    facts.weight_decay = .01;
    struct answer answer = ask(*state, &warning, NULL, 0, &facts);
    must_multiply(&answer, "weight_decay", 3, .01, .03);
    answer = ask(*state, &critical, NULL, 0, &facts);
    must_multiply(&answer, "weight_decay", 10, .01, .1);
    facts.weight_decay = .1;
    answer = ask(*state, &critical, NULL, 0, &facts);
    must_set(&answer, "weight_decay", .5); /* limited */
}

static void a_run_without_weight_decay_begins_with_a_usual_one(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding warning = overfitting(TW_SEVERITY_WARNING, "overfitting");
    struct tw_finding critical = overfitting(TW_SEVERITY_CRITICAL, "overfitting");
    facts.weight_decay = 0;
    strcpy(facts.optimizer, "AdamW");
    struct answer answer = ask(*state, &warning, NULL, 0, &facts);
    must_set(&answer, "weight_decay", .01);
    strcpy(facts.optimizer, "sgd");
    answer = ask(*state, &warning, NULL, 0, &facts);
    must_set(&answer, "weight_decay", 1e-4);
    answer = ask(*state, &critical, NULL, 0, &facts);
    must_set(&answer, "weight_decay", 1e-3);
}

static void dropout_grows_by_a_tenth_up_to_a_half(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_WARNING, "overfitting");
    facts.dropout = .1;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(find(&answer, "dropout")->op, TW_CHANGE_ADD);
    assert_number(find(&answer, "dropout")->to, .2);
    facts.dropout = .45;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "dropout", .5);
    facts.dropout = .5;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "dropout"));
}

static void a_smaller_model_only_where_it_learned_by_heart(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_WARNING, "overfitting");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_number(find(&answer, "hidden")->change, .7); /* .3 < .5 x .99 */
    finding.evidence.extras[4].value = .5;              /* >= .495 */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "hidden"));
}

static void labels_are_smoothed_where_there_are_classes(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_WARNING, "overfitting");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "label_smoothing", .1);
    must_set(&answer, "mixup", .2);
    facts.label_smoothing = .1;
    facts.mixup = .2;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "label_smoothing"));
    assert_null(find(&answer, "mixup"));
    /* With room among the eight: half as many samples more, a tenth of the rate. */
    facts.dataset_samples = 1000;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer, "train_samples", 1.5, 1000, 1500);
    facts.dropout = .5;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer, "learning_rate", .1, .1, .01);
    facts.label_smoothing = NAN;
    strcpy(finding.evidence.extras[7].text, "r2"); /* a regression */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "label_smoothing"));
}

static void calibration_drift_wants_no_early_stop(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_WARNING, "calibration drift");
    facts.weight_decay = .01;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.n, 3);
    assert_string_equal(answer.at[0].parameter, "label_smoothing");
    assert_string_equal(answer.at[0].why, "Since step 3000 the evaluation loss rose to 1.1 times "
                                          "its best of 0.9, and accuracy became "
                                          "better: the model grows too sure of its answers, which "
                                          "are not worse. Smooth the labels by "
                                          "0.1 and do not stop early.");
    must_multiply(&answer, "weight_decay", 3, .01, .03);
    must_set(&answer, "mixup", .2);
}

static void early_stopping_that_waits_wants_the_best_weights_kept(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_INFO, "early stopping waits");
    facts.early_stopping_patience = 20;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.n, 1);
    assert_string_equal(answer.at[0].parameter, "restore_best_weights");
    assert_text(answer.at[0].change, "true");
    assert_non_null(strstr(answer.at[0].why, "waits for 6 more evaluations")); /* 20 - 15 + 1 */
}

static void a_growing_gap_is_advised_to_stop_and_no_more(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = overfitting(TW_SEVERITY_INFO, "growing gap");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.n, 3);
    assert_string_equal(answer.at[0].parameter, "max_steps");
    assert_null(find(&answer, "weight_decay"));
}

static void advice_holds_without_a_training_loss(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = make_finding("overfitting", TW_SEVERITY_WARNING);
    finding.evidence.value = 1.1;
    finding.evidence.baseline = .9;
    tw_evidence_add_text(&finding.evidence, "kind", "no training loss");
    tw_evidence_add(&finding.evidence, "best_step", 3000);
    tw_evidence_add(&finding.evidence, "eval_loss", .99);
    tw_evidence_add(&finding.evidence, "evals_since_best", 15);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.failed, 0);
    assert_string_equal(answer.at[0].parameter, "max_steps");
    assert_null(find(&answer, "hidden"));
    assert_number(find(&answer, "weight_decay")->change, 3);
}

/* ---- converged ---- */

static void a_converged_run_wants_to_stop_now(void **state)
{
    struct tw_facts facts = overfit_run();
    struct tw_finding finding = make_finding("converged", TW_SEVERITY_INFO);
    facts.peak_learning_rate = .1;
    finding.onset_step = 2500;
    finding.evidence.value = 2000;
    finding.evidence.baseline = .5;
    tw_evidence_add(&finding.evidence, "possible_gain", .004);
    tw_evidence_add(&finding.evidence, "evals_since_best", 12);
    tw_evidence_add(&finding.evidence, "steps_saved", 3500);
    tw_evidence_add(&finding.evidence, "budget_saved", .4375); /* 3500 / 8000 */
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.failed, 0);
    assert_string_equal(answer.rule.name, "converged-stop");
    assert_string_equal(answer.at[0].parameter, "max_steps");
    assert_number(answer.at[0].from, 8000);
    assert_number(answer.at[0].to, 4500);
    assert_string_equal(
        answer.at[0].why,
        "The loss has not fallen below 0.5 for 2000 steps, since step 2500, and the evaluation "
        "loss "
        "has had no new best for 12 evaluations; as much training again would gain 0.004 at most. "
        "Stop at step 4500: that saves 3500 steps, 44 % of the budget.");
    must_multiply(&answer, "learning_rate", .1, .1, .01);
    must_set(&answer, "early_stopping_patience", 5);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_advice_is_to_end_at_the_best_step),
        TEST(a_run_on_a_part_of_its_data_wants_all_of_them_first),
        TEST(a_best_before_the_first_step_is_nothing_to_go_back_to),
        TEST(weight_decay_grows_threefold_or_tenfold),
        TEST(a_run_without_weight_decay_begins_with_a_usual_one),
        TEST(dropout_grows_by_a_tenth_up_to_a_half),
        TEST(a_smaller_model_only_where_it_learned_by_heart),
        TEST(labels_are_smoothed_where_there_are_classes),
        TEST(calibration_drift_wants_no_early_stop),
        TEST(early_stopping_that_waits_wants_the_best_weights_kept),
        TEST(a_growing_gap_is_advised_to_stop_and_no_more),
        TEST(advice_holds_without_a_training_loss),
        TEST(a_converged_run_wants_to_stop_now),
    };
    return cmocka_run_group_tests(tests, load_shipped_rules, free_rules);
}
