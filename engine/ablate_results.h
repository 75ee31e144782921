/*
 * The file of the study of selective removal (engine/ablate_study.h): FOLDER/results.jsonl. Each measurement is
 * appended as soon as it is there. Who measures holds the folder's lock (as run_folder_lock), so that two never write
 * to one file; who only reads takes none, and changes nothing.
 *
 * One object a line, version 2 (fields may be added; a changed meaning changes the version). First the setting, what
 * everything in the file was measured on and by:
 *   {"format": "davidnet-ablate", "version": 2, "family": "cpu", "precision": "f32", "isa": "avx512", "threads": 2,
 *    "library": "oneDNN 2.6.3", "davidnet": "0.1.0", "commit": "63f6f9dde0", "device": "Intel(R) Xeon(R) ...",
 *    "ceiling_flops": 4.2e11, "ceiling_bytes": 2.6e10,     a second, measured before the first step; null: not known
 *    "ceiling_noisy": false}                               other programs had the CPUs meanwhile: they may be higher
 * before the first measurement of a preset its recipe, which is the same for all of them:
 *   {"preset": "davidnet-79", "recipe": "9f86d081884c7d6", "summary": "davidnet-79, 24 epochs x 512, ...", "seed": 0,
 *    "options": "--preset davidnet-79 --set ... --seed 0"}     of the command line
 * and the measurements:
 *   {"preset": "davidnet-79", "recipe": "9f86d081884c7d6", "setting": "2c26b46b68ffc68", "unix_time": 1767225600,
 *    "batch": 512, "variant": "full", "round": 0,
 *    "ms": 931.5, "parts_ms": {"loader": 0.1, "augment": 9.8, ...},     of a step; the parts add up to it
 *    "cpu_ms": 1820.3,              of all threads
 *    "noisy": false,                other programs had the CPUs meanwhile (engine/contention.h)
 *    "flops": 1.16e12, "bytes": 6.1e9}                                  what a step has to do
 * "recipe" is the beginning of the SHA-256 of the recipe with its data's place found, but for its batch size and
 * name, and "setting" that of the setting but for its ceilings: a line of another recipe, machine or davidnet, however
 * it came into the file, is an error that names it. What follows the last line's end was not written to its own, and
 * counts as not there.
 *
 * Version 1 had none of device, ceiling_noisy, the recipes' lines, setting and unix_time. It is still read, and not
 * written to.
 */
#ifndef DAVIDNET_ENGINE_ABLATE_RESULTS_H
#define DAVIDNET_ENGINE_ABLATE_RESULTS_H

#include "engine/ablate.h"
#include "engine/operations.h"

#include <cjson/cJSON.h>
#include <limits.h>

#define ABLATE_ROUNDS_MAX 100

struct ablate_setting {
    char family[16], precision[16], isa[16], library[64], davidnet[32], commit[48];
    char device[128]; /* the processor's name; empty: not known */
    int threads;
    struct ceiling ceiling;
};

struct ablate_recipe {
    char preset[64];
    char digest[16];
    char summary[512]; /* recipe_summary */
    int64_t seed;
    char *options; /* what recipe_command gives behind "davidnet train " */
};

struct ablate_record {
    char preset[64];
    char recipe[16]; /* its digest */
    int batch;
    enum ablate_variant variant;
    int round;
    bool noisy;
    double unix_time; /* when it was measured; NaN: not known */
    struct ablate_times times;
    double flops, bytes;
};

struct ablate_results {
    char path[PATH_MAX];
    int lock;    /* of who measures; else -1 */
    int version; /* of the file; 0: there is none yet, and no setting */
    struct ablate_setting setting;
    char setting_digest[16];
    struct ablate_recipe *recipes;
    int n_recipes;
    struct ablate_record *records;
    size_t count, room;
};

/* To measure: makes the folder, locks it, and reads what is there. -1: it is no such file, cannot be read, or another
 * process measures into it. */
int ablate_results_open(struct ablate_results *results, const char *folder, struct error *err);
/* To show: -1 also when nothing was measured there. */
int ablate_results_read(struct ablate_results *results, const char *folder, struct error *err);
void ablate_results_release(struct ablate_results *results);

/* Writes the setting; where there is one already it must be the same, ceilings apart, which stay as they are. */
int ablate_results_begin(struct ablate_results *results, const struct ablate_setting *setting, struct error *err);

/* What is measured of the recipe's preset from here on is of this recipe, whose data was found (session_check). -1: it
 * was another before. */
int ablate_results_check(const struct ablate_results *results, const struct recipe *recipe, struct error *err);
/* Checks that, and writes it unless it is there. */
int ablate_results_add_recipe(struct ablate_results *results, const struct recipe *recipe, struct error *err);

/* Its preset's recipe must be there. recipe is filled in. */
int ablate_results_add(struct ablate_results *results, const struct ablate_record *record, struct error *err);

/* NULL: not measured; for recipes: not known, as in a file of version 1. */
const struct ablate_record *ablate_results_find(const struct ablate_results *results, const char *preset, int batch,
                                                enum ablate_variant variant, int round);
const struct ablate_recipe *ablate_results_recipe(const struct ablate_results *results, const char *preset);

/* Its members as they are in the file. */
void ablate_recipe_add_json(const struct ablate_recipe *recipe, cJSON *object);

#endif
