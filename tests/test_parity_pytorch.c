/*
 * Every family against PyTorch, on the fixtures of tests/fixtures/make_fixtures.py: logits, loss and gradients of
 * the first step, weights and running statistics after three. Expected values are float64; the unit of error is
 * PyTorch's own in the same precision.
 *
 * The error of a tensor is norm-wise relative. A tensor of four numbers, or a loss, can be right by luck, in PyTorch
 * as in ours, so the root mean square over a class of tensors must be at most FACTOR times PyTorch's, and each
 * tensor at most FACTOR times the larger of PyTorch's for that tensor and for its class.
 */
#include "engine/network.h"
#include "engine/safetensors.h"
#include "tests/parity.h"

#define FACTOR 3.0
#define FIXTURES "tests/fixtures/"

static const struct family *const families[] = {&family_ref, &family_cpu};
static const enum precision precisions[] = {PRECISION_F32, PRECISION_BF16};

enum class {
    LOGITS_AND_LOSS,
    CONV_GRADIENT,
    NORM_GRADIENT,
    LINEAR_GRADIENT,
    CONV_WEIGHT,
    NORM_WEIGHT,
    LINEAR_WEIGHT,
    RUNNING_MEAN,
    RUNNING_VAR,
    CLASS_COUNT
};

static const char *const class_names[CLASS_COUNT] = {
    "logits and loss", "conv gradient",          "norm gradient",         "linear gradient",      "conv weight",
    "norm weight",     "logits.weight, 3 steps", "running mean, 3 steps", "running var, 3 steps",
};

struct finding {
    char name[SAFETENSORS_NAME_MAX];
    enum class class;
    double ours, unit;
};

struct fixture {
    struct safetensors start, gradients, end;
    struct images images;
    struct choice choices[64];
    struct batch batch;
    struct hyper hyper[3];
    struct finding findings[256];
    int n_findings;
};

/* The bag of tricks' operations: what make_fixtures.py calls `bag`. */
static int bag_plan(struct plan *plan, struct error *err)
{
    struct plan_conv_options whiten = {.kernel = 2, .stride = 1, .pad = 0, .bias = true, .fixed = true};
    struct plan_norm_options ghost = {.eps = 1e-5, .momentum = 0.1, .groups = 3, .fixed_scale = true};
    plan_init(plan);
    int row = plan_conv(plan, "whiten/conv", plan_input(plan, (struct plan_shape){3, 32, 32}, err), 8, whiten, err);
    row = plan_act(plan, "whiten/act", row, PLAN_ACT_GELU, 0, err);
    row = plan_conv(plan, "one/conv", row, 8, plan_window(3, 1, 1), err);
    row = plan_pool(plan, "one/pool", row, PLAN_MAX_POOL, 2, err);
    int one = row = plan_norm(plan, "one/norm", row, ghost, err);
    row = plan_act(plan, "one/act", row, PLAN_ACT_CELU, 0.3, err);
    row = plan_conv(plan, "two/conv", row, 12, plan_window(3, 2, 1), err);
    int two = row = plan_norm(plan, "two/norm", row, ghost, err);
    row = plan_act(plan, "two/act", row, PLAN_ACT_SILU, 0, err);
    row = plan_conv(plan, "three/conv", row, 12, plan_window(1, 1, 0), err);
    int three = row = plan_norm(plan, "three/norm", row, ghost, err);
    row = plan_pool(plan, "three/pool", row, PLAN_MAX_POOL, 2, err);
    row = plan_act(plan, "three/act", row, PLAN_ACT_CELU, 0.075, err);
    int max = plan_pool(plan, "max", row, PLAN_MAX_POOL, 4, err),
        avg = plan_pool(plan, "avg", row, PLAN_AVG_POOL, 4, err);
    row = plan_linear(plan, "logits", plan_concat(plan, "both", max, avg, err), 10, 0.125, true, err);
    const int norms[] = {one, two, three};
    for (int i = 0; i < 3; i++)
        if (plan_scale_rates(plan, norms[i], PLAN_NORM_BIAS, 4, 0.25, err))
            return -1;
    return plan_loss(plan, "loss", row, 0, err);
}

static int c4_plan(struct plan *plan, struct error *err)
{
    return parity_davidnet_plan(plan, 4, (struct plan_shape){3, 32, 32}, 10, err);
}

static int c2_plan(struct plan *plan, struct error *err)
{
    return parity_davidnet_plan(plan, 2, (struct plan_shape){3, 32, 32}, 10, err);
}

static const struct {
    const char *name;
    int (*build)(struct plan *plan, struct error *err);
} fixtures[] = {{"davidnet-c4", c4_plan}, {"davidnet-c2", c2_plan}, {"bag", bag_plan}};

static const struct safetensors_entry *entry(const struct safetensors *file, const char *name)
{
    const struct safetensors_entry *found = safetensors_find(file, name);
    if (!found)
        fail_msg("the fixture has no '%s'; make it again with tests/fixtures/make_fixtures.py", name);
    return found;
}

static void read_part(struct safetensors *file, const char *fixture, const char *part)
{
    char path[256];
    struct error err = {{0}};
    snprintf(path, sizeof path, FIXTURES "%s-%s.safetensors", fixture, part);
    if (safetensors_read(path, file, &err))
        fail_msg("%s (run the tests from the repository's root)", err.text);
}

static void fixture_init(struct fixture *fixture, const char *name)
{
    memset(fixture, 0, sizeof *fixture);
    read_part(&fixture->start, name, "start");
    read_part(&fixture->gradients, name, "gradients");
    read_part(&fixture->end, name, "end");

    const struct safetensors_entry *pixels = entry(&fixture->start, "images");
    const int64_t *order = entry(&fixture->start, "order")->data;
    const uint8_t *choices = entry(&fixture->start, "choices")->data;
    const double *hyper = entry(&fixture->start, "hyper")->data;
    int n = (int)pixels->dims[0];
    assert_in_range(n, 1, 64);
    fixture->images = (struct images){
        .pixels = pixels->data,
        .labels = entry(&fixture->start, "labels")->data,
        .count = (uint32_t)n,
        .channels = (int)pixels->dims[1],
        .height = (int)pixels->dims[2],
        .width = (int)pixels->dims[3],
        .classes = 10,
    };
    memcpy(fixture->images.mean, entry(&fixture->start, "mean")->data, 3 * sizeof(float));
    memcpy(fixture->images.std, entry(&fixture->start, "std")->data, 3 * sizeof(float));
    for (int i = 0; i < n; i++, choices += 8)
        fixture->choices[i] = (struct choice){.image = (uint32_t)order[i],
                                              .crop_y = choices[0],
                                              .crop_x = choices[1],
                                              .flip = choices[2],
                                              .pad = choices[3],
                                              .cut_y = choices[4],
                                              .cut_x = choices[5],
                                              .cut_h = choices[6],
                                              .cut_w = choices[7]};
    fixture->batch = (struct batch){.images = &fixture->images, .choices = fixture->choices, .n = n};
    for (int i = 0; i < 3; i++)
        fixture->hyper[i] = (struct hyper){
            .lr = hyper[3 * i], .momentum = hyper[3 * i + 1], .weight_decay = hyper[3 * i + 2], .form = NESTEROV_PAGE};
}

static void fixture_release(struct fixture *fixture)
{
    safetensors_release(&fixture->start);
    safetensors_release(&fixture->gradients);
    safetensors_release(&fixture->end);
}

/* Compares values[count] with the fixture's `name` (float64) and notes the error beside PyTorch's. */
static void note(struct fixture *fixture, const struct safetensors *file, const char *name, enum class class,
                 enum precision precision, const double *values, size_t count)
{
    char unit[SAFETENSORS_NAME_MAX];
    snprintf(unit, sizeof unit, "unit.%.100s", name);
    const struct safetensors_entry *expected = entry(file, name);
    const double *e = expected->data;
    assert_int_equal(expected->type, SAFETENSORS_F64);
    assert_int_equal(expected->bytes, count * sizeof *e);
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += (values[i] - e[i]) * (values[i] - e[i]);
        norm += e[i] * e[i];
    }
    struct finding *finding = &fixture->findings[fixture->n_findings++];
    assert_true(fixture->n_findings < 256);
    snprintf(finding->name, sizeof finding->name, "%s", name);
    finding->class = class;
    finding->ours = sqrt(difference / norm);
    finding->unit = ((const double *)entry(file, unit)->data)[precision == PRECISION_BF16];
}

static void note_tensor(struct fixture *fixture, const struct safetensors *file, struct program *program,
                        const char *prefix, const char *tensor, enum class class, enum program_tensor kind)
{
    char name[SAFETENSORS_NAME_MAX];
    size_t count = parity_count(program, tensor);
    float *values = parity_read(program, tensor, kind);
    double *wide = malloc(count * sizeof *wide);
    assert_non_null(wide);
    for (size_t i = 0; i < count; i++)
        wide[i] = values[i];
    snprintf(name, sizeof name, "%s%s", prefix, tensor);
    note(fixture, file, name, class, program->options.precision, wide, count);
    free(values);
    free(wide);
}

static enum class class_of(enum plan_role role, int gradient) {
    switch (role){
        case PLAN_CONV_WEIGHT : case PLAN_CONV_BIAS : return gradient ? CONV_GRADIENT : CONV_WEIGHT;
        case PLAN_NORM_SCALE : case PLAN_NORM_BIAS : return gradient ? NORM_GRADIENT : NORM_WEIGHT;
        case PLAN_RUNNING_MEAN : return RUNNING_MEAN;
        case PLAN_RUNNING_VAR : return RUNNING_VAR;
        default : return gradient ? LINEAR_GRADIENT : LINEAR_WEIGHT;
    }
}

static void compare(struct fixture *fixture, struct program *program)
{
    const struct plan *plan = program->plan;
    double losses[3];
    struct error err;
    for (int i = 0; i < plan->n_tensors; i++) {
        char name[SAFETENSORS_NAME_MAX];
        snprintf(name, sizeof name, "start.%s", plan->tensors[i].name);
        const struct safetensors_entry *start = entry(&fixture->start, name);
        assert_int_equal(start->bytes, plan->tensors[i].count * sizeof(float));
        if (program->family->write_tensor(program, plan->tensors[i].name, PROGRAM_VALUE, start->data,
                                          plan->tensors[i].count, &err))
            fail_msg("%s", err.text);
    }
    for (int step = 0; step < 3; step++) {
        parity_train(program, &fixture->batch, &fixture->hyper[step]);
        losses[step] = program->result.loss_sum;
        if (step > 0)
            continue;
        note(fixture, &fixture->gradients, "loss", LOGITS_AND_LOSS, program->options.precision, losses, 1);
        note_tensor(fixture, &fixture->gradients, program, "", "logits", LOGITS_AND_LOSS, PROGRAM_VALUE);
        for (int i = 0; i < plan->n_tensors; i++)
            if (plan->tensors[i].trained)
                note_tensor(fixture, &fixture->gradients, program, "gradient.", plan->tensors[i].name,
                            class_of(plan->tensors[i].role, 1), PROGRAM_GRADIENT);
    }
    note(fixture, &fixture->end, "losses", LOGITS_AND_LOSS, program->options.precision, losses, 3);
    for (int i = 0; i < plan->n_tensors; i++)
        note_tensor(fixture, &fixture->end, program, "end.", plan->tensors[i].name, class_of(plan->tensors[i].role, 0),
                    PROGRAM_VALUE);
    assert_int_equal(program->result.bad_row, -1);
}

/* Returns how many classes and tensors are above FACTOR times PyTorch's error; unless quiet, prints the ratios. */
static int judge(const struct fixture *fixture, int quiet)
{
    int failures = 0;
    for (int class = 0; class < CLASS_COUNT; class ++) {
        double ours = 0, unit = 0, worst = 0;
        for (int i = 0; i < fixture->n_findings; i++)
            if ((int)fixture->findings[i].class == class) {
                ours += fixture->findings[i].ours * fixture->findings[i].ours;
                unit += fixture->findings[i].unit * fixture->findings[i].unit;
            }
        int n = 0;
        for (int i = 0; i < fixture->n_findings; i++)
            n += (int)fixture->findings[i].class == class;
        assert_true(n > 0 && unit > 0);
        for (int i = 0; i < fixture->n_findings; i++) {
            const struct finding *f = &fixture->findings[i];
            if ((int)f->class != class)
                continue;
            double ratio = f->ours / fmax(f->unit, sqrt(unit / n));
            worst = fmax(worst, ratio);
            if (!(ratio <= FACTOR)) {
                if (!quiet)
                    print_error("%s: error %.3g, PyTorch's %.3g\n", f->name, f->ours, f->unit);
                failures++;
            }
        }
        double ratio = sqrt(ours / unit);
        if (!quiet)
            print_message("    %-24s error %8.2e, %.2f of PyTorch's; worst tensor %.2f\n", class_names[class],
                          sqrt(ours / n), ratio, worst);
        failures += !(ratio <= FACTOR);
    }
    return failures;
}

static void test_families(void **state)
{
    (void)state;
    static struct plan plan;
    static struct fixture fixture;
    int failures = 0;
    for (size_t f = 0; f < sizeof fixtures / sizeof *fixtures; f++)
        for (size_t k = 0; k < sizeof families / sizeof *families; k++)
            for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
                struct error err = {{0}};
                fixture_init(&fixture, fixtures[f].name);
                if (fixtures[f].build(&plan, &err) < 0)
                    fail_msg("%s", err.text);
                struct program_options options = {
                    .max_batch = fixture.batch.n, .precision = precisions[p], .exact_convolutions = 1};
                if (families[k]->probe(&options, &err)) {
                    assert_true(precisions[p] != PRECISION_F32);
                    print_message("SKIPPED: %s: %s\n", families[k]->name, err.text);
                } else {
                    print_message("%s, %s, %s:\n", fixtures[f].name, families[k]->name, precision_name(precisions[p]));
                    struct program *program = parity_compile(families[k], &plan, &options);
                    compare(&fixture, program);
                    failures += judge(&fixture, 0);
                    families[k]->free(program);
                }
                fixture_release(&fixture);
            }
    assert_int_equal(failures, 0);
}

/* The comparison itself must notice a wrong gradient: one weight's start is moved by a thousandth. */
static void test_a_small_fault_is_noticed(void **state)
{
    (void)state;
    static struct plan plan;
    static struct fixture fixture;
    struct error err = {{0}};
    fixture_init(&fixture, "davidnet-c2");
    if (c2_plan(&plan, &err) < 0)
        fail_msg("%s", err.text);
    struct program_options options = {.max_batch = fixture.batch.n};
    struct program *program = parity_compile(&family_ref, &plan, &options);
    float *weight = (float *)entry(&fixture.start, "start.layer2.conv.weight")->data;
    weight[5] += 1e-3f;
    compare(&fixture, program);
    assert_true(judge(&fixture, 1) > 20);
    family_ref.free(program);
    fixture_release(&fixture);
}

/* What is compared here is what a user trains: the preset's recipe lowers to the same rows and tensors. */
static void test_the_plan_is_the_presets(void **state)
{
    (void)state;
    static struct plan ours, preset;
    static struct recipe recipe;
    static struct network network;
    struct recipe_request request = {.preset = "davidnet-79"};
    struct plan_shape image = {3, 32, 32};
    struct error err = {{0}};
    if (parity_davidnet_plan(&ours, 64, image, 10, &err) < 0 || recipe_resolve(&request, &recipe, &err) ||
        network_build(&recipe, image, 10, &network, &err) || network_lower(&network, &preset, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ours.n_rows, preset.n_rows);
    for (int i = 0; i < ours.n_rows; i++) {
        const struct plan_row *a = &ours.rows[i], *b = &preset.rows[i];
        assert_string_equal(a->name, b->name);
        assert_true(a->op == b->op && a->n_inputs == b->n_inputs && a->act == b->act);
        assert_memory_equal(a->input, b->input, (size_t)a->n_inputs * sizeof *a->input);
        assert_memory_equal(&a->out, &b->out, sizeof a->out);
        assert_true(a->kernel == b->kernel && a->stride == b->stride && a->pad == b->pad);
        assert_true(a->factor == b->factor && a->eps == b->eps && a->momentum == b->momentum);
    }
    assert_int_equal(ours.n_tensors, preset.n_tensors);
    for (int i = 0; i < ours.n_tensors; i++) {
        assert_string_equal(ours.tensors[i].name, preset.tensors[i].name);
        assert_true(ours.tensors[i].count == preset.tensors[i].count);
        assert_true(ours.tensors[i].lr_scale == preset.tensors[i].lr_scale);
        assert_true(ours.tensors[i].decay_scale == preset.tensors[i].decay_scale);
        assert_true(ours.tensors[i].trained == preset.tensors[i].trained);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_plan_is_the_presets),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_a_small_fault_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
