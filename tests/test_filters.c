/* Filters as a picture: where each pixel's colour comes from. */
#include "views/filters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void colours(void **state)
{
    (void)state;
    float values[2][3][2][2];
    struct error err = {""};
    uint8_t *rgb;
    int width, height;
    memset(values, 0, sizeof values);
    values[0][0][0][1] = 2;  /* red, top right: brightest */
    values[0][2][1][0] = -1; /* blue, bottom left: half as far down */
    const struct filters two = {
        .values = &values[0][0][0][0], .count = 2, .channels = 3, .kernel = 2, .columns = 1, .scale = 5};
    if (filters_draw(&two, &rgb, &width, &height, &err))
        fail_msg("%s", err.text);
    assert_int_equal(width, 4 + 10 + 4);
    assert_int_equal(height, 4 + 10 + 4 + 10 + 4);
    const uint8_t *right = rgb + ((4 + 4) * width + 4 + 5) * 3, *left = rgb + ((4 + 5) * width + 4 + 4) * 3;
    assert_true(right[0] == 255 && right[1] == 128 && right[2] == 128);
    assert_true(left[0] == 128 && left[1] == 128 && left[2] == 64);
    const uint8_t *nothing = rgb + ((4 + 10 + 4) * width + 4) * 3; /* a filter of zeros is grey */
    assert_true(nothing[0] == 128 && nothing[1] == 128 && nothing[2] == 128);
    assert_true(rgb[0] == 24 && rgb[(width * height - 1) * 3] == 24);
    free(rgb);
}

static void other_channels(void **state)
{
    (void)state;
    const float values[4] = {1, 0, 0, 0};
    struct error err = {""};
    uint8_t *rgb;
    int width, height;
    struct filters one = {.values = values, .count = 1, .channels = 1, .kernel = 2, .columns = 4, .scale = 1};
    assert_int_equal(filters_draw(&one, &rgb, &width, &height, &err), 0);
    assert_int_equal(rgb[(4 * width + 4) * 3 + 1], 255);
    free(rgb);
    one.channels = 2;
    assert_int_equal(filters_draw(&one, &rgb, &width, &height, &err), -1);
    assert_non_null(strstr(err.text, "2 channels"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(colours), cmocka_unit_test(other_channels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
