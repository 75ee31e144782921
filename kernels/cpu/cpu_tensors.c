#include "kernels/cpu/cpu_program.h"

#include <string.h>

/* The tensor that has been written over this one since, or -1. */
static int overwriter(const struct cpu_program *own, int tensor)
{
    const struct cpu_tensor *t = &own->tensors[tensor];
    size_t end = t->offset + cpu_array_bytes(&t->array);
    for (int i = 0; i < own->n_tensors; i++) {
        const struct cpu_tensor *other = &own->tensors[i];
        if (other->stamp > t->stamp && other->offset < end &&
            t->offset < other->offset + cpu_array_bytes(&other->array))
            return i;
    }
    return -1;
}

bool cpu_tensor_valid(const struct cpu_program *own, int tensor)
{
    return own->tensors[tensor].stamp > 0 && overwriter(own, tensor) < 0;
}

/* 0, or -1 with what became of the tensor. */
static int check_valid(const struct program *program, int tensor, const char *name, struct error *err)
{
    const struct cpu_program *own = program->own;
    const struct cpu_tensor *t = &own->tensors[tensor];
    const char *what = t->gradient ? "gradient" : "value";
    if (t->stamp == 0)
        return error_set(err, "'%s': its %s has not been computed yet; run a step first", name, what);
    int by = overwriter(own, tensor);
    if (by < 0)
        return 0;
    const struct cpu_tensor *other = &own->tensors[by];
    return error_set(err,
                     "'%s': its %s has been overwritten by the %s of '%s', which shares the memory; read it earlier, "
                     "or use --device ref",
                     name, what, other->gradient ? "gradient" : "value",
                     program->plan->rows[own->graph.values[other->value].row].name);
}

/* The value that holds a row's output, or -1 with the reason: rows inside a chain are never stored. */
static int find_value(const struct program *program, int row, struct error *err)
{
    const struct cpu_program *own = program->own;
    for (int i = 0; i < own->graph.n_values; i++)
        if (own->graph.values[i].row == row)
            return i;
    for (int i = 0; i < own->graph.n_units; i++) {
        const struct cpu_unit *unit = &own->graph.units[i];
        for (int k = 0; k < unit->n_rows - 1; k++)
            if (unit->rows[k] == row)
                return error_set(err, "'%s' is fused into '%s' and never stored; read that one, or use --device ref",
                                 program->plan->rows[row].name, program->plan->rows[unit->rows[unit->n_rows - 1]].name);
    }
    return error_set(err, "'%s' has no output to read", program->plan->rows[row].name);
}

static int read_gradient(struct program *program, int value, const struct cpu_array *out, const char *name,
                         struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    if (own->n_parts[value] == 0)
        return error_set(err, "'%s' has no gradient: nothing before it is trained", name);
    for (int i = 0; i < own->n_parts[value]; i++)
        if (check_valid(program, own->parts[value][i], name, err))
            return -1;
    for (int i = 0; i < own->n_parts[value]; i++)
        cpu_array_add(&own->tensors[own->parts[value][i]].array, out, program->batch.n);
    return 0;
}

static int read_row(struct program *program, int row, enum program_tensor which, float *out, size_t count,
                    struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    const char *name = program->plan->rows[row].name;
    if (program_check_row(program, row, which, count, err))
        return -1;
    int value = find_value(program, row, err);
    if (value < 0)
        return -1;
    struct cpu_array to;
    cpu_array_init(&to, program->plan->rows[row].out, CPU_NCHW, CHAIN_F32, program->batch.n, program->batch.n);
    to.data = out;
    memset(out, 0, count * sizeof *out);
    if (which == PROGRAM_GRADIENT)
        return read_gradient(program, value, &to, name, err);
    int tensor = own->value_tensor[value];
    if (check_valid(program, tensor, name, err))
        return -1;
    cpu_array_copy(&own->tensors[tensor].array, &to, program->batch.n);
    return 0;
}

/* Where a plan's tensor lies in one of the arenas, or NULL with err. */
static float *find_floats(struct program *program, const char *name, enum program_tensor which, size_t count,
                          struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    int index = program_find_tensor(program, name, which, count, err);
    if (index < 0)
        return NULL;
    float *arena = which == PROGRAM_VALUE ? own->weights : which == PROGRAM_GRADIENT ? own->gradients : own->momentum;
    return arena + program->plan->tensors[index].offset;
}

int cpu_read_tensor(struct program *program, const char *name, enum program_tensor which, float *out, size_t count,
                    struct error *err)
{
    int row = plan_find_row(program->plan, name);
    if (row >= 0)
        return read_row(program, row, which, out, count, err);
    const float *from = find_floats(program, name, which, count, err);
    if (!from)
        return -1;
    memcpy(out, from, count * sizeof *out);
    return 0;
}

int cpu_write_tensor(struct program *program, const char *name, enum program_tensor which, const float *in,
                     size_t count, struct error *err)
{
    if (which == PROGRAM_GRADIENT || plan_find_row(program->plan, name) >= 0)
        return error_set(err, "'%s': only weights, buffers and momentum can be written", name);
    float *to = find_floats(program, name, which, count, err);
    if (!to)
        return -1;
    memcpy(to, in, count * sizeof *to);
    cpu_own(program)->version++;
    return 0;
}
