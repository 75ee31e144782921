/*
 * A plan as the CUDA family carries it out: units, each one of ops.h's kernels or a convolution, between values, the
 * activations that really exist in memory. Plain C, no CUDA: tested on any machine.
 *
 * Invariants: units are in an order of execution (each comes at the place of its last row); every row but the input
 * belongs to a unit; a chain's rows are in its fixed order of stages (struct cuda_chain), and all but the last have the
 * chain's next row as their only reader. A convolution with a bias is a convolution without one, whose output is a
 * value of its own (raw), and a chain that begins by adding the bias.
 */
#ifndef DAVIDNET_KERNELS_CUDA_UNITS_H
#define DAVIDNET_KERNELS_CUDA_UNITS_H

#include "kernels/cuda/ops.h"
#include "kernels/plan.h"

enum cuda_unit_kind {
    CUDA_UNIT_CONV,
    CUDA_UNIT_CHAIN,
    CUDA_UNIT_GLOBAL_POOL,
    CUDA_UNIT_LINEAR,
    CUDA_UNIT_CONCAT,
    CUDA_UNIT_LOSS
};

#define CUDA_UNIT_ROWS_MAX 6
#define CUDA_UNITS_MAX (2 * PLAN_ROWS_MAX)
#define CUDA_VALUES_MAX (CUDA_UNITS_MAX + 1)

struct cuda_unit {
    enum cuda_unit_kind kind;
    int n_rows, rows[CUDA_UNIT_ROWS_MAX]; /* in plan order */
    int x, skip, out;                     /* values; -1: none. Of a concatenation, x and skip are the two inputs */
    int before_row, bias_row, norm_row, act_row, after_row, add_row; /* of a chain; -1: it has none */
};

struct cuda_value {
    int row;  /* the plan row whose output this is */
    bool raw; /* before that row's bias is added */
    struct plan_shape shape;
    int c;         /* channels as stored: shape.c rounded up to CUDA_CHANNELS */
    int producer;  /* unit, or -1: the input */
    int readers;   /* how many times units read it */
    bool gradient; /* something trained lies before it */
    bool logits;   /* read by the loss and made by a linear layer: kept in float32 */
};

struct cuda_units {
    int n_units, n_values;
    struct cuda_unit units[CUDA_UNITS_MAX];
    struct cuda_value values[CUDA_VALUES_MAX]; /* [0]: the input */
};

/* plan: checked by plan_check. */
void cuda_units_init(struct cuda_units *units, const struct plan *plan);

int cuda_padded(int channels); /* rounded up to CUDA_CHANNELS */

/* A chain's sizes, stages and their numbers; nothing that needs memory. */
void cuda_unit_chain(const struct cuda_units *units, const struct cuda_unit *unit, const struct plan *plan,
                     struct cuda_chain *chain);

#endif
