/*
 * The Runs screen: golden screens in tests/golden/runs-*.txt (GOLDEN=update rewrites them; look at the difference
 * before committing it), every small size, and what the model filters, sorts, marks and compares.
 */
#include "tests/golden_screen.h"
#include "views/runs_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define RUNS 17
#define FIRST_START 1772360100.0 /* 2026-03-01 10:15 UTC */

struct sample {
    const char *name, *preset, *state;
    const char *sets[2];
    double best, epochs_done, epoch_seconds, to_target;
    const char *tags, *note;
};

static const struct sample samples[] = {
    {"davidnet-79-20260301-101500", "davidnet-79", "done", {"seed=1"}, 94.21, 24, 31.2, 718.4, "baseline", "first one"},
    {"davidnet-79-20260301-104500", "davidnet-79", "done", {"seed=2"}, 93.88, 24, 31.5, NAN, "baseline", ""},
    {"davidnet-79-20260301-111500", "davidnet-79", "done", {"seed=3"}, 94.03, 24, 30.9, 742, "baseline", ""},
    {"no-cutout", "davidnet-79", "done", {"seed=1", "cutout=off"}, 93.71, 24, 30.1, NAN, "ablation", "cutout pays"},
    {"no-flip", "davidnet-79", "done", {"seed=1", "flip=off"}, 92.4, 24, 30.3, NAN, "ablation", ""},
    {"batch-256", "davidnet-79", "stopped", {"batch=256", "lr_values=0,0.25,0"}, 88.1, 9.5, 35, NAN, "", ""},
    {"hot", "davidnet-79", "failed", {"lr_values=0,40,0", NULL}, NAN, 0.4, 31, NAN, "", "lr far too high: diverged"},
    {"davidnet-66-20260302-090000", "davidnet-66", "done", {"seed=1"}, 94.11, 20, 12.4, 235, "", ""},
    {"quick-20260302-100000", "quick", "killed", {"seed=4"}, 71.02, 2, 4.1, NAN, "", ""},
    {"na\xC3\xAFve \xE6\x97\xA5\xE6\x9C\xAC", "quick", "done", {"eval=holdout"}, 78.5, 4, 4.2, NAN, "odd-name", ""},
    {"a-name-that-is-much-longer-than-the-column-for-names-can-be-made",
     "quick",
     "done",
     {NULL},
     79.9,
     4,
     4,
     NAN,
     "",
     ""},
    {"live-one", "davidnet-79", "running", {"seed=5"}, 87.3, 11.25, 31, NAN, "", ""},
};
#define SAMPLES ((int)(sizeof samples / sizeof *samples))

static void make_curves(struct run_entry *e, const struct sample *s)
{
    size_t n = (size_t)s->epochs_done;
    double *block = calloc(7 * n + 1, sizeof *block);
    double **const arrays[] = {&e->epoch,     &e->lr,       &e->train_loss,   &e->train_acc,
                               &e->test_loss, &e->test_acc, &e->train_seconds};
    assert_non_null(block);
    for (size_t i = 0; i < 7; i++)
        *arrays[i] = block + i * n;
    e->n_epochs = n;
    for (size_t i = 0; i < n; i++) {
        double left = 1 - (double)(i + 1) / e->recipe.epochs;
        e->epoch[i] = (double)i + 1;
        e->test_acc[i] = s->best - 70 * left * left;
        e->train_acc[i] = e->test_acc[i] - 1;
        e->test_loss[i] = (101 - e->test_acc[i]) / 40;
        e->train_seconds[i] = ((double)i + 1) * s->epoch_seconds;
    }
}

static struct run_entry *make_entry(const struct sample *s, int index)
{
    struct error err;
    struct run_entry *e = calloc(1, sizeof *e);
    struct recipe_request request = {.preset = s->preset};
    assert_non_null(e);
    while (request.n_sets < 2 && s->sets[request.n_sets]) {
        request.sets[request.n_sets] = s->sets[request.n_sets];
        request.n_sets++;
    }
    assert_int_equal(recipe_resolve(&request, &e->recipe, &err), 0);
    e->users = 1;
    if (index < SAMPLES)
        snprintf(e->folder.name, sizeof e->folder.name, "%s", s->name);
    else
        snprintf(e->folder.name, sizeof e->folder.name, "%.100s-again", s->name);
    snprintf(e->folder.path, sizeof e->folder.path, "/home/me/runs/%s", e->folder.name);
    struct run_summary *m = &e->summary;
    snprintf(m->name, sizeof m->name, "%s", e->folder.name);
    snprintf(m->preset, sizeof m->preset, "%s", s->preset);
    snprintf(m->recipe, sizeof m->recipe, "%s", s->preset);
    snprintf(m->state, sizeof m->state, "%s", s->state);
    m->seed = e->recipe.seed;
    m->epochs = e->recipe.epochs;
    m->epochs_done = s->epochs_done;
    m->best_acc = s->best;
    m->last_acc = s->best - 0.04;
    m->train_seconds = s->epochs_done * s->epoch_seconds;
    m->wall_seconds = m->train_seconds + 60;
    m->seconds_to_target = s->to_target;
    m->bytes = 53000000 + index * 1000000;
    m->unix_start = FIRST_START + index * 5400;
    recipe_family_name(&e->recipe, e->family, sizeof e->family);
    snprintf(e->machine, sizeof e->machine, "lab: cpu, oneDNN 3.4, bf16, 2 threads, amx");
    snprintf(e->tricks, sizeof e->tricks, "crop%s%s", e->recipe.flip ? " flip" : "", e->recipe.cutout ? " cutout" : "");
    assert_int_equal(run_label_set_tags(&e->label, s->tags, &err), 0);
    assert_int_equal(run_label_set_note(&e->label, s->note, &err), 0);
    make_curves(e, s);
    return e;
}

static void take(struct runs_model *model, int first, int count)
{
    struct run_entry **entries = calloc((size_t)count + 1, sizeof *entries);
    for (int i = 0; i < count; i++)
        entries[i] = make_entry(&samples[(first + i) % SAMPLES], first + i);
    assert_int_equal(runs_model_take(model, entries, count), 0);
}

static void open_model(struct runs_model *model, int count)
{
    runs_model_init(model);
    snprintf(model->parent, sizeof model->parent, "/home/me/.local/share/davidnet/runs");
    take(model, 0, count);
}

static void draw(const void *model, struct grid *grid, struct rect area)
{
    runs_view_draw(model, grid, area);
}

static const char *name_at(const struct runs_model *model, int row)
{
    return row < model->n_rows ? model->rows[row]->folder.name : "";
}

static void select_name(struct runs_model *model, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "/home/me/runs/%s", name);
    runs_model_select_path(model, path);
    assert_string_equal(runs_model_selected(model)->folder.name, name);
}

/* ---- the model ---- */

static void test_sort(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, SAMPLES);
    assert_string_equal(name_at(&model, 0), "live-one"); /* the newest first */
    runs_model_sort(&model, RUNS_BEST, 1);
    assert_string_equal(name_at(&model, 0), samples[0].name);
    assert_string_equal(name_at(&model, 1), samples[7].name);
    assert_string_equal(name_at(&model, SAMPLES - 1), "hot"); /* what is not known comes last ... */
    runs_model_sort(&model, RUNS_BEST, 0);
    assert_string_equal(name_at(&model, 0), samples[8].name);
    assert_string_equal(name_at(&model, SAMPLES - 1), "hot"); /* ... in both directions */
    runs_model_sort(&model, RUNS_TO_TARGET, 0);
    assert_string_equal(name_at(&model, 0), samples[7].name);
    assert_string_equal(name_at(&model, 3), "live-one"); /* of those that are alike, the newest first */
    runs_model_sort(&model, RUNS_NAME, 0);
    assert_string_equal(name_at(&model, 1), "batch-256");
    runs_model_sort(&model, RUNS_TAGS, 0);
    assert_string_equal(name_at(&model, 0), "no-flip");
    for (int c = 0; c < RUNS_COLUMNS; c++)
        for (int down = 0; down < 2; down++) {
            runs_model_sort(&model, (enum runs_column)c, down);
            assert_int_equal(model.n_rows, SAMPLES);
        }
    runs_model_release(&model);
}

/* A run that is still loading has no start yet: it is the newest. One that was killed then has none either. */
static void test_a_loading_run_is_the_newest(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, SAMPLES);
    model.entries[0]->summary.unix_start = model.entries[1]->summary.unix_start = NAN;
    snprintf(model.entries[0]->summary.state, sizeof model.entries[0]->summary.state, "running");
    snprintf(model.entries[1]->summary.state, sizeof model.entries[1]->summary.state, "killed");
    runs_model_sort(&model, RUNS_DATE, 1);
    assert_string_equal(name_at(&model, 0), samples[0].name);
    assert_string_equal(name_at(&model, SAMPLES - 1), samples[1].name);
    runs_model_sort(&model, RUNS_DATE, 0);
    assert_string_equal(name_at(&model, SAMPLES - 2), samples[0].name);
    runs_model_release(&model);
}

static int matching(struct runs_model *model, const char *words)
{
    runs_model_filter(model, words);
    return model->n_rows;
}

static void test_filter(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, SAMPLES);
    assert_int_equal(matching(&model, ""), SAMPLES);
    assert_int_equal(matching(&model, "BASELINE"), 3);
    assert_int_equal(matching(&model, "baseline 1045"), 1);
    assert_int_equal(matching(&model, "  crashed "), 1);
    assert_int_equal(matching(&model, "ablation flip"), 2); /* one has it in its name, the other among its tricks */
    assert_int_equal(matching(&model, "diverged"), 1);
    assert_int_equal(matching(&model, "quick done"), 2);
    assert_int_equal(matching(&model, "nothing like it"), 0);
    assert_null(runs_model_selected(&model));
    assert_int_equal(runs_model_toggle_mark(&model), 0);
    runs_model_select(&model, 3);
    assert_int_equal(matching(&model, ""), SAMPLES);
    assert_non_null(runs_model_selected(&model));
    runs_model_release(&model);
}

static void test_selection_and_marks_hold(void **state)
{
    (void)state;
    struct runs_model model;
    const struct run_entry *marked[RUNS_MARKS_MAX];
    open_model(&model, SAMPLES);
    select_name(&model, "no-flip");
    runs_model_toggle_mark(&model);
    select_name(&model, "hot");
    runs_model_toggle_mark(&model);
    runs_model_sort(&model, RUNS_BEST, 1);
    assert_string_equal(runs_model_selected(&model)->folder.name, "hot");
    runs_model_filter(&model, "ablation");
    assert_int_equal(runs_model_marked(&model, marked), 2);
    assert_string_equal(marked[0]->folder.name, "no-flip");
    assert_string_equal(marked[1]->folder.name, "hot");
    runs_model_filter(&model, "");
    take(&model, 4, SAMPLES - 4); /* read again: the first four are gone, the others new objects */
    assert_int_equal(runs_model_marked(&model, marked), 2);
    assert_string_equal(marked[0]->folder.name, "no-flip");
    runs_model_moved(&model, "/home/me/runs/hot", "/home/me/runs/cool");
    assert_int_equal(runs_model_marked(&model, marked), 1);
    assert_int_equal(strcmp(model.marked[1], "/home/me/runs/cool"), 0);
    runs_model_clear_marks(&model);
    for (int i = 0; i < RUNS_MARKS_MAX; i++) {
        runs_model_select(&model, i);
        assert_int_equal(runs_model_toggle_mark(&model), 0);
    }
    runs_model_select(&model, RUNS_MARKS_MAX);
    assert_int_equal(runs_model_toggle_mark(&model), -1);
    runs_model_select(&model, 2);
    assert_int_equal(runs_model_toggle_mark(&model), 0);
    runs_model_select(&model, RUNS_MARKS_MAX);
    assert_int_equal(runs_model_toggle_mark(&model), 0);
    assert_int_equal(runs_model_mark(&model, runs_model_selected(&model)), 2); /* the letter that was free */
    runs_model_release(&model);
}

static const struct recipe_difference *difference(const struct runs_model *model, const char *key)
{
    for (int i = 0; i < model->n_differences; i++)
        if (strcmp(model->differences[i].key, key) == 0)
            return &model->differences[i];
    return NULL;
}

static void test_compare(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, SAMPLES);
    model.comparing = 1;
    select_name(&model, "no-cutout"); /* nothing is marked: it and its preset */
    assert_int_equal(model.n_compared, 2);
    assert_null(model.compared[0]);
    assert_int_equal(model.n_differences, 2); /* the seed as well */
    assert_string_equal(difference(&model, "cutout")->value[0], "on");
    assert_string_equal(difference(&model, "cutout")->value[1], "off");
    runs_model_toggle_mark(&model);
    select_name(&model, "no-flip");
    assert_int_equal(model.n_compared, 2);
    assert_int_equal(model.n_differences, 2);
    assert_string_equal(difference(&model, "flip")->value[1], "off");
    runs_model_toggle_mark(&model);
    select_name(&model, "batch-256");
    runs_model_toggle_mark(&model);
    assert_int_equal(model.n_compared, 3);
    assert_string_equal(difference(&model, "batch")->value[2], "256");
    assert_string_equal(difference(&model, "lr_values")->value[2], "0,0.25,0");
    assert_null(difference(&model, "momentum"));
    select_name(&model, samples[8].name);
    runs_model_toggle_mark(&model);
    assert_non_null(difference(&model, "network"));
    assert_string_not_equal(difference(&model, "network")->value[3], difference(&model, "network")->value[0]);
    runs_model_clear_marks(&model);
    runs_model_filter(&model, "nothing like it");
    assert_int_equal(model.n_compared, 0);
    runs_model_release(&model);
}

/* ---- the view ---- */

static void test_golden(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, RUNS);
    select_name(&model, "no-flip");
    runs_model_toggle_mark(&model);
    select_name(&model, "no-cutout");
    runs_model_toggle_mark(&model);
    select_name(&model, samples[0].name);
    golden_check_sizes("runs", draw, &model);
    golden_check("runs", 120, 40, 0, draw, &model);
    runs_model_filter(&model, "quick");
    runs_model_sort(&model, RUNS_BEST, 1);
    model.editing = RUNS_EDIT_FILTER;
    line_edit_set(&model.edit, "quick");
    golden_check("runs-filter", 80, 24, 0, draw, &model);
    runs_model_filter(&model, "");
    select_name(&model, "no-flip");
    model.editing = RUNS_EDIT_NOTE;
    line_edit_set(&model.edit, "half a note");
    golden_check("runs-note", 80, 24, 0, draw, &model);
    golden_check("runs-note", 40, 10, 0, draw, &model);
    model.editing = RUNS_EDIT_NAME;
    line_edit_set(&model.edit, "another-name");
    golden_check("runs-rename", 80, 24, 1, draw, &model);
    model.editing = RUNS_EDIT_NONE;
    model.comparing = 1;
    select_name(&model, "batch-256");
    runs_model_toggle_mark(&model);
    golden_check_sizes("runs-compare", draw, &model);
    runs_model_release(&model);
}

static void assert_time(const struct runs_model *model, const char *wanted)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, 120, 40), 0);
    draw(model, &grid, (struct rect){0, 0, 120, 40});
    char *text = grid_text(&grid);
    assert_non_null(strstr(text, wanted));
    free(text);
    grid_release(&grid);
}

/* A run that trains may still reach its target, and one that has just begun has no times to tell. */
static void test_times_of_a_run_that_trains(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, SAMPLES);
    select_name(&model, "live-one");
    int at = 0;
    while (at + 1 < model.n_entries && strcmp(model.entries[at]->folder.name, "live-one") != 0)
        at++;
    struct run_summary *summary = &model.entries[at]->summary;
    assert_time(&model, "94 % not reached yet; trained");
    snprintf(summary->state, sizeof summary->state, "stopped");
    assert_time(&model, "94 % not reached; trained");
    summary->train_seconds = NAN;
    assert_time(&model, "it was not trained");
    snprintf(summary->state, sizeof summary->state, "running");
    assert_time(&model, "its first step is under way");
    runs_model_release(&model);
}

static int last_point(const struct runs_model *model)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, 100, 20), 0);
    grid.ascii = 1;
    runs_chart_draw(model, &grid, (struct rect){0, 0, 100, 20});
    int last = golden_last_column(&grid, (struct rect){0, 2, 100, 15}, '*'); /* without the legend */
    grid_release(&grid);
    return last;
}

/* Of 7.59 epochs the last evaluation is at 243 steps of 32, which is a little more. */
static void test_the_last_evaluation_is_shown(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, SAMPLES);
    select_name(&model, "no-cutout");
    int whole = last_point(&model);
    model.entries[3]->summary.epochs -= 0.004;
    assert_string_equal(model.entries[3]->folder.name, "no-cutout");
    assert_int_equal(last_point(&model), whole);
    runs_model_release(&model);
}

static void test_golden_empty(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, 0);
    golden_check("runs-empty", 80, 24, 0, draw, &model);
    golden_check("runs-empty", 40, 10, 1, draw, &model);
    snprintf(model.problem, sizeof model.problem, "/home/me/runs: Permission denied");
    golden_check("runs-problem", 80, 24, 0, draw, &model);
    golden_check_small(draw, &model);
    runs_model_release(&model);
}

static void test_small_sizes(void **state)
{
    (void)state;
    struct runs_model model;
    open_model(&model, RUNS);
    static const enum runs_edit edits[] = {RUNS_EDIT_NONE, RUNS_EDIT_FILTER, RUNS_EDIT_TAGS, RUNS_EDIT_NOTE,
                                           RUNS_EDIT_NAME};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        runs_model_select(&model, 3 * (int)i);
        runs_model_toggle_mark(&model);
        model.editing = edits[i];
        line_edit_set(&model.edit, "text as long as it may be, and then some more of it");
        golden_check_small(draw, &model);
    }
    model.comparing = 1;
    runs_model_compare(&model);
    golden_check_small(draw, &model);
    runs_model_clear_marks(&model);
    runs_model_filter(&model, "nothing like it");
    golden_check_small(draw, &model);
    model.comparing = 0;
    golden_check_small(draw, &model);
    runs_model_release(&model);
}

static void test_layout(void **state)
{
    (void)state;
    for (int h = 0; h <= 120; h++)
        for (int w = 0; w <= 400; w += w < 130 ? 1 : 9) {
            struct rect area = {3, 1, w, h};
            struct runs_layout l;
            runs_layout_make(area, (w + h) % 50, &l);
            const struct rect all[] = {l.line, l.table, l.detail, l.chart};
            for (int i = 0; i < 4; i++) {
                struct rect inside = rect_intersect(all[i], area);
                assert_true(all[i].w == 0 || all[i].h == 0 || (inside.w == all[i].w && inside.h == all[i].h));
                for (int k = 0; k < i; k++) {
                    struct rect both = rect_intersect(all[i], all[k]);
                    assert_true(both.w <= 0 || both.h <= 0);
                }
            }
            assert_true(w == 0 || h < 3 || l.table.h >= 3);
            assert_true(w < 100 || h < 20 || (l.detail.h >= 8 && l.chart.h >= 8));
        }
}

/* The cell that shows a run is the cell that finds it. */
static void test_find(void **state)
{
    (void)state;
    struct runs_model model;
    struct grid grid;
    struct rect area = {0, 0, 120, 40};
    enum runs_column column;
    open_model(&model, RUNS);
    runs_model_sort(&model, RUNS_SEED, 0);
    runs_model_select(&model, 8);
    assert_int_equal(grid_init(&grid, area.w, area.h), 0);
    runs_view_draw(&model, &grid, area);
    int found = 0;
    for (int y = 0; y < area.h; y++) {
        int row = runs_view_find(&model, area, 10, y, &column);
        if (row < 0)
            continue;
        char *at = grid_at(&grid, 1, y)->text; /* the cursor is at the selected row */
        assert_int_equal(row == model.selected, strcmp(at, "▸") == 0);
        found++;
    }
    assert_true(found >= 10);
    int heads = 0;
    for (int x = 0; x < area.w; x++) {
        assert_int_equal(runs_view_find(&model, area, x, 1, &column), -1);
        heads += column == RUNS_BEST;
    }
    assert_true(heads >= 6);
    assert_int_equal(runs_view_find(&model, area, 10, 39, &column), -1);
    assert_int_equal(runs_view_find(&model, area, 10, 0, NULL), -1);
    grid_release(&grid);
    runs_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_a_loading_run_is_the_newest),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_selection_and_marks_hold),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_the_last_evaluation_is_shown),
        cmocka_unit_test(test_golden_empty),
        cmocka_unit_test(test_times_of_a_run_that_trains),
        cmocka_unit_test(test_small_sizes),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_find),
    };
    if (setenv("TZ", "UTC", 1) || setenv("XDG_CONFIG_HOME", "/nonexistent", 1))
        return 1;
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
