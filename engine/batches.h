/*
 * The batches of a run, step by step, from its recipe and its images: what the engine trains on and what the front end
 * shows of it come from the same lines. Not thread-safe; each thread has one of its own.
 */
#ifndef DAVIDNET_ENGINE_BATCHES_H
#define DAVIDNET_ENGINE_BATCHES_H

#include "engine/recipe.h"

struct batches {
    const struct images *images; /* borrowed: must outlive it */
    struct choices_options options;
    uint32_t batch;                  /* images of a step; the last one of an epoch may have fewer */
    uint32_t steps_per_epoch, steps; /* at least 1; of the whole run */
    struct choice *choices;          /* [max(images->count, batch)]: the epoch's list */
    uint32_t epoch;                  /* which epoch choices holds; BATCHES_NO_EPOCH: none */
    struct stages stages;            /* their sizes over the run */
    int by_item;                     /* loader_random=item: choices holds the order, and transforms once asked for */
};

#define BATCHES_NO_EPOCH UINT32_MAX

/* All but the choices: how many steps there are. Only shape and count of the images are looked at. -1: the batch is
 * larger than all images and the last partial one is dropped, or crop or cutout do not fit them (choices_check). */
int batches_measure(struct batches *batches, const struct recipe *recipe, const struct images *images,
                    struct error *err);

/* The same, ready for batches_at; -1 also without memory. */
int batches_init(struct batches *batches, const struct recipe *recipe, const struct images *images, struct error *err);
void batches_release(struct batches *batches);

/* The batch of step `step` (from 0): draws the epoch's choices when it is the first to need them. */
void batches_at(struct batches *batches, uint32_t step, struct batch *batch);

/* The same in two parts: the second, for a copy of the batch's choices, may be done by any thread. It does nothing
 * unless by_item. */
void batches_find(struct batches *batches, uint32_t step, struct batch *batch);
void batches_draw_items(const struct batches *batches, uint32_t step, struct choice *choices, int n);

#endif
