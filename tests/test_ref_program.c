/* Whole programs of the reference family: gradients through the network, updates against their formulas, tails and
 * threads, precision, trouble found and refused. */
#include "kernels/ref/ref.h"

#include "kernels/bf16.h"
#include "kernels/half.h"
#include "kernels/parallel.h"
#include "tests/near.h"
#include "tests/parity.h"

static struct plan plan; /* large: not for the stack */

static const struct plan_shape image_shape = {3, 8, 8};
static const struct hyper hyper = {.lr = 0.02, .momentum = 0.9, .weight_decay = 0.05, .form = NESTEROV_PAGE};

static void davidnet(int c)
{
    struct error err = {{0}};
    if (parity_davidnet_plan(&plan, c, image_shape, 10, &err) < 0)
        fail_msg("%s", err.text);
}

/* Smooth rows only, and one row (norm) with two consumers, whose gradients must be summed. */
static void test_whole_network_gradient(void **state)
{
    (void)state;
    struct error err = {{0}};
    plan_init(&plan);
    int row = plan_conv(&plan, "a", plan_input(&plan, image_shape, &err), 5, plan_window(3, 1, 1), &err);
    row = plan_norm(&plan, "norm", row, plan_moments(1e-5, 0.1), &err);
    int skip = row;
    row = plan_add(&plan, "add", plan_conv(&plan, "b", row, 5, plan_window(3, 1, 1), &err), skip, &err);
    row = plan_add(&plan, "twice", row, row, &err);
    row = plan_pool(&plan, "avg", row, PLAN_GLOBAL_AVG, 0, &err);
    row = plan_loss(&plan, "loss", plan_linear(&plan, "fc", row, 10, 4, true, &err), 0, &err);
    if (row < 0)
        fail_msg("%s", err.text);
    struct program_options options = {.max_batch = 7};
    struct program *program = parity_compile(&family_ref, &plan, &options);
    struct ref *ref = program->own;
    struct parity_data data;
    parity_data_init(&data, image_shape, 10, 7, 1);
    parity_weights(program, 2);
    parity_train(program, &data.batch, &(struct hyper){.form = NESTEROV_NONE}); /* rate 0: nothing moves */
    float *gradient = malloc(plan.arena_count * sizeof *gradient);
    assert_non_null(gradient);
    memcpy(gradient, ref->gradient, plan.arena_count * sizeof *gradient);

    for (int t = 0; t < plan.n_tensors; t++) {
        const struct plan_tensor *tensor = &plan.tensors[t];
        if (!tensor->trained)
            continue;
        const double h = 1e-2;
        double ends[2], expected = 0, norm = 0;
        float *w = ref->value + tensor->offset, *saved = malloc(tensor->count * sizeof *saved);
        assert_non_null(saved);
        memcpy(saved, w, tensor->count * sizeof *w);
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < tensor->count; i++)
                w[i] = saved[i] + (float)((side ? -h : h) * parity_signed(4, (uint32_t)t, i));
            parity_train(program, &data.batch, &(struct hyper){.form = NESTEROV_NONE});
            ends[side] = program->result.loss_sum;
        }
        memcpy(w, saved, tensor->count * sizeof *w);
        free(saved);
        for (size_t i = 0; i < tensor->count; i++) {
            expected += gradient[tensor->offset + i] * parity_signed(4, (uint32_t)t, i);
            norm += (double)gradient[tensor->offset + i] * gradient[tensor->offset + i];
        }
        double error = fabs((ends[0] - ends[1]) / (2 * h) - expected) / sqrt(norm);
        if (!(error < 2e-3))
            fail_msg("%s: %g instead of %g", tensor->name, (ends[0] - ends[1]) / (2 * h), expected);
    }
    free(gradient);
    family_ref.free(program);
    parity_data_release(&data);
}

/* Each form against its formula in double, over two steps with different rates, with a tensor's own scales. */
static void test_update_forms(void **state)
{
    (void)state;
    davidnet(2);
    int t = plan_find_tensor(&plan, "prep.norm.bias"), frozen = plan_find_tensor(&plan, "prep.norm.weight");
    plan.tensors[t].lr_scale = 3;
    plan.tensors[t].decay_scale = 0.25;
    plan.tensors[frozen].trained = false;
    struct parity_data data;
    parity_data_init(&data, image_shape, 10, 4, 1);
    for (int form = 0; form < NESTEROV_COUNT; form++) {
        struct program_options options = {.max_batch = 4};
        struct program *program = parity_compile(&family_ref, &plan, &options);
        struct ref *ref = program->own;
        const float *at = ref->value + plan.tensors[t].offset;
        parity_weights(program, 1);
        float before = ref->value[plan.tensors[frozen].offset];
        double w = at[0], v = 0;
        for (int step = 1; step <= 2; step++) {
            struct hyper h = {.lr = 0.01 * step, .momentum = 0.9, .weight_decay = 0.5, .form = (enum nesterov)form};
            parity_train(program, &data.batch, &h);
            double lr = 3 * h.lr, g = ref->gradient[plan.tensors[t].offset] + 0.25 * h.weight_decay * w;
            if (form == NESTEROV_PAGE) {
                v = 0.9 * v - lr * g;
                w += -lr * g + 0.9 * v;
            } else {
                v = 0.9 * v + g;
                w -= form == NESTEROV_NONE ? lr * v : lr * (g + 0.9 * v);
            }
            assert_near(at[0], w, 1e-6);
            assert_near(ref->momentum[plan.tensors[t].offset], v, 1e-5);
        }
        assert_true(fabs(w - parity_signed(1, 100 + (uint32_t)t, 0) * 0.5) > 1e-4); /* it did move */
        assert_true(ref->value[plan.tensors[frozen].offset] == before);
        family_ref.free(program);
    }
    parity_data_release(&data);
}

/* All values, gradients and momenta after two steps, in one malloced arena of three. */
static float *train_twice(const struct batch *batch, int max_batch, int threads, enum precision precision,
                          struct step_result *result)
{
    struct program_options options = {.max_batch = max_batch, .threads = threads, .precision = precision};
    struct program *program = parity_compile(&family_ref, &plan, &options);
    struct ref *ref = program->own;
    size_t bytes = plan.arena_count * sizeof(float);
    float *arena = malloc(3 * bytes);
    assert_non_null(arena);
    parity_weights(program, 1);
    parity_train(program, batch, &hyper);
    parity_train(program, batch, &hyper);
    *result = program->result;
    memcpy(arena, ref->value, bytes);
    memcpy(arena + plan.arena_count, ref->gradient, bytes);
    memcpy(arena + 2 * plan.arena_count, ref->momentum, bytes);
    family_ref.free(program);
    return arena;
}

static void test_tails_and_threads_change_nothing(void **state)
{
    (void)state;
    davidnet(3);
    struct parity_data data;
    parity_data_init(&data, image_shape, 10, 5, 1);
    size_t bytes = 3 * plan.arena_count * sizeof(float);
    for (int p = PRECISION_F32; p <= PRECISION_F16; p++) {
        struct step_result a, b, c;
        float *one = train_twice(&data.batch, 5, 1, (enum precision)p, &a);
        float *tail = train_twice(&data.batch, 16, 1, (enum precision)p, &b);
        float *three = train_twice(&data.batch, 5, 3, (enum precision)p, &c);
        assert_memory_equal(one, tail, bytes);
        assert_memory_equal(one, three, bytes);
        assert_true(a.loss_sum == b.loss_sum && a.loss_sum == c.loss_sum && b.n == 5);
        free(one);
        free(tail);
        free(three);
    }
    parallel_set_threads(0);
    parity_data_release(&data);
}

static void test_loss_falls(void **state)
{
    (void)state;
    davidnet(4);
    struct parity_data data;
    parity_data_init(&data, image_shape, 10, 8, 3);
    for (int p = PRECISION_F32; p <= PRECISION_F16; p++) {
        struct program_options options = {.max_batch = 8, .precision = (enum precision)p};
        struct program *program = parity_compile(&family_ref, &plan, &options);
        parity_weights(program, 1);
        parity_train(program, &data.batch, &hyper);
        double first = program->result.loss_sum;
        for (int i = 0; i < 15; i++)
            parity_train(program, &data.batch, &hyper);
        assert_true(program->result.loss_sum < first / 2);
        assert_int_equal(program->result.bad_row, -1);
        family_ref.free(program);
    }
    parity_data_release(&data);
}

static void stores(enum precision precision, float (*rounded)(float))
{
    davidnet(4);
    struct parity_data data;
    parity_data_init(&data, image_shape, 10, 4, 3);
    struct program_options options = {.max_batch = 4, .precision = precision};
    struct program *program = parity_compile(&family_ref, &plan, &options);
    parity_weights(program, 1);
    parity_train(program, &data.batch, &hyper);
    for (int i = 0; i < plan.n_rows - 2; i++) { /* all but the logits and the loss */
        size_t count = parity_count(program, plan.rows[i].name);
        float *value = parity_read(program, plan.rows[i].name, PROGRAM_VALUE);
        float *gradient = i > 0 ? parity_read(program, plan.rows[i].name, PROGRAM_GRADIENT) : NULL;
        for (size_t k = 0; k < count; k++) {
            assert_true(rounded(value[k]) == value[k]);
            assert_true(!gradient || rounded(gradient[k]) == gradient[k]);
        }
        free(value);
        free(gradient);
    }
    family_ref.free(program);
    parity_data_release(&data);
}

static void test_low_precisions_store_no_more_bits(void **state)
{
    (void)state;
    stores(PRECISION_BF16, bf16_round);
    stores(PRECISION_F16, half_round);
}

static void test_not_finite_is_located(void **state)
{
    (void)state;
    davidnet(2);
    struct parity_data data;
    parity_data_init(&data, image_shape, 10, 3, 3);
    struct program_options options = {.max_batch = 3};
    struct program *program = parity_compile(&family_ref, &plan, &options);
    struct ref *ref = program->own;
    const char *spoilt[] = {"layer2.conv.weight", "layer3.residual.res1.norm.bias", "logits.weight"};
    const char *where[] = {"layer2/conv", "layer3/residual/res1/norm", "logits"};
    for (int i = 0; i < 3; i++) {
        parity_weights(program, 1);
        ref->value[plan.tensors[plan_find_tensor(&plan, spoilt[i])].offset] = i == 1 ? INFINITY : NAN;
        parity_evaluate(program, &data.batch);
        assert_int_equal(program->result.bad_row, plan_find_row(&plan, where[i]));
    }
    /* Finite forward, but an update that overflows. */
    parity_weights(program, 1);
    parity_train(program, &data.batch, &(struct hyper){.lr = 1e30, .weight_decay = 1e30, .form = NESTEROV_PAGE});
    assert_true(program->result.bad_row > 0);
    assert_true(isfinite(program->result.loss_sum));
    family_ref.free(program);
    parity_data_release(&data);
}

static void test_refusals(void **state)
{
    (void)state;
    struct error err = {{0}};
    davidnet(2);
    struct program_options options = {.max_batch = 3, .precision = PRECISION_TF32};
    assert_int_equal(family_ref.probe(&options, &err), -1);
    assert_non_null(strstr(err.text, "not tf32"));
    assert_null(family_ref.compile(&plan, &options, &err));
    options = (struct program_options){.max_batch = 0};
    assert_null(family_ref.compile(&plan, &options, &err));
    options.max_batch = 3;
    struct program *program = parity_compile(&family_ref, &plan, &options);
    assert_true(family_ref.memory(program) > plan.arena_count * 3 * sizeof(float));

    float value[64];
    assert_int_equal(family_ref.read_tensor(program, "nothing", PROGRAM_VALUE, value, 1, &err), -1);
    assert_non_null(strstr(err.text, "nothing"));
    assert_int_equal(family_ref.read_tensor(program, "prep.norm.bias", PROGRAM_VALUE, value, 3, &err), -1);
    assert_int_equal(family_ref.read_tensor(program, "prep.norm.running_var", PROGRAM_MOMENTUM, value, 2, &err), -1);
    assert_int_equal(family_ref.read_tensor(program, "prep.norm.running_var", PROGRAM_VALUE, value, 2, &err), 0);
    assert_true(value[0] == 1 && value[1] == 1);
    assert_int_equal(family_ref.read_tensor(program, "prep.norm.bias", PROGRAM_EMA, value, 2, &err), -1);
    assert_non_null(strstr(err.text, "the ref family keeps no averages"));
    assert_int_equal(family_ref.write_tensor(program, "prep.norm.bias", PROGRAM_EMA, value, 2, &err), -1);
    assert_int_equal(family_ref.read_tensor(program, "logits", PROGRAM_VALUE, value, 30, &err), -1); /* not run yet */
    assert_int_equal(family_ref.write_tensor(program, "prep.norm.bias", PROGRAM_GRADIENT, value, 2, &err), -1);
    assert_int_equal(family_ref.write_tensor(program, "logits", PROGRAM_VALUE, value, 30, &err), -1);

    struct parity_data data;
    parity_data_init(&data, image_shape, 10, 4, 3);
    assert_int_equal(program_set_batch(program, &data.batch, &err), -1); /* 4 images, max 3 */
    data.batch.n = 3;
    parity_weights(program, 1);
    parity_evaluate(program, &data.batch);
    assert_int_equal(family_ref.read_tensor(program, "logits", PROGRAM_VALUE, value, 30, &err), 0);
    assert_int_equal(family_ref.read_tensor(program, "pool", PROGRAM_GRADIENT, value, 48, &err), -1);
    data.choices[1].image = 4;
    assert_int_equal(program_set_batch(program, &data.batch, &err), -1);
    data.choices[1] = (struct choice){.pad = 8};
    assert_int_equal(program_set_batch(program, &data.batch, &err), -1);
    data.choices[1] = (struct choice){.pad = 2, .crop_x = 5};
    assert_int_equal(program_set_batch(program, &data.batch, &err), -1);
    data.choices[1] = (struct choice){0};
    data.images.height = 9;
    assert_int_equal(program_set_batch(program, &data.batch, &err), -1);
    data.images.height = 8;
    data.labels[0] = 10;
    assert_int_equal(program_set_batch(program, &data.batch, &err), -1);
    family_ref.free(program);
    parity_data_release(&data);
}

/* The kernels' tables of indices have a fixed size: what does not fit must not come as far as them. */
static void test_images_too_large(void **state)
{
    (void)state;
    struct error err = {{0}};
    const struct plan_shape sizes[] = {{1, 256, 128}, {1, 256, 129}, {1, 2, 257}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        plan_init(&plan);
        int row = plan_pool(&plan, "pool", plan_input(&plan, sizes[i], &err), PLAN_GLOBAL_AVG, 0, &err);
        if (plan_loss(&plan, "loss", plan_linear(&plan, "fc", row, 10, 1, true, &err), 0, &err) < 0)
            fail_msg("%s", err.text);
        struct program *program = parity_compile(&family_ref, &plan, &(struct program_options){.max_batch = 2});
        struct parity_data data;
        parity_data_init(&data, sizes[i], 10, 2, 1);
        assert_int_equal(program_set_batch(program, &data.batch, &err), i == 0 ? 0 : -1);
        assert_true(i == 0 || strstr(err.text, "scale them down"));
        parity_data_release(&data);
        family_ref.free(program);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_network_gradient),
        cmocka_unit_test(test_update_forms),
        cmocka_unit_test(test_tails_and_threads_change_nothing),
        cmocka_unit_test(test_loss_falls),
        cmocka_unit_test(test_low_precisions_store_no_more_bits),
        cmocka_unit_test(test_not_finite_is_located),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_images_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
