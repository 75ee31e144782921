/* What the study `ablate` found, as a figure (views/figure_ablate.h) on a page that says what was measured on what. */
#ifndef DAVIDNET_TUI_LAB_ABLATE_FIGURE_H
#define DAVIDNET_TUI_LAB_ABLATE_FIGURE_H

#include "tui/lab_ablate_report.h"
#include "views/figure.h"

/* path NULL: the standard output. */
int lab_ablate_draw(const struct lab_ablate_report *report, enum figure_format format, const char *path,
                    struct error *err);

#endif
