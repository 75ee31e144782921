/*
 * The engine thread: it owns a run from the first byte loaded to the last record logged. The front end never
 * touches what it works on; it reads the run log (lock-free), asks for a copy of the status, and sets flags.
 *
 * THE ENGINE NEVER WAITS FOR THE FRONT END. Status is published under a trylock and skipped when a reader holds
 * it; the wake-up is one byte on a non-blocking pipe at phase changes and epochs; checkpoints and small files are
 * written by a helper thread (the scribe) from a snapshot, skipped when the last one is still being written.
 */
#ifndef DAVIDNET_ENGINE_TRAINER_H
#define DAVIDNET_ENGINE_TRAINER_H

#include "engine/recipe.h"
#include "engine/run_folder.h"
#include "engine/run_label.h"
#include "engine/run_log.h"
#include "engine/timing.h"

struct dataset;
struct trainer;

enum trainer_phase {
    TRAINER_LOADING,   /* data set */
    TRAINER_COMPILING, /* network, program, weights */
    TRAINER_TRAINING,
    TRAINER_EVALUATING,
    TRAINER_PAUSED,
    TRAINER_SAVING,  /* the last checkpoint */
    TRAINER_DONE,    /* all epochs done */
    TRAINER_STOPPED, /* on request; resumable */
    TRAINER_FAILED,  /* status.error says why */
    TRAINER_PHASE_COUNT
};

/*
 * NOW stops before the next step, also a paused run. EPOCH stops when the epoch in progress has been trained, evaluated
 * and saved: a paused run stays paused, and goes on to the epoch's end, and ends there, when the pause is over. An
 * epoch's end that is also the run's is the run's: it is done, not stopped. NONE takes an EPOCH back.
 */
enum trainer_stop { TRAINER_STOP_NONE, TRAINER_STOP_EPOCH, TRAINER_STOP_NOW };

struct trainer_options {
    struct recipe recipe; /* ignored when resuming */
    const char *parent;   /* (optional) folder for new runs; default: run_folder_default_parent */
    const char *name;     /* (optional) the run's name */
    const char *resume;   /* (optional) RUN to go on with */
    const char *data;     /* (optional) when resuming: where its data is now; RUN/program.json says so from then on */
    const char *init;     /* (optional) a model.safetensors to start from; RUN/init keeps its path for a resume */
    const struct run_label *label; /* (optional) the new run's; read by trainer_start alone */
    double stop_after; /* > 0: stop at the first step that reaches so many epochs; the schedule stays as it is */
};

struct trainer_status {
    enum trainer_phase phase;
    char run[128]; /* the run's name; empty when it has no folder (any more) */
    char path[RUN_PATH_MAX];
    char device[128]; /* "cpu, bf16, 2 threads, amx"; empty until compiled */
    char data[512];
    int data_is_synthetic;
    uint32_t step, steps, steps_per_epoch; /* steps done */
    uint32_t evaluated, to_evaluate; /* batches of the evaluation in progress, done and in all; 0: there is none */
    double images_per_second;        /* over the last few seconds of training; NaN at first */
    double train_seconds, speedrun_seconds, wall_seconds;
    double eta_seconds;        /* to the end, evaluations included; NaN when unknown */
    double lr, loss, accuracy; /* of the last step */
    double test_acc, best_acc; /* percent; NaN: none yet */
    double seconds_to_target;  /* DAWNBench clock; NaN: not reached */
    int replay_mismatches;     /* after a resume: steps whose loss differed from the log's */
    size_t memory_bytes;       /* of the program */
    char error[1024];
};

/*
 * Checks what can be checked without reading the data (session_check, and the model to start from), makes the run
 * folder and starts the thread; NULL with err, and no folder, if that cannot be done. Everything later (damaged data,
 * no memory, a NaN) ends in TRAINER_FAILED; a new run that fails before its first step leaves no folder either, and its
 * status then has neither run nor path. options is copied.
 */
struct trainer *trainer_start(const struct trainer_options *options, struct error *err);

void trainer_pause(struct trainer *trainer, int paused);
void trainer_stop(struct trainer *trainer, enum trainer_stop how);

/* A copy of the latest status; may wait for another reader, never for the engine. */
void trainer_status(struct trainer *trainer, struct trainer_status *status);
int trainer_ended(enum trainer_phase phase);

/*
 * A copy of the latest breakdown of this sitting's steps, if it is newer than *version: 1, *timing is the caller's to
 * release, *version is its own; 0: there is none newer; -1: no memory. *version is 0 at first. The engine brings what
 * it publishes up to date a few times a second, between two steps, and skips that while a reader copies; the reader
 * may wait for that, never for a step. The last word is there once the run has ended, until trainer_free.
 */
int trainer_timing(struct trainer *trainer, uint64_t *version, struct timing *timing, struct error *err);

/*
 * The data set that it trains on (eval=holdout: as split for it), NULL until it is loaded. It never changes and lives
 * as long as the trainer, the run's end included, so that the batch of any step can be looked at without a second
 * copy of it; which step is being trained is in the status.
 */
const struct dataset *trainer_dataset(const struct trainer *trainer);

/* Lives as long as the trainer. */
const struct run_log *trainer_log(const struct trainer *trainer);
const struct recipe *trainer_recipe(const struct trainer *trainer);

/* Readable when something changed; drain it with read(2). */
int trainer_wake_fd(const struct trainer *trainer);

/* Waits for the thread to end (stop it first, or it trains to the end) and frees everything. */
void trainer_free(struct trainer *trainer);

const char *trainer_phase_name(enum trainer_phase phase); /* "loading", "training", ... */

#endif
