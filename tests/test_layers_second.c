/* The key c of the Layers screen: which run it puts beside this one, and what it says of it. */
#include "engine/files.h"
#include "tests/app_hands.h"
#include "tests/fake_folder.h"
#include "tests/fake_timing.h"
#include "tui/app_internal.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char parent[] = "/tmp/davidnet-test-XXXXXX";
static struct app *app;

/* timing: what its timing.json holds; NULL: a good one. */
static void make(const char *name, const char *set, const char *timing)
{
    struct run_folder folder;
    struct timing times;
    struct error err = {""};
    fake_folder_make(parent, &(struct fake_folder){.name = name,
                                                   .preset = "quick",
                                                   .seed = 1,
                                                   .set = set,
                                                   .epochs = 4,
                                                   .best = 90,
                                                   .epoch_seconds = 10,
                                                   .end = RUN_END_DONE});
    assert_int_equal(run_folder_find_in(&folder, parent, name, &err), 0);
    fake_timing(&times, 0, 1);
    char *text = timing ? strdup(timing) : timing_to_json(&times, &err);
    assert_non_null(text);
    assert_int_equal(run_folder_replace(&folder, "timing.json", text, strlen(text), &err), 0);
    free(text);
    timing_release(&times);
}

static int enter(void **state)
{
    (void)state;
    struct run_source source;
    struct error err = {""};
    if (!mkdtemp(parent) || setenv("DAVIDNET_RUNS", parent, 1))
        return -1;
    make("shown", NULL, NULL);
    app = calloc(1, sizeof *app);
    if (!app || run_source_open(&source, "shown", &err))
        return -1;
    app_init(app, source, NULL);
    app->w = 200;
    app->h = 50;
    return 0;
}

static int leave(void **state)
{
    (void)state;
    app_release(app);
    free(app);
    return folder_remove(parent, NULL);
}

static void press(const char *key)
{
    app_press(app, key);
    for (app_update(app); runs_watch_reading(app); app_update(app))
        poll(NULL, 0, 2);
    app_update(app);
}

static void mark(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", parent, name);
    press("5");
    runs_model_select_path(&app->runs, path);
    press("Space");
}

static void must_show(const char *text)
{
    if (!app_shows(app, text))
        fail_msg("'%s' is not on the screen; it says: %s", text, app->said);
}

/* Both keys come in at once, before the screen was shown. */
static void a_key_right_behind_the_screens(void **state)
{
    (void)state;
    app_key(app, '2');
    app_key(app, 'c');
    while (app_update(app), runs_watch_reading(app))
        poll(NULL, 0, 2);
    app_update(app);
    must_show("there is no other run with times here to compare with");
}

static void alone_there_is_none(void **state)
{
    (void)state;
    press("2");
    press("c");
    must_show("there is no other run with times here to compare with");
    assert_false(app->layers.against.on);
}

/* Of a set of runs it is not the newest, whatever that is: the campaign's other side, of that number, comes first. */
static void the_campaigns_other_side_comes_first(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum run_side side;
        int number;
    } runs[] = {
        {"shown", RUN_WITH, 2}, {"side-1", RUN_WITHOUT, 1}, {"side-2", RUN_WITHOUT, 2}, {"side-3", RUN_WITHOUT, 3}};
    struct run_folder folder;
    struct run_label label = {.campaign = "pair"};
    struct error err = {""};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        if (i > 0)
            make(runs[i].name, NULL, NULL);
        label.side = runs[i].side;
        label.number = runs[i].number;
        assert_int_equal(run_folder_find_in(&folder, parent, runs[i].name, &err), 0);
        assert_int_equal(run_label_write(&folder, &label, &err), 0);
    }
    make("stranger", "batch=64", NULL); /* the newest */
    press("5");                         /* reads the folders again */
    press("2");
    press("c");
    must_show("against side-2 (the other side of the campaign), these two runs only");
    press("c");
    assert_false(app->layers.against.on);
    for (size_t i = 1; i < sizeof runs / sizeof *runs; i++) {
        assert_int_equal(run_folder_find_in(&folder, parent, runs[i].name, &err), 0);
        assert_int_equal(folder_remove(folder.path, &err), 0);
    }
    press("5");
    press("2");
    press("c"); /* none of its campaign is left */
    assert_string_equal(app->layers.against.name, "stranger");
    must_show("against stranger (the newest), these two runs only");
    press("c");
}

/* A marked run that cannot be read is no end: the next one is beside this run, and the first is named. */
static void a_broken_run_is_skipped(void **state)
{
    (void)state;
    make("broken", NULL, "{");
    make("narrow", "width=8", NULL);
    mark("broken");
    mark("narrow");
    press("2");
    press("c");
    assert_true(app->layers.against.on);
    assert_string_equal(app->layers.against.name, "narrow");
    must_show("skipped broken: ");
    assert_non_null(strstr(app->layers.against.recipes, "width 8 to "));
    assert_non_null(strstr(app->said, "; recipes differ in 1 knob;"));
    press("e"); /* what is exported is one run's */
    must_show("Export the times");
    assert_non_null(strstr(app->asked, "of this run alone; of both: davidnet timing diff narrow "));
    press("Esc");
    press("c");
    assert_false(app->layers.against.on);
    press("e");
    must_show("Export the times");
    assert_null(strstr(app->asked, "timing diff"));
    press("Esc");
}

/* What can be done with the times stands in the footer of a usual terminal. */
static void the_footer_has_the_export(void **state)
{
    (void)state;
    app->w = 120;
    app->h = 40;
    must_show("e export");
    press("r");
    must_show("under 1 %");
    must_show("e export");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_right_behind_the_screens), cmocka_unit_test(alone_there_is_none),
        cmocka_unit_test(the_campaigns_other_side_comes_first), cmocka_unit_test(a_broken_run_is_skipped),
        cmocka_unit_test(the_footer_has_the_export)};
    return cmocka_run_group_tests(tests, enter, leave);
}
