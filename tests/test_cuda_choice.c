/* Which device a recipe gets: the CUDA engine (emulated, or on a GPU) only where it can do all of it. */
#include "engine/evaluate.h"
#include "engine/session.h"
#include "tests/cuda_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct session session; /* large: not for the stack */
static struct plan plan;

static void recipe_on(const char *device, const char *precision, struct recipe *recipe)
{
    struct error err = {{0}};
    const struct recipe_request request = {
        .preset = "quick", .n_sets = 5, .sets = {"width=4", "batch=16", "data=synthetic:1:64", device, precision}};
    if (recipe_resolve(&request, recipe, &err))
        fail_msg("%s", err.text);
}

static const struct family *family_of(const struct recipe *recipe)
{
    struct error err = {{0}};
    if (session_open_data(&session, recipe, &err) || session_compile(&session, 0, &err))
        fail_msg("%s", err.text);
    const struct family *family = session.family;
    session_release(&session);
    return family;
}

/* What the GPU cannot do is refused by the check, before a run has a folder; auto does it on the CPU. */
static void test_recipes_that_it_cannot_do(void **state)
{
    (void)state;
    struct error err = {{0}};
    struct recipe recipe;
    cuda_plugin_choose();
    const struct family *cuda = cuda_plugin_family(&err);
    if (!cuda) {
        print_message("SKIPPED: %s\n", err.text);
        skip();
    }
    if (!cuda_plugin_is_emulated(cuda))
        skip();
    setenv("CUDA_EMULATED_CAPABILITY", "75", 1);
    recipe_on("device=cuda", "precision=bf16", &recipe);
    assert_int_equal(session_check(&recipe, &plan, &err), -1);
    if (!strstr(err.text, "device cuda: ") || !strstr(err.text, "--device cpu"))
        fail_msg("%s", err.text);
    recipe_on("device=auto", "precision=f32", &recipe);
    assert_ptr_equal(family_of(&recipe), cuda_gpu_seen() ? cuda : &family_cpu);
    unsetenv("CUDA_EMULATED_CAPABILITY");
    recipe_on("device=cuda", "precision=bf16", &recipe);
    assert_int_equal(session_check(&recipe, &plan, &err), 0);
    assert_ptr_equal(family_of(&recipe), cuda);
}

/* The first evaluation and the first step; wiped: once the session is compiled, its images turn black. */
static void first_results(bool wiped, struct step_result *test, struct step_result *trained)
{
    struct recipe recipe;
    struct batch batch;
    struct hyper hyper;
    struct error err = {{0}};
    recipe_on("device=cuda", "precision=f32", &recipe);
    if (session_open_data(&session, &recipe, &err) || session_compile(&session, 0, &err))
        fail_msg("%s", err.text);
    const struct images *all[] = {&session.dataset.train, &session.dataset.test};
    for (int i = 0; i < 2 && wiped; i++) {
        size_t bytes = (size_t)all[i]->count * (size_t)(all[i]->channels * all[i]->height * all[i]->width);
        memset(session.dataset.storage + (all[i]->pixels - session.dataset.storage), 0, bytes);
    }
    session_hyper(&session, 0, &hyper);
    if (session_evaluate(&session, NULL, test, NULL, NULL, &err) || session_batch(&session, 0, &batch, &err) ||
        executor_train(&session.executor, &batch, &hyper, trained, &err))
        fail_msg("%s", err.text);
    session_release(&session);
}

/* A compiled program has both data sets where it is: what becomes of them here makes no difference to its first steps,
 * whose clock so does not wait for them. */
static void test_data_is_there_before_the_first_step(void **state)
{
    (void)state;
    struct error err = {{0}};
    struct step_result test[2] = {{0}}, trained[2] = {{0}};
    cuda_plugin_choose();
    const struct family *cuda = cuda_plugin_family(&err);
    if (!cuda) {
        print_message("SKIPPED: %s\n", err.text);
        skip();
    }
    for (int wiped = 0; wiped < 2; wiped++)
        first_results(wiped, &test[wiped], &trained[wiped]);
    assert_true(test[0].loss_sum > 0 && test[0].loss_sum == test[1].loss_sum);
    assert_true(trained[0].loss_sum > 0 && trained[0].loss_sum == trained[1].loss_sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipes_that_it_cannot_do),
        cmocka_unit_test(test_data_is_there_before_the_first_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
