/*
 * What became of a call to the CUDA runtime, as a sentence that says what to do. By the runtime's numbers, so that it
 * can be had, and tested, without CUDA: device_cuda.c holds them against CUDA's own.
 */
#ifndef DAVIDNET_KERNELS_CUDA_DEVICE_ERRORS_H
#define DAVIDNET_KERNELS_CUDA_DEVICE_ERRORS_H

#include "kernels/error.h"

enum device_error {
    DEVICE_SUCCESS = 0,
    DEVICE_OUT_OF_MEMORY = 2,
    DEVICE_OLD_DRIVER = 35,
    DEVICE_NONE = 100,
    DEVICE_NO_KERNEL_IMAGE = 209,
    DEVICE_ECC = 214, /* uncorrectable */
    DEVICE_PTX_VERSION = 222
};

/* 0 for DEVICE_SUCCESS, else -1. what: was being done; name: what CUDA says of the number; runtime: CUDA's version,
 * 1000 * major + 10 * minor. Any other number is taken for one that stays (device.h). */
int device_error_set(int number, const char *what, const char *name, int runtime, struct error *err);

#endif
