/* Progressive sizes: which step has which, the same weights behind every program, and networks that are refused. */
#include "engine/evaluate.h"

#include "engine/checkpoint.h"
#include "kernels/augment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct images square = {.count = 10, .channels = 3, .height = 32, .width = 32, .classes = 10};

static void size_is(const struct stages *stages, const struct images *images, uint32_t step, uint32_t steps, int height,
                    int width)
{
    int h, w;
    stages_at(stages, images, step, steps, &h, &w);
    assert_int_equal(h, height);
    assert_int_equal(w, width);
}

static void test_steps_have_sizes(void **state)
{
    (void)state;
    static const struct images wide = {.count = 10, .channels = 3, .height = 16, .width = 24, .classes = 10};
    struct stages stages;
    struct error err = {""};
    assert_int_equal(stages_parse(&stages, "20x3,24x3,32x2", &err), 0);
    assert_int_equal(stages.count, 3);
    assert_int_equal(stages_check(&stages, &square, &err), 0);
    size_is(&stages, &square, 0, 80, 20, 20);
    size_is(&stages, &square, 29, 80, 20, 20);
    size_is(&stages, &square, 30, 80, 24, 24);
    size_is(&stages, &square, 59, 80, 24, 24);
    size_is(&stages, &square, 60, 80, 0, 0); /* their own */
    size_is(&stages, &square, 79, 80, 0, 0);
    size_is(&stages, &square, 8, 24, 20, 20); /* stretched: to 9, 9 and 6 steps */
    size_is(&stages, &square, 9, 24, 24, 24);
    double pixels = 9 * (20 * 20 / 1024.0) + 9 * (24 * 24 / 1024.0) + 6;
    assert_true(fabs(stages_pixels(&stages, &square, 0, 24, 24) - pixels) < 1e-9);
    assert_true(fabs(stages_pixels(&stages, &square, 16, 20, 24) - 2 * (24 * 24 / 1024.0) - 2) < 1e-9);
    assert_true(stages_pixels(&stages, &square, 24, 24, 24) == 0);
    assert_int_equal(stages_parse(&stages, "8x0.5,16x1.5", &err), 0);
    size_is(&stages, &wide, 0, 8, 8, 12);
    size_is(&stages, &wide, 2, 8, 0, 0);
    assert_int_equal(stages_parse(&stages, "24x1", &err), 0);
    assert_int_equal(stages_check(&stages, &wide, &err), -1);
    assert_non_null(strstr(err.text, "cannot be trained on at 24; give 16 or less"));
}

static void test_what_cannot_be_read(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "24",
                                      "24x",
                                      "x4",
                                      "24x4,",
                                      "24x4;32x4",
                                      "24x0",
                                      "24x-1",
                                      "3x1",
                                      "257x1",
                                      "24xnan",
                                      "24x4,32x",
                                      "24x1e9",
                                      "a",
                                      "24.5x1",
                                      "24x4 ",
                                      "99999999999999999999x1"};
    struct stages stages;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = {""};
        assert_int_equal(stages_parse(&stages, bad[i], &err), -1);
        assert_non_null(strstr(err.text, "expected up to 16 of SIZExEPOCHS, such as 24x4,32x4"));
    }
    struct error err = {""};
    struct recipe recipe;
    struct recipe_request request = {.n_on = 1, .on = {"progressive_size"}, .n_sets = 1, .sets = {"sizes=big"}};
    assert_int_equal(recipe_resolve(&request, &recipe, &err), -1);
    assert_non_null(strstr(err.text, "sizes = big"));
}

/* 96 images in batches of 24 for 3 epochs: a step at 16 pixels, 5 at 24, 6 at 32. */
static void make_recipe(const char *device, const char *more, struct recipe *recipe)
{
    struct error err = {""};
    char device_set[32];
    snprintf(device_set, sizeof device_set, "device=%s", device);
    struct recipe_request request = {.preset = "davidnet-79",
                                     .n_on = 1,
                                     .on = {"progressive_size"},
                                     .n_sets = 11,
                                     .sets = {"epochs=3", "lr_knots=0,1,3", "lr_values=0,0.1,0", "width=4", "batch=24",
                                              "data=synthetic:3:96", "seed=7", "sizes=16x0.25,24x1.25,32x1.5",
                                              "precision=f32", device_set, more}};
    if (recipe_resolve(&request, recipe, &err))
        fail_msg("%s", err.text);
    strcpy(recipe->network, "prep = block c\nlayer1 = res_block 2c convs=1\npool = global_max\nlogits = linear\n");
}

static struct session *open_session(const struct recipe *recipe)
{
    struct error err = {""};
    struct session *session = calloc(1, sizeof *session);
    if (session_open_data(session, recipe, &err) || session_compile(session, 0, &err))
        fail_msg("%s", err.text);
    return session;
}

static void close_session(struct session *session)
{
    session_release(session);
    free(session);
}

/* Trains that step and looks at the input: it is the shrunk batch. */
static void train(struct session *session, uint32_t step)
{
    struct error err = {""};
    struct batch batch = {0};
    struct hyper hyper;
    struct step_result result = {.bad_row = -1};
    struct augment_table table;
    session_hyper(session, step, &hyper);
    if (session_batch(session, step, &batch, &err) || executor_train(&session->executor, &batch, &hyper, &result, &err))
        fail_msg("%s", err.text);
    assert_int_equal(result.bad_row, -1);
    int side = step < 1 ? 16 : step < 6 ? 24 : 32;
    size_t size = 3 * (size_t)side * (size_t)side;
    assert_int_equal(batch_height(&batch), side);
    assert_int_equal(session->executor.program->plan->rows[0].out.h, side);
    float *input = malloc((size_t)batch.n * size * sizeof *input), *want = malloc(size * sizeof *want);
    augment_table_init(&table, batch.images);
    if (session->family->read_tensor(session->program, "input", PROGRAM_VALUE, input, (size_t)batch.n * size, &err))
        fail_msg("%s", err.text);
    batch.ready = NULL;
    for (int i = 0; i < batch.n; i++) {
        augment_floats(&batch, &table, i, want);
        assert_memory_equal(input + (size_t)i * size, want, size * sizeof *want);
    }
    free(input);
    free(want);
}

static void take(struct session *session, struct checkpoint *checkpoint)
{
    struct error err = {""};
    memset(checkpoint, 0, sizeof *checkpoint);
    if (checkpoint_init(checkpoint, &session->plan, &err) || checkpoint_take(checkpoint, session->program, &err))
        fail_msg("%s", err.text);
}

static void same(const struct checkpoint *a, const struct checkpoint *b)
{
    size_t size = a->plan->arena_count * sizeof(float);
    assert_memory_equal(a->value, b->value, size);
    assert_memory_equal(a->momentum, b->momentum, size);
}

/* Every switch, also to evaluate in between, moves all tensors without changing a bit; and training that goes on from
 * a checkpoint of any stage comes to the same weights. */
static void trains_through_all_sizes(const char *device, const char *loader)
{
    struct recipe recipe;
    struct error err = {""};
    make_recipe(device, loader, &recipe);
    struct session *session = open_session(&recipe);
    struct checkpoint middle[3], before, after, last, again;
    int n_middle = 0;
    assert_int_equal(session->steps, 12);
    for (uint32_t step = 0; step < 12; step++) {
        int height, width;
        train(session, step);
        if (step == 0 || step == 3 || step == 5)
            take(session, &middle[n_middle++]);
        take(session, &before);
        session_size(session, &height, &width);
        if (session_size_use(session, 0, 0, &err))
            fail_msg("%s", err.text);
        assert_ptr_equal(session->program->plan, &session->plan);
        take(session, &after);
        same(&before, &after);
        struct step_result result = {.bad_row = -1};
        assert_int_equal(session_evaluate(session, NULL, &result, NULL, NULL, &err), 0);
        if (step % 2 == 0 && session_size_use(session, height, width, &err)) /* the next batch does it, too */
            fail_msg("%s", err.text);
        checkpoint_release(&before);
        checkpoint_release(&after);
    }
    take(session, &last);
    for (int i = 0; i < 3; i++) {
        static const uint32_t steps[] = {1, 4, 6};
        struct session *resumed = open_session(&recipe);
        assert_int_equal(checkpoint_give(&middle[i], resumed->program, &err), 0);
        for (uint32_t step = steps[i]; step < 12; step++)
            train(resumed, step);
        take(resumed, &again);
        same(&last, &again);
        checkpoint_release(&again);
        close_session(resumed);
        checkpoint_release(&middle[i]);
    }
    checkpoint_release(&last);
    close_session(session);
}

static void test_cpu(void **state)
{
    (void)state;
    trains_through_all_sizes("cpu", "loader=main");
}

static void test_ref_with_workers(void **state)
{
    (void)state;
    trains_through_all_sizes("ref", "loader=workers");
}

static void refused(const char *network, const char *part)
{
    struct recipe recipe;
    struct error err = {""};
    struct plan *plan = malloc(sizeof *plan);
    make_recipe("cpu", "loader=main", &recipe);
    strcpy(recipe.network, network);
    assert_int_equal(session_check(&recipe, plan, &err), -1);
    if (!strstr(err.text, part))
        fail_msg("'%s' does not say '%s'", err.text, part);
    recipe.progressive_size = 0;
    assert_int_equal(session_check(&recipe, plan, &err), 0);
    free(plan);
}

static void test_networks_that_depend_on_the_size(void **state)
{
    (void)state;
    refused("prep = block c\nlogits = linear\n", "let the network end in a global pool");
    refused("prep = block c\nlayer1 = block c\nlayer2 = block c\npool = max_pool 4\nlogits = linear\n",
            "progressive_size, at 16 pixels");
}

/* The batches that a front end shows are those that are trained on: its own, from the recipe. */
static void test_batches_know_their_size(void **state)
{
    (void)state;
    struct recipe recipe;
    struct dataset dataset;
    struct batches batches;
    struct batch batch;
    struct error err = {""};
    make_recipe("cpu", "loader=main", &recipe);
    if (dataset_open(&dataset, recipe.data, &err) || batches_init(&batches, &recipe, &dataset.train, &err))
        fail_msg("%s", err.text);
    batches_at(&batches, 5, &batch);
    assert_int_equal(batch.height, 24);
    batches_at(&batches, 6, &batch);
    assert_int_equal(batch.height, 0);
    batches_release(&batches);
    dataset_release(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_have_sizes),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_ref_with_workers),
        cmocka_unit_test(test_networks_that_depend_on_the_size),
        cmocka_unit_test(test_batches_know_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
