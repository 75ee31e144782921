/* The ref family: compiling a plan, running its rows, reading and writing tensors. The arithmetic is next door. */
#include "kernels/ref/ref.h"

#include "kernels/bf16.h"
#include "kernels/half.h"
#include "kernels/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct op {
    void (*forward)(struct ref_row *row);
    void (*backward)(struct ref_row *row); /* (optional) */
};

static const struct op ops[PLAN_OP_COUNT] = {
    [PLAN_INPUT] = {ref_input_forward, NULL},
    [PLAN_CONV] = {ref_conv_forward, ref_conv_backward},
    [PLAN_NORM] = {ref_norm_forward, ref_norm_backward},
    [PLAN_ACT] = {ref_act_forward, ref_act_backward},
    [PLAN_MAX_POOL] = {ref_pool_forward, ref_pool_backward},
    [PLAN_AVG_POOL] = {ref_pool_forward, ref_pool_backward},
    [PLAN_GLOBAL_MAX] = {ref_pool_forward, ref_pool_backward},
    [PLAN_GLOBAL_AVG] = {ref_pool_forward, ref_pool_backward},
    [PLAN_ADD] = {ref_add_forward, ref_add_backward},
    [PLAN_CONCAT] = {ref_concat_forward, ref_concat_backward},
    [PLAN_LINEAR] = {ref_linear_forward, ref_linear_backward},
    [PLAN_LOSS] = {ref_loss_forward, ref_loss_backward},
};

/* Running rows */

static bool rounds(enum precision precision)
{
    return precision == PRECISION_BF16 || precision == PRECISION_F16;
}

static float round_to(enum precision precision, float value)
{
    return precision == PRECISION_F16 ? half_round(value) : bf16_round(value);
}

struct rounding {
    enum precision precision;
    float *to;
    const float *from;
};

static void round_range(void *context, size_t begin, size_t end, int thread)
{
    const struct rounding *r = context;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        r->to[i] = round_to(r->precision, r->from[i]);
}

static void round_all(enum precision precision, float *to, const float *from, size_t count)
{
    parallel_for(count, 1024, round_range, &(struct rounding){precision, to, from});
}

struct giving {
    struct ref_row *row;
    const float *share;
};

static void give_range(void *context, size_t begin, size_t end, int thread)
{
    const struct giving *giving = context;
    struct ref_row *row = giving->row;
    enum precision precision = row->ref->program.options.precision;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        float share = row->rounded ? round_to(precision, giving->share[i]) : giving->share[i];
        float sum = row->has_gradient ? row->gradient[i] + share : share;
        row->gradient[i] = row->rounded ? round_to(precision, sum) : sum;
    }
}

void ref_give(struct ref_row *row, const float *share)
{
    if (!row->gradient)
        return;
    parallel_for(ref_images(row) * row->size, 1024, give_range, &(struct giving){row, share});
    row->has_gradient = true;
}

int ref_find_bad_row(const struct ref *ref)
{
    int last = ref->program.plan->n_rows - 1;
    for (int i = 0; i <= last; i++)
        for (size_t k = 0; k < ref_images(&ref->rows[i]) * ref->rows[i].size; k++)
            if (!isfinite(ref->rows[i].out[k]))
                return i;
    return -1;
}

static void forward(struct program *program, const struct program_step *step, bool training)
{
    struct ref *ref = program->own;
    struct ref_row *row = &ref->rows[step->rows[0]];
    enum precision precision = program->options.precision;

    if (row->plan->op == PLAN_INPUT) {
        program->result = (struct step_result){.n = program->batch.n, .bad_row = -1};
        ref->ran = true;
        ref->ran_back = false;
    }
    ref->training = training;
    row->has_gradient = false;
    if (row->used) {
        size_t count = program->plan->tensors[row->plan->tensor[0]].count;
        if (rounds(precision))
            round_all(precision, row->used, row->weight, count);
        else
            memcpy(row->used, row->weight, count * sizeof *row->used);
    }
    ops[row->plan->op].forward(row);
    if (row->rounded)
        round_all(precision, row->out, row->out, ref_images(row) * row->size);
}

static void run_forward_training(struct program *program, const struct program_step *step)
{
    forward(program, step, true);
}

static void run_forward_evaluating(struct program *program, const struct program_step *step)
{
    forward(program, step, false);
}

static void run_backward(struct program *program, const struct program_step *step)
{
    struct ref *ref = program->own;
    struct ref_row *row = &ref->rows[step->rows[0]];
    ref->ran_back = true;
    ops[row->plan->op].backward(row);
}

static void run_update(struct program *program, const struct program_step *step)
{
    struct ref *ref = program->own;
    ref_update(&ref->rows[step->rows[0]]);
}

/* Compiling */

static void ref_free(struct program *program)
{
    if (!program)
        return;
    struct ref *ref = program->own;
    for (int i = 0; i < PLAN_ROWS_MAX; i++) {
        free(ref->rows[i].out);
        free(ref->rows[i].gradient);
        free(ref->rows[i].mean);
        free(ref->rows[i].inv_std);
    }
    free(ref->value);
    free(ref->gradient);
    free(ref->momentum);
    free(ref->used);
    free(ref->share);
    free(ref->padded);
    free(ref->sum);
    free(ref->part);
    free(ref->matrices);
    free(program->train);
    free(program->eval);
    free(ref);
}

/* calloc that counts; *failed is sticky. */
static void *take(struct ref *ref, size_t count, size_t size, bool *failed)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        *failed = true;
    else
        ref->bytes += count * size;
    return memory;
}

static float *in_arena(float *arena, const struct plan *plan, int row, enum plan_role role)
{
    int tensor = plan_row_tensor(plan, row, role);
    return tensor < 0 ? NULL : arena + plan->tensors[tensor].offset;
}

static void init_row(struct ref *ref, int index, bool *failed)
{
    const struct plan *plan = ref->program.plan;
    struct ref_row *row = &ref->rows[index];
    size_t images = (size_t)ref->program.options.max_batch;
    int last = plan->n_rows - 1;

    row->plan = &plan->rows[index];
    row->ref = ref;
    row->index = index;
    for (int i = 0; i < row->plan->n_inputs; i++)
        row->input[i] = &ref->rows[row->plan->input[i]];
    row->size = (size_t)row->plan->out.c * row->plan->out.h * row->plan->out.w;
    row->rounded = rounds(ref->program.options.precision) && index != last && index != plan->rows[last].input[0];
    row->out = take(ref, images * row->size, sizeof *row->out, failed);
    if (plan_row_gradient(plan, index) && index != last)
        row->gradient = take(ref, images * row->size, sizeof *row->gradient, failed);
    if (row->plan->op == PLAN_NORM) {
        size_t count = (size_t)row->plan->groups * (size_t)row->plan->out.c;
        row->mean = take(ref, count, sizeof *row->mean, failed);
        row->inv_std = take(ref, count, sizeof *row->inv_std, failed);
        row->weight = in_arena(ref->value, plan, index, PLAN_NORM_SCALE);
        row->weight_gradient = in_arena(ref->gradient, plan, index, PLAN_NORM_SCALE);
        row->bias = in_arena(ref->value, plan, index, PLAN_NORM_BIAS);
        row->bias_gradient = in_arena(ref->gradient, plan, index, PLAN_NORM_BIAS);
        row->running_mean = in_arena(ref->value, plan, index, PLAN_RUNNING_MEAN);
        row->running_var = in_arena(ref->value, plan, index, PLAN_RUNNING_VAR);
    } else if (row->plan->op == PLAN_CONV || row->plan->op == PLAN_LINEAR) {
        enum plan_role role = row->plan->op == PLAN_CONV ? PLAN_CONV_WEIGHT : PLAN_LINEAR_WEIGHT;
        row->weight = in_arena(ref->value, plan, index, role);
        row->weight_gradient = in_arena(ref->gradient, plan, index, role);
        row->used = in_arena(ref->used, plan, index, role);
        role = row->plan->op == PLAN_CONV ? PLAN_CONV_BIAS : PLAN_LINEAR_BIAS;
        row->bias = in_arena(ref->value, plan, index, role);
        row->bias_gradient = in_arena(ref->gradient, plan, index, role);
    }
}

static void take_scratch(struct ref *ref, bool *failed)
{
    const struct plan *plan = ref->program.plan;
    size_t images = (size_t)ref->program.options.max_batch, row_size = 0, padded_size = 0;

    for (int i = 0; i < plan->n_rows; i++) {
        /* Only convolutions pad, and each has its input's channels. */
        struct plan_shape shape =
            plan->rows[i].op == PLAN_CONV ? plan->rows[plan->rows[i].input[0]].out : plan->rows[i].out;
        size_t plane = (size_t)(shape.h + 2 * plan->rows[i].pad) * (shape.w + 2 * plan->rows[i].pad);
        size_t size = plane * shape.c;
        padded_size = size > padded_size ? size : padded_size;
        ref->plane = plane > ref->plane ? plane : ref->plane;
        size = (size_t)plan->rows[i].out.c * plan->rows[i].out.h * plan->rows[i].out.w;
        row_size = size > row_size ? size : row_size;
    }
    ref->share = take(ref, images * row_size, sizeof *ref->share, failed);
    ref->padded = take(ref, images * padded_size, sizeof *ref->padded, failed);
    ref->sum = take(ref, PARALLEL_THREADS_MAX * ref->plane, sizeof *ref->sum, failed);
    ref->part = take(ref, PARALLEL_THREADS_MAX * ref->plane, sizeof *ref->part, failed);
    size_t matrices = 0;
    for (int i = 0; i < plan->n_tensors; i++)
        if (plan->tensors[i].rule == PLAN_RULE_MUON && ref_muon_doubles(&plan->tensors[i]) > matrices)
            matrices = ref_muon_doubles(&plan->tensors[i]);
    ref->matrices = take(ref, matrices, sizeof *ref->matrices, failed);
}

static void add_step(struct program_step *list, int *count, enum phase phase, int row,
                     void (*run)(struct program *, const struct program_step *))
{
    list[(*count)++] = (struct program_step){.phase = phase, .n_rows = 1, .rows = {row}, .impl = "ref", .run = run};
}

static void add_steps(struct program *program)
{
    const struct plan *plan = program->plan;
    int last = plan->n_rows - 1;

    for (int i = 0; i <= last; i++) {
        enum phase phase = i == 0 ? PHASE_AUGMENT : i == last ? PHASE_LOSS : PHASE_FORWARD;
        add_step(program->train, &program->n_train, phase, i, run_forward_training);
        add_step(program->eval, &program->n_eval, phase, i, run_forward_evaluating);
    }
    for (int i = last; i > 0; i--)
        if (plan_row_gradient(plan, i))
            add_step(program->train, &program->n_train, PHASE_BACKWARD, i, run_backward);
    for (int i = 0; i <= last; i++)
        if (plan_row_trained(plan, i))
            add_step(program->train, &program->n_train, PHASE_UPDATE, i, run_update);
}

static int ref_probe(const struct program_options *options, struct error *err)
{
    if (options->precision != PRECISION_F32 && !rounds(options->precision))
        return error_set(err, "the reference family computes in f32, bf16 or f16, not %s; choose one of them",
                         precision_name(options->precision));
    return 0;
}

static struct program *ref_compile(const struct plan *plan, const struct program_options *options, struct error *err)
{
    if (ref_probe(options, err) || plan_check(plan, err))
        return NULL;
    if (options->max_batch < 1) {
        error_set(err, "a program for batches of %d images; the batch must be at least 1", options->max_batch);
        return NULL;
    }
    struct ref *ref = calloc(1, sizeof *ref);
    if (!ref) {
        error_set(err, "out of memory for the reference program");
        return NULL;
    }
    struct program *program = &ref->program;
    *program = (struct program){.family = &family_ref, .plan = plan, .options = *options, .own = ref};
    program->result.bad_row = -1;
    if (options->threads > 0)
        parallel_set_threads(options->threads);

    bool failed = false;
    size_t rows = (size_t)plan->n_rows;
    ref->value = take(ref, plan->arena_count, sizeof(float), &failed);
    ref->gradient = take(ref, plan->arena_count, sizeof(float), &failed);
    ref->momentum = take(ref, plan->arena_count, sizeof(float), &failed);
    ref->used = take(ref, plan->arena_count, sizeof(float), &failed);
    take_scratch(ref, &failed);
    program->train = take(ref, 3 * rows, sizeof *program->train, &failed);
    program->eval = take(ref, rows, sizeof *program->eval, &failed);
    for (int i = 0; i < plan->n_rows && !failed; i++)
        init_row(ref, i, &failed);
    if (failed) {
        error_set(err, "out of memory for the reference program at batch %d; use a smaller batch", options->max_batch);
        ref_free(program);
        return NULL;
    }
    for (int i = 0; i < plan->n_tensors; i++)
        for (size_t k = 0; plan->tensors[i].role == PLAN_RUNNING_VAR && k < plan->tensors[i].count; k++)
            ref->value[plan->tensors[i].offset + k] = 1;
    add_steps(program);
    return program;
}

/* Reading and writing */

/* The arena that holds that kind of a tensor, or NULL with err. */
static float *tensor_at(const struct ref *ref, const char *name, enum program_tensor kind, size_t count,
                        struct error *err)
{
    int index = program_find_tensor(&ref->program, name, kind, count, err);
    if (index < 0)
        return NULL;
    float *arena = kind == PROGRAM_VALUE ? ref->value : kind == PROGRAM_GRADIENT ? ref->gradient : ref->momentum;
    return arena + ref->program.plan->tensors[index].offset;
}

static const float *row_at(const struct ref *ref, int index, enum program_tensor kind, size_t count, struct error *err)
{
    const struct ref_row *row = &ref->rows[index];
    if (!ref->ran || (kind == PROGRAM_GRADIENT && !ref->ran_back)) {
        error_set(err, "row '%s': no batch has been run %s yet", row->plan->name,
                  kind == PROGRAM_GRADIENT ? "backward" : "forward");
        return NULL;
    }
    if (program_check_row(&ref->program, index, kind, count, err))
        return NULL;
    if (kind == PROGRAM_GRADIENT && !row->has_gradient) {
        error_set(err, "row '%s': no gradient is computed for it", row->plan->name);
        return NULL;
    }
    return kind == PROGRAM_GRADIENT ? row->gradient : row->out;
}

static int ref_read_tensor(struct program *program, const char *name, enum program_tensor kind, float *out,
                           size_t count, struct error *err)
{
    const struct ref *ref = program->own;
    int row = plan_find_row(program->plan, name);
    const float *from = row < 0 ? tensor_at(ref, name, kind, count, err) : row_at(ref, row, kind, count, err);
    if (!from)
        return -1;
    memcpy(out, from, count * sizeof *out);
    return 0;
}

static int ref_write_tensor(struct program *program, const char *name, enum program_tensor kind, const float *in,
                            size_t count, struct error *err)
{
    if (kind == PROGRAM_GRADIENT)
        return error_set(err, "'%s': gradients are computed, not written", name);
    float *to = tensor_at(program->own, name, kind, count, err);
    if (!to)
        return -1;
    memcpy(to, in, count * sizeof *to);
    return 0;
}

static size_t ref_memory(const struct program *program)
{
    const struct ref *ref = program->own;
    return ref->bytes + sizeof *ref;
}

const struct family family_ref = {
    .name = "ref",
    .probe = ref_probe,
    .compile = ref_compile,
    .free = ref_free,
    .read_tensor = ref_read_tensor,
    .write_tensor = ref_write_tensor,
    .memory = ref_memory,
};
