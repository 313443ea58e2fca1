/* Following logs: what comes is judged, and told as it happens. */
#include "agent/attach.h"

#include "agent/attach_parts.h"
#include "agent/command.h"
#include "agent/find_logs.h"
#include "agent/report.h"
#include "agent/verdict_status.h"

#include "sinks/mail/wrap.h"
#include "sinks/terminal.h"
#include "sources/logs/format_probe.h"
#include "sources/logs/tree.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Of a quarter of a second each, when one log is followed. */
#define DOUBT_WAITS 4
/* From so many on, the names that a log has are known. */
#define RECORDS_TO_MAP 8
#define RECORDS_AT_ONCE 1000
/* So few logs wait each for changes of its own folder. Of more none does, but all together: a user
 * has 128 instances of inotify for all programs, and jobs may want them. */
#define WAITING_MAX 8
/* A round over many logs is followed by a pause: of a processor it may take this share. */
#define ROUND_SHARE .03
#define ROUND_SECONDS_MAX 2.0

/* ---- what is told ---- */

static void print_clean(FILE *out, const char *text)
{
    tw_terminal_print_clean(out, text, strlen(text));
}

const char *tw_attach_shown_name(const struct tw_followed *log)
{
    return log->analysis.shown ? log->analysis.shown : log->path;
}

static void print_advisory(struct tw_attach *attach, const char *text)
{
    fprintf(attach->out, "\n%s", text);
    fflush(attach->out);
}

/* What is still open when the run ends is part of the summary, which follows. What was found in the
 * part of a log that was there before us waits until it is told how that is read. */
static void take_change(void *closure, const struct tw_episode_advisory *advisory)
{
    struct tw_followed *log = closure;
    struct tw_attach *attach = log->attach;
    if (advisory->action == TW_ACTION_STILL_OPEN || attach->is_once ||
        !tw_attach_is_news(log, advisory))
        return;
    const struct tw_terminal_style style = {.is_coloured = attach->colour, .width = attach->width};
    char *document = tw_episode_document(advisory);
    char *text = document ? tw_terminal_render(document, &style) : NULL;
    if (text && (log->is_mapped || tw_texts_add(&log->held, text)))
        print_advisory(attach, text);
    free(text);
    free(document);
}

static void print_mapping(FILE *out, const struct tw_followed *log, const struct tw_run *run,
                          const char *separator)
{
    char format[64];
    print_clean(out, tw_attach_shown_name(log));
    fputs(": run ", out);
    print_clean(out, run->core.id);
    fprintf(out,
            ", now at step %llu, read as %s%ssignals: ", (unsigned long long)run->context->step,
            tw_analysis_format(&log->analysis, format, sizeof format), separator);
    tw_report_mapping(out, &log->analysis, run);
}

/* NULL when out of memory. */
static char *mapping_text(const struct tw_followed *log, const struct tw_run *run,
                          const char *separator)
{
    char *ret = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&ret, &size);
    if (!out)
        return NULL;
    print_mapping(out, log, run, separator);
    if (fclose(out)) {
        free(ret);
        return NULL;
    }
    return ret;
}

/* What a terminal would break in the middle of a word is broken between them; elsewhere a line
 * stays one for programs that look for it. */
static char *mapping_lines(const struct tw_followed *log, const struct tw_run *run)
{
    const struct tw_attach *attach = log->attach;
    char *line = mapping_text(log, run, "; ");
    if (!line || !attach->wraps || strlen(line) <= attach->width)
        return line;
    free(line);
    char *text = mapping_text(log, run, ";\n  ");
    char *wrapped = text ? tw_mail_wrap(text, attach->width) : NULL;
    free(text);
    return wrapped;
}

static void tell_mapping(struct tw_followed *log)
{
    FILE *out = log->attach->out;
    struct tw_run *run = tw_watch_next(log->analysis.watch, NULL);
    if (log->is_mapped || !run)
        return;
    char *lines = mapping_lines(log, run);
    fprintf(out, "%s%s", log->attach->prefix, lines ? lines : "");
    fflush(out);
    free(lines);
    log->is_mapped = true;
    for (size_t i = 0; i < log->held.n; i++)
        print_advisory(log->attach, log->held.at[i]);
    tw_texts_release(&log->held);
}

/* What is no log is read in hope, and what was passed over of it means nothing. */
static bool is_known(const struct tw_followed *log)
{
    return tw_source_probe(log->path, &log->attach->config.log_map) != NULL;
}

/* What is there was read, for a second at least, and none of it was a record: told once. */
static void tell_doubt(struct tw_followed *log)
{
    const struct tw_analysis *analysis = &log->analysis;
    struct stat status;
    if (analysis->records || log->waits != DOUBT_WAITS)
        return;
    bool is_empty = stat(log->path, &status) || !status.st_size;
    fputs("trainward attach: ", stderr);
    print_clean(stderr, tw_attach_shown_name(log));
    fputs(is_empty ? ": is empty so far" : ": no training record so far, is it a log?", stderr);
    if (analysis->skipped && is_known(log)) {
        fputs(" (", stderr);
        print_clean(stderr, analysis->first_skip);
        putc(')', stderr);
    }
    fputs("; waiting for more\n", stderr);
}

/* The whole of it was read. */
static void tell_nothing(const struct tw_followed *log)
{
    const struct tw_analysis *analysis = &log->analysis;
    bool is_known_log = is_known(log);
    struct tw_error why = {0};
    if (!is_known_log && !tw_log_format_fault(log->path, &why))
        tw_error_set(&why, -ENOMSG,
                     "is no training log that can be read; docs/logs.md lists what is");
    fputs("trainward attach: ", stderr);
    print_clean(stderr, tw_attach_shown_name(log));
    fputs(": ", stderr);
    fputs(is_known_log ? "holds no training record" : why.text, stderr);
    if (is_known_log && analysis->skipped) {
        fputs("; ", stderr);
        print_clean(stderr, analysis->first_skip);
    }
    putc('\n', stderr);
}

/* ---- runs that end one by one ---- */

static size_t find_told(const struct tw_followed *log, const struct tw_run *run)
{
    size_t i = 0;
    while (i < log->told.n && strcmp(log->told.at[i], run->core.id))
        i++;
    return i;
}

/* One that goes on will end again. */
static void note_end(struct tw_followed *log, const struct tw_run *run, enum tw_kind kind)
{
    size_t at = log->told.n ? find_told(log, run) : 0;
    log->over = kind == TW_KIND_END && log->is_store ? run : NULL;
    if (kind == TW_KIND_END || at == log->told.n)
        return;
    free(log->told.at[at]);
    log->told.at[at] = log->told.at[--log->told.n];
}

static void tell_run(const struct tw_followed *log, const struct tw_run *run)
{
    const struct tw_attach *attach = log->attach;
    const struct tw_run_charts *charts = tw_charts_find(&log->charts, run->core.id);
    putc('\n', attach->out);
    tw_report_text(attach->out, &log->analysis, run, charts ? &charts->scores : NULL,
                   &attach->config.settings, attach->colour, attach->width);
    fflush(attach->out);
}

/* ---- what comes ---- */

static void take_record(void *closure, const struct tw_run *run, const struct tw_record *record)
{
    struct tw_followed *log = closure;
    note_end(log, run, record->kind);
    if (record->n_metrics)
        tw_charts_take(&log->charts, run, record);
    if (run == tw_watch_next(log->analysis.watch, NULL)) /* of several runs in a log, the first */
        tw_twin_take(&log->losses, record);
}

/* Everything that is there was read. */
static void note_drained(struct tw_followed *log)
{
    const struct tw_analysis *analysis = &log->analysis;
    tw_attach_leave_twin(log);
    if (log->is_twin)
        return;
    log->has_drained = true;
    log->waits++;
    if (analysis->records >= RECORDS_TO_MAP || log->held.n ||
        (analysis->records && log->waits >= DOUBT_WAITS))
        tell_mapping(log);
    tell_doubt(log);
}

/* ---- which logs ---- */

static void free_log(struct tw_followed *log)
{
    tw_attach_forget(log);
    tw_analysis_close(&log->analysis);
    tw_texts_release(&log->held);
    tw_attach_release_changes(log);
    tw_charts_release(&log->charts);
    tw_texts_release(&log->told);
    free(log->path);
    free(log);
}

static int open_log(struct tw_followed *log, const struct tw_attach_log *wanted,
                    struct tw_error *error)
{
    struct tw_attach *attach = log->attach;
    char buffer[4200];
    const char *run =
        wanted->run ? wanted->run : tw_run_of_log(log->path, wanted->named, buffer, sizeof buffer);
    struct tw_watch_options options = {.settings = &attach->config.settings,
                                       .rules = attach->rules,
                                       .episode = take_change,
                                       .observed = take_record,
                                       .closure = log};
    struct tw_source_request request = {
        .path = log->path, .follow = true, .run = run, .map = &attach->config.log_map};
    return tw_analysis_open_log(&log->analysis, &request, &options, error);
}

static void tell_following(const struct tw_followed *log, const char *reason)
{
    FILE *out = log->attach->out;
    fprintf(out, "%s%s ", log->attach->prefix, log->attach->is_once ? "reading" : "following");
    print_clean(out, tw_attach_shown_name(log));
    if (reason)
        fprintf(out, " (%s)", reason);
    putc('\n', out);
    fflush(out);
}

int tw_attach_add(struct tw_attach *attach, const struct tw_attach_log *wanted,
                  struct tw_error *error)
{
    struct tw_followed **grown = realloc(attach->logs, (attach->n_logs + 1) * sizeof *grown);
    if (!grown)
        return tw_error_set(error, -ENOMEM, "out of memory");
    attach->logs = grown;
    struct tw_followed *log = calloc(1, sizeof *log);
    if (!log || !(log->path = strdup(wanted->path))) {
        free(log);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    log->attach = attach;
    log->owner = wanted->owner;
    log->is_output = wanted->is_output;
    log->is_named = wanted->is_named;
    log->is_store = tw_log_shape_of(log->path) >= TW_SHAPE_STORE;
    tw_attach_remember(log);
    int result = open_log(log, wanted, error);
    if (result) {
        free_log(log);
        return result;
    }
    grown[attach->n_logs++] = log;
    tw_attach_leave_renamed(log);
    tw_silence_fall_behind(&log->silence, log->analysis.watch, tw_wall_ms());
    log->analysis.shown = wanted->shown;
    tell_following(log, wanted->reason);
    return 0;
}

/* ---- following ---- */

static int end_log(struct tw_followed *log, struct tw_error *error)
{
    struct tw_run *run = NULL;
    tw_attach_leave_twin(log);
    if (log->is_twin)
        return 0;
    int result = tw_analysis_finish(&log->analysis, error);
    log->has_ended = true;
    log->is_gone = tw_attach_is_missing(log);
    tell_mapping(log);
    if (!log->analysis.records) {
        log->has_failed |= log->is_named;
        tell_nothing(log);
    }
    while (!result && (run = tw_watch_next(log->analysis.watch, run))) {
        if (find_told(log, run) == log->told.n)
            tell_run(log, run);
    }
    tw_analysis_close_log(&log->analysis);
    return result;
}

/* A store goes on, so that nobody would learn of its runs' ends. */
static int end_run(struct tw_followed *log, struct tw_error *error)
{
    const struct tw_run *run = log->over;
    log->over = NULL;
    if (!run || log->attach->is_once)
        return 0;
    tw_attach_leave_twin(log);
    if (log->is_twin)
        return 0;
    tell_mapping(log);
    tell_run(log, run);
    return tw_texts_add(&log->told, run->core.id) ? tw_error_set(error, -ENOMEM, "out of memory")
                                                  : 0;
}

static int follow_log(struct tw_followed *log, double timeout_seconds, struct tw_error *error)
{
    for (int taken = 0; taken < RECORDS_AT_ONCE; taken++) {
        int next = tw_analysis_step(&log->analysis, taken ? 0 : timeout_seconds, error);
        if (next >= 0 && log->over && end_run(log, error))
            next = -ENOMEM;
        if (next < 0 || log->has_ended)
            return next < 0 ? next : 0;
        if (next == TW_NEXT_END || (next == TW_NEXT_WAIT && log->has_no_more))
            return end_log(log, error);
        log->has_drained = false;
        if (next == TW_NEXT_WAIT) {
            note_drained(log);
            return 0;
        }
    }
    return 0;
}

/* Nothing is saved here, so what is due is done at once. */
static int mind_silence(struct tw_followed *log, struct tw_error *error)
{
    const struct tw_silence_moment moment = {
        .now = tw_now_seconds(),
        .wall_ms = tw_wall_ms(),
        .is_listening = log->has_drained,
    };
    if (log->has_ended || !tw_silence_is_time(&log->silence, moment.now))
        return 0;
    tw_silence_tick(&log->silence, log->analysis.watch, &log->attach->config, NULL, &moment);
    return tw_silence_carry_out(&log->silence, log->analysis.watch, error);
}

static size_t count_going(const struct tw_attach *attach)
{
    size_t n = 0;
    for (size_t i = 0; i < attach->n_logs; i++)
        n += !attach->logs[i]->has_ended;
    return n;
}

/* One that cannot be read any more keeps nobody from the others. */
static int fail(struct tw_followed *log, const struct tw_error *why, struct tw_error *error)
{
    log->has_failed = true;
    fputs("trainward attach: ", stderr);
    print_clean(stderr, tw_attach_shown_name(log));
    fputs(": is followed no more: ", stderr);
    print_clean(stderr, why->text);
    putc('\n', stderr);
    return end_log(log, error);
}

static int take_some(struct tw_followed *log, double timeout_seconds, struct tw_error *error)
{
    struct tw_error why = {0};
    int result = log->has_ended ? 0 : follow_log(log, timeout_seconds, &why);
    if (!result)
        result = mind_silence(log, &why);
    if (result && result != -ENOMEM)
        return fail(log, &why, error);
    if (result && error)
        *error = why;
    return result;
}

/* Nobody writes it any more. */
static void stop_waiting(struct tw_followed *log)
{
    if (!log->has_ended)
        tw_analysis_no_more(&log->analysis);
    log->has_no_more = true;
}

/* Returns true when the next round may begin. */
static bool pause_for_round(const struct tw_attach *attach, double timeout_seconds)
{
    double left = attach->next_round - tw_now_seconds();
    double seconds = fmin(left, timeout_seconds);
    struct timespec pause = {.tv_sec = (time_t)seconds};
    if (left <= 0 || timeout_seconds <= 0)
        return true;
    pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
    nanosleep(&pause, NULL); /* a signal may end it */
    return left <= timeout_seconds;
}

/* Those that have more to tell are waited for by nobody. */
static bool have_all_drained(const struct tw_attach *attach)
{
    for (size_t i = 0; i < attach->n_logs; i++) {
        if (!attach->logs[i]->has_ended && !attach->logs[i]->has_drained)
            return false;
    }
    return true;
}

static void plan_round(struct tw_attach *attach, double cost, double timeout_seconds)
{
    double now = tw_now_seconds();
    double pause = fmin(cost / ROUND_SHARE, ROUND_SECONDS_MAX);
    attach->next_round = have_all_drained(attach) ? now + fmax(pause, timeout_seconds) : now;
}

long tw_attach_follow(struct tw_attach *attach, double timeout_seconds, struct tw_error *error)
{
    size_t going = count_going(attach);
    bool are_few = going <= WAITING_MAX;
    double timeout = going && are_few ? timeout_seconds / (double)going : 0;
    if (!are_few && !pause_for_round(attach, timeout_seconds))
        return (long)going;
    double begun = tw_thread_seconds();
    int result = 0;
    for (size_t i = 0; i < attach->n_logs && !result; i++)
        result = take_some(attach->logs[i], timeout, error);
    plan_round(attach, tw_thread_seconds() - begun, timeout_seconds);
    return result ? result : (long)count_going(attach);
}

int tw_attach_read_newest(struct tw_attach *attach, bool (*is_stopping)(void),
                          struct tw_error *error)
{
    struct tw_followed *log = attach->logs[attach->n_logs - 1];
    int result = 0;
    stop_waiting(log);
    while (!result && !log->has_ended && !is_stopping())
        result = take_some(log, 0, error);
    return result;
}

void tw_attach_no_more(struct tw_attach *attach, const void *owner)
{
    for (size_t i = 0; i < attach->n_logs; i++) {
        if (attach->logs[i]->owner == owner)
            stop_waiting(attach->logs[i]);
    }
}

int tw_attach_end(struct tw_attach *attach, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < attach->n_logs && !result; i++) {
        if (!attach->logs[i]->has_ended)
            result = end_log(attach->logs[i], error);
    }
    return result;
}

/* Of its runs; of a log without any, where that tells something. */
static int status_of(const struct tw_followed *log)
{
    struct tw_run *run = NULL;
    int status = log->has_failed ? TW_EXIT_WRONG : TW_EXIT_HEALTHY;
    while (!log->is_twin && (run = tw_watch_next(log->analysis.watch, run)))
        status = tw_worse_status(status, tw_verdict_status(run, &log->attach->config.settings));
    return status;
}

int tw_attach_status(const struct tw_attach *attach)
{
    int status = TW_EXIT_HEALTHY;
    bool has_run = false;
    for (size_t i = 0; i < attach->n_logs; i++) {
        status = tw_worse_status(status, status_of(attach->logs[i]));
        has_run |= tw_watch_next(attach->logs[i]->analysis.watch, NULL) != NULL;
    }
    return has_run ? status : TW_EXIT_WRONG;
}

bool tw_attach_has_problem(const struct tw_attach *attach)
{
    for (size_t i = 0; i < attach->n_logs; i++) {
        const struct tw_followed *log = attach->logs[i];
        struct tw_run *run = NULL;
        while (!log->is_twin && (run = tw_watch_next(log->analysis.watch, run))) {
            if (tw_verdict_status(run, &attach->config.settings) == TW_EXIT_PROBLEM)
                return true;
        }
    }
    return false;
}

void tw_attach_release(struct tw_attach *attach)
{
    for (size_t i = 0; i < attach->n_logs; i++)
        free_log(attach->logs[i]);
    free(attach->logs);
    attach->logs = NULL;
    attach->n_logs = 0;
}
