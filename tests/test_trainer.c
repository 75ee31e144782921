/*
 * The trainer from outside: a tiny recipe on the reference family, its log, its folder, pausing, stopping, resuming,
 * and what happens when things go wrong.
 */
#include "engine/trainer.h"

#include "engine/checkpoint.h"
#include "engine/dataset.h"
#include "engine/files.h"
#include "engine/run_folder.h"
#include "engine/safetensors.h"
#include "engine/timing.h"
#include "tests/near.h"
#include "tests/trainer_checks.h"

#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static size_t count_kind(const struct run_log *log, enum record_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < run_log_length(log); i++)
        count += run_log_at(log, i)->kind == (uint16_t)kind;
    return count;
}

static void read_model(const char *run, uint32_t step, struct safetensors *file)
{
    struct error err = {""};
    char path[256];
    snprintf(path, sizeof path, "%s/%s/checkpoint-%u/model.safetensors", trainer_folder, run, step);
    if (safetensors_read(path, file, &err))
        fail_msg("%s", err.text);
}

static void assert_same_models(const char *a, const char *b, uint32_t step)
{
    struct safetensors x, y;
    read_model(a, step, &x);
    read_model(b, step, &y);
    assert_int_equal(x.count, y.count);
    for (int i = 0; i < x.count; i++) {
        assert_string_equal(x.entries[i].name, y.entries[i].name);
        assert_int_equal(x.entries[i].bytes, y.entries[i].bytes);
        assert_memory_equal(x.entries[i].data, y.entries[i].data, x.entries[i].bytes);
    }
    safetensors_release(&x);
    safetensors_release(&y);
}

static void trains_to_the_end(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "whole"};
    trainer_tiny(&options.recipe, "2");
    struct trainer *trainer = trainer_must_start(&options);
    struct trainer_status status;
    trainer_wait_for_end(trainer, &status);
    assert_string_equal(status.error, "");
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_int_equal(status.step, 10);
    assert_true(status.test_acc >= 0 && status.test_acc <= 100);
    const struct run_log *log = trainer_log(trainer);
    assert_int_equal(count_kind(log, RECORD_STEP), 10);
    assert_int_equal(count_kind(log, RECORD_EPOCH), 2);
    assert_int_equal(run_log_at(log, 0)->kind, RECORD_START);
    const struct record *last = run_log_at(log, run_log_length(log) - 1);
    assert_int_equal(last->kind, RECORD_END);
    assert_int_equal(last->as.end.how, RUN_END_DONE);
    /* one wall clock: what the trainer says last, what the log keeps, and what is said of the run ever after */
    struct run_summary summary;
    run_summary_fill(&summary, &options.recipe, log, 0);
    assert_true(last->as.end.wall_seconds > run_log_at(log, run_log_length(log) - 2)->as.epoch.wall_seconds);
    assert_true(status.wall_seconds == last->as.end.wall_seconds);
    assert_true(summary.wall_seconds == last->as.end.wall_seconds);
    const struct record *first = run_log_at(log, 1);
    assert_near(first->as.step.lr, 0.1 * 1 / 5, 1e-12); /* steps are counted from 1 */
    trainer_free(trainer);

    options.name = "again";
    trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    trainer_free(trainer);
    assert_same_models("whole", "again", 10);
}

static void learns(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "learns"};
    trainer_tiny(&options.recipe, "8");
    options.recipe.crop = options.recipe.flip = options.recipe.cutout = 0;
    options.recipe.width = 8;
    options.recipe.schedule.value[1] = 0.6;
    struct trainer *trainer = trainer_must_start(&options);
    struct trainer_status status;
    trainer_wait_for_end(trainer, &status);
    const struct run_log *log = trainer_log(trainer);
    size_t index[16];
    size_t epochs = run_log_series(log, RECORD_EPOCH, index, 16);
    assert_int_equal(epochs, 8);
    double first = run_log_at(log, index[0])->as.epoch.train_loss,
           last = run_log_at(log, index[7])->as.epoch.train_loss;
    print_message("loss %.3f -> %.3f\n", first, last);
    assert_true(last < first - 0.2);
    trainer_free(trainer);
}

static void stop_and_resume_give_the_same_weights(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "straight"};
    struct trainer_status status;
    trainer_tiny(&options.recipe, "3");
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    trainer_free(trainer);

    /* On a busy machine the run may end before this thread gets to stop it: then once more. */
    static const char *const names[] = {"broken", "broken-2", "broken-3", "broken-4", "broken-5"};
    int attempt = -1;
    do {
        assert_true(++attempt < 5);
        options.name = names[attempt];
        trainer = trainer_must_start(&options);
        do
            trainer_status(trainer, &status);
        while (status.step < 4 && !trainer_ended(status.phase));
        trainer_stop(trainer, TRAINER_STOP_NOW);
        trainer_wait_for_end(trainer, &status);
        if (status.phase == TRAINER_DONE)
            trainer_free(trainer);
    } while (status.phase == TRAINER_DONE);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    uint32_t stopped_at = status.step;
    assert_in_range(stopped_at, 4, 15); /* 15: in the last evaluation */
    trainer_free(trainer);

    char path[256];
    snprintf(path, sizeof path, "%s/%s", trainer_folder, names[attempt]);
    struct trainer_options resume = {.resume = path};
    trainer = trainer_must_start(&resume);
    trainer_wait_for_end(trainer, &status);
    assert_string_equal(status.error, "");
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_int_equal(status.replay_mismatches, 0);
    const struct run_log *log = trainer_log(trainer);
    size_t index[64];
    assert_int_equal(run_log_series(log, RECORD_STEP, index, 64), 15);
    assert_int_equal(run_log_series(log, RECORD_EPOCH, index, 64), 3);
    assert_int_equal(count_kind(log, RECORD_REWIND), 1);
    trainer_free(trainer);
    assert_same_models("straight", names[attempt], 15);
}

static void a_resume_without_checkpoint_begins_with_the_given_model(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "origin"};
    struct trainer_status status;
    char model[256], run[256], command[512];
    struct error err = {""};
    trainer_tiny(&options.recipe, "1");
    trainer_wait_and_free(trainer_must_start(&options), &status);

    snprintf(model, sizeof model, "%s/origin/checkpoint-5/model.safetensors", trainer_folder);
    options.init = model;
    options.name = "from-origin";
    trainer_wait_and_free(trainer_must_start(&options), &status);
    options.name = "killed-early";
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    snprintf(run, sizeof run, "%s/killed-early", trainer_folder);
    snprintf(command, sizeof command, "rm -r '%s'/checkpoint-*", run);
    assert_int_equal(system(command), 0);
    struct trainer_options resume = {.resume = run};
    trainer_wait_and_free(trainer_must_start(&resume), &status);
    assert_string_equal(status.error, "");
    assert_int_equal(status.replay_mismatches, 0);
    assert_same_models("from-origin", "killed-early", 5);

    options.init = "/nonexistent/model";
    options.name = "no-init";
    assert_null(trainer_start(&options, &err));
    assert_non_null(strstr(err.text, "/nonexistent/model"));
}

/* A sitting's last second goes to its last checkpoint, which cannot tell how long that takes: the log's end can. */
static void the_wall_clock_goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "clock", .stop_after = 1};
    struct trainer_status status;
    struct error err = {""};
    struct run_log log;
    char path[256];
    size_t at;
    trainer_tiny(&options.recipe, "2");
    trainer_wait_and_free(trainer_must_start(&options), &status);
    snprintf(path, sizeof path, "%s/clock/log", trainer_folder);
    assert_int_equal(run_log_open(&log, path, &err), 0);
    assert_int_equal(run_log_series(&log, RECORD_END, &at, 1), 1);
    struct record end = *run_log_at(&log, at);
    end.as.end.wall_seconds += 1000; /* a slow disk */
    assert_int_equal(run_log_append(&log, &end, &err), 0);
    run_log_release(&log);
    snprintf(path, sizeof path, "%s/clock", trainer_folder);
    struct trainer_options resume = {.resume = path};
    trainer_wait_and_free(trainer_must_start(&resume), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_true(status.wall_seconds > end.as.end.wall_seconds);
}

/* The trace's latest steps are the last ones of a sitting of so many steps. */
static void assert_traced_to_the_end(const char *run, unsigned steps)
{
    struct error err = {""};
    char path[256], name[32], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s/trace.json", trainer_folder, run);
    if (file_read(path, 64 << 20, &text, &size, &err))
        fail_msg("%s", err.text);
    for (unsigned step = steps - 2; step <= steps; step++) {
        snprintf(name, sizeof name, "\"step %u\"", step);
        assert_non_null(strstr(text, name));
    }
    free(text);
}

/* Half an epoch ends at its step, with a checkpoint and a trace there; a resume goes on to the same weights. */
static void stop_after_a_part_of_an_epoch(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "part", .stop_after = 1.5};
    struct trainer_status status;
    char path[256];
    trainer_tiny(&options.recipe, "3");
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    assert_int_equal(status.step, 8); /* of 5 an epoch: the first step that reaches it */
    assert_int_equal(count_kind(trainer_log(trainer), RECORD_EPOCH), 1);
    trainer_free(trainer);
    snprintf(path, sizeof path, "%s/part/checkpoint-8/model.safetensors", trainer_folder);
    assert_int_equal(access(path, F_OK), 0);
    assert_traced_to_the_end("part", 8);
    snprintf(path, sizeof path, "%s/part", trainer_folder);
    struct trainer_options resume = {.resume = path};
    trainer_wait_and_free(trainer_must_start(&resume), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_same_models("straight", "part", 15);
    struct timing timing; /* of both sittings, without the first step of each */
    struct error err = {""};
    snprintf(path, sizeof path, "%s/part/timing.json", trainer_folder);
    if (timing_read(&timing, path, &err))
        fail_msg("%s", err.text);
    assert_int_equal(timing.train_steps, 13);
    assert_int_equal(timing.from_step, 0);
    assert_int_equal(timing.n_history, 3);
    timing_release(&timing);
}

/* A run was killed after its times were written, and goes on from an earlier checkpoint: what is trained again counts
 * once. */
static void replayed_steps_are_timed_once(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "killed-later", .stop_after = 2.2};
    struct trainer_status status;
    struct error err = {""};
    struct timing straight, timing;
    char path[256], command[512];
    trainer_tiny(&options.recipe, "3");
    options.recipe.keep_checkpoints = 0; /* all stay */
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_int_equal(status.step, 11);
    snprintf(command, sizeof command, "rm -r '%s'/killed-later/checkpoint-1[01]", trainer_folder);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/killed-later", trainer_folder);
    struct trainer_options resume = {.resume = path};
    trainer_wait_and_free(trainer_must_start(&resume), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    snprintf(path, sizeof path, "%s/straight/timing.json", trainer_folder);
    assert_int_equal(timing_read(&straight, path, &err), 0);
    snprintf(path, sizeof path, "%s/killed-later/timing.json", trainer_folder);
    assert_int_equal(timing_read(&timing, path, &err), 0);
    assert_int_equal(straight.train_steps, 14);
    assert_int_equal(timing.train_steps, 13); /* without the first step of each sitting */
    assert_int_equal(timing.eval_batches, straight.eval_batches);
    assert_int_equal(timing.n_history, 3);
    assert_true(timing.from_step == 0 && timing.to_step == 15 && straight.to_step == 15);
    timing_release(&straight);
    timing_release(&timing);
}

/* What its log's beginning says is known again; the steps that were lost are not made up. */
static void a_resume_without_a_log_begins_one(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "unlogged", .stop_after = 1};
    struct trainer_status status;
    char path[256];
    trainer_tiny(&options.recipe, "2");
    trainer_wait_and_free(trainer_must_start(&options), &status);
    snprintf(path, sizeof path, "%s/unlogged/log", trainer_folder);
    assert_int_equal(truncate(path, 0), 0);
    snprintf(path, sizeof path, "%s/unlogged", trainer_folder);
    struct trainer_options resume = {.resume = path};
    struct trainer *trainer = trainer_must_start(&resume);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    const struct run_log *log = trainer_log(trainer);
    assert_int_equal(run_log_at(log, 0)->kind, RECORD_START);
    assert_int_equal(run_log_at(log, 0)->as.start.steps, 10);
    assert_int_equal(count_kind(log, RECORD_STEP), 5);
    trainer_free(trainer);
}

static void stop_after_keeps_the_schedule(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "early", .stop_after = 1};
    struct trainer_status status;
    trainer_tiny(&options.recipe, "3");
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    assert_int_equal(status.step, 5);
    assert_int_equal(status.steps, 15);
    assert_int_equal(count_kind(trainer_log(trainer), RECORD_EPOCH), 1);
    trainer_free(trainer);
}

static void pausing_stops_the_training_clock(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "paused"};
    struct trainer_status status, later;
    trainer_tiny(&options.recipe, "3");
    struct trainer *trainer = trainer_must_start(&options);
    trainer_pause(trainer, 1);
    trainer_wait(trainer, TRAINER_PAUSED, &status);
    assert_int_equal(status.phase, TRAINER_PAUSED);
    usleep(50000);
    trainer_status(trainer, &later);
    assert_int_equal(later.step, status.step);
    assert_true(later.train_seconds == status.train_seconds);
    trainer_pause(trainer, 0);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    trainer_free(trainer);
}

/* The breakdown so far is in the folder from the third step on, long before the first checkpoint. */
static void timing_is_written_early(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "written-early"};
    struct trainer_status status;
    struct timing timing;
    struct error err = {""};
    struct run_folder folder;
    uint32_t step;
    trainer_tiny(&options.recipe, "4");
    options.recipe.batch = 2; /* 50 steps an epoch */
    struct trainer *trainer = trainer_must_start(&options);
    do
        trainer_status(trainer, &status);
    while (status.step < 4 && !trainer_ended(status.phase));
    trainer_pause(trainer, 1);
    trainer_wait(trainer, TRAINER_PAUSED, &status);
    assert_int_equal(status.phase, TRAINER_PAUSED);
    assert_int_equal(run_folder_find_in(&folder, trainer_folder, "written-early", &err), 0);
    while (timing_read_run(&timing, &folder, NULL))
        usleep(1000); /* the scribe is at it */
    assert_true(timing.train_steps >= 2 && timing.train_steps < status.step);
    assert_true(timing_step_ms(&timing) > 0 && timing.wall_ms > 0 && timing.n_history == 0);
    timing_release(&timing);
    if (status.step < 50)
        assert_int_equal(checkpoint_list(&folder, &step, 1), 0);
    trainer_stop(trainer, TRAINER_STOP_NOW);
    trainer_wait_and_free(trainer, &status);
}

/* What is published while it trains: read as fast as can be, which the engine must not be held up by. */
static void timing_and_data_are_there_while_it_trains(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "live"};
    struct trainer_status status;
    struct error err = {""};
    trainer_tiny(&options.recipe, "4");
    struct trainer *trainer = trainer_must_start(&options);
    uint64_t version = 0, fresh = 0, last_steps = 0;
    int while_training = 0;
    do {
        struct timing timing;
        usleep(1000); /* a reader that never lets go of the locks would keep the engine from its last word */
        trainer_status(trainer, &status);
        const struct dataset *dataset = trainer_dataset(trainer);
        if (status.step > 0)
            assert_non_null(dataset);
        if (dataset)
            assert_int_equal(dataset->train.count, 100);
        int have = trainer_timing(trainer, &version, &timing, &err);
        assert_true(have >= 0);
        if (!have)
            continue;
        assert_true(timing.train_steps >= last_steps && timing.train_steps < 20);
        assert_true(timing_step_ms(&timing) > 0);
        assert_string_equal(timing.family, "ref");
        last_steps = timing.train_steps;
        while_training += !trainer_ended(status.phase);
        fresh++;
        timing_release(&timing);
    } while (!trainer_ended(status.phase));
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_int_equal(last_steps, 19); /* the last word: all but the first step, which warms up */
    assert_true(while_training > 0);
    assert_true((double)fresh <= status.wall_seconds / 0.25 + 2); /* not at each step, and the last word */
    assert_non_null(trainer_dataset(trainer));
    assert_int_equal(trainer_dataset(trainer)->train.labels[0] < 10, 1); /* still there */
    trainer_free(trainer);
}

static void a_paused_run_can_be_stopped(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "paused-stop"};
    struct trainer_status status;
    trainer_tiny(&options.recipe, "3");
    struct trainer *trainer = trainer_must_start(&options);
    trainer_pause(trainer, 1);
    trainer_wait(trainer, TRAINER_PAUSED, &status);
    trainer_stop(trainer, TRAINER_STOP_NOW);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    trainer_free(trainer);
}

static void divergence_is_said(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "diverges"};
    struct trainer_status status;
    trainer_tiny(&options.recipe, "3");
    for (int i = 0; i < options.recipe.schedule.n_knots; i++)
        options.recipe.schedule.value[i] = 1e30;
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "not a finite number"));
    assert_non_null(strstr(status.error, "step "));
    const struct run_log *log = trainer_log(trainer);
    assert_int_equal(run_log_at(log, run_log_length(log) - 1)->as.end.how, RUN_END_FAILED);
    assert_int_equal(run_log_at(log, run_log_length(log) - 1)->flags, RECORD_DIVERGED); /* a campaign counts it */
    trainer_free(trainer);
    trainer_failure_is_on_disk("diverges", "train again with a lower learning rate (lr_values)");
}

/* What is advised helps this run: a lower precision can be raised, and weights to go on with are there or not. */
static void a_diverged_run_is_told_what_helps(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "diverges-early"};
    struct trainer_status status;
    char path[256];
    trainer_tiny(&options.recipe, "8");
    options.recipe.precision = RECIPE_PRECISION_F32;
    options.recipe.schedule.shape = SCHEDULE_CONSTANT;
    options.recipe.schedule.peak = 1e30;
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "a lower learning rate (lr_peak)"));
    assert_null(strstr(status.error, "f32"));
    assert_null(strstr(status.error, "checkpoint"));

    options.name = "diverges-later";
    trainer_tiny(&options.recipe, "8");
    options.recipe.precision = RECIPE_PRECISION_BF16;
    struct schedule *schedule = &options.recipe.schedule;
    schedule->n_knots = 4;
    memcpy(schedule->knot, (const double[]){0, 1, 1, 8}, 4 * sizeof *schedule->knot);
    memcpy(schedule->value, (const double[]){0.1, 0.1, 1000, 1000}, 4 * sizeof *schedule->value);
    options.recipe.weight_decay = 1; /* each weight becomes -999 times what it was, step after step */
    options.stop_after = 1;          /* with a checkpoint */
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    snprintf(path, sizeof path, "%s/diverges-later", trainer_folder);
    struct trainer_options resume = {.resume = path};
    trainer_wait_and_free(trainer_must_start(&resume), &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    if (!strstr(status.error, "diverges-later/checkpoint-5/model.safetensors),") ||
        !strstr(status.error, "(--init /") || !strstr(status.error, "(lr_values) or --precision f32"))
        fail_msg("%s", status.error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trains_to_the_end),
        cmocka_unit_test(learns),
        cmocka_unit_test(stop_and_resume_give_the_same_weights),
        cmocka_unit_test(a_resume_without_checkpoint_begins_with_the_given_model),
        cmocka_unit_test(a_resume_without_a_log_begins_one),
        cmocka_unit_test(stop_after_keeps_the_schedule),
        cmocka_unit_test(the_wall_clock_goes_on_where_it_stopped),
        cmocka_unit_test(stop_after_a_part_of_an_epoch),
        cmocka_unit_test(replayed_steps_are_timed_once),
        cmocka_unit_test(pausing_stops_the_training_clock),
        cmocka_unit_test(timing_is_written_early),
        cmocka_unit_test(timing_and_data_are_there_while_it_trains),
        cmocka_unit_test(a_paused_run_can_be_stopped),
        cmocka_unit_test(divergence_is_said),
        cmocka_unit_test(a_diverged_run_is_told_what_helps),
    };
    return cmocka_run_group_tests(tests, trainer_test_enter, trainer_test_leave);
}
