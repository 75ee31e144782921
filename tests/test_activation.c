/*
 * The smooth activations of the fused chain over all sizes of z, against double: the errors that activation_body.h
 * states, the same bits at every level, NaN and infinities.
 */
#include "kernels/cpu/chain.h"

#include "kernels/isa.h"
#include "tests/denormals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 1 << 16 };

static float *floats(void)
{
    float *p = aligned_alloc(64, COUNT * sizeof *p);
    assert_non_null(p);
    return p;
}

static struct chain_view line(float *data)
{
    return (struct chain_view){data, CHAIN_F32, CHAIN_BLOCK, 1, COUNT / CHAIN_BLOCK, COUNT, COUNT, COUNT, CHAIN_BLOCK};
}

/* Values and slopes of z. */
static void run(struct chain chain, float *z, float *value, float *slope)
{
    float *ones = floats();
    for (int i = 0; i < COUNT; i++)
        ones[i] = 1;
    struct chain_view x = line(z), y = line(value), g = line(ones), dx = line(slope);
    chain.pool = 1;
    chain_forward(&chain, &x, 1, NULL, NULL, NULL, &y);
    chain_backward_apply(&chain, &x, 1, NULL, NULL, NULL, NULL, NULL, &g, NULL, &dx);
    free(ones);
}

/* Both signs, evenly in the exponent from 2^-30 to 2^`top`, and evenly in between. */
static void fill(float *z, double top)
{
    for (int i = 0; i < COUNT; i++) {
        double part = i / 4 / (COUNT / 4.0), size = i & 2 ? part * 12 : pow(2, -30 + part * (30 + top));
        z[i] = (float)(i & 1 ? -size : size);
    }
    z[0] = 0;
    z[1] = -0.0f;
}

static double exact(struct chain chain, double z, double *slope)
{
    double sigmoid = 1 / (1 + exp(-z)), below = 0.5 * erfc(-z * M_SQRT1_2);
    if (chain.act == CHAIN_ACT_CELU) {
        *slope = z > 0 ? 1 : exp(z / chain.alpha);
        return z > 0 ? z : chain.alpha * expm1(z / chain.alpha);
    }
    if (chain.act == CHAIN_ACT_GELU) {
        *slope = below + z * exp(-z * z / 2) / sqrt(2 * M_PI);
        return z * below;
    }
    *slope = sigmoid * (1 + z * (1 - sigmoid));
    return z * sigmoid;
}

static void check(struct chain chain)
{
    float *z = floats(), *value = floats(), *slope = floats(), *other_value = floats(), *other_slope = floats();
    double worst_value = 0, worst_slope = 0;
    fill(z, 60);
    isa_force("auto");
    run(chain, z, value, slope);
    for (int i = 0; i < COUNT; i++) {
        double want_slope, want = exact(chain, z[i], &want_slope);
        worst_value = fmax(worst_value, fabs(value[i] - want) / (1 + fabs((double)z[i])));
        worst_slope = fmax(worst_slope, fabs(slope[i] - want_slope));
        assert_true(isfinite(value[i]) && isfinite(slope[i]));
    }
    print_message("    act %d alpha %g: values 2^%.1f, slopes 2^%.1f\n", (int)chain.act, (double)chain.alpha,
                  log2(worst_value), log2(worst_slope));
    assert_true(worst_value <= 0x1p-22 * fmax((double)chain.alpha, 1));
    assert_true(worst_slope <= 0x1p-21);
    for (int isa = 0; isa < (int)isa_best(); isa++) {
        isa_force(isa_name((enum isa)isa));
        run(chain, z, other_value, other_slope);
        assert_memory_equal(value, other_value, COUNT * sizeof *value);
        assert_memory_equal(slope, other_slope, COUNT * sizeof *slope);
    }
    isa_force("auto");
    free(z);
    free(value);
    free(slope);
    free(other_value);
    free(other_slope);
}

static void test_errors_and_bits(void **state)
{
    (void)state;
    static const float alphas[] = {0.075f, 0.3f, 1, 5};
    for (int i = 0; i < 4; i++)
        check((struct chain){.act = CHAIN_ACT_CELU, .alpha = alphas[i]});
    check((struct chain){.act = CHAIN_ACT_GELU});
    check((struct chain){.act = CHAIN_ACT_SILU});
}

/* CELU's value near 0 is good relative to itself, as expm1's is. */
static void test_celu_near_zero(void **state)
{
    (void)state;
    struct chain celu = {.act = CHAIN_ACT_CELU, .alpha = 0.3f};
    float *z = floats(), *value = floats(), *slope = floats();
    for (int i = 0; i < COUNT; i++)
        z[i] = -0.1f * (float)(i + 1) / COUNT;
    run(celu, z, value, slope);
    for (int i = 0; i < COUNT; i++) {
        double want_slope, want = exact(celu, z[i], &want_slope);
        assert_true(fabs(value[i] - want) <= 0x1p-20 * fabs(want));
    }
    free(z);
    free(value);
    free(slope);
}

/*
 * Far below 0 the slopes of CELU and GELU are 0 to any gradient, and the products that say so are no denormal numbers;
 * nor is anything far above, where lanes reckon what is not asked for. On this thread, which has a part of everything.
 */
static void test_no_denormals(void **state)
{
    (void)state;
    float *z = floats(), *value = floats(), *slope = floats(), *gradient = floats();
    for (int i = 0; i < COUNT; i++) {
        z[i] = 0.01f * (float)(i % 4000 - 2000);
        gradient[i] = 0x1p-40f;
    }
    for (int act = CHAIN_ACT_CELU; act <= CHAIN_ACT_GELU; act++) {
        struct chain chain = {.act = (enum chain_act)act, .alpha = 0.075f, .pool = 1};
        struct chain_view x = line(z), y = line(value), g = line(gradient), dx = line(slope);
        denormals_met();
        chain_forward(&chain, &x, 1, NULL, NULL, NULL, &y);
        assert_false(denormals_met());
        chain_backward_apply(&chain, &x, 1, NULL, NULL, NULL, NULL, NULL, &g, NULL, &dx);
        assert_false(denormals_met());
        assert_true(fabsf(slope[0]) < 0x1p-100f && value[0] == (act == CHAIN_ACT_CELU ? -0.075f : 0));
    }
    free(z);
    free(value);
    free(slope);
    free(gradient);
}

/* What the tests go by. */
static void test_denormals_are_noticed(void **state)
{
    (void)state;
#if !defined(__x86_64__)
    print_message("SKIPPED: what arithmetic meets is read from a register of x86\n");
    skip();
#endif
    volatile float number = 1e-30f;
    denormals_met();
    number *= 1e-10f;
    assert_true(denormals_met());
    number *= 1.5f;
    assert_true(denormals_met());
    number = 1.5f;
    number *= 1.1f;
    assert_false(denormals_met());
}

static void test_not_finite(void **state)
{
    (void)state;
    uint32_t odd_nan = 0x7fc12345u;
    float *z = floats(), *value = floats(), *slope = floats();
    for (int isa = 0; isa <= (int)isa_best(); isa++)
        for (int act = CHAIN_ACT_CELU; act <= CHAIN_ACT_SILU; act++) {
            isa_force(isa_name((enum isa)isa));
            fill(z, 1);
            z[3] = NAN;
            memcpy(&z[4], &odd_nan, sizeof odd_nan);
            z[5] = INFINITY;
            z[6] = -INFINITY;
            run((struct chain){.act = (enum chain_act)act, .alpha = 0.3f}, z, value, slope);
            assert_true(isnan(value[3]) && isnan(value[4]));
            assert_true(value[5] == INFINITY);
            assert_true(act == CHAIN_ACT_CELU ? value[6] == -0.3f : !(value[6] > 0));
        }
    isa_force("auto");
    free(z);
    free(value);
    free(slope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_and_bits), cmocka_unit_test(test_celu_near_zero),
        cmocka_unit_test(test_no_denormals),    cmocka_unit_test(test_denormals_are_noticed),
        cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests_name("activation", tests, NULL, NULL);
}
