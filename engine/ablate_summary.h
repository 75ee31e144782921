/*
 * What the measurements of a study come to, for one preset at one batch size.
 *
 * Costs are reckoned with the least of the rounds, for what disturbs a machine only ever adds to a time; the median is
 * told beside it, and shows how much it was disturbed. The parts of a variant are those of its fastest round, so that
 * they add up to it. What a removed part costs is the difference of two variants' times, and that is, exactly, the sum
 * of
 *   timers   what the timers of the removed steps say (of data: less the copy that is left)
 *   fused    norm and act only: pools and additions that ran inside the removed steps and now have steps of their own,
 *            so it is below 0 by what these take
 *   others   by how much the steps that stay became faster: caches that hold more, weights that are not packed again
 *   between  by how much the time outside all steps became less
 *
 * Beside that stands what the timers of the full step say of the same part: of all parts they add up to the full step
 * but for the time between its steps.
 */
#ifndef DAVIDNET_ENGINE_ABLATE_SUMMARY_H
#define DAVIDNET_ENGINE_ABLATE_SUMMARY_H

#include "engine/ablate_results.h"

struct ablate_variant_summary {
    int rounds;              /* 0: not measured, and all below is NaN */
    int noisy;               /* of them: other programs had the CPUs meanwhile */
    double ms, median, most; /* ms: the least */
    double cpu_ms;           /* of all threads, the least */
    double part_ms[ABLATE_PART_COUNT];
    double flops, bytes;
};

struct ablate_cost {
    double ms;                /* NaN when one of both is not measured */
    double median, low, high; /* of the rounds' own differences */
    double timers, fused, others, between;
    double step; /* the timers of the full step: what augmentation leaves with random data, the copy, is the
                    classifier's */
    double cpu;  /* the difference of CPU times: what is left to go by where the machine is busy */
};

#define ABLATE_COST_COUNT ABLATE_VARIANT_COUNT

struct ablate_summary {
    char preset[64];
    int batch;
    struct ablate_variant_summary variant[ABLATE_VARIANT_COUNT];
    /* [v]: of what variant v + 1 is without, and v is not; the last is what no variant is without, the convolutions:
     * its ms is that variant's time. They add up to the full step. */
    struct ablate_cost cost[ABLATE_COST_COUNT];
    double timers_ms; /* of the full step: all of its timers, what is between its steps left out */
    double bound_ms;  /* the convolutions' operations at the ceiling of multiply-adds; NaN: not known */
};

/* "data and augmentation", "update" ...; as a word: "data", "update", "norm_act", "classifier", "pool_add", "conv". */
const char *ablate_cost_title(int cost);
const char *ablate_cost_name(int cost);

void ablate_summarise(const struct ablate_results *results, const char *preset, int batch,
                      struct ablate_summary *summary);

/*
 * A cost below 0 is noise where the rounds' own differences lie on both sides of 0: "within noise"; else "in every
 * round", or, of a single one, "one round". Of the last cost nothing can be said: it is no difference.
 */
const char *ablate_cost_certainty(const struct ablate_cost *cost, int rounds);

/* Of all rounds of all variants: how many were noisy, and how many there are. */
void ablate_count_noisy(const struct ablate_summary *list, int count, int *noisy, int *rounds);

/* What of the results to show; none of a kind: all. What is asked for and not measured is an error. */
struct ablate_choice {
    const char *const *presets;
    int n_presets;
    const int *batches;
    int n_batches;
};

/* Presets as they came, batch sizes from the smallest. *list is malloc'ed. -1: no memory, or not measured. */
int ablate_summarise_all(const struct ablate_results *results, const struct ablate_choice *choice,
                         struct ablate_summary **list, int *count, struct error *err);

/*
 * The command that measures what is in the list, one for each preset with " && " between: "davidnet lab ablate --preset
 * quick --set ... --seed 1 --batches 128,512 --rounds 3". malloc'ed. Of a file of version 1, which does not know its
 * recipes, it says so behind a '#'.
 */
char *ablate_command(const struct ablate_results *results, const struct ablate_summary *list, int count,
                     struct error *err);

#endif
