/* Rate limits, one for each destination: a bucket of tokens that fills by the hour. Pure. */
#ifndef TW_NOTIFY_LIMITS_H
#define TW_NOTIFY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct json_t; /* jansson's */

struct tw_limits_state {
    double per_hour;     /* 0: no limit */
    struct json_t *full; /* {destination: {tokens, at_ms}}; NULL: none was used yet */
};

bool tw_limit_has_token(const struct tw_limits_state *limits, const char *destination,
                        int64_t now_ms);
/* Takes one; false when out of memory. */
bool tw_limit_take(struct tw_limits_state *limits, const char *destination, int64_t now_ms);

#endif
