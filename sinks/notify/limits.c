/* Rate limits. */
#include "sinks/notify/limits.h"

#include <jansson.h>

#define HOUR_MS 3600000.0

static double tokens_at(const struct tw_limits_state *limits, const char *destination,
                        int64_t now_ms)
{
    const json_t *bucket = json_object_get(limits->full, destination);
    if (!bucket)
        return limits->per_hour;
    double at_ms = json_number_value(json_object_get(bucket, "at_ms"));
    double passed = (double)now_ms - at_ms; /* a clock that was set back fills nothing */
    double tokens = json_number_value(json_object_get(bucket, "tokens")) +
                    (passed > 0 ? passed / HOUR_MS * limits->per_hour : 0);
    return tokens < limits->per_hour ? tokens : limits->per_hour;
}

bool tw_limit_has_token(const struct tw_limits_state *limits, const char *destination,
                        int64_t now_ms)
{
    return limits->per_hour <= 0 || tokens_at(limits, destination, now_ms) >= 1;
}

bool tw_limit_take(struct tw_limits_state *limits, const char *destination, int64_t now_ms)
{
    if (limits->per_hour <= 0)
        return true;
    if (!limits->full && !(limits->full = json_object()))
        return false;
    double left = tokens_at(limits, destination, now_ms) - 1;
    return !json_object_set_new(
        limits->full, destination,
        json_pack("{s:f, s:I}", "tokens", left > 0 ? left : 0.0, "at_ms", (json_int_t)now_ms));
}
