/* What engine/trainer*.c share; nobody else includes it. */
#ifndef DAVIDNET_ENGINE_TRAINER_INTERNAL_H
#define DAVIDNET_ENGINE_TRAINER_INTERNAL_H

#include "engine/averages.h"
#include "engine/contention.h"
#include "engine/scribe.h"
#include "engine/session.h"
#include "engine/timekeeper.h"
#include "engine/trace.h"
#include "engine/trainer.h"

#include <pthread.h>
#include <stdatomic.h>

struct trainer {
    struct trainer_options options;
    char init[RUN_PATH_MAX];                      /* the model to begin with, absolute; empty: the seed's weights */
    char moved[sizeof((struct recipe *)0)->data]; /* where a resumed run's data is now; empty: where it was */
    struct run_folder folder;
    int lock_fd;
    int resuming;
    struct run_log log;
    pthread_t thread;
    int wake[2]; /* read end, write end; both non-blocking */

    /* Requests, set by anyone, read by the engine at each step. */
    atomic_int paused, stop;
    pthread_mutex_t pause_lock;
    pthread_cond_t pause_changed;

    pthread_mutex_t status_lock;
    struct trainer_status status; /* published copy, under status_lock */

    pthread_mutex_t timing_lock;
    struct timing timing;    /* published copy, under timing_lock; no rows: none yet */
    uint64_t timing_version; /* under timing_lock; counts the times that it was published */

    atomic_int data_loaded; /* session.dataset is there, for good: nobody writes to it any more */

    /* The engine thread's own. */
    struct session session;
    struct scribe scribe;
    struct averages averages;
    struct trace trace;
    struct checkpoint_clock clock;
    struct trainer_status now;
    struct contention contention; /* at the epoch's start */
    double start_seconds;         /* of the boot clock, when the thread began */
    double wall_before;           /* wall seconds of earlier sittings */
    double wall_ended;            /* the wall clock when the end was logged: it stands still from there; 0: not yet */
    double last_checkpoint;       /* monotonic */
    double last_trace;            /* likewise: when one was given to the scribe; 0: not yet */
    double rate_seconds, rate_images; /* decaying sums for images/s */
    struct timekeeper keeper;
    struct timing earlier;   /* of the sittings before, as RUN/timing.json had it; no rows: none */
    double publish_due;      /* when the timing is to be published again, monotonic */
    double timing_due;       /* when it is to be written again, monotonic; 0: it never was */
    double written_seconds;  /* the scribe's CPU time for that, as far as it is in the keeper's account */
    double evaluate_seconds; /* the last evaluation took this long; NaN: none yet */
    int prepared;            /* the run has begun, or goes on: log and status are this sitting's */
    int warm;                /* the first step is done */
    int diverged;            /* a step gave what is not a finite number */
    int epoch_due;           /* resumed at an epoch's end that was not evaluated */
    double *logged_loss;     /* losses of steps that the log has beyond the checkpoint; [steps+1], NaN: none */
};

double trainer_clock(void);      /* monotonic seconds: what work takes */
double trainer_boot_clock(void); /* the same, and those for which the machine was suspended: the wall clock */

void *trainer_main(void *argument); /* a trainer; trainer.c: the engine thread */

/* trainer_report.c: publishing and writing */
void trainer_publish(struct trainer *trainer, enum trainer_phase phase);
void trainer_publish_status(struct trainer *trainer, enum trainer_phase phase); /* without the timing: in mid-lap */
void trainer_wake(struct trainer *trainer);
uint32_t trainer_epochs_begun(const struct trainer *trainer); /* for a record */
int trainer_log_step(struct trainer *trainer, double lr, const struct step_result *result, struct error *err);
int trainer_log_epoch(struct trainer *trainer, double evaluated_in, const struct step_result *test, struct error *err);
int trainer_log_end(struct trainer *trainer, enum run_end how, const char *text, struct error *err);
/* A checkpoint with status and timing. wait: 0 when it stands. Else it is handed to the scribe, or skipped while that
 * is busy, and -1 is what an earlier one left to be told. */
int trainer_save(struct trainer *trainer, int wait, struct error *err);
int trainer_log_missed(struct trainer *trainer, struct error *err); /* a note of what the scribe missed, if any */
/* now.error into RUN/status, and the times of all steps until then, the one that failed included, if the disk takes it.
 */
void trainer_write_failure(struct trainer *trainer);
/* A resume failed before it went on: log and RUN/status stay as they were, and so does what is published but for
 * now.error, so that it can be tried again. */
void trainer_leave(struct trainer *trainer);

/*
 * trainer_timing.c: what the timekeeper's breakdown is published and written from.
 * measure: what the machine can do, before any clock runs. begin: room for the session's program, so that publishing
 * allocates nothing. warmed_up: the times begin now. publish: some microseconds, at most a few times a second, skipped
 * while a reader copies; the last one is not. to_write: what RUN/timing.json is to tell, malloc'ed: of earlier sittings
 * too, as long as they ran this program; NULL: what it has is kept (nothing is timed yet, or less than of another
 * program before, or it was written a moment ago and this is not the last time), or there is no memory. write: hands
 * that to the scribe, from a sitting's third step on and then every few seconds. remember: what it has, for that.
 */
void trainer_measure_machine(struct trainer *trainer);
void trainer_measure_again(struct trainer *trainer); /* at the end, where the first time was spoilt */
int trainer_begin_timing(struct trainer *trainer, struct error *err);
void trainer_warmed_up(struct trainer *trainer);
void trainer_publish_timing(struct trainer *trainer, int last);
void trainer_remember_timing(struct trainer *trainer);
struct timing *trainer_timing_to_write(struct trainer *trainer, int last);
void trainer_write_timing(struct trainer *trainer);
/* When the session's program is no longer the one for that size: it is kept or checked, and its times begin anew. */
int trainer_follow_size(struct trainer *trainer, int height, int width, struct error *err);

#endif
