/*
 * The scribe: a helper thread that writes a run's checkpoints and small files from copies, so that the engine never
 * waits for a disk. One job at a time; the engine fills the job only while the scribe is idle, and otherwise skips.
 *
 * Beside jobs there is a post box for one timing breakdown, which is written between jobs: it makes the scribe not
 * busy, so that no checkpoint is skipped for it, and nobody waits for it. A job's breakdown is newer than what is in
 * the box, which is then dropped.
 */
#ifndef DAVIDNET_ENGINE_SCRIBE_H
#define DAVIDNET_ENGINE_SCRIBE_H

#include "engine/checkpoint.h"
#include "engine/trace.h"

#include <pthread.h>

struct scribe {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int busy, quit, started; /* under lock */
    int failed;              /* under lock; error says why */
    struct error error;
    enum { SCRIBE_FINE, SCRIBE_TO_TELL, SCRIBE_TOLD } missed; /* under lock: of timing.json and trace.json, note says */
    struct error note;
    struct timing *posted;  /* under lock: malloc'ed, the scribe's; NULL: none */
    double writing_seconds; /* under lock: CPU time of its thread that timing.json and trace.json took so far */
    struct run_folder folder;
    int keep;
    int log_fd; /* RUN/log, borrowed, synced before a checkpoint: no crash leaves one that the log does not reach; or -1
                 */
    /* The job. Owned by the engine while idle, by the scribe while busy. */
    int write_checkpoint;
    struct checkpoint checkpoint;
    char *status;                /* new text of RUN/status, malloc'ed; NULL: leave */
    struct timing *timing;       /* of RUN/timing.json, malloc'ed; NULL: leave */
    struct trace *trace;         /* what RUN/trace.json is to tell, malloc'ed; NULL: leave */
    const struct recipe *recipe; /* of the run, borrowed: the trace names it */
};

int scribe_init(struct scribe *scribe, const struct run_folder *folder, const struct plan *plan, int keep,
                struct error *err);

/* 1 if idle: the caller may fill the job, then call scribe_submit. Never waits. */
int scribe_idle(struct scribe *scribe);
void scribe_submit(struct scribe *scribe);

/* Gives a breakdown (malloc'ed, whatever happens no longer the caller's) to be written to RUN/timing.json: in place of
 * one that waits for that. Never waits: it is dropped where the scribe holds the lock, or has a job to do. */
void scribe_post(struct scribe *scribe, struct timing *timing);

/* What timing.json and trace.json have cost so far: seconds of CPU time of the scribe's thread. */
double scribe_writing_seconds(struct scribe *scribe);

/* Waits until the job is done. Safe on a zeroed struct, as is scribe_release. */
void scribe_wait(struct scribe *scribe);

/* In place of scribe_submit: waits, and says how this very job went. What earlier ones left to be told is dropped:
 * their files are older than those of this one. */
int scribe_finish(struct scribe *scribe, struct error *err);

/* -1 with the first failure (disk full ...) since the last call, else 0. */
int scribe_check(struct scribe *scribe, struct error *err);

/* 1 with what timing.json or trace.json could not be written for, once and for all: they only tell of a run, which goes
 * on without. Else 0. */
int scribe_missed(struct scribe *scribe, struct error *note);

/* Finishes the job, ends the thread, frees. */
void scribe_release(struct scribe *scribe);

#endif
