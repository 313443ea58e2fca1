/* IDX, the format of MNIST: 0 0 TYPE DIMENSIONS, that many sizes as big-endian 32 bit, the values.
 * Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST Database of Handwritten Digits", 1998, "File
 * formats". Of the types only 8, unsigned byte, is read: images and their classes have no other. */
#ifndef TW_IDX_H
#define TW_IDX_H

#include <stddef.h>

struct tw_error;

/* An array of bytes, within the text that it was read from. */
struct tw_idx {
    size_t n;     /* items: the first dimension */
    size_t width; /* bytes of an item: the product of the others, 1 without */
    const unsigned char *values;
};

/* Any bytes are safe. -EBADMSG: no IDX file, another type than bytes, or a size that is not the one
 * that its header tells. `place` names the bytes in errors. */
int tw_idx_read(struct tw_idx *ret, const unsigned char *bytes, size_t size, const char *place,
                struct tw_error *error);

#endif
