/* Eigenvectors of symmetric matrices: that they are; the headless build's own runs the same test. */
#include "engine/eigen.h"
#include "kernels/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX 75

static double a[MAX * MAX], v[MAX * MAX], values[MAX];

/* A V = V diag(values), V' V = 1, values ascending. */
static void check(int n)
{
    struct error err = {""};
    double largest = 0;
    memcpy(v, a, sizeof v);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            v[i * n + j] = (double)NAN; /* the lower triangle does not count */
    if (eigen_symmetric(n, v, values, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < n * n; i++)
        largest = fmax(largest, fabs(a[i]));
    double tolerance = 1e-13 * n * (largest > 0 ? largest : 1);
    for (int column = 0; column < n; column++) {
        assert_true(column == 0 || values[column] >= values[column - 1]);
        for (int i = 0; i < n; i++) {
            double sum = 0, dot = 0;
            for (int k = 0; k < n; k++) {
                sum += a[i * n + k] * v[k * n + column];
                dot += v[k * n + i] * v[k * n + column];
            }
            assert_true(fabs(sum - values[column] * v[i * n + column]) <= tolerance);
            assert_true(fabs(dot - (i == column)) <= 1e-13 * n);
        }
    }
}

/* Spectra as patches of images have them: over many orders of magnitude. */
static void test_random_matrices(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 3, 12, 27, MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int n = sizes[s];
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) {
                uint32_t word = rng_philox(1, RNG_TEST, (uint32_t)n, (uint64_t)(i * n + j)).word[0];
                a[i * n + j] = a[j * n + i] = ((double)rng_uniform(word) - 0.5) * pow(0.7, i);
            }
        check(n);
    }
}

static void test_special_matrices(void **state)
{
    (void)state;
    int n = 6;
    memset(a, 0, sizeof a);
    check(n);
    assert_true(values[0] == 0 && values[n - 1] == 0);
    for (int i = 0; i < n * n; i++)
        a[i] = 1; /* one eigenvalue of n, the rest 0 */
    check(n);
    assert_true(fabs(values[n - 1] - n) < 1e-12 && fabs(values[n - 2]) < 1e-12);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            a[i * n + j] = i == j ? -1 - i % 2 : 0; /* equal ones */
    check(n);
    assert_true(values[0] == -2 && values[n - 1] == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_matrices), cmocka_unit_test(test_special_matrices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
