/* Floors, rates and what bounds a step: by hand, and what must hold of any breakdown. */
#include "engine/network.h"
#include "engine/recipes.h"
#include "engine/timekeeper.h"
#include "engine/timing_export.h"
#include "kernels/work.h"
#include "tests/fake_timing.h"
#include "tests/near.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The sums of tests/fake_timing.h. */
static void by_hand(void **state)
{
    (void)state;
    struct timing t;
    fake_timing_small(&t);
    static const double floors[] = {1, 20, 0.1, 4, 10, 1};
    for (int i = 0; i < 6; i++)
        assert_near(timing_floor_ms(&t, &t.steps[i]), floors[i], 1e-9);
    struct timing_bound bound = timing_bound(&t);
    assert_near(bound.floor_ms, 36.1, 1e-9);
    assert_near(bound.train_ms, 74, 1e-9);
    /* The convolution's 20, and 10: a quarter of what its backward step, by Winograd's method, nominally does. */
    assert_near(bound.compute, 100 * 30.0 / 74, 1e-9);
    /* 1 + 0.1 + 4, and 0.5 of the update's 1. */
    assert_near(bound.bandwidth, 100 * 5.6 / 74, 1e-9);
    assert_near(bound.compute + bound.bandwidth + bound.overhead, 100, 1e-9);

    /* The convolution: 62 ms, 6 GFLOP, 110 MB, floors of 30 ms; spread as of independent steps, sqrt(1 + 4). */
    struct timing_sum sum = timing_sum(&t, 1, TIMING_ALL_PHASES);
    assert_int_equal(sum.steps, 2);
    assert_near(sum.ms, 62, 1e-9);
    assert_near(sum.ms_sd, sqrt(5.0), 1e-9);
    assert_near(sum.gflops, 6e9 / 62e-3 * 1e-9, 1e-9);
    assert_near(sum.gigabytes, 110e6 / 62e-3 * 1e-9, 1e-9);
    assert_near(sum.ceiling, 30.0 / 62, 1e-9);
    assert_true(sum.flops == 6e9 && sum.work == 3e9);
    sum = timing_sum(&t, 1, 1u << PHASE_BACKWARD);
    assert_near(sum.ceiling, 10.0 / 32, 1e-9);
    assert_near(sum.gflops, 4e9 / 32e-3 * 1e-9, 1e-9); /* nominal: above what direct convolution could do */
    sum = timing_sum(&t, 2, TIMING_ALL_PHASES);
    assert_true(sum.ms == 7 && isnan(sum.gflops) && sum.flops == 0 && sum.work == 0); /* forward is the convolution's */
    sum = timing_sum(&t, 3, TIMING_ALL_PHASES);
    assert_true(sum.steps == 0 && isnan(sum.ms) && isnan(sum.floor_ms) && isnan(sum.bytes)); /* all fused */
    sum = timing_sum(&t, -1, TIMING_ALL_PHASES);
    assert_true(sum.steps == 1 && sum.ms == 0.5);
    sum = timing_sum(&t, 4, TIMING_ALL_PHASES);
    assert_true(sum.ms == 0.5 && isnan(sum.ms_sd));
    timing_release(&t);
}

static void what_is_missing_is_unknown(void **state)
{
    (void)state;
    struct timing t;
    fake_timing_small(&t);
    t.machine.flops = NAN; /* bf16, say: its arithmetic was not measured */
    assert_true(isnan(timing_floor_ms(&t, &t.steps[1])));
    assert_near(timing_floor_ms(&t, &t.steps[0]), 1, 1e-9); /* no arithmetic in it */
    struct timing_bound bound = timing_bound(&t);
    assert_true(isnan(bound.compute) && isnan(bound.bandwidth) && isnan(bound.overhead) && isnan(bound.floor_ms));
    assert_true(isnan(timing_sum(&t, 1, TIMING_ALL_PHASES).ceiling));
    assert_true(timing_sum(&t, 1, TIMING_ALL_PHASES).gflops > 0);
    t.machine.flops = 1e11;
    t.steps[3].ms = NAN;
    bound = timing_bound(&t);
    assert_true(isnan(bound.compute) && isnan(bound.overhead));
    assert_near(bound.floor_ms, 36.1, 1e-9); /* known all the same */
    timing_release(&t);
    /* Parts that are not known: the steps' own times are what there is. */
    fake_timing_small(&t);
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        t.part_ms[p] = NAN;
    assert_near(timing_bound(&t).train_ms, 72, 1e-9);
    assert_near(timing_bound(&t).overhead, 100 * (72 - 35.6) / 72, 1e-9);
    timing_release(&t);
}

static void a_step_disproves_the_ceilings(void **state)
{
    (void)state;
    char why[256];
    struct timing t;
    fake_timing_small(&t);
    assert_int_equal(timing_disproved(&t, why, sizeof why), 0); /* 125 GFLOP/s by Winograd's method prove nothing */
    assert_string_equal(why, "");
    /* Forward does 2 GFLOP in 30 ms, 66.7 GFLOP/s: more than 60 by a ninth, more than 65 by less than a tenth. */
    t.machine.flops = 65e9;
    assert_int_equal(timing_disproved(&t, why, sizeof why), 0);
    t.machine.flops = 60e9;
    assert_int_equal(timing_disproved(&t, why, sizeof why), 1);
    assert_string_equal(why,
                        "the measured ceilings are too low (60 GFLOP/s; layer1/conv alone reached 67): what bounds "
                        "the step is not known; run again on a quiet machine");
    t.machine.noisy = 1;
    t.machine.flops = 2.4e9;
    assert_int_equal(timing_disproved(&t, why, sizeof why), 1);
    assert_string_equal(why, "ceilings were measured while other programs ran (2.4 GFLOP/s; layer1/conv alone reached "
                             "67): what bounds the step is not known; run again on a quiet machine");
    struct timing_bound bound = timing_bound(&t);
    assert_true(isnan(bound.compute) && isnan(bound.bandwidth) && isnan(bound.overhead) && isnan(bound.floor_ms));
    assert_near(bound.train_ms, 74, 1e-9);
    struct timing_sum sum = timing_sum(&t, 1, TIMING_ALL_PHASES);
    assert_true(isnan(sum.floor_ms) && isnan(sum.ceiling) && sum.gflops > 96 && sum.gigabytes > 1.7);
    /* A small image's padding may have been left out. */
    t.machine.flops = 60e9;
    t.rows[1].shape.h = t.rows[1].shape.w = 8;
    assert_int_equal(timing_disproved(&t, why, sizeof why), 0);
    /* 0.9 GB/s: 171 MB take 190 ms, and the step took 74. */
    t.machine = (struct timing_machine){.flops = 1e11, .bytes = 0.9e9, .noisy = 1};
    assert_int_equal(timing_disproved(&t, why, sizeof why), 1);
    assert_string_equal(why, "ceilings were measured while other programs ran (100 GFLOP/s, 0.9 GB/s: a floor of 190.0 "
                             "ms, and the step took 74.0): what bounds the step is not known; run again on a quiet "
                             "machine");
    timing_release(&t);
}

static void rounded_percentages_sum_to_100(void **state)
{
    (void)state;
    double p[3];
    timing_bound_round(&(struct timing_bound){.compute = 33.35, .bandwidth = 33.35, .overhead = 33.3}, 1, p);
    assert_near(p[0] + p[1] + p[2], 100, 1e-9); /* singly 33.4, 33.4 and 33.3 */
    timing_bound_round(&(struct timing_bound){.compute = 20.25, .bandwidth = 20.25, .overhead = 59.5}, 0, p);
    assert_true(p[0] == 20 && p[1] == 20 && p[2] == 60);
    timing_bound_round(&(struct timing_bound){.compute = 49.6, .bandwidth = 25.7, .overhead = 24.7}, 0, p);
    assert_true(p[0] == 49 && p[1] == 26 && p[2] == 25); /* singly 50, 26 and 25 */
    timing_bound_round(&(struct timing_bound){.compute = NAN, .bandwidth = NAN, .overhead = NAN}, 0, p);
    assert_true(isnan(p[0]) && isnan(p[1]) && isnan(p[2]));
}

static void images_are_over_the_whole_step(void **state)
{
    (void)state;
    struct timing t;
    fake_timing_small(&t);
    assert_near(timing_images_per_second(&t), 512 / 74e-3, 1e-6); /* data, transfer and other are in it */
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        t.part_ms[p] = NAN;
    assert_near(timing_images_per_second(&t), 512 / 72e-3, 1e-6);
    t.images_per_step = NAN;
    assert_true(isnan(timing_images_per_second(&t)));
    timing_release(&t);
}

static void work_is_counted_by_method(void **state)
{
    (void)state;
    assert_true(work_share("dnnl:brgconv:avx512_core") == 1 && work_share("own:wgrad:amx") == 1);
    assert_true(work_share("own:winograd:avx512") == 0.25 && work_share("dnnl:jit_wino_4x3:avx512_core") == 0.25);
    assert_true(work_share("own:winograd:avx2 x64") == 0.25);
    assert_true(work_share("own:winograd:avx2+dnnl:jit:avx2") == 0.625); /* half of the operations each */
    assert_true(isnan(work_share("dnnl:jit_wino_2x3:avx512_core")) && isnan(work_share("cudnn:eng3")));
    assert_true(isnan(work_share("own:winograd:avx2+cudnn:eng3")));
    struct timing t;
    fake_timing_small(&t);
    snprintf(t.steps[4].impl, sizeof t.steps[4].impl, "dnnl:jit_wino:avx2");
    assert_true(isnan(timing_floor_ms(&t, &t.steps[4])) && isnan(timing_bound(&t).compute));
    assert_near(timing_floor_ms(&t, &t.steps[1]), 20, 1e-9);
    timing_release(&t);
}

/* ---- any breakdown ---- */

static uint64_t random_state;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static struct family family = {.name = "any"};

static struct program_step *add(struct program *program, enum phase phase)
{
    struct program_step *step = &program->train[program->n_train++];
    *step = (struct program_step){.phase = phase, .impl = draw(2) ? "own, \"quoted\"" : "dnnl:x"};
    return step;
}

/* Every row in some step of forward and of backward, alone or with up to three that follow it; updates each for itself,
 * or all at once. */
static void fuse_at_random(struct program *program, const struct plan *plan)
{
    struct program_step *step = add(program, PHASE_AUGMENT);
    step->rows[step->n_rows++] = 0;
    for (int i = 1; i < plan->n_rows - 1;) {
        step = add(program, PHASE_FORWARD);
        for (int k = 1 + (int)draw(4); k > 0 && i < plan->n_rows - 1; k--)
            step->rows[step->n_rows++] = i++;
    }
    step = add(program, PHASE_LOSS);
    step->rows[step->n_rows++] = plan->n_rows - 1;
    for (int i = 1; i < plan->n_rows - 1;) {
        step = add(program, PHASE_BACKWARD);
        for (int k = 1 + (int)draw(4); k > 0 && i < plan->n_rows - 1; k--)
            step->rows[step->n_rows++] = i++;
    }
    if (draw(2)) {
        add(program, PHASE_UPDATE);
        return;
    }
    for (int i = 0; i < plan->n_rows; i++)
        if (plan->rows[i].n_tensors) {
            step = add(program, PHASE_UPDATE);
            step->rows[step->n_rows++] = i;
        }
}

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

/* The parts are all of the wall; nothing is negative; each cell of a row is in its phase's sum once. */
static void parts_and_phases_add_up(const struct timing *t)
{
    double sum = 0, rows = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        assert_false(t->part_ms[p] < 0 || t->hidden_ms[p] < 0);
        sum += isnan(t->part_ms[p]) ? 0 : t->part_ms[p];
    }
    near(sum, t->threads * t->wall_ms);
    for (int p = 0; p < PHASE_COUNT; p++) {
        double cells = 0;
        for (int i = 0; i < t->n_rows; i++) {
            struct timing_cell cell = timing_cell(t, i, (enum phase)p);
            assert_int_equal(cell.kind == TIMING_OWN, isfinite(cell.ms)); /* no NaN where it is known */
            assert_int_equal(cell.kind == TIMING_FUSED, cell.fused_into >= 0);
            if (cell.kind == TIMING_FUSED)
                assert_int_equal(timing_cell(t, cell.fused_into, (enum phase)p).kind, TIMING_OWN);
            cells += cell.kind == TIMING_OWN ? cell.ms : 0;
        }
        struct timing_sum unowned = timing_sum(t, -1, 1u << p);
        near(cells + (unowned.steps ? unowned.ms : 0), timing_phase_ms(t, (enum phase)p));
        rows += timing_phase_ms(t, (enum phase)p);
    }
    near(rows, timing_step_ms(t));
    struct timing fast = *t; /* ceilings that nothing disproves; its arrays are t's */
    fast.machine.flops *= 1e9;
    fast.machine.bytes *= 1e9;
    assert_int_equal(timing_disproved(&fast, NULL, 0), 0);
    struct timing_bound bound = timing_bound(t);
    assert_int_equal(timing_disproved(t, NULL, 0), isnan(bound.compute));
    if (isnan(bound.compute))
        assert_true(isnan(bound.bandwidth) && isnan(bound.overhead) && isnan(bound.floor_ms));
    else
        assert_true(bound.floor_ms <= bound.train_ms);
    bound = timing_bound(&fast);
    near(bound.compute + bound.bandwidth + bound.overhead, 100);
    assert_true(bound.compute >= 0 && bound.bandwidth >= 0 && bound.overhead >= -1e-9 && bound.floor_ms >= 0);
    for (int i = 0; i < t->n_steps; i++)
        assert_true(t->steps[i].ms >= 0 && t->steps[i].flops >= 0 && t->steps[i].bytes >= 0);
}

/* No text says "nan" or "inf" anywhere; the JSON is read back as it was; each line of the CSV has all columns. */
static void texts_are_sound(const struct timing *t, const struct timing_origin *origin)
{
    struct error err = {""};
    struct timing back;
    char *json = timing_export_json(t, origin, &err), *csv = timing_export_csv(t, origin, &err);
    assert_non_null(json);
    assert_non_null(csv);
    assert_null(strstr(json, ":nan"));
    assert_null(strstr(json, "inf,"));
    assert_null(strstr(csv, ",nan"));
    assert_null(strstr(csv, ",-"));
    if (timing_from_json(&back, json, "any", &err))
        fail_msg("%s", err.text);
    assert_int_equal(back.n_steps, t->n_steps);
    for (int i = 0; i < t->n_steps; i++)
        if (isnan(t->steps[i].ms))
            assert_true(isnan(back.steps[i].ms));
        else
            near(back.steps[i].ms, t->steps[i].ms);
    timing_release(&back);
    int columns = 0, count = 0, quoted = 0;
    for (const char *c = csv; *c; c++) {
        quoted ^= *c == '"';
        count += *c == ',' && !quoted;
        if (*c == '\n' && !quoted) {
            columns = columns ? columns : count;
            assert_int_equal(count, columns);
            count = 0;
        }
    }
    assert_int_equal(quoted, 0);
    free(json);
    free(csv);
}

static void one_plan(const char *preset, int n)
{
    static struct plan plan;
    static struct network network;
    static struct recipe recipe;
    static struct timing_origin origin;
    static struct program_step train[4 * PLAN_ROWS_MAX];
    static uint64_t ns[4 * PLAN_ROWS_MAX];
    static double squares[4 * PLAN_ROWS_MAX];
    struct error err = {""};
    struct recipe_request request = {.preset = preset};
    struct loader loader = {.kind = RECIPE_LOADER_MAIN};
    struct timekeeper keeper;
    if (recipe_resolve(&request, &recipe, &err) ||
        network_build(&recipe, (struct plan_shape){3, 32, 32}, 10, &network, &err) ||
        network_lower(&network, &plan, &err))
        fail_msg("%s: %s", preset, err.text);
    struct program program = {.family = &family, .plan = &plan, .train = train, .options = {.max_batch = 64}};
    program.options.threads = 1 + (int)draw(9);
    fuse_at_random(&program, &plan);
    struct executor executor = {.program = &program, .train_ns = ns, .train_squares = squares};
    memset(ns, 0, sizeof ns);
    timekeeper_init(&keeper, &(struct ceiling){.flops = 1e9 * (1 + draw(1000)), .bytes = 1e9 * (1 + draw(100))});
    assert_int_equal(timekeeper_begin(&keeper, &executor, &err), 0);
    timing_origin_init(&origin, &recipe, "run");

    texts_are_sound(&keeper.timing, &origin); /* nothing is measured yet: unknown everywhere */
    assert_true(isnan(timing_step_ms(&keeper.timing)) && isnan(timing_bound(&keeper.timing).overhead));
    for (int i = 0; i < plan.n_rows; i++)
        assert_true(isnan(timing_sum(&keeper.timing, i, TIMING_ALL_PHASES).ms));

    uint64_t all = 0;
    executor.train_steps = 1 + draw(50);
    for (int i = 0; i < program.n_train; i++) {
        ns[i] = executor.train_steps * draw(20000000);
        squares[i] = (double)ns[i];
        all += ns[i];
    }
    executor.runs = executor.train_steps;
    executor.run_ns = all;
    keeper.steps = executor.train_steps + (n % 3 == 0 ? 0 : draw(3)); /* on the way: some are kept, and not timed */
    executor.train_images = 64 * executor.train_steps;
    executor.runs = keeper.steps;
    executor.run_ns = all / executor.train_steps * executor.runs;
    keeper.kept[TIMEKEEPER_SUBMIT] = (double)executor.run_ns * 1e-9 + 1e-6 * draw(100);
    keeper.kept[TIMEKEEPER_DATA] = 1e-3 * draw(100);
    keeper.kept[TIMEKEEPER_OTHER] = 1e-3 * draw(100);
    keeper.kept[TIMEKEEPER_EVALUATE] = n % 2 ? 1e-3 * (1 + draw(1000)) : 0;
    timekeeper_refresh(&keeper, &executor, &loader);
    assert_int_equal(isnan(keeper.timing.part_ms[TIMING_EVALUATE]), n % 2 == 0);
    parts_and_phases_add_up(&keeper.timing);
    texts_are_sound(&keeper.timing, &origin);
    timekeeper_release(&keeper);
}

static void holds_for_any_plan(void **state)
{
    (void)state;
    random_state = 1;
    assert_true(recipe_builtin_count > 20);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < recipe_builtin_count; i++)
            one_plan(recipe_builtins[i].name, round * recipe_builtin_count + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(what_is_missing_is_unknown),
        cmocka_unit_test(a_step_disproves_the_ceilings),
        cmocka_unit_test(work_is_counted_by_method),
        cmocka_unit_test(rounded_percentages_sum_to_100),
        cmocka_unit_test(images_are_over_the_whole_step),
        cmocka_unit_test(holds_for_any_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
