#include "kernels/cpu/cpu_program.h"

#include "kernels/cpu/elementwise.h"

#include <math.h>
#include <string.h>

static struct cpu_array *array_of(struct cpu_program *own, int tensor)
{
    return &own->tensors[tensor].array;
}

static struct chain_view view_of(struct cpu_program *own, int tensor)
{
    return cpu_array_view(&own->tensors[tensor].array);
}

static const struct plan_row *leader(struct program *program, const struct cpu_op *op)
{
    return &program->plan->rows[cpu_own(program)->graph.units[op->unit].rows[0]];
}

static void trouble(struct program *program, int row)
{
    if (program->result.bad_row < 0)
        program->result.bad_row = row;
}

/* Convolutions read whole groups: the images between the last real one and the end of its group become zeros. */
static void clear_tail(struct program *program, int tensor)
{
    struct cpu_program *own = cpu_own(program);
    int n = program->batch.n, end = (n + own->quantum - 1) / own->quantum * own->quantum;
    if (tensor >= 0)
        cpu_array_zero(array_of(own, tensor), n, end);
}

/* Before something that writes only the real channels: padded ones must never hold what was there before. */
static void clear_padding(struct program *program, int tensor)
{
    struct cpu_array *array = tensor >= 0 ? array_of(cpu_own(program), tensor) : NULL;
    if (array && array->layout != CPU_LOGITS && array->shape.c % CHAIN_BLOCK)
        cpu_array_zero(array, 0, program->batch.n);
}

void cpu_op_augment(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct batch *batch = &program->batch;
    const struct cpu_array *out = array_of(own, op->out);
    program->result = (struct step_result){.bad_row = -1};
    if (own->table_images != batch->images) {
        augment_table_init(&own->table, batch->images);
        own->table_images = batch->images;
    }
    int end = (batch->n + own->quantum - 1) / own->quantum * own->quantum;
    /* Up to IMAGE_CHANNELS_MAX channels, so all in the first block. */
    cpu_augment(batch->images, &own->table, batch->choices, batch->n, end, out->type, out->data, out->sn, out->sc,
                out->sh, out->sw);
}

void cpu_op_convert(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    int from = op->out >= 0 ? op->x : op->g1, to = op->out >= 0 ? op->out : op->dx;
    clear_padding(program, to);
    cpu_array_copy(array_of(own, from), array_of(own, to), program->batch.n);
    clear_tail(program, to);
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
    size_t in_bytes = cpu_array_image_bytes(source), out_bytes = cpu_array_image_bytes(output);
    for (int first = 0; first < program->batch.n; first += group)
        rc |= cpu_conv_run(conv->pass[pass], (char *)source->data + (size_t)first * in_bytes, weights,
                           (char *)output->data + (size_t)first * out_bytes, cpu_own(program)->scratch);
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
    rc |= run_groups(program, conv, CPU_FORWARD, array_of(own, op->x), conv->packed, array_of(own, op->out));
    if (rc)
        trouble(program, own->graph.units[op->unit].rows[0]);
}

void cpu_op_conv_backward_data(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_conv_state *conv = &own->nodes[op->unit].conv;
    void *packed = own->dweights[0];
    if (pack_weights(program, conv, CPU_BACKWARD_DATA, packed) ||
        run_groups(program, conv, CPU_BACKWARD_DATA, array_of(own, op->dx), packed, array_of(own, op->g1)))
        trouble(program, own->graph.units[op->unit].rows[0]);
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
    const struct cpu_array *x = array_of(own, op->x), *g = array_of(own, op->g1);
    float *gradient = own->gradients + t->offset;
    int rc = 0;
    for (int first = 0; first < program->batch.n; first += conv->group[CPU_BACKWARD_WEIGHTS]) {
        char *to = own->dweights[first > 0];
        rc |= cpu_conv_run(pass, (char *)x->data + (size_t)first * cpu_array_image_bytes(x), to,
                           (char *)g->data + (size_t)first * cpu_array_image_bytes(g), own->scratch);
        if (first > 0)
            add_floats(own->dweights[0], to, cpu_conv_weights_bytes(pass));
    }
    float *oihw = is_padded(t, conv) ? own->padded : gradient;
    rc |= cpu_conv_reorder(pass, oihw, own->dweights[0], own->scratch);
    if (oihw != gradient)
        pad_weights(t, conv, gradient, oihw, true);
    if (rc)
        trouble(program, own->graph.units[op->unit].rows[0]);
}

/* ---- chains ---- */

static void norm_parameters(struct cpu_program *own, struct program *program, struct cpu_norm_state *norm)
{
    const struct plan_tensor *tensors = program->plan->tensors;
    memcpy(norm->scale, own->weights + tensors[norm->scale_tensor].offset, (size_t)norm->channels * sizeof(float));
    memcpy(norm->bias, own->weights + tensors[norm->bias_tensor].offset, (size_t)norm->channels * sizeof(float));
}

static double norm_count(const struct program *program, const struct plan_row *row)
{
    return (double)program->batch.n * row->out.h * row->out.w;
}

static void update_running(struct program *program, const struct plan_row *row, const struct cpu_norm_state *norm)
{
    struct cpu_program *own = cpu_own(program);
    float *mean = own->weights + program->plan->tensors[norm->mean_tensor].offset;
    float *var = own->weights + program->plan->tensors[norm->var_tensor].offset;
    double m = norm_count(program, row), unbiased = m > 1 ? m / (m - 1) : 1, keep = 1 - row->momentum;
    for (int c = 0; c < norm->channels; c++) {
        mean[c] = (float)(keep * mean[c] + row->momentum * norm->mean[c]);
        var[c] = (float)(keep * var[c] + row->momentum * unbiased * norm->var[c]);
    }
}

static void chain_run_forward(struct program *program, const struct cpu_op *op, const struct cpu_norm_state *norm)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_unit *unit = &own->graph.units[op->unit];
    struct chain_view x = view_of(own, op->x), out = view_of(own, op->out), skip;
    if (op->skip >= 0)
        skip = view_of(own, op->skip);
    chain_forward(&unit->chain, &x, program->batch.n, norm ? norm->a : NULL, norm ? norm->b : NULL,
                  op->skip >= 0 ? &skip : NULL, &out);
    clear_tail(program, op->out);
}

void cpu_op_chain_train(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_unit *unit = &own->graph.units[op->unit];
    struct cpu_norm_state *norm = unit->norm_row >= 0 ? &own->nodes[op->unit].norm : NULL;
    if (norm) {
        const struct plan_row *row = &program->plan->rows[unit->norm_row];
        struct chain_view x = view_of(own, op->x);
        norm_parameters(own, program, norm);
        chain_statistics(&x, program->batch.n, norm->mean, norm->var, own->scratch);
        for (int c = 0; c < norm->padded; c++)
            norm->invstd[c] = (float)(1 / sqrt(norm->var[c] + row->eps));
        chain_affine(norm->padded, norm->scale, norm->bias, norm->mean, norm->var, row->eps, norm->a, norm->b);
        update_running(program, row, norm);
    }
    chain_run_forward(program, op, norm);
}

void cpu_op_chain_eval(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_unit *unit = &own->graph.units[op->unit];
    struct cpu_norm_state *norm = unit->norm_row >= 0 ? &own->nodes[op->unit].norm : NULL;
    if (norm) {
        const struct plan_tensor *tensors = program->plan->tensors;
        norm_parameters(own, program, norm);
        chain_affine(norm->channels, norm->scale, norm->bias, own->weights + tensors[norm->mean_tensor].offset,
                     own->weights + tensors[norm->var_tensor].offset, program->plan->rows[unit->norm_row].eps, norm->a,
                     norm->b);
    }
    chain_run_forward(program, op, norm);
}

void cpu_op_chain_backward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_unit *unit = &own->graph.units[op->unit];
    struct cpu_norm_state *norm = unit->norm_row >= 0 ? &own->nodes[op->unit].norm : NULL;
    struct chain_view x = view_of(own, op->x), g1 = view_of(own, op->g1), g2, dx;
    const struct chain_view *second = NULL;
    int n = program->batch.n;
    if (op->g2 >= 0) {
        g2 = view_of(own, op->g2);
        second = &g2;
    }
    if (norm) {
        const struct plan_tensor *tensors = program->plan->tensors;
        chain_backward_reduce(&unit->chain, &x, n, norm->a, norm->b, norm->mean, norm->invstd, &g1, second,
                              norm->sum_dz, norm->sum_dzx, own->scratch);
        memcpy(own->gradients + tensors[norm->scale_tensor].offset, norm->sum_dzx,
               (size_t)norm->channels * sizeof(float));
        memcpy(own->gradients + tensors[norm->bias_tensor].offset, norm->sum_dz,
               (size_t)norm->channels * sizeof(float));
        chain_backward_affine(norm->padded, norm->scale, norm->mean, norm->invstd, norm->sum_dz, norm->sum_dzx,
                              norm_count(program, &program->plan->rows[unit->norm_row]), norm->ca, norm->cb, norm->cc);
    }
    if (op->dx < 0)
        return;
    dx = view_of(own, op->dx);
    chain_backward_apply(&unit->chain, &x, n, norm ? norm->a : NULL, norm ? norm->b : NULL, norm ? norm->ca : NULL,
                         norm ? norm->cb : NULL, norm ? norm->cc : NULL, &g1, second, &dx);
    clear_tail(program, op->dx);
}

/* The backward of a chain without stages adds its two gradients. */
void cpu_op_sum(struct program *program, const struct cpu_op *op)
{
    static const struct chain nothing = {.norm = 0, .act = CHAIN_ACT_NONE, .pool = 1};
    struct cpu_program *own = cpu_own(program);
    struct chain_view g1 = view_of(own, op->g1), g2, dx = view_of(own, op->dx);
    if (op->g2 >= 0)
        g2 = view_of(own, op->g2);
    chain_backward_apply(&nothing, &g1, program->batch.n, NULL, NULL, NULL, NULL, NULL, &g1, op->g2 >= 0 ? &g2 : NULL,
                         &dx);
    clear_tail(program, op->dx);
}

/* ---- pools, linear, loss, update ---- */

void cpu_op_pool_forward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct plan_row *row = leader(program, op);
    struct chain_view x = view_of(own, op->x), y = view_of(own, op->out);
    if (row->op == PLAN_AVG_POOL)
        cpu_avg_pool_forward(&x, program->batch.n, row->kernel, &y);
    else
        cpu_global_pool_forward(&x, program->batch.n, row->op == PLAN_GLOBAL_AVG, &y);
    clear_tail(program, op->out);
}

void cpu_op_pool_backward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct plan_row *row = leader(program, op);
    struct chain_view x = view_of(own, op->x), dy = view_of(own, op->g1), dx = view_of(own, op->dx);
    if (row->op == PLAN_AVG_POOL)
        cpu_avg_pool_backward(program->batch.n, row->kernel, &dy, &dx);
    else
        cpu_global_pool_backward(&x, program->batch.n, row->op == PLAN_GLOBAL_AVG, &dy, &dx);
    clear_tail(program, op->dx);
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
    struct chain_view x = view_of(own, op->x);
    cpu_linear_forward(&x, program->batch.n, row_floats(program, own->weights, index, PLAN_LINEAR_WEIGHT),
                       row_floats(program, own->weights, index, PLAN_LINEAR_BIAS), in->c * in->h * in->w, row->out.c,
                       row->factor, array_of(own, op->out)->data);
}

void cpu_op_linear_backward(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    int index = own->graph.units[op->unit].rows[0];
    const struct plan_row *row = &program->plan->rows[index];
    const struct plan_shape *in = &program->plan->rows[row->input[0]].out;
    struct chain_view x = view_of(own, op->x), dx;
    if (op->dx >= 0)
        dx = view_of(own, op->dx);
    clear_padding(program, op->dx);
    cpu_linear_backward(&x, program->batch.n, row_floats(program, own->weights, index, PLAN_LINEAR_WEIGHT),
                        in->c * in->h * in->w, row->out.c, row->factor, array_of(own, op->g1)->data,
                        row_floats(program, own->gradients, index, PLAN_LINEAR_WEIGHT),
                        row_floats(program, own->gradients, index, PLAN_LINEAR_BIAS), op->dx >= 0 ? &dx : NULL);
    clear_tail(program, op->dx);
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
    cpu_softmax_loss(&program->batch, array_of(own, op->x)->data, program->plan->classes, n,
                     op->dx >= 0 ? array_of(own, op->dx)->data : NULL, &program->result, &finite);
    program->result.bad_row = bad_row;
    if (!finite || !isfinite(program->result.loss_sum))
        trouble(program, find_bad_row(program));
}

void cpu_op_update(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct plan_row *row = &program->plan->rows[op->unit];
    for (int i = 0; i < row->n_tensors; i++) {
        const struct plan_tensor *t = &program->plan->tensors[row->tensor[i]];
        struct hyper hyper = program->hyper;
        if (!t->trained)
            continue;
        hyper.lr *= t->lr_scale;
        hyper.weight_decay *= t->decay_scale;
        if (!cpu_update(t->count, own->weights + t->offset, own->gradients + t->offset, own->momentum + t->offset,
                        &hyper))
            trouble(program, op->unit);
    }
    own->version++;
}
