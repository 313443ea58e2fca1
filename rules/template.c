/* Texts with the run's numbers in them. */
#include "rules/template.h"
#include "rules/number.h"

#include "telemetry/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES_MAX 64

struct parser {
    struct tw_template *template;
    struct tw_sandbox *sandbox;
    const char *text;
    size_t size, at, literal_from;
    unsigned groups, group; /* how many began; the one we are in, 0 = none */
    struct tw_expression_fault *fault;
};

static int refuse(struct parser *parser, size_t offset, const char *what)
{
    parser->fault->offset = offset;
    snprintf(parser->fault->text, sizeof parser->fault->text, "%s", what);
    return -EINVAL;
}

static int add_piece(struct parser *parser, struct tw_template_piece **ret)
{
    struct tw_template *template = parser->template;
    if (template->n == PIECES_MAX)
        return refuse(parser, parser->at, "a text of more than 64 parts");
    struct tw_template_piece *grown =
        realloc(template->pieces, (template->n + 1) * sizeof *template->pieces);
    if (!grown)
        return -ENOMEM;
    template->pieces = grown;
    *ret = &grown[template->n++];
    **ret = (struct tw_template_piece){.group = parser->group};
    return 0;
}

static int end_literal(struct parser *parser)
{
    struct tw_template_piece *piece;
    if (parser->literal_from == parser->at)
        return 0;
    int result = add_piece(parser, &piece);
    if (result)
        return result;
    piece->literal =
        strndup(parser->text + parser->literal_from, parser->at - parser->literal_from);
    return piece->literal ? 0 : -ENOMEM;
}

/* "%g", "%.3f", "%.10e": one number, nothing else, so that printf() can be trusted with it. */
static bool is_format(const char *format, size_t length)
{
    size_t at = 1;
    if (length < 2 || format[0] != '%')
        return false;
    if (format[at] == '.') {
        size_t digits = 0;
        for (at++; at < length && format[at] >= '0' && format[at] <= '9'; at++)
            digits++;
        if (digits < 1 || digits > 2)
            return false;
    }
    return at + 1 == length && strchr("gfe", format[at]);
}

/* The end of the expression that starts at `from`: its "}" or the ":%" before it. */
static size_t find_end(const struct parser *parser, size_t from, const char *stop)
{
    char quote = '\0';
    for (size_t i = from; i < parser->size; i++) {
        char c = parser->text[i];
        if (quote) {
            if (c == '\\')
                i++;
            else if (c == quote)
                quote = '\0';
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (parser->size - i >= strlen(stop) &&
                   !memcmp(parser->text + i, stop, strlen(stop))) {
            return i;
        }
    }
    return parser->size;
}

static int parse_expression(struct parser *parser)
{
    struct tw_template_piece *piece;
    size_t start = parser->at + 1, end = find_end(parser, start, "}");
    if (end == parser->size)
        return refuse(parser, parser->at, "a '{' without its '}'; a plain brace is '{{'");
    size_t colon = find_end(parser, start, ":%"), expression_end = colon < end ? colon : end;
    int result = add_piece(parser, &piece);
    if (result)
        return result;
    if (colon < end) {
        if (!is_format(parser->text + colon + 1, end - colon - 1))
            return refuse(parser, colon + 1, "a format is %g, %f or %e, as in {x:%.3g}");
        memcpy(piece->format, parser->text + colon + 1, end - colon - 1);
    }
    result = tw_expression_compile(parser->sandbox, parser->text + start, expression_end - start,
                                   true, &piece->expression, parser->fault);
    if (result && parser->fault->offset != TW_NO_OFFSET)
        parser->fault->offset += start;
    parser->at = end + 1;
    return result;
}

static int parse_bracket(struct parser *parser)
{
    bool is_open = parser->text[parser->at] == '[';
    if (is_open && parser->group)
        return refuse(parser, parser->at, "a '[' inside of '['; a plain bracket is '[['");
    if (!is_open && !parser->group)
        return refuse(parser, parser->at, "a ']' without its '['; a plain bracket is ']]'");
    parser->group = is_open ? ++parser->groups : 0;
    parser->at++;
    return 0;
}

/* At one of the four signs. Doubled, it becomes the first byte of the next literal. */
static int parse_sign(struct parser *parser)
{
    char sign = parser->text[parser->at];
    int result = end_literal(parser);
    if (result)
        return result;
    if (parser->at + 1 < parser->size && parser->text[parser->at + 1] == sign) {
        parser->literal_from = parser->at + 1;
        parser->at += 2;
        return 0;
    }
    if (sign == '{')
        result = parse_expression(parser);
    else if (sign == '}')
        result = refuse(parser, parser->at, "a '}' without its '{'; a plain brace is '}}'");
    else
        result = parse_bracket(parser);
    parser->literal_from = parser->at;
    return result;
}

static int parse(struct parser *parser)
{
    int result = 0;
    while (!result && parser->at < parser->size) {
        if (memchr("{}[]", parser->text[parser->at], 4))
            result = parse_sign(parser);
        else
            parser->at++;
    }
    if (!result)
        result = end_literal(parser);
    if (!result && parser->group)
        result = refuse(parser, parser->size, "a '[' without its ']'; a plain bracket is '[['");
    return result;
}

int tw_template_parse(struct tw_template *ret, struct tw_sandbox *sandbox, const char *text,
                      size_t size, struct tw_expression_fault *fault)
{
    struct tw_template template = {0};
    while (size > 0 && strchr(" \r\n\t", text[size - 1]) && text[size - 1])
        size--;
    struct parser parser = {
        .template = &template, .sandbox = sandbox, .text = text, .size = size, .fault = fault};
    *fault = (struct tw_expression_fault){.offset = TW_NO_OFFSET};
    int result = size ? parse(&parser) : refuse(&parser, 0, "is empty");
    if (result) {
        if (result == -ENOMEM && !fault->text[0])
            snprintf(fault->text, sizeof fault->text, "out of memory");
        tw_template_release(&template, sandbox);
        return result;
    }
    *ret = template;
    return 0;
}

void tw_template_release(struct tw_template *text, struct tw_sandbox *sandbox)
{
    for (size_t i = 0; i < text->n; i++) {
        free(text->pieces[i].literal);
        tw_sandbox_release(sandbox, text->pieces[i].expression);
    }
    free(text->pieces);
    *text = (struct tw_template){0};
}

/* ---- rendering ---- */

struct output {
    char *text;
    size_t size, length;
};

static void put(struct output *output, const char *text)
{
    size_t length = strlen(text);
    tw_text_copy(output->text + output->length, output->size - output->length, text, length);
    output->length += strlen(output->text + output->length);
}

/* 1, 0 when the value is unknown, or -EINVAL. */
static int put_piece(struct output *output, const struct tw_template_piece *piece,
                     struct tw_sandbox *sandbox, const struct tw_inputs *inputs,
                     struct tw_fault *fault)
{
    struct tw_result value;
    char number[64];
    if (piece->literal) {
        put(output, piece->literal);
        return 1;
    }
    int result = tw_sandbox_evaluate(sandbox, piece->expression, inputs, &value, fault);
    if (result)
        return result;
    switch (value.type) {
    case TW_RESULT_UNKNOWN:
        return 0;
    case TW_RESULT_TEXT:
        put(output, value.text);
        return 1;
    case TW_RESULT_NUMBER:
        if (tw_number_format(number, sizeof number, piece->format[0] ? piece->format : NULL,
                             value.number) < 0)
            tw_number_format(number, sizeof number, "%.4g", value.number);
        put(output, number);
        return 1;
    case TW_RESULT_BOOL:
    case TW_RESULT_OBJECT:
        break;
    }
    snprintf(fault->text, sizeof fault->text, "a text can only hold numbers and texts");
    return -EINVAL;
}

int tw_template_render(const struct tw_template *text, struct tw_sandbox *sandbox,
                       const struct tw_inputs *inputs, char *ret, size_t size,
                       struct tw_fault *fault)
{
    struct output output = {.text = ret, .size = size};
    ret[0] = '\0';
    for (size_t i = 0; i < text->n;) {
        unsigned group = text->pieces[i].group;
        size_t group_from = output.length;
        int result = 1;
        for (; result > 0 && i < text->n && text->pieces[i].group == group; i++)
            result = put_piece(&output, &text->pieces[i], sandbox, inputs, fault);
        if (result < 0 || (result == 0 && group == 0))
            return result;
        if (result == 0) { /* leave the whole [part] out */
            output.length = group_from;
            ret[group_from] = '\0';
            while (i < text->n && text->pieces[i].group == group)
                i++;
        }
    }
    return 1;
}
