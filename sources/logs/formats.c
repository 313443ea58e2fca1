/* All log formats. The surest wins; of equally sure ones the first. */
#include "sources/logs/format.h"

const struct tw_log_format *const tw_log_formats[] = {
    NULL,
};
