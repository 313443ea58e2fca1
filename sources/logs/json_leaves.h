/* The leaves of a JSON document, each under its path: {"a":{"b":1}} has the leaf "a/b". */
#ifndef TW_JSON_LEAVES_H
#define TW_JSON_LEAVES_H

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

/* Gets one leaf: what is no object, or an object that has a key "_type" (as Weights & Biases mark
 * their own kinds). Returns 0, or a negative error, which ends the walk. */
typedef int tw_json_leaf(void *closure, const char *name, const json_t *leaf);

/* Walks over the leaves of `text`, of which a path may be 500 bytes long and 16 objects deep; what
 * is beyond is passed over. NaN and Infinity may stand as words. `prefix` comes before each path,
 * and is the name of a document that is a leaf itself. Returns 0, -EBADMSG for what is no JSON,
 * -ENOMEM, or what `give` returned. */
int tw_json_leaves(const char *text, size_t size, const char *prefix, tw_json_leaf *give,
                   void *closure);

/* The same of a document that is parsed already. */
int tw_json_leaves_of(const json_t *document, const char *prefix, tw_json_leaf *give,
                      void *closure);

/* The number of a leaf: a number, true (1) and false (0), "nan" and "inf" in any spelling of
 * theirs. */
bool tw_json_leaf_number(const json_t *leaf, double *ret);

/* A leaf as text, for free(): strings as they are, anything else in JSON. NULL when out of
 * memory. */
char *tw_json_leaf_text(const json_t *leaf);

#endif
