/*
 * A procedural ten-class 32x32 colour data set, so that everything runs without a download: 50,000 + 10,000
 * images of flat shapes (disc, ring, cross ...) near the middle, in random sizes, tilts and colours, over
 * textured backgrounds among fragments of other shapes, with noise. Only the outline tells the class: colours,
 * brightness, places and sizes are drawn alike for all ten, so that a linear classifier finds little and a
 * convolutional net a lot.
 *
 * Image i of a seed depends on (seed, i) only and is made with integer arithmetic alone: the same bytes for any
 * number of threads, compiler and machine. Classes are exactly balanced, also within any ten images i..i+9 with i
 * a multiple of ten.
 */
#ifndef DAVIDNET_ENGINE_SYNTHETIC_H
#define DAVIDNET_ENGINE_SYNTHETIC_H

#include "engine/dataset.h"
#include "kernels/error.h"

#include <stdint.h>

#define SYNTHETIC_CLASSES 10
#define SYNTHETIC_SIDE 32
#define SYNTHETIC_TRAIN 50000
#define SYNTHETIC_TEST 10000

extern const char *const synthetic_class_name[SYNTHETIC_CLASSES];

/* Image `index` (the test images follow the training images): [3][32][32] bytes; returns its label. */
uint8_t synthetic_draw(uint64_t seed, uint32_t index, uint8_t *pixels);

/* Shapes, counts and class names of what synthetic_load would make; no pixels. */
void synthetic_probe(struct dataset *dataset, uint32_t train);

/*
 * Fills `train` training images (at most SYNTHETIC_TRAIN) and a fifth as many test images, labels and class names, in
 * parallel; the caller computes statistics and the digest. Fewer are the first ones of the full set's two parts.
 */
int synthetic_load(struct dataset *dataset, uint64_t seed, uint32_t train, struct error *err);

#endif
