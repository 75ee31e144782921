/* Curves of runs: mean and spread worked out by hand, families, what is to come; and the figure of them. */
#include "engine/curve_set.h"
#include "tests/fake_run.h"
#include "tests/figure_checks.h"
#include "views/figure_chart.h"
#include "views/figure_curves.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUNS 4

static struct recipe recipes[RUNS];
static struct run_log logs[RUNS];
static const char *const names[RUNS] = {"one", "two, with a comma", "three", "other"};

static void epoch_record(struct run_log *log, uint32_t step, double test_acc, double test_loss)
{
    struct error err = {""};
    struct record r = {.kind = RECORD_EPOCH, .step = step, .epoch = step / 2};
    r.as.epoch.lr = 0.1 * step;
    r.as.epoch.test_acc = (float)test_acc;
    r.as.epoch.test_loss = test_loss;
    r.as.epoch.train_acc = 50;
    r.as.epoch.train_loss = 1;
    struct record s = {.kind = RECORD_STEP, .step = step, .epoch = step / 2};
    s.as.step.lr = 0.1 * step;
    s.as.step.loss = 1;
    s.as.step.accuracy = 50;
    assert_int_equal(run_log_append(log, &s, &err), 0);
    assert_int_equal(run_log_append(log, &r, &err), 0);
}

/* Three runs of one recipe with other seeds, two steps an epoch, of which the third ended early; one of another. */
static int setup(void **state)
{
    (void)state;
    static const double accuracies[RUNS][3] = {{50, 80, 94.5}, {60, 82, NAN}, {40, -1, -1}, {10, 20, 30}};
    struct error err = {""};
    for (int i = 0; i < RUNS; i++) {
        struct recipe_request request = {
            .preset = "davidnet-79", .n_sets = 1, .sets = {i < 3 ? "epochs=24" : "batch=64"}};
        assert_int_equal(recipe_resolve(&request, &recipes[i], &err), 0);
        recipes[i].seed = i + 1;
        assert_int_equal(run_log_open(&logs[i], NULL, &err), 0);
        struct record start = {.kind = RECORD_START};
        start.as.start.steps = 48;
        start.as.start.steps_per_epoch = 2;
        assert_int_equal(run_log_append(&logs[i], &start, &err), 0);
        for (uint32_t e = 0; e < 3 && !(accuracies[i][e] < 0); e++)
            epoch_record(&logs[i], 2 * (e + 1), accuracies[i][e], 1.0 / (e + 1));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < RUNS; i++)
        run_log_release(&logs[i]);
    return 0;
}

static void make_set(struct curve_set *set, int count, int each)
{
    struct curve_run runs[RUNS];
    struct error err = {""};
    for (int i = 0; i < RUNS; i++)
        runs[i] = (struct curve_run){{names[i], &logs[i], NULL}, &recipes[i]};
    assert_int_equal(curve_set_init(set, runs, count, each, &err), 0);
}

static void expect(const struct curve_value *v, int n, double mean, double sd, double min, double max)
{
    const double got[] = {v->mean, v->sd, v->min, v->max}, wanted[] = {mean, sd, min, max};
    assert_int_equal(v->n, n);
    for (int i = 0; i < 4; i++)
        assert_true(isnan(wanted[i]) ? isnan(got[i]) : fabs(got[i] - wanted[i]) < 1e-9);
}

static void means_by_hand(void **state)
{
    (void)state;
    struct curve_set set;
    make_set(&set, RUNS, 0);
    assert_int_equal(set.n, 2);
    const struct curve *c = &set.curves[0];
    assert_int_equal(c->n_runs, 3);
    assert_string_equal(c->runs[1], names[1]);
    assert_string_equal(c->name, "davidnet-79");
    assert_int_equal(c->n_epochs, 3);
    assert_true(c->epoch[0] == 1 && c->epoch[2] == 3);
    expect(&c->value[CURVES_TEST_ACC][0], 3, 50, 10, 40, 60);
    expect(&c->value[CURVES_TEST_ACC][1], 2, 81, sqrt(2), 80, 82);
    expect(&c->value[CURVES_TEST_ACC][2], 1, 94.5, NAN, 94.5, 94.5); /* the other one was not evaluated */
    expect(&c->value[CURVES_TEST_LOSS][2], 2, 1.0 / 3, 0, 1.0 / 3, 1.0 / 3);
    expect(&c->value[CURVES_SPEEDRUN_SECONDS][0], 3, 0, 0, 0, 0);
    assert_int_equal(c->unfinished, 1);
    assert_int_equal(c->measured, 3);
    assert_true(curve_whole(c, CURVES_TEST_ACC) == 3 && curve_whole(&set.curves[1], CURVES_TEST_ACC) == 1);
    assert_true(c->unfinished_from == 1);
    assert_int_equal(c->n_steps, 3);
    /* The schedule goes on where the furthest run is: knots at 0, 5 and 24 epochs. */
    assert_true(c->n_ahead > 10 && c->ahead[0] == 3 && c->ahead[c->n_ahead - 1] == 24);
    int corner = 0;
    for (size_t i = 0; i < c->n_ahead; i++) {
        assert_true(i == 0 || c->ahead[i] >= c->ahead[i - 1]);
        assert_true(c->ahead_lr[i] == recipe_lr(&recipes[0], c->ahead[i]));
        corner |= c->ahead[i] == 5;
    }
    assert_true(corner);
    assert_string_equal(set.curves[1].name, "other");
    assert_int_equal(set.curves[1].n_runs, 1);
    curve_set_release(&set);
    make_set(&set, RUNS, 1);
    assert_int_equal(set.n, 4);
    assert_string_equal(set.curves[2].name, "three");
    curve_set_release(&set);
}

static void means_as_text(void **state)
{
    (void)state;
    struct curve_set set;
    struct error err = {""};
    char *text;
    size_t size;
    make_set(&set, 3, 0);
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(curve_set_write_csv(&set, out, &err), 0);
    fclose(out);
    assert_int_equal(
        strncmp(text, "curve,runs,epoch,quantity,n,mean,sd,min,max,run,name,value\ndavidnet-79,3,1,lr,3,0.2,", 81), 0);
    assert_non_null(strstr(text, "\ndavidnet-79,3,1,test_acc,3,50,10,40,60,,,\n"));
    assert_non_null(strstr(text, "\ndavidnet-79,3,3,test_acc,1,94.5,,94.5,94.5,,,\n"));
    free(text);
    out = open_memstream(&text, &size);
    assert_int_equal(curve_set_write_json(&set, out, &err), 0);
    fclose(out);
    cJSON *json = cJSON_Parse(text);
    free(text);
    assert_string_equal(cJSON_GetObjectItem(json, "format")->valuestring, "davidnet-curves-mean");
    const cJSON *curve = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "curves"), 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(curve, "runs")), 3);
    const cJSON *acc = cJSON_GetObjectItem(curve, "test_acc");
    assert_true(cJSON_GetArrayItem(cJSON_GetObjectItem(acc, "mean"), 1)->valuedouble == 81);
    assert_true(cJSON_IsNull(cJSON_GetArrayItem(cJSON_GetObjectItem(acc, "sd"), 2)));
    cJSON_Delete(json);
    curve_set_release(&set);
}

static void a_schedule_before_any_run(void **state)
{
    (void)state;
    static struct curve_origin origin; /* large */
    struct curve_set set;
    struct error err = {""};
    char *text;
    size_t size;
    curve_origin_init(&origin, &recipes[0], NULL);
    assert_int_equal(curve_set_schedule(&set, &recipes[0], "a, b", &err), 0);
    for (int json = 0; json < 2; json++) {
        FILE *out = open_memstream(&text, &size);
        assert_int_equal(curve_set_write_schedule(&set, &origin, json, out, &err), 0);
        fclose(out);
        if (json)
            assert_non_null(strstr(text, "\"version\":1,\"curves\":[{\"curve\":\"a, b\",\"recipe\":\"davidnet-79\","));
        else
            assert_non_null(strstr(text, "curve,epoch,lr,name,value\n,,,recipe,davidnet-79\n,,,summary,\""));
        assert_non_null(strstr(text, json ? "\"device\":null,\"isa\":null," : "\n,,,device,\n"));
        assert_non_null(strstr(text, json ? "\"epoch\":[0," : "\n\"a, b\",0,0,,\n"));
        assert_true(json || strstr(text, "\n\"a, b\",5,0.4,,\n") != NULL);
        free(text);
    }
    curve_set_release(&set);
}

static struct figure *draw(const struct curve_set *set, enum figure_format format, double w, double h, int log_axes)
{
    const struct figure_curves curves = {set, FIGURE_BAND_RANGE, log_axes};
    struct figure *figure = figure_check_new(format, w, h, 0);
    figure_curves_draw(figure, &curves, figure_content(figure));
    return figure;
}

static void a_figure_says_what_it_shows(void **state)
{
    (void)state;
    static const char *const several[] = {"learning rate",
                                          "epochs",
                                          "94 %",
                                          "target",
                                          "test",
                                          "train, mean of an epoch",
                                          "still to come",
                                          "least to greatest of the runs",
                                          "davidnet-79, mean of 3 runs (to epoch 1, where one ended)",
                                          "other"};
    struct curve_set set;
    make_set(&set, RUNS, 0);
    for (int log_axes = 0; log_axes < 2; log_axes++) {
        struct figure *figure = draw(&set, FIGURE_SVG, 520, 560, log_axes);
        for (size_t i = 0; i < sizeof several / sizeof *several; i++)
            if (!figure_check_says(figure, several[i]))
                fail_msg("the figure does not say \"%s\"", several[i]);
        assert_int_equal(figure_check_count(figure, "loss (nats)"), !log_axes);
        assert_int_equal(figure_check_count(figure, "accuracy (%)"), !log_axes);
        assert_int_equal(figure_check_count(figure, "loss (nats, log)"), log_axes);
        assert_int_equal(figure_check_count(figure, "accuracy (%, log)"), log_axes);
        assert_false(figure_check_says(figure, "train, each step"));
        assert_int_equal(figure_check_says(figure, "95"), log_axes); /* as far from 90 as that is from 80 */
        assert_int_equal(figure_check_says(figure, "0.5"), log_axes);
        figure_check_texts(figure);
        figure_free(figure);
    }
    curve_set_release(&set);
    assert_int_equal(curve_set_schedule(&set, &recipes[0], "x", NULL), 0);
    struct figure *figure = draw(&set, FIGURE_SVG, 520, 300, 0);
    assert_true(figure_check_says(figure, "learning rate") && figure_check_says(figure, "20") &&
                !figure_check_says(figure, "accuracy (%)"));
    figure_free(figure);
    curve_set_release(&set);
}

static void any_size_and_data(void **state)
{
    (void)state;
    struct curve_set sets[3];
    struct recipe recipe;
    struct run_log log;
    struct trainer_status status;
    fake_run(300, &recipe, &log, &status);
    struct record bad = {.kind = RECORD_STEP, .step = 301, .epoch = 4};
    bad.as.step.loss = NAN;
    bad.as.step.lr = INFINITY;
    bad.as.step.accuracy = 1;
    assert_int_equal(run_log_append(&log, &bad, NULL), 0);
    const struct curve_run run = {{"fake", &log, NULL}, &recipe};
    assert_int_equal(curve_set_init(&sets[0], &run, 1, 0, NULL), 0);
    make_set(&sets[1], RUNS, 0);
    make_set(&sets[2], RUNS, 1);
    for (int s = 0; s < 3; s++)
        for (int w = 1; w < 700; w += w < 8 ? 1 : w / 3)
            for (int h = 1; h < 700; h += h < 8 ? 1 : h / 3) {
                struct figure *figure = draw(&sets[s], (enum figure_format)((w + h) % 3), w, h, h % 2);
                char *bytes;
                size_t size;
                figure_check_texts(figure);
                assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
                free(bytes);
                figure_free(figure);
            }
    for (int s = 0; s < 3; s++)
        curve_set_release(&sets[s]);
    run_log_release(&log);
}

/* How many bands of rows, one below another, have something red in them: crosses in COLOR_BAD. */
static int red_bands(struct figure *figure)
{
    int bands = 0, inside = 0;
    cairo_surface_t *image = figure_check_image(figure);
    int w = cairo_image_surface_get_width(image), h = cairo_image_surface_get_height(image);
    assert_true(w > 0 && h > 0);
    for (int y = 0; y < h; y++) {
        int red = 0;
        for (int x = 0; x < w; x++) {
            uint32_t pixel = figure_check_pixel(image, x, y);
            int r = (int)(pixel >> 16), g = (int)(pixel >> 8 & 255), b = (int)(pixel & 255);
            red |= r - g > 50 && abs(g - b) < 16;
        }
        bands += red && !inside;
        inside = red;
    }
    cairo_surface_destroy(image);
    return bands;
}

/* In the legend, and at the foot of loss and accuracy; its loss may well have been finite: a gradient was not. */
static void a_run_that_diverged_is_marked(void **state)
{
    (void)state;
    struct curve_set set;
    struct figure *figure;
    make_set(&set, RUNS, 1);
    assert_int_equal(set.curves[3].n_diverged, 0);
    figure = draw(&set, FIGURE_PNG, 520, 560, 0);
    assert_false(figure_check_says(figure, "diverged"));
    assert_int_equal(red_bands(figure), 0);
    figure_free(figure);
    curve_set_release(&set);

    struct record end = {.kind = RECORD_END, .flags = RECORD_DIVERGED, .step = 2, .epoch = 1};
    end.as.end.how = RUN_END_FAILED;
    assert_int_equal(run_log_append(&logs[2], &end, NULL), 0);
    make_set(&set, RUNS, 1);
    assert_true(set.curves[2].n_diverged == 1 && set.curves[2].diverged[0] == 1);
    figure = draw(&set, FIGURE_PNG, 520, 560, 1);
    assert_true(figure_check_says(figure, "diverged: not a finite number"));
    assert_true(figure_check_says(figure, "three, diverged at epoch 1"));
    assert_int_equal(red_bands(figure), 3);
    figure_free(figure);
    curve_set_release(&set);
    make_set(&set, RUNS, 0);
    figure = draw(&set, FIGURE_PNG, 520, 560, 0);
    assert_true(figure_check_says(figure, "mean of 3 runs, 1 diverged (to epoch 1"));
    assert_int_equal(red_bands(figure), 3);
    figure_free(figure);
    curve_set_release(&set);
}

/* The axes say where values are, and hold those that are far outside near the plot. */
static void places_of_values(void **state)
{
    (void)state;
    const double x[] = {1, 10, 100}, y[] = {1, 10, 100};
    struct chart chart = {.title = "y", .x = {CHART_LOG, 1, 100, 0, "x"}, .y = {CHART_LOG, 1, 100, 0, "z"}};
    chart.series[chart.n_series++] = (struct chart_series){.x = x, .y = y, .n = 3};
    const struct figure_page page = {FIGURE_PNG, 300, 200, 1, NULL, NULL, NULL};
    struct figure *figure = figure_new(&page, NULL);
    struct figure_axes axes;
    assert_int_equal(figure_axes_draw(figure, &chart, "x", 40, 20, figure_content(figure), &axes), 0);
    assert_true(fabs(figure_axes_x(&axes, 10) - axes.plot.x - axes.plot.w / 2) < 1e-9);
    assert_true(fabs(figure_axes_y(&axes, 10) - axes.plot.y - axes.plot.h / 2) < 1e-9);
    assert_true(figure_axes_y(&axes, 1) > figure_axes_y(&axes, 100));
    assert_true(fabs(figure_axes_y(&axes, 1e300)) < 1000);
    assert_true(figure_check_says(figure, "y (z)") && figure_check_says(figure, "100"));
    assert_int_equal(figure_axes_draw(figure, &chart, "x", 40, 20, (struct figure_box){0, 0, 70, 30}, &axes), -1);
    figure_free(figure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_by_hand),
        cmocka_unit_test(means_as_text),
        cmocka_unit_test(a_schedule_before_any_run),
        cmocka_unit_test(a_figure_says_what_it_shows),
        cmocka_unit_test(any_size_and_data),
        cmocka_unit_test(places_of_values),
        cmocka_unit_test(a_run_that_diverged_is_marked), /* last: it ends a run */
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
