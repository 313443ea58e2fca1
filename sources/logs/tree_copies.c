/* Programs that write one run into several files of a folder, by their names. */
#include "sources/logs/tree_parts.h"

#include <string.h>
#include <sys/stat.h>

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
    {"progress.csv", "result.json"}, /* Ray Tune */
};

/* What Lightning, Detectron2 and Ray Tune write beside event files. */
static const char *const beside_events[] = {"metrics.csv", "metrics.json", "result.json",
                                            "progress.csv", NULL};

static bool is_as_late(const char *folder, const char *name, const char *other)
{
    char path[TW_TREE_PATH];
    struct stat here, there;
    return tw_tree_path(path, folder, name) && !stat(path, &here) &&
           tw_tree_path(path, folder, other) && !stat(path, &there) && S_ISREG(there.st_mode) &&
           there.st_mtime + LATER_SECONDS >= here.st_mtime;
}

/* "20260131_120000.json": MMEngine's log beside scalars.json, line by line the same. */
static bool is_called_by_time(const char *name)
{
    return strspn(name, "0123456789_") == 15 && name[8] == '_' && !strcmp(name + 15, ".json");
}

bool tw_tree_is_copy(const char *folder, const char *name)
{
    for (const char *const *beside = beside_events; *beside; beside++) {
        if (!strcmp(name, *beside) && tw_tree_has_event_files(folder))
            return true;
    }
    if (is_called_by_time(name))
        return is_as_late(folder, name, "scalars.json");
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        if (!strcmp(name, copies[i].name))
            return is_as_late(folder, name, copies[i].other);
    }
    return false;
}
