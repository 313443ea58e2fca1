/* The floating-point mode of the calling thread while statistics are taken: no traps, and denormals
 * flushed or kept as a pass needs it. */
#ifndef TW_FLOAT_MODE_H
#define TW_FLOAT_MODE_H

#if defined(__x86_64__)
#include <immintrin.h>

typedef unsigned tw_float_mode;

/* MXCSR: FTZ bit 15, DAZ bit 6, the six exceptions masked by bits 7 to 12 (Intel SDM volume 1,
 * 10.2.3). */
#define TW_MODE_FLUSH 0x8040u
#define TW_MODE_NO_TRAPS 0x1f80u

static inline tw_float_mode tw_float_mode_flush(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | TW_MODE_FLUSH | TW_MODE_NO_TRAPS);
    return before;
}

static inline tw_float_mode tw_float_mode_keep(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr((before & ~TW_MODE_FLUSH) | TW_MODE_NO_TRAPS);
    return before;
}

static inline void tw_float_mode_restore(tw_float_mode mode)
{
    _mm_setcsr(mode);
}
#else
#include <fenv.h>

/* The kernels here are in plain C, which holds with either. */
typedef fenv_t tw_float_mode;

static inline tw_float_mode tw_float_mode_flush(void)
{
    fenv_t before;
    feholdexcept(&before);
    return before;
}

static inline tw_float_mode tw_float_mode_keep(void)
{
    return tw_float_mode_flush();
}

static inline void tw_float_mode_restore(tw_float_mode mode)
{
    fesetenv(&mode);
}
#endif
#endif
