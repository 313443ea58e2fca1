/* Programs that write one run into several files of a folder, by their names. */
#include "sources/logs/tree_parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is written later than that behind the other goes on. */
#define LATER_SECONDS 60

/* `name` says no more than `other`, which is written at least as late. */
static const struct {
    const char *name, *other;
} copies[] = {
    {"trainer_log.jsonl", "trainer_state.json"}, /* LLaMA-Factory */
    {"all_results.json", "trainer_state.json"},  /* transformers' save_metrics() */
    {"train_results.json", "trainer_state.json"},
    {"eval_results.json", "trainer_state.json"},
    {"logging.jsonl", "trainer_state.json"}, /* ms-swift */
    {"progress.csv", "result.json"},         /* Ray Tune */
    {"progress.json", "progress.csv"},       /* Stable-Baselines3 and OpenAI's baselines, and: */
    {"log.txt", "progress.csv"},
    {"loss.tsv", "training.log"},                     /* flair */
    {"metrics_batch_train.csv", "metrics_epoch.csv"}, /* NequIP, and: */
    {"metrics_batch_val.csv", "metrics_epoch.csv"},
};

/* What Lightning, Detectron2, Ray Tune, Stable-Baselines3 and Ultralytics write beside event files.
 */
static const char *const beside_events[] = {
    "metrics.csv",   "metrics.json", "result.json", "progress.csv",
    "progress.json", "results.csv",  NULL};

bool tw_tree_is_as_late(const char *path, const char *other)
{
    struct stat here, there;
    return !stat(path, &here) && !stat(other, &there) && S_ISREG(there.st_mode) &&
           there.st_mtime + LATER_SECONDS >= here.st_mtime;
}

/* That of transformers' state may stand in a checkpoint. */
static bool is_as_late(const char *folder, const char *name, const char *other)
{
    char path[TW_TREE_PATH], other_path[TW_TREE_PATH];
    bool has_other = !strcmp(other, "trainer_state.json")
                         ? tw_tree_find_trainer_state(folder, other_path)
                         : tw_tree_path(other_path, folder, other);
    return has_other && tw_tree_path(path, folder, name) && tw_tree_is_as_late(path, other_path);
}

/* "20260131_120000.json" */
static bool is_called_by_time(const char *name, const char *suffix)
{
    return strspn(name, "0123456789_") == 15 && name[8] == '_' && !strcmp(name + 15, suffix);
}

/* OpenMMLab's logs are called by the time. MMEngine's text stands above the folder of scalars.json,
 * whose other file is line by line the same. MMCV's JSON counts batches anew in each epoch; the
 * text beside it tells how many there are. */
static bool is_openmmlab_copy(const char *folder, const char *name)
{
    if (is_called_by_time(name, ".json"))
        return is_as_late(folder, name, "scalars.json");
    if (is_called_by_time(name, ".log"))
        return is_as_late(folder, name, "vis_data/scalars.json");
    char text[20];
    if (!is_called_by_time(name, ".log.json"))
        return false;
    memcpy(text, name, 19);
    text[19] = '\0';
    return is_as_late(folder, name, text);
}

/* Detectron2's text beside its metrics.json: others write files of these names, too. */
static bool is_detectron2_copy(const char *folder, const char *name)
{
    char path[TW_TREE_PATH], head[4096];
    if (strcmp(name, "log.txt") || !is_as_late(folder, name, "metrics.json") ||
        !tw_tree_path(path, folder, "metrics.json"))
        return false;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t size = file < 0 ? -1 : read(file, head, sizeof head);
    if (file >= 0)
        close(file);
    return size > 0 && memmem(head, (size_t)size, "\"iteration\": ", 13) &&
           memmem(head, (size_t)size, "\"total_loss\": ", 14);
}

/* MACE's logs/NAME_run-SEED.log beside results/NAME_run-SEED_train.txt (mace/tools/utils.py), which
 * has each batch, too. */
static bool is_mace_copy(const char *folder, const char *name)
{
    char other[300];
    const char *seed = strstr(name, "_run-");
    size_t digits = seed ? strspn(seed + 5, "0123456789") : 0;
    if (!digits || strcmp(seed + 5 + digits, ".log") != 0)
        return false;
    int stem = (int)(seed + 5 + digits - name);
    int n = snprintf(other, sizeof other, "../results/%.*s_train.txt", stem, name);
    return n < (int)sizeof other && is_as_late(folder, name, other);
}

bool tw_tree_is_copy(const char *folder, const char *name)
{
    for (const char *const *beside = beside_events; *beside; beside++) {
        if (!strcmp(name, *beside) && tw_tree_has_event_files(folder))
            return true;
    }
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        if (!strcmp(name, copies[i].name) && is_as_late(folder, name, copies[i].other))
            return true;
    }
    return is_openmmlab_copy(folder, name) || is_detectron2_copy(folder, name) ||
           is_mace_copy(folder, name);
}
