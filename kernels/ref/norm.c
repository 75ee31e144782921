/* Batch norm over N, H, W (Ioffe & Szegedy, arXiv:1502.03167), one channel at a time, in double between the
 * float32 that is read and the float32 that is written. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <math.h>

/* The first value of channel c of image n. */
static size_t plane_at(const struct ref_row *row, int n, size_t c)
{
    return n * row->size + c * row->plan->out.h * row->plan->out.w;
}

/* Mean and biased variance of the batch; the running ones move towards the mean and the unbiased variance. */
static void statistics(struct ref_row *row, size_t c)
{
    const float *x = row->input[0]->out;
    size_t plane = (size_t)row->plan->out.h * row->plan->out.w;
    double count = (double)ref_images(row) * (double)plane, sum = 0, square = 0;

    for (int n = 0; n < ref_images(row); n++)
        for (size_t i = 0; i < plane; i++)
            sum += x[plane_at(row, n, c) + i];
    double mean = sum / count;
    for (int n = 0; n < ref_images(row); n++)
        for (size_t i = 0; i < plane; i++) {
            double d = x[plane_at(row, n, c) + i] - mean;
            square += d * d;
        }
    row->mean[c] = mean;
    row->inv_std[c] = 1 / sqrt(square / count + row->plan->eps);

    double momentum = row->plan->momentum, unbiased = square / (count > 1 ? count - 1 : 1);
    row->running_mean[c] = (float)((1 - momentum) * row->running_mean[c] + momentum * mean);
    row->running_var[c] = (float)((1 - momentum) * row->running_var[c] + momentum * unbiased);
}

static void forward_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    const float *x = row->input[0]->out;
    size_t plane = (size_t)row->plan->out.h * row->plan->out.w;
    (void)thread;

    for (size_t c = begin; c < end; c++) {
        if (row->ref->training) {
            statistics(row, c);
        } else {
            row->mean[c] = row->running_mean[c];
            row->inv_std[c] = 1 / sqrt(row->running_var[c] + row->plan->eps);
        }
        for (int n = 0; n < ref_images(row); n++)
            for (size_t i = plane_at(row, n, c), stop = i + plane; i < stop; i++)
                row->out[i] = (float)((x[i] - row->mean[c]) * row->inv_std[c] * row->weight[c] + row->bias[c]);
    }
}

void ref_norm_forward(struct ref_row *row)
{
    parallel_for((size_t)row->plan->out.c, 1, forward_range, row);
}

static void backward_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    const float *x = row->input[0]->out, *dy = row->gradient;
    size_t plane = (size_t)row->plan->out.h * row->plan->out.w;
    double count = (double)ref_images(row) * (double)plane;
    (void)thread;

    for (size_t c = begin; c < end; c++) {
        double mean = row->mean[c], inv_std = row->inv_std[c], sum_dy = 0, sum_dyx = 0;
        for (int n = 0; n < ref_images(row); n++)
            for (size_t i = plane_at(row, n, c), stop = i + plane; i < stop; i++) {
                sum_dy += dy[i];
                sum_dyx += dy[i] * ((x[i] - mean) * inv_std);
            }
        row->weight_gradient[c] = (float)sum_dyx;
        row->bias_gradient[c] = (float)sum_dy;
        for (int n = 0; n < ref_images(row); n++)
            for (size_t i = plane_at(row, n, c), stop = i + plane; i < stop; i++) {
                double x_hat = (x[i] - mean) * inv_std;
                row->ref->share[i] =
                    (float)(row->weight[c] * inv_std * (dy[i] - sum_dy / count - x_hat * sum_dyx / count));
            }
    }
}

void ref_norm_backward(struct ref_row *row)
{
    parallel_for((size_t)row->plan->out.c, 1, backward_range, row);
    ref_give(row->input[0], row->ref->share);
}
