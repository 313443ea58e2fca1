/* An HTTP answer's body, gathered up to a ceiling. */
#ifndef TW_HTTP_ANSWER_H
#define TW_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct tw_http_answer {
    size_t max; /* bytes; set by the caller */
    size_t size, room;
    bool is_too_large; /* more came than `max`: the transfer was cut there */
    char *bytes;       /* end in NUL; NULL while there is none. Owned */
};

/* For CURLOPT_WRITEFUNCTION, with the struct as CURLOPT_WRITEDATA. */
size_t tw_http_answer_take(char *bytes, size_t one, size_t n, void *answer);
/* Before the next transfer: keeps the room. */
void tw_http_answer_clear(struct tw_http_answer *answer);
/* "" while there is none. */
const char *tw_http_answer_text(const struct tw_http_answer *answer);
void tw_http_answer_release(struct tw_http_answer *answer);

#endif
