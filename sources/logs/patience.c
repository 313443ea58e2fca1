#include "sources/logs/patience.h"

#include "telemetry/clock.h"

#include <errno.h>

#define LONG_SECONDS 60
#define SHORT_SECONDS 2

static int seconds_for(int error)
{
    switch (error) {
    case ENOENT:
    case EACCES:
    case EPERM:
        return SHORT_SECONDS;
    case EIO:
    case EAGAIN:
    case EBUSY:
    case ESTALE:
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENOTCONN:  /* FUSE, whose program is started again */
    case ESHUTDOWN: /* Lustre, GPFS: the client was put out and comes back */
    case ENFILE:
    case EMFILE:
        return LONG_SECONDS;
    default:
        return 0;
    }
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
