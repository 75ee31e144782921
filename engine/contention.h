/* Was the machine quiet? CPU time taken by other guests, involuntary context switches, load. */
#ifndef DAVIDNET_ENGINE_CONTENTION_H
#define DAVIDNET_ENGINE_CONTENTION_H

#include <stdint.h>

struct contention {
    uint64_t steal, total; /* clock ticks of all CPUs since boot (/proc/stat); 0, 0 where unknown */
    uint64_t involuntary;  /* context switches of this process */
    double load;           /* 1-minute load average; NaN where unknown */
};

void contention_read(struct contention *now);

/* Between two readings: CPU steal in percent (NaN where unknown). */
double contention_steal(const struct contention *before, const struct contention *after);

#endif
