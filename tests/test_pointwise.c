/*
 * What a GPU computes of one number at a time (kernels/cuda/pointwise.h), compiled for the host: every half and
 * bfloat16 both ways, activations against their definitions in double and their slopes against differences, reflection
 * and colour against the CPU's, SGD's forms against their formulas.
 */
#include "kernels/cuda/pointwise.h"

#include "kernels/augment.h"
#include "tests/near.h"

#include <float.h>
#include <stdio.h>

/* ---- the two 16-bit types ---- */

struct type {
    const char *name;
    int fraction, bias; /* bits of the fraction; what is taken from the exponent */
    float (*from)(uint16_t bits);
    uint16_t (*to)(float value);
};

static const struct type types[] = {{"f16", 10, 15, pointwise_from_f16, pointwise_to_f16},
                                    {"bf16", 7, 127, pointwise_from_bf16, pointwise_to_bf16}};

#define TYPES (sizeof types / sizeof *types)
#define SIGN 0x8000u

static unsigned infinity_of(const struct type *t)
{
    return 0x7fffu >> t->fraction << t->fraction;
}

/* IEEE 754's definition. Beyond the largest number the scale goes on, as rounding wants it. */
static double value_of(const struct type *t, unsigned bits)
{
    int exponent = (int)((bits & 0x7fffu) >> t->fraction);
    double fraction = bits & ((1u << t->fraction) - 1);
    return exponent == 0 ? ldexp(fraction, 1 - t->bias - t->fraction)
                         : ldexp(fraction + (1u << t->fraction), exponent - t->bias - t->fraction);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void check_from(const struct type *t, unsigned bits)
{
    float value = t->from((uint16_t)bits);
    unsigned size = bits & 0x7fffu;
    if (size > infinity_of(t)) {
        assert_true(isnan(value));
        return;
    }
    double should = size == infinity_of(t) ? (double)INFINITY : value_of(t, bits);
    if (fabs((double)value) != should || !signbit(value) != !(bits & SIGN))
        fail_msg("%s %04x is %a, not %a", t->name, bits, (double)value, should);
}

static void test_every_16_bits_as_a_float(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++)
        for (unsigned bits = 0; bits < 0x10000; bits++) {
            check_from(&types[i], bits);
            if ((bits & 0x7fffu) <= infinity_of(&types[i])) /* and back */
                assert_int_equal(types[i].to(types[i].from((uint16_t)bits)), bits);
        }
}

static void check_to(const struct type *t, float value, unsigned should)
{
    unsigned got = t->to(value), other = t->to(-value);
    if (got != should || other != (should | SIGN))
        fail_msg("%a becomes %s %04x and %04x, not +-%04x", (double)value, t->name, got, other, should);
}

/* Rounding goes up nowhere but at the middle between neighbours, which is a float: there, to the even one. */
static void test_rounding_around_every_middle(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        const struct type *t = &types[i];
        for (unsigned low = 0; low < infinity_of(t); low++) {
            double middle = (value_of(t, low) + value_of(t, low + 1)) / 2;
            float at = (float)middle;
            assert_true((double)at == middle);
            check_to(t, at, low % 2 ? low + 1 : low);
            check_to(t, float_of(bits_of(at) - 1), low);
            check_to(t, float_of(bits_of(at) + 1), low + 1);
        }
    }
}

static void test_what_no_neighbours_have(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        const struct type *t = &types[i];
        check_to(t, 0, 0);
        check_to(t, FLT_TRUE_MIN, 0);
        check_to(t, FLT_MAX, infinity_of(t));
        check_to(t, INFINITY, infinity_of(t));
        for (uint32_t fraction = 1; fraction < 0x800000u; fraction = fraction * 2 + 1) /* the lowest bits alone, too */
            for (uint32_t sign = 0; sign < 2; sign++) {
                unsigned got = t->to(float_of(sign << 31 | 0x7f800000u | fraction));
                assert_true((got & 0x7fffu) > infinity_of(t) && got >> 15 == sign);
            }
    }
    check_to(&types[0], 1e6f, 0x7c00);
    assert_true(pointwise_round_f16(2049) == 2048 && pointwise_round_f16(2051) == 2052);
    assert_true(pointwise_round_f16(65519) == 65504 && isinf(pointwise_round_f16(65520)));
}

/* ---- activations ---- */

static const int acts[] = {PLAN_ACT_RELU, PLAN_ACT_CELU, PLAN_ACT_GELU, PLAN_ACT_SILU, -1};
static const float alphas[] = {0.075f, 0.3f, 1};

static double defined(int act, double alpha, double x)
{
    switch (act) {
    case PLAN_ACT_RELU:
        return fmax(x, 0);
    case PLAN_ACT_CELU:
        return fmax(x, 0) + fmin(0, alpha * (exp(x / alpha) - 1));
    case PLAN_ACT_GELU:
        return x * (1 + erf(x / sqrt(2))) / 2;
    case PLAN_ACT_SILU:
        return x / (1 + exp(-x));
    default:
        return x;
    }
}

static void check_act(int act, float alpha, float x)
{
    double h = 1e-6, at = (double)x, a = (double)alpha;
    double difference = (defined(act, a, at + h) - defined(act, a, at - h)) / (2 * h);
    double value = defined(act, a, at);
    assert_near((double)pointwise_act(act, alpha, x), value, 2e-6 * fabs(value) + 1e-7);
    assert_near((double)pointwise_slope(act, alpha, x, -3), -3 * difference, 2e-5); /* CELU's bends: h / alpha */
}

static void test_activations_and_their_slopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        for (size_t k = 0; k < sizeof alphas / sizeof *alphas; k++) {
            for (int n = -2000; n <= 2000; n++)
                check_act(acts[i], alphas[k], ((float)n + 0.5f) / 100);
            check_act(acts[i], alphas[k], -200); /* e to this power is no float */
            check_act(acts[i], alphas[k], 200);
        }
}

static void test_activations_at_zero_and_nan(void **state)
{
    (void)state;
    assert_true(pointwise_slope(PLAN_ACT_RELU, 0, 0, 5) == 0);
    assert_true(pointwise_slope(PLAN_ACT_CELU, 0.3f, 0, 5) == 5);
    assert_true(pointwise_slope(PLAN_ACT_GELU, 0, 0, 5) == 2.5f && pointwise_slope(PLAN_ACT_SILU, 0, 0, 5) == 2.5f);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        assert_true(pointwise_act(acts[i], 0.3f, 0) == 0);
        assert_true(isnan(pointwise_act(acts[i], 0.3f, NAN)));
    }
}

static void test_who_wins_a_maximum(void **state)
{
    (void)state;
    assert_true(pointwise_wins(2, 1) && !pointwise_wins(1, 2) && !pointwise_wins(1, 1)); /* the first of equal ones */
    assert_true(pointwise_wins(NAN, INFINITY) && !pointwise_wins(INFINITY, NAN) && !pointwise_wins(NAN, NAN));
    assert_true(pointwise_wins(-1, -INFINITY));
}

/* ---- augmentation ---- */

static void test_reflection(void **state)
{
    (void)state;
    for (int n = 2; n < 12; n++) {
        int at = 0, step = 1; /* a walk that turns at the edges, the edge itself once */
        for (int i = 0; i < 2 * n - 1; i++) {
            assert_int_equal(pointwise_reflect(i, n), at);
            assert_int_equal(pointwise_reflect(-i % n, n), i % n);
            step = at == n - 1 ? -1 : step;
            at += step;
        }
    }
    assert_int_equal(pointwise_reflect(0, 1), 0);
}

#define HEIGHT 7
#define WIDTH 6

static void test_sources_are_the_cpus(void **state)
{
    int16_t source[HEIGHT * WIDTH];
    (void)state;
    for (int i = 0; i < 5 * 5 * 4 * 2; i++) {
        struct choice choice = {.pad = 2,
                                .crop_y = (uint8_t)(i % 5),
                                .crop_x = (uint8_t)(i / 5 % 5),
                                .flip = (uint8_t)(i / 25 % 4),
                                .cut_y = 1,
                                .cut_x = 5, /* over the edge */
                                .cut_h = (uint8_t)(i / 100 * 3),
                                .cut_w = 3};
        augment_gather(&choice, HEIGHT, WIDTH, source);
        for (int k = 0; k < HEIGHT * WIDTH; k++)
            assert_int_equal(pointwise_source(&choice, HEIGHT, WIDTH, k / WIDTH, k % WIDTH), source[k]);
    }
}

/* To the bit: a value is (value + brightness) * (1 + contrast) on both sides, and untouched where neither is. */
static void test_colours_are_the_cpus(void **state)
{
    static const float settings[][2] = {{0, 0}, {0.2f, 0}, {0, -0.15f}, {-0.1f, 0.25f}};
    static struct augment_table table, own;
    const struct images images = {.channels = 3, .mean = {125.3f, 123, 113.9f}, .std = {63, 62.1f, 66.7f}};
    (void)state;
    augment_table_init(&table, &images);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct choice choice = {.brightness = settings[i][0], .contrast = settings[i][1]};
        const struct augment_table *should = augment_table_of(&table, &choice, &own);
        for (int channel = 0; channel < 3; channel++)
            for (int byte = 0; byte < 256; byte++)
                assert_int_equal(bits_of(pointwise_color(&choice, table.value[channel][byte])),
                                 bits_of(should->value[channel][byte]));
    }
    const struct choice both = {.brightness = 0.5f, .contrast = -0.25f};
    assert_true(pointwise_color(&both, 1.5f) == 1.5f);
}

/* ---- SGD ---- */

/* Numbers that lose nothing: g = 1 + 0.25 * 4 = 2. */
static void test_one_step_of_sgd(void **state)
{
    static const struct {
        int form;
        float weight, momentum;
    } after[] = {{NESTEROV_NONE, 2, 4},     /* v = 0.5 * 4 + 2; w = 4 - 0.5 * v */
                 {NESTEROV_TORCH, 2, 4},    /* w = 4 - 0.5 * (2 + 0.5 * v) */
                 {NESTEROV_TF, 2, 4},       /* of one rate: torch's */
                 {NESTEROV_PAGE, 3.5f, 1}}; /* g = -0.5 * 2; v = 0.5 * 4 + g; w = 4 + g + 0.5 * v */
    (void)state;
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        float weight = 4, momentum = 4;
        pointwise_sgd(after[i].form, 0.5f, 0.25f, 0.5f, 1, &weight, &momentum);
        assert_true(weight == after[i].weight && momentum == after[i].momentum);
    }
}

/* Some steps with gradients and rates that change, against the formulas in double. */
static void test_steps_of_sgd(void **state)
{
    const double decay = 0.05, mom = 0.9;
    (void)state;
    for (int form = 0; form < NESTEROV_COUNT; form++) {
        float weight = 0.7f, momentum = 0;
        double w = (double)weight, v = 0;
        for (int i = 0; i < 12; i++) {
            double lr = 0.1 + 0.02 * i, dw = cos(i), g = dw + decay * w;
            pointwise_sgd(form, (float)lr, (float)decay, (float)mom, (float)dw, &weight, &momentum);
            v = mom * v + (form == NESTEROV_PAGE ? -lr * g : g);
            if (form == NESTEROV_PAGE)
                w += mom * v - lr * g;
            else if (form == NESTEROV_NONE)
                w -= lr * v;
            else
                w -= lr * (g + mom * v);
            assert_near((double)weight, w, 1e-5);
            assert_near((double)momentum, v, 1e-5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_16_bits_as_a_float),
        cmocka_unit_test(test_rounding_around_every_middle),
        cmocka_unit_test(test_what_no_neighbours_have),
        cmocka_unit_test(test_activations_and_their_slopes),
        cmocka_unit_test(test_activations_at_zero_and_nan),
        cmocka_unit_test(test_who_wins_a_maximum),
        cmocka_unit_test(test_reflection),
        cmocka_unit_test(test_sources_are_the_cpus),
        cmocka_unit_test(test_colours_are_the_cpus),
        cmocka_unit_test(test_one_step_of_sgd),
        cmocka_unit_test(test_steps_of_sgd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
