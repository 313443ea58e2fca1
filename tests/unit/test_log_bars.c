/* Progress bars with readings in them, as tqdm (std.py, format_meter()) writes them: which steps
 * they count, and whose readings they hold. */
#include "log_text_fixture.h"

extern const struct tw_log_format tw_log_format_text;

struct bar {
    unsigned at, of;
    const char *readings;
};

/* Each state begins with "\r"; what stands behind the last is "\n". */
static char *log_of(const struct bar *bars, size_t n)
{
    char *text = calloc(n + 1, 200);
    for (size_t i = 0; i < n; i++) {
        if (!bars[i].of)
            sprintf(text + strlen(text), "\n%s\n", bars[i].readings);
        else
            sprintf(text + strlen(text), "\r%3u%%|###      | %u/%u [00:01<00:32, 30.1it/s, %s]",
                    100 * bars[i].at / bars[i].of, bars[i].at, bars[i].of, bars[i].readings);
    }
    return strcat(text, "\n");
}

#define reads(expected, ...)                                                                       \
    do {                                                                                           \
        const struct bar bars[] = {__VA_ARGS__};                                                   \
        char *text = log_of(bars, sizeof bars / sizeof *bars);                                     \
        assert_rows(&tw_log_format_text, text, expected);                                          \
        free(text);                                                                                \
    } while (0)

static void bars_that_ran_to_their_ends_are_epochs(void **state)
{
    (void)state;
    reads("row step=0: loss=2.5\nrow step=50: loss=2\nrow step=100: loss=1.5\n"
          "row step=100: loss=1.6\nrow step=150: loss=1.2\nrow step=200: loss=1\n"
          "row step=201: loss=1.1\n",
          {0, 100, "loss=2.5"}, {50, 100, "loss=2"}, {100, 100, "loss=1.5"}, {0, 100, "loss=1.6"},
          {50, 100, "loss=1.2"}, {100, 100, "loss=1"}, {1, 100, "loss=1.1"});
    /* leave=False: the last state is not shown. */
    reads("row step=10: loss=2\nrow step=93: loss=1.5\nrow step=110: loss=1.4\n",
          {10, 100, "loss=2"}, {93, 100, "loss=1.5"}, {10, 100, "loss=1.4"});
    /* A loss that is no number, or that grew, is that of no beginning. */
    reads("row step=10: loss=2\nrow step=100: loss=nan\nrow step=110: loss=nan\n",
          {10, 100, "loss=2"}, {100, 100, "loss=nan"}, {10, 100, "loss=nan"});
    reads("row step=10: loss=2\nrow step=100: loss=0.5\nrow step=110: loss=90\n",
          {10, 100, "loss=2"}, {100, 100, "loss=0.5"}, {10, 100, "loss=90"});
    reads("row step=10: acc=0.1\nrow step=100: acc=0.9\nrow step=110: acc=0.2\n",
          {10, 100, "acc=0.1"}, {100, 100, "acc=0.9"}, {10, 100, "acc=0.2"});
}

/* Totals differ a little where batches are filled by size. */
static void totals_may_differ_a_little(void **state)
{
    (void)state;
    reads("row step=10: loss=2\nrow step=103: loss=1.5\nrow step=113: loss=1.4\n"
          "row step=200: loss=1.3\nrow step=201: loss=1.2\n",
          {10, 103, "loss=2"}, {103, 103, "loss=1.5"}, {10, 97, "loss=1.4"}, {97, 97, "loss=1.3"},
          {1, 101, "loss=1.2"});
}

static void a_bar_that_was_left_is_followed_by_another_attempt(void **state)
{
    (void)state;
    reads("row step=10: loss=2\nrow step=40: loss=1.5\nrow step=10: loss=1.4\n",
          {10, 100, "loss=2"}, {40, 100, "loss=1.5"}, {10, 100, "loss=1.4"});
    reads("row step=10: loss=2\nrow step=100: loss=1.5\nrow step=60: loss=1.4\n", /* initial=60 */
          {10, 100, "loss=2"}, {100, 100, "loss=1.5"}, {60, 100, "loss=1.4"});
    reads("row step=10: loss=2\nrow step=100: loss=1.5\nrow step=10: loss=1.4\n",
          {10, 100, "loss=2"}, {100, 100, "loss=1.5"}, {0, 0, "KeyboardInterrupt"},
          {10, 100, "loss=1.4"});
}

/* `if i == 40: break` */
static void bars_that_are_left_at_one_place_are_epochs(void **state)
{
    (void)state;
    reads("row step=10: loss=2\nrow step=40: loss=1.5\n"
          "row step=10: loss=1.4\nrow step=40: loss=1.3\n"
          "row step=50: loss=1.4\nrow step=80: loss=1.3\nrow step=90: loss=1.2\n",
          {10, 100, "loss=2"}, {40, 100, "loss=1.5"}, {10, 100, "loss=1.4"}, {40, 100, "loss=1.3"},
          {10, 100, "loss=1.4"}, {40, 100, "loss=1.3"}, {10, 100, "loss=1.2"});
}

/* A sweep, a fit for each picture, or a log that two jobs were appended to. */
static void a_bar_whose_loss_begins_anew_is_another_training(void **state)
{
    (void)state;
    reads("row step=10: loss=2.5\nrow step=50: loss=1\nrow step=100: loss=0.5\n"
          "row step=10: loss=2.25\nrow step=100: loss=0.5\nrow step=10: loss=2.4\n",
          {10, 100, "loss=2.5"}, {50, 100, "loss=1"}, {100, 100, "loss=0.5"},
          {10, 100, "loss=2.25"}, {100, 100, "loss=0.5"}, {10, 100, "loss=2.4"});
    /* The loss of a batch may be as high as that of the first. */
    reads("row step=10: loss=2.5\nrow step=60: loss=2.1\nrow step=100: loss=1.5\n"
          "row step=110: loss=2.2\n",
          {10, 100, "loss=2.5"}, {60, 100, "loss=2.1"}, {100, 100, "loss=1.5"},
          {10, 100, "loss=2.2"});
}

static void a_line_between_bars_may_tell_the_epoch(void **state)
{
    (void)state;
    reads("row step=100: loss=2\nrow eval step=100 epoch=0: val_loss=2.1\n"
          "row step=110 epoch=0: loss=1.9\nrow step=195 epoch=0: loss=1.5\n"
          "row eval step=200 epoch=1: val_loss=1.6\nrow step=210 epoch=1: loss=1.4\n"
          "row eval step=210 epoch=0: val_loss=2\nrow step=10 epoch=0: loss=1.9\n",
          {100, 100, "loss=2"}, {0, 0, "epoch 0: val_loss=2.1"}, {10, 100, "loss=1.9"},
          {95, 100, "loss=1.5"}, {0, 0, "epoch 1: val_loss=1.6"}, {10, 100, "loss=1.4"},
          {0, 0, "epoch 0: val_loss=2"}, {10, 100, "loss=1.9"});
}

/* tqdm(total=max_steps), with a line at the end of each epoch. */
static void one_bar_may_span_all_epochs(void **state)
{
    (void)state;
    reads("row step=50: loss=2\nrow step=100: loss=1.5\n"
          "row eval step=100 epoch=0: val_loss=2.1\n"
          "row step=100 epoch=0: loss=1.5\n" /* it is shown again behind the line */
          "row step=150 epoch=0: loss=1.4\nrow step=200 epoch=0: loss=1.3\n"
          "row eval step=200 epoch=1: val_loss=1.6\n"
          "row step=250 epoch=1: loss=1.2\nrow step=290 epoch=1: loss=1.1\n"
          "row eval step=290 epoch=2: val_loss=1.5\nrow step=300 epoch=2: loss=1\n",
          {50, 300, "loss=2"}, {100, 300, "loss=1.5"}, {0, 0, "epoch 0: val_loss=2.1"},
          {100, 300, "loss=1.5"}, {150, 300, "loss=1.4"}, {200, 300, "loss=1.3"},
          {0, 0, "epoch 1: val_loss=1.6"}, {250, 300, "loss=1.2"}, {290, 300, "loss=1.1"},
          {0, 0, "epoch 2: val_loss=1.5"}, {300, 300, "loss=1"});
}

static void a_bar_of_another_total_is_that_of_an_evaluation(void **state)
{
    (void)state;
    reads("row step=50: loss=2\nrow step=100: loss=1.5\n"
          "row eval step=100: loss=3\nrow eval step=100: loss=1.8\n"
          "row step=150: loss=1.4\nrow step=200: loss=1.3\nrow eval step=200: loss=1.7\n",
          {50, 100, "loss=2"}, {100, 100, "loss=1.5"}, {1, 20, "loss=3"}, {20, 20, "loss=1.8"},
          {50, 100, "loss=1.4"}, {100, 100, "loss=1.3"}, {20, 20, "loss=1.7"});
    /* A fast one, which tqdm shows before it has counted. */
    reads("row step=50: loss=2\nrow step=100: loss=1.5\nrow eval step=100: loss=1.8\n"
          "row step=150: loss=1.4\nrow step=200: loss=1.3\nrow eval step=200: loss=1.7\n",
          {50, 100, "loss=2"}, {100, 100, "loss=1.5"}, {0, 20, "loss=1.8"}, {50, 100, "loss=1.4"},
          {100, 100, "loss=1.3"}, {0, 20, "loss=1.7"});
    /* Behind an epoch's name, too, unless it is the first bar of the epoch. */
    reads("row step=100 epoch=1: loss=1.5\nrow eval step=100 epoch=1: loss=1.8\n"
          "row step=160 epoch=2: loss=1.4\n",
          {0, 0, "Epoch 1/3"}, {100, 100, "loss=1.5"}, {20, 20, "loss=1.8"}, {0, 0, "Epoch 2/3"},
          {80, 80, "loss=1.4"});
    assert_rows(&tw_log_format_text,
                "Epoch 1: 100%|##| 100/100 [00:01<00:00, loss=1.5]\n"
                "Epoch 1: 100%|##| 20/20 [00:01<00:00, loss=1.8]\n"
                "Epoch 2: 100%|##| 80/80 [00:01<00:00, loss=1.4]\n",
                "row step=100 epoch=1: loss=1.5\n"
                "row eval step=100 epoch=1: loss=1.8\n"
                "row step=160 epoch=2: loss=1.4\n");
}

/* Eleven sets may be evaluated. */
static void bars_of_another_total_that_follow_each_other_are_another_training(void **state)
{
#define EVALUATION {10, 40, "loss=1.4"}, {40, 40, "loss=1.3"}
#define FOUR EVALUATION, EVALUATION, EVALUATION, EVALUATION
#define EVALUATION_ROWS "row eval step=100: loss=1.4\nrow eval step=100: loss=1.3\n"
#define FOUR_ROWS EVALUATION_ROWS EVALUATION_ROWS EVALUATION_ROWS EVALUATION_ROWS
    (void)state;
    reads("row step=50: loss=2\nrow step=100: loss=1.5\n" FOUR_ROWS FOUR_ROWS EVALUATION_ROWS
              EVALUATION_ROWS EVALUATION_ROWS
          "row step=20: loss=1.2\nrow step=40: loss=1.1\nrow step=60: loss=1\n",
          {50, 100, "loss=2"}, {100, 100, "loss=1.5"}, FOUR, FOUR, EVALUATION, EVALUATION,
          EVALUATION, {20, 40, "loss=1.2"}, {40, 40, "loss=1.1"}, {20, 40, "loss=1"});
}

/* Its readings are means over the bars within; the first is not known from an evaluation's. */
static void the_bar_of_epochs_around_others_is_left_out(void **state)
{
    (void)state;
    reads("row step=100: loss=1.5\n"
          "row eval step=100: loss=1.8\nrow step=150: loss=1.4\n"
          "row step=200: loss=1.3\nrow step=250: loss=1.2\nrow step=300: loss=1.1\n",
          {100, 100, "loss=1.5"}, {0, 5, "loss=1.8"}, {1, 5, "loss=1.8"}, {50, 100, "loss=1.4"},
          {100, 100, "loss=1.3"}, {1, 5, "loss=1.35"}, {2, 5, "loss=1.35"}, {50, 100, "loss=1.2"},
          {100, 100, "loss=1.1"}, {2, 5, "loss=1.15"});
}

/* Its own readings of an epoch stand where the training is. */
static void the_bar_of_epochs_may_tell_of_training_and_evaluation(void **state)
{
    (void)state;
    reads("row step=50: loss=2\nrow step=100: loss=1.5\n"
          "row step=100: train_loss=1.75 val_loss=1.8\n"
          "row step=150: loss=1.4\nrow step=200: loss=1.3\n"
          "row step=200: train_loss=1.35 val_loss=1.7\n",
          {50, 100, "loss=2"}, {100, 100, "loss=1.5"}, {0, 5, "train_loss=1.75, val_loss=1.8"},
          {50, 100, "loss=1.4"}, {100, 100, "loss=1.3"}, {1, 5, "train_loss=1.35, val_loss=1.7"});
}

static void evaluations_and_epochs_are_told_apart(void **state)
{
    (void)state;
    reads("row step=100: loss=1.5\nrow eval step=100: loss=1.7\nrow eval step=100: loss=1.5\n"
          "row step=150: loss=1.4\nrow step=200: loss=1.3\nrow eval step=200: loss=1.6\n"
          "row step=250: loss=1.2\nrow step=300: loss=1.1\nrow eval step=300: loss=1.65\n",
          {100, 100, "loss=1.5"}, {20, 20, "loss=1.7"}, {1, 5, "loss=1.5"}, {50, 100, "loss=1.4"},
          {100, 100, "loss=1.3"}, {20, 20, "loss=1.6"}, {2, 5, "loss=1.3"}, {50, 100, "loss=1.2"},
          {100, 100, "loss=1.1"}, {20, 20, "loss=1.65"}, {3, 5, "loss=1.1"});
}

/* Both losses of an epoch stand in its state. */
static void a_count_holds_where_training_and_evaluation_share_a_line(void **state)
{
    (void)state;
    reads("row step=1: loss=2 val_loss=2.1\nrow step=2: loss=1.9 val_loss=2\n",
          {1, 100, "loss=2, val_loss=2.1"}, {2, 100, "loss=1.9, val_loss=2"});
    assert_rows(&tw_log_format_text, "iter 10/100 | loss 0.5 | lr 0.1 | val_loss 0.6\n",
                "row step=10: loss=0.5 lr=0.1 val_loss=0.6\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_that_ran_to_their_ends_are_epochs),
        cmocka_unit_test(totals_may_differ_a_little),
        cmocka_unit_test(a_bar_that_was_left_is_followed_by_another_attempt),
        cmocka_unit_test(bars_that_are_left_at_one_place_are_epochs),
        cmocka_unit_test(a_bar_whose_loss_begins_anew_is_another_training),
        cmocka_unit_test(a_line_between_bars_may_tell_the_epoch),
        cmocka_unit_test(one_bar_may_span_all_epochs),
        cmocka_unit_test(a_bar_of_another_total_is_that_of_an_evaluation),
        cmocka_unit_test(bars_of_another_total_that_follow_each_other_are_another_training),
        cmocka_unit_test(the_bar_of_epochs_around_others_is_left_out),
        cmocka_unit_test(the_bar_of_epochs_may_tell_of_training_and_evaluation),
        cmocka_unit_test(evaluations_and_epochs_are_told_apart),
        cmocka_unit_test(a_count_holds_where_training_and_evaluation_share_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
