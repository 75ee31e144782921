/*
 * Two threads: the engine's, which calls what scribe.h declares, and the scribe's own, which writes. Between them are
 * one lock and `changed`, which whoever changes what somebody waits for signals.
 *
 *   the job   the engine's while `busy` is 0, the scribe's from scribe_submit until it sets `busy` back: that hands it
 *             over, and no lock is held for it
 *   posted    under the lock; whoever takes it out owns it: the scribe, to write it while there is no job, or the
 *             engine, when it has a newer one. It never makes the scribe busy.
 *   outcomes  failed, missed and writing_seconds: under the lock, left by the scribe for the engine to fetch
 *   quit      under the lock; set by the engine: the scribe ends once there is no job, and drops what is posted
 *
 * The engine must not wait for a disk. So the lock is never held while a file is written, and what may come at any step
 * (scribe_idle, scribe_post) only tries it. The engine waits for a job where it cannot go on without: scribe_wait,
 * scribe_finish, scribe_release.
 */
#include "engine/scribe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int write_trace(const struct scribe *scribe, struct error *err)
{
    char *text = trace_to_json(scribe->trace, scribe->recipe, scribe->folder.name, err);
    int status = text ? run_folder_replace(&scribe->folder, "trace.json", text, strlen(text), err) : -1;
    free(text);
    return status;
}

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int write_timing(const struct scribe *scribe, const struct timing *timing, struct error *err)
{
    char *text = timing_to_json(timing, err);
    int status = text ? run_folder_replace(&scribe->folder, "timing.json", text, strlen(text), err) : -1;
    free(text);
    return status;
}

/* Without them a run is as good: what goes wrong is kept to be told, and ends nothing. NULL: leave. */
static void write_diagnostics(struct scribe *scribe, const struct timing *timing, int trace)
{
    const char *file = "timing.json";
    struct error err = {""};
    double began = thread_seconds();
    int status = timing ? write_timing(scribe, timing, &err) : 0;
    if (trace && write_trace(scribe, status ? NULL : &err) && !status) {
        file = "trace.json";
        status = -1;
    }
    double took = thread_seconds() - began;
    pthread_mutex_lock(&scribe->lock);
    scribe->writing_seconds += took;
    if (status && scribe->missed == SCRIBE_FINE) {
        scribe->missed = SCRIBE_TO_TELL;
        error_set(&scribe->note, "no %s: %s", file, err.text);
    }
    pthread_mutex_unlock(&scribe->lock);
}

static void free_timing(struct timing *timing)
{
    if (timing)
        timing_release(timing);
    free(timing);
}

static void forget_job(struct scribe *scribe)
{
    if (scribe->trace)
        trace_release(scribe->trace);
    free(scribe->trace);
    free(scribe->status);
    free_timing(scribe->timing);
    scribe->status = NULL;
    scribe->timing = NULL;
    scribe->trace = NULL;
}

static void do_job(struct scribe *scribe, struct error *err)
{
    if (scribe->write_checkpoint && scribe->log_fd >= 0 && fsync(scribe->log_fd) < 0) {
        error_set(err, "the run log cannot be synced to disk: %s", strerror(errno));
        return;
    }
    if (scribe->write_checkpoint && checkpoint_write(&scribe->checkpoint, &scribe->folder, scribe->keep, err))
        return;
    write_diagnostics(scribe, scribe->timing, scribe->trace != NULL);
    if (scribe->status)
        run_folder_replace(&scribe->folder, "status", scribe->status, strlen(scribe->status), err);
}

/* With the lock held, before and after. */
static void write_posted(struct scribe *scribe)
{
    struct timing *timing = scribe->posted;
    scribe->posted = NULL;
    pthread_mutex_unlock(&scribe->lock);
    write_diagnostics(scribe, timing, 0);
    free_timing(timing);
    pthread_mutex_lock(&scribe->lock);
}

static void *scribe_main(void *argument)
{
    struct scribe *scribe = argument;
    pthread_mutex_lock(&scribe->lock);
    for (;;) {
        while (!scribe->busy && !scribe->posted && !scribe->quit)
            pthread_cond_wait(&scribe->changed, &scribe->lock);
        if (!scribe->busy && scribe->quit)
            break;
        if (!scribe->busy) {
            write_posted(scribe);
            continue;
        }
        pthread_mutex_unlock(&scribe->lock);
        struct error err = {""};
        do_job(scribe, &err);
        forget_job(scribe);
        pthread_mutex_lock(&scribe->lock);
        if (err.text[0] && !scribe->failed) {
            scribe->failed = 1;
            scribe->error = err;
        }
        scribe->busy = 0;
        pthread_cond_broadcast(&scribe->changed);
    }
    pthread_mutex_unlock(&scribe->lock);
    return NULL;
}

int scribe_init(struct scribe *scribe, const struct run_folder *folder, const struct plan *plan, int keep,
                struct error *err)
{
    memset(scribe, 0, sizeof *scribe);
    scribe->folder = *folder;
    scribe->keep = keep;
    scribe->log_fd = -1;
    if (checkpoint_init(&scribe->checkpoint, plan, err))
        return -1;
    pthread_mutex_init(&scribe->lock, NULL);
    pthread_cond_init(&scribe->changed, NULL);
    if (pthread_create(&scribe->thread, NULL, scribe_main, scribe) != 0) {
        checkpoint_release(&scribe->checkpoint);
        return error_set(err, "cannot start the thread that writes checkpoints");
    }
    scribe->started = 1;
    return 0;
}

int scribe_idle(struct scribe *scribe)
{
    if (pthread_mutex_trylock(&scribe->lock) != 0)
        return 0;
    int idle = !scribe->busy;
    pthread_mutex_unlock(&scribe->lock);
    return idle;
}

void scribe_submit(struct scribe *scribe)
{
    pthread_mutex_lock(&scribe->lock);
    if (scribe->timing) { /* which is newer */
        free_timing(scribe->posted);
        scribe->posted = NULL;
    }
    scribe->busy = 1;
    pthread_cond_broadcast(&scribe->changed);
    pthread_mutex_unlock(&scribe->lock);
}

void scribe_post(struct scribe *scribe, struct timing *timing)
{
    struct timing *dropped = timing;
    if (pthread_mutex_trylock(&scribe->lock) == 0) {
        if (!scribe->busy) {
            dropped = scribe->posted;
            scribe->posted = timing;
            pthread_cond_broadcast(&scribe->changed);
        }
        pthread_mutex_unlock(&scribe->lock);
    }
    free_timing(dropped);
}

double scribe_writing_seconds(struct scribe *scribe)
{
    if (!scribe->started)
        return 0;
    pthread_mutex_lock(&scribe->lock); /* held for moments only */
    double seconds = scribe->writing_seconds;
    pthread_mutex_unlock(&scribe->lock);
    return seconds;
}

void scribe_wait(struct scribe *scribe)
{
    if (!scribe->started)
        return;
    pthread_mutex_lock(&scribe->lock);
    while (scribe->busy)
        pthread_cond_wait(&scribe->changed, &scribe->lock);
    pthread_mutex_unlock(&scribe->lock);
}

int scribe_finish(struct scribe *scribe, struct error *err)
{
    scribe_check(scribe, NULL);
    scribe_submit(scribe);
    scribe_wait(scribe);
    return scribe_check(scribe, err);
}

int scribe_check(struct scribe *scribe, struct error *err)
{
    pthread_mutex_lock(&scribe->lock); /* the scribe holds it for moments only, and never while it writes */
    int failed = scribe->failed;
    if (failed) {
        if (err)
            *err = scribe->error;
        scribe->failed = 0;
    }
    pthread_mutex_unlock(&scribe->lock);
    return failed ? -1 : 0;
}

int scribe_missed(struct scribe *scribe, struct error *note)
{
    pthread_mutex_lock(&scribe->lock);
    int tell = scribe->missed == SCRIBE_TO_TELL;
    if (tell) {
        *note = scribe->note;
        scribe->missed = SCRIBE_TOLD;
    }
    pthread_mutex_unlock(&scribe->lock);
    return tell;
}

void scribe_release(struct scribe *scribe)
{
    if (!scribe->started)
        return;
    pthread_mutex_lock(&scribe->lock);
    scribe->quit = 1;
    pthread_cond_broadcast(&scribe->changed);
    pthread_mutex_unlock(&scribe->lock);
    pthread_join(scribe->thread, NULL);
    free_timing(scribe->posted);
    scribe->posted = NULL;
    pthread_cond_destroy(&scribe->changed);
    pthread_mutex_destroy(&scribe->lock);
    checkpoint_release(&scribe->checkpoint);
    scribe->started = 0;
}
