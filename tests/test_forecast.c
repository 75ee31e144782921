/* The forecast of time to target: known intervals, who counts, and that nothing is said without ground. */
#include "engine/forecast.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want)
{
    if (!(fabs(got - want) < 2e-6))
        fail_msg("%.6f, not %.6f", got, want);
}

static const double epochs[4] = {1, 2, 3, 4};
static const double slow[4] = {100, 200, 300, 400}, fast[4] = {50, 100, 150, 200}, unknown[4] = {NAN, NAN, NAN, NAN};
static const double at_3[4] = {50, 90, 94, 94.5}, at_4[4] = {50, 90, 93.9, 94}, never[4] = {50, 80, 90, 93.99},
                    gaps[4] = {NAN, NAN, NAN, 95}, early[4] = {50, 94, 94, 94};

static struct forecast ask(const struct forecast_run *runs, int count, double done, double seconds)
{
    struct forecast f;
    struct forecast_now now = {done, seconds, 94};
    forecast_make(runs, count, &now, &f);
    return f;
}

static void test_no_ground(void **state)
{
    (void)state;
    const struct forecast_run runs[] = {{1, 4, epochs, at_3, slow}, {1, 4, epochs, at_4, slow}};
    struct forecast f = ask(runs, 2, 0, 0);
    assert_int_equal(f.ground, 0);
    assert_int_equal(f.runs, 2);
    assert_true(isnan(f.low) && isnan(f.high) && isnan(f.seconds_low) && isnan(f.seconds_high));
    f = ask(NULL, 0, 0, 0);
    assert_int_equal(f.ground, 0);
    assert_int_equal(f.runs, 0);
}

static void test_range(void **state)
{
    (void)state;
    const struct forecast_run runs[] = {{1, 4, epochs, at_3, slow},
                                        {1, 4, epochs, at_4, slow},
                                        {1, 4, epochs, never, slow},
                                        {1, 4, epochs, gaps, slow}};
    struct forecast f = ask(runs, 4, 0, 0);
    assert_int_equal(f.ground, 1);
    assert_int_equal(f.runs, 4);
    assert_int_equal(f.reached, 3);
    near(f.low, 0.300642); /* Wilson, 3 of 4 */
    near(f.high, 0.954413);
    near(f.epoch_low, 3);
    near(f.epoch_high, 4);
    near(f.seconds_low, 300);
    near(f.seconds_high, 400);
    /* A run twice as fast as they were gets there in half the time; not before now. */
    f = ask(runs, 4, 2, 100);
    near(f.seconds_low, 150);
    near(f.seconds_high, 200);
    f = ask(runs, 4, 2.5, 125);
    assert_true(f.seconds_low >= 125);
    /* From the first whole epoch on, and where there is a clock. */
    f = ask(runs, 4, 1, 50);
    near(f.seconds_low, 150);
    f = ask(runs, 4, 0.9, 45);
    near(f.seconds_low, 300);
    near(f.seconds_high, 400);
    f = ask(runs, 4, 1, 0);
    near(f.seconds_low, 300);
}

/* The pace that this run's is held against is the median's; and nothing is forecast for a time that has passed. */
static void test_pace(void **state)
{
    (void)state;
    static const double quick[4] = {10, 20, 30, 40};
    const struct forecast_run runs[] = {{1, 4, epochs, at_4, slow},
                                        {1, 4, epochs, at_4, quick},
                                        {1, 4, epochs, at_4, quick},
                                        {1, 4, epochs, at_4, slow}};
    struct forecast f = ask(runs, 4, 2, 110); /* 55 s an epoch, as half-way between 10 and 100 */
    near(f.seconds_low, 110);                 /* and not 40 */
    near(f.seconds_high, 400);
}

/* Who had reached it by now is no longer like this run. */
static void test_conditional(void **state)
{
    (void)state;
    const struct forecast_run runs[] = {{1, 4, epochs, early, slow},
                                        {1, 4, epochs, at_3, slow},
                                        {1, 4, epochs, at_4, slow},
                                        {1, 4, epochs, never, slow},
                                        {1, 4, epochs, never, slow}};
    struct forecast f = ask(runs, 5, 1, 100);
    assert_int_equal(f.runs, 5);
    assert_int_equal(f.reached, 3);
    near(f.epoch_low, 2);
    f = ask(runs, 5, 2, 200);
    assert_int_equal(f.runs, 4);
    assert_int_equal(f.reached, 2);
    near(f.epoch_low, 3);
    assert_true(isnan(f.seconds_low)); /* two times only */
    f = ask(runs, 5, 3, 300);
    assert_int_equal(f.ground, 1);
    assert_int_equal(f.reached, 1);
    f = ask(runs, 5, 4, 400); /* at its end: two that never did */
    assert_int_equal(f.ground, 0);
    assert_int_equal(f.runs, 2);
    assert_int_equal(f.earlier, 3);
}

static void test_times_only_from_the_same_machine(void **state)
{
    (void)state;
    const struct forecast_run runs[] = {{0, 4, epochs, at_3, fast},
                                        {1, 4, epochs, at_3, slow},
                                        {1, 4, epochs, at_4, slow},
                                        {1, 4, epochs, at_4, unknown}};
    struct forecast f = ask(runs, 4, 0, 0);
    assert_int_equal(f.reached, 4);
    assert_true(isnan(f.seconds_low) && isnan(f.seconds_high));
    const struct forecast_run more[] = {runs[0], runs[1], runs[2], {1, 4, epochs, at_4, slow}};
    f = ask(more, 4, 0, 0);
    near(f.seconds_low, 300);
    near(f.seconds_high, 400);
}

static void test_nobody_reached_it(void **state)
{
    (void)state;
    const struct forecast_run miss = {1, 4, epochs, never, slow}, nothing = {1, 0, NULL, NULL, NULL};
    const struct forecast_run runs[] = {miss, miss, nothing};
    struct forecast f = ask(runs, 3, 0, 0);
    assert_int_equal(f.ground, 1);
    assert_int_equal(f.reached, 0);
    near(f.low, 0);
    near(f.high, 0.561497);
    assert_true(isnan(f.epoch_low) && isnan(f.seconds_high));
}

static void test_family(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        int same;
    } cases[] = {{"seed=5", 1},
                 {"init_seed=7", 1},
                 {"threads=1", 1},
                 {"target=90", 1},
                 {"cutout=off", 0},
                 {"batch=256", 0},
                 {"lr_values=0,0.3,0", 0},
                 {"eval=holdout", 0},
                 {"precision=f32", 0},
                 {"width=32", 0},
                 {"checkpoint_seconds=9", 1},
                 {"keep_checkpoints=off", 1}};
    struct error err;
    struct recipe_request request = {.preset = "davidnet-79"};
    struct recipe a, b;
    assert_int_equal(recipe_resolve(&request, &a, &err), 0);
    assert_true(forecast_same_family(&a, &a));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recipe_request other = {.preset = "davidnet-79", .n_sets = 1, .sets = {cases[i].set}};
        assert_int_equal(recipe_resolve(&other, &b, &err), 0);
        if (forecast_same_family(&a, &b) != cases[i].same)
            fail_msg("%s: the same family is %d", cases[i].set, !cases[i].same);
    }
    b = a;
    b.network[0] = 'q';
    assert_false(forecast_same_family(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_ground),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_conditional),
        cmocka_unit_test(test_times_only_from_the_same_machine),
        cmocka_unit_test(test_nobody_reached_it),
        cmocka_unit_test(test_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
