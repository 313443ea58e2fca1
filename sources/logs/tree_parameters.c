/* Event files that tell hyper-parameters of a run whose numbers stand elsewhere:
 *
 *   add_hparams()   PyTorch's and tensorboardX's writers put them into a folder below the run's,
 *                   called by the time: "1767323045.12" (Accelerate does, too)
 *   transformers    "runs/DATE_HOST" in an output folder: what it tells is in trainer_state.json as
 *                   well, but for the arguments
 */
#include "sources/logs/tree_parts.h"

#include "sources/logs/input.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const struct tw_log_format tw_log_format_tensorboard;

/* They are told first. */
#define BEGINNING_BYTES (1u << 20)

/* ---- which ---- */

/* "1767323045.1234567": Python's time.time(). */
static bool is_called_by_seconds(const char *name)
{
    size_t seconds = strspn(name, "0123456789");
    size_t digits = name[seconds] == '.' ? strspn(name + seconds + 1, "0123456789") : 0;
    return seconds >= 9 && seconds <= 11 && digits && !name[seconds + 1 + digits];
}

/* Calls `look` for the entries of a folder until it returns another number than 0; what is no
 * folder has none. */
static int each_entry(const char *folder, int (*look)(void *closure, const char *path),
                      void *closure)
{
    char path[TW_TREE_PATH];
    struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(folder);
    while (dir && !result && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && tw_tree_path(path, folder, entry->d_name))
            result = look(closure, path);
    }
    if (dir)
        closedir(dir);
    return result;
}

static bool is_event_path(const char *path)
{
    return tw_tree_is_event_file(strrchr(path, '/') + 1) && tw_tree_is_file(path);
}

struct events {
    const char *state;
    size_t n, later; /* than the state */
};

static int count_event_file(void *closure, const char *path)
{
    struct events *events = closure;
    if (is_event_path(path)) {
        events->n++;
        events->later += !tw_tree_is_as_late(path, events->state);
    }
    return 0;
}

static int count_in_folder(void *closure, const char *path)
{
    return each_entry(path, count_event_file, closure);
}

/* What was logged since the state was saved is in the event files alone. */
static bool is_told_by_state(const char *folder, const char *runs)
{
    char state[TW_TREE_PATH];
    struct events events = {.state = state};
    if (!tw_tree_find_trainer_state(folder, state))
        return false;
    each_entry(runs, count_in_folder, &events);
    return events.n && !events.later;
}

/* ---- what they tell ---- */

static int pass_parameter(void *closure, const char *run, const char *name, const char *value)
{
    (void)closure, (void)run, (void)name, (void)value;
    return 0;
}

static int pass_row(void *closure, const struct tw_row *row)
{
    (void)closure, (void)row;
    return 0;
}

static int pass_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    (void)closure, (void)run, (void)event, (void)step;
    return 0;
}

static int pass_broken(void *closure, const char *reason)
{
    (void)closure, (void)reason;
    return 0;
}

static void give(const struct tw_log_sink *sink, const char *bytes, size_t size, bool is_whole)
{
    const struct tw_log_format *format = &tw_log_format_tensorboard;
    void *state = calloc(1, format->state_size);
    size_t at = 0;
    while (state && at < size) {
        long taken = format->bytes(state, bytes + at, size - at, is_whole, sink, NULL);
        if (taken <= 0)
            break;
        at += (size_t)taken;
    }
    if (state && format->done)
        format->done(state);
    free(state);
}

/* `closure`: the sink, for the beginning of the file. */
static int read_event_file(void *closure, const char *path)
{
    bool is_whole;
    char *bytes = is_event_path(path) ? malloc(BEGINNING_BYTES) : NULL;
    long n = bytes ? tw_log_input_peek(path, bytes, BEGINNING_BYTES, &is_whole) : 0;
    if (n > 0)
        give(closure, bytes, (size_t)n, is_whole);
    free(bytes);
    return 0;
}

/* ---- folders of them ---- */

struct steps {
    size_t n_rows;
    double first;
    bool are_several;
};

static int note_step(void *closure, const struct tw_row *row)
{
    struct steps *steps = closure;
    if (!steps->n_rows++)
        steps->first = row->step;
    steps->are_several |= row->step > steps->first || row->step < steps->first;
    return steps->are_several ? -ECANCELED : 0; /* that is enough of the file */
}

/* add_hparams() tells its metrics once. A run may be called by the time, too. */
static bool tells_one_step(const char *folder)
{
    struct steps steps = {0};
    struct tw_log_sink sink = {.closure = &steps,
                               .row = note_step,
                               .parameter = pass_parameter,
                               .event = pass_event,
                               .broken = pass_broken};
    each_entry(folder, read_event_file, &sink);
    return !steps.are_several;
}

bool tw_tree_is_parameter_folder(const char *folder, const char *name)
{
    char path[TW_TREE_PATH];
    if (is_called_by_seconds(name))
        return tw_tree_has_event_files(folder) && tw_tree_path(path, folder, name) &&
               tw_tree_has_event_files(path) && tells_one_step(path);
    return !strcmp(name, "runs") && tw_tree_path(path, folder, name) &&
           is_told_by_state(folder, path);
}

static int read_run_folder(void *closure, const char *path)
{
    return each_entry(path, read_event_file, closure);
}

struct reading {
    const char *folder; /* the run's */
    struct tw_log_sink sink;
};

static int read_folder(void *closure, const char *path)
{
    struct reading *reading = closure;
    const char *name = strrchr(path, '/') + 1;
    if (!tw_tree_is_parameter_folder(reading->folder, name))
        return 0;
    return each_entry(path, strcmp(name, "runs") != 0 ? read_event_file : read_run_folder,
                      &reading->sink);
}

void tw_log_tree_parameters(const char *path, const struct tw_log_sink *sink)
{
    struct reading reading = {.folder = path, .sink = *sink};
    reading.sink.row = pass_row;
    reading.sink.event = pass_event;
    reading.sink.broken = pass_broken;
    each_entry(path, read_folder, &reading);
}
