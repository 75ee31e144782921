/*
 * The networks of test_cpu_family.c: DavidNet, and one of every odd shape that a plan can express. Each make() builds
 * `plan` anew. Header only, for one test.
 */
#ifndef DAVIDNET_TESTS_CPU_NETWORKS_H
#define DAVIDNET_TESTS_CPU_NETWORKS_H

#include "tests/parity.h"

static struct plan plan; /* large: not for the stack */

static void check(int row, const struct error *err)
{
    if (row < 0)
        fail_msg("%s", err->text);
}

static void finish(int row, int classes)
{
    struct error err = {{0}};
    row = plan_linear(&plan, "logits", row, classes, 0.5, true, &err);
    check(row, &err);
    check(plan_loss(&plan, "loss", row, 0, &err), &err);
}

static int begin(int c, int h, int w)
{
    struct error err = {{0}};
    plan_init(&plan);
    int row = plan_input(&plan, (struct plan_shape){c, h, w}, &err);
    check(row, &err);
    return row;
}

static void davidnet8(void)
{
    struct error err = {{0}};
    check(parity_davidnet_plan(&plan, 8, (struct plan_shape){3, 16, 16}, 10, &err), &err);
}

/* Channels that are no multiple of 16, and a linear layer over pixels. */
static void odd_channels(void)
{
    struct error err = {{0}};
    int row = parity_conv_bn(&plan, "one", begin(3, 9, 7), 12, &err);
    row = parity_conv_bn(&plan, "two", row, 17, &err);
    finish(row, 7);
}

static void conv_alone(void)
{
    struct error err = {{0}};
    int row = plan_conv(&plan, "a", begin(3, 8, 8), 16, plan_window(3, 1, 1), &err);
    row = plan_conv(&plan, "b", row, 33, plan_window(3, 1, 1), &err);
    finish(plan_pool(&plan, "pool", row, PLAN_GLOBAL_AVG, 0, &err), 10);
}

/* The input itself is normalised, cut off at zero, and read by two. */
static void chains_on_the_input(void)
{
    struct error err = {{0}};
    int image = begin(3, 8, 8);
    int norm = plan_norm(&plan, "norm", image, plan_moments(1e-5, 0.1), &err);
    int act = plan_act(&plan, "act", image, PLAN_ACT_RELU, 0, &err);
    int row = plan_add(&plan, "add", norm, act, &err);
    finish(plan_conv(&plan, "conv", row, 20, plan_window(3, 1, 1), &err), 5);
}

/* Strides, kernels of 1, 2 and 5, no padding, and 1x1 shortcuts between layouts. */
static void kernels_and_strides(void)
{
    struct error err = {{0}};
    int row = plan_conv(&plan, "five", begin(3, 20, 20), 16, plan_window(5, 1, 2), &err);
    row = plan_act(&plan, "act1", row, PLAN_ACT_RELU, 0, &err);
    int down = plan_conv(&plan, "down", row, 24, plan_window(3, 2, 1), &err);
    down = plan_norm(&plan, "norm", down, plan_moments(1e-5, 0.1), &err);
    int shortcut = plan_conv(&plan, "shortcut", row, 24, plan_window(1, 2, 0), &err);
    row = plan_add(&plan, "add", down, shortcut, &err);
    row = plan_act(&plan, "act2", row, PLAN_ACT_RELU, 0, &err);
    row = plan_conv(&plan, "two", row, 19, plan_window(2, 1, 0), &err);
    row = plan_norm(&plan, "norm2", row, plan_moments(1e-3, 0.2), &err);
    finish(plan_pool(&plan, "pool", row, PLAN_AVG_POOL, 3, &err), 10);
}

/* One activation read by four, so gradients come in more than two parts, and added to itself. */
static void many_readers(void)
{
    struct error err = {{0}};
    int a = parity_conv_bn(&plan, "a", begin(3, 8, 8), 16, &err);
    int b = plan_conv(&plan, "b", a, 16, plan_window(3, 1, 1), &err);
    int c = plan_conv(&plan, "c", a, 16, plan_window(1, 1, 0), &err);
    int d = plan_act(&plan, "d", plan_conv(&plan, "d_conv", a, 16, plan_window(3, 1, 1), &err), PLAN_ACT_RELU, 0, &err);
    int row = plan_add(&plan, "add1", a, b, &err);
    row = plan_add(&plan, "add2", c, row, &err);
    row = plan_add(&plan, "add3", row, d, &err);
    row = plan_add(&plan, "twice", row, row, &err);
    row = plan_conv(&plan, "conv", row, 16, plan_window(3, 1, 1), &err);
    finish(plan_pool(&plan, "pool", row, PLAN_GLOBAL_MAX, 0, &err), 10);
}

/* Every single operation as a chain of its own, pool first, windows that do not divide the image. */
static void single_operations(void)
{
    struct error err = {{0}};
    int row = plan_conv(&plan, "conv", begin(3, 11, 10), 16, plan_window(3, 1, 1), &err);
    row = plan_pool(&plan, "pool", row, PLAN_MAX_POOL, 3, &err);
    row = plan_norm(&plan, "norm", row, plan_moments(1e-5, 0.1), &err);
    row = plan_pool(&plan, "pool2", row, PLAN_MAX_POOL, 2, &err);
    row = plan_conv(&plan, "conv2", row, 18, plan_window(1, 1, 0), &err);
    row = plan_act(&plan, "act", row, PLAN_ACT_RELU, 0, &err);
    finish(row, 10);
}

/* Linear layers with something between them, and logits that something else made. */
static void linear_layers(void)
{
    struct error err = {{0}};
    int row = plan_linear(&plan, "fc1", begin(3, 6, 5), 21, 1, false, &err); /* a bias before a norm has no gradient */
    row = plan_norm(&plan, "norm", row, plan_moments(1e-5, 0.1), &err);
    row = plan_act(&plan, "act", row, PLAN_ACT_RELU, 0, &err);
    row = plan_linear(&plan, "fc2", row, 12, 1, false, &err);
    int fc3 = plan_linear(&plan, "fc3", row, 12, 2, true, &err);
    row = plan_add(&plan, "add", row, fc3, &err);
    row = plan_conv(&plan, "conv", row, 9, plan_window(1, 1, 0), &err);
    check(plan_loss(&plan, "loss", row, 0, &err), &err);
}

static void all_convolutional(void)
{
    struct error err = {{0}};
    int row = parity_conv_bn(&plan, "one", begin(1, 6, 6), 16, &err);
    row = plan_conv(&plan, "ten", row, 10, plan_window(3, 1, 1), &err);
    row = plan_pool(&plan, "pool", row, PLAN_GLOBAL_AVG, 0, &err);
    check(plan_loss(&plan, "loss", row, 0, &err), &err);
}

static void frozen_first(void)
{
    davidnet8();
    for (int i = 0; i < plan.n_tensors; i++)
        if (strncmp(plan.tensors[i].name, "prep.", 5) == 0 || strcmp(plan.tensors[i].name, "layer1.norm.weight") == 0)
            plan.tensors[i].trained = false;
    plan.tensors[plan_find_tensor(&plan, "layer2.conv.weight")].lr_scale = 0.5;
    plan.tensors[plan_find_tensor(&plan, "layer2.conv.weight")].decay_scale = 2;
}

/* Small images, for which bf16 lays the batch out in groups; all kinds of readers of them. */
static void small_images(void)
{
    struct error err = {{0}};
    int a = parity_conv_bn(&plan, "a", begin(3, 5, 4), 16, &err);
    int row = parity_conv_bn(&plan, "b", a, 16, &err);
    row = plan_add(&plan, "add", row, a, &err);
    row = plan_conv(&plan, "c", row, 20, plan_window(3, 1, 1), &err);
    row = plan_conv(&plan, "d", row, 12, plan_window(1, 1, 0), &err);
    int avg = plan_pool(&plan, "avg", row, PLAN_AVG_POOL, 2, &err);
    int max = plan_pool(&plan, "max", row, PLAN_MAX_POOL, 2, &err);
    finish(plan_add(&plan, "both", avg, max, &err), 10);
}

/* The speedruns' beginning: fixed 2x2 convolution with a bias, GELU; then ghost norm with fixed scale in the three
 * orders around the pool, and a concatenation of what a max pool and an average pool say. */
static void bag_of_tricks(void)
{
    struct error err = {{0}};
    struct plan_conv_options whiten = {.kernel = 2, .stride = 1, .pad = 0, .bias = true, .fixed = true};
    struct plan_norm_options ghost = {.eps = 1e-5, .momentum = 0.3, .groups = 4, .fixed_scale = true};
    int row = plan_conv(&plan, "whiten", begin(3, 17, 17), 24, whiten, &err);
    row = plan_act(&plan, "whiten/act", row, PLAN_ACT_GELU, 0, &err);
    row = plan_conv(&plan, "one", row, 20, plan_window(3, 1, 1), &err);
    row = plan_pool(&plan, "one/pool", row, PLAN_MAX_POOL, 2, &err);
    row = plan_norm(&plan, "one/norm", row, ghost, &err);
    row = plan_act(&plan, "one/act", row, PLAN_ACT_SILU, 0, &err);
    int skip = row;
    row = plan_conv(&plan, "two", row, 20, plan_window(3, 1, 1), &err);
    row = plan_norm(&plan, "two/norm", row, ghost, &err);
    row = plan_act(&plan, "two/act", row, PLAN_ACT_CELU, 0.3, &err);
    row = plan_add(&plan, "two/add", skip, row, &err);
    row = plan_conv(&plan, "three", row, 33, plan_window(1, 1, 0), &err);
    row = plan_norm(&plan, "three/norm", row, ghost, &err);
    row = plan_pool(&plan, "three/pool", row, PLAN_MAX_POOL, 2, &err);
    row = plan_act(&plan, "three/act", row, PLAN_ACT_CELU, 0.075, &err);
    int max = plan_pool(&plan, "max", row, PLAN_GLOBAL_MAX, 0, &err);
    int avg = plan_pool(&plan, "avg", row, PLAN_GLOBAL_AVG, 0, &err);
    finish(plan_concat(&plan, "both", max, avg, &err), 10);
}

/* Duplicate norm and activation, then pre-activation blocks: the shortcut reads what the activation made. */
static void preactivation(void)
{
    struct error err = {{0}};
    int row = plan_conv(&plan, "prep", begin(3, 8, 8), 16, plan_window(3, 1, 1), &err);
    for (int i = 0; i < 2; i++) {
        row = plan_norm(&plan, i ? "norm1" : "norm0", row, plan_moments(1e-5, 0.1), &err);
        row = plan_act(&plan, i ? "act1" : "act0", row, PLAN_ACT_RELU, 0, &err);
    }
    int shortcut = plan_conv(&plan, "shortcut", row, 24, plan_window(1, 2, 0), &err);
    row = plan_conv(&plan, "down", row, 24, plan_window(3, 2, 1), &err);
    row = plan_norm(&plan, "down/norm", row, plan_moments(1e-5, 0.1), &err);
    row = plan_act(&plan, "down/act", row, PLAN_ACT_RELU, 0, &err);
    row = plan_add(&plan, "add", plan_conv(&plan, "same", row, 24, plan_window(3, 1, 1), &err), shortcut, &err);
    row = plan_norm(&plan, "norm2", row, plan_moments(1e-5, 0.1), &err);
    row = plan_act(&plan, "act2", row, PLAN_ACT_RELU, 0, &err);
    row = plan_add(&plan, "add2", plan_conv(&plan, "last", row, 24, plan_window(3, 1, 1), &err), row, &err);
    int max = plan_pool(&plan, "max", row, PLAN_MAX_POOL, 4, &err);
    int avg = plan_pool(&plan, "avg", row, PLAN_AVG_POOL, 4, &err);
    finish(plan_concat(&plan, "both", max, avg, &err), 10);
}

struct parity_network {
    const char *name;
    void (*make)(void);
};

static const struct parity_network networks[] = {
    {"davidnet", davidnet8},
    {"odd channels", odd_channels},
    {"conv alone", conv_alone},
    {"chains on the input", chains_on_the_input},
    {"kernels and strides", kernels_and_strides},
    {"many readers", many_readers},
    {"single operations", single_operations},
    {"linear layers", linear_layers},
    {"all convolutional", all_convolutional},
    {"frozen first", frozen_first},
    {"small images", small_images},
    {"bag of tricks", bag_of_tricks},
    {"pre-activation", preactivation},
};

#define NETWORKS (sizeof networks / sizeof *networks)

#endif
