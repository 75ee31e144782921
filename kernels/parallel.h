/*
 * One parallel loop, on the OpenMP runtime that oneDNN uses (libgomp on Debian) whatever the compiler, so
 * that one pool of threads serves both. Built with PARALLEL=pthread it is a pool of our own that
 * ThreadSanitizer understands.
 *
 * Only one thread at a time (the engine's) opens parallel regions, and never one within another: both stop the program
 * (assert). Any other thread that calls what may open one says parallel_serial first. Ranges are contiguous and depend
 * only on count and grain, never on timing; kernels split over outputs and reduce in a fixed order, so results are
 * bit-identical for any number of threads.
 */
#ifndef DAVIDNET_KERNELS_PARALLEL_H
#define DAVIDNET_KERNELS_PARALLEL_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#define PARALLEL_THREADS_MAX 256

/* Threads used from now on, at most PARALLEL_THREADS_MAX (the knob's range ends there); 0 means the default: CPU
 * affinity and the cgroup's limit, whichever is less. */
void parallel_set_threads(int threads);
int parallel_threads(void);
int parallel_default_threads(void);

/* From now on parallel_for on the calling thread opens no region: it does all of its loops itself, as thread 0. For a
 * job beside the engine, such as one that loads a data set to look at. */
void parallel_serial(void);

/* From when to when one thread worked on its share of one loop, in nanoseconds of CLOCK_MONOTONIC. */
struct parallel_slice {
    uint64_t begin, end;
};

/* What one thread did. A cache line of its own, so that threads that note something do not slow each other down. */
struct parallel_lane {
    alignas(64) struct parallel_slice *slices; /* [room] */
    int room, count;
    int lost; /* shares beyond the room */
};

/*
 * From now on every share of a loop is noted in its thread's lane, for a trace of some steps: lanes[threads], which
 * stay the caller's and are in use until this is called with NULL. Nothing is noted then, which costs a comparison a
 * share. The thread that opens regions calls it, between two of them. What a library does in parallel is not seen.
 */
void parallel_note(struct parallel_lane *lanes, int threads);

/* Calls fn(context, begin, end, thread) so that the ranges cover [0, count) once; returns when all are done.
 * grain >= 1: ranges start on multiples of it. thread is 0 .. parallel_threads()-1, unique among running calls. */
void parallel_for(size_t count, size_t grain, void (*fn)(void *context, size_t begin, size_t end, int thread),
                  void *context);

#endif
