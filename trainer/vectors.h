/* Loops that the compiler makes vectors of, for more than the oldest processor. */
#ifndef TW_VECTORS_H
#define TW_VECTORS_H

/* The function is compiled for each of these levels of the x86-64 psABI, and the processor's best
 * is chosen when the program is loaded. Levels differ by rounding: v3 and v4 have fused
 * multiply-add. Left out under sanitizers, whose own start-up comes after that choice. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&       \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TW_VECTOR_CLONES                                                                           \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TW_VECTOR_CLONES
#endif

#endif
