/* The Layers screen: what its model makes of a breakdown. */
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
        int update = update_all ? fake_layers_find(&model, "(update, all)") : -1;
        if (update_all)
            assert_true(model.nodes[update].total == 6.2 && model.nodes[update].ms[PHASE_UPDATE] == 6.2);
        const struct layers_node *act = &model.nodes[fake_layers_find(&model, "layer1/act")];
        assert_int_equal(act->own, 0);
        assert_true(isnan(act->total));
        assert_string_equal(model.timing.rows[act->fused[PHASE_FORWARD]].name, "layer1/norm");
        const struct layers_node *block = &model.nodes[fake_layers_find(&model, "layer1/residual")];
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
    const struct layers_node *block = &model.nodes[fake_layers_find(&model, "layer3")];
    assert_true(isnan(block->total) && isnan(block->ms[PHASE_BACKWARD]) && block->ms[PHASE_FORWARD] > 0);
    assert_true(isnan(model.step_ms));
    assert_true(model.nodes[fake_layers_find(&model, "layer1")].total > 0);
    assert_true(isnan(model.nodes[fake_layers_find(&model, "layer3")].sum.gflops));
    golden_check_small(draw, &model);
    layers_model_release(&model);
}

static void test_arithmetic(void **state)
{
    (void)state;
    struct layers_model model;
    fake_layers(&model, 0);
    int conv = fake_layers_find(&model, "layer1/conv"), block = fake_layers_find(&model, "layer1");
    double flops = 3 * 2.0 * 128 * 64 * 9 * 32 * 32 * 512; /* three times forward, a multiply-add as two */
    const struct layers_node *node = model.nodes;
    assert_true(fabs(node[conv].sum.flops - flops) < 1);
    assert_true(fabs(node[conv].sum.gflops - flops * 1e-6 / node[conv].total) < 1e-6);
    assert_int_equal(node[fake_layers_find(&model, "layer1/act")].sum.steps, 0);
    assert_true(isnan(node[fake_layers_find(&model, "input")].sum.gflops));
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
    assert_int_equal(node[fake_layers_find(&model, "input")].sum.steps, 0);
    layers_model_release(&model);
}

/* What a row took epoch by epoch; a block: the sum of its rows, of the phases that are looked at. */
static void test_history(void **state)
{
    (void)state;
    struct layers_model model;
    double conv[TIMING_HISTORY_MAX], block[TIMING_HISTORY_MAX], sum[TIMING_HISTORY_MAX] = {0};
    fake_layers(&model, 0);
    int at = fake_layers_find(&model, "layer2/conv");
    assert_int_equal(layers_node_history(&model, at, conv), 13);
    assert_true(fabs(conv[0] - 1.1 * model.nodes[at].total) < 1e-3 * conv[0]); /* the first epoch is a slow one */
    assert_true(fabs(conv[5] - model.nodes[at].total) < 0.02 * conv[5]);
    for (int i = 0; i < model.n_nodes; i++)
        if (model.nodes[i].row >= 0 && strncmp(model.nodes[i].path, "layer2/", 7) == 0 && model.nodes[i].own) {
            assert_int_equal(layers_node_history(&model, i, conv), 13);
            for (int e = 0; e < 13; e++)
                sum[e] += conv[e];
        }
    assert_int_equal(layers_node_history(&model, fake_layers_find(&model, "layer2"), block), 13);
    for (int e = 0; e < 13; e++)
        assert_true(fabs(block[e] - sum[e]) < 1e-3);
    assert_int_equal(layers_node_history(&model, fake_layers_find(&model, "layer2/act"), conv), 0);
    layers_model_set_phases(&model, LAYERS_FORWARD);
    assert_int_equal(layers_node_history(&model, fake_layers_find(&model, "input"), conv), 0);
    assert_int_equal(layers_node_history(&model, at, conv), 13);
    assert_true(fabs(conv[0] - 1.1 * model.nodes[at].ms[PHASE_FORWARD]) < 1e-3 * conv[0]);
    layers_model_release(&model);
}

static void test_against(void **state)
{
    (void)state;
    struct layers_model model;
    struct timing timing;
    struct error err = {""};
    fake_layers(&model, 43);
    int conv = fake_layers_find(&model, "layer1/conv"), norm = fake_layers_find(&model, "layer1/norm"),
        act = fake_layers_find(&model, "layer1/act"), res1 = fake_layers_find(&model, "layer1/residual/res1"),
        block = fake_layers_find(&model, "layer1/residual");
    fake_layers_compare(&model, 0);
    const struct layers_node *node = model.nodes;
    assert_true(fabs(node[conv].change.b - node[conv].total) < 1e-9);
    double there = 1.33 * node[conv].ms[PHASE_FORWARD] + node[conv].ms[PHASE_BACKWARD] + node[conv].ms[PHASE_UPDATE];
    assert_true(fabs(node[conv].change.a - there) < 1e-9 * there);
    assert_true(fabs(node[conv].change.change - (node[conv].total - there)) < 1e-9 * there);
    assert_true(node[conv].change.low < node[conv].change.change && node[conv].change.change < node[conv].change.high);
    assert_int_equal(node[norm].change.verdict, TIMING_DIFF_DIFFERS); /* with act and pool, which have no time */
    assert_true(node[act].change.line < 0 && node[act].change.with >= 0);
    double sum = 0, half = 0;
    for (int i = 0; i < model.n_nodes; i++)
        if (strncmp(node[i].path, "layer1/residual/", 16) == 0 && node[i].row >= 0 && node[i].change.line >= 0) {
            sum += node[i].change.change;
            half = hypot(half, (node[i].change.high - node[i].change.low) / 2);
        }
    assert_true(fabs(node[block].change.change - sum) < 1e-9 * fabs(sum)); /* a block inside a block */
    assert_true(fabs(node[block].change.high - node[block].change.change - half) < 1e-9 * half);
    assert_true(node[res1].change.change > node[block].change.change);

    layers_model_set_phases(&model, LAYERS_FORWARD);
    assert_true(fabs(node[conv].change.a - 1.33 * node[conv].ms[PHASE_FORWARD]) < 1e-6);
    assert_int_equal(node[conv].change.verdict, TIMING_DIFF_DIFFERS);
    assert_true(fabs(layers_total_change(&model).b - model.looked_ms) < 1e-9 * model.looked_ms);
    layers_model_set_phases(&model, LAYERS_BACKWARD);
    assert_int_equal(node[conv].change.verdict, TIMING_DIFF_NOISE);
    layers_model_set_sort(&model, LAYERS_BY_TIME);
    for (int i = 0; i + 1 < model.n_shown; i++)
        if (node[model.shown[i]].next == model.shown[i + 1])
            assert_true(isnan(node[model.shown[i + 1]].change.change) ||
                        fabs(node[model.shown[i]].change.change) >= fabs(node[model.shown[i + 1]].change.change));
    layers_model_set_phases(&model, LAYERS_ALL_PHASES);

    fake_timing(&timing, 0, 2); /* new times of this run */
    assert_int_equal(layers_model_take(&model, &timing), 0);
    assert_true(model.against.on && fabs(model.nodes[conv].change.b - model.nodes[conv].total) < 1e-9);
    assert_int_equal(model.nodes[fake_layers_find(&model, "layer2")].change.verdict, TIMING_DIFF_DIFFERS);
    layers_model_alone(&model);
    assert_true(!model.against.on && isnan(layers_total_change(&model).change));
    golden_check_small(draw, &model);

    fake_layers_compare(&model, 1); /* it updates all at once: that is one line, and not in this run's tree */
    assert_true(layers_only_there(&model) == 0 && layers_total_change(&model).line >= 0);
    memset(&timing, 0, sizeof timing); /* a breakdown of nothing */
    if (layers_model_against(&model, &timing, "empty", 0, &err) == 0)
        assert_true(model.against.on);
    golden_check_small(draw, &model);
    fake_timing(&timing, 1, 1); /* other rows: another run, and what was beside the first is gone */
    assert_int_equal(layers_model_take(&model, &timing), 0);
    assert_false(model.against.on);
    layers_model_release(&model);
}

/* A block inside a block that the other run has not: nothing of it is unknown. */
static void test_against_without_the_block(void **state)
{
    (void)state;
    struct layers_model model;
    struct timing other;
    struct error err = {""};
    const char *const block = "layer1/residual/";
    fake_layers(&model, 43);
    fake_timing(&other, 0, 1);
    for (int i = 0; i < other.n_rows; i++)
        if (strncmp(other.rows[i].name, block, strlen(block)) == 0)
            memcpy(other.rows[i].name, "LAYER1", 6);
    assert_int_equal(layers_model_against(&model, &other, "without", 0, &err), 0);
    const struct layers_node *node = &model.nodes[fake_layers_find(&model, "layer1/residual")];
    assert_int_equal(node->change.verdict, TIMING_DIFF_ONLY_B);
    assert_true(isnan(node->change.a) && fabs(node->change.b - node->total) < 1e-9 * node->total);
    layers_model_release(&model);
}

/* Rows "layer1" and "layer1/norm": one block, which has the time of both, here as in the difference of two runs. */
static void test_a_row_named_as_a_block(void **state)
{
    (void)state;
    struct layers_model model;
    struct timing timing, other;
    struct error err = {""};
    double sum = 0;
    int tops = 0;
    fake_timing(&timing, 0, 1);
    fake_timing(&other, 0, 1);
    for (int i = 0; i < timing.n_rows; i++)
        if (strcmp(timing.rows[i].name, "prep/conv") == 0) {
            strcpy(timing.rows[i].name, "prep");
            strcpy(other.rows[i].name, "prep");
        }
    layers_model_init(&model);
    assert_int_equal(layers_model_take(&model, &timing), 0);
    assert_int_equal(layers_model_against(&model, &other, "other", 0, &err), 0);
    for (int i = 0; i < model.n_nodes; i++) {
        const struct layers_node *node = &model.nodes[i];
        tops += node->parent < 0 && strcmp(node->path, "prep") == 0;
        sum += node->parent < 0 ? node->total : 0;
    }
    const struct layers_node *block = &model.nodes[fake_layers_find(&model, "prep")];
    assert_int_equal(tops, 1);
    assert_true(block->is_block && fabs(sum - model.step_ms) < 1e-9 * sum);
    assert_true(fabs(block->change.b - block->total) < 1e-9 * block->total);
    layers_model_release(&model);
}

static void test_folding(void **state)
{
    (void)state;
    struct layers_model model;
    fake_layers(&model, 0);
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
    fake_layers_select(&model, "layer1/residual");
    layers_model_toggle(&model);
    assert_int_equal(model.n_shown, 16);
    fake_layers_select(&model, "layer1/residual/res1");
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
    fake_layers_select(&model, "layer1/residual/res2");
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
    fake_layers(&model, 0);
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
    fake_layers(&model, 43);
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
    fake_layers(&model, 43);
    int conv = fake_layers_find(&model, "layer1/conv"), input = fake_layers_find(&model, "input"),
        act = fake_layers_find(&model, "layer1/act");
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
    fake_layers(&model, 0);
    layers_model_open(&model);
    fake_layers_select(&model, "layer1/norm");
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
    fake_layers(&model, 43);
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
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_unknown_stays_unknown),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_against),
        cmocka_unit_test(test_against_without_the_block),
        cmocka_unit_test(test_a_row_named_as_a_block),
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
