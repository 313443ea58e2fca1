/* Writes protobuf messages, for logs that tests make up. */
#ifndef TW_TEST_PROTOBUF_BUILDER_H
#define TW_TEST_PROTOBUF_BUILDER_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct built {
    size_t size, room;
    uint8_t *bytes; /* build_free() */
};

static inline struct built build(void)
{
    return (struct built){0, 256, malloc(256)};
}

static inline void build_free(struct built *built)
{
    free(built->bytes);
    *built = (struct built){0};
}

static inline void put_raw(struct built *to, const void *bytes, size_t size)
{
    if (to->room - to->size < size)
        to->bytes = realloc(to->bytes, to->room = 2 * to->room + size);
    assert(to->bytes);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static inline void put_little_endian(struct built *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        put_raw(to, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

static inline void put_varint(struct built *to, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        put_raw(to, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
    put_raw(to, &(uint8_t){(uint8_t)value}, 1);
}

static inline void put_number(struct built *to, unsigned field, uint64_t value)
{
    put_varint(to, field << 3);
    put_varint(to, value);
}

static inline void put_double(struct built *to, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_varint(to, field << 3 | 1);
    put_little_endian(to, bits, 8);
}

static inline void put_float(struct built *to, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_varint(to, field << 3 | 5);
    put_little_endian(to, bits, 4);
}

static inline void put_bytes(struct built *to, unsigned field, const void *bytes, size_t size)
{
    put_varint(to, field << 3 | 2);
    put_varint(to, size);
    put_raw(to, bytes, size);
}

static inline void put_text(struct built *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

/* Frees `message`. */
static inline void put_message(struct built *to, unsigned field, struct built message)
{
    put_bytes(to, field, message.bytes, message.size);
    build_free(&message);
}

#endif
