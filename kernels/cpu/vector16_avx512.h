/* Sixteen floats as one AVX-512 register (F, BW, DQ, VL). What each function does: see vector16_plain.h. */
#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#define DAVIDNET_KERNELS_CPU_VECTOR16_H
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)

#include "kernels/bf16.h"

#include <immintrin.h>

typedef __m512 v16;
typedef __mmask16 m16;

static inline v16 v16_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline v16 v16_zero(void)
{
    return _mm512_setzero_ps();
}

static inline v16 v16_load_any(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline v16 v16_load(const float *p)
{
    return _mm512_load_ps(p);
}

static inline void v16_store_any(float *p, v16 v)
{
    _mm512_storeu_ps(p, v);
}

static inline void v16_store(float *p, v16 v)
{
    _mm512_store_ps(p, v);
}

static inline v16 v16_load_bf16(const bf16 *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline __m256i v16_to_bf16(v16 v)
{
    const __m512i high_words = _mm512_set_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31, 29, 27, 25, 23, 21,
                                                19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    __m512i bits = _mm512_castps_si512(v), rounded = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
    __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
    __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    rounded = _mm512_mask_add_epi32(rounded, odd, rounded, _mm512_set1_epi32(1));
    rounded = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_castsi512_si256(_mm512_permutexvar_epi16(high_words, rounded));
}

static inline void v16_store_bf16(bf16 *p, v16 v)
{
    _mm256_store_si256((__m256i *)p, v16_to_bf16(v));
}

static inline void v16_stream(float *p, v16 v)
{
    _mm512_stream_ps(p, v);
}

static inline void v16_stream_bf16(bf16 *p, v16 v)
{
    _mm256_stream_si256((__m256i *)p, v16_to_bf16(v));
}

static inline void v16_stream_end(void)
{
    _mm_sfence();
}

static inline v16 v16_add(v16 x, v16 y)
{
    return _mm512_add_ps(x, y);
}

static inline v16 v16_sub(v16 x, v16 y)
{
    return _mm512_sub_ps(x, y);
}

static inline v16 v16_mul(v16 x, v16 y)
{
    return _mm512_mul_ps(x, y);
}

static inline v16 v16_div(v16 x, v16 y)
{
    return _mm512_div_ps(x, y);
}

static inline v16 v16_power_of_two(v16 shifted)
{
    __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_set1_epi32(0x3f800000)));
}

static inline v16 v16_select(m16 mask, v16 x, v16 y)
{
    return _mm512_mask_blend_ps(mask, y, x);
}

static inline v16 v16_keep(m16 mask, v16 x)
{
    return _mm512_maskz_mov_ps(mask, x);
}

static inline v16 v16_at_least(v16 limit, v16 x)
{
    return _mm512_max_ps(limit, x);
}

static inline m16 v16_above(v16 x, v16 limit)
{
    return _mm512_cmp_ps_mask(x, limit, _CMP_NLE_UQ);
}

static inline m16 v16_beats(v16 x, v16 best)
{
    return (m16)(_mm512_cmp_ps_mask(x, best, _CMP_GT_OQ) | _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q));
}

static inline m16 v16_equal(v16 x, v16 y)
{
    return _mm512_cmp_ps_mask(x, y, _CMP_EQ_OQ);
}

static inline float v16_sum(v16 v)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#endif
#endif
