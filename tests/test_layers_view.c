/* The Layers screen: golden screens, every small size, and what its model makes of a breakdown. */
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

static void open_model(struct layers_model *model, int page)
{
    struct timing timing;
    layers_model_init(model);
    layers_model_set_page(model, page);
    fake_timing(&timing, 0, 1);
    assert_int_equal(layers_model_take(model, &timing), 0);
    model->steps_per_epoch = 97;
}

static int find(const struct layers_model *model, const char *path)
{
    for (int i = 0; i < model->n_nodes; i++)
        if (strcmp(model->nodes[i].path, path) == 0)
            return i;
    fail_msg("there is no node %s", path);
    return -1;
}

static int line_of(const struct layers_model *model, const char *path)
{
    int node = find(model, path);
    for (int i = 0; i < model->n_shown; i++)
        if (model->shown[i] == node)
            return i;
    return -1;
}

static void select_path(struct layers_model *model, const char *path)
{
    layers_model_select(model, line_of(model, path));
    assert_int_equal(model->cursor, find(model, path));
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
        open_model(&model, layout.list.h); /* as much is open as fits */
        for (int ascii = 0; ascii < 2; ascii++)
            golden_check("layers", sizes[i][0], sizes[i][1], ascii, draw, &model);
        layers_model_release(&model);
    }
}

static void test_golden_other_ways(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 0);
    layers_model_fold_all(&model);
    layers_model_set_sort(&model, LAYERS_BY_TIME);
    model.per_epoch = 1;
    select_path(&model, "layer1/residual/res1/act");
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

static void test_golden_of_version_1(void **state)
{
    (void)state;
    struct layers_model model;
    struct timing timing;
    layers_model_init(&model);
    layers_model_set_page(&model, 24);
    fake_timing(&timing, 1, 1);
    forget_version_2(&timing);
    assert_int_equal(layers_model_take(&model, &timing), 0);
    golden_check("layers-version-1", 80, 24, 0, draw, &model);
    golden_check("layers-version-1", 120, 40, 1, draw, &model);
    golden_check_small(draw, &model);
    select_path(&model, "(update, all)");
    layers_model_set_phases(&model, LAYERS_FORWARD); /* of which that node has nothing */
    golden_check_small(draw, &model);
    layers_model_release(&model);
}

/* Work beside the step is told where there is room; loader threads hide augmentation. */
static void test_golden_hidden(void **state)
{
    (void)state;
    struct layers_model model;
    struct timing timing;
    layers_model_init(&model);
    layers_model_set_page(&model, 40);
    fake_timing(&timing, 1, 1);
    timing.hidden_ms[TIMING_AUGMENT] = 181;
    timing.part_ms[TIMING_AUGMENT] = timing.part_ms[TIMING_TRANSFER] = NAN;
    timing.part_ms[TIMING_DATA] = 402;
    assert_int_equal(layers_model_take(&model, &timing), 0);
    select_path(&model, "(update, all)");
    golden_check("layers-hidden", 160, 50, 0, draw, &model);
    layers_model_release(&model);
}

static void test_golden_roofline(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 43);
    model.roof = 1;
    golden_check("layers-roofline", 120, 40, 0, draw, &model); /* the cursor is on a block: all its rows */
    select_path(&model, "layer1/residual/res1/conv");
    golden_check("layers-roofline", 100, 28, 1, draw, &model);
    golden_check("layers-roofline", 200, 60, 0, draw, &model);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    select_path(&model, "prep/norm"); /* no arithmetic to speak of: at the left edge */
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

/* Whatever the times are, every size that has a roofline draws one inside its area. */
static void test_roofline_sizes(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 43);
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
    open_model(&model, 5);
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
    open_model(&model, 20);
    struct layers_model before = model;
    assert_int_equal(grid_init(&grid, 120, 40), 0);
    layers_view_draw(&model, &grid, (struct rect){0, 0, 120, 40});
    assert_memory_equal(&before, &model, sizeof before);
    grid_release(&grid);
    layers_model_release(&model);
}

/* ---- the model ---- */

/* Rows add up to blocks, what has no parent to the step, phases to totals; what is fused has no time. */
static void check_sums(const struct layers_model *model)
{
    double all = 0;
    for (int i = 0; i < model->n_nodes; i++) {
        const struct layers_node *node = &model->nodes[i];
        double phases = 0, children = 0;
        for (int p = 0; p < PHASE_COUNT; p++) {
            assert_int_equal(node->own >> p & 1, !isnan(node->ms[p]));
            if (node->own >> p & 1) {
                assert_true(node->ms[p] >= 0);
                assert_int_equal(node->fused[p], -1);
                phases += node->ms[p];
            }
        }
        assert_true(node->own ? fabs(phases - node->total) <= 1e-9 * phases : isnan(node->total));
        if (node->parent < 0 && node->own)
            all += node->total;
        for (int k = 0; k < model->n_nodes; k++)
            if (model->nodes[k].parent == i && model->nodes[k].own)
                children += model->nodes[k].total;
        if (node->is_block)
            assert_true(fabs(children - node->total) <= 1e-9 * children);
    }
    assert_true(fabs(all - model->step_ms) <= 1e-9 * all);
}

static void test_sums(void **state)
{
    (void)state;
    for (int update_all = 0; update_all < 2; update_all++) {
        struct layers_model model;
        struct timing timing;
        layers_model_init(&model);
        fake_timing(&timing, update_all, 1);
        assert_int_equal(layers_model_take(&model, &timing), 0);
        check_sums(&model);
        int update = update_all ? find(&model, "(update, all)") : -1;
        if (update_all)
            assert_true(model.nodes[update].total == 6.2 && model.nodes[update].ms[PHASE_UPDATE] == 6.2);
        const struct layers_node *act = &model.nodes[find(&model, "layer1/act")];
        assert_int_equal(act->own, 0);
        assert_true(isnan(act->total));
        assert_string_equal(model.timing.rows[act->fused[PHASE_FORWARD]].name, "layer1/norm");
        const struct layers_node *block = &model.nodes[find(&model, "layer1/residual")];
        assert_true(block->is_block && block->depth == 1);
        layers_model_release(&model);
    }
}

/* A time that nobody took makes what it is part of unknown, and nothing else. */
static void test_unknown_stays_unknown(void **state)
{
    (void)state;
    struct layers_model model;
    struct timing timing;
    layers_model_init(&model);
    fake_timing(&timing, 0, 1);
    for (int i = 0; i < timing.n_steps; i++)
        if (timing.steps[i].phase == PHASE_BACKWARD &&
            strcmp(timing.rows[timing.steps[i].rows[0]].name, "layer3/residual/res1/conv") == 0)
            timing.steps[i].ms = NAN;
    assert_int_equal(layers_model_take(&model, &timing), 0);
    const struct layers_node *block = &model.nodes[find(&model, "layer3")];
    assert_true(isnan(block->total) && isnan(block->ms[PHASE_BACKWARD]) && block->ms[PHASE_FORWARD] > 0);
    assert_true(isnan(model.step_ms));
    assert_true(model.nodes[find(&model, "layer1")].total > 0);
    assert_true(isnan(model.nodes[find(&model, "layer3")].sum.gflops));
    golden_check_small(draw, &model);
    layers_model_release(&model);
}

static void test_arithmetic(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 0);
    int conv = find(&model, "layer1/conv"), block = find(&model, "layer1");
    double flops = 3 * 2.0 * 128 * 64 * 9 * 32 * 32 * 512; /* three times forward, a multiply-add as two */
    const struct layers_node *node = model.nodes;
    assert_true(fabs(node[conv].sum.flops - flops) < 1);
    assert_true(fabs(node[conv].sum.gflops - flops * 1e-6 / node[conv].total) < 1e-6);
    assert_int_equal(node[find(&model, "layer1/act")].sum.steps, 0);
    assert_true(isnan(node[find(&model, "input")].sum.gflops));
    struct timing_sum sum = {0};
    for (int i = 0; i < model.n_nodes; i++) /* a block is the sum of its rows, whatever is asked of it */
        if (node[i].row >= 0 && strncmp(node[i].path, "layer1/", 7) == 0)
            timing_sum_add(&sum, &node[i].sum);
    assert_true(sum.flops > flops && fabs(node[block].sum.flops - sum.flops) < 1);
    assert_true(fabs(node[block].sum.bytes - sum.bytes) < 1 && fabs(node[block].sum.floor_ms - sum.floor_ms) < 1e-9);
    assert_true(node[block].sum.steps == sum.steps && fabs(node[block].sum.ms - node[block].total) < 1e-9);
    assert_true(fabs(node[block].sum.ceiling - sum.floor_ms / sum.ms) < 1e-9);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    assert_true(fabs(node[conv].sum.flops - flops / 3) < 1);
    assert_int_equal(node[find(&model, "input")].sum.steps, 0);
    layers_model_release(&model);
}

/* What a row took epoch by epoch; a block: the sum of its rows, of the phases that are looked at. */
static void test_history(void **state)
{
    (void)state;
    struct layers_model model;
    double conv[TIMING_HISTORY_MAX], block[TIMING_HISTORY_MAX], sum[TIMING_HISTORY_MAX] = {0};
    open_model(&model, 0);
    int at = find(&model, "layer2/conv");
    assert_int_equal(layers_node_history(&model, at, conv), 13);
    assert_true(fabs(conv[0] - 1.1 * model.nodes[at].total) < 1e-3 * conv[0]); /* the first epoch is a slow one */
    assert_true(fabs(conv[5] - model.nodes[at].total) < 0.02 * conv[5]);
    for (int i = 0; i < model.n_nodes; i++)
        if (model.nodes[i].row >= 0 && strncmp(model.nodes[i].path, "layer2/", 7) == 0 && model.nodes[i].own) {
            assert_int_equal(layers_node_history(&model, i, conv), 13);
            for (int e = 0; e < 13; e++)
                sum[e] += conv[e];
        }
    assert_int_equal(layers_node_history(&model, find(&model, "layer2"), block), 13);
    for (int e = 0; e < 13; e++)
        assert_true(fabs(block[e] - sum[e]) < 1e-3);
    assert_int_equal(layers_node_history(&model, find(&model, "layer2/act"), conv), 0);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    assert_int_equal(layers_node_history(&model, find(&model, "input"), conv), 0);
    assert_int_equal(layers_node_history(&model, at, conv), 13);
    assert_true(fabs(conv[0] - 1.1 * model.nodes[at].ms[PHASE_FORWARD]) < 1e-3 * conv[0]);
    layers_model_release(&model);
}

static void test_folding(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 0);
    assert_int_equal(model.n_shown, 8);                            /* input, prep, layer1..3, pool, logits, loss */
    assert_string_equal(model.nodes[model.cursor].path, "layer1"); /* the longest */
    layers_model_set_page(&model, 25);
    assert_int_equal(model.n_shown, 25);
    layers_model_set_page(&model, 43);
    assert_int_equal(model.n_shown, 43); /* all: 33 rows, 10 blocks */
    layers_model_set_page(&model, 24);
    assert_int_equal(model.n_shown, 8);

    layers_model_open(&model); /* layer1 */
    assert_int_equal(model.n_shown, 13);
    layers_model_open(&model); /* into it */
    assert_string_equal(model.nodes[model.cursor].path, "layer1/conv");
    layers_model_toggle(&model); /* a row: nothing to fold */
    assert_int_equal(model.n_shown, 13);
    select_path(&model, "layer1/residual");
    layers_model_toggle(&model);
    assert_int_equal(model.n_shown, 16);
    select_path(&model, "layer1/residual/res1");
    layers_model_open(&model);
    layers_model_open(&model);
    assert_string_equal(model.nodes[model.cursor].path, "layer1/residual/res1/conv");
    layers_model_set_page(&model, 100); /* the user folded: the page decides no more */
    assert_int_equal(model.n_shown, 19);

    layers_model_fold(&model); /* to its block, and so on outwards */
    assert_string_equal(model.nodes[model.cursor].path, "layer1/residual/res1");
    layers_model_fold(&model);
    layers_model_fold(&model);
    assert_string_equal(model.nodes[model.cursor].path, "layer1/residual");
    select_path(&model, "layer1/residual/res2");
    layers_model_fold_all(&model); /* the cursor goes with its block */
    assert_int_equal(model.n_shown, 8);
    assert_string_equal(model.nodes[model.cursor].path, "layer1");
    layers_model_fold_all(&model);
    assert_int_equal(model.n_shown, 43);
    layers_model_release(&model);
}

static void test_moving(void **state)
{
    (void)state;
    struct layers_model model;
    layers_model_init(&model);
    layers_model_move(&model, 1); /* nothing there: nothing happens */
    layers_model_open(&model);
    layers_model_fold(&model);
    layers_model_toggle(&model);
    layers_model_fold_all(&model);
    assert_int_equal(model.cursor, -1);
    open_model(&model, 0);
    layers_model_move(&model, -100);
    assert_int_equal(layers_model_line(&model), 0);
    layers_model_move(&model, 2);
    assert_string_equal(model.nodes[model.cursor].path, "layer1");
    layers_model_move(&model, 1000000000);
    assert_string_equal(model.nodes[model.cursor].path, "loss");
    layers_model_select(&model, 99);
    layers_model_select(&model, -1);
    assert_string_equal(model.nodes[model.cursor].path, "loss");
    layers_model_release(&model);
}

static void test_sorting(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 43);
    assert_string_equal(model.nodes[model.shown[0]].path, "input");
    layers_model_set_sort(&model, LAYERS_BY_TIME);
    assert_int_equal(model.n_shown, 43);
    assert_string_equal(model.nodes[model.shown[0]].path, "layer1");
    for (int i = 0; i < model.n_nodes; i++) /* siblings fall, and those without a time are last */
        for (int next = model.nodes[i].next; next >= 0; next = -1) {
            assert_int_equal(model.nodes[next].parent, model.nodes[i].parent);
            assert_true(isnan(model.nodes[next].total) || model.nodes[i].total >= model.nodes[next].total);
        }
    int cursor = model.cursor;
    layers_model_set_flat(&model, 1);
    assert_int_equal(model.n_shown, 33);
    assert_int_not_equal(model.cursor, cursor); /* that was a block */
    for (int i = 1; i < model.n_shown; i++)
        assert_true(isnan(model.nodes[model.shown[i]].total) ||
                    model.nodes[model.shown[i - 1]].total >= model.nodes[model.shown[i]].total);
    layers_model_set_sort(&model, LAYERS_BY_ORDER);
    for (int i = 0; i < model.n_shown; i++)
        assert_int_equal(model.nodes[model.shown[i]].row, i);
    layers_model_release(&model);
}

/* Forward or backward alone: times, shares and the order are of that phase; what a node has in it stays as it was. */
static void test_phases(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 43);
    int conv = find(&model, "layer1/conv"), input = find(&model, "input"), act = find(&model, "layer1/act");
    double all = model.nodes[conv].total, forward = model.nodes[conv].ms[PHASE_FORWARD];
    layers_model_set_sort(&model, LAYERS_BY_TIME);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    assert_true(model.nodes[conv].total == forward && forward < all);
    assert_true(isnan(model.nodes[input].total) && model.nodes[input].ms[PHASE_AUGMENT] > 0);
    assert_true(isnan(model.nodes[act].total));
    assert_true(fabs(model.looked_ms - timing_phase_ms(&model.timing, PHASE_FORWARD)) < 1e-9);
    double sum = 0;
    for (int i = 0; i < model.n_nodes; i++)
        if (!model.nodes[i].is_block && !isnan(model.nodes[i].total))
            sum += model.nodes[i].total;
    assert_true(fabs(sum - model.looked_ms) < 1e-9 * sum);
    layers_model_set_flat(&model, 1);
    for (int i = 1; i < model.n_shown; i++)
        assert_true(isnan(model.nodes[model.shown[i]].total) ||
                    model.nodes[model.shown[i - 1]].total >= model.nodes[model.shown[i]].total);
    layers_model_set_phases(&model, LAYERS_BACKWARD);
    assert_true(fabs(model.looked_ms - timing_phase_ms(&model.timing, PHASE_BACKWARD)) < 1e-9);
    layers_model_set_phases(&model, LAYERS_ALL_PHASES);
    assert_true(model.nodes[conv].total == all && model.looked_ms == model.step_ms);
    layers_model_release(&model);
}

/* New times of the same rows leave everything where it was; other rows begin afresh. */
static void test_live(void **state)
{
    (void)state;
    struct layers_model model;
    struct timing timing;
    open_model(&model, 0);
    layers_model_open(&model);
    select_path(&model, "layer1/norm");
    double before = model.step_ms;
    fake_timing(&timing, 0, 2);
    assert_int_equal(layers_model_take(&model, &timing), 0);
    assert_true(fabs(model.step_ms - 2 * before) < 1e-9 * before);
    assert_string_equal(model.nodes[model.cursor].path, "layer1/norm");
    assert_int_equal(model.n_shown, 13);
    check_sums(&model);
    fake_timing(&timing, 1, 1);
    assert_int_equal(layers_model_take(&model, &timing), 0);
    assert_int_equal(model.n_shown, 9);
    assert_string_equal(model.nodes[model.cursor].path, "layer1");
    check_sums(&model);
    layers_model_release(&model);
}

/* What is pressed is what is drawn there. */
static void test_lines_are_where_they_are_drawn(void **state)
{
    (void)state;
    struct layers_model model;
    open_model(&model, 43);
    for (int cursor = 0; cursor < model.n_shown; cursor += 6) {
        struct rect area = {2, 1, 78, 20};
        struct grid grid;
        int seen = 0;
        layers_model_select(&model, cursor);
        assert_int_equal(grid_init(&grid, 82, 24), 0);
        layers_view_draw(&model, &grid, area);
        for (int y = 0; y < 24; y++) {
            int line = layers_view_line_at(&model, area, 4, y);
            char text[128] = "";
            for (int x = 0; x < 30; x++)
                strcat(text, grid_at(&grid, x, y)->text);
            if (line < 0)
                continue;
            const struct layers_node *node = &model.nodes[model.shown[line]];
            if (!strstr(text, node->path + node->name))
                fail_msg("line %d is %s, but there stands '%s'", y, node->path, text);
            seen += line == cursor;
        }
        assert_int_equal(seen, 1); /* the cursor is always in sight */
        grid_release(&grid);
    }
    layers_model_release(&model);
}

static void test_times_and_shares(void **state)
{
    (void)state;
    struct layers_model model;
    char out[32];
    layers_model_init(&model);
    model.step_ms = 54.4;
    assert_string_equal(layers_time(&model, 1.23456, out, sizeof out), "1.235");
    assert_string_equal(layers_time(&model, 0.0002, out, sizeof out), "<0.001"); /* never zero */
    assert_string_equal(layers_time(&model, NAN, out, sizeof out), "-");
    model.per_epoch = 1;
    model.steps_per_epoch = 98;
    assert_string_equal(layers_time(&model, 10, out, sizeof out), "0.980");
    assert_string_equal(layers_unit(&model), "s");
    assert_string_equal(layers_share(1, 3, out, sizeof out), "33.3 %");
    assert_string_equal(layers_share(1, 3000, out, sizeof out), "<0.1 %");
    assert_string_equal(layers_share(NAN, 3, out, sizeof out), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_golden_other_ways),
        cmocka_unit_test(test_golden_of_version_1),
        cmocka_unit_test(test_golden_hidden),
        cmocka_unit_test(test_golden_roofline),
        cmocka_unit_test(test_roofline_sizes),
        cmocka_unit_test(test_golden_empty),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_drawing_changes_nothing),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_unknown_stays_unknown),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_moving),
        cmocka_unit_test(test_sorting),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_lines_are_where_they_are_drawn),
        cmocka_unit_test(test_times_and_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
