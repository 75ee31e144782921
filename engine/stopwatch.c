#include "engine/stopwatch.h"

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* Of the whole process. Lock-free, as a signal handler counts. */
static atomic_uint continued;

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void stopwatch_start(struct stopwatch *watch)
{
    watch->continued = atomic_load(&continued);
    watch->cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    watch->begin = seconds_of(CLOCK_MONOTONIC);
}

/*
 * The thread that handles SIGCONT may come to it a moment after this one runs again. The signal is pending for the
 * process until then, and threads that block it (engine/thread.h) can see that.
 */
static int is_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1;
}

int stopwatch_interrupted(const struct stopwatch *watch)
{
    return is_pending() || atomic_load(&continued) != watch->continued;
}

double stopwatch_seconds(const struct stopwatch *watch, int threads)
{
    double passed = seconds_of(CLOCK_MONOTONIC) - watch->begin;
    if (!stopwatch_interrupted(watch))
        return passed;
    return fmin(passed, (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - watch->cpu) / threads);
}

void stopwatch_continued(void)
{
    atomic_fetch_add(&continued, 1);
}
