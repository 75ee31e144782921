/* Traces: which steps are taken, the text of hand-made ones, what is refused, and that taking changes no bit. */
#include "engine/trace.h"

#include "engine/session.h"
#include "tests/golden_text.h"
#include "tests/parity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int no_submit(struct program *program, bool training, bool timed, struct error *err)
{
    (void)program;
    (void)training;
    (void)timed;
    return error_set(err, "nothing is submitted here");
}

/* Rows: 0 input, 1 conv, 2 norm, 3 act, 4 linear, 5 loss. */
static struct plan plan;
static const struct family family = {.name = "shelf"}, device = {.name = "device", .submit = no_submit};
static struct program_step train[] = {
    {.phase = PHASE_AUGMENT, .n_rows = 1, .rows = {0}, .impl = "table"},
    {.phase = PHASE_FORWARD, .n_rows = 1, .rows = {1}, .impl = "dnnl:\"wino\""},
    {.phase = PHASE_FORWARD, .n_rows = 2, .rows = {2, 3}, .impl = "fused"},
    {.phase = PHASE_BACKWARD, .n_rows = 1, .rows = {1}, .impl = "dnnl"},
    {.phase = PHASE_UPDATE, .n_rows = 0, .impl = "sgd"},
};
enum { STEPS = sizeof train / sizeof train[0] };
static uint64_t train_ns[STEPS], lap_ns[STEPS];
static struct program program = {.family = &family, .plan = &plan, .train = train, .n_train = STEPS};
static struct executor executor;
static struct trace trace;

static int setup(void **state)
{
    (void)state;
    struct error err = {""};
    plan_init(&plan);
    int row = plan_input(&plan, (struct plan_shape){3, 8, 8}, &err);
    row = parity_conv_bn(&plan, "prep", row, 4, &err);
    row = plan_linear(&plan, "linear", row, 10, 1, true, &err);
    plan_loss(&plan, "loss", row, 0, &err);
    program.family = &family;
    program.options.threads = 2;
    program.options.max_batch = 8;
    parallel_set_threads(2);
    executor = (struct executor){.program = &program, .train_ns = train_ns, .lap_ns = lap_ns};
    return plan_check(&plan, &err) || trace_init(&trace, &executor, &err);
}

static int teardown(void **state)
{
    (void)state;
    trace_release(&trace);
    return 0;
}

static void loop(void *context, size_t begin, size_t end, int thread)
{
    (void)context;
    (void)begin;
    (void)end;
    (void)thread;
}

/* A step (from 0) with one loop over both threads; timed: the executor has its times. */
static void take(uint32_t step, int timed)
{
    trace_begin(&trace, step);
    trace_fetched(&trace, -1, NULL);
    parallel_for(2, 1, loop, NULL);
    trace_submitted(&trace);
    executor.train_steps += (uint64_t)timed;
    trace_ran(&trace);
    trace_end(&trace);
}

/* ---- taking ---- */

static void the_first_and_the_latest_are_kept(void **state)
{
    (void)state;
    for (uint32_t step = 1; step <= 10; step++)
        take(step, step != 2); /* the process was stopped during the one */
    assert_int_equal(trace_count(&trace), 6);
    static const uint32_t first[] = {2, 4, 5}; /* counted from 1 */
    int seen = 0;
    for (int i = 0; i < TRACE_STEPS; i++) {
        assert_int_equal(trace.slots[i].step, first[i]);
        uint32_t latest = trace.slots[TRACE_STEPS + i].step;
        seen |= latest >= 9 && latest <= 11 ? 1 << (latest - 9) : 0;
        assert_int_equal(trace.slots[i].lanes[0].count, 1);
        assert_int_equal(trace.slots[i].lanes[1].count, 1);
    }
    assert_int_equal(seen, 7);
    parallel_for(2, 1, loop, NULL); /* of no step */
    for (int i = 0; i < 2 * TRACE_STEPS + 1; i++)
        assert_true(trace.slots[i].lanes[0].count <= 1);
}

static void only_some_steps_are_wanted(void **state)
{
    (void)state;
    assert_int_equal(trace_wants(&trace, 1, 10, 40), 1); /* as none is there */
    for (uint32_t step = 1; step <= 3; step++)
        take(step, 1);
    for (uint32_t step = 10; step < 100; step++) { /* of epochs of ten steps every third, and the run's last ones */
        assert_int_equal(trace_wants(&trace, step, 10, 96), step % 30 >= 27 || step >= 93);
        assert_int_equal(trace_wants(&trace, step, 40, 1000), step % 40 >= 37);
    }
    for (uint32_t per_epoch = 1; per_epoch <= 3; per_epoch++) { /* epochs so short that all their steps are the last */
        int wanted = 0;
        for (uint32_t step = 0; step < 3000; step++)
            wanted += trace_wants(&trace, step, per_epoch, 10000);
        assert_int_equal(wanted, 300);
    }
    struct trace none = {0};
    assert_int_equal(trace_wants(&none, 1, 10, 40), 0);
}

static void a_step_of_another_program_is_dropped(void **state)
{
    (void)state;
    struct program other = program;
    trace_begin(&trace, 1);
    trace_fetched(&trace, -1, NULL);
    trace_submitted(&trace);
    executor.program = &other; /* images of another size */
    executor.train_steps++;
    trace_ran(&trace);
    trace_end(&trace);
    assert_int_equal(trace_count(&trace), 0);
    executor.program = &program;
    for (int lap = 0; lap < 3; lap++) { /* stopped while it waits for its batch, while it runs, after it */
        trace_begin(&trace, 1);
        for (int at = 0; at < 3; at++) {
            if (at == lap)
                stopwatch_continued();
            if (at == 0) {
                trace_fetched(&trace, -1, NULL);
                trace_submitted(&trace);
            } else if (at == 1) {
                executor.train_steps++;
                trace_ran(&trace);
            }
        }
        trace_end(&trace);
        assert_int_equal(trace_count(&trace), 0);
    }
    trace_begin(&trace, 2); /* begun, and never ended: it failed */
    take(3, 1);
    assert_int_equal(trace_count(&trace), 1);
    assert_int_equal(trace.slots[0].step, 4);
}

/* ---- text ---- */

/* Times of a step that begins at `at` ns, on the engine's thread, worked out by hand. */
static void set_times(struct trace_step *step, uint64_t at)
{
    static const uint64_t laps[STEPS] = {1000, 20000, 5500, 30001, 2000}; /* 58501 ns */
    memcpy(step->lap_ns, laps, sizeof laps);
    step->begin = at;
    step->fetched = at + 400;
    step->run = at + 500;
    step->worker = -1;
    step->submitted = step->ran = at + 59100;
    step->end = at + 61000;
    step->lanes[0].count = step->lanes[1].count = 2;
    step->lanes[0].slices[0] = (struct parallel_slice){at + 600, at + 1400};    /* augment */
    step->lanes[0].slices[1] = (struct parallel_slice){at + 21500, at + 27000}; /* the norm, all of it */
    step->lanes[1].slices[0] = (struct parallel_slice){at + 650, at + 1450};
    step->lanes[1].slices[1] = (struct parallel_slice){at + 59500, at + 60000}; /* averages of weights */
}

static char *text_of(const struct trace *of)
{
    struct error err = {""};
    struct recipe recipe;
    struct recipe_request request = {.preset = "quick", .n_sets = 1, .sets = {"seed=5"}};
    if (recipe_resolve(&request, &recipe, &err))
        fail_msg("%s", err.text);
    char *text = trace_to_json(of, &recipe, "a \"run\"\x01", &err);
    if (!text)
        fail_msg("%s", err.text);
    if (trace_check(text, "it", &err))
        fail_msg("%s", err.text);
    return text;
}

static void name_the_machine(struct trace *of)
{
    of->program.machine = (struct timing_machine){
        .device = "A processor", .isa = "avx2", .library = "a library 1.2", .davidnet = "9.9", .commit = "abcdef"};
}

static void the_text_is_as_worked_out(void **state)
{
    (void)state;
    for (uint32_t step = 1; step <= 4; step++)
        take(step, 1);
    name_the_machine(&trace);
    set_times(&trace.slots[0], 7000000);
    set_times(&trace.slots[1], 7070000);
    set_times(&trace.slots[2], 7140000);
    set_times(&trace.slots[TRACE_STEPS], 3600007000000);
    trace.slots[2].lanes[1].lost = 3;
    trace.slots[1].worker = 4;
    trace.slots[1].prepared[0] = 6999000; /* before the first step began */
    trace.slots[1].prepared[1] = 7030000;
    struct trace copy;
    struct error err = {""};
    assert_int_equal(trace_copy(&copy, &trace, &err), 0);
    char *text = text_of(&copy), *same = text_of(&trace);
    assert_string_equal(text, same);
    golden_text("tests/golden/trace.json", text);
    free(text);
    free(same);
    trace_release(&copy);
}

/* What a device measured ends where the wait for it did, and never begins before what it had done ended. */
static void a_device_has_a_track(void **state)
{
    (void)state;
    trace_release(&trace);
    program.family = &device;
    struct error err = {""};
    assert_int_equal(trace_init(&trace, &executor, &err), 0);
    assert_int_equal(trace_wants(&trace, 100, 1000, 4000), 1);
    take(1, 1);
    take(2, 1);
    name_the_machine(&trace);
    for (int i = 0; i < 2; i++) {
        struct trace_step *step = &trace.slots[i];
        set_times(step, i ? 7061000 : 7000000);
        step->run = 0;
        step->submitted = step->begin + 2000;
        step->lanes[0].count = step->lanes[1].count = 0;
    }
    trace.slots[1].ran -= 100; /* 7120000: 58501 before that, the device was still at the first step */
    trace.slots[0].ran += 3000;
    trace.slots[0].end += 3000;
    trace.slots[1].begin += 3000;
    trace.slots[1].fetched = trace.slots[1].begin + 1;
    trace.slots[1].submitted = trace.slots[1].begin + 2;
    char *text = text_of(&trace);
    golden_text("tests/golden/trace-device.json", text);
    free(text);
}

static void nothing_taken_is_still_a_trace(void **state)
{
    (void)state;
    char *text = text_of(&trace);
    assert_non_null(strstr(text, "\"traceEvents\":[\n]"));
    free(text);
}

/* ---- checking ---- */

static void refused(const char *events, const char *says)
{
    char text[1024];
    struct error err = {""};
    snprintf(text, sizeof text,
             "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"format\":\"davidnet-trace\",\"version\":1},"
             "\"traceEvents\":[%s]}",
             events);
    if (!says) {
        if (trace_check(text, "that.json", &err))
            fail_msg("%s: %s", events, err.text);
        return;
    }
    assert_int_equal(trace_check(text, "that.json", &err), -1);
    assert_non_null(strstr(err.text, "that.json"));
    if (!strstr(err.text, says))
        fail_msg("said \"%s\", not \"%s\"", err.text, says);
}

#define AT(begin, length, tid)                                                                                         \
    "{\"name\":\"a\",\"ph\":\"X\",\"ts\":" begin ",\"dur\":" length ",\"pid\":1,\"tid\":" tid "}"

static void what_is_wrong_is_found(void **state)
{
    (void)state;
    struct error err = {""};
    assert_int_equal(trace_check("{", "that.json", &err), -1);
    assert_non_null(strstr(err.text, "not valid JSON"));
    assert_int_equal(trace_check("{}", "that.json", &err), -1);
    assert_non_null(strstr(err.text, "davidnet-trace"));
    refused("", NULL);
    refused(AT("0", "10", "1") "," AT("0", "10", "1") "," AT("0", "4", "1") "," AT("4", "6", "1"), NULL);
    refused(AT("0", "10", "1") "," AT("10", "10", "1") "," AT("2", "10", "2"), NULL);
    refused(AT("0", "10", "1") "," AT("10", "0", "1"), NULL);
    refused(AT("0", "10", "1") "," AT("5", "10", "1"), "event 2 (a) ends after");
    refused(AT("0", "10", "1") "," AT("2", "3", "1") "," AT("4", "2", "1"), "event 3 (a) ends after");
    refused(AT("5", "10", "1") "," AT("0", "2", "1"), "event 2 (a) begins before");
    refused(AT("0", "1", "2") "," AT("5", "1", "1"), "had ended");
    refused(AT("-1", "1", "1"), "no time");
    refused(AT("1", "-1", "1"), "no time");
    refused(AT("null", "1", "1"), "no time");
    refused(AT("1", "null", "1"), "no time");
    refused("{\"ph\":\"X\",\"ts\":0,\"dur\":1,\"pid\":1,\"tid\":1}", "no name");
    refused("{\"name\":\"a\",\"ph\":\"X\",\"ts\":0,\"dur\":1,\"pid\":1}", "no name, pid or tid");
    refused("{\"name\":\"a\",\"ph\":\"B\",\"ts\":0,\"pid\":1,\"tid\":1}", "neither");
    refused("{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1}", "names nothing");
    refused("1", "no name");
}

/* ---- no bit changes ---- */

enum { TRAINED = 3, VALUES = 4 * 3 * 9 };

static void train_session(int traced, double losses[TRAINED], float weights[VALUES])
{
    static struct session session; /* large */
    struct error err = {""};
    struct recipe recipe;
    struct recipe_request request = {
        .preset = "quick", .n_sets = 5, .sets = {"width=4", "batch=20", "data=synthetic:3:100", "threads=2", "seed=7"}};
    if (recipe_resolve(&request, &recipe, &err) || session_open_data(&session, &recipe, &err) ||
        session_compile(&session, 0, &err) || trace_init(&trace, &session.executor, &err))
        fail_msg("%s", err.text);
    for (uint32_t step = 0; step < TRAINED; step++) {
        struct batch batch;
        struct hyper hyper;
        struct step_result result;
        session.executor.time_every = 1000; /* as where timing costs too much */
        if (traced) {
            trace_begin(&trace, step);
            executor_time_next(&session.executor);
        }
        session_hyper(&session, step, &hyper);
        assert_int_equal(session_batch(&session, step, &batch, &err), 0);
        trace_fetched(&trace, -1, NULL);
        assert_int_equal(executor_submit(&session.executor, &batch, &hyper, &err), 0);
        trace_submitted(&trace);
        assert_int_equal(executor_collect(&session.executor, &result, &err), 0);
        trace_ran(&trace);
        trace_end(&trace);
        losses[step] = result.loss_sum;
    }
    assert_int_equal(trace_count(&trace), traced ? TRAINED : 0);
    assert_int_equal(
        session.family->read_tensor(session.program, "prep.conv.weight", PROGRAM_VALUE, weights, VALUES, &err), 0);
    if (traced)
        free(text_of(&trace));
    trace_release(&trace);
    session_release(&session);
}

static void taking_changes_no_bit(void **state)
{
    (void)state;
    double losses[2][TRAINED];
    float weights[2][VALUES];
    trace_release(&trace);
    for (int traced = 0; traced < 2; traced++)
        train_session(traced, losses[traced], weights[traced]);
    assert_memory_equal(losses[0], losses[1], sizeof losses[0]);
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
    assert_true(weights[0][0] != 0);
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TRACE(the_first_and_the_latest_are_kept),
        WITH_TRACE(only_some_steps_are_wanted),
        WITH_TRACE(a_step_of_another_program_is_dropped),
        WITH_TRACE(the_text_is_as_worked_out),
        WITH_TRACE(a_device_has_a_track),
        WITH_TRACE(nothing_taken_is_still_a_trace),
        WITH_TRACE(what_is_wrong_is_found),
        WITH_TRACE(taking_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
