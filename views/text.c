#include "views/grid.h"
#include "views/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is drawn for one character of the input. */
struct glyph {
    const char *bytes;
    int length; /* bytes */
    int width;  /* 0: joins the cell before */
};

/* Takes the next character of *text; 0 at the end. */
static int next_glyph(const char **text, int ascii, struct glyph *glyph)
{
    if (!**text)
        return 0;
    int32_t code;
    int length = utf8_decode(*text, &code);
    int width = code < 0 ? -1 : utf8_width(code);
    *glyph = (struct glyph){*text, length, width};
    if (code == '\t' || code == '\n')
        *glyph = (struct glyph){" ", 1, 1};
    else if (width < 0)
        *glyph = ascii ? (struct glyph){"?", 1, 1} : (struct glyph){"\xEF\xBF\xBD", 3, 1};
    else if (ascii && code >= 0x80)
        *glyph = (struct glyph){"??", width, width};
    *text += length;
    return 1;
}

/* Blanks what is left of a wide character when one of its two cells is about to be overwritten. */
static void break_wide(struct grid *grid, int x, int y)
{
    struct cell *cell = grid_at(grid, x, y);
    struct cell *other = cell->width == 2 ? grid_at(grid, x + 1, y) : cell->width == 0 ? grid_at(grid, x - 1, y) : NULL;
    if (other && other->width != 1) {
        strcpy(other->text, " ");
        other->width = 1;
    }
    cell->width = 1;
}

static void set_cell(struct grid *grid, int x, int y, uint32_t fg, uint8_t attr, const char *bytes, int length,
                     int width)
{
    struct cell *cell = grid_at(grid, x, y);
    break_wide(grid, x, y);
    memcpy(cell->text, bytes, (size_t)length);
    cell->text[length] = '\0';
    cell->fg = fg;
    cell->attr = attr;
    cell->width = (uint8_t)width;
    if (width == 2) {
        break_wide(grid, x + 1, y);
        struct cell *covered = grid_at(grid, x + 1, y);
        covered->text[0] = '\0';
        covered->fg = fg;
        covered->bg = cell->bg;
        covered->attr = attr;
        covered->width = 0;
    }
}

static void add_mark(struct grid *grid, int x, int y, const struct glyph *glyph)
{
    struct cell *cell = grid_at(grid, x, y);
    size_t used = strlen(cell->text);
    if (used + (size_t)glyph->length < sizeof cell->text) {
        memcpy(cell->text + used, glyph->bytes, (size_t)glyph->length);
        cell->text[used + (size_t)glyph->length] = '\0';
    }
}

int put_text(struct grid *grid, struct rect clip, int x, int y, uint32_t fg, uint8_t attr, const char *utf8)
{
    struct rect r = rect_intersect(clip, (struct rect){0, 0, grid->w, grid->h});
    long left = r.x, right = (long)r.x + r.w, at = x;
    int row_seen = r.w > 0 && y >= r.y && y < r.y + r.h;
    long base = -1; /* column of the cell that a combining mark joins */
    struct glyph glyph;
    while (next_glyph(&utf8, grid->ascii, &glyph)) {
        if (glyph.width == 0) {
            if (base >= 0 && !grid->ascii)
                add_mark(grid, (int)base, y, &glyph);
            continue;
        }
        int whole = at >= left && at + glyph.width <= right;
        base = -1;
        if (row_seen && whole && !(grid->ascii && glyph.width == 2)) {
            set_cell(grid, (int)at, y, fg, attr, glyph.bytes, glyph.length, glyph.width);
            base = at;
        } else if (row_seen) {
            /* A wide character cut by the edge shows as a blank; in ASCII it is two question marks. */
            for (long c = at; c < at + glyph.width; c++)
                if (c >= left && c < right)
                    set_cell(grid, (int)c, y, fg, attr, grid->ascii ? "?" : " ", 1, 1);
        }
        at += glyph.width;
    }
    return (int)(at - x);
}

int put_format(struct grid *grid, struct rect clip, int x, int y, uint32_t fg, uint8_t attr, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return put_text(grid, clip, x, y, fg, attr, text);
}

int text_width(const char *utf8)
{
    int width = 0;
    struct glyph glyph;
    while (next_glyph(&utf8, 0, &glyph))
        width += glyph.width;
    return width;
}

int text_fit(const char *utf8, int columns)
{
    const char *at = utf8, *end = utf8;
    struct glyph glyph;
    while (next_glyph(&at, 0, &glyph) && (columns -= glyph.width) >= 0)
        end = at;
    return (int)(end - utf8);
}

int put_cut(struct grid *grid, struct rect area, uint32_t fg, uint8_t attr, const char *utf8)
{
    if (area.w <= 0 || area.h <= 0)
        return 0;
    int width = text_width(utf8);
    struct rect room = {area.x, area.y, area.w - (width > area.w), 1};
    put_text(grid, room, area.x, area.y, fg, attr, utf8);
    if (width <= area.w)
        return width;
    put_text(grid, area, area.x + room.w, area.y, fg, attr, grid->ascii ? "~" : "…");
    return area.w;
}

int put_squeezed(struct grid *grid, struct rect area, uint32_t fg, uint8_t attr, const char *utf8)
{
    int width = text_width(utf8);
    if (area.h <= 0 || width <= area.w || area.w < 5)
        return put_cut(grid, area, fg, attr, utf8);
    int tail = area.w / 2;
    struct rect end = {area.x + area.w - tail, area.y, tail, 1};
    put_cut(grid, (struct rect){area.x, area.y, area.w - tail, 1}, fg, attr, utf8);
    put_right(grid, end, end.x + end.w, end.y, fg, attr, utf8);
    return area.w;
}

void put_right(struct grid *grid, struct rect clip, int right, int y, uint32_t fg, uint8_t attr, const char *utf8)
{
    put_text(grid, clip, right - text_width(utf8), y, fg, attr, utf8);
}
