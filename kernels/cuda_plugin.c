#include "kernels/cuda_plugin.h"

#include "kernels/cuda/cuda_plugin_abi.h"

#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN_FILE "davidnet_cuda.so"

static struct {
    pthread_once_t once;
    const struct family *family;
    cuda_plugin_rates *rates;
    cuda_plugin_search *search;
    char path[PATH_MAX];
    struct error why_not;
} plugin = {.once = PTHREAD_ONCE_INIT};

/* Its path in plugin.path, or -1 with what to do. */
static int find_plugin(void)
{
    static const char *const places[] = {"", "build/", "../", "../lib/davidnet/"};
    const char *named = getenv("DAVIDNET_CUDA_PLUGIN");
    if (named && *named) {
        snprintf(plugin.path, sizeof plugin.path, "%s", named);
        return 0;
    }
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *name = length > 0 ? (self[length] = '\0', strrchr(self, '/')) : NULL;
    if (name) {
        name[1] = '\0';
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            int size = snprintf(plugin.path, sizeof plugin.path, "%s%s" PLUGIN_FILE, self, places[i]);
            if (size < (int)sizeof plugin.path && access(plugin.path, R_OK) == 0)
                return 0;
        }
    }
    plugin.path[0] = '\0';
    return error_set(&plugin.why_not, "this davidnet has no CUDA engine (" PLUGIN_FILE
                                      " is not beside it); build with make CUDA=1, which "
                                      "needs nvcc and cuDNN 9, or use --device cpu");
}

static void open_plugin(void)
{
    const struct cuda_plugin_abi abi = CUDA_PLUGIN_ABI;
    if (find_plugin())
        return;
    void *object = dlopen(plugin.path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        const char *why = dlerror();
        error_set(&plugin.why_not,
                  "the CUDA engine cannot be loaded (%.500s); install what is missing, or use --device cpu",
                  why ? why : plugin.path);
        return;
    }
    cuda_plugin_open *open;
    *(void **)&open = dlsym(object, CUDA_PLUGIN_FUNCTION);
    *(void **)&plugin.rates = dlsym(object, CUDA_RATES_FUNCTION);
    *(void **)&plugin.search = dlsym(object, CUDA_SEARCH_FUNCTION);
    if (!open || !plugin.rates || !plugin.search)
        error_set(&plugin.why_not, "%.500s is not a CUDA engine of this davidnet", plugin.path);
    else if (!(plugin.family = open(&abi, &plugin.why_not)))
        error_prefix(&plugin.why_not, "%.500s", plugin.path);
}

const struct family *cuda_family(struct error *err)
{
    pthread_once(&plugin.once, open_plugin);
    if (!plugin.family && err)
        *err = plugin.why_not;
    return plugin.family;
}

int cuda_program_rates(struct program *program, double *flops, double *bytes, struct error *err)
{
    *flops = *bytes = NAN;
    return program->family == plugin.family ? plugin.rates(program, flops, bytes, err) : 0;
}

double cuda_program_search_seconds(const struct program *program)
{
    return program->family == plugin.family ? plugin.search(program) : 0;
}

int cuda_gpu_seen(void)
{
    return access("/dev/nvidiactl", F_OK) == 0 || access("/dev/dxg", F_OK) == 0; /* the second under Windows */
}

const char *cuda_plugin_path(void)
{
    return cuda_family(NULL) ? plugin.path : NULL;
}
