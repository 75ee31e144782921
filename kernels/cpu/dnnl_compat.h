/*
 * oneDNN's convolutions behind an interface of our own. dnnl_compat.c is the one file that includes oneDNN and
 * knows the difference between 2.6 (operation descriptors) and 3.x (opaque memory descriptors).
 *
 * A cpu_conv is one pass (forward, backward data, backward weights) of one convolution over a fixed number of
 * images. Everything is created at compile time; run() and reorder() only swap pointers. What oneDNN itself
 * allocates in a call is a few small list nodes, given back before it returns.
 *
 * The engine and the stream are made once per process and kept. oneDNN can be capped to a lesser ISA once per
 * process, before its first primitive: cpu_dnnl_cap.
 */
#ifndef DAVIDNET_KERNELS_CPU_DNNL_COMPAT_H
#define DAVIDNET_KERNELS_CPU_DNNL_COMPAT_H

#include "kernels/cpu/cpu_array.h"
#include "kernels/error.h"
#include "kernels/isa.h"

#include <stddef.h>

enum cpu_pass { CPU_FORWARD, CPU_BACKWARD_DATA, CPU_BACKWARD_WEIGHTS, CPU_PASS_COUNT };

struct cpu_conv_spec {
    int n;                          /* images a run takes */
    int in_c, out_c;                /* multiples of CHAIN_BLOCK, but for in_c of a CPU_NCHW source */
    int in_h, in_w, out_h, out_w;   /* out = (in + 2 * pad - kernel) / stride + 1 */
    int kernel, stride, pad;        /* square, symmetric */
    enum chain_type type;           /* of source and output; weight gradients are float32 always */
    enum cpu_layout source, output; /* equal, or CPU_NCHW to anything blocked by 16 */
    int winograd;                   /* 1: take a Winograd implementation if there is one */
};

struct cpu_conv;

/* A new primitive, or NULL with err: oneDNN has no implementation for that spec. */
struct cpu_conv *cpu_conv_new(const struct cpu_conv_spec *spec, enum cpu_pass pass, struct error *err);
void cpu_conv_free(struct cpu_conv *conv); /* NULL is fine */

/*
 * forward: output = source * weights. backward data: source (its gradient) from output (its gradient) and
 * weights. backward weights: weights (their gradient) from source and output (its gradient).
 * weights are in this primitive's own format; scratch has at least cpu_conv_scratch_bytes. -1: oneDNN refused.
 */
int cpu_conv_run(const struct cpu_conv *conv, void *source, void *weights, void *output, void *scratch);

/* Between float32 [out_c][in_c][k][k] and this primitive's format: to it for forward and backward data, from it
 * for backward weights. */
int cpu_conv_reorder(const struct cpu_conv *conv, float *oihw, void *weights, void *scratch);

size_t cpu_conv_weights_bytes(const struct cpu_conv *conv);
size_t cpu_conv_scratch_bytes(const struct cpu_conv *conv); /* the larger need of run and reorder */
const char *cpu_conv_impl(const struct cpu_conv *conv);     /* "dnnl:jit:avx512_core"; lives as long as conv */

/*
 * Caps oneDNN to an ISA level. 0: done, or already so. -1: this process already uses another level, and
 * oneDNN cannot change it (err says how to go on). ISA_COUNT asks for no cap at all and never fails.
 */
int cpu_dnnl_cap(enum isa isa, struct error *err);

/* The level that oneDNN will use: the CPU's best, or less where capped (by us or by its environment variable). */
enum isa cpu_dnnl_isa(void);

const char *cpu_dnnl_version(void); /* "2.6.3" */

#endif
