/* bfloat16 <-> float32, round to nearest even; NaN stays NaN. */
#ifndef DAVIDNET_KERNELS_BF16_H
#define DAVIDNET_KERNELS_BF16_H

#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline bf16 bf16_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (bf16)((bits >> 16) | 0x40);
    return (bf16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline float bf16_to_float(bf16 value)
{
    uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

static inline float bf16_round(float value)
{
    return bf16_to_float(bf16_from_float(value));
}

#endif
