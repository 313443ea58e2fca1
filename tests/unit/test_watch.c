/* The watch as a whole: the same records give the same documents, however they are cut up, repeated
 * or interrupted by a snapshot. */
#include "tests/unit/watch_fixture.h"

#define STEPS 1500
#define BLOW_UP 900

/* What a tally must say, by looking at every run. */
static void assert_open_ones_are_counted(const struct tw_watch *watch, const struct tw_tally *tally)
{
    int64_t open[TW_DETECTORS_MAX][TW_TALLY_SEVERITIES] = {{0}};
    const struct tw_run *run = NULL;
    while ((run = tw_watch_next(watch, run))) {
        for (size_t i = 0; i < run->episodes.n; i++) {
            const struct tw_episode *episode = &run->episodes.at[i];
            open[episode->detector][episode->finding.severity] +=
                tw_episode_is_open(episode) && !episode->is_dismissed;
        }
    }
    assert_memory_equal(open, tally->open, sizeof open);
}

static int64_t sum_of_open(const struct tw_tally *tally)
{
    int64_t sum = 0;
    for (size_t i = 0; i < TW_DETECTORS_MAX; i++) {
        for (int j = 0; j < TW_TALLY_SEVERITIES; j++)
            sum += tally->open[i][j];
    }
    return sum;
}

static void make_header(struct tw_record *record)
{
    record->kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(record);
    strcpy(header->project, "tests");
    tw_header_set_number(header, "learning_rate", .3);
    tw_header_set_text(header, "optimizer", "sgd");
    assert_non_null(tw_header_add_layer(header, "first"));
    assert_non_null(tw_header_add_layer(header, "second"));
}

static void make_layers(struct tw_record *record, int i)
{
    struct tw_record header;
    record->kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(record, 2);
    float *norms = tw_layers_add_column(layers, TW_LAYER_GRAD_NORM);
    tw_record_init(&header);
    make_header(&header);
    layers->header_hash = tw_header_hash(header.header);
    tw_record_clear(&header);
    norms[0] = (float)(.5 + .1 * noise(i));
    norms[1] = (float)(.5 + .1 * noise(i + 3));
}

/* Record i of a run that learns for 900 steps, then doubles its loss every 50; 0 = header. From
 * step 350 on it is evaluated now and then, from 850 on it sends its layers. */
static void make_record(struct tw_record *record, int i)
{
    tw_record_init(record);
    strcpy(record->run, "blow-up");
    strcpy(record->attempt, "a1");
    record->seq = (uint64_t)i;
    record->step = (uint64_t)i;
    record->time_ms = 1700000000000 + 1000 * (int64_t)i;
    record->has = TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_STEP | TW_HAS_TIME | TW_HAS_KIND;
    if (i == 0) {
        make_header(record);
    } else if (i > STEPS) {
        record->kind = TW_KIND_END;
        record->status = TW_END_COMPLETED;
    } else if (i >= 350 && i % 50 == 0) {
        record->kind = TW_KIND_EVAL;
        tw_record_set(record, TW_SIGNAL_EVAL_LOSS, 2.4 * pow(i, -.3));
    } else if (i >= 850 && i % 3 == 1) {
        make_layers(record, i);
    } else {
        double loss = 2.3 * pow(i, -.3) * (1 + .03 * noise(i));
        if (i > BLOW_UP)
            loss *= fmin(20, pow(2, (i - BLOW_UP) / 50.0));
        record->kind = TW_KIND_STEP;
        tw_record_set(record, TW_SIGNAL_LOSS, loss);
        tw_record_set(record, TW_SIGNAL_LEARNING_RATE, .3);
        tw_record_set(record, TW_SIGNAL_GRAD_NORM, 1 + .2 * noise(i + 7));
        record->grad_norm_kind = TW_GRAD_NORM_PRE_CLIP;
    }
}

static void feed(struct tw_watch *watch, int first, int last)
{
    for (int i = first; i <= last; i++) {
        struct tw_record record;
        struct tw_error error = {0};
        struct tw_position position = {.offset = i + 1};
        make_record(&record, i);
        assert_int_equal(tw_watch_record(watch, &record, &position, &error), 0);
        tw_record_clear(&record);
    }
}

static char *undisturbed(const struct fixture *fixture, int *ret_n)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(fixture, &documents);
    feed(watch, 0, STEPS + 1);
    tw_watch_close(watch);
    *ret_n = documents.n;
    return documents.text;
}

static void a_blow_up_is_told_with_an_amount(void **state)
{
    int n;
    char *text = undisturbed(*state, &n);
    assert_true(n >= 3); /* opened, still open at the end, and the run's own */
    char *line_end = strchr(text, '\n');
    *line_end = '\0';
    json_t *document = json_loads(text, 0, NULL),
           *trainward = json_object_get(document, "trainward");
    assert_string_equal(json_string_value(json_object_get(trainward, "detector")), "divergence");
    json_int_t onset = json_integer_value(json_object_get(trainward, "onset_step"));
    json_int_t detected = json_integer_value(json_object_get(trainward, "detected_step"));
    assert_in_range(onset, BLOW_UP - 20, BLOW_UP + 60);
    assert_in_range(detected, BLOW_UP, BLOW_UP + 150);
    json_t *first = json_array_get(json_object_get(trainward, "suggestions"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "parameter")), "learning_rate");
    assert_true(fabs(json_number_value(json_object_get(first, "from")) - .3) < 1e-12);
    assert_true(json_number_value(json_object_get(first, "to")) < .3);
    json_decref(document);
    free(text);
}

static void records_that_come_twice_change_nothing(void **state)
{
    int n;
    struct documents documents = {0};
    char *expected = undisturbed(*state, &n);
    struct tw_watch *watch = open_watch(*state, &documents);
    feed(watch, 0, 1000);
    feed(watch, 700, 1200);
    feed(watch, 0, 1300);
    feed(watch, 1250, STEPS + 1);
    feed(watch, STEPS, STEPS + 1);
    assert_string_equal(documents.text, expected);
    tw_watch_close(watch);
    free(documents.text);
    free(expected);
}

static struct tw_run *through_a_snapshot(const struct fixture *fixture, const struct tw_run *run)
{
    size_t size;
    struct tw_run *restored;
    struct tw_error error = {0};
    unsigned char *bytes = tw_snapshot_save(run, &fixture->settings, &size);
    assert_non_null(bytes);
    assert_int_equal(tw_snapshot_load(&restored, bytes, size, &fixture->settings, &error), 0);
    free(bytes);
    return restored;
}

static void a_run_goes_on_from_a_snapshot_at_any_record(void **state)
{
    int n;
    char *expected = undisturbed(*state, &n);
    for (int cut = 0; cut <= STEPS; cut += cut < 880 || cut > 1100 ? 97 : 1) {
        struct documents documents = {0};
        struct tw_watch *before = open_watch(*state, &documents);
        feed(before, 0, cut);
        struct tw_run *run = through_a_snapshot(*state, tw_watch_find(before, "blow-up"));
        tw_watch_close(before);
        struct tw_watch *after = open_watch(*state, &documents);
        assert_int_equal(tw_watch_adopt(after, run, NULL), 0);
        feed(after, cut > 50 ? cut - 50 : 0, STEPS + 1);
        tw_watch_close(after);
        assert_string_equal(documents.text, expected);
        free(documents.text);
    }
    free(expected);
}

static void a_damaged_snapshot_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(fixture, &documents);
    struct tw_run *run;
    size_t size;
    feed(watch, 0, 950);
    unsigned char *bytes =
        tw_snapshot_save(tw_watch_find(watch, "blow-up"), &fixture->settings, &size);
    for (size_t at = 0; at < size; at += 101) {
        bytes[at] ^= 1;
        assert_true(tw_snapshot_load(&run, bytes, size, &fixture->settings, NULL) < 0);
        bytes[at] ^= 1;
    }
    for (size_t cut = 0; cut < size; cut += 997)
        assert_true(tw_snapshot_load(&run, bytes, cut, &fixture->settings, NULL) < 0);
    free(bytes);
    tw_watch_close(watch);
    free(documents.text);
}

static void other_thresholds_refuse_a_snapshot(void **state)
{
    struct fixture *fixture = *state;
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(fixture, &documents);
    struct tw_run *run;
    size_t size;
    feed(watch, 0, 10);
    unsigned char *bytes =
        tw_snapshot_save(tw_watch_find(watch, "blow-up"), &fixture->settings, &size);
    assert_int_equal(tw_settings_set(&fixture->settings, "shared.cooldown_steps", "101", NULL), 0);
    assert_true(tw_snapshot_load(&run, bytes, size, &fixture->settings, NULL) < 0);
    assert_int_equal(tw_settings_set(&fixture->settings, "shared.cooldown_steps", "100", NULL), 0);
    free(bytes);
    tw_watch_close(watch);
    free(documents.text);
}

static void a_log_that_stops_without_an_end_still_closes_its_findings(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    feed(watch, 0, 1400);
    int before = documents.n;
    assert_int_equal(tw_watch_end(watch, tw_watch_find(watch, "blow-up"), NULL), 0);
    assert_true(documents.n >= before + 2);
    assert_non_null(strstr(documents.text, "still_open"));
    assert_non_null(strstr(documents.text, "\"interrupted\""));
    assert_int_equal(tw_watch_end(watch, tw_watch_find(watch, "blow-up"), NULL), 0);
    tw_watch_close(watch);
    free(documents.text);
}

/* A healthy record of any attempt; its step is its number. */
static void make_healthy(struct tw_record *record, const char *attempt, int seq)
{
    make_record(record, seq % BLOW_UP + 1);
    strcpy(record->attempt, attempt);
    record->seq = (uint64_t)seq;
}

static void feed_healthy(struct tw_watch *watch, const char *attempt, int first, int last)
{
    for (int i = first; i <= last; i++) {
        struct tw_record record;
        if (i == 0)
            make_record(&record, 0);
        else
            make_healthy(&record, attempt, i);
        strcpy(record.attempt, attempt);
        assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
        tw_record_clear(&record);
    }
}

static void a_resumed_attempt_counts_on_its_own(void **state)
{
    struct documents documents = {0};
    struct tw_watch_counts counts;
    struct tw_watch *watch = open_watch(*state, &documents);
    feed_healthy(watch, "a1", 0, 500);
    feed_healthy(watch, "a2", 0, 400);
    tw_watch_counts(watch, &counts);
    assert_int_equal(counts.repeats, 0);
    const struct tw_run *run = tw_watch_find(watch, "blow-up");
    assert_int_equal(run->context->records, 902);
    assert_int_equal(run->core.missing, 0);
    /* What the first process sent last comes once more. */
    uint32_t segment = run->context->segment;
    feed_healthy(watch, "a1", 0, 0);
    feed_healthy(watch, "a1", 450, 500);
    feed_healthy(watch, "a2", 380, 401);
    tw_watch_counts(watch, &counts);
    assert_int_equal(counts.repeats, 51 + 21);
    assert_int_equal(run->context->records, 903);
    assert_int_equal(run->context->segment, segment);
    assert_string_equal(run->core.attempt, "a2");
    tw_watch_close(watch);
    free(documents.text);
}

static void without_an_attempt_a_newer_time_tells_a_restart_from_a_repeat(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    for (int i = 1; i <= 300; i++) {
        struct tw_record record;
        int number = i <= 200 ? i : i - 100; /* 101 to 200 twice, the same times */
        make_healthy(&record, "", number);
        record.has &= ~TW_HAS_ATTEMPT;
        assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
    }
    const struct tw_run *run = tw_watch_find(watch, "blow-up");
    assert_int_equal(run->context->records, 200);
    for (int i = 1; i <= 100; i++) {
        struct tw_record record;
        make_healthy(&record, "", i);
        record.has &= ~TW_HAS_ATTEMPT;
        record.time_ms += 86400000;
        assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
    }
    assert_int_equal(run->context->records, 300);
    tw_watch_close(watch);
    free(documents.text);
}

/* Feeds `n` records without attempt, number and time whose loss is that of the blow-up or, with
 * `is_well`, stays at its best. */
static void feed_bare(struct tw_watch *watch, int n, bool is_well)
{
    for (int i = 1; i <= n; i++) {
        struct tw_record record;
        make_record(&record, i);
        record.has &= ~(TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_TIME);
        if (is_well)
            record.signal[TW_SIGNAL_LOSS] = .2 * (1 + .03 * noise(i));
        assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
        tw_record_clear(&record);
    }
}

static void end_bare(struct tw_watch *watch)
{
    struct tw_record record;
    make_record(&record, STEPS + 1);
    record.has &= ~(TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_TIME | TW_HAS_STEP);
    assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
}

static void a_resumed_run_goes_on_with_what_was_open_at_its_end(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    feed_bare(watch, 1100, false);
    end_bare(watch);
    const struct tw_run *run = tw_watch_find(watch, "blow-up");
    assert_int_equal(run->episodes.n, 1);
    assert_int_equal(run->episodes.at[0].finding.state, TW_STATE_STILL_OPEN);
    feed_bare(watch, 1000, true);
    end_bare(watch);
    assert_int_equal(run->episodes.n, 1);
    assert_int_equal(run->episodes.at[0].finding.state, TW_STATE_RECOVERED);
    tw_watch_close(watch);
    free(documents.text);
}

static void no_two_documents_share_an_id_when_the_same_steps_come_again(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    for (int again = 0; again < 3; again++) {
        feed_bare(watch, 1100, false);
        end_bare(watch);
    }
    char ids[64][TW_EVENT_ID_SIZE];
    int n = 0;
    for (char *line = strtok(documents.text, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *document = json_loads(line, 0, NULL);
        json_t *id = json_object_get(json_object_get(document, "event"), "id");
        snprintf(ids[n], sizeof ids[n], "%s", json_string_value(id));
        for (int i = 0; i < n; i++)
            assert_string_not_equal(ids[i], ids[n]);
        n++;
        json_decref(document);
    }
    assert_true(n >= 9); /* opened, still open and the run's own, three times */
    tw_watch_close(watch);
    free(documents.text);
}

static void a_record_without_a_time_counts_as_the_logs_time_plus_its_step(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    tw_watch_set_time_base(watch, 1700000000000);
    feed_bare(watch, 1100, false);
    end_bare(watch);
    const struct tw_run *run = tw_watch_find(watch, "blow-up");
    assert_int_equal(run->core.time_ms, 1700000001100); /* the end: as the last step */
    struct tw_record record;
    make_record(&record, 1);
    record.has = TW_HAS_STEP;
    record.step = UINT64_MAX;
    assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
    assert_true(run->core.time_ms == INT64_MAX);
    tw_watch_close(watch);
    free(documents.text);
}

static void after_a_rewind_earlier_positions_are_news(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    feed(watch, 0, 500);
    for (int i = 1; i <= 100; i++) {
        struct tw_record record;
        struct tw_position position = {.offset = i};
        if (i == 1)
            tw_watch_rewind(watch);
        make_healthy(&record, "a2", i);
        assert_int_equal(tw_watch_record(watch, &record, &position, NULL), 0);
    }
    assert_int_equal(tw_watch_find(watch, "blow-up")->context->records, 601);
    tw_watch_close(watch);
    free(documents.text);
}

static uint64_t sum_of_told(const struct tw_tally *tally)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TW_DETECTORS_MAX; i++) {
        for (int j = 0; j < TW_TALLY_SEVERITIES; j++) {
            for (int k = 0; k < TW_TALLY_ACTIONS; k++)
                sum += tally->told[i][j][k];
        }
    }
    return sum;
}

static void the_tally_says_what_is_open_and_what_was_told(void **state)
{
    const struct fixture *fixture = *state;
    struct documents documents = {0};
    struct tw_tally tally = {0};
    struct tw_watch *watch;
    int64_t most = 0;
    struct tw_watch_options options = {.settings = &fixture->settings,
                                       .rules = fixture->rules,
                                       .document = collect,
                                       .closure = &documents,
                                       .tally = &tally};
    assert_int_equal(tw_watch_open(&watch, &options, NULL), 0);
    for (int i = 0; i <= STEPS; i++) {
        feed(watch, i, i);
        assert_open_ones_are_counted(watch, &tally);
        most = sum_of_open(&tally) > most ? sum_of_open(&tally) : most;
    }
    assert_true(most > 0);
    /* A saved run that comes and goes brings its own. */
    size_t size;
    struct tw_run *copy, *run = tw_watch_find(watch, "blow-up");
    unsigned char *saved = tw_snapshot_save(run, &fixture->settings, &size);
    assert_int_equal(tw_snapshot_load(&copy, saved, size, &fixture->settings, NULL), 0);
    free(saved);
    assert_int_equal(tw_watch_adopt(watch, copy, NULL), 0); /* in the other's place */
    assert_open_ones_are_counted(watch, &tally);
    feed(watch, STEPS + 1, STEPS + 1);
    assert_int_equal(sum_of_open(&tally), 0);
    assert_int_equal(sum_of_told(&tally), documents.n - 1); /* one is the run's */
    /* The next attempt goes on with what was open; a forgotten run takes it along. */
    struct tw_record record;
    make_healthy(&record, "a2", 1);
    assert_int_equal(tw_watch_record(watch, &record, NULL, NULL), 0);
    tw_record_clear(&record);
    assert_open_ones_are_counted(watch, &tally);
    assert_true(sum_of_open(&tally) > 0);
    assert_int_equal(tw_watch_size(watch), 1);
    tw_watch_forget(watch, tw_watch_find(watch, "blow-up"));
    assert_int_equal(sum_of_open(&tally), 0);
    assert_int_equal(tw_watch_size(watch), 0);
    tw_watch_close(watch);
    free(documents.text);
}

static const struct tw_episode *first_open(const struct tw_run *run)
{
    for (size_t i = 0; run && i < run->episodes.n; i++) {
        if (tw_episode_is_open(&run->episodes.at[i]))
            return &run->episodes.at[i];
    }
    return NULL;
}

/* Feeds until something is open. Returns the step. */
static int feed_until_open(struct tw_watch *watch)
{
    int i = 0;
    for (; i < STEPS && !first_open(tw_watch_find(watch, "blow-up")); i++)
        feed(watch, i, i);
    assert_non_null(first_open(tw_watch_find(watch, "blow-up")));
    return i;
}

/* It leaves the tally, and the documents are those of a run that nobody spoke about. */
static void a_false_alarm_is_not_open_and_changes_no_document(void **state)
{
    const struct fixture *fixture = *state;
    struct documents undisturbed = {0}, documents = {0};
    struct tw_tally tally = {0};
    struct tw_watch *watch;
    struct tw_watch_options options = {.settings = &fixture->settings,
                                       .rules = fixture->rules,
                                       .document = collect,
                                       .closure = &undisturbed};
    assert_int_equal(tw_watch_open(&watch, &options, NULL), 0);
    for (int i = 0; i <= STEPS + 1; i++)
        feed(watch, i, i);
    tw_watch_close(watch);
    options.closure = &documents;
    options.tally = &tally;
    assert_int_equal(tw_watch_open(&watch, &options, NULL), 0);
    int i = feed_until_open(watch);
    int64_t before = sum_of_open(&tally);
    char id[TW_EVENT_ID_SIZE];
    strcpy(id, first_open(tw_watch_find(watch, "blow-up"))->id);
    assert_false(tw_watch_dismiss(watch, "another", id));
    for (int twice = 0; twice < 2; twice++) {
        assert_true(tw_watch_dismiss(watch, "blow-up", id));
        assert_int_equal(sum_of_open(&tally), before - 1);
    }
    /* It comes and goes with its run as it is. */
    size_t size;
    struct tw_run *copy;
    unsigned char *saved =
        tw_snapshot_save(tw_watch_find(watch, "blow-up"), &fixture->settings, &size);
    assert_int_equal(tw_snapshot_load(&copy, saved, size, &fixture->settings, NULL), 0);
    free(saved);
    assert_int_equal(tw_watch_adopt(watch, copy, NULL), 0);
    assert_int_equal(sum_of_open(&tally), before - 1);
    for (; i <= STEPS + 1; i++) {
        feed(watch, i, i);
        assert_open_ones_are_counted(watch, &tally);
    }
    tw_watch_close(watch);
    assert_string_equal(documents.text, undisturbed.text);
    free(documents.text);
    free(undisturbed.text);
}

/* What was said in an earlier life is known before the run opens it again. */
static void what_was_dismissed_before_does_not_open(void **state)
{
    const struct fixture *fixture = *state;
    struct documents documents = {0};
    struct tw_tally tally = {0};
    struct tw_watch *watch;
    struct tw_dismissed *dismissed = tw_dismissed_new();
    struct tw_watch_options options = {.settings = &fixture->settings,
                                       .rules = fixture->rules,
                                       .document = collect,
                                       .closure = &documents,
                                       .tally = &tally,
                                       .dismissed = dismissed};
    assert_int_equal(tw_watch_open(&watch, &options, NULL), 0);
    feed_until_open(watch);
    int64_t before = sum_of_open(&tally);
    assert_int_equal(tw_dismissed_add(dismissed, first_open(tw_watch_find(watch, "blow-up"))->id),
                     0);
    tw_watch_close(watch);
    tally = (struct tw_tally){0};
    assert_int_equal(tw_watch_open(&watch, &options, NULL), 0);
    feed_until_open(watch);
    assert_int_equal(sum_of_open(&tally), before - 1);
    tw_watch_close(watch);
    tw_dismissed_free(dismissed);
    free(documents.text);
}

static void a_run_of_step_records_is_small_and_grows_by_what_it_sends(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    feed(watch, 0, 300);
    const struct tw_run *run = tw_watch_find(watch, "blow-up");
    size_t header = run->n_header_bytes;
    assert_int_equal(run->context->extent, TW_EXTENT_STEPS);
    assert_int_equal(tw_run_bytes(run), tw_run_bytes_at(TW_EXTENT_STEPS) + header);
    assert_true(tw_run_bytes_at(TW_EXTENT_STEPS) <= 8192); /* 44,312 before there were extents */
    tw_run_prefetch(run);
    feed(watch, 301, 400);
    assert_int_equal(run->context->extent, TW_EXTENT_EVALS);
    assert_ptr_equal(run, tw_watch_find(watch, "blow-up"));
    tw_run_prefetch(run);
    feed(watch, 401, 860);
    assert_int_equal(run->context->extent, TW_EXTENT_LAYERS);
    assert_int_equal(tw_run_bytes(run), tw_run_bytes_at(TW_EXTENT_LAYERS) + header);
    tw_watch_close(watch);
    free(documents.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blow_up_is_told_with_an_amount),
        cmocka_unit_test(records_that_come_twice_change_nothing),
        cmocka_unit_test(a_run_of_step_records_is_small_and_grows_by_what_it_sends),
        cmocka_unit_test(a_run_goes_on_from_a_snapshot_at_any_record),
        cmocka_unit_test(a_damaged_snapshot_is_refused),
        cmocka_unit_test(other_thresholds_refuse_a_snapshot),
        cmocka_unit_test(a_log_that_stops_without_an_end_still_closes_its_findings),
        cmocka_unit_test(a_resumed_attempt_counts_on_its_own),
        cmocka_unit_test(without_an_attempt_a_newer_time_tells_a_restart_from_a_repeat),
        cmocka_unit_test(a_resumed_run_goes_on_with_what_was_open_at_its_end),
        cmocka_unit_test(no_two_documents_share_an_id_when_the_same_steps_come_again),
        cmocka_unit_test(a_record_without_a_time_counts_as_the_logs_time_plus_its_step),
        cmocka_unit_test(after_a_rewind_earlier_positions_are_news),
        cmocka_unit_test(the_tally_says_what_is_open_and_what_was_told),
        cmocka_unit_test(a_false_alarm_is_not_open_and_changes_no_document),
        cmocka_unit_test(what_was_dismissed_before_does_not_open),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
