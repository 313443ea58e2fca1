/* YAML with marks, through libyaml: one document, of bounded depth and size. */
#include "agent/config_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The deepest key is at level 6. libyaml's scanner takes quadratic time in the depth. */
#define DEPTH_MAX 16
#define NODES_MAX 20000
#define MAPPING_MAX 1000

/* ---- before the document is built: what would make that slow, or is not for us ---- */

static void tell_syntax(struct tw_config_loader *loader, const yaml_parser_t *parser)
{
    const yaml_mark_t *mark = &parser->problem_mark;
    const char *problem = parser->problem ? parser->problem : "cannot be parsed";
    if (parser->error == YAML_READER_ERROR)
        tw_config_say(loader, loader->path, 0, 0, "is no YAML text: %s (byte %zu)", problem,
                      parser->problem_offset);
    else
        tw_config_say(loader, loader->path, (unsigned)mark->line + 1, (unsigned)mark->column + 1,
                      "is no YAML: %s%s%s", problem, parser->context ? ", " : "",
                      parser->context ? parser->context : "");
}

static const char *tag_of(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return (const char *)event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return (const char *)event->data.sequence_start.tag;
    if (event->type == YAML_MAPPING_START_EVENT)
        return (const char *)event->data.mapping_start.tag;
    return NULL;
}

struct survey {
    int depth, documents, nodes;
};

/* False when the text has to be refused; the reason is told. */
static bool survey_event(struct tw_config_loader *loader, struct survey *survey,
                         const yaml_event_t *event)
{
    const char *refusal = NULL;
    const char *tag = tag_of(event);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++survey->documents > 1)
            refusal = "a second YAML document; a configuration is one";
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (++survey->depth > DEPTH_MAX)
            refusal = "nested too deeply";
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        survey->depth--;
        break;
    default:
        break;
    }
    if (++survey->nodes > NODES_MAX)
        refusal = "more than 20000 values";
    if (tag && strncmp(tag, "tag:yaml.org,2002:", 18) && strcmp(tag, "!"))
        refusal = "tags of your own have no meaning here";
    if (refusal)
        tw_config_say(loader, loader->path, (unsigned)event->start_mark.line + 1,
                      (unsigned)event->start_mark.column + 1, "%s", refusal);
    return !refusal;
}

/* Returns how many documents there are, or -1. */
static int survey_text(struct tw_config_loader *loader, const char *text, size_t size)
{
    struct survey survey = {0};
    yaml_parser_t parser;
    yaml_event_t event;
    bool is_fine = true, is_over = false;
    if (!yaml_parser_initialize(&parser))
        return -1;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    while (is_fine && !is_over) {
        if (!yaml_parser_parse(&parser, &event)) {
            tell_syntax(loader, &parser);
            is_fine = false;
            break;
        }
        is_fine = survey_event(loader, &survey, &event);
        is_over = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return is_fine ? survey.documents : -1;
}

void tw_config_parse(struct tw_config_loader *loader, const char *text, size_t size)
{
    yaml_parser_t parser;
    if (survey_text(loader, text, size) <= 0 || !yaml_parser_initialize(&parser))
        return;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    loader->has_document = yaml_parser_load(&parser, &loader->document);
    if (!loader->has_document)
        tell_syntax(loader, &parser);
    yaml_parser_delete(&parser);
}

yaml_node_t *tw_config_node(struct tw_config_loader *loader, int index)
{
    return yaml_document_get_node(&loader->document, index);
}

/* ---- nodes ---- */

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool is_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text_of(node) || !strcmp(text_of(node), "~") || !strcmp(text_of(node), "null"));
}

static bool is_repeated(struct tw_config_loader *loader, const yaml_node_t *node,
                        const yaml_node_pair_t *pair, const yaml_node_t *key)
{
    for (const yaml_node_pair_t *before = node->data.mapping.pairs.start; before < pair; before++) {
        const yaml_node_t *other = tw_config_node(loader, before->key);
        if (other->type != YAML_SCALAR_NODE || strcmp(text_of(other), text_of(key)))
            continue;
        tw_config_say_at(loader, key, "'%.64s' appears twice, first in line %u", text_of(key),
                         (unsigned)other->start_mark.line + 1);
        return true;
    }
    return false;
}

void tw_config_mapping(struct tw_config_loader *loader, const yaml_node_t *node, const char *what,
                       tw_config_visit *visit, void *closure)
{
    if (is_empty(node))
        return; /* a section whose keys are all commented out */
    if (node->type != YAML_MAPPING_NODE) {
        tw_config_say_at(loader, node, "%s must be a mapping (key: value)", what);
        return;
    }
    yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    if (node->data.mapping.pairs.top - pairs > MAPPING_MAX) {
        tw_config_say_at(loader, node, "%s has more than %d keys", what, MAPPING_MAX);
        return;
    }
    for (yaml_node_pair_t *pair = pairs; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = tw_config_node(loader, pair->key);
        if (key->type != YAML_SCALAR_NODE)
            tw_config_say_at(loader, key, "a key of %s must be a word", what);
        else if (!is_repeated(loader, node, pair, key))
            visit(loader, closure, text_of(key), key, tw_config_node(loader, pair->value));
    }
}

char *tw_config_scalar(struct tw_config_loader *loader, const yaml_node_t *node, const char *what)
{
    char reason[200];
    if (node->type != YAML_SCALAR_NODE) {
        tw_config_say_at(loader, node, "%s: must be one value, not a %s", what,
                         node->type == YAML_MAPPING_NODE ? "mapping" : "list");
        return NULL;
    }
    if (is_empty(node)) {
        tw_config_say_at(loader, node, "%s: has no value", what);
        return NULL;
    }
    if (strlen(text_of(node)) != node->data.scalar.length) {
        tw_config_say_at(loader, node, "%s: contains a zero byte", what);
        return NULL;
    }
    char *text = tw_config_expand(text_of(node), reason, sizeof reason);
    if (!text)
        tw_config_say_at(loader, node, "%s: %s", what, reason);
    return text;
}
