/* What is not the same in a few recipes: a row for each knob that differs, and one for the networks. */
#ifndef DAVIDNET_ENGINE_RECIPE_DIFFERENCES_H
#define DAVIDNET_ENGINE_RECIPE_DIFFERENCES_H

#include "engine/knobs.h"

#define RECIPES_COMPARED_MAX 6

struct recipe_difference {
    const char *key, *unit, *section;     /* of the knob; of the networks: "network" */
    char value[RECIPES_COMPARED_MAX][64]; /* as text, cut where it is long (perhaps within a character); "" for none */
};

/* Fills out[knob_count + 1]; returns how many rows. n <= RECIPES_COMPARED_MAX; none differ where n < 2. */
int recipe_differences(const struct recipe *const *recipes, int n, struct recipe_difference *out);

/*
 * "network, width 16 to 8, cutout 0 to 4": what differs from a to b, but for seeds and how a run is looked after; of
 * networks only that they do. "": nothing. Ends in "..." where there is no room for more. Returns how many there are;
 * -1: no memory; it is "" then.
 */
int recipe_differences_text(const struct recipe *a, const struct recipe *b, char *out, size_t size);

/*
 * "quick batch=32 width=8": what the recipe changes of its preset, but for seeds, data, threads and how a run is looked
 * after: a name for all runs of its family (engine/forecast.h). Cut where there is no room for it.
 */
void recipe_family_name(const struct recipe *recipe, char *out, size_t size);

#endif
