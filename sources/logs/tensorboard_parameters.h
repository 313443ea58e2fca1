/* Hyper-parameters in event files: the plugin "hparams", and text summaries. */
#ifndef TW_TENSORBOARD_PARAMETERS_H
#define TW_TENSORBOARD_PARAMETERS_H

#include "sources/logs/format.h"
#include "sources/logs/protobuf.h"

/* Gives what HParamsPluginData (tensorboard/plugins/hparams/plugin_data.proto) tells: the
 * parameters of a session's start; completed or failed of its end, where that has a time:
 * PyTorch's add_hparams() writes an end without one at the very beginning. Returns 0, -EBADMSG for
 * what is not well-formed, or what the sink returned. */
int tw_tensorboard_hparams(struct tw_protobuf content, const struct tw_log_sink *sink);

/* Gives what a text summary tells: a JSON object is that of its members ("args/learning_rate" of
 * HuggingFace's "args/text_summary"), a table of two columns in Markdown that of its rows (as
 * CleanRL writes it), and a short line is the value of the tag (Megatron). Other text is none.
 * Returns 0, or what the sink returned. */
int tw_tensorboard_text(const char *tag, struct tw_protobuf text, const struct tw_log_sink *sink);

#endif
