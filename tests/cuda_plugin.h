/*
 * Which CUDA family tests run: that of $DAVIDNET_CUDA_PLUGIN (make gpu-check), else the emulated one, which make test
 * builds and which runs the same kernels on the CPU.
 */
#ifndef DAVIDNET_TESTS_CUDA_PLUGIN_H
#define DAVIDNET_TESTS_CUDA_PLUGIN_H

#include "kernels/cuda_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void cuda_plugin_choose(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    char *name = length > 0 ? (path[length] = '\0', strrchr(path, '/')) : NULL;
    if (name) {
        strcpy(name, "/../emulated/davidnet_cuda.so");
        setenv("DAVIDNET_CUDA_PLUGIN", path, 0);
    }
}

/* A family that can run; NULL when there is none (no g++ here, no GPU there), with the reason. */
static inline const struct family *cuda_plugin_family(struct error *err)
{
    const struct family *family = cuda_family(err);
    struct program_options options = {.max_batch = 1, .precision = PRECISION_F16};
    return family && family->probe(&options, err) == 0 ? family : NULL;
}

/* A group's set-up, and a test's first line: without a family the test is skipped, and it is told why. */
static const struct family *cuda;

static inline int cuda_plugin_find(void **state)
{
    struct error err = {""};
    (void)state;
    cuda_plugin_choose();
    cuda = cuda_plugin_family(&err);
    if (!cuda)
        printf("SKIPPED: %s\n", err.text);
    return 0;
}

#define NEEDS_CUDA(state)                                                                                              \
    do {                                                                                                               \
        (void)(state);                                                                                                 \
        if (!cuda)                                                                                                     \
            skip();                                                                                                    \
    } while (0)

static inline int cuda_plugin_is_emulated(const struct family *family)
{
    return strstr(family->library(), "emulated") != NULL;
}

#endif
