/* Answers grow by doubling, and stop growing at their ceiling. */
#include "sinks/http_answer.h"

#include <stdlib.h>
#include <string.h>

size_t tw_http_answer_take(char *bytes, size_t one, size_t n, void *opaque)
{
    struct tw_http_answer *answer = opaque;
    (void)one;
    if (n > answer->max - answer->size) {
        answer->is_too_large = true;
        return 0;
    }
    if (answer->size + n + 1 > answer->room) {
        size_t room = 2 * (answer->size + n + 1);
        char *grown = realloc(answer->bytes, room);
        if (!grown)
            return 0;
        answer->bytes = grown;
        answer->room = room;
    }
    memcpy(answer->bytes + answer->size, bytes, n);
    answer->size += n;
    answer->bytes[answer->size] = '\0';
    return n;
}

void tw_http_answer_clear(struct tw_http_answer *answer)
{
    answer->size = 0;
    answer->is_too_large = false;
}

const char *tw_http_answer_text(const struct tw_http_answer *answer)
{
    return answer->size ? answer->bytes : "";
}

void tw_http_answer_release(struct tw_http_answer *answer)
{
    free(answer->bytes);
    *answer = (struct tw_http_answer){.max = answer->max};
}
