#include "kernels/cpu/cpu_program.h"

/* ---- tensors ---- */

static int add_tensor(struct cpu_program *own, int value, bool gradient, int home)
{
    const struct cpu_value *v = &own->graph.values[value];
    struct cpu_tensor *t = &own->tensors[own->n_tensors];
    *t = (struct cpu_tensor){.value = value, .gradient = gradient, .home = home, .first = CPU_FOREVER, .last = -1};
    cpu_array_init(&t->array, v->shape, v->layout, own->type, own->capacity, own->hwnc_group);
    return own->n_tensors++;
}

static void touch(struct cpu_program *own, int tensor, int moment)
{
    if (tensor < 0)
        return;
    struct cpu_tensor *t = &own->tensors[tensor];
    if (moment < t->first)
        t->first = moment;
    if (moment > t->last)
        t->last = moment;
    touch(own, t->home, moment);
}

static void emit(struct cpu_program *own, struct cpu_op op)
{
    const int used[] = {op.x, op.skip, op.g1, op.g2, op.out, op.dx};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        touch(own, used[i], own->n_train);
    own->train[own->n_train++] = op;
}

static const struct cpu_op no_op = {.unit = -1, .x = -1, .skip = -1, .g1 = -1, .g2 = -1, .out = -1, .dx = -1};

/* ---- forward ---- */

typedef void op_run(struct program *, const struct cpu_op *);

static op_run *const forward_ops[] = {
    [CPU_UNIT_CONV] = cpu_op_conv_forward,        [CPU_UNIT_CHAIN] = cpu_op_chain_train,
    [CPU_UNIT_GLOBAL_POOL] = cpu_op_pool_forward, [CPU_UNIT_AVG_POOL] = cpu_op_pool_forward,
    [CPU_UNIT_LINEAR] = cpu_op_linear_forward,    [CPU_UNIT_LOSS] = cpu_op_loss,
    [CPU_UNIT_CONVERT] = cpu_op_convert,          [CPU_UNIT_CONCAT] = cpu_op_concat_forward,
};

/* Between two views the chain without stages converts, and faster. */
static bool both_views(const struct cpu_graph *graph, const struct cpu_unit *unit)
{
    return graph->values[unit->x].layout <= CPU_HWNC && graph->values[unit->out].layout <= CPU_HWNC;
}

static struct cpu_op forward_op(const struct cpu_program *own, int index)
{
    const struct cpu_unit *unit = &own->graph.units[index];
    struct cpu_op op = no_op;
    /* A conversion goes with the unit that it was put in for. */
    int reader = index;
    while (own->graph.units[reader].kind == CPU_UNIT_CONVERT)
        reader++;
    op.phase = own->graph.units[reader].kind == CPU_UNIT_LOSS ? PHASE_LOSS : PHASE_FORWARD;
    op.run = forward_ops[unit->kind];
    if (unit->kind == CPU_UNIT_CONVERT && both_views(&own->graph, unit))
        op.run = cpu_op_chain_train;
    op.unit = index;
    op.x = own->value_tensor[unit->x];
    op.skip = unit->skip >= 0 ? own->value_tensor[unit->skip] : -1;
    op.out = unit->out >= 0 ? own->value_tensor[unit->out] : -1;
    return op;
}

/* The bias of a convolution is added where the convolution has written. */
static void emit_bias(struct cpu_program *own, const struct plan *plan, struct cpu_op op)
{
    const struct cpu_unit *unit = &own->graph.units[op.unit];
    if (unit->kind != CPU_UNIT_CONV || plan_row_tensor(plan, unit->rows[0], PLAN_CONV_BIAS) < 0)
        return;
    op.run = cpu_op_conv_add_bias;
    op.x = -1;
    emit(own, op);
    own->eval[own->n_eval++] = op;
}

static void build_forward(struct cpu_program *own, const struct plan *plan)
{
    struct cpu_op augment = no_op;
    for (int i = 0; i < own->graph.n_values; i++)
        own->value_tensor[i] = add_tensor(own, i, false, -1);
    /* The input keeps its zeros in padded channels, and logits stay readable: neither shares memory. */
    for (int i = 0; i < own->graph.n_values; i++)
        if (i == 0 || own->graph.values[i].layout == CPU_LOGITS) {
            touch(own, own->value_tensor[i], 0);
            touch(own, own->value_tensor[i], CPU_FOREVER);
        }
    augment.phase = PHASE_AUGMENT;
    augment.run = cpu_op_augment;
    augment.out = own->value_tensor[0];
    emit(own, augment);
    own->eval[own->n_eval++] = augment;
    for (int i = 0; i < own->graph.n_units; i++) {
        struct cpu_op op = forward_op(own, i);
        if (own->graph.units[i].kind == CPU_UNIT_LOSS && own->graph.values[own->graph.units[i].x].gradient) {
            op.dx = add_tensor(own, own->graph.units[i].x, true, -1);
            own->n_parts[own->graph.units[i].x] = 1;
            own->parts[own->graph.units[i].x][0] = op.dx;
        }
        emit(own, op);
        op.dx = -1;
        if (op.run == cpu_op_chain_train)
            op.run = cpu_op_chain_eval;
        own->eval[own->n_eval++] = op;
        emit_bias(own, plan, op);
    }
}

/* ---- backward ---- */

static int sum_parts(struct cpu_program *own, int unit, int value, int g1, int g2)
{
    struct cpu_op op = no_op;
    op.phase = PHASE_BACKWARD;
    op.run = cpu_op_sum;
    op.unit = unit;
    op.g1 = g1;
    op.g2 = g2;
    op.dx = add_tensor(own, value, true, -1);
    emit(own, op);
    return op.dx;
}

/* One more gradient of a value; a third is made two by adding the first ones up. */
static void add_part(struct cpu_program *own, int unit, int value, int part)
{
    int *parts = own->parts[value], *count = &own->n_parts[value];
    if (!own->graph.values[value].gradient)
        return;
    if (*count == 2) {
        parts[0] = sum_parts(own, unit, value, parts[0], parts[1]);
        *count = 1;
    }
    parts[(*count)++] = part;
}

static void add_parts_of(struct cpu_program *own, int unit, int value, int from)
{
    for (int i = 0; i < own->n_parts[from]; i++)
        add_part(own, unit, value, own->parts[from][i]);
}

/* The whole gradient of a value as one tensor in the value's own layout. */
static int one_part(struct cpu_program *own, int unit, int value)
{
    int *parts = own->parts[value];
    if (own->n_parts[value] == 2 || own->tensors[parts[0]].array.layout != own->graph.values[value].layout) {
        parts[0] = sum_parts(own, unit, value, parts[0], own->n_parts[value] == 2 ? parts[1] : -1);
        own->n_parts[value] = 1;
    }
    return parts[0];
}

/* New memory for the gradient of the unit's source, or -1 if nobody needs it. */
static int new_gradient(struct cpu_program *own, const struct cpu_unit *unit)
{
    return own->graph.values[unit->x].gradient ? add_tensor(own, unit->x, true, -1) : -1;
}

static void backward_chain(struct cpu_program *own, int index, struct cpu_op op)
{
    const struct cpu_unit *unit = &own->graph.units[index];
    const struct cpu_value *x = &own->graph.values[unit->x];
    bool identity = !unit->chain.norm && unit->chain.act == CHAIN_ACT_NONE && unit->chain.pool == 1;
    if (identity) {
        add_parts_of(own, index, unit->x, unit->out);
    } else if (x->gradient || unit->norm_row >= 0) {
        op.run = cpu_op_chain_backward;
        op.g1 = own->parts[unit->out][0];
        op.g2 = own->n_parts[unit->out] == 2 ? own->parts[unit->out][1] : -1;
        /* Over the source, if this chain alone reads it. */
        if (x->gradient)
            op.dx = add_tensor(own, unit->x, true, x->readers == 1 ? own->value_tensor[unit->x] : -1);
        emit(own, op);
        if (op.dx >= 0)
            add_part(own, index, unit->x, op.dx);
    }
    if (unit->skip >= 0)
        add_parts_of(own, index, unit->skip, unit->out);
}

static void backward_conv(struct cpu_program *own, const struct plan *plan, int index, struct cpu_op op)
{
    const struct cpu_unit *unit = &own->graph.units[index];
    op.g1 = one_part(own, index, unit->out);
    int weight = plan_row_tensor(plan, unit->rows[0], PLAN_CONV_WEIGHT);
    int bias = plan_row_tensor(plan, unit->rows[0], PLAN_CONV_BIAS);
    if (plan->tensors[weight].trained) {
        op.run = cpu_op_conv_backward_weights;
        emit(own, op);
    }
    if (bias >= 0 && plan->tensors[bias].trained) {
        struct cpu_op sum = op;
        sum.run = cpu_op_conv_backward_bias;
        sum.x = -1;
        emit(own, sum);
    }
    op.dx = new_gradient(own, unit);
    if (op.dx >= 0) {
        op.x = -1;
        op.run = cpu_op_conv_backward_data;
        emit(own, op);
        add_part(own, index, unit->x, op.dx);
    }
}

static void backward_concat(struct cpu_program *own, int index, struct cpu_op op)
{
    const struct cpu_unit *unit = &own->graph.units[index];
    op.g1 = one_part(own, index, unit->out);
    op.run = cpu_op_concat_backward;
    op.x = -1;
    for (op.part = 0; op.part < 2; op.part++) {
        int value = op.part ? unit->skip : unit->x;
        if (!own->graph.values[value].gradient)
            continue;
        op.dx = add_tensor(own, value, true, -1);
        emit(own, op);
        add_part(own, index, value, op.dx);
    }
}

static void backward_other(struct cpu_program *own, int index, struct cpu_op op)
{
    const struct cpu_unit *unit = &own->graph.units[index];
    if (unit->kind == CPU_UNIT_CONVERT && both_views(&own->graph, unit)) {
        add_parts_of(own, index, unit->x, unit->out);
        return;
    }
    op.g1 = one_part(own, index, unit->out);
    op.dx = new_gradient(own, unit);
    op.run = unit->kind == CPU_UNIT_LINEAR    ? cpu_op_linear_backward
             : unit->kind == CPU_UNIT_CONVERT ? cpu_op_convert
                                              : cpu_op_pool_backward;
    if (unit->kind == CPU_UNIT_CONVERT)
        op.x = -1;
    emit(own, op);
    if (op.dx >= 0)
        add_part(own, index, unit->x, op.dx);
}

static void build_backward(struct cpu_program *own, const struct plan *plan, int index)
{
    const struct cpu_unit *unit = &own->graph.units[index];
    struct cpu_op op = no_op;
    op.phase = PHASE_BACKWARD;
    op.unit = index;
    op.x = own->value_tensor[unit->x];
    if (unit->kind == CPU_UNIT_LOSS || !own->graph.values[unit->out].gradient)
        return;
    if (unit->kind == CPU_UNIT_CHAIN)
        backward_chain(own, index, op);
    else if (unit->kind == CPU_UNIT_CONV)
        backward_conv(own, plan, index, op);
    else if (unit->kind == CPU_UNIT_CONCAT)
        backward_concat(own, index, op);
    else
        backward_other(own, index, op);
}

/* ---- updates ---- */

static void build_updates(struct cpu_program *own, const struct plan *plan)
{
    for (int row = 0; row < plan->n_rows; row++)
        if (plan_row_trained(plan, row)) {
            struct cpu_op op = no_op;
            op.phase = PHASE_UPDATE;
            op.run = cpu_op_update;
            op.unit = row;
            emit(own, op);
        }
}

void cpu_build_ops(struct program *program)
{
    struct cpu_program *own = cpu_own(program);
    build_forward(own, program->plan);
    for (int i = own->graph.n_units - 1; i >= 0; i--)
        build_backward(own, program->plan, i);
    build_updates(own, program->plan);
}
