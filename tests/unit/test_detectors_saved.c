/* A detector's state is saved and restored byte for byte at any record, and nothing but the records
 * decides what it says: over streams of every trouble that training knows, with headers that
 * change, layers beyond what is kept, steps that go back and numbers of any size. */
#include "tests/unit/detector_fixture.h"

#define RUNS 5
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
    bool is_calm; /* nothing happens to it */
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
        if (below(stream, 8) == 0)
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
    snprintf(record->event, sizeof record->event, "%s", events[below(stream, 4)]);
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
    else if (kind < 20)
        fill_layers(stream, &record);
    else if (kind < 26)
        fill_eval(stream, &record);
    else if (!stream->is_calm && below(stream, 500) == 0)
        fill_event(stream, &record);
    else
        fill_step(stream, &record);
    return record;
}

/* Into blocks of its own size at another place; the former is spoilt, for who still looks there. */
static void move_state(struct subject *subject)
{
    size_t size = subject->detector->state_size;
    void *fresh = malloc(size);
    assert_non_null(fresh);
    memcpy(fresh, subject->state, size);
    memset(subject->state, 0xa5, size);
    free(subject->state);
    subject->state = fresh;
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

static uint64_t run_both(const struct tw_detector *detector, uint64_t seed)
{
    struct subject whole, moved;
    struct stream stream = {
        .seed = seed, .loss = 2.3, .norm = .5, .scale = 65536, .is_calm = seed == RUNS};
    uint64_t n = 0;
    subject_start(&whole, detector);
    subject_start(&moved, detector);
    for (int i = 0; i < RECORDS; i++) {
        struct tw_record record = next_record(&stream);
        char reasons[2][128] = {"", ""};
        if (below(&stream, 4) == 0)
            move_state(&moved);
        n += observe(&whole, &record);
        observe(&moved, &record);
        assert_true(whole.reports == moved.reports);
        assert_int_equal(subject_has_judged(&whole, reasons[0], sizeof reasons[0]),
                         subject_has_judged(&moved, reasons[1], sizeof reasons[1]));
        assert_string_equal(reasons[0], reasons[1]);
        tw_record_clear(&record);
    }
    move_state(&moved);
    n += observe(&whole, NULL);
    observe(&moved, NULL);
    assert_true(whole.reports == moved.reports);
    assert_memory_equal(whole.state, moved.state, detector->state_size);
    assert_memory_equal(&whole.context, &moved.context, sizeof whole.context);
    subject_stop(&whole);
    subject_stop(&moved);
    return n;
}

static void a_state_that_is_moved_at_any_record_says_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; tw_detectors[i]; i++) {
        uint64_t n = 0;
        for (uint64_t seed = 1; seed <= RUNS; seed++)
            n += run_both(tw_detectors[i], seed);
        print_message("# %s: %llu conditions\n", tw_detectors[i]->name, (unsigned long long)n);
        /* Streams without a word would show nothing; silence is told by no record. */
        assert_true(n > 0 || tw_detectors[i] == &tw_detector_stalled_run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_that_is_moved_at_any_record_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
