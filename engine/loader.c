/*
 * Threads: the caller of loader_batch (the engine) and its workers. A worker takes the next step under `claim`, so
 * steps are claimed in order; while it has that lock it draws an epoch's choices if it is the first to need them, and
 * copies those of its step into the ring's slot for it. Then, without it, it makes the values. `ring` guards the slots'
 * states and the counters; whoever changes one of them signals `changed`. Both locks: claim first.
 *
 *   slots       step s has slot s % n_slots: FREE -> FILLING (worker) -> READY (worker) -> IN_USE (engine) -> FREE, at
 *               the engine's next call. A worker that claims a step waits for its slot to be free.
 *   batches     the workers' own, under claim
 *   normalised  written under claim by the worker that claims an epoch's first step, when nobody else is preparing;
 *               read while preparing
 *   worked_ns   added to by workers, under ring
 *   quit        set by the engine, under ring, when it wants them to end
 *
 * Workers open no parallel regions: one thread, one batch.
 */
#include "engine/loader.h"

#include "engine/thread.h"
#include "kernels/parallel.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t image_values(const struct images *images)
{
    return (size_t)images->channels * (size_t)images->height * (size_t)images->width;
}

/* ---- preprocess=epoch ---- */

static void normalise_range(void *context, size_t begin, size_t end, int thread)
{
    struct loader *loader = context;
    size_t values = image_values(loader->images), plane = values / (size_t)loader->images->channels;
    (void)thread;
    for (size_t i = begin * values; i < end * values; i++)
        loader->normalised[i] =
            loader->table.value[i / plane % (size_t)loader->images->channels][loader->images->pixels[i]];
}

/* ---- workers ---- */

/* Claims a step. NULL: there are none left, or quit. */
static struct loader_slot *claim_step(struct loader *loader)
{
    struct loader_slot *slot = NULL;
    pthread_mutex_lock(&loader->claim);
    if (loader->next < loader->end) {
        uint32_t step = loader->next, each = loader->batches.steps_per_epoch;
        int renew = loader->fresh && loader->normalised_epoch != step / each;
        slot = &loader->slots[step % (uint32_t)loader->n_slots];
        pthread_mutex_lock(&loader->ring);
        while (!loader->quit && (slot->state != LOADER_FREE || (renew && loader->preparing > 0)))
            pthread_cond_wait(&loader->changed, &loader->ring);
        int quit = loader->quit;
        if (!quit) {
            slot->state = LOADER_FILLING;
            loader->preparing++;
        }
        pthread_mutex_unlock(&loader->ring);
        if (quit) {
            pthread_mutex_unlock(&loader->claim);
            return NULL;
        }
        if (renew) {
            normalise_range(loader, 0, loader->images->count, 0);
            loader->normalised_epoch = step / each;
        }
        batches_find(&loader->batches, step, &slot->batch);
        memcpy(slot->choices, slot->batch.choices, (size_t)slot->batch.n * sizeof *slot->choices);
        slot->batch.choices = slot->choices;
        slot->batch.normalised = loader->normalised;
        slot->step = step;
        loader->next++;
    }
    pthread_mutex_unlock(&loader->claim);
    return slot;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *work(void *argument)
{
    struct loader *loader = argument;
    struct loader_slot *slot;
    pthread_mutex_lock(&loader->ring);
    int worker = loader->met++;
    pthread_mutex_unlock(&loader->ring);
    while ((slot = claim_step(loader)) != NULL) {
        struct batch *batch = &slot->batch;
        size_t values = (size_t)loader->images->channels * (size_t)batch_height(batch) * (size_t)batch_width(batch);
        slot->worker = worker;
        slot->begin = now_ns();
        batches_draw_items(&loader->batches, slot->step, slot->choices, batch->n);
        for (int i = 0; i < batch->n; i++)
            augment_floats(batch, &loader->table, i, slot->values + (size_t)i * values);
        slot->end = now_ns();
        pthread_mutex_lock(&loader->ring);
        loader->worked_ns += slot->end - slot->begin;
        batch->ready = slot->values;
        slot->state = LOADER_READY;
        loader->preparing--;
        pthread_cond_broadcast(&loader->changed);
        pthread_mutex_unlock(&loader->ring);
    }
    return NULL;
}

static void stop_workers(struct loader *loader)
{
    pthread_mutex_lock(&loader->ring);
    loader->quit = 1;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->ring);
    for (int i = 0; i < loader->n_running; i++)
        pthread_join(loader->workers[i], NULL);
    loader->n_running = 0;
}

/* Workers for the steps from `step` on: to the epoch's end, or the run's. */
static int start_workers(struct loader *loader, uint32_t step, struct error *err)
{
    uint32_t each = loader->batches.steps_per_epoch;
    stop_workers(loader);
    loader->quit = loader->preparing = loader->met = 0;
    loader->next = loader->expected = step;
    loader->end = step < loader->batches.steps ? loader->batches.steps : UINT32_MAX;
    if (loader->kind == RECIPE_LOADER_WORKERS_ANEW && (step / each + 1) * each < loader->end)
        loader->end = (step / each + 1) * each;
    for (int i = 0; i < loader->n_slots; i++)
        loader->slots[i].state = LOADER_FREE;
    while (loader->n_running < loader->n_workers) {
        if (thread_start(&loader->workers[loader->n_running], "loader", work, loader, err)) {
            stop_workers(loader);
            return -1;
        }
        loader->n_running++;
    }
    return 0;
}

/* ---- the engine's side ---- */

static int init_workers(struct loader *loader, const struct recipe *recipe, struct error *err)
{
    size_t batch = (size_t)recipe_batch(recipe), values = image_values(loader->images);
    loader->n_workers = recipe->loader_workers;
    loader->n_slots = loader->n_workers * LOADER_AHEAD;
    loader->slots = calloc((size_t)loader->n_slots, sizeof *loader->slots);
    if (!loader->slots || batches_init(&loader->batches, recipe, loader->images, err))
        return error_set(err, "out of memory for the loader's batches");
    for (int i = 0; i < loader->n_slots; i++) {
        loader->slots[i].choices = malloc(batch * sizeof *loader->slots[i].choices);
        loader->slots[i].values = malloc(batch * values * sizeof *loader->slots[i].values);
        if (!loader->slots[i].choices || !loader->slots[i].values)
            return error_set(err, "out of memory for the loader's %d batches; lower loader_workers", loader->n_slots);
    }
    return 0;
}

int loader_init(struct loader *loader, const struct recipe *recipe, struct batches *inline_batches, struct error *err)
{
    memset(loader, 0, sizeof *loader);
    loader->inline_batches = inline_batches;
    loader->images = inline_batches->images;
    loader->kind = recipe->loader;
    loader->fresh = recipe->preprocess == RECIPE_PREPROCESS_EPOCH;
    loader->normalised_epoch = BATCHES_NO_EPOCH;
    pthread_mutex_init(&loader->claim, NULL);
    pthread_mutex_init(&loader->ring, NULL);
    pthread_cond_init(&loader->changed, NULL);
    augment_table_init(&loader->table, loader->images);
    int status = 0;
    if (loader->fresh) {
        size_t count = loader->images->count * image_values(loader->images);
        loader->normalised = malloc(count * sizeof *loader->normalised);
        if (!loader->normalised)
            status = error_set(err, "out of memory for a normalised copy of the images (%zu MB); set preprocess=once",
                               count * sizeof *loader->normalised >> 20);
    }
    if (!status && loader->kind != RECIPE_LOADER_MAIN)
        status = init_workers(loader, recipe, err);
    if (status)
        loader_release(loader);
    return status;
}

void loader_release(struct loader *loader)
{
    if (!loader->images)
        return;
    stop_workers(loader);
    for (int i = 0; i < loader->n_slots && loader->slots; i++) {
        free(loader->slots[i].choices);
        free(loader->slots[i].values);
    }
    free(loader->slots);
    free(loader->normalised);
    batches_release(&loader->batches);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->ring);
    pthread_mutex_destroy(&loader->claim);
    memset(loader, 0, sizeof *loader);
}

static void take_inline(struct loader *loader, uint32_t step, struct batch *batch)
{
    uint32_t epoch = step / loader->inline_batches->steps_per_epoch;
    if (loader->fresh && loader->normalised_epoch != epoch) {
        parallel_for(loader->images->count, 1, normalise_range, loader);
        loader->normalised_epoch = epoch;
    }
    batches_at(loader->inline_batches, step, batch);
    batch->normalised = loader->normalised;
}

static int take_prepared(struct loader *loader, uint32_t step, struct batch *batch, struct error *err)
{
    /* Of those that are started anew, the last have ended when the next epoch's first step is asked for. */
    if (loader->n_running == 0 || step != loader->expected || step == loader->end)
        if (start_workers(loader, step, err))
            return -1;
    struct loader_slot *slot = &loader->slots[step % (uint32_t)loader->n_slots];
    pthread_mutex_lock(&loader->ring);
    for (int i = 0; i < loader->n_slots; i++)
        if (loader->slots[i].state == LOADER_IN_USE)
            loader->slots[i].state = LOADER_FREE;
    pthread_cond_broadcast(&loader->changed);
    while (slot->state != LOADER_READY)
        pthread_cond_wait(&loader->changed, &loader->ring);
    slot->state = LOADER_IN_USE;
    pthread_mutex_unlock(&loader->ring);
    *batch = slot->batch;
    loader->expected = step + 1;
    return 0;
}

int loader_batch(struct loader *loader, uint32_t step, struct batch *batch, struct error *err)
{
    if (loader->kind != RECIPE_LOADER_MAIN)
        return take_prepared(loader, step, batch, err);
    take_inline(loader, step, batch);
    return 0;
}

const struct loader_slot *loader_prepared(const struct loader *loader, uint32_t step)
{
    if (loader->kind == RECIPE_LOADER_MAIN)
        return NULL;
    return &loader->slots[step % (uint32_t)loader->n_slots];
}

uint64_t loader_worked_ns(struct loader *loader)
{
    if (loader->kind == RECIPE_LOADER_MAIN)
        return 0;
    pthread_mutex_lock(&loader->ring);
    uint64_t ns = loader->worked_ns;
    pthread_mutex_unlock(&loader->ring);
    return ns;
}
