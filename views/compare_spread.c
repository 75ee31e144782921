/* Both distributions on one axis: a mark a run, stacked where they fall together, over the mean and its interval. */
#include "views/chart.h"
#include "views/compare_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LABEL_WIDTH 3
#define COLUMNS_MAX 512

struct spread {
    struct chart_range range;
    int x, w;
};

static uint32_t color_of(int side)
{
    return side ? COLOR_RUN_B : COLOR_RUN_A;
}

/* From the lowest run or interval to the highest; runs that diverged are told, not drawn. */
static int find_range(const struct compare_model *model, struct chart_range *range)
{
    double low = INFINITY, high = -INFINITY;
    for (int s = 0; s < 2; s++) {
        const struct verdict_side *side = &model->verdict.side[s];
        for (int i = 0; i < model->sets[s].n_runs; i++)
            if (!model->sets[s].runs[i].diverged) {
                low = fmin(low, model->sets[s].runs[i].accuracy);
                high = fmax(high, model->sets[s].runs[i].accuracy);
            }
        if (side->diverged == 0 && isfinite(side->low)) {
            low = fmin(low, fmax(side->low, 0));
            high = fmax(high, fmin(side->high, 100));
        }
    }
    if (!(low <= high))
        return 0;
    double pad = fmax((high - low) * 0.04, 0.02);
    *range = (struct chart_range){low - pad, high + pad, CHART_LINEAR};
    return 1;
}

static int column(const struct spread *s, double value)
{
    double at = chart_position(&s->range, value);
    at = at < 0 ? 0 : at > 1 ? 1 : at;
    return s->x + (int)lround(at * (s->w - 1));
}

/* The marks, from the row above `bottom` upwards, at most `rows` of them; then what is left over is a '+'. */
static void draw_runs(const struct spread *s, const struct run_set *set, int side, int bottom, int rows,
                      struct grid *grid, struct rect area)
{
    int height[COLUMNS_MAX] = {0};
    for (int i = 0; i < set->n_runs; i++) {
        if (set->runs[i].diverged)
            continue;
        int x = column(s, set->runs[i].accuracy), at = x - area.x;
        if (at < 0 || at >= COLUMNS_MAX)
            continue;
        int over = height[at] >= rows;
        if (!over)
            height[at]++;
        put_text(grid, area, x, bottom - height[at], color_of(side), ATTR_NONE,
                 over          ? "+"
                 : grid->ascii ? (side ? "x" : "o")
                 : side        ? "◆"
                               : "●");
    }
}

static void draw_mean(const struct spread *s, const struct verdict_side *side, uint32_t color, int y, struct grid *grid,
                      struct rect area)
{
    if (isnan(side->accuracy.mean))
        return;
    int mean = column(s, side->accuracy.mean), from = mean, to = mean;
    if (isfinite(side->low)) {
        from = column(s, side->low);
        to = column(s, side->high);
        for (int x = from; x <= to; x++)
            put_text(grid, area, x, y, color, ATTR_NONE,
                     grid->ascii ? (x == from ? "["
                                    : x == to ? "]"
                                              : "-")
                     : x == from ? "├"
                     : x == to   ? "┤"
                                 : "─");
    }
    /* Where the mean stands on an end of its interval, it is the cap of the other part. */
    put_text(grid, area, mean, y, color, ATTR_BOLD,
             grid->ascii                ? "|"
             : from < mean && mean < to ? "╂"
             : mean < to                ? "┠"
             : from < mean              ? "┨"
                                        : "┃");
}

static void draw_axis(const struct spread *s, int y, struct grid *grid, struct rect area)
{
    struct chart_ticks ticks;
    int free = area.x;
    chart_make_ticks(&s->range, s->w / 12 + 1, 0, &ticks);
    for (int i = 0; i < ticks.n; i++) {
        char label[24];
        snprintf(label, sizeof label, "%s%s", ticks.label[i], i == ticks.n - 1 ? " %" : "");
        int x = column(s, ticks.value[i]), from = x - text_width(label) / 2;
        if (from + text_width(label) > area.x + area.w)
            from = area.x + area.w - text_width(label);
        if (from < free)
            continue;
        put_text(grid, area, from, y, COLOR_AXIS, ATTR_NONE, label);
        free = from + text_width(label) + 1;
    }
}

void compare_spread_draw(const struct compare_model *model, struct grid *grid, struct rect area)
{
    struct spread s = {.x = area.x + LABEL_WIDTH, .w = area.w - LABEL_WIDTH - 1};
    if (area.h < 6 || area.w < 24 || area.w > COLUMNS_MAX)
        return;
    struct rect body = {area.x, area.y + 1, area.w, area.h - 1};
    put_cut(grid, (struct rect){area.x, area.y, area.w, 1}, COLOR_TITLE, ATTR_BOLD, "Last accuracy of each run");
    if (!find_range(model, &s.range)) {
        put_cut(grid, (struct rect){body.x, body.y + 1, body.w, 1}, COLOR_DIM, ATTR_NONE, "no run has ended yet");
        return;
    }
    int each = (body.h - 1) / 2; /* rows a side: runs, then the mean's */
    each = each > 8 ? 8 : each;
    for (int side = 0; side < 2; side++) {
        int bottom = body.y + (side + 1) * each - 1;
        put_text(grid, body, area.x, bottom, color_of(side), ATTR_BOLD, side ? "B" : "A");
        draw_runs(&s, &model->sets[side], side, bottom, each - 1, grid, body);
        draw_mean(&s, &model->verdict.side[side], color_of(side), bottom, grid, body);
    }
    draw_axis(&s, body.y + 2 * each, grid, body);
}
