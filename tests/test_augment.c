/* kernels/augment: the transforms by hand on tiny images, and the three forms of the result against each other. */
#include "kernels/augment.h"

#include "kernels/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two 2-channel 3x4 images; pixel = 100 * image + 50 * channel + 4 * y + x. */
static uint8_t pixels[2 * 2 * 3 * 4];
static const uint8_t labels[2] = {0, 1};
static struct images images = {
    .pixels = pixels,
    .labels = labels,
    .count = 2,
    .channels = 2,
    .height = 3,
    .width = 4,
    .classes = 2,
    .mean = {5.5f, 60.4f},
    .std = {2, 0},
};

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < 48; i++)
        pixels[i] = (uint8_t)(100 * (i / 24) + 50 * (i / 12 % 2) + i % 12);
    return 0;
}

static void check_gather(const struct choice *choice, const int16_t expected[12])
{
    int16_t source[12];
    augment_gather(choice, 3, 4, source);
    for (int i = 0; i < 12; i++)
        assert_int_equal(source[i], expected[i]);
}

static void test_identity(void **state)
{
    (void)state;
    struct choice choice = choice_identity(7);
    assert_int_equal(choice.image, 7);
    check_gather(&choice, (const int16_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    choice.pad = choice.crop_y = choice.crop_x = 2;
    check_gather(&choice, (const int16_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

/* Expected by hand from numpy.pad(mode="reflect") = torch 'reflect'. */
static void test_reflect_crop(void **state)
{
    (void)state;
    struct choice top_left = {.pad = 2, .crop_y = 0, .crop_x = 0};
    check_gather(&top_left, (const int16_t[]){10, 9, 8, 9, 6, 5, 4, 5, 2, 1, 0, 1});
    struct choice bottom_right = {.pad = 2, .crop_y = 4, .crop_x = 4};
    check_gather(&bottom_right, (const int16_t[]){10, 11, 10, 9, 6, 7, 6, 5, 2, 3, 2, 1});
}

static void test_flips_come_after_the_crop(void **state)
{
    (void)state;
    struct choice flip = {.flip = CHOICE_FLIP_HORIZONTAL};
    check_gather(&flip, (const int16_t[]){3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8});
    flip.flip = CHOICE_FLIP_VERTICAL;
    check_gather(&flip, (const int16_t[]){8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3});
    struct choice both = {.pad = 1, .crop_y = 1, .crop_x = 0, .flip = CHOICE_FLIP_HORIZONTAL};
    check_gather(&both, (const int16_t[]){2, 1, 0, 1, 6, 5, 4, 5, 10, 9, 8, 9});
}

static void test_box_is_last_and_clipped(void **state)
{
    (void)state;
    struct choice choice = {.flip = CHOICE_FLIP_HORIZONTAL, .cut_y = 1, .cut_x = 2, .cut_h = 1, .cut_w = 2};
    check_gather(&choice, (const int16_t[]){3, 2, 1, 0, 7, 6, -1, -1, 11, 10, 9, 8});
    choice = (struct choice){.cut_y = 2, .cut_x = 3, .cut_h = 200, .cut_w = 255};
    check_gather(&choice, (const int16_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1});
    choice = (struct choice){.cut_h = 3}; /* zero width: no box */
    check_gather(&choice, (const int16_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

static void test_table(void **state)
{
    (void)state;
    struct augment_table table;
    augment_table_init(&table, &images);
    assert_true(table.value[0][0] == -5.5f / 2);
    assert_true(table.value[0][255] == (255 - 5.5f) / 2);
    assert_true(table.value[1][60] == 60 - 60.4f); /* std 0: only centred, no infinities */
}

static void test_bytes_and_floats_follow_the_gather(void **state)
{
    (void)state;
    struct augment_table table;
    augment_table_init(&table, &images);
    for (uint64_t draw = 0; draw < 500; draw++) {
        struct rng_block a = rng_philox(1, RNG_TEST, 0, draw), b = rng_philox(1, RNG_TEST, 1, draw);
        struct choice choice = {.image = (uint32_t)(draw & 1), .pad = (uint8_t)rng_below(a.word[0], 3)};
        choice.crop_y = (uint8_t)rng_below(a.word[1], 2u * choice.pad + 1);
        choice.crop_x = (uint8_t)rng_below(a.word[2], 2u * choice.pad + 1);
        choice.flip = (uint8_t)rng_below(a.word[3], 4);
        choice.cut_h = (uint8_t)rng_below(b.word[0], 3);
        choice.cut_w = (uint8_t)rng_below(b.word[1], 3);
        choice.cut_y = (uint8_t)rng_below(b.word[2], 3);
        choice.cut_x = (uint8_t)rng_below(b.word[3], 4);
        int16_t source[12];
        uint8_t bytes[24];
        float floats[24];
        augment_gather(&choice, 3, 4, source);
        struct batch batch = {.images = &images, .choices = &choice, .n = 1};
        augment_bytes(&batch, 0, bytes);
        augment_floats(&batch, &table, 0, floats);
        for (int i = 0; i < 24; i++) {
            int from = source[i % 12], channel = i / 12;
            assert_in_range(from + 1, 0, 12);
            const uint8_t *plane = pixels + choice.image * 24 + channel * 12;
            if (from < 0) {
                assert_int_equal(bytes[i], channel ? 60 : 6); /* 5.5 rounds to even */
                assert_true(floats[i] == 0);
            } else {
                assert_int_equal(bytes[i], plane[from]);
                assert_true(floats[i] == table.value[channel][plane[from]]);
            }
        }
    }
}

static void test_colors(void **state)
{
    (void)state;
    struct augment_table table;
    augment_table_init(&table, &images);
    struct choice choice = {.image = 1, .brightness = 0.5f, .contrast = -0.25f, .cut_y = 1, .cut_h = 1, .cut_w = 2};
    struct batch batch = {.images = &images, .choices = &choice, .n = 1};
    float floats[24];
    uint8_t bytes[24];
    augment_floats(&batch, &table, 0, floats);
    augment_bytes(&batch, 0, bytes);
    for (int i = 0; i < 24; i++) {
        int cut = i % 12 == 4 || i % 12 == 5, channel = i / 12;
        float value = table.value[channel][pixels[24 + i]], want = (value + 0.5f) * 0.75f;
        assert_true(floats[i] == (cut ? 0 : want)); /* the box stays the mean's colour */
        float color = (cut ? 0 : want) * (channel ? 1 : 2) + images.mean[channel];
        assert_int_equal(bytes[i], lrintf(fminf(fmaxf(color, 0), 255)));
    }
    choice.brightness = 1000; /* what to look at is cut off, what is trained on is not */
    augment_bytes(&batch, 0, bytes);
    augment_floats(&batch, &table, 0, floats);
    assert_int_equal(bytes[0], 255);
    assert_true(floats[0] == (table.value[0][100] + 1000) * 0.75f);
}

/* plane[y][x] = (7 y^2 + 5 x^2 + 3 x y) mod 23 - 11 */
static void shrink_formula(int h, int w, int out_h, int out_w, float *out)
{
    static float in[32 * 32], between[32 * 32];
    struct shrink_axis rows, columns;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            in[y * w + x] = (float)((7 * y * y + 5 * x * x + 3 * x * y) % 23) - 11;
    shrink_axis_init(&rows, h, out_h);
    shrink_axis_init(&columns, w, out_w);
    shrink_plane(&rows, &columns, in, between, out);
}

/* torch.nn.functional.interpolate(plane, size, mode="bilinear", antialias=True) in float64. */
static void test_shrinks_as_pytorch_does(void **state)
{
    (void)state;
    static const double small[12] = {-4.94557823, 3.97354497, 2.6122449,  -0.182857143, 3.02222222, 6.32,
                                     4.28571429,  3.02222222, 2.11428571, 6.80272109,   2.07407407, 0.816326531};
    static const double column[9] = {0.875, 0.875, 3.375, 1.66666667, 4.375, 2.875, 3.875, 0.666666667, 1.875};
    static const double large[2][6] = {{-7.13, 5.5, 5.13636364, 3.03305785, 2.04, 6175.33106},
                                       {-5.58884298, 4.75619835, 5.90123457, 0.997037037, 1.76033058, 3346.24321}};
    float out[24 * 24];
    shrink_formula(7, 5, 4, 3, out);
    for (int i = 0; i < 12; i++)
        assert_true(fabs((double)out[i] - small[i]) < 5e-6);
    shrink_formula(9, 4, 9, 1, out);
    for (int i = 0; i < 9; i++)
        assert_true(fabs((double)out[i] - column[i]) < 5e-6);
    for (int k = 0; k < 2; k++) {
        int n = k ? 20 : 24;
        double squares = 0;
        shrink_formula(32, 32, n, n, out);
        const int at[5] = {0, n - 1, n + 2, n / 2 * n + 3, n * n - 1};
        for (int i = 0; i < 5; i++)
            assert_true(fabs((double)out[at[i]] - large[k][i]) < 5e-6);
        for (int i = 0; i < n * n; i++)
            squares += (double)out[i] * (double)out[i];
        assert_true(fabs(squares / large[k][5] - 1) < 1e-6);
    }
    shrink_formula(6, 8, 6, 8, out); /* the same size: the same values */
    for (int i = 0; i < 48; i++)
        assert_true(out[i] ==
                    (float)((7 * (i / 8) * (i / 8) + 5 * (i % 8) * (i % 8) + 3 * (i % 8) * (i / 8)) % 23) - 11);
}

/* Shrinking comes last, box and all; the bytes to look at are the shrunk values' colours. */
static void test_shrunk_batch(void **state)
{
    (void)state;
    struct augment_table table;
    struct shrink_axis rows, columns;
    struct choice choice = {.image = 1, .flip = CHOICE_FLIP_HORIZONTAL, .contrast = 0.5f, .cut_h = 1, .cut_w = 3};
    struct batch batch = {.images = &images, .choices = &choice, .n = 1};
    float whole[24], shrunk[12], between[9], want[6];
    uint8_t bytes[12];
    augment_table_init(&table, &images);
    augment_floats(&batch, &table, 0, whole);
    batch.height = 2;
    batch.width = 3;
    augment_floats(&batch, &table, 0, shrunk);
    augment_bytes(&batch, 0, bytes);
    shrink_axis_init(&rows, 3, 2);
    shrink_axis_init(&columns, 4, 3);
    for (int channel = 0; channel < 2; channel++) {
        shrink_plane(&rows, &columns, whole + 12 * channel, between, want);
        for (int i = 0; i < 6; i++) {
            assert_true(shrunk[6 * channel + i] == want[i]);
            float color = want[i] * (channel ? 1 : 2) + images.mean[channel];
            assert_int_equal(bytes[6 * channel + i], lrintf(fminf(fmaxf(color, 0), 255)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_reflect_crop),
        cmocka_unit_test(test_flips_come_after_the_crop),
        cmocka_unit_test(test_box_is_last_and_clipped),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_bytes_and_floats_follow_the_gather),
        cmocka_unit_test(test_colors),
        cmocka_unit_test(test_shrinks_as_pytorch_does),
        cmocka_unit_test(test_shrunk_batch),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
