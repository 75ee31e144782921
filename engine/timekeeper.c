#include "engine/timekeeper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A step whose clock readings would take more of it than this is timed now and then only. */
#define COST_MAX 0.005
/* What is done now and then takes no more of the time than this. */
#define SHARE_MAX 0.002
/* So many steps that a device timed, and that it did not, are worth comparing. */
#define COMPARED 8

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of this thread: what another one, which takes the processor away meanwhile, does with it is no cost of timing. */
static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Nanoseconds of one reading of the clock, and of a stopwatch from start to end. The least of several: others may take
 * the processor away in between. */
static void measure_clock(double *reading_ns, double *watch_ns)
{
    enum { ROUNDS = 20, READINGS = 50 };
    double reading = INFINITY, watching = INFINITY;
    struct stopwatch watch;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = clock_now();
        for (int k = 1; k < READINGS; k++)
            clock_now();
        double between = clock_now();
        for (int k = 0; k < READINGS; k++) {
            stopwatch_start(&watch);
            (void)stopwatch_interrupted(&watch);
        }
        reading = fmin(reading, (between - begin) / READINGS);
        watching = fmin(watching, (clock_now() - between) / READINGS);
    }
    *reading_ns = reading * 1e9;
    *watch_ns = watching * 1e9;
}

void timekeeper_init(struct timekeeper *keeper, const struct ceiling *ceiling)
{
    memset(keeper, 0, sizeof *keeper);
    keeper->ceiling = *ceiling;
    measure_clock(&keeper->reading_ns, &keeper->watch_ns);
}

void timekeeper_release(struct timekeeper *keeper)
{
    timing_release(&keeper->timing);
    free(keeper->epoch_ns);
    free(keeper->epoch_ms);
    memset(keeper, 0, sizeof *keeper);
}

static void clear_laps(struct timekeeper *keeper)
{
    for (int i = 0; i < TIMEKEEPER_LAPS; i++)
        keeper->pending[i] = 0;
    stopwatch_start(&keeper->watch);
}

static void clear_sums(struct timekeeper *keeper)
{
    for (int i = 0; i < TIMEKEEPER_LAPS; i++)
        keeper->kept[i] = 0;
    keeper->steps = keeper->timed = keeper->timed_count = keeper->epoch_steps = 0;
    keeper->timed_seconds = keeper->untimed_seconds = 0;
    for (int c = 0; c < TIMING_COSTS; c++)
        keeper->own[c] = 0;
    keeper->readings = 0;
    keeper->traced = 0;
    clear_laps(keeper);
    timekeeper_skip(keeper);
}

static void know_ceiling(struct timekeeper *keeper)
{
    keeper->timing.machine.flops = keeper->ceiling.flops;
    keeper->timing.machine.bytes = keeper->ceiling.bytes;
    keeper->timing.machine.noisy = keeper->ceiling.noisy;
}

int timekeeper_begin(struct timekeeper *keeper, const struct executor *executor, struct error *err)
{
    size_t room = (size_t)executor->program->n_train + 1;
    timing_release(&keeper->timing);
    free(keeper->epoch_ns);
    free(keeper->epoch_ms);
    keeper->epoch_ns = calloc(room, sizeof *keeper->epoch_ns);
    keeper->epoch_ms = calloc(room, sizeof *keeper->epoch_ms);
    if (!keeper->epoch_ns || !keeper->epoch_ms)
        return error_set(err, "no memory for the timing breakdown");
    clear_sums(keeper);
    if (timing_init(&keeper->timing, executor, err))
        return -1;
    know_ceiling(keeper);
    return 0;
}

void timekeeper_ceiling(struct timekeeper *keeper, const struct ceiling *again)
{
    ceiling_merge(&keeper->ceiling, again);
    know_ceiling(keeper);
    timekeeper_skip(keeper);
}

void timekeeper_reset(struct timekeeper *keeper, struct executor *executor, struct loader *loader)
{
    executor_reset_times(executor);
    clear_sums(keeper);
    memset(keeper->epoch_ns, 0, (size_t)executor->program->n_train * sizeof *keeper->epoch_ns);
    keeper->worked_ns = loader_worked_ns(loader);
}

void timekeeper_lap(struct timekeeper *keeper, enum timekeeper_lap lap)
{
    double now = clock_now();
    keeper->pending[lap] += now - keeper->now;
    keeper->now = now;
    keeper->readings++;
}

void timekeeper_own_begin(struct timekeeper *keeper)
{
    keeper->own_began = cpu_now();
}

double timekeeper_own_end(struct timekeeper *keeper, enum timing_cost cost)
{
    double took = cpu_now() - keeper->own_began;
    keeper->own[cost] += took;
    return took;
}

double timekeeper_rest(double took, double least)
{
    return fmax(least, took / SHARE_MAX);
}

void timekeeper_skip(struct timekeeper *keeper)
{
    keeper->now = clock_now();
}

double timekeeper_readings(const struct executor *executor)
{
    return executor->program->n_train + 1;
}

/* When the clock is slow and the steps are short, fewer of them are timed: by the first step's time, and by the mean of
 * all whenever there are twice as many. */
static void choose_sampling(const struct timekeeper *keeper, struct executor *executor)
{
    uint64_t runs = executor->runs;
    if (executor->program->family->submit || runs == 0 || (runs & (runs - 1)) != 0)
        return;
    double keep = (double)executor->keep_ns / fmax(1, (double)executor->train_steps);
    double ns = timekeeper_readings(executor) * keeper->reading_ns + keep;
    double cost = ns / (COST_MAX * (double)executor->run_ns / (double)runs);
    executor->time_every = cost > 1 ? (uint64_t)ceil(fmin(cost, 1000)) : 1;
}

void timekeeper_keep(struct timekeeper *keeper, struct executor *executor, bool step)
{
    if (!stopwatch_interrupted(&keeper->watch)) {
        double seconds = 0;
        for (int i = 0; i < TIMEKEEPER_LAPS; i++) {
            keeper->kept[i] += keeper->pending[i];
            seconds += keeper->pending[i];
        }
        bool timed = executor->train_steps > keeper->timed;
        if (step) {
            keeper->steps++;
            keeper->timed_count += timed;
            *(timed ? &keeper->timed_seconds : &keeper->untimed_seconds) += seconds;
        }
    }
    keeper->timed = executor->train_steps;
    choose_sampling(keeper, executor);
    clear_laps(keeper);
    keeper->own[TIMING_COST_SAMPLES] += 1e-9 * keeper->watch_ns; /* next to which the rest is nothing */
}

void timekeeper_epoch(struct timekeeper *keeper, const struct executor *executor)
{
    int n = executor->program->n_train;
    if (keeper->steps == 0) /* the end of an epoch that an earlier sitting trained */
        return;
    double steps = (double)(executor->train_steps - keeper->epoch_steps);
    for (int i = 0; i < n; i++) {
        keeper->epoch_ms[i] =
            steps > 0 ? (double)(executor->train_ns[i] - keeper->epoch_ns[i]) * 1e-6 / steps : (double)NAN;
        keeper->epoch_ns[i] = executor->train_ns[i];
    }
    keeper->epoch_steps = executor->train_steps;
    timing_add_epoch(&keeper->timing, keeper->epoch_ms);
}

/* Of a program that runs on the engine's threads: what it took is shared as the timed steps say, and what submitting
 * took beside that is handing over. lap: ms per step. */
static void share_host(struct timekeeper *keeper, const struct executor *executor, const double *lap)
{
    struct timing *timing = &keeper->timing;
    double all = timing_step_ms(timing);
    double run = executor->runs > 0 ? (double)executor->run_ns * 1e-6 / (double)executor->runs : (double)NAN;
    double given = lap[TIMEKEEPER_SUBMIT] + lap[TIMEKEEPER_COLLECT];
    run = fmin(run, given);
    for (int p = 0; p < PHASE_COUNT; p++)
        timing->part_ms[timing_part_of((enum phase)p)] = run * timing_phase_ms(timing, (enum phase)p) / all;
    timing->part_ms[TIMING_DATA] = lap[TIMEKEEPER_DATA];
    timing->part_ms[TIMING_TRANSFER] = given - run;
    timing->part_ms[TIMING_OTHER] = lap[TIMEKEEPER_OTHER];
}

/*
 * Of a device that works on its own. Its steps come first, as long as they fit into the time that passed; what they
 * leave is the host's share of the critical path, and the rest of what the host did was hidden behind them. Gaps that
 * neither accounts for, such as launches, are other.
 */
static void share_device(struct timekeeper *keeper, const double *lap)
{
    struct timing *timing = &keeper->timing;
    double all = timing_step_ms(timing);
    double host = lap[TIMEKEEPER_DATA] + lap[TIMEKEEPER_SUBMIT] + lap[TIMEKEEPER_OTHER];
    double passed = host + lap[TIMEKEEPER_COLLECT], device = fmin(all, passed);
    double seen = fmin(host, passed - device), share = host > 0 ? seen / host : 0;
    for (int p = 0; p < PHASE_COUNT; p++)
        timing->part_ms[timing_part_of((enum phase)p)] = device * timing_phase_ms(timing, (enum phase)p) / all;
    timing->part_ms[TIMING_DATA] = share * lap[TIMEKEEPER_DATA];
    timing->part_ms[TIMING_TRANSFER] = share * lap[TIMEKEEPER_SUBMIT];
    timing->part_ms[TIMING_OTHER] = share * lap[TIMEKEEPER_OTHER] + passed - device - seen;
    timing->hidden_ms[TIMING_DATA] = (1 - share) * lap[TIMEKEEPER_DATA];
    timing->hidden_ms[TIMING_TRANSFER] = (1 - share) * lap[TIMEKEEPER_SUBMIT];
    timing->hidden_ms[TIMING_OTHER] = (1 - share) * lap[TIMEKEEPER_OTHER];
}

/* Seconds. On the host the clock's readings; what a device's own clock costs shows in the steps that were timed, beside
 * those that were not. NaN: too few of them to tell. */
static double clock_cost(const struct timekeeper *keeper, const struct executor *executor)
{
    double steps = (double)keeper->steps, timed = (double)keeper->timed_count;
    double laps = (double)keeper->readings * keeper->reading_ns * 1e-9;
    if (!executor->program->family->submit)
        return timed * timekeeper_readings(executor) * keeper->reading_ns * 1e-9 + laps;
    if (timed < COMPARED || steps - timed < COMPARED)
        return NAN;
    double more = keeper->timed_seconds / timed - keeper->untimed_seconds / (steps - timed);
    return fmax(0, more) * timed + laps;
}

/* Of the steps that were kept, in percent of them. */
static void add_costs(struct timekeeper *keeper, const struct executor *executor)
{
    struct timing *timing = &keeper->timing;
    double seconds = keeper->timed_seconds + keeper->untimed_seconds;
    double watched = executor->program->family->submit ? 0 : (double)executor->runs * keeper->watch_ns;
    if (!(seconds > 0))
        return;
    double cost[TIMING_COSTS];
    memcpy(cost, keeper->own, sizeof cost);
    cost[TIMING_COST_CLOCK] += clock_cost(keeper, executor);
    cost[TIMING_COST_SAMPLES] += 1e-9 * ((double)executor->keep_ns + watched);
    cost[TIMING_COST_TRACE] += keeper->traced;
    timing->timing_percent = 0;
    for (int c = 0; c < TIMING_COSTS; c++) {
        timing->costs[c] = 100 * cost[c] / seconds;
        timing->timing_percent += timing->costs[c];
    }
}

void timekeeper_refresh(struct timekeeper *keeper, const struct executor *executor, struct loader *loader)
{
    struct timing *timing = &keeper->timing;
    double lap[TIMEKEEPER_LAPS], threads = timing->threads;
    timing_refresh(timing, executor);
    if (keeper->steps == 0 || executor->train_steps == 0)
        return;
    timing->wall_ms = 0;
    for (int i = 0; i < TIMEKEEPER_LAPS; i++) {
        lap[i] = keeper->kept[i] * 1e3 / (double)keeper->steps;
        timing->wall_ms += lap[i];
    }
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        timing->hidden_ms[p] = NAN;
    if (executor->program->family->submit)
        share_device(keeper, lap);
    else
        share_host(keeper, executor, lap);
    timing->part_ms[TIMING_EVALUATE] = keeper->kept[TIMEKEEPER_EVALUATE] > 0 ? lap[TIMEKEEPER_EVALUATE] : (double)NAN;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        timing->part_ms[p] *=
            threads; /* hidden work is that of the threads that did it alone: the host's one, or loaders */
    if (loader->kind != RECIPE_LOADER_MAIN) /* one thread for each batch: not times threads */
        timing->hidden_ms[TIMING_AUGMENT] =
            (double)(loader_worked_ns(loader) - keeper->worked_ns) * 1e-6 / (double)keeper->steps;
    add_costs(keeper, executor);
}
