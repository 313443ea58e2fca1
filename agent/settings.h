/* The thresholds in force: the shared ones and each detector's, from its option table. */
#ifndef TW_SETTINGS_H
#define TW_SETTINGS_H

#include "detectors/detector.h"

#define TW_DETECTORS_MAX 32

struct tw_settings {
    struct tw_context_config shared;
    void *detector[TW_DETECTORS_MAX]; /* config of tw_detectors[i], owned */
    char digest[17];                  /* once sealed; else empty */
};

/* Every threshold at its initial value. */
int tw_settings_init(struct tw_settings *settings, struct tw_error *error);
/* Sets "overfitting.rise" (or "shared.cooldown_steps") from text; an unknown name is an error that
 * tells the nearest known one. */
int tw_settings_set(struct tw_settings *settings, const char *name, const char *value,
                    struct tw_error *error);
/* One table of thresholds, "shared" or a detector's: its rows and the struct that they fill. */
struct tw_settings_table {
    const struct tw_option *options;
    size_t n;
    void *config;
};
/* False when nothing is called so. */
bool tw_settings_find(const struct tw_settings *settings, const char *name,
                      struct tw_settings_table *ret);
/* The names that tw_settings_find() knows: at most `max`, returns how many. */
size_t tw_settings_names(const char **ret, size_t max);
void tw_settings_release(struct tw_settings *settings);
/* Hash over every threshold in force and the detectors' state versions: 16 hex digits and NUL;
 * `config_digest` in what `analyze` prints, and part of saved states. */
void tw_settings_digest(const struct tw_settings *settings, char ret[17]);
/* Nothing is set any more: the digest, which each saved run carries, is computed once. */
void tw_settings_seal(struct tw_settings *settings);

#endif
