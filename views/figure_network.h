/*
 * A network as a diagram: a box for each row of its plan, from the images down, inside the blocks that its name says;
 * arrows for what goes where, beside the boxes where it is not the next; to the right the output's shape, trained
 * parameters, and arithmetic for one image as a bar.
 */
#ifndef DAVIDNET_VIEWS_FIGURE_NETWORK_H
#define DAVIDNET_VIEWS_FIGURE_NETWORK_H

#include "kernels/plan.h"
#include "views/figure.h"

/* What a row does, in a few characters ("conv 3x3 /2"), and the parameters that it trains. */
struct figure_network_row {
    char what[80];
    size_t parameters;
};

struct figure_network {
    const struct plan *plan;
    const struct figure_network_row *rows; /* [plan->n_rows] */
};

/* The height that it looks well in. In a lower box rows are left out at the end, and that is said. */
double figure_network_height(const struct figure_network *network);
void figure_network_draw(struct figure *figure, const struct figure_network *network, struct figure_box box);

#endif
