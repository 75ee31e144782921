#include "engine/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct schedule davidnet(void)
{
    return (struct schedule){.shape = SCHEDULE_PIECEWISE, .n_knots = 3, .knot = {0, 5, 24}, .value = {0, 0.4, 0}};
}

static struct schedule shaped(enum schedule_shape shape)
{
    return (struct schedule){.shape = shape, .epochs = 20, .peak = 0.8, .warmup = 4, .final = 0.008, .power = 2};
}

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-12))
        fail_msg("%.17g is not %.17g", a, b);
}

static void test_piecewise(void **state)
{
    (void)state;
    struct schedule s = davidnet();
    near(schedule_at(&s, 0), 0);
    near(schedule_at(&s, 2.5), 0.2);
    near(schedule_at(&s, 5), 0.4);
    near(schedule_at(&s, 14.5), 0.2);
    near(schedule_at(&s, 24), 0);
    near(schedule_at(&s, 30), 0); /* flat outside */
    near(schedule_at(&s, -1), 0);
    /* steps count from 1: after the first of 97 the rate is not zero */
    near(schedule_at(&s, 1.0 / 97), 0.4 / 5 / 97);
}

static void test_jump(void **state)
{
    (void)state;
    struct schedule s = {
        .shape = SCHEDULE_PIECEWISE, .n_knots = 5, .knot = {0, 15, 15, 30, 35}, .value = {0, 0.1, 0.105, 0.005, 0}};
    assert_int_equal(schedule_check(&s, NULL), 0);
    near(schedule_at(&s, 15 - 1e-9), 0.1 * (15 - 1e-9) / 15);
    near(schedule_at(&s, 15), 0.105);
    near(schedule_at(&s, 22.5), 0.055);
    near(schedule_at(&s, 32.5), 0.0025);
    s = (struct schedule){.shape = SCHEDULE_PIECEWISE, .n_knots = 2, .knot = {3, 3}, .value = {1, 2}};
    near(schedule_at(&s, 2), 1);
    near(schedule_at(&s, 3), 2);
    s = (struct schedule){.shape = SCHEDULE_PIECEWISE, .n_knots = 1, .knot = {3}, .value = {0.7}};
    near(schedule_at(&s, 0), 0.7);
    near(schedule_at(&s, 9), 0.7);
}

/* The kink of the winner of 2018 is the jump that two knots at one place make, wherever the peak is. */
static void test_kink(void **state)
{
    (void)state;
    const struct schedule jump = {
        .shape = SCHEDULE_PIECEWISE, .n_knots = 5, .knot = {0, 15, 15, 30, 35}, .value = {0, 0.1, 0.105, 0.005, 0}};
    struct schedule s = {.shape = SCHEDULE_PIECEWISE,
                         .n_knots = 4,
                         .knot = {0, 15, 30, 35},
                         .value = {0, 0.1, 0.005, 0},
                         .kink = 1,
                         .kink_factor = 1.05};
    for (double epoch = 0; epoch <= 36; epoch += 0.125)
        near(schedule_at(&s, epoch), schedule_at(&jump, epoch));
    near(schedule_highest(&s), 0.105);
    schedule_stretch(&s, 2);
    near(schedule_at(&s, 30 - 1e-9), 0.1 * (30 - 1e-9) / 30);
    near(schedule_at(&s, 30), 0.105);
    s.kink = 0;
    near(schedule_at(&s, 30), 0.1);
    near(schedule_highest(&s), 0.1);
    /* after a plateau; and where nothing falls there is none */
    s = (struct schedule){.shape = SCHEDULE_PIECEWISE,
                          .n_knots = 4,
                          .knot = {0, 2, 6, 8},
                          .value = {0, 1, 1, 0},
                          .kink = 1,
                          .kink_factor = 2};
    near(schedule_at(&s, 3), 1);
    near(schedule_at(&s, 7), 1);
    assert_int_equal(schedule_fall(&s), 2);
    s.n_knots = 2;
    assert_int_equal(schedule_fall(&s), -1);
    near(schedule_at(&s, 2), 1);
    near(schedule_highest(&s), 1);
}

static void test_cosine(void **state)
{
    (void)state;
    struct schedule s = shaped(SCHEDULE_COSINE);
    near(schedule_at(&s, 2), 0.4);
    near(schedule_at(&s, 4), 0.8);
    near(schedule_at(&s, 12), (0.8 + 0.008) / 2);
    near(schedule_at(&s, 8), 0.008 + 0.792 * (1 + sqrt(0.5)) / 2);
    near(schedule_at(&s, 20), 0.008);
    near(schedule_at(&s, 25), 0.008);
    s.warmup = 0;
    near(schedule_at(&s, 0), 0.8);
}

static void test_exponential(void **state)
{
    (void)state;
    struct schedule s = shaped(SCHEDULE_EXPONENTIAL);
    near(schedule_at(&s, 4), 0.8);
    near(schedule_at(&s, 12), 0.08); /* half way: the geometric mean */
    near(schedule_at(&s, 20), 0.008);
}

static void test_polynomial(void **state)
{
    (void)state;
    struct schedule s = shaped(SCHEDULE_POLYNOMIAL);
    near(schedule_at(&s, 4), 0.8);
    near(schedule_at(&s, 12), 0.008 + 0.792 / 4);
    near(schedule_at(&s, 20), 0.008);
    s.power = 1;
    s.final = 0;
    near(schedule_at(&s, 12), 0.4);
}

static void test_one_cycle(void **state)
{
    (void)state;
    struct schedule s = shaped(SCHEDULE_ONE_CYCLE);
    near(schedule_at(&s, 0), 0.8 / 25);
    near(schedule_at(&s, 2), (0.8 + 0.8 / 25) / 2);
    near(schedule_at(&s, 4), 0.8);
    near(schedule_at(&s, 20), 0.008);
}

static void test_constant(void **state)
{
    (void)state;
    struct schedule s = shaped(SCHEDULE_CONSTANT);
    near(schedule_at(&s, 1), 0.2);
    near(schedule_at(&s, 4), 0.8);
    near(schedule_at(&s, 19), 0.8);
    s.warmup = s.epochs; /* nothing after warm-up */
    near(schedule_at(&s, 20), 0.8);
}

/* Every shape is continuous, never negative, never above the peak, and reaches it at the end of warm-up. */
static void test_shapes_stay_in_bounds(void **state)
{
    (void)state;
    for (int shape = SCHEDULE_COSINE; shape < SCHEDULE_SHAPE_COUNT; shape++)
        for (int warmup = 0; warmup <= 20; warmup += 5) {
            struct schedule s = shaped((enum schedule_shape)shape);
            s.warmup = warmup;
            assert_int_equal(schedule_check(&s, NULL), 0);
            double before = schedule_at(&s, 0);
            for (double e = 0; e <= 22; e += 0.001) {
                double rate = schedule_at(&s, e);
                assert_true(rate >= 0 && rate <= 0.8 + 1e-12);
                assert_true(warmup == 20 || fabs(rate - before) < 0.002);
                before = rate;
            }
            near(schedule_at(&s, warmup), warmup < 20 || shape == SCHEDULE_CONSTANT ? 0.8 : 0.008);
        }
}

static void test_stretch(void **state)
{
    (void)state;
    struct schedule s = davidnet(), t = davidnet();
    s.epochs = 24;
    s.warmup = 4;
    schedule_stretch(&s, 0.5);
    assert_true(s.knot[1] == 2.5 && s.knot[2] == 12 && s.epochs == 12 && s.warmup == 2);
    for (double e = 0; e < 12; e += 0.37)
        near(schedule_at(&s, e), schedule_at(&t, 2 * e));
}

static void expect_error(struct schedule s, const char *part1, const char *part2)
{
    struct error err = {""};
    assert_int_equal(schedule_check(&s, &err), -1);
    if (strncmp(err.text, part1, strlen(part1)) != 0 || !strstr(err.text, part2))
        fail_msg("expected '%s' and '%s' in: %s", part1, part2, err.text);
}

static void test_errors(void **state)
{
    (void)state;
    struct schedule s = davidnet();
    s.n_knots = 0;
    expect_error(s, "lr_knots:", "1 to 16 knots");
    s.n_knots = 17;
    expect_error(s, "lr_knots:", "1 to 16 knots");
    s = davidnet();
    s.knot[2] = 4;
    expect_error(s, "lr_knots:", "knot 3 (4) is before knot 2 (5)");
    s.knot[2] = NAN;
    expect_error(s, "lr_knots:", "knot 3");
    s = davidnet();
    s.knot[0] = s.knot[2] = 5;
    expect_error(s, "lr_knots:", "three knots at 5");
    s = davidnet();
    s.value[1] = -0.1;
    expect_error(s, "lr_values:", "value 2 is -0.1");
    s = shaped(SCHEDULE_COSINE);
    s.warmup = 21;
    expect_error(s, "lr_warmup:", "21 epochs do not fit in 20");
    s = shaped(SCHEDULE_COSINE);
    s.epochs = 0;
    expect_error(s, "epochs:", "above 0");
    s = shaped(SCHEDULE_CONSTANT);
    s.peak = INFINITY;
    expect_error(s, "lr_peak:", "0 or more");
    s = shaped(SCHEDULE_EXPONENTIAL);
    s.final = 0;
    expect_error(s, "lr_final:", "0.0008");
    s = shaped(SCHEDULE_POLYNOMIAL);
    s.power = 0;
    expect_error(s, "lr_power:", "above 0");
    s = shaped(SCHEDULE_SHAPE_COUNT);
    expect_error(s, "lr_shape:", "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_piecewise),
        cmocka_unit_test(test_jump),
        cmocka_unit_test(test_kink),
        cmocka_unit_test(test_cosine),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_polynomial),
        cmocka_unit_test(test_one_cycle),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_shapes_stay_in_bounds),
        cmocka_unit_test(test_stretch),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
