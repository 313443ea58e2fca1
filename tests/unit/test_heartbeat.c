/* The watchdog is fed while the daemon's thread is within the bound that it told, and not beyond.
 */
#include "agent/heartbeat.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_as_systemd(void)
{
    char name[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int handle = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(handle >= 0);
    /* The abstract name space: nothing to remove. */
    snprintf(name, sizeof name, "@trainward-heartbeat-%ld", (long)getpid());
    memcpy(address.sun_path, name, strlen(name));
    address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(handle, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return handle;
}

/* Waits for the next; fails the test when none comes. */
static void expect_ping(int systemd)
{
    char text[64];
    struct timeval patience = {.tv_sec = 60};
    setsockopt(systemd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t size = recv(systemd, text, sizeof text - 1, 0);
    assert_true(size > 0);
    text[size] = '\0';
    assert_string_equal(text, "WATCHDOG=1");
}

static void drain(int systemd)
{
    char text[64];
    while (recv(systemd, text, sizeof text, MSG_DONTWAIT) > 0)
        ;
}

static void a_thread_that_overstays_its_bound_is_given_up(void **state)
{
    char text[64];
    int systemd = listen_as_systemd();
    (void)state;
    setenv("WATCHDOG_USEC", "10000", 1); /* a ping every 5 ms */
    unsetenv("WATCHDOG_PID");
    tw_heartbeat_start();
    expect_ping(systemd);
    expect_ping(systemd);
    tw_heartbeat(0); /* its bound is over at once: nothing more, however many intervals pass */
    usleep(20000);   /* a ping that was on its way */
    drain(systemd);
    usleep(200000);
    assert_int_equal(recv(systemd, text, sizeof text, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    tw_heartbeat(600); /* a wait that is bounded, told before it begins */
    for (int i = 0; i < 5; i++)
        expect_ping(systemd);
    assert_true(tw_heartbeat_age() > 0);
    tw_heartbeat_stop();
    close(systemd);
}

static void without_a_watchdog_there_is_no_thread(void **state)
{
    char text[64];
    int systemd = listen_as_systemd();
    (void)state;
    unsetenv("WATCHDOG_USEC");
    tw_heartbeat_start();
    tw_heartbeat_stop();
    setenv("WATCHDOG_USEC", "1000", 1);
    setenv("WATCHDOG_PID", "1", 1); /* somebody else's */
    tw_heartbeat_start();
    tw_heartbeat_stop();
    assert_int_equal(recv(systemd, text, sizeof text, MSG_DONTWAIT), -1);
    close(systemd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_overstays_its_bound_is_given_up),
        cmocka_unit_test(without_a_watchdog_there_is_no_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
