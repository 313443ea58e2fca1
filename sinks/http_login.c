/* Logins over HTTP: what belongs together, and the header. */
#include "sinks/http_login.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tw_http_login_check(const struct tw_http_login *login, struct tw_error *error)
{
    const char *secrets[] = {login->api_key, login->bearer_token};
    if (!!login->api_key + !!login->bearer_token + !!login->username > 1)
        return tw_error_set(error, -EINVAL,
                            "api_key, bearer_token and username exclude each other");
    for (size_t i = 0; i < 2; i++) {
        if (secrets[i] && strpbrk(secrets[i], "\r\n"))
            return tw_error_set(error, -EINVAL, "%s: it holds a line break",
                                i ? "bearer_token" : "api_key");
    }
    if ((!login->username) != (!login->password))
        return tw_error_set(error, -EINVAL, "username and password belong together");
    return 0;
}

static char *base64(const char *text)
{
    size_t n = strlen(text);
    char *ret = malloc(4 * ((n + 2) / 3) + 1);
    if (ret)
        EVP_EncodeBlock((unsigned char *)ret, (const unsigned char *)text, (int)n);
    return ret;
}

int tw_http_login_header(const struct tw_http_login *login, char **ret, struct tw_error *error)
{
    const char *key = login->api_key, *token = login->bearer_token;
    *ret = NULL;
    if (!key && !token)
        return 0;
    char *encoded = key && strchr(key, ':') ? base64(key) : strdup(key ? key : token);
    int n =
        encoded ? asprintf(ret, "Authorization: %s %s", key ? "ApiKey" : "Bearer", encoded) : -1;
    tw_http_header_free(encoded);
    if (n >= 0)
        return 0;
    *ret = NULL;
    return tw_error_set(error, -ENOMEM, "out of memory");
}

void tw_http_login_by_name(CURL *curl, const struct tw_http_login *login)
{
    if (!login->username)
        return;
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, login->username);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, login->password);
}

void tw_http_header_free(char *header)
{
    if (header)
        explicit_bzero(header, strlen(header));
    free(header);
}
