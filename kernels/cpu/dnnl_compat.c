#include "kernels/cpu/dnnl_compat.h"

#include "kernels/cpu/cpu_conv.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what differs between the versions ---- */

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t desc; /* a pointer that we own */
typedef const_dnnl_memory_desc_t desc_ref;

static dnnl_status_t desc_init(desc *d, int n_dims, const dnnl_dims_t dims, dnnl_data_type_t type,
                               dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(d, n_dims, dims, type, tag);
}

static desc_ref desc_get(const desc *d)
{
    return *d;
}

static void desc_release(desc *d)
{
    if (*d)
        dnnl_memory_desc_destroy(*d);
    *d = NULL;
}

#else

typedef dnnl_memory_desc_t desc; /* a plain struct */
typedef const dnnl_memory_desc_t *desc_ref;

static dnnl_status_t desc_init(desc *d, int n_dims, const dnnl_dims_t dims, dnnl_data_type_t type,
                               dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(d, n_dims, dims, type, tag);
}

static desc_ref desc_get(const desc *d)
{
    return d;
}

static void desc_release(desc *d)
{
    (void)d;
}

#endif

/* The four descriptions that a convolution is made from. */
struct shapes {
    desc source, weights, output, oihw;
    dnnl_dims_t strides, dilates, pads;
};

/* A primitive descriptor for one pass; hint: the forward one, for the backward passes. */
static dnnl_status_t describe(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum cpu_pass pass,
                              dnnl_alg_kind_t algorithm, const struct shapes *s, const_dnnl_primitive_desc_t hint,
                              const_dnnl_primitive_attr_t attr)
{
    desc_ref source = desc_get(&s->source), weights = desc_get(&s->weights), output = desc_get(&s->output);
#if DNNL_VERSION_MAJOR >= 3
    switch (pass) {
    case CPU_FORWARD:
        return dnnl_convolution_forward_primitive_desc_create(pd, engine, dnnl_forward_training, algorithm, source,
                                                              weights, NULL, output, s->strides, s->dilates, s->pads,
                                                              s->pads, attr);
    case CPU_BACKWARD_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(
            pd, engine, algorithm, source, weights, output, s->strides, s->dilates, s->pads, s->pads, hint, attr);
    default:
        return dnnl_convolution_backward_weights_primitive_desc_create(
            pd, engine, algorithm, source, weights, NULL, output, s->strides, s->dilates, s->pads, s->pads, hint, attr);
    }
#else
    dnnl_convolution_desc_t op;
    dnnl_status_t status;
    switch (pass) {
    case CPU_FORWARD:
        status = dnnl_convolution_forward_desc_init(&op, dnnl_forward_training, algorithm, source, weights, NULL,
                                                    output, s->strides, s->pads, s->pads);
        break;
    case CPU_BACKWARD_DATA:
        status = dnnl_convolution_backward_data_desc_init(&op, algorithm, source, weights, output, s->strides, s->pads,
                                                          s->pads);
        break;
    default:
        status = dnnl_convolution_backward_weights_desc_init(&op, algorithm, source, weights, NULL, output, s->strides,
                                                             s->pads, s->pads);
        break;
    }
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, hint);
#endif
}

/* ---- the process's one engine and stream ---- */

static dnnl_engine_t the_engine;
static dnnl_stream_t the_stream;
static dnnl_primitive_attr_t user_scratchpad;
static enum isa capped = ISA_COUNT; /* what cpu_dnnl_cap was given; ISA_COUNT: nothing yet */

static int runtime_start(struct error *err)
{
    dnnl_primitive_attr_t attr;
    if (user_scratchpad)
        return 0;
    if ((!the_engine && dnnl_engine_create(&the_engine, dnnl_cpu, 0) != dnnl_success) ||
        (!the_stream && dnnl_stream_create(&the_stream, the_engine, dnnl_stream_default_flags) != dnnl_success) ||
        dnnl_primitive_attr_create(&attr) != dnnl_success)
        return error_set(err, "oneDNN %s could not be started; try --device ref", cpu_dnnl_version());
    if (dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user) != dnnl_success) {
        dnnl_primitive_attr_destroy(attr);
        return error_set(err, "oneDNN %s takes no memory for its scratchpads; try --device ref", cpu_dnnl_version());
    }
    user_scratchpad = attr;
    return 0;
}

#if defined(__x86_64__)

static const dnnl_cpu_isa_t isa_caps[ISA_COUNT] = {
    [ISA_PLAIN] = dnnl_cpu_isa_sse41,         [ISA_AVX2] = dnnl_cpu_isa_avx2,
    [ISA_AVX512] = dnnl_cpu_isa_avx512_core,  [ISA_AVX512_BF16] = dnnl_cpu_isa_avx512_core_bf16,
    [ISA_AMX] = dnnl_cpu_isa_avx512_core_amx,
};

enum isa cpu_dnnl_isa(void)
{
    /* The levels are sets of bits, each holding all of the lesser one's; one that we do not know is no cap. */
    unsigned bits = (unsigned)dnnl_get_effective_cpu_isa();
    int level = (int)isa_best();
    while (level > ISA_PLAIN && bits != 0 && ((unsigned)isa_caps[level] & ~bits))
        level--;
    return (enum isa)level;
}

int cpu_dnnl_cap(enum isa isa, struct error *err)
{
    if (isa == ISA_COUNT || isa == capped)
        return 0;
    if (capped == ISA_COUNT && isa < isa_best() && dnnl_set_max_cpu_isa(isa_caps[isa]) == dnnl_success) {
        capped = isa;
        return 0;
    }
    if (cpu_dnnl_isa() == isa)
        return 0;
    return error_set(err,
                     "oneDNN already runs at '%s' in this process and cannot change to '%s'; start davidnet again "
                     "with --isa %s",
                     isa_name(cpu_dnnl_isa()), isa_name(isa), isa_name(isa));
}

#else

enum isa cpu_dnnl_isa(void)
{
    return isa_best();
}

int cpu_dnnl_cap(enum isa isa, struct error *err)
{
    if (isa == ISA_COUNT || isa == isa_best())
        return 0;
    return error_set(err, "oneDNN has no '%s' on this processor; leave --isa out", isa_name(isa));
}

#endif

const char *cpu_dnnl_version(void)
{
    static char text[32];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", version->major, version->minor, version->patch);
    return text;
}

/* ---- convolutions ---- */

struct dnnl_conv {
    struct cpu_conv base; /* first: it is handed out */
    dnnl_primitive_t run, reorder;
    dnnl_memory_t source, weights, output, oihw, run_scratch, reorder_scratch;
};

static dnnl_format_tag_t activation_tag(enum cpu_layout layout)
{
    switch (layout) {
    case CPU_NCHW:
        return dnnl_nchw;
    case CPU_NHWC:
        return dnnl_nhwc;
    case CPU_BLOCKED:
        return dnnl_nChw16c;
    default:
        return dnnl_ndhwc;
    }
}

static dnnl_status_t activation_desc(desc *d, enum cpu_layout layout, int n, int c, int h, int w, dnnl_data_type_t type)
{
    if (layout == CPU_HWNC)
        return desc_init(d, 5, (dnnl_dims_t){1, c, h, w, n}, type, dnnl_ndhwc);
    return desc_init(d, 4, (dnnl_dims_t){n, c, h, w}, type, activation_tag(layout));
}

static void shapes_release(struct shapes *s)
{
    desc_release(&s->source);
    desc_release(&s->weights);
    desc_release(&s->output);
    desc_release(&s->oihw);
}

static int shapes_init(struct shapes *s, const struct cpu_conv_spec *spec, enum cpu_pass pass)
{
    dnnl_data_type_t type = spec->type == CHAIN_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_data_type_t weight_type = pass == CPU_BACKWARD_WEIGHTS ? dnnl_f32 : type;
    bool deep = spec->output == CPU_HWNC;
    int k = spec->kernel, stride = spec->stride, pad = spec->pad;
    dnnl_dims_t weights = {spec->out_c, spec->in_c, k, k, 1};

    memset(s, 0, sizeof *s);
    for (int i = 0; i < 3; i++) {
        s->strides[i] = i < 2 ? stride : 1;
        s->pads[i] = i < 2 ? pad : 0;
    }
    return activation_desc(&s->source, spec->source, spec->n, spec->in_c, spec->in_h, spec->in_w, type) ==
                       dnnl_success &&
                   activation_desc(&s->output, spec->output, spec->n, spec->out_c, spec->out_h, spec->out_w, type) ==
                       dnnl_success &&
                   desc_init(&s->weights, deep ? 5 : 4, weights, weight_type, dnnl_format_tag_any) == dnnl_success &&
                   desc_init(&s->oihw, deep ? 5 : 4, weights, dnnl_f32, deep ? dnnl_oidhw : dnnl_oihw) == dnnl_success
               ? 0
               : -1;
}

/* The primitive descriptor with Winograd if wanted and there, else direct; NULL if there is neither. */
static dnnl_primitive_desc_t find(const struct cpu_conv_spec *spec, enum cpu_pass pass, const struct shapes *shapes)
{
    struct shapes forward;
    dnnl_primitive_desc_t pd = NULL;
    if (shapes_init(&forward, spec, CPU_FORWARD)) {
        shapes_release(&forward);
        return NULL;
    }
    for (int winograd = spec->winograd ? 1 : 0; winograd >= 0 && !pd; winograd--) {
        dnnl_alg_kind_t algorithm = winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
        dnnl_primitive_desc_t hint = NULL;
        if (pass != CPU_FORWARD &&
            describe(&hint, the_engine, CPU_FORWARD, algorithm, &forward, NULL, NULL) != dnnl_success)
            continue;
        if (describe(&pd, the_engine, pass, algorithm, shapes, hint, user_scratchpad) != dnnl_success)
            pd = NULL;
        if (hint)
            dnnl_primitive_desc_destroy(hint);
    }
    shapes_release(&forward);
    return pd;
}

static int make_memory(dnnl_memory_t *memory, desc_ref d)
{
    return dnnl_memory_create(memory, d, the_engine, DNNL_MEMORY_NONE) == dnnl_success ? 0 : -1;
}

/* Makes a primitive and the memory object for its scratchpad; takes the descriptor. */
static int make_primitive(struct dnnl_conv *conv, dnnl_primitive_desc_t pd, dnnl_primitive_t *primitive,
                          dnnl_memory_t *scratch)
{
    desc_ref d = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t bytes = dnnl_memory_desc_get_size(d);
    if (bytes > conv->base.scratch_bytes)
        conv->base.scratch_bytes = bytes;
    int rc = make_memory(scratch, d) || dnnl_primitive_create(primitive, pd) != dnnl_success ? -1 : 0;
    dnnl_primitive_desc_destroy(pd);
    return rc;
}

static int conv_init(struct dnnl_conv *conv, const struct cpu_conv_spec *spec, const struct shapes *shapes)
{
    dnnl_primitive_desc_t pd = find(spec, conv->base.pass, shapes), reorder = NULL;
    if (!pd)
        return -1;
    const char *impl = NULL;
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &impl);
    snprintf(conv->base.impl, sizeof conv->base.impl, "dnnl:%s", impl ? impl : "unknown");
    bool gradient = conv->base.pass == CPU_BACKWARD_WEIGHTS;
    desc_ref weights =
        dnnl_primitive_desc_query_md(pd, gradient ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    desc_ref oihw = desc_get(&shapes->oihw);
    conv->base.weights_bytes = dnnl_memory_desc_get_size(weights);
    int rc = make_memory(&conv->source, desc_get(&shapes->source)) ||
             make_memory(&conv->output, desc_get(&shapes->output)) || make_memory(&conv->weights, weights) ||
             make_memory(&conv->oihw, oihw);
    if (!rc)
        rc = dnnl_reorder_primitive_desc_create(&reorder, gradient ? weights : oihw, the_engine,
                                                gradient ? oihw : weights, the_engine, user_scratchpad) != dnnl_success;
    if (rc) {
        dnnl_primitive_desc_destroy(pd);
        return -1;
    }
    rc = make_primitive(conv, pd, &conv->run, &conv->run_scratch);
    return make_primitive(conv, reorder, &conv->reorder, &conv->reorder_scratch) || rc ? -1 : 0;
}

static void release(struct cpu_conv *base)
{
    struct dnnl_conv *conv = (struct dnnl_conv *)base;
    dnnl_primitive_t primitives[] = {conv->run, conv->reorder};
    dnnl_memory_t memories[] = {conv->source, conv->weights,     conv->output,
                                conv->oihw,   conv->run_scratch, conv->reorder_scratch};
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        if (primitives[i])
            dnnl_primitive_destroy(primitives[i]);
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    free(conv);
}

static struct cpu_conv *make(const struct cpu_conv_spec *spec, enum cpu_pass pass, struct error *err)
{
    if (runtime_start(err))
        return NULL;
    struct dnnl_conv *conv = calloc(1, sizeof *conv);
    if (!conv) {
        error_set(err, "out of memory for a convolution's description; free some memory and try again");
        return NULL;
    }
    conv->base.kind = &cpu_conv_dnnl;
    conv->base.pass = pass;
    struct shapes shapes;
    if (shapes_init(&shapes, spec, pass) || conv_init(conv, spec, &shapes)) {
        static const char *const passes[] = {"forward", "backward data", "backward weights"};
        error_set(err,
                  "oneDNN %s has no %s convolution for %d x %d x %d -> %d x %d x %d, kernel %d, stride %d in %s on "
                  "this processor; use another precision, or --device ref",
                  cpu_dnnl_version(), passes[pass], spec->in_c, spec->in_h, spec->in_w, spec->out_c, spec->out_h,
                  spec->out_w, spec->kernel, spec->stride, spec->type == CHAIN_BF16 ? "bf16" : "f32");
        release(&conv->base);
        conv = NULL;
    }
    shapes_release(&shapes);
    return conv ? &conv->base : NULL;
}

static int run(const struct cpu_conv *base, void *source, void *weights, void *output, bool add, void *scratch)
{
    const struct dnnl_conv *conv = (const struct dnnl_conv *)base;
    (void)add; /* adds is false */
    static const int args[CPU_PASS_COUNT][3] = {
        [CPU_FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
        [CPU_BACKWARD_DATA] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
        [CPU_BACKWARD_WEIGHTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
    };
    const int *arg = args[conv->base.pass];
    dnnl_memory_set_data_handle(conv->source, source);
    dnnl_memory_set_data_handle(conv->weights, weights);
    dnnl_memory_set_data_handle(conv->output, output);
    dnnl_memory_set_data_handle(conv->run_scratch, scratch);
    dnnl_exec_arg_t list[] = {{arg[0], conv->source},
                              {arg[1], conv->weights},
                              {arg[2], conv->output},
                              {DNNL_ARG_SCRATCHPAD, conv->run_scratch}};
    return dnnl_primitive_execute(conv->run, the_stream, 4, list) == dnnl_success &&
                   dnnl_stream_wait(the_stream) == dnnl_success
               ? 0
               : -1;
}

static int reorder(const struct cpu_conv *base, float *oihw, void *weights, void *scratch)
{
    const struct dnnl_conv *conv = (const struct dnnl_conv *)base;
    bool gradient = conv->base.pass == CPU_BACKWARD_WEIGHTS;
    dnnl_memory_set_data_handle(conv->oihw, oihw);
    dnnl_memory_set_data_handle(conv->weights, weights);
    dnnl_memory_set_data_handle(conv->reorder_scratch, scratch);
    dnnl_exec_arg_t list[] = {{DNNL_ARG_FROM, gradient ? conv->weights : conv->oihw},
                              {DNNL_ARG_TO, gradient ? conv->oihw : conv->weights},
                              {DNNL_ARG_SCRATCHPAD, conv->reorder_scratch}};
    return dnnl_primitive_execute(conv->reorder, the_stream, 3, list) == dnnl_success &&
                   dnnl_stream_wait(the_stream) == dnnl_success
               ? 0
               : -1;
}

static bool takes(const struct cpu_conv_spec *spec, enum cpu_pass pass)
{
    (void)spec;
    (void)pass;
    return true;
}

const struct cpu_conv_kind cpu_conv_dnnl = {"oneDNN", takes, make, release, run, reorder};
