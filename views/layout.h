/* Dividing rectangles: pure functions, so that they can be tested for any size. */
#ifndef DAVIDNET_VIEWS_LAYOUT_H
#define DAVIDNET_VIEWS_LAYOUT_H

#include "views/grid.h"

#define LAYOUT_PARTS_MAX 16

/* A part of a row or column. Parts are left out (size 0), highest `drop` first, until the minima fit. */
struct layout_part {
    int min;    /* cells; a part is at least this, or left out; 0: left out from the start */
    int max;    /* 0: no limit */
    int weight; /* its share of what is left over; 0: none */
    int drop;   /* 0: left out last */
};

/* Sizes of the parts along `length` cells with `gap` cells between those that are there. */
void layout_divide(int length, int gap, const struct layout_part *parts, int n, int *sizes);

/* The same as rectangles; parts left out are empty. n <= LAYOUT_PARTS_MAX. */
void layout_rows(struct rect area, int gap, const struct layout_part *parts, int n, struct rect *out);
void layout_columns(struct rect area, int gap, const struct layout_part *parts, int n, struct rect *out);

#endif
