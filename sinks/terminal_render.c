/* A block of lines for one advisory: what, since when, the evidence, what to change and why. */
#include "sinks/terminal.h"

#include "sinks/document.h"
#include "sinks/kibana.h"

#include "telemetry/error.h"

#include "telemetry/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define RESET "\033[0m"
#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define GREEN "\033[1;32m"
#define BLUE "\033[1;34m"

/* A hyperlink's beginning and end (OSC 8). */
#define LINK "\033]8;;%s\033\\"

struct page {
    FILE *stream;
    bool is_coloured, has_links;
    size_t width;
    const char *view; /* the run's; NULL: none */
};

static void paint(struct page *page, const char *colour)
{
    if (page->is_coloured)
        fputs(colour, page->stream);
}

void tw_terminal_print_clean(FILE *stream, const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t control = tw_control_size(text + i, size - i);
        fputc(control ? '?' : text[i], stream);
        i += control ? control : 1;
    }
}

static size_t count_columns(const char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

/* Prints `label` and then `text`, wrapped, with every line of it at column `indent`. */
static void print_wrapped(struct page *page, const char *label, const char *text, size_t indent)
{
    size_t column = indent;
    bool is_first = true;
    fprintf(page->stream, "%-*s", (int)indent, label);
    while (*text) {
        size_t size = strcspn(text, " \n\t"), columns = count_columns(text, size);
        if (!is_first && column + 1 + columns > page->width) {
            fprintf(page->stream, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            fputc(' ', page->stream);
            column++;
        }
        tw_terminal_print_clean(page->stream, text, size);
        column += columns;
        is_first = false;
        text += size + strspn(text + size, " \n\t");
    }
    fputc('\n', page->stream);
}

static void print_label(struct page *page, const char *colour, const char *text)
{
    paint(page, colour);
    for (const char *at = text; *at; at++)
        fputc(*at == '_' ? ' ' : toupper((unsigned char)*at), page->stream);
    paint(page, RESET);
}

static void print_heading(struct page *page, const struct tw_document *document)
{
    static const char *const colours[] = {BLUE, YELLOW, RED};
    char title[256];
    if (tw_document_is_over(document))
        print_label(page, GREEN, document->action);
    else
        print_label(page, colours[tw_document_severity(document)], document->severity);
    bool is_link = page->view && page->has_links;
    fputs("  ", page->stream);
    paint(page, BOLD);
    if (is_link)
        fprintf(page->stream, LINK, page->view);
    tw_document_title(document, title, sizeof title);
    tw_terminal_print_clean(page->stream, title, strlen(title));
    if (is_link)
        fprintf(page->stream, LINK, "");
    paint(page, RESET);
    if (!strcmp(document->action, "escalated"))
        fputs(", grown worse", page->stream);
    else if (!strcmp(document->action, "still_open"))
        fputs(", not over when the run ended", page->stream);
    fputc('\n', page->stream);
}

static void print_when(struct page *page, const struct tw_document *document)
{
    char line[512];
    double confidence = json_number_value(json_object_get(document->trainward, "confidence"));
    int n = snprintf(line, sizeof line, "run %s, since step %" PRIu64 ", found at step %" PRIu64,
                     document->run_name, tw_document_step(document, "onset_step"),
                     tw_document_step(document, "detected_step"));
    if (tw_document_is_over(document) && n < (int)sizeof line)
        n += snprintf(line + n, sizeof line - (size_t)n, ", %s at step %" PRIu64, document->action,
                      tw_document_step(document, "closed_step"));
    if (n < (int)sizeof line)
        snprintf(line + n, sizeof line - (size_t)n, ", confidence %.0f %%", confidence * 100);
    print_wrapped(page, "  ", line, 2);
}

/* The advice stands in the advisory of the cause; here is only what that one leaves open. */
static void print_cause(struct page *page, const struct tw_document *document)
{
    const char *cause = tw_document_text(document->trainward, "follows_from");
    if (cause[0])
        print_wrapped(page, "  follows from  ", cause, 16);
}

static void print_suggestion(struct page *page, const json_t *suggestion, bool is_first)
{
    char change[256], verify[256];
    tw_document_change(suggestion, false, change, sizeof change);
    tw_document_verify(suggestion, verify, sizeof verify);
    paint(page, BOLD);
    print_wrapped(page, is_first ? "  change  " : "  or      ", change, 10);
    paint(page, RESET);
    print_wrapped(page, "  why     ", tw_document_text(suggestion, "why"), 10);
    if (verify[0])
        print_wrapped(page, "  verify  ", verify, 10);
}

/* A screen holds so many; the parameters of the others are named. */
#define SUGGESTIONS_SHOWN 3

static void print_others(struct page *page, const json_t *list)
{
    char names[512] = "";
    size_t used = 0;
    for (size_t i = SUGGESTIONS_SHOWN; i < json_array_size(list) && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                 tw_document_text(json_array_get(list, i), "parameter"));
    if (used)
        print_wrapped(page, "  or      ", names, 10);
}

static void print_suggestions(struct page *page, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && i < SUGGESTIONS_SHOWN; i++)
        print_suggestion(page, json_array_get(list, i), i == 0);
    print_others(page, list);
}

/* Where a click cannot show it: with the first block of an episode, whole, so that it can be
 * copied. */
static void print_view(struct page *page, const struct tw_document *document)
{
    if (page->view && !page->has_links && !strcmp(document->action, "opened"))
        fprintf(page->stream, "  view    %s\n", page->view);
}

static void print_episode(struct page *page, const struct tw_document *document)
{
    char evidence[512];
    print_heading(page, document);
    print_when(page, document);
    if (tw_document_evidence(document, evidence, sizeof evidence)[0])
        print_wrapped(page, "  ", evidence, 2);
    print_cause(page, document);
    if (tw_document_is_over(document))
        return;
    print_suggestions(page, json_object_get(document->trainward, "suggestions"));
    print_view(page, document);
}

static void print_run(struct page *page, const struct tw_document *document)
{
    const char *verdict = tw_document_text(document->trainward, "verdict");
    const json_t *entry, *list = json_object_get(document->trainward, "not_checked");
    char line[512];
    size_t i;
    print_label(page,
                !strcmp(verdict, "healthy")   ? GREEN
                : !strcmp(verdict, "problem") ? YELLOW
                                              : BLUE,
                verdict);
    snprintf(line, sizeof line, "run %s %s at step %" PRIu64, document->run_name, document->action,
             tw_document_step(document, "step"));
    print_wrapped(page, "  ", line, 2);
    json_array_foreach(list, i, entry)
    {
        snprintf(line, sizeof line, "%s: %s", tw_document_text(entry, "detector"),
                 tw_document_text(entry, "reason"));
        print_wrapped(page, "  not checked  ", line, 15);
    }
}

static void print_feedback(struct page *page, const struct tw_document *document)
{
    print_label(page, BLUE, document->action);
    print_wrapped(page, "  ", document->message, 2);
}

static void print_document(struct page *page, const struct tw_document *document)
{
    if (document->is_episode)
        print_episode(page, document);
    else if (document->is_feedback)
        print_feedback(page, document);
    else
        print_run(page, document);
}

char *tw_terminal_render(const char *text, const struct tw_terminal_style *style)
{
    struct tw_document document;
    char reason[128], view[TW_KIBANA_URL_MAX], *block = NULL;
    size_t size = 0;
    if (!tw_document_parse(&document, text, strlen(text), reason, sizeof reason))
        return NULL;
    struct page page = {.is_coloured = style->is_coloured,
                        .has_links = style->has_links,
                        .width = style->width ? style->width : 80,
                        .view = style->kibana ? tw_kibana_run_url(style->kibana, document.run, view)
                                              : NULL};
    page.stream = open_memstream(&block, &size);
    if (page.stream) {
        print_document(&page, &document);
        if (fclose(page.stream)) {
            free(block);
            block = NULL;
        }
    }
    tw_document_release(&document);
    return block;
}
