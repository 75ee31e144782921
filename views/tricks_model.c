#include "views/tricks_model.h"

#include "engine/batches.h"
#include "engine/dataset.h"
#include "engine/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct tricks_model *model, int bad, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(struct tricks_model *model, int bad, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(model->said, sizeof model->said, format, args);
    va_end(args);
    utf8_cut(model->said);
    model->said_is_bad = bad;
}

static void hush(struct tricks_model *model)
{
    model->said[0] = '\0';
    model->said_is_bad = model->refused = 0;
}

/* ---- what follows from the draft ---- */

static void sample_schedule(const struct recipe *recipe, int n, double *x, double *lr)
{
    for (int i = 0; i < n; i++) {
        x[i] = recipe->epochs * i / (n - 1);
        lr[i] = recipe_lr(recipe, x[i]);
    }
}

static int same_section(const struct recipe *a, const struct recipe *b, const char *section)
{
    for (int i = 0; i < knob_count; i++)
        if (strcmp(knobs[i].section, section) == 0 && !knob_same(a, b, &knobs[i]))
            return 0;
    return 1;
}

/* How many steps: what starting the run would find, without reading the data. */
static void measure(struct tricks_model *model)
{
    const struct recipe *next = &model->draft.recipe;
    struct dataset *data = calloc(1, sizeof *data);
    struct batches batches;
    struct error err = {""};
    char source[sizeof next->data];
    model->cost = (struct tricks_cost){NAN, NAN, NAN};
    model->source[0] = model->problem[0] = '\0';
    if (!data)
        return;
    snprintf(source, sizeof source, "%s", next->data);
    if (!source[0])
        dataset_default_source(source, sizeof source);
    if (dataset_probe(data, source, &err) == 0) {
        snprintf(model->source, sizeof model->source, "%s", data->source);
        if ((next->eval != RECIPE_EVAL_HOLDOUT || dataset_hold_out(data, &err) == 0) &&
            batches_measure(&batches, next, &data->train, &err) == 0) {
            model->cost.steps_per_epoch = batches.steps_per_epoch;
            model->cost.steps = batches.steps;
        }
    }
    if (model->draft.valid)
        snprintf(model->problem, sizeof model->problem, "%s", err.text);
    free(data);
}

/* Only if the arithmetic of a step is that of the last run: network, model, batch and machine. */
static void add_seconds(struct tricks_model *model)
{
    const struct recipe *next = &model->draft.recipe, *last = &model->last;
    const struct trainer_status *status = &model->last_status;
    model->cost.seconds = NAN;
    if (model->has_last && strcmp(next->network, last->network) == 0 && same_section(next, last, "model") &&
        same_section(next, last, "machine") && recipe_batch(next) == recipe_batch(last) && status->step >= 10 &&
        status->train_seconds > 0)
        model->cost.seconds = model->cost.steps * status->train_seconds / status->step;
}

/* Everything that is made from the draft. */
static void refresh(struct tricks_model *model)
{
    const struct recipe_draft *draft = &model->draft;
    model->n_lr = 0;
    model->preset_lr_differs = 0;
    if (draft->valid) {
        model->n_lr = TRICKS_LR_POINTS;
        sample_schedule(&draft->recipe, model->n_lr, model->lr_x, model->lr);
        sample_schedule(&draft->base, model->n_lr, model->preset_lr_x, model->preset_lr);
        for (int i = 0; i < model->n_lr; i++)
            model->preset_lr_differs |= fabs(model->lr_x[i] - model->preset_lr_x[i]) > 1e-9 * draft->recipe.epochs ||
                                        fabs(model->lr[i] - model->preset_lr[i]) > 1e-9;
    }
    model->command[0] = '\0';
    if (draft->valid)
        recipe_command(&draft->recipe, model->command, sizeof model->command);
    measure(model);
    model->last = model->last_given;
    if (*model->source && strcmp(model->source, model->last.data) == 0)
        memcpy(model->last.data, draft->recipe.data, sizeof model->last.data);
    add_seconds(model);
    tricks_rows_make(model);
}

/* ---- beginning and end ---- */

/* Tricks that are on and that an edit left without effect: the first is told of. */
static void find_idle(struct tricks_model *model, int tell)
{
    const struct recipe_draft *draft = &model->draft;
    char why[TRICK_WHY_MAX];
    unsigned char idle[RECIPE_TRICKS_MAX] = {0};
    int told = 0;
    for (int i = 0; i < draft->n_tricks; i++) {
        i = tricks_find_idle(draft->tricks, draft->n_tricks, &draft->recipe, i, why, sizeof why);
        if (i == draft->n_tricks)
            break;
        idle[i] = 1;
        if (tell && !model->idle[i] && !told++)
            say(model, 1, "%s is on and changes nothing now: %s", draft->tricks[i].key, why);
    }
    memcpy(model->idle, idle, sizeof model->idle);
}

int tricks_model_init(struct tricks_model *model, const struct trick *table, int n_tricks, const struct recipe *recipe,
                      struct error *err)
{
    memset(model, 0, sizeof *model);
    if (recipe_draft_init(&model->draft, table, n_tricks, recipe, err))
        return -1;
    model->row_room = tricks_rows_room(n_tricks);
    model->row = calloc((size_t)model->row_room, sizeof *model->row);
    if (!model->row) {
        tricks_model_release(model);
        return error_set(err, "out of memory for the form of %d knobs", knob_count);
    }
    tricks_model_keep(model);
    refresh(model);
    find_idle(model, 0);
    return 0;
}

void tricks_model_release(struct tricks_model *model)
{
    recipe_draft_release(&model->draft);
    free(model->row);
    free(model->preset);
    memset(model, 0, sizeof *model);
}

void tricks_model_keep(struct tricks_model *model)
{
    model->kept = model->draft.recipe;
}

/* Byte for byte is the usual case, and quick: this is asked at every frame. */
static int same_recipe_as(const struct recipe *a, const struct recipe *b)
{
    return memcmp(a, b, sizeof *a) == 0 || recipe_equal(a, b);
}

int tricks_model_only_here(const struct tricks_model *model)
{
    const struct recipe *draft = &model->draft.recipe;
    return !same_recipe_as(draft, &model->kept) && !(model->has_last && same_recipe_as(draft, &model->last)) &&
           !(model->has_queued && same_recipe_as(draft, &model->queued));
}

int tricks_model_last(struct tricks_model *model, const struct recipe *recipe, const struct trainer_status *status)
{
    int has = recipe != NULL;
    int same_recipe = has == model->has_last && (!has || same_recipe_as(recipe, &model->last_given));
    int same_speed = !has || (status->step / 32 == model->last_status.step / 32 &&
                              status->steps_per_epoch == model->last_status.steps_per_epoch &&
                              strcmp(status->run, model->last_name) == 0);
    if (same_recipe && same_speed)
        return 0;
    model->has_last = has;
    if (has) {
        model->last_given = *recipe;
        model->last_status = *status;
        snprintf(model->last_name, sizeof model->last_name, "%s", status->run);
    }
    struct tricks_cost before = model->cost;
    if (same_recipe) /* only the speed has moved */
        add_seconds(model);
    else
        refresh(model);
    return !same_recipe || memcmp(&before, &model->cost, sizeof before) != 0;
}

void tricks_model_look(struct tricks_model *model)
{
    refresh(model);
}

int tricks_model_ready(struct tricks_model *model, enum tricks_start start, const struct recipe *queued)
{
    int has = queued != NULL;
    if (model->start == start && model->has_queued == has && (!has || same_recipe_as(queued, &model->queued)))
        return 0;
    model->start = start;
    model->has_queued = has;
    if (has)
        model->queued = *queued;
    return 1;
}

void tricks_model_list_presets(struct tricks_model *model)
{
    struct recipe *recipe = malloc(sizeof *recipe);
    if (!model->preset)
        model->preset = calloc(TRICKS_PRESETS_MAX, sizeof *model->preset);
    model->n_presets = model->preset && recipe ? recipe_preset_list(model->preset, TRICKS_PRESETS_MAX) : 0;
    for (int i = 0; i < model->n_presets; i++) {
        char name[sizeof model->preset->name];
        struct error err;
        snprintf(name, sizeof name, "%s", model->preset[i].name);
        if (recipe_preset_load(name, recipe, &model->preset[i], &err)) { /* listed, and says what is wrong with it */
            char *title = model->preset[i].title;
            snprintf(title, sizeof model->preset[i].title, "%.*s", (int)sizeof model->preset[i].title - 1, err.text);
            utf8_cut(title);
        }
        snprintf(model->preset[i].name, sizeof model->preset[i].name, "%s", name);
    }
    free(recipe);
}

/* ---- rows ---- */

const struct tricks_row *tricks_model_here(const struct tricks_model *model)
{
    static const struct tricks_row none = {TRICKS_START, 0, -1, NULL};
    return model->n_rows > 0 ? &model->row[model->cursor] : &none;
}

void tricks_model_go(struct tricks_model *model, int row)
{
    row = row < 0 ? 0 : row >= model->n_rows ? model->n_rows - 1 : row;
    while (row + 1 < model->n_rows && model->row[row].kind == TRICKS_HEADING)
        row++;
    model->cursor = row;
}

void tricks_model_move(struct tricks_model *model, int by)
{
    int row = model->cursor + by;
    hush(model);
    if (by < 0 && row > 0 && row < model->n_rows && model->row[row].kind == TRICKS_HEADING)
        row--;
    tricks_model_go(model, row);
}

void tricks_model_end(struct tricks_model *model, int last)
{
    hush(model);
    tricks_model_go(model, last ? model->n_rows - 1 : 0);
}

void tricks_model_show(struct tricks_model *model, enum tricks_show show)
{
    static const char *const what[] = {"every trick and knob", "only what differs from the preset",
                                       "only what differs from the last run"};
    hush(model);
    if (show == TRICKS_NEW && !model->has_last)
        show = TRICKS_ALL;
    model->show = show;
    tricks_rows_make(model);
    say(model, 0, "%s", what[show]);
}

void tricks_model_filter(struct tricks_model *model, const char *text)
{
    static const char *const among[] = {[TRICKS_CHANGED] = "preset", [TRICKS_NEW] = "last run"};
    enum tricks_show show = model->show;
    snprintf(model->filter, sizeof model->filter, "%s", text);
    tricks_rows_make(model);
    if (model->n_rows > 1 || show == TRICKS_ALL) /* one is the start */
        return;
    model->show = TRICKS_ALL;
    tricks_rows_make(model);
    if (model->n_rows > 1)
        say(model, 0, "every row was searched: none that differs from the %s has it", among[show]);
    else
        model->show = show;
}

/* ---- what keys do ---- */

/* After an edit that was tried: what follows from it, or what is wrong. */
static int done(struct tricks_model *model, int status, const struct error *err)
{
    hush(model);
    refresh(model);
    find_idle(model, 1);
    if (status)
        say(model, 1, "%s", err->text);
    else if (!model->draft.valid)
        say(model, 1, "%s", model->draft.why.text);
    return status;
}

static void step_knob(struct tricks_model *model, const struct knob *knob, int by)
{
    struct error err = {""};
    char now[KNOB_TEXT_MAX];
    int n = 0, at = 0;
    knob_get(&model->draft.recipe, knob, now, sizeof now);
    if (knob->type == KNOB_SWITCH) {
        done(model, recipe_draft_set(&model->draft, knob, strcmp(now, "on") == 0 ? "off" : "on", &err), &err);
        return;
    }
    for (; knob->names[n]; n++)
        if (strcmp(knob->names[n], now) == 0)
            at = n;
    if (n > 0)
        done(model, recipe_draft_set(&model->draft, knob, knob->names[((at + by) % n + n) % n], &err), &err);
}

static void step_preset(struct tricks_model *model, int by)
{
    struct error err = {""};
    int at = by > 0 ? -1 : 0;
    if (model->n_presets == 0)
        tricks_model_list_presets(model);
    for (int i = 0; i < model->n_presets; i++)
        if (strcmp(model->preset[i].name, model->draft.recipe.preset) == 0)
            at = i;
    if (model->n_presets > 0) {
        int next = ((at + by) % model->n_presets + model->n_presets) % model->n_presets;
        done(model, recipe_draft_preset(&model->draft, model->preset[next].name, &err), &err);
    }
}

static void toggle_trick(struct tricks_model *model, int index)
{
    struct error err = {""};
    const struct trick *trick = &model->draft.tricks[index];
    int on = !trick_is_on(trick, &model->draft.recipe);
    done(model, recipe_draft_switch(&model->draft, index, on, &err), &err);
}

void tricks_model_step(struct tricks_model *model, int by)
{
    const struct tricks_row *row = tricks_model_here(model);
    hush(model);
    if (!tricks_row_is_choice(row)) {
        if (row->kind != TRICKS_START)
            say(model, 0, "%s is typed: press Enter", tricks_row_name(model, row));
        return;
    }
    if (row->kind == TRICKS_PRESET)
        step_preset(model, by);
    else if (row->kind == TRICKS_TRICK)
        toggle_trick(model, row->index);
    else
        step_knob(model, &knobs[row->index], by);
}

void tricks_model_toggle(struct tricks_model *model)
{
    const struct tricks_row *row = tricks_model_here(model);
    hush(model);
    if (row->kind == TRICKS_TRICK)
        toggle_trick(model, row->index);
    else if (row->kind == TRICKS_KNOB && row->of_trick >= 0)
        toggle_trick(model, row->of_trick); /* a parameter's trick */
    else if (row->kind == TRICKS_KNOB && tricks_row_is_choice(row))
        step_knob(model, &knobs[row->index], 1);
}

void tricks_model_undo(struct tricks_model *model, int redo)
{
    struct draft_place place;
    int moved = redo ? recipe_draft_redo(&model->draft, &place) : recipe_draft_undo(&model->draft, &place);
    done(model, 0, NULL);
    if (!moved) {
        say(model, 0, redo ? "nothing to do again" : "nothing to undo");
        return;
    }
    int row = tricks_model_find(model, place);
    if (row >= 0)
        tricks_model_go(model, row);
}

void tricks_model_reset(struct tricks_model *model)
{
    const struct tricks_row *row = tricks_model_here(model);
    struct error err = {""};
    hush(model);
    if (row->kind != TRICKS_START)
        done(model, recipe_draft_reset(&model->draft, tricks_row_place(row), &err), &err);
}

void tricks_model_reset_all(struct tricks_model *model)
{
    struct error err = {""};
    if (done(model, recipe_draft_reset(&model->draft, (struct draft_place){DRAFT_PRESET, 0}, &err), &err) == 0)
        say(model, 0, "as preset %.63s has it; u undoes that", model->draft.recipe.preset);
}

void tricks_model_take(struct tricks_model *model, const struct recipe *recipe)
{
    struct error err = {""};
    done(model, recipe_draft_take(&model->draft, recipe, &err), &err);
}

/* ---- fields ---- */

static void network_text(const char *network, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (const char *p = network; *p && used + 3 < size; p++) {
        if (*p != '\n')
            out[used++] = *p;
        else if (p[1])
            used += (size_t)snprintf(out + used, size - used, "; ");
        out[used] = '\0';
    }
}

void tricks_model_edit(struct tricks_model *model)
{
    const struct tricks_row *row = tricks_model_here(model);
    char now[RECIPE_NETWORK_MAX + 256] = "";
    hush(model);
    if (row->kind == TRICKS_NETWORK)
        network_text(model->draft.recipe.network, now, sizeof now);
    else if (row->kind == TRICKS_KNOB && !tricks_row_is_choice(row))
        knob_get(&model->draft.recipe, &knobs[row->index], now, sizeof now);
    else
        return;
    if (strlen(now) >= LINE_EDIT_MAX) {
        say(model, 1, "%s is too long for a field: w writes the recipe to a file", tricks_row_name(model, row));
        return;
    }
    model->mode = TRICKS_EDIT;
    line_edit_set(&model->edit, now);
    model->untouched =
        row->kind == TRICKS_KNOB && knobs[row->index].type != KNOB_TEXT && knobs[row->index].type != KNOB_REALS;
}

void tricks_model_start_typing(struct tricks_model *model, int is_character)
{
    if (model->mode == TRICKS_EDIT && model->untouched && is_character)
        line_edit_set(&model->edit, "");
    model->untouched = 0;
}

void tricks_model_open(struct tricks_model *model, enum tricks_mode mode)
{
    hush(model);
    if (mode == TRICKS_SAVE && !model->draft.valid) {
        say(model, 1, "%s", model->draft.why.text);
        return;
    }
    struct error err = {""};
    if (mode == TRICKS_PLOT && tricks_plot_open(&model->plot, &model->draft.recipe, &err)) {
        say(model, 1, "%s", err.text);
        return;
    }
    model->mode = mode;
    model->overwrites = model->untouched = 0;
    line_edit_set(&model->edit, mode == TRICKS_FILTER ? model->filter : "");
    if (mode == TRICKS_SAVE && recipe_user_folder(model->folder, sizeof model->folder))
        model->folder[0] = '\0';
    if (mode == TRICKS_PICK) {
        tricks_model_list_presets(model);
        model->picked = 0;
        for (int i = 0; i < model->n_presets; i++)
            if (strcmp(model->preset[i].name, model->draft.recipe.preset) == 0)
                model->picked = i;
    }
}

void tricks_model_edited(struct tricks_model *model)
{
    const struct tricks_row *row = tricks_model_here(model);
    struct error err = {""};
    hush(model);
    model->overwrites = 0;
    if (model->mode == TRICKS_FILTER)
        tricks_model_filter(model, model->edit.text);
    if (model->mode != TRICKS_EDIT || row->kind != TRICKS_KNOB)
        return; /* a network is checked when it is whole */
    model->refused = recipe_draft_try(&model->draft, &knobs[row->index], model->edit.text, &err) != 0;
    if (*err.text)
        say(model, 1, "%s", err.text);
}

static int accept_value(struct tricks_model *model)
{
    const struct tricks_row *row = tricks_model_here(model);
    struct error err = {""};
    int status = row->kind == TRICKS_NETWORK
                     ? recipe_draft_set_network(&model->draft, model->edit.text, &err)
                     : recipe_draft_set(&model->draft, &knobs[row->index], model->edit.text, &err);
    done(model, status, &err);
    model->refused = status != 0;
    return status == 0;
}

static int accept_plot(struct tricks_model *model)
{
    char knots[KNOB_TEXT_MAX], values[KNOB_TEXT_MAX];
    const struct knob *const list[] = {knob_find("lr_knots"), knob_find("lr_values")};
    const char *const texts[] = {knots, values};
    struct error err = {""};
    tricks_plot_text(&model->plot, knots, values);
    return done(model, recipe_draft_set_many(&model->draft, list, texts, 2, &err), &err) == 0;
}

static int accept_name(struct tricks_model *model)
{
    struct error err = {""};
    char path[PATH_MAX];
    int status = recipe_preset_save(&model->draft.recipe, model->edit.text, model->overwrites, path, sizeof path, &err);
    hush(model);
    if (status > 0) {
        model->overwrites = 1;
        say(model, 1, "there is a %s already: Enter again replaces it", model->edit.text);
    } else if (status < 0) {
        say(model, 1, "%s", err.text);
    } else {
        say(model, 0, "written: davidnet train --preset %s", model->edit.text);
        tricks_model_keep(model);
        tricks_model_list_presets(model);
    }
    return status == 0;
}

int tricks_model_accept(struct tricks_model *model)
{
    struct error err = {""};
    int closed = 1;
    switch (model->mode) {
    case TRICKS_BROWSE:
        return 1;
    case TRICKS_EDIT:
        closed = accept_value(model);
        break;
    case TRICKS_FILTER:
        hush(model);
        break;
    case TRICKS_PICK:
        if (model->picked < model->n_presets)
            closed =
                done(model, recipe_draft_preset(&model->draft, model->preset[model->picked].name, &err), &err) == 0;
        break;
    case TRICKS_SAVE:
        closed = accept_name(model);
        break;
    case TRICKS_PLOT:
        closed = accept_plot(model);
        break;
    }
    if (closed)
        model->mode = TRICKS_BROWSE;
    return closed;
}

void tricks_model_cancel(struct tricks_model *model)
{
    if (model->mode == TRICKS_FILTER)
        tricks_model_filter(model, "");
    model->mode = TRICKS_BROWSE;
    hush(model);
}

void tricks_model_select_knot(struct tricks_model *model, int by)
{
    hush(model);
    tricks_plot_select(&model->plot, by);
}

void tricks_model_move_knot(struct tricks_model *model, double knot_steps, double value_steps)
{
    hush(model);
    tricks_plot_move(&model->plot, knot_steps, value_steps);
}

void tricks_model_add_knot(struct tricks_model *model, int add)
{
    struct error err = {""};
    hush(model);
    if (add ? tricks_plot_add(&model->plot, &err) : tricks_plot_remove(&model->plot, &err))
        say(model, 1, "%s", err.text);
}

void tricks_model_pick(struct tricks_model *model, int by)
{
    int to = model->picked + by;
    hush(model);
    model->picked = to < 0 ? 0 : to >= model->n_presets ? (model->n_presets ? model->n_presets - 1 : 0) : to;
}
