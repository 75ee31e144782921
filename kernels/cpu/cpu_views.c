#include "kernels/cpu/cpu_program.h"

struct cpu_array *cpu_array_of(struct cpu_program *own, int tensor)
{
    return &own->tensors[tensor].array;
}

static void view_one(struct cpu_program *own, int tensor, int first, struct chain_view *view)
{
    if (tensor >= 0)
        *view = cpu_array_view(cpu_array_of(own, tensor), first);
}

bool cpu_next_views(struct program *program, const struct cpu_op *op, int end, int *first, struct cpu_views *views)
{
    struct cpu_program *own = cpu_own(program);
    const int tensors[] = {op->x, op->skip, op->g1, op->g2, op->out, op->dx};
    if (*first >= end)
        return false;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        int group = tensors[i] >= 0 ? cpu_array_of(own, tensors[i])->group : end;
        int boundary = (*first / group + 1) * group;
        end = boundary < end ? boundary : end;
    }
    view_one(own, op->x, *first, &views->x);
    view_one(own, op->skip, *first, &views->skip);
    view_one(own, op->g1, *first, &views->g1);
    view_one(own, op->g2, *first, &views->g2);
    view_one(own, op->out, *first, &views->out);
    view_one(own, op->dx, *first, &views->dx);
    views->n = end - *first;
    *first = end;
    return true;
}

void cpu_clear_tail(struct program *program, int tensor)
{
    struct cpu_program *own = cpu_own(program);
    int n = program->batch.n, end = (n + own->quantum - 1) / own->quantum * own->quantum;
    if (tensor >= 0)
        cpu_array_zero(cpu_array_of(own, tensor), n, end);
}

void cpu_clear_padding(struct program *program, int tensor)
{
    struct cpu_array *array = tensor >= 0 ? cpu_array_of(cpu_own(program), tensor) : NULL;
    if (array && array->layout != CPU_LOGITS && array->shape.c % CHAIN_BLOCK)
        cpu_array_zero(array, 0, program->batch.n);
}

void cpu_trouble(struct program *program, int row)
{
    if (program->result.bad_row < 0)
        program->result.bad_row = row;
}
