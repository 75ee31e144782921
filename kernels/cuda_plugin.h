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

/* Is there a GPU's driver at all? Costs next to nothing, and opens nothing. */
int cuda_gpu_seen(void);

/* The file that it came from; NULL: none. */
const char *cuda_plugin_path(void);

#endif
