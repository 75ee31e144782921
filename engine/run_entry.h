/*
 * All that a list of runs, an overlay or a forecast wants of one run, taken from its folder in one go: recipe, summary,
 * label, curves by epoch, what it ran on. It never changes once made, so threads may share it: run_entry_keep and
 * run_entry_free count who does.
 */
#ifndef DAVIDNET_ENGINE_RUN_ENTRY_H
#define DAVIDNET_ENGINE_RUN_ENTRY_H

#include "engine/forecast.h"
#include "engine/run_label.h"

struct run_entry {
    struct run_folder folder;
    struct run_summary summary; /* of a run that cannot be read: name, state "unreadable", the rest unknown */
    struct run_label label;
    struct recipe recipe;
    char tricks[256];    /* keys of those that are on, in table order: "crop flip cutout" */
    char family[128];    /* what people call its recipe: "quick batch=32 width=8", what it changes of its preset */
    char problem[256];   /* why it cannot be read; empty: it can */
    char machine[256];   /* host, family, library, threads ...; empty: not known. Times can be compared where it and */
    unsigned program;    /* this are the same: crc of davidnet's version and the steps in program.json; 0: not known */
    int threads;         /* 0: not known */
    double noisy;        /* share of its wall time with contention (engine/contention.h), 0 to 1; NaN: not known */
    double train_images; /* an epoch's; 0: not known */
    char data[80];       /* digest of the images; empty: not known */
    char source[128];    /* where they were from, the end of it; empty: not known */
    /* Epochs that hold, one after the other; n of each. x in epochs; NaN: not evaluated. */
    size_t n_epochs;
    double *epoch, *lr, *train_loss, *train_acc, *test_loss, *test_acc, *train_seconds;
    int users; /* atomic; private */
};

/* log (optional): the run's, loaded already. NULL: no memory. Everything else that goes wrong is in `problem`. */
struct run_entry *run_entry_make(const struct run_folder *folder, const struct run_log *log);

struct run_entry *run_entry_keep(const struct run_entry *entry); /* one more user; returns entry */
void run_entry_free(struct run_entry *entry);                    /* one less; NULL: nothing */

/* Whether both are of one family (engine/forecast.h), on the same images as far as is known. */
int run_entry_same_family(const struct run_entry *a, const struct run_entry *b);

/*
 * What earlier runs say about one that is not finished, or not yet listed as such: those of entries[count] that are of
 * its family and went to their end. 0, or -1: no memory.
 */
int run_entry_forecast(const struct run_entry *run, const struct run_entry *const *entries, int count,
                       const struct forecast_now *now, struct forecast *forecast);

#endif
