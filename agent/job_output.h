/* The output of a command that we run: passed on to our own standard output and error unchanged and
 * at once by a thread of its own, and kept for reading as a log. Where ours is a terminal, the
 * command's is one too (of the same size), so that its progress bars go on.
 *
 * What is kept stands in a private temporary file without a name, so that the command never waits
 * for whoever reads the log; what was read is given back to the file system. */
#ifndef TW_JOB_OUTPUT_H
#define TW_JOB_OUTPUT_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TW_JOB_STREAMS_MAX 2
/* What is kept of a stream before it is known to be a log; more is dropped from its start. */
#define TW_JOB_KEPT_BYTES (64u << 20)
/* When the command has ended, what it left running may hold its output open: it is waited for more
 * until there was none for so long, */
#define TW_JOB_SILENCE_SECONDS 1.0
/* and so long in all, since who prints on and on need not end. */
#define TW_JOB_REST_SECONDS 3.0

struct tw_job_output;

/* One stream where standard output and error go to the same place, else two. */
int tw_job_output_open(struct tw_job_output **ret, struct tw_error *error);

/* In the child, before exec: makes the command's ends its standard output and error. Safe between
 * fork() and exec(). */
void tw_job_output_become(const struct tw_job_output *output);

/* In the parent, once: starts passing on. */
int tw_job_output_start(struct tw_job_output *output, struct tw_error *error);

/* The path by which this process reads what is kept of a stream, NULL behind the last. */
const char *tw_job_output_path(const struct tw_job_output *output, size_t stream);
/* "output", "stdout", "stderr". */
const char *tw_job_output_name(const struct tw_job_output *output, size_t stream);

/* Whoever reads the log has read so many bytes, and will not ask for them again but for some at the
 * start and before that place. */
void tw_job_output_was_read(struct tw_job_output *output, size_t stream, int64_t bytes);
/* The stream is read as a log from now on: nothing is dropped any more. */
void tw_job_output_is_log(struct tw_job_output *output, size_t stream);

/* The window of our terminal has changed: the command is told. */
void tw_job_output_resize(struct tw_job_output *output);

/* The command has ended: waits until everything that it wrote was passed on. What other processes
 * that have its output print on is cut off after a while. Errors: our own
 * output takes no more, for another reason than that its reader has gone; or something could not be
 * kept (a full disk), so that the log was cut there; all was passed on even so. */
int tw_job_output_finish(struct tw_job_output *output, struct tw_error *error);

/* Then: some of it could not be passed on, which the command may not know. */
bool tw_job_output_is_lost(const struct tw_job_output *output);

void tw_job_output_close(struct tw_job_output *output); /* NULL is allowed */

#endif
