/* Signals are noted here and acted upon in the loop. */
#include "agent/daemon.h"

#include "agent/heartbeat.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal, reload_signal;

static void on_signal(int number)
{
    if (number == SIGHUP) {
        reload_signal = 1;
        return;
    }
    if (stop_signal)
        _exit(128 + number); /* asked twice: at once */
    stop_signal = 1;
}

void tw_daemon_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool tw_daemon_is_stopping(void)
{
    return stop_signal;
}

bool tw_daemon_wants_reload(void)
{
    return reload_signal;
}

bool tw_daemon_take_reload(void)
{
    bool reload = reload_signal;
    reload_signal = 0;
    return reload;
}

void tw_daemon_pause(double seconds)
{
    tw_heartbeat(seconds + TW_HEARTBEAT_LOOP_SECONDS);
    for (double slept = 0; slept < seconds && !stop_signal && !reload_signal; slept += .05) {
        struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
    }
}
