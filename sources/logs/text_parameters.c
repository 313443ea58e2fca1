/* Settings that a program tells of at its start: argparse's "Namespace(lr=20, model='GRU')",
 * a command line ("python train.py --lr=5e-4 --epochs 6"), and the dotted list of Megatron-LM
 * and DeepSpeed ("  adam_beta1 ...................... 0.9"). */
#include "sources/logs/text_log.h"

#include <ctype.h>
#include <string.h>

static int tell(const struct tw_log_sink *sink, const char *name, size_t name_size,
                const char *value, size_t size)
{
    char name_text[100], value_text[200];
    if (!name_size || name_size >= sizeof name_text || !size || size >= sizeof value_text)
        return 0;
    if (size > 1 && strchr("'\"", *value) && value[size - 1] == *value)
        value++, size -= 2;
    for (size_t i = 0; i < name_size; i++)
        name_text[i] = (unsigned char)name[i] < 128 ? name[i] : '?';
    for (size_t i = 0; i < size; i++)
        value_text[i] = (unsigned char)value[i] < 128 ? value[i] : '?';
    name_text[name_size] = value_text[size] = '\0';
    return sink->parameter(sink->closure, NULL, name_text, value_text);
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '/';
}

static const char *behind_name(const char *at, const char *end)
{
    while (at < end && is_name(*at))
        at++;
    return at;
}

/* To the ',' or ')' behind a value; those in quotes and brackets are its own. */
static const char *behind_value(const char *at, const char *end)
{
    unsigned depth = 0;
    char quote = 0;
    for (; at < end; at++) {
        if (quote) {
            quote = *at == quote ? 0 : quote;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        } else if (!depth && (*at == ',' || *at == ')')) {
            break;
        } else if (strchr("([{", *at)) {
            depth++;
        } else if (strchr(")]}", *at) && depth) {
            depth--;
        }
    }
    return at;
}

static int take_namespace(const char *at, const char *end, const struct tw_log_sink *sink)
{
    int result = 0;
    while (at < end && !result) {
        const char *name_end = behind_name(at, end);
        if (name_end == end || *name_end != '=' || name_end == at)
            break;
        const char *to = behind_value(name_end + 1, end);
        result = tell(sink, at, (size_t)(name_end - at), name_end + 1, (size_t)(to - name_end - 1));
        for (at = to; at < end && (*at == ',' || *at == ' '); at++)
            ;
    }
    return result ? result : 1;
}

static const char *behind_word(const char *at, const char *end)
{
    while (at < end && *at != ' ')
        at++;
    return at;
}

static int take_command(const char *at, const char *end, const struct tw_log_sink *sink)
{
    int result = 0;
    while (!result && (at = tw_text_behind(at, (size_t)(end - at), " --"))) {
        const char *name_end = behind_name(at, end), *value = name_end;
        if (value < end && (*value == '=' || *value == ' '))
            value++;
        const char *to = behind_word(value, end);
        bool has_value = to > value && !tw_text_begins(value, (size_t)(end - value), "--");
        result = tell(sink, at, (size_t)(name_end - at), has_value ? value : "true",
                      has_value ? (size_t)(to - value) : 4);
        at = name_end;
    }
    return result ? result : 1;
}

static int take_dotted(const char *line, const char *dots, const char *end,
                       const struct tw_log_sink *sink)
{
    const char *to = dots, *value = dots + 1;
    while (to > line && !is_name(to[-1]))
        to--;
    const char *from = to;
    while (from > line && is_name(from[-1]))
        from--;
    while (value < end && *value == '.')
        value++;
    if (from == to || value == end || *value != ' ')
        return 0;
    int result = tell(sink, from, (size_t)(to - from), value + 1, (size_t)(end - value - 1));
    return result ? result : 1;
}

/* Behind the first `n` of the byte in a row, or NULL: quicker than memmem where it is rare. */
static const char *behind_run(const char *at, const char *end, char byte, int n)
{
    int length = 0;
    while (length < n && (at = memchr(at, byte, (size_t)(end - at)))) {
        for (length = 0; at < end && *at == byte && length < n; length++)
            at++;
    }
    return at;
}

int tw_text_parameters_line(struct tw_text_log *log, const char *line, size_t size,
                            const struct tw_log_sink *sink)
{
    const char *end = line + size, *at;
    (void)log;
    if (size < 10)
        return 0;
    if (memchr(line, '(', size) && (at = tw_text_behind(line, size, "Namespace(")))
        return take_namespace(at, end, sink);
    if ((at = behind_run(line, end, '-', 2)) && at - 3 > line && at[-3] == ' ' &&
        tw_text_behind(line, size, "python") && tw_text_behind(line, size, ".py "))
        return take_command(at - 3, end, sink);
    at = behind_run(line, end, '.', 4);
    return at && at - 5 > line && at[-5] == ' ' ? take_dotted(line, at - 4, end, sink) : 0;
}
