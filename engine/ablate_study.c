#include "engine/ablate_study.h"

#include "engine/contention.h"
#include "engine/digest.h"
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
    char digest[ABLATE_PRESETS_MAX][DIGEST_HEX_SIZE];
    double flops_per_image[ABLATE_PRESETS_MAX]; /* of the full step; NaN: not known yet */
    double seconds, flops;                      /* spent on measurements so far; of what they ran */
};

/* Of all but the batch size. */
static int recipe_digest(const struct recipe *recipe, char hex[DIGEST_HEX_SIZE], struct error *err)
{
    struct recipe *copy = malloc(sizeof *copy);
    struct digest digest = {NULL};
    char *text = NULL;
    size_t size = 0;
    FILE *out = copy ? open_memstream(&text, &size) : NULL;
    int status = out ? 0 : error_set(err, "out of memory for the recipe");
    if (out) {
        *copy = *recipe;
        copy->batch = copy->batch_times = 1;
        status = recipe_write(copy, out, err);
        if (fclose(out) != 0 && !status)
            status = error_set(err, "out of memory for the recipe");
    }
    if (!status)
        status = digest_init(&digest, err) || digest_add(&digest, text, size, err) || digest_finish(&digest, hex, err);
    digest_release(&digest);
    free(text);
    free(copy);
    return status ? -1 : 0;
}

/* What was measured of a preset was measured of this recipe. */
static int check_recipes(struct work *w, struct error *err)
{
    enum { SHOWN = sizeof((struct ablate_record *)0)->recipe - 1 };
    for (int p = 0; p < w->study->n_recipes; p++) {
        w->flops_per_image[p] = NAN;
        if (recipe_digest(w->study->recipes[p], w->digest[p], err))
            return -1;
        w->digest[p][SHOWN] = '\0';
        for (size_t i = 0; i < w->results->count; i++) {
            const struct ablate_record *r = &w->results->records[i];
            if (strcmp(r->preset, w->study->recipes[p]->preset) == 0 && strcmp(r->recipe, w->digest[p]) != 0)
                return error_set(err,
                                 "%s has %s with other values than now: times of both do not belong together; give "
                                 "another folder with --out, or the options of before",
                                 w->results->path, r->preset);
        }
    }
    return 0;
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

static int begin_results(struct work *w, struct error *err)
{
    const struct session *s = &w->current->session;
    struct ablate_setting setting = {.threads = s->program->options.threads};
    snprintf(setting.family, sizeof setting.family, "%s", s->family->name);
    snprintf(setting.precision, sizeof setting.precision, "%s", precision_name(s->precision));
    snprintf(setting.isa, sizeof setting.isa, "%s", isa_name(isa_current()));
    snprintf(setting.library, sizeof setting.library, "%s", s->family->library ? s->family->library() : "none");
    snprintf(setting.davidnet, sizeof setting.davidnet, "%s", w->study->davidnet);
    snprintf(setting.commit, sizeof setting.commit, "%s", w->study->commit);
    if (!w->results->begun && ceiling_measure(&setting.ceiling, s->precision, err))
        return -1;
    return ablate_results_begin(w->results, &setting, err);
}

static int measure(struct work *w, int p, int b, int variant, int round, struct error *err)
{
    const struct recipe *recipe = w->study->recipes[p];
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
    record.bytes = ablate_bytes(w->current, record.variant);
    w->flops += record.flops;
    snprintf(record.preset, sizeof record.preset, "%s", recipe->preset);
    snprintf(record.recipe, sizeof record.recipe, "%s", w->digest[p]);
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
    if (ablate_case_init(w->current, w->study->recipes[p], w->study->batches[b], err))
        return error_prefix(err, "%s at batch %d", w->study->recipes[p]->preset, w->study->batches[b]);
    int status = begin_results(w, err) ? -1 : measure_rounds(w, p, b, err);
    ablate_case_release(w->current);
    return status;
}

int ablate_run(const struct ablate_study *study, struct ablate_results *results,
               bool (*told)(void *context, const struct ablate_progress *progress), void *context, struct error *err)
{
    struct work *w = calloc(1, sizeof *w);
    if (w)
        *w = (struct work){.study = study, .results = results, .told = told, .context = context};
    if (!w || !(w->current = calloc(1, sizeof *w->current))) {
        free(w);
        return error_set(err, "out of memory for the study");
    }
    int status = check_recipes(w, err);
    for (int p = 0; p < study->n_recipes && !status; p++)
        for (int b = 0; b < study->n_batches && !status; b++)
            if (missing(w, p, b) > 0)
                status = measure_case(w, p, b, err);
    free(w->current);
    free(w);
    return status;
}
