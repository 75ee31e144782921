/*
 * A program of the cpu family, seen from inside: what compiling makes (cpu_compile.c, cpu_build.c) and the operations
 * work on (cpu_ops.c). family_cpu.c puts it behind kernels/program.h.
 *
 * Design. The plan becomes a graph of units and values (cpu_graph.h). Every value, and every gradient that must exist,
 * is a tensor in one block of memory, placed by liveness (cpu_memory.h). A gradient of a chain's source is written
 * over the source where nothing else needs it; the gradient of an addition's inputs is that of its output. Operations
 * are a flat list in order of execution; a program step is a range of them.
 *
 * Convolutions run over groups of images; batches smaller than max_batch run fewer groups. Images after the last real
 * one are zeros wherever a convolution reads them, so that they add nothing to weight gradients.
 */
#ifndef DAVIDNET_KERNELS_CPU_CPU_PROGRAM_H
#define DAVIDNET_KERNELS_CPU_CPU_PROGRAM_H

#include "kernels/augment.h"
#include "kernels/cpu/cpu_array.h"
#include "kernels/cpu/cpu_conv.h"
#include "kernels/cpu/cpu_graph.h"
#include "kernels/cpu/dnnl_compat.h"
#include "kernels/program.h"

#include <stdint.h>

#define CPU_TENSORS_MAX (4 * CPU_VALUES_MAX)
#define CPU_OPS_MAX (6 * CPU_UNITS_MAX)
#define CPU_FOREVER (CPU_OPS_MAX + 1) /* a moment after all */
#define CPU_IMPL_MAX 128

struct cpu_tensor {
    struct cpu_array array;
    int value; /* whose value or gradient this is */
    bool gradient;
    int home;        /* the tensor whose memory this is, or -1: its own */
    int first, last; /* moments of use, in ops of the training list */
    size_t offset;
    uint64_t stamp; /* when it was written last; 0: never */
};

/* One operation: what it reads and writes, as indices of tensors; -1: absent. */
struct cpu_op {
    enum phase phase;
    void (*run)(struct program *, const struct cpu_op *);
    int unit;
    int x, skip, g1, g2; /* read */
    int out, dx;         /* written */
    int part;            /* backward of a concatenation: 0 of x, 1 of skip */
};

struct cpu_step {
    int first, count;        /* ops */
    char impl[CPU_IMPL_MAX]; /* " x32" at the end: convolutions run over groups of 32 images */
};

/* What a convolution keeps. */
struct cpu_conv_state {
    struct cpu_conv *pass[CPU_PASS_COUNT]; /* NULL: never needed */
    int group[CPU_PASS_COUNT];             /* images a run takes */
    int in_c, out_c;                       /* padded */
    int tensor, bias_tensor;               /* the plan's; -1: no bias */
    void *packed;                          /* forward weights */
    uint64_t packed_version;               /* of program weights; 0: none */
    /* with a bias, padded channels each: 1 (0 in padded ones), the bias, 0, and two sums over its gradient */
    float *ones, *bias, *zeros, *sum, *unused;
};

#define CPU_BIAS_ARRAYS 5

/* What a norm keeps; each array has padded channels, zeros in the padded ones. All but scale and bias are there once
 * for each group of images, one group behind the other. */
struct cpu_norm_state {
    int channels, padded, groups;
    int scale_tensor, bias_tensor, mean_tensor, var_tensor;
    float *scale, *bias, *mean, *var, *invstd, *a, *b, *sum_dz, *sum_dzx, *ca, *cb, *cc;
    double *sums; /* two of each channel, while pieces of a group are put together */
};

#define CPU_NORM_ARRAYS 10 /* of each group */

struct cpu_node {
    struct cpu_conv_state conv;
    struct cpu_norm_state norm;
};

struct cpu_program {
    struct cpu_graph graph;
    struct cpu_node nodes[CPU_UNITS_MAX];
    enum isa isa;
    enum chain_type type;
    int threads;
    int capacity;   /* images that fit: max_batch rounded up to whole groups */
    int quantum;    /* the largest group */
    int hwnc_group; /* of CPU_HWNC arrays */
    int n_tensors, n_train, n_eval;
    struct cpu_tensor tensors[CPU_TENSORS_MAX];
    int value_tensor[CPU_VALUES_MAX];
    int n_parts[CPU_VALUES_MAX], parts[CPU_VALUES_MAX][2]; /* gradients that add up to a value's */
    struct cpu_op train[CPU_OPS_MAX], eval[CPU_OPS_MAX];
    struct cpu_step *train_steps, *eval_steps; /* as many as the program's */
    struct augment_table table;
    float *weights, *gradients, *momentum; /* the arenas, plan.arena_count floats each */
    uint64_t version;                      /* of weights; grows at every change */
    uint64_t clock;                        /* for stamps */
    void *scratch;                         /* of whatever runs */
    float *padded;                         /* weights with padded channels, for reorders */
    char *dweights[2];                     /* weight gradients in a primitive's format: the sum, one group */
    void *block;                           /* all of the memory */
    size_t block_bytes;
};

static inline struct cpu_program *cpu_own(struct program *program)
{
    return program->own;
}

/* cpu_build.c: the operations and the tensors with their times of use, from the graph and the capacity. */
void cpu_build_ops(struct program *program);

/*
 * cpu_compile.c: all of it, in a program whose own is zeroed but for isa, type and threads. After -1 (err filled) and
 * in the end: cpu_compile_release, which leaves own itself.
 */
int cpu_compile(struct program *program, struct error *err);
void cpu_compile_release(struct program *program);

/* cpu_tensors.c: does the tensor still hold what was written last? */
bool cpu_tensor_valid(const struct cpu_program *own, int tensor);
int cpu_read_tensor(struct program *, const char *name, enum program_tensor, float *out, size_t count, struct error *);
int cpu_write_tensor(struct program *, const char *name, enum program_tensor, const float *in, size_t count,
                     struct error *);

/* The views of one operation's tensors on some of the images. */
struct cpu_views {
    int n; /* images */
    struct chain_view x, skip, g1, g2, out, dx;
};

/*
 * cpu_views.c. cpu_next_views walks over the images *first .. end - 1 in pieces that lie evenly in every tensor of the
 * operation: all at once, but for CPU_HWNC's groups. *first moves on. False: done.
 */
bool cpu_next_views(struct program *program, const struct cpu_op *op, int end, int *first, struct cpu_views *views);
struct cpu_array *cpu_array_of(struct cpu_program *own, int tensor);
/* Convolutions read whole groups: the images between the last real one and the end of its group become zeros. */
void cpu_clear_tail(struct program *program, int tensor);
/* Before something that writes only the real channels: padded ones must never hold what was there before. */
void cpu_clear_padding(struct program *program, int tensor);
void cpu_trouble(struct program *program, int row); /* what is not finite was first seen in that row */

/* cpu_chains.c */
void cpu_op_chain_train(struct program *, const struct cpu_op *);
void cpu_op_chain_eval(struct program *, const struct cpu_op *);
void cpu_op_chain_backward(struct program *, const struct cpu_op *);
void cpu_op_sum(struct program *, const struct cpu_op *);                /* dx = g1 + g2 */
void cpu_op_conv_add_bias(struct program *, const struct cpu_op *);      /* to what the convolution has written */
void cpu_op_conv_backward_bias(struct program *, const struct cpu_op *); /* of g1 */

/* cpu_ops.c */
void cpu_op_augment(struct program *, const struct cpu_op *);
void cpu_op_convert(struct program *, const struct cpu_op *); /* forward: x to out; backward: g1 to dx */
void cpu_op_conv_forward(struct program *, const struct cpu_op *);
void cpu_op_conv_backward_weights(struct program *, const struct cpu_op *);
void cpu_op_conv_backward_data(struct program *, const struct cpu_op *);
void cpu_op_concat_forward(struct program *, const struct cpu_op *);
void cpu_op_concat_backward(struct program *, const struct cpu_op *);
void cpu_op_pool_forward(struct program *, const struct cpu_op *);
void cpu_op_pool_backward(struct program *, const struct cpu_op *);
void cpu_op_linear_forward(struct program *, const struct cpu_op *);
void cpu_op_linear_backward(struct program *, const struct cpu_op *);
void cpu_op_loss(struct program *, const struct cpu_op *);   /* with dx, the gradient of x */
void cpu_op_update(struct program *, const struct cpu_op *); /* unit: the plan row */

#endif
