/* The progress line at several widths, and what goes to a terminal and to a file. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/progress.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void feed_header(struct tw_progress *progress)
{
    struct tw_record record;
    tw_record_init(&record);
    record.kind = TW_KIND_HEADER;
    assert_non_null(tw_record_add_header(&record));
    tw_header_set_number(record.header, "max_steps", 1000);
    tw_header_set_number(record.header, "max_epochs", 20);
    tw_progress_record(progress, &record);
    tw_record_clear(&record);
}

static void feed_step(struct tw_progress *progress, uint64_t step, double loss)
{
    struct tw_record record;
    tw_record_init(&record);
    record.kind = TW_KIND_STEP;
    record.step = step;
    tw_record_set(&record, TW_SIGNAL_EPOCH, (double)step / 50);
    tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    tw_record_set(&record, TW_SIGNAL_SAMPLES, 32 * (double)step);
    tw_progress_record(progress, &record);
    tw_record_clear(&record);
}

static void feed_eval(struct tw_progress *progress, uint64_t step)
{
    struct tw_record record;
    tw_record_init(&record);
    record.kind = TW_KIND_EVAL;
    record.step = step;
    tw_record_set(&record, TW_SIGNAL_EPOCH, (double)step / 50);
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, .75);
    tw_record_add_metric(&record, "accuracy", .972);
    tw_progress_record(progress, &record);
    tw_record_clear(&record);
}

static struct tw_progress *silent_progress(void)
{
    struct tw_progress_options options = {.fd = -1, .is_silent = true};
    struct tw_progress *progress = tw_progress_new(&options);
    assert_non_null(progress);
    feed_header(progress);
    feed_step(progress, 525, .0312);
    feed_eval(progress, 525);
    tw_progress_set_advisor(progress, TW_PROGRESS_GOOD, "ok");
    return progress;
}

static void a_wide_line_has_everything(void **state)
{
    char line[1024];
    struct tw_progress *progress = silent_progress();
    (void)state;
    size_t columns = tw_progress_line(progress, 160, line, sizeof line);
    assert_int_equal(columns, strlen(line));
    /* 525 of 1000 steps: 15.75 of 30 columns; the eleventh epoch is under way. */
    assert_int_equal(strncmp(line,
                             "epoch 11/20  ===============---------------  loss 0.0312  "
                             "accuracy 97.2%  ",
                             74),
                     0);
    assert_non_null(strstr(line, "samples/s"));
    assert_non_null(strstr(line, " left"));
    assert_string_equal(line + strlen(line) - 13, "  advisor: ok");
    tw_progress_free(progress);
}

static void no_width_is_ever_exceeded(void **state)
{
    static const char *const states[] = {
        "ok", "watching: divergence suspected",
        "CRITICAL gradient-explosion and a good deal more that somebody may want to say here"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct tw_progress *progress = silent_progress();
        tw_progress_set_advisor(progress, TW_PROGRESS_BAD, states[i]);
        for (size_t columns = 0; columns <= 200; columns++) {
            char line[1024];
            assert_true(tw_progress_line(progress, columns, line, sizeof line) <= columns);
            assert_true(strlen(line) <= columns);
        }
        tw_progress_free(progress);
    }
}

static void a_narrow_line_keeps_the_epoch_and_the_advisor(void **state)
{
    char line[1024];
    struct tw_progress *progress = silent_progress();
    (void)state;
    tw_progress_line(progress, 39, line, sizeof line);
    assert_string_equal(line, "epoch 11/20  loss 0.0312  advisor: ok");
    tw_progress_set_advisor(progress, TW_PROGRESS_BAD, "CRITICAL divergence");
    tw_progress_line(progress, 39, line, sizeof line);
    assert_string_equal(line, "epoch 11/20  advisor: CRITICAL divergen");
    tw_progress_line(progress, 12, line, sizeof line);
    assert_string_equal(line, "epoch 11/20");
    tw_progress_free(progress);
}

static void nan_has_no_sign(void **state)
{
    char line[1024];
    struct tw_progress *progress = silent_progress();
    (void)state;
    feed_step(progress, 526, -NAN);
    tw_progress_line(progress, 100, line, sizeof line);
    assert_non_null(strstr(line, "  loss nan  "));
    tw_progress_free(progress);
}

static char *written_with(bool in_place, bool has_color)
{
    char path[] = "/tmp/trainward-test-XXXXXX";
    static char text[100000];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    struct tw_progress_options options = {.fd = fd, .in_place = in_place, .has_color = has_color};
    struct tw_progress *progress = tw_progress_new(&options);
    assert_non_null(progress);
    feed_header(progress);
    for (uint64_t step = 1; step <= 100; step++) {
        feed_step(progress, step, .5);
        if (step % 50 == 0)
            feed_eval(progress, step);
    }
    tw_progress_print(progress, "an advisory\nof two lines");
    tw_progress_free(progress);
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    assert_true(size > 0);
    text[size] = '\0';
    close(fd);
    return text;
}

static void a_file_gets_a_plain_line_an_epoch(void **state)
{
    const char *text = written_with(false, false);
    (void)state;
    assert_null(strpbrk(text, "\r\033"));
    assert_int_equal(
        strncmp(text, "epoch 1/20  step 50  loss 0.5  eval_loss 0.75  accuracy 97.2%", 61), 0);
    const char *second = strstr(text, "\nepoch 2/20  step 100  ");
    assert_non_null(second);
    assert_non_null(strstr(second, "\nan advisory\nof two lines\n"));
}

/* 104 records at once are one drawing, not 104; and the line is gone before the advisory. */
static void a_terminal_is_not_redrawn_for_every_record(void **state)
{
    const char *text = written_with(true, false);
    size_t drawings = 0;
    (void)state;
    for (const char *at = text; (at = strstr(at, "\repoch")); at++)
        drawings++;
    assert_in_range(drawings, 1, 3);
    assert_non_null(strstr(text, "\r\033[Kan advisory\nof two lines\n"));
    assert_null(strstr(text, "\033[3")); /* no colour was asked for */
    assert_non_null(strstr(written_with(true, true), "\033[32m"));
}

static void no_color_is_respected(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_WRONLY);
    struct tw_progress_options options = tw_progress_options_for(fd);
    assert_false(options.in_place || options.has_color); /* no terminal */
    close(fd);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) || unlockpt(terminal))
        return;
    int screen = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(screen >= 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    options = tw_progress_options_for(screen);
    assert_true(options.in_place && options.has_color);
    setenv("NO_COLOR", "1", 1);
    assert_false(tw_progress_options_for(screen).has_color);
    assert_true(tw_progress_options_for(screen).in_place);
    setenv("NO_COLOR", "", 1); /* empty counts as not set */
    assert_true(tw_progress_options_for(screen).has_color);
    setenv("TERM", "dumb", 1);
    assert_false(tw_progress_options_for(screen).in_place);
    close(screen);
    close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_line_has_everything),
        cmocka_unit_test(no_width_is_ever_exceeded),
        cmocka_unit_test(a_narrow_line_keeps_the_epoch_and_the_advisor),
        cmocka_unit_test(nan_has_no_sign),
        cmocka_unit_test(a_file_gets_a_plain_line_an_epoch),
        cmocka_unit_test(a_terminal_is_not_redrawn_for_every_record),
        cmocka_unit_test(no_color_is_respected),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
