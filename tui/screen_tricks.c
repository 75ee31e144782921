/* The Tricks screen: its keys. The form is views/tricks_model.c, what it looks like views/tricks_view.c. */
#include "engine/recipe_file.h"
#include "tui/app.h"
#include "views/tricks_view.h"

#include <stdio.h>
#include <string.h>

#define PICK_PAGE 8 /* presets */

/* ---- the model ---- */

/* The recipe that the workbench was started with, or that of the run it looks at. */
static int open_model(struct app *app, struct error *err)
{
    static struct recipe standard;
    const struct recipe *recipe = app->can_start ? &app->options.recipe : app->source.ops ? app->source.recipe : NULL;
    if (app->tricks.row)
        return 0;
    if (!recipe && recipe_preset_load(RECIPE_DEFAULT_PRESET, &standard, NULL, err))
        return -1;
    return tricks_model_init(&app->tricks, tricks, trick_count, recipe ? recipe : &standard, err);
}

static void update(struct app *app)
{
    struct error err = {""};
    if (open_model(app, &err)) {
        app_say(app, "%s", err.text);
        return;
    }
    enum tricks_start start = !app->can_start ? TRICKS_CANNOT : app_training(app) ? TRICKS_QUEUES : TRICKS_STARTS;
    const struct recipe *last = app->source.ops ? app->source.recipe : NULL;
    int changed = tricks_model_last(&app->tricks, last, &app->model.status);
    changed |= tricks_model_ready(&app->tricks, start, app->queue ? &app->queued.recipe : NULL);
    if (changed)
        app->dirty = 1;
}

static void enter(struct app *app)
{
    update(app);
    if (!app->tricks.row)
        return;
    tricks_model_look(&app->tricks);
    if (app->tricks.n_presets == 0)
        tricks_model_list_presets(&app->tricks);
}

static void release(struct app *app)
{
    tricks_model_release(&app->tricks);
}

static void draw(const struct app *app, struct grid *grid, struct rect area)
{
    if (app->tricks.row)
        tricks_view_draw(&app->tricks, grid, area);
}

/* ---- starting ---- */

/* Keys that are not text. */
static int is_open(const struct app *app)
{
    return app->tricks.row && app->tricks.mode == TRICKS_BROWSE;
}

static int can_start(const struct app *app)
{
    return app->can_start && is_open(app);
}

static const char *start_label(const struct app *app)
{
    if (is_open(app) && tricks_model_here(&app->tricks)->kind == TRICKS_START)
        return NULL; /* Enter says it */
    return app_training(app) ? "queue" : "start";
}

static void do_start(struct app *app)
{
    const struct recipe_draft *draft = &app->tricks.draft;
    if (!draft->valid) {
        app_say(app, "not ready: %s", draft->why.text);
        return;
    }
    struct trainer_options options = app->options;
    options.recipe = draft->recipe;
    options.name = options.resume = NULL;
    if (app_training(app)) {
        app_queue_run(app, &options);
        return;
    }
    if (app_start_run(app, &options))
        return;
    tricks_model_keep(&app->tricks);
    app_go(app, &screen_run);
}

static int is_queued(const struct app *app)
{
    return is_open(app) && app->queue == APP_QUEUE_AFTER;
}

static void do_unqueue(struct app *app)
{
    app_unqueue(app);
    app_say(app, "nothing is queued any more");
}

/* ---- moving ---- */

static int page(const struct app *app)
{
    struct tricks_layout layout;
    tricks_layout_make(&app->tricks, app_area(app), &layout);
    return layout.list.h > 2 ? layout.list.h - 1 : 1;
}

static void do_up(struct app *app)
{
    tricks_model_move(&app->tricks, -1);
}

static void do_down(struct app *app)
{
    tricks_model_move(&app->tricks, 1);
}

static void do_page_up(struct app *app)
{
    tricks_model_move(&app->tricks, -page(app));
}

static void do_page_down(struct app *app)
{
    tricks_model_move(&app->tricks, page(app));
}

static void do_home(struct app *app)
{
    tricks_model_end(&app->tricks, 0);
}

static void do_end(struct app *app)
{
    tricks_model_end(&app->tricks, 1);
}

static void do_filter(struct app *app)
{
    tricks_model_open(&app->tricks, TRICKS_FILTER);
}

static int is_part(const struct app *app)
{
    return is_open(app) && (*app->tricks.filter || app->tricks.show != TRICKS_ALL);
}

static void do_whole(struct app *app)
{
    tricks_model_filter(&app->tricks, "");
    tricks_model_show(&app->tricks, TRICKS_ALL);
}

static void do_show(struct app *app)
{
    struct tricks_model *model = &app->tricks;
    tricks_model_show(model, model->show == TRICKS_NEW ? TRICKS_ALL : model->show + 1);
}

/* ---- editing ---- */

static int can_toggle(const struct app *app)
{
    const struct tricks_row *row = is_open(app) ? tricks_model_here(&app->tricks) : NULL;
    return row && (row->kind == TRICKS_TRICK || (row->kind == TRICKS_KNOB && row->of_trick >= 0) ||
                   (row->kind == TRICKS_KNOB && knobs[row->index].type == KNOB_SWITCH));
}

static void do_toggle(struct app *app)
{
    tricks_model_toggle(&app->tricks);
}

static int can_step(const struct app *app)
{
    return is_open(app) && tricks_row_is_choice(tricks_model_here(&app->tricks));
}

static const char *step_label(const struct app *app)
{
    return tricks_model_here(&app->tricks)->kind == TRICKS_TRICK ? NULL : "choose";
}

static void do_previous(struct app *app)
{
    tricks_model_step(&app->tricks, -1);
}

static void do_next(struct app *app)
{
    tricks_model_step(&app->tricks, 1);
}

static int can_act(const struct app *app)
{
    return is_open(app) && (tricks_model_here(&app->tricks)->kind != TRICKS_START || can_start(app));
}

static const char *act_label(const struct app *app)
{
    const struct tricks_row *row = tricks_model_here(&app->tricks);
    if (row->kind == TRICKS_START)
        return app_training(app) ? "queue" : "start";
    return row->kind == TRICKS_PRESET ? "presets" : tricks_row_is_choice(row) ? NULL : "edit";
}

static void do_act(struct app *app)
{
    const struct tricks_row *row = tricks_model_here(&app->tricks);
    if (row->kind == TRICKS_START)
        do_start(app);
    else if (row->kind == TRICKS_PRESET)
        tricks_model_open(&app->tricks, TRICKS_PICK);
    else if (tricks_row_is_choice(row))
        tricks_model_step(&app->tricks, 1);
    else
        tricks_model_edit(&app->tricks);
}

static int can_undo(const struct app *app)
{
    return is_open(app) && recipe_draft_can_undo(&app->tricks.draft);
}

static void do_undo(struct app *app)
{
    tricks_model_undo(&app->tricks, 0);
}

static int can_redo(const struct app *app)
{
    return is_open(app) && recipe_draft_can_redo(&app->tricks.draft);
}

static void do_redo(struct app *app)
{
    tricks_model_undo(&app->tricks, 1);
}

static int can_reset(const struct app *app)
{
    return is_open(app) && tricks_row_changed(&app->tricks, tricks_model_here(&app->tricks));
}

static void do_reset(struct app *app)
{
    tricks_model_reset(&app->tricks);
}

static void do_reset_all(struct app *app)
{
    tricks_model_reset_all(&app->tricks);
}

static int has_last(const struct app *app)
{
    return is_open(app) && app->tricks.has_last;
}

static void do_take(struct app *app)
{
    tricks_model_take(&app->tricks, &app->tricks.last);
    if (!app->tricks.said_is_bad)
        app_say(app, "the recipe of %s; u undoes that", app->tricks.last_name);
}

static void do_save(struct app *app)
{
    tricks_model_open(&app->tricks, TRICKS_SAVE);
}

/* ---- in a field, the list of presets or the plot ---- */

static int is_picking(const struct app *app)
{
    return app->tricks.row && app->tricks.mode == TRICKS_PICK;
}

static int is_plotting(const struct app *app)
{
    return app->tricks.row && app->tricks.mode == TRICKS_PLOT;
}

static void do_pick_up(struct app *app)
{
    tricks_model_pick(&app->tricks, -1);
}

static void do_pick_down(struct app *app)
{
    tricks_model_pick(&app->tricks, 1);
}

static void do_pick_page_up(struct app *app)
{
    tricks_model_pick(&app->tricks, -PICK_PAGE);
}

static void do_pick_page_down(struct app *app)
{
    tricks_model_pick(&app->tricks, PICK_PAGE);
}

static void do_pick_first(struct app *app)
{
    tricks_model_pick(&app->tricks, -TRICKS_PRESETS_MAX);
}

static void do_pick_last(struct app *app)
{
    tricks_model_pick(&app->tricks, TRICKS_PRESETS_MAX);
}

static void do_knot_left(struct app *app)
{
    tricks_model_move_knot(&app->tricks, -1, 0);
}

static void do_knot_right(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 1, 0);
}

static void do_knot_bit_left(struct app *app)
{
    tricks_model_move_knot(&app->tricks, -0.2, 0);
}

static void do_knot_bit_right(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 0.2, 0);
}

static void do_knot_up(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 0, 1);
}

static void do_knot_down(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 0, -1);
}

static void do_knot_bit_up(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 0, 0.2);
}

static void do_knot_bit_down(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 0, -0.2);
}

static void do_knot_start(struct app *app)
{
    tricks_model_move_knot(&app->tricks, -1e6, 0);
}

static void do_knot_end(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 1e6, 0);
}

static void do_knot_far_up(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 0, 5);
}

static void do_knot_far_down(struct app *app)
{
    tricks_model_move_knot(&app->tricks, 0, -5);
}

static void do_knot_next(struct app *app)
{
    tricks_model_select_knot(&app->tricks, 1);
}

static void do_knot_before(struct app *app)
{
    tricks_model_select_knot(&app->tricks, -1);
}

static void do_knot_add(struct app *app)
{
    tricks_model_add_knot(&app->tricks, 1);
}

static void do_knot_remove(struct app *app)
{
    tricks_model_add_knot(&app->tricks, 0);
}

/* A field's keys come to `typed` first; these rows show them in the footer. */
static int is_typing(const struct app *app)
{
    return app->tricks.row && app->tricks.mode != TRICKS_BROWSE && !is_picking(app) && !is_plotting(app);
}

static int is_busy(const struct app *app)
{
    return app->tricks.row && app->tricks.mode != TRICKS_BROWSE;
}

static const char *accept_label(const struct app *app)
{
    static const char *const labels[] = {[TRICKS_BROWSE] = NULL,    [TRICKS_EDIT] = "set",   [TRICKS_FILTER] = "filter",
                                         [TRICKS_PICK] = "take it", [TRICKS_SAVE] = "write", [TRICKS_PLOT] = "set"};
    return labels[app->tricks.mode];
}

static void do_accept(struct app *app)
{
    tricks_model_accept(&app->tricks);
}

static void do_cancel(struct app *app)
{
    tricks_model_cancel(&app->tricks);
}

static int has_plot(const struct app *app)
{
    return is_open(app) && app->tricks.draft.recipe.schedule.shape == SCHEDULE_PIECEWISE;
}

static void do_plot(struct app *app)
{
    tricks_model_open(&app->tricks, TRICKS_PLOT);
}

static int has_command(const struct app *app)
{
    return is_open(app) && *app->tricks.command;
}

static void do_copy(struct app *app)
{
    _Static_assert(CLIPBOARD_TEXT_MAX >= RECIPE_COMMAND_MAX - 1, "any command can be copied");
    app_copy(app, app->tricks.command, "the command that trains this recipe");
}

static const struct binding tricks_keys[] = {
    {"Enter", NULL, "edit", "Edit the value here, go through its choices, or start the run", can_act, act_label,
     do_act},
    {"Space", NULL, "switch", "Switch the trick on or off", can_toggle, NULL, do_toggle},
    {"Left", NULL, NULL, "The previous choice", can_step, NULL, do_previous},
    {"Right", NULL, "choose", "The next choice", can_step, step_label, do_next},
    {"g", NULL, "go", "Start a run with this recipe, or queue it behind the one in training", can_start, start_label,
     do_start},
    {"x", NULL, "unqueue", "Take the queued run back", is_queued, NULL, do_unqueue},
    {"d", "Delete", "reset", "This row as the preset has it", can_reset, NULL, do_reset},
    {"u", NULL, "undo", "Undo the last change", can_undo, NULL, do_undo},
    {"Ctrl-R", NULL, "redo", "Do again what was undone", can_redo, NULL, do_redo},
    {"v", NULL, "changes", "Only what differs from the preset, from the last run, or everything", is_open, NULL,
     do_show},
    {"/", NULL, "filter", "Only rows with some text in their name or help", is_open, NULL, do_filter},
    {"w", NULL, "write", "Write the recipe to a file, as a preset of yours", is_open, NULL, do_save},
    {"e", NULL, "plot", "Move the knots of the learning rate on a plot", has_plot, NULL, do_plot},
    {"c", "y", "copy", "Copy the command that trains this recipe", has_command, NULL, do_copy},
    {"C", NULL, "campaign", "Train with this trick and without it, in turns, for a verdict", campaign_ask_can, NULL,
     campaign_ask},
    {"Esc", NULL, "all rows", "All rows again", is_part, NULL, do_whole},
    {"D", NULL, NULL, "Everything as the preset has it; data, machine and seeds stay", is_open, NULL, do_reset_all},
    {"t", NULL, NULL, "Take the recipe of the run on the Run screen", has_last, NULL, do_take},
    {"Up", "k", NULL, "The row above", is_open, NULL, do_up},
    {"Down", "j", NULL, "The row below", is_open, NULL, do_down},
    {"PgUp", NULL, NULL, "A page up", is_open, NULL, do_page_up},
    {"PgDn", NULL, NULL, "A page down", is_open, NULL, do_page_down},
    {"Home", NULL, NULL, "The first row", is_open, NULL, do_home},
    {"End", NULL, NULL, "The last row", is_open, NULL, do_end},
    {"Enter", NULL, "set", "In a field or list, on the plot: take it", is_busy, accept_label, do_accept},
    {"Esc", NULL, "leave it", "In a field or list, on the plot: leave it as it was", is_busy, NULL, do_cancel},
    {"Tab", NULL, "next", "On the plot: the next knot", is_plotting, NULL, do_knot_next},
    {"S-Tab", NULL, NULL, "On the plot: the knot before", is_plotting, NULL, do_knot_before},
    {"a", NULL, "add", "On the plot: add a knot behind this one", is_plotting, NULL, do_knot_add},
    {"d", "Delete", "remove", "On the plot: take this knot away", is_plotting, NULL, do_knot_remove},
    {"Left", NULL, "earlier", "On the plot: move the knot to an earlier epoch", is_plotting, NULL, do_knot_left},
    {"Right", NULL, "later", "On the plot: move the knot to a later epoch", is_plotting, NULL, do_knot_right},
    {"Up", NULL, "higher", "On the plot: a higher rate", is_plotting, NULL, do_knot_up},
    {"Down", NULL, "lower", "On the plot: a lower rate", is_plotting, NULL, do_knot_down},
    {"<", NULL, NULL, "On the plot: a bit earlier", is_plotting, NULL, do_knot_bit_left},
    {">", NULL, NULL, "On the plot: a bit later", is_plotting, NULL, do_knot_bit_right},
    {"K", NULL, NULL, "On the plot: a bit higher", is_plotting, NULL, do_knot_bit_up},
    {"J", NULL, NULL, "On the plot: a bit lower", is_plotting, NULL, do_knot_bit_down},
    {"PgUp", NULL, NULL, "On the plot: much higher", is_plotting, NULL, do_knot_far_up},
    {"PgDn", NULL, NULL, "On the plot: much lower", is_plotting, NULL, do_knot_far_down},
    {"Home", NULL, NULL, "On the plot: as early as it may be", is_plotting, NULL, do_knot_start},
    {"End", NULL, NULL, "On the plot: as late as it may be", is_plotting, NULL, do_knot_end},
    {"Up", "k", NULL, "In the list: the preset above", is_picking, NULL, do_pick_up},
    {"Down", "j", NULL, "In the list: the preset below", is_picking, NULL, do_pick_down},
    {"PgUp", NULL, NULL, "In the list: a page up", is_picking, NULL, do_pick_page_up},
    {"PgDn", NULL, NULL, "In the list: a page down", is_picking, NULL, do_pick_page_down},
    {"Home", NULL, NULL, "In the list: the first preset", is_picking, NULL, do_pick_first},
    {"End", NULL, NULL, "In the list: the last preset", is_picking, NULL, do_pick_last},
    {0},
};

/* ---- text entry, the mouse ---- */

static int typed(struct app *app, int key)
{
    struct tricks_model *model = &app->tricks;
    enum tricks_mode mode = model->mode;
    if (!is_typing(app))
        return 0;
    if (key == KEYS_ENTER || key == KEYS_TAB) {
        do_accept(app);
    } else if (key == KEYS_ESC) {
        do_cancel(app);
    } else if ((key == KEYS_UP || key == KEYS_DOWN) && mode != TRICKS_SAVE) {
        /* on to the next row, with the value if it may stay */
        if (tricks_model_accept(model))
            tricks_model_move(model, key == KEYS_UP ? -1 : 1);
    } else {
        tricks_model_start_typing(model, key >= ' ' && key < KEYS_UP && key != KEYS_BACKSPACE);
        if (!keys_edit(&model->edit, key))
            return key < KEYS_UP && key >= ' '; /* no room for it, and no command either */
        tricks_model_edited(model);
    }
    return 1;
}

static const char *why(const struct app *app, const char *key)
{
    static const struct {
        const char *key, *text;
    } reasons[] = {
        {"x", "nothing is queued"},
        {"u", "there is nothing to undo"},
        {"Ctrl-R", "there is nothing to do again"},
        {"d", "this row is as the preset has it"},
        {"e", "only a piecewise schedule has knots to move: schedule.shape"},
        {"t", "there is no run whose recipe could be taken"},
        {"g", "no run can be started from here; w writes the recipe"},
        {"c", "the recipe is not ready: there is no command yet"},
        {"C", "a campaign tests a trick: go to its row, with a recipe that is ready and no campaign running"},
        {"Space", "nothing to switch on this row"}};
    for (size_t i = 0; is_open(app) && i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].key, key) == 0)
            return reasons[i].text;
    return NULL;
}

static void mouse(struct app *app, const struct mouse *event, struct rect area)
{
    struct tricks_model *model = &app->tricks;
    if (!is_open(app))
        return;
    int by = event->what == MOUSE_WHEEL_UP ? -3 : event->what == MOUSE_WHEEL_DOWN ? 3 : 0;
    if (model->mode == TRICKS_PICK)
        tricks_model_pick(model, by);
    if (model->mode != TRICKS_BROWSE)
        return;
    if (by) {
        tricks_model_move(model, by);
        return;
    }
    int row = tricks_view_row_at(model, area, event->x, event->y);
    if (row < 0 || model->row[row].kind == TRICKS_HEADING)
        return;
    tricks_model_move(model, row - model->cursor);
    if (event->twice && can_act(app))
        do_act(app);
}

const struct screen screen_tricks = {
    .title = "Tricks",
    .intro =
        "The recipe of the next run, made from a preset: tricks that are switched on and off, and every knob. What "
        "differs from the preset is in colour, with the preset's value beside it, and the last run's.",
    .keys = tricks_keys,
    .draw = draw,
    .enter = enter,
    .update = update,
    .typed = typed,
    .typing = is_typing,
    .why = why,
    .mouse = mouse,
    .release = release,
};
