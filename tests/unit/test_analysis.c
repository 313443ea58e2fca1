/* Following logs as files are: several runs in one, cut back, replaced, behind a link. */
#include "agent/analysis.h"
#include "agent/dead_letters.h"
#include "agent/find_runs.h"

#include "temporary_directory.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct tw_settings settings;
    struct tw_rules *rules;
    char *dir;
    char file[256];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_int_equal(tw_settings_init(&fixture->settings, NULL), 0);
    fixture->rules = tw_rules_new();
    fixture->dir = make_directory();
    snprintf(fixture->file, sizeof fixture->file, "%s/telemetry.jsonl", fixture->dir);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_settings_release(&fixture->settings);
    tw_rules_free(fixture->rules);
    remove_directory(fixture->dir);
    free(fixture);
    return 0;
}

/* Steps `first` to `last` of a run. */
static void write_steps(const char *path, const char *mode, const char *run, int first, int last)
{
    FILE *file = fopen(path, mode);
    for (int i = first; i <= last; i++)
        fprintf(file, "{\"run\":\"%s\",\"step\":%d,\"loss\":1}\n", run, i);
    fclose(file);
}

static void write_end(const char *path, const char *run)
{
    FILE *file = fopen(path, "a");
    fprintf(file, "{\"run\":\"%s\",\"kind\":\"end\",\"status\":\"completed\"}\n", run);
    fclose(file);
}

static void open_followed(struct fixture *fixture, struct tw_analysis *analysis)
{
    struct tw_watch_options options = {.settings = &fixture->settings, .rules = fixture->rules};
    assert_int_equal(tw_analysis_open(analysis, fixture->dir, true, &options, NULL), 0);
}

/* Takes what there is. Returns WAIT or END. */
static int take_all(struct tw_analysis *analysis)
{
    int next;
    do
        next = tw_analysis_step(analysis, 0, NULL);
    while (next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN);
    return next;
}

static void the_end_of_one_run_of_a_file_is_not_that_of_the_others(void **state)
{
    struct fixture *fixture = *state;
    struct tw_analysis analysis;
    write_steps(fixture->file, "w", "long", 1, 10);
    write_steps(fixture->file, "a", "short", 1, 10);
    write_end(fixture->file, "short");
    open_followed(fixture, &analysis);
    assert_int_equal(take_all(&analysis), TW_NEXT_WAIT);
    write_steps(fixture->file, "a", "long", 11, 20);
    write_end(fixture->file, "long");
    assert_int_equal(take_all(&analysis), TW_NEXT_END);
    assert_int_equal(tw_watch_find(analysis.watch, "long")->context->records, 21);
    tw_analysis_close(&analysis);
}

static void a_log_that_is_gone_has_ended(void **state)
{
    struct fixture *fixture = *state;
    struct tw_analysis analysis;
    write_steps(fixture->file, "w", "r", 1, 10);
    open_followed(fixture, &analysis);
    assert_int_equal(take_all(&analysis), TW_NEXT_WAIT);
    unlink(fixture->file);
    assert_int_equal(take_all(&analysis), TW_NEXT_END);
    tw_analysis_close(&analysis);
}

static void a_log_that_begins_anew_is_read_anew(void **state)
{
    struct fixture *fixture = *state;
    struct tw_analysis analysis;
    write_steps(fixture->file, "w", "r", 1, 100);
    open_followed(fixture, &analysis);
    take_all(&analysis);
    write_steps(fixture->file, "w", "r", 1, 20); /* cut back */
    take_all(&analysis);
    assert_int_equal(tw_watch_find(analysis.watch, "r")->context->records, 120);
    char fresh[300];
    snprintf(fresh, sizeof fresh, "%s/fresh", fixture->dir);
    write_steps(fresh, "w", "r", 1, 10);
    assert_int_equal(rename(fresh, fixture->file), 0); /* replaced */
    take_all(&analysis);
    take_all(&analysis);
    assert_int_equal(tw_watch_find(analysis.watch, "r")->context->records, 130);
    assert_int_equal(analysis.rewinds, 2);
    tw_analysis_close(&analysis);
}

static void runs_are_found_behind_a_link_that_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct tw_texts found = {0};
    char link[300];
    write_steps(fixture->file, "w", "r", 1, 2);
    snprintf(link, sizeof link, "%s/link", fixture->dir);
    assert_int_equal(symlink(fixture->dir, link), 0);
    assert_int_equal(tw_find_runs(&found, link, true, NULL), 0);
    assert_int_equal(found.n, 1);
    assert_string_equal(found.at[0], link);
    tw_texts_release(&found);
    unlink(link);
}

static void the_telemetry_of_a_run_directory_is_the_file_that_holds_something(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    char empty[300];
    snprintf(empty, sizeof empty, "%s/telemetry.cbor", fixture->dir);
    fclose(fopen(empty, "w"));
    write_steps(fixture->file, "w", "r", 1, 2);
    assert_true(tw_stat_telemetry(fixture->dir, &status));
    assert_true(status.st_size > 0);
    unlink(empty);
    assert_false(tw_stat_telemetry("/nowhere", &status));
}

static void a_dead_letter_takes_a_reason_that_is_no_utf_8(void **state)
{
    struct fixture *fixture = *state;
    char path[300], line[1000];
    /* "é" cut in its middle, as a reason of limited length may be */
    assert_int_equal(tw_dead_letter(fixture->dir, "t 0", "near 'caf\xc3", "\xff{", 2, NULL), 0);
    snprintf(path, sizeof path, "%s/telemetry.jsonl", fixture->dir);
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    json_t *letter = json_loads(line, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(letter, "data")), "/3s="); /* RFC 4648 */
    json_decref(letter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_end_of_one_run_of_a_file_is_not_that_of_the_others,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_is_gone_has_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_begins_anew_is_read_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(runs_are_found_behind_a_link_that_is_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            the_telemetry_of_a_run_directory_is_the_file_that_holds_something, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dead_letter_takes_a_reason_that_is_no_utf_8, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
