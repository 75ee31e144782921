/*
 * The CUDA family lives in a shared object, davidnet_cuda.so, that is opened when it is first asked for, so that the
 * program runs where no driver, no cuDNN and no plugin is. It is looked for beside the program, in build/ below it (as
 * make leaves it), in the folder above (tests), in ../lib/davidnet; or it is $DAVIDNET_CUDA_PLUGIN alone, if that is
 * set.
 */
#ifndef DAVIDNET_KERNELS_CUDA_PLUGIN_H
#define DAVIDNET_KERNELS_CUDA_PLUGIN_H

#include "kernels/program.h"

/* The family, or NULL with why not and what to do. That it is there does not mean that it can run: ask its probe. What
 * was found, or not, the first time stays so. */
const struct family *cuda_family(struct error *err);

/*
 * Of a program of that family, while nothing is under way. rates: operations and bytes moved a second that its device
 * can do at most, in the program's precision, measured on it; NaN: they cannot be (an emulated device, no room). -1:
 * the device failed. search_seconds: what it took of compile until each convolution's fastest way was found, or read.
 * Of another family's program nothing is known: NaN, and 0.
 */
int cuda_program_rates(struct program *program, double *flops, double *bytes, struct error *err);
double cuda_program_search_seconds(const struct program *program);

/* Is there a GPU's driver at all? Costs next to nothing, and opens nothing. */
int cuda_gpu_seen(void);

/* The file that it came from; NULL: none. */
const char *cuda_plugin_path(void);

#endif
