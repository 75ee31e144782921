/* The Tricks screen as it is drawn: golden screens in tests/golden/tricks-*.txt, and every small size. */
#include "tests/golden_screen.h"
#include "tests/tricks_form.h"
#include "views/tricks_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void draw(const void *model, struct grid *grid, struct rect area)
{
    tricks_view_draw(model, grid, area);
}

static void test_golden(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    form_add_last(model);
    form_go(model, (struct draft_place){DRAFT_TRICK, FORM_CUTOUT});
    tricks_model_toggle(model);
    golden_check_sizes("tricks", draw, model);
    form_go(model, (struct draft_place){DRAFT_TRICK, FORM_HOT});
    tricks_model_toggle(model);
    tricks_model_move(model, 1);
    tricks_model_toggle(model);
    golden_check("tricks-conflict", 80, 24, 0, draw, model);
    form_go_knob(model, "epochs");
    tricks_model_edit(model);
    form_type(model, "0");
    golden_check("tricks-edit", 80, 24, 0, draw, model);
    golden_check("tricks-edit", 40, 10, 1, draw, model);
    line_edit_set(&model->edit, "30");
    assert_true(tricks_model_accept(model));
    tricks_model_ready(model, TRICKS_QUEUES, &model->draft.recipe);
    tricks_model_open(model, TRICKS_PLOT);
    tricks_model_add_knot(model, 1);
    golden_check_sizes("tricks-plot", draw, model);
    tricks_model_cancel(model);
    tricks_model_end(model, 0);
    golden_check("tricks-queued", 120, 40, 0, draw, model);
    tricks_model_show(model, TRICKS_CHANGED);
    golden_check("tricks-changed", 80, 24, 0, draw, model);
    tricks_model_filter(model, "nonsense");
    golden_check("tricks-nothing", 80, 24, 0, draw, model);
    tricks_model_filter(model, "celu"); /* the trick is not among the changes, but it is there */
    assert_int_equal(model->show, TRICKS_ALL);
    assert_true(model->n_rows > 1);
    form_close(model);
}

static void test_small_sizes(void **state)
{
    (void)state;
    for (int mode = TRICKS_BROWSE; mode <= TRICKS_PLOT; mode++) {
        struct tricks_model *model = form_open();
        form_add_last(model);
        for (int row = 0; row < model->n_rows; row += mode == TRICKS_BROWSE ? 3 : 17) {
            model->mode = TRICKS_BROWSE;
            tricks_model_go(model, row);
            if (mode == TRICKS_EDIT) {
                tricks_model_edit(model);
                form_type(model, "?");
            } else if (mode != TRICKS_BROWSE) {
                tricks_model_open(model, (enum tricks_mode)mode);
            }
            golden_check_small(draw, model);
        }
        form_close(model);
    }
}

/* The list always shows the cursor, whatever the size, and a click finds the row that is drawn there. */
static void test_layout_shows_the_cursor(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    for (int i = 0; i < 400; i++) {
        struct rect area = {i % 3, i % 5, 20 + i * 7 % 200, 5 + i * 11 % 60};
        struct tricks_layout layout;
        tricks_model_go(model, i * 13 % model->n_rows);
        tricks_layout_make(model, area, &layout);
        assert_true(layout.list.h > 0);
        assert_true(layout.top <= model->cursor && model->cursor < layout.top + layout.list.h);
        const struct rect parts[] = {layout.head, layout.list, layout.detail, layout.chart, layout.command};
        for (int a = 0; a < 5; a++) {
            struct rect inside = rect_intersect(parts[a], area);
            if (parts[a].w > 0 && parts[a].h > 0)
                assert_memory_equal(&inside, &parts[a], sizeof inside);
            for (int b = 0; b < a; b++) {
                struct rect both = rect_intersect(parts[a], parts[b]);
                assert_true(both.w <= 0 || both.h <= 0);
            }
        }
        int y = layout.list.y + model->cursor - layout.top;
        assert_int_equal(tricks_view_row_at(model, area, layout.list.x, y), model->cursor);
        assert_int_equal(tricks_view_row_at(model, area, layout.list.x, layout.list.y - 1), -1);
    }
    form_close(model);
}

static void test_drawing_changes_nothing(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    form_add_last(model);
    struct tricks_model *before = malloc(sizeof *before);
    memcpy(before, model, sizeof *before);
    struct grid grid;
    assert_int_equal(grid_init(&grid, 120, 40), 0);
    draw(model, &grid, (struct rect){0, 0, 120, 40});
    assert_memory_equal(before, model, sizeof *before);
    grid_release(&grid);
    free(before);
    form_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_small_sizes),
        cmocka_unit_test(test_layout_shows_the_cursor),
        cmocka_unit_test(test_drawing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, form_enter, form_leave);
}
