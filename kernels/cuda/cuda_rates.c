/*
 * What a GPU can do at most, measured on it: copies in its memory, and a product of matrices in the program's
 * precision, which is what convolutions are to tensor cores. The product is a convolution of single pixels by cuDNN,
 * whose plan is searched and kept as any other's is. Its values are noise: a GPU that is short of power multiplies
 * zeros faster.
 */
#include "kernels/cuda/cuda_plugin_abi.h"
#include "kernels/cuda/cuda_program.h"

#include <math.h>

#define ROUNDS 8
#define RUNS 4 /* of a round: what is between two of them must not count */
#define SIDE 32

struct probe {
    struct cuda_program *own;
    struct cuda_conv *conv;
    size_t bytes; /* of x and of out */
    void *x, *w, *out, *workspace, *from, *to;
};

/* A device's probe is the product's inner length; what it multiplies is 128 times as long: 256 MiB of f16 each. */
static struct cuda_conv_shape product_shape(const struct cuda_program *own)
{
    int c = own->device.probe;
    return (struct cuda_conv_shape){.type = own->type,
                                    .tf32 = own->program->options.precision == PRECISION_TF32,
                                    .n = c / 8,
                                    .h = SIDE,
                                    .w = SIDE,
                                    .c = c,
                                    .k = c,
                                    .size = 1,
                                    .stride = 1,
                                    .out_h = SIDE,
                                    .out_w = SIDE,
                                    .deterministic = true};
}

static void probe_release(struct probe *p)
{
    struct cuda_device *device = &p->own->device;
    cuda_conv_free(p->conv);
    cuda_device_free(device, p->x);
    cuda_device_free(device, p->w);
    cuda_device_free(device, p->out);
    cuda_device_free(device, p->workspace);
    cuda_event_free(device, p->from);
    cuda_event_free(device, p->to);
}

/* -1: no room for it, or no such convolution. */
static int probe_init(struct probe *p, struct cuda_program *own, struct error *err)
{
    struct cuda_device *device = &own->device;
    struct cuda_conv_shape shape = product_shape(own);
    size_t pixels = (size_t)shape.n * SIDE * SIDE, c = (size_t)shape.c, each = cuda_type_bytes(own->type);
    *p = (struct probe){.own = own, .bytes = pixels * c * each};
    if (!(p->conv = cuda_conv_new(own->library, &shape, CUDA_CONV_FORWARD, err)) ||
        !(p->workspace = cuda_device_alloc(device, cuda_conv_workspace(p->conv), err)) ||
        !(p->x = cuda_device_alloc(device, p->bytes, err)) || !(p->w = cuda_device_alloc(device, c * c * each, err)) ||
        !(p->out = cuda_device_alloc(device, p->bytes, err)) || !(p->from = cuda_event_new(device, err)) ||
        !(p->to = cuda_event_new(device, err)))
        return -1;
    cuda_noise(p->x, pixels * c, own->type, 1, device->stream);
    cuda_noise(p->w, c * c, own->type, 2, device->stream);
    return 0;
}

static int copy(struct probe *p, struct error *err)
{
    (void)err;
    cuda_device_copy(&p->own->device, p->out, p->x, p->bytes);
    return 0;
}

static int multiply(struct probe *p, struct error *err)
{
    return cuda_conv_run(p->conv, p->x, p->w, p->out, p->workspace, err);
}

/* Seconds of one, the best of some rounds after one that loads its kernels; NaN: they have no time. */
static int fastest(struct probe *p, int (*run)(struct probe *, struct error *), double *seconds, struct error *err)
{
    struct cuda_device *device = &p->own->device;
    *seconds = NAN;
    if (run(p, err) || cuda_device_wait(device, err))
        return -1;
    for (int i = 0; i < ROUNDS; i++) {
        cuda_event_record(device, p->from);
        for (int k = 0; k < RUNS; k++)
            if (run(p, err))
                return -1;
        cuda_event_record(device, p->to);
        if (cuda_event_wait(device, p->to, err))
            return -1;
        *seconds = fmin(*seconds, cuda_event_seconds(device, p->from, p->to) / RUNS); /* fmin leaves NaN out */
    }
    return cuda_device_check(device, err);
}

int davidnet_cuda_rates(struct program *program, double *flops, double *bytes, struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    struct error none = {""};
    struct probe probe;
    double seconds;
    *flops = *bytes = NAN;
    if (!own->device.probe)
        return 0;
    if (cuda_device_wait(&own->device, err))
        return -1;
    int status = 0;
    if (probe_init(&probe, own, &none) == 0) {
        status = fastest(&probe, copy, &seconds, err);
        *bytes = 2.0 * (double)probe.bytes / seconds;
        if (!status) {
            status = fastest(&probe, multiply, &seconds, err);
            *flops = 2.0 * (double)(probe.bytes / cuda_type_bytes(own->type)) * own->device.probe / seconds;
        }
        if (status)
            *flops = *bytes = NAN;
    }
    probe_release(&probe);
    return status;
}
