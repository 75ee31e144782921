/* First weights: their distributions, and what can be chosen instead of PyTorch's. */
#include "engine/initialise.h"

#include "engine/knobs.h"
#include "engine/network.h"
#include "engine/recipe_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct plan plan;

static int make_plan(void **state)
{
    (void)state;
    struct error err = {""};
    struct recipe recipe;
    struct network *network = malloc(sizeof *network);
    if (recipe_preset_load("davidnet-79", &recipe, NULL, &err) ||
        recipe_set_network(&recipe,
                           "w = whiten 2; a = gelu; b = conv_bn 40 kernel=1; c = conv_bn 24; p = global_max; "
                           "m = linear 200 bias=1; l = linear",
                           &err) ||
        network_build(&recipe, (struct plan_shape){3, 32, 32}, 10, network, &err) ||
        network_lower(network, &plan, &err))
        fail_msg("%s", err.text);
    free(network);
    return 0;
}

/* The named tensor's first values; the caller frees. */
static float *values_of(const char *name, const struct initialise *how, size_t *count)
{
    int index = plan_find_tensor(&plan, name);
    if (index < 0)
        fail_msg("no tensor %s", name);
    *count = plan.tensors[index].count;
    float *values = malloc(*count * sizeof *values);
    assert_non_null(values);
    initialise_tensor(&plan, index, how, values);
    return values;
}

/* Within the interval, and as widely spread as a uniform distribution over it. */
static void is_uniform(const char *name, const struct initialise *how, double from, double to)
{
    size_t n;
    float *value = values_of(name, how, &n);
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        double v = (double)value[i];
        if (v < from || v > to)
            fail_msg("%s: %g is not in %g to %g", name, v, from, to);
        mean += v / (double)n;
        square += v * v / (double)n;
    }
    double std = sqrt(square - mean * mean), should = (to - from) / sqrt(12);
    double tolerance = 5 * should / sqrt((double)n);
    if (fabs(mean - (from + to) / 2) > tolerance || fabs(std - should) > tolerance)
        fail_msg("%s: mean %g, std %g, not %g, %g", name, mean, std, (from + to) / 2, should);
    free(value);
}

static void are_all(const char *name, const struct initialise *how, double should)
{
    size_t n;
    float *value = values_of(name, how, &n);
    for (size_t i = 0; i < n; i++)
        assert_true((double)value[i] == should);
    free(value);
}

static void pytorchs(void **state)
{
    (void)state;
    const struct initialise how = {.seed = 3};
    is_uniform("b.conv.weight", &how, -1 / sqrt(24), 1 / sqrt(24));
    is_uniform("c.conv.weight", &how, -1 / sqrt(360), 1 / sqrt(360));
    is_uniform("m.weight", &how, -1 / sqrt(24), 1 / sqrt(24));
    is_uniform("m.bias", &how, -1 / sqrt(24), 1 / sqrt(24));
    is_uniform("l.weight", &how, -1 / sqrt(200), 1 / sqrt(200));
    are_all("c.norm.weight", &how, 1);
    are_all("c.norm.bias", &how, 0);
    are_all("c.norm.running_var", &how, 1);
    are_all("c.norm.running_mean", &how, 0);
    are_all("w.bias", &how, 0);
    size_t n;
    float *first = values_of("c.conv.weight", &how, &n);
    float *second = values_of("c.conv.weight", &(struct initialise){.seed = 4}, &n);
    assert_memory_not_equal(first, second, n * sizeof *first);
    free(first);
    free(second);
}

static void dirac_passes_channels_on(void **state)
{
    (void)state;
    const struct initialise how = {.seed = 3, .conv = INITIALISE_DIRAC}, plain = {.seed = 3};
    size_t n;
    float *b = values_of("b.conv.weight", &how, &n), *b_plain = values_of("b.conv.weight", &plain, &n);
    for (int o = 0; o < 24; o++) /* 24 inputs: the first 24 of 40 filters */
        for (int i = 0; i < 24; i++)
            assert_true(b[o * 24 + i] == (o == i ? 1.0F : 0.0F));
    assert_memory_equal(b + 24 * 24, b_plain + 24 * 24, (size_t)16 * 24 * sizeof *b);
    float *c = values_of("c.conv.weight", &how, &n);
    for (int o = 0; o < 24; o++) /* 40 inputs, 24 filters: all of them */
        for (int i = 0; i < 40 * 9; i++)
            assert_true(c[o * 360 + i] == (i == o * 9 + 4 ? 1.0F : 0.0F));
    free(b);
    free(b_plain);
    free(c);
    is_uniform("l.weight", &how, -1 / sqrt(200), 1 / sqrt(200));
}

static void norm_scales_of_2018(void **state)
{
    (void)state;
    is_uniform("c.norm.weight", &(struct initialise){.seed = 3, .norm = INITIALISE_UNIFORM}, 0, 1);
}

static void head_of_unit_std(void **state)
{
    (void)state;
    const struct initialise how = {.seed = 3, .head = INITIALISE_UNIT_STD};
    size_t n;
    float *value = values_of("l.weight", &how, &n);
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)value[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += ((double)value[i] - mean) * ((double)value[i] - mean);
    assert_true(fabs(sqrt(square / (double)(n - 1)) - 1) < 1e-6);
    free(value);
    is_uniform("m.weight", &how, -1 / sqrt(24), 1 / sqrt(24)); /* not the last */
}

static void whitening_filters_are_given(void **state)
{
    (void)state;
    float filters[24 * 12];
    size_t n;
    for (int i = 0; i < 24 * 12; i++)
        filters[i] = (float)i;
    float *value = values_of("w.weight", &(struct initialise){.conv = INITIALISE_DIRAC, .filters = filters}, &n);
    assert_int_equal(n, 24 * 12);
    assert_memory_equal(value, filters, sizeof filters);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pytorchs),
        cmocka_unit_test(dirac_passes_channels_on),
        cmocka_unit_test(norm_scales_of_2018),
        cmocka_unit_test(head_of_unit_std),
        cmocka_unit_test(whitening_filters_are_given),
    };
    return cmocka_run_group_tests(tests, make_plan, NULL);
}
