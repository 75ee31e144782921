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
        augment_bytes(&images, &choice, bytes);
        augment_floats(&images, &table, &choice, floats);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_reflect_crop),
        cmocka_unit_test(test_flips_come_after_the_crop),
        cmocka_unit_test(test_box_is_last_and_clipped),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_bytes_and_floats_follow_the_gather),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
