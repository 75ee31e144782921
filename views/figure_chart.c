#include "views/figure_chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK 3.0
#define NAME_ROOM 13.0 /* of an axis */
#define X_LABELS 15.0
#define TICKS_APART 26.0 /* points between two ticks of y, about */
#define PANELS_APART 9.0
#define MARKS_APART 16.0

static const struct figure_font label_font = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT};
static const struct figure_font name_font = {FIGURE_SMALL_SIZE, 1, COLOR_DEFAULT};

static int wanted_ticks(double height)
{
    int n = (int)(height / TICKS_APART);
    return n < 2 ? 2 : n;
}

/* Free ends are widened to fewer, rounder values than there are ticks. */
static void y_axis(const struct chart *chart, double height, struct chart_range *range, struct chart_ticks *ticks)
{
    *range = chart_range_y(chart, wanted_ticks(height));
    chart_make_ticks(range, wanted_ticks(height), chart->y.integers, ticks);
}

double figure_axes_left(struct figure *figure, const struct chart *chart, double height)
{
    struct chart_range range;
    struct chart_ticks ticks;
    double widest = 0;
    y_axis(chart, height, &range, &ticks);
    for (int i = 0; i < ticks.n; i++)
        widest = fmax(widest, figure_text_width(figure, &label_font, ticks.label[i]));
    return NAME_ROOM + widest + TICK + 4;
}

double figure_axes_right(struct figure *figure, const struct chart *chart)
{
    double widest = 4;
    for (int i = 0; i < chart->n_lines; i++)
        if (chart->line[i].name)
            widest = fmax(widest, figure_text_width(figure, &label_font, chart->line[i].name) + 4);
    return widest;
}

/* A place between -1 and 2 of the plot's side. */
static double hold(double position)
{
    return position < -1 ? -1 : position > 2 ? 2 : position;
}

double figure_axes_x(const struct figure_axes *axes, double value)
{
    return axes->plot.x + axes->plot.w * hold(chart_position(&axes->x, value));
}

double figure_axes_y(const struct figure_axes *axes, double value)
{
    return axes->plot.y + axes->plot.h * (1 - hold(chart_position(&axes->y, value)));
}

static int outside(double position)
{
    return !(position > -1e-6 && position < 1 + 1e-6);
}

static void draw_x(struct figure *figure, const struct chart *chart, const char *name, const struct figure_axes *axes,
                   double right)
{
    const struct figure_stroke grid = {COLOR_BORDER, 0.4, FIGURE_SOLID}, line = {COLOR_AXIS, 0.8, FIGURE_SOLID};
    struct figure_box p = axes->plot;
    struct chart_ticks ticks;
    double free_from = -INFINITY;
    chart_make_ticks(&axes->x, (int)(p.w / 42) + 1, chart->x.integers, &ticks);
    for (int i = 0; i < ticks.n; i++) {
        double x = figure_axes_x(axes, ticks.value[i]),
               half = figure_text_width(figure, &label_font, ticks.label[i]) / 2;
        if (outside(chart_position(&axes->x, ticks.value[i])))
            continue;
        figure_line(figure, x, p.y, x, p.y + p.h, &grid);
        figure_line(figure, x, p.y + p.h, x, p.y + p.h + TICK, &line);
        if (!name || x - half < free_from || x + half > right)
            continue;
        figure_text(figure, x, p.y + p.h + TICK + 7, FIGURE_CENTRE, &label_font, ticks.label[i]);
        free_from = x + half + 3;
    }
    if (name) {
        char text[160];
        figure_text_cut(figure, &name_font, name, p.w, text, sizeof text);
        figure_text(figure, p.x + p.w / 2, p.y + p.h + X_LABELS + 5, FIGURE_CENTRE, &name_font, text);
    }
}

static void draw_y(struct figure *figure, const struct chart *chart, const struct figure_axes *axes,
                   const struct chart_ticks *ticks, double left)
{
    const struct figure_stroke grid = {COLOR_BORDER, 0.4, FIGURE_SOLID}, line = {COLOR_AXIS, 0.8, FIGURE_SOLID};
    struct figure_box p = axes->plot;
    double free_below = INFINITY;
    for (int i = 0; i < ticks->n; i++) {
        double y = figure_axes_y(axes, ticks->value[i]);
        if (outside(chart_position(&axes->y, ticks->value[i])))
            continue;
        figure_line(figure, p.x, y, p.x + p.w, y, &grid);
        figure_line(figure, p.x - TICK, y, p.x, y, &line);
        if (y + 4 > free_below)
            continue;
        figure_text(figure, p.x - TICK - 2.5, y, FIGURE_RIGHT, &label_font, ticks->label[i]);
        free_below = y - 5;
    }
    char name[160], text[160];
    const char *unit = chart->y.unit ? chart->y.unit : "";
    snprintf(name, sizeof name, *unit ? "%s (%s)" : "%s", chart->title ? chart->title : "", unit);
    figure_text_cut(figure, &name_font, name, p.h + PANELS_APART - 3, text, sizeof text);
    figure_text_up(figure, p.x - left + NAME_ROOM / 2 - 1.5, p.y + p.h / 2, &name_font, text);
}

int figure_axes_draw(struct figure *figure, const struct chart *chart, const char *x_name, double left, double right,
                     struct figure_box box, struct figure_axes *axes)
{
    const struct figure_stroke line = {COLOR_AXIS, 0.8, FIGURE_SOLID};
    struct chart_ticks ticks;
    double foot = x_name ? X_LABELS + NAME_ROOM : 0, head = 4;
    axes->plot = (struct figure_box){box.x + left, box.y + head, box.w - left - right, box.h - foot - head};
    struct figure_box p = axes->plot;
    if (!(p.w >= 20 && p.h >= 12))
        return -1;
    axes->x = chart_range_x(chart);
    y_axis(chart, p.h, &axes->y, &ticks);
    draw_x(figure, chart, x_name, axes, box.x + box.w);
    draw_y(figure, chart, axes, &ticks, left);
    figure_line(figure, p.x, p.y, p.x, p.y + p.h, &line);
    figure_line(figure, p.x, p.y + p.h, p.x + p.w, p.y + p.h, &line);
    return 0;
}

/* ---- what is in the plot ---- */

static void draw_band(struct figure *figure, const struct figure_axes *axes, const struct chart_band *band)
{
    const struct figure_stroke edge = {band->color, 0.4, FIGURE_SOLID};
    double *xy = malloc(band->n * 4 * sizeof *xy + 1);
    size_t from = 0;
    if (!xy) {
        figure_fail(figure);
        return;
    }
    for (size_t i = 0; i <= band->n; i++) {
        if (i < band->n && isfinite(band->low[i]) && isfinite(band->high[i]))
            continue;
        size_t n = i - from; /* a piece without gaps: there along the top, back along the foot */
        for (size_t k = 0; k < n; k++) {
            double x = figure_axes_x(axes, band->x[from + k]);
            xy[2 * k] = xy[2 * (2 * n - 1 - k)] = x;
            xy[2 * k + 1] = figure_axes_y(axes, band->high[from + k]);
            xy[2 * (2 * n - 1 - k) + 1] = figure_axes_y(axes, band->low[from + k]);
        }
        if (n > 0) {
            figure_polygon(figure, xy, 2 * n, band->color, 0.18);
            figure_polyline(figure, xy, n, &edge);
            figure_polyline(figure, xy + 2 * n, n, &edge);
        }
        from = i + 1;
    }
    free(xy);
}

/* Where points are close together some have marks only, and other series have theirs at other points. */
static void draw_marks(struct figure *figure, const struct figure_axes *axes, const struct chart_series *series,
                       int place)
{
    size_t n = series->n, every = 1;
    double span = n > 1 ? figure_axes_x(axes, series->x[n - 1]) - figure_axes_x(axes, series->x[0]) : 0;
    if (n > 1 && span < (double)(n - 1) * MARKS_APART / 2)
        every = (size_t)ceil((double)(n - 1) * MARKS_APART / fmax(span, 1));
    for (size_t i = every > 1 ? (size_t)place * every / 3 % every : 0; i < n; i += every)
        if (isfinite(series->y[i]))
            figure_marker(figure, figure_axes_x(axes, series->x[i]), figure_axes_y(axes, series->y[i]),
                          (enum figure_mark)series->mark, 4.5, series->color);
}

static void draw_series(struct figure *figure, const struct figure_axes *axes, const struct chart_series *series)
{
    const struct figure_stroke stroke = {series->color, series->style == CHART_FAINT ? 0.7 : 1.3,
                                         (enum figure_dash)series->dash};
    int columns = (int)(axes->plot.w * 2) + 1;
    size_t *index = malloc((size_t)columns * 4 * sizeof *index), n = 0;
    double *xy = malloc((size_t)columns * 8 * sizeof *xy);
    if (!index || !xy) {
        figure_fail(figure);
    } else {
        size_t found = chart_reduce(series, axes->x.min, axes->x.max, columns, index);
        for (size_t i = 0; i < found; i++) {
            double y = series->y[index[i]];
            if (!isfinite(y) && series->sparse)
                continue;
            xy[2 * n] = figure_axes_x(axes, series->x[index[i]]);
            xy[2 * n++ + 1] = isfinite(y) ? figure_axes_y(axes, y) : (double)NAN;
        }
        figure_polyline(figure, xy, n, &stroke);
    }
    free(index);
    free(xy);
}

/* What is not finite stands at the foot of the plot, over everything. */
static void draw_bad(struct figure *figure, const struct figure_axes *axes, const struct chart_series *series)
{
    for (size_t i = 0; i < series->n; i++)
        if (!isfinite(series->y[i]) && !(isnan(series->y[i]) && series->sparse))
            figure_marker(figure, figure_axes_x(axes, series->x[i]), axes->plot.y + axes->plot.h - 4, FIGURE_CROSS, 5,
                          COLOR_BAD);
}

static void draw_lines(struct figure *figure, const struct figure_axes *axes, const struct chart *chart)
{
    double free_from = -INFINITY;
    for (int i = 0; i < chart->n_lines; i++) {
        const struct chart_line *line = &chart->line[i];
        int part = line->from < line->to;
        const struct figure_stroke stroke = {line->color, 1, part ? FIGURE_SOLID : FIGURE_LONG_DASH};
        struct figure_font font = {FIGURE_SMALL_SIZE, 1, line->color};
        double y = figure_axes_y(axes, line->y), right = axes->plot.x + axes->plot.w;
        if (outside(chart_position(&axes->y, line->y)))
            continue;
        figure_line(figure, part ? figure_axes_x(axes, line->from) : axes->plot.x, y,
                    part ? figure_axes_x(axes, line->to) : right, y, &stroke);
        if (!line->name || fabs(y - free_from) < 9)
            continue;
        font.bold = 0;
        figure_text(figure, right + 4, y, FIGURE_LEFT, &font, line->name);
        free_from = y;
    }
}

static void draw_inside(struct figure *figure, const struct figure_axes *axes, const struct chart *chart)
{
    size_t points = 0;
    struct figure_box p = axes->plot;
    figure_clip(figure, (struct figure_box){p.x - 3, p.y - 3, p.w + 6, p.h + 6});
    for (int b = 0; b < chart->n_bands; b++)
        draw_band(figure, axes, &chart->band[b]);
    for (int faint = 1; faint >= 0; faint--) /* what is in the back first; the first series ends on top */
        for (int s = chart->n_series - 1; s >= 0; s--)
            if ((chart->series[s].style == CHART_FAINT) == faint)
                draw_series(figure, axes, &chart->series[s]);
    for (int s = chart->n_series - 1; s >= 0; s--) {
        if (chart->series[s].style == CHART_MARKED)
            draw_marks(figure, axes, &chart->series[s], s);
        draw_bad(figure, axes, &chart->series[s]);
        points += chart->series[s].n;
    }
    figure_unclip(figure);
    draw_lines(figure, axes, chart);
    if (points == 0 && chart->empty) {
        const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DIM};
        char text[128];
        figure_text_cut(figure, &font, chart->empty, p.w, text, sizeof text);
        figure_text(figure, p.x + p.w / 2, p.y + p.h / 2, FIGURE_CENTRE, &font, text);
    }
}

/* ---- several charts ---- */

static int collect_keys(const struct chart *charts, int n, struct figure_key *keys, int most)
{
    int n_keys = 0;
    for (int c = 0; c < n; c++)
        for (int s = 0; s < charts[c].n_series && n_keys < most; s++) {
            const struct chart_series *series = &charts[c].series[s];
            int known = series->name == NULL;
            for (int k = 0; k < n_keys && !known; k++)
                known = strcmp(keys[k].name, series->name) == 0;
            if (!known)
                keys[n_keys++] = (struct figure_key){
                    .name = series->name,
                    .color = series->color,
                    .dash = (enum figure_dash)series->dash,
                    .mark = series->style == CHART_MARKED ? (enum figure_mark)series->mark : FIGURE_NO_MARK,
                    .width = series->style == CHART_FAINT ? 0.7 : 1.3};
        }
    return n_keys;
}

void figure_charts_draw(struct figure *figure, const struct chart *charts, const double *weight, int n,
                        const struct figure_key *keys, int n_keys, struct figure_box box)
{
    struct figure_key own[CHART_SERIES_MAX] = {{0}};
    double all = 0, left = 0, right = 0;
    if (!keys) {
        n_keys = collect_keys(charts, n, own, CHART_SERIES_MAX);
        keys = own;
    }
    double legend = figure_legend(figure, box, keys, n_keys, 0);
    legend += legend > 0 ? 5 : 0;
    for (int i = 0; i < n; i++)
        all += weight ? weight[i] : 1;
    double height = box.h - legend - X_LABELS - NAME_ROOM - PANELS_APART * (n - 1), y = box.y + legend;
    for (int i = 0; i < n; i++) {
        double own_height = height * (weight ? weight[i] : 1) / all;
        left = fmax(left, figure_axes_left(figure, &charts[i], own_height - 4));
        right = fmax(right, figure_axes_right(figure, &charts[i]));
    }
    for (int i = 0; i < n; i++) {
        double own_height = height * (weight ? weight[i] : 1) / all + (i == n - 1 ? X_LABELS + NAME_ROOM : 0);
        struct figure_axes axes;
        const char *name = i == n - 1 ? (charts[i].x.unit ? charts[i].x.unit : "") : NULL;
        struct figure_box panel = {box.x, y, box.w, own_height};
        if (figure_axes_draw(figure, &charts[i], name, left, right, panel, &axes) == 0)
            draw_inside(figure, &axes, &charts[i]);
        y += own_height + PANELS_APART;
    }
}
