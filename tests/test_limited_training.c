/* A tensor that is trained in the first epochs only: it changes before, and not by one bit after, in every form. */
#include "tests/parity.h"

static void limited(const struct family *family, enum nesterov form)
{
    static struct plan plan;
    struct error err = {""};
    struct parity_data data;
    if (parity_davidnet_plan(&plan, 4, (struct plan_shape){3, 16, 16}, 10, &err) < 0)
        fail_msg("%s", err.text);
    plan.tensors[plan_find_tensor(&plan, "prep.norm.bias")].epochs = 3;
    parity_data_init(&data, (struct plan_shape){3, 16, 16}, 10, 8, 1);
    struct program *program =
        parity_compile(family, &plan, &(struct program_options){.max_batch = 8, .precision = PRECISION_F32});
    parity_weights(program, 5);
    struct hyper hyper = {.lr = 0.01, .momentum = 0.9, .weight_decay = 0.01, .form = form};
    for (int step = 0; step < 4; step++) {
        hyper.epoch = 1 + step; /* 1, 2 | 3, 4: momentum of the first two must not move it on */
        size_t size = parity_count(program, "prep.norm.bias") * sizeof(float);
        float *before = parity_read(program, "prep.norm.bias", PROGRAM_VALUE);
        float *other = parity_read(program, "prep.norm.weight", PROGRAM_VALUE);
        parity_train(program, &data.batch, &hyper);
        float *after = parity_read(program, "prep.norm.bias", PROGRAM_VALUE);
        float *other_after = parity_read(program, "prep.norm.weight", PROGRAM_VALUE);
        assert_int_equal(memcmp(before, after, size) != 0, hyper.epoch < 3);
        assert_true(memcmp(other, other_after, size) != 0);
        free(before);
        free(after);
        free(other);
        free(other_after);
    }
    family->free(program);
    parity_data_release(&data);
}

static void trained_in_the_first_epochs_only(void **state)
{
    (void)state;
    for (int form = 0; form < NESTEROV_COUNT; form++) {
        limited(&family_ref, (enum nesterov)form);
        limited(&family_cpu, (enum nesterov)form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(trained_in_the_first_epochs_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
