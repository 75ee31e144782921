#include "views/palette.h"

#include <math.h>
#include <stdlib.h>

#define BACKGROUND 0x11151C
#define LEGIBLE 4.5 /* contrast of text: WCAG 2, level AA */

struct entry {
    uint32_t rgb;
    int8_t ansi; /* -1: the terminal's default */
    uint8_t mono;
};

static const struct entry entries[COLOR_COUNT] = {
    [COLOR_DEFAULT] = {0xD3D8E2, -1, ATTR_NONE},    [COLOR_DIM] = {0x8E98AA, -1, ATTR_DIM},
    [COLOR_TITLE] = {0xF4F6FB, 15, ATTR_BOLD},      [COLOR_BORDER] = {0x4A5364, 8, ATTR_DIM},
    [COLOR_ACCENT] = {0x6CC7F2, 14, ATTR_BOLD},     [COLOR_GOOD] = {0x5ED6A0, 10, ATTR_NONE},
    [COLOR_BAD] = {0xFF7A6B, 9, ATTR_BOLD},         [COLOR_WARN] = {0xF5CE62, 11, ATTR_BOLD},
    [COLOR_TRAIN] = {0xF0A83E, 3, ATTR_NONE},       [COLOR_VALID] = {0x5CB8F5, 12, ATTR_BOLD},
    [COLOR_LR] = {0xC9A2F2, 13, ATTR_NONE},         [COLOR_TARGET] = {0x5ED6A0, 10, ATTR_NONE},
    [COLOR_AXIS] = {0x8E98AA, -1, ATTR_DIM},        [COLOR_FORWARD] = {0x5CB8F5, 12, ATTR_NONE},
    [COLOR_BACKWARD] = {0xF0A83E, 3, ATTR_NONE},    [COLOR_UPDATE] = {0x5ED6A0, 10, ATTR_NONE},
    [COLOR_DATA] = {0xE08FB8, 13, ATTR_NONE},       [COLOR_KEY] = {0xF4F6FB, 15, ATTR_BOLD},
    [COLOR_SELECTED] = {0x24527A, 4, ATTR_REVERSE}, [COLOR_PANEL] = {0x1E2530, -1, ATTR_NONE},
    [COLOR_TRAIN_RAW] = {0x7D5A26, 8, ATTR_DIM},    [COLOR_AHEAD] = {0x6A5885, 8, ATTR_DIM},
    [COLOR_LOSS] = {0xC9CF6A, 11, ATTR_NONE},       [COLOR_RUN_A] = {0x42AA89, 6, ATTR_NONE},
    [COLOR_RUN_B] = {0xD57850, 1, ATTR_NONE},       [COLOR_RUN_C] = {0x9B84CC, 5, ATTR_NONE},
    [COLOR_RUN_D] = {0x96C479, 2, ATTR_NONE},       [COLOR_RUN_E] = {0xDFA4CD, 13, ATTR_NONE},
    [COLOR_RUN_F] = {0xAE7EA9, 7, ATTR_NONE},
};

uint32_t palette_rgb(uint32_t color, int background)
{
    if (color & COLOR_RGB)
        return color & 0xFFFFFF;
    if (color >= COLOR_COUNT || (color == COLOR_DEFAULT && background))
        return background ? BACKGROUND : entries[COLOR_DEFAULT].rgb;
    return entries[color].rgb;
}

static int cube_level(int i)
{
    return i ? 55 + 40 * i : 0;
}

uint32_t palette_xterm(int index)
{
    if (index >= 232) {
        uint32_t grey = (uint32_t)(8 + 10 * (index - 232));
        return grey << 16 | grey << 8 | grey;
    }
    int i = index - 16;
    return (uint32_t)(cube_level(i / 36) << 16 | cube_level(i / 6 % 6) << 8 | cube_level(i % 6));
}

/* Squared distance, weighted roughly as the eye does. */
static int distance(uint32_t a, uint32_t b)
{
    int r = (int)(a >> 16 & 255) - (int)(b >> 16 & 255);
    int g = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
    int v = (int)(a & 255) - (int)(b & 255);
    return 3 * r * r + 6 * g * g + v * v;
}

/* Of the cube's six values for a channel. */
static int nearest_level(int value)
{
    int best = 0;
    for (int i = 1; i < 6; i++)
        if (abs(value - cube_level(i)) < abs(value - cube_level(best)))
            best = i;
    return best;
}

/* The nearest of the cube has the nearest value in each channel; then only the greys are left to compare. */
int palette_256(uint32_t color, int background)
{
    uint32_t rgb = palette_rgb(color, background);
    int red = nearest_level((int)(rgb >> 16 & 255)), green = nearest_level((int)(rgb >> 8 & 255));
    int best = 16 + 36 * red + 6 * green + nearest_level((int)(rgb & 255));
    for (int i = 232; i < 256; i++)
        if (distance(rgb, palette_xterm(i)) < distance(rgb, palette_xterm(best)))
            best = i;
    return best;
}

int palette_256_but(uint32_t color, int background, const unsigned char taken[256])
{
    uint32_t rgb = palette_rgb(color, background);
    int best = palette_256(color, background);
    if (!taken[best])
        return best;
    for (int i = 16; i < 256; i++)
        if (!taken[i] && (taken[best] || distance(rgb, palette_xterm(i)) < distance(rgb, palette_xterm(best))))
            best = i;
    return best;
}

void palette_entries(int out[2][COLOR_COUNT])
{
    uint32_t given[256]; /* the value that an entry gets */
    unsigned char used[256] = {0};
    for (int background = 0; background < 2; background++) {
        for (uint32_t color = 0; color < COLOR_COUNT; color++) {
            uint32_t rgb = palette_rgb(color, background);
            int best = -1;
            for (int i = 16; i < 256; i++) {
                if (used[i] && given[i] == rgb) {
                    best = i;
                    break;
                }
                if (!used[i] && (best < 0 || distance(rgb, palette_xterm(i)) < distance(rgb, palette_xterm(best))))
                    best = i;
            }
            used[best] = 1;
            given[best] = rgb;
            out[background][color] = best;
        }
    }
}

int palette_16(uint32_t color, int background)
{
    static const uint32_t ansi[16] = {0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
                                      0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF};
    if (color & COLOR_RGB) {
        int best = 0;
        for (int i = 1; i < 16; i++)
            if (distance(color & 0xFFFFFF, ansi[i]) < distance(color & 0xFFFFFF, ansi[best]))
                best = i;
        return best;
    }
    if (color >= COLOR_COUNT || (color == COLOR_DEFAULT && background))
        return -1;
    return entries[color].ansi;
}

uint8_t palette_mono(uint32_t fg, uint32_t bg)
{
    uint8_t attr = fg < COLOR_COUNT ? entries[fg].mono : ATTR_NONE;
    return bg == COLOR_SELECTED ? attr | ATTR_REVERSE : attr;
}

static double channel(uint32_t value)
{
    double c = value / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(uint32_t rgb)
{
    return 0.2126 * channel(rgb >> 16 & 255) + 0.7152 * channel(rgb >> 8 & 255) + 0.0722 * channel(rgb & 255);
}

double palette_contrast(uint32_t rgb_a, uint32_t rgb_b)
{
    double a = luminance(rgb_a) + 0.05, b = luminance(rgb_b) + 0.05;
    return a > b ? a / b : b / a;
}

void palette_legible(struct grid *grid, struct rect area)
{
    uint32_t selected = palette_rgb(COLOR_SELECTED, 1);
    for (int y = area.y; y < area.y + area.h; y++)
        for (int x = area.x; x < area.x + area.w; x++) {
            struct cell *cell = grid_at(grid, x, y);
            if (cell && cell->bg == COLOR_SELECTED && palette_contrast(palette_rgb(cell->fg, 0), selected) < LEGIBLE)
                cell->fg = COLOR_TITLE;
        }
}
