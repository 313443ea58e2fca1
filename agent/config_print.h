/* The effective configuration as YAML: every key with the value in force, defaults among them. */
#ifndef TW_CONFIG_PRINT_H
#define TW_CONFIG_PRINT_H

#include "config.h"

#include <stdio.h>

/* Secrets, librdkafka properties that hold one, and users and passwords in URLs are printed as
 * <redacted>. Otherwise it can be read again. */
int tw_config_print(FILE *out, const struct tw_config *config, struct tw_error *error);

#endif
