/*
 * Which images a step sees and what is done to each: drawn in bulk for a whole epoch from the counter-based
 * generator, so they depend on (seed, epoch, position or image) only.
 */
#ifndef DAVIDNET_ENGINE_CHOICES_H
#define DAVIDNET_ENGINE_CHOICES_H

#include "kernels/batch.h"

struct choices_options {
    int crop_pad;               /* 0: no crop; at most 8 and at most height-1 */
    double flip, vertical_flip; /* probabilities */
    int cutout_h, cutout_w;     /* 0: no box; at most the image's size */
    uint64_t order_seed, augment_seed;
};

/*
 * Fills list[count] for that epoch (from 0): a permutation of all images, and each one's transforms.
 * The transforms of an image depend on (augment_seed, epoch, image), not on its place in the order.
 * The cutout box lies fully inside, uniformly.
 */
void choices_draw(const struct choices_options *options, const struct images *images, uint32_t epoch,
                  struct choice *list);

/* The identity choice for images first .. first+n-1 (evaluation). */
void choices_identity(uint32_t first, int n, struct choice *list);

#endif
