/* The census of projects. */
#include "agent/projects.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct entry {
    struct tw_project project;
    UT_hash_handle hh;
};

struct member {
    struct tw_watch *watch;
    UT_hash_handle hh;
};

struct tw_projects {
    struct member *members; /* by watch */
    struct entry *census;
    size_t n_partial; /* feeds that see only a part */
};

struct tw_projects *tw_projects_new(void)
{
    return calloc(1, sizeof(struct tw_projects));
}

static void forget_census(struct tw_projects *projects)
{
    struct entry *entry, *next;
    HASH_ITER(hh, projects->census, entry, next)
    {
        HASH_DEL(projects->census, entry);
        free(entry);
    }
}

void tw_projects_free(struct tw_projects *projects)
{
    struct member *member, *next;
    if (!projects)
        return;
    forget_census(projects);
    HASH_ITER(hh, projects->members, member, next)
    {
        HASH_DEL(projects->members, member);
        free(member);
    }
    free(projects);
}

/* ---- who is counted ---- */

int tw_projects_join(struct tw_projects *projects, struct tw_watch *watch)
{
    struct member *member = calloc(1, sizeof *member);
    if (!member) {
        projects->n_partial++; /* for good */
        return -ENOMEM;
    }
    member->watch = watch;
    HASH_ADD_PTR(projects->members, watch, member);
    return 0;
}

void tw_projects_leave(struct tw_projects *projects, const struct tw_watch *watch)
{
    struct member *member;
    HASH_FIND_PTR(projects->members, &watch, member);
    if (!member)
        return;
    forget_census(projects); /* its spokesmen may go with the watch */
    HASH_DEL(projects->members, member);
    free(member);
}

void tw_projects_set_partial(struct tw_projects *projects, bool *is_partial, bool is_so)
{
    if (is_so != *is_partial)
        projects->n_partial += is_so ? 1 : (size_t)-1;
    *is_partial = is_so;
}

/* ---- the census ---- */

size_t tw_projects_runs(const struct tw_projects *projects)
{
    size_t n = 0;
    for (const struct member *member = projects->members; member; member = member->hh.next)
        n += tw_watch_size(member->watch);
    return n;
}

static struct tw_project *find_or_add(struct tw_projects *projects, const char *name)
{
    struct entry *entry;
    HASH_FIND_STR(projects->census, name, entry);
    if (entry)
        return &entry->project;
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    strncpy(entry->project.name, name, sizeof entry->project.name - 1);
    HASH_ADD_STR(projects->census, project.name, entry);
    return &entry->project;
}

/* The same one wherever and whenever it is asked. */
static bool speaks_rather(const struct tw_run *run, const struct tw_run *other)
{
    if (!other || run->core.time_ms != other->core.time_ms)
        return !other || run->core.time_ms > other->core.time_ms;
    return strcmp(run->core.id, other->core.id) > 0;
}

static bool is_active(const struct tw_run *run)
{
    bool speaks = run->core.speaks_for_project || run->core.due == TW_DUE_PROJECT;
    bool is_told = run->core.silent_ms > 0 && !speaks;
    return run->core.is_live && !run->core.ended && !run->core.is_retired && !is_told &&
           run->header && run->header->project[0];
}

static int count_run(struct tw_projects *projects, struct tw_run *run, double silent,
                     const struct tw_settings *settings)
{
    double patience = tw_run_patience(run, settings);
    if (isinf(patience))
        return 0; /* it may be over */
    struct tw_project *project = find_or_add(projects, run->header->project);
    if (!project)
        return -ENOMEM;
    project->active++;
    bool is_quiet = silent >= patience / 2;
    project->quiet += is_quiet;
    project->heard += !is_quiet && run->was_heard;
    if (speaks_rather(run, project->spokesman))
        project->spokesman = run;
    return 0;
}

int tw_projects_take_census(struct tw_projects *projects, const struct tw_settings *settings)
{
    int result = 0;
    forget_census(projects);
    if (projects->n_partial > 0) /* nothing can be said: nobody is counted */
        return 0;
    for (struct member *member = projects->members; member && !result; member = member->hh.next) {
        struct tw_run *run = NULL;
        while (!result && (run = tw_watch_next(member->watch, run))) {
            if (is_active(run))
                result = count_run(projects, run, tw_watch_listened(member->watch) - run->heard,
                                   settings);
        }
    }
    if (result)
        forget_census(projects);
    return result;
}

const struct tw_project *tw_projects_find(const struct tw_projects *projects, const char *name)
{
    struct entry *entry;
    HASH_FIND_STR(projects->census, name, entry);
    return entry && projects->n_partial == 0 ? &entry->project : NULL;
}

bool tw_project_is_silent(const struct tw_project *project)
{
    return project && project->active >= 2 && project->quiet == project->active;
}
