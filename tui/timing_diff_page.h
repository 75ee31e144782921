/* `davidnet timing diff` as a figure: views/figure_timing_diff.h on a page that says what is compared. */
#ifndef DAVIDNET_TUI_TIMING_DIFF_PAGE_H
#define DAVIDNET_TUI_TIMING_DIFF_PAGE_H

#include "tui/timing_diff_report.h"
#include "views/figure.h"

/* Drawn, to be saved or encoded (views/figure.h) and freed. NULL with err. */
struct figure *timing_diff_page_draw(const struct timing_diff_report *report, enum figure_format format,
                                     struct error *err);

/* path NULL: the standard output, which must then not be a terminal (but for SVG). */
int timing_diff_page_write(const struct timing_diff_report *report, enum figure_format format, const char *path,
                           struct error *err);

#endif
