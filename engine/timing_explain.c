/* What a breakdown says beside the machine's ceilings: floors, rates, and what bounds the step. */
#include "engine/timing.h"

#include "kernels/work.h"

#include <math.h>
#include <stdio.h>

/* Milliseconds that the operations and the bytes of a step take at the ceilings; 0 of nothing, whatever the ceiling. */
static double at_ceiling(double count, double ceiling)
{
    return count == 0 ? 0 : count / ceiling * 1e3;
}

/* The operations of a step that are really done. */
static double work_of(const struct timing_step *step)
{
    return step->flops == 0 ? 0 : step->flops * work_share(step->impl);
}

static double arithmetic_ms(const struct timing *timing, const struct timing_step *step)
{
    return at_ceiling(work_of(step), timing->machine.flops);
}

static double memory_ms(const struct timing *timing, const struct timing_step *step)
{
    return at_ceiling(step->bytes, timing->machine.bytes);
}

/* As if the ceilings were right. */
static double nominal_floor_ms(const struct timing *timing, const struct timing_step *step)
{
    double arithmetic = arithmetic_ms(timing, step), memory = memory_ms(timing, step);
    return isnan(arithmetic) || isnan(memory) ? (double)NAN : fmax(arithmetic, memory);
}

/* A training step without evaluation. */
static double train_ms(const struct timing *timing)
{
    double parts = 0;
    int known = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (p != TIMING_EVALUATE && !isnan(timing->part_ms[p])) {
            parts += timing->part_ms[p];
            known = 1;
        }
    return known && timing->threads > 0 ? parts / timing->threads : timing_step_ms(timing);
}

/* Operations are exact but for padding: a kernel of 3 x 3 can leave out an eleventh of them at 16 x 16. */
#define EXACT_SIZE 16
#define EXACT_MARGIN 1.1

/* The step that was fastest beyond what the ceiling allows; NULL: none was. */
static const struct timing_step *beyond(const struct timing *timing)
{
    const struct timing_step *most = NULL;
    double most_rate = EXACT_MARGIN * timing->machine.flops;
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        double rate = step->ms > 0 && step->flops > 0 ? step->flops / step->ms * 1e3 : 0;
        if (!(rate > most_rate) || step->n_rows < 1 || work_share(step->impl) != 1)
            continue;
        struct plan_shape shape = timing->rows[step->rows[0]].shape;
        if (shape.h >= EXACT_SIZE && shape.w >= EXACT_SIZE) {
            most = step;
            most_rate = rate;
        }
    }
    return most;
}

/* Digits of a rate of billions a second. */
static int decimals(double billions)
{
    return billions < 10;
}

int timing_disproved(const struct timing *timing, char *why, size_t size)
{
    const struct timing_machine *m = &timing->machine;
    double floor = 0, train = train_ms(timing), flops = m->flops * 1e-9, bytes = m->bytes * 1e-9;
    const struct timing_step *step = beyond(timing);
    if (size > 0)
        why[0] = '\0';
    for (int i = 0; i < timing->n_steps; i++)
        floor += nominal_floor_ms(timing, &timing->steps[i]);
    if (!step && !(floor > train))
        return 0;
    const char *when =
        m->noisy ? "ceilings were measured while other programs ran" : "the measured ceilings are too low";
    const char *so = "what bounds the step is not known; run again on a quiet machine";
    if (step) {
        double rate = step->flops / step->ms * 1e-6;
        snprintf(why, size, "%s (%.*f GFLOP/s; %s alone reached %.*f): %s", when, decimals(flops), flops,
                 timing->rows[step->rows[0]].name, decimals(rate), rate, so);
    } else {
        snprintf(why, size, "%s (%.*f GFLOP/s, %.1f GB/s: a floor of %.1f ms, and the step took %.1f): %s", when,
                 decimals(flops), flops, bytes, floor, train, so);
    }
    return 1;
}

int timing_trusted(const struct timing *timing)
{
    return (isfinite(timing->machine.flops) || isfinite(timing->machine.bytes)) && !timing_disproved(timing, NULL, 0);
}

int timing_doubtful(const struct timing *timing)
{
    return timing->machine.noisy && timing_trusted(timing);
}

double timing_floor_ms(const struct timing *timing, const struct timing_step *step)
{
    return timing_disproved(timing, NULL, 0) ? (double)NAN : nominal_floor_ms(timing, step);
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
    sum->work += more->work;
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
    sum->work += work_of(step);
    sum->bytes += step->bytes;
    sum->floor_ms += timing_floor_ms(timing, step);
}

static void add_rates(struct timing_sum *sum, double variance)
{
    if (sum->steps == 0)
        sum->ms = variance = sum->flops = sum->work = sum->bytes = sum->floor_ms = NAN;
    sum->ms_sd = sqrt(variance);
    rate(sum);
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
    struct timing_bound bound = {.train_ms = train_ms(timing)};
    int disproved = timing_disproved(timing, NULL, 0);
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        double floor = disproved ? (double)NAN : nominal_floor_ms(timing, step);
        double within = isnan(floor) || isnan(step->ms) ? (double)NAN : fmin(floor, step->ms);
        bound.floor_ms += floor;
        *(arithmetic_ms(timing, step) >= memory_ms(timing, step) ? &bound.compute : &bound.bandwidth) += within;
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

void timing_bound_round(const struct timing_bound *bound, int decimals, double percent[3])
{
    const double exact[3] = {bound->compute, bound->bandwidth, bound->overhead};
    double unit = decimals > 0 ? 10 : 1;
    int largest = 0;
    for (int i = 0; i < 3; i++) {
        percent[i] = round(unit * exact[i]) / unit;
        largest = exact[i] > exact[largest] ? i : largest;
    }
    double others = unit * (percent[(largest + 1) % 3] + percent[(largest + 2) % 3]);
    percent[largest] = (100 * unit - round(others)) / unit;
}

double timing_images_per_second(const struct timing *timing)
{
    double ms = train_ms(timing);
    return ms > 0 ? timing->images_per_step / ms * 1e3 : (double)NAN;
}
