/* The last part of reading a timing breakdown: are its numbers such as a run measures? */
#ifndef DAVIDNET_ENGINE_TIMING_CHECK_H
#define DAVIDNET_ENGINE_TIMING_CHECK_H

#include "engine/timing.h"

/*
 * 0; or -1 with a message that names the file (`name`), the step or row and the key, where a time, an operation count
 * or a size is negative or infinite, there is no thread, or a step covers a row twice. Unknown (NaN) is fine.
 */
int timing_check(const struct timing *timing, const char *name, struct error *err);

#endif
