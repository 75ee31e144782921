/* Convolutions by loops, for the emulated family: no speed, no library, sums in double. */
extern "C" {
#include "kernels/cuda/conv.h"
#include "kernels/cuda/emulator/recording.h"
}

#include "kernels/cuda/pointwise.h"

#include <stdlib.h>
#include <string.h>

struct cuda_conv_library {
    int open;
};

struct cuda_conv {
    cuda_conv_shape shape;
    cuda_conv_pass pass;
    bool ran;
};

struct cuda_conv_library *cuda_conv_open(struct cuda_device *, const char *, struct error *err)
{
    auto *library = static_cast<cuda_conv_library *>(calloc(1, sizeof(cuda_conv_library)));
    if (!library)
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

struct cuda_conv *cuda_conv_new(struct cuda_conv_library *, const struct cuda_conv_shape *shape, enum cuda_conv_pass pass,
                                struct error *err)
{
    auto *conv = static_cast<cuda_conv *>(calloc(1, sizeof(cuda_conv)));
    if (!conv) {
        error_set(err, "out of memory");
        return nullptr;
    }
    conv->shape = *shape;
    conv->pass = pass;
    return conv;
}

void cuda_conv_free(struct cuda_conv *conv)
{
    free(conv);
}

const char *cuda_conv_name(const struct cuda_conv *)
{
    return "emulated:loops";
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
