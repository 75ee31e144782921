#include "views/chart.h"

#include "views/dots.h"
#include "views/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Less is no chart. */
#define LEAST_WIDTH 12
#define LEAST_HEIGHT 4

/* The plot. */
struct canvas {
    struct grid *grid;
    struct rect area;
    int w, h; /* dots */
    struct dots dots;
    struct chart_range x, y;
};

static void put_dot(const struct canvas *canvas, int dx, int dy, const struct chart_series *series)
{
    dots_put(&canvas->dots, dx, dy, series->color, series->ascii ? series->ascii : '*');
}

/* Both ends may lie above or below the plot, not to its sides. */
static void put_line(const struct canvas *canvas, int x0, int y0, int x1, int y1, const struct chart_series *series)
{
    dots_line(&canvas->dots, x0, y0, x1, y1, series->color, series->ascii ? series->ascii : '*');
}

static int dot_x(const struct canvas *canvas, double x)
{
    return (int)lround(chart_position(&canvas->x, x) * (canvas->w - 1));
}

/* Values far outside are held just outside, so that a line to them leaves at the right edge. -1e9: no place. */
static int dot_y(const struct canvas *canvas, double y)
{
    double position = chart_position(&canvas->y, y);
    if (isnan(position))
        position = -1;
    position = position < -1 ? -1 : position > 2 ? 2 : position;
    return (int)lround((1 - position) * (canvas->h - 1));
}

static void mark(const struct canvas *canvas, int dx, int dy, uint32_t color, const char *fine, const char *plain)
{
    int per_x = canvas->grid->ascii ? 1 : 2, per_y = canvas->grid->ascii ? 1 : 4;
    if (dx >= 0 && dx < canvas->w && dy >= 0 && dy < canvas->h)
        put_text(canvas->grid, canvas->area, canvas->area.x + dx / per_x, canvas->area.y + dy / per_y, color, ATTR_BOLD,
                 canvas->grid->ascii ? plain : fine);
}

/* A point as a small cross of dots: a round character would stand in the middle of its cell, not at its value. */
static void put_point(const struct canvas *canvas, int x, int y, const struct chart_series *series)
{
    for (int i = -1; i <= 1; i++) {
        put_dot(canvas, x + i, y, series);
        put_dot(canvas, x, y + i, series);
    }
}

static void draw_series(const struct canvas *canvas, const struct chart_series *series)
{
    size_t *index = malloc((size_t)canvas->w * 4 * sizeof *index);
    if (!index)
        return;
    size_t n = chart_reduce(series, canvas->x.min, canvas->x.max, canvas->w, index);
    int px = 0, py = 0, joined = 0;
    for (size_t i = 0; i < n; i++) {
        double y = series->y[index[i]];
        int x = dot_x(canvas, series->x[index[i]]), dy = dot_y(canvas, y);
        if (isnan(y) && series->sparse)
            continue;
        if (isfinite(y))
            put_line(canvas, joined ? px : x, joined ? py : dy, x, dy, series);
        joined = isfinite(y);
        px = x;
        py = dy;
    }
    int per_cell = canvas->grid->ascii ? 1 : 2;
    double span = series->n > 1 ? series->x[series->n - 1] - series->x[0] : 0;
    double cells_apart = series->n > 1
                             ? span / (double)(series->n - 1) / (canvas->x.max - canvas->x.min) * canvas->w / per_cell
                             : canvas->w;
    int roomy = series->style == CHART_MARKED && cells_apart >= 2;
    for (size_t i = 0; i < n && roomy && !canvas->grid->ascii; i++)
        if (isfinite(series->y[index[i]]))
            put_point(canvas, dot_x(canvas, series->x[index[i]]), dot_y(canvas, series->y[index[i]]), series);
    free(index);
}

static void draw_band(const struct canvas *canvas, const struct chart_band *band)
{
    for (int edge = 0; edge < 2; edge++)
        draw_series(
            canvas,
            &(struct chart_series){
                .color = band->color, .ascii = '.', .x = band->x, .y = edge ? band->high : band->low, .n = band->n});
}

/* What is not finite stands at the foot of the plot, over everything. */
static void draw_bad(const struct canvas *canvas, const struct chart_series *series)
{
    for (size_t i = 0; i < series->n; i++) {
        double x = series->x[i], y = series->y[i];
        if (!isfinite(y) && !(isnan(y) && series->sparse) && x >= canvas->x.min && x <= canvas->x.max)
            mark(canvas, dot_x(canvas, x), canvas->h - 1, COLOR_BAD, "×", "X");
    }
}

/* Letters stand at the ends of their curves, over everything; where one is in the way, to its left. */
static void draw_letters(const struct canvas *canvas, const struct chart *chart)
{
    int per_x = canvas->grid->ascii ? 1 : 2, per_y = canvas->grid->ascii ? 1 : 4;
    int taken[CHART_SERIES_MAX][2], n_taken = 0;
    for (int s = 0; s < chart->n_series; s++) {
        const struct chart_series *series = &chart->series[s];
        size_t n = series->n;
        while (n > 0 && (!isfinite(series->y[n - 1]) || series->x[n - 1] > canvas->x.max))
            n--;
        if (!series->letter || n == 0)
            continue;
        int x = dot_x(canvas, series->x[n - 1]) / per_x, y = dot_y(canvas, series->y[n - 1]);
        if (y < 0 || y >= canvas->h)
            continue; /* off the plot, as the end of its curve is */
        y /= per_y;
        for (int i = 0; i < n_taken; i++)
            if (taken[i][0] == x && taken[i][1] == y) {
                x--;
                i = -1; /* from the first again */
            }
        taken[n_taken][0] = x;
        taken[n_taken++][1] = y;
        put_text(canvas->grid, canvas->area, canvas->area.x + x, canvas->area.y + y, series->color, ATTR_BOLD,
                 (char[]){series->letter, '\0'});
    }
}

static void draw_lines(const struct canvas *canvas, const struct chart *chart)
{
    for (int i = 0; i < chart->n_lines; i++) {
        struct chart_series dashes = {.color = chart->line[i].color, .ascii = '-'};
        double position = chart_position(&canvas->y, chart->line[i].y);
        if (!(position >= 0 && position <= 1))
            continue;
        int on = canvas->grid->ascii ? 1 : 2, y = dot_y(canvas, chart->line[i].y);
        int part = chart->line[i].from < chart->line[i].to;
        int first = part ? dot_x(canvas, chart->line[i].from) : 0;
        int last = part ? dot_x(canvas, chart->line[i].to) : canvas->w - 1;
        if (part)
            dashes.ascii = '=';
        for (int x = first; x <= last; x++)
            if (part || x % (2 * on) < on)
                put_dot(canvas, x, y, &dashes);
    }
}

/* The legend gives way in steps: short names, then no values, then as many entries as fit. */
enum legend { LEGEND_FULL, LEGEND_SHORT, LEGEND_BARE };

/* Width of a legend's entry with the blanks before it; text gets what follows its key. */
static int legend_entry(const struct chart_series *series, enum legend how, char *text, size_t size)
{
    const char *name = how != LEGEND_FULL && series->short_name ? series->short_name : series->name;
    char number[32];
    if (how != LEGEND_BARE && isfinite(series->current))
        snprintf(text, size, "%s%s%s", name, *name ? " " : "",
                 format_number(series->current, series->decimals, number, sizeof number));
    else
        snprintf(text, size, "%s", name);
    return 2 + 1 + (*text ? 1 : 0) + text_width(text);
}

/* Title on the left, the legend at the right end. */
static void draw_heading(const struct chart *chart, struct grid *grid, struct rect row)
{
    uint8_t attr = chart->focused ? ATTR_BOLD | ATTR_UNDERLINE : ATTR_BOLD;
    int used = put_text(grid, row, row.x, row.y, COLOR_TITLE, attr, chart->title);
    const char *unit = chart->y.unit ? chart->y.unit : "";
    if (*unit && used + 3 + text_width(unit) <= row.w)
        used += put_format(grid, row, row.x + used, row.y, COLOR_DIM, ATTR_NONE, " (%s)", unit);
    char text[160];
    enum legend how = LEGEND_FULL;
    for (; how < LEGEND_BARE; how++) {
        int all = 0;
        for (int s = 0; s < chart->n_series; s++)
            all += chart->series[s].name ? legend_entry(&chart->series[s], how, text, sizeof text) : 0;
        if (all <= row.w - used)
            break;
    }
    int total = 0, shown[CHART_SERIES_MAX] = {0};
    for (int s = 0; s < chart->n_series; s++) {
        int width = chart->series[s].name ? legend_entry(&chart->series[s], how, text, sizeof text) : 0;
        shown[s] = width > 0 && used + total + width <= row.w;
        total += shown[s] ? width : 0;
    }
    int x = row.x + row.w - total;
    for (int s = 0; s < chart->n_series; s++) {
        const struct chart_series *series = &chart->series[s];
        char plain[2] = {series->letter ? series->letter : series->ascii ? series->ascii : '*', '\0'};
        const char *key = grid->ascii || series->letter ? plain : series->style == CHART_MARKED ? "●" : "━";
        if (!shown[s])
            continue;
        int width = legend_entry(series, how, text, sizeof text);
        put_text(grid, row, x + 2, row.y, series->color, ATTR_BOLD, key);
        /* a faint line's colour is too dark for text */
        put_text(grid, row, x + 4, row.y, series->style == CHART_FAINT ? COLOR_DIM : series->color, ATTR_NONE, text);
        x += width;
    }
}

static void draw_y_axis(const struct canvas *canvas, const struct chart *chart, const struct chart_ticks *ticks,
                        int label_width)
{
    struct grid *grid = canvas->grid;
    struct rect area = canvas->area;
    struct rect labels = {area.x - 1 - label_width, area.y, label_width + 1, area.h};
    int per_y = grid->ascii ? 1 : 4;
    for (int y = area.y; y < area.y + area.h; y++)
        put_text(grid, labels, area.x - 1, y, COLOR_BORDER, ATTR_NONE, grid->ascii ? "|" : "│");
    for (int pass = 0; pass < 2; pass++) { /* reference lines last: they win over a tick in the same row */
        int n = pass ? chart->n_lines : ticks->n;
        for (int i = 0; i < n; i++) {
            double value = pass ? chart->line[i].y : ticks->value[i], position = chart_position(&canvas->y, value);
            if (!(position > -1e-9 && position < 1 + 1e-9))
                continue;
            char label[16];
            snprintf(label, sizeof label, "%g", value);
            const char *text = pass ? label : ticks->label[i];
            uint32_t color = pass ? chart->line[i].color : COLOR_AXIS;
            int y = area.y + dot_y(canvas, value) / per_y;
            if (pass)
                put_fill(grid, (struct rect){labels.x, y, label_width, 1}, COLOR_DEFAULT, COLOR_DEFAULT, NULL);
            put_text(grid, labels, area.x - 1 - text_width(text), y, color, pass ? ATTR_BOLD : ATTR_NONE, text);
            put_text(grid, labels, area.x - 1, y, pass ? color : COLOR_BORDER, ATTR_NONE, grid->ascii ? "+" : "┤");
        }
    }
}

/* Where a label begins: below its tick, within the row. */
static int label_at(const struct canvas *canvas, const struct chart_ticks *ticks, int i)
{
    int per_x = canvas->grid->ascii ? 1 : 2, width = text_width(ticks->label[i]);
    int at = canvas->area.x + dot_x(canvas, ticks->value[i]) / per_x - width / 2, left = canvas->area.x - 1;
    if (at + width > canvas->area.x + canvas->area.w)
        at = canvas->area.x + canvas->area.w - width;
    return at < left ? left : at;
}

/* The column behind the first number and the unit after it. */
static int behind_unit(const struct canvas *canvas, const struct chart_ticks *ticks, int unit_width)
{
    return label_at(canvas, ticks, 0) + text_width(ticks->label[0]) + 1 + unit_width;
}

static int unit_fits(const struct canvas *canvas, const struct chart_ticks *ticks, int unit_width)
{
    int end = canvas->area.x + canvas->area.w;
    return ticks->n > 0 &&
           behind_unit(canvas, ticks, unit_width) + 2 <= (ticks->n > 1 ? label_at(canvas, ticks, 1) : end);
}

/* The unit stands behind the first number, so that the last one has its place; or else at the end. */
static void draw_x_labels(const struct canvas *canvas, const char *unit, const struct chart_ticks *ticks,
                          struct rect row)
{
    int unit_width = text_width(unit), end = row.x + row.w, free_from = row.x;
    int first = unit_fits(canvas, ticks, unit_width);
    size_t length = strlen(unit);
    int one = first && strcmp(ticks->label[0], "1") == 0 && length > 1 && unit[length - 1] == 's';
    if (unit_width && first) /* "1 epoch" */
        put_format(canvas->grid, row, behind_unit(canvas, ticks, 0), row.y, COLOR_AXIS, ATTR_NONE, "%.*s",
                   (int)length - one, unit);
    if (unit_width && !first) {
        put_text(canvas->grid, row, end - unit_width, row.y, COLOR_AXIS, ATTR_NONE, unit);
        end -= unit_width + 1;
    }
    for (int i = 0; i < ticks->n; i++) {
        int at = label_at(canvas, ticks, i), width = text_width(ticks->label[i]);
        if (at < free_from || at + width > end)
            continue;
        put_text(canvas->grid, row, at, row.y, COLOR_AXIS, ATTR_NONE, ticks->label[i]);
        free_from = at + width + 1;
    }
}

#define TICK_ROOM 6 /* columns between two ticks, at least */
#define UNIT_ROOM 24

/* line_row: -1 where only labels fit. */
static void draw_x_axis(const struct canvas *canvas, const struct chart *chart, int line_row, int label_row)
{
    struct grid *grid = canvas->grid;
    struct rect area = canvas->area;
    const char *unit = chart->x.unit ? chart->x.unit : "";
    int per_x = grid->ascii ? 1 : 2, wanted = area.w / TICK_ROOM;
    struct rect row = {area.x - 1, label_row, area.w + 1, 1}, line = {area.x - 1, line_row, area.w + 1, 1};
    struct chart_ticks ticks;
    if (area.w < UNIT_ROOM)
        unit = "";
    do /* as many as leave the unit its place, if not just one */
        chart_make_ticks(&canvas->x, wanted, chart->x.integers, &ticks);
    while (*unit && --wanted > 0 && !unit_fits(canvas, &ticks, text_width(unit)));
    if (ticks.n < 2)
        chart_make_ticks(&canvas->x, area.w / TICK_ROOM, chart->x.integers, &ticks);
    for (int x = area.x; line_row >= 0 && x < area.x + area.w; x++)
        put_text(grid, line, x, line_row, COLOR_BORDER, ATTR_NONE, grid->ascii ? "-" : "─");
    for (int i = 0; line_row >= 0 && i < ticks.n; i++) {
        int x = dot_x(canvas, ticks.value[i]) / per_x;
        if (x > 0)
            put_text(grid, line, area.x + x, line_row, COLOR_BORDER, ATTR_NONE, grid->ascii ? "+" : "┬");
    }
    if (line_row >= 0)
        put_text(grid, line, area.x - 1, line_row, COLOR_BORDER, ATTR_NONE, grid->ascii ? "+" : "└");
    draw_x_labels(canvas, unit, &ticks, row);
}

/* The rows of the axis below: its line and its labels, one of them, or none. */
static int axis_rows_of(struct rect area)
{
    return area.h >= 7 ? 2 : area.h >= 5 ? 1 : 0;
}

/* ---- the y axis: numbers that stand unevenly would say that it is not linear ---- */

/* 1: as many rows from each number to the next, to within a fifth. Fewer than two numbers are not even. */
static int is_even(const struct chart_range *range, int rows, int per_y, const struct chart_ticks *ticks)
{
    int least = rows, most = 0, before = 0;
    for (int i = 0; i < ticks->n; i++) {
        int dot = (int)lround(chart_position(range, ticks->value[i]) * (rows * per_y - 1));
        int row = (rows * per_y - 1 - dot) / per_y, gap = before - row;
        before = row;
        if (i == 0)
            continue;
        least = gap < least ? gap : least;
        most = gap > most ? gap : most;
    }
    return ticks->n >= 2 && 5 * (most - least) <= most;
}

/* The range made `length` long: it begins at a multiple of step, or ends at one where only the end is fixed. */
static struct chart_range lengthen(const struct chart *chart, const struct chart_range *range, double step,
                                   double length)
{
    struct chart_range longer = *range;
    if (isfinite(chart->y.max) && range->min != 0) {
        longer.max = ceil(range->max / step - 1e-9) * step;
        longer.min = longer.max - length;
        if (!(longer.min < 0 && range->min >= 0))
            return longer;
    }
    longer.min = floor(range->min / step + 1e-9) * step;
    longer.max = longer.min + length;
    return longer;
}

/* A round step that is so many whole rows, if the axis need not grow by more than a quarter for three numbers. */
static int stretch(const struct chart *chart, int rows, int per_y, int wanted, struct chart_range *range,
                   struct chart_ticks *ticks)
{
    const struct chart_range old = chart_range_y(chart, 1000); /* free ends are where the data ends */
    double span = old.max - old.min, most = fmax(1.25 * span, range->max - range->min), best = INFINITY;
    for (int gap = 1; gap < rows; gap++) {
        double lengths = (double)(rows * per_y - 1) / (gap * per_y); /* of a step, in the whole axis */
        double step = chart_round_step(span / lengths * (1 - 1e-9)), length = step * lengths;
        struct chart_range longer = lengthen(chart, &old, step, length);
        struct chart_ticks found;
        if (length > most || longer.min > old.min + 1e-9 * span || longer.max < old.max - 1e-9 * span ||
            (chart->y.integers && step < 1))
            continue;
        chart_ticks_every(&longer, step, &found);
        double cost = length / span + 1.5 / found.n; /* rows that are wasted, numbers that are missed */
        if (found.n > wanted + 1 || found.n < 3 || !is_even(&longer, rows, per_y, &found) || !(cost < best))
            continue;
        best = cost;
        *range = longer;
        *ticks = found;
    }
    return isfinite(best);
}

/* Every second number, or every third ...: the first and the last are even for certain. */
static void thin(const struct chart_range *range, int rows, int per_y, struct chart_ticks *ticks)
{
    const struct chart_ticks all = *ticks;
    for (int stride = 2; stride < all.n && !is_even(range, rows, per_y, ticks); stride++) {
        if ((all.n - 1) % stride)
            continue;
        ticks->n = 0;
        for (int i = 0; i < all.n; i += stride) {
            ticks->value[ticks->n] = all.value[i];
            memcpy(ticks->label[ticks->n++], all.label[i], sizeof all.label[i]);
        }
    }
}

/* Returns the columns of the labels to its left, and their ticks. */
static int place_plot(const struct chart *chart, int ascii, struct rect area, struct chart_plot *plot,
                      struct chart_ticks *ticks)
{
    int label_width = 0, h = area.h - 1 - axis_rows_of(area), wanted = h < 4 ? 2 : h < 12 ? h / 2 : h / 3;
    int per_y = ascii ? 1 : 4;
    plot->x = chart_range_x(chart);
    plot->y = chart_range_y(chart, wanted);
    do /* one number says nothing of an axis */
        chart_make_ticks(&plot->y, wanted, chart->y.integers, ticks);
    while (ticks->n < 2 && ++wanted <= h);
    if (plot->y.scale == CHART_LINEAR && !is_even(&plot->y, h, per_y, ticks) &&
        !stretch(chart, h, per_y, wanted, &plot->y, ticks))
        thin(&plot->y, h, per_y, ticks);
    for (int i = 0; i < ticks->n; i++)
        if (text_width(ticks->label[i]) > label_width)
            label_width = text_width(ticks->label[i]);
    for (int i = 0; i < chart->n_lines; i++) {
        char label[16];
        int width = snprintf(label, sizeof label, "%g", chart->line[i].y);
        label_width = width > label_width ? width : label_width;
    }
    if (area.w < 2 * label_width + 8)
        label_width = 0;
    plot->area = (struct rect){area.x + label_width + 1, area.y + 1, area.w - label_width - 1, h};
    return label_width;
}

struct chart_plot chart_plot(const struct chart *chart, int ascii, struct rect area)
{
    struct chart_plot plot = {.area = {area.x, area.y, 0, 0}};
    struct chart_ticks ticks;
    if (area.w >= LEAST_WIDTH && area.h >= LEAST_HEIGHT)
        place_plot(chart, ascii, area, &plot, &ticks);
    return plot;
}

void chart_draw(const struct chart *chart, struct grid *grid, struct rect area)
{
    struct chart_plot plot;
    struct chart_ticks ticks;
    if (area.w < LEAST_WIDTH || area.h < LEAST_HEIGHT)
        return;
    int axis_rows = axis_rows_of(area), label_width = place_plot(chart, grid->ascii, area, &plot, &ticks);
    struct dots dots = dots_over(grid, plot.area);
    struct canvas canvas = {grid, plot.area, dots.w, dots.h, dots, plot.x, plot.y};

    draw_heading(chart, grid, (struct rect){area.x, area.y, area.w, 1});
    if (axis_rows)
        draw_x_axis(&canvas, chart, axis_rows == 2 ? area.y + area.h - 2 : -1, area.y + area.h - 1);
    size_t points = 0;
    for (int b = 0; b < chart->n_bands; b++)
        draw_band(&canvas, &chart->band[b]);
    for (int faint = 1; faint >= 0; faint--) { /* what is in the back first; the first series ends on top */
        for (int s = chart->n_series - 1; s >= 0; s--) {
            if ((chart->series[s].style == CHART_FAINT) != faint)
                continue;
            draw_series(&canvas, &chart->series[s]);
            points += faint ? 0 : chart->series[s].n;
        }
        if (faint)
            draw_lines(&canvas, chart);
    }
    for (int s = 0; s < chart->n_series; s++)
        draw_bad(&canvas, &chart->series[s]);
    draw_letters(&canvas, chart);
    if (points == 0 && chart->empty) {
        int width = text_width(chart->empty);
        put_text(grid, canvas.area, canvas.area.x + (canvas.area.w - width) / 2, canvas.area.y + canvas.area.h / 2,
                 COLOR_DIM, ATTR_NONE, chart->empty);
    }
    draw_y_axis(&canvas, chart, &ticks, label_width);
}
