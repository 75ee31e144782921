#include "views/grid.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct cell blank_cell = {.text = " ", .width = 1};

int grid_init(struct grid *grid, int w, int h)
{
    *grid = (struct grid){.cursor_x = -1, .cursor_y = -1};
    return grid_resize(grid, w, h);
}

void grid_release(struct grid *grid)
{
    free(grid->cells);
    *grid = (struct grid){.cursor_x = -1, .cursor_y = -1};
}

int grid_resize(struct grid *grid, int w, int h)
{
    if (w < 0)
        w = 0;
    if (h < 0)
        h = 0;
    if (w != grid->w || h != grid->h) {
        struct cell *cells = NULL;
        if (w > 0 && h > 0) {
            if (w > INT_MAX / h)
                return -1;
            cells = malloc((size_t)w * (size_t)h * sizeof *cells);
            if (!cells)
                return -1;
        }
        free(grid->cells);
        grid->cells = cells;
        grid->w = w;
        grid->h = h;
    }
    grid_clear(grid);
    return 0;
}

void grid_clear(struct grid *grid)
{
    size_t count = grid->cells ? (size_t)grid->w * (size_t)grid->h : 0;
    for (size_t i = 0; i < count; i++)
        grid->cells[i] = blank_cell;
    grid->cursor_x = grid->cursor_y = -1;
}

struct cell *grid_at(struct grid *grid, int x, int y)
{
    if (!grid->cells || x < 0 || y < 0 || x >= grid->w || y >= grid->h)
        return NULL;
    return &grid->cells[(size_t)y * (size_t)grid->w + (size_t)x];
}

struct rect rect_intersect(struct rect a, struct rect b)
{
    long x0 = a.x > b.x ? a.x : b.x;
    long y0 = a.y > b.y ? a.y : b.y;
    long ax = (long)a.x + a.w, bx = (long)b.x + b.w;
    long ay = (long)a.y + a.h, by = (long)b.y + b.h;
    long x1 = ax < bx ? ax : bx;
    long y1 = ay < by ? ay : by;
    struct rect r = {(int)x0, (int)y0, 0, 0};
    if (x1 > x0 && y1 > y0) {
        r.w = (int)(x1 - x0);
        r.h = (int)(y1 - y0);
    }
    return r;
}

struct rect rect_inset(struct rect r, int dx, int dy)
{
    struct rect out = {r.x + dx, r.y + dy, r.w - 2 * dx, r.h - 2 * dy};
    if (out.w < 0)
        out.w = 0;
    if (out.h < 0)
        out.h = 0;
    return out;
}

void put_fill(struct grid *grid, struct rect area, uint32_t fg, uint32_t bg, const char *utf8)
{
    struct rect r = rect_intersect(area, (struct rect){0, 0, grid->w, grid->h});
    for (int y = r.y; y < r.y + r.h; y++) {
        for (int x = r.x; x < r.x + r.w; x++) {
            /* The text first: it repairs a wide neighbour that this cell was half of. */
            put_text(grid, r, x, y, fg, ATTR_NONE, utf8 && *utf8 ? utf8 : " ");
            grid_at(grid, x, y)->bg = bg;
        }
    }
}

void put_box(struct grid *grid, struct rect area, uint32_t fg, const char *title)
{
    static const char *const fine[] = {"╭", "╮", "╰", "╯", "─", "│"};
    static const char *const plain[] = {"+", "+", "+", "+", "-", "|"};
    const char *const *line = grid->ascii ? plain : fine;
    if (area.w < 2 || area.h < 2)
        return;
    int right = area.x + area.w - 1, bottom = area.y + area.h - 1;
    struct rect seen = rect_intersect(area, (struct rect){0, 0, grid->w, grid->h});
    for (int x = seen.x; x < seen.x + seen.w; x++) {
        put_text(grid, area, x, area.y, fg, ATTR_NONE, line[4]);
        put_text(grid, area, x, bottom, fg, ATTR_NONE, line[4]);
    }
    for (int y = seen.y; y < seen.y + seen.h; y++) {
        put_text(grid, area, area.x, y, fg, ATTR_NONE, line[5]);
        put_text(grid, area, right, y, fg, ATTR_NONE, line[5]);
    }
    put_text(grid, area, area.x, area.y, fg, ATTR_NONE, line[0]);
    put_text(grid, area, right, area.y, fg, ATTR_NONE, line[1]);
    put_text(grid, area, area.x, bottom, fg, ATTR_NONE, line[2]);
    put_text(grid, area, right, bottom, fg, ATTR_NONE, line[3]);
    if (title && *title && area.w > 6) {
        struct rect inside = {area.x + 2, area.y, area.w - 4, 1};
        int used = put_text(grid, inside, area.x + 2, area.y, COLOR_TITLE, ATTR_BOLD, " ");
        used += put_text(grid, inside, area.x + 2 + used, area.y, COLOR_TITLE, ATTR_BOLD, title);
        put_text(grid, inside, area.x + 2 + used, area.y, COLOR_TITLE, ATTR_BOLD, " ");
    }
}
