/*
 * What the Ladder screen shows: the rungs, which of them is selected, and which way up they are. Whether a rung can be
 * run now is the screen's to say.
 */
#ifndef DAVIDNET_VIEWS_LADDER_MODEL_H
#define DAVIDNET_VIEWS_LADDER_MODEL_H

#include "engine/ladder.h"

struct ladder_model {
    struct ladder ladder; /* ours; whoever has the model fills it, with ladder_init */
    int selected;
    int reading;       /* folders are still being read */
    char training[64]; /* the preset that is being trained from here; empty: none */
    char problem[256]; /* why there is no ladder */
};

void ladder_model_init(struct ladder_model *model);
void ladder_model_release(struct ladder_model *model);

/* The rungs, measured anew by these runs. -1: no memory. */
int ladder_model_take(struct ladder_model *model, struct run_entry *const *entries, int count);

const struct ladder_rung *ladder_model_here(const struct ladder_model *model); /* NULL: there are none */
void ladder_model_select(struct ladder_model *model, int rung);                /* clamped */
int ladder_model_measured(const struct ladder_model *model);                   /* how many are */

#endif
