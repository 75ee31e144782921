/*
 * The Compare screen: golden screens in tests/golden/compare-*.txt (GOLDEN=update rewrites them; look at the difference
 * before committing it), every small size, and what its model lists and chooses.
 */
#include "engine/files.h"
#include "tests/fake_folder.h"
#include "tests/golden_screen.h"
#include "views/compare_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char parent[64];
static struct error err;
static struct run_entry **entries;
static int n_entries;
static struct campaign campaigns[2];

static void must(int rc)
{
    if (rc)
        fail_msg("%s", err.text);
}

static void make(const char *name, const char *set, int64_t seed, double best, double epoch_seconds)
{
    struct fake_folder fake = fake_folder_done(name, set, seed, best);
    fake.epoch_seconds = epoch_seconds + 0.01 * (double)seed;
    fake_folder_make(parent, &fake);
}

static void join(const char *name, const char *campaign, enum run_side side, int number)
{
    struct run_folder folder;
    struct run_label label = {.side = side, .number = number};
    strcpy(label.campaign, campaign);
    must(run_folder_find_in(&folder, parent, name, &err));
    must(run_label_write(&folder, &label, &err));
}

static void declare(struct campaign *c, const char *name, int looks, int runs)
{
    struct recipe_request request = {.preset = "davidnet-79"};
    memset(c, 0, sizeof *c);
    strcpy(c->name, name);
    strcpy(c->what, "cutout");
    c->looks = looks;
    for (int i = 0; i < looks; i++)
        c->runs[i] = runs - looks + 1 + i;
    must(recipe_resolve(&request, &c->side[RUN_WITH], &err));
    request.off[request.n_off++] = "cutout";
    must(recipe_resolve(&request, &c->side[RUN_WITHOUT], &err));
}

static int setup(void **state)
{
    (void)state;
    static const double base[] = {94.0, 94.1, 93.9, 94.05, 94.1}, cut[] = {93.8, 93.75, 93.9, 93.85, 93.6};
    char name[32];
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    if (mkdtemp(parent) == NULL)
        return -1;
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "cutout-with-%d", i + 1);
        make(name, NULL, 2 * i + 1, base[i], 10.4);
        join(name, "cutout", RUN_WITH, i + 1);
        snprintf(name, sizeof name, "cutout-without-%d", i + 1);
        make(name, "cutout=off", 2 * i, cut[i], 10);
        join(name, "cutout", RUN_WITHOUT, i + 1);
    }
    make("slower", "momentum=0.8", 20, 92.2, 10);
    make("slower-2", "momentum=0.8", 21, 92.4, 10);
    make("slower-3", "momentum=0.8", 23, 92.3, 10);
    make("holdout", "eval=holdout", 22, 95, 10);
    declare(&campaigns[0], "cutout", 1, 5);
    declare(&campaigns[1], "later", 2, 10);
    return run_set_read_all(parent, &entries, &n_entries, &err);
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < n_entries; i++)
        run_entry_free(entries[i]);
    free(entries);
    return folder_remove(parent, &err);
}

static void open_model(struct compare_model *model, int n_campaigns)
{
    compare_model_init(model);
    assert_int_equal(compare_model_take(model, entries, n_entries, campaigns, n_campaigns), 0);
}

/* The cursor to the item of that name. */
static void go(struct compare_model *model, const char *name)
{
    for (int i = 0; i < model->n_items; i++)
        if (strcmp(model->items[i].name, name) == 0) {
            compare_model_move(model, i);
            return;
        }
    fail_msg("'%s' is not in the list", name);
}

static void draw(const void *model, struct grid *grid, struct rect area)
{
    compare_view_draw(model, grid, area);
}

static void test_list(void **state)
{
    (void)state;
    struct compare_model model;
    open_model(&model, 2);
    assert_int_equal(model.n_items, 2 + 4);
    assert_true(model.items[0].campaign == 0 && model.items[0].ended == 10 && model.items[0].planned == 10);
    assert_true(model.items[1].ended == 0 && model.items[1].planned == 20);
    go(&model, "davidnet-79 cutout=off");
    assert_int_equal(compare_model_here(&model)->runs, 5);
    go(&model, "davidnet-79");
    assert_int_equal(compare_model_here(&model)->runs, 5);
    compare_model_move(&model, 99);
    assert_int_equal(model.cursor, 5);
    compare_model_move(&model, -1);
    assert_int_equal(model.cursor, 0);
    compare_model_release(&model);
    compare_model_init(&model);
    assert_null(compare_model_here(&model));
    assert_int_equal(compare_model_take(&model, entries, 1, NULL, 0), 0);
    assert_true(model.n_items == 1 && !model.has); /* one family is no pair */
    compare_model_release(&model);
}

static void test_campaign(void **state)
{
    (void)state;
    struct compare_model model;
    open_model(&model, 1);
    assert_true(model.has); /* the last campaign, unasked */
    assert_int_equal(model.verdict.kind, VERDICT_GAIN);
    assert_true(model.sets[0].n_runs == 5 && model.sets[1].n_runs == 5 && model.target == 94);
    assert_true(model.n_differences == 1 && strcmp(model.differences[0].key, "cutout") == 0);
    assert_int_equal((int)model.curve[0].n, 24);
    assert_true(fabs(model.curve[1].mean[23] - model.verdict.side[1].accuracy.mean) < 1e-9);
    assert_true(model.curve[1].low[23] < model.curve[1].mean[23] && model.curve[1].high[23] > model.curve[1].mean[23]);
    assert_int_equal(compare_model_mark(&model, &model.items[0]), '=');
    /* Fewer than declared: interim. The choice holds on to its campaign when all is read again. */
    campaigns[0].runs[0] = 6;
    assert_int_equal(compare_model_take(&model, entries, n_entries, campaigns, 2), 0);
    assert_int_equal(model.verdict.kind, VERDICT_INTERIM);
    assert_int_equal(compare_model_mark(&model, &model.items[0]), '=');
    campaigns[0].runs[0] = 5;
    compare_model_choose_campaign(&model, "later");
    assert_true(model.has && model.verdict.kind == VERDICT_INTERIM && model.sets[0].n_runs == 0);
    assert_int_equal(model.n_differences, 1); /* from its recipes: no run has begun */
    compare_model_release(&model);
}

static void test_families(void **state)
{
    (void)state;
    struct compare_model model;
    open_model(&model, 2);
    go(&model, "davidnet-79");
    compare_model_choose(&model, 0);
    assert_false(model.has);
    go(&model, "davidnet-79 momentum=0.8");
    compare_model_choose(&model, 1);
    assert_true(model.has && model.verdict.kind == VERDICT_LOSS);
    assert_int_equal(compare_model_mark(&model, compare_model_here(&model)), 'B');
    compare_model_swap(&model);
    assert_true(model.has && model.verdict.kind == VERDICT_GAIN);
    go(&model, "davidnet-79 eval=holdout");
    compare_model_choose(&model, 1);
    assert_non_null(strstr(model.apart, "holdout"));
    compare_model_choose_campaign(&model, "cutout");
    compare_model_swap(&model); /* a campaign has its sides */
    assert_int_equal(model.verdict.kind, VERDICT_GAIN);
    compare_model_release(&model);
}

/* At first there are two sides with something to compare, if there are two such. */
static void test_first_sides_have_ended(void **state)
{
    (void)state;
    struct compare_model model;
    char was[sizeof entries[0]->summary.state];
    snprintf(was, sizeof was, "%s", entries[0]->summary.state);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n_entries; i++)
            if (strstr(entries[i]->folder.path, "cutout-without"))
                snprintf(entries[i]->summary.state, sizeof was, "%s", pass == 0 ? "stopped" : was);
        open_model(&model, 0);
        assert_true(model.has && model.sets[0].n_runs > 0 && model.sets[1].n_runs > 0);
        assert_int_equal(strstr(model.b, "cutout-without") != NULL, pass);
        compare_model_release(&model);
    }
}

/* Two families of one recipe that differ in their images alone are called so; the others keep their names. */
static void test_images_in_the_name(void **state)
{
    (void)state;
    struct compare_model model;
    int at = 0;
    while (at < n_entries - 1 && strcmp(entries[at]->folder.name, "slower-3") != 0)
        at++;
    struct run_entry *own = entries[at];
    assert_string_equal(own->folder.name, "slower-3");
    strcpy(own->data, "0123456789abcdef");
    strcpy(own->source, "/somewhere/cifar");
    open_model(&model, 0);
    go(&model, "davidnet-79 momentum=0.8 on images abc");
    assert_int_equal(compare_model_here(&model)->runs, 2);
    compare_model_choose(&model, 0);
    go(&model, "davidnet-79 momentum=0.8 on cifar");
    assert_int_equal(compare_model_here(&model)->runs, 1);
    go(&model, "davidnet-79");
    go(&model, "davidnet-79 cutout=off");
    compare_model_release(&model);
    own->data[0] = '\0'; /* not known: no difference */
    open_model(&model, 0);
    go(&model, "davidnet-79 momentum=0.8");
    assert_int_equal(compare_model_here(&model)->runs, 3);
    compare_model_release(&model);
    strcpy(own->data, "abc");
    own->source[0] = '\0';
}

static void test_null_campaign(void **state)
{
    (void)state;
    struct compare_model model;
    char text[VERDICT_TEXT_MAX];
    char was[sizeof campaigns[0].what];
    memcpy(was, campaigns[0].what, sizeof was);
    strcpy(campaigns[0].what, CAMPAIGN_NOTHING);
    open_model(&model, 1);
    assert_true(model.has);
    assert_string_equal(model.sets[0].name, "the same recipe");
    assert_string_equal(model.sets[1].name, "the same recipe, other seeds");
    verdict_sentence(&model.verdict, model.what, text);
    assert_int_equal(strncmp(text, "the same recipe, other seeds: ", 30), 0);
    compare_model_release(&model);
    memcpy(campaigns[0].what, was, sizeof was);
}

static const char *glyph(struct grid *grid, int x, int y)
{
    const struct cell *cell = grid_at(grid, x, y);
    return cell ? cell->text : "";
}

/* An interval of a cell or two, wherever it lies between two columns: it has both of its ends, or none. */
static void test_interval_has_both_ends(void **state)
{
    (void)state;
    static const char *const means[] = {"╂", "┠", "┨", "┃"};
    struct compare_model model;
    struct grid grid;
    int seen[4] = {0};
    open_model(&model, 1);
    struct verdict_side *side = &model.verdict.side[0];
    assert_int_equal(grid_init(&grid, 60, 9), 0);
    for (int step = 0; step < 200; step++) {
        int y = 0, x = 0, kind = -1;
        side->accuracy.mean = 93.7 + 0.001 * step;
        side->low = side->accuracy.mean - 0.0001 * step;
        side->high = side->accuracy.mean + 0.0001 * step;
        grid_clear(&grid);
        compare_spread_draw(&model, &grid, (struct rect){0, 0, 60, 9});
        while (y < 9 && strcmp(glyph(&grid, 0, y), "A") != 0)
            y++;
        for (int at = 0; at < 60; at++)
            for (int k = 0; k < 4; k++)
                if (strcmp(glyph(&grid, at, y), means[k]) == 0) {
                    x = at;
                    kind = k;
                }
        assert_true(kind >= 0);
        seen[kind]++;
        const char *left = glyph(&grid, x - 1, y), *right = glyph(&grid, x + 1, y);
        int has_left = strcmp(left, "├") == 0 || strcmp(left, "─") == 0;
        int has_right = strcmp(right, "┤") == 0 || strcmp(right, "─") == 0;
        assert_int_equal(has_left, kind == 0 || kind == 2);
        assert_int_equal(has_right, kind == 0 || kind == 1);
    }
    for (int k = 0; k < 4; k++)
        assert_true(seen[k] > 0);
    grid_release(&grid);
    compare_model_release(&model);
}

static void test_golden(void **state)
{
    (void)state;
    struct compare_model model;
    open_model(&model, 2);
    compare_model_choose_campaign(&model, "cutout");
    golden_check_sizes("compare", draw, &model);
    golden_check("compare", 120, 40, 0, draw, &model);
    compare_model_choose_campaign(&model, "later");
    model.running = 1;
    strcpy(model.running_name, "later");
    golden_check("compare-interim", 80, 24, 0, draw, &model);
    go(&model, "davidnet-79");
    compare_model_choose(&model, 0);
    golden_check("compare-half", 80, 24, 1, draw, &model);
    go(&model, "davidnet-79 eval=holdout");
    compare_model_choose(&model, 1);
    golden_check("compare-apart", 80, 24, 0, draw, &model);
    compare_model_release(&model);
    compare_model_init(&model);
    golden_check("compare-empty", 80, 24, 0, draw, &model);
    golden_check("compare-empty", 40, 10, 1, draw, &model);
}

static void test_small_sizes(void **state)
{
    (void)state;
    struct compare_model model;
    open_model(&model, 2);
    golden_check_small(draw, &model);
    compare_model_choose_campaign(&model, "cutout");
    model.sets[1].runs[0].diverged = 1;
    golden_check_small(draw, &model);
    go(&model, "davidnet-79");
    compare_model_choose(&model, 0);
    golden_check_small(draw, &model);
    compare_model_release(&model);
    compare_model_init(&model);
    golden_check_small(draw, &model);
}

static void test_layout(void **state)
{
    (void)state;
    for (int h = 0; h <= 100; h++)
        for (int w = 0; w <= 300; w += w < 130 ? 1 : 9) {
            struct rect area = {3, 1, w, h};
            struct compare_layout l;
            compare_layout_make(area, (w + h) % 30, &l);
            const struct rect all[] = {l.list, l.text, l.spread, l.curves};
            for (int i = 0; i < 4; i++) {
                struct rect inside = rect_intersect(all[i], area);
                assert_true(all[i].w <= 0 || all[i].h <= 0 || (inside.w == all[i].w && inside.h == all[i].h));
                for (int k = 0; k < i; k++) {
                    struct rect both = rect_intersect(all[i], all[k]);
                    assert_true(both.w <= 0 || both.h <= 0);
                }
            }
            assert_true(w < 80 || h < 22 || (l.text.h >= 8 && l.spread.h >= 6 && l.curves.h >= 6));
        }
}

static void test_find(void **state)
{
    (void)state;
    struct compare_model model;
    struct rect area = {0, 2, 80, 24};
    open_model(&model, 2);
    compare_model_move(&model, 3);
    int seen = 0;
    for (int y = 0; y < 30; y++) {
        int item = compare_view_find(&model, area, 20, y);
        seen += item == 3;
        assert_true(item < model.n_items);
    }
    assert_int_equal(seen, 1);
    assert_int_equal(compare_view_find(&model, area, 20, 1), -1);
    compare_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_campaign),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_first_sides_have_ended),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_small_sizes),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_images_in_the_name),
        cmocka_unit_test(test_null_campaign),
        cmocka_unit_test(test_interval_has_both_ends),
    };
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, setup, teardown);
}
