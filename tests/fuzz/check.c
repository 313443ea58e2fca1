/* The round trips: what decodes encodes, and what was encoded decodes to the same. "The same" is
 * told by the CBOR form, which is a function of the record. */
#include "tests/fuzz/check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Layers and hyper-parameters are limited, so that every record that was read can be written.
 * Static: to allocate so much for each input would make the fuzzers ten times slower. */
#define ROOM (4 * (size_t)TW_RECORD_BYTES_MAX)

/* A NaN with another payload is still "not measured", but JSON cannot say which. */
static void make_nans_equal(struct tw_record *record)
{
    for (int column = 0; record->layers && column < TW_LAYER_COLUMNS; column++) {
        float *values = record->layers->column[column];
        for (uint32_t i = 0; values && i < record->layers->n; i++)
            values[i] = isnan(values[i]) ? NAN : values[i];
    }
}

static void check_parts(const struct tw_record *record)
{
    REQUIRE(record->run[0] && strlen(record->run) <= TW_RUN_ID_MAX);
    REQUIRE(record->kind <= TW_KIND_END);
    REQUIRE((record->header != NULL) == (record->kind == TW_KIND_HEADER));
    REQUIRE((record->layers != NULL) == (record->kind == TW_KIND_LAYERS));
    REQUIRE(record->n_metrics <= TW_METRICS_MAX);
    REQUIRE(!record->layers || record->layers->n <= TW_LAYERS_MAX);
    REQUIRE(!record->header || record->header->n_layers <= TW_LAYERS_MAX);
    REQUIRE(!record->header || record->header->n_hyperparameters <= TW_HYPERPARAMETERS_MAX);
}

static void check_equal(const struct tw_record *record, const unsigned char *bytes, long size)
{
    static unsigned char room[ROOM];
    REQUIRE(tw_cbor_encode(record, room, ROOM) == size);
    REQUIRE(!memcmp(room, bytes, (size_t)size));
}

static void check_cbor(const unsigned char *bytes, long size)
{
    struct tw_record back;
    size_t used = 0;
    tw_record_init(&back);
    REQUIRE(tw_cbor_decode(bytes, (size_t)size, &back, &used, NULL) == 1);
    REQUIRE(used == (size_t)size);
    make_nans_equal(&back);
    check_equal(&back, bytes, size);
    /* One byte less is a torn record, never another one. */
    REQUIRE(tw_cbor_decode(bytes, (size_t)size - 1, &back, &used, NULL) == 0);
    tw_record_clear(&back);
}

static void check_json(const struct tw_record *record, const unsigned char *bytes, long size)
{
    struct tw_record back;
    char *line = tw_json_encode(record);
    REQUIRE(line && !strchr(line, '\n'));
    tw_record_init(&back);
    int result = tw_json_decode(line, strlen(line), &back, NULL);
    /* Escapes may make a line too long. */
    if (result != -EMSGSIZE || strlen(line) <= TW_RECORD_BYTES_MAX) {
        REQUIRE(result == 1);
        make_nans_equal(&back);
        check_equal(&back, bytes, size);
    }
    free(line);
    tw_record_clear(&back);
}

void check_record(struct tw_record *record)
{
    static unsigned char bytes[ROOM];
    make_nans_equal(record);
    check_parts(record);
    long size = tw_cbor_encode(record, bytes, ROOM);
    REQUIRE(size > 0);
    if (size <= (long)TW_RECORD_BYTES_MAX) {
        check_cbor(bytes, size);
        check_json(record, bytes, size);
    }
}
