/* parallel_for: every index once, whatever the number of threads, also when the runtime gives fewer; one region at a
 * time. */
#include "kernels/parallel.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { COUNT = 1000 };

struct visits {
    atomic_int index[COUNT], thread[PARALLEL_THREADS_MAX];
    atomic_int wrong; /* an empty range, one off the grain, or a thread that is in two at once */
    size_t grain;
};

static void visit(void *context, size_t begin, size_t end, int thread)
{
    struct visits *visits = context;
    if (begin >= end || begin % visits->grain || thread < 0 || thread >= parallel_threads() ||
        atomic_fetch_add(&visits->thread[thread], 1))
        atomic_store(&visits->wrong, 1);
    for (size_t i = begin; i < end && i < COUNT; i++)
        atomic_fetch_add(&visits->index[i], 1);
    if (thread >= 0 && thread < PARALLEL_THREADS_MAX)
        atomic_fetch_sub(&visits->thread[thread], 1);
}

/* The number of indices below count that were not visited exactly once. */
static int missed(int threads, size_t count, size_t grain)
{
    static struct visits visits;
    int bad = 0;
    for (size_t i = 0; i < COUNT; i++)
        atomic_store(&visits.index[i], 0);
    atomic_store(&visits.wrong, 0);
    visits.grain = grain;
    parallel_set_threads(threads);
    parallel_for(count, grain, visit, &visits);
    for (size_t i = 0; i < COUNT; i++)
        bad += atomic_load(&visits.index[i]) != (i < count);
    return bad + atomic_load(&visits.wrong);
}

static void every_index_once(void **state)
{
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 999, COUNT}, grains[] = {1, 3, 16, 2 * COUNT};
    (void)state;
    for (int threads = 1; threads <= 5; threads++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (size_t g = 0; g < sizeof grains / sizeof *grains; g++)
                assert_int_equal(missed(threads, counts[c], grains[g]), 0);
    parallel_set_threads(0);
    assert_int_equal(parallel_threads(), parallel_default_threads());
}

/* The limit is read when the process starts, so it is this test again, in a process of its own. */
static void fewer_threads_do_all_the_work(void **state)
{
    static const char *const limits[] = {"1", "2", "3"};
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            setenv("OMP_THREAD_LIMIT", limits[i], 1);
            execl("/proc/self/exe", "test_parallel", "limited", (char *)NULL);
            _exit(127);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* ---- notes ---- */

enum { ROOM = 3 };

struct lanes {
    struct parallel_lane lane[4];
    struct parallel_slice slice[4][ROOM];
};

static void clear_lanes(struct lanes *lanes)
{
    for (int t = 0; t < 4; t++)
        lanes->lane[t] = (struct parallel_lane){.slices = lanes->slice[t], .room = ROOM};
}

static void every_share_is_noted(void **state)
{
    (void)state;
    static struct lanes lanes;
    clear_lanes(&lanes);
    parallel_set_threads(4);
    parallel_note(lanes.lane, 3); /* the fourth has no lane */
    assert_int_equal(missed(4, COUNT, 1), 0);
    assert_int_equal(missed(4, 2, 1), 0); /* two threads have a share */
    assert_int_equal(missed(4, 1, 1), 0); /* the caller's alone, without a region */
    parallel_note(NULL, 0);
    assert_int_equal(missed(4, COUNT, 1), 0);
    static const int counts[4] = {3, 2, 1, 0};
    for (int t = 0; t < 4; t++) {
        assert_int_equal(lanes.lane[t].count, counts[t]);
        assert_int_equal(lanes.lane[t].lost, 0);
        for (int i = 0; i < counts[t]; i++) {
            assert_true(lanes.slice[t][i].begin > 0 && lanes.slice[t][i].begin <= lanes.slice[t][i].end);
            assert_true(i == 0 || lanes.slice[t][i - 1].end <= lanes.slice[t][i].begin);
        }
    }
}

static void shares_beyond_the_room_are_counted(void **state)
{
    (void)state;
    static struct lanes lanes;
    clear_lanes(&lanes);
    parallel_note(lanes.lane, 4);
    for (int i = 0; i < ROOM + 2; i++)
        assert_int_equal(missed(4, COUNT, 1), 0);
    parallel_note(NULL, 0);
    for (int t = 0; t < 4; t++) {
        assert_int_equal(lanes.lane[t].count, ROOM);
        assert_int_equal(lanes.lane[t].lost, 2);
    }
}

/* ---- one region at a time ---- */

static void *serial_main(void *bad)
{
    parallel_serial();
    static struct visits visits;
    visits.grain = 1;
    parallel_for(COUNT, 1, visit, &visits);
    int *missed_or_split = bad;
    for (size_t i = 0; i < COUNT; i++)
        *missed_or_split += atomic_load(&visits.index[i]) != 1;
    *missed_or_split += atomic_load(&visits.wrong);
    return NULL;
}

/* A job's thread loops within the engine's region: it would stop the program if it opened one of its own. */
static void loop_beside(void *context, size_t begin, size_t end, int thread)
{
    pthread_t job;
    (void)end;
    (void)thread;
    if (begin > 0)
        return;
    if (pthread_create(&job, NULL, serial_main, context) || pthread_join(job, NULL))
        *(int *)context = -1;
}

static void a_serial_thread_opens_no_region(void **state)
{
    (void)state;
    int bad = 0;
    parallel_set_threads(4);
    static struct lanes lanes;
    clear_lanes(&lanes);
    parallel_note(lanes.lane, 4);
    parallel_for(4, 1, loop_beside, &bad);
    parallel_note(NULL, 0);
    assert_int_equal(bad, 0);
    for (int t = 0; t < 4; t++)
        assert_int_equal(lanes.lane[t].count, 1); /* nor is what it does noted */
    assert_int_equal(missed(4, COUNT, 1), 0);     /* the other threads go on as before */
}

static void do_nothing(void *context, size_t begin, size_t end, int thread)
{
    (void)context;
    (void)begin;
    (void)end;
    (void)thread;
}

static void loop_within(void *context, size_t begin, size_t end, int thread)
{
    (void)end;
    (void)thread;
    if (begin == 0)
        parallel_for(4, 1, do_nothing, context);
}

static void two_regions_at_a_time_stop_the_program(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_parallel", "two", "regions", (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static int open_two_regions(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (!freopen("/dev/null", "w", stderr)) /* what assert says */
        return 1;
    parallel_set_threads(4);
    parallel_for(4, 1, loop_within, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 2)
        return open_two_regions();
    if (argc > 1)
        return missed(4, COUNT, 1) ? 1 : 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_index_once),
                                       cmocka_unit_test(fewer_threads_do_all_the_work),
                                       cmocka_unit_test(every_share_is_noted),
                                       cmocka_unit_test(shares_beyond_the_room_are_counted),
                                       cmocka_unit_test(a_serial_thread_opens_no_region),
                                       cmocka_unit_test(two_regions_at_a_time_stop_the_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
