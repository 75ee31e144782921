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

#endif
