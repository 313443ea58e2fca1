/* A mail's HTML: one column that a telephone can show, inline styles only, no images, no scripts.
 */
#include "sinks/mail_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CELL "padding:6px 10px;border-bottom:1px solid #e3e6ea;vertical-align:top;"

static void escape(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            fputs("&amp;", out);
        else if (c == '<')
            fputs("&lt;", out);
        else if (c == '>')
            fputs("&gt;", out);
        else if (c == '"')
            fputs("&quot;", out);
        else if (c == '\'')
            fputs("&#39;", out);
        else if (c >= 0x20 || c == '\n')
            fputc(c, out);
    }
}

static const char *colour(const struct tw_document *document)
{
    static const char *const by_severity[] = {"#1d6fb8", "#b35900", "#b3261e"};
    return tw_document_is_over(document) ? "#1e7d34" : by_severity[tw_document_severity(document)];
}

static void write_band(FILE *out, const struct tw_document *document)
{
    char title[256];
    const char *label = document->severity;
    if (strcmp(document->action, "opened") && strcmp(document->action, "escalated"))
        label = !strcmp(document->action, "still_open") ? "not over" : document->action;
    tw_document_title(document, title, sizeof title);
    title[0] = (char)toupper((unsigned char)title[0]);
    fprintf(out,
            "<div style=\"background:%s;color:#ffffff;padding:14px 16px;\">"
            "<div style=\"font-size:13px;letter-spacing:1px;text-transform:uppercase;\">",
            colour(document));
    escape(out, label);
    fputs("</div>\n<div style=\"font-size:20px;font-weight:bold;\">", out);
    escape(out, title);
    fputs("</div>\n<div style=\"font-size:14px;\">run ", out);
    escape(out, document->run_name);
    fprintf(out, ", since step %" PRIu64 "</div></div>\n",
            tw_document_step(document, "onset_step"));
}

static void write_suggestion(FILE *out, const json_t *suggestion, bool is_first)
{
    char change[256], verify[256];
    tw_document_change(suggestion, true, change, sizeof change);
    tw_document_verify(suggestion, verify, sizeof verify);
    fprintf(out,
            "<div style=\"margin:16px 0;padding:12px 14px;background:#f3f6f9;border-left:4px "
            "solid #1d6fb8;\"><div style=\"font-size:13px;color:#5a6470;\">%s</div>\n",
            is_first ? "Change" : "Or");
    fprintf(out, "<div style=\"font-size:%dpx;font-weight:bold;word-break:break-word;\">",
            is_first ? 22 : 17);
    escape(out, change);
    fputs("</div>\n<div style=\"font-size:15px;margin-top:6px;\">", out);
    escape(out, tw_document_text(suggestion, "why"));
    fputs("</div>\n", out);
    if (verify[0]) {
        fputs("<div style=\"font-size:14px;margin-top:6px;color:#5a6470;\">It worked when: ", out);
        escape(out, verify);
        fputs("</div>", out);
    }
    fputs("</div>\n", out);
}

static void write_row(FILE *out, const char *name, const char *value)
{
    if (!value[0])
        return;
    fputs("<tr><td style=\"" CELL "color:#5a6470;white-space:nowrap;\">", out);
    escape(out, name);
    fputs("</td><td style=\"" CELL "word-break:break-word;\">", out);
    escape(out, value);
    fputs("</td></tr>\n", out);
}

static void write_step_row(FILE *out, const struct tw_document *document, const char *name,
                           const char *field)
{
    char text[32];
    if (!json_is_integer(json_object_get(document->trainward, field)))
        return;
    snprintf(text, sizeof text, "step %" PRIu64, tw_document_step(document, field));
    write_row(out, name, text);
}

/* What a detector put into the evidence beyond the seven fields that all have. */
static void write_extra_rows(FILE *out, const json_t *evidence)
{
    static const char *const known[] = {"statistic",    "value",       "threshold", "baseline",
                                        "window_first", "window_last", "unit"};
    const char *name;
    json_t *value;
    char text[128];
    json_object_foreach((json_t *)(uintptr_t)evidence, name, value)
    {
        bool is_known = strstr(name, "_nonfinite") != NULL;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            is_known |= !strcmp(name, known[i]);
        if (!is_known)
            write_row(out, name, tw_document_value(evidence, name, text, sizeof text));
    }
}

static void write_table(FILE *out, const struct tw_document *document)
{
    const json_t *evidence = json_object_get(document->trainward, "evidence");
    const json_t *labels = json_object_get(document->root, "labels");
    char text[512];
    fputs("<table style=\"border-collapse:collapse;width:100%;font-size:14px;\">\n", out);
    write_row(out, "Evidence", tw_document_evidence(document, text, sizeof text));
    write_extra_rows(out, evidence);
    write_step_row(out, document, "Began", "onset_step");
    write_step_row(out, document, "Found", "detected_step");
    write_step_row(out, document, "Ended", "closed_step");
    snprintf(text, sizeof text, "%.0f %%",
             100 * json_number_value(json_object_get(document->trainward, "confidence")));
    write_row(out, "Confidence", text);
    write_row(out, "Run", document->run);
    write_row(out, "Project", tw_document_text(labels, "project"));
    write_row(out, "Group", tw_document_text(labels, "group"));
    write_row(out, "Host", tw_document_text(json_object_get(document->root, "host"), "name"));
    write_row(out, "User", tw_document_text(json_object_get(document->root, "user"), "name"));
    write_row(out, "Time", document->timestamp);
    fputs("</table>\n", out);
}

static void write_page(FILE *out, const struct tw_document *document)
{
    const json_t *suggestion, *list = json_object_get(document->trainward, "suggestions");
    size_t i;
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
          "<title>trainward</title></head>\n"
          "<body style=\"margin:0;padding:12px;background:#e9edf1;\">\n"
          "<div style=\"max-width:600px;margin:0 auto;background:#ffffff;color:#1c2126;"
          "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
          "line-height:1.4;\">\n",
          out);
    write_band(out, document);
    fputs("<div style=\"padding:14px 16px;\">\n<p style=\"font-size:15px;margin:0 0 12px 0;\">",
          out);
    escape(out, document->message);
    fputs("</p>\n", out);
    if (!tw_document_is_over(document)) {
        json_array_foreach(list, i, suggestion) write_suggestion(out, suggestion, i == 0);
    }
    write_table(out, document);
    fputs("<p style=\"font-size:12px;color:#5a6470;margin:14px 0 0 0;\">trainward, episode ", out);
    escape(out, document->episode_id);
    fputs("</p>\n</div></div></body></html>\n", out);
}

char *tw_mail_html(const struct tw_document *document)
{
    char *html = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&html, &size);
    if (!out)
        return NULL;
    write_page(out, document);
    if (fclose(out)) {
        free(html);
        return NULL;
    }
    return html;
}
