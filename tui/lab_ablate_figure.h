/* What the study `ablate` found, as a figure: a stacked bar for each preset and batch size. */
#ifndef DAVIDNET_TUI_LAB_ABLATE_FIGURE_H
#define DAVIDNET_TUI_LAB_ABLATE_FIGURE_H

#include "tui/lab_ablate_report.h"
#include "views/figure.h"

/*
 * Microseconds per image, so that batch sizes can be compared: the segments are what each part costs by difference, and
 * make up the full step; a mark stands at the FLOP bound. What is below 0 stands to the left of it.
 * path NULL: the standard output.
 */
int lab_ablate_draw(const struct lab_ablate_report *report, enum figure_format format, const char *path,
                    struct error *err);

#endif
