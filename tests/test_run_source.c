/* What a viewer is told about a run of another process, with and without somebody who holds the run's lock. */
#include "tui/run_source.h"

#include "engine/files.h"
#include "engine/run_log.h"
#include "tests/fake_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char parent[64];
static struct error err;

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-source-XXXXXX");
    return mkdtemp(parent) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return folder_remove(parent, &err);
}

static enum trainer_phase phase_of(const struct run_folder *folder)
{
    struct run_source source;
    struct trainer_status status;
    if (run_source_open(&source, folder->path, &err))
        fail_msg("%s", err.text);
    source.ops->status(source.self, &status);
    run_source_close(&source);
    return status.phase;
}

static void a_held_lock(void **state)
{
    static const struct {
        const char *name;
        int end;
        enum trainer_phase free, held;
    } cases[] = {
        {"done", RUN_END_DONE, TRAINER_DONE, TRAINER_DONE}, /* a workbench shows it still */
        {"failed", RUN_END_FAILED, TRAINER_FAILED, TRAINER_FAILED},
        {"stopped", RUN_END_STOPPED, TRAINER_STOPPED, TRAINER_TRAINING}, /* resumed; nothing logged yet */
        {"killed", -1, TRAINER_STOPPED, TRAINER_TRAINING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_folder fake = {.name = cases[i].name,
                                   .preset = "quick",
                                   .epochs = 24,
                                   .best = 90,
                                   .epoch_seconds = 1,
                                   .end = cases[i].end};
        struct run_folder folder;
        int lock;
        fake_folder_make(parent, &fake);
        assert_int_equal(run_folder_find_in(&folder, parent, fake.name, &err), 0);
        assert_int_equal(phase_of(&folder), cases[i].free);
        assert_int_equal(run_folder_lock(&folder, &lock, &err), 0);
        assert_int_equal(phase_of(&folder), cases[i].held);
        run_folder_unlock(&lock);
    }
}

/* The log has no room for a long one; RUN/status has, and may still be another sitting's, or be missing. */
static void a_long_error(void **state)
{
    (void)state;
    static const char whole[] =
        "the checkpoint of step 124 was not written: /a/folder/that/is/deep/down/in/many/others/"
        "checkpoints/124/model.safetensors: No space left on device";
    static const char other[] = "{\"error\":\"the machine is on fire\"}";
    struct fake_folder fake = {.name = "long", .preset = "quick", .epochs = 24, .best = 90, .end = -1};
    struct run_folder folder;
    struct run_log *log = malloc(sizeof *log);
    struct record end = {.kind = RECORD_END, .step = 1000000, .as.end.how = RUN_END_FAILED};
    struct run_source source;
    struct trainer_status status;
    char path[RUN_PATH_MAX + 160], text[400];
    fake_folder_make(parent, &fake);
    assert_int_equal(run_folder_find_in(&folder, parent, fake.name, &err), 0);
    assert_true(run_folder_path(&folder, "log", path, sizeof path) >= 0);
    assert_non_null(log);
    assert_int_equal(run_log_open(log, path, &err), 0);
    record_text(end.as.end.text, whole);
    assert_int_equal(run_log_append(log, &end, &err), 0);
    run_log_release(log);
    free(log);
    assert_int_equal(run_folder_replace(&folder, "status", other, strlen(other), &err), 0);
    assert_int_equal(run_source_open(&source, folder.path, &err), 0);
    source.ops->status(source.self, &status);
    assert_string_equal(status.error, end.as.end.text);
    assert_non_null(strstr(status.error, " ... "));
    assert_non_null(strstr(status.error, "No space left on device"));
    snprintf(text, sizeof text, "{\"error\":\"%s\"}", whole);
    assert_int_equal(run_folder_replace(&folder, "status", text, strlen(text), &err), 0);
    source.ops->status(source.self, &status); /* it came after the log's end */
    assert_string_equal(status.error, whole);
    run_source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(a_held_lock, setup, teardown),
                                       cmocka_unit_test_setup_teardown(a_long_error, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
