/*
 * The thread writes dataset and error, then sets `done`; the front end reads them only after it has seen that. Nothing
 * can stop a load half-way, and no thread may be left behind: one that still reads and digests while the process ends
 * would use libraries that have shut down. Signals stay with the front end's thread (engine/thread.h).
 */
#include "tui/data_job.h"

#include "engine/frozen.h"
#include "engine/thread.h"
#include "kernels/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct data_job {
    pthread_t thread;
    atomic_int done;
    struct run_folder folder;
    enum recipe_eval eval;
    struct dataset dataset;
    int failed;
    struct error err;
};

static int load(struct data_job *job)
{
    char source[sizeof job->dataset.source], sha256[sizeof job->dataset.sha256];
    struct dataset *dataset = &job->dataset;
    struct error *err = &job->err;
    if (frozen_data(&job->folder, source, sha256, err))
        return -1;
    if (!source[0])
        return error_set(err, "%s/program.json does not say what the run was trained on", job->folder.path);
    if (dataset_open(dataset, source, err))
        return -1;
    int status = 0;
    if (sha256[0] && strcmp(sha256, dataset->sha256) != 0)
        status = error_set(err,
                           "%s holds other images than those that the run was trained on, so its batches cannot be "
                           "shown",
                           source);
    else if (job->eval == RECIPE_EVAL_HOLDOUT)
        status = dataset_hold_out(dataset, err);
    if (status)
        dataset_release(dataset);
    return status;
}

static void *data_main(void *context)
{
    struct data_job *job = context;
    parallel_serial(); /* the engine may be training */
    job->failed = load(job) != 0;
    atomic_store(&job->done, 1);
    return NULL;
}

struct data_job *data_job_start(const char *folder, enum recipe_eval eval, struct error *err)
{
    struct data_job *job = calloc(1, sizeof *job);
    if (!job) {
        error_set(err, "out of memory");
        return NULL;
    }
    snprintf(job->folder.path, sizeof job->folder.path, "%s", folder);
    job->eval = eval;
    if (thread_start(&job->thread, "data", data_main, job, err)) {
        free(job);
        return NULL;
    }
    return job;
}

enum data_job_state data_job_state(const struct data_job *job, struct error *err)
{
    if (!atomic_load(&job->done))
        return DATA_JOB_LOADING;
    if (!job->failed)
        return DATA_JOB_OK;
    *err = job->err;
    return DATA_JOB_FAILED;
}

const struct dataset *data_job_dataset(const struct data_job *job)
{
    return &job->dataset;
}

void data_job_free(struct data_job *job)
{
    if (!job)
        return;
    pthread_join(job->thread, NULL);
    dataset_release(&job->dataset);
    free(job);
}
