/*
 * A run's folder: recipe.ini, init (the path of the model that it began with, if one was given), program.json, log,
 * status, timing.json, trace.json, stderr.txt, checkpoint-STEP/. The folder is the truth: it can be copied, renamed and
 * read elsewhere; there is no central index. What one process says to others about a run in progress is the file
 * "status", one JSON object, replaced whole.
 * A run has a folder from when all is known to be well that can be known without reading its data (session_check); one
 * that fails later, but before its first step, leaves none, so that "last" is a run that began. recipe.ini says where
 * its data was found, absolutely, from the first moment on; program.json says it again, with the digest.
 *
 * What people say about it is in label.json, made when there is something to say (engine/run_label.h):
 *   {"format": "davidnet-label", "version": 1, "tags": ["fast", "baseline"], "note": "one line of UTF-8"}
 * and in a run that was made for a campaign (engine/campaign.h), besides, "campaign": NAME, "side": "with",
 * "number": 3. Runs that were thrown away are in the folder .trash beside the others (engine/run_move.h).
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

/* Makes parent/name (name NULL: RECIPE-YYYYMMDD-HHMMSS, by recipe_name, -2, -3 ... if taken) and writes recipe.ini. */
int run_folder_create(struct run_folder *folder, const char *parent, const char *name, const struct recipe *recipe,
                      struct error *err);

/*
 * RUN on the command line: a path (it has a '/', or is no run's name), or the name of a run under the default parent,
 * or "last", the newest there. find_in: under another parent (NULL: the default one). folder->path is absolute.
 */
int run_folder_find(struct run_folder *folder, const char *run, struct error *err);
int run_folder_find_in(struct run_folder *folder, const char *parent, const char *run, struct error *err);

/*
 * From a path that exists. path is absolute and without links, so that it says which run it is; name is the folder's
 * own, but for a link to a run under another parent the link's: it is what `run_folder_find` knows it by.
 */
int run_folder_at(struct run_folder *folder, const char *path, struct error *err);

/* Letters, digits and . _ - + = @ only, not beginning with . or -, at most 100 bytes. */
int run_folder_check_name(const char *name, struct error *err);

/* path of a file in the folder; -1 when it does not fit. */
int run_folder_path(const struct run_folder *folder, const char *file, char *out, size_t size);

/* Small files are replaced whole: temporary file, fsync, rename, fsync of the folder. */
int run_folder_replace(const struct run_folder *folder, const char *file, const void *bytes, size_t size,
                       struct error *err);
/* A recipe as one of them. */
int run_folder_write_recipe(const struct run_folder *folder, const char *file, const struct recipe *recipe,
                            struct error *err);

/*
 * A lock that one process holds while it trains this run: an open-file-description lock on RUN/lock, which can be
 * looked at without being taken and goes away with the process. 0, or -1 "is training in process PID".
 * The owner removes temporary files that a crash left. run_folder_unlock or exit gives it back.
 */
int run_folder_lock(const struct run_folder *folder, int *fd, struct error *err);
void run_folder_unlock(int *fd);

/* 1 if a process holds the lock (its text, "PID on HOST", in holder, size bytes, if not NULL), 0 if none does. */
int run_folder_locked(const struct run_folder *folder, char *holder, size_t size);

/* The runs under parent (folders with a recipe.ini, or that cannot be looked into), newest start first; *list is
 * malloc'ed. No parent: no runs. */
int run_folder_list(const char *parent, struct run_folder **list, int *count, struct error *err);

/* What a list of runs shows, read from recipe.ini and log. */
struct run_summary {
    char name[128];
    char recipe[64]; /* recipe_name */
    char preset[64];
    int64_t seed;
    char state[16]; /* "running", "done", "stopped", "failed", "killed" (no end record and no lock holder) */
    int diverged;   /* it failed because something was not a finite number */
    uint32_t step, steps;
    double epochs_done, epochs;                            /* NaN: never started */
    double best_acc, last_acc;                             /* percent, NaN if none */
    double train_seconds, wall_seconds, seconds_to_target; /* NaN: nothing trained yet; target not reached */
    int64_t bytes;                                         /* on disk */
    double unix_start;                                     /* of its first start; NaN: never started */
    size_t log_dropped;                                    /* damaged bytes at the log's end that were not read */
};
int run_folder_summary(const struct run_folder *folder, struct run_summary *summary, struct error *err);

/* The same from a recipe and a log that are loaded already; bytes is -1 then. locked: a process trains it now. */
void run_summary_fill(struct run_summary *summary, const struct recipe *recipe, const struct run_log *log, int locked);

#endif
