/*
 * The trainer from outside: a tiny recipe on the reference family, its log, its folder, pausing, stopping, resuming,
 * and what happens when things go wrong.
 */
#include "engine/trainer.h"

#include "engine/checkpoint.h"
#include "engine/dataset.h"
#include "engine/files.h"
#include "engine/safetensors.h"

#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/davidnet-trainer-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* 100 images, batch 20: 5 steps an epoch. */
static void tiny(struct recipe *recipe, const char *epochs)
{
    static char epochs_set[64], knots[64];
    struct error err = {""};
    snprintf(epochs_set, sizeof epochs_set, "epochs=%s", epochs);
    snprintf(knots, sizeof knots, "lr_knots=0,1,%s", epochs);
    struct recipe_request request = {.preset = "davidnet-79",
                                     .n_sets = 8,
                                     .sets = {epochs_set, knots, "lr_values=0,0.1,0", "width=4", "batch=20",
                                              "device=ref", "data=synthetic:3:100", "seed=7"}};
    if (recipe_resolve(&request, recipe, &err))
        fail_msg("%s", err.text);
    strcpy(recipe->network, "prep = block c\nlayer1 = res_block 2c convs=1\npool = global_max\nlogits = linear\n");
}

static struct trainer *start(const struct trainer_options *options)
{
    struct error err = {""};
    struct trainer *trainer = trainer_start(options, &err);
    if (!trainer)
        fail_msg("%s", err.text);
    return trainer;
}

/* RUN/status says that it failed, and why in full (a log record has no room for that). */
static void assert_failure_is_on_disk(const char *run, const char *why)
{
    struct error err = {""};
    char path[256], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s/status", folder, run);
    if (file_read(path, 1 << 16, &text, &size, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(text, "\"failed\""));
    assert_non_null(strstr(text, why));
    free(text);
}

/* Polls until the phase is reached (or the end). */
static void wait_for(struct trainer *trainer, enum trainer_phase phase, struct trainer_status *status)
{
    for (;;) {
        trainer_status(trainer, status);
        if (status->phase == phase || trainer_ended(status->phase))
            return;
        usleep(1000);
    }
}

static void wait_for_end(struct trainer *trainer, struct trainer_status *status)
{
    wait_for(trainer, TRAINER_DONE, status);
}

static void wait_and_free(struct trainer *trainer, struct trainer_status *status)
{
    wait_for_end(trainer, status);
    trainer_free(trainer);
}

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
    snprintf(path, sizeof path, "%s/%s/checkpoint-%u/model.safetensors", folder, run, step);
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
    struct trainer_options options = {.parent = folder, .name = "whole"};
    tiny(&options.recipe, "2");
    struct trainer *trainer = start(&options);
    struct trainer_status status;
    wait_for_end(trainer, &status);
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
    const struct record *first = run_log_at(log, 1);
    assert_float_equal(first->as.step.lr, 0.1 * 1 / 5, 1e-12); /* steps are counted from 1 */
    trainer_free(trainer);

    options.name = "again";
    trainer = start(&options);
    wait_for_end(trainer, &status);
    trainer_free(trainer);
    assert_same_models("whole", "again", 10);
}

static void learns(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "learns"};
    tiny(&options.recipe, "8");
    options.recipe.crop = options.recipe.flip = options.recipe.cutout = 0;
    options.recipe.width = 8;
    options.recipe.schedule.value[1] = 0.6;
    struct trainer *trainer = start(&options);
    struct trainer_status status;
    wait_for_end(trainer, &status);
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
    struct trainer_options options = {.parent = folder, .name = "straight"};
    struct trainer_status status;
    tiny(&options.recipe, "3");
    struct trainer *trainer = start(&options);
    wait_for_end(trainer, &status);
    trainer_free(trainer);

    /* On a busy machine the run may end before this thread gets to stop it: then once more. */
    static const char *const names[] = {"broken", "broken-2", "broken-3", "broken-4", "broken-5"};
    int attempt = -1;
    do {
        assert_true(++attempt < 5);
        options.name = names[attempt];
        trainer = start(&options);
        do
            trainer_status(trainer, &status);
        while (status.step < 4 && !trainer_ended(status.phase));
        trainer_stop(trainer, TRAINER_STOP_NOW);
        wait_for_end(trainer, &status);
        if (status.phase == TRAINER_DONE)
            trainer_free(trainer);
    } while (status.phase == TRAINER_DONE);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    uint32_t stopped_at = status.step;
    assert_in_range(stopped_at, 4, 15); /* 15: in the last evaluation */
    trainer_free(trainer);

    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, names[attempt]);
    struct trainer_options resume = {.resume = path};
    trainer = start(&resume);
    wait_for_end(trainer, &status);
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
    struct trainer_options options = {.parent = folder, .name = "origin"};
    struct trainer_status status;
    char model[256], run[256], command[512];
    struct error err = {""};
    tiny(&options.recipe, "1");
    wait_and_free(start(&options), &status);

    snprintf(model, sizeof model, "%s/origin/checkpoint-5/model.safetensors", folder);
    options.init = model;
    options.name = "from-origin";
    wait_and_free(start(&options), &status);
    options.name = "killed-early";
    wait_and_free(start(&options), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    snprintf(run, sizeof run, "%s/killed-early", folder);
    snprintf(command, sizeof command, "rm -r '%s'/checkpoint-*", run);
    assert_int_equal(system(command), 0);
    struct trainer_options resume = {.resume = run};
    wait_and_free(start(&resume), &status);
    assert_string_equal(status.error, "");
    assert_int_equal(status.replay_mismatches, 0);
    assert_same_models("from-origin", "killed-early", 5);

    options.init = "/nonexistent/model";
    options.name = "no-init";
    assert_null(trainer_start(&options, &err));
    assert_non_null(strstr(err.text, "/nonexistent/model"));
}

/* Half an epoch ends at its step, with a checkpoint there; a resume goes on to the same weights. */
static void stop_after_a_part_of_an_epoch(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "part", .stop_after = 1.5};
    struct trainer_status status;
    char path[256];
    tiny(&options.recipe, "3");
    struct trainer *trainer = start(&options);
    wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    assert_int_equal(status.step, 8); /* of 5 an epoch: the first step that reaches it */
    assert_int_equal(count_kind(trainer_log(trainer), RECORD_EPOCH), 1);
    trainer_free(trainer);
    snprintf(path, sizeof path, "%s/part/checkpoint-8/model.safetensors", folder);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/part", folder);
    struct trainer_options resume = {.resume = path};
    wait_and_free(start(&resume), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_same_models("straight", "part", 15);
}

static void stop_after_keeps_the_schedule(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "early", .stop_after = 1};
    struct trainer_status status;
    tiny(&options.recipe, "3");
    struct trainer *trainer = start(&options);
    wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    assert_int_equal(status.step, 5);
    assert_int_equal(status.steps, 15);
    assert_int_equal(count_kind(trainer_log(trainer), RECORD_EPOCH), 1);
    trainer_free(trainer);
}

static void pausing_stops_the_training_clock(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "paused"};
    struct trainer_status status, later;
    tiny(&options.recipe, "3");
    struct trainer *trainer = start(&options);
    trainer_pause(trainer, 1);
    wait_for(trainer, TRAINER_PAUSED, &status);
    assert_int_equal(status.phase, TRAINER_PAUSED);
    usleep(50000);
    trainer_status(trainer, &later);
    assert_int_equal(later.step, status.step);
    assert_true(later.train_seconds == status.train_seconds);
    trainer_pause(trainer, 0);
    wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    trainer_free(trainer);
}

/* What is published while it trains: read as fast as can be, which the engine must not be held up by. */
static void timing_and_data_are_there_while_it_trains(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "live"};
    struct trainer_status status;
    struct error err = {""};
    tiny(&options.recipe, "4");
    struct trainer *trainer = start(&options);
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
    struct trainer_options options = {.parent = folder, .name = "paused-stop"};
    struct trainer_status status;
    tiny(&options.recipe, "3");
    struct trainer *trainer = start(&options);
    trainer_pause(trainer, 1);
    wait_for(trainer, TRAINER_PAUSED, &status);
    trainer_stop(trainer, TRAINER_STOP_NOW);
    wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    trainer_free(trainer);
}

static void divergence_is_said(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "diverges"};
    struct trainer_status status;
    tiny(&options.recipe, "3");
    for (int i = 0; i < options.recipe.schedule.n_knots; i++)
        options.recipe.schedule.value[i] = 1e30;
    struct trainer *trainer = start(&options);
    wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "not a finite number"));
    assert_non_null(strstr(status.error, "step "));
    const struct run_log *log = trainer_log(trainer);
    assert_int_equal(run_log_at(log, run_log_length(log) - 1)->as.end.how, RUN_END_FAILED);
    trainer_free(trainer);
    assert_failure_is_on_disk("diverges", "the last checkpoint is from before");
}

static void assert_no_folder(const char *run)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, run);
    assert_int_equal(access(path, F_OK), -1);
}

static void refused(const struct trainer_options *options, const char *why)
{
    struct error err = {""};
    assert_null(trainer_start(options, &err));
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
    assert_no_folder(options->name);
}

/* What can be known to be wrong is said before there is a folder. */
static void bad_starts_leave_no_folder(void **state)
{
    (void)state;
    struct trainer_options good = {.parent = folder, .name = "bad-start"}, options;
    char model[256];
    tiny(&good.recipe, "1");
    options = good;
    strcpy(options.recipe.data, "/nonexistent/cifar");
    refused(&options, "/nonexistent/cifar");
    options = good;
    options.recipe.batch = 101;
    refused(&options, "larger than the 100 training images");
    options = good;
    options.recipe.device = RECIPE_DEVICE_CUDA;
    refused(&options, "cuda");
    options = good;
    options.recipe.precision = RECIPE_PRECISION_F16;
    refused(&options, "f16");
    options = good;
    options.recipe.crop = 1;
    options.recipe.crop_pad = 9;
    refused(&options, "crop_pad = 9");
    options = good;
    options.recipe.cutout = 1;
    options.recipe.cutout_height = 33;
    refused(&options, "cutout_height = 33");
    options = good;
    strcpy(options.recipe.network, "logits = linear\npool = max_pool 40\n");
    refused(&options, "line");
    options = good;
    snprintf(model, sizeof model, "%s/whole/recipe.ini", folder);
    options.init = model;
    refused(&options, "recipe.ini");
}

/* The files have the right sizes, so the data is found; what is wrong with it shows when it is read. */
static void what_fails_before_its_first_step_leaves_no_folder(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "damaged-data"};
    struct trainer_status status;
    char command[1024];
    snprintf(command, sizeof command,
             "mkdir '%s/zeros' && cd '%s/zeros' && for f in data_batch_1 data_batch_2 data_batch_3 data_batch_4 "
             "data_batch_5 test_batch; do truncate -s 30730000 $f.bin; done && printf '\\013' | dd of=test_batch.bin "
             "conv=notrunc status=none",
             folder, folder);
    assert_int_equal(system(command), 0);
    tiny(&options.recipe, "1");
    snprintf(options.recipe.data, sizeof options.recipe.data, "%s/zeros", folder);
    struct trainer *trainer = start(&options);
    wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "found 11"));
    assert_string_equal(status.run, "");
    assert_string_equal(status.path, "");
    assert_no_folder("damaged-data");
    trainer_free(trainer);
}

/* Killed before it compiled, a run has no program.json: its recipe says which data it is of, from anywhere. */
/* Out of descriptors at each point of the start, one after the other: before the folder is made and after. */
static void a_start_that_fails_late_leaves_no_folder(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "late"};
    struct rlimit old, few;
    struct stat at;
    struct trainer *trainer = NULL;
    char path[128];
    int failed = 0;
    tiny(&options.recipe, "2");
    snprintf(path, sizeof path, "%s/late", folder);
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    int next = dup(0);
    close(next);
    for (int n = 1; !trainer && n < 64; n++) {
        struct error err = {""};
        few.rlim_cur = (rlim_t)(next + n);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        trainer = trainer_start(&options, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        if (!trainer) {
            failed++;
            assert_string_not_equal(err.text, "");
            assert_int_not_equal(stat(path, &at), 0);
        }
    }
    assert_non_null(trainer);
    assert_in_range(failed, 3, 63); /* at the pipe, in making the folder, at the log */
    trainer_stop(trainer, TRAINER_STOP_NOW);
    trainer_free(trainer);
}

static void a_resume_without_program_has_the_same_data(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "early-kill", .stop_after = 1};
    struct trainer_status status;
    char path[256], command[1024], back[1024];
    struct recipe recipe;
    struct error err = {""};
    tiny(&options.recipe, "2");
    options.recipe.data[0] = '\0';
    assert_int_equal(setenv("DAVIDNET_DATA", "synthetic:3:100", 1), 0);
    wait_and_free(start(&options), &status);
    snprintf(path, sizeof path, "%s/early-kill/recipe.ini", folder);
    assert_int_equal(recipe_read(path, &recipe, &err), 0);
    assert_string_equal(recipe.data, "synthetic:3:100");

    snprintf(command, sizeof command, "cd '%s/early-kill' && rm -r program.json log checkpoint-*", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(setenv("DAVIDNET_DATA", "synthetic:4:200", 1), 0);
    snprintf(path, sizeof path, "%s/early-kill", folder);
    struct trainer_options resume = {.resume = path};
    wait_and_free(start(&resume), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_string_equal(status.data, "synthetic:3:100");
    assert_int_equal(unsetenv("DAVIDNET_DATA"), 0);

    /* A folder is named absolutely. */
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(folder), 0);
    options.name = "relative";
    strcpy(options.recipe.data, "zeros");
    wait_and_free(start(&options), &status);
    assert_int_equal(chdir(back), 0);
    assert_non_null(strstr(status.error, folder));
}

static void one_process_trains_a_run(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "locked"};
    struct trainer_status status;
    struct error err = {""};
    char path[256];
    tiny(&options.recipe, "3");
    struct trainer *trainer = start(&options);
    trainer_pause(trainer, 1);
    wait_for(trainer, TRAINER_PAUSED, &status);
    snprintf(path, sizeof path, "%s/locked", folder);
    struct trainer_options resume = {.resume = path};
    assert_null(trainer_start(&resume, &err));
    assert_true(err.text[0] != '\0');
    trainer_stop(trainer, TRAINER_STOP_NOW);
    trainer_free(trainer);
}

static void another_program_is_refused(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = folder, .name = "frozen", .stop_after = 1};
    struct trainer_status status;
    char path[256], command[1024];
    tiny(&options.recipe, "3");
    struct trainer *trainer = start(&options);
    wait_for_end(trainer, &status);
    trainer_free(trainer);
    snprintf(path, sizeof path, "%s/frozen", folder);
    struct trainer_options resume = {.resume = path};
    static const char *const changes[][2] = {{"data_sha256", "\"00\""}, {"davidnet", "\"0.0.9\""}, {"version", "7"}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        snprintf(command, sizeof command,
                 "cd '%s' && cp program.json before && sed -i 's/\"%s\":[^,]*/\"%s\": %s/' program.json && "
                 "! cmp -s before program.json",
                 path, changes[i][0], changes[i][0], changes[i][1]);
        assert_int_equal(system(command), 0);
        trainer = start(&resume);
        wait_for_end(trainer, &status);
        assert_int_equal(status.phase, TRAINER_FAILED);
        assert_non_null(strstr(status.error, changes[i][0]));
        trainer_free(trainer);
        assert_failure_is_on_disk("frozen", changes[i][0]);
        snprintf(command, sizeof command, "mv '%s/before' '%s/program.json'", path, path);
        assert_int_equal(system(command), 0);
    }
    wait_and_free(start(&resume), &status); /* nothing differs */
    assert_string_equal(status.error, "");
    assert_int_equal(status.phase, TRAINER_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trains_to_the_end),
        cmocka_unit_test(learns),
        cmocka_unit_test(stop_and_resume_give_the_same_weights),
        cmocka_unit_test(a_resume_without_checkpoint_begins_with_the_given_model),
        cmocka_unit_test(stop_after_keeps_the_schedule),
        cmocka_unit_test(stop_after_a_part_of_an_epoch),
        cmocka_unit_test(pausing_stops_the_training_clock),
        cmocka_unit_test(timing_and_data_are_there_while_it_trains),
        cmocka_unit_test(a_paused_run_can_be_stopped),
        cmocka_unit_test(divergence_is_said),
        cmocka_unit_test(bad_starts_leave_no_folder),
        cmocka_unit_test(what_fails_before_its_first_step_leaves_no_folder),
        cmocka_unit_test(a_start_that_fails_late_leaves_no_folder),
        cmocka_unit_test(a_resume_without_program_has_the_same_data),
        cmocka_unit_test(one_process_trains_a_run),
        cmocka_unit_test(another_program_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
