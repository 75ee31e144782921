/*
 * The search for the fastest way to do a convolution, with ways that the emulated engine makes up, each said to be
 * faster than the one before: those whose results are wrong, or not the same twice, are not taken, however fast.
 */
#include "tests/cpu_networks.h"
#include "tests/cuda_plugin.h"

static const struct {
    const char *ways, *taken;
} searches[] = {
    {"loops", "emulated:loops"},
    {"loops quick", "emulated:quick"},    /* else it might be that nothing but the first is ever taken */
    {"loops wrong", "emulated:loops"},    /* the same twice, and far from the first */
    {"loops unsteady", "emulated:loops"}, /* near the first, and not the same twice */
    {"unsteady loops wrong", "emulated:loops"} /* what was dropped is nothing to hold others against */,
    {"loops silent", "emulated:loops"}, /* what the way before wrote is still there */
    {"absent fails loops quick wrong", "emulated:quick"},
};

static void check_search(const char *ways, const char *taken, enum precision precision)
{
    setenv("CUDA_EMULATED_WAYS", ways, 1);
    struct program *program =
        parity_compile(cuda, &plan, &(struct program_options){.max_batch = 2, .precision = precision});
    unsetenv("CUDA_EMULATED_WAYS");
    int convolutions = 0;
    for (int i = 0; i < program->n_train; i++) {
        const char *impl = program->train[i].impl;
        if (strncmp(impl, "emulated:", 9) != 0)
            continue;
        convolutions++;
        if (strcmp(impl, taken) != 0)
            fail_msg("of '%s', %s was taken for step %d", ways, impl, i);
    }
    assert_int_equal(convolutions, 4); /* two, forward and backward */
    cuda->free(program);
}

static void test_what_is_wrong_is_not_taken(void **state)
{
    static const enum precision precisions[] = {PRECISION_F16, PRECISION_BF16, PRECISION_TF32};
    NEEDS_CUDA(state);
    if (!cuda_plugin_is_emulated(cuda))
        skip();
    conv_alone();
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++)
        for (size_t i = 0; i < sizeof searches / sizeof *searches; i++)
            check_search(searches[i].ways, searches[i].taken, precisions[p]);
}

static void test_nothing_works(void **state)
{
    NEEDS_CUDA(state);
    if (!cuda_plugin_is_emulated(cuda))
        skip();
    struct error err = {""};
    conv_alone();
    setenv("CUDA_EMULATED_WAYS", "absent fails unsteady", 1);
    assert_null(cuda->compile(&plan, &(struct program_options){.max_batch = 2}, &err));
    unsetenv("CUDA_EMULATED_WAYS");
    assert_non_null(strstr(err.text, "no way to do this convolution"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_is_not_taken),
        cmocka_unit_test(test_nothing_works),
    };
    return cmocka_run_group_tests(tests, cuda_plugin_find, NULL);
}
