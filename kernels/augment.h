/*
 * Augmentation as integer gathers and a table look-up, shared by every family, the previews and the
 * exports, so that what is shown is what was trained on, pixel by pixel.
 */
#ifndef DAVIDNET_KERNELS_AUGMENT_H
#define DAVIDNET_KERNELS_AUGMENT_H

#include "kernels/batch.h"
#include "kernels/shrink.h"

#include <stddef.h>
#include <stdint.h>

/* table[channel][byte] = (byte - mean[channel]) / std[channel], float32 (a family rounds it to its own
 * type). A channel whose std is 0 is only centred. */
struct augment_table {
    float value[IMAGE_CHANNELS_MAX][256];
};

void augment_table_init(struct augment_table *table, const struct images *images);

/*
 * Where each output pixel of one image comes from: source[y * width + x] is the index y' * width + x' into
 * one channel plane, or -1 inside the cutout box (value 0 after normalising). height * width is at most
 * IMAGE_PIXELS_MAX, and so many sources are written.
 */
void augment_gather(const struct choice *choice, int height, int width, int16_t *source);

/* 1 if every value of the batch is one that a table has for a byte (or 0): no shrinking, nothing prepared. Then a
 * family may gather bytes and look them up in its own rounded form of augment_table_of's table. */
int augment_by_table(const struct batch *batch);

/* The table for one image: `table`, or *own filled with table's values in the choice's brightness and contrast. */
const struct augment_table *augment_table_of(const struct augment_table *table, const struct choice *choice,
                                             struct augment_table *own);

/* What the values of an image are made in; a few hundred KiB: one a thread, on its stack. */
struct augment_scratch {
    struct augment_table table;
    struct shrink_axis rows, columns;
    int16_t source[IMAGE_PIXELS_MAX];
    float plane[IMAGE_PIXELS_MAX], between[IMAGE_PIXELS_MAX], shrunk[IMAGE_PIXELS_MAX];
};

/*
 * The values of image i of the batch, channel by channel: float32 [batch_height][batch_width], valid until the scratch
 * is used again. augment_begin first, once for each image.
 */
void augment_begin(const struct batch *batch, int i, struct augment_scratch *scratch);
const float *augment_plane(const struct batch *batch, const struct augment_table *table, int i, int channel,
                           struct augment_scratch *scratch);

/* All channels of image i, [channels][batch_height][batch_width]. The reference. */
void augment_floats(const struct batch *batch, const struct augment_table *table, int i, float *out);

/* The same as bytes to look at: values are turned back into colours, rounded, and cut off at 0 and 255; the box has
 * the mean's. Where brightness, contrast and size are left alone these are the data set's own bytes. */
void augment_bytes(const struct batch *batch, int i, uint8_t *out);

/* The choice that changes nothing. */
struct choice choice_identity(uint32_t image);

#endif
