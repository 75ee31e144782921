/*
 * The study of selective removal (engine/ablate.h) over recipes and batch sizes, and its file. Each measurement is
 * appended to FOLDER/results.jsonl as soon as it is there, so that a study can be stopped at any moment, and goes on
 * where it was; one with more recipes, batch sizes or rounds adds to the same file.
 *
 * Rounds are interleaved: at one recipe and batch size all variants are measured one after the other, round after
 * round, so that what disturbs the machine for a while disturbs all of them.
 *
 * results.jsonl, one object a line, version 1 (fields may be added; a changed meaning changes the version):
 *   {"format": "davidnet-ablate", "version": 1, "family": "cpu", "precision": "f32", "isa": "avx512", "threads": 2,
 *    "library": "oneDNN 2.6.3", "davidnet": "0.1.0", "commit": "63f6f9dde0",
 *    "ceiling_flops": 4.2e11, "ceiling_bytes": 2.6e10}     a second, measured before the first step; null: not known
 *   {"preset": "davidnet-79", "recipe": "9f86d081884c", "batch": 512, "variant": "full", "round": 0,
 *    "ms": 931.5, "parts_ms": {"loader": 0.1, "augment": 9.8, ...},     of a step; the parts add up to it
 *    "cpu_ms": 1820.3,              of all threads
 *    "noisy": false,                other programs had the CPUs meanwhile (engine/contention.h)
 *    "flops": 1.16e12, "bytes": 6.1e9}                                  what a step has to do
 * "recipe" is the beginning of the SHA-256 of the recipe, but for its batch size. A line that was not written to its
 * end is taken away.
 */
#ifndef DAVIDNET_ENGINE_ABLATE_STUDY_H
#define DAVIDNET_ENGINE_ABLATE_STUDY_H

#include "engine/ablate.h"
#include "engine/operations.h"

#include <limits.h>

#define ABLATE_BATCHES_MAX 32
#define ABLATE_PRESETS_MAX 16
#define ABLATE_ROUNDS_MAX 100

struct ablate_setting {
    char family[16], precision[16], isa[16], library[64], davidnet[32], commit[48];
    int threads;
    struct ceiling ceiling;
};

struct ablate_record {
    char preset[64];
    char recipe[16];
    int batch;
    enum ablate_variant variant;
    int round;
    bool noisy;
    struct ablate_times times;
    double flops, bytes;
};

struct ablate_results {
    char path[PATH_MAX];
    bool begun; /* there is a file, with a setting */
    struct ablate_setting setting;
    struct ablate_record *records;
    size_t count, room;
};

/* Makes the folder and reads what is there. -1: it is no such file, or cannot be read. */
int ablate_results_open(struct ablate_results *results, const char *folder, struct error *err);
void ablate_results_release(struct ablate_results *results);

/* Writes the setting; where there is one already it must be the same, ceilings apart, which stay as they are. */
int ablate_results_begin(struct ablate_results *results, const struct ablate_setting *setting, struct error *err);
int ablate_results_add(struct ablate_results *results, const struct ablate_record *record, struct error *err);

/* NULL: not measured. */
const struct ablate_record *ablate_results_find(const struct ablate_results *results, const char *preset, int batch,
                                                enum ablate_variant variant, int round);

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
 * Measures what the results lack. 0: they have all; 1: `told`, which is called before each measurement and after the
 * last, has returned true: it is to stop; -1: with err, and what was measured is kept.
 */
int ablate_run(const struct ablate_study *study, struct ablate_results *results,
               bool (*told)(void *context, const struct ablate_progress *progress), void *context, struct error *err);

#endif
