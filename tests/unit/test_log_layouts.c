/* A line that is read by the layout of one before gives what it would give without. */
#include "log_text_fixture.h"

#include "sources/logs/text_layout.h"

extern const struct tw_log_format tw_log_format_text;

/* Every line is looked at as if it were the first. */
static int forgetful_line(void *state, const char *line, size_t size,
                          const struct tw_log_sink *sink, struct tw_error *error)
{
    struct tw_text_log *log = state;
    free(log->layouts);
    log->layouts = NULL;
    return tw_log_format_text.line(state, line, size, sink, error);
}

static char *rows_of(const struct tw_log_format *format, const char *text)
{
    struct log_rows rows = {0};
    struct tw_error error = {0};
    assert_int_equal(log_rows_read(format, "x", text, strlen(text), 0, &rows, &error), 0);
    return rows.text ? rows.text : strdup("");
}

static void assert_same_without(const char *text)
{
    struct tw_log_format forgetful = tw_log_format_text;
    forgetful.line = forgetful_line;
    char *with = rows_of(&tw_log_format_text, text), *without = rows_of(&forgetful, text);
    if (strcmp(with, without))
        print_message("%s", text);
    assert_string_equal(with, without);
    free(with);
    free(without);
}

/* In these, the first `~` and the second stand for numbers. */
static const char *const shapes[] = {
    "step ~ | loss ~ | lr 1e-3",
    "[n] INFO: ~ time=4, loss=2",
    "| loss: ~ step: ~ train/ | |",
    "|    loss | ~ |",
    "| train/ | |",
    "[~]\ttrain loss: 2",
    "best iteration ~ loss ~:",
    "all 1 2 ~ 3 4 loss: ~",
    "epoch ~ loss ~",
    "Epoch: [~][120/500] loss ~ (6.5)",
    "Epoch: [3][~/500]\tLoss 6.9 (~)\tAcc@1 1.5 (1.0)",
    "Epoch [~/10], Step [~/600], Loss: 0.5",
    "Test: [~/196]\tLoss ~ (5.3)",
    "loss at step ~: ~",
    "Train: ~ [50/1251] loss ~",
    "Train Epoch: 1 [~/60000 (50%)]\tLoss: ~",
    "Train Epoch: 1 [5/~ (~)]\tLoss: 2",
    "~/2983 batches | loss ~",
    "~: loss ~",
    "step ~: train loss ~, val loss 2.5",
    "step:~ loss:~ time 7 ms",
    "2024-01-02 03:04:05,678 step ~ loss ~",
    "at ~ step 5 loss=~",
    "loss -~ step ~",
    "loss(~) acc(top1) ~ loss 1",
    "loss: tensor(~, device=0) step ~",
    "Accuracy: ~/10000 loss ~",
    "iter ~: loss ~, time 88.1ms, mfu 12%",
    "[~, ~] loss: 0.5",
    "step ~ loss ~ sec",
    "out of memory at step ~ loss ~",
    "Train Loss: ~ | Acc: 2 | Val Loss: ~ | Acc: 4",
    "loss ~ lr: 0,5 acc ~",
    "Epoch[1] Batch [~] loss ~",
    "epoch: 1 step: ~, loss is ~",
    "2024-01-02 03:04:05 Epoch ~: loss=~, RMSE_E=1",
    "1epoch:train:1-~batch: loss=~",
    "Bar: 3%|# | ~/100 [00:01<00:32, 3it/s, loss=~]",
    "Train loss ~ ~ Grad Norm 1.5",
    "Validation loss ~: ~",
    "INFO Train: [~/300][~/1251] loss 2.5",
    "iter ~/100 | loss ~ | val_loss 0.6",
};
static const char *const numbers[] = {
    "1",
    "2.5",
    "0",
    "10",
    "700",
    "1e3",
    "1e-3",
    "-3",
    "-0.5",
    "+7",
    ".5",
    "nan",
    "-inf",
    "NaN",
    "1.#IND",
    "1,234",
    "12,345",
    "12,345.5",
    "0,125",
    "3-9]",
    "50%",
    "3/10",
    "3/ 10",
    "1/7 ",
    "2.5/3",
    "0.5 (0.6)",
    "1.2.3",
    "4p",
    "2epoch:3batch:",
    "12:30:01",
    "5ms",
    "5 ms",
    "1e400",
    "1e",
    "007",
    "1e15",
    "1e16",
    "--1",
    "..5",
    "x",
    "",
    "0.123456789012345678901",
    "123456789012345678901234567890",
    "6000/60000",
    "2024-01-02 03:04:05",
};
#define SHAPES (sizeof shapes / sizeof *shapes)
#define NUMBERS (sizeof numbers / sizeof *numbers)

static size_t put_line(char *to, const char *shape, const char *first, const char *second)
{
    size_t n = 0;
    for (; *shape; shape++) {
        if (*shape != '~') {
            to[n++] = *shape;
            continue;
        }
        memcpy(to + n, first, strlen(first));
        n += strlen(first);
        first = second;
    }
    to[n++] = '\n';
    to[n] = '\0';
    return n;
}

/* Every pair of numbers behind an ordinary line of the same shape, and before another. */
static void nothing_is_read_otherwise(void **state)
{
    char text[1000];
    (void)state;
    for (size_t i = 0; i < SHAPES * NUMBERS * NUMBERS; i++) {
        const char *shape = shapes[i % SHAPES], *first = numbers[i / SHAPES % NUMBERS];
        const char *second = numbers[i / SHAPES / NUMBERS];
        size_t n = put_line(text, shape, "4", "0.25");
        n += put_line(text + n, shape, first, second);
        n += put_line(text + n, shape, "5", "0.5");
        put_line(text + n, shape, second, first);
        assert_same_without(text);
    }
}

static void shapes_take_turns(void **state)
{
    char text[4000];
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < 60; i++) {
        char number[20];
        snprintf(number, sizeof number, "%zu.5", i);
        n += put_line(text + n, shapes[i * i % SHAPES], number + (i % 3 == 0), number);
    }
    assert_same_without(text);
}

/* So that the comparisons above compare something. */
static bool is_by_layout(const char *first, const char *second)
{
    struct tw_text_log *log = calloc(1, sizeof *log);
    struct log_rows rows = {0};
    struct tw_log_sink sink = log_rows_sink(&rows);
    tw_text_start(log, "x", NULL);
    assert_int_equal(tw_text_line(log, first, strlen(first), &sink, NULL), 0);
    bool is = tw_text_layout_line(log, second, strlen(second), &sink) == 1;
    tw_text_done(log);
    free(log);
    free(rows.text);
    return is;
}

static void lines_of_a_shape_are_read_by_its_layout(void **state)
{
    (void)state;
    assert_true(is_by_layout("step 9 | loss 2.5 | lr 1e-3", "step 1,010 | loss nan | lr 2e-4"));
    assert_true(is_by_layout("Epoch [1/5], Step [1/600], Loss: 0.5",
                             "Epoch [1/5], Step [300/600], Loss: 0.25"));
    assert_true(
        is_by_layout("Epoch: [0][  1/500] Loss 6.9 (7.0)", "Epoch: [0][  2/500] Loss 6 (7)"));
    assert_true(is_by_layout("2024-01-02 03:04:05,678 INFO step=1 loss=2",
                             "2024-01-02 03:04:06,001 INFO step=2 loss=1.5"));
    assert_false(is_by_layout("step 9 | loss 2.5", "step 9 | Loss 2.5"));
    assert_false(is_by_layout("step 9 | loss 2.5", "step 9 | loss 2.5 |"));
    assert_false(is_by_layout("step 9 | loss 2.5", "step 9 | loss 2.5/3"));
    assert_false(is_by_layout("step 9 | loss 2.5", "step 9.5 | loss 2.5"));
    assert_false(is_by_layout("no numbers", "no numbers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_read_otherwise),
        cmocka_unit_test(shapes_take_turns),
        cmocka_unit_test(lines_of_a_shape_are_read_by_its_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
