/*
 * 2-D convolution by direct loops over images that were padded with zeros beforehand, so that no loop needs a
 * bound. Sums are float32 over one window (for the weights: one image) and double across channels and images, so
 * that the oracle's own rounding stays well below a plain float32 sum's.
 */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <string.h>

/* The height and width of a padded input plane. */
static struct plan_shape padded_shape(const struct ref_row *row)
{
    struct plan_shape in = ref_in_shape(row);
    return (struct plan_shape){in.c, in.h + 2 * row->plan->pad, in.w + 2 * row->plan->pad};
}

static const float *padded_plane(const struct ref_row *row, size_t image, size_t channel)
{
    struct plan_shape padded = padded_shape(row);
    return row->ref->padded + (image * padded.c + channel) * padded.h * padded.w;
}

/* Items are (image, input channel). */
static void pad_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    struct plan_shape in = ref_in_shape(row), padded = padded_shape(row);
    int pad = row->plan->pad;
    (void)thread;

    for (size_t i = begin; i < end; i++) {
        float *to = row->ref->padded + i * padded.h * padded.w;
        memset(to, 0, (size_t)padded.h * padded.w * sizeof *to);
        for (int y = 0; y < in.h; y++)
            memcpy(to + (y + pad) * padded.w + pad, row->input[0]->out + (i * in.h + y) * in.w,
                   (size_t)in.w * sizeof *to);
    }
}

static void pad_images(struct ref_row *row)
{
    parallel_for((size_t)ref_images(row) * ref_in_shape(row).c, 1, pad_range, row);
}

/* part[oy][ox] += sum over ky, kx of weight[ky][kx] * plane[oy*s + ky][ox*s + kx]. */
static void add_windows(const struct plan_row *p, const float *restrict plane, int width, const float *restrict weight,
                        float *restrict part)
{
    for (int oy = 0; oy < p->out.h; oy++)
        for (int ky = 0; ky < p->kernel; ky++)
            for (int kx = 0; kx < p->kernel; kx++) {
                const float *line = plane + (oy * p->stride + ky) * width + kx;
                float w = weight[ky * p->kernel + kx];
                for (int ox = 0; ox < p->out.w; ox++)
                    part[oy * p->out.w + ox] += w * line[ox * p->stride];
            }
}

/* Items are (image, output channel). */
static void forward_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    struct plan_shape out = row->plan->out, padded = padded_shape(row);
    size_t plane = (size_t)out.h * out.w, window = (size_t)row->plan->kernel * row->plan->kernel;
    double *sum = row->ref->sum + (size_t)thread * row->ref->plane;
    float *part = row->ref->part + (size_t)thread * row->ref->plane;

    for (size_t i = begin; i < end; i++) {
        size_t image = i / (size_t)out.c, oc = i % (size_t)out.c;
        for (size_t k = 0; k < plane; k++)
            sum[k] = row->bias ? row->bias[oc] : 0;
        for (int ic = 0; ic < padded.c; ic++) {
            memset(part, 0, plane * sizeof *part);
            add_windows(row->plan, padded_plane(row, image, (size_t)ic), padded.w,
                        row->used + (oc * padded.c + ic) * window, part);
            for (size_t k = 0; k < plane; k++)
                sum[k] += part[k];
        }
        for (size_t k = 0; k < plane; k++)
            row->out[i * plane + k] = (float)sum[k];
    }
}

void ref_conv_forward(struct ref_row *row)
{
    pad_images(row);
    parallel_for((size_t)ref_images(row) * row->plan->out.c, 1, forward_range, row);
}

/* The transpose of add_windows: part[oy*s + ky][ox*s + kx] += weight[ky][kx] * gradient[oy][ox]. */
static void spread_windows(const struct plan_row *p, const float *restrict gradient, int width,
                           const float *restrict weight, float *restrict part)
{
    for (int oy = 0; oy < p->out.h; oy++)
        for (int ky = 0; ky < p->kernel; ky++)
            for (int kx = 0; kx < p->kernel; kx++) {
                float *line = part + (oy * p->stride + ky) * width + kx;
                float w = weight[ky * p->kernel + kx];
                for (int ox = 0; ox < p->out.w; ox++)
                    line[ox * p->stride] += w * gradient[oy * p->out.w + ox];
            }
}

/* dx of one padded plane, of which the middle is handed on; items are (image, input channel). */
static void data_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    const struct plan_row *p = row->plan;
    struct plan_shape in = ref_in_shape(row), padded = padded_shape(row);
    size_t plane = (size_t)padded.h * padded.w, window = (size_t)p->kernel * p->kernel;
    double *sum = row->ref->sum + (size_t)thread * row->ref->plane;
    float *part = row->ref->part + (size_t)thread * row->ref->plane;

    for (size_t i = begin; i < end; i++) {
        size_t image = i / (size_t)in.c, ic = i % (size_t)in.c;
        memset(sum, 0, plane * sizeof *sum);
        for (int oc = 0; oc < p->out.c; oc++) {
            memset(part, 0, plane * sizeof *part);
            spread_windows(p, row->gradient + (image * p->out.c + oc) * p->out.h * p->out.w, padded.w,
                           row->used + ((size_t)oc * in.c + ic) * window, part);
            for (size_t k = 0; k < plane; k++)
                sum[k] += part[k];
        }
        for (int y = 0; y < in.h; y++)
            for (int x = 0; x < in.w; x++)
                row->ref->share[(i * in.h + y) * in.w + x] = (float)sum[(y + p->pad) * padded.w + x + p->pad];
    }
}

/* part[ox] += sum over oy of gradient[oy][ox] * plane[oy*s][ox*s]. */
static void add_products(const struct plan_row *p, const float *restrict gradient, const float *restrict plane,
                         int width, float *restrict part)
{
    for (int oy = 0; oy < p->out.h; oy++)
        for (int ox = 0; ox < p->out.w; ox++)
            part[ox] += gradient[oy * p->out.w + ox] * plane[oy * p->stride * width + ox * p->stride];
}

/* dw[oc][ic][ky][kx] = sum over images and outputs of dy[oc][oy][ox] * padded[ic][oy*s + ky][ox*s + kx]; items are
 * (output channel, input channel). */
static void weight_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    const struct plan_row *p = row->plan;
    struct plan_shape padded = padded_shape(row);
    int window = p->kernel * p->kernel;
    float *part = row->ref->part + (size_t)thread * row->ref->plane;

    for (size_t i = begin; i < end; i++) {
        size_t oc = i / (size_t)padded.c, ic = i % (size_t)padded.c;
        for (int k = 0; k < window; k++) {
            int shift = k / p->kernel * padded.w + k % p->kernel;
            double sum = 0;
            for (int n = 0; n < ref_images(row); n++) {
                memset(part, 0, (size_t)p->out.w * sizeof *part);
                add_products(p, row->gradient + n * row->size + oc * p->out.h * p->out.w,
                             padded_plane(row, (size_t)n, ic) + shift, padded.w, part);
                for (int ox = 0; ox < p->out.w; ox++)
                    sum += part[ox];
            }
            row->weight_gradient[i * window + k] = (float)sum;
        }
    }
}

/* db[oc] = sum of dy over images and outputs; items are output channels. */
static void bias_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    size_t plane = (size_t)row->plan->out.h * row->plan->out.w;
    (void)thread;

    for (size_t oc = begin; oc < end; oc++) {
        double sum = 0;
        for (int n = 0; n < ref_images(row); n++)
            for (size_t k = 0; k < plane; k++)
                sum += row->gradient[n * row->size + oc * plane + k];
        row->bias_gradient[oc] = (float)sum;
    }
}

void ref_conv_backward(struct ref_row *row)
{
    int in_c = ref_in_shape(row).c;
    if (row->ref->program.plan->tensors[row->plan->tensor[0]].trained) {
        pad_images(row);
        parallel_for((size_t)row->plan->out.c * in_c, 1, weight_range, row);
    }
    if (row->bias)
        parallel_for((size_t)row->plan->out.c, 1, bias_range, row);
    if (ref_wants(row)) {
        parallel_for((size_t)ref_images(row) * in_c, 1, data_range, row);
        ref_give(row->input[0], row->ref->share);
    }
}
