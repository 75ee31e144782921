/*
 * A few values as a small picture without axes, columns filled from below: in braille up to two values and four steps
 * to a cell, in ASCII one value and three. Its foot is the smallest value and its top the largest, but never less than
 * a tenth of that above the foot, so that a ripple looks like one. Who draws it writes the range beside it.
 */
#ifndef DAVIDNET_VIEWS_SPARKLINE_H
#define DAVIDNET_VIEWS_SPARKLINE_H

#include "views/grid.h"

/* From the left; where there are more than columns, each is the mean of some; where few, they are wider. NaN: empty. */
void sparkline_draw(const double *values, int n, uint32_t color, struct grid *grid, struct rect area);

/* How many cells look well, at most `most`: one to a value, or half of one. */
int sparkline_width(int n, const struct grid *grid, int most);

#endif
