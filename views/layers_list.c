/* The Layers screen's list: the rows of the plan with their times, the head above them and the sums below. */
#include "views/layers_view.h"

#include "views/format.h"
#include "views/frame.h"
#include "views/layout.h"
#include "views/palette.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_WIDTH 9

enum column {
    NAME,
    FORWARD,
    BACKWARD,
    UPDATE,
    OTHER,
    THERE, /* the other run's total; and the next two: what it changed by */
    TOTAL,
    CHANGE,
    PERCENT,
    SHARE,
    GFLOPS,
    GIGABYTES,
    CEILING,
    BAR,
    COLUMNS
};

/* The columns of the list, dropped from the least important on where it is narrow. */
static void make_columns(const struct layers_model *model, struct rect line, struct rect columns[COLUMNS])
{
    int name = 8;
    for (int i = 0; i < model->n_nodes; i++) {
        const struct layers_node *node = &model->nodes[i];
        int width =
            model->flat ? (int)strlen(node->path) + 1 : 2 * node->depth + 3 + (int)strlen(node->path + node->name);
        name = width > name ? width : name;
    }
    int w = line.w, least = w < 40 ? w / 3 : 16;
    name = name < least ? least : name;
    int beside = model->against.on,
        all = model->phases == LAYERS_ALL_PHASES && !beside; /* or else one column says it all */
    const int fixed = all && w >= 66 ? 3 * NUMBER_WIDTH : 0, other = all && w >= 92 ? NUMBER_WIDTH : 0;
    const int rates = !beside && w >= (all ? 112 : 66) ? 7 : 0, change = beside ? NUMBER_WIDTH : 0;
    const int total = all || beside || w < 40 ? NUMBER_WIDTH : NUMBER_WIDTH + 2; /* "backward", and how it is sorted */
    const struct layout_part parts[COLUMNS] = {
        [NAME] = {least, name, model->flat ? 12 : 4, 0},
        [FORWARD] = {fixed / 3, fixed / 3, 0, 4},
        [BACKWARD] = {fixed / 3, fixed / 3, 0, 4},
        [UPDATE] = {fixed / 3, fixed / 3, 0, 5},
        [OTHER] = {other, other, 0, 6},
        [TOTAL] = {total, total, 0, beside ? 4 : 1},
        [THERE] = {w >= 60 ? change : 0, change, 0, 6},
        [CHANGE] = {change, change, 0, 1},
        [PERCENT] = {change, change, 0, 2},
        [SHARE] = {!beside && w >= 48 ? 7 : 0, 7, 0, 3},
        [GFLOPS] = {rates, rates, 0, 7},
        [GIGABYTES] = {rates, rates, 0, 8},
        [CEILING] = {rates, rates, 0, 6},
        [BAR] = {w >= 28 ? 9 : 0, 0, 3, beside ? 5 : 2},
    };
    layout_columns(line, 1, parts, COLUMNS, columns);
}

/* The line at the top: the cursor in the middle, no blank lines at the end while there is more above. */
static int top_line(const struct layers_model *model, int lines)
{
    int top = layers_model_line(model) - lines / 2;
    if (top > model->n_shown - lines)
        top = model->n_shown - lines;
    return top < 0 ? 0 : top;
}

int layers_view_line_at(const struct layers_model *model, struct rect area, int x, int y)
{
    struct layers_layout layout;
    layers_layout_make(area, &layout);
    struct rect list = layout.list;
    if (model->state != LAYERS_READY || (model->roof && layers_roof_fits(area)) || x < list.x || x >= list.x + list.w ||
        y < list.y || y >= list.y + list.h)
        return -1;
    int line = top_line(model, list.h) + y - list.y;
    return line < model->n_shown ? line : -1;
}

/* ---- the list ---- */

static void put_number(struct grid *grid, struct rect column, uint32_t color, uint8_t attr, const char *text)
{
    if (column.w > 0)
        put_right(grid, column, column.x + column.w, column.y, color, attr, text);
}

/* A time in its column: in the phase's colour, "fused", or a dash. */
static void put_phase(const struct layers_model *model, const struct layers_node *node, enum phase phase,
                      struct grid *grid, struct rect column)
{
    char text[32];
    if (node->own >> phase & 1)
        put_number(grid, column, layers_phase_color(phase), ATTR_NONE,
                   layers_time(model, node->ms[phase], text, sizeof text));
    else
        put_number(grid, column, COLOR_DIM, ATTR_NONE, node->fused[phase] >= 0 ? "fused" : "-");
}

/* Augmentation and loss: at most one of them in a row, both in the total. */
static void put_other(const struct layers_model *model, const double ms[PHASE_COUNT], struct grid *grid,
                      struct rect column)
{
    char text[32];
    int augment = isfinite(ms[PHASE_AUGMENT]), loss = isfinite(ms[PHASE_LOSS]);
    double sum = (augment ? ms[PHASE_AUGMENT] : 0) + (loss ? ms[PHASE_LOSS] : 0);
    uint32_t color = augment && loss ? COLOR_DEFAULT : layers_phase_color(augment ? PHASE_AUGMENT : PHASE_LOSS);
    if (augment || loss)
        put_number(grid, column, color, ATTR_NONE, layers_time(model, sum, text, sizeof text));
    else
        put_number(grid, column, COLOR_DIM, ATTR_NONE, "-");
}

/* The row that carries a fused one, as it is told from there: without the blocks that they share. */
static const char *carrier(const struct layers_model *model, const struct layers_node *node, enum phase phase)
{
    const char *name = model->timing.rows[node->fused[phase]].name;
    size_t shared = 0;
    for (size_t i = 0; !model->flat && name[i] && name[i] == node->path[i]; i++)
        if (name[i] == '/')
            shared = i + 1;
    return name + shared;
}

static void put_name(const struct layers_model *model, const struct layers_node *node, int here, struct grid *grid,
                     struct rect column)
{
    static const char *const arrows[2][2] = {{"▸ ", "▾ "}, {"+ ", "- "}};
    uint8_t attr = node->is_block || here ? ATTR_BOLD : ATTR_NONE;
    uint32_t color = node->is_block || here ? COLOR_TITLE : node->own ? COLOR_DEFAULT : COLOR_DIM;
    if (model->flat) {
        put_squeezed(grid, column, color, attr, node->path);
        return;
    }
    int x = column.x + 2 * node->depth;
    if (node->is_block)
        put_text(grid, column, x, column.y, COLOR_ACCENT, ATTR_NONE, arrows[grid->ascii][node->open]);
    put_text(grid, column, x + 2, column.y, color, attr, node->path + node->name);
}

/* GFLOP/s, GB/s, and the share of what the machine can do. */
static void put_rates(const struct timing_sum *sum, struct grid *grid, const struct rect columns[COLUMNS])
{
    char text[32];
    int known = sum->steps > 0;
    put_number(grid, columns[GFLOPS], COLOR_DEFAULT, ATTR_NONE,
               layers_rate(known ? sum->gflops : (double)NAN, text, sizeof text));
    put_number(grid, columns[GIGABYTES], COLOR_DEFAULT, ATTR_NONE,
               layers_rate(known ? sum->gigabytes : (double)NAN, text, sizeof text));
    put_number(grid, columns[CEILING], COLOR_DEFAULT, ATTR_NONE,
               layers_share(known ? sum->ceiling : (double)NAN, 1, text, sizeof text));
}

static int is_fused(const struct layers_node *node)
{
    int fused = 0;
    for (int p = 0; p < PHASE_COUNT; p++)
        fused |= node->fused[p] >= 0;
    return fused && !node->own;
}

/* The bar: of the phases that are looked at. */
static void draw_times(const struct layers_model *model, const struct layers_node *node, double longest,
                       struct grid *grid, struct rect column)
{
    double ms[PHASE_COUNT];
    for (int p = 0; p < PHASE_COUNT; p++)
        ms[p] = layers_phase_mask(model) >> p & 1 ? node->ms[p] : (double)NAN;
    struct layers_segment segments[PHASE_COUNT];
    layers_bar_draw(segments, layers_phase_segments(ms, segments), longest, grid, column);
}

/* The bar's length says how much, its colour and mark which way; what is noise has none. */
static void draw_change(const struct layers_change *change, double longest, struct grid *grid, struct rect column)
{
    static const char *const marks[2][2] = {{"▒", "-"}, {"█", "+"}};
    int slower = change->change > 0;
    struct layers_segment bar = {
        fabs(change->change), layers_change_color(change->verdict), {marks[slower][0], marks[slower][1]}};
    if (change->verdict == TIMING_DIFF_DIFFERS)
        layers_bar_draw(&bar, 1, longest, grid, column);
    else
        put_cut(grid, column, layers_change_color(change->verdict), ATTR_NONE,
                change->verdict == TIMING_DIFF_NOISE ? "noise" : layers_change_word(change->verdict));
}

static void put_change(const struct layers_model *model, const struct layers_node *node, double longest,
                       struct grid *grid, const struct rect columns[COLUMNS])
{
    const struct layers_change *change = &node->change;
    uint32_t color = layers_change_color(change->verdict);
    char text[32];
    if (change->with >= 0) {
        struct rect after = columns[THERE].w ? columns[THERE] : columns[TOTAL].w ? columns[TOTAL] : columns[CHANGE];
        struct rect rest = {after.x, after.y, columns[COLUMNS - 1].x + columns[COLUMNS - 1].w - after.x, 1};
        if (rest.w <= 0)
            rest.w = after.w;
        put_format(grid, rest, rest.x + 1, rest.y, COLOR_DIM, ATTR_NONE, "together with %s",
                   model->against.diff.lines[change->with].name);
        return;
    }
    put_number(grid, columns[THERE], COLOR_DEFAULT, ATTR_NONE, layers_time(model, change->a, text, sizeof text));
    put_number(grid, columns[TOTAL], node->is_block ? COLOR_TITLE : COLOR_DEFAULT,
               node->is_block ? ATTR_BOLD : ATTR_NONE,
               layers_time(model, change->line < 0 ? node->total : change->b, text, sizeof text));
    put_number(grid, columns[CHANGE], color, node->is_block ? ATTR_BOLD : ATTR_NONE,
               layers_signed(model, change->change, text, sizeof text));
    put_number(grid, columns[PERCENT], color, ATTR_NONE, layers_change_percent(change, text, sizeof text));
    if (change->line >= 0)
        draw_change(change, longest, grid, columns[BAR]);
}

static void draw_node(const struct layers_model *model, int index, double longest, struct grid *grid, struct rect line)
{
    const struct layers_node *node = &model->nodes[index];
    struct rect columns[COLUMNS];
    char text[32];
    int here = index == model->cursor;
    make_columns(model, line, columns);
    if (here)
        put_fill(grid, line, COLOR_DEFAULT, COLOR_SELECTED, NULL);
    put_name(model, node, here, grid, columns[NAME]);
    if (is_fused(node)) { /* nothing of its own: only where it went, over the columns of numbers */
        int forward = node->fused[PHASE_FORWARD] >= 0 && model->phases != LAYERS_BACKWARD;
        enum phase phase = forward || node->fused[PHASE_BACKWARD] < 0 ? PHASE_FORWARD : PHASE_BACKWARD;
        int x = columns[NAME].x + columns[NAME].w + 1;
        struct rect rest = {x, line.y, line.x + line.w - x, 1};
        put_format(grid, rest, rest.w >= 30 ? x + 2 : x, line.y, COLOR_DIM, ATTR_NONE,
                   rest.w >= 30 ? "fused into %s" : "in %s", carrier(model, node, phase));
        if (here)
            palette_legible(grid, line);
        return;
    }
    if (model->against.on) {
        put_change(model, node, longest, grid, columns);
        if (here)
            palette_legible(grid, line);
        return;
    }
    put_phase(model, node, PHASE_FORWARD, grid, columns[FORWARD]);
    put_phase(model, node, PHASE_BACKWARD, grid, columns[BACKWARD]);
    put_phase(model, node, PHASE_UPDATE, grid, columns[UPDATE]);
    put_other(model, node->ms, grid, columns[OTHER]);
    put_number(grid, columns[TOTAL], here || node->is_block ? COLOR_TITLE : COLOR_DEFAULT,
               node->is_block ? ATTR_BOLD : ATTR_NONE, layers_time(model, node->total, text, sizeof text));
    put_number(grid, columns[SHARE], COLOR_DEFAULT, ATTR_NONE,
               layers_share(node->total, model->looked_ms, text, sizeof text));
    put_rates(&node->sum, grid, columns);
    if (here)
        palette_legible(grid, line);
    draw_times(model, node, longest, grid, columns[BAR]);
}

/* Which way it is sorted stands at what it is sorted by. */
static void put_against_head(const struct layers_model *model, struct grid *grid, const struct rect columns[COLUMNS],
                             struct rect line)
{
    const char *sorted = model->sort != LAYERS_BY_TIME ? "" : grid->ascii ? " v" : " ▾";
    const char *what = model->phases == LAYERS_FORWARD    ? "forward, "
                       : model->phases == LAYERS_BACKWARD ? "backward, "
                                                          : "";
    char text[192];
    if (line.w < 60) /* the line that says it may not be there */
        snprintf(text, sizeof text, "vs %s", model->against.name);
    else
        snprintf(text, sizeof text, "%s%s/%s", what, layers_unit(model), model->per_epoch ? "epoch" : "step");
    put_squeezed(grid, columns[NAME], COLOR_DIM, ATTR_NONE, text);
    put_number(grid, columns[THERE], COLOR_DIM, ATTR_NONE, "there");
    put_number(grid, columns[TOTAL], COLOR_TITLE, ATTR_BOLD, "here");
    snprintf(text, sizeof text, "%s%s", layers_unit(model), sorted);
    put_number(grid, columns[CHANGE], COLOR_TITLE, ATTR_BOLD, text);
    put_number(grid, columns[PERCENT], COLOR_DIM, ATTR_NONE, "change");
}

static void draw_head(const struct layers_model *model, int top, int lines, struct grid *grid, struct rect line)
{
    static const struct {
        enum column column;
        const char *name;
        uint32_t color;
    } heads[] = {{FORWARD, "forward", COLOR_FORWARD}, {BACKWARD, "backward", COLOR_BACKWARD},
                 {UPDATE, "update", COLOR_UPDATE},    {OTHER, "other", COLOR_DIM},
                 {SHARE, "share", COLOR_DIM},         {GFLOPS, "GFLOP/s", COLOR_DIM},
                 {GIGABYTES, "GB/s", COLOR_DIM},      {CEILING, "ceiling", COLOR_DIM}};
    struct rect columns[COLUMNS];
    char text[64];
    make_columns(model, line, columns);
    int end = top + lines < model->n_shown ? top + lines : model->n_shown;
    if (model->against.on) {
        put_against_head(model, grid, columns, line);
        return;
    }
    if (end - top < model->n_shown)
        put_format(grid, columns[NAME], line.x, line.y, COLOR_DIM, ATTR_NONE, "%d-%d of %d, %s", top + 1, end,
                   model->n_shown, layers_unit(model));
    else
        put_format(grid, columns[NAME], line.x, line.y, COLOR_DIM, ATTR_NONE, "row, %s", layers_unit(model));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        put_number(grid, columns[heads[i].column], heads[i].color, ATTR_NONE, heads[i].name);
    const char *sorted = model->sort != LAYERS_BY_TIME ? "" : grid->ascii ? " v" : " ▾";
    uint32_t color = COLOR_TITLE;
    if (model->phases == LAYERS_ALL_PHASES) {
        snprintf(text, sizeof text, "%s/%s%s", layers_unit(model), model->per_epoch ? "epoch" : "step", sorted);
    } else {
        enum phase phase = model->phases == LAYERS_FORWARD ? PHASE_FORWARD : PHASE_BACKWARD;
        color = layers_phase_color(phase);
        snprintf(text, sizeof text, "%s%s", phase_name(phase), sorted);
    }
    put_number(grid, columns[TOTAL], color, ATTR_BOLD, text);
}

/* The longest form that fits, if any does: cut, it would be another unit. It says of what it is the rate: not of the
 * sum beside it, which is of the rows alone. */
static void put_rate(const struct layers_model *model, struct grid *grid, struct rect column)
{
    double rate = timing_images_per_second(&model->timing), whole = timing_bound(&model->timing).train_ms;
    const char *what = model->per_epoch ? "epoch" : "step";
    char text[128], number[32], time[32];
    format_count(rate, number, sizeof number);
    layers_time(model, whole, time, sizeof time);
    int same = whole == model->step_ms; /* of an older file */
    for (int form = same ? 3 : 0; form < (same ? 5 : 3) && isfinite(rate); form++) {
        if (form == 0)
            snprintf(text, sizeof text, "%s images/s, whole %s %s %s", number, what, time, layers_unit(model));
        else if (form == 1)
            snprintf(text, sizeof text, "whole %s: %s img/s", what, number);
        else if (form == 2)
            snprintf(text, sizeof text, "whole: %s img/s", number);
        else
            snprintf(text, sizeof text, form == 3 ? "%s images/s" : "%s img/s", number);
        if (text_width(text) <= column.w) {
            put_text(grid, column, column.x, column.y, COLOR_DEFAULT, ATTR_NONE, text);
            return;
        }
    }
}

/* The sums of the columns: of all steps, folded or not. */
static void draw_total(const struct layers_model *model, struct grid *grid, struct rect line)
{
    static const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE};
    struct rect columns[COLUMNS];
    double ms[PHASE_COUNT];
    char text[32];
    for (int p = 0; p < PHASE_COUNT; p++)
        ms[p] = timing_phase_ms(&model->timing, (enum phase)p);
    make_columns(model, line, columns);
    put_fill(grid, line, COLOR_DEFAULT, COLOR_PANEL, NULL);
    put_text(grid, columns[NAME], line.x, line.y, COLOR_TITLE, ATTR_BOLD, model->per_epoch ? "epoch" : "step");
    if (model->against.on) {
        struct layers_change change = layers_total_change(model);
        put_number(grid, columns[THERE], COLOR_TITLE, ATTR_BOLD, layers_time(model, change.a, text, sizeof text));
        put_number(grid, columns[TOTAL], COLOR_TITLE, ATTR_BOLD, layers_time(model, change.b, text, sizeof text));
        put_number(grid, columns[CHANGE], layers_change_color(change.verdict), ATTR_BOLD,
                   layers_signed(model, change.change, text, sizeof text));
        put_number(grid, columns[PERCENT], layers_change_color(change.verdict), ATTR_BOLD,
                   layers_change_percent(&change, text, sizeof text));
        return;
    }
    for (int i = 0; i < 3; i++)
        put_number(grid, columns[FORWARD + i], layers_phase_color(phases[i]), ATTR_BOLD,
                   layers_time(model, ms[phases[i]], text, sizeof text));
    put_other(model, ms, grid, columns[OTHER]);
    put_number(grid, columns[TOTAL], COLOR_TITLE, ATTR_BOLD, layers_time(model, model->looked_ms, text, sizeof text));
    put_number(grid, columns[SHARE], COLOR_TITLE, ATTR_BOLD,
               layers_share(model->looked_ms, model->looked_ms, text, sizeof text));
    struct timing_sum sum = {0};
    for (int i = 0; i < model->n_nodes; i++)
        if (model->nodes[i].parent < 0)
            timing_sum_add(&sum, &model->nodes[i].sum);
    put_rates(&sum, grid, columns);
    if (model->phases == LAYERS_ALL_PHASES)
        put_rate(model, grid, columns[BAR]);
}

void layers_list_draw(const struct layers_model *model, const struct layers_layout *layout, struct grid *grid)
{
    struct rect list = layout->list, total = layout->total;
    int top = top_line(model, list.h);
    double longest = 0;
    if (list.h > model->n_shown) /* the sums stand below the last row */
        total.y -= list.h - model->n_shown;
    for (int i = 0; i < model->n_shown; i++)
        longest = fmax(longest, model->against.on ? fabs(model->nodes[model->shown[i]].change.change)
                                                  : model->nodes[model->shown[i]].total); /* fmax leaves NaN out */
    if (layout->head.h > 0)
        draw_head(model, top, list.h, grid, layout->head);
    for (int i = 0; i < list.h && top + i < model->n_shown; i++)
        draw_node(model, model->shown[top + i], longest, grid, (struct rect){list.x, list.y + i, list.w, 1});
    if (total.h > 0)
        draw_total(model, grid, total);
}
