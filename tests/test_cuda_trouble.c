/* What the CUDA engine does when a GPU fails or is too small, as only the emulated one does when it is told to. */
#include "tests/cpu_networks.h"
#include "tests/cuda_plugin.h"

/* Steps until one fails; how many did not. */
static int steps_before_trouble(struct program *program, struct error *err)
{
    struct step_result result;
    int steps = 0;
    while (steps < 20 && cuda->submit(program, true, false, err) == 0 &&
           cuda->collect(program, &result, NULL, err) == 0)
        steps++;
    return steps;
}

/* What a GPU does wrong in the middle of a run is told, and stays: nothing that is read afterwards is a result. */
static void test_a_device_that_fails(void **state)
{
    NEEDS_CUDA(state);
    if (!cuda_plugin_is_emulated(cuda))
        skip();
    struct parity_data data;
    struct error err = {{0}};
    struct step_result result;
    float logits[40];
    davidnet8();
    parity_data_init(&data, plan.rows[0].out, plan.classes, 4, 11);
    struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 4});
    parity_weights(program, 5);
    parity_set_batch(program, &data.batch);
    program->hyper = (struct hyper){.lr = 0.002, .momentum = 0.9};
    setenv("CUDA_EMULATED_FAIL", "9:214", 1);
    int steps = steps_before_trouble(program, &err);
    unsetenv("CUDA_EMULATED_FAIL");
    assert_in_range(steps, 1, 8);
    if (!strstr(err.text, "a step on the GPU: the GPU's memory has an uncorrectable error"))
        fail_msg("%s", err.text);
    assert_true(cuda->submit(program, true, false, &err) != 0 || cuda->collect(program, &result, NULL, &err) != 0);
    assert_int_equal(cuda->read_tensor(program, "logits", PROGRAM_VALUE, logits, 40, &err), -1);
    parity_evaluate(program, &data.batch);
    assert_true(isnan(program->result.loss_sum) && program->result.bad_row >= 0);
    cuda->free(program);
    program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 4}); /* as another process would */
    parity_set_batch(program, &data.batch);
    assert_int_equal(steps_before_trouble(program, &err), 20);
    cuda->free(program);
    parity_data_release(&data);
}

/* What does not fit says how much it is, and what would. */
static void test_out_of_memory(void **state)
{
    NEEDS_CUDA(state);
    if (!cuda_plugin_is_emulated(cuda))
        skip();
    struct error err = {{0}};
    davidnet8();
    setenv("CUDA_EMULATED_MEMORY", "6000000", 1);
    assert_null(cuda->compile(&plan, &(struct program_options){.max_batch = 64}, &err));
    unsetenv("CUDA_EMULATED_MEMORY");
    if (!strstr(err.text, "GiB left") || !strstr(err.text, "batch="))
        fail_msg("%s", err.text);
    struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 64});
    assert_true(cuda->memory(program) > 6000000);
    cuda->free(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_device_that_fails),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, cuda_plugin_find, NULL);
}
