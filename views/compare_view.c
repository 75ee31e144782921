#include "views/compare_view.h"

#include "views/chart.h"
#include "views/format.h"
#include "views/frame.h"
#include "views/palette.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LABEL_WIDTH 24

void compare_layout_make(struct rect area, int items, struct compare_layout *layout)
{
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0)
        return;
    if (area.w >= 60)
        area = rect_inset(area, 1, 0);
    int list = items + 1 < area.h / 4 ? items + 1 : area.h / 4;
    list = list < 2 ? (area.h < 2 ? area.h : 2) : list;
    if (area.w >= 98 && area.h >= 20) { /* the list and the words to the left, the pictures to the right */
        int left = area.w * 11 / 20, spread = (area.h - 1) * 2 / 5;
        layout->list = (struct rect){area.x, area.y, left, list};
        layout->text = (struct rect){area.x, area.y + list + 1, left, area.h - list - 1};
        layout->spread = (struct rect){area.x + left + 3, area.y, area.w - left - 3, spread};
        layout->curves = (struct rect){area.x + left + 3, area.y + spread + 1, area.w - left - 3, area.h - spread - 1};
        return;
    }
    layout->list = (struct rect){area.x, area.y, area.w, list};
    int rest = area.h - list, pictures = area.h >= 18 && area.w >= 40 ? (area.h >= 30 ? rest * 2 / 5 : 7) : 0;
    layout->text = (struct rect){area.x, area.y + list, area.w, rest - pictures};
    if (pictures == 0)
        return;
    struct rect below = {area.x, area.y + area.h - pictures, area.w, pictures};
    layout->spread = below;
    if (area.w >= 76) {
        layout->spread.w = below.w / 2 - 1;
        layout->curves = (struct rect){below.x + below.w / 2 + 1, below.y, below.w - below.w / 2 - 1, below.h};
    }
}

/* ---- the list ---- */

/* The first item that is shown, so that the one at the cursor is. */
static int list_top(const struct compare_model *model, int rows)
{
    int top = model->cursor - rows / 2;
    if (top > model->n_items - rows)
        top = model->n_items - rows;
    return top < 0 ? 0 : top;
}

static void item_text(const struct compare_model *model, const struct compare_item *item, char *out, size_t size)
{
    int runs = model->running && item->campaign >= 0 && strcmp(item->name, model->running_name) == 0;
    if (item->campaign >= 0)
        snprintf(out, size, "campaign, %d of %d runs%s", item->ended, item->planned,
                 !runs            ? ""
                 : model->waiting ? ", waits"
                                  : ", training");
    else
        snprintf(out, size, "%d run%s", item->runs, item->runs == 1 ? "" : "s");
}

static void draw_list(const struct compare_model *model, struct grid *grid, struct rect area)
{
    if (area.h < 2)
        return;
    put_cut(grid, (struct rect){area.x, area.y, area.w, 1}, COLOR_TITLE, ATTR_BOLD,
            area.w < 48 ? "  To compare: campaigns, then recipes" : "  What can be compared: campaigns, then recipes");
    int rows = area.h - 1, top = list_top(model, rows);
    for (int i = top; i < model->n_items && i - top < rows; i++) {
        const struct compare_item *item = &model->items[i];
        struct rect row = {area.x, area.y + 1 + i - top, area.w, 1};
        char mark[2] = {compare_model_mark(model, item), '\0'}, text[64];
        int here = i == model->cursor;
        item_text(model, item, text, sizeof text);
        if (here)
            put_fill(grid, row, COLOR_DEFAULT, COLOR_SELECTED, NULL);
        put_text(grid, row, row.x, row.y, COLOR_ACCENT, ATTR_BOLD, here ? (grid->ascii ? ">" : "▸") : " ");
        put_text(grid, row, row.x + 2, row.y, mark[0] == 'B' ? COLOR_RUN_B : COLOR_RUN_A, ATTR_BOLD,
                 mark[0] == '=' && !grid->ascii ? "●" : mark);
        int room = row.w - 5 - text_width(text);
        put_cut(grid, (struct rect){row.x + 4, row.y, room > 0 ? room - 1 : 0, 1}, COLOR_DEFAULT, ATTR_NONE,
                item->name);
        put_right(grid, row, row.x + row.w, row.y, COLOR_DIM, ATTR_NONE, room > 0 ? text : "");
        if (here)
            palette_legible(grid, row);
    }
}

int compare_view_find(const struct compare_model *model, struct rect area, int x, int y)
{
    struct compare_layout layout;
    compare_layout_make(area, model->n_items, &layout);
    struct rect cell = rect_intersect((struct rect){x, y, 1, 1}, layout.list);
    int row = y - layout.list.y - 1, item = list_top(model, layout.list.h - 1) + row;
    return cell.w == 1 && cell.h == 1 && row >= 0 && item < model->n_items ? item : -1;
}

/* ---- words ---- */

static uint32_t verdict_color(const struct compare_model *model)
{
    static const uint32_t colors[] = {
        [VERDICT_TOO_FEW] = COLOR_WARN, [VERDICT_INTERIM] = COLOR_WARN, [VERDICT_NO_SPREAD] = COLOR_WARN,
        [VERDICT_GAIN] = COLOR_GOOD,    [VERDICT_LOSS] = COLOR_BAD,     [VERDICT_NOISE] = COLOR_ACCENT};
    return model->apart[0] ? COLOR_WARN : colors[model->verdict.kind];
}

/* A paragraph from row *y on, as far as there is room; moves *y down. */
static void say(const char *text, uint32_t color, int *y, struct grid *grid, struct rect area)
{
    struct rect rest = {area.x, *y, area.w, area.y + area.h - *y};
    if (rest.h < 1 || text[0] == '\0')
        return;
    int used = put_paragraph(NULL, rest, color, text);
    put_paragraph(grid, rest, color, text);
    *y += used < rest.h ? used : rest.h;
}

static void side_text(const struct compare_model *model, int side, int ascii, char *out, size_t size)
{
    const struct verdict_side *s = &model->verdict.side[side];
    char half[24], time[40], trained[80], left[128], mean[96];
    run_set_left_out(&model->sets[side], left, sizeof left);
    if (s->accuracy.n == 0) {
        snprintf(out, size, "no run has ended%s%s", left[0] ? "; " : "", left);
        return;
    }
    snprintf(mean, sizeof mean, "%.2f %%", s->accuracy.mean);
    if (s->accuracy.n > 1)
        snprintf(mean, sizeof mean, "%.2f %% %s%s, sd %.2f", s->accuracy.mean, ascii ? "+-" : "±",
                 format_number(s->high - s->accuracy.mean, 2, half, sizeof half), s->accuracy.sd);
    format_seconds(s->seconds.mean, time, sizeof time);
    if (s->seconds.n == 0)
        snprintf(trained, sizeof trained, "no time that counts");
    else if (s->seconds.n < s->accuracy.n)
        snprintf(trained, sizeof trained, "trained %s (%d timed)", time, s->seconds.n);
    else
        snprintf(trained, sizeof trained, "trained %s", time);
    snprintf(out, size, "%s; target %d of %d (%.0f..%.0f %%); %s%s%s", mean, s->reached, s->accuracy.n,
             100 * s->reached_low, 100 * s->reached_high, trained, left[0] ? "; left out: " : "", left);
}

static void draw_side(const struct compare_model *model, int side, int *y, struct grid *grid, struct rect area)
{
    char text[512];
    uint32_t color = side ? COLOR_RUN_B : COLOR_RUN_A;
    if (*y >= area.y + area.h)
        return;
    put_text(grid, area, area.x, *y, color, ATTR_BOLD, side ? "B" : "A");
    put_cut(grid, (struct rect){area.x + 3, *y, area.w - 3, 1}, color, ATTR_NONE, model->sets[side].name);
    ++*y;
    side_text(model, side, grid->ascii, text, sizeof text);
    struct rect inner = {area.x + 3, area.y, area.w - 3, area.h};
    say(text, COLOR_DEFAULT, y, grid, inner);
}

static void draw_differences(const struct compare_model *model, int *y, struct grid *grid, struct rect area)
{
    int end = area.y + area.h, column = (area.w - LABEL_WIDTH) / 2;
    if (*y >= end || column < 6)
        return;
    if (model->n_differences == 0) {
        put_cut(grid, (struct rect){area.x, (*y)++, area.w, 1}, COLOR_DIM, ATTR_NONE, "no knob differs, seeds apart");
        return;
    }
    put_text(grid, area, area.x, *y, COLOR_DIM, ATTR_NONE, "differs");
    put_text(grid, area, area.x + LABEL_WIDTH, *y, COLOR_RUN_A, ATTR_BOLD, "A");
    put_text(grid, area, area.x + LABEL_WIDTH + column, *y, COLOR_RUN_B, ATTR_BOLD, "B");
    ++*y;
    for (int i = 0; i < model->n_differences && *y < end; i++, ++*y) {
        const struct recipe_difference *d = &model->differences[i];
        if (*y == end - 1 && model->n_differences - i > 1) {
            put_format(grid, area, area.x, *y, COLOR_DIM, ATTR_NONE, "and %d more", model->n_differences - i);
            continue;
        }
        put_cut(grid, (struct rect){area.x, *y, LABEL_WIDTH - 1, 1}, COLOR_DEFAULT, ATTR_NONE, d->key);
        for (int s = 0; s < 2; s++)
            put_cut(grid, (struct rect){area.x + LABEL_WIDTH + s * column, *y, column - 1, 1}, COLOR_DEFAULT, ATTR_NONE,
                    d->value[s]);
    }
}

/* "A 74.74 ±0.49  B 74.36 ±0.50 %": both sides in one row, for where the second one would be cut off. */
static void draw_means(const struct compare_model *model, int y, struct grid *grid, struct rect area)
{
    int x = area.x;
    for (int side = 0; side < 2; side++) {
        const struct verdict_side *s = &model->verdict.side[side];
        uint32_t color = side ? COLOR_RUN_B : COLOR_RUN_A;
        char mean[24], half[24] = "", number[24];
        format_number(s->accuracy.n > 0 ? s->accuracy.mean : (double)NAN, 2, mean, sizeof mean);
        if (s->accuracy.n > 1)
            snprintf(half, sizeof half, " %s%s", grid->ascii ? "+-" : "±",
                     format_number(s->high - s->accuracy.mean, 2, number, sizeof number));
        x += put_format(grid, area, x, y, color, ATTR_BOLD, "%s %s", side ? "B" : "A", mean);
        x += put_format(grid, area, x, y, COLOR_DEFAULT, ATTR_NONE, "%s%s", half, side ? " %" : "  ");
    }
}

static void draw_text(const struct compare_model *model, struct grid *grid, struct rect area)
{
    char text[VERDICT_TEXT_MAX];
    const struct verdict *v = &model->verdict;
    int y = area.y, roomy = area.h >= 14;
    if (area.h > 0 && area.h < 9)
        draw_means(model, y++, grid, area);
    const struct compare_item *shown = compare_model_shown(model);
    if (shown && compare_model_here(model) != shown && area.h >= 6) {
        snprintf(text, sizeof text, "shown: campaign %s", shown->name);
        put_cut(grid, (struct rect){area.x, y++, area.w, 1}, COLOR_DIM, ATTR_NONE, text);
    }
    if (model->apart[0])
        say(model->apart, verdict_color(model), &y, grid, area);
    else
        say(verdict_sentence(v, model->what, text), verdict_color(model), &y, grid, area);
    say(verdict_looks_sentence(v->question.looks, text), COLOR_WARN, &y, grid, area);
    draw_side(model, 0, &y, grid, area);
    draw_side(model, 1, &y, grid, area);
    y += roomy;
    draw_differences(model, &y, grid, area);
    y += roomy;
    if (!model->apart[0])
        say(verdict_trade_sentence(v, text), COLOR_DEFAULT, &y, grid, area);
    if (model->shared == 0)
        say(verdict_time_sentence(v, text), COLOR_DEFAULT, &y, grid, area);
    struct verdict_spread spread = verdict_spread_of(v);
    if (v->question.planned > 0)
        say(verdict_power_sentence(v->question.planned, v->question.level, &spread, text), COLOR_DIM, &y, grid, area);
}

/* ---- pictures ---- */

/* A little below all bands: from 0 on, two curves that lie close together would be one. NaN: there is no point. */
static double lowest(const struct compare_model *model)
{
    double low = NAN;
    for (int s = 0; s < 2; s++)
        for (size_t e = 0; e < model->curve[s].n; e++)
            low = fmin(low, model->curve[s].low[e]); /* fmin: the one that is no NaN */
    return isnan(low) ? NAN : fmax(floor(fmin(low, 98) / 10) * 10, 0);
}

static void draw_curves(const struct compare_model *model, struct grid *grid, struct rect area)
{
    struct chart chart = {.title = "Accuracy, mean and sd",
                          .empty = "no run was evaluated yet",
                          .x = {CHART_LINEAR, NAN, NAN, 1, "epochs"},
                          .y = {CHART_LOG_ERROR, NAN, NAN, 0, "%, log"}};
    for (int pass = 0; pass < 2; pass++) /* bands first: the means lie over them */
        for (int s = 0; s < 2; s++) {
            const struct compare_curve *c = &model->curve[s];
            uint32_t color = s ? COLOR_RUN_B : COLOR_RUN_A;
            for (int edge = 0; edge < 2 && c->n > 0 && pass == 0; edge++)
                chart.series[chart.n_series++] = (struct chart_series){.color = color,
                                                                       .style = CHART_FAINT,
                                                                       .ascii = '.',
                                                                       .x = c->x,
                                                                       .y = edge ? c->high : c->low,
                                                                       .n = c->n,
                                                                       .current = NAN,
                                                                       .sparse = 1};
            if (pass == 1 && c->n > 0)
                chart.series[chart.n_series++] = (struct chart_series){.color = color,
                                                                       .style = CHART_CURVE,
                                                                       .ascii = s ? 'x' : 'o',
                                                                       .letter = s ? 'B' : 'A',
                                                                       .x = c->x,
                                                                       .y = c->mean,
                                                                       .n = c->n,
                                                                       .current = NAN,
                                                                       .sparse = 1};
        }
    chart.y.min = lowest(model);
    chart_draw(&chart, grid, area);
}

void compare_view_draw(const struct compare_model *model, struct grid *grid, struct rect area)
{
    struct compare_layout layout;
    if (model->n_items == 0) {
        put_notice(grid, area, COLOR_TITLE, model->reading ? "Reading the runs" : "Nothing to compare yet",
                   model->reading ? ""
                                  : "Train something (n on the Run screen), or start a campaign: C on the Tricks "
                                    "screen, with the cursor on a trick, trains with it and without.");
        return;
    }
    compare_layout_make(area, model->n_items, &layout);
    draw_list(model, grid, layout.list);
    if (!model->has) {
        put_notice(grid, layout.text, COLOR_TITLE, "Two sides, please",
                   "a makes the recipe at the cursor A, b makes it B; Enter on a campaign compares its two sides.");
        return;
    }
    draw_text(model, grid, layout.text);
    compare_spread_draw(model, grid, layout.spread);
    draw_curves(model, grid, layout.curves);
}
