/*
 * What the parts of a training step cost, by selective removal: the step as it is, then with one part after the other
 * taken out, each timed; what a part costs is the difference. After D. Page, How to Train Your ResNet 3 (2018), where
 * it was done by hand. The other way to know it are the timers of the program's steps: a case keeps both, so that one
 * explains the other.
 *
 *   variant       what runs
 *   full          the recipe's step: the loader's batch, augmentation, forward, loss, backward, update (at a millionth
 *                 of the rates, so that the weights stay as they were made)
 *   random        the same program on one fixed batch of random values, with the images' labels: no loader, no
 *                 augmentation. What is left of the latter is the copy of the batch into the program's layout.
 *   no-update     that, without the update's steps (executor.skip). Weights then stay as they are, and what a family
 *                 prepares from weights that have changed (packing) is not done again.
 *   no-norm       another program: of the network without its norm and act nodes (network_remove), without update
 *   backbone      that program without the copy, the classifier (linear) and the loss: convolutions, pools, additions
 *   convolutions  that program's convolutions only
 *
 * full, random and no-update share one program and its memory, and so do the other three. In training a step follows a
 * step: so one of the same program is done before each, outside the clock, and the caches hold what they would have
 * there. Before backbone and convolutions it is a step of no-norm: where the steps that give a tensor its values are
 * left out, it holds what was there before, and that must be numbers of the usual size, not what has become denormal or
 * infinite by going round.
 *
 * Not in a step, and so in none of them: averages of weights (ema, lookahead), evaluation, the run's log. An epoch's
 * choices are drawn in the first step of it: that step is slower, and counts as any other.
 */
#ifndef DAVIDNET_ENGINE_ABLATE_H
#define DAVIDNET_ENGINE_ABLATE_H

#include "engine/session.h"

enum ablate_variant {
    ABLATE_FULL,
    ABLATE_RANDOM,
    ABLATE_NO_UPDATE,
    ABLATE_NO_NORM,
    ABLATE_BACKBONE,
    ABLATE_CONVOLUTIONS,
    ABLATE_VARIANT_COUNT
};

/* The parts of a step; each step of a program belongs to one of them (ablate_part_of). */
enum ablate_part {
    ABLATE_LOADER,     /* the time until the loader has given the batch */
    ABLATE_AUGMENT,    /* the program's steps of that phase */
    ABLATE_UPDATE,     /* likewise */
    ABLATE_NORM,       /* steps with a norm or an activation in them, whatever else is fused into them */
    ABLATE_CLASSIFIER, /* linear and loss */
    ABLATE_POOL,       /* pools, additions, concatenations */
    ABLATE_CONV,       /* convolutions, with the conversions of layout that they need */
    ABLATE_BETWEEN,    /* what no timer has: the step as a whole less all of the above */
    ABLATE_PART_COUNT
};

const char *ablate_variant_name(enum ablate_variant variant);  /* "full", ..., as above */
const char *ablate_variant_title(enum ablate_variant variant); /* "full step", "no norm, no activation" ... */
int ablate_variant_find(const char *name);                     /* -1: none */
const char *ablate_part_name(enum ablate_part part);           /* "loader", "augment", ... */

/* Does the variant leave that part's steps out? (Of norm: it has a program without them.) */
bool ablate_leaves_out(enum ablate_variant variant, enum ablate_part part);

/* Where a step of a program's training list belongs: UPDATE and AUGMENT by its phase, then the first of NORM,
 * CLASSIFIER, POOL that it has a row of, else CONV. */
enum ablate_part ablate_part_of(const struct plan *plan, const struct program_step *step);

/* One step's time. The parts add up to seconds exactly, but for rounding. */
struct ablate_times {
    double seconds;
    double cpu; /* seconds of all threads: what others do with the CPUs is not in it */
    double part[ABLATE_PART_COUNT];
};

/* A recipe at a batch size, ready to be measured. Large; must not be moved. */
struct ablate_case {
    struct session session;
    struct network network; /* without norm and act */
    struct plan plan;
    struct program *program; /* of that plan */
    struct executor executor;
    float *values; /* the random batch: [batch][channels][height][width] */
    struct choice *choices;
    struct batch random;
    uint32_t step;                    /* the next one that the loader is asked for */
    bool *skip[ABLATE_VARIANT_COUNT]; /* of the variant's program; NULL: nothing is left out */
};

/*
 * -1: the recipe cannot be trained here at that batch size, or not taken apart: a device of its own has no steps that
 * could be left out one by one, progressive_size has several programs, and there are to be images for a whole batch.
 */
int ablate_case_init(struct ablate_case *ablate, const struct recipe *recipe, int batch, struct error *err);
void ablate_case_release(struct ablate_case *ablate); /* also of one that is all zero */

/* One step of the variant, timed. -1: it failed, or what it computed was not finite, so that its time would mean
 * nothing. */
int ablate_measure(struct ablate_case *ablate, enum ablate_variant variant, struct ablate_times *times,
                   struct error *err);

/* The variant's program, and which of its steps are left out (NULL: none). */
struct executor *ablate_executor(struct ablate_case *ablate, enum ablate_variant variant);

/* What a step of the variant has to do, as engine/operations.h counts it. */
double ablate_flops(struct ablate_case *ablate, enum ablate_variant variant);
double ablate_bytes(struct ablate_case *ablate, enum ablate_variant variant);

#endif
