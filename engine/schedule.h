/* The learning rate as a function of epochs. Pure. */
#ifndef DAVIDNET_ENGINE_SCHEDULE_H
#define DAVIDNET_ENGINE_SCHEDULE_H

#include "kernels/error.h"

#define SCHEDULE_KNOTS_MAX 16

enum schedule_shape {
    SCHEDULE_PIECEWISE,   /* linear between (knot, value) pairs; two equal knots make a jump; flat outside */
    SCHEDULE_COSINE,      /* linear warm-up to the peak, then peak * (1 + cos(pi t)) / 2 */
    SCHEDULE_EXPONENTIAL, /* warm-up, then peak * decay^t, decay = final/peak over the rest */
    SCHEDULE_POLYNOMIAL,  /* warm-up, then peak * (1 - t)^power */
    SCHEDULE_ONE_CYCLE,   /* cosine up, cosine down (Smith & Topin, arXiv:1708.07120) */
    SCHEDULE_CONSTANT,
    SCHEDULE_SHAPE_COUNT
};

struct schedule {
    enum schedule_shape shape;
    int n_knots;
    double knot[SCHEDULE_KNOTS_MAX];           /* epochs, not decreasing */
    double value[SCHEDULE_KNOTS_MAX];          /* learning rates, per mean loss */
    double epochs, peak, warmup, final, power; /* for the other shapes: epochs, rate, epochs, rate, exponent */
};

double schedule_at(const struct schedule *schedule, double epoch);
int schedule_check(const struct schedule *schedule, struct error *err);

/* Stretches knots, epochs and warm-up by factor (davidnet train --epochs). */
void schedule_stretch(struct schedule *schedule, double factor);

#endif
