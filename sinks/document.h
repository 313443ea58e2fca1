/* A document of the log as the sinks see it: parsed once, checked once, texts borrowed from it. */
#ifndef TW_DOCUMENT_H
#define TW_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_t; /* jansson's */

/* Together with a transition it makes a version that fits 63 bits. */
#define TW_DOCUMENT_SEQUENCE_MAX ((1 << 30) - 1)

struct tw_document {
    struct json_t *root, *trainward; /* root is owned */
    bool is_episode;                 /* a change of an episode */
    bool is_feedback;                /* what a person said of one; else the state of a run, or it */
    bool is_chart;                   /* is for charts: then only id, timestamp and run are set */
    uint32_t transition;
    uint32_t sequence; /* of the state of a run that goes on, from 1; else 0 */
    const char *id, *timestamp, *action, *message;
    const char *run, *attempt, *run_name; /* attempt may be empty; run_name: else the run's id */
    const char *episode_id;               /* of an episode or a feedback, else empty */
    const char *detector, *scope, *severity, *state; /* likewise */
};

/* Parses; false when it is not a document of ours (`reason`, of `size` bytes, says why): then there
 * is nothing to release. */
bool tw_document_parse(struct tw_document *ret, const char *text, size_t text_size, char *reason,
                       size_t size);
void tw_document_release(struct tw_document *document);

/* The ways people read it. Each writes at most `size` bytes and returns `buffer`. */
/* "gradient explosion in layer fc2". */
const char *tw_document_title(const struct tw_document *document, char *buffer, size_t size);
/* A member that is a number or a text: "0.03", "bf16", "nan"; empty when it is not known. */
const char *tw_document_value(const struct json_t *object, const char *name, char *buffer,
                              size_t size);
/* "median of 16 losses: 54.2 sigma, above 10 (normal 1.02), steps 800 to 815"; empty: none. */
const char *tw_document_evidence(const struct tw_document *document, char *buffer, size_t size);
/* "learning_rate 0.3 -> 0.03 (x0.1)"; with an arrow and a multiplication sign when `is_unicode`. */
const char *tw_document_change(const struct json_t *suggestion, bool is_unicode, char *buffer,
                               size_t size);
/* "grad_norm below 10 within 500 steps". */
const char *tw_document_verify(const struct json_t *suggestion, char *buffer, size_t size);

/* Whether what it tells of is over: then its suggestions are of no use any more. */
bool tw_document_is_over(const struct tw_document *document);
/* 0 info, 1 warning, 2 critical. */
int tw_document_severity(const struct tw_document *document);
/* The member of an object that is a text, else "". */
const char *tw_document_text(const struct json_t *object, const char *name);
uint64_t tw_document_step(const struct tw_document *document, const char *name);

#endif
