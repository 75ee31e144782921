/* The app's life, the run that it shows and the one that follows. Keys: tui/app_keys.c; drawing: tui/app_draw.c. */
#include "tui/app.h"

#include "engine/dataset.h"
#include "engine/utf8.h"
#include "tui/app_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SAID_SECONDS 5

/* At the keys 1, 2 ... */
const struct screen *const app_screens[] = {
    &screen_run, &screen_layers, &screen_samples, &screen_tricks, &screen_runs, &screen_compare, &screen_ladder, NULL,
};

int app_screen_count(void)
{
    return (int)(sizeof app_screens / sizeof *app_screens) - 1;
}

const struct screen *app_current(const struct app *app)
{
    return app_screens[app->screen];
}

struct rect app_area(const struct app *app)
{
    return frame_area((struct rect){0, 0, app->w, app->h});
}

/* Files are looked for once a run, and not at each frame. */
static void begin_run(struct app *app)
{
    char folder[sizeof app->fetched];
    app->has_data = dataset_default_source(folder, sizeof folder);
    run_model_start(&app->model, app->source.recipe);
}

/* ---- the app ---- */

void app_init(struct app *app, struct run_source source, const struct trainer_options *options)
{
    memset(app, 0, sizeof *app);
    app->source = source;
    app->run_number = 1;
    app->delay_ms = 100;
    app->mouse = 1;
    app->dirty = 1;
    if (options) {
        app->options = *options;
        app->can_start = 1;
    }
    run_model_init(&app->model);
    layers_model_init(&app->layers);
    runs_model_init(&app->runs);
    compare_model_init(&app->compare);
    ladder_model_init(&app->ladder);
    campaign_job_init(&app->campaign);
    if (source.ops)
        begin_run(app);
    app_update(app);
}

void app_release(struct app *app)
{
    if (app_training(app))
        app->source.ops->stop(app->source.self, TRAINER_STOP_NOW);
    app_close_run(app);
    campaign_job_end(app);
    campaign_ask_release(&app->campaign_ask);
    fetch_job_free(app->fetch);
    app->fetch = NULL;
    for (int i = 0; app_screens[i]; i++)
        if (app_screens[i]->release)
            app_screens[i]->release(app);
    run_model_release(&app->model);
}

int app_idle(const struct app *app)
{
    return !app->source.ops || trainer_ended(app->model.status.phase);
}

int app_training(const struct app *app)
{
    return app->source.ops && app->source.ops->stop && !trainer_ended(app->model.status.phase);
}

void app_say(struct app *app, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(app->said, sizeof app->said, format, args);
    va_end(args);
    utf8_cut(app->said);
    if (length >= (int)sizeof app->said) { /* in ASCII, which every terminal shows */
        app->said[sizeof app->said - sizeof " ..."] = '\0';
        utf8_cut(app->said);
        strcat(app->said, " ...");
    }
    app->said_at = NAN; /* what the key led to may take longer than a message stays */
    app->dirty = 1;
}

void app_stop(struct app *app, enum trainer_stop how)
{
    app->source.ops->stop(app->source.self, how);
    if (!app->paused)
        return;
    app->paused = 0;
    app->source.ops->pause(app->source.self, 0);
}

void app_copy(struct app *app, const char *text, const char *what)
{
    if (strlen(text) >= sizeof app->copy) { /* half a command is worse than none */
        app_say(app, "too long for the clipboard: %zu characters", strlen(text));
        return;
    }
    snprintf(app->copy, sizeof app->copy, "%s", text);
    snprintf(app->copied, sizeof app->copied, "%s", what);
    app_say(app, "for the terminal's clipboard: %s", what);
}

/* ---- runs one after the other ---- */

void app_close_run(struct app *app)
{
    run_source_close(&app->source);
    app->run_number++;
    app->paused = 0;
    run_model_forget(&app->model);
    app->dirty = 1;
}

static void take_source(struct app *app, struct run_source source)
{
    app_close_run(app);
    app->source = source;
    begin_run(app);
    app->dirty = 1;
}

/* -1: it could not start, and that was said. */
static int start_queued(struct app *app)
{
    struct error err = {""};
    struct run_source source;
    if (!app->queue || app->leaving || app_training(app))
        return 0;
    app->queue = APP_QUEUE_NONE;
    if (run_source_train(&source, &app->queued, &err)) {
        snprintf(app->model.status.error, sizeof app->model.status.error, "%s", err.text);
        app_say(app, "%s", err.text);
        return -1;
    }
    app->options = app->queued; /* what a new run with the same recipe repeats */
    app->options.name = app->options.resume = NULL;
    app->options.label = NULL;
    take_source(app, source);
    return 0;
}

/* Nobody may be looking as it takes the place of another one: that is told for as long as it is shown. */
static void start_waiting(struct app *app)
{
    int waited = app->queue == APP_QUEUE_AFTER;
    unsigned number = app->run_number;
    char before[sizeof app->model.status.run];
    snprintf(before, sizeof before, "%s", app->model.status.run);
    start_queued(app);
    if (waited && app->run_number != number && *before)
        snprintf(app->model.notice, sizeof app->model.notice,
                 "this run was queued; the one before it, %s, is on the Runs screen", before);
}

int app_start_run(struct app *app, const struct trainer_options *options)
{
    int dropped = app->queue == APP_QUEUE_AFTER;
    app->queued = *options;
    app->queue = APP_QUEUE_STOPS;
    if (app_training(app)) {
        app_stop(app, TRAINER_STOP_NOW);
        app_say(app, "stopping at this step; then the new run starts%s", dropped ? ", in place of the queued one" : "");
    }
    return start_queued(app);
}

int app_resume_run(struct app *app, const char *path)
{
    struct trainer_options options = app->options;
    struct error err;
    snprintf(app->resumed, sizeof app->resumed, "%s", path);
    options.name = NULL;
    options.resume = app->resumed;
    int shown = strcmp(app->model.status.path, app->resumed) == 0;
    if (shown) /* its trainer holds the folder */
        app_close_run(app);
    if (app_start_run(app, &options) == 0)
        return 0;
    if (shown)
        app_open_run(app, app->resumed, &err); /* as it was; why it could not start was said */
    return -1;
}

int app_queue_run(struct app *app, const struct trainer_options *options)
{
    int replaced = app->queue == APP_QUEUE_AFTER && !recipe_equal(&app->queued.recipe, &options->recipe);
    app->queued = *options;
    app->queue = APP_QUEUE_AFTER;
    if (app_training(app))
        app_say(app, replaced ? "queued in place of the one that was: one run can wait"
                              : "queued: it starts when this run has ended");
    return start_queued(app);
}

void app_unqueue(struct app *app)
{
    app->queue = APP_QUEUE_NONE;
    app->dirty = 1;
}

int app_open_run(struct app *app, const char *run, struct error *err)
{
    struct run_source source;
    if (app_training(app))
        return error_set(err, "a run is training: stop it before looking at another one");
    if (run_source_open(&source, run, err))
        return -1;
    take_source(app, source);
    return 0;
}

void app_leave(struct app *app)
{
    app->leaving = 1;
    app->dirty = 1;
    if (!app_training(app)) {
        app->quit = 1;
        return;
    }
    app_stop(app, TRAINER_STOP_NOW);
    app_say(app, "stopping at this step and saving, then leaving");
}

static void update_fetch(struct app *app)
{
    char line[sizeof app->model.notice];
    if (!app->fetch)
        return;
    enum fetch_job_state state = fetch_job_state(app->fetch, line, sizeof line);
    if (strcmp(line, app->model.notice) != 0) {
        snprintf(app->model.notice, sizeof app->model.notice, "%s", line);
        app->model.notice_is_bad = state == FETCH_JOB_FAILED;
        app->dirty = 1;
    }
    if (state == FETCH_JOB_RUNNING)
        return;
    if (state == FETCH_JOB_CANCELLED) {
        app_say(app, "%s", line);
        app->model.notice[0] = '\0'; /* which makes room for the offer to fetch */
    }
    if (state == FETCH_JOB_OK) {
        snprintf(app->fetched, sizeof app->fetched, "%s", fetch_job_folder(app->fetch));
        if (app->can_start)
            snprintf(app->model.notice, sizeof app->model.notice, "CIFAR-10 is there: press n for a new run on it");
    }
    fetch_job_free(app->fetch);
    app->fetch = NULL;
}

/* The line above the curves when nothing more important is there. */
static void update_notice(struct app *app)
{
    const char *notice = NULL;
    if (app->fetch || *app->model.notice)
        return;
    if (app->model.status.data_is_synthetic)
        notice = app->has_data ? "synthetic images, not CIFAR-10, as --data or the recipe asks"
                               : "synthetic images, not CIFAR-10: f fetches it (170 MB) in the background";
    if (notice) {
        snprintf(app->model.notice, sizeof app->model.notice, "%s", notice);
        app->dirty = 1;
    }
}

void app_update(struct app *app)
{
    if (app->source.ops) {
        struct trainer_status status;
        memset(&status, 0, sizeof status);
        app->source.ops->status(app->source.self, &status);
        if (run_model_update(&app->model, app->source.log, &status) != 0)
            app->dirty = 1;
    }
    start_waiting(app);
    campaign_job_update(app);
    campaign_ask_update(app);
    update_fetch(app);
    update_notice(app);
    if (app->watch.catalog) /* whatever the screen: what is read and never taken keeps the loop awake */
        runs_watch_update(app, 0, 0);
    if (app_current(app)->update)
        app_current(app)->update(app);
    if (isnan(app->said_at))
        app->said_at = app->now;
    if (*app->said && app->now - app->said_at > SAID_SECONDS && !app->leaving) {
        app->said[0] = '\0';
        app->dirty = 1;
    }
    if (app->leaving && !app_training(app))
        app->quit = 1;
}
