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
    PLAN_CONV,       /* 2-D convolution, square kernel; weight [out_c, in_c, k, k], bias [out_c] optional */
    PLAN_NORM,       /* batch norm over N, H, W: y = scale * (x - mean) / sqrt(var + eps) + bias */
    PLAN_ACT,        /* element-wise activation */
    PLAN_MAX_POOL,   /* window k, stride k, no padding; ties go to the first in row-major order */
    PLAN_AVG_POOL,   /* window k, stride k, no padding */
    PLAN_GLOBAL_MAX, /* [c, h, w] -> [c, 1, 1] */
    PLAN_GLOBAL_AVG, /* [c, h, w] -> [c, 1, 1] */
    PLAN_ADD,        /* element-wise sum of two inputs of the same shape */
    PLAN_CONCAT,     /* the channels of the first input, then those of the second; h and w agree */
    PLAN_LINEAR,     /* y = factor * (W x + b); weight [out, in], bias [out] optional; input flattened CHW */
    PLAN_LOSS,       /* softmax cross-entropy against the labels, summed over the batch; plan_row.smoothing */
    PLAN_OP_COUNT
};

enum plan_act {
    PLAN_ACT_RELU, /* max(0, x); slope 0 at 0 */
    PLAN_ACT_CELU, /* x above 0, else alpha * (exp(x / alpha) - 1) (Barron, arXiv:1704.07483); not ELU */
    PLAN_ACT_GELU, /* x * (1 + erf(x / sqrt(2))) / 2 (Hendrycks & Gimpel, arXiv:1606.08415); not the tanh form */
    PLAN_ACT_SILU, /* x / (1 + exp(-x)) */
    PLAN_ACT_COUNT
};

enum plan_role {
    PLAN_CONV_WEIGHT,
    PLAN_CONV_BIAS,
    PLAN_LINEAR_WEIGHT,
    PLAN_LINEAR_BIAS,
    PLAN_NORM_SCALE,
    PLAN_NORM_BIAS,
    PLAN_RUNNING_MEAN, /* a buffer: never trained */
    PLAN_RUNNING_VAR,  /* a buffer; unbiased variance */
};

#define PLAN_ROLE_COUNT (PLAN_RUNNING_VAR + 1)

/*
 * How a tensor is updated. SGD: in the form of struct hyper. The others are for convolutions' weights, seen as a matrix
 * with a row for each filter:
 *
 *   Muon  v = mom * v + dw; g = dw + mom * v; w *= sqrt(filters) / |w|; w -= lr * O(g). O moves all singular values of
 *         its matrix towards 1: X = g / (|g| + eps), transposed when it has more rows than columns, then three times
 *         A = X X^T, X = a X + (b A + c A A) X (Jordan et al., Muon, 2024; constants of airbench94). No weight decay.
 *   LARS  as SGD, but with each filter's rate lr * |w| / (|dw + wd * w| + eps), norms of that filter (You et al.,
 *         arXiv:1708.03888; D. Page, How to Train Your ResNet 5).
 */
enum plan_rule { PLAN_RULE_SGD, PLAN_RULE_MUON, PLAN_RULE_LARS, PLAN_RULE_COUNT };

#define PLAN_MUON_STEPS 3
#define PLAN_MUON_A 3.4445
#define PLAN_MUON_B (-4.7750)
#define PLAN_MUON_C 2.0315
#define PLAN_MUON_EPS 1e-7
#define PLAN_LARS_EPS 1e-2

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
    double alpha;    /* PLAN_ACT_CELU */
    double factor;   /* linear: multiplies the output (0.125 in DavidNet) */
    double eps;      /* norm: added to the variance (1e-5) */
    double momentum; /* norm: running = (1 - momentum) * running + momentum * batch (0.1) */
    int groups;      /* norm: of images that have statistics of their own in training (plan_group_size); 1: one */
    bool half;       /* norm: in half precision, see struct plan_norm_options */
    /* loss: label smoothing s (Szegedy et al., arXiv:1512.00567, 7). Gradients are those of (1 - s) * cross-entropy +
     * s * the mean over all classes of -log p; the loss that is reported stays cross-entropy, in training, too. */
    double smoothing;
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
    enum plan_rule rule;
    bool trained;  /* false: a buffer, or frozen */
    double epochs; /* above 0: trained in the run's first so many only, as it is from then on */
};

struct plan {
    int n_rows;
    struct plan_row rows[PLAN_ROWS_MAX];
    int n_tensors;
    struct plan_tensor tensors[PLAN_TENSORS_MAX];
    size_t arena_count; /* floats in the arena: end of the last tensor (each starts on a multiple of 16) */
    int classes;
};

struct plan_conv_options {
    int kernel, stride, pad;
    bool bias;  /* one number a channel is added */
    bool fixed; /* the weight is never trained (the bias is); no gradient of it is computed */
};

/*
 * groups: ghost batch norm (Hoffer et al., arXiv:1705.08741). In training each of up to that many contiguous groups of
 * images (plan_group_size) is normalised by its own statistics, and the running ones move towards the mean of the
 * groups' means and of their unbiased variances: as moving is linear, they are at all times the mean of what each
 * group would keep for itself. Evaluation uses them, as ever. 0 and 1: the whole batch.
 *
 * half: what the framework of 2018 kept in half precision on its slow path is rounded to IEEE binary16 (half.h), also
 * in a bf16 program, since the published times and accuracies are those of binary16: scale and bias as used, mean and
 * 1/sqrt(var + eps) of the batch or the running ones, a = scale / sqrt(var + eps) and b = bias - mean * a in
 * y = a * x + b, running statistics as stored, gradients of scale and bias. Other arithmetic is as without.
 */
struct plan_norm_options {
    double eps, momentum;
    int groups;
    bool fixed_scale, fixed_bias; /* never trained: they stay 1 and 0, but have a place in the state_dict */
    bool half;
};

void plan_init(struct plan *plan);

/*
 * Append one row and its tensors; each returns the row's index, or -1 with err filled (bad shape, name
 * taken, too many rows). `name` uses '/', tensors get the same name with '.' and their own suffix.
 */
int plan_input(struct plan *, struct plan_shape shape, struct error *);
int plan_conv(struct plan *, const char *name, int input, int out_c, struct plan_conv_options, struct error *);
int plan_norm(struct plan *, const char *name, int input, struct plan_norm_options, struct error *);
int plan_act(struct plan *, const char *name, int input, enum plan_act act, double alpha, struct error *);
int plan_pool(struct plan *, const char *name, int input, enum plan_op op, int kernel, struct error *);
int plan_add(struct plan *, const char *name, int a, int b, struct error *);
int plan_concat(struct plan *, const char *name, int a, int b, struct error *);
int plan_linear(struct plan *, const char *name, int input, int out, double factor, bool bias, struct error *);
int plan_loss(struct plan *, const char *name, int input, double smoothing, struct error *);

/* Options without any of the extras. */
struct plan_conv_options plan_window(int kernel, int stride, int pad);
struct plan_norm_options plan_moments(double eps, double momentum);

/* The learning rate and the weight decay of a row's tensor are multiplied by these (1 and 1 until then). -1 when the
 * row has no such tensor, or a factor is negative or not finite. */
int plan_scale_rates(struct plan *, int row, enum plan_role role, double lr_scale, double decay_scale, struct error *);

/* Images in each group of a norm row when the batch has n: n / groups rounded up. The last group may be smaller, and
 * there may be fewer groups. */
int plan_group_size(const struct plan_row *, int n);

/* Checks every invariant above.
 * 0 or -1. */
int plan_check(const struct plan *, struct error *);

/* The row or tensor of that name, or -1. */
int plan_find_row(const struct plan *, const char *name);
int plan_find_tensor(const struct plan *, const char *name);

/* The tensor of that role of a row, or -1. */
int plan_row_tensor(const struct plan *, int row, enum plan_role role);

/* Is any tensor of the row trained? Does its output need a gradient: is anything trained in it or before it? */
bool plan_row_trained(const struct plan *, int row);
bool plan_row_gradient(const struct plan *, int row);

/*
 * Floating-point operations of one row for one image, a multiply-add counted as two, padding included
 * (the usual count: DavidNet 0.7585 GFLOP forward, 1.5135 backward). A row before which nothing is trained has
 * no backward-data, a fixed one no weight gradient.
 */
double plan_row_forward_flops(const struct plan *, int index);
double plan_row_backward_flops(const struct plan *, int index);

/* Trained parameters (buffers not counted). */
size_t plan_parameter_count(const struct plan *);

const char *plan_op_name(enum plan_op op);    /* "conv", "norm", "act", "max_pool", ... */
const char *plan_act_name(enum plan_act act); /* "relu", "celu", "gelu", "silu" */

#endif
