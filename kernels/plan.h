/*
 * The plan: a network lowered to an array of logical rows, the same for every family. Rows are the names
 * in the timing breakdown and the points where families are compared. Made by engine/lower.
 *
 * Invariants (plan_check): row 0 is PLAN_INPUT, the last row is PLAN_LOSS; a row's inputs come before it;
 * shapes agree; names are unique; every tensor belongs to one row.
 *
 * Shapes are per image, channels first: {c, h, w}. A linear row and the loss have h = w = 1.
 */
#ifndef DAVIDNET_KERNELS_PLAN_H
#define DAVIDNET_KERNELS_PLAN_H

#include "kernels/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PLAN_NAME_MAX 64
#define PLAN_INPUTS_MAX 2
#define PLAN_ROWS_MAX 256
#define PLAN_TENSORS_MAX 512

enum plan_op {
    PLAN_INPUT,      /* the augmented batch */
    PLAN_CONV,       /* 2-D convolution, no bias, square kernel; weight [out_c, in_c, k, k] */
    PLAN_NORM,       /* batch norm over N, H, W: y = scale * (x - mean) / sqrt(var + eps) + bias */
    PLAN_ACT,        /* element-wise activation */
    PLAN_MAX_POOL,   /* window k, stride k, no padding; ties go to the first in row-major order */
    PLAN_AVG_POOL,   /* window k, stride k, no padding */
    PLAN_GLOBAL_MAX, /* [c, h, w] -> [c, 1, 1] */
    PLAN_GLOBAL_AVG, /* [c, h, w] -> [c, 1, 1] */
    PLAN_ADD,        /* element-wise sum of two inputs of the same shape */
    PLAN_LINEAR,     /* y = factor * (W x + b); weight [out, in], bias [out] optional; input flattened CHW */
    PLAN_LOSS,       /* softmax cross-entropy against the labels, summed over the batch */
    PLAN_OP_COUNT
};

enum plan_act { PLAN_ACT_RELU, PLAN_ACT_COUNT };

enum plan_role {
    PLAN_CONV_WEIGHT,
    PLAN_LINEAR_WEIGHT,
    PLAN_LINEAR_BIAS,
    PLAN_NORM_SCALE,
    PLAN_NORM_BIAS,
    PLAN_RUNNING_MEAN, /* a buffer: never trained */
    PLAN_RUNNING_VAR,  /* a buffer; unbiased variance */
};

struct plan_shape {
    int c, h, w;
};

struct plan_row {
    char name[PLAN_NAME_MAX]; /* "layer1/residual/res1/conv" */
    enum plan_op op;
    int n_inputs;
    int input[PLAN_INPUTS_MAX]; /* indices of earlier rows */
    struct plan_shape out;
    int kernel, stride, pad; /* conv and pools */
    enum plan_act act;
    double factor;   /* linear: multiplies the output (0.125 in DavidNet) */
    double eps;      /* norm: added to the variance (1e-5) */
    double momentum; /* norm: running = (1 - momentum) * running + momentum * batch (0.1) */
    int n_tensors;
    int tensor[4]; /* indices into plan.tensors, in the order of enum plan_role */
};

struct plan_tensor {
    char name[PLAN_NAME_MAX]; /* state_dict style: "layer1.residual.res1.conv.weight" */
    enum plan_role role;
    int row;
    int n_dims;
    int dims[4];        /* as PyTorch has them: OIHW for a convolution */
    size_t count;       /* product of dims */
    size_t offset;      /* first float in the float32 arena of all tensors (values; likewise gradients) */
    double lr_scale;    /* multiplies the learning rate */
    double decay_scale; /* multiplies the weight decay */
    bool trained;       /* false: a buffer, or frozen */
};

struct plan {
    int n_rows;
    struct plan_row rows[PLAN_ROWS_MAX];
    int n_tensors;
    struct plan_tensor tensors[PLAN_TENSORS_MAX];
    size_t arena_count; /* floats in the arena: end of the last tensor (each starts on a multiple of 16) */
    int classes;
};

void plan_init(struct plan *plan);

/*
 * Append one row and its tensors; each returns the row's index, or -1 with err filled (bad shape, name
 * taken, too many rows). `name` uses '/', tensors get the same name with '.' and their own suffix.
 */
int plan_input(struct plan *, struct plan_shape shape, struct error *);
int plan_conv(struct plan *, const char *name, int input, int out_c, int kernel, int stride, int pad, struct error *);
int plan_norm(struct plan *, const char *name, int input, double eps, double momentum, struct error *);
int plan_act(struct plan *, const char *name, int input, enum plan_act act, struct error *);
int plan_pool(struct plan *, const char *name, int input, enum plan_op op, int kernel, struct error *);
int plan_add(struct plan *, const char *name, int a, int b, struct error *);
int plan_linear(struct plan *, const char *name, int input, int out, double factor, bool bias, struct error *);
int plan_loss(struct plan *, const char *name, int input, struct error *);

/* Checks every invariant above. 0 or -1. */
int plan_check(const struct plan *, struct error *);

/* The row or tensor of that name, or -1. */
int plan_find_row(const struct plan *, const char *name);
int plan_find_tensor(const struct plan *, const char *name);

/* The tensor of that role of a row, or -1. */
int plan_row_tensor(const struct plan *, int row, enum plan_role role);

/*
 * Floating-point operations of one row for one image, a multiply-add counted as two, padding included
 * (the usual count: DavidNet 0.7585 GFLOP forward, 1.5135 backward). The first convolution has no
 * backward-data.
 */
double plan_row_forward_flops(const struct plan *, int index);
double plan_row_backward_flops(const struct plan *, int index);

/* Trained parameters (buffers not counted). */
size_t plan_parameter_count(const struct plan *);

const char *plan_op_name(enum plan_op op);    /* "conv", "norm", "act", "max_pool", ... */
const char *plan_act_name(enum plan_act act); /* "relu" */

#endif
