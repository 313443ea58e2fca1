/* A reader of the log that looks for one kind of document. */
#include "config.h"

#include "agent/feedback_reader.h"

#include "sinks/document.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BATCH 256
/* Records and checkpoints wait meanwhile. */
#define WORK_SECONDS .02

struct tw_feedback_reader {
    struct tw_log_reader *log;
    struct tw_log_item items[BATCH];
};

int tw_feedback_reader_open(struct tw_feedback_reader **ret, const struct tw_log_location *location,
                            struct tw_error *error)
{
    char name[40];
    uint64_t random = 0;
    struct tw_feedback_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return tw_error_set(error, -ENOMEM, "out of memory");
    /* A name that nobody has: in Kafka, readers of one name share the log. */
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        random = (uint64_t)tw_wall_ms();
    snprintf(name, sizeof name, "feedback-%016" PRIx64, random);
    int result = tw_log_reader_open(&reader->log, location, name, error);
    if (result) {
        free(reader);
        return result;
    }
    *ret = reader;
    return 0;
}

void tw_feedback_reader_close(struct tw_feedback_reader *reader)
{
    if (!reader)
        return;
    tw_log_reader_close(reader->log);
    free(reader);
}

static void look_at(const struct tw_log_item *item, tw_feedback_visit *visit, void *closure)
{
    static const char mark[] = "\"feedback\"";
    struct tw_document document;
    char reason[80];
    /* Hardly any is; and none needs to be told here that cannot be read. */
    if (!memmem(item->document, item->size, mark, strlen(mark)) ||
        !tw_document_parse(&document, item->document, item->size, reason, sizeof reason))
        return;
    if (document.is_feedback && !strcmp(document.action, "false-alarm"))
        visit(closure, document.run, document.episode_id);
    tw_document_release(&document);
}

int tw_feedback_reader_work(struct tw_feedback_reader *reader, tw_feedback_visit *visit,
                            void *closure, struct tw_error *error)
{
    double until = tw_now_seconds() + WORK_SECONDS;
    do {
        long n = tw_log_read(reader->log, reader->items, BATCH, 0, error);
        if (n <= 0)
            return (int)n;
        for (long i = 0; i < n; i++)
            look_at(&reader->items[i], visit, closure);
    } while (tw_now_seconds() < until);
    return 1;
}
