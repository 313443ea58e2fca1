/* `setup kibana`, and what `check` asks Kibana. */
#ifndef TW_KIBANA_SETUP_H
#define TW_KIBANA_SETUP_H

#include "sinks/kibana.h"
#include "sinks/sink.h"

/* Imports the dashboards and what they show, in place of what an earlier setup imported. Says on
 * setup->file what it did, what it would do, or prints the objects. */
int tw_kibana_setup(const struct tw_kibana_config *config, const struct tw_sink_setup *setup,
                    struct tw_error *error);

/* Whether Kibana answers, accepts the login, and has the dashboards. */
int tw_kibana_check(const struct tw_kibana_config *config, struct tw_error *error);

#endif
