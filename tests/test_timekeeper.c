/* The clocks of a run: laps add up to all that passed, and are shared out between host and device. */
#include "engine/timekeeper.h"

#include "engine/stopwatch.h"
#include "tests/near.h"
#include "tests/trainer_checks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A convolution, forward and backward, and the update of all weights. */
static struct plan plan;
static struct program_step train[] = {
    {.phase = PHASE_FORWARD, .n_rows = 1, .rows = {1}, .impl = "f"},
    {.phase = PHASE_BACKWARD, .n_rows = 1, .rows = {1}, .impl = "b"},
    {.phase = PHASE_UPDATE, .impl = "u"},
};
enum { STEPS = sizeof train / sizeof train[0] };
static struct family host = {.name = "host"}, device = {.name = "device"};
static struct program program = {
    .plan = &plan, .train = train, .n_train = STEPS, .options = {.threads = 2, .max_batch = 10}};
static uint64_t train_ns[STEPS];
static double train_squares[STEPS];
static struct executor executor;
static struct loader loader;
static struct timekeeper keeper;

static int queue(struct program *p, bool training, bool timed, struct error *err)
{
    (void)p;
    (void)training;
    (void)timed;
    return error_set(err, "nothing is run here");
}

static void begin(const struct family *family)
{
    struct error err = {""};
    plan_init(&plan);
    int row = plan_input(&plan, (struct plan_shape){3, 8, 8}, &err);
    row = plan_conv(&plan, "conv", row, 4, plan_window(3, 1, 1), &err);
    assert_int_equal(row, 1);
    device.submit = queue;
    program.family = family;
    executor = (struct executor){.program = &program, .train_ns = train_ns, .train_squares = train_squares};
    loader = (struct loader){.kind = RECIPE_LOADER_MAIN};
    memset(train_ns, 0, sizeof train_ns);
    memset(train_squares, 0, sizeof train_squares);
    timekeeper_init(&keeper, &(struct ceiling){.flops = 4e11, .bytes = 2e10, .noisy = 1});
    assert_int_equal(timekeeper_begin(&keeper, &executor, &err), 0);
    timekeeper_reset(&keeper, &executor, &loader);
}

static int end(void **state)
{
    (void)state;
    timekeeper_release(&keeper);
    return 0;
}

/* What the executor would have measured: steps of 4, 8 and 2 ms, in each of four timed steps. */
static void measured(uint64_t steps)
{
    static const uint64_t ms[STEPS] = {4, 8, 2};
    for (int i = 0; i < STEPS; i++)
        train_ns[i] = ms[i] * 1000000 * steps;
    executor.train_steps = steps;
    executor.train_images = 10 * steps;
}

/* Laps that were kept: milliseconds per step of four. */
static void laps(double data, double submit, double collect, double evaluate, double other)
{
    const double ms[TIMEKEEPER_LAPS] = {data, submit, collect, evaluate, other};
    for (int i = 0; i < TIMEKEEPER_LAPS; i++)
        keeper.kept[i] = ms[i] * 4e-3;
    keeper.steps = 4;
}

static double sum_of_parts(void)
{
    double sum = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (!isnan(keeper.timing.part_ms[p])) {
            assert_true(keeper.timing.part_ms[p] >= 0);
            sum += keeper.timing.part_ms[p];
        }
    return sum;
}

static void is(enum timing_part part, double ms)
{
    if (isnan(ms))
        assert_true(isnan(keeper.timing.part_ms[part]));
    else
        assert_near(keeper.timing.part_ms[part], ms, 1e-9);
}

static void laps_add_up(void **state)
{
    (void)state;
    begin(&host);
    double first = keeper.now;
    for (int i = 0; i < 50; i++) {
        if (i % 10 == 3)
            usleep(1000);
        timekeeper_lap(&keeper, (enum timekeeper_lap)(i % TIMEKEEPER_LAPS));
        if (i % 7 == 6)
            timekeeper_keep(&keeper, &executor, i % 2);
    }
    timekeeper_keep(&keeper, &executor, false);
    double sum = 0;
    for (int i = 0; i < TIMEKEEPER_LAPS; i++)
        sum += keeper.kept[i];
    assert_true(sum > 0.005);
    double passed = keeper.now - first;
    assert_near(sum, passed, 1e-9);
    assert_int_equal(keeper.steps, 3); /* those that end one */
    timekeeper_skip(&keeper);
    assert_true(keeper.now > first + sum);
}

/* The process was stopped and went on: nobody knows what these laps took. */
static void a_stop_drops_the_laps(void **state)
{
    (void)state;
    begin(&host);
    timekeeper_lap(&keeper, TIMEKEEPER_DATA);
    stopwatch_continued();
    timekeeper_lap(&keeper, TIMEKEEPER_SUBMIT);
    measured(1); /* what the program's steps took is known: they ran before or after */
    timekeeper_keep(&keeper, &executor, true);
    assert_int_equal(keeper.steps, 0);
    assert_true(keeper.kept[TIMEKEEPER_DATA] == 0 && keeper.kept[TIMEKEEPER_SUBMIT] == 0);
    timekeeper_lap(&keeper, TIMEKEEPER_DATA);
    timekeeper_keep(&keeper, &executor, true);
    assert_int_equal(keeper.steps, 1);
    assert_true(keeper.kept[TIMEKEEPER_DATA] > 0);
    timekeeper_refresh(&keeper, &executor, &loader);
    assert_int_equal(keeper.timing.train_steps, 1);
    assert_true(keeper.timing.images_per_step == 10); /* of the steps that were timed, whatever laps were kept */
}

/* 1 ms for data, 15 for submitting, of which the program ran 14, 3 for evaluation, 0.5 between: 19.5 ms, twice as many
 * thread-milliseconds. */
static void on_the_host(void **state)
{
    (void)state;
    begin(&host);
    measured(4);
    executor.run_ns = 4 * 14000000;
    executor.runs = 4;
    laps(1, 15, 0, 3, 0.5);
    timekeeper_refresh(&keeper, &executor, &loader);
    assert_near(keeper.timing.wall_ms, 19.5, 1e-9);
    is(TIMING_DATA, 2);
    is(TIMING_FORWARD, 8);
    is(TIMING_BACKWARD, 16);
    is(TIMING_UPDATE, 4);
    is(TIMING_TRANSFER, 2);
    is(TIMING_EVALUATE, 6);
    is(TIMING_OTHER, 1);
    is(TIMING_AUGMENT, NAN); /* this program has no such step */
    is(TIMING_LOSS, NAN);
    assert_near(sum_of_parts(), 39, 1e-9);
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        assert_true(isnan(keeper.timing.hidden_ms[p]));
    assert_true(keeper.timing.machine.flops == 4e11 && keeper.timing.images_per_step == 10);
}

static void costs_are(double clock, double samples, double trace, double publish, double write)
{
    const double costs[TIMING_COSTS] = {clock, samples, trace, publish, write};
    double sum = 0;
    for (int c = 0; c < TIMING_COSTS; c++) {
        assert_near(keeper.timing.costs[c], costs[c], 1e-9);
        sum += costs[c];
    }
    assert_near(keeper.timing.timing_percent, sum, 1e-9);
}

/* Two of four steps were timed: they say how the time of all four is shared. What that cost of 0.12 s: two steps of
 * four readings and ten of laps; keeping them, and four stopwatches; and what the others say that they took. */
static void sampled_steps_share_all_the_time(void **state)
{
    (void)state;
    begin(&host);
    measured(2);
    executor.run_ns = 4 * 28000000;
    executor.runs = 4;
    laps(1, 29, 0, 0, 0);
    keeper.timed_count = 2;
    keeper.timed_seconds = keeper.untimed_seconds = 0.06;
    keeper.reading_ns = 300;
    keeper.watch_ns = 500;
    keeper.readings = 10;
    keeper.own[TIMING_COST_SAMPLES] = 1e-6;
    keeper.own[TIMING_COST_TRACE] = 2e-6;
    keeper.own[TIMING_COST_PUBLISH] = 3e-6;
    keeper.own[TIMING_COST_WRITE] = 24e-6;
    keeper.traced = 4e-6;
    executor.keep_ns = 7000;
    timekeeper_refresh(&keeper, &executor, &loader);
    costs_are(100 * 18 * 300e-9 / 0.12, 100 * 10e-6 / 0.12, 100 * 6e-6 / 0.12, 100 * 3e-6 / 0.12, 0.02);
    is(TIMING_FORWARD, 2 * 28.0 * 4 / 14);
    is(TIMING_EVALUATE, NAN); /* none yet */
    assert_near(sum_of_parts(), 60, 1e-9);
}

/* A device that is always busy: 14 ms of steps in 14.5. The host worked 3 ms beside it, of which half a millisecond was
 * in the way; shared as it worked. */
static void a_busy_device_hides_the_host(void **state)
{
    (void)state;
    begin(&device);
    measured(4);
    laps(1, 1.5, 11.5, 2, 0.5);
    timekeeper_refresh(&keeper, &executor, &loader);
    is(TIMING_FORWARD, 8);
    is(TIMING_BACKWARD, 16);
    is(TIMING_UPDATE, 4);
    is(TIMING_DATA, 2 * 0.5 / 3);
    is(TIMING_TRANSFER, 2 * 1.5 * 0.5 / 3);
    is(TIMING_OTHER, 2 * 0.5 * 0.5 / 3);
    is(TIMING_EVALUATE, 4);
    assert_near(sum_of_parts(), 2 * 16.5, 1e-9);
    assert_near(keeper.timing.hidden_ms[TIMING_DATA], 2.5 / 3, 1e-9);
    assert_true(isnan(keeper.timing.hidden_ms[TIMING_FORWARD]));
    assert_true(isnan(keeper.timing.timing_percent)); /* too few steps to compare */
    keeper.steps = 100; /* 10 timed steps of 0.3 s and 90 others of 0.2: 10 x 0.1 more in 21 s */
    keeper.timed_count = 10;
    keeper.timed_seconds = 3;
    keeper.untimed_seconds = 18;
    timekeeper_refresh(&keeper, &executor, &loader);
    assert_near(keeper.timing.timing_percent, 100 * 1.0 / 21, 1e-9);
}

/* A slow host: the device's 14 ms fit into 30, and the host's 29 fill the rest of them. */
static void a_slow_host_is_seen(void **state)
{
    (void)state;
    begin(&device);
    measured(4);
    laps(20, 5, 1, 0, 4);
    timekeeper_refresh(&keeper, &executor, &loader);
    is(TIMING_FORWARD, 8);
    is(TIMING_DATA, 2 * 20 * 16.0 / 29);
    assert_near(sum_of_parts(), 60, 1e-9);
    /* Timed steps can be slower than the others are: they are never more than what passed. */
    laps(1, 1, 8, 0, 0);
    timekeeper_refresh(&keeper, &executor, &loader);
    is(TIMING_FORWARD, 2 * 10 * 4.0 / 14);
    is(TIMING_DATA, 0);
    assert_near(sum_of_parts(), 20, 1e-9);
    /* And gaps between launches are nobody's step. */
    laps(1, 1, 20, 0, 0);
    timekeeper_refresh(&keeper, &executor, &loader);
    is(TIMING_DATA, 2);
    is(TIMING_OTHER, 2 * 6);
    assert_near(sum_of_parts(), 44, 1e-9);
}

static void workers_are_hidden(void **state)
{
    (void)state;
    begin(&host);
    measured(4);
    executor.run_ns = 4 * 14000000;
    executor.runs = 4;
    laps(1, 14, 0, 0, 0);
    loader.kind = RECIPE_LOADER_WORKERS;
    pthread_mutex_init(&loader.ring, NULL);
    loader.worked_ns = 4 * 6000000;
    timekeeper_refresh(&keeper, &executor, &loader);
    assert_near(keeper.timing.hidden_ms[TIMING_AUGMENT], 6, 1e-9);
    assert_near(sum_of_parts(), 30, 1e-9);
    pthread_mutex_destroy(&loader.ring);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is done between begin and end is a cost, of what it is for; a lap costs a reading. Waiting is none, be it for
 * the processor: this thread does nothing meanwhile. */
static void own_work_is_a_cost(void **state)
{
    (void)state;
    begin(&host);
    assert_true(keeper.reading_ns > 0 && keeper.watch_ns > 0);
    timekeeper_own_begin(&keeper);
    usleep(200000);
    assert_true(timekeeper_own_end(&keeper, TIMING_COST_TRACE) < 0.1);
    timekeeper_own_begin(&keeper);
    for (double until = cpu_seconds() + 0.002; cpu_seconds() < until;)
        ;
    assert_true(timekeeper_own_end(&keeper, TIMING_COST_PUBLISH) >= 0.002);
    assert_true(keeper.own[TIMING_COST_PUBLISH] >= 0.002 && keeper.own[TIMING_COST_WRITE] == 0);
    timekeeper_lap(&keeper, TIMEKEEPER_DATA);
    assert_int_equal(keeper.readings, 1);
    timekeeper_keep(&keeper, &executor, true);
    assert_near(keeper.own[TIMING_COST_SAMPLES], 1e-9 * keeper.watch_ns, 1e-15);
    timekeeper_reset(&keeper, &executor, &loader);
    assert_true(keeper.readings == 0 && keeper.own[TIMING_COST_PUBLISH] == 0);
}

/* A clock of 0.1 ms a reading in steps of 1 ms: 0.4 of 1 ms, so one step in 80 is timed. */
static void a_slow_clock_is_read_less(void **state)
{
    (void)state;
    begin(&host);
    keeper.reading_ns = 1e5;
    executor.time_every = 1;
    executor.runs = 1;
    executor.run_ns = 1000000;
    timekeeper_keep(&keeper, &executor, true);
    assert_int_equal(executor.time_every, 80);
    executor.run_ns = 1000000000;
    timekeeper_keep(&keeper, &executor, true);
    assert_int_equal(executor.time_every, 1);
}

/* A training of steps of 5 ms or more, simulated: whatever the clock, keeping and publishing take, timing takes less
 * than 1 % of it. A first step that was slow, as others ran, does not decide for good how many are timed. */
static void the_cost_is_bounded(void **state)
{
    (void)state;
    static const double step_ms[] = {5, 14, 900}, reading_ns[] = {25, 500, 100000}, publish_ms[] = {0.02, 4, 60};
    enum { CASES = 27, COUNT = 20000 };
    for (int c = 0; c < CASES; c++) {
        double step = 1e-3 * step_ms[c % 3], publish = 1e-3 * publish_ms[c / 9], now = 0, due = 0;
        if (c / 3 % 3 == 2 && step < 0.9) /* six laps of 0.1 ms a step are too much */
            continue;
        begin(&host);
        executor.time_every = 1;
        keeper.reading_ns = reading_ns[c / 3 % 3];
        keeper.watch_ns = 4 * keeper.reading_ns;
        for (uint64_t i = 0, since = UINT64_MAX; i < COUNT; i++) {
            executor.run_ns += (uint64_t)(1e9 * step * (i == 0 ? 20 : 1));
            executor.runs++;
            if (since >= executor.time_every) {
                executor.train_steps++;
                executor.keep_ns += (uint64_t)(200 * keeper.reading_ns);
                since = 0;
            }
            since++;
            now += step * (i == 0 ? 20 : 1);
            keeper.readings += 6;
            timekeeper_keep(&keeper, &executor, true);
            if (now < due)
                continue;
            keeper.own[TIMING_COST_PUBLISH] += publish;
            due = now + timekeeper_rest(publish, 0.25);
        }
        assert_int_equal(keeper.timed_count, executor.train_steps);
        keeper.timed_seconds = 0;
        keeper.untimed_seconds = now;
        timekeeper_refresh(&keeper, &executor, &loader);
        assert_true(keeper.timing.timing_percent > 0);
        if (!(keeper.timing.timing_percent < TIMING_COST_MAX))
            fail_msg("%g ms a step, %g ns a reading, %g ms a publication: %g %%", 1e3 * step, keeper.reading_ns,
                     1e3 * publish, keeper.timing.timing_percent);
        timekeeper_release(&keeper);
    }
    begin(&host); /* for the one that releases it */
}

static void epochs_are_told_apart(void **state)
{
    (void)state;
    begin(&host);
    timekeeper_epoch(&keeper, &executor); /* one that was trained in an earlier sitting */
    assert_int_equal(keeper.timing.n_history, 0);
    keeper.steps = 2;
    measured(2);
    timekeeper_epoch(&keeper, &executor);
    train_ns[0] += 3 * 7000000;
    executor.train_steps += 3;
    timekeeper_epoch(&keeper, &executor);
    timekeeper_epoch(&keeper, &executor); /* none of its steps was timed */
    assert_int_equal(keeper.timing.n_history, 3);
    assert_true(keeper.timing.history[0] == 4 && keeper.timing.history[1] == 8);
    assert_true(keeper.timing.history[STEPS] == 7 && keeper.timing.history[STEPS + 1] == 0);
    assert_true(isnan(keeper.timing.history[2 * STEPS]));
}

/* Of a run that is done. */
static void wait_for_times(struct trainer *trainer, struct trainer_status *status, struct timing *timing)
{
    struct error err = {""};
    uint64_t version = 0;
    trainer_wait_for_end(trainer, status);
    assert_int_equal(status->phase, TRAINER_DONE);
    assert_int_equal(trainer_timing(trainer, &version, timing, &err), 1);
}

/* A real training: the parts are all of the time that the run's other clocks saw. */
static void a_real_run_adds_up(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "sums"};
    struct trainer_status status;
    struct timing timing;
    trainer_tiny(&options.recipe, "4");
    struct trainer *trainer = trainer_must_start(&options);
    wait_for_times(trainer, &status, &timing);
    double sum = 0, steps = (double)timing.train_steps, evaluated = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        assert_true(timing.part_ms[p] >= 0); /* each of them is known here */
        assert_true(isnan(timing.hidden_ms[p]));
        sum += timing.part_ms[p];
    }
    assert_near(sum, timing.threads * timing.wall_ms, 0.02 * sum);
    double batch = recipe_batch(&options.recipe); /* some batches may be a tail */
    assert_true(timing.images_per_step > batch / 2 && timing.images_per_step <= batch);
    /* Laps hold what the DAWNBench clock saw of these steps and the evaluations, and no more than passed in all. */
    const struct run_log *log = trainer_log(trainer);
    size_t index[64], n = run_log_series(log, RECORD_STEP, index, 64);
    double trained =
        run_log_at(log, index[n - 1])->as.step.train_seconds - run_log_at(log, index[0])->as.step.train_seconds;
    n = run_log_series(log, RECORD_EPOCH, index, 64);
    for (size_t i = 0; i < n; i++)
        evaluated +=
            run_log_at(log, index[i])->as.epoch.speedrun_seconds - run_log_at(log, index[i])->as.epoch.train_seconds;
    double seconds = timing.wall_ms * 1e-3 * steps;
    assert_true(seconds >= trained + evaluated && seconds <= status.wall_seconds);
    assert_true(timing.part_ms[TIMING_EVALUATE] / timing.threads * 1e-3 * steps >= evaluated);
    /* What the program's steps took is what their timers say, when each is timed. */
    assert_near(timing.part_ms[TIMING_FORWARD], timing.threads * timing_phase_ms(&timing, PHASE_FORWARD),
                0.02 * timing.part_ms[TIMING_FORWARD]);
    assert_int_equal(timing.n_history, 4);
    for (int s = 0; s < timing.n_steps; s++) {
        assert_true(timing.steps[s].ms > 0 && timing.steps[s].ms_sd >= 0);
        assert_true(timing.steps[s].ms_min > 0 && timing.steps[s].ms_min <= timing.steps[s].ms);
    }
    assert_true(timing.timing_percent > 0 && timing.timing_percent < 50);
    for (int c = 0; c < TIMING_COSTS; c++)
        assert_true(timing.costs[c] >= 0);
    assert_true(timing.costs[TIMING_COST_CLOCK] > 0 && timing.costs[TIMING_COST_TRACE] > 0);
    timing_release(&timing);
    trainer_free(trainer);
}

/* Pausing is in the wall clock only. */
static void a_pause_is_in_no_lap(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "paused"};
    struct trainer_status status;
    struct timing timing;
    trainer_tiny(&options.recipe, "4");
    struct trainer *trainer = trainer_must_start(&options);
    do
        trainer_status(trainer, &status);
    while (status.step < 3 && !trainer_ended(status.phase));
    trainer_pause(trainer, 1);
    trainer_wait(trainer, TRAINER_PAUSED, &status);
    int paused = status.phase == TRAINER_PAUSED; /* on a busy machine the run may have ended before */
    usleep(400000);
    trainer_pause(trainer, 0);
    wait_for_times(trainer, &status, &timing);
    assert_int_equal(timing.train_steps, 19);
    assert_true(timing.wall_ms * 1e-3 * 19 <= status.wall_seconds - (paused ? 0.4 : 0));
    timing_release(&timing);
    trainer_free(trainer);
}

/* A run that fails tells of its steps until then: not just of those that the last checkpoint was written with. */
static void a_failed_run_keeps_its_times(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "fails"};
    struct schedule *schedule = &options.recipe.schedule;
    struct trainer_status status;
    struct timing timing;
    struct error err = {""};
    char path[128];
    trainer_tiny(&options.recipe, "4");
    schedule->n_knots = 4;
    memcpy(schedule->knot, (const double[]){0, 3.2, 3.4, 4}, 4 * sizeof *schedule->knot);
    memcpy(schedule->value, (const double[]){0, 0.01, 1e30, 1e30}, 4 * sizeof *schedule->value);
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_and_free(trainer, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_true(status.step > 15);
    snprintf(path, sizeof path, "%s/fails/timing.json", trainer_folder);
    if (timing_read(&timing, path, &err))
        fail_msg("%s", err.text);
    assert_int_equal(timing.to_step, status.step);
    timing_release(&timing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(laps_add_up, end),
        cmocka_unit_test_teardown(a_stop_drops_the_laps, end),
        cmocka_unit_test_teardown(on_the_host, end),
        cmocka_unit_test_teardown(sampled_steps_share_all_the_time, end),
        cmocka_unit_test_teardown(a_busy_device_hides_the_host, end),
        cmocka_unit_test_teardown(a_slow_host_is_seen, end),
        cmocka_unit_test_teardown(workers_are_hidden, end),
        cmocka_unit_test_teardown(own_work_is_a_cost, end),
        cmocka_unit_test_teardown(a_slow_clock_is_read_less, end),
        cmocka_unit_test_teardown(the_cost_is_bounded, end),
        cmocka_unit_test_teardown(epochs_are_told_apart, end),
        cmocka_unit_test(a_real_run_adds_up),
        cmocka_unit_test(a_pause_is_in_no_lap),
        cmocka_unit_test(a_failed_run_keeps_its_times),
    };
    return cmocka_run_group_tests(tests, trainer_test_enter, trainer_test_leave);
}
