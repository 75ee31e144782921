/* The page with runs' curves: its title, what it says of the runs, and where it goes. */
#ifndef DAVIDNET_TUI_CURVE_PAGE_H
#define DAVIDNET_TUI_CURVE_PAGE_H

#include "tui/figure_output.h"
#include "views/figure_curves.h"

struct curve_page {
    enum figure_curves_band band;
    int log_axes;
    double scale;      /* 0: the default */
    const char *title; /* NULL: one that says what is drawn */
};

/* Drawn, to be saved or encoded (views/figure.h) and freed; NULL with err. reports[n]: the runs that the set was made
 * of; none for a schedule. */
struct figure *curve_page_draw(const struct curve_page *page, enum figure_format format, const struct curve_set *set,
                               struct run_report *const *reports, int n, struct error *err);

/* The same, to a file, or to the standard output. */
int curve_page_write(const struct curve_page *page, enum figure_format format, const struct curve_set *set,
                     struct run_report *const *reports, int n, const char *path, struct error *err);

#endif
