/*
 * 2-D convolution by direct loops. Sums are float32 over one window (or one image, for the weights) and double
 * across channels and images, so that the oracle's own rounding stays well below a plain float32 sum's.
 */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3") /* the inner loops over x are worth vectorising even in a reference */
#endif

/* The outputs begin .. end-1 of `count` whose x * stride + offset lies inside 0 .. size-1. */
struct span {
    int begin, end;
};

static struct span inside(int count, int stride, int offset, int size)
{
    struct span span = {offset < 0 ? (-offset + stride - 1) / stride : 0, 0};
    if (size - 1 - offset >= 0)
        span.end = (size - 1 - offset) / stride + 1;
    if (span.end > count)
        span.end = count;
    return span;
}

/* One line of outputs: out[oy][ox] = sum over ic, ky, kx of w[ic][ky][kx] * in[ic][oy*s + ky - p][ox*s + kx - p]. */
static void forward_line(const struct ref_row *row, const float *image, const float *weight, int oy, double *sum,
                         float *part, float *out)
{
    const struct plan_row *p = row->plan;
    struct plan_shape in = ref_in_shape(row);

    memset(sum, 0, (size_t)p->out.w * sizeof *sum);
    for (int ic = 0; ic < in.c; ic++) {
        memset(part, 0, (size_t)p->out.w * sizeof *part);
        for (int ky = 0; ky < p->kernel; ky++) {
            int iy = oy * p->stride + ky - p->pad;
            if (iy < 0 || iy >= in.h)
                continue;
            const float *line = image + ((size_t)ic * in.h + iy) * in.w;
            for (int kx = 0; kx < p->kernel; kx++) {
                float w = weight[((size_t)ic * p->kernel + ky) * p->kernel + kx];
                struct span span = inside(p->out.w, p->stride, kx - p->pad, in.w);
                if (p->stride == 1)
                    for (int ox = span.begin; ox < span.end; ox++)
                        part[ox] += w * line[ox + kx - p->pad];
                else
                    for (int ox = span.begin; ox < span.end; ox++)
                        part[ox] += w * line[ox * p->stride + kx - p->pad];
            }
        }
        for (int ox = 0; ox < p->out.w; ox++)
            sum[ox] += part[ox];
    }
    for (int ox = 0; ox < p->out.w; ox++)
        out[ox] = (float)sum[ox];
}

/* Items are (image, output channel). */
static void forward_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    const struct ref *ref = row->ref;
    struct plan_shape out = row->plan->out, in = ref_in_shape(row);
    size_t filter = (size_t)in.c * row->plan->kernel * row->plan->kernel;

    for (size_t i = begin; i < end; i++) {
        size_t image = i / (size_t)out.c, oc = i % (size_t)out.c;
        for (int oy = 0; oy < out.h; oy++)
            forward_line(row, row->input[0]->out + image * row->input[0]->size, row->used + oc * filter, oy,
                         ref->line + (size_t)thread * ref->line_width, ref->part + (size_t)thread * ref->line_width,
                         row->out + (i * out.h + oy) * out.w);
    }
}

void ref_conv_forward(struct ref_row *row)
{
    parallel_for((size_t)ref_images(row) * row->plan->out.c, 1, forward_range, row);
}

/* One line of the input's gradient: dx[iy][ox*s + kx - p] = sum over oc, ky, kx of w[oc][ky][kx] * dy[oc][oy][ox]. */
static void data_line(const struct ref_row *row, const float *gradient, int ic, int iy, double *sum, float *part,
                      float *out)
{
    const struct plan_row *p = row->plan;
    struct plan_shape in = ref_in_shape(row);

    memset(sum, 0, (size_t)in.w * sizeof *sum);
    for (int oc = 0; oc < p->out.c; oc++) {
        const float *weight = row->used + ((size_t)oc * in.c + ic) * p->kernel * p->kernel;
        memset(part, 0, (size_t)in.w * sizeof *part);
        for (int ky = 0; ky < p->kernel; ky++) {
            int reach = iy + p->pad - ky;
            if (reach < 0 || reach % p->stride || reach / p->stride >= p->out.h)
                continue;
            const float *line = gradient + ((size_t)oc * p->out.h + reach / p->stride) * p->out.w;
            for (int kx = 0; kx < p->kernel; kx++) {
                float w = weight[ky * p->kernel + kx];
                struct span span = inside(p->out.w, p->stride, kx - p->pad, in.w);
                if (p->stride == 1)
                    for (int ox = span.begin; ox < span.end; ox++)
                        part[ox + kx - p->pad] += w * line[ox];
                else
                    for (int ox = span.begin; ox < span.end; ox++)
                        part[ox * p->stride + kx - p->pad] += w * line[ox];
            }
        }
        for (int ix = 0; ix < in.w; ix++)
            sum[ix] += part[ix];
    }
    for (int ix = 0; ix < in.w; ix++)
        out[ix] = (float)sum[ix];
}

/* Items are (image, input channel). */
static void data_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    const struct ref *ref = row->ref;
    struct plan_shape in = ref_in_shape(row);

    for (size_t i = begin; i < end; i++) {
        size_t image = i / (size_t)in.c;
        for (int iy = 0; iy < in.h; iy++)
            data_line(row, row->gradient + image * row->size, (int)(i % (size_t)in.c), iy,
                      ref->line + (size_t)thread * ref->line_width, ref->part + (size_t)thread * ref->line_width,
                      ref->share + (i * in.h + iy) * in.w);
    }
}

/* The gradient of one weight: dw[oc][ic][ky][kx] = sum over images and outputs of dy[oc][oy][ox] * in[ic][iy][ix]. */
static float weight_one(const struct ref_row *row, int oc, int ic, int ky, int kx, float *part)
{
    const struct plan_row *p = row->plan;
    const struct ref_row *input = row->input[0];
    struct plan_shape in = ref_in_shape(row);
    struct span rows = inside(p->out.h, p->stride, ky - p->pad, in.h);
    struct span columns = inside(p->out.w, p->stride, kx - p->pad, in.w);
    double sum = 0;

    for (int n = 0; n < ref_images(row); n++) {
        memset(part, 0, (size_t)p->out.w * sizeof *part);
        for (int oy = rows.begin; oy < rows.end; oy++) {
            const float *dy = row->gradient + n * row->size + ((size_t)oc * p->out.h + oy) * p->out.w;
            const float *x = input->out + n * input->size + ((size_t)ic * in.h + oy * p->stride + ky - p->pad) * in.w;
            if (p->stride == 1)
                for (int ox = columns.begin; ox < columns.end; ox++)
                    part[ox] += dy[ox] * x[ox + kx - p->pad];
            else
                for (int ox = columns.begin; ox < columns.end; ox++)
                    part[ox] += dy[ox] * x[ox * p->stride + kx - p->pad];
        }
        for (int ox = columns.begin; ox < columns.end; ox++)
            sum += part[ox];
    }
    return (float)sum;
}

/* Items are (output channel, input channel). */
static void weight_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_row *row = context;
    const struct ref *ref = row->ref;
    int in_c = ref_in_shape(row).c, k = row->plan->kernel;

    for (size_t i = begin; i < end; i++)
        for (int ky = 0; ky < k; ky++)
            for (int kx = 0; kx < k; kx++)
                row->weight_gradient[(i * k + ky) * k + kx] =
                    weight_one(row, (int)(i / (size_t)in_c), (int)(i % (size_t)in_c), ky, kx,
                               ref->part + (size_t)thread * ref->line_width);
}

void ref_conv_backward(struct ref_row *row)
{
    int in_c = ref_in_shape(row).c;
    parallel_for((size_t)row->plan->out.c * in_c, 1, weight_range, row);
    if (ref_wants(row)) {
        parallel_for((size_t)ref_images(row) * in_c, 1, data_range, row);
        ref_give(row->input[0], row->ref->share);
    }
}
