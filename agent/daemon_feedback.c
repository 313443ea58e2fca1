/* What people said of episodes: into the log, and from there to the runs. */
#include "agent/daemon_parts.h"

#include "agent/feedback_files.h"
#include "agent/feedback_reader.h"
#include "agent/logging.h"

#include "telemetry/clock.h"

#include <stdio.h>
#include <string.h>

#define FEEDBACK_SECONDS 1.0
/* Until a log that cannot be read is tried again. */
#define TROUBLE_SECONDS 10.0

/* ---- into a log that is a file ---- */

static void tell_feedback(const char *path, const char *reason)
{
    tw_logging(TW_LOG_WARNING, "%s is removed: %s", path, reason);
}

static int take(struct tw_daemon *daemon, struct tw_error *error)
{
    struct tw_figures *figures = tw_metrics_now(daemon->options->metrics);
    if (daemon->config->log_in_kafka)
        return 0;
    return tw_feedback_take(daemon->config->state_dir, daemon->services.log, TW_FEED_FLUSH_SECONDS,
                            &figures->feedback, tell_feedback, error);
}

/* ---- from the log ---- */

static void dismiss(void *closure, const char *run, const char *episode)
{
    struct tw_daemon *daemon = closure;
    if (tw_dismissed_add(daemon->services.dismissed, episode))
        tw_logging(TW_LOG_WARNING, "out of memory: episode %s stays open here", episode);
    for (size_t i = 0; i < daemon->n_feeds; i++)
        tw_feed_dismiss(daemon->feeds[i], run, episode);
}

/* Nothing is lost by it but that status and metrics count what they should not. */
static void tell_trouble(struct tw_daemon *daemon, const struct tw_error *error)
{
    bool is_news =
        strncmp(daemon->feedback_trouble, error->text, sizeof daemon->feedback_trouble - 1) != 0;
    snprintf(daemon->feedback_trouble, sizeof daemon->feedback_trouble, "%.*s",
             (int)sizeof daemon->feedback_trouble - 1, error->text);
    if (is_news)
        tw_logging_error(TW_LOG_WARNING, "reading what people said of episodes", error);
}

/* Returns 1 while there is more at once, 0, or negative. */
static int read_log(struct tw_daemon *daemon, struct tw_error *error)
{
    struct tw_log_location location = tw_config_log(daemon->config);
    int result =
        daemon->feedback ? 0 : tw_feedback_reader_open(&daemon->feedback, &location, error);
    return result ? result : tw_feedback_reader_work(daemon->feedback, dismiss, daemon, error);
}

int tw_daemon_feedback(struct tw_daemon *daemon, struct tw_error *error)
{
    struct tw_error trouble = {0};
    double now = tw_now_seconds();
    if (now < daemon->next_feedback)
        return 0;
    int result = take(daemon, error);
    if (result)
        return result;
    int more = read_log(daemon, &trouble);
    if (more < 0)
        tell_trouble(daemon, &trouble);
    daemon->next_feedback = now + (more > 0 ? 0 : more < 0 ? TROUBLE_SECONDS : FEEDBACK_SECONDS);
    return 0;
}
