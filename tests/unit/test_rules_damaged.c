/* Damaged rule files: the fuzz target, fed with the shipped rules cut short and overwritten. The
 * target aborts when the loader breaks its word. */
#include "rules_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const unsigned char tw_embedded_shipped_rules[];
extern const size_t tw_embedded_shipped_rules_size;

/* The first rule is enough to cut at every byte. */
#define CUT_BYTES 1500
#define FLIPS 1500

static void a_file_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t size = 0; size < CUT_BYTES; size++) {
        /* A copy of its own, so that a read past the end is seen by the sanitizer. */
        unsigned char *copy = malloc(size + !size);
        memcpy(copy, tw_embedded_shipped_rules, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
}

static void bytes_may_be_overwritten(void **state)
{
    static const char signs[] = "{}[]:%\"'\n -#&*!|>\t\0\xff"
                                "0.eE(";
    uint32_t seed = 1;
    unsigned char *copy = malloc(CUT_BYTES * 2);
    (void)state;
    assert_true(tw_embedded_shipped_rules_size > CUT_BYTES * 2);
    for (int i = 0; i < FLIPS; i++) {
        memcpy(copy, tw_embedded_shipped_rules, CUT_BYTES * 2);
        for (int j = 0; j < 1 + i % 4; j++) {
            seed = seed * 1664525 + 1013904223; /* Numerical Recipes */
            copy[(seed >> 8) % (CUT_BYTES * 2)] =
                (unsigned char)signs[(seed >> 3) % (sizeof signs - 1)];
        }
        LLVMFuzzerTestOneInput(copy, CUT_BYTES * 2);
    }
    free(copy);
}

static void known_nasty_files_do_no_harm(void **state)
{
    static const char *const files[] = {
        "&a [*a]",
        "- &a {name: *a}",
        "- ? [a]\n  : b\n",
        "- name: !!binary x\n",
        "%YAML 9.9\n---\n",
        "- {name: \"a\\0b\", detector: divergence}",
        "- {<<: {name: x}}",
        "\xef\xbb\xbf- name: x\n",
        "\xff\xfe-\0 \0",
        "- {name: a, detector: overflow, description: b, suggestions: [{parameter: a, change: "
        "{set: "
        "'((((((((((((((((((((((((((((((((((((((((((('}}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        LLVMFuzzerTestOneInput((const uint8_t *)files[i], strlen(files[i]));
    size_t size = 200000;
    char *deep = malloc(size);
    memset(deep, '[', size);
    LLVMFuzzerTestOneInput((const uint8_t *)deep, size);
    memset(deep, '(', size);
    memcpy(deep, "- {name: a, priority: ", 22);
    LLVMFuzzerTestOneInput((const uint8_t *)deep, size);
    for (size_t i = 0; i + 2 <= size; i += 2)
        memcpy(deep + i, "- ", 2);
    LLVMFuzzerTestOneInput((const uint8_t *)deep, size);
    free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_may_end_anywhere),
        cmocka_unit_test(bytes_may_be_overwritten),
        cmocka_unit_test(known_nasty_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
