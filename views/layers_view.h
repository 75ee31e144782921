/* The Layers screen's body: what a step takes in all, the rows of the plan with their times and bars, details. */
#ifndef DAVIDNET_VIEWS_LAYERS_VIEW_H
#define DAVIDNET_VIEWS_LAYERS_VIEW_H

#include "views/grid.h"
#include "views/layers_model.h"

/* Where things go. What is not shown is empty. Nothing overlaps, nothing leaves the area. */
struct layers_layout {
    struct rect tiles, strip, head, list, total; /* strip: the step as one bar; total: the line below the list */
    struct rect detail;                          /* of the node under the cursor: beside the list, or below it */
    int beside;
};
void layers_layout_make(struct rect area, struct layers_layout *layout);

/* The line of model->shown that is drawn at a cell of the area, or -1. */
int layers_view_line_at(const struct layers_model *model, struct rect area, int x, int y);

void layers_view_draw(const struct layers_model *model, struct grid *grid, struct rect area);

/* The head, the rows around the cursor and the sums; views/layers_list.c. */
void layers_list_draw(const struct layers_model *model, const struct layers_layout *layout, struct grid *grid);

/* Details of the node under the cursor; views/layers_detail.c. wide: in a box of its own, or else in lines. */
void layers_detail_draw(const struct layers_model *model, int wide, struct grid *grid, struct rect area);

/*
 * Phases after each other, `whole` as long as the line, in eighths of a cell; what is NaN is left out, what is there at
 * all has at least the narrowest mark; views/layers_bar.c.
 */
void layers_bar_draw(const double ms[PHASE_COUNT], double whole, struct grid *grid, struct rect line);

/* What a phase is drawn in: its colour, and what tells it apart where there are none. */
uint32_t layers_phase_color(enum phase phase);
const char *layers_phase_mark(enum phase phase, int ascii);

/* A time of the model's steps as it is shown, in the unit in force; in out. "-": none. */
const char *layers_time(const struct layers_model *model, double ms, char *out, size_t size);
const char *layers_share(double part, double whole, char *out, size_t size); /* "36.4 %", "<0.1 %" */
const char *layers_unit(const struct layers_model *model);                   /* "ms", "s" */

#endif
