/*
 * Weight gradients of 3x3 convolutions (stride 1, padding 1) from bf16 activations, on AMX tiles: an implicit matrix
 * product over pixels and images,
 *
 *     dw[o][i][ty][tx] = sum over n, y, x of x[n][i][y + ty - 1][x + tx - 1] * dy[n][o][y][x],
 *
 * whose inner dimension is the image: a tile product takes 32 images of one pixel. Packed so, one copy of x serves all
 * nine taps by a pointer's offset, whatever the parity of a shift, and taps that fall on padding are not visited: none
 * of the arithmetic on zeros that 3x3 convolutions of small images do (31 % of it at 4x4).
 *
 *   x   packed as [block of 32 i][pixel][tile of 16 i][16 i][32 n]        rows of a tile: channels
 *   dy  packed as [block of 32 o][pixel][tile of 16 o][16 pairs of n][16 o][2]
 *   dw  [block o][block i][tap][tile i][tile o][16 i][16 o] float32, accumulated there over all images
 *
 * A source of few channels (the first convolution) is packed as its patches instead, 9*i columns and a single tap.
 *
 * Products are of bf16 values, exact in float32; sums are float32 in a fixed order (TDPBF16PS: pairs of images, then 16
 * pairs, pixels row by row in pieces, groups of 32 images), denormal results are flushed. Split over blocks of dw: the
 * same bits for any number of threads. Error against a double reference: below 2^-16 relative to the norm for the
 * shapes that occur (float32 sums of up to a million products).
 *
 * On machines without AMX amx_wgrad_run works too, by an emulation of the tile instructions in plain C, as the manual
 * defines them. It is slow: it exists so that every machine tests the kernel.
 *
 * Source of the instructions' semantics: Intel 64 and IA-32 Architectures Software Developer's Manual, TDPBF16PS.
 */
#ifndef DAVIDNET_KERNELS_CPU_AMX_WGRAD_H
#define DAVIDNET_KERNELS_CPU_AMX_WGRAD_H

#include "kernels/bf16.h"

#include <stdbool.h>
#include <stddef.h>

#define AMX_GROUP 32     /* images of a tile product */
#define AMX_PATCH_IN_C 3 /* at most so many channels are packed as patches: 27 columns, two tiles */

/* An activation: element (n, c, y, x) is data[n*sn + c*sc + y*sy + x*sx]. sc is 1 unless the channels are few. */
struct amx_activation {
    const bf16 *data;
    ptrdiff_t sn, sc, sy, sx;
};

struct amx_wgrad {
    int in_c, out_c;   /* multiples of 16; in_c also 1 .. AMX_PATCH_IN_C */
    int height, width; /* of source and output */
};

/* Does this kernel do such a convolution? */
bool amx_wgrad_takes(const struct amx_wgrad *shape);

/* Bytes of packed activations that a run needs, and of dw in its own format. Both are to be 64-byte aligned. */
size_t amx_wgrad_scratch_bytes(const struct amx_wgrad *shape);
size_t amx_wgrad_weights_bytes(const struct amx_wgrad *shape);

/* dw of `images` images (a multiple of AMX_GROUP); add: on top of what dw holds. emulate: without AMX. */
void amx_wgrad_run(const struct amx_wgrad *shape, int images, const struct amx_activation *x,
                   const struct amx_activation *dy, float *dw, bool add, bool emulate, void *scratch);

/* From its own format to [out_c][in_c][3][3]. */
void amx_wgrad_unpack(const struct amx_wgrad *shape, const float *dw, float *oihw);

#endif
