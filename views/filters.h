/*
 * Filters of a convolution of images as a figure: each an enlarged patch of k x k pixels whose channels are red, green
 * and blue; grey is 0, and each filter's largest element is full brightness or none. One channel is grey throughout.
 * Below each its eigenvalue; at the foot the scale.
 */
#ifndef DAVIDNET_VIEWS_FILTERS_H
#define DAVIDNET_VIEWS_FILTERS_H

#include "views/figure.h"

struct filters {
    const float *values;       /* [count][channels][kernel][kernel]; borrowed */
    const double *eigenvalues; /* [channels * kernel * kernel], of the first so many filters, and again of the next */
    int count, channels, kernel;
};

/* -1: not 1 or 3 channels. */
int filters_check(const struct filters *filters, struct error *err);

/* 0xRRGGBB of a pixel of one of them. */
uint32_t filters_pixel(const struct filters *filters, int index, int y, int x);

/* The height that it looks well in, in a box of any width; in a lower one, rows are left out at the end. */
double filters_height(const struct filters *filters);
void filters_draw(struct figure *figure, const struct filters *filters, struct figure_box box);

#endif
