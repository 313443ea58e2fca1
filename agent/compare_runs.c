/* The values of a hyper-parameter on the two sides. */
#include "agent/compare_runs.h"

#include "agent/text_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum side { SIDE_HEALTHY, SIDE_SICK, SIDES };

#define TEXTS_MAX 8

/* What a side has: numbers by their range, texts by their set. */
struct values {
    size_t n_numbers;
    double low, high;
    size_t n_texts; /* of which the first TEXTS_MAX are kept */
    const char *texts[TEXTS_MAX];
};

static bool side_of(const struct tw_run_summary *summary, enum side *ret)
{
    *ret = strcmp(summary->verdict, "healthy") ? SIDE_SICK : SIDE_HEALTHY;
    return *ret == SIDE_HEALTHY || !strcmp(summary->verdict, "problem");
}

static const struct tw_hyperparameter *find(const struct tw_run_summary *summary, const char *name)
{
    for (size_t i = 0; i < summary->n_hyperparameters; i++) {
        if (!strcmp(summary->hyperparameters[i].name, name))
            return &summary->hyperparameters[i];
    }
    return NULL;
}

static bool has_text(const struct values *values, const char *text)
{
    for (size_t i = 0; i < values->n_texts && i < TEXTS_MAX; i++) {
        if (!strcmp(values->texts[i], text))
            return true;
    }
    return false;
}

static void add_value(struct values *values, const struct tw_hyperparameter *parameter)
{
    if (parameter->is_text) {
        if (has_text(values, parameter->text))
            return;
        if (values->n_texts < TEXTS_MAX)
            values->texts[values->n_texts] = parameter->text;
        values->n_texts++;
        return;
    }
    values->low = values->n_numbers ? fmin(values->low, parameter->number) : parameter->number;
    values->high = values->n_numbers ? fmax(values->high, parameter->number) : parameter->number;
    values->n_numbers++;
}

static bool are_alike(const struct values *a, const struct values *b)
{
    bool alike = !a->n_numbers == !b->n_numbers && a->n_texts == b->n_texts;
    if (alike && a->n_numbers)
        alike = a->low == b->low && a->high == b->high;
    for (size_t i = 0; alike && i < a->n_texts && i < TEXTS_MAX; i++)
        alike = has_text(b, a->texts[i]);
    return alike;
}

static bool are_apart(const struct values *a, const struct values *b)
{
    if (a->n_numbers && b->n_numbers && !(a->high < b->low || b->high < a->low))
        return false;
    if (a->n_texts > TEXTS_MAX || b->n_texts > TEXTS_MAX)
        return false; /* not known */
    for (size_t i = 0; i < a->n_texts; i++) {
        if (has_text(b, a->texts[i]))
            return false;
    }
    return true;
}

static void append(char *ret, size_t size, const char *before, const char *text)
{
    size_t used = strlen(ret);
    snprintf(ret + used, size - used, "%s%s", used ? before : "", text);
}

static void write_values(char *ret, size_t size, const struct values *values)
{
    char number[32];
    *ret = '\0';
    if (values->n_numbers)
        append(ret, size, "", tw_short_number(values->low, number, sizeof number));
    if (values->n_numbers && values->high != values->low)
        append(ret, size, " to ", tw_short_number(values->high, number, sizeof number));
    for (size_t i = 0; i < values->n_texts && i < TEXTS_MAX; i++)
        append(ret, size, ", ", values->texts[i]);
    if (values->n_texts > TEXTS_MAX)
        append(ret, size, ", ", "...");
}

/* Whether `name` differs between the sides; a parameter that one side never tells says nothing. */
static bool compare(const struct tw_run_summaries *summaries, const char *name,
                    struct tw_parameter_difference *ret)
{
    struct values sides[SIDES] = {0};
    for (size_t i = 0; i < summaries->n; i++) {
        enum side side;
        const struct tw_hyperparameter *parameter = find(&summaries->at[i], name);
        if (parameter && side_of(&summaries->at[i], &side))
            add_value(&sides[side], parameter);
    }
    const struct values *healthy = &sides[SIDE_HEALTHY], *sick = &sides[SIDE_SICK];
    if (!(healthy->n_numbers + healthy->n_texts) || !(sick->n_numbers + sick->n_texts) ||
        are_alike(healthy, sick))
        return false;
    *ret = (struct tw_parameter_difference){.is_apart = are_apart(healthy, sick)};
    snprintf(ret->name, sizeof ret->name, "%s", name);
    write_values(ret->healthy, sizeof ret->healthy, healthy);
    write_values(ret->sick, sizeof ret->sick, sick);
    return true;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static int apart_first(const void *a, const void *b)
{
    const struct tw_parameter_difference *x = a, *y = b;
    if (x->is_apart != y->is_apart)
        return x->is_apart ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* All names of all runs, sorted and with repeats; new array for free(). */
static const char **names_of(const struct tw_run_summaries *summaries, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < summaries->n; i++)
        n += summaries->at[i].n_hyperparameters;
    const char **names = calloc(n + 1, sizeof *names);
    *ret_n = 0;
    for (size_t i = 0; names && i < summaries->n; i++) {
        for (size_t k = 0; k < summaries->at[i].n_hyperparameters; k++)
            names[(*ret_n)++] = summaries->at[i].hyperparameters[k].name;
    }
    if (names)
        qsort(names, *ret_n, sizeof *names, by_name);
    return names;
}

size_t tw_compare_parameters(const struct tw_run_summaries *summaries,
                             struct tw_parameter_difference *ret)
{
    size_t n_names, n = 0;
    const char **names = names_of(summaries, &n_names);
    for (size_t i = 0; names && i < n_names && n < TW_DIFFERENCES_MAX; i++) {
        if (i == 0 || strcmp(names[i], names[i - 1]))
            n += compare(summaries, names[i], &ret[n]);
    }
    free(names);
    qsort(ret, n, sizeof *ret, apart_first);
    return n;
}

const struct tw_score *tw_compare_score(const struct tw_run_summary *summary, const char *metric)
{
    for (size_t i = 0; metric && i < summary->n_scores; i++) {
        if (!strcmp(summary->scores[i].name, metric))
            return &summary->scores[i];
    }
    return NULL;
}

/* Names of metrics and how many runs have each, by name. */
struct counted {
    const char *name;
    size_t n;
    UT_hash_handle hh;
};

static void count_metric(struct counted **counts, const char *name)
{
    struct counted *counted;
    HASH_FIND_STR(*counts, name, counted);
    if (!counted && (counted = calloc(1, sizeof *counted))) {
        counted->name = name;
        HASH_ADD_KEYPTR(hh, *counts, name, strlen(name), counted);
    }
    if (counted)
        counted->n++;
}

static bool is_plainer(const struct counted *a, const struct counted *b)
{
    if (a->n != b->n)
        return a->n > b->n;
    size_t length_a = strlen(a->name), length_b = strlen(b->name);
    return length_a != length_b ? length_a < length_b : strcmp(a->name, b->name) < 0;
}

const char *tw_compare_metric(const struct tw_run_summaries *summaries)
{
    struct counted *counts = NULL, *at, *next, *best = NULL;
    for (size_t i = 0; i < summaries->n; i++) {
        for (size_t k = 0; k < summaries->at[i].n_scores; k++)
            count_metric(&counts, summaries->at[i].scores[k].name);
    }
    HASH_ITER(hh, counts, at, next)
    {
        if (!best || is_plainer(at, best))
            best = at;
    }
    const char *name = best ? best->name : NULL;
    HASH_ITER(hh, counts, at, next)
    {
        HASH_DEL(counts, at);
        free(at);
    }
    return name;
}

#define COLUMNS 7 /* and one for the metric */

static void add_row(struct tw_text_table *table, const char *const cells[COLUMNS],
                    const char *score)
{
    const char *row[COLUMNS + 1];
    size_t n = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (i == 4 && score)
            row[n++] = score;
        row[n++] = cells[i];
    }
    tw_text_table_add(table, row, n);
}

static void add_run(struct tw_text_table *table, const struct tw_run_summary *summary,
                    const char *metric)
{
    char loss[32] = "-", eval_loss[32] = "-", findings[24], onset[24] = "-", best[32] = "-";
    const struct tw_score *score = tw_compare_score(summary, metric);
    if (score)
        tw_short_number(score->best, best, sizeof best);
    if (summary->has_loss)
        tw_short_number(summary->loss, loss, sizeof loss);
    if (summary->has_eval_loss)
        tw_short_number(summary->eval_loss, eval_loss, sizeof eval_loss);
    if (summary->detector)
        snprintf(onset, sizeof onset, "%llu", (unsigned long long)summary->onset_step);
    snprintf(findings, sizeof findings, "%zu", summary->n_findings);
    const char *const cells[] = {summary->run,
                                 summary->verdict,
                                 loss,
                                 eval_loss,
                                 findings,
                                 onset,
                                 summary->detector ? summary->detector : "-"};
    add_row(table, cells, metric ? best : NULL);
}

/* What a narrow terminal does without, the least important first. */
#define SPARE 3
static const char *const spare_names[SPARE] = {"findings", "eval loss", "loss"};

static size_t fit(struct tw_text_table *table, unsigned width, bool has_metric)
{
    const size_t columns[SPARE] = {has_metric ? 5 : 4, 3, 2};
    return tw_text_table_fit(table, width, columns, SPARE);
}

static void print_left_out(FILE *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i ? ", " : "no room for: ", spare_names[i]);
    fputs(n ? "\n" : "", out);
}

static void print_runs(FILE *out, const struct tw_run_summaries *summaries, unsigned width)
{
    static const char *const head[COLUMNS] = {"run",       "verdict", "#loss", "#eval loss",
                                              "#findings", "#since",  "worst"};
    struct tw_text_table *table = tw_text_table_new();
    const char *metric = tw_compare_metric(summaries);
    char best[80];
    if (!table)
        return;
    snprintf(best, sizeof best, "#best %s", metric ? metric : "");
    add_row(table, head, metric ? best : NULL);
    for (size_t i = 0; i < summaries->n; i++)
        add_run(table, &summaries->at[i], metric);
    size_t n_out = width ? fit(table, width, metric != NULL) : 0;
    tw_text_table_print(table, out);
    print_left_out(out, n_out);
    if (summaries->n >= TW_TEXT_ROWS_MAX)
        fprintf(out, "and %zu more\n", summaries->n - (TW_TEXT_ROWS_MAX - 1));
    tw_text_table_free(table);
}

static void print_differences(FILE *out, const struct tw_run_summaries *summaries, unsigned width)
{
    static const char *const head[] = {"parameter", "healthy", "problem", ""};
    struct tw_parameter_difference *differences = calloc(TW_DIFFERENCES_MAX, sizeof *differences);
    struct tw_text_table *table = tw_text_table_new();
    size_t n = differences && table ? tw_compare_parameters(summaries, differences) : 0;
    if (n) {
        tw_text_table_add(table, head, 4);
        for (size_t i = 0; i < n; i++) {
            const char *const cells[] = {differences[i].name, differences[i].healthy,
                                         differences[i].sick,
                                         differences[i].is_apart ? "no value in common" : ""};
            tw_text_table_add(table, cells, 4);
        }
        if (width)
            tw_text_table_cut(table, width, 3);
        fputs("\nwhat the healthy runs and those with a problem have set differently\n", out);
        tw_text_table_print(table, out);
    }
    tw_text_table_free(table);
    free(differences);
}

void tw_compare_print(FILE *out, const struct tw_run_summaries *summaries, unsigned width)
{
    fprintf(out, "\n%zu runs, worst first\n", summaries->n);
    print_runs(out, summaries, width);
    print_differences(out, summaries, width);
}
