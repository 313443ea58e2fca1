/* trainward-esmtp: sends mails by libesmtp for the transport "esmtp", in a process that may hang,
 * crash and be killed. Lines of JSON in, a line of JSON out for each (sinks/mail/esmtp.c). */
#include "sinks/mail/session.h"

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond the time-out, for when nobody is left to kill us. */
#define GRACE_SECONDS 10

static void answer(enum tw_mail_result result, const char *reason, bool is_last)
{
    json_t *line = json_pack("{s:i, s:s%, s:b}", "result", (int)result, "reason", reason,
                             strlen(reason), "is_last", (int)is_last);
    if (!line) /* a server's words that are no UTF-8 */
        line = json_pack("{s:i, s:s, s:b}", "result", (int)result, "reason",
                         "no reason that is text", "is_last", (int)is_last);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

static bool serve(const json_t *request)
{
    struct tw_mail_server server = {0};
    struct tw_mail_envelope envelope = {0};
    int tls = 0;
    json_t *message = json_object_get(request, "message");
    if (json_unpack((json_t *)(size_t)request, "{s:s, s:i, s?s, s?s, s?s, s:F, s?s, s?s}", "url",
                    &server.url, "tls", &tls, "username", &server.username, "password",
                    &server.password, "ca_file", &server.ca_file, "timeout", &server.timeout,
                    "from", &envelope.from, "recipient", &envelope.recipient))
        return false;
    server.tls = (enum tw_mail_tls)tls;
    envelope.message = json_string_value(message);
    envelope.size = json_string_length(message);
    bool is_mail = envelope.message && envelope.from && envelope.recipient;
    alarm((unsigned)ceil(server.timeout) + GRACE_SECONDS);
    tw_mail_session(&server, is_mail ? &envelope : NULL, answer);
    alarm(0);
    return true;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool is_good = true;
    signal(SIGPIPE, SIG_IGN);
    while (is_good && (length = getline(&line, &room, stdin)) > 0) {
        json_t *request = json_loadb(line, (size_t)length, 0, NULL);
        is_good = request && serve(request);
        json_decref(request);
        explicit_bzero(line, (size_t)length); /* it holds the password */
    }
    free(line);
    return is_good ? 0 : 2;
}
