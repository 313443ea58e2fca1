/* What a finding advises: from what to what, as a line to copy, why, and how to see that it worked.
 */
#include "agent/report_page.h"

#include "agent/html_text.h"
#include "agent/report.h"

#include "rules/number.h"

#include <math.h>
#include <string.h>

#define DIGITS "0123456789"
#define WORD "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_" DIGITS

static void write_value(FILE *out, const struct tw_value *value)
{
    if (value->type == TW_VALUE_NUMBER)
        tw_html_number(out, value->number);
    else
        tw_html_text(out, value->text);
}

static bool knows_to(const struct tw_suggestion *suggestion)
{
    return suggestion->to.type != TW_VALUE_NULL;
}

static const struct tw_value *value_of(const struct tw_suggestion *suggestion)
{
    return knows_to(suggestion) ? &suggestion->to : &suggestion->change;
}

/* By what is to be done with the value: `set` where it is the new one. */
static const char *sign_of(const struct tw_suggestion *suggestion, const char *set,
                           const char *multiply, const char *add)
{
    if (knows_to(suggestion) || suggestion->op == TW_CHANGE_SET)
        return set;
    return suggestion->op == TW_CHANGE_MULTIPLY ? multiply : add;
}

/* "0.5 -> 0.05"; where the present value is not known, what to do with it. */
static void write_change(FILE *out, const struct tw_suggestion *suggestion)
{
    fputs("<p class=\"change\"><code>", out);
    tw_html_text(out, suggestion->parameter);
    fputs("</code>", out);
    if (suggestion->from.type != TW_VALUE_NULL) {
        putc(' ', out);
        write_value(out, &suggestion->from);
    }
    fputs(sign_of(suggestion, " &rarr; ", " &times; ", " + "), out);
    write_value(out, value_of(suggestion));
    fputs("</p>\n", out);
}

/* "train/lr" and "lr_a, lr_b" cannot be assigned to. */
static bool is_identifier(const char *text)
{
    return *text && !strchr(DIGITS, *text) && !text[strspn(text, WORD)];
}

/* What the log calls a parameter that it has readings of: "lr". */
static const char *name_of(const char *parameter, const struct tw_analysis *analysis,
                           const struct tw_run *run)
{
    for (int i = 0; i < TW_SIGNALS; i++) {
        if (!run->core.signal_counts[i] || strcmp(tw_signal_name((enum tw_signal)i), parameter))
            continue;
        const char *raw = tw_report_raw_name(analysis, run, (enum tw_signal)i);
        return is_identifier(raw) ? raw : parameter;
    }
    return parameter;
}

/* The change as Python spells it: "lr = 0.05", "init_gain *= 0.5", "precision = 'bf16'". A text of
 * several words ("layer_norm before fc3") is for people only. */
static void write_assignment(FILE *out, const struct tw_suggestion *suggestion, const char *name)
{
    const struct tw_value *value = value_of(suggestion);
    const char *text = value->text, *quote = "'";
    char number[32];
    if (value->type == TW_VALUE_NUMBER) {
        /* A fraction that was a 32-bit float has further digits, which nobody wrote. */
        tw_number_format(number, sizeof number,
                         value->number == floor(value->number) ? NULL : "%.6g", value->number);
        text = number, quote = "";
    } else if (text[strspn(text, WORD "-.+")])
        return;
    else if (!strcmp(text, "true") || !strcmp(text, "false"))
        text = *text == 't' ? "True" : "False", quote = "";
    fputs("<pre class=\"assignment\"><code>", out);
    tw_html_text(out, name);
    fprintf(out, " %s %s%s%s</code></pre>\n", sign_of(suggestion, "=", "*=", "+="), quote, text,
            quote);
}

static void write_verify(FILE *out, const struct tw_suggestion *suggestion)
{
    if (!suggestion->verify.signal[0])
        return;
    fputs("<p class=\"verify\">It worked if ", out);
    tw_html_text(out, suggestion->verify.signal);
    fprintf(out, " is %s ", suggestion->verify.is_below ? "below" : "above");
    tw_html_number(out, suggestion->verify.limit);
    fputs(" within ", out);
    tw_html_step(out, suggestion->verify.within_steps);
    fputs(" steps.</p>\n", out);
}

void tw_report_page_advice(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                           const struct tw_episode_advisory *advisory)
{
    if (!advisory->n_suggestions)
        return;
    fputs("<ul class=\"suggestions\">\n", out);
    for (size_t i = 0; i < advisory->n_suggestions; i++) {
        const struct tw_suggestion *suggestion = &advisory->suggestions[i];
        fputs("<li>", out);
        write_change(out, suggestion);
        write_assignment(out, suggestion, name_of(suggestion->parameter, analysis, run));
        tw_html_element(out, "p", suggestion->why);
        write_verify(out, suggestion);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}
