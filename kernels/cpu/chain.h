/*
 * The fused element-wise kernels of the cpu family. One chain is what may follow a convolution:
 *
 *     x --(norm)--> --(max pool k)--> --(act)--> --(+ skip)--> out
 *
 * each stage optional, so a lone norm, activation, pool or addition is a chain as well. An activation that never falls
 * (chain_act_commutes) may stand before the pool as well: it chooses the same maximum.
 * Backward recomputes everything from x (nothing but x, the statistics and the gradient of out is kept):
 *
 *     reduce:  sum_dz[c]  = sum of dz,  sum_dzx[c] = sum of dz * x_hat      (only with norm)
 *     apply :  dx = scale * invstd * (dz - sum_dz / m - x_hat * sum_dzx / m)   with norm, m = n*h*w
 *              dx = dz                                                         without
 *   where dz is the gradient before the activation: that of out, sent to the first maximum of its window
 *   (row-major), times act'(z). The gradient of skip is that of out, and needs no kernel.
 *
 * Layouts: channels come in blocks of CHAIN_BLOCK, contiguous; the four strides say the rest, so NHWC,
 * nChw16c and HWNC all fit. Channels are padded to a multiple of CHAIN_BLOCK; padded ones hold zeros and stay so
 * (callers pass a = b = scale = 0 there).
 *
 * Reductions go in two levels over fixed chunks (one image, one channel block: float32 inside, double across).
 * Results are bit-identical for any thread count and any ISA level (no fused multiply-add anywhere), and equal to
 * the naive reference in double within 2^-20 relative to the norm. What the activations add to that: activation_body.h.
 *
 * NaN goes through every stage, so that it reaches the loss. Rows and columns that no whole window covers (h or w
 * not a multiple of the pool) are dropped forward and have dz = 0.
 *
 * Source of the two-pass backward: Ioffe & Szegedy, arXiv:1502.03167, section 3.
 */
#ifndef DAVIDNET_KERNELS_CPU_CHAIN_H
#define DAVIDNET_KERNELS_CPU_CHAIN_H

#include "kernels/plan.h"

#include <stddef.h>

#define CHAIN_BLOCK 16

enum chain_type { CHAIN_F32, CHAIN_BF16 };

/* A view of an activation: element (n, c, y, x) is data[n*sn + (c/16)*sb + y*sh + x*sw + c%16]. Not owned. */
struct chain_view {
    void *data; /* 64-byte aligned */
    enum chain_type type;
    int c, h, w;              /* c padded to a multiple of CHAIN_BLOCK */
    ptrdiff_t sn, sb, sh, sw; /* in elements, multiples of CHAIN_BLOCK */
};

enum chain_act { CHAIN_ACT_NONE, CHAIN_ACT_RELU, CHAIN_ACT_CELU, CHAIN_ACT_GELU, CHAIN_ACT_SILU };

/* Does it change places with a maximum? GELU and SiLU fall before they rise. */
static inline int chain_act_commutes(enum chain_act act)
{
    return act != CHAIN_ACT_GELU && act != CHAIN_ACT_SILU;
}

struct chain {
    int norm; /* 1: z = a[c]*x + b[c], with a = scale*invstd, b = bias - mean*a; 0: z = x */
    enum chain_act act;
    float alpha; /* of CHAIN_ACT_CELU */
    int pool;    /* 1: none; k: k x k, stride k */
};

/* mean[c] and biased var[c] over n images of x. scratch: chain_scratch_bytes(). */
void chain_statistics(const struct chain_view *x, int n, float *mean, float *var, void *scratch);

/* a[c] = scale/sqrt(var+eps), b[c] = bias - mean*a. Plain helper, c entries. */
void chain_affine(int c, const float *scale, const float *bias, const float *mean, const float *var, double eps,
                  float *a, float *b);

/* out = chain(x) + skip. a, b: NULL without norm. skip: NULL or the shape of out (its strides may differ). */
void chain_forward(const struct chain *chain, const struct chain_view *x, int n, const float *a, const float *b,
                   const struct chain_view *skip, const struct chain_view *out);

/* g1 (+ g2, optional): the gradient of out, possibly in two parts with different strides. */
void chain_backward_reduce(const struct chain *chain, const struct chain_view *x, int n, const float *a, const float *b,
                           const float *mean, const float *invstd, const struct chain_view *g1,
                           const struct chain_view *g2, float *sum_dz, float *sum_dzx, void *scratch);

/* dx may be x itself (in place). With norm, ca, cb, cc make dx = ca[c]*dz + cb[c]*x + cc[c] (see
 * chain_backward_affine). */
void chain_backward_apply(const struct chain *chain, const struct chain_view *x, int n, const float *a, const float *b,
                          const float *ca, const float *cb, const float *cc, const struct chain_view *g1,
                          const struct chain_view *g2, const struct chain_view *dx);

/* ca = scale*invstd, cb = -ca*invstd*sum_dzx/m, cc = ca*(invstd*mean*sum_dzx - sum_dz)/m, m = count. */
void chain_backward_affine(int c, const float *scale, const float *mean, const float *invstd, const float *sum_dz,
                           const float *sum_dzx, double count, float *ca, float *cb, float *cc);

size_t chain_scratch_bytes(int n, int c);

#endif
