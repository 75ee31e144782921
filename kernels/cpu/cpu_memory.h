/*
 * One block of memory for everything that lives only for a part of a step. Each piece has a first and a last moment
 * of use; pieces whose times do not overlap may share addresses.
 */
#ifndef DAVIDNET_KERNELS_CPU_CPU_MEMORY_H
#define DAVIDNET_KERNELS_CPU_CPU_MEMORY_H

#include <stddef.h>

#define CPU_MEMORY_ALIGN 4096

struct cpu_piece {
    size_t bytes;
    int first, last; /* both included; last < first: never used, takes no room */
    size_t offset;   /* out: a multiple of CPU_MEMORY_ALIGN */
};

/* Sets every offset (greedy: the largest first, each at the lowest address that is free in its time) and returns the
 * bytes of the whole block, or SIZE_MAX when out of memory. */
size_t cpu_memory_plan(struct cpu_piece *pieces, int count);

/* Zeroed memory aligned to 2 MiB, with huge pages asked for; NULL when there is not enough. */
void *cpu_memory_allocate(size_t bytes);
void cpu_memory_free(void *memory, size_t bytes);

#endif
