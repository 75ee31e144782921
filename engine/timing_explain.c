/* What a breakdown says beside the machine's ceilings: floors, rates, and what bounds the step. */
#include "engine/timing.h"

#include <math.h>

/* Milliseconds that the operations and the bytes of a step take at the ceilings; 0 of nothing, whatever the ceiling. */
static double at_ceiling(double count, double ceiling)
{
    return count == 0 ? 0 : count / ceiling * 1e3;
}

double timing_floor_ms(const struct timing *timing, const struct timing_step *step)
{
    double arithmetic = at_ceiling(step->flops, timing->machine.flops);
    double memory = at_ceiling(step->bytes, timing->machine.bytes);
    return isnan(arithmetic) || isnan(memory) ? (double)NAN : fmax(arithmetic, memory);
}

static void rate(struct timing_sum *sum)
{
    sum->gflops = sum->flops > 0 && sum->ms > 0 ? sum->flops * 1e-6 / sum->ms : (double)NAN;
    sum->gigabytes = sum->bytes > 0 && sum->ms > 0 ? sum->bytes * 1e-6 / sum->ms : (double)NAN;
    sum->ceiling = sum->floor_ms > 0 && sum->ms > 0 ? sum->floor_ms / sum->ms : (double)NAN;
}

void timing_sum_add(struct timing_sum *sum, const struct timing_sum *more)
{
    if (more->steps == 0)
        return;
    if (sum->steps == 0) {
        *sum = *more;
        return;
    }
    sum->steps += more->steps;
    sum->ms += more->ms;
    sum->ms_sd = hypot(sum->ms_sd, more->ms_sd);
    sum->flops += more->flops;
    sum->bytes += more->bytes;
    sum->floor_ms += more->floor_ms;
    rate(sum);
}

/* variance: of ms. */
static void add_step(struct timing_sum *sum, double *variance, const struct timing *timing,
                     const struct timing_step *step)
{
    sum->steps++;
    sum->ms += step->ms;
    *variance += step->ms_sd * step->ms_sd;
    sum->flops += step->flops;
    sum->bytes += step->bytes;
    sum->floor_ms += timing_floor_ms(timing, step);
}

static void add_rates(struct timing_sum *sum, double variance)
{
    if (sum->steps == 0)
        sum->ms = variance = sum->flops = sum->bytes = sum->floor_ms = NAN;
    sum->ms_sd = sqrt(variance);
    sum->gflops = sum->flops > 0 && sum->ms > 0 ? sum->flops * 1e-6 / sum->ms : (double)NAN;
    sum->gigabytes = sum->bytes > 0 && sum->ms > 0 ? sum->bytes * 1e-6 / sum->ms : (double)NAN;
    sum->ceiling = sum->floor_ms > 0 && sum->ms > 0 ? sum->floor_ms / sum->ms : (double)NAN;
}

struct timing_sum timing_sum(const struct timing *timing, int row, unsigned mask)
{
    struct timing_sum sum = {0};
    double variance = 0;
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        if ((step->n_rows > 0 ? step->rows[0] : -1) == row && mask >> step->phase & 1)
            add_step(&sum, &variance, timing, step);
    }
    add_rates(&sum, variance);
    return sum;
}

struct timing_sum timing_sum_step(const struct timing *timing, const struct timing_step *step)
{
    struct timing_sum sum = {0};
    double variance = 0;
    add_step(&sum, &variance, timing, step);
    add_rates(&sum, variance);
    return sum;
}

struct timing_bound timing_bound(const struct timing *timing)
{
    struct timing_bound bound = {0};
    double parts = 0;
    int known = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (p != TIMING_EVALUATE && !isnan(timing->part_ms[p])) {
            parts += timing->part_ms[p];
            known = 1;
        }
    bound.train_ms = known && timing->threads > 0 ? parts / timing->threads : timing_step_ms(timing);
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        double floor = timing_floor_ms(timing, step), within = isnan(step->ms) ? step->ms : fmin(floor, step->ms);
        bound.floor_ms += floor;
        if (at_ceiling(step->flops, timing->machine.flops) >= at_ceiling(step->bytes, timing->machine.bytes))
            bound.compute += isnan(floor) ? floor : within;
        else
            bound.bandwidth += isnan(floor) ? floor : within;
    }
    double all = bound.compute + bound.bandwidth;
    if (timing->n_steps == 0)
        bound.floor_ms = NAN;
    if (timing->n_steps == 0 || isnan(all) || !(bound.train_ms > 0)) {
        bound.compute = bound.bandwidth = bound.overhead = NAN;
        return bound;
    }
    /* Times are means over what was timed, parts over all steps: rounding aside, parts are longer. */
    double whole = fmax(bound.train_ms, all);
    bound.compute *= 100 / whole;
    bound.bandwidth *= 100 / whole;
    bound.overhead = 100 - bound.compute - bound.bandwidth;
    return bound;
}
