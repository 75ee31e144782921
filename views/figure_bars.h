/*
 * Horizontal bars, one below the other: each a stack of segments, or a group of thin bars side by side. A bar has a
 * label to its left, its total or values at its end, and, where it is given, a marker line (what another method says,
 * a floor) across it. Segments are told apart by colour, hatch and order. What is not known (NaN) is no bar: in a stack
 * it is left out, and a bar without any known value says "not measured".
 */
#ifndef DAVIDNET_VIEWS_FIGURE_BARS_H
#define DAVIDNET_VIEWS_FIGURE_BARS_H

#include "views/figure.h"

#define FIGURE_SEGMENTS_MAX 12

struct figure_segment {
    const char *name; /* in the legend */
    uint32_t color;   /* enum color, or COLOR_RGB | 0xRRGGBB */
    enum figure_hatch hatch;
};

/* A negative value stands to the left of 0, in a stack too, whose total is less by it. */
struct figure_bar {
    const char *heading; /* (optional) a line above it, in bold: the first of a category, "batch 512" */
    const char *label;
    double value[FIGURE_SEGMENTS_MAX];
    double marker;    /* NaN: none */
    double error;     /* half the length of an error bar at a stack's end; 0 or NaN: none */
    const char *note; /* (optional) follows the total at the bar's end: "3.2 % of the step" */
    int apart;        /* 1: some room above it: it begins a group */
    double total;     /* of a stack, where it is not the sum of its values; 0: it is */
};

enum figure_bars_kind { FIGURE_STACKED, FIGURE_GROUPED };

struct figure_bars {
    enum figure_bars_kind kind;
    const char *axis; /* what the axis shows, with its unit: "time per training step (ms)" */
    struct figure_segment segment[FIGURE_SEGMENTS_MAX];
    int n_segments;
    const struct figure_bar *bars;
    int n_bars;
    const char *marker_name; /* (optional) in the legend */
    int decimals;            /* of the values at the bars' ends; -1: none are written */
    double max;              /* of the axis; NaN: from the data */
    int inside;              /* 1: a stack's values are written into its segments as well, where there is room */
    int no_legend;           /* 1: the caller has one */
};

/* The height that they look well in: legend, bars, axis. Choose the page's by it (figure_page_height). */
double figure_bars_height(const struct figure_bars *bars);

/* The legend on top, the axis at the foot. A lower box makes thinner bars; where labels would touch, some are left out.
 */
void figure_bars_draw(struct figure *figure, const struct figure_bars *bars, struct figure_box box);

#endif
