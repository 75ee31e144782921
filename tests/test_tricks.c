/* The Tricks screen's form: which rows there are, and what each key does to it. */
#include "kernels/rng.h"
#include "tests/tricks_form.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    struct tricks_model *model = form_open();
    for (int k = 0; k < knob_count; k++) {
        int n = 0, is_switch = strcmp(knobs[k].key, "crop") == 0 || strcmp(knobs[k].key, "cutout") == 0;
        for (int i = 0; i < model->n_rows; i++)
            n += model->row[i].kind == TRICKS_KNOB && model->row[i].index == k;
        assert_int_equal(n, !is_switch);
    }
    for (int t = 0; t < FORM_TRICKS; t++)
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
    int cutout = tricks_model_find(model, (struct draft_place){DRAFT_TRICK, FORM_CUTOUT});
    assert_int_equal(tricks_model_find(model, form_knob_place("cutout_height")), cutout + 1);
    assert_int_equal(model->row[cutout + 1].of_trick, FORM_CUTOUT);
    form_close(model);
}

static void test_moving_passes_headings(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
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
    form_close(model);
}

static void test_tricks_toggle_and_conflict(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    form_go(model, (struct draft_place){DRAFT_TRICK, FORM_CUTOUT});
    tricks_model_toggle(model);
    expect(model, "cutout", "off");
    assert_true(tricks_row_changed(model, tricks_model_here(model)));
    tricks_model_move(model, 1); /* on its parameter too */
    tricks_model_toggle(model);
    expect(model, "cutout", "on");
    form_go(model, (struct draft_place){DRAFT_TRICK, FORM_HOT});
    tricks_model_toggle(model);
    expect(model, "logit_scale", "0.25");
    form_go(model, (struct draft_place){DRAFT_TRICK, FORM_COLD});
    tricks_model_toggle(model);
    said(model, 1, "hot and cold both set logit_scale: switch one off");
    expect(model, "logit_scale", "0.25");
    tricks_model_move(model, -1);
    assert_string_equal(model->said, "");
    form_close(model);
}

static void test_choices(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    form_go_knob(model, "eval");
    tricks_model_step(model, 1);
    expect(model, "eval", "holdout");
    tricks_model_step(model, 1);
    expect(model, "eval", "test");
    tricks_model_step(model, -1);
    expect(model, "eval", "holdout");
    form_go_knob(model, "drop_last");
    tricks_model_toggle(model);
    expect(model, "drop_last", "off");
    form_go_knob(model, "batch");
    tricks_model_step(model, 1); /* not a choice */
    expect(model, "batch", "512");
    form_go(model, (struct draft_place){DRAFT_PRESET, 0});
    char first[64];
    snprintf(first, sizeof first, "%s", model->draft.recipe.preset);
    tricks_model_step(model, 1);
    assert_string_not_equal(model->draft.recipe.preset, first);
    for (int i = 1; i < model->n_presets; i++)
        tricks_model_step(model, 1);
    assert_string_equal(model->draft.recipe.preset, first);
    form_close(model);
}

static void test_editing(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    form_go_knob(model, "batch");
    tricks_model_edit(model);
    assert_int_equal(model->mode, TRICKS_EDIT);
    assert_string_equal(model->edit.text, "512");
    form_type(model, "9"); /* takes the place of the number */
    assert_string_equal(model->edit.text, "9");
    assert_false(model->refused);
    form_type(model, "x");
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
    form_type(model, "77");
    tricks_model_cancel(model);
    expect(model, "batch", "9");

    /* A list is gone on with, and the contradiction of its neighbour is said while typing. */
    form_go_knob(model, "lr_knots");
    tricks_model_edit(model);
    form_type(model, ",30");
    assert_string_equal(model->edit.text, "0,5,24,30");
    assert_false(model->refused);
    said(model, 1, "differ in length");
    tricks_model_cancel(model);

    form_go(model, (struct draft_place){DRAFT_NETWORK, 0});
    tricks_model_edit(model);
    assert_non_null(strstr(model->edit.text, "prep = conv_bn c; layer1 = "));
    line_edit_set(&model->edit, "prep = nonsense");
    tricks_model_edited(model);
    assert_false(tricks_model_accept(model));
    said(model, 1, "nonsense");
    line_edit_set(&model->edit, "prep = block c; pool = global_max; logits = linear");
    assert_true(tricks_model_accept(model));
    assert_string_equal(model->draft.recipe.network, "prep = block c\npool = global_max\nlogits = linear\n");
    form_close(model);
}

static void test_undo_goes_to_what_changed(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    form_go_knob(model, "eval");
    tricks_model_step(model, 1);
    form_go(model, (struct draft_place){DRAFT_TRICK, FORM_CROP});
    tricks_model_toggle(model);
    tricks_model_end(model, 1);
    tricks_model_undo(model, 0);
    assert_int_equal(tricks_model_here(model)->kind, TRICKS_TRICK);
    expect(model, "crop", "on");
    tricks_model_undo(model, 0);
    assert_int_equal(model->cursor, tricks_model_find(model, form_knob_place("eval")));
    expect(model, "eval", "test");
    tricks_model_undo(model, 0);
    said(model, 0, "nothing to undo");
    tricks_model_undo(model, 1);
    tricks_model_undo(model, 1);
    expect(model, "crop", "off");
    tricks_model_undo(model, 1);
    said(model, 0, "nothing to do again");
    form_go_knob(model, "eval");
    tricks_model_reset(model);
    expect(model, "eval", "test");
    expect(model, "crop", "off");
    tricks_model_reset_all(model);
    expect(model, "crop", "on");
    tricks_model_undo(model, 0);
    expect(model, "crop", "off");
    form_close(model);
}

static void test_filter_and_differences(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    int all = model->n_rows;
    tricks_model_open(model, TRICKS_FILTER);
    form_type(model, "LR_KN");
    assert_true(tricks_model_find(model, form_knob_place("lr_knots")) > 0);
    assert_int_equal(model->n_rows, 3); /* start, a heading, the knob */
    assert_true(tricks_model_accept(model));
    assert_int_equal(model->n_rows, 3);
    tricks_model_filter(model, "");
    assert_int_equal(model->n_rows, all);

    tricks_model_show(model, TRICKS_CHANGED);
    assert_int_equal(model->n_rows, 1);
    tricks_model_show(model, TRICKS_NEW); /* there is no run to compare with */
    assert_int_equal(model->show, TRICKS_ALL);
    form_add_last(model);
    form_go_knob(model, "momentum");
    tricks_model_edit(model);
    form_type(model, "0.8");
    assert_true(tricks_model_accept(model));
    tricks_model_show(model, TRICKS_CHANGED);
    assert_int_equal(model->n_rows, 3);
    assert_int_equal(model->cursor, tricks_model_find(model, form_knob_place("momentum")));
    assert_int_equal(tricks_model_count(model, TRICKS_CHANGED), 1);
    tricks_model_show(model, TRICKS_NEW);
    assert_true(tricks_model_find(model, form_knob_place("batch")) > 0);
    assert_true(tricks_model_find(model, form_knob_place("momentum")) > 0);
    assert_true(tricks_model_find(model, form_knob_place("weight_decay")) < 0);
    assert_true(tricks_model_find(model, (struct draft_place){DRAFT_PRESET, 0}) > 0);
    tricks_model_take(model, &model->last);
    assert_int_equal(model->n_rows, 1); /* the same as the last run now */
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 0);
    expect(model, "batch", "256");
    form_close(model);
}

/* Steps are counted; seconds need a run whose steps do the same. */
static void test_cost_only_with_ground(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    assert_true(model->cost.steps_per_epoch == 97 && model->cost.steps == 24 * 97); /* 50,000 images */
    assert_true(isnan(model->cost.seconds));
    form_add_last(model);
    assert_true(isnan(model->cost.seconds)); /* another batch: its speed is not known */
    form_set(model, "batch", "256");
    assert_true(model->cost.steps == 24 * 195);
    assert_true(fabs(model->cost.seconds - 24 * 195 * 0.2) < 1e-6);
    form_set(model, "width", "32");
    assert_true(isnan(model->cost.seconds) && model->cost.steps == 24 * 195);
    tricks_model_undo(model, 0);
    assert_true(model->cost.seconds > 0);
    form_go_knob(model, "eval");
    tricks_model_step(model, 1);
    assert_true(model->cost.steps_per_epoch == 175);
    form_go_knob(model, "drop_last");
    tricks_model_toggle(model);
    assert_true(model->cost.steps_per_epoch == 176);

    /* What starting it would be refused for. */
    assert_string_equal(model->problem, "");
    form_set(model, "data", "synthetic:1:100");
    assert_true(isnan(model->cost.steps));
    assert_true(*model->problem); /* nothing to hold out of it */
    form_go_knob(model, "eval");
    tricks_model_step(model, 1);
    assert_string_equal(model->problem, "");
    assert_true(model->cost.steps_per_epoch == 1);
    form_set(model, "data", "/nonexistent");
    assert_non_null(strstr(model->problem, "/nonexistent"));
    assert_true(isnan(model->cost.steps) && model->draft.valid);
    form_close(model);
}

/* The last run's recipe names the data set that was found; the draft, that it is to be found. */
static void test_the_same_data_is_no_difference(void **state)
{
    (void)state;
    static struct recipe last;
    struct trainer_status status = {.step = 1};
    struct tricks_model *model = form_open();
    last = model->draft.recipe;
    snprintf(last.data, sizeof last.data, "%s", model->source);
    assert_string_equal(model->source, "synthetic:1");
    assert_true(tricks_model_last(model, &last, &status));
    assert_false(tricks_model_last(model, &last, &status));
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 0);
    form_set(model, "data", "synthetic:2");
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 1);
    tricks_model_take(model, &model->last);
    expect(model, "data", "synthetic:1");
    assert_int_equal(tricks_model_count(model, TRICKS_NEW), 0);
    form_close(model);
}

static void test_plot(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
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

    form_go_knob(model, "lr_shape");
    tricks_model_step(model, 1);
    tricks_model_open(model, TRICKS_PLOT);
    assert_int_equal(model->mode, TRICKS_BROWSE);
    said(model, 1, "only a piecewise learning rate has knots");
    form_close(model);
}

static int draws(const struct tricks_plot *plot, const char *text)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, 80, 20), 0);
    tricks_plot_draw(plot, &grid, (struct rect){0, 0, 80, 20});
    char *dump = grid_text(&grid);
    assert_non_null(dump);
    int found = strstr(dump, text) != NULL;
    free(dump);
    grid_release(&grid);
    return found;
}

/* The kink goes with the knot where the fall begins, is drawn, and is still there when the plot is taken. */
static void test_plot_has_the_kink(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    struct tricks_plot *plot = &model->plot;
    double rate;
    tricks_model_open(model, TRICKS_PLOT);
    assert_true(tricks_plot_kink(plot, &rate) == -1 && isnan(rate));
    assert_false(draws(plot, "lr_kink"));
    tricks_model_cancel(model);
    form_go_knob(model, "lr_kink");
    tricks_model_step(model, 1);
    form_set(model, "lr_kink_factor", "1.5");
    tricks_model_open(model, TRICKS_PLOT);
    assert_int_equal(tricks_plot_kink(plot, &rate), 1);
    assert_true(fabs(rate - 0.6) < 1e-12);
    assert_true(draws(plot, "Knot 2 of 3: rate 0.4 at epoch 5, then 0.6 (lr_kink)"));
    tricks_model_add_knot(model, 1);
    tricks_model_move_knot(model, 0, 20); /* the new one is the highest now */
    assert_int_equal(tricks_plot_kink(plot, &rate), 2);
    assert_true(fabs(rate - 1.5 * plot->value[2]) < 1e-12);
    tricks_model_select_knot(model, -1);
    assert_false(draws(plot, "lr_kink"));
    assert_true(tricks_model_accept(model));
    expect(model, "lr_kink", "on");
    expect(model, "lr_kink_factor", "1.5");
    assert_true(schedule_highest(&model->draft.recipe.schedule) == rate);
    form_close(model);
}

/* Whatever is pressed, it is a schedule, and what is drawn is what is taken. */
static void test_plot_stays_a_schedule(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
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
    form_close(model);
}

static void test_save_and_pick(void **state)
{
    (void)state;
    struct tricks_model *model = form_open();
    int presets = model->n_presets;
    tricks_model_open(model, TRICKS_SAVE);
    form_type(model, "no/good");
    assert_false(tricks_model_accept(model));
    said(model, 1, "letters, digits");
    line_edit_set(&model->edit, "mine");
    tricks_model_edited(model);
    assert_true(tricks_model_accept(model));
    said(model, 0, "davidnet train --preset mine");
    assert_int_equal(model->n_presets, presets + 1);
    tricks_model_open(model, TRICKS_SAVE);
    form_type(model, "mine");
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
    form_go_knob(model, "lr_values");
    tricks_model_edit(model);
    line_edit_set(&model->edit, "0,1");
    assert_true(tricks_model_accept(model));
    assert_false(model->draft.valid);
    said(model, 1, "differ in length");
    assert_string_equal(model->command, "");
    tricks_model_open(model, TRICKS_SAVE);
    assert_int_equal(model->mode, TRICKS_BROWSE);
    said(model, 1, "differ in length");
    form_close(model);
}

/* A trick that would change nothing is refused as it is toggled; one that another edit leaves so is told of. */
static void test_a_trick_without_effect_is_told_of(void **state)
{
    (void)state;
    static struct recipe recipe;
    struct error err = {""};
    struct tricks_model *model = calloc(1, sizeof *model);
    struct draft_place flip = {DRAFT_TRICK, (int)(trick_find("flip") - tricks)};
    struct draft_place alternating = {DRAFT_TRICK, (int)(trick_find("alternating_flip") - tricks)};
    assert_non_null(model);
    if (recipe_preset_load("davidnet-79", &recipe, NULL, &err) ||
        tricks_model_init(model, tricks, trick_count, &recipe, &err))
        fail_msg("%s", err.text);
    form_go(model, flip);
    tricks_model_toggle(model);
    assert_string_equal(model->said, ""); /* crops and boxes are drawn still */
    form_go(model, alternating);
    tricks_model_toggle(model);
    said(model, 1, "alternating_flip would change nothing: flip_kind has an effect only with flip=on");
    expect(model, "flip_kind", "random");
    form_go(model, flip);
    tricks_model_toggle(model);
    form_go(model, alternating);
    tricks_model_toggle(model);
    expect(model, "flip_kind", "alternating");
    assert_string_equal(model->said, "");
    form_go(model, flip);
    tricks_model_toggle(model);
    expect(model, "flip", "off");
    said(model, 1, "alternating_flip is on and changes nothing now: flip_kind has an effect only with flip=on");
    form_go_knob(model, "momentum"); /* once is enough */
    tricks_model_edit(model);
    form_type(model, "0.8");
    assert_true(tricks_model_accept(model));
    assert_string_equal(model->said, "");
    form_close(model);
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
        cmocka_unit_test(test_plot),
        cmocka_unit_test(test_plot_has_the_kink),
        cmocka_unit_test(test_plot_stays_a_schedule),
        cmocka_unit_test(test_save_and_pick),
        cmocka_unit_test(test_a_trick_without_effect_is_told_of),
    };
    return cmocka_run_group_tests(tests, form_enter, form_leave);
}
