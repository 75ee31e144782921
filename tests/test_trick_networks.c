/*
 * A trick that is about the network is no mere word on any network: with every preset, and with odd networks that lack
 * what it works on, the plan differs from the one without it, or it is refused by name.
 */
#include "engine/groups.h"
#include "engine/network.h"
#include "engine/recipe_file.h"
#include "engine/tricks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PRESETS_MAX 128

static struct recipe recipe;
static struct network network;
static struct plan plan[2];
static struct error err;

/* It is about the network: how it is built, begins or is updated. */
static int is_about_networks(const struct trick *trick)
{
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
        if (strcmp(knob_find(patch->key)->section, "model") == 0 || strcmp(patch->key, "optimiser") == 0 ||
            strcmp(patch->key, "decoupled_decay") == 0)
            return 1;
    return 0;
}

/* The plan with the trick on or off; -1 with err. */
static int build(const char *preset, const char *own, const struct trick *trick, int on, struct plan *out)
{
    struct recipe_request request = {.preset = preset, .n_sets = own ? 1 : 0, .sets = {own}};
    if (on)
        request.on[request.n_on++] = trick->key;
    else
        request.off[request.n_off++] = trick->key;
    err.text[0] = '\0';
    if (recipe_resolve(&request, &recipe, &err) ||
        network_build(&recipe, (struct plan_shape){3, 32, 32}, 10, &network, &err) ||
        network_lower(&network, out, &err))
        return -1;
    groups_apply(&recipe, out);
    return 0;
}

static int is_named(const struct trick *trick)
{
    int found = strstr(err.text, trick->key) != NULL;
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
        found |= strstr(err.text, patch->key) != NULL;
    for (const struct trick_patch *patch = trick->begins_with; patch->key; patch++)
        found |= strstr(err.text, patch->key) != NULL;
    return found;
}

static int same_plan(const struct plan *a, const struct plan *b)
{
    return a->n_rows == b->n_rows && a->n_tensors == b->n_tensors &&
           memcmp(a->rows, b->rows, (size_t)a->n_rows * sizeof *a->rows) == 0 &&
           memcmp(a->tensors, b->tensors, (size_t)a->n_tensors * sizeof *a->tensors) == 0;
}

/* First weights are not in the plan. */
static int has_filters(const struct plan *p)
{
    for (int i = 0; i < p->n_tensors; i++)
        if (p->tensors[i].role == PLAN_CONV_WEIGHT && p->tensors[i].trained)
            return 1;
    return 0;
}

/* 1: it is refused. */
static int check(const char *preset, const char *own, const struct trick *trick)
{
    const char *where = own ? own : preset;
    if (build(preset, own, trick, 1, &plan[1])) {
        if (!is_named(trick))
            fail_msg("%s on %s is refused, but not by name: %s", trick->key, where, err.text);
        return 1;
    }
    if (build(preset, own, trick, 0, &plan[0])) /* another trick of the preset needs this one */
        return 0;
    int differs =
        strcmp(trick->patches[0].key, "conv_init") == 0 ? has_filters(&plan[1]) : !same_plan(&plan[0], &plan[1]);
    if (!differs)
        fail_msg("%s on %s: on or off, the network is the same", trick->key, where);
    return 0;
}

static void test_presets(void **state)
{
    (void)state;
    static struct recipe_about list[PRESETS_MAX];
    int n = recipe_preset_list(list, PRESETS_MAX), about = 0, checked = 0, refused = 0;
    for (int t = 0; t < trick_count; t++) {
        if (!is_about_networks(&tricks[t]))
            continue;
        about++;
        for (int i = 0; i < n; i++) {
            refused += check(list[i].name, NULL, &tricks[t]);
            checked++;
        }
    }
    print_message("%d tricks on %d presets, %d times refused\n", about, n, refused);
    assert_true(about >= 14 && n >= 30 && 2 * refused < checked);
}

/* What a network lacks cannot be changed: each of these refuses those tricks at least. */
static void test_odd_networks(void **state)
{
    (void)state;
    static const struct {
        const char *network, *refused[16];
    } odd[] = {
        {"network=a = conv c; r = act; p = max_pool 2; g = global_max; l = linear",
         {"low_momentum_bn", "ghost_bn", "frozen_scale", "half_bn", "duplicate_norm", "pool_first", "decoupled_decay"}},
        {"network=a = conv_bn c momentum=0.3; b = block c momentum=0.1; g = global_max; l = linear",
         {"low_momentum_bn"}},
        {"network=a = conv c; n = norm; r = relu; g = global_max; l = linear", {"celu", "gelu", "silu", "pool_first"}},
        {"network=g = global_avg; l = linear",
         {"dirac", "muon", "lars", "whitening", "whitening_2x2", "celu", "low_momentum_bn"}},
        {"network=w = whiten 3; g = global_avg; l = linear", {"dirac", "muon", "lars", "whitening"}},
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (int t = 0; t < trick_count; t++) {
            int is = is_about_networks(&tricks[t]) && check("davidnet-79", odd[i].network, &tricks[t]);
            for (int k = 0; odd[i].refused[k]; k++)
                if (strcmp(odd[i].refused[k], tricks[t].key) == 0 && !is)
                    fail_msg("%s on %s: it is not refused", tricks[t].key, odd[i].network);
        }
}

/* A norm whose line does not say takes the knob's. */
static void test_momentum_of_one_norm(void **state)
{
    (void)state;
    assert_int_equal(check("davidnet-79",
                           "network=a = conv_bn c momentum=0.3; b = conv_bn c; g = global_max; l = linear",
                           trick_find("low_momentum_bn")),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_odd_networks),
        cmocka_unit_test(test_momentum_of_one_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
