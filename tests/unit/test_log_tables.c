/* Tables whose writers are known. Names and shapes are those of the writers' sources, numbers are
 * made up. Meanings stand behind values as in enum tw_meaning. */
#include "tests/unit/log_text.h"

extern const struct tw_log_format tw_log_format_algoperf;
extern const struct tw_log_format tw_log_format_deepmd;
extern const struct tw_log_format tw_log_format_deepspeed_csv;
extern const struct tw_log_format tw_log_format_long_table;
extern const struct tw_log_format tw_log_format_series_csv;
extern const struct tw_log_format tw_log_format_wandb_export;
extern const struct tw_log_format tw_log_format_keras_csv;
extern const struct tw_log_format tw_log_format_lightning;
extern const struct tw_log_format tw_log_format_ultralytics;

/* The numbers in the expected texts below. */
_Static_assert(TW_MEANS_NOTHING == 1 && TW_MEANS_LOSS == 2 && TW_MEANS_LOSS_PART == 3 &&
                   TW_MEANS_TRAIN_LOSS == 5 && TW_MEANS_EVAL_LOSS == 6 &&
                   TW_MEANS_EVAL_METRIC == 7 && TW_MEANS_GRAD_NORM == 8 &&
                   TW_MEANS_LEARNING_RATE == 9 && TW_MEANS_SAMPLES == 16,
               "expected texts tell meanings by number");

static void lightning(void **state)
{
    (void)state;
    const char *log =
        "epoch,grad_2.0_norm/w,grad_2.0_norm_total,lr-Adam,lr-Adam-momentum,step,train_loss_epoch,"
        "train_loss_step,val_loss\n"
        ",,,0.001,0.9,0,,,\n"
        "0,0.5,1.5,,,49,,2.5,\n"
        "0,,,,,99,,,2.25\n"
        "0,,,,,99,2.125,,\n";
    assert_reads(&tw_log_format_lightning, "metrics.csv", log,
                 "parameter framework=lightning\n"
                 "row step=0: lr-Adam=0.001(9) lr-Adam-momentum=0.9(1)\n"
                 "row step=49 epoch=0: grad_2.0_norm/w=0.5(1) grad_2.0_norm_total=1.5(8) "
                 "train_loss_step=2.5(2)\n"
                 "row step=99 epoch=0: val_loss=2.25\n"
                 "row step=99 epoch=0: train_loss_epoch=2.125(5)\n");
    assert_is("lightning_logs/version_0/metrics.csv", log, "lightning");
    assert_is("metrics.csv", "train_loss,epoch,step\n0.5,0,49\n", "lightning");
    /* A torn line costs itself. */
    assert_reads(&tw_log_format_lightning, "metrics.csv",
                 "epoch,step,train_loss\n0,49,0.5\n0,9x9,0.5\n0,149,0.25\n",
                 "parameter framework=lightning\n"
                 "row step=49 epoch=0: train_loss=0.5\n"
                 "broken a cell is no number in a column of numbers\n"
                 "row step=149 epoch=0: train_loss=0.25\n");
}

static void keras(void **state)
{
    (void)state;
    const char *log = "epoch,accuracy,confusion,loss,lr,val_accuracy,val_loss\n"
                      "0,0.5,\"[1, 2]\",2.5,0.01,NA,NA\n"
                      "1,0.75,\"[3, 4]\",nan,0.001,0.625,2.25\n";
    assert_reads(&tw_log_format_keras_csv, "training.log", log,
                 "parameter framework=keras\n"
                 "row epoch=0: accuracy=0.5 loss=2.5(5) lr=0.01(9)\n"
                 "row epoch=1: accuracy=0.75 loss=nan(5) lr=0.001(9) val_accuracy=0.625 "
                 "val_loss=2.25(6)\n");
    assert_is("training.log", log, "keras_csv");
    /* Older versions put the names of validation behind all others. */
    assert_is("training.log", "epoch,loss,zeta,val_loss,val_zeta\n0,1,1,NA,NA\n", "keras_csv");
    assert_is("training.csv", "epoch;accuracy;loss\n0;0.5;2.5\n", "keras_csv"); /* separator=';' */
    assert_is("other.csv", "epoch,train_loss,acc\n1,2,0.5\n", "csv");
}

static void ultralytics(void **state)
{
    (void)state;
    const char *log = "                  epoch,         train/box_loss,   metrics/mAP50(B),       "
                      "    val/box_loss,                 lr/pg0,                 lr/pg1\n"
                      "                      1,                1.5951,             0.6972,       "
                      "          1.5412,              0.0033302,              0.0033302\n";
    assert_reads(&tw_log_format_ultralytics, "results.csv", log,
                 "parameter framework=ultralytics\n"
                 "row epoch=1: train/box_loss=1.5951(3) metrics/mAP50(B)=0.6972 "
                 "val/box_loss=1.5412 lr/pg0=0.0033302(9) lr/pg1=0.0033302(9)\n");
    assert_is("results.csv", log, "ultralytics");
    assert_reads(
        &tw_log_format_ultralytics, "results.csv",
        "epoch,time,train/loss,metrics/accuracy_top1,val/loss,lr/pg0\n1,9.5,2,0.5,3,0.01\n",
        "parameter framework=ultralytics\n"
        "row epoch=1: time=9.5(1) train/loss=2(5) metrics/accuracy_top1=0.5 val/loss=3 "
        "lr/pg0=0.01(9)\n");
    assert_is("results.csv",
              "epoch,train/box_loss,metrics/recall,val/box_loss,x/lr0\n0,0.1,0.5,0.1,0.07\n",
              "ultralytics"); /* YOLOv5 */
}

static void algoperf(void **state)
{
    (void)state;
    const char *log = "global_step,grad_norm,loss,train/ctc_loss,validation/ctc_loss,validation/"
                      "wer,test/wer,score,"
                      "accumulated_submission_time\n"
                      "0,42.5,32.25,,,,,,\n"
                      "1,,,31.5,30.5,1.5,1.25,950.5,950.5\n"
                      "100,,,,,,,,\n"
                      "101,,,,,,,1900.5,1900.5\n";
    assert_reads(&tw_log_format_algoperf, "measurements.csv", log,
                 "row step=0: grad_norm=42.5(8) loss=32.25(2)\n"
                 "row step=1: train/ctc_loss=31.5(5) validation/ctc_loss=30.5(6) "
                 "validation/wer=1.5 test/wer=1.25 score=950.5(1) "
                 "accumulated_submission_time=950.5(1)\n"
                 "row step=100: grad_norm=nan(8) loss=nan(2)\n"
                 "row step=101: score=1900.5(1) accumulated_submission_time=1900.5(1) "
                 "train/ctc_loss=nan(5) validation/ctc_loss=nan(6)\n");
    assert_is("measurements.csv", log, "algoperf");
}

static void deepspeed(void **state)
{
    (void)state;
    const char *log = "step,train_loss\n8,2.5\n16,2.25\nstep,train_loss\n16,2\n";
    assert_reads(&tw_log_format_deepspeed_csv, "job/Train_Samples_train_loss.csv", log,
                 "parameter framework=deepspeed\n"
                 "row step=8: train_loss=2.5 step=8(16)\n"
                 "row step=16: train_loss=2.25 step=16(16)\n"
                 "row step=16: train_loss=2 step=16(16)\n");
    assert_reads(&tw_log_format_deepspeed_csv, "job/Train_Eigenvalues_x.csv", "step,x\n1,2\n",
                 "parameter framework=deepspeed\nrow step=1: x=2\n");
    assert_is("job/Train_Samples_train_loss.csv", log, "deepspeed_csv");
    assert_is("job/my loss.csv", log, "csv");
}

static void tables_of_one_metric_are_called_by_their_files(void **state)
{
    static const char log[] = "Wall time,Step,Value\n1767323045.25,10,0.5\n1767323046.25,20,nan\n";
    (void)state;
    assert_reads(&tw_log_format_series_csv, "run-exp_1-tag-train_loss.csv", log,
                 "row exp_1 step=10 time=1767323045250: train_loss=0.5\n"
                 "row exp_1 step=20 time=1767323046250: train_loss=nan\n");
    assert_reads(&tw_log_format_series_csv, "a/loss.csv", log,
                 "row step=10 time=1767323045250: loss=0.5\n"
                 "row step=20 time=1767323046250: loss=nan\n");
    assert_reads(&tw_log_format_series_csv, "dvclive/plots/metrics/eval/loss.tsv",
                 "step\tloss\n0\t0.5\n", "row step=0: eval/loss=0.5\n");
    assert_is("run-exp_1-tag-train_loss.csv", log, "series_csv");
    assert_is("run-exp_1-tag-train_box_loss.csv", log, "series_csv");
    assert_is("dvclive/plots/metrics/eval/loss.tsv", "step\tloss\n0\t0.5\n", "series_csv");
    assert_is("lr.csv", ",step,value,timestamp\n0,1,0.5,2026-01-02 03:04:05\n", "series_csv");
    /* two runs' losses, not one run's parts; what no training tells */
    assert_true(how_sure(&tw_log_format_series_csv, "run1_loss.csv", log) < 50);
    assert_true(how_sure(&tw_log_format_series_csv, "temperature.csv", log) < 50);
    assert_true(how_sure(&tw_log_format_series_csv, "run1_validation.csv", log) < 50);
    assert_int_equal(how_sure(&tw_log_format_series_csv, "loss.csv", "step,loss,lr\n1,2,3\n"), 0);
}

/* Comet's and MLflow's exports come by metric, where a training told by step. */
static void readings_of_long_tables_are_put_in_order(void **state)
{
    static const char table[] = "metricName,metricValue,timestamp,step,epoch\n"
                                "train_loss,0.5,1767323045250,1,\n"
                                "train_loss,nan,1767323046250,2,\n"
                                "\"val_loss\",0.75,1767323047250,1,\n"
                                "val_loss,,1767323047250,2,\n";
    static const char runs[] = "\trun\ttag\tstep\tvalue\r\n0\tb\tloss\t1\t2.5\r\n"
                               "1\ta\tloss\t1\t3.5\r\n2\tb\tloss\t2\t1.5\r\n";
    static const char json[] = "[{\"metricName\": \"loss\", \"metricValue\": \"0.5\", "
                               "\"step\": 2, \"epoch\": null}, {\"metricName\": \"loss\", "
                               "\"metricValue\": \"0.75\", \"step\": 1}]";
    (void)state;
    const struct tw_log_format *format = &tw_log_format_long_table;
    assert_reads(format, "m.csv", table,
                 "row step=1: train_loss=0.5 val_loss=0.75\nrow step=2: train_loss=nan\n");
    assert_reads(format, "m.tsv", runs,
                 "row a step=1: loss=3.5\nrow b step=1: loss=2.5\n"
                 "row b step=2: loss=1.5\n");
    assert_reads(format, "m.json", json, "row step=1: loss=0.75\nrow step=2: loss=0.5\n");
    assert_is("m.csv", table, "long_table");
    assert_is("m.json", json, "long_table");
    assert_is("m.csv", "name,value,step\nheight,1.5,1\nwidth,2.5,1\n", "none");
}

static void exported_curves_are_apart_by_runs(void **state)
{
    static const char log[] =
        "\"Step\",\"a - b - loss\",\"a - b - loss__MIN\",\"a - b - loss__MAX\",\"c - loss\","
        "\"c - loss__MIN\",\"c - loss__MAX\"\n"
        "\"0\",\"2.5\",\"2\",\"3\",\"4.5\",\"4\",\"5\"\n"
        "\"1\",\"1.5\",\"1\",\"2\",\"\",\"\",\"\"\n";
    (void)state;
    assert_reads(&tw_log_format_wandb_export, "wandb_export.csv", log,
                 "parameter framework=wandb\n"
                 "row a - b: Step=0 loss=2.5\nrow c: Step=0 loss=4.5\n"
                 "row a - b: Step=1 loss=1.5\n");
    assert_is("wandb_export.csv", log, "wandb_export");
    assert_is("a.csv", "step,Loss - Train,Loss - Test\n1,2,3\n2,1,2\n", "csv");
}

static void deepmd(void **state)
{
    (void)state;
    const char *log = "#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn         lr\n"
                      "# If there is no available reference data, rmse_*_{val,trn} will print nan\n"
                      "      0      1.25e+01    1.50e+01      4.50e-01    4.75e-01    1.0e-03\n"
                      "    100           nan    2.50e+00      2.50e-02    2.25e-02    1.0e-03\n";
    assert_reads(&tw_log_format_deepmd, "lcurve.out", log,
                 "parameter framework=deepmd\n"
                 "row step=0: rmse_val=12.5(6) rmse_trn=15(2) rmse_e_val=0.45(7) "
                 "rmse_e_trn=0.475(1) lr=0.001(9)\n"
                 "row step=100: rmse_val=nan(6) rmse_trn=2.5(2) rmse_e_val=0.025(7) "
                 "rmse_e_trn=0.0225(1) lr=0.001(9)\n");
    assert_is("lcurve.out", log, "deepmd");
    assert_reads(&tw_log_format_deepmd, "lcurve.out",
                 "# batch      l2_tst    l2_trn    l2_e_tst  l2_e_trn         lr\n"
                 "      1      2         3         4         5                6\n",
                 "parameter framework=deepmd\n"
                 "row step=1: l2_tst=2(6) l2_trn=3(2) l2_e_tst=4(7) l2_e_trn=5(1) lr=6(9)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lightning),
        cmocka_unit_test(keras),
        cmocka_unit_test(ultralytics),
        cmocka_unit_test(algoperf),
        cmocka_unit_test(deepspeed),
        cmocka_unit_test(deepmd),
        cmocka_unit_test(tables_of_one_metric_are_called_by_their_files),
        cmocka_unit_test(readings_of_long_tables_are_put_in_order),
        cmocka_unit_test(exported_curves_are_apart_by_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
