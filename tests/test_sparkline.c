/* Sparklines: what stands in each cell, in braille and in ASCII, and every small size. */
#include "tests/golden_screen.h"
#include "views/sparkline.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct values {
    const double *value;
    int n;
};

static void draw(const void *model, struct grid *grid, struct rect area)
{
    const struct values *values = model;
    sparkline_draw(values->value, values->n, COLOR_ACCENT, grid, area);
}

static void check(const double *value, int n, int w, int h, int ascii, const char *expected)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, w, h), 0);
    grid.ascii = ascii;
    sparkline_draw(value, n, COLOR_ACCENT, &grid, (struct rect){0, 0, w, h});
    char *text = grid_text(&grid);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    grid_release(&grid);
}

/* The largest fills its column, the smallest has one step; what is not known leaves its column empty. */
static void test_steps(void **state)
{
    (void)state;
    const double rising[] = {1, 2, 3, 4}, gap[] = {4, NAN, 1, NAN};
    check(rising, 4, 2, 1, 0, "⣠⣾\n");
    check(rising, 4, 2, 2, 0, " ⣼\n⣰⣿\n");
    check(gap, 4, 2, 1, 0, "⡇⡀\n");
    check(rising, 4, 4, 1, 1, "_--^\n");
    check(gap, 4, 4, 1, 1, "^ _\n");
}

/* More values than columns: means; fewer: wider columns, up to two cells each. */
static void test_widths(void **state)
{
    (void)state;
    const double many[] = {1, 1, 1, 1, 5, 3, 4, 4}, few[] = {1, 2};
    check(many, 8, 1, 1, 0, "⣸\n");
    check(few, 2, 3, 1, 0, "⣀⣸⣿\n");
    check(few, 2, 9, 1, 1, "____^^^^\n");
    struct grid grid = {.ascii = 0};
    assert_int_equal(sparkline_width(13, &grid, 24), 13);
    assert_int_equal(sparkline_width(40, &grid, 24), 20);
    assert_int_equal(sparkline_width(256, &grid, 24), 24);
    grid.ascii = 1;
    assert_int_equal(sparkline_width(40, &grid, 24), 24);
}

/* A ripple of a hundredth does not look like a doubling; all alike, nothing or unknown: no division by zero. */
static void test_ripples(void **state)
{
    (void)state;
    const double ripple[] = {100, 101}, same[] = {3, 3, 3, 3}, zero[] = {0, 0}, unknown[] = {NAN, NAN};
    check(ripple, 2, 1, 1, 0, "⣀\n");
    check(same, 4, 2, 1, 0, "⣀⣀\n");
    check(zero, 2, 1, 1, 0, "⣀\n");
    check(unknown, 2, 1, 1, 0, "\n");
    check(unknown, 0, 1, 1, 0, "\n");
}

static void test_every_size(void **state)
{
    (void)state;
    const double value[] = {1, 9, NAN, 4, 4, 7, 1e9, 3};
    const struct values some = {value, 8}, none = {value, 0};
    golden_check_small(draw, &some);
    golden_check_small(draw, &none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_ripples),
        cmocka_unit_test(test_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
