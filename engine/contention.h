/*
 * Was the machine quiet? CPU time taken by other guests, involuntary context switches, load.
 *
 * THE RULE. A stretch of time is noisy when other guests took more than CONTENTION_STEAL percent of the CPUs' time, or
 * when this process was switched off against its will more than CONTENTION_SWITCHES times a second and thread: a quiet
 * machine does that less than once, one with another busy process a hundred times. The load average decides nothing: it
 * lags by a minute and counts who runs on other CPUs. A run is contended when more than CONTENTION_SHARE of its time
 * was noisy; its accuracy counts and its time does not (engine/verdict.h).
 */
#ifndef DAVIDNET_ENGINE_CONTENTION_H
#define DAVIDNET_ENGINE_CONTENTION_H

#include <stdint.h>

struct contention {
    uint64_t steal, total; /* clock ticks of all CPUs since boot (/proc/stat); 0, 0 where unknown */
    uint64_t involuntary;  /* context switches of this process */
    double load;           /* 1-minute load average; NaN where unknown */
};

#define CONTENTION_STEAL 1.0 /* percent */
#define CONTENTION_SWITCHES 10.0
#define CONTENTION_SHARE 0.1

void contention_read(struct contention *now);

/* Between two readings: CPU steal in percent (NaN where unknown). */
double contention_steal(const struct contention *before, const struct contention *after);

/* 1: `seconds` of wall time with that steal and so many involuntary switches were noisy. What is NaN says nothing. */
int contention_noisy(double steal, double switches, double seconds, int threads);

#endif
