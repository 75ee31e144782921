#include "kernels/cpu/cpu_array.h"

#include "kernels/bf16.h"
#include "kernels/parallel.h"

#include <math.h>
#include <string.h>

void cpu_array_init(struct cpu_array *a, struct plan_shape shape, enum cpu_layout layout, enum chain_type type,
                    int images, int group)
{
    ptrdiff_t c = cpu_pad_channels(shape.c), h = shape.h, w = shape.w, plane = h * w;
    *a = (struct cpu_array){.type = type, .layout = layout, .shape = shape, .images = images, .group = images};
    switch (layout) {
    case CPU_NHWC:
        a->sn = plane * c, a->sb = CHAIN_BLOCK, a->sc = 1, a->sh = w * c, a->sw = c;
        break;
    case CPU_BLOCKED:
        a->sn = plane * c, a->sb = plane * CHAIN_BLOCK, a->sc = 1, a->sh = w * CHAIN_BLOCK, a->sw = CHAIN_BLOCK;
        break;
    case CPU_HWNC:
        a->group = plane > 1 ? group : images;
        a->sn = c, a->sb = CHAIN_BLOCK, a->sc = 1, a->sh = w * a->group * c, a->sw = a->group * c;
        a->sg = plane * a->group * c;
        break;
    case CPU_LOGITS:
        a->type = CHAIN_F32;
        /* fall through */
    case CPU_NCHW:
        a->sn = plane * shape.c, a->sb = plane * CHAIN_BLOCK, a->sc = plane, a->sh = w, a->sw = 1;
        break;
    case CPU_FLAT:
        a->sn = cpu_pad_channels((int)(plane * shape.c));
        a->sb = plane * CHAIN_BLOCK, a->sc = plane, a->sh = w, a->sw = 1;
        break;
    }
}

static size_t element_bytes(const struct cpu_array *a)
{
    return a->type == CHAIN_BF16 ? sizeof(bf16) : sizeof(float);
}

/* Elements before image n. */
static ptrdiff_t image_offset(const struct cpu_array *a, ptrdiff_t n)
{
    return n / a->group * a->sg + n % a->group * a->sn;
}

size_t cpu_array_bytes(const struct cpu_array *a)
{
    ptrdiff_t elements = a->layout == CPU_HWNC ? a->images * a->sn * a->shape.h * a->shape.w : a->images * a->sn;
    return (size_t)elements * element_bytes(a);
}

void *cpu_array_at(const struct cpu_array *a, int n)
{
    return (char *)a->data + (size_t)image_offset(a, n) * element_bytes(a);
}

struct chain_view cpu_array_view(const struct cpu_array *a, int first)
{
    struct chain_view view = {.data = cpu_array_at(a, first),
                              .type = a->type,
                              .c = cpu_pad_channels(a->shape.c),
                              .h = a->shape.h,
                              .w = a->shape.w,
                              .sn = a->sn,
                              .sb = a->sb,
                              .sh = a->sh,
                              .sw = a->sw};
    if (a->layout == CPU_FLAT) {
        view.c = (int)a->sn;
        view.h = view.w = 1;
        view.sb = CHAIN_BLOCK;
        view.sh = view.sw = view.c;
    }
    return view;
}

static float load(const struct cpu_array *a, ptrdiff_t at)
{
    return a->type == CHAIN_BF16 ? bf16_to_float(((const bf16 *)a->data)[at]) : ((const float *)a->data)[at];
}

static void store(const struct cpu_array *a, ptrdiff_t at, float value)
{
    if (a->type == CHAIN_BF16)
        ((bf16 *)a->data)[at] = bf16_from_float(value);
    else
        ((float *)a->data)[at] = value;
}

struct copy {
    const struct cpu_array *from, *to;
    int from_c, to_c, channels;
    bool add;
};

/* Elements before channel c of image n. */
static ptrdiff_t plane_offset(const struct cpu_array *a, ptrdiff_t n, int c)
{
    return image_offset(a, n) + c / CHAIN_BLOCK * a->sb + c % CHAIN_BLOCK * a->sc;
}

static void copy_images(void *context, size_t begin, size_t end, int thread)
{
    (void)thread;
    const struct copy *copy = context;
    const struct cpu_array *from = copy->from, *to = copy->to;
    for (ptrdiff_t n = (ptrdiff_t)begin; n < (ptrdiff_t)end; n++)
        for (int c = 0; c < copy->channels; c++)
            for (int y = 0; y < from->shape.h; y++) {
                ptrdiff_t a = plane_offset(from, n, copy->from_c + c) + y * from->sh;
                ptrdiff_t b = plane_offset(to, n, copy->to_c + c) + y * to->sh;
                for (int x = 0; x < from->shape.w; x++) {
                    float old = copy->add ? load(to, b + x * to->sw) : 0;
                    store(to, b + x * to->sw, old + load(from, a + x * from->sw));
                }
            }
}

void cpu_array_copy_channels(const struct cpu_array *from, int from_c, const struct cpu_array *to, int to_c,
                             int channels, int n)
{
    struct copy copy = {from, to, from_c, to_c, channels, false};
    parallel_for((size_t)n, 1, copy_images, &copy);
}

void cpu_array_copy(const struct cpu_array *from, const struct cpu_array *to, int n)
{
    cpu_array_copy_channels(from, 0, to, 0, from->shape.c, n);
}

void cpu_array_add(const struct cpu_array *from, const struct cpu_array *to, int n)
{
    struct copy copy = {from, to, 0, 0, from->shape.c, true};
    parallel_for((size_t)n, 1, copy_images, &copy);
}

/* In CPU_HWNC the images of a group lie together at each pixel; in the others an image lies in one piece. */
void cpu_array_zero(const struct cpu_array *a, int begin, int end)
{
    size_t bytes = element_bytes(a);
    int pixels = a->layout == CPU_HWNC ? a->shape.h * a->shape.w : 1;
    for (int first = begin; first < end;) {
        int last = (first / a->group + 1) * a->group;
        last = last < end ? last : end;
        for (int pixel = 0; pixel < pixels; pixel++)
            memset((char *)cpu_array_at(a, first) + (size_t)(pixel * a->sw) * bytes, 0,
                   (size_t)((last - first) * a->sn) * bytes);
        first = last;
    }
}

bool cpu_array_finite(const struct cpu_array *a, int n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        for (int c = 0; c < a->shape.c; c++)
            for (int y = 0; y < a->shape.h; y++)
                for (int x = 0; x < a->shape.w; x++)
                    if (!isfinite(load(a, image_offset(a, i) + c / CHAIN_BLOCK * a->sb + c % CHAIN_BLOCK * a->sc +
                                              y * a->sh + x * a->sw)))
                        return false;
    return true;
}
