#include "views/dots.h"

#include "engine/utf8.h"

#include <stdlib.h>

#define BRAILLE 0x2800

struct dots dots_over(struct grid *grid, struct rect area)
{
    int per_x = grid->ascii ? 1 : 2, per_y = grid->ascii ? 1 : 4;
    return (struct dots){grid, area, area.w * per_x, area.h * per_y, per_x, per_y};
}

static int braille_of(const struct cell *cell)
{
    int32_t code;
    utf8_decode(cell->text, &code);
    return code >= BRAILLE && code < BRAILLE + 256 ? code - BRAILLE : 0;
}

void dots_put(const struct dots *dots, int x, int y, uint32_t color, char ascii)
{
    static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= dots->w || y >= dots->h)
        return;
    int column = dots->area.x + x / dots->per_x, row = dots->area.y + y / dots->per_y;
    if (dots->grid->ascii) {
        put_text(dots->grid, dots->area, column, row, color, ATTR_NONE, (char[]){ascii, '\0'});
        return;
    }
    const struct cell *cell = grid_at(dots->grid, column, row);
    if (!cell)
        return;
    int code = BRAILLE | (cell->fg == color ? braille_of(cell) : 0) | bits[y % 4][x % 2];
    char text[4] = {(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 63)), (char)(0x80 | (code & 63)), '\0'};
    put_text(dots->grid, dots->area, column, row, color, ATTR_NONE, text);
}

void dots_line(const struct dots *dots, int x0, int y0, int x1, int y1, uint32_t color, char ascii)
{
    int dx = abs(x1 - x0), dy = -abs(y1 - y0), sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1;
    for (int error = dx + dy;;) {
        dots_put(dots, x0, y0, color, ascii);
        if (x0 == x1 && y0 == y1)
            return;
        int twice = 2 * error;
        if (twice >= dy) {
            error += dy;
            x0 += sx;
        }
        if (twice <= dx) {
            error += dx;
            y0 += sy;
        }
    }
}
