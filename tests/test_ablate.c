/* Selective removal: what each variant runs, what its times are made of, and what cannot be taken apart. */
#include "engine/ablate.h"

#include "tests/denormals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static struct ablate_case ablate; /* large: not for the stack */
static struct error err;

#define BATCH 20

static void make_recipe(const char *preset, const char *device, const char *more, struct recipe *recipe)
{
    const struct recipe_request request = {.preset = preset,
                                           .n_sets = more ? 5 : 4,
                                           .sets = {"width=8", "data=synthetic:1:50", "threads=1", device, more}};
    if (recipe_resolve(&request, recipe, &err))
        fail_msg("%s", err.text);
}

static void open_case(const char *preset, const char *device)
{
    struct recipe *recipe = malloc(sizeof *recipe);
    assert_non_null(recipe);
    make_recipe(preset, device, NULL, recipe);
    int status = ablate_case_init(&ablate, recipe, BATCH, &err);
    free(recipe);
    if (status)
        fail_msg("%s", err.text);
}

static const struct program *program_of(enum ablate_variant variant)
{
    return ablate_executor(&ablate, variant)->program;
}

/* ---- what runs ---- */

static bool runs(enum ablate_variant variant, enum phase phase, const char *row)
{
    const struct program *program = program_of(variant);
    for (int i = 0; i < program->n_train; i++)
        if (program->train[i].phase == phase && !ablate.skip[variant][i] &&
            strcmp(program->plan->rows[program->train[i].rows[0]].name, row) == 0)
            return true;
    return false;
}

/* On ref, where a step is a row: what a variant runs is what the one before runs, less the parts that it leaves out. */
static void test_each_leaves_out_one_part_more(void **state)
{
    (void)state;
    static const char *const presets[] = {"davidnet-79", "batch512-256"};
    for (size_t p = 0; p < 2; p++) {
        open_case(presets[p], "device=ref");
        for (int v = 1; v < ABLATE_VARIANT_COUNT; v++) {
            const struct program *before = program_of((enum ablate_variant)(v - 1));
            const struct program *program = program_of((enum ablate_variant)v);
            int left = 0, ran = 0, run = 0;
            for (int i = 0; i < before->n_train; i++) {
                const struct program_step *step = &before->train[i];
                if (ablate.skip[v - 1][i])
                    continue;
                ran++;
                bool out = ablate_leaves_out((enum ablate_variant)v, ablate_part_of(before->plan, step));
                left += out;
                assert_int_equal(!out,
                                 runs((enum ablate_variant)v, step->phase, before->plan->rows[step->rows[0]].name));
            }
            for (int i = 0; i < program->n_train; i++)
                run += !ablate.skip[v][i];
            assert_int_equal(run, ran - left);
            assert_true(left > 0 || v == ABLATE_RANDOM);
        }
        ablate_case_release(&ablate);
    }
}

static void test_parts(void **state)
{
    (void)state;
    open_case("davidnet-79", "device=ref");
    static const struct {
        enum phase phase;
        const char *row;
        enum ablate_part part;
    } expected[] = {
        {PHASE_AUGMENT, "input", ABLATE_AUGMENT},      {PHASE_FORWARD, "prep/conv", ABLATE_CONV},
        {PHASE_BACKWARD, "prep/conv", ABLATE_CONV},    {PHASE_UPDATE, "prep/conv", ABLATE_UPDATE},
        {PHASE_UPDATE, "prep/norm", ABLATE_UPDATE},    {PHASE_FORWARD, "prep/norm", ABLATE_NORM},
        {PHASE_BACKWARD, "prep/act", ABLATE_NORM},     {PHASE_FORWARD, "layer1/pool", ABLATE_POOL},
        {PHASE_BACKWARD, "pool", ABLATE_POOL},         {PHASE_BACKWARD, "layer1/residual/add", ABLATE_POOL},
        {PHASE_FORWARD, "logits", ABLATE_CLASSIFIER},  {PHASE_LOSS, "loss", ABLATE_CLASSIFIER},
        {PHASE_BACKWARD, "logits", ABLATE_CLASSIFIER},
    };
    const struct program *program = program_of(ABLATE_FULL);
    size_t found = 0;
    for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++)
        for (int i = 0; i < program->n_train; i++)
            if (program->train[i].phase == expected[k].phase &&
                strcmp(program->plan->rows[program->train[i].rows[0]].name, expected[k].row) == 0) {
                assert_int_equal(ablate_part_of(program->plan, &program->train[i]), expected[k].part);
                found++;
            }
    assert_int_equal(found, sizeof expected / sizeof expected[0]);
    ablate_case_release(&ablate);
}

/* A fused step counts by what is costliest in it. */
static void test_parts_of_fused_steps(void **state)
{
    (void)state;
    static struct plan plan;
    plan_init(&plan);
    plan_input(&plan, (struct plan_shape){3, 8, 8}, &err);
    plan_conv(&plan, "conv", 0, 8, plan_window(3, 1, 1), &err);
    plan_norm(&plan, "norm", 1, plan_moments(1e-5, 0.1), &err);
    plan_act(&plan, "act", 2, PLAN_ACT_RELU, 0, &err);
    plan_pool(&plan, "pool", 3, PLAN_MAX_POOL, 2, &err);
    int linear = plan_linear(&plan, "linear", 4, 10, 1, false, &err);
    assert_int_equal(linear, 5);
    struct program_step step = {.phase = PHASE_FORWARD, .n_rows = 3, .rows = {2, 4, 3}};
    assert_int_equal(ablate_part_of(&plan, &step), ABLATE_NORM);
    step = (struct program_step){.phase = PHASE_BACKWARD, .n_rows = 2, .rows = {5, 4}};
    assert_int_equal(ablate_part_of(&plan, &step), ABLATE_CLASSIFIER);
    step = (struct program_step){.phase = PHASE_BACKWARD, .n_rows = 2, .rows = {1, 3}};
    assert_int_equal(ablate_part_of(&plan, &step), ABLATE_NORM);
    step.phase = PHASE_UPDATE;
    assert_int_equal(ablate_part_of(&plan, &step), ABLATE_UPDATE);
}

/* ---- times ---- */

static double sum(const struct ablate_times *times)
{
    double total = 0;
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        total += times->part[p];
    return total;
}

/* A variant that met denormal numbers would time something else than its network. */
static void measure_all(const char *preset, const char *device)
{
    open_case(preset, device);
    double flops = INFINITY, bytes = INFINITY;
    for (int v = 0; v < ABLATE_VARIANT_COUNT; v++) {
        struct ablate_times times;
        denormals_met();
        if (ablate_measure(&ablate, (enum ablate_variant)v, &times, &err))
            fail_msg("%s: %s", ablate_variant_name((enum ablate_variant)v), err.text);
        if (denormals_met())
            fail_msg("%s, %s: denormal numbers", preset, ablate_variant_name((enum ablate_variant)v));
        assert_true(times.seconds > 0 && fabs(sum(&times) - times.seconds) < 1e-9);
        for (int p = 0; p < ABLATE_BETWEEN; p++)
            if (ablate_leaves_out((enum ablate_variant)v, (enum ablate_part)p))
                assert_true(times.part[p] == 0);
            else if (p != ABLATE_LOADER) /* which may take less than the clock's tick */
                assert_true(times.part[p] > 0);
        assert_true(times.part[ABLATE_BETWEEN] >= 0 && times.cpu > 0);
        double now = ablate_flops(&ablate, (enum ablate_variant)v),
               moved = ablate_bytes(&ablate, (enum ablate_variant)v);
        assert_true(now > 0 && now <= flops && moved <= bytes);
        assert_true(moved < bytes || v == ABLATE_RANDOM); /* the update has no arithmetic to speak of, but bytes */
        flops = now;
        bytes = moved;
        assert_null(ablate_executor(&ablate, (enum ablate_variant)v)->skip);
    }
    const struct plan *plan = &ablate.session.plan;
    double convolutions = 0;
    for (int i = 0; i < plan->n_rows; i++)
        if (plan->rows[i].op == PLAN_CONV)
            convolutions += plan_row_forward_flops(plan, i) + plan_row_backward_flops(plan, i);
    assert_true(fabs(flops / (BATCH * convolutions) - 1) < 1e-12);
    assert_true(ablate_flops(&ablate, ABLATE_NO_NORM) > flops); /* the classifier's */
    ablate_case_release(&ablate);
}

static void test_variants_on_ref(void **state)
{
    (void)state;
    measure_all("davidnet-79", "device=ref");
}

static void test_variants_on_cpu(void **state)
{
    (void)state;
    measure_all("davidnet-79", "device=cpu");
    measure_all("batch512-256", "device=cpu");
    measure_all("celu-52", "device=cpu");
}

/* Round after round on the same batch, nothing shrinks by going round. */
static void test_numbers_keep_their_size(void **state)
{
    (void)state;
    open_case("davidnet-79", "device=cpu");
    denormals_met();
    for (int round = 0; round < 3; round++)
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++) {
            struct ablate_times times;
            if (ablate_measure(&ablate, (enum ablate_variant)v, &times, &err))
                fail_msg("%s: %s", ablate_variant_name((enum ablate_variant)v), err.text);
            if (denormals_met())
                fail_msg("%s, round %d: denormal numbers", ablate_variant_name((enum ablate_variant)v), round);
        }
    ablate_case_release(&ablate);
}

/* The largest of a convolution's momentum: 0 as long as no update was made. */
static float momentum(enum ablate_variant variant)
{
    static float values[8 * 3 * 9];
    const size_t count = sizeof values / sizeof *values;
    struct executor *executor = ablate_executor(&ablate, variant);
    float largest = 0;
    if (executor->program->family->read_tensor(executor->program, "prep.conv.weight", PROGRAM_MOMENTUM, values, count,
                                               &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(values[i]));
    return largest;
}

static float momentum_after(enum ablate_variant variant)
{
    struct ablate_times times;
    if (ablate_measure(&ablate, variant, &times, &err))
        fail_msg("%s", err.text);
    return momentum(variant);
}

/* It is the step that is left out, not its time alone. */
static void test_without_update_there_is_none(void **state)
{
    (void)state;
    open_case("davidnet-79", "device=cpu");
    assert_true(momentum_after(ABLATE_NO_UPDATE) == 0);
    float full = momentum_after(ABLATE_FULL), random = momentum_after(ABLATE_RANDOM);
    assert_true(full > 0 && random != full);
    assert_true(momentum_after(ABLATE_NO_UPDATE) == random);
    for (int v = ABLATE_NO_NORM; v < ABLATE_VARIANT_COUNT; v++)
        assert_true(momentum_after((enum ablate_variant)v) == 0);
    ablate_case_release(&ablate);
}

static void refused(const char *more, int batch, const char *expected)
{
    struct recipe *recipe = malloc(sizeof *recipe);
    assert_non_null(recipe);
    make_recipe("davidnet-79", "device=cpu", more, recipe);
    int status = ablate_case_init(&ablate, recipe, batch, &err);
    free(recipe);
    assert_int_equal(status, -1);
    if (!strstr(err.text, expected))
        fail_msg("expected '%s' in: %s", expected, err.text);
    ablate_case_release(&ablate); /* does nothing */
}

static void test_what_cannot_be_taken_apart(void **state)
{
    (void)state;
    refused("drop_last=off", 51, "batch 51 is larger than the 50 training images");
    refused("drop_last=on", 51, "51");
    refused("progressive_size=on", 20, "progressive_size");
}

static void test_names(void **state)
{
    (void)state;
    for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
        assert_int_equal(ablate_variant_find(ablate_variant_name((enum ablate_variant)v)), v);
    assert_int_equal(ablate_variant_find("nothing"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_leaves_out_one_part_more),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_of_fused_steps),
        cmocka_unit_test(test_variants_on_ref),
        cmocka_unit_test(test_variants_on_cpu),
        cmocka_unit_test(test_numbers_keep_their_size),
        cmocka_unit_test(test_without_update_there_is_none),
        cmocka_unit_test(test_what_cannot_be_taken_apart),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
