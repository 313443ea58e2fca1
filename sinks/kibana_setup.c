/* Imports the saved objects, and says what became of each. */
#include "sinks/kibana_setup.h"

#include "sinks/kibana_client.h"
#include "sinks/kibana_objects.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const char *title_of(const json_t *object)
{
    return text_of(json_object_get(object, "attributes"), "title");
}

/* ---- per-object errors ---- */

/* "missing_references: index-pattern trainward_runs". */
static void describe_error(const json_t *failed, char *ret, size_t size)
{
    const json_t *why = json_object_get(failed, "error");
    const json_t *missing = json_array_get(json_object_get(why, "references"), 0);
    const char *message = text_of(why, "message");
    const char *kind = text_of(why, "type");
    if (missing)
        snprintf(ret, size, "%.60s %.120s: %.60s: %.60s %.120s", text_of(failed, "type"),
                 text_of(failed, "id"), kind, text_of(missing, "type"), text_of(missing, "id"));
    else
        snprintf(ret, size, "%.60s %.120s: %.60s%s%.150s", text_of(failed, "type"),
                 text_of(failed, "id"), kind, *message ? ": " : "", message);
}

static int report_errors(const struct tw_kibana_config *config, const json_t *errors,
                         size_t n_objects, FILE *file, struct tw_error *error)
{
    char first[480] = "", text[480];
    size_t i;
    json_t *each;
    json_array_foreach(errors, i, each)
    {
        describe_error(each, text, sizeof text);
        fprintf(file, "not imported: %s\n", text);
        if (!*first)
            memcpy(first, text, sizeof first);
    }
    return tw_error_at(error, -EPROTO, config->url, 0, 0, "%zu of %zu objects not imported: %.300s",
                       json_array_size(errors), n_objects, *first ? first : "no reason was given");
}

/* Kibana may give an object another id than its own: then links would lead nowhere. */
static int report_moved(const struct tw_kibana_config *config, const json_t *answer,
                        struct tw_error *error)
{
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(answer, "successResults"), i, each)
    {
        const char *id = text_of(each, "destinationId");
        if (*id && strcmp(id, text_of(each, "id")))
            return tw_error_at(error, -EEXIST, config->url, 0, 0,
                               "imported %.100s under another id, %.100s: an object of that id is "
                               "in another space; delete it there, or use another index_prefix",
                               text_of(each, "id"), id);
    }
    return 0;
}

/* ---- import ---- */

static int report_import(const struct tw_kibana_config *config, const json_t *answer,
                         size_t n_objects, FILE *file, struct tw_error *error)
{
    char url[TW_KIBANA_URL_MAX];
    const json_t *errors = json_object_get(answer, "errors");
    json_int_t count = json_integer_value(json_object_get(answer, "successCount"));
    if (!json_is_true(json_object_get(answer, "success")) || json_array_size(errors))
        return report_errors(config, errors, n_objects, file, error);
    if (count != (json_int_t)n_objects)
        return tw_error_at(error, -EPROTO, config->url, 0, 0,
                           "took %lld of %zu objects, and does not say why", (long long)count,
                           n_objects);
    int result = report_moved(config, answer, error);
    if (!result)
        fprintf(file, "%s: %zu objects are in place; begin at %s\n", config->url, n_objects,
                tw_kibana_dashboard_url(config, "fleet", url) ? url : config->url);
    return result;
}

static int import(struct tw_kibana_client *client, const struct tw_kibana_config *config,
                  const char *text, const json_t *objects, FILE *file, struct tw_error *error)
{
    json_t *answer;
    int result = tw_kibana_import(client, text, &answer, error);
    if (!result)
        result = report_import(config, answer, json_array_size(objects), file, error);
    json_decref(answer);
    return result;
}

/* ---- dry run ---- */

static json_t *names_of(const json_t *objects, const char *type)
{
    json_t *names = json_array();
    size_t i;
    json_t *each;
    json_array_foreach(objects, i, each)
    {
        if (!type || !strcmp(text_of(each, "type"), type))
            json_array_append_new(names, json_pack("{s:s,s:s}", "type", text_of(each, "type"), "id",
                                                   text_of(each, "id")));
    }
    return names;
}

static bool is_among(const json_t *names, const char *id)
{
    size_t i;
    json_t *each;
    json_array_foreach(names, i, each)
    {
        if (!strcmp(text_of(each, "id"), id))
            return true;
    }
    return false;
}

static int dry_run(struct tw_kibana_client *client, const json_t *objects, FILE *file,
                   struct tw_error *error)
{
    json_t *names = names_of(objects, NULL), *missing, *each;
    size_t i;
    int result = tw_kibana_missing(client, names, &missing, error);
    json_decref(names);
    if (result)
        return result;
    json_array_foreach(objects, i, each)
    {
        const char *id = text_of(each, "id");
        fprintf(file, "%s %s (%s): would be %s\n", text_of(each, "type"), id, title_of(each),
                is_among(missing, id) ? "created" : "replaced");
    }
    json_decref(missing);
    return 0;
}

/* ---- the two ---- */

static int with_client(const struct tw_kibana_config *config, const struct tw_sink_setup *setup,
                       const char *text, struct tw_error *error)
{
    struct tw_kibana_client *client = NULL;
    json_t *objects = tw_kibana_objects_read(text);
    int result = objects ? tw_kibana_client_open(&client, config, error)
                         : tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        result = setup->is_dry_run ? dry_run(client, objects, setup->file, error)
                                   : import(client, config, text, objects, setup->file, error);
    tw_kibana_client_close(client);
    json_decref(objects);
    return result;
}

int tw_kibana_setup(const struct tw_kibana_config *config, const struct tw_sink_setup *setup,
                    struct tw_error *error)
{
    int result = 0;
    char *text = tw_kibana_objects(config);
    if (!text)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (setup->exports)
        fputs(text, setup->file);
    else
        result = with_client(config, setup, text, error);
    free(text);
    return result;
}

static int report_missing(const struct tw_kibana_config *config, const json_t *missing,
                          struct tw_error *error)
{
    if (!json_array_size(missing))
        return 0;
    return tw_error_at(error, -ENOENT, config->url, 0, 0,
                       "has no dashboard %.100s; 'trainward setup kibana' imports it",
                       text_of(json_array_get(missing, 0), "id"));
}

int tw_kibana_check(const struct tw_kibana_config *config, struct tw_error *error)
{
    struct tw_kibana_client *client = NULL;
    json_t *missing = NULL;
    char *text = tw_kibana_objects(config);
    json_t *objects = text ? tw_kibana_objects_read(text) : NULL;
    json_t *dashboards = objects ? names_of(objects, "dashboard") : NULL;
    free(text);
    int result = dashboards ? tw_kibana_client_open(&client, config, error)
                            : tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        result = tw_kibana_missing(client, dashboards, &missing, error);
    if (!result)
        result = report_missing(config, missing, error);
    tw_kibana_client_close(client);
    json_decref(missing);
    json_decref(dashboards);
    json_decref(objects);
    return result;
}
