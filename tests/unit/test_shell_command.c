/* The command that `trainward-train` prints to be run next. */
#include "agent/shell_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void an_option_is_replaced_where_it_stands(void **state)
{
    const char *const argv[] = {"./t", "--learning-rate", "0.3", "--epochs", "3"};
    const char *const joined[] = {"./t", "--epochs=3", "--learning-rate=0.3"};
    (void)state;
    char *text = tw_shell_command_with(5, argv, "--learning-rate", "0.03");
    assert_string_equal(text, "./t --learning-rate 0.03 --epochs 3");
    free(text);
    text = tw_shell_command_with(3, joined, "--learning-rate", "0.03");
    assert_string_equal(text, "./t --epochs=3 --learning-rate 0.03");
    free(text);
}

static void an_option_that_is_not_there_is_appended(void **state)
{
    const char *const argv[] = {"./t", "--learning-rate-x", "1"};
    (void)state;
    char *text = tw_shell_command_with(3, argv, "--learning-rate", "0.03");
    assert_string_equal(text, "./t --learning-rate-x 1 --learning-rate 0.03");
    free(text);
}

static void a_flag_takes_no_value(void **state)
{
    const char *const argv[] = {"./t", "--batch-norm", "--seed", "3"};
    (void)state;
    char *text = tw_shell_command_with(4, argv, "--batch-norm", NULL);
    assert_string_equal(text, "./t --batch-norm --seed 3");
    free(text);
    text = tw_shell_command_with(4, argv, "--nesterov", NULL);
    assert_string_equal(text, "./t --batch-norm --seed 3 --nesterov");
    free(text);
}

static void a_run_directory_is_followed_by_one_that_is_not_there(void **state)
{
    char dir[] = "/tmp/tw-command-XXXXXX", used[64], expected[256], option[64];
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(option, sizeof option, "%s/a/", dir);
    snprintf(used, sizeof used, "%s/a-2", dir);
    assert_int_equal(mkdir(used, 0700), 0);
    const char *const argv[] = {"./t", "--run-dir", option};
    char *text = tw_shell_command_with(3, argv, "--seed", "2");
    snprintf(expected, sizeof expected, "./t --run-dir %s/a-3 --seed 2", dir);
    assert_string_equal(text, expected);
    free(text);
    rmdir(used);
    rmdir(dir);
}

/* The shell itself says whether it reads back what was meant. */
static void a_shell_reads_every_word_back(void **state)
{
    const char *const argv[] = {"printf", "%s|", "two words", "it's", "$HOME", "a;b", "", "*"};
    char line[256] = "";
    (void)state;
    char *text = tw_shell_command_with(8, argv, "--x", "`id`");
    FILE *shell = popen(text, "r");
    assert_non_null(fgets(line, sizeof line, shell));
    pclose(shell);
    assert_string_equal(line, "two words|it's|$HOME|a;b||*|--x|`id`|");
    free(text);
}

/* They would act on the terminal that shows the command. */
static void control_characters_are_not_shown(void **state)
{
    const char *const argv[] = {"./t", "--note", "a\x1b[2J\nb\x7f"};
    (void)state;
    char *text = tw_shell_command_with(3, argv, "--seed", "2");
    assert_string_equal(text, "./t --note 'a?[2J?b?' --seed 2");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_replaced_where_it_stands),
        cmocka_unit_test(an_option_that_is_not_there_is_appended),
        cmocka_unit_test(a_flag_takes_no_value),
        cmocka_unit_test(a_run_directory_is_followed_by_one_that_is_not_there),
        cmocka_unit_test(a_shell_reads_every_word_back),
        cmocka_unit_test(control_characters_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
