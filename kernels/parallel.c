#include "kernels/parallel.h"

#include "kernels/parallel_backend.h"

#include <assert.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int current_threads;
static atomic_flag region_open = ATOMIC_FLAG_INIT;
static _Thread_local bool serial;
static struct parallel_lane *noted_lanes; /* changed between regions only, so that their threads read it freely */
static int noted_threads;
static _Thread_local bool takes_notes; /* it called parallel_note: a loop that it does alone is lane 0's */

void parallel_serial(void)
{
    serial = true;
}

/* CPUs that a cgroup v2 (or v1) quota allows, rounded up; a large number without one. */
static int cgroup_limit(void)
{
    double quota = -1, period = 100000;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file) {
        if (fscanf(file, "%lf %lf", &quota, &period) != 2)
            quota = -1; /* "max" */
        fclose(file);
    } else {
        file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re");
        if (file) {
            if (fscanf(file, "%lf", &quota) != 1)
                quota = -1;
            fclose(file);
        }
    }
    if (quota <= 0 || period <= 0)
        return PARALLEL_THREADS_MAX;
    int limit = (int)ceil(quota / period);
    return limit < 1 ? 1 : limit;
}

int parallel_default_threads(void)
{
    cpu_set_t set;
    int count = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
    else if (sysconf(_SC_NPROCESSORS_ONLN) > 0)
        count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int limit = cgroup_limit();
    if (count > limit)
        count = limit;
    return count > PARALLEL_THREADS_MAX ? PARALLEL_THREADS_MAX : count;
}

void parallel_set_threads(int threads)
{
    if (threads <= 0)
        threads = parallel_default_threads();
    current_threads = threads > PARALLEL_THREADS_MAX ? PARALLEL_THREADS_MAX : threads;
    parallel_backend_set_threads(current_threads);
}

int parallel_threads(void)
{
    if (current_threads == 0)
        parallel_set_threads(0);
    return current_threads;
}

void parallel_note(struct parallel_lane *lanes, int threads)
{
    noted_lanes = lanes;
    noted_threads = lanes ? threads : 0;
    takes_notes = lanes != NULL;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note(struct parallel_lane *lane, uint64_t begin)
{
    if (lane->count < lane->room)
        lane->slices[lane->count++] = (struct parallel_slice){begin, now_ns()};
    else
        lane->lost++;
}

struct loop {
    size_t count, grain;
    int threads;
    void (*fn)(void *context, size_t begin, size_t end, int thread);
    void *context;
};

static void do_share(const struct loop *loop, size_t begin, size_t end, int thread)
{
    struct parallel_lane *lane = thread < noted_threads ? &noted_lanes[thread] : NULL;
    uint64_t start = lane ? now_ns() : 0;
    loop->fn(loop->context, begin, end, thread);
    if (lane)
        note(lane, start);
}

/* Thread t takes the t-th share of the grains, as even as can be. */
static void loop_share(void *context, int thread)
{
    const struct loop *loop = context;
    size_t grains = (loop->count + loop->grain - 1) / loop->grain;
    size_t begin = grains * (size_t)thread / (size_t)loop->threads * loop->grain;
    size_t end = grains * (size_t)(thread + 1) / (size_t)loop->threads * loop->grain;
    if (end > loop->count)
        end = loop->count;
    if (begin < end)
        do_share(loop, begin, end, thread);
}

void parallel_for(size_t count, size_t grain, void (*fn)(void *context, size_t begin, size_t end, int thread),
                  void *context)
{
    if (count == 0)
        return;
    if (grain == 0)
        grain = 1;
    if (serial) { /* it reads nothing that the engine sets */
        fn(context, 0, count, 0);
        return;
    }
    size_t grains = (count + grain - 1) / grain;
    int threads = parallel_threads();
    if (grains < (size_t)threads)
        threads = (int)grains;
    struct loop loop = {count, grain, threads, fn, context};
    if (threads <= 1) {
        if (takes_notes)
            do_share(&loop, 0, count, 0);
        else
            fn(context, 0, count, 0);
        return;
    }
    bool open = atomic_flag_test_and_set_explicit(&region_open, memory_order_acquire);
    assert(!open && "two parallel regions at a time: see parallel_serial");
    (void)open;
    parallel_backend_run(threads, loop_share, &loop);
    atomic_flag_clear_explicit(&region_open, memory_order_release);
}
