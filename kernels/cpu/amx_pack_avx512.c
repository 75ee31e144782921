/* Packing for AMX tiles in AVX-512: pairs of images are interleaved; rows of channels are those, transposed as 32-bit
 * elements. */
#include "kernels/cpu/amx_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* Channel by channel, the pair (x[c], next[c]). */
static inline __m512i interleave(const bf16 *x, const bf16 *next)
{
    __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)x));
    __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)next));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

static void pairs(const bf16 *x, ptrdiff_t sn, bf16 *tile)
{
    for (int p = 0; p < AMX_GROUP / 2; p++)
        _mm512_store_si512((__m512i *)(tile + (ptrdiff_t)p * AMX_GROUP),
                           interleave(x + 2 * p * sn, x + (2 * p + 1) * sn));
}

/* Four rows of 16 become, in every quarter q, columns 4q .. 4q+3 of four elements each. */
static inline void transpose_quarters(const __m512i in[4], __m512i out[4])
{
    __m512i a = _mm512_unpacklo_epi32(in[0], in[1]), b = _mm512_unpackhi_epi32(in[0], in[1]);
    __m512i c = _mm512_unpacklo_epi32(in[2], in[3]), d = _mm512_unpackhi_epi32(in[2], in[3]);
    out[0] = _mm512_unpacklo_epi64(a, c);
    out[1] = _mm512_unpackhi_epi64(a, c);
    out[2] = _mm512_unpacklo_epi64(b, d);
    out[3] = _mm512_unpackhi_epi64(b, d);
}

static void rows(const bf16 *x, ptrdiff_t sn, bf16 *tile)
{
    __m512i quarter[4][4]; /* [rows 4i .. 4i+3][column within a quarter] */
    for (int i = 0; i < 4; i++) {
        __m512i in[4];
        for (int j = 0; j < 4; j++)
            in[j] = interleave(x + (8 * i + 2 * j) * sn, x + (8 * i + 2 * j + 1) * sn);
        transpose_quarters(in, quarter[i]);
    }
    for (int j = 0; j < 4; j++) { /* columns j, 4 + j, 8 + j, 12 + j: a 4 x 4 transposition of 128-bit parts */
        __m512i a = _mm512_shuffle_i32x4(quarter[0][j], quarter[1][j], 0x88);
        __m512i b = _mm512_shuffle_i32x4(quarter[0][j], quarter[1][j], 0xdd);
        __m512i c = _mm512_shuffle_i32x4(quarter[2][j], quarter[3][j], 0x88);
        __m512i d = _mm512_shuffle_i32x4(quarter[2][j], quarter[3][j], 0xdd);
        _mm512_store_si512((__m512i *)(tile + j * AMX_GROUP), _mm512_shuffle_i32x4(a, c, 0x88));
        _mm512_store_si512((__m512i *)(tile + (4 + j) * AMX_GROUP), _mm512_shuffle_i32x4(b, d, 0x88));
        _mm512_store_si512((__m512i *)(tile + (8 + j) * AMX_GROUP), _mm512_shuffle_i32x4(a, c, 0xdd));
        _mm512_store_si512((__m512i *)(tile + (12 + j) * AMX_GROUP), _mm512_shuffle_i32x4(b, d, 0xdd));
    }
}

const struct amx_pack amx_pack_avx512 = {rows, pairs};

#endif
