#include "engine/network.h"

#include "engine/knobs.h"
#include "engine/recipe_file.h"
#include "tests/golden_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct plan_shape cifar = {3, 32, 32};

static struct network network;
static struct plan plan;
static struct error err;

static int build_text(const char *text)
{
    struct recipe recipe;
    knob_defaults(&recipe);
    snprintf(recipe.network, sizeof recipe.network, "%s", text);
    err.text[0] = '\0';
    return network_build(&recipe, cifar, 10, &network, &err);
}

static void build_preset(const char *name)
{
    struct recipe recipe;
    if (recipe_preset_load(name, &recipe, NULL, &err) || network_build(&recipe, cifar, 10, &network, &err) ||
        network_lower(&network, &plan, &err))
        fail_msg("%s", err.text);
}

/* The error must name the line and hold every part. */
static void expect_error(const char *text, int line, const char *part1, const char *part2)
{
    char prefix[40];
    snprintf(prefix, sizeof prefix, "network line %d: ", line);
    if (build_text(text) == 0)
        fail_msg("built, but expected '%s': %s", part1, text);
    if (line && strncmp(err.text, prefix, strlen(prefix)) != 0)
        fail_msg("expected '%s...', got: %s", prefix, err.text);
    if (!strstr(err.text, part1) || (part2 && !strstr(err.text, part2)))
        fail_msg("expected '%s' and '%s' in: %s", part1, part2 ? part2 : "", err.text);
}

static void test_davidnet_rows(void **state)
{
    (void)state;
    static const char *const names[] = {"input",
                                        "prep/conv",
                                        "prep/norm",
                                        "prep/act",
                                        "layer1/conv",
                                        "layer1/norm",
                                        "layer1/act",
                                        "layer1/pool",
                                        "layer1/residual/res1/conv",
                                        "layer1/residual/res1/norm",
                                        "layer1/residual/res1/act",
                                        "layer1/residual/res2/conv",
                                        "layer1/residual/res2/norm",
                                        "layer1/residual/res2/act",
                                        "layer1/residual/add",
                                        "layer2/conv",
                                        "layer2/norm",
                                        "layer2/act",
                                        "layer2/pool",
                                        "layer3/conv",
                                        "layer3/norm",
                                        "layer3/act",
                                        "layer3/pool",
                                        "layer3/residual/res1/conv",
                                        "layer3/residual/res1/norm",
                                        "layer3/residual/res1/act",
                                        "layer3/residual/res2/conv",
                                        "layer3/residual/res2/norm",
                                        "layer3/residual/res2/act",
                                        "layer3/residual/add",
                                        "pool",
                                        "logits",
                                        "loss"};
    build_preset("davidnet-79");
    assert_int_equal(plan.n_rows, sizeof names / sizeof names[0]);
    for (int i = 0; i < plan.n_rows; i++)
        assert_string_equal(plan.rows[i].name, names[i]);
    int add = plan_find_row(&plan, "layer1/residual/add");
    assert_int_equal(plan.rows[add].input[0], plan_find_row(&plan, "layer1/pool"));
    assert_int_equal(plan.rows[add].input[1], plan_find_row(&plan, "layer1/residual/res2/act"));
    assert_true(plan_find_tensor(&plan, "prep.conv.weight") >= 0);
    assert_true(plan_find_tensor(&plan, "layer3.residual.res2.norm.running_var") >= 0);
    assert_true(plan_find_tensor(&plan, "logits.weight") >= 0);
    assert_int_equal(plan_find_tensor(&plan, "logits.bias"), -1);
    const struct plan_row *logits = &plan.rows[plan_find_row(&plan, "logits")];
    assert_true(logits->factor == 0.125);
    assert_int_equal(plan.rows[plan_find_row(&plan, "pool")].op, PLAN_GLOBAL_MAX);
}

static void test_davidnet_totals(void **state)
{
    (void)state;
    build_preset("davidnet-79");
    double forward = 0, backward = 0;
    for (int i = 0; i < plan.n_rows; i++) {
        forward += plan_row_forward_flops(&plan, i);
        backward += plan_row_backward_flops(&plan, i);
    }
    assert_true(fabs(forward - 0.7585e9) < 0.0001e9);
    assert_true(fabs(backward - 1.5135e9) < 0.0001e9);
    assert_true(fabs((double)plan_parameter_count(&plan) - 6.57e6) < 0.01e6);
}

/* What davidnet-79 has nothing of. */
static void describe_extras(const struct plan_row *row, FILE *out)
{
    if (row->op == PLAN_ACT && row->act != PLAN_ACT_RELU)
        fprintf(out, "  %s", plan_act_name(row->act));
    if (row->op == PLAN_ACT && row->act == PLAN_ACT_CELU)
        fprintf(out, " %g", row->alpha);
    if (row->op == PLAN_NORM && row->groups > 1)
        fprintf(out, "  groups %d", row->groups);
    if (row->op == PLAN_NORM && row->half)
        fprintf(out, "  half");
    if (row->op == PLAN_NORM && (row->eps != 1e-5 || row->momentum != 0.1))
        fprintf(out, "  eps %g momentum %g", row->eps, row->momentum);
    if (row->op == PLAN_LINEAR && row->factor != 0.125)
        fprintf(out, "  factor %g", row->factor);
    if (row->op == PLAN_LOSS && row->smoothing > 0)
        fprintf(out, "  smoothing %g", row->smoothing);
}

/* A row a line: what a change of the lowering or of a preset changes. */
static void describe(FILE *out)
{
    for (int i = 0; i < plan.n_rows; i++) {
        const struct plan_row *row = &plan.rows[i];
        fprintf(out, "%-28s %-10s %4d x %2d x %2d  k%d s%d p%d  inputs", row->name, plan_op_name(row->op), row->out.c,
                row->out.h, row->out.w, row->kernel, row->stride, row->pad);
        for (int k = 0; k < row->n_inputs; k++)
            fprintf(out, " %s", plan.rows[row->input[k]].name);
        describe_extras(row, out);
        fprintf(out, "\n");
        for (int k = 0; k < row->n_tensors; k++) {
            const struct plan_tensor *t = &plan.tensors[row->tensor[k]];
            fprintf(out, "    %s", t->name);
            for (int d = 0; d < t->n_dims; d++)
                fprintf(out, "%s%d", d ? "x" : " ", t->dims[d]);
            if (!t->trained && t->role != PLAN_RUNNING_MEAN && t->role != PLAN_RUNNING_VAR)
                fprintf(out, "  fixed");
            if (t->lr_scale != 1 || t->decay_scale != 1)
                fprintf(out, "  rate x%g, decay x%g", t->lr_scale, t->decay_scale);
            if (t->epochs > 0)
                fprintf(out, "  for %g epochs", t->epochs);
            fprintf(out, "\n");
        }
    }
    fprintf(out, "parameters %zu\n", plan_parameter_count(&plan));
}

/* tests/golden/plan-NAME.txt, one for every preset; GOLDEN=update rewrites them. */
static void test_golden_plans(void **state)
{
    (void)state;
    static struct recipe_about list[64];
    assert_int_equal(setenv("XDG_CONFIG_HOME", "/nonexistent", 1), 0);
    int n = recipe_preset_list(list, 64);
    assert_true(n >= 3);
    for (int i = 0; i < n; i++) {
        char path[128], *text;
        size_t size;
        build_preset(list[i].name);
        FILE *out = open_memstream(&text, &size);
        describe(out);
        fclose(out);
        snprintf(path, sizeof path, "tests/golden/plan-%.63s.txt", list[i].name);
        golden_text(path, text);
        free(text);
    }
}

static void test_every_kind(void **state)
{
    (void)state;
    int bad = build_text("# a network of one of each\n"
                         "a = conv c kernel=5 stride=2\n"
                         "n = norm eps=1e-3 momentum=0.2\n"
                         "r = relu\n"
                         "\n"
                         "b = conv_bn 0.5c kernel=1\n"
                         "p = avg_pool 2 ; halves it\n"
                         "q = max_pool\n"
                         "c = block 33 pool=0\n"
                         "d = res_block 1.5c convs=3 pool=2 kernel=5\n"
                         "e = group 96 convs=3 pool=0 residual=1\n"
                         "f = preact 40 blocks=1\n"
                         "g = global_avg\n"
                         "h = linear 20 bias=1\n"
                         "i = linear bias=0\n");
    if (bad)
        fail_msg("%s", err.text);
    assert_int_equal(network_lower(&network, &plan, &err), 0);
    const struct plan_row *row = &plan.rows[plan_find_row(&plan, "a")];
    assert_int_equal(row->out.c, 64);
    assert_int_equal(row->out.h, 16);
    assert_int_equal(row->pad, 2);
    assert_true(plan.rows[plan_find_row(&plan, "n")].eps == 1e-3);
    assert_true(plan.rows[plan_find_row(&plan, "n")].momentum == 0.2);
    row = &plan.rows[plan_find_row(&plan, "b/conv")];
    assert_int_equal(row->out.c, 32);
    assert_int_equal(row->out.h, 16);
    assert_int_equal(plan.rows[plan_find_row(&plan, "p")].out.h, 8);
    assert_int_equal(plan.rows[plan_find_row(&plan, "q")].out.h, 4);
    assert_int_equal(plan_find_row(&plan, "c/pool"), -1);
    assert_int_equal(plan.rows[plan_find_row(&plan, "c/conv")].out.c, 33);
    assert_int_equal(plan.rows[plan_find_row(&plan, "d/residual/res3/act")].out.c, 96);
    assert_int_equal(plan.rows[plan_find_row(&plan, "d/residual/res1/conv")].kernel, 5);
    row = &plan.rows[plan_find_row(&plan, "e/add")];
    assert_string_equal(plan.rows[row->input[0]].name, "e/conv1/act");
    assert_string_equal(plan.rows[row->input[1]].name, "e/conv3/norm");
    assert_string_equal(plan.rows[plan.rows[plan_find_row(&plan, "e/conv3/act")].input[0]].name, "e/add");
    row = &plan.rows[plan_find_row(&plan, "f/block1/add")];
    assert_string_equal(plan.rows[row->input[0]].name, "f/block1/conv2");
    assert_string_equal(plan.rows[row->input[1]].name, "f/block1/shortcut");
    row = &plan.rows[row->input[1]];
    assert_string_equal(plan.rows[row->input[0]].name, "f/block1/act1");
    assert_int_equal(row->kernel, 1);
    assert_true(plan_find_tensor(&plan, "h.bias") >= 0);
    assert_true(plan.rows[plan_find_row(&plan, "h")].factor == 1);     /* not the last: no logit scale */
    assert_true(plan.rows[plan_find_row(&plan, "i")].factor == 0.125); /* the last */
    assert_int_equal(network.node[1].line, 2);
}

static void test_residual_of_ones_own(void **state)
{
    (void)state;
    if (build_text("prep = conv_bn 16\n"
                   "left = conv_bn 16\n"
                   "right = conv 16 kernel=1 from=prep\n"
                   "both = add left right\n"
                   "again = add both prep/norm\n"
                   "pool = global_max\n"
                   "out = linear scale=2\n"))
        fail_msg("%s", err.text);
    assert_int_equal(network_lower(&network, &plan, &err), 0);
    const struct plan_row *right = &plan.rows[plan_find_row(&plan, "right")];
    assert_string_equal(plan.rows[right->input[0]].name, "prep/act");
    const struct plan_row *again = &plan.rows[plan_find_row(&plan, "again")];
    assert_string_equal(plan.rows[again->input[0]].name, "both");
    assert_string_equal(plan.rows[again->input[1]].name, "prep/norm");
    assert_true(plan.rows[plan_find_row(&plan, "out")].factor == 2);
}

static void test_from_input(void **state)
{
    (void)state;
    assert_int_equal(build_text("a = conv 8\nb = conv 8 from=input\ns = add a b\np = global_max\nl = linear\n"), 0);
    assert_int_equal(network.node[2].input[0], 0);
}

static void test_width_rounds_to_nearest(void **state)
{
    (void)state;
    struct recipe recipe;
    knob_defaults(&recipe);
    recipe.width = 5;
    strcpy(recipe.network, "a = conv 0.5c\nb = conv 0.05c\np = global_max\nl = linear\n");
    assert_int_equal(network_build(&recipe, cifar, 10, &network, &err), -1); /* 0.25 rounds to 0 */
    assert_non_null(strstr(err.text, "network line 2: width '0.05c'"));
    strcpy(recipe.network, "a = conv 0.5c\nb = conv 0.49c\np = global_max\nl = linear\n");
    assert_int_equal(network_build(&recipe, cifar, 10, &network, &err), 0);
    assert_int_equal(network.node[1].out.c, 3);
    assert_int_equal(network.node[2].out.c, 2);
}

static void test_syntax_errors(void **state)
{
    (void)state;
    expect_error("", 0, "empty", NULL);
    expect_error("# nothing\n\n", 0, "empty", NULL);
    expect_error("prep conv_bn 64", 1, "name = kind", "prep conv_bn 64");
    expect_error("a = conv 8\n1b = conv 8", 2, "'1b' is not a name", NULL);
    expect_error("a b = conv 8", 1, "is not a name", NULL);
    expect_error(" = conv 8", 1, "is not a name", NULL);
    expect_error("a_name_that_is_too_long = conv 8", 1, "longer than 20", NULL);
    expect_error("input = conv 8", 1, "network's own input", NULL);
    expect_error("a =", 1, "says no kind", NULL);
    expect_error("a = conv 8\nb = blok 8", 2, "unknown kind 'blok'", "did you mean 'block'?");
    expect_error("a = xyzzy", 1, "unknown kind 'xyzzy'", "conv_bn, block, res_block, group, preact");
    expect_error("a = conv_bn", 1, "needs a width", NULL);
    expect_error("a = conv_bn kernel=3", 1, "needs a width", NULL);
    expect_error("a = conv_bn 2d", 1, "width '2d'", "2c");
    expect_error("a = conv_bn 0", 1, "width '0'", "1 to 4096");
    expect_error("a = conv_bn 1e9c", 1, "width '1e9c'", NULL);
    expect_error("a = conv 8 kernell=3", 1, "no option 'kernell='", "did you mean 'kernel'?");
    expect_error("a = conv 8 pool=2", 1, "no option 'pool='", "kernel=, stride=, pad=, from=");
    expect_error("a = conv 8 kernel=0", 1, "kernel=0", "1 to 31");
    expect_error("a = conv 8 kernel=three", 1, "kernel=three", "whole number");
    expect_error("a = conv 8 kernel=", 1, "kernel=", "whole number");
    expect_error("a = conv 8 stride=2 stride=2", 1, "'stride=' is given twice", NULL);
    expect_error("a = conv 8 9", 1, "unexpected '9'", "key=value");
    expect_error("a = block 8 pool=1", 1, "pool=1", "0 (no pool) or");
    expect_error("a = norm eps=0", 1, "eps=0", "1e-12");
    expect_error("a = norm 8", 1, "unexpected '8'", NULL);
    expect_error("a = max_pool 1", 1, "window '1'", "2 to 64");
    expect_error("a = linear scale=nan", 1, "scale=nan", NULL);
    expect_error("a = conv 8\na = conv 8", 2, "the name 'a' is taken by line 1", NULL);
    expect_error("a = conv 8\nb = add a", 2, "two earlier lines", "b = add a b");
    expect_error("a = conv 8 from=", 1, "from=", "earlier line");
    expect_error("a = conv 8 from=a from=b", 1, "'from=' is given twice", NULL);
}

static void test_shape_errors(void **state)
{
    (void)state;
    expect_error("a = conv 8\nb = conv 16 kernel=4 pad=0 stride=16\nc = conv 8 kernel=5 pad=0", 3, "does not fit",
                 "5x5");
    expect_error("a = conv 8\nb = max_pool 33", 2, "33x33 pool does not fit", "32x32");
    expect_error("a = conv 8 kernel=3 pad=3", 1, "padding smaller than the kernel", NULL);
    expect_error("a = conv 8\nb = conv 16\nc = add a b", 3, "shapes differ", "8 x 32 x 32");
    expect_error("a = conv 8\nb = add a aa", 2, "no earlier line is named 'aa'", "did you mean");
    expect_error("layer1 = conv 8\nb = conv 8 from=layer2", 2, "no earlier line is named 'layer2'", "'layer1'");
    expect_error("a = conv 8 from=a", 1, "no earlier line", NULL);
    expect_error("a = conv 8\nb = global_max", 2, "one number for each of 10 classes", "8 x 1 x 1");
    expect_error("a = conv 10", 1, "10 x 32 x 32", "logits = linear");
    expect_error("a = conv 8\nb = conv 8 from=input\np = global_max\nl = linear", 1, "nothing uses the output of 'a'",
                 NULL);
    expect_error("a = group 8 kernel=4 residual=1\np = global_max\nl = linear", 1, "must be odd", NULL);
    expect_error("a = preact 8 kernel=2\np = global_max\nl = linear", 1, "must be odd", NULL);
    expect_error("a = res_block 8 kernel=4 pool=0 pad=2\np = global_max\nl = linear", 1, "must be odd", NULL);
}

static void test_limits(void **state)
{
    (void)state;
    char text[RECIPE_NETWORK_MAX] = "";
    for (int i = 0; i < 120; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "a%d=conv_bn 8\n", i);
    }
    expect_error(text, 86, "256", NULL); /* input and 85 lines of 3 rows */
    text[0] = '\0';
    for (int i = 0; i < 129; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "a%d=relu\n", i);
    }
    expect_error(text, 129, "at most 128 lines", NULL);
    struct recipe recipe;
    recipe_preset_load("davidnet-79", &recipe, NULL, &err);
    assert_int_equal(network_build(&recipe, cifar, 1, &network, &err), -1);
    assert_non_null(strstr(err.text, "at least 2 classes"));
    assert_int_equal(network_build(&recipe, (struct plan_shape){3, 4, 4}, 10, &network, &err), -1);
    assert_non_null(strstr(err.text, "network line 4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_davidnet_rows),
        cmocka_unit_test(test_davidnet_totals),
        cmocka_unit_test(test_golden_plans),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_residual_of_ones_own),
        cmocka_unit_test(test_from_input),
        cmocka_unit_test(test_width_rounds_to_nearest),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_shape_errors),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
