#include "views/run_model.h"
#include "views/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMOOTHING 0.9

void run_model_init(struct run_model *model)
{
    *model = (struct run_model){.epochs = NAN, .target = NAN, .smoothed_with = NAN, .forecast = {.runs = -1}};
    model->best_step_acc = NAN;
    model->view.smoothing = SMOOTHING;
    model->status.images_per_second = model->status.eta_seconds = NAN;
    model->status.train_seconds = model->status.speedrun_seconds = model->status.wall_seconds = NAN;
    model->status.lr = model->status.loss = model->status.accuracy = NAN;
    model->status.test_acc = model->status.best_acc = model->status.seconds_to_target = NAN;
}

static void release_arrays(struct run_model *model)
{
    free(model->step_x);
    free(model->epoch_x);
    free(model->index);
}

void run_model_release(struct run_model *model)
{
    release_arrays(model);
    run_model_overlay(model, NULL, 0);
    run_model_init(model);
}

void run_model_overlay(struct run_model *model, const struct run_overlay *overlays, int n)
{
    struct run_overlay before[RUN_OVERLAYS_MAX];
    int n_before = model->n_overlays;
    memcpy(before, model->overlay, sizeof before);
    for (int i = 0; i < n; i++) {
        model->overlay[i] = overlays[i];
        run_entry_keep(overlays[i].entry);
    }
    model->n_overlays = n;
    for (int i = 0; i < n_before; i++)
        run_entry_free(before[i].entry);
}

void run_model_now(const struct run_model *model, struct forecast_now *now)
{
    *now = (struct forecast_now){0, 0, model->target};
    for (size_t i = 0; i < model->n_epochs; i++)
        if (isfinite(model->test_acc[i])) {
            now->epochs = model->epoch_x[i];
            now->seconds = model->train_seconds[i];
        }
}

void run_model_forget(struct run_model *model)
{
    struct run_model before = *model;
    release_arrays(model);
    run_model_init(model);
    model->view = before.view;
    memcpy(model->overlay, before.overlay, sizeof model->overlay);
    model->n_overlays = before.n_overlays;
}

void run_model_start(struct run_model *model, const struct recipe *recipe)
{
    run_model_forget(model);
    model->epochs = recipe->epochs;
    model->target = recipe->target;
    recipe_summary(recipe, model->summary, sizeof model->summary);
    for (int i = 0; i < RUN_SCHEDULE_POINTS; i++) {
        model->schedule_x[i] = recipe->epochs * i / (RUN_SCHEDULE_POINTS - 1);
        model->schedule_lr[i] = recipe_lr(recipe, model->schedule_x[i]);
    }
}

/* One block of memory for `count` arrays of room doubles; old contents are not kept. */
static int make_room(double **block, size_t *room, size_t n, double **arrays[], size_t count)
{
    if (n <= *room)
        return 0;
    size_t wanted = n + n / 2 + 256;
    double *fresh = malloc(wanted * count * sizeof *fresh);
    if (!fresh)
        return -1;
    free(*block);
    *room = wanted;
    for (size_t i = 0; i < count; i++)
        *arrays[i] = fresh + i * wanted;
    return 0;
}

/* The records of a kind that hold, in model->index; returns how many, or -1. */
static long find_records(struct run_model *model, const struct run_log *log, enum record_kind kind)
{
    size_t n = run_log_length(log); /* never fewer than the records of one kind */
    if (n > model->index_room) {
        size_t *index = realloc(model->index, (n + n / 2) * sizeof *index);
        if (!index)
            return -1;
        model->index = index;
        model->index_room = n + n / 2;
    }
    return n ? (long)run_log_series(log, kind, model->index, model->index_room) : 0;
}

static int read_steps(struct run_model *model, const struct run_log *log, double steps_per_epoch)
{
    double **arrays[] = {&model->step_x,   &model->step_lr,     &model->step_loss,
                         &model->step_acc, &model->smooth_loss, &model->smooth_acc};
    long n = find_records(model, log, RECORD_STEP);
    if (n < 0 || make_room(&model->step_x, &model->step_room, (size_t)n, arrays, 6))
        return -1;
    model->best_step_acc = NAN;
    for (long i = 0; i < n; i++) {
        const struct record *record = run_log_at(log, model->index[i]);
        model->step_x[i] = record->step / steps_per_epoch;
        model->step_lr[i] = record->as.step.lr;
        model->step_loss[i] = record->as.step.loss;
        model->step_acc[i] = record->as.step.accuracy;
        model->best_step_acc = fmax(model->best_step_acc, model->step_acc[i]); /* fmax: the one that is no NaN */
    }
    model->n_steps = (size_t)n;
    return 0;
}

static int read_epochs(struct run_model *model, const struct run_log *log, double steps_per_epoch)
{
    double **arrays[] = {&model->epoch_x,   &model->epoch_lr, &model->train_loss,   &model->test_loss,
                         &model->train_acc, &model->test_acc, &model->train_seconds};
    long n = find_records(model, log, RECORD_EPOCH);
    if (n < 0 || make_room(&model->epoch_x, &model->epoch_room, (size_t)n, arrays, 7))
        return -1;
    for (long i = 0; i < n; i++) {
        const struct record *record = run_log_at(log, model->index[i]);
        model->epoch_x[i] = record->step / steps_per_epoch;
        model->epoch_lr[i] = record->as.epoch.lr;
        model->train_loss[i] = record->as.epoch.train_loss;
        model->test_loss[i] = record->as.epoch.test_loss;
        model->train_acc[i] = record_decimal(record->as.epoch.train_acc); /* 93.7 reaches a target of 93.7 */
        model->test_acc[i] = record_decimal(record->as.epoch.test_acc);
        model->train_seconds[i] = record->as.epoch.train_seconds;
    }
    model->n_epochs = (size_t)n;
    return 0;
}

/* steps_per_epoch of the log's last start, or of the status; 0: not known yet. */
static double find_steps_per_epoch(struct run_model *model, const struct run_log *log,
                                   const struct trainer_status *status)
{
    if (status->steps_per_epoch)
        return status->steps_per_epoch;
    long n = find_records(model, log, RECORD_START);
    return n > 0 ? run_log_at(log, model->index[n - 1])->as.start.steps_per_epoch : 0;
}

static void smooth(struct run_model *model)
{
    chart_smooth(model->step_loss, model->n_steps, model->view.smoothing, model->smooth_loss);
    chart_smooth(model->step_acc, model->n_steps, model->view.smoothing, model->smooth_acc);
    model->smoothed_with = model->view.smoothing;
}

static int same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Whether both look the same on the screen. */
static int same_status(const struct trainer_status *a, const struct trainer_status *b)
{
    return a->phase == b->phase && a->step == b->step && a->evaluated == b->evaluated &&
           a->to_evaluate == b->to_evaluate && a->steps == b->steps && a->steps_per_epoch == b->steps_per_epoch &&
           a->data_is_synthetic == b->data_is_synthetic && same_number(a->wall_seconds, b->wall_seconds) &&
           same_number(a->train_seconds, b->train_seconds) && same_number(a->speedrun_seconds, b->speedrun_seconds) &&
           same_number(a->eta_seconds, b->eta_seconds) && same_number(a->images_per_second, b->images_per_second) &&
           same_number(a->lr, b->lr) && same_number(a->loss, b->loss) && same_number(a->accuracy, b->accuracy) &&
           same_number(a->test_acc, b->test_acc) && same_number(a->best_acc, b->best_acc) &&
           same_number(a->seconds_to_target, b->seconds_to_target) && strcmp(a->run, b->run) == 0 &&
           strcmp(a->device, b->device) == 0 && strcmp(a->error, b->error) == 0;
}

int run_model_update(struct run_model *model, const struct run_log *log, const struct trainer_status *status)
{
    int changed = !same_status(&model->status, status);
    if (changed)
        model->status = *status;
    size_t length = run_log_length(log);
    if (length != model->log_length) {
        double steps_per_epoch = find_steps_per_epoch(model, log, status);
        if (steps_per_epoch > 0) {
            if (read_steps(model, log, steps_per_epoch) || read_epochs(model, log, steps_per_epoch))
                return -1;
            model->smoothed_with = NAN;
        }
        model->log_length = length;
        changed = 1;
    }
    if (model->smoothed_with != model->view.smoothing && model->n_steps > 0) {
        smooth(model);
        changed = 1;
    }
    double done = status->steps_per_epoch ? (double)status->step / status->steps_per_epoch : 0;
    if (done == 0 && model->n_steps > 0)
        done = model->step_x[model->n_steps - 1];
    model->epochs_done = done;
    return changed;
}

static void status_of_end(const struct record *record, struct trainer_status *status)
{
    status->phase = record->as.end.how == RUN_END_DONE     ? TRAINER_DONE
                    : record->as.end.how == RUN_END_FAILED ? TRAINER_FAILED
                                                           : TRAINER_STOPPED;
    if (record->as.end.wall_seconds > 0)
        status->wall_seconds = record->as.end.wall_seconds;
    if (status->phase == TRAINER_FAILED)
        snprintf(status->error, sizeof status->error, "%.*s", RECORD_NOTE_MAX, record->as.end.text);
}

static void status_of_step(const struct record *record, struct trainer_status *status)
{
    status->step = record->step;
    status->lr = record->as.step.lr;
    status->loss = record->as.step.loss;
    status->accuracy = record->as.step.accuracy;
    status->train_seconds = record->as.step.train_seconds;
    status->speedrun_seconds = status->train_seconds; /* as the engine's: only the last evaluation counts */
    status->wall_seconds = record->as.step.wall_seconds;
}

static void status_of_epoch(const struct record *record, double target, struct trainer_status *status)
{
    if (record->step >= status->step) {
        status->step = record->step;
        status->train_seconds = record->as.epoch.train_seconds;
        status->speedrun_seconds = record->as.epoch.speedrun_seconds;
        status->wall_seconds = record->as.epoch.wall_seconds;
    }
    double accuracy = record_decimal(record->as.epoch.test_acc);
    if (isnan(accuracy))
        return;
    status->test_acc = accuracy;
    if (!(status->best_acc >= accuracy))
        status->best_acc = accuracy;
    if (isnan(status->seconds_to_target) && accuracy >= target)
        status->seconds_to_target = record->as.epoch.train_seconds;
}

void run_status_from_log(const struct run_log *log, const struct recipe *recipe, struct trainer_status *status)
{
    size_t n = run_log_length(log), found;
    size_t *index = malloc((n ? n : 1) * sizeof *index);
    struct run_model empty;
    run_model_init(&empty);
    *status = empty.status;
    status->phase = TRAINER_STOPPED; /* no end: killed; it can be resumed */
    if (!index)
        return;
    if (run_log_series(log, RECORD_START, index, n) > 0) {
        status->steps = run_log_at(log, index[0])->as.start.steps;
        status->steps_per_epoch = run_log_at(log, index[0])->as.start.steps_per_epoch;
    }
    found = run_log_series(log, RECORD_STEP, index, n);
    if (found > 0)
        status_of_step(run_log_at(log, index[found - 1]), status);
    found = run_log_series(log, RECORD_EPOCH, index, n);
    for (size_t i = 0; i < found; i++)
        status_of_epoch(run_log_at(log, index[i]), recipe->target, status);
    if (run_log_series(log, RECORD_END, index, n) > 0)
        status_of_end(run_log_at(log, index[0]), status);
    free(index);
    if (status->train_seconds > 0 && status->step > 0)
        status->images_per_second = (double)status->step * recipe_batch(recipe) / status->train_seconds;
}
