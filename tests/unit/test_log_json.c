/* JSON: lines, whole documents and transformers' trainer_state.json. What is expected is what a
 * reader of the text would say; meanings stand behind values as in enum tw_meaning. */
#include "tests/unit/log_text.h"

#include <errno.h>
#include <jansson.h>

extern const struct tw_log_format tw_log_format_huggingface_state;
extern const struct tw_log_format tw_log_format_json_document;
extern const struct tw_log_format tw_log_format_json_lines;
static const struct tw_log_format *const lines = &tw_log_format_json_lines;
static const struct tw_log_format *const document = &tw_log_format_json_document;
static const struct tw_log_format *const huggingface = &tw_log_format_huggingface_state;

_Static_assert(TW_MEANS_NOTHING == 1 && TW_MEANS_LOSS == 2 && TW_MEANS_LOSS_AVERAGED_OVER == 4 &&
                   TW_MEANS_EVAL_LOSS == 6 && TW_MEANS_GRAD_NORM == 8 &&
                   TW_MEANS_LEARNING_RATE == 9 && TW_LOG_COMPLETED == 3,
               "expected texts tell meanings by number");

/* ---- lines ---- */

static void objects_are_rows(void **state)
{
    (void)state;
    assert_reads(
        lines, "log.jsonl",
        "{\"step\": 1, \"loss\": 0.5, \"train\": {\"acc\": {\"top1\": 0.25}}, \"x\": [1, 2]}\n"
        "{\"step\": \"2\", \"loss\": \"nan\", \"note\": \"12 apples\", \"y\": null}\n"
        "\n"
        "  {\"step\": 3, \"loss\": NaN, \"ok\": true, \"e\": \"a\\nb\"}\n"
        "{\"step\": 4, \"loss\": -Infinity}\n"
        "{\"message\": \"no number\"}\n",
        "row: step=1 loss=0.5 train/acc/top1=0.25\n"
        "row: step=2 loss=nan\n"
        "row: step=3 loss=nan ok=1\n"
        "row: step=4 loss=-inf\n");
}

static void lines_tell_parts_times_and_parameters(void **state)
{
    (void)state;
    assert_reads(lines, "log.json",
                 "{\"config\": {\"lr\": 0.5, \"optimizer\": {\"type\": \"SGD\"}}}\n"
                 "{\"mode\": \"train\", \"iter\": 50, \"loss\": 2.5}\n"
                 "{\"mode\": \"val\", \"iter\": 50, \"loss\": 2.25}\n"
                 "{\"split\": \"test\", \"iter\": 50, \"loss\": 2}\n"
                 "{\"asctime\": \"2026-01-02 03:04:05,250\", \"loss\": 1}\n",
                 "parameter config/lr=0.5\n"
                 "parameter config/optimizer/type=SGD\n"
                 "row train: iter=50 loss=2.5\n"
                 "row eval: iter=50 loss=2.25\n"
                 "row: test/iter=50 test/loss=2\n"
                 "row time=1767323045250: loss=1\n");
}

static void broken_lines_cost_themselves(void **state)
{
    (void)state;
    assert_reads(lines, "log.jsonl",
                 "{\"step\": 1, \"loss\": 0.5}\n{\"step\": 2, \"lo\nTraceback:\n{\"step\": 3, "
                 "\"loss\": 0.25}\n",
                 "row: step=1 loss=0.5\nbroken a line that is no JSON\n"
                 "broken a line that is no JSON\nrow: step=3 loss=0.25\n");
}

static void clearml_writes_a_list_of_requests_a_line(void **state)
{
    (void)state;
    const char *log =
        "[{\"type\": \"training_stats_scalar\", \"task\": \"offline-1\", \"iter\": 5, "
        "\"timestamp\": "
        "1767323045250, \"metric\": \"loss\", \"variant\": \"train\", \"value\": 0.5}, {\"type\": "
        "\"training_debug_image\", \"iter\": 5, \"metric\": \"image\", \"variant\": \"a\", "
        "\"url\": "
        "\"x\"}, {\"type\": \"training_stats_scalar\", \"iter\": 5, \"metric\": \"lr\", "
        "\"variant\": "
        "\"lr\", \"value\": 0.25}]\n";
    assert_reads(lines, "metrics.jsonl", log,
                 "row step=5 time=1767323045250: loss/train=0.5\nrow step=5: lr=0.25\n");
    assert_is("metrics.jsonl", log, "json_lines");
}

static void lines_of_trainings_are_known(void **state)
{
    (void)state;
    assert_is("a", "{\"step\": 1, \"loss\": 0.5}\n{\"step\": 2, \"loss\": 0.5}\n", "json_lines");
    assert_is("a", "{\"iteration\": 19, \"total_loss\": 0.5, \"lr\": 1}\n", "json_lines");
    assert_is("a", "{\"id\": 1, \"size\": 2}\n{\"id\": 2, \"size\": 3}\n", "none");
    assert_is("a", "{\"learning_rate\": 1, \"epochs\": 3}\n", "none");
    assert_is("a", "[1, 2, 3]\n", "none");
}

/* ---- documents ---- */

static void histories_of_keras_are_epochs(void **state)
{
    (void)state;
    const char *log = "{\"loss\": [2.5, NaN, null], \"val_loss\": [2.25, 2, 1.5],\n"
                      " \"names\": [\"a\"], \"params\": {\"epochs\": 3}}";
    assert_reads(document, "history.json", log,
                 "parameter params/epochs=3\n"
                 "row epoch=0: loss=2.5 val_loss=2.25\n"
                 "row epoch=1: loss=nan val_loss=2\n"
                 "row epoch=2: val_loss=1.5\n");
    assert_is("history.json", log, "json_document");
    log = "{\"loss\":{\"0\":2.5,\"1\":2.25},\"val_loss\":{\"0\":3,\"1\":2}}"; /* by pandas */
    assert_reads(document, "history.json", log,
                 "row epoch=0: loss=2.5 val_loss=3\nrow epoch=1: loss=2.25 val_loss=2\n");
    assert_is("history.json", log, "json_document");
    assert_is("config.json", "{\"learning_rate\": 0.1, \"loss\": \"mse\", \"layers\": [1, 2]}",
              "none");
}

static void what_pandas_writes_in_other_ways_is_read(void **state)
{
    static const char split[] = "{\"columns\": [\"step\", \"loss\"], \"index\": [0, 1], "
                                "\"data\": [[10, 2.5], [20, null]]}";
    static const char by_index[] = "{\"0\": {\"loss\": 2.5}, \"1\": {\"loss\": 2}}";
    static const char of_table[] = "{\"schema\": {\"fields\": [{\"name\": \"loss\"}]}, "
                                   "\"data\": [{\"loss\": 2.5}, {\"loss\": 2}]}";
    (void)state;
    assert_reads(document, "a.json", split, "row: step=10 loss=2.5\nrow: step=20\n");
    assert_reads(document, "a.json", by_index, "row epoch=0: loss=2.5\nrow epoch=1: loss=2\n");
    assert_reads(document, "a.json", of_table, "row: loss=2.5\nrow: loss=2\n");
    assert_is("a.json", split, "json_document");
    assert_is("a.json", by_index, "json_document");
    assert_is("a.json", of_table, "json_document");
}

static void objects_of_epochs_or_steps_are_rows(void **state)
{
    (void)state;
    assert_reads(document, "a.json",
                 "{\"lr\": 0.5, \"epochs\": {\"epoch_1\": {\"train\": {\"loss\": 2.5}}, "
                 "\"epoch_2\": {\"train\": {\"loss\": 2}}}}",
                 "parameter lr=0.5\nrow epoch=1: train/loss=2.5\nrow epoch=2: train/loss=2\n");
    assert_reads(document, "a.json", "{\"step 10\": {\"loss\": 2}, \"step 20\": {\"loss\": 1}}",
                 "row step=10: loss=2\nrow step=20: loss=1\n");
    assert_reads(document, "a.json", "{\"layer_1\": {\"loss\": 2}, \"layer_2\": {\"loss\": 1}}",
                 "parameter layer_1/loss=2\nparameter layer_2/loss=1\n");
}

static void curves_have_their_own_steps(void **state)
{
    static const char log[] = /* Sacred's metrics.json */
        "{\"training.loss\": {\"steps\": [10, 20, 30], \"timestamps\": [\"a\", \"b\", \"c\"], "
        "\"values\": [2.5, NaN, 1.5]}, \"validation.loss\": {\"steps\": [20], \"values\": [3]}}";
    (void)state;
    assert_reads(document, "metrics.json", log,
                 "row step=10: training.loss=2.5\n"
                 "row step=20: training.loss=nan validation.loss=3\n"
                 "row step=30: training.loss=1.5\n");
    assert_is("metrics.json", log, "json_document");
}

/* Of a large file only the beginning is seen. */
static void the_beginning_of_a_document_tells_what_it_is(void **state)
{
    static const char *const documents[] = {
        "{\"config\": {\"lr\": 0.5}, \"epochs\": [{\"train\": {\"loss\": 2.5}}, {\"train\": "
        "{\"loss\": 2}}, {\"train\": {\"lo",
        "[\n  {\n    \"epoch\": 1,\n    \"loss\": 2.5\n  },\n  {\n    \"epoch\": 2,\n    "
        "\"loss\": 2.5\n  },\n  {\n    \"epo",
        "{\"loss\": [2.5, 2, 1.5, 1.",
    };
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        const struct tw_log_sample sample = {"a.json", documents[i], strlen(documents[i]), false,
                                             NULL};
        assert_true(document->probe(&sample) > 50);
    }
}

static void what_came_out_of_a_training_is_no_log(void **state)
{
    (void)state;
    assert_is("metrics.json", "{\n  \"train\": {\n    \"loss\": 0.5\n  },\n  \"step\": 9\n}\n",
              "none");
    assert_is("all_results.json", "{\n  \"epoch\": 3.0,\n  \"train_loss\": 0.5\n}\n", "none");
}

static void series_may_have_their_own_axis_or_lengths(void **state)
{
    (void)state;
    assert_reads(document, "a.json", "{\"epoch\": [1, 2], \"train\": {\"loss\": [0.5, 0.25]}}",
                 "row: epoch=1 train/loss=0.5\nrow: epoch=2 train/loss=0.25\n");
    /* two epochs of two steps */
    assert_reads(document, "a.json", "{\"loss\": [4, 3, 2, 1], \"val_loss\": [3.5, 1.5]}",
                 "row step=0: loss=4\nrow step=1: loss=3 val_loss=3.5\n"
                 "row step=2: loss=2\nrow step=3: loss=1 val_loss=1.5\n");
}

static void arrays_of_objects_are_rows(void **state)
{
    (void)state;
    const char *log =
        "[\n {\"epoch\": 1, \"main/loss\": 0.5},\n {\"epoch\": 2, \"main/loss\": 0.25}\n]";
    assert_reads(document, "log", log, "row: epoch=1 main/loss=0.5\nrow: epoch=2 main/loss=0.25\n");
    assert_is("log", log, "json_document"); /* Chainer's */
    assert_reads(document, "log", "{\"history\": [{\"step\": 1, \"loss\": 2}], \"seed\": 7}",
                 "row: step=1 loss=2\nparameter seed=7\n");
}

static void assert_half(const struct tw_log_format *format, const char *text, const char *expected)
{
    struct log_rows rows = {0};
    struct tw_error error = {0};
    assert_int_equal(log_rows_read(format, "log", text, strlen(text), 0, &rows, &error), -EAGAIN);
    assert_string_equal(rows.text ? rows.text : "", expected);
    assert_true(error.text[0]);
    free(rows.text);
}

static void whole_entries_of_half_documents_are_read(void **state)
{
    (void)state;
    assert_half(document, "[{\"epoch\": 1, \"loss\": 0.5}, {\"epoch\": 2, \"lo",
                "row: epoch=1 loss=0.5\n");
    assert_half(document, "[{\"epoch\": 1, \"loss\": 0.5}, {\"epoch\": 2}] and",
                "row: epoch=1 loss=0.5\nrow: epoch=2\n");
    assert_half(document, "[{\"epoch\": 1, \"loss\": 0.5},]\n", "row: epoch=1 loss=0.5\n");
    assert_half(document, "{\"loss\": [1, 2", "");
    assert_half(document, "", "");
    assert_half(huggingface,
                "{\"note\": \"\\\"log_history\\\": [{\", \"log_history\": [\n"
                "{\"loss\": 0.5, \"text\": \"]}\", \"step\": 10}, {\"loss\": 0.4, \"step\": 2",
                "parameter framework=transformers\nparameter grad_norm_kind=pre_clip\n"
                "row step=10: loss=0.5(2) loss_averaged_over=10(4)\n");
}

/* ---- transformers ---- */

static void trainer_state(void **state)
{
    (void)state;
    const char *log =
        "{\n  \"best_metric\": null,\n  \"epoch\": 2.0,\n  \"global_step\": 20,\n  "
        "\"log_history\": [\n"
        "    {\"epoch\": 0.1, \"grad_norm\": NaN, \"learning_rate\": 5e-05, \"loss\": 2.5, "
        "\"step\": 1},\n"
        "    {\"epoch\": 1.0, \"grad_norm\": 1.5, \"learning_rate\": 2e-05, \"loss\": 2.25, "
        "\"step\": 10},\n"
        "    {\"epoch\": 1.0, \"eval_accuracy\": 0.5, \"eval_loss\": 2.125, \"eval_runtime\": 3.5, "
        "\"step\": 10},\n"
        "    {\"epoch\": 2.0, \"learning_rate\": 0.0, \"loss\": 2.0, \"step\": 20},\n"
        "    {\"epoch\": 2.0, \"step\": 20, \"train_loss\": 2.25, \"train_runtime\": 50.0}\n  ],\n"
        "  \"logging_steps\": 10,\n  \"max_steps\": 20,\n  \"num_train_epochs\": "
        "9223372036854775807,\n"
        "  \"train_batch_size\": 8,\n  \"trial_params\": {\"learning_rate\": 5e-05}\n}\n";
    assert_reads(huggingface, "trainer_state.json", log,
                 "parameter framework=transformers\n"
                 "parameter grad_norm_kind=pre_clip\n"
                 "parameter logging_steps=10\n"
                 "parameter max_steps=20\n"
                 "parameter train_batch_size=8\n"
                 "parameter trial_params/learning_rate=5e-5\n"
                 "row step=1 epoch=0.1: grad_norm=nan(8) learning_rate=5e-05(9) loss=2.5(2) "
                 "loss_averaged_over=1(4)\n"
                 "row step=10 epoch=1: grad_norm=1.5(8) learning_rate=2e-05(9) loss=2.25(2) "
                 "loss_averaged_over=9(4)\n"
                 "row step=10 epoch=1: eval_accuracy=0.5 eval_loss=2.125(6) eval_runtime=3.5\n"
                 "row step=20 epoch=2: learning_rate=0(9) loss=2(2) loss_averaged_over=10(4)\n"
                 "row step=20 epoch=2: train_loss=2.25(1) train_runtime=50\n"
                 "event 3 step=20\n");
    assert_is("trainer_state.json", log, "huggingface_state");
}

static void a_training_that_goes_on_has_not_ended(void **state)
{
    (void)state;
    assert_reads(huggingface, "trainer_state.json",
                 "{\"global_step\": 3, \"log_history\": [{\"step\": 1, \"train_loss\": 2, "
                 "\"train_runtime\": 5}, 7, {\"step\": 3, \"loss\": 1}]}",
                 "parameter framework=transformers\n"
                 "parameter grad_norm_kind=pre_clip\n"
                 "row step=1: train_loss=2(1) train_runtime=5\n"
                 "broken an entry that is no object\n"
                 "row step=3: loss=1(2) loss_averaged_over=3(4)\n");
}

/* What is no JSON costs itself, and keeps the document from being whole. */
static void damage_in_a_state_costs_itself(void **state)
{
    (void)state;
    const char *facts = "parameter framework=transformers\nparameter grad_norm_kind=pre_clip\n";
    const char *const histories[] = {
        "[{\"loss\": 2, \"step\": 1} {\"loss\": 1, \"step\": 2}]",
        "[{\"loss\": 2, \"step\": 1}, {\"loss\": 1, \"step\": 2},]",
        "[{\"loss\": 2, \"step\": 1}, {\"loss\": }, {\"loss\": 1, \"step\": 2}]",
        "[{\"loss\": 2, \"step\": 1}, , word, {\"loss\": 1, \"step\": 2}]",
    };
    char text[200], expected[300];
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
        snprintf(text, sizeof text, "{\"global_step\": 2, \"log_history\": %s}", histories[i]);
        snprintf(expected, sizeof expected,
                 "%srow step=1: loss=2(2) loss_averaged_over=1(4)\n"
                 "row step=2: loss=1(2) loss_averaged_over=1(4)\n",
                 facts);
        assert_half(huggingface, text, expected);
    }
    snprintf(expected, sizeof expected, "%srow step=1: loss=2(2) loss_averaged_over=1(4)\n", facts);
    assert_half(huggingface, "{\"log_history\": [{\"loss\": 2, \"step\": 1}], \"max_steps\": }",
                expected);
    assert_half(huggingface, "{\"log_history\": [{\"loss\": 2, \"step\": 1}], \"max_", expected);
    assert_reads(huggingface, "trainer_state.json",
                 "{\"log_history\": [], \"max_steps\": 5, \"a\": {\"log_history\": [7]}}",
                 "parameter framework=transformers\nparameter grad_norm_kind=pre_clip\n"
                 "parameter max_steps=5\n");
}

/* ---- memory ---- */

static size_t allocated, most_allocated;

static void *count_malloc(size_t size)
{
    size_t *block = malloc(size + 2 * sizeof *block); /* aligned as malloc()'s own */
    assert_non_null(block);
    *block = size;
    allocated += size;
    most_allocated = allocated > most_allocated ? allocated : most_allocated;
    return block + 2;
}

static void count_free(void *memory)
{
    size_t *block = memory;
    if (!block)
        return;
    allocated -= block[-2];
    free(block - 2);
}

/* What trees of JSON take at most for a document of so many entries. */
static size_t most_for(const char *before, unsigned entries, const char *behind,
                       const struct tw_log_format *format)
{
    const size_t room = 100 + 40 * (size_t)entries;
    struct log_rows rows = {0};
    char *text = malloc(room);
    size_t used = (size_t)snprintf(text, room, "%s", before);
    for (unsigned i = 0; i < entries; i++)
        used += (size_t)snprintf(text + used, room - used, "%s{\"loss\": 0.5, \"step\": %u}",
                                 i ? ", " : "", 1000 + i);
    used += (size_t)snprintf(text + used, room - used, "%s", behind);
    allocated = most_allocated = 0;
    json_set_alloc_funcs(count_malloc, count_free);
    assert_int_equal(log_rows_read(format, "log", text, used, 0, &rows, NULL), 0);
    json_set_alloc_funcs(malloc, free);
    assert_non_null(strstr(rows.text, "step=1009"));
    free(rows.text);
    free(text);
    return most_allocated;
}

/* A history of a million entries was 1.6 GB as one tree. */
static void a_longer_history_takes_no_larger_trees(void **state)
{
    (void)state;
    assert_true(most_for("{\"log_history\": [", 10, "]}", huggingface) > 0);
    assert_int_equal(most_for("{\"log_history\": [", 1000, "]}", huggingface),
                     most_for("{\"log_history\": [", 10, "]}", huggingface));
    assert_int_equal(most_for("[", 1000, "]", document), most_for("[", 10, "]", document));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_rows),
        cmocka_unit_test(lines_tell_parts_times_and_parameters),
        cmocka_unit_test(broken_lines_cost_themselves),
        cmocka_unit_test(clearml_writes_a_list_of_requests_a_line),
        cmocka_unit_test(lines_of_trainings_are_known),
        cmocka_unit_test(histories_of_keras_are_epochs),
        cmocka_unit_test(what_pandas_writes_in_other_ways_is_read),
        cmocka_unit_test(objects_of_epochs_or_steps_are_rows),
        cmocka_unit_test(curves_have_their_own_steps),
        cmocka_unit_test(the_beginning_of_a_document_tells_what_it_is),
        cmocka_unit_test(what_came_out_of_a_training_is_no_log),
        cmocka_unit_test(series_may_have_their_own_axis_or_lengths),
        cmocka_unit_test(arrays_of_objects_are_rows),
        cmocka_unit_test(whole_entries_of_half_documents_are_read),
        cmocka_unit_test(trainer_state),
        cmocka_unit_test(a_training_that_goes_on_has_not_ended),
        cmocka_unit_test(damage_in_a_state_costs_itself),
        cmocka_unit_test(a_longer_history_takes_no_larger_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
