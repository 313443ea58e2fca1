/* Logs of known trainers. Lines are as the sources print them (docs/logs.md names these); meanings
 * in brackets are numbers of enum tw_meaning: 2 loss, 5 train_loss, 6 eval_loss, 7 eval metric, 8
 * grad_norm, 9 learning_rate, 10 loss_scale, 11 overflow, 12 skipped, 13 NaNs, 16 samples, 17 step
 * seconds. */
#include "log_text_fixture.h"

extern const struct tw_log_format tw_log_format_boosting;
extern const struct tw_log_format tw_log_format_caffe;
extern const struct tw_log_format tw_log_format_darknet;
extern const struct tw_log_format tw_log_format_deepspeed;
extern const struct tw_log_format tw_log_format_fairseq;
extern const struct tw_log_format tw_log_format_huggingface_output;
extern const struct tw_log_format tw_log_format_kaldi;
extern const struct tw_log_format tw_log_format_keras_progress;
extern const struct tw_log_format tw_log_format_llmc;
extern const struct tw_log_format tw_log_format_megatron;
extern const struct tw_log_format tw_log_format_nanogpt;
extern const struct tw_log_format tw_log_format_screen_table;
extern const struct tw_log_format tw_log_format_stable_baselines;
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

/* What is minimized is the first of its metrics that is no rate or area. */
static void rounds_of_boosting_are_steps(void **state)
{
    (void)state;
    is_read(&tw_log_format_boosting,
            "[0]\ttrain-auc:0.75\ttrain-rmse:0.5+0.01\ttest-rmse:0.625+0.02\n"
            "2025-03-01 10:00:00,123 INFO [1]\ttrain-auc:0.8\ttrain-rmse:nan\ttest-rmse:0.5\n",
            "row step=0: train-auc=0.75 train-rmse=0.5(2) test-rmse=0.625(6)\n"
            "row step=1: train-auc=0.8 train-rmse=nan(2) test-rmse=0.5(6)\n");
    is_read(&tw_log_format_boosting,
            "[10]\ttraining's l2: 0.5\tvalid_1's l2: 0.75\tvalid_1's auc: 0.5\n"
            "[20]\ttraining's l2: 0.25\tvalid_1's l2: 0.8\tvalid_1's auc: 0.6\n"
            "Early stopping, best iteration is:\n"
            "[10]\ttraining's l2: 0.5\tvalid_1's l2: 0.75\tvalid_1's auc: 0.5\n",
            "row step=10: training's l2=0.5(2) valid_1's l2=0.75(6) valid_1's auc=0.5\n"
            "row step=20: training's l2=0.25(2) valid_1's l2=0.8(6) valid_1's auc=0.6\n");
    is_read(&tw_log_format_boosting,
            "[LightGBM] [Info] Iteration:1, training binary_logloss : 0.5\n"
            "[LightGBM] [Info] Iteration:1, valid_1 binary_logloss : 0.6\n",
            "row step=1: training binary_logloss=0.5(2)\n"
            "row step=1: valid_1 binary_logloss=0.6(6)\n");
}

/* CatBoost names no metric: one that grows from the first round to the next is no loss. */
static void catboosts_metric_is_known_by_its_direction(void **state)
{
    (void)state;
    is_read(&tw_log_format_boosting,
            "0:\tlearn: 0.6718\ttest: 0.68\tbest: 0.68 (0)\ttotal: 51ms\tremaining: 51s\n"
            "1:\tlearn: 0.6518\ttest: 0.69\tbest: 0.68 (0)\ttotal: 58ms\tremaining: 49s\n",
            "row step=0: learn=0.6718(2) test=0.68(6)\n"
            "row step=1: learn=0.6518(2) test=0.69(6)\n");
    is_read(&tw_log_format_boosting,
            "0:\ttest: 0.5\tbest: 0.5 (0)\ttotal: 51ms\tremaining: 51s\n"
            "1:\ttest: 0.5\tbest: 0.5 (0)\ttotal: 58ms\tremaining: 49s\n"
            "2:\ttest: 0.75\tbest: 0.75 (2)\ttotal: 58ms\tremaining: 49s\n"
            "3:\ttest: 0.7\tbest: 0.75 (2)\ttotal: 58ms\tremaining: 49s\n",
            "row step=0: test=0.5(6)\nrow step=1: test=0.5(1)\n"
            "row step=2: test=0.75(1)\nrow step=3: test=0.7(1)\n");
}

/* Both dialects, and the classifier's; what is told of layers is no loss of the step. */
static void darknets_loss_stands_before_its_name(void **state)
{
    (void)state;
    is_read(&tw_log_format_darknet,
            "Region 82 Avg IOU: 0.285, Class: 0.48, Obj: 0.46, No Obj: 0.46, .5R: 0.2,  count: 4\n"
            "1: 2047.5, 2047.5 avg, 0.000000 rate, 4.125 seconds, 64 images\n"
            "v3 (iou loss, Normalizer: (iou: 0.07, obj: 1.00, cls: 1.00) Region 139 Avg (IOU: 0.4),"
            " count: 1, class_loss = 7.5, iou_loss = 2.5, total_loss = 9.5 \n"
            " 2: 2.5, -nan avg loss, 0.001300 rate, 4.125 seconds, 128 images, 9.5 hours left\n"
            "3, 0.5: 1.5, 2.25 avg, 0.1 rate, 0.5 seconds, 192 images\n",
            "row train step=1: loss=2047.5(2) rate=0(9) seconds=4.125(17)\n"
            "row train step=2: loss=2.5(2) rate=0.0013(9) seconds=4.125(17)\n"
            "row train step=3 epoch=0.5: loss=1.5(2) rate=0.1(9) seconds=0.5(17)\n");
}

static void kaldis_objective_is_maximized(void **state)
{
    (void)state;
    is_read(
        &tw_log_format_kaldi,
        "LOG (nnet3-train[5.5]:PrintStatsForThisPhase():nnet-training.cc:280) Average objective "
        "function for 'output' for minibatches 0-9 is -4.5 over 12800 frames.\n"
        "LOG (a) Average objective function for 'output-xent' for minibatches 0-9 is -3 over 1 "
        "frames.\n"
        "LOG (a) Average objective function for 'output' using 3 minibatches in minibatch range "
        "10-19 is -2.5 + -0.25 = -2.75 over 12800 frames.\n"
        "LOG (a) Overall average objective function for 'output' is -3.5 over 25600 frames.\n",
        "row train step=10: - objective function=4.5(2)\n"
        "row train step=20: - objective function=2.75(2)\n");
}

/* Columns by two blanks. spaCy's first row is a sum over one batch, the others over many. */
static void tables_stand_among_other_lines(void **state)
{
    (void)state;
    is_read(&tw_log_format_screen_table,
            "Pipeline: ['tok2vec', 'ner']\nInitial learn rate: 0.001\n"
            "E    #       LOSS TOK2VEC  LOSS NER  ENTS_F  SCORE \n"
            "---  ------  ------------  --------  ------  ------\n"
            "  0       0          0.00     60.50    0.10    0.00\n"
            "  0     200        120.00   2700.50   45.00    0.45\n",
            "row step=200 epoch=0: LOSS TOK2VEC=120 LOSS NER=2700.5 ENTS_F=45 SCORE=0.45\n");
    is_read(&tw_log_format_screen_table,
            "epoch     train_loss  valid_loss  time    \n"
            "Epoch 1/2 : |----------| 0.00% [0/9 00:00<?]\n"
            "0         0.693147    0.750000    00:12     \n"
            "Epoch 2/2 : |----------| 0.00% [0/9 00:00<?]\n"
            "1         nan         0.625000    00:12     \n",
            "row epoch=0: train_loss=0.693147 valid_loss=0.75\n"
            "row epoch=1: train_loss=nan valid_loss=0.625\n");
}

/* The last state of the bar behind a row is the epoch's; older versions called no loss one. */
static void yolos_rows_are_states_of_a_bar(void **state)
{
    (void)state;
    is_read(
        &tw_log_format_screen_table,
        "      Epoch    GPU_mem   box_loss   obj_loss  Instances       Size\n"
        "       0/99      3.61G     0.1250     0.0500         45        640:  50%|##   | 4/8\r"
        "       0/99      3.61G     0.1200     0.0400         45        640: 100%|#####| 8/8\n"
        "                 Class     Images  Instances          P          R      mAP50   "
        "mAP50-95: 100%|####| 4/4 [00:01<00:00,  3.4it/s]\n"
        "                   all        128        929      0.712      0.625       0.75      0.5\n"
        "       1/99      3.61G     0.1000     0.0300         45        640: 100%|#####| 8/8\n",
        "row epoch=0: box_loss=0.12 obj_loss=0.04 Instances=45 Size=640\n"
        "row eval epoch=0: precision=0.712 recall=0.625 mAP50=0.75 mAP50-95=0.5\n"
        "row epoch=1: box_loss=0.1 obj_loss=0.03 Instances=45 Size=640\n");
    is_read(
        &tw_log_format_screen_table,
        "     Epoch   gpu_mem       box       obj       cls     total    labels  img_size\n"
        "      0/99      3.6G    0.0625     0.125    0.0625      0.25        45       640: 100%\n"
        "      1/99      3.6G    0.0625     0.125   0.03125     0.219        45       640: 100%\n",
        "row epoch=0: box=0.0625(3) obj=0.125(3) cls=0.0625(3) total=0.25(2) labels=45 "
        "img_size=640\n"
        "row epoch=1: box=0.0625(3) obj=0.125(3) cls=0.03125(3) total=0.219(2) labels=45 "
        "img_size=640\n");
}

static void stable_baselines_blocks_have_groups(void **state)
{
    (void)state;
    is_read(&tw_log_format_stable_baselines,
            "----------------------------\n"
            "| rollout/           |          |\n"
            "|    ep_rew_mean     | 22.5     |\n"
            "| time/              |          |\n"
            "|    total_timesteps | 2048     |\n"
            "| train/             |          |\n"
            "|    loss            | 12.5     |\n"
            "----------------------------\n",
            "row: rollout/ep_rew_mean=22.5\n"
            "row step=2048: time/total_timesteps=2048\n"
            "row step=2048: train/loss=12.5\n");
    /* A table of settings is none. */
    assert_rows(&tw_log_format_stable_baselines, "| lr   | 0.1 |\n|    loss | 5   |\n", "");
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
        cmocka_unit_test(rounds_of_boosting_are_steps),
        cmocka_unit_test(catboosts_metric_is_known_by_its_direction),
        cmocka_unit_test(darknets_loss_stands_before_its_name),
        cmocka_unit_test(kaldis_objective_is_maximized),
        cmocka_unit_test(tables_stand_among_other_lines),
        cmocka_unit_test(yolos_rows_are_states_of_a_bar),
        cmocka_unit_test(stable_baselines_blocks_have_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
