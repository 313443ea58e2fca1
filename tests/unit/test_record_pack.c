/* Records packed one behind another come back as they were. */
#include "telemetry/record_pack.h"

#include "tests/unit/wire_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORDS = 60 };

/* Kinds in turn; the run changes now and then, the attempt more often. */
static void make(struct tw_record *record, unsigned i)
{
    tw_record_init(record);
    if (i % 7 == 6)
        return; /* one that says nothing, of no run */
    wire_sample(record, (enum tw_kind)(i % 6), i);
    snprintf(record->run, sizeof record->run, "run %u", i / 20);
    snprintf(record->attempt, sizeof record->attempt, "%u", i / 5);
}

static void what_is_packed_comes_back(void **state)
{
    static _Alignas(8) unsigned char bytes[RECORDS * TW_RECORD_PACK_MAX];
    struct tw_record before, found;
    size_t size = 0, taken = 0;
    (void)state;
    tw_record_init(&before);
    tw_record_init(&found);
    for (unsigned i = 0; i < RECORDS; i++) {
        struct tw_record record;
        make(&record, i);
        size_t used = tw_record_pack(&record, &before, bytes + size);
        assert_true(used % 8 == 0 && used <= TW_RECORD_PACK_MAX);
        assert_null(record.header);
        assert_null(record.layers);
        tw_record_clear(&record);
        size += used;
    }
    for (unsigned i = 0; i < RECORDS; i++) {
        struct tw_record expected;
        make(&expected, i);
        taken += tw_record_unpack(&found, bytes + taken);
        assert_same_record(&found, &expected);
        for (int signal = 0; signal < TW_SIGNALS; signal++) /* none of the one before is left */
            assert_true(tw_record_has(&found, (enum tw_signal)signal) || !found.signal[signal]);
        tw_record_clear(&expected);
    }
    assert_int_equal(taken, size);
    tw_record_clear(&found);
}

static void the_largest_record_fits(void **state)
{
    static _Alignas(8) unsigned char bytes[TW_RECORD_PACK_MAX];
    struct tw_record before, record, found;
    (void)state;
    tw_record_init(&before);
    tw_record_init(&record);
    tw_record_init(&found);
    memset(record.run, 'r', TW_RUN_ID_MAX);
    memset(record.attempt, 'a', TW_ATTEMPT_MAX);
    strcpy(record.event, "checkpoint");
    for (int signal = 0; signal < TW_SIGNALS; signal++)
        tw_record_set(&record, (enum tw_signal)signal, signal);
    for (int i = 0; i < TW_METRICS_MAX; i++) {
        char name[48];
        snprintf(name, sizeof name, "metric%d", i);
        tw_record_add_metric(&record, name, i);
    }
    size_t used = tw_record_pack(&record, &before, bytes);
    assert_true(used <= TW_RECORD_PACK_MAX);
    assert_int_equal(tw_record_unpack(&found, bytes), used);
    assert_same_record(&found, &record);
    tw_record_clear(&found);
    tw_record_clear(&record);
}

/* A step of loss, rate and norm: what is handed over most. */
static void a_step_is_small_once_its_run_is_known(void **state)
{
    static _Alignas(8) unsigned char bytes[TW_RECORD_PACK_MAX];
    struct tw_record before, record;
    (void)state;
    tw_record_init(&before);
    tw_record_init(&record);
    strcpy(record.run, "r");
    tw_record_set(&record, TW_SIGNAL_LOSS, 1);
    tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, 2);
    tw_record_set(&record, TW_SIGNAL_GRAD_NORM, 3);
    assert_true(tw_record_pack(&record, &before, bytes) > 128);
    assert_true(tw_record_pack(&record, &before, bytes) <= 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back),
        cmocka_unit_test(the_largest_record_fits),
        cmocka_unit_test(a_step_is_small_once_its_run_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
