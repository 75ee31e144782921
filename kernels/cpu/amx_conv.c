/* Our own weight gradients on AMX (amx_wgrad.h) as a kind of convolution. */
#include "kernels/cpu/amx_wgrad.h"
#include "kernels/cpu/cpu_conv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct amx_conv {
    struct cpu_conv base; /* first: it is handed out */
    struct cpu_conv_spec spec;
    struct amx_wgrad shape;
};

static struct amx_wgrad shape_of(const struct cpu_conv_spec *spec)
{
    return (struct amx_wgrad){spec->in_c, spec->out_c, spec->out_h, spec->out_w};
}

/* An array that was never more than these images. */
static struct amx_activation activation(enum cpu_layout layout, int c, int h, int w, int images, void *data)
{
    struct cpu_array array;
    cpu_array_init(&array, (struct plan_shape){c, h, w}, layout, CHAIN_BF16, images, images);
    return (struct amx_activation){data, array.sn, array.sc, array.sh, array.sw};
}

/*
 * Nobody should train on instructions that do not do what the manual says (an emulator's, a virtual machine's): once a
 * process, the hardware's gradients of a small convolution are compared with the emulation's.
 */
#define TRIAL_C 32
#define TRIAL_SIDE 3

static bool trial(void)
{
    enum { PIXELS = TRIAL_SIDE * TRIAL_SIDE, ELEMENTS = AMX_GROUP * PIXELS * TRIAL_C, SUMS = TRIAL_C * TRIAL_C * 9 };
    const struct amx_wgrad shape = {TRIAL_C, TRIAL_C, TRIAL_SIDE, TRIAL_SIDE};
    bf16 *data = aligned_alloc(64, 2 * ELEMENTS * sizeof *data);
    float *sums = aligned_alloc(64, 2 * SUMS * sizeof *sums);
    void *scratch = aligned_alloc(64, amx_wgrad_scratch_bytes(&shape));
    double off = 0, norm = 0;
    if (data && sums && scratch) {
        unsigned state = 1;
        for (int i = 0; i < 2 * ELEMENTS; i++) {
            state = state * 1664525u + 1013904223u;
            data[i] = bf16_from_float((float)(state >> 8) * 0x1p-23f - 1);
        }
        const struct amx_activation x = {data, PIXELS * TRIAL_C, 1, TRIAL_SIDE * TRIAL_C, TRIAL_C};
        const struct amx_activation dy = {data + ELEMENTS, x.sn, 1, x.sy, x.sx};
        amx_wgrad_run(&shape, AMX_GROUP, &x, &dy, sums, false, false, scratch);
        amx_wgrad_run(&shape, AMX_GROUP, &x, &dy, sums + SUMS, false, true, scratch);
        for (int i = 0; i < SUMS; i++) {
            off += pow((double)sums[i] - (double)sums[SUMS + i], 2);
            norm += pow((double)sums[SUMS + i], 2);
        }
    }
    free(data);
    free(sums);
    free(scratch);
    return norm > 0 && off <= norm * 0x1p-36;
}

bool amx_conv_usable(enum isa isa)
{
    static int trusted = -1;
    if (isa < ISA_AMX)
        return false;
    if (trusted < 0)
        trusted = trial();
    return trusted;
}

static bool takes(const struct cpu_conv_spec *spec, enum cpu_pass pass)
{
    struct amx_wgrad shape = shape_of(spec);
    bool layout = spec->source == CPU_NHWC || spec->source == CPU_HWNC || spec->source == CPU_NCHW;
    return amx_conv_usable(spec->isa) && pass == CPU_BACKWARD_WEIGHTS && spec->type == CHAIN_BF16 &&
           spec->kernel == 3 && spec->stride == 1 && spec->pad == 1 && spec->n % AMX_GROUP == 0 && layout &&
           (spec->output == CPU_NHWC || spec->output == CPU_HWNC) && amx_wgrad_takes(&shape);
}

static struct cpu_conv *make(const struct cpu_conv_spec *spec, enum cpu_pass pass, struct error *err)
{
    struct amx_conv *conv = calloc(1, sizeof *conv);
    if (!conv) {
        error_set(err, "out of memory for a convolution's description; free some memory and try again");
        return NULL;
    }
    conv->spec = *spec;
    conv->shape = shape_of(spec);
    conv->base = (struct cpu_conv){
        .kind = &cpu_conv_amx,
        .pass = pass,
        .weights_bytes = amx_wgrad_weights_bytes(&conv->shape),
        .scratch_bytes = amx_wgrad_scratch_bytes(&conv->shape),
        .adds = true,
    };
    snprintf(conv->base.impl, sizeof conv->base.impl, "own:wgrad:%s", isa_best() >= ISA_AMX ? "amx" : "emulated");
    return &conv->base;
}

static void release(struct cpu_conv *conv)
{
    free(conv);
}

static int run(const struct cpu_conv *base, void *source, void *weights, void *output, bool add, void *scratch)
{
    const struct amx_conv *conv = (const struct amx_conv *)base;
    const struct cpu_conv_spec *spec = &conv->spec;
    struct amx_activation x = activation(spec->source, spec->in_c, spec->in_h, spec->in_w, spec->n, source);
    struct amx_activation dy = activation(spec->output, spec->out_c, spec->out_h, spec->out_w, spec->n, output);
    amx_wgrad_run(&conv->shape, spec->n, &x, &dy, weights, add, false, scratch);
    return 0;
}

static int reorder(const struct cpu_conv *base, float *oihw, void *weights, void *scratch)
{
    (void)scratch;
    amx_wgrad_unpack(&((const struct amx_conv *)base)->shape, weights, oihw);
    return 0;
}

const struct cpu_conv_kind cpu_conv_amx = {"amx", takes, make, release, run, reorder};
