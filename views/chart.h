/*
 * A chart as data: series, axes, reference lines, legend. It knows nothing of cells or pixels; chart_draw is the
 * back end for terminal cells, views/figure_chart.h that for paper; both use the same ranges, ticks and reduction.
 * Everything is borrowed and nothing is changed by drawing.
 */
#ifndef DAVIDNET_VIEWS_CHART_H
#define DAVIDNET_VIEWS_CHART_H

#include "views/grid.h"

#include <stddef.h>

#define CHART_SERIES_MAX 40
#define CHART_BANDS_MAX 12
#define CHART_LINES_MAX 4
#define CHART_TICKS_MAX 24

enum chart_scale {
    CHART_LINEAR,
    CHART_LOG,
    CHART_LOG_ERROR, /* of percentages: the logarithm of what is missing to 100, so that 98 to 99 is as far as 96 to 98
                      */
};
enum chart_style {
    CHART_CURVE,  /* lines between points */
    CHART_MARKED, /* lines, and a mark at every point where there is room */
    CHART_FAINT,  /* lines in the back: raw data behind a smoothed curve, what is still to come */
};

/* x never decreases. A y that is not finite makes a gap and a loud mark; a NaN x is not allowed. */
struct chart_series {
    const char *name;       /* in the legend; NULL: not there */
    const char *short_name; /* (optional) in its place where the legend is too long */
    uint32_t color;
    enum chart_style style;
    char ascii;  /* mark in ASCII */
    char letter; /* (optional) stands at the curve's last point and as its key in the legend */
    const double *x, *y;
    size_t n;
    double current; /* value in the legend; NaN: none */
    int decimals;   /* of it */
    int sparse;     /* 1: a NaN was not measured; it is passed over, without a gap or a mark */
    int dash, mark; /* in figures: enum figure_dash, enum figure_mark, so that no colour is needed to tell it */
};

/* A spread about a curve, from low to high; where either is not finite there is none. x never decreases. */
struct chart_band {
    const double *x, *low, *high;
    size_t n;
    uint32_t color;
};

struct chart_line {
    double y;
    uint32_t color;
    double from, to;  /* from < to: a solid line between these x, in place of dashes from end to end */
    const char *name; /* (optional) at its end in figures: "94 %" */
};

struct chart_axis {
    enum chart_scale scale;
    double min, max;  /* fixed ends; NaN: from the data, widened to ticks */
    int integers;     /* 1: no ticks between whole numbers, where there are two */
    const char *unit; /* "epochs", "%", or "" */
};

struct chart {
    const char *title;
    const char *empty; /* shown in the middle while there is no point */
    int focused;       /* 1: the panel that keys act on */
    struct chart_axis x, y;
    struct chart_series series[CHART_SERIES_MAX];
    int n_series;
    struct chart_line line[CHART_LINES_MAX]; /* horizontal */
    int n_lines;
    struct chart_band band[CHART_BANDS_MAX]; /* behind the series; in cells, only their edges */
    int n_bands;
};

/*
 * The axis of percentages from `worst` to `best`, out to the next tens: 90 % to 94 % is told apart where all of 0 to
 * 100 would not. NaN: not known, 0 or 100.
 */
struct chart_axis chart_accuracy_axis(double worst, double best);

/* The ends of an axis: finite, min < max; min > 0 on a log scale, max < 100 on one of errors. */
struct chart_range {
    double min, max;
    enum chart_scale scale;
};
struct chart_range chart_range_x(const struct chart *chart);
struct chart_range chart_range_y(const struct chart *chart, int ticks);

/* 0 at min, 1 at max; NaN or infinite where the scale has no place for the value (log of 0). Not clamped. */
double chart_position(const struct chart_range *range, double value);

/* Ticks at round values (1, 2 or 5 times a power of ten; powers of ten on long log axes), increasing. */
struct chart_ticks {
    int n;
    double value[CHART_TICKS_MAX];
    char label[CHART_TICKS_MAX][16];
};
void chart_make_ticks(const struct chart_range *range, int wanted, int integers, struct chart_ticks *ticks);

/* Of a linear axis: at the multiples of step. chart_round_step: 1, 2 or 5 times a power of ten, `least` at least. */
void chart_ticks_every(const struct chart_range *range, double step, struct chart_ticks *ticks);
double chart_round_step(double least);

/*
 * Reduces a series to at most four points for each of `columns` equal parts of [x_min, x_max]: first, lowest,
 * highest, last, in their order, so that the picture is the one all points would give (Jugel et al., "M4", VLDB
 * 2014). out has room for 4 * columns indices. Points outside and points that are not finite are left out, except
 * that a column's first point that is not finite is kept (it is a gap and a mark). Returns the count.
 */
size_t chart_reduce(const struct chart_series *series, double x_min, double x_max, int columns, size_t *out);

/*
 * TensorBoard's smoothing: s <- weight * s + (1 - weight) * y over finite points, divided by 1 - weight^t
 * (t: finite points so far). Points that are not finite stay as they are. 0 <= weight < 1.
 */
void chart_smooth(const double *y, size_t n, double weight, double *out);

/*
 * Cells: title and legend, axes, and the curves in braille, or in ASCII. At least 12x4, else nothing is drawn. The
 * numbers of a linear y axis stand as many rows apart, to within a fifth: where they would not, the axis is made up
 * to a quarter longer, beyond an end that is fixed, too, but never below 0; or it has fewer numbers.
 */
void chart_draw(const struct chart *chart, struct grid *grid, struct rect area);

/* Where chart_draw has its curves, for what is no curve; an empty area where it draws nothing. ascii: as the grid's. */
struct chart_plot {
    struct rect area;
    struct chart_range x, y;
};
struct chart_plot chart_plot(const struct chart *chart, int ascii, struct rect area);

#endif
