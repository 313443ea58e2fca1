/* The small picture beside an advisory. */
#include "agent/episode_chart.h"

#include "watch_fixture.h"

/* Step i of a run whose loss is 1000 - i: means of blocks are easy to say. */
static void draw(const struct fixture *fixture, unsigned steps, struct tw_episode_chart *ret)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(fixture, &documents);
    struct tw_record record;
    tw_record_init(&record);
    snprintf(record.run, sizeof record.run, "falls");
    for (unsigned i = 0; i < steps; i++) {
        record.has = TW_HAS_STEP;
        record.step = i;
        tw_record_set(&record, TW_SIGNAL_LOSS, 1000. - i);
        assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
    }
    tw_episode_chart_draw(tw_watch_find(watch, "falls"), ret);
    tw_watch_close(watch);
    free(documents.text);
}

static void assert_point(const struct tw_episode_chart *chart, size_t i, uint64_t step,
                         double value)
{
    assert_int_equal(chart->points[i].step, step);
    assert_true(fabs(chart->points[i].value - value) < 1e-3);
}

static void short_runs_are_drawn_loss_by_loss(void **state)
{
    struct tw_episode_chart chart;
    draw(*state, 1, &chart);
    assert_int_equal(chart.n, 0);
    draw(*state, 50, &chart);
    assert_string_equal(chart.signal, "loss");
    assert_int_equal(chart.n, 50);
    for (size_t i = 0; i < 50; i++)
        assert_point(&chart, i, i, 1000. - (double)i);
}

/* 900 losses are 112 blocks of 8, of which two make a point: 16 losses, whose mean lies 7.5 below
 * the first. The newest 32 begin at step 868, in the middle of such a pair. */
static void long_runs_are_drawn_in_blocks_up_to_the_newest_losses(void **state)
{
    struct tw_episode_chart chart;
    draw(*state, 900, &chart);
    assert_int_equal(chart.n, 55 + 32);
    for (size_t i = 0; i < 55; i++)
        assert_point(&chart, i, 16 * i, 1000 - 16 * (double)i - 7.5);
    for (size_t i = 0; i < 32; i++)
        assert_point(&chart, 55 + i, 868 + i, 1000 - 868 - (double)i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(short_runs_are_drawn_loss_by_loss, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_runs_are_drawn_in_blocks_up_to_the_newest_losses,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
