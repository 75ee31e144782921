/*
 * Training tricks that live in kernels, against PyTorch: a small network trained for five steps by every family as
 * tests/fixtures/make_trick_fixtures.py trained it in float64. Norm-wise relative errors of every tensor in the end.
 */
#include "engine/averages.h"
#include "engine/groups.h"
#include "engine/knobs.h"
#include "engine/safetensors.h"
#include "kernels/augment.h"
#include "tests/parity.h"

#define FIXTURE "tests/fixtures/tricks.safetensors"
#define STEPS 5
#define TOLERANCE 2e-5 /* PyTorch's own float32 ends within 3e-6 of its float64 in the worst tensor */

static const struct family *const families[] = {&family_ref, &family_cpu};

static struct safetensors file;
static struct plan plan; /* large: not for the stack */

static const struct safetensors_entry *entry(const char *prefix, const char *name)
{
    char full[128];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const struct safetensors_entry *found = safetensors_find(&file, full);
    if (!found)
        fail_msg("the fixture has no '%s'; make it again with tests/fixtures/make_trick_fixtures.py", full);
    return found;
}

static int read_fixture(void **state)
{
    (void)state;
    struct error err = {{0}};
    if (safetensors_read(FIXTURE, &file, &err) == 0)
        return 0;
    print_error("%s (run the tests from the repository's root)\n", err.text);
    return -1;
}

static int release_fixture(void **state)
{
    (void)state;
    safetensors_release(&file);
    return 0;
}

static void build(double smoothing)
{
    struct error err = {{0}};
    const struct safetensors_entry *images = entry("", "images");
    plan_init(&plan);
    int row = plan_input(&plan, (struct plan_shape){3, (int)images->dims[2], (int)images->dims[3]}, &err);
    row = plan_conv(&plan, "a/conv", row, 32, plan_window(3, 1, 1), &err);
    row = plan_norm(&plan, "a/norm", row, plan_moments(1e-5, 0.1), &err);
    row = plan_conv(&plan, "b/conv", row, 8, plan_window(3, 1, 1), &err);
    row = plan_norm(&plan, "b/norm", row, plan_moments(1e-5, 0.1), &err);
    row = plan_pool(&plan, "pool", row, PLAN_GLOBAL_AVG, 0, &err);
    row = plan_linear(&plan, "logits", row, 10, 1, false, &err);
    if (plan_loss(&plan, "loss", row, smoothing, &err) < 0)
        fail_msg("%s", err.text);
}

static void get_images(struct images *images, struct choice *choices)
{
    const struct safetensors_entry *pixels = entry("", "images");
    *images = (struct images){
        .pixels = pixels->data,
        .labels = entry("", "labels")->data,
        .count = (uint32_t)pixels->dims[0],
        .channels = 3,
        .height = (int)pixels->dims[2],
        .width = (int)pixels->dims[3],
        .classes = 10,
    };
    memcpy(images->mean, entry("", "mean")->data, 3 * sizeof(float));
    memcpy(images->std, entry("", "std")->data, 3 * sizeof(float));
    for (uint32_t i = 0; i < images->count; i++)
        choices[i] = choice_identity(i);
}

/* The largest error of a family that trains the plan as `name`; hyper is that of every step; averages (optional): what
 * the recipe asks for of them. */
static double worst_error(const struct family *family, const char *name, const struct hyper *hyper,
                          const struct recipe *averaged)
{
    struct averages averages = {0};
    struct images images;
    struct choice choices[64];
    struct error err = {{0}};
    double worst = 0;
    char prefix[32];
    get_images(&images, choices);
    struct batch batch = {.images = &images, .choices = choices, .n = (int)images.count};
    struct program_options options = {.max_batch = batch.n, .precision = PRECISION_F32, .exact_convolutions = 1};
    struct program *program = parity_compile(family, &plan, &options);
    for (int i = 0; i < plan.n_tensors; i++)
        if (family->write_tensor(program, plan.tensors[i].name, PROGRAM_VALUE,
                                 entry("start.", plan.tensors[i].name)->data, plan.tensors[i].count, &err))
            fail_msg("%s", err.text);
    if (averaged &&
        (averages_init(&averages, averaged, &plan, program->family, &err) || averages_begin(&averages, program, &err)))
        fail_msg("%s", err.text);
    snprintf(prefix, sizeof prefix, "%s.", name);
    const float *losses = entry(prefix, "losses")->data;
    for (int step = 0; step < STEPS; step++) {
        parity_train(program, &batch, hyper);
        assert_int_equal(program->result.bad_row, -1);
        worst = fmax(worst, fabs(program->result.loss_sum - losses[step]) / losses[step]);
        if (averaged && averages_update(&averages, program, (uint32_t)step + 1, STEPS, &err))
            fail_msg("%s", err.text);
    }
    if (averages_show(&averages, program, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < plan.n_tensors; i++) {
        float *ours = parity_read(program, plan.tensors[i].name, PROGRAM_VALUE);
        double error = parity_error(ours, entry(prefix, plan.tensors[i].name)->data, plan.tensors[i].count);
        worst = fmax(worst, error);
        free(ours);
    }
    averages_release(&averages);
    family->free(program);
    return worst;
}

static void check(const char *name, const struct hyper *hyper, const struct recipe *averaged)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        double error = worst_error(families[f], name, hyper, averaged);
        if (!(error <= TOLERANCE))
            fail_msg("%s, %s: off by %g", families[f]->name, name, error);
    }
}

/* Trained so, it must be something else, or the trick would not matter. */
static void check_differs(const char *name, const struct hyper *hyper)
{
    assert_true(worst_error(&family_ref, name, hyper, NULL) > 100 * TOLERANCE);
}

static const struct hyper plain_hyper = {.lr = 0.003, .momentum = 0.9, .weight_decay = 0.006, .form = NESTEROV_TORCH};

static void test_label_smoothing(void **state)
{
    (void)state;
    build(0.2);
    check("smoothing", &plain_hyper, NULL);
    build(0);
    check_differs("smoothing", &plain_hyper);
}

static void test_averages(void **state)
{
    (void)state;
    static struct recipe recipe; /* large */
    recipe = (struct recipe){.ema = 1, .ema_momentum = 0.7, .ema_every = 2, .lookahead_every = 2};
    build(0);
    check("ema", &plain_hyper, &recipe);
    check_differs("ema", &plain_hyper);
    recipe = (struct recipe){.lookahead = 1, .lookahead_momentum = 0.8, .lookahead_every = 2, .ema_every = 2};
    check("lookahead", &plain_hyper, &recipe);
    check_differs("lookahead", &plain_hyper);
}

/* What is shown is taken back, bit for bit, and lookahead leaves nothing to take back. */
static void test_averages_are_hidden_again(void **state)
{
    (void)state;
    static struct recipe recipe;
    struct error err = {{0}};
    struct averages averages;
    struct program_options options = {.max_batch = 1, .precision = PRECISION_F32};
    build(0);
    struct program *program = parity_compile(&family_ref, &plan, &options);
    recipe = (struct recipe){.ema = 1, .ema_momentum = 0.9, .ema_every = 1, .lookahead_every = 1};
    assert_int_equal(averages_init(&averages, &recipe, &plan, program->family, &err), 0);
    assert_int_equal(averages_begin(&averages, program, &err), 0); /* all zeros */
    parity_weights(program, 4);
    float *trained = parity_read(program, "a.conv.weight", PROGRAM_VALUE);
    assert_int_equal(averages_show(&averages, program, &err), 0);
    float *shown = parity_read(program, "a.conv.weight", PROGRAM_VALUE);
    assert_int_equal(averages_hide(&averages, program, &err), 0);
    float *after = parity_read(program, "a.conv.weight", PROGRAM_VALUE);
    for (size_t i = 0; i < 32 * 27; i++)
        assert_true(shown[i] == 0 && after[i] == trained[i] && trained[i] != 0);
    free(trained);
    free(shown);
    free(after);
    averages_release(&averages);
    family_ref.free(program);
}

/* What the recipe says of groups, on the plan; rates as the engine gives them to kernels at the schedule's top. */
static struct hyper grouped(const struct recipe *recipe)
{
    struct hyper hyper;
    build(0);
    groups_apply(recipe, &plan);
    assert_int_equal(plan_check(&plan, NULL), 0);
    groups_hyper(recipe, 3, 10, recipe->schedule.peak, &hyper);
    return hyper;
}

static void plain_recipe(struct recipe *recipe)
{
    knob_defaults(recipe);
    recipe->batch = 12;
    recipe->momentum = 0.9;
    recipe->nesterov = NESTEROV_TORCH;
    recipe->weight_decay = 0.006 / 12;
    recipe->schedule.shape = SCHEDULE_CONSTANT;
    recipe->schedule.peak = 0.003 * 12;
}

static void test_groups(void **state)
{
    (void)state;
    static struct recipe recipe;
    plain_recipe(&recipe);
    struct hyper hyper = grouped(&recipe);
    check_differs("groups", &hyper);
    recipe.schedule.peak = 0.002 * 12;
    recipe.weight_decay = 0.005 / 12;
    recipe.filter_lr = 2;
    recipe.head_lr = 0.5;
    recipe.decoupled_decay = 1;
    hyper = grouped(&recipe);
    for (int i = 0; i < plan.n_tensors; i++)
        if (plan.tensors[i].role == PLAN_NORM_BIAS) { /* the network's part: norm_bias_lr */
            plan.tensors[i].lr_scale = 64;
            plan.tensors[i].decay_scale = 1.0 / 64;
        }
    check("groups", &hyper, NULL);
}

static void test_muon(void **state)
{
    (void)state;
    static struct recipe recipe;
    plain_recipe(&recipe);
    recipe.optimiser = RECIPE_OPTIMISER_MUON;
    struct hyper hyper = grouped(&recipe);
    check("muon", &hyper, NULL);
    hyper.muon_momentum = 0.9;
    check_differs("muon", &hyper);
}

static void test_lars(void **state)
{
    (void)state;
    static struct recipe recipe;
    plain_recipe(&recipe);
    recipe.optimiser = RECIPE_OPTIMISER_LARS;
    struct hyper hyper = grouped(&recipe);
    check("lars", &hyper, NULL);
    check_differs("lars", &plain_hyper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_smoothing),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_muon),
        cmocka_unit_test(test_lars),
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_averages_are_hidden_again),
    };
    return cmocka_run_group_tests(tests, read_fixture, release_fixture);
}
