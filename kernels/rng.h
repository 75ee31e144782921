/*
 * Counter-based random numbers: Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). The numbers depend only on (seed, stream, counter), never on who asks or when, so
 * choices are the same for any number of threads and on any device.
 */
#ifndef DAVIDNET_KERNELS_RNG_H
#define DAVIDNET_KERNELS_RNG_H

#include <stdint.h>

/* Streams keep unrelated uses of one seed apart. */
enum rng_stream {
    RNG_ORDER = 1,
    RNG_AUGMENT = 2,
    RNG_INIT = 3,
    RNG_SYNTHETIC = 4,
    RNG_GROUPS = 16, /* grouped augmentation: this, and some more, one for each transform */
    RNG_TEST = 100
};

struct rng_block {
    uint32_t word[4];
};

struct rng_block rng_philox(uint64_t seed, uint32_t stream, uint32_t sub, uint64_t counter);

/* [0, 1): the 24 high bits. */
static inline float rng_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/* [0, bound): multiply-shift; bias below 2^-24 for bounds below 256. bound >= 1. */
static inline uint32_t rng_below(uint32_t word, uint32_t bound)
{
    return (uint32_t)(((uint64_t)word * bound) >> 32);
}

#endif
