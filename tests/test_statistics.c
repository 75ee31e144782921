/* The distributions and tests of engine/statistics against SciPy's values (tests/fixtures/make_statistics.py). */
#include "engine/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURE "tests/fixtures/statistics.txt"
#define NUMBERS_MAX 24

/* A relative error, or an absolute one where there is nothing to be relative to. */
static void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fmax(fabs(want), 1e-3)))
        fail_msg("%s: %.17g, not %.17g", what, got, want);
}

static double wilson(double k, double n, double confidence, int high)
{
    double ends[2];
    statistics_wilson((int)k, (int)n, confidence, &ends[0], &ends[1]);
    return ends[high];
}

/* The function of that name for the arguments; NaN if there is none. */
static double ask(const char *name, const double *a)
{
    if (strcmp(name, "normal_cdf") == 0)
        return normal_cdf(a[0]);
    if (strcmp(name, "normal_quantile") == 0)
        return normal_quantile(a[0]);
    if (strcmp(name, "beta_cdf") == 0)
        return beta_cdf(a[0], a[1], a[2]);
    if (strcmp(name, "student_cdf") == 0)
        return student_cdf(a[0], a[1]);
    if (strcmp(name, "student_two_sided") == 0)
        return student_two_sided(a[0], a[1]);
    if (strcmp(name, "student_quantile") == 0)
        return student_quantile(a[0], a[1]);
    if (strcmp(name, "student_noncentral_cdf") == 0)
        return student_noncentral_cdf(a[0], a[1], a[2]);
    if (strcmp(name, "welch_power") == 0)
        return welch_power(a[0], a[1], (int)a[2], a[3], (int)a[4], a[5]);
    return strncmp(name, "wilson", 6) == 0 ? wilson(a[0], a[1], a[2], strcmp(name, "wilson_high") == 0) : NAN;
}

struct sets {
    struct sample sample[2];
    double low[2], high[2];
    struct welch welch;
};

/* The figures of the two sets, by the names that the fixture gives them. */
static double ask_sets(struct sets *sets, const char *name)
{
    int b = name[strlen(name) - 1] == 'b';
    if (strncmp(name, "welch", 5) == 0) {
        sets->welch = welch_make(&sets->sample[0], &sets->sample[1]);
        return name[6] == 't' ? sets->welch.t : name[6] == 'd' ? sets->welch.df : sets->welch.p;
    }
    sample_interval(&sets->sample[b], 0.95, &sets->low[b], &sets->high[b]);
    return name[0] == 'm'   ? sets->sample[b].mean
           : name[0] == 's' ? sets->sample[b].sd
           : name[0] == 'l' ? sets->low[b]
                            : sets->high[b];
}

static void test_scipy(void **state)
{
    (void)state;
    FILE *file = fopen(FIXTURE, "re");
    if (!file)
        fail_msg("%s is missing: run the tests from the repository's root", FIXTURE);
    char line[512];
    struct sets sets;
    int checked = 0;
    while (fgets(line, sizeof line, file)) {
        double number[NUMBERS_MAX] = {0};
        int n = 0;
        char *rest, *name = strtok_r(line, " \n", &rest);
        for (char *word; (word = strtok_r(NULL, " \n", &rest)) && n < NUMBERS_MAX;)
            number[n++] = strtod(word, NULL);
        assert_true(name != NULL && n > 0);
        if (!name) /* the analyser does not know that the line above ends the test */
            return;
        if (strncmp(name, "set_", 4) == 0)
            sets.sample[name[4] == 'b'] = sample_make(number, n);
        else if (n == 1)
            near(name, ask_sets(&sets, name), number[0], 1e-10);
        else
            near(name, ask(name, number), number[n - 1], strcmp(name, "welch_power") == 0 ? 1e-8 : 1e-9);
        checked++;
    }
    fclose(file);
    assert_true(checked > 400);
}

static void test_edges(void **state)
{
    (void)state;
    assert_true(normal_quantile(0) == -INFINITY && normal_quantile(1) == INFINITY);
    assert_true(isnan(normal_quantile(1.5)) && isnan(student_quantile(0.5, 0)) && isnan(beta_cdf(2, 1, 1)));
    assert_true(isnan(student_cdf(NAN, 3)) && isnan(student_noncentral_cdf(NAN, 3, 0)));
    assert_true(student_two_sided(INFINITY, 3) == 0 && student_noncentral_cdf(INFINITY, 3, 1) == 1);
    /* Where the series gives way to the normal distribution it is continuous. */
    double inside = student_noncentral_cdf(37, 200, 36.999), outside = student_noncentral_cdf(37, 200, 37.001);
    assert_true(fabs(inside - outside) < 5e-3);
    const double one[] = {3}, same[] = {2, 2, 2}, other[] = {5, 5};
    struct sample none = sample_make(NULL, 0), single = sample_make(one, 1), flat = sample_make(same, 3),
                  five = sample_make(other, 2);
    assert_true(isnan(none.mean) && single.mean == 3 && isnan(single.sd) && flat.sd == 0);
    double low, high;
    sample_interval(&single, 0.95, &low, &high);
    assert_true(isnan(low) && isnan(high));
    assert_true(isnan(welch_make(&single, &flat).p));
    assert_true(welch_make(&flat, &five).p == 0 && isnan(welch_make(&flat, &flat).p));
}

static void test_runs_needed(void **state)
{
    (void)state;
    assert_int_equal(statistics_plan_runs(0.1, 0.15, 0.05, 0.8), 35);
    assert_int_equal(statistics_plan_runs(0.2, 0.15, 0.05, 0.8), 9);
    assert_int_equal(statistics_plan_runs(0, 0.15, 0.05, 0.8), -1);
    /* statsmodels' TTestIndPower().solve_power(2 / 3, alpha=0.05, power=0.8) is 36.3, of 4 / 3 it is 9.9. */
    assert_int_equal(welch_runs(0.1, 0.15, 0.15, 0.05, 0.8), 37);
    assert_int_equal(welch_runs(-0.2, 0.15, 0.15, 0.05, 0.8), 10);
    assert_int_equal(welch_runs(100, 0.15, 0.15, 0.05, 0.8), 2);
    assert_int_equal(welch_runs(0, 0.15, 0.15, 0.05, 0.8), -1);
    assert_int_equal(welch_runs(1e-9, 0.15, 0.15, 0.05, 0.8), -1);
    const double sides[][2] = {{0.15, 0.15}, {0.1, 0.4}, {1, 0.01}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) /* the smallest that is enough */
        for (double d = 0.05; d < 3; d *= 1.7) {
            int n = welch_runs(d, sides[i][0], sides[i][1], 0.05, 0.8);
            assert_true(welch_power(d, sides[i][0], n, sides[i][1], n, 0.05) >= 0.8);
            assert_true(n == 2 || welch_power(d, sides[i][0], n - 1, sides[i][1], n - 1, 0.05) < 0.8);
        }
    for (int n = 2; n < 60; n += 7) {
        double d = statistics_detectable(0.15, n, 0.05, 0.8);
        near("power at the detectable difference", welch_power(d, 0.15, n, 0.15, n, 0.05), 0.8, 1e-5);
    }
    assert_true(isnan(statistics_detectable(0.15, 1, 0.05, 0.8)) && isnan(welch_power(1, 1, 1, 1, 5, 0.05)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scipy),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_runs_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
