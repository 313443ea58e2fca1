/* Where Kibana, or OpenSearch Dashboards, is, and links into its dashboards. */
#ifndef TW_KIBANA_H
#define TW_KIBANA_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#define TW_KIBANA_URL_MAX 4096
#define TW_KIBANA_ID_MAX 256

/* The section `kibana` of the configuration. All owned, NULL where unset; without a `url` there is
 * no Kibana. */
struct tw_kibana_config {
    char *url; /* with a base path where it has one: "https://example.org/kibana" */
    char *space, *tenant;
    char *api_key, *bearer_token, *username, *password, *ca_file;
    char *index_prefix; /* never NULL once the configuration is loaded */
    double timeout;     /* seconds */
};

extern const struct tw_option tw_kibana_options[];
extern const size_t tw_kibana_n_options;

/* Contradictions and malformed values; connects to nothing. Fine without a url. */
int tw_kibana_config_check(const struct tw_kibana_config *config, struct tw_error *error);

/* The id of a saved object ("run", "fleet"), as `setup kibana` gives it: unlike those of another
 * prefix or space, since newer Kibanas want ids that are alone in all spaces. Returns `ret`. */
const char *tw_kibana_object_id(const struct tw_kibana_config *config, const char *name,
                                char ret[TW_KIBANA_ID_MAX]);

/* The address of the run's view, for people: for mails, chats and the terminal. It holds letters,
 * digits and -_.~%:,/?#&= only. NULL without a url, or where it would be longer than `ret`; else
 * `ret`. Any thread. */
const char *tw_kibana_run_url(const struct tw_kibana_config *config, const char *run_id,
                              char ret[TW_KIBANA_URL_MAX]);
/* The same for a dashboard without a query: "fleet", "project", "run". */
const char *tw_kibana_dashboard_url(const struct tw_kibana_config *config, const char *name,
                                    char ret[TW_KIBANA_URL_MAX]);

#endif
