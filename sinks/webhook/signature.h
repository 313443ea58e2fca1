/* What tells a receiver that a body is ours and new: HMAC-SHA256 over its time and its bytes. */
#ifndef TW_WEBHOOK_SIGNATURE_H
#define TW_WEBHOOK_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#define TW_SIGNATURE_SIZE 72

/* "sha256=" and the hex of HMAC-SHA256(secret, "SECONDS.BODY"). Returns `buffer`, or NULL when
 * libcrypto cannot. */
const char *tw_webhook_signature(const char *secret, int64_t seconds, const char *body,
                                 char buffer[TW_SIGNATURE_SIZE]);

#endif
