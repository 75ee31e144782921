/* The plan's language: options become rows and tensors, what cannot be is refused, FLOPs are counted. */
#include "tests/parity.h"

static struct plan plan; /* large: not for the stack */

static int begin(void)
{
    struct error err = {{0}};
    plan_init(&plan);
    return plan_input(&plan, (struct plan_shape){3, 8, 8}, &err);
}

static int checked(int row, const struct error *err)
{
    if (row < 0)
        fail_msg("%s", err->text);
    return row;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const acts[] = {"relu", "celu", "gelu", "silu"};
    for (int i = 0; i < PLAN_ACT_COUNT; i++)
        assert_string_equal(plan_act_name((enum plan_act)i), acts[i]);
    assert_string_equal(plan_act_name(PLAN_ACT_COUNT), "unknown");
    assert_string_equal(plan_op_name(PLAN_CONCAT), "concat");
    assert_string_equal(plan_op_name(PLAN_LINEAR), "linear");
    assert_string_equal(plan_op_name(PLAN_LOSS), "loss");
    assert_string_equal(plan_op_name(PLAN_OP_COUNT), "unknown");
}

static void test_convolution_with_extras(void **state)
{
    (void)state;
    struct error err = {{0}};
    int row = plan_conv(&plan, "whiten", begin(), 24, (struct plan_conv_options){2, 1, 0, true, true}, &err);
    checked(row, &err);
    assert_int_equal(plan.rows[row].out.h, 7);
    int weight = plan_row_tensor(&plan, row, PLAN_CONV_WEIGHT), bias = plan_row_tensor(&plan, row, PLAN_CONV_BIAS);
    assert_string_equal(plan.tensors[weight].name, "whiten.weight");
    assert_string_equal(plan.tensors[bias].name, "whiten.bias");
    assert_false(plan.tensors[weight].trained);
    assert_true(plan.tensors[bias].trained);
    assert_int_equal(plan.tensors[bias].count, 24);
    assert_int_equal(plan_parameter_count(&plan), 24);
    row = plan_conv(&plan, "plain", row, 5, plan_window(3, 2, 1), &err);
    checked(row, &err);
    assert_int_equal(plan_row_tensor(&plan, row, PLAN_CONV_BIAS), -1);
    assert_true(plan.tensors[plan_row_tensor(&plan, row, PLAN_CONV_WEIGHT)].trained);
}

static void test_norm_with_extras(void **state)
{
    (void)state;
    struct error err = {{0}};
    struct plan_norm_options options = {.eps = 1e-12, .momentum = 0.4, .groups = 16, .fixed_scale = true, .half = true};
    int row = checked(plan_norm(&plan, "norm", begin(), options, &err), &err);
    assert_int_equal(plan.rows[row].groups, 16);
    assert_true(plan.rows[row].half);
    static const char *const names[] = {"norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(plan.tensors[plan.rows[row].tensor[i]].name, names[i]);
        assert_int_equal(plan.tensors[plan.rows[row].tensor[i]].trained, i == 1);
    }
    options.groups = 0;
    options.fixed_bias = true;
    row = checked(plan_norm(&plan, "two", row, options, &err), &err);
    assert_int_equal(plan.rows[row].groups, 1);
    assert_false(plan_row_trained(&plan, row));
    assert_true(plan_row_gradient(&plan, row)); /* a bias before it is trained */

    struct plan_row ghost = {.groups = 16};
    static const int sizes[][2] = {{512, 32}, {400, 25}, {33, 3}, {7, 1}, {1, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(plan_group_size(&ghost, sizes[i][0]), sizes[i][1]);
}

static void test_concat(void **state)
{
    (void)state;
    struct error err = {{0}};
    int x = checked(plan_conv(&plan, "x", begin(), 5, plan_window(1, 1, 0), &err), &err);
    int max = plan_pool(&plan, "max", x, PLAN_GLOBAL_MAX, 0, &err);
    int avg = plan_pool(&plan, "avg", x, PLAN_GLOBAL_AVG, 0, &err);
    int row = checked(plan_concat(&plan, "both", max, avg, &err), &err);
    assert_int_equal(plan.rows[row].out.c, 10);
    assert_int_equal(plan_concat(&plan, "bad", x, avg, &err), -1);
    assert_non_null(strstr(err.text, "sizes differ"));
    row = checked(plan_linear(&plan, "logits", row, 10, 1, true, &err), &err);
    checked(plan_loss(&plan, "loss", row, 0, &err), &err);
    assert_int_equal(plan_check(&plan, &err), 0);
}

static void test_rates(void **state)
{
    (void)state;
    struct error err = {{0}};
    int row = checked(plan_norm(&plan, "norm", begin(), plan_moments(1e-5, 0.1), &err), &err);
    const struct plan_tensor *bias = &plan.tensors[plan_row_tensor(&plan, row, PLAN_NORM_BIAS)];
    assert_true(bias->lr_scale == 1 && bias->decay_scale == 1);
    assert_int_equal(plan_scale_rates(&plan, row, PLAN_NORM_BIAS, 64, 1 / 64.0, &err), 0);
    assert_true(bias->lr_scale == 64 && bias->decay_scale == 1 / 64.0);
    assert_int_equal(plan_scale_rates(&plan, row, PLAN_NORM_BIAS, -1, 1, &err), -1);
    assert_int_equal(plan_scale_rates(&plan, row, PLAN_NORM_BIAS, 1, NAN, &err), -1);
    assert_int_equal(plan_scale_rates(&plan, row, PLAN_CONV_BIAS, 1, 1, &err), -1);
    assert_int_equal(plan_scale_rates(&plan, 7, PLAN_NORM_BIAS, 1, 1, &err), -1);
    assert_true(bias->lr_scale == 64);
}

static void test_refusals(void **state)
{
    (void)state;
    struct error err = {{0}};
    int x = begin();
    assert_int_equal(plan_act(&plan, "a", x, PLAN_ACT_CELU, 0, &err), -1);
    assert_non_null(strstr(err.text, "alpha"));
    assert_int_equal(plan_act(&plan, "a", x, PLAN_ACT_CELU, NAN, &err), -1);
    assert_int_equal(plan_act(&plan, "a", x, PLAN_ACT_COUNT, 0, &err), -1);
    assert_int_equal(plan_norm(&plan, "n", x, plan_moments(0, 0.1), &err), -1);
    assert_int_equal(plan_norm(&plan, "n", x, (struct plan_norm_options){.eps = 1, .momentum = 1, .groups = -1}, &err),
                     -1);
    assert_int_equal(plan_conv(&plan, "c", x, 4, plan_window(9, 1, 0), &err), -1);
    assert_int_equal(plan.n_rows, 1);
}

/* Frozen first layers: no weight gradient of theirs, and none of what they read. */
static void test_flops(void **state)
{
    (void)state;
    struct error err = {{0}};
    struct plan_conv_options fixed = {.kernel = 3, .stride = 1, .pad = 1, .fixed = true};
    int a = checked(plan_conv(&plan, "a", begin(), 4, fixed, &err), &err);
    int b = checked(plan_conv(&plan, "b", a, 5, plan_window(1, 1, 0), &err), &err);
    int c = checked(plan_conv(&plan, "c", b, 6, fixed, &err), &err);
    int d = checked(plan_conv(&plan, "d", c, 7, plan_window(2, 1, 0), &err), &err);
    const double forward[] = {2.0 * 4 * 64 * 27, 2.0 * 5 * 64 * 4, 2.0 * 6 * 64 * 45, 2.0 * 7 * 49 * 24};
    const double passes[] = {0, 1, 1, 2}; /* c: of the data only */
    const int rows[] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        assert_true(plan_row_forward_flops(&plan, rows[i]) == forward[i]);
        assert_true(plan_row_backward_flops(&plan, rows[i]) == passes[i] * forward[i]);
    }
    assert_false(plan_row_gradient(&plan, a));
    assert_true(plan_row_gradient(&plan, c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_convolution_with_extras),
        cmocka_unit_test(test_norm_with_extras),
        cmocka_unit_test(test_concat),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_flops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
