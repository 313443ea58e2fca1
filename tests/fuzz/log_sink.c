#include "tests/fuzz/log_sink.h"

#include "sources/logs/names.h"

#include <stdlib.h>
#include <string.h>

void must(bool condition)
{
    if (!condition)
        abort();
}

static int take_row(void *closure, const struct tw_row *row)
{
    must(row->part <= TW_PART_EVAL && (row->cells || !row->n_cells));
    for (size_t i = 0; i < row->n_cells; i++) {
        must(row->cells[i].name != NULL && row->cells[i].meaning < TW_MEANINGS);
        must(strlen(row->cells[i].name) < 1u << 21);
    }
    must(!tw_assemble_row(closure, row));
    return 0;
}

static int take_parameter(void *closure, const char *run, const char *name, const char *value)
{
    must(name && value);
    must(!tw_assemble_parameter(closure, run, name, value));
    return 0;
}

static int take_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    must(event <= TW_LOG_INTERRUPTED);
    must(!tw_assemble_event(closure, run, event, step));
    return 0;
}

static int take_broken(void *closure, const char *reason)
{
    (void)closure;
    must(reason && *reason);
    return 0;
}

struct tw_log_sink log_sink(struct tw_assemble *assemble)
{
    return (struct tw_log_sink){assemble, take_row, take_parameter, take_event, take_broken};
}

const struct tw_texts *log_map(void)
{
    static char wibble[] = "*wibble=loss", metric[] = "sat acc=eval_saturation";
    static char step[] = "tick=step", part[] = "part*=loss_part", nothing[] = "no=ignore";
    static char *entries[] = {wibble, metric, step, part, nothing};
    static const struct tw_texts map = {sizeof entries / sizeof *entries, entries};
    must(!tw_log_map_check(&map, NULL));
    return &map;
}

struct tw_assemble *new_assemble(void)
{
    struct tw_assemble_options options = {.run = "fuzz", .map = log_map()};
    struct tw_assemble *assemble = tw_assemble_new(&options);
    must(assemble != NULL);
    return assemble;
}

void finish_assemble(struct tw_assemble *assemble)
{
    must(!tw_assemble_flush(assemble, true));
    while (tw_assemble_next(assemble))
        ;
    for (int signal = 0; signal < TW_SIGNALS; signal++) {
        const char *name = tw_assemble_raw_name(assemble, "fuzz", (enum tw_signal)signal);
        must(!name || *name);
    }
    const char *axis = tw_assemble_axis(assemble, "fuzz");
    must(!axis || !strcmp(axis, "step") || !strcmp(axis, "epoch") || !strcmp(axis, "row"));
    tw_assemble_has_ended(assemble);
    tw_assemble_free(assemble);
}
