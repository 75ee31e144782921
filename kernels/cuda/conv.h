/*
 * Convolutions: forward, data gradient and filter gradient of one shape, each prepared once and then put on the stream
 * as often as wanted. conv_cudnn.c is cuDNN's graph API; emulator/conv_emulated.c naive loops, the oracle of the
 * emulated family.
 *
 * Activations are [n][h][w][c], weights [k][size][size][c], both of `type` with c and k padded to a multiple of 8.
 * Arithmetic: products of the stored values, summed in float32; with tf32, products of values rounded to 10 bits.
 */
#ifndef DAVIDNET_KERNELS_CUDA_CONV_H
#define DAVIDNET_KERNELS_CUDA_CONV_H

#include "kernels/cuda/device.h"
#include "kernels/cuda/ops.h"

enum cuda_conv_pass { CUDA_CONV_FORWARD, CUDA_CONV_DATA, CUDA_CONV_WEIGHTS, CUDA_CONV_PASSES };

struct cuda_conv_shape {
    enum cuda_type type;
    bool tf32; /* with CUDA_TYPE_F32 */
    int n, h, w, c, k, size, stride, pad;
    int out_h, out_w;
    bool deterministic; /* the same bits every time: engines that add in any order are left out */
    bool exact;         /* no Winograd and no FFT */
};

struct cuda_conv_library; /* a handle, and what it is */
struct cuda_conv;

/* The library on that device's stream. plans: a folder of plans that were found before (made when needed); NULL: none.
 */
struct cuda_conv_library *cuda_conv_open(struct cuda_device *device, const char *plans, struct error *err);
void cuda_conv_close(struct cuda_conv_library *library);
const char *cuda_conv_version(void); /* "cuDNN 9.19.0" */

/*
 * The fastest way to do that pass, taken from the folder of plans, else measured on the device, which takes up to a few
 * seconds and overwrites nothing but its own memory. -1 with err: no way was found, or no memory.
 */
struct cuda_conv *cuda_conv_new(struct cuda_conv_library *library, const struct cuda_conv_shape *shape,
                                enum cuda_conv_pass pass, struct error *err);
void cuda_conv_free(struct cuda_conv *conv);
const char *cuda_conv_name(const struct cuda_conv *conv); /* "cudnn:eng38_k2=16" */
size_t cuda_conv_workspace(const struct cuda_conv *conv);

/*
 * forward: out = x * w;  data: x = the gradient of out, out = that of x;  weights: w = the gradient of out, x the
 * input, out = the gradient of the weights. workspace: cuda_conv_workspace bytes that nothing else uses meanwhile.
 * -1 with what the library says; that is not expected of a pass that was found to work.
 */
int cuda_conv_run(struct cuda_conv *conv, const void *x, const void *w, void *out, void *workspace, struct error *err);

#endif
