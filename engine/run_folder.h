/*
 * A run's folder: recipe.ini, program.json, log, status, timing.json, stderr.txt, checkpoint-STEP/. The folder is the
 * truth: it can be copied, renamed and read elsewhere; there is no central index.
 */
#ifndef DAVIDNET_ENGINE_RUN_FOLDER_H
#define DAVIDNET_ENGINE_RUN_FOLDER_H

#include "engine/recipe.h"
#include "engine/run_log.h"

#define RUN_PATH_MAX 1024

struct run_folder {
    char path[RUN_PATH_MAX];
    char name[128]; /* last component */
};

/* DIR for new runs when --out is not given: $DAVIDNET_RUNS, else $XDG_DATA_HOME/davidnet/runs, else
 * ~/.local/share/davidnet/runs. */
void run_folder_default_parent(char *out, size_t size);

/* Makes parent/name (name NULL: PRESET-YYYYMMDD-HHMMSS, -2, -3 ... if taken) and writes recipe.ini. */
int run_folder_create(struct run_folder *folder, const char *parent, const char *name, const struct recipe *recipe,
                      struct error *err);

/* RUN on the command line: a path, or the name of a run under the default parent, or "last". */
int run_folder_find(struct run_folder *folder, const char *run, struct error *err);

int run_folder_path(const struct run_folder *folder, const char *file, char *out, size_t size);

/* Small files are replaced whole: temporary file, fsync, rename, fsync of the folder. */
int run_folder_replace(const struct run_folder *folder, const char *file, const void *bytes, size_t size,
                       struct error *err);

/* A lock that one process holds while it trains this run (flock on RUN/lock): 0, or -1 "is training in process PID". */
int run_folder_lock(const struct run_folder *folder, int *fd, struct error *err);

/* The runs under parent, newest first; *list is malloc'ed. */
int run_folder_list(const char *parent, struct run_folder **list, int *count, struct error *err);

/* What a list of runs shows, read from recipe.ini and log. */
struct run_summary {
    char name[128];
    char preset[64];
    int64_t seed;
    char state[16]; /* "running", "done", "stopped", "failed", "killed" (no end record and no lock holder) */
    uint32_t step, steps;
    double epochs_done, epochs;
    double best_acc, last_acc;                             /* percent, NaN if none */
    double train_seconds, wall_seconds, seconds_to_target; /* NaN: not reached */
    int64_t bytes;                                         /* on disk */
    double unix_start;
};
int run_folder_summary(const struct run_folder *folder, struct run_summary *summary, struct error *err);

#endif
