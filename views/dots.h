/*
 * Dots in cells: in braille 2 x 4 of them to a cell, in ASCII one. What curves, sparklines and the roofline are made
 * of. Drawing outside the area is dropped.
 */
#ifndef DAVIDNET_VIEWS_DOTS_H
#define DAVIDNET_VIEWS_DOTS_H

#include "views/grid.h"

struct dots {
    struct grid *grid;
    struct rect area;
    int w, h;         /* of the area, in dots */
    int per_x, per_y; /* dots in a cell */
};
struct dots dots_over(struct grid *grid, struct rect area);

/*
 * A cell has one colour: what comes later takes it whole, so that curves stay thin where they cross. ascii: the mark in
 * ASCII.
 */
void dots_put(const struct dots *dots, int x, int y, uint32_t color, char ascii);

/* A straight line. Both ends may lie above or below the area, not to its sides. */
void dots_line(const struct dots *dots, int x0, int y0, int x1, int y1, uint32_t color, char ascii);

#endif
