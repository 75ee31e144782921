#include "tests/fake_timing.h"

#include "engine/network.h"
#include "engine/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 512

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
    *step = (struct timing_step){.phase = phase, .n_rows = row >= 0, .ms = ms};
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
    *timing = (struct timing){.family = "cpu",
                              .precision = "bf16",
                              .threads = 2,
                              .train_steps = 1299,
                              .eval_batches = 260,
                              .images_per_step = BATCH,
                              .eval_batch_ms = 204.3 * slower};
    timing->rows = calloc((size_t)plan->n_rows, sizeof *timing->rows);
    timing->steps = calloc((size_t)plan->n_rows * 4, sizeof *timing->steps);
    if (!timing->rows || !timing->steps)
        must(error_set(&err, "out of memory"), &err);
    for (int i = 0; i < plan->n_rows; i++) {
        struct timing_row *row = &timing->rows[timing->n_rows++];
        snprintf(row->name, sizeof row->name, "%s", plan->rows[i].name);
        snprintf(row->op, sizeof row->op, "%s", plan_op_name(plan->rows[i].op));
        row->shape = plan->rows[i].out;
        row->forward_flops = plan_row_forward_flops(plan, i);
        row->backward_flops = plan_row_backward_flops(plan, i);
        add_row(timing, plan, i, update_all, slower);
    }
    if (update_all)
        add_step(timing, PHASE_UPDATE, -1, "own:avx512", 6.2 * slower);
    free(network);
    free(plan);
}
