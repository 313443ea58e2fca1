/* The walk over a protobuf message, in exactly as much memory as the message has. */
#include "sources/logs/protobuf.h"

#include "protobuf_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A copy, so that sanitizers see its end; free() its `at`. */
static struct tw_protobuf exactly(const void *bytes, size_t size)
{
    uint8_t *exact = malloc(size + !size);
    assert_non_null(exact);
    if (size)
        memcpy(exact, bytes, size);
    return (struct tw_protobuf){exact, exact + size};
}

/* What the first field is read as: 1, 0, -1. */
static int first_of(const void *bytes, size_t size, struct tw_protobuf_field *ret)
{
    struct tw_protobuf message = exactly(bytes, size);
    uint8_t *start = (uint8_t *)(size_t)message.at;
    int found = tw_protobuf_next(&message, ret);
    assert_true(message.at <= message.end);
    free(start);
    return found;
}

static void varints_are_read_to_ten_bytes(void **state)
{
    (void)state;
    static const uint64_t values[] = {0,
                                      1,
                                      127,
                                      128,
                                      16383,
                                      16384,
                                      UINT32_MAX,
                                      UINT64_C(1) << 35,
                                      UINT64_C(1) << 63,
                                      UINT64_MAX,
                                      UINT64_MAX - 1,
                                      300};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct built built = build();
        put_varint(&built, values[i]);
        for (size_t size = 0; size <= built.size; size++) {
            uint64_t value = 77;
            struct tw_protobuf from = exactly(built.bytes, size);
            uint8_t *start = (uint8_t *)(size_t)from.at;
            assert_int_equal(tw_protobuf_varint(&from, &value), size == built.size);
            assert_true(value == (size == built.size ? values[i] : 77));
            assert_ptr_equal(from.at, from.end);
            free(start);
        }
        build_free(&built);
    }
}

static void a_varint_without_an_end_is_none(void **state)
{
    (void)state;
    uint64_t value;
    struct tw_protobuf from = exactly("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12);
    uint8_t *start = (uint8_t *)(size_t)from.at;
    assert_false(tw_protobuf_varint(&from, &value));
    free(start);
}

static void numbers_of_a_size_need_all_their_bytes(void **state)
{
    (void)state;
    struct tw_protobuf_field field = {0};
    struct built four = build(), eight = build();
    put_float(&four, 2, 2.5F);
    put_double(&eight, 3, -0.25);
    for (size_t size = 1; size < four.size; size++)
        assert_int_equal(first_of(four.bytes, size, &field), -1);
    for (size_t size = 1; size < eight.size; size++)
        assert_int_equal(first_of(eight.bytes, size, &field), -1);
    assert_int_equal(first_of(four.bytes, four.size, &field), 1);
    assert_true(tw_protobuf_is(&field, 2, TW_WIRE_FIXED32));
    assert_true(tw_protobuf_float(field.value) == 2.5F);
    assert_int_equal(first_of(eight.bytes, eight.size, &field), 1);
    assert_true(tw_protobuf_is(&field, 3, TW_WIRE_FIXED64));
    assert_true(tw_protobuf_double(field.value) == -0.25);
    build_free(&four);
    build_free(&eight);
}

static void bytes_end_with_their_message(void **state)
{
    (void)state;
    struct tw_protobuf_field field = {0};
    assert_int_equal(first_of("\x0a\x02xy", 4, &field), 1);
    assert_true(tw_protobuf_is(&field, 1, TW_WIRE_BYTES));
    assert_int_equal(tw_protobuf_size(&field.bytes), 2);
    assert_int_equal(first_of("\x0a\x03xy", 4, &field), -1);
    assert_int_equal(first_of("\x0a\x02x", 3, &field), -1);
    assert_int_equal(first_of("\x0a\x00", 2, &field), 1);
    assert_int_equal(first_of("\x0a", 1, &field), -1);
    assert_int_equal(first_of("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xy", 13, &field), -1);
}

static void a_message_ends_where_it_ends(void **state)
{
    (void)state;
    struct tw_protobuf_field field = {0};
    struct built built = build();
    put_number(&built, 1, 300);
    put_number(&built, 2, 5);
    struct tw_protobuf message = exactly(built.bytes, built.size);
    uint8_t *start = (uint8_t *)(size_t)message.at;
    assert_int_equal(tw_protobuf_next(&message, &field), 1);
    assert_true(tw_protobuf_is(&field, 1, TW_WIRE_VARINT) && field.value == 300);
    assert_int_equal(tw_protobuf_next(&message, &field), 1);
    assert_true(tw_protobuf_is(&field, 2, TW_WIRE_VARINT) && field.value == 5);
    assert_int_equal(tw_protobuf_next(&message, &field), 0);
    assert_int_equal(first_of("", 0, &field), 0);
    free(start);
    build_free(&built);
}

static void what_no_writer_writes_is_not_well_formed(void **state)
{
    (void)state;
    struct tw_protobuf_field field = {0};
    assert_int_equal(first_of("\x00\x01", 2, &field), -1);                 /* field 0 */
    assert_int_equal(first_of("\x0b\x01", 2, &field), -1);                 /* a group begins */
    assert_int_equal(first_of("\x0c\x01", 2, &field), -1);                 /* and ends */
    assert_int_equal(first_of("\x0e\x01", 2, &field), -1);                 /* no such type */
    assert_int_equal(first_of("\x80\x80\x80\x80\x10\x01", 6, &field), -1); /* a key of 33 bits */
    assert_int_equal(first_of("\xf8\xff\xff\xff\x0f\x01", 6, &field), 1);  /* the largest */
    assert_int_equal(field.number, (1u << 29) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_are_read_to_ten_bytes),
        cmocka_unit_test(a_varint_without_an_end_is_none),
        cmocka_unit_test(numbers_of_a_size_need_all_their_bytes),
        cmocka_unit_test(bytes_end_with_their_message),
        cmocka_unit_test(a_message_ends_where_it_ends),
        cmocka_unit_test(what_no_writer_writes_is_not_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
