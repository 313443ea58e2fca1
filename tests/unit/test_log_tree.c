/* Which files of a folder are one run, and what the files beside a log tell. The formats that are
 * listed decide what is a log: here key=value lines stand for all of them. */
#include "sources/logs/companions.h"
#include "sources/logs/tree.h"

#include "log_rows.h"
#include "temporary_directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#define LOG "step=1 loss=2\nstep=2 loss=1\n"

static void put(const char *dir, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state)
{
    *state = make_directory();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    remove_directory(*state);
    return 0;
}

/* The members of the group at dir/name: names below it, with a part where it is one of evaluation.
 */
static const char *members(const char *dir, const char *name)
{
    static char text[1000];
    char path[300];
    struct tw_log_group group;
    size_t used = 0;
    snprintf(path, sizeof path, "%s%s%s", dir, *name ? "/" : "", name);
    assert_int_equal(tw_log_group_find(&group, path, NULL), 0);
    text[0] = '\0';
    for (size_t i = 0; i < group.n; i++)
        used += (size_t)sprintf(text + used, "%s%s%s", used ? " " : "",
                                group.members[i].path + strlen(dir) + 1,
                                group.members[i].part == TW_PART_EVAL    ? "(eval)"
                                : group.members[i].part == TW_PART_TRAIN ? "(train)"
                                                                         : "");
    tw_log_group_release(&group);
    return text;
}

static void a_file_is_a_log_by_its_content(void **state)
{
    put(*state, "a.txt", LOG);
    put(*state, "b.txt", "nothing at all\n");
    put(*state, "empty.txt", "");
    assert_string_equal(members(*state, "a.txt"), "a.txt");
    assert_string_equal(members(*state, "b.txt"), "");
    assert_string_equal(members(*state, "empty.txt"), "");
    assert_string_equal(members(*state, ""), "");
    assert_string_equal(members(*state, "missing"), "");
}

static void event_files_of_a_folder_and_its_parts_are_one_run(void **state)
{
    put(*state, "fit/train/events.out.tfevents.1.h.1.0", LOG);
    put(*state, "fit/validation/events.out.tfevents.1.h.1.1", LOG);
    put(*state, "fit/events.out.tfevents.0.h.1.0", LOG);
    put(*state, "fit/other/events.out.tfevents.0.h.1.0", LOG);
    assert_string_equal(members(*state, "fit"), "fit/events.out.tfevents.0.h.1.0 "
                                                "fit/train/events.out.tfevents.1.h.1.0(train) "
                                                "fit/validation/events.out.tfevents.1.h.1.1(eval)");
    char folder[300];
    snprintf(folder, sizeof folder, "%s/fit", (char *)*state);
    assert_true(tw_log_is_folder_of_group(folder, "train"));
    assert_false(tw_log_is_folder_of_group(folder, "other"));
}

/* Event files of a second each, from `first` on. */
static void put_events(const char *dir, int first, int last)
{
    char name[80];
    for (int second = first; second <= last; second++) {
        snprintf(name, sizeof name, "events.out.tfevents.%d.host.1.0", second);
        put(dir, name, LOG);
    }
}

/* False where the machine does not allow so many. */
static bool set_descriptors(rlim_t most)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = most;
    return !setrlimit(RLIMIT_NOFILE, &limit);
}

/* "99" is behind "100" by name, and before it by time. */
static void of_too_many_event_files_the_newest_are_read(void **state)
{
    const char *dir = *state;
    struct tw_log_group group;
    char oldest[300], copied[300];
    const struct timespec long_ago[2] = {{.tv_sec = 50}, {.tv_sec = 50}};
    if (!set_descriptors(4 * TW_LOG_MEMBERS_MAX))
        skip();
    put_events(dir, 99, 98 + TW_LOG_MEMBERS_MAX + 3);
    put(dir, "tfevents.copy", LOG); /* has no time in its name */
    snprintf(copied, sizeof copied, "%s/tfevents.copy", dir);
    assert_int_equal(tw_log_group_find(&group, dir, NULL), 0);
    assert_int_equal(group.n, TW_LOG_MEMBERS_MAX);
    assert_int_equal(group.left_out, 4);
    snprintf(oldest, sizeof oldest, "%s/events.out.tfevents.102.host.1.0", dir);
    assert_null(tw_log_group_member(&group, oldest));
    snprintf(oldest, sizeof oldest, "%s/events.out.tfevents.103.host.1.0", dir);
    assert_non_null(tw_log_group_member(&group, oldest));
    assert_non_null(tw_log_group_member(&group, copied));
    tw_log_group_release(&group);
    assert_int_equal(utimensat(AT_FDCWD, copied, long_ago, 0), 0);
    assert_int_equal(tw_log_group_find(&group, dir, NULL), 0);
    assert_null(tw_log_group_member(&group, copied));
    tw_log_group_release(&group);
}

static void half_of_the_descriptors_are_left_for_others(void **state)
{
    struct tw_log_group group;
    put_events(*state, 1001, 1030);
    assert_true(set_descriptors(40));
    assert_int_equal(tw_log_group_find(&group, *state, NULL), 0);
    assert_int_equal(group.n, 20);
    assert_int_equal(group.left_out, 10);
    assert_non_null(strstr(group.members[0].path, "tfevents.1011."));
    tw_log_group_release(&group);
    set_descriptors(1024);
}

static void what_was_found_before_is_not_looked_at_again(void **state)
{
    struct tw_log_group group, again;
    put_events(*state, 1001, 1002);
    assert_int_equal(tw_log_group_find(&group, *state, NULL), 0);
    assert_int_equal(group.n, 2);
    put(*state, "events.out.tfevents.1001.host.1.0", "nothing here that is a log any more\n");
    put(*state, "events.out.tfevents.1003.host.1.0", "nothing here that is a log at all\n");
    assert_int_equal(tw_log_group_find_again(&again, *state, &group), 0);
    assert_int_equal(again.n, 3);
    assert_ptr_equal(again.members[0].format, group.members[0].format);
    assert_ptr_not_equal(again.members[2].format, group.members[0].format); /* by its content */
    tw_log_group_release(&again);
    tw_log_group_release(&group);
}

static void a_link_that_leads_back_is_no_part(void **state)
{
    char path[300];
    put(*state, "runs/a/events.out.tfevents.1.h", LOG);
    put(*state, "elsewhere/events.out.tfevents.2.h", LOG);
    snprintf(path, sizeof path, "%s/runs/a/train", (char *)*state);
    assert_int_equal(symlink(".", path), 0);
    snprintf(path, sizeof path, "%s/runs/a/validation", (char *)*state);
    assert_int_equal(symlink("../a", path), 0);
    snprintf(path, sizeof path, "%s/runs/a/test", (char *)*state);
    assert_int_equal(symlink("test", path), 0);
    assert_string_equal(members(*state, "runs/a"), "runs/a/events.out.tfevents.1.h");
    snprintf(path, sizeof path, "%s/runs/a/eval", (char *)*state);
    assert_int_equal(symlink("../../elsewhere", path), 0);
    assert_string_equal(members(*state, "runs/a"), "runs/a/eval/events.out.tfevents.2.h(eval) "
                                                   "runs/a/events.out.tfevents.1.h");
}

/* PyTorch's add_scalars("Loss", {"train": ..., "val": ...}), and tensorboardX's. */
static void curves_of_add_scalars_are_part_of_the_run(void **state)
{
    char folder[300];
    put(*state, "a/events.out.tfevents.0.h.1.0", LOG);
    put(*state, "a/Loss_train/events.out.tfevents.0.h.1.1", LOG);
    put(*state, "a/Loss_val/events.out.tfevents.0.h.1.2", LOG);
    put(*state, "a/resnet_train/events.out.tfevents.0.h.1.2", LOG);
    put(*state, "b/events.out.tfevents.0.h", LOG);
    put(*state, "b/loss/train/events.out.tfevents.0.h", LOG);
    put(*state, "b/loss/val/events.out.tfevents.0.h", LOG);
    put(*state, "c/Loss_train/events.out.tfevents.0.h", LOG); /* no run above */
    assert_string_equal(members(*state, "a"), "a/Loss_train/events.out.tfevents.0.h.1.1(train) "
                                              "a/Loss_val/events.out.tfevents.0.h.1.2(eval) "
                                              "a/events.out.tfevents.0.h.1.0");
    assert_string_equal(members(*state, "b"), "b/events.out.tfevents.0.h "
                                              "b/loss/train/events.out.tfevents.0.h(train) "
                                              "b/loss/val/events.out.tfevents.0.h(eval)");
    assert_string_equal(members(*state, "c"), "");
    snprintf(folder, sizeof folder, "%s/a", (char *)*state);
    assert_true(tw_log_is_folder_of_group(folder, "Loss_val"));
    assert_false(tw_log_is_folder_of_group(folder, "resnet_train"));
    snprintf(folder, sizeof folder, "%s/b", (char *)*state);
    assert_true(tw_log_is_folder_of_group(folder, "loss"));
}

static void tables_of_dvclive_are_one_run(void **state)
{
    char folder[300];
    put(*state, "dvclive/plots/metrics/train/loss.tsv", "step\tloss\n0\t2.5\n1\t2\n");
    put(*state, "dvclive/plots/metrics/lr.tsv", "step\tlr\n0\t0.1\n");
    put(*state, "dvclive/plots/images/x.txt", LOG);
    assert_string_equal(members(*state, "dvclive"), "dvclive/plots/metrics/lr.tsv "
                                                    "dvclive/plots/metrics/train/loss.tsv");
    snprintf(folder, sizeof folder, "%s/dvclive", (char *)*state);
    assert_true(tw_log_is_folder_of_group(folder, "plots"));
}

static void of_checkpoints_the_newest_is_read(void **state)
{
    put(*state, "out/checkpoint-90/trainer_state.json", LOG);
    put(*state, "out/checkpoint-100/trainer_state.json", LOG);
    put(*state, "out/checkpoint-x/trainer_state.json", LOG);
    assert_string_equal(members(*state, "out"), "out/checkpoint-100/trainer_state.json");
    put(*state, "out/trainer_state.json", LOG);
    assert_string_equal(members(*state, "out"), "out/trainer_state.json");
}

static void lightnings_two_logs_of_one_run_are_read_once(void **state)
{
    char folder[300];
    put(*state, "version_0/events.out.tfevents.1.h.1.0", LOG);
    put(*state, "version_0/metrics.csv", "step,loss\n");
    put(*state, "version_1/metrics.csv", "step,loss\n");
    snprintf(folder, sizeof folder, "%s/version_0", (char *)*state);
    assert_true(tw_log_is_part_of_group(folder, "metrics.csv"));
    snprintf(folder, sizeof folder, "%s/version_1", (char *)*state);
    assert_false(tw_log_is_part_of_group(folder, "metrics.csv"));
}

static void tables_of_training_and_validation_are_one_run(void **state)
{
    char folder[300];
    put(*state, "a/train_log.csv", "epoch,loss\n1,2\n2,1\n");
    put(*state, "a/val_log.csv", "epoch,loss\n1,3\n2,2\n");
    put(*state, "a/other.csv", "epoch,loss\n1,3\n2,2\n");
    put(*state, "b/a_train.csv", "epoch,loss\n1,2\n2,1\n");
    put(*state, "b/a_val.csv", "epoch,loss\n1,3\n2,2\n");
    put(*state, "b/b_train.csv", "epoch,loss\n1,3\n2,2\n");
    put(*state, "c/train.csv", "epoch,loss\n1,2\n2,1\n");
    put(*state, "c/my_val.csv", "epoch,loss\n1,3\n2,2\n");
    put(*state, "e/learn_error.tsv", "iter\tLogloss\n0\t.5\n1\t.25\n");
    put(*state, "e/test_error.tsv", "iter\tLogloss\n0\t.5\n1\t.25\n");
    put(*state, "f/metrics_epoch.csv", "epoch,training_loss\n1,2\n2,1\n"); /* NequIP */
    put(*state, "f/metrics_batch_train.csv", "epoch,batch,loss\n1,1,2\n2,1,1\n");
    put(*state, "f/metrics_batch_val.csv", "epoch,batch,loss\n1,1,2\n2,1,1\n");
    put(*state, "d/train.txt", "a cat\n");
    put(*state, "d/val.txt", "a dog\n");
    assert_string_equal(members(*state, "a"), "a/train_log.csv(train) a/val_log.csv(eval)");
    assert_string_equal(members(*state, "b"), "");
    assert_string_equal(members(*state, "c"), "");
    assert_string_equal(members(*state, "d"), "");
    assert_string_equal(members(*state, "e"), "e/learn_error.tsv(train) e/test_error.tsv(eval)");
    assert_string_equal(members(*state, "f"), "");
    snprintf(folder, sizeof folder, "%s/a", (char *)*state);
    assert_true(tw_log_is_part_of_group(folder, "val_log.csv"));
    assert_false(tw_log_is_part_of_group(folder, "other.csv"));
    snprintf(folder, sizeof folder, "%s/b", (char *)*state);
    assert_false(tw_log_is_part_of_group(folder, "a_val.csv"));
}

/* A folder of add_hparams(), called by the time, and that of transformers, which the state repeats.
 */
static void folders_that_tell_parameters_alone_are_no_runs(void **state)
{
    char folder[300], path[400];
    struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    put(*state, "a/events.out.tfevents.0.h", LOG);
    put(*state, "a/1767323045.1234567/events.out.tfevents.1.h", LOG);
    put(*state, "a/12.5/events.out.tfevents.1.h", LOG);
    put(*state, "b/1767323045.1/events.out.tfevents.1.h", LOG); /* no run above */
    put(*state, "out/checkpoint-10/trainer_state.json", LOG);
    put(*state, "out/runs/Jan02_03-04-05_host/events.out.tfevents.0.h", LOG);
    put(*state, "other/runs/Jan02_03-04-05_host/events.out.tfevents.0.h", LOG);
    snprintf(folder, sizeof folder, "%s/a", (char *)*state);
    assert_true(tw_log_is_folder_of_group(folder, "1767323045.1234567"));
    assert_false(tw_log_is_folder_of_group(folder, "12.5"));
    snprintf(folder, sizeof folder, "%s/b", (char *)*state);
    assert_false(tw_log_is_folder_of_group(folder, "1767323045.1"));
    snprintf(folder, sizeof folder, "%s/other", (char *)*state);
    assert_false(tw_log_is_folder_of_group(folder, "runs"));
    snprintf(folder, sizeof folder, "%s/out", (char *)*state);
    assert_true(tw_log_is_folder_of_group(folder, "runs"));
    /* It was logged on behind the checkpoint. */
    snprintf(path, sizeof path, "%s/checkpoint-10/trainer_state.json", folder);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_false(tw_log_is_folder_of_group(folder, "runs"));
}

static void of_files_that_tell_one_run_the_fullest_is_read(void **state)
{
    static const char *const pairs[][2] = {
        {"trainer_log.jsonl", "trainer_state.json"},
        {"logging.jsonl", "trainer_state.json"},
        {"logging.jsonl", "checkpoint-500/trainer_state.json"},
        {"progress.csv", "result.json"},
        {"progress.json", "progress.csv"},
        {"log.txt", "progress.csv"},
        {"loss.tsv", "training.log"},
        {"metrics_batch_val.csv", "metrics_epoch.csv"},
        {"results.csv", "events.out.tfevents.0.h"},
        {"result.json", "events.out.tfevents.0.h"},
        {"metrics.json", "events.out.tfevents.0.h"},
        {"20260131_120000.json", "scalars.json"},
        {"20260131_120000.log", "vis_data/scalars.json"},
        {"20260131_120000.log.json", "20260131_120000.log"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char folder[300], name[100];
        snprintf(folder, sizeof folder, "%s/%zu", (char *)*state, i);
        snprintf(name, sizeof name, "%zu/%s", i, pairs[i][0]);
        put(*state, name, LOG);
        assert_false(tw_log_is_part_of_group(folder, pairs[i][0]));
        snprintf(name, sizeof name, "%zu/%s", i, pairs[i][1]);
        put(*state, name, LOG);
        assert_true(tw_log_is_part_of_group(folder, pairs[i][0]));
    }
}

/* Detectron2's text tells what its metrics.json does; that of others is another matter. */
static void a_text_beside_metrics_is_a_copy_where_they_are_detectron2s(void **state)
{
    char folder[300];
    put(*state, "a/log.txt", LOG);
    put(*state, "a/metrics.json", "{\"iteration\": 19, \"lr\": 0.1, \"total_loss\": 2.5}\n");
    put(*state, "b/log.txt", LOG);
    put(*state, "b/metrics.json", "{\"step\": 9, \"loss\": 0.5}\n");
    put(*state, "c/log.txt", LOG);
    for (const char *name = "abc"; *name; name++) {
        snprintf(folder, sizeof folder, "%s/%c", (char *)*state, *name);
        assert_int_equal(tw_log_is_part_of_group(folder, "log.txt"), *name == 'a');
    }
}

static void maces_text_is_a_copy_of_its_results(void **state)
{
    char folder[300];
    put(*state, "logs/N_run-12.log", LOG);
    put(*state, "logs/N_run-3.log", LOG);
    put(*state, "logs/N_run-12b.log", LOG);
    put(*state, "logs/run-12.log", LOG);
    put(*state, "results/N_run-12_train.txt", LOG);
    put(*state, "results/N_run-12b_train.txt", LOG);
    snprintf(folder, sizeof folder, "%s/logs", (char *)*state);
    assert_true(tw_log_is_part_of_group(folder, "N_run-12.log"));
    assert_false(tw_log_is_part_of_group(folder, "N_run-3.log"));
    assert_false(tw_log_is_part_of_group(folder, "N_run-12b.log"));
    assert_false(tw_log_is_part_of_group(folder, "run-12.log"));
}

/* A job that was resumed prints on, and saves its state later. */
static void a_copy_that_goes_on_is_none(void **state)
{
    char folder[300], path[400];
    struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    put(*state, "out/trainer_log.jsonl", LOG);
    put(*state, "out/trainer_state.json", LOG);
    snprintf(folder, sizeof folder, "%s/out", (char *)*state);
    assert_true(tw_log_is_part_of_group(folder, "trainer_log.jsonl"));
    snprintf(path, sizeof path, "%s/trainer_state.json", folder);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_false(tw_log_is_part_of_group(folder, "trainer_log.jsonl"));
}

static void deepspeeds_files_of_a_folder_are_one_run(void **state)
{
    char folder[300];
    put(*state, "job/Train_Samples_train_loss.csv", "step,train_loss\n16,2.5\n32,2\n");
    put(*state, "job/Train_Samples_lr.csv", "step,lr\n16,0.1\n");
    put(*state, "job/other_results.csv", "epoch,loss\n1,2\n2,1\n");
    assert_string_equal(members(*state, "job"),
                        "job/Train_Samples_lr.csv job/Train_Samples_train_loss.csv");
    snprintf(folder, sizeof folder, "%s/job", (char *)*state);
    assert_true(tw_log_is_part_of_group(folder, "Train_Samples_lr.csv"));
    assert_false(tw_log_is_part_of_group(folder, "other_results.csv"));
}

static void what_is_never_a_log_is_not_looked_at(void **state)
{
    (void)state;
    assert_true(tw_log_is_passed_over(".git", true));
    assert_true(tw_log_is_passed_over("train.py", false));
    assert_true(tw_log_is_passed_over("model.safetensors", false));
    assert_true(tw_log_is_passed_over("a.PT", false));
    assert_false(tw_log_is_passed_over("train.log", false));
    assert_false(tw_log_is_passed_over("metrics.csv", false));
    assert_false(tw_log_is_passed_over("log", false));
    assert_false(tw_log_is_passed_over("checkpoint-5", true));
}

/* ---- companions ---- */

static char *read_companion(const char *text)
{
    struct log_rows rows = {0};
    struct tw_log_sink sink = log_rows_sink(&rows);
    assert_int_equal(tw_log_companion_read(text, strlen(text), &sink), 0);
    return rows.text ? rows.text : strdup("");
}

static void expect_companion(const char *text, const char *parameters)
{
    char *got = read_companion(text);
    assert_string_equal(got, parameters);
    free(got);
}

static void yaml_and_json_beside_a_log_are_parameters(void **state)
{
    (void)state;
    expect_companion(
        "lr: 0.1\nmodel:\n  dropout: 0.5\n  sizes: [1, {a: 2}]\n  act: relu\nbatch: 8\n",
        "parameter lr=0.1\nparameter model/dropout=0.5\nparameter model/act=relu\n"
        "parameter batch=8\n");
    expect_companion("{\"lr\": 1e-3, \"optim\": {\"name\": \"adam\"}}",
                     "parameter lr=1e-3\nparameter optim/name=adam\n");
    expect_companion("lr: {desc: null, value: 0.1}\n",
                     "parameter lr/desc=null\nparameter lr=0.1\n"); /* wandb */
    expect_companion("{\"optimizer\": \"SGD (\\nlr: 0.1\\n)\", \"a\": 1}", "parameter a=1\n");
    expect_companion("a: !!python/object:x.Y {b: 1}\nc: &d 2\ne: *d\nf: 3\n",
                     "parameter a/b=1\nparameter c=2\nparameter f=3\n");
}

static void what_is_no_yaml_is_read_as_far_as_it_goes(void **state)
{
    (void)state;
    expect_companion("- 1\n- a: 2\n", "");
    expect_companion("just text", "");
    expect_companion("a: 1\nb: [1, 2\nc: 3\n", "parameter a=1\n");
    expect_companion("\x01\x02", "");
    expect_companion("{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{", "");
}

static void files_beside_a_log_are_found(void **state)
{
    struct log_rows rows = {0};
    struct tw_log_sink sink = log_rows_sink(&rows);
    char path[300];
    put(*state, "metrics.csv", "");
    put(*state, "hparams.yaml", "lr: 0.2\n");
    put(*state, "config.json", "{\"lr\": 0.1}");
    snprintf(path, sizeof path, "%s/metrics.csv", (char *)*state);
    assert_int_equal(tw_log_companions_read(path, &sink), 0);
    assert_string_equal(rows.text, "parameter lr=0.1\nparameter lr=0.2\n");
    free(rows.text);
}

static char *companions_of(const char *folder, const char *name)
{
    struct log_rows rows = {0};
    struct tw_log_sink sink = log_rows_sink(&rows);
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(tw_log_companions_read(path, &sink), 0);
    return rows.text ? rows.text : strdup("");
}

/* Lightning's loggers in the folder of a run of Hydra; a folder of several runs has no file of
 * theirs. */
static void files_of_the_run_are_found_above_a_loggers_folder(void **state)
{
    static const struct {
        const char *log, *parameters;
    } cases[] = {
        {"run/csv/version_0/metrics.csv", "parameter lr=0.1\nparameter lr=0.2\n"},
        {"run/tensorboard/events.out.tfevents.0.h", "parameter lr=0.1\n"},
        {"run/lightning_logs/version_0/metrics.csv", ""},
        {"run/a/metrics.csv", ""},
    };
    put(*state, "run/.hydra/config.yaml", "lr: 0.1\n");
    put(*state, "run/csv/version_0/hparams.yaml", "lr: 0.2\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(*state, cases[i].log, "");
        char *got = companions_of(*state, cases[i].log);
        assert_string_equal(got, cases[i].parameters);
        free(got);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_a_log_by_its_content),
        TEST(event_files_of_a_folder_and_its_parts_are_one_run),
        TEST(of_too_many_event_files_the_newest_are_read),
        TEST(half_of_the_descriptors_are_left_for_others),
        TEST(what_was_found_before_is_not_looked_at_again),
        TEST(a_link_that_leads_back_is_no_part),
        TEST(curves_of_add_scalars_are_part_of_the_run),
        TEST(tables_of_dvclive_are_one_run),
        TEST(tables_of_training_and_validation_are_one_run),
        TEST(folders_that_tell_parameters_alone_are_no_runs),
        TEST(of_files_that_tell_one_run_the_fullest_is_read),
        TEST(a_text_beside_metrics_is_a_copy_where_they_are_detectron2s),
        TEST(maces_text_is_a_copy_of_its_results),
        TEST(a_copy_that_goes_on_is_none),
        TEST(of_checkpoints_the_newest_is_read),
        TEST(lightnings_two_logs_of_one_run_are_read_once),
        TEST(deepspeeds_files_of_a_folder_are_one_run),
        cmocka_unit_test(what_is_never_a_log_is_not_looked_at),
        cmocka_unit_test(yaml_and_json_beside_a_log_are_parameters),
        cmocka_unit_test(what_is_no_yaml_is_read_as_far_as_it_goes),
        TEST(files_beside_a_log_are_found),
        TEST(files_of_the_run_are_found_above_a_loggers_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
