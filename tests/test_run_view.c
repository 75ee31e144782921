/*
 * The Run screen: golden screens in tests/golden/run-*.txt (GOLDEN=update rewrites them; look at the difference
 * before committing it), and every small size.
 */
#include "tests/golden_screen.h"
#include "tests/run_fixture.h"
#include "views/format.h"
#include "views/frame.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct frame_key keys[] = {
    {"p", "pause", "Pause the run, or let it go on", "Run", 0, NULL},
    {"x", "stop", "Stop the run", "Run", 0, NULL},
    {"s", "smooth", "Smoothing", "View", 0, NULL},
    {"?", "help", "This screen", "Everywhere", 1, NULL},
    {"q", "quit", "Quit", "Everywhere", 1, NULL},
};

static void draw(const void *data, struct grid *grid, struct rect area)
{
    const struct run_model *model = data;
    static const char *const screens[] = {"Run"};
    const struct trainer_status *status = &model->status;
    struct frame_model frame = {.screens = screens,
                                .n_screens = 1,
                                .run = status->run,
                                .state = trainer_phase_name(status->phase),
                                .state_color = run_phase_color(status->phase),
                                .train_seconds = status->train_seconds,
                                .speedrun_seconds = status->speedrun_seconds,
                                .wall_seconds = status->wall_seconds,
                                .keys = keys,
                                .n_keys = 5};
    struct rect body = frame_draw(&frame, grid, area);
    run_view_draw(model, grid, body);
}

static void test_golden_training(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 1300);
    golden_check_sizes("run-training", draw, &f.model);
    f.model.view.log_axes = f.model.view.whole_range = 1;
    golden_check("run-log", 80, 24, 0, draw, &f.model);
    f.model.view.focus = RUN_LOSS;
    f.model.view.zoomed = 1;
    golden_check("run-zoomed", 80, 24, 1, draw, &f.model);
    run_fixture_close(&f);
}

static void test_golden_other_states(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 0);
    snprintf(f.model.notice, sizeof f.model.notice, "synthetic data: press f to fetch CIFAR-10");
    golden_check("run-loading", 80, 24, 0, draw, &f.model);
    run_fixture_close(&f);
    run_fixture_open(&f, 1372);
    f.status.phase = TRAINER_EVALUATING; /* a long one moves, too */
    f.status.evaluated = 7;
    f.status.to_evaluate = 20;
    assert_int_equal(run_model_update(&f.model, &f.log, &f.status), 1);
    golden_check("run-evaluating", 80, 24, 0, draw, &f.model);
    f.status.evaluated++;
    assert_int_equal(run_model_update(&f.model, &f.log, &f.status), 1);
    run_fixture_close(&f);
    run_fixture_open(&f, 100000);
    golden_check("run-done", 80, 24, 0, draw, &f.model);
    snprintf(f.status.error, sizeof f.status.error, "step 2352: the loss is not a finite number");
    f.status.phase = TRAINER_FAILED;
    run_model_update(&f.model, &f.log, &f.status);
    golden_check("run-failed", 80, 24, 1, draw, &f.model);
    run_fixture_close(&f);
}

/* ---- other runs ---- */

/* A run like the one on the screen, but for so many percent and epochs. */
static struct run_entry *make_other(const char *name, double worse, size_t epochs)
{
    struct run_entry *e = calloc(1, sizeof *e);
    double *block = calloc(7 * epochs, sizeof *block);
    if (!e || !block)
        abort();
    double **const arrays[] = {&e->epoch,     &e->lr,       &e->train_loss,   &e->train_acc,
                               &e->test_loss, &e->test_acc, &e->train_seconds};
    for (size_t i = 0; i < 7; i++)
        *arrays[i] = block + i * epochs;
    e->users = 1;
    e->n_epochs = epochs;
    snprintf(e->folder.name, sizeof e->folder.name, "%s", name);
    for (size_t i = 0; i < epochs; i++) {
        e->epoch[i] = (double)i + 1;
        e->lr[i] = 0.3 * (1 - (double)i / (double)epochs);
        e->test_acc[i] = 95 - worse - 60 * exp(-((double)i + 1) / 3);
        e->test_loss[i] = (102 - e->test_acc[i]) / 30;
    }
    return e;
}

static void test_overlays(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 1300);
    struct run_entry *a = make_other("davidnet-79-20260228-230000", 4, 24), *b = make_other("no-flip", 12, 30);
    const struct run_overlay overlays[] = {{a, 'a', COLOR_RUN_A}, {b, 'b', COLOR_RUN_B}};
    run_model_overlay(&f.model, overlays, 2);
    run_entry_free(a); /* the model keeps what it shows */
    run_entry_free(b);
    f.model.forecast = (struct forecast){.ground = 1,
                                         .runs = 9,
                                         .reached = 7,
                                         .low = 0.4526,
                                         .high = 0.9368,
                                         .epoch_low = 22,
                                         .epoch_high = 24,
                                         .seconds_low = 2520,
                                         .seconds_high = 2750};
    golden_check("run-overlays", 80, 24, 0, draw, &f.model);
    golden_check("run-overlays", 120, 40, 0, draw, &f.model);
    golden_check("run-overlays", 120, 40, 1, draw, &f.model);
    run_model_start(&f.model, &f.recipe); /* another run: they stay */
    assert_int_equal(f.model.n_overlays, 2);
    run_model_overlay(&f.model, overlays + 1, 1);
    assert_int_equal(f.model.n_overlays, 1);
    run_fixture_close(&f);
}

static void says(struct run_model *model, int wide, const char *text)
{
    char out[160];
    assert_int_equal(run_forecast_text(model, wide, out, sizeof out), *text != '\0');
    assert_string_equal(out, text);
}

#define MARKED                                                                                                         \
    "e\xCC\x81"                                                                                                        \
    "e\xCC\x81"                                                                                                        \
    "e\xCC\x81"                                                                                                        \
    "e\xCC\x81"                                                                                                        \
    "e\xCC\x81"

/* A run's folder can have any name; the legend is cut between characters, a mark stays with its letter. */
static int axis_has_100(const struct run_model *model)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, 60, 20), 0);
    run_accuracy_draw(model, &grid, (struct rect){0, 0, 60, 20});
    char *text = grid_text(&grid);
    int found = strstr(text, "100┤") != NULL;
    free(text);
    grid_release(&grid);
    return found;
}

/* Where target and accuracies are far from 100 %, half of the panel would be empty up there, from the first step on. */
static void test_axis_of_accuracy_ends_above_the_best(void **state)
{
    (void)state;
    static const uint32_t steps[] = {0, 40, 200};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct run_fixture f;
        run_fixture_open(&f, steps[i]);
        assert_true(axis_has_100(&f.model)); /* for a target of 94 % */
        f.model.target = 60;
        assert_false(axis_has_100(&f.model));
        run_fixture_close(&f);
    }
}

/* The rightmost column of the drawn curve of tests. */
static int last_test_point(const struct run_model *model)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, 100, 20), 0);
    grid.ascii = 1;
    run_accuracy_draw(model, &grid, (struct rect){0, 0, 100, 20});
    int last = golden_last_column(&grid, (struct rect){0, 2, 100, 15}, '*'); /* without the legend */
    grid_release(&grid);
    return last;
}

/* In whole steps a run is a little longer than its recipe's epochs where these are a fraction. */
static void test_the_last_evaluation_is_shown(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 100000);
    int whole = last_test_point(&f.model);
    f.model.epochs -= 0.004;
    assert_int_equal(last_test_point(&f.model), whole);
    run_fixture_close(&f);
}

static int says_whole_screen(const struct run_model *model, const char *what)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, 120, 40), 0);
    run_view_draw(model, &grid, (struct rect){0, 0, 120, 40});
    char *text = grid_text(&grid);
    int found = strstr(text, what) != NULL;
    free(text);
    grid_release(&grid);
    return found;
}

/* What a run that is over came to does not depend on how its curves are smoothed; of one that trains it is said. */
static void test_numbers_beside_smoothing(void **state)
{
    (void)state;
    static const double weights[] = {0, 0.9, 0.97};
    struct run_fixture f;
    char accuracy[32];
    run_fixture_open(&f, 100000);
    snprintf(accuracy, sizeof accuracy, "%.2f %%", f.model.train_acc[f.model.n_epochs - 1]);
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        f.model.view.smoothing = weights[i];
        run_model_update(&f.model, &f.log, &f.status);
        assert_true(says_whole_screen(&f.model, accuracy) && !says_whole_screen(&f.model, "smoothed"));
    }
    run_fixture_close(&f);
    run_fixture_open(&f, 500);
    assert_true(says_whole_screen(&f.model, "train, smoothed") && says_whole_screen(&f.model, "loss, smoothed"));
    f.model.view.smoothing = 0;
    assert_false(says_whole_screen(&f.model, "smoothed"));
    run_fixture_close(&f);
}

/* The seed is the end of the recipe in one line: it is seen where the middle is not. */
static void test_a_long_recipe_keeps_its_seed(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 500);
    snprintf(f.model.summary, sizeof f.model.summary, "%0*d, seed 4711", 150, 0);
    assert_true(says_whole_screen(&f.model, "0, seed 4711"));
    run_fixture_close(&f);
}

static void test_overlays_of_any_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "na\xC3\xAFve-\xC3\xA9tude-sur-les-r\xC3\xA9seaux-\xC3\xA9troits",
        "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xAE\xE9\x95\xB7\xE3\x81\x84\xE5\x90\x8D\xE5\x89\x8D\xE3\x81\xAE"
        "\xE5\xAE\x9F\xE9\xA8\x93",
        MARKED MARKED MARKED};
    struct run_fixture f;
    run_fixture_open(&f, 1300);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct run_entry *entry = make_other(names[i], 4, 24);
        const struct run_overlay overlay = {entry, 'a', COLOR_RUN_A};
        run_model_overlay(&f.model, &overlay, 1);
        run_entry_free(entry);
        for (int width = 40; width <= 200; width += 7) {
            struct grid grid;
            assert_int_equal(grid_init(&grid, width, 50), 0);
            draw(&f.model, &grid, (struct rect){0, 0, width, 50});
            char *text = grid_text(&grid);
            assert_null(strstr(text, "\xEF\xBF\xBD"));
            assert_true(width < 200 || strstr(text, "..") != NULL || i == 2);
            free(text);
            grid_release(&grid);
        }
    }
    run_fixture_close(&f);
}

static void test_forecast_text(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 1300);
    struct run_model *m = &f.model;
    says(m, 1, ""); /* nobody asked */
    m->forecast = (struct forecast){.runs = 2, .reached = 2};
    says(m, 1, "forecast of 94 %: from 3 earlier runs of this recipe on (2 so far)");
    says(m, 0, "forecast of 94 %: from 3 earlier runs on (2 so far)");
    m->forecast.earlier = 5;
    says(m, 1, "94 %: 5 of 7 earlier runs of this recipe were there by now");
    m->forecast = (struct forecast){.ground = 1, .runs = 5, .low = 0, .high = 0.4345};
    says(m, 1, "94 %: none of 5 earlier runs of this recipe got there from here (chance 0-43 %)");
    m->forecast = (struct forecast){.ground = 1,
                                    .runs = 9,
                                    .reached = 7,
                                    .low = 0.4526,
                                    .high = 0.9368,
                                    .epoch_low = 22,
                                    .epoch_high = 24,
                                    .seconds_low = 730.4,
                                    .seconds_high = 842};
    says(m, 1, "94 %: 7 of 9 earlier runs of this recipe (chance 45-94 %), after 12:10-14:02 of training, epoch 22-24");
    says(m, 0, "94 %: 7 of 9 earlier runs (45-94 %), at 12:10-14:02");
    m->forecast.seconds_low = m->forecast.seconds_high = NAN;
    m->forecast.epoch_low = 24;
    says(m, 0, "94 %: 7 of 9 earlier runs (45-94 %), at epoch 24");
    m->status.seconds_to_target = 700; /* it is there */
    says(m, 1, "");
    m->status.seconds_to_target = NAN;
    m->status.phase = TRAINER_STOPPED;
    says(m, 1, "");
    run_fixture_close(&f);
}

/* No byte outside the cells (ASan watches), no cell outside the area, whatever the size and state. */
static void test_small_sizes(void **state)
{
    (void)state;
    static const uint32_t steps[] = {0, 1, 5, 98, 500};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        struct run_fixture f;
        run_fixture_open(&f, steps[s]);
        for (int zoom = 0; zoom <= RUN_PANELS; zoom++) {
            f.model.view.zoomed = zoom > 0;
            f.model.view.focus = zoom % RUN_PANELS;
            for (int i = 0; i < 13 * 13 + 40; i++) {
                struct grid grid;
                int w = i < 169 ? i % 13 : 10 + (i * 7) % 120, h = i < 169 ? i / 13 : 3 + (i * 5) % 40;
                assert_int_equal(grid_init(&grid, w, h), 0);
                grid.ascii = (i + zoom) % 2;
                draw(&f.model, &grid, (struct rect){0, 0, grid.w, grid.h});
                grid_clear(&grid);
                put_fill(&grid, (struct rect){0, 0, w, h}, COLOR_DEFAULT, COLOR_DEFAULT, "@");
                struct rect part = {w / 4, h / 4, w / 2, h / 2};
                run_view_draw(&f.model, &grid, part);
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++)
                        if (x < part.x || x >= part.x + part.w || y < part.y || y >= part.y + part.h)
                            assert_string_equal(grid_at(&grid, x, y)->text, "@");
                grid_release(&grid);
            }
        }
        run_fixture_close(&f);
    }
}

/* What to do comes last, and must not be cut. */
static void test_a_long_notice_is_told_whole(void **state)
{
    (void)state;
    struct run_fixture f;
    struct grid grid;
    run_fixture_open(&f, 700);
    snprintf(
        f.model.notice, sizeof f.model.notice,
        "the fetch has failed: the server at www.cs.toronto.edu could not be reached after five tries, the last one "
        "refused; press f to go on");
    for (int w = 40; w <= 120; w += 40) {
        assert_int_equal(grid_init(&grid, w, 24), 0);
        draw(&f.model, &grid, (struct rect){0, 0, grid.w, grid.h});
        char *text = grid_text(&grid);
        assert_non_null(strstr(text, "the fetch has"));
        assert_non_null(strstr(text, "go on"));
        free(text);
        grid_release(&grid);
    }
    run_fixture_close(&f);
}

static void test_ascii_is_ascii(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 700);
    snprintf(f.model.notice, sizeof f.model.notice, "fetching, \xC3\xA9t\xC3\xA9");
    struct grid grid;
    assert_int_equal(grid_init(&grid, 120, 40), 0);
    grid.ascii = 1;
    draw(&f.model, &grid, (struct rect){0, 0, grid.w, grid.h});
    char *text = grid_text(&grid);
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c < 0x80);
    free(text);
    grid_release(&grid);
    run_fixture_close(&f);
}

static void test_drawing_changes_nothing(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 500);
    struct run_model before = f.model;
    double *copy = malloc(f.model.n_steps * sizeof *copy);
    memcpy(copy, f.model.smooth_loss, f.model.n_steps * sizeof *copy);
    struct grid grid;
    assert_int_equal(grid_init(&grid, 100, 30), 0);
    draw(&f.model, &grid, (struct rect){0, 0, grid.w, grid.h});
    assert_memory_equal(&before, &f.model, sizeof before);
    assert_memory_equal(copy, f.model.smooth_loss, f.model.n_steps * sizeof *copy);
    free(copy);
    grid_release(&grid);
    run_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_training),
        cmocka_unit_test(test_golden_other_states),
        cmocka_unit_test(test_overlays),
        cmocka_unit_test(test_the_last_evaluation_is_shown),
        cmocka_unit_test(test_numbers_beside_smoothing),
        cmocka_unit_test(test_a_long_recipe_keeps_its_seed),
        cmocka_unit_test(test_overlays_of_any_name),
        cmocka_unit_test(test_forecast_text),
        cmocka_unit_test(test_small_sizes),
        cmocka_unit_test(test_ascii_is_ascii),
        cmocka_unit_test(test_drawing_changes_nothing),
        cmocka_unit_test(test_axis_of_accuracy_ends_above_the_best),
        cmocka_unit_test(test_a_long_notice_is_told_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
