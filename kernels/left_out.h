/*
 * What the headless build (make HEADLESS=1) does without. There, NAME_headless.c stands in for NAME.c wherever that
 * needs a library that bare GPU hosts have not; what cannot be done without the library says so in one sentence.
 */
#ifndef DAVIDNET_KERNELS_LEFT_OUT_H
#define DAVIDNET_KERNELS_LEFT_OUT_H

#include "kernels/error.h"

/* what: "pictures need"; instead: what to do, NULL: to take a davidnet that has all. Always -1. */
int left_out(struct error *err, const char *what, const char *library, const char *instead);

#endif
