/*
 * The Tricks screen: which rows there are, what each key does to the form, and golden screens in
 * tests/golden/tricks-*.txt.
 */
#include "kernels/rng.h"
#include "tests/golden_screen.h"
#include "views/tricks_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;
static char folder[] = "/tmp/davidnet-test-XXXXXX";

static const struct trick table[] = {
    {.key = "crop",
     .title = "Random crop",
     .changes = "pads each training image by reflection and cuts a window of the old size out of it",
     .published = "part of every published recipe: standard augmentation",
     .source = "He et al., Deep Residual Learning, arXiv:1512.03385, 4.2",
     .parameters = {"crop_pad"},
     .patches = {{"crop", "on", "off"}}},
    {.key = "cutout",
     .title = "Cutout",
     .changes = "sets a box of each training image, at a random place, to zero",
     .published = "35 epochs: 3 of 5 to 5 of 5 runs reach 94 %",
     .source = "DeVries & Taylor, arXiv:1708.04552",
     .parameters = {"cutout_height", "cutout_width"},
     .patches = {{"cutout", "on", "off"}}},
    {.key = "hot",
     .title = "Hot logits",
     .changes = "makes the logits larger",
     .published = "nowhere",
     .source = "this test",
     .patches = {{"logit_scale", "0.25", "0.125"}}},
    {.key = "cold",
     .title = "Cold logits",
     .changes = "makes the logits smaller",
     .published = "nowhere",
     .source = "this test",
     .patches = {{"logit_scale", "0.0625", "0.125"}}},
};
enum { CROP, CUTOUT, HOT, COLD, TRICKS };

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) && setenv("XDG_CONFIG_HOME", folder, 1) == 0 &&
                   setenv("DAVIDNET_DATA", "synthetic:1:50000", 1) == 0
               ? 0
               : -1;
}

static int leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* On davidnet-79, with no run to compare with. */
static struct tricks_model *begin(void)
{
    static struct recipe recipe;
    struct tricks_model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    if (recipe_preset_load("davidnet-79", &recipe, NULL, &err) ||
        tricks_model_init(model, table, TRICKS, &recipe, &err))
        fail_msg("%s", err.text);
    tricks_model_list_presets(model);
    tricks_model_ready(model, TRICKS_STARTS, NULL);
    return model;
}

static void end(struct tricks_model *model)
{
    tricks_model_release(model);
    free(model);
}

/* A run of davidnet-66 with batch 256, that has done 500 steps of 195 an epoch in 100 seconds. */
static void add_last(struct tricks_model *model)
{
    static struct recipe last;
    struct trainer_status status = {.step = 500, .steps = 3900, .steps_per_epoch = 195, .train_seconds = 100};
    const struct recipe_request request = {.preset = "davidnet-66", .sets = {"batch=256"}, .n_sets = 1};
    if (recipe_resolve(&request, &last, &err))
        fail_msg("%s", err.text);
    snprintf(status.run, sizeof status.run, "davidnet-66-20261101-120000");
    assert_true(tricks_model_last(model, &last, &status));
    assert_false(tricks_model_last(model, &last, &status));
}

static struct draft_place knob_place(const char *key)
{
    return (struct draft_place){DRAFT_KNOB, (int)(knob_find(key) - knobs)};
}

static void go(struct tricks_model *model, struct draft_place place)
{
    int row = tricks_model_find(model, place);
    assert_true(row >= 0);
    tricks_model_go(model, row);
    assert_int_equal(model->cursor, row);
}

static void go_knob(struct tricks_model *model, const char *key)
{
    go(model, knob_place(key));
}

static void type(struct tricks_model *model, const char *text)
{
    for (; *text; text++) {
        tricks_model_start_typing(model, 1);
        line_edit_insert(&model->edit, *text);
        tricks_model_edited(model);
    }
}

static void expect(const struct tricks_model *model, const char *key, const char *text)
{
    char now[KNOB_TEXT_MAX];
    knob_get(&model->draft.recipe, knob_find(key), now, sizeof now);
    assert_string_equal(now, text);
}

static void said(const struct tricks_model *model, int bad, const char *part)
{
    if (!strstr(model->said, part) || model->said_is_bad != bad)
        fail_msg("expected '%s' in: %s", part, model->said);
}

/* Every trick and every knob has one row, except that a trick's own switch is the trick's row. */
static void test_rows_are_the_tables(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    for (int k = 0; k < knob_count; k++) {
        int n = 0, is_switch = strcmp(knobs[k].key, "crop") == 0 || strcmp(knobs[k].key, "cutout") == 0;
        for (int i = 0; i < model->n_rows; i++)
            n += model->row[i].kind == TRICKS_KNOB && model->row[i].index == k;
        assert_int_equal(n, !is_switch);
    }
    for (int t = 0; t < TRICKS; t++)
        assert_true(tricks_model_find(model, (struct draft_place){DRAFT_TRICK, t}) > 0);
    assert_true(tricks_model_find(model, (struct draft_place){DRAFT_NETWORK, 0}) > 0);
    assert_int_equal(model->row[0].kind, TRICKS_START);
    assert_int_equal(model->row[1].kind, TRICKS_PRESET);
    for (int i = 0; i < model->n_rows; i++) {
        if (model->row[i].kind != TRICKS_HEADING)
            continue;
        assert_true(i + 1 < model->n_rows); /* none is empty, none twice */
        assert_int_not_equal(model->row[i + 1].kind, TRICKS_HEADING);
        for (int j = 0; j < i; j++)
            if (model->row[j].kind == TRICKS_HEADING)
                assert_string_not_equal(model->row[j].heading, model->row[i].heading);
    }
    /* A parameter stands below its trick. */
    int cutout = tricks_model_find(model, (struct draft_place){DRAFT_TRICK, CUTOUT});
    assert_int_equal(tricks_model_find(model, knob_place("cutout_height")), cutout + 1);
    assert_int_equal(model->row[cutout + 1].of_trick, CUTOUT);
    end(model);
}

static void test_moving_passes_headings(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    int seen = 0;
    tricks_model_end(model, 0);
    for (int before = -1; model->cursor != before; seen++) {
        before = model->cursor;
        assert_int_not_equal(tricks_model_here(model)->kind, TRICKS_HEADING);
        tricks_model_move(model, 1);
    }
    assert_int_equal(model->cursor, model->n_rows - 1);
    int headings = 0;
    for (int i = 0; i < model->n_rows; i++)
        headings += model->row[i].kind == TRICKS_HEADING;
    assert_int_equal(seen, model->n_rows - headings);
    for (int i = 0; i < 2 * model->n_rows; i++) {
        tricks_model_move(model, -1);
        assert_int_not_equal(tricks_model_here(model)->kind, TRICKS_HEADING);
    }
    assert_int_equal(model->cursor, 0);
    tricks_model_move(model, 1000);
    assert_int_equal(model->cursor, model->n_rows - 1);
    tricks_model_move(model, -1000);
    assert_int_equal(model->cursor, 0);
    end(model);
}

static void test_tricks_toggle_and_conflict(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    go(model, (struct draft_place){DRAFT_TRICK, CUTOUT});
    tricks_model_toggle(model);
    expect(model, "cutout", "off");
    assert_true(tricks_row_changed(model, tricks_model_here(model)));
    tricks_model_move(model, 1); /* on its parameter too */
    tricks_model_toggle(model);
    expect(model, "cutout", "on");
    go(model, (struct draft_place){DRAFT_TRICK, HOT});
    tricks_model_toggle(model);
    expect(model, "logit_scale", "0.25");
    go(model, (struct draft_place){DRAFT_TRICK, COLD});
    tricks_model_toggle(model);
    said(model, 1, "hot and cold both set logit_scale: switch one off");
    expect(model, "logit_scale", "0.25");
    tricks_model_move(model, -1);
    assert_string_equal(model->said, "");
    end(model);
}

static void test_choices(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    go_knob(model, "eval");
    tricks_model_step(model, 1);
    expect(model, "eval", "holdout");
    tricks_model_step(model, 1);
    expect(model, "eval", "test");
    tricks_model_step(model, -1);
    expect(model, "eval", "holdout");
    go_knob(model, "drop_last");
    tricks_model_toggle(model);
    expect(model, "drop_last", "off");
    go_knob(model, "batch");
    tricks_model_step(model, 1); /* not a choice */
    expect(model, "batch", "512");
    go(model, (struct draft_place){DRAFT_PRESET, 0});
    char first[64];
    snprintf(first, sizeof first, "%s", model->draft.recipe.preset);
    tricks_model_step(model, 1);
    assert_string_not_equal(model->draft.recipe.preset, first);
    for (int i = 1; i < model->n_presets; i++)
        tricks_model_step(model, 1);
    assert_string_equal(model->draft.recipe.preset, first);
    end(model);
}

static void test_editing(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    go_knob(model, "batch");
    tricks_model_edit(model);
    assert_int_equal(model->mode, TRICKS_EDIT);
    assert_string_equal(model->edit.text, "512");
    type(model, "9"); /* takes the place of the number */
    assert_string_equal(model->edit.text, "9");
    assert_false(model->refused);
    type(model, "x");
    assert_true(model->refused);
    said(model, 1, "batch = 9x: expected a whole number, 2 to 16384");
    assert_false(tricks_model_accept(model)); /* stays open, and nothing has changed */
    assert_int_equal(model->mode, TRICKS_EDIT);
    expect(model, "batch", "512");
    line_edit_backspace(&model->edit);
    tricks_model_edited(model);
    assert_string_equal(model->said, "");
    assert_true(tricks_model_accept(model));
    expect(model, "batch", "9");
    tricks_model_edit(model);
    type(model, "77");
    tricks_model_cancel(model);
    expect(model, "batch", "9");

    /* A list is gone on with, and the contradiction of its neighbour is said while typing. */
    go_knob(model, "lr_knots");
    tricks_model_edit(model);
    type(model, ",30");
    assert_string_equal(model->edit.text, "0,5,24,30");
    assert_false(model->refused);
    said(model, 1, "differ in length");
    tricks_model_cancel(model);

    go(model, (struct draft_place){DRAFT_NETWORK, 0});
    tricks_model_edit(model);
    assert_non_null(strstr(model->edit.text, "prep = conv_bn c; layer1 = "));
    line_edit_set(&model->edit, "prep = nonsense");
    tricks_model_edited(model);
    assert_false(tricks_model_accept(model));
    said(model, 1, "nonsense");
    line_edit_set(&model->edit, "prep = block c; pool = global_max; logits = linear");
    assert_true(tricks_model_accept(model));
    assert_string_equal(model->draft.recipe.network, "prep = block c\npool = global_max\nlogits = linear\n");
    end(model);
}

static void test_undo_goes_to_what_changed(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    go_knob(model, "eval");
    tricks_model_step(model, 1);
    go(model, (struct draft_place){DRAFT_TRICK, CROP});
    tricks_model_toggle(model);
    tricks_model_end(model, 1);
    tricks_model_undo(model, 0);
    assert_int_equal(tricks_model_here(model)->kind, TRICKS_TRICK);
    expect(model, "crop", "on");
    tricks_model_undo(model, 0);
    assert_int_equal(model->cursor, tricks_model_find(model, knob_place("eval")));
    expect(model, "eval", "test");
    tricks_model_undo(model, 0);
    said(model, 0, "nothing to undo");
    tricks_model_undo(model, 1);
    tricks_model_undo(model, 1);
    expect(model, "crop", "off");
    tricks_model_undo(model, 1);
    said(model, 0, "nothing to do again");
    go_knob(model, "eval");
    tricks_model_reset(model);
    expect(model, "eval", "test");
    expect(model, "crop", "off");
    tricks_model_reset_all(model);
    expect(model, "crop", "on");
    tricks_model_undo(model, 0);
    expect(model, "crop", "off");
    end(model);
}

static void test_filter_and_differences(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    int all = model->n_rows;
    tricks_model_open(model, TRICKS_FILTER);
    type(model, "LR_KN");
    assert_true(tricks_model_find(model, knob_place("lr_knots")) > 0);
    assert_int_equal(model->n_rows, 3); /* start, a heading, the knob */
    assert_true(tricks_model_accept(model));
    assert_int_equal(model->n_rows, 3);
    tricks_model_filter(model, "");
    assert_int_equal(model->n_rows, all);

    tricks_model_show(model, TRICKS_CHANGED);
    assert_int_equal(model->n_rows, 1);
    tricks_model_show(model, TRICKS_NEW); /* there is no run to compare with */
    assert_int_equal(model->show, TRICKS_ALL);
    add_last(model);
    go_knob(model, "momentum");
    tricks_model_edit(model);
    type(model, "0.8");
    assert_true(tricks_model_accept(model));
    tricks_model_show(model, TRICKS_CHANGED);
    assert_int_equal(model->n_rows, 3);
    assert_int_equal(model->cursor, tricks_model_find(model, knob_place("momentum")));
    assert_int_equal(tricks_model_count(model, TRICKS_CHANGED), 1);
    tricks_model_show(model, TRICKS_NEW);
    assert_true(tricks_model_find(model, knob_place("batch")) > 0);
    assert_true(tricks_model_find(model, knob_place("momentum")) > 0);
    assert_true(tricks_model_find(model, knob_place("weight_decay")) < 0);
    assert_true(tricks_model_find(model, (struct draft_place){DRAFT_PRESET, 0}) > 0);
    tricks_model_take(model, &model->last);
    assert_int_equal(model->n_rows, 1); /* the same as the last run now */
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 0);
    expect(model, "batch", "256");
    end(model);
}

static void type_value(struct tricks_model *model, const char *key, const char *text)
{
    go_knob(model, key);
    tricks_model_edit(model);
    line_edit_set(&model->edit, text);
    assert_true(tricks_model_accept(model));
}

/* Steps are counted; seconds need a run whose steps do the same. */
static void test_cost_only_with_ground(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    assert_true(model->cost.steps_per_epoch == 97 && model->cost.steps == 24 * 97); /* 50,000 images */
    assert_true(isnan(model->cost.seconds));
    add_last(model);
    assert_true(isnan(model->cost.seconds)); /* another batch: its speed is not known */
    type_value(model, "batch", "256");
    assert_true(model->cost.steps == 24 * 195);
    assert_true(fabs(model->cost.seconds - 24 * 195 * 0.2) < 1e-6);
    type_value(model, "width", "32");
    assert_true(isnan(model->cost.seconds) && model->cost.steps == 24 * 195);
    tricks_model_undo(model, 0);
    assert_true(model->cost.seconds > 0);
    go_knob(model, "eval");
    tricks_model_step(model, 1);
    assert_true(model->cost.steps_per_epoch == 175);
    go_knob(model, "drop_last");
    tricks_model_toggle(model);
    assert_true(model->cost.steps_per_epoch == 176);

    /* What starting it would be refused for. */
    assert_string_equal(model->problem, "");
    type_value(model, "data", "synthetic:1:100");
    assert_true(isnan(model->cost.steps));
    assert_true(*model->problem); /* nothing to hold out of it */
    go_knob(model, "eval");
    tricks_model_step(model, 1);
    assert_string_equal(model->problem, "");
    assert_true(model->cost.steps_per_epoch == 1);
    type_value(model, "data", "/nonexistent");
    assert_non_null(strstr(model->problem, "/nonexistent"));
    assert_true(isnan(model->cost.steps) && model->draft.valid);
    end(model);
}

/* The last run's recipe names the data set that was found; the draft, that it is to be found. */
static void test_the_same_data_is_no_difference(void **state)
{
    (void)state;
    static struct recipe last;
    struct trainer_status status = {.step = 1};
    struct tricks_model *model = begin();
    last = model->draft.recipe;
    snprintf(last.data, sizeof last.data, "%s", model->source);
    assert_string_equal(model->source, "synthetic:1");
    assert_true(tricks_model_last(model, &last, &status));
    assert_false(tricks_model_last(model, &last, &status));
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 0);
    type_value(model, "data", "synthetic:2");
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 1);
    tricks_model_take(model, &model->last);
    expect(model, "data", "synthetic:1");
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 0);
    end(model);
}

static void test_plot(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    struct tricks_plot *plot = &model->plot;
    tricks_model_open(model, TRICKS_PLOT);
    assert_int_equal(model->mode, TRICKS_PLOT);
    assert_int_equal(plot->n, 3);
    assert_true(plot->knot[1] == 5 && plot->at == 1 && plot->knot_step == 0.5 && plot->value_step == 0.02);
    tricks_model_move_knot(model, 2, -3);
    assert_true(plot->knot[1] == 6 && plot->value[1] == 0.34);
    tricks_model_move_knot(model, 1e6, 0); /* up to the next one */
    assert_true(plot->knot[1] == 24);
    tricks_model_move_knot(model, -1e6, -1e6); /* down to the one before, and to 0 */
    assert_true(plot->knot[1] == 0 && plot->value[1] == 0);
    tricks_model_move_knot(model, 10, 10);
    assert_true(plot->knot[1] == 5 && plot->value[1] == 0.2);
    tricks_model_add_knot(model, 1);
    assert_int_equal(plot->n, 4);
    assert_true(plot->at == 2 && plot->knot[2] == 14.5 && plot->value[2] == 0.1);
    tricks_model_select_knot(model, -1);
    assert_int_equal(plot->at, 1);
    tricks_model_add_knot(model, 0);
    assert_true(plot->n == 3 && plot->knot[1] == 14.5);
    expect(model, "lr_knots", "0,5,24"); /* nothing of it yet */
    assert_true(tricks_model_accept(model));
    expect(model, "lr_knots", "0,14.5,24");
    expect(model, "lr_values", "0,0.1,0");
    assert_true(model->draft.valid);
    tricks_model_undo(model, 0); /* one step */
    expect(model, "lr_knots", "0,5,24");
    expect(model, "lr_values", "0,0.4,0");
    tricks_model_open(model, TRICKS_PLOT);
    tricks_model_move_knot(model, 1, 1);
    tricks_model_cancel(model);
    expect(model, "lr_knots", "0,5,24");

    go_knob(model, "lr_shape");
    tricks_model_step(model, 1);
    tricks_model_open(model, TRICKS_PLOT);
    assert_int_equal(model->mode, TRICKS_BROWSE);
    said(model, 1, "only a piecewise learning rate has knots");
    end(model);
}

/* Whatever is pressed, it is a schedule, and what is drawn is what is taken. */
static void test_plot_stays_a_schedule(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    struct tricks_plot *plot = &model->plot;
    int most = 0;
    tricks_model_open(model, TRICKS_PLOT);
    for (uint64_t i = 0; i < 3000; i++) {
        const uint32_t *word = rng_philox(11, RNG_TEST, 0, i).word;
        double size = word[2] % 4 == 0 ? 1e6 : word[2] % 30, sign = word[3] & 1 ? 1 : -1;
        if (word[0] % 8 < 2)
            tricks_model_add_knot(model, word[1] % 3 != 0 || plot->n < 3);
        else if (word[0] % 8 < 4)
            tricks_model_select_knot(model, word[1] & 1 ? 1 : -1);
        else
            tricks_model_move_knot(model, word[1] & 1 ? sign * size : 0, word[1] & 1 ? 0 : sign * size);
        assert_true(plot->n >= 1 && plot->at >= 0 && plot->at < plot->n);
        most = plot->n > most ? plot->n : most;
        if (i % 50 == 0) {
            assert_true(tricks_model_accept(model));
            if (!model->draft.valid)
                fail_msg("%s", model->draft.why.text);
            tricks_model_open(model, TRICKS_PLOT);
            assert_int_equal(model->mode, TRICKS_PLOT);
        }
    }
    assert_true(most == SCHEDULE_KNOTS_MAX);
    end(model);
}

static void test_save_and_pick(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    int presets = model->n_presets;
    tricks_model_open(model, TRICKS_SAVE);
    type(model, "no/good");
    assert_false(tricks_model_accept(model));
    said(model, 1, "letters, digits");
    line_edit_set(&model->edit, "mine");
    tricks_model_edited(model);
    assert_true(tricks_model_accept(model));
    said(model, 0, "davidnet train --preset mine");
    assert_int_equal(model->n_presets, presets + 1);
    tricks_model_open(model, TRICKS_SAVE);
    type(model, "mine");
    assert_false(tricks_model_accept(model)); /* a file would be lost: once more */
    said(model, 1, "Enter again");
    assert_true(tricks_model_accept(model));

    tricks_model_open(model, TRICKS_PICK);
    assert_string_equal(model->preset[model->picked].name, "davidnet-79");
    tricks_model_pick(model, 1000);
    assert_string_equal(model->preset[model->picked].name, "mine");
    assert_true(tricks_model_accept(model));
    assert_string_equal(model->draft.recipe.preset, "mine");

    /* A draft that cannot be run is not written. */
    go_knob(model, "lr_values");
    tricks_model_edit(model);
    line_edit_set(&model->edit, "0,1");
    assert_true(tricks_model_accept(model));
    assert_false(model->draft.valid);
    said(model, 1, "differ in length");
    assert_string_equal(model->command, "");
    tricks_model_open(model, TRICKS_SAVE);
    assert_int_equal(model->mode, TRICKS_BROWSE);
    said(model, 1, "differ in length");
    end(model);
}

/* ---- screens ---- */

static void draw(const void *model, struct grid *grid, struct rect area)
{
    tricks_view_draw(model, grid, area);
}

static void test_golden(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    add_last(model);
    go(model, (struct draft_place){DRAFT_TRICK, CUTOUT});
    tricks_model_toggle(model);
    golden_check_sizes("tricks", draw, model);
    go(model, (struct draft_place){DRAFT_TRICK, HOT});
    tricks_model_toggle(model);
    tricks_model_move(model, 1);
    tricks_model_toggle(model);
    golden_check("tricks-conflict", 80, 24, 0, draw, model);
    go_knob(model, "epochs");
    tricks_model_edit(model);
    type(model, "0");
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
    end(model);
}

static void test_small_sizes(void **state)
{
    (void)state;
    for (int mode = TRICKS_BROWSE; mode <= TRICKS_PLOT; mode++) {
        struct tricks_model *model = begin();
        add_last(model);
        for (int row = 0; row < model->n_rows; row += mode == TRICKS_BROWSE ? 3 : 17) {
            model->mode = TRICKS_BROWSE;
            tricks_model_go(model, row);
            if (mode == TRICKS_EDIT) {
                tricks_model_edit(model);
                type(model, "?");
            } else if (mode != TRICKS_BROWSE) {
                tricks_model_open(model, (enum tricks_mode)mode);
            }
            golden_check_small(draw, model);
        }
        end(model);
    }
}

/* The list always shows the cursor, whatever the size, and a click finds the row that is drawn there. */
static void test_layout_shows_the_cursor(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
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
    end(model);
}

static void test_drawing_changes_nothing(void **state)
{
    (void)state;
    struct tricks_model *model = begin();
    add_last(model);
    struct tricks_model *before = malloc(sizeof *before);
    memcpy(before, model, sizeof *before);
    struct grid grid;
    assert_int_equal(grid_init(&grid, 120, 40), 0);
    draw(model, &grid, (struct rect){0, 0, 120, 40});
    assert_memory_equal(before, model, sizeof *before);
    grid_release(&grid);
    free(before);
    end(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_the_tables),
        cmocka_unit_test(test_moving_passes_headings),
        cmocka_unit_test(test_tricks_toggle_and_conflict),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_undo_goes_to_what_changed),
        cmocka_unit_test(test_filter_and_differences),
        cmocka_unit_test(test_cost_only_with_ground),
        cmocka_unit_test(test_the_same_data_is_no_difference),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_small_sizes),
        cmocka_unit_test(test_layout_shows_the_cursor),
        cmocka_unit_test(test_drawing_changes_nothing),
        cmocka_unit_test(test_plot),
        cmocka_unit_test(test_plot_stays_a_schedule),
        cmocka_unit_test(test_save_and_pick),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
