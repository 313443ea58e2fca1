/* The run table and the queue of unsaved runs, against plain arrays. */
#include "agent/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUNS 1000

static struct tw_run *runs[RUNS];

static int make_runs(void **state)
{
    (void)state;
    for (int i = 0; i < RUNS; i++) {
        runs[i] = calloc(1, sizeof *runs[i]);
        /* Ids of all lengths up to two words, so that every tail of the hash is met. */
        snprintf(runs[i]->core.id, sizeof runs[i]->core.id, "%.*s%d", i % 13, "run-of-many-s", i);
    }
    return 0;
}

static int free_runs(void **state)
{
    (void)state;
    for (int i = 0; i < RUNS; i++)
        free(runs[i]);
    return 0;
}

static void every_run_is_found_and_no_other(void **state)
{
    struct tw_run_table table = {0};
    (void)state;
    assert_null(tw_run_table_find(&table, "run"));
    for (int i = 0; i < RUNS; i++)
        assert_int_equal(tw_run_table_add(&table, runs[i]), 0);
    assert_int_equal(table.n, RUNS);
    for (int i = 0; i < RUNS; i++) {
        uint64_t hash = tw_run_table_hash(runs[i]->core.id, strlen(runs[i]->core.id));
        assert_ptr_equal(tw_run_table_find(&table, runs[i]->core.id), runs[i]);
        assert_ptr_equal(tw_run_table_guess(&table, hash), runs[i]);
    }
    assert_null(tw_run_table_find(&table, "run"));
    tw_run_table_release(&table);
}

/* Removing moves others up: all that is left must still be found, in order of first sight. */
static void what_is_removed_is_gone_and_the_rest_stays(void **state)
{
    struct tw_run_table table = {0};
    (void)state;
    for (int i = 0; i < RUNS; i++)
        assert_int_equal(tw_run_table_add(&table, runs[i]), 0);
    for (int i = 0; i < RUNS; i++) {
        if (i % 3 != 1)
            tw_run_table_remove(&table, runs[i]);
        for (int k = i; k < RUNS; k += 97)
            assert_true(k == i || tw_run_table_find(&table, runs[k]->core.id) == runs[k]);
    }
    const struct tw_run *at = table.first;
    for (int i = 1; i < RUNS; i += 3, at = at->links.later) {
        assert_ptr_equal(at, runs[i]);
        assert_ptr_equal(tw_run_table_find(&table, runs[i]->core.id), runs[i]);
        assert_null(tw_run_table_find(&table, runs[i - 1]->core.id));
    }
    assert_null(at);
    assert_int_equal(table.n, RUNS / 3);
    tw_run_table_release(&table);
}

static void unsaved_runs_wait_in_the_order_of_their_first_record(void **state)
{
    struct tw_unsaved queue = {0};
    (void)state;
    for (int i = 0; i < 5; i++)
        tw_unsaved_add(&queue, runs[i], 100 + i, i);
    tw_unsaved_add(&queue, runs[0], 200, 9); /* its first record still decides */
    assert_int_equal(queue.n, 5);
    assert_ptr_equal(queue.first, runs[0]);
    assert_int_equal(queue.first->unsaved.offset, 100);
    tw_unsaved_remove(&queue, runs[0]);
    tw_unsaved_remove(&queue, runs[2]);
    tw_unsaved_remove(&queue, runs[2]); /* is not in it any more */
    assert_false(runs[2]->is_dirty);
    tw_unsaved_add(&queue, runs[0], 201, 10); /* saved, and changed again: behind the others */
    static const int order[] = {1, 3, 4, 0};
    for (int i = 0; i < 4; i++) {
        assert_ptr_equal(queue.first, runs[order[i]]);
        assert_true(queue.first->is_dirty);
        tw_unsaved_remove(&queue, queue.first);
    }
    assert_null(queue.first);
    assert_null(queue.last);
    assert_int_equal(queue.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_run_is_found_and_no_other, make_runs, free_runs),
        cmocka_unit_test_setup_teardown(what_is_removed_is_gone_and_the_rest_stays, make_runs,
                                        free_runs),
        cmocka_unit_test_setup_teardown(unsaved_runs_wait_in_the_order_of_their_first_record,
                                        make_runs, free_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
