#include "engine/timing.h"

#include "engine/operations.h"
#include "engine/processor.h"
#include "engine/version.h"
#include "kernels/isa.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const part_names[TIMING_PART_COUNT] = {
    [TIMING_DATA] = "data",       [TIMING_AUGMENT] = "augment",   [TIMING_TRANSFER] = "transfer",
    [TIMING_FORWARD] = "forward", [TIMING_LOSS] = "loss",         [TIMING_BACKWARD] = "backward",
    [TIMING_UPDATE] = "update",   [TIMING_EVALUATE] = "evaluate", [TIMING_OTHER] = "other",
};

const char *timing_part_name(enum timing_part part)
{
    return (unsigned)part < TIMING_PART_COUNT ? part_names[part] : "unknown";
}

const char *timing_cost_name(enum timing_cost cost)
{
    static const char *const names[TIMING_COSTS] = {
        [TIMING_COST_CLOCK] = "clock",     [TIMING_COST_SAMPLES] = "samples", [TIMING_COST_TRACE] = "trace",
        [TIMING_COST_PUBLISH] = "publish", [TIMING_COST_WRITE] = "write",
    };
    return (unsigned)cost < TIMING_COSTS ? names[cost] : "unknown";
}

enum timing_part timing_part_of(enum phase phase)
{
    static const enum timing_part parts[PHASE_COUNT] = {
        [PHASE_AUGMENT] = TIMING_AUGMENT,   [PHASE_FORWARD] = TIMING_FORWARD, [PHASE_LOSS] = TIMING_LOSS,
        [PHASE_BACKWARD] = TIMING_BACKWARD, [PHASE_UPDATE] = TIMING_UPDATE,
    };
    return (unsigned)phase < PHASE_COUNT ? parts[phase] : TIMING_OTHER;
}

static int allocate(struct timing *timing, int n_rows, int n_steps, struct error *err)
{
    timing->n_rows = n_rows;
    timing->n_steps = n_steps;
    timing->rows = calloc((size_t)n_rows + 1, sizeof *timing->rows);
    timing->steps = calloc((size_t)n_steps + 1, sizeof *timing->steps);
    timing->history = malloc(((size_t)n_steps + 1) * TIMING_HISTORY_MAX * sizeof *timing->history);
    if (timing->rows != NULL && timing->steps != NULL && timing->history != NULL)
        return 0;
    timing_release(timing);
    return error_set(err, "no memory for the timing breakdown");
}

int timing_allocate(struct timing *timing, int n_rows, int n_steps, struct error *err)
{
    *timing = (struct timing){.images_per_step = NAN, .eval_batch_ms = NAN, .wall_ms = NAN, .timing_percent = NAN};
    timing->machine.flops = timing->machine.bytes = NAN;
    timing->history_epochs = 1;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        timing->part_ms[p] = timing->hidden_ms[p] = NAN;
    for (int c = 0; c < TIMING_COSTS; c++)
        timing->costs[c] = NAN;
    if (allocate(timing, n_rows, n_steps, err) < 0)
        return -1;
    for (int i = 0; i < n_rows; i++)
        timing->rows[i].forward_flops = timing->rows[i].backward_flops = timing->rows[i].activation_bytes =
            timing->rows[i].weight_bytes = NAN;
    for (int i = 0; i < n_steps; i++)
        timing->steps[i].ms = timing->steps[i].ms_sd = timing->steps[i].ms_min = timing->steps[i].flops =
            timing->steps[i].bytes = NAN;
    return 0;
}

static void describe_machine(struct timing_machine *machine, const struct program *program)
{
    const struct family *family = program->family;
    snprintf(machine->davidnet, sizeof machine->davidnet, "%s", DAVIDNET_VERSION);
    snprintf(machine->commit, sizeof machine->commit, "%s", davidnet_commit());
    snprintf(machine->library, sizeof machine->library, "%s", family->library ? family->library() : "none");
    if (family->submit) { /* a device of its own: its library names it */
        snprintf(machine->device, sizeof machine->device, "%s", machine->library);
    } else {
        processor_name(machine->device, sizeof machine->device);
        snprintf(machine->isa, sizeof machine->isa, "%s", isa_name(isa_current()));
    }
}

int timing_init(struct timing *timing, const struct executor *executor, struct error *err)
{
    const struct program *program = executor->program;
    const struct plan *plan = program->plan;
    if (timing_allocate(timing, plan->n_rows, program->n_train, err) < 0)
        return -1;
    snprintf(timing->family, sizeof timing->family, "%s", program->family->name);
    snprintf(timing->precision, sizeof timing->precision, "%s", precision_name(program->options.precision));
    timing->threads = program->options.threads;
    describe_machine(&timing->machine, program);
    for (int i = 0; i < plan->n_rows; i++) {
        struct timing_row *row = &timing->rows[i];
        snprintf(row->name, sizeof row->name, "%s", plan->rows[i].name);
        snprintf(row->op, sizeof row->op, "%s", plan_op_name(plan->rows[i].op));
        row->shape = plan->rows[i].out;
        row->forward_flops = plan_row_forward_flops(plan, i);
        row->backward_flops = plan_row_backward_flops(plan, i);
        row->activation_bytes = operation_activation_bytes(program, i, program->options.max_batch);
        row->weight_bytes = operation_weight_bytes(plan, i);
    }
    for (int i = 0; i < program->n_train; i++) {
        const struct program_step *from = &program->train[i];
        struct timing_step *step = &timing->steps[i];
        step->phase = from->phase;
        step->n_rows = from->n_rows;
        memcpy(step->rows, from->rows, sizeof step->rows);
        snprintf(step->impl, sizeof step->impl, "%s", from->impl ? from->impl : "");
    }
    timing_refresh(timing, executor);
    return 0;
}

/* Milliseconds a time; NaN when it never ran. */
static double mean_ms(uint64_t ns, uint64_t times)
{
    return times ? (double)ns * 1e-6 / (double)times : (double)NAN;
}

void timing_refresh(struct timing *timing, const struct executor *executor)
{
    const struct program *program = executor->program;
    uint64_t eval_ns = 0;
    timing->train_steps = executor->train_steps;
    timing->eval_batches = executor->eval_steps;
    timing->images_per_step =
        timing->train_steps ? (double)executor->train_images / (double)timing->train_steps : (double)NAN;
    for (int i = 0; i < timing->n_steps; i++) {
        struct timing_step *step = &timing->steps[i];
        double fixed = operation_bytes(program, &program->train[i], 0);
        double each = operation_bytes(program, &program->train[i], 1) - fixed;
        step->ms = mean_ms(executor->train_ns[i], executor->train_steps);
        step->ms_sd = executor->train_steps > 1
                          ? sqrt(executor->train_squares[i] / (double)(executor->train_steps - 1)) * 1e-6
                          : (double)NAN;
        step->ms_min = mean_ms(executor->train_least ? executor->train_least[i] : 0,
                               executor->train_least && executor->train_steps ? 1 : 0);
        step->flops = operation_flops(program, &program->train[i], 1) * timing->images_per_step;
        step->bytes = fixed + each * timing->images_per_step;
    }
    for (int i = 0; i < program->n_eval; i++)
        eval_ns += executor->eval_ns[i];
    timing->eval_batch_ms = mean_ms(eval_ns, executor->eval_steps);
}

void timing_assign(struct timing *to, const struct timing *from)
{
    struct timing own = *to;
    *to = *from;
    to->rows = own.rows;
    to->steps = own.steps;
    to->history = own.history;
    memcpy(to->rows, from->rows, (size_t)from->n_rows * sizeof *to->rows);
    memcpy(to->steps, from->steps, (size_t)from->n_steps * sizeof *to->steps);
    if (from->n_history > 0)
        memcpy(to->history, from->history, (size_t)from->n_history * (size_t)from->n_steps * sizeof *to->history);
}

int timing_copy(struct timing *copy, const struct timing *timing, struct error *err)
{
    *copy = (struct timing){0};
    if (allocate(copy, timing->n_rows, timing->n_steps, err) < 0)
        return -1;
    timing_assign(copy, timing);
    return 0;
}

void timing_release(struct timing *timing)
{
    free(timing->rows);
    free(timing->steps);
    free(timing->history);
    memset(timing, 0, sizeof *timing);
}

/* The mean of two, weighed by how many epochs each stands for; of one where the other is not known. */
static float merge(float a, float b, int epochs_a, int epochs_b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) ? b : a;
    return (a * (float)epochs_a + b * (float)epochs_b) / (float)(epochs_a + epochs_b);
}

static void halve_history(struct timing *timing)
{
    float *ms = timing->history;
    for (int i = 0; i < timing->n_history / 2; i++)
        for (int s = 0; s < timing->n_steps; s++)
            ms[i * timing->n_steps + s] =
                merge(ms[2 * i * timing->n_steps + s], ms[(2 * i + 1) * timing->n_steps + s], 1, 1);
    timing->n_history /= 2;
    timing->history_epochs *= 2;
    timing->history_last = timing->history_epochs;
}

void timing_add_epoch(struct timing *timing, const double *ms)
{
    int n = timing->n_steps;
    if (timing->n_history == TIMING_HISTORY_MAX && timing->history_last == timing->history_epochs)
        halve_history(timing);
    if (timing->n_history > 0 && timing->history_last < timing->history_epochs) {
        float *last = timing->history + (timing->n_history - 1) * n;
        for (int s = 0; s < n; s++)
            last[s] = merge(last[s], (float)ms[s], timing->history_last, 1);
        timing->history_last++;
        return;
    }
    for (int s = 0; s < n; s++)
        timing->history[timing->n_history * n + s] = (float)ms[s];
    timing->n_history++;
    timing->history_last = 1;
}

struct timing_cell timing_cell(const struct timing *timing, int row, enum phase phase)
{
    struct timing_cell cell = {.kind = TIMING_NONE, .ms = NAN, .fused_into = -1};
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        if (step->phase != phase)
            continue;
        for (int k = 0; k < step->n_rows; k++) {
            if (step->rows[k] != row)
                continue;
            if (k == 0) {
                cell.ms = cell.kind == TIMING_OWN ? cell.ms + step->ms : step->ms;
                cell.kind = TIMING_OWN;
            } else if (cell.kind == TIMING_NONE) {
                cell.kind = TIMING_FUSED;
                cell.fused_into = step->rows[0];
            }
        }
    }
    if (cell.kind == TIMING_OWN)
        cell.fused_into = -1;
    return cell;
}

double timing_phase_ms(const struct timing *timing, enum phase phase)
{
    double ms = 0;
    int found = 0;
    for (int i = 0; i < timing->n_steps; i++)
        if (timing->steps[i].phase == phase) {
            ms += timing->steps[i].ms;
            found = 1;
        }
    return found ? ms : NAN;
}

double timing_step_ms(const struct timing *timing)
{
    double ms = 0;
    for (int i = 0; i < timing->n_steps; i++)
        ms += timing->steps[i].ms;
    return timing->n_steps ? ms : NAN;
}

int timing_has_parts(const struct timing *timing)
{
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (isfinite(timing->part_ms[p]))
            return 1;
    return 0;
}

double timing_part_ms(const struct timing *timing, enum timing_part part)
{
    if (timing_has_parts(timing))
        return timing->part_ms[part];
    for (int p = 0; p < PHASE_COUNT; p++)
        if (timing_part_of((enum phase)p) == part)
            return timing->threads * timing_phase_ms(timing, (enum phase)p);
    return NAN;
}

double timing_parts_ms(const struct timing *timing)
{
    double sum = 0;
    if (isfinite(timing->wall_ms))
        return timing->threads * timing->wall_ms;
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        double ms = timing_part_ms(timing, (enum timing_part)p);
        sum += isfinite(ms) ? ms : 0;
    }
    return sum > 0 ? sum : (double)NAN;
}

void timing_implementation(const struct timing *timing, int row, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        int own = step->n_rows > 0 && step->rows[0] == row && step->impl[0] != '\0', seen = 0;
        for (int j = 0; j < i && own; j++)
            seen |= timing->steps[j].n_rows > 0 && timing->steps[j].rows[0] == row &&
                    strcmp(timing->steps[j].impl, step->impl) == 0;
        if (!own || seen || used >= size)
            continue;
        int n = snprintf(out + used, size - used, "%s%s", used ? " + " : "", step->impl);
        used += n > 0 ? (size_t)n : 0;
    }
}
