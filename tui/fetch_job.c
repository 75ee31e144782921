/*
 * The thread runs fetch_run; its progress callback writes `line` under the lock, the front end copies it from there.
 * `cancel` is polled by the fetch. Signals stay with the front end's thread (engine/thread.h).
 */
#include "tui/fetch_job.h"

#include "engine/thread.h"
#include "tui/fetch_line.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fetch_job {
    pthread_t thread;
    pthread_mutex_t lock;
    enum fetch_job_state state; /* under lock, as are the two lines below */
    char line[1200];
    struct fetch_result result;
    struct fetch_source source;
    atomic_int cancel;
    char to[512];
};

static void on_progress(void *context, const struct fetch_progress *progress)
{
    struct fetch_job *job = context;
    pthread_mutex_lock(&job->lock);
    fetch_line(progress, -1, 0, job->line, sizeof job->line);
    job->line[strcspn(job->line, "\n")] = '\0';
    pthread_mutex_unlock(&job->lock);
}

static void *fetch_main(void *context)
{
    struct fetch_job *job = context;
    struct fetch_options options = {
        .source = job->source, .to = job->to, .cancel = &job->cancel, .progress = on_progress, .context = job};
    struct error err = {""};
    struct fetch_result result;
    memset(&result, 0, sizeof result);
    int status = fetch_run(&options, &result, &err);
    pthread_mutex_lock(&job->lock);
    job->result = result;
    job->state = status == FETCH_OK ? FETCH_JOB_OK : status == FETCH_CANCELLED ? FETCH_JOB_CANCELLED : FETCH_JOB_FAILED;
    if (status == FETCH_OK)
        snprintf(job->line, sizeof job->line, "CIFAR-10 is in %s", result.folder);
    else if (status == FETCH_CANCELLED)
        snprintf(job->line, sizeof job->line, "the fetch was cancelled; it will go on from there");
    else
        snprintf(job->line, sizeof job->line, "%s", err.text);
    pthread_mutex_unlock(&job->lock);
    return NULL;
}

struct fetch_job *fetch_job_start(const struct fetch_source *source, const char *to, struct error *err)
{
    struct fetch_job *job = calloc(1, sizeof *job);
    if (!job) {
        error_set(err, "out of memory");
        return NULL;
    }
    job->source = *source;
    snprintf(job->to, sizeof job->to, "%s", to);
    snprintf(job->line, sizeof job->line, "connecting");
    pthread_mutex_init(&job->lock, NULL);
    if (thread_start(&job->thread, "fetch", fetch_main, job, err)) {
        pthread_mutex_destroy(&job->lock);
        free(job);
        return NULL;
    }
    return job;
}

enum fetch_job_state fetch_job_state(struct fetch_job *job, char *line, size_t size)
{
    pthread_mutex_lock(&job->lock);
    enum fetch_job_state state = job->state;
    snprintf(line, size, "%s", job->line);
    pthread_mutex_unlock(&job->lock);
    return state;
}

const char *fetch_job_folder(const struct fetch_job *job)
{
    return job->result.folder;
}

void fetch_job_cancel(struct fetch_job *job)
{
    atomic_store(&job->cancel, 1);
}

void fetch_job_free(struct fetch_job *job)
{
    if (!job)
        return;
    fetch_job_cancel(job);
    pthread_join(job->thread, NULL);
    pthread_mutex_destroy(&job->lock);
    free(job);
}
