#include "engine/ablate_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *title;
} costs[ABLATE_COST_COUNT] = {
    [ABLATE_FULL] = {"data", "data and augmentation"},
    [ABLATE_RANDOM] = {"update", "update"},
    [ABLATE_NO_UPDATE] = {"norm_act", "norm and activation"},
    [ABLATE_NO_NORM] = {"classifier", "classifier, loss, copy"},
    [ABLATE_BACKBONE] = {"pool_add", "pools and additions"},
    [ABLATE_CONVOLUTIONS] = {"conv", "convolutions"},
};

const char *ablate_cost_title(int cost)
{
    return costs[cost].title;
}

const char *ablate_cost_name(int cost)
{
    return costs[cost].name;
}

const char *ablate_cost_certainty(const struct ablate_cost *cost, int rounds)
{
    if (rounds < 2)
        return "one round";
    return cost->low <= 0 && cost->high >= 0 ? "within noise" : "in every round";
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts them; n at least 1. */
static double find_median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static void summarise_variant(const struct ablate_results *results, const char *preset, int batch,
                              enum ablate_variant variant, struct ablate_variant_summary *v)
{
    const struct ablate_record *fastest = NULL;
    double ms[ABLATE_ROUNDS_MAX];
    *v = (struct ablate_variant_summary){
        .ms = NAN, .median = NAN, .most = NAN, .cpu_ms = NAN, .flops = NAN, .bytes = NAN};
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        v->part_ms[p] = NAN;
    for (int i = 0; i < ABLATE_ROUNDS_MAX; i++) {
        const struct ablate_record *record = ablate_results_find(results, preset, batch, variant, i);
        if (!record)
            continue;
        ms[v->rounds++] = 1e3 * record->times.seconds;
        v->noisy += record->noisy;
        v->cpu_ms = fmin(v->cpu_ms, 1e3 * record->times.cpu);
        if (!fastest || record->times.seconds < fastest->times.seconds)
            fastest = record;
    }
    if (!fastest)
        return;
    v->median = find_median(ms, v->rounds);
    v->ms = ms[0];
    v->most = ms[v->rounds - 1];
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        v->part_ms[p] = 1e3 * fastest->times.part[p];
    v->flops = fastest->flops;
    v->bytes = fastest->bytes;
}

/* Is that part what the next variant is without? Of data: what is left of augmentation is a copy. */
static bool is_removed(int cost, int part)
{
    enum ablate_variant before = (enum ablate_variant)cost, after = (enum ablate_variant)(cost + 1);
    if (before == ABLATE_FULL && part == ABLATE_AUGMENT)
        return true;
    return ablate_leaves_out(after, (enum ablate_part)part) && !ablate_leaves_out(before, (enum ablate_part)part);
}

static void explain(struct ablate_summary *s, int cost)
{
    const struct ablate_variant_summary *before = &s->variant[cost], *after = &s->variant[cost + 1];
    struct ablate_cost *c = &s->cost[cost];
    c->ms = before->ms - after->ms;
    c->cpu = before->cpu_ms - after->cpu_ms;
    for (int p = 0; p < ABLATE_PART_COUNT; p++) {
        double less = before->part_ms[p] - after->part_ms[p];
        if (is_removed(cost, p))
            c->timers += less;
        else if (p == ABLATE_BETWEEN)
            c->between += less;
        else if (cost == ABLATE_NO_UPDATE && p == ABLATE_POOL)
            c->fused += less;
        else
            c->others += less;
    }
}

/* What is left when all else is removed. */
static void explain_last(struct ablate_summary *s)
{
    const struct ablate_variant_summary *left = &s->variant[ABLATE_CONVOLUTIONS];
    s->cost[ABLATE_CONVOLUTIONS] = (struct ablate_cost){.ms = left->ms,
                                                        .median = left->median,
                                                        .low = left->ms,
                                                        .high = left->most,
                                                        .cpu = left->cpu_ms,
                                                        .timers = left->part_ms[ABLATE_CONV],
                                                        .between = left->part_ms[ABLATE_BETWEEN]};
}

/* What the timers of the full step say. */
static void sum_timers(struct ablate_summary *s)
{
    const double *part = s->variant[ABLATE_FULL].part_ms, copy = s->variant[ABLATE_RANDOM].part_ms[ABLATE_AUGMENT];
    s->cost[ABLATE_FULL].step = part[ABLATE_LOADER] + part[ABLATE_AUGMENT] - copy;
    s->cost[ABLATE_RANDOM].step = part[ABLATE_UPDATE];
    s->cost[ABLATE_NO_UPDATE].step = part[ABLATE_NORM];
    s->cost[ABLATE_NO_NORM].step = part[ABLATE_CLASSIFIER] + copy;
    s->cost[ABLATE_BACKBONE].step = part[ABLATE_POOL];
    s->cost[ABLATE_CONVOLUTIONS].step = part[ABLATE_CONV];
    s->timers_ms = s->variant[ABLATE_FULL].ms - part[ABLATE_BETWEEN];
}

static void find_spread(const struct ablate_results *results, struct ablate_summary *s, int cost)
{
    struct ablate_cost *c = &s->cost[cost];
    double ms[ABLATE_ROUNDS_MAX];
    int n = 0;
    c->median = c->low = c->high = NAN;
    for (int i = 0; i < ABLATE_ROUNDS_MAX; i++) {
        const struct ablate_record *before =
            ablate_results_find(results, s->preset, s->batch, (enum ablate_variant)cost, i);
        const struct ablate_record *after =
            ablate_results_find(results, s->preset, s->batch, (enum ablate_variant)(cost + 1), i);
        if (before && after)
            ms[n++] = 1e3 * (before->times.seconds - after->times.seconds);
    }
    if (n == 0)
        return;
    c->median = find_median(ms, n);
    c->low = ms[0];
    c->high = ms[n - 1];
}

void ablate_summarise(const struct ablate_results *results, const char *preset, int batch,
                      struct ablate_summary *summary)
{
    memset(summary, 0, sizeof *summary);
    snprintf(summary->preset, sizeof summary->preset, "%s", preset);
    summary->batch = batch;
    for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
        summarise_variant(results, preset, batch, (enum ablate_variant)v, &summary->variant[v]);
    for (int c = 0; c < ABLATE_CONVOLUTIONS; c++) {
        explain(summary, c);
        find_spread(results, summary, c);
    }
    explain_last(summary);
    sum_timers(summary);
    summary->bound_ms = 1e3 * summary->variant[ABLATE_CONVOLUTIONS].flops / results->setting.ceiling.flops;
}

void ablate_count_noisy(const struct ablate_summary *list, int count, int *noisy, int *rounds)
{
    *noisy = *rounds = 0;
    for (int i = 0; i < count; i++)
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++) {
            *noisy += list[i].variant[v].noisy;
            *rounds += list[i].variant[v].rounds;
        }
}

/* Where it belongs in the list: behind its preset's smaller batches. -1: it is there. */
static int place_of(const struct ablate_summary *list, int count, const struct ablate_record *record)
{
    int at = count;
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i].preset, record->preset) != 0)
            continue;
        if (list[i].batch == record->batch)
            return -1;
        if (list[i].batch > record->batch)
            return i;
        at = i + 1;
    }
    return at;
}

/* 1: it is to be shown. */
static int is_chosen(const struct ablate_choice *choice, const struct ablate_record *record)
{
    int preset = choice->n_presets == 0, batch = choice->n_batches == 0;
    for (int i = 0; i < choice->n_presets; i++)
        preset |= strcmp(choice->presets[i], record->preset) == 0;
    for (int i = 0; i < choice->n_batches; i++)
        batch |= choice->batches[i] == record->batch;
    return preset && batch;
}

/* "quick (128, 512), davidnet-79 (512)" */
static void list_measured(const struct ablate_results *results, char *out, size_t size)
{
    const struct ablate_choice all = {.n_presets = 0};
    struct ablate_summary *list;
    int count;
    size_t used = 0;
    snprintf(out, size, "%s", "");
    if (ablate_summarise_all(results, &all, &list, &count, NULL))
        return;
    for (int i = 0; i < count && used < size; i++) {
        int first = i == 0 || strcmp(list[i].preset, list[i - 1].preset) != 0;
        int last = i == count - 1 || strcmp(list[i].preset, list[i + 1].preset) != 0;
        if (first)
            used += (size_t)snprintf(out + used, size - used, "%s%s (", i > 0 ? ", " : "", list[i].preset);
        if (used < size)
            used +=
                (size_t)snprintf(out + used, size - used, "%s%d%s", first ? "" : ", ", list[i].batch, last ? ")" : "");
    }
    free(list);
}

/* Each preset and each batch size that was asked for must be there, in some pair. */
static int check_choice(const struct ablate_results *results, const struct ablate_choice *choice, struct error *err)
{
    char known[600], what[96] = "";
    for (int i = 0; i < choice->n_presets && !what[0]; i++) {
        const struct ablate_choice one = {
            .presets = &choice->presets[i], .n_presets = 1, .batches = choice->batches, .n_batches = choice->n_batches};
        int found = 0;
        for (size_t k = 0; k < results->count; k++)
            found |= is_chosen(&one, &results->records[k]);
        if (!found)
            snprintf(what, sizeof what, "%s", choice->presets[i]);
    }
    for (int i = 0; i < choice->n_batches && !what[0]; i++) {
        const struct ablate_choice one = {
            .presets = choice->presets, .n_presets = choice->n_presets, .batches = &choice->batches[i], .n_batches = 1};
        int found = 0;
        for (size_t k = 0; k < results->count; k++)
            found |= is_chosen(&one, &results->records[k]);
        if (!found)
            snprintf(what, sizeof what, "batch %d", choice->batches[i]);
    }
    if (!what[0])
        return 0;
    list_measured(results, known, sizeof known);
    return error_set(err, "%s: %s is not measured, it has %s; leave --table out to measure it", results->path, what,
                     known);
}

int ablate_summarise_all(const struct ablate_results *results, const struct ablate_choice *choice,
                         struct ablate_summary **list, int *count, struct error *err)
{
    *count = 0;
    *list = NULL;
    if (check_choice(results, choice, err))
        return -1;
    for (size_t i = 0; i < results->count; i++) {
        const struct ablate_record *record = &results->records[i];
        int at = is_chosen(choice, record) ? place_of(*list, *count, record) : -1;
        if (at < 0)
            continue;
        struct ablate_summary *more = realloc(*list, (size_t)(*count + 1) * sizeof *more);
        if (!more) {
            free(*list);
            *list = NULL;
            return error_set(err, "out of memory for the table");
        }
        *list = more;
        memmove(&more[at + 1], &more[at], (size_t)(*count - at) * sizeof *more);
        ablate_summarise(results, record->preset, record->batch, &more[at]);
        (*count)++;
    }
    return 0;
}

/* Of the preset that begins at list[first]; returns where the next one begins. */
static int put_command(FILE *out, const struct ablate_results *results, const struct ablate_summary *list, int count,
                       int first)
{
    const struct ablate_recipe *recipe = ablate_results_recipe(results, list[first].preset);
    int i = first, rounds = 1;
    fprintf(out, "%sdavidnet lab ablate ", first > 0 ? " && " : "");
    if (recipe)
        fprintf(out, "%s", recipe->options);
    else
        fprintf(out, "--preset %s", list[first].preset);
    fprintf(out, " --batches ");
    for (; i < count && strcmp(list[i].preset, list[first].preset) == 0; i++) {
        fprintf(out, "%s%d", i > first ? "," : "", list[i].batch);
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
            rounds = list[i].variant[v].rounds > rounds ? list[i].variant[v].rounds : rounds;
    }
    fprintf(out, " --rounds %d", rounds);
    return i;
}

char *ablate_command(const struct ablate_results *results, const struct ablate_summary *list, int count,
                     struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < count && out;)
        i = put_command(out, results, list, count, i);
    if (out && results->version < 2)
        fputs(" # and the options of a recipe, which this file does not know", out);
    if (out && fclose(out) == 0)
        return text;
    free(text);
    error_set(err, "out of memory for the command");
    return NULL;
}
