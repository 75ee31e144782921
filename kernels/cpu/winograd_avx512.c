#include "kernels/cpu/winograd_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* 14 x 2 sums, two weights and one broadcast: 31 of 32 registers. */
enum { WIDTH = 16, ROWS = 14, VECTORS = 2, LANES = 8, PANEL = 2 };

typedef __m512 vec;

static inline vec vec_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vec vec_load(const float *p)
{
    return _mm512_load_ps(p);
}

/* Zeros, and no access, unless ok is 1. */
static inline vec vec_load_if(unsigned ok, const float *p)
{
    return _mm512_maskz_load_ps((__mmask16)(0U - ok), p);
}

static inline void vec_store(float *p, vec v)
{
    _mm512_store_ps(p, v);
}

static inline void vec_stream(float *p, vec v)
{
    _mm512_stream_ps(p, v);
}

static inline vec vec_add(vec x, vec y)
{
    return _mm512_add_ps(x, y);
}

static inline vec vec_sub(vec x, vec y)
{
    return _mm512_sub_ps(x, y);
}

static inline vec vec_mul(vec x, vec y)
{
    return _mm512_mul_ps(x, y);
}

/* x * y + z and z - x * y, rounded once. */
static inline vec vec_fma(vec x, vec y, vec z)
{
    return _mm512_fmadd_ps(x, y, z);
}

static inline vec vec_fnma(vec x, vec y, vec z)
{
    return _mm512_fnmadd_ps(x, y, z);
}

#define WINOGRAD_KERNELS winograd_kernels_avx512
#include "kernels/cpu/winograd_body.h"
#endif
