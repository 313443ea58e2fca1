/* The checkpoints that a run's directory holds. */
#include <config.h>

#include "trainer/checkpoint_list.h"

#include "trainer/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "step-90.bin": 90. */
static bool is_name(const char *name, uint64_t *ret_step)
{
    int used = 0;
    unsigned long long step;
    if (strspn(name + (strlen(name) > 5 ? 5 : 0), "0123456789") == 0 ||
        sscanf(name, "step-%llu.bin%n", &step, &used) != 1 || !used || name[used])
        return false;
    *ret_step = step;
    return true;
}

static bool read_entry(const char *dir, const char *name, struct tw_checkpoint_entry *entry)
{
    char path[4096];
    struct stat status;
    uint64_t step;
    if (!is_name(name, &step) ||
        (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path ||
        stat(path, &status) || tw_checkpoint_peek(path, &entry->step, &entry->eval_loss, NULL))
        return false;
    entry->written_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    return entry->step == step;
}

static int compare_steps(const void *a, const void *b)
{
    const struct tw_checkpoint_entry *left = a, *right = b;
    return (left->step > right->step) - (left->step < right->step);
}

int tw_checkpoint_list(struct tw_checkpoint_entry **ret, size_t *ret_n, const char *dir,
                       struct tw_error *error)
{
    struct tw_checkpoint_entry entry, *entries = NULL;
    size_t n = 0;
    DIR *listing = opendir(dir);
    for (struct dirent *file; listing && (file = readdir(listing));) {
        if (!read_entry(dir, file->d_name, &entry))
            continue;
        void *grown = reallocarray(entries, n + 1, sizeof *entries);
        if (!grown) {
            free(entries);
            closedir(listing);
            return tw_error_set(error, -ENOMEM, "out of memory");
        }
        entries = grown;
        entries[n++] = entry;
    }
    if (listing)
        closedir(listing);
    if (n)
        qsort(entries, n, sizeof *entries, compare_steps);
    *ret = entries;
    *ret_n = n;
    return 0;
}

/* Whether `other` is to be preferred; of equals the later step. */
static bool is_better(const struct tw_checkpoint_entry *entry,
                      const struct tw_checkpoint_entry *other, bool wants_best)
{
    if (wants_best)
        return isfinite(other->eval_loss) && !(entry->eval_loss < other->eval_loss);
    return other->written_ns >= entry->written_ns;
}

static int find_in(char **ret, const char *dir, bool wants_best, struct tw_error *error)
{
    struct tw_checkpoint_entry *entries;
    size_t n, chosen = 0;
    int result = tw_checkpoint_list(&entries, &n, dir, error);
    if (result)
        return result;
    for (size_t i = 1; i < n; i++)
        chosen = is_better(&entries[chosen], &entries[i], wants_best) ? i : chosen;
    if (!n)
        result = tw_error_at(error, -ENOENT, dir, 0, 0, "there is no checkpoint to resume from");
    else if (asprintf(ret, "%s/step-%llu.bin", dir, (unsigned long long)entries[chosen].step) < 0)
        result = tw_error_set(error, -ENOMEM, "out of memory");
    free(entries);
    return result;
}

int tw_checkpoint_find(char **ret, const char *run_dir, const char *which, struct tw_error *error)
{
    char *dir, name[64];
    uint64_t step;
    int written;
    *ret = NULL;
    if (asprintf(&dir, "%s/checkpoints", run_dir) < 0)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = 0;
    if (!which || !strcmp(which, "best")) {
        result = find_in(ret, dir, which != NULL, error);
    } else {
        snprintf(name, sizeof name, "%s.bin", which);
        written =
            is_name(name, &step) ? asprintf(ret, "%s/%s", dir, name) : asprintf(ret, "%s", which);
        if (written < 0)
            result = tw_error_set(error, -ENOMEM, "out of memory");
    }
    free(dir);
    if (result)
        *ret = NULL;
    return result;
}
