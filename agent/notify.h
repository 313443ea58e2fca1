/* Telling systemd: one datagram to $NOTIFY_SOCKET; nothing where there is none. */
#ifndef TW_NOTIFY_H
#define TW_NOTIFY_H

/* "READY=1", "STOPPING=1", "STATUS=...", "WATCHDOG=1"; several separated by newlines. */
void tw_notify(const char *state);

#endif
