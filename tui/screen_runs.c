/* The Runs screen: its keys. What it looks like is views/runs_view.c; where the runs come from, tui/runs_watch.c. */
#include "engine/run_move.h"
#include "tui/app.h"
#include "views/runs_view.h"

#include <stdio.h>
#include <string.h>

#define LOOK_SECONDS 2 /* between looks at the folders */

static const struct run_entry *selected(const struct app *app)
{
    return runs_model_selected(&app->runs);
}

static int is_typing(const struct app *app)
{
    return app->runs.editing != RUNS_EDIT_NONE;
}

static int has_selected(const struct app *app)
{
    return selected(app) != NULL && !is_typing(app);
}

static int has_runs(const struct app *app)
{
    return app->runs.n_entries > 0 && !is_typing(app);
}

/* ---- moving about ---- */

static int page(const struct app *app)
{
    struct runs_layout layout;
    runs_layout_make(app_area(app), app->runs.n_entries, &layout);
    return layout.table.h > 2 ? layout.table.h - 2 : 1;
}

static void move_by(struct app *app, int by)
{
    runs_model_select(&app->runs, app->runs.selected + by);
}

static void do_up(struct app *app)
{
    move_by(app, -1);
}

static void do_down(struct app *app)
{
    move_by(app, 1);
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
    runs_model_select(&app->runs, 0);
}

static void do_last(struct app *app)
{
    runs_model_select(&app->runs, app->runs.n_rows - 1);
}

/* ---- what is shown ---- */

static void sort_by(struct app *app, enum runs_column column)
{
    int same = column == app->runs.sort;
    runs_model_sort(&app->runs, column, same ? !app->runs.descending : runs_column_descends(column));
    app_say(app, "sorted by %s, %s", runs_column_title(column), app->runs.descending ? "descending" : "ascending");
}

static void do_sort(struct app *app)
{
    sort_by(app, (enum runs_column)((app->runs.sort + 1) % RUNS_COLUMNS));
}

static void do_reverse(struct app *app)
{
    sort_by(app, app->runs.sort);
}

static void do_mark(struct app *app)
{
    if (runs_model_toggle_mark(&app->runs))
        app_say(app, "%d runs are marked, as many as can be told apart: c takes the marks away", RUNS_MARKS_MAX);
    else
        move_by(app, 1);
    runs_watch_overlays(app);
}

static int has_marks(const struct app *app)
{
    const struct run_entry *marked[RUNS_MARKS_MAX];
    return runs_model_marked(&app->runs, marked) > 0 && !is_typing(app);
}

static void do_clear_marks(struct app *app)
{
    runs_model_clear_marks(&app->runs);
    runs_watch_overlays(app);
}

static void do_compare(struct app *app)
{
    app->runs.comparing = !app->runs.comparing;
    runs_model_compare(&app->runs);
}

static const char *compare_label(const struct app *app)
{
    return app->runs.comparing ? "list" : "differences";
}

/* Closes what is open, one after the other: differences, then the filter. */
static int has_something_open(const struct app *app)
{
    return (app->runs.comparing || app->runs.filter[0] != '\0') && !is_typing(app);
}

static void do_close(struct app *app)
{
    if (app->runs.comparing)
        do_compare(app);
    else
        runs_model_filter(&app->runs, "");
}

/* ---- typing ---- */

static void begin(struct app *app, enum runs_edit what, const char *text)
{
    app->runs.comparing = 0;
    app->runs.editing = what;
    app->runs.edited[0] = '\0';
    if (what != RUNS_EDIT_FILTER)
        snprintf(app->runs.edited, sizeof app->runs.edited, "%s", selected(app)->folder.path);
    line_edit_set(&app->runs.edit, text);
}

static void do_filter(struct app *app)
{
    begin(app, RUNS_EDIT_FILTER, app->runs.filter);
}

static void do_tags(struct app *app)
{
    char tags[RUN_TAGS_TEXT_MAX];
    begin(app, RUNS_EDIT_TAGS, run_label_tags(&selected(app)->label, tags, sizeof tags));
}

static void do_note(struct app *app)
{
    const struct run_label *label = &selected(app)->label;
    if (strlen(label->note) >= LINE_EDIT_MAX)
        app_say(app, "this note is longer than can be typed here: davidnet note");
    else
        begin(app, RUNS_EDIT_NOTE, label->note);
}

/* 1: this process trains it, and that is said. */
static int is_training(struct app *app, const struct run_entry *entry, const char *what)
{
    int here = app_training(app) && strcmp(app->model.status.path, entry->folder.path) == 0;
    if (here)
        app_say(app, "%s is training: stop it before it is %s", entry->folder.name, what);
    return here;
}

static void do_rename(struct app *app)
{
    if (!is_training(app, selected(app), "renamed"))
        begin(app, RUNS_EDIT_NAME, selected(app)->folder.name);
}

/* The run on the Run screen has ended, but its trainer holds the folder: lets go of it. 1: it was that run. */
static int let_go(struct app *app, const char *path)
{
    if (strcmp(app->model.status.path, path) != 0)
        return 0;
    app_close_run(app);
    return 1;
}

static int write_label(struct app *app, const struct run_folder *folder, const char *text, struct error *err)
{
    struct run_label label;
    if (run_label_read(folder, &label, err) < 0)
        return -1;
    int rc = app->runs.editing == RUNS_EDIT_TAGS ? run_label_set_tags(&label, text, err)
                                                 : run_label_set_note(&label, text, err);
    return rc < 0 ? -1 : run_label_write_unsynced(folder, &label, err);
}

static int rename_run(struct app *app, struct run_folder *folder, const char *name, struct error *err)
{
    struct error lost = {""};
    char from[RUN_PATH_MAX];
    if (strcmp(name, folder->name) == 0)
        return 0;
    snprintf(from, sizeof from, "%s", folder->path);
    int open = let_go(app, from);
    int rc = run_rename(folder, name, err);
    if (rc == 0)
        runs_model_moved(&app->runs, from, folder->path);
    if (open && app_open_run(app, folder->path, &lost) && rc == 0)
        app_say(app, "%s", lost.text);
    return rc;
}

/* The run that typing began for has gone, or is filtered out now: what is typed must not go to another one. */
static void drop_orphan(struct app *app)
{
    const struct run_entry *entry = selected(app);
    const char *edited = app->runs.edited, *slash = strrchr(edited, '/');
    if (!is_typing(app) || app->runs.editing == RUNS_EDIT_FILTER || (entry && strcmp(entry->folder.path, edited) == 0))
        return;
    app->runs.editing = RUNS_EDIT_NONE;
    app_say(app, "%s is not in the list any more: nothing is written", slash ? slash + 1 : edited);
}

static void commit(struct app *app)
{
    struct error err = {""};
    int rc = 0;
    drop_orphan(app);
    enum runs_edit what = app->runs.editing;
    if (what == RUNS_EDIT_FILTER)
        app->runs.editing = RUNS_EDIT_NONE;
    const struct run_entry *entry = selected(app);
    if (!is_typing(app) || !entry)
        return;
    struct run_folder folder = entry->folder;
    if (what == RUNS_EDIT_NAME)
        rc = rename_run(app, &folder, app->runs.edit.text, &err);
    else
        rc = write_label(app, &folder, app->runs.edit.text, &err);
    if (rc < 0)
        app_say(app, "%s", err.text); /* and it stays open, to be mended */
    else
        app->runs.editing = RUNS_EDIT_NONE;
    runs_watch_refresh(app);
}

static void cancel(struct app *app)
{
    if (app->runs.editing == RUNS_EDIT_FILTER)
        runs_model_filter(&app->runs, "");
    app->runs.editing = RUNS_EDIT_NONE;
}

static int typed(struct app *app, int key)
{
    struct runs_model *runs = &app->runs;
    if (runs->editing == RUNS_EDIT_NONE)
        return 0;
    if (key == KEYS_ENTER) {
        commit(app);
    } else if (key == KEYS_ESC) {
        cancel(app);
    } else if (runs->editing == RUNS_EDIT_FILTER && (key == KEYS_UP || key == KEYS_DOWN)) {
        move_by(app, key == KEYS_UP ? -1 : 1);
    } else if (keys_edit(&runs->edit, key) && runs->editing == RUNS_EDIT_FILTER) {
        runs_model_filter(runs, runs->edit.text);
    }
    return 1;
}

/* ---- runs ---- */

/* While ours trains, there is only that one to go to. */
static int can_open(const struct app *app)
{
    return has_selected(app) && (!app_training(app) || strcmp(selected(app)->folder.path, app->model.status.path) == 0);
}

static void do_open(struct app *app)
{
    struct error err = {""};
    const struct run_entry *entry = selected(app);
    if (strcmp(entry->folder.path, app->model.status.path) != 0 && app_open_run(app, entry->folder.path, &err)) {
        app_say(app, app_training(app) ? "a run is training; Space puts this one's curves behind it" : "%s", err.text);
        return;
    }
    app_go(app, &screen_run);
}

static void do_trash(struct app *app)
{
    struct error err = {""};
    struct run_folder folder = selected(app)->folder;
    if (is_training(app, selected(app), "thrown away"))
        return;
    int open = let_go(app, folder.path);
    if (run_trash(&folder, &err)) {
        app_say(app, "%s", err.text);
        if (open)
            app_open_run(app, folder.path, &err);
        return;
    }
    snprintf(app->trashed, sizeof app->trashed, "%s", folder.path);
    app_say(app, "%s is in the trash: u brings it back", selected(app)->folder.name);
    runs_watch_refresh(app);
}

static int can_undo(const struct app *app)
{
    return app->trashed[0] != '\0' && !is_typing(app);
}

static void do_undo(struct app *app)
{
    struct error err = {""};
    struct run_folder folder;
    const char *slash = strrchr(app->trashed, '/');
    snprintf(folder.path, sizeof folder.path, "%s", app->trashed);
    snprintf(folder.name, sizeof folder.name, "%.127s", slash ? slash + 1 : "");
    if (run_restore(&folder, &err)) {
        app_say(app, "%s", err.text);
        return;
    }
    app->trashed[0] = '\0';
    runs_model_select_path(&app->runs, folder.path);
    app_say(app, "%s is back", folder.name);
    runs_watch_refresh(app);
}

static int can_start(const struct app *app)
{
    return app->can_start && app_idle(app) && !is_typing(app);
}

static void do_start(struct app *app)
{
    app->options.name = app->options.resume = NULL;
    if (app_start_run(app, &app->options) == 0)
        app_go(app, &screen_run);
}

static int can_resume(const struct app *app)
{
    const struct run_entry *entry = selected(app);
    if (!can_start(app) || entry == NULL)
        return 0;
    const char *state = runs_state(entry); /* what diverged would do so again */
    return strcmp(state, "stopped") == 0 || strcmp(state, "crashed") == 0 ||
           (strcmp(state, "failed") == 0 && !entry->summary.diverged);
}

static void do_resume(struct app *app)
{
    if (app_resume_run(app, selected(app)->folder.path) == 0)
        app_go(app, &screen_run);
}

static const char *why(const struct app *app, const char *key)
{
    const struct run_entry *entry = selected(app);
    int resume = strcmp(key, "R") == 0;
    if (is_typing(app))
        return NULL;
    if (resume || strcmp(key, "n") == 0)
        return app_training(app) ? "a run is training: stop it first (x on the Run screen), or queue one (Tricks)"
               : !app->can_start ? "no run can be started from here"
               : !resume         ? NULL
               : !entry          ? "there is no run to go on with"
                        : "only a run that was stopped, crashed or failed, and did not diverge, can be gone on with";
    if (strcmp(key, "Enter") == 0 && entry)
        return "a run is training; Space puts this one's curves behind it";
    return strcmp(key, "u") == 0 ? "nothing was thrown away that could be brought back" : NULL;
}

static const struct binding runs_keys[] = {
    {"Enter", NULL, "open", "Show the run on the Run screen", can_open, NULL, do_open},
    {"Space", NULL, "mark", "Mark it: its curve goes behind the run's, a letter each", has_selected, NULL, do_mark},
    {"/", NULL, "filter", "Only runs with these words in name, preset, tags, tricks, state or note", has_runs, NULL,
     do_filter},
    {"s", NULL, "sort", "Sort by the next column", has_runs, NULL, do_sort},
    {"S", NULL, NULL, "Sort the other way round", has_runs, NULL, do_reverse},
    {"d", NULL, "differences", "What differs: between the marked runs, or from the preset", has_runs, compare_label,
     do_compare},
    {"t", NULL, "tags", "Change the run's tags", has_selected, NULL, do_tags},
    {"i", NULL, "note", "Change the run's note", has_selected, NULL, do_note},
    {"r", NULL, "rename", "Rename the run", has_selected, NULL, do_rename},
    {"D", "Delete", "trash", "Move the run to the trash", has_selected, NULL, do_trash},
    {"u", NULL, "undo", "Bring back the run that was thrown away last", can_undo, NULL, do_undo},
    {"c", NULL, NULL, "Take all marks away", has_marks, NULL, do_clear_marks},
    {"n", NULL, "new run", "Start a new run", can_start, NULL, do_start},
    {"R", NULL, "resume", "Go on with a run that was stopped, crashed or failed", can_resume, NULL, do_resume},
    {"Esc", NULL, NULL, "Back to the list; then to all runs", has_something_open, NULL, do_close},
    {"Up", "k", NULL, "The run above", has_selected, NULL, do_up},
    {"Down", "j", NULL, "The run below", has_selected, NULL, do_down},
    {"PgUp", NULL, NULL, "A page up", has_selected, NULL, do_page_up},
    {"PgDn", NULL, NULL, "A page down", has_selected, NULL, do_page_down},
    {"Home", "g", NULL, "The first run", has_selected, NULL, do_first},
    {"End", "G", NULL, "The last run", has_selected, NULL, do_last},
    {"Enter", NULL, "keep", "While typing: keep the text", is_typing, NULL, commit},
    {"Esc", NULL, "cancel", "While typing: leave it as it was", is_typing, NULL, cancel},
    {0},
};

static void mouse(struct app *app, const struct mouse *event, struct rect area)
{
    enum runs_column column;
    if (is_typing(app)) /* it is for the run that was selected when it began */
        return;
    if (event->what != MOUSE_PRESS) {
        move_by(app, event->what == MOUSE_WHEEL_UP ? -3 : 3);
        return;
    }
    int row = runs_view_find(&app->runs, area, event->x, event->y, &column);
    if (column != RUNS_COLUMNS)
        sort_by(app, column);
    if (row < 0)
        return;
    runs_model_select(&app->runs, row);
    if (event->twice)
        do_open(app);
}

static void enter(struct app *app)
{
    runs_watch_update(app, 1, 0);
    runs_watch_refresh(app);
    if (!selected(app) || !app->runs.selected_path[0])
        runs_model_select_path(&app->runs, app->model.status.path);
}

static void update(struct app *app)
{
    runs_watch_update(app, 1, LOOK_SECONDS);
    drop_orphan(app);
}

static void draw(const struct app *app, struct grid *grid, struct rect area)
{
    runs_view_draw(&app->runs, grid, area);
}

const struct screen screen_runs = {
    .title = "Runs",
    .intro = "What was trained here. Marked runs have a letter and a colour: their curves are drawn behind the run on "
             "the Run screen, and d shows only what differs between their recipes.",
    .keys = runs_keys,
    .draw = draw,
    .enter = enter,
    .update = update,
    .typed = typed,
    .typing = is_typing,
    .why = why,
    .mouse = mouse,
    .release = runs_watch_release,
};
