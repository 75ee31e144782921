#include "views/grid.h"
#include "views/palette.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cell *cell_of(const struct grid *grid, int x, int y)
{
    return &grid->cells[(size_t)y * (size_t)grid->w + (size_t)x];
}

/* Columns of row y up to its last cell that shows something. */
static int row_end(const struct grid *grid, int y, int colors)
{
    int end = grid->w;
    while (end > 0) {
        const struct cell *cell = cell_of(grid, end - 1, y);
        int blank = strcmp(cell->text, " ") == 0 && !(cell->attr & (ATTR_REVERSE | ATTR_UNDERLINE));
        if (!blank || (colors && cell->bg != COLOR_DEFAULT))
            break;
        end--;
    }
    return end;
}

char *grid_text(const struct grid *grid)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (int y = 0; y < grid->h; y++) {
        int end = grid->cells ? row_end(grid, y, 0) : 0;
        for (int x = 0; x < end; x++)
            fputs(cell_of(grid, x, y)->text, out);
        fputc('\n', out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void put_color(FILE *out, uint32_t color, int background, int depth)
{
    if (depth >= 24) {
        uint32_t rgb = palette_rgb(color, background);
        fprintf(out, ";%d;2;%u;%u;%u", background ? 48 : 38, rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);
    } else if (depth >= 8) {
        fprintf(out, ";%d;5;%d", background ? 48 : 38, palette_256(color, background));
    } else if (depth >= 4) {
        int index = palette_16(color, background);
        if (index >= 0)
            fprintf(out, ";%d", (index < 8 ? 30 + index : 90 + index - 8) + (background ? 10 : 0));
    }
}

static void put_style(FILE *out, const struct cell *cell, int depth)
{
    uint8_t attr = depth ? cell->attr : cell->attr | palette_mono(cell->fg, cell->bg);
    fputs("\033[0", out);
    if (attr & ATTR_BOLD)
        fputs(";1", out);
    if (attr & ATTR_DIM)
        fputs(";2", out);
    if (attr & ATTR_UNDERLINE)
        fputs(";4", out);
    if (attr & ATTR_REVERSE)
        fputs(";7", out);
    put_color(out, cell->fg, 0, depth);
    put_color(out, cell->bg, 1, depth);
    fputc('m', out);
}

char *grid_ansi(const struct grid *grid, int color_depth)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (int y = 0; y < grid->h; y++) {
        const struct cell *last = NULL;
        /* With colours every cell is sent: the background is ours. */
        int end = !grid->cells ? 0 : color_depth >= 8 ? grid->w : row_end(grid, y, color_depth);
        for (int x = 0; x < end; x++) {
            const struct cell *cell = cell_of(grid, x, y);
            if (!last || cell->fg != last->fg || cell->bg != last->bg || cell->attr != last->attr)
                put_style(out, cell, color_depth);
            fputs(cell->text, out);
            last = cell;
        }
        fputs("\033[0m\n", out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
