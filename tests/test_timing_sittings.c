/* Times of more than one sitting: histories that are thinned, breakdowns that come together, steps that come again. */
#include "engine/timing.h"

#include "tests/fake_timing.h"
#include "tests/near.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* More epochs than there is room for: entries come to stand for 2, then for 4; means stay means. */
static void a_long_history_is_thinned(void **state)
{
    (void)state;
    struct timing t;
    struct error err = {""};
    assert_int_equal(timing_allocate(&t, 1, 2, &err), 0);
    enum { EPOCHS = 2 * TIMING_HISTORY_MAX + 3 };
    for (int e = 0; e < EPOCHS; e++)
        timing_add_epoch(&t, (double[]){e, e % 2 ? NAN : 7});
    assert_int_equal(t.history_epochs, 4);
    assert_int_equal(t.n_history, TIMING_HISTORY_MAX / 2 + 1);
    assert_int_equal(t.history_last, 3);
    for (int i = 0; i < t.n_history - 1; i++) {
        assert_true(t.history[2 * i] == 4 * (float)i + 1.5F); /* of 4 i .. 4 i + 3 */
        assert_true(t.history[2 * i + 1] == 7);
    }
    assert_true(t.history[(size_t)2 * (size_t)(t.n_history - 1)] == 2 * TIMING_HISTORY_MAX + 1);
    timing_release(&t);
}

/* Steps of 1, 2, 3 ms in one sitting and 5, 9 in the next: as if one had had them all. */
static void sittings_come_together(void **state)
{
    (void)state;
    struct timing a, b;
    struct error err = {""};
    fake_timing(&a, 1, 1);
    assert_int_equal(timing_copy(&b, &a, &err), 0);
    a.train_steps = 3;
    b.train_steps = 2;
    a.steps[4].ms = 2;
    a.steps[4].ms_sd = a.steps[4].ms_min = 1;
    b.steps[4].ms = 7;
    b.steps[4].ms_sd = sqrt(8);
    b.steps[4].ms_min = 5;
    a.wall_ms = 10;
    b.wall_ms = 20;
    a.part_ms[TIMING_EVALUATE] = NAN; /* none yet */
    b.part_ms[TIMING_EVALUATE] = 5;
    assert_true(timing_same_program(&a, &b));
    timing_merge(&a, &b);
    assert_int_equal(a.train_steps, 5);
    assert_near(a.steps[4].ms, 4, 1e-12);
    assert_near(a.steps[4].ms_sd, sqrt(10), 1e-12);
    assert_true(a.steps[4].ms_min == 1);
    assert_near(a.wall_ms, 14, 1e-12);
    assert_near(a.part_ms[TIMING_EVALUATE], 2, 1e-12);
    assert_int_equal(a.n_history, 26);
    assert_true(a.history[25 * a.n_steps + 3] == b.history[12 * b.n_steps + 3]);
    timing_release(&a);
    timing_release(&b);
}

/* A sitting without a part spent nothing on it; clocks that one has not are the other's; none is no sitting. */
static void what_one_sitting_knows_is_merged(void **state)
{
    (void)state;
    struct timing a, b, old;
    struct error err = {""};
    fake_timing(&a, 1, 1);
    assert_int_equal(timing_copy(&b, &a, &err), 0);
    assert_int_equal(timing_copy(&old, &a, &err), 0);
    a.train_steps = 3;
    b.train_steps = 2;
    old.train_steps = 0;
    a.part_ms[TIMING_DATA] = 10;
    b.part_ms[TIMING_DATA] = NAN;
    a.hidden_ms[TIMING_DATA] = a.hidden_ms[TIMING_AUGMENT] = NAN;
    b.hidden_ms[TIMING_DATA] = 5;
    b.hidden_ms[TIMING_AUGMENT] = NAN;
    a.wall_ms = 10;
    a.timing_percent = 1;
    b.wall_ms = 30;
    b.timing_percent = 4;
    a.eval_batches = 1;
    a.eval_batch_ms = 2;
    b.eval_batches = 4;
    b.eval_batch_ms = 7;
    timing_merge(&a, &b);
    assert_near(a.part_ms[TIMING_DATA], 6, 1e-12);
    assert_near(a.hidden_ms[TIMING_DATA], 2, 1e-12);
    assert_true(isnan(a.hidden_ms[TIMING_AUGMENT]));
    assert_near(a.timing_percent, 3, 1e-12); /* of 30 ms and of 60 */
    assert_near(a.eval_batch_ms, 6, 1e-12);
    int epochs = a.n_history;
    timing_merge(&a, &old);
    assert_true(a.train_steps == 5 && a.n_history == epochs);
    old.train_steps = 5;
    old.wall_ms = NAN;
    timing_merge(&old, &a);
    assert_near(old.wall_ms, 18, 1e-12);
    assert_near(old.timing_percent, 3, 1e-12);
    assert_near(old.part_ms[TIMING_DATA], 6, 1e-12);
    assert_near(old.hidden_ms[TIMING_DATA], 2, 1e-12);
    timing_release(&a);
    timing_release(&b);
    timing_release(&old);
}

/* The last entry of a thinned history may stand for fewer epochs than the others: it is not more for being merged. */
static void thinned_histories_are_merged(void **state)
{
    (void)state;
    struct timing a, b;
    struct error err = {""};
    assert_int_equal(timing_allocate(&a, 1, 1, &err), 0);
    assert_int_equal(timing_allocate(&b, 1, 1, &err), 0);
    b.train_steps = 1;
    for (int e = 0; e <= TIMING_HISTORY_MAX; e++)
        timing_add_epoch(&b, (double[]){e});
    timing_merge(&a, &b);
    assert_int_equal(a.history_epochs, 2);
    assert_int_equal(a.n_history, TIMING_HISTORY_MAX / 2 + 1);
    assert_int_equal(a.history_last, 1);
    assert_memory_equal(a.history, b.history, (size_t)b.n_history * sizeof *b.history);
    timing_release(&a);
    timing_release(&b);
}

/* Each of these makes it another program. */
static void programs_are_told_apart(void **state)
{
    (void)state;
    struct timing a, b;
    struct error err = {""};
    fake_timing(&a, 1, 1);
    assert_int_equal(timing_copy(&b, &a, &err), 0);
    assert_true(b.steps[4].n_rows > 1);
    void *const parts[] = {
        &b.n_rows,          &b.n_steps,         &b.threads,          b.family,
        b.precision,        b.machine.device,   b.machine.isa,       b.rows[2].name,
        &b.rows[2].shape.c, &b.rows[2].shape.h, &b.rows[2].shape.w,  &b.steps[4].phase,
        &b.steps[4].n_rows, b.steps[4].impl,    &b.steps[4].rows[0], &b.steps[4].rows[b.steps[4].n_rows - 1]};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_true(timing_same_program(&a, &b));
        *(char *)parts[i] ^= 1;
        if (timing_same_program(&a, &b) || timing_same_program(&b, &a))
            fail_msg("part %zu makes no difference", i);
        *(char *)parts[i] ^= 1;
    }
    timing_release(&a);
    timing_release(&b);
}

/* What comes after a step counts no longer, as often as it was timed; epochs of that time are no history. */
static void what_comes_again_counts_once(void **state)
{
    (void)state;
    struct timing t;
    fake_timing(&t, 1, 1);
    double wall_ms = t.wall_ms;
    int n = t.n_history;
    assert_int_equal(n, 13);
    t.to_step = 0; /* not known: nothing is taken away */
    t.train_steps = 129;
    timing_rewind(&t, 50, 10, 2);
    assert_true(t.train_steps == 129 && t.n_history == n);
    t.to_step = 130;
    t.eval_batches = 60; /* ten each */
    timing_rewind(&t, 130, 10, 2);
    assert_true(t.train_steps == 129 && t.n_history == n && t.eval_batches == 60);
    timing_rewind(&t, 95, 10, 2); /* all but the first were timed */
    assert_true(t.train_steps == 94 && t.n_history == 9 && t.eval_batches == 40 && t.to_step == 95);
    assert_true(t.wall_ms == wall_ms); /* the mean of all that was timed */
    t.train_steps = 18;                /* one in five */
    timing_rewind(&t, 45, 10, 2);
    assert_true(t.train_steps == 8 && t.n_history == 4 && t.eval_batches == 20);
    t.history_epochs = 4; /* entries of four epochs, the last of three */
    t.history_last = 3;
    timing_rewind(&t, 25, 10, 2);
    assert_true(t.n_history == 4 && t.history_last == 1);
    timing_rewind(&t, 5, 10, 2);
    assert_true(t.n_history == 3 && t.history_last == 3 && t.eval_batches == 0);
    t.from_step = 4; /* of another program */
    timing_rewind(&t, 3, 10, 2);
    assert_true(t.train_steps == 0 && t.from_step == 3 && t.to_step == 3);
    timing_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_history_is_thinned),        cmocka_unit_test(sittings_come_together),
        cmocka_unit_test(what_one_sitting_knows_is_merged), cmocka_unit_test(thinned_histories_are_merged),
        cmocka_unit_test(programs_are_told_apart),          cmocka_unit_test(what_comes_again_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
