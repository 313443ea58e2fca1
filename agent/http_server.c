/* Answers from the published figures. */
#include "agent/http_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define CONNECTION_SECONDS 10

struct tw_http_server {
    struct tw_metrics *metrics;
    struct MHD_Daemon *daemon;
    char address[320];
};

/* ---- answers ---- */

/* Sends `body`, which was allocated unless it is NULL. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              char *body, size_t size)
{
    static char sorry[] = "out of memory\n";
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(sizeof sorry - 1, sorry, MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", body ? type : "text/plain");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result result =
        MHD_queue_response(connection, body ? status : MHD_HTTP_INTERNAL_SERVER_ERROR, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
                                   const char *text)
{
    char *body = NULL;
    int size = asprintf(&body, "%s\n", text);
    return answer(connection, status, "text/plain; charset=utf-8", size < 0 ? NULL : body,
                  size < 0 ? 0 : (size_t)size);
}

static enum MHD_Result give_metrics(struct tw_http_server *server,
                                    struct MHD_Connection *connection)
{
    size_t size = 0;
    char *text = tw_metrics_text(server->metrics, &size);
    return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, size);
}

static enum MHD_Result give_healthy(struct tw_http_server *server,
                                    struct MHD_Connection *connection)
{
    (void)server;
    return answer_text(connection, MHD_HTTP_OK, "healthy");
}

static enum MHD_Result give_ready(struct tw_http_server *server, struct MHD_Connection *connection)
{
    char reason[300];
    if (tw_metrics_is_ready(server->metrics, reason, sizeof reason))
        return answer_text(connection, MHD_HTTP_OK, "ready");
    return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, reason);
}

static enum MHD_Result give_status(struct tw_http_server *server, struct MHD_Connection *connection)
{
    char *text = tw_metrics_status(server->metrics);
    return answer(connection, MHD_HTTP_OK, "application/json", text, text ? strlen(text) : 0);
}

static const struct page {
    const char *path;
    enum MHD_Result (*give)(struct tw_http_server *server, struct MHD_Connection *connection);
} pages[] = {
    {"/metrics", give_metrics},
    {"/-/healthy", give_healthy},
    {"/-/ready", give_ready},
    {"/-/status", give_status},
};

static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static char begun;
    (void)version, (void)upload;
    /* First it is called with the headers alone: an answer then would close the connection. */
    if (!*state || *upload_size) {
        *state = &begun;
        *upload_size = 0; /* a body means nothing here: read past it */
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered");
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!strcmp(path, pages[i].path))
            return pages[i].give(closure, connection);
    }
    return answer_text(connection, MHD_HTTP_NOT_FOUND,
                       "there are /metrics, /-/healthy, /-/ready and /-/status");
}

/* ---- listening ---- */

int tw_http_split(const char *listen, char *host, size_t size, unsigned *port)
{
    const char *colon = strrchr(listen, ':');
    char *end = NULL;
    if (!colon || colon == listen || colon[1] < '0' || colon[1] > '9')
        return -EINVAL;
    long number = strtol(colon + 1, &end, 10);
    size_t length = (size_t)(colon - listen);
    if (*end || number > 65535 || length >= size)
        return -EINVAL;
    bool is_bracketed = listen[0] == '[' && colon[-1] == ']' && length > 2;
    if (!is_bracketed && (memchr(listen, ':', length) || memchr(listen, '[', length)))
        return -EINVAL;
    snprintf(host, size, "%.*s", (int)(is_bracketed ? length - 2 : length),
             is_bracketed ? listen + 1 : listen);
    *port = (unsigned)number;
    return 0;
}

/* A listening socket, or negative. */
static int listen_on(const struct addrinfo *address)
{
    int yes = 1;
    int handle =
        socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    if (handle < 0)
        return -errno;
    /* An agent that is started again finds its port in TIME_WAIT; two at once still collide. */
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (!bind(handle, address->ai_addr, address->ai_addrlen) && !listen(handle, SOMAXCONN))
        return handle;
    int code = -errno;
    close(handle);
    return code;
}

static int open_socket(const char *listen, struct tw_error *error)
{
    char host[256], service[16];
    unsigned port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    if (tw_http_split(listen, host, sizeof host, &port))
        return tw_error_at(error, -EINVAL, "http.listen", 0, 0,
                           "'%.64s' is not ADDRESS:PORT, such as " TW_HTTP_LISTEN, listen);
    snprintf(service, sizeof service, "%u", port);
    int code = getaddrinfo(host, service, &hints, &found);
    if (code)
        return tw_error_at(error, -EINVAL, "http.listen", 0, 0, "%.64s: %s", listen,
                           gai_strerror(code));
    int handle = listen_on(found);
    freeaddrinfo(found);
    if (handle == -EADDRINUSE)
        return tw_error_at(error, handle, "http.listen", 0, 0,
                           "%.64s is in use, perhaps by another agent; choose another port (0: any "
                           "free one), or 'none'",
                           listen);
    if (handle < 0)
        return tw_error_at(error, handle, "http.listen", 0, 0, "cannot listen on %.64s: %s", listen,
                           strerror(-handle));
    return handle;
}

static void note_address(struct tw_http_server *server, int handle)
{
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    char host[256] = "?", port[16] = "?";
    if (!getsockname(handle, (struct sockaddr *)&own, &size))
        getnameinfo((struct sockaddr *)&own, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_ipv6 = strchr(host, ':');
    snprintf(server->address, sizeof server->address, "%s%s%s:%s", is_ipv6 ? "[" : "", host,
             is_ipv6 ? "]" : "", port);
}

static struct MHD_Daemon *start_thread(struct tw_http_server *server, int listener)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the daemon's thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET,
        (MHD_socket)listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

int tw_http_server_start(struct tw_http_server **ret, const char *listen,
                         struct tw_metrics *metrics, struct tw_error *error)
{
    int listener = open_socket(listen, error);
    if (listener < 0)
        return listener;
    struct tw_http_server *server = calloc(1, sizeof *server);
    if (server) {
        server->metrics = metrics;
        note_address(server, listener);
        server->daemon = start_thread(server, listener);
    }
    if (!server || !server->daemon) {
        free(server);
        close(listener);
        return tw_error_at(error, -ENOMEM, "http.listen", 0, 0, "cannot start the server's thread");
    }
    *ret = server;
    return 0;
}

const char *tw_http_server_address(const struct tw_http_server *server)
{
    return server->address;
}

void tw_http_server_stop(struct tw_http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon); /* closes the socket */
    free(server);
}
