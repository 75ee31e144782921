/* Sixteen floats as two AVX2 registers. What each function does: see vector16_plain.h. */
#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#define DAVIDNET_KERNELS_CPU_VECTOR16_H
#ifdef __AVX2__

#include "kernels/bf16.h"

#include <immintrin.h>

typedef struct {
    __m256 a, b;
} v16;

typedef struct {
    __m256 a, b;
} m16;

static inline v16 v16_set(float x)
{
    return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

static inline v16 v16_zero(void)
{
    return (v16){_mm256_setzero_ps(), _mm256_setzero_ps()};
}

static inline v16 v16_load_any(const float *p)
{
    return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

static inline v16 v16_load(const float *p)
{
    return (v16){_mm256_load_ps(p), _mm256_load_ps(p + 8)};
}

static inline void v16_store_any(float *p, v16 v)
{
    _mm256_storeu_ps(p, v.a);
    _mm256_storeu_ps(p + 8, v.b);
}

static inline void v16_store(float *p, v16 v)
{
    _mm256_store_ps(p, v.a);
    _mm256_store_ps(p + 8, v.b);
}

static inline __m256 v8_load_bf16(const bf16 *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline v16 v16_load_bf16(const bf16 *p)
{
    return (v16){v8_load_bf16(p), v8_load_bf16(p + 8)};
}

static inline __m256i v8_round_bf16(__m256 v)
{
    __m256i bits = _mm256_castps_si256(v), high = _mm256_srli_epi32(bits, 16);
    __m256i half = _mm256_add_epi32(_mm256_set1_epi32(0x7fff), _mm256_and_si256(high, _mm256_set1_epi32(1)));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
    __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    return _mm256_blendv_epi8(rounded, quiet, nan);
}

static inline __m256i v16_to_bf16(v16 v)
{
    __m256i mixed = _mm256_packus_epi32(v8_round_bf16(v.a), v8_round_bf16(v.b));
    return _mm256_permute4x64_epi64(mixed, 0xd8);
}

static inline void v16_store_bf16(bf16 *p, v16 v)
{
    _mm256_store_si256((__m256i *)p, v16_to_bf16(v));
}

static inline void v16_stream(float *p, v16 v)
{
    _mm256_stream_ps(p, v.a);
    _mm256_stream_ps(p + 8, v.b);
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
    return (v16){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}

static inline v16 v16_sub(v16 x, v16 y)
{
    return (v16){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}

static inline v16 v16_mul(v16 x, v16 y)
{
    return (v16){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}

static inline v16 v16_div(v16 x, v16 y)
{
    return (v16){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)};
}

static inline __m256 v8_power_of_two(__m256 shifted)
{
    __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(0x3f800000)));
}

static inline v16 v16_power_of_two(v16 shifted)
{
    return (v16){v8_power_of_two(shifted.a), v8_power_of_two(shifted.b)};
}

static inline v16 v16_select(m16 mask, v16 x, v16 y)
{
    return (v16){_mm256_blendv_ps(y.a, x.a, mask.a), _mm256_blendv_ps(y.b, x.b, mask.b)};
}

static inline v16 v16_keep(m16 mask, v16 x)
{
    return (v16){_mm256_and_ps(mask.a, x.a), _mm256_and_ps(mask.b, x.b)};
}

static inline v16 v16_at_least(v16 limit, v16 x)
{
    return (v16){_mm256_max_ps(limit.a, x.a), _mm256_max_ps(limit.b, x.b)};
}

static inline m16 v16_above(v16 x, v16 limit)
{
    return (m16){_mm256_cmp_ps(x.a, limit.a, _CMP_NLE_UQ), _mm256_cmp_ps(x.b, limit.b, _CMP_NLE_UQ)};
}

static inline m16 v16_beats(v16 x, v16 best)
{
    return (m16){_mm256_or_ps(_mm256_cmp_ps(x.a, best.a, _CMP_GT_OQ), _mm256_cmp_ps(x.a, x.a, _CMP_UNORD_Q)),
                 _mm256_or_ps(_mm256_cmp_ps(x.b, best.b, _CMP_GT_OQ), _mm256_cmp_ps(x.b, x.b, _CMP_UNORD_Q))};
}

static inline m16 v16_equal(v16 x, v16 y)
{
    return (m16){_mm256_cmp_ps(x.a, y.a, _CMP_EQ_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_EQ_OQ)};
}

static inline float v16_sum(v16 v)
{
    __m256 eight = _mm256_add_ps(v.a, v.b);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#endif
#endif
