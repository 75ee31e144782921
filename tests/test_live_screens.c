/* The Layers and Samples screens over real runs: one that trains here, and a folder. */
#include "tests/app_hands.h"
#include "tui/app.h"
#include "tui/keys.h"
#include "views/samples_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/davidnet-live-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1; /* exports go into the current folder */
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return chdir("/") || system(command);
}

/* 100 images, batch 20: 5 steps an epoch. */
static void make_options(struct trainer_options *options, const char *name, const char *epochs)
{
    static char epochs_set[64], knots[64];
    struct error err = {""};
    snprintf(epochs_set, sizeof epochs_set, "epochs=%s", epochs);
    snprintf(knots, sizeof knots, "lr_knots=0,1,%s", epochs);
    struct recipe_request request = {.preset = "davidnet-79",
                                     .n_sets = 9,
                                     .sets = {epochs_set, knots, "lr_values=0,0.1,0", "width=4", "batch=20",
                                              "device=cpu", "data=synthetic:3:100", "seed=7", "threads=1"}};
    memset(options, 0, sizeof *options);
    options->parent = folder;
    options->name = name;
    if (recipe_resolve(&request, &options->recipe, &err))
        fail_msg("%s", err.text);
    strcpy(options->recipe.network,
           "prep = block c\nlayer1 = res_block 2c convs=1\npool = global_max\nlogits = linear\n");
}

static struct app *open_app(struct run_source source, const struct trainer_options *options)
{
    struct app *app = calloc(1, sizeof *app);
    assert_non_null(app);
    app_init(app, source, options);
    app->w = 100;
    app->h = 30;
    return app;
}

static void close_app(struct app *app)
{
    app_release(app);
    free(app);
}

static int samples_first(const struct app *app)
{
    struct samples_layout layout;
    samples_layout_make(&app->samples.model, app_area(app), &layout);
    return samples_view_first(&app->samples.model, &layout);
}

static struct app *train(const struct trainer_options *options)
{
    struct run_source source;
    struct error err = {""};
    if (run_source_train(&source, options, &err))
        fail_msg("%s", err.text);
    return open_app(source, options);
}

static struct app *look_at(const char *name)
{
    char path[256];
    struct run_source source;
    struct error err = {""};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (run_source_open(&source, path, &err))
        fail_msg("%s", err.text);
    return open_app(source, NULL);
}

static void tick(struct app *app)
{
    usleep(2000);
    app->now += 0.1; /* a frame later */
    app_update(app);
}

static void press(struct app *app, const char *key)
{
    app_press(app, key);
    tick(app);
}

static void wait_for_end(struct app *app)
{
    while (!app_idle(app))
        tick(app);
}

static void wait_for_images(struct app *app)
{
    while (app->samples.model.state == SAMPLES_LOADING || app->samples.model.state == SAMPLES_NO_RUN)
        tick(app);
}

static void test_layers_live(void **state)
{
    (void)state;
    struct trainer_options options;
    make_options(&options, "live", "8");
    struct app *app = train(&options);
    app_go(app, &screen_layers);
    app_update(app);
    while (app->layers.state != LAYERS_READY) {
        assert_int_not_equal(app->layers.state, LAYERS_BAD);
        tick(app);
    }
    assert_true(app_shows(app, "layer1"));
    press(app, "a"); /* folds all, or opens all */
    press(app, "Down");
    int cursor = app->layers.cursor;
    wait_for_end(app);
    tick(app);
    assert_int_equal(app->layers.timing.train_steps, 39); /* the last word */
    assert_int_equal(app->layers.cursor, cursor);
    assert_true(app->layers.steps_per_epoch == 5);
    press(app, "u");
    assert_true(app_shows(app, "s/epoch"));

    /* Another run: the old one's rows are not shown as its own. */
    options.name = "next";
    app_start_run(app, &options);
    tick(app);
    if (app->layers.state != LAYERS_READY)
        assert_true(app_shows(app, "No times yet"));
    while (app->layers.state != LAYERS_READY)
        tick(app);
    assert_true(app->layers.timing.train_steps < 39 || app_idle(app));
    wait_for_end(app);
    close_app(app);
}

/* The runs may have to be read again first. */
static void compare(struct app *app)
{
    press(app, "c");
    while (app->layers_asked)
        tick(app);
}

/* Beside another run: the newest other one, or the marked ones in turn, then none again. */
static void test_layers_against(void **state)
{
    (void)state;
    struct trainer_options options;
    char path[128];
    for (int i = 0; i < 2; i++) {
        make_options(&options, i ? "second" : "first", "2");
        struct app *app = train(&options);
        wait_for_end(app);
        close_app(app);
    }
    struct app *app = look_at("first");
    press(app, "2");
    assert_int_equal(app->layers.state, LAYERS_READY);
    compare(app);
    assert_true(app->layers.against.on);
    assert_string_equal(app->layers.against.name, "second");
    assert_true(app_shows(app, "against second: "));
    press(app, "d");
    assert_true(app_shows(app, "forward, ms/step"));
    compare(app);
    assert_int_equal(app->layers.against.on, 0);

    press(app, "5"); /* marked ones in turn; this run itself is none of them */
    for (const char *const *name = (const char *const[]){"first", "second", "live", NULL}; *name; name++) {
        snprintf(path, sizeof path, "%s/%s", folder, *name);
        runs_model_select_path(&app->runs, path);
        press(app, "Space");
    }
    press(app, "2");
    compare(app);
    assert_string_equal(app->layers.against.name, "second");
    compare(app);
    assert_string_equal(app->layers.against.name, "live");
    compare(app);
    assert_int_equal(app->layers.against.on, 0);

    compare(app); /* it goes with the run */
    snprintf(path, sizeof path, "%s/live", folder);
    struct error err = {""};
    assert_int_equal(app_open_run(app, path, &err), 0);
    tick(app);
    assert_int_equal(app->layers.against.on, 0);
    close_app(app);
}

static void test_samples_live(void **state)
{
    (void)state;
    struct trainer_options options;
    make_options(&options, "samples", "12");
    struct app *app = train(&options);
    app_go(app, &screen_samples);
    wait_for_images(app);
    assert_int_equal(app->samples.model.state, SAMPLES_READY);
    assert_ptr_equal(app->samples.model.dataset, app->source.ops->dataset(app->source.self)); /* no second copy */
    assert_true(app_shows(app, "trained on"));
    press(app, "f");
    uint32_t step = app->samples.model.step;
    while (app->model.status.step < step + 5 && !app_idle(app))
        tick(app);
    assert_int_equal(app->samples.model.step, step); /* frozen */
    press(app, "]");
    assert_int_equal(app->samples.model.step, step + 1);
    press(app, "[");
    press(app, "[");
    assert_true(app->samples.model.step + 1 == step || step == 0);
    press(app, "}");
    wait_for_end(app);
    app->now += 100;
    tick(app);
    assert_int_equal(app->samples.model.training, 59);
    press(app, "End");
    assert_int_equal(app->samples.model.cursor, 19);

    /* Another run while its batch is shown: what the old one's data set held is not touched any more. */
    options.name = "samples-next";
    app_start_run(app, &options);
    app_shows(app, "");
    press(app, "Right");
    wait_for_images(app);
    assert_int_equal(app->samples.model.state, SAMPLES_READY);
    assert_int_equal(app->samples.model.frozen, 0); /* it was a batch of the other run */
    wait_for_end(app);
    close_app(app);
}

/* Without freezing: a new batch when its time has come, not at each step. */
static void test_samples_follow(void **state)
{
    (void)state;
    struct trainer_options options;
    make_options(&options, "follow", "12");
    struct app *app = train(&options);
    app_go(app, &screen_samples);
    wait_for_images(app);
    while (app->model.status.step < 1 && !app_idle(app))
        tick(app);
    press(app, "Space"); /* the newest */
    uint32_t step = app->samples.model.step, seen = 0;
    double taken = app->now;
    while (!app_idle(app) && app->now < taken + 19) {
        tick(app);
        seen += app->samples.model.step != step;
    }
    assert_int_equal(seen, 0);
    app->now = taken + 20.5;
    tick(app);
    assert_int_equal(app->samples.model.step, app->samples.model.training);
    wait_for_end(app);
    app->now += 100;
    tick(app);
    assert_int_equal(app->samples.model.step, 59);
    press(app, "e");
    assert_true(app_shows(app, "all 20 images are in samples-follow-epoch12-batch5.png"));
    assert_int_equal(access("samples-follow-epoch12-batch5.png", R_OK), 0);
    while (samples_first(app) == 0 && app->samples.model.cursor < 19)
        press(app, "PgDn");
    press(app, "e"); /* the one before stays */
    assert_int_equal(access("samples-follow-epoch12-batch5-2.png", R_OK), 0);
    char said[64];
    snprintf(said, sizeof said, "images %d to 20 of 20 are in", samples_first(app) + 1);
    assert_true(app_shows(app, said));
    press(app, "f");
    assert_true(app_shows(app, "this run is not training"));
    close_app(app);
}

static void test_keys_that_do_nothing_say_why(void **state)
{
    (void)state;
    struct app *app = look_at("live");
    app_close_run(app);
    press(app, "2");
    press(app, "s");
    assert_true(app_shows(app, "there is no run whose times could be shown"));
    press(app, "j"); /* the other key of Down */
    assert_true(app_shows(app, "there is no run whose times could be shown"));
    press(app, "3");
    press(app, "e");
    assert_true(app_shows(app, "there is no run whose images could be shown"));
    close_app(app);
}

static void edit_file(const char *run, const char *file, const char *edit)
{
    char command[512];
    snprintf(command, sizeof command, "sed -i '%s' '%s/%s/%s'", edit, folder, run, file);
    assert_int_equal(system(command), 0);
}

static void test_a_folder(void **state)
{
    (void)state;
    struct trainer_options options;
    make_options(&options, "folder", "2");
    struct app *app = train(&options);
    wait_for_end(app);
    close_app(app);

    app = look_at("folder");
    press(app, "2");
    assert_int_equal(app->layers.state, LAYERS_READY);
    assert_int_equal(app->layers.timing.train_steps, 9);
    press(app, "3");
    wait_for_images(app);
    assert_int_equal(app->samples.model.state, SAMPLES_READY);
    assert_int_equal(app->samples.model.step, 9);
    assert_int_equal(app->samples.model.live, 0);
    close_app(app);

    app = look_at("folder"); /* closed while its data set is loaded */
    press(app, "3");
    close_app(app);

    struct error err = {""};
    char path[128];
    app = look_at("folder"); /* another run while the data set is loaded: that one's comes */
    press(app, "3");
    snprintf(path, sizeof path, "%s/live", folder);
    assert_int_equal(app_open_run(app, path, &err), 0);
    app_go(app, &screen_samples);
    wait_for_images(app);
    assert_int_equal(app->samples.model.state, SAMPLES_READY);
    assert_int_equal(app->samples.model.step, 39);
    close_app(app);

    edit_file("folder", "program.json", "s/\"data_sha256\":[^,]*/\"data_sha256\": \"00\"/");
    edit_file("folder", "timing.json", "s/version/revision/");
    app = look_at("folder");
    press(app, "2");
    assert_int_equal(app->layers.state, LAYERS_BAD);
    assert_true(app_shows(app, "The times cannot be read"));
    press(app, "3");
    wait_for_images(app);
    assert_true(app_shows(app, "holds other images"));
    close_app(app);

    edit_file("folder", "program.json", "s/synthetic:3:100/\\/nonexistent\\/cifar/");
    snprintf(path, sizeof path, "%s/folder/timing.json", folder);
    unlink(path);
    app = look_at("folder");
    press(app, "2");
    assert_true(app_shows(app, "This run has no timing.json"));
    press(app, "3");
    wait_for_images(app);
    assert_true(app_shows(app, "/nonexistent/cifar"));
    close_app(app);
}

/* The run that the screen's images were borrowed from is thrown away: they are not touched any more. */
static void test_samples_of_a_run_thrown_away(void **state)
{
    (void)state;
    struct trainer_options options;
    make_options(&options, "thrown", "2");
    struct app *app = train(&options);
    wait_for_end(app);
    press(app, "3");
    wait_for_images(app);
    assert_int_equal(app->samples.model.state, SAMPLES_READY);
    press(app, "5");
    while (runs_watch_reading(app))
        tick(app);
    runs_model_select_path(&app->runs, app->model.status.path);
    press(app, "D");
    assert_true(app->trashed[0] && !app->source.ops);
    app_key(app, '3'); /* drawn and used without an update in between, too */
    app_shows(app, "");
    app_key(app, keys_parse("]"));
    app_key(app, keys_parse("e"));
    tick(app);
    assert_true(app_shows(app, "No run"));
    assert_int_equal(app->samples.model.state, SAMPLES_NO_RUN);
    assert_null(app->samples.model.dataset);
    press(app, "1");
    assert_true(app_shows(app, "No run") && app_shows(app, "n starts one"));
    assert_false(app_shows(app, "nan") || app_shows(app, "loading the data") || app_shows(app, "Accuracy"));
    close_app(app);
}

static void failed_status(void *self, struct trainer_status *status)
{
    (void)self;
    *status = (struct trainer_status){.phase = TRAINER_FAILED, .error = "the disk with the images is gone"};
}

static const struct dataset *no_dataset(void *self)
{
    (void)self;
    return NULL;
}

static void close_nothing(void *self)
{
    (void)self;
}

/* A run that failed before its data was there, and none at all. */
static void test_nothing_to_show(void **state)
{
    (void)state;
    static const struct run_source_ops ops = {.status = failed_status, .dataset = no_dataset, .close = close_nothing};
    struct trainer_options options;
    struct error err = {""};
    struct run_log log;
    make_options(&options, "none", "2");
    assert_int_equal(run_log_open(&log, NULL, &err), 0);
    struct app *app = open_app((struct run_source){&ops, NULL, &log, &options.recipe}, NULL);
    app_go(app, &screen_samples);
    wait_for_images(app);
    assert_true(app_shows(app, "the disk with the images is gone"));
    press(app, "2");
    assert_true(app_shows(app, "This run has no timing.json"));
    close_app(app);
    run_log_release(&log);

    app = open_app((struct run_source){0}, NULL);
    static const char *const keys[] = {"2", "Enter", "Down", "a", "s", "3", "e", "Right", "]", "f", "PgDn", "z"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        press(app, keys[i]);
    assert_true(app_shows(app, "No run"));
    close_app(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_live),
        cmocka_unit_test(test_layers_against),
        cmocka_unit_test(test_samples_live),
        cmocka_unit_test(test_samples_follow),
        cmocka_unit_test(test_keys_that_do_nothing_say_why),
        cmocka_unit_test(test_a_folder),
        cmocka_unit_test(test_samples_of_a_run_thrown_away),
        cmocka_unit_test(test_nothing_to_show),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
