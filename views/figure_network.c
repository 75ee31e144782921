#include "views/figure_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 18.0
#define PITCH 19.0 /* of rows */
#define NODE 13.0  /* a box's height */
#define BLOCK 14.0 /* a block's heading */
#define CLOSE 5.0  /* below a block */
#define INDENT 9.0
#define LANE 7.0
#define DEPTH_MAX 8
#define LANES_MAX 8
#define COLUMNS_WIDTH 250.0 /* shape, parameters, arithmetic */

struct block {
    int first, last, depth; /* rows; depth 1: outermost */
    char name[PLAN_NAME_MAX];
    double top, foot;
};

struct layout {
    double *y;  /* of each row's middle, from the box's top */
    int *lane;  /* of each row's inputs [n][2]; -1: the row before, or none */
    int n_rows; /* that have room */
    struct block *blocks;
    int n_blocks, depth, lanes;
    double height;
};

/* How many parts of the path the two names share, but for their last ones; *offset: where they end in b. */
static int shared_depth(const char *a, const char *b, size_t *offset)
{
    int depth = 0;
    *offset = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '/') {
            depth++;
            *offset = i + 1;
        }
    return depth;
}

static int path_depth(const char *name)
{
    int depth = 0;
    for (; *name; name++)
        depth += *name == '/';
    return depth;
}

/* Blocks as rows begin and end them, in the order of their first rows; and the rows' places. */
static void place_rows(const struct plan *plan, struct layout *l)
{
    int open[DEPTH_MAX], n_open = 0;
    double y = HEAD;
    for (int i = 0; i < plan->n_rows; i++) {
        const char *name = plan->rows[i].name;
        size_t at = 0;
        int shared = i > 0 ? shared_depth(plan->rows[i - 1].name, name, &at) : 0, depth = path_depth(name);
        while (n_open > 0 && n_open > shared) {
            y += CLOSE;
            l->blocks[open[--n_open]].foot = y - CLOSE / 2;
        }
        while (n_open < depth && n_open < DEPTH_MAX) {
            size_t length = strcspn(name + at, "/");
            struct block *block = &l->blocks[l->n_blocks];
            *block = (struct block){.first = i, .last = i, .depth = n_open + 1, .top = y + 1};
            snprintf(block->name, sizeof block->name, "%.*s", (int)length, name + at);
            open[n_open++] = l->n_blocks++;
            y += BLOCK;
            at += length + 1;
        }
        for (int b = 0; b < n_open; b++)
            l->blocks[open[b]].last = i;
        l->depth = n_open > l->depth ? n_open : l->depth;
        l->y[i] = y + PITCH / 2;
        y += PITCH;
    }
    while (n_open > 0) {
        y += CLOSE;
        l->blocks[open[--n_open]].foot = y - CLOSE / 2;
    }
    l->height = y;
}

/* Edges that pass other rows run beside them, each in the first lane that is free from end to end. */
static void place_lanes(const struct plan *plan, struct layout *l)
{
    int busy_until[LANES_MAX];
    for (int k = 0; k < LANES_MAX; k++)
        busy_until[k] = -1;
    for (int source = 0; source < plan->n_rows; source++)
        for (int i = source + 2; i < plan->n_rows; i++)
            for (int k = 0; k < plan->rows[i].n_inputs; k++) {
                int lane = 0;
                if (plan->rows[i].input[k] != source)
                    continue;
                while (lane < LANES_MAX - 1 && busy_until[lane] > source)
                    lane++;
                busy_until[lane] = i;
                l->lane[2 * i + k] = lane;
                l->lanes = lane + 1 > l->lanes ? lane + 1 : l->lanes;
            }
}

static void layout_release(struct layout *l)
{
    free(l->y);
    free(l->lane);
    free(l->blocks);
}

static int layout_init(struct layout *l, const struct plan *plan)
{
    size_t n = (size_t)plan->n_rows + 1;
    *l = (struct layout){.y = calloc(n, sizeof *l->y),
                         .lane = malloc(2 * n * sizeof *l->lane),
                         .blocks = calloc(n * DEPTH_MAX, sizeof *l->blocks)};
    if (!l->y || !l->lane || !l->blocks) {
        layout_release(l);
        return -1;
    }
    for (size_t i = 0; i < 2 * n; i++)
        l->lane[i] = -1;
    place_rows(plan, l);
    place_lanes(plan, l);
    return 0;
}

double figure_network_height(const struct figure_network *network)
{
    struct layout layout;
    double height = 0;
    if (layout_init(&layout, network->plan) == 0) {
        height = layout.height + 4;
        layout_release(&layout);
    }
    return height;
}

/* ---- drawing ---- */

static uint32_t tint(enum plan_op op)
{
    static const uint32_t tints[PLAN_OP_COUNT] = {
        [PLAN_INPUT] = 0xE9ECF0,      [PLAN_CONV] = 0xBBD9F0,       [PLAN_NORM] = 0xD5EBDD,
        [PLAN_ACT] = 0xFAE3C6,        [PLAN_MAX_POOL] = 0xE5D8EF,   [PLAN_AVG_POOL] = 0xE5D8EF,
        [PLAN_GLOBAL_MAX] = 0xE5D8EF, [PLAN_GLOBAL_AVG] = 0xE5D8EF, [PLAN_ADD] = 0xFFFFFF,
        [PLAN_CONCAT] = 0xFFFFFF,     [PLAN_LINEAR] = 0xBBD9F0,     [PLAN_LOSS] = 0xE9ECF0,
    };
    return COLOR_RGB | tints[op];
}

static void draw_arrow(struct figure *figure, double x, double y, double dx, double dy)
{
    /* its point is at (x, y); (dx, dy): the way it goes, of length 1 */
    const double xy[6] = {x, y, x - 4 * dx - 2 * dy, y - 4 * dy - 2 * dx, x - 4 * dx + 2 * dy, y - 4 * dy + 2 * dx};
    figure_polygon(figure, xy, 3, COLOR_AXIS, 1);
}

static void draw_blocks(struct figure *figure, const struct layout *l, struct figure_box box, double left, double right)
{
    static const uint32_t shades[] = {0xF3F5F8, 0xE8ECF1, 0xDCE2E9};
    const struct figure_font font = {FIGURE_SMALL_SIZE - 1, 1, COLOR_DIM};
    for (int depth = 1; depth <= l->depth; depth++)
        for (int i = 0; i < l->n_blocks; i++) {
            const struct block *b = &l->blocks[i];
            if (b->depth != depth || b->first >= l->n_rows)
                continue;
            double inset = (depth - 1) * INDENT, last = b->last < l->n_rows ? b->foot : l->y[l->n_rows - 1] + PITCH / 2;
            struct figure_box panel = {left + inset, box.y + b->top, right - left - 2 * inset, last - b->top};
            char cut[PLAN_NAME_MAX + 4];
            figure_fill(figure, panel, COLOR_RGB | shades[(depth - 1) % 3], FIGURE_PLAIN);
            figure_text(figure, panel.x + 4, panel.y + 6.5, FIGURE_LEFT, &font,
                        figure_text_cut(figure, &font, b->name, panel.w - 8, cut, sizeof cut));
        }
}

/* "conv 3x3", or "pool: global_max" where the row's name says something else. */
static const char *node_text(const struct figure_network *network, int i, char out[192])
{
    const char *name = network->plan->rows[i].name, *slash = strrchr(name, '/'), *what = network->rows[i].what;
    name = slash ? slash + 1 : name;
    if (strncmp(what, name, strlen(name)) == 0)
        snprintf(out, 192, "%s", what);
    else
        snprintf(out, 192, "%s: %s", name, what);
    return out;
}

static void draw_edges(struct figure *figure, const struct plan *plan, const struct layout *l, struct figure_box box,
                       struct figure_box node)
{
    const struct figure_stroke line = {COLOR_AXIS, 0.9, FIGURE_SOLID};
    double right = node.x + node.w, middle = node.x + node.w / 2;
    for (int i = 0; i < l->n_rows; i++)
        for (int k = 0; k < plan->rows[i].n_inputs; k++) {
            double from = box.y + l->y[plan->rows[i].input[k]], to = box.y + l->y[i];
            if (l->lane[2 * i + k] < 0) {
                figure_line(figure, middle, from + NODE / 2, middle, to - NODE / 2 - 2, &line);
                draw_arrow(figure, middle, to - NODE / 2, 0, 1);
                continue;
            }
            double x = right + LANE * (l->lane[2 * i + k] + 0.8);
            const double xy[8] = {right, from, x, from, x, to, right + 2, to};
            figure_polyline(figure, xy, 4, &line);
            draw_arrow(figure, right, to, -1, 0);
        }
}

static void draw_nodes(struct figure *figure, const struct figure_network *network, const struct layout *l,
                       struct figure_box box, struct figure_box node)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT};
    char text[192], cut[200];
    for (int i = 0; i < l->n_rows; i++) {
        struct figure_box at = {node.x, box.y + l->y[i] - NODE / 2, node.w, NODE};
        figure_fill(figure, at, tint(network->plan->rows[i].op), FIGURE_PLAIN);
        figure_text(figure, at.x + at.w / 2, box.y + l->y[i], FIGURE_CENTRE, &font,
                    figure_text_cut(figure, &font, node_text(network, i, text), at.w - 6, cut, sizeof cut));
    }
}

/* 73728 as "73,728". */
static const char *grouped(size_t value, char out[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%zu", value), used = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

static void draw_columns(struct figure *figure, const struct figure_network *network, const struct layout *l,
                         struct figure_box box, double x)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT}, head = {FIGURE_SMALL_SIZE, 1, COLOR_DEFAULT};
    const struct plan *plan = network->plan;
    double most = 0, shape = x + 68, parameters = x + 138, bars = x + 150, room = box.x + box.w - bars - 38;
    char text[64];
    for (int i = 0; i < plan->n_rows; i++)
        most = fmax(most, plan_row_forward_flops(plan, i));
    figure_text(figure, shape, box.y + 6, FIGURE_RIGHT, &head, "output");
    figure_text(figure, parameters, box.y + 6, FIGURE_RIGHT, &head, "parameters");
    figure_text(figure, bars, box.y + 6, FIGURE_LEFT, &head, "MFLOP forward");
    for (int i = 0; i < l->n_rows; i++) {
        struct plan_shape s = plan->rows[i].out;
        double y = box.y + l->y[i], flops = plan_row_forward_flops(plan, i);
        snprintf(text, sizeof text, "%d×%d×%d", s.c, s.h, s.w);
        figure_text(figure, shape, y, FIGURE_RIGHT, &font, text);
        if (network->rows[i].parameters > 0)
            figure_text(figure, parameters, y, FIGURE_RIGHT, &font, grouped(network->rows[i].parameters, text));
        if (!(flops > 0))
            continue;
        double width = room * flops / most;
        figure_fill(figure, (struct figure_box){bars, y - 3.5, width, 7}, COLOR_FORWARD, FIGURE_RISING);
        snprintf(text, sizeof text, "%.*f", flops < 1e7 ? 2 : 1, flops / 1e6);
        figure_text(figure, bars + width + 4, y, FIGURE_LEFT, &font, text);
    }
}

void figure_network_draw(struct figure *figure, const struct figure_network *network, struct figure_box box)
{
    const struct plan *plan = network->plan;
    struct layout l;
    if (box.w < COLUMNS_WIDTH + 160 || box.h < HEAD + 2 * PITCH)
        return;
    if (layout_init(&l, plan) < 0) {
        figure_fail(figure);
        return;
    }
    double room = l.height <= box.h ? box.h : box.h - PITCH; /* what is left out has to be said */
    while (l.n_rows < plan->n_rows && l.y[l.n_rows] + PITCH / 2 <= room)
        l.n_rows++;
    double right = box.x + box.w - COLUMNS_WIDTH, inset = INDENT * l.depth;
    double lanes = l.lanes > 0 ? LANE * (l.lanes + 1.4) : 0;
    struct figure_box node = {box.x + inset, 0, right - box.x - inset - fmax(inset, lanes), NODE};
    draw_blocks(figure, &l, box, box.x, right);
    draw_edges(figure, plan, &l, box, node);
    draw_nodes(figure, network, &l, box, node);
    draw_columns(figure, network, &l, box, right);
    if (l.n_rows < plan->n_rows) {
        const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DIM};
        char text[64];
        snprintf(text, sizeof text, "and %d more", plan->n_rows - l.n_rows);
        figure_text(figure, node.x, box.y + room + PITCH / 2, FIGURE_LEFT, &font, text);
    }
    layout_release(&l);
}
