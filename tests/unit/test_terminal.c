/* Advisories as a terminal shows them. */
#include "sample_advisory.h"
#include "sinks/kibana.h"
#include "sinks/terminal.h"

#include "telemetry/error.h"

#include "telemetry/text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char *render(const struct sample *sample, bool is_coloured, unsigned width)
{
    char *document = tw_episode_document(&sample->advisory);
    const struct tw_terminal_style style = {.is_coloured = is_coloured, .width = width};
    char *block = tw_terminal_render(document, &style);
    free(document);
    assert_non_null(block);
    return block;
}

static void an_episode_shows_what_since_when_and_what_to_change(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    char *block = render(&sample, false, 60);
    assert_string_equal(block, "CRITICAL  gradient explosion in layer fc2\n"
                               "  run resnet, since step 812, found at step 815, confidence\n"
                               "  97 %\n"
                               "  gradient norm / its median: 54.25, above 10 (normal 1.1),\n"
                               "  steps 752 to 815\n"
                               "  change  learning_rate 0.3 -> 0.03 (x0.1)\n"
                               "  why     The gradient norm is 54 times its median.\n"
                               "  verify  grad_norm below 2.2 within 200 steps\n"
                               "  or      precision -> bf16\n"
                               "  why     Its range is wider.\n"
                               "  verify  loss above -1 within 50 steps\n");
    free(block);
}

static void after_three_suggestions_only_the_parameters_are_named(void **state)
{
    (void)state;
    struct sample sample;
    struct tw_suggestion many[5];
    sample_init(&sample);
    for (int i = 0; i < 5; i++) {
        many[i] = sample.suggestions[i % 2];
        snprintf(many[i].parameter, sizeof many[i].parameter, "parameter_%d", i);
    }
    sample.advisory.suggestions = many;
    sample.advisory.n_suggestions = 5;
    char *block = render(&sample, false, 80);
    assert_non_null(strstr(block, "  or      parameter_2"));
    assert_non_null(strstr(block, "\n  or      parameter_3, parameter_4\n"));
    free(block);
}

static void what_follows_from_another_finding_says_so(void **state)
{
    (void)state;
    struct sample sample;
    struct tw_finding cause = {.detector = "learning-rate", .scope = "run", .onset_step = 700};
    sample_init(&sample);
    sample.advisory.cause = &cause;
    char *block = render(&sample, false, 80);
    assert_non_null(strstr(block, "\n  follows from  learning rate since step 700\n"));
    free(block);
}

static void what_is_over_asks_for_no_change(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    sample.advisory.action = TW_ACTION_RECOVERED;
    sample.finding.state = TW_STATE_RECOVERED;
    sample.finding.closed_step = 900;
    char *block = render(&sample, false, 80);
    assert_non_null(strstr(block, "RECOVERED  gradient explosion"));
    assert_non_null(strstr(block, "recovered at step 900"));
    assert_null(strstr(block, "change"));
    free(block);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    for (unsigned width = 50; width < 120; width++) {
        char *block = render(&sample, false, width), *rest = NULL;
        for (char *line = strtok_r(block, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            assert_true(strlen(line) <= width);
        free(block);
    }
}

static void colour_is_only_there_when_asked_for(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    char *plain = render(&sample, false, 80), *coloured = render(&sample, true, 80);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[1;31mCRITICAL\033[0m"));
    free(plain);
    free(coloured);
}

static void a_runs_name_cannot_send_escape_sequences(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    sample.advisory.run.name = "a\033]0;title\007b\r\xc2\x9b"
                               "2Jc"; /* ESC, BEL, CR, C1 CSI */
    char *block = render(&sample, false, 80);
    assert_non_null(strstr(block, "run a?]0;title?b??2Jc,"));
    free(block);
}

static char *render_with_view(struct sample *sample, enum tw_action action, bool has_links)
{
    static char url[] = "https://k.test", prefix[] = "trainward";
    static const struct tw_kibana_config kibana = {.url = url, .index_prefix = prefix};
    const struct tw_terminal_style style = {.kibana = &kibana, .has_links = has_links};
    sample->advisory.action = action;
    char *document = tw_episode_document(&sample->advisory);
    char *block = tw_terminal_render(document, &style);
    free(document);
    assert_non_null(block);
    return block;
}

static void the_view_of_the_run_has_one_line_an_episode(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    char *opened = render_with_view(&sample, TW_ACTION_OPENED, false);
    const char *line = strstr(opened, "\n  view    https://k.test/app/dashboards#/view/");
    assert_non_null(line);
    assert_true(strlen(line) > 80 && strchr(line + 1, '\n') == line + strlen(line) - 1);
    assert_null(strchr(opened, '\033'));
    char *later = render_with_view(&sample, TW_ACTION_ESCALATED, false);
    assert_null(strstr(later, "k.test"));
    free(opened);
    free(later);
}

static void where_links_are_known_the_title_is_one(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    char *block = render_with_view(&sample, TW_ACTION_ESCALATED, true);
    assert_ptr_equal(strstr(block, "CRITICAL  \033]8;;https://k.test/app/dashboards#/view/"),
                     block);
    assert_non_null(
        strstr(block, "\033\\gradient explosion in layer fc2\033]8;;\033\\, grown worse\n"));
    assert_null(strstr(block, "  view  "));
    free(block);
}

/* What stands between may not pass links on; what does not say who it is may print them. */
static void only_terminals_that_say_so_have_links(void **state)
{
    (void)state;
    int fd = posix_openpt(O_RDWR | O_NOCTTY), pipe_ends[2];
    assert_true(fd >= 0 && !pipe(pipe_ends));
    static const char *const names[] = {"TERM",       "TERM_PROGRAM", "TMUX",           "STY",
                                        "WT_SESSION", "VTE_VERSION",  "KONSOLE_VERSION"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv("TERM", "xterm-256color", 1);
    assert_false(tw_terminal_has_links(fd));
    setenv("VTE_VERSION", "7200", 1);
    assert_true(tw_terminal_has_links(fd));
    assert_false(tw_terminal_has_links(pipe_ends[1]));
    setenv("TMUX", "/tmp/tmux-0/default,1,0", 1);
    assert_false(tw_terminal_has_links(fd));
    unsetenv("TMUX");
    setenv("VTE_VERSION", "4800", 1);
    assert_false(tw_terminal_has_links(fd));
    close(fd);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void a_run_shows_its_verdict_and_what_was_not_checked(void **state)
{
    (void)state;
    struct tw_not_checked not_checked[] = {{"overfitting", "no eval loss"}};
    struct tw_run_advisory advisory = {.run = {.run = "exp7", .attempt = "a1"},
                                       .step = 5000,
                                       .status = "completed",
                                       .verdict = "unknown",
                                       .n_not_checked = 1,
                                       .not_checked = not_checked};
    char *document = tw_run_document(&advisory);
    const struct tw_terminal_style style = {.width = 80};
    char *block = tw_terminal_render(document, &style);
    assert_string_equal(block, "UNKNOWN  run exp7 completed at step 5000\n"
                               "  not checked  overfitting: no eval loss\n");
    free(block);
    free(document);
}

/* Each is one character; the list is Unicode's (UAX #9, "Directional Formatting Characters"). */
static void characters_that_steer_or_turn_are_known(void **state)
{
    static const char *const controls[] = {
        "\x01",         "\x1b",         "\n",           "\x7f",         "\xc2\x80",
        "\xc2\x9f",     "\xd8\x9c",     "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9"};
    static const char *const letters[] = {"a",
                                          " ",
                                          "\xc2\xa0",     /* no-break space */
                                          "\xd7\x90",     /* alef: a letter from right to left */
                                          "\xe2\x80\x8d", /* joiner, as in emoji */
                                          "\xe2\x80\x93", /* dash */
                                          "\xe2\x80\xaf", /* narrow space */
                                          "\xe2\x81\xaa"};
    (void)state;
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        size_t size = strlen(controls[i]);
        assert_int_equal(tw_control_size(controls[i], size), size);
        if (size > 1) /* cut off, it is no character */
            assert_int_equal(tw_control_size(controls[i], size - 1), 0);
    }
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        assert_int_equal(tw_control_size(letters[i], strlen(letters[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_that_steer_or_turn_are_known),
        cmocka_unit_test(an_episode_shows_what_since_when_and_what_to_change),
        cmocka_unit_test(after_three_suggestions_only_the_parameters_are_named),
        cmocka_unit_test(what_follows_from_another_finding_says_so),
        cmocka_unit_test(what_is_over_asks_for_no_change),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(colour_is_only_there_when_asked_for),
        cmocka_unit_test(a_runs_name_cannot_send_escape_sequences),
        cmocka_unit_test(the_view_of_the_run_has_one_line_an_episode),
        cmocka_unit_test(where_links_are_known_the_title_is_one),
        cmocka_unit_test(only_terminals_that_say_so_have_links),
        cmocka_unit_test(a_run_shows_its_verdict_and_what_was_not_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
