/* Documents of JSON that may be half-written. */
#ifndef TW_LOG_JSON_OBJECTS_H
#define TW_LOG_JSON_OBJECTS_H

#include <jansson.h>

#include <stddef.h>

/* Parses a whole document, with NaN and Infinity as words. 0, -EBADMSG or -ENOMEM; `*ret` is for
 * json_decref(). */
int tw_json_parse(const char *text, size_t size, json_t **ret);

/* The beginning of a document as a document: up to the last member or element that is whole, and
 * whatever is open closed. From malloc(), with a NUL behind; NULL: out of memory, or nothing whole.
 */
char *tw_json_close(const char *text, size_t size, size_t *ret_size);

/* Gets one element; a result other than 0 ends the walk. */
typedef int tw_json_element(void *closure, const json_t *element);

/* The elements of an array whose '[' is `*text`. 0 in `*ret`: all of them are well; -EBADMSG: the
 * array is half-written, or damaged; what is whole was given; -ENOMEM, or what `give` returned.
 * Returns where it ends: behind its ']'. */
const char *tw_json_each_element(const char *text, size_t size, tw_json_element *give,
                                 void *closure, int *ret);

/* Behind the object or array that begins at `at`; NULL where it is not whole. */
const char *tw_json_behind_brackets(const char *at, const char *end);

/* Where the array under the outermost object's key begins: at its '['; NULL where there is none. */
const char *tw_json_find_array(const char *text, size_t size, const char *key);

#endif
