/*
 * Where a training step's batch comes from: from the step itself, which augments as it goes (loader=main), or from
 * worker threads that prepare batches ahead into a ring (loader=workers, kept for the whole run, or workers_anew,
 * started at each epoch's beginning). Whatever the loader, its number of workers, preprocess and loader_random: the
 * same batches, to the last bit, from the recipe's seeds; what differs is who does the work, and when.
 *
 *   preprocess     once   a byte's normalised value is looked up in a table made once
 *                  epoch  all training images are normalised anew at each epoch's beginning, into a copy of them as
 *                         float32 that batches are gathered from
 *   loader_random  bulk   an epoch's choices are drawn at its beginning
 *                  item   only its order is; what is done to an image is drawn when the image's batch is prepared
 */
#ifndef DAVIDNET_ENGINE_LOADER_H
#define DAVIDNET_ENGINE_LOADER_H

#include "engine/batches.h"
#include "kernels/augment.h"

#include <pthread.h>

#define LOADER_WORKERS_MAX 64
#define LOADER_AHEAD 2 /* batches in the ring for each worker */

struct loader_slot {
    enum { LOADER_FREE, LOADER_FILLING, LOADER_READY, LOADER_IN_USE } state;
    uint32_t step;
    struct batch batch; /* into the two below */
    int worker;         /* that made it, from 0, and from when to when, ns of CLOCK_MONOTONIC */
    uint64_t begin, end;
    struct choice *choices; /* [batch] */
    float *values;          /* [batch][channels][height][width] */
};

struct loader {
    struct batches *inline_batches; /* borrowed: what loader=main takes its batches from */
    const struct images *images;    /* borrowed */
    enum recipe_loader kind;
    int fresh;         /* 1: preprocess=epoch */
    float *normalised; /* fresh: the copy; of normalised_epoch */
    uint32_t normalised_epoch;
    struct augment_table table;

    /* Workers; see loader.c. */
    pthread_mutex_t claim, ring;
    pthread_cond_t changed;
    pthread_t workers[LOADER_WORKERS_MAX];
    int n_workers, n_running, n_slots;
    struct loader_slot *slots;
    struct batches batches;
    uint32_t next, end, expected;
    int preparing, quit, met; /* met: workers that have begun */
    uint64_t worked_ns;       /* that all workers took to make batches, under ring */
};

/* recipe, images and inline_batches (made from both) must outlive it. -1: no memory; then there is nothing to release.
 */
int loader_init(struct loader *loader, const struct recipe *recipe, struct batches *inline_batches, struct error *err);
void loader_release(struct loader *loader); /* also of one that is all zero; waits for its workers */

/*
 * The batch of that step (from 0), valid until the next call. Steps in a row are what workers prepare ahead; any other
 * makes them begin anew there. -1: a worker cannot be started. One thread calls it.
 */
int loader_batch(struct loader *loader, uint32_t step, struct batch *batch, struct error *err);

/* The slot of the batch that loader_batch gave last, for that step, until its next call: which worker made it, and
 * when. NULL: none did, it is made in the step. */
const struct loader_slot *loader_prepared(const struct loader *loader, uint32_t step);

/* What its workers took to make batches so far, all of them together; 0 without workers. */
uint64_t loader_worked_ns(struct loader *loader);

#endif
