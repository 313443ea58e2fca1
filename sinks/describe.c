/* Advisory documents in words: what the terminal and the mails share. */
#include "sinks/document.h"

#include "advisories/advisory.h"

#include "telemetry/error.h"

#include <inttypes.h>
#include <math.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

/* Text in a buffer of the caller; what does not fit is left off. */
struct words {
    char *buffer;
    size_t size, length;
};

static struct words words_in(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct words){.buffer = buffer, .size = size};
}

static void add(struct words *words, const char *format, ...) TW_PRINTF(2, 3);
static void add(struct words *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n =
        vsnprintf(words->buffer + words->length, words->size - words->length, format, arguments);
    va_end(arguments);
    if (n > 0)
        words->length += (size_t)n;
    if (words->length >= words->size)
        words->length = words->size - 1;
}

const char *tw_document_title(const struct tw_document *document, char *buffer, size_t size)
{
    struct words words = words_in(buffer, size);
    add(&words, "%s", document->detector);
    for (char *at = buffer; *at; at++) {
        if (*at == '-')
            *at = ' ';
    }
    if (!strncmp(document->scope, "layer:", 6))
        add(&words, " in layer %s", document->scope + 6);
    else if (!strncmp(document->scope, "rank:", 5))
        add(&words, " on rank %s", document->scope + 5);
    else if (!strncmp(document->scope, "project:", 8))
        add(&words, " in all of project %s", document->scope + 8);
    return buffer;
}

const char *tw_document_value(const json_t *object, const char *name, char *buffer, size_t size)
{
    const json_t *value = json_object_get(object, name);
    char flag[96];
    if (json_is_number(value)) {
        /* Four digits are what a person compares; a step or a count has more. The document has all.
         */
        double number = json_number_value(value);
        snprintf(buffer, size, number == floor(number) ? "%.15g" : "%.4g", number);
        char *comma = strchr(buffer, ',');
        if (comma)
            *comma = '.';
    } else if (json_is_string(value)) {
        snprintf(buffer, size, "%s", json_string_value(value));
    } else {
        snprintf(flag, sizeof flag, "%s_nonfinite", name);
        snprintf(buffer, size, "%s", tw_document_text(object, flag));
    }
    return buffer;
}

static const char *side_of_threshold(const json_t *evidence)
{
    const json_t *value = json_object_get(evidence, "value");
    const json_t *threshold = json_object_get(evidence, "threshold");
    if (!json_is_number(value) || !json_is_number(threshold))
        return "against";
    double difference = json_number_value(value) - json_number_value(threshold);
    return difference > 0 ? "above" : difference < 0 ? "below" : "at the limit of";
}

const char *tw_document_evidence(const struct tw_document *document, char *buffer, size_t size)
{
    const json_t *evidence = json_object_get(document->trainward, "evidence");
    struct words words = words_in(buffer, size);
    char text[128];
    if (!tw_document_text(evidence, "statistic")[0])
        return buffer;
    add(&words, "%s: %s", tw_document_text(evidence, "statistic"),
        tw_document_value(evidence, "value", text, sizeof text));
    const char *unit = tw_document_text(evidence, "unit");
    double value = json_number_value(json_object_get(evidence, "value"));
    if (tw_evidence_tells_unit(tw_document_text(evidence, "statistic"), unit))
        add(&words, " %.*s", tw_evidence_unit_length(unit, value), unit);
    if (tw_document_value(evidence, "threshold", text, sizeof text)[0])
        add(&words, ", %s %s", side_of_threshold(evidence), text);
    if (tw_document_value(evidence, "baseline", text, sizeof text)[0])
        add(&words, " (normal %s)", text);
    json_int_t first = json_integer_value(json_object_get(evidence, "window_first"));
    json_int_t last = json_integer_value(json_object_get(evidence, "window_last"));
    if (last > first)
        add(&words, ", steps %" PRId64 " to %" PRId64, (int64_t)first, (int64_t)last);
    else if (last)
        add(&words, ", step %" PRId64, (int64_t)last);
    return buffer;
}

const char *tw_document_change(const json_t *suggestion, bool is_unicode, char *buffer, size_t size)
{
    struct words words = words_in(buffer, size);
    const json_t *change = json_object_get(suggestion, "change");
    const char *op = tw_document_text(change, "op"), *times = is_unicode ? "\u00d7" : "x";
    char from[96], to[96], amount[96];
    tw_document_value(suggestion, "from", from, sizeof from);
    tw_document_value(suggestion, "to", to, sizeof to);
    tw_document_value(change, "value", amount, sizeof amount);
    add(&words, "%s ", tw_document_text(suggestion, "parameter"));
    if (from[0] && to[0]) {
        add(&words, "%s %s %s", from, is_unicode ? "\u2192" : "->", to);
        if (!strcmp(op, "multiply"))
            add(&words, " (%s%s)", times, amount);
    } else if (!strcmp(op, "multiply")) {
        add(&words, "%s %s", times, amount);
    } else if (!strcmp(op, "add")) {
        add(&words, "%s%s", amount[0] == '-' ? "" : "+", amount);
    } else {
        add(&words, "%s %s", is_unicode ? "\u2192" : "->", amount);
    }
    return buffer;
}

const char *tw_document_verify(const json_t *suggestion, char *buffer, size_t size)
{
    struct words words = words_in(buffer, size);
    const json_t *verify = json_object_get(suggestion, "verify");
    const char *side = json_object_get(verify, "below") ? "below" : "above";
    char limit[96];
    if (!tw_document_text(verify, "signal")[0])
        return buffer;
    int64_t steps = json_integer_value(json_object_get(verify, "within_steps"));
    add(&words, "%s %s %s within %" PRId64 " step%s", tw_document_text(verify, "signal"), side,
        tw_document_value(verify, side, limit, sizeof limit), steps, steps == 1 ? "" : "s");
    return buffer;
}
