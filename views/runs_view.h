/*
 * The Runs screen's body: a line about what is listed, the table, below it the selected run in full and its curve with
 * those of the marked ones; or, instead of all that, what differs between them.
 */
#ifndef DAVIDNET_VIEWS_RUNS_VIEW_H
#define DAVIDNET_VIEWS_RUNS_VIEW_H

#include "views/grid.h"
#include "views/runs_model.h"

/* Where things go; what is not shown is empty. Nothing overlaps, nothing leaves the area. */
struct runs_layout {
    struct rect line, table, detail, chart; /* table: with its headings; detail: with its title */
};
/* runs: how many there are; a table that needs less leaves the rest to what is below it. */
void runs_layout_make(struct rect area, int runs, struct runs_layout *layout);

void runs_view_draw(const struct runs_model *model, struct grid *grid, struct rect area);

/* The row of the model at a cell, -1: none; *column (optional) the column whose heading is there, or RUNS_COLUMNS. */
int runs_view_find(const struct runs_model *model, struct rect area, int x, int y, enum runs_column *column);

/* The colour and the letter of a mark. */
uint32_t runs_mark_color(int mark);
char runs_mark_letter(int mark);

/* For views/runs_view.c: the files it is divided into. */
void runs_detail_draw(const struct runs_model *model, struct grid *grid, struct rect area);
void runs_chart_draw(const struct runs_model *model, struct grid *grid, struct rect area);
void runs_compare_draw(const struct runs_model *model, struct grid *grid, struct rect area);
uint32_t runs_state_color(const struct run_entry *entry);

#endif
