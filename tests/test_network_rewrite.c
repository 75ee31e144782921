/* What knobs and tricks make of a network: the order of its rows, and what is refused with which reason. */
#include "engine/network_rewrite.h"

#include "engine/knobs.h"
#include "engine/recipe_file.h"
#include "engine/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct recipe recipe;
static struct network network;
static struct plan plan;
static struct error err;

static void start(const char *preset)
{
    if (recipe_preset_load(preset, &recipe, NULL, &err))
        fail_msg("%s", err.text);
}

static void set(const char *key, const char *value)
{
    if (knob_set(&recipe, knob_find(key), value, &err))
        fail_msg("%s", err.text);
}

static int build(void)
{
    err.text[0] = '\0';
    return network_build(&recipe, (struct plan_shape){3, 32, 32}, 10, &network, &err) ||
           network_lower(&network, &plan, &err);
}

static void must_build(void)
{
    if (build())
        fail_msg("%s", err.text);
}

static void refused(const char *part1, const char *part2)
{
    if (!build())
        fail_msg("built, but expected: %s", part1);
    if (!strstr(err.text, part1) || !strstr(err.text, part2))
        fail_msg("expected '%s' and '%s' in: %s", part1, part2, err.text);
}

/* The rows from that one on, each reading the one before. */
static void in_a_row(const char *const *names)
{
    int at = plan_find_row(&plan, names[0]);
    if (at < 0)
        fail_msg("no row %s", names[0]);
    for (int i = 1; names[i]; i++) {
        assert_string_equal(plan.rows[at + i].name, names[i]);
        assert_int_equal(plan.rows[at + i].n_inputs, 1);
        assert_int_equal(plan.rows[at + i].input[0], at + i - 1);
    }
}

static const struct plan_row *row(const char *name)
{
    int at = plan_find_row(&plan, name);
    if (at < 0)
        fail_msg("no row %s", name);
    return &plan.rows[at];
}

static void test_pools_before_norm(void **state)
{
    (void)state;
    start("davidnet-79");
    set("pool_place", "before_norm");
    must_build();
    in_a_row((const char *const[]){"layer1/conv", "layer1/pool", "layer1/norm", "layer1/act", NULL});
    in_a_row((const char *const[]){"layer3/conv", "layer3/pool", "layer3/norm", "layer3/act", NULL});
    assert_int_equal(row("layer1/norm")->out.h, 16);
    assert_int_equal(row("layer1/residual/add")->input[0], plan_find_row(&plan, "layer1/act"));
    assert_int_equal(row("layer1/residual/res1/conv")->input[0], plan_find_row(&plan, "layer1/act"));
    assert_int_equal(row("pool")->op, PLAN_GLOBAL_MAX); /* after an addition: it stays */
    set("pool_place", "before_act");
    must_build();
    in_a_row((const char *const[]){"layer2/conv", "layer2/norm", "layer2/pool", "layer2/act", NULL});
    assert_int_equal(row("layer2/norm")->out.h, 16);
    assert_int_equal(row("layer2/act")->out.h, 8);
}

static void test_no_pool_to_move(void **state)
{
    (void)state;
    start("davidnet-79");
    set("pool_place", "before_act");
    assert_int_equal(recipe_set_network(&recipe, "a = conv_bn c stride=2; p = global_max; l = linear", &err), 0);
    refused("pool_place = before_act", "no norm, activation and max pool in a row");
    /* What is read twice cannot go. */
    assert_int_equal(
        recipe_set_network(&recipe, "a = block c; b = max_pool 2 from=a/act; c = add a b; p = global_max; l = linear",
                           &err),
        0);
    refused("pool_place = before_act", "set pool_place=after_act");
}

static void test_duplicate_norm(void **state)
{
    (void)state;
    start("davidnet-79");
    set("duplicate_norm", "on");
    must_build();
    in_a_row((const char *const[]){"input", "prep/conv", "prep/norm_again", "prep/act_again", "prep/norm", "prep/act",
                                   "layer1/conv", NULL});
    assert_true(plan_find_tensor(&plan, "prep.norm_again.running_var") >= 0);
    start("quick"); /* conv, pool, norm, act */
    set("duplicate_norm", "on");
    set("pool_place", "before_norm");
    must_build();
    in_a_row((const char *const[]){"prep/conv", "prep/pool", "prep/norm_again", "prep/act_again", "prep/norm",
                                   "prep/act", NULL});
    assert_int_equal(
        recipe_set_network(&recipe, "a = conv c; r = relu; p = max_pool; g = global_max; l = linear", &err), 0);
    set("pool_place", "after_act");
    refused("duplicate_norm = on", "no norm with an activation");
}

static const struct network_node *node_named(const char *name)
{
    for (int i = 0; i < network.n_nodes; i++)
        if (strcmp(network.node[i].name, name) == 0)
            return &network.node[i];
    fail_msg("no node %s", name);
    return NULL;
}

static void test_activation_after_whitening(void **state)
{
    (void)state;
    start("airbench94");
    must_build();
    assert_int_equal(node_named("whiten/act")->act, PLAN_ACT_GELU); /* same */
    set("activation", "silu");
    set("whitening_activation", "celu");
    set("celu_alpha", "0.3");
    must_build();
    assert_int_equal(node_named("whiten/act")->act, PLAN_ACT_CELU);
    assert_true(node_named("whiten/act")->alpha == 0.3);
    assert_int_equal(node_named("group1/conv1/act")->act, PLAN_ACT_SILU);
    set("whitening_activation", "relu"); /* the first in the list is a wish, too */
    must_build();
    assert_int_equal(node_named("whiten/act")->act, PLAN_ACT_RELU);
    start("sprint-94");
    must_build();
    assert_int_equal(node_named("whiten/act")->act, PLAN_ACT_GELU);
    assert_int_equal(node_named("group3/conv2/act")->act, PLAN_ACT_SILU);
}

static void test_branches(void **state)
{
    (void)state;
    start("davidnet-79");
    set("branches", "residual:L1+L3"); /* as it is anyway */
    must_build();
    size_t parameters = plan_parameter_count(&plan);
    set("branches", "");
    must_build();
    assert_int_equal(plan_parameter_count(&plan), parameters);
    set("branches", "none");
    must_build();
    assert_int_equal(plan_find_row(&plan, "layer1/residual/add"), -1);
    in_a_row((const char *const[]){"layer1/pool", "layer2/conv", NULL});
    set("branches", "residual:L2");
    must_build();
    assert_int_equal(row("layer2/residual/add")->out.c, 256);
    assert_int_equal(plan_find_row(&plan, "layer1/residual/add"), -1);
    set("branches", "extra:L1+L2+L3");
    must_build();
    in_a_row((const char *const[]){"layer1/conv1/conv", "layer1/conv1/norm", "layer1/conv1/act", "layer1/pool",
                                   "layer1/conv2/conv", "layer1/conv2/norm", "layer1/conv2/act", "layer2/conv1/conv",
                                   NULL});
    assert_int_equal(row("layer3/conv2/conv")->out.c, 512);

    static const char *const bad[] = {"residual:L4", "residual:L0", "residual:L1+",  "extra:L1+L1",
                                      "extra:L",     "residual:1",  "residual:L1,L2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        set("branches", bad[i]);
        refused(bad[i], "L1 to L3");
    }
    set("branches", "shortcut:L1");
    refused("branches = shortcut:L1", "expected residual:");
    set("branches", "none");
    assert_int_equal(recipe_set_network(&recipe, "a = conv c; g = global_max; l = linear", &err), 0);
    refused("branches = none", "no line of kind block");
}

static void test_norm_defaults(void **state)
{
    (void)state;
    start("davidnet-79");
    set("norm_eps", "1e-12");
    set("norm_momentum", "0.4");
    assert_int_equal(
        recipe_set_network(&recipe, "a = conv_bn c; b = norm eps=0.5 momentum=0.25; g = global_max; l = linear", &err),
        0);
    must_build();
    assert_true(row("a/norm")->eps == 1e-12 && row("a/norm")->momentum == 0.4);
    assert_true(row("b")->eps == 0.5 && row("b")->momentum == 0.25);
}

static void test_activation(void **state)
{
    (void)state;
    start("davidnet-79");
    must_build();
    assert_int_equal(row("prep/act")->act, PLAN_ACT_RELU);
    set("activation", "celu");
    set("celu_alpha", "0.3");
    must_build();
    assert_int_equal(row("layer3/residual/res2/act")->act, PLAN_ACT_CELU);
    assert_true(row("layer3/residual/res2/act")->alpha == 0.3);
    /* Lines that name theirs keep it. */
    const char *own = "a = conv_bn c; r = relu; s = silu; e = celu alpha=2; t = act; g = global_max; l = linear";
    assert_int_equal(recipe_set_network(&recipe, own, &err), 0);
    set("activation", "gelu");
    must_build();
    assert_int_equal(row("a/act")->act, PLAN_ACT_GELU);
    assert_int_equal(row("r")->act, PLAN_ACT_RELU);
    assert_int_equal(row("s")->act, PLAN_ACT_SILU);
    assert_int_equal(row("e")->act, PLAN_ACT_CELU);
    assert_true(row("e")->alpha == 2);
    assert_int_equal(row("t")->act, PLAN_ACT_GELU);
    assert_int_equal(recipe_set_network(&recipe, "a = conv c; r = relu; g = global_max; l = linear", &err), 0);
    refused("activation = gelu", "set activation=relu");
}

static void test_norms(void **state)
{
    (void)state;
    start("davidnet-79");
    must_build();
    assert_true(row("prep/norm")->groups <= 1 && !row("prep/norm")->half);
    set("ghost_bn", "on");
    set("ghost_groups", "32");
    set("half_norm", "on");
    set("frozen_scale", "on");
    set("norm_bias_lr", "64");
    set("norm_bias_decay", "0.015625");
    set("duplicate_norm", "on"); /* the one that comes again is like the others */
    must_build();
    for (int i = 0; i < plan.n_rows; i++) {
        if (plan.rows[i].op != PLAN_NORM)
            continue;
        assert_true(plan.rows[i].groups == 32 && plan.rows[i].half);
        assert_false(plan.tensors[plan_row_tensor(&plan, i, PLAN_NORM_SCALE)].trained);
        const struct plan_tensor *bias = &plan.tensors[plan_row_tensor(&plan, i, PLAN_NORM_BIAS)];
        assert_true(bias->trained && bias->lr_scale == 64 && bias->decay_scale == 0.015625);
    }
    const struct plan_tensor *filter = &plan.tensors[plan_find_tensor(&plan, "prep.conv.weight")];
    assert_true(filter->lr_scale == 1 && filter->decay_scale == 1);
    static const char *const knobs_on[][2] = {{"ghost_bn", "on"}, {"half_norm", "on"}, {"frozen_scale", "on"}};
    for (int i = 0; i < 3; i++) {
        start("davidnet-79");
        assert_int_equal(recipe_set_network(&recipe, "a = conv c; r = relu; g = global_max; l = linear", &err), 0);
        set(knobs_on[i][0], knobs_on[i][1]);
        refused(knobs_on[i][0], "no batch norm");
    }
}

static void test_ghost_groups_divide_the_batch(void **state)
{
    (void)state;
    const char *key = NULL;
    start("davidnet-79");
    set("ghost_groups", "5"); /* without effect */
    assert_int_equal(recipe_check_key(&recipe, &key, &err), 0);
    set("ghost_bn", "on");
    assert_int_equal(recipe_check_key(&recipe, &key, &err), -1);
    assert_string_equal(key, "ghost_groups");
    assert_non_null(strstr(err.text, "ghost_groups = 5: a batch of 512 images"));
    set("batch", "510");
    assert_int_equal(recipe_check_key(&recipe, &key, &err), 0);
}

/* An epoch's last batch, too, where it is kept. */
static void test_ghost_groups_divide_the_last_batch(void **state)
{
    (void)state;
    start("davidnet-79");
    set("ghost_bn", "on");
    set("drop_last", "off");
    set("data", "synthetic:1:1040"); /* 16 are left */
    assert_int_equal(session_check(&recipe, &plan, &err), 0);
    set("data", "synthetic:1:1048");
    assert_int_equal(session_check(&recipe, &plan, &err), -1);
    assert_non_null(strstr(err.text, "ghost_groups = 16"));
    assert_non_null(strstr(err.text, "last batch has 24 images"));
    set("drop_last", "on");
    assert_int_equal(session_check(&recipe, &plan, &err), 0);
}

static void test_concatenation(void **state)
{
    (void)state;
    start("davidnet-79");
    assert_int_equal(
        recipe_set_network(
            &recipe, "a = conv 7; m = global_max; n = global_avg from=a; p = concat m n; l = linear bias=1", &err),
        0);
    must_build();
    assert_int_equal(row("p")->out.c, 14);
    assert_int_equal(row("p")->input[1], plan_find_row(&plan, "n"));
    assert_true(plan_find_tensor(&plan, "l.bias") >= 0);
    assert_int_equal(
        recipe_set_network(&recipe, "a = conv 7; m = max_pool 2; p = concat m a; q = global_max; l = linear", &err), 0);
    refused("network line 3", "'p'");
}

static void test_whitening_3x3(void **state)
{
    (void)state;
    start("davidnet-79");
    set("whitening", "3x3");
    must_build();
    in_a_row((const char *const[]){"input", "whiten", "prep/conv", "prep/norm", "prep/act", NULL});
    assert_int_equal(row("whiten")->out.c, 27);
    assert_int_equal(row("whiten")->out.h, 32);
    assert_int_equal(row("prep/conv")->kernel, 1);
    assert_int_equal(row("prep/conv")->out.c, 64);
    assert_false(plan.tensors[plan_find_tensor(&plan, "whiten.weight")].trained);
    assert_int_equal(plan_find_tensor(&plan, "whiten.bias"), -1);
    assert_true(network.node[1].whiten.eps == 1e-2 && network.node[1].whiten.images == 10000);
    assert_false(network.node[1].whiten.negatives);
    set("whitening_bias_epochs", "2.5");
    must_build();
    const struct plan_tensor *bias = &plan.tensors[plan_find_tensor(&plan, "whiten.bias")];
    assert_true(bias->trained && bias->epochs == 2.5);
    /* Through a stride, and below pool_first. */
    assert_int_equal(recipe_set_network(&recipe, "a = block c stride=2; g = global_max; l = linear", &err), 0);
    set("pool_place", "before_norm");
    must_build();
    in_a_row((const char *const[]){"whiten", "a/conv", "a/pool", "a/norm", "a/act", NULL});
    assert_int_equal(row("a/conv")->out.h, 16);
}

static void test_whitening_2x2(void **state)
{
    (void)state;
    struct recipe_request request = {.preset = "davidnet-79", .n_on = 2, .on = {"whitening_2x2", "gelu"}};
    assert_int_equal(recipe_resolve(&request, &recipe, &err), 0);
    must_build();
    in_a_row((const char *const[]){"input", "whiten", "whiten/act", "prep/conv", "prep/norm", NULL});
    assert_int_equal(row("whiten")->out.c, 24);
    assert_int_equal(row("whiten")->out.h, 31);
    assert_int_equal(row("whiten/act")->act, PLAN_ACT_GELU);
    assert_int_equal(row("prep/conv")->kernel, 3);
    assert_true(network.node[1].whiten.eps == 5e-4 && network.node[1].whiten.images == 5000);
    assert_true(network.node[1].whiten.negatives && network.node[1].bias_epochs == 3);
}

static void test_whitening_is_done_once(void **state)
{
    (void)state;
    static const char own[] = "w = whiten 3; a = conv_bn c kernel=1; g = global_max; l = linear";
    start("davidnet-79");
    assert_int_equal(recipe_set_network(&recipe, own, &err), 0);
    must_build();
    assert_int_equal(row("w")->out.c, 27);
    set("whitening", "3x3");
    refused("whitening = 3x3: the network whitens its images itself, in 'w'", "set whitening=none");
    static const char *const bad[][3] = {
        {"a = whiten 2; b = whiten 3 from=input; c = concat a b", "network line 2", "whitened by 'a' already"},
        {"a = conv c; b = whiten 3", "network line 2", "say from=input"},
        {"a = whiten 9", "network line 1", "2 to 5 pixels"},
    };
    set("whitening", "none");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(recipe.network, sizeof recipe.network, "%s", bad[i][0]);
        for (char *p = recipe.network; *p; p++)
            *p = *p == ';' ? '\n' : *p;
        refused(bad[i][1], bad[i][2]);
    }
    /* Two read the images: none of them is the first. */
    const char *two = "a = conv c; b = conv c from=input; s = add a b; g = global_max; l = linear";
    assert_int_equal(recipe_set_network(&recipe, two, &err), 0);
    set("whitening", "2x2");
    refused("whitening = 2x2", "into one convolution and nowhere else");
}

/* Convolutions, pools and additions stay, with the shapes that they had. */
static void removed_from(const char *preset, int expected)
{
    static const bool goes[PLAN_OP_COUNT] = {[PLAN_NORM] = true, [PLAN_ACT] = true};
    static struct plan whole;
    start(preset);
    must_build();
    whole = plan;
    assert_int_equal(network_remove(&network, goes), expected);
    if (network_lower(&network, &plan, &err))
        fail_msg("%s", err.text);
    assert_int_equal(plan.n_rows, whole.n_rows - expected);
    for (int i = 0, k = 0; i < whole.n_rows; i++) {
        if (goes[whole.rows[i].op])
            continue;
        assert_string_equal(plan.rows[k].name, whole.rows[i].name);
        assert_memory_equal(&plan.rows[k].out, &whole.rows[i].out, sizeof plan.rows[k].out);
        assert_true(plan_row_forward_flops(&plan, k) == plan_row_forward_flops(&whole, i));
        assert_true(plan_row_backward_flops(&plan, k) == plan_row_backward_flops(&whole, i));
        k++;
    }
}

static void test_norm_and_act_are_removed(void **state)
{
    (void)state;
    removed_from("davidnet-79", 16);
    assert_int_equal(row("layer1/residual/add")->input[0], plan_find_row(&plan, "layer1/pool"));
    assert_int_equal(row("layer1/residual/add")->input[1], plan_find_row(&plan, "layer1/residual/res2/conv"));
    removed_from("batch512-256", 32);
    static const bool nothing[PLAN_OP_COUNT] = {false};
    int before = network.n_nodes;
    assert_int_equal(network_remove(&network, nothing), 0);
    assert_int_equal(network.n_nodes, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools_before_norm),
        cmocka_unit_test(test_no_pool_to_move),
        cmocka_unit_test(test_duplicate_norm),
        cmocka_unit_test(test_activation_after_whitening),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_norm_defaults),
        cmocka_unit_test(test_activation),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_ghost_groups_divide_the_batch),
        cmocka_unit_test(test_ghost_groups_divide_the_last_batch),
        cmocka_unit_test(test_concatenation),
        cmocka_unit_test(test_whitening_3x3),
        cmocka_unit_test(test_whitening_2x2),
        cmocka_unit_test(test_whitening_is_done_once),
        cmocka_unit_test(test_norm_and_act_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
