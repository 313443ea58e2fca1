/* Lines by which a log tells of its end. It stands only if no row follows: what was caught and
 * survived is no end. */
#include "sources/logs/text_log.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *text;
    enum tw_log_event event;
} ends[] = {
    {"Traceback (most recent call last)", TW_LOG_FAILED},
    {"out of memory", TW_LOG_FAILED},
    {"KeyboardInterrupt", TW_LOG_INTERRUPTED},
    {"CANCELLED AT", TW_LOG_INTERRUPTED},
    {"DUE TO TIME LIMIT", TW_LOG_INTERRUPTED},
    {"Segmentation fault", TW_LOG_FAILED},
    {"(core dumped)", TW_LOG_FAILED},
    {"stopping training", TW_LOG_FAILED}, /* "Loss is nan, stopping training" */
    {"terminating training", TW_LOG_FAILED},
    {"raining completed", TW_LOG_COMPLETED},
    {"raining complete!", TW_LOG_COMPLETED},
    {"raining finished", TW_LOG_COMPLETED},
    {"done training", TW_LOG_COMPLETED},
    {"End of training", TW_LOG_COMPLETED},
    {"`Trainer.fit` stopped", TW_LOG_COMPLETED},
    {"[after training is done]", TW_LOG_COMPLETED},
    {"inished training", TW_LOG_COMPLETED},
};

/* Keras's TerminateOnNaN: "Batch 12: Invalid loss, terminating training". */
static int take_invalid(struct tw_text_log *log, const struct tw_log_sink *sink)
{
    tw_text_row_start_here(log, &log->row);
    log->row.part = TW_PART_TRAIN;
    tw_text_row_add(&log->row, "Invalid loss", 12, (double)NAN, TW_MEANS_LOSS);
    int result = tw_text_give(log, sink);
    log->end = TW_LOG_FAILED;
    return result;
}

/* Looking for every end in every line would cost more than reading it. */
bool tw_text_is_end_word(const char *word, size_t size)
{
    static const char *const words[] = {
        "Traceback", "memory",   "KeyboardInterrupt", "CANCELLED", "TIME",     "Segmentation",
        "core",      "stopping", "terminating",       "Training",  "training",
    };
    if (size < 4 || !strchr("TmKCSct", *word))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (*words[i] == *word && strlen(words[i]) == size && !memcmp(words[i], word, size))
            return true;
    }
    return tw_text_begins(word, size, "Trainer.fit");
}

int tw_text_end_line(struct tw_text_log *log, const char *line, size_t size,
                     const struct tw_log_sink *sink)
{
    bool may_end = log->may_end;
    log->may_end = false;
    if (!may_end || size > 2000)
        return 0;
    if (tw_text_behind(line, size, ": Invalid loss, terminating training"))
        return take_invalid(log, sink);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!tw_text_behind(line, size, ends[i].text))
            continue;
        /* An interrupt ends in a traceback, too. */
        if (log->end != TW_LOG_INTERRUPTED || ends[i].event != TW_LOG_FAILED)
            log->end = (int)ends[i].event;
        break;
    }
    return 0;
}
