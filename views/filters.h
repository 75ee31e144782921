/*
 * Filters of a convolution of images as a picture: each an enlarged patch of k x k pixels whose channels are red, green
 * and blue; grey is 0, and each filter's largest element is full brightness or none. One channel is grey throughout.
 */
#ifndef DAVIDNET_VIEWS_FILTERS_H
#define DAVIDNET_VIEWS_FILTERS_H

#include "kernels/error.h"

#include <stdint.h>

struct filters {
    const float *values; /* [count][channels][kernel][kernel]; borrowed */
    int count, channels, kernel;
    int columns; /* filters in a row */
    int scale;   /* screen pixels of a filter's pixel */
};

/* *rgb: [*height][*width][3], to be freed. -1: not 1 or 3 channels, or no memory. */
int filters_draw(const struct filters *filters, uint8_t **rgb, int *width, int *height, struct error *err);

#endif
