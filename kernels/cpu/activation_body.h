/*
 * The activations that are not piecewise linear, on sixteen floats; chain_body.h includes this after a vector16_*.h.
 * Only sums, products, quotients and selections in one order, so the same bits with every instruction set.
 *
 * Absolute errors against the exact value in double, for all floats z (measured: tests/test_activation.c; relative
 * to 1 + |z| for values, where rounding the result itself is up to 2^-24):
 *     celu 2^-22 * max(alpha, 1)    gelu 2^-22    silu 2^-22    slopes 2^-21
 * A NaN stays one; exp's argument is never above 0 and below -87 it is taken for -87.
 *
 * exp: z = n ln 2 + r (Cody & Waite, Software Manual for the Elementary Functions, 1980), e^r - 1 - r by a minimax
 * polynomial. The normal distribution's tail: exp(-z^2 / 2) * P(1 / (1 + 0.3 |z|)), the form of Abramowitz & Stegun
 * 26.2.17 with a minimax P of degree 8. Both polynomials were fitted for this file (relative error 2^-28 and 2^-22).
 */
#ifndef DAVIDNET_KERNELS_CPU_ACTIVATION_BODY_H
#define DAVIDNET_KERNELS_CPU_ACTIVATION_BODY_H

#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#include "kernels/cpu/vector16_plain.h"
#endif

#define ACTIVATION static inline __attribute__((always_inline))

/* exp(y) = power + power * rest; exp(y) - 1 = (power - 1) + power * rest, exact near 0. */
struct exp_parts {
    v16 power, rest;
};

ACTIVATION v16 v16_multiply_add(v16 x, v16 y, float z)
{
    return v16_add(v16_mul(x, y), v16_set(z));
}

/* y at most 0. */
ACTIVATION struct exp_parts v16_exp_parts(v16 y)
{
    const float shift = 0x1.8p23f; /* leaves the nearest whole number in the low bits */
    y = v16_at_least(v16_set(-87), y);
    v16 shifted = v16_multiply_add(y, v16_set(0x1.715476p0f), shift), n = v16_sub(shifted, v16_set(shift));
    v16 r = v16_sub(y, v16_mul(n, v16_set(0.693359375f)));
    r = v16_add(r, v16_mul(n, v16_set(2.12194440e-4f)));
    v16 p = v16_multiply_add(v16_set(0.0013814610429108143f), r, 0.008368710987269878f);
    p = v16_multiply_add(p, r, 0.04166838899254799f);
    p = v16_multiply_add(p, r, 0.1666652113199234f);
    p = v16_multiply_add(p, r, 0.4999999403953552f);
    return (struct exp_parts){v16_power_of_two(shifted), v16_add(r, v16_mul(v16_mul(r, r), p))};
}

ACTIVATION v16 v16_exp(v16 y)
{
    struct exp_parts e = v16_exp_parts(y);
    return v16_add(e.power, v16_mul(e.power, e.rest));
}

/* -|z| */
ACTIVATION v16 v16_minus_size(v16 z)
{
    v16 negative = v16_sub(v16_zero(), z);
    return v16_select(v16_above(z, v16_zero()), negative, z);
}

ACTIVATION v16 celu(v16 z, v16 alpha, v16 inverse)
{
    struct exp_parts e = v16_exp_parts(v16_mul(z, inverse));
    v16 below = v16_add(v16_sub(e.power, v16_set(1)), v16_mul(e.power, e.rest));
    return v16_select(v16_above(z, v16_zero()), z, v16_mul(alpha, below));
}

ACTIVATION v16 celu_slope(v16 z, v16 inverse, v16 g)
{
    return v16_select(v16_above(z, v16_zero()), g, v16_mul(g, v16_exp(v16_mul(z, inverse))));
}

/* What lies below z, and the density at z without its factor: exp(-z^2 / 2). */
struct normal {
    v16 below, bell;
};

ACTIVATION struct normal normal_at(v16 z)
{
    v16 size = v16_sub(v16_zero(), v16_minus_size(z));
    v16 t = v16_div(v16_set(1), v16_multiply_add(size, v16_set(0.3f), 1));
    v16 bell = v16_exp(v16_mul(v16_mul(z, z), v16_set(-0.5f)));
    v16 p = v16_multiply_add(v16_set(0.03567446023225784f), t, -0.15720169246196747f);
    p = v16_multiply_add(p, t, 0.20635099709033966f);
    p = v16_multiply_add(p, t, -0.05368122458457947f);
    p = v16_multiply_add(p, t, 0.12856028974056244f);
    p = v16_multiply_add(p, t, 0.09991391003131866f);
    p = v16_multiply_add(p, t, 0.12075388431549072f);
    p = v16_multiply_add(p, t, 0.11962930113077164f);
    v16 tail = v16_mul(v16_mul(p, t), bell);
    return (struct normal){v16_select(v16_above(z, v16_zero()), v16_sub(v16_set(1), tail), tail), bell};
}

ACTIVATION v16 gelu(v16 z)
{
    return v16_mul(z, normal_at(z).below);
}

ACTIVATION v16 gelu_slope(v16 z, v16 g)
{
    struct normal normal = normal_at(z);
    v16 density = v16_mul(normal.bell, v16_set(0.3989422804014327f)); /* 1 / sqrt(2 pi) */
    return v16_mul(g, v16_add(normal.below, v16_mul(z, density)));
}

/* 1 / (1 + exp(-z)), and 1 less that. */
struct sigmoid {
    v16 at, above;
};

ACTIVATION struct sigmoid sigmoid_at(v16 z)
{
    v16 e = v16_exp(v16_minus_size(z)), large = v16_div(v16_set(1), v16_add(e, v16_set(1))), small = v16_mul(e, large);
    m16 positive = v16_above(z, v16_zero());
    return (struct sigmoid){v16_select(positive, large, small), v16_select(positive, small, large)};
}

ACTIVATION v16 silu(v16 z)
{
    return v16_mul(z, sigmoid_at(z).at);
}

ACTIVATION v16 silu_slope(v16 z, v16 g)
{
    struct sigmoid s = sigmoid_at(z);
    return v16_mul(g, v16_mul(s.at, v16_multiply_add(z, s.above, 1)));
}

#endif
