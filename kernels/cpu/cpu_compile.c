#include "kernels/cpu/cpu_memory.h"
#include "kernels/cpu/cpu_program.h"
#include "kernels/cpu/muon.h"

#include "kernels/parallel.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINOGRAD_CHANNELS_MIN 16 /* below, its transforms cost more than they save */
#define NHWC_GROUP 32            /* images a group, where a group fits the caches */
#define HWNC_GROUP 128           /* where they are the tiles' rows, and every group's gradients are parked */

/* ---- convolutions ---- */

/*
 * Images that one call takes; 0: all of them. Measured at batch 512: bf16 in NHWC gains a fifth from groups that stay
 * in cache; in HWNC groups of 32 are better forward, and of 128 in oneDNN's weight gradients, where they park fewer
 * sums: our own (amx_wgrad.h) add up in place and take 32; Winograd in float32 has blocks of its own inside, and
 * loses by groups.
 */
static int choose_group(const struct cpu_program *own, const struct cpu_unit *unit)
{
    if (unit->kind != CPU_UNIT_CONV || own->type != CHAIN_BF16)
        return 0;
    return unit->layout == CPU_HWNC && !amx_conv_usable(own->isa) ? HWNC_GROUP : NHWC_GROUP;
}

static int round_up(int n, int multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* Makes the capacity a whole number of groups, if it takes more than one. */
static void fit_capacity(struct cpu_program *own, int group)
{
    for (int i = 0; i < own->graph.n_units; i++)
        if (choose_group(own, &own->graph.units[i]) == group && group < own->capacity)
            own->capacity = round_up(own->capacity, group);
}

static void choose_groups(struct cpu_program *own, int max_batch)
{
    own->capacity = max_batch;
    own->quantum = 1;
    fit_capacity(own, HWNC_GROUP); /* the larger first: it is a multiple of the other */
    fit_capacity(own, NHWC_GROUP);
    own->hwnc_group = amx_conv_usable(own->isa) ? NHWC_GROUP : HWNC_GROUP;
    if (own->hwnc_group > own->capacity)
        own->hwnc_group = own->capacity;
    for (int i = 0; i < own->graph.n_units; i++) {
        if (own->graph.units[i].kind != CPU_UNIT_CONV)
            continue;
        int group = choose_group(own, &own->graph.units[i]);
        if (group == 0 || group > own->capacity)
            group = own->capacity;
        for (int pass = 0; pass < CPU_PASS_COUNT; pass++)
            own->nodes[i].conv.group[pass] = group;
        if (group > own->quantum)
            own->quantum = group;
    }
}

static struct cpu_conv_spec conv_spec(const struct program *program, int index)
{
    const struct cpu_program *own = program->own;
    const struct cpu_unit *unit = &own->graph.units[index];
    const struct plan_row *row = &program->plan->rows[unit->rows[0]];
    const struct cpu_value *in = &own->graph.values[unit->x];
    struct cpu_conv_spec spec = {
        .in_c = in->layout == CPU_NCHW ? in->shape.c : cpu_pad_channels(in->shape.c),
        .out_c = cpu_pad_channels(row->out.c),
        .in_h = in->shape.h,
        .in_w = in->shape.w,
        .out_h = row->out.h,
        .out_w = row->out.w,
        .kernel = row->kernel,
        .stride = row->stride,
        .pad = row->pad,
        .type = own->type,
        .source = in->layout,
        .output = unit->layout,
        .isa = own->isa,
    };
    spec.winograd = own->type == CHAIN_F32 && !program->options.exact_convolutions && spec.kernel == 3 &&
                    spec.stride == 1 && spec.in_c >= WINOGRAD_CHANNELS_MIN;
    return spec;
}

static int make_conv(struct program *program, int index, struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    const struct cpu_unit *unit = &own->graph.units[index];
    struct cpu_conv_state *conv = &own->nodes[index].conv;
    struct cpu_conv_spec spec = conv_spec(program, index);
    conv->in_c = spec.in_c;
    conv->out_c = spec.out_c;
    conv->tensor = plan_row_tensor(program->plan, unit->rows[0], PLAN_CONV_WEIGHT);
    conv->bias_tensor = plan_row_tensor(program->plan, unit->rows[0], PLAN_CONV_BIAS);
    const bool needed[CPU_PASS_COUNT] = {
        [CPU_FORWARD] = true,
        [CPU_BACKWARD_DATA] = own->graph.values[unit->x].gradient,
        [CPU_BACKWARD_WEIGHTS] = program->plan->tensors[conv->tensor].trained,
    };
    for (int pass = 0; pass < CPU_PASS_COUNT; pass++) {
        spec.n = conv->group[pass];
        if (needed[pass] && !(conv->pass[pass] = cpu_conv_new(&spec, (enum cpu_pass)pass, err)))
            return error_prefix(err, "%s", program->plan->rows[unit->rows[0]].name);
    }
    return 0;
}

/* ---- memory ---- */

/* What lives as long as the program: how much, and the pointer to set. */
struct fixed {
    size_t bytes;
    void **where;
};

struct fixed_list {
    int count;
    struct fixed items[2 * CPU_UNITS_MAX + 16];
};

static void fix(struct fixed_list *list, void *where, size_t bytes)
{
    list->items[list->count++] = (struct fixed){bytes, where};
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Everything but tensors: arenas, packed weights, scratch, norms. */
static void list_fixed(struct program *program, struct fixed_list *list)
{
    struct cpu_program *own = cpu_own(program);
    size_t arena = program->plan->arena_count * sizeof(float), scratch = 64, padded = 0, sum = 64, part = 0;
    fix(list, &own->weights, arena);
    fix(list, &own->gradients, arena);
    fix(list, &own->momentum, arena);
    for (int i = 0; i < own->graph.n_units; i++) {
        const struct cpu_unit *unit = &own->graph.units[i];
        struct cpu_conv_state *conv = &own->nodes[i].conv;
        if (unit->kind == CPU_UNIT_CHAIN && unit->norm_row >= 0) {
            struct cpu_norm_state *norm = &own->nodes[i].norm;
            size_t arrays = 2 + CPU_NORM_ARRAYS * (size_t)norm->groups;
            fix(list, &norm->scale, arrays * (size_t)norm->padded * sizeof(float));
            fix(list, &norm->sums, 2 * (size_t)norm->padded * sizeof(double));
            scratch = larger(scratch, chain_scratch_bytes(own->capacity, norm->padded));
        }
        if (unit->kind != CPU_UNIT_CONV)
            continue;
        const struct plan_tensor *t = &program->plan->tensors[conv->tensor];
        size_t area = (size_t)t->dims[2] * (size_t)t->dims[3];
        if (conv->in_c != t->dims[1] || conv->out_c != t->dims[0])
            padded = larger(padded, (size_t)conv->in_c * (size_t)conv->out_c * area * sizeof(float));
        if (conv->bias_tensor >= 0) {
            fix(list, &conv->ones, CPU_BIAS_ARRAYS * (size_t)conv->out_c * sizeof(float));
            scratch = larger(scratch, chain_scratch_bytes(own->capacity, conv->out_c));
        }
        fix(list, &conv->packed, conv->pass[CPU_FORWARD]->weights_bytes);
        for (int pass = 0; pass < CPU_PASS_COUNT; pass++)
            if (conv->pass[pass]) {
                scratch = larger(scratch, conv->pass[pass]->scratch_bytes);
                if (pass != CPU_FORWARD)
                    sum = larger(sum, conv->pass[pass]->weights_bytes);
                if (pass == CPU_BACKWARD_WEIGHTS && conv->group[pass] < own->capacity)
                    part = larger(part, conv->pass[pass]->weights_bytes);
            }
    }
    fix(list, &own->scratch, larger(scratch, cpu_muon_scratch_bytes(program->plan)));
    fix(list, &own->padded, padded);
    fix(list, &own->dweights[0], sum);
    fix(list, &own->dweights[1], part);
}

/* Places everything in one block and sets all pointers. */
static int place(struct program *program, struct fixed_list *list, struct cpu_piece *pieces, struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    int count = 0;
    for (int i = 0; i < own->n_tensors; i++) {
        const struct cpu_tensor *t = &own->tensors[i];
        pieces[count++] = (struct cpu_piece){
            .bytes = t->home < 0 ? cpu_array_bytes(&t->array) : 0, .first = t->first, .last = t->last};
    }
    for (int i = 0; i < list->count; i++)
        pieces[count++] = (struct cpu_piece){.bytes = list->items[i].bytes, .first = 0, .last = CPU_FOREVER};
    own->block_bytes = cpu_memory_plan(pieces, count);
    own->block = own->block_bytes == SIZE_MAX ? NULL : cpu_memory_allocate(own->block_bytes);
    if (!own->block)
        return error_set(err, "not enough memory for a batch of %d images (%.2f GiB); use a smaller batch or width",
                         own->capacity, (double)own->block_bytes / 0x1p30);
    for (int i = 0; i < own->n_tensors; i++) {
        struct cpu_tensor *t = &own->tensors[i];
        t->offset = pieces[t->home < 0 ? i : t->home].offset;
        t->array.data = (char *)own->block + t->offset;
    }
    for (int i = 0; i < list->count; i++)
        *list->items[i].where = (char *)own->block + pieces[own->n_tensors + i].offset;
    return 0;
}

static void split_norm_arrays(struct cpu_norm_state *norm)
{
    float **arrays[CPU_NORM_ARRAYS] = {&norm->mean, &norm->var, &norm->invstd, &norm->a,      &norm->b,
                                       &norm->ca,   &norm->cb,  &norm->cc,     &norm->sum_dz, &norm->sum_dzx};
    norm->bias = norm->scale + norm->padded;
    for (int i = 0; i < CPU_NORM_ARRAYS; i++)
        *arrays[i] = norm->bias + (size_t)norm->padded * (1 + (size_t)i * (size_t)norm->groups);
}

static void split_bias_arrays(struct cpu_conv_state *conv)
{
    float **arrays[CPU_BIAS_ARRAYS] = {&conv->ones, &conv->bias, &conv->zeros, &conv->sum, &conv->unused};
    for (int i = 1; i < CPU_BIAS_ARRAYS; i++)
        *arrays[i] = conv->ones + (size_t)i * (size_t)conv->out_c;
}

static int allocate(struct program *program, struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    struct fixed_list *list = calloc(1, sizeof *list);
    struct cpu_piece *pieces = calloc(CPU_TENSORS_MAX + sizeof list->items / sizeof *list->items, sizeof *pieces);
    int rc = -1;
    if (list && pieces) {
        list_fixed(program, list);
        rc = place(program, list, pieces, err);
    } else {
        error_set(err, "out of memory for the memory plan");
    }
    free(list);
    free(pieces);
    for (int i = 0; rc == 0 && i < own->graph.n_units; i++) {
        if (own->nodes[i].norm.padded)
            split_norm_arrays(&own->nodes[i].norm);
        if (own->nodes[i].conv.ones)
            split_bias_arrays(&own->nodes[i].conv);
    }
    for (int i = 0; rc == 0 && i < program->plan->n_tensors; i++) {
        const struct plan_tensor *t = &program->plan->tensors[i];
        for (size_t k = 0; t->role == PLAN_RUNNING_VAR && k < t->count; k++)
            own->weights[t->offset + k] = 1;
    }
    return rc;
}

static void describe_norm(struct program *program, int index)
{
    struct cpu_program *own = cpu_own(program);
    struct cpu_norm_state *norm = &own->nodes[index].norm;
    int row = own->graph.units[index].norm_row;
    norm->channels = program->plan->rows[row].out.c;
    norm->padded = cpu_pad_channels(norm->channels);
    norm->groups = program->plan->rows[row].groups;
    if (norm->groups > program->options.max_batch)
        norm->groups = program->options.max_batch;
    norm->scale_tensor = plan_row_tensor(program->plan, row, PLAN_NORM_SCALE);
    norm->bias_tensor = plan_row_tensor(program->plan, row, PLAN_NORM_BIAS);
    norm->mean_tensor = plan_row_tensor(program->plan, row, PLAN_RUNNING_MEAN);
    norm->var_tensor = plan_row_tensor(program->plan, row, PLAN_RUNNING_VAR);
}

/* ---- steps ---- */

/* Runs a step's range of operations. The pool's size belongs to the calling thread, so it is set each time. */
static void run_ops(struct program *program, const struct cpu_step *step, const struct cpu_op *ops)
{
    struct cpu_program *own = cpu_own(program);
    parallel_set_threads(own->threads);
    for (int i = step->first; i < step->first + step->count; i++) {
        own->clock++;
        if (ops[i].out >= 0)
            own->tensors[ops[i].out].stamp = own->clock;
        if (ops[i].dx >= 0)
            own->tensors[ops[i].dx].stamp = own->clock;
        ops[i].run(program, &ops[i]);
    }
}

static void run_train(struct program *program, const struct program_step *step)
{
    run_ops(program, step->context, cpu_own(program)->train);
}

static void run_eval(struct program *program, const struct program_step *step)
{
    run_ops(program, step->context, cpu_own(program)->eval);
}

/* Who an operation is timed with: its unit (a conversion: the unit it was put in for), or the row it updates. */
static int owner(const struct cpu_program *own, const struct cpu_op *op)
{
    int unit = op->unit;
    if (op->phase != PHASE_UPDATE && unit >= 0)
        while (own->graph.units[unit].kind == CPU_UNIT_CONVERT)
            unit++;
    return unit;
}

static void name_impl(const struct cpu_program *own, const struct cpu_op *op, struct program_step *step, char *impl)
{
    static const char *const isa[ISA_COUNT] = {"plain", "avx2", "avx512", "avx512", "avx512"};
    int unit = owner(own, op);
    const struct cpu_unit *u = unit >= 0 && op->phase != PHASE_UPDATE ? &own->graph.units[unit] : NULL;
    struct cpu_conv *const *pass = u && u->kind == CPU_UNIT_CONV ? own->nodes[unit].conv.pass : NULL;
    struct cpu_conv *first = NULL, *second = NULL;
    if (pass && op->phase == PHASE_FORWARD)
        first = pass[CPU_FORWARD];
    else if (pass) {
        first = pass[CPU_BACKWARD_WEIGHTS] ? pass[CPU_BACKWARD_WEIGHTS] : pass[CPU_BACKWARD_DATA];
        second = pass[CPU_BACKWARD_DATA];
    }
    if (first) {
        const char *one = first->impl, *two = second ? second->impl : one;
        int used =
            snprintf(impl, CPU_IMPL_MAX, "%s%s%s", one, strcmp(one, two) ? "+" : "", strcmp(one, two) ? two : "");
        if (own->nodes[unit].conv.group[CPU_FORWARD] < own->capacity && used > 0 && used < CPU_IMPL_MAX)
            snprintf(impl + used, (size_t)(CPU_IMPL_MAX - used), " x%d", own->nodes[unit].conv.group[CPU_FORWARD]);
    } else {
        snprintf(impl, CPU_IMPL_MAX, "%s:%s", u && u->n_rows > 1 ? "fused" : "own", isa[own->isa]);
    }
    step->impl = impl;
    step->n_rows = u ? u->n_rows : 1;
    for (int i = 0; i < step->n_rows; i++)
        step->rows[i] = u ? u->rows[i] : unit < 0 ? 0 : unit;
}

/* Cuts a list of operations into steps, a new one where the phase or the owner changes. Returns how many. */
static int cut_steps(const struct cpu_program *own, const struct cpu_op *ops, int count, struct program_step *steps,
                     struct cpu_step *ranges, void (*run)(struct program *, const struct program_step *))
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && ops[i].phase == ops[i - 1].phase && owner(own, &ops[i]) == owner(own, &ops[i - 1])) {
            ranges[n - 1].count++;
            continue;
        }
        ranges[n] = (struct cpu_step){.first = i, .count = 1};
        steps[n] = (struct program_step){.phase = ops[i].phase, .run = run, .context = &ranges[n]};
        name_impl(own, &ops[i], &steps[n], ranges[n].impl);
        n++;
    }
    return n;
}

static int make_steps(struct program *program, struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    program->train = calloc((size_t)own->n_train, sizeof *program->train);
    program->eval = calloc((size_t)own->n_eval, sizeof *program->eval);
    own->train_steps = calloc((size_t)own->n_train, sizeof *own->train_steps);
    own->eval_steps = calloc((size_t)own->n_eval, sizeof *own->eval_steps);
    if (!program->train || !program->eval || !own->train_steps || !own->eval_steps)
        return error_set(err, "out of memory for the program's steps");
    program->n_train = cut_steps(own, own->train, own->n_train, program->train, own->train_steps, run_train);
    program->n_eval = cut_steps(own, own->eval, own->n_eval, program->eval, own->eval_steps, run_eval);
    return 0;
}

int cpu_compile(struct program *program, struct error *err)
{
    struct cpu_program *own = cpu_own(program);
    struct cpu_graph_target target = {own->type, own->isa};
    if (cpu_graph_init(&own->graph, program->plan, &target, err))
        return -1;
    choose_groups(own, program->options.max_batch);
    cpu_build_ops(program);
    for (int i = 0; i < own->graph.n_units; i++) {
        if (own->graph.units[i].kind == CPU_UNIT_CONV && make_conv(program, i, err))
            return -1;
        if (own->graph.units[i].kind == CPU_UNIT_CHAIN && own->graph.units[i].norm_row >= 0)
            describe_norm(program, i);
    }
    own->version = 1;
    return allocate(program, err) || make_steps(program, err) ? -1 : 0;
}

void cpu_compile_release(struct program *program)
{
    struct cpu_program *own = cpu_own(program);
    for (int i = 0; i < own->graph.n_units; i++)
        for (int pass = 0; pass < CPU_PASS_COUNT; pass++)
            cpu_conv_free(own->nodes[i].conv.pass[pass]);
    cpu_memory_free(own->block, own->block_bytes);
    free(own->train_steps);
    free(own->eval_steps);
    free(program->train);
    free(program->eval);
}
