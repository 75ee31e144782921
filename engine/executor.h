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
    uint64_t train_steps, eval_steps; /* how many times each list ran and was timed */
    uint64_t *lap_ns;                 /* [the longer list]: of the one that runs */
};

int executor_init(struct executor *executor, struct program *program, struct error *err);
void executor_release(struct executor *executor);
void executor_reset_times(struct executor *executor);

/* One training step. -1 only for a bad batch; a non-finite value is in result->bad_row. */
int executor_train(struct executor *, const struct batch *, const struct hyper *, struct step_result *, struct error *);

/* Forward only with running statistics; adds to *sum. */
int executor_evaluate(struct executor *, const struct batch *, struct step_result *sum, struct error *);

#endif
