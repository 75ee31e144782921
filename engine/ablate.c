#include "engine/ablate.h"

#include "engine/groups.h"
#include "engine/network_rewrite.h"
#include "engine/operations.h"
#include "engine/stopwatch.h"
#include "kernels/rng.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Each leaves out what the one before does, and more. */
static const struct {
    const char *name, *title;
    bool stripped; /* its program is of the network without norm and act */
    bool without[ABLATE_PART_COUNT];
} variants[ABLATE_VARIANT_COUNT] = {
    [ABLATE_FULL] = {"full", "full step", false, {0}},
    [ABLATE_RANDOM] = {"random", "random data, preloaded", false, {[ABLATE_LOADER] = true}},
    [ABLATE_NO_UPDATE] = {"no-update", "no update", false, {[ABLATE_LOADER] = true, [ABLATE_UPDATE] = true}},
    [ABLATE_NO_NORM] = {"no-norm",
                        "no norm, no activation",
                        true,
                        {[ABLATE_LOADER] = true, [ABLATE_UPDATE] = true, [ABLATE_NORM] = true}},
    [ABLATE_BACKBONE] = {"backbone",
                         "backbone",
                         true,
                         {[ABLATE_LOADER] = true,
                          [ABLATE_UPDATE] = true,
                          [ABLATE_NORM] = true,
                          [ABLATE_AUGMENT] = true,
                          [ABLATE_CLASSIFIER] = true}},
    [ABLATE_CONVOLUTIONS] = {"convolutions",
                             "convolutions only",
                             true,
                             {[ABLATE_LOADER] = true,
                              [ABLATE_UPDATE] = true,
                              [ABLATE_NORM] = true,
                              [ABLATE_AUGMENT] = true,
                              [ABLATE_CLASSIFIER] = true,
                              [ABLATE_POOL] = true}},
};

static const char *const part_names[ABLATE_PART_COUNT] = {
    [ABLATE_LOADER] = "loader", [ABLATE_AUGMENT] = "augment",       [ABLATE_UPDATE] = "update",
    [ABLATE_NORM] = "norm_act", [ABLATE_CLASSIFIER] = "classifier", [ABLATE_POOL] = "pool_add",
    [ABLATE_CONV] = "conv",     [ABLATE_BETWEEN] = "between",
};

static const bool norm_and_act[PLAN_OP_COUNT] = {[PLAN_NORM] = true, [PLAN_ACT] = true};

const char *ablate_variant_name(enum ablate_variant variant)
{
    return variants[variant].name;
}

const char *ablate_variant_title(enum ablate_variant variant)
{
    return variants[variant].title;
}

int ablate_variant_find(const char *name)
{
    for (int i = 0; i < ABLATE_VARIANT_COUNT; i++)
        if (strcmp(variants[i].name, name) == 0)
            return i;
    return -1;
}

const char *ablate_part_name(enum ablate_part part)
{
    return part_names[part];
}

bool ablate_leaves_out(enum ablate_variant variant, enum ablate_part part)
{
    return variants[variant].without[part];
}

enum ablate_part ablate_part_of(const struct plan *plan, const struct program_step *step)
{
    bool has[PLAN_OP_COUNT] = {false};
    if (step->phase == PHASE_AUGMENT)
        return ABLATE_AUGMENT;
    if (step->phase == PHASE_UPDATE)
        return ABLATE_UPDATE;
    for (int i = 0; i < step->n_rows; i++)
        has[plan->rows[step->rows[i]].op] = true;
    if (has[PLAN_NORM] || has[PLAN_ACT])
        return ABLATE_NORM;
    if (has[PLAN_LINEAR] || has[PLAN_LOSS])
        return ABLATE_CLASSIFIER;
    return has[PLAN_CONV] ? ABLATE_CONV : ABLATE_POOL;
}

/* ---- a case ---- */

static int make_stripped(struct ablate_case *a, struct error *err)
{
    const struct images *train = &a->session.dataset.train;
    struct plan_shape image = {train->channels, train->height, train->width};
    if (network_build(&a->session.recipe, image, train->classes, &a->network, err))
        return -1;
    network_remove(&a->network, norm_and_act);
    if (network_lower(&a->network, &a->plan, err))
        return error_prefix(err, "the network without norm and activation");
    groups_apply(&a->session.recipe, &a->plan);
    a->program = session_program(&a->session, &a->plan, 0, err);
    if (!a->program || executor_init(&a->executor, a->program, err))
        return -1;
    struct initialise how;
    session_initial(&a->session, &how);
    return initialise_program(a->program, &how, err);
}

/* Uniform in (-sqrt(3), sqrt(3)): mean 0 and variance 1, as normalised images have. */
static int make_random(struct ablate_case *a, struct error *err)
{
    const struct images *train = &a->session.dataset.train;
    size_t batch = (size_t)recipe_batch(&a->session.recipe);
    size_t count = batch * (size_t)train->channels * (size_t)train->height * (size_t)train->width;
    a->values = malloc(count * sizeof *a->values);
    a->choices = calloc(batch, sizeof *a->choices);
    if (!a->values || !a->choices)
        return error_set(err, "out of memory for a batch of random values");
    for (size_t i = 0; i < count; i += 4) {
        struct rng_block block = rng_philox(recipe_init_seed(&a->session.recipe), RNG_SYNTHETIC, 0, i);
        for (size_t k = i; k < i + 4 && k < count; k++)
            a->values[k] = (2 * rng_uniform(block.word[k - i]) - 1) * 1.7320508f;
    }
    for (size_t i = 0; i < batch; i++)
        a->choices[i].image = (uint32_t)i;
    a->random = (struct batch){.images = train, .choices = a->choices, .n = (int)batch, .ready = a->values};
    return 0;
}

struct executor *ablate_executor(struct ablate_case *a, enum ablate_variant variant)
{
    return variants[variant].stripped ? &a->executor : &a->session.executor;
}

static int make_masks(struct ablate_case *a, struct error *err)
{
    for (int v = 0; v < ABLATE_VARIANT_COUNT; v++) {
        const struct program *program = ablate_executor(a, (enum ablate_variant)v)->program;
        a->skip[v] = calloc((size_t)program->n_train, sizeof *a->skip[v]);
        if (!a->skip[v])
            return error_set(err, "out of memory for the list of steps");
        for (int i = 0; i < program->n_train; i++)
            a->skip[v][i] = variants[v].without[ablate_part_of(program->plan, &program->train[i])];
    }
    return 0;
}

static int check_case(const struct ablate_case *a, struct error *err)
{
    const struct recipe *recipe = &a->session.recipe;
    if (recipe->progressive_size)
        return error_set(err, "progressive_size: its steps are not all alike; switch it off to take one apart");
    if (a->session.dataset.train.count < (uint32_t)recipe_batch(recipe))
        return error_set(err, "batch %d is larger than the %u training images; take smaller batches or more data",
                         recipe_batch(recipe), a->session.dataset.train.count);
    return 0;
}

int ablate_case_init(struct ablate_case *a, const struct recipe *recipe, int batch, struct error *err)
{
    struct recipe *own = malloc(sizeof *own);
    memset(a, 0, sizeof *a);
    if (!own)
        return error_set(err, "out of memory for the recipe");
    *own = *recipe;
    own->batch = batch;
    own->batch_times = 1;
    int status = session_open_data(&a->session, own, err);
    free(own);
    if (status)
        return -1;
    if (check_case(a, err) || session_compile(&a->session, 0, err))
        goto failed;
    if (a->session.family->submit) {
        error_set(err, "device %s: steps cannot be left out of its list one by one; use --device cpu or ref",
                  a->session.family->name);
        goto failed;
    }
    if (make_stripped(a, err) || make_random(a, err) || make_masks(a, err))
        goto failed;
    return 0;
failed:
    ablate_case_release(a);
    return -1;
}

void ablate_case_release(struct ablate_case *a)
{
    for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
        free(a->skip[v]);
    free(a->values);
    free(a->choices);
    if (a->program) {
        executor_release(&a->executor);
        a->session.family->free(a->program);
    }
    session_release(&a->session);
    memset(a, 0, sizeof *a);
}

/* ---- measuring ---- */

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The loader's next whole batch; the partial one at an epoch's end is passed over. */
static int next_batch(struct ablate_case *a, struct batch *batch, struct error *err)
{
    do {
        if (session_batch(&a->session, a->step++ % a->session.steps, batch, err))
            return -1;
    } while (batch->n < recipe_batch(&a->session.recipe));
    return 0;
}

/*
 * A millionth of the recipe's first rates: the update does all of its work, but the weights stay what they are at the
 * beginning. Else the random batch would be learned by heart, and what is then left of its gradients be denormal, or
 * the weights would run away.
 */
static void make_hyper(const struct ablate_case *a, struct hyper *hyper)
{
    session_hyper(&a->session, 0, hyper);
    hyper->lr *= 1e-6;
    hyper->muon_lr *= 1e-6;
    hyper->lars_lr *= 1e-6;
}

/* 1: timed, 0: the process was stopped meanwhile, so that there is no time. The executor's skip is set meanwhile. */
static int time_step(struct ablate_case *a, enum ablate_variant variant, struct ablate_times *times, struct error *err)
{
    struct executor *executor = ablate_executor(a, variant);
    struct batch batch = a->random;
    struct hyper hyper;
    struct step_result result = {.bad_row = -1};
    bool stale = variants[variant].without[ABLATE_AUGMENT];
    make_hyper(a, &hyper);
    executor->skip = a->skip[stale ? ABLATE_NO_NORM : variant];
    if (executor_train(executor, &batch, &hyper, &result, err))
        return -1;
    executor->skip = a->skip[variant];
    executor_reset_times(executor);
    struct stopwatch watch;
    stopwatch_start(&watch);
    double cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID), begin = read_clock(CLOCK_MONOTONIC), loaded = begin;
    if (!variants[variant].without[ABLATE_LOADER]) {
        if (next_batch(a, &batch, err))
            return -1;
        loaded = read_clock(CLOCK_MONOTONIC);
    }
    int status = executor_train(executor, &batch, &hyper, &result, err);
    double end = read_clock(CLOCK_MONOTONIC);
    cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (status)
        return -1;
    if (!stale && result.bad_row >= 0)
        return error_set(err,
                         "variant %s: %s has become infinite or not a number; give another --seed or smaller rates",
                         variants[variant].name, executor->program->plan->rows[result.bad_row].name);
    *times = (struct ablate_times){.seconds = end - begin, .cpu = cpu, .part = {[ABLATE_LOADER] = loaded - begin}};
    times->part[ABLATE_BETWEEN] = end - loaded;
    for (int i = 0; i < executor->program->n_train; i++) {
        double seconds = (double)executor->train_ns[i] * 1e-9;
        if (a->skip[variant][i])
            continue;
        times->part[ablate_part_of(executor->program->plan, &executor->program->train[i])] += seconds;
        times->part[ABLATE_BETWEEN] -= seconds;
    }
    return !stopwatch_interrupted(&watch);
}

int ablate_measure(struct ablate_case *a, enum ablate_variant variant, struct ablate_times *times, struct error *err)
{
    int timed;
    do {
        timed = time_step(a, variant, times, err);
        ablate_executor(a, variant)->skip = NULL;
    } while (timed == 0);
    return timed < 0 ? -1 : 0;
}

/* ---- what there is to do ---- */

static double sum_kept(struct ablate_case *a, enum ablate_variant variant,
                       double (*of)(const struct program *, const struct program_step *, int))
{
    const struct program *program = ablate_executor(a, variant)->program;
    double sum = 0;
    for (int i = 0; i < program->n_train; i++)
        if (!a->skip[variant][i])
            sum += of(program, &program->train[i], recipe_batch(&a->session.recipe));
    return sum;
}

double ablate_flops(struct ablate_case *a, enum ablate_variant variant)
{
    return sum_kept(a, variant, operation_flops);
}

double ablate_bytes(struct ablate_case *a, enum ablate_variant variant)
{
    return sum_kept(a, variant, operation_bytes);
}
