/* A breakdown of one sitting: whose time a step is, and its text. (Several sittings: test_timing_sittings.c.) */
#include "engine/timing.h"

#include "tests/fake_timing.h"
#include "tests/near.h"
#include "tests/parity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Rows: 0 input, 1 conv, 2 norm, 3 act, 4 pool, 5 linear, 6 loss. */
static struct plan plan;
static const struct family family = {.name = "shelf"};
static struct program_step train[] = {
    {.phase = PHASE_AUGMENT, .n_rows = 1, .rows = {0}, .impl = "table"},
    {.phase = PHASE_FORWARD, .n_rows = 3, .rows = {1, 2, 3}, .impl = "conv_fused"},
    {.phase = PHASE_FORWARD, .n_rows = 1, .rows = {4}, .impl = "pool"},
    {.phase = PHASE_FORWARD, .n_rows = 1, .rows = {5}, .impl = "gemm"},
    {.phase = PHASE_LOSS, .n_rows = 1, .rows = {6}, .impl = "loss"},
    {.phase = PHASE_BACKWARD, .n_rows = 1, .rows = {5}, .impl = "gemm"},
    {.phase = PHASE_BACKWARD, .n_rows = 2, .rows = {2, 3}, .impl = "norm_back"},
    {.phase = PHASE_BACKWARD, .n_rows = 1, .rows = {1}, .impl = "bwd_weights"},
    {.phase = PHASE_BACKWARD, .n_rows = 1, .rows = {1}, .impl = "conv_fused"},
    {.phase = PHASE_UPDATE, .n_rows = 0, .impl = "sgd"},
};
enum { STEPS = sizeof train / sizeof train[0] };
static uint64_t train_ns[STEPS], eval_ns[2];
static uint64_t train_least[STEPS];
static double train_squares[STEPS];
static struct program program = {.family = &family, .plan = &plan, .train = train, .n_train = STEPS};
static struct program_step eval[] = {{.phase = PHASE_FORWARD, .n_rows = 1, .rows = {1}},
                                     {.phase = PHASE_LOSS, .n_rows = 1, .rows = {6}}};
static struct executor executor = {.program = &program,
                                   .train_ns = train_ns,
                                   .train_least = train_least,
                                   .train_squares = train_squares,
                                   .eval_ns = eval_ns};

static int setup(void **state)
{
    (void)state;
    struct error err = {""};
    plan_init(&plan);
    int row = plan_input(&plan, (struct plan_shape){3, 8, 8}, &err);
    row = parity_conv_bn(&plan, "prep", row, 4, &err);
    row = plan_pool(&plan, "pool", row, PLAN_GLOBAL_MAX, 0, &err);
    row = plan_linear(&plan, "linear", row, 10, 1, true, &err);
    plan_loss(&plan, "loss", row, 0, &err);
    program.eval = eval;
    program.n_eval = 2;
    program.options.precision = PRECISION_BF16;
    program.options.threads = 2;
    program.options.max_batch = 512;
    executor.train_steps = 4;
    executor.train_images = 4 * 512 - 8;
    executor.eval_steps = 2;
    for (int i = 0; i < STEPS; i++)
        train_ns[i] = (uint64_t)(i + 1) * 4000000; /* a mean of i + 1 ms */
    for (int i = 0; i < STEPS; i++) {
        train_least[i] = (uint64_t)(i + 1) * 500000; /* half a millisecond, one, ... */
        train_squares[i] = 3 * 0.25e12;              /* a standard deviation of 0.5 ms over four steps */
    }
    eval_ns[0] = 5000000;
    eval_ns[1] = 1000000;
    return plan_check(&plan, &err);
}

static void take(struct timing *timing)
{
    struct error err = {""};
    assert_int_equal(timing_init(timing, &executor, &err), 0);
}

static void rows_own_what_they_lead(void **state)
{
    (void)state;
    struct timing t;
    take(&t);
    struct timing_cell cell = timing_cell(&t, 1, PHASE_FORWARD);
    assert_int_equal(cell.kind, TIMING_OWN);
    assert_true(cell.ms == 2);
    cell = timing_cell(&t, 1, PHASE_BACKWARD);
    assert_true(cell.kind == TIMING_OWN && cell.ms == 8 + 9); /* two steps */
    cell = timing_cell(&t, 2, PHASE_FORWARD);
    assert_int_equal(cell.kind, TIMING_FUSED);
    assert_int_equal(cell.fused_into, 1);
    assert_true(isnan(cell.ms)); /* not zero */
    cell = timing_cell(&t, 2, PHASE_BACKWARD);
    assert_true(cell.kind == TIMING_OWN && cell.ms == 7);
    cell = timing_cell(&t, 4, PHASE_BACKWARD);
    assert_int_equal(cell.kind, TIMING_NONE);
    assert_true(isnan(cell.ms));
    assert_true(timing_phase_ms(&t, PHASE_FORWARD) == 2 + 3 + 4);
    assert_true(timing_phase_ms(&t, PHASE_UPDATE) == 10);
    assert_true(timing_step_ms(&t) == 55);
    assert_true(t.images_per_step == 510);
    assert_true(t.eval_batch_ms == 3);
    assert_true(t.steps[1].ms_sd == 0.5);
    assert_true(t.steps[1].ms_min == 1);
    /* the convolution, with norm and activation: 3 x 8 x 8 in, 4 x 8 x 8 out, in bfloat16; the norm's source again */
    assert_near(t.steps[1].flops, 2.0 * 4 * 64 * 3 * 9 * 510, 1e-3);
    assert_near(t.steps[1].bytes, 510 * 2.0 * (2 * 3 * 64 + 4 * 64) + 4.0 * (4 * 3 * 9 + 4 * 4), 1e-3);
    assert_true(t.rows[1].activation_bytes == 512 * 4 * 64 * 2 && t.rows[1].weight_bytes == 4 * 4 * 3 * 9);
    assert_true(t.rows[3].weight_bytes == 0);

    char impl[128];
    timing_implementation(&t, 1, impl, sizeof impl);
    assert_string_equal(impl, "conv_fused + bwd_weights");
    timing_implementation(&t, 3, impl, sizeof impl);
    assert_string_equal(impl, "");
    timing_implementation(&t, 1, impl, 8);
    assert_string_equal(impl, "conv_fu");

    struct timing_sum sum = timing_sum(&t, 1, 1u << PHASE_FORWARD);
    assert_near(sum.gflops, 2.0 * 4 * 64 * 3 * 9 * 510 / (2 * 1e6), 1e-12);
    assert_int_equal(timing_sum(&t, 3, TIMING_ALL_PHASES).steps, 0);
    timing_release(&t);
}

static void unmeasured_is_not_zero(void **state)
{
    (void)state;
    struct timing t;
    executor.train_steps = executor.eval_steps = 0;
    take(&t);
    assert_true(isnan(timing_step_ms(&t)));
    assert_true(isnan(timing_cell(&t, 1, PHASE_FORWARD).ms));
    assert_true(isnan(t.eval_batch_ms));
    assert_true(isnan(t.steps[1].ms_min) && isnan(t.steps[1].ms_sd));
    struct error err = {""};
    char *text = timing_to_json(&t, &err);
    assert_non_null(strstr(text, "\"step_ms\":null"));
    timing_release(&t);
    assert_int_equal(timing_from_json(&t, text, "x", &err), 0);
    assert_true(isnan(timing_step_ms(&t)));
    timing_release(&t);
    free(text);
    assert_int_equal(timing_allocate(&t, 1, 0, &err), 0);
    assert_true(isnan(timing_step_ms(&t))); /* of no steps */
    timing_release(&t);
}

/* What leads one step and is along in another of the same phase owns the first, whichever comes first. */
static void owned_is_not_fused(void **state)
{
    (void)state;
    for (int s = 5; s <= 7; s += 2) { /* before and behind the norm's own */
        struct timing t;
        take(&t);
        t.steps[s].rows[t.steps[s].n_rows++] = 2;
        struct timing_cell cell = timing_cell(&t, 2, PHASE_BACKWARD);
        assert_int_equal(cell.kind, TIMING_OWN);
        assert_int_equal(cell.fused_into, -1);
        assert_true(cell.ms == 7);
        timing_release(&t);
    }
}

static const char *device_and_driver(void)
{
    return "A device, driver 1.2";
}

static int submit_nothing(struct program *of, bool training, bool timed, struct error *err)
{
    (void)of, (void)training, (void)timed, (void)err;
    return 0;
}

/* A device of its own is named by its library, and no instruction set of the processor counts. */
static void who_computed_is_told(void **state)
{
    (void)state;
    const struct family other = {.name = "other", .library = device_and_driver, .submit = submit_nothing};
    struct timing t;
    take(&t);
    assert_string_equal(t.machine.library, "none");
    assert_string_not_equal(t.machine.device, "none");
    assert_string_not_equal(t.machine.isa, "");
    timing_release(&t);
    program.family = &other;
    take(&t);
    program.family = &family;
    assert_string_equal(t.machine.device, device_and_driver());
    assert_string_equal(t.machine.isa, "");
    timing_release(&t);
}

static void json_round_trip(void **state)
{
    (void)state;
    struct timing a, b;
    struct error err = {""};
    train_ns[3] = 333333333; /* a third: doubles must come back exactly */
    take(&a);
    char *text = timing_to_json(&a, &err);
    assert_non_null(text);
    assert_int_equal(timing_from_json(&b, text, "timing.json", &err), 0);
    char *again = timing_to_json(&b, &err);
    assert_string_equal(text, again);
    assert_string_equal(b.family, "shelf");
    assert_string_equal(b.precision, "bf16");
    assert_int_equal(b.n_rows, plan.n_rows);
    assert_int_equal(b.n_steps, STEPS);
    assert_true(timing_step_ms(&a) == timing_step_ms(&b));
    assert_int_equal(b.rows[1].shape.h, 8);
    assert_non_null(strstr(text, "\"fused_into\":{\"forward\":\"prep/conv\"}"));
    assert_true(b.steps[1].ms_sd == a.steps[1].ms_sd && b.steps[1].ms_min == 1 && b.steps[1].flops == a.steps[1].flops);
    assert_true(b.steps[1].bytes == a.steps[1].bytes && b.rows[1].weight_bytes == a.rows[1].weight_bytes);
    assert_string_equal(b.machine.device, a.machine.device);
    assert_string_equal(b.machine.isa, a.machine.isa);
    free(text);
    free(again);
    timing_release(&a);
    timing_release(&b);
}

/* All that can be known, written and read: the same text again, and the same numbers. */
static void all_fields_round_trip(void **state)
{
    (void)state;
    struct timing a, b;
    struct error err = {""};
    fake_timing(&a, 1, 1.7);
    a.hidden_ms[TIMING_AUGMENT] = 3.25;
    a.from_step = 17;
    a.to_step = 1234;
    a.history[2] = NAN;
    char *text = timing_to_json(&a, &err);
    assert_int_equal(timing_from_json(&b, text, "timing.json", &err), 0);
    char *again = timing_to_json(&b, &err);
    struct timing c; /* the text rounds the last bit, and sums are of what is read: from then on it is the same */
    assert_int_equal(timing_from_json(&c, again, "timing.json", &err), 0);
    char *third = timing_to_json(&c, &err);
    assert_string_equal(again, third);
    free(third);
    timing_release(&c);
    for (int i = 0; i < a.n_steps; i++) {
        assert_near(b.steps[i].ms, a.steps[i].ms, 1e-12 * a.steps[i].ms);
        assert_near(b.steps[i].ms_sd, a.steps[i].ms_sd, 1e-12 * a.steps[i].ms_sd);
        assert_near(b.steps[i].ms_min, a.steps[i].ms_min, 1e-12 * a.steps[i].ms_min);
    }
    assert_int_equal(b.from_step, 17);
    assert_int_equal(b.to_step, 1234);
    assert_true(b.machine.flops == 6.19e12 && b.machine.bytes == 26e9);
    assert_string_equal(b.machine.commit, "0123456789");
    assert_near(b.wall_ms, a.wall_ms, 1e-12 * a.wall_ms);
    assert_true(b.timing_percent == a.timing_percent);
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        assert_near(b.part_ms[p], a.part_ms[p], 1e-12 * a.part_ms[p]);
        assert_int_equal(isnan(b.hidden_ms[p]), p != TIMING_AUGMENT);
    }
    assert_true(b.hidden_ms[TIMING_AUGMENT] == 3.25);
    assert_int_equal(b.n_history, 13);
    assert_true(isnan(b.history[2]));
    assert_near(b.history[12 * b.n_steps + 5], a.history[12 * a.n_steps + 5], 1e-4);
    free(text);
    free(again);
    timing_release(&a);
    timing_release(&b);
}

/* As davidnet wrote it before there were parts, ceilings and histories: what it lacks is unknown, not zero. */
static void version_1_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "{\"format\":\"davidnet-timing\",\"version\":1,\"family\":\"cpu\",\"precision\":\"f32\",\"threads\":2,"
        "\"train_steps\":4,\"images_per_step\":8,\"step_ms\":6,\"eval_batches\":0,\"eval_batch_ms\":null,"
        "\"phases\":{\"augment\":null,\"forward\":2,\"loss\":null,\"backward\":4,\"update\":null},\"rows\":["
        "{\"name\":\"conv\",\"op\":\"conv\",\"shape\":[8,4,4],\"forward_flops\":100,\"backward_flops\":200,"
        "\"ms\":{\"forward\":2,\"backward\":4},\"fused_into\":{},\"implementation\":\"ref\"}],\"steps\":["
        "{\"phase\":\"forward\",\"rows\":[\"conv\"],\"implementation\":\"ref\",\"ms\":2},"
        "{\"phase\":\"backward\",\"rows\":[\"conv\"],\"implementation\":\"ref\",\"ms\":4}]}";
    struct timing t;
    struct error err = {""};
    if (timing_from_json(&t, text, "old", &err))
        fail_msg("%s", err.text);
    assert_true(timing_step_ms(&t) == 6 && t.threads == 2);
    assert_true(t.steps[0].flops == 800 && t.steps[1].flops == 1600);
    assert_true(isnan(t.steps[0].bytes) && isnan(t.steps[0].ms_sd) && isnan(t.steps[0].ms_min) &&
                isnan(t.rows[0].weight_bytes));
    assert_true(isnan(t.wall_ms) && isnan(t.timing_percent) && isnan(t.machine.flops));
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        assert_true(isnan(t.part_ms[p]) && isnan(t.hidden_ms[p]));
    /* What is shown of parts, everywhere: the steps' times, times two threads. */
    assert_true(!timing_has_parts(&t) && timing_parts_ms(&t) == 12);
    assert_true(timing_part_ms(&t, TIMING_FORWARD) == 4 && timing_part_ms(&t, TIMING_BACKWARD) == 8);
    assert_true(isnan(timing_part_ms(&t, TIMING_DATA)) && isnan(timing_part_ms(&t, TIMING_LOSS)));
    char *again = timing_to_json(&t, &err);
    assert_non_null(strstr(again, "\"phases\":{\"data\":null,\"augment\":null,\"transfer\":null,\"forward\":4,"));
    free(again);
    assert_int_equal(t.n_history, 0);
    assert_string_equal(t.machine.commit, "");
    struct timing_bound bound = timing_bound(&t);
    assert_true(isnan(bound.compute) && isnan(bound.bandwidth) && isnan(bound.overhead) && isnan(bound.floor_ms));
    assert_true(bound.train_ms == 6);
    timing_release(&t);
}

static void expect_refusal(const char *text, const char *says)
{
    struct timing t;
    struct error err = {""};
    assert_int_equal(timing_from_json(&t, text, "that.json", &err), -1);
    assert_non_null(strstr(err.text, "that.json"));
    if (strstr(err.text, says) == NULL)
        fail_msg("said \"%s\", not %s", err.text, says);
}

static void a_copy_stands_alone(void **state)
{
    (void)state;
    struct timing t, copy;
    struct error err = {""};
    take(&t);
    timing_add_epoch(&t, (double[STEPS]){[3] = 4.5});
    assert_int_equal(timing_copy(&copy, &t, &err), 0);
    t.history[3] = 0;
    for (int i = 0; i < STEPS; i++)
        train_ns[i] += 5000000; /* a fifth step of 5 ms each */
    executor.train_steps = 5;
    executor.train_images = 5 * 512;
    timing_refresh(&t, &executor);
    assert_true(timing_step_ms(&t) == (4 * 55 + 5.0 * STEPS) / 5);
    assert_true(t.images_per_step == 512 && t.train_steps == 5);
    assert_true(timing_step_ms(&copy) == 55 && copy.train_steps == 4);
    timing_release(&t);
    assert_string_equal(copy.rows[1].name, "prep/conv");
    assert_string_equal(copy.steps[0].impl, "table");
    assert_int_equal(copy.n_rows, plan.n_rows);
    assert_true(copy.n_history == 1 && copy.history[3] == 4.5F);
    timing_release(&copy);
}

static void bad_json_is_refused(void **state)
{
    (void)state;
    expect_refusal("", "JSON");
    expect_refusal("[]", "format");
    expect_refusal("{\"format\":\"davidnet-timing\",\"version\":3}", "version");
    expect_refusal("{\"format\":\"davidnet-timing\",\"version\":1}", "rows");
    expect_refusal("{\"format\":\"davidnet-timing\",\"version\":1,\"rows\":[1]}", "name");
    expect_refusal("{\"format\":\"davidnet-timing\",\"version\":1,\"rows\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
                   "name");
    expect_refusal("{\"format\":\"davidnet-timing\",\"version\":1,\"rows\":[{\"name\":\"a\"}],\"steps\":[{}]}",
                   "phase");
    expect_refusal("{\"format\":\"davidnet-timing\",\"version\":1,\"rows\":[{\"name\":\"a\"}],"
                   "\"steps\":[{\"phase\":\"update\",\"rows\":[\"b\"]}]}",
                   "covers");
    struct timing t;
    struct error err = {""};
    take(&t);
    char *text = timing_to_json(&t, &err);
    timing_release(&t);
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at++) { /* nothing crashes, whatever byte is wrong */
        static const char wrong[] = "\"[]{}:,0-x";
        char was = text[at];
        text[at] = wrong[at % (sizeof wrong - 1)];
        if (timing_from_json(&t, text, "that.json", &err) == 0) {
            char impl[64];
            for (int row = 0; row < t.n_rows; row++) {
                timing_implementation(&t, row, impl, sizeof impl);
            }
            timing_release(&t);
        }
        text[at] = was;
    }
    free(text);
}

/* The text with the first `from` replaced; malloc'ed. */
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    char *copy = malloc(strlen(text) + strlen(to) + 1);
    sprintf(copy, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return copy;
}

/* Each key that is read, with a number that no run measures; the message names the key. */
static void what_no_run_measures_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "images_per_step",  "wall_ms",      "timing_percent", "eval_batch_ms", "forward_flops",
        "activation_bytes", "weight_bytes", "ms_sd",          "ms_min",        "ms"};
    struct timing t;
    struct error err = {""};
    fake_timing_small(&t);
    char *text = timing_to_json(&t, &err);
    const char *steps = strstr(text, "\"steps\":");
    timing_release(&t);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (int k = 0; k < 2; k++) {
            char from[64], to[64];
            snprintf(from, sizeof from, "\"%s\":", keys[i]);
            snprintf(to, sizeof to, "\"%s\":%s,\"was\":", keys[i], k ? "1e999" : "-0.5");
            int of_step = strncmp(keys[i], "ms", 2) == 0; /* rows have an "ms" that is not read */
            char *part = changed(of_step ? steps : text, from, to), *whole = part;
            if (of_step) {
                whole = malloc(strlen(text) + strlen(part) + 1);
                sprintf(whole, "%.*s%s", (int)(steps - text), text, part);
                free(part);
            }
            expect_refusal(whole, keys[i]);
            free(whole);
        }
    static const char *const others[][3] = {
        {"\"threads\":2", "\"threads\":0", "threads"},
        {"\"data\":", "\"data\":-1,\"was\":", "data"},
        {"\"ceilings\":{\"flops\":", "\"ceilings\":{\"flops\":1e999,\"was\":", "ceilings.flops"},
        {"\"shape\":[", "\"shape\":[-", "shape"},
        {"\"history\":[", "\"history\":[-", "history"},
        {"\"rows\":[\"input\"", "\"rows\":[\"input\",\"input\"", "twice"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *whole = changed(text, others[i][0], others[i][1]);
        expect_refusal(whole, others[i][2]);
        free(whole);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_own_what_they_lead, setup),
        cmocka_unit_test_setup(unmeasured_is_not_zero, setup),
        cmocka_unit_test_setup(owned_is_not_fused, setup),
        cmocka_unit_test_setup(who_computed_is_told, setup),
        cmocka_unit_test_setup(json_round_trip, setup),
        cmocka_unit_test_setup(a_copy_stands_alone, setup),
        cmocka_unit_test_setup(bad_json_is_refused, setup),
        cmocka_unit_test(what_no_run_measures_is_refused),
        cmocka_unit_test(all_fields_round_trip),
        cmocka_unit_test(version_1_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
