#include "engine/ablate_study.h"

#include "engine/contention.h"
#include "engine/processor.h"
#include "kernels/isa.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is being carried out. */
struct work {
    const struct ablate_study *study;
    struct ablate_results *results;
    bool (*told)(void *context, const struct ablate_progress *progress);
    void *context;
    struct ablate_case *current;
    struct recipe recipe[ABLATE_PRESETS_MAX];   /* the study's, each with its data's place found */
    double flops_per_image[ABLATE_PRESETS_MAX]; /* of the full step; NaN: not known yet */
    double seconds, flops;                      /* spent on measurements so far; of what they ran */
};

/* What can be known to be wrong before anything is measured: at any batch size, or beside what is in the file. */
static int check_recipes(struct work *w, struct error *err)
{
    struct plan *plan = malloc(sizeof *plan);
    int status = plan ? 0 : error_set(err, "out of memory for the plan");
    for (int p = 0; p < w->study->n_recipes && !status; p++) {
        struct recipe *recipe = &w->recipe[p];
        w->flops_per_image[p] = NAN;
        *recipe = *w->study->recipes[p];
        recipe->batch_times = 1;
        for (int b = 0; b < w->study->n_batches && !status; b++) {
            recipe->batch = w->study->batches[b];
            if (session_check(recipe, plan, err))
                status = error_prefix(err, "%s at batch %d", recipe->preset, recipe->batch);
        }
        recipe->batch = w->study->recipes[p]->batch;
        recipe->batch_times = w->study->recipes[p]->batch_times;
        if (!status)
            status = ablate_results_check(w->results, recipe, err);
    }
    free(plan);
    return status;
}

static bool measured(const struct work *w, int p, int b, int variant, int round)
{
    return ablate_results_find(w->results, w->study->recipes[p]->preset, w->study->batches[b],
                               (enum ablate_variant)variant, round) != NULL;
}

/* The measurements of one recipe and batch size that are missing. */
static int missing(const struct work *w, int p, int b)
{
    int n = 0;
    for (int round = 0; round < w->study->rounds; round++)
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
            n += !measured(w, p, b, v, round);
    return n;
}

/* By arithmetic: what is left, at the rate so far. */
static double seconds_left(const struct work *w)
{
    double known = 0, left = 0;
    int n = 0;
    for (int p = 0; p < w->study->n_recipes; p++)
        if (!isnan(w->flops_per_image[p])) {
            known += w->flops_per_image[p];
            n++;
        }
    for (int p = 0; p < w->study->n_recipes; p++)
        for (int b = 0; b < w->study->n_batches; b++) {
            double image = isnan(w->flops_per_image[p]) ? known / n : w->flops_per_image[p], steps = 0;
            for (int round = 0; round < w->study->rounds; round++)
                for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
                    steps += !measured(w, p, b, v, round);
            left += steps * image * w->study->batches[b];
        }
    return w->flops > 0 ? left / w->flops * w->seconds : (double)NAN;
}

static void tell(const struct work *w, int p, int b, int variant, int round, struct ablate_progress *progress)
{
    int total = w->study->n_recipes * w->study->n_batches * w->study->rounds * ABLATE_VARIANT_COUNT, left = 0;
    for (int i = 0; i < w->study->n_recipes; i++)
        for (int k = 0; k < w->study->n_batches; k++)
            left += missing(w, i, k);
    *progress = (struct ablate_progress){.preset = w->study->recipes[p]->preset,
                                         .batch = w->study->batches[b],
                                         .round = round,
                                         .variant = (enum ablate_variant)variant,
                                         .done = total - left,
                                         .total = total,
                                         .seconds_left = seconds_left(w)};
}

static int begin_results(struct work *w, int p, struct error *err)
{
    const struct session *s = &w->current->session;
    struct ablate_setting setting = {.threads = s->program->options.threads};
    snprintf(setting.family, sizeof setting.family, "%s", s->family->name);
    snprintf(setting.precision, sizeof setting.precision, "%s", precision_name(s->precision));
    snprintf(setting.isa, sizeof setting.isa, "%s", isa_name(isa_current()));
    snprintf(setting.library, sizeof setting.library, "%s", s->family->library ? s->family->library() : "none");
    snprintf(setting.davidnet, sizeof setting.davidnet, "%s", w->study->davidnet);
    snprintf(setting.commit, sizeof setting.commit, "%s", w->study->commit);
    processor_name(setting.device, sizeof setting.device);
    if (w->results->version == 0 && ceiling_of_session(s, &setting.ceiling, err))
        return -1;
    return ablate_results_begin(w->results, &setting, err) || ablate_results_add_recipe(w->results, &w->recipe[p], err)
               ? -1
               : 0;
}

static int measure(struct work *w, int p, int b, int variant, int round, struct error *err)
{
    const struct recipe *recipe = &w->recipe[p];
    struct ablate_record record = {
        .batch = w->study->batches[b], .variant = (enum ablate_variant)variant, .round = round};
    struct contention before, after;
    contention_read(&before);
    double begin = now();
    if (ablate_measure(w->current, record.variant, &record.times, err))
        return error_prefix(err, "%s at batch %d", recipe->preset, record.batch);
    double took = now() - begin;
    contention_read(&after);
    record.noisy = contention_noisy(contention_steal(&before, &after), (double)(after.involuntary - before.involuntary),
                                    took, w->results->setting.threads);
    w->seconds += took;
    record.flops = ablate_flops(w->current, record.variant);
    record.unix_time = (double)time(NULL);
    record.bytes = ablate_bytes(w->current, record.variant);
    w->flops += record.flops;
    snprintf(record.preset, sizeof record.preset, "%s", recipe->preset);
    return ablate_results_add(w->results, &record, err);
}

/* 1: it is to stop. */
static int measure_rounds(struct work *w, int p, int b, struct error *err)
{
    struct ablate_progress progress;
    w->flops_per_image[p] = ablate_flops(w->current, ABLATE_FULL) / w->study->batches[b];
    for (int round = 0; round < w->study->rounds; round++)
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++) {
            if (measured(w, p, b, v, round))
                continue;
            tell(w, p, b, v, round, &progress);
            if (w->told(w->context, &progress))
                return 1;
            if (measure(w, p, b, v, round, err))
                return -1;
        }
    tell(w, p, b, ABLATE_VARIANT_COUNT - 1, w->study->rounds - 1, &progress);
    return w->told(w->context, &progress) ? 1 : 0;
}

static int measure_case(struct work *w, int p, int b, struct error *err)
{
    if (ablate_case_init(w->current, &w->recipe[p], w->study->batches[b], err))
        return error_prefix(err, "%s at batch %d", w->recipe[p].preset, w->study->batches[b]);
    int status = begin_results(w, p, err) ? -1 : measure_rounds(w, p, b, err);
    ablate_case_release(w->current);
    return status;
}

int ablate_run(const struct ablate_study *study, struct ablate_results *results,
               bool (*told)(void *context, const struct ablate_progress *progress), void *context, struct error *err)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w || !(w->current = calloc(1, sizeof *w->current))) {
        free(w);
        return error_set(err, "out of memory for the study");
    }
    w->study = study;
    w->results = results;
    w->told = told;
    w->context = context;
    int status = check_recipes(w, err);
    for (int p = 0; p < study->n_recipes && !status; p++)
        for (int b = 0; b < study->n_batches && !status; b++)
            if (missing(w, p, b) > 0)
                status = measure_case(w, p, b, err);
    free(w->current);
    free(w);
    return status;
}
