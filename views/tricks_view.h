/*
 * The Tricks screen: the form as a list, what is known of the row at the cursor, the learning rate, the command that
 * trains the recipe. Wide: list and details side by side; else one above the other, as much as there is room for.
 */
#ifndef DAVIDNET_VIEWS_TRICKS_VIEW_H
#define DAVIDNET_VIEWS_TRICKS_VIEW_H

#include "views/tricks_model.h"

/* Where things are; what has no room is empty. */
struct tricks_layout {
    struct rect head;    /* titles of the columns */
    struct rect list;    /* a row of the form a row */
    struct rect detail;  /* of the row at the cursor */
    struct rect chart;   /* the learning rate */
    struct rect command; /* one row, or below the chart */
    int top;             /* the form's row in the list's first */
};
void tricks_layout_make(const struct tricks_model *model, struct rect area, struct tricks_layout *layout);

void tricks_view_draw(const struct tricks_model *model, struct grid *grid, struct rect area);

/* The form's row at a cell of the area it was drawn into, or -1. */
int tricks_view_row_at(const struct tricks_model *model, struct rect area, int x, int y);

/* Private, between the view's files: what is known of the row at the cursor; and the boxes over the form. */
void tricks_detail_draw(const struct tricks_model *model, struct grid *grid, struct rect area);
void tricks_chart_draw(const struct tricks_model *model, struct grid *grid, struct rect area);
void tricks_command_draw(const struct tricks_model *model, struct grid *grid, struct rect area);
void tricks_box_draw(const struct tricks_model *model, struct grid *grid, struct rect area);
/* Text cut to a width, with a sign that it was; returns the columns used. */
int tricks_put_cut(struct grid *grid, struct rect clip, int x, int y, int width, uint32_t fg, uint8_t attr,
                   const char *text);

#endif
