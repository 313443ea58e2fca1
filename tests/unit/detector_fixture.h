/* For tests of detectors: one detector with its context, fed by records, and the findings that come
 * of it, as the agent keeps them: one open at a time for each scope. */
#ifndef TW_DETECTOR_FIXTURE_H
#define TW_DETECTOR_FIXTURE_H

#include "detectors/detectors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FINDINGS_MAX 64

struct subject {
    const struct tw_detector *detector;
    void *config, *state; /* all of the state that there may be, from the start */
    struct tw_context_config shared;
    struct tw_context context;
    size_t n; /* findings, those told as recovered at once too */
    struct tw_finding findings[FINDINGS_MAX];
    uint64_t reports;                /* FNV-1a over every condition reported */
    uint64_t suspicions, dismissals; /* dismissed: withdrawn before anything was open */
};

static inline void subject_start(struct subject *subject, const struct tw_detector *detector)
{
    struct tw_error error = {0};
    memset(subject, 0, sizeof *subject);
    subject->detector = detector;
    subject->config = calloc(1, detector->config_size);
    subject->state = calloc(1, detector->state_size[TW_EXTENT_LAYERS]);
    subject->reports = 14695981039346656037u;
    assert_int_equal(
        tw_options_initialise(detector->options, detector->n_options, subject->config, &error), 0);
    assert_int_equal(
        tw_options_initialise(tw_context_options, tw_context_n_options, &subject->shared, &error),
        0);
    tw_context_start(&subject->context);
    tw_context_grow(&subject->context, TW_EXTENT_LAYERS, NULL);
    detector->start(subject->state, subject->config);
    tw_detector_grow(detector, subject->state, subject->config, TW_EXTENT_STEPS, TW_EXTENT_LAYERS);
}

static inline size_t subject_state_size(const struct subject *subject)
{
    return subject->detector->state_size[TW_EXTENT_LAYERS];
}

static inline void subject_stop(struct subject *subject)
{
    free(subject->config);
    free(subject->state);
}

static inline void subject_set(struct subject *subject, const char *option, const char *value)
{
    struct tw_error error = {0};
    const struct tw_option *row =
        tw_option_find(subject->detector->options, subject->detector->n_options, option);
    assert_non_null(row);
    assert_int_equal(tw_option_set(row, subject->config, value, &error), 0);
}

static inline void subject_hash(struct subject *subject, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        subject->reports = (subject->reports ^ ((const unsigned char *)data)[i]) * 1099511628211u;
}

static inline struct tw_finding *subject_find_open(struct subject *subject, const char *scope)
{
    for (size_t i = 0; i < subject->n; i++) {
        if (subject->findings[i].state == TW_STATE_OPEN &&
            !strcmp(subject->findings[i].scope, scope))
            return &subject->findings[i];
    }
    return NULL;
}

static inline struct tw_finding *subject_add(struct subject *subject,
                                             const struct tw_condition *condition)
{
    assert_true(subject->n < FINDINGS_MAX);
    struct tw_finding *finding = &subject->findings[subject->n++];
    finding->detector = subject->detector->name;
    memcpy(finding->scope, condition->scope, sizeof finding->scope);
    finding->onset_step = condition->onset_step;
    finding->onset_time_ms = condition->onset_time_ms;
    finding->detected_step = subject->context.step;
    return finding;
}

static inline void subject_apply(struct subject *subject, const struct tw_condition *condition)
{
    struct tw_finding *open = subject_find_open(subject, condition->scope);
    subject_hash(subject, condition, sizeof *condition);
    if (condition->state == TW_STATE_SUSPECT) {
        subject->suspicions++;
        return;
    }
    if (!open && condition->state == TW_STATE_WITHDRAWN) {
        subject->dismissals++;
        return;
    }
    bool is_new = !open;
    if (is_new)
        open = subject_add(subject, condition);
    open->state = condition->state;
    if (is_new || condition->state == TW_STATE_OPEN || condition->severity > open->severity) {
        open->severity = condition->severity;
        open->evidence = condition->evidence;
        open->confidence = condition->confidence;
    }
    if (condition->state != TW_STATE_OPEN)
        open->closed_step = subject->context.step;
}

static inline void subject_observe(struct subject *subject, const struct tw_record *record)
{
    struct tw_report report = {0};
    tw_context_observe(&subject->context, &subject->shared, record);
    subject->detector->observe(subject->state, subject->config, &subject->context, &subject->shared,
                               record, &report);
    for (uint32_t i = 0; i < report.n; i++)
        subject_apply(subject, &report.conditions[i]);
}

static inline bool subject_has_judged(const struct subject *subject, char *reason, size_t size)
{
    return subject->detector->has_judged(subject->state, subject->config, &subject->context, reason,
                                         size);
}

/* Findings of at least `severity` that were not withdrawn. */
static inline size_t subject_count(const struct subject *subject, enum tw_severity severity)
{
    size_t n = 0;
    for (size_t i = 0; i < subject->n; i++) {
        n += subject->findings[i].severity >= severity &&
             subject->findings[i].state != TW_STATE_WITHDRAWN;
    }
    return n;
}

/* The first finding of at least `severity`, or NULL. */
static inline const struct tw_finding *subject_first(const struct subject *subject,
                                                     enum tw_severity severity)
{
    for (size_t i = 0; i < subject->n; i++) {
        if (subject->findings[i].severity >= severity)
            return &subject->findings[i];
    }
    return NULL;
}

static inline struct tw_record step_record(uint64_t step)
{
    struct tw_record record;
    tw_record_init(&record);
    record.kind = TW_KIND_STEP;
    record.step = step;
    record.time_ms = (int64_t)(step * 100 % INT64_MAX); /* steps may be any number */
    record.has = TW_HAS_KIND | TW_HAS_STEP | TW_HAS_TIME;
    return record;
}

static inline struct tw_record loss_record(uint64_t step, double loss)
{
    struct tw_record record = step_record(step);
    tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    return record;
}

static inline void subject_loss(struct subject *subject, uint64_t step, double loss)
{
    struct tw_record record = loss_record(step, loss);
    subject_observe(subject, &record);
}

static inline void subject_event(struct subject *subject, uint64_t step, const char *event)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_EVENT;
    snprintf(record.event, sizeof record.event, "%s", event);
    subject_observe(subject, &record);
}

/* splitmix64 (Steele, Lea and Flood 2014): the same series everywhere. */
static inline uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double next_uniform(uint64_t *seed)
{
    return ((double)(next_random(seed) >> 11) + .5) / 9007199254740992.;
}

static inline double next_normal(uint64_t *seed)
{
    double radius = sqrt(-2 * log(next_uniform(seed)));
    return radius * cos(6.283185307179586 * next_uniform(seed));
}

/* Student's t with 4 degrees of freedom: noise with the heavy tails of real losses. */
static inline double next_heavy(uint64_t *seed)
{
    double normal = next_normal(seed), squares = 0;
    for (int i = 0; i < 4; i++) {
        double x = next_normal(seed);
        squares += x * x;
    }
    return normal / sqrt(squares / 4);
}

/* A healthy loss: power-law decay to 2.3 with noise of `sigma` (relative, heavy tails). */
static inline double healthy_loss(uint64_t step, double sigma, uint64_t *seed)
{
    return (2.3 + 8 * pow((double)step + 10, -.5)) * exp(sigma * next_heavy(seed));
}

#endif
