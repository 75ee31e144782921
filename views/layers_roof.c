/*
 * The Layers screen's roofline (Williams, Waterman and Patterson, "Roofline", CACM 2009): each row in each phase at the
 * operations it does for a byte that it must move, and at the operations that it does in a second: those that are
 * really done, where that is known (timing_sum.work), which for Winograd's method are fewer than the list counts. The
 * roof is what the machine can do: a slope where memory is the limit, a level where arithmetic is. Both axes are
 * logarithmic, so a row's distance below the roof is the share of the ceiling that it does not reach, wherever it
 * stands. A row without arithmetic stands at the left edge, as far below the slope as its bytes are from the best.
 */
#include "views/layers_view.h"

#include "views/chart.h"
#include "views/dots.h"
#include "views/format.h"
#include "views/frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEAST_WIDTH 98 /* of the screen's area: a terminal of 100 x 30 */
#define LEAST_HEIGHT 28
#define PLACES 8   /* that are tried to each side of the middle of the slope */
#define SMALL 0.01 /* a share of the time that is looked at: points of less are small */
#define TINY 0.001 /* and of less than this do not decide how far the axes go */

struct point {
    int node;
    enum phase phase;
    double x, y;  /* operations a byte, 0: none; operations or, without any, bytes, 1e9 a second */
    double share; /* of the time that is looked at */
    int less;     /* fewer operations than the list counts */
};

int layers_roof_fits(struct rect area)
{
    return area.w >= LEAST_WIDTH && area.h >= LEAST_HEIGHT;
}

/* The next point at or behind *node and *phase, which are moved on; 0: there is none. */
static int next_point(const struct layers_model *model, int *node, int *phase, struct point *point)
{
    for (; *node < model->n_nodes; ++*node, *phase = 0) {
        const struct layers_node *n = &model->nodes[*node];
        for (; !n->is_block && *phase < PHASE_COUNT; ++*phase) {
            if (!(n->own & layers_phase_mask(model) & 1u << *phase))
                continue;
            struct timing_sum sum = timing_sum(&model->timing, n->row, 1u << *phase);
            if (!(sum.bytes > 0) || !(sum.ms > 0) || isnan(sum.flops))
                continue;
            double done = sum.work > 0 ? sum.work : sum.flops; /* not known: as a direct convolution's */
            *point = (struct point){.node = *node,
                                    .phase = (enum phase) * phase,
                                    .x = done / sum.bytes,
                                    .y = done > 0 ? done * 1e-6 / sum.ms : sum.gigabytes,
                                    .share = sum.ms / model->looked_ms,
                                    .less = done < sum.flops};
            ++*phase;
            return 1;
        }
    }
    return 0;
}

/* ---- the axes ---- */

static double power_below(double x)
{
    return pow(10, floor(log10(x) + 1e-9));
}

/* Around the points that matter and the ridge of the roof. peak, bandwidth: 1e9 a second; NaN: unknown. */
static void make_ranges(const struct layers_model *model, double peak, double bandwidth, struct chart *chart)
{
    double left = NAN, right = NAN, low = NAN, high = peak, ridge = peak / bandwidth;
    struct point point;
    for (int node = 0, phase = 0; next_point(model, &node, &phase, &point);) {
        if (!(point.x > 0) || !(point.share >= TINY))
            continue;
        left = fmin(left, point.x); /* fmin and fmax leave NaN out */
        right = fmax(right, point.x);
        low = fmin(low, point.y);
        high = fmax(high, point.y);
    }
    left = fmin(left, ridge / 10);
    right = fmax(right, ridge * 2);
    chart->x.min = isfinite(left) ? power_below(left / 1.5) : 0.1;
    chart->x.max = isfinite(right) ? 2 * right : 100;
    for (int node = 0, phase = 0; next_point(model, &node, &phase, &point);)
        if (!(point.x > 0) && point.share >= TINY)
            low = fmin(low, point.y * chart->x.min);
    low = fmin(low, chart->x.min * bandwidth / 2);
    chart->y.min = isfinite(low) ? power_below(low) : 1;
    chart->y.max = isfinite(high) ? 2 * high : 1000;
}

/* ---- what is drawn over them ---- */

struct canvas {
    struct grid *grid;
    struct chart_plot plot;
    struct dots dots;
};

/* The cell of a point; what is outside is held at the edge. */
static void place(const struct canvas *canvas, const struct point *point, int *x, int *y)
{
    double across = chart_position(&canvas->plot.x, point->x);
    double rate = point->x > 0 ? point->y : point->y * canvas->plot.x.min; /* down the slope, to the edge */
    double up = chart_position(&canvas->plot.y, rate);
    across = isfinite(across) ? fmin(fmax(across, 0), 1) : 0;
    up = isfinite(up) ? fmin(fmax(up, 0), 1) : 0;
    *x = canvas->plot.area.x + (int)lround(across * (canvas->dots.w - 1)) / canvas->dots.per_x;
    *y = canvas->plot.area.y + (int)lround((1 - up) * (canvas->dots.h - 1)) / canvas->dots.per_y;
}

/* What tells phases apart without colours, too. */
static const char *mark_of(const struct point *point, int ascii)
{
    static const char *const marks[3][2][2] = {
        {{"∘", "●"}, {"o", "O"}}, {{"▫", "■"}, {"x", "X"}}, {{"▵", "▲"}, {"a", "A"}}};
    int kind = point->phase == PHASE_FORWARD ? 0 : point->phase == PHASE_BACKWARD ? 1 : 2;
    return marks[kind][ascii != 0][point->share >= SMALL];
}

static int in_focus(const struct layers_model *model, int node)
{
    while (node >= 0 && node != model->cursor)
        node = model->nodes[node].parent;
    return node >= 0;
}

static void put_point(const struct canvas *canvas, const struct point *point, int focus)
{
    int x, y;
    uint32_t color = layers_phase_color(point->phase);
    const char *mark = mark_of(point, canvas->grid->ascii);
    place(canvas, point, &x, &y);
    if (focus)
        put_fill(canvas->grid, (struct rect){x, y, 1, 1}, COLOR_TITLE, COLOR_SELECTED, mark);
    else
        put_text(canvas->grid, canvas->plot.area, x, y, color, ATTR_BOLD, mark);
}

/* Puts it where nothing is yet, with a blank before it; 0: there is no room. */
static int put_if_free(const struct canvas *canvas, int x, int y, uint32_t color, uint8_t attr, const char *text)
{
    struct rect area = canvas->plot.area;
    int width = text_width(text);
    if (x < area.x || x + width > area.x + area.w || y < area.y || y >= area.y + area.h)
        return 0;
    for (int i = x > area.x ? x - 1 : x; i < x + width; i++) {
        const struct cell *cell = grid_at(canvas->grid, i, y);
        if (!cell || strcmp(cell->text, " ") != 0)
            return 0;
    }
    put_text(canvas->grid, area, x, y, color, attr, text);
    return 1;
}

/* Which of the points of the row under the cursor it is: forward to its left, the others to their right, or wherever
 * there is room. */
static void put_name(const struct canvas *canvas, const struct point *point)
{
    int x, y;
    const char *name = phase_name(point->phase);
    int width = text_width(name), put = 0;
    place(canvas, point, &x, &y);
    const int left[2] = {x - 1 - width, y}, right[2] = {x + 2, y}, above[2] = {x, y - 1}, below[2] = {x, y + 1};
    int forward = point->phase == PHASE_FORWARD;
    const int *const places[4] = {forward ? left : right, forward ? right : left, above, below};
    for (int i = 0; i < 4 && !put; i++)
        put = put_if_free(canvas, places[i][0], places[i][1], COLOR_TITLE, ATTR_BOLD, name);
}

/* Small ones first, then large ones, then what the cursor is on, and its names. */
static void draw_points(const struct canvas *canvas, const struct layers_model *model)
{
    struct point point;
    int row = model->cursor >= 0 && !model->nodes[model->cursor].is_block;
    for (int pass = 0; pass < 4; pass++)
        for (int node = 0, phase = 0; next_point(model, &node, &phase, &point);) {
            int focus = in_focus(model, point.node);
            if (pass < 2 && !focus && (point.share >= SMALL) == pass)
                put_point(canvas, &point, 0);
            else if (pass == 2 && focus)
                put_point(canvas, &point, 1);
            else if (pass == 3 && focus && row)
                put_name(canvas, &point);
        }
}

/* What the roof's two parts are, where no point is: beside the middle of the slope or as near to that as there is room,
 * and over or under the level, at its right end if it can be. */
static void put_ceilings(const struct canvas *canvas, double peak, double bandwidth)
{
    struct rect area = canvas->plot.area;
    char number[32], text[64];
    int x, y;
    if (isfinite(bandwidth)) {
        double ridge = fmin(isfinite(peak) ? peak / bandwidth : INFINITY, canvas->plot.x.max), low = canvas->plot.x.min;
        snprintf(text, sizeof text, "%s GB/s", format_significant(bandwidth, 3, number, sizeof number));
        for (int i = 0, put = 0; i < 2 * PLACES && !put; i++) {
            double share = 0.5 + 0.5 * (i % 2 ? 1 : -1) * ((i + 1) / 2) / PLACES; /* of the way up */
            struct point on = {.x = low * pow(ridge / low, share), .y = low * pow(ridge / low, share) * bandwidth};
            place(canvas, &on, &x, &y);
            put = put_if_free(canvas, x - 2 - text_width(text), y, COLOR_DIM, ATTR_NONE, text);
        }
    }
    if (isfinite(peak)) {
        struct point end = {.x = canvas->plot.x.max, .y = peak};
        snprintf(text, sizeof text, "%s GFLOP/s", format_count(peak, number, sizeof number));
        place(canvas, &end, &x, &y);
        x = area.x + area.w - 1 - text_width(text);
        for (int put = 0; x >= area.x && !put; x--)
            put = put_if_free(canvas, x, y - 1, COLOR_DIM, ATTR_NONE, text) ||
                  put_if_free(canvas, x, y + 1, COLOR_DIM, ATTR_NONE, text);
    }
}

/* At the bottom, or as far above it as there is room: what the points at the left edge are, if there are any, and
 * which operations of the others are counted. */
static void put_notes(const struct canvas *canvas, const struct layers_model *model)
{
    static const char *const texts[2][2] = {
        {"◂ at the edge: bytes only, no arithmetic", "< at the edge: bytes only, no arithmetic"},
        {"Winograd: as it multiplies, less than listed", "Winograd: as it multiplies, less than listed"}};
    struct rect area = canvas->plot.area;
    struct point point;
    int wanted[2] = {0, 0}, y = area.y + area.h - 1;
    for (int node = 0, phase = 0; next_point(model, &node, &phase, &point);) {
        wanted[0] |= !(point.x > 0);
        wanted[1] |= point.less;
    }
    for (int i = 0; i < 2; i++)
        for (int put = !wanted[i]; !put && y >= area.y; y--)
            put = put_if_free(canvas, area.x + 3, y, COLOR_DIM, ATTR_NONE, texts[i][canvas->grid->ascii != 0]);
}

/* In the heading's right end: what the marks are. */
static void put_legend(const struct layers_model *model, struct grid *grid, struct rect row)
{
    static const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE};
    static const char *const names[] = {"forward", "backward", "other"};
    int x = row.x + row.w, taken = text_width("Roofline (GFLOP/s)") + 2;
    char small[32] = "", text[64];
    for (int i = 2; i >= 0; i--) {
        struct point key = {.phase = phases[i], .share = 1}, hollow = {.phase = phases[i]};
        if (!(layers_phase_mask(model) >> phases[i] & 1))
            continue;
        snprintf(text, sizeof text, "%s%s", mark_of(&hollow, grid->ascii), small);
        snprintf(small, sizeof small, "%.*s", (int)sizeof small - 1, text);
        x -= text_width(names[i]) + 4;
        put_text(grid, row, x + 2, row.y, layers_phase_color(phases[i]), ATTR_BOLD, mark_of(&key, grid->ascii));
        put_text(grid, row, x + 4, row.y, COLOR_DEFAULT, ATTR_NONE, names[i]);
    }
    snprintf(text, sizeof text, "%s under %g %% of the time", small, 100 * SMALL);
    if (x - text_width(text) < row.x + taken)
        snprintf(text, sizeof text, "%s under %g %%", small, 100 * SMALL);
    if (*small && x - text_width(text) >= row.x + taken)
        put_right(grid, row, x, row.y, COLOR_DIM, ATTR_NONE, text);
}

void layers_roof_draw(const struct layers_model *model, struct grid *grid, struct rect area)
{
    double peak = model->timing.machine.flops * 1e-9, bandwidth = model->timing.machine.bytes * 1e-9;
    double x[3], y[3];
    struct chart chart = {.title = "Roofline",
                          .x = {.scale = CHART_LOG, .unit = "FLOP/byte"},
                          .y = {.scale = CHART_LOG, .unit = "GFLOP/s"},
                          .n_series = 1};
    if (isnan(peak) && isnan(bandwidth)) {
        put_notice(grid, area, COLOR_TITLE, "No roof",
                   "The machine's ceilings were not measured with these times: an older davidnet wrote them.");
        return;
    }
    char why[256];
    if (timing_disproved(&model->timing, why, sizeof why)) {
        put_notice(grid, area, COLOR_TITLE, "No roof", why);
        return;
    }
    make_ranges(model, peak, bandwidth, &chart);
    x[0] = chart.x.min;
    x[2] = chart.x.max;
    x[1] = isnan(peak) ? x[2] : isnan(bandwidth) ? x[0] : fmin(fmax(peak / bandwidth, x[0]), x[2]);
    for (int i = 0; i < 3; i++)
        y[i] = fmin(peak, x[i] * bandwidth); /* fmin leaves NaN out */
    chart.series[0] =
        (struct chart_series){.color = COLOR_TARGET, .ascii = '.', .x = x, .y = y, .n = 3, .current = NAN};
    struct canvas canvas = {.grid = grid, .plot = chart_plot(&chart, grid->ascii, area)};
    canvas.dots = dots_over(grid, canvas.plot.area);
    chart_draw(&chart, grid, area);
    if (canvas.plot.area.w <= 0)
        return;
    draw_points(&canvas, model);
    put_ceilings(&canvas, peak, bandwidth);
    put_notes(&canvas, model);
    put_legend(model, grid, (struct rect){area.x, area.y, area.w, 1});
}
