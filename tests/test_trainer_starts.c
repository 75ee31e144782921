/* How a run begins: what is refused before there is a folder, what a start that fails leaves, and who may resume. */
#include "engine/run_folder.h"
#include "tests/trainer_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_no_folder(const char *run)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", trainer_folder, run);
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
    struct trainer_options good = {.parent = trainer_folder, .name = "bad-start"}, options;
    char model[256];
    trainer_tiny(&good.recipe, "1");
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
    options.recipe.device = RECIPE_DEVICE_CPU;
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
    snprintf(model, sizeof model, "%s/whole/recipe.ini", trainer_folder);
    options.init = model;
    refused(&options, "recipe.ini");
}

/* The files have the right sizes, so the data is found; what is wrong with it shows when it is read. */
static void what_fails_before_its_first_step_leaves_no_folder(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "damaged-data"};
    struct trainer_status status;
    char command[1024];
    snprintf(command, sizeof command,
             "mkdir '%s/zeros' && cd '%s/zeros' && for f in data_batch_1 data_batch_2 data_batch_3 data_batch_4 "
             "data_batch_5 test_batch; do truncate -s 30730000 $f.bin; done && printf '\\013' | dd of=test_batch.bin "
             "conv=notrunc status=none",
             trainer_folder, trainer_folder);
    assert_int_equal(system(command), 0);
    trainer_tiny(&options.recipe, "1");
    snprintf(options.recipe.data, sizeof options.recipe.data, "%s/zeros", trainer_folder);
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "found 11"));
    assert_string_equal(status.run, "");
    assert_string_equal(status.path, "");
    assert_no_folder("damaged-data");
    trainer_free(trainer);
}

/* A trick that is on and yet changes nothing is no reason to refuse a run; its log says so. */
static void an_idle_trick_is_noted(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "idle"};
    struct trainer_status status;
    size_t index[4];
    trainer_tiny(&options.recipe, "1");
    options.recipe.flip_kind = RECIPE_FLIP_ALTERNATING;
    options.recipe.flip = 0;
    options.recipe.decoupled_decay = 1; /* the one with the longest note */
    options.recipe.norm_bias_lr = 2;
    options.recipe.norm_bias_decay = 0.5;
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    const struct run_log *log = trainer_log(trainer);
    assert_int_equal(run_log_series(log, RECORD_NOTE, index, 4), 2);
    assert_string_equal(run_log_at(log, index[0])->as.note,
                        "alternating_flip changes nothing: flip_kind has an effect only with flip=on");
    assert_string_equal(run_log_at(log, index[1])->as.note,
                        "decoupled_decay changes nothing: norm_bias_decay = 1 / norm_bias_lr does it already");
    trainer_free(trainer);
}

/* A second program, for smaller images, takes memory of its own. */
static void memory_counts_programs_of_other_sizes(void **state)
{
    (void)state;
    size_t bytes[2];
    for (int sized = 0; sized < 2; sized++) {
        struct trainer_options options = {.parent = trainer_folder, .name = sized ? "sized" : "whole"};
        struct trainer_status status;
        trainer_tiny(&options.recipe, "2");
        options.recipe.progressive_size = sized;
        snprintf(options.recipe.sizes, sizeof options.recipe.sizes, "24x1,32x1");
        trainer_wait_and_free(trainer_must_start(&options), &status);
        assert_int_equal(status.phase, TRAINER_DONE);
        bytes[sized] = status.memory_bytes;
    }
    assert_true(2 * bytes[1] > 3 * bytes[0] && bytes[1] < 2 * bytes[0]);
}

/* Out of descriptors at each point of the start, one after the other: before the folder is made and after. */
static void a_start_that_fails_late_leaves_no_folder(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "late"};
    struct rlimit old, few;
    struct stat at;
    struct trainer *trainer = NULL;
    char path[128];
    int failed = 0;
    trainer_tiny(&options.recipe, "2");
    snprintf(path, sizeof path, "%s/late", trainer_folder);
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

/* Killed before it compiled, a run has no program.json: its recipe says which data it is of, from anywhere. */
static void a_resume_without_program_has_the_same_data(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "early-kill", .stop_after = 1};
    struct trainer_status status;
    char path[256], command[1024], back[1024];
    struct recipe recipe;
    struct error err = {""};
    trainer_tiny(&options.recipe, "2");
    options.recipe.data[0] = '\0';
    assert_int_equal(setenv("DAVIDNET_DATA", "synthetic:3:100", 1), 0);
    trainer_wait_and_free(trainer_must_start(&options), &status);
    snprintf(path, sizeof path, "%s/early-kill/recipe.ini", trainer_folder);
    assert_int_equal(recipe_read(path, &recipe, &err), 0);
    assert_string_equal(recipe.data, "synthetic:3:100");

    snprintf(command, sizeof command, "cd '%s/early-kill' && rm -r program.json log checkpoint-*", trainer_folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(setenv("DAVIDNET_DATA", "synthetic:4:200", 1), 0);
    snprintf(path, sizeof path, "%s/early-kill", trainer_folder);
    struct trainer_options resume = {.resume = path};
    trainer_wait_and_free(trainer_must_start(&resume), &status);
    assert_int_equal(status.phase, TRAINER_DONE);
    assert_string_equal(status.data, "synthetic:3:100");
    assert_int_equal(unsetenv("DAVIDNET_DATA"), 0);

    /* A folder is named absolutely. */
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(trainer_folder), 0);
    options.name = "relative";
    strcpy(options.recipe.data, "zeros");
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_int_equal(chdir(back), 0);
    assert_non_null(strstr(status.error, trainer_folder));
}

static void one_process_trains_a_run(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "locked"};
    struct trainer_status status;
    struct error err = {""};
    char path[256];
    trainer_tiny(&options.recipe, "3");
    struct trainer *trainer = trainer_must_start(&options);
    trainer_pause(trainer, 1);
    trainer_wait(trainer, TRAINER_PAUSED, &status);
    snprintf(path, sizeof path, "%s/locked", trainer_folder);
    struct trainer_options resume = {.resume = path};
    assert_null(trainer_start(&resume, &err));
    assert_true(err.text[0] != '\0');
    trainer_stop(trainer, TRAINER_STOP_NOW);
    trainer_free(trainer);
}

static void another_program_is_refused(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "frozen", .stop_after = 1};
    struct trainer_status status;
    char path[256], command[1024];
    trainer_tiny(&options.recipe, "3");
    options.recipe.whitening = RECIPE_WHITENING_3X3;
    struct trainer *trainer = trainer_must_start(&options);
    trainer_wait_for_end(trainer, &status);
    trainer_free(trainer);
    snprintf(path, sizeof path, "%s/frozen", trainer_folder);
    struct trainer_options resume = {.resume = path};
    static const char *const changes[][2] = {
        {"data_sha256", "\"00\""}, {"davidnet", "\"0.0.9\""}, {"version", "7"}, {"whitening_sha256", "\"00\""}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        snprintf(command, sizeof command,
                 "cd '%s' && cp program.json before && sed -i 's/\"%s\":[^,]*/\"%s\": %s/' program.json && "
                 "! cmp -s before program.json",
                 path, changes[i][0], changes[i][0], changes[i][1]);
        assert_int_equal(system(command), 0);
        trainer = trainer_must_start(&resume);
        trainer_wait_for_end(trainer, &status);
        assert_int_equal(status.phase, TRAINER_FAILED);
        assert_non_null(strstr(status.error, changes[i][0]));
        trainer_free(trainer);
        snprintf(command, sizeof command, "mv '%s/before' '%s/program.json'", path, path);
        assert_int_equal(system(command), 0);
    }
    trainer_wait_and_free(trainer_must_start(&resume), &status); /* nothing differs */
    assert_string_equal(status.error, "");
    assert_int_equal(status.phase, TRAINER_DONE);
}

static void resume_by(const struct run_folder *folder, const struct recipe *recipe, struct trainer_status *status,
                      struct error *err)
{
    const struct trainer_options resume = {.resume = folder->path};
    assert_int_equal(run_folder_write_recipe(folder, "recipe.ini", recipe, err), 0);
    struct trainer *trainer = trainer_start(&resume, err);
    if (trainer)
        trainer_wait_and_free(trainer, status);
    else
        status->phase = TRAINER_PHASE_COUNT; /* it did not start, and the run's log knows nothing of it */
}

static void edit_is_refused(const struct run_folder *folder, const struct recipe *recipe, const char *why)
{
    struct trainer_status status;
    struct error err = {""};
    resume_by(folder, recipe, &status, &err);
    assert_int_equal(status.phase, TRAINER_PHASE_COUNT);
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
}

/* Half a run of one recipe and half of another would be no run of either. */
static void a_resume_by_an_edited_recipe_is_refused(void **state)
{
    (void)state;
    struct trainer_options options = {.parent = trainer_folder, .name = "edited", .stop_after = 1};
    struct trainer_status status;
    struct run_folder folder;
    struct error err = {""};
    char path[256], command[512];
    trainer_tiny(&options.recipe, "2");
    trainer_wait_and_free(trainer_must_start(&options), &status);
    snprintf(path, sizeof path, "%s/edited", trainer_folder);
    assert_int_equal(run_folder_find(&folder, path, &err), 0);
    struct recipe recipe = options.recipe;
    recipe.schedule.value[1] = 0.05;
    edit_is_refused(&folder, &recipe,
                    "edited/recipe.ini was changed after the run began: lr_values is '0,0.05,0', and was '0,0.1,0'; "
                    "undo that");
    recipe = options.recipe;
    recipe.precision = RECIPE_PRECISION_F32; /* which the frozen program overrules */
    edit_is_refused(&folder, &recipe, "precision is 'f32', and was 'auto'");
    recipe = options.recipe;
    recipe.order_seed = 3;
    edit_is_refused(&folder, &recipe, "order_seed is '3'");
    recipe = options.recipe;
    strcpy(recipe.network, "prep = block c\nlayer1 = block 2c\npool = global_max\nlogits = linear\n");
    edit_is_refused(&folder, &recipe, "its network is another one");
    recipe = options.recipe;
    recipe.batch /= 2;
    edit_is_refused(&folder, &recipe, "batch is '10', and was '20'");

    snprintf(command, sizeof command, "sed -i 's/\"recipe\":/\"unknown\":/' '%s/program.json'", path);
    assert_int_equal(system(command), 0); /* as older ones: the log tells of the steps alone */
    resume_by(&folder, &recipe, &status, &err);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(
        strstr(status.error, "edited/recipe.ini was changed after the run began: it has 20 steps of batch"));
    snprintf(command, sizeof command, "sed -i 's/\"unknown\":/\"recipe\":/' '%s/program.json'", path);
    assert_int_equal(system(command), 0);

    recipe = options.recipe;
    strcpy(recipe.data, "synthetic:4:100"); /* it may be elsewhere, but is to be the same */
    resume_by(&folder, &recipe, &status, &err);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "data_sha256"));
    recipe = options.recipe;
    recipe.target = 12; /* says nothing of the course of training */
    recipe.checkpoint_seconds = 7;
    resume_by(&folder, &recipe, &status, &err);
    assert_string_equal(status.error, "");
    assert_int_equal(status.phase, TRAINER_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_starts_leave_no_folder),
        cmocka_unit_test(what_fails_before_its_first_step_leaves_no_folder),
        cmocka_unit_test(an_idle_trick_is_noted),
        cmocka_unit_test(memory_counts_programs_of_other_sizes),
        cmocka_unit_test(a_start_that_fails_late_leaves_no_folder),
        cmocka_unit_test(a_resume_without_program_has_the_same_data),
        cmocka_unit_test(one_process_trains_a_run),
        cmocka_unit_test(another_program_is_refused),
        cmocka_unit_test(a_resume_by_an_edited_recipe_is_refused),
    };
    return cmocka_run_group_tests(tests, trainer_test_enter, trainer_test_leave);
}
