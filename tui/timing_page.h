/* `davidnet timing RUN` as a figure: views/figure_timing.h on a page that says what run it is. */
#ifndef DAVIDNET_TUI_TIMING_PAGE_H
#define DAVIDNET_TUI_TIMING_PAGE_H

#include "views/figure.h"

/* path NULL: the standard output, which must then not be a terminal (but for SVG). Says what went wrong; an exit code.
 */
int timing_page_write(const char *run, enum figure_format format, const char *path);

#endif
