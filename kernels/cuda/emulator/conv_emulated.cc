/*
 * Convolutions by loops, for the emulated family: no speed, no library, sums in double.
 *
 * CUDA_EMULATED_WAYS="loops wrong ...", for tests of the search (conv_search.h): the ways that there are, each of which
 * says that it is faster than the one before: `loops` and `quick` do the same, the others what `spoil` says.
 */
extern "C" {
#include "kernels/cuda/conv.h"
#include "kernels/cuda/conv_search.h"
#include "kernels/cuda/emulator/recording.h"
}

#include "kernels/cuda/pointwise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cuda_conv_library {
    cuda_device *device;
};

struct cuda_conv {
    cuda_conv_shape shape;
    cuda_conv_pass pass;
    bool ran;
    char name[32];
};

struct cuda_conv_library *cuda_conv_open(struct cuda_device *device, const char *, struct error *err)
{
    auto *library = static_cast<cuda_conv_library *>(calloc(1, sizeof(cuda_conv_library)));
    if (library)
        library->device = device;
    else
        error_set(err, "out of memory");
    return library;
}

void cuda_conv_close(struct cuda_conv_library *library)
{
    free(library);
}

const char *cuda_conv_version(void)
{
    return "emulated";
}

void cuda_conv_free(struct cuda_conv *conv)
{
    free(conv);
}

const char *cuda_conv_name(const struct cuda_conv *conv)
{
    return conv->name;
}

size_t cuda_conv_workspace(const struct cuda_conv *)
{
    return 0;
}

static float get(const cuda_conv_shape &s, const void *p, size_t i)
{
    switch (s.type) {
    case CUDA_TYPE_F16:
        return pointwise_from_f16(static_cast<const uint16_t *>(p)[i]);
    case CUDA_TYPE_BF16:
        return pointwise_from_bf16(static_cast<const uint16_t *>(p)[i]);
    default:
        return static_cast<const float *>(p)[i];
    }
}

static void put(const cuda_conv_shape &s, void *p, size_t i, double x)
{
    switch (s.type) {
    case CUDA_TYPE_F16:
        static_cast<uint16_t *>(p)[i] = pointwise_to_f16((float)x);
        break;
    case CUDA_TYPE_BF16:
        static_cast<uint16_t *>(p)[i] = pointwise_to_bf16((float)x);
        break;
    default:
        static_cast<float *>(p)[i] = (float)x;
    }
}

/* Calls f(index of the input, of the weight, of the output) for every product of the convolution. */
template <typename F> static void products(const cuda_conv_shape &s, F f)
{
    for (int n = 0; n < s.n; n++)
        for (int oy = 0; oy < s.out_h; oy++)
            for (int ox = 0; ox < s.out_w; ox++)
                for (int ky = 0; ky < s.size; ky++)
                    for (int kx = 0; kx < s.size; kx++) {
                        int y = oy * s.stride + ky - s.pad, x = ox * s.stride + kx - s.pad;
                        if (y < 0 || y >= s.h || x < 0 || x >= s.w)
                            continue;
                        size_t in = (((size_t)n * s.h + y) * s.w + x) * s.c;
                        size_t out = (((size_t)n * s.out_h + oy) * s.out_w + ox) * s.k;
                        for (int k = 0; k < s.k; k++) {
                            size_t weight = (((size_t)k * s.size + ky) * s.size + kx) * s.c;
                            for (int c = 0; c < s.c; c++)
                                f(in + c, weight + c, out + k);
                        }
                    }
}

static float *floats(const cuda_conv_shape &s, const void *p, size_t count)
{
    auto *all = static_cast<float *>(malloc((count + 1) * sizeof(float)));
    for (size_t i = 0; all && i < count; i++)
        all[i] = get(s, p, i);
    return all;
}

int cuda_conv_run(struct cuda_conv *conv, const void *x, const void *w, void *out, void *, struct error *err)
{
    const cuda_conv_shape &s = conv->shape;
    if (emulator_recording)
        return conv->ran ? 0 : error_set(err, "a convolution runs for the first time while a recording is made");
    conv->ran = true;
    size_t in_count = (size_t)s.n * s.h * s.w * s.c, out_count = (size_t)s.n * s.out_h * s.out_w * s.k;
    size_t weights = (size_t)s.k * s.size * s.size * s.c;
    size_t x_count = conv->pass == CUDA_CONV_DATA ? out_count : in_count;
    size_t w_count = conv->pass == CUDA_CONV_WEIGHTS ? out_count : weights;
    size_t count = conv->pass == CUDA_CONV_FORWARD ? out_count : conv->pass == CUDA_CONV_DATA ? in_count : weights;
    float *a = floats(s, x, x_count), *b = floats(s, w, w_count);
    auto *sum = static_cast<double *>(calloc(count + 1, sizeof(double)));
    int status = a && b && sum ? 0 : error_set(err, "out of memory");
    if (!status) {
        if (conv->pass == CUDA_CONV_FORWARD)
            products(s, [=](size_t i, size_t k, size_t o) { sum[o] += (double)a[i] * b[k]; });
        else if (conv->pass == CUDA_CONV_DATA)
            products(s, [=](size_t i, size_t k, size_t o) { sum[i] += (double)a[o] * b[k]; });
        else
            products(s, [=](size_t i, size_t k, size_t o) { sum[k] += (double)a[i] * b[o]; });
        for (size_t i = 0; i < count; i++)
            put(s, out, i, sum[i]);
    }
    free(a);
    free(b);
    free(sum);
    return status;
}

/* ---- the search, of which there is one only when a test wants it ---- */

#define NAME "emulated:"
#define WAYS_MAX 8

struct bench {
    cuda_conv *conv;
    char way[WAYS_MAX][16];
    char kept[16];
    void *x, *w;
    size_t count; /* values of the result */
    int present;
    unsigned runs;
};

static bool bench_open(void *context, int way)
{
    auto *b = static_cast<bench *>(context);
    b->present = way;
    return strcmp(b->way[way], "absent") != 0;
}

/* What a way does to the right result. */
static void spoil(const bench *b, void *out)
{
    const char *way = b->way[b->present];
    const cuda_conv_shape &s = b->conv->shape;
    bool wrong = strcmp(way, "wrong") == 0, unsteady = strcmp(way, "unsteady") == 0; /* far off; in the last bits */
    for (size_t i = 0; (wrong || unsteady) && i < b->count; i++)
        if (float value = get(s, out, i); unsteady)
            put(s, out, i, value * (1 + (double)(b->runs % 2) / 128 * (i % 3 == 0)));
        else if (i % 4 == 0)
            put(s, out, i, 2 * value);
}

static int bench_run(void *context, void *out)
{
    auto *b = static_cast<bench *>(context);
    b->runs++;
    if (strcmp(b->way[b->present], "fails") == 0)
        return -1;
    if (strcmp(b->way[b->present], "silent") == 0) /* writes nothing */
        return 0;
    int status = cuda_conv_run(b->conv, b->x, b->w, out, nullptr, nullptr);
    spoil(b, out);
    return status;
}

static double bench_time(void *context, void *)
{
    return 1.0 / (1 + static_cast<bench *>(context)->present);
}

static void bench_close(void *context, int way, bool keep)
{
    auto *b = static_cast<bench *>(context);
    if (keep)
        memcpy(b->kept, b->way[way], sizeof b->kept);
}

static int search(cuda_device *device, cuda_conv *conv, const char *ways, struct error *err)
{
    bench b = {};
    conv_search search = {};
    size_t counts[3], each = conv->shape.type == CUDA_TYPE_F32 ? 4 : 2;
    for (int used; search.ways < WAYS_MAX && sscanf(ways, "%15s%n", b.way[search.ways], &used) == 1; ways += used)
        search.ways++;
    conv_search_counts(&conv->shape, conv->pass, counts);
    b.conv = conv;
    b.count = counts[2];
    b.x = cuda_device_alloc(device, counts[0] * each, err);
    b.w = b.x ? cuda_device_alloc(device, counts[1] * each, err) : nullptr;
    search.device = device;
    search.shape = &conv->shape;
    search.pass = conv->pass;
    search.seconds = 1e9;
    search.context = &b;
    search.open = bench_open;
    search.run = bench_run;
    search.time = bench_time;
    search.close = bench_close;
    int best = -1;
    if (b.w) {
        cuda_noise(b.x, counts[0], conv->shape.type, 1, device->stream);
        cuda_noise(b.w, counts[1], conv->shape.type, 2, device->stream);
        best = conv_search_run(&search, err);
        if (best < 0)
            error_set(err, "no way to do this convolution works");
    }
    cuda_device_free(device, b.x);
    cuda_device_free(device, b.w);
    snprintf(conv->name, sizeof conv->name, NAME "%s", b.kept);
    conv->ran = false;
    return best < 0 ? -1 : 0;
}

struct cuda_conv *cuda_conv_new(struct cuda_conv_library *library, const struct cuda_conv_shape *shape,
                                enum cuda_conv_pass pass, struct error *err)
{
    const char *ways = getenv("CUDA_EMULATED_WAYS");
    auto *conv = static_cast<cuda_conv *>(calloc(1, sizeof(cuda_conv)));
    if (!conv) {
        error_set(err, "out of memory");
        return nullptr;
    }
    conv->shape = *shape;
    conv->pass = pass;
    snprintf(conv->name, sizeof conv->name, NAME "loops");
    if (ways && search(library->device, conv, ways, err)) {
        free(conv);
        return nullptr;
    }
    return conv;
}
