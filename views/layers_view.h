/* The Layers screen's body: what a step takes in all, the rows of the plan with their times and bars, details. */
#ifndef DAVIDNET_VIEWS_LAYERS_VIEW_H
#define DAVIDNET_VIEWS_LAYERS_VIEW_H

#include "views/grid.h"
#include "views/layers_model.h"

/* Where things go. What is not shown is empty. Nothing overlaps, nothing leaves the area. */
struct layers_layout {
    struct rect tiles, strip, legend, bound; /* the step as one bar, what its colours are, what bounds it */
    struct rect head, list, total;           /* total: the line below the list */
    struct rect detail;                      /* of the node under the cursor: beside the list, or below it */
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

/* The roofline in the list's place; views/layers_roof.c. Whether there is room for one on a screen of that area. */
int layers_roof_fits(struct rect area);
void layers_roof_draw(const struct layers_model *model, struct grid *grid, struct rect area);

/* Against which run, and what a step changed by, in the place of what bounds it; views/layers_change.c. */
void layers_against_draw(const struct layers_model *model, struct grid *grid, struct rect line);
uint32_t layers_change_color(enum timing_diff_verdict verdict);
const char *layers_change_word(enum timing_diff_verdict verdict);
const char *layers_signed(const struct layers_model *model, double ms, char *out, size_t size); /* "+1.25", "-0.3" */
const char *layers_change_percent(const struct layers_change *change, char *out, size_t size);  /* "-4.7 %" */

/* What threads did, by colour; what bounds the step, and how far it is from its floor; views/layers_bound.c. */
void layers_legend_draw(const struct layers_model *model, struct grid *grid, struct rect line);
void layers_bound_draw(const struct layers_model *model, struct grid *grid, struct rect line);

/*
 * Segments after each other, `whole` as long as the line, in eighths of a cell; what is NaN is left out, what is there
 * at all has at least the narrowest mark; views/layers_bar.c.
 */
struct layers_segment {
    double size;
    uint32_t color;
    const char *mark[2]; /* what tells it apart where there are no colours: any character, ASCII */
};
void layers_bar_draw(const struct layers_segment *segments, int n, double whole, struct grid *grid, struct rect line);
int layers_phase_segments(const double ms[PHASE_COUNT], struct layers_segment out[PHASE_COUNT]);
int layers_part_segments(const double ms[TIMING_PART_COUNT], struct layers_segment out[TIMING_PART_COUNT]);
/* Whether it is known what all threads did; in all: the sum. */
int layers_parts_known(const struct layers_model *model, double *all);

/* What a phase is drawn in: its colour, and what tells it apart where there are none. */
uint32_t layers_phase_color(enum phase phase);
const char *layers_phase_mark(enum phase phase, int ascii);

/* From milliseconds of a step to the unit in force. */
double layers_scale(const struct layers_model *model);

/* A time of the model's steps as it is shown, in the unit in force; in out. "-": none. */
const char *layers_time(const struct layers_model *model, double ms, char *out, size_t size);
const char *layers_share(double part, double whole, char *out, size_t size); /* "36.4 %", "<0.1 %" */
const char *layers_rate(double rate, char *out, size_t size);                /* "789", "2.9" */
const char *layers_unit(const struct layers_model *model);                   /* "ms", "s" */

#endif
