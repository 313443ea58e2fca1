/* Commands for people to paste: the shell's words (wordexp(3)) of the text, matched as the agent
 * does. */
#include "sinks/notify/pasted.h"
#include "sinks/notify/subject.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>

#include <cmocka.h>

/* The value of an option in a command, as the program gets it; for free(). */
static char *value_in(const char *command, const char *option)
{
    wordexp_t words;
    char *value = NULL;
    assert_int_equal(wordexp(command, &words, WRDE_NOCMD | WRDE_UNDEF), 0);
    for (size_t i = 0; i + 1 < words.we_wordc && !value; i++) {
        if (!strcmp(words.we_wordv[i], option))
            value = strdup(words.we_wordv[i + 1]);
    }
    wordfree(&words);
    assert_non_null(value);
    return value;
}

static bool matches(const char *pattern, const char *run)
{
    json_t *subject = json_pack("{s:s}", "run", run);
    bool ret = tw_subject_field_matches(subject, "run", pattern);
    json_decref(subject);
    return ret;
}

static void a_name_is_silenced_and_no_other(void **state)
{
    static const struct {
        const char *name, *other; /* what the name would match, were it a pattern */
    } cases[] = {
        {"exp7", "exp8"},       {"exp[lr=0.1]", "expl"},
        {"exp*", "exp7"},       {"exp?", "exp7"},
        {"@(a|b)", "a"},        {"!(a)", "b"},
        {"+(a)", "aa"},         {"*(a)", "aa"},
        {"?(a)", "a"},          {"a\\b", "ab"},
        {"it's *", "it's 7"},   {"[!a]", "b"},
        {"user@host!x+y", "x"}, {"\\", ""},
        {"ü[ö]", "üö"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *command = tw_pasted_silence_run(NULL, cases[i].name);
        char *pattern = value_in(command, "--run");
        if (!matches(pattern, cases[i].name))
            fail_msg("'%s' is not matched by its own '%s'", cases[i].name, pattern);
        if (matches(pattern, cases[i].other))
            fail_msg("'%s' is matched by '%s' of '%s'", cases[i].other, pattern, cases[i].name);
        free(command);
        free(pattern);
    }
}

static void plain_names_stay_as_they_are(void **state)
{
    (void)state;
    char *command = tw_pasted_silence_run("/etc/trainward/agent.yaml", "ada@node3");
    assert_string_equal(command, "trainward silence add --config /etc/trainward/agent.yaml "
                                 "--run ada@node3 --for 4h --reason ...");
    free(command);
}

static char *of_group(const char *labels, const char *by)
{
    struct tw_texts group_by = {0};
    json_t *object = json_loads(labels, 0, NULL);
    assert_non_null(object);
    if (by)
        assert_int_equal(tw_texts_add(&group_by, by), 0);
    char *command = tw_pasted_silence_group(NULL, object, &group_by);
    tw_texts_release(&group_by);
    json_decref(object);
    return command;
}

static void a_group_is_silenced_and_no_larger_one(void **state)
{
    static const struct {
        const char *labels, *by, *command; /* NULL: none */
    } cases[] = {
        {"{\"project\": \"vision\", \"host\": \"node3\"}", NULL, "--project vision --host node3"},
        {"{\"label.team\": \"a*\"}", NULL, "--label 'team=a\\*'"},
        {"{\"project\": \"vision\"}", "host", "--project vision --host ''"},
        {"{\"episode\": \"0123\"}", NULL, "--episode 0123"},
        {"{\"project\": \"vision\", \"scope\": \"fc\"}", NULL, NULL},
        {"{\"project\": \"vision\"}", "severity", NULL},
        {"{\"label.a=b\": \"c\"}", NULL, NULL},
        {"{}", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *command = of_group(cases[i].labels, cases[i].by), expected[200];
        snprintf(expected, sizeof expected, "trainward silence add %s --for 4h --reason ...",
                 cases[i].command ? cases[i].command : "");
        if (cases[i].command)
            assert_string_equal(command, expected);
        else
            assert_null(command);
        free(command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_silenced_and_no_other),
        cmocka_unit_test(plain_names_stay_as_they_are),
        cmocka_unit_test(a_group_is_silenced_and_no_larger_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
