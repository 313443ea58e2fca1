/* The sentence of an advisory that a person reads: what, since when, the numbers, what to change.
 */
#include "advisories/advisory.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text that is put together in a buffer of the caller; what does not fit is left off. */
struct sentence {
    char *buffer;
    size_t size, length;
};

static void add(struct sentence *sentence, const char *format, ...) TW_PRINTF(2, 3);
static void add(struct sentence *sentence, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(sentence->buffer + sentence->length, sentence->size - sentence->length,
                      format, arguments);
    va_end(arguments);
    if (n > 0)
        sentence->length += (size_t)n;
    if (sentence->length >= sentence->size)
        sentence->length = sentence->size - 1;
}

/* Four digits are what a person compares; a step or a count has more. The document's own fields
 * carry all of them. */
static void add_number(struct sentence *sentence, double value)
{
    size_t start = sentence->length;
    add(sentence, value == floor(value) ? "%.15g" : "%.4g", value);
    char *comma = strchr(sentence->buffer + start, ',');
    if (comma)
        *comma = '.';
}

static void add_value(struct sentence *sentence, const struct tw_value *value)
{
    if (value->type == TW_VALUE_NUMBER)
        add_number(sentence, value->number);
    else
        add(sentence, "%s", value->type == TW_VALUE_TEXT ? value->text : "its present value");
}

/* "from 0.3 to 0.03 (x0.1)" where the present value is known. */
static void add_known_change(struct sentence *sentence, const struct tw_suggestion *suggestion)
{
    add(sentence, "Change %s from ", suggestion->parameter);
    add_value(sentence, &suggestion->from);
    add(sentence, " to ");
    add_value(sentence, &suggestion->to);
    if (suggestion->op == TW_CHANGE_MULTIPLY && suggestion->change.type == TW_VALUE_NUMBER) {
        add(sentence, " (x");
        add_value(sentence, &suggestion->change);
        add(sentence, ")");
    }
}

static void add_change(struct sentence *sentence, const struct tw_suggestion *suggestion)
{
    if (suggestion->from.type != TW_VALUE_NULL && suggestion->to.type != TW_VALUE_NULL) {
        add_known_change(sentence, suggestion);
    } else if (suggestion->op == TW_CHANGE_MULTIPLY) {
        add(sentence, "Multiply %s by ", suggestion->parameter);
        add_value(sentence, &suggestion->change);
    } else if (suggestion->op == TW_CHANGE_ADD) {
        add(sentence, "Add ");
        add_value(sentence, &suggestion->change);
        add(sentence, " to %s", suggestion->parameter);
    } else {
        add(sentence, "Set %s to ", suggestion->parameter);
        add_value(sentence, &suggestion->change);
    }
}

const char *tw_suggestion_text(const struct tw_suggestion *suggestion, char *buffer, size_t size)
{
    struct sentence sentence = {.buffer = buffer, .size = size};
    buffer[0] = '\0';
    add_change(&sentence, suggestion);
    return buffer;
}

/* "gradient-explosion", "layer:fc2" -> "gradient explosion in layer fc2". */
static void add_subject(struct sentence *sentence, const struct tw_finding *finding)
{
    size_t start = sentence->length;
    add(sentence, "%s", finding->detector);
    for (char *at = sentence->buffer + start; *at; at++) {
        if (*at == '-')
            *at = ' ';
    }
    if (!strncmp(finding->scope, "layer:", 6))
        add(sentence, " in layer %s", finding->scope + 6);
    else if (!strncmp(finding->scope, "rank:", 5))
        add(sentence, " on rank %s", finding->scope + 5);
    else if (!strncmp(finding->scope, "project:", 8))
        add(sentence, " in all of project %s", finding->scope + 8);
}

static void add_title(struct sentence *sentence, const struct tw_finding *finding)
{
    size_t start = sentence->length;
    add_subject(sentence, finding);
    sentence->buffer[start] = (char)toupper((unsigned char)sentence->buffer[start]);
}

bool tw_evidence_tells_unit(const char *statistic, const char *unit)
{
    return unit[0] && strcmp(unit, "ratio") != 0 && strcmp(unit, "share") != 0 &&
           !strstr(statistic, unit);
}

int tw_evidence_unit_length(const char *unit, double value)
{
    size_t length = strlen(unit);
    bool is_plural = length > 1 && unit[length - 1] == 's';
    return (int)(value == 1 && is_plural ? length - 1 : length);
}

static void add_reading(struct sentence *sentence, double value, const char *unit)
{
    add_number(sentence, value);
    if (unit)
        add(sentence, " %.*s", tw_evidence_unit_length(unit, value), unit);
}

/* ": median of 16 losses is 54 sigma, above 10 (normal: 1)". */
static void add_evidence(struct sentence *sentence, const struct tw_evidence *evidence)
{
    if (!evidence->statistic[0])
        return;
    add(sentence, ": %s is ", evidence->statistic);
    bool tells_unit = tw_evidence_tells_unit(evidence->statistic, evidence->unit);
    add_reading(sentence, evidence->value, tells_unit ? evidence->unit : NULL);
    if (isfinite(evidence->threshold)) {
        add(sentence, ", %s ",
            evidence->value > evidence->threshold   ? "above"
            : evidence->value < evidence->threshold ? "below"
                                                    : "at the limit of");
        add_number(sentence, evidence->threshold);
    }
    if (isfinite(evidence->baseline)) {
        add(sentence, " (normal: ");
        add_number(sentence, evidence->baseline);
        add(sentence, ")");
    }
}

static void add_what_happened(struct sentence *sentence, const struct tw_episode_advisory *advisory)
{
    const struct tw_finding *finding = advisory->finding;
    add_title(sentence, finding);
    if (advisory->action == TW_ACTION_RECOVERED && advisory->transition == 0) {
        /* It was never more than a suspicion: nobody was told that it began. */
        add(sentence, " was suspected from step %" PRIu64 " and had passed by step %" PRIu64,
            finding->onset_step, finding->closed_step);
        return;
    }
    add(sentence, " since step %" PRIu64, finding->onset_step);
    switch (advisory->action) {
    case TW_ACTION_OPENED:
        break;
    case TW_ACTION_ESCALATED:
        add(sentence, " is now %s", tw_severity_name(finding->severity));
        break;
    case TW_ACTION_RECOVERED:
        add(sentence, " is over at step %" PRIu64, finding->closed_step);
        break;
    case TW_ACTION_WITHDRAWN:
        add(sentence, " is withdrawn at step %" PRIu64 ", it did not hold", finding->closed_step);
        break;
    case TW_ACTION_STILL_OPEN:
        add(sentence, " was not over when the run ended at step %" PRIu64, advisory->step);
        break;
    }
}

const char *tw_episode_cause(const struct tw_episode_advisory *advisory, char *buffer, size_t size)
{
    const struct tw_finding *cause = advisory->cause;
    buffer[0] = '\0';
    if (!cause)
        return buffer;
    struct sentence sentence = {.buffer = buffer, .size = size};
    add_subject(&sentence, cause);
    add(&sentence, " since step %" PRIu64, cause->onset_step);
    return buffer;
}

const char *tw_episode_message(const struct tw_episode_advisory *advisory, char *buffer,
                               size_t size)
{
    struct sentence sentence = {.buffer = buffer, .size = size};
    buffer[0] = '\0';
    add_what_happened(&sentence, advisory);
    add_evidence(&sentence, &advisory->finding->evidence);
    add(&sentence, ".");
    char cause[160];
    if (tw_episode_cause(advisory, cause, sizeof cause)[0])
        add(&sentence, " It follows from %s.", cause);
    bool is_over =
        advisory->action == TW_ACTION_RECOVERED || advisory->action == TW_ACTION_WITHDRAWN;
    if (advisory->n_suggestions && !is_over) {
        add(&sentence, " ");
        add_change(&sentence, &advisory->suggestions[0]);
        add(&sentence, ".");
    }
    return buffer;
}
