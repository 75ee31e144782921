/*
 * What cuDNN would do on a GPU that is not here: it names engines and makes plans of what it is told about a device, so
 * that a test finds a convolution without any before a GPU does. In the plugin, exported for that test.
 */
#ifndef DAVIDNET_KERNELS_CUDA_FORESEE_H
#define DAVIDNET_KERNELS_CUDA_FORESEE_H

#include "kernels/cuda/conv.h"
#include "kernels/cuda/conv_plans.h"

/* How many plans can be made for that pass on the GPU whose properties these are (cuDNN's JSON of them), and made once
 * more of what is kept of them on disk; the first one's name in name. -1 with err: cuDNN does not take the question.
 * Needs no driver. */
#define CUDA_FORESEE_FUNCTION "davidnet_cuda_foresee"
typedef int cuda_foresee(const char *properties, const struct cuda_conv_shape *shape, enum cuda_conv_pass pass,
                         char name[CONV_PLANS_NAME_MAX], struct error *err);
__attribute__((visibility("default"))) cuda_foresee davidnet_cuda_foresee;

#endif
