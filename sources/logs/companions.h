/* Files that training programs put beside their logs and that tell hyper-parameters: hparams.yaml
 * (Lightning), args.yaml, opt.yaml (Ultralytics), config.yaml, config.json, args.json. */
#ifndef TW_LOG_COMPANIONS_H
#define TW_LOG_COMPANIONS_H

#include "sources/logs/format.h"

/* Gives what the files beside the log at `path` (a file, or a folder) tell to sink->parameter().
 * What cannot be read, or is larger than 1 MiB, is passed over. 0, or what the sink returned. */
int tw_log_companions_read(const char *path, const struct tw_log_sink *sink);

/* Of one YAML (or JSON) text: nested names joined by '/'. */
int tw_log_companion_read(const char *text, size_t size, const struct tw_log_sink *sink);

#endif
