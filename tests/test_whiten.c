/* Whitening filters against NumPy, and against what they are for. */
#include "engine/whiten.h"

#include "kernels/parallel.h"
#include "kernels/patches.h"
#include "tests/whiten_values.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 20
#define CHANNELS 3
#define HEIGHT 9
#define WIDTH 8
#define PLANE (HEIGHT * WIDTH)
#define M_MAX 27

static uint8_t pixels[COUNT * CHANNELS * PLANE];
static struct images images;

/* As make_whiten_values.py does. */
static int make_images(void **state)
{
    (void)state;
    uint32_t noise = 1;
    for (int row = 0; row < COUNT * CHANNELS * HEIGHT; row++)
        for (int x = 0, last = 128; x < WIDTH; x++) {
            noise = noise * 1664525u + 1013904223u;
            last = (last * 3 + (int)(noise >> 24)) / 4;
            pixels[row * WIDTH + x] = (uint8_t)last;
        }
    images = (struct images){
        .pixels = pixels, .count = COUNT, .channels = CHANNELS, .height = HEIGHT, .width = WIDTH, .classes = 10};
    for (int c = 0; c < CHANNELS; c++) {
        double sum = 0, square = 0, n = COUNT * PLANE;
        for (int i = 0; i < COUNT * PLANE; i++) {
            double value = pixels[(i / PLANE * CHANNELS + c) * PLANE + i % PLANE];
            sum += value;
            square += value * value;
        }
        images.mean[c] = (float)(sum / n);
        images.std[c] = (float)sqrt(square / n - sum / n * (sum / n));
    }
    return 0;
}

static void compute(const struct whiten *whiten, float *filters, double *values)
{
    struct error err = {""};
    if (whiten_compute(whiten, &images, filters, values, &err))
        fail_msg("%s", err.text);
}

static void near(const char *what, double is, double should)
{
    if (!(fabs(is - should) < 2e-5 * (1 + fabs(should))))
        fail_msg("%s: %.9g, not %.9g", what, is, should);
}

static void numbers_are_numpys(void **state)
{
    (void)state;
    float filters[2 * M_MAX * M_MAX];
    double values[M_MAX];
    const struct whiten three = {.kernel = 3, .eps = 1e-2, .images = 10000};
    assert_int_equal(whiten_filters(&three, CHANNELS), 27);
    compute(&three, filters, values);
    for (int i = 0; i < 27; i++) {
        near("eigenvalue", values[i], values_3x3[i]);
        near("first filter", (double)filters[i], first_3x3[i]);
        near("last filter", (double)filters[26 * 27 + i], last_3x3[i]);
    }
    const struct whiten two = {.kernel = 2, .negatives = 1, .eps = 5e-4, .images = 10000};
    assert_int_equal(whiten_filters(&two, CHANNELS), 24);
    compute(&two, filters, values);
    for (int i = 0; i < 12; i++) {
        near("eigenvalue", values[i], values_2x2[i]);
        near("first filter", (double)filters[i], first_2x2[i]);
        near("last filter", (double)filters[11 * 12 + i], last_2x2[i]);
    }
    for (int i = 0; i < 12 * 12; i++)
        assert_true(filters[144 + i] == -filters[i]);
}

static void moments_are_those_of_the_patches(void **state)
{
    (void)state;
    static int64_t sum[M_MAX], product[M_MAX * M_MAX], again[M_MAX * M_MAX];
    for (int k = 1; k <= 3; k++) {
        int m = CHANNELS * k * k;
        size_t n = patches_moments(&images, 7, k, sum, product);
        assert_int_equal(n, 7 * (HEIGHT - k + 1) * (WIDTH - k + 1));
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++) {
                int64_t s = 0, p = 0;
                for (int image = 0; image < 7; image++)
                    for (int y = 0; y + k <= HEIGHT; y++)
                        for (int x = 0; x + k <= WIDTH; x++) {
                            const uint8_t *at = pixels + image * CHANNELS * PLANE + y * WIDTH + x;
                            int a = at[i / (k * k) * PLANE + i / k % k * WIDTH + i % k];
                            int b = at[j / (k * k) * PLANE + j / k % k * WIDTH + j % k];
                            s += a;
                            p += a * b;
                        }
                assert_true(sum[i] == s && product[i * m + j] == p);
            }
        parallel_set_threads(1);
        patches_moments(&images, 7, k, sum, again);
        parallel_set_threads(0);
        assert_memory_equal(product, again, sizeof again[0] * (size_t)(m * m));
    }
    assert_int_equal(patches_moments(&images, 7, WIDTH + 1, sum, product), 0);
}

/* Their outputs, over the patches they were made of, have covariance eigenvalue / (eigenvalue + eps), and 0 between. */
static void outputs_are_white(void **state)
{
    (void)state;
    const struct whiten whiten = {.kernel = 2, .eps = 0.1, .images = 5};
    float filters[144];
    double values[12], covariance[12][12] = {{0}};
    int n = 0;
    compute(&whiten, filters, values);
    for (int image = 0; image < 5; image++)
        for (int y = 0; y + 2 <= HEIGHT; y++)
            for (int x = 0; x + 2 <= WIDTH; x++, n++) {
                double out[12] = {0};
                for (int f = 0; f < 12; f++)
                    for (int e = 0; e < 12; e++) {
                        int c = e / 4;
                        double byte = pixels[(image * CHANNELS + c) * PLANE + (y + e / 2 % 2) * WIDTH + x + e % 2];
                        out[f] += (double)filters[f * 12 + e] * (byte - (double)images.mean[c]) / (double)images.std[c];
                    }
                for (int f = 0; f < 12; f++)
                    for (int g = 0; g < 12; g++)
                        covariance[f][g] += out[f] * out[g];
            }
    for (int f = 0; f < 12; f++)
        for (int g = 0; g < 12; g++)
            near("covariance", covariance[f][g] / (n - 1), f == g ? values[f] / (values[f] + 0.1) : 0);
}

static void what_has_no_variance_needs_eps(void **state)
{
    (void)state;
    struct error err = {""};
    struct images flat = images;
    static uint8_t same[CHANNELS * PLANE];
    float filters[144];
    memset(same, 100, sizeof same);
    flat.pixels = same;
    flat.count = 1;
    for (int c = 0; c < CHANNELS; c++) {
        flat.mean[c] = 100;
        flat.std[c] = 1;
    }
    const struct whiten none = {.kernel = 2, .eps = 0, .images = 1}, some = {.kernel = 2, .eps = 0.25, .images = 1};
    assert_int_equal(whiten_compute(&none, &flat, filters, NULL, &err), -1);
    assert_non_null(strstr(err.text, "eigenvalue 1"));
    assert_int_equal(whiten_compute(&some, &flat, filters, NULL, &err), 0);
    for (int i = 0; i < 144; i++)
        assert_true(isfinite(filters[i]) && fabs((double)filters[i]) <= 2.0000001);
    flat.height = 1; /* no lack of memory */
    assert_int_equal(whiten_compute(&some, &flat, filters, NULL, &err), -1);
    assert_non_null(strstr(err.text, "no patches of 2 x 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_numpys),
        cmocka_unit_test(moments_are_those_of_the_patches),
        cmocka_unit_test(outputs_are_white),
        cmocka_unit_test(what_has_no_variance_needs_eps),
    };
    return cmocka_run_group_tests(tests, make_images, NULL);
}
