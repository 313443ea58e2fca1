/* All log formats. The surest wins; of equally sure ones the first. */
#include "sources/logs/format.h"

extern const struct tw_log_format tw_log_format_algoperf;
extern const struct tw_log_format tw_log_format_boosting;
extern const struct tw_log_format tw_log_format_caffe;
extern const struct tw_log_format tw_log_format_csv;
extern const struct tw_log_format tw_log_format_darknet;
extern const struct tw_log_format tw_log_format_deepmd;
extern const struct tw_log_format tw_log_format_deepspeed;
extern const struct tw_log_format tw_log_format_deepspeed_csv;
extern const struct tw_log_format tw_log_format_fairseq;
extern const struct tw_log_format tw_log_format_huggingface_output;
extern const struct tw_log_format tw_log_format_huggingface_state;
extern const struct tw_log_format tw_log_format_json_document;
extern const struct tw_log_format tw_log_format_json_lines;
extern const struct tw_log_format tw_log_format_kaldi;
extern const struct tw_log_format tw_log_format_keras_csv;
extern const struct tw_log_format tw_log_format_keras_progress;
extern const struct tw_log_format tw_log_format_key_values;
extern const struct tw_log_format tw_log_format_lightning;
extern const struct tw_log_format tw_log_format_llmc;
extern const struct tw_log_format tw_log_format_long_table;
extern const struct tw_log_format tw_log_format_megatron;
extern const struct tw_log_format tw_log_format_mlflow;
extern const struct tw_log_format tw_log_format_mlflow_sqlite;
extern const struct tw_log_format tw_log_format_nanogpt;
extern const struct tw_log_format tw_log_format_screen_table;
extern const struct tw_log_format tw_log_format_series_csv;
extern const struct tw_log_format tw_log_format_stable_baselines;
extern const struct tw_log_format tw_log_format_tensorboard;
extern const struct tw_log_format tw_log_format_text;
extern const struct tw_log_format tw_log_format_torchtitan;
extern const struct tw_log_format tw_log_format_ultralytics;
extern const struct tw_log_format tw_log_format_wandb;
extern const struct tw_log_format tw_log_format_wandb_export;

const struct tw_log_format *const tw_log_formats[] = {
    &tw_log_format_mlflow,
    &tw_log_format_mlflow_sqlite,
    &tw_log_format_tensorboard,
    &tw_log_format_wandb,
    &tw_log_format_huggingface_state,
    &tw_log_format_algoperf,
    &tw_log_format_boosting,
    &tw_log_format_caffe,
    &tw_log_format_csv,
    &tw_log_format_darknet,
    &tw_log_format_deepmd,
    &tw_log_format_deepspeed,
    &tw_log_format_deepspeed_csv,
    &tw_log_format_fairseq,
    &tw_log_format_huggingface_output,
    &tw_log_format_json_document,
    &tw_log_format_json_lines,
    &tw_log_format_kaldi,
    &tw_log_format_keras_csv,
    &tw_log_format_keras_progress,
    &tw_log_format_lightning,
    &tw_log_format_llmc,
    &tw_log_format_long_table,
    &tw_log_format_megatron,
    &tw_log_format_nanogpt,
    &tw_log_format_screen_table,
    &tw_log_format_series_csv,
    &tw_log_format_stable_baselines,
    &tw_log_format_torchtitan,
    &tw_log_format_ultralytics,
    &tw_log_format_wandb_export,
    &tw_log_format_text,
    &tw_log_format_key_values,
    NULL,
};
