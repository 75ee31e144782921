/*
 * The figure of runs' curves: learning rate (what is still to come of the schedule dotted), loss and accuracy, below
 * each other over the same epochs; test curves solid, training curves dashed, the spread of several runs as a band, the
 * target as a line. Means and bands end where a run does: further on they would be of other runs. Of one run alone the
 * training steps are shown faintly behind. A run that diverged has a cross where it did. A set that has only schedules
 * gets only the first chart.
 */
#ifndef DAVIDNET_VIEWS_FIGURE_CURVES_H
#define DAVIDNET_VIEWS_FIGURE_CURVES_H

#include "engine/curve_set.h"
#include "views/figure.h"

#define FIGURE_CURVES_MAX 12 /* curves in a figure */

enum figure_curves_band { FIGURE_BAND_RANGE /* least to greatest */, FIGURE_BAND_SD, FIGURE_BAND_NONE };

struct figure_curves {
    const struct curve_set *set;
    enum figure_curves_band band;
    int log_axes; /* 1: logarithms of the loss and of what is missing to 100 % */
};

/* The height that suits it. */
double figure_curves_height(const struct figure_curves *curves);
void figure_curves_draw(struct figure *figure, const struct figure_curves *curves, struct figure_box box);

#endif
