/* Projects: where all runs of one fall silent at once, something between them and us has broken
 * (the network, the brokers, the cluster), and one advisory says so instead of one for each run.
 *
 * A census counts the runs of each project over all watches of an agent, and is taken only when a
 * run is about to be told as stalled or a project has been told as silent. It says something of a
 * project only where this agent sees all of its sources: an agent that shares the partitions of a
 * topic with others does not know what their runs do, and says nothing of projects. One thread. */
#ifndef TW_PROJECTS_H
#define TW_PROJECTS_H

#include "watch.h"

struct tw_projects;

struct tw_projects *tw_projects_new(void); /* NULL: out of memory */
void tw_projects_free(struct tw_projects *projects);

/* A watch comes, and goes. 0 or -ENOMEM: then its runs are not counted, and nothing is said of
 * projects any more. */
int tw_projects_join(struct tw_projects *projects, struct tw_watch *watch);
void tw_projects_leave(struct tw_projects *projects, const struct tw_watch *watch);

/* A feed sees only a part of what there is: call it with `*is_partial`, which is the feed's own
 * and false to begin with. */
void tw_projects_set_partial(struct tw_projects *projects, bool *is_partial, bool is_so);

/* Runs of all watches that have joined: what a census would walk over. */
size_t tw_projects_runs(const struct tw_projects *projects);

/* What a project's runs do. */
struct tw_project {
    char name[64];
    size_t active;            /* live runs that have not ended and are not told as stalled */
    size_t heard;             /* of those, the ones of which a record came within that time */
    size_t quiet;             /* of those, the ones that have been silent for half their patience */
    struct tw_run *spokesman; /* of the active ones, the one with the newest record */
};

/* Counts all runs; forgets what the census before said. 0 or -ENOMEM. */
int tw_projects_take_census(struct tw_projects *projects, const struct tw_settings *settings);
/* By the newest census: NULL when it knows no such project, or when nothing can be said. */
const struct tw_project *tw_projects_find(const struct tw_projects *projects, const char *name);
/* All of two or more runs are quiet. NULL: no. */
bool tw_project_is_silent(const struct tw_project *project);

#endif
