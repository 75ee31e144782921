#include "tui/app.h"

#include "tui/keys.h"
#include "views/run_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct screen *const app_screens[] = {
    &screen_run,
};
#define SCREENS ((int)(sizeof app_screens / sizeof *app_screens))
#define KEYS_MAX 48
#define SAID_SECONDS 5

/* ---- keys that work on every screen ---- */

static void do_help(struct app *app)
{
    app->over = app->over == APP_HELP ? APP_SCREEN : APP_HELP;
}

void app_close_dialog(struct app *app)
{
    app->over = APP_SCREEN;
}

static void do_redraw(struct app *app)
{
    app->redraw = 1;
}

static void do_slower(struct app *app)
{
    app->delay_ms = app->delay_ms * 2 > 5000 ? 5000 : app->delay_ms * 2;
    app_say(app, "a frame every %g s", app->delay_ms / 1000.0);
}

static void do_faster(struct app *app)
{
    app->delay_ms = app->delay_ms / 2 < 100 ? 100 : app->delay_ms / 2;
    app_say(app, "a frame every %g s", app->delay_ms / 1000.0);
}

static void do_quit(struct app *app);

static int is_over(const struct app *app)
{
    return app->over != APP_SCREEN;
}

static const struct binding everywhere[] = {
    {"?", "F1", "help", "This screen, and back", NULL, NULL, do_help},
    {"Esc", NULL, NULL, "Close what is open", is_over, NULL, app_close_dialog},
    {"-", NULL, NULL, "Fewer frames a second", NULL, NULL, do_slower},
    {"+", "=", NULL, "More frames a second, up to ten", NULL, NULL, do_faster},
    {"Ctrl-L", NULL, NULL, "Draw everything again", NULL, NULL, do_redraw},
    {"Ctrl-Z", NULL, NULL, "Suspend: the run pauses, fg goes on", NULL, NULL, NULL},
    {"q", NULL, "quit", "Quit; asks while a run is training", NULL, NULL, do_quit},
    {0},
};

static void do_leave(struct app *app)
{
    app->over = APP_SCREEN;
    app_leave(app);
}

static void do_leave_after_epoch(struct app *app)
{
    app->over = APP_SCREEN;
    app->leaving = 1;
    app_stop(app, TRAINER_STOP_EPOCH);
    app_say(app, "stopping at the end of this epoch, then leaving");
}

static const struct binding quit_keys[] = {
    {"y", "Enter", NULL, "Stop at this step, save, leave", NULL, NULL, do_leave},
    {"e", NULL, NULL, "Stop at the end of this epoch, then leave", NULL, NULL, do_leave_after_epoch},
    {"n", "Esc", NULL, "Go on training", NULL, NULL, app_close_dialog},
    {0},
};
static const struct dialog quit_dialog = {"Quit?",
                                          "The run is still training. What is done is saved, and "
                                          "'davidnet resume' goes on from there.",
                                          quit_keys};

static void do_quit(struct app *app)
{
    if (app->over == APP_HELP)
        app->over = APP_SCREEN;
    else if (app_training(app) && !app->leaving)
        app_ask(app, &quit_dialog);
    else
        app_leave(app);
}

/* ---- the app ---- */

void app_init(struct app *app, struct run_source source, const struct trainer_options *options)
{
    memset(app, 0, sizeof *app);
    app->source = source;
    app->delay_ms = 100;
    app->dirty = 1;
    if (options) {
        app->options = *options;
        app->can_start = 1;
    }
    run_model_init(&app->model);
    if (source.ops)
        run_model_start(&app->model, source.recipe);
    app_update(app);
}

void app_release(struct app *app)
{
    if (app_training(app))
        app->source.ops->stop(app->source.self, TRAINER_STOP_NOW);
    run_source_close(&app->source);
    fetch_job_free(app->fetch);
    app->fetch = NULL;
    for (int i = 0; i < SCREENS; i++)
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
    vsnprintf(app->said, sizeof app->said, format, args);
    va_end(args);
    app->said_at = app->now;
    app->dirty = 1;
}

void app_ask(struct app *app, const struct dialog *dialog)
{
    app->dialog = dialog;
    app->over = APP_DIALOG;
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

/* ---- runs one after the other ---- */

/* The old one has ended, so closing it waits for nothing. */
static void take_source(struct app *app, struct run_source source)
{
    run_source_close(&app->source);
    app->source = source;
    app->paused = 0;
    app->model.notice[0] = '\0';
    app->model.status.error[0] = '\0';
    run_model_start(&app->model, source.recipe);
    app->dirty = 1;
}

static void start_queued(struct app *app)
{
    struct error err = {""};
    struct run_source source;
    if (!app->queue || app->leaving || app_training(app))
        return;
    app->queue = APP_QUEUE_NONE;
    if (run_source_train(&source, &app->queued, &err)) {
        snprintf(app->model.status.error, sizeof app->model.status.error, "%s", err.text);
        app_say(app, "%s", err.text);
        return;
    }
    take_source(app, source);
}

void app_start_run(struct app *app, const struct trainer_options *options)
{
    app->queued = *options;
    app->queue = APP_QUEUE_STOPS;
    if (app_training(app)) {
        app_stop(app, TRAINER_STOP_NOW);
        app_say(app, "stopping at this step; then the new run starts");
    }
    start_queued(app);
}

void app_queue_run(struct app *app, const struct trainer_options *options)
{
    app->queued = *options;
    app->queue = APP_QUEUE_AFTER;
    if (app_training(app))
        app_say(app, "queued: it starts when this run has ended");
    start_queued(app);
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

void app_interrupt(struct app *app)
{
    if (app->leaving || !app_training(app) || (app->over == APP_DIALOG && app->dialog == &quit_dialog))
        app_leave(app);
    else
        app_ask(app, &quit_dialog);
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
        notice = "synthetic images, not CIFAR-10: f fetches it (170 MB) in the background";
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
    start_queued(app);
    update_fetch(app);
    update_notice(app);
    if (app_screens[app->screen]->update)
        app_screens[app->screen]->update(app);
    if (*app->said && app->now - app->said_at > SAID_SECONDS && !app->leaving) {
        app->said[0] = '\0';
        app->dirty = 1;
    }
    if (app->leaving && !app_training(app))
        app->quit = 1;
}

/* The row of the table that the key belongs to and that works now. */
static const struct binding *find_binding(const struct app *app, const struct binding *table, int key)
{
    for (const struct binding *b = table; b->key; b++) {
        int mine = keys_parse(b->key) == key || (b->also && keys_parse(b->also) == key);
        if (mine && b->act && (!b->enabled || b->enabled(app)))
            return b;
    }
    return NULL;
}

void app_go(struct app *app, const struct screen *screen)
{
    for (int i = 0; i < SCREENS; i++) {
        if (app_screens[i] != screen)
            continue;
        app->screen = i;
        app->over = APP_SCREEN;
        app->dirty = 1;
        if (screen->enter)
            screen->enter(app);
        return;
    }
}

static int typed(struct app *app, int key)
{
    const struct screen *screen = app_screens[app->screen];
    return app->over == APP_SCREEN && screen->typed && screen->typed(app, key);
}

void app_key(struct app *app, int key)
{
    const struct binding *binding = NULL;
    if (key == KEYS_NONE)
        return;
    app->dirty = 1;
    app->said[0] = '\0';
    if (typed(app, key))
        return;
    if (app->over == APP_DIALOG) {
        binding = find_binding(app, app->dialog->keys, key);
        if (!binding && key == KEYS_ESC)
            app->over = APP_SCREEN;
    } else {
        if (app->over == APP_SCREEN)
            binding = find_binding(app, app_screens[app->screen]->keys, key);
        if (!binding)
            binding = find_binding(app, everywhere, key);
        if (!binding && key >= '1' && key < '1' + SCREENS)
            app_go(app, app_screens[key - '1']);
    }
    if (binding)
        binding->act(app);
}

void app_paste(struct app *app, int key)
{
    if (key >= ' ' && key != KEYS_BACKSPACE && typed(app, key))
        app->dirty = 1;
}

/* Appends the rows that work now (all: every row that has a sentence). */
static int list_keys(const struct app *app, const struct binding *table, const char *group, int all,
                     struct frame_key *keys, int n)
{
    for (const struct binding *b = table; b->key && n < KEYS_MAX; b++) {
        if (!all && b->enabled && !b->enabled(app))
            continue;
        keys[n++] = (struct frame_key){b->key, b->name ? b->name(app) : b->label, b->help, group, table == everywhere};
    }
    return n;
}

/* The rows of the frame, and a frame around them. */
static void make_frame(const struct app *app, const char **titles, struct frame_key *keys, struct frame_model *frame)
{
    const struct screen *screen = app_screens[app->screen];
    const struct trainer_status *status = &app->model.status;
    int n = 0;
    for (int i = 0; i < SCREENS; i++)
        titles[i] = app_screens[i]->title;
    if (app->over == APP_DIALOG) {
        n = list_keys(app, app->dialog->keys, NULL, 0, keys, n);
        for (int i = 0; i < n; i++)
            keys[i].label = keys[i].help;
    } else {
        n = app->over == APP_SCREEN ? list_keys(app, screen->keys, screen->title, 0, keys, n) : 0;
        n = list_keys(app, everywhere, "Everywhere", 0, keys, n);
    }
    *frame = (struct frame_model){.screens = titles,
                                  .n_screens = SCREENS,
                                  .current = app->screen,
                                  .run = status->run,
                                  .state = app->source.ops ? trainer_phase_name(status->phase) : NULL,
                                  .state_color = run_phase_color(status->phase),
                                  .train_seconds = status->train_seconds,
                                  .speedrun_seconds = status->speedrun_seconds,
                                  .wall_seconds = status->wall_seconds,
                                  .message = app->said,
                                  .keys = keys,
                                  .n_keys = n};
}

void app_mouse(struct app *app, const struct mouse *event, int w, int h)
{
    const struct screen *screen = app_screens[app->screen];
    struct rect area = frame_area((struct rect){0, 0, w, h});
    struct rect at = rect_intersect(area, (struct rect){event->x, event->y, 1, 1});
    app->dirty = 1;
    if (app->over == APP_SCREEN && screen->mouse && at.w > 0)
        screen->mouse(app, event, area);
}

void app_draw(const struct app *app, struct grid *grid)
{
    const struct screen *screen = app_screens[app->screen];
    const char *titles[SCREENS];
    struct frame_key keys[KEYS_MAX];
    struct frame_model frame;
    grid_clear(grid);
    make_frame(app, titles, keys, &frame);
    struct rect area = frame_draw(&frame, grid, (struct rect){0, 0, grid->w, grid->h});
    if (app->over == APP_HELP) {
        int n = list_keys(app, screen->keys, screen->title, 1, keys, 0);
        n = list_keys(app, everywhere, "Everywhere", 1, keys, n);
        help_draw(keys, n, screen->intro, grid, area);
        return;
    }
    screen->draw(app, grid, area);
    if (app->over == APP_DIALOG)
        dialog_draw(app->dialog->title, app->dialog->text, keys, frame.n_keys, grid, area);
}
