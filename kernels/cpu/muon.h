/*
 * The Muon update of one filter matrix (enum plan_rule), in float32. Products go through oneDNN in blocks of rows whose
 * size depends on the matrix alone, each block by one thread: the same bits for any number of threads.
 */
#ifndef DAVIDNET_KERNELS_CPU_MUON_H
#define DAVIDNET_KERNELS_CPU_MUON_H

#include "kernels/program.h"

/* What cpu_muon needs for the plan's largest tensor of that rule; 0: there is none. */
size_t cpu_muon_scratch_bytes(const struct plan *plan);

/* hyper: the tensor's own (hyper_of_tensor). Returns 0 if some new weight is not finite or oneDNN refused, else 1. */
int cpu_muon(const struct plan_tensor *tensor, float *weight, const float *gradient, float *buffer,
             const struct hyper *hyper, void *scratch);

/* c[m][n] = alpha * a[m][k] b + beta * c, all by rows; b is [k][n], or [n][k] when b_transposed. 0, or -1: refused. */
int cpu_matmul(size_t m, size_t n, size_t k, float alpha, const float *a, const float *b, int b_transposed, float beta,
               float *c);

#endif
