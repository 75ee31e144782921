/*
 * What the Run screen shows, as plain data, made from a run's log, recipe and status: the same for a run in this
 * process, of another one, and a finished folder. run_model_update is cheap when nothing was logged since.
 */
#ifndef DAVIDNET_VIEWS_RUN_MODEL_H
#define DAVIDNET_VIEWS_RUN_MODEL_H

#include "engine/run_entry.h"
#include "engine/trainer.h"

enum run_panel { RUN_ACCURACY, RUN_LOSS, RUN_LR, RUN_EPOCHS, RUN_PANELS };

/* How the user wants to see it. */
struct run_view_options {
    double smoothing;     /* weight of chart_smooth; 0: off */
    int log_axes;         /* 1: of the loss, and of what is missing to 100 % accuracy */
    int whole_range;      /* 1: all points; 0: once there is enough, without the steep beginning */
    enum run_panel focus; /* the panel shown where only one fits, or alone when zoomed */
    int zoomed;
};

#define RUN_SCHEDULE_POINTS 257

/* Other runs whose curves are shown behind this one's. */
#define RUN_OVERLAYS_MAX 6
struct run_overlay {
    struct run_entry *entry; /* kept */
    char letter;
    uint32_t color;
};

struct run_model {
    struct trainer_status status; /* the latest; clocks from the log where it has none */
    char summary[256];            /* the recipe in one line */
    double epochs, target;        /* of the recipe: epochs, percent */
    double epochs_done;
    char notice[512]; /* one line above the charts; empty: none */
    int notice_is_bad;
    struct run_view_options view;
    struct run_overlay overlay[RUN_OVERLAYS_MAX];
    int n_overlays;
    struct forecast forecast; /* runs < 0: not asked for */

    /* Steps: x in epochs. */
    size_t n_steps;
    double *step_x, *step_lr, *step_loss, *step_acc, *smooth_loss, *smooth_acc;
    double best_step_acc; /* the highest of step_acc; NaN: there is none */
    /* Epochs. */
    size_t n_epochs;
    double *epoch_x, *epoch_lr, *train_loss, *test_loss, *train_acc, *test_acc, *train_seconds;
    /* The schedule, evenly spaced over all epochs. */
    double schedule_x[RUN_SCHEDULE_POINTS], schedule_lr[RUN_SCHEDULE_POINTS];

    /* Private: what the arrays were made from. */
    size_t log_length, step_room, epoch_room, index_room;
    size_t *index;
    double smoothed_with;
};

void run_model_init(struct run_model *model);
void run_model_release(struct run_model *model);

/* A new run: its recipe; forgets what is known of another, but for how to show it and the overlays. */
void run_model_start(struct run_model *model, const struct recipe *recipe);

/* There is no run any more; as run_model_start forgets. */
void run_model_forget(struct run_model *model);

/* Brings the arrays up to date; reads the log only if it grew. Returns 1 if anything changed, 0 if not, -1: no memory.
 */
int run_model_update(struct run_model *model, const struct run_log *log, const struct trainer_status *status);

/* Takes the place of the overlays that were there; keeps the entries. n is at most RUN_OVERLAYS_MAX. */
void run_model_overlay(struct run_model *model, const struct run_overlay *overlays, int n);

/* What there is to ask a forecast about: the last evaluation so far. */
void run_model_now(const struct run_model *model, struct forecast_now *now);

/* What can be said of a run that nobody trains, from its log alone: phase, clocks, best accuracy. */
void run_status_from_log(const struct run_log *log, const struct recipe *recipe, struct trainer_status *status);

#endif
