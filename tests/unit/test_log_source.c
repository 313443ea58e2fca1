/* The source "log" over files made here: key=value lines stand for all formats. */
#include "sources/source.h"

#include "failing_files.h"
#include "temporary_directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct tw_source tw_source_log;
static const struct tw_source *const source = &tw_source_log;

struct fixture {
    char *dir, path[200];
    void *handle;
    char text[20000]; /* what came */
    char reason[200]; /* of what was broken */
    size_t used;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->dir = make_directory();
    snprintf(fixture->path, sizeof fixture->path, "%s/log", fixture->dir);
    *state = fixture;
    return fixture->dir ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    source->close(fixture->handle);
    remove_directory(fixture->dir);
    free(fixture);
    return 0;
}

/* Its time moves on, as a slower writer's would. */
static void put(const char *path, const char *how, const char *text)
{
    static time_t second = 1000000000;
    FILE *file = fopen(path, how);
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    struct timespec times[2] = {{.tv_sec = ++second}, {.tv_sec = second}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void put_steps(struct fixture *fixture, const char *how, int first, int last, int loss)
{
    char text[4000];
    size_t used = 0;
    for (int step = first; step <= last; step++)
        used += (size_t)snprintf(text + used, sizeof text - used, "step=%d loss=%d\n", step,
                                 loss + step);
    put(fixture->path, how, text);
}

static void open_log(struct fixture *fixture, bool follow)
{
    struct tw_source_request request = {.path = fixture->path, .follow = follow, .run = "r"};
    struct tw_error error = {0};
    assert_int_equal(source->open(&fixture->handle, &request, &error), 0);
}

/* Reads what there is: "1:11 2:12 " step and loss, " resume ", " broken ". Returns how it ended. */
static int read_all(struct fixture *fixture)
{
    struct tw_source_item item;
    int next;
    int64_t offset = 0;
    while ((next = source->next(fixture->handle, 0, &item, NULL)) == TW_NEXT_RECORD ||
           next == TW_NEXT_BROKEN) {
        char *to = fixture->text + fixture->used;
        size_t room = sizeof fixture->text - fixture->used;
        if (next == TW_NEXT_BROKEN)
            memcpy(fixture->reason, item.reason, sizeof item.reason);
        if (next == TW_NEXT_BROKEN)
            fixture->used += (size_t)snprintf(to, room, "broken ");
        else if (item.record->kind == TW_KIND_STEP)
            fixture->used +=
                (size_t)snprintf(to, room, "%llu:%g ", (unsigned long long)item.record->step,
                                 item.record->signal[TW_SIGNAL_LOSS]);
        else if (item.record->kind == TW_KIND_EVENT)
            fixture->used += (size_t)snprintf(to, room, "%s ", item.record->event);
        assert_true(item.position.offset >= offset);
        offset = item.position.offset;
    }
    return next;
}

static void expect(struct fixture *fixture, int next, const char *text)
{
    fixture->used = 0;
    fixture->text[0] = '\0';
    assert_int_equal(read_all(fixture), next);
    assert_string_equal(fixture->text, text);
}

static void a_log_is_read_to_its_end(void **state)
{
    put_steps(*state, "w", 1, 3, 10);
    put(((struct fixture *)*state)->path, "a", "step=4 loss=14"); /* no newline */
    open_log(*state, false);
    expect(*state, TW_NEXT_END, "1:11 2:12 3:13 4:14 ");
}

static void a_log_that_grows_is_followed_and_half_a_line_waits(void **state)
{
    struct fixture *fixture = *state;
    put_steps(fixture, "w", 1, 8, 10);
    open_log(fixture, true);
    expect(fixture, TW_NEXT_WAIT, "1:11 2:12 3:13 4:14 5:15 6:16 7:17 8:18 ");
    put(fixture->path, "a", "step=9 lo");
    expect(fixture, TW_NEXT_WAIT, "");
    put(fixture->path, "a", "ss=19\n");
    expect(fixture, TW_NEXT_WAIT, "9:19 ");
}

/* ... while somebody writes it. */
static void a_log_that_fails_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    put_steps(fixture, "w", 1, 8, 10);
    open_log(fixture, true);
    expect(fixture, TW_NEXT_WAIT, "1:11 2:12 3:13 4:14 5:15 6:16 7:17 8:18 ");
    put(fixture->path, "a", "step=9 loss=19\n");
    reading_fails(EIO);
    expect(fixture, TW_NEXT_WAIT, "");
    files_are_well();
    expect(fixture, TW_NEXT_WAIT, "9:19 ");
    reading_fails(EIO);
    source->no_more(fixture->handle);
    expect(fixture, -EIO, "");
    files_are_well();
}

static void a_file_that_is_written_anew_with_more_tells_what_is_new(void **state)
{
    struct fixture *fixture = *state;
    put_steps(fixture, "w", 1, 8, 10);
    open_log(fixture, true);
    expect(fixture, TW_NEXT_WAIT, "1:11 2:12 3:13 4:14 5:15 6:16 7:17 8:18 ");
    put(fixture->path, "w", "# another line first\n");
    put_steps(fixture, "a", 1, 10, 10);
    expect(fixture, TW_NEXT_WAIT, "9:19 10:20 ");
}

static void a_file_that_is_written_anew_with_other_rows_is_another_attempt(void **state)
{
    struct fixture *fixture = *state;
    put_steps(fixture, "w", 1, 8, 10);
    open_log(fixture, true);
    expect(fixture, TW_NEXT_WAIT, "1:11 2:12 3:13 4:14 5:15 6:16 7:17 8:18 ");
    put_steps(fixture, "w", 1, 3, 50);
    expect(fixture, TW_NEXT_WAIT, "resume 1:51 2:52 3:53 ");
}

/* What was read up to step 4 is the same; then it was trained on from there. */
static void a_file_that_differs_from_some_row_on_was_resumed_there(void **state)
{
    struct fixture *fixture = *state;
    put_steps(fixture, "w", 1, 8, 10);
    open_log(fixture, true);
    expect(fixture, TW_NEXT_WAIT, "1:11 2:12 3:13 4:14 5:15 6:16 7:17 8:18 ");
    put_steps(fixture, "w", 1, 4, 10);
    put_steps(fixture, "a", 5, 9, 50);
    expect(fixture, TW_NEXT_WAIT, "resume 5:55 6:56 7:57 8:58 9:59 ");
}

static void a_log_that_is_deleted_ends(void **state)
{
    struct fixture *fixture = *state;
    put_steps(fixture, "w", 1, 8, 10);
    open_log(fixture, true);
    expect(fixture, TW_NEXT_WAIT, "1:11 2:12 3:13 4:14 5:15 6:16 7:17 8:18 ");
    assert_int_equal(unlink(fixture->path), 0);
    expect(fixture, TW_NEXT_WAIT, ""); /* another may come at once */
    while (read_all(fixture) == TW_NEXT_WAIT)
        usleep(10000);
    expect(fixture, TW_NEXT_END, "");
}

/* The steps of the next file go on, and are no other attempt. */
static void a_log_that_is_rotated_goes_on(void **state)
{
    struct fixture *fixture = *state;
    char rotated[220];
    snprintf(rotated, sizeof rotated, "%s.1", fixture->path);
    put_steps(fixture, "w", 1, 8, 10);
    open_log(fixture, true);
    expect(fixture, TW_NEXT_WAIT, "1:11 2:12 3:13 4:14 5:15 6:16 7:17 8:18 ");
    put_steps(fixture, "a", 9, 9, 10);
    assert_int_equal(rename(fixture->path, rotated), 0);
    expect(fixture, TW_NEXT_WAIT, "9:19 ");
    put_steps(fixture, "w", 10, 20, 10);
    expect(fixture, TW_NEXT_WAIT,
           "10:20 11:21 12:22 13:23 14:24 15:25 16:26 17:27 18:28 19:29 20:30 ");
}

static void what_is_no_log_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tw_source_request request = {.path = fixture->path, .run = "r"};
    struct tw_error error = {0};
    put(fixture->path, "w", "no log\n");
    assert_true(source->open(&fixture->handle, &request, &error) < 0);
    assert_string_equal(error.place, fixture->path);
    assert_int_equal(source->probe(fixture->path, NULL), 0);
    put(fixture->path, "w", "status=200 seconds=0.5\nstatus=404 seconds=0.25\n");
    assert_true(source->probe(fixture->path, NULL) < 12);
    assert_true(source->open(&fixture->handle, &request, &error) < 0);
}

static void a_name_may_be_mapped_and_is_told(void **state)
{
    struct fixture *fixture = *state;
    char *entry = (char *)(size_t) "foo=loss";
    const struct tw_texts map = {1, &entry};
    struct tw_source_request request = {.path = fixture->path, .run = "r", .map = &map};
    put(fixture->path, "w", "step=1 foo=3 loss=1\nstep=2 foo=2 loss=1\n");
    assert_int_equal(source->open(&fixture->handle, &request, NULL), 0);
    expect(fixture, TW_NEXT_END, "1:3 2:2 ");
    assert_string_equal(source->raw_name(fixture->handle, "r", TW_SIGNAL_LOSS), "foo");
    assert_string_equal(source->axis(fixture->handle, "r"), "step");
    assert_string_equal(source->format(fixture->handle), "key_values");
}

static void names_in_text_and_tables_may_be_mapped(void **state)
{
    struct fixture *fixture = *state;
    static const char *const logs[] = {
        "Epoch 1 step 1 | wibble: 3\nEpoch 1 step 2 | wibble: 2\nEpoch 1 step 3 | wibble: 1\n",
        "step,wibble\n1,3\n2,2\n3,1\n",
        "step=1 wibble=3\nstep=2 wibble=2\nstep=3 wibble=1\n",
        "{\"step\":1,\"wibble\":3}\n{\"step\":2,\"wibble\":2}\n{\"step\":3,\"wibble\":1}\n",
    };
    char *entry = (char *)(size_t) "wibble=loss";
    const struct tw_texts map = {1, &entry};
    struct tw_source_request request = {.path = fixture->path, .run = "r", .map = &map};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        put(fixture->path, "w", logs[i]);
        assert_true(source->probe(fixture->path, NULL) < 12);
        assert_true(source->probe(fixture->path, &map) >= 50);
        assert_int_equal(source->open(&fixture->handle, &request, NULL), 0);
        expect(fixture, TW_NEXT_END, "1:3 2:2 3:1 ");
        source->close(fixture->handle);
        fixture->handle = NULL;
        fixture->used = 0;
    }
}

static void parts_of_a_folder_are_merged_by_step(void **state)
{
    struct fixture *fixture = *state;
    struct tw_source_item item;
    char path[80];
    int next;
    unsigned evals = 0;
    uint64_t last = 0;
    static const char *const parts[] = {"train", "validation"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", fixture->dir, parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(fixture->path, sizeof fixture->path, "%s/events.out.tfevents.%d", path, i);
        put_steps(fixture, "w", 1, 50, 10 * i);
    }
    snprintf(fixture->path, sizeof fixture->path, "%s", fixture->dir);
    open_log(fixture, false);
    while ((next = source->next(fixture->handle, 0, &item, NULL)) == TW_NEXT_RECORD) {
        if (item.record->kind != TW_KIND_EVAL)
            continue;
        assert_true(item.record->step > last);
        last = item.record->step;
        assert_true(item.record->signal[TW_SIGNAL_EVAL_LOSS] == (double)(10 + last));
        evals++;
    }
    assert_int_equal(next, TW_NEXT_END);
    assert_int_equal(evals, 50);
}

/* Of two steps each: what is shorter may become a true event file. */
static void put_event_file(struct fixture *fixture, int n)
{
    snprintf(fixture->path, sizeof fixture->path, "%s/events.out.tfevents.%d.h", fixture->dir, n);
    put_steps(fixture, "w", 2 * n, 2 * n + 1, 10);
}

static void name_steps(char *ret, int first, int last)
{
    for (int step = first; step <= last; step++)
        ret += sprintf(ret, "%d:%d ", step, 10 + step);
}

/* As many descriptors as are needed for half as many files. */
static void files_that_are_left_out_are_told_once(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit limit, few;
    char text[1000] = "broken ", *steps = text + strlen(text);
    for (int i = 1; i <= 25; i++)
        put_event_file(fixture, i);
    snprintf(fixture->path, sizeof fixture->path, "%s", fixture->dir);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = 40;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    open_log(fixture, true);
    name_steps(steps, 12, 51);
    expect(fixture, TW_NEXT_WAIT, text);
    assert_string_equal(fixture->reason, "5 of 25 files are left out: no more than the newest 20 "
                                         "are read at once");
    /* One that comes while they are followed is read, too. */
    put_event_file(fixture, 26);
    struct tw_source_item item;
    int next = TW_NEXT_WAIT;
    for (int i = 0; i < 100 && next == TW_NEXT_WAIT; i++)
        next = source->next(fixture->handle, .25, &item, NULL);
    assert_int_equal(next, TW_NEXT_RECORD);
    assert_int_equal(item.record->step, 52);
    expect(fixture, TW_NEXT_WAIT, "53:63 ");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_is_read_to_its_end),
        TEST(a_log_that_grows_is_followed_and_half_a_line_waits),
        TEST(a_log_that_fails_is_waited_for),
        TEST(a_file_that_is_written_anew_with_more_tells_what_is_new),
        TEST(a_file_that_is_written_anew_with_other_rows_is_another_attempt),
        TEST(a_file_that_differs_from_some_row_on_was_resumed_there),
        TEST(a_log_that_is_deleted_ends),
        TEST(a_log_that_is_rotated_goes_on),
        TEST(what_is_no_log_is_refused),
        TEST(a_name_may_be_mapped_and_is_told),
        TEST(names_in_text_and_tables_may_be_mapped),
        TEST(parts_of_a_folder_are_merged_by_step),
        TEST(files_that_are_left_out_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
