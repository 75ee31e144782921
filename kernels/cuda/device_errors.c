#include "kernels/cuda/device_errors.h"

int device_error_set(int number, const char *what, const char *name, int runtime, struct error *err)
{
    switch (number) {
    case DEVICE_SUCCESS:
        return 0;
    case DEVICE_NONE:
        return error_set(err,
                         "no NVIDIA GPU is visible here; see nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu");
    case DEVICE_OLD_DRIVER:
        return error_set(err,
                         "no NVIDIA driver, or one too old for CUDA %d.%d, which this was built with; install a newer "
                         "driver, build with an older CUDA, or use --device cpu",
                         runtime / 1000, runtime % 1000 / 10);
    case DEVICE_NO_KERNEL_IMAGE:
    case DEVICE_PTX_VERSION:
        return error_set(err,
                         "%s: this GPU's architecture was not built for; build with CUDA_ARCHS=native, or use "
                         "--device cpu",
                         what);
    case DEVICE_ECC:
        return error_set(err,
                         "%s: the GPU's memory has an uncorrectable error (ECC); the run is stopped, its last "
                         "checkpoint stands. Reset or replace the GPU, then davidnet resume",
                         what);
    case DEVICE_OUT_OF_MEMORY:
        return error_set(err, "%s: out of memory on the GPU; use a smaller batch", what);
    default:
        return error_set(
            err,
            "%s: %s (CUDA error %d); the GPU is of no more use to this process, the last checkpoint stands. "
            "davidnet resume goes on from it",
            what, name, number);
    }
}
