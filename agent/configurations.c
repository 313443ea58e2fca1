/* Loading, checking and exchanging configurations. */
#include "agent/configurations.h"

#include "agent/load_rules.h"
#include "agent/logging.h"
#include "agent/usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- the HTTP server ---- */

/* NULL: none. */
static const char *wanted_listen(const struct tw_config *config)
{
    const char *listen = config->http_listen ? config->http_listen : TW_HTTP_LISTEN;
    return *listen && strcmp(listen, "none") ? listen : NULL;
}

static bool is_listening_there(const struct tw_configurations *configurations, const char *listen)
{
    if (!listen || !configurations->http)
        return !listen && !configurations->http;
    return !strcmp(listen, configurations->listen);
}

/* Listens where `config` says; the old server goes once the new one stands. An address that nobody
 * asked for may be taken by another agent: then there is none here. */
static int serve(struct tw_configurations *configurations, const struct tw_config *config,
                 struct tw_error *error)
{
    const char *listen = wanted_listen(config);
    struct tw_http_server *fresh = NULL;
    struct tw_error why = {0};
    if (is_listening_there(configurations, listen))
        return 0;
    char *copy = listen ? strdup(listen) : NULL;
    int result = copy ? tw_http_server_start(&fresh, listen, configurations->metrics, &why) : 0;
    if (result && config->http_listen) {
        free(copy);
        if (error)
            *error = why;
        return result;
    }
    tw_http_server_stop(configurations->http);
    free(configurations->listen);
    configurations->http = fresh;
    configurations->listen = copy;
    configurations->http_problem = why;
    configurations->has_announced = false;
    return 0;
}

void tw_configurations_begun(struct tw_configurations *configurations)
{
    const struct tw_http_server *http = configurations->http;
    if (configurations->has_announced)
        return;
    if (http)
        tw_logging(TW_LOG_INFO, "metrics and status at http://%s", tw_http_server_address(http));
    else if (configurations->http_problem.code)
        tw_logging_error(TW_LOG_WARNING, "no metrics, no 'trainward status'",
                         &configurations->http_problem);
    configurations->has_announced = true;
}

/* ---- in force ---- */

static void take_effect(struct tw_configurations *configurations)
{
    struct tw_figures *figures = tw_metrics_now(configurations->metrics);
    const struct tw_config *now = &configurations->now;
    tw_logging_start((enum tw_logging_level)now->log_level, now->log_json);
    snprintf(figures->config, sizeof figures->config, "%s", now->path ? now->path : "");
}

static void note_reload(struct tw_configurations *configurations)
{
    struct tw_figures *figures = tw_metrics_now(configurations->metrics);
    figures->reloads++;
    figures->config_is_good = 1;
    figures->config_loaded_time = (double)time(NULL);
    tw_logging(TW_LOG_INFO, "configuration reloaded");
}

int tw_configurations_start(struct tw_configurations *configurations)
{
    struct tw_error error = {0};
    if (tw_common_load(&configurations->now, "agent", true))
        return -EINVAL;
    int result = tw_metrics_open(&configurations->metrics, &error);
    if (!result) {
        take_effect(configurations);
        result = serve(configurations, &configurations->now, &error);
    }
    if (result)
        tw_usage_error("agent", &error);
    return result;
}

void tw_configurations_release(struct tw_configurations *configurations)
{
    tw_http_server_stop(configurations->http);
    free(configurations->listen);
    tw_configurations_keep(configurations);
    tw_config_release(&configurations->now);
    tw_metrics_close(configurations->metrics);
}

/* ---- a new one ---- */

static void log_mistake(void *closure, const struct tw_error *mistake)
{
    (void)closure;
    tw_logging_error(TW_LOG_ERROR, "configuration", mistake);
}

static int check_directories(const struct tw_config *config, struct tw_error *error)
{
    for (size_t i = 0; i < config->n_directories; i++) {
        const char *path = config->directories[i].path;
        if (access(path, R_OK | X_OK))
            return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    }
    return 0;
}

/* What the file alone does not tell. Sinks were opened when it was loaded. */
static int check(const struct tw_config *fresh, struct tw_error *error)
{
    struct tw_rules *rules = NULL;
    int result = 0;
    if (fresh->n_kafka + fresh->n_directories == 0)
        result = tw_error_at(error, -EINVAL, fresh->path, 0, 0, "has no sources");
    if (!result)
        result = check_directories(fresh, error);
    if (!result)
        result = tw_load_rules(&rules, fresh, error);
    tw_rules_free(rules);
    return result;
}

int tw_configurations_load(struct tw_configurations *configurations, struct tw_config *ret)
{
    struct tw_error error = {0};
    int result = tw_common_load_telling(ret, log_mistake, NULL);
    if (!result) {
        result = check(ret, &error);
        if (!result)
            result = serve(configurations, ret, &error);
        if (result) {
            log_mistake(NULL, &error);
            tw_config_release(ret);
        }
    }
    if (result)
        tw_logging(TW_LOG_ERROR, "not reloaded, the old configuration stays");
    return result;
}

void tw_configurations_changed(struct tw_configurations *configurations)
{
    take_effect(configurations);
    note_reload(configurations);
    tw_configurations_begun(configurations);
}

void tw_configurations_replace(struct tw_configurations *configurations, struct tw_config *fresh)
{
    if (configurations->has_before) /* what never lived is nothing to go back to */
        tw_config_release(&configurations->now);
    else
        configurations->before = configurations->now;
    configurations->has_before = true;
    configurations->now = *fresh;
    take_effect(configurations);
    note_reload(configurations);
}

void tw_configurations_keep(struct tw_configurations *configurations)
{
    if (configurations->has_before)
        tw_config_release(&configurations->before);
    configurations->has_before = false;
}

void tw_configurations_go_back(struct tw_configurations *configurations, const struct tw_error *why)
{
    struct tw_figures *figures = tw_metrics_now(configurations->metrics);
    struct tw_error error = {0};
    tw_logging_error(TW_LOG_ERROR, "the new configuration does not start", why);
    tw_config_release(&configurations->now);
    configurations->now = configurations->before;
    configurations->has_before = false;
    figures->reloads--; /* it came to nothing */
    figures->reloads_refused++;
    figures->config_is_good = 0;
    take_effect(configurations);
    if (serve(configurations, &configurations->now, &error))
        tw_logging_error(TW_LOG_WARNING, "no metrics, no 'trainward status'", &error);
    tw_logging(TW_LOG_WARNING, "the old configuration is in force again");
}
