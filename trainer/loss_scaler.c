/* How the loss scale moves. */
#include "trainer/loss_scaler.h"

#include <float.h>

#define GROWTH 2.
#define BACKOFF .5

bool tw_loss_scaler_is_on(const struct tw_loss_scaler *scaler)
{
    return scaler->scale > 0;
}

static void shrink(struct tw_loss_scaler *scaler)
{
    double scale = scaler->scale * BACKOFF;
    /* A scale that began below the bound is not lifted to it. */
    if (scale >= scaler->min_scale)
        scaler->scale = scale;
    scaler->n_clean = 0;
}

void tw_loss_scaler_update(struct tw_loss_scaler *scaler, bool has_overflowed)
{
    if (!tw_loss_scaler_is_on(scaler))
        return;
    if (has_overflowed) {
        shrink(scaler);
        return;
    }
    if (++scaler->n_clean < scaler->window)
        return;
    if (scaler->scale * GROWTH <= (double)FLT_MAX)
        scaler->scale *= GROWTH;
    scaler->n_clean = 0;
}
