/* The learning rate as a function of epochs. Pure. */
#ifndef DAVIDNET_ENGINE_SCHEDULE_H
#define DAVIDNET_ENGINE_SCHEDULE_H

#include "kernels/error.h"

#define SCHEDULE_KNOTS_MAX 16

enum schedule_shape {
    /* Linear between (knot, value) pairs, flat outside; two equal knots make a jump, and at the jump itself the
     * later value holds. */
    SCHEDULE_PIECEWISE,
    /* The others: with t in [0, 1] from the end of warm-up to `epochs`, then flat. Warm-up is linear from 0. */
    SCHEDULE_COSINE,      /* final + (peak - final) * (1 + cos(pi t)) / 2 (Loshchilov & Hutter, arXiv:1608.03983) */
    SCHEDULE_EXPONENTIAL, /* peak * (final/peak)^t */
    SCHEDULE_POLYNOMIAL,  /* final + (peak - final) * (1 - t)^power */
    SCHEDULE_ONE_CYCLE,   /* cosine up from peak/25 over warm-up, cosine down (Smith & Topin, arXiv:1708.07120) */
    SCHEDULE_CONSTANT,    /* peak */
    SCHEDULE_SHAPE_COUNT
};

struct schedule {
    enum schedule_shape shape;
    int n_knots;
    double knot[SCHEDULE_KNOTS_MAX];  /* epochs, not decreasing */
    double value[SCHEDULE_KNOTS_MAX]; /* learning rates, per mean loss */
    int kink;                         /* piecewise: 1: where the fall from the highest value begins, the rate jumps */
    double kink_factor;               /* by this factor, and falls from there */
    double epochs, peak, warmup, final, power; /* for the other shapes: epochs, rate, epochs, rate, exponent */
};

/* The learning rate `epoch` epochs into the run: after step s (from 1) that is s / steps_per_epoch. */
double schedule_at(const struct schedule *schedule, double epoch);
/* -1 with err: its message begins with the knob at fault ("lr_knots: ..."). */
int schedule_check(const struct schedule *schedule, struct error *err);

/* The highest rate that it can have. */
double schedule_highest(const struct schedule *schedule);

/* The last knot with the highest value, after which the rate falls; -1: there is none, or it does not fall. */
int schedule_fall(const struct schedule *schedule);

/* Stretches knots, epochs and warm-up by factor (davidnet train --epochs). */
void schedule_stretch(struct schedule *schedule, double factor);

#endif
