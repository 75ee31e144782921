/*
 * The CUDA family's own kernels, as C functions that put one launch on a stream. Pointers are to device memory, all
 * aligned to 16 bytes. Activations are [image][y][x][channel], `type` wide, with channels padded to a multiple of 8 by
 * zeros (`c` counts them all); vectors of channels are padded alike. A function never fails by return: the device
 * layer (device.h) reports what a launch left behind.
 *
 * How many images there are is read on the device (cuda_step.n), so that a captured graph serves any batch. Buffers
 * are for `images`, the program's max_batch: what lies behind the batch is finite and gets zero gradients, and takes
 * part in no statistics and no loss.
 *
 * Reductions add up in a fixed order: each block leaves its part in memory, the block that ends last adds the parts in
 * their order. `ticket` counts the blocks that have ended, 0 between launches.
 */
#ifndef DAVIDNET_KERNELS_CUDA_OPS_H
#define DAVIDNET_KERNELS_CUDA_OPS_H

#include "kernels/batch.h"
#include "kernels/program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUDA_CHANNELS 8 /* activations' channels are padded to a multiple of this */

enum cuda_type { CUDA_TYPE_F32, CUDA_TYPE_F16, CUDA_TYPE_BF16 };

/* How a step changes one tensor: hyper_of_tensor and hyper_trains. */
struct cuda_rate {
    float lr, momentum, decay;
    int trains;
};

/* What a step is told: copied to the device in one piece before it, with the rates and the choices behind it. */
struct cuda_step {
    int n;
    int height, width, channels; /* of the images; channels not padded */
    const uint8_t *pixels;       /* the data set, on the device: [count][channels][height][width] */
    const uint8_t *labels;
    const float *table; /* [IMAGE_CHANNELS_MAX][256], kernels/augment.h */
    const float
        *ready; /* (optional) the augmented images, on the device: [n][channels][height][width]; the rest is idle */
    int form;   /* enum nesterov */
    const struct cuda_rate *rates; /* on the device; [tensors of the plan] */
    const struct choice *choices;  /* on the device; [n] */
};

/* What it answers. Reset by the first kernel of a step. */
struct cuda_result {
    double loss_sum;
    int correct;
    int bad_row;    /* the first plan row whose output was seen not to be finite; INT_MAX: none */
    int bad_weight; /* the first whose weights or their gradients were not; this follows from that */
};

/* Augments the batch into out [images][height][width][c] and resets the result. */
void cuda_augment(const struct cuda_step *step, struct cuda_result *result, void *out, int images, int height,
                  int width, int c, enum cuda_type type, void *stream);

enum cuda_chain_kind { CUDA_CHAIN_PLAIN, CUDA_CHAIN_NORM, CUDA_CHAIN_BIAS };

/*
 * A chain: pool, norm or bias, activation, pool, addition; any of them may be missing, in that order and at most one of
 * the pools. What it reads is x [images][h][w][c]; with a pool in front of the norm, `inner` are the pool's outputs,
 * else inner is x. Norm, activation and their gradients are computed anew from inner in backward: nothing else is kept.
 */
struct cuda_chain {
    enum cuda_type type;
    int images, h, w, c;
    int before, after; /* windows of the pool before the norm and of the one after the activation; 1: none */
    bool max;          /* the pool takes maxima, not means */
    enum cuda_chain_kind kind;
    int act; /* enum plan_act, or -1: none */
    float alpha;
    int groups; /* of images with statistics of their own (ghost batch norm) */
    bool half;  /* struct plan_norm_options */
    float eps, momentum;
    int x_row; /* the row that is to blame for statistics that are not finite */

    const void *x, *skip; /* skip (optional) is added at the end */
    void *out;
    void *inner;    /* before > 1, training: the pool's outputs */
    uint8_t *where; /* before > 1 and max, training: which of the window's values won */
    /* norm and bias; per channel */
    const float *scale, *bias;
    float *running_mean, *running_var;
    float *mean, *inv_std; /* [groups][c]: of the last training batch */
    float *part;           /* cuda_chain_part_floats() */
    unsigned *ticket;      /* cuda_chain_tickets() */

    const void *dy[2]; /* the gradient is the sum of these; [1] (optional) */
    void *dx;
    float *scale_gradient, *bias_gradient;
    float *coefficient; /* norm: [groups][3][c], how dx is made of dz and x */
};

/* Room for the parts of reductions; the same chain, with images, c and groups set. */
size_t cuda_chain_part_floats(const struct cuda_chain *chain);
size_t cuda_chain_tickets(const struct cuda_chain *chain);

/* Training, before cuda_chain_forward: the pool before the norm, and the norm's statistics. Needs before > 1 or a norm.
 */
void cuda_chain_moments(const struct cuda_chain *chain, const struct cuda_step *step, struct cuda_result *result,
                        void *stream);
void cuda_chain_forward(const struct cuda_chain *chain, const struct cuda_step *step, bool training, void *stream);
/* Norm and bias: gradients of scale and bias, and the coefficients for dx. */
void cuda_chain_sums(const struct cuda_chain *chain, const struct cuda_step *step, void *stream);
void cuda_chain_backward(const struct cuda_chain *chain, const struct cuda_step *step, void *stream);

/* One of the kernels, to ask whether they were compiled for a GPU (cuda_device_runs): all of them were, or none. */
const void *cuda_probed_code(void);

/* Numbers in [-1, 1) that depend on the seed and their place: what convolutions are timed on (zeros run faster). */
void cuda_noise(void *out, size_t count, enum cuda_type type, unsigned seed, void *stream);

#define CUDA_COMPARE_BLOCKS 264

/* Of a and b, `count` values, a multiple of 8: the squares of what they differ by, those of b, and how many differ, in
 * parts: [CUDA_COMPARE_BLOCKS][3], for a caller to add up. */
void cuda_compare(const void *a, const void *b, size_t count, enum cuda_type type, double *part, void *stream);

/* out = a + b (b optional), `count` values, a multiple of 8. */
void cuda_sum(const void *a, const void *b, void *out, size_t count, enum cuda_type type, void *stream);

/* Global pools: [images][pixels][c] -> [images][c]. */
struct cuda_pool {
    enum cuda_type type;
    int images, pixels, c;
    bool max;
    const void *x;
    void *out;
    const void *dy[2];
    void *dx;
};

void cuda_global_pool(const struct cuda_pool *pool, void *stream);
void cuda_global_pool_backward(const struct cuda_pool *pool, const struct cuda_step *step, void *stream);

/* The real channels of a, then those of b; the gradient cut up likewise. `pixels`: of all images. */
struct cuda_concat {
    enum cuda_type type;
    size_t pixels;
    int a_c, b_c;                       /* real ones */
    int a_stride, b_stride, out_stride; /* padded ones */
    const void *a, *b;
    void *out;
    const void *dy[2];
    void *da, *db; /* (optional) */
};

void cuda_concat_forward(const struct cuda_concat *concat, void *stream);
void cuda_concat_backward(const struct cuda_concat *concat, void *stream);

/*
 * y[n][o] = factor * (sum over i of weight[o][i] x[n][i] + bias[o]); weights float32 [outputs][inputs], inputs a
 * multiple of 8. y and dy have y_type and rows of y_stride; their padding is written as zeros.
 */
struct cuda_linear {
    enum cuda_type type, y_type;
    int images, inputs, outputs, y_stride;
    float factor;
    const void *x;
    const float *weight, *bias; /* bias (optional) */
    void *y;
    const void *dy;
    void *dx; /* (optional) */
    float *weight_gradient, *bias_gradient;
};

void cuda_linear_forward(const struct cuda_linear *linear, void *stream);
void cuda_linear_backward_data(const struct cuda_linear *linear, void *stream);
void cuda_linear_backward_weights(const struct cuda_linear *linear, const struct cuda_step *step, void *stream);

/* Softmax cross-entropy, summed; the gradient (optional) overwritten; the result filled. */
struct cuda_loss {
    enum cuda_type type;
    int images, classes, stride, row; /* row: the logits' */
    float smoothing;
    const void *logits;
    void *gradient;
    double *part; /* [cuda_loss_blocks()][2] */
    unsigned *ticket;
};

int cuda_loss_blocks(int images);
void cuda_softmax_loss(const struct cuda_loss *loss, const struct cuda_step *step, struct cuda_result *result,
                       void *stream);

/* Blames the row if any of `count` values (a multiple of 8) is not finite. */
void cuda_find_bad(const void *x, size_t count, enum cuda_type type, int row, struct cuda_result *result, void *stream);

/* ---- weights ---- */

/* One tensor of the plan as it lies on the device: `count` values, padded to a multiple of 8. */
struct cuda_weights {
    float *value, *momentum;
    const void *gradient;
    void *used; /* (optional) the value in `type`, which convolutions multiply by */
    enum cuda_type type, gradient_type;
    int row;
};

/* What one block works on. */
struct cuda_chunk {
    int tensor;
    unsigned begin, end; /* values, multiples of 8 */
};

#define CUDA_CHUNK 4096

/* One step of SGD for the tensors of these chunks, those that are trained, and `used` made anew. */
void cuda_update(const struct cuda_weights *weights, const struct cuda_chunk *chunks, int n_chunks,
                 const struct cuda_step *step, struct cuda_result *result, void *stream);

/* The same of LARS; each chunk is a whole filter. */
void cuda_lars(const struct cuda_weights *weights, const struct cuda_chunk *filters, int n_filters,
               const struct cuda_step *step, struct cuda_result *result, void *stream);

/*
 * Muon, of all its tensors at once. A tensor is a matrix of m filters (padded) and n columns, in the order that they
 * lie in on the device: Newton and Schulz's polynomial is the same for any order of the columns, and zeros stay zeros.
 * It is also the same for the matrix turned over, so that m may be larger than n.
 */
struct cuda_matrix {
    int tensor, m, n;
    int filters;      /* without padding */
    int chunks;       /* of CUDA_CHUNK values, the last one shorter */
    float *x, *y;     /* [m][n] */
    float *a, *b;     /* [m][m] */
    float *part;      /* [slices][m][m] */
    unsigned *ticket; /* one a tile of a */
    double *squares;  /* [chunks][2]: of the step and of the weights */
    float *scale;     /* what the weights are multiplied by */
};

/* A square piece of a product, of terms begin to end (multiples of 8) of its sums; which of how many such slices. */
struct cuda_tile {
    int matrix, row, column, begin, end;
    int slice, slices, ticket;
};

#define CUDA_TILE 64
#define CUDA_SLICE 512

struct cuda_muon {
    const struct cuda_weights *weights; /* all on the device */
    const struct cuda_matrix *matrices;
    const struct cuda_chunk *chunks; /* .tensor: which matrix */
    int n_chunks;
    const struct cuda_tile *squares, *inner, *outer; /* of x x^T, a a and b x */
    int n_squares, n_inner, n_outer;
};

void cuda_muon(const struct cuda_muon *muon, const struct cuda_step *step, struct cuda_result *result, void *stream);

/* What is done with an average of `count` values, a multiple of 8: enum program_mix. */
void cuda_average(float *tensors, float *average, size_t count, enum program_mix how, double keep, void *stream);

/* `used` made anew from the values. */
void cuda_refresh(const struct cuda_weights *weights, const struct cuda_chunk *chunks, int n_chunks, void *stream);

#endif
