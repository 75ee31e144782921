/* `davidnet timing RUN` as a figure: views/figure_timing.h on a page that says what run it is. */
#ifndef DAVIDNET_TUI_TIMING_PAGE_H
#define DAVIDNET_TUI_TIMING_PAGE_H

#include "engine/recipe.h"
#include "engine/timing.h"
#include "views/figure.h"

/* Drawn, to be saved or encoded (views/figure.h) and freed; run: its name. NULL with err. */
struct figure *timing_page_draw(const char *run, const struct recipe *recipe, const struct timing *timing,
                                enum figure_format format, struct error *err);

/* path NULL: the standard output, which must then not be a terminal (but for SVG). Says what went wrong; an exit code.
 */
int timing_page_write(const char *run, enum figure_format format, const char *path);

#endif
