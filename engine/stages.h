/*
 * Progressive resizing: the sizes at which a run trains, one after the other. Written "24x4,32x4": images of 24 pixels
 * for 4 epochs, then of 32 for 4. The epochs are shares: they stretch in proportion to the run's. Pure.
 */
#ifndef DAVIDNET_ENGINE_STAGES_H
#define DAVIDNET_ENGINE_STAGES_H

#include "kernels/batch.h"
#include "kernels/error.h"

#define STAGES_MAX 16
#define STAGES_SIDE_MIN 4

struct stages {
    int count;            /* 0: images keep their size */
    int size[STAGES_MAX]; /* the height of images; their width follows in proportion */
    double share[STAGES_MAX];
};

/* -1 with what is wrong and what it should look like. */
int stages_parse(struct stages *stages, const char *text, struct error *err);

/* 0 if images can be shrunk so; -1 when a size is larger than they are. */
int stages_check(const struct stages *stages, const struct images *images, struct error *err);

/* What struct batch says of step `step` (from 0) of `steps`: the size to shrink to, or 0 and 0 for the images' own. */
void stages_at(const struct stages *stages, const struct images *images, uint32_t step, uint32_t steps, int *height,
               int *width);

/* The pixels of an image in the steps from..end-1 of `steps`, all together; 1 for each step at the images' own size.
 * What a step takes goes by them, roughly. */
double stages_pixels(const struct stages *stages, const struct images *images, uint32_t from, uint32_t end,
                     uint32_t steps);

/* What stages_at says for a size, such as stages->size[i]. */
void stages_shape(const struct images *images, int size, int *height, int *width);

#endif
