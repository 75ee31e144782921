/* The Ladder screen: golden screens in tests/golden/ladder-*.txt, every small size, and where its rows are. */
#include "tests/golden_screen.h"
#include "views/ladder_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ladder_model model;

static void draw(const void *m, struct grid *grid, struct rect area)
{
    ladder_view_draw(m, grid, area);
}

static struct ladder_rung *rung(const char *name)
{
    for (int i = 0; i < model.ladder.count; i++)
        if (strcmp(model.ladder.rung[i].about.name, name) == 0)
            return &model.ladder.rung[i];
    fail_msg("%s is no rung", name);
    return NULL;
}

static void measured(const char *name, int runs, double mean, double sd, double seconds, int busy)
{
    struct ladder_rung *r = rung(name);
    r->accuracy = (struct sample){runs, mean, sd};
    r->reached = runs / 2;
    r->seconds = seconds;
    r->images_per_second = 50000 * r->epochs / seconds;
    r->busy = busy;
    strcpy(r->machine, "here: cpu, oneDNN 3, bf16, 2 threads, amx");
}

static int setup(void **state)
{
    (void)state;
    ladder_model_init(&model);
    if (ladder_init(&model.ladder, NULL) || ladder_model_take(&model, NULL, 0))
        return -1;
    measured("davidnet-79", 5, 94.08, 0.14, 912.5, 0);
    measured("davidnet-66", 1, 93.1, NAN, 701, 1);
    measured("tta-26", 2, 94.15, 0.05, 402, 0);
    strcpy(rung("ema-34")->unfinished, "/runs/ema-34-1");
    rung("whitening-36")->running = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ladder_model_release(&model);
    return 0;
}

static void test_golden(void **state)
{
    (void)state;
    for (int i = 0; i < model.ladder.count; i++)
        if (&model.ladder.rung[i] == rung("davidnet-79"))
            ladder_model_select(&model, i);
    golden_check_sizes("ladder", draw, &model);
    golden_check("ladder", 120, 40, 0, draw, &model);
    ladder_model_select(&model, 1000);
    golden_check("ladder-last", 80, 24, 0, draw, &model);
    ladder_model_select(&model, model.ladder.count - 2);
    golden_check("ladder-unfinished", 80, 24, 1, draw, &model);
    struct ladder_model none;
    ladder_model_init(&none);
    golden_check("ladder-empty", 80, 24, 0, draw, &none);
    golden_check_small(draw, &none);
}

static void test_small_sizes(void **state)
{
    (void)state;
    for (int i = 0; i < model.ladder.count; i += 5) {
        ladder_model_select(&model, i);
        golden_check_small(draw, &model);
    }
}

/* The cell that shows a rung is the cell that finds it. */
static void test_find(void **state)
{
    (void)state;
    struct grid grid;
    struct rect area = {0, 0, 80, 20};
    ladder_model_select(&model, 12);
    assert_int_equal(ladder_model_measured(&model), 3);
    assert_int_equal(grid_init(&grid, area.w, area.h), 0);
    ladder_view_draw(&model, &grid, area);
    int found = 0;
    for (int y = 0; y < area.h + 3; y++) {
        int at = ladder_view_find(&model, area, 30, y);
        if (at < 0)
            continue;
        assert_int_equal(at == model.selected, strcmp(grid_at(&grid, 1, y)->text, "▸") == 0);
        found++;
    }
    assert_true(found >= 10);
    assert_int_equal(ladder_view_find(&model, area, 30, 0), -1);
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
    };
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
