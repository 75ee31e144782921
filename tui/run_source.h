/*
 * Where the workbench gets a run from: a trainer in this process, or a run's folder, which another process may be
 * writing to. Tests put their own table in.
 */
#ifndef DAVIDNET_TUI_RUN_SOURCE_H
#define DAVIDNET_TUI_RUN_SOURCE_H

#include "engine/trainer.h"

struct run_source_ops {
    void (*status)(void *self, struct trainer_status *status);
    /*
     * (optional) The breakdown of its steps, if it is newer than *version, which is 0 at first: 1, the caller releases
     * *timing; 0: there is none newer; -1 with err: it cannot be read.
     */
    int (*timing)(void *self, uint64_t *version, struct timing *timing, struct error *err);
    /* (optional) The data set that it trains on, once it is loaded, or NULL; lives as long as the source. */
    const struct dataset *(*dataset)(void *self);
    int (*wake_fd)(void *self);                      /* (optional) readable when something changed */
    void (*pause)(void *self, int paused);           /* (optional: the run is not ours) */
    void (*stop)(void *self, enum trainer_stop how); /* (optional: as pause) */
    void (*close)(void *self);                       /* frees self; waits for a trainer to end */
};

struct run_source {
    const struct run_source_ops *ops; /* NULL: no run */
    void *self;
    const struct run_log *log;
    const struct recipe *recipe;
};

/* Starts training here. */
int run_source_train(struct run_source *source, const struct trainer_options *options, struct error *err);

/* Looks at a run's folder; run: as run_folder_find takes it. */
int run_source_open(struct run_source *source, const char *run, struct error *err);

void run_source_close(struct run_source *source); /* may have no run */

#endif
