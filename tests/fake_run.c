#include "tests/fake_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t noise_state;

/* -1 .. 1, from a small generator of its own. */
static double noise(void)
{
    noise_state = noise_state * 1664525u + 1013904223u;
    return (double)(noise_state >> 8) / 8388608.0 - 1;
}

static void must(int status, const struct error *err)
{
    if (status) {
        fprintf(stderr, "fake_run: %s\n", err->text);
        abort();
    }
}

static double test_accuracy(double epoch, double epochs, double lr)
{
    double learnt = 1 - exp(-epoch / 1.7), settled = pow(epoch / epochs, 3);
    return 10 + 79.5 * learnt + 4.9 * settled - 6 * lr * (1 - settled) + 0.9 * noise() * (1 - settled);
}

static void add_epoch(struct run_log *log, const struct recipe *recipe, uint32_t step, double seconds,
                      struct trainer_status *status)
{
    struct error err;
    double epoch = (double)step / FAKE_STEPS_PER_EPOCH, lr = schedule_at(&recipe->schedule, epoch);
    struct record record = {.kind = RECORD_EPOCH, .step = step, .epoch = (step - 1) / FAKE_STEPS_PER_EPOCH + 1};
    double test = test_accuracy(epoch, recipe->epochs, lr), train = test - 3 + 5.2 * epoch / recipe->epochs;
    record.as.epoch.lr = lr;
    record.as.epoch.test_acc = (float)test;
    record.as.epoch.train_acc = (float)train;
    record.as.epoch.test_loss = 0.02 + 2.2 * pow(1 - test / 101, 0.9);
    record.as.epoch.train_loss = 0.01 + 2.2 * pow(1 - train / 101, 0.9);
    record.as.epoch.train_seconds = record.as.epoch.speedrun_seconds = seconds;
    record.as.epoch.wall_seconds = seconds + 4 * epoch + 6;
    record.as.epoch.test_n = 10000;
    must(run_log_append(log, &record, &err), &err);
    status->test_acc = record.as.epoch.test_acc;
    if (!(status->best_acc >= status->test_acc))
        status->best_acc = status->test_acc;
    if (isnan(status->seconds_to_target) && status->test_acc >= recipe->target)
        status->seconds_to_target = seconds;
}

void fake_run(uint32_t steps, struct recipe *recipe, struct run_log *log, struct trainer_status *status)
{
    struct error err;
    struct recipe_request request = {.preset = "davidnet-79"};
    const double step_seconds = 1.17;
    must(recipe_resolve(&request, recipe, &err), &err);
    recipe->seed = 1;
    must(run_log_open(log, NULL, &err), &err);
    noise_state = 7;
    memset(status, 0, sizeof *status);
    status->steps_per_epoch = FAKE_STEPS_PER_EPOCH;
    status->steps = (uint32_t)(recipe->epochs * FAKE_STEPS_PER_EPOCH);
    status->test_acc = status->best_acc = status->seconds_to_target = NAN;
    status->lr = status->loss = status->accuracy = status->images_per_second = status->eta_seconds = NAN;
    snprintf(status->run, sizeof status->run, "davidnet-79-20260301-101500");
    snprintf(status->device, sizeof status->device, "cpu, bf16, 2 threads, amx");
    struct record start = {.kind = RECORD_START};
    start.as.start.steps = status->steps;
    start.as.start.steps_per_epoch = FAKE_STEPS_PER_EPOCH;
    start.as.start.batch = (uint32_t)recipe->batch;
    start.as.start.train_images = 50000;
    start.as.start.test_images = 10000;
    must(run_log_append(log, &start, &err), &err);
    for (uint32_t step = 1; step <= steps && step <= status->steps; step++) {
        double epoch = (double)step / FAKE_STEPS_PER_EPOCH, learnt = 1 - exp(-epoch / 1.9);
        double accuracy = 8 + 80 * learnt + 8 * epoch / recipe->epochs + (5 - 3 * epoch / recipe->epochs) * noise();
        struct record record = {.kind = RECORD_STEP, .step = step, .epoch = (step - 1) / FAKE_STEPS_PER_EPOCH + 1};
        record.as.step.lr = schedule_at(&recipe->schedule, epoch);
        record.as.step.accuracy = (float)fmin(fmax(accuracy, 6), 99.6);
        record.as.step.loss = 0.01 + 2.25 * pow(1 - record.as.step.accuracy / 101, 0.9);
        record.as.step.n = (uint32_t)recipe->batch;
        record.as.step.train_seconds = step * step_seconds;
        record.as.step.wall_seconds = step * step_seconds + 6;
        must(run_log_append(log, &record, &err), &err);
        status->step = step;
        status->lr = record.as.step.lr;
        status->loss = record.as.step.loss;
        status->accuracy = record.as.step.accuracy;
        status->train_seconds = status->speedrun_seconds = step * step_seconds;
        status->wall_seconds = step * step_seconds + 4 * floor(epoch) + 6;
        status->images_per_second = recipe->batch / step_seconds;
        if (step % FAKE_STEPS_PER_EPOCH == 0)
            add_epoch(log, recipe, step, step * step_seconds, status);
    }
    status->phase = status->step == status->steps ? TRAINER_DONE : steps ? TRAINER_TRAINING : TRAINER_LOADING;
    if (steps)
        status->eta_seconds = (status->steps - status->step) * step_seconds + 4 * (recipe->epochs - 10);
}
