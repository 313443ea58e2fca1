/* A watch with the shipped rules that keeps the documents it is given, for the tests of the watch.
 */
#ifndef TW_WATCH_FIXTURE_H
#define TW_WATCH_FIXTURE_H

#include "agent/snapshot.h"
#include "agent/watch.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct documents {
    char *text; /* one a line */
    size_t size;
    int n;
};

static int collect(void *closure, const char *id, const char *run, const char *document,
                   struct tw_error *error)
{
    struct documents *documents = closure;
    size_t length = strlen(document);
    (void)id, (void)run, (void)error;
    documents->text = realloc(documents->text, documents->size + length + 2);
    memcpy(documents->text + documents->size, document, length);
    documents->size += length;
    documents->text[documents->size++] = '\n';
    documents->text[documents->size] = '\0';
    documents->n++;
    return 0;
}

struct fixture {
    struct tw_settings settings;
    struct tw_rules *rules;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct tw_error error = {0};
    assert_int_equal(tw_settings_init(&fixture->settings, &error), 0);
    fixture->rules = tw_rules_new();
    assert_int_equal(tw_rules_load_shipped(fixture->rules, &error), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_settings_release(&fixture->settings);
    tw_rules_free(fixture->rules);
    free(fixture);
    return 0;
}

static inline struct tw_watch *open_watch(const struct fixture *fixture,
                                          struct documents *documents)
{
    struct tw_watch *watch;
    struct tw_watch_options options = {.settings = &fixture->settings,
                                       .rules = fixture->rules,
                                       .document = collect,
                                       .closure = documents};
    assert_int_equal(tw_watch_open(&watch, &options, NULL), 0);
    return watch;
}

/* Noise that is the same everywhere: a fixed linear congruence, -1 to 1. */
static inline double noise(uint64_t i)
{
    uint32_t x = (uint32_t)i * 2654435761u;
    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    return (double)x / 2147483648.0 - 1;
}

#endif
