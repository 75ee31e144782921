/* The loader: whoever prepares a batch, and when, it is the same batch, and so are the weights that come of it. */
#include "engine/session.h"

#include "engine/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIXELS 3072
#define EPOCHS 3

struct setting {
    const char *loader;
    int workers;
    const char *random, *preprocess;
};

static const struct setting settings[] = {
    {"main", 1, "bulk", "once"},         {"main", 1, "item", "once"},          {"main", 1, "bulk", "epoch"},
    {"workers", 1, "bulk", "once"},      {"workers", 3, "bulk", "epoch"},      {"workers", 3, "item", "once"},
    {"workers_anew", 1, "bulk", "once"}, {"workers_anew", 4, "item", "epoch"},
};

#define SETTINGS (sizeof settings / sizeof *settings)

/* 100 images; without drop_last an epoch's last batch has 4. */
static void make_recipe(const struct setting *setting, const char *more, struct recipe *recipe)
{
    struct error err = {""};
    char loader[40], workers[40], random[40], preprocess[40];
    snprintf(loader, sizeof loader, "loader=%s", setting->loader);
    snprintf(workers, sizeof workers, "loader_workers=%d", setting->workers);
    snprintf(random, sizeof random, "loader_random=%s", setting->random);
    snprintf(preprocess, sizeof preprocess, "preprocess=%s", setting->preprocess);
    struct recipe_request request = {.preset = "davidnet-79",
                                     .n_on = 2,
                                     .on = {"brightness_contrast", "alternating_flip"},
                                     .n_sets = 13,
                                     .sets = {"epochs=3", "lr_knots=0,1,3", "lr_values=0,0.1,0", "width=4", "batch=24",
                                              "data=synthetic:3:100", "seed=7", "device=cpu", loader, workers, random,
                                              preprocess, more}};
    if (recipe_resolve(&request, recipe, &err))
        fail_msg("%s", err.text);
    strcpy(recipe->network, "prep = block c\nlayer1 = res_block 2c convs=1\npool = global_max\nlogits = linear\n");
}

struct bench {
    struct recipe recipe;
    struct dataset dataset;
    struct batches batches;
    struct loader loader;
};

static void open_bench(struct bench *bench, const struct setting *setting, const char *more)
{
    struct error err = {""};
    memset(bench, 0, sizeof *bench);
    make_recipe(setting, more, &bench->recipe);
    if (dataset_open(&bench->dataset, bench->recipe.data, &err) ||
        batches_init(&bench->batches, &bench->recipe, &bench->dataset.train, &err) ||
        loader_init(&bench->loader, &bench->recipe, &bench->batches, &err))
        fail_msg("%s", err.text);
}

static void close_bench(struct bench *bench)
{
    loader_release(&bench->loader);
    batches_release(&bench->batches);
    dataset_release(&bench->dataset);
}

static void same_batch(struct bench *bench, struct bench *plain, uint32_t step)
{
    static struct augment_table table;
    static float is[PIXELS], should[PIXELS];
    struct error err = {""};
    struct batch batch = {0}, expected = {0};
    if (loader_batch(&bench->loader, step, &batch, &err) || loader_batch(&plain->loader, step, &expected, &err))
        fail_msg("%s", err.text);
    assert_int_equal(batch.n, expected.n);
    assert_memory_equal(batch.choices, expected.choices, (size_t)batch.n * sizeof *batch.choices);
    assert_int_equal(batch.ready != NULL, bench->loader.kind != RECIPE_LOADER_MAIN);
    augment_table_init(&table, &plain->dataset.train);
    for (int i = 0; i < batch.n; i++) {
        augment_floats(&batch, &table, i, is);
        augment_floats(&expected, &table, i, should);
        assert_memory_equal(is, should, sizeof is);
    }
}

/* In a row to the run's end, with the small last batch of an epoch; then steps out of order, and beyond the end. */
static void test_batches_are_the_same(void **state)
{
    (void)state;
    static const uint32_t jumps[] = {7, 2, 3, 4, 14, 15, 16, 0, 0, 100};
    struct bench plain, bench;
    open_bench(&plain, &settings[0], "drop_last=off");
    for (size_t s = 0; s < SETTINGS; s++) {
        open_bench(&bench, &settings[s], "drop_last=off");
        assert_int_equal(bench.batches.steps, 5 * EPOCHS);
        for (uint32_t step = 0; step < bench.batches.steps; step++)
            same_batch(&bench, &plain, step);
        for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++)
            same_batch(&bench, &plain, jumps[i]);
        close_bench(&bench);
    }
    close_bench(&plain);
}

static void test_larger_batches_are_the_same(void **state)
{
    (void)state;
    struct bench plain, bench;
    open_bench(&plain, &settings[0], "batch_times=3");
    open_bench(&bench, &settings[5], "batch_times=3");
    assert_int_equal(bench.batches.batch, 72);
    for (uint32_t step = 0; step < bench.batches.steps; step++)
        same_batch(&bench, &plain, step);
    close_bench(&bench);
    close_bench(&plain);
}

/* Grouped augmentation, which is drawn for a whole epoch. */
static void test_groups_are_the_same(void **state)
{
    (void)state;
    struct bench plain, bench;
    open_bench(&plain, &settings[0], "gpu_data=on");
    open_bench(&bench, &settings[4], "gpu_data=on");
    for (uint32_t step = 0; step < bench.batches.steps; step++)
        same_batch(&bench, &plain, step);
    close_bench(&bench);
    close_bench(&plain);
}

/* Ended before they are done: with a full ring, in the middle of an epoch, before the first batch. */
static void test_workers_end_at_any_time(void **state)
{
    (void)state;
    struct bench bench;
    for (size_t s = 0; s < SETTINGS; s++)
        for (uint32_t steps = 0; steps < 3; steps++) {
            struct error err = {""};
            struct batch batch;
            open_bench(&bench, &settings[s], "crop=on");
            for (uint32_t step = 0; step < steps; step++)
                assert_int_equal(loader_batch(&bench.loader, step, &batch, &err), 0);
            close_bench(&bench);
        }
}

/* Weights, momentum and running statistics after three epochs. */
static void train(const struct setting *setting, struct checkpoint *checkpoint, struct plan *plan)
{
    struct error err = {""};
    struct recipe recipe;
    struct session *session = calloc(1, sizeof *session);
    make_recipe(setting, "drop_last=off", &recipe);
    if (session_open_data(session, &recipe, &err) || session_compile(session, 0, &err))
        fail_msg("%s", err.text);
    for (uint32_t step = 0; step < session->steps; step++) {
        struct batch batch;
        struct hyper hyper;
        struct step_result result = {.bad_row = -1};
        session_hyper(session, step, &hyper);
        if (session_batch(session, step, &batch, &err) ||
            executor_train(&session->executor, &batch, &hyper, &result, &err))
            fail_msg("%s", err.text);
        assert_int_equal(result.bad_row, -1);
    }
    *plan = session->plan;
    if (checkpoint_init(checkpoint, plan, &err) || checkpoint_take(checkpoint, session->program, &err))
        fail_msg("%s", err.text);
    session_release(session);
    free(session);
}

static void test_weights_are_the_same(void **state)
{
    (void)state;
    static struct plan plan, other_plan;
    struct checkpoint first = {0}, other = {0};
    train(&settings[0], &first, &plan);
    for (size_t s = 2; s < SETTINGS; s += 2 + (s == 4)) { /* 2, 4, 7: each kind of loader */
        train(&settings[s], &other, &other_plan);
        assert_memory_equal(first.value, other.value, plan.arena_count * sizeof(float));
        assert_memory_equal(first.momentum, other.momentum, plan.arena_count * sizeof(float));
        checkpoint_release(&other);
    }
    checkpoint_release(&first);
}

static void test_groups_cannot_be_drawn_by_item(void **state)
{
    (void)state;
    struct error err = {""};
    struct recipe recipe;
    struct recipe_request request = {.n_on = 1, .on = {"gpu_data"}, .n_sets = 1, .sets = {"loader_random=item"}};
    assert_int_equal(recipe_resolve(&request, &recipe, &err), -1);
    assert_non_null(strstr(err.text, "set loader_random=bulk or gpu_data=off"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_are_the_same),        cmocka_unit_test(test_groups_are_the_same),
        cmocka_unit_test(test_larger_batches_are_the_same), cmocka_unit_test(test_workers_end_at_any_time),
        cmocka_unit_test(test_weights_are_the_same),        cmocka_unit_test(test_groups_cannot_be_drawn_by_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
