/* The seam inside elementwise: what elementwise.c hands to the loops of each instruction set (elementwise_body.h). */
#ifndef DAVIDNET_KERNELS_CPU_ELEMENTWISE_KERNELS_H
#define DAVIDNET_KERNELS_CPU_ELEMENTWISE_KERNELS_H

#include "kernels/cpu/elementwise.h"

struct linear_job {
    const struct chain_view *x, *dx;
    const float *weight, *bias, *dy;
    float *y, *dweight;
    int n, in, out;
    float factor;
};

/* A pool with windows of kh x kw that touch but do not overlap. */
struct pool_job {
    const struct chain_view *x, *y;   /* before and after; backward of an average needs no x */
    const struct chain_view *dx, *dy; /* backward */
    int kh, kw, average;
};

struct update_factors {
    float lr, momentum, decay;
    enum nesterov form;
};

struct elementwise_kernels {
    /* Images [begin, end); the last one blocks of 16 inputs. */
    void (*linear_forward)(const struct linear_job *, size_t begin, size_t end);
    void (*linear_input)(const struct linear_job *, size_t begin, size_t end);
    void (*linear_weight)(const struct linear_job *, size_t begin, size_t end);
    void (*pool_forward)(const struct pool_job *, size_t begin, size_t end);
    void (*pool_backward)(const struct pool_job *, size_t begin, size_t end);
    /* 1 if every new weight is finite. */
    int (*update)(const struct update_factors *, size_t count, float *weight, const float *gradient, float *buffer);
};

extern const struct elementwise_kernels elementwise_kernels_plain;
extern const struct elementwise_kernels elementwise_kernels_avx2;   /* x86-64 only */
extern const struct elementwise_kernels elementwise_kernels_avx512; /* x86-64 only */

#endif
