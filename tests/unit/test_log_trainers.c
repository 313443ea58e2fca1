/* Logs of known trainers. Lines are as the sources print them (docs/logs.md names these); meanings
 * in brackets are numbers of enum tw_meaning: 2 loss, 5 train_loss, 6 eval_loss, 7 eval metric, 8
 * grad_norm, 9 learning_rate, 10 loss_scale, 11 overflow, 12 skipped, 13 NaNs, 16 samples, 17 step
 * seconds. */
#include "log_text_fixture.h"

extern const struct tw_log_format tw_log_format_caffe;
extern const struct tw_log_format tw_log_format_deepspeed;
extern const struct tw_log_format tw_log_format_fairseq;
extern const struct tw_log_format tw_log_format_huggingface_output;
extern const struct tw_log_format tw_log_format_keras_progress;
extern const struct tw_log_format tw_log_format_llmc;
extern const struct tw_log_format tw_log_format_megatron;
extern const struct tw_log_format tw_log_format_nanogpt;
extern const struct tw_log_format tw_log_format_torchtitan;

static void is_read(const struct tw_log_format *format, const char *text, const char *expected)
{
    assert_true(probe_of(format, text) >= 50);
    assert_int_equal(probe_of(format, "step 1 loss 0.5\nEpoch 2 loss: 0.4\n"), 0);
    assert_rows(format, text, expected);
    assert_survives_damage(format, text);
}

/* The second line's loss was NaN: Megatron-LM leaves it out and counts. */
static void megatrons_missing_loss_is_counted(void **state)
{
    (void)state;
    is_read(&tw_log_format_megatron,
            " [2026-01-02 03:04:05.6] iteration       10/   1000 | consumed samples:         2560 |"
            " elapsed time per iteration (ms): 512.0 | learning rate: 1.5E-04 | lm loss: 1.06E+01 |"
            " loss scale: 1.0 | grad norm: 4.210 | number of skipped iterations:   0 |"
            " number of nan iterations:   0 |\n"
            "[default7]: iteration       20/   1000 | consumed samples:         5120 |"
            " elapsed time per iteration (s): 0.5 | learning rate: 1.5E-04 | loss scale: 0.5 |"
            " number of skipped iterations:   1 | number of nan iterations:   1 |\n"
            " validation loss at iteration 20 | lm loss value: 2.1E+00 | lm loss PPL: 8.1E+00 |\n",
            "row train step=10 time=1767323045600: consumed samples=2560(16) elapsed time per "
            "iteration (ms)=0.512(17) learning rate=0.00015(9) lm loss=10.6(2) loss scale=1(10) "
            "grad norm=4.21(8) number of skipped iterations=0(12) number of nan iterations=0(13)\n"
            "row train step=20: consumed samples=5120(16) elapsed time per iteration (s)=0.5(17) "
            "learning rate=0.00015(9) loss scale=0.5(10) number of skipped iterations=1(12) number "
            "of nan iterations=1(13)\n"
            "row eval step=20: lm loss value=2.1(6) lm loss PPL=8.1\n");
}

static void a_damaged_field_does_not_hide_its_line(void **state)
{
    (void)state;
    assert_rows(&tw_log_format_megatron,
                " iteration 10/ 1000 | consumed samples: 2560 | lm loss: 1.0x | grad norm: 4.0 |\n",
                "broken a field of a line holds no number\n"
                "row train step=10: consumed samples=2560(16) grad norm=4(8)\n");
}

/* Fields in exactly as much memory as they have: a name without a number at the line's end, words
 * without a name, and no bar at the end. */
static void megatrons_lines_may_end_anywhere(void **state)
{
    (void)state;
    assert_rows(
        &tw_log_format_megatron,
        " iteration 10/ 1000 | consumed samples: 2560 | a word | lm_loss: 2.0 | : 5 | grad norm:\n"
        " iteration 11/ 1000 | consumed samples: 2624 | lm loss: 1.5\n",
        "row train step=10: consumed samples=2560(16) lm_loss=2(2)\n"
        "row train step=11: consumed samples=2624(16) lm loss=1.5(2)\n");
}

/* GPT-NeoX's names; and the step of the last line is that of the end. */
static void megatrons_test_and_its_end_are_told(void **state)
{
    (void)state;
    assert_rows(&tw_log_format_megatron,
                " iteration 10/ 20 | elapsed time per iteration (ms): 512.0 | lm_loss: 2.0 |\n"
                " iteration 20/ 20 | elapsed time per iteration (ms): 512.0 | lm_loss: 1.0 |\n"
                " test loss at iteration 20 | lm_loss value: 1.5E+00 | lm_loss PPL: 4.5E+00 |\n"
                "[after training is done] datetime: 2026-01-02 03:04:05\n",
                "row train step=10: elapsed time per iteration (ms)=0.512(17) lm_loss=2(2)\n"
                "row train step=20: elapsed time per iteration (ms)=0.512(17) lm_loss=1(2)\n"
                "row eval step=20: lm_loss value=1.5(6) lm_loss PPL=4.5\n"
                "event 3 step=20\n");
}

/* "skipped" is DeepSpeed's sum from the start. */
static void deepspeeds_lines_stand_between_others(void **state)
{
    (void)state;
    is_read(&tw_log_format_deepspeed,
            "[2026-01-02 03:04:05,100] [INFO] [loss_scaler.py:190:update_scale] [deepspeed] "
            "OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768\n"
            "[2026-01-02 03:04:06,100] [INFO] [logging.py:96:log_dist] [Rank 0] step=10, skipped=3,"
            " lr=[0.001, 0.002], mom=[[0.9, 0.999]]\n"
            "{'loss': 2.5, 'epoch': 0.5}\n"
            "[Rank 0] step=20, skipped=4, lr=[0.001], mom=[[0.9, 0.999]]\n",
            "row train time=1767323045100: OVERFLOW!=1(11) loss scale=65536(10)\n"
            "row train step=10 time=1767323046100: lr=0.001(9) skipped=3(12)\n"
            "row epoch=0.5: loss=2.5\n"
            "row train step=20 epoch=0.5: lr=0.001(9) skipped=1(12)\n");
}

static void nanogpt_has_two_kinds_of_lines(void **state)
{
    (void)state;
    is_read(&tw_log_format_nanogpt,
            "step 250: train loss 2.3000, val loss nan\n"
            "iter 260: loss 2.3100, time 88.10ms, mfu 12.30%\n",
            "row step=250: train loss=2.3(5) val loss=nan(6)\n"
            "row train step=260: loss=2.31(2)\n");
}

static void a_z_score_of_llmc_is_no_nan(void **state)
{
    (void)state;
    is_read(&tw_log_format_llmc,
            "step    1/1000 | loss 11.009 (+nanz)| norm 15.3 (+nanz)| lr 1.00e-06 | 900 ms | 50.1% "
            "bf16 MFU | 5000 tok/s\n"
            "step    2/1000 | loss nan (+nanz)| norm 15.1 (+0.10z)| lr 2.00e-06 | 900 ms | 50.1% "
            "bf16 MFU | 5000 tok/s\n",
            "row train step=1: loss=11.009(2) norm=15.3(8) lr=1e-06(9)\n"
            "row train step=2: loss=nan(2) norm=15.1(8) lr=2e-06(9)\n");
    is_read(&tw_log_format_llmc,
            "s:0 tel:10.9876\ns:0 eval:0.2500\ns:1 trl:10.9000 lr:0.000001 norm:15.30\n",
            "row eval step=0: tel=10.9876(6)\nrow eval step=0: eval=0.25(7)\n"
            "row train step=1: trl=10.9(2) lr=1e-06(9) norm=15.3(8)\n");
}

static void torchtitan_is_read_by_its_words(void **state)
{
    (void)state;
    is_read(&tw_log_format_torchtitan,
            "[rank0]:[titan] 2026-01-02 03:04:05,678 - root - INFO - step: 10  loss:  7.12345  "
            "grad_norm:  1.2345  memory: 31.00GiB(39.10%)  tps: 1,234  tflops: 12.10  mfu: 5.30%\n"
            "validate step: 10  loss:  6.5  memory: 31.00GiB(39.10%)  tps: 1,234\n",
            "row step=10 time=1767323045678: loss=7.12345 grad_norm=1.2345\n"
            "row eval step=10: loss=6.5\n");
}

static void fairseqs_strings_are_numbers(void **state)
{
    (void)state;
    is_read(&tw_log_format_fairseq,
            "2026-01-02 03:04:05 | INFO | train_inner | {\"epoch\": 1, \"update\": 0.1, \"loss\": "
            "\"3.25\", \"ppl\": \"9.5\", \"num_updates\": \"100\", \"gnorm\": \"1.5\"}\n"
            "2026-01-02 03:04:06 | INFO | valid | {\"epoch\": 1, \"valid_loss\": \"3.0\", "
            "\"valid_num_updates\": \"100\", \"valid_best_loss\": null}\n"
            "2026-01-02 03:04:07 | INFO | train_inner | {\"epoch\": 1, \"loss\": \"3.2\n",
            "row train step=100 epoch=1 time=1767323045000: update=0.1 loss=3.25 ppl=9.5 "
            "gnorm=1.5\n"
            "row eval step=100 epoch=1 time=1767323046000: valid_loss=3\n"
            "broken a dictionary is cut or damaged\n");
}

static void caffes_outputs_of_the_test_are_evaluation(void **state)
{
    (void)state;
    is_read(&tw_log_format_caffe,
            "I0102 03:04:05.678901  1234 solver.cpp:330] Iteration 500, Testing net (#0)\n"
            "I0102 03:04:05.678901  1234 solver.cpp:397]     Test net output #0: accuracy = 0.98\n"
            "I0102 03:04:05.678901  1234 solver.cpp:397]     Test net output #1: loss = 0.06 (* 1 ="
            " 0.06 loss)\n"
            "I0102 03:04:05.678901  1234 solver.cpp:218] Iteration 500 (5.2 iter/s, 19s/100 iters),"
            " loss = 87.3365\n"
            "I0102 03:04:05.678901  1234 solver.cpp:237]     Train net output #0: loss = 87.3365 ("
            "* 1 = 87.3365 loss)\n"
            "I0102 03:04:05.678901  1234 sgd_solver.cpp:105] Iteration 500, lr = 0.01\n"
            "I0102 03:04:05.678901  1234 caffe.cpp:259] Optimization Done.\n",
            "row eval step=500: accuracy=0.98\nrow eval step=500: loss=0.06\n"
            "row train step=500: loss=87.3365\nrow train step=500: lr=0.01\n"
            "event 3 step=500\n");
}

/* Both dialects of transformers. The bar behind a dictionary has its step. */
static void huggingface_prints_dictionaries(void **state)
{
    (void)state;
    is_read(&tw_log_format_huggingface_output,
            "{'loss': 2.1, 'grad_norm': nan, 'learning_rate': 5e-05, 'epoch': 0.1}\n"
            "{'eval_loss': '1.9', 'eval_runtime': '2.5', 'epoch': '1.105'}\n"
            "{'train_runtime': 10.5, 'train_loss': 1.5, 'epoch': 3.0}\n",
            "row epoch=0.1: loss=2.1 grad_norm=nan learning_rate=5e-05\n"
            "row epoch=1.105: eval_loss=1.9 eval_runtime=2.5\n"
            "row epoch=3: train_runtime=10.5(1) train_loss=1.5(1)\n"
            "event 3\n");
    is_read(
        &tw_log_format_huggingface_output,
        "  0%|          | 0/100 [00:00<?, ?it/s]\r 10%|#         | 10/100 [00:01<00:09, 9it/s]\r"
        "{'loss': 2.1, 'epoch': 0.1}\n 10%|#         | 10/100 [00:01<00:09, 9it/s]\r"
        " 19%|##        | 19/100 [00:02<00:09, 9it/s]\r{'loss': 1.9, 'epoch': 0.2}\n"
        " 20%|##        | 20/100 [00:02<00:08, 9it/s]\r 50%|## | 5/10 [00:01<00:01, 5it/s]\r",
        "row step=10 epoch=0.1: loss=2.1\nrow step=20 epoch=0.2: loss=1.9\n");
}

static void a_late_bar_is_not_believed(void **state)
{
    (void)state;
    assert_rows(&tw_log_format_huggingface_output,
                " 90%|#         | 90/100 [00:01<00:09, 9it/s]\n{'loss': 2.1, 'epoch': 0.1}\n"
                "{'loss': 2.0, 'epoch': 0.2}\n 90%|#         | 90/100 [00:01<00:09, 9it/s]\n",
                "row epoch=0.1: loss=2.1\nrow epoch=0.2: loss=2\n");
}

/* keras/src/utils/progbar.py, of versions 2 and 3; and verbose=2. */
static void the_last_state_of_a_keras_bar_counts(void **state)
{
    (void)state;
    is_read(&tw_log_format_keras_progress,
            "Epoch 1/2\n 1/63 [..............] - ETA: 5s - loss: 1.6 - accuracy: 0.2812\r"
            "63/63 [==============] - 0s 488us/step - loss: 1.5 - accuracy: 3.0000e-01\n"
            "Epoch 2/2\n 1/63 [..............] - ETA: 5s - loss: nan - accuracy: 0.2812\r"
            "63/63 [==============] - 0s 488us/step - loss: nan - accuracy: 0.2\n"
            "63/63 [==============] - 0s 488us/step - loss: 1.4 - accuracy: 0.4\n",
            "row epoch=1: loss=1.5 accuracy=0.3\nrow epoch=2: loss=nan accuracy=0.2\n"
            "row eval epoch=2: loss=1.4 accuracy=0.4\n");
    is_read(&tw_log_format_keras_progress,
            "Epoch 1/2\n32/63 \xE2\x94\x81\xE2\x94\x81 0s 2ms/step - loss: 1.6\r"
            "63/63 \xE2\x94\x81\xE2\x94\x81 0s 2ms/step - loss: 1.5\r"
            "63/63 \xE2\x94\x81\xE2\x94\x81 1s 3ms/step - loss: 1.5 - val_loss: 1.7\n"
            "Epoch 2/2\n63/63 - 1s - loss: 1.2 - val_loss: 1.4 - 1s/epoch - 9ms/step\n",
            "row epoch=1: loss=1.5 val_loss=1.7\nrow epoch=2: loss=1.2 val_loss=1.4\n");
}

static void keras_tells_of_an_invalid_loss(void **state)
{
    (void)state;
    assert_rows(&tw_log_format_keras_progress,
                "Epoch 1/2\n 1/63 [..............] - ETA: 5s - loss: 1.6\n"
                "Batch 12: Invalid loss, terminating training\n",
                "row epoch=1: loss=1.6\nrow train epoch=1: Invalid loss=nan(2)\nevent 4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(megatrons_missing_loss_is_counted),
        cmocka_unit_test(a_damaged_field_does_not_hide_its_line),
        cmocka_unit_test(megatrons_lines_may_end_anywhere),
        cmocka_unit_test(megatrons_test_and_its_end_are_told),
        cmocka_unit_test(deepspeeds_lines_stand_between_others),
        cmocka_unit_test(nanogpt_has_two_kinds_of_lines),
        cmocka_unit_test(a_z_score_of_llmc_is_no_nan),
        cmocka_unit_test(torchtitan_is_read_by_its_words),
        cmocka_unit_test(fairseqs_strings_are_numbers),
        cmocka_unit_test(caffes_outputs_of_the_test_are_evaluation),
        cmocka_unit_test(huggingface_prints_dictionaries),
        cmocka_unit_test(a_late_bar_is_not_believed),
        cmocka_unit_test(the_last_state_of_a_keras_bar_counts),
        cmocka_unit_test(keras_tells_of_an_invalid_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
