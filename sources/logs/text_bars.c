/* Progress bars with readings in them (tqdm: "30/1000 [00:01<00:32, 30.1it/s, loss=0.52]") whose
 * lines tell no epoch. Each bar counts from 0: one that begins when that before it has run to its
 * end is the next epoch, unless the loss begins anew, too: then it is another training (a sweep, a
 * fold, a log that a second job was appended to), as is one that begins before. */
#include "sources/logs/names.h"
#include "sources/logs/text_scan.h"

#include <math.h>

/* The last state of a bar is not always shown (leave=False), nor is each of a fast one. */
#define NEARLY_DONE .9
/* Bars of another total that come one behind the other, with none of the training's between: not so
 * many sets are evaluated. */
#define BARS_OF_ANOTHER_TRAINING 12
/* A loss that begins anew is higher than half of a bar ever was by so much, or does no harm. */
#define HIGHER .5

/* ---- whose bar it is ---- */

static struct tw_text_other_bar *find_other(struct tw_text_bars *bars, double total)
{
    unsigned n = bars->n_others < TW_TEXT_OTHER_BARS ? bars->n_others : TW_TEXT_OTHER_BARS;
    for (unsigned i = 0; i < n; i++) {
        if (bars->others[i].total == total)
            return &bars->others[i];
    }
    struct tw_text_other_bar *other = &bars->others[bars->n_others++ % TW_TEXT_OTHER_BARS];
    *other = (struct tw_text_other_bar){.total = total, .at = INFINITY};
    return other;
}

/* One step further behind each bar of the training, or still at the same: the bar of its epochs,
 * which is around it. (All states of a fast bar may be shown at 0.) */
static bool is_around(const struct tw_text_other_bar *other, double at)
{
    return at == other->at + 1 || (at == other->at && at > 0 && at < other->total);
}

static void see_other(struct tw_text_other_bar *other, double at)
{
    bool begins = at < other->at;
    if (begins)
        other->is_around = false;
    else if (!other->times)
        other->is_around = is_around(other, at);
    other->times += begins || !other->times;
    other->at = at;
}

static void forget_times(struct tw_text_bars *bars)
{
    for (unsigned i = 0; i < TW_TEXT_OTHER_BARS; i++)
        bars->others[i].times = 0;
}

/* Samplers that fill batches by size make some more or fewer of them in each epoch. */
static bool is_like(double a, double b)
{
    return fabs(a - b) <= (1 - NEARLY_DONE) * b;
}

/* NaN: none, or only behind its bars. */
static double told_epoch(const struct tw_text_log *log, const struct tw_text_place *place)
{
    return isnan(place->epoch) && isnan(log->bars.offset) ? log->epoch : place->epoch;
}

enum tw_text_bar tw_text_see_bar(struct tw_text_log *log, const struct tw_text_place *place)
{
    struct tw_text_bars *bars = &log->bars;
    bool is_newer_epoch = told_epoch(log, place) > bars->epoch;
    if (!isnan(bars->total) && !is_like(place->of, bars->total) && !is_newer_epoch) {
        struct tw_text_other_bar *other = find_other(bars, place->of);
        see_other(other, place->at);
        if (other->times < BARS_OF_ANOTHER_TRAINING)
            return other->is_around ? TW_TEXT_BAR_OF_EPOCHS : TW_TEXT_BAR_OF_EVALUATION;
    }
    forget_times(bars);
    return TW_TEXT_BAR_OF_TRAINING;
}

/* ---- which steps it counts ---- */

static double loss_of(const struct tw_text_log *log)
{
    const struct tw_text_row *row = &log->row;
    for (unsigned i = 0; i < row->n_cells; i++) {
        struct tw_name_meaning meaning;
        tw_log_name_meaning(row->names + row->cells[i].name, row->part, log->map, &meaning);
        if (meaning.meaning == TW_MEANS_LOSS || meaning.meaning == TW_MEANS_LOSS_PART ||
            meaning.meaning == TW_MEANS_PERPLEXITY)
            return row->cells[i].value;
    }
    return (double)NAN;
}

/* Near to where it began, far from where it had come to, and higher than it was for long. */
static bool is_loss_of_beginning(const struct tw_text_bars *bars, double loss)
{
    double fall = bars->first_loss - bars->last_loss;
    return fabs(loss - bars->first_loss) < fall / 2 &&
           loss - bars->highest > HIGHER * fabs(bars->highest);
}

static bool is_nearly_done(const struct tw_text_bars *bars)
{
    return bars->at >= NEARLY_DONE * bars->total;
}

static bool is_next_epoch(const struct tw_text_log *log, const struct tw_text_place *place,
                          double loss)
{
    const struct tw_text_bars *bars = &log->bars;
    if (log->end >= 0) /* a line told of the run's end */
        return false;
    if (!isnan(log->epoch) && log->epoch != bars->epoch) /* lines between the bars tell it */
        return isnan(bars->epoch) || log->epoch > bars->epoch;
    /* A loop that leaves each of its bars early leaves them all at the same place. */
    bool was_done = is_nearly_done(bars) || bars->at == bars->left_at;
    return was_done && is_like(place->of, bars->total) && place->at <= place->of / 2 &&
           !is_loss_of_beginning(bars, loss);
}

/* Lines told the next epoch, and it goes on where it was: one bar for the steps of all epochs. */
static bool spans_epochs(struct tw_text_bars *bars, const struct tw_text_place *place, double epoch)
{
    if (epoch < bars->epoch)
        return false;
    bars->spans_epochs |= place->at >= bars->at && !is_nearly_done(bars);
    return bars->spans_epochs;
}

static void begin_bar(struct tw_text_log *log, const struct tw_text_place *place, double loss)
{
    struct tw_text_bars *bars = &log->bars;
    bool is_next = !isnan(bars->offset) && is_next_epoch(log, place, loss);
    bool was_left = bars->at == bars->left_at;
    bars->offset = !is_next ? 0 : bars->offset + (was_left ? bars->at : bars->total);
    bars->left_at = bars->at;
    bars->total = place->of;
    bars->highest = -INFINITY;
    bars->spans_epochs = false;
    if (!is_next)
        bars->first_loss = loss;
}

bool tw_text_go_to_bar(struct tw_text_log *log, const struct tw_text_place *place)
{
    struct tw_text_bars *bars = &log->bars;
    double epoch = told_epoch(log, place);
    if (!isnan(epoch)) {
        bars->total = place->of;
        bars->epoch = epoch;
        return false;
    }
    double loss = loss_of(log);
    bool is_other_epoch = log->epoch < bars->epoch || log->epoch > bars->epoch;
    if (isnan(bars->offset) || place->of != bars->total || place->at < bars->at ||
        (is_other_epoch && !spans_epochs(bars, place, log->epoch)))
        begin_bar(log, place, loss);
    bars->at = place->at;
    bars->epoch = log->epoch;
    bars->last_loss = loss;
    if (place->at >= place->of / 2)
        bars->highest = fmax(bars->highest, loss);
    log->offset = bars->offset;
    /* Where an epoch ends that is told now; NaN: here. */
    log->batches = is_nearly_done(bars) && !bars->spans_epochs ? place->of : (double)NAN;
    log->step = bars->offset + place->at;
    return true;
}
