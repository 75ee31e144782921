/* The seam inside winograd: what winograd.c hands to the loops of each instruction set (winograd_body.h). */
#ifndef DAVIDNET_KERNELS_CPU_WINOGRAD_KERNELS_H
#define DAVIDNET_KERNELS_CPU_WINOGRAD_KERNELS_H

#include "kernels/cpu/chain.h"

#include <stdbool.h>
#include <stddef.h>

#define WINOGRAD_POINTS 36
#define WINOGRAD_HALF 18 /* the points of three of the six rows */
#define WINOGRAD_TILES_MAX 512

/* Tiles [begin, end) of an activation (at most WINOGRAD_TILES_MAX), in the order image, row, column; channel blocks
 * [first, first + blocks). */
struct winograd_tiles {
    const struct chain_view *view;
    size_t begin, end;
    int rows, columns; /* of tiles in an image */
    int first, blocks;
    int pad;     /* transform_input: what is around the image, of zeros */
    bool stream; /* transform_output: stores go past the caches */
};

/* A transformed activation: point p, channel block b, tile t is the 16 floats at data[p*point + b*block + t*16]. */
struct winograd_points {
    float *data;
    size_t point, block;
};

/* Floats to fetch into the second cache meanwhile, a line at each step of a product. */
struct winograd_ahead {
    const float *at;
    size_t floats;
};

/* out[t][n] = sum over k of in[t][k] * weights[k][n], at one point. */
struct winograd_product {
    const float *in, *weights;
    float *out;
    size_t in_block, out_block; /* floats between blocks of 16 channels */
    int tiles, in_blocks, out_blocks;
    struct winograd_ahead ahead[2]; /* what the next product reads: weights and points */
};

/* sum[i][o] += sum over t of in[t][i] * out[t][o], at one point. */
struct winograd_outer {
    const float *in, *out;
    float *sum;
    size_t in_block, out_block, sum_row; /* floats between blocks of channels; between rows of sum */
    int tiles, in_blocks, out_blocks;
    bool add;                       /* else sum = ... */
    struct winograd_ahead ahead[2]; /* what the next one reads: both sides */
};

struct winograd_kernels {
    int panel; /* blocks of 16 output channels whose weights lie together, [k][panel * 16] */
    /* Half 0 is the points of rows 0..2, half 1 of rows 3..5; each starts at data. */
    void (*transform_input)(const struct winograd_tiles *, int half, const struct winograd_points *);
    void (*transform_gradient)(const struct winograd_tiles *, int half, const struct winograd_points *);
    void (*transform_output)(const struct winograd_tiles *, const struct winograd_points *);
    void (*product)(const struct winograd_product *); /* out_blocks: at most panel */
    void (*outer)(const struct winograd_outer *);
    /* 16 kernels of 3 x 3 at [k][lane] to 36 points, a stride of `point` floats apart; and the adjoint. */
    void (*transform_weights)(const float kernel[9][16], float *points, size_t point, bool stream);
    void (*gather_weights)(const float *points, size_t point, float kernel[9][16]);
};

extern const struct winograd_kernels winograd_kernels_avx2;   /* x86-64 only */
extern const struct winograd_kernels winograd_kernels_avx512; /* x86-64 only */

#endif
