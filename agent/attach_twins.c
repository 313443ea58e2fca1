/* Logs that tell the same: one of them is followed on. */
#include "agent/attach_parts.h"

#include "sinks/terminal.h"

#include <string.h>

/* Two files of one form may well be two runs; what is printed may be kept in a file, too. One that
 * could not be read to its end tells less than the other. */
static bool may_be_twins(const struct tw_followed *a, const struct tw_followed *b)
{
    return !a->has_failed && !b->has_failed &&
           (a->is_output != b->is_output || strcmp(a->form, b->form) != 0);
}

static bool are_twins(const struct tw_followed *a, const struct tw_followed *b)
{
    return a != b && a->owner == b->owner && !a->is_twin && !b->is_twin && b->form[0] &&
           may_be_twins(a, b) && tw_twin_are_same(&a->losses, &b->losses);
}

static void print_name(FILE *out, const struct tw_followed *log)
{
    const char *name = tw_attach_shown_name(log);
    tw_terminal_print_clean(out, name, strlen(name));
}

void tw_attach_leave(struct tw_followed *log, const char *how, const struct tw_followed *other)
{
    FILE *out = log->attach->out;
    log->is_twin = log->has_ended = true;
    tw_texts_release(&log->held);
    fputs(log->attach->prefix, out);
    print_name(out, log);
    fprintf(out, ": %s ", how);
    print_name(out, other);
    fputs(", and is left\n", out);
    fflush(out);
    tw_analysis_close_log(&log->analysis);
}

/* What a job prints is rounded, and has no hyper-parameters. */
static void leave_one(struct tw_followed *log, struct tw_followed *other)
{
    bool is_better = other->is_output && !log->is_output;
    tw_attach_leave(is_better ? other : log, "tells the same as", is_better ? log : other);
}

void tw_attach_leave_twin(struct tw_followed *log)
{
    struct tw_attach *attach = log->attach;
    if (log->losses.n == log->n_compared)
        return;
    log->n_compared = log->losses.n;
    tw_analysis_format(&log->analysis, log->form, sizeof log->form);
    for (size_t i = 0; i < attach->n_logs && !log->is_twin; i++) {
        if (are_twins(log, attach->logs[i]))
            leave_one(log, attach->logs[i]);
    }
}
