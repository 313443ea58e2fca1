/* libcurl, set up the same way everywhere, and its failures in words. */
#include "sinks/curl_client.h"

#include "sinks/fault.h"

#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A connection that takes longer than this is as good as refused. */
#define CONNECT_SECONDS_MAX 10.0

static void initialise(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

CURL *tw_curl_new(char *error_buffer, const char *ca_file, double timeout_seconds)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    CURL *curl = curl_easy_init();
    if (!curl)
        return NULL;
    double connect_seconds =
        timeout_seconds < CONNECT_SECONDS_MAX ? timeout_seconds : CONNECT_SECONDS_MAX;
    error_buffer[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_buffer);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_seconds * 1000));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_seconds * 1000));
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    return curl;
}

static const char *remedy(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "is the host's name right?";
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time: is it overloaded, or a firewall between?";
    case CURLE_SSL_CACERT_BADFILE:
        return "ca_file cannot be read as PEM certificates";
    case CURLE_SSL_CONNECT_ERROR:
        return "no TLS there: does it want an unencrypted connection on this port?";
    case CURLE_GOT_NOTHING:
        return "it hung up: does it want TLS on this port?";
    case CURLE_USE_SSL_FAILED:
        return "the server offers no STARTTLS: use another port, or smtps://";
    case CURLE_UNSUPPORTED_PROTOCOL:
        return "something else answers on this port";
    case CURLE_LOGIN_DENIED:
        return "the server refused the login: check username and password";
    case CURLE_ABORTED_BY_CALLBACK:
        return "interrupted";
    default:
        return NULL;
    }
}

/* The host of an address, without the brackets of an IPv6 one. */
static const char *host_of(const char *place, char *buffer, size_t size)
{
    const char *scheme = strstr(place, "://"), *host = scheme ? scheme + 3 : place;
    size_t length = strcspn(host, ":/?#");
    if (*host == '[') {
        host++;
        length = strcspn(host, "]");
    }
    snprintf(buffer, size, "%.*s", (int)length, host);
    return buffer;
}

/* libcurl compares the name itself, before it asks OpenSSL what it thinks of the rest: the result
 * is then still the "unspecified" that it began with. */
static const char *certificate_reason(CURL *curl, const char *place, char *buffer, size_t size)
{
    long code = X509_V_OK;
    char host[256], fault[256];
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &code);
    if (code == X509_V_OK || code == X509_V_ERR_UNSPECIFIED)
        code = X509_V_ERR_HOSTNAME_MISMATCH;
    host_of(place, host, sizeof host);
    snprintf(buffer, size, "%s: %s", place, tw_tls_fault(code, host, fault, sizeof fault));
    return buffer;
}

const char *tw_curl_reason(CURL *curl, CURLcode code, const char *error_buffer, const char *place,
                           char *buffer, size_t size)
{
    const char *detail = error_buffer[0] ? error_buffer : curl_easy_strerror(code);
    const char *what_to_do = remedy(code);
    long number = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT)
        what_to_do = tw_connect_fault((int)number);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return certificate_reason(curl, place, buffer, size);
    if (what_to_do)
        snprintf(buffer, size, "%s: %s; %s", place, detail, what_to_do);
    else
        snprintf(buffer, size, "%s: %s", place, detail);
    return buffer;
}

static int on_progress(void *flag, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    (void)down_total, (void)down, (void)up_total, (void)up;
    return __atomic_load_n((int *)flag, __ATOMIC_RELAXED);
}

void tw_curl_stop_on(CURL *curl, int *flag)
{
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, flag);
}
