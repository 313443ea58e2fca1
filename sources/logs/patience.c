#include "sources/logs/patience.h"

#include "telemetry/clock.h"

#include <errno.h>

#define LONG_SECONDS 60
#define SHORT_SECONDS 2

/* What is not there, or may not be read: a writer may be putting it there. */
static const int short_faults[] = {ENOENT, EACCES, EPERM, 0};

/* Of networks, and of a machine that is out of descriptors. */
static const int long_faults[] = {
    EIO,        EAGAIN,       EBUSY,     ESTALE,       ETIMEDOUT, ECONNREFUSED,
    ECONNRESET, ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, ENETDOWN,  ENETUNREACH,
    ENOTCONN,  /* FUSE, whose program is started again */
    ESHUTDOWN, /* Lustre, GPFS: the client was put out and comes back */
    ENFILE,     EMFILE,       0,
};

static bool is_one_of(int error, const int *faults)
{
    while (*faults && *faults != error)
        faults++;
    return *faults != 0;
}

static int seconds_for(int error)
{
    if (is_one_of(error, short_faults))
        return SHORT_SECONDS;
    return is_one_of(error, long_faults) ? LONG_SECONDS : 0;
}

bool tw_patience_lasts(struct tw_patience *patience, int error)
{
    int seconds = seconds_for(error);
    double now = tw_now_seconds();
    if (seconds != patience->seconds)
        *patience = (struct tw_patience){.since = now, .seconds = seconds};
    return now - patience->since < seconds;
}

void tw_patience_restore(struct tw_patience *patience)
{
    patience->seconds = 0;
}
