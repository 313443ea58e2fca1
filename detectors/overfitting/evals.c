/* What is remembered of evaluations, and figures of them. */
#include "detectors/overfitting/evals.h"

#include "detectors/statistics/order.h"
#include "detectors/statistics/slope.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* Differences that the noise is the median of. */
enum { NOISE_EVALS = 20, GAPS = 8 };

void tw_evals_start(struct tw_evals *evals)
{
    memset(evals, 0, sizeof *evals);
}

void tw_evals_break(struct tw_evals *evals)
{
    evals->n = 0;
    evals->rises = 0;
}

/* ---- medians ---- */

static const struct tw_eval *newest(const struct tw_evals *evals, unsigned back)
{
    return &evals->at[evals->n - 1 - back];
}

static unsigned at_most(unsigned n, unsigned most)
{
    return n < most ? n : most;
}

double tw_evals_median(const struct tw_evals *evals, unsigned n)
{
    double values[TW_EVALS];
    n = at_most(n, evals->n);
    for (unsigned i = 0; i < n; i++)
        values[i] = newest(evals, i)->loss;
    return tw_median(values, n);
}

double tw_evals_level(const struct tw_evals *evals)
{
    return tw_evals_median(evals, 3);
}

double tw_evals_train(const struct tw_evals *evals)
{
    double values[3];
    unsigned known = 0;
    for (unsigned i = 0; i < at_most(3, evals->n); i++) {
        if (newest(evals, i)->has_train)
            values[known++] = newest(evals, i)->train;
    }
    return tw_median(values, known);
}

double tw_evals_score(const struct tw_evals *evals)
{
    double values[3];
    unsigned known = 0;
    for (unsigned i = 0; i < at_most(3, evals->n); i++) {
        if (newest(evals, i)->has_score)
            values[known++] = newest(evals, i)->score;
    }
    return tw_median(values, known);
}

bool tw_evals_has_train(const struct tw_evals *evals)
{
    return evals->n >= 3 && newest(evals, 0)->has_train && newest(evals, 1)->has_train &&
           newest(evals, 2)->has_train;
}

bool tw_evals_has_score(const struct tw_evals *evals)
{
    return evals->n >= 3 && newest(evals, 0)->has_score && newest(evals, 1)->has_score &&
           newest(evals, 2)->has_score;
}

/* ---- figures ---- */

double tw_evals_rise(const struct tw_evals *evals, double loss)
{
    double best = evals->best.loss, progress = evals->start - best;
    double rise = best > 0 ? loss / best : progress > 0 ? 1 + (loss - best) / progress : 1;
    return fmin(rise, 1e6);
}

unsigned tw_evals_known_since_best(const struct tw_evals *evals)
{
    return evals->since_best < evals->n ? (unsigned)evals->since_best + 1 : evals->n;
}

double tw_evals_noise(const struct tw_evals *evals, unsigned n)
{
    double differences[NOISE_EVALS];
    n = at_most(at_most(n, evals->n), NOISE_EVALS + 1);
    for (unsigned i = 0; i + 1 < n; i++)
        differences[i] = fabs(newest(evals, i)->loss - newest(evals, i + 1)->loss);
    return n < 2 ? 0 : 1.4826 * tw_median(differences, n - 1) / sqrt(2);
}

double tw_evals_score_noise(const struct tw_evals *evals)
{
    double differences[NOISE_EVALS];
    unsigned n = at_most(evals->n, NOISE_EVALS + 1), known = 0;
    for (unsigned i = 0; i + 1 < n; i++) {
        if (newest(evals, i)->has_score && newest(evals, i + 1)->has_score)
            differences[known++] = fabs(newest(evals, i)->score - newest(evals, i + 1)->score);
    }
    double noise = 1.4826 * tw_median(differences, known) / sqrt(2), share = tw_evals_score(evals);
    bool is_share = evals->samples > 0 && share >= 0 && share <= 1;
    return is_share ? fmax(noise, 2 * sqrt(share * (1 - share) / evals->samples)) : noise;
}

double tw_evals_rising(const struct tw_evals *evals, unsigned n)
{
    double values[TW_EVALS];
    n = at_most(n, evals->n);
    for (unsigned i = 0; i < n; i++)
        values[n - 1 - i] = newest(evals, i)->loss;
    return 1 - tw_slope_fit(values, n).falling;
}

unsigned tw_evals_gap_rises(const struct tw_evals *evals)
{
    unsigned rises = 0;
    if (evals->n <= GAPS)
        return 0;
    for (unsigned i = 0; i < GAPS; i++) {
        const struct tw_eval *now = newest(evals, i), *before = newest(evals, i + 1);
        if (!now->has_train || !before->has_train)
            return 0;
        rises += now->loss - now->train > before->loss - before->train;
    }
    return rises;
}

/* ---- scores ---- */

/* The metric's name holds the word between separators: "macro_f1", "map50(b)". */
static bool has_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = name; *at; at++) {
        if ((at == name || !isalnum((unsigned char)at[-1])) && !strncasecmp(at, word, length) &&
            !isalpha((unsigned char)at[length]))
            return true;
    }
    return false;
}

/* Where more is better, the plainest first. */
static const struct tw_metric *choose_metric(const struct tw_record *record)
{
    static const char *const words[] = {"accuracy", "acc", "f1",       "map",  "auc",  "auroc",
                                        "top1",     "iou", "miou",     "dice", "bleu", "rouge",
                                        "matthews", "mcc", "spearman", "r2"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (uint32_t k = 0; k < record->n_metrics; k++) {
            if (has_word(record->metrics[k].name, words[i]))
                return &record->metrics[k];
        }
    }
    return NULL;
}

static void note_top(struct tw_evals *evals, double score)
{
    evals->since_top++;
    if (evals->has_top && score <= evals->top_score)
        return;
    evals->top_score = score;
    evals->since_top = 0;
    evals->has_top = 1;
}

static void take_score(struct tw_evals *evals, const struct tw_record *record, struct tw_eval *eval)
{
    if (!evals->has_metric) {
        const struct tw_metric *metric = choose_metric(record);
        if (!metric)
            return;
        memcpy(evals->metric, metric->name, sizeof evals->metric);
        evals->has_metric = 1;
    }
    for (uint32_t i = 0; i < record->n_metrics; i++) {
        double score = record->metrics[i].value;
        if (strcmp(record->metrics[i].name, evals->metric) || !(fabs(score) < 1e30))
            continue;
        eval->score = score;
        eval->has_score = 1;
        note_top(evals, score);
    }
}

/* ---- taking one ---- */

static double median_loss(const struct tw_course *course, uint64_t losses)
{
    return tw_course_median(course, 0,
                            losses < TW_EVALS_LOSSES ? (unsigned)losses : TW_EVALS_LOSSES);
}

/* The evaluation's own training loss where the run sends one, else the median of the steps' losses
 * since the last evaluation, else what it was then. */
static void take_train(struct tw_evals *evals, const struct tw_record *record,
                       const struct tw_course *course, uint64_t losses, struct tw_eval *eval)
{
    double own = record->signal[TW_SIGNAL_TRAIN_LOSS];
    if (tw_record_has(record, TW_SIGNAL_TRAIN_LOSS) && fabs(own) < 1e30) {
        if (!evals->is_paired) /* those from steps are on another footing */
            evals->best.has_train = 0;
        for (uint32_t i = 0; !evals->is_paired && i < evals->n; i++)
            evals->at[i].has_train = 0;
        evals->is_paired = 1;
        eval->train = own;
        eval->has_train = 1;
    } else if (!evals->is_paired && losses) {
        eval->train = median_loss(course, losses);
        eval->has_train = 1;
    } else if (evals->n) {
        eval->train = newest(evals, 0)->train;
        eval->has_train = newest(evals, 0)->has_train;
    }
}

static void add(struct tw_evals *evals, const struct tw_eval *eval)
{
    double before = tw_evals_level(evals);
    if (evals->n == TW_EVALS) {
        memmove(evals->at, evals->at + 1, (TW_EVALS - 1) * sizeof *evals->at);
        evals->n--;
    }
    evals->at[evals->n++] = *eval;
    evals->rises = evals->n > 3 && tw_evals_level(evals) > before ? evals->rises + 1 : 0;
    if (++evals->count <= 3)
        evals->start = tw_evals_level(evals);
}

static void end_drought(struct tw_evals *evals)
{
    double rise = tw_evals_rise(evals, evals->peak);
    if (evals->since_best > evals->longest_drought)
        evals->longest_drought = evals->since_best;
    if (evals->since_best)
        evals->highest_rise = fmax(evals->highest_rise, rise);
}

static void take_best(struct tw_evals *evals, const struct tw_eval *eval, int64_t time_ms)
{
    double best_score = evals->best.has_score ? fmax(evals->best_score, eval->score) : eval->score;
    if (evals->count > 1)
        end_drought(evals);
    evals->best = *eval;
    evals->peak = eval->loss;
    evals->best_time_ms = time_ms;
    evals->since_best = 0;
    if (eval->has_score)
        evals->best_score = best_score;
    if (eval->has_train)
        evals->best.train = fmin(eval->train, tw_evals_train(evals));
}

/* The best alone is the lowest of many, and lower than its level by noise. */
static void note_around_best(struct tw_evals *evals)
{
    if (evals->since_best <= 2)
        evals->around_best = tw_evals_median(evals, 3 + (unsigned)evals->since_best);
}

bool tw_evals_take(struct tw_evals *evals, const struct tw_record *record,
                   const struct tw_context *context, uint64_t losses)
{
    struct tw_eval eval = {.step = context->step, .loss = record->signal[TW_SIGNAL_EVAL_LOSS]};
    bool is_best = evals->count == 0 || eval.loss < evals->best.loss;
    double samples = record->signal[TW_SIGNAL_EVAL_SAMPLES];
    if (tw_record_has(record, TW_SIGNAL_EVAL_SAMPLES) && samples >= 1 && samples < 1e30)
        evals->samples = samples;
    take_train(evals, record, &context->course, losses, &eval);
    take_score(evals, record, &eval);
    add(evals, &eval);
    if (is_best) {
        take_best(evals, &eval, context->time_ms);
        note_around_best(evals);
        return true;
    }
    evals->since_best++;
    note_around_best(evals);
    evals->peak = fmax(evals->peak, tw_evals_level(evals));
    /* A run's first evaluation may come before its first training loss. */
    if (eval.has_train && !evals->best.has_train) {
        evals->best.train = eval.train;
        evals->best.has_train = 1;
    }
    return false;
}
