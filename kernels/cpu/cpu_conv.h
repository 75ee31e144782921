/*
 * Convolutions behind one interface, whoever carries them out: oneDNN or kernels of our own.
 *
 * A cpu_conv is one pass (forward, backward data, backward weights) of one convolution over a fixed number of images.
 * Everything is created at compile time; run() and reorder() allocate nothing of ours. Which kind does a pass is
 * decided once, by the specification alone, so that the same recipe runs the same way: the first of cpu_conv_kinds that
 * takes it. cpu_conv_impl names it, and the frozen program keeps that name.
 */
#ifndef DAVIDNET_KERNELS_CPU_CPU_CONV_H
#define DAVIDNET_KERNELS_CPU_CPU_CONV_H

#include "kernels/cpu/cpu_array.h"
#include "kernels/error.h"
#include "kernels/isa.h"

#include <stdbool.h>
#include <stddef.h>

enum cpu_pass { CPU_FORWARD, CPU_BACKWARD_DATA, CPU_BACKWARD_WEIGHTS, CPU_PASS_COUNT };

struct cpu_conv_spec {
    int n;                          /* images a run takes */
    int in_c, out_c;                /* multiples of CHAIN_BLOCK, but for in_c of a CPU_NCHW source */
    int in_h, in_w, out_h, out_w;   /* out = (in + 2 * pad - kernel) / stride + 1 */
    int kernel, stride, pad;        /* square, symmetric */
    enum chain_type type;           /* of source and output; weight gradients are float32 always */
    enum cpu_layout source, output; /* equal, or CPU_NCHW to anything blocked by 16; CPU_HWNC: n images a group */
    int winograd;                   /* 1: Winograd may do it, and should if it can */
    enum isa isa;                   /* instructions to use at most */
};

/* What every kind's description begins with; the kind's own make() fills it in. */
struct cpu_conv {
    const struct cpu_conv_kind *kind;
    enum cpu_pass pass;
    size_t weights_bytes; /* in this convolution's own format */
    size_t scratch_bytes; /* the larger need of run and reorder */
    bool adds;            /* backward weights: run can add to what weights holds */
    char impl[64];        /* "dnnl:jit:avx512_core" */
};

struct cpu_conv_kind {
    const char *name;
    bool (*takes)(const struct cpu_conv_spec *spec, enum cpu_pass pass);
    struct cpu_conv *(*make)(const struct cpu_conv_spec *spec, enum cpu_pass pass, struct error *err);
    void (*free)(struct cpu_conv *conv);
    int (*run)(const struct cpu_conv *conv, void *source, void *weights, void *output, bool add, void *scratch);
    int (*reorder)(const struct cpu_conv *conv, float *oihw, void *weights, void *scratch);
};

extern const struct cpu_conv_kind cpu_conv_dnnl;     /* dnnl_compat.c: takes everything */
extern const struct cpu_conv_kind cpu_conv_amx;      /* amx_conv.c: weight gradients in bf16 */
extern const struct cpu_conv_kind cpu_conv_winograd; /* winograd_conv.c: 3 x 3 in float32 */

/* Is there AMX at that level, and does it do what the manual says? */
bool amx_conv_usable(enum isa isa);

/* In order of preference; NULL-terminated. */
extern const struct cpu_conv_kind *const cpu_conv_kinds[];

/* A new one, or NULL with err: there is no implementation for that specification. */
struct cpu_conv *cpu_conv_new(const struct cpu_conv_spec *spec, enum cpu_pass pass, struct error *err);
void cpu_conv_free(struct cpu_conv *conv); /* NULL is fine */

/*
 * forward: output = source * weights. backward data: source (its gradient) from output (its gradient) and weights.
 * backward weights: weights (their gradient) from source and output (its gradient); add: onto what weights holds, only
 * where conv->adds. weights are in this convolution's own format; scratch has at least scratch_bytes, on a multiple of
 * 64. -1: it was refused.
 */
int cpu_conv_run(const struct cpu_conv *conv, void *source, void *weights, void *output, bool add, void *scratch);

/* Between float32 [out_c][in_c][k][k] and this convolution's format: to it for forward and backward data, from it for
 * backward weights. */
int cpu_conv_reorder(const struct cpu_conv *conv, float *oihw, void *weights, void *scratch);

#endif
