/* The bodies of templates and policies, and whether a server has them already. */
#include "sinks/elasticsearch_objects.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

extern const unsigned char tw_embedded_elasticsearch_template[];
extern const unsigned char tw_embedded_elasticsearch_charts[];

/* A backing index of the data stream is closed by the first of them, and kept from then on. */
#define ROLLOVER_AGE "30d"
#define ROLLOVER_SIZE "25gb"
/* Above the built-in templates' 100 and Fleet's 200. */
#define ISM_PRIORITY 510

const char *tw_kept_name(char ret[TW_OBJECT_NAME_MAX], const char *prefix, enum tw_kept kept)
{
    static const char *const endings[] = {"advisories", "runs", "charts"};
    snprintf(ret, TW_OBJECT_NAME_MAX, "%.100s-%s", prefix, endings[kept]);
    return ret;
}

const char *tw_kept_target(char ret[TW_OBJECT_NAME_MAX], const char *prefix, enum tw_kept kept)
{
    char name[TW_OBJECT_NAME_MAX];
    snprintf(ret, TW_OBJECT_NAME_MAX, "%.120s%s", tw_kept_name(name, prefix, kept),
             kept == TW_KEPT_ADVISORIES ? "-*" : "");
    return ret;
}

double tw_policy_age(const struct tw_elasticsearch_config *config, enum tw_kept kept)
{
    return kept == TW_KEPT_CHARTS       ? config->charts_retention
           : kept == TW_KEPT_ADVISORIES ? config->advisories_retention
                                        : 0;
}

const char *tw_template_name(char ret[TW_OBJECT_NAME_MAX], const char *prefix, enum tw_kept kept)
{
    if (kept != TW_KEPT_ADVISORIES)
        return tw_kept_name(ret, prefix, kept);
    snprintf(ret, TW_OBJECT_NAME_MAX, "%.100s", prefix);
    return ret;
}

/* ---- policies ---- */

/* Whole days where it is some, as people read them. */
static void age_text(char *ret, size_t size, double seconds)
{
    if (fmod(seconds, 86400) == 0)
        snprintf(ret, size, "%.0fd", seconds / 86400);
    else
        snprintf(ret, size, "%.0fs", seconds);
}

static json_t *ilm_body(enum tw_kept kept, const char *age)
{
    json_t *hot = json_pack("{s:s,s:{}}", "min_age", "0ms", "actions");
    if (kept == TW_KEPT_CHARTS)
        json_object_set_new(hot, "actions",
                            json_pack("{s:{s:s,s:s}}", "rollover", "max_age", ROLLOVER_AGE,
                                      "max_primary_shard_size", ROLLOVER_SIZE));
    return json_pack("{s:{s:{s:o,s:{s:s,s:{s:{}}}}}}", "policy", "phases", "hot", hot, "delete",
                     "min_age", age, "actions", "delete");
}

static json_t *ism_state(const char *name, json_t *actions, json_t *transitions)
{
    return json_pack("{s:s,s:o,s:o}", "name", name, "actions", actions, "transitions", transitions);
}

static json_t *ism_body(enum tw_kept kept, const char *age, const char *pattern)
{
    json_t *actions = json_array();
    if (kept == TW_KEPT_CHARTS)
        json_array_append_new(actions,
                              json_pack("{s:{s:s,s:s}}", "rollover", "min_index_age", ROLLOVER_AGE,
                                        "min_primary_shard_size", ROLLOVER_SIZE));
    const char *since = kept == TW_KEPT_CHARTS ? "min_rollover_age" : "min_index_age";
    json_t *to_end = json_pack("[{s:s,s:{s:s}}]", "state_name", "delete", "conditions", since, age);
    json_t *states = json_pack("[o,o]", ism_state("hot", actions, to_end),
                               ism_state("delete", json_pack("[{s:{}}]", "delete"), json_array()));
    return json_pack("{s:{s:s,s:s,s:o,s:[{s:[s],s:i}]}}", "policy", "description",
                     "trainward: old documents are deleted", "default_state", "hot", "states",
                     states, "ism_template", "index_patterns", pattern, "priority", ISM_PRIORITY);
}

json_t *tw_policy_body(const struct tw_elasticsearch_config *config, enum tw_kept kept,
                       enum tw_retention retention)
{
    char age[32], name[TW_OBJECT_NAME_MAX], pattern[TW_OBJECT_NAME_MAX + 8];
    age_text(age, sizeof age, tw_policy_age(config, kept));
    tw_kept_name(name, config->index_prefix, kept);
    if (retention == TW_RETENTION_ILM)
        return ilm_body(kept, age);
    /* ISM names a data stream itself, and indices by a pattern. */
    snprintf(pattern, sizeof pattern, "%s%s", name, kept == TW_KEPT_CHARTS ? "" : "-*");
    return ism_body(kept, age, pattern);
}

/* ---- templates ---- */

static json_t *patterns(const char *prefix, enum tw_kept kept)
{
    char pattern[TW_OBJECT_NAME_MAX];
    return json_pack("[s]", tw_kept_target(pattern, prefix, kept));
}

static const char *embedded(enum tw_kept kept)
{
    return (const char *)(kept == TW_KEPT_CHARTS ? tw_embedded_elasticsearch_charts
                                                 : tw_embedded_elasticsearch_template);
}

json_t *tw_template_body(const struct tw_elasticsearch_config *config, enum tw_kept kept,
                         enum tw_retention retention)
{
    char policy[TW_OBJECT_NAME_MAX];
    json_t *body = json_loads(embedded(kept), 0, NULL);
    if (!body)
        return NULL;
    json_object_set_new(body, "index_patterns", patterns(config->index_prefix, kept));
    json_t *settings = json_object_get(json_object_get(body, "template"), "settings");
    if (retention == TW_RETENTION_ILM && tw_policy_age(config, kept) > 0)
        json_object_set_new(settings, "index.lifecycle.name",
                            json_string(tw_kept_name(policy, config->index_prefix, kept)));
    return body;
}

/* ---- differences ---- */

static const char *scalar_text(const json_t *value, char *buffer, size_t size)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        snprintf(buffer, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(buffer, size, "%.17g", json_real_value(value));
    else
        snprintf(buffer, size, "%s", json_is_true(value) ? "true" : "false");
    return buffer;
}

static bool is_same_scalar(const json_t *a, const json_t *b)
{
    char of_a[40], of_b[40];
    if (!a || !b || json_is_object(b) || json_is_array(b))
        return false;
    return !strcmp(scalar_text(a, of_a, sizeof of_a), scalar_text(b, of_b, sizeof of_b));
}

/* A member by its name, also where a server has made {"a": {"b": 1}} of {"a.b": 1}, or put settings
 * below "index". */
static const json_t *member(const json_t *object, const char *name)
{
    char head[128];
    const json_t *found = json_object_get(object, name);
    const char *dot = strchr(name, '.');
    if (!found && dot) {
        snprintf(head, sizeof head, "%.*s", (int)(dot - name), name);
        const json_t *inner = json_object_get(object, head);
        found = inner ? member(inner, dot + 1) : NULL;
    }
    if (!found && strncmp(name, "index.", 6)) {
        const json_t *index = json_object_get(object, "index");
        found = json_is_object(index) ? json_object_get(index, name) : NULL;
    }
    return found;
}

struct path {
    char *text;
    size_t size, length;
};

static bool differs(const json_t *wanted, const json_t *existing, struct path path);

static struct path below(struct path path, const char *name)
{
    int n = snprintf(path.text + path.length, path.size - path.length, "%s%s",
                     path.length ? "." : "", name);
    path.length += n > 0 ? (size_t)n : 0;
    if (path.length >= path.size)
        path.length = path.size - 1;
    return path;
}

static bool object_differs(const json_t *wanted, const json_t *existing, struct path path)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)wanted, name, value)
    {
        if (differs(value, member(existing, name), below(path, name)))
            return true;
    }
    path.text[path.length] = '\0';
    return false;
}

static bool array_differs(const json_t *wanted, const json_t *existing, struct path path)
{
    if (json_array_size(wanted) != json_array_size(existing))
        return true;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        if (differs(json_array_get(wanted, i), json_array_get(existing, i), below(path, number)))
            return true;
    }
    path.text[path.length] = '\0';
    return false;
}

/* True leaves the path of the difference in path.text. */
static bool differs(const json_t *wanted, const json_t *existing, struct path path)
{
    /* An empty object is there, too, where a server leaves it out. */
    if (json_is_object(wanted) && !json_object_size(wanted))
        return false;
    if (json_is_object(wanted))
        return !json_is_object(existing) || object_differs(wanted, existing, path);
    if (json_is_array(wanted))
        return !json_is_array(existing) || array_differs(wanted, existing, path);
    return !is_same_scalar(wanted, existing);
}

const char *tw_object_difference(const json_t *wanted, const json_t *existing, char *ret,
                                 size_t size)
{
    ret[0] = '\0';
    struct path path = {.text = ret, .size = size};
    return differs(wanted, existing, path) ? ret : NULL;
}

static const char *type_of(const json_t *field)
{
    const char *type = json_string_value(json_object_get(field, "type"));
    return type ? type : "object";
}

static bool conflicts(const json_t *wanted, const json_t *existing, struct path path)
{
    const char *name;
    json_t *field;
    const json_t *fields = json_object_get(existing, "properties");
    json_object_foreach(json_object_get(wanted, "properties"), name, field)
    {
        const json_t *other = json_object_get(fields, name);
        struct path inner = below(path, name);
        if (other && strcmp(type_of(field), type_of(other))) {
            snprintf(inner.text + inner.length, inner.size - inner.length, " is %s, not %s",
                     type_of(other), type_of(field));
            return true;
        }
        if (other && conflicts(field, other, inner))
            return true;
    }
    path.text[path.length] = '\0';
    return false;
}

const char *tw_mapping_conflict(const json_t *wanted, const json_t *existing, char *ret,
                                size_t size)
{
    ret[0] = '\0';
    return conflicts(wanted, existing, (struct path){.text = ret, .size = size}) ? ret : NULL;
}

const char *tw_template_stale_policy(const json_t *wanted, const json_t *existing,
                                     const char *policy)
{
    static const char name[] = "index.lifecycle.name";
    const json_t *in_wanted = json_object_get(json_object_get(wanted, "template"), "settings");
    const json_t *in_existing = json_object_get(json_object_get(existing, "template"), "settings");
    const char *found = json_string_value(member(in_existing, name));
    bool is_stale = found && !member(in_wanted, name) && !strcmp(found, policy);
    return is_stale ? "template.settings.index.lifecycle.name" : NULL;
}
