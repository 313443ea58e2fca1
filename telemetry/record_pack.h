/* Records one behind another in memory, each as small as it is: for handing many over to another
 * thread, whose processor has to fetch every byte. Of one program only: no wire form. */
#ifndef TW_RECORD_PACK_H
#define TW_RECORD_PACK_H

#include "telemetry/record.h"

/* Room that any record fits into, in bytes. */
#define TW_RECORD_PACK_MAX (sizeof(struct tw_record) + 64)

/* Writes `record` to `to`, which has TW_RECORD_PACK_MAX bytes of room and is aligned to 8, and
 * returns how many it took, a multiple of 8. What the record owns belongs to the bytes then; the
 * record is to be cleared before it is used again. `before` is the one that was packed before it as
 * far as its run and attempt go, all zeros in the beginning, and becomes this one. */
size_t tw_record_pack(struct tw_record *record, struct tw_record *before, void *to);

/* Makes `ret` the record that was packed at `from`, and owner of what that owned, and returns how
 * many bytes it took. `ret` is an initialised record, and the same for all that were packed with
 * one `before`, in their order. */
size_t tw_record_unpack(struct tw_record *ret, const void *from);

#endif
