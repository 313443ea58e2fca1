/* When followed logs are compared: a thousand that tell nothing must cost nothing. */
#include "agent/twin_logs.h"

bool counted_comparison(const struct tw_twin_losses *a, const struct tw_twin_losses *b);
#define tw_twin_are_same counted_comparison
#include "agent/attach_twins.c"
#undef tw_twin_are_same

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static unsigned n_compared;

bool counted_comparison(const struct tw_twin_losses *a, const struct tw_twin_losses *b)
{
    n_compared++;
    return tw_twin_are_same(a, b);
}

const char *tw_attach_shown_name(const struct tw_followed *log)
{
    return log->path;
}

/* A log's form is told by its handle here. */
static const char *format_of(void *handle)
{
    return handle;
}

static void close_nothing(void *handle)
{
    (void)handle;
}

static const struct tw_source source = {.format = format_of, .close = close_nothing};
static char csv[] = "csv", lines[] = "lines";

struct fixture {
    struct tw_attach attach;
    struct tw_followed logs[3], *list[3];
};

static int set_up(void **state)
{
    static char *const forms[] = {csv, csv, lines};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture)
        return -1;
    for (size_t i = 0; i < 3; i++) {
        fixture->logs[i] = (struct tw_followed){.attach = &fixture->attach, .path = forms[i]};
        fixture->logs[i].analysis.source = &source;
        fixture->logs[i].analysis.handle = forms[i];
        fixture->list[i] = &fixture->logs[i];
    }
    fixture->attach.logs = fixture->list;
    fixture->attach.n_logs = 3;
    fixture->attach.out = tmpfile();
    fixture->attach.prefix = "";
    n_compared = 0;
    *state = fixture;
    return fixture->attach.out ? 0 : -1;
}

static int tear_down(void **state)
{
    fclose(((struct fixture *)*state)->attach.out);
    free(*state);
    return 0;
}

static void tell(struct tw_followed *log, uint64_t first, uint64_t last, double scale)
{
    for (uint64_t step = first; step <= last; step++) {
        log->losses.at[log->losses.n].step = step;
        log->losses.at[log->losses.n++].loss = scale / (double)step;
    }
    tw_attach_leave_twin(log);
}

static void logs_that_tell_no_loss_are_not_compared(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++)
        tell(&fixture->logs[i], 1, 20, (double)(i + 1));
    unsigned first = n_compared;
    assert_int_equal(first, 2); /* those of two forms */
    for (size_t i = 0; i < 3; i++)
        tw_attach_leave_twin(&fixture->logs[i]);
    assert_int_equal(n_compared, first);
}

static void a_twin_is_left_by_whichever_tells_last(void **state)
{
    struct fixture *fixture = *state;
    tell(&fixture->logs[0], 1, 4, 1);
    tell(&fixture->logs[2], 1, 20, 1);
    assert_false(fixture->logs[0].is_twin || fixture->logs[2].is_twin);
    fixture->logs[0].is_output = true; /* the lesser one */
    tell(&fixture->logs[0], 5, 20, 1);
    assert_true(fixture->logs[0].is_twin && fixture->logs[0].has_ended);
    assert_null(fixture->logs[0].analysis.handle);
    assert_false(fixture->logs[2].is_twin);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(logs_that_tell_no_loss_are_not_compared),
        TEST(a_twin_is_left_by_whichever_tells_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
