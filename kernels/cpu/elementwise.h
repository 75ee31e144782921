/*
 * The other hot loops of the cpu family; each with plain C, AVX2 and AVX-512 versions chosen by isa_current()
 * (augmentation and the loss are table look-ups and a few exp: plain C), split over outputs with parallel_for,
 * bit-identical for any thread count and instruction set.
 */
#ifndef DAVIDNET_KERNELS_CPU_ELEMENTWISE_H
#define DAVIDNET_KERNELS_CPU_ELEMENTWISE_H

#include "kernels/augment.h"
#include "kernels/cpu/chain.h"
#include "kernels/program.h"

/*
 * n images of the batch from `first` on, augmented, then zeros up to `total` images, as float32 or bf16, into out:
 * element (i, c, y, x) of those at i*sn + c*sc + y*sh + x*sw. Only the real channels are written.
 */
void cpu_augment(const struct batch *batch, const struct augment_table *table, int first, int n, int total,
                 enum chain_type type, void *out, ptrdiff_t sn, ptrdiff_t sc, ptrdiff_t sh, ptrdiff_t sw);

/*
 * Softmax cross-entropy on logits [n][classes] float32, labels by choice.image.
 * gradient (optional) [total][classes] = softmax - ((1 - smoothing) * onehot + smoothing / classes) for n rows, zeros
 * up to total. Fills result->n, correct, loss_sum (double, fixed order; without smoothing) and sets *finite to 0 if any
 * logit is not finite.
 */
void cpu_softmax_loss(const struct batch *batch, const float *logits, int classes, int total, double smoothing,
                      float *gradient, struct step_result *result, int *finite);

/*
 * y[n][out] = factor * (x[n][in] W^T + b), W [out][in]; x is a chain_view with h = w = 1 (float32 or bf16).
 * dW and db are overwritten; dx (same type as x) may be NULL.
 */
void cpu_linear_forward(const struct chain_view *x, int n, const float *weight, const float *bias, int in, int out,
                        double factor, float *y);
void cpu_linear_backward(const struct chain_view *x, int n, const float *weight, int in, int out, double factor,
                         const float *dy, float *dweight, float *dbias, const struct chain_view *dx);

/* Global pools: [c,h,w] -> [c,1,1]; max ties go to the first in row-major order; backward overwrites dx. */
void cpu_global_pool_forward(const struct chain_view *x, int n, int average, const struct chain_view *y);
void cpu_global_pool_backward(const struct chain_view *x, int n, int average, const struct chain_view *dy,
                              const struct chain_view *dx);

/* Average pool k x k, stride k. */
void cpu_avg_pool_forward(const struct chain_view *x, int n, int k, const struct chain_view *y);
void cpu_avg_pool_backward(int n, int k, const struct chain_view *dy, const struct chain_view *dx);

/* into += from, for n images. */
void cpu_accumulate(int n, const struct chain_view *into, const struct chain_view *from);

/*
 * One pass over `count` parameters: reads w, dw, v; writes w, v. lr and wd already carry the tensor's own scales.
 * Returns 0 if some dw or w is not finite, else 1.
 */
int cpu_update(size_t count, float *weight, const float *gradient, float *momentum_buffer, const struct hyper *hyper);

/* The same for a tensor of the rule LARS: each filter at a rate of its own. */
int cpu_lars(const struct plan_tensor *tensor, float *weight, const float *gradient, float *momentum_buffer,
             const struct hyper *hyper);

#endif
