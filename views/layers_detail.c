/* The Layers screen's details: all that is known of the node under the cursor. */
#include "views/layers_view.h"

#include "views/format.h"
#include "views/frame.h"
#include "views/sparkline.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LABEL_WIDTH 12

/* Where the next line goes; what no longer fits is not drawn. */
struct page {
    struct grid *grid;
    struct rect area;
    int y; /* of the next line, in the area */
};

static void put_label(const struct page *page, const char *label)
{
    put_text(page->grid, page->area, page->area.x, page->area.y + page->y, COLOR_DIM, ATTR_NONE, label);
}

static struct rect value_area(const struct page *page)
{
    int width = page->area.w - LABEL_WIDTH;
    struct rect room = {page->area.x + LABEL_WIDTH, page->area.y + page->y, width > 0 ? width : 0, page->area.h};
    return rect_intersect(room, page->area);
}

static void put_value(struct page *page, const char *label, uint32_t color, const char *text)
{
    struct rect room = value_area(page);
    put_label(page, label);
    page->y += room.h > 0 ? put_paragraph(page->grid, room, color, text) : 1;
}

/* "442 kFLOP", "1.2 GFLOP" */
static const char *flops_text(double flops, char *out, size_t size)
{
    static const char *const units[] = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
    char number[32];
    int unit = 0;
    for (; flops >= 999.5 && unit < 4; unit++)
        flops /= 1000;
    snprintf(out, size, "%s %s", format_significant(flops, 3, number, sizeof number), units[unit]);
    return out;
}

/* "batch norm" for "norm": what people call it. */
static const char *op_text(const char *op)
{
    static const char *const names[][2] = {
        {"input", "the batch, augmented"},
        {"conv", "convolution"},
        {"norm", "batch norm"},
        {"act", "activation"},
        {"max_pool", "max pool"},
        {"avg_pool", "average pool"},
        {"global_max", "global max pool"},
        {"global_avg", "global average"},
        {"add", "addition"},
        {"linear", "linear layer"},
        {"loss", "cross-entropy loss"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(op, names[i][0]) == 0)
            return names[i][1];
    return op;
}

static void shape_text(const struct plan_shape *shape, int ascii, char *out, size_t size)
{
    const char *by = ascii ? "x" : "×";
    snprintf(out, size, "%d %s %d %s %d", shape->c, by, shape->h, by, shape->w);
}

/* The names of rows that this one carries in some phase, joined. */
static void carried_text(const struct layers_model *model, int row, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < model->timing.n_rows && used < size; i++) {
        int mine = 0;
        for (int p = 0; p < PHASE_COUNT; p++) {
            struct timing_cell cell = timing_cell(&model->timing, i, (enum phase)p);
            mine |= cell.kind == TIMING_FUSED && cell.fused_into == row;
        }
        if (mine)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", model->timing.rows[i].name);
    }
}

/* The implementations of steps without rows in a phase, each once. */
static void unowned_text(const struct timing *timing, const struct layers_node *node, char *out, size_t size)
{
    out[0] = '\0';
    for (int i = 0; i < timing->n_steps; i++)
        if (timing->steps[i].n_rows == 0 && node->own >> timing->steps[i].phase & 1 && !out[0])
            snprintf(out, size, "%s", timing->steps[i].impl);
}

static void put_phases(const struct layers_model *model, const struct layers_node *node, struct page *page)
{
    char number[32], percent[32], text[160];
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (node->fused[p] >= 0) {
            struct rect room = value_area(page);
            put_label(page, phase_name((enum phase)p));
            put_text(page->grid, room, room.x, room.y, COLOR_DIM, ATTR_NONE, "in");
            put_squeezed(page->grid, (struct rect){room.x + 3, room.y, room.w - 3, room.h > 0}, COLOR_DIM, ATTR_NONE,
                         model->timing.rows[node->fused[p]].name);
            page->y++;
        } else if (node->own >> p & 1) {
            snprintf(text, sizeof text, "%s %s, %s", layers_time(model, node->ms[p], number, sizeof number),
                     layers_unit(model), layers_share(node->ms[p], model->step_ms, percent, sizeof percent));
            put_value(page, phase_name((enum phase)p), layers_phase_color((enum phase)p), text);
        }
    }
}

/* Operations, bytes, how near the machine's ceilings that is, and how steady. */
static void put_work(const struct layers_model *model, const struct layers_node *node, struct page *page)
{
    const struct timing_sum *sum = &node->sum;
    char text[160], number[32], rate[32];
    if (sum->steps == 0)
        return;
    if (sum->flops > 0) {
        snprintf(text, sizeof text, "%s, %s GFLOP/s", flops_text(sum->flops, number, sizeof number),
                 layers_rate(sum->gflops, rate, sizeof rate));
        put_value(page, "arithmetic", COLOR_DEFAULT, text);
    }
    if (sum->bytes > 0) {
        snprintf(text, sizeof text, "%s, %s GB/s", format_bytes(sum->bytes, number, sizeof number),
                 layers_rate(sum->gigabytes, rate, sizeof rate));
        put_value(page, "moves", COLOR_DEFAULT, text);
    }
    if (isfinite(sum->ceiling)) {
        snprintf(text, sizeof text, "%s, floor %s %s", layers_share(sum->ceiling, 1, rate, sizeof rate),
                 layers_time(model, sum->floor_ms, number, sizeof number), layers_unit(model));
        put_value(page, "ceiling", COLOR_ACCENT, text);
        if (timing_doubtful(&model->timing))
            put_value(page, "", COLOR_WARN, "measured while other programs ran: may be higher");
    }
    if (isfinite(sum->ms_sd) && sum->ms > 0) {
        snprintf(text, sizeof text, "%s%s of a step's time", page->grid->ascii ? "+-" : "±",
                 layers_share(sum->ms_sd, sum->ms, number, sizeof number));
        put_value(page, "spread", COLOR_DEFAULT, text);
    }
}

/* Beside another run: how sure it is, what it is compared with, and why the times may not be comparable. */
static void put_change(const struct layers_model *model, const struct layers_node *node, struct page *page)
{
    const struct timing_diff *diff = &model->against.diff;
    const struct layers_change *change = &node->change;
    const struct timing_diff_line *line = change->line >= 0 ? &diff->lines[change->line] : NULL;
    char text[700], by[32], percent[32], low[32], high[32];
    if (!model->against.on)
        return;
    if (change->with >= 0)
        put_value(page, "change", COLOR_DIM, "in that of the rows it shares a step with:");
    else if (line && isfinite(change->change)) {
        snprintf(text, sizeof text, "%s %s, %s: %s", layers_signed(model, change->change, by, sizeof by),
                 layers_unit(model), layers_change_percent(change, percent, sizeof percent),
                 layers_change_word(change->verdict));
        put_value(page, "change", layers_change_color(change->verdict), text);
    } else {
        put_value(page, "change", COLOR_DIM, layers_change_word(change->verdict));
    }
    if (line && isfinite(change->low)) {
        snprintf(text, sizeof text, "%s to %s %s, 95 %%", layers_signed(model, change->low, low, sizeof low),
                 layers_signed(model, change->high, high, sizeof high), layers_unit(model));
        put_value(page, "interval", COLOR_DEFAULT, text);
    }
    if (change->with >= 0)
        line = &diff->lines[change->with];
    if (line && !node->is_block && line->with[0]) {
        snprintf(text, sizeof text, "%s, %s", line->name, line->with);
        put_value(page, "together", COLOR_DIM, text);
    }
    for (int i = 0; i < diff->n_warnings; i++)
        put_value(page, i == 0 ? "mind" : "", COLOR_WARN, diff->warnings[i]);
    if (model->against.recipes[0])
        put_value(page, "recipes", COLOR_WARN, model->against.recipes);
}

/* "1.22 to 1.40 ms, 24 epochs" */
static const char *history_text(const struct layers_model *model, const double *ms, int n, char *out, size_t size)
{
    char low[32], high[32];
    double least = NAN, most = NAN;
    for (int i = 0; i < n; i++) {
        least = fmin(least, ms[i]); /* fmin and fmax leave NaN out */
        most = fmax(most, ms[i]);
    }
    int epochs = (n - 1) * model->timing.history_epochs + model->timing.history_last;
    double scale = layers_scale(model);
    snprintf(out, size, "%s to %s %s, %d epochs", format_significant(least * scale, 3, low, sizeof low),
             format_significant(most * scale, 3, high, sizeof high), layers_unit(model), epochs);
    return out;
}

/* What it took epoch by epoch, from two epochs on. */
static void put_history(const struct layers_model *model, int index, struct page *page)
{
    double ms[TIMING_HISTORY_MAX];
    char text[96];
    int n = layers_node_history(model, index, ms);
    struct rect room = value_area(page);
    if (n < 2 || room.w < 4)
        return;
    put_value(page, "history", COLOR_DIM, history_text(model, ms, n, text, sizeof text));
    room = value_area(page);
    room.h = room.h < 2 ? room.h : 2;
    sparkline_draw(ms, n, COLOR_ACCENT, page->grid, room);
    page->y += 2;
}

static void put_row(const struct layers_model *model, int index, struct page *page)
{
    const struct layers_node *node = &model->nodes[index];
    const struct timing_row *row = &model->timing.rows[node->row];
    char text[512], number[32];
    put_value(page, "operation", COLOR_DEFAULT, op_text(row->op));
    shape_text(&row->shape, page->grid->ascii, text, sizeof text);
    put_value(page, "output", COLOR_DEFAULT, text);
    put_change(model, node, page);
    put_phases(model, node, page);
    put_work(model, node, page);
    if (isfinite(row->activation_bytes)) {
        char weights[32];
        snprintf(text, sizeof text, "%s output%s%s%s", format_bytes(row->activation_bytes, number, sizeof number),
                 row->weight_bytes > 0 ? ", " : "",
                 row->weight_bytes > 0 ? format_bytes(row->weight_bytes, weights, sizeof weights) : "",
                 row->weight_bytes > 0 ? " weights" : "");
        put_value(page, "memory", COLOR_DEFAULT, text);
    }
    timing_implementation(&model->timing, node->row, text, sizeof text);
    if (text[0])
        put_value(page, "runs as", COLOR_DEFAULT, text);
    carried_text(model, node->row, text, sizeof text);
    if (text[0])
        put_value(page, "carries", COLOR_DIM, text);
    put_history(model, index, page);
}

static int count_rows(const struct layers_model *model, int block, int *fused)
{
    int rows = 0;
    *fused = 0;
    for (int i = 0; i < model->n_nodes; i++)
        for (int at = model->nodes[i].row >= 0 ? model->nodes[i].parent : -1; at >= 0; at = model->nodes[at].parent)
            if (at == block) {
                rows++;
                *fused += !model->nodes[i].own;
            }
    return rows;
}

static void put_block(const struct layers_model *model, int index, struct page *page)
{
    const struct layers_node *node = &model->nodes[index];
    char text[512];
    if (node->is_block) {
        int fused, rows = count_rows(model, index, &fused);
        snprintf(text, sizeof text, "%d rows, %d of them fused into others", rows, fused);
        put_value(page, "block of", COLOR_DEFAULT, text);
    }
    put_change(model, node, page);
    put_phases(model, node, page);
    put_work(model, node, page);
    unowned_text(&model->timing, node, text, sizeof text);
    if (!node->is_block && text[0])
        put_value(page, "runs as", COLOR_DEFAULT, text);
    put_history(model, index, page);
}

/* ---- the longest rows, where there is room below ---- */

static int is_under(const struct layers_model *model, int node, int block)
{
    for (int at = node; at >= 0; at = model->nodes[at].parent)
        if (at == block)
            return 1;
    return 0;
}

/* The next longest row after `before` (a node; -1: the longest) of a block (-1: of all); -1: no more. */
static int next_longest(const struct layers_model *model, int block, int before)
{
    int best = -1;
    for (int i = 0; i < model->n_nodes; i++) {
        double ms = model->nodes[i].total;
        if (model->nodes[i].is_block || !(ms > 0) || (block >= 0 && !is_under(model, i, block)))
            continue;
        if (before >= 0 && (ms > model->nodes[before].total || (ms == model->nodes[before].total && i <= before)))
            continue;
        if (best < 0 || ms > model->nodes[best].total)
            best = i;
    }
    return best;
}

static void put_longest(const struct layers_model *model, int block, struct page *page)
{
    char number[32];
    page->y++;
    if (page->area.h - page->y < 4)
        return;
    int y = page->area.y + page->y++, right = page->area.x + page->area.w;
    put_format(page->grid, page->area, page->area.x, y, COLOR_TITLE, ATTR_BOLD, "Longest rows of %s",
               block >= 0         ? model->nodes[block].path
               : model->per_epoch ? "an epoch"
                                  : "a step");
    put_text(page->grid, page->area, right - 5, y, COLOR_DIM, ATTR_NONE, "share");
    for (int at = next_longest(model, block, -1); at >= 0 && page->y < page->area.h;
         at = next_longest(model, block, at)) {
        const struct layers_node *node = &model->nodes[at];
        y = page->area.y + page->y++;
        put_squeezed(page->grid, (struct rect){page->area.x, y, page->area.w - 23, 1},
                     at == model->cursor ? COLOR_TITLE : COLOR_DEFAULT, at == model->cursor ? ATTR_BOLD : ATTR_NONE,
                     node->path);
        const char *time = layers_time(model, node->total, number, sizeof number);
        put_format(page->grid, page->area, right - 11 - text_width(time), y, COLOR_DEFAULT, ATTR_NONE, "%s %s", time,
                   layers_unit(model));
        put_right(page->grid, page->area, right, y, COLOR_DIM, ATTR_NONE,
                  layers_share(node->total, model->step_ms, number, sizeof number));
    }
}

/* ---- both forms ---- */

static void draw_wide(const struct layers_model *model, int index, struct grid *grid, struct rect area)
{
    const struct layers_node *node = &model->nodes[index];
    put_box(grid, area, COLOR_BORDER, node->path);
    struct page page = {grid, rect_inset(area, 2, 1), 0};
    if (node->row >= 0)
        put_row(model, index, &page);
    else
        put_block(model, index, &page);
    int block = node->is_block ? index : -1;
    put_longest(model, block, &page);
}

/* The name, and at the line's end what the node took epoch by epoch. */
static void draw_title_line(const struct layers_model *model, int index, struct grid *grid, struct rect line)
{
    double ms[TIMING_HISTORY_MAX];
    char text[96];
    int n = layers_node_history(model, index, ms);
    int used = put_text(grid, line, line.x, line.y, COLOR_TITLE, ATTR_BOLD, model->nodes[index].path) + 2;
    if (n < 2)
        return;
    history_text(model, ms, n, text, sizeof text);
    int width = sparkline_width(n, grid, 24), all = width + 1 + text_width(text);
    if (used + all > line.w) /* the picture alone, if there is room for it */
        all = width;
    struct rect picture = {line.x + line.w - all, line.y, width, 1};
    if (used + all > line.w)
        return;
    sparkline_draw(ms, n, COLOR_ACCENT, grid, picture);
    if (all > width)
        put_text(grid, line, picture.x + width + 1, line.y, COLOR_DIM, ATTR_NONE, text);
}

/* Appends ", PART" where there is something before it. */
__attribute__((format(printf, 3, 4))) static void add_fact(char *facts, size_t size, const char *format, ...)
{
    size_t used = strlen(facts);
    va_list args;
    if (used > 0 && used + 2 < size)
        used += (size_t)snprintf(facts + used, size - used, ", ");
    va_start(args, format);
    vsnprintf(facts + used, size - used, format, args);
    va_end(args);
}

/* What it is, and how fast. */
static void make_facts(const struct layers_model *model, int index, int ascii, char *facts, size_t size)
{
    const struct layers_node *node = &model->nodes[index];
    char shape[64], number[32];
    int fused;
    facts[0] = '\0';
    if (node->row >= 0) {
        shape_text(&model->timing.rows[node->row].shape, ascii, shape, sizeof shape);
        add_fact(facts, size, "%s, output %s", op_text(model->timing.rows[node->row].op), shape);
    } else if (node->is_block) {
        int rows = count_rows(model, index, &fused);
        add_fact(facts, size, "%d rows, %d of them fused into others", rows, fused);
    } else {
        unowned_text(&model->timing, node, facts, size);
    }
    if (node->sum.steps > 0 && isfinite(node->sum.gflops))
        add_fact(facts, size, "%s GFLOP/s", layers_rate(node->sum.gflops, number, sizeof number));
    if (node->sum.steps > 0 && isfinite(node->sum.ceiling))
        add_fact(facts, size, "%s of the ceiling", layers_share(node->sum.ceiling, 1, number, sizeof number));
}

/* What it needs, and how steady it is; beside another run, how sure the change is. */
static void make_needs(const struct layers_model *model, int index, int ascii, char *needs, size_t size)
{
    const struct layers_node *node = &model->nodes[index];
    const struct timing_row *row = node->row >= 0 ? &model->timing.rows[node->row] : NULL;
    char number[32];
    needs[0] = '\0';
    if (model->against.on) {
        const struct layers_change *change = &node->change;
        char low[32], high[32];
        if (change->line >= 0 && isfinite(change->low))
            add_fact(needs, size, "%s, by how steps vary %s to %s %s", layers_change_word(change->verdict),
                     layers_signed(model, change->low, low, sizeof low),
                     layers_signed(model, change->high, high, sizeof high), layers_unit(model));
        else
            add_fact(needs, size, "change: %s", layers_change_word(change->verdict));
        return;
    }
    if (node->sum.steps > 0 && node->sum.bytes > 0)
        add_fact(needs, size, "moves %s", format_bytes(node->sum.bytes, number, sizeof number));
    if (row && isfinite(row->activation_bytes))
        add_fact(needs, size, "keeps %s", format_bytes(row->activation_bytes, number, sizeof number));
    if (row && row->weight_bytes > 0)
        add_fact(needs, size, "weights %s", format_bytes(row->weight_bytes, number, sizeof number));
    if (node->sum.steps > 0 && isfinite(node->sum.ms_sd) && node->sum.ms > 0)
        add_fact(needs, size, "spread %s%s", ascii ? "+-" : "±",
                 layers_share(node->sum.ms_sd, node->sum.ms, number, sizeof number));
}

/* What does not stand in the list already, the most important first. */
static void draw_lines(const struct layers_model *model, int index, struct grid *grid, struct rect area)
{
    const struct layers_node *node = &model->nodes[index];
    char text[512] = "";
    int y = area.y;
    if (area.h > 1)
        draw_title_line(model, index, grid, (struct rect){area.x, y++, area.w, 1});
    make_facts(model, index, grid->ascii, text, sizeof text);
    put_text(grid, area, area.x, y++, COLOR_DEFAULT, ATTR_NONE, text);
    make_needs(model, index, grid->ascii, text, sizeof text);
    if (area.h > 2)
        put_text(grid, area, area.x, y++, COLOR_DIM, ATTR_NONE, text);
    text[0] = '\0';
    if (node->row >= 0)
        timing_implementation(&model->timing, node->row, text, sizeof text);
    if (node->row >= 0 && !node->own && node->fused[PHASE_FORWARD] >= 0)
        snprintf(text, sizeof text, "no time of its own: fused into %s",
                 model->timing.rows[node->fused[PHASE_FORWARD]].name);
    int doubt = !text[0] && timing_doubtful(&model->timing); /* there is room for it */
    if (area.h > 3)
        put_text(grid, area, area.x, y, doubt ? COLOR_WARN : COLOR_DIM, ATTR_NONE, doubt ? TIMING_DOUBT : text);
}

void layers_detail_draw(const struct layers_model *model, int wide, struct grid *grid, struct rect area)
{
    if (model->cursor < 0 || area.w < 8)
        return;
    if (wide)
        draw_wide(model, model->cursor, grid, area);
    else
        draw_lines(model, model->cursor, grid, area);
}
