/* Every threshold of the underfitting detector, once, with its source. "Public runs" are the
 * labelled logs of public trainings that it was tuned on, among them 68 healthy ones and 14 that
 * underfit. */
#include "detectors/underfitting/config.h"

#define FIELD(member) .offset = offsetof(struct tw_underfitting_config, member)
#define COUNT(member, value, low, high, text)                                                      \
    {                                                                                              \
        .name = #member, .type = TW_OPTION_COUNT, FIELD(member), .initial = (value), .min = (low), \
        .max = (high), .help = text                                                                \
    }
#define NUMBER(member, value, low, high, text)                                                     \
    {                                                                                              \
        .name = #member, .type = TW_OPTION_NUMBER, FIELD(member), .initial = (value),              \
        .min = (low), .max = (high), .help = text                                                  \
    }

const struct tw_option tw_underfitting_options[TW_UNDERFITTING_OPTIONS] = {
    COUNT(min_points, 12, 5, 10000,
          "fewer losses (or, without any, evaluation losses) cannot be judged"),
    COUNT(due_steps, 500, 1, 1e9,
          "steps after the declared warm-up before a run may be called dead or stuck (our "
          "judgement; TheDeepChecker gives a single batch 1,000)"),
    NUMBER(due_share, .1, 0, 1, "and at least this share of the declared budget (our judgement)"),
    NUMBER(judged_share, .3, 0, 1,
           "what needs more than the trivial level waits for this share of the budget: AUTOTRAINER "
           "(ICSE 2021) judges losses after .3 of the epochs"),
    NUMBER(slow_share, .5, 0, 1,
           "from this share of the budget on the loss at its end is projected, and a run at the "
           "trivial "
           "level is dead even where nothing tells why (trainings of digits with three sigmoid "
           "layers stood there for up to 45 % of their budget and learned then)"),
    NUMBER(end_share, .95, 0, 1, "a run that ends after this share of its budget has used it"),
    NUMBER(dead_level, .95, .5, 1,
           "critical: a loss of at least this share of the trivial one, that of the labels' "
           "frequencies or of the targets' mean (trainproof: less than 5 % better than the start)"),
    NUMBER(trivial_room, 1.5, 1, 100,
           "a loss up to so many times the trivial one may stand there; a higher one is on another "
           "scale (a sum, added terms) and is compared with its own start"),
    NUMBER(flat_level, .97, .5, 1,
           "where no trivial level is declared: a loss of at least this share of its first level "
           "has not moved (tuned on public runs: healthy ones end below .95, flat ones above .98)"),
    NUMBER(learned_level, .9, .1, 1,
           "withdrawn when the loss is below this share of what it stood at: it learns after all"),
    NUMBER(stuck_level, .5, .05, 1,
           "warning: a plateau, or the end, at this share of the trivial loss or more (our "
           "judgement)"),
    NUMBER(vocabulary_level, .7, .05, 1,
           "the same over a vocabulary, where the frequencies of words alone explain a third of "
           "ln(classes) (Shannon 1951, Zipf)"),
    NUMBER(gap, .1, 0, 10,
           "no plateau is underfitting when the evaluation loss is further than this above the "
           "training loss: then the gap is the problem"),
    COUNT(vocabulary_classes, 5000, 2, 1e12, "so many classes are a vocabulary"),
    COUNT(plateau_steps, 2000, 10, 1e9,
          "steps without decrease for a plateau (dlib's default); 6 to 7 % of healthy public runs "
          "have such, so that a plateau alone is never a finding; so long a run without a declared "
          "budget may stand at the trivial level where nothing tells why"),
    NUMBER(plateau_share, .1, 0, 1, "and at least this share of the budget, or of the run so far"),
    NUMBER(plateau_probability, .51, .5, 1,
           "a stretch falls with at least this probability, else it is without decrease (dlib)"),
    NUMBER(plateau_discard, .1, 0, .5, "share of the highest values passed over (dlib)"),
    NUMBER(falling_probability, .95, .5, 1,
           "the newest half of the losses falls with this probability"),
    NUMBER(falling_share, .02, 0, 1, "and by this share: then a run is not dead but slow"),
    NUMBER(
        constant_room, .005, 0, .1,
        "the newest quarter of the losses within this of what a constant answer costs: .25 for a "
        "balanced yes or no with squared errors, ln 2, 3, 4, 5, 10, 100 or 1,000 with "
        "cross-entropy"),
    NUMBER(crawl_drop, .35, 0, 1,
           "a loss that fell by less than this in the whole run (tuned on public runs)"),
    NUMBER(crawl_pace, .5, 0, 10,
           "and falls in the newest third at least at this share of its pace in the first: healthy "
           "losses fall fast first (tuned on public runs)"),
    NUMBER(decayed_rate, .1, 0, 1,
           "no plateau counts once the learning rate is below this share of its peak: the schedule "
           "has ended the training"),
    NUMBER(low_ratio, -4, -20, 0,
           "median log10 of update over weight norm below which the learning rate is too low "
           "(TheDeepChecker: -4; Adam's usual rates give about -3)"),
    NUMBER(high_ratio, -1, -20, 5, "and above which it is too high (TheDeepChecker: -1)"),
    NUMBER(short_path, .4, 0, 1e6,
           "updates over weights, summed over all steps, below which the rate is too low for the "
           "steps that were made (trainings of digits at too low rates: .36 and less; models that "
           "are too small: .46 and more)"),
    NUMBER(fast_fall, .12, 0, 1,
           "a loss that fell by this share in the newest half lacks only steps (our judgement)"),
    NUMBER(grown_weights, 3.5, 1, 1e6,
           "weights that grew so many times without learning: the rate is too high (healthy "
           "trainings of digits at rates from 1e-4 to .3: at most 3.7, those that failed: 4 and "
           "more)"),
    NUMBER(thrown_weights, 1.2, 1, 1e6,
           "early losses that were high tell of a rate that is too high only when the weights have "
           "grown so many times since, where that is known: squared errors of small batches are "
           "high by chance (random trainings of diabetes: .97 to 1)"),
    NUMBER(shrunk_weights, .5, 0, 1,
           "weights that shrank to this share: regularisation holds them down (the same trainings: "
           "healthy .51 and more, failed .27 and less)"),
    NUMBER(blown_loss, 1.5, 1, 1e6,
           "four of the first 64 losses over so many times the first and the trivial one, or the "
           "first "
           "over its square times the trivial one: the rate "
           "is too high"),
};
