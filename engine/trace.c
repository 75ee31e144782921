#include "engine/trace.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS (2 * TRACE_STEPS + 1)
#define SPARE (2 * TRACE_STEPS) /* the slot of the step that is being taken */
#define SLICES_MAX (1 << 17)    /* of a step, over all threads: 2 MB */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Of this thread: what another one does that takes the processor away is no cost of the trace. */
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The lanes' slices are one array; what they had noted is forgotten. */
static void clear_lanes(struct trace_step *step, int threads, int room)
{
    for (int t = 0; t < threads; t++)
        step->lanes[t] = (struct parallel_lane){.slices = step->slice + (size_t)t * (size_t)room, .room = room};
}

static int allocate(struct trace *trace, struct error *err)
{
    for (int i = 0; i < SLOTS; i++) {
        struct trace_step *step = &trace->slots[i];
        size_t lanes = (size_t)trace->threads * sizeof *step->lanes; /* a multiple of its alignment */
        step->lap_ns = calloc((size_t)trace->program.n_steps + 1, sizeof *step->lap_ns);
        step->lanes = aligned_alloc(alignof(struct parallel_lane), lanes);
        step->slice = calloc((size_t)trace->threads * (size_t)trace->room, sizeof *step->slice);
        if (!step->lap_ns || !step->lanes || !step->slice) {
            trace_release(trace);
            return error_set(err, "out of memory for the trace of some steps");
        }
        clear_lanes(step, trace->threads, trace->room);
    }
    return 0;
}

int trace_init(struct trace *trace, const struct executor *executor, struct error *err)
{
    memset(trace, 0, sizeof *trace);
    if (timing_init(&trace->program, executor, err))
        return -1;
    trace->executor = executor;
    trace->compiled = executor->program;
    trace->threads = parallel_threads();
    trace->room = SLICES_MAX / trace->threads < TRACE_LOOPS_MAX ? SLICES_MAX / trace->threads : TRACE_LOOPS_MAX;
    return allocate(trace, err);
}

void trace_release(struct trace *trace)
{
    if (trace->taking)
        parallel_note(NULL, 0);
    for (int i = 0; i < SLOTS; i++) {
        free(trace->slots[i].lap_ns);
        free(trace->slots[i].lanes);
        free(trace->slots[i].slice);
    }
    timing_release(&trace->program);
    memset(trace, 0, sizeof *trace);
}

int trace_wants(const struct trace *trace, uint32_t step, uint32_t steps_per_epoch, uint32_t end)
{
    if (!trace->compiled)
        return 0;
    if (trace->compiled->family->submit) /* which ones it times is not known beforehand */
        return 1;
    uint32_t period = steps_per_epoch * ((TRACE_EVERY + steps_per_epoch - 1) / steps_per_epoch); /* whole epochs */
    return trace->n_first < TRACE_STEPS || step % period + TRACE_STEPS >= period || step + TRACE_STEPS >= end;
}

void trace_begin(struct trace *trace, uint32_t step)
{
    struct trace_step *taken = &trace->slots[SPARE];
    uint64_t began = cpu_ns();
    clear_lanes(taken, trace->threads, trace->room);
    taken->step = step + 1;
    taken->fetched = taken->submitted = taken->run = taken->ran = 0;
    trace->timed = trace->executor->train_steps;
    trace->taking = 1;
    parallel_note(taken->lanes, trace->threads);
    stopwatch_start(&trace->watch);
    trace->own_ns += cpu_ns() - began;
    taken->begin = now_ns();
}

void trace_fetched(struct trace *trace, int worker, const uint64_t prepared[2])
{
    struct trace_step *step = &trace->slots[SPARE];
    if (!trace->taking || step->fetched != 0)
        return;
    step->fetched = now_ns();
    trace->readings++;
    step->worker = worker;
    for (int i = 0; i < 2 && worker >= 0; i++)
        step->prepared[i] = prepared[i];
}

void trace_submitted(struct trace *trace)
{
    if (!trace->taking)
        return;
    trace->slots[SPARE].submitted = now_ns();
    trace->readings++;
}

static void stop_taking(struct trace *trace)
{
    trace->taking = 0;
    parallel_note(NULL, 0);
}

void trace_ran(struct trace *trace)
{
    struct trace_step *step = &trace->slots[SPARE];
    const struct executor *executor = trace->executor;
    if (!trace->taking)
        return;
    if (executor->program != trace->compiled || executor->train_steps == trace->timed || !step->fetched ||
        !step->submitted) {
        stop_taking(trace);
        return;
    }
    step->ran = now_ns();
    uint64_t began = cpu_ns();
    step->run = executor->begun_ns;
    memcpy(step->lap_ns, executor->lap_ns, (size_t)trace->program.n_steps * sizeof *step->lap_ns);
    trace->own_ns += cpu_ns() - began;
}

static void swap_steps(struct trace_step *a, struct trace_step *b)
{
    struct trace_step kept = *a;
    *a = *b;
    *b = kept;
}

/* Readings of the thread that noted most shares of loops: the others' were at the same time. */
static uint64_t slice_readings(const struct trace *trace)
{
    int most = 0;
    for (int t = 0; t < trace->threads; t++)
        if (trace->slots[SPARE].lanes[t].count > most)
            most = trace->slots[SPARE].lanes[t].count;
    return 2 * (uint64_t)most;
}

static void keep_step(struct trace *trace)
{
    if (trace->n_first < TRACE_STEPS) {
        swap_steps(&trace->slots[SPARE], &trace->slots[trace->n_first++]);
        return;
    }
    swap_steps(&trace->slots[SPARE], &trace->slots[TRACE_STEPS + trace->next_latest]);
    trace->next_latest = (trace->next_latest + 1) % TRACE_STEPS;
    trace->n_latest += trace->n_latest < TRACE_STEPS;
}

void trace_end(struct trace *trace)
{
    if (!trace->taking)
        return;
    trace->slots[SPARE].end = now_ns();
    uint64_t began = cpu_ns();
    stop_taking(trace);
    trace->readings += slice_readings(trace);
    if (trace->slots[SPARE].ran && !stopwatch_interrupted(&trace->watch))
        keep_step(trace);
    trace->own_ns += cpu_ns() - began;
}

double trace_cost(const struct trace *trace, double reading_ns)
{
    return 1e-9 * ((double)trace->own_ns + (double)trace->readings * reading_ns);
}

int trace_count(const struct trace *trace)
{
    return trace->n_first + trace->n_latest;
}

/* The lanes' slices that were noted, side by side: those of a copy have no more room than that. */
static int copy_step(struct trace_step *copy, const struct trace_step *step, int n_steps, int threads)
{
    size_t slices = 0;
    *copy = *step;
    for (int t = 0; t < threads; t++)
        slices += (size_t)step->lanes[t].count;
    copy->lap_ns = malloc((size_t)(n_steps + 1) * sizeof *copy->lap_ns);
    copy->lanes = aligned_alloc(alignof(struct parallel_lane), (size_t)threads * sizeof *copy->lanes);
    copy->slice = malloc((slices + 1) * sizeof *copy->slice);
    if (!copy->lap_ns || !copy->lanes || !copy->slice)
        return -1;
    memcpy(copy->lap_ns, step->lap_ns, (size_t)n_steps * sizeof *copy->lap_ns);
    struct parallel_slice *to = copy->slice;
    for (int t = 0; t < threads; t++) {
        const struct parallel_lane *lane = &step->lanes[t];
        copy->lanes[t] = *lane;
        copy->lanes[t].slices = to;
        copy->lanes[t].room = lane->count;
        memcpy(to, lane->slices, (size_t)lane->count * sizeof *to);
        to += lane->count;
    }
    return 0;
}

int trace_copy(struct trace *copy, const struct trace *trace, struct error *err)
{
    *copy = *trace;
    memset(copy->slots, 0, sizeof copy->slots);
    copy->taking = 0;
    copy->executor = NULL;
    copy->compiled = NULL;
    if (timing_copy(&copy->program, &trace->program, err)) {
        memset(&copy->program, 0, sizeof copy->program);
        return -1;
    }
    int status = 0;
    for (int i = 0; i < SPARE && !status; i++)
        if (i < trace->n_first || (i >= TRACE_STEPS && i - TRACE_STEPS < trace->n_latest))
            status = copy_step(&copy->slots[i], &trace->slots[i], trace->program.n_steps, trace->threads);
    if (status) {
        trace_release(copy);
        return error_set(err, "out of memory for a copy of the trace");
    }
    return 0;
}
