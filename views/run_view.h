/* The Run screen's body: recipe, the numbers that matter, curves, progress. */
#ifndef DAVIDNET_VIEWS_RUN_VIEW_H
#define DAVIDNET_VIEWS_RUN_VIEW_H

#include "views/grid.h"
#include "views/run_model.h"

/* Where things go. What is not shown is empty. Nothing overlaps, nothing leaves the area. */
struct run_layout {
    struct rect recipe, notice, tiles, panel[RUN_PANELS], forecast, progress;
};
/* recipe_lines: 1 or 2; notice_lines and forecast_lines: 0 or 1. */
void run_layout_make(struct rect area, const struct run_view_options *view, int recipe_lines, int notice_lines,
                     int forecast_lines, struct run_layout *layout);

void run_view_draw(const struct run_model *model, struct grid *grid, struct rect area);

/*
 * "94 %: 7 of 9 earlier runs got there (45-94 %), after 12:10-14:02": what the forecast says, in one line; 0 and empty
 * when there is nothing to say, because the run has ended or reached its target. wide: in full.
 */
int run_forecast_text(const struct run_model *model, int wide, char *out, size_t size);

/* For views/run_view.c: its charts, and the last finite value (NaN: none). */
void run_accuracy_draw(const struct run_model *model, struct grid *grid, struct rect area);
void run_loss_draw(const struct run_model *model, struct grid *grid, struct rect area);
void run_lr_draw(const struct run_model *model, struct grid *grid, struct rect area);
double run_last_of(const double *y, size_t n);

/* The colour of a phase in the header. */
uint32_t run_phase_color(enum trainer_phase phase);

#endif
