/* The CBOR form against bytes worked out by hand. Numbers are those of RFC 8949, appendix A
 * ("Examples of Encoded CBOR Data Items"), so that their bytes can be looked up there:
 *   1000000 -> 1a 000f4240, 1000000000000 -> 1b 000000e8d4a51000, 1.0 -> f9 3c00,
 *   100000.0 -> fa 47c35000, 1.1 -> fb 3ff199999999999a, NaN -> fa 7fc00000,
 *   -Infinity -> fa ff800000, -1000 -> 39 03e7. */
#include "telemetry/wire.h"

#include "tests/unit/wire_samples.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A string literal's bytes; they may hold zeros. */
#define BYTES(literal) literal, sizeof(literal) - 1

static void assert_encodes(const struct tw_record *record, const char *bytes, size_t size)
{
    unsigned char buffer[512];
    long length = tw_cbor_encode(record, buffer, sizeof buffer);
    assert_int_equal(length, size);
    assert_memory_equal(buffer, bytes, size);
}

static int decode(const char *bytes, size_t size, struct tw_record *ret, char *message)
{
    struct tw_error error = {0};
    size_t used = 12345;
    int result = tw_cbor_decode(bytes, size, ret, &used, &error);
    if (result > 0)
        assert_int_equal(used, size);
    else if (message)
        strcpy(message, error.text);
    if (result < 0)
        assert_int_equal(error.code, result);
    return result;
}

static void a_step_record_has_the_bytes_of_the_rfc(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r1");
    record.seq = 1000000;
    record.time_ms = 1000000000000;
    record.step = 10;
    record.has = TW_HAS_SEQ | TW_HAS_TIME | TW_HAS_STEP;
    tw_record_set(&record, TW_SIGNAL_LOSS, NAN);
    tw_record_set(&record, TW_SIGNAL_GRAD_NORM, 1.1);
    tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, 100000.0);
    tw_record_set(&record, TW_SIGNAL_OVERFLOW, 1);
    tw_record_set(&record, TW_SIGNAL_TRAIN_LOSS, -INFINITY);
    record.grad_norm_kind = TW_GRAD_NORM_PRE_CLIP;
    assert_encodes(&record, BYTES("\xAC"                        /* map of 12 pairs */
                                  "\x61v\x01"                   /* "v": 1 */
                                  "\x63run\x62r1"               /* "run": "r1" */
                                  "\x63seq\x1A\x00\x0F\x42\x40" /* "seq": 1000000 */
                                  "\x64kind\x64step"            /* "kind": "step" */
                                  "\x64time\x1B\x00\x00\x00\xE8\xD4\xA5\x10\x00"
                                  "\x64step\x0A"                 /* "step": 10 */
                                  "\x64loss\xFA\x7F\xC0\x00\x00" /* "loss": NaN */
                                  "\x69grad_norm\xFB\x3F\xF1\x99\x99\x99\x99\x99\x9A"
                                  "\x6Aloss_scale\xFA\x47\xC3\x50\x00" /* 100000.0 */
                                  "\x68overflow\xF5"                   /* true */
                                  "\x6Atrain_loss\xFA\xFF\x80\x00\x00" /* -Infinity */
                                  "\x6Egrad_norm_kind\x68pre_clip"));
}

static void layer_columns_are_typed_arrays_of_rfc_8746(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r1");
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 3);
    layers->header_hash = 1000000;
    float *column = tw_layers_add_column(layers, TW_LAYER_GRAD_NORM);
    column[0] = 1; /* 3F800000 in IEEE 754, here its little end first */
    column[1] = -2;
    assert_encodes(&record, BYTES("\xA6"
                                  "\x61v\x01"
                                  "\x63run\x62r1"
                                  "\x64kind\x66layers"
                                  "\x64step\x00" /* this kind makes no sense without */
                                  "\x6Bheader_hash\x1A\x00\x0F\x42\x40"
                                  "\x66layers\xA1\x69grad_norm"
                                  "\xD8\x55" /* tag 85: float32, little endian */
                                  "\x4C"     /* byte string of 12 */
                                  "\x00\x00\x80\x3F"
                                  "\x00\x00\x00\xC0"
                                  "\x00\x00\xC0\x7F")); /* NaN: not measured */
    tw_record_clear(&record);
}

static void a_header_nests_its_objects(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r1");
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    header->world_size = 2;
    tw_header_set_text(header, "optimizer", "sgd");
    tw_header_set_number(header, "momentum", 1.1);
    tw_header_add_layer(header, "fc")->units = 10;
    strcpy(header->resumed_from_attempt, "a0");
    header->resumed_from_step = 1000000;
    assert_encodes(&record, BYTES("\xA7"
                                  "\x61v\x01"
                                  "\x63run\x62r1"
                                  "\x64kind\x66header"
                                  "\x6Aworld_size\x02"
                                  "\x6Fhyperparameters\xA2"
                                  "\x69optimizer\x63sgd"
                                  "\x68momentum\xFB\x3F\xF1\x99\x99\x99\x99\x99\x9A"
                                  "\x6Cresumed_from\xA2"
                                  "\x67"
                                  "attempt\x62"
                                  "a0"
                                  "\x64step\x1A\x00\x0F\x42\x40"
                                  "\x66layers\x81\xA2\x64name\x62"
                                  "fc\x65units\x0A"));
    tw_record_clear(&record);
}

static void a_buffer_one_byte_short_is_refused(void **state)
{
    (void)state;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        struct tw_record record;
        unsigned char buffer[4096];
        tw_record_init(&record);
        wire_sample(&record, (enum tw_kind)kind, 1);
        long size = tw_cbor_encode(&record, buffer, sizeof buffer);
        assert_true(size > 0);
        for (long smaller = 0; smaller < size; smaller++)
            assert_int_equal(tw_cbor_encode(&record, buffer, (size_t)smaller), -ENOBUFS);
        assert_int_equal(tw_cbor_encode(&record, buffer, (size_t)size), size);
        tw_record_clear(&record);
    }
}

static void every_kind_survives_a_round_trip(void **state)
{
    (void)state;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        struct tw_record record, back;
        char buffer[4096];
        tw_record_init(&record);
        tw_record_init(&back);
        wire_sample(&record, (enum tw_kind)kind, 1);
        long size = tw_cbor_encode(&record, buffer, sizeof buffer);
        assert_int_equal(decode(buffer, (size_t)size, &back, NULL), 1);
        assert_same_record(&record, &back);
        tw_record_clear(&record);
        tw_record_clear(&back);
    }
}

static void every_truncation_is_incomplete(void **state)
{
    (void)state;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        struct tw_record record, back;
        char buffer[4096];
        tw_record_init(&record);
        tw_record_init(&back);
        wire_sample(&record, (enum tw_kind)kind, 1);
        long size = tw_cbor_encode(&record, buffer, sizeof buffer);
        for (long cut = 0; cut < size; cut++) {
            /* In memory of its own, so that a sanitizer sees a read beyond the end. */
            char *copy = malloc((size_t)cut + 1);
            memcpy(copy, buffer, (size_t)cut);
            assert_int_equal(decode(copy, (size_t)cut, &back, NULL), 0);
            free(copy);
        }
        tw_record_clear(&record);
    }
}

static void other_encodings_of_the_same_values_are_read(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    assert_int_equal(
        decode(BYTES("\xBF"                         /* map of indefinite length */
                     "\x61v\x18\x01"                /* 1 in two bytes */
                     "\x63run\x7F\x61r\x61\x31\xFF" /* text in pieces */
                     "\x7F\x62st\x62"
                     "ep\xFF\xF9\x49\x00"        /* a key in pieces; 10.0 as a half float */
                     "\x64time\x39\x03\xE7"      /* -1000 */
                     "\x64loss\xF9\x3C\x00"      /* 1.0 */
                     "\x69grad_norm\xF9\xFC\x00" /* -Infinity */
                     "\x65"
                     "epoch\xC1\x03"                   /* a tag that we do not know, 3 */
                     "\x67samples\x1A\x00\x0F\x42\x40" /* an integer where a number may be */
                     "\x6Bupdate_norm\x63nan"          /* a text that stands for a number */
                     "\x0B\x82\x01\x02"                /* a key that is no text */
                     "\x65other\x9F\xA1\x61x\xF6\xFF"  /* an unknown field, nested */
                     "\x65other\x5F\x42\x01\x02\xFF"   /* bytes in pieces */
                     "\xFF"),
               &record, NULL),
        1);
    assert_string_equal(record.run, "r1");
    assert_int_equal(record.kind, TW_KIND_STEP);
    assert_true(record.step == 10);
    assert_true(record.time_ms == -1000);
    assert_true(record.signal[TW_SIGNAL_LOSS] == 1.0);
    assert_true(record.signal[TW_SIGNAL_GRAD_NORM] == -INFINITY);
    assert_true(record.signal[TW_SIGNAL_EPOCH] == 3);
    assert_true(record.signal[TW_SIGNAL_SAMPLES] == 1000000);
    assert_true(isnan(record.signal[TW_SIGNAL_UPDATE_NORM]));
    tw_record_clear(&record);
}

/* Of a record whose last value is `item`, with nothing behind it and with another record. */
static void assert_samples_are(const char *item, size_t size, double expected)
{
    static const char start[] = "\xA3\x63run\x62r1\x64step\x01\x67samples";
    size_t length = sizeof start - 1 + size, used;
    struct tw_record record;
    tw_record_init(&record);
    for (size_t behind = 0; behind <= 16; behind += 16) {
        char *bytes = calloc(1, length + behind);
        memcpy(bytes, start, sizeof start - 1);
        memcpy(bytes + sizeof start - 1, item, size);
        assert_int_equal(tw_cbor_decode(bytes, length + behind, &record, &used, NULL), 1);
        assert_int_equal(used, length);
        assert_true(record.signal[TW_SIGNAL_SAMPLES] == expected);
        free(bytes);
    }
}

static void numbers_of_all_widths_are_read_wherever_they_stand(void **state)
{
    (void)state;
    assert_samples_are(BYTES("\x17"), 23);
    assert_samples_are(BYTES("\x18\x64"), 100);
    assert_samples_are(BYTES("\x19\x03\xE8"), 1000);
    assert_samples_are(BYTES("\x1A\x00\x0F\x42\x40"), 1000000);
    assert_samples_are(BYTES("\x1B\x00\x00\x00\xE8\xD4\xA5\x10\x00"), 1000000000000);
    assert_samples_are(BYTES("\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), 18446744073709551616.0);
    assert_samples_are(BYTES("\x29"), -10);
    assert_samples_are(BYTES("\xF9\x7B\xFF"), 65504);
    assert_samples_are(BYTES("\xFA\x47\xC3\x50\x00"), 100000);
    assert_samples_are(BYTES("\xFA\x7F\x7F\xFF\xFF"), 3.4028234663852886e+38);
    assert_samples_are(BYTES("\xFB\x3F\xF1\x99\x99\x99\x99\x99\x9A"), 1.1);
    assert_samples_are(BYTES("\xFB\xC0\x10\x66\x66\x66\x66\x66\x66"), -4.1);
    assert_samples_are(BYTES("\x69-Infinity"), -INFINITY);
}

static void texts_are_checked_byte_by_byte(void **state)
{
    (void)state;
    struct tw_record record;
    char bytes[64], message[512];
    tw_record_init(&record);
    for (unsigned length = 3; length <= 40; length++) {
        for (unsigned at = 0; at + 3 <= length; at++) {
            size_t head = (size_t)sprintf(bytes, "\xA2\x64step%c\x63run\x78%c", 1, length);
            memset(bytes + head, 'r', length);
            memcpy(bytes + head + at, "\xE2\x82\xAC", 3);
            assert_int_equal(decode(bytes, head + length, &record, NULL), 1);
            assert_memory_equal(record.run, bytes + head, length);
            assert_int_equal(record.run[length], 0);
            bytes[head + at + 2] = 'r';
            assert_int_equal(decode(bytes, head + length, &record, message), -EBADMSG);
            assert_string_equal(message, "run: not UTF-8");
        }
    }
}

static void a_zero_byte_does_not_end_a_name_or_a_word(void **state)
{
    (void)state;
    struct tw_record record;
    char message[512];
    tw_record_init(&record);
    assert_int_equal(
        decode(BYTES("\xA3\x63run\x62r1\x64step\x01\x69loss\0\0\0\0\0\x01"), &record, NULL), 1);
    assert_int_equal(record.signals, 0);
    assert_int_equal(decode(BYTES("\xA2\x63run\x62r\0\x64step\x01"), &record, message), -EBADMSG);
    assert_string_equal(message, "run: has a zero byte inside");
    assert_int_equal(
        decode(BYTES("\xA3\x63run\x62r1\x64step\x01\x64kind\x65step\0"), &record, message),
        -EBADMSG);
}

static void all_float_arrays_are_read(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    assert_int_equal(
        decode(BYTES("\xA4\x61v\x01\x63run\x62r1\x64step\x01\x66layers\xA5"
                     /* 81: float32, big endian: 1.0, -2.0 */
                     "\x69grad_norm\xD8\x51\x48\x3F\x80\x00\x00\xC0\x00\x00\x00"
                     /* 82: float64, big endian: 1.1, 1e300 (beyond a float: an infinity) */
                     "\x6Bweight_norm\xD8\x52\x50\x3F\xF1\x99\x99\x99\x99\x99\x9A"
                     "\x7E\x37\xE4\x3C\x88\x00\x75\x9C"
                     /* 86: float64, little endian: 1.1, -1.1 */
                     "\x6Bupdate_norm\xD8\x56\x50\x9A\x99\x99\x99\x99\x99\xF1\x3F"
                     "\x9A\x99\x99\x99\x99\x99\xF1\xBF"
                     /* a plain list: null (not measured), 1000000 */
                     "\x69nonfinite\x82\xF6\x1A\x00\x0F\x42\x40"
                     /* an unknown column, of another length */
                     "\x63xyz\x81\x01"),
               &record, NULL),
        1);
    assert_int_equal(record.kind, TW_KIND_LAYERS);
    assert_int_equal(record.layers->n, 2);
    float *const *column = record.layers->column;
    assert_true(column[TW_LAYER_GRAD_NORM][0] == 1.0f && column[TW_LAYER_GRAD_NORM][1] == -2.0f);
    assert_true(column[TW_LAYER_WEIGHT_NORM][0] == 1.1f);
    assert_true(column[TW_LAYER_WEIGHT_NORM][1] == INFINITY);
    assert_true(column[TW_LAYER_UPDATE_NORM][0] == 1.1f);
    assert_true(column[TW_LAYER_UPDATE_NORM][1] == -1.1f);
    assert_true(isnan(column[TW_LAYER_NONFINITE][0]));
    assert_true(column[TW_LAYER_NONFINITE][1] == 1000000);
    assert_null(column[TW_LAYER_ZERO_FRACTION]);
    tw_record_clear(&record);
}

static void broken_bytes_are_told_with_the_reason(void **state)
{
    (void)state;
#define HEAD "\x61v\x01\x63run\x62r1\x64step\x01"
    static const struct {
        const char *bytes;
        size_t size;
        int result;
        const char *text; /* part of the message */
    } cases[] = {
        {BYTES("\x01"), -EBADMSG, "not a record"},
        {BYTES("\x81\x01"), -EBADMSG, "not a record"},
        {BYTES("\xFF"), -EBADMSG, "break"},
        {BYTES("\x1C"), -EBADMSG, "not CBOR"}, /* reserved additional information */
        {BYTES("\xA1\x61v\x01"), -EBADMSG, "run: missing"},
        {BYTES("\xA2\x61v\x01\x63run\x60"), -EBADMSG, "run: missing"},
        {BYTES("\xA2\x61v\x01\x63run\x62r1"), -EBADMSG, "step: missing"},
        {BYTES("\xA4" HEAD "\x64loss\x81\x01"), -EBADMSG, "loss: not a number but a list"},
        {BYTES("\xA4" HEAD "\x64loss\x61x"), -EBADMSG, "loss: not a number but a text"},
        {BYTES("\xA4" HEAD "\x64loss\xF5"), -EBADMSG, "loss: not a number but true or false"},
        {BYTES("\xA4" HEAD "\x63seq\xF9\x38\x00"), -EBADMSG, "seq: 0.5"},
        {BYTES("\xA4" HEAD "\x64rank\x1B\x00\x00\x00\x01\x00\x00\x00\x00"), -EBADMSG, "rank:"},
        {BYTES("\xA4" HEAD "\x63seq\x20"), -EBADMSG, "seq: -1 is out of range"},
        {BYTES("\xA4" HEAD "\x64step\x02"), -EBADMSG, "step: sent twice"},
        {BYTES("\xA4" HEAD "\x64kind\x63odd"), -EBADMSG, "kind: 'odd' is none of header, step"},
        {BYTES("\xA4" HEAD "\x67"
               "attempt\x61\xFF"),
         -EBADMSG, "attempt: not UTF-8"},
        {BYTES("\xA4" HEAD "\x66layers\xA1\x69grad_norm\xD8\x55\x43"
               "abc"),
         -EBADMSG, "grad_norm: 3 bytes"},
        {BYTES("\xA4" HEAD "\x66layers\xA2\x69grad_norm\x81\x01\x69nonfinite\x82\x01\x01"),
         -EBADMSG, "layers: nonfinite has 2 entries, others have 1"},
        {BYTES("\xA4" HEAD "\xA1\x01\x01\x01"), -EBADMSG, "key"},
        {BYTES("\xBF" HEAD "\x64loss\xFF"), -EBADMSG, "break"},
        {BYTES("\xA2\x61v\x02\x63run\x05"), -EPROTONOSUPPORT, "version 2"},
        {BYTES("\xA1\x61v\x00"), -EBADMSG, "version 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tw_record record;
        char message[512] = "";
        tw_record_init(&record);
        int result = decode(cases[i].bytes, cases[i].size, &record, message);
        if (result != cases[i].result)
            fail_msg("case %zu: %d, %s", i, result, message);
        if (!strstr(message, cases[i].text))
            fail_msg("case %zu: '%s' does not say '%s'", i, message, cases[i].text);
        assert_null(record.header);
        assert_null(record.layers);
    }
}

/* A map in a map in a map ..., `depth` in all, under "x" of a record that is otherwise whole. */
static size_t nest(char *bytes, unsigned depth)
{
    size_t size = sizeof("\xA4" HEAD) - 1;
    memcpy(bytes, "\xA4" HEAD, size);
    for (unsigned i = 1; i < depth; i++) {
        memcpy(bytes + size, "\x61x\xA1", 3);
        size += 3;
    }
    memcpy(bytes + size, "\x61x\x01", 3);
    return size + 3;
}

static void nesting_is_limited_to_16(void **state)
{
    (void)state;
    struct tw_record record;
    char bytes[256], message[512];
    tw_record_init(&record);
    assert_int_equal(decode(bytes, nest(bytes, 16), &record, NULL), 1);
    assert_int_equal(decode(bytes, nest(bytes, 17), &record, message), -EBADMSG);
    assert_non_null(strstr(message, "nested deeper than 16"));
    tw_record_clear(&record);
}

static void impossible_lengths_cost_nothing(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    /* A text, a byte string, a list and a map that each claim 2^63 - 1 or 2^64 - 1 entries. */
    assert_int_equal(
        decode(BYTES("\xA4" HEAD "\x61x\x7B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), &record, NULL), 0);
    assert_int_equal(
        decode(BYTES("\xA4" HEAD "\x61x\x5B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), &record, NULL), 0);
    assert_int_equal(
        decode(BYTES("\xA4" HEAD "\x66layers\x9B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), &record, NULL),
        0);
    assert_int_equal(decode(BYTES("\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), &record, NULL),
                     -EBADMSG);
}

static void a_record_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct tw_record record;
    size_t size = TW_RECORD_BYTES_MAX + 100;
    char *bytes = calloc(1, size);
    tw_record_init(&record);
    /* An unknown text of 2^20 bytes. */
    memcpy(bytes, BYTES("\xA4" HEAD "\x61x\x7A\x00\x10\x00\x00"));
    assert_int_equal(decode(bytes, size, &record, NULL), -EMSGSIZE);
    free(bytes);
}

static void identities_are_not_cut_short(void **state)
{
    (void)state;
    struct tw_record record;
    char bytes[256], message[512];
    tw_record_init(&record);
    for (unsigned length = TW_RUN_ID_MAX; length <= TW_RUN_ID_MAX + 1; length++) {
        size_t size = 0;
        memcpy(bytes, "\xA2\x63run\x78", 6);
        bytes[6] = (char)length;
        memset(bytes + 7, 'r', length);
        size = 7 + length;
        memcpy(bytes + size, "\x64step\x01", 6);
        size += 6;
        assert_int_equal(decode(bytes, size, &record, message),
                         length == TW_RUN_ID_MAX ? 1 : -EBADMSG);
    }
    assert_string_equal(message, "run: longer than 127 bytes");
}

static void a_message_holds_records_in_order_until_one_is_broken(void **state)
{
    (void)state;
    char message[8192];
    size_t size = 0, offset = 0, last = 0;
    struct tw_record record;
    struct tw_error error = {0};
    tw_record_init(&record);
    for (int i = 0; i < 3; i++) {
        wire_sample(&record, TW_KIND_EVENT, (uint64_t)i);
        last = size;
        size += (size_t)tw_cbor_encode(&record, message + size, sizeof message - size);
    }
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(tw_message_next(message, size, &offset, &record, &error), 1);
        assert_true(record.seq == i);
    }
    assert_int_equal(tw_message_next(message, size, &offset, &record, &error), 0);
    offset = last;
    assert_int_equal(tw_message_next(message, size - 1, &offset, &record, &error), -EBADMSG);
    assert_int_equal(offset, last);
    tw_record_clear(&record);
}

static void texts_that_are_no_utf8_are_mended_when_sent(void **state)
{
    (void)state;
    struct tw_record record, back;
    char buffer[256];
    tw_record_init(&record);
    tw_record_init(&back);
    strcpy(record.run, "r1");
    record.kind = TW_KIND_EVENT;
    strcpy(record.event, "caf\xE9"); /* Latin-1 */
    long size = tw_cbor_encode(&record, buffer, sizeof buffer);
    assert_int_equal(decode(buffer, (size_t)size, &back, NULL), 1);
    assert_string_equal(back.event, "caf?");
    tw_record_clear(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_record_has_the_bytes_of_the_rfc),
        cmocka_unit_test(layer_columns_are_typed_arrays_of_rfc_8746),
        cmocka_unit_test(a_header_nests_its_objects),
        cmocka_unit_test(a_buffer_one_byte_short_is_refused),
        cmocka_unit_test(every_kind_survives_a_round_trip),
        cmocka_unit_test(every_truncation_is_incomplete),
        cmocka_unit_test(other_encodings_of_the_same_values_are_read),
        cmocka_unit_test(numbers_of_all_widths_are_read_wherever_they_stand),
        cmocka_unit_test(texts_are_checked_byte_by_byte),
        cmocka_unit_test(a_zero_byte_does_not_end_a_name_or_a_word),
        cmocka_unit_test(all_float_arrays_are_read),
        cmocka_unit_test(broken_bytes_are_told_with_the_reason),
        cmocka_unit_test(nesting_is_limited_to_16),
        cmocka_unit_test(impossible_lengths_cost_nothing),
        cmocka_unit_test(a_record_over_the_limit_is_refused),
        cmocka_unit_test(identities_are_not_cut_short),
        cmocka_unit_test(a_message_holds_records_in_order_until_one_is_broken),
        cmocka_unit_test(texts_that_are_no_utf8_are_mended_when_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
