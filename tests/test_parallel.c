/* parallel_for: every index once, whatever the number of threads, and also when the runtime gives fewer. */
#include "kernels/parallel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return missed(4, COUNT, 1) ? 1 : 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_index_once),
                                       cmocka_unit_test(fewer_threads_do_all_the_work)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
