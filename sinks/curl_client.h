/* What the sinks that speak through libcurl share. */
#ifndef TW_CURL_CLIENT_H
#define TW_CURL_CLIENT_H

#include "telemetry/error.h"

#include <curl/curl.h>

/* A handle with what every transfer of ours has: no signals, verified TLS, time-outs,
 * no redirects, an error buffer (of CURL_ERROR_SIZE, kept by the caller). `ca_file` may be NULL:
 * the system's. NULL when out of memory. */
CURL *tw_curl_new(char *error_buffer, const char *ca_file, double timeout_seconds);

/* Why the transfer that the handle has just done failed, and what to do, as one clause. `code` is
 * not CURLE_OK; `place` is the address, or as much of it as may be told. Returns `buffer`. */
const char *tw_curl_reason(CURL *curl, CURLcode code, const char *error_buffer, const char *place,
                           char *buffer, size_t size);

/* Makes transfers on this handle stop soon once `*flag` is not 0 (an atomic int of the sink's). */
void tw_curl_stop_on(CURL *curl, int *flag);

#endif
