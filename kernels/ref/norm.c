/* Batch norm over N, H, W (Ioffe & Szegedy, arXiv:1502.03167), one channel and one group of images at a time, in double
 * between the float32 that is read and the float32 that is written; half: what struct plan_norm_options names is
 * rounded. */
#include "kernels/ref/ref.h"

#include "kernels/half.h"
#include "kernels/parallel.h"

#include <math.h>

/* One group of images: [first, end). */
struct group {
    int index, first, end;
};

/* The next group of the batch, beginning with {0}; false after the last. In evaluation all images are one. */
static bool next_group(const struct ref_row *row, struct group *group, bool training)
{
    int n = ref_images(row), size = training ? plan_group_size(row->plan, n) : n;
    group->index = (group->end + size - 1) / size;
    group->first = group->end;
    group->end = group->first + size < n ? group->first + size : n;
    return group->first < n;
}

/* The first value of channel c of image n. */
static size_t plane_at(const struct ref_row *row, int n, size_t c)
{
    return n * row->size + c * row->plan->out.h * row->plan->out.w;
}

static double rounded(const struct ref_row *row, double value)
{
    return row->plan->half ? half_round((float)value) : value;
}

static void set_statistics(struct ref_row *row, size_t at, double mean, double var)
{
    row->mean[at] = rounded(row, mean);
    row->inv_std[at] = rounded(row, 1 / sqrt(var + row->plan->eps));
}

/* Mean and biased variance of each group; the running ones move towards the mean of the groups' means and unbiased
 * variances. */
static void statistics(struct ref_row *row, size_t c)
{
    const float *x = row->input[0]->out;
    size_t plane = (size_t)row->plan->out.h * row->plan->out.w;
    double means = 0, variances = 0;
    struct group g = {0};

    while (next_group(row, &g, true)) {
        double count = (double)(g.end - g.first) * (double)plane, sum = 0, square = 0;
        for (int n = g.first; n < g.end; n++)
            for (size_t i = 0; i < plane; i++)
                sum += x[plane_at(row, n, c) + i];
        double mean = sum / count;
        for (int n = g.first; n < g.end; n++)
            for (size_t i = 0; i < plane; i++) {
                double d = x[plane_at(row, n, c) + i] - mean;
                square += d * d;
            }
        set_statistics(row, (size_t)g.index * (size_t)row->plan->out.c + c, mean, square / count);
        means += mean;
        variances += square / (count > 1 ? count - 1 : 1);
    }
    double momentum = row->plan->momentum, groups = g.index;
    row->running_mean[c] = (float)rounded(row, (1 - momentum) * row->running_mean[c] + momentum * means / groups);
    row->running_var[c] = (float)rounded(row, (1 - momentum) * row->running_var[c] + momentum * variances / groups);
}

static void forward_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    const float *x = row->input[0]->out;
    size_t plane = (size_t)row->plan->out.h * row->plan->out.w;
    (void)thread;

    for (size_t c = begin; c < end; c++) {
        double scale = rounded(row, row->weight[c]), bias = rounded(row, row->bias[c]);
        struct group g = {0};
        if (row->ref->training)
            statistics(row, c);
        else
            set_statistics(row, c, row->running_mean[c], row->running_var[c]);
        while (next_group(row, &g, row->ref->training)) {
            size_t at = (size_t)g.index * (size_t)row->plan->out.c + c;
            double mean = row->mean[at], a = rounded(row, row->inv_std[at] * scale), b = rounded(row, bias - mean * a);
            for (int n = g.first; n < g.end; n++)
                for (size_t i = plane_at(row, n, c), stop = i + plane; i < stop; i++)
                    row->out[i] = (float)(row->plan->half ? x[i] * a + b : (x[i] - mean) * a + bias);
        }
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
    (void)thread;

    for (size_t c = begin; c < end; c++) {
        double all_dy = 0, all_dyx = 0, scale = rounded(row, row->weight[c]);
        struct group g = {0};
        while (next_group(row, &g, true)) {
            size_t at = (size_t)g.index * (size_t)row->plan->out.c + c;
            double count = (double)(g.end - g.first) * (double)plane;
            double mean = row->mean[at], inv_std = row->inv_std[at], sum_dy = 0, sum_dyx = 0;
            for (int n = g.first; n < g.end; n++)
                for (size_t i = plane_at(row, n, c), stop = i + plane; i < stop; i++) {
                    sum_dy += dy[i];
                    sum_dyx += dy[i] * ((x[i] - mean) * inv_std);
                }
            for (int n = g.first; n < g.end; n++)
                for (size_t i = plane_at(row, n, c), stop = i + plane; i < stop; i++) {
                    double x_hat = (x[i] - mean) * inv_std;
                    row->ref->share[i] = (float)(scale * inv_std * (dy[i] - sum_dy / count - x_hat * sum_dyx / count));
                }
            all_dy += sum_dy;
            all_dyx += sum_dyx;
        }
        row->weight_gradient[c] = (float)rounded(row, all_dyx);
        row->bias_gradient[c] = (float)rounded(row, all_dy);
    }
}

void ref_norm_backward(struct ref_row *row)
{
    parallel_for((size_t)row->plan->out.c, 1, backward_range, row);
    ref_give(row->input[0], row->ref->share);
}
