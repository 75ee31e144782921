/*
 * The Compare screen's body: the list of what can be compared; of what is chosen the verdict, figures of both sides and
 * the knobs that differ; both distributions, a mark a run over its mean and interval; and the accuracy by epoch, mean
 * and band.
 */
#ifndef DAVIDNET_VIEWS_COMPARE_VIEW_H
#define DAVIDNET_VIEWS_COMPARE_VIEW_H

#include "views/compare_model.h"
#include "views/grid.h"

/* Where things go; what is not shown is empty. Nothing overlaps, nothing leaves the area. */
struct compare_layout {
    struct rect list, text, spread, curves;
};
void compare_layout_make(struct rect area, int items, struct compare_layout *layout);

void compare_view_draw(const struct compare_model *model, struct grid *grid, struct rect area);

/* The item at a cell, -1: none. */
int compare_view_find(const struct compare_model *model, struct rect area, int x, int y);

/* For views/compare_view.c: the distributions, a file of its own. */
void compare_spread_draw(const struct compare_model *model, struct grid *grid, struct rect area);

#endif
