/* The trainer's watch over itself: the same watch that the agent has, fed in the process. */
#include "agent/train_watch.h"

#include "agent/causes.h"
#include "agent/shell_command.h"
#include "agent/train_options.h"
#include "agent/watch.h"

#include "advisories/log.h"
#include "sinks/terminal.h"
#include "trainer/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tw_train_watch {
    struct tw_train_watch_options options;
    struct tw_settings settings;
    struct tw_rules *rules;
    struct tw_watch *watch;
    struct tw_log *log; /* NULL: no run directory */
    uint64_t lost;      /* documents that the log did not take */
    struct tw_error why_lost;
};

static enum tw_train_watch_level level_of(enum tw_severity severity)
{
    switch (severity) {
    case TW_SEVERITY_CRITICAL:
        return TW_TRAIN_WATCH_CRITICAL;
    case TW_SEVERITY_WARNING:
        return TW_TRAIN_WATCH_WARNING;
    case TW_SEVERITY_INFO:
        break;
    }
    return TW_TRAIN_WATCH_OK;
}

/* At its end the run repeats what is open as `still_open`: news for the log, not for a person who
 * has just read it. */
static bool is_news(const struct tw_episode_advisory *advisory)
{
    return advisory->action != TW_ACTION_STILL_OPEN;
}

static void show(void *closure, const struct tw_episode_advisory *advisory)
{
    const struct tw_train_watch *watch = closure;
    if (!is_news(advisory) || !watch->options.advisory)
        return;
    const struct tw_terminal_style style = {.is_coloured = tw_terminal_has_colour(STDOUT_FILENO),
                                            .width = tw_terminal_width(STDOUT_FILENO)};
    char *document = tw_episode_document(advisory);
    char *text = document ? tw_terminal_render(document, &style) : NULL;
    if (text) {
        text[strlen(text) ? strlen(text) - 1 : 0] = '\0'; /* without the final newline */
        watch->options.advisory(watch->options.closure, level_of(advisory->finding->severity),
                                text);
    }
    free(text);
    free(document);
}

/* On a disk that is full the training is watched on, and what is found is shown. */
static int keep(void *closure, const char *id, const char *run, const char *document,
                struct tw_error *error)
{
    struct tw_train_watch *watch = closure;
    (void)error;
    if (watch->log && tw_log_append(watch->log, id, run, document, &watch->why_lost))
        watch->lost++;
    return 0;
}

uint64_t tw_train_watch_lost(const struct tw_train_watch *watch, struct tw_error *error)
{
    if (watch->lost)
        *error = watch->why_lost;
    return watch->lost;
}

static int open_parts(struct tw_train_watch *watch, struct tw_error *error)
{
    struct tw_watch_options options = {
        .settings = &watch->settings, .document = keep, .episode = show, .closure = watch};
    struct tw_log_location location = {.dir = watch->options.run_dir};
    int result = tw_settings_init(&watch->settings, error);
    watch->rules = tw_rules_new();
    if (!result && !watch->rules)
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        result = tw_rules_load_shipped(watch->rules, error);
    if (!result && location.dir)
        result = tw_log_open(&watch->log, &location, error);
    options.rules = watch->rules;
    if (!result)
        result = tw_watch_open(&watch->watch, &options, error);
    return result;
}

int tw_train_watch_open(struct tw_train_watch **ret, const struct tw_train_watch_options *options,
                        struct tw_error *error)
{
    struct tw_train_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return tw_error_set(error, -ENOMEM, "out of memory");
    watch->options = *options;
    int result = open_parts(watch, error);
    if (result) {
        tw_train_watch_close(watch);
        return result;
    }
    *ret = watch;
    return 0;
}

int tw_train_watch_record(struct tw_train_watch *watch, const struct tw_record *record,
                          struct tw_error *error)
{
    return tw_watch_record(watch->watch, record, NULL, error);
}

static bool stands(const struct tw_episode *episode)
{
    return episode->finding.state == TW_STATE_OPEN || episode->finding.state == TW_STATE_STILL_OPEN;
}

/* The worst episode that stands; among equals the first. */
static const struct tw_episode *worst_episode(const struct tw_train_watch *watch)
{
    const struct tw_run *run = tw_watch_next(watch->watch, NULL);
    const struct tw_episode *worst = NULL;
    for (size_t i = 0; run && i < run->episodes.n; i++) {
        const struct tw_episode *episode = &run->episodes.at[i];
        if (stands(episode) && (!worst || episode->finding.severity > worst->finding.severity))
            worst = episode;
    }
    return worst;
}

static const char *suspicious_detector(const struct tw_run *run)
{
    for (uint32_t i = 0; run && tw_detectors[i]; i++) {
        if (run->core.suspects & (1u << i))
            return tw_detectors[i]->name;
    }
    return NULL;
}

enum tw_train_watch_level tw_train_watch_status(const struct tw_train_watch *watch, char *buffer,
                                                size_t size)
{
    static const char *const words[] = {"ok", "watching", "warning", "CRITICAL"};
    const struct tw_episode *worst = worst_episode(watch);
    enum tw_train_watch_level level = worst ? level_of(worst->finding.severity) : TW_TRAIN_WATCH_OK;
    if (level != TW_TRAIN_WATCH_OK) {
        snprintf(buffer, size, "%s %s", words[level], worst->finding.detector);
        return level;
    }
    const char *suspect = suspicious_detector(tw_watch_next(watch->watch, NULL));
    if (suspect)
        snprintf(buffer, size, "watching: %s suspected", suspect);
    else
        snprintf(buffer, size, "ok");
    return suspect ? TW_TRAIN_WATCH_SUSPECT : TW_TRAIN_WATCH_OK;
}

static void value_text(const struct tw_value *value, char *ret, size_t size)
{
    if (value->type == TW_VALUE_TEXT)
        snprintf(ret, size, "%s", value->text);
    else
        snprintf(ret, size, "%.6g", value->number);
}

/* What the parameter becomes, or NULL: what is set need not be known before. */
static const struct tw_value *new_value(const struct tw_suggestion *suggestion)
{
    if (suggestion->to.type != TW_VALUE_NULL)
        return &suggestion->to;
    return suggestion->op == TW_CHANGE_SET ? &suggestion->change : NULL;
}

/* What began it, over by now or not: an advisory does not repeat what is advised for its cause. */
static const struct tw_episode *root_of(const struct tw_run *run, const struct tw_episode *episode)
{
    for (size_t i = 0; episode && episode->n_causes && i < run->episodes.n; i++) {
        const struct tw_episode *cause = tw_causes_episode(&run->episodes, episode->causes[0]);
        if (!cause || cause->finding.state == TW_STATE_WITHDRAWN)
            break;
        episode = cause;
    }
    return episode;
}

char *tw_train_watch_command(const struct tw_train_watch *watch, int argc, const char *const *argv)
{
    const struct tw_episode *root =
        root_of(tw_watch_next(watch->watch, NULL), worst_episode(watch));
    for (uint32_t i = 0; root && i < root->n_suggestions; i++) {
        const struct tw_suggestion *suggestion = &root->suggestions[i];
        const struct tw_value *to = new_value(suggestion);
        char option[64], value[80];
        bool is_flag;
        const char *name = tw_train_option_typed(suggestion->parameter, &is_flag);
        /* A flag can be given, not taken back. */
        if (!name || !to || (is_flag && to->number != 1))
            continue;
        snprintf(option, sizeof option, "--%s", name);
        value_text(to, value, sizeof value);
        return tw_shell_command_with(argc, argv, option, is_flag ? NULL : value);
    }
    return NULL;
}

void tw_train_watch_close(struct tw_train_watch *watch)
{
    if (!watch)
        return;
    tw_watch_close(watch->watch);
    tw_log_close(watch->log);
    tw_rules_free(watch->rules);
    tw_settings_release(&watch->settings);
    free(watch);
}
