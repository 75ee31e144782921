/*
 * What the Samples screen shows, as plain data: a batch of the run as it is trained on, made from the recipe's seeds
 * and the data set by the same lines as the engine's (engine/batches, kernels/augment). Only which step is trained
 * comes from the run.
 */
#ifndef DAVIDNET_VIEWS_SAMPLES_MODEL_H
#define DAVIDNET_VIEWS_SAMPLES_MODEL_H

#include "engine/batches.h"
#include "engine/dataset.h"

enum samples_state {
    SAMPLES_NO_RUN,
    SAMPLES_LOADING, /* the data set */
    SAMPLES_BAD,     /* it cannot be had, or is not the run's: model->problem */
    SAMPLES_READY
};

struct samples_model {
    enum samples_state state;
    char problem[1024];

    /* Only if READY. */
    const struct dataset *dataset; /* borrowed */
    struct batches batches;
    struct batch batch; /* of `step` */
    uint32_t step;      /* that is shown, from 0 */
    uint8_t *pixels;    /* [batch.n], each with room for [channels][height][width]: as trained on, in bytes */
    uint32_t training;  /* the step that is trained, or was last */
    int live;           /* the training goes on */
    int cursor;         /* a place in the batch */
    char preset[64];    /* of the recipe */
    int64_t seed;

    /* How the user wants to see it. */
    int frozen;  /* 1: the batch stays; 0: it follows the training */
    int next_in; /* seconds until the next batch is taken, when it follows and the training is ahead; 0: none is */
    int zoom;    /* of the tiles: 0 as fits, or a place in samples_sizes + 1 */
};

#define SAMPLES_SIZES 4
extern const int samples_sizes[SAMPLES_SIZES]; /* pixels a side that a tile of a square image has on the screen */

void samples_model_release(struct samples_model *model); /* all zero is an empty model */

/* Forgets the run, not how the user wants to see one. */
void samples_model_clear(struct samples_model *model);

/*
 * The recipe's batches of that data set (eval=holdout: already split), which must outlive the model or its clearing.
 * -1 with err: no memory, or images of a kind that cannot be shown.
 */
int samples_model_open(struct samples_model *model, const struct recipe *recipe, const struct dataset *dataset,
                       struct error *err);

/* Another step's batch; beyond the run's end: its last. The cursor stays. */
void samples_model_show(struct samples_model *model, uint32_t step);

/* By so many tiles; stays in the batch. */
void samples_model_move(struct samples_model *model, int by);

/* Images of the batch at `place`: as it is stored, and as it is trained on; [channels][height][width], which for the
 * latter are batch_height and batch_width. */
const uint8_t *samples_original(const struct samples_model *model, int place);
const uint8_t *samples_trained(const struct samples_model *model, int place);

#endif
