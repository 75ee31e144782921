/* The Layers screen: its keys. What it looks like is views/layers_view.c. */
#include "tui/app.h"
#include "tui/layers_export.h"
#include "tui/layers_second.h"
#include "views/layers_view.h"

#include <stdio.h>
#include <string.h>

#define WHEEL_LINES 3
/* Between two readings of new times: digits that nobody can follow still go over the terminal's line. */
#define READ_SECONDS 1

/* ---- what is shown ---- */

static void forget(struct app *app)
{
    layers_model_clear(&app->layers);
    app->layers_version = 0;
    app->layers_asked = 0;
    app->layers_run = app->run_number;
}

static enum layers_state without_times(const struct app *app)
{
    if (!app->source.ops)
        return LAYERS_NO_RUN;
    return app_training(app) ? LAYERS_WAITING : LAYERS_NONE;
}

static void update(struct app *app)
{
    struct layers_model *model = &app->layers;
    struct timing timing;
    struct error err = {""};
    struct layers_layout layout;
    const struct run_source_ops *ops = app->source.ops;
    if (app->layers_run != app->run_number)
        forget(app);
    int due = model->state != LAYERS_READY || app_idle(app) || app->now >= app->layers_next;
    int have = due && ops && ops->timing ? ops->timing(app->source.self, &app->layers_version, &timing, &err) : 0;
    if (due)
        app->layers_next = app->now + READ_SECONDS;
    if (have > 0 && layers_model_take(model, &timing))
        have = error_set(&err, "out of memory for the rows");
    if (have < 0) {
        layers_model_clear(model);
        model->state = LAYERS_BAD;
        snprintf(model->problem, sizeof model->problem, "%.*s", (int)sizeof model->problem - 1, err.text);
    }
    if (model->state != LAYERS_READY && model->state != LAYERS_BAD && model->state != without_times(app)) {
        model->state = without_times(app);
        have = 1;
    }
    layers_second_update(app);
    model->steps_per_epoch = app->model.status.steps_per_epoch;
    layers_layout_make(app_area(app), &layout);
    layers_model_set_page(model, layout.list.h);
    if (have)
        app->dirty = 1;
}

static void draw(const struct app *app, struct grid *grid, struct rect area)
{
    layers_view_draw(&app->layers, grid, area);
}

static void release(struct app *app)
{
    layers_model_release(&app->layers);
}

/* ---- keys ---- */

static int has_rows(const struct app *app)
{
    return app->layers.state == LAYERS_READY;
}

static void do_up(struct app *app)
{
    layers_model_move(&app->layers, -1);
}

static void do_down(struct app *app)
{
    layers_model_move(&app->layers, 1);
}

static void do_page_up(struct app *app)
{
    layers_model_move(&app->layers, -app->layers.page);
}

static void do_page_down(struct app *app)
{
    layers_model_move(&app->layers, app->layers.page);
}

static void do_first(struct app *app)
{
    layers_model_select(&app->layers, 0);
}

static void do_last(struct app *app)
{
    layers_model_select(&app->layers, app->layers.n_shown - 1);
}

static void do_toggle(struct app *app)
{
    layers_model_toggle(&app->layers);
}

static void do_open(struct app *app)
{
    layers_model_open(&app->layers);
}

static void do_fold(struct app *app)
{
    layers_model_fold(&app->layers);
}

static const char *fold_all_label(const struct app *app)
{
    return layers_model_any_open(&app->layers) ? "fold all" : "open all";
}

static void do_fold_all(struct app *app)
{
    layers_model_fold_all(&app->layers);
}

static const char *sort_label(const struct app *app)
{
    return app->layers.sort == LAYERS_BY_TIME ? "by order" : app->layers.against.on ? "by change" : "by time";
}

static void do_sort(struct app *app)
{
    layers_model_set_sort(&app->layers, app->layers.sort == LAYERS_BY_TIME ? LAYERS_BY_ORDER : LAYERS_BY_TIME);
    app_say(app, app->layers.sort != LAYERS_BY_TIME ? "in the order of the network"
                 : app->layers.against.on           ? "what changed most first"
                                                    : "the longest first");
}

/* What the key leads to. */
static const char *phases_label(const struct app *app)
{
    static const char *const labels[LAYERS_PHASES] = {
        [LAYERS_ALL_PHASES] = "forward", [LAYERS_FORWARD] = "backward", [LAYERS_BACKWARD] = "both"};
    return labels[app->layers.phases];
}

static void do_phases(struct app *app)
{
    static const char *const said[LAYERS_PHASES] = {[LAYERS_ALL_PHASES] = "forward, backward and all else",
                                                    [LAYERS_FORWARD] = "forward only",
                                                    [LAYERS_BACKWARD] = "backward only"};
    layers_model_set_phases(&app->layers, (enum layers_phases)((app->layers.phases + 1) % LAYERS_PHASES));
    app_say(app, "%s", said[app->layers.phases]);
}

static const char *flat_label(const struct app *app)
{
    return app->layers.flat ? "tree" : "flat";
}

static void do_flat(struct app *app)
{
    layers_model_set_flat(&app->layers, !app->layers.flat);
}

static int can_show_roof(const struct app *app)
{
    return has_rows(app) && layers_roof_fits(app_area(app));
}

static const char *roof_label(const struct app *app)
{
    return app->layers.roof ? "rows" : "roofline";
}

static void do_roof(struct app *app)
{
    app->layers.roof = !app->layers.roof;
}

static int has_epochs(const struct app *app)
{
    return has_rows(app) && app->layers.steps_per_epoch > 0;
}

static const char *unit_label(const struct app *app)
{
    return app->layers.per_epoch ? "per step" : "per epoch";
}

static void do_unit(struct app *app)
{
    app->layers.per_epoch = !app->layers.per_epoch;
    app_say(app, app->layers.per_epoch ? "seconds of an epoch" : "milliseconds of a step");
}

static const char *why(const struct app *app, const char *key)
{
    switch (app->layers.state) {
    case LAYERS_NO_RUN:
        return "there is no run whose times could be shown";
    case LAYERS_WAITING:
        return "the first times come in a moment";
    case LAYERS_NONE:
    case LAYERS_BAD:
        return "there are no times of this run";
    default:
        return strcmp(key, "u") == 0   ? "it is not known how many steps an epoch has"
               : strcmp(key, "r") == 0 ? "the roofline needs a terminal of 100 x 30"
                                       : NULL;
    }
}

static const struct binding layers_keys[] = {
    {"Enter", "Space", "fold", "Fold the block under the cursor, or open it", has_rows, NULL, do_toggle},
    {"s", NULL, "by time", "Sort by time, or in the order of the network", has_rows, sort_label, do_sort},
    {"d", NULL, "forward", "Forward, backward, or both with all else", has_rows, phases_label, do_phases},
    {"t", NULL, "flat", "A tree of blocks, or rows only, with their whole names", has_rows, flat_label, do_flat},
    {"e", NULL, "export", "The times as PDF, PNG, SVG, CSV, JSON or text, or the trace, as a file", has_rows, NULL,
     layers_export_ask},
    {"a", NULL, "fold all", "Fold all blocks, or open all", has_rows, fold_all_label, do_fold_all},
    {"r", NULL, "roofline", "The roofline, hollow marks: under 1 % of the time; or the list", can_show_roof, roof_label,
     do_roof},
    {"c", NULL, "compare",
     "Beside another run: the marked ones in turn, or its campaign's other side, or the newest; no verdict", has_rows,
     layers_second_label, layers_second_next},
    {"u", NULL, "per epoch", "Times of a step, or of an epoch", has_epochs, unit_label, do_unit},
    {"Up", "k", NULL, "Row above", has_rows, NULL, do_up},
    {"Down", "j", NULL, "Row below", has_rows, NULL, do_down},
    {"Right", "l", NULL, "Open the block, or go into it", has_rows, NULL, do_open},
    {"Left", "h", NULL, "Fold the block, or go to the one around it", has_rows, NULL, do_fold},
    {"PgUp", NULL, NULL, "A page up", has_rows, NULL, do_page_up},
    {"PgDn", NULL, NULL, "A page down", has_rows, NULL, do_page_down},
    {"Home", "g", NULL, "First row", has_rows, NULL, do_first},
    {"End", "G", NULL, "Last row", has_rows, NULL, do_last},
    {0},
};

/* A press selects, on the row that is selected already it folds; the wheel moves the cursor. */
static void mouse(struct app *app, const struct mouse *event, struct rect area)
{
    struct layers_model *model = &app->layers;
    if (event->what != MOUSE_PRESS) {
        layers_model_move(model, event->what == MOUSE_WHEEL_UP ? -WHEEL_LINES : WHEEL_LINES);
        return;
    }
    int line = layers_view_line_at(model, area, event->x, event->y);
    if (line < 0)
        return;
    int again = line == layers_model_line(model);
    layers_model_select(model, line);
    if (again)
        layers_model_toggle(model);
}

const struct screen screen_layers = {
    .title = "Layers",
    .intro = "Where a training step's time goes: a line for each row of the network, blocks with the sums of theirs. "
             "The bar holds augmentation, forward, loss, backward and update, one after the other; the longest fills "
             "its column. A row that is fused into another has no time of its own. Times are means of this sitting's "
             "steps but the first. A row's ceiling is what its arithmetic or its bytes, whichever takes longer, would "
             "need at the machine's measured best, its floor, as a share of its time; what is left is overhead. Beyond "
             "100 %: caches.",
    .keys = layers_keys,
    .why = why,
    .enter = update, /* a key that comes along with the screen's finds the rows */
    .draw = draw,
    .update = update,
    .mouse = mouse,
    .release = release,
};
