/* Records of several ranks: how they become one, in which order, and who is waited for. */
#include "agent/ranks.h"
#include "agent/ranks_combine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_MS 1700000000000

static const struct tw_rank_lag_config config = {
    .rank_steps = 48, .rank_back_steps = 8, .rank_seconds = 5, .rank_intervals = 20};

/* ---- one record of several ---- */

static struct tw_record step_of(uint32_t rank, uint64_t step, double loss)
{
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r");
    record.rank = rank;
    record.step = step;
    record.time_ms = START_MS + 1000 * (int64_t)step + rank;
    record.has = TW_HAS_RANK | TW_HAS_STEP | TW_HAS_TIME | TW_HAS_KIND;
    record.kind = TW_KIND_STEP;
    if (loss != 0)
        tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    return record;
}

static void a_step_is_the_median_the_largest_or_the_sum(void **state)
{
    struct tw_record parts[4], one;
    static const double losses[] = {10, 1, 3, 2}, seconds[] = {.1, .4, .2, .3};
    (void)state;
    tw_record_init(&one);
    for (uint32_t i = 0; i < 4; i++) {
        parts[i] = step_of(i, 7, losses[i]);
        tw_record_set(&parts[i], TW_SIGNAL_STEP_SECONDS, seconds[i]);
        tw_record_set(&parts[i], TW_SIGNAL_SKIPPED_STEPS, i == 2);
        tw_record_set(&parts[i], TW_SIGNAL_DROPPED_RECORDS, i);
        tw_record_set(&parts[i], TW_SIGNAL_SAMPLES, 640);
    }
    tw_record_set(&parts[3], TW_SIGNAL_LEARNING_RATE, .5);
    assert_int_equal(tw_ranks_combine(parts, 4, &one), 0);
    assert_true(one.signal[TW_SIGNAL_LOSS] == 2.5); /* between 2 and 3 of 1, 2, 3, 10 */
    assert_true(one.signal[TW_SIGNAL_STEP_SECONDS] == .4);
    assert_true(one.signal[TW_SIGNAL_SKIPPED_STEPS] == 1);
    assert_true(one.signal[TW_SIGNAL_DROPPED_RECORDS] == 6);
    assert_true(one.signal[TW_SIGNAL_SAMPLES] == 640);
    assert_true(one.signal[TW_SIGNAL_LEARNING_RATE] == .5);
    assert_false(tw_record_has(&one, TW_SIGNAL_GRAD_NORM));
    assert_int_equal(one.step, 7);
    assert_int_equal(one.rank, 0);
    assert_int_equal(one.time_ms, START_MS + 7003);
    assert_int_equal(tw_ranks_combine(parts, 3, &one), 0);
    assert_true(one.signal[TW_SIGNAL_LOSS] == 3); /* of 1, 3, 10 */
    tw_record_clear(&one);
}

static void what_is_not_finite_wins(void **state)
{
    struct tw_record parts[3], one;
    (void)state;
    tw_record_init(&one);
    for (uint32_t i = 0; i < 3; i++) {
        parts[i] = step_of(i, 1, 2);
        tw_record_set(&parts[i], TW_SIGNAL_GRAD_NORM, i == 2 ? INFINITY : 1);
        tw_record_set(&parts[i], TW_SIGNAL_UPDATE_NORM, i == 1 ? -INFINITY : INFINITY);
        tw_record_set(&parts[i], TW_SIGNAL_OVERFLOW, i == 1);
    }
    tw_record_set(&parts[1], TW_SIGNAL_LOSS, NAN);
    assert_int_equal(tw_ranks_combine(parts, 3, &one), 0);
    assert_true(isnan(one.signal[TW_SIGNAL_LOSS]));
    assert_true(one.signal[TW_SIGNAL_GRAD_NORM] == INFINITY);
    assert_true(one.signal[TW_SIGNAL_UPDATE_NORM] == INFINITY);
    assert_true(one.signal[TW_SIGNAL_OVERFLOW] == 1);
    tw_record_clear(&one);
}

static struct tw_record layers_of(uint32_t rank, uint64_t step, const float norms[2],
                                  const float counts[2])
{
    struct tw_record record = step_of(rank, step, 0);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 2);
    layers->header_hash = 5;
    memcpy(tw_layers_add_column(layers, TW_LAYER_GRAD_NORM), norms, 2 * sizeof *norms);
    memcpy(tw_layers_add_column(layers, TW_LAYER_NONFINITE), counts, 2 * sizeof *counts);
    return record;
}

static void layers_are_medians_and_counts_are_sums(void **state)
{
    static const float norms[3][2] = {{1, NAN}, {5, NAN}, {2, INFINITY}};
    static const float counts[3][2] = {{0, 1}, {2, NAN}, {3, 4}};
    struct tw_record parts[3], one;
    (void)state;
    tw_record_init(&one);
    for (uint32_t i = 0; i < 3; i++)
        parts[i] = layers_of(i, 1, norms[i], counts[i]);
    assert_int_equal(tw_ranks_combine(parts, 3, &one), 0);
    assert_int_equal(one.layers->header_hash, 5);
    assert_true(one.layers->column[TW_LAYER_GRAD_NORM][0] == 2);
    assert_true(isinf(one.layers->column[TW_LAYER_GRAD_NORM][1]));
    assert_true(one.layers->column[TW_LAYER_NONFINITE][0] == 5);
    assert_true(one.layers->column[TW_LAYER_NONFINITE][1] == 5);
    assert_null(one.layers->column[TW_LAYER_DEAD_FRACTION]);
    /* Another model's layers are left out. */
    parts[1].layers->header_hash = 6;
    assert_int_equal(tw_ranks_combine(parts, 3, &one), 0);
    assert_true(one.layers->column[TW_LAYER_GRAD_NORM][0] == 1.5f);
    for (int i = 0; i < 3; i++)
        tw_record_clear(&parts[i]);
    tw_record_clear(&one);
}

static void evaluations_are_medians_by_name(void **state)
{
    struct tw_record parts[3], one;
    (void)state;
    tw_record_init(&one);
    for (uint32_t i = 0; i < 3; i++) {
        parts[i] = step_of(i, 1, 0);
        parts[i].kind = TW_KIND_EVAL;
        tw_record_set(&parts[i], TW_SIGNAL_EVAL_LOSS, i + 1);
        if (i)
            tw_record_add_metric(&parts[i], i == 1 ? "accuracy" : "f1", .1 * i);
    }
    tw_record_add_metric(&parts[2], "accuracy", .3);
    assert_int_equal(tw_ranks_combine(parts, 3, &one), 0);
    assert_true(one.signal[TW_SIGNAL_EVAL_LOSS] == 2);
    assert_int_equal(one.n_metrics, 2);
    assert_string_equal(one.metrics[0].name, "accuracy");
    assert_true(fabs(one.metrics[0].value - .2) < 1e-15);
    assert_string_equal(one.metrics[1].name, "f1");
    tw_record_clear(&one);
}

/* ---- order ---- */

struct fixture {
    struct tw_ranks *ranks;
    struct tw_record got; /* the newest given out */
    unsigned n_got;
    struct tw_report report;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->ranks = tw_ranks_new();
    tw_record_init(&fixture->got);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_ranks_free(fixture->ranks);
    tw_record_clear(&fixture->got);
    free(fixture);
    return 0;
}

/* The records that are ready; checks that they come in order of step. */
static unsigned drain(struct fixture *fixture)
{
    unsigned n = 0;
    uint64_t last = fixture->n_got ? fixture->got.step : 0;
    fixture->report = (struct tw_report){0};
    while (tw_ranks_next(fixture->ranks, &config, &fixture->got) == 1) {
        n++;
        if (fixture->got.kind == TW_KIND_STEP) {
            assert_true(fixture->got.step >= last);
            last = fixture->got.step;
            tw_ranks_judge(fixture->ranks, &config, &fixture->report);
        }
    }
    fixture->n_got += n;
    return n;
}

static unsigned give(struct fixture *fixture, struct tw_record record)
{
    int use = tw_ranks_take(fixture->ranks, &record, record.time_ms);
    assert_true(use >= 0);
    tw_record_clear(&record);
    if (use == TW_RANKS_DIRECT) {
        fixture->n_got++;
        return 1;
    }
    return drain(fixture);
}

static unsigned declare(struct fixture *fixture, uint32_t rank, uint64_t world_size)
{
    struct tw_record record = step_of(rank, 0, 0);
    record.kind = TW_KIND_HEADER;
    record.has &= ~TW_HAS_STEP;
    tw_record_add_header(&record)->world_size = world_size;
    return give(fixture, record);
}

static struct tw_record end_of(uint32_t rank, uint64_t step, enum tw_end_status status)
{
    struct tw_record record = step_of(rank, step, 0);
    record.kind = TW_KIND_END;
    record.status = status;
    record.has &= ~TW_HAS_STEP;
    return record;
}

static void a_step_is_judged_once_all_have_told_of_it(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(declare(fixture, 0, 3), 1);
    assert_int_equal(give(fixture, step_of(1, 1, 3)), 0);
    assert_int_equal(give(fixture, step_of(0, 1, 1)), 0);
    assert_int_equal(give(fixture, step_of(0, 2, 1)), 0);
    assert_int_equal(give(fixture, step_of(2, 1, 8)), 1);
    assert_int_equal(fixture->got.step, 1);
    assert_true(fixture->got.signal[TW_SIGNAL_LOSS] == 3);
    assert_int_equal(give(fixture, step_of(2, 2, 1)), 0);
    /* Rank 1 leaves out step 2: it has passed. */
    assert_int_equal(give(fixture, step_of(1, 3, 1)), 1);
    assert_int_equal(fixture->got.step, 2);
    assert_int_equal(tw_ranks_counted(fixture->ranks), 0);
    assert_int_equal(give(fixture, step_of(1, 2, 7)), 0); /* too late, without a number */
    assert_int_equal(tw_ranks_counted(fixture->ranks), 1);
}

static void a_step_waits_for_no_more_than_the_window(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 2);
    give(fixture, step_of(0, 1, 1));
    assert_int_equal(give(fixture, step_of(1, 1, 1)), 1);
    for (uint64_t step = 2; step < 2 + TW_RANKS_WINDOW; step++) {
        struct tw_record record = step_of(0, step, 1);
        record.time_ms = START_MS + (int64_t)step; /* too short a time for a silence */
        assert_int_equal(give(fixture, record), 0);
    }
    struct tw_record ahead = step_of(0, 2 + TW_RANKS_WINDOW, 1);
    ahead.time_ms = START_MS + 100;
    assert_int_equal(give(fixture, ahead), 1);
    assert_int_equal(fixture->got.step, 2);
    assert_int_equal(give(fixture, step_of(1, 2, 5)), 0);
    assert_int_equal(tw_ranks_counted(fixture->ranks), 1);
    assert_int_equal(give(fixture, step_of(1, 3, 5)), 1);
    assert_true(fixture->got.signal[TW_SIGNAL_LOSS] == 3); /* between 1 and 5 */
}

static void evaluations_follow_their_step_and_wait_for_nobody_who_sends_none(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 2);
    for (int twice = 0; twice < 2; twice++) {
        uint64_t step = 10 + (uint64_t)twice;
        struct tw_record eval = step_of(0, step, 0);
        eval.kind = TW_KIND_EVAL;
        tw_record_set(&eval, TW_SIGNAL_EVAL_LOSS, 4);
        give(fixture, step_of(0, step, 1));
        give(fixture, eval);
        assert_int_equal(give(fixture, step_of(1, step, 1)), 1);
        assert_int_equal(fixture->got.kind, TW_KIND_STEP);
        assert_int_equal(give(fixture, step_of(0, step + 1, 1)), 0);
        assert_int_equal(give(fixture, step_of(1, step + 1, 1)), 2);
        assert_int_equal(fixture->got.kind, TW_KIND_STEP);
        assert_int_equal(fixture->got.step, step + 1);
        fixture->ranks = (tw_ranks_free(fixture->ranks), tw_ranks_new());
        fixture->n_got = 0;
        declare(fixture, 0, 2);
    }
}

static void each_ranks_checkpoint_is_one_event(void **state)
{
    struct fixture *fixture = *state;
    unsigned events = 0;
    declare(fixture, 0, 3);
    for (uint64_t step = 1; step <= 3; step++) {
        for (uint32_t rank = 0; rank < 3; rank++) {
            struct tw_record event = step_of(rank, step, 0);
            event.kind = TW_KIND_EVENT;
            strcpy(event.event, "checkpoint");
            give(fixture, step_of(rank, step, 1));
            if (step == 2)
                give(fixture, event);
            events += fixture->got.kind == TW_KIND_EVENT;
        }
    }
    assert_int_equal(events, 0); /* the newest given out is always the step behind it */
    assert_int_equal(fixture->n_got, 1 + 3 + 1);
}

/* ---- who takes part ---- */

static void where_rank_0_alone_reports_the_others_are_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    unsigned got = 0;
    assert_int_equal(declare(fixture, 0, 8), 1);
    for (uint64_t step = 1; step <= 5; step++)
        got += give(fixture, step_of(0, step, 1));
    assert_int_equal(got, 0); /* for five seconds they may yet come */
    got += give(fixture, step_of(0, 6, 1));
    assert_int_equal(got, 6);
    for (uint64_t step = 7; step <= 300; step++)
        assert_int_equal(give(fixture, step_of(0, step, 1)), 1);
    /* A late joiner takes part from then on. */
    assert_int_equal(give(fixture, step_of(5, 300, 9)), 0);
    assert_int_equal(tw_ranks_counted(fixture->ranks), 1);
    assert_int_equal(give(fixture, step_of(0, 301, 1)), 0);
    assert_int_equal(give(fixture, step_of(5, 301, 9)), 1);
    assert_true(fixture->got.signal[TW_SIGNAL_LOSS] == 5);
}

static void without_times_the_others_are_not_waited_for_at_all(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 8);
    struct tw_record record = step_of(0, 1, 1);
    record.has &= ~TW_HAS_TIME;
    assert_int_equal(give(fixture, record), 1);
}

static void a_world_that_is_not_told_is_whoever_has_come(void **state)
{
    struct fixture *fixture = *state;
    tw_ranks_start_at(fixture->ranks, 10, START_MS + 10000); /* rank 0 was judged alone */
    assert_int_equal(give(fixture, step_of(4000000000u, 10, 3)), 0);
    assert_int_equal(give(fixture, step_of(17, 11, 3)), 0);
    assert_int_equal(give(fixture, step_of(0, 11, 1)), 0);
    assert_int_equal(give(fixture, step_of(4000000000u, 11, 2)), 1);
    assert_true(fixture->got.signal[TW_SIGNAL_LOSS] == 2);
    assert_int_equal(declare(fixture, 0, 3), 1); /* late: in its place behind step 11 */
    assert_int_equal(fixture->got.kind, TW_KIND_HEADER);
}

static void ranks_that_count_from_one_have_their_first_as_lead(void **state)
{
    struct fixture *fixture = *state;
    unsigned headers = 0;
    for (uint32_t rank = 3; rank >= 1; rank--)
        assert_int_equal(declare(fixture, rank, 3), 0);
    for (uint32_t rank = 1; rank <= 3; rank++)
        headers += give(fixture, step_of(rank, 1, rank));
    assert_int_equal(headers, 2); /* rank 1's header in place of rank 0's, and the step */
    assert_true(fixture->got.signal[TW_SIGNAL_LOSS] == 2);
    assert_int_equal(give(fixture, end_of(1, 1, TW_END_COMPLETED)), 1);
    assert_int_equal(fixture->got.kind, TW_KIND_END);
}

/* ---- silence ---- */

static const struct tw_condition *reported(const struct fixture *fixture)
{
    return fixture->report.n ? &fixture->report.conditions[0] : NULL;
}

/* Feeds all ranks but `left_out` with the steps first..last of `ms` each. Returns the step at which
 * something was said, 0 for never. */
static uint64_t feed_but(struct fixture *fixture, uint32_t left_out, uint64_t first, uint64_t last,
                         int64_t ms, uint64_t every)
{
    for (uint64_t step = first; step <= last; step++) {
        for (uint32_t rank = 0; rank < 4; rank++) {
            struct tw_record record = step_of(rank, step, 1);
            record.time_ms = START_MS + ms * (int64_t)step;
            if (rank == left_out && (every == 0 || step % every))
                continue;
            give(fixture, record);
            if (reported(fixture))
                return step;
        }
    }
    return 0;
}

static void a_dead_rank_is_found_within_fifty_steps(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t dead = 0; dead < 4; dead += 2) {
        declare(fixture, 0, 4);
        assert_int_equal(feed_but(fixture, 9, 1, 100, 200, 0), 0);
        uint64_t step = feed_but(fixture, dead, 101, 300, 200, 0);
        assert_in_range(step, 101, 150);
        const struct tw_condition *said = reported(fixture);
        char scope[16];
        snprintf(scope, sizeof scope, "rank:%u", dead);
        assert_string_equal(said->scope, scope);
        assert_int_equal(said->state, TW_STATE_OPEN);
        assert_int_equal(said->severity, TW_SEVERITY_WARNING);
        assert_int_equal(said->onset_step, 100);
        assert_true(said->evidence.value == 48);
        /* It is not waited for any more, and not told twice. */
        fixture->report.n = 0;
        unsigned got = fixture->n_got;
        assert_int_equal(feed_but(fixture, dead, step + 1, step + 500, 200, 0), 0);
        assert_true(fixture->n_got >= got + 500);
        /* It comes back: told once it has caught up. */
        struct tw_record back = step_of(dead, step + 500, 1);
        back.time_ms = START_MS + 200 * (int64_t)(step + 500);
        give(fixture, back);
        assert_in_range(feed_but(fixture, 9, step + 501, step + 510, 200, 0), step + 501,
                        step + 502);
        assert_int_equal(reported(fixture)->state, TW_STATE_RECOVERED);
        tw_ranks_free(fixture->ranks);
        fixture->ranks = tw_ranks_new();
        fixture->got.step = 0;
    }
}

static void two_ranks_that_die_are_told_both(void **state)
{
    struct fixture *fixture = *state;
    char scopes[2][8] = {"", ""};
    unsigned n = 0;
    declare(fixture, 0, 4);
    feed_but(fixture, 9, 1, 100, 200, 0);
    for (uint64_t step = 101; step <= 300; step++) {
        for (uint32_t rank = 0; rank < 4; rank++) {
            struct tw_record record = step_of(rank, step, 1);
            record.time_ms = START_MS + 200 * (int64_t)step;
            if (rank == 1 || (rank == 3 && step > 120))
                continue;
            give(fixture, record);
            for (uint32_t i = 0; i < fixture->report.n && n < 2; i++)
                memcpy(scopes[n++], fixture->report.conditions[i].scope, 7);
            fixture->report.n = 0;
        }
    }
    assert_string_equal(scopes[0], "rank:1");
    assert_string_equal(scopes[1], "rank:3");
}

static void a_slow_rank_is_not_silent(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 2);
    /* Rank 1 is 60 steps of 10 ms behind: less than a second. */
    for (uint64_t step = 1; step <= 2000; step++) {
        for (uint32_t rank = 0; rank < 2; rank++) {
            uint64_t told = rank && step > 60 ? step - 60 : step;
            struct tw_record record = step_of(rank, told, 1);
            record.time_ms = START_MS + 10 * (int64_t)told;
            if (rank && step <= 60)
                continue;
            give(fixture, record);
            assert_null(reported(fixture));
        }
    }
    assert_int_equal(tw_ranks_counted(fixture->ranks), 0);
}

static void a_rank_that_told_of_one_step_is_not_silent(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 4);
    assert_int_equal(feed_but(fixture, 3, 1, 4000, 1000, 3500), 0);
    unsigned got = fixture->n_got;
    assert_int_equal(feed_but(fixture, 3, 4001, 4100, 1000, 0), 0);
    assert_int_equal(fixture->n_got, got + 100); /* nor waited for */
}

static void a_smaller_world_after_a_resume_is_no_silence_and_ends_one(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 4);
    feed_but(fixture, 9, 1, 100, 200, 0);
    assert_in_range(feed_but(fixture, 3, 101, 200, 200, 0), 140, 150);
    fixture->report.n = 0;
    feed_but(fixture, 3, 151, 160, 200, 0);
    declare(fixture, 0, 3); /* the advice was taken */
    fixture->got.step = 0;
    for (uint64_t step = 101; step <= 300; step++) {
        for (uint32_t rank = 0; rank < 3; rank++) {
            struct tw_record record = step_of(rank, step, 1);
            record.seq = 1000 + step;
            record.has |= TW_HAS_SEQ;
            record.time_ms = START_MS + 100000 + 200 * (int64_t)step;
            give(fixture, record);
            if (!reported(fixture))
                continue;
            assert_int_equal(step, 101);
            assert_string_equal(reported(fixture)->scope, "rank:3");
            assert_int_equal(reported(fixture)->state, TW_STATE_RECOVERED);
        }
    }
    assert_int_equal(fixture->got.step, 300);
}

static void a_rank_that_is_alone_but_not_the_first_is_judged_with_its_header(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(declare(fixture, 3, 1), 0);
    assert_int_equal(give(fixture, step_of(3, 1, 5)), 2);
    assert_int_equal(fixture->got.rank, 0);
    assert_true(fixture->got.signal[TW_SIGNAL_LOSS] == 5);
    assert_int_equal(give(fixture, step_of(3, 2, 5)), 1);
}

static void a_rank_that_tells_of_few_steps_is_neither_waited_for_nor_silent(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 4);
    assert_int_equal(feed_but(fixture, 3, 1, 2000, 1000, 100), 0);
    unsigned got = fixture->n_got;
    assert_int_equal(feed_but(fixture, 3, 2001, 2050, 1000, 100), 0);
    assert_int_equal(fixture->n_got, got + 50);            /* at once */
    assert_int_equal(tw_ranks_counted(fixture->ranks), 1); /* its first: it was not known */
}

static void an_evaluation_of_all_is_no_silence(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 4);
    feed_but(fixture, 9, 1, 100, 200, 0);
    for (uint32_t rank = 0; rank < 4; rank++) {
        struct tw_record record = step_of(rank, 101, 1);
        record.time_ms = START_MS + 3600000 + rank * 1000;
        give(fixture, record);
        assert_null(reported(fixture));
    }
}

/* ---- the end, and going back ---- */

static void the_end_comes_when_all_have_reached_the_leads_last_step(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 3);
    for (uint32_t rank = 0; rank < 3; rank++)
        give(fixture, step_of(rank, 1, 1));
    give(fixture, step_of(0, 2, 1));
    give(fixture, step_of(1, 2, 1));
    assert_int_equal(give(fixture, end_of(0, 2, TW_END_COMPLETED)), 0);
    assert_int_equal(give(fixture, end_of(1, 2, TW_END_COMPLETED)), 0);
    assert_int_equal(give(fixture, step_of(2, 2, NAN)), 2);
    assert_int_equal(fixture->got.kind, TW_KIND_END);
    assert_int_equal(fixture->got.status, TW_END_COMPLETED);
    assert_int_equal(fixture->got.time_ms, START_MS + 2000); /* the lead's */
    assert_int_equal(give(fixture, end_of(2, 2, TW_END_COMPLETED)), 0);
    assert_int_equal(give(fixture, step_of(2, 3, 1)), 0);
    assert_int_equal(tw_ranks_counted(fixture->ranks), 2);
}

static void one_that_failed_makes_it_a_failure(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 2);
    give(fixture, step_of(0, 1, 1));
    give(fixture, step_of(1, 1, 1));
    give(fixture, step_of(1, 2, NAN));
    assert_int_equal(give(fixture, end_of(1, 2, TW_END_FAILED)), 0);
    assert_int_equal(give(fixture, end_of(0, 2, TW_END_INTERRUPTED)), 2);
    assert_int_equal(fixture->got.kind, TW_KIND_END);
    assert_int_equal(fixture->got.status, TW_END_FAILED);
}

static void what_waits_is_given_out_when_nothing_more_will_come(void **state)
{
    struct fixture *fixture = *state;
    declare(fixture, 0, 2);
    give(fixture, step_of(1, 1, 1));
    for (uint64_t step = 1; step <= 9; step++)
        give(fixture, step_of(0, step, 1));
    assert_int_equal(fixture->got.step, 1);
    for (uint64_t step = 2; step <= 4; step++)
        give(fixture, step_of(1, step, 1));
    assert_int_equal(fixture->got.step, 4);
    tw_ranks_flush(fixture->ranks);
    assert_int_equal(drain(fixture), 5);
    assert_int_equal(fixture->got.step, 9);
    assert_int_equal(drain(fixture), 0);
}

static struct tw_record attempt_step(uint32_t rank, const char *attempt, uint64_t seq,
                                     uint64_t step)
{
    struct tw_record record = step_of(rank, step, 1 + rank);
    snprintf(record.attempt, sizeof record.attempt, "%s-%u", attempt, rank);
    record.seq = seq;
    record.has |= TW_HAS_ATTEMPT | TW_HAS_SEQ;
    record.time_ms = START_MS + (attempt[1] == '2' ? 1000000 : 0) + 1000 * (int64_t)step;
    return record;
}

static void a_run_that_all_resume_earlier_goes_on_there(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t first = 0; first < 3; first++) { /* who is back first */
        declare(fixture, 0, 3);
        for (uint64_t step = 1; step <= 100; step++)
            for (uint32_t rank = 0; rank < 3; rank++)
                give(fixture, attempt_step(rank, "a1", step, step));
        unsigned got = fixture->n_got;
        fixture->got.step = 0; /* it may go back now */
        for (uint64_t step = 81; step <= 200; step++) {
            for (uint32_t i = 0; i < 3; i++)
                give(fixture, attempt_step((first + i) % 3, "a2", step, step));
        }
        assert_int_equal(fixture->n_got, got + 120);
        assert_true(fixture->got.signal[TW_SIGNAL_LOSS] == 2);
        assert_string_equal(fixture->got.attempt, "a2-0");
        assert_int_equal(tw_ranks_counted(fixture->ranks), 0);
        /* What an earlier process said last comes once more. */
        give(fixture, attempt_step(2, "a1", 100, 100));
        give(fixture, attempt_step(2, "a2", 200, 200));
        assert_int_equal(tw_ranks_counted(fixture->ranks), 2);
        tw_ranks_free(fixture->ranks);
        fixture->ranks = tw_ranks_new();
        fixture->n_got = 0;
        fixture->got.step = 0;
    }
}

/* ---- limits ---- */

static void a_world_of_thousands_takes_bounded_memory(void **state)
{
    struct fixture *fixture = *state;
    enum { WORLD = 5000 };
    size_t most = 0;
    declare(fixture, 0, WORLD);
    for (uint64_t step = 1; step <= 100; step++) {
        for (uint32_t rank = 0; rank < WORLD; rank++) {
            if (rank % 2 == 0 && step % 10)
                continue; /* half of them are up to nine steps behind */
            struct tw_record record = step_of(rank, step, 2);
            for (int i = 0; i < TW_SIGNAL_EVAL_LOSS; i++)
                tw_record_set(&record, (enum tw_signal)i, 1. / 3);
            if (step == 50)
                tw_record_set(&record, TW_SIGNAL_LOSS, NAN);
            give(fixture, record);
            if (tw_ranks_bytes(fixture->ranks) > most)
                most = tw_ranks_bytes(fixture->ranks);
        }
    }
    assert_in_range(most, 1, 640 << 10);
    assert_true(fixture->n_got > 50);
}

static void of_a_large_world_every_rank_counts_for_what_is_not_finite(void **state)
{
    struct fixture *fixture = *state;
    uint32_t which = 0;
    declare(fixture, 0, 500);
    for (uint64_t step = 1; step <= 2; step++) {
        for (uint32_t rank = 0; rank < 500; rank++)
            give(fixture, step_of(rank, step, step == 2 && rank == 499 ? NAN : 1 + rank / 500.));
    }
    assert_int_equal(fixture->got.step, 2);
    assert_true(isnan(fixture->got.signal[TW_SIGNAL_LOSS]));
    assert_int_equal(tw_ranks_nonfinite(fixture->ranks, &which), 1);
    assert_int_equal(which, 499);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static struct tw_record any_record(uint64_t *seed)
{
    static const char *const attempts[] = {"a", "b", "c"};
    struct tw_record record = step_of((uint32_t)(next_random(seed) % 6), 0, 0);
    record.kind = (enum tw_kind)(next_random(seed) % 20);
    if (record.kind > TW_KIND_END)
        record.kind = TW_KIND_STEP;
    record.step = next_random(seed) % 50 ? next_random(seed) % 400 : next_random(seed) << 30;
    record.time_ms = START_MS + (int64_t)(next_random(seed) % 1000000);
    record.has = (uint32_t)next_random(seed) & (TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_TIME);
    record.has |= next_random(seed) % 20 ? TW_HAS_STEP : 0;
    strcpy(record.attempt, attempts[next_random(seed) % 3]);
    record.seq = next_random(seed) % 5000;
    record.status = (enum tw_end_status)(next_random(seed) % 3);
    strcpy(record.event, next_random(seed) % 2 ? "resume" : "checkpoint");
    tw_record_set(&record, TW_SIGNAL_LOSS, next_random(seed) % 9 ? 1 : NAN);
    if (record.kind == TW_KIND_HEADER)
        tw_record_add_header(&record)->world_size = next_random(seed) % 9;
    if (record.kind == TW_KIND_LAYERS)
        tw_layers_add_column(tw_record_add_layers(&record, 1 + next_random(seed) % 900),
                             TW_LAYER_GRAD_NORM);
    return record;
}

/* Any order: nothing is lost but what is counted, and saving changes nothing. */
static void records_in_any_order_are_safe(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t run = 1; run <= 200; run++) {
        uint64_t seed = run;
        struct tw_ranks *ranks = tw_ranks_new(), *loaded;
        for (int i = 0; i < 1500; i++) {
            struct tw_record record = any_record(&seed);
            struct tw_report report = {0};
            assert_true(tw_ranks_take(ranks, &record, record.time_ms) >= 0);
            tw_record_clear(&record);
            int next;
            while ((next = tw_ranks_next(ranks, &config, &fixture->got)) == 1)
                tw_ranks_judge(ranks, &config, &report);
            assert_int_equal(next, 0);
            assert_in_range(tw_ranks_bytes(ranks), 1, 1 << 20);
            if (i % 100 != 99)
                continue;
            size_t size = tw_ranks_save(ranks, NULL);
            unsigned char *bytes = malloc(size), *again = malloc(size);
            assert_int_equal(tw_ranks_save(ranks, bytes), size);
            assert_int_equal(tw_ranks_load(&loaded, bytes, size), 0);
            assert_int_equal(tw_ranks_save(loaded, again), size);
            assert_memory_equal(bytes, again, size);
            assert_true(tw_ranks_load(&ranks, bytes, size - 1) < 0);
            tw_ranks_free(ranks);
            ranks = loaded;
            free(bytes);
            free(again);
        }
        tw_ranks_flush(ranks);
        while (tw_ranks_next(ranks, &config, &fixture->got) == 1)
            ;
        tw_ranks_free(ranks);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_the_median_the_largest_or_the_sum),
        cmocka_unit_test(what_is_not_finite_wins),
        cmocka_unit_test(layers_are_medians_and_counts_are_sums),
        cmocka_unit_test(evaluations_are_medians_by_name),
        TEST(a_step_is_judged_once_all_have_told_of_it),
        TEST(a_step_waits_for_no_more_than_the_window),
        TEST(evaluations_follow_their_step_and_wait_for_nobody_who_sends_none),
        TEST(each_ranks_checkpoint_is_one_event),
        TEST(where_rank_0_alone_reports_the_others_are_not_waited_for),
        TEST(without_times_the_others_are_not_waited_for_at_all),
        TEST(a_world_that_is_not_told_is_whoever_has_come),
        TEST(ranks_that_count_from_one_have_their_first_as_lead),
        TEST(a_dead_rank_is_found_within_fifty_steps),
        TEST(two_ranks_that_die_are_told_both),
        TEST(a_slow_rank_is_not_silent),
        TEST(a_rank_that_told_of_one_step_is_not_silent),
        TEST(a_smaller_world_after_a_resume_is_no_silence_and_ends_one),
        TEST(a_rank_that_is_alone_but_not_the_first_is_judged_with_its_header),
        TEST(a_rank_that_tells_of_few_steps_is_neither_waited_for_nor_silent),
        TEST(an_evaluation_of_all_is_no_silence),
        TEST(the_end_comes_when_all_have_reached_the_leads_last_step),
        TEST(one_that_failed_makes_it_a_failure),
        TEST(what_waits_is_given_out_when_nothing_more_will_come),
        TEST(a_run_that_all_resume_earlier_goes_on_there),
        TEST(a_world_of_thousands_takes_bounded_memory),
        TEST(of_a_large_world_every_rank_counts_for_what_is_not_finite),
        TEST(records_in_any_order_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
