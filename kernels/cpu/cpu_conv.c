#include "kernels/cpu/cpu_conv.h"

const struct cpu_conv_kind *const cpu_conv_kinds[] = {&cpu_conv_amx, &cpu_conv_winograd, &cpu_conv_dnnl, NULL};

struct cpu_conv *cpu_conv_new(const struct cpu_conv_spec *spec, enum cpu_pass pass, struct error *err)
{
    for (const struct cpu_conv_kind *const *kind = cpu_conv_kinds; *kind; kind++)
        if ((*kind)->takes(spec, pass))
            return (*kind)->make(spec, pass, err);
    error_set(err, "no implementation takes this convolution; use --device ref"); /* oneDNN takes everything */
    return NULL;
}

void cpu_conv_free(struct cpu_conv *conv)
{
    if (conv)
        conv->kind->free(conv);
}

int cpu_conv_run(const struct cpu_conv *conv, void *source, void *weights, void *output, bool add, void *scratch)
{
    return conv->kind->run(conv, source, weights, output, add, scratch);
}

int cpu_conv_reorder(const struct cpu_conv *conv, float *oihw, void *weights, void *scratch)
{
    return conv->kind->reorder(conv, oihw, weights, scratch);
}
