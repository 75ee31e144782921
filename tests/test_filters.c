/* Filters as a picture: where each pixel's colour comes from. */
#include "tests/figure_checks.h"
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
    memset(values, 0, sizeof values);
    values[0][0][0][1] = 2;  /* red, top right: brightest */
    values[0][2][1][0] = -1; /* blue, bottom left: half as far down */
    const struct filters two = {.values = &values[0][0][0][0], .count = 2, .channels = 3, .kernel = 2};
    assert_int_equal(filters_pixel(&two, 0, 0, 1), 0xff8080);
    assert_int_equal(filters_pixel(&two, 0, 1, 0), 0x808040);
    assert_int_equal(filters_pixel(&two, 0, 0, 0), 0x808080);
    assert_int_equal(filters_pixel(&two, 1, 0, 0), 0x808080); /* a filter of zeros is grey */
}

static void other_channels(void **state)
{
    (void)state;
    const float values[4] = {1, 0, 0, -0.5f};
    struct error err = {""};
    struct filters one = {.values = values, .count = 1, .channels = 1, .kernel = 2};
    assert_int_equal(filters_check(&one, &err), 0);
    assert_int_equal(filters_pixel(&one, 0, 0, 0), 0xffffff);
    assert_int_equal(filters_pixel(&one, 0, 1, 1), 0x404040);
    one.channels = 2;
    assert_int_equal(filters_check(&one, &err), -1);
    assert_non_null(strstr(err.text, "2 channels"));
}

/* Title, an eigenvalue below each filter, and the scale; in any box without harm. */
static void a_figure_says_what_it_shows(void **state)
{
    (void)state;
    float values[54 * 27];
    double eigenvalues[27];
    struct error err = {""};
    for (int i = 0; i < 54 * 27; i++)
        values[i] = (float)(i % 7 - 3);
    for (int i = 0; i < 27; i++)
        eigenvalues[i] = 100 - i;
    const struct filters filters = {values, eigenvalues, 54, 3, 3};
    struct figure_page page = {FIGURE_SVG, 520, 0, 0, "The whitening filters of x", "of y", "made by z"};
    page.height = figure_page_height(&page, filters_height(&filters));
    struct figure *figure = figure_new(&page, &err);
    assert_non_null(figure);
    filters_draw(figure, &filters, figure_content(figure));
    assert_true(figure_check_says(figure, "100") && figure_check_says(figure, "74"));
    assert_true(figure_check_says(figure, "of the filter's largest element"));
    const struct figure_placed *texts;
    size_t n = figure_texts(figure, &texts);
    assert_int_equal(n, 3 + 54 + 4); /* title, subtitle, caption; the filters; the scale */
    figure_check_texts(figure);
    figure_free(figure);
    for (int size = 1; size < 40; size += 3) {
        struct figure_page small = {FIGURE_SVG, size * 10, size * 10, 0, NULL, NULL, NULL};
        figure = figure_new(&small, &err);
        filters_draw(figure, &filters, figure_content(figure));
        figure_free(figure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(colours), cmocka_unit_test(other_channels),
                                       cmocka_unit_test(a_figure_says_what_it_shows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
