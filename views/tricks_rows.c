/* The rows of the Tricks screen's form: which there are, what they are called and what they hold. */
#include "views/tricks_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct draft_place tricks_row_place(const struct tricks_row *row)
{
    static const enum draft_kind kinds[] = {
        [TRICKS_START] = DRAFT_PRESET, [TRICKS_PRESET] = DRAFT_PRESET, [TRICKS_HEADING] = DRAFT_PRESET,
        [TRICKS_TRICK] = DRAFT_TRICK,  [TRICKS_KNOB] = DRAFT_KNOB,     [TRICKS_NETWORK] = DRAFT_NETWORK};
    return (struct draft_place){kinds[row->kind], row->index};
}

static int has_value(const struct tricks_row *row)
{
    return row->kind != TRICKS_START && row->kind != TRICKS_HEADING;
}

int tricks_row_changed(const struct tricks_model *model, const struct tricks_row *row)
{
    return has_value(row) && recipe_draft_changed(&model->draft, tricks_row_place(row));
}

int tricks_row_is_new(const struct tricks_model *model, const struct tricks_row *row)
{
    return has_value(row) && model->has_last &&
           recipe_draft_differs(&model->draft, &model->draft.recipe, &model->last, tricks_row_place(row));
}

const char *tricks_row_name(const struct tricks_model *model, const struct tricks_row *row)
{
    static const char *const starts[] = {
        [TRICKS_CANNOT] = "The next run", [TRICKS_STARTS] = "Start a run", [TRICKS_QUEUES] = "Queue a run"};
    switch (row->kind) {
    case TRICKS_START:
        return starts[model->start];
    case TRICKS_PRESET:
        return "preset";
    case TRICKS_HEADING:
        return row->heading;
    case TRICKS_TRICK:
        return model->draft.tricks[row->index].title;
    case TRICKS_KNOB:
        return knobs[row->index].key;
    case TRICKS_NETWORK:
        return "network";
    }
    return "";
}

const char *tricks_row_unit(const struct tricks_row *row)
{
    return row->kind == TRICKS_KNOB ? knobs[row->index].unit : "";
}

static int count_lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

void tricks_row_value(const struct tricks_model *model, const struct tricks_row *row, const struct recipe *recipe,
                      char *out, size_t size)
{
    int lines;
    if (size)
        out[0] = '\0';
    switch (row->kind) {
    case TRICKS_START:
        recipe_summary(recipe, out, size);
        break;
    case TRICKS_PRESET:
        snprintf(out, size, "%s", recipe->preset);
        break;
    case TRICKS_HEADING:
        break;
    case TRICKS_TRICK:
        snprintf(out, size, "%s", trick_is_on(&model->draft.tricks[row->index], recipe) ? "on" : "off");
        break;
    case TRICKS_KNOB:
        knob_get(recipe, &knobs[row->index], out, size);
        break;
    case TRICKS_NETWORK:
        lines = count_lines(recipe->network);
        snprintf(out, size, "%d line%s", lines, lines == 1 ? "" : "s");
        break;
    }
}

int tricks_row_is_choice(const struct tricks_row *row)
{
    return row->kind == TRICKS_PRESET || row->kind == TRICKS_TRICK ||
           (row->kind == TRICKS_KNOB && (knobs[row->index].type == KNOB_ENUM || knobs[row->index].type == KNOB_SWITCH));
}

/* ---- which rows there are ---- */

/* The switch that a trick is: the row of the trick stands for it. */
static int is_switch_of(const struct trick *trick, const struct knob *knob)
{
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
        if (strcmp(patch->key, knob->key) == 0 && knob->type == KNOB_SWITCH && strcmp(trick->key, knob->key) == 0)
            return 1;
    return 0;
}

static int has_parameter(const struct trick *trick, const struct knob *knob)
{
    for (size_t i = 0; i < sizeof trick->parameters / sizeof *trick->parameters && trick->parameters[i]; i++)
        if (strcmp(trick->parameters[i], knob->key) == 0)
            return 1;
    return 0;
}

/* The knob has a row among the tricks: as the switch of one, or as a parameter (of the first that has it). */
static int trick_that_shows(const struct recipe_draft *draft, const struct knob *knob, int *is_switch)
{
    for (int i = 0; i < draft->n_tricks; i++)
        if ((*is_switch = is_switch_of(&draft->tricks[i], knob)))
            return i;
    for (int i = 0; i < draft->n_tricks; i++)
        if (has_parameter(&draft->tricks[i], knob))
            return i;
    return -1;
}

static int contains(const char *text, const char *part)
{
    return text && strcasestr(text, part) != NULL;
}

/* Whether a row, not a heading, is to be seen. */
static int passes(const struct tricks_model *model, const struct tricks_row *row)
{
    const char *f = model->filter;
    if (row->kind == TRICKS_START)
        return 1;
    if (model->show == TRICKS_CHANGED && !tricks_row_changed(model, row))
        return 0;
    if (model->show == TRICKS_NEW && !tricks_row_is_new(model, row))
        return 0;
    if (!*f || contains(tricks_row_name(model, row), f))
        return 1;
    if (row->kind == TRICKS_TRICK) {
        const struct trick *trick = &model->draft.tricks[row->index];
        return contains(trick->key, f) || contains(trick->changes, f) || contains("tricks", f);
    }
    if (row->kind == TRICKS_KNOB) {
        const struct knob *knob = &knobs[row->index];
        return contains(knob->help, f) || contains(knob->section, f) ||
               (row->of_trick >= 0 && contains(model->draft.tricks[row->of_trick].title, f));
    }
    return 0;
}

struct list {
    struct tricks_model *model;
    const char *heading; /* to be added before the next row */
};

static void add(struct list *list, struct tricks_row row)
{
    struct tricks_model *model = list->model;
    if (!passes(model, &row) || model->n_rows + 2 > model->row_room)
        return;
    if (list->heading)
        model->row[model->n_rows++] = (struct tricks_row){TRICKS_HEADING, 0, -1, list->heading};
    list->heading = NULL;
    model->row[model->n_rows++] = row;
}

static void add_tricks(struct list *list)
{
    const struct recipe_draft *draft = &list->model->draft;
    list->heading = "tricks";
    for (int t = 0; t < draft->n_tricks; t++) {
        add(list, (struct tricks_row){TRICKS_TRICK, t, -1, NULL});
        for (int k = 0; k < knob_count; k++) {
            int is_switch;
            if (trick_that_shows(draft, &knobs[k], &is_switch) == t && !is_switch)
                add(list, (struct tricks_row){TRICKS_KNOB, k, t, NULL});
        }
    }
}

static void add_knobs(struct list *list)
{
    const char *section = "";
    for (int k = 0; k < knob_count; k++) {
        int is_switch;
        if (strcmp(section, knobs[k].section) != 0) {
            list->heading = section = knobs[k].section;
            if (k == 0) /* it goes with the first section, that of the model */
                add(list, (struct tricks_row){TRICKS_NETWORK, 0, -1, NULL});
        }
        if (trick_that_shows(&list->model->draft, &knobs[k], &is_switch) < 0)
            add(list, (struct tricks_row){TRICKS_KNOB, k, -1, NULL});
    }
}

static int same_row(const struct tricks_row *a, const struct tricks_row *b)
{
    return a->kind == b->kind && a->index == b->index;
}

/* The cursor stays on its row, or else on the nearest one that is left. */
void tricks_rows_make(struct tricks_model *model)
{
    struct tricks_row before = model->n_rows ? model->row[model->cursor] : (struct tricks_row){0};
    int cursor = model->cursor;
    struct list list = {model, NULL};
    model->n_rows = 0;
    add(&list, (struct tricks_row){TRICKS_START, 0, -1, NULL});
    add(&list, (struct tricks_row){TRICKS_PRESET, 0, -1, NULL});
    add_tricks(&list);
    add_knobs(&list);
    for (int i = 0; i < model->n_rows; i++)
        if (same_row(&model->row[i], &before))
            cursor = i;
    tricks_model_go(model, cursor);
}

int tricks_rows_room(int n_tricks)
{
    return 2 * knob_count + n_tricks + 8; /* every knob could have a heading of its own */
}

int tricks_model_find(const struct tricks_model *model, struct draft_place place)
{
    for (int i = 0; i < model->n_rows; i++) {
        const struct tricks_row *row = &model->row[i];
        struct draft_place here = tricks_row_place(row);
        if (has_value(row) && here.kind == place.kind && (here.index == place.index || place.kind == DRAFT_PRESET))
            return i;
    }
    return -1;
}

int tricks_model_count(const struct tricks_model *model, enum tricks_show show)
{
    const struct recipe *other = show == TRICKS_NEW ? &model->last : &model->draft.base;
    int n = 0;
    if (show == TRICKS_ALL || (show == TRICKS_NEW && !model->has_last))
        return 0;
    for (int k = 0; k < knob_count; k++)
        n += !knob_same(&model->draft.recipe, other, &knobs[k]);
    return n + (strcmp(model->draft.recipe.network, other->network) != 0);
}
