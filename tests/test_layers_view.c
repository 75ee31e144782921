/* The Layers screen: golden screens and every small size. */
#include "tests/fake_layers.h"
#include "tests/fake_timing.h"
#include "tests/golden_screen.h"
#include "views/layers_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void draw(const void *model, struct grid *grid, struct rect area)
{
    layers_view_draw(model, grid, area);
}

static void draw_in_mono(const void *model, struct grid *grid, struct rect area)
{
    grid->few_colors = 1;
    layers_view_draw(model, grid, area);
}

/* ---- pictures ---- */

static void test_golden(void **state)
{
    (void)state;
    struct layers_model model;
    struct layers_layout layout;
    static const int sizes[][2] = {{80, 24}, {40, 10}, {200, 60}, {120, 40}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        layers_layout_make((struct rect){0, 0, sizes[i][0], sizes[i][1]}, &layout);
        fake_layers(&model, layout.list.h); /* as much is open as fits */
        for (int ascii = 0; ascii < 2; ascii++)
            golden_check("layers", sizes[i][0], sizes[i][1], ascii, draw, &model);
        layers_model_release(&model);
    }
}

static void test_golden_other_ways(void **state)
{
    (void)state;
    struct layers_model model;
    fake_layers(&model, 0);
    layers_model_fold_all(&model);
    layers_model_set_sort(&model, LAYERS_BY_TIME);
    model.per_epoch = 1;
    fake_layers_select(&model, "layer1/residual/res1/act");
    golden_check("layers-by-time", 80, 24, 0, draw, &model);
    golden_check("layers-mono", 80, 24, 0, draw_in_mono, &model);
    layers_model_set_flat(&model, 1);
    golden_check("layers-flat", 120, 30, 0, draw, &model);
    layers_model_set_flat(&model, 0);
    layers_model_set_phases(&model, LAYERS_BACKWARD);
    golden_check("layers-backward", 80, 24, 0, draw, &model);
    golden_check("layers-backward", 40, 10, 1, draw, &model);
    layers_model_release(&model);
}

/* What an older timing.json does not say is said to be unknown, and takes no other's place. */
static void forget_version_2(struct timing *timing)
{
    timing->machine.flops = timing->machine.bytes = timing->wall_ms = timing->timing_percent = NAN;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        timing->part_ms[p] = timing->hidden_ms[p] = NAN;
    for (int i = 0; i < timing->n_steps; i++)
        timing->steps[i].ms_sd = timing->steps[i].bytes = NAN;
    for (int i = 0; i < timing->n_rows; i++)
        timing->rows[i].activation_bytes = timing->rows[i].weight_bytes = NAN;
    timing->n_history = 0;
}

/* Loader threads augment beside the step. */
static void hide_augmentation(struct timing *timing)
{
    timing->hidden_ms[TIMING_AUGMENT] = 181;
    timing->part_ms[TIMING_AUGMENT] = timing->part_ms[TIMING_TRANSFER] = NAN;
    timing->part_ms[TIMING_DATA] = 402;
}

/* The model of a breakdown with that change, whose weights are all updated in one step. */
static void begin_changed(struct layers_model *model, int page, void (*change)(struct timing *))
{
    struct timing timing;
    layers_model_init(model);
    layers_model_set_page(model, page);
    fake_timing(&timing, 1, 1);
    change(&timing);
    assert_int_equal(layers_model_take(model, &timing), 0);
}

static void test_golden_of_version_1(void **state)
{
    (void)state;
    struct layers_model model;
    begin_changed(&model, 24, forget_version_2);
    golden_check("layers-version-1", 80, 24, 0, draw, &model);
    golden_check("layers-version-1", 120, 40, 1, draw, &model);
    golden_check_small(draw, &model);
    fake_layers_select(&model, "(update, all)");
    layers_model_set_phases(&model, LAYERS_FORWARD); /* of which that node has nothing */
    golden_check_small(draw, &model);
    layers_model_release(&model);
}

/* Ceilings measured while other programs ran: said beside the floor, shorter where there is less room. */
static void test_golden_busy(void **state)
{
    (void)state;
    static const int sizes[][2] = {{80, 24}, {120, 40}, {160, 50}, {40, 14}};
    struct layers_model model;
    fake_layers(&model, 24);
    model.timing.machine.noisy = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        golden_check("layers-busy", sizes[i][0], sizes[i][1], sizes[i][0] == 120, draw, &model);
    golden_check_small(draw, &model);
    layers_model_release(&model);
}

/* Work beside the step is told where there is room. */
static void test_golden_hidden(void **state)
{
    (void)state;
    struct layers_model model;
    begin_changed(&model, 40, hide_augmentation);
    fake_layers_select(&model, "(update, all)");
    golden_check("layers-hidden", 160, 50, 0, draw, &model);
    layers_model_release(&model);
}

static void test_golden_roofline(void **state)
{
    (void)state;
    struct layers_model model;
    fake_layers(&model, 43);
    model.roof = 1;
    golden_check("layers-roofline", 120, 40, 0, draw, &model); /* the cursor is on a block: all its rows */
    fake_layers_select(&model, "layer1/residual/res1/conv");
    golden_check("layers-roofline", 100, 28, 1, draw, &model);
    golden_check("layers-roofline", 200, 60, 0, draw, &model);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    fake_layers_select(&model, "prep/norm"); /* no arithmetic to speak of: at the left edge */
    golden_check("layers-roofline-forward", 120, 40, 0, draw, &model);
    golden_check_small(draw, &model); /* where there is no room: the rows */
    assert_int_equal(layers_view_line_at(&model, (struct rect){0, 0, 120, 40}, 4, 20), -1);
    assert_true(layers_view_line_at(&model, (struct rect){0, 0, 80, 24}, 4, 10) >= 0);
    model.timing.machine.flops = NAN; /* not measured for every precision */
    golden_check("layers-roofline-slope", 120, 40, 0, draw, &model);
    model.timing.machine.bytes = NAN;
    golden_check("layers-roofline-none", 120, 40, 0, draw, &model);
    layers_model_release(&model);
}

static int shows(const struct grid *grid, const char *wanted)
{
    char line[8192];
    for (int y = 0; y < grid->h; y++) {
        size_t used = 0;
        for (int x = 0; x < grid->w; x++)
            used += (size_t)snprintf(line + used, sizeof line - used, "%s", grid->cells[y * grid->w + x].text);
        if (strstr(line, wanted))
            return 1;
    }
    return 0;
}

/* A direct convolution in these times would be above the roof. */
static void use_winograd(struct timing *timing)
{
    timing->machine.flops = 0.8e12;
    for (int i = 0; i < timing->n_steps; i++)
        if (timing->steps[i].n_rows > 0 && strcmp(timing->rows[timing->steps[i].rows[0]].op, "conv") == 0)
            snprintf(timing->steps[i].impl, sizeof timing->steps[i].impl, "own:winograd:avx512");
}

/* What the roof is and what the points are is read whole, whatever row the cursor is on. */
static void test_roofline_texts(void **state)
{
    (void)state;
    static const int sizes[][2] = {{100, 28}, {120, 40}, {200, 60}};
    struct layers_model model;
    fake_layers(&model, 43);
    use_winograd(&model.timing);
    model.roof = 1;
    fake_layers_select(&model, "layer1/residual/res1/conv");
    golden_check("layers-roofline-winograd", 120, 40, 0, draw, &model);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int i = 0; i < model.n_nodes; i++) {
            struct grid grid;
            model.cursor = i;
            assert_int_equal(grid_init(&grid, sizes[s][0], sizes[s][1]), 0);
            draw(&model, &grid, (struct rect){0, 0, grid.w, grid.h});
            assert_true(shows(&grid, "26.0 GB/s") && shows(&grid, "800 GFLOP/s"));
            assert_true(shows(&grid, "◂ at the edge: bytes only, no arithmetic"));
            assert_true(shows(&grid, "Winograd: as it multiplies, less than listed"));
            grid_release(&grid);
        }
    layers_model_release(&model);
}

/* Whatever the times are, every size that has a roofline draws one inside its area. */
static void test_roofline_sizes(void **state)
{
    (void)state;
    struct layers_model model;
    fake_layers(&model, 43);
    model.roof = 1;
    for (int round = 0; round < 4; round++) {
        for (int w = 0; w < 30; w++)
            for (int h = 0; h < 14; h++) {
                struct grid grid;
                assert_int_equal(grid_init(&grid, w + 2, h + 2), 0);
                layers_roof_draw(&model, &grid, (struct rect){1, 1, w, h});
                for (int x = 0; x < w + 2; x++)
                    assert_true(grid_at(&grid, x, 0)->text[0] == ' ' && grid_at(&grid, x, h + 1)->text[0] == ' ');
                for (int y = 0; y < h + 2; y++)
                    assert_true(grid_at(&grid, 0, y)->text[0] == ' ' && grid_at(&grid, w + 1, y)->text[0] == ' ');
                grid_release(&grid);
            }
        for (int i = 0; i < model.timing.n_steps; i++) { /* absurd ones next */
            model.timing.steps[i].ms = round == 0 ? 1e-12 : round == 1 ? 1e12 : NAN;
            model.timing.steps[i].bytes = round == 0 ? 1 : 1e15;
        }
    }
    layers_model_release(&model);
}

static void test_golden_against(void **state)
{
    (void)state;
    struct layers_model model;
    struct layers_layout layout;
    static const int sizes[][2] = {{80, 24}, {40, 10}, {200, 60}, {120, 40}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        layers_layout_make((struct rect){0, 0, sizes[i][0], sizes[i][1]}, &layout);
        fake_layers(&model, layout.list.h);
        fake_layers_compare(&model, 0);
        for (int ascii = 0; ascii < 2; ascii++)
            golden_check("layers-against", sizes[i][0], sizes[i][1], ascii, draw, &model);
        layers_model_release(&model);
    }
    fake_layers(&model, 43);
    fake_layers_compare(&model, 1);
    layers_model_set_sort(&model, LAYERS_BY_TIME);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    model.per_epoch = 1;
    golden_check("layers-against-forward", 80, 24, 0, draw, &model);
    golden_check("layers-against-mono", 80, 24, 0, draw_in_mono, &model);
    for (int i = 0; i < model.n_shown; i += 5) {
        layers_model_select(&model, i);
        golden_check_small(draw, &model);
    }
    layers_model_release(&model);
}

static void test_golden_empty(void **state)
{
    (void)state;
    struct layers_model model;
    layers_model_init(&model);
    golden_check("layers-no-run", 80, 24, 0, draw, &model);
    model.state = LAYERS_WAITING;
    golden_check("layers-waiting", 80, 24, 0, draw, &model);
    golden_check("layers-waiting", 40, 10, 1, draw, &model);
    model.state = LAYERS_NONE;
    golden_check("layers-none", 80, 24, 0, draw, &model);
    model.state = LAYERS_BAD;
    snprintf(model.problem, sizeof model.problem, "/runs/a/timing.json: not valid JSON");
    golden_check("layers-bad", 80, 24, 1, draw, &model);
    layers_model_release(&model);
}

static void test_every_size(void **state)
{
    (void)state;
    struct layers_model model;
    for (int i = LAYERS_NO_RUN; i < LAYERS_READY; i++) {
        layers_model_init(&model);
        model.state = (enum layers_state)i;
        golden_check_small(draw, &model);
    }
    fake_layers(&model, 5);
    golden_check_small(draw, &model);
    layers_model_fold_all(&model);
    layers_model_fold_all(&model);
    for (int i = 0; i < model.n_shown; i += 7) {
        layers_model_select(&model, i);
        golden_check_small(draw, &model);
    }
    layers_model_set_flat(&model, 1);
    layers_model_set_sort(&model, LAYERS_BY_TIME);
    golden_check_small(draw, &model);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    golden_check_small(draw, &model);
    layers_model_release(&model);
}

/* Nothing overlaps, nothing leaves the area, and the list is always there. */
static void test_layout(void **state)
{
    (void)state;
    for (int w = 1; w <= 400; w += w < 130 ? 1 : 27)
        for (int h = 1; h <= 120; h += h < 45 ? 1 : 15) {
            struct layers_layout l;
            struct rect area = {3, 2, w, h};
            layers_layout_make(area, &l);
            const struct rect parts[] = {l.tiles, l.strip, l.legend, l.bound, l.head, l.list, l.total, l.detail};
            assert_true(l.list.w > 0 && l.list.h > 0);
            for (int i = 0; i < 8; i++) {
                struct rect inside = rect_intersect(parts[i], area);
                if (parts[i].w <= 0 || parts[i].h <= 0)
                    continue;
                assert_true(inside.w == parts[i].w && inside.h == parts[i].h);
                for (int k = 0; k < i; k++)
                    assert_int_equal(rect_intersect(parts[i], parts[k]).h, 0);
            }
        }
}

static void test_drawing_changes_nothing(void **state)
{
    (void)state;
    struct layers_model model;
    struct grid grid;
    fake_layers(&model, 20);
    struct layers_model before = model;
    assert_int_equal(grid_init(&grid, 120, 40), 0);
    layers_view_draw(&model, &grid, (struct rect){0, 0, 120, 40});
    assert_memory_equal(&before, &model, sizeof before);
    grid_release(&grid);
    layers_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_golden_other_ways),
        cmocka_unit_test(test_golden_of_version_1),
        cmocka_unit_test(test_golden_busy),
        cmocka_unit_test(test_golden_hidden),
        cmocka_unit_test(test_golden_roofline),
        cmocka_unit_test(test_roofline_texts),
        cmocka_unit_test(test_roofline_sizes),
        cmocka_unit_test(test_golden_against),
        cmocka_unit_test(test_golden_empty),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_drawing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
