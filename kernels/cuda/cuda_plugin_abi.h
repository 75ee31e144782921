/* What the program and the shared object with its CUDA family agree on; both are built from this. */
#ifndef DAVIDNET_KERNELS_CUDA_CUDA_PLUGIN_ABI_H
#define DAVIDNET_KERNELS_CUDA_CUDA_PLUGIN_ABI_H

#include "kernels/program.h"

/* Sizes that change whenever what passes between the two does. */
struct cuda_plugin_abi {
    unsigned plan, program, family, batch, choice, hyper, options, error;
};

#define CUDA_PLUGIN_ABI                                                                                                \
    {                                                                                                                  \
        sizeof(struct plan), sizeof(struct program), sizeof(struct family), sizeof(struct batch),                      \
            sizeof(struct choice), sizeof(struct hyper), sizeof(struct program_options), sizeof(struct error)          \
    }

/* What the program asks it for: the family, or NULL with the reason. */
#define CUDA_PLUGIN_FUNCTION "davidnet_cuda_plugin"
typedef const struct family *cuda_plugin_open(const struct cuda_plugin_abi *abi, struct error *err);
__attribute__((visibility("default"))) cuda_plugin_open davidnet_cuda_plugin;

/* What cuda_plugin.h tells of a program of it. */
#define CUDA_RATES_FUNCTION "davidnet_cuda_rates"
typedef int cuda_plugin_rates(struct program *program, double *flops, double *bytes, struct error *err);
__attribute__((visibility("default"))) cuda_plugin_rates davidnet_cuda_rates;
#define CUDA_SEARCH_FUNCTION "davidnet_cuda_search_seconds"
typedef double cuda_plugin_search(const struct program *program);
__attribute__((visibility("default"))) cuda_plugin_search davidnet_cuda_search_seconds;

extern const struct family family_cuda; /* inside the plugin only */

#endif
