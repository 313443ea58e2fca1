/* The shipped rules on gradient explosion, loss spikes, vanishing gradients, and on divergence that
 * evaluations or a cut of the learning rate show: each branch yields the amount that it stands for.
 * The amounts are worked out by hand beside each assertion. */
#include "rules_fixture.h"

/* Norms of .8 (nine in ten below 1.234), a loss of 2.3 at best 2.21. */
static struct tw_facts exploding_run(void)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.learning_rate = .3;
    facts.step = 843;
    facts.loss = 2.3;
    facts.best_loss = 2.21;
    facts.initial_loss = 2.7;
    facts.grad_norm_median = .8;
    facts.grad_norm_p90 = 1.23456;
    facts.onset_in_warmup = 0;
    return facts;
}

/* Norms at 12 times their level of .8. */
static struct tw_finding explosion(enum tw_severity severity)
{
    struct tw_finding finding = make_finding("gradient-explosion", severity);
    strcpy(finding.evidence.statistic, "median of 5 gradient norms / baseline");
    finding.evidence.value = 12;
    finding.evidence.baseline = .8;
    return finding;
}

static const struct tw_suggestion *must_find(const struct answer *answer, const char *parameter)
{
    const struct tw_suggestion *found = find(answer, parameter);
    assert_int_equal(answer->failed, 0);
    if (!found)
        fail_msg("no advice on %s", parameter);
    return found;
}

static void must_set(const struct answer *answer, const char *parameter, double value)
{
    const struct tw_suggestion *found = must_find(answer, parameter);
    assert_int_equal(found->op, TW_CHANGE_SET);
    assert_number(found->change, value);
}

static void must_set_text(const struct answer *answer, const char *parameter, const char *text)
{
    const struct tw_suggestion *found = must_find(answer, parameter);
    assert_int_equal(found->op, TW_CHANGE_SET);
    assert_text(found->change, text);
}

static void must_multiply(const struct answer *answer, const char *parameter, double factor)
{
    const struct tw_suggestion *found = must_find(answer, parameter);
    assert_int_equal(found->op, TW_CHANGE_MULTIPLY);
    assert_number(found->change, factor);
}

/* ---- gradient explosion ---- */

static void without_a_limit_norms_are_clipped_at_their_90th_percentile(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", 1.23); /* 1.23456 in three digits */
    const struct tw_suggestion *clip = find(&answer, "max_grad_norm");
    assert_string_equal(clip->verify.signal, "grad_norm");
    assert_float_equal(clip->verify.limit, 1.6, 1e-6); /* twice the level of .8 */
    assert_int_equal(clip->verify.within_steps, 200);
    assert_null(find(&answer, "learning_rate")); /* clipping comes first */
    facts.grad_norm_p90 = facts.grad_norm_median = NAN;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", 1);
}

static void where_norms_exploded_from_the_start_their_first_level_is_the_limit(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_CRITICAL);
    facts.grad_norm_p90 = 116; /* over 4 x .8: no healthy norms */
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", .8);
    facts.grad_norm_p90 = 1.2;
    strcpy(finding.evidence.statistic, "newest gradient norm / first norms");
    facts.loss = 400;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", .8);
    assert_null(find(&answer, "skip_batches")); /* no data are to blame from the first step on */
}

static void a_limit_that_never_bites_is_lowered(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    facts.max_grad_norm = 10; /* over twice 1.23 */
    facts.clipped_fraction = 0;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", 1.23);
    facts.max_grad_norm = 1.5;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "max_grad_norm"));
}

static void a_limit_that_is_hit_too_often_wants_half_the_learning_rate(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    facts.max_grad_norm = .7;
    facts.clipped_fraction = .4;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer, "learning_rate", .5);
    assert_number(find(&answer, "learning_rate")->to, .15); /* .3 x .5 */
    assert_non_null(strstr(find(&answer, "learning_rate")->why, "40 %"));
    facts.clipped_fraction = .3; /* not more than three in ten */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "learning_rate"));
}

static void a_critical_explosion_wants_a_tenth_first(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_CRITICAL);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "learning_rate");
    must_multiply(&answer, "learning_rate", .1);
    assert_number(answer.at[0].to, .03); /* .3 x .1 */
    must_set(&answer, "max_grad_norm", 1.23);
}

static void a_cluster_of_spikes_under_adam_wants_a_shorter_second_moment(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    strcpy(facts.optimizer, "AdamW");
    facts.beta2 = .999;
    tw_evidence_add(&finding.evidence, "spikes", 3);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "beta2", .95);
    assert_non_null(strstr(find(&answer, "beta2")->why, "over 1000 steps")); /* 1 / (1 - .999) */
    finding.evidence.extras[0].value = 2;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "beta2"));
    finding.evidence.extras[0].value = 3;
    strcpy(facts.optimizer, "sgd");
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "beta2"));
}

static void an_onset_near_the_warm_up_wants_a_longer_one(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    facts.onset_in_warmup = 1;
    facts.warmup_steps = 800;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer, "warmup_steps", 2);
    facts.warmup_steps = 300;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "warmup_steps", 1000); /* 600 is less than 1,000 */
    facts.max_steps = 7000;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "warmup_steps", 700); /* a tenth of the run */
}

static void an_explosion_from_the_start_wants_a_warm_up(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_CRITICAL);
    finding.onset_step = 0;
    facts.max_steps = 450;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "warmup_steps", 45); /* a tenth */
}

static void a_dominant_layer_is_named_with_its_remedy(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    tw_evidence_add_text(&finding.evidence, "layer", "block7.mlp");
    tw_evidence_add(&finding.evidence, "layer_share", .83);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer, "init_std", .5);
    assert_non_null(strstr(find(&answer, "init_std")->why, "83 %"));
    must_set_text(&answer, "normalization", "layer_norm before block7.mlp");
    assert_null(find(&answer, "embedding_gradient_scale"));
    finding.evidence.extras[1].value = .4;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "init_std"));
    finding.evidence.extras[1].value = .9;
    strcpy(finding.evidence.extras[0].text, "transformer.wte");
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "embedding_gradient_scale", .1);
}

static void a_layers_own_finding_names_it_too(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    strcpy(finding.scope, "layer:embedding");
    strcpy(finding.evidence.statistic, "median of 5 norms of a layer / its baseline");
    tw_evidence_add(&finding.evidence, "layer_share", .7);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "embedding_gradient_scale", .1);
    must_set_text(&answer, "normalization", "layer_norm before embedding");
}

static void damaged_weights_want_a_rollback_and_batches_skipped(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_CRITICAL);
    facts.loss = 3.4; /* 1.54 x 2.21 */
    facts.checkpoint_step = 600;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "resume_from_step", 600);
    must_set(&answer, "skip_batches", 343); /* 843 - 600 + 100 */
    facts.loss = 3.2;                       /* 1.45 x 2.21 */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "resume_from_step"));
    assert_null(find(&answer, "skip_batches"));
}

static void a_sum_over_micro_batches_wants_its_mean_and_nothing_else(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = explosion(TW_SEVERITY_WARNING);
    strcpy(finding.evidence.statistic, "gradient norm / baseline = micro-batches");
    facts.micro_batches = 8;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.n, 1);
    must_set(&answer, "loss_weight", .125); /* 1 / 8 */
}

/* ---- loss spikes ---- */

static struct tw_finding spikes(bool is_cluster)
{
    struct tw_finding finding = make_finding("loss-spike", TW_SEVERITY_WARNING);
    finding.evidence.value = is_cluster ? 5 : 40;
    finding.evidence.baseline = 2.3;
    tw_evidence_add(&finding.evidence, "highest_loss", 92);
    tw_evidence_add(&finding.evidence, "losses", 4);
    if (is_cluster)
        tw_evidence_add(&finding.evidence, "cluster", 1);
    return finding;
}

static void a_cluster_of_loss_spikes_wants_beta2_a_limit_and_two_thirds(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = spikes(true);
    strcpy(facts.optimizer, "adam");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "beta2", .95);
    must_set(&answer, "max_grad_norm", 1.23);
    must_multiply(&answer, "learning_rate", .667);
    facts.grad_norm_p90 = NAN;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", 1);
}

static void a_violent_spike_wants_a_limit_and_half_the_rate(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = spikes(false);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", 1.23);
    must_multiply(&answer, "learning_rate", .5);
    assert_null(find(&answer, "beta2"));
    finding.severity = TW_SEVERITY_INFO;
    assert_int_equal(ask(*state, &finding, NULL, 0, &facts).n, 0);
}

/* ---- vanishing gradients ---- */

static void a_vanishing_gradient_wants_relu_he_and_a_normalization(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = make_finding("vanishing-gradient", TW_SEVERITY_WARNING);
    strcpy(finding.evidence.statistic, "gradient norm of first / last layer");
    finding.evidence.value = 1e-5;
    tw_evidence_add(&finding.evidence, "first_norm", 1e-6);
    tw_evidence_add(&finding.evidence, "last_norm", .1);
    tw_evidence_add(&finding.evidence, "layers_between", 6);
    tw_evidence_add(&finding.evidence, "loss", 2.3);
    tw_evidence_add(&finding.evidence, "initial_loss", 2.31);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "activation");
    must_set_text(&answer, "activation", "relu");
    must_set_text(&answer, "initializer", "he");
    must_set(&answer, "batch_norm", 1);
}

static void gradients_of_next_to_nothing_want_other_weights_or_a_larger_rate(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = make_finding("vanishing-gradient", TW_SEVERITY_WARNING);
    strcpy(finding.evidence.statistic, "gradient norm");
    finding.evidence.value = 2e-9;
    tw_evidence_add(&finding.evidence, "loss", 2.3);
    tw_evidence_add(&finding.evidence, "initial_loss", 2.31);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set_text(&answer, "initializer", "he");
    must_multiply(&answer, "learning_rate", 10);
}

/* ---- divergence ---- */

static void a_cut_that_helped_names_the_rate_to_begin_with(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    strcpy(finding.evidence.statistic, "level after a cut of the rate / before");
    facts.peak_learning_rate = 20;
    tw_evidence_add(&finding.evidence, "best_loss", 18.5);
    tw_evidence_add(&finding.evidence, "loss", 8.4);
    tw_evidence_add(&finding.evidence, "initial_loss", 17.7);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer, "learning_rate", .1);
    tw_evidence_add(&finding.evidence, "learning_rate", 5);
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "learning_rate", 5);
}

static void evaluations_that_rise_want_half_the_rate(void **state)
{
    struct tw_facts facts = exploding_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    strcpy(finding.evidence.statistic, "evaluation loss / best evaluation loss");
    finding.evidence.value = 3.1;
    facts.eval_loss = 6.2;
    facts.best_eval_loss = 2;
    facts.best_eval_step = 400;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer, "learning_rate", .5);
    assert_string_equal(answer.at[0].verify.signal, "eval_loss");
    assert_float_equal(answer.at[0].verify.limit, 2.2, 1e-6); /* the best and a tenth */
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_limit_norms_are_clipped_at_their_90th_percentile),
        TEST(where_norms_exploded_from_the_start_their_first_level_is_the_limit),
        TEST(a_limit_that_never_bites_is_lowered),
        TEST(a_limit_that_is_hit_too_often_wants_half_the_learning_rate),
        TEST(a_critical_explosion_wants_a_tenth_first),
        TEST(a_cluster_of_spikes_under_adam_wants_a_shorter_second_moment),
        TEST(an_onset_near_the_warm_up_wants_a_longer_one),
        TEST(an_explosion_from_the_start_wants_a_warm_up),
        TEST(a_dominant_layer_is_named_with_its_remedy),
        TEST(a_layers_own_finding_names_it_too),
        TEST(damaged_weights_want_a_rollback_and_batches_skipped),
        TEST(a_sum_over_micro_batches_wants_its_mean_and_nothing_else),
        TEST(a_cluster_of_loss_spikes_wants_beta2_a_limit_and_two_thirds),
        TEST(a_violent_spike_wants_a_limit_and_half_the_rate),
        TEST(a_vanishing_gradient_wants_relu_he_and_a_normalization),
        TEST(gradients_of_next_to_nothing_want_other_weights_or_a_larger_rate),
        TEST(a_cut_that_helped_names_the_rate_to_begin_with),
        TEST(evaluations_that_rise_want_half_the_rate),
    };
    return cmocka_run_group_tests(tests, load_shipped_rules, free_rules);
}
