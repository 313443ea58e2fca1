/* The header of a run, from the parameters and facts that its log or the files beside it tell. */
#include "sources/logs/assemble_state.h"

#include "sources/logs/number.h"

#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* sys.maxsize and its like mean "without limit". */
#define LARGEST_COUNT 0x1p53

static const struct fact {
    const char *name;
    size_t offset, size;
} facts[] = {
    {"framework", offsetof(struct tw_header, framework), sizeof((struct tw_header *)0)->framework},
    {"objective", offsetof(struct tw_header, objective), sizeof((struct tw_header *)0)->objective},
    {"project", offsetof(struct tw_header, project), sizeof((struct tw_header *)0)->project},
    {"project_name", offsetof(struct tw_header, project), sizeof((struct tw_header *)0)->project},
    {"run_name", offsetof(struct tw_header, name), sizeof((struct tw_header *)0)->name},
    {"group", offsetof(struct tw_header, group), sizeof((struct tw_header *)0)->group},
    {"host", offsetof(struct tw_header, host), sizeof((struct tw_header *)0)->host},
    {"user", offsetof(struct tw_header, user), sizeof((struct tw_header *)0)->user},
};

static bool take_fact(struct tw_assembled_run *run, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        char *field = (char *)&run->header + facts[i].offset;
        if (strcmp(facts[i].name, name))
            continue;
        char now[128];
        tw_text_copy(now, facts[i].size < sizeof now ? facts[i].size : sizeof now, value,
                     strlen(value));
        run->header_is_due |= strcmp(now, field) != 0;
        strcpy(field, now);
        return true;
    }
    if (!strcmp(name, "world_size")) {
        uint64_t size = strtoull(value, NULL, 10);
        run->header_is_due |= size != run->header.world_size;
        run->header.world_size = size;
        return true;
    }
    if (strcmp(name, "grad_norm_kind"))
        return false;
    run->grad_norm_kind = !strcmp(value, "pre_clip")    ? TW_GRAD_NORM_PRE_CLIP
                          : !strcmp(value, "post_clip") ? TW_GRAD_NORM_POST_CLIP
                                                        : TW_GRAD_NORM_UNKNOWN;
    return true;
}

static bool is_true(const char *value)
{
    return !strcasecmp(value, "true") || !strcasecmp(value, "yes") || !strcmp(value, "1");
}

static bool is_absent(const char *value)
{
    return !*value || !strcasecmp(value, "none") || !strcasecmp(value, "null") ||
           !strcasecmp(value, "nan");
}

static bool is_count(const char *name)
{
    return !strncmp(name, "max_steps", 9) || !strcmp(name, "max_epochs") ||
           !strcmp(name, "batch_size") || !strcmp(name, "micro_batches");
}

/* An entry of a lower rank than what is known, or of the same: its place, else NULL. */
static uint8_t *place_for(struct tw_assembled_run *run, const char *name, unsigned rank)
{
    const struct tw_hyperparameter *known = tw_header_find(&run->header, name);
    size_t i =
        known ? (size_t)(known - run->header.hyperparameters) : run->header.n_hyperparameters;
    if (i >= TW_HYPERPARAMETERS_MAX || (known && run->parameter_rank[i] < rank))
        return NULL;
    return &run->parameter_rank[i];
}

static int set(struct tw_assembled_run *run, const char *name, unsigned rank, const char *value)
{
    double number;
    uint8_t *place = place_for(run, name, rank);
    const struct tw_hyperparameter *known = tw_header_find(&run->header, name);
    if (!place)
        return 0;
    *place = (uint8_t)rank;
    if (tw_log_number(value, strlen(value), &number) != 1) {
        run->header_is_due |= !known || !known->is_text || strncmp(known->text, value, 63);
        return tw_header_set_text(&run->header, name, value);
    }
    if (is_count(name) && !(number > 0 && number < LARGEST_COUNT))
        return 0;
    run->header_is_due |= !known || known->is_text || !(known->number == number);
    return tw_header_set_number(&run->header, name, number);
}

int tw_assemble_take_parameter(struct tw_assembled_run *run, const char *name, const char *value)
{
    unsigned rank;
    const char *slash = strrchr(name, '/');
    if (take_fact(run, slash ? slash + 1 : name, value))
        return 0;
    const char *ours = tw_log_parameter_name(name, &rank);
    if (!ours || is_absent(value))
        return 0;
    /* A flag that names a precision. */
    if (!strcmp(ours, "fp16") || !strcmp(ours, "bf16"))
        return is_true(value) ? set(run, "precision", 0, ours) : 0;
    int result = set(run, ours, rank, value);
    return result == -E2BIG ? 0 : result;
}

void tw_assemble_note_name(struct tw_assembled_run *run, const char *name)
{
    const char *before = tw_log_objective(run->hints);
    run->hints |= tw_log_objective_hints(name);
    run->header_is_due |= strcmp(before, tw_log_objective(run->hints)) != 0;
}

int tw_assemble_header_record(struct tw_assemble *assemble, struct tw_assembled_run *run,
                              struct tw_record *ret)
{
    const struct tw_header *known = &run->header;
    ret->kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(ret);
    if (!header)
        return -ENOMEM;
    *header = *known;
    header->n_hyperparameters = 0;
    header->hyperparameters = NULL;
    if (!header->framework[0])
        strcpy(header->framework, assemble->framework);
    if (!header->objective[0])
        strcpy(header->objective, tw_log_objective(run->hints));
    int result = 0;
    for (size_t i = 0; i < known->n_hyperparameters && !result; i++) {
        const struct tw_hyperparameter *each = &known->hyperparameters[i];
        result = each->is_text ? tw_header_set_text(header, each->name, each->text)
                               : tw_header_set_number(header, each->name, each->number);
    }
    run->header_is_due = false;
    return result;
}
