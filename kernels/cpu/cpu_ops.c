#include "kernels/cpu/cpu_program.h"

#include "kernels/cpu/elementwise.h"

#include <math.h>
#include <string.h>

static struct cpu_array *array_of(struct cpu_program *own, int tensor)
{
    return &own->tensors[tensor].array;
}

/* The views of one operation's tensors on some of the images. */
struct views {
    int n; /* images */
    struct chain_view x, skip, g1, g2, out, dx;
};

static void view_one(struct cpu_program *own, int tensor, int first, struct chain_view *view)
{
    if (tensor >= 0)
        *view = cpu_array_view(array_of(own, tensor), first);
}

/*
 * Walks over the batch in pieces that lie evenly in every tensor of the operation: all of it, but for CPU_HWNC's
 * groups. *first: where to begin; moves on. False: done.
 */
static bool next_views(struct program *program, const struct cpu_op *op, int *first, struct views *views)
{
    struct cpu_program *own = cpu_own(program);
    const int tensors[] = {op->x, op->skip, op->g1, op->g2, op->out, op->dx};
    int end = program->batch.n;
    if (*first >= end)
        return false;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i] >= 0 && *first + array_of(own, tensors[i])->group < end)
            end = *first + array_of(own, tensors[i])->group;
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
        trouble(program, own->graph.units[op->unit].rows[0]);
}

/* ---- chains ---- */

static void norm_parameters(struct program *program, struct cpu_norm_state *norm)
{
    struct cpu_program *own = cpu_own(program);
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

/* Mean and variance over all pieces of the batch (Chan's formula where there are several). */
static void norm_statistics(struct program *program, const struct cpu_op *op, struct cpu_norm_state *norm)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_op only_x = {.x = op->x, .skip = -1, .g1 = -1, .g2 = -1, .out = -1, .dx = -1};
    double *sum = norm->sums, *square = norm->sums + norm->padded, done = 0;
    struct views views;
    for (int first = 0; next_views(program, &only_x, &first, &views); done += views.n) {
        if (views.n == program->batch.n) {
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

/* sum_dz and sum_dzx over all pieces of the batch. */
static void norm_reduce(struct program *program, const struct cpu_op *op, struct cpu_norm_state *norm)
{
    struct cpu_program *own = cpu_own(program);
    const struct chain *chain = &own->graph.units[op->unit].chain;
    double *sum_dz = norm->sums, *sum_dzx = norm->sums + norm->padded;
    struct views views;
    memset(norm->sums, 0, 2 * (size_t)norm->padded * sizeof *norm->sums);
    for (int first = 0; next_views(program, op, &first, &views);) {
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

static void chain_run_forward(struct program *program, const struct cpu_op *op, const struct cpu_norm_state *norm)
{
    const struct chain *chain = &cpu_own(program)->graph.units[op->unit].chain;
    struct views views;
    for (int first = 0; next_views(program, op, &first, &views);)
        chain_forward(chain, &views.x, views.n, norm ? norm->a : NULL, norm ? norm->b : NULL,
                      op->skip >= 0 ? &views.skip : NULL, &views.out);
    clear_tail(program, op->out);
}

void cpu_op_chain_train(struct program *program, const struct cpu_op *op)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_unit *unit = &own->graph.units[op->unit];
    struct cpu_norm_state *norm = unit->norm_row >= 0 ? &own->nodes[op->unit].norm : NULL;
    if (norm) {
        const struct plan_row *row = &program->plan->rows[unit->norm_row];
        norm_parameters(program, norm);
        norm_statistics(program, op, norm);
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
        norm_parameters(program, norm);
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
    struct views views;
    if (norm) {
        const struct plan_tensor *tensors = program->plan->tensors;
        size_t bytes = (size_t)norm->channels * sizeof(float);
        norm_reduce(program, op, norm);
        memcpy(own->gradients + tensors[norm->scale_tensor].offset, norm->sum_dzx, bytes);
        memcpy(own->gradients + tensors[norm->bias_tensor].offset, norm->sum_dz, bytes);
        chain_backward_affine(norm->padded, norm->scale, norm->mean, norm->invstd, norm->sum_dz, norm->sum_dzx,
                              norm_count(program, &program->plan->rows[unit->norm_row]), norm->ca, norm->cb, norm->cc);
    }
    for (int first = 0; op->dx >= 0 && next_views(program, op, &first, &views);)
        chain_backward_apply(&unit->chain, &views.x, views.n, norm ? norm->a : NULL, norm ? norm->b : NULL,
                             norm ? norm->ca : NULL, norm ? norm->cb : NULL, norm ? norm->cc : NULL, &views.g1,
                             op->g2 >= 0 ? &views.g2 : NULL, &views.dx);
    clear_tail(program, op->dx);
}

/* The backward of a chain without stages adds its two gradients. */
void cpu_op_sum(struct program *program, const struct cpu_op *op)
{
    static const struct chain nothing = {.norm = 0, .act = CHAIN_ACT_NONE, .pool = 1};
    struct views views;
    for (int first = 0; next_views(program, op, &first, &views);)
        chain_backward_apply(&nothing, &views.g1, views.n, NULL, NULL, NULL, NULL, NULL, &views.g1,
                             op->g2 >= 0 ? &views.g2 : NULL, &views.dx);
    clear_tail(program, op->dx);
}

/* ---- pools, linear, loss, update ---- */

void cpu_op_pool_forward(struct program *program, const struct cpu_op *op)
{
    const struct plan_row *row = leader(program, op);
    struct views views;
    for (int first = 0; next_views(program, op, &first, &views);) {
        if (row->op == PLAN_AVG_POOL)
            cpu_avg_pool_forward(&views.x, views.n, row->kernel, &views.out);
        else
            cpu_global_pool_forward(&views.x, views.n, row->op == PLAN_GLOBAL_AVG, &views.out);
    }
    clear_tail(program, op->out);
}

void cpu_op_pool_backward(struct program *program, const struct cpu_op *op)
{
    const struct plan_row *row = leader(program, op);
    struct views views;
    for (int first = 0; next_views(program, op, &first, &views);) {
        if (row->op == PLAN_AVG_POOL)
            cpu_avg_pool_backward(views.n, row->kernel, &views.g1, &views.dx);
        else
            cpu_global_pool_backward(&views.x, views.n, row->op == PLAN_GLOBAL_AVG, &views.g1, &views.dx);
    }
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
    struct chain_view x = cpu_array_view(array_of(own, op->x), 0);
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
    struct chain_view x = cpu_array_view(array_of(own, op->x), 0), dx;
    view_one(own, op->dx, 0, &dx);
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
                     leader(program, op)->smoothing, op->dx >= 0 ? array_of(own, op->dx)->data : NULL, &program->result,
                     &finite);
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
        if (!hyper_trains(&hyper, t))
            continue;
        hyper.lr *= t->lr_scale;
        hyper.weight_decay *= t->decay_scale;
        if (!cpu_update(t->count, own->weights + t->offset, own->gradients + t->offset, own->momentum + t->offset,
                        &hyper))
            trouble(program, op->unit);
    }
    own->version++;
}
