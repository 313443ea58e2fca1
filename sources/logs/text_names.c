/* Which words before a number make it a reading, or the place that the run is at. This only keeps
 * noise out; what a name means is decided behind the formats. */
#include "sources/logs/text_log.h"

#include "sources/logs/names.h"

#include <ctype.h>
#include <string.h>

/* Each list is spaces and words, as a word is looked for with the spaces around it. */
static const char epoch_words[] = " epoch ep epoc ";
static const char step_words[] = " step iter iters iteration it update updates up upd globalstep "
                                 "niter iterations steps ";
static const char batch_words[] = " batch batches minibatch mb ";
/* "warmup steps: 100" and "epochs per run" are settings. */
static const char setting_words[] = " max total num number warmup per every n size count log save "
                                    "eval logging accumulation decay patience limit ";
static const char stop_words[] = " at on in of with and is was to from for the a has reached "
                                 "improved than over after by finished took saving saved using ";
static const char not_now_words[] = " best lowest highest minimum maximum initial target final "
                                    "previous prev last threshold ";
static const char train_words[] = " train training trn ";
static const char eval_words[] =
    " val valid validation validate validating eval evaluation dev test testing heldout ";
static const char signal_words[] =
    " acc ppl bleu f1 auc map map50 iou miou err error mse mae rmse psnr ssim cost nll bpb bpc kl "
    "elbo wer cer precision recall prec top1 top5 dice reward rewards return scale xent ce bce "
    "rouge score fid mcc l1 l2 norm gnorm grad auroc auprc r2 logloss gan ndcg mrr objective trl "
    "tel ";
static const char *const signal_parts[] = {"loss", "accura", "perplex", "entropy", "grad", "norm"};
static const char plain_beside[] = " d g lm total mean avg average running acc token seq box cls "
                                   "global masked next top batch gen disc raw smoothed ";

#define WORDS 12
struct words {
    size_t n;
    char at[WORDS][32]; /* with a space on both sides */
    unsigned begin[WORDS];
};

static void split(const char *text, size_t size, struct words *ret)
{
    ret->n = 0;
    for (size_t i = 0; i < size;) {
        size_t length = 0;
        if (!isalnum((unsigned char)text[i])) {
            i++;
            continue;
        }
        if (ret->n == WORDS) {
            memmove(ret->at, ret->at + 1, sizeof ret->at - sizeof *ret->at);
            memmove(ret->begin, ret->begin + 1, sizeof ret->begin - sizeof *ret->begin);
            ret->n--;
        }
        char *word = ret->at[ret->n];
        ret->begin[ret->n] = (unsigned)i;
        word[length++] = ' ';
        for (; i < size && isalnum((unsigned char)text[i]); i++) {
            if (length < sizeof ret->at[0] - 2)
                word[length++] = (char)tolower((unsigned char)text[i]);
        }
        word[length++] = ' ';
        word[length] = '\0';
        ret->n++;
    }
}

static bool is_one_of(const char *word, const char *list)
{
    return strstr(list, word) != NULL;
}

static bool has_one_of(const struct words *words, size_t from, const char *list)
{
    for (size_t i = from; i < words->n; i++) {
        if (is_one_of(words->at[i], list))
            return true;
    }
    return false;
}

static bool is_rate(const struct words *words, size_t from)
{
    size_t last = words->n - 1;
    if (last > from && !strncmp(words->at[last], " group", 6)) /* "learning_rate_group0" */
        last--;
    return !strncmp(words->at[last], " lr", 3) || has_one_of(words, from, " lr ") ||
           (last > from && is_one_of(words->at[last], " rate r ") &&
            is_one_of(words->at[last - 1], " learning l "));
}

static bool is_signal_word(const char *word)
{
    for (size_t i = 0; i < sizeof signal_parts / sizeof *signal_parts; i++) {
        if (strstr(word, signal_parts[i]))
            return true;
    }
    return is_one_of(word, signal_words);
}

static bool is_signal(const struct words *words, size_t from)
{
    for (size_t i = from; i < words->n; i++) {
        if (is_signal_word(words->at[i]))
            return true;
    }
    return false;
}

static enum tw_text_kind place_of(const struct words *words, size_t from)
{
    const char *last = words->at[words->n - 1];
    enum tw_text_kind kind = is_one_of(last, epoch_words)   ? TW_TEXT_EPOCH
                             : is_one_of(last, step_words)  ? TW_TEXT_STEP
                             : is_one_of(last, batch_words) ? TW_TEXT_BATCH
                                                            : TW_TEXT_UNKNOWN;
    size_t first = from < words->n - 1 ? words->n - 2 : words->n - 1;
    if (is_one_of(last, " train val test ") && words->n > 1) { /* "Epoch(train)" */
        struct words without = *words;
        without.n--;
        return place_of(&without, from < without.n ? from : without.n - 1);
    }
    bool is_counter = !strcmp(last, " updates "); /* fairseq's "num_updates" */
    return first < words->n - 1 && !is_counter && is_one_of(words->at[first], setting_words)
               ? TW_TEXT_UNKNOWN
               : kind;
}

/* Lightning's "train_loss_step" and "val_acc_epoch": over what it is averaged, no place. */
static bool is_averaged_reading(const char *text, const struct words *words, size_t from)
{
    unsigned begin = words->begin[words->n - 1];
    if (!begin || !strchr("_/", text[begin - 1]))
        return false;
    for (size_t i = from; i + 1 < words->n; i++) {
        if (is_signal_word(words->at[i]))
            return true;
    }
    return false;
}

/* Without a ':' or '=' between name and number only what surely belongs to the name is of it. */
static size_t first_of_loose_name(const struct words *words, size_t from)
{
    size_t first = words->n;
    while (first > from &&
           (is_signal_word(words->at[first - 1]) || is_one_of(words->at[first - 1], train_words) ||
            is_one_of(words->at[first - 1], eval_words) ||
            is_one_of(words->at[first - 1], " lr learning rate l r ") ||
            is_one_of(words->at[first - 1], plain_beside) ||
            isdigit((unsigned char)words->at[first - 1][1]))) /* "Acc@1" */
        first--;
    return first;
}

static enum tw_text_kind kind_of_mapped(const struct tw_name_meaning *meaning)
{
    switch (meaning->meaning) {
    case TW_MEANS_STEP:
        return TW_TEXT_STEP;
    case TW_MEANS_EPOCH:
        return TW_TEXT_EPOCH;
    case TW_MEANS_LEARNING_RATE:
        return TW_TEXT_RATE;
    case TW_MEANS_NOTHING:
        return TW_TEXT_UNKNOWN;
    default:
        return TW_TEXT_SIGNAL;
    }
}

/* What the user maps is a name wherever it begins in the words; the longest counts. */
static bool takes_mapped(const struct tw_texts *map, const char *text, size_t size,
                         const struct words *words, struct tw_text_name *ret)
{
    struct tw_name_meaning meaning;
    char name[200];
    for (size_t i = 0; map && map->n && i < words->n; i++) {
        size_t length = size - words->begin[i];
        if (length >= sizeof name)
            continue;
        memcpy(name, text + words->begin[i], length);
        name[length] = '\0';
        if (!tw_log_name_is_mapped(name, map, &meaning))
            continue;
        ret->kind = kind_of_mapped(&meaning);
        ret->skip = words->begin[i];
        return true;
    }
    return false;
}

static void make_name(const struct tw_texts *map, const char *text, size_t size, bool is_told,
                      struct tw_text_name *ret)
{
    struct words words;
    size_t from = 0;
    split(text, size, &words);
    if (takes_mapped(map, text, size, &words, ret))
        return;
    for (size_t i = 0; i < words.n; i++)
        from = is_one_of(words.at[i], stop_words) ? i + 1 : from;
    if (!words.n || from == words.n)
        return;
    ret->part = has_one_of(&words, from, eval_words)    ? TW_PART_EVAL
                : has_one_of(&words, from, train_words) ? TW_PART_TRAIN
                                                        : TW_PART_BY_NAME;
    ret->kind = is_averaged_reading(text, &words, from) ? TW_TEXT_UNKNOWN : place_of(&words, from);
    if (ret->kind != TW_TEXT_UNKNOWN || has_one_of(&words, 0, not_now_words))
        return;
    if (!is_told)
        from = first_of_loose_name(&words, from);
    if (from == words.n)
        return;
    ret->skip = words.begin[from];
    ret->kind = is_rate(&words, from)     ? TW_TEXT_RATE
                : is_signal(&words, from) ? TW_TEXT_SIGNAL
                                          : TW_TEXT_UNKNOWN;
}

static uint64_t hash_of(const char *text, size_t size, bool is_told)
{
    uint64_t hash = 1469598103934665603u + is_told; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash ? hash : 1;
}

/* A log has few names and many lines: what was found of a name is kept. */
void tw_text_name_of(struct tw_text_log *log, const char *words, size_t size, bool is_told,
                     struct tw_text_name *ret)
{
    uint64_t hash = hash_of(words, size, is_told);
    struct tw_text_name *near = &log->names[(hash >> 32) % (TW_TEXT_CACHE / 4) * 4];
    struct tw_text_name *kept = near + (hash >> 60) % 4;
    for (unsigned i = 0; i < 4 && kept->hash != hash; i++) {
        if (near[i].hash == hash || !near[i].hash)
            kept = &near[i];
    }
    if (kept->hash != hash) {
        *kept = (struct tw_text_name){.hash = hash};
        make_name(log->map, words, size, is_told, kept);
    }
    *ret = *kept;
}
