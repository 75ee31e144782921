#include "views/layout.h"
#include "views/run_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_divide(void **state)
{
    (void)state;
    int sizes[3];
    const struct layout_part parts[3] = {{2, 0, 0, 0}, {5, 0, 1, 1}, {5, 8, 2, 2}};
    layout_divide(12, 0, parts, 3, sizes);
    assert_true(sizes[0] == 2 && sizes[1] == 5 && sizes[2] == 5);
    layout_divide(11, 0, parts, 3, sizes); /* one short: the last to keep is left out, its room goes on */
    assert_true(sizes[0] == 2 && sizes[1] == 9 && sizes[2] == 0);
    layout_divide(40, 1, parts, 3, sizes); /* a maximum holds */
    assert_true(sizes[0] == 2 && sizes[1] == 28 && sizes[2] == 8);
    layout_divide(1, 0, parts, 3, sizes);
    assert_true(sizes[0] == 0 && sizes[1] == 0 && sizes[2] == 0);
    layout_divide(0, 3, parts, 3, sizes);
    assert_true(sizes[0] == 0 && sizes[1] == 0 && sizes[2] == 0);
}

static uint32_t seed = 5;

static int any(int below)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)(seed >> 8) % below;
}

static void test_divide_properties(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct layout_part parts[6];
        int sizes[6], n = 1 + any(6), length = any(200), gap = any(4), sum = 0, there = 0, can_grow = 0;
        for (int i = 0; i < n; i++) {
            int min = any(30);
            parts[i] = (struct layout_part){min, any(3) ? 0 : min + any(20), any(4), any(5)};
        }
        layout_divide(length, gap, parts, n, sizes);
        for (int i = 0; i < n; i++) {
            assert_true(sizes[i] == 0 || sizes[i] >= parts[i].min);
            assert_true(!parts[i].max || sizes[i] <= parts[i].max);
            assert_true(parts[i].min > 0 || sizes[i] == 0);
            sum += sizes[i];
            there += sizes[i] > 0;
            can_grow |= sizes[i] > 0 && parts[i].weight > 0 && !parts[i].max;
        }
        sum += there ? (there - 1) * gap : 0;
        assert_true(sum <= length);
        assert_true(!can_grow || sum == length); /* nothing is left lying about */
    }
}

static void expect_inside(struct rect r, struct rect area)
{
    assert_true(r.w >= 0 && r.h >= 0);
    if (r.w == 0 || r.h == 0)
        return;
    assert_true(r.x >= area.x && r.y >= area.y && r.x + r.w <= area.x + area.w && r.y + r.h <= area.y + area.h);
}

static void check_layout(int w, int h, const struct run_view_options *view, int recipe_lines, int notice_lines,
                         int forecast_lines)
{
    struct rect area = {3, 1, w, h};
    struct run_layout layout;
    run_layout_make(area, view, recipe_lines, notice_lines, forecast_lines, &layout);
    struct rect all[5 + RUN_PANELS] = {layout.recipe, layout.notice, layout.tiles, layout.forecast, layout.progress};
    int panels = 0;
    for (int i = 0; i < RUN_PANELS; i++) {
        all[5 + i] = layout.panel[i];
        panels += layout.panel[i].h > 0;
    }
    for (int i = 0; i < 5 + RUN_PANELS; i++) {
        expect_inside(all[i], area);
        for (int k = 0; k < i; k++) {
            struct rect both = rect_intersect(all[i], all[k]);
            assert_true(both.w == 0 || both.h == 0);
        }
    }
    assert_true(layout.progress.h == 1 || h == 0 || w == 0);
    if (h >= 8 && w > 0) { /* from here on the panel in focus is there, and alone when zoomed */
        assert_true(layout.panel[view->focus].h >= 4 || (w >= 66 && panels >= 2));
        assert_true(!view->zoomed || panels == 1);
    }
    if (w >= 78 && h >= 22)
        assert_int_equal(view->zoomed ? 1 : RUN_PANELS, panels);
}

static void test_run_layout(void **state)
{
    (void)state;
    for (int h = 0; h <= 120; h++) {
        for (int w = 0; w <= 400; w += w < 130 ? 1 : 9) {
            for (int k = 0; k < 2 * RUN_PANELS; k++) {
                struct run_view_options view = {.focus = k % RUN_PANELS, .zoomed = k / RUN_PANELS};
                check_layout(w, h, &view, 1 + k % 2, k / 2 % 2, k / 3 % 2);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divide),
        cmocka_unit_test(test_divide_properties),
        cmocka_unit_test(test_run_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
