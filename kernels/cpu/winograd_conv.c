/* Our own Winograd convolutions (winograd.h) as a kind of convolution. */
#include "kernels/cpu/cpu_conv.h"
#include "kernels/cpu/winograd.h"

#include "kernels/parallel.h"

#include <stdio.h>
#include <stdlib.h>

struct winograd_conv {
    struct cpu_conv base; /* first: it is handed out */
    struct cpu_conv_spec spec;
    struct winograd winograd;
};

static bool takes(const struct cpu_conv_spec *spec, enum cpu_pass pass)
{
    (void)pass;
    bool layout = spec->source == spec->output && (spec->source == CPU_NHWC || spec->source == CPU_BLOCKED);
    return spec->winograd && spec->isa >= ISA_AVX2 && layout && spec->type == CHAIN_F32 && spec->kernel == 3 &&
           spec->stride == 1 && spec->pad <= 2;
}

static struct cpu_conv *make(const struct cpu_conv_spec *spec, enum cpu_pass pass, struct error *err)
{
    struct winograd_conv *conv = calloc(1, sizeof *conv);
    if (!conv) {
        error_set(err, "out of memory for a convolution's description; free some memory and try again");
        return NULL;
    }
    conv->spec = *spec;
    winograd_init(&conv->winograd, spec, pass, parallel_threads());
    conv->base = (struct cpu_conv){
        .kind = &cpu_conv_winograd,
        .pass = pass,
        .weights_bytes = winograd_weights_bytes(&conv->winograd),
        .scratch_bytes = winograd_scratch_bytes(&conv->winograd),
        .adds = true,
    };
    snprintf(conv->base.impl, sizeof conv->base.impl, "own:winograd:%s", spec->isa >= ISA_AVX512 ? "avx512" : "avx2");
    return &conv->base;
}

static void release(struct cpu_conv *conv)
{
    free(conv);
}

static struct chain_view view(enum cpu_layout layout, int c, int h, int w, int images, void *data)
{
    struct cpu_array array;
    cpu_array_init(&array, (struct plan_shape){c, h, w}, layout, CHAIN_F32, images, images);
    array.data = data;
    return cpu_array_view(&array, 0);
}

static int run(const struct cpu_conv *base, void *source, void *weights, void *output, bool add, void *scratch)
{
    const struct winograd_conv *conv = (const struct winograd_conv *)base;
    const struct cpu_conv_spec *spec = &conv->spec;
    struct chain_view x = view(spec->source, spec->in_c, spec->in_h, spec->in_w, spec->n, source);
    struct chain_view y = view(spec->output, spec->out_c, spec->out_h, spec->out_w, spec->n, output);
    winograd_run(&conv->winograd, spec->n, &x, weights, &y, add, scratch);
    return 0;
}

static int reorder(const struct cpu_conv *base, float *oihw, void *weights, void *scratch)
{
    (void)scratch;
    const struct winograd *winograd = &((const struct winograd_conv *)base)->winograd;
    if (base->pass == CPU_BACKWARD_WEIGHTS)
        winograd_unpack(winograd, weights, oihw);
    else
        winograd_pack(winograd, oihw, weights);
    return 0;
}

const struct cpu_conv_kind cpu_conv_winograd = {"winograd", takes, make, release, run, reorder};
