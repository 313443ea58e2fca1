/* The configuration of Kibana, and addresses in it. */
#include "sinks/kibana.h"

#include "sinks/http_login.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define SPACE_MAX 100

const struct tw_option tw_kibana_options[] = {
    {"url", TW_OPTION_TEXT, offsetof(struct tw_kibana_config, url),
     .help = "Kibana or OpenSearch Dashboards, https://host:5601, with its base path if it has "
             "one; also what links to a run begin with"},
    {"space", TW_OPTION_TEXT, offsetof(struct tw_kibana_config, space),
     .help = "Kibana's space, by its identifier in addresses; default: the default space"},
    {"tenant", TW_OPTION_TEXT, offsetof(struct tw_kibana_config, tenant),
     .help = "OpenSearch Dashboards' tenant; default: the login's own default"},
    {"api_key", TW_OPTION_SECRET, offsetof(struct tw_kibana_config, api_key),
     .help = "an API key, as id:key or encoded; logins are for setup and check alone"},
    {"bearer_token", TW_OPTION_SECRET, offsetof(struct tw_kibana_config, bearer_token),
     .help = "a token, in place of an API key"},
    {"username", TW_OPTION_TEXT, offsetof(struct tw_kibana_config, username),
     .help = "for a login with a password instead of a key"},
    {"password", TW_OPTION_SECRET, offsetof(struct tw_kibana_config, password),
     .help = "the password of username"},
    {"ca_file", TW_OPTION_TEXT, offsetof(struct tw_kibana_config, ca_file),
     .help = "PEM file of the authority that signed Kibana's certificate; default: the system's"},
    {"index_prefix", TW_OPTION_TEXT, offsetof(struct tw_kibana_config, index_prefix),
     .help = "what the names of the indices begin with; default: as the first sink elasticsearch "
             "says, or trainward"},
    {"timeout", TW_OPTION_DURATION, offsetof(struct tw_kibana_config, timeout), 60, 1, 600,
     .help = "how long a request may take"},
};
const size_t tw_kibana_n_options = sizeof tw_kibana_options / sizeof *tw_kibana_options;

/* ---- checks ---- */

static int check_url(const char *url, struct tw_error *error)
{
    bool is_http = !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);
    if (!is_http || strpbrk(url, " \r\n\t"))
        return tw_error_set(error, -EINVAL,
                            "url: begins with https:// or http://, as in https://localhost:5601");
    if (strchr(url, '@'))
        return tw_error_set(error, -EINVAL,
                            "url: a password does not belong here; use username and password_file");
    if (strpbrk(url, "#?"))
        return tw_error_set(error, -EINVAL,
                            "url: without '#' and '?': only up to Kibana's base path");
    return 0;
}

/* What stands in paths and headers. */
static int check_name(const char *key, const char *name, struct tw_error *error)
{
    size_t n = name ? strspn(name, LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "_-") : 1;
    if (!n || (name && (name[n] || n > SPACE_MAX)))
        return tw_error_set(error, -EINVAL, "%s: 1 to %d letters, digits, '-' and '_'", key,
                            SPACE_MAX);
    return 0;
}

static int check_prefix(const char *prefix, struct tw_error *error)
{
    size_t n = prefix ? strspn(prefix, LETTERS DIGITS "-_.") : 1;
    if (!n || (prefix && (prefix[n] || n > 100 || strchr("-_.", *prefix))))
        return tw_error_set(error, -EINVAL,
                            "index_prefix: use lower-case letters, digits, '-', '_' and '.', and "
                            "begin with a letter or digit");
    return 0;
}

int tw_kibana_config_check(const struct tw_kibana_config *config, struct tw_error *error)
{
    const struct tw_http_login login = {config->api_key, config->bearer_token, config->username,
                                        config->password};
    int result = config->url ? check_url(config->url, error) : 0;
    if (!result)
        result = check_name("space", config->space, error);
    if (!result)
        result = check_name("tenant", config->tenant, error);
    if (!result && config->space && config->tenant)
        result = tw_error_set(error, -EINVAL,
                              "space is of Kibana, tenant of OpenSearch Dashboards: give one");
    if (!result)
        result = check_prefix(config->index_prefix, error);
    return result ? result : tw_http_login_check(&login, error);
}

/* ---- addresses ---- */

static bool has_space(const struct tw_kibana_config *config)
{
    return config->space && strcmp(config->space, "default");
}

const char *tw_kibana_object_id(const struct tw_kibana_config *config, const char *name,
                                char ret[TW_KIBANA_ID_MAX])
{
    snprintf(ret, TW_KIBANA_ID_MAX, "%s%s%s_%s", has_space(config) ? config->space : "",
             has_space(config) ? "_" : "", config->index_prefix, name);
    return ret;
}

struct text {
    char *at;
    size_t length, size; /* length may pass size: then it was cut */
};

static void add(struct text *text, const char *added)
{
    size_t n = strlen(added);
    if (text->length + n < text->size)
        memcpy(text->at + text->length, added, n + 1);
    text->length += n;
}

/* Mail programs and terminals end a link at brackets and quotes, so these are encoded as well. */
static void add_encoded(struct text *text, const char *added)
{
    static const char plain[] = LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-_.~:,";
    for (; *added; added++) {
        char one[4] = {*added};
        if (!strchr(plain, *added))
            snprintf(one, sizeof one, "%%%02X", (unsigned char)*added);
        add(text, one);
    }
}

/* A value between Kuery's double quotes, which stand between Rison's single ones. */
static void add_value(struct text *text, const char *value)
{
    for (; *value; value++) {
        char one[3] = {*value};
        if (*value == '\\' || *value == '"')
            add_encoded(text, "\\");
        else if (*value == '!' || *value == '\'')
            add_encoded(text, "!");
        add_encoded(text, one);
    }
}

static void add_dashboard(struct text *text, const struct tw_kibana_config *config,
                          const char *name)
{
    char id[TW_KIBANA_ID_MAX];
    add(text, config->url);
    while (text->length < text->size && text->length && text->at[text->length - 1] == '/')
        text->at[--text->length] = '\0';
    if (has_space(config)) {
        add(text, "/s/");
        add(text, config->space);
    }
    add(text, "/app/dashboards");
    if (config->tenant) {
        add(text, "?security_tenant=");
        add(text, config->tenant);
    }
    add(text, "#/view/");
    add(text, tw_kibana_object_id(config, name, id));
}

const char *tw_kibana_dashboard_url(const struct tw_kibana_config *config, const char *name,
                                    char ret[TW_KIBANA_URL_MAX])
{
    struct text text = {.at = ret, .size = TW_KIBANA_URL_MAX};
    if (!config->url)
        return NULL;
    add_dashboard(&text, config, name);
    return text.length < text.size ? ret : NULL;
}

const char *tw_kibana_run_url(const struct tw_kibana_config *config, const char *run_id,
                              char ret[TW_KIBANA_URL_MAX])
{
    struct text text = {.at = ret, .size = TW_KIBANA_URL_MAX};
    if (!config->url)
        return NULL;
    add_dashboard(&text, config, "run");
    /* All times: a replayed log may be years old, and the run's id is narrow enough. */
    add(&text, "?_g=");
    add_encoded(&text, "(filters:!(),time:(from:now-5y,to:now+1d))");
    add(&text, "&_a=");
    add_encoded(&text, "(query:(language:kuery,query:'trainward.run.id:\"");
    add_value(&text, run_id);
    add_encoded(&text, "\"'))");
    return text.length < text.size ? ret : NULL;
}
