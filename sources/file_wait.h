/* Waits until a file in a directory changes: inotify, with polling for file systems and limits that
 * do not have it. */
#ifndef TW_FILE_WAIT_H
#define TW_FILE_WAIT_H

struct tw_file_wait {
    int fd; /* of inotify; -1: not started or not available, then it polls */
    int is_started;
};

void tw_file_wait_init(struct tw_file_wait *wait);
/* Waits until something in `dir` changes, `seconds` pass, or a quarter of a second at most: notice
 * of changes does not come from every file system. `dir` may be missing as yet. */
void tw_file_wait(struct tw_file_wait *wait, const char *dir, double seconds);
void tw_file_wait_done(struct tw_file_wait *wait);

#endif
