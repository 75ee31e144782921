/* The Runs screen's keys over real folders: marks, text typed in place, renaming, the trash, opening; the mouse. */
#include "engine/files.h"
#include "engine/run_move.h"
#include "tests/app_hands.h"
#include "tests/fake_folder.h"
#include "tui/app_internal.h"
#include "views/runs_view.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char parent[64];
static struct app app;

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    if (!mkdtemp(parent) || setenv("DAVIDNET_RUNS", parent, 1))
        return -1;
    app_init(&app, (struct run_source){0}, NULL);
    app.w = 100;
    app.h = 30;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct error err;
    app_release(&app);
    return folder_remove(parent, &err);
}

static void settle(void)
{
    for (app_update(&app); runs_watch_reading(&app); app_update(&app))
        poll(NULL, 0, 2);
}

static void press(const char *key)
{
    app_press(&app, key);
    settle();
}

static int exists(const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", parent, name);
    return stat(path, &st) == 0;
}

/* a and b have reached their target, c was stopped. */
static void make_three(void)
{
    static const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        struct fake_folder fake = {.name = names[i],
                                   .preset = "quick",
                                   .seed = i,
                                   .epochs = i == 2 ? 7 : 24,
                                   .best = 94.2 + i,
                                   .epoch_seconds = 10,
                                   .end = i == 2 ? RUN_END_STOPPED : RUN_END_DONE,
                                   .host = "here"};
        fake_folder_make(parent, &fake);
    }
    app_go(&app, &screen_runs);
    settle();
    runs_model_sort(&app.runs, RUNS_NAME, 0);
    runs_model_select(&app.runs, 0);
}

static const char *selected(void)
{
    const struct run_entry *entry = runs_model_selected(&app.runs);
    return entry ? entry->folder.name : "";
}

static void test_empty(void **state)
{
    (void)state;
    app_go(&app, &screen_runs);
    settle();
    assert_true(app_shows(&app, "No runs yet"));
    press("Enter");
    press("D");
    press("t");
    press("Space");
    press("d");
    assert_true(app_shows(&app, "No runs yet"));
    press("R");
    assert_true(app_shows(&app, "no run can be started from here")); /* the help names the key: so it says why not */
}

static void test_open_and_overlay(void **state)
{
    (void)state;
    make_three();
    press("Space"); /* goes on to the next */
    assert_string_equal(selected(), "b");
    press("Space");
    press("Enter");
    assert_string_equal(app.model.status.run, "c");
    assert_int_equal(app.model.n_overlays, 2);
    assert_string_equal(app.model.overlay[0].entry->folder.name, "a");
    assert_int_equal(app.model.overlay[1].letter, 'b');
    assert_true(app_shows(&app, "Learning rate"));
    app_go(&app, &screen_runs);
    press("Up");
    press("Enter"); /* b itself now: its own curves are there already */
    assert_string_equal(app.model.status.run, "b");
    assert_int_equal(app.model.n_overlays, 1);
    app_go(&app, &screen_runs);
    press("c");
    assert_int_equal(app.model.n_overlays, 0);
}

static void test_tags_and_note(void **state)
{
    (void)state;
    struct run_folder folder;
    struct run_label label;
    struct error err;
    make_three();
    press("Down");
    press("t");
    app_type(&app, "q?s bad/tag"); /* keys that mean something else are text here */
    press("Enter");
    assert_true(!app_shows(&app, "? help") && !app_shows(&app, ": menu")); /* these would be text */
    assert_int_equal(app.runs.editing, RUNS_EDIT_TAGS);                    /* refused: it stays, to be mended */
    assert_true(app_shows(&app, "tag 'q?s': it is made of"));
    press("Ctrl-U");
    app_type(&app, "fast slow");
    press("Enter");
    press("i");
    app_type(&app, "good one");
    press("Enter");
    assert_true(app_shows(&app, "fast slow") && app_shows(&app, "good one"));
    press("i");
    app_type(&app, " or not");
    press("Esc");
    assert_int_equal(run_folder_find(&folder, "b", &err), 0);
    assert_int_equal(run_label_read(&folder, &label, &err), 0);
    assert_string_equal(label.note, "good one");
    assert_int_equal(label.n_tags, 2);
    press("/");
    app_type(&app, "slow");
    assert_int_equal(app.runs.n_rows, 1);
    press("Enter");
    assert_int_equal(app.runs.n_rows, 1);
    press("Esc");
    assert_int_equal(app.runs.n_rows, 3);
    assert_string_equal(selected(), "b");
}

static void test_rename(void **state)
{
    (void)state;
    make_three();
    press("Space");
    press("Up");
    press("Enter"); /* the run on the Run screen is renamed as well */
    app_go(&app, &screen_runs);
    press("r");
    press("Ctrl-U");
    app_type(&app, "b");
    press("Enter");
    assert_true(app_shows(&app, "already"));
    press("Ctrl-U");
    app_type(&app, "first");
    press("Enter");
    assert_true(exists("first") && !exists("a"));
    assert_string_equal(selected(), "first");
    assert_int_equal(runs_model_mark(&app.runs, runs_model_selected(&app.runs)), 0);
    assert_string_equal(app.model.status.run, "first");
}

static void test_trash_and_undo(void **state)
{
    (void)state;
    make_three();
    press("Enter");
    app_go(&app, &screen_runs);
    press("D");
    assert_true(exists(".trash/a") && !exists("a"));
    assert_string_equal(app.model.status.run, ""); /* it was on the Run screen */
    assert_string_equal(selected(), "b");
    assert_true(app_shows(&app, "u brings it back"));
    press("u");
    assert_true(exists("a"));
    assert_string_equal(selected(), "a");
    press("u"); /* once */
    assert_true(app_shows(&app, "nothing was thrown away that could be brought back"));
    assert_int_equal(app.runs.n_entries, 3);
}

static void test_differences(void **state)
{
    (void)state;
    make_three();
    press("Space");
    press("Space");
    press("d");
    assert_true(app_shows(&app, "What differs") && app_shows(&app, "seed"));
    press("Esc");
    assert_false(app.runs.comparing);
    press("d");
    assert_true(app.runs.comparing);
    press("d");
    assert_false(app.runs.comparing);
}

static struct run_label label_of(const char *name)
{
    struct run_folder folder;
    struct run_label label;
    struct error err;
    assert_int_equal(run_folder_find(&folder, name, &err), 0);
    assert_true(run_label_read(&folder, &label, &err) >= 0);
    return label;
}

/* What is typed goes to the run that it was begun for, or nowhere. */
static void test_typing_is_for_one_run(void **state)
{
    (void)state;
    struct error err = {""};
    struct run_folder folder;
    struct rect area = app_area(&app);
    make_three();
    press("Down");
    press("i");
    app_type(&app, "of b");
    struct mouse wheel = {.what = MOUSE_WHEEL_DOWN, .x = 10, .y = area.y + 2};
    app_mouse(&app, &wheel);
    for (int x = 0; x < area.w; x++) /* the headings, all of them */
        app_mouse(&app, &(struct mouse){.what = MOUSE_PRESS, .x = x, .y = area.y + 1});
    assert_int_equal(app.runs.sort, RUNS_NAME);
    assert_string_equal(selected(), "b");
    press("Enter");
    assert_string_equal(label_of("b").note, "of b");

    press("t");
    app_type(&app, "tag-of-b");
    assert_int_equal(run_folder_find(&folder, "b", &err), 0);
    assert_int_equal(run_trash(&folder, &err), 0);
    runs_watch_refresh(&app);
    settle();
    assert_true(app_shows(&app, "b is not in the list any more"));
    press("Enter"); /* opens the run that is selected now */
    assert_int_equal(label_of("a").n_tags + label_of("c").n_tags, 0);
}

/* Where it cannot start, the screen and the run that is looked at stay. */
static void test_a_start_that_fails(void **state)
{
    (void)state;
    struct trainer_options options;
    char nowhere[128];
    memset(&options, 0, sizeof options);
    make_three();
    options.recipe = runs_model_selected(&app.runs)->recipe;
    snprintf(nowhere, sizeof nowhere, "%s/a/recipe.ini/runs", parent); /* a file is in the way */
    options.parent = nowhere;
    app.options = options;
    app.can_start = 1;
    press("End");
    press("Enter");
    assert_string_equal(app.model.status.run, "c");
    unsigned before = app.run_number;
    app_go(&app, &screen_runs);
    press("n");
    assert_true(app.said[0] && app_shows(&app, "Runs"));
    assert_int_equal(app.run_number, before);
    assert_ptr_equal(app_current(&app), &screen_runs);
    struct run_folder folder;
    struct error err;
    assert_int_equal(run_folder_find(&folder, "c", &err), 0);
    int lock;
    assert_int_equal(run_folder_lock(&folder, &lock, &err), 0); /* somebody else goes on with it */
    app_key(&app, 'R');
    run_folder_unlock(&lock);
    settle();
    assert_true(app.said[0]);
    assert_ptr_equal(app_current(&app), &screen_runs);
    assert_string_equal(app.model.status.run, "c");
    assert_non_null(app.source.ops);
    assert_int_not_equal(app.run_number, before); /* it was closed: nothing borrowed from it may be used */
}

/* The list is taken in wherever one looks, or the loop would not sleep again. */
static void test_list_is_taken_on_every_screen(void **state)
{
    (void)state;
    make_three();
    runs_watch_refresh(&app);
    app_go(&app, &screen_tricks);
    settle();
    assert_false(runs_watch_reading(&app));
}

static void click(int x, int y, int twice)
{
    struct mouse event = {.what = MOUSE_PRESS, .x = x, .y = y, .twice = twice};
    app_mouse(&app, &event);
    settle();
}

static void test_mouse(void **state)
{
    (void)state;
    enum runs_column column;
    make_three();
    struct rect area = app_area(&app);
    for (int y = area.y; y < area.y + area.h; y++)
        if (runs_view_find(&app.runs, area, 10, y, NULL) == 2)
            click(10, y, 0);
    assert_string_equal(selected(), "c");
    for (int x = 0; x < area.w; x++) {
        runs_view_find(&app.runs, area, x, area.y + 1, &column);
        if (column == RUNS_BEST) {
            click(x, area.y + 1, 0);
            break;
        }
    }
    assert_int_equal(app.runs.sort, RUNS_BEST);
    assert_true(app.runs.descending);
    int y = area.y + 2;
    assert_int_equal(runs_view_find(&app.runs, area, 10, y, NULL), 0);
    click(10, y, 1);
    assert_string_equal(app.model.status.run, "b"); /* the best, opened */
}

/* A run that trains in this process: it can be looked at and marked, not moved. */
static void status_of_a(void *self, struct trainer_status *status)
{
    *status = *(struct trainer_status *)self;
}

static void do_nothing(void *self, enum trainer_stop how)
{
    (void)how;
    ((struct trainer_status *)self)->phase = TRAINER_STOPPED;
}

static void close_nothing(void *self)
{
    (void)self;
}

static void test_training(void **state)
{
    (void)state;
    static const struct run_source_ops ops = {.status = status_of_a, .stop = do_nothing, .close = close_nothing};
    static struct trainer_status training;
    static struct run_log log;
    static struct recipe recipe;
    struct error err;
    make_three();
    memset(&training, 0, sizeof training);
    training.phase = TRAINER_TRAINING;
    snprintf(training.run, sizeof training.run, "a");
    snprintf(training.path, sizeof training.path, "%s", runs_model_selected(&app.runs)->folder.path);
    recipe = runs_model_selected(&app.runs)->recipe;
    assert_int_equal(run_log_open(&log, NULL, &err), 0);
    app.source = (struct run_source){&ops, &training, &log, &recipe};
    run_model_start(&app.model, &recipe);
    settle();
    press("D");
    assert_true(exists("a") && app_shows(&app, "is training"));
    press("r");
    assert_int_equal(app.runs.editing, RUNS_EDIT_NONE);
    press("Down");
    press("Enter");
    assert_string_equal(app.model.status.run, "a"); /* it trains on; another cannot take its place */
    assert_true(app_shows(&app, "Space"));
    press("D"); /* the others can go */
    assert_true(exists(".trash/b"));
}

/* No screen's key takes the place of one that works everywhere. */
static void test_keys_are_not_shadowed(void **state)
{
    (void)state;
    for (int i = 0; app_screens[i]; i++)
        for (const struct binding *mine = app_screens[i]->keys; mine->key; mine++)
            for (const struct binding *all = app_everywhere; all->key; all++) {
                const char *const here[] = {mine->key, mine->also}, *const there[] = {all->key, all->also};
                if (all->enabled && !all->enabled(&app))
                    continue; /* only where something is over the screen, whose keys rest then */
                for (int k = 0; k < 4; k++)
                    if (here[k / 2] && there[k % 2] && *here[k / 2] &&
                        keys_parse(here[k / 2]) == keys_parse(there[k % 2]))
                        fail_msg("%s: %s is everywhere's", app_screens[i]->title, here[k / 2]);
            }
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_empty),
        EACH(test_open_and_overlay),
        EACH(test_tags_and_note),
        EACH(test_rename),
        EACH(test_trash_and_undo),
        EACH(test_differences),
        EACH(test_mouse),
        EACH(test_training),
        EACH(test_keys_are_not_shadowed),
        EACH(test_typing_is_for_one_run),
        EACH(test_a_start_that_fails),
        EACH(test_list_is_taken_on_every_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
