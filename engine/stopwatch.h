/*
 * How long work took, without the time for which the process was stopped (SIGSTOP, Ctrl-Z): suspended time counts in
 * the wall clock only.
 *
 * A process cannot see itself stop, but it is told that it goes on: the handler of SIGCONT calls stopwatch_continued.
 * Work during which that happened is taken for as long as the CPU time that the process spent on it, divided by its
 * threads, since a stopped process spends none. That leaves out what its threads waited for each other, a small part
 * of the one step that was interrupted. It does not see what freezes a process without a signal (a cgroup's freezer);
 * CLOCK_MONOTONIC, which it reads, stands still by itself while the whole machine sleeps.
 */
#ifndef DAVIDNET_ENGINE_STOPWATCH_H
#define DAVIDNET_ENGINE_STOPWATCH_H

struct stopwatch {
    double begin, cpu; /* seconds */
    unsigned continued;
};

void stopwatch_start(struct stopwatch *watch);

/* Seconds since the start. threads >= 1: how many the work keeps busy. */
double stopwatch_seconds(const struct stopwatch *watch, int threads);

/* 1 if the process was stopped since the start: its seconds are an estimate. */
int stopwatch_interrupted(const struct stopwatch *watch);

/* Safe in a signal handler, whichever thread it runs on. */
void stopwatch_continued(void);

#endif
