/* Answers in words. */
#include "sinks/elasticsearch_error.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

bool tw_elasticsearch_is_error(const struct tw_elasticsearch_answer *answer)
{
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
    bool is_error = json_object_get(root, "error") && json_object_get(root, "status");
    json_decref(root);
    return is_error;
}

static const char *remedy(long status, const char *type)
{
    if (!strcmp(type, "cluster_block_exception"))
        return "; the cluster takes no writes at present";
    switch (status) {
    case 401:
        return "; the login was refused: check api_key, or username and password";
    case 403:
        return "; the login may not do this";
    case 404:
    case 405:
        return "; is this the URL of an Elasticsearch or OpenSearch?";
    case 413:
        return "; the body is larger than http.max_content_length";
    case 429:
        return "; the cluster is overloaded";
    default:
        return status >= 300 && status < 400 ? "; the URL redirects: give its target in urls" : "";
    }
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

const char *tw_elasticsearch_explain(const struct tw_elasticsearch_client *client,
                                     const struct tw_elasticsearch_answer *answer, char *buffer,
                                     size_t size)
{
    const char *host = tw_elasticsearch_host(client);
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
    const json_t *error = json_object_get(root, "error");
    const char *type = text_of(error, "type");
    if (answer->is_too_large)
        snprintf(buffer, size, "%s: the answer is too large", host);
    else if (type[0])
        snprintf(buffer, size, "%s: HTTP status %ld, %s: %s%s", host, answer->status, type,
                 text_of(error, "reason"), remedy(answer->status, type));
    else
        snprintf(buffer, size, "%s: HTTP status %ld%s", host, answer->status,
                 remedy(answer->status, type));
    json_decref(root);
    return buffer;
}
