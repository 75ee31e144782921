/*
 * What each step of a program costs, and what it could cost at best: its arithmetic at the rate of multiply-adds from
 * registers, its bytes at the rate of a copy in memory, both measured on this machine with the program's threads.
 *
 * Operations are counted as plan.h counts them, directly and with padding: a Winograd convolution does fewer
 * (kernels/work.h). Bytes are the least that must move when nothing stays in a cache: activations in the program's
 * precision, once; a norm's source (and gradient) twice, because statistics come first; weights in float32.
 * Backward, a sum, a join and a pool need no values.
 */
#ifndef DAVIDNET_ENGINE_OPERATIONS_H
#define DAVIDNET_ENGINE_OPERATIONS_H

#include "engine/session.h"

struct ceiling {
    double flops; /* a second; NaN: not measured for this precision */
    double bytes; /* a second; NaN: no room to measure it */
    int noisy;    /* 1: the machine was not quiet meanwhile (engine/contention.h): they may be higher */
};

/* Of one step of program->train, for a batch of n images. */
double operation_flops(const struct program *program, const struct program_step *step, int n);
double operation_bytes(const struct program *program, const struct program_step *step, int n);

/* What a row keeps: its output for n images, in the program's precision; its tensors, buffers too, in float32. */
double operation_activation_bytes(const struct program *program, int row, int n);
double operation_weight_bytes(const struct plan *plan, int row);

/* The best time that the ceiling allows, in seconds: the larger of both parts. */
double operation_floor(const struct ceiling *ceiling, double flops, double bytes);

/*
 * The best of many short pieces of work, in probes spread over about half a second. Copies go through arrays of four
 * times the last cache's size together; they are not measured, and bytes is NaN, where that is more than a sixteenth of
 * the memory that is free. -1: out of memory, and then both are NaN.
 */
int ceiling_measure(struct ceiling *ceiling, enum precision precision, struct error *err);

/* Of where the session's program runs: a device's as the device measures it (NaN where it cannot), else that. */
int ceiling_of_session(const struct session *session, struct ceiling *ceiling, struct error *err);

/* The host's, measured once in a process for that precision, number of threads and instruction set; while the machine
 * is not quiet, each time. */
int ceiling_remember(struct ceiling *ceiling, enum precision precision, struct error *err);

/* The larger of each, which is nearer to what the machine can do; noisy when both were. */
void ceiling_merge(struct ceiling *ceiling, const struct ceiling *other);

/* Bytes that a copy is measured with: 0 when `cache` bytes of last cache need more than `available` bytes allow. */
size_t ceiling_copy_bytes(double cache, double available);

/*
 * Trains `steps` batches after two to warm up; seconds[i]: the least that program->train[i] took, NaN if no step could
 * be timed (the process was stopped in each of them).
 */
int operations_time(struct session *session, int steps, double *seconds, struct error *err);

#endif
