/* Averages that a device keeps (the CUDA engine, emulated or on a GPU): each thing that is done with them, and runs of
 * steps against those that the host keeps. */
#include "engine/averages.h"
#include "tests/cpu_networks.h"
#include "tests/cuda_plugin.h"

#define STEPS 7u

static struct family on_host; /* the same family, but that it keeps no averages */

/* After FOLLOW, TAKE and SWAP the averages and weights are what the definition says, to the last bit but one. */
static void test_averages(void **state)
{
    NEEDS_CUDA(state);
    static const char *const names[] = {"prep.conv.weight", "layer2.conv.weight", "logits.weight"};
    struct error err = {""};
    davidnet8();
    struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 2});
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t count = parity_count(program, names[i]), bytes = count * sizeof(float);
        parity_weights(program, 3);
        float *first = parity_read(program, names[i], PROGRAM_VALUE);
        assert_int_equal(cuda->mix(program, PROGRAM_EMA, PROGRAM_MIX_FOLLOW, 0, &err), 0);
        parity_weights(program, 4);
        float *second = parity_read(program, names[i], PROGRAM_VALUE);
        assert_memory_not_equal(first, second, bytes);
        assert_int_equal(cuda->mix(program, PROGRAM_EMA, PROGRAM_MIX_FOLLOW, 0.75, &err), 0);
        float *average = parity_read(program, names[i], PROGRAM_EMA);
        for (size_t k = 0; k < count; k++)
            assert_true(fabs((double)average[k] - (0.75 * (double)first[k] + 0.25 * (double)second[k])) <=
                        1e-7 * fabs((double)average[k]) + 1e-12);
        assert_int_equal(cuda->mix(program, PROGRAM_EMA, PROGRAM_MIX_SWAP, 0, &err), 0);
        float *shown = parity_read(program, names[i], PROGRAM_VALUE),
              *kept = parity_read(program, names[i], PROGRAM_EMA);
        assert_memory_equal(shown, average, bytes);
        assert_memory_equal(kept, second, bytes);
        assert_int_equal(cuda->write_tensor(program, names[i], PROGRAM_SLOW, first, count, &err), 0);
        assert_int_equal(cuda->mix(program, PROGRAM_SLOW, PROGRAM_MIX_TAKE, 0, &err), 0);
        float *taken = parity_read(program, names[i], PROGRAM_VALUE);
        assert_memory_equal(taken, first, bytes);
        free(first);
        free(second);
        free(average);
        free(shown);
        free(kept);
        free(taken);
    }
    cuda->free(program);
}

/* What convolutions multiply by follows the weights that an average puts in their place. */
static void test_averages_are_evaluated(void **state)
{
    NEEDS_CUDA(state);
    struct parity_data data;
    struct error err = {""};
    davidnet8();
    struct program *program =
        parity_compile(cuda, &plan, &(struct program_options){.max_batch = 4, .precision = PRECISION_F16});
    parity_data_init(&data, plan.rows[0].out, plan.classes, 4, 11);
    double loss[3];
    for (int i = 0; i < 3; i++) {
        if (i < 2) {
            parity_weights(program, 5 + (uint64_t)i);
            if (i == 0)
                assert_int_equal(cuda->mix(program, PROGRAM_SLOW, PROGRAM_MIX_FOLLOW, 0, &err), 0);
        } else {
            assert_int_equal(cuda->mix(program, PROGRAM_SLOW, PROGRAM_MIX_TAKE, 0, &err), 0);
        }
        parity_evaluate(program, &data.batch);
        loss[i] = program->result.loss_sum;
    }
    assert_true(loss[0] != loss[1] && loss[2] == loss[0]);
    parity_data_release(&data);
    cuda->free(program);
}

/* Weights of step after step, averaged; what a checkpoint then holds. */
static void average(const struct family *family, const struct recipe *recipe, struct checkpoint *checkpoint)
{
    struct error err = {""};
    struct averages averages;
    struct program *program = parity_compile(family, &plan, &(struct program_options){.max_batch = 2});
    assert_int_equal(averages_init(&averages, recipe, &plan, family, &err), 0);
    assert_int_equal(averages.on_device, family->mix != NULL);
    parity_weights(program, 1);
    assert_int_equal(averages_begin(&averages, program, &err), 0);
    for (uint32_t step = 1; step <= STEPS; step++) {
        if (step % 3 != 0)
            parity_weights(program, 1 + step);
        assert_true(family->mix == NULL || !averages_due(&averages, step, STEPS));
        assert_int_equal(averages_update(&averages, program, step, STEPS, &err), 0);
        if (step == 4) /* an evaluation changes nothing */
            assert_true(averages_show(&averages, program, &err) == 0 && averages_hide(&averages, program, &err) == 0);
    }
    assert_int_equal(checkpoint_init(checkpoint, &plan, &err), 0);
    assert_int_equal(checkpoint_add_averages(checkpoint, recipe->ema, recipe->lookahead, &err), 0);
    assert_int_equal(checkpoint_take(checkpoint, program, &err), 0);
    averages_save(&averages, checkpoint);
    averages_release(&averages);
    program->family->free(program);
}

static void assert_close(const float *a, const float *b)
{
    for (int t = 0; t < plan.n_tensors; t++)
        if (!(parity_error(a + plan.tensors[t].offset, b + plan.tensors[t].offset, plan.tensors[t].count) < 1e-7))
            fail_msg("'%s' differs", plan.tensors[t].name);
}

static void test_the_device_averages_as_the_host_does(void **state)
{
    NEEDS_CUDA(state);
    on_host = *cuda;
    on_host.mix = NULL;
    odd_channels();
    for (int which = 1; which < 4; which++) {
        static struct recipe recipe;
        recipe = (struct recipe){.ema = which & 1,
                                 .ema_momentum = 0.9,
                                 .ema_every = 2,
                                 .lookahead = which >> 1,
                                 .lookahead_momentum = 0.8,
                                 .lookahead_every = 3};
        struct checkpoint mine, theirs;
        average(cuda, &recipe, &mine);
        average(&on_host, &recipe, &theirs);
        assert_close(mine.value, theirs.value);
        if (recipe.ema)
            assert_close(mine.ema, theirs.ema);
        if (recipe.lookahead)
            assert_close(mine.slow, theirs.slow);
        checkpoint_release(&mine);
        checkpoint_release(&theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_averages_are_evaluated),
        cmocka_unit_test(test_the_device_averages_as_the_host_does),
    };
    return cmocka_run_group_tests(tests, cuda_plugin_find, NULL);
}
