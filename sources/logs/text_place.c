/* Where in a run a line stands, and what it is about where its names do not tell that. */
#include "sources/logs/number.h"
#include "sources/logs/text_layout.h"

#include <math.h>
#include <string.h>

/* ---- lines that tell a place and no reading ---- */

static bool may_be_place(const char *at, const char *end)
{
    char c = at < end ? (char)(*at | 0x20) : ' ';
    return c == 'e' || c == 's' || c == 'i' || c == 't';
}

static const char *behind_signs(const char *at, const char *end)
{
    while (at < end && strchr(" [=-*#|(>:]", *at))
        at++;
    return at;
}

/* "Epoch 12"; behind a date, which has a level behind it, too, the word must be one of a place. */
static bool begins_with_place(const struct tw_text_scan *scan)
{
    const char *at = behind_signs(scan->begin, scan->end), *to;
    struct tw_text_name name;
    if (scan->begin == scan->line)
        return may_be_place(at, scan->end);
    if (tw_text_begins(at, (size_t)(scan->end - at), "INFO"))
        at = behind_signs(at + 4, scan->end);
    for (to = at; to < scan->end && (tw_text_word_byte(*to) & 1);)
        to++;
    if (to == at)
        return false;
    tw_text_name_of(scan->log, at, (size_t)(to - at), false, &name);
    return tw_text_is_place(name.kind);
}

/* "INFO train.py:812 [step=10/5000,epoch=0]", whose readings are the next lines' */
static bool ends_with_place(const struct tw_text_scan *scan)
{
    size_t size = (size_t)(scan->end - scan->line);
    const char *bracket = size && scan->end[-1] == ']' ? memrchr(scan->line, '[', size) : NULL;
    return bracket && may_be_place(bracket + 1, scan->end) &&
           memchr(bracket, '=', (size_t)(scan->end - bracket));
}

bool tw_text_is_about_place(const struct tw_text_scan *scan)
{
    return begins_with_place(scan) || ends_with_place(scan);
}

/* ---- places that are told in a way of their own ---- */

/* Lines of evaluations whose names do not tell it. Their beginnings are looked at first, as this is
 * asked of each line. */
enum tw_row_part tw_text_part_of_line(struct tw_text_log *log, const char *line, const char *end)
{
    static const char *const evals[] = {
        "Saving dict for global step ", /* tensorflow_estimator/python/estimator/estimator.py */
        ", RMSE_", ", MAE_",            /* MACE: mace/tools/train.py */
    };
    size_t size = (size_t)(end - line);
    enum tw_row_part part = log->evaluates ? TW_PART_EVAL : TW_PART_BY_NAME;
    if (!size || !strchr("IE", *line)) /* "INFO", "Epoch", absl's "I0301" */
        return part;
    /* paddle/hapi/callbacks.py: between these its lines look like those of the training. */
    if (tw_text_begins(line, size, "Eval begin..."))
        log->evaluates = true;
    else if (tw_text_begins(line, size, "Eval samples: "))
        log->evaluates = false;
    for (size_t i = 0; i < sizeof evals / sizeof *evals; i++) {
        if (tw_text_behind(line, size, evals[i]))
            return TW_PART_EVAL;
    }
    return part;
}

/* The number whose last digit stands before `at`; NULL: there is none. */
static const char *number_before(const char *line, const char *at, double *ret)
{
    const char *from = at;
    while (from > line && at - from < 9 && tw_text_is_digit(from[-1]))
        from--;
    return tw_log_number_at(from, (size_t)(at - from), ret) ? from : NULL;
}

/* espnet2/train/reporter.py: "3epoch:train:101-200batch: loss=2.1, ..." tells of the batches that
 * were counted since the epoch's begin, and "3epoch results: [train] loss=2.1, ..., [valid]
 * loss=2.3" of the epoch. */
bool tw_text_take_espnet(struct tw_text_scan *scan)
{
    const char *word = NULL, *batch = NULL;
    double epoch, last;
    if (scan->line < scan->end && (*scan->line == '[' || tw_text_is_digit(*scan->line)))
        word = /* "[host] ...", "3epoch" */
            tw_text_behind(scan->at, (size_t)(scan->end - scan->at), "epoch");
    if (!word || !number_before(scan->at, word - 5, &epoch))
        return false;
    if (tw_text_begins(word, (size_t)(scan->end - word), " results: [")) {
        scan->place.epoch = epoch;
        scan->is_epoch_mean = true;
        scan->at = word + 10;
        return true;
    }
    if (tw_text_begins(word, (size_t)(scan->end - word), ":"))
        batch = tw_text_behind(word, (size_t)(scan->end - word), "batch: ");
    if (!batch || !number_before(word, batch - 7, &last))
        return false;
    scan->place.epoch = epoch;
    scan->place.at = last;
    scan->place.kind = TW_TEXT_BATCH;
    scan->part =
        tw_text_begins(word, (size_t)(scan->end - word), ":train") ? TW_PART_TRAIN : TW_PART_EVAL;
    scan->at = batch;
    return true;
}

/* ---- where the run is ---- */

/* The steps before the epoch, where `at` begins anew with each. */
static void find_offset(struct tw_text_log *log, const struct tw_text_place *place, double epoch)
{
    double first = log->first_epoch <= 1 ? log->first_epoch : 1;
    bool is_behind = log->epochs_are_behind && isnan(log->counted_epoch);
    first -= log->epochs_are_behind;
    if (!isnan(place->of) && epoch >= first)
        log->offset = (epoch - first) * place->of;
    else if ((epoch > log->counted_epoch || is_behind) && !isnan(log->step))
        log->offset = log->step;
}

static void go_to_count(struct tw_text_log *log, const struct tw_text_place *place)
{
    double epoch = isnan(place->epoch) ? log->epoch : place->epoch;
    /* "Finished Epoch[1]": the first epoch that is known tells that its batches were counted. */
    bool was_counted = log->last_batch > 0 && place->at <= log->last_batch;
    bool is_behind =
        isnan(log->counted_epoch) && isnan(place->epoch) && !isnan(epoch) && was_counted;
    bool is_new_epoch = epoch > log->counted_epoch || is_behind;
    log->epochs_are_behind |= is_behind;
    /* Batches begin anew, unless their count has passed that of the epoch before (Sockeye). */
    bool may_go_on = place->kind == TW_TEXT_STEP || isnan(place->of);
    if (may_go_on && !log->counts_anew && !log->counts_on && is_new_epoch &&
        !isnan(log->last_batch)) {
        log->counts_anew = place->at <= log->last_batch;
        log->counts_on = !log->counts_anew;
    }
    bool is_anew =
        !isnan(epoch) && (log->counts_anew || (place->kind == TW_TEXT_BATCH && !log->counts_on));
    if (is_anew && (is_new_epoch || isnan(log->batches)))
        find_offset(log, place, epoch);
    if (is_anew)
        log->batches = place->of;
    log->last_batch = place->at;
    log->counted_epoch = epoch;
    log->step = (is_anew ? log->offset : 0) + place->at;
}

void tw_text_go_to(struct tw_text_log *log, const struct tw_text_place *place)
{
    if (!isnan(place->epoch) && isnan(log->first_epoch))
        log->first_epoch = floor(place->epoch);
    if (place->is_samples) {
        log->step = (double)NAN;
        log->epoch = place->epoch - (log->first_epoch >= 1) + place->at / place->of;
        return;
    }
    if (!isnan(place->at) && !(place->is_bar && tw_text_go_to_bar(log, place)))
        go_to_count(log, place);
    if (!isnan(place->epoch))
        log->epoch = place->epoch;
}

/* "end of epoch 1": behind its last step, where it is known how many it has. */
double tw_text_epoch_end(const struct tw_text_log *log)
{
    return isnan(log->batches) || isnan(log->step) ? log->step : log->offset + log->batches;
}
