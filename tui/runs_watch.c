#include "tui/runs_watch.h"

#include "engine/utf8.h"
#include "tui/app.h"
#include "views/runs_view.h"

#include <stdio.h>
#include <string.h>

/* Where this app's runs are: where it makes them, beside the one it looks at, or the default. */
static void find_parent(const struct app *app, char *out, size_t size)
{
    const char *slash = strrchr(app->model.status.path, '/');
    if (app->can_start && app->options.parent)
        snprintf(out, size, "%s", app->options.parent);
    else if (slash && slash > app->model.status.path)
        snprintf(out, size, "%.*s", (int)(slash - app->model.status.path), app->model.status.path);
    else
        run_folder_default_parent(out, size);
}

static void open_catalog(struct app *app)
{
    struct error err = {""};
    struct runs_model *runs = &app->runs;
    find_parent(app, runs->parent, sizeof runs->parent);
    app->watch.catalog = run_catalog_open(runs->parent, &err);
    app->watch.asked_at = app->now;
    if (!app->watch.catalog)
        snprintf(runs->problem, sizeof runs->problem, "%.*s", (int)sizeof runs->problem - 1, err.text);
    utf8_cut(runs->problem);
    runs->reading = app->watch.catalog != NULL;
    app->dirty = 1;
}

void runs_watch_overlays(struct app *app)
{
    _Static_assert(RUNS_MARKS_MAX <= RUN_OVERLAYS_MAX, "every marked run can be an overlay");
    const struct run_entry *marked[RUNS_MARKS_MAX];
    struct run_overlay overlays[RUNS_MARKS_MAX];
    int n = 0;
    runs_model_marked(&app->runs, marked);
    for (int i = 0; i < RUNS_MARKS_MAX; i++) {
        if (!marked[i] || strcmp(marked[i]->folder.path, app->model.status.path) == 0)
            continue; /* the run itself is there already */
        overlays[n++] = (struct run_overlay){(struct run_entry *)marked[i], runs_mark_letter(i), runs_mark_color(i)};
    }
    run_model_overlay(&app->model, overlays, n);
    app->dirty = 1;
}

/* What earlier runs say of the one on the Run screen; nothing, as long as the catalog does not know it. */
static void make_forecast(struct app *app)
{
    struct forecast_now now;
    const struct runs_model *runs = &app->runs;
    const struct run_entry *const *entries = (const struct run_entry *const *)runs->entries;
    app->model.forecast.runs = -1;
    for (int i = 0; i < runs->n_entries; i++) {
        if (strcmp(entries[i]->folder.path, app->model.status.path) != 0)
            continue;
        run_model_now(&app->model, &now);
        run_entry_forecast(entries[i], entries, runs->n_entries, &now, &app->model.forecast);
    }
    app->dirty = 1;
}

static void take(struct app *app, const struct run_catalog_state *state)
{
    struct run_entry **entries;
    int count;
    if (run_catalog_take(app->watch.catalog, &entries, &count))
        return;
    app->watch.generation = state->generation;
    runs_model_take(&app->runs, entries, count);
}

/* 1: the run on the Run screen is another one, or has come further by an epoch or a phase. */
static int run_moved(struct app *app)
{
    struct runs_watch *watch = &app->watch;
    const struct trainer_status *status = &app->model.status;
    if (watch->phase == status->phase && watch->n_epochs == app->model.n_epochs &&
        strcmp(watch->path, status->path) == 0)
        return 0;
    watch->phase = status->phase;
    watch->n_epochs = app->model.n_epochs;
    snprintf(watch->path, sizeof watch->path, "%s", status->path);
    return 1;
}

void runs_watch_update(struct app *app, int open, double every)
{
    struct runs_watch *watch = &app->watch;
    struct runs_model *runs = &app->runs;
    struct run_catalog_state state;
    if (!watch->catalog && (open || app->model.status.path[0]) && !runs->problem[0])
        open_catalog(app);
    if (!watch->catalog)
        return;
    int moved = run_moved(app);
    run_catalog_state(watch->catalog, &state);
    if ((moved || (every > 0 && app->now - watch->asked_at >= every)) && !state.reading)
        runs_watch_refresh(app);
    int fresh = state.generation != watch->generation;
    if (fresh)
        take(app, &state);
    if (fresh || moved) {
        snprintf(runs->current, sizeof runs->current, "%s", app->model.status.path);
        runs_watch_overlays(app);
        make_forecast(app);
    }
    if (runs->reading != state.reading || runs->known != state.known || strcmp(runs->problem, state.problem) != 0)
        app->dirty |= runs->n_entries == 0 || runs->known != state.known || runs->problem[0] || state.problem[0];
    runs->reading = state.reading;
    runs->known = state.known;
    runs->found = state.found;
    snprintf(runs->problem, sizeof runs->problem, "%s", state.problem);
}

void runs_watch_refresh(struct app *app)
{
    app->watch.asked_at = app->now;
    if (app->watch.catalog)
        run_catalog_refresh(app->watch.catalog);
}

int runs_watch_reading(const struct app *app)
{
    struct run_catalog_state state;
    if (!app->watch.catalog)
        return 0;
    run_catalog_state(app->watch.catalog, &state);
    return state.reading || state.generation != app->watch.generation;
}

void runs_watch_release(struct app *app)
{
    run_catalog_free(app->watch.catalog);
    app->watch = (struct runs_watch){0};
    runs_model_release(&app->runs);
}
