/*
 * The figure of selective removal (engine/ablate_summary.h), in microseconds per image, so that batch sizes can be
 * compared. (a) For each preset and batch size two stacked bars in the same segments: what each part costs by removal,
 * with a mark at the FLOP bound, and what the timers of the full step say. A cost below 0 in every round stands to the
 * left of 0; one that is noise, or of one round alone, is not drawn, and the bar says so. (b) Why they differ, as a
 * table: the parts for which they do by more than a fiftieth of the step, and those below 0, with whether that is
 * noise. What is not measured is left out, and said.
 */
#ifndef DAVIDNET_VIEWS_FIGURE_ABLATE_H
#define DAVIDNET_VIEWS_FIGURE_ABLATE_H

#include "engine/ablate_summary.h"
#include "views/figure.h"

#define FIGURE_ABLATE_WIDTH 600.0
#define FIGURE_ABLATE_LEAST 490.0 /* less has no room for the table */

/* The height that suits it. */
double figure_ablate_height(const struct ablate_summary *list, int count);
void figure_ablate_draw(struct figure *figure, const struct ablate_summary *list, int count, struct figure_box box);

#endif
