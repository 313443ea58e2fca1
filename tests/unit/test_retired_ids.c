/* A run that falls silent, ends, is retired and comes back, again and again, in an agent that
 * crashes at any moment between: one id is one document, whatever is told when. Random stories of
 * one run; what the topics would hold (its records, and its newest state) outlives each crash. */
#include "tests/unit/silence_fixture.h"

#include <math.h>
#include <uthash.h>

#define STORIES 100
#define EVENTS 60
#define RECORDS_MAX 4000

struct document {
    char id[TW_EVENT_ID_SIZE];
    char *text;
    UT_hash_handle hh;
};

struct story {
    struct world *world;
    uint64_t random;
    struct tw_record records[RECORDS_MAX];
    size_t n_records;
    /* In the state topic: */
    unsigned char *snapshot;
    size_t snapshot_size;
    struct tw_retired_run note;
    bool has_note;
    struct document *documents;
    uint64_t step;
    unsigned revivals, number;
};

static uint64_t draw(struct story *story, uint64_t below)
{
    story->random = story->random * 6364136223846793005u + 1442695040888963407u;
    return (story->random >> 33) % below;
}

static void see(void *closure, const char *id, const char *text)
{
    struct story *story = closure;
    struct document *known;
    HASH_FIND_STR(story->documents, id, known);
    if (known) {
        if (strcmp(known->text, text))
            fail_msg("story %u: one id, two documents:\n%s\n%s", story->number, known->text, text);
        return;
    }
    known = calloc(1, sizeof *known);
    snprintf(known->id, sizeof known->id, "%s", id);
    known->text = strdup(text);
    HASH_ADD_STR(story->documents, id, known);
}

/* ---- what is durable ---- */

static void save(struct story *story)
{
    struct tw_run *run = find(story->world, "r");
    free(story->snapshot);
    story->snapshot = tw_snapshot_save(run, &story->world->config.settings, &story->snapshot_size);
    story->has_note = false;
}

static void retire(struct story *story, bool is_durable)
{
    struct tw_run *run = find(story->world, "r");
    struct tw_retired_run note;
    tw_retired_from_run(&note, run, EPOCH_MS);
    if (!is_durable)
        return; /* and the crash comes */
    free(story->snapshot);
    story->snapshot = NULL;
    story->note = note;
    story->has_note = true;
    assert_int_equal(tw_watch_retire(story->world->watch, run, &note), 0);
}

static void put(struct story *story, size_t number)
{
    struct tw_position position = {.offset = (int64_t)number + 1};
    bool was_retired = tw_retired_find(tw_watch_retired(story->world->watch), "r") != NULL;
    assert_int_equal(tw_watch_record(story->world->watch, &story->records[number], &position, NULL),
                     0);
    story->revivals += was_retired && find(story->world, "r");
}

/* All records are read again, as if no offset had been committed. */
static void crash(struct story *story)
{
    struct world *world = story->world;
    close_watch(world);
    world->silence = (struct tw_silence){0};
    open_watch(world);
    if (story->snapshot) {
        struct tw_run *run;
        assert_int_equal(tw_snapshot_load(&run, story->snapshot, story->snapshot_size,
                                          &world->config.settings, NULL),
                         0);
        assert_int_equal(tw_watch_adopt(world->watch, run, NULL), 0);
        assert_int_equal(tw_watch_carry_out(world->watch, run, NULL), 0);
    } else if (story->has_note) {
        assert_int_equal(tw_retired_put(tw_watch_retired(world->watch), &story->note), 0);
    }
    for (size_t i = 0; i < story->n_records; i++)
        put(story, i);
}

/* ---- what happens ---- */

/* Two attempts that come again, and steps that do. */
static void send(struct story *story, enum tw_kind kind)
{
    if (story->n_records == RECORDS_MAX)
        return;
    struct tw_record record =
        make_record("r", story->step, EPOCH_MS + 1000 * (int64_t)story->n_records);
    record.kind = kind;
    record.seq = story->n_records;
    strcpy(record.attempt, draw(story, 4) ? "a1" : "a2");
    if (kind == TW_KIND_END) {
        record.status = TW_END_COMPLETED;
        record.signals = 0;
    } else if (!draw(story, 6)) {
        tw_record_set(&record, TW_SIGNAL_LOSS, NAN);
    }
    story->records[story->n_records++] = record;
    put(story, story->n_records - 1);
}

static void train_on(struct story *story)
{
    if (!draw(story, 3))
        story->step = draw(story, 12);
    for (uint64_t n = 1 + draw(story, 25); n > 0; n--, story->step++)
        send(story, TW_KIND_STEP);
}

/* Until something is due and done. */
static void fall_silent(struct story *story)
{
    struct world *world = story->world;
    struct tw_run *run = find(world, "r");
    for (int i = 0; i < 200 && run; i++) {
        tick(world, 5, true);
        if (world->silence.n_due + world->silence.n_gone)
            break;
        run->heard -= 995; /* a tick counts for five seconds */
    }
    if (!run || !(world->silence.n_due + world->silence.n_gone))
        return;
    if (!world->silence.n_due) {
        retire(story, draw(story, 4) > 0);
    } else {
        save(story); /* what is due is durable before it is done */
        if (!draw(story, 4)) {
            crash(story);
            return;
        }
        assert_int_equal(tw_silence_carry_out(&world->silence, world->watch, NULL), 0);
        if (run->core.is_retired && draw(story, 4))
            retire(story, draw(story, 4) > 0);
    }
    if (!draw(story, 4))
        crash(story);
}

static void happen(struct story *story)
{
    switch (draw(story, 8)) {
    case 0:
        send(story, TW_KIND_END);
        break;
    case 1:
    case 2:
        fall_silent(story);
        break;
    case 3:
        if (find(story->world, "r"))
            save(story);
        break;
    case 4:
        crash(story);
        break;
    default:
        train_on(story);
    }
}

static void forget(struct story *story)
{
    struct document *document, *next;
    HASH_ITER(hh, story->documents, document, next)
    {
        HASH_DEL(story->documents, document);
        free(document->text);
        free(document);
    }
    for (size_t i = 0; i < story->n_records; i++)
        tw_record_clear(&story->records[i]);
    free(story->snapshot);
}

static void one_id_is_one_document(void **state)
{
    unsigned revivals = 0;
    size_t documents = 0;
    (void)state;
    for (unsigned number = 0; number < STORIES; number++) {
        void *world;
        struct story *story = calloc(1, sizeof *story);
        set_up(&world);
        story->world = world;
        story->random = number;
        story->number = number;
        story->world->seen = see;
        story->world->closure = story;
        for (int i = 0; i < EVENTS; i++)
            happen(story);
        revivals += story->revivals;
        documents += HASH_COUNT(story->documents);
        forget(story);
        tear_down(&world);
        free(story);
    }
    assert_true(revivals > STORIES && documents > 10 * STORIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_id_is_one_document)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
