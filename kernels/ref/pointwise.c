/* The input, activations, additions and concatenations: a value in, a value out. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <math.h>
#include <string.h>

static void input_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    const struct batch *batch = &row->ref->program.batch;
    (void)thread;
    for (size_t n = begin; n < end; n++)
        augment_floats(batch, &row->ref->table, (int)n, row->out + n * row->size);
}

void ref_input_forward(struct ref_row *row)
{
    augment_table_init(&row->ref->table, row->ref->program.batch.images);
    parallel_for((size_t)ref_images(row), 1, input_range, row);
}

/* Phi(x), the normal distribution's. */
static double normal_below(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Written so that a NaN stays one: "x > 0 ? x : 0" would hide it. */
static double act(const struct plan_row *row, double x)
{
    switch (row->act) {
    case PLAN_ACT_CELU:
        return x > 0 ? x : row->alpha * expm1(x / row->alpha);
    case PLAN_ACT_GELU:
        return x * normal_below(x);
    case PLAN_ACT_SILU:
        return x * sigmoid(x);
    case PLAN_ACT_RELU:
    default:
        return x < 0 ? 0 : x;
    }
}

/* The derivative, times dy. At x = 0 that of ReLU is 0 and that of CELU is 1, as PyTorch has them. */
static double act_slope(const struct plan_row *row, double x, double dy)
{
    switch (row->act) {
    case PLAN_ACT_CELU:
        return x > 0 ? dy : dy * exp(x / row->alpha);
    case PLAN_ACT_GELU:
        return dy * (normal_below(x) + x * exp(-0.5 * x * x) * 0.5 * M_2_SQRTPI * M_SQRT1_2);
    case PLAN_ACT_SILU:
        return dy * sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case PLAN_ACT_RELU:
    default:
        return x > 0 ? dy : 0;
    }
}

static void act_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        row->out[i] = (float)act(row->plan, row->input[0]->out[i]);
}

void ref_act_forward(struct ref_row *row)
{
    parallel_for(ref_images(row) * row->size, 1024, act_range, row);
}

static void act_slope_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        row->ref->share[i] = (float)act_slope(row->plan, row->input[0]->out[i], row->gradient[i]);
}

void ref_act_backward(struct ref_row *row)
{
    parallel_for(ref_images(row) * row->size, 1024, act_slope_range, row);
    ref_give(row->input[0], row->ref->share);
}

static void add_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        row->out[i] = row->input[0]->out[i] + row->input[1]->out[i];
}

void ref_add_forward(struct ref_row *row)
{
    parallel_for(ref_images(row) * row->size, 1024, add_range, row);
}

void ref_add_backward(struct ref_row *row)
{
    ref_give(row->input[0], row->gradient);
    ref_give(row->input[1], row->gradient);
}

/* Items are images. */
static void concat_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    size_t first = row->input[0]->size, second = row->input[1]->size;
    (void)thread;
    for (size_t n = begin; n < end; n++) {
        memcpy(row->out + n * row->size, row->input[0]->out + n * first, first * sizeof(float));
        memcpy(row->out + n * row->size + first, row->input[1]->out + n * second, second * sizeof(float));
    }
}

void ref_concat_forward(struct ref_row *row)
{
    parallel_for((size_t)ref_images(row), 1, concat_range, row);
}

void ref_concat_backward(struct ref_row *row)
{
    size_t before = 0;
    for (int k = 0; k < row->plan->n_inputs; k++) {
        size_t size = row->input[k]->size;
        for (size_t n = 0; n < (size_t)ref_images(row); n++)
            memcpy(row->ref->share + n * size, row->gradient + n * row->size + before, size * sizeof(float));
        ref_give(row->input[k], row->ref->share);
        before += size;
    }
}
