/* All log formats. The surest wins; of equally sure ones the first. */
#include "sources/logs/format.h"

extern const struct tw_log_format tw_log_format_key_values;

const struct tw_log_format *const tw_log_formats[] = {
    &tw_log_format_key_values,
    NULL,
};
