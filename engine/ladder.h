/*
 * The ladder: the presets that are rungs of the published climb ([recipe] rung), each with its published numbers beside
 * those of the runs that there are here. A rung is measured by runs of its family (engine/forecast.h) that count
 * (engine/run_set.h) and were not on synthetic images.
 */
#ifndef DAVIDNET_ENGINE_LADDER_H
#define DAVIDNET_ENGINE_LADDER_H

#include "engine/recipe_file.h"
#include "engine/run_set.h"

#define LADDER_MAX 64

struct ladder_rung {
    struct recipe_about about;
    double epochs;
    int batch;
    /* Measured. */
    struct sample accuracy;        /* n: runs; 0: not measured */
    int reached;                   /* of them: the target */
    double seconds;                /* mean train_seconds; of the quiet runs, if there are any; NaN: not measured */
    double images_per_second;      /* of these */
    int busy;                      /* 1: there are only times of a busy machine */
    char machine[80];              /* that these times are of */
    char unfinished[RUN_PATH_MAX]; /* a run of it that can be gone on with; empty: none */
    int running;                   /* a process trains one now */
};

struct ladder {
    struct ladder_rung *rung; /* ours, from the slowest on */
    struct recipe *recipe;    /* ours, [count] */
    int count;
};

/* The rungs, none measured yet. */
int ladder_init(struct ladder *ladder, struct error *err);
void ladder_release(struct ladder *ladder); /* also of a zeroed one */

/* Whether a run of the recipe would be on synthetic images, and so not count; it looks where the data is. */
int ladder_on_synthetic(const struct recipe *recipe);

/* Measures them anew by these runs. -1: no memory. */
int ladder_measure(struct ladder *ladder, struct run_entry *const *entries, int count);

#endif
