/* Writing a record: one walk over the table of fields, told to a wire form as a sequence of calls.
 * A wire form begins its own struct with a struct tw_writer. */
#ifndef TW_WRITER_H
#define TW_WRITER_H

#include "telemetry/record.h"

struct tw_writer;

struct tw_writer_calls {
    void (*map)(struct tw_writer *writer, size_t pairs);
    void (*map_end)(struct tw_writer *writer);
    void (*list)(struct tw_writer *writer, size_t items);
    void (*list_end)(struct tw_writer *writer);
    void (*key)(struct tw_writer *writer, const char *name, size_t length);
    void (*text)(struct tw_writer *writer, const char *text, size_t length);
    void (*integer)(struct tw_writer *writer, int64_t integer);
    void (*number)(struct tw_writer *writer, double number); /* may be NaN or infinite */
    void (*boolean)(struct tw_writer *writer, bool boolean);
    void (*hash)(struct tw_writer *writer, uint64_t hash);
    void (*floats)(struct tw_writer *writer, const float *values, uint32_t n);
};

struct tw_writer {
    const struct tw_writer_calls *calls;
};

/* No allocation; a writer keeps its own failures. */
void tw_record_write(const struct tw_record *record, struct tw_writer *writer);

#endif
