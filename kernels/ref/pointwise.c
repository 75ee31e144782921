/* The input, activations and additions: one value in, one value out. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

static void input_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    const struct batch *batch = &row->ref->program.batch;
    (void)thread;
    for (size_t n = begin; n < end; n++)
        augment_floats(batch->images, &row->ref->table, &batch->choices[n], row->out + n * row->size);
}

void ref_input_forward(struct ref_row *row)
{
    augment_table_init(&row->ref->table, row->ref->program.batch.images);
    parallel_for((size_t)ref_images(row), 1, input_range, row);
}

/* Not "x > 0 ? x : 0": that would turn a NaN into 0 and hide it. */
static float act(enum plan_act kind, float x)
{
    switch (kind) {
    case PLAN_ACT_RELU:
    default:
        return x < 0 ? 0 : x;
    }
}

/* The derivative, times dy; 0 at x = 0, as PyTorch has it. */
static float act_slope(enum plan_act kind, float x, float dy)
{
    switch (kind) {
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
        row->out[i] = act(row->plan->act, row->input[0]->out[i]);
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
        row->ref->share[i] = act_slope(row->plan->act, row->input[0]->out[i], row->gradient[i]);
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
