/* The sandbox: what expressions can read, and that nothing they try gets out or breaks it. */
#include "rules_fixture.h"

#include "rules/expression.h"
#include "rules/sandbox.h"

#include <locale.h>

struct world {
    struct tw_sandbox *sandbox;
    struct tw_facts facts;
    struct tw_finding finding, others[3];
    struct tw_inputs inputs;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world->sandbox = tw_sandbox_new();
    assert_non_null(world->sandbox);
    tw_facts_init(&world->facts);
    world->facts.loss = 3;
    world->facts.best_loss = INFINITY;
    strcpy(world->facts.optimizer, "AdamW");
    world->finding = make_finding("divergence", TW_SEVERITY_WARNING);
    strcpy(world->finding.scope, "layer:fc1");
    world->finding.evidence = (struct tw_evidence){.value = 1.7, .baseline = NAN, .n_extras = 2};
    strcpy(world->finding.evidence.extras[0].name, "skips");
    world->finding.evidence.extras[0].value = 9;
    strcpy(world->finding.evidence.extras[1].name, "phase");
    strcpy(world->finding.evidence.extras[1].text, "loss");
    for (int i = 0; i < 3; i++) {
        world->others[i] = make_finding("gradient-explosion", TW_SEVERITY_WARNING);
        world->others[i].onset_step = 700 - 10 * (uint64_t)i;
    }
    world->others[1].severity = TW_SEVERITY_CRITICAL;
    world->inputs = (struct tw_inputs){
        .facts = &world->facts, .finding = &world->finding, .others = world->others, .n_others = 3};
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    tw_sandbox_free(world->sandbox);
    free(world);
    return 0;
}

static int run(struct world *world, const char *text, struct tw_result *ret, struct tw_fault *fault)
{
    int expression = 0;
    int result = tw_sandbox_compile(world->sandbox, text, strlen(text), &expression, fault);
    if (result)
        return result;
    assert_true(expression != 0);
    result = tw_sandbox_evaluate(world->sandbox, expression, &world->inputs, ret, fault);
    tw_sandbox_release(world->sandbox, expression);
    return result;
}

static double number(struct world *world, const char *text)
{
    struct tw_result value;
    struct tw_fault fault;
    if (run(world, text, &value, &fault))
        fail_msg("%s: %s", text, fault.text);
    if (value.type == TW_RESULT_UNKNOWN)
        return NAN;
    if (value.type == TW_RESULT_BOOL)
        return value.is_true;
    assert_int_equal(value.type, TW_RESULT_NUMBER);
    return value.number;
}

static void facts_findings_and_evidence_can_be_read(void **state)
{
    struct world *world = *state;
    struct tw_result value;
    struct tw_fault fault;
    assert_float_equal(number(world, "facts.loss * 2"), 6, 0);
    assert_float_equal(number(world, "finding.evidence.value"), 1.7, 0);
    assert_float_equal(number(world, "finding.evidence.skips"), 9, 0);
    assert_float_equal(number(world, "finding.onset_step"), 812, 0);
    assert_float_equal(number(world, "finding.evidence.phase == 'loss'"), 1, 0);
    assert_float_equal(number(world, "finding.severity == 'warning'"), 1, 0);
    assert_int_equal(run(world, "finding.layer", &value, &fault), 0);
    assert_string_equal(value.text, "fc1");
    assert_int_equal(run(world, "facts.optimizer", &value, &fault), 0);
    assert_string_equal(value.text, "AdamW");
}

static void others_gives_the_gravest_finding_of_a_detector_by_either_spelling(void **state)
{
    struct world *world = *state;
    assert_float_equal(number(world, "others.gradient_explosion.onset_step"), 690, 0);
    assert_float_equal(number(world, "others['gradient-explosion'].onset_step"), 690, 0);
    world->others[1].severity = TW_SEVERITY_WARNING; /* all alike: the first to begin */
    assert_float_equal(number(world, "others.gradient_explosion.onset_step"), 680, 0);
    assert_float_equal(number(world, "known(others.overflow)"), 0, 0);
}

static void the_unknown_stays_unknown_through_arithmetic_and_is_false_in_comparisons(void **state)
{
    static const char *const unknown[] = {"facts.eval_loss",
                                          "facts.eval_loss * 2 + 1",
                                          "1 - facts.eval_loss",
                                          "-facts.eval_loss",
                                          "facts.best_loss",
                                          "finding.evidence.baseline",
                                          "finding.evidence.nothing",
                                          "facts.schedule",
                                          "others.overflow.evidence.value",
                                          "max(1, facts.eval_loss)",
                                          "clamp(1, 0, facts.eval_loss)",
                                          "round_to(facts.eval_loss, 3)",
                                          "math.floor(facts.eval_loss)",
                                          "facts.schedule .. 'x'",
                                          "1 / 0",
                                          "0 / 0",
                                          "contains(facts.schedule, 'cos')"};
    static const char *const no[] = {"facts.eval_loss < 1", "facts.eval_loss >= 1",
                                     "1 <= facts.eval_loss", "facts.eval_loss == 0",
                                     "facts.eval_loss < facts.best_eval_loss"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        if (!isnan(number(*state, unknown[i])))
            fail_msg("%s is known", unknown[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (number(*state, no[i]) != 0)
            fail_msg("%s holds", no[i]);
    }
    assert_float_equal(number(*state, "facts.eval_loss or 7"), 7, 0);
}

static void the_helpers_compute(void **state)
{
    assert_float_equal(number(*state, "min(3, 1, 2)"), 1, 0);
    assert_float_equal(number(*state, "max(3, 1, 2)"), 3, 0);
    assert_float_equal(number(*state, "clamp(5, 1, 3)"), 3, 0);
    assert_float_equal(number(*state, "clamp(0, 1, 3)"), 1, 0);
    assert_float_equal(number(*state, "round_to(0.00123456, 3)"), 0.00123, 0);
    assert_float_equal(number(*state, "round_to(98765, 2)"), 99000, 0);
    assert_float_equal(number(*state, "contains(facts.optimizer, 'adam')"), 1, 0);
    assert_float_equal(number(*state, "contains(facts.optimizer, 'sgd')"), 0, 0);
    assert_float_equal(number(*state, "math.floor(2.7)"), 2, 0);
    assert_float_equal(number(*state, "known(facts.loss)"), 1, 0);
}

/* Tried on the sandbox itself, below the loader, which refuses most of them by name already. */
static const char *const escapes[] = {
    "('x'):rep(1000000000)",
    "string.rep('x', 10)",
    "load('return 1')()",
    "loadstring('x')",
    "dofile('/etc/passwd')",
    "require('os')",
    "os.execute('true')",
    "io.open('/etc/passwd')",
    "debug.getregistry()",
    "getmetatable('')",
    "setmetatable({}, {})",
    "rawset(facts, 'loss', 1)",
    "coroutine.create(1)",
    "collectgarbage()",
    "print(1)",
    "pcall(1)",
    "error({})",
    "math.random()",
    "math.randomseed(1)",
    "_G.x",
    "facts.no_such_fact",
    "finding.no_such_field",
    "(function() while true do end end)()",
    "(function() repeat until false end)()",
    "(function() ::again:: goto again end)()",
    "(function() local t = {} for i = 1, 1e9 do t[i] = i end end)()",
    "(function() local s = 'x' while true do s = s .. s end end)()",
    "(function() local function f() return 1 + f() end return f() end)()",
    "(function() local function f() return f() end return f() end)()",
    "(function() facts.loss = 1 end)()",
    "(function() math.floor = 1 end)()",
    "(function() others.x = 1 end)()",
    "(function() x = 1 end)()",
    "finding()",
    "facts + 1",
    "1 // 0",
    "nil()",
    "max()",
    "round_to(1, 99)",
};

static void nothing_escapes_and_the_sandbox_stays_usable(void **state)
{
    struct world *world = *state;
    struct tw_result value;
    struct tw_fault fault;
    size_t before = tw_sandbox_bytes(world->sandbox);
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        if (run(world, escapes[i], &value, &fault) == 0)
            fail_msg("'%s' was let through", escapes[i]);
        assert_true(fault.text[0] != '\0');
        assert_int_equal(value.type, TW_RESULT_UNKNOWN);
        assert_float_equal(number(world, "facts.loss + 1"), 4, 0);
    }
    assert_true(tw_sandbox_bytes(world->sandbox) < before + TW_SANDBOX_EVALUATION_BYTES);
}

static void a_runaway_is_told_by_its_limit(void **state)
{
    struct tw_result value;
    struct tw_fault fault;
    run(*state, "(function() while true do end end)()", &value, &fault);
    assert_string_equal(fault.text, "takes more than 20000 instructions");
    run(*state, "(function() local t = {} for i = 1, 1e9 do t[i] = i end end)()", &value, &fault);
    assert_string_equal(fault.text, "needs more memory than expressions may use");
}

static void every_evaluation_has_its_own_budget(void **state)
{
    /* 30 of 5,000 loops: 150,000 instructions in all, each well under 20,000. */
    for (int i = 0; i < 30; i++)
        assert_float_equal(number(*state,
                                  "(function() local n = 0 for i = 1, 5000 do n = n + 1 end "
                                  "return n end)()"),
                           5000, 0);
}

static void an_evaluation_leaves_nothing_behind_for_the_next(void **state)
{
    struct world *world = *state;
    const char text[] = "(function() local loss = facts.loss _ENV = {} return loss end)()";
    struct tw_result value;
    struct tw_fault fault;
    int expression;
    assert_int_equal(tw_sandbox_compile(world->sandbox, text, sizeof text - 1, &expression, &fault),
                     0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            tw_sandbox_evaluate(world->sandbox, expression, &world->inputs, &value, &fault), 0);
        assert_float_equal(value.number, 3, 0);
    }
}

static void binary_chunks_and_long_or_deep_expressions_are_refused(void **state)
{
    struct world *world = *state;
    static char text[TW_EXPRESSION_MAX + 2];
    struct tw_fault fault;
    int expression = 0;
    assert_int_not_equal(tw_sandbox_compile(world->sandbox, "\033Lua\x54", 5, &expression, &fault),
                         0);
    memset(text, '1', sizeof text);
    assert_int_not_equal(
        tw_sandbox_compile(world->sandbox, text, sizeof text - 1, &expression, &fault), 0);
    memset(text, '(', sizeof text);
    assert_int_not_equal(
        tw_sandbox_compile(world->sandbox, text, TW_EXPRESSION_MAX, &expression, &fault), 0);
    assert_int_not_equal(tw_sandbox_compile(world->sandbox, "1\0 2", 4, &expression, &fault), 0);
    assert_int_not_equal(tw_sandbox_compile(world->sandbox, " \n", 2, &expression, &fault), 0);
    assert_int_equal(expression, 0);
    assert_float_equal(number(world, "facts.loss"), 3, 0);
}

static void memory_is_bounded_however_many_expressions_are_compiled(void **state)
{
    struct world *world = *state;
    struct tw_fault fault;
    int expression, result = 0;
    for (int i = 0; !result && i < 100000; i++)
        result = tw_sandbox_compile(world->sandbox, "facts.loss + 1", 14, &expression, &fault);
    assert_int_not_equal(result, 0);
    assert_true(tw_sandbox_bytes(world->sandbox) <= TW_SANDBOX_BYTES);
}

static void released_expressions_give_their_memory_back(void **state)
{
    struct world *world = *state;
    struct tw_fault fault;
    for (int i = 0; i < 100000; i++) {
        int expression;
        assert_int_equal(
            tw_sandbox_compile(world->sandbox, "facts.loss + 1", 14, &expression, &fault), 0);
        tw_sandbox_release(world->sandbox, expression);
    }
    assert_true(tw_sandbox_bytes(world->sandbox) < 200000);
}

static void check(const char *text, bool in_suggestion, const char *expected, size_t offset)
{
    struct tw_expression_fault fault;
    int result = tw_expression_check(text, strlen(text), in_suggestion, &fault);
    if ((result == 0) != (expected == NULL))
        fail_msg("%s: %s", text, result ? fault.text : "was let through");
    if (expected) {
        assert_string_equal(fault.text, expected);
        assert_int_equal(fault.offset, offset);
    }
}

static void unknown_names_are_told_with_the_nearest_known_one(void **state)
{
    (void)state;
    check("1 + facts.lerning_rate", false,
          "unknown fact 'lerning_rate'; did you mean 'learning_rate'?", 10);
    check("facts['lerning_rate']", false,
          "unknown fact 'lerning_rate'; did you mean 'learning_rate'?", 7);
    check("fact.loss", false, "unknown name 'fact'; did you mean 'facts'?", 0);
    check("others.divergense", false, "unknown detector 'divergense'; did you mean 'divergence'?",
          7);
    check("others.overflow.evidense", false,
          "unknown field of a finding 'evidense'; did you mean 'evidence'?", 16);
    check("math.flor(1)", false, "unknown name in math 'flor'; did you mean 'floor'?", 5);
    check("to * 2", false, "unknown name 'to'", 0);
    check("os.exit()", false, "unknown name 'os'", 0);
    check("_ENV", false, "unknown name '_ENV'", 0);
    check("(function() end)()", false,
          "'function' cannot be used: only single expressions are allowed", 1);
    check("1 -- x", false, "comments cannot be used inside an expression", 2);
    check("[[x]]", false, "long strings cannot be used", 0);
    check("'abc", false, "a text without its closing '", 0);
    check("others.gradient_explosion.evidence.anything > 1e-6", false, NULL, 0);
    check("others['gradient-explosion'].layer == \"a'b\\\"c\"", false, NULL, 0);
    check("to * 2 + from", true, NULL, 0);
    check("facts . loss", false, NULL, 0);
    check("'a' .. facts.optimizer", false, NULL, 0);
    check("1..facts.optimizer", false, NULL, 0);
}

static void numbers_have_a_point_in_every_locale(void **state)
{
    /* Any locale with a comma will do; without one there is nothing to see. */
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
    bool is_set = false;
    for (size_t i = 0; !is_set && i < sizeof names / sizeof *names; i++)
        is_set = setlocale(LC_NUMERIC, names[i]);
    if (!is_set)
        return;
    assert_float_equal(number(*state, "0.5 + 0.25"), .75, 0);
    assert_float_equal(number(*state, "round_to(0.123456, 2)"), .12, 0);
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(facts_findings_and_evidence_can_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            others_gives_the_gravest_finding_of_a_detector_by_either_spelling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_unknown_stays_unknown_through_arithmetic_and_is_false_in_comparisons, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(the_helpers_compute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_escapes_and_the_sandbox_stays_usable, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_runaway_is_told_by_its_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_evaluation_has_its_own_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_evaluation_leaves_nothing_behind_for_the_next, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(binary_chunks_and_long_or_deep_expressions_are_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_bounded_however_many_expressions_are_compiled,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(released_expressions_give_their_memory_back, set_up,
                                        tear_down),
        cmocka_unit_test(unknown_names_are_told_with_the_nearest_known_one),
        cmocka_unit_test_setup_teardown(numbers_have_a_point_in_every_locale, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
