/*
 * The reference's ghost batch norm against plain batch norm group by group, its running statistics against one pair of
 * buffers a group; half precision against its definition; and the other extras by hand.
 */
#include "kernels/half.h"
#include "kernels/ref/ref.h"

#include "tests/near.h"
#include "tests/parity.h"

enum { CHANNELS = 5, SIDE = 3, PLANE = SIDE * SIDE, SIZE = CHANNELS * PLANE, IMAGES = 7, GROUPS = 3 };

static struct plan plan;

/* input -> x (overwritten) -> norm -> linear -> loss, alone. */
struct bench {
    struct program *program;
    struct ref_row *x, *norm;
    struct parity_data data;
};

static void bench_init(struct bench *bench, struct plan_norm_options options, int n)
{
    struct error err = {{0}};
    plan_init(&plan);
    int x = plan_input(&plan, (struct plan_shape){3, SIDE, SIDE}, &err);
    x = plan_conv(&plan, "x", x, CHANNELS, plan_window(1, 1, 0), &err);
    int norm = plan_norm(&plan, "norm", x, options, &err);
    if (plan_loss(&plan, "loss", plan_linear(&plan, "logits", norm, 3, 1, false, &err), 0, &err) < 0)
        fail_msg("%s", err.text);
    bench->program = parity_compile(&family_ref, &plan, &(struct program_options){.max_batch = n});
    struct ref *ref = bench->program->own;
    bench->x = &ref->rows[x];
    bench->norm = &ref->rows[norm];
    ref->ran = true;
    parity_data_init(&bench->data, plan.rows[0].out, plan.classes, n, 5);
    parity_set_batch(bench->program, &bench->data.batch);
    parity_weights(bench->program, 9);
}

static void bench_release(struct bench *bench)
{
    family_ref.free(bench->program);
    parity_data_release(&bench->data);
}

static void run(struct bench *bench, enum phase phase)
{
    bench->x->has_gradient = false;
    for (int i = 0; i < bench->program->n_train; i++) {
        const struct program_step *step = &bench->program->train[i];
        if (step->phase == phase && step->rows[0] == bench->norm->index)
            step->run(bench->program, step);
    }
}

static void evaluate(struct bench *bench)
{
    for (int i = 0; i < bench->program->n_eval; i++)
        if (bench->program->eval[i].rows[0] == bench->norm->index)
            bench->program->eval[i].run(bench->program, &bench->program->eval[i]);
}

static void fill(float *out, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        out[i] = 3 * parity_signed(seed, 11, i) + 1;
}

static const struct plan_norm_options plain = {.eps = 1e-3, .momentum = 0.3};
static const struct plan_norm_options ghost = {.eps = 1e-3, .momentum = 0.3, .groups = GROUPS};

/* Groups of 3, 3 and 1 of 7 images: each comes out as from a batch of its own. */
static void test_ghost_is_plain_by_group(void **state)
{
    (void)state;
    static float x[IMAGES * SIZE], dy[IMAGES * SIZE], out[IMAGES * SIZE], dx[IMAGES * SIZE];
    float scale[CHANNELS], bias[CHANNELS];
    double scales[CHANNELS] = {0}, biases[CHANNELS] = {0};
    struct bench bench;
    fill(x, IMAGES * SIZE, 1);
    fill(dy, IMAGES * SIZE, 2);
    bench_init(&bench, ghost, IMAGES);
    memcpy(bench.x->out, x, sizeof x);
    run(&bench, PHASE_FORWARD);
    memcpy(bench.norm->gradient, dy, sizeof dy);
    run(&bench, PHASE_BACKWARD);
    memcpy(out, bench.norm->out, sizeof out);
    memcpy(dx, bench.x->gradient, sizeof dx);
    memcpy(scale, bench.norm->weight_gradient, sizeof scale);
    memcpy(bias, bench.norm->bias_gradient, sizeof bias);
    bench_release(&bench);

    static const int starts[] = {0, 3, 6, 7};
    for (int g = 0; g < GROUPS; g++) {
        size_t count = (size_t)(starts[g + 1] - starts[g]) * SIZE, at = (size_t)starts[g] * SIZE;
        bench_init(&bench, plain, starts[g + 1] - starts[g]);
        memcpy(bench.x->out, x + at, count * sizeof *x);
        run(&bench, PHASE_FORWARD);
        memcpy(bench.norm->gradient, dy + at, count * sizeof *dy);
        run(&bench, PHASE_BACKWARD);
        assert_memory_equal(out + at, bench.norm->out, count * sizeof *out);
        assert_memory_equal(dx + at, bench.x->gradient, count * sizeof *dx);
        for (int c = 0; c < CHANNELS; c++) {
            scales[c] += bench.norm->weight_gradient[c];
            biases[c] += bench.norm->bias_gradient[c];
        }
        bench_release(&bench);
    }
    for (int c = 0; c < CHANNELS; c++) {
        assert_near(scale[c], scales[c], 1e-4);
        assert_near(bias[c], biases[c], 1e-4);
    }
}

/* What each group would keep for itself: naive sums, buffers of its own, and their mean at the end. */
struct buffers {
    double mean[GROUPS][CHANNELS], var[GROUPS][CHANNELS];
};

static void naive_step(struct buffers *buffers, const float *x)
{
    static const int starts[] = {0, 3, 6, 7};
    for (int g = 0; g < GROUPS; g++)
        for (int c = 0; c < CHANNELS; c++) {
            double count = (double)(starts[g + 1] - starts[g]) * PLANE, mean = 0, square = 0;
            for (int n = starts[g]; n < starts[g + 1]; n++)
                for (int i = 0; i < PLANE; i++)
                    mean += x[(n * CHANNELS + c) * PLANE + i] / count;
            for (int n = starts[g]; n < starts[g + 1]; n++)
                for (int i = 0; i < PLANE; i++)
                    square += pow(x[(n * CHANNELS + c) * PLANE + i] - mean, 2);
            buffers->mean[g][c] = 0.7 * buffers->mean[g][c] + 0.3 * mean;
            buffers->var[g][c] = 0.7 * buffers->var[g][c] + 0.3 * square / (count - 1);
        }
}

static void test_ghost_running_statistics(void **state)
{
    (void)state;
    static float x[IMAGES * SIZE];
    struct buffers buffers = {0};
    struct bench bench;
    for (int g = 0; g < GROUPS; g++)
        for (int c = 0; c < CHANNELS; c++)
            buffers.var[g][c] = 1;
    bench_init(&bench, ghost, IMAGES);
    for (uint64_t step = 0; step < 5; step++) {
        fill(x, IMAGES * SIZE, step);
        naive_step(&buffers, x);
        memcpy(bench.x->out, x, sizeof x);
        run(&bench, PHASE_FORWARD);
    }
    evaluate(&bench);
    for (int c = 0; c < CHANNELS; c++) {
        double mean = (buffers.mean[0][c] + buffers.mean[1][c] + buffers.mean[2][c]) / GROUPS;
        double var = (buffers.var[0][c] + buffers.var[1][c] + buffers.var[2][c]) / GROUPS;
        assert_near(bench.norm->running_mean[c], mean, 1e-5);
        assert_near(bench.norm->running_var[c], var, 1e-5);
        size_t last = (size_t)((IMAGES - 1) * CHANNELS + c) * PLANE;
        double expected = (x[last] - mean) / sqrt(var + 1e-3) * bench.norm->weight[c] + bench.norm->bias[c];
        assert_near(bench.norm->out[last], expected, 1e-4);
    }
    bench_release(&bench);
}

static void test_half_rounding(void **state)
{
    (void)state;
    static const float cases[][2] = {
        {1, 1},
        {0.1f, 0.0999755859375f},
        {-0.1f, -0.0999755859375f},
        {2049, 2048}, /* ties to even */
        {2051, 2052},
        {65519, 65504},
        {65520, INFINITY},
        {-1e9f, -INFINITY},
        {1e-5f, 1.00135803e-05f}, /* 168 * 2^-24: below the normal ones */
        {2e-8f, 0},
        {6.2e-5f, 6.19888306e-05f},
        {0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(half_round(cases[i][0]) == cases[i][1]);
    assert_true(isnan(half_round(NAN)));
    assert_true(signbit(half_round(-0.0f)));
}

/* Everything that is kept is in half precision, and y follows from it. */
static void test_half_norm(void **state)
{
    (void)state;
    struct plan_norm_options options = {.eps = 1e-3, .momentum = 0.3, .half = true};
    struct bench bench;
    bench_init(&bench, options, IMAGES);
    struct ref_row *row = bench.norm;
    fill(bench.x->out, IMAGES * SIZE, 3);
    run(&bench, PHASE_FORWARD);
    fill(row->gradient, IMAGES * SIZE, 4);
    run(&bench, PHASE_BACKWARD);
    for (int c = 0; c < CHANNELS; c++) {
        assert_true(half_round(row->running_mean[c]) == row->running_mean[c]);
        assert_true(half_round(row->running_var[c]) == row->running_var[c]);
        assert_true(half_round(row->weight_gradient[c]) == row->weight_gradient[c]);
        assert_true(half_round(row->bias_gradient[c]) == row->bias_gradient[c]);
        float scale = half_round(row->weight[c]), a = half_round((float)(row->inv_std[c] * scale));
        float b = half_round((float)(half_round(row->bias[c]) - row->mean[c] * a));
        assert_true(half_round((float)row->mean[c]) == row->mean[c]);
        assert_true(row->weight[c] != scale);
        size_t at = (size_t)c * PLANE + 4;
        assert_true(row->out[at] == (float)((double)bench.x->out[at] * a + b));
    }
    bench_release(&bench);
}

/* An activation's value and slope at x. */
static void act_at(enum plan_act act, double alpha, float x, float *value, float *slope)
{
    struct error err = {{0}};
    struct parity_data data;
    plan_init(&plan);
    int row =
        plan_conv(&plan, "x", plan_input(&plan, (struct plan_shape){3, 1, 1}, &err), 1, plan_window(1, 1, 0), &err);
    row = plan_act(&plan, "act", row, act, alpha, &err);
    if (plan_loss(&plan, "loss", row, 0, &err) < 0)
        fail_msg("%s", err.text);
    struct program *program = parity_compile(&family_ref, &plan, &(struct program_options){.max_batch = 1});
    struct ref *ref = program->own;
    parity_data_init(&data, plan.rows[0].out, 1, 1, 5);
    parity_set_batch(program, &data.batch);
    ref->rows[1].out[0] = x;
    ref_act_forward(&ref->rows[2]);
    ref->rows[2].gradient[0] = 1;
    ref_act_backward(&ref->rows[2]);
    *value = ref->rows[2].out[0];
    *slope = ref->rows[1].gradient[0];
    family_ref.free(program);
    parity_data_release(&data);
}

/* Values of torch.nn.functional.celu, gelu and silu and their derivatives, in float64. */
static void test_activations_by_hand(void **state)
{
    (void)state;
    static const struct {
        enum plan_act act;
        double alpha;
        float x;
        double value, slope;
    } cases[] = {
        {PLAN_ACT_CELU, 0.075, -0.1f, 0.075 * (0.2635971381157267 - 1), 0.2635971381157267},
        {PLAN_ACT_CELU, 0.3, -30, -0.3, 0},
        {PLAN_ACT_CELU, 0.3, 0, 0, 1},
        {PLAN_ACT_CELU, 0.3, 2, 2, 1},
        {PLAN_ACT_GELU, 0, 1, 0.8413447460685429, 1.0833154705876864},
        {PLAN_ACT_GELU, 0, -1, -0.15865525393145707, -0.08331547058768644},
        {PLAN_ACT_GELU, 0, 0, 0, 0.5},
        {PLAN_ACT_SILU, 0, 1, 0.7310585786300049, 0.9276705118714869},
        {PLAN_ACT_SILU, 0, -3, -0.14227761953270035, -0.08810410601516962},
        {PLAN_ACT_SILU, 0, 0, 0, 0.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float value, slope;
        act_at(cases[i].act, cases[i].alpha, cases[i].x, &value, &slope);
        assert_near(value, cases[i].value, 1e-7);
        assert_near(slope, cases[i].slope, 1e-7);
    }
    for (int act = 0; act < PLAN_ACT_COUNT; act++) {
        float value, slope;
        act_at((enum plan_act)act, 0.1, NAN, &value, &slope);
        assert_true(isnan(value));
    }
}

/* A fixed convolution with a bias keeps its weight and has no gradient before it; its bias learns. */
static void test_fixed_convolution(void **state)
{
    (void)state;
    struct error err = {{0}};
    struct parity_data data;
    plan_init(&plan);
    struct plan_conv_options fixed = {.kernel = 2, .stride = 1, .pad = 0, .bias = true, .fixed = true};
    int row = plan_conv(&plan, "whiten", plan_input(&plan, (struct plan_shape){3, 4, 4}, &err), 6, fixed, &err);
    row = plan_conv(&plan, "conv", row, 4, plan_window(1, 1, 0), &err);
    if (plan_loss(&plan, "loss", plan_linear(&plan, "logits", row, 3, 1, false, &err), 0, &err) < 0)
        fail_msg("%s", err.text);
    struct program *program = parity_compile(&family_ref, &plan, &(struct program_options){.max_batch = 4});
    parity_data_init(&data, plan.rows[0].out, 3, 4, 5);
    parity_weights(program, 1);
    float *weight = parity_read(program, "whiten.weight", PROGRAM_VALUE);
    float *bias = parity_read(program, "whiten.bias", PROGRAM_VALUE);
    parity_train(program, &data.batch, &(struct hyper){.lr = 0.1, .form = NESTEROV_TORCH});
    float *weight_after = parity_read(program, "whiten.weight", PROGRAM_VALUE);
    float *bias_after = parity_read(program, "whiten.bias", PROGRAM_VALUE);
    assert_memory_equal(weight, weight_after, (size_t)6 * 3 * 4 * sizeof(float));
    for (int c = 0; c < 6; c++)
        assert_true(bias[c] != bias_after[c]);
    assert_null(parity_try_read(program, "whiten.weight", PROGRAM_GRADIENT, &err));
    assert_null(parity_try_read(program, "input", PROGRAM_GRADIENT, &err));
    free(weight);
    free(bias);
    free(weight_after);
    free(bias_after);
    family_ref.free(program);
    parity_data_release(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ghost_is_plain_by_group), cmocka_unit_test(test_ghost_running_statistics),
        cmocka_unit_test(test_half_rounding),           cmocka_unit_test(test_half_norm),
        cmocka_unit_test(test_activations_by_hand),     cmocka_unit_test(test_fixed_convolution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
