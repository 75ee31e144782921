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

void initialise_tensor(const struct plan *plan, int index, uint64_t seed, float *out)
{
    const struct plan_tensor *tensor = &plan->tensors[index];
    switch (tensor->role) {
    case PLAN_CONV_WEIGHT:
    case PLAN_CONV_BIAS:
    case PLAN_LINEAR_WEIGHT:
    case PLAN_LINEAR_BIAS:
        fill_uniform(out, tensor->count, 1 / sqrt(fan_in(plan, tensor)), seed, index);
        break;
    case PLAN_NORM_SCALE:
    case PLAN_RUNNING_VAR:
        fill(out, tensor->count, 1);
        break;
    case PLAN_NORM_BIAS:
    case PLAN_RUNNING_MEAN:
        fill(out, tensor->count, 0);
        break;
    }
}

int initialise_program(struct program *program, uint64_t seed, struct error *err)
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
        initialise_tensor(plan, i, seed, values);
        status = program->family->write_tensor(program, tensor->name, PROGRAM_VALUE, values, tensor->count, err);
        if (status || !tensor->trained)
            continue;
        memset(values, 0, tensor->count * sizeof *values);
        status = program->family->write_tensor(program, tensor->name, PROGRAM_MOMENTUM, values, tensor->count, err);
    }
    free(values);
    return status;
}
