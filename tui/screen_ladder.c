/* The Ladder screen: its keys. What it looks like is views/ladder_view.c. */
#include "engine/dataset.h"
#include "tui/app.h"
#include "views/ladder_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_SECONDS 2 /* between looks at the folders */

static int has_rungs(const struct app *app)
{
    return ladder_model_here(&app->ladder) != NULL;
}

static void move_by(struct app *app, int by)
{
    ladder_model_select(&app->ladder, app->ladder.selected + by);
}

static void do_up(struct app *app)
{
    move_by(app, -1);
}

static void do_down(struct app *app)
{
    move_by(app, 1);
}

static int page(const struct app *app)
{
    struct ladder_layout layout;
    ladder_layout_make(app_area(app), app->ladder.ladder.count, &layout);
    return layout.table.h > 3 ? layout.table.h - 3 : 1;
}

static void do_page_up(struct app *app)
{
    move_by(app, -page(app));
}

static void do_page_down(struct app *app)
{
    move_by(app, page(app));
}

static void do_first(struct app *app)
{
    ladder_model_select(&app->ladder, 0);
}

static void do_last(struct app *app)
{
    ladder_model_select(&app->ladder, app->ladder.ladder.count);
}

/* ---- running a rung ---- */

static int can_run(const struct app *app)
{
    return has_rungs(app) && app->can_start && !campaign_job_running(app);
}

static const char *run_label(const struct app *app)
{
    const struct ladder_rung *rung = ladder_model_here(&app->ladder);
    return app_training(app) ? "queue it" : rung && rung->unfinished[0] ? "go on" : "train it";
}

/* The rung as published, on the data and machine that the next run would be on anyway. */
static int make_options(const struct app *app, struct trainer_options *options, struct error *err)
{
    const struct recipe *mine = &app->options.recipe;
    *options = app->options;
    if (recipe_preset_load(ladder_model_here(&app->ladder)->about.name, &options->recipe, NULL, err))
        return -1;
    snprintf(options->recipe.data, sizeof options->recipe.data, "%s", mine->data);
    snprintf(options->recipe.isa, sizeof options->recipe.isa, "%s", mine->isa);
    options->recipe.device = mine->device;
    options->recipe.device_index = mine->device_index;
    options->recipe.threads = mine->threads;
    options->recipe.seed = mine->seed;
    options->name = options->resume = options->init = NULL;
    options->stop_after = 0;
    return 0;
}

static void start(struct app *app)
{
    struct trainer_options *options = calloc(1, sizeof *options); /* large */
    struct error err = {""};
    app->over = APP_SCREEN;
    if (!options || make_options(app, options, &err))
        app_say(app, "%s", options ? err.text : "out of memory");
    else if (app_training(app))
        app_queue_run(app, options);
    else if (app_start_run(app, options) == 0)
        app_go(app, &screen_run);
    free(options);
}

static const struct binding synthetic_keys[] = {
    {"y", NULL, NULL, "Train it on synthetic images all the same", NULL, NULL, start},
    {"n", "Esc", NULL, "No", NULL, NULL, app_close_dialog},
    {0},
};
static const struct dialog synthetic_dialog = {
    "Synthetic images",
    "The published figures are of CIFAR-10, which was not found here: a run on synthetic images is not comparable with "
    "them, and does not count on the ladder. f on the Run screen, or 'davidnet data fetch', gets CIFAR-10 (170 MB).",
    synthetic_keys};
static const struct dialog asked_dialog = {
    "Synthetic images",
    "The published figures are of CIFAR-10: a run on synthetic images, as --data or the recipe asks, is not comparable "
    "with them, and does not count on the ladder. CIFAR-10 is here: without synthetic data asked for, rungs train on "
    "it.",
    synthetic_keys};

static void do_run(struct app *app)
{
    const struct ladder_rung *rung = ladder_model_here(&app->ladder);
    if (rung->unfinished[0] && app_idle(app)) {
        if (app_resume_run(app, rung->unfinished) == 0)
            app_go(app, &screen_run);
    } else if (ladder_on_synthetic(&app->options.recipe)) {
        char found[RUN_PATH_MAX];
        app_ask(app, dataset_default_source(found, sizeof found) ? &asked_dialog : &synthetic_dialog);
    } else {
        start(app);
    }
}

static const char *why(const struct app *app, const char *key)
{
    if (strcmp(key, "Enter") != 0)
        return NULL;
    return !app->can_start ? "no run can be started from here" : "a campaign is running";
}

static const struct binding ladder_keys[] = {
    {"Enter", NULL, "train it", "Train the rung as published, or go on with a run of it that was stopped", can_run,
     run_label, do_run},
    {"Up", "k", NULL, "The rung above", has_rungs, NULL, do_up},
    {"Down", "j", NULL, "The rung below", has_rungs, NULL, do_down},
    {"PgUp", NULL, NULL, "A page up", has_rungs, NULL, do_page_up},
    {"PgDn", NULL, NULL, "A page down", has_rungs, NULL, do_page_down},
    {"Home", "g", NULL, "The first rung", has_rungs, NULL, do_first},
    {"End", "G", NULL, "The last rung", has_rungs, NULL, do_last},
    {0},
};

static void mouse(struct app *app, const struct mouse *event, struct rect area)
{
    if (event->what != MOUSE_PRESS) {
        move_by(app, event->what == MOUSE_WHEEL_UP ? -3 : 3);
        return;
    }
    int rung = ladder_view_find(&app->ladder, area, event->x, event->y);
    if (rung >= 0)
        ladder_model_select(&app->ladder, rung);
}

/* The preset that is being trained, if it is as published. */
static void find_training(struct app *app)
{
    const char *name = "";
    const struct ladder *ladder = &app->ladder.ladder;
    for (int i = 0; app_training(app) && app->source.recipe && i < ladder->count; i++)
        if (forecast_same_family(app->source.recipe, &ladder->recipe[i]))
            name = ladder->rung[i].about.name;
    if (strcmp(name, app->ladder.training) == 0)
        return;
    snprintf(app->ladder.training, sizeof app->ladder.training, "%s", name);
    app->dirty = 1;
}

static void update(struct app *app)
{
    runs_watch_update(app, 1, LOOK_SECONDS);
    if (app->ladder.reading != runs_watch_reading(app))
        app->dirty = 1;
    app->ladder.reading = runs_watch_reading(app);
    if (app->ladder.ladder.count == 0 || app->watch.generation != app->ladder_generation) {
        struct error err = {""};
        if (app->ladder.ladder.count == 0 && ladder_init(&app->ladder.ladder, &err))
            snprintf(app->ladder.problem, sizeof app->ladder.problem, "%.250s", err.text);
        ladder_model_take(&app->ladder, app->runs.entries, app->runs.n_entries);
        app->ladder_generation = app->watch.generation;
        app->dirty = 1;
    }
    find_training(app);
}

static void enter(struct app *app)
{
    runs_watch_update(app, 1, 0);
    runs_watch_refresh(app);
}

static void draw(const struct app *app, struct grid *grid, struct rect area)
{
    ladder_view_draw(&app->ladder, grid, area);
}

static void release(struct app *app)
{
    ladder_model_release(&app->ladder);
}

const struct screen screen_ladder = {
    .title = "Ladder",
    .intro =
        "The published climb from 356 s down to 26 s on a V100, a preset each, beside what its runs came to here: "
        "mean accuracy (of how many runs), training time, images a second. ~: the machine was busy meanwhile. Runs "
        "on synthetic images do not count.",
    .keys = ladder_keys,
    .draw = draw,
    .enter = enter,
    .update = update,
    .why = why,
    .mouse = mouse,
    .release = release,
};
