/* Rows of named numbers to telemetry records: which name is which signal, what the steps are, what
 * belongs to one step, where a run was resumed. Choices are made for each run from its first rows
 * and then kept, so that a signal does not change what it means. Memory does not grow with the log.
 */
#ifndef TW_LOG_ASSEMBLE_H
#define TW_LOG_ASSEMBLE_H

#include "sources/logs/format.h"

#include "telemetry/option.h"
#include "telemetry/record.h"

struct tw_assemble;

struct tw_assemble_options {
    const char *run;            /* the id of the log's run; several get "run/name" */
    const char *framework;      /* the header's, where the log tells none; may be NULL */
    const struct tw_texts *map; /* names.h; may be NULL; valid until free */
};

struct tw_assemble *tw_assemble_new(const struct tw_assemble_options *options);
void tw_assemble_free(struct tw_assemble *assemble); /* NULL is allowed */

/* What came; texts and cells are copied. 0 or -ENOMEM. */
int tw_assemble_row(struct tw_assemble *assemble, const struct tw_row *row);
int tw_assemble_parameter(struct tw_assemble *assemble, const char *run, const char *name,
                          const char *value);
int tw_assemble_event(struct tw_assemble *assemble, const char *run, enum tw_log_event event,
                      double step);

/* Gives what is held back to be put in order: when nothing more came for now, or (`is_final`) will
 * ever. */
int tw_assemble_flush(struct tw_assemble *assemble, bool is_final);

/* The next record that is ready, valid until the next call, or NULL. */
struct tw_record *tw_assemble_next(struct tw_assemble *assemble);

/* True when all runs that were seen have told their end. */
bool tw_assemble_has_ended(const struct tw_assemble *assemble);
/* Rows whose cells were no signal at all, and names that there was no room for. */
uint64_t tw_assemble_rows(const struct tw_assemble *assemble);

/* The raw names that a run's signal comes from, "a + b" where they are added up; NULL: none. Valid
 * until the next call of a function above. */
const char *tw_assemble_raw_name(struct tw_assemble *assemble, const char *run_id,
                                 enum tw_signal signal);
/* What the run's steps are: "step", "epoch", "row"; NULL for an unknown run. */
const char *tw_assemble_axis(const struct tw_assemble *assemble, const char *run_id);

#endif
