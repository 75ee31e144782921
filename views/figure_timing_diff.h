/*
 * The figure of what changed between two breakdowns (engine/timing_diff.h): for the step and its phases, the blocks and
 * the rows, each on an axis of their own, the change as a mark with its interval about a line at no change. Noise is
 * grey and hollow; faster, slower and what only one side has differ in mark and word. To the right A, B and percent.
 */
#ifndef DAVIDNET_VIEWS_FIGURE_TIMING_DIFF_H
#define DAVIDNET_VIEWS_FIGURE_TIMING_DIFF_H

#include "engine/timing_diff.h"
#include "views/figure.h"

double figure_timing_diff_height(const struct timing_diff *diff);
void figure_timing_diff_draw(struct figure *figure, const struct timing_diff *diff, struct figure_box box);

#endif
