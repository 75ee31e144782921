#include "engine/ladder.h"

#include "engine/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_rung(const void *a, const void *b)
{
    const struct recipe_about *x = a, *y = b;
    return (x->rung > y->rung) - (x->rung < y->rung);
}

/* The presets that are rungs, in order; malloc'ed. */
static struct recipe_about *list_rungs(int *count, struct error *err)
{
    struct recipe_about *all = malloc(2 * LADDER_MAX * sizeof *all);
    struct recipe *recipe = malloc(sizeof *recipe);
    int n = all ? recipe_preset_list(all, 2 * LADDER_MAX) : 0, rungs = 0;
    for (int i = 0; recipe && i < n; i++) {
        struct recipe_about full;
        if (all[i].path[0] == '\0' && recipe_preset_load(all[i].name, recipe, &full, NULL) == 0 && full.rung > 0 &&
            rungs < LADDER_MAX)
            all[rungs++] = full;
    }
    free(recipe);
    if (!all || rungs == 0) {
        error_set(err, "out of memory for the ladder");
        free(all);
        return NULL;
    }
    qsort(all, (size_t)rungs, sizeof *all, by_rung);
    *count = rungs;
    return all;
}

int ladder_init(struct ladder *ladder, struct error *err)
{
    int count = 0, rc = 0;
    memset(ladder, 0, sizeof *ladder);
    struct recipe_about *about = list_rungs(&count, err);
    if (!about)
        return -1;
    ladder->rung = calloc((size_t)count, sizeof *ladder->rung);
    ladder->recipe = calloc((size_t)count, sizeof *ladder->recipe);
    if (!ladder->rung || !ladder->recipe)
        rc = error_set(err, "out of memory for the ladder");
    for (int i = 0; rc == 0 && i < count; i++) {
        struct ladder_rung *rung = &ladder->rung[i];
        rung->about = about[i];
        rung->seconds = rung->images_per_second = NAN;
        rung->accuracy = sample_make(NULL, 0);
        rc = recipe_preset_load(about[i].name, &ladder->recipe[i], NULL, err);
        rung->epochs = ladder->recipe[i].epochs;
        rung->batch = recipe_batch(&ladder->recipe[i]);
        ladder->count = i + 1;
    }
    free(about);
    if (rc)
        ladder_release(ladder);
    return rc;
}

void ladder_release(struct ladder *ladder)
{
    free(ladder->rung);
    free(ladder->recipe);
    memset(ladder, 0, sizeof *ladder);
}

static int counts(const struct recipe *recipe, const struct run_entry *entry)
{
    return entry->problem[0] == '\0' && strncmp(entry->recipe.data, "synthetic", 9) != 0 &&
           forecast_same_family(recipe, &entry->recipe);
}

int ladder_on_synthetic(const struct recipe *recipe)
{
    char found[RUN_PATH_MAX];
    if (recipe->data[0] != '\0')
        return strncmp(recipe->data, "synthetic", 9) == 0;
    return dataset_default_source(found, sizeof found) == 0;
}

/* Times of the machine that most of the runs are of, the quiet ones if there are any. */
static void measure_time(struct ladder_rung *rung, const struct run_set *set)
{
    int most = 0;
    for (int busy = 0; busy < 2 && most == 0; busy++)
        for (int i = 0; i < set->n_runs; i++) {
            double seconds = 0, images = 0;
            int n = 0;
            for (int j = 0; j < set->n_runs; j++) {
                const struct verdict_run *run = &set->runs[j];
                if (run->diverged || run->contended != busy || !(run->seconds > 0) ||
                    strcmp(run->machine, set->runs[i].machine) != 0)
                    continue;
                n++;
                seconds += run->seconds;
                images += run->epochs * set->counted[j]->train_images;
            }
            if (n <= most)
                continue;
            most = n;
            rung->seconds = seconds / n;
            rung->images_per_second = images > 0 ? images / seconds : NAN;
            rung->busy = busy;
            snprintf(rung->machine, sizeof rung->machine, "%.*s", (int)sizeof rung->machine - 1, set->runs[i].machine);
        }
}

static void measure(struct ladder_rung *rung, const struct run_set *set)
{
    struct verdict v;
    verdict_make(set->runs, set->n_runs, NULL, 0, &(struct verdict_question){0}, &v);
    rung->accuracy = v.side[0].accuracy;
    rung->reached = v.side[0].reached;
    rung->seconds = rung->images_per_second = NAN;
    rung->busy = rung->running = 0;
    rung->machine[0] = rung->unfinished[0] = '\0';
    measure_time(rung, set);
    for (int i = 0; i < set->n_entries; i++) {
        const struct run_entry *entry = set->entries[i];
        if (strcmp(entry->summary.state, "running") == 0)
            rung->running = 1;
        else if (strcmp(entry->summary.state, "stopped") == 0 || strcmp(entry->summary.state, "killed") == 0)
            snprintf(rung->unfinished, sizeof rung->unfinished, "%s", entry->folder.path);
    }
}

int ladder_measure(struct ladder *ladder, struct run_entry *const *entries, int count)
{
    struct run_entry **list = malloc(((size_t)count + 1) * sizeof *list);
    int rc = list ? 0 : -1;
    for (int i = 0; rc == 0 && i < ladder->count; i++) {
        struct run_set set;
        int n = 0;
        for (int k = 0; k < count; k++)
            if (counts(&ladder->recipe[i], entries[k]))
                list[n++] = entries[k];
        rc = run_set_make(&set, ladder->rung[i].about.name, list, n);
        if (rc == 0)
            measure(&ladder->rung[i], &set);
        run_set_release(&set);
    }
    free(list);
    return rc;
}
