/* The emitter with a run directory. */
#include "config.h"

#include "telemetry/emitter.h"

#include "tests/unit/temporary_directory.h"
#include "tests/unit/wire_samples.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

static char *dir;

static int set_up(void **state)
{
    (void)state;
    dir = make_directory();
    return dir ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    remove_directory(dir);
    return 0;
}

static struct tw_emitter *open_emitter(struct tw_emitter_options options)
{
    struct tw_emitter *emitter = NULL;
    struct tw_error error = {0};
    options.run = options.run ? options.run : "r1";
    options.run_dir = dir;
    if (tw_emitter_open(&emitter, &options, &error))
        fail_msg("%s", error.text);
    return emitter;
}

static void emit_step(struct tw_emitter *emitter, uint64_t step, double loss)
{
    struct tw_record record;
    tw_record_init(&record);
    record.step = step;
    record.has = TW_HAS_STEP;
    tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    assert_int_equal(tw_emit(emitter, &record), 0);
}

static struct tw_emitter_counts close_emitter(struct tw_emitter *emitter)
{
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    if (tw_emitter_close(emitter, &counts, &error))
        fail_msg("%s", error.text);
    return counts;
}

/* The bytes of a file of the run directory, for free(). */
static char *read_file(const char *name, size_t *ret_size)
{
    char path[128], *bytes;
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &status))
        fail_msg("%s is missing", path);
    bytes = malloc((size_t)status.st_size + 1);
    *ret_size = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

static size_t file_size(const char *name)
{
    size_t size;
    free(read_file(name, &size));
    return size;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void check_records(const char *name, uint64_t n)
{
    size_t size, offset = 0;
    char *bytes = read_file(name, &size);
    struct tw_record record;
    struct tw_error error = {0};
    tw_record_init(&record);
    for (uint64_t i = 0; i < n; i++) {
        if (tw_message_next(bytes, size, &offset, &record, &error) != 1)
            fail_msg("record %d: %s", (int)i, error.text);
        assert_true(record.seq == i);
        assert_true(record.step == i * 10);
        assert_string_equal(record.run, "r1");
        assert_string_equal(record.attempt, "a1");
        assert_int_equal(record.rank, 0);
        assert_true(record.has & TW_HAS_TIME);
        assert_true(llabs(record.time_ms / 1000 - (long long)time(NULL)) < 60);
    }
    assert_int_equal(tw_message_next(bytes, size, &offset, &record, &error), 0);
    tw_record_clear(&record);
    free(bytes);
}

static void records_arrive_in_order_in_either_form(void **state)
{
    (void)state;
    for (int format = TW_WIRE_CBOR; format <= TW_WIRE_JSON; format++) {
        struct tw_emitter *emitter = open_emitter(
            (struct tw_emitter_options){.attempt = "a1", .format = (enum tw_wire_format)format});
        for (uint64_t i = 0; i < 5000; i++)
            emit_step(emitter, i * 10, 1.0 / (double)(i + 1));
        struct tw_emitter_counts counts = close_emitter(emitter);
        assert_int_equal(counts.emitted, 5000);
        assert_int_equal(counts.delivered, 5000);
        assert_int_equal(counts.dropped, 0);
        assert_int_equal(counts.lost, 0);
        check_records(format == TW_WIRE_CBOR ? "telemetry.cbor" : "telemetry.jsonl", 5000);
    }
}

static void a_quiet_record_waits_and_an_urgent_one_takes_it_along(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 60});
    emit_step(emitter, 1, 0.5);
    pause_ms(100);
    assert_int_equal(file_size("telemetry.cbor"), 0);
    emit_step(emitter, 2, NAN);
    for (int i = 0; i < 500 && !tw_emitter_counts(emitter).delivered; i++)
        pause_ms(10);
    assert_int_equal(tw_emitter_counts(emitter).delivered, 2);
    struct tw_record end;
    tw_record_init(&end);
    end.kind = TW_KIND_END;
    assert_int_equal(tw_emit(emitter, &end), 0);
    for (int i = 0; i < 500 && tw_emitter_counts(emitter).delivered < 3; i++)
        pause_ms(10);
    assert_int_equal(tw_emitter_counts(emitter).delivered, 3);
    close_emitter(emitter);
}

static void a_quiet_record_waits_no_longer_than_it_may(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 0.01});
    emit_step(emitter, 1, 0.5);
    for (int i = 0; i < 500 && !tw_emitter_counts(emitter).delivered; i++)
        pause_ms(10);
    assert_int_equal(tw_emitter_counts(emitter).delivered, 1);
    close_emitter(emitter);
}

static void the_header_is_written_once_and_as_run_json(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.header_seconds = 1e-9});
    struct tw_record header, back;
    struct tw_error error = {0};
    size_t size, offset = 0;
    tw_record_init(&header);
    tw_record_init(&back);
    wire_sample(&header, TW_KIND_HEADER, 99);
    assert_int_equal(tw_emit(emitter, &header), 0);
    assert_true(header.seq == 0);
    emit_step(emitter, 1, NAN);
    pause_ms(20);
    emit_step(emitter, 2, NAN);
    close_emitter(emitter);

    char *text = read_file("run.json", &size);
    assert_int_equal(tw_json_decode(text, size, &back, &error), 1);
    assert_same_record(&header, &back);
    free(text);
    /* Whoever reads a file reads it from its beginning: there, no repeats are needed. */
    char *bytes = read_file("telemetry.cbor", &size);
    assert_int_equal(tw_message_next(bytes, size, &offset, &back, &error), 1);
    assert_same_record(&header, &back);
    assert_int_equal(tw_message_next(bytes, size, &offset, &back, &error), 1);
    assert_true(back.step == 1);
    assert_int_equal(tw_message_next(bytes, size, &offset, &back, &error), 1);
    assert_true(back.step == 2);
    assert_int_equal(tw_message_next(bytes, size, &offset, &back, &error), 0);
    free(bytes);
    tw_record_clear(&header);
    tw_record_clear(&back);
}

static void a_full_ring_drops_and_tells_in_later_records(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter(
        (struct tw_emitter_options){.ring_bytes = 4096, .attempt = "a1", .linger_seconds = 0.01});
    struct tw_record record;
    uint64_t accepted = 0, refused = 0, last_seq = 0;
    tw_record_init(&record);
    /* Faster than a writer that looks every 5 ms can empty 4096 bytes. */
    for (int i = 0; i < 20000; i++) {
        record.step = (uint64_t)i;
        record.has |= TW_HAS_STEP;
        tw_record_set(&record, TW_SIGNAL_LOSS, 0.5);
        int result = tw_emit(emitter, &record);
        assert_true(result == 0 || result == -ENOBUFS);
        accepted += result == 0;
        refused += result != 0;
    }
    assert_true(refused > 0);
    pause_ms(50);
    assert_int_equal(tw_emit(emitter, &record), 0);
    assert_true(record.signal[TW_SIGNAL_DROPPED_RECORDS] == (double)refused);
    struct tw_emitter_counts counts = close_emitter(emitter);
    assert_int_equal(counts.emitted, accepted + 1);
    assert_int_equal(counts.delivered, accepted + 1);
    assert_int_equal(counts.dropped, refused);

    /* The gaps in `seq` are as many as the drops. */
    size_t size, offset = 0;
    char *bytes = read_file("telemetry.cbor", &size);
    uint64_t read = 0;
    while (tw_message_next(bytes, size, &offset, &record, NULL) > 0) {
        assert_true(read == 0 || record.seq > last_seq);
        last_seq = record.seq;
        read++;
    }
    assert_int_equal(read, accepted + 1);
    assert_int_equal(last_seq + 1 - read, refused);
    free(bytes);
}

static void a_record_over_a_quarter_of_the_ring_is_refused(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.ring_bytes = 4096});
    struct tw_record record;
    tw_record_init(&record);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 300);
    tw_layers_add_column(layers, TW_LAYER_GRAD_NORM);
    assert_int_equal(tw_emit(emitter, &record), -EMSGSIZE);
    tw_record_clear(&record);
    emit_step(emitter, 1, 0.5);
    struct tw_emitter_counts counts = close_emitter(emitter);
    assert_int_equal(counts.dropped, 1);
    assert_int_equal(counts.delivered, 1);
}

static void the_attempt_is_made_when_none_is_given(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.attempt = ""});
    struct tw_record record;
    char pid[32];
    tw_record_init(&record);
    record.has = TW_HAS_TIME;
    record.time_ms = 123;
    assert_int_equal(tw_emit(emitter, &record), 0);
    assert_true(record.time_ms == 123);
    close_emitter(emitter);
    size_t size, offset = 0;
    char *bytes = read_file("telemetry.cbor", &size);
    assert_int_equal(tw_message_next(bytes, size, &offset, &record, NULL), 1);
    snprintf(pid, sizeof pid, "Z-%ld", (long)getpid());
    assert_non_null(strstr(record.attempt, pid));
    free(bytes);
}

/* One of each kind, with all that it may hold. */
static void records_arrive_as_they_were_given(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.rank = 3});
    struct tw_record given[TW_KIND_END + 1], got;
    size_t size, offset = 0;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        tw_record_init(&given[kind]);
        wire_sample(&given[kind], (enum tw_kind)kind, 0);
        assert_int_equal(tw_emit(emitter, &given[kind]), 0);
    }
    close_emitter(emitter);
    char *bytes = read_file("telemetry.rank3.cbor", &size);
    tw_record_init(&got);
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        assert_int_equal(tw_message_next(bytes, size, &offset, &got, NULL), 1);
        assert_string_equal(got.run, "r1");
        assert_int_equal(got.rank, 3);
        memcpy(given[kind].run, got.run, sizeof got.run);
        memcpy(given[kind].attempt, got.attempt, sizeof got.attempt);
        given[kind].rank = 3;
        assert_same_record(&given[kind], &got);
        tw_record_clear(&given[kind]);
    }
    tw_record_clear(&got);
    free(bytes);
}

static void wrong_options_are_told(void **state)
{
    (void)state;
    const struct {
        struct tw_emitter_options options;
        const char *text;
    } cases[] = {
        {{.run = "r"}, "neither run_dir nor kafka_brokers"},
        {{.run_dir = "/tmp"}, "run: missing"},
        {{.run = "\xFF", .run_dir = "/tmp"}, "run: not UTF-8"},
        {{.run = "r", .run_dir = "/tmp", .linger_seconds = -1}, "linger_seconds: -1"},
        {{.run = "r", .run_dir = "/tmp", .linger_seconds = NAN}, "linger_seconds: "},
        {{.run = "r", .run_dir = "/tmp", .ring_bytes = SIZE_MAX}, "ring_bytes: "},
        {{.run = "r",
          .kafka_brokers = "localhost:1",
          .kafka_properties = (const char *const[]){"no.such=1", NULL}},
         "kafka properties: 'no.such' is not a librdkafka property"},
        {{.run = "r",
          .kafka_brokers = "localhost:1",
          .kafka_properties = (const char *const[]){"linger.ms=secret", NULL}},
         "kafka properties: librdkafka refuses the value of 'linger.ms'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tw_emitter *emitter = NULL;
        struct tw_error error = {0};
        assert_int_equal(tw_emitter_open(&emitter, &cases[i].options, &error), -EINVAL);
        if (!strstr(error.text, cases[i].text))
            fail_msg("case %d: %s", (int)i, error.text);
        assert_null(strstr(error.text, "secret"));
        assert_null(emitter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_arrive_in_order_in_either_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_quiet_record_waits_and_an_urgent_one_takes_it_along,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_quiet_record_waits_no_longer_than_it_may, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_header_is_written_once_and_as_run_json, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_ring_drops_and_tells_in_later_records, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_over_a_quarter_of_the_ring_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_attempt_is_made_when_none_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_arrive_as_they_were_given, set_up, tear_down),
        cmocka_unit_test(wrong_options_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
