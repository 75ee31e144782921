/* A timing breakdown as a table of text: what `davidnet timing RUN` prints. */
#ifndef DAVIDNET_TUI_TIMING_REPORT_H
#define DAVIDNET_TUI_TIMING_REPORT_H

#include "engine/timing_export.h"

#include <stdio.h>

/*
 * One line per row of the plan, the parts of the run's time, and what bounds a step. width: columns of a terminal,
 * which no line is longer than: at 100 and 120 there are more columns of numbers; 0: all of them, and nothing is cut.
 */
void timing_report_table(const struct timing *timing, const struct timing_origin *origin, int width, FILE *out);

#endif
