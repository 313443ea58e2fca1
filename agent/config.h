/* The configuration file: YAML in, a checked struct out. docs/configuration.md lists every key. */
#ifndef TW_CONFIG_H
#define TW_CONFIG_H

#include "settings.h"

#include "advisories/log.h"
#include "sinks/kibana.h"
#include "sinks/sink.h"
#include "sources/source.h"

struct tw_configured_sink {
    const struct tw_sink *sink;
    char *name;   /* unique; default: the sink's own name */
    void *config; /* by sink->options */
};

struct tw_directory_config {
    char *path;
    bool recursive;
};

/* When runs go, and how many there may be; `limits: {...}`. */
struct tw_limits {
    uint64_t runs, memory, retired;                /* memory: bytes of all runs together */
    double retire_after_end, retire_after_silence; /* seconds */
};

/* How the runs of Kafka sources are saved; `checkpoint: {...}`. */
struct tw_checkpoint_config {
    double interval;     /* seconds between two commits of the position */
    double snapshot_age; /* seconds after which a changed run is saved under load */
    double snapshots_per_second;
};

struct tw_config {
    char *path;       /* the file, for messages */
    char *whole_path; /* from the root, for commands that run elsewhere; NULL: there is none */
    char *state_dir;  /* default: $XDG_STATE_HOME/trainward, or /var/lib/trainward as root */
    size_t n_kafka;
    void **kafka; /* each by the option table of the source "kafka" */
    size_t n_directories;
    struct tw_directory_config *directories;
    bool log_in_kafka; /* advisory_log: {kafka: ...}; else files in state_dir */
    char *log_brokers, *log_prefix;
    struct tw_texts log_properties;
    struct tw_settings settings;
    struct tw_texts rules;   /* paths */
    struct tw_texts log_map; /* "raw name=signal"; `logs: {map: {...}}` */
    size_t n_sinks;
    struct tw_configured_sink *sinks;
    struct tw_kibana_config kibana;    /* kibana.url NULL: none */
    double backoff_first, backoff_max; /* seconds; `delivery: {backoff_first, backoff_max}`: how
                                        * long a sink waits after a failure; 1 s and 60 s */
    struct tw_limits limits;
    struct tw_checkpoint_config checkpoint;
    double shutdown_timeout;    /* seconds; 10 */
    char *http_listen;          /* NULL: not given; "" or "none": no server */
    int charts;                 /* enum tw_config_charts */
    uint64_t charts_file_bytes; /* when charts.jsonl gets a successor: 64 MiB, or a day */
    double charts_file_seconds;
    int log_level; /* 0 error, 1 warning, 2 info, 3 debug */
    bool log_json;
};

enum tw_config_charts { TW_CHARTS_AUTO, TW_CHARTS_ON, TW_CHARTS_OFF };

/* Told once for each mistake. */
typedef void tw_config_mistake(void *closure, const struct tw_error *mistake);

/* Reads `path` (NULL: an empty file) and then the overrides, "key.path=value" each ("sinks.NAME.to=
 * a@b.c": a list entry by its name). Every mistake is told to `mistake` (may be NULL) with line and
 * column and, for an unknown key, the nearest valid one; the first is also in `error`. `${NAME}` is
 * replaced from the environment; an unset one is a mistake. Returns 0, or negative after any
 * mistake: then `*ret` needs no release. */
int tw_config_load(struct tw_config *ret, const char *path, const char *const *overrides,
                   size_t n_overrides, tw_config_mistake *mistake, void *closure,
                   struct tw_error *error);
void tw_config_release(struct tw_config *config);

/* Whether charts are drawn: as `charts` says, and by default where a sink takes them. */
bool tw_config_draws(const struct tw_config *config);

/* Where the advisory log is, by this configuration. Borrows its strings. */
struct tw_log_location tw_config_log(const struct tw_config *config);

#endif
