/* What is checked before a benchmark times anything: the very program that runs, whole, at its own batch. */
#include "engine/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Groups in bf16 are 32 images, or 128: the batch takes several, and the last one is not full. */
#define BATCH "batch=150"

static struct session *session;

static int open_session(const char *precision, const char *batch)
{
    struct recipe recipe;
    struct error err = {""};
    const struct recipe_request request = {
        .preset = "quick", .n_sets = 4, .sets = {"width=4", batch, "data=synthetic:1:300", precision}};
    session = calloc(1, sizeof *session);
    assert_non_null(session);
    if (recipe_resolve(&request, &recipe, &err) || session_open_data(session, &recipe, &err))
        fail_msg("%s", err.text);
    if (session_compile(session, 0, &err) == 0)
        return 1;
    assert_non_null(strstr(err.text, "bf16")); /* this CPU has none */
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    if (session)
        session_release(session);
    free(session);
    session = NULL;
    return 0;
}

static float *weights(void)
{
    struct error err = {""};
    const struct plan *plan = &session->plan;
    float *values = calloc(plan->arena_count, sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *t = &plan->tensors[i];
        if (session->family->read_tensor(session->program, t->name, PROGRAM_VALUE, values + t->offset, t->count, &err))
            fail_msg("%s", err.text);
    }
    return values;
}

static void agrees(const char *precision)
{
    struct validation validation;
    struct error err = {""};
    if (!open_session(precision, BATCH)) {
        print_message("SKIPPED: %s\n", precision);
        skip();
    }
    float *before = weights();
    if (session_validate(session, &validation, &err))
        fail_msg("%s", err.text);
    print_message("%s: logits %.2g, gradient of %s %.2g\n", precision, validation.logits, validation.worst,
                  validation.gradient);
    assert_true(validation.logits > 0 && validation.gradient > 0); /* another family's digits are never all the same */
    assert_int_equal(validation.images, 4);
    assert_int_equal(validation.batch, 148);
    assert_int_equal(session->program->options.max_batch, 150);
    assert_int_equal(session->executor.train_steps, 0);
    float *after = weights();
    assert_memory_equal(before, after, session->plan.arena_count * sizeof *after);
    free(before);
    free(after);
}

static void agrees_in_f32(void **state)
{
    (void)state;
    agrees("precision=f32");
}

static void agrees_in_bf16(void **state)
{
    (void)state;
    agrees("precision=bf16");
}

static void a_batch_of_three_is_enough(void **state)
{
    (void)state;
    struct validation validation;
    struct error err = {""};
    open_session("precision=f32", "batch=3");
    if (session_validate(session, &validation, &err))
        fail_msg("%s", err.text);
    assert_int_equal(validation.images, 3);
    assert_int_equal(validation.batch, 3);
}

/* Each ghost group holds the few images equally often: three of them where a group is of 9 (batch 45, five groups). */
static void agrees_with_ghost_groups(void **state)
{
    (void)state;
    static const struct {
        const char *batch, *groups;
        int images;
    } cases[] = {
        {"batch=48", "ghost_groups=6", 4}, {"batch=45", "ghost_groups=5", 3}, {"batch=7", "ghost_groups=7", 1}};
    for (int i = 0; i < 3; i++) {
        struct recipe recipe;
        struct validation validation = {0};
        struct error err = {""};
        const struct recipe_request request = {.preset = "quick",
                                               .n_sets = 6,
                                               .sets = {"width=4", cases[i].batch, "data=synthetic:1:300",
                                                        "precision=f32", "ghost_bn=on", cases[i].groups}};
        session = calloc(1, sizeof *session);
        assert_non_null(session);
        if (recipe_resolve(&request, &recipe, &err) || session_open_data(session, &recipe, &err) ||
            session_compile(session, 0, &err) || session_validate(session, &validation, &err))
            fail_msg("%s", err.text);
        assert_int_equal(validation.images, cases[i].images);
        close_session(NULL);
    }
}

static void (*honest)(struct program *, const struct program_step *);

/* One image, in the last group, is taken for another. */
static void take_another_image(struct program *program, const struct program_step *step)
{
    const struct choice *choices = program->batch.choices;
    struct choice wrong[150];
    memcpy(wrong, choices, (size_t)program->batch.n * sizeof *wrong);
    wrong[145].image = (wrong[145].image + 1) % 4;
    program->batch.choices = wrong;
    honest(program, step);
    program->batch.choices = choices;
}

static void skip_step(struct program *program, const struct program_step *step)
{
    (void)program;
    (void)step;
}

static void expect_refusal(void)
{
    struct validation validation;
    struct error err = {""};
    assert_int_equal(session_validate(session, &validation, &err), -1);
    assert_non_null(strstr(err.text, "disagree"));
}

static void one_wrong_image_far_behind_is_seen(void **state)
{
    (void)state;
    struct program_step *lists[2];
    open_session("precision=f32", BATCH);
    lists[0] = session->program->train;
    lists[1] = session->program->eval;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lists[i][0].phase, PHASE_AUGMENT);
        honest = lists[i][0].run;
        lists[i][0].run = take_another_image;
        expect_refusal();
        lists[i][0].run = honest;
    }
}

static void a_missing_gradient_is_seen(void **state)
{
    (void)state;
    int missed = 0, backward = 0;
    open_session("precision=f32", "batch=20");
    struct program *program = session->program;
    for (int i = 0; i < program->n_train; i++) {
        if (program->train[i].phase != PHASE_BACKWARD || backward++ % 4) /* some of them: ref is slow */
            continue;
        honest = program->train[i].run;
        program->train[i].run = skip_step;
        expect_refusal();
        program->train[i].run = honest;
        missed++;
    }
    assert_true(missed > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(agrees_in_f32, close_session),
        cmocka_unit_test_teardown(agrees_in_bf16, close_session),
        cmocka_unit_test_teardown(a_batch_of_three_is_enough, close_session),
        cmocka_unit_test_teardown(agrees_with_ghost_groups, close_session),
        cmocka_unit_test_teardown(one_wrong_image_far_behind_is_seen, close_session),
        cmocka_unit_test_teardown(a_missing_gradient_is_seen, close_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
