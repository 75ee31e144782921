/*
 * One number at a time: types, rounding, activations, the pixel that augmentation takes, an optimiser's step. The same
 * inline code is compiled by nvcc for the GPU and by a C or C++ compiler for tests and for the emulator, so that what
 * the kernels compute can be checked where no GPU is.
 *
 * Rounding is to nearest even everywhere. On the GPU conversions are the hardware's; elsewhere those of kernels/bf16.h
 * and of this file, which give the same bits.
 */
#ifndef DAVIDNET_KERNELS_CUDA_POINTWISE_H
#define DAVIDNET_KERNELS_CUDA_POINTWISE_H

#include "kernels/bf16.h"
#include "kernels/choice.h"
#include "kernels/plan.h"
#include "kernels/program.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define POINTWISE static __host__ __device__ __forceinline__
#else
#define POINTWISE static inline
#endif

/* IEEE binary16 by its bits. */
POINTWISE uint16_t pointwise_to_f16(float value)
{
#ifdef __CUDA_ARCH__
    return __half_as_ushort(__float2half_rn(value));
#else
    uint32_t bits, size;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    size = bits & 0x7fffffffu;
    if (size > 0x7f800000u)
        return (uint16_t)(sign | 0x7fffu);
    if (size >= 0x47800000u) /* 65536 and more */
        return (uint16_t)(sign | 0x7c00u);
    if (size < 0x38800000u) { /* below 2^-14: whole multiples of 2^-24, which is the last bit of 0.5 */
        float multiple = (fabsf(value) + 0.5f);
        memcpy(&bits, &multiple, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000u));
    }
    size += 0xfffu + ((size >> 13) & 1); /* what this carries beyond 65504 becomes infinity by itself */
    return (uint16_t)(sign | ((size - 0x38000000u) >> 13));
#endif
}

POINTWISE float pointwise_from_f16(uint16_t half)
{
#ifdef __CUDA_ARCH__
    return __half2float(__ushort_as_half(half));
#else
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, size = half & 0x7fffu, bits;
    float value;
    if (size < 0x400u) {
        value = (float)size * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
    } else {
        bits = size >= 0x7c00u ? (size << 13) + 0x70000000u : (size << 13) + 0x38000000u;
    }
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
#endif
}

POINTWISE uint16_t pointwise_to_bf16(float value)
{
#ifdef __CUDA_ARCH__
    return __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
    return bf16_from_float(value);
#endif
}

POINTWISE float pointwise_from_bf16(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

POINTWISE float pointwise_round_f16(float value)
{
    return pointwise_from_f16(pointwise_to_f16(value));
}

/* Phi(x), the normal distribution's. */
POINTWISE float pointwise_normal_below(float x)
{
    return 0.5f * erfcf(-x * 0.70710678f);
}

POINTWISE float pointwise_sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

/* The activations of enum plan_act, written so that a NaN stays one. alpha: CELU's. */
POINTWISE float pointwise_act(int act, float alpha, float x)
{
    switch (act) {
    case PLAN_ACT_RELU:
        return x < 0 ? 0 : x;
    case PLAN_ACT_CELU:
        return x > 0 ? x : alpha * expm1f(x / alpha);
    case PLAN_ACT_GELU:
        return x * pointwise_normal_below(x);
    case PLAN_ACT_SILU:
        return x * pointwise_sigmoid(x);
    default:
        return x;
    }
}

/* The derivative at x, times dy. At 0 that of ReLU is 0 and that of CELU 1. */
POINTWISE float pointwise_slope(int act, float alpha, float x, float dy)
{
    switch (act) {
    case PLAN_ACT_RELU:
        return x > 0 ? dy : 0;
    case PLAN_ACT_CELU:
        return x > 0 ? dy : dy * expf(x / alpha);
    case PLAN_ACT_GELU:
        return dy * (pointwise_normal_below(x) + x * 0.39894228f * expf(-0.5f * x * x));
    case PLAN_ACT_SILU: {
        float s = pointwise_sigmoid(x);
        return dy * s * (1 + x * (1 - s));
    }
    default:
        return dy;
    }
}

/* True when `value` takes a maximum over from `best`: larger, or the first NaN. */
POINTWISE bool pointwise_wins(float value, float best)
{
    return value > best || (value != value && best == best);
}

/* Reflect padding without repeating the edge. Needs |overhang| < n. */
POINTWISE int pointwise_reflect(int at, int n)
{
    if (at < 0)
        return -at;
    return at < n ? at : 2 * (n - 1) - at;
}

/* What augment_gather (kernels/augment.h) says of output pixel (y, x): its source in a channel's plane, or -1. */
POINTWISE int pointwise_source(const struct choice *choice, int height, int width, int y, int x)
{
    if (y >= choice->cut_y && y < choice->cut_y + choice->cut_h && x >= choice->cut_x &&
        x < choice->cut_x + choice->cut_w)
        return -1;
    if (choice->flip & CHOICE_FLIP_VERTICAL)
        y = height - 1 - y;
    if (choice->flip & CHOICE_FLIP_HORIZONTAL)
        x = width - 1 - x;
    return pointwise_reflect(y + choice->crop_y - choice->pad, height) * width +
           pointwise_reflect(x + choice->crop_x - choice->pad, width);
}

/* A normalised value in the choice's brightness and contrast, as kernels/augment.c has it. */
POINTWISE float pointwise_color(const struct choice *choice, float value)
{
    if (choice->brightness == 0 && choice->contrast == 0)
        return value;
    return (value + choice->brightness) * (1 + choice->contrast);
}

/* One weight's step of SGD (enum nesterov); lr and decay are the tensor's own. */
POINTWISE void pointwise_sgd(int form, float lr, float decay, float mom, float dw, float *weight, float *momentum)
{
    float w = *weight, g = dw + decay * w, v;
    if (form == NESTEROV_PAGE) {
        g *= -lr;
        v = mom * *momentum + g;
        w += g + mom * v;
    } else {
        v = mom * *momentum + g;
        w -= lr * (form == NESTEROV_NONE ? v : g + mom * v);
    }
    *momentum = v;
    *weight = w;
}

#endif
