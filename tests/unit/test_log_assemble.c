/* Rows to records. Rows are written as text: "train|eval step=1 epoch=0 loss=2", where `step:` and
 * `epoch:` are the row's own and all else are cells; records come as text. */
#include "sources/logs/assemble.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct tw_assemble *assemble;
    char text[200000];
    size_t used;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct tw_assemble_options options = {.run = "r", .framework = "f"};
    fixture->assemble = tw_assemble_new(&options);
    *state = fixture;
    return fixture->assemble ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_assemble_free(fixture->assemble);
    free(fixture);
    return 0;
}

/* ---- in ---- */

static void row(struct fixture *fixture, const char *format, ...)
{
    char text[1000], *rest = text, *word;
    struct tw_cell cells[32];
    struct tw_row row = {.step = NAN, .epoch = NAN, .time_ms = -1, .cells = cells};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    while ((word = strsep(&rest, " "))) {
        char *equals = strchr(word, '=');
        if (!equals) {
            row.part = !strcmp(word, "eval") ? TW_PART_EVAL : TW_PART_TRAIN;
            continue;
        }
        *equals = '\0';
        double value = strtod(equals + 1, NULL);
        if (!strcmp(word, "step:"))
            row.step = value;
        else if (!strcmp(word, "epoch:"))
            row.epoch = value;
        else if (!strcmp(word, "run:"))
            row.run = equals + 1;
        else if (word[0] == '~') /* a mean over steps that the format does not tell */
            cells[row.n_cells++] = (struct tw_cell){word + 1, value, TW_MEANS_LOSS_AVERAGED_OVER};
        else if (word[0] == '!')
            cells[row.n_cells++] = (struct tw_cell){word + 1, value, TW_MEANS_NAN_COUNT};
        else
            cells[row.n_cells++] = (struct tw_cell){word, value, TW_MEANS_BY_NAME};
    }
    assert_int_equal(tw_assemble_row(fixture->assemble, &row), 0);
}

/* ---- out ---- */

static void put(struct fixture *fixture, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fixture->used += (size_t)vsnprintf(fixture->text + fixture->used,
                                       sizeof fixture->text - fixture->used, format, arguments);
    va_end(arguments);
}

static void put_header(struct fixture *fixture, const struct tw_header *header)
{
    if (strcmp(header->framework, "f"))
        put(fixture, " framework=%s", header->framework);
    if (header->objective[0])
        put(fixture, " objective=%s", header->objective);
    for (size_t i = 0; i < header->n_hyperparameters; i++) {
        const struct tw_hyperparameter *each = &header->hyperparameters[i];
        if (each->is_text)
            put(fixture, " %s=%s", each->name, each->text);
        else
            put(fixture, " %s=%g", each->name, each->number);
    }
}

static void put_record(struct fixture *fixture, const struct tw_record *record)
{
    put(fixture, "%s", tw_kind_name(record->kind));
    if (strcmp(record->run, "r"))
        put(fixture, " in %s", record->run);
    if (strcmp(record->attempt, "1"))
        put(fixture, " attempt %s", record->attempt);
    if (record->has & TW_HAS_STEP)
        put(fixture, " %llu", (unsigned long long)record->step);
    for (int i = 0; i < TW_SIGNALS; i++) {
        if (tw_record_has(record, (enum tw_signal)i))
            put(fixture, " %s=%g", tw_signal_name((enum tw_signal)i), record->signal[i]);
    }
    for (uint32_t i = 0; i < record->n_metrics; i++)
        put(fixture, " eval_%s=%g", record->metrics[i].name, record->metrics[i].value);
    if (record->kind == TW_KIND_EVENT)
        put(fixture, " %s", record->event);
    if (record->kind == TW_KIND_END)
        put(fixture, " %s", tw_end_status_name(record->status));
    if (record->header)
        put_header(fixture, record->header);
    put(fixture, "\n");
}

/* All records so far, as text. */
static const char *records(struct fixture *fixture)
{
    struct tw_record *record;
    while ((record = tw_assemble_next(fixture->assemble)))
        put_record(fixture, record);
    return fixture->text;
}

static const char *all_records(struct fixture *fixture)
{
    assert_int_equal(tw_assemble_flush(fixture->assemble, true), 0);
    return records(fixture);
}

static void expect(struct fixture *fixture, const char *text)
{
    assert_string_equal(all_records(fixture), text);
}

/* ---- tests ---- */

static void a_row_of_a_step_is_a_record(void **state)
{
    row(*state, "step:=10 epoch:=0.5 loss=2 lr=0.1 grad_norm=3");
    row(*state, "step:=20 epoch:=1 loss=nan lr=0.1 grad_norm=inf");
    expect(*state, "header\n"
                   "step 10 epoch=0.5 loss=2 learning_rate=0.1 grad_norm=3\n"
                   "step 20 epoch=1 loss=nan learning_rate=0.1 grad_norm=inf\n");
}

static void series_that_come_one_by_one_become_one_record_a_step(void **state)
{
    row(*state, "step:=1 train/loss=2");
    row(*state, "step:=1 train/lr=0.1");
    row(*state, "step:=1 val/loss=2.5");
    row(*state, "step:=2 train/loss=1");
    row(*state, "step:=2 train/lr=0.2");
    expect(*state, "header\n"
                   "step 1 loss=2 learning_rate=0.1\n"
                   "eval 1 eval_loss=2.5\n"
                   "step 2 loss=1 learning_rate=0.2\n");
}

static void the_step_may_be_a_cell(void **state)
{
    row(*state, "global_step=5 loss=2");
    row(*state, "global_step=10 loss=1");
    expect(*state, "header\nstep 5 loss=2\nstep 10 loss=1\n");
}

/* Keras's CSVLogger: the loss of an epoch stands beside its evaluation. */
static void where_there_are_only_epochs_they_are_the_steps(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "epoch=0 loss=2 val_loss=2.5 val_accuracy=0.5");
    row(fixture, "epoch=1 loss=1 val_loss=1.5 val_accuracy=0.6");
    expect(fixture, "header\n"
                    "step 0 epoch=0 loss=2\n"
                    "eval 0 eval_loss=2.5 train_loss=2 eval_accuracy=0.5\n"
                    "step 1 epoch=1 loss=1\n"
                    "eval 1 eval_loss=1.5 train_loss=1 eval_accuracy=0.6\n");
    assert_string_equal(tw_assemble_axis(fixture->assemble, "r"), "epoch");
}

/* MACE tells of its evaluations only. */
static void epochs_are_the_steps_of_evaluations_alone(void **state)
{
    row(*state, "epoch=3 val_loss=2.5");
    row(*state, "epoch=4 val_loss=1.5");
    expect(*state, "header\neval 3 eval_loss=2.5\neval 4 eval_loss=1.5\n");
}

static void where_nothing_counts_the_rows_are_the_steps(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "epoch=0.1 loss=3");
    row(fixture, "epoch=0.2 loss=2");
    row(fixture, "epoch=0.2 eval_loss=2.5");
    row(fixture, "epoch=0.3 loss=1");
    expect(fixture, "header\n"
                    "step 1 epoch=0.1 loss=3\n"
                    "step 2 epoch=0.2 loss=2\n"
                    "eval 2 eval_loss=2.5\n"
                    "step 3 epoch=0.3 loss=1\n");
    assert_string_equal(tw_assemble_axis(fixture->assemble, "r"), "row");
}

static void steps_that_are_counted_anew_each_epoch_go_on(void **state)
{
    for (int epoch = 1; epoch <= 2; epoch++) {
        for (int step = 100; step <= 300; step += 100)
            row(*state, "step:=%d epoch:=%d loss=%d", step, epoch, 10 - epoch);
    }
    expect(*state, "header\n"
                   "step 100 epoch=1 loss=9\n"
                   "step 200 epoch=1 loss=9\n"
                   "step 300 epoch=1 loss=9\n"
                   "step 400 epoch=2 loss=8\n"
                   "step 500 epoch=2 loss=8\n"
                   "step 600 epoch=2 loss=8\n");
}

static void batches_that_are_counted_from_0_go_on_by_one(void **state)
{
    for (int row_of = 0; row_of < 4; row_of++)
        row(*state, "itr=%d epoch=%d loss=%d", row_of % 2, row_of / 2, 4 - row_of);
    expect(*state, "header\n"
                   "step 0 epoch=0 loss=4\n"
                   "step 1 epoch=0 loss=3\n"
                   "step 2 epoch=1 loss=2\n"
                   "step 3 epoch=1 loss=1\n");
}

/* MACE's results: a row a batch, and no count of them. */
static void batches_that_are_not_counted_are_rows(void **state)
{
    for (int batch = 0; batch < 6; batch++)
        row(*state, "train epoch=%d loss=%d", batch / 3, 6 - batch);
    row(*state, "eval epoch=1 loss=3");
    expect(*state, "header\n"
                   "step 1 epoch=0 loss=6\n"
                   "step 2 epoch=0 loss=5\n"
                   "step 3 epoch=0 loss=4\n"
                   "step 4 epoch=1 loss=3\n"
                   "step 5 epoch=1 loss=2\n"
                   "step 6 epoch=1 loss=1\n"
                   "eval 6 eval_loss=3\n");
}

/* What Keras' TensorBoard callback writes: epochs by their numbers, evaluations by steps, too. */
static void kerass_epochs_are_steps_where_no_batches_are_told(void **state)
{
    for (int epoch = 0; epoch < 3; epoch++) {
        row(*state, "eval step:=%d evaluation_loss_vs_iterations=%d", 100 * (epoch + 1), 5 - epoch);
        row(*state, "train step:=%d epoch_loss=%d", epoch, 4 - epoch);
        row(*state, "eval step:=%d epoch_loss=%d", epoch, 5 - epoch);
    }
    expect(*state, "header\n"
                   "step 0 epoch=0 loss=4\n"
                   "eval 0 eval_loss=5 train_loss=4\n"
                   "step 1 epoch=1 loss=3\n"
                   "eval 1 eval_loss=4 train_loss=3\n"
                   "step 2 epoch=2 loss=2\n"
                   "eval 2 eval_loss=3 train_loss=2\n");
}

static void kerass_epochs_stand_behind_the_newest_batch(void **state)
{
    for (int epoch = 0; epoch < 3; epoch++) {
        for (int batch = 0; batch < 2; batch++)
            row(*state, "train step:=%d batch_loss=%d", 2 * epoch + batch, 9 - epoch);
        row(*state, "train step:=%d epoch_loss=%d", epoch, 8 - epoch);
        row(*state, "eval step:=%d epoch_loss=%d", epoch, 5 - epoch);
    }
    expect(*state, "header\n"
                   "step 0 loss=9\n"
                   "step 1 epoch=0 loss=9\n"
                   "eval 1 eval_loss=5 train_loss=8\n"
                   "step 2 loss=8\n"
                   "step 3 epoch=1 loss=8\n"
                   "eval 3 eval_loss=4 train_loss=7\n"
                   "step 4 loss=7\n"
                   "step 5 epoch=2 loss=7\n"
                   "eval 5 eval_loss=3 train_loss=6\n");
}

static void the_total_is_the_loss_and_parts_are_left_out(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "step:=1 aux_loss=1 total_loss=3 ce_loss=2 z_loss=0.1");
    expect(fixture, "header\nstep 1 loss=3\n");
    assert_string_equal(tw_assemble_raw_name(fixture->assemble, "r", TW_SIGNAL_LOSS), "total_loss");
    assert_null(tw_assemble_raw_name(fixture->assemble, "r", TW_SIGNAL_GRAD_NORM));
}

/* Ultralytics tells parts only. */
static void parts_are_added_up_where_there_is_no_total(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "epoch=1 train/box_loss=1 train/cls_loss=2 val/box_loss=1.5 val/cls_loss=2.5 "
                 "metrics/recall(B)=0.5 lr/pg0=0.1 lr/pg1=0.3 lr/pg2=0.2");
    expect(fixture, "header\n"
                    "step 1 epoch=1 loss=3 learning_rate=0.3\n"
                    "eval 1 eval_loss=4 train_loss=3 eval_recall_b=0.5\n");
    assert_string_equal(tw_assemble_raw_name(fixture->assemble, "r", TW_SIGNAL_LOSS),
                        "train/box_loss + train/cls_loss");
}

/* AlgoPerf: `loss` is the batch's, `train/loss` that of the training set. */
static void a_loss_over_the_training_set_is_train_loss(void **state)
{
    row(*state, "step:=1 loss=3");
    row(*state, "step:=2 loss=2 train/loss=2.2 validation/loss=2.4 test/loss=2.5 test/wer=0.5");
    expect(*state, "header\n"
                   "step 1 loss=3\n"
                   "step 2 loss=2\n"
                   "eval 2 eval_loss=2.4 train_loss=2.2\n");
}

/* DETR: the cross-entropy is a part of the epoch's loss, and compared with no evaluation's. */
static void a_kind_beside_the_epochs_loss_is_no_train_loss(void **state)
{
    for (int epoch = 0; epoch < 2; epoch++)
        row(*state, "epoch=%d train_loss=%d train_loss_ce=1 test_loss=6 test_loss_ce=2", epoch,
            5 - epoch);
    expect(*state, "header\n"
                   "step 0 epoch=0 loss=5\n"
                   "eval 0 eval_loss=6 train_loss=5\n"
                   "step 1 epoch=1 loss=4\n"
                   "eval 1 eval_loss=6 train_loss=4\n");
}

static void of_parts_those_of_validation_are_added_up(void **state)
{
    row(*state, "step:=1 loss=1 val/a_loss=1 val/b_loss=2 test/a_loss=4 test/b_loss=8");
    row(*state, "step:=2 loss=1 validation/ctc_loss=3 test/ctc_loss=4");
    expect(*state, "header objective=ctc\nstep 1 loss=1\nstep 2 loss=1\neval 2 eval_loss=3\n");
}

static void one_loss_an_epoch_is_the_epochs_too(void **state)
{
    for (int epoch = 0; epoch < 2; epoch++) {
        row(*state, "step:=%d epoch:=%d val_loss=2", 10 * epoch + 9, epoch);
        row(*state, "step:=%d epoch:=%d train_loss=1", 10 * epoch + 9, epoch);
    }
    expect(*state, "header\n"
                   "step 9 epoch=0 loss=1\n"
                   "eval 9 eval_loss=2 train_loss=1\n"
                   "step 19 epoch=1 loss=1\n"
                   "eval 19 eval_loss=2 train_loss=1\n");
}

static void a_loss_that_is_a_mean_tells_over_how_many_steps(void **state)
{
    row(*state, "step:=10 loss=3 ~over=0");
    row(*state, "step:=30 loss=2 ~over=0");
    row(*state, "step:=40 loss=2 ~over=4");
    expect(*state, "header\n"
                   "step 10 loss=3 loss_averaged_over=10\n"
                   "step 30 loss=2 loss_averaged_over=20\n"
                   "step 40 loss=2 loss_averaged_over=4\n");
}

/* Megatron-LM leaves a loss that is NaN out of its line. */
static void a_loss_that_is_missing_since_it_was_nan_is_nan(void **state)
{
    row(*state, "step:=1 lm_loss=3 lr=0.1 !nan_iterations=0");
    row(*state, "step:=2 lr=0.1 !nan_iterations=1");
    row(*state, "step:=3 lr=0.1 !nan_iterations=0");
    expect(*state, "header\n"
                   "step 1 loss=3 learning_rate=0.1\n"
                   "step 2 loss=nan learning_rate=0.1\n"
                   "step 3 learning_rate=0.1\n");
}

static void rows_of_validation_are_evaluations(void **state)
{
    row(*state, "train step:=1 loss=3 accuracy=0.1");
    row(*state, "eval step:=1 loss=4 accuracy=0.2");
    expect(*state, "header\nstep 1 loss=3\neval 1 eval_loss=4 eval_accuracy=0.2\n");
}

static void a_run_that_goes_back_is_another_attempt(void **state)
{
    for (int step = 1; step <= 6; step++)
        row(*state, "step:=%d loss=%d", step, step);
    for (int step = 4; step <= 8; step++)
        row(*state, "step:=%d loss=%d", step, step);
    expect(*state, "header\nstep 1 loss=1\nstep 2 loss=2\nstep 3 loss=3\nstep 4 loss=4\n"
                   "step 5 loss=5\nstep 6 loss=6\n"
                   "event attempt 2 4 resume\n"
                   "step attempt 2 4 loss=4\nstep attempt 2 5 loss=5\nstep attempt 2 6 loss=6\n"
                   "step attempt 2 7 loss=7\nstep attempt 2 8 loss=8\n");
}

static void rows_out_of_order_are_sorted(void **state)
{
    static const int steps[] = {1, 2, 4, 3, 5, 7, 8, 6, 9};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        row(*state, "step:=%d loss=%d", steps[i], steps[i]);
    expect(*state, "header\nstep 1 loss=1\nstep 2 loss=2\nstep 3 loss=3\nstep 4 loss=4\n"
                   "step 5 loss=5\nstep 6 loss=6\nstep 7 loss=7\nstep 8 loss=8\nstep 9 loss=9\n");
}

static void a_step_that_was_given_already_is_a_resume_at_once(void **state)
{
    struct fixture *fixture = *state;
    for (int step = 1; step <= 9; step++)
        row(fixture, "step:=%d loss=%d", step, step);
    assert_int_equal(tw_assemble_flush(fixture->assemble, false), 0);
    row(fixture, "step:=8 loss=80");
    row(fixture, "step:=10 loss=100");
    all_records(fixture);
    assert_non_null(strstr(fixture->text,
                           "step 9 loss=9\nevent attempt 2 8 resume\n"
                           "step attempt 2 8 loss=80\nstep attempt 2 10 loss=100\n"));
}

/* As a log is read that is being written: after each row there is nothing more for now. */
static void put_live(struct fixture *fixture, const int *steps, size_t n, bool is_live)
{
    for (size_t i = 0; i < n; i++) {
        row(fixture, "step:=%d loss=%d", steps[i], 100 + steps[i]);
        if (is_live)
            assert_int_equal(tw_assemble_flush(fixture->assemble, false), 0);
    }
}

static void expect_the_same_live(const int *steps, size_t n, bool has_resume)
{
    void *whole, *live;
    assert_int_equal(set_up(&whole), 0);
    assert_int_equal(set_up(&live), 0);
    put_live(whole, steps, n, false);
    put_live(live, steps, n, true);
    assert_string_equal(all_records(whole), all_records(live));
    assert_int_equal(strstr(((struct fixture *)whole)->text, "resume") != NULL, has_resume);
    tear_down(&whole);
    tear_down(&live);
}

#define EXPECT_THE_SAME_LIVE(steps, has_resume)                                                    \
    expect_the_same_live(steps, sizeof(steps) / sizeof *(steps), has_resume)

/* The first eight are read at once, as they are of any run; from the first row on that is out of
 * order, so many rows are held as it came late. */
static void a_log_that_is_being_written_tells_the_same(void **state)
{
    static const int pairs[] = {1,  3,  2,  4,  5,  6,  7,  8,  9,  11, 10, 12, 13, 15,
                                14, 16, 17, 19, 18, 20, 21, 22, 23, 25, 24, 26, 27};
    static const int far_behind[] = {1,  5,  6,  7,  2,  8,  9,  10, 11, 12, 17, 13, 14, 18,
                                     19, 20, 21, 26, 25, 22, 27, 24, 28, 29, 30, 31, 32, 33};
    static const int resumed[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 9, 10, 11, 12, 13, 14};
    static const int elsewhere[] = {10,  20,  30, 40, 50, 60, 70,  80, 90,
                                    100, 110, 75, 85, 95, 99, 101, 120};
    static const int at_the_start[] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 1, 2, 3, 4};
    (void)state;
    EXPECT_THE_SAME_LIVE(pairs, false);
    EXPECT_THE_SAME_LIVE(far_behind, false);
    EXPECT_THE_SAME_LIVE(resumed, true);
    EXPECT_THE_SAME_LIVE(elsewhere, true);
    EXPECT_THE_SAME_LIVE(at_the_start, true);
}

/* The first time nobody could know. */
static void a_row_that_comes_too_late_is_told_as_of_the_newest_step(void **state)
{
    struct fixture *fixture = *state;
    static const int steps[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 10, 12, 14, 13, 15};
    put_live(fixture, steps, sizeof steps / sizeof *steps, true);
    all_records(fixture);
    assert_null(strstr(fixture->text, "resume"));
    assert_non_null(strstr(fixture->text, "step 9 loss=109\nstep 11 loss=111\n"
                                          "step 11 loss=110\nstep 12 loss=112\n"
                                          "step 13 loss=113\nstep 14 loss=114\n"));
}

static void rows_that_are_held_as_others_may_come_late_are_not_held_for_long(void **state)
{
    struct fixture *fixture = *state;
    static const int steps[] = {1, 2, 4, 3, 5, 6, 7, 8, 9, 10};
    put_live(fixture, steps, sizeof steps / sizeof *steps, true);
    assert_null(strstr(records(fixture), "loss=110"));
    for (int i = 0; i < 10; i++)
        tw_assemble_flush(fixture->assemble, false);
    assert_non_null(strstr(records(fixture), "step 9 loss=109\nstep 10 loss=110\n"));
}

static void quiet(struct fixture *fixture)
{
    assert_int_equal(tw_assemble_flush(fixture->assemble, false), 0);
}

/* Eight rows, with which a run's steps are chosen; the last two are an evaluation's. */
static void begin_live(struct fixture *fixture)
{
    for (int i = 1; i <= 6; i++)
        row(fixture, "step:=%d loss=%d", i, 100 - i);
    row(fixture, "step:=6 val_loss=6");
    row(fixture, "step:=6 train_loss=5");
    row(fixture, "step:=7 loss=93");
    quiet(fixture);
    records(fixture);
    fixture->used = 0;
}

static void an_evaluation_waits_for_what_belongs_to_it(void **state)
{
    struct fixture *fixture = *state;
    begin_live(fixture);
    row(fixture, "step:=8 loss=92");
    row(fixture, "step:=8 val_loss=8");
    quiet(fixture);
    assert_string_equal(records(fixture), "step 8 loss=92\n");
    row(fixture, "step:=8 train_loss=7");
    quiet(fixture); /* as much as the evaluation before told */
    assert_string_equal(records(fixture), "step 8 loss=92\neval 8 eval_loss=8 train_loss=7\n");
    row(fixture, "step:=9 train_loss=8");
    quiet(fixture);
    row(fixture, "step:=9 val_loss=9");
    row(fixture, "step:=10 loss=90");
    quiet(fixture); /* the next step tells that this one is whole */
    assert_non_null(strstr(records(fixture), "eval 9 eval_loss=9 train_loss=8\nstep 10 loss=90\n"));
}

static void an_evaluation_does_not_wait_for_long(void **state)
{
    struct fixture *fixture = *state;
    begin_live(fixture);
    row(fixture, "step:=8 val_loss=8");
    for (int i = 0; i < 10; i++)
        quiet(fixture);
    assert_string_equal(records(fixture), "eval 8 eval_loss=8\n");
    row(fixture, "step:=8 val_loss=8"); /* nothing new */
    row(fixture, "step:=8 val_accuracy=0.5");
    expect(fixture, "eval 8 eval_loss=8\neval 8 eval_accuracy=0.5\n");
}

/* They are written to files of their own, of which either may be read first. */
static void an_evaluation_that_is_read_first_moves_no_step(void **state)
{
    struct fixture *fixture = *state;
    begin_live(fixture);
    row(fixture, "step:=9 val_loss=9");
    quiet(fixture);
    row(fixture, "step:=8 loss=92");
    quiet(fixture);
    row(fixture, "step:=9 loss=91");
    row(fixture, "step:=10 loss=90");
    expect(fixture, "step 8 loss=92\nstep 9 loss=91\neval 9 eval_loss=9\nstep 10 loss=90\n");
}

/* Series that come one by one: a step's loss may be read before its epoch is. */
static void a_loss_without_its_epoch_is_one_of_several(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 8; i++)
        row(fixture, "step:=%d epoch:=%d loss=%d", i, i <= 4 ? 0 : 1, i);
    quiet(fixture);
    row(fixture, "step:=9 loss=9");
    quiet(fixture);
    row(fixture, "step:=9 epoch:=1 lr=0.1");
    row(fixture, "step:=10 epoch:=1 loss=10");
    row(fixture, "step:=10 epoch:=1 val_loss=3");
    assert_non_null(strstr(all_records(fixture), "eval 10 eval_loss=3\n"));
}

static void metrics_of_a_test_set_that_come_late_are_left_out(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 8; i++)
        row(fixture, "step:=%d loss=1 val_accuracy=0.5", i);
    quiet(fixture);
    row(fixture, "step:=9 test_accuracy=0.25");
    assert_null(strstr(all_records(fixture), "0.25"));
}

/* Which of a step's names count its steps may come behind eight others. */
static void the_rows_of_one_step_do_not_tell_the_axis(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 8; i++)
        row(fixture, "step:=1 train/loss=1");
    quiet(fixture);
    assert_string_equal(records(fixture), "");
    for (int i = 2; i < 5; i++)
        row(fixture, "step:=%d train/loss=1", i);
    quiet(fixture);
    assert_non_null(strstr(records(fixture), "step 4 loss=1\n"));
}

static void several_runs_keep_apart(void **state)
{
    row(*state, "run:=a step:=1 loss=1");
    row(*state, "run:=b step:=1 loss=2");
    row(*state, "run:=a step:=2 loss=3");
    expect(*state, "header in r/a\nstep in r/a 1 loss=1\nstep in r/a 2 loss=3\n"
                   "header in r/b\nstep in r/b 1 loss=2\n");
}

static void parameters_become_the_header_and_it_comes_again_when_more_are_known(void **state)
{
    struct fixture *fixture = *state;
    struct tw_assemble *assemble = fixture->assemble;
    tw_assemble_parameter(assemble, NULL, "args/lr", "1e-3");
    tw_assemble_parameter(assemble, NULL, "per_device_train_batch_size", "8");
    tw_assemble_parameter(assemble, NULL, "global_batch_size", "64");
    tw_assemble_parameter(assemble, NULL, "batch", "2");
    tw_assemble_parameter(assemble, NULL, "optim", "adamw_torch");
    tw_assemble_parameter(assemble, NULL, "bf16", "true");
    tw_assemble_parameter(assemble, NULL, "fp16", "false");
    tw_assemble_parameter(assemble, NULL, "max_steps", "-1");
    tw_assemble_parameter(assemble, NULL, "num_train_epochs", "9223372036854775807");
    tw_assemble_parameter(assemble, NULL, "weight_decay", "None");
    tw_assemble_parameter(assemble, NULL, "framework", "megatron");
    row(fixture, "step:=1 loss=1");
    assert_int_equal(tw_assemble_flush(assemble, true), 0);
    records(fixture);
    tw_assemble_parameter(assemble, NULL, "lr", "1e-3");
    row(fixture, "step:=2 loss=1");
    assert_int_equal(tw_assemble_flush(assemble, true), 0);
    records(fixture);
    tw_assemble_parameter(assemble, NULL, "clip_grad", "1.0");
    row(fixture, "step:=3 loss=1");
    expect(fixture, "header framework=megatron learning_rate=0.001 batch_size=64 "
                    "optimizer=adamw_torch precision=bf16\n"
                    "step 1 loss=1\nstep 2 loss=1\n"
                    "header framework=megatron learning_rate=0.001 batch_size=64 "
                    "optimizer=adamw_torch precision=bf16 max_grad_norm=1\n"
                    "step 3 loss=1\n");
}

static void two_networks_against_each_other_are_told_by_their_names(void **state)
{
    row(*state, "step:=1 loss_G=1 loss_D=2");
    row(*state, "step:=2 loss_G=3 loss_D=4");
    expect(*state, "header objective=adversarial\nstep 1 loss=1\nstep 2 loss=3\n");
}

static void events_become_records_in_their_place(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "step:=1 loss=1");
    tw_assemble_event(fixture->assemble, NULL, TW_LOG_RUN_RESUMES, 1);
    row(fixture, "step:=1 loss=2");
    assert_false(tw_assemble_has_ended(fixture->assemble));
    tw_assemble_event(fixture->assemble, NULL, TW_LOG_FAILED, NAN);
    assert_true(tw_assemble_has_ended(fixture->assemble));
    expect(fixture, "header\nstep 1 loss=1\nevent attempt 2 1 resume\nstep attempt 2 1 loss=2\n"
                    "end attempt 2 failed\n");
}

static void nothing_is_given_before_it_is_known_what_the_steps_are(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "loss=1");
    assert_int_equal(tw_assemble_flush(fixture->assemble, false), 0);
    assert_string_equal(records(fixture), "");
    row(fixture, "step:=7 lr=0.1");
    row(fixture, "step:=8 loss=2 lr=0.1");
    expect(fixture, "header\nstep 0 loss=1\nstep 7 learning_rate=0.1\n"
                    "step 8 loss=2 learning_rate=0.1\n");
}

static void a_log_that_makes_up_names_takes_no_more_memory(void **state)
{
    for (int i = 0; i < 20000; i++)
        row(*state, "step:=%d sample_%d_loss=1", i, i);
    assert_int_equal(tw_assemble_flush(((struct fixture *)*state)->assemble, true), 0);
    while (tw_assemble_next(((struct fixture *)*state)->assemble))
        ;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* GluonCV's "Training cost" is that of time. */
static void a_cost_is_the_loss_where_no_other_is(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "train step:=1 cost=100 CrossEntropy=2");
    row(fixture, "run:=a step:=1 cost=3");
    all_records(fixture);
    assert_non_null(strstr(fixture->text, "step 1 loss=2\n"));
    assert_non_null(strstr(fixture->text, "step in r/a 1 loss=3\n"));
}

/* ---- perplexities ---- */

/* exp(2), exp(1): Sockeye's lines, and the evaluation's later than all that the choice is made of.
 */
static void a_perplexity_stands_for_the_loss_where_none_is_told(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 130; i++)
        row(fixture, "step:=%d perplexity=7.38905609893065", i);
    row(fixture, "step:=130 Validation-perplexity=2.718281828459045");
    all_records(fixture);
    assert_non_null(strstr(fixture->text, "step 7 loss=2\n"));
    assert_non_null(strstr(fixture->text, "eval 130 eval_loss=1 eval_perplexity=2.71828\n"));
    assert_string_equal(tw_assemble_raw_name(fixture->assemble, "r", TW_SIGNAL_LOSS),
                        "ln(perplexity)");
    assert_string_equal(tw_assemble_raw_name(fixture->assemble, "r", TW_SIGNAL_EVAL_LOSS),
                        "ln(Validation-perplexity)");
}

static void what_is_no_perplexity_is_no_loss(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "step:=1 ppl=inf");
    row(fixture, "step:=2 ppl=nan");
    row(fixture, "step:=3 ppl=0");
    row(fixture, "step:=4 ppl=-1");
    row(fixture, "step:=5 ppl=1");
    row(fixture, "step:=6 valid_ppl=0");
    expect(fixture, "header\nstep 1 loss=inf\nstep 2 loss=nan\nstep 5 loss=0\n"
                    "eval 6 eval_ppl=0\n");
}

static void a_perplexity_is_no_loss_beside_one(void **state)
{
    struct fixture *fixture = *state;
    row(fixture, "step:=1 ppl=7 xent=2");
    row(fixture, "step:=2 valid_ppl=7");
    row(fixture, "run:=a step:=1 ppl=7");
    row(fixture, "run:=a step:=2 val_loss=2 val_ppl=7");
    row(fixture, "run:=b step:=1 recon_error=0.5 perplexity=30"); /* of a VQ-VAE's codes */
    row(fixture, "run:=c step:=1 code_perplexity=30");
    all_records(fixture);
    assert_non_null(strstr(fixture->text, "step 1 loss=2\neval 2 eval_ppl=7\n"));
    assert_non_null(strstr(fixture->text, "in r/a 2 eval_loss=2 eval_ppl=7\n"));
    for (const char *at = fixture->text; (at = strstr(at, " loss=")); at++)
        assert_memory_equal(at, " loss=2\n", 8);
}

/* More and more codes are used; a language model's falls before it blows up. */
static void a_perplexity_that_rises_from_the_first_is_of_codes(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 8; i++)
        row(fixture, "run:=a step:=%d perplexity=%d", i, 20 + 5 * i);
    row(fixture, "run:=a step:=9 val_perplexity=60");
    for (int i = 1; i <= 8; i++)
        row(fixture, "run:=b step:=%d perplexity=%d", i, i == 2 ? 80 : 100 * i);
    for (int i = 1; i <= 8; i++)
        row(fixture, "run:=c step:=%d perplexity=%s", i, i < 8 ? "100" : "inf");
    all_records(fixture);
    assert_null(strstr(fixture->text, "r/a 1 loss="));
    assert_non_null(strstr(fixture->text, "eval in r/a 9 eval_perplexity=60\n"));
    assert_non_null(strstr(fixture->text, "r/b 1 loss=4.6"));
    assert_non_null(strstr(fixture->text, "r/c 1 loss=4.6"));
}

static void a_perplexity_may_be_mapped(void **state)
{
    struct fixture *fixture = *state;
    char *entries[] = {(char *)(size_t) "ppl=ignore", (char *)(size_t) "cost=loss"};
    const struct tw_texts map = {2, entries};
    struct tw_assemble_options options = {.run = "r", .framework = "f", .map = &map};
    tw_assemble_free(fixture->assemble);
    fixture->assemble = tw_assemble_new(&options);
    row(fixture, "step:=1 ppl=7");
    row(fixture, "run:=a step:=1 perplexity=7 cost=3");
    all_records(fixture);
    assert_null(strstr(fixture->text, "loss=1.9"));
    assert_non_null(strstr(fixture->text, "loss=3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_of_a_step_is_a_record),
        TEST(series_that_come_one_by_one_become_one_record_a_step),
        TEST(the_step_may_be_a_cell),
        TEST(where_there_are_only_epochs_they_are_the_steps),
        TEST(epochs_are_the_steps_of_evaluations_alone),
        TEST(where_nothing_counts_the_rows_are_the_steps),
        TEST(steps_that_are_counted_anew_each_epoch_go_on),
        TEST(batches_that_are_counted_from_0_go_on_by_one),
        TEST(batches_that_are_not_counted_are_rows),
        TEST(kerass_epochs_are_steps_where_no_batches_are_told),
        TEST(kerass_epochs_stand_behind_the_newest_batch),
        TEST(the_total_is_the_loss_and_parts_are_left_out),
        TEST(parts_are_added_up_where_there_is_no_total),
        TEST(a_loss_over_the_training_set_is_train_loss),
        TEST(a_kind_beside_the_epochs_loss_is_no_train_loss),
        TEST(of_parts_those_of_validation_are_added_up),
        TEST(one_loss_an_epoch_is_the_epochs_too),
        TEST(a_loss_that_is_a_mean_tells_over_how_many_steps),
        TEST(a_loss_that_is_missing_since_it_was_nan_is_nan),
        TEST(rows_of_validation_are_evaluations),
        TEST(a_run_that_goes_back_is_another_attempt),
        TEST(rows_out_of_order_are_sorted),
        TEST(a_step_that_was_given_already_is_a_resume_at_once),
        TEST(a_log_that_is_being_written_tells_the_same),
        TEST(a_row_that_comes_too_late_is_told_as_of_the_newest_step),
        TEST(rows_that_are_held_as_others_may_come_late_are_not_held_for_long),
        TEST(an_evaluation_waits_for_what_belongs_to_it),
        TEST(an_evaluation_does_not_wait_for_long),
        TEST(an_evaluation_that_is_read_first_moves_no_step),
        TEST(a_loss_without_its_epoch_is_one_of_several),
        TEST(metrics_of_a_test_set_that_come_late_are_left_out),
        TEST(the_rows_of_one_step_do_not_tell_the_axis),
        TEST(several_runs_keep_apart),
        TEST(parameters_become_the_header_and_it_comes_again_when_more_are_known),
        TEST(two_networks_against_each_other_are_told_by_their_names),
        TEST(events_become_records_in_their_place),
        TEST(nothing_is_given_before_it_is_known_what_the_steps_are),
        TEST(a_log_that_makes_up_names_takes_no_more_memory),
        TEST(a_cost_is_the_loss_where_no_other_is),
        TEST(a_perplexity_stands_for_the_loss_where_none_is_told),
        TEST(what_is_no_perplexity_is_no_loss),
        TEST(a_perplexity_is_no_loss_beside_one),
        TEST(a_perplexity_that_rises_from_the_first_is_of_codes),
        TEST(a_perplexity_may_be_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
