/* The contract that every shipped rule keeps, whatever it is asked: no crash and no failure, each
 * suggestion with a finite amount, a way to verify it, and a text without holes. */
#include "rules_fixture.h"

#include "rules/names.h"

#include <ctype.h>

#define ROUNDS 40000
#define WORDS_MAX 128

/* The evidence that the shipped rules of a detector ask for, read off their text: `names`, and the
 * words that a name or the statistic is compared with. */
struct vocabulary {
    size_t n_names, n_words, n_statistics, n_rules;
    char names[WORDS_MAX][32];
    struct {
        char name[32], word[48];
    } words[WORDS_MAX];
    char statistics[WORDS_MAX][48];
};

static struct vocabulary vocabularies[32];

static size_t word_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '_')
        n++;
    return n;
}

static void add_name(struct vocabulary *vocabulary, const char *name)
{
    for (size_t i = 0; i < vocabulary->n_names; i++) {
        if (!strcmp(vocabulary->names[i], name))
            return;
    }
    assert_true(vocabulary->n_names < WORDS_MAX);
    snprintf(vocabulary->names[vocabulary->n_names++], sizeof *vocabulary->names, "%s", name);
}

/* `at` stands behind the name: ` == "word"`, ` ~= "word"`, or `, "word"` within contains(). */
static void add_word(struct vocabulary *vocabulary, const char *name, const char *at)
{
    char word[48];
    if (sscanf(at, " == \"%47[^\"]\"", word) != 1 && sscanf(at, " ~= \"%47[^\"]\"", word) != 1 &&
        sscanf(at, ", \"%47[^\"]\"", word) != 1)
        return;
    assert_true(vocabulary->n_words < WORDS_MAX && vocabulary->n_statistics < WORDS_MAX);
    if (!strcmp(name, "statistic")) {
        snprintf(vocabulary->statistics[vocabulary->n_statistics++], sizeof *vocabulary->statistics,
                 "%s", word);
        return;
    }
    snprintf(vocabulary->words[vocabulary->n_words].name, sizeof vocabulary->words->name, "%s",
             name);
    snprintf(vocabulary->words[vocabulary->n_words++].word, sizeof vocabulary->words->word, "%s",
             word);
}

static bool is_member(const char *name)
{
    return !strcmp(name, "value") || !strcmp(name, "threshold") || !strcmp(name, "baseline") ||
           !strcmp(name, "statistic");
}

static void read_rule(struct vocabulary *vocabulary, const char *text)
{
    static const char prefix[] = "finding.evidence.";
    vocabulary->n_rules++;
    for (const char *at = strstr(text, prefix); at; at = strstr(at, prefix)) {
        char name[32];
        at += sizeof prefix - 1;
        snprintf(name, sizeof name, "%.*s", (int)word_length(at), at);
        if (!is_member(name))
            add_name(vocabulary, name);
        add_word(vocabulary, name, at + strlen(name));
    }
}

static void read_rules(struct tw_rules *rules)
{
    assert_true(tw_n_rule_detectors <= sizeof vocabularies / sizeof *vocabularies);
    for (size_t i = 0; i < tw_rules_count(rules); i++) {
        struct tw_rule_view view;
        tw_rules_at(rules, i, &view);
        for (size_t j = 0; j < tw_n_rule_detectors; j++) {
            if (!strcmp(tw_rule_detectors[j], view.detector))
                read_rule(&vocabularies[j], view.text);
        }
    }
}

static int set_up(void **state)
{
    struct tw_error error = {0};
    struct tw_rules *rules = tw_rules_new();
    assert_non_null(rules);
    assert_int_equal(tw_rules_load_shipped(rules, &error), 0);
    read_rules(rules);
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

static bool is_text(const struct vocabulary *vocabulary, const char *name)
{
    for (size_t i = 0; i < vocabulary->n_words; i++) {
        if (!strcmp(vocabulary->words[i].name, name))
            return true;
    }
    return !strcmp(name, "layer") || !strcmp(name, "score");
}

static void add_random_evidence(struct tw_evidence *evidence, const struct vocabulary *vocabulary)
{
    static const char *const severity_words[] = {"edges", "evaluation", "%s", ""};
    const char *statistic = severity_words[random_bits() % 4];
    if (vocabulary->n_statistics && random_bits() % 2)
        statistic = vocabulary->statistics[random_bits() % vocabulary->n_statistics];
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s", statistic);
    evidence->value = random_number();
    evidence->threshold = random_number();
    evidence->baseline = random_number();
    if (vocabulary->n_words && random_bits() % 4) {
        size_t i = random_bits() % vocabulary->n_words;
        tw_evidence_add_text(evidence, vocabulary->words[i].name, vocabulary->words[i].word);
    }
    for (size_t i = 0; vocabulary->n_names && i < 7; i++) {
        const char *name = vocabulary->names[random_bits() % vocabulary->n_names];
        if (is_text(vocabulary, name))
            tw_evidence_add_text(evidence, name, random_word());
        else
            tw_evidence_add(evidence, name, random_number());
    }
}

static struct tw_finding random_finding(size_t detector)
{
    struct tw_finding finding =
        make_finding(tw_rule_detectors[detector], (enum tw_severity)(random_bits() % 3));
    finding.onset_step = random_bits() >> (random_bits() % 64);
    finding.detected_step = random_bits() >> (random_bits() % 64);
    snprintf(finding.scope, sizeof finding.scope, "%s", random_bits() & 1 ? "layer:fc1" : "run");
    add_random_evidence(&finding.evidence, &vocabularies[detector]);
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
    if ((suggestion->from.type == TW_VALUE_NULL) != (suggestion->to.type == TW_VALUE_NULL))
        fail_msg("%s, %s: only one of from and to is known", suggestion->rule,
                 suggestion->parameter);
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

static void note_rules(struct tw_rules *rules, const struct answer *answer, bool *has_spoken)
{
    for (size_t i = 0; i < answer->n; i++) {
        long rule = tw_rules_find(rules, answer->at[i].rule);
        assert_in_range(rule, 0, tw_rules_count(rules) - 1);
        has_spoken[rule] = true;
    }
}

static void every_answer_is_whole_whatever_is_known(void **state)
{
    bool has_spoken[WORDS_MAX] = {false};
    assert_true(tw_rules_count(*state) <= WORDS_MAX);
    for (size_t round = 0; round < ROUNDS; round++) {
        struct tw_facts facts;
        struct tw_finding others[2] = {random_finding(random_bits() % tw_n_rule_detectors),
                                       random_finding(random_bits() % tw_n_rule_detectors)};
        struct tw_finding finding = random_finding(round % tw_n_rule_detectors);
        fill_facts(&facts);
        struct answer answer = ask(*state, &finding, others, random_bits() % 3, &facts);
        check_answer(&answer);
        note_rules(*state, &answer, has_spoken);
    }
    for (size_t i = 0; i < tw_rules_count(*state); i++) { /* the walk came by each of them */
        struct tw_rule_view view;
        tw_rules_at(*state, i, &view);
        if (!has_spoken[i])
            fail_msg("%s never advised", view.name);
    }
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

/* Evidence of this word, and some of the numbers that rules ask for: detectors give at most eight.
 */
static void add_some_evidence(struct tw_evidence *evidence, const struct vocabulary *vocabulary,
                              size_t word)
{
    evidence->value = evidence->baseline = 2;
    if (word < vocabulary->n_words)
        tw_evidence_add_text(evidence, vocabulary->words[word].name, vocabulary->words[word].word);
    for (size_t i = 0; vocabulary->n_names && i < TW_EVIDENCE_EXTRAS - 1; i++) {
        const char *name = vocabulary->names[random_bits() % vocabulary->n_names];
        if (is_text(vocabulary, name))
            tw_evidence_add_text(evidence, name, "fc1");
        else
            tw_evidence_add(evidence, name, (double)(random_bits() % 3));
    }
}

static bool has_advice(struct tw_rules *rules, size_t detector, size_t word,
                       const struct tw_facts *facts)
{
    for (int i = 0; i < 400; i++) {
        struct tw_finding finding = make_finding(tw_rule_detectors[detector], TW_SEVERITY_CRITICAL);
        add_some_evidence(&finding.evidence, &vocabularies[detector], word);
        struct answer answer = ask(rules, &finding, NULL, 0, facts);
        check_answer(&answer);
        if (answer.n)
            return true;
    }
    return false;
}

/* Of each cause that rules tell apart (or of the detector, where they tell none), the evidence and
 * where the run is are enough to say something. */
static void each_cause_has_advice_that_needs_no_header(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.step = facts.steps_seen = 5000;
    facts.best_loss = facts.initial_loss = 2;
    facts.evals = 10;
    facts.steps_per_eval = 500;
    for (size_t i = 0; i < tw_n_rule_detectors; i++) {
        const struct vocabulary *vocabulary = &vocabularies[i];
        for (size_t word = 0; word < vocabulary->n_words + !vocabulary->n_words; word++) {
            const char *told = vocabulary->n_words ? vocabulary->words[word].word : "";
            /* A cause that is about what the header declares. */
            bool is_declared = !strcmp(told, "long_warmup") || !strcmp(told, "not_scheduled") ||
                               !strcmp(told, "early stopping waits");
            if (vocabulary->n_rules && !is_declared && !has_advice(*state, i, word, &facts))
                fail_msg("nothing on %s, %s", tw_rule_detectors[i], told);
        }
    }
}

static void the_same_question_has_the_same_answer(void **state)
{
    for (size_t round = 0; round < 1000; round++) {
        struct tw_facts facts;
        struct tw_finding finding = random_finding(round % tw_n_rule_detectors);
        fill_facts(&facts);
        struct answer first = ask(*state, &finding, NULL, 0, &facts);
        struct answer second = ask(*state, &finding, NULL, 0, &facts);
        assert_memory_equal(&first, &second, sizeof first);
    }
}

/* All detectors have rules. */
static void every_detector_has_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < tw_n_rule_detectors; i++) {
        if (!vocabularies[i].n_rules)
            fail_msg("no rule for %s", tw_rule_detectors[i]);
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
        cmocka_unit_test(each_cause_has_advice_that_needs_no_header),
        cmocka_unit_test(the_same_question_has_the_same_answer),
        cmocka_unit_test(every_detector_has_rules),
        cmocka_unit_test(every_shipped_rule_says_what_it_is_and_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
