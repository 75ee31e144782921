/*
 * Augmentation as integer gathers and a table look-up, shared by every family, the previews and the
 * exports, so that what is shown is what was trained on, pixel by pixel.
 */
#ifndef DAVIDNET_KERNELS_AUGMENT_H
#define DAVIDNET_KERNELS_AUGMENT_H

#include "kernels/batch.h"

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

/* The augmented image in bytes [channels][height][width]; the cutout box is filled with the rounded mean. */
void augment_bytes(const struct images *images, const struct choice *choice, uint8_t *out);

/* The augmented, normalised image in float32 [channels][height][width]; the box is 0. The reference. */
void augment_floats(const struct images *images, const struct augment_table *table, const struct choice *choice,
                    float *out);

/* The choice that changes nothing. */
struct choice choice_identity(uint32_t image);

#endif
