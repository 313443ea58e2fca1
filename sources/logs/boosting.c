/* Gradient boosting. Each line tells a round's metrics of each data set, and what is minimized is
 * known by its metric's name alone:
 *   XGBoost (python-package/xgboost/callback.py): "[10]\ttrain-rmse:0.5\teval-rmse:0.6"
 *   LightGBM (python-package/lightgbm/callback.py): "[10]\ttraining's l2: 0.3\tvalid_1's l2: 0.4",
 *     (src/boosting/gbdt.cpp): "[LightGBM] [Info] Iteration:10, training l2 : 0.3"
 *   CatBoost (catboost/libs/loggers/logger.cpp):
 *     "10:\tlearn: 0.6\ttest: 0.7\tbest: 0.7 (9)\ttotal: 5ms\tremaining: 3s", without a metric's
 * name */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"
#include "sources/logs/words.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static const char losses[] =
    "logloss mlogloss rmse rmsle mae mape mphe mse l1 l2 huber fair quantile poisson gamma tweedie "
    "entropy leibler deviance nloglik";

/* These are what their names say: an error rate moves in jumps, an area grows. */
static const char others[] = "error merror auc aucpr map ndcg pre accuracy precision f1";

/* False where boosting has no such metric by itself. */
static bool add_metric(struct tw_text_row *row, const char *name, size_t size, double value)
{
    struct tw_words words;
    char text[100];
    if (!size || size >= sizeof text)
        return false;
    memcpy(text, name, size);
    text[size] = '\0';
    tw_words_split(text, &words);
    bool is_train = tw_words_has_one_of(&words, "train training dtrain learn");
    enum tw_meaning meaning = TW_MEANS_BY_NAME;
    if (tw_words_has_one_of(&words, losses))
        meaning = is_train ? TW_MEANS_LOSS : TW_MEANS_EVAL_LOSS;
    tw_text_row_add(row, name, size, value, meaning);
    return meaning != TW_MEANS_BY_NAME || tw_words_has_one_of(&words, others);
}

/* "train-rmse:0.5+0.01", "valid_1's l2: 0.4", "training l2 : 0.3"; false where it is none. */
static bool take_metric(struct tw_text_row *row, const char *at, const char *end,
                        bool *ret_is_known)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    double value;
    if (!colon)
        return false;
    const char *value_at = colon + 1;
    while (value_at < end && *value_at == ' ')
        value_at++;
    const char *name_end = colon;
    while (name_end > at && name_end[-1] == ' ')
        name_end--;
    bool names_both = memchr(at, '-', (size_t)(name_end - at)) || /* a data set and its metric */
                      memchr(at, ' ', (size_t)(name_end - at));
    if (!names_both || !tw_log_number_at(value_at, (size_t)(end - value_at), &value))
        return false;
    *ret_is_known |= add_metric(row, at, (size_t)(name_end - at), value);
    return true;
}

static int give_round(struct tw_text_log *log, double round, const char *at, const char *end,
                      const struct tw_log_sink *sink)
{
    bool is_known = false;
    tw_text_row_start(&log->row);
    log->row.step = round;
    while (at < end) {
        const char *tab = memchr(at, '\t', (size_t)(end - at)), *to = tab ? tab : end;
        if (!take_metric(&log->row, at, to, &is_known))
            return 0;
        at = to + (tab != NULL);
    }
    if (!is_known)
        return 0;
    if (log->skips_round) { /* the best one, once more */
        log->skips_round = false;
        return 1;
    }
    log->step = round;
    return tw_text_give_line(log, sink);
}

/* ---- CatBoost ---- */

static bool number_of(const char *line, const char *end, const char *name, double *ret)
{
    const char *at = tw_text_behind(line, (size_t)(end - line), name);
    return at && tw_log_number_at(at, (size_t)(end - at), ret);
}

/* Whatever the metric is, boosting makes it better from the first round to the next. */
static void mean_by_direction(struct tw_text_log *log, double value)
{
    bool is_first = isnan(log->boosting.first);
    if (is_first)
        log->boosting.first = value;
    else if (!log->boosting.is_known && value != log->boosting.first)
        log->boosting.is_known = true, log->boosting.grows = value > log->boosting.first;
    for (unsigned i = 0; log->boosting.grows && i < log->row.n_cells; i++)
        log->row.cells[i].meaning = TW_MEANS_NOTHING;
    for (unsigned i = 0; log->boosting.grows && log->is_held && i < log->held.n_cells; i++)
        log->held.cells[i].meaning = TW_MEANS_NOTHING;
}

static int take_catboost(struct tw_text_log *log, double round, const char *at, const char *end,
                         const struct tw_log_sink *sink)
{
    double learn, test;
    tw_text_row_start(&log->row);
    log->row.step = log->step = round;
    bool learns = number_of(at, end, "\tlearn: ", &learn),
         tests = number_of(at, end, "\ttest: ", &test);
    if (learns)
        tw_text_row_add(&log->row, "learn", 5, learn, TW_MEANS_LOSS);
    if (tests)
        tw_text_row_add(&log->row, "test", 4, test, TW_MEANS_EVAL_LOSS);
    if (!log->row.n_cells)
        return 0;
    mean_by_direction(log, learns ? learn : test);
    if (!log->boosting.is_known) {
        int result = tw_text_give_held(log, sink);
        tw_text_hold(log);
        return result ? result : 1;
    }
    return tw_text_give_line(log, sink);
}

/* ---- lines ---- */

/* "[10]\t", with or without a prefix before it; NULL: there is none. */
static const char *behind_round(const char *line, size_t size, double *ret)
{
    const char *tab = memchr(line, '\t', size), *from = tab;
    if (!tab || tab - line < 3 || tab[-1] != ']')
        return NULL;
    for (from = tab - 1; from > line && tab - from < 12 && isdigit((unsigned char)from[-1]);)
        from--;
    bool is_round = from > line && from[-1] == '[' && from < tab - 1;
    return is_round && tw_log_number_at(from, (size_t)(tab - 1 - from), ret) ? tab + 1 : NULL;
}

int tw_boosting_line(struct tw_text_log *log, const char *line, size_t size,
                     const struct tw_log_sink *sink)
{
    const char *end = line + size, *at = line;
    double round;
    if (size < 8)
        return 0;
    if (line[size - 1] == ':' && tw_text_behind(line, size, "est iteration"))
        log->skips_round = true; /* "Early stopping, best iteration is:" */
    if (*line == '[' && (at = tw_text_behind(line, size, "] Iteration:"))) {
        size_t length = tw_log_number_at(at, (size_t)(end - at), &round);
        bool is_mine =
            length && round >= 0 && tw_text_begins(at + length, (size_t)(end - at) - length, ", ");
        return is_mine ? give_round(log, round, at + length + 2, end, sink) : 0;
    }
    if ((at = behind_round(line, size, &round)))
        return give_round(log, round, at, end, sink);
    size_t length = tw_log_number_at(line, size, &round);
    bool is_count = length && length + 1 < size && round >= 0 && round == floor(round);
    return is_count && line[length] == ':' && line[length + 1] == '\t' &&
                   tw_text_behind(line, size, "\ttotal: ")
               ? take_catboost(log, round, line + length, end, sink)
               : 0;
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_boosting_line) > 1 ? 85 : 0;
}

const struct tw_log_format tw_log_format_boosting =
    TW_TEXT_FORMAT("boosting", "rounds of XGBoost, LightGBM and CatBoost", probe);
