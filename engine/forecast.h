/*
 * Will this run reach its target, and when? Said from what earlier runs of the same recipe family did, and only when
 * at least FORECAST_RUNS_MIN of them can be compared; pure functions.
 *
 * A family: the same network and the same knobs, but for seeds, the machine and how the run is looked after (target,
 * checkpoints): forecast_same_family. Earlier runs count when they were trained to their end, or failed after a
 * first step (a run that diverged is a miss, never dropped). Runs that somebody stopped, or that were killed, are left
 * out whether or not they had reached it, since why they were stopped may have to do with how they went.
 *
 * While this run goes on without having reached it, only those are compared that had not either, so far (the
 * conditional distribution given survival up to here; Kaplan & Meier, JASA 53, 1958, with nothing censored).
 *
 * The probability is k of n, with Wilson's interval at 95 % (statistics_wilson).
 * When: from the earliest to the latest of the k that reached it. A further run of the same distribution falls between
 * them with probability (k - 1) / (k + 1), whatever the distribution (S. S. Wilks, Ann. Math. Stat. 12, 1941).
 * Times only from runs on the same machine with the same frozen program; they are scaled by this run's own pace (its
 * train_seconds per epoch over the median of theirs), once it has one.
 */
#ifndef DAVIDNET_ENGINE_FORECAST_H
#define DAVIDNET_ENGINE_FORECAST_H

#include "engine/recipe.h"

#include <stddef.h>

#define FORECAST_RUNS_MIN 3

/* An earlier run. Evaluated accuracies in order of epochs; borrowed. */
struct forecast_run {
    int same_machine;      /* 1: its times can be compared */
    size_t n;              /* evaluations */
    const double *epoch;   /* epochs done; a fraction where the run ended within one */
    const double *acc;     /* percent; NaN: not evaluated */
    const double *seconds; /* train_seconds then */
};

/* This run, as far as it is. */
struct forecast_now {
    double epochs;  /* done, evaluations included: accuracy at this point is known or will not be; 0 at the start */
    double seconds; /* train_seconds at that point; NaN or 0: not known */
    double target;  /* percent */
};

struct forecast {
    int ground;                   /* 1: what follows is said; 0: too few runs, and only `runs` counts */
    int runs;                     /* earlier runs that can be compared, at this point: n */
    int earlier;                  /* that reached it before this point, and so are no longer compared */
    int reached;                  /* of these: k */
    double low, high;             /* of the probability, 0 to 1 */
    double epoch_low, epoch_high; /* when; NaN with reached == 0 */
    double seconds_low,
        seconds_high; /* train_seconds; NaN with fewer than FORECAST_RUNS_MIN times that can be compared */
};

/* now->epochs beyond the epoch at which this run reached the target is the caller's not to ask. */
void forecast_make(const struct forecast_run *runs, int count, const struct forecast_now *now,
                   struct forecast *forecast);

int forecast_same_family(const struct recipe *a, const struct recipe *b);

#endif
