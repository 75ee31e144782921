/*
 * The figure of a timing breakdown (engine/timing.h): (a) a bar for each row of the network, by phase, with its floor
 * as a line across it; where there are many, rows of one block are one bar; (b) where the time of all threads went; (c)
 * what bounds the step; (d) the roofline (S. Williams, A. Waterman & D. Patterson, CACM 52, 2009): operations a second
 * over operations a byte, of those that are really done (timing_sum.work), under the machine's measured ceilings, the
 * points with the numbers of (a)'s bars. What is not known is left out, and said.
 */
#ifndef DAVIDNET_VIEWS_FIGURE_TIMING_H
#define DAVIDNET_VIEWS_FIGURE_TIMING_H

#include "engine/timing.h"
#include "views/figure.h"

#define FIGURE_TIMING_ROWS 28 /* bars at most, before rows are folded */

/* A bar of (a): a row with time of its own, or all of a block. */
struct figure_timing_item {
    char label[160];                      /* "3  layer1/conv"; rows fused into it follow: "4  layer1/norm, act, pool" */
    struct timing_sum phase[PHASE_COUNT]; /* steps 0: nothing of its own there */
    struct timing_sum all;
};

/* Fills items[timing->n_rows + 1], folded to at most FIGURE_TIMING_ROWS as far as blocks allow; returns how many. */
int figure_timing_items(const struct timing *timing, struct figure_timing_item *items);

/* The height that suits it. */
double figure_timing_height(const struct timing *timing);
void figure_timing_draw(struct figure *figure, const struct timing *timing, struct figure_box box);

/* How a phase or part is drawn, everywhere. */
struct figure_segment;
struct figure_segment figure_timing_segment(enum timing_part part);

/* ---- figure_roofline.c ---- */

#define FIGURE_ROOFLINE_HEIGHT 250.0

/* 1: some items have operations, bytes and times. */
int figure_roofline_has(const struct figure_timing_item *items, int n);
void figure_roofline_draw(struct figure *figure, const struct timing *timing, const struct figure_timing_item *items,
                          int n, struct figure_box box);

#endif
