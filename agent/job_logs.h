/* The logs of a job: of a process and all that descends from it. They are looked for again and
 * again, since a job opens some of them late. */
#ifndef TW_JOB_LOGS_H
#define TW_JOB_LOGS_H

#include "sources/process_logs.h"

/* How deep below a folder, and at how many files and folders there, is looked: a working directory
 * may be anything, a folder that was named is likely the right one. */
#define TW_JOB_DEPTH 6
#define TW_JOB_ENTRIES 20000
#define TW_JOB_NAMED_ENTRIES 100000

struct tw_job {
    struct tw_process process;
    double started; /* seconds since 1970; what changed before was written by others */
    char folder[4200];
    struct tw_processes family;      /* those that are left */
    struct tw_process_places places; /* as they were when the job was last there */
    unsigned cut_at;                 /* so much below a folder was looked at, of more; 0: all */
};

/* A log that a look found, by its best reason. `named` is the folder that a run is named after. */
typedef int tw_job_found(void *closure, const char *log, const char *named,
                         const struct tw_process_place *place, struct tw_error *error);

/* Errors: there is no such process, or it may not be looked into. */
int tw_job_open(struct tw_job *ret, long pid, struct tw_error *error);
void tw_job_close(struct tw_job *job);

/* Tells of every log that it finds, best places first; those of the look before come again. Once
 * the job is over, what it wrote at the last moment is found where it was known to write. */
int tw_job_look(struct tw_job *job, tw_job_found *found, void *closure, struct tw_error *error);

/* The process has ended, and so have all its descendants that had a log open. */
bool tw_job_has_ended(struct tw_job *job);

#endif
