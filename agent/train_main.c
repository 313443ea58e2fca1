/* trainward-train: trains, sends telemetry, watches itself, and shows how it goes. */
#include <config.h>

#include "agent/progress.h"
#include "agent/train_options.h"
#include "agent/train_resume.h"
#include "agent/train_watch.h"

#include "telemetry/emitter.h"
#include "trainer/checkpoint_list.h"
#include "trainer/trainer.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "trainward-train"
/* Steps that a run goes on after the advisory that stops it: enough for the advisory's episode to
 * be withdrawn or to recover, and for the log to show what it was about. */
#define STOP_AFTER_STEPS 20

enum { EXIT_PROBLEM = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

struct session {
    int argc;
    const char *const *argv;
    struct tw_train_options options;
    struct tw_emitter *emitter;
    struct tw_train_watch *watch; /* NULL with --no-watch */
    struct tw_progress *progress;
    uint64_t step;
    double loss;
    uint64_t alarm_step; /* since when an advisory that stops the run is open; 0: none is */
    bool is_stopped_by_advisor;
    struct tw_error watch_error, options_error;
    char attempt_before[TW_ATTEMPT_MAX + 1]; /* of a run that is resumed */
};

static volatile sig_atomic_t stop_signal;

/* The first one ends the run after its step; the second one ends the process. */
static void on_signal(int number)
{
    stop_signal = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void complain(const struct tw_error *error)
{
    char message[1024];
    fprintf(stderr, PROGRAM ": %s\n", tw_error_message(error, message, sizeof message));
}

static enum tw_progress_mood mood_of(enum tw_train_watch_level level)
{
    return level == TW_TRAIN_WATCH_OK         ? TW_PROGRESS_GOOD
           : level == TW_TRAIN_WATCH_CRITICAL ? TW_PROGRESS_BAD
                                              : TW_PROGRESS_UNSURE;
}

static void show_advisory(void *closure, enum tw_train_watch_level level, const char *text)
{
    const struct session *session = closure;
    (void)level; /* the text has its colours already */
    tw_progress_print(session->progress, text);
}

static bool stops_the_run(const struct session *session, enum tw_train_watch_level level)
{
    switch (session->options.stop_on) {
    case TW_STOP_ON_CRITICAL:
        return level == TW_TRAIN_WATCH_CRITICAL;
    case TW_STOP_ON_WARNING:
        return level >= TW_TRAIN_WATCH_WARNING;
    default:
        return false;
    }
}

static void watch_record(struct session *session, const struct tw_record *record)
{
    char words[128];
    if (tw_train_watch_record(session->watch, record, &session->watch_error)) {
        /* Training is what the user is here for: it goes on unwatched, and that is said. */
        tw_train_watch_close(session->watch);
        session->watch = NULL;
        tw_progress_set_advisor(session->progress, TW_PROGRESS_UNSURE, "off");
        return;
    }
    enum tw_train_watch_level level = tw_train_watch_status(session->watch, words, sizeof words);
    tw_progress_set_advisor(session->progress, mood_of(level), words);
    if (!stops_the_run(session, level))
        session->alarm_step = 0;
    else if (!session->alarm_step)
        session->alarm_step = record->step ? record->step : 1;
}

static void sign_header(const struct session *session, struct tw_header *header)
{
    const struct passwd *user = getpwuid(geteuid());
    snprintf(header->user, sizeof header->user, "%s", user ? user->pw_name : "");
    if (gethostname(header->host, sizeof header->host))
        header->host[0] = '\0';
    header->host[sizeof header->host - 1] = '\0';
    header->pid = (uint64_t)getpid();
    memcpy(header->resumed_from_attempt, session->attempt_before,
           sizeof header->resumed_from_attempt);
}

/* Once the training begins, and no sooner: options with which a resume fails are not to stand in
 * its way for good. */
static void keep_options(struct session *session)
{
    const char *run_dir = session->options.trainer.run_dir;
    if (run_dir)
        tw_train_resume_save(run_dir, &session->options.given, &session->options_error);
}

static void on_record(void *closure, struct tw_record *record)
{
    struct session *session = closure;
    snprintf(record->run, sizeof record->run, "%s", session->options.run);
    if (record->header)
        sign_header(session, record->header);
    if (record->header)
        keep_options(session);
    if (session->emitter)
        tw_emit(session->emitter, record); /* what it drops it counts, and tells in the log */
    session->step = record->step;
    if (tw_record_has(record, TW_SIGNAL_LOSS))
        session->loss = record->signal[TW_SIGNAL_LOSS];
    if (session->watch)
        watch_record(session, record);
    tw_progress_record(session->progress, record);
}

static enum tw_trainer_order on_order(void *closure)
{
    struct session *session = closure;
    if (stop_signal)
        return TW_TRAINER_INTERRUPT;
    if (session->alarm_step && session->step >= session->alarm_step + STOP_AFTER_STEPS) {
        session->is_stopped_by_advisor = true;
        return TW_TRAINER_FAIL;
    }
    return TW_TRAINER_GO_ON;
}

/* A second run in the same directory would mix two histories, and overwrite the checkpoints. An
 * empty file is of a training that did not begin, for want of its data. */
static int refuse_used_directory(const char *dir, struct tw_error *error)
{
    static const char *const files[] = {"telemetry.cbor", "telemetry.jsonl"};
    char path[4096];
    struct stat status;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        if (!stat(path, &status) && status.st_size > 0)
            return tw_error_set(error, -EEXIST,
                                "--run-dir: %s holds a run already; choose another directory", dir);
    }
    return 0;
}

static bool resumes(const struct session *session)
{
    return session->options.trainer.resume || session->options.trainer.resume_from;
}

/* Before anything is written: a resume without a checkpoint leaves no trace. */
static int check_directory(struct session *session, struct tw_error *error)
{
    const struct tw_trainer_config *trainer = &session->options.trainer;
    char *path = NULL;
    if (!resumes(session))
        return refuse_used_directory(trainer->run_dir, error);
    int result = tw_checkpoint_find(&path, trainer->run_dir, trainer->resume_from, error);
    if (!result && access(path, R_OK))
        result = tw_error_at(error, -errno, path, 0, 0, "cannot read: %s", strerror(errno));
    free(path);
    tw_train_resume_attempt(trainer->run_dir, session->attempt_before);
    return result;
}

static int open_emitter(struct session *session, struct tw_error *error)
{
    const struct tw_train_options *options = &session->options;
    const struct tw_texts *properties = &options->kafka_properties;
    const char **list = calloc(properties->n + 1, sizeof *list);
    if (!list)
        return tw_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < properties->n; i++)
        list[i] = properties->at[i];
    struct tw_emitter_options emitter = {
        .run = options->run,
        .run_dir = options->trainer.run_dir,
        .format = (enum tw_wire_format)options->telemetry_format,
        .kafka_brokers = options->kafka,
        .kafka_topic = options->kafka_topic,
        .kafka_properties = list,
    };
    int result = tw_emitter_open(&session->emitter, &emitter, error);
    free(list);
    return result;
}

static int open_progress(struct session *session, struct tw_error *error)
{
    struct tw_progress_options options = tw_progress_options_for(STDOUT_FILENO);
    options.in_place = options.in_place && isatty(STDERR_FILENO) && !session->options.no_progress;
    options.is_silent = session->options.quiet;
    session->progress = tw_progress_new(&options);
    return session->progress ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
}

static int open_session(struct session *session, struct tw_error *error)
{
    const char *run_dir = session->options.trainer.run_dir;
    int result = open_progress(session, error);
    if (!result && run_dir)
        result = check_directory(session, error);
    if (!result)
        result = open_emitter(session, error);
    if (!result && !session->options.no_watch) {
        struct tw_train_watch_options watch = {run_dir, show_advisory, session};
        result = tw_train_watch_open(&session->watch, &watch, error);
    }
    return result;
}

/* One line: how many records did not arrive, and why. */
static void tell_loss(const struct tw_emitter_counts *counts, const struct tw_error *error)
{
    char dropped[64] = "", message[1024];
    if (counts->dropped && counts->lost)
        snprintf(dropped, sizeof dropped, " (%llu of them too many at a time)",
                 (unsigned long long)counts->dropped);
    fprintf(stderr, PROGRAM ": %llu of %llu telemetry records were not delivered%s: %s\n",
            (unsigned long long)(counts->dropped + counts->lost),
            (unsigned long long)(counts->emitted + counts->dropped), dropped,
            error->code ? tw_error_message(error, message, sizeof message)
                        : "they came faster than they could be written");
}

/* Returns whether everything could be written. */
static bool close_emitter(struct session *session)
{
    struct tw_error error = {0};
    struct tw_emitter_counts counts = {0};
    if (!session->emitter)
        return true;
    int result = tw_emitter_close(session->emitter, &counts, &error);
    session->emitter = NULL;
    if (counts.dropped || counts.lost)
        tell_loss(&counts, &error);
    else if (result)
        complain(&error);
    return !result;
}

/* One line for what a full disk, or one that is gone, did not take. True: there was something. */
static bool tell_unwritten(uint64_t n, const char *what, const struct tw_error *error)
{
    char message[1024];
    if (n)
        fprintf(stderr, PROGRAM ": %llu %s were not written: %s\n", (unsigned long long)n, what,
                tw_error_message(error, message, sizeof message));
    return n > 0;
}

static void print_summary(const struct session *session, const struct tw_trainer_result *result)
{
    const char *run_dir = session->options.trainer.run_dir;
    if (session->options.quiet)
        return;
    if (result->resumed_from)
        printf("resumed at step %llu, ", (unsigned long long)result->resumed_from);
    printf("%s after %llu steps in %.2f s (%.0f samples/s)\n",
           session->is_stopped_by_advisor       ? "stopped by the advisor"
           : result->has_stopped_early          ? "stopped early: no lower validation loss"
           : result->status == TW_END_COMPLETED ? "trained to the end"
                                                : "interrupted",
           (unsigned long long)result->steps, result->seconds,
           result->seconds > 0 ? (double)result->samples / result->seconds : 0);
    if (!isnan(result->eval_accuracy))
        printf("validation accuracy %.2f %%, loss %.4g\n", 100 * result->eval_accuracy,
               isnan(result->eval_loss) ? NAN : result->eval_loss); /* "nan", never "-nan" */
    else if (!isnan(result->eval_r2))
        printf("validation loss %.4g, r2 %.3f\n", result->eval_loss, result->eval_r2);
    if (session->options.trainer.early_stopping_patience && !isnan(result->best_eval_loss))
        printf("lowest validation loss %.4g at step %llu\n", result->best_eval_loss,
               (unsigned long long)result->best_step);
    if (run_dir)
        printf("telemetry in %s\n", run_dir);
}

/* What to run next, where the advisor has an amount for an option of this program. */
static void print_next(const struct session *session)
{
    char *command = session->watch && !session->options.quiet && !resumes(session)
                        ? tw_train_watch_command(session->watch, session->argc, session->argv)
                        : NULL;
    if (command)
        printf("\nto try the advice, run:\n  %s\n", command);
    free(command);
}

static int exit_status(const struct session *session, const struct tw_trainer_result *result,
                       bool is_written)
{
    char words[128];
    if (!is_written || session->watch_error.code || session->options_error.code)
        return EXIT_USAGE;
    if (result->status == TW_END_INTERRUPTED)
        return EXIT_SIGNAL + stop_signal;
    if (session->is_stopped_by_advisor || !isfinite(session->loss))
        return EXIT_PROBLEM;
    bool has_problem =
        session->watch &&
        tw_train_watch_status(session->watch, words, sizeof words) >= TW_TRAIN_WATCH_WARNING;
    return has_problem ? EXIT_PROBLEM : EXIT_SUCCESS;
}

static int train(struct session *session)
{
    struct tw_error error = {0};
    struct tw_trainer_result result;
    struct tw_trainer_hooks hooks = {on_record, on_order, session};
    int failed = tw_trainer_run(&session->options.trainer, &hooks, &result, &error);
    tw_progress_clear(session->progress);
    bool is_written = close_emitter(session);
    if (failed) {
        tw_train_options_name(&error);
        complain(&error);
        return EXIT_USAGE;
    }
    if (tell_unwritten(result.checkpoints_lost, "checkpoints", &result.why_lost))
        is_written = false;
    uint64_t lost = session->watch ? tw_train_watch_lost(session->watch, &error) : 0;
    if (tell_unwritten(lost, "advisories", &error))
        is_written = false;
    if (session->watch_error.code)
        complain(&session->watch_error);
    if (session->options_error.code)
        complain(&session->options_error);
    print_summary(session, &result);
    print_next(session);
    return exit_status(session, &result, is_written);
}

int main(int argc, const char **argv)
{
    struct session session = {.argc = argc, .argv = argv};
    struct tw_error error = {0};
    int status = EXIT_SUCCESS;

    setlocale(LC_CTYPE, "");
    enum tw_train_parsed parsed = tw_train_options_parse(&session.options, argc, argv, &error);
    if (parsed == TW_TRAIN_RUN) {
        catch_signals();
        status = open_session(&session, &error) ? EXIT_USAGE : train(&session);
    } else if (parsed == TW_TRAIN_WRONG) {
        status = EXIT_USAGE;
    }
    if (error.code)
        complain(&error);
    close_emitter(&session);
    tw_train_watch_close(session.watch);
    tw_progress_free(session.progress);
    tw_train_options_release(&session.options);
    return status;
}
