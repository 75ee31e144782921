/*
 * The study of selective removal (engine/ablate.h) over recipes and batch sizes. Its measurements go to a file
 * (engine/ablate_results.h) one by one, so that a study can be stopped at any moment, and goes on where it was; one
 * with more recipes, batch sizes or rounds adds to the same file.
 *
 * Rounds are interleaved: at one recipe and batch size all variants are measured one after the other, round after
 * round, so that what disturbs the machine for a while disturbs all of them.
 */
#ifndef DAVIDNET_ENGINE_ABLATE_STUDY_H
#define DAVIDNET_ENGINE_ABLATE_STUDY_H

#include "engine/ablate_results.h"

#define ABLATE_BATCHES_MAX 32
#define ABLATE_PRESETS_MAX 16

struct ablate_study {
    const struct recipe *const *recipes;
    int n_recipes, n_batches, rounds;
    int batches[ABLATE_BATCHES_MAX];
    const char *davidnet, *commit; /* for the setting */
};

struct ablate_progress {
    const char *preset;
    int batch, round;
    enum ablate_variant variant; /* what is measured next; or what was measured last */
    int done, total;             /* measurements of the study */
    double seconds_left;         /* NaN: not known yet */
};

/*
 * Measures what the results, which were opened to measure, lack. What can be known to be wrong with any of it without
 * reading data (session_check) is told before anything is measured. 0: they have all; 1: `told`, which is called before
 * each measurement and after the last, has returned true: it is to stop; -1: with err, and what was measured is kept.
 */
int ablate_run(const struct ablate_study *study, struct ablate_results *results,
               bool (*told)(void *context, const struct ablate_progress *progress), void *context, struct error *err);

#endif
