/* What `trainward attach` was given: a process, a folder, a file. Its logs are looked for at the
 * start and again every few seconds. */
#ifndef TW_ATTACH_ORIGIN_H
#define TW_ATTACH_ORIGIN_H

#include "agent/attach.h"
#include "agent/job_logs.h"

/* How often new logs are looked for, unless that took long: 5 % of the time goes into
 * looking, and every ten seconds it is done in any case. */
#define TW_ATTACH_LOOK_SECONDS 2.0
/* Likewise while none was found. */
#define TW_ATTACH_FIRST_LOOK_SECONDS 0.5

struct tw_attach_origin {
    struct tw_attach *attach;
    const char *path;      /* borrowed; NULL: a process */
    struct tw_job job;     /* of a process */
    bool has_log, is_over; /* nothing more is to be looked for */
    bool is_process_gone;
    bool has_told_cut, has_told_old, has_told_trouble;
    double next_look;
    struct tw_texts refused; /* logs that are not followed, which was told once */
};

/* Looks for logs, and tells what there is. */
int tw_attach_path(struct tw_attach_origin *ret, struct tw_attach *attach, const char *path,
                   struct tw_error *error);
int tw_attach_process(struct tw_attach_origin *ret, struct tw_attach *attach, long pid,
                      struct tw_error *error);

/* A command that we have started. Of it nothing is told, and its end is not looked for: */
int tw_attach_command(struct tw_attach_origin *ret, struct tw_attach *attach, long pid,
                      struct tw_error *error);
/* its logs are looked for once more, and read to their ends. */
int tw_attach_look_last(struct tw_attach_origin *origin, struct tw_error *error);

/* True while logs may come that are worth waiting for: a process that goes on, a folder without
 * any. */
bool tw_attach_is_waiting(const struct tw_attach_origin *origin);

/* Looks again when it is time to. When a process has ended, its logs are read to their ends
 * (tw_attach_no_more()). */
int tw_attach_look(struct tw_attach_origin *origin, struct tw_error *error);

void tw_attach_origin_release(struct tw_attach_origin *origin);

#endif
