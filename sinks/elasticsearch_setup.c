/* Putting things in place: each is read, compared and, where it differs, written. */
#include "sinks/elasticsearch_setup.h"

#include "sinks/elasticsearch_objects.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define PATH_MAX_LENGTH 400

struct work {
    struct tw_elasticsearch_client *client;
    const struct tw_elasticsearch_config *config;
    const struct tw_sink_setup *setup;
    enum tw_retention retention;
};

/* ---- telling ---- */

enum deed { CREATED, CHANGED, UNCHANGED, DELETED, KEPT };

static void tell(const struct work *work, enum deed deed, const char *what, const char *name,
                 const char *difference)
{
    static const char *const done[] = {"created", "changed", "unchanged", "deleted",
                                       "no longer deleted by age"};
    static const char *const to_do[] = {"would be created", "would be changed", "unchanged",
                                        "would be deleted", "would no longer be deleted by age"};
    fprintf(work->setup->file, "%s %s: %s", what, name,
            (work->setup->is_dry_run ? to_do : done)[deed]);
    if (deed == CHANGED && difference && difference[0])
        fprintf(work->setup->file, " (%s)", difference);
    fputc('\n', work->setup->file);
}

/* What a request failed with, and where it is the rights, that the daemon's own may not be enough.
 */
static int pass_on(int result, const struct tw_error *why, struct tw_error *error)
{
    if (result == -EPERM)
        return tw_error_set(error, result,
                            "%.260s: setup needs more than the agent, manage_index_templates, "
                            "manage_ilm, and manage on the indices; --export prints the requests "
                            "for somebody who may do that",
                            why->text);
    return result ? tw_error_set(error, result, "%s", why->text) : 0;
}

/* ---- one object ---- */

struct object {
    const char *what, *name;
    const char *path;     /* to read it and to write it */
    const json_t *wanted; /* the body to write */
    const json_t
        *existing; /* the part of the answer that is like `wanted`; NULL: it is not there */
    const char *write_query; /* behind the path; "" for most */
    const char *policy; /* of a template: named only where `wanted` names it; NULL: no template */
};

/* "" where nothing is there, NULL where nothing differs. */
static const char *find_difference(const struct object *object, char *buffer, size_t size)
{
    if (!object->existing)
        return "";
    const char *found = tw_object_difference(object->wanted, object->existing, buffer, size);
    if (!found && object->policy)
        found = tw_template_stale_policy(object->wanted, object->existing, object->policy);
    return found;
}

static int put(const struct work *work, const struct object *object, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH], difference[160];
    const char *found = find_difference(object, difference, sizeof difference);
    if (!found) {
        tell(work, UNCHANGED, object->what, object->name, NULL);
        return 0;
    }
    snprintf(path, sizeof path, "%s%s", object->path, object->write_query);
    struct tw_error why = {0};
    int result = 0;
    if (!work->setup->is_dry_run)
        result = tw_elasticsearch_request(work->client, "PUT", path, object->wanted, NULL, &why);
    if (!result)
        tell(work, object->existing ? CHANGED : CREATED, object->what, object->name, found);
    return pass_on(result, &why, error);
}

/* Reads what is there into `*ret`; NULL when nothing is. */
static int get(const struct work *work, const char *path, json_t **ret, struct tw_error *error)
{
    struct tw_error why = {0};
    int result = tw_elasticsearch_request(work->client, "GET", path, NULL, ret, &why);
    if (!result)
        return 0;
    json_decref(*ret);
    *ret = NULL;
    return result == -ENOENT ? 0 : pass_on(result, &why, error);
}

/* ---- retention ---- */

static bool answers(const struct work *work, const char *path)
{
    struct tw_error why = {0};
    int result = tw_elasticsearch_request(work->client, "GET", path, NULL, NULL, &why);
    return !result || result == -EPERM;
}

/* By what the server offers, not by its name or version. */
static enum tw_retention find_retention(const struct work *work)
{
    if (answers(work, "/_ilm/status"))
        return TW_RETENTION_ILM;
    return answers(work, "/_plugins/_ism/policies?size=1") ? TW_RETENTION_ISM : TW_RETENTION_NONE;
}

static void policy_path(const struct work *work, const char *name, char path[PATH_MAX_LENGTH])
{
    snprintf(path, PATH_MAX_LENGTH, "%s/%s",
             work->retention == TW_RETENTION_ILM ? "/_ilm/policy" : "/_plugins/_ism/policies",
             name);
}

/* ISM changes a policy only for who knows its newest number. */
static void ism_query(const json_t *answer, char *ret, size_t size)
{
    json_int_t number = json_integer_value(json_object_get(answer, "_seq_no"));
    json_int_t term = json_integer_value(json_object_get(answer, "_primary_term"));
    snprintf(ret, size, "?if_seq_no=%" JSON_INTEGER_FORMAT "&if_primary_term=%" JSON_INTEGER_FORMAT,
             number, term);
}

/* A policy of ISM finds its indices itself: as long as it is there, it takes on each new one. One
 * of ILM does nothing once nobody names it. */
static int delete_ism_policy(const struct work *work, const char *name, const char *path,
                             struct tw_error *error)
{
    struct tw_error why = {0};
    json_t *answer = NULL;
    int result = get(work, path, &answer, error);
    bool is_there = answer != NULL;
    json_decref(answer);
    if (result || !is_there)
        return result;
    if (!work->setup->is_dry_run)
        result = tw_elasticsearch_request(work->client, "DELETE", path, NULL, NULL, &why);
    if (!result)
        tell(work, DELETED, "ISM policy", name, NULL);
    return pass_on(result, &why, error);
}

static int set_policy(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH], name[TW_OBJECT_NAME_MAX], query[96] = "";
    json_t *answer = NULL;
    bool is_ilm = work->retention == TW_RETENTION_ILM;
    tw_kept_name(name, work->config->index_prefix, kept);
    policy_path(work, name, path);
    if (!(tw_policy_age(work->config, kept) > 0))
        return is_ilm || kept == TW_KEPT_RUNS ? 0 : delete_ism_policy(work, name, path, error);
    int result = get(work, path, &answer, error);
    if (result)
        return result;
    if (answer && !is_ilm)
        ism_query(answer, query, sizeof query);
    json_t *wanted = tw_policy_body(work->config, kept, work->retention);
    const struct object policy = {.what = is_ilm ? "ILM policy" : "ISM policy",
                                  .name = name,
                                  .path = path,
                                  .wanted = wanted,
                                  .existing = is_ilm ? json_object_get(answer, name) : answer,
                                  .write_query = query};
    result = wanted ? put(work, &policy, error) : tw_error_set(error, -ENOMEM, "out of memory");
    json_decref(wanted);
    json_decref(answer);
    return result;
}

static int set_policies(const struct work *work, struct tw_error *error)
{
    int result = 0;
    if (work->retention == TW_RETENTION_NONE) {
        fputs("retention: this server offers neither ILM nor ISM: nothing is deleted by itself\n",
              work->setup->file);
        return 0;
    }
    for (int i = 0; i < TW_KEPT && !result; i++)
        result = set_policy(work, (enum tw_kept)i, error);
    return result;
}

/* ---- templates ---- */

static int set_template(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH], name[TW_OBJECT_NAME_MAX], policy[TW_OBJECT_NAME_MAX];
    json_t *answer = NULL;
    tw_kept_name(policy, work->config->index_prefix, kept);
    tw_template_name(name, work->config->index_prefix, kept);
    snprintf(path, sizeof path, "/_index_template/%s", name);
    int result = get(work, path, &answer, error);
    if (result)
        return result;
    json_t *wanted = tw_template_body(work->config, kept, work->retention);
    const json_t *first = json_array_get(json_object_get(answer, "index_templates"), 0);
    const struct object template = {.what = "index template",
                                    .name = name,
                                    .path = path,
                                    .wanted = wanted,
                                    .existing = json_object_get(first, "index_template"),
                                    .write_query = "",
                                    .policy = policy};
    result = wanted ? put(work, &template, error) : tw_error_set(error, -ENOMEM, "out of memory");
    json_decref(wanted);
    json_decref(answer);
    return result;
}

/* ---- indices that a policy of an earlier setup would still delete ---- */

/* An index keeps the policy that it was made under, whatever is said of those to come. */
static const char *policy_of(const struct work *work, const json_t *index)
{
    return json_string_value(
        work->retention == TW_RETENTION_ILM
            ? json_object_get(json_object_get(index, "settings"), "index.lifecycle.name")
            : json_object_get(index, "index.plugins.index_state_management.policy_id"));
}

static int keep_index(const struct work *work, const char *index, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH];
    struct tw_error why = {0};
    json_t *answer = NULL;
    snprintf(path, sizeof path,
             work->retention == TW_RETENTION_ILM ? "/%s/_ilm/remove" : "/_plugins/_ism/remove/%s",
             index);
    int result = work->setup->is_dry_run
                     ? 0
                     : tw_elasticsearch_request(work->client, "POST", path, NULL, &answer, &why);
    if (!result && (json_is_true(json_object_get(answer, "has_failures")) ||
                    json_is_true(json_object_get(answer, "failures"))))
        result = tw_error_set(&why, -EPROTO,
                              "index %s: its policy could not be taken off, and will delete it; is "
                              "the index closed? Try POST %s",
                              index, path);
    if (!result)
        tell(work, KEPT, "index", index, NULL);
    json_decref(answer);
    return pass_on(result, &why, error);
}

/* Only from our policy: another was somebody's own choice. */
static int keep_indices(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH], name[TW_OBJECT_NAME_MAX], target[TW_OBJECT_NAME_MAX];
    const char *index;
    json_t *found = NULL, *one;
    bool is_ilm = work->retention == TW_RETENTION_ILM;
    if (tw_policy_age(work->config, kept) > 0 || kept == TW_KEPT_RUNS ||
        work->retention == TW_RETENTION_NONE)
        return 0;
    tw_kept_name(name, work->config->index_prefix, kept);
    tw_kept_target(target, work->config->index_prefix, kept);
    snprintf(path, sizeof path,
             is_ilm ? "/%s/_settings/index.lifecycle.name?flat_settings=true"
                    : "/_plugins/_ism/explain/%s",
             target);
    int result = get(work, path, &found, error);
    json_object_foreach(found, index, one)
    {
        const char *policy = policy_of(work, one);
        if (!result && policy && !strcmp(policy, name))
            result = keep_index(work, index, error);
    }
    json_decref(found);
    return result;
}

/* ---- indices ---- */

int tw_elasticsearch_say_foreign(const char *index, const char *why, struct tw_error *error)
{
    return tw_error_set(error, -EEXIST,
                        "%s: the index is none of ours, or of another version (%.300s): choose "
                        "another index_prefix, or delete or reindex it",
                        index, why);
}

/* New fields come to an index that is there already; of types that differ the cluster says so. */
static int set_mapping(const struct work *work, const char *name, const char *index,
                       const json_t *existing, const json_t *mappings, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH], difference[160];
    struct tw_error why = {0};
    const char *found = tw_object_difference(mappings, existing, difference, sizeof difference);
    if (!found) {
        tell(work, UNCHANGED, "index", index, NULL);
        return 0;
    }
    snprintf(path, sizeof path, "/%s/_mapping", name);
    int result = work->setup->is_dry_run
                     ? 0
                     : tw_elasticsearch_request(work->client, "PUT", path, mappings, NULL, &why);
    if (!result) {
        tell(work, CHANGED, "index", index, found);
        return 0;
    }
    if (result == -EPROTO)
        return tw_elasticsearch_say_foreign(index, why.text, error);
    return pass_on(result, &why, error);
}

/* Every index that a name stands for: those of a pattern, the backing ones of a data stream. */
static int set_mappings(const struct work *work, const char *name, const json_t *found,
                        const json_t *mappings, struct tw_error *error)
{
    const char *index;
    json_t *one;
    int result = 0;
    json_object_foreach((json_t *)(uintptr_t)found, index, one)
    {
        /* A backing index is changed through its data stream. */
        bool is_backing = !strncmp(index, ".ds-", 4);
        if (!result)
            result = set_mapping(work, is_backing ? name : index, index,
                                 json_object_get(one, "mappings"), mappings, error);
    }
    return result;
}

/* The index or data stream itself. */
static int create(const struct work *work, enum tw_kept kept, const char *name,
                  struct tw_error *error)
{
    char path[PATH_MAX_LENGTH];
    struct tw_error why = {0};
    bool is_stream = kept == TW_KEPT_CHARTS;
    snprintf(path, sizeof path, "%s/%s", is_stream ? "/_data_stream" : "", name);
    int result = work->setup->is_dry_run
                     ? 0
                     : tw_elasticsearch_request(work->client, "PUT", path, NULL, NULL, &why);
    /* A server without that request makes the stream when the first document comes. */
    if (result == -EPROTO && is_stream) {
        fprintf(work->setup->file, "data stream %s: will be created by its first document\n", name);
        return 0;
    }
    if (!result)
        tell(work, CREATED, is_stream ? "data stream" : "index", name, NULL);
    return pass_on(result, &why, error);
}

/* What stands under a kind's name: {index: {mappings}}, NULL for nothing. `target`: the name. */
static int get_indices(const struct work *work, enum tw_kept kept, char target[TW_OBJECT_NAME_MAX],
                       json_t **ret, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH];
    tw_kept_target(target, work->config->index_prefix, kept);
    snprintf(path, sizeof path, "/%s/_mapping", target);
    return get(work, path, ret, error);
}

static int refuse_foreign(enum tw_kept kept, const char *target, const json_t *found,
                          const json_t *mappings, struct tw_error *error)
{
    const char *index;
    json_t *one;
    char conflict[160];
    if (kept == TW_KEPT_CHARTS && json_object_get(found, target))
        return tw_error_set(error, -EEXIST,
                            "%s is an index and not a data stream, as when charts came before "
                            "setup: delete or rename it, or choose another index_prefix",
                            target);
    json_object_foreach((json_t *)(uintptr_t)found, index, one)
    {
        if (tw_mapping_conflict(mappings, json_object_get(one, "mappings"), conflict,
                                sizeof conflict))
            return tw_elasticsearch_say_foreign(index, conflict, error);
    }
    return 0;
}

/* Before anything is changed: a template of ours would stand over other people's indices. */
static int look_for_foreign(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char target[TW_OBJECT_NAME_MAX];
    json_t *found = NULL;
    int result = get_indices(work, kept, target, &found, error);
    json_t *template = tw_template_body(work->config, kept, TW_RETENTION_NONE);
    if (!result)
        result = refuse_foreign(kept, target, found,
                                json_object_get(json_object_get(template, "template"), "mappings"),
                                error);
    json_decref(template);
    json_decref(found);
    return result;
}

static int set_index(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char target[TW_OBJECT_NAME_MAX];
    json_t *found = NULL;
    int result = get_indices(work, kept, target, &found, error);
    if (result)
        return result;
    json_t *template = tw_template_body(work->config, kept, work->retention);
    const json_t *mappings = json_object_get(json_object_get(template, "template"), "mappings");
    if (!mappings)
        result = tw_error_set(error, -ENOMEM, "out of memory");
    else if (!json_object_size(found) && kept != TW_KEPT_ADVISORIES)
        result = create(work, kept, target, error);
    else
        result = set_mappings(work, target, found, mappings, error);
    json_decref(template);
    json_decref(found);
    return result;
}

int tw_elasticsearch_setup(struct tw_elasticsearch_client *client,
                           const struct tw_elasticsearch_config *config,
                           const struct tw_sink_setup *setup, struct tw_error *error)
{
    struct work work = {.client = client, .config = config, .setup = setup};
    int result = tw_elasticsearch_find_cluster(client, error);
    for (int i = 0; i < TW_KEPT && !result; i++)
        result = look_for_foreign(&work, (enum tw_kept)i, error);
    if (result)
        return result;
    work.retention = find_retention(&work);
    result = set_policies(&work, error);
    for (int i = 0; i < TW_KEPT && !result; i++)
        result = set_template(&work, (enum tw_kept)i, error);
    for (int i = 0; i < TW_KEPT && !result; i++)
        result = keep_indices(&work, (enum tw_kept)i, error);
    for (int i = 0; i < TW_KEPT && !result; i++)
        result = set_index(&work, (enum tw_kept)i, error);
    return result;
}

/* ---- export ---- */

static int print(FILE *file, const char *method, const char *path, const char *name, json_t *body)
{
    fprintf(file, "%s %s/%s\n", method, path, name);
    int result = body ? json_dumpf(body, file, JSON_INDENT(2)) : -1;
    fputs("\n\n", file);
    json_decref(body);
    return result;
}

static int print_policies(const struct tw_elasticsearch_config *config, FILE *file,
                          enum tw_retention retention)
{
    char name[TW_OBJECT_NAME_MAX];
    int result = 0;
    for (int i = 0; i < TW_KEPT && !result; i++) {
        enum tw_kept kept = (enum tw_kept)i;
        if (tw_policy_age(config, kept) > 0)
            result = print(file, "PUT",
                           retention == TW_RETENTION_ILM ? "_ilm/policy" : "_plugins/_ism/policies",
                           tw_kept_name(name, config->index_prefix, kept),
                           tw_policy_body(config, kept, retention));
    }
    return result;
}

/* What setup itself does where it finds a policy of ours. */
static void print_ends(const struct tw_elasticsearch_config *config, FILE *file)
{
    char name[TW_OBJECT_NAME_MAX], target[TW_OBJECT_NAME_MAX];
    for (int i = 0; i < TW_KEPT; i++) {
        enum tw_kept kept = (enum tw_kept)i;
        if (kept == TW_KEPT_RUNS || tw_policy_age(config, kept) > 0)
            continue;
        tw_kept_name(name, config->index_prefix, kept);
        tw_kept_target(target, config->index_prefix, kept);
        fprintf(
            file,
            "\n# %s: kept for ever; where an earlier setup was to delete them, on Elasticsearch\n"
            "POST %s/_ilm/remove\n"
            "# and on OpenSearch\n"
            "DELETE _plugins/_ism/policies/%s\n"
            "POST _plugins/_ism/remove/%s\n",
            name, target, name, target);
    }
}

int tw_elasticsearch_export(const struct tw_elasticsearch_config *config, FILE *file,
                            struct tw_error *error)
{
    char name[TW_OBJECT_NAME_MAX];
    fputs(
        "# Elasticsearch; leave out on OpenSearch, and there the settings \"index.lifecycle.name\""
        " below\n",
        file);
    int result = print_policies(config, file, TW_RETENTION_ILM);
    fputs("# OpenSearch; leave out on Elasticsearch\n", file);
    if (!result)
        result = print_policies(config, file, TW_RETENTION_ISM);
    fputs("# both\n", file);
    for (int i = 0; i < TW_KEPT && !result; i++) {
        enum tw_kept kept = (enum tw_kept)i;
        result = print(file, "PUT", "_index_template",
                       tw_template_name(name, config->index_prefix, kept),
                       tw_template_body(config, kept, TW_RETENTION_ILM));
    }
    fprintf(file, "PUT %s\n\n", tw_kept_name(name, config->index_prefix, TW_KEPT_RUNS));
    fprintf(file, "PUT _data_stream/%s\n",
            tw_kept_name(name, config->index_prefix, TW_KEPT_CHARTS));
    print_ends(config, file);
    return result ? tw_error_set(error, -ENOMEM, "out of memory") : 0;
}
