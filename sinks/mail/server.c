/* A mail server's settings: what every transport wants of them. */
#include "sinks/mail/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tw_mail_server_is_implicit(const struct tw_mail_server *server)
{
    return !strncmp(server->url, "smtps://", 8);
}

const char *tw_mail_server_host(const struct tw_mail_server *server, char *buffer, size_t size)
{
    const char *host = strstr(server->url, "://") + 3;
    const char *end = *host == '[' ? strchr(host, ']') : NULL;
    if (end)
        host++;
    else
        end = host + strcspn(host, ":/");
    snprintf(buffer, size, "%.*s", (int)(end - host), host);
    return buffer;
}

unsigned tw_mail_server_port(const struct tw_mail_server *server)
{
    const char *host = strstr(server->url, "://") + 3, *end = host + strcspn(host, "/");
    const char *from = *host == '[' ? strchr(host, ']') : host;
    const char *colon = from ? memchr(from, ':', (size_t)(end - from)) : NULL;
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
    return port ? (unsigned)port : tw_mail_server_is_implicit(server) ? 465 : 25;
}

static bool is_local(const struct tw_mail_server *server)
{
    char host[256];
    tw_mail_server_host(server, host, sizeof host);
    return !strcmp(host, "localhost") || !strcmp(host, "::1") || !strncmp(host, "127.", 4);
}

enum tw_mail_tls tw_mail_server_tls(const struct tw_mail_server *server)
{
    if (server->tls != TW_MAIL_TLS_AUTO)
        return server->tls;
    return is_local(server) && !server->username ? TW_MAIL_TLS_NONE : TW_MAIL_TLS_REQUIRED;
}

static bool is_url(const char *url)
{
    return url && (!strncmp(url, "smtp://", 7) || !strncmp(url, "smtps://", 8)) &&
           !strpbrk(url, " \t\r\n\"");
}

int tw_mail_server_check(const struct tw_mail_server *server, struct tw_error *error)
{
    if (!is_url(server->url))
        return tw_error_set(error, -EINVAL,
                            "server: write smtp://host:587 for STARTTLS or smtps://host:465");
    if (strchr(server->url, '@'))
        return tw_error_set(error, -EINVAL,
                            "server: a password does not belong here; use username and "
                            "password_file");
    if ((!server->username) != (!server->password))
        return tw_error_set(error, -EINVAL, "username and password belong together");
    if (server->username && !tw_mail_server_is_implicit(server) && !is_local(server) &&
        tw_mail_server_tls(server) != TW_MAIL_TLS_REQUIRED)
        return tw_error_set(error, -EINVAL,
                            "tls: must be 'required' with a password, which would otherwise travel "
                            "in the clear");
    return 0;
}
