/*
 * First and second moments of all k x k patches of images, in exact integers: the same for any number of threads, any
 * instruction set and any order of images.
 */
#ifndef DAVIDNET_KERNELS_PATCHES_H
#define DAVIDNET_KERNELS_PATCHES_H

#include "kernels/batch.h"

#include <stddef.h>

/*
 * Over every k x k patch, all channels, of the first `count` images, unpadded, bytes as they are: with m = channels * k
 * * k elements of a patch in the order channel, row, column, sum[m] and product[m][m] (symmetric) of elements and of
 * pairs of them. Returns the number of patches; 0: the images are smaller than k, or there is no memory.
 */
size_t patches_moments(const struct images *images, uint32_t count, int k, int64_t *sum, int64_t *product);

#endif
