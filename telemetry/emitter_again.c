/* A doubly linked list: what comes is nearly always the newest. */
#include "telemetry/emitter_again.h"

#include <stdlib.h>
#include <string.h>

static bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

bool tw_again_keep(struct tw_again *again, uint32_t serial, uint32_t tag, const void *data,
                   size_t size)
{
    if (size > again->bytes_max - again->bytes)
        return false;
    struct tw_again_message *message = malloc(sizeof *message + size);
    if (!message)
        return false;
    *message = (struct tw_again_message){.serial = serial, .tag = tag, .size = size};
    memcpy(message->data, data, size);
    struct tw_again_message *before = again->last;
    while (before && is_before(serial, before->serial))
        before = before->previous;
    message->previous = before;
    message->next = before ? before->next : again->first;
    *(message->next ? &message->next->previous : &again->last) = message;
    *(before ? &before->next : &again->first) = message;
    again->bytes += size;
    return true;
}

struct tw_again_message *tw_again_take(struct tw_again *again)
{
    struct tw_again_message *first = again->first;
    if (!first)
        return NULL;
    again->first = first->next;
    *(first->next ? &first->next->previous : &again->last) = NULL;
    again->bytes -= first->size;
    return first;
}
