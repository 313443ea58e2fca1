/* What every source in tw_sources[] promises, whatever it is given. */
#include "sources/source.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_BYTES 3000

static char path[] = "/tmp/tw-source-XXXXXX";

static void every_source_has_a_name_a_line_and_explained_options(void **state)
{
    (void)state;
    for (const struct tw_source *const *source = tw_sources; *source; source++) {
        assert_ptr_equal(tw_source_find((*source)->name), *source);
        assert_true(strlen((*source)->description) > 0);
        assert_non_null((*source)->open);
        assert_non_null((*source)->next);
        (*source)->close(NULL);
        for (size_t i = 0; i < (*source)->n_options; i++) {
            const struct tw_option *option = &(*source)->options[i];
            assert_true(option->help && *option->help);
            assert_true(option->offset < (*source)->config_size);
        }
    }
    assert_null(tw_source_find("nothing"));
}

static void write_file(const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

/* Reads to the end, which must come: each step passes over bytes. */
static void read_all(const struct tw_source *source)
{
    struct tw_source_request request = {.path = path};
    struct tw_source_item item;
    struct tw_error error = {0};
    void *handle;
    if (source->open(&handle, &request, &error)) {
        assert_true(error.text[0] != '\0');
        return;
    }
    int64_t position = 0;
    int next;
    while ((next = source->next(handle, 0, &item, &error)) == TW_NEXT_RECORD ||
           next == TW_NEXT_BROKEN) {
        assert_true(item.position.offset > position);
        position = item.position.offset;
        if (next == TW_NEXT_BROKEN) {
            assert_true(item.n_bytes > 0);
            assert_true(item.reason[0] != '\0');
        }
    }
    assert_int_equal(next, TW_NEXT_END);
    source->close(handle);
}

static void read_with_all(void)
{
    for (const struct tw_source *const *source = tw_sources; *source; source++) {
        if (!(*source)->probe)
            continue;
        int sure = (*source)->probe(path, NULL);
        assert_true(sure >= 0 && sure <= 100);
        read_all(*source);
    }
}

static void no_source_claims_or_chokes_on_a_file_of_something_else(void **state)
{
    static const char *const texts[] = {"",
                                        "hello\n",
                                        "{\"a\":1}\n",
                                        "{\n  \"run\": \"r\"\n}\n",
                                        "[1,2,3]\n",
                                        "\x7f"
                                        "ELF",
                                        "\xef\xbb\xbf{}",
                                        "\xff\xff\xff\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(texts[i], strlen(texts[i]));
        assert_null(tw_source_probe(path, NULL));
        read_with_all();
    }
}

/* Bytes that look like beginnings of records on purpose. */
static void any_bytes_are_read_to_their_end(void **state)
{
    static const unsigned char bait[] = {0xa1, 0xbf, 0x61, 'v', 0x01, '{', '"', '}', '\n', 0x63};
    unsigned char *data = malloc(FILE_BYTES);
    (void)state;
    srand(1);
    for (int round = 0; round < 200; round++) {
        size_t size = (size_t)(rand() % FILE_BYTES);
        for (size_t i = 0; i < size; i++)
            data[i] = rand() % 2 ? bait[rand() % (int)sizeof bait] : (unsigned char)rand();
        write_file(data, size);
        read_with_all();
    }
    free(data);
}

static void a_path_that_is_not_there_is_nobody_s(void **state)
{
    (void)state;
    assert_null(tw_source_probe("/nonexistent/run", NULL));
}

/* A record may take 1 MiB, and the layers of a large network do. */
static void a_long_first_record_is_telemetry(void **state)
{
    size_t size;
    char *text;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    fputs("{\"run\":\"r\",\"kind\":\"header\",\"layers\":[", out);
    for (int i = 0; i < 4000; i++)
        fprintf(out, "%s{\"name\":\"model.layers.%d.self_attn.q_proj.weight\"}", i ? "," : "", i);
    fputs("]}\n{\"run\":\"r\",\"step\":1,\"loss\":2}\n", out);
    fclose(out);
    write_file(text, size);
    free(text);
    assert_ptr_equal(tw_source_probe(path, NULL), tw_source_find("run_directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_has_a_name_a_line_and_explained_options),
        cmocka_unit_test(no_source_claims_or_chokes_on_a_file_of_something_else),
        cmocka_unit_test(any_bytes_are_read_to_their_end),
        cmocka_unit_test(a_long_first_record_is_telemetry),
        cmocka_unit_test(a_path_that_is_not_there_is_nobody_s),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 99;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
