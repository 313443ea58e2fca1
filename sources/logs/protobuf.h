/* Walks over the fields of one protobuf message without copying: which fields, of what type, is
 * said by the caller's switch. A generated parser allocates each message and submessage; of an
 * event with one scalar that costs protobuf-c 140 ns, where the whole of reading it, checksums and
 * row included, costs a half or less.
 * (https://protobuf.dev/programming-guides/encoding/) */
#ifndef TW_LOG_PROTOBUF_H
#define TW_LOG_PROTOBUF_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tw_protobuf {
    const uint8_t *at, *end;
};

enum tw_wire { TW_WIRE_VARINT = 0, TW_WIRE_FIXED64 = 1, TW_WIRE_BYTES = 2, TW_WIRE_FIXED32 = 5 };

struct tw_protobuf_field {
    uint32_t number;
    enum tw_wire wire;
    uint64_t value; /* of a number, its bits */
    struct tw_protobuf bytes;
};

static inline size_t tw_protobuf_size(const struct tw_protobuf *message)
{
    return (size_t)(message->end - message->at);
}

static inline bool tw_protobuf_varint(struct tw_protobuf *from, uint64_t *ret)
{
    uint64_t value = 0;
    if (from->at < from->end && *from->at < 0x80) { /* most are short */
        *ret = *from->at++;
        return true;
    }
    for (unsigned shift = 0; shift < 64 && from->at < from->end; shift += 7) {
        uint8_t byte = *from->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

/* Numbers of 1, 2, 4 or 8 bytes. */
static inline bool tw_protobuf_fixed(struct tw_protobuf *from, size_t size, uint64_t *ret)
{
    uint64_t value = 0;
    if (tw_protobuf_size(from) < size)
        return false;
    memcpy(&value, from->at, size);
    *ret = le64toh(value);
    from->at += size;
    return true;
}

/* The next field of `message`: 1, or 0 at its end, or -1 where it is not well-formed (groups, which
 * none of our logs has, included). */
static inline __attribute__((always_inline)) int tw_protobuf_next(struct tw_protobuf *message,
                                                                  struct tw_protobuf_field *ret)
{
    uint64_t key;
    if (message->at == message->end)
        return 0;
    if (!tw_protobuf_varint(message, &key) || key >> 3 == 0 || key > UINT32_MAX)
        return -1;
    ret->bytes = (struct tw_protobuf){0}; /* of a number: nothing */
    ret->number = (uint32_t)(key >> 3);
    ret->wire = (enum tw_wire)(key & 7);
    switch (ret->wire) {
    case TW_WIRE_VARINT:
        return tw_protobuf_varint(message, &ret->value) ? 1 : -1;
    case TW_WIRE_FIXED64:
        return tw_protobuf_fixed(message, 8, &ret->value) ? 1 : -1;
    case TW_WIRE_FIXED32:
        return tw_protobuf_fixed(message, 4, &ret->value) ? 1 : -1;
    case TW_WIRE_BYTES:
        if (!tw_protobuf_varint(message, &ret->value) || ret->value > tw_protobuf_size(message))
            return -1;
        ret->bytes = (struct tw_protobuf){message->at, message->at + ret->value};
        message->at += ret->value;
        return 1;
    }
    return -1;
}

static inline bool tw_protobuf_is(const struct tw_protobuf_field *field, uint32_t number,
                                  enum tw_wire wire)
{
    return field->number == number && field->wire == wire;
}

static inline double tw_protobuf_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float tw_protobuf_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

#endif
