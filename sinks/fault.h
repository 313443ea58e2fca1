/* Why a server cannot be talked to, in words that tell what to do. */
#ifndef TW_FAULT_H
#define TW_FAULT_H

#include <stddef.h>

/* Which check of a server's certificate failed; `code` is OpenSSL's X509_V_ERR_..., `host` the name
 * that was asked for. Returns `buffer`. */
const char *tw_tls_fault(long code, const char *host, char *buffer, size_t size);

/* Why there is no connection; `code` is errno's, 0: not known. */
const char *tw_connect_fault(int code);

#endif
