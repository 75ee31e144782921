/* Runs that cannot go on as they were: nothing of them is lost or changed, and once it is mended they do. */
#include "engine/files.h"
#include "tests/trainer_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A run of two epochs that was stopped after the first; folder is its own. */
static void make_stopped(const char *name, char folder[256])
{
    struct trainer_options options = {.parent = trainer_folder, .name = name, .stop_after = 1};
    struct trainer_status status;
    trainer_tiny(&options.recipe, "2");
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_int_equal(status.phase, TRAINER_STOPPED);
    snprintf(folder, 256, "%s/%s", trainer_folder, name);
}

static void in_folder(const char *folder, const char *command)
{
    char line[512];
    snprintf(line, sizeof line, "cd '%s' && %s", folder, command);
    assert_int_equal(system(line), 0);
}

static void resume(const char *folder, struct trainer_status *status)
{
    const struct trainer_options options = {.resume = folder};
    trainer_wait_and_free(trainer_must_start(&options), status);
}

static void refused(const char *folder, const char *why)
{
    const struct trainer_options options = {.resume = folder};
    struct error err = {""};
    assert_null(trainer_start(&options, &err));
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
}

/* Another beginning would write over its log, and its first save would remove what is of later steps. */
static void a_run_that_lost_its_program_is_not_begun_anew(void **state)
{
    (void)state;
    struct trainer_status status;
    char folder[256];
    make_stopped("lost", folder);
    in_folder(folder, "cp -r . ../lost-before && mv program.json ../program && rm ../lost-before/program.json");
    refused(folder, "lost/checkpoint-5/model.safetensors");
    in_folder(folder, "diff -r -x lock . ../lost-before");
    in_folder(folder, "mv checkpoint-5 ..");
    refused(folder, "it has no checkpoint");
    in_folder(folder, "mv ../checkpoint-5 . && mv ../program program.json");
    resume(folder, &status);
    assert_string_equal(status.error, "");
    assert_int_equal(status.phase, TRAINER_DONE);
}

static void a_resume_that_fails_leaves_the_run_as_it_was(void **state)
{
    (void)state;
    struct trainer_status status;
    char folder[256];
    make_stopped("mended", folder);
    in_folder(folder, "cp checkpoint-5/model.safetensors ../whole && truncate -s 500 checkpoint-5/model.safetensors && "
                      "cp -r . ../mended-before");
    resume(folder, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "the only checkpoint of run mended is damaged"));
    assert_int_equal(status.step, 5);
    assert_int_equal(status.steps, 10);
    assert_true(status.train_seconds > 0 && status.wall_seconds >= status.train_seconds);
    in_folder(folder, "diff -r -x lock . ../mended-before"); /* its log and status say that it was stopped */
    in_folder(folder, "mv ../whole checkpoint-5/model.safetensors");
    resume(folder, &status);
    assert_int_equal(status.phase, TRAINER_DONE);
}

/* Of a data set only the place may change. */
static void data_that_was_moved_is_told(void **state)
{
    (void)state;
    struct trainer_status status;
    char folder[256];
    make_stopped("moved", folder);
    in_folder(folder, "sed -i 's|synthetic:3:100|/nowhere/cifar|' program.json recipe.ini && "
                      "grep -q '/nowhere/cifar' program.json");
    resume(folder, &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "`davidnet resume moved --data SOURCE`"));
    assert_non_null(strstr(status.error, "'/nowhere/cifar': no such folder"));

    struct trainer_options options = {.resume = folder, .data = "synthetic:4:100"};
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_int_equal(status.phase, TRAINER_FAILED);
    assert_non_null(strstr(status.error, "data_sha256"));
    in_folder(folder, "grep -q '/nowhere/cifar' program.json");

    options.data = "synthetic:3:100";
    trainer_wait_and_free(trainer_must_start(&options), &status);
    assert_string_equal(status.error, "");
    assert_int_equal(status.phase, TRAINER_DONE);
    in_folder(folder, "grep -q 'data.:.*synthetic:3:100' program.json"); /* what shows its images reads that */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_lost_its_program_is_not_begun_anew),
        cmocka_unit_test(a_resume_that_fails_leaves_the_run_as_it_was),
        cmocka_unit_test(data_that_was_moved_is_told),
    };
    return cmocka_run_group_tests(tests, trainer_test_enter, trainer_test_leave);
}
