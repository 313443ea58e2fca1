/* Any log line that a person would understand: names with numbers behind them ("loss: 0.5",
 * "lr=1e-3", "valid loss  5.48"), and among them where the run is ("Epoch: [3][120/500]", "step
 * 100", "12000/50000"). One pass; numbers decide, and look back at the words before them. What is a
 * time, a version, an address or a path is passed over. */
#include "sources/logs/text_scan.h"

#include "sources/logs/number.h"
#include "sources/logs/text_layout.h"

#include <math.h>
#include <string.h>

/* What words are made of, by byte: 1 begins one, 2 goes on with one. */
static const unsigned char *word_bytes(void)
{
    static const unsigned char table[256] = {
        ['A' ... 'Z'] = 3, ['a' ... 'z'] = 3, ['_'] = 3, [128 ... 255] = 3, ['0' ... '9'] = 2,
        ['.'] = 2,         ['/'] = 2,         ['-'] = 2, ['@'] = 2,         ['\''] = 2,
        ['%'] = 2,         ['#'] = 2,         ['+'] = 2, ['\\'] = 2,
    };
    return table;
}

unsigned char tw_text_word_byte(char byte)
{
    return word_bytes()[(unsigned char)byte];
}

static void add_word(struct tw_text_scan *scan, const char *from, const char *to)
{
    if (scan->n_words &&
        (scan->is_told || (from - scan->words_end > 1 && from[-2] == ' ' && from[-1] == ' ')))
        tw_text_forget_words(scan); /* "Train: loss": heads are no part; columns are apart */
    if (scan->n_words == TW_TEXT_WORDS) {
        memmove(scan->words, scan->words + 1, sizeof scan->words - sizeof *scan->words);
        scan->n_words--;
    }
    scan->words[scan->n_words++] = from;
    scan->words_end = to;
}

/* ---- words ---- */

/* "Epoch(train)", "mAP50-95(B)", "D(x)": letters in brackets that belong to the word. */
static const char *bracket_of_word(const char *at, const char *end)
{
    const char *from = at;
    if (at == end || *at != '(')
        return at;
    for (at++; at < end && at - from < 16 && (word_bytes()[(unsigned char)*at] & 2); at++)
        ;
    return at < end && *at == ')' && at - from > 1 ? at + 1 : from;
}

static bool is_path(const char *from, const char *to)
{
    unsigned slashes = 0;
    for (const char *at = from; at < to; at++)
        slashes += *at == '/' || *at == '\\';
    return slashes > 3 || (to - from > 3 && to[-3] == '.' && to[-2] == 'p' && to[-1] == 'y');
}

/* torch's "tensor(0.5, device=...)" and numpy's "np.float32(0.5)" are numbers in a wrapper. */
static bool is_wrapper(const char *from, const char *to)
{
    static const char *const words[] = {"tensor", "Tensor", "array", "Array", "float32", "float64"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(to - from) >= length && !memcmp(to - length, words[i], length))
            return true;
    }
    return false;
}

static void assign_count(struct tw_text_scan *scan, enum tw_text_kind kind, double at, double of);

/* "200/ 2983 batches" */
static bool takes_loose(struct tw_text_scan *scan, const char *from, const char *to)
{
    struct tw_text_name name;
    if (isnan(scan->loose))
        return false;
    tw_text_name_of(scan->log, from, (size_t)(to - from), false, &name);
    if (name.kind == TW_TEXT_STEP || name.kind == TW_TEXT_BATCH) {
        assign_count(scan, name.kind, scan->loose, scan->loose_of);
        return true;
    }
    if (!scan->loose_is_sure)
        scan->loose = (double)NAN;
    return false;
}

static inline bool is_end_of_sentence(char c)
{
    return c == '.' || c == '-' || c == '\'' || c == '+' || c == '/';
}

static void take_word(struct tw_text_scan *scan)
{
    const unsigned char *bytes = word_bytes();
    const char *from = scan->at, *to = from;
    while (to < scan->end && (bytes[(unsigned char)*to] & 2))
        to++;
    scan->log->may_end = scan->log->may_end || tw_text_is_end_word(from, (size_t)(to - from));
    const char *next = bracket_of_word(to, scan->end);
    if (next == to) {
        while (to > from + 1 && is_end_of_sentence(to[-1]))
            to--;
        next = to;
    }
    scan->at = next;
    if (next < scan->end && *next == '(' && scan->is_told && is_wrapper(from, to)) {
        scan->at++;
        return;
    }
    if (tw_text_begins(next, (size_t)(scan->end - next), "://") || is_path(from, to)) {
        while (scan->at < scan->end && *scan->at != ' ')
            scan->at++;
        tw_text_forget_words(scan);
    } else if (!takes_loose(scan, from, next)) {
        add_word(scan, from, next);
    }
}

/* ---- numbers ---- */

static void assign_count(struct tw_text_scan *scan, enum tw_text_kind kind, double at, double of)
{
    if (!isnan(scan->place.at) && !scan->place.is_prefix)
        return;
    if (isnan(tw_text_whole(at))) {
        tw_text_layout_spoil(scan); /* another number would be one */
        return;
    }
    if (scan->place.is_prefix) /* which of two counts holds is told by the line, not by a number */
        tw_text_layout_spoil(scan);
    scan->place.is_prefix = false;
    scan->place.at = at;
    scan->place.of = of;
    scan->place.kind = kind;
}

static void assign_epoch(struct tw_text_scan *scan, double epoch)
{
    scan->was_epoch = true;
    if (!isnan(scan->place.epoch))
        return;
    if (epoch >= 0 && epoch < 1e9)
        scan->place.epoch = epoch;
    else
        tw_text_layout_spoil(scan);
}

static void add_cell(struct tw_text_scan *scan, const char *name, size_t size, double value,
                     const struct tw_text_name *what, const char *suffix)
{
    struct tw_text_row *row = &scan->log->row;
    char text[200];
    if (row->n_cells == TW_TEXT_CELLS || size > 160)
        return;
    memcpy(text, name, size);
    if (what->part != TW_PART_BY_NAME)
        scan->part = what->part;
    if (scan->is_epoch_mean && scan->part == TW_PART_TRAIN)
        suffix = " epoch";
    size_t length = size + strlen(suffix);
    memcpy(text + size, suffix, strlen(suffix));
    scan->parts[row->n_cells] = what->part != TW_PART_BY_NAME  ? what->part
                                : what->kind == TW_TEXT_SIGNAL ? scan->part
                                                               : TW_PART_BY_NAME;
    tw_text_row_add(row, text, length, value, TW_MEANS_BY_NAME);
    scan->has_signal = scan->has_signal || what->kind == TW_TEXT_SIGNAL;
}

bool tw_text_scan_mean(struct tw_text_scan *scan, double *ret)
{
    const char *at = tw_text_skip_spaces(scan->at, scan->end);
    if (at == scan->end || *at != '(')
        return false;
    at = tw_text_skip_spaces(at + 1, scan->end);
    size_t length = tw_log_number_at(at, (size_t)(scan->end - at), ret);
    if (!length || at + length == scan->end || at[length] != ')')
        return false;
    scan->at = at + length + 1;
    return true;
}

/* "Loading model cost 0.644 seconds" */
static bool has_unit(const struct tw_text_scan *scan)
{
    static const char *const units[] = {" second", " sec", " s ", " ms",  " minute",
                                        " hour",   " MB",  " GB", " GiB", " MiB"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (tw_text_begins(scan->at, (size_t)(scan->end - scan->at), units[i]))
            return true;
    }
    return false;
}

static void take_reading(struct tw_text_scan *scan, const char *name, size_t size, double value,
                         double of, const struct tw_text_name *what)
{
    double mean;
    if (!scan->is_told && has_unit(scan))
        return;
    if (!isnan(of)) { /* "Accuracy: 9814/10000" */
        tw_text_layout_spoil(scan);
        if (what->kind == TW_TEXT_SIGNAL && of > 0 && value <= of)
            add_cell(scan, name, size, value / of, what, "");
        return;
    }
    if (!tw_text_scan_mean(scan, &mean)) {
        add_cell(scan, name, size, value, what, "");
    } else if (scan->part == TW_PART_EVAL || what->part == TW_PART_EVAL) {
        add_cell(scan, name, size, mean, what, ""); /* over what was evaluated so far */
    } else {
        add_cell(scan, name, size, value, what, "");
        add_cell(scan, name, size, mean, what, " avg");
    }
}

/* A number that nothing is written before: "[3/10][120/500]", "12000/50000", "[10]\ttrain-rmse". */
static void take_nameless(struct tw_text_scan *scan, double value, double of)
{
    const char *next = scan->at < scan->end ? scan->at : "";
    bool first_bracket = scan->in_bracket && isnan(scan->place.epoch) && isnan(scan->place.at);
    if (scan->in_bracket && scan->was_epoch) {
        assign_count(scan, TW_TEXT_BATCH, value, of);
    } else if (first_bracket &&
               (*next == ',' || tw_text_begins(scan->at, (size_t)(scan->end - scan->at), "]["))) {
        assign_epoch(scan, value);
        if (*next == ',' && scan->at + 1 < scan->end)
            scan->at++; /* the batch stands in the same bracket */
        return;
    } else if (first_bracket && (!isnan(of) || scan->place.is_first)) {
        assign_count(scan, scan->part == TW_PART_EVAL ? TW_TEXT_BATCH : TW_TEXT_STEP, value, of);
    } else if (!isnan(of)) {
        tw_text_layout_spoil(scan); /* a word that comes may be what it counts */
        scan->loose = value;
        scan->loose_of = of;
        scan->loose_is_sure = scan->place.is_first || scan->behind_bar;
    } else if (scan->place.is_first && *next == ':') {
        assign_count(scan, TW_TEXT_STEP, value, of);
        scan->place.is_prefix = !isnan(scan->place.at);
    }
    scan->was_epoch = false;
}

/* "[0/60000 (0%)]" behind an epoch, as in PyTorch's MNIST example: samples, where there are many.
 * Another line may have more of them, or a shorter share. */
static bool counts_samples(struct tw_text_scan *scan, double of)
{
    const char *at = tw_text_skip_spaces(scan->at, scan->end);
    if (at == scan->end || *at != '(')
        return false;
    tw_text_layout_spoil(scan);
    return of >= 5000 && memchr(at, '%', scan->end - at < 8 ? (size_t)(scan->end - at) : 8);
}

/* A layout keeps to the text between the numbers, and this is of it. */
static bool begins_with_digit(const char *at, const char *end)
{
    at = tw_text_skip_spaces(at, end);
    return at < end && tw_text_is_digit(*at);
}

/* MindSpore's "epoch: 1 step: 100, loss is 2.3"; without a place it is a sentence. */
static bool tells_loss(const struct tw_text_scan *scan, size_t size)
{
    return scan->n_words == 2 && size == 7 && !scan->is_told && !isnan(scan->place.at) &&
           !memcmp(scan->words[0], "loss is", 7);
}

/* "Train loss 120 0.512", "Validation loss 120: 0.534" (NVIDIA's Tacotron 2): a count that stands
 * between the name and its reading, which has decimals. A layout does not look at them. */
static bool is_count_of_reading(struct tw_text_scan *scan, const struct tw_text_name *what,
                                double value)
{
    const char *at = scan->at, *last = scan->n_words ? scan->words[scan->n_words - 1] : "";
    double next;
    if (what->kind != TW_TEXT_SIGNAL || scan->is_told || scan->words_end - last != 4 ||
        memcmp(last, "loss", 4) || at == scan->end || (*at != ' ' && *at != ':'))
        return false;
    at = tw_text_skip_spaces(at + 1, scan->end);
    size_t length = tw_log_number_at(at, (size_t)(scan->end - at), &next);
    if (!length)
        return false;
    tw_text_layout_spoil(scan);
    return isnan(scan->place.at) && tw_text_is_digit(*at) && memchr(at, '.', length) &&
           !isnan(tw_text_whole(value)) && scan->at - scan->words_end < 20 &&
           !memchr(scan->words_end, '.', (size_t)(scan->at - scan->words_end));
}

static void take_number(struct tw_text_scan *scan, double value, double of)
{
    struct tw_text_name what = {0};
    const char *name = scan->n_words ? scan->words[0] : scan->kept;
    size_t size = scan->n_words ? (size_t)(scan->words_end - name) : scan->kept_size;
    if (!size) {
        if (scan->was_epoch && scan->epoch_is_named && counts_samples(scan, of))
            scan->place.is_samples = true;
        take_nameless(scan, value, of);
        return;
    }
    if (tells_loss(scan, size)) {
        size -= 3;
        scan->is_told = true;
    }
    if (scan->is_told && scan->n_words && scan->head_begin == name)
        what = scan->head;
    else
        tw_text_name_of(scan->log, name, size, scan->is_told, &what);
    scan->kept_size = 0;
    scan->was_epoch = false;
    if (isnan(of) && is_count_of_reading(scan, &what, value)) {
        assign_count(scan, TW_TEXT_STEP, value, of);
        scan->kept = name;
        scan->kept_size = size;
        tw_text_forget_words(scan);
        return;
    }
    const char *next = tw_text_skip_spaces(scan->at, scan->end);
    if (tw_text_is_place(what.kind) && scan->at[-1] == '%') { /* "Steps:  10%|#   | 100/1000" */
        tw_text_layout_spoil(scan);
        tw_text_forget_words(scan);
        return;
    }
    if (what.kind == TW_TEXT_EPOCH) {
        assign_epoch(scan, value);
        scan->epoch_is_named = true;
    } else if (what.kind == TW_TEXT_UNKNOWN && what.part != TW_PART_BY_NAME && scan->in_bracket &&
               !isnan(of)) {
        if (tw_text_begins(scan->at, (size_t)(scan->end - scan->at), "]["))
            assign_epoch(scan, value); /* "Train: [0/300][10/1251]" */
        else
            assign_count(scan, TW_TEXT_BATCH, value, of); /* "Test: [ 10/196]" */
    } else if (what.kind == TW_TEXT_UNKNOWN && what.part != TW_PART_BY_NAME &&
               !isnan(tw_text_whole(value)) && next < scan->end && *next == '[' &&
               begins_with_digit(next + 1, scan->end)) {
        assign_epoch(scan, value); /* "Train: 0 [  50/1251 (  4%)]" */
        tw_text_layout_spoil(scan);
    } else if (what.kind == TW_TEXT_STEP || what.kind == TW_TEXT_BATCH) {
        bool ends = scan->at < scan->end && (*scan->at == ':' || *scan->at == '=');
        assign_count(scan, what.kind, value, of);
        unsigned n = scan->n_words; /* "loss at step": without its "at" */
        const char *last = n ? scan->words[n - (n > 2 ? 2 : 1)] : name;
        if (ends && last > name) {
            scan->kept = name;
            scan->kept_size = (size_t)(last - name);
            while (scan->kept_size && name[scan->kept_size - 1] == ' ')
                scan->kept_size--;
        }
    } else if (what.kind != TW_TEXT_UNKNOWN) {
        take_reading(scan, name + what.skip, size - what.skip, value, of, &what);
    }
    if (tw_text_is_place(what.kind) && what.part != TW_PART_BY_NAME)
        scan->part = what.part;
    tw_text_forget_words(scan);
}

static bool takes_number(struct tw_text_scan *scan)
{
    double value = (double)NAN, of = (double)NAN;
    const char *from = scan->at;
    const struct tw_text_place before = scan->place;
    unsigned n_before = scan->log->row.n_cells;
    scan->number_kind = TW_TEXT_KIND_UNSEEN;
    if (scan->layout && !scan->layout->is_spoilt)
        tw_text_number_kind(scan); /* a number of another line may need it */
    enum tw_text_number found = tw_text_scan_number(scan, &value, &of);
    if (found == TW_TEXT_NO_NUMBER)
        return false;
    const char *behind = scan->at;
    if (found == TW_TEXT_NUMBER) {
        scan->place.is_first = from == scan->line || (from == scan->line + 1 && scan->in_bracket) ||
                               tw_text_skip_spaces(scan->line, scan->end) == from;
        take_number(scan, value, of);
    }
    tw_text_layout_note(scan, from, behind, found, !isnan(of), &before, n_before);
    return true;
}

/* ---- what stands between ---- */

/* "Test set: ", "Train: [": what follows is about it. */
static void take_head(struct tw_text_scan *scan)
{
    struct tw_text_name what;
    if (!scan->n_words)
        return;
    tw_text_name_of(scan->log, scan->words[0], (size_t)(scan->words_end - scan->words[0]), true,
                    &what);
    scan->head = what;
    scan->head_begin = scan->words[0];
    if (what.part != TW_PART_BY_NAME)
        scan->part = what.part;
}

static void take_sign(struct tw_text_scan *scan)
{
    char sign = *scan->at++;
    if (sign == ' ' || sign == '"' || sign == '\'')
        return;
    scan->in_bracket = sign == '[';
    scan->behind_bar = sign == '|';
    switch (sign) {
    case ':':
    case '=':
        scan->is_told = scan->n_words || scan->kept_size;
        if (scan->is_told && scan->n_words)
            take_head(scan);
        return;
    case '.':
        return;
    case '|':
    case '-':
        take_head(scan);
        tw_text_forget_words(scan);
        scan->was_epoch = false;
        return;
    case ']':
        if (!scan->is_told)
            take_head(scan); /* "[Validation] loss" */
        if (scan->head_begin == scan->words[0] && scan->head.part != TW_PART_BY_NAME)
            tw_text_forget_words(scan);
        return;
    case '[': /* "Epoch [3/10]", "lr=[0.1]" */
        return;
    default:
        tw_text_forget_words(scan);
        scan->was_epoch = scan->was_epoch && sign == '\t';
    }
}

/* Most words begin no number: "nan" and "inf" do. */
static inline bool may_begin_number(const char *at, const char *end)
{
    if (tw_text_is_digit(*at))
        return true;
    char next = at + 1 < end ? at[1] : '\0';
    switch (*at) {
    case 'n':
    case 'N':
        return (next | 0x20) == 'a';
    case 'i':
    case 'I':
        return (next | 0x20) == 'n';
    case '.':
        return tw_text_is_digit(next);
    case '-':
    case '+':
        return tw_text_is_digit(next) || (next && strchr(".nNiI", next));
    default:
        return false;
    }
}

static void scan_line(struct tw_text_scan *scan)
{
    const unsigned char *bytes = word_bytes();
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at;
        if (may_begin_number(scan->at, scan->end) && takes_number(scan)) {
            scan->in_bracket = scan->in_bracket && scan->at < scan->end &&
                               (*scan->at == ' ' || scan->at[-1] == ',');
            continue;
        }
        if (bytes[c] & 1)
            take_word(scan);
        else
            take_sign(scan);
    }
}

/* ---- rows ---- */

static bool has_part(const struct tw_text_scan *scan, enum tw_row_part part)
{
    for (unsigned i = 0; i < scan->log->row.n_cells; i++) {
        if (scan->parts[i] == part)
            return true;
    }
    return false;
}

/* A reading that says nothing of an evaluation: "loss=0.5, val_loss=0.6". */
static bool has_reading_of_training(const struct tw_text_scan *scan)
{
    const struct tw_text_row *row = &scan->log->row;
    struct tw_text_name what;
    for (unsigned i = 0; i < row->n_cells; i++) {
        const char *name = row->names + row->cells[i].name;
        if (scan->parts[i] == TW_PART_EVAL)
            continue;
        tw_text_name_of(scan->log, name, strlen(name), true, &what);
        if (scan->parts[i] == TW_PART_TRAIN || what.kind == TW_TEXT_SIGNAL)
            return true;
    }
    return false;
}

/* "Train Loss: 1 | Acc: 2 | Val Loss: 3 | Acc: 4": the last is the validation's, by its place. */
static void name_parts(struct tw_text_scan *scan)
{
    struct tw_text_row *row = &scan->log->row, named;
    tw_text_row_start(&named);
    for (unsigned i = 0; i < row->n_cells; i++) {
        struct tw_text_name what;
        char text[200] = "val ";
        const char *name = row->names + row->cells[i].name;
        tw_text_name_of(scan->log, name, strlen(name), true, &what);
        bool is_bare = scan->parts[i] == TW_PART_EVAL && what.part == TW_PART_BY_NAME;
        size_t before = is_bare ? 4 : 0, length = strlen(name);
        memcpy(text + before, name, length);
        tw_text_row_add(&named, text, before + length, row->cells[i].value, row->cells[i].meaning);
    }
    memcpy(row->cells, named.cells, named.n_cells * sizeof *named.cells);
    memcpy(row->names, named.names, named.names_size);
    row->n_cells = named.n_cells;
    row->names_size = named.names_size;
}

static void finish_row(struct tw_text_scan *scan)
{
    struct tw_text_row *row = &scan->log->row;
    bool is_eval = has_part(scan, TW_PART_EVAL), is_train = has_part(scan, TW_PART_TRAIN);
    /* " * Acc@1 70.1": behind the states of an evaluation it is their end. */
    if (!is_eval && !is_train && scan->log->is_held && scan->log->held.part == TW_PART_EVAL &&
        isnan(scan->place.at) && isnan(scan->place.epoch))
        row->part = TW_PART_EVAL;
    bool is_mixed = is_eval && (is_train || has_part(scan, TW_PART_BY_NAME));
    if (is_mixed)
        name_parts(scan);
    else if (is_eval || is_train)
        row->part = is_eval ? TW_PART_EVAL : TW_PART_TRAIN;
    row->epoch = scan->log->epoch;
    row->step = isnan(scan->place.at) && !isnan(scan->place.epoch) ? tw_text_epoch_end(scan->log)
                                                                   : scan->log->step;
}

/* A bar that names neither the training nor the evaluation, or both, as that of the epochs around
 * others does: "2/5 [train_loss=0.5, val_loss=0.6]". False: its readings are those of the bars in
 * it. */
static bool takes_bar(struct tw_text_scan *scan)
{
    bool is_train = has_part(scan, TW_PART_TRAIN);
    if (!scan->place.is_bar || is_train != has_part(scan, TW_PART_EVAL))
        return true;
    enum tw_text_bar bar = tw_text_see_bar(scan->log, &scan->place);
    if (is_train) {
        if (bar != TW_TEXT_BAR_OF_TRAINING)
            scan->place.at = (double)NAN; /* the training is where its own bar was */
        return true;
    }
    if (bar == TW_TEXT_BAR_OF_EVALUATION) {
        scan->part = TW_PART_EVAL;
        for (unsigned i = 0; i < scan->log->row.n_cells; i++)
            scan->parts[i] = TW_PART_EVAL;
    }
    return bar != TW_TEXT_BAR_OF_EPOCHS;
}

int tw_text_scan_finish(struct tw_text_scan *scan, const struct tw_log_sink *sink)
{
    struct tw_text_log *log = scan->log;
    bool is_place = !isnan(scan->place.epoch) || !isnan(scan->place.at);
    /* A rate alone is no reading, unless the log has told of what step or epoch it is. */
    bool has_rate = log->row.n_cells && !(isnan(log->step) && isnan(log->epoch));
    if (!scan->has_signal && !(is_place && log->row.n_cells) && !has_rate) {
        if (is_place && tw_text_is_about_place(scan))
            tw_text_go_to(log, &scan->place);
        return 0;
    }
    if (!takes_bar(scan))
        return 1;
    if (scan->part == TW_PART_EVAL && !isnan(scan->place.of) && !has_reading_of_training(scan)) {
        bool is_end = scan->place.at >= scan->place.of;
        scan->place.at = (double)NAN; /* of the evaluation, not of the training */
        scan->is_eval_progress = !is_end;
    }
    tw_text_go_to(log, &scan->place);
    finish_row(scan);
    if (!scan->is_eval_progress) {
        return tw_text_give_line(log, sink);
    }
    tw_text_hold(log);
    return 1;
}

static int scan_and_finish(struct tw_text_log *log, const char *line, size_t size,
                           struct tw_text_layout *layout, const struct tw_log_sink *sink)
{
    struct tw_text_scan scan;
    memset(&scan, 0, offsetof(struct tw_text_scan, parts));
    scan.has_signal = scan.is_eval_progress = false;
    scan.log = log;
    scan.layout = layout;
    scan.line = scan.at = line;
    scan.end = line + size;
    scan.loose = (double)NAN;
    scan.place = (struct tw_text_place){.epoch = (double)NAN, .at = (double)NAN, .of = (double)NAN};
    tw_text_row_start(&log->row);
    log->row.time_ms = tw_text_time(line, size, &scan.at);
    scan.begin = scan.at;
    scan.part = tw_text_part_of_line(log, tw_text_skip_spaces(scan.begin, scan.end), scan.end);
    bool is_espnet = tw_text_take_espnet(&scan);
    tw_text_layout_begin(&scan);
    if (is_espnet)
        tw_text_layout_spoil(&scan);
    scan_line(&scan);
    tw_text_layout_end(&scan);
    if (!isnan(scan.loose) && isnan(scan.place.at) && scan.has_signal) {
        assign_count(&scan, isnan(scan.place.epoch) ? TW_TEXT_STEP : TW_TEXT_BATCH, scan.loose,
                     scan.loose_of);
        scan.place.is_bar = scan.loose_is_sure && !isnan(scan.place.at);
    }
    return tw_text_scan_finish(&scan, sink);
}

int tw_text_scan_line(struct tw_text_log *log, const char *line, size_t size,
                      const struct tw_log_sink *sink)
{
    return scan_and_finish(log, line, size, NULL, sink);
}

int tw_text_scan_and_learn(struct tw_text_log *log, const char *line, size_t size,
                           const struct tw_log_sink *sink)
{
    bool may_end = log->may_end;
    log->may_end = false;
    struct tw_text_layout *layout = log->evaluates ? NULL : tw_text_layout_new(log);
    int result = scan_and_finish(log, line, size, layout, sink);
    if (layout)
        layout->may_end = log->may_end;
    log->may_end |= may_end;
    if (layout && result == 1)
        tw_text_layout_keep(log);
    return result;
}
