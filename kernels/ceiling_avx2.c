#include "kernels/ceiling_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

double ceiling_multiply_avx2(size_t rounds, float *sink)
{
    enum { SUMS = 12 };
    __m256 sum[SUMS], x = _mm256_set1_ps(0.5F), y = _mm256_set1_ps(0.25F);
    for (int k = 0; k < SUMS; k++)
        sum[k] = _mm256_set1_ps((float)k);
    for (size_t i = 0; i < rounds; i++) {
        for (int k = 0; k < SUMS; k++)
            sum[k] = _mm256_fmadd_ps(sum[k], x, y);
        __asm__ volatile("" : "+x"(x)); /* else the loop could be done once */
    }
    for (int k = 0; k < SUMS; k++)
        *sink += _mm256_cvtss_f32(sum[k]);
    return 2.0 * SUMS * 8;
}

#endif
