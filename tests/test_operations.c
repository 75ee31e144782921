/* What bench --ops says: bytes and operations counted by hand, ceilings, times. */
#include "engine/operations.h"

#include "engine/validate.h"
#include "kernels/isa.h"
#include "tests/cuda_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static struct session session; /* large: not for the stack */

static int open_on(const char *device)
{
    struct recipe recipe;
    struct error err = {""};
    const struct recipe_request request = {
        .preset = "quick", .n_sets = 4, .sets = {"width=4", "batch=32", "data=synthetic:1:64", device}};
    if (recipe_resolve(&request, &recipe, &err) || session_open_data(&session, &recipe, &err) ||
        session_compile(&session, 0, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int open_session(void **state)
{
    (void)state;
    return open_on("device=ref");
}

static int close_session(void **state)
{
    (void)state;
    session_release(&session);
    return 0;
}

/* Row 0 is the images, 1 a convolution 3 -> 8, 2 its norm (8 x 4 x 4). */
static struct plan plan;

static struct program hand_made(enum precision precision)
{
    struct error err = {""};
    plan_init(&plan);
    int row = plan_input(&plan, (struct plan_shape){3, 4, 4}, &err);
    row = plan_conv(&plan, "conv", row, 8, (struct plan_conv_options){.kernel = 3, .stride = 1, .pad = 1}, &err);
    row = plan_norm(&plan, "norm", row, (struct plan_norm_options){.eps = 1e-5, .momentum = 0.1}, &err);
    row = plan_act(&plan, "act", row, PLAN_ACT_RELU, 0, &err);
    assert_true(row == 3);
    return (struct program){.plan = &plan, .options = {.precision = precision}};
}

static void test_bytes(void **state)
{
    (void)state;
    struct program program = hand_made(PRECISION_F32);
    struct program_step conv = {.phase = PHASE_FORWARD, .n_rows = 1, .rows = {1}};
    struct program_step norm = {.phase = PHASE_FORWARD, .n_rows = 2, .rows = {2, 3}};
    enum { N = 10, IMAGE = N * 3 * 16, OUT = N * 8 * 16, WEIGHTS = 8 * 3 * 9, NORM = 4 * 8 };
    assert_true(operation_bytes(&program, &conv, N) == 4.0 * (IMAGE + OUT + WEIGHTS));
    assert_true(operation_bytes(&program, &norm, N) == 4.0 * (3 * OUT + NORM)); /* twice read, once written */
    conv.phase = norm.phase = PHASE_BACKWARD;
    assert_true(operation_bytes(&program, &conv, N) == 4.0 * (IMAGE + OUT + 2 * WEIGHTS)); /* images need no gradient */
    assert_true(operation_bytes(&program, &norm, N) == 4.0 * (5 * OUT + 2 * NORM));
    conv.phase = PHASE_UPDATE;
    assert_true(operation_bytes(&program, &conv, N) == 4.0 * 5 * WEIGHTS);
    assert_true(operation_flops(&program, &conv, N) == 0);
    conv.phase = PHASE_FORWARD;
    assert_true(operation_flops(&program, &conv, N) == 2.0 * N * 16 * WEIGHTS);
    program = hand_made(PRECISION_BF16);
    assert_true(operation_bytes(&program, &conv, N) == 2.0 * (IMAGE + OUT) + 4.0 * WEIGHTS);
}

/* Backward, of 10 images: rows of 8 x 4 x 4, pooled to 8 x 2 x 2; a sum's sources share its gradient. */
static void test_bytes_without_values(void **state)
{
    (void)state;
    struct error err = {""};
    struct program program = hand_made(PRECISION_F32);
    int sum = plan_add(&plan, "sum", 1, 3, &err);
    int most = plan_pool(&plan, "most", sum, PLAN_MAX_POOL, 2, &err);
    int joined = plan_concat(&plan, "joined", 1, sum, &err);
    assert_true(sum == 4 && most == 5 && joined == 6);
    enum { N = 10, OUT = N * 8 * 16, POOLED = N * 8 * 4 };
    struct program_step step = {.phase = PHASE_BACKWARD, .n_rows = 1, .rows = {sum}};
    assert_true(operation_bytes(&program, &step, N) == 4.0 * OUT);
    step.rows[0] = most;
    assert_true(operation_bytes(&program, &step, N) == 4.0 * (POOLED + OUT));
    step.rows[0] = joined;
    assert_true(operation_bytes(&program, &step, N) == 4.0 * (2 * OUT + OUT + OUT)); /* read, and written to both */
    step.rows[0] = 3; /* the activation: values and gradient, and what comes in */
    assert_true(operation_bytes(&program, &step, N) == 4.0 * 3 * OUT);
}

static void test_floor(void **state)
{
    (void)state;
    const struct ceiling both = {.flops = 100, .bytes = 10}, memory = {.flops = NAN, .bytes = 10};
    assert_true(operation_floor(&both, 400, 20) == 4);
    assert_true(operation_floor(&both, 100, 20) == 2);
    assert_true(operation_floor(&memory, 1e9, 20) == 2);
}

static void test_ceiling(void **state)
{
    (void)state;
    struct error err = {""};
    struct ceiling ceiling;
    assert_int_equal(ceiling_measure(&ceiling, PRECISION_F32, &err), 0);
    /* No computer that this runs on is slower or faster than that. */
    assert_true(ceiling.flops > 1e7 && ceiling.flops < 1e15);
    assert_true(isnan(ceiling.bytes) /* little memory is free */ || (ceiling.bytes > 1e6 && ceiling.bytes < 1e14));
    assert_int_equal(ceiling_measure(&ceiling, PRECISION_BF16, &err), 0);
    assert_true(isnan(ceiling.bytes) || ceiling.bytes > 0);
    if (isa_current() >= ISA_AVX512_BF16) /* else there are no such instructions here */
        assert_true(ceiling.flops > 1e7 && ceiling.flops < 1e15);
    else
        assert_true(isnan(ceiling.flops));
    assert_int_equal(isa_force("plain"), 0);
    assert_int_equal(ceiling_measure(&ceiling, PRECISION_BF16, &err), 0);
    assert_true(isnan(ceiling.flops));
    assert_int_equal(isa_force("auto"), 0);
    assert_int_equal(ceiling_measure(&ceiling, PRECISION_F16, &err), 0);
    assert_true(isnan(ceiling.flops));
}

static void test_ceilings_merge(void **state)
{
    (void)state;
    struct ceiling ceiling = {.flops = 2.4e9, .bytes = 9e9, .noisy = 1};
    ceiling_merge(&ceiling, &(struct ceiling){.flops = 40e9, .bytes = 0.9e9, .noisy = 1});
    assert_true(ceiling.flops == 40e9 && ceiling.bytes == 9e9 && ceiling.noisy);
    ceiling_merge(&ceiling, &(struct ceiling){.flops = NAN, .bytes = 10e9});
    assert_true(ceiling.flops == 40e9 && ceiling.bytes == 10e9 && !ceiling.noisy);
}

/* Four caches of 16 MiB are 64 MiB, whole pieces of both arrays; they may be a sixteenth of what is free. */
static void test_room_for_copies(void **state)
{
    (void)state;
    const double mib = 1 << 20;
    assert_int_equal(ceiling_copy_bytes(16 * mib, 1024 * mib), 64 << 20);
    assert_int_equal(ceiling_copy_bytes(16 * mib, 1023 * mib), 0);
    assert_int_equal(ceiling_copy_bytes(15 * mib, 1024 * mib), 64 << 20);
    assert_int_equal(ceiling_copy_bytes(1 * mib, 256 * mib), 16 << 20);
    assert_int_equal(ceiling_copy_bytes(16 * mib, NAN), 0);
}

static void test_times(void **state)
{
    (void)state;
    struct error err = {""};
    double *seconds = calloc((size_t)session.program->n_train, sizeof *seconds);
    assert_non_null(seconds);
    if (operations_time(&session, 2, seconds, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < session.program->n_train; i++)
        assert_true(seconds[i] > 0 && seconds[i] < 1000);
    free(seconds);
}

/* A device that is given steps ahead times only some of them in training; bench wants each, also after validation. */
static void test_times_of_a_device(void **state)
{
    (void)state;
    enum { STEPS = 3 };
    struct error err = {""};
    struct validation validation;
    cuda_plugin_choose();
    if (!cuda_plugin_family(&err)) {
        print_message("SKIPPED: %s\n", err.text);
        skip();
    }
    assert_int_equal(open_on("device=cuda"), 0);
    struct executor *executor = &session.executor;
    double *seconds = calloc((size_t)session.program->n_train, sizeof *seconds);
    assert_non_null(seconds);
    if (session_validate(&session, &validation, &err) || operations_time(&session, STEPS, seconds, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < session.program->n_train; i++)
        assert_true(seconds[i] > 0 && seconds[i] < 1000);
    for (int every = 1; every <= 2; every++) {
        executor_reset_times(executor);
        executor->time_every = (uint64_t)every;
        for (uint32_t step = 0; step < STEPS; step++) {
            struct batch batch;
            struct hyper hyper;
            struct step_result result;
            session_hyper(&session, step, &hyper);
            if (session_batch(&session, step % session.steps_per_epoch, &batch, &err) ||
                executor_train(executor, &batch, &hyper, &result, &err))
                fail_msg("%s", err.text);
        }
        assert_int_equal(executor->train_steps, every == 1 ? STEPS : 2);
        for (int i = 0; i < session.program->n_train; i++)
            assert_true(executor->train_ns[i] > 0);
    }
    free(seconds);
    session_release(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_bytes_without_values),
        cmocka_unit_test(test_floor),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_ceilings_merge),
        cmocka_unit_test(test_room_for_copies),
        cmocka_unit_test_setup_teardown(test_times, open_session, close_session),
        cmocka_unit_test(test_times_of_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
