/* A mail's subject and its plain text. */
#include "config.h"

#include "sinks/mail_text.h"

#include "sinks/terminal.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_COLUMNS 72

/* "CRITICAL", or what became of it: "Recovered:", "Withdrawn:", "Not over:". */
static void describe_change(const struct tw_document *document, char *buffer, size_t size)
{
    if (!strcmp(document->action, "recovered")) {
        snprintf(buffer, size, "Recovered:");
    } else if (!strcmp(document->action, "withdrawn")) {
        snprintf(buffer, size, "Withdrawn:");
    } else if (!strcmp(document->action, "still_open")) {
        snprintf(buffer, size, "Not over at the end:");
    } else {
        snprintf(buffer, size, "%s", document->severity);
        for (char *at = buffer; *at; at++)
            *at = (char)toupper((unsigned char)*at);
    }
}

const char *tw_mail_subject(const struct tw_document *document, const char *prefix, char *buffer,
                            size_t size)
{
    char change[64], title[160], amount[200];
    const json_t *suggestions = json_object_get(document->trainward, "suggestions");
    describe_change(document, change, sizeof change);
    tw_document_title(document, title, sizeof title);
    int n = snprintf(buffer, size, "%s%s%s %s in run %s", prefix ? prefix : "",
                     prefix && prefix[0] ? " " : "", change, title, document->run_name);
    if (json_array_size(suggestions) && !tw_document_is_over(document) && n < (int)size)
        snprintf(buffer + n, size - (size_t)n, ": %s",
                 tw_document_change(json_array_get(suggestions, 0), false, amount, sizeof amount));
    return buffer;
}

char *tw_mail_plain(const struct tw_document *document, const char *text)
{
    char *block = tw_terminal_render(text, false, TEXT_COLUMNS), *plain = NULL;
    if (block &&
        asprintf(&plain, "%s\n-- \ntrainward, episode %s\n", block, document->episode_id) < 0)
        plain = NULL;
    free(block);
    return plain;
}
