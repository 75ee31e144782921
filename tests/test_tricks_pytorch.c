/*
 * Training tricks that live in kernels, against PyTorch: a small network trained for five steps by every family as
 * tests/fixtures/make_trick_fixtures.py trained it in float64. Norm-wise relative errors of every tensor in the end.
 */
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

/* The largest error of a family that trains the plan as `name`; hyper is that of every step. */
static double worst_error(const struct family *family, const char *name, const struct hyper *hyper)
{
    struct images images;
    struct choice choices[64];
    struct error err = {{0}};
    double worst = 0;
    char prefix[32];
    get_images(&images, choices);
    struct batch batch = {&images, choices, (int)images.count};
    struct program_options options = {.max_batch = batch.n, .precision = PRECISION_F32, .exact_convolutions = 1};
    struct program *program = parity_compile(family, &plan, &options);
    for (int i = 0; i < plan.n_tensors; i++)
        if (family->write_tensor(program, plan.tensors[i].name, PROGRAM_VALUE,
                                 entry("start.", plan.tensors[i].name)->data, plan.tensors[i].count, &err))
            fail_msg("%s", err.text);
    snprintf(prefix, sizeof prefix, "%s.", name);
    const float *losses = entry(prefix, "losses")->data;
    for (int step = 0; step < STEPS; step++) {
        parity_train(program, &batch, hyper);
        assert_int_equal(program->result.bad_row, -1);
        worst = fmax(worst, fabs(program->result.loss_sum - losses[step]) / losses[step]);
    }
    for (int i = 0; i < plan.n_tensors; i++) {
        float *ours = parity_read(program, plan.tensors[i].name, PROGRAM_VALUE);
        double error = parity_error(ours, entry(prefix, plan.tensors[i].name)->data, plan.tensors[i].count);
        if (!(error <= TOLERANCE))
            print_message("%s, %s: %s is off by %g\n", family->name, name, plan.tensors[i].name, error);
        worst = fmax(worst, error);
        free(ours);
    }
    family->free(program);
    return worst;
}

/* Both families; the same with another plan or hyper must not pass, or the trick would not matter. */
static void check(const char *name, const struct hyper *hyper)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        assert_true(worst_error(families[f], name, hyper) <= TOLERANCE);
}

static void test_label_smoothing(void **state)
{
    (void)state;
    const struct hyper hyper = {.lr = 0.003, .momentum = 0.9, .weight_decay = 0.006, .form = NESTEROV_TORCH};
    build(0.2);
    check("smoothing", &hyper);
    build(0);
    assert_true(worst_error(&family_ref, "smoothing", &hyper) > 100 * TOLERANCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_smoothing),
    };
    return cmocka_run_group_tests(tests, read_fixture, release_fixture);
}
