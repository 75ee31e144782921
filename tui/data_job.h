/*
 * The data set of a run's folder, loaded by a thread of its own while the front end goes on: from the source that
 * RUN/program.json names, checked against the digest there, split for eval=holdout. Runs of this process need none:
 * their trainer has it.
 */
#ifndef DAVIDNET_TUI_DATA_JOB_H
#define DAVIDNET_TUI_DATA_JOB_H

#include "engine/dataset.h"
#include "engine/recipe.h"

struct data_job;

enum data_job_state { DATA_JOB_LOADING, DATA_JOB_OK, DATA_JOB_FAILED };

/* folder: the run's path. NULL with err if there is no thread for it. */
struct data_job *data_job_start(const char *folder, enum recipe_eval eval, struct error *err);

/* err: why, if it FAILED. */
enum data_job_state data_job_state(const struct data_job *job, struct error *err);

/* Only if OK; lives until data_job_free. */
const struct dataset *data_job_dataset(const struct data_job *job);

/* Waits for a thread that is still loading, as long as that takes. NULL is nothing. */
void data_job_free(struct data_job *job);

#endif
