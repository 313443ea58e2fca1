/* Processes as Linux's /proc tells of them: who they are, their descendants, their open files. Only
 * reads, and holds nothing open. Where /proc is mounted is an argument (`proc`), which is "/proc"
 * but in tests. What /proc refuses is -EACCES with words that say what to do. */
#ifndef TW_PROCESS_H
#define TW_PROCESS_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TW_PROC "/proc"

struct tw_process {
    long pid, parent;
    uint64_t start; /* clock ticks since boot: with the pid, which is used again, who it is */
    char name[32];  /* the program's, as ps tells it (15 bytes) */
    char state;     /* 'R', 'S', ...; 'Z' and 'X' have ended */
    bool is_kernel; /* a thread of the kernel: runs no program, writes no files */
};

/* -ESRCH: there is no such process; -EACCES: it is hidden. */
int tw_process_read(struct tw_process *ret, const char *proc, long pid, struct tw_error *error);

/* This very process is there and has not ended. */
bool tw_process_is_alive(const char *proc, const struct tw_process *process);

/* When it started by the clock of today, in seconds since 1970, or up to two ticks (20 ms) before;
 * 0 where that is unknown. */
double tw_process_started(const struct tw_process *process);

/* Every process that there is: new array for free(). */
struct tw_process *tw_process_all(const char *proc, size_t *ret_n);

#define TW_PROCESSES_MAX 256

struct tw_processes {
    size_t n;
    struct tw_process at[TW_PROCESSES_MAX];
};

/* Brings a family up to date: those that ended leave it, and the descendants of those that are left
 * join it, parents first; 256 at most. Start it with one process. A child whose parent has ended
 * since stays. */
void tw_process_family(struct tw_processes *family, const char *proc);

/* ---- files ---- */

enum tw_process_file_kind {
    TW_FILE_REGULAR,
    TW_FILE_PIPE,
    TW_FILE_TERMINAL,
    TW_FILE_SOCKET,
    TW_FILE_NULL, /* /dev/null */
    TW_FILE_OTHER /* devices, memory, folders, what cannot be told */
};

struct tw_process_file {
    int fd;
    enum tw_process_file_kind kind;
    bool is_written, is_deleted; /* open for writing; no name leads to it any more */
    uint64_t inode;              /* of a pipe */
    int64_t position;            /* in bytes, where the process is in it */
    char *path; /* owned; a regular file's, by which we can open it; else what /proc shows */
};

struct tw_process_files {
    size_t n;
    struct tw_process_file *at; /* owned */
};

/* Appends the open files, 65,536 at most, in order of number. */
int tw_process_files(struct tw_process_files *ret, const char *proc, long pid,
                     struct tw_error *error);
void tw_process_files_release(struct tw_process_files *files);

/* ---- what it was started with ---- */

/* A path of the process as a path of ours: through /proc/PID/root where it lives in another root or
 * mount namespace (a container, a chroot), and from its working directory where it is relative.
 * False where it does not fit. */
bool tw_process_path(char *ret, size_t size, const char *proc, long pid, const char *path);

/* Its working directory, by tw_process_path(). */
int tw_process_folder(char *ret, size_t size, const char *proc, long pid, struct tw_error *error);

/* Appends its arguments, the program's name first; 64 KiB of them at most. They may hold secrets:
 * not to be shown. */
int tw_process_arguments(struct tw_texts *ret, const char *proc, long pid, struct tw_error *error);

/* Appends NAME=VALUE for each of these environment variables that it was started with; nothing else
 * of the environment is kept, and none of it is to be shown. `names` ends in NULL. */
int tw_process_environment(struct tw_texts *ret, const char *proc, long pid,
                           const char *const *names, struct tw_error *error);

#endif
