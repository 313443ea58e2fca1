/* The shipped rules: each branch of advice yields the amount that it stands for. The amounts are
 * worked out by hand beside each assertion. */
#include "rules_fixture.h"

/* A run that diverged: loss 5.31, best 2.21. */
static struct tw_facts diverged_run(void)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.learning_rate = .3;
    facts.loss = 5.31;
    facts.best_loss = 2.21;
    facts.best_loss_step = 640;
    facts.initial_loss = 2.7;
    facts.step = 843;
    return facts;
}

static void must_set(const struct answer *answer, const char *parameter, double value)
{
    const struct tw_suggestion *suggestion = find(answer, parameter);
    if (!suggestion)
        fail_msg("no advice on %s", parameter);
    assert_int_equal(suggestion->op, TW_CHANGE_SET);
    assert_number(suggestion->change, value);
}

static void must_set_text(const struct answer *answer, const char *parameter, const char *value)
{
    const struct tw_suggestion *suggestion = find(answer, parameter);
    if (!suggestion)
        fail_msg("no advice on %s", parameter);
    assert_int_equal(suggestion->op, TW_CHANGE_SET);
    assert_text(suggestion->change, value);
}

static void must_multiply(const struct tw_suggestion *suggestion, const char *parameter,
                          double factor, double from, double to)
{
    assert_string_equal(suggestion->parameter, parameter);
    assert_int_equal(suggestion->op, TW_CHANGE_MULTIPLY);
    assert_number(suggestion->change, factor);
    assert_number(suggestion->from, from);
    assert_number(suggestion->to, to);
}

/* ---- divergence ---- */

static void a_critical_divergence_wants_a_tenth_of_the_learning_rate_first(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_CRITICAL);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .1, .3, .03); /* .3 x .1 */
    assert_string_equal(answer.rule.name, "divergence-critical");
    assert_string_equal(
        answer.at[0].why,
        "The loss left its best level at step 812: it is 5.31 now, 2.4 times its best of 2.21 at "
        "step 640, 203 steps before this was found. A rise this large does not come back at half "
        "the learning rate: take a tenth, 0.03 instead of 0.3."); /* 5.31 / 2.21 = 2.403 */
    assert_string_equal(answer.at[0].verify.signal, "loss");
    assert_true(answer.at[0].verify.is_below);
    assert_float_equal(answer.at[0].verify.limit, 2.21, 0);
    assert_int_equal(answer.at[0].verify.within_steps, 1000);
}

static void the_learning_rate_is_told_in_three_digits(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_CRITICAL);
    facts.learning_rate = 0.00123456;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_number(answer.at[0].to, 0.000123);
}

static void a_warning_wants_half_the_learning_rate_first(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15); /* .3 x .5 */
    assert_null(find(&answer, "resume_from_step"));
}

static void a_spike_that_recovered_needs_no_advice(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_INFO);
    assert_int_equal(ask(*state, &finding, NULL, 0, &facts).n, 0);
    finding = make_finding("overflow", TW_SEVERITY_INFO);
    assert_int_equal(ask(*state, &finding, NULL, 0, &facts).n, 0);
}

static void a_divergence_from_the_very_start_wants_a_tenth_and_a_warm_up(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_CRITICAL);
    facts.max_steps = 4000;
    tw_evidence_add(&finding.evidence, "from_start", 1);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .1, .3, .03);
    must_set(&answer, "warmup_steps", 400); /* a tenth of 4,000 is less than 1,000 */
    facts.max_steps = NAN;
    finding.evidence.n_extras = 0;
    facts.best_loss = 2.6; /* over .95 x 2.7 = 2.565: it has never learned */
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .1, .3, .03);
    assert_non_null(strstr(answer.at[0].why, "5.31 now, from 2.7"));
    must_set(&answer, "warmup_steps", 1000);
}

static void an_oscillation_wants_half_the_learning_rate_or_twice_the_batch(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    facts.batch_size = 4100;
    strcpy(finding.evidence.statistic, "edges among 40 means of 25 losses");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15);
    must_multiply(&answer.at[1], "batch_size", 2, 4100, 8200);
}

static void a_known_checkpoint_is_the_way_back(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_CRITICAL);
    assert_null(find(&(struct answer){0}, "resume_from_step"));
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "resume_from_step"));
    facts.checkpoint_step = 800;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "resume_from_step", 800);
    assert_number(answer.at[1].from, 843);
    assert_number(answer.at[1].to, 800);
    assert_float_equal(answer.at[1].verify.limit, 2.431, 1e-9); /* 2.21 + a tenth of it */
    facts.checkpoint_step = 820;                                /* after the onset: no way back */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "resume_from_step"));
}

static void the_norm_is_limited_at_the_90th_percentile_of_healthy_norms(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", 1); /* nothing known of the norms */
    facts.grad_norm_p90 = 1.23456;
    facts.grad_norm_median = .8;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "max_grad_norm", 1.23); /* in three digits */
    assert_float_equal(find(&answer, "max_grad_norm")->verify.limit, 1.6, 1e-12); /* 2 x median */
    facts.max_grad_norm = 0; /* declared to be off */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_number(find(&answer, "max_grad_norm")->to, 1.23);
    facts.max_grad_norm = 1;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "max_grad_norm"));
    facts.max_grad_norm = 10; /* over 2 x 1.23456: limits nothing */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_number(find(&answer, "max_grad_norm")->from, 10);
    assert_number(find(&answer, "max_grad_norm")->to, 1.23);
}

static void a_divergence_near_the_warm_up_wants_twice_the_warm_up(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    facts.warmup_steps = 600;
    facts.onset_in_warmup = 1;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    const struct tw_suggestion *warmup = find(&answer, "warmup_steps");
    must_multiply(warmup, "warmup_steps", 2, 600, 1200);
    assert_int_equal(warmup->verify.within_steps, 3600); /* 3 x 1,200 */
    facts.warmup_steps = 300;                            /* 2 x 300 is under 1,000 */
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "warmup_steps", 1000);
    facts.max_steps = 5000; /* a tenth of it is 500, under 2 x 300 */
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(find(&answer, "warmup_steps"), "warmup_steps", 2, 300, 600);
    facts.onset_in_warmup = 0;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "warmup_steps"));
}

static void adam_wants_a_shorter_second_moment(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    strcpy(facts.optimizer, "AdamW");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "beta2", .95);
    assert_unknown(find(&answer, "beta2")->from);
    facts.beta2 = .999;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_number(find(&answer, "beta2")->from, .999);
    assert_number(find(&answer, "beta2")->to, .95);
    facts.beta2 = .95;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "beta2"));
    strcpy(facts.optimizer, "SGD");
    facts.beta2 = NAN;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "beta2"));
}

static void a_sudden_rise_with_exploding_gradients_wants_batches_skipped(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_CRITICAL);
    struct tw_finding explosion = make_finding("gradient-explosion", TW_SEVERITY_WARNING);
    explosion.onset_step = 809; /* 3 before the loss; found 31 steps after the onset */
    facts.checkpoint_step = 700;
    struct answer answer = ask(*state, &finding, &explosion, 1, &facts);
    assert_string_equal(answer.at[0].parameter, "learning_rate");
    must_set(&answer, "skip_batches", 243); /* 843 - 700 + 100 */
    facts.checkpoint_step = 100;
    answer = ask(*state, &finding, &explosion, 1, &facts);
    must_set(&answer, "skip_batches", 500); /* 843 - 100 + 100 is over 500 */
    facts.checkpoint_step = NAN;
    answer = ask(*state, &finding, &explosion, 1, &facts);
    must_set(&answer, "skip_batches", 200);
    explosion.onset_step = 700; /* another matter: 112 steps apart */
    answer = ask(*state, &finding, &explosion, 1, &facts);
    assert_null(find(&answer, "skip_batches"));
    explosion.onset_step = 809;
    finding.detected_step = 900; /* a slow rise */
    answer = ask(*state, &finding, &explosion, 1, &facts);
    assert_null(find(&answer, "skip_batches"));
}

static void a_softmax_over_a_vocabulary_wants_a_z_loss(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "z_loss_weight")); /* first loss 2.7: 15 classes */
    facts.initial_loss = 10.8249;                /* ln 50257 */
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "z_loss_weight", 1e-4);
    assert_non_null(strstr(find(&answer, "z_loss_weight")->why, "50000 classes"));
}

static void after_three_rollbacks_the_advice_is_to_stop(void **state)
{
    struct tw_facts facts = diverged_run();
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_CRITICAL);
    facts.rollbacks = 2;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "max_steps"));
    facts.rollbacks = 3;
    facts.max_steps = 100000;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "max_steps");
    assert_number(answer.at[0].from, 100000);
    assert_number(answer.at[0].to, 843);
    assert_string_equal(answer.at[1].parameter, "learning_rate");
}

static void advice_stays_when_the_learning_rate_is_unknown(void **state)
{
    static const char *const detectors[] = {"divergence", "overflow"};
    struct tw_facts facts;
    tw_facts_init(&facts);
    for (int i = 0; i < 4; i++) {
        struct tw_finding finding =
            make_finding(detectors[i / 2], i % 2 ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING);
        struct answer answer = ask(*state, &finding, NULL, 0, &facts);
        assert_true(answer.n >= 1);
        assert_string_equal(answer.at[0].parameter, "learning_rate");
        assert_unknown(answer.at[0].from);
        assert_unknown(answer.at[0].to);
        assert_int_equal(answer.at[0].op, TW_CHANGE_MULTIPLY);
        assert_number(answer.at[0].change, i == 1 ? .1 : .5);
    }
}

/* ---- overflow without a loss scale ---- */

static struct tw_facts healthy_run(void)
{
    struct tw_facts facts = diverged_run();
    facts.loss = 2.3; /* 1.04 times its best */
    return facts;
}

static void an_overflow_without_a_scaler_wants_half_the_learning_rate(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_CRITICAL);
    facts.checkpoint_step = 800;
    strcpy(facts.optimizer, "adam");
    facts.epsilon = 1e-8;
    tw_evidence_add(&finding.evidence, "first_nonfinite_step", 811);
    tw_evidence_add_text(&finding.evidence, "phase", "loss");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15);
    assert_string_equal(
        answer.at[0].why,
        "Step 811 was the first that was not finite, in the loss; the loss before it "
        "was 2.3, 1.04 times its best. As nothing had blown up before, take half "
        "the learning rate, 0.15 instead of 0.3. Look for log(0), x/0, sqrt(0) and "
        "labels out of range first."); /* 2.3 / 2.21 = 1.041 */
    must_set(&answer, "resume_from_step", 800);
    must_set(&answer, "max_grad_norm", 1);
    must_set(&answer, "epsilon", 1e-6);
    assert_number(find(&answer, "epsilon")->from, 1e-8);
    facts.epsilon = 1e-6;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "epsilon"));
}

static void an_overflow_after_a_blow_up_wants_a_tenth(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_CRITICAL);
    struct tw_finding divergence = make_finding("divergence", TW_SEVERITY_WARNING);
    struct tw_finding explosion = make_finding("gradient-explosion", TW_SEVERITY_WARNING);
    struct answer answer = ask(*state, &finding, &divergence, 1, &facts);
    must_multiply(&answer.at[0], "learning_rate", .1, .3, .03);
    assert_non_null(strstr(answer.at[0].why, "diverging from step 812"));
    answer = ask(*state, &finding, &explosion, 1, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15); /* one spike is no blow-up */
    explosion.severity = TW_SEVERITY_CRITICAL;
    answer = ask(*state, &finding, &explosion, 1, &facts);
    must_multiply(&answer.at[0], "learning_rate", .1, .3, .03);
    facts.loss = 3.32; /* 1.5 x 2.21 = 3.315 */
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .1, .3, .03);
    facts.loss = 3.31;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15);
    facts.best_loss = -2; /* ratios of negative losses mean nothing */
    facts.loss = -1.9;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15);
}

static void half_precision_without_a_scaler_wants_bf16(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_CRITICAL);
    strcpy(facts.precision, "fp16");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set_text(&answer, "precision", "bf16");
    assert_text(find(&answer, "precision")->from, "fp16");
    assert_text(find(&answer, "precision")->to, "bf16");
    must_set_text(&answer, "softmax_precision", "fp32");
    strcpy(facts.precision, "bfloat16");
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "precision"));
}

static void an_evaluation_that_is_not_finite_leaves_training_alone(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_WARNING);
    tw_evidence_add_text(&finding.evidence, "phase", "evaluation");
    facts.best_eval_loss = 2;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.n, 1);
    must_set_text(&answer, "eval_precision", "fp32");
    assert_float_equal(answer.at[0].verify.limit, 2.2, 1e-9);
}

static void a_ctc_loss_wants_its_infinities_zeroed(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_WARNING);
    strcpy(facts.objective, "ctc");
    tw_evidence_add_text(&finding.evidence, "phase", "loss");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_set_text(&answer, "zero_infinity", "true");
    assert_string_equal(answer.at[0].parameter, "zero_infinity");
}

static void a_loss_of_exactly_zero_wants_the_filter_off(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_CRITICAL);
    strcpy(finding.evidence.statistic, "losses of exactly 0 in a row");
    finding.evidence.value = 3;
    tw_evidence_add_text(&finding.evidence, "phase", "loss");
    tw_evidence_add_text(&finding.evidence, "disguise", "zero loss");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15);
    assert_non_null(strstr(answer.at[0].why, "3 losses of exactly 0 in a row since step 812"));
    must_set_text(&answer, "logging_nan_inf_filter", "false");
}

/* ---- overflow with a loss scale ---- */

static void a_collapsed_loss_scale_wants_bf16_or_a_floor(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_WARNING);
    strcpy(facts.precision, "fp16");
    facts.initial_loss_scale = 65536;
    facts.loss_scale = 1024;
    facts.checkpoint_step = 800;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.rule.name, "overflow-scale-collapse");
    assert_string_equal(answer.at[0].parameter, "precision");
    must_set_text(&answer, "precision", "bf16");
    must_set(&answer, "min_loss_scale", 128);
    must_multiply(&answer.at[2], "learning_rate", .5, .3, .15);
    assert_string_equal(answer.at[2].verify.signal, "skipped_steps");
    assert_float_equal(answer.at[2].verify.limit, 2, 0); /* .2 % of 1,000 */
    assert_int_equal(answer.at[2].verify.within_steps, 1000);
    assert_null(find(&answer, "resume_from_step"));
    finding.severity = TW_SEVERITY_CRITICAL;
    answer = ask(*state, &finding, NULL, 0, &facts);
    must_set(&answer, "resume_from_step", 800);
    facts.min_loss_scale = 128;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "min_loss_scale"));
}

static void too_many_skipped_steps_want_a_gentler_scaler(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_WARNING);
    facts.initial_loss_scale = 65536;
    facts.loss_scale = 4096;
    facts.loss_scale_window = 1000;
    facts.skip_rate = .06;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.rule.name, "overflow-scaler");
    assert_string_equal(answer.at[0].parameter, "initial_loss_scale");
    assert_number(answer.at[0].from, 65536);
    assert_number(answer.at[0].to, 16384); /* 2^14 */
    must_set(&answer, "hysteresis", 2);
    must_set(&answer, "loss_scale_window", 2000);
    assert_number(find(&answer, "loss_scale_window")->from, 1000);
    must_multiply(find(&answer, "learning_rate"), "learning_rate", .5, .3, .15);
    assert_non_null(strstr(find(&answer, "learning_rate")->why, ": 6 % of the optimizer's steps"));
    must_set_text(&answer, "softmax_precision", "fp32");
    must_set(&answer, "max_grad_norm", 1);
    facts.initial_loss_scale = 16384;
    facts.loss_scale_window = 2000;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "initial_loss_scale"));
    assert_null(find(&answer, "loss_scale_window"));
}

static void a_scale_of_one_is_no_loss_scaling(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_CRITICAL);
    facts.initial_loss_scale = facts.loss_scale = 1; /* what bf16 jobs log */
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.rule.name, "overflow-nonfinite");
}

static void a_forward_pass_beyond_fp16_wants_another_format_first(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_CRITICAL);
    strcpy(facts.precision, "fp16");
    facts.initial_loss_scale = facts.loss_scale = 65536;
    facts.feature_scale = 50000;
    tw_evidence_add(&finding.evidence, "first_nonfinite_step", 812);
    tw_evidence_add_text(&finding.evidence, "phase", "loss");
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.rule.name, "overflow-half-range");
    assert_string_equal(answer.at[0].parameter, "precision");
    must_set_text(&answer, "precision", "bf16");
    assert_string_equal(answer.at[1].parameter, "feature_scale");
    must_set(&answer, "feature_scale", 1);
    facts.feature_scale = 1;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_null(find(&answer, "feature_scale"));
    /* What had blown up before is a matter of the learning rate ... */
    facts.loss = 1.6 * facts.best_loss;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "learning_rate");
    /* ... but for a run that never had a number. */
    finding.onset_step = 1;
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "precision");
    strcpy(facts.precision, "bf16");
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].parameter, "learning_rate");
}

static void a_layer_near_the_limit_of_fp16_wants_bf16_or_a_smaller_branch(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_WARNING);
    strcpy(finding.scope, "layer:mlp.3");
    tw_evidence_add(&finding.evidence, "largest_fp16", 65504);
    finding.evidence.value = 40000;
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.rule.name, "overflow-layer");
    must_set_text(&answer, "precision", "bf16");
    const struct tw_suggestion *scale = find(&answer, "residual_scale");
    assert_non_null(scale);
    assert_number(scale->change, .41); /* 16384 / 40000 = .4096 */
    assert_non_null(strstr(scale->why, "layer mlp.3"));
    must_multiply(find(&answer, "learning_rate"), "learning_rate", .5, .3, .15);
    assert_int_equal(answer.n, 3);    /* nothing was skipped, nothing is not finite yet */
    facts.loss = 3 * facts.best_loss; /* nor is it how a blow-up ended */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.rule.name, "overflow-layer");
}

static void a_loss_that_is_not_finite_under_a_scaler_is_no_matter_of_the_scale_first(void **state)
{
    struct tw_facts facts = healthy_run();
    struct tw_finding finding = make_finding("overflow", TW_SEVERITY_CRITICAL);
    facts.initial_loss_scale = facts.loss_scale = 65536;
    tw_evidence_add(&finding.evidence, "first_nonfinite_step", 812);
    tw_evidence_add_text(&finding.evidence, "phase", "loss");
    tw_evidence_add(&finding.evidence, "halvings", 0);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    must_multiply(&answer.at[0], "learning_rate", .5, .3, .15);
    must_set_text(&answer, "precision", "bf16");
    must_set(&answer, "min_loss_scale", 128);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_critical_divergence_wants_a_tenth_of_the_learning_rate_first),
        TEST(the_learning_rate_is_told_in_three_digits),
        TEST(a_warning_wants_half_the_learning_rate_first),
        TEST(a_spike_that_recovered_needs_no_advice),
        TEST(a_divergence_from_the_very_start_wants_a_tenth_and_a_warm_up),
        TEST(an_oscillation_wants_half_the_learning_rate_or_twice_the_batch),
        TEST(a_known_checkpoint_is_the_way_back),
        TEST(the_norm_is_limited_at_the_90th_percentile_of_healthy_norms),
        TEST(a_divergence_near_the_warm_up_wants_twice_the_warm_up),
        TEST(adam_wants_a_shorter_second_moment),
        TEST(a_sudden_rise_with_exploding_gradients_wants_batches_skipped),
        TEST(a_softmax_over_a_vocabulary_wants_a_z_loss),
        TEST(after_three_rollbacks_the_advice_is_to_stop),
        TEST(advice_stays_when_the_learning_rate_is_unknown),
        TEST(an_overflow_without_a_scaler_wants_half_the_learning_rate),
        TEST(an_overflow_after_a_blow_up_wants_a_tenth),
        TEST(half_precision_without_a_scaler_wants_bf16),
        TEST(an_evaluation_that_is_not_finite_leaves_training_alone),
        TEST(a_ctc_loss_wants_its_infinities_zeroed),
        TEST(a_loss_of_exactly_zero_wants_the_filter_off),
        TEST(a_collapsed_loss_scale_wants_bf16_or_a_floor),
        TEST(too_many_skipped_steps_want_a_gentler_scaler),
        TEST(a_scale_of_one_is_no_loss_scaling),
        TEST(a_loss_that_is_not_finite_under_a_scaler_is_no_matter_of_the_scale_first),
        TEST(a_forward_pass_beyond_fp16_wants_another_format_first),
        TEST(a_layer_near_the_limit_of_fp16_wants_bf16_or_a_smaller_branch),
    };
    return cmocka_run_group_tests(tests, load_shipped_rules, free_rules);
}
