/* Folders of runs for tests of lists and forecasts: whole epochs, no steps, accuracies that rise to a given one. */
#ifndef DAVIDNET_TESTS_FAKE_FOLDER_H
#define DAVIDNET_TESTS_FAKE_FOLDER_H

#include "engine/run_folder.h"

struct fake_folder {
    const char *name, *preset;
    int64_t seed;
    const char *set; /* (optional) "key=value" */
    int epochs;      /* done, of 24 */
    double best;     /* percent, reached at the last of 24 epochs */
    double epoch_seconds;
    int end;          /* enum run_end, or -1: none */
    int diverged;     /* with RUN_END_FAILED: something was not a finite number */
    int switches;     /* involuntary ones, each epoch: contention */
    const char *host; /* (optional) with it, status and program.json are written */
};

/* A run of davidnet-79 on a machine "here" that is done, after epochs of 10 s; best and set as above. */
struct fake_folder fake_folder_done(const char *name, const char *set, int64_t seed, double best);

/* Ends the test when it cannot be made. */
void fake_folder_make(const char *parent, const struct fake_folder *fake);

/* The accuracy after so many of 24 epochs. */
double fake_folder_accuracy(const struct fake_folder *fake, int epoch);

#endif
