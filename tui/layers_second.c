#include "tui/layers_second.h"

#include "engine/contention.h"
#include "tui/app.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int has_times(const struct run_entry *entry, char *path, size_t size)
{
    return run_folder_path(&entry->folder, "timing.json", path, size) == 0 && access(path, R_OK) == 0;
}

static int is_other(const struct app *app, const struct run_entry *entry)
{
    return entry && strcmp(entry->folder.path, app->model.status.path) != 0;
}

/* Those that the key goes through. Returns how many. */
static int candidates(const struct app *app, const struct run_entry *out[RUNS_MARKS_MAX])
{
    const struct run_entry *marked[RUNS_MARKS_MAX], *newest = NULL;
    char path[RUN_PATH_MAX + 160];
    int n = 0;
    runs_model_marked(&app->runs, marked);
    for (int i = 0; i < RUNS_MARKS_MAX; i++)
        if (is_other(app, marked[i]))
            out[n++] = marked[i];
    for (int i = 0; i < app->runs.n_entries && n == 0; i++) {
        const struct run_entry *entry = app->runs.entries[i];
        if (is_other(app, entry) && (!newest || entry->summary.unix_start > newest->summary.unix_start) &&
            has_times(entry, path, sizeof path))
            newest = entry;
    }
    if (newest)
        out[n++] = newest;
    return n;
}

/* Of the candidates the one that is beside this run now; -1: none of them. */
static int current(const struct app *app, const struct run_entry *const *runs, int n)
{
    for (int i = 0; i < n && app->layers.against.on; i++)
        if (strcmp(runs[i]->folder.path, app->layers_second) == 0)
            return i;
    return -1;
}

static void put_beside(struct app *app, const struct run_entry *entry)
{
    struct layers_model *model = &app->layers;
    struct timing timing;
    struct error err = {""};
    char path[RUN_PATH_MAX + 160];
    if (!has_times(entry, path, sizeof path)) {
        app_say(app, "run %s has no timing breakdown", entry->folder.name);
        return;
    }
    if (timing_read(&timing, path, &err) ||
        layers_model_against(model, &timing, entry->folder.name, entry->noisy > CONTENTION_SHARE, &err)) {
        app_say(app, "%s", err.text);
        return;
    }
    snprintf(app->layers_second, sizeof app->layers_second, "%s", entry->folder.path);
    if (model->against.diff.n_warnings > 0)
        app_say(app, "against %s; mind: %s", entry->folder.name, model->against.diff.warnings[0]);
    else
        app_say(app, "against %s", entry->folder.name);
}

static void choose(struct app *app)
{
    const struct run_entry *runs[RUNS_MARKS_MAX];
    int n = candidates(app, runs), at = current(app, runs, n);
    app->layers_asked = 0;
    app->dirty = 1;
    if (n == 0 && !app->layers.against.on) {
        app_say(app, "there is no other run with times here to compare with");
    } else if (at + 1 < n) {
        put_beside(app, runs[at + 1]);
    } else {
        layers_model_alone(&app->layers);
        app_say(app, "this run alone");
    }
}

void layers_second_next(struct app *app)
{
    runs_watch_update(app, 1, 0);
    app->layers_asked = 1;
    layers_second_update(app);
    if (app->layers_asked)
        app_say(app, "the runs are being read");
}

void layers_second_update(struct app *app)
{
    if (app->layers_asked && app->layers.state == LAYERS_READY && !runs_watch_reading(app))
        choose(app);
}

const char *layers_second_label(const struct app *app)
{
    const struct run_entry *runs[RUNS_MARKS_MAX];
    if (!app->layers.against.on)
        return "compare";
    int n = candidates(app, runs);
    return current(app, runs, n) + 1 < n ? "next run" : "alone";
}
