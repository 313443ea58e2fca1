/* Changes for the fuzzer of event files: what is changed is the data of one record, and its length
 * and both checksums are made to fit. Of bytes that are changed anywhere hardly any record would be
 * read behind its checksum. */
#include "sources/logs/crc32c.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define HEAD_BYTES 12u
#define FRAME_BYTES 16u

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);

/* Of the record at `at`, its frame included; 0: there is no whole one. */
static size_t size_of_record(const uint8_t *at, size_t left)
{
    uint64_t length;
    if (left < FRAME_BYTES)
        return 0;
    memcpy(&length, at, sizeof length);
    length = le64toh(length);
    return length > left - FRAME_BYTES ? 0 : (size_t)length + FRAME_BYTES;
}

static size_t count_records(const uint8_t *bytes, size_t size)
{
    size_t n = 0, at = 0, record;
    for (; (record = size_of_record(bytes + at, size - at)); at += record)
        n++;
    return n;
}

static void put_u32(uint8_t *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof value);
}

static void seal(uint8_t *record, size_t length)
{
    uint64_t told = htole64(length);
    memcpy(record, &told, sizeof told);
    put_u32(record + 8, tw_crc32c_masked(record, 8));
    put_u32(record + HEAD_BYTES + length, tw_crc32c_masked(record + HEAD_BYTES, length));
}

/* Changes the data of the record at `at`; returns the new size of all. */
static size_t change_record(uint8_t *bytes, size_t at, size_t size, size_t room)
{
    static uint8_t data[1 << 16];
    size_t record = size_of_record(bytes + at, size - at), length = record - FRAME_BYTES;
    size_t most = length + (room - size);
    if (length > sizeof data || !most)
        return size; /* what is asked for no byte gives one */
    memcpy(data, bytes + at + HEAD_BYTES, length);
    size_t changed = LLVMFuzzerMutate(data, length, most < sizeof data ? most : sizeof data);
    memmove(bytes + at + changed + FRAME_BYTES, bytes + at + record, size - at - record);
    memcpy(bytes + at + HEAD_BYTES, data, changed);
    seal(bytes + at, changed);
    return size - length + changed;
}

/* One time of eight, bytes anywhere. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    size_t n = count_records(bytes, size), at = 0;
    if (!n || seed % 8 == 0 || size > room)
        return LLVMFuzzerMutate(bytes, size, room);
    for (size_t i = seed / 8 % n; i; i--)
        at += size_of_record(bytes + at, size - at);
    return change_record(bytes, at, size, room);
}
