/*
 * The one executor: runs a program's steps in order and times each one. It knows no family. What ran while the process
 * was stopped and continued (engine/stopwatch.h) is left out of the times, and not counted.
 */
#ifndef DAVIDNET_ENGINE_EXECUTOR_H
#define DAVIDNET_ENGINE_EXECUTOR_H

#include "kernels/program.h"

struct executor {
    struct program *program;
    uint64_t *train_ns, *eval_ns;     /* [n_train], [n_eval]: total nanoseconds since the last reset */
    uint64_t *train_least;            /* [n_train]: the least that each took since then; NULL: nobody wants to know */
    double *train_squares;            /* [n_train]: sum of squares of deviations from the mean, ns^2 */
    uint64_t train_steps, eval_steps; /* how many times each list ran and was timed */
    uint64_t train_images;            /* that went through those training steps */
    uint64_t keep_ns;                 /* what keeping those training steps' times took, in all */
    uint64_t run_ns, runs;            /* of all training steps on the host, timed step by step or not; a device: 0 */
    uint64_t *lap_ns;                 /* [the longer list]: of the one that runs */
    uint64_t begun_ns;                /* when the list that ran last began, of CLOCK_MONOTONIC; 0: a device's own */
    int pending;                      /* training steps that were submitted and not collected */
    uint64_t time_every;     /* no more than one step in so many is timed: timing costs, on a device above all */
    uint64_t since_timed;    /* the next step is that many-th since the last timed one */
    struct step_result done; /* of the step that a family without a device of its own has done at once */
    /* (optional, borrowed) [n_train]: steps that are left out, to learn what they cost; their tensors then hold what
     * was there before. Not for a family with a device of its own, whose list is recorded as it is. */
    const bool *skip;
};

int executor_init(struct executor *executor, struct program *program, struct error *err);
void executor_release(struct executor *executor);
/* The next training step is timed; on a device, the next that no other waits for. */
void executor_reset_times(struct executor *executor);
/* So it is, and what was timed stays: for a step that is wanted for a trace. */
void executor_time_next(struct executor *executor);

/*
 * A training step in two halves, so that a device of its own (struct family, ahead) always has some steps to go on
 * with. At most executor_ahead may be pending. collect waits for the oldest. -1: a bad batch, or a device that failed.
 * A non-finite value is in result->bad_row. Tensors are those of the last step submitted.
 */
int executor_ahead(const struct executor *);
int executor_submit(struct executor *, const struct batch *, const struct hyper *, struct error *);
int executor_collect(struct executor *, struct step_result *, struct error *);

/* Both, with nothing pending before or after. */
int executor_train(struct executor *, const struct batch *, const struct hyper *, struct step_result *, struct error *);

/* Forward only with running statistics; adds to *sum. */
int executor_evaluate(struct executor *, const struct batch *, struct step_result *sum, struct error *);

#endif
