/*
 * A small picture in cells, two pixels a cell, one above the other: in exact colours where there are enough of them,
 * else in shades of grey. What a pixel of the screen shows is the mean of what it covers of the image.
 */
#ifndef DAVIDNET_VIEWS_PICTURE_H
#define DAVIDNET_VIEWS_PICTURE_H

#include "views/grid.h"

/* pixels: [channels][height][width] bytes, 1 or 3 channels; any size of at least 1. */
struct picture {
    const uint8_t *pixels;
    int channels, height, width;
};

/* 0xRRGGBB of pixel (x, y) of the image scaled to w x h pixels: means weighted by area, rounded. */
uint32_t picture_pixel(const struct picture *picture, int w, int h, int x, int y);

/* Over the whole of area, which may be cut by clip: area.w x 2 area.h pixels. */
void picture_draw(const struct picture *picture, struct grid *grid, struct rect clip, struct rect area);

#endif
