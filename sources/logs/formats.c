/* All log formats. The surest wins; of equally sure ones the first. */
#include "sources/logs/format.h"

extern const struct tw_log_format tw_log_format_key_values;
extern const struct tw_log_format tw_log_format_mlflow;
extern const struct tw_log_format tw_log_format_mlflow_sqlite;
extern const struct tw_log_format tw_log_format_tensorboard;
extern const struct tw_log_format tw_log_format_wandb;

const struct tw_log_format *const tw_log_formats[] = {
    &tw_log_format_key_values,
    &tw_log_format_mlflow,
    &tw_log_format_mlflow_sqlite,
    &tw_log_format_tensorboard,
    &tw_log_format_wandb,
    NULL,
};
