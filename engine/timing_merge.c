/* One breakdown of two sittings of a run. */
#include "engine/timing.h"

#include <math.h>
#include <string.h>

static int same_step(const struct timing_step *a, const struct timing_step *b)
{
    return a->phase == b->phase && a->n_rows == b->n_rows && strcmp(a->impl, b->impl) == 0 &&
           memcmp(a->rows, b->rows, (size_t)a->n_rows * sizeof *a->rows) == 0;
}

int timing_same_program(const struct timing *a, const struct timing *b)
{
    if (a->n_rows != b->n_rows || a->n_steps != b->n_steps || a->threads != b->threads ||
        strcmp(a->family, b->family) != 0 || strcmp(a->precision, b->precision) != 0 ||
        strcmp(a->machine.device, b->machine.device) != 0 || strcmp(a->machine.isa, b->machine.isa) != 0)
        return 0;
    for (int i = 0; i < a->n_rows; i++)
        if (strcmp(a->rows[i].name, b->rows[i].name) != 0 || a->rows[i].shape.c != b->rows[i].shape.c ||
            a->rows[i].shape.h != b->rows[i].shape.h || a->rows[i].shape.w != b->rows[i].shape.w)
            return 0;
    for (int i = 0; i < a->n_steps; i++)
        if (!same_step(&a->steps[i], &b->steps[i]))
            return 0;
    return 1;
}

/* The mean of n and of m; of one where the other is not known. */
static double mean(double a, double n, double b, double m)
{
    if (isnan(a) || isnan(b))
        return isnan(a) ? b : a;
    return n + m > 0 ? (a * n + b * m) / (n + m) : (double)NAN;
}

/* The same of a part of all that passed: where only one has it, the other spent nothing on it. */
static double mean_part(double a, double n, double b, double m)
{
    if (isnan(a) && isnan(b))
        return NAN;
    return mean(isnan(a) ? 0 : a, n, isnan(b) ? 0 : b, m);
}

static void merge_step(struct timing_step *to, double n, const struct timing_step *from, double m)
{
    double apart = to->ms - from->ms;
    double squares = (n > 1 ? to->ms_sd * to->ms_sd * (n - 1) : 0) + (m > 1 ? from->ms_sd * from->ms_sd * (m - 1) : 0);
    to->ms_sd = n + m > 1 ? sqrt((squares + apart * apart * n * m / (n + m)) / (n + m - 1)) : (double)NAN;
    to->ms = mean(to->ms, n, from->ms, m);
    to->ms_min = fmin(to->ms_min, from->ms_min);
    to->flops = mean(to->flops, n, from->flops, m);
    to->bytes = mean(to->bytes, n, from->bytes, m);
}

/* Weighed by the time that each stands for. What counted the clock alone is no mean with what counted all. */
static void merge_costs(struct timing *to, double n, const struct timing *from, double m)
{
    int know_to = isfinite(to->costs[TIMING_COST_SAMPLES]), know_from = isfinite(from->costs[TIMING_COST_SAMPLES]);
    n = know_from && !know_to ? 0 : n;
    m = know_to && !know_from ? 0 : m;
    to->timing_percent = mean(to->timing_percent, n, from->timing_percent, m);
    for (int c = 0; c < TIMING_COSTS; c++)
        to->costs[c] = mean(to->costs[c], n, from->costs[c], m);
}

static void merge_history(struct timing *to, const struct timing *from)
{
    double ms[16 * PLAN_ROWS_MAX];
    int n = from->n_steps < (int)(sizeof ms / sizeof ms[0]) ? from->n_steps : 0;
    for (int i = 0; i < from->n_history && n > 0; i++) {
        int epochs = i == from->n_history - 1 ? from->history_last : from->history_epochs;
        for (int s = 0; s < n; s++)
            ms[s] = from->history[i * n + s];
        for (int e = 0; e < epochs; e++)
            timing_add_epoch(to, ms);
    }
}

/* The timed ones of the steps after `step`, as many as there are of all on average; a sitting's first one is not timed.
 */
static uint64_t timed_after(const struct timing *timing, uint64_t step)
{
    uint64_t all = timing->to_step - timing->from_step, n = timing->train_steps;
    double share = n < all ? (double)(n + 1) / (double)all : 1;
    uint64_t after = (uint64_t)llround((double)(timing->to_step - step) * share);
    return after < n ? after : n;
}

static void drop_epochs(struct timing *timing, uint64_t epochs)
{
    for (; epochs > 0 && timing->n_history > 0; epochs--)
        if (--timing->history_last == 0) {
            timing->n_history--;
            timing->history_last = timing->history_epochs;
        }
}

void timing_rewind(struct timing *timing, uint64_t step, uint64_t per_epoch, uint64_t evaluate_every)
{
    if (timing->to_step <= step)
        return;
    if (timing->from_step > step)
        timing->from_step = step;
    uint64_t ended = timing->to_step / per_epoch, kept = step / per_epoch, first = timing->from_step / per_epoch;
    uint64_t evaluations = ended / evaluate_every - first / evaluate_every;
    if (evaluations > 0)
        timing->eval_batches = timing->eval_batches * (kept / evaluate_every - first / evaluate_every) / evaluations;
    timing->train_steps -= timed_after(timing, step);
    drop_epochs(timing, ended - kept);
    timing->to_step = step;
}

void timing_merge(struct timing *to, const struct timing *from)
{
    double n = (double)to->train_steps, m = (double)from->train_steps;
    double evaluated = (double)to->eval_batches, more = (double)from->eval_batches;
    if (m == 0)
        return;
    for (int i = 0; i < to->n_steps; i++)
        merge_step(&to->steps[i], n, &from->steps[i], m);
    if (isfinite(to->wall_ms) && isfinite(from->wall_ms)) {
        merge_costs(to, n * to->wall_ms, from, m * from->wall_ms);
        for (int p = 0; p < TIMING_PART_COUNT; p++) {
            to->part_ms[p] = mean_part(to->part_ms[p], n, from->part_ms[p], m);
            to->hidden_ms[p] = mean_part(to->hidden_ms[p], n, from->hidden_ms[p], m);
        }
        to->wall_ms = mean(to->wall_ms, n, from->wall_ms, m);
    } else if (isfinite(from->wall_ms)) { /* what the earlier one knows nothing of cannot be shared out */
        to->wall_ms = from->wall_ms;
        to->timing_percent = from->timing_percent;
        memcpy(to->costs, from->costs, sizeof to->costs);
        memcpy(to->part_ms, from->part_ms, sizeof to->part_ms);
        memcpy(to->hidden_ms, from->hidden_ms, sizeof to->hidden_ms);
    }
    to->images_per_step = mean(to->images_per_step, n, from->images_per_step, m);
    to->eval_batch_ms = mean(to->eval_batch_ms, evaluated, from->eval_batch_ms, more);
    to->train_steps += from->train_steps;
    to->eval_batches += from->eval_batches;
    to->machine = from->machine;
    to->to_step = from->to_step;
    merge_history(to, from);
}
