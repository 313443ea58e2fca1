/* Signatures of webhooks. */
#include "config.h"

#include "sinks/webhook/signature.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tw_webhook_signature(const char *secret, int64_t seconds, const char *body,
                                 char buffer[TW_SIGNATURE_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char *text = NULL;
    int n = asprintf(&text, "%" PRId64 ".%s", seconds, body);
    if (n < 0)
        return NULL;
    bool is_fine = HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text,
                        (size_t)n, digest, &size) != NULL;
    free(text);
    if (!is_fine || size != 32)
        return NULL;
    strcpy(buffer, "sha256=");
    for (unsigned i = 0; i < size; i++)
        snprintf(buffer + 7 + 2 * i, 3, "%02x", digest[i]);
    return buffer;
}
