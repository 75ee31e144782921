/*
 * Whether arithmetic meets denormal numbers, which take it up to a hundred times as long; nothing in the program
 * switches them off. Processors of x86 note it down for each thread.
 */
#ifndef DAVIDNET_TESTS_DENORMALS_H
#define DAVIDNET_TESTS_DENORMALS_H

#include <stdbool.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

/* Have they been taken or given since the last call, on this thread? */
static inline bool denormals_met(void)
{
    const unsigned taken = 0x02, given = 0x10, all_noted = 0x3f;
    unsigned noted = _mm_getcsr();
    _mm_setcsr(noted & ~all_noted);
    return (noted & (taken | given)) != 0;
}
#else
static inline bool denormals_met(void)
{
    return false; /* not known */
}
#endif

#endif
