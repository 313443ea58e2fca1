/* The ring between the training loop and the writer thread. */
#include "telemetry/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RING_BYTES 4096
#define HEAD_BYTES 8 /* of a frame */

/* Puts a frame whose bytes all are `fill`, before the end or at the start of the ring. */
static bool put(struct tw_ring *ring, size_t size, unsigned char fill)
{
    for (int at_start = 0; at_start < 2; at_start++) {
        size_t room;
        unsigned char *at = tw_ring_reserve(ring, at_start, &room);
        if (!at || room < size)
            continue;
        memset(at, fill, size);
        tw_ring_commit(ring, at_start, size, fill);
        return true;
    }
    return false;
}

/* Takes a frame; returns its fill and sets its size, or -1. */
static int take(struct tw_ring *ring, size_t *ret_size)
{
    uint32_t mark;
    const unsigned char *at = tw_ring_peek(ring, ret_size, &mark);
    if (!at)
        return -1;
    bool is_whole = true;
    for (size_t i = 0; i < *ret_size; i++)
        is_whole = is_whole && at[i] == mark;
    tw_ring_drop(ring);
    return is_whole ? (int)mark : -2;
}

static void frames_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct tw_ring ring;
    size_t size;
    assert_int_equal(tw_ring_init(&ring, RING_BYTES), 0);
    assert_int_equal(take(&ring, &size), -1);
    assert_true(put(&ring, 1, 1));
    assert_true(put(&ring, 100, 2));
    assert_int_equal(take(&ring, &size), 1);
    assert_int_equal(size, 1);
    assert_int_equal(take(&ring, &size), 2);
    assert_int_equal(size, 100);
    assert_int_equal(take(&ring, &size), -1);
    tw_ring_release(&ring);
}

static void a_full_ring_has_no_room_until_a_frame_is_taken(void **state)
{
    (void)state;
    struct tw_ring ring;
    size_t size;
    assert_int_equal(tw_ring_init(&ring, RING_BYTES), 0);
    /* 4 frames of a quarter fill the ring to the last byte. */
    for (unsigned char i = 0; i < 4; i++)
        assert_true(put(&ring, RING_BYTES / 4 - HEAD_BYTES, i));
    assert_false(put(&ring, 1, 9));
    assert_int_equal(take(&ring, &size), 0);
    assert_false(put(&ring, RING_BYTES / 4 - HEAD_BYTES + 1, 9));
    assert_true(put(&ring, RING_BYTES / 4 - HEAD_BYTES, 4));
    assert_false(put(&ring, 1, 9));
    for (int i = 1; i <= 4; i++)
        assert_int_equal(take(&ring, &size), i);
    tw_ring_release(&ring);
}

static void a_frame_that_does_not_fit_before_the_end_goes_to_the_start(void **state)
{
    (void)state;
    struct tw_ring ring;
    size_t size;
    assert_int_equal(tw_ring_init(&ring, RING_BYTES), 0);
    /* Frames of up to a quarter: two of them fit however large the gap. */
    for (size_t first = 1; first <= RING_BYTES / 4 - HEAD_BYTES; first += 7) {
        for (size_t second = 500; second <= RING_BYTES / 4 - HEAD_BYTES; second += 13) {
            assert_true(put(&ring, first, 1));
            assert_true(put(&ring, second, 2));
            assert_int_equal(take(&ring, &size), 1);
            assert_int_equal(size, first);
            assert_int_equal(take(&ring, &size), 2);
            assert_int_equal(size, second);
            assert_int_equal(take(&ring, &size), -1);
        }
    }
    tw_ring_release(&ring);
}

#define FRAMES 200000

static void *produce(void *argument)
{
    for (int i = 0; i < FRAMES; i++) {
        while (!put(argument, (size_t)(i * 31 % 700 + 1), (unsigned char)i))
            sched_yield();
    }
    return NULL;
}

static void two_threads_see_whole_frames_in_order(void **state)
{
    (void)state;
    struct tw_ring ring;
    pthread_t producer;
    assert_int_equal(tw_ring_init(&ring, RING_BYTES), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
    for (int i = 0; i < FRAMES;) {
        size_t size;
        int fill = take(&ring, &size);
        if (fill == -1) {
            sched_yield();
            continue;
        }
        assert_int_equal(fill, i % 256);
        assert_int_equal(size, i * 31 % 700 + 1);
        i++;
    }
    pthread_join(producer, NULL);
    tw_ring_release(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(a_full_ring_has_no_room_until_a_frame_is_taken),
        cmocka_unit_test(a_frame_that_does_not_fit_before_the_end_goes_to_the_start),
        cmocka_unit_test(two_threads_see_whole_frames_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
