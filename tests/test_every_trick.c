/*
 * Every trick of the table on DavidNet, and every pair of them, with others: two steps of 64 with a finite loss, or a
 * refusal that names what is in the way. And a trick that is on is more than a word: the plan, the data, the schedule,
 * the weights that training begins with or what is evaluated differ from those with it off.
 */
#include "engine/averages.h"
#include "engine/evaluate.h"
#include "engine/tricks.h"
#include "kernels/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct session session; /* large */

/* DavidNet of width 4 on a few synthetic images. */
static int resolve(const struct trick *const *on, int n_on, const struct trick *off, struct recipe *recipe,
                   struct error *err)
{
    struct recipe_request request = {
        .preset = "davidnet-79",
        .n_sets = 5,
        .sets = {"width=4", "batch=64", "device=cpu", "drop_last=off", "data=synthetic:1:64"},
    };
    for (int i = 0; i < n_on; i++)
        request.on[request.n_on++] = on[i]->key;
    if (off)
        request.off[request.n_off++] = off->key;
    return recipe_resolve(&request, recipe, err);
}

static int open_session(const struct recipe *recipe, struct error *err)
{
    if (session_open_data(&session, recipe, err))
        return -1;
    if (session_compile(&session, 0, err) == 0)
        return 0;
    session_release(&session);
    return -1;
}

/* FNV-1a */
static void add(uint64_t *sum, const void *data, size_t size)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < size; i++)
        *sum = (*sum ^ byte[i]) * 0x100000001b3u;
}

static void add_number(uint64_t *sum, double number)
{
    add(sum, &number, sizeof number);
}

static void add_data(uint64_t *sum, struct error *err)
{
    const struct images *images = &session.dataset.train;
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        struct batch batch;
        if (session_batch(&session, epoch * session.steps_per_epoch, &batch, err))
            fail_msg("%s", err->text);
        add(sum, batch.choices, (size_t)batch.n * sizeof *batch.choices);
        add_number(sum, batch.height);
        add_number(sum, batch.width);
    }
    add_number(sum, images->count);
    add_number(sum, session.loader.kind);
    add_number(sum, session.loader.fresh);
    add_number(sum, session.batches.by_item);
}

static void add_schedule(uint64_t *sum)
{
    static const uint32_t steps[] = {0, 1, 7, 40};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct hyper hyper;
        session_hyper(&session, steps[i], &hyper);
        for (int t = 0; t < session.plan.n_tensors; t++) {
            const struct plan_tensor *tensor = &session.plan.tensors[t];
            struct hyper own = hyper_of_tensor(&hyper, tensor);
            add_number(sum, tensor->rule);
            add_number(sum, own.lr);
            add_number(sum, own.momentum);
            add_number(sum, own.weight_decay);
        }
    }
}

static void add_weights(uint64_t *sum, struct error *err)
{
    for (int t = 0; t < session.plan.n_tensors; t++) {
        const struct plan_tensor *tensor = &session.plan.tensors[t];
        float *values = malloc(tensor->count * sizeof *values);
        assert_non_null(values);
        if (session.family->read_tensor(session.program, tensor->name, PROGRAM_VALUE, values, tensor->count, err))
            fail_msg("%s", err->text);
        add(sum, tensor->name, strlen(tensor->name));
        add(sum, values, tensor->count * sizeof *values);
        free(values);
    }
}

static void add_evaluation(uint64_t *sum, struct error *err)
{
    struct averages averages;
    if (averages_init(&averages, &session.recipe, &session.plan, session.family, err))
        fail_msg("%s", err->text);
    add_number(sum, averages.ema ? averages.ema_rho : -1);
    add_number(sum, averages.slow ? averages.slow_decay : -1);
    averages_release(&averages);
    add_number(sum, evaluate_views(&session.recipe));
}

static uint64_t dump(const struct recipe *recipe)
{
    struct error err = {""};
    uint64_t sum = 0xcbf29ce484222325u;
    if (open_session(recipe, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < session.plan.n_rows; i++) /* made by memset and fields: no padding of chance */
        add(&sum, &session.plan.rows[i], sizeof session.plan.rows[i]);
    add_data(&sum, &err);
    add_schedule(&sum);
    add_weights(&sum, &err);
    add_evaluation(&sum, &err);
    session_release(&session);
    return sum;
}

static void test_each_changes_something(void **state)
{
    (void)state;
    struct error err = {""};
    static struct recipe on, off, preset;
    assert_int_equal(resolve(NULL, 0, NULL, &preset, &err), 0);
    uint64_t as_preset = dump(&preset);
    assert_true(dump(&preset) == as_preset); /* it says the same of the same */
    for (int i = 0; i < trick_count; i++) {
        const struct trick *trick = &tricks[i];
        if (resolve(&trick, 1, NULL, &on, &err) || resolve(NULL, 0, trick, &off, &err))
            fail_msg("%s: %s", trick->key, err.text);
        assert_true(trick_is_on(trick, &on) && !trick_is_on(trick, &off));
        if ((recipe_equal(&on, &preset) ? as_preset : dump(&on)) ==
            (recipe_equal(&off, &preset) ? as_preset : dump(&off)))
            fail_msg("%s: on or off, it is the same", trick->key);
    }
}

/* Does the message name one of the trick's knobs, or the trick? */
static int names(const struct error *err, const struct trick *trick)
{
    int found = strstr(err->text, trick->key) != NULL;
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
        found |= strstr(err->text, patch->key) != NULL;
    for (int i = 0; trick->parameters[i]; i++)
        found |= strstr(err->text, trick->parameters[i]) != NULL;
    return found;
}

static void list(const struct trick *const *on, int n, char *out, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", on[i]->key);
}

/* Two steps of 64 with all of these. */
static void train(const struct trick *const *on, int n)
{
    static struct recipe recipe;
    struct error err = {""};
    char names[1024] = "";
    list(on, n, names, sizeof names);
    if (resolve(on, n, NULL, &recipe, &err) || open_session(&recipe, &err))
        fail_msg("%s: %s", names, err.text);
    for (uint32_t step = 0; step < 2; step++) {
        struct batch batch;
        struct hyper hyper;
        struct step_result result = {0};
        session_hyper(&session, step, &hyper);
        if (session_batch(&session, step, &batch, &err) ||
            executor_train(&session.executor, &batch, &hyper, &result, &err))
            fail_msg("%s: %s", names, err.text);
        assert_int_equal(result.n, 64);
        if (result.bad_row >= 0 || !isfinite(result.loss_sum) || !(result.loss_sum > 0))
            fail_msg("%s: step %u: loss %g, bad row %d", names, step, result.loss_sum, result.bad_row);
    }
    session_release(&session);
}

enum { UNSEEN, REFUSED, TRAINED };
static char pairs[RECIPE_TRICKS_MAX][RECIPE_TRICKS_MAX];

/* Alone each trains; of the pairs those are marked that are refused, before there is a program, for a reason that is
 * said. */
static void test_each_alone_and_refused_pairs(void **state)
{
    (void)state;
    static struct recipe recipe;
    static struct plan plan;
    int refused = 0;
    for (int i = 0; i < trick_count; i++) {
        const struct trick *both[] = {&tricks[i], NULL};
        train(both, 1);
        for (int j = 0; j < i; j++) {
            struct error err = {""};
            both[1] = &tricks[j];
            int is = resolve(both, 2, NULL, &recipe, &err) || session_check(&recipe, &plan, &err);
            if (is && !names(&err, both[0]) && !names(&err, both[1]))
                fail_msg("%s with %s: %s", both[0]->key, both[1]->key, err.text);
            if (trick_clash(both[0], both[1]))
                assert_true(is);
            pairs[i][j] = pairs[j][i] = is ? REFUSED : UNSEEN;
            refused += is;
        }
    }
    print_message("%d of %d pairs are refused\n", refused, trick_count * (trick_count - 1) / 2);
    assert_true(8 * refused < trick_count * trick_count);
}

static int fits(int trick, const int *chosen, int n)
{
    for (int i = 0; i < n; i++)
        if (chosen[i] == trick || pairs[trick][chosen[i]] == REFUSED)
            return 0;
    return 1;
}

/* A pair trains together with as many others as fit, in an order by chance: a few runs see them all. */
static void train_with_others(int a, int b, uint64_t seed)
{
    int chosen[RECIPE_TRICKS_MAX] = {a, b}, n = 2;
    const struct trick *on[RECIPE_TRICKS_MAX];
    for (uint64_t i = 0; i < 2 * (uint64_t)trick_count; i++) {
        int trick = (int)rng_below(rng_philox(seed, RNG_TEST, 5, i).word[0], (uint32_t)trick_count);
        if (n < trick_count / 2 && fits(trick, chosen, n))
            chosen[n++] = trick;
    }
    for (int i = 0; i < n; i++) {
        on[i] = &tricks[chosen[i]];
        for (int j = 0; j < n; j++)
            if (i != j)
                pairs[chosen[i]][chosen[j]] = TRAINED;
    }
    train(on, n);
}

static void test_every_pair(void **state)
{
    (void)state;
    int runs = 0;
    for (int i = 0; i < trick_count; i++)
        for (int j = 0; j < i; j++)
            if (pairs[i][j] == UNSEEN)
                train_with_others(i, j, (uint64_t)runs++);
    print_message("%d runs\n", runs);
    assert_true(runs > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_changes_something),
        cmocka_unit_test(test_each_alone_and_refused_pairs),
        cmocka_unit_test(test_every_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
