#include "tui/layers_second.h"

#include "engine/contention.h"
#include "engine/recipe_differences.h"
#include "tui/app.h"

#include <math.h>
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

/* How much it says to have a run beside this one: where none is marked, the best kind is taken. */
enum kinship { ANY_RUN, ON_THIS_MACHINE, OTHER_SIDE /* of its campaign */, COUNTERPART /* of that number, too */ };

static const struct run_entry *shown_run(const struct app *app)
{
    for (int i = 0; i < app->runs.n_entries; i++)
        if (!is_other(app, app->runs.entries[i]))
            return app->runs.entries[i];
    return NULL;
}

static enum kinship kinship_of(const struct run_entry *shown, const struct run_entry *entry)
{
    if (!shown)
        return ANY_RUN;
    if (shown->label.campaign[0] != '\0' && strcmp(shown->label.campaign, entry->label.campaign) == 0 &&
        shown->label.side != entry->label.side)
        return shown->label.number == entry->label.number ? COUNTERPART : OTHER_SIDE;
    return shown->machine[0] != '\0' && strcmp(shown->machine, entry->machine) == 0 ? ON_THIS_MACHINE : ANY_RUN;
}

static int is_better(const struct run_entry *shown, const struct run_entry *a, const struct run_entry *b)
{
    enum kinship of_a = kinship_of(shown, a), of_b = kinship_of(shown, b);
    return of_a != of_b ? of_a > of_b : a->summary.unix_start > b->summary.unix_start;
}

/* Of the other runs with times, of those that are no better than `after` (NULL: of all), the best kin, of those the
 * newest; or NULL. */
static const struct run_entry *best_after(const struct app *app, const struct run_entry *after)
{
    const struct run_entry *best = NULL, *shown = shown_run(app);
    char path[RUN_PATH_MAX + 160];
    for (int i = 0; i < app->runs.n_entries; i++) {
        const struct run_entry *entry = app->runs.entries[i];
        if (is_other(app, entry) && isfinite(entry->summary.unix_start) && (!after || is_better(shown, after, entry)) &&
            (!best || is_better(shown, entry, best)) && has_times(entry, path, sizeof path))
            best = entry;
    }
    return best;
}

/* The other runs that are marked. Returns how many. */
static int marked_runs(const struct app *app, const struct run_entry *out[RUNS_MARKS_MAX])
{
    const struct run_entry *marked[RUNS_MARKS_MAX];
    int n = 0;
    runs_model_marked(&app->runs, marked);
    for (int i = 0; i < RUNS_MARKS_MAX; i++)
        if (is_other(app, marked[i]))
            out[n++] = marked[i];
    return n;
}

/* Of the marked runs the one that is beside this run now; -1: none of them. */
static int current(const struct app *app, const struct run_entry *const *runs, int n)
{
    for (int i = 0; i < n && app->layers.against.on; i++)
        if (strcmp(runs[i]->folder.path, app->layers_second) == 0)
            return i;
    return -1;
}

/* -1 with err: it cannot be, and what was beside this run still is. */
static int put_beside(struct app *app, const struct run_entry *entry, struct error *err)
{
    struct layers_model *model = &app->layers;
    struct timing timing;
    char path[RUN_PATH_MAX + 160];
    if (!has_times(entry, path, sizeof path))
        return error_set(err, "run %s has no timing breakdown", entry->folder.name);
    if (timing_read(&timing, path, err) ||
        layers_model_against(model, &timing, entry->folder.name, entry->noisy > CONTENTION_SHARE, err))
        return -1;
    snprintf(app->layers_second, sizeof app->layers_second, "%s", entry->folder.path);
    model->against.n_recipes = recipe_differences_text(&entry->recipe, app->source.recipe, model->against.recipes,
                                                       sizeof model->against.recipes);
    return 0;
}

/*
 * Which run is beside this one now, which ones could not be, and why times may not be comparable. What differs in the
 * recipes stands beside the list: here only how much it is.
 */
static void say_beside(struct app *app, const struct run_entry *entry, const char *skipped)
{
    static const char *const taken[] = {[ANY_RUN] = " (the newest)",
                                        [ON_THIS_MACHINE] = " (the newest on this machine)",
                                        [OTHER_SIDE] = " (the other side of the campaign)",
                                        [COUNTERPART] = " (the other side of the campaign)"};
    const struct run_entry *marked[RUNS_MARKS_MAX];
    const struct layers_against *against = &app->layers.against;
    const char *warning = against->diff.n_warnings > 0 ? against->diff.warnings[0] : "";
    char recipes[48] = "";
    if (against->n_recipes > 0)
        snprintf(recipes, sizeof recipes, "; recipes differ in %d knob%s", against->n_recipes,
                 against->n_recipes == 1 ? "" : "s");
    const char *why = marked_runs(app, marked) > 0 ? "" : taken[kinship_of(shown_run(app), entry)];
    app_say(app, "against %s%s, these two runs only%s%s%s%s%s", against->name, why, recipes, *skipped ? "; " : "",
            skipped, *warning ? "; mind: " : "", warning);
}

/* The next one of those that the key goes through which can be compared; NULL where there is none. */
static const struct run_entry *next_run(const struct app *app, const struct run_entry *after)
{
    const struct run_entry *runs[RUNS_MARKS_MAX];
    int n = marked_runs(app, runs), at = after ? 0 : current(app, runs, n);
    if (n == 0)
        return after || !app->layers.against.on ? best_after(app, after) : NULL;
    while (after && at < n && runs[at] != after)
        at++;
    return at + 1 < n ? runs[at + 1] : NULL;
}

static void choose(struct app *app)
{
    char skipped[400] = "";
    const struct run_entry *next = next_run(app, NULL);
    app->layers_asked = 0;
    app->dirty = 1;
    for (; next; next = next_run(app, next)) {
        struct error err = {""};
        size_t used = strlen(skipped);
        if (put_beside(app, next, &err) == 0) {
            say_beside(app, next, skipped);
            return;
        }
        snprintf(skipped + used, sizeof skipped - used, "%sskipped %.60s: %.150s", used ? "; " : "", next->folder.name,
                 err.text);
    }
    if (app->layers.against.on) {
        layers_model_alone(&app->layers);
        app_say(app, "%s%sthis run alone", skipped, *skipped ? "; " : "");
    } else {
        app_say(app, "%s%sthere is no other run with times here to compare with", skipped, *skipped ? "; " : "");
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
    if (!app->layers.against.on)
        return "compare";
    return next_run(app, NULL) ? "next run" : "alone";
}
