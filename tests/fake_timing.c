#include "tests/fake_timing.h"

#include "engine/network.h"
#include "engine/operations.h"
#include "engine/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 512
#define EPOCHS 13
#define STEPS (EPOCHS * 100 - 1)

static void must(int status, const struct error *err)
{
    if (status) {
        fprintf(stderr, "fake_timing: %s\n", err->text);
        abort();
    }
}

static struct timing_step *add_step(struct timing *timing, enum phase phase, int row, const char *impl, double ms)
{
    struct timing_step *step = &timing->steps[timing->n_steps++];
    *step = (struct timing_step){.phase = phase, .n_rows = row >= 0, .ms = ms, .ms_sd = 0.02 * ms, .ms_min = 0.95 * ms};
    step->rows[0] = row;
    snprintf(step->impl, sizeof step->impl, "%s", impl);
    return step;
}

static int joins_norm(enum plan_op op)
{
    return op == PLAN_ACT || op == PLAN_MAX_POOL || op == PLAN_ADD;
}

/* Megabytes that a row's output has in bfloat16, for a batch. */
static double megabytes(const struct plan_row *row)
{
    return 2e-6 * BATCH * row->out.c * row->out.h * row->out.w;
}

static void add_row(struct timing *timing, const struct plan *plan, int i, int update_all, double slower)
{
    const struct plan_row *row = &plan->rows[i];
    double flops = plan_row_forward_flops(plan, i) * BATCH, back = plan_row_backward_flops(plan, i) * BATCH;
    double bytes = megabytes(row);
    if (row->op == PLAN_INPUT) {
        add_step(timing, PHASE_AUGMENT, i, "own:avx512", 2.1 * slower);
    } else if (row->op == PLAN_LOSS) {
        add_step(timing, PHASE_LOSS, i, "own:avx512", 0.03 * slower);
    } else if (row->op == PLAN_CONV || row->op == PLAN_LINEAR) {
        add_step(timing, PHASE_FORWARD, i, "dnnl:brgconv:avx512_core_amx", (flops * 0.9e-9 + bytes * 0.1) * slower);
        add_step(timing, PHASE_BACKWARD, i, "dnnl:brgconv:avx512_core_amx", (back * 1.1e-9 + bytes * 0.1) * slower);
    } else if (row->op == PLAN_NORM) {
        struct timing_step *forward = add_step(timing, PHASE_FORWARD, i, "fused:avx512", bytes * 0.13 * slower);
        struct timing_step *backward = add_step(timing, PHASE_BACKWARD, i, "fused:avx512", bytes * 0.21 * slower);
        for (int k = i + 1; k < plan->n_rows && joins_norm(plan->rows[k].op); k++)
            forward->rows[forward->n_rows++] = backward->rows[backward->n_rows++] = k;
    } else if (!joins_norm(row->op)) {
        add_step(timing, PHASE_FORWARD, i, "own:avx512", bytes * 0.2 * slower);
        add_step(timing, PHASE_BACKWARD, i, "own:avx512", bytes * 0.4 * slower);
    }
    if (row->n_tensors && !update_all) {
        double weights = 0;
        for (int t = 0; t < row->n_tensors; t++)
            weights += (double)plan->tensors[row->tensor[t]].count;
        add_step(timing, PHASE_UPDATE, i, "own:avx512", (0.0004 + weights * 0.6e-6) * slower);
    }
}

/* Operations and bytes as a program of these steps would have them. */
static void add_work(struct timing *timing, const struct plan *plan)
{
    struct program program = {.plan = plan, .options = {.precision = PRECISION_BF16, .max_batch = BATCH}};
    for (int i = 0; i < timing->n_steps; i++) {
        struct timing_step *step = &timing->steps[i];
        struct program_step like = {.phase = step->phase, .n_rows = step->n_rows};
        memcpy(like.rows, step->rows, sizeof like.rows);
        step->flops = operation_flops(&program, &like, BATCH);
        step->bytes = operation_bytes(&program, &like, BATCH);
    }
}

static void add_parts(struct timing *timing, double slower)
{
    timing->part_ms[TIMING_DATA] = 0.9 * slower;
    timing->part_ms[TIMING_TRANSFER] = 0.02 * slower;
    timing->part_ms[TIMING_EVALUATE] = 2 * 20 * timing->eval_batch_ms * EPOCHS / STEPS;
    timing->part_ms[TIMING_OTHER] = 3.1 * slower;
    for (int p = 0; p < PHASE_COUNT; p++)
        timing->part_ms[timing_part_of((enum phase)p)] = 2 * timing_phase_ms(timing, (enum phase)p);
    timing->wall_ms = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        timing->wall_ms += timing->part_ms[p] / 2;
}

/* A slow first epoch, then a ripple of one percent. */
static void add_history(struct timing *timing)
{
    double ms[4 * PLAN_ROWS_MAX];
    for (int e = 0; e < EPOCHS; e++) {
        for (int s = 0; s < timing->n_steps; s++)
            ms[s] = timing->steps[s].ms * (e == 0 ? 1.1 : 1 + 0.01 * sin(e + s));
        timing_add_epoch(timing, ms);
    }
}

void fake_timing(struct timing *timing, int update_all, double slower)
{
    struct error err = {""};
    struct recipe recipe;
    struct recipe_request request = {.preset = "davidnet-79"};
    struct network *network = calloc(1, sizeof *network);
    struct plan *plan = calloc(1, sizeof *plan);
    if (!network || !plan)
        must(error_set(&err, "out of memory"), &err);
    must(recipe_resolve(&request, &recipe, &err), &err);
    must(network_build(&recipe, (struct plan_shape){3, 32, 32}, 10, network, &err), &err);
    must(network_lower(network, plan, &err), &err);
    must(timing_allocate(timing, plan->n_rows, plan->n_rows * 4, &err), &err);
    timing->n_rows = timing->n_steps = 0;
    snprintf(timing->family, sizeof timing->family, "cpu");
    snprintf(timing->precision, sizeof timing->precision, "bf16");
    timing->threads = 2;
    timing->machine = (struct timing_machine){.device = "Some Processor @ 2.50GHz",
                                              .isa = "amx",
                                              .library = "oneDNN 2.6.3",
                                              .davidnet = "0.1.0",
                                              .commit = "0123456789",
                                              .flops = 6.19e12,
                                              .bytes = 26e9};
    timing->train_steps = STEPS;
    timing->to_step = STEPS + 1;
    timing->eval_batches = EPOCHS * 20;
    timing->images_per_step = BATCH;
    timing->eval_batch_ms = 204.3 * slower;
    timing->timing_percent = 0.02;
    memcpy(timing->costs, (const double[TIMING_COSTS]){0.01, 0.005, 0.003, 0.0015, 0.0005}, sizeof timing->costs);
    for (int i = 0; i < plan->n_rows; i++) {
        struct timing_row *row = &timing->rows[timing->n_rows++];
        snprintf(row->name, sizeof row->name, "%s", plan->rows[i].name);
        snprintf(row->op, sizeof row->op, "%s", plan_op_name(plan->rows[i].op));
        row->shape = plan->rows[i].out;
        row->forward_flops = plan_row_forward_flops(plan, i);
        row->backward_flops = plan_row_backward_flops(plan, i);
        row->activation_bytes = megabytes(&plan->rows[i]) * 1e6;
        row->weight_bytes = operation_weight_bytes(plan, i);
        add_row(timing, plan, i, update_all, slower);
    }
    if (update_all)
        add_step(timing, PHASE_UPDATE, -1, "own:avx512", 6.2 * slower);
    add_work(timing, plan);
    add_parts(timing, slower);
    add_history(timing);
    free(network);
    free(plan);
}

void fake_timing_small(struct timing *timing)
{
    static const struct timing_row rows[] = {
        {"input", "input", {3, 32, 32}, 0, 0, 1048576, 0},
        {"layer1/conv", "conv", {16, 32, 32}, 3906250, 7812500, 33554432, 1728},
        {"layer1/norm", "norm", {16, 32, 32}, 0, 0, 33554432, 256},
        {"layer1/act", "act", {16, 32, 32}, 0, 0, 33554432, 0},
        {"loss", "loss", {1, 1, 1}, 0, 0, 2048, 0},
    };
    static const struct timing_step steps[] = {
        {PHASE_AUGMENT, 1, {0}, "table", 2, 0.1, 1.8, 0, 10e6},
        {PHASE_FORWARD, 3, {1, 2, 3}, "conv, \"fused\"", 30, 1, 27, 2e9, 50e6},
        {PHASE_LOSS, 1, {4}, "loss", 0.5, NAN, 0.45, 0, 1e6},
        {PHASE_BACKWARD, 2, {2, 3}, "norm_back", 7, 0.5, 6.3, 0, 40e6},
        {PHASE_BACKWARD, 1, {1}, "own:winograd", 32, 2, 28.8, 4e9, 60e6},
        {PHASE_UPDATE, 0, {0}, "sgd", 0.5, 0.01, 0.45, 0, 10e6},
    };
    static const double parts[TIMING_PART_COUNT] = {2, 4, 0.2, 60, 1, 78, 1, 20, 1.8};
    struct error err = {""};
    must(timing_allocate(timing, 5, 6, &err), &err);
    memcpy(timing->rows, rows, sizeof rows);
    memcpy(timing->steps, steps, sizeof steps);
    memcpy(timing->part_ms, parts, sizeof parts);
    snprintf(timing->family, sizeof timing->family, "cpu");
    snprintf(timing->precision, sizeof timing->precision, "f32");
    timing->threads = 2;
    timing->machine = (struct timing_machine){.device = "Some Processor @ 2.50GHz",
                                              .isa = "avx512",
                                              .library = "oneDNN 2.6.3",
                                              .davidnet = "0.1.0",
                                              .commit = "0123456789",
                                              .flops = 1e11,
                                              .bytes = 1e10};
    timing->train_steps = 20;
    timing->to_step = 21;
    timing->images_per_step = 512;
    timing->wall_ms = 84;
    timing->timing_percent = 0.0125;
    memcpy(timing->costs, (const double[TIMING_COSTS]){0.004, 0.003, 0.0025, 0.002, 0.001}, sizeof timing->costs);
    timing->hidden_ms[TIMING_DATA] = 6;
    timing_add_epoch(timing, (double[]){2.5, 31, NAN, 7.5, 33, 0.5});
    timing_add_epoch(timing, (double[]){1.5, 29, 0.5, 6.5, 31, 0.5});
}
