/* The Run screen's body: recipe, the numbers that matter, curves, progress. */
#ifndef DAVIDNET_VIEWS_RUN_VIEW_H
#define DAVIDNET_VIEWS_RUN_VIEW_H

#include "views/grid.h"
#include "views/run_model.h"

/* Where things go. What is not shown is empty. Nothing overlaps, nothing leaves the area. */
struct run_layout {
    struct rect recipe, notice, tiles, panel[RUN_PANELS], progress;
};
/* recipe_lines: 1 or 2; notice_lines: 0 or 1. */
void run_layout_make(struct rect area, const struct run_view_options *view, int recipe_lines, int notice_lines,
                     struct run_layout *layout);

void run_view_draw(const struct run_model *model, struct grid *grid, struct rect area);

/* The colour of a phase in the header. */
uint32_t run_phase_color(enum trainer_phase phase);

#endif
