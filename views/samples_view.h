/* The Samples screen's body: where the batch stands in the run, its images as tiles, and the one under the cursor. */
#ifndef DAVIDNET_VIEWS_SAMPLES_VIEW_H
#define DAVIDNET_VIEWS_SAMPLES_VIEW_H

#include "views/grid.h"
#include "views/samples_model.h"

/* Where things go. What is not shown is empty. Nothing overlaps, nothing leaves the area. */
struct samples_layout {
    struct rect tiles;  /* the numbers above */
    struct rect grid;   /* of images: columns x rows of tile_w x tile_h cells, gap_x and gap_y apart */
    struct rect detail; /* of the image under the cursor; beside the grid, or one line below it */
    int tile_w, tile_h; /* of the picture alone */
    int label;          /* rows below each picture: 1 with its class, or 0 */
    int columns, rows;  /* at least 1 each */
    int beside;
};
void samples_layout_make(const struct samples_model *model, struct rect area, struct samples_layout *layout);

/* The first place of the batch that is drawn: the grid shows whole pages. */
int samples_view_first(const struct samples_model *model, const struct samples_layout *layout);

/* Where the picture of a place is; empty if it is not drawn. */
struct rect samples_view_tile(const struct samples_model *model, const struct samples_layout *layout, int place);

/* The place that is drawn at a cell, or -1. */
int samples_view_place_at(const struct samples_model *model, struct rect area, int x, int y);

void samples_view_draw(const struct samples_model *model, struct grid *grid, struct rect area);

#endif
