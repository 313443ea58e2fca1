/* What the files of the tree share; private to them. */
#ifndef TW_LOG_TREE_PARTS_H
#define TW_LOG_TREE_PARTS_H

#include "sources/logs/tree.h"

#define TW_TREE_PATH 4200

bool tw_tree_path(char path[TW_TREE_PATH], const char *folder, const char *name);
bool tw_tree_is_folder(const char *path);
bool tw_tree_is_file(const char *path);

int tw_tree_add(struct tw_log_group *group, const char *path, const struct tw_log_format *format,
                enum tw_row_part part);
/* Adds the file if a format is sure enough of it: numbers under names that no training has are no
 * log. */
int tw_tree_add_file(struct tw_log_group *group, const char *path, enum tw_row_part part);

/* tree_members.c: leaves the newest members in the group, as many as it may have. */
int tw_tree_keep_newest(struct tw_log_group *group);
/* Of members that were added without a format those that are no log go. */
void tw_tree_keep_logs(struct tw_log_group *group);

/* tree_events.c: event files of TensorBoard. */
bool tw_tree_is_event_file(const char *name);
bool tw_tree_has_event_files(const char *folder);
int tw_tree_find_event_files(struct tw_log_group *group, const char *folder);
/* Whether the event files in folder/name belong to the run of `folder`. */
bool tw_tree_is_event_folder(const char *folder, const char *name);

/* tree_series.c: tables of one metric each. */
int tw_tree_find_series(struct tw_log_group *group, const char *folder);
bool tw_tree_is_series(const char *folder, const char *name);
bool tw_tree_is_series_folder(const char *folder, const char *name);

/* tree_pairs.c: tables of training and of validation. */
int tw_tree_find_pair(struct tw_log_group *group, const char *folder);
bool tw_tree_is_of_pair(const char *folder, const char *name);

/* tree_copies.c: true where another file of the folder tells the same run, and more. */
bool tw_tree_is_copy(const char *folder, const char *name);
/* Whether `other` was written when `path` was, or later. */
bool tw_tree_is_as_late(const char *path, const char *other);

/* The newest trainer_state.json of an output folder of transformers. */
bool tw_tree_find_trainer_state(const char *folder, char ret[TW_TREE_PATH]);

/* tree_parameters.c: whether the event files in folder/name say no more of the run of `folder` than
 * its hyper-parameters. */
bool tw_tree_is_parameter_folder(const char *folder, const char *name);

#endif
