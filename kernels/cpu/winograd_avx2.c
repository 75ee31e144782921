#include "kernels/cpu/winograd_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* 6 x 2 sums, two weights and one broadcast: 15 of 16 registers. */
enum { WIDTH = 8, ROWS = 6, VECTORS = 2, LANES = 4, PANEL = 1 };

typedef __m256 vec;

static inline vec vec_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vec vec_load(const float *p)
{
    return _mm256_load_ps(p);
}

/* Zeros, and no access, unless ok is 1. */
static inline vec vec_load_if(unsigned ok, const float *p)
{
    return _mm256_maskload_ps(p, _mm256_set1_epi32((int)(0U - ok)));
}

static inline void vec_store(float *p, vec v)
{
    _mm256_store_ps(p, v);
}

static inline void vec_stream(float *p, vec v)
{
    _mm256_stream_ps(p, v);
}

static inline vec vec_add(vec x, vec y)
{
    return _mm256_add_ps(x, y);
}

static inline vec vec_sub(vec x, vec y)
{
    return _mm256_sub_ps(x, y);
}

static inline vec vec_mul(vec x, vec y)
{
    return _mm256_mul_ps(x, y);
}

/* x * y + z and z - x * y, rounded once. */
static inline vec vec_fma(vec x, vec y, vec z)
{
    return _mm256_fmadd_ps(x, y, z);
}

static inline vec vec_fnma(vec x, vec y, vec z)
{
    return _mm256_fnmadd_ps(x, y, z);
}

#define WINOGRAD_KERNELS winograd_kernels_avx2
#include "kernels/cpu/winograd_body.h"
#endif
