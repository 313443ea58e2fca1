/* The saved objects that are built into the program. */
#ifndef TW_KIBANA_OBJECTS_H
#define TW_KIBANA_OBJECTS_H

#include "sinks/kibana.h"

/* kibana/saved_objects.ndjson with the configured prefix, and ids that are the space's own: one
 * JSON object a line. For free(); NULL when out of memory. */
char *tw_kibana_objects(const struct tw_kibana_config *config);

struct json_t; /* jansson's */
/* The same, read: an array. New reference; NULL when out of memory. */
struct json_t *tw_kibana_objects_read(const char *text);

#endif
