#include "engine/initialise.h"

#include "kernels/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fill(float *out, size_t count, float value)
{
    for (size_t i = 0; i < count; i++)
        out[i] = value;
}

static void fill_uniform(float *out, size_t count, double bound, uint64_t seed, int tensor)
{
    for (size_t i = 0; i < count; i += 4) {
        struct rng_block block = rng_philox(seed, RNG_INIT, (uint32_t)tensor, i / 4);
        for (size_t k = 0; k < 4 && i + k < count; k++)
            out[i + k] = (float)((2.0 * rng_uniform(block.word[k]) - 1.0) * bound);
    }
}

/* Inputs that feed one output: of the row's weight, for its bias too. */
static double fan_in(const struct plan *plan, const struct plan_tensor *tensor)
{
    const struct plan_row *row = &plan->rows[tensor->row];
    struct plan_shape in = plan->rows[row->input[0]].out;
    return row->op == PLAN_CONV ? (double)in.c * row->kernel * row->kernel : (double)in.c * in.h * in.w;
}

static void fill_dirac(const struct plan_tensor *tensor, float *out)
{
    int in = tensor->dims[1], size = tensor->dims[2] * tensor->dims[3];
    int middle = tensor->dims[2] / 2 * tensor->dims[3] + tensor->dims[3] / 2;
    for (int i = 0; i < in && i < tensor->dims[0]; i++) {
        float *filter = out + (size_t)i * (size_t)(in * size);
        fill(filter, (size_t)(in * size), 0);
        filter[i * size + middle] = 1;
    }
}

static void divide_by_std(float *out, size_t count)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < count; i++)
        mean += (double)out[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        square += ((double)out[i] - mean) * ((double)out[i] - mean);
    if (count < 2 || !(square > 0))
        return;
    double std = sqrt(square / (double)(count - 1));
    for (size_t i = 0; i < count; i++)
        out[i] = (float)((double)out[i] / std);
}

/* The linear layer that the loss reads. */
static int is_head(const struct plan *plan, int row)
{
    return plan->rows[plan->n_rows - 1].input[0] == row;
}

static int is_fixed(const struct plan *plan, int row)
{
    int weight = plan_row_tensor(plan, row, PLAN_CONV_WEIGHT);
    return weight >= 0 && !plan->tensors[weight].trained;
}

void initialise_tensor(const struct plan *plan, int index, const struct initialise *how, float *out)
{
    const struct plan_tensor *tensor = &plan->tensors[index];
    int fixed = is_fixed(plan, tensor->row);
    switch (tensor->role) {
    case PLAN_CONV_WEIGHT:
    case PLAN_CONV_BIAS:
    case PLAN_LINEAR_WEIGHT:
    case PLAN_LINEAR_BIAS:
        fill_uniform(out, tensor->count, 1 / sqrt(fan_in(plan, tensor)), how->seed, index);
        if (tensor->role == PLAN_CONV_WEIGHT && how->conv == INITIALISE_DIRAC && !fixed)
            fill_dirac(tensor, out);
        if (tensor->role == PLAN_CONV_WEIGHT && fixed && how->filters)
            memcpy(out, how->filters, tensor->count * sizeof *out);
        if (tensor->role == PLAN_CONV_BIAS && fixed)
            fill(out, tensor->count, 0);
        if (tensor->role == PLAN_LINEAR_WEIGHT && how->head == INITIALISE_UNIT_STD && is_head(plan, tensor->row))
            divide_by_std(out, tensor->count);
        break;
    case PLAN_NORM_SCALE:
        fill(out, tensor->count, 1);
        if (how->norm == INITIALISE_UNIFORM && tensor->trained)
            fill_uniform(out, tensor->count, 0.5, how->seed, index);
        for (size_t i = 0; i < tensor->count && how->norm == INITIALISE_UNIFORM && tensor->trained; i++)
            out[i] += 0.5F;
        break;
    case PLAN_RUNNING_VAR:
        fill(out, tensor->count, 1);
        break;
    case PLAN_NORM_BIAS:
    case PLAN_RUNNING_MEAN:
        fill(out, tensor->count, 0);
        break;
    }
}

int initialise_program(struct program *program, const struct initialise *how, struct error *err)
{
    const struct plan *plan = program->plan;
    size_t largest = 1;
    for (int i = 0; i < plan->n_tensors; i++)
        if (plan->tensors[i].count > largest)
            largest = plan->tensors[i].count;
    float *values = malloc(largest * sizeof *values);
    if (!values)
        return error_set(err, "out of memory for initial weights");
    int status = 0;
    for (int i = 0; i < plan->n_tensors && !status; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        initialise_tensor(plan, i, how, values);
        status = program->family->write_tensor(program, tensor->name, PROGRAM_VALUE, values, tensor->count, err);
        if (status || !tensor->trained)
            continue;
        memset(values, 0, tensor->count * sizeof *values);
        status = program->family->write_tensor(program, tensor->name, PROGRAM_MOMENTUM, values, tensor->count, err);
    }
    free(values);
    return status;
}
