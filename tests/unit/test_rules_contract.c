/* The contract that every shipped rule keeps, whatever it is asked: no crash and no failure, each
 * suggestion with a finite amount, a way to verify it, and a text without holes. */
#include "rules_fixture.h"

#include "rules/names.h"

#include <ctype.h>

#define ROUNDS 4000

static int set_up(void **state)
{
    struct tw_error error = {0};
    struct tw_rules *rules = tw_rules_new();
    assert_non_null(rules);
    assert_int_equal(tw_rules_load_shipped(rules, &error), 0);
    *state = rules;
    return 0;
}

static int tear_down(void **state)
{
    tw_rules_free(*state);
    return 0;
}

/* xorshift64 (Marsaglia 2003): the same figures on every machine. */
static uint64_t random_state = 88172645463325252u;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static double random_number(void)
{
    static const double odd[] = {NAN,    INFINITY, -INFINITY, 0,    -0.0, 1,    -1,     1e308,
                                 -1e308, 5e-324,   1e-300,    1e15, .5,   2048, 65536., 87.3365};
    uint64_t bits = random_bits();
    if (bits & 1)
        return NAN;
    if (bits & 2)
        return odd[(bits >> 8) % (sizeof odd / sizeof *odd)];
    return (double)((bits >> 8) % 100000) / 100;
}

static const char *random_word(void)
{
    static const char *const words[] = {
        "",      "adamw",   "SGD",        "fp16",     "bf16",     "float16",   "loss",        "ctc",
        "layer", "%s%n{x}", "evaluation", "\xff\xfe", "gradient", "zero loss", "initial loss"};
    return words[random_bits() % (sizeof words / sizeof *words)];
}

static void fill_facts(struct tw_facts *facts)
{
    tw_facts_init(facts);
    for (size_t i = 0; i < tw_n_facts; i++) {
        char *at = (char *)facts + tw_fact_table[i].offset;
        if (tw_fact_table[i].type == TW_FACT_TEXT)
            snprintf(at, tw_fact_table[i].size, "%s", random_word());
        else
            *(double *)(void *)at = random_number();
    }
}

static struct tw_finding random_finding(const char *detector)
{
    static const char *const numbers[] = {
        "skips",        "halvings",         "best_loss",
        "largest_fp16", "last_finite_loss", "first_nonfinite_step",
        "from_start",   "skip_rate",        "initial_loss",
        "loss"};
    struct tw_finding finding = make_finding(detector, (enum tw_severity)(random_bits() % 3));
    struct tw_evidence *evidence = &finding.evidence;
    finding.onset_step = random_bits() >> (random_bits() % 64);
    finding.detected_step = random_bits() >> (random_bits() % 64);
    snprintf(finding.scope, sizeof finding.scope, "%s", random_bits() & 1 ? "layer:fc1" : "run");
    snprintf(evidence->statistic, sizeof evidence->statistic, "edges%s", random_word());
    evidence->value = random_number();
    evidence->threshold = random_number();
    evidence->baseline = random_number();
    for (int i = 0; i < 4; i++)
        tw_evidence_add(evidence, numbers[random_bits() % 10], random_number());
    tw_evidence_add_text(evidence, "phase", random_word());
    tw_evidence_add_text(evidence, "disguise", random_word());
    return finding;
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[length]))
            return true;
    }
    return false;
}

static void check_value(struct tw_value value)
{
    if (value.type == TW_VALUE_NUMBER)
        assert_true(isfinite(value.number));
    else if (value.type == TW_VALUE_TEXT)
        assert_true(value.text[0] != '\0' && memchr(value.text, '\0', sizeof value.text));
}

static void check_suggestion(const struct tw_suggestion *suggestion)
{
    static const char *const holes[] = {"nan", "inf", "nil", "userdata", "table"};
    assert_true(suggestion->parameter[0] != '\0');
    assert_true(suggestion->rule[0] != '\0');
    assert_int_not_equal(suggestion->change.type, TW_VALUE_NULL);
    check_value(suggestion->from);
    check_value(suggestion->to);
    check_value(suggestion->change);
    assert_int_equal(suggestion->from.type == TW_VALUE_NULL, suggestion->to.type == TW_VALUE_NULL);
    assert_true(suggestion->why[0] != '\0');
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
        if (has_word(suggestion->why, holes[i]))
            fail_msg("%s, %s: %s", suggestion->rule, suggestion->parameter, suggestion->why);
    }
    if (strstr(suggestion->why, "  "))
        fail_msg("%s, %s: %s", suggestion->rule, suggestion->parameter, suggestion->why);
    assert_null(strchr(suggestion->why, '\n'));
    assert_true(suggestion->verify.signal[0] != '\0');
    assert_true(isfinite(suggestion->verify.limit));
    assert_true(suggestion->verify.within_steps >= 1);
}

static void check_answer(const struct answer *answer)
{
    char message[900];
    if (answer->failed)
        fail_msg("%s", tw_error_message(&answer->error, message, sizeof message));
    for (size_t i = 0; i < answer->n; i++) {
        check_suggestion(&answer->at[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(answer->at[i].parameter, answer->at[j].parameter);
    }
    assert_true(answer->n == 0 || answer->rule.name[0] != '\0');
}

static void every_answer_is_whole_whatever_is_known(void **state)
{
    size_t total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct tw_facts facts;
        struct tw_finding others[2] = {random_finding("divergence"),
                                       random_finding("gradient-explosion")};
        const char *detector = tw_rule_detectors[round % (int)tw_n_rule_detectors];
        struct tw_finding finding = random_finding(round & 1 ? "overflow" : "divergence");
        if (round % 16 == 0)
            finding.detector = detector;
        fill_facts(&facts);
        struct answer answer = ask(*state, &finding, others, random_bits() % 3, &facts);
        check_answer(&answer);
        total += answer.n;
    }
    assert_true(total > ROUNDS); /* it did advise */
}

/* Nothing known at all is not a reason to say nothing. */
static void each_grave_finding_has_advice_when_nothing_is_known(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    for (int i = 0; i < 4; i++) {
        struct tw_finding finding = make_finding(
            i & 1 ? "overflow" : "divergence", i & 2 ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING);
        finding.evidence.value = finding.evidence.baseline = NAN;
        struct answer answer = ask(*state, &finding, NULL, 0, &facts);
        assert_true(answer.n > 0);
        check_answer(&answer);
    }
}

static void the_same_question_has_the_same_answer(void **state)
{
    for (int round = 0; round < 100; round++) {
        struct tw_facts facts;
        struct tw_finding finding = random_finding(round & 1 ? "overflow" : "divergence");
        fill_facts(&facts);
        struct answer first = ask(*state, &finding, NULL, 0, &facts);
        struct answer second = ask(*state, &finding, NULL, 0, &facts);
        assert_memory_equal(&first, &second, sizeof first);
    }
}

static void every_shipped_rule_says_what_it_is_and_why(void **state)
{
    size_t n = tw_rules_count(*state);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        struct tw_rule_view view;
        tw_rules_at(*state, i, &view);
        assert_string_equal(view.place, "built in");
        assert_true(strlen(view.description) > 10 && strlen(view.description) < 200);
        assert_true(strlen(view.source) > 20);
        assert_true(view.description[strlen(view.description) - 1] != '.');
        assert_non_null(strstr(view.text, view.name));
        assert_non_null(strstr(view.text, "change:"));
        assert_int_equal(tw_rules_find(*state, view.name), (long)i);
    }
    assert_int_equal(tw_rules_find(*state, "no-such-rule"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_whole_whatever_is_known),
        cmocka_unit_test(each_grave_finding_has_advice_when_nothing_is_known),
        cmocka_unit_test(the_same_question_has_the_same_answer),
        cmocka_unit_test(every_shipped_rule_says_what_it_is_and_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
