/* The set of rules: loading, replacing by name, looking at them. */
#include "rules/rule.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const unsigned char tw_embedded_shipped_rules[];
extern const size_t tw_embedded_shipped_rules_size;

struct tw_rules *tw_rules_new(void)
{
    struct tw_rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        return NULL;
    rules->sandbox = tw_sandbox_new();
    if (!rules->sandbox) {
        free(rules);
        return NULL;
    }
    return rules;
}

void tw_rules_free(struct tw_rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->n; i++)
        tw_rule_free(rules->at[i], rules->sandbox);
    tw_sandbox_free(rules->sandbox);
    free(rules);
}

void tw_rules_exchange(struct tw_rules *a, struct tw_rules *b)
{
    struct tw_rules old = *a;
    *a = *b;
    *b = old;
}

/* ---- adding ---- */

long tw_rules_find(const struct tw_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->n; i++) {
        if (!strcmp(rules->at[i]->name, name))
            return (long)i;
    }
    return -1;
}

static int compare_rules(const void *a, const void *b)
{
    const struct tw_rule *left = *(struct tw_rule *const *)a, *right = *(struct tw_rule *const *)b;
    if (left->priority != right->priority)
        return left->priority < right->priority ? -1 : 1;
    return strcmp(left->name, right->name);
}

static int check_room(const struct tw_rules *rules, struct tw_rule *const *added, size_t n,
                      const char *place, struct tw_error *error)
{
    size_t fresh = 0;
    for (size_t i = 0; i < n; i++)
        fresh += tw_rules_find(rules, added[i]->name) < 0;
    if (rules->n + fresh <= TW_RULES_MAX)
        return 0;
    return tw_error_at(error, -E2BIG, place, 0, 0, "more than %d rules in all", TW_RULES_MAX);
}

static void put_rule(struct tw_rules *rules, struct tw_rule *rule)
{
    long replaced = tw_rules_find(rules, rule->name);
    if (replaced < 0) {
        rules->at[rules->n++] = rule;
        return;
    }
    tw_rule_free(rules->at[replaced], rules->sandbox);
    rules->at[replaced] = rule;
}

/* All rules of the text are taken, or, after a mistake, none. */
int tw_rules_load_text(struct tw_rules *rules, const char *text, size_t size, const char *place,
                       struct tw_error *error)
{
    struct tw_rule **added;
    size_t n;
    int result = tw_rule_parse_all(rules->sandbox, text, size, place, &added, &n, error);
    if (result)
        return result;
    result = check_room(rules, added, n, place, error);
    for (size_t i = 0; i < n; i++) {
        if (result)
            tw_rule_free(added[i], rules->sandbox);
        else
            put_rule(rules, added[i]);
    }
    free(added);
    qsort(rules->at, rules->n, sizeof *rules->at, compare_rules);
    return result;
}

int tw_rules_load_shipped(struct tw_rules *rules, struct tw_error *error)
{
    return tw_rules_load_text(rules, (const char *)tw_embedded_shipped_rules,
                              tw_embedded_shipped_rules_size, "built in", error);
}

/* ---- files ---- */

static int load_file(struct tw_rules *rules, const char *path, struct tw_error *error)
{
    int result = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    char *text = malloc(TW_RULES_BYTES_MAX + 1);
    if (!text) {
        result = tw_error_at(error, -ENOMEM, path, 0, 0, "out of memory");
    } else {
        /* One byte over the limit is read, so that a file over it is refused and not cut. */
        size_t size = fread(text, 1, TW_RULES_BYTES_MAX + 1, file);
        result = ferror(file) ? tw_error_at(error, -EIO, path, 0, 0, "cannot be read")
                              : tw_rules_load_text(rules, text, size, path, error);
    }
    free(text);
    fclose(file);
    return result;
}

static int is_rule_file(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && ending &&
           (!strcmp(ending, ".yaml") || !strcmp(ending, ".yml"));
}

/* By bytes: alphasort() follows the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_directory(struct tw_rules *rules, const char *path, struct tw_error *error)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_rule_file, compare_names), result = 0;
    if (n < 0)
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        char file[4096];
        if (!result) {
            int length = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
            result = length < (int)sizeof file
                         ? load_file(rules, file, error)
                         : tw_error_at(error, -ENAMETOOLONG, path, 0, 0, "the path is too long");
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

int tw_rules_load(struct tw_rules *rules, const char *path, struct tw_error *error)
{
    struct stat status;
    if (stat(path, &status))
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    return S_ISDIR(status.st_mode) ? load_directory(rules, path, error)
                                   : load_file(rules, path, error);
}

/* ---- views ---- */

size_t tw_rules_count(const struct tw_rules *rules)
{
    return rules->n;
}

void tw_rules_at(const struct tw_rules *rules, size_t index, struct tw_rule_view *ret)
{
    if (index >= rules->n)
        return;
    const struct tw_rule *rule = rules->at[index];
    *ret = (struct tw_rule_view){
        .name = rule->name,
        .detector = rule->detector,
        .description = rule->description,
        .place = rule->place,
        .source = rule->source,
        .text = rule->text,
        .when = rule->when_text,
    };
}
