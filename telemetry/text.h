/* Text of fixed size that came from outside: cut at character boundaries, always valid UTF-8. */
#ifndef TW_TEXT_H
#define TW_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* True when all `size` bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool tw_text_is_utf8(const char *text, size_t size);

/* Turns each byte that belongs to no well-formed character into '?'. */
void tw_text_make_utf8(char *text, size_t size);

/* Copies as many whole characters as fit into `to_size` bytes with the final NUL; never fails. */
void tw_text_copy(char *to, size_t to_size, const char *from, size_t size);

/* How many bytes the first character of `text` has if it is one that steers a terminal, begins a
 * line or turns the direction of what follows: C0 and C1 controls, DEL, line and paragraph
 * separators, marks and overrides of direction (UTF-8). 0 for all others. */
size_t tw_control_size(const char *text, size_t size);

#endif
