#include "views/picture.h"

#include <stddef.h>

/* The part of source pixel s, of n, that target pixel t, of m, covers, in 1/m of a source pixel. */
static int covered(int s, int n, int t, int m)
{
    int from = t * n > s * m ? t * n : s * m;
    int to = (t + 1) * n < (s + 1) * m ? (t + 1) * n : (s + 1) * m;
    return to > from ? to - from : 0;
}

static uint32_t mean(const uint8_t *plane, const struct picture *picture, int w, int h, int x, int y)
{
    if (w == picture->width && h == picture->height)
        return plane[y * w + x];
    int64_t sum = 0, weights = (int64_t)picture->width * picture->height; /* all parts together */
    for (int sy = y * picture->height / h; sy < picture->height && sy * h < (y + 1) * picture->height; sy++) {
        int down = covered(sy, picture->height, y, h);
        for (int sx = x * picture->width / w; sx < picture->width && sx * w < (x + 1) * picture->width; sx++) {
            int across = covered(sx, picture->width, x, w);
            sum += (int64_t)down * across * plane[sy * picture->width + sx];
        }
    }
    return (uint32_t)((2 * sum + weights) / (2 * weights));
}

uint32_t picture_pixel(const struct picture *picture, int w, int h, int x, int y)
{
    int plane = picture->width * picture->height;
    uint32_t red = mean(picture->pixels, picture, w, h, x, y);
    if (picture->channels != 3)
        return red << 16 | red << 8 | red;
    uint32_t green = mean(picture->pixels + plane, picture, w, h, x, y);
    return red << 16 | green << 8 | mean(picture->pixels + 2 * (size_t)plane, picture, w, h, x, y);
}

/* Rec. 601 luma, 0 .. 255. */
static int luma(uint32_t rgb)
{
    return (int)((299 * (rgb >> 16 & 255) + 587 * (rgb >> 8 & 255) + 114 * (rgb & 255)) / 1000);
}

static uint32_t half_way(uint32_t a, uint32_t b)
{
    uint32_t out = 0;
    for (int shift = 0; shift < 24; shift += 8)
        out |= ((a >> shift & 255) + (b >> shift & 255) + 1) / 2 << shift;
    return out;
}

static void put_cell(struct grid *grid, struct rect cell, uint32_t top, uint32_t bottom)
{
    static const char *const shades[2][10] = {{" ", "░", "▒", "▓", "█"},
                                              {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"}};
    uint32_t both = half_way(top, bottom);
    int count = grid->ascii ? 10 : 5;
    const char *shade = shades[grid->ascii != 0][luma(both) * count / 256];
    if (grid->few_colors)
        put_fill(grid, cell, COLOR_DEFAULT, COLOR_DEFAULT, shade);
    else if (grid->ascii)
        put_fill(grid, cell, COLOR_RGB | both, COLOR_RGB | both, shade); /* the shade shows where colours do not */
    else
        put_fill(grid, cell, COLOR_RGB | top, COLOR_RGB | bottom, "▀");
}

void picture_draw(const struct picture *picture, struct grid *grid, struct rect clip, struct rect area)
{
    struct rect seen = rect_intersect(rect_intersect(clip, area), (struct rect){0, 0, grid->w, grid->h});
    for (int y = seen.y; y < seen.y + seen.h; y++)
        for (int x = seen.x; x < seen.x + seen.w; x++) {
            int row = 2 * (y - area.y);
            put_cell(grid, (struct rect){x, y, 1, 1}, picture_pixel(picture, area.w, 2 * area.h, x - area.x, row),
                     picture_pixel(picture, area.w, 2 * area.h, x - area.x, row + 1));
        }
}
