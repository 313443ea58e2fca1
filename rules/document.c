/* A YAML document with the places of its nodes, on libyaml. */
#include "rules/document.h"
#include "telemetry/nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int parser_error(const yaml_parser_t *parser, const char *place, struct tw_error *error)
{
    bool has_mark = parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR ||
                    parser->error == YAML_COMPOSER_ERROR;
    const yaml_mark_t *mark = has_mark ? &parser->problem_mark : &parser->mark;
    if (parser->error == YAML_MEMORY_ERROR)
        return tw_error_at(error, -ENOMEM, place, 0, 0, "out of memory");
    return tw_error_at(error, -EINVAL, place, (unsigned)mark->line + 1, (unsigned)mark->column + 1,
                       "not valid YAML: %s", parser->problem ? parser->problem : "unreadable");
}

static bool start_parser(yaml_parser_t *parser, const char *text, size_t size)
{
    if (!yaml_parser_initialize(parser))
        return false;
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)text, size);
    return true;
}

#define DEPTH_MAX 32

/* Returns by how much the depth changes. */
static int depth_change(yaml_event_type_t type)
{
    switch (type) {
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return 1;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return -1;
    default:
        return 0;
    }
}

/* A pass over the events alone, which gives up at the first that is too deep: libyaml takes time
 * with the square of the depth (a minute for 200 kB of "["). */
static int refuse_depth(const char *text, size_t size, const char *place, struct tw_error *error)
{
    yaml_parser_t parser;
    yaml_event_t event;
    int depth = 0, result = 0;
    bool is_over = false;
    if (!start_parser(&parser, text, size))
        return tw_error_at(error, -ENOMEM, place, 0, 0, "out of memory");
    while (!result && !is_over) {
        if (!yaml_parser_parse(&parser, &event)) {
            result = parser_error(&parser, place, error);
            break;
        }
        depth += depth_change(event.type);
        is_over = event.type == YAML_STREAM_END_EVENT;
        if (depth > DEPTH_MAX)
            result = tw_error_at(error, -EINVAL, place, (unsigned)event.start_mark.line + 1,
                                 (unsigned)event.start_mark.column + 1,
                                 "nested deeper than %d levels", DEPTH_MAX);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return result;
}

/* One document is all that we read; a second one would be ignored without a word. */
static int refuse_second(yaml_parser_t *parser, const char *place, struct tw_error *error)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second))
        return parser_error(parser, place, error);
    yaml_node_t *root = yaml_document_get_root_node(&second);
    int result = 0;
    if (root)
        result = tw_error_at(error, -EINVAL, place, (unsigned)root->start_mark.line + 1,
                             (unsigned)root->start_mark.column + 1,
                             "a second document; a file of rules is one list");
    yaml_document_delete(&second);
    return result;
}

int tw_yaml_document_load(struct tw_yaml_document *ret, const char *text, size_t size,
                          const char *place, struct tw_error *error)
{
    yaml_parser_t parser;
    *ret = (struct tw_yaml_document){.place = place, .text = text, .size = size, .error = error};
    int result = refuse_depth(text, size, place, error);
    if (result)
        return result;
    if (!start_parser(&parser, text, size))
        return tw_error_at(error, -ENOMEM, place, 0, 0, "out of memory");
    ret->is_loaded = yaml_parser_load(&parser, &ret->yaml);
    if (!ret->is_loaded)
        result = parser_error(&parser, place, error);
    else
        ret->root = yaml_document_get_root_node(&ret->yaml);
    if (!result && ret->root)
        result = refuse_second(&parser, place, error);
    yaml_parser_delete(&parser);
    if (result)
        tw_yaml_document_release(ret);
    return result;
}

void tw_yaml_document_release(struct tw_yaml_document *document)
{
    if (document->is_loaded)
        yaml_document_delete(&document->yaml);
    document->is_loaded = false;
    document->root = NULL;
}

/* ---- errors with their place ---- */

static int fail_at(struct tw_yaml_document *document, size_t line, size_t column,
                   const char *format, va_list arguments)
{
    char text[sizeof document->error->text];
    vsnprintf(text, sizeof text, format, arguments);
    return tw_error_at(document->error, -EINVAL, document->place, (unsigned)line, (unsigned)column,
                       "%s", text);
}

int tw_yaml_document_fail(struct tw_yaml_document *document, const yaml_node_t *node,
                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = fail_at(document, node->start_mark.line + 1, node->start_mark.column + 1, format,
                         arguments);
    va_end(arguments);
    return result;
}

int tw_yaml_document_fail_inside(struct tw_yaml_document *document, const yaml_node_t *node,
                                 size_t offset, unsigned line, const char *format, ...)
{
    va_list arguments;
    size_t at_line = node->start_mark.line + 1, at_column = node->start_mark.column + 1;
    yaml_scalar_style_t style = node->data.scalar.style;
    bool is_block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
    if (!is_block && offset <= node->data.scalar.length &&
        node->start_mark.line == node->end_mark.line) {
        at_column += offset + (style != YAML_PLAIN_SCALAR_STYLE);
    } else if (style == YAML_LITERAL_SCALAR_STYLE && line > 0) {
        at_line += line; /* the text starts on the line after its "|" */
        at_column = 0;
    }
    va_start(arguments, format);
    int result = fail_at(document, at_line, at_column, format, arguments);
    va_end(arguments);
    return result;
}

/* ---- nodes ---- */

const char *tw_yaml_document_scalar(const yaml_node_t *node, size_t *ret_size)
{
    if (!node || node->type != YAML_SCALAR_NODE ||
        memchr(node->data.scalar.value, '\0', node->data.scalar.length))
        return NULL;
    if (ret_size)
        *ret_size = node->data.scalar.length;
    return (const char *)node->data.scalar.value;
}

static size_t pair_count(const yaml_node_t *mapping)
{
    return (size_t)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
}

static yaml_node_t *pair_key(struct tw_yaml_document *document, const yaml_node_t *mapping,
                             size_t i)
{
    return yaml_document_get_node(&document->yaml, mapping->data.mapping.pairs.start[i].key);
}

yaml_node_t *tw_yaml_document_find(struct tw_yaml_document *document, const yaml_node_t *mapping,
                                   const char *key)
{
    for (size_t i = 0; i < pair_count(mapping); i++) {
        const char *name = tw_yaml_document_scalar(pair_key(document, mapping, i), NULL);
        if (name && !strcmp(name, key))
            return yaml_document_get_node(&document->yaml,
                                          mapping->data.mapping.pairs.start[i].value);
    }
    return NULL;
}

static int refuse_key(struct tw_yaml_document *document, const yaml_node_t *node, const char *what,
                      const char *const *keys, size_t n)
{
    size_t length;
    const char *key = tw_yaml_document_scalar(node, &length);
    if (!key)
        return tw_yaml_document_fail(document, node, "a key of %s must be a word", what);
    const char *nearest = tw_nearest_bytes(key, length, keys, n);
    if (nearest)
        return tw_yaml_document_fail(
            document, node, "unknown key '%.60s' in %s; did you mean '%s'?", key, what, nearest);
    return tw_yaml_document_fail(document, node, "unknown key '%.60s' in %s", key, what);
}

#define KEYS_MAX 32

int tw_yaml_document_check_keys(struct tw_yaml_document *document, yaml_node_t *mapping,
                                const char *what, const char *const *keys, size_t n)
{
    bool is_seen[KEYS_MAX] = {false};
    if (mapping->type != YAML_MAPPING_NODE)
        return tw_yaml_document_fail(document, mapping, "%s must be a mapping (key: value)", what);
    for (size_t i = 0; i < pair_count(mapping); i++) {
        yaml_node_t *node = pair_key(document, mapping, i);
        const char *key = tw_yaml_document_scalar(node, NULL);
        size_t found = 0;
        while (key && found < n && strcmp(keys[found], key))
            found++;
        if (!key || found >= n || found >= COUNT(is_seen))
            return refuse_key(document, node, what, keys, n);
        if (is_seen[found])
            return tw_yaml_document_fail(document, node, "'%s' comes twice in %s", key, what);
        is_seen[found] = true;
    }
    return 0;
}

size_t tw_yaml_document_length(const yaml_node_t *sequence)
{
    return (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start);
}

yaml_node_t *tw_yaml_document_item(struct tw_yaml_document *document, const yaml_node_t *sequence,
                                   size_t index)
{
    return yaml_document_get_node(&document->yaml, sequence->data.sequence.items.start[index]);
}

/* ---- excerpts ---- */

static const char *next_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline + 1 : end;
}

static bool is_blank_or_comment(const char *line, const char *end)
{
    while (line < end && (*line == ' ' || *line == '\t' || *line == '\r' || *line == '\n'))
        line++;
    return line == end || *line == '#';
}

/* Marks count characters and libyaml knows five line breaks: for an odd file the excerpt is off,
 * and still inside the text. */
char *tw_yaml_document_excerpt(const struct tw_yaml_document *document, const yaml_node_t *node)
{
    const char *at = document->text, *end = document->text + document->size;
    size_t first = node->start_mark.line, last = node->end_mark.line, length = 0, kept = 0;
    if (node->end_mark.column > 0)
        last++;
    for (size_t line = 0; line < first && at < end; line++)
        at = next_line(at, end);
    char *excerpt = malloc((size_t)(end - at) + 1);
    for (size_t line = first; excerpt && line < last && at < end; line++) {
        const char *next = next_line(at, end), *from = at;
        size_t indent = node->start_mark.column;
        while (from < next && indent-- > 0 && (*from == ' ' || line == first))
            from++;
        memcpy(excerpt + length, from, (size_t)(next - from));
        length += (size_t)(next - from);
        if (!is_blank_or_comment(at, next))
            kept = length;
        at = next;
    }
    if (excerpt)
        excerpt[kept] = '\0';
    return excerpt;
}
