/* Curves as text, with whose they are: against golden files, and from a run's folder. */
#include "engine/curve_set.h"
#include "engine/files.h"
#include "engine/version.h"
#include "tests/fake_folder.h"
#include "tests/fake_timing.h"
#include "tests/figure_checks.h"
#include "tests/golden_text.h"
#include "tui/command.h"
#include "tui/curve_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RUNS 2

static struct recipe recipes[RUNS];
static struct run_log logs[RUNS];
static struct curve_origin origins[RUNS];
static const char *const names[RUNS] = {"one", "two, with a comma"};

static void must(int status, const struct error *err)
{
    if (status)
        fail_msg("%s", err->text);
}

/* Two runs of one recipe, of one epoch of one step; of the second little is known. */
static int setup(void **state)
{
    (void)state;
    struct error err = {""};
    for (int i = 0; i < RUNS; i++) {
        struct recipe_request request = {.preset = "quick", .n_sets = 1, .sets = {"batch=64"}};
        must(recipe_resolve(&request, &recipes[i], &err), &err);
        recipes[i].seed = i + 1;
        must(run_log_open(&logs[i], NULL, &err), &err);
        struct record start = {.kind = RECORD_START}, step = {.kind = RECORD_STEP, .step = 1, .epoch = 1};
        struct record epoch = {.kind = RECORD_EPOCH, .step = 1, .epoch = 1};
        start.as.start.steps = 4;
        start.as.start.steps_per_epoch = 1;
        step.as.step.lr = epoch.as.epoch.lr = 0.25;
        step.as.step.loss = epoch.as.epoch.train_loss = 2;
        step.as.step.accuracy = epoch.as.epoch.train_acc = 12.5F;
        step.as.step.train_seconds = epoch.as.epoch.train_seconds = 1.5;
        epoch.as.epoch.test_loss = 1.75;
        epoch.as.epoch.test_acc = 30 + (float)i;
        step.as.step.wall_seconds = epoch.as.epoch.wall_seconds = 2.5;
        must(run_log_append(&logs[i], &start, &err) || run_log_append(&logs[i], &step, &err) ||
                 run_log_append(&logs[i], &epoch, &err),
             &err);
        timing_origin_init(&origins[i].recipe, &recipes[i], names[i]);
    }
    strcpy(origins[0].family, "cpu");
    strcpy(origins[0].precision, "f32");
    strcpy(origins[0].data, "synthetic:1:2000");
    strcpy(origins[0].data_sha256, "0123abcd");
    origins[0].threads = 2;
    origins[0].machine = (struct timing_machine){.device = "Some Processor @ 2.50GHz",
                                                 .isa = "avx512",
                                                 .library = "oneDNN 2.6.3",
                                                 .davidnet = "0.1.0",
                                                 .commit = "0123456789"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < RUNS; i++)
        run_log_release(&logs[i]);
    return 0;
}

static void text_is(FILE *out, char **text, const char *golden)
{
    assert_int_equal(fclose(out), 0);
    golden_text(golden, *text);
    free(*text);
}

static void runs_say_whose_they_are(void **state)
{
    (void)state;
    struct curves_run runs[RUNS];
    struct error err = {""};
    char *text;
    size_t size;
    for (int i = 0; i < RUNS; i++)
        runs[i] = (struct curves_run){names[i], &logs[i], &origins[i]};
    FILE *out = open_memstream(&text, &size);
    must(curves_write_csv(runs, RUNS, out, &err), &err);
    text_is(out, &text, "tests/golden/curves.csv");
    out = open_memstream(&text, &size);
    must(curves_write_json(runs, RUNS, out, &err), &err);
    text_is(out, &text, "tests/golden/curves.json");
}

static void means_say_whose_they_are(void **state)
{
    (void)state;
    struct curve_run runs[RUNS];
    struct curve_set set;
    struct error err = {""};
    char *text;
    size_t size;
    for (int i = 0; i < RUNS; i++)
        runs[i] = (struct curve_run){{names[i], &logs[i], &origins[i]}, &recipes[i]};
    must(curve_set_init(&set, runs, RUNS, 0, &err), &err);
    FILE *out = open_memstream(&text, &size);
    must(curve_set_write_csv(&set, out, &err), &err);
    text_is(out, &text, "tests/golden/curves-mean.csv");
    out = open_memstream(&text, &size);
    must(curve_set_write_json(&set, out, &err), &err);
    text_is(out, &text, "tests/golden/curves-mean.json");
    curve_set_release(&set);
}

static void a_figure_says_whose_they_are(void **state)
{
    (void)state;
    static const char *const wanted[] = {"one (seed 1)", "(seed 2)",     "oneDNN 2.6.3",
                                         "Processor",    "(0123456789)", "the first is"};
    struct curve_run runs[RUNS];
    struct curve_set set;
    struct error err = {""};
    for (int i = 0; i < RUNS; i++)
        runs[i] = (struct curve_run){{names[i], &logs[i], &origins[i]}, &recipes[i]};
    must(curve_set_init(&set, runs, RUNS, 0, &err), &err);
    struct figure *figure = curve_page_draw(&(struct curve_page){0}, FIGURE_SVG, &set, NULL, 0, &err);
    assert_non_null(figure);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!figure_check_says(figure, wanted[i]))
            fail_msg("the figure does not say \"%s\"", wanted[i]);
    figure_free(figure);
    display.width = 300; /* no room for the charts */
    display.height = 200;
    figure = curve_page_draw(&(struct curve_page){0}, FIGURE_SVG, &set, NULL, 0, &err);
    display.width = display.height = 0;
    assert_null(figure);
    assert_non_null(strstr(err.text, "--size 300x200 has no room for the figure beside its texts: give at least 300x"));
    curve_set_release(&set);
}

/* One recipe on two sets of images: two curves that say which, whatever is not known in between; --each: as they are
 * called. */
static void other_images_are_no_mean(void **state)
{
    (void)state;
    static struct curve_origin of[4];
    struct curve_run runs[4];
    struct curve_set set;
    struct error err = {""};
    for (int i = 0; i < 4; i++) {
        of[i] = origins[0];
        runs[i] = (struct curve_run){{i % 2 ? "b" : "a", &logs[i % 2], &of[i]}, &recipes[i % 2]};
    }
    of[0].data[0] = of[0].data_sha256[0] = '\0'; /* the first one's images are not known */
    strcpy(of[1].data, "/somewhere/cifar");
    strcpy(of[1].data_sha256, "0123456789abcdef");
    strcpy(of[2].data, "synthetic:1:2000");
    strcpy(of[2].data_sha256, "fedcba9876543210");
    of[3] = of[1];
    must(curve_set_init(&set, runs, 4, 0, &err), &err);
    assert_int_equal(set.n, 2);
    assert_int_equal(set.images_differ, 1);
    assert_int_equal(set.curves[0].n_runs, 3);
    assert_string_equal(set.curves[0].name, "quick batch=64 on cifar");
    assert_string_equal(set.curves[1].name, "a on synthetic:1:2000");
    assert_true(set.curves[0].value[CURVES_TEST_ACC][0].n == 3 && set.curves[1].value[CURVES_TEST_ACC][0].n == 1);
    struct figure *figure = curve_page_draw(&(struct curve_page){0}, FIGURE_SVG, &set, NULL, 4, &err);
    assert_non_null(figure);
    assert_true(figure_check_says(figure, "mixed: runs of one recipe are on different images"));
    assert_true(figure_check_says(figure, "a on synthetic:1:2000"));
    assert_false(figure_check_says(figure, "logarithmic"));
    figure_free(figure);
    figure = curve_page_draw(&(struct curve_page){.log_axes = 1}, FIGURE_SVG, &set, NULL, 4, &err);
    assert_non_null(figure);
    assert_true(figure_check_says(figure, "logarithmic: the loss, and of the accuracy what is lacking to 100 %"));
    figure_free(figure);
    curve_set_release(&set);
    strcpy(of[2].data, "/elsewhere/cifar");
    must(curve_set_init(&set, runs, 4, 0, &err), &err);
    assert_string_equal(set.curves[0].name, "quick batch=64 on cifar 01234567");
    assert_string_equal(set.curves[1].name, "a on cifar fedcba98");
    curve_set_release(&set);
    must(curve_set_init(&set, runs, 4, 1, &err), &err);
    assert_int_equal(set.n, 4);
    assert_int_equal(set.images_differ, 0);
    assert_string_equal(set.curves[2].name, "a");
    curve_set_release(&set);
    of[2] = of[1]; /* all the same: one mean */
    must(curve_set_init(&set, runs, 4, 0, &err), &err);
    assert_true(set.n == 1 && !set.images_differ && strcmp(set.curves[0].name, "quick batch=64") == 0);
    curve_set_release(&set);
}

/* One of two runs goes on alone: the figure's mean ends before that; one without an epoch is no part of it. */
static void a_mean_ends_where_a_run_does(void **state)
{
    (void)state;
    struct run_log more[2];
    struct curve_run runs[3];
    struct curve_set set;
    struct run_report *reports[3] = {NULL, NULL, NULL};
    struct error err = {""};
    for (int i = 0; i < 2; i++) {
        must(run_log_open(&more[i], NULL, &err), &err);
        struct record start = {.kind = RECORD_START, .as.start = {.steps = 4, .steps_per_epoch = 1}};
        must(run_log_append(&more[i], &start, &err), &err);
    }
    for (uint32_t e = 1; e < 4; e++) {
        struct record epoch = {.kind = RECORD_EPOCH, .step = e, .epoch = e};
        epoch.as.epoch.test_acc = 10;
        must(run_log_append(&more[0], &epoch, &err), &err);
    }
    runs[0] = (struct curve_run){{"short", &logs[0], NULL}, &recipes[0]};
    runs[1] = (struct curve_run){{"long", &more[0], NULL}, &recipes[1]};
    runs[2] = (struct curve_run){{"none", &more[1], NULL}, &recipes[1]};
    must(curve_set_init(&set, runs, 3, 0, &err), &err);
    assert_int_equal(set.n, 1);
    assert_true(set.curves[0].measured == 2 && set.curves[0].unfinished == 1 && set.curves[0].unfinished_from == 1);
    static const char *const wanted[] = {"mean of 2 of 3 runs", "test accuracy after 1 epoch: mean 20.00 %",
                                         "no further than epoch 1, where one ended"};
    struct figure *figure = curve_page_draw(&(struct curve_page){0}, FIGURE_SVG, &set, reports, 3, &err);
    assert_non_null(figure);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!figure_check_says(figure, wanted[i]))
            fail_msg("the figure does not say \"%s\"", wanted[i]);
    figure_free(figure);
    curve_set_release(&set);
    for (int i = 0; i < 2; i++)
        run_log_release(&more[i]);
}

/* Device and commit are in timing.json, the rest in program.json; what neither says is not known. */
static void a_folder_tells(void **state)
{
    (void)state;
    static struct curve_origin origin;
    static const char program[] = "{\"data\":\"synthetic\",\"data_sha256\":\"12ab\",\"family\":\"ref\",\"library\":"
                                  "\"none\",\"precision\":\"f32\",\"threads\":3,"
                                  "\"isa\":\"scalar\",\"davidnet\":\"0.0.9\"}";
    char parent[] = "/tmp/davidnet-curves-XXXXXX";
    struct run_folder folder;
    struct error err = {""};
    struct timing timing;
    assert_non_null(mkdtemp(parent));
    fake_folder_make(
        parent,
        &(struct fake_folder){
            .name = "told", .preset = "quick", .seed = 5, .epochs = 1, .epoch_seconds = 1, .end = RUN_END_DONE});
    must(run_folder_find_in(&folder, parent, "told", &err), &err);
    must(run_folder_replace(&folder, "program.json", program, strlen(program), &err), &err);
    curve_origin_init(&origin, &recipes[0], &folder);
    assert_string_equal(origin.family, "ref");
    assert_int_equal(origin.threads, 3);
    assert_string_equal(origin.data, "synthetic");
    assert_string_equal(origin.data_sha256, "12ab");
    assert_string_equal(origin.machine.davidnet, "0.0.9");
    assert_string_equal(origin.machine.device, "");
    assert_string_equal(origin.recipe.run, "told");
    fake_timing(&timing, 0, 1);
    char *text = timing_to_json(&timing, &err);
    assert_non_null(text);
    must(run_folder_replace(&folder, "timing.json", text, strlen(text), &err), &err);
    free(text);
    timing_release(&timing);
    curve_origin_init(&origin, &recipes[0], &folder);
    assert_string_equal(origin.machine.device, "Some Processor @ 2.50GHz");
    assert_string_equal(origin.machine.commit, "0123456789");
    assert_string_equal(origin.machine.davidnet, "0.0.9"); /* as it was frozen */
    assert_string_equal(origin.machine.isa, "scalar");
    assert_int_equal(folder_remove(parent, NULL), 0);
    curve_origin_init(&origin, &recipes[0], NULL); /* before any run: this davidnet */
    assert_string_equal(origin.machine.davidnet, DAVIDNET_VERSION);
    assert_true(origin.recipe.run[0] == '\0' && origin.threads == 0 && origin.recipe.seed == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_say_whose_they_are),      cmocka_unit_test(means_say_whose_they_are),
        cmocka_unit_test(a_figure_says_whose_they_are), cmocka_unit_test(other_images_are_no_mean),
        cmocka_unit_test(a_mean_ends_where_a_run_does), cmocka_unit_test(a_folder_tells),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
