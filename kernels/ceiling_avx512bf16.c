#include "kernels/ceiling_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

double ceiling_multiply_avx512bf16(size_t rounds, float *sink)
{
    enum { SUMS = 16 };
    __m512 sum[SUMS];
    __m512bh x = (__m512bh)_mm512_set1_epi16(0x3f00), y = (__m512bh)_mm512_set1_epi16(0x3e80); /* 0.5, 0.25 */
    for (int k = 0; k < SUMS; k++)
        sum[k] = _mm512_set1_ps((float)k);
    for (size_t i = 0; i < rounds; i++) {
        for (int k = 0; k < SUMS; k++)
            sum[k] = _mm512_dpbf16_ps(sum[k], x, y);
        __asm__ volatile("" : "+v"(x)); /* else the loop could be done once */
    }
    for (int k = 0; k < SUMS; k++)
        *sink += _mm512_cvtss_f32(sum[k]);
    return 2.0 * SUMS * 32;
}

#endif
