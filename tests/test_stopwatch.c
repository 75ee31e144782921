/* The stopwatch: a child that is stopped and continued measures its own work. */
#include "engine/stopwatch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define STOPPED 0.4 /* seconds */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void on_continue(int number)
{
    (void)number;
    stopwatch_continued();
}

struct measured {
    double seconds, passed;
    int interrupted;
};

/* The child: stops itself half-way, if it is to, and writes what it measured. */
static void measure(int out, int stops, int blocks)
{
    struct stopwatch watch;
    struct measured measured;
    memset(&measured, 0, sizeof measured); /* its padding is written, too */
    volatile double work = 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    if (blocks) /* as a thread that another's handler works for: the signal stays pending */
        sigprocmask(SIG_BLOCK, &set, NULL);
    struct sigaction action = {.sa_handler = on_continue};
    sigaction(SIGCONT, &action, NULL);
    double begin = now();
    stopwatch_start(&watch);
    for (int i = 0; i < 2000000; i++)
        work += i;
    if (stops)
        raise(SIGSTOP);
    for (int i = 0; i < 2000000; i++)
        work += i;
    measured.seconds = stopwatch_seconds(&watch, 1);
    measured.passed = now() - begin;
    measured.interrupted = stopwatch_interrupted(&watch);
    _exit(write(out, &measured, sizeof measured) != sizeof measured);
}

static struct measured run_child(int stops, int blocks)
{
    struct measured measured = {0};
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        measure(ends[1], stops, blocks);
    if (stops) {
        assert_int_equal(waitpid(child, &status, WUNTRACED), child);
        assert_true(WIFSTOPPED(status));
        nanosleep(&(struct timespec){.tv_nsec = (long)(STOPPED * 1e9)}, NULL);
        kill(child, SIGCONT);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(read(ends[0], &measured, sizeof measured), sizeof measured);
    close(ends[0]);
    close(ends[1]);
    return measured;
}

static void stopped_time_does_not_count(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 2; blocks++) {
        struct measured m = run_child(1, blocks);
        assert_true(m.interrupted);
        assert_true(m.passed >= STOPPED);
        assert_true(m.seconds > 0 && m.seconds <= m.passed - STOPPED);
    }
}

static void other_time_does(void **state)
{
    (void)state;
    struct measured m = run_child(0, 0);
    assert_false(m.interrupted);
    assert_true(m.seconds > 0 && m.seconds <= m.passed);
    struct stopwatch watch;
    stopwatch_start(&watch);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* no CPU time, but nobody was stopped */
    assert_true(stopwatch_seconds(&watch, 1) >= 0.05);
}

/* Where it was interrupted, CPU time stands for what has passed, and all threads have a part in it. */
static void threads_share_the_cpu_time(void **state)
{
    (void)state;
    struct stopwatch watch;
    volatile double work = 0;
    stopwatch_start(&watch);
    for (int i = 0; i < 4000000; i++)
        work += i;
    stopwatch_continued();
    double alone = stopwatch_seconds(&watch, 1);
    assert_true(alone > 0);
    assert_true(stopwatch_seconds(&watch, 4) < alone / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_time_does_not_count),
        cmocka_unit_test(other_time_does),
        cmocka_unit_test(threads_share_the_cpu_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
