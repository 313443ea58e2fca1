/* Runs of several ranks in the watch: the same documents in whatever order the ranks' records come
 * and wherever a snapshot cuts in; what any rank says is judged, and a silent one is told. */
#include "tests/unit/watch_fixture.h"

#define RANKS 4
#define STEPS 600
#define BLOW_UP 350

/* ---- what the ranks say ---- */

struct story {
    uint32_t ranks;   /* that report; the header always says RANKS */
    int64_t ms;       /* a step */
    uint64_t blow_up; /* the loss doubles every 25 steps from here; 0: never */
    uint64_t nan_at;  /* rank 3 alone tells a NaN there; 0: nowhere */
    uint64_t dies_at; /* rank 2's last step; 0: it lives */
    uint64_t world_size;
    enum tw_end_status status;
};

static const struct story blow_up = {
    .ranks = RANKS, .ms = 50, .blow_up = BLOW_UP, .world_size = RANKS};
static const struct story healthy = {.ranks = RANKS, .ms = 50, .world_size = RANKS};

static void make_head(struct tw_record *record, const struct story *story, uint32_t rank,
                      uint64_t step, enum tw_kind kind)
{
    tw_record_init(record);
    strcpy(record->run, "r");
    snprintf(record->attempt, sizeof record->attempt, "a%u", rank);
    record->rank = rank;
    record->kind = kind;
    record->step = step;
    record->time_ms = 1700000000000 + story->ms * (int64_t)step + rank;
    record->has = TW_HAS_ATTEMPT | TW_HAS_RANK | TW_HAS_TIME | TW_HAS_KIND;
    if (kind != TW_KIND_HEADER && kind != TW_KIND_END)
        record->has |= TW_HAS_STEP;
}

static void fill_step(struct tw_record *record, const struct story *story)
{
    uint64_t step = record->step, salt = 1000 * record->rank + step;
    double loss = 2.3 * pow((double)step, story->blow_up ? -.3 : -.05) * (1 + .03 * noise(salt));
    if (story->blow_up && step > story->blow_up)
        loss *= fmin(20, pow(2, (double)(step - story->blow_up) / 25));
    tw_record_set(record, TW_SIGNAL_LOSS, story->nan_at == step && record->rank == 3 ? NAN : loss);
    tw_record_set(record, TW_SIGNAL_LEARNING_RATE, .3);
    tw_record_set(record, TW_SIGNAL_GRAD_NORM, 1 + .2 * noise(salt + 7));
    record->grad_norm_kind = TW_GRAD_NORM_PRE_CLIP;
}

/* All that a rank says, in its order: header; steps, and every so often layers, a checkpoint and,
 * of rank 0, an evaluation; end. Returns how many. */
static size_t say_all(struct tw_record *ret, const struct story *story, uint32_t rank)
{
    size_t n = 0;
    make_head(&ret[n], story, rank, 0, TW_KIND_HEADER);
    struct tw_header *header = tw_record_add_header(&ret[n++]);
    header->world_size = story->world_size;
    header->pid = rank;
    tw_header_add_layer(header, "fc1");
    tw_header_set_number(header, "learning_rate", .3);
    uint64_t hash = tw_header_hash(header);
    for (uint64_t step = 1; step <= STEPS; step++) {
        if (story->dies_at && rank == 2 && step > story->dies_at)
            return n;
        make_head(&ret[n], story, rank, step, TW_KIND_STEP);
        fill_step(&ret[n++], story);
        if (step % 10 == 0) {
            make_head(&ret[n], story, rank, step, TW_KIND_LAYERS);
            struct tw_layers *layers = tw_record_add_layers(&ret[n++], 1);
            layers->header_hash = hash;
            *tw_layers_add_column(layers, TW_LAYER_GRAD_NORM) = (float)(1 + .1 * rank);
        }
        if (step % 50 == 0 && rank == 0) {
            make_head(&ret[n], story, rank, step, TW_KIND_EVAL);
            tw_record_set(&ret[n++], TW_SIGNAL_EVAL_LOSS, 2.4 * pow((double)step, -.3));
        }
        if (step % 100 == 0) {
            make_head(&ret[n], story, rank, step, TW_KIND_EVENT);
            strcpy(ret[n++].event, "checkpoint");
        }
    }
    make_head(&ret[n], story, rank, STEPS, TW_KIND_END);
    ret[n++].status = story->status;
    return n;
}

struct stream {
    struct tw_record *at;
    size_t n;
};

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* The ranks' records as they come: each rank's in its order, and none more than `skew` steps behind
 * another. */
static struct stream interleave(const struct story *story, uint64_t skew, uint64_t seed)
{
    enum { MOST = 2 * STEPS };
    struct tw_record *of[RANKS];
    size_t n[RANKS], next[RANKS] = {0};
    struct stream stream = {.at = malloc(RANKS * MOST * sizeof *stream.at)};
    for (uint32_t rank = 0; rank < story->ranks; rank++) {
        of[rank] = malloc(MOST * sizeof **of);
        n[rank] = say_all(of[rank], story, rank);
        for (size_t i = 0; i < n[rank]; i++) {
            of[rank][i].seq = i;
            of[rank][i].has |= TW_HAS_SEQ;
        }
    }
    for (;;) {
        uint64_t least = UINT64_MAX;
        for (uint32_t rank = 0; rank < story->ranks; rank++) {
            if (next[rank] < n[rank] && of[rank][next[rank]].step < least)
                least = of[rank][next[rank]].step;
        }
        if (least == UINT64_MAX)
            break;
        uint32_t rank = (uint32_t)(next_random(&seed) % story->ranks);
        size_t burst = 1 + next_random(&seed) % (skew + 1);
        for (; burst && next[rank] < n[rank]; burst--) {
            if (of[rank][next[rank]].step > least + skew)
                break;
            stream.at[stream.n++] = of[rank][next[rank]++];
        }
    }
    for (uint32_t rank = 0; rank < story->ranks; rank++)
        free(of[rank]);
    return stream;
}

static void release(struct stream *stream)
{
    for (size_t i = 0; i < stream->n; i++)
        tw_record_clear(&stream->at[i]);
    free(stream->at);
}

static void feed(struct tw_watch *watch, const struct stream *stream, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        struct tw_position position = {.offset = (int64_t)i + 1};
        assert_int_equal(tw_watch_record(watch, &stream->at[i], &position, NULL), 0);
    }
}

static char *judged(const struct fixture *fixture, const struct story *story, uint64_t skew,
                    uint64_t seed)
{
    struct documents documents = {0};
    struct stream stream = interleave(story, skew, seed);
    struct tw_watch *watch = open_watch(fixture, &documents);
    feed(watch, &stream, 0, stream.n);
    assert_true(tw_watch_find(watch, "r")->core.ended);
    tw_watch_close(watch);
    release(&stream);
    return documents.text;
}

/* ---- the tests ---- */

static void the_order_in_which_ranks_report_changes_nothing(void **state)
{
    char *expected = judged(*state, &blow_up, 0, 1);
    assert_non_null(strstr(expected, "\"divergence\""));
    assert_non_null(strstr(expected, "\"completed\""));
    for (uint64_t seed = 1; seed <= 20; seed++) {
        char *text = judged(*state, &blow_up, seed * 3, seed);
        assert_string_equal(text, expected);
        free(text);
    }
    free(expected);
}

static void a_snapshot_between_any_two_records_changes_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct stream stream = interleave(&blow_up, 30, 5);
    char *expected = judged(*state, &blow_up, 30, 5);
    for (size_t cut = 1; cut < stream.n; cut += cut % 41 ? 40 : 1) {
        struct documents documents = {0};
        struct tw_run *run;
        size_t size;
        struct tw_watch *before = open_watch(fixture, &documents);
        feed(before, &stream, 0, cut);
        unsigned char *bytes =
            tw_snapshot_save(tw_watch_find(before, "r"), &fixture->settings, &size);
        tw_watch_close(before);
        assert_int_equal(tw_snapshot_load(&run, bytes, size, &fixture->settings, NULL), 0);
        struct tw_watch *after = open_watch(fixture, &documents);
        assert_int_equal(tw_watch_adopt(after, run, NULL), 0);
        feed(after, &stream, cut > 50 ? cut - 50 : 0, stream.n);
        assert_string_equal(documents.text, expected);
        tw_watch_close(after);
        free(documents.text);
        free(bytes);
    }
    free(expected);
    release(&stream);
}

static void a_damaged_snapshot_of_ranks_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct documents documents = {0};
    struct stream stream = interleave(&blow_up, 30, 5);
    struct tw_watch *watch = open_watch(fixture, &documents);
    struct tw_run *run;
    size_t size;
    feed(watch, &stream, 0, 1000);
    unsigned char *bytes = tw_snapshot_save(tw_watch_find(watch, "r"), &fixture->settings, &size);
    for (size_t at = 72; at < size; at += 13) {
        bytes[at] ^= 1;
        assert_true(tw_snapshot_load(&run, bytes, size, &fixture->settings, NULL) < 0);
        bytes[at] ^= 1;
    }
    for (size_t cut = 0; cut < size; cut += 97)
        assert_true(tw_snapshot_load(&run, bytes, cut, &fixture->settings, NULL) < 0);
    free(bytes);
    tw_watch_close(watch);
    release(&stream);
    free(documents.text);
}

/* The first episode's document of a detector, or NULL. */
static json_t *find(const char *text, const char *detector)
{
    char *copy = strdup(text);
    json_t *found = NULL;
    for (char *line = strtok(copy, "\n"); line && !found; line = strtok(NULL, "\n")) {
        json_t *document = json_loads(line, 0, NULL);
        json_t *name = json_object_get(json_object_get(document, "trainward"), "detector");
        if (name && !strcmp(json_string_value(name), detector))
            found = document;
        else
            json_decref(document);
    }
    free(copy);
    return found;
}

static json_t *field(const json_t *document, const char *name)
{
    return json_object_get(json_object_get(document, "trainward"), name);
}

static void a_nan_of_one_rank_is_found_and_the_rank_named(void **state)
{
    struct story story = healthy;
    story.nan_at = 400;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        char *text = judged(*state, &story, 20 * seed, seed);
        json_t *document = find(text, "overflow");
        assert_non_null(document);
        assert_int_equal(json_integer_value(field(document, "detected_step")), 400);
        assert_string_equal(json_string_value(field(document, "scope")), "run");
        json_t *evidence = field(document, "evidence");
        assert_true(json_number_value(json_object_get(evidence, "first_rank")) == 3);
        assert_true(json_number_value(json_object_get(evidence, "ranks")) == 1);
        json_decref(document);
        free(text);
    }
}

static void rank_0_alone_is_judged_as_if_there_were_no_others(void **state)
{
    struct story of_eight = blow_up, of_one = blow_up;
    of_eight.ranks = of_one.ranks = 1;
    of_eight.world_size = 8;
    of_one.world_size = 1;
    char *eight = judged(*state, &of_eight, 0, 1), *one = judged(*state, &of_one, 0, 1);
    assert_string_equal(eight, one);
    free(eight);
    free(one);
}

static void a_dead_rank_is_told_with_what_to_do(void **state)
{
    struct story story = healthy;
    story.ms = 500;
    story.dies_at = 320;
    char *first = NULL;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        char *text = judged(*state, &story, 4 * seed, 1);
        json_t *document = find(text, "stalled-run");
        assert_non_null(document);
        assert_string_equal(json_string_value(field(document, "scope")), "rank:2");
        assert_string_equal(json_string_value(field(document, "severity")), "warning");
        assert_int_equal(json_integer_value(field(document, "onset_step")), 320);
        assert_int_equal(json_integer_value(field(document, "detected_step")), 368);
        json_t *advice = field(document, "suggestions");
        assert_int_equal(json_array_size(advice), 2);
        json_t *go_back = json_array_get(advice, 0);
        assert_string_equal(json_string_value(json_object_get(go_back, "parameter")),
                            "resume_from_step");
        assert_true(json_number_value(json_object_get(go_back, "to")) == 300);
        json_t *fewer = json_array_get(advice, 1);
        assert_string_equal(json_string_value(json_object_get(fewer, "parameter")), "world_size");
        assert_true(json_number_value(json_object_get(fewer, "from")) == 4);
        assert_true(json_number_value(json_object_get(fewer, "to")) == 3);
        json_decref(document);
        if (first)
            assert_string_equal(text, first);
        if (first)
            free(text);
        else
            first = text;
    }
    free(first);
}

static void a_rank_that_died_before_the_run_failed_is_critical(void **state)
{
    struct story story = healthy;
    story.ms = 500;
    story.dies_at = 320;
    story.status = TW_END_FAILED;
    char *text = judged(*state, &story, 2, 1);
    assert_non_null(strstr(text, "\"escalated\""));
    assert_non_null(strstr(text, "\"failed\""));
    free(text);
}

static void healthy_ranks_raise_nothing(void **state)
{
    struct story story = healthy;
    story.ms = 1000;
    char *text = judged(*state, &story, 4, 3);
    assert_null(strstr(text, "\"detector\":\"stalled-run\",\"scope\""));
    assert_null(find(text, "stalled-run"));
    free(text);
}

static void late_records_are_counted_and_do_not_begin_the_run_anew(void **state)
{
    struct documents documents = {0};
    struct stream stream = interleave(&blow_up, 10, 2);
    struct tw_watch *watch = open_watch(*state, &documents);
    feed(watch, &stream, 0, stream.n);
    const struct tw_run *run = tw_watch_find(watch, "r");
    size_t size = documents.size;
    uint64_t before = tw_ranks_counted(run->ranks);
    for (size_t i = 0; i < stream.n; i++) { /* as a source gives them again that has no positions */
        if (stream.at[i].rank != 0)
            assert_int_equal(tw_watch_record(watch, &stream.at[i], NULL, NULL), 0);
    }
    assert_int_equal(documents.size, size);
    assert_true(run->core.ended);
    assert_true(tw_ranks_counted(run->ranks) > before + 3 * STEPS);
    tw_watch_close(watch);
    release(&stream);
    free(documents.text);
}

static void a_log_that_stops_is_judged_to_its_last_record(void **state)
{
    struct documents documents = {0};
    struct story story = healthy;
    story.nan_at = 500;
    struct stream stream = interleave(&story, 3, 2);
    struct tw_watch *watch = open_watch(*state, &documents);
    size_t last = 0;
    while (stream.at[last].step != 500 || stream.at[last].rank != 3)
        last++;
    feed(watch, &stream, 0, last + 1);
    assert_int_equal(tw_watch_end(watch, tw_watch_find(watch, "r"), NULL), 0);
    json_t *document = find(documents.text, "overflow");
    assert_non_null(document);
    assert_non_null(strstr(documents.text, "\"interrupted\""));
    json_decref(document);
    tw_watch_close(watch);
    release(&stream);
    free(documents.text);
}

/* Any record of any rank: steps that jump, attempts that come and go, several ends. */
static struct tw_record any_record(uint64_t *seed, uint64_t i)
{
    static const enum tw_kind kinds[] = {TW_KIND_HEADER, TW_KIND_END,    TW_KIND_EVENT,
                                         TW_KIND_EVAL,   TW_KIND_LAYERS, TW_KIND_LAYERS};
    uint64_t pick = next_random(seed) % 60;
    struct tw_record record;
    make_head(&record, &healthy, (uint32_t)(next_random(seed) % 5),
              1 + i / 5 + next_random(seed) % 9, pick < 6 ? kinds[pick] : TW_KIND_STEP);
    if (next_random(seed) % 200 == 0)
        record.step = next_random(seed) % (1 + i);
    snprintf(record.attempt, sizeof record.attempt, "a%u", (unsigned)(i / 900));
    record.seq = i;
    record.has |= next_random(seed) % 2 ? TW_HAS_SEQ : 0;
    record.status = (enum tw_end_status)(next_random(seed) % 3);
    strcpy(record.event, next_random(seed) % 3 ? "checkpoint" : "resume");
    if (record.kind == TW_KIND_STEP)
        fill_step(&record, &healthy);
    if (record.kind == TW_KIND_EVAL || next_random(seed) % 100 == 0)
        tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, next_random(seed) % 4 ? 2 : NAN);
    if (record.kind == TW_KIND_HEADER)
        tw_record_add_header(&record)->world_size = next_random(seed) % 7;
    if (record.kind == TW_KIND_LAYERS)
        *tw_layers_add_column(tw_record_add_layers(&record, 1), TW_LAYER_NONFINITE) =
            (float)(next_random(seed) % 20 == 0);
    return record;
}

static void any_records_are_safe_and_judged_alike_across_snapshots(void **state)
{
    const struct fixture *fixture = *state;
    for (uint64_t run = 1; run <= 10; run++) {
        struct documents plain = {0}, cut = {0};
        struct tw_watch *whole = open_watch(fixture, &plain), *parts = open_watch(fixture, &cut);
        uint64_t seed = run;
        for (uint64_t i = 0; i < 3000; i++) {
            struct tw_record record = any_record(&seed, i);
            struct tw_position position = {.offset = (int64_t)i + 1};
            assert_int_equal(tw_watch_record(whole, &record, &position, NULL), 0);
            assert_int_equal(tw_watch_record(parts, &record, &position, NULL), 0);
            tw_record_clear(&record);
            if (i % 37)
                continue;
            struct tw_run *restored;
            size_t size;
            unsigned char *bytes =
                tw_snapshot_save(tw_watch_find(parts, "r"), &fixture->settings, &size);
            tw_watch_close(parts);
            parts = open_watch(fixture, &cut);
            assert_int_equal(tw_snapshot_load(&restored, bytes, size, &fixture->settings, NULL), 0);
            assert_int_equal(tw_watch_adopt(parts, restored, NULL), 0);
            free(bytes);
        }
        assert_int_equal(tw_watch_end(whole, tw_watch_find(whole, "r"), NULL), 0);
        assert_int_equal(tw_watch_end(parts, tw_watch_find(parts, "r"), NULL), 0);
        assert_true(plain.size > 0);
        assert_string_equal(plain.text, cut.text);
        tw_watch_close(whole);
        tw_watch_close(parts);
        free(plain.text);
        free(cut.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_in_which_ranks_report_changes_nothing),
        cmocka_unit_test(a_snapshot_between_any_two_records_changes_nothing),
        cmocka_unit_test(a_damaged_snapshot_of_ranks_is_refused),
        cmocka_unit_test(a_nan_of_one_rank_is_found_and_the_rank_named),
        cmocka_unit_test(rank_0_alone_is_judged_as_if_there_were_no_others),
        cmocka_unit_test(a_dead_rank_is_told_with_what_to_do),
        cmocka_unit_test(a_rank_that_died_before_the_run_failed_is_critical),
        cmocka_unit_test(healthy_ranks_raise_nothing),
        cmocka_unit_test(late_records_are_counted_and_do_not_begin_the_run_anew),
        cmocka_unit_test(a_log_that_stops_is_judged_to_its_last_record),
        cmocka_unit_test(any_records_are_safe_and_judged_alike_across_snapshots),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
