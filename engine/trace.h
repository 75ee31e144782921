/*
 * A trace: what each thread did, slice by slice, in a few training steps. TRACE_STEPS steps of a sitting's beginning
 * (the first to be timed after the warm-up step) and the TRACE_STEPS newest ones that were taken. Memory is bounded and
 * allocated beforehand: taking a step reads the clock some times and copies its laps, nothing else, and the results
 * are the same to the bit. At most one step in TRACE_EVERY / TRACE_STEPS is taken, beside the first ones and the last.
 * The newest that were taken are a sitting's last steps where its end is known beforehand (the schedule's, or
 * --stop-after's). One that is stopped in between, by a key or a signal, has those before the last end of an epoch
 * whose steps were taken; one that ends before the first such end has the first steps alone.
 *
 * Slices of one thread nest. The engine's thread:
 *   the step, from before its batch is asked for until its record is logged
 *     data       until the batch is there
 *     a phase    consecutive steps of the program of one phase
 *       a step of the program, under the name of the row that leads it
 *         its share of a loop (kernels/parallel.h), of the category "loop"
 *     other      averages of weights, log, publishing
 * and each other thread of kernels/parallel its shares of loops, under the name of the step of the program that they
 * fell into. What a library (oneDNN) does in threads of its own cannot be seen from outside: such a step says that it
 * had no loop of ours, and the other threads show nothing.
 *
 * A worker of the loader shows when it made the batches of the steps taken, which may be long before them.
 *
 * On a device of its own only steps that it timed are taken. The engine's thread then shows data, submit (the steps
 * that were queued meanwhile) and wait; the device's stream, the durations that it measured, laid end to end so that
 * they end where the wait did: their lengths are true, the gaps between them are not known.
 *
 * The text is Chrome's trace format, which Perfetto opens (RUN/trace.json):
 *   {"displayTimeUnit": "ms",
 *    "otherData": {"format": "davidnet-trace", "version": 1, "recipe": ..., "seed": 1, "command": ..., ...},
 *    "traceEvents": [
 *     {"name": "process_name", "ph": "M", "pid": 1, "tid": 1, "args": {"name": "first steps"}}, ...
 *     {"name": "prep/conv", "cat": "forward", "ph": "X", "ts": 12.345, "dur": 6.789, "pid": 1, "tid": 1,
 *      "args": {...}}, ...]}
 *
 * Microseconds, to the nanosecond, from where the process's first slice begins. Process 1 has the first steps, process
 * 2 the latest: as they may be hours apart, each has a zero of its own, and process 2's name says how far from the
 * other's it is. Thread 1 is the engine's, 2 and on the others of kernels/parallel, TRACE_LOADER_TID and on the
 * loader's workers, TRACE_DEVICE_TID the device's.
 * Slices come thread by thread, in the order of their begin, the enclosing one first.
 */
#ifndef DAVIDNET_ENGINE_TRACE_H
#define DAVIDNET_ENGINE_TRACE_H

#include "engine/recipe.h"
#include "engine/stopwatch.h"
#include "engine/timing.h"
#include "kernels/parallel.h"

#define TRACE_FORMAT "davidnet-trace"
#define TRACE_VERSION 1
#define TRACE_STEPS 3
#define TRACE_EVERY 30       /* steps at least from one end of an epoch to the next whose last steps are taken */
#define TRACE_LOOPS_MAX 4096 /* shares of loops that are kept of a thread and step, when threads are few */
#define TRACE_LOADER_TID 1000
#define TRACE_DEVICE_TID 2000

/* One step; times in ns of CLOCK_MONOTONIC. */
struct trace_step {
    uint32_t step; /* from 1 */
    uint64_t begin, fetched, submitted, ran, end;
    int worker;                   /* of the loader, that made its batch beforehand; -1: none */
    uint64_t prepared[2];         /* from when to when it did */
    uint64_t run;                 /* the first step of the program began; on a device of its own: 0 */
    uint64_t *lap_ns;             /* [n_steps] of the program */
    struct parallel_lane *lanes;  /* [threads] */
    struct parallel_slice *slice; /* what the lanes point into */
};

struct trace {
    struct timing program; /* rows, steps and machine; its times are not used */
    const struct executor *executor;
    const struct program *compiled;               /* the steps are this one's: while another runs, nothing is taken */
    int threads, room;                            /* lanes, and slices in each */
    struct trace_step slots[2 * TRACE_STEPS + 1]; /* first, latest (a ring), and the one that is being taken */
    int n_first, n_latest, next_latest;
    int taking;
    uint64_t timed;         /* the executor's steps before the one that is being taken */
    uint64_t own_ns;        /* CPU time that taking steps has cost so far, but for single readings of the clock */
    uint64_t readings;      /* those: of slices as many as the thread that noted most */
    struct stopwatch watch; /* since it began */
};

/* Room for the executor's program, which must live as long as steps are taken. -1: no memory, nothing to release. */
int trace_init(struct trace *trace, const struct executor *executor, struct error *err);
void trace_release(struct trace *trace); /* safe on one that is all zero */

/* Is that step (from 0) to be taken? One of the first, of the last before `end` (where this sitting is to end), or of
 * an epoch's last; of short epochs only now and then. */
int trace_wants(const struct trace *trace, uint32_t step, uint32_t steps_per_epoch, uint32_t end);

/*
 * One step, by the engine's thread, in this order; all but begin do nothing when none is being taken. ran: when the
 * step's result is there; it is dropped unless the executor has timed it. end drops a step
 * during which the process was stopped and went on: how long nobody knows. begin drops what was begun and not ended.
 */
void trace_begin(struct trace *trace, uint32_t step); /* from 0 */
/* The batch is there, which the loader's `worker` made at `prepared`; -1: nobody made it beforehand. The first time
 * counts. */
void trace_fetched(struct trace *trace, int worker, const uint64_t prepared[2]);
void trace_submitted(struct trace *trace);
void trace_ran(struct trace *trace);
void trace_end(struct trace *trace);

/* Seconds that taking steps has cost so far, where one reading of the clock takes reading_ns. */
double trace_cost(const struct trace *trace, double reading_ns);

/* Steps taken so far. */
int trace_count(const struct trace *trace);

/* A copy of what was taken, to be written by another thread. It takes no more steps itself. */
int trace_copy(struct trace *copy, const struct trace *trace, struct error *err);

/* The text, malloc'ed, ending with a newline; recipe and run say whose it is. NULL with err. */
char *trace_to_json(const struct trace *trace, const struct recipe *recipe, const char *run, struct error *err);

/*
 * Is it such a text? -1 with the first thing that is wrong: not JSON, another format or version, an event that lacks
 * something, slices out of order or that overlap without one enclosing the other. `name` names it in messages.
 */
int trace_check(const char *text, const char *name, struct error *err);

#endif
