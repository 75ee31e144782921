/* Each error of a GPU says what it is and what to do about it. */
#include "kernels/cuda/device_errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    int number;
    const char *what, *advice;
} errors[] = {
    {DEVICE_NONE, "no NVIDIA GPU is visible", "--device cpu"},
    {DEVICE_OLD_DRIVER, "too old for CUDA 12.8", "install a newer driver"},
    {DEVICE_NO_KERNEL_IMAGE, "a step: this GPU's architecture was not built for", "CUDA_ARCHS=native"},
    {DEVICE_PTX_VERSION, "a step: this GPU's architecture was not built for", "use --device cpu"},
    {DEVICE_ECC, "a step: the GPU's memory has an uncorrectable error (ECC)", "then davidnet resume"},
    {DEVICE_OUT_OF_MEMORY, "a step: out of memory on the GPU", "a smaller batch"},
    {700, "a step: an illegal address (CUDA error 700)", "davidnet resume goes on from it"},
};

static void test_errors_say_what_to_do(void **state)
{
    struct error err = {""};
    (void)state;
    assert_int_equal(device_error_set(DEVICE_SUCCESS, "a step", "no error", 12080, &err), 0);
    assert_string_equal(err.text, "");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        assert_int_equal(device_error_set(errors[i].number, "a step", "an illegal address", 12080, &err), -1);
        if (!strstr(err.text, errors[i].what) || !strstr(err.text, errors[i].advice))
            fail_msg("%d: %s", errors[i].number, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
