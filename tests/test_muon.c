/*
 * The cpu family's Muon against the reference's, whole matrices in double: both orientations, one row, sizes that fit
 * no block; the same bits for any number of threads. And the rates that groups of tensors get.
 */
#include "engine/groups.h"
#include "engine/knobs.h"
#include "kernels/cpu/muon.h"
#include "kernels/parallel.h"
#include "kernels/ref/ref.h"
#include "tests/parity.h"

/* Newton-Schulz in float32 against double; the singular values that it lets grow come with their errors. */
#define TOLERANCE 3e-5

struct matrices {
    size_t count;
    float *weight, *gradient, *buffer;
};

static void fill(struct matrices *m, size_t count, uint64_t seed)
{
    m->count = count;
    m->weight = malloc(count * sizeof(float));
    m->gradient = malloc(count * sizeof(float));
    m->buffer = malloc(count * sizeof(float));
    assert_true(m->weight && m->gradient && m->buffer);
    for (size_t i = 0; i < count; i++) {
        m->weight[i] = 0.1f * parity_signed(seed, 1, i);
        m->gradient[i] = 3 * parity_signed(seed, 2, i);
        m->buffer[i] = 5 * parity_signed(seed, 3, i);
    }
}

static void release(struct matrices *m)
{
    free(m->weight);
    free(m->gradient);
    free(m->buffer);
}

static struct plan plan; /* large: not for the stack */

static const struct plan_tensor *one_convolution(int in_c, int out_c, int kernel)
{
    struct error err = {{0}};
    plan_init(&plan);
    int row = plan_input(&plan, (struct plan_shape){in_c, 8, 8}, &err);
    row = plan_conv(&plan, "conv", row, out_c, plan_window(kernel, 1, 0), &err);
    if (row < 0)
        fail_msg("%s", err.text);
    plan.tensors[0].rule = PLAN_RULE_MUON;
    return &plan.tensors[0];
}

static const struct hyper hyper = {.lr = 0.2, .momentum = 0.6};

static void run_cpu(const struct plan_tensor *t, struct matrices *m, int threads)
{
    void *scratch = malloc(cpu_muon_scratch_bytes(&plan));
    assert_non_null(scratch);
    parallel_set_threads(threads);
    for (int step = 0; step < 3; step++)
        assert_int_equal(cpu_muon(t, m->weight, m->gradient, m->buffer, &hyper, scratch), 1);
    parallel_set_threads(0);
    free(scratch);
}

static void run_ref(const struct plan_tensor *t, struct matrices *m)
{
    double *room = malloc(ref_muon_doubles(t) * sizeof *room);
    struct ref_update update = {
        .weight = m->weight, .momentum = m->buffer, .gradient = m->gradient, .lr = hyper.lr, .mom = hyper.momentum};
    assert_non_null(room);
    for (int step = 0; step < 3; step++)
        ref_muon(&update, t, room);
    free(room);
}

static void test_against_the_reference(void **state)
{
    (void)state;
    static const int shapes[][3] = {{3, 8, 3},  {3, 64, 3},  {1, 1, 3},   {27, 64, 1}, {16, 1, 1},  {1, 5, 1},
                                    {7, 33, 3}, {20, 96, 3}, {64, 32, 3}, {4, 32, 3},  {11, 100, 3}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const struct plan_tensor *t = one_convolution(shapes[s][0], shapes[s][1], shapes[s][2]);
        struct matrices exact, one, more;
        fill(&exact, t->count, s);
        fill(&one, t->count, s);
        run_ref(t, &exact);
        run_cpu(t, &one, 1);
        double error = parity_error(one.weight, exact.weight, t->count);
        if (!(error <= TOLERANCE) || parity_error(one.buffer, exact.buffer, t->count) > 1e-6)
            fail_msg("%dx%d: off by %g", shapes[s][1], (int)(t->count / (size_t)shapes[s][1]), error);
        for (int threads = 2; threads <= 5; threads++) {
            fill(&more, t->count, s);
            run_cpu(t, &more, threads);
            assert_memory_equal(more.weight, one.weight, t->count * sizeof(float));
            assert_memory_equal(more.buffer, one.buffer, t->count * sizeof(float));
            release(&more);
        }
        release(&exact);
        release(&one);
    }
}

/* Filters end as long as was said, and an update moves every direction by much the same. */
static void test_what_it_is_for(void **state)
{
    (void)state;
    const struct plan_tensor *t = one_convolution(4, 6, 3);
    struct matrices m;
    struct hyper still = {.lr = 0, .momentum = 0.6};
    void *scratch = malloc(cpu_muon_scratch_bytes(&plan));
    double squares = 0;
    assert_non_null(scratch);
    fill(&m, t->count, 1);
    assert_int_equal(cpu_muon(t, m.weight, m.gradient, m.buffer, &still, scratch), 1);
    for (size_t i = 0; i < t->count; i++)
        squares += (double)m.weight[i] * m.weight[i];
    assert_true(fabs(squares - 6) < 1e-4);

    memset(m.weight, 0, t->count * sizeof(float)); /* no length to keep: what is left is the update */
    still.lr = 1;
    assert_int_equal(cpu_muon(t, m.weight, m.gradient, m.buffer, &still, scratch), 1);
    for (size_t i = 0; i < 6; i++) {
        double length = 0;
        for (size_t k = 0; k < 36; k++)
            length += (double)m.weight[36 * i + k] * m.weight[36 * i + k];
        assert_true(length > 0.4 && length < 1.6); /* three steps bring singular values to about 0.7 .. 1.2 */
    }
    m.gradient[7] = NAN;
    assert_int_equal(cpu_muon(t, m.weight, m.gradient, m.buffer, &still, scratch), 0);
    free(scratch);
    release(&m);
}

static double conv_bias_lr(const struct hyper *h)
{
    static const struct plan_tensor bias = {.role = PLAN_CONV_BIAS, .lr_scale = 1, .decay_scale = 1, .trained = true};
    return hyper_of_tensor(h, &bias).lr;
}

static void test_rates_of_groups(void **state)
{
    (void)state;
    static struct recipe recipe;
    struct hyper h;
    knob_defaults(&recipe); /* knots 0,5,24: 0,0.4,0; batch 512 */
    groups_hyper(&recipe, 7, 10, 0.1, &h);
    assert_true(h.lr == 0.1 / 512 && h.conv_bias_cut == 0 && h.weight_decay == 0.0005 * 512 && h.momentum == 0.9);
    assert_true(fabs(h.muon_lr - 0.24 / 4) < 1e-12 && h.muon_momentum == 0.6 && fabs(h.lars_lr - 0.02 / 4) < 1e-12);

    assert_true(h.epoch == 0.7);
    recipe.whitening_bias_epochs = 3; /* steps 0 .. 29 */
    groups_hyper(&recipe, 29, 10, 0.1, &h);
    assert_true(h.conv_bias_cut == 0);
    recipe.whitening_bias_falls = 1;
    groups_hyper(&recipe, 0, 10, 0.1, &h);
    assert_true(fabs(conv_bias_lr(&h) - 0.4 / 512) < 1e-12);
    groups_hyper(&recipe, 15, 10, 0.1, &h);
    assert_true(fabs(conv_bias_lr(&h) - 0.2 / 512) < 1e-12);
    groups_hyper(&recipe, 31, 10, 0.1, &h);
    assert_true(conv_bias_lr(&h) == 0 && h.lr > 0);

    recipe.schedule.shape = SCHEDULE_COSINE;
    recipe.schedule.peak = 0.5;
    groups_hyper(&recipe, 0, 10, 0.25, &h);
    assert_true(fabs(h.muon_lr - 0.12) < 1e-12);
    recipe.schedule.peak = 0;
    groups_hyper(&recipe, 0, 10, 0, &h);
    assert_true(h.muon_lr == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_reference),
        cmocka_unit_test(test_what_it_is_for),
        cmocka_unit_test(test_rates_of_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
