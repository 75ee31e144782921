/* The Run screen: its keys. What it looks like is views/run_view.c. */
#include "engine/dataset.h"
#include "tui/app.h"
#include "views/run_view.h"

#include <stdio.h>
#include <string.h>

/* ---- the run ---- */

static const char *pause_label(const struct app *app)
{
    return app->paused ? "go on" : "pause";
}

static void do_pause(struct app *app)
{
    if (app->leaving) { /* a paused run would never come to the end that is waited for */
        app_say(app, "it goes on to its stop, then leaves: q leaves at this step");
        return;
    }
    app->paused = !app->paused;
    app->source.ops->pause(app->source.self, app->paused);
    app_say(app, app->paused ? "pausing after this step" : "going on");
}

static void stop(struct app *app, enum trainer_stop how)
{
    app->over = APP_SCREEN;
    app_stop(app, how);
    app_say(app, how == TRAINER_STOP_NOW ? "stopping at this step" : "stopping at the end of this epoch");
}

static void do_stop_now(struct app *app)
{
    stop(app, TRAINER_STOP_NOW);
}

static void do_stop_epoch(struct app *app)
{
    stop(app, TRAINER_STOP_EPOCH);
}

static int is_queued(const struct app *app)
{
    return app->queue == APP_QUEUE_AFTER;
}

static void do_stop_all(struct app *app)
{
    app_unqueue(app);
    do_stop_now(app);
}

static const struct binding stop_keys[] = {
    {"y", NULL, NULL, "Stop now, at this step", NULL, NULL, do_stop_now},
    {"e", "Enter", NULL, "Stop at the end of this epoch", NULL, NULL, do_stop_epoch},
    {"u", NULL, NULL, "Stop now, and take the queued run back", is_queued, NULL, do_stop_all},
    {"n", "Esc", NULL, "Go on training", NULL, NULL, app_close_dialog},
    {0},
};
static const struct dialog stop_dialog = {"Stop the run?",
                                          "Its weights are saved; 'davidnet resume' goes on from there.", stop_keys};

static void do_stop(struct app *app)
{
    app_ask(app, &stop_dialog);
    if (is_queued(app))
        app_ask_more(app, "The queued run starts then.");
    else if (campaign_job_waiting(app))
        app_ask_more(app, "The campaign that waits starts then; R on the Compare screen drops it.");
}

/* ---- data and new runs ---- */

static int can_fetch(const struct app *app)
{
    return app->fetch || (app->model.status.data_is_synthetic && !*app->fetched && !app->has_data);
}

static const char *fetch_label(const struct app *app)
{
    return app->fetch ? "cancel fetch" : "fetch CIFAR-10";
}

static void do_fetch(struct app *app)
{
    struct error err = {""};
    char folder[512];
    if (app->fetch) {
        fetch_job_cancel(app->fetch);
        app_say(app, "cancelling the fetch");
        return;
    }
    dataset_user_folder(folder, sizeof folder);
    if (!*folder)
        error_set(&err, "there is no home folder to fetch to; use 'davidnet data fetch --to FOLDER'");
    else
        app->fetch = fetch_job_start(&fetch_official, folder, &err);
    if (!app->fetch)
        app_say(app, "%s", err.text);
}

static int can_start(const struct app *app)
{
    return app->can_start && (app_idle(app) || *app->fetched);
}

static void start(struct app *app)
{
    app->over = APP_SCREEN;
    if (*app->fetched)
        snprintf(app->options.recipe.data, sizeof app->options.recipe.data, "%s", app->fetched);
    app->options.name = app->options.resume = NULL;
    app_start_run(app, &app->options);
}

static const struct binding start_keys[] = {
    {"y", "Enter", NULL, "Stop this run at this step and start a new one", NULL, NULL, start},
    {"n", "Esc", NULL, "Go on training", NULL, NULL, app_close_dialog},
    {0},
};
static const struct dialog start_dialog = {"A new run?", "This one is still training; its weights are saved.",
                                           start_keys};

static void do_start(struct app *app)
{
    if (app_training(app))
        app_ask(app, &start_dialog);
    else
        start(app);
}

static int can_resume(const struct app *app)
{
    const struct trainer_status *status = &app->model.status;
    int ended = status->phase == TRAINER_STOPPED || status->phase == TRAINER_FAILED;
    return app->can_start && app->source.ops && ended && *status->path;
}

static void do_resume(struct app *app)
{
    app_resume_run(app, app->model.status.path);
}

/* ---- how it is shown ---- */

static void do_smooth(struct app *app)
{
    double *weight = &app->model.view.smoothing;
    *weight = *weight == 0 ? 0.9 : *weight == 0.9 ? 0.97 : 0;
    if (*weight > 0)
        app_say(app, "step curves smoothed with %g", *weight);
    else
        app_say(app, "no smoothing: whole epochs in front, steps behind");
}

static void do_log(struct app *app)
{
    app->model.view.log_axes = !app->model.view.log_axes;
}

static void do_range(struct app *app)
{
    app->model.view.whole_range = !app->model.view.whole_range;
    app_say(app, app->model.view.whole_range ? "axes hold every point" : "axes leave the steep beginning out");
}

static void do_next_panel(struct app *app)
{
    app->model.view.focus = (app->model.view.focus + 1) % RUN_PANELS;
}

static void do_previous_panel(struct app *app)
{
    app->model.view.focus = (app->model.view.focus + RUN_PANELS - 1) % RUN_PANELS;
}

static void do_zoom(struct app *app)
{
    app->model.view.zoomed = !app->model.view.zoomed;
}

static int has_recipe(const struct app *app)
{
    return app->source.recipe != NULL;
}

static void do_copy(struct app *app)
{
    char command[RECIPE_COMMAND_MAX];
    recipe_command(app->source.recipe, command, sizeof command);
    app_copy(app, command, "the command that makes this run again");
}

static const struct binding run_keys[] = {
    {"p", "Space", NULL, "Pause the run after this step, or let it go on", app_training, pause_label, do_pause},
    {"x", NULL, "stop", "Stop the run: now, or at the end of this epoch", app_training, NULL, do_stop},
    {"R", NULL, "resume", "Go on with a run that was stopped, or that failed", can_resume, NULL, do_resume},
    {"n", NULL, "new run", "Start a new run with the same recipe", can_start, NULL, do_start},
    {"f", NULL, NULL, "Fetch CIFAR-10 in the background, or stop that; it goes on from there", can_fetch, fetch_label,
     do_fetch},
    {"Tab", "Right", "panel", "Next panel: the one that zoom shows", NULL, NULL, do_next_panel},
    {"S-Tab", "Left", NULL, "Previous panel", NULL, NULL, do_previous_panel},
    {"z", "Enter", "zoom", "One panel alone, or all of them", NULL, NULL, do_zoom},
    {"s", NULL, "smooth", "Smoothing of the step curves: 0.9, 0.97, off", NULL, NULL, do_smooth},
    {"y", NULL, "log", "Logarithmic axes: loss, and accuracy by what it lacks to 100 %", NULL, NULL, do_log},
    {"v", NULL, "range", "Axes over every point, or without the steep beginning", NULL, NULL, do_range},
    {"c", NULL, "copy", "Copy the command that makes this run again", has_recipe, NULL, do_copy},
    {0},
};

static const char *why(const struct app *app, const char *key)
{
    if (strcmp(key, "p") == 0 || strcmp(key, "x") == 0)
        return app_idle(app) ? "no run is training" : "another process trains this run; it is only looked at here";
    if (strcmp(key, "n") == 0)
        return app_training(app) ? "a run is training: x stops it, and on the Tricks screen one can be queued"
               : app->can_start  ? "another process trains this run: it is only looked at here"
                                 : "no run can be started from here";
    if (strcmp(key, "R") == 0)
        return app_training(app) ? "it is training"
                                 : "only a run that was stopped, or that failed, can be gone on with";
    if (strcmp(key, "f") == 0)
        return app->has_data || *app->fetched || *app->model.status.data ? "CIFAR-10 is there already"
               : app->source.ops ? "the run's data is being loaded: it is not known yet whether it is CIFAR-10"
                                 : "CIFAR-10 can be fetched while a run of synthetic images is shown";
    return NULL;
}

static void update(struct app *app)
{
    runs_watch_update(app, 0, 0);
}

static void draw(const struct app *app, struct grid *grid, struct rect area)
{
    run_view_draw(&app->model, grid, area);
}

const struct screen screen_run = {
    .title = "Run",
    .intro = "The run as it trains: test accuracy after every epoch (blue), the batches in training (orange), the "
             "learning rate. The green line is the target, solid where earlier runs of this recipe got there; "
             "the letters mark runs marked on the Runs screen.",
    .keys = run_keys,
    .why = why,
    .draw = draw,
    .update = update,
};
