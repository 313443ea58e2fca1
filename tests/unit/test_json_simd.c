/* simdjson in front of jansson changes nothing but the time: of the same text the same record, or
 * the same code and words. */
#include "telemetry/json_decode.h"
#include "telemetry/json_simd.h"

#include "tests/unit/wire_samples.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MUTATIONS 300
#define ROOM (1u << 20)

struct outcome {
    int result;
    struct tw_error error;
    struct tw_record record;
    char *bytes; /* the record in CBOR, which is a function of it */
    long size;
};

typedef int decode_function(const char *data, size_t size, struct tw_record *ret,
                            struct tw_error *error);

static void decode(struct outcome *ret, decode_function *call, const char *text, size_t size)
{
    memset(&ret->error, 0, sizeof ret->error);
    tw_record_init(&ret->record);
    ret->result = call(text, size, &ret->record, &ret->error);
    ret->size = ret->result > 0 ? tw_cbor_encode(&ret->record, ret->bytes, ROOM) : 0;
    tw_record_clear(&ret->record);
}

static struct outcome one, other;
static unsigned n_records;

/* In memory of just that size, so that a sanitizer sees a read beyond the end. */
static void assert_same_outcome(const char *text, size_t size)
{
    char *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    decode(&one, tw_json_decode, exact, size);
    decode(&other, tw_json_decode_by_jansson, exact, size);
    if (one.result != other.result || strcmp(one.error.text, other.error.text) != 0 ||
        one.size != other.size || memcmp(one.bytes, other.bytes, (size_t)one.size) != 0)
        fail_msg("%.*s\n%d '%s' and not %d '%s'", (int)size, text, one.result, one.error.text,
                 other.result, other.error.text);
    n_records += one.result > 0;
    free(exact);
}

static uint32_t random_bits(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

/* What JSON is made of, and what it is not. */
static const char pieces[][24] = {"\"",
                                  "{",
                                  "}",
                                  "[",
                                  "]",
                                  ",",
                                  ":",
                                  "-",
                                  "1e5",
                                  "-0.0",
                                  "NaN",
                                  "null",
                                  "true",
                                  "Infinity",
                                  "0",
                                  "1e999",
                                  "\\u0000",
                                  "\\",
                                  " ",
                                  "\n",
                                  "\"step\":1,",
                                  "{}",
                                  "[[[[",
                                  "\xC3",
                                  "\x01",
                                  ".5",
                                  "99999999999999999999",
                                  "\"a\":1,\"a\":2,"};

/* Puts a piece in, takes some bytes out, or changes one. Returns the new size. */
static size_t mutate(char *text, size_t size)
{
    const char *piece = pieces[random_bits() % (sizeof pieces / sizeof *pieces)];
    size_t at = size ? random_bits() % size : 0, length = strlen(piece);
    switch (random_bits() % 4) {
    case 0:
        memmove(text + at + length, text + at, size - at);
        memcpy(text + at, piece, length);
        return size + length;
    case 1:
        length = length < size - at ? length : size - at;
        memmove(text + at, text + at + length, size - at - length);
        return size - length;
    case 2:
        length = length < size - at ? length : size - at;
        memcpy(text + at, piece, length);
        return size;
    default:
        if (size)
            text[at] = (char)random_bits();
        return size;
    }
}

static void assert_same_of_neighbours(const char *text, size_t size)
{
    char *changed = malloc(size + 1024);
    assert_same_outcome(text, size);
    for (int i = 0; i < MUTATIONS && size < 10000; i++) {
        memcpy(changed, text, size);
        size_t changed_size = size;
        for (uint32_t n = random_bits() % 4; n <= 4; n++)
            changed_size = mutate(changed, changed_size);
        assert_same_outcome(changed, changed_size);
    }
    free(changed);
}

static void samples_and_their_neighbours(void **state)
{
    (void)state;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        const struct tw_token *tokens;
        struct tw_record record;
        tw_record_init(&record);
        wire_sample(&record, (enum tw_kind)kind, 1);
        if (record.header)
            strcpy(record.header->name, "no escapes");
        char *line = tw_json_encode(&record);
        assert_true(tw_json_simd_tokens(line, strlen(line), &tokens) > 10);
        n_records = 0;
        assert_same_of_neighbours(line, strlen(line));
        assert_true(n_records > 5);
        free(line);
        tw_record_clear(&record);
    }
}

static void the_corpus_and_its_neighbours(void **state)
{
    (void)state;
    const char *source = getenv("TW_SRCDIR");
    char folder[4096], path[8192], *text = malloc(ROOM);
    int n = 0;
    snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/json", source ? source : ".");
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t size = fread(text, 1, ROOM, file);
        fclose(file);
        assert_same_of_neighbours(text, size);
        n++;
    }
    closedir(dir);
    free(text);
    assert_true(n > 10);
}

static void what_the_two_libraries_see_differently(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"run\":\"r\",\"step\":1,\"x\":{\"a\":1,\"a\":2}}",
        "{\"run\":\"r\",\"step\":1,\"eval_f1\":1,\"eval_f1\":2}",
        "{\"run\":\"r\",\"step\":1,\"longer_than_8\":1,\"longer_than_8\":2}",
        "{\"run\":\"r\",\"step\":1,\"step\":1}",
        "{\"run\":\"r\",\"step\":1,\"st\\u0065p\":1}",
        "{\"run\":\"r\",\"step\":1,\"\":1,\"\":2}",
        "{\"run\":\"r\\u0000\",\"step\":1}",
        "{\"run\":\"\\ud800\",\"step\":1}",
        "{\"run\":\"r\",\"step\":1,\"loss\":18446744073709551615}",
        "{\"run\":\"r\",\"step\":1,\"loss\":9223372036854775808}",
        "{\"run\":\"r\",\"step\":1,\"loss\":-9223372036854775808}",
        "{\"run\":\"r\",\"step\":1,\"loss\":-9223372036854775809}",
        "{\"run\":\"r\",\"step\":1,\"loss\":123456789012345678901234567890}",
        "{\"run\":\"r\",\"step\":1,\"loss\":1e400}",
        "{\"run\":\"r\",\"step\":1,\"loss\":-1e-400}",
        "{\"run\":\"r\",\"step\":1,\"loss\":4.9e-324}",
        "{\"run\":\"r\",\"step\":1,\"loss\":2.2250738585072011e-308}",
        "{\"run\":\"r\",\"step\":1,\"loss\":-0}",
        "{\"run\":\"r\",\"step\":1,\"loss\":-0.0}",
        "{\"run\":\"r\",\"step\":1,\"loss\":NaN}",
        "{\"run\":\"r\",\"step\":1,\"loss\":-Infinity}",
        "{\"run\":\"r\",\"step\":1,\"loss\":\"-inf\"}",
        "{\"run\":\"r\",\"step\":1,\"loss\":01}",
        "{\"run\":\"r\",\"step\":1,\"loss\":1.}",
        "{\"run\":\"r\",\"step\":1.0}",
        "{\"run\":\"r\",\"step\":1,\"time\":-1000}",
        "{\"run\":\"r\",\"step\":1,\"time\":-1}",
        "{\"run\":\"r\",\"step\":1,\"time\":-9223372036854775808}",
        "{\"run\":\"r\",\"step\":-1}",
        "{\"run\":\"r\",\"step\":1}}",
        "{\"run\":\"r\",\"step\":1} x",
        "{\"run\":\"r\",\"step\":1} \t\r\n",
        " {\"run\":\"r\",\"step\":1}",
        "\xEF\xBB\xBF{\"run\":\"r\",\"step\":1}",
        "{\"run\":\"r\",\"step\":1,}",
        "{\"run\":\"\xC0\x80\",\"step\":1}",
        "{\"run\":\"\xED\xA0\x80\",\"step\":1}",
        "{\"run\":\"\xF4\x90\x80\x80\",\"step\":1}",
        "{\"run\":\"\x7F\",\"step\":1}",
        "{\"v\":2,\"run\":7}",
        "{\"run\":7,\"v\":2}",
        "{\"v\":2.0,\"run\":\"r\",\"step\":1}",
        "{\"run\":\"r\",\"step\":1,\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}",   /* 16 deep */
        "{\"run\":\"r\",\"step\":1,\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", /* 17 */
        "[]",
        "1",
        "",
        "{",
        "{\"run\"",
        "{\"run\":}",
        "{\"run\":\"r\" \"step\":1}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_same_outcome(texts[i], strlen(texts[i]));
    assert_same_outcome("{\"run\":\"r\",\"step\":1}\0", 21);
    assert_same_outcome("{\"run\":\"r\0\",\"step\":1}", 21);
}

/* More keys than are told apart, more tokens and more bytes than are kept. */
static void what_is_large(void **state)
{
    (void)state;
    char *text = malloc(ROOM);
    for (unsigned n = 1; n < 40000; n = n * 3 + 1) {
        for (int has_twin = 0; has_twin <= 1; has_twin++) {
            size_t size = (size_t)sprintf(text, "{\"run\":\"r\",\"step\":1");
            for (unsigned i = 0; i < n; i++)
                size += (size_t)sprintf(text + size, ",\"key_%u\":%u",
                                        has_twin && i == n - 1 ? 0 : i, i);
            text[size++] = '}';
            assert_same_outcome(text, size);
        }
    }
    free(text);
}

static int allocate(void **state)
{
    (void)state;
    one.bytes = malloc(ROOM);
    other.bytes = malloc(ROOM);
    return one.bytes && other.bytes ? 0 : -1;
}

static int release(void **state)
{
    (void)state;
    free(one.bytes);
    free(other.bytes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_and_their_neighbours),
        cmocka_unit_test(the_corpus_and_its_neighbours),
        cmocka_unit_test(what_the_two_libraries_see_differently),
        cmocka_unit_test(what_is_large),
    };
    return cmocka_run_group_tests(tests, allocate, release);
}
