/* Escaping for the two languages of a page. */
#include "agent/html_text.h"

#include "agent/run_summary.h"

#include "advisories/json_text.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        switch (byte) {
        case '&':
        case '<':
        case '>':
        case '"':
        case '\'':
            fprintf(out, "&#%d;", byte);
            break;
        default:
            if (byte < 0x20 && byte != '\n' && byte != '\t')
                fputs("\xef\xbf\xbd", out);
            else
                putc(byte, out);
        }
    }
}

void tw_html_text(FILE *out, const char *text)
{
    json_t *string = tw_json_string(text); /* makes UTF-8 of it */
    put_escaped(out, string ? json_string_value(string) : "");
    json_decref(string);
}

void tw_html_element(FILE *out, const char *open, const char *text)
{
    fprintf(out, "<%s>", open);
    tw_html_text(out, text);
    fprintf(out, "</%.*s>\n", (int)strcspn(open, " "), open);
}

void tw_html_number(FILE *out, double value)
{
    char exact[TW_NUMBER_TEXT_SIZE], brief[32];
    tw_short_number(value, brief, sizeof brief);
    fprintf(out, "<data value=\"%s\">%s</data>",
            isfinite(value) ? tw_number_text(value, exact) : brief, brief);
}

void tw_html_step(FILE *out, uint64_t step)
{
    fprintf(out, "<data value=\"%llu\">%llu</data>", (unsigned long long)step,
            (unsigned long long)step);
}

void tw_html_json_string(FILE *out, const char *text)
{
    json_t *string = tw_json_string(text);
    char *dumped = string ? json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
    for (const char *at = dumped ? dumped : "\"\""; *at; at++) {
        if (strchr("<>&", *at))
            fprintf(out, "\\u%04x", (unsigned)*at);
        else
            putc(*at, out);
    }
    free(dumped);
    json_decref(string);
}
