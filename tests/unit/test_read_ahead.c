/* What is read ahead is what the source gave, in its order and to its end. */
#include "agent/read_ahead.h"

#include "agent/lanes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a source of numbers ---- */

struct numbers {
    uint64_t given, n;
    int last; /* its last word */
    struct tw_record record;
};

/* Every hundredth is broken, every thousandth a header that owns something. */
static int next_number(void *opaque, double timeout_seconds, struct tw_source_item *ret,
                       struct tw_error *error)
{
    struct numbers *numbers = opaque;
    (void)timeout_seconds;
    tw_record_clear(&numbers->record);
    if (numbers->given == numbers->n)
        return numbers->last < 0 ? tw_error_set(error, numbers->last, "the disk is gone")
                                 : numbers->last;
    uint64_t number = numbers->given++;
    ret->position.offset = (int64_t)number;
    if (number % 100 == 99) {
        snprintf(ret->reason, sizeof ret->reason, "number %llu", (unsigned long long)number);
        ret->bytes = ret->reason;
        return TW_NEXT_BROKEN;
    }
    snprintf(numbers->record.run, sizeof numbers->record.run, "run %d", (int)(number / 3000));
    numbers->record.step = number;
    tw_record_set(&numbers->record, TW_SIGNAL_LOSS, (double)number);
    if (number % 1000 == 0) {
        numbers->record.kind = TW_KIND_HEADER;
        assert_non_null(tw_record_add_header(&numbers->record));
        assert_int_equal(tw_header_set_number(numbers->record.header, "x", (double)number), 0);
    }
    ret->record = &numbers->record;
    return TW_NEXT_RECORD;
}

static const struct tw_source source = {.name = "numbers", .next = next_number};

/* ---- who takes them ---- */

struct taker {
    uint64_t taken, fails_at;
};

static int take(void *closure, int next, struct tw_source_item *item, struct tw_error *error)
{
    struct taker *taker = closure;
    uint64_t number = taker->taken++;
    char text[64];
    assert_int_equal(item->position.offset, number);
    if (number == taker->fails_at)
        return tw_error_set(error, -ENOSPC, "no room");
    if (number % 100 == 99) {
        assert_int_equal(next, TW_NEXT_BROKEN);
        snprintf(text, sizeof text, "number %llu", (unsigned long long)number);
        assert_string_equal(item->reason, text);
        assert_null(item->bytes);
        return 0;
    }
    assert_int_equal(next, TW_NEXT_RECORD);
    snprintf(text, sizeof text, "run %d", (int)(number / 3000));
    assert_string_equal(item->record->run, text);
    assert_int_equal(item->record->step, number);
    assert_true(item->record->signal[TW_SIGNAL_LOSS] == (double)number);
    assert_int_equal(item->record->header != NULL, number % 1000 == 0);
    if (item->record->header)
        assert_true(tw_header_find(item->record->header, "x")->number == (double)number);
    return 0;
}

static int read_numbers(struct numbers *numbers, struct taker *taker, struct tw_error *error)
{
    tw_record_init(&numbers->record);
    struct tw_read_ahead *ahead = tw_read_ahead_open(&source, numbers);
    assert_int_equal(ahead != NULL, tw_lanes_processors() > 1);
    int result = ahead ? tw_read_ahead_run(ahead, take, taker, error) : 0;
    bool has_run = ahead != NULL;
    tw_read_ahead_close(ahead);
    tw_record_clear(&numbers->record);
    if (!has_run)
        skip();
    return result;
}

static void all_come_in_their_order(void **state)
{
    static const uint64_t sizes[] = {0, 1, 99, 100, 2000, 100000};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct numbers numbers = {.n = sizes[i], .last = TW_NEXT_END};
        struct taker taker = {.fails_at = UINT64_MAX};
        assert_int_equal(read_numbers(&numbers, &taker, NULL), TW_NEXT_END);
        assert_int_equal(taker.taken, sizes[i]);
    }
}

static void a_source_that_fails_says_so_behind_all_that_it_gave(void **state)
{
    struct numbers numbers = {.n = 54321, .last = -EIO};
    struct taker taker = {.fails_at = UINT64_MAX};
    struct tw_error error = {0};
    (void)state;
    assert_int_equal(read_numbers(&numbers, &taker, &error), -EIO);
    assert_string_equal(error.text, "the disk is gone");
    assert_int_equal(taker.taken, 54321);
}

/* And nothing is left behind of what was read already (LeakSanitizer tells). */
static void the_first_failure_of_the_taker_ends_it(void **state)
{
    static const uint64_t at[] = {0, 1, 10000, 99999};
    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct numbers numbers = {.n = 100000, .last = TW_NEXT_END};
        struct taker taker = {.fails_at = at[i]};
        struct tw_error error = {0};
        assert_int_equal(read_numbers(&numbers, &taker, &error), -ENOSPC);
        assert_string_equal(error.text, "no room");
        assert_int_equal(taker.taken, at[i] + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_come_in_their_order),
        cmocka_unit_test(a_source_that_fails_says_so_behind_all_that_it_gave),
        cmocka_unit_test(the_first_failure_of_the_taker_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
