/* float32 rounded to the nearest IEEE binary16, ties to even: 11 bits, from 2^-24 to 65504, infinity beyond. NaN stays
 * NaN. On bits, since compilers do not agree on a type for it. */
#ifndef DAVIDNET_KERNELS_HALF_H
#define DAVIDNET_KERNELS_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float half_round(float value)
{
    uint32_t bits, size;
    memcpy(&bits, &value, sizeof bits);
    size = bits & 0x7fffffffu;
    if (size >= 0x7f800000u) /* infinite, or NaN */
        return value;
    if (size < 0x38800000u) { /* below 2^-14: whole multiples of 2^-24, which is the last bit of 0.5 */
        float multiple = (fabsf(value) + 0.5f) - 0.5f;
        return copysignf(multiple, value);
    }
    size = (size + 0xfff + ((size >> 13) & 1)) & ~0x1fffu;
    if (size >= 0x47800000u)
        size = 0x7f800000u;
    bits = (bits & 0x80000000u) | size;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
