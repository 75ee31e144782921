/*
 * The Run screen's model: what it and the status take from a log.
 */
#include "tests/run_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct run_log *log, struct record record)
{
    struct error err;
    assert_int_equal(run_log_append(log, &record, &err), 0);
}

/* What the accuracy's axis ends at, without a walk over all steps in each frame. */
static void expect_best_step(const struct run_model *model)
{
    double best = NAN;
    for (size_t i = 0; i < model->n_steps; i++)
        best = fmax(best, model->step_acc[i]);
    assert_true(isfinite(best) && model->best_step_acc == best);
}

static void test_model_follows_the_log(void **state)
{
    (void)state;
    struct run_fixture f;
    run_fixture_open(&f, 300);
    assert_int_equal(f.model.n_steps, 300);
    assert_int_equal(f.model.n_epochs, 3);
    assert_true(fabs(f.model.step_x[97] - 1) < 1e-12);
    assert_int_equal(run_model_update(&f.model, &f.log, &f.status), 0); /* nothing new */
    expect_best_step(&f.model);
    double best = f.model.best_step_acc;

    /* Back to step 200: what came after no longer holds. */
    add(&f.log, (struct record){.kind = RECORD_REWIND, .step = 200});
    assert_int_equal(run_model_update(&f.model, &f.log, &f.status), 1);
    assert_int_equal(f.model.n_steps, 200);
    assert_int_equal(f.model.n_epochs, 2);
    expect_best_step(&f.model);
    assert_true(f.model.best_step_acc < best);
    struct record step = {.kind = RECORD_STEP, .step = 201};
    step.as.step.loss = step.as.step.accuracy = NAN;
    add(&f.log, step);
    assert_int_equal(run_model_update(&f.model, &f.log, &f.status), 1);
    assert_int_equal(f.model.n_steps, 201);
    assert_true(isnan(f.model.step_loss[200]) && isnan(f.model.smooth_loss[200]));
    expect_best_step(&f.model);

    f.model.view.smoothing = 0.5;
    double before = f.model.smooth_acc[150];
    assert_int_equal(run_model_update(&f.model, &f.log, &f.status), 1);
    assert_true(f.model.smooth_acc[150] != before);
    for (size_t i = 1; i < f.model.n_steps; i++)
        assert_true(f.model.step_x[i] >= f.model.step_x[i - 1]);
    run_fixture_close(&f);
}

static void test_status_from_log(void **state)
{
    (void)state;
    struct run_fixture f;
    struct trainer_status status;
    run_fixture_open(&f, 100000);
    run_status_from_log(&f.log, &f.recipe, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED); /* it never said that it ended */
    assert_int_equal(status.step, f.status.step);
    assert_true(status.speedrun_seconds >= status.train_seconds);
    assert_true(fabs(status.best_acc - f.status.best_acc) < 1e-5); /* a float's decimal */
    assert_true(fabs(status.seconds_to_target - f.status.seconds_to_target) < 1e-9);
    add(&f.log, (struct record){.kind = RECORD_END, .as.end.how = RUN_END_DONE});
    run_status_from_log(&f.log, &f.recipe, &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    double wall = status.wall_seconds; /* the last epoch's: this end does not tell it */
    struct record end = {.kind = RECORD_END, .as.end.how = RUN_END_FAILED};
    snprintf(end.as.end.text, sizeof end.as.end.text, "the disk is full");
    end.as.end.wall_seconds = wall + 0.5;
    add(&f.log, end);
    run_status_from_log(&f.log, &f.recipe, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_true(wall > 0 && status.wall_seconds == wall + 0.5);
    assert_string_equal(status.error, "the disk is full");
    run_fixture_close(&f);
}

/* A resume goes back to a checkpoint: what came after it holds no more, from the REWIND on. */
static void test_status_after_a_rewind(void **state)
{
    (void)state;
    static struct run_log log;
    struct recipe recipe = {.target = 93.7, .batch = 512};
    struct trainer_status status;
    struct error err;
    assert_int_equal(run_log_open(&log, NULL, &err), 0);
    add(&log, (struct record){.kind = RECORD_START, .as.start = {.steps = 392, .steps_per_epoch = 98}});
    add(&log, (struct record){.kind = RECORD_STEP, .step = 98, .as.step = {.loss = 1.5, .train_seconds = 100}});
    add(&log, (struct record){.kind = RECORD_EPOCH,
                              .step = 98,
                              .as.epoch = {.train_seconds = 100, .speedrun_seconds = 110, .test_acc = 93.7f}});
    add(&log, (struct record){.kind = RECORD_STEP, .step = 196, .as.step = {.loss = 0.5, .train_seconds = 200}});
    add(&log, (struct record){.kind = RECORD_EPOCH,
                              .step = 196,
                              .as.epoch = {.train_seconds = 200, .speedrun_seconds = 210, .test_acc = 95}});
    struct record end = {.kind = RECORD_END, .step = 196, .as.end.how = RUN_END_FAILED};
    snprintf(end.as.end.text, sizeof end.as.end.text, "the disk is full");
    add(&log, end);
    run_status_from_log(&log, &recipe, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_int_equal(status.step, 196);
    assert_true(status.best_acc == 95 && status.speedrun_seconds == 210);

    add(&log, (struct record){.kind = RECORD_REWIND, .step = 98});
    run_status_from_log(&log, &recipe, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    assert_string_equal(status.error, "");
    assert_int_equal(status.step, 98);
    assert_true(status.loss == 1.5 && status.train_seconds == 100 && status.speedrun_seconds == 110);
    assert_true(status.best_acc == 93.7 && status.test_acc == 93.7);
    assert_true(status.seconds_to_target == 100); /* 93.7 as a float is less than 93.7 */

    add(&log, (struct record){.kind = RECORD_STEP, .step = 99, .as.step = {.loss = 1.4, .train_seconds = 101}});
    run_status_from_log(&log, &recipe, &status);
    assert_int_equal(status.step, 99);
    assert_true(status.loss == 1.4 && status.speedrun_seconds == 101);
    assert_string_equal(status.error, "");

    add(&log, (struct record){.kind = RECORD_REWIND, .step = 0});
    run_status_from_log(&log, &recipe, &status);
    assert_int_equal(status.step, 0);
    assert_true(isnan(status.loss) && isnan(status.train_seconds) && isnan(status.seconds_to_target));
    run_log_release(&log);
}

/* The forecast and the charts see the same accuracies as the status. */
static void test_a_target_is_reached_exactly(void **state)
{
    (void)state;
    static struct run_log log;
    struct recipe recipe = {.target = 93.7, .batch = 512, .epochs = 4};
    struct run_model model;
    struct trainer_status status;
    struct error err;
    assert_int_equal(run_log_open(&log, NULL, &err), 0);
    add(&log, (struct record){.kind = RECORD_START, .as.start = {.steps = 392, .steps_per_epoch = 98}});
    add(&log, (struct record){.kind = RECORD_EPOCH, .step = 98, .as.epoch = {.train_acc = 57.28f, .test_acc = 93.7f}});
    run_model_init(&model);
    run_model_start(&model, &recipe);
    run_status_from_log(&log, &recipe, &status);
    assert_int_equal(run_model_update(&model, &log, &status), 1);
    assert_int_equal(model.n_epochs, 1);
    assert_true(model.test_acc[0] == 93.7 && model.train_acc[0] == 57.28);
    run_model_release(&model);
    run_log_release(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_follows_the_log),
        cmocka_unit_test(test_status_from_log),
        cmocka_unit_test(test_status_after_a_rewind),
        cmocka_unit_test(test_a_target_is_reached_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
