/* The workbench without a terminal: keys, dialogs and scripts over a run that is not there. */
#include "tests/app_hands.h"
#include "tests/fake_run.h"
#include "tui/app.h"
#include "tui/guide.h"
#include "tui/keys.h"
#include "tui/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fake {
    struct recipe recipe;
    struct run_log log;
    struct trainer_status status;
    int paused, closed;
    enum trainer_stop stopped;
};

static void fake_status(void *self, struct trainer_status *status)
{
    *status = ((struct fake *)self)->status;
}

static void fake_pause(void *self, int paused)
{
    ((struct fake *)self)->paused = paused;
}

static void fake_stop(void *self, enum trainer_stop how)
{
    ((struct fake *)self)->stopped = how;
}

static void fake_close(void *self)
{
    ((struct fake *)self)->closed = 1;
}

static const struct run_source_ops fake_ops = {
    .status = fake_status, .pause = fake_pause, .stop = fake_stop, .close = fake_close};
static const struct run_source_ops read_only_ops = {.status = fake_status, .close = fake_close};

static void open_app(struct app *app, struct fake *fake, const struct run_source_ops *ops)
{
    memset(fake, 0, sizeof *fake);
    fake_run(300, &fake->recipe, &fake->log, &fake->status);
    app_init(app, (struct run_source){ops, fake, &fake->log, &fake->recipe}, NULL);
    app->w = 100;
    app->h = 30;
}

static void close_app(struct app *app, struct fake *fake)
{
    app_release(app);
    assert_int_equal(fake->closed, 1);
    run_log_release(&fake->log);
}

static void test_key_names(void **state)
{
    (void)state;
    static const char *const names[] = {"p",  "?",    "Ctrl-L", "Tab",      "S-Tab", "Enter", "Esc",
                                        "F1", "PgDn", "Space",  "\xC3\xA9", "Up",    "+",     "Ctrl-Z"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char out[16];
        assert_int_not_equal(keys_parse(names[i]), KEYS_NONE);
        assert_string_equal(keys_name(keys_parse(names[i]), out, sizeof out), names[i]);
    }
    assert_int_equal(keys_parse(""), KEYS_NONE);
    assert_int_equal(keys_parse("pp"), KEYS_NONE);
    assert_int_equal(keys_parse("Ctrl-"), KEYS_NONE);
    assert_int_equal(keys_parse("\xFF"), KEYS_NONE);
}

static void test_a_long_message_ends_with_a_whole_character(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    char text[2 * sizeof app.said + 1] = "";
    for (size_t i = 0; i < sizeof app.said; i++)
        strcat(text, "\xC3\xA9");
    open_app(&app, &fake, &fake_ops);
    app_say(&app, "%s", text);
    assert_int_equal(strlen(app.said), sizeof app.said - 2);
    assert_string_equal(app.said + sizeof app.said - 2 - 4, " ..."); /* and says that there was more */
    close_app(&app, &fake);
}

/* Saving may take longer than a message stays: that begins when it can be seen. */
static void test_a_message_outlasts_what_it_is_of(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app_update(&app);
    app_say(&app, "it is saved");
    app.now += 60;
    app_update(&app);
    assert_true(app_shows(&app, "it is saved"));
    app.now += 60;
    app_update(&app);
    assert_false(app_shows(&app, "it is saved"));
    close_app(&app, &fake);
}

static void test_pause_and_stop(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    assert_true(app_shows(&app, "p pause"));
    app_press(&app, "p");
    assert_int_equal(fake.paused, 1);
    assert_true(app_shows(&app, "p go on"));
    app_press(&app, "Space");
    assert_int_equal(fake.paused, 0);
    app_press(&app, "x");
    assert_true(app_shows(&app, "Stop the run?"));
    app_press(&app, "Esc");
    app_press(&app, "x");
    app_press(&app, "n"); /* no, as in every question */
    assert_int_equal(fake.stopped, TRAINER_STOP_NONE);
    app_press(&app, "p");
    app_press(&app, "x");
    app_press(&app, "e");
    assert_int_equal(fake.stopped, TRAINER_STOP_EPOCH);
    assert_int_equal(fake.paused, 0); /* a paused run would not get there */
    app_press(&app, "x");
    app_press(&app, "y");
    assert_int_equal(fake.stopped, TRAINER_STOP_NOW);
    close_app(&app, &fake);
}

/* CIFAR-10 is offered where there is none: synthetic images may be what was asked for. */
static void test_fetch_is_offered_where_there_is_nothing(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        struct app app;
        struct fake fake;
        setenv("DAVIDNET_DATA", there ? "/some/cifar-10" : "synthetic", 1);
        open_app(&app, &fake, &fake_ops);
        fake.status.data_is_synthetic = 1;
        app_update(&app);
        assert_true(app_shows(&app, "synthetic images, not CIFAR-10"));
        assert_int_equal(app_shows(&app, "f fetch CIFAR-10"), !there);
        assert_int_equal(app_shows(&app, "f fetches it"), !there);
        close_app(&app, &fake);

        open_app(&app, &fake, &fake_ops);
        fake.status.phase = TRAINER_LOADING;
        fake.status.data[0] = '\0';
        app_update(&app);
        app_press(&app, "f");
        assert_int_equal(app_shows(&app, "CIFAR-10 is there already"), there);
        assert_int_equal(app_shows(&app, "data is being loaded"), !there);
        close_app(&app, &fake);
    }
    unsetenv("DAVIDNET_DATA");
}

static void test_quit_asks_while_training(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app_press(&app, "n");
    assert_true(app_shows(&app, "a run is training: x stops it"));
    app_press(&app, "q");
    assert_true(app_shows(&app, "Quit?") && app_shows(&app, "still training") && !app_shows(&app, "is dropped"));
    app_press(&app, "n");
    app_press(&app, "p");
    app_queue_run(&app, &(struct trainer_options){.recipe = fake.recipe});
    app_press(&app, "x");
    assert_true(app_shows(&app, "The queued run starts then."));
    app_press(&app, "n");
    app_press(&app, "q");
    assert_true(app_shows(&app, "The run is paused.") && app_shows(&app, "is dropped"));
    app_press(&app, "n");
    app_unqueue(&app);
    app_press(&app, "p");
    assert_int_equal(app.quit, 0);
    assert_int_equal(fake.stopped, TRAINER_STOP_NONE);
    app_press(&app, "q");
    app_press(&app, "p"); /* no answer: nothing happens */
    assert_int_equal(fake.paused, 0);
    app_press(&app, "y");
    assert_int_equal(fake.stopped, TRAINER_STOP_NOW);
    assert_int_equal(app.quit, 0); /* not before it has stopped */
    fake.status.phase = TRAINER_STOPPED;
    app_update(&app);
    assert_int_equal(app.quit, 1);
    close_app(&app, &fake);

    open_app(&app, &fake, &fake_ops);
    app_interrupt(&app);
    assert_true(app_shows(&app, "Quit?"));
    app_interrupt(&app);
    assert_int_equal(fake.stopped, TRAINER_STOP_NOW);
    close_app(&app, &fake);

    open_app(&app, &fake, &fake_ops);
    fake.status.phase = TRAINER_DONE;
    app_update(&app);
    app_press(&app, "q");
    assert_int_equal(app.quit, 1); /* nothing to lose: nothing to ask */
    close_app(&app, &fake);
}

/* What failed may have been mended: a full disk, a data set that was moved. */
static void test_a_failed_run_can_be_gone_on_with(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app.can_start = 1;
    strcpy(fake.status.path, "/some/run");
    app_update(&app);
    assert_false(app_shows(&app, "R resume"));
    fake.status.phase = TRAINER_FAILED;
    app_update(&app);
    assert_true(app_shows(&app, "R resume"));
    fake.status.path[0] = '\0';
    strcpy(fake.status.error, "no memory"); /* before it began */
    app_update(&app);
    assert_false(app_shows(&app, "R resume"));
    close_app(&app, &fake);
}

/* The engine does not look at TRAINER_STOP_EPOCH while it is paused. */
static void test_a_paused_run_goes_on_to_its_stop(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app_press(&app, "p");
    app_press(&app, "q");
    app_press(&app, "e");
    assert_int_equal(fake.stopped, TRAINER_STOP_EPOCH);
    assert_int_equal(fake.paused, 0);
    fake.status.phase = TRAINER_STOPPED;
    app_update(&app);
    assert_true(app.quit);
    close_app(&app, &fake);
}

static void test_interrupt_asks_first(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app_press(&app, "x"); /* another question than ours */
    app_interrupt(&app);
    assert_true(fake.stopped == TRAINER_STOP_NONE && app_shows(&app, "Quit?"));
    app_interrupt(&app);
    assert_int_equal(fake.stopped, TRAINER_STOP_NOW);
    close_app(&app, &fake);
}

/* The thread that draws must not wait for the run that a new one takes the place of. */
static void test_a_new_run_waits_for_the_old_one(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    struct trainer_options options;
    memset(&options, 0, sizeof options);
    open_app(&app, &fake, &fake_ops);
    app_queue_run(&app, &options);
    assert_true(app.queue == APP_QUEUE_AFTER && fake.stopped == TRAINER_STOP_NONE);
    app_unqueue(&app);
    app_press(&app, "p");
    app_start_run(&app, &options);
    app_update(&app);
    assert_true(app.queue == APP_QUEUE_STOPS && fake.stopped == TRAINER_STOP_NOW);
    assert_true(!fake.paused && !fake.closed);
    assert_true(app_shows(&app, "then the new run starts"));
    struct error err;
    assert_int_equal(app_open_run(&app, "last", &err), -1);
    app_leave(&app); /* nothing starts after that */
    fake.status.phase = TRAINER_STOPPED;
    app_update(&app);
    assert_true(app.quit && !fake.closed);
    close_app(&app, &fake);
}

/* Leaving after the epoch waits for the run: it cannot be paused then. */
static void test_no_pause_while_leaving(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app_press(&app, "q");
    app_press(&app, "e");
    assert_int_equal(app.leaving, 1);
    app_press(&app, "Space");
    assert_int_equal(fake.paused, 0);
    assert_true(app_shows(&app, "q leaves at this step"));
    close_app(&app, &fake);
}

static void test_read_only(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &read_only_ops);
    assert_false(app_shows(&app, "p pause"));
    app_press(&app, "p");
    app_press(&app, "x");
    assert_int_equal(fake.paused, 0);
    assert_int_equal(app.over, APP_SCREEN);
    app_press(&app, "q");
    assert_int_equal(app.quit, 1);
    close_app(&app, &fake);
}

/* No key has two meanings, and every key has a sentence that the help screen shows. */
static void test_help_is_complete(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app.h = 40; /* no sentence is broken */
    app_press(&app, "?");
    for (const struct binding *a = screen_run.keys; a->key; a++) {
        assert_non_null(a->help);
        assert_non_null(a->act);
        assert_true(app_shows(&app, a->help));
        for (const struct binding *b = a + 1; b->key; b++) {
            assert_int_not_equal(keys_parse(a->key), keys_parse(b->key));
            assert_true(!a->also || keys_parse(a->also) != keys_parse(b->key));
        }
    }
    app_press(&app, "F1");
    assert_int_equal(app.over, APP_SCREEN);
    close_app(&app, &fake);
}

static void type(struct app *app, const char *text)
{
    for (; *text; text++)
        app_key(app, *text);
    app_update(app);
}

static void test_menu(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app_press(&app, ":");
    assert_true(app_shows(&app, "Commands"));
    type(&app, "pause");
    assert_int_equal(fake.paused, 0); /* typed, not pressed */
    assert_true(app_shows(&app, "Pause the run after this step"));
    app_press(&app, "Enter");
    assert_true(fake.paused == 1 && app.over == APP_SCREEN);
    app_press(&app, ":");
    type(&app, "quit");
    app_press(&app, "Enter");
    assert_true(app_shows(&app, "Quit?"));
    app_press(&app, "Esc");
    app_press(&app, ":");
    type(&app, "no such thing");
    assert_true(app_shows(&app, "no command is called that"));
    app_press(&app, "Enter");
    assert_int_equal(app.over, APP_SCREEN);
    app_press(&app, ":");
    app_press(&app, "a");
    app_press(&app, "Backspace");
    assert_int_equal(app.over, APP_MENU);
    app_press(&app, "Backspace");
    assert_int_equal(app.over, APP_SCREEN);
    app_press(&app, ":");
    app_press(&app, "Esc");
    assert_int_equal(app.over, APP_SCREEN);
    close_app(&app, &fake);
}

static void test_copy(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    app_press(&app, "c");
    assert_non_null(strstr(app.copy, "davidnet train --preset davidnet-79"));
    assert_true(app_shows(&app, "clipboard"));
    close_app(&app, &fake);
}

/* A paste is text: no key, even where it looks like one. */
static void test_paste(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    open_app(&app, &fake, &fake_ops);
    for (const char *c = "pxyq\n\033"; *c; c++)
        app_paste(&app, *c);
    assert_true(!fake.paused && fake.stopped == TRAINER_STOP_NONE && app.over == APP_SCREEN);
    app_press(&app, ":");
    for (const char *c = "quit\ny"; *c; c++)
        app_paste(&app, *c);
    assert_string_equal(app.menu_text.text, "quity");
    close_app(&app, &fake);
}

/* Once for every user; it says what it is for at the smallest size that it is made for. */
static void test_guide(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    char folder[] = "/tmp/davidnet-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_STATE_HOME", folder, 1), 0);
    open_app(&app, &fake, &fake_ops);
    guide_show_once(&app);
    assert_true(app_shows(&app, "Welcome to davidnet"));
    int w = app.w, h = app.h;
    app.w = 40;
    app.h = 12;
    assert_true(app_shows(&app, "1, 2, 3") && app_shows(&app, "mouse"));
    app.w = w;
    app.h = h;
    app_press(&app, "?");
    assert_true(app_shows(&app, "Everywhere"));
    app_press(&app, "Esc");
    guide_show_once(&app);
    assert_int_equal(app.over, APP_SCREEN);
    app_press(&app, ":");
    type(&app, "guide");
    app_press(&app, "Enter");
    assert_true(app_shows(&app, "Welcome to davidnet"));
    app_press(&app, "q");
    assert_true(app_shows(&app, "Quit?"));
    close_app(&app, &fake);
    snprintf(path, sizeof path, "%s/davidnet/guide-seen", folder);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/davidnet", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void click(struct app *app, enum mouse_what what, int x, int y)
{
    app_mouse(app, &(struct mouse){.what = what, .x = x, .y = y});
}

/* Where a text stands on the screen. */
static void find(struct app *app, const char *text, int *x, int *y)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, app->w, app->h), 0);
    grid.ascii = 1;
    app_draw(app, &grid);
    char *screen = grid_text(&grid), *line = screen, *at = strstr(screen, text);
    assert_non_null(at);
    for (*y = 0; strchr(line, '\n') < at; ++*y)
        line = strchr(line, '\n') + 1;
    *x = (int)(at - line);
    free(screen);
    grid_release(&grid);
}

static void test_mouse(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    int x, y;
    open_app(&app, &fake, &fake_ops);
    app.w = 100;
    app.h = 20;
    find(&app, "p pause", &x, &y);
    click(&app, MOUSE_PRESS, x, y);
    assert_int_equal(fake.paused, 1);
    find(&app, "q quit", &x, &y);
    click(&app, MOUSE_PRESS, x, y);
    find(&app, "Go on training", &x, &y);
    click(&app, MOUSE_PRESS, x, y);
    assert_int_equal(app.over, APP_SCREEN);
    app_press(&app, "?");
    click(&app, MOUSE_WHEEL_DOWN, 5, 5);
    assert_int_equal(app.help_top, 3);
    for (int i = 0; i < 20; i++)
        click(&app, MOUSE_WHEEL_DOWN, 5, 5);
    assert_true(app_shows(&app, "Quit; asks"));
    click(&app, MOUSE_WHEEL_UP, 5, 5);
    app_press(&app, "Esc");
    app_press(&app, ":");
    find(&app, "Smoothing", &x, &y);
    double smoothing = app.model.view.smoothing;
    click(&app, MOUSE_PRESS, x, y);
    assert_true(app.over == APP_SCREEN && app.model.view.smoothing != smoothing);
    close_app(&app, &fake);
}

/* Any keys in any order: no crash, and the screen is drawn whatever the state. */
static void test_random_keys(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    static const char *const keys[] = {"p", "x", "e", "n",     "Tab", "S-Tab", "z",   "s",
                                       "y", "v", "?", "q",     "+",   "Enter", "Esc", "Ctrl-L",
                                       "-", "1", "9", "Space", "c",   "Up",    ":",   "Down"};
    uint32_t seed = 3;
    struct grid grid;
    open_app(&app, &fake, &fake_ops);
    for (int i = 0; i < 3000; i++) {
        seed = seed * 1664525u + 1013904223u;
        app_press(&app, keys[(seed >> 8) % (sizeof keys / sizeof *keys)]);
        click(&app, (enum mouse_what)(seed % 3), (int)(seed >> 9) % 140 - 5, (int)(seed >> 17) % 60 - 5);
        app.now += 0.5;
        if (i % 10)
            continue;
        assert_int_equal(grid_init(&grid, (int)(seed >> 10) % 130, (int)(seed >> 20) % 50), 0);
        grid.ascii = i % 2;
        app_draw(&app, &grid);
        grid_release(&grid);
    }
    close_app(&app, &fake);
}

static void test_script(void **state)
{
    (void)state;
    struct app app;
    struct fake fake;
    char folder[] = "/tmp/davidnet-test-XXXXXX", script[64], dump[64], text[4096] = "";
    assert_non_null(mkdtemp(folder));
    snprintf(script, sizeof script, "%s/script", folder);
    snprintf(dump, sizeof dump, "%s/dump.txt", folder);
    static const struct {
        const char *keys, *error;
    } cases[] = {
        {":\n:type pau\nEnter\n:\n:paste stop\n:wait 0.01\n:click 50 0\n:wheel down 3 3\nEsc\n", NULL},
        {"# a comment\n\n:size 60x20\np\n:until step 100\n:until epoch 2\n?\nEnd\n", NULL},
        {":click 1\n", "':click 1'"},
        {":wheel left 1 1\n", "':wheel left 1 1'"},
        {"p\nPgUpp\n", ":2: 'PgUpp' is not a key"},
        {":until forever\n", ":1: ':until forever'"},
        {":until step\n", "expected step N"},
        {":size 5000x5\n", ":size 5000x5"},
        {":dump nowhere.jpg\n", ".txt, .ans or .png"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {""};
        FILE *out = fopen(script, "w");
        assert_non_null(out);
        fputs(cases[i].keys, out);
        fclose(out);
        open_app(&app, &fake, &fake_ops);
        FILE *keys = script_open(script, &err);
        assert_non_null(keys);
        struct script_options options = {.file = script, .in = keys, .dump = dump, .w = 80, .h = 24, .depth = 24};
        assert_int_equal(script_run(&app, &options, &err), cases[i].error ? -1 : 0);
        if (cases[i].error)
            assert_non_null(strstr(err.text, cases[i].error));
        fclose(keys);
        close_app(&app, &fake);
    }
    struct error err = {""};
    assert_null(script_open("/nonexistent", &err));
    assert_null(script_open(folder, &err)); /* found out before a run is made for it */
    FILE *in = fopen(dump, "r");
    assert_non_null(in);
    assert_true(fread(text, 1, sizeof text - 1, in) > 0);
    fclose(in);
    assert_non_null(strstr(text, "Everywhere")); /* from the help that the first script opened */
    unlink(dump);
    unlink(script);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_names),
        cmocka_unit_test(test_a_long_message_ends_with_a_whole_character),
        cmocka_unit_test(test_a_message_outlasts_what_it_is_of),
        cmocka_unit_test(test_pause_and_stop),
        cmocka_unit_test(test_fetch_is_offered_where_there_is_nothing),
        cmocka_unit_test(test_a_failed_run_can_be_gone_on_with),
        cmocka_unit_test(test_quit_asks_while_training),
        cmocka_unit_test(test_a_paused_run_goes_on_to_its_stop),
        cmocka_unit_test(test_interrupt_asks_first),
        cmocka_unit_test(test_a_new_run_waits_for_the_old_one),
        cmocka_unit_test(test_no_pause_while_leaving),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_help_is_complete),
        cmocka_unit_test(test_menu),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_guide),
        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_random_keys),
        cmocka_unit_test(test_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
