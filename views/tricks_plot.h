/*
 * The learning rate's knots, moved on a plot: a copy of the recipe's two lists until Enter makes one edit of it. The
 * knots stay in order and inside the run, the rates inside the knobs' range, and no three knots meet, so it is a
 * schedule at any time. A kink (lr_kink) is no knot: it is drawn where the fall begins, goes there with the knots, and
 * stays as the recipe has it.
 */
#ifndef DAVIDNET_VIEWS_TRICKS_PLOT_H
#define DAVIDNET_VIEWS_TRICKS_PLOT_H

#include "engine/recipe.h"
#include "views/grid.h"

struct tricks_plot {
    int n, at;                        /* knots; the one that keys move */
    double knot[SCHEDULE_KNOTS_MAX];  /* epochs */
    double value[SCHEDULE_KNOTS_MAX]; /* rates */
    double epochs;                    /* of the run */
    double knot_step, value_step;     /* of one key, round numbers */
    int kink;                         /* as in struct schedule */
    double kink_factor;
};

/* -1: the recipe's schedule is not piecewise. */
int tricks_plot_open(struct tricks_plot *plot, const struct recipe *recipe, struct error *err);
void tricks_plot_select(struct tricks_plot *plot, int by); /* the next or previous knot */
/* By so many steps, which need not be whole, as far as there is room. */
void tricks_plot_move(struct tricks_plot *plot, double knot_steps, double value_steps);
/*
 * A knot on the line, half-way to the next; after the last one at the end of the run, or, where that one is there,
 * half-way to it. -1: there is no room.
 */
int tricks_plot_add(struct tricks_plot *plot, struct error *err);
int tricks_plot_remove(struct tricks_plot *plot, struct error *err); /* -1: it is the only one */

/* The knot at which the rate jumps, and the rate that it falls from; -1: there is no kink, or no fall. */
int tricks_plot_kink(const struct tricks_plot *plot, double *rate);

/* As the knobs take them; each has room for KNOB_TEXT_MAX. */
void tricks_plot_text(const struct tricks_plot *plot, char *knots, char *values);

void tricks_plot_draw(const struct tricks_plot *plot, struct grid *grid, struct rect area);

#endif
