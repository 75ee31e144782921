/*
 * What this machine can do at most: multiply-adds from registers and copies from memory, to compare kernels with.
 * Each call does a fixed piece of work on all of parallel_threads(); the caller times it and keeps the fastest of
 * several.
 */
#ifndef DAVIDNET_KERNELS_CEILING_H
#define DAVIDNET_KERNELS_CEILING_H

#include <stddef.h>

/* `rounds` of independent float32 multiply-adds at isa_current(); returns the operations done, an addition and a
 * multiplication counted as two. */
double ceiling_multiply(size_t rounds);

/* The same of bfloat16 products summed in float32: AMX's tiles, AVX-512's pairs. 0 where there are no such
 * instructions, and nothing is done. */
double ceiling_multiply_bf16(size_t rounds);

/* Copies `bytes` from one array to another; returns the bytes moved: read and written. */
double ceiling_copy(void *to, const void *from, size_t bytes);

#endif
