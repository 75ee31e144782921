/*
 * The clocks of a training run, from which its timing breakdown is made: where each second of the engine's thread went,
 * from the second step on. One thread's (the engine's); it touches no other.
 *
 * A lap ends where the next one begins, so that laps add up to all that passed, whatever the clock costs. Time for
 * which the process was stopped is in none: when it was, all laps since they were last kept are dropped.
 */
#ifndef DAVIDNET_ENGINE_TIMEKEEPER_H
#define DAVIDNET_ENGINE_TIMEKEEPER_H

#include "engine/operations.h"
#include "engine/stopwatch.h"
#include "engine/timing.h"

enum timekeeper_lap {
    TIMEKEEPER_DATA,     /* getting a batch */
    TIMEKEEPER_SUBMIT,   /* executor_submit: all of a step, or giving it to a device of its own */
    TIMEKEEPER_COLLECT,  /* executor_collect: waiting for a device */
    TIMEKEEPER_EVALUATE, /* on test images */
    TIMEKEEPER_OTHER,
    TIMEKEEPER_LAPS
};

struct timekeeper {
    struct timing timing; /* as of the last timekeeper_refresh, of the executor that it began with */
    struct ceiling ceiling;
    double now;                      /* when the last lap ended; seconds */
    double pending[TIMEKEEPER_LAPS]; /* since they were last kept */
    double kept[TIMEKEEPER_LAPS];    /* seconds, since it began */
    struct stopwatch watch;
    uint64_t steps;                        /* whose laps were kept */
    uint64_t timed;                        /* the executor's train_steps when the last step ended */
    double timed_seconds, untimed_seconds; /* of steps that were timed and that were not */
    uint64_t timed_count;
    uint64_t worked_ns;       /* the loader's, when it began */
    double reading_ns;        /* what one reading of the clock takes */
    double watch_ns;          /* and seeing whether the process was stopped, once */
    double own[TIMING_COSTS]; /* CPU seconds that timing took beside the executor, since it began */
    double own_began;         /* own work that is under way: the thread's CPU time */
    uint64_t readings;        /* of the clock by laps, since it began */
    double traced;            /* seconds, by the trace's own account (trace_cost), which the owner brings up to date */
    uint64_t epoch_steps;     /* the executor's when the epoch began */
    uint64_t *epoch_ns;       /* [n_train], likewise */
    double *epoch_ms;         /* [n_train]: room for an epoch's means */
};

/* Zeroed, then: what the machine can do, and what a clock reading and a stopwatch cost. Takes some milliseconds. */
void timekeeper_init(struct timekeeper *keeper, const struct ceiling *ceiling);
void timekeeper_release(struct timekeeper *keeper); /* also of one that is all zero */

/* A breakdown for this executor's program, of nothing yet, its history included. -1: no memory. */
int timekeeper_begin(struct timekeeper *keeper, const struct executor *executor, struct error *err);

/* What the machine can do, measured again: the larger counts, and the time that it took is in no lap. */
void timekeeper_ceiling(struct timekeeper *keeper, const struct ceiling *again);

/* Forgets all times, and the executor's, so that they begin now: the first step of a sitting touches fresh memory. */
void timekeeper_reset(struct timekeeper *keeper, struct executor *executor, struct loader *loader);

/* What passed since the last lap ended belongs to this one; or to none. */
void timekeeper_lap(struct timekeeper *keeper, enum timekeeper_lap lap);
void timekeeper_skip(struct timekeeper *keeper);

/* The laps so far are kept; step: they end one. */
void timekeeper_keep(struct timekeeper *keeper, struct executor *executor, bool step);

/* What is done in between is timing's own work, which counts as its cost; end says how many seconds of this thread's
 * CPU time that took: others may have taken the processor away meanwhile. */
void timekeeper_own_begin(struct timekeeper *keeper);
double timekeeper_own_end(struct timekeeper *keeper, enum timing_cost cost);

/* Seconds until own work that took so many is to be done again: at least that, and so long that it takes no more than
 * 0.2 % of the time. */
double timekeeper_rest(double took, double least);

/* An epoch has ended: its means go into the history. */
void timekeeper_epoch(struct timekeeper *keeper, const struct executor *executor);

/* Brings keeper->timing up to date. Allocates nothing. */
void timekeeper_refresh(struct timekeeper *keeper, const struct executor *executor, struct loader *loader);

/* How many readings of the clock the executor needs for a step that it times on the host. */
double timekeeper_readings(const struct executor *executor);

#endif
