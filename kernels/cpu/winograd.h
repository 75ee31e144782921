/*
 * Our own float32 convolutions of 3 x 3, stride 1: Winograd's minimal filtering F(4x4, 3x3) for all three passes.
 *
 * Each image is cut into tiles of 4 x 4 outputs (6 x 6 inputs). A tile, a kernel and an output become 36 points each,
 * and a convolution becomes 36 matrix products, with a quarter of the direct way's multiplications. Backward data is
 * the forward pass with channels swapped and kernels turned around; backward weights is the forward pass's adjoint.
 *
 * Accuracy: each pass is within 4e-6 of a convolution in double, norm-wise, over 512 channels (oneDNN's Winograd:
 * 2e-6). Results are bit-identical for any number of threads; sums over images are float32 in two levels with fixed
 * chunks.
 *
 * Source of the method: Lavin & Gray, arXiv:1509.09308; of the choice of points: Barabasz et al., arXiv:1803.10986.
 */
#ifndef DAVIDNET_KERNELS_CPU_WINOGRAD_H
#define DAVIDNET_KERNELS_CPU_WINOGRAD_H

#include "kernels/cpu/cpu_conv.h"

#include <stdbool.h>
#include <stddef.h>

struct winograd_kernels;

/* One pass of one convolution; owns nothing. */
struct winograd {
    const struct winograd_kernels *kernels;
    enum cpu_pass pass;
    int source_blocks, output_blocks; /* of 16 channels */
    int pad, out_h, out_w, threads;
    int block; /* tiles at a time */
    int group; /* forward and backward data: blocks of channels whose products lie in memory at a time */
};

/* A pass over spec->n images; stride 1, kernel 3, padding at most 2, whole blocks of channels; isa at least AVX2. */
void winograd_init(struct winograd *, const struct cpu_conv_spec *spec, enum cpu_pass pass, int threads);

/* The weights as winograd_run takes or leaves them; and what it needs for itself, on a multiple of 64. */
size_t winograd_weights_bytes(const struct winograd *);
size_t winograd_scratch_bytes(const struct winograd *);

/* From float32 [out_c][in_c][3][3] (forward, backward data), or to it (backward weights). */
void winograd_pack(const struct winograd *, const float *oihw, float *weights);
void winograd_unpack(const struct winograd *, const float *weights, float *oihw);

/* As cpu_conv_run does it, on the first n images; source and output are aligned to 64 bytes. */
void winograd_run(const struct winograd *, int n, const struct chain_view *source, float *weights,
                  const struct chain_view *output, bool add, void *scratch);

#endif
