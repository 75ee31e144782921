#include "views/layers_view.h"
#include "views/format.h"
#include "views/frame.h"
#include "views/layout.h"
#include "views/palette.h"
#include "views/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BESIDE_WIDTH 112 /* from here on the details have a column of their own */
#define NUMBER_WIDTH 9

/* ---- phases ---- */

uint32_t layers_phase_color(enum phase phase)
{
    static const uint32_t colors[PHASE_COUNT] = {
        [PHASE_AUGMENT] = COLOR_DATA,      [PHASE_FORWARD] = COLOR_FORWARD, [PHASE_LOSS] = COLOR_LOSS,
        [PHASE_BACKWARD] = COLOR_BACKWARD, [PHASE_UPDATE] = COLOR_UPDATE,
    };
    return (unsigned)phase < PHASE_COUNT ? colors[phase] : COLOR_DEFAULT;
}

const char *layers_phase_mark(enum phase phase, int ascii)
{
    static const char *const marks[2][PHASE_COUNT] = {
        {[PHASE_AUGMENT] = "░",
         [PHASE_FORWARD] = "█",
         [PHASE_LOSS] = "▓",
         [PHASE_BACKWARD] = "▒",
         [PHASE_UPDATE] = "░"},
        {[PHASE_AUGMENT] = ":",
         [PHASE_FORWARD] = "=",
         [PHASE_LOSS] = "%",
         [PHASE_BACKWARD] = "#",
         [PHASE_UPDATE] = "+"},
    };
    return marks[ascii != 0][phase];
}

/* ---- numbers ---- */

static double scale_of(const struct layers_model *model)
{
    return model->per_epoch ? model->steps_per_epoch * 1e-3 : 1;
}

const char *layers_unit(const struct layers_model *model)
{
    return model->per_epoch ? "s" : "ms";
}

/* As many decimals for all, so that points stand below each other; what is shorter is less than the last digit. */
const char *layers_time(const struct layers_model *model, double ms, char *out, size_t size)
{
    double value = ms * scale_of(model), whole = model->step_ms * scale_of(model);
    int decimals = whole < 100 ? 3 : whole < 10000 ? 2 : 1;
    double least = pow(10, -decimals);
    if (value > 0 && value < least / 2)
        snprintf(out, size, "<%.*f", decimals, least);
    else
        format_number(value, decimals, out, size);
    return out;
}

const char *layers_share(double part, double whole, char *out, size_t size)
{
    double percent = 100 * part / whole;
    if (!isfinite(percent))
        snprintf(out, size, "-");
    else if (percent > 0 && percent < 0.05)
        snprintf(out, size, "<0.1 %%");
    else
        snprintf(out, size, "%.1f %%", percent);
    return out;
}

/* ---- layout ---- */

void layers_layout_make(struct rect area, struct layers_layout *layout)
{
    enum { TILES, STRIP, HEAD, LIST, TOTAL, DETAIL, PARTS };
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0)
        return;
    if (area.w >= 60) /* a column of air at both sides */
        area = rect_inset(area, 1, 0);
    int air = area.h >= 30, detail = area.h >= 18 ? 4 : area.h >= 14 ? 1 : 0;
    layout->beside = area.w >= BESIDE_WIDTH && area.h >= 14;
    const struct layout_part parts[PARTS] = {
        [TILES] = {area.h >= 16 ? 2 + 2 * air : 1, 0, 0, 1},
        [STRIP] = {area.h >= 9 ? 1 + air : 0, 0, 0, 4},
        [HEAD] = {1, 0, 0, 2},
        [LIST] = {1, 0, 1, 0},
        [TOTAL] = {area.h >= 7, 0, 0, 3},
        [DETAIL] = {layout->beside ? 0 : detail, 0, 0, 5},
    };
    struct rect part[PARTS];
    layout_rows(area, 0, parts, PARTS, part);
    layout->tiles = air ? rect_inset(part[TILES], 0, 1) : part[TILES];
    layout->strip = part[STRIP];
    layout->strip.h = part[STRIP].h > 0;
    layout->head = part[HEAD];
    layout->list = part[LIST];
    layout->total = part[TOTAL];
    layout->detail = part[DETAIL];
    if (layout->beside) {
        int width = area.w * 3 / 10 < 42 ? 42 : area.w * 3 / 10 > 60 ? 60 : area.w * 3 / 10;
        int below = layout->strip.y + part[STRIP].h;
        layout->detail = (struct rect){area.x + area.w - width, below, width, area.y + area.h - below};
        layout->head.w = layout->list.w = layout->total.w = area.w - width - 1;
    }
}

enum column { NAME, FORWARD, BACKWARD, UPDATE, OTHER, TOTAL, SHARE, BAR, COLUMNS };

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
    const int fixed = w >= 66 ? 3 * NUMBER_WIDTH : 0, other = w >= 92 ? NUMBER_WIDTH : 0;
    const struct layout_part parts[COLUMNS] = {
        [NAME] = {least, name, model->flat ? 12 : 4, 0},
        [FORWARD] = {fixed / 3, fixed / 3, 0, 4},
        [BACKWARD] = {fixed / 3, fixed / 3, 0, 4},
        [UPDATE] = {fixed / 3, fixed / 3, 0, 5},
        [OTHER] = {other, other, 0, 6},
        [TOTAL] = {NUMBER_WIDTH, NUMBER_WIDTH, 0, 1},
        [SHARE] = {w >= 48 ? 7 : 0, 7, 0, 3},
        [BAR] = {w >= 28 ? 9 : 0, 0, 3, 2},
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
    if (model->state != LAYERS_READY || x < list.x || x >= list.x + list.w || y < list.y || y >= list.y + list.h)
        return -1;
    int line = top_line(model, list.h) + y - list.y;
    return line < model->n_shown ? line : -1;
}

/* ---- bars ---- */

/* The phase that covers a place of a bar of that length; -1: behind its end. */
static int phase_at(const double ms[PHASE_COUNT], double sum, double length, double place)
{
    double done = 0;
    for (int p = 0; p < PHASE_COUNT; p++) {
        done += ms[p] > 0 ? ms[p] : 0;
        if (ms[p] > 0 && place < done / sum * length)
            return p;
    }
    return -1;
}

/* Where a phase ends on that bar. */
static double phase_end(const double ms[PHASE_COUNT], double sum, double length, int phase)
{
    double done = 0;
    for (int p = 0; p <= phase; p++)
        done += ms[p] > 0 ? ms[p] : 0;
    return done / sum * length;
}

/*
 * The phases after each other, `whole` as long as the line, in eighths of a cell. The colour of a cell that one phase
 * fills is its background too, so that its mark shows only where there are no colours. What is there at all has at
 * least the narrowest mark.
 */
static void draw_bar(const double ms[PHASE_COUNT], double whole, struct grid *grid, struct rect line)
{
    static const char *const eighths[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double sum = 0;
    for (int p = 0; p < PHASE_COUNT; p++)
        sum += ms[p] > 0 ? ms[p] : 0;
    if (!(sum > 0) || !(whole > 0) || line.w <= 0 || line.h <= 0)
        return;
    double length = fmin(sum / whole, 1) * line.w;
    int whole_cells = grid->ascii || grid->few_colors; /* two colours in a cell need colours */
    length = fmax(length, whole_cells ? 0.51 : 0.125);
    for (int x = 0; x < line.w; x++) {
        int first = phase_at(ms, sum, length, x), middle = phase_at(ms, sum, length, x + 0.5);
        int last = phase_at(ms, sum, length, x + 15.0 / 16);
        struct rect cell = {line.x + x, line.y, 1, 1};
        int split = whole_cells || first < 0 ? 8 : (int)((phase_end(ms, sum, length, first) - x) * 8 + 0.5);
        if (whole_cells)
            first = last = middle;
        if (first < 0)
            break;
        if (first == last || split >= 8) {
            put_fill(grid, cell, layers_phase_color((enum phase)first), layers_phase_color((enum phase)first),
                     layers_phase_mark((enum phase)first, grid->ascii));
        } else if (last >= 0 && split < 1) {
            put_fill(grid, cell, layers_phase_color((enum phase)last), layers_phase_color((enum phase)last),
                     layers_phase_mark((enum phase)last, 0));
        } else if (last >= 0) {
            put_fill(grid, cell, layers_phase_color((enum phase)first), layers_phase_color((enum phase)last),
                     eighths[split - 1]);
        } else { /* the end: more phases than one may share its cell; the longest of them */
            int end = (int)((length - x) * 8 + 0.5);
            if (end > 0)
                put_text(grid, line, cell.x, line.y,
                         layers_phase_color((enum phase)phase_at(ms, sum, length, (x + length) / 2)), ATTR_NONE,
                         eighths[end > 7 ? 6 : end - 1]);
        }
    }
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

static int is_fused(const struct layers_node *node)
{
    int fused = 0;
    for (int p = 0; p < PHASE_COUNT; p++)
        fused |= node->fused[p] >= 0;
    return fused && !node->own;
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
        enum phase phase = node->fused[PHASE_FORWARD] >= 0 ? PHASE_FORWARD : PHASE_BACKWARD;
        int x = columns[NAME].x + columns[NAME].w + 1;
        struct rect rest = {x, line.y, line.x + line.w - x, 1};
        put_format(grid, rest, columns[FORWARD].w ? x + 2 : x, line.y, COLOR_DIM, ATTR_NONE,
                   columns[FORWARD].w ? "fused into %s" : "in %s", carrier(model, node, phase));
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
               layers_share(node->total, model->step_ms, text, sizeof text));
    if (here)
        palette_legible(grid, line);
    draw_bar(node->ms, longest, grid, columns[BAR]);
}

static void draw_head(const struct layers_model *model, int top, int lines, struct grid *grid, struct rect line)
{
    static const struct {
        enum column column;
        const char *name;
        uint32_t color;
    } heads[] = {{FORWARD, "forward", COLOR_FORWARD},
                 {BACKWARD, "backward", COLOR_BACKWARD},
                 {UPDATE, "update", COLOR_UPDATE},
                 {OTHER, "other", COLOR_DIM},
                 {SHARE, "share", COLOR_DIM}};
    struct rect columns[COLUMNS];
    char text[64];
    make_columns(model, line, columns);
    int end = top + lines < model->n_shown ? top + lines : model->n_shown;
    if (end - top < model->n_shown)
        put_format(grid, columns[NAME], line.x, line.y, COLOR_DIM, ATTR_NONE, "%d-%d of %d, %s", top + 1, end,
                   model->n_shown, layers_unit(model));
    else
        put_format(grid, columns[NAME], line.x, line.y, COLOR_DIM, ATTR_NONE, "row, %s", layers_unit(model));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        put_number(grid, columns[heads[i].column], heads[i].color, ATTR_NONE, heads[i].name);
    const char *sorted = model->sort != LAYERS_BY_TIME ? "" : grid->ascii ? " v" : " ▾";
    snprintf(text, sizeof text, "%s/%s%s", layers_unit(model), model->per_epoch ? "epoch" : "step", sorted);
    put_number(grid, columns[TOTAL], COLOR_TITLE, ATTR_BOLD, text);
}

/* The longest form that fits, if any does: cut, it would be another unit. */
static void put_rate(const struct layers_model *model, struct grid *grid, struct rect column)
{
    static const char *const forms[] = {"%s images/s", "%s img/s"};
    double rate = model->timing.images_per_step / model->step_ms * 1000;
    char text[64], number[32];
    format_count(rate, number, sizeof number);
    for (size_t i = 0; i < sizeof forms / sizeof *forms && isfinite(rate); i++) {
        snprintf(text, sizeof text, forms[i], number);
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
    for (int i = 0; i < 3; i++)
        put_number(grid, columns[FORWARD + i], layers_phase_color(phases[i]), ATTR_BOLD,
                   layers_time(model, ms[phases[i]], text, sizeof text));
    put_other(model, ms, grid, columns[OTHER]);
    put_number(grid, columns[TOTAL], COLOR_TITLE, ATTR_BOLD, layers_time(model, model->step_ms, text, sizeof text));
    put_number(grid, columns[SHARE], COLOR_TITLE, ATTR_BOLD,
               layers_share(model->step_ms, model->step_ms, text, sizeof text));
    put_rate(model, grid, columns[BAR]);
}

/* ---- above the list ---- */

static void draw_tiles(const struct layers_model *model, struct grid *grid, struct rect area)
{
    static const enum phase order[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE, PHASE_AUGMENT, PHASE_LOSS};
    static const char *const short_names[] = {"fwd", "bwd", "upd", "aug", "loss"};
    struct tile tiles[TILES_MAX];
    char number[32], percent[32];
    int n = 0;
    const char *unit = layers_unit(model);
    tiles[n] = (struct tile){model->per_epoch ? "epoch, training" : "step", model->per_epoch ? "epoch" : "step", "",
                             COLOR_TITLE};
    snprintf(tiles[n++].value, sizeof tiles->value, "%s %s", layers_time(model, model->step_ms, number, sizeof number),
             unit);
    for (int i = 0; i < PHASE_COUNT; i++) {
        double ms = timing_phase_ms(&model->timing, order[i]);
        if (isnan(ms))
            continue;
        tiles[n] = (struct tile){phase_name(order[i]), short_names[i], "", layers_phase_color(order[i])};
        if (area.h >= 2 && area.w >= 110)
            snprintf(tiles[n].value, sizeof tiles->value, "%s %s, %s", layers_time(model, ms, number, sizeof number),
                     unit, layers_share(ms, model->step_ms, percent, sizeof percent));
        else if (area.h >= 2)
            snprintf(tiles[n].value, sizeof tiles->value, "%s %s", layers_time(model, ms, number, sizeof number), unit);
        else
            snprintf(tiles[n].value, sizeof tiles->value, "%.0f %%", 100 * ms / model->step_ms);
        n++;
    }
    if (isfinite(model->timing.eval_batch_ms)) {
        tiles[n] = (struct tile){"evaluated batch", "eval", "", COLOR_VALID};
        double ms = model->timing.eval_batch_ms; /* never per epoch; else with the others' decimals */
        snprintf(tiles[n++].value, sizeof tiles->value, "%s ms",
                 model->per_epoch ? format_significant(ms, 4, number, sizeof number)
                                  : layers_time(model, ms, number, sizeof number));
    }
    tiles[n] = (struct tile){"mean of", "mean of", "", COLOR_DIM};
    snprintf(tiles[n++].value, sizeof tiles->value, "%s steps",
             format_count((double)model->timing.train_steps, number, sizeof number));
    tiles_draw(tiles, n, grid, area);
}

static void draw_strip(const struct layers_model *model, struct grid *grid, struct rect line)
{
    double ms[PHASE_COUNT];
    for (int p = 0; p < PHASE_COUNT; p++)
        ms[p] = timing_phase_ms(&model->timing, (enum phase)p);
    draw_bar(ms, model->step_ms, grid, line);
}

/* ---- empty states ---- */

static void draw_empty(const struct layers_model *model, struct grid *grid, struct rect area)
{
    static const struct {
        const char *title, *text;
    } said[] = {
        [LAYERS_NO_RUN] = {"No run", "Where a training step's time goes, layer by layer, stands here once there is a "
                                     "run: start one, or open one on the Runs screen."},
        [LAYERS_WAITING] = {"No times yet", "They come with the second step: the first one touches fresh memory and is "
                                            "not what a step takes."},
        [LAYERS_NONE] = {"No times", "This run has no timing.json. It is written at each checkpoint, and when the run "
                                     "ends after its second step."},
        [LAYERS_BAD] = {"The times cannot be read", ""},
    };
    int bad = model->state == LAYERS_BAD;
    put_notice(grid, area, bad ? COLOR_BAD : COLOR_TITLE, said[model->state].title,
               bad ? model->problem : said[model->state].text);
}

void layers_view_draw(const struct layers_model *model, struct grid *grid, struct rect area)
{
    struct layers_layout layout;
    if (model->state != LAYERS_READY) {
        draw_empty(model, grid, area);
        return;
    }
    layers_layout_make(area, &layout);
    draw_tiles(model, grid, layout.tiles);
    draw_strip(model, grid, layout.strip);
    int top = top_line(model, layout.list.h);
    if (layout.list.h > model->n_shown) /* the sums stand below the last row */
        layout.total.y -= layout.list.h - model->n_shown;
    double longest = 0;
    for (int i = 0; i < model->n_shown; i++)
        longest = fmax(longest, model->nodes[model->shown[i]].total); /* fmax leaves NaN out */
    if (layout.head.h > 0)
        draw_head(model, top, layout.list.h, grid, layout.head);
    for (int i = 0; i < layout.list.h && top + i < model->n_shown; i++)
        draw_node(model, model->shown[top + i], longest, grid,
                  (struct rect){layout.list.x, layout.list.y + i, layout.list.w, 1});
    if (layout.total.h > 0)
        draw_total(model, grid, layout.total);
    if (layout.detail.h > 0)
        layers_detail_draw(model, layout.beside, grid, layout.detail);
}
