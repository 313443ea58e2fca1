/* A small picture of one signal with the place where a problem began, for a mail. */
#ifndef TW_MAIL_CHART_H
#define TW_MAIL_CHART_H

#include "telemetry/error.h"

struct json_t; /* jansson's */

#define TW_MAIL_CHART_WIDTH                                                                        \
    560 /* as mails show it; the picture has twice as many pixels each way */
#define TW_MAIL_CHART_HEIGHT 220

/* Draws {signal, points: [[step, value or null], ...], onset_step, detected_step} as a PNG file.
 * null (and what is not finite) is a gap. Values that span more than two powers of ten, all above
 * zero, get a logarithmic scale. `*ret` is new memory for free(). -ENODATA: fewer than two points
 * with a value. */
int tw_mail_chart(unsigned char **ret, size_t *ret_size, const struct json_t *chart,
                  struct tw_error *error);

#endif
