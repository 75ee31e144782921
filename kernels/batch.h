/*
 * The images of one step, by reference. Nothing here is owned: images and labels point into the
 * immutable data set, choices into the epoch's list; all must outlive the step.
 */
#ifndef DAVIDNET_KERNELS_BATCH_H
#define DAVIDNET_KERNELS_BATCH_H

#include "kernels/choice.h"
#include "kernels/error.h"

#include <stdint.h>

#define IMAGE_CHANNELS_MAX 4
#define IMAGE_SIDE_MAX 256     /* a choice's places are bytes */
#define IMAGE_PIXELS_MAX 32768 /* augment_gather's indices are int16_t */

/* The data set as kernels see it: bytes [count][channels][height][width], labels [count]. */
struct images {
    const uint8_t *pixels;
    const uint8_t *labels;
    uint32_t count;
    int channels, height, width, classes;
    float mean[IMAGE_CHANNELS_MAX]; /* per channel, on the 0..255 scale, of the training set */
    float std[IMAGE_CHANNELS_MAX];
};

/* 0 if kernels can take images of that shape; -1 with the limit. In kernels/program.c. */
int batch_check_images(const struct images *images, struct error *err);

struct batch {
    const struct images *images;
    const struct choice *choices; /* [n] */
    int n;                        /* 1 .. the program's max_batch; a smaller one is a masked tail */
    int height, width;            /* what each image is shrunk to after all else (kernels/shrink.h); 0: its own size */
    /* (optional) Work already done. Either way the program gets the same values, to the bit. */
    const float *normalised; /* the whole data set, looked up in the table: [count][channels][height][width] */
    const float *ready;      /* the augmented, shrunk images: [n][channels][height][width] */
};

static inline int batch_height(const struct batch *batch)
{
    return batch->height ? batch->height : batch->images->height;
}

static inline int batch_width(const struct batch *batch)
{
    return batch->width ? batch->width : batch->images->width;
}

#endif
