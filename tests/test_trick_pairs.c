/*
 * Every trick and every pair of tricks, switched on in davidnet: two steps of 64 images and an evaluation have finite
 * results, or the recipe is refused with a reason that names what contradicts; and what each trick changes is seen in
 * the results. Rows that are added to the table come in by themselves.
 */
#include "engine/averages.h"
#include "engine/evaluate.h"
#include "engine/tricks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS 2

/* Sanitizers make a pair ten times as slow: they see a part of them, every trick still with several others. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVERY 7
#else
#define EVERY 1
#endif

#define TEST_IMAGES 64
#define CLASSES 10

/* What a recipe comes to: the losses of its steps and the logits that are evaluated in the end. */
struct outcome {
    int refused;
    struct error why;
    double loss[STEPS];
    float logits[TEST_IMAGES * CLASSES];
    int workers, prepared_anew, drawn_by_item; /* who prepares batches, and when: the batches are the same */
};

static int train(struct session *session, struct averages *averages, struct outcome *outcome, struct error *err)
{
    struct step_result result;
    if (averages_init(averages, &session->recipe, &session->plan, err) ||
        averages_begin(averages, session->program, err))
        return -1;
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t step = session->steps_per_epoch + i; /* alternating_flip is random flips in its first epoch */
        struct batch batch;
        struct hyper hyper;
        if (session_batch(session, step, &batch, err))
            return -1;
        session_hyper(session, step, &hyper);
        assert_int_equal(batch.n, 64 * session->recipe.batch_times);
        if (executor_train(&session->executor, &batch, &hyper, &result, err) ||
            averages_update(averages, session->program, step + 1, session->steps, err))
            return -1;
        assert_int_equal(result.bad_row, -1);
        outcome->loss[i] = result.loss_sum / result.n;
    }
    outcome->workers = session->loader.n_workers;
    outcome->prepared_anew = session->loader.normalised != NULL;
    outcome->drawn_by_item = session->batches.by_item;
    assert_int_equal(session->dataset.test.count, TEST_IMAGES);
    return averages_show(averages, session->program, err) ||
                   session_evaluate(session, outcome->logits, &result, NULL, NULL, err)
               ? -1
               : 0;
}

/* Averages are updated at each step, so that two are enough to see them; the head has a rate of its own, which is what
 * decoupled_decay is about. */
static void resolve_and_train(struct recipe_request *request, struct outcome *outcome)
{
    static const char *const sets[] = {
        "width=2",  "batch=64",         "data=synthetic:1:320", "precision=f32", "ema_every=1", "lookahead_every=1",
        "epochs=3", "lr_knots=0,0.2,3", "lr_warmup=0.5",        "threads=1",     "head_lr=2"};
    static struct session session;
    struct averages averages = {0};
    struct recipe recipe;
    memset(outcome, 0, sizeof *outcome);
    request->preset = "davidnet-79";
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        request->sets[request->n_sets++] = sets[i];
    if (recipe_resolve(request, &recipe, &outcome->why) || session_open_data(&session, &recipe, &outcome->why)) {
        outcome->refused = 1;
        return;
    }
    if (session_compile(&session, 0, &outcome->why) || train(&session, &averages, outcome, &outcome->why))
        outcome->refused = 1;
    averages_release(&averages);
    session_release(&session);
}

static void toggle(int first, int second, int on, struct outcome *outcome)
{
    struct recipe_request request = {0};
    if (on)
        request.on[request.n_on++] = tricks[first].key;
    else
        request.off[request.n_off++] = tricks[first].key;
    if (second >= 0)
        request.on[request.n_on++] = tricks[second].key;
    resolve_and_train(&request, outcome);
}

static int names(const struct trick *trick, const char *text)
{
    int named = strstr(text, trick->key) != NULL;
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
        named |= strstr(text, patch->key) != NULL;
    return named;
}

static void must_be_finite(const struct outcome *outcome, const char *a, const char *b)
{
    for (int i = 0; i < STEPS; i++)
        if (!isfinite(outcome->loss[i]))
            fail_msg("%s and %s: the loss of step %d is %g", a, b, i, outcome->loss[i]);
    for (int i = 0; i < TEST_IMAGES * CLASSES; i++)
        if (!isfinite(outcome->logits[i]))
            fail_msg("%s and %s: logit %d is %g", a, b, i, (double)outcome->logits[i]);
}

static void each_changes_something(void **state)
{
    (void)state;
    for (int i = 0; i < trick_count; i++) {
        struct outcome on, off;
        toggle(i, -1, 1, &on);
        toggle(i, -1, 0, &off);
        if (on.refused || off.refused)
            fail_msg("%s: %s", tricks[i].key, on.refused ? on.why.text : off.why.text);
        must_be_finite(&on, tricks[i].key, "nothing else");
        if (memcmp(on.logits, off.logits, sizeof on.logits) == 0 && on.workers == off.workers &&
            on.prepared_anew == off.prepared_anew && on.drawn_by_item == off.drawn_by_item)
            fail_msg("%s: two steps and an evaluation come to the same with it and without", tricks[i].key);
    }
}

static void pairs_train_or_are_refused(void **state)
{
    (void)state;
    int trained = 0, refused = 0;
    for (int i = 0; i < trick_count; i++)
        for (int j = 0; j < i; j++) {
            const char *clash = trick_clash(&tricks[i], &tricks[j]);
            struct outcome outcome;
            if ((i + j) % EVERY != 0)
                continue;
            toggle(i, j, 1, &outcome);
            if (!outcome.refused) {
                must_be_finite(&outcome, tricks[i].key, tricks[j].key);
                assert_null(clash);
                trained++;
                continue;
            }
            if (clash && !strstr(outcome.why.text, clash))
                fail_msg("%s and %s both write %s, which is not said: %s", tricks[i].key, tricks[j].key, clash,
                         outcome.why.text);
            if (!names(&tricks[i], outcome.why.text) && !names(&tricks[j], outcome.why.text))
                fail_msg("%s and %s: refused without saying which of them: %s", tricks[i].key, tricks[j].key,
                         outcome.why.text);
            refused++;
        }
    print_message("%d pairs of %d tricks trained, %d were refused\n", trained, trick_count, refused);
    assert_true(trained > refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_changes_something),
        cmocka_unit_test(pairs_train_or_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
