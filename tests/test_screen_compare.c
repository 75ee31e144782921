/* The Compare and Ladder screens' keys, and a campaign that is run from the workbench, with real but tiny runs. */
#include "engine/files.h"
#include "tests/app_hands.h"
#include "tests/fake_folder.h"
#include "tests/trainer_checks.h"
#include "tui/app_internal.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char parent[64];
static struct app app;
static struct trainer_options options; /* large */

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    if (!mkdtemp(parent) || setenv("DAVIDNET_RUNS", parent, 1))
        return -1;
    memset(&options, 0, sizeof options);
    trainer_tiny(&options.recipe, "1");
    options.parent = parent;
    app_init(&app, (struct run_source){0}, &options);
    app.w = 120;
    app.h = 40;
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
    app_update(&app);
}

static void press(const char *key)
{
    app_press(&app, key);
    settle();
}

static void must_show(const char *text)
{
    if (!app_shows(&app, text))
        fail_msg("'%s' is not on the screen", text);
}

static void make(const char *name, const char *set, int64_t seed, double best)
{
    struct fake_folder fake = fake_folder_done(name, set, seed, best);
    fake_folder_make(parent, &fake);
}

static void test_compare_keys(void **state)
{
    (void)state;
    press("6");
    must_show("Nothing to compare yet");
    press("Enter");
    press("a");
    press("R");
    make("a1", NULL, 1, 94.0);
    make("a2", NULL, 2, 94.1);
    make("a3", NULL, 3, 94.05);
    make("b1", "cutout=off", 4, 93.0);
    make("b2", "cutout=off", 5, 93.1);
    make("b3", "cutout=off", 6, 93.2);
    app.now += 5;
    settle();
    must_show("B: a significant loss of 0.95 %"); /* of the first two recipes, unasked */
    press("s");
    must_show("B: a significant gain of 0.95 %");
    press("End");
    press("b"); /* it is A already: the same runs on both sides */
    must_show("no verdict: 3 runs are in both sets");
    press("Home");
    press("a");
    must_show("significant loss");
    press("R");
    must_show("only a campaign is gone on with");
}

static void test_ladder_keys(void **state)
{
    (void)state;
    make("a1", NULL, 1, 94.0);
    make("a2", NULL, 2, 94.1);
    press("7");
    must_show("1 of 24 rungs are measured here");
    must_show("94.05 (2)");
    press("End");
    int last = app.ladder.selected;
    assert_int_equal(last, app.ladder.ladder.count - 1);
    press("Up");
    press("Home");
    assert_int_equal(app.ladder.selected, 0);
    press("PgDn");
    assert_true(app.ladder.selected > 0);
    must_show("not measured");
    app.can_start = 0;
    press("Enter");
    must_show("no run can be started from here");
}

/* The rung that Enter trains is the preset as published, on the data that the next run would be on; here it waits. */
static void test_ladder_queues(void **state)
{
    (void)state;
    options.recipe.epochs = 400;
    assert_int_equal(app_start_run(&app, &options), 0);
    press("7");
    press("End");
    must_show("queue it");
    setenv("DAVIDNET_DATA", "synthetic", 1);
    press("Enter"); /* the published figures are not of synthetic images */
    must_show("does not count on the ladder");
    must_show("170 MB");
    press("Esc");
    assert_int_equal(app.queue, APP_QUEUE_NONE);
    setenv("DAVIDNET_DATA", "/some/cifar-10", 1); /* there it is: synthetic images were asked for */
    press("Enter");
    must_show("--data");
    setenv("DAVIDNET_DATA", "synthetic", 1);
    press("y");
    assert_int_equal(app.queue, APP_QUEUE_AFTER);
    assert_string_equal(app.queued.recipe.data, options.recipe.data);
    assert_true(forecast_same_family(&app.queued.recipe, &app.ladder.ladder.recipe[app.ladder.ladder.count - 1]));
    app_unqueue(&app);
    app_stop(&app, TRAINER_STOP_NOW);
    while (!app_idle(&app)) {
        poll(NULL, 0, 2);
        app_update(&app);
    }
}

/* The campaign's runs follow each other. */
static void run_to_end(void)
{
    while (campaign_job_running(&app)) {
        poll(NULL, 0, 2);
        app.now += 0.05;
        app_update(&app);
    }
}

static struct campaign *tiny_campaign(int runs)
{
    struct error err = {""};
    struct campaign *c = calloc(1, sizeof *c);
    strcpy(c->name, "tiny");
    strcpy(c->what, "cutout");
    strcpy(c->parent, parent);
    c->side[0] = c->side[1] = options.recipe;
    c->side[RUN_WITHOUT].flip = 0;
    c->side[RUN_WITH].flip = 1;
    c->runs[0] = runs;
    if (campaign_check(c, &err) || campaign_create(c, &err))
        fail_msg("%s", err.text);
    return c;
}

static void test_campaign(void **state)
{
    (void)state;
    struct run_folder folder;
    struct error err = {""};
    struct run_label label;
    campaign_job_start(&app, tiny_campaign(1), 0);
    assert_true(campaign_job_running(&app) && app_training(&app));
    settle();
    must_show("tiny");
    press("7");
    press("Enter"); /* not while a campaign runs */
    must_show("a campaign is running");
    run_to_end();
    press("6");
    app.now += 5;
    settle();
    must_show("campaign, 2 of 2 runs");
    must_show("no verdict: it takes two runs a side");
    assert_int_equal(run_folder_find_in(&folder, parent, "tiny-with-01", &err), 0);
    assert_int_equal(run_label_read(&folder, &label, &err), 0);
    assert_true(strcmp(label.campaign, "tiny") == 0 && label.side == RUN_WITH && label.number == 1);
    assert_null(app.options.label); /* the next run is its own */
}

/* All its runs have ended: R asks how many more, and says what another look costs. */
static void test_extend(void **state)
{
    (void)state;
    campaign_job_start(&app, tiny_campaign(2), 0);
    run_to_end();
    press("6");
    app.now += 5;
    settle();
    must_show("campaign, 4 of 4 runs");
    press("R");
    must_show("Runs a side, in all:");
    must_show("up to 7.5");
    must_show("take about");
    assert_non_null(strstr(app.asked, "2.5 %,")); /* on the screen a line may end between the two */
    assert_true(strstr(app.asked, "take about") < strstr(app.asked, "2.5 %,")); /* a low screen has room for it */
    press("2");                                                                 /* no more than there are */
    press("Enter");
    assert_false(campaign_job_running(&app));
    press("Backspace");
    press("3");
    must_show("in all: 3_");
    press("Enter");
    assert_true(campaign_job_running(&app));
    assert_int_equal(app.campaign.campaign->looks, 2);
    run_to_end();
    app.now += 5;
    settle();
    must_show("campaign, 6 of 6 runs");
    must_show("Extended once");
}

/* A campaign that is started while another run trains waits for its end, and can be dropped. */
static void test_waiting(void **state)
{
    (void)state;
    options.recipe.epochs = 400;
    assert_int_equal(app_start_run(&app, &options), 0);
    campaign_job_start(&app, tiny_campaign(1), 0);
    assert_true(campaign_job_running(&app) && campaign_job_waiting(&app));
    settle();
    must_show("campaign waits");
    must_show("R here drops it");
    must_show("0 of 2 runs, waits");
    press("R");
    assert_false(campaign_job_running(&app));
    press("R");
    assert_true(campaign_job_waiting(&app));
    app_stop(&app, TRAINER_STOP_NOW);
    while (!app.campaign.begun)
        app_update(&app);
    assert_string_equal(app.campaign.name, "tiny-without-01");
    app_stop(&app, TRAINER_STOP_NOW);
    run_to_end();
}

/* A run that is stopped ends the campaign here; R goes on with it. */
static void test_stopped_campaign(void **state)
{
    (void)state;
    options.recipe.epochs = 400;
    campaign_job_start(&app, tiny_campaign(1), 0);
    while (app.model.status.phase != TRAINER_TRAINING)
        app_update(&app);
    app_stop(&app, TRAINER_STOP_NOW);
    run_to_end();
    must_show("R on the Compare screen goes on");
    assert_true(app_idle(&app));
    app.now += 10;
    press("6");
    press("Home");
    must_show("campaign, 0 of 2 runs");
    press("R");
    assert_true(campaign_job_running(&app) && app_training(&app));
    assert_string_equal(app.model.status.run, "tiny-without-01");
    app_stop(&app, TRAINER_STOP_NOW);
    run_to_end();
}

static void test_asked_on_tricks(void **state)
{
    (void)state;
    app_go(&app, &screen_tricks);
    settle();
    press("Home");
    press("C");
    must_show("a campaign tests a trick");
    press("1");
    press(":");
    app_type(&app, "start a campaign");
    must_show("Start a campaign: train with a trick");
    press("Enter");
    must_show("press C");
    press(":");
    app_type(&app, "compare");
    must_show("Compare: What two sets of runs say");
    press("Esc");
    for (int i = 0; i < 60 && !campaign_ask_can(&app); i++)
        press("Down");
    press("C");
    must_show("Runs a side: 10_");
    must_show("(assumed), 10");
    must_show("is not known");
    assert_true(strstr(app.asked, "is not known") < strstr(app.asked, "With "));
    press("Esc");
    assert_false(campaign_job_running(&app));
    press("C");
    press("5"); /* in place of the 10 */
    must_show("Runs a side: 5_");
    press("2");
    must_show("Runs a side: 52_");
    press("Backspace");
    press("Down");
    press("Up");
    press("Enter");
    assert_true(campaign_job_running(&app));
    assert_int_equal(campaign_planned(app.campaign.campaign), 5);
    assert_true(campaign_sides_differ(app.campaign.campaign));
    app_stop(&app, TRAINER_STOP_NOW);
    run_to_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_compare_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ladder_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ladder_queues, setup, teardown),
        cmocka_unit_test_setup_teardown(test_campaign, setup, teardown),
        cmocka_unit_test_setup_teardown(test_extend, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopped_campaign, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asked_on_tricks, setup, teardown),
    };
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
