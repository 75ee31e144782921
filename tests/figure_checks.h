/* What holds of every figure: its texts lie inside the page, and no two of them on one another. */
#ifndef DAVIDNET_TESTS_FIGURE_CHECKS_H
#define DAVIDNET_TESTS_FIGURE_CHECKS_H

#include "views/figure.h"

/* Ends the test where it does not. */
void figure_check_texts(const struct figure *figure);

#endif
