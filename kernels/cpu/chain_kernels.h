/*
 * The seam inside the chain: chain.c knows shapes, layouts and threads, and hands out runs; a run is a row of
 * windows (k x k pixels, one pixel without a pool) at a constant distance, over some channel blocks. The inner
 * loops over a run exist once (chain_body.h) and are compiled for each instruction set.
 */
#ifndef DAVIDNET_KERNELS_CPU_CHAIN_KERNELS_H
#define DAVIDNET_KERNELS_CPU_CHAIN_KERNELS_H

#include "kernels/cpu/chain.h"

/* One operand of a run. Distances in elements: between windows of the run, channel blocks, and the rows and
 * pixels of one window (the last two only where the operand lies before the pool). */
struct chain_operand {
    void *data; /* NULL: absent */
    enum chain_type type;
    ptrdiff_t run, block, row, pixel;
};

struct chain_job {
    struct chain_operand x, out; /* out: that of forward, dx of backward */
    struct chain_operand g1, g2; /* the gradients; forward's skip is g1 */
    int pool;                    /* k; 1: none */
    int norm;
    enum chain_act act;
    float floor;        /* of ReLU: 0; without activation NaN: max and > then change nothing */
    float alpha, scale; /* of CELU: alpha and log2(e) / alpha */
    int blocks;         /* channel blocks of a run */
    int tile;   /* windows that a block stays on before the next block: all of a run when blocks are far apart */
    int ahead;  /* windows: what is read is fetched into the caches that much earlier */
    int stream; /* stores go past the caches */
    const float *a, *b;        /* [channel], or one block of ones and zeros without norm */
    ptrdiff_t step;            /* between blocks of a and b: CHAIN_BLOCK, or 0 without norm */
    const float *ca, *cb, *cc; /* apply with norm */
    const float *mean;         /* reduce */
};

/* Where one run starts: element offsets into the operands, and the first channel. */
struct chain_run {
    ptrdiff_t x, out, g1, g2;
    ptrdiff_t channel;
    int count;
    int fresh; /* sums start here: not read */
    float *
        sums; /* reductions: rows of sums_row floats: shift, sum, sum of squares, carry; or sum of dz, of dz*(x-mean) */
    ptrdiff_t sums_row;
};

struct chain_kernels {
    void (*statistics)(const struct chain_job *, const struct chain_run *);
    void (*forward)(const struct chain_job *, const struct chain_run *);
    void (*reduce)(const struct chain_job *, const struct chain_run *);
    void (*apply)(const struct chain_job *, const struct chain_run *);
    void (*finish)(void); /* after the last store of a thread */
};

extern const struct chain_kernels chain_kernels_plain;
extern const struct chain_kernels chain_kernels_avx2;   /* x86-64 only */
extern const struct chain_kernels chain_kernels_avx512; /* x86-64 only */

#endif
