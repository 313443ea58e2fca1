/* Limits that cost no call, as fmin() and fmax() do. */
#ifndef TW_CLIP_H
#define TW_CLIP_H

/* `x` limited to -limit .. limit, where limit > 0; NaN becomes `limit`. */
static inline double tw_clip(double x, double limit)
{
    double top = x < limit ? x : limit;
    return top > -limit ? top : -limit;
}

#endif
