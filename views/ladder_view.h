/* The Ladder screen's body: a row for each rung, published beside measured, and the selected one in full. */
#ifndef DAVIDNET_VIEWS_LADDER_VIEW_H
#define DAVIDNET_VIEWS_LADDER_VIEW_H

#include "views/grid.h"
#include "views/ladder_model.h"

/* Where things go; what is not shown is empty. table: with a line above and headings. */
struct ladder_layout {
    struct rect table, detail;
};
void ladder_layout_make(struct rect area, int rungs, struct ladder_layout *layout);

void ladder_view_draw(const struct ladder_model *model, struct grid *grid, struct rect area);

/* The rung at a cell, -1: none. */
int ladder_view_find(const struct ladder_model *model, struct rect area, int x, int y);

#endif
