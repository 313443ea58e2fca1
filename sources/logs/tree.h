/* Logs in folders: which files of a folder are one run, and every log below a path. Files are told
 * by their content; of each only the beginning is read. */
#ifndef TW_LOG_TREE_H
#define TW_LOG_TREE_H

#include "sources/logs/format.h"

#include "telemetry/option.h"

#include <sys/stat.h>

/* One file, or a folder that a format of kind STORE opens itself. */
struct tw_log_member {
    char *path;
    const struct tw_log_format *format;
    enum tw_row_part part; /* by its folder: "train", "validation" */
};

/* What is one log: a file, or the files of one folder that tell of one run. */
struct tw_log_group {
    size_t n;
    struct tw_log_member *members;     /* in order of name */
    const struct tw_texts *map;        /* that it was looked for with */
    size_t left_out;                   /* further files of the log, older than the members */
    const struct tw_log_group *before; /* the look before, while it is looked for again */
};

/* Each member takes a descriptor and a buffer: a group has at most so many, or half of as many as
 * the process may have open (RLIMIT_NOFILE). Of more files the newest are its members, by the time
 * in the name of an event file, else by the newest change. */
#define TW_LOG_MEMBERS_MAX 1024

/* The log at `path`; n is 0 where there is none. `map`: names that the user knows (names.h); NULL:
 * none. 0 or -ENOMEM. */
int tw_log_group_find(struct tw_log_group *ret, const char *path, const struct tw_texts *map);
/* The same, once more: what files are that it has found before is looked up and not looked at. */
int tw_log_group_find_again(struct tw_log_group *ret, const char *path,
                            const struct tw_log_group *before);
/* The member at `path`, or NULL. */
const struct tw_log_member *tw_log_group_member(const struct tw_log_group *group, const char *path);
void tw_log_group_release(struct tw_log_group *group);

/* How sure it is that `path` is one log, 0..100. */
int tw_log_group_probe(const char *path, const struct tw_texts *map);

/* What is at `path`: of a store all that lies below is part. */
enum tw_log_shape {
    TW_SHAPE_NONE,
    TW_SHAPE_FILES,   /* a file, or some files of a folder */
    TW_SHAPE_STORE,   /* that a format opens itself, of any number of runs */
    TW_SHAPE_ONE_RUN, /* likewise, of one */
};
enum tw_log_shape tw_log_shape_of(const char *path);

/* The newest change, and all sizes together. False where there is no log. */
bool tw_log_group_stat(const char *path, struct stat *ret);

/* True for a file or folder in a tree that is never looked at: caches, sources, checkpoints. */
bool tw_log_is_passed_over(const char *name, bool is_folder);
/* How sure a file in a tree must be a log; one that is named alone need not be. */
#define TW_LOG_SURE_IN_TREE 50
#define TW_LOG_SURE_WHEN_NAMED 12
/* True where a file in `folder` is part of a folder's log, or a copy of one, and none by itself. */
bool tw_log_is_part_of_group(const char *folder, const char *name);
/* Likewise of a folder. */
bool tw_log_is_folder_of_group(const char *folder, const char *name);

/* Gives the hyper-parameters that stand in event files beside those of the folder's log, or beside
 * its trainer_state.json. What cannot be read is passed over. */
void tw_log_tree_parameters(const char *path, const struct tw_log_sink *sink);

#endif
