/* What is checked before a benchmark times anything, of the CUDA engine (emulated, or on a GPU). */
#include "engine/validate.h"
#include "tests/cuda_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct session session; /* large: not for the stack */

/* The reference stores what the engine stores, so that the two take the same way at nearly all kinks (ReLU, max pool).
 * Against one of float32 a few of them, of the few images, put the gradients off by more than a tenth. */
static void agrees(const char *precision, double logits, double gradient)
{
    struct recipe recipe;
    struct validation validation = {0};
    struct error err = {{0}};
    const struct recipe_request request = {
        .preset = "quick",
        .n_sets = 6,
        .sets = {"width=8", "batch=32", "data=synthetic:1:500", "init_seed=12", "device=cuda", precision}};
    if (recipe_resolve(&request, &recipe, &err) || session_open_data(&session, &recipe, &err) ||
        session_compile(&session, 0, &err) || session_validate(&session, &validation, &err))
        fail_msg("%s", err.text);
    print_message("%s: logits %.2g, gradient of %s %.2g\n", precision, validation.logits, validation.worst,
                  validation.gradient);
    assert_ptr_equal(session.family, cuda);
    assert_true(validation.logits > 0 && validation.logits < logits);
    assert_true(validation.gradient > 0 && validation.gradient < gradient);
    session_release(&session);
}

static void test_f32(void **state)
{
    NEEDS_CUDA(state);
    agrees("precision=f32", 1e-5, 1e-4);
}

static void test_f16(void **state)
{
    NEEDS_CUDA(state);
    agrees("precision=f16", 2e-3, 0.05);
}

static void test_bf16(void **state)
{
    NEEDS_CUDA(state);
    agrees("precision=bf16", 2e-2, 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),
        cmocka_unit_test(test_f16),
        cmocka_unit_test(test_bf16),
    };
    return cmocka_run_group_tests(tests, cuda_plugin_find, NULL);
}
