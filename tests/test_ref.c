/*
 * The reference family's ops against mathematics: every gradient by central differences of a random projection,
 * outputs by hand where they can be.
 *
 * An op is driven alone: the row before it is filled with chosen values, its forward and backward steps are run.
 */
#include "kernels/ref/ref.h"

#include "tests/near.h"
#include "tests/parity.h"

static struct plan plan; /* large: not for the stack */

/* Norm-wise tolerance of a directional derivative. Linear ops: rounding of float32 only. Norm: the third
 * derivative as well, with steps of 1e-2. */
#define LINEAR_TOLERANCE 2e-4
#define SMOOTH_TOLERANCE 2e-3

struct bench {
    struct program *program;
    struct ref *ref;
    struct parity_data data;
    int op_row;
};

/* What is not in a plan_op: the extras of the op under test. */
struct extras {
    bool conv_bias, fixed;
    enum plan_act act;
    double alpha, smoothing;
    int groups;
};

/* input -> x (a 1x1 convolution, overwritten; for two inputs y likewise) -> the op -> linear -> loss. */
static void bench_init_with(struct bench *bench, enum plan_op op, struct plan_shape shape, int n, int kernel,
                            int stride, int pad, struct extras extras)
{
    struct error err = {{0}};
    plan_init(&plan);
    int image = plan_input(&plan, (struct plan_shape){3, shape.h, shape.w}, &err);
    int x = plan_conv(&plan, "x", image, shape.c, plan_window(1, 1, 0), &err), row = -1;
    struct plan_conv_options window = {
        .kernel = kernel, .stride = stride, .pad = pad, .bias = extras.conv_bias, .fixed = extras.fixed};
    struct plan_norm_options moments = {
        .eps = 1e-5, .momentum = 0.1, .groups = extras.groups, .fixed_scale = extras.fixed};
    if (op == PLAN_CONV)
        row = plan_conv(&plan, "op", x, 5, window, &err);
    else if (op == PLAN_NORM)
        row = plan_norm(&plan, "op", x, moments, &err);
    else if (op == PLAN_ACT)
        row = plan_act(&plan, "op", x, extras.act, extras.alpha, &err);
    else if (op == PLAN_ADD)
        row = plan_add(&plan, "op", x, plan_conv(&plan, "y", image, shape.c, plan_window(1, 1, 0), &err), &err);
    else if (op == PLAN_CONCAT)
        row = plan_concat(&plan, "op", x, plan_conv(&plan, "y", image, 4, plan_window(1, 1, 0), &err), &err);
    else if (op == PLAN_LINEAR)
        row = plan_linear(&plan, "op", x, 6, 0.125, true, &err);
    else if (op == PLAN_LOSS)
        row = plan_loss(&plan, "op", x, extras.smoothing, &err);
    else
        row = plan_pool(&plan, "op", x, op, kernel, &err);
    if (row >= 0 && op != PLAN_LOSS)
        plan_loss(&plan, "loss", plan_linear(&plan, "logits", row, 3, 1, false, &err), 0, &err);
    if (err.text[0])
        fail_msg("%s", err.text);
    struct program_options options = {.max_batch = n};
    bench->program = parity_compile(&family_ref, &plan, &options);
    bench->ref = bench->program->own;
    bench->op_row = row;
    parity_data_init(&bench->data, plan.rows[0].out, plan.classes, n, 5);
    parity_set_batch(bench->program, &bench->data.batch);
    bench->program->result.bad_row = -1;
    bench->ref->training = true;
    bench->ref->ran = true;
    parity_weights(bench->program, 9);
}

static void bench_init(struct bench *bench, enum plan_op op, struct plan_shape shape, int n, int kernel, int stride,
                       int pad)
{
    bench_init_with(bench, op, shape, n, kernel, stride, pad, (struct extras){0});
}

static void bench_release(struct bench *bench)
{
    family_ref.free(bench->program);
    parity_data_release(&bench->data);
}

static void run(struct bench *bench, enum phase phase)
{
    for (int i = 0; i < bench->program->n_train; i++) {
        const struct program_step *step = &bench->program->train[i];
        if (step->phase == phase && step->rows[0] == bench->op_row)
            step->run(bench->program, step);
    }
}

/* What smoothing adds to a loss that lacks it: s * sum over images of (mean of -log p over classes + log p[label]). */
static double smoothed(const struct ref_row *row, double loss_sum)
{
    size_t classes = row->input[0]->size;
    double flat = 0, s = row->plan->smoothing;
    for (int n = 0; n < ref_images(row); n++) {
        const float *x = row->input[0]->out + (size_t)n * classes;
        double sum = 0;
        for (size_t c = 0; c < classes; c++)
            sum += exp((double)x[c]);
        for (size_t c = 0; c < classes; c++)
            flat += (log(sum) - x[c]) / (double)classes;
    }
    return (1 - s) * loss_sum + s * flat;
}

/* <r, op(x)> in double; for the loss, what its gradient is of. */
static double project(struct bench *bench, const float *r)
{
    struct ref_row *row = &bench->ref->rows[bench->op_row];
    double sum = 0;
    if (row->plan->op == PLAN_LOSS) {
        run(bench, PHASE_LOSS);
        return smoothed(row, bench->program->result.loss_sum);
    }
    run(bench, PHASE_FORWARD);
    for (size_t i = 0; i < ref_images(row) * row->size; i++)
        sum += (double)r[i] * row->out[i];
    return sum;
}

/* Along a random direction d of values[count]: central difference against <gradient, d>, relative to |gradient||d|. */
static double directional_error(struct bench *bench, const float *r, float *values, const float *gradient, size_t count,
                                double h, uint64_t seed)
{
    float *saved = malloc(count * sizeof *saved);
    double ends[2], expected = 0, norm = 0, length = 0;
    assert_non_null(saved);
    memcpy(saved, values, count * sizeof *saved);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            values[i] = saved[i] + (float)((side ? -h : h) * parity_signed(seed, 7, i));
        ends[side] = project(bench, r);
    }
    for (size_t i = 0; i < count; i++) {
        double d = parity_signed(seed, 7, i);
        expected += gradient[i] * d;
        norm += (double)gradient[i] * gradient[i];
        length += d * d;
    }
    memcpy(values, saved, count * sizeof *saved);
    free(saved);
    assert_true(norm > 0);
    /* |gradient||d|/sqrt(count) is the typical size of <gradient, d>. */
    return fabs((ends[0] - ends[1]) / (2 * h) - expected) / sqrt(norm * length / (double)count);
}

/* Checks dx and the gradients of all trained tensors of the op. */
static void check_gradients(struct bench *bench, double h, double tolerance)
{
    struct ref_row *row = &bench->ref->rows[bench->op_row];
    size_t out_count = ref_images(row) * row->size;
    float *r = malloc(out_count * sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < out_count; i++)
        r[i] = parity_signed(3, 3, i);
    project(bench, r);
    for (int k = 0; k < row->plan->n_inputs; k++)
        row->input[k]->has_gradient = false;
    if (row->gradient)
        memcpy(row->gradient, r, out_count * sizeof *r);
    run(bench, PHASE_BACKWARD);

    for (uint64_t seed = 0; seed < 3; seed++) {
        for (int k = 0; k < row->plan->n_inputs; k++) {
            struct ref_row *in = row->input[k];
            assert_true(in->has_gradient);
            double error = directional_error(bench, r, in->out, in->gradient, ref_images(in) * in->size, h, seed);
            if (!(error < tolerance))
                fail_msg("dx of %s, input %d: off by %g", plan_op_name(row->plan->op), k, error);
        }
        for (int k = 0; k < row->plan->n_tensors; k++) {
            const struct plan_tensor *t = &plan.tensors[row->plan->tensor[k]];
            if (!t->trained)
                continue;
            double error = directional_error(bench, r, bench->ref->value + t->offset, bench->ref->gradient + t->offset,
                                             t->count, h, seed);
            if (!(error < tolerance))
                fail_msg("gradient of %s: off by %g", t->name, error);
        }
    }
    free(r);
}

static void fill_random(struct ref_row *row, uint64_t seed)
{
    for (size_t i = 0; i < ref_images(row) * row->size; i++)
        row->out[i] = parity_signed(seed, 11, i);
}

/* In each plane distinct values 0.25 apart, none nearer to 0 than 0.125, in a scrambled order: no ties, and no kink
 * within the step of a difference. */
static void fill_separated(struct ref_row *row)
{
    size_t plane = (size_t)row->plan->out.h * row->plan->out.w;
    for (size_t i = 0; i < ref_images(row) * row->size; i++)
        row->out[i] = 0.25f * ((float)(i * 7919 % plane) - (float)(plane / 2)) + 0.125f;
}

struct op_case {
    enum plan_op op;
    int h, w, kernel, stride, pad;
    double step, tolerance;
    struct extras extras;
};

static void check_op(struct op_case c)
{
    static const int counts[] = {1, 7}, channels[] = {3, 5, 17};
    for (size_t a = 0; a < 2; a++)
        for (size_t b = 0; b < 3; b++) {
            struct bench bench;
            bench_init_with(&bench, c.op, (struct plan_shape){channels[b], c.h, c.w}, counts[a], c.kernel, c.stride,
                            c.pad, c.extras);
            for (int i = 1; i < bench.op_row; i++)
                if ((c.op == PLAN_ACT && c.extras.act == PLAN_ACT_RELU) || c.op == PLAN_MAX_POOL ||
                    c.op == PLAN_GLOBAL_MAX)
                    fill_separated(&bench.ref->rows[i]);
                else
                    fill_random(&bench.ref->rows[i], (uint64_t)i);
            check_gradients(&bench, c.step, c.tolerance);
            bench_release(&bench);
        }
}

/* Linear in x and in the weights, so a large step costs nothing. */
static void test_conv_gradient(void **state)
{
    (void)state;
    check_op((struct op_case){PLAN_CONV, 7, 5, 3, 1, 1, 0.5, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_CONV, 6, 9, 3, 2, 1, 0.5, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_CONV, 5, 4, 1, 1, 0, 0.5, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_CONV, 8, 7, 5, 3, 2, 0.5, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_CONV, 1, 1, 3, 1, 1, 0.5, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_CONV, 7, 5, 2, 1, 0, 0.5, LINEAR_TOLERANCE, {.conv_bias = true}});
    check_op((struct op_case){PLAN_CONV, 6, 6, 4, 2, 1, 0.5, LINEAR_TOLERANCE, {.conv_bias = true, .fixed = true}});
}

static void test_norm_gradient(void **state)
{
    (void)state;
    check_op((struct op_case){PLAN_NORM, 7, 5, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_NORM, 7, 5, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {.groups = 3}}); /* of 3, 3, 1 */
    check_op((struct op_case){PLAN_NORM, 7, 5, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {.groups = 16, .fixed = true}});
}

static void test_act_gradient(void **state)
{
    (void)state;
    check_op((struct op_case){PLAN_ACT, 7, 5, 0, 0, 0, 0.1, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_ACT, 7, 5, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {.act = PLAN_ACT_CELU, .alpha = 0.3}});
    check_op((struct op_case){PLAN_ACT, 7, 5, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {.act = PLAN_ACT_GELU}});
    check_op((struct op_case){PLAN_ACT, 7, 5, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {.act = PLAN_ACT_SILU}});
}

static void test_pool_gradients(void **state)
{
    (void)state;
    for (int kernel = 2; kernel <= 3; kernel++) { /* 7 x 5: neither divides both sides */
        check_op((struct op_case){PLAN_MAX_POOL, 7, 5, kernel, 0, 0, 0.1, LINEAR_TOLERANCE, {0}});
        check_op((struct op_case){PLAN_AVG_POOL, 7, 5, kernel, 0, 0, 0.5, LINEAR_TOLERANCE, {0}});
    }
    check_op((struct op_case){PLAN_GLOBAL_MAX, 7, 5, 0, 0, 0, 0.1, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_GLOBAL_AVG, 7, 5, 0, 0, 0, 0.5, LINEAR_TOLERANCE, {0}});
}

static void test_add_concat_and_linear_gradients(void **state)
{
    (void)state;
    check_op((struct op_case){PLAN_ADD, 7, 5, 0, 0, 0, 0.5, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_CONCAT, 7, 5, 0, 0, 0, 0.5, LINEAR_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_LINEAR, 2, 3, 0, 0, 0, 0.5, LINEAR_TOLERANCE, {0}});
}

static void test_loss_gradient(void **state)
{
    (void)state;
    check_op((struct op_case){PLAN_LOSS, 1, 1, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {0}});
    check_op((struct op_case){PLAN_LOSS, 1, 1, 0, 0, 0, 1e-2, SMOOTH_TOLERANCE, {.smoothing = 0.2}});
}

/* A 3x3 convolution whose only weight is off centre moves the image and pads with zeros. */
static void test_conv_by_hand(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, PLAN_CONV, (struct plan_shape){1, 2, 3}, 1, 3, 1, 1);
    struct ref_row *row = &bench.ref->rows[bench.op_row];
    memset(row->weight, 0, 5 * 9 * sizeof *row->weight);
    row->weight[9 + 0 * 3 + 2] = 2; /* output channel 1: twice the pixel above and to the right */
    memcpy(row->input[0]->out, (float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof(float));
    run(&bench, PHASE_FORWARD);
    assert_memory_equal(row->out, ((float[6]){0}), 6 * sizeof(float));
    assert_memory_equal(row->out + 6, ((float[6]){0, 0, 0, 4, 6, 0}), 6 * sizeof(float));
    bench_release(&bench);
}

static void test_norm_by_hand(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, PLAN_NORM, (struct plan_shape){1, 1, 2}, 2, 0, 0, 0);
    struct ref_row *row = &bench.ref->rows[bench.op_row];
    row->weight[0] = 2;
    row->bias[0] = 10;
    memcpy(row->input[0]->out, (float[]){1, 2, 3, 6}, 4 * sizeof(float)); /* mean 3, squares 4 + 1 + 0 + 9 = 14 */
    run(&bench, PHASE_FORWARD);
    for (int i = 0; i < 4; i++)
        assert_near(row->out[i], 10 + 2 * (row->input[0]->out[i] - 3) / sqrt(14.0 / 4 + 1e-5), 1e-6);
    assert_near(row->running_mean[0], 0.1 * 3, 1e-7);
    assert_near(row->running_var[0], 0.9 * 1 + 0.1 * 14 / 3, 1e-6); /* unbiased: 14 / (4 - 1) */

    for (int i = 0; i < bench.program->n_eval; i++)
        if (bench.program->eval[i].rows[0] == bench.op_row)
            bench.program->eval[i].run(bench.program, &bench.program->eval[i]);
    assert_near(row->out[3], 10 + 2 * (6 - 0.3) / sqrt(0.9 + 0.1 * 14 / 3 + 1e-5), 1e-5);
    assert_near(row->running_mean[0], 0.1 * 3, 1e-7); /* evaluation leaves them alone */
    bench_release(&bench);
}

static void test_max_pool_ties_and_tails(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, PLAN_MAX_POOL, (struct plan_shape){1, 3, 5}, 1, 2, 0, 0);
    struct ref_row *row = &bench.ref->rows[bench.op_row], *x = row->input[0];
    /* The windows tie at 4 and at 0; the last column and line are dropped. */
    memcpy(x->out, (float[]){1, 4, 0, 0, 99, 4, 4, 0, 0, 99, 99, 99, 99, 99, 99}, 15 * sizeof(float));
    assert_int_equal(row->size, 2);
    run(&bench, PHASE_FORWARD);
    assert_memory_equal(row->out, ((float[]){4, 0}), 2 * sizeof(float));
    memcpy(row->gradient, (float[]){5, 7}, 2 * sizeof(float));
    run(&bench, PHASE_BACKWARD);
    assert_memory_equal(x->gradient, ((float[15]){0, 5, 7}), 15 * sizeof(float));
    bench_release(&bench);
}

static void test_relu_at_zero_and_nan(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, PLAN_ACT, (struct plan_shape){1, 1, 4}, 1, 0, 0, 0);
    struct ref_row *row = &bench.ref->rows[bench.op_row];
    memcpy(row->input[0]->out, (float[]){-1, 0, 2, NAN}, 4 * sizeof(float));
    run(&bench, PHASE_FORWARD);
    assert_true(row->out[0] == 0 && row->out[1] == 0 && row->out[2] == 2 && isnan(row->out[3]));
    memcpy(row->gradient, (float[]){1, 1, 1, 1}, 4 * sizeof(float));
    run(&bench, PHASE_BACKWARD);
    assert_memory_equal(row->input[0]->gradient, ((float[]){0, 0, 1}), 3 * sizeof(float));
    bench_release(&bench);
}

static void test_loss_by_hand(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, PLAN_LOSS, (struct plan_shape){3, 1, 1}, 2, 0, 0, 0);
    struct ref_row *row = &bench.ref->rows[bench.op_row];
    bench.data.labels[bench.data.choices[0].image] = 2;
    bench.data.labels[bench.data.choices[1].image] = 0;
    /* Softmax 1/6, 2/6, 3/6; and equal logits so large that a plain exp would overflow. */
    memcpy(row->input[0]->out, (float[]){0, logf(2), logf(3), 1000, 1000, 1000}, 6 * sizeof(float));
    run(&bench, PHASE_LOSS);
    assert_near(row->out[0], log(2), 1e-6);
    assert_near(row->out[1], log(3), 1e-6);
    assert_near(bench.program->result.loss_sum, log(6), 1e-6);
    assert_int_equal(bench.program->result.correct, 2); /* a tie counts for the first class */
    assert_int_equal(bench.program->result.n, 2);
    run(&bench, PHASE_BACKWARD);
    static const double expected[] = {1 / 6.0, 2 / 6.0, -3 / 6.0, 1 / 3.0 - 1, 1 / 3.0, 1 / 3.0};
    for (int i = 0; i < 6; i++)
        assert_near(row->input[0]->gradient[i], expected[i], 1e-6);
    bench_release(&bench);
}

static void test_linear_by_hand(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, PLAN_LINEAR, (struct plan_shape){2, 1, 1}, 1, 0, 0, 0);
    struct ref_row *row = &bench.ref->rows[bench.op_row];
    memcpy(row->weight, (float[]){3, 5}, 2 * sizeof(float));
    row->bias[0] = 9;
    memcpy(row->input[0]->out, (float[]){1, 2}, 2 * sizeof(float));
    run(&bench, PHASE_FORWARD);
    assert_true(row->out[0] == 0.125f * (3 + 10 + 9));
    bench_release(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_gradient),
        cmocka_unit_test(test_norm_gradient),
        cmocka_unit_test(test_act_gradient),
        cmocka_unit_test(test_pool_gradients),
        cmocka_unit_test(test_add_concat_and_linear_gradients),
        cmocka_unit_test(test_loss_gradient),
        cmocka_unit_test(test_conv_by_hand),
        cmocka_unit_test(test_norm_by_hand),
        cmocka_unit_test(test_max_pool_ties_and_tails),
        cmocka_unit_test(test_relu_at_zero_and_nan),
        cmocka_unit_test(test_loss_by_hand),
        cmocka_unit_test(test_linear_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
