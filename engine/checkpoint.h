/*
 * Checkpoints: RUN/checkpoint-STEP/{model,state}.safetensors. model is what a PyTorch user expects (state_dict
 * names, OIHW, the weights that are evaluated); state is everything else (momentum, step, epoch, clocks).
 * Written into a temporary folder, fsynced, renamed, and the parent fsynced: a crash leaves the old ones.
 */
#ifndef DAVIDNET_ENGINE_CHECKPOINT_H
#define DAVIDNET_ENGINE_CHECKPOINT_H

#include "engine/run_folder.h"
#include "kernels/program.h"

struct checkpoint_clock {
    uint32_t step; /* steps done */
    double train_seconds, speedrun_seconds, wall_seconds;
    double epoch_loss_sum; /* of the epoch in progress */
    uint64_t epoch_correct, epoch_images;
    double best_acc, seconds_to_target; /* NaN: none yet */
};

/* A copy of all that a checkpoint holds, taken between two steps so that a helper thread can write it. */
struct checkpoint {
    const struct plan *plan; /* borrowed */
    float *value, *momentum; /* [plan->arena_count] each; owned */
    struct checkpoint_clock clock;
};

int checkpoint_init(struct checkpoint *checkpoint, const struct plan *plan, struct error *err);
void checkpoint_release(struct checkpoint *checkpoint);

int checkpoint_take(struct checkpoint *checkpoint, struct program *program, struct error *err); /* program -> memory */
int checkpoint_give(const struct checkpoint *checkpoint, struct program *program,
                    struct error *err); /* memory -> program */

/* keep >= 1: after success, older checkpoints beyond the newest `keep` are removed. */
int checkpoint_write(const struct checkpoint *checkpoint, const struct run_folder *folder, int keep, struct error *err);

/* The newest complete checkpoint of a run: returns 1 and fills it, 0 if there is none, -1 on error. */
int checkpoint_read_newest(struct checkpoint *checkpoint, const struct run_folder *folder, struct error *err);

/* A model file alone (train --init, eval FILE): values into the program, strict names and shapes. */
int checkpoint_read_model(const char *path, const struct plan *plan, struct program *program, struct error *err);

#endif
