/*
 * The activations that are not piecewise linear, on sixteen floats; chain_body.h includes this after a vector16_*.h.
 * Only sums, products, quotients and selections in one order, so the same bits with every instruction set.
 *
 * Absolute errors against the exact value in double, for all floats z (measured: tests/test_activation.c; relative
 * to 1 + |z| for values, where rounding the result itself is up to 2^-24):
 *     celu 2^-22 * max(alpha, 1)    gelu 2^-22    silu 2^-22    slopes 2^-21
 * A NaN stays one; 2^u is only asked for u of at most 0, and below a floor u is taken for the floor: -126, where floats
 * begin to be denormal. For CELU it is -64, which is 0 to it as well, and leaves a gradient times the slope above that,
 * too: arithmetic on denormal numbers is slow, and nothing switches them off.
 *
 * 2^u: u = n + f with n whole, 2^f - 1 by a minimax polynomial of degree 5. The normal distribution's tail: 2 to the
 * power of a minimax polynomial of degree 7 in |z|, up to 5.6; beyond (less than 2^-26) it is taken for 0. GELU's slope
 * likewise with one of degree 9. The polynomials were fitted for this file (errors 2^-23 relative, 2^-23.9 of the tail
 * times max(1, |z|), 2^-21.9 of the slope).
 */
#ifndef DAVIDNET_KERNELS_CPU_ACTIVATION_BODY_H
#define DAVIDNET_KERNELS_CPU_ACTIVATION_BODY_H

#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#include "kernels/cpu/vector16_plain.h"
#endif

#define ACTIVATION static inline __attribute__((always_inline))

#define POWER_FROM -126.0f
#define POWER_OF_CELU_FROM -64.0f

/* 2^u = power + power * rest; 2^u - 1 = (power - 1) + power * rest, exact near 0. */
struct power_parts {
    v16 power, rest;
};

ACTIVATION v16 v16_multiply_add(v16 x, v16 y, float z)
{
    return v16_add(v16_mul(x, y), v16_set(z));
}

/* u at most 0, and taken for the floor below it. */
ACTIVATION struct power_parts v16_power_parts(v16 u, float floor)
{
    v16 shift = v16_set(0x1.8p23f); /* leaves the nearest whole number in the low bits */
    u = v16_at_least(v16_set(floor), u);
    v16 shifted = v16_add(u, shift), f = v16_sub(u, v16_sub(shifted, shift));
    v16 p = v16_multiply_add(v16_set(0.0013300188584253192f), f, 0.009669809602200985f);
    p = v16_multiply_add(p, f, 0.05550560727715492f);
    p = v16_multiply_add(p, f, 0.24022279679775238f);
    p = v16_multiply_add(p, f, 0.693147182464599609f); /* ln 2 */
    return (struct power_parts){v16_power_of_two(shifted), v16_mul(f, p)};
}

ACTIVATION v16 v16_power(v16 u, float floor)
{
    struct power_parts parts = v16_power_parts(u, floor);
    return v16_add(parts.power, v16_mul(parts.power, parts.rest));
}

/* -|z| */
ACTIVATION v16 v16_minus_size(v16 z)
{
    v16 negative = v16_sub(v16_zero(), z);
    return v16_select(v16_above(z, v16_zero()), negative, z);
}

/* scale: log2(e) / alpha. Of z above 0 the power is not asked for but reckoned: of -z, which is as harmless. */
ACTIVATION v16 celu(v16 z, v16 alpha, v16 scale)
{
    struct power_parts e = v16_power_parts(v16_mul(v16_minus_size(z), scale), POWER_OF_CELU_FROM);
    v16 below = v16_add(v16_sub(e.power, v16_set(1)), v16_mul(e.power, e.rest));
    return v16_select(v16_above(z, v16_zero()), z, v16_mul(alpha, below));
}

ACTIVATION v16 celu_slope(v16 z, v16 scale, v16 g)
{
    v16 power = v16_power(v16_mul(v16_minus_size(z), scale), POWER_OF_CELU_FROM);
    return v16_select(v16_above(z, v16_zero()), g, v16_mul(g, power));
}

/* What of the normal distribution lies below z. */
ACTIVATION v16 normal_below(v16 z)
{
    v16 size = v16_minus_size(z), limit = v16_set(-5.6f), x = v16_at_least(limit, size);
    v16 p = v16_multiply_add(v16_set(-6.119262252468616e-06f), x, -3.247868153266609e-05f);
    p = v16_multiply_add(p, x, 0.000494708598125726f);
    p = v16_multiply_add(p, x, 0.0075082797557115555f);
    p = v16_multiply_add(p, x, 0.05278468877077103f);
    p = v16_multiply_add(p, x, -0.4591203033924103f);
    p = v16_multiply_add(p, x, 1.1511149406433105f);
    p = v16_multiply_add(p, x, -0.9999998211860657f);
    v16 tail = v16_keep(v16_above(size, limit), v16_power(p, POWER_FROM));
    return v16_select(v16_above(z, v16_zero()), v16_sub(v16_set(1), tail), tail);
}

ACTIVATION v16 gelu(v16 z)
{
    return v16_mul(z, normal_below(z));
}

/* Below 0 the slope is the tail less |z| times the density: a polynomial times exp(-z^2 / 2); above, 1 less that. */
ACTIVATION v16 gelu_slope(v16 z, v16 g)
{
    v16 size = v16_minus_size(z), limit = v16_set(-5.6f), x = v16_at_least(limit, size);
    v16 p = v16_multiply_add(v16_set(8.06299431133084e-06f), x, 0.0001519408542662859f);
    p = v16_multiply_add(p, x, 0.001271156477741897f);
    p = v16_multiply_add(p, x, 0.006382788997143507f);
    p = v16_multiply_add(p, x, 0.0222308486700058f);
    p = v16_multiply_add(p, x, 0.059496767818927765f);
    p = v16_multiply_add(p, x, 0.13177287578582764f);
    p = v16_multiply_add(p, x, 0.24975229799747467f);
    p = v16_multiply_add(p, x, 0.7978649139404297f);
    p = v16_multiply_add(p, x, 0.4999997317790985f);
    v16 bell = v16_power(v16_mul(v16_mul(x, x), v16_set(-0.72134752044f)), POWER_FROM);
    v16 below = v16_keep(v16_above(size, limit), v16_mul(p, bell));
    return v16_mul(g, v16_select(v16_above(z, v16_zero()), v16_sub(v16_set(1), below), below));
}

/* 1 / (1 + exp(-z)), and 1 less that. */
struct sigmoid {
    v16 at, above;
};

ACTIVATION struct sigmoid sigmoid_at(v16 z)
{
    v16 e = v16_power(v16_mul(v16_minus_size(z), v16_set(1.44269504089f)), POWER_FROM),
        large = v16_div(v16_set(1), v16_add(e, v16_set(1))), small = v16_mul(e, large);
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
