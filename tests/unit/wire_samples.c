/* Records for the tests of the wire forms, of run files and of the emitter. */
#include "tests/unit/wire_samples.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void fill_header(struct tw_record *record)
{
    struct tw_header *header = tw_record_add_header(record);
    assert_non_null(header);
    strcpy(header->name, "ResNet \"small\" \\ \xC3\xA9t\xC3\xA9\n");
    strcpy(header->project, "vision");
    strcpy(header->group, "sweep-3");
    strcpy(header->user, "ada");
    strcpy(header->host, "node-17");
    strcpy(header->framework, "trainward-train");
    strcpy(header->objective, "supervised");
    header->pid = 4194303;
    header->world_size = 8;
    assert_int_equal(tw_header_set_text(header, "optimizer", "adam"), 0);
    assert_int_equal(tw_header_set_number(header, "learning_rate", 3e-4), 0);
    assert_int_equal(tw_header_set_number(header, "max_steps", 1e6), 0);
    assert_int_equal(tw_header_set_number(header, "max_grad_norm", INFINITY), 0);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "block.%d.linear", i);
        struct tw_layer_info *layer = tw_header_add_layer(header, name);
        assert_non_null(layer);
        strcpy(layer->kind, "linear");
        strcpy(layer->activation, i < 2 ? "relu" : "");
        layer->units = 128u << i;
        layer->fan_in = 64;
        layer->parameters = (UINT64_C(128) << i) * 65;
    }
    strcpy(header->dataset_name, "digits");
    header->dataset_samples = 1437;
    header->dataset_eval_samples = 360;
    header->dataset_classes = 10;
    strcpy(header->resumed_from_attempt, "20240229T101112Z-17");
    header->resumed_from_step = 12000;
}

static void fill_step(struct tw_record *record)
{
    for (int i = 0; i < TW_SIGNALS; i++)
        tw_record_set(record, (enum tw_signal)i, 0.1 * i - 0.2);
    tw_record_set(record, TW_SIGNAL_LOSS, NAN);
    tw_record_set(record, TW_SIGNAL_GRAD_NORM, INFINITY);
    tw_record_set(record, TW_SIGNAL_UPDATE_NORM, -INFINITY);
    tw_record_set(record, TW_SIGNAL_WEIGHT_NORM, 1.7976931348623157e308);
    tw_record_set(record, TW_SIGNAL_LOSS_SCALE, 65536);
    tw_record_set(record, TW_SIGNAL_OVERFLOW, 1);
    tw_record_set(record, TW_SIGNAL_STEP_SECONDS, 5e-324);
    record->grad_norm_kind = TW_GRAD_NORM_POST_CLIP;
}

static void fill_layers(struct tw_record *record)
{
    struct tw_layers *layers = tw_record_add_layers(record, 3);
    assert_non_null(layers);
    layers->header_hash = UINT64_C(0xFEDCBA9876543210);
    for (int column = 0; column < TW_LAYER_COLUMNS; column++) {
        if (column == TW_LAYER_DEAD_FRACTION)
            continue; /* not sent */
        float *values = tw_layers_add_column(layers, (enum tw_layer_column)column);
        values[0] = 0.1f * (float)(column + 1);
        values[2] = column ? -1e-30f : INFINITY;
    }
}

static void fill_eval(struct tw_record *record)
{
    tw_record_set(record, TW_SIGNAL_EVAL_LOSS, 2.25);
    tw_record_set(record, TW_SIGNAL_EVAL_SAMPLES, 360);
    tw_record_set(record, TW_SIGNAL_TRAIN_LOSS, 2.125);
    tw_record_add_metric(record, "accuracy", 0.9);
    tw_record_add_metric(record, "perplexity", INFINITY);
}

void wire_sample(struct tw_record *record, enum tw_kind kind, uint64_t seq)
{
    strcpy(record->run, "run-\xE2\x82\xAC-1");
    strcpy(record->attempt, "20240301T000000Z-42");
    record->seq = seq;
    record->rank = 7;
    record->kind = kind;
    record->time_ms = 1709251200123 + (int64_t)seq;
    record->step = 1000000 + seq;
    record->has =
        TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_RANK | TW_HAS_KIND | TW_HAS_TIME | TW_HAS_STEP;
    switch (kind) {
    case TW_KIND_HEADER:
        fill_header(record);
        break;
    case TW_KIND_STEP:
        fill_step(record);
        break;
    case TW_KIND_LAYERS:
        fill_layers(record);
        break;
    case TW_KIND_EVAL:
        fill_eval(record);
        break;
    case TW_KIND_EVENT:
        strcpy(record->event, "lr_change");
        tw_record_set(record, TW_SIGNAL_LEARNING_RATE, 1e-5);
        break;
    case TW_KIND_END:
        record->status = TW_END_INTERRUPTED;
        break;
    }
}

static void assert_same_number(double a, double b)
{
    if (isnan(a) && isnan(b))
        return;
    assert_memory_equal(&a, &b, sizeof a);
}

static void assert_same_header(const struct tw_header *a, const struct tw_header *b)
{
    struct tw_header plain_a = *a, plain_b = *b;
    plain_a.hyperparameters = plain_b.hyperparameters = NULL;
    plain_a.layers = plain_b.layers = NULL;
    /* Both are zeroed before they are filled, so that the bytes behind texts are equal, too. */
    assert_memory_equal(&plain_a, &plain_b, sizeof plain_a);
    for (size_t i = 0; i < a->n_hyperparameters; i++) {
        const struct tw_hyperparameter *one = &a->hyperparameters[i],
                                       *other = &b->hyperparameters[i];
        assert_string_equal(one->name, other->name);
        assert_int_equal(one->is_text, other->is_text);
        assert_string_equal(one->text, other->text);
        assert_same_number(one->number, other->number);
    }
    for (size_t i = 0; i < a->n_layers; i++)
        assert_memory_equal(&a->layers[i], &b->layers[i], sizeof *a->layers);
}

static void assert_same_layers(const struct tw_layers *a, const struct tw_layers *b)
{
    assert_int_equal(a->n, b->n);
    assert_true(a->header_hash == b->header_hash);
    for (int column = 0; column < TW_LAYER_COLUMNS; column++) {
        assert_int_equal(a->column[column] != NULL, b->column[column] != NULL);
        for (uint32_t i = 0; a->column[column] && i < a->n; i++)
            assert_same_number((double)a->column[column][i], (double)b->column[column][i]);
    }
}

void assert_same_record(const struct tw_record *a, const struct tw_record *b)
{
    assert_string_equal(a->run, b->run);
    assert_string_equal(a->attempt, b->attempt);
    assert_true(a->seq == b->seq);
    assert_int_equal(a->rank, b->rank);
    assert_int_equal(a->has, b->has);
    assert_int_equal(a->kind, b->kind);
    assert_true(a->time_ms == b->time_ms);
    assert_true(a->step == b->step);
    assert_int_equal(a->signals, b->signals);
    for (int i = 0; i < TW_SIGNALS; i++)
        assert_same_number(a->signal[i], b->signal[i]);
    assert_int_equal(a->grad_norm_kind, b->grad_norm_kind);
    assert_int_equal(a->n_metrics, b->n_metrics);
    for (uint32_t i = 0; i < a->n_metrics; i++) {
        assert_string_equal(a->metrics[i].name, b->metrics[i].name);
        assert_same_number(a->metrics[i].value, b->metrics[i].value);
    }
    assert_string_equal(a->event, b->event);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->header != NULL, b->header != NULL);
    assert_int_equal(a->layers != NULL, b->layers != NULL);
    if (a->header)
        assert_same_header(a->header, b->header);
    if (a->layers)
        assert_same_layers(a->layers, b->layers);
}
