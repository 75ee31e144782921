#include "kernels/cuda/cuda_plugin_abi.h"
#include "kernels/cuda/cuda_program.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The GPU that was opened last: what cuda_library tells of. */
static atomic_int opened;

static int check_precision(enum precision precision, const struct cuda_device *device, struct error *err)
{
    switch (precision) {
    case PRECISION_F32:
    case PRECISION_F16:
        return 0;
    case PRECISION_BF16:
    case PRECISION_TF32:
        if (device->major >= 8)
            return 0;
        return error_set(
            err,
            "%s needs a GPU of compute capability 8.0 or newer, and %s has %d.%d; use --precision f16 or --device cpu",
            precision_name(precision), device->name, device->major, device->minor);
    default:
        return error_set(err, "unknown precision %d", (int)precision);
    }
}

static int cuda_probe(const struct program_options *options, struct error *err)
{
    struct cuda_device device;
    return cuda_device_describe(&device, options->device_index, err) ||
                   check_precision(options->precision, &device, err) ||
                   cuda_device_runs(&device, cuda_probed_code(), err)
               ? -1
               : 0;
}

static void cuda_free(struct program *program)
{
    if (!program)
        return;
    struct cuda_program *own = program->own;
    if (own) {
        if (own->device.stream)
            cuda_device_wait(&own->device, NULL); /* nothing uses what goes */
        cuda_run_release(own);
        cuda_build_release(own);
        cuda_conv_close(own->library);
        cuda_device_close(&own->device);
    }
    free(own);
    free(program);
}

/* Where plans that were measured are kept: $XDG_CACHE_HOME/davidnet or ~/.cache/davidnet; NULL: nowhere. */
static const char *plans_folder(char *out, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = cache && *cache ? snprintf(out, size, "%s/davidnet/cudnn", cache)
                 : home && *home ? snprintf(out, size, "%s/.cache/davidnet/cudnn", home)
                                 : -1;
    return length > 0 && (size_t)length < size ? out : NULL;
}

static int compile(struct program *program, struct error *err)
{
    struct cuda_program *own = program->own;
    char plans[1024];
    if (cuda_device_open(&own->device, program->options.device_index, err) ||
        check_precision(program->options.precision, &own->device, err))
        return -1;
    atomic_store(&opened, own->device.index);
    own->library = cuda_conv_open(&own->device, plans_folder(plans, sizeof plans), err);
    if (!own->library)
        return -1;
    cuda_units_init(&own->units, program->plan);
    return cuda_weights_init(own, err) || cuda_build(own, err) || cuda_update_init(own, err) ||
                   cuda_weights_reset(own, err) || cuda_run_init(own, err)
               ? -1
               : 0;
}

static struct program *cuda_compile(const struct plan *plan, const struct program_options *options, struct error *err)
{
    struct program *program = program_new(&family_cuda, plan, options, sizeof(struct cuda_program), err);
    if (!program)
        return NULL;
    struct cuda_program *own = cuda_own(program);
    own->program = program;
    own->type = options->precision == PRECISION_F16    ? CUDA_TYPE_F16
                : options->precision == PRECISION_BF16 ? CUDA_TYPE_BF16
                                                       : CUDA_TYPE_F32;
    if (compile(program, err)) {
        cuda_free(program);
        return NULL;
    }
    return program;
}

static size_t cuda_memory(const struct program *program)
{
    const struct cuda_program *own = program->own;
    return own->bytes;
}

static const char *cuda_library(void)
{
    static char text[128];
    struct cuda_device device;
    if (cuda_device_describe(&device, atomic_load(&opened), NULL))
        snprintf(text, sizeof text, "%s", cuda_conv_version());
    else
        snprintf(text, sizeof text, "%s, CUDA %d.%d, %.60s", cuda_conv_version(), device.runtime / 1000,
                 device.runtime % 1000 / 10, device.name);
    return text;
}

const struct family family_cuda = {
    .name = "cuda",
    .ahead = CUDA_AHEAD,
    .probe = cuda_probe,
    .compile = cuda_compile,
    .free = cuda_free,
    .read_tensor = cuda_read_tensor,
    .write_tensor = cuda_write_tensor,
    .memory = cuda_memory,
    .library = cuda_library,
    .submit = cuda_submit,
    .collect = cuda_collect,
    .mix = cuda_mix,
};

double davidnet_cuda_search_seconds(const struct program *program)
{
    const struct cuda_program *own = program->own;
    return own->search_seconds;
}

const struct family *davidnet_cuda_plugin(const struct cuda_plugin_abi *abi, struct error *err)
{
    const struct cuda_plugin_abi mine = CUDA_PLUGIN_ABI;
    if (memcmp(abi, &mine, sizeof mine) != 0) {
        error_set(err, "it was built with another version of davidnet; build both anew (make), or install both");
        return NULL;
    }
    return &family_cuda;
}
