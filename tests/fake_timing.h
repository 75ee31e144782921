/* A plausible breakdown for tests of the front end: the rows of the recipe davidnet-79, always the same times. */
#ifndef DAVIDNET_TESTS_FAKE_TIMING_H
#define DAVIDNET_TESTS_FAKE_TIMING_H

#include "engine/timing.h"

/*
 * As the cpu family fuses: norms lead activation, pool and addition. update_all: one step without rows updates all
 * weights, instead of one for each row. slower multiplies all times. Nothing is unknown but hidden work: set NaN where
 * a test wants it. 13 epochs of history. Release it with timing_release.
 */
void fake_timing(struct timing *timing, int update_all, double slower);

/*
 * A small one, for sums by hand: five rows; 100 GFLOP/s and 10 GB/s at most; two threads. In milliseconds, what a step
 * of the program took, its operations and its bytes at the ceilings, and so its floor:
 *   augment  input              2     0    1     1
 *   forward  conv (norm, act)  30    20    5    20
 *   loss     loss               0.5   0    0.1   0.1
 *   backward norm (act)         7     0    4     4
 *   backward conv              32    10    6    10    Winograd: a quarter of its operations, nominally 40 ms
 *   update   all                0.5   0    1     1
 *   sum                        72                36.1
 * Parts, in milliseconds times two threads: data 2, transfer 0.2, evaluate 20, other 1.8, the steps 144: 84 x 2 in all,
 * and 74 without evaluation. 6 thread-ms of data are hidden. The loss has no spread. Two epochs of history.
 */
void fake_timing_small(struct timing *timing);

#endif
