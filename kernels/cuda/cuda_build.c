#include "kernels/cuda/cuda_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- memory ---- */

void *cuda_take(struct cuda_program *own, size_t bytes, struct error *err)
{
    if (own->n_memory == own->memory_room) {
        int room = own->memory_room ? 2 * own->memory_room : 256;
        void **memory = realloc(own->memory, (size_t)room * sizeof *memory);
        if (!memory) {
            error_set(err, "out of memory for the program");
            return NULL;
        }
        own->memory = memory;
        own->memory_room = room;
    }
    void *memory = cuda_device_alloc(&own->device, bytes, err);
    if (memory) {
        own->memory[own->n_memory++] = memory;
        own->bytes += bytes;
    }
    return memory;
}

enum cuda_type cuda_value_type(const struct cuda_program *own, int value)
{
    return own->units.values[value].logits ? CUDA_TYPE_F32 : own->type;
}

size_t cuda_value_count(const struct cuda_program *own, int value)
{
    const struct cuda_value *v = &own->units.values[value];
    return (size_t)own->program->options.max_batch * (size_t)v->shape.h * (size_t)v->shape.w * (size_t)v->c;
}

static void *take_value(struct cuda_program *own, int value, struct error *err)
{
    return cuda_take(own, cuda_value_count(own, value) * cuda_type_bytes(cuda_value_type(own, value)), err);
}

/* ---- what the operations do ---- */

static void trouble(struct cuda_program *own, const struct error *err)
{
    if (!own->trouble.text[0])
        own->trouble = *err;
}

static void run_conv(struct cuda_program *own, struct cuda_conv *conv, const void *x, const void *w, void *out)
{
    struct error err = {""};
    if (conv && cuda_conv_run(conv, x, w, out, own->workspace, &err))
        trouble(own, &err);
}

static void run_sum(struct cuda_program *own, const struct cuda_op *op)
{
    if (op->sum_out)
        cuda_sum(op->sum[0], op->sum[1], op->sum_out, op->sum_count, op->sum_type, own->device.stream);
}

static void op_augment(struct cuda_program *own, const struct cuda_op *op)
{
    const struct cuda_value *v = &own->units.values[0];
    (void)op;
    cuda_augment(own->step, own->result, own->value[0], own->program->options.max_batch, v->shape.h, v->shape.w, v->c,
                 own->type, own->device.stream);
}

static void op_conv(struct cuda_program *own, const struct cuda_op *op)
{
    run_conv(own, op->conv[0], op->x, op->w, op->out);
}

static void op_conv_backward(struct cuda_program *own, const struct cuda_op *op)
{
    run_sum(own, op);
    run_conv(own, op->conv[1], op->x, op->dy, op->gradient);
    run_conv(own, op->conv[0], op->dy, op->w, op->out);
}

static void op_chain(struct cuda_program *own, const struct cuda_op *op)
{
    if (op->training && (op->chain.kind == CUDA_CHAIN_NORM || op->chain.before > 1))
        cuda_chain_moments(&op->chain, own->step, own->result, own->device.stream);
    cuda_chain_forward(&op->chain, own->step, op->training, own->device.stream);
}

static void op_chain_backward(struct cuda_program *own, const struct cuda_op *op)
{
    run_sum(own, op);
    if (op->chain.kind != CUDA_CHAIN_PLAIN)
        cuda_chain_sums(&op->chain, own->step, own->device.stream);
    if (op->chain.dx)
        cuda_chain_backward(&op->chain, own->step, own->device.stream);
}

static void op_pool(struct cuda_program *own, const struct cuda_op *op)
{
    cuda_global_pool(&op->pool, own->device.stream);
}

static void op_pool_backward(struct cuda_program *own, const struct cuda_op *op)
{
    cuda_global_pool_backward(&op->pool, own->step, own->device.stream);
}

static void op_linear(struct cuda_program *own, const struct cuda_op *op)
{
    cuda_linear_forward(&op->linear, own->device.stream);
}

static void op_linear_backward(struct cuda_program *own, const struct cuda_op *op)
{
    run_sum(own, op);
    if (op->linear.weight_gradient)
        cuda_linear_backward_weights(&op->linear, own->step, own->device.stream);
    if (op->linear.dx)
        cuda_linear_backward_data(&op->linear, own->device.stream);
}

static void op_concat(struct cuda_program *own, const struct cuda_op *op)
{
    cuda_concat_forward(&op->concat, own->device.stream);
}

static void op_concat_backward(struct cuda_program *own, const struct cuda_op *op)
{
    cuda_concat_backward(&op->concat, own->device.stream);
}

static void op_loss(struct cuda_program *own, const struct cuda_op *op)
{
    cuda_softmax_loss(&op->loss, own->step, own->result, own->device.stream);
}

static void op_update(struct cuda_program *own, const struct cuda_op *op)
{
    (void)op;
    cuda_update_run(own);
}

/* ---- building ---- */

struct build {
    struct cuda_program *own;
    struct program *program;
    const struct plan *plan;
    struct error *err;
    bool failed;
};

static void *take(struct build *b, size_t bytes)
{
    void *memory = b->failed ? NULL : cuda_take(b->own, bytes, b->err);
    b->failed |= !memory;
    return memory;
}

static struct cuda_weights *weights_of(struct build *b, int row, enum plan_role role)
{
    int tensor = plan_row_tensor(b->plan, row, role);
    return tensor < 0 ? NULL : &b->own->weights[tensor];
}

static void add_step(struct build *b, bool training, enum phase phase, const struct cuda_op *op, const char *impl)
{
    struct cuda_program *own = b->own;
    int *count = training ? &b->program->n_train : &b->program->n_eval;
    struct cuda_op *kept = &(training ? own->train_ops : own->eval_ops)[*count];
    struct program_step *step = &(training ? b->program->train : b->program->eval)[(*count)++];
    *kept = *op;
    kept->training = training;
    *step = (struct program_step){.phase = phase, .impl = impl, .run = cuda_run_step, .context = kept};
    if (op->unit < 0) {
        step->n_rows = 1; /* the input */
        return;
    }
    const struct cuda_unit *unit = &own->units.units[op->unit];
    step->n_rows = unit->n_rows;
    for (int i = 0; i < unit->n_rows; i++)
        step->rows[i] = unit->rows[i];
}

static const char *chain_name(const struct build *b)
{
    return b->own->type == CUDA_TYPE_F16 ? "cuda:f16" : b->own->type == CUDA_TYPE_BF16 ? "cuda:bf16" : "cuda:f32";
}

static struct cuda_conv *make_conv(struct build *b, const struct cuda_unit *unit, enum cuda_conv_pass pass)
{
    const struct cuda_program *own = b->own;
    const struct plan_row *row = &b->plan->rows[unit->rows[0]];
    const struct cuda_value *x = &own->units.values[unit->x], *out = &own->units.values[unit->out];
    const struct program_options *options = &b->program->options;
    struct cuda_conv_shape shape = {
        .type = own->type,
        .tf32 = options->precision == PRECISION_TF32,
        .n = options->max_batch,
        .h = x->shape.h,
        .w = x->shape.w,
        .c = x->c,
        .k = out->c,
        .size = row->kernel,
        .stride = row->stride,
        .pad = row->pad,
        .out_h = out->shape.h,
        .out_w = out->shape.w,
        .deterministic = true,
        .exact = options->exact_convolutions != 0,
    };
    if (b->failed)
        return NULL;
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    struct cuda_conv *conv = cuda_conv_new(own->library, &shape, pass, b->err);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    b->own->search_seconds += (double)(ended.tv_sec - began.tv_sec) + 1e-9 * (double)(ended.tv_nsec - began.tv_nsec);
    if (!conv) {
        error_prefix(b->err, "'%s'", row->name);
        b->failed = true;
        return NULL;
    }
    size_t workspace = cuda_conv_workspace(conv);
    b->own->workspace_bytes = workspace > own->workspace_bytes ? workspace : own->workspace_bytes;
    return conv;
}

/* Everything of a chain but its gradients. */
static void fill_chain(struct build *b, const struct cuda_unit *unit, struct cuda_chain *chain)
{
    struct cuda_program *own = b->own;
    cuda_unit_chain(&own->units, unit, b->plan, chain);
    chain->type = own->type;
    chain->images = b->program->options.max_batch;
    chain->x = chain->inner = own->value[unit->x];
    chain->skip = unit->skip >= 0 ? own->value[unit->skip] : NULL;
    chain->out = own->value[unit->out];
    size_t groups = (size_t)chain->groups, c = (size_t)chain->c;
    size_t inner = (size_t)chain->images * (size_t)(chain->h / chain->before) * (size_t)(chain->w / chain->before) * c;
    if (chain->before > 1) {
        chain->inner = take(b, inner * cuda_type_bytes(own->type));
        chain->where = chain->max ? take(b, inner) : NULL;
    }
    if (chain->kind == CUDA_CHAIN_PLAIN)
        return;
    chain->part = take(b, cuda_chain_part_floats(chain) * sizeof(float));
    chain->ticket = take(b, cuda_chain_tickets(chain) * sizeof(unsigned));
    if (chain->kind == CUDA_CHAIN_BIAS) {
        struct cuda_weights *bias = weights_of(b, unit->bias_row, PLAN_CONV_BIAS);
        chain->bias = bias->value;
        chain->bias_gradient = (float *)bias->gradient;
        return;
    }
    struct cuda_weights *scale = weights_of(b, unit->norm_row, PLAN_NORM_SCALE),
                        *bias = weights_of(b, unit->norm_row, PLAN_NORM_BIAS);
    chain->scale = scale->value;
    chain->bias = bias->value;
    chain->scale_gradient = (float *)scale->gradient;
    chain->bias_gradient = (float *)bias->gradient;
    chain->running_mean = weights_of(b, unit->norm_row, PLAN_RUNNING_MEAN)->value;
    chain->running_var = weights_of(b, unit->norm_row, PLAN_RUNNING_VAR)->value;
    chain->mean = take(b, groups * c * sizeof(float));
    chain->inv_std = take(b, groups * c * sizeof(float));
    chain->coefficient = take(b, 3 * groups * c * sizeof(float));
}

static void fill_linear(struct build *b, const struct cuda_unit *unit, struct cuda_linear *linear)
{
    struct cuda_program *own = b->own;
    const struct cuda_value *x = &own->units.values[unit->x], *out = &own->units.values[unit->out];
    struct cuda_weights *weight = weights_of(b, unit->rows[0], PLAN_LINEAR_WEIGHT),
                        *bias = weights_of(b, unit->rows[0], PLAN_LINEAR_BIAS);
    *linear = (struct cuda_linear){.type = own->type,
                                   .y_type = cuda_value_type(own, unit->out),
                                   .images = b->program->options.max_batch,
                                   .inputs = x->shape.h * x->shape.w * x->c,
                                   .outputs = out->shape.c,
                                   .y_stride = out->c,
                                   .factor = (float)b->plan->rows[unit->rows[0]].factor,
                                   .x = own->value[unit->x],
                                   .weight = weight->value,
                                   .bias = bias ? bias->value : NULL,
                                   .y = own->value[unit->out],
                                   .weight_gradient = (float *)weight->gradient,
                                   .bias_gradient = bias ? (float *)bias->gradient : NULL};
}

static void fill_concat(struct build *b, const struct cuda_unit *unit, struct cuda_concat *concat)
{
    const struct cuda_program *own = b->own;
    const struct cuda_value *x = &own->units.values[unit->x], *y = &own->units.values[unit->skip];
    size_t pixels = (size_t)b->program->options.max_batch * (size_t)x->shape.h * (size_t)x->shape.w;
    *concat = (struct cuda_concat){.type = own->type,
                                   .pixels = pixels,
                                   .a_c = x->shape.c,
                                   .b_c = y->shape.c,
                                   .a_stride = x->c,
                                   .b_stride = y->c,
                                   .out_stride = own->units.values[unit->out].c,
                                   .a = own->value[unit->x],
                                   .b = own->value[unit->skip],
                                   .out = own->value[unit->out]};
}

static void fill_pool(struct build *b, const struct cuda_unit *unit, struct cuda_pool *pool)
{
    const struct cuda_value *x = &b->own->units.values[unit->x];
    *pool = (struct cuda_pool){.type = b->own->type,
                               .images = b->program->options.max_batch,
                               .pixels = x->shape.h * x->shape.w,
                               .c = x->c,
                               .max = b->plan->rows[unit->rows[0]].op == PLAN_GLOBAL_MAX,
                               .x = b->own->value[unit->x],
                               .out = b->own->value[unit->out]};
}

/* Memory for a gradient of the value; NULL when nothing before it is trained. */
static void *take_gradient(struct build *b, int value)
{
    struct cuda_program *own = b->own;
    if (value < 0 || !own->units.values[value].gradient)
        return NULL;
    return take(b, cuda_value_count(own, value) * cuda_type_bytes(cuda_value_type(own, value)));
}

static void emit_sum(struct build *b, int unit, int value, const void *x, const void *y, void *out)
{
    struct cuda_op op = {.run = run_sum, .unit = unit, .sum = {x, y}, .sum_out = out};
    op.sum_count = cuda_value_count(b->own, value);
    op.sum_type = cuda_value_type(b->own, value);
    add_step(b, true, PHASE_BACKWARD, &op, chain_name(b));
}

/*
 * Says that `part`, which is computed by then, is part of a value's gradient. Where there is no room for it, the sum of
 * it and of the last part takes that one's place, and a step of its own makes it.
 */
static void give_part(struct build *b, int unit, int value, const void *part)
{
    struct cuda_program *own = b->own;
    if (!own->units.values[value].gradient || !part)
        return;
    if (own->n_parts[value] < CUDA_PARTS_MAX) {
        own->part[value][own->n_parts[value]++] = part;
        return;
    }
    void *sum = take_gradient(b, value);
    const void **last = &own->part[value][CUDA_PARTS_MAX - 1];
    emit_sum(b, unit, value, *last, part, sum);
    *last = sum;
}

/* The whole gradient of a unit's output in one buffer: the only part, or their sum, which the operation then makes. */
static const void *whole_gradient(struct build *b, int value, struct cuda_op *op)
{
    struct cuda_program *own = b->own;
    if (own->n_parts[value] < 2)
        return own->n_parts[value] ? own->part[value][0] : NULL;
    op->sum[0] = own->part[value][0];
    op->sum[1] = own->part[value][1];
    op->sum_count = cuda_value_count(own, value);
    op->sum_type = cuda_value_type(own, value);
    op->sum_out = take_gradient(b, value);
    return op->sum_out;
}

static void build_forward(struct build *b, int index, bool training)
{
    struct cuda_program *own = b->own;
    const struct cuda_unit *unit = &own->units.units[index];
    struct cuda_op op = {.unit = index};
    const char *impl = chain_name(b);
    enum phase phase = PHASE_FORWARD;
    switch (unit->kind) {
    case CUDA_UNIT_CONV: {
        const struct cuda_weights *weight = weights_of(b, unit->rows[0], PLAN_CONV_WEIGHT);
        op.run = op_conv;
        /* Both lists run the same plan, which belongs to the training list's operation. */
        op.conv[0] = training ? make_conv(b, unit, CUDA_CONV_FORWARD) : own->train_ops[index + 1].conv[0];
        op.x = own->value[unit->x];
        op.w = weight->used ? weight->used : weight->value;
        op.out = own->value[unit->out];
        impl = op.conv[0] ? cuda_conv_name(op.conv[0]) : "";
        break;
    }
    case CUDA_UNIT_CHAIN:
        op.run = op_chain;
        if (training)
            fill_chain(b, unit, &op.chain);
        else
            op.chain = own->train_ops[index + 1].chain;
        break;
    case CUDA_UNIT_GLOBAL_POOL:
        op.run = op_pool;
        fill_pool(b, unit, &op.pool);
        break;
    case CUDA_UNIT_LINEAR:
        op.run = op_linear;
        fill_linear(b, unit, &op.linear);
        break;
    case CUDA_UNIT_CONCAT:
        op.run = op_concat;
        fill_concat(b, unit, &op.concat);
        break;
    case CUDA_UNIT_LOSS: {
        int images = b->program->options.max_batch, value = unit->x;
        op.run = op_loss;
        phase = PHASE_LOSS;
        if (training) {
            op.loss = (struct cuda_loss){.type = cuda_value_type(own, value),
                                         .images = images,
                                         .classes = b->plan->classes,
                                         .stride = own->units.values[value].c,
                                         .row = own->units.values[value].row,
                                         .smoothing = (float)b->plan->rows[unit->rows[0]].smoothing,
                                         .logits = own->value[value]};
            op.loss.gradient = take_gradient(b, value);
            give_part(b, index, value, op.loss.gradient);
            op.loss.part = take(b, (size_t)cuda_loss_blocks(images) * 2 * sizeof(double));
            op.loss.ticket = take(b, sizeof(unsigned));
        } else {
            op.loss = own->train_ops[index + 1].loss;
            op.loss.gradient = NULL;
        }
        break;
    }
    }
    add_step(b, training, phase, &op, impl);
}

/* An addition alone gives its gradient to both, and computes nothing. */
static bool only_adds(const struct cuda_unit *unit)
{
    return unit->kind == CUDA_UNIT_CHAIN && unit->n_rows == 1 && unit->add_row >= 0;
}

static void build_backward(struct build *b, int index)
{
    struct cuda_program *own = b->own;
    const struct cuda_unit *unit = &own->units.units[index];
    if (unit->kind == CUDA_UNIT_LOSS || !own->units.values[unit->out].gradient)
        return;
    struct cuda_op op = {.unit = index};
    const struct cuda_op *forward = &own->train_ops[index + 1];
    const char *impl = chain_name(b);
    const void *const *dy = own->part[unit->out];
    int n_dy = own->n_parts[unit->out];
    void *dx = only_adds(unit) ? NULL : take_gradient(b, unit->x);
    switch (unit->kind) {
    case CUDA_UNIT_CONV: {
        const struct plan_tensor *tensor = &b->plan->tensors[plan_row_tensor(b->plan, unit->rows[0], PLAN_CONV_WEIGHT)];
        const struct cuda_weights *weight = weights_of(b, unit->rows[0], PLAN_CONV_WEIGHT);
        op.run = op_conv_backward;
        op.dy = whole_gradient(b, unit->out, &op);
        op.x = forward->x;
        op.w = forward->w;
        op.out = dx;
        op.gradient = (void *)weight->gradient;
        op.conv[0] = op.out ? make_conv(b, unit, CUDA_CONV_DATA) : NULL;
        op.conv[1] = tensor->trained ? make_conv(b, unit, CUDA_CONV_WEIGHTS) : NULL;
        impl = op.conv[1] ? cuda_conv_name(op.conv[1]) : op.conv[0] ? cuda_conv_name(op.conv[0]) : "";
        break;
    }
    case CUDA_UNIT_CHAIN:
        for (int i = 0; i < n_dy && unit->skip >= 0; i++)
            give_part(b, index, unit->skip, dy[i]);
        if (only_adds(unit)) {
            for (int i = 0; i < n_dy; i++)
                give_part(b, index, unit->x, dy[i]);
            return;
        }
        op.run = op_chain_backward;
        op.chain = forward->chain;
        op.chain.dy[0] = dy[0];
        op.chain.dy[1] = n_dy > 1 ? dy[1] : NULL;
        op.chain.dx = dx;
        break;
    case CUDA_UNIT_GLOBAL_POOL:
        op.run = op_pool_backward;
        op.pool = forward->pool;
        op.pool.dy[0] = dy[0];
        op.pool.dy[1] = n_dy > 1 ? dy[1] : NULL;
        op.pool.dx = dx;
        break;
    case CUDA_UNIT_CONCAT:
        op.run = op_concat_backward;
        op.concat = forward->concat;
        op.concat.dy[0] = dy[0];
        op.concat.dy[1] = n_dy > 1 ? dy[1] : NULL;
        op.concat.da = dx;
        op.concat.db = take_gradient(b, unit->skip);
        break;
    case CUDA_UNIT_LINEAR:
        op.run = op_linear_backward;
        op.linear = forward->linear;
        op.linear.dy = whole_gradient(b, unit->out, &op);
        op.linear.dx = dx;
        if (!plan_row_trained(b->plan, unit->rows[0]))
            op.linear.weight_gradient = NULL;
        break;
    default:
        return;
    }
    add_step(b, true, PHASE_BACKWARD, &op, impl);
    give_part(b, index, unit->x, dx);
    if (unit->kind == CUDA_UNIT_CONCAT)
        give_part(b, index, unit->skip, op.concat.db);
}

static void build_update(struct build *b)
{
    struct cuda_op op = {.run = op_update, .unit = -1};
    add_step(b, true, PHASE_UPDATE, &op, "cuda:all");
    struct program_step *step = &b->program->train[b->program->n_train - 1];
    step->n_rows = 0;
    for (int row = 0; row < b->plan->n_rows; row++)
        if (plan_row_trained(b->plan, row))
            step->rows[step->n_rows++] = row;
}

/* How much there is of everything that grows with the batch, for one image. */
static double bytes_per_image(const struct cuda_program *own)
{
    double bytes = 0;
    for (int i = 0; i < own->units.n_values; i++)
        bytes += (double)(cuda_value_count(own, i) * cuda_type_bytes(cuda_value_type(own, i))) *
                 (own->units.values[i].gradient ? 2 : 1);
    return bytes / own->program->options.max_batch;
}

/* Puts in front of the message what may help. */
static int out_of_memory(struct cuda_program *own, size_t free_before, struct error *err)
{
    int batch = own->program->options.max_batch;
    double each = bytes_per_image(own), room = (double)free_before * 0.8 / (each > 0 ? each : 1);
    if (free_before > 0 && room < batch && room >= 1)
        return error_prefix(err, "batch %d needs about %.2f GiB on the GPU; try --set batch=%d", batch,
                            each * batch / (1 << 30), room >= 16 ? (int)room / 16 * 16 : (int)room);
    return -1;
}

int cuda_build(struct cuda_program *own, struct error *err)
{
    struct program *program = own->program;
    struct build b = {.own = own, .program = program, .plan = program->plan, .err = err};
    size_t free_before = cuda_device_free_memory(&own->device);
    size_t units = (size_t)own->units.n_units;
    /* Forward, backward with up to three sums of its own, the input, the update. */
    own->train_ops = calloc(6 * units + 2, sizeof *own->train_ops);
    own->eval_ops = calloc(units + 1, sizeof *own->eval_ops);
    program->train = calloc(6 * units + 2, sizeof *program->train);
    program->eval = calloc(units + 1, sizeof *program->eval);
    if (!own->train_ops || !own->eval_ops || !program->train || !program->eval)
        return error_set(err, "out of memory for the program");
    for (int i = 0; i < own->units.n_values && !b.failed; i++)
        b.failed |= !(own->value[i] = take_value(own, i, err));
    struct cuda_op augment = {.run = op_augment, .unit = -1};
    add_step(&b, true, PHASE_AUGMENT, &augment, chain_name(&b));
    add_step(&b, false, PHASE_AUGMENT, &augment, chain_name(&b));
    for (int i = 0; i < own->units.n_units && !b.failed; i++)
        build_forward(&b, i, true);
    for (int i = 0; i < own->units.n_units && !b.failed; i++)
        build_forward(&b, i, false);
    for (int i = own->units.n_units - 1; i >= 0 && !b.failed; i--)
        build_backward(&b, i);
    build_update(&b);
    if (!b.failed && own->workspace_bytes)
        own->workspace = take(&b, own->workspace_bytes);
    return b.failed ? out_of_memory(own, free_before, err) : 0;
}

void cuda_build_release(struct cuda_program *own)
{
    struct program *program = own->program;
    for (int i = 0; own->train_ops && i < program->n_train; i++)
        for (int k = 0; k < 2; k++)
            if (own->train_ops[i].conv[k])
                cuda_conv_free(own->train_ops[i].conv[k]);
    free(own->train_ops);
    free(own->eval_ops);
    free(program->train);
    free(program->eval);
    for (int i = 0; i < own->n_memory; i++)
        cuda_device_free(&own->device, own->memory[i]);
    free(own->memory);
}
