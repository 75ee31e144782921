/*
 * Checkpoints: RUN/checkpoint-STEP/{model,state}.safetensors. model is what a PyTorch user expects (state_dict
 * names, OIHW, the weights that are evaluated, and num_batches_tracked = the step); state is everything else
 * (momentum.NAME, clock.FIELD; with an average of the weights, which is what model then holds, the weights themselves
 * as master.NAME; with lookahead slow.NAME), exact to the bit. Both say their step and a crc32 of their tensors in the
 * metadata, so that damage is seen. Written into the temporary folder checkpoint-STEP.tmp, fsynced, renamed, and the
 * parent fsynced: a crash at any point leaves the old ones, and what it left half-written is ignored and goes with the
 * next write.
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
    float *ema, *slow;       /* likewise; NULL: the run has none (engine/averages.h) */
    struct checkpoint_clock clock;
};

int checkpoint_init(struct checkpoint *checkpoint, const struct plan *plan, struct error *err);
void checkpoint_release(struct checkpoint *checkpoint);

/* Room for averages, in a run that keeps them: written and read from now on. */
int checkpoint_add_averages(struct checkpoint *checkpoint, int ema, int slow, struct error *err);

/* Engine thread only. Gradients and activations are not part of it. */
int checkpoint_take(struct checkpoint *checkpoint, struct program *program, struct error *err); /* program -> memory */
int checkpoint_give(const struct checkpoint *checkpoint, struct program *program,
                    struct error *err); /* memory -> program */

/*
 * Any thread, one at a time per run. keep >= 1: after success, older checkpoints beyond the newest `keep` are removed,
 * and those of later steps, which belong to a course of training that the run went back behind.
 */
int checkpoint_write(const struct checkpoint *checkpoint, const struct run_folder *folder, int keep, struct error *err);

/*
 * The newest complete checkpoint of a run: returns 1 and fills it, 0 if there is none, -1 on error, which is also when
 * there are some and none can be taken: err advises to remove them where all are damaged, and only there. When a newer
 * one was damaged and passed over, it returns 1 and err says so (otherwise err->text is empty then).
 */
int checkpoint_read_newest(struct checkpoint *checkpoint, const struct run_folder *folder, struct error *err);

/* The steps of the checkpoints that are there, newest first, at most max of them; returns how many. Not validated. */
int checkpoint_list(const struct run_folder *folder, uint32_t *steps, int max);

/* Path of the newest checkpoint's model.safetensors that can be read, for eval and export; -1 if there is none. err,
 * when newer ones were passed over: as above. */
int checkpoint_newest_model(const struct run_folder *folder, char *path, size_t size, struct error *err);

/* 0 if a model file can be read and has just the tensors of that plan. */
int checkpoint_check_model(const char *path, const struct plan *plan, struct error *err);

/*
 * A model file alone (train --init, eval FILE): values into the program, strict names and shapes. num_batches_tracked,
 * which PyTorch keeps for every batch norm, may be there. The program is not touched on error.
 */
int checkpoint_read_model(const char *path, const struct plan *plan, struct program *program, struct error *err);

#endif
