/* How programs log in to Elasticsearch, Kibana and their like over HTTP. */
#ifndef TW_HTTP_LOGIN_H
#define TW_HTTP_LOGIN_H

#include "telemetry/error.h"

#include <curl/curl.h>

/* At most one of api_key, bearer_token, and username with password; borrowed, NULL where unset. */
struct tw_http_login {
    const char *api_key; /* "id:key", or base64 of that: both are handed out */
    const char *bearer_token, *username, *password;
};

/* Says which of them contradict each other, or would break a header. */
int tw_http_login_check(const struct tw_http_login *login, struct tw_error *error);

/* "Authorization: ApiKey ..." or "Authorization: Bearer ...", in `*ret`, for tw_http_header_free();
 * NULL for a login by name, or none. Returns 0 or -ENOMEM. */
int tw_http_login_header(const struct tw_http_login *login, char **ret, struct tw_error *error);
/* A login by name, for all transfers of the handle; the others are the header. */
void tw_http_login_by_name(CURL *curl, const struct tw_http_login *login);
void tw_http_header_free(char *header); /* overwrites it first; NULL is allowed */

#endif
