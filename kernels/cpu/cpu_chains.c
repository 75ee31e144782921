/*
 * Chains with their batch norms, and the biases of convolutions. A norm's groups of images (plan_group_size; plain
 * batch norm is one) are taken one after the other: what a group's statistics have just read is still in the caches
 * when it is normalised, and likewise backward.
 */
#include "kernels/cpu/cpu_program.h"

#include "kernels/half.h"

#include <math.h>
#include <string.h>

/* ---- norms ---- */

static const struct plan_row *norm_row(struct program *program, const struct cpu_op *op)
{
    return &program->plan->rows[cpu_own(program)->graph.units[op->unit].norm_row];
}

/* NULL: a chain without norm. */
static struct cpu_norm_state *norm_of(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    return own->graph.units[op->unit].norm_row >= 0 ? &own->nodes[op->unit].norm : NULL;
}

/* The state as one group sees it. */
static struct cpu_norm_state group_state(const struct cpu_norm_state *norm, int group)
{
    struct cpu_norm_state own = *norm;
    float **arrays[CPU_NORM_ARRAYS] = {&own.mean, &own.var, &own.invstd, &own.a,      &own.b,
                                       &own.ca,   &own.cb,  &own.cc,     &own.sum_dz, &own.sum_dzx};
    for (int i = 0; i < CPU_NORM_ARRAYS; i++)
        *arrays[i] += (size_t)group * (size_t)norm->padded;
    return own;
}

static void round_half(const struct plan_row *row, float *values, int count)
{
    for (int c = 0; row->half && c < count; c++)
        values[c] = half_round(values[c]);
}

/* Where a tensor of the plan lies in one of the arenas. */
static float *tensor_in(const struct program *program, float *arena, int tensor)
{
    return arena + program->plan->tensors[tensor].offset;
}

static void norm_parameters(struct program *program, const struct plan_row *row, const struct cpu_norm_state *norm)
{
    struct cpu_program *own = cpu_own(program);
    size_t bytes = (size_t)norm->channels * sizeof(float);
    memcpy(norm->scale, tensor_in(program, own->weights, norm->scale_tensor), bytes);
    memcpy(norm->bias, tensor_in(program, own->weights, norm->bias_tensor), bytes);
    round_half(row, norm->scale, norm->channels);
    round_half(row, norm->bias, norm->channels);
}

/* mean, invstd, a and b from the two statistics; mean may be norm->mean. */
static void norm_affine(const struct plan_row *row, const struct cpu_norm_state *norm, int count, const float *mean,
                        const float *var)
{
    for (int c = 0; c < count; c++) {
        norm->mean[c] = mean[c];
        norm->invstd[c] = (float)(1 / sqrt(var[c] + row->eps));
    }
    if (!row->half) {
        chain_affine(count, norm->scale, norm->bias, mean, var, row->eps, norm->a, norm->b);
        return;
    }
    round_half(row, norm->mean, count);
    round_half(row, norm->invstd, count);
    for (int c = 0; c < count; c++) {
        norm->a[c] = half_round(norm->scale[c] * norm->invstd[c]);
        norm->b[c] = half_round((float)(norm->bias[c] - (double)norm->mean[c] * norm->a[c]));
    }
}

/* Images of a group that is not the last. In evaluation all images are one group. */
static int group_size(const struct program *program, const struct plan_row *row)
{
    return row ? plan_group_size(row, program->batch.n) : program->batch.n;
}

static int group_end(const struct program *program, int first, int size)
{
    return program->batch.n - first < size ? program->batch.n : first + size;
}

static double norm_count(const struct plan_row *row, int images)
{
    return (double)images * row->out.h * row->out.w;
}

/* Towards the mean of the groups' means and unbiased variances: norm's mean and var, groups of `size` images. */
static void update_running(struct program *program, const struct plan_row *row, const struct cpu_norm_state *norm,
                           int size)
{
    struct cpu_program *own = cpu_own(program);
    float *mean = tensor_in(program, own->weights, norm->mean_tensor);
    float *var = tensor_in(program, own->weights, norm->var_tensor);
    double keep = 1 - row->momentum;
    int groups = (program->batch.n + size - 1) / size;
    for (int c = 0; c < norm->channels; c++) {
        double means = 0, vars = 0;
        for (int g = 0; g < groups; g++) {
            double m = norm_count(row, group_end(program, g * size, size) - g * size);
            size_t at = (size_t)g * (size_t)norm->padded + (size_t)c;
            means += row->momentum * norm->mean[at];
            vars += row->momentum * (m > 1 ? m / (m - 1) : 1) * norm->var[at];
        }
        mean[c] = (float)(keep * mean[c] + means / groups);
        var[c] = (float)(keep * var[c] + vars / groups);
    }
    round_half(row, mean, norm->channels);
    round_half(row, var, norm->channels);
}

/* Mean and variance of the images first .. end - 1 over all pieces (Chan's formula where there are several). */
static void norm_statistics(struct program *program, const struct cpu_op *op, const struct cpu_norm_state *norm,
                            int first, int end)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_op only_x = {.x = op->x, .skip = -1, .g1 = -1, .g2 = -1, .out = -1, .dx = -1};
    double *sum = norm->sums, *square = norm->sums + norm->padded, done = 0;
    struct cpu_views views;
    for (int at = first; cpu_next_views(program, &only_x, end, &at, &views); done += views.n) {
        if (views.n == end - first) {
            chain_statistics(&views.x, views.n, norm->mean, norm->var, own->scratch);
            return;
        }
        chain_statistics(&views.x, views.n, norm->a, norm->b, own->scratch);
        for (int c = 0; c < norm->padded; c++) {
            double before = done > 0 ? sum[c] : 0, moved = norm->a[c] - before, all = done + views.n;
            square[c] = (done > 0 ? square[c] : 0) + views.n * norm->b[c] + moved * moved * done * views.n / all;
            sum[c] = before + moved * views.n / all;
        }
    }
    for (int c = 0; c < norm->padded; c++) {
        norm->mean[c] = (float)sum[c];
        norm->var[c] = (float)(square[c] / done);
    }
}

/* sum_dz and sum_dzx of the images first .. end - 1 over all pieces. */
static void norm_reduce(struct program *program, const struct cpu_op *op, const struct cpu_norm_state *norm, int first,
                        int end)
{
    struct cpu_program *own = cpu_own(program);
    const struct chain *chain = &own->graph.units[op->unit].chain;
    double *sum_dz = norm->sums, *sum_dzx = norm->sums + norm->padded;
    struct cpu_views views;
    memset(norm->sums, 0, 2 * (size_t)norm->padded * sizeof *norm->sums);
    for (int at = first; cpu_next_views(program, op, end, &at, &views);) {
        chain_backward_reduce(chain, &views.x, views.n, norm->a, norm->b, norm->mean, norm->invstd, &views.g1,
                              op->g2 >= 0 ? &views.g2 : NULL, norm->sum_dz, norm->sum_dzx, own->scratch);
        for (int c = 0; c < norm->padded; c++) {
            sum_dz[c] += norm->sum_dz[c];
            sum_dzx[c] += norm->sum_dzx[c];
        }
    }
    for (int c = 0; c < norm->padded; c++) {
        norm->sum_dz[c] = (float)sum_dz[c];
        norm->sum_dzx[c] = (float)sum_dzx[c];
    }
}

/* Gradients of scale and bias: the sums of all groups. */
static void norm_gradients(struct program *program, const struct plan_row *row, const struct cpu_norm_state *norm,
                           int groups)
{
    struct cpu_program *own = cpu_own(program);
    float *scale = tensor_in(program, own->gradients, norm->scale_tensor);
    float *bias = tensor_in(program, own->gradients, norm->bias_tensor);
    for (int c = 0; c < norm->channels; c++) {
        double dz = 0, dzx = 0;
        for (int g = 0; g < groups; g++) {
            dz += norm->sum_dz[(size_t)g * (size_t)norm->padded + (size_t)c];
            dzx += norm->sum_dzx[(size_t)g * (size_t)norm->padded + (size_t)c];
        }
        scale[c] = (float)dzx;
        bias[c] = (float)dz;
    }
    round_half(row, scale, norm->channels);
    round_half(row, bias, norm->channels);
}

/* ---- chains ---- */

/* norm (optional): of the images' group. */
static void forward_images(struct program *program, const struct cpu_op *op, const struct cpu_norm_state *norm,
                           int first, int end)
{
    const struct chain *chain = &cpu_own(program)->graph.units[op->unit].chain;
    struct cpu_views views;
    while (cpu_next_views(program, op, end, &first, &views))
        chain_forward(chain, &views.x, views.n, norm ? norm->a : NULL, norm ? norm->b : NULL,
                      op->skip >= 0 ? &views.skip : NULL, &views.out);
}

static void backward_images(struct program *program, const struct cpu_op *op, const struct cpu_norm_state *norm,
                            int first, int end)
{
    const struct chain *chain = &cpu_own(program)->graph.units[op->unit].chain;
    struct cpu_views views;
    while (op->dx >= 0 && cpu_next_views(program, op, end, &first, &views))
        chain_backward_apply(chain, &views.x, views.n, norm ? norm->a : NULL, norm ? norm->b : NULL,
                             norm ? norm->ca : NULL, norm ? norm->cb : NULL, norm ? norm->cc : NULL, &views.g1,
                             op->g2 >= 0 ? &views.g2 : NULL, &views.dx);
}

void cpu_op_chain_train(struct program *program, const struct cpu_op *op)
{
    const struct cpu_norm_state *norm = norm_of(program, op);
    if (norm) {
        const struct plan_row *row = norm_row(program, op);
        int size = group_size(program, row);
        norm_parameters(program, row, norm);
        for (int first = 0; first < program->batch.n; first += size) {
            struct cpu_norm_state group = group_state(norm, first / size);
            int end = group_end(program, first, size);
            norm_statistics(program, op, &group, first, end);
            norm_affine(row, &group, norm->padded, group.mean, group.var);
            forward_images(program, op, &group, first, end);
        }
        update_running(program, row, norm, size);
    } else {
        forward_images(program, op, NULL, 0, program->batch.n);
    }
    cpu_clear_tail(program, op->out);
}

void cpu_op_chain_eval(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_norm_state *norm = norm_of(program, op);
    if (norm) {
        const struct plan_row *row = norm_row(program, op);
        norm_parameters(program, row, norm);
        norm_affine(row, norm, norm->channels, tensor_in(program, own->weights, norm->mean_tensor),
                    tensor_in(program, own->weights, norm->var_tensor));
    }
    forward_images(program, op, norm, 0, program->batch.n);
    cpu_clear_tail(program, op->out);
}

void cpu_op_chain_backward(struct program *program, const struct cpu_op *op)
{
    const struct cpu_norm_state *norm = norm_of(program, op);
    if (norm) {
        const struct plan_row *row = norm_row(program, op);
        int size = group_size(program, row), groups = 0;
        for (int first = 0; first < program->batch.n; first += size, groups++) {
            struct cpu_norm_state group = group_state(norm, groups);
            int end = group_end(program, first, size);
            norm_reduce(program, op, &group, first, end);
            chain_backward_affine(norm->padded, norm->scale, group.mean, group.invstd, group.sum_dz, group.sum_dzx,
                                  norm_count(row, end - first), group.ca, group.cb, group.cc);
            backward_images(program, op, &group, first, end);
        }
        norm_gradients(program, row, norm, groups);
    } else {
        backward_images(program, op, NULL, 0, program->batch.n);
    }
    cpu_clear_tail(program, op->dx);
}

/* The backward of a chain without stages adds its two gradients. */
void cpu_op_sum(struct program *program, const struct cpu_op *op)
{
    static const struct chain nothing = {.norm = 0, .act = CHAIN_ACT_NONE, .pool = 1};
    struct cpu_views views;
    for (int first = 0; cpu_next_views(program, op, program->batch.n, &first, &views);)
        chain_backward_apply(&nothing, &views.g1, views.n, NULL, NULL, NULL, NULL, NULL, &views.g1,
                             op->g2 >= 0 ? &views.g2 : NULL, &views.dx);
    cpu_clear_tail(program, op->dx);
}

/* ---- biases of convolutions ---- */

void cpu_op_conv_add_bias(struct program *program, const struct cpu_op *op)
{
    static const struct chain affine = {.norm = 1, .act = CHAIN_ACT_NONE, .pool = 1};
    struct cpu_program *own = cpu_own(program);
    const struct cpu_conv_state *conv = &own->nodes[op->unit].conv;
    const struct plan_tensor *t = &program->plan->tensors[conv->bias_tensor];
    struct cpu_views views;
    memcpy(conv->bias, own->weights + t->offset, t->count * sizeof(float));
    for (size_t c = 0; c < t->count; c++)
        conv->ones[c] = 1;
    for (int first = 0; cpu_next_views(program, op, program->batch.n, &first, &views);)
        chain_forward(&affine, &views.out, views.n, conv->ones, conv->bias, NULL, &views.out);
}

void cpu_op_conv_backward_bias(struct program *program, const struct cpu_op *op)
{
    static const struct chain nothing = {.norm = 0, .act = CHAIN_ACT_NONE, .pool = 1};
    struct cpu_program *own = cpu_own(program);
    const struct cpu_conv_state *conv = &own->nodes[op->unit].conv;
    const struct plan_tensor *t = &program->plan->tensors[conv->bias_tensor];
    float *gradient = own->gradients + t->offset;
    struct cpu_views views;
    memset(gradient, 0, t->count * sizeof *gradient);
    for (int first = 0; cpu_next_views(program, op, program->batch.n, &first, &views);) {
        chain_backward_reduce(&nothing, &views.g1, views.n, NULL, NULL, conv->zeros, conv->zeros, &views.g1, NULL,
                              conv->sum, conv->unused, own->scratch);
        for (size_t c = 0; c < t->count; c++)
            gradient[c] += conv->sum[c];
    }
}
