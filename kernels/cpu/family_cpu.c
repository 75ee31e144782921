#include "kernels/cpu/cpu_program.h"

#include "kernels/parallel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The level asked for by options, or the current one; ISA_COUNT with err when it is unknown or not here. */
static enum isa wanted_isa(const struct program_options *options, struct error *err)
{
    if (!options->isa || strcmp(options->isa, "auto") == 0)
        return isa_current();
    int level = isa_find(options->isa);
    if (level >= 0)
        return (enum isa)level;
    error_set(err, "this processor has no '%s'; the best it offers is --isa %s", options->isa, isa_name(isa_best()));
    return ISA_COUNT;
}

static int check_precision(enum precision precision, enum isa isa, struct error *err)
{
    switch (precision) {
    case PRECISION_F32:
        return 0;
    case PRECISION_BF16:
        if (isa >= ISA_AVX512)
            return 0;
        return error_set(err, "bf16 on a CPU needs AVX-512, and this is '%s'; use --precision f32", isa_name(isa));
    case PRECISION_F16:
    case PRECISION_TF32:
        return error_set(err, "precision = %s is for GPUs; on a CPU use %s", precision_name(precision),
                         isa >= ISA_AVX512 ? "f32, or bf16 where it has AVX-512" : "f32");
    default:
        return error_set(err, "unknown precision %d", (int)precision);
    }
}

static int cpu_probe(const struct program_options *options, struct error *err)
{
    enum isa isa = wanted_isa(options, err);
    return isa == ISA_COUNT ? -1 : check_precision(options->precision, isa, err);
}

/* Makes oneDNN and our kernels use the level that was asked for; *isa is what both can do then. */
static int settle_isa(const struct program_options *options, enum isa *isa, struct error *err)
{
    enum isa before = isa_current(), wanted = wanted_isa(options, err);
    bool named = options->isa && strcmp(options->isa, "auto") != 0;
    if (wanted == ISA_COUNT || cpu_dnnl_cap(named || wanted < isa_best() ? wanted : ISA_COUNT, err))
        return -1;
    enum isa offered = cpu_dnnl_isa();
    *isa = wanted < offered ? wanted : offered;
    if (named && wanted != before)
        isa_force(options->isa);
    return check_precision(options->precision, *isa, err);
}

static void program_free(struct program *program)
{
    if (!program)
        return;
    if (program->own)
        cpu_compile_release(program);
    free(program->own);
    free(program);
}

static struct program *program_compile(const struct plan *plan, const struct program_options *options,
                                       struct error *err)
{
    enum isa isa;
    if (settle_isa(options, &isa, err))
        return NULL;
    struct program *program = program_new(&family_cpu, plan, options, sizeof(struct cpu_program), err);
    if (!program)
        return NULL;
    struct cpu_program *own = cpu_own(program);
    own->isa = isa;
    own->type = options->precision == PRECISION_BF16 ? CHAIN_BF16 : CHAIN_F32;
    parallel_set_threads(options->threads > 0 ? options->threads : parallel_threads());
    own->threads = parallel_threads();
    if (cpu_compile(program, err)) {
        program_free(program);
        return NULL;
    }
    return program;
}

static size_t program_memory(const struct program *program)
{
    const struct cpu_program *own = program->own;
    return own->block_bytes + sizeof *program + sizeof *own;
}

static const char *library(void)
{
    static char text[32];
    snprintf(text, sizeof text, "oneDNN %s", cpu_dnnl_version());
    return text;
}

const struct family family_cpu = {
    .name = "cpu",
    .probe = cpu_probe,
    .compile = program_compile,
    .free = program_free,
    .read_tensor = cpu_read_tensor,
    .write_tensor = cpu_write_tensor,
    .memory = program_memory,
    .library = library,
};
