/* Single values of a record, from tokens: each checks the type and the range and names the field
 * when they do not fit. Each returns 1, or -EBADMSG. */
#ifndef TW_READER_VALUES_H
#define TW_READER_VALUES_H

#include "telemetry/reader.h"

/* The error of a field `name` that should have been `wanted`. */
int tw_value_mismatch(const struct tw_token *token, const char *name, const char *wanted,
                      struct tw_error *error);

/* True for a text that stands for a number: nan, inf, -inf and their spellings. */
bool tw_value_is_nonfinite_word(const struct tw_token *token, double *ret);

/* True for a number, and for a text that stands for one. */
static inline bool tw_value_is_number(const struct tw_token *token, double *ret)
{
    if (token->type != TW_TOKEN_INTEGER && token->type != TW_TOKEN_NUMBER)
        return tw_value_is_nonfinite_word(token, ret);
    *ret = token->number;
    return true;
}

/* A whole number from 0 to `max`; 10.0 is one. */
int tw_value_any_count(const struct tw_token *token, const char *name, uint64_t max, uint64_t *ret,
                       struct tw_error *error);

/* The same, without a call for the numbers that come. */
static inline int tw_value_count(const struct tw_token *token, const char *name, uint64_t max,
                                 uint64_t *ret, struct tw_error *error)
{
    if (token->type != TW_TOKEN_INTEGER || token->is_negative || token->integer > max)
        return tw_value_any_count(token, name, max, ret, error);
    *ret = token->integer;
    return 1;
}

int tw_value_time(const struct tw_token *token, const char *name, int64_t *ret,
                  struct tw_error *error);
/* An integer of 64 bits, or a text of up to 16 hexadecimal digits. */
int tw_value_hash(const struct tw_token *token, const char *name, uint64_t *ret,
                  struct tw_error *error);
/* Also -EPROTONOSUPPORT. */
int tw_value_version(const struct tw_token *token, struct tw_error *error);

/* A text that is cut to fit. */
int tw_value_text(const struct tw_token *token, const char *name, char *ret, size_t size,
                  struct tw_error *error);
/* A text that is refused when it does not fit or is no UTF-8. */
int tw_value_identity(const struct tw_token *token, const char *name, char *ret, size_t size,
                      struct tw_error *error);
/* The index of one of the words. */
int tw_value_word(const struct tw_token *token, const char *name, const char *const *words,
                  size_t n, uint32_t *ret, struct tw_error *error);

/* A typed array, or a list whose `null` is NaN, into TW_LAYERS_MAX floats. Also 0 and -... as the
 * reader's `fill`. */
int tw_value_floats(struct tw_reader *reader, const struct tw_token *token, const char *name,
                    float *ret, uint32_t *ret_n, struct tw_error *error);

#endif
