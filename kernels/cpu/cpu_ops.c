#include "kernels/cpu/cpu_program.h"
#include "kernels/cpu/muon.h"

#include "kernels/cpu/elementwise.h"

#include <math.h>
#include <string.h>

static const struct plan_row *leader(struct program *program, const struct cpu_op *op)
{
    return &program->plan->rows[cpu_own(program)->graph.units[op->unit].rows[0]];
}

void cpu_op_augment(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct batch *batch = &program->batch;
    const struct cpu_array *out = cpu_array_of(own, op->out);
    program->result = (struct step_result){.bad_row = -1};
    augment_table_init(&own->table, batch->images);
    int end = (batch->n + own->quantum - 1) / own->quantum * own->quantum;
    /* Up to IMAGE_CHANNELS_MAX channels, so all in the first block. */
    for (int first = 0; first < batch->n; first += out->group) {
        int n = batch->n - first < out->group ? batch->n - first : out->group;
        int total = end - first < out->group ? end - first : out->group;
        cpu_augment(batch, &own->table, first, n, total, out->type, cpu_array_at(out, first), out->sn, out->sc, out->sh,
                    out->sw);
    }
}

void cpu_op_convert(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    int from = op->out >= 0 ? op->x : op->g1, to = op->out >= 0 ? op->out : op->dx;
    cpu_clear_padding(program, to);
    cpu_array_copy(cpu_array_of(own, from), cpu_array_of(own, to), program->batch.n);
    cpu_clear_tail(program, to);
}

/* ---- convolutions ---- */

/* Between the arena's [o][i][k][k] and own->padded, which has the padded counts. */
static void pad_weights(const struct plan_tensor *t, const struct cpu_conv_state *conv, float *arena, float *padded,
                        bool back)
{
    size_t in_c = (size_t)t->dims[1], area = (size_t)t->dims[2] * (size_t)t->dims[3];
    size_t row = in_c * area, padded_row = (size_t)conv->in_c * area;
    if (!back)
        memset(padded, 0, (size_t)conv->out_c * padded_row * sizeof(float));
    for (size_t o = 0; o < (size_t)t->dims[0]; o++) {
        if (back)
            memcpy(arena + o * row, padded + o * padded_row, row * sizeof(float));
        else
            memcpy(padded + o * padded_row, arena + o * row, row * sizeof(float));
    }
}

static bool is_padded(const struct plan_tensor *t, const struct cpu_conv_state *conv)
{
    return t->dims[0] != conv->out_c || t->dims[1] != conv->in_c;
}

static int pack_weights(struct program *program, const struct cpu_conv_state *conv, enum cpu_pass pass, void *packed)
{
    struct cpu_program *own = cpu_own(program);
    const struct plan_tensor *t = &program->plan->tensors[conv->tensor];
    float *oihw = own->weights + t->offset;
    if (is_padded(t, conv)) {
        pad_weights(t, conv, oihw, own->padded, false);
        oihw = own->padded;
    }
    return cpu_conv_reorder(conv->pass[pass], oihw, packed, own->scratch);
}

/* Runs one pass over all groups that hold real images. */
static int run_groups(struct program *program, const struct cpu_conv_state *conv, enum cpu_pass pass,
                      const struct cpu_array *source, void *weights, const struct cpu_array *output)
{
    int group = conv->group[pass], rc = 0;
    for (int first = 0; first < program->batch.n; first += group)
        rc |= cpu_conv_run(conv->pass[pass], cpu_array_at(source, first), weights, cpu_array_at(output, first), false,
                           cpu_own(program)->scratch);
    return rc;
}

void cpu_op_conv_forward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    struct cpu_conv_state *conv = &own->nodes[op->unit].conv;
    int rc = 0;
    if (conv->packed_version != own->version) {
        rc = pack_weights(program, conv, CPU_FORWARD, conv->packed);
        conv->packed_version = own->version;
    }
    rc |= run_groups(program, conv, CPU_FORWARD, cpu_array_of(own, op->x), conv->packed, cpu_array_of(own, op->out));
    if (rc)
        cpu_trouble(program, own->graph.units[op->unit].rows[0]);
}

void cpu_op_conv_backward_data(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_conv_state *conv = &own->nodes[op->unit].conv;
    void *packed = own->dweights[0];
    if (pack_weights(program, conv, CPU_BACKWARD_DATA, packed) ||
        run_groups(program, conv, CPU_BACKWARD_DATA, cpu_array_of(own, op->dx), packed, cpu_array_of(own, op->g1)))
        cpu_trouble(program, own->graph.units[op->unit].rows[0]);
}

/* sum += part, as one long image of one pixel. */
static void add_floats(char *sum, char *part, size_t bytes)
{
    ptrdiff_t count = (ptrdiff_t)(bytes / sizeof(float)) / CHAIN_BLOCK;
    struct chain_view to = {sum, CHAIN_F32, CHAIN_BLOCK, 1, 1, CHAIN_BLOCK, CHAIN_BLOCK, CHAIN_BLOCK, CHAIN_BLOCK};
    struct chain_view from = to;
    from.data = part;
    cpu_accumulate((int)count, &to, &from);
}

void cpu_op_conv_backward_weights(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_conv_state *conv = &own->nodes[op->unit].conv;
    const struct plan_tensor *t = &program->plan->tensors[conv->tensor];
    struct cpu_conv *pass = conv->pass[CPU_BACKWARD_WEIGHTS];
    const struct cpu_array *x = cpu_array_of(own, op->x), *g = cpu_array_of(own, op->g1);
    float *gradient = own->gradients + t->offset;
    int rc = 0;
    for (int first = 0; first < program->batch.n; first += conv->group[CPU_BACKWARD_WEIGHTS]) {
        char *to = own->dweights[first > 0 && !pass->adds];
        rc |= cpu_conv_run(pass, cpu_array_at(x, first), to, cpu_array_at(g, first), first > 0 && pass->adds,
                           own->scratch);
        if (to != own->dweights[0])
            add_floats(own->dweights[0], to, pass->weights_bytes);
    }
    float *oihw = is_padded(t, conv) ? own->padded : gradient;
    rc |= cpu_conv_reorder(pass, oihw, own->dweights[0], own->scratch);
    if (oihw != gradient)
        pad_weights(t, conv, gradient, oihw, true);
    if (rc)
        cpu_trouble(program, own->graph.units[op->unit].rows[0]);
}

/* ---- pools, linear, loss, update ---- */

void cpu_op_pool_forward(struct program *program, const struct cpu_op *op)
{
    const struct plan_row *row = leader(program, op);
    struct cpu_views views;
    for (int first = 0; cpu_next_views(program, op, program->batch.n, &first, &views);) {
        if (row->op == PLAN_AVG_POOL)
            cpu_avg_pool_forward(&views.x, views.n, row->kernel, &views.out);
        else
            cpu_global_pool_forward(&views.x, views.n, row->op == PLAN_GLOBAL_AVG, &views.out);
    }
    cpu_clear_tail(program, op->out);
}

void cpu_op_pool_backward(struct program *program, const struct cpu_op *op)
{
    const struct plan_row *row = leader(program, op);
    struct cpu_views views;
    for (int first = 0; cpu_next_views(program, op, program->batch.n, &first, &views);) {
        if (row->op == PLAN_AVG_POOL)
            cpu_avg_pool_backward(views.n, row->kernel, &views.g1, &views.dx);
        else
            cpu_global_pool_backward(&views.x, views.n, row->op == PLAN_GLOBAL_AVG, &views.g1, &views.dx);
    }
    cpu_clear_tail(program, op->dx);
}

void cpu_op_concat_forward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_array *x = cpu_array_of(own, op->x), *skip = cpu_array_of(own, op->skip);
    const struct cpu_array *out = cpu_array_of(own, op->out);
    cpu_clear_padding(program, op->out);
    cpu_array_copy_channels(x, 0, out, 0, x->shape.c, program->batch.n);
    cpu_array_copy_channels(skip, 0, out, x->shape.c, skip->shape.c, program->batch.n);
    cpu_clear_tail(program, op->out);
}

void cpu_op_concat_backward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_array *g = cpu_array_of(own, op->g1), *dx = cpu_array_of(own, op->dx);
    cpu_clear_padding(program, op->dx);
    cpu_array_copy_channels(g, op->part ? g->shape.c - dx->shape.c : 0, dx, 0, dx->shape.c, program->batch.n);
    cpu_clear_tail(program, op->dx);
}

/* The arena's floats of a row's tensor, or NULL when the row has none of that role. */
static float *row_floats(struct program *program, float *arena, int row, enum plan_role role)
{
    int tensor = plan_row_tensor(program->plan, row, role);
    return tensor < 0 ? NULL : arena + program->plan->tensors[tensor].offset;
}

void cpu_op_linear_forward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    int index = own->graph.units[op->unit].rows[0];
    const struct plan_row *row = &program->plan->rows[index];
    const struct plan_shape *in = &program->plan->rows[row->input[0]].out;
    struct chain_view x = cpu_array_view(cpu_array_of(own, op->x), 0);
    cpu_linear_forward(&x, program->batch.n, row_floats(program, own->weights, index, PLAN_LINEAR_WEIGHT),
                       row_floats(program, own->weights, index, PLAN_LINEAR_BIAS), in->c * in->h * in->w, row->out.c,
                       row->factor, cpu_array_of(own, op->out)->data);
}

void cpu_op_linear_backward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    int index = own->graph.units[op->unit].rows[0];
    const struct plan_row *row = &program->plan->rows[index];
    const struct plan_shape *in = &program->plan->rows[row->input[0]].out;
    struct chain_view x = cpu_array_view(cpu_array_of(own, op->x), 0), dx;
    if (op->dx >= 0)
        dx = cpu_array_view(cpu_array_of(own, op->dx), 0);
    cpu_clear_padding(program, op->dx);
    cpu_linear_backward(&x, program->batch.n, row_floats(program, own->weights, index, PLAN_LINEAR_WEIGHT),
                        in->c * in->h * in->w, row->out.c, row->factor, cpu_array_of(own, op->g1)->data,
                        row_floats(program, own->gradients, index, PLAN_LINEAR_WEIGHT),
                        row_floats(program, own->gradients, index, PLAN_LINEAR_BIAS), op->dx >= 0 ? &dx : NULL);
    cpu_clear_tail(program, op->dx);
}

/* Only after something was not finite: the first row whose output holds such a value. */
static int find_bad_row(struct program *program)
{
    struct cpu_program *own = cpu_own(program);
    for (int i = 0; i < own->graph.n_values; i++) {
        const struct cpu_tensor *t = &own->tensors[own->value_tensor[i]];
        if (cpu_tensor_valid(own, own->value_tensor[i]) && !cpu_array_finite(&t->array, program->batch.n))
            return own->graph.values[i].row;
    }
    return program->plan->n_rows - 1;
}

void cpu_op_loss(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    int finite = 1, n = program->batch.n, bad_row = program->result.bad_row;
    cpu_softmax_loss(&program->batch, cpu_array_of(own, op->x)->data, program->plan->classes, n,
                     leader(program, op)->smoothing, op->dx >= 0 ? cpu_array_of(own, op->dx)->data : NULL,
                     &program->result, &finite);
    program->result.bad_row = bad_row;
    if (!finite || !isfinite(program->result.loss_sum))
        cpu_trouble(program, find_bad_row(program));
}

void cpu_op_update(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct plan_row *row = &program->plan->rows[op->unit];
    for (int i = 0; i < row->n_tensors; i++) {
        const struct plan_tensor *t = &program->plan->tensors[row->tensor[i]];
        if (!hyper_trains(&program->hyper, t))
            continue;
        struct hyper hyper = hyper_of_tensor(&program->hyper, t);
        float *weight = own->weights + t->offset, *momentum = own->momentum + t->offset;
        const float *gradient = own->gradients + t->offset;
        int finite = t->rule == PLAN_RULE_MUON   ? cpu_muon(t, weight, gradient, momentum, &hyper, own->scratch)
                     : t->rule == PLAN_RULE_LARS ? cpu_lars(t, weight, gradient, momentum, &hyper)
                                                 : cpu_update(t->count, weight, gradient, momentum, &hyper);
        if (!finite)
            cpu_trouble(program, op->unit);
    }
    own->version++;
}
