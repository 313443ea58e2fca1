/* OpenBLAS's threads and the flush of denormals. */
#include "trainer/compute_threads.h"

#include <cblas.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* Stops OpenBLAS's pool; the next call that needs it starts a new one. Exported by the builds with
 * threads of their own (openblas-pthread), not by the serial ones and those over OpenMP. */
extern int blas_thread_shutdown_(void) __attribute__((weak));

static void flush_denormals(void)
{
#if defined(__SSE2__)
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
    _mm_setcsr(_mm_getcsr() | 0x0040); /* DAZ: bit 6, Intel SDM volume 1, 10.2.3 */
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    control |= (uint64_t)1 << 24; /* FZ, for inputs and results */
    __asm__ volatile("msr fpcr, %0" : : "r"(control));
#endif
}

void tw_compute_threads_set(unsigned threads)
{
    flush_denormals();
    /* OpenBLAS makes its pool when it is loaded, before main() and so before the flush was asked
     * for. A new thread inherits the control register of the one that starts it: a pool started
     * anew from here flushes too. */
    if (blas_thread_shutdown_)
        blas_thread_shutdown_();
    openblas_set_num_threads((int)threads);
}
