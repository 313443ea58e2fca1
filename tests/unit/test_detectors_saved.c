/* A detector's state is saved and restored byte for byte at any record and extent, and nothing but
 * the records decides what it says: over streams of every trouble that training knows, with headers
 * that change, layers beyond what is kept, steps that go back and numbers of any size. One state
 * has all of its parts from the start; the other gets each when the first record comes that it is
 * for, and what lies behind its end is watched. */
#include "tests/unit/detector_fixture.h"

#define DETECTORS_MAX 32
#define RUNS 12 /* of each extent */
#define RECORDS 2500

/* What the numbers of a stream do for a while. */
enum phase {
    HEALTHY,
    RISING,
    SPIKING,
    STANDING,
    NONFINITE,
    SCALE_FALLS,
    LAYERS_DIE,
    OVERFITS,
    ANY_NUMBER,
    PHASES
};

struct stream {
    uint64_t seed, step, phase_first, header_hash;
    enum phase phase;
    double loss, norm, scale;
    uint32_t n_layers;
    char attempt[8];
    bool is_calm;          /* nothing happens to it */
    enum tw_extent extent; /* no record needs more than this */
    uint64_t late;         /* steps before the first evaluation, twice as many before layers */
};

static uint64_t below(struct stream *stream, uint64_t n)
{
    return next_random(&stream->seed) % n;
}

static double any_number(struct stream *stream)
{
    static const double numbers[] = {NAN,    INFINITY, -INFINITY, 1e308,         -1e308,
                                     5e-324, 2e-310,   0,         -0.,           1e-300,
                                     -1,     1,        3.4e38,    18446744073e9, 9007199254740993.};
    return numbers[below(stream, sizeof numbers / sizeof *numbers)];
}

static double noisy(struct stream *stream, double value)
{
    return value * exp(.02 * next_heavy(&stream->seed));
}

static uint64_t any_step(struct stream *stream)
{
    static const uint64_t steps[] = {0, 1, UINT64_MAX, (uint64_t)1 << 63, ((uint64_t)1 << 63) - 1};
    return steps[below(stream, sizeof steps / sizeof *steps)];
}

static void fill_header(struct stream *stream, struct tw_record *record)
{
    static const char *const numbers[] = {
        "max_steps",  "warmup_steps",   "warmup_ratio",  "batch_size",
        "max_epochs", "learning_rate",  "max_grad_norm", "early_stopping_patience",
        "loss_scale", "min_loss_scale", "label_entropy", "loss_scale_window"};
    static const char *const activations[] = {"relu", "tanh", "sigmoid", "softmax", "", "maxout"};
    static const char *const precisions[] = {"fp16", "fp32", "bf16"};
    struct tw_header *header = tw_record_add_header(record);
    bool is_odd = !stream->is_calm && below(stream, 3) == 0;
    record->kind = TW_KIND_HEADER;
    header->world_size = is_odd ? next_random(&stream->seed) : 1;
    header->dataset_classes = below(stream, 12);
    header->dataset_samples = is_odd ? next_random(&stream->seed) : 1000;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double number = is_odd ? any_number(stream) : (double)(1 + below(stream, 3000));
        if (below(stream, 3))
            assert_int_equal(tw_header_set_number(header, numbers[i], number), 0);
    }
    assert_int_equal(tw_header_set_text(header, "precision", precisions[below(stream, 3)]), 0);
    stream->n_layers = (uint32_t)(is_odd ? below(stream, 200) : 3 + below(stream, 4));
    for (uint32_t i = 0; i < stream->n_layers; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.*s%u", (int)below(stream, 20), "a.longer.name.of.it.", i);
        struct tw_layer_info *layer = tw_header_add_layer(header, name);
        snprintf(layer->activation, sizeof layer->activation, "%s",
                 activations[is_odd ? below(stream, 6) : i % 2]);
        layer->units = is_odd ? next_random(&stream->seed) : 64;
        layer->fan_in = is_odd ? next_random(&stream->seed) : 64;
    }
    stream->header_hash = tw_header_hash(header);
}

static double layer_figure(struct stream *stream, enum tw_layer_column column, uint32_t layer)
{
    static const double usual[TW_LAYER_COLUMNS] = {
        [TW_LAYER_GRAD_NORM] = .3,
        [TW_LAYER_WEIGHT_NORM] = 8,
        [TW_LAYER_UPDATE_NORM] = .01,
        [TW_LAYER_ACTIVATION_MEAN] = .4,
        [TW_LAYER_ACTIVATION_STD] = .6,
        [TW_LAYER_ACTIVATION_ABS_MAX] = 3,
        [TW_LAYER_ZERO_FRACTION] = .5,
        [TW_LAYER_SATURATED_FRACTION] = .05,
        [TW_LAYER_SATURATED_UNITS_FRACTION] = .01,
        [TW_LAYER_DEAD_FRACTION] = .02,
    };
    double age = (double)(stream->step - stream->phase_first);
    if (stream->phase == ANY_NUMBER && below(stream, 4) == 0)
        return any_number(stream);
    if (stream->phase == NONFINITE && column == TW_LAYER_NONFINITE)
        return layer == 1;
    if (stream->phase == RISING)
        return noisy(stream, usual[column]) * (layer ? 1 : exp(fmin(age, 400) / 20));
    if (stream->phase == LAYERS_DIE)
        return column == TW_LAYER_DEAD_FRACTION || column == TW_LAYER_SATURATED_FRACTION ||
                       column == TW_LAYER_SATURATED_UNITS_FRACTION
                   ? .97
               : column == TW_LAYER_ACTIVATION_ABS_MAX                        ? 60000
               : column == TW_LAYER_GRAD_NORM && layer + 1 < stream->n_layers ? 1e-9
                                                                              : usual[column];
    return noisy(stream, usual[column]);
}

static void fill_layers(struct stream *stream, struct tw_record *record)
{
    bool is_other = below(stream, 40) == 0; /* not the header's */
    uint32_t n = is_other ? (uint32_t)below(stream, 300) : stream->n_layers;
    struct tw_layers *layers = tw_record_add_layers(record, n);
    record->kind = TW_KIND_LAYERS;
    layers->header_hash = is_other ? below(stream, 3) : stream->header_hash;
    for (int column = 0; column < TW_LAYER_COLUMNS; column++) {
        float *values =
            below(stream, 50) ? tw_layers_add_column(layers, (enum tw_layer_column)column) : NULL;
        for (uint32_t i = 0; values && i < n; i++)
            values[i] = (float)layer_figure(stream, (enum tw_layer_column)column, i);
    }
}

static void move_on(struct stream *stream)
{
    double fall = 1 - .02 * (stream->phase == HEALTHY || stream->phase == OVERFITS);
    double rise = stream->phase == RISING ? 1.02 : 1;
    stream->loss = fmin(fmax(.2, stream->loss * fall), 1e4) * rise;
    stream->norm = stream->phase == RISING ? fmin(stream->norm * 1.1, 1e6) : .5;
    stream->scale = stream->phase == SCALE_FALLS ? fmax(stream->scale / 2, .5) : 65536;
}

static void fill_step(struct stream *stream, struct tw_record *record)
{
    bool is_spike = stream->phase == SPIKING && below(stream, 60) == 0;
    bool is_bad = stream->phase == NONFINITE && below(stream, 2);
    move_on(stream);
    record->kind = TW_KIND_STEP;
    tw_record_set(record, TW_SIGNAL_LOSS,
                  is_bad ? NAN : noisy(stream, stream->loss * (is_spike ? 8 : 1)));
    tw_record_set(record, TW_SIGNAL_GRAD_NORM,
                  is_bad ? INFINITY : noisy(stream, stream->norm * (is_spike ? 50 : 1)));
    tw_record_set(record, TW_SIGNAL_LEARNING_RATE, stream->phase == STANDING ? 1e-9 : .01);
    tw_record_set(record, TW_SIGNAL_UPDATE_NORM, stream->phase == STANDING ? 1e-9 : .01);
    tw_record_set(record, TW_SIGNAL_WEIGHT_NORM, 10);
    tw_record_set(record, TW_SIGNAL_LOSS_SCALE, stream->scale);
    tw_record_set(record, TW_SIGNAL_OVERFLOW, stream->phase == SCALE_FALLS);
    tw_record_set(record, TW_SIGNAL_EPOCH, (double)stream->step / 50);
    for (int i = 0; stream->phase == ANY_NUMBER && i < TW_SIGNALS; i++) {
        bool may_be = i != TW_SIGNAL_EVAL_LOSS || stream->extent >= TW_EXTENT_EVALS;
        if (may_be && below(stream, 8) == 0)
            tw_record_set(record, (enum tw_signal)i, any_number(stream));
    }
}

static void fill_eval(struct stream *stream, struct tw_record *record)
{
    double age = (double)(stream->step - stream->phase_first);
    double loss = stream->loss + (stream->phase == OVERFITS ? age / 200 : .1);
    record->kind = TW_KIND_EVAL;
    tw_record_set(record, TW_SIGNAL_EVAL_LOSS,
                  stream->phase == ANY_NUMBER ? any_number(stream) : noisy(stream, loss));
    tw_record_set(record, TW_SIGNAL_TRAIN_LOSS, stream->loss);
    tw_record_set(record, TW_SIGNAL_EVAL_SAMPLES, 1000);
    tw_record_add_metric(record, "accuracy", stream->phase == ANY_NUMBER ? any_number(stream) : .9);
}

static void fill_event(struct stream *stream, struct tw_record *record)
{
    static const char *const events[] = {"resume", "data_change", "lr_change", "checkpoint"};
    record->kind = TW_KIND_EVENT;
    snprintf(record->event, sizeof record->event, "%s",
             events[below(stream, stream->extent < TW_EXTENT_EVALS ? 3 : 4)]);
}

static void change_phase(struct stream *stream)
{
    stream->phase = (enum phase)below(stream, PHASES);
    stream->phase_first = stream->step;
    if (below(stream, 4) == 0)
        snprintf(stream->attempt, sizeof stream->attempt, "a%u", (unsigned)below(stream, 100));
    if (below(stream, 4) == 0) /* from a checkpoint, or from anywhere */
        stream->step = below(stream, 8) ? stream->step - stream->step / 8 : any_step(stream);
    if (stream->phase == HEALTHY)
        stream->loss = 2.3;
}

static struct tw_record next_record(struct stream *stream)
{
    uint64_t kind = below(stream, 100);
    if (!stream->is_calm && below(stream, 300) == 0)
        change_phase(stream);
    struct tw_record record =
        step_record(stream->is_calm || below(stream, 2000) ? ++stream->step : any_step(stream));
    if (stream->phase == ANY_NUMBER && below(stream, 20) == 0)
        record.time_ms = (int64_t)next_random(&stream->seed);
    if (stream->attempt[0]) {
        memcpy(record.attempt, stream->attempt, sizeof stream->attempt);
        record.has |= TW_HAS_ATTEMPT;
    }
    if (!stream->n_layers || (!stream->is_calm && below(stream, 600) == 0))
        fill_header(stream, &record);
    else if (kind < 20 && stream->extent >= TW_EXTENT_LAYERS && stream->step >= 2 * stream->late)
        fill_layers(stream, &record);
    else if (kind < 26 && stream->extent >= TW_EXTENT_EVALS && stream->step >= stream->late)
        fill_eval(stream, &record);
    else if (!stream->is_calm && below(stream, 500) == 0)
        fill_event(stream, &record);
    else
        fill_step(stream, &record);
    return record;
}

/* ---- a state that moves and grows ---- */

/* The address sanitizer guards better: it also sees what only reads. */
#ifdef __SANITIZE_ADDRESS__
#define GUARD_BYTES 0
#else
#define GUARD_BYTES 64
#endif
#define GUARD 0xa5

static void guard(unsigned char *at, size_t size)
{
    memset(at, GUARD, size);
}

static void check_guard(const unsigned char *at, size_t size)
{
    size_t whole = 0;
    while (whole < size && at[whole] == GUARD)
        whole++;
    assert_int_equal(whole, size);
}

static size_t size_now(const struct subject *subject)
{
    return subject->detector->state_size[subject->context.extent];
}

static void check_guards(const struct subject *subject)
{
    size_t size = tw_context_size((enum tw_extent)subject->context.extent);
    check_guard((const unsigned char *)&subject->context + size, sizeof subject->context - size);
    check_guard((const unsigned char *)subject->state + size_now(subject), GUARD_BYTES);
}

/* Into a block of its own size at another place; the former is spoilt, for who still looks there.
 * `more`: bytes that are new behind it, zeroed. */
static void move_state(struct subject *subject, size_t more)
{
    size_t size = size_now(subject);
    unsigned char *fresh = calloc(1, size + more + GUARD_BYTES);
    assert_non_null(fresh);
    check_guards(subject);
    memcpy(fresh, subject->state, size);
    guard(fresh + size + more, GUARD_BYTES);
    memset(subject->state, GUARD, size);
    free(subject->state);
    subject->state = fresh;
}

static void subject_start_small(struct subject *subject, const struct tw_detector *detector)
{
    size_t size = tw_context_size(TW_EXTENT_STEPS);
    subject_start(subject, detector);
    subject->context.extent = TW_EXTENT_STEPS;
    guard((unsigned char *)&subject->context + size, sizeof subject->context - size);
    free(subject->state);
    subject->state = calloc(1, size_now(subject) + GUARD_BYTES);
    assert_non_null(subject->state);
    guard((unsigned char *)subject->state + size_now(subject), GUARD_BYTES);
    detector->start(subject->state, subject->config);
}

static void grow(struct subject *subject, enum tw_extent extent, const struct tw_header *header)
{
    enum tw_extent before = (enum tw_extent)subject->context.extent;
    size_t had = tw_context_size(before), has = tw_context_size(extent);
    move_state(subject, subject->detector->state_size[extent] - size_now(subject));
    memset((char *)&subject->context + had, 0, has - had);
    tw_context_grow(&subject->context, extent, header);
    tw_detector_grow(subject->detector, subject->state, subject->config, before, extent);
    check_guards(subject);
}

/* Returns how many conditions were told. Without a record: at the run's end. */
static uint64_t observe(struct subject *subject, const struct tw_record *record)
{
    struct tw_report report = {0};
    if (record) {
        tw_context_observe(&subject->context, &subject->shared, record);
        subject->detector->observe(subject->state, subject->config, &subject->context,
                                   &subject->shared, record, &report);
    } else {
        subject->detector->finish(subject->state, subject->config, &subject->context,
                                  &subject->shared, &report);
    }
    for (uint32_t i = 0; i < report.n; i++)
        subject_hash(subject, &report.conditions[i], sizeof report.conditions[i]);
    return report.n + report.n_dropped;
}

static void keep_header(struct tw_record *kept, const struct tw_record *record)
{
    if (record->kind != TW_KIND_HEADER)
        return;
    tw_record_clear(kept);
    assert_int_equal(tw_record_copy(kept, record), 0);
}

static void take_both(struct subject *whole, struct subject *grown, const struct tw_record *record,
                      uint64_t *n)
{
    char reasons[2][128] = {"", ""};
    *n += observe(whole, record);
    observe(grown, record);
    assert_true(whole->reports == grown->reports);
    assert_int_equal(subject_has_judged(whole, reasons[0], sizeof reasons[0]),
                     subject_has_judged(grown, reasons[1], sizeof reasons[1]));
    assert_string_equal(reasons[0], reasons[1]);
}

/* What both have, but for how far they reach. */
static void check_equal(const struct subject *whole, const struct subject *grown)
{
    size_t behind = offsetof(struct tw_context, extent) + sizeof whole->context.extent;
    size_t size = tw_context_size((enum tw_extent)grown->context.extent);
    assert_memory_equal(whole->state, grown->state, size_now(grown));
    assert_memory_equal((const char *)&whole->context + behind,
                        (const char *)&grown->context + behind, size - behind);
}

/* One detector's two states. */
struct pair {
    struct subject whole, grown;
    uint64_t n; /* conditions */
};

static void pair_start(struct pair *pair, const struct tw_detector *detector)
{
    subject_start(&pair->whole, detector);
    subject_start_small(&pair->grown, detector);
}

static void pair_take(struct pair *pair, const struct tw_record *record,
                      const struct tw_header *header, bool is_moved)
{
    if (is_moved)
        move_state(&pair->grown, 0);
    if (tw_extent_of(record) > pair->grown.context.extent)
        grow(&pair->grown, tw_extent_of(record), header);
    take_both(&pair->whole, &pair->grown, record, &pair->n);
}

static void pair_stop(struct pair *pair, enum tw_extent extent)
{
    move_state(&pair->grown, 0);
    take_both(&pair->whole, &pair->grown, NULL, &pair->n);
    check_guards(&pair->grown);
    assert_int_equal(pair->grown.context.extent, extent);
    check_equal(&pair->whole, &pair->grown);
    subject_stop(&pair->whole);
    subject_stop(&pair->grown);
}

static void run_all(struct pair *pairs, uint64_t seed, enum tw_extent extent)
{
    struct stream stream = {.seed = seed,
                            .loss = 2.3,
                            .norm = .5,
                            .scale = 65536,
                            .phase = seed % 3 ? HEALTHY : LAYERS_DIE,
                            .is_calm = seed % 5 == 0,
                            .extent = extent,
                            .late = 30 * (seed % 2)};
    struct tw_record header;
    tw_record_init(&header);
    for (size_t i = 0; tw_detectors[i]; i++)
        pair_start(&pairs[i], tw_detectors[i]);
    for (int n = 0; n < RECORDS; n++) {
        struct tw_record record = next_record(&stream);
        for (size_t i = 0; tw_detectors[i]; i++)
            pair_take(&pairs[i], &record, header.header, below(&stream, 4) == 0);
        keep_header(&header, &record);
        tw_record_clear(&record);
    }
    for (size_t i = 0; tw_detectors[i]; i++)
        pair_stop(&pairs[i], extent);
    tw_record_clear(&header);
}

static void a_state_that_is_moved_at_any_record_says_the_same(void **state)
{
    static struct pair pairs[DETECTORS_MAX];
    (void)state;
    for (uint64_t run = 0; run < RUNS * TW_EXTENTS; run++)
        run_all(pairs, 1 + run / TW_EXTENTS, (enum tw_extent)(run % TW_EXTENTS));
    for (size_t i = 0; tw_detectors[i]; i++) {
        print_message("# %s: %llu conditions\n", tw_detectors[i]->name,
                      (unsigned long long)pairs[i].n);
        /* Streams without a word would show nothing; silence is told by no record. */
        assert_true(pairs[i].n > 0 || tw_detectors[i] == &tw_detector_stalled_run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_that_is_moved_at_any_record_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
