/* The Tricks screen in the workbench: keys, fields, the mouse and the queue, over a run that is not there. */
#include "engine/recipe_file.h"
#include "tests/app_hands.h"
#include "tests/fake_run.h"
#include "tui/app.h"
#include "tui/keys.h"
#include "views/tricks_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/davidnet-test-XXXXXX";

struct fake {
    struct recipe recipe;
    struct run_log log;
    struct trainer_status status;
};

static void fake_status(void *self, struct trainer_status *status)
{
    *status = ((struct fake *)self)->status;
}

static void fake_pause(void *self, int paused)
{
    (void)self;
    (void)paused;
}

static void fake_stop(void *self, enum trainer_stop how)
{
    (void)self;
    (void)how;
}

static void fake_close(void *self)
{
    (void)self;
}

static const struct run_source_ops ops = {
    .status = fake_status, .pause = fake_pause, .stop = fake_stop, .close = fake_close};
static const struct run_source_ops read_only_ops = {.status = fake_status, .close = fake_close};

static struct app app;
static struct fake fake;
static struct trainer_options options;

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) && setenv("XDG_CONFIG_HOME", folder, 1) == 0 && setenv("DAVIDNET_RUNS", folder, 1) == 0 ? 0
                                                                                                                   : -1;
}

static int leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* A training run of davidnet-79, on the Tricks screen. */
static void open_app(int can_start)
{
    memset(&fake, 0, sizeof fake);
    fake_run(300, &fake.recipe, &fake.log, &fake.status);
    memset(&options, 0, sizeof options);
    options.recipe = fake.recipe;
    app_init(&app, (struct run_source){can_start ? &ops : &read_only_ops, &fake, &fake.log, &fake.recipe},
             can_start ? &options : NULL);
    app.w = 100;
    app.h = 30;
    app_go(&app, &screen_tricks);
    app_update(&app);
}

static void close_app(void)
{
    fake.status.phase = TRAINER_STOPPED;
    app_update(&app);
    app_release(&app);
    run_log_release(&fake.log);
}

static void go_knob(const char *key)
{
    int row = tricks_model_find(&app.tricks, (struct draft_place){DRAFT_KNOB, (int)(knob_find(key) - knobs)});
    assert_true(row >= 0);
    tricks_model_go(&app.tricks, row);
}

static void expect(const struct recipe *recipe, const char *key, const char *text)
{
    char now[KNOB_TEXT_MAX];
    knob_get(recipe, knob_find(key), now, sizeof now);
    assert_string_equal(now, text);
}

static void test_edit_with_keys(void **state)
{
    (void)state;
    open_app(1);
    assert_true(app_shows(&app, "Queue a run"));
    go_knob("batch");
    assert_true(app_shows(&app, "Enter edit"));
    app_press(&app, "Enter");
    assert_true(app_shows(&app, "Enter set"));
    app_type(&app, "1");
    assert_true(app_shows(&app, "expected a whole number, 2 to 16384"));
    app_press(&app, "Enter");
    assert_int_equal(app.tricks.mode, TRICKS_EDIT);
    app_type(&app, "28"); /* digits are text here, not screens; so are q and ? */
    app_press(&app, "q");
    app_press(&app, "?");
    assert_string_equal(app.tricks.edit.text, "128q?");
    assert_int_equal(app.over, APP_SCREEN);
    app_press(&app, "Backspace");
    app_press(&app, "Backspace");
    app_press(&app, "Down"); /* takes it and goes on */
    assert_int_equal(app.tricks.mode, TRICKS_BROWSE);
    expect(&app.tricks.draft.recipe, "batch", "128");
    assert_string_equal(tricks_row_name(&app.tricks, tricks_model_here(&app.tricks)), knob_find("batch")[1].key);
    app_press(&app, "u");
    expect(&app.tricks.draft.recipe, "batch", "512");
    app_press(&app, "Ctrl-R");
    expect(&app.tricks.draft.recipe, "batch", "128");
    app_press(&app, "d");
    expect(&app.tricks.draft.recipe, "batch", "512");
    app_press(&app, "Enter");
    app_press(&app, "Esc");
    expect(&app.tricks.draft.recipe, "batch", "512");

    app_press(&app, "/");
    app_type(&app, "cutout");
    assert_true(app.tricks.n_rows < 8);
    app_press(&app, "Enter");
    app_press(&app, "Esc"); /* all rows again */
    assert_true(app.tricks.n_rows > 20);
    app_press(&app, "Home");
    app_press(&app, "Down");
    app_press(&app, "Enter");
    assert_true(app_shows(&app, "Presets"));
    app_press(&app, "Home");
    app_press(&app, "Enter");
    assert_int_equal(app.tricks.mode, TRICKS_BROWSE);
    assert_string_equal(app.tricks.draft.recipe.preset, app.tricks.preset[0].name);
    app_press(&app, "t"); /* back to that of the run */
    assert_true(recipe_equal(&app.tricks.draft.recipe, &fake.recipe));
    app_press(&app, "e");
    assert_true(app_shows(&app, "Knot 2 of 3"));
    app_press(&app, "Right");
    app_press(&app, "K");
    app_press(&app, "Enter");
    expect(&app.tricks.draft.recipe, "lr_knots", "0,5.5,24");
    expect(&app.tricks.draft.recipe, "lr_values", "0,0.404,0");
    app_press(&app, "u");
    app_press(&app, "c");
    assert_string_equal(app.copy, app.tricks.command);
    close_app();
}

/* While a run trains, starting means queueing; what is queued is a copy. */
static void test_queue(void **state)
{
    (void)state;
    open_app(1);
    go_knob("epochs");
    app_press(&app, "Enter");
    app_type(&app, "3");
    app_press(&app, "Enter");
    app_press(&app, "Home");
    app_press(&app, "Enter");
    assert_int_equal(app.queue, APP_QUEUE_AFTER);
    expect(&app.queued.recipe, "epochs", "3");
    expect(&app.options.recipe, "epochs", "24"); /* what the run on screen repeats with */
    assert_true(app_shows(&app, "This recipe is queued."));
    go_knob("epochs");
    app_press(&app, "Enter");
    app_type(&app, "4");
    app_press(&app, "Enter");
    expect(&app.queued.recipe, "epochs", "3");
    app_press(&app, "Home");
    assert_true(app_shows(&app, "Queued now:"));
    app_press(&app, "g");
    expect(&app.queued.recipe, "epochs", "4");
    assert_true(app_shows(&app, "queued in place of the one that was"));
    app_press(&app, "x");
    assert_int_equal(app.queue, APP_QUEUE_NONE);
    app_press(&app, "x");
    assert_true(app_shows(&app, "nothing is queued"));

    /* A recipe that contradicts itself is not started. */
    go_knob("lr_values");
    app_press(&app, "Enter");
    app_press(&app, "Ctrl-U");
    app_type(&app, "0,1");
    app_press(&app, "Enter");
    assert_false(app.tricks.draft.valid);
    app_press(&app, "g");
    assert_int_equal(app.queue, APP_QUEUE_NONE);
    assert_true(app_shows(&app, "differ in length"));
    close_app();
}

static void set(const char *key, const char *text)
{
    go_knob(key);
    app_press(&app, "Enter");
    app_press(&app, "Ctrl-U");
    app_type(&app, text);
    app_press(&app, "Enter");
    expect(&app.tricks.draft.recipe, key, text);
}

/* With nothing in training it starts at once; what cannot start leaves everything as it is, and says why. */
static void test_start(void **state)
{
    (void)state;
    open_app(1);
    fake.status.phase = TRAINER_DONE;
    app_update(&app);
    assert_true(app_shows(&app, "Start a run"));
    set("data", "/nonexistent");
    app_press(&app, "g");
    assert_true(app.source.ops == &ops);
    assert_true(strstr(app.said, "/nonexistent") != NULL);
    assert_true(app_shows(&app, "/nonexistent"));

    set("data", "synthetic:1:64");
    set("width", "2");
    set("batch", "16");
    set("epochs", "1");
    app.options.name = "first"; /* it was the first run's */
    app_press(&app, "Home");
    app_press(&app, "Enter");
    assert_true(app.source.ops != &ops);
    assert_string_not_equal(app.queued.name ? app.queued.name : "", "first");
    expect(app.source.recipe, "width", "2");
    expect(&app.options.recipe, "width", "2");
    assert_int_equal(app.screen, 0); /* there it is to be seen */
    while (app_training(&app)) {
        app_update(&app);
        usleep(1000);
    }
    assert_int_equal(app.model.status.phase, TRAINER_DONE);
    app_go(&app, &screen_tricks);
    app_update(&app);
    assert_int_equal(tricks_model_count(&app.tricks, TRICKS_NEW), 0); /* the same as the last run */
    close_app();
}

/* What takes the place of the run that is looked at says so, and which one that was. */
static void test_the_queued_run_tells_that_it_was(void **state)
{
    (void)state;
    open_app(1);
    strcpy(fake.status.run, "looked-at");
    app_update(&app);
    set("data", "synthetic:1:64");
    set("width", "2");
    set("batch", "16");
    set("epochs", "1");
    app_press(&app, "Home");
    app_press(&app, "Enter");
    assert_int_equal(app.queue, APP_QUEUE_AFTER);
    fake.status.phase = TRAINER_DONE;
    app_update(&app);
    assert_true(app.source.ops != &ops);
    app_go(&app, &screen_run);
    assert_true(app_shows(&app, "this run was queued; the one before it, looked-at, is on the Runs screen"));
    close_app();
}

static void test_read_only(void **state)
{
    (void)state;
    open_app(0);
    assert_true(app_shows(&app, "The next run"));
    assert_true(app_shows(&app, "can not be started from here"));
    app_press(&app, "g");
    app_press(&app, "Enter");
    assert_int_equal(app.queue, APP_QUEUE_NONE);
    go_knob("batch");
    app_press(&app, "Enter");
    app_type(&app, "64");
    app_press(&app, "Enter");
    app_press(&app, "w"); /* but written */
    app_type(&app, "mine");
    app_press(&app, "Enter");
    assert_true(app_shows(&app, "davidnet train --preset mine"));
    struct recipe *recipe = malloc(sizeof *recipe);
    assert_int_equal(recipe_preset_load("mine", recipe, NULL, NULL), 0);
    expect(recipe, "batch", "64");
    free(recipe);
    close_app();
}

static void set_batch(const char *text)
{
    app_go(&app, &screen_tricks);
    go_knob("batch");
    app_press(&app, "Enter");
    app_type(&app, text);
    app_press(&app, "Enter");
    expect(&app.tricks.draft.recipe, "batch", text);
}

/* What nothing but the form has is not lost without a question. */
static void test_quitting_with_a_changed_recipe(void **state)
{
    (void)state;
    open_app(1);
    fake.status.phase = TRAINER_DONE;
    app_update(&app);
    set_batch("64");
    app_go(&app, &screen_run);
    app_press(&app, "q");
    assert_true(app_shows(&app, "Quit?") && strstr(app.asked, "neither started nor written"));
    app_press(&app, "n");
    assert_false(app.quit);
    app_press(&app, "q");
    app_press(&app, "t");
    assert_int_equal(app.screen, 3);
    assert_false(app.quit);
    app_interrupt(&app); /* Ctrl-C asks as well, once */
    assert_true(app_shows(&app, "Quit?") && !app.quit);
    app_interrupt(&app);
    assert_true(app.quit && app_only_here(&app)); /* and its command is printed */
    close_app();

    open_app(1); /* undone, it is as it was */
    fake.status.phase = TRAINER_DONE;
    app_update(&app);
    set_batch("64");
    app_press(&app, "u");
    app_press(&app, "q");
    assert_true(app.quit && !app_only_here(&app));
    close_app();
}

static void test_quitting_with_a_recipe_that_is_elsewhere(void **state)
{
    (void)state;
    open_app(1); /* training: queued, it is the queue's */
    set_batch("64");
    assert_true(app_only_here(&app));
    app_press(&app, "g");
    assert_int_equal(app.queue, APP_QUEUE_AFTER);
    assert_false(app_only_here(&app));
    app_press(&app, "q");
    assert_true(strstr(app.asked, "The queued run is dropped") && !strstr(app.asked, "changed recipe"));
    app_press(&app, "n");
    app_press(&app, "x"); /* taken back */
    assert_true(app_only_here(&app));
    app_press(&app, "q");
    assert_true(strstr(app.asked, "changed recipe on the Tricks screen is dropped") != NULL);
    app_press(&app, "n");
    app_press(&app, "w"); /* written */
    app_type(&app, "kept");
    app_press(&app, "Enter");
    assert_false(app_only_here(&app));
    set_batch("65");
    assert_true(app_only_here(&app));
    close_app();
}

static void test_mouse(void **state)
{
    (void)state;
    open_app(1);
    struct tricks_layout layout;
    tricks_layout_make(&app.tricks, app_area(&app), &layout);
    int row = tricks_model_find(&app.tricks, (struct draft_place){DRAFT_TRICK, 0});
    int on = trick_is_on(&tricks[0], &app.tricks.draft.recipe);
    struct mouse event = {.what = MOUSE_PRESS, .x = layout.list.x + 5, .y = layout.list.y + row - layout.top};
    app_mouse(&app, &event);
    assert_int_equal(app.tricks.cursor, row);
    assert_int_equal(trick_is_on(&tricks[0], &app.tricks.draft.recipe), on);
    event.twice = 1;
    app_mouse(&app, &event);
    assert_int_equal(trick_is_on(&tricks[0], &app.tricks.draft.recipe), !on);
    event = (struct mouse){.what = MOUSE_WHEEL_DOWN, .x = event.x, .y = event.y};
    app_mouse(&app, &event);
    assert_true(app.tricks.cursor > row);
    close_app();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit_with_keys),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_the_queued_run_tells_that_it_was),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_quitting_with_a_changed_recipe),
        cmocka_unit_test(test_quitting_with_a_recipe_that_is_elsewhere),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
