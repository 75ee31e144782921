/* cuDNN makes plans for an H200 of every convolution of the goals' networks, in each precision, and of those that
 * test_cuda_family compares with the reference, as it does: it needs to be told only what the GPU is, not to have one.
 */
#include "engine/session.h"
#include "kernels/cuda/foresee.h"
#include "tests/cpu_networks.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char h200[] =
    "{\"deviceName\":\"NVIDIA H200\",\"cudaDeviceId\":0,\"deviceVer\":900,\"driverVer\":13000,"
    "\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536,"
    "\"multiProcessorCount\":132,\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,"
    "\"maxSharedMemoryPerBlockOptin\":232448,\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,"
    "\"maxCtasPerSM\":32,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"pciDeviceId\":0,\"isTccDriver\":0,"
    "\"supportCoopLaunch\":1,\"smClockRateKHz\":1980000,\"memClockRateKHz\":3201000,\"l2CacheSize\":62914560,"
    "\"totalGlobalMem\":150754820096}";

static cuda_foresee *foresee;
static char missing[256];

static int open_plugin(void **state)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    char *name = length > 0 ? (path[length] = '\0', strrchr(path, '/')) : NULL;
    (void)state;
    if (!name)
        return -1;
    strcpy(name, "/../davidnet_cuda.so");
    void *plugin = access(path, R_OK) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!plugin)
        snprintf(missing, sizeof missing, "the CUDA engine was not built, or cannot be opened");
    else if (!(foresee = (cuda_foresee *)dlsym(plugin, CUDA_FORESEE_FUNCTION)))
        return -1;
    return 0;
}

static const struct {
    const char *name;
    enum cuda_type type;
    bool tf32;
} precisions[] = {{"f16", CUDA_TYPE_F16, false},
                  {"bf16", CUDA_TYPE_BF16, false},
                  {"tf32", CUDA_TYPE_F32, true},
                  {"f32", CUDA_TYPE_F32, false}};

static int padded(int channels)
{
    return (channels + CUDA_CHANNELS - 1) / CUDA_CHANNELS * CUDA_CHANNELS;
}

/* All passes of a row's convolution; how many there are. exact: no Winograd and no FFT. */
static int check_row(const char *preset, const struct plan *of, int index, int batch, int precision, bool exact)
{
    static const char *const passes[CUDA_CONV_PASSES] = {"forward", "data gradient", "weights' gradient"};
    const struct plan_row *row = &of->rows[index];
    struct plan_shape in = of->rows[row->input[0]].out;
    struct cuda_conv_shape shape = {.type = precisions[precision].type,
                                    .tf32 = precisions[precision].tf32,
                                    .n = batch,
                                    .h = in.h,
                                    .w = in.w,
                                    .c = padded(in.c),
                                    .k = padded(row->out.c),
                                    .size = row->kernel,
                                    .stride = row->stride,
                                    .pad = row->pad,
                                    .out_h = row->out.h,
                                    .out_w = row->out.w,
                                    .deterministic = true,
                                    .exact = exact};
    int checked = 0;
    for (int pass = 0; pass < CUDA_CONV_PASSES; pass++) {
        char name[CONV_PLANS_NAME_MAX] = "";
        struct error err = {""};
        if (pass == CUDA_CONV_DATA && !plan_row_gradient(of, row->input[0]))
            continue;
        int plans = foresee(h200, &shape, (enum cuda_conv_pass)pass, name, &err);
        if (plans < 1)
            fail_msg("%s, '%s', %s in %s: %s", preset, row->name, passes[pass], precisions[precision].name,
                     plans < 0 ? err.text : "no plan");
        assert_int_equal(strncmp(name, "cudnn:eng", 9), 0);
        checked++;
    }
    return checked;
}

static void check_preset(const char *preset, int first, int end)
{
    struct recipe recipe;
    struct error err = {""};
    const struct recipe_request request = {.preset = preset, .n_sets = 1, .sets = {"data=synthetic:1:4096"}};
    int checked = 0;
    if (recipe_resolve(&request, &recipe, &err) || session_check(&recipe, &plan, &err))
        fail_msg("%s: %s", preset, err.text);
    for (int precision = first; precision < end; precision++)
        for (int i = 0; i < plan.n_rows; i++)
            if (plan.rows[i].op == PLAN_CONV)
                checked += check_row(preset, &plan, i, recipe_batch(&recipe), precision, false);
    assert_true(checked >= 3 * 5);
}

static void every_convolution_has_a_plan(void **state)
{
    (void)state;
    if (!foresee) {
        print_message("SKIPPED: %s\n", missing);
        skip();
        return;
    }
    check_preset("davidnet-79", 0, 4);
    check_preset("tta-26", 0, 1);
    check_preset("sprint-94", 0, 2);
    check_preset("airbench94-muon", 0, 1);
}

/* In the precisions and batches of the comparisons in float32, which take exact convolutions, and in f16 and bf16. */
static void every_compared_convolution_has_a_plan(void **state)
{
    static const struct {
        int precision, batch;
        bool exact;
    } kinds[] = {{3, 6, true}, {3, 5, true}, {0, 8, false}, {1, 8, false}};
    (void)state;
    if (!foresee) {
        print_message("SKIPPED: %s\n", missing);
        skip();
        return;
    }
    int checked = 0;
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].make();
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            for (int row = 0; row < plan.n_rows; row++)
                if (plan.rows[row].op == PLAN_CONV)
                    checked +=
                        check_row(networks[i].name, &plan, row, kinds[k].batch, kinds[k].precision, kinds[k].exact);
    }
    assert_true(checked >= 100);
}

/* It is asked, not made up: a device that says less than is needed is refused. */
static void what_is_no_gpu_is_refused(void **state)
{
    (void)state;
    if (!foresee) {
        print_message("SKIPPED: %s\n", missing);
        skip();
        return;
    }
    char name[CONV_PLANS_NAME_MAX] = "";
    struct error err = {""};
    const struct cuda_conv_shape shape = {.type = CUDA_TYPE_F16,
                                          .n = 8,
                                          .h = 8,
                                          .w = 8,
                                          .c = 8,
                                          .k = 8,
                                          .size = 3,
                                          .stride = 1,
                                          .pad = 1,
                                          .out_h = 8,
                                          .out_w = 8};
    assert_int_equal(foresee("{\"deviceVer\":900}", &shape, CUDA_CONV_FORWARD, name, &err), -1);
    assert_non_null(strstr(err.text, "reading a GPU's properties"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_convolution_has_a_plan),
        cmocka_unit_test(every_compared_convolution_has_a_plan),
        cmocka_unit_test(what_is_no_gpu_is_refused),
    };
    return cmocka_run_group_tests(tests, open_plugin, NULL);
}
