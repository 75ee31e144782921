/*
 * Sixteen floats and what the element-wise kernels do with them; one interface, three versions, so that a kernel
 * is written once. This one is the compiler's own 128-bit vectors: SSE2, NEON, or scalars where there is neither.
 *
 * Every version gives the same bits: products and sums are rounded one by one (no fused multiply-add), bfloat16
 * rounds to nearest even and keeps NaN, reductions inside a vector go in one order.
 * Loads and stores of 16 are aligned to their own size unless "any" is in the name.
 */
#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#define DAVIDNET_KERNELS_CPU_VECTOR16_H

#include "kernels/bf16.h"

#include <stdint.h>
#include <string.h>

typedef float vector4 __attribute__((vector_size(16)));
typedef int32_t mask4 __attribute__((vector_size(16)));
typedef uint32_t bits4 __attribute__((vector_size(16)));
typedef uint16_t half4 __attribute__((vector_size(8)));

typedef struct {
    vector4 a, b, c, d;
} v16;

typedef struct {
    mask4 a, b, c, d;
} m16;

static inline v16 v16_set(float x)
{
    vector4 v = {x, x, x, x};
    return (v16){v, v, v, v};
}

static inline v16 v16_zero(void)
{
    return v16_set(0);
}

static inline v16 v16_load_any(const float *p)
{
    v16 v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline v16 v16_load(const float *p)
{
    return v16_load_any((const float *)__builtin_assume_aligned(p, 64));
}

static inline void v16_store_any(float *p, v16 v)
{
    memcpy(p, &v, sizeof v);
}

static inline void v16_store(float *p, v16 v)
{
    v16_store_any((float *)__builtin_assume_aligned(p, 64), v);
}

static inline vector4 v4_load_bf16(const bf16 *p)
{
    half4 h;
    memcpy(&h, p, sizeof h);
    return (vector4)(__builtin_convertvector(h, bits4) << 16);
}

static inline v16 v16_load_bf16(const bf16 *p)
{
    return (v16){v4_load_bf16(p), v4_load_bf16(p + 4), v4_load_bf16(p + 8), v4_load_bf16(p + 12)};
}

static inline void v4_store_bf16(bf16 *p, vector4 v)
{
    bits4 bits = (bits4)v, nan = (bits4)(v != v);
    bits4 rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    half4 h = __builtin_convertvector((nan & ((bits >> 16) | 0x40)) | (~nan & rounded), half4);
    memcpy(p, &h, sizeof h);
}

static inline void v16_store_bf16(bf16 *p, v16 v)
{
    v4_store_bf16(p, v.a);
    v4_store_bf16(p + 4, v.b);
    v4_store_bf16(p + 8, v.c);
    v4_store_bf16(p + 12, v.d);
}

/* Stores that go past the caches where the machine has them; end with v16_stream_end(). */
static inline void v16_stream(float *p, v16 v)
{
    v16_store(p, v);
}

static inline void v16_stream_bf16(bf16 *p, v16 v)
{
    v16_store_bf16(p, v);
}

static inline void v16_stream_end(void)
{
}

static inline v16 v16_add(v16 x, v16 y)
{
    return (v16){x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d};
}

static inline v16 v16_sub(v16 x, v16 y)
{
    return (v16){x.a - y.a, x.b - y.b, x.c - y.c, x.d - y.d};
}

static inline v16 v16_mul(v16 x, v16 y)
{
    return (v16){x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d};
}

static inline v16 v16_div(v16 x, v16 y)
{
    return (v16){x.a / y.a, x.b / y.b, x.c / y.c, x.d / y.d};
}

static inline vector4 v4_power_of_two(vector4 shifted)
{
    return (vector4)(((bits4)shifted << 23) + 0x3f800000u);
}

/* 2^n where shifted = n + 1.5 * 2^23, -126 <= n <= 127. */
static inline v16 v16_power_of_two(v16 shifted)
{
    return (v16){v4_power_of_two(shifted.a), v4_power_of_two(shifted.b), v4_power_of_two(shifted.c),
                 v4_power_of_two(shifted.d)};
}

/* Lanes where mask holds from x, the others from y. */
static inline v16 v16_select(m16 mask, v16 x, v16 y)
{
    return (v16){(vector4)((mask.a & (mask4)x.a) | (~mask.a & (mask4)y.a)),
                 (vector4)((mask.b & (mask4)x.b) | (~mask.b & (mask4)y.b)),
                 (vector4)((mask.c & (mask4)x.c) | (~mask.c & (mask4)y.c)),
                 (vector4)((mask.d & (mask4)x.d) | (~mask.d & (mask4)y.d))};
}

/* Lanes of x where mask holds, 0 elsewhere. */
static inline v16 v16_keep(m16 mask, v16 x)
{
    return (v16){(vector4)(mask.a & (mask4)x.a), (vector4)(mask.b & (mask4)x.b), (vector4)(mask.c & (mask4)x.c),
                 (vector4)(mask.d & (mask4)x.d)};
}

/* limit > x ? limit : x; so x where either is NaN. */
static inline v16 v16_at_least(v16 limit, v16 x)
{
    return v16_select((m16){limit.a > x.a, limit.b > x.b, limit.c > x.c, limit.d > x.d}, limit, x);
}

/* !(x <= limit): true where either is NaN. */
static inline m16 v16_above(v16 x, v16 limit)
{
    return (m16){~(x.a <= limit.a), ~(x.b <= limit.b), ~(x.c <= limit.c), ~(x.d <= limit.d)};
}

/* Should x replace best in a maximum that keeps the first of equals and any NaN: x > best, or x is NaN. */
static inline m16 v16_beats(v16 x, v16 best)
{
    return (m16){(x.a > best.a) | (x.a != x.a), (x.b > best.b) | (x.b != x.b), (x.c > best.c) | (x.c != x.c),
                 (x.d > best.d) | (x.d != x.d)};
}

static inline m16 v16_equal(v16 x, v16 y)
{
    return (m16){x.a == y.a, x.b == y.b, x.c == y.c, x.d == y.d};
}

/* Lane i with i+8, then +4, then +2, then +1. */
static inline float v16_sum(v16 v)
{
    vector4 s = (v.a + v.c) + (v.b + v.d);
    return (s[0] + s[2]) + (s[1] + s[3]);
}

#endif
