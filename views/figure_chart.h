/*
 * Charts (views/chart.h) on paper: one, or several below each other that share their x axis. The title of a chart is
 * the name of its y axis, its unit follows in brackets; reference lines have their names at their right ends. Series
 * are told apart by colour, dash and mark. There is one legend, of all that have a name.
 */
#ifndef DAVIDNET_VIEWS_FIGURE_CHART_H
#define DAVIDNET_VIEWS_FIGURE_CHART_H

#include "views/chart.h"
#include "views/figure.h"

/*
 * From the top: the legend (`keys`, or NULL: of the first series of each name), then the charts, each `weight` (NULL:
 * all the same) of the height, then the x axis, whose name is the unit of the last chart's. They should have the same
 * ends of x. Charts for which there is no room are not drawn.
 */
void figure_charts_draw(struct figure *figure, const struct chart *charts, const double *weight, int n,
                        const struct figure_key *keys, int n_keys, struct figure_box box);

/* The axes of one chart, for what is no series: the plot's box and the ranges. */
struct figure_axes {
    struct figure_box plot;
    struct chart_range x, y;
};

/*
 * Plans and draws frame, grid, ticks and names (x_name: below the ticks; NULL: neither ticks' labels nor a name).
 * left, right: room beside the plot for labels. 0, or -1: there is no room, and nothing was drawn.
 */
int figure_axes_draw(struct figure *figure, const struct chart *chart, const char *x_name, double left, double right,
                     struct figure_box box, struct figure_axes *axes);

/* The room that the labels of a chart's y axis take in a plot of that height; and those at its reference lines. */
double figure_axes_left(struct figure *figure, const struct chart *chart, double height);
double figure_axes_right(struct figure *figure, const struct chart *chart);

/* Points of a value; far outside the plot it is held just there. NaN where the scale has no place for it. */
double figure_axes_x(const struct figure_axes *axes, double value);
double figure_axes_y(const struct figure_axes *axes, double value);

#endif
