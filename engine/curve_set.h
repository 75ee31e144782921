/*
 * Runs as curves by epoch: one for each run, or one for all runs of a family (the same recipe but for seeds and the
 * machine: engine/forecast.h) on the same images, as far as their origins know, as mean and spread. Where runs of one
 * recipe are on different images, each of their curves is named with its images: "quick on synthetic:1:2000". A
 * family's curve goes as far as its longest run; `n` says of how many runs each value is. What no run measured is NaN.
 *
 * CSV, tidy: a line for each curve, epoch and quantity (the names of engine/curves.h) that was measured,
 *   curve,runs,epoch,quantity,n,mean,sd,min,max,run,name,value
 * sd is that of single runs (n - 1), empty for one. Before those, for each run of a curve, lines of the quantity
 * "meta": the run, and the names and values of engine/curve_origin.h. JSON, version 1 (fields may be added; a changed
 * meaning changes the version), arrays of equal length, null for what is not known:
 *   {"format": "davidnet-curves-mean", "version": 1, "curves": [{"curve": NAME, "runs": [NAME, ...],
 *     "origins": [{"run": NAME, "recipe": ..., "seed": 1, "command": ..., ...}, ...], "epoch": [...],
 *     "lr": {"n": [...], "mean": [...], "sd": [...], "min": [...], "max": [...]}, "train_loss": {...}, ...}]}
 */
#ifndef DAVIDNET_ENGINE_CURVE_SET_H
#define DAVIDNET_ENGINE_CURVE_SET_H

#include "engine/curves.h"
#include "engine/recipe.h"

struct curve_value {
    int n;
    double mean, sd, min, max;
};

struct curve {
    char name[160]; /* of the run, or of the family */
    int n_runs;
    const char **runs;                   /* their names, borrowed */
    const struct curve_origin **origins; /* of each, borrowed; NULL in it: nothing is said */
    const struct recipe *recipe;         /* of the first; borrowed */
    /* By epoch, of every run's EPOCH records. */
    size_t n_epochs;
    double *epoch;
    struct curve_value *value[CURVES_COLUMNS]; /* NULL for the first two columns: they are no curves */
    /* By step, of the run that got furthest; in epochs. */
    size_t n_steps;
    double *step, *step_lr, *step_loss, *step_acc;
    /* The schedule from where that run is to its planned end; none for one that is there. */
    size_t n_ahead;
    double *ahead, *ahead_lr;
    int measured;           /* runs that have an epoch at all: their means these are */
    int unfinished;         /* of those, runs that got less far than the one that got furthest */
    double unfinished_from; /* epochs of the first of them to end; NaN: none */
    double *diverged;       /* [n_diverged], increasing: epochs at which runs of it met what is no finite number */
    int n_diverged;
};

struct curve_set {
    struct curve *curves; /* ours, in the order of their first runs */
    int n;
    int images_differ; /* 1: of runs of one recipe, which are no one mean for that */
};

struct curve_run {
    struct curves_run run;
    const struct recipe *recipe;
};

/* each 1: no means, a curve for every run. Names, logs and recipes are borrowed. -1: no memory; the set is empty. */
int curve_set_init(struct curve_set *set, const struct curve_run *runs, int count, int each, struct error *err);
/* One curve without runs: the schedule of a recipe, whole. */
int curve_set_schedule(struct curve_set *set, const struct recipe *recipe, const char *name, struct error *err);
void curve_set_release(struct curve_set *set);

/* Of how many runs a value is where it is of all that have any. */
int curve_whole(const struct curve *curve, enum curves_column column);
/* "mean of 5 runs", "mean of 4 of 5 runs" where one has no epoch; returns out. */
const char *curve_mean_text(const struct curve *curve, char out[64]);

int curve_set_write_csv(const struct curve_set *set, FILE *out, struct error *err);
int curve_set_write_json(const struct curve_set *set, FILE *out, struct error *err);
/* The schedule alone, of a recipe with that origin: CSV with the columns curve,epoch,lr,name,value, of which the last
 * two are those of the lines before the schedule (engine/curve_origin.h); JSON {"format": "davidnet-schedule",
 * "version": 1, "curves": [{"curve": NAME, "recipe": ..., "epoch": [...], "lr": [...]}]}. */
int curve_set_write_schedule(const struct curve_set *set, const struct curve_origin *origin, int json, FILE *out,
                             struct error *err);

#endif
