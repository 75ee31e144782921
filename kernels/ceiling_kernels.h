/* The seam inside ceiling: one loop for each instruction set. Returns the operations of a round; *sink keeps them
 * alive. */
#ifndef DAVIDNET_KERNELS_CEILING_KERNELS_H
#define DAVIDNET_KERNELS_CEILING_KERNELS_H

#include <stddef.h>

/* x86-64 only */
double ceiling_multiply_avx2(size_t rounds, float *sink);
double ceiling_multiply_avx512(size_t rounds, float *sink);
double ceiling_multiply_avx512bf16(size_t rounds, float *sink);
double ceiling_multiply_amx(size_t rounds, float *sink);

#endif
