/* The Layers screen's model of the breakdown of tests/fake_timing.h; each fails the test where it cannot. */
#ifndef DAVIDNET_TESTS_FAKE_LAYERS_H
#define DAVIDNET_TESTS_FAKE_LAYERS_H

#include "views/layers_model.h"

/* page: lines for rows, so how much is open. 97 steps an epoch. Release it with layers_model_release. */
void fake_layers(struct layers_model *model, int page);

int fake_layers_find(const struct layers_model *model, const char *path); /* the node */
void fake_layers_select(struct layers_model *model, const char *path);    /* it must be shown */

/*
 * Beside another run: its convolutions a third slower forward, its norms a quarter faster, the rest alike. update_all:
 * it updates all weights in one step.
 */
void fake_layers_compare(struct layers_model *model, int update_all);

#endif
