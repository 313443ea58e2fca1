/* The agent's HTTP server, a thread of its own by libmicrohttpd:
 *
 *     GET /metrics     Prometheus' text format 0.0.4
 *     GET /-/healthy   200: the process answers
 *     GET /-/ready     200 once it works; else 503 with the reason
 *     GET /-/status    one JSON object
 *
 * It changes nothing and asks for no login: listen on the loop-back only, or where all may read. */
#ifndef TW_HTTP_SERVER_H
#define TW_HTTP_SERVER_H

#include "metrics.h"

/* Where it listens unless the configuration says otherwise. */
#define TW_HTTP_LISTEN "127.0.0.1:9464"

struct tw_http_server;

/* `listen`: "127.0.0.1:9464", "[::1]:9464", "localhost:0" (any free port). */
int tw_http_server_start(struct tw_http_server **ret, const char *listen,
                         struct tw_metrics *metrics, struct tw_error *error);
/* "127.0.0.1:41233": with the port that it really has. */
const char *tw_http_server_address(const struct tw_http_server *server);
void tw_http_server_stop(struct tw_http_server *server); /* NULL is allowed */

/* "HOST:PORT" in parts. -EINVAL when it is not of this form. */
int tw_http_split(const char *listen, char *host, size_t size, unsigned *port);

#endif
