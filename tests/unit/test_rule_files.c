/* Rule files: what loads, what is refused and with which place, and how rules replace each other.
 */
#include "rules_fixture.h"
#include "temporary_directory.h"

#include <errno.h>

static int set_up(void **state)
{
    *state = tw_rules_new();
    assert_non_null(*state);
    return 0;
}

static int tear_down(void **state)
{
    tw_rules_free(*state);
    return 0;
}

/* A whole rule but for its suggestions. */
#define HEAD "- name: mine\n  detector: divergence\n  description: a rule\n"
#define WHY "      why: because\n"
#define VERIFY "      verify: {signal: loss, below: 1, within_steps: 100}\n"
#define SUGGESTION                                                                                 \
    "  suggestions:\n    - parameter: learning_rate\n      change: {multiply: 0.5}\n" WHY VERIFY

static int load(struct tw_rules *rules, const char *text, struct tw_error *error)
{
    return tw_rules_load_text(rules, text, strlen(text), "my.yaml", error);
}

static void must_load(struct tw_rules *rules, const char *text)
{
    struct tw_error error = {0};
    char message[900];
    if (load(rules, text, &error))
        fail_msg("%s", tw_error_message(&error, message, sizeof message));
}

static void a_rule_is_read_and_shown_as_it_was_written(void **state)
{
    struct tw_rule_view view = {0};
    must_load(*state, "# mine\n" HEAD "  source: measured\n  when: facts.loss > 1\n" SUGGESTION
                      "\n# the end\n");
    assert_int_equal(tw_rules_count(*state), 1);
    tw_rules_at(*state, 0, &view);
    assert_string_equal(view.name, "mine");
    assert_string_equal(view.detector, "divergence");
    assert_string_equal(view.description, "a rule");
    assert_string_equal(view.source, "measured");
    assert_string_equal(view.when, "facts.loss > 1");
    assert_string_equal(view.place, "my.yaml");
    assert_string_equal(view.text,
                        "name: mine\ndetector: divergence\ndescription: a rule\nsource: measured\n"
                        "when: facts.loss > 1\nsuggestions:\n  - parameter: learning_rate\n"
                        "    change: {multiply: 0.5}\n    why: because\n"
                        "    verify: {signal: loss, below: 1, within_steps: 100}\n");
}

static void a_file_of_nothing_but_comments_holds_no_rules(void **state)
{
    must_load(*state, "");
    must_load(*state, "# nothing yet\n");
    must_load(*state, "[]\n");
    assert_int_equal(tw_rules_count(*state), 0);
}

struct mistake {
    const char *text;
    const char *message; /* with line and column, counted by hand */
};

static const struct mistake mistakes[] = {
    {HEAD "  suggestions:\n    - parameter: learning_rate\n" WHY VERIFY,
     "my.yaml:5:7: the suggestion for 'learning_rate' has no 'change': advice without an amount "
     "does "
     "not load"},
    {HEAD "  suggestions:\n    - parameter: learning_rate\n      change: {}\n" WHY VERIFY,
     "my.yaml:6:15: a change has one of multiply, add, set, and an amount"},
    {HEAD "  suggestions:\n    - parameter: learning_rate\n      change: {multiply: }\n" WHY VERIFY,
     "my.yaml:6:26: multiply: is empty"},
    {HEAD "  suggestions:\n    - parameter: learning_rate\n      change: {multiply: 2, set: 1}\n",
     "my.yaml:6:15: a change has 'multiply' or 'set', not both"},
    {HEAD "  suggestions:\n    - parameter: learning_rate\n      change: {mutliply: 2}\n",
     "my.yaml:6:16: unknown key 'mutliply' in a change; did you mean 'multiply'?"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {multiply: 2}\n" WHY,
     "my.yaml:5:7: the suggestion for 'x' has no 'verify'"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {multiply: 2}\n" VERIFY,
     "my.yaml:5:7: a suggestion has no 'why'"},
    {HEAD "  suggestions: []\n", "my.yaml:4:16: 'suggestions' must be a list"},
    {HEAD, "my.yaml:1:3: rule 'mine' has no 'suggestions'"},
    {HEAD "  sugestions: []\n",
     "my.yaml:4:3: unknown key 'sugestions' in a rule; did you mean 'suggestions'?"},
    {HEAD "  when: facts.los > 1\n" SUGGESTION,
     "my.yaml:4:15: when: unknown fact 'los'; did you mean 'loss'?"},
    {HEAD "  when: \"1 > facts.los\"\n" SUGGESTION,
     "my.yaml:4:20: when: unknown fact 'los'; did you mean 'loss'?"},
    {HEAD "  when: facts.loss >\n" SUGGESTION, "my.yaml:4:9: when: unexpected symbol near <eof>"},
    {HEAD "  when: |\n    facts.loss > 1 and\n    (facts.loss\n" SUGGESTION,
     "my.yaml:7: when: ')' expected (to close '(' at line 2) near <eof>"},
    {HEAD "  when: [1]\n" SUGGESTION, "my.yaml:4:9: 'when' must be an expression"},
    {HEAD "  when: (function() while true do end end)()\n" SUGGESTION,
     "my.yaml:4:10: when: 'function' cannot be used: only single expressions are allowed"},
    {HEAD "  severity: grave\n" SUGGESTION,
     "my.yaml:4:13: a severity is one of info, warning, critical"},
    {HEAD "  priority: first\n" SUGGESTION, "my.yaml:4:13: 'priority' must be a number"},
    {"- name: mine\n  detector: divergense\n",
     "my.yaml:2:13: unknown detector 'divergense'; did you mean 'divergence'?"},
    {"- detector: divergence\n", "my.yaml:1:3: a rule has no 'name'"},
    {"- name: a b\n", "my.yaml:1:9: 'name' may hold letters, digits and any of -_."},
    {"- name: a\n  name: b\n", "my.yaml:2:3: 'name' comes twice in a rule"},
    {"name: a\n", "my.yaml:1:1: a file of rules is a list (- name: ...)"},
    {"- a\n", "my.yaml:1:3: a rule must be a mapping (key: value)"},
    {"- a: [\n", "my.yaml:2:1: not valid YAML: did not find expected node content"},
    {"[]\n---\n[]\n", "my.yaml:3:1: a second document; a file of rules is one list"},
    {HEAD SUGGESTION HEAD SUGGESTION, "my.yaml:9:3: a second rule 'mine'"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {set: 1}\n" VERIFY
          "      why: the loss {facts.los}\n",
     "my.yaml:8:28: why: unknown fact 'los'; did you mean 'loss'?"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {set: 1}\n" VERIFY
          "      why: the {facts.loss\n",
     "my.yaml:8:16: why: a '{' without its '}'; a plain brace is '{{'"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {set: 1}\n" VERIFY
          "      why: the {facts.loss:%s}\n",
     "my.yaml:8:28: why: a format is %g, %f or %e, as in {x:%.3g}"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {set: 1}\n" VERIFY
          "      why: a [part\n",
     "my.yaml:8:19: why: a '[' without its ']'; a plain bracket is '[['"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {set: 1}\n" WHY
          "      verify: {signal: los, below: 1, within_steps: 1}\n",
     "my.yaml:8:24: unknown signal 'los'; did you mean 'loss'?"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {set: 1}\n" WHY
          "      verify: {signal: loss, within_steps: 1}\n",
     "my.yaml:8:15: verify has one of 'below' and 'above'"},
    {HEAD "  suggestions:\n    - parameter: x\n      change: {set: 1}\n" WHY
          "      verify: {signal: loss, below: 1}\n",
     "my.yaml:8:15: verify has no 'within_steps'"},
};

static void each_mistake_is_told_with_its_line_and_column(void **state)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct tw_error error = {0};
        char message[900];
        assert_true(load(*state, mistakes[i].text, &error) < 0);
        tw_error_message(&error, message, sizeof message);
        if (strcmp(message, mistakes[i].message))
            fail_msg("mistake %zu:\n%s\nis not\n%s", i, message, mistakes[i].message);
    }
    assert_int_equal(tw_rules_count(*state), 0);
}

static void a_file_with_a_mistake_changes_nothing(void **state)
{
    struct tw_error error = {0};
    struct tw_rule_view view = {0};
    must_load(*state, HEAD SUGGESTION);
    assert_true(load(*state,
                     "- name: mine\n  detector: overflow\n  description: x\n" SUGGESTION
                     "- name: other\n",
                     &error) < 0);
    assert_int_equal(tw_rules_count(*state), 1);
    tw_rules_at(*state, 0, &view);
    assert_string_equal(view.detector, "divergence");
}

static void a_rule_of_the_same_name_replaces_a_shipped_one_wholly(void **state)
{
    struct tw_error error = {0};
    assert_int_equal(tw_rules_load_shipped(*state, &error), 0);
    size_t n = tw_rules_count(*state);
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.learning_rate = .3;
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_CRITICAL);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_string_equal(answer.at[0].rule, "divergence-critical");
    assert_number(answer.at[0].to, .03); /* .3 x .1 */

    must_load(*state, "- name: divergence-critical\n  detector: divergence\n  priority: 1\n"
                      "  description: mine\n" SUGGESTION);
    assert_int_equal(tw_rules_count(*state), n);
    assert_int_equal(tw_rules_find(*state, "divergence-critical"), 0); /* priority 1 is first */
    answer = ask(*state, &finding, NULL, 0, &facts);
    assert_number(answer.at[0].to, .15); /* .3 x .5 */
    assert_string_equal(answer.rule.description, "mine");
    struct tw_rule_view view;
    tw_rules_at(*state, 0, &view);
    assert_string_equal(view.place, "my.yaml");
}

static void a_directory_loads_in_order_of_name(void **state)
{
    char *directory = make_directory(), path[100];
    static const char *const files[] = {"b.yml", "a.yaml", "notes.txt", ".hidden.yaml"};
    struct tw_error error = {0};
    struct tw_rule_view view = {0};
    assert_non_null(directory);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        /* Both rules are called "mine": the one of b.yml comes last and stays. */
        fprintf(file, i < 2 ? HEAD "  source: %s\n" SUGGESTION : "no: %s rule\n", files[i]);
        fclose(file);
    }
    assert_int_equal(tw_rules_load(*state, directory, &error), 0);
    assert_int_equal(tw_rules_count(*state), 1);
    tw_rules_at(*state, 0, &view);
    assert_string_equal(view.source, "b.yml");
    assert_non_null(strstr(view.place, "/b.yml"));
    snprintf(path, sizeof path, "%s/notes.txt", directory);
    assert_true(tw_rules_load(*state, path, &error) < 0);
    assert_string_equal(error.place, path);
    remove_directory(directory);
    error = (struct tw_error){0};
    assert_int_equal(tw_rules_load(*state, "/no/such/rules.d", &error), -ENOENT);
}

/* ---- what suggestions are made of ---- */

static struct answer suggest(struct tw_rules *rules, const char *suggestions,
                             const struct tw_facts *facts)
{
    static char text[4000];
    snprintf(text, sizeof text, "%s  suggestions:\n%s", HEAD, suggestions);
    must_load(rules, text);
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    return ask(rules, &finding, NULL, 0, facts);
}

static void an_unknown_present_value_leaves_from_and_to_null_and_the_change_there(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    struct answer answer =
        suggest(*state,
                "    - parameter: learning_rate\n      change: {multiply: 0.5}\n"
                "      why: lower it[ from {from}]\n" VERIFY
                "    - parameter: precision\n      change: {set: bf16}\n" WHY VERIFY
                "    - parameter: no_fact_of_this_name\n      change: {add: -2}\n" WHY VERIFY,
                &facts);
    assert_int_equal(answer.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_unknown(answer.at[i].from);
        assert_unknown(answer.at[i].to);
    }
    assert_int_equal(answer.at[0].op, TW_CHANGE_MULTIPLY);
    assert_number(answer.at[0].change, .5);
    assert_string_equal(answer.at[0].why, "lower it");
    assert_int_equal(answer.at[1].op, TW_CHANGE_SET);
    assert_text(answer.at[1].change, "bf16");
    assert_int_equal(answer.at[2].op, TW_CHANGE_ADD);
    assert_number(answer.at[2].change, -2);
    assert_string_equal(answer.at[2].verify.signal, "loss");
    assert_true(answer.at[2].verify.is_below);
    assert_float_equal(answer.at[2].verify.limit, 1, 0);
    assert_int_equal(answer.at[2].verify.within_steps, 100);
}

static void amounts_are_computed_rounded_and_clamped(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.learning_rate = 0.00123456;
    facts.batch_size = 4097;
    facts.dropout = .45;
    facts.warmup_steps = 100;
    facts.weight_decay = .02;
    struct answer answer = suggest(
        *state,
        "    - parameter: learning_rate\n      change: {multiply: 0.1}\n" WHY VERIFY
        "    - parameter: batch_size\n      change: {multiply: 2}\n" WHY VERIFY
        "    - parameter: dropout\n      change: {add: 0.1}\n      max: 0.5\n" WHY VERIFY
        "    - parameter: warmup_steps\n      change: {multiply: 2}\n      min: 1000\n" WHY VERIFY
        "    - parameter: weight_decay\n      change: {multiply: 3}\n      max: 0.01\n" WHY VERIFY
        "    - parameter: rate\n      from: facts.learning_rate\n      change: {set: from * "
        "2}\n" WHY VERIFY,
        &facts);
    assert_int_equal(answer.n, 5);
    assert_number(answer.at[0].to, 0.000123); /* 0.000123456 in three digits */
    assert_number(answer.at[1].to, 8194);     /* whole numbers keep all their digits */
    /* .45 + .1 = .55 is over .5: the change says what is done. */
    assert_number(answer.at[2].to, .5);
    assert_int_equal(answer.at[2].op, TW_CHANGE_SET);
    assert_number(answer.at[2].change, .5);
    assert_number(answer.at[3].to, 1000); /* 200 is under 1,000 */
    /* weight_decay: at most .01 would turn a rise into a cut from .02, so nothing is said. */
    assert_number(answer.at[4].to, 0.00246912); /* `set` is taken as it is computed */
    assert_null(find(&answer, "weight_decay"));
}

static void advice_that_changes_nothing_is_not_given(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.beta2 = .95;
    strcpy(facts.precision, "BF16");
    struct answer answer =
        suggest(*state,
                "    - parameter: beta2\n      change: {set: 0.95}\n" WHY VERIFY
                "    - parameter: precision\n      change: {set: bf16}\n" WHY VERIFY
                "    - parameter: epsilon\n      change: {set: facts.eval_loss}\n" WHY VERIFY
                "    - parameter: dropout\n      change: {set: 1 / 0}\n" WHY VERIFY
                "    - parameter: a\n      change: {set: 1}\n      why: '{facts.loss}'\n" VERIFY
                "    - parameter: b\n      change: {set: 1}\n" WHY
                "      verify: {signal: loss, below: facts.loss, within_steps: 9}\n",
                &facts);
    assert_int_equal(answer.n, 0);
    assert_int_equal(answer.failed, 0);
    assert_string_equal(answer.rule.name, "mine"); /* it matched all the same */
}

static void the_first_way_to_verify_whose_limit_is_known_is_taken(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.initial_loss = 2.30258509;
    struct answer answer =
        suggest(*state,
                "    - parameter: a\n      change: {set: 1}\n" WHY "      verify:\n"
                "        - {signal: eval_loss, below: facts.best_eval_loss, within_steps: 9}\n"
                "        - {signal: grad_norm, above: facts.initial_loss, within_steps: 10.2}\n",
                &facts);
    assert_int_equal(answer.n, 1);
    assert_string_equal(answer.at[0].verify.signal, "grad_norm");
    assert_false(answer.at[0].verify.is_below);
    assert_float_equal(answer.at[0].verify.limit, 2.30259, 0);
    assert_int_equal(answer.at[0].verify.within_steps, 11);
}

static void the_first_alternative_for_a_parameter_wins(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    struct answer answer = suggest(
        *state,
        "    - parameter: a\n      when: known(facts.loss)\n      change: {set: 1}\n" WHY VERIFY
        "    - parameter: a\n      change: {set: 2}\n" WHY VERIFY
        "    - parameter: a\n      change: {set: 3}\n" WHY VERIFY,
        &facts);
    assert_int_equal(answer.n, 1);
    assert_number(answer.at[0].change, 2);
}

static void texts_hold_numbers_and_leave_unknown_parts_out(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.loss = 1.23456789;
    facts.step = 1234567;
    struct answer answer = suggest(*state,
                                   "    - parameter: a\n      change: {set: 1}\n      why: >-\n"
                                   "        {{x}} [[y]] {facts.loss}, {facts.loss:%.2f}, "
                                   "{facts.step}, {change}[, {facts.eval_loss}"
                                   " unknown][, {'in } brackets'}].\n" VERIFY,
                                   &facts);
    assert_int_equal(answer.n, 1);
    assert_string_equal(answer.at[0].why, "{x} [y] 1.235, 1.23, 1234567, 1, in } brackets.");
}

static void a_rule_that_fails_is_skipped_counted_and_told(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.loss = 0;
    must_load(*state, "- name: works\n  detector: divergence\n  description: x\n"
                      "  priority: 90\n" SUGGESTION);
    struct answer answer = suggest(*state,
                                   "    - parameter: a\n      change: {set: 1}\n" WHY VERIFY
                                   "    - parameter: b\n      change: {set: 1 // 0}\n" WHY VERIFY,
                                   &facts);
    assert_int_equal(answer.failed, 1);
    assert_int_equal(answer.n, 1); /* none of the failed rule, not even `a` */
    assert_string_equal(answer.at[0].rule, "works");
    assert_string_equal(answer.rule.name, "works");
    assert_string_equal(answer.error.text, "rule 'mine', b, change: attempt to divide by zero");
    assert_string_equal(answer.error.place, "my.yaml");
}

static void a_number_is_no_condition(void **state)
{
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.onset_in_warmup = 0;
    must_load(*state, HEAD "  when: facts.onset_in_warmup\n" SUGGESTION);
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    struct answer answer = ask(*state, &finding, NULL, 0, &facts);
    assert_int_equal(answer.failed, 1);
    assert_int_equal(answer.n, 0);
}

static void severity_is_a_minimum_or_a_list(void **state)
{
    static const struct {
        const char *text;
        bool info, warning, critical;
    } cases[] = {{"", true, true, true},
                 {"  severity: warning\n", false, true, true},
                 {"  severity: critical\n", false, false, true},
                 {"  severity: [info, critical]\n", true, false, true}};
    struct tw_facts facts;
    tw_facts_init(&facts);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[600];
        bool expected[] = {cases[i].info, cases[i].warning, cases[i].critical};
        snprintf(text, sizeof text, HEAD "%s" SUGGESTION, cases[i].text);
        must_load(*state, text);
        for (int severity = 0; severity < 3; severity++) {
            struct tw_finding finding = make_finding("divergence", (enum tw_severity)severity);
            assert_int_equal(ask(*state, &finding, NULL, 0, &facts).n, expected[severity]);
        }
    }
}

static void no_more_suggestions_are_written_than_there_is_room_for(void **state)
{
    struct tw_suggestion two[2];
    struct tw_rule_name rule;
    struct tw_facts facts;
    struct tw_error error = {0};
    tw_facts_init(&facts);
    suggest(*state,
            "    - parameter: a\n      change: {set: 1}\n" WHY VERIFY
            "    - parameter: b\n      change: {set: 1}\n" WHY VERIFY
            "    - parameter: c\n      change: {set: 1}\n" WHY VERIFY,
            &facts);
    struct tw_finding finding = make_finding("divergence", TW_SEVERITY_WARNING);
    assert_int_equal(
        tw_rules_suggest(*state, &finding, NULL, 0, &facts, NULL, 0, two, 2, &rule, NULL, &error),
        2);
}

/* ---- the page that documents it ---- */

/* Every member of struct tw_facts is a row of the table: sizes add up to the whole struct, but for
 * the padding before the doubles. */
static void the_table_of_facts_covers_the_struct(void **state)
{
    (void)state;
    size_t sum = 0;
    for (size_t i = 0; i < tw_n_facts; i++) {
        sum += tw_fact_table[i].size;
        assert_true(tw_fact_table[i].help[0] != '\0');
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(tw_fact_table[i].offset, tw_fact_table[j].offset);
    }
    assert_int_equal(sum, sizeof(struct tw_facts));
}

static FILE *open_page(void)
{
    char path[4096];
    const char *source = getenv("TW_SRCDIR");
    snprintf(path, sizeof path, "%s/docs/rules.md", source ? source : "..");
    FILE *page = fopen(path, "r");
    if (!page)
        fail_msg("%s cannot be read", path);
    return page;
}

static void the_examples_on_the_page_load(void **state)
{
    char *line = NULL, example[4000] = "";
    size_t capacity = 0, length = 0, loaded = 0;
    bool is_yaml = false;
    FILE *page = open_page();
    while (getline(&line, &capacity, page) > 0) {
        if (is_yaml && !strcmp(line, "```\n")) {
            if (!strncmp(example, "- name:", 7)) {
                must_load(*state, example);
                loaded++;
            }
            is_yaml = false;
        } else if (!strcmp(line, "```yaml\n")) {
            is_yaml = true;
            length = 0;
        } else if (is_yaml) {
            length += (size_t)snprintf(example + length, sizeof example - length, "%s", line);
            assert_true(length < sizeof example);
        }
    }
    free(line);
    fclose(page);
    assert_int_equal(loaded, 2);
}

static void the_page_lists_every_fact_with_its_help(void **state)
{
    (void)state;
    char *line = NULL;
    size_t capacity = 0, rows = 0, found = 0;
    FILE *page = open_page();
    while (getline(&line, &capacity, page) > 0) {
        rows += !strncmp(line, "| `facts.", 9);
        for (size_t i = 0; i < tw_n_facts; i++) {
            char row[400];
            snprintf(row, sizeof row, "| `facts.%s` | %s |\n", tw_fact_table[i].name,
                     tw_fact_table[i].help);
            found += !strcmp(line, row);
        }
    }
    free(line);
    fclose(page);
    assert_int_equal(found, tw_n_facts);
    assert_int_equal(rows, tw_n_facts); /* and none that is not a fact */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rule_is_read_and_shown_as_it_was_written),
        TEST(a_file_of_nothing_but_comments_holds_no_rules),
        TEST(each_mistake_is_told_with_its_line_and_column),
        TEST(a_file_with_a_mistake_changes_nothing),
        TEST(a_rule_of_the_same_name_replaces_a_shipped_one_wholly),
        TEST(a_directory_loads_in_order_of_name),
        TEST(an_unknown_present_value_leaves_from_and_to_null_and_the_change_there),
        TEST(amounts_are_computed_rounded_and_clamped),
        TEST(advice_that_changes_nothing_is_not_given),
        TEST(the_first_way_to_verify_whose_limit_is_known_is_taken),
        TEST(the_first_alternative_for_a_parameter_wins),
        TEST(texts_hold_numbers_and_leave_unknown_parts_out),
        TEST(a_rule_that_fails_is_skipped_counted_and_told),
        TEST(a_number_is_no_condition),
        TEST(severity_is_a_minimum_or_a_list),
        TEST(no_more_suggestions_are_written_than_there_is_room_for),
        cmocka_unit_test(the_table_of_facts_covers_the_struct),
        TEST(the_examples_on_the_page_load),
        cmocka_unit_test(the_page_lists_every_fact_with_its_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
