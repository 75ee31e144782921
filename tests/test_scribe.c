/* The scribe: what it says of a job is about that job. */
#include "engine/scribe.h"

#include "engine/files.h"
#include "tests/parity.h"

#include <sys/stat.h>
#include <unistd.h>

static char parent[64];
static struct plan plan; /* large: not for the stack */
static struct scribe scribe;

static int setup(void **state)
{
    (void)state;
    struct error err = {""};
    struct run_folder folder = {.name = "run"};
    strcpy(parent, "/tmp/davidnet-scribe-XXXXXX");
    if (!mkdtemp(parent))
        return -1;
    snprintf(folder.path, sizeof folder.path, "%s/run", parent); /* it is not there: nothing can be written */
    plan_init(&plan);
    int row = plan_pool(&plan, "pool", plan_input(&plan, (struct plan_shape){3, 4, 4}, &err), PLAN_GLOBAL_AVG, 0, &err);
    if (plan_loss(&plan, "loss", plan_linear(&plan, "fc", row, 10, 1, true, &err), 0, &err) < 0)
        return -1;
    return scribe_init(&scribe, &folder, &plan, 2, &err);
}

static int teardown(void **state)
{
    (void)state;
    scribe_release(&scribe);
    return folder_remove(parent, NULL);
}

static void fill(uint32_t step)
{
    scribe_wait(&scribe);
    scribe.write_checkpoint = 1;
    scribe.checkpoint.clock.step = step;
}

static void an_earlier_failure_is_not_this_one(void **state)
{
    (void)state;
    struct error err = {""};
    fill(1);
    scribe_submit(&scribe);
    scribe_wait(&scribe);
    assert_int_equal(mkdir(scribe.folder.path, 0777), 0); /* there is room again */
    fill(2);
    if (scribe_finish(&scribe, &err))
        fail_msg("%s", err.text);
    assert_int_equal(scribe_check(&scribe, &err), 0);
    uint32_t step;
    assert_int_equal(checkpoint_list(&scribe.folder, &step, 1), 1);
    assert_int_equal(step, 2);
}

static void its_own_failure_is_told(void **state)
{
    (void)state;
    struct error err = {""};
    fill(1);
    scribe_submit(&scribe);
    fill(2);
    assert_int_equal(scribe_finish(&scribe, &err), -1);
    assert_non_null(strstr(err.text, "checkpoint-2"));
    assert_int_equal(scribe_check(&scribe, &err), 0); /* told once */
}

static void a_failure_is_kept_until_somebody_asks(void **state)
{
    (void)state;
    struct error err = {""};
    fill(1);
    scribe_submit(&scribe);
    scribe_wait(&scribe);
    assert_int_equal(scribe_check(&scribe, &err), -1);
    assert_non_null(strstr(err.text, "checkpoint-1"));
}

/* They only tell of a run: one that goes on without them is told of it once, and its checkpoints and status stand. */
static void what_only_tells_ends_nothing(void **state)
{
    (void)state;
    struct error err = {""};
    char path[RUN_PATH_MAX + 32];
    assert_int_equal(mkdir(scribe.folder.path, 0777), 0);
    run_folder_path(&scribe.folder, "timing.json", path, sizeof path);
    assert_int_equal(mkdir(path, 0777), 0); /* no file can take its place */
    for (uint32_t step = 1; step <= 2; step++) {
        fill(step);
        scribe.timing = strdup("{}\n");
        scribe.status = strdup("there");
        if (scribe_finish(&scribe, &err))
            fail_msg("%s", err.text);
        assert_int_equal(scribe_missed(&scribe, &err), step == 1);
    }
    assert_non_null(strstr(err.text, "no timing.json: "));
    run_folder_path(&scribe.folder, "status", path, sizeof path);
    assert_int_equal(access(path, F_OK), 0);
    uint32_t step;
    assert_int_equal(checkpoint_list(&scribe.folder, &step, 1), 1);
    assert_int_equal(step, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_earlier_failure_is_not_this_one, setup, teardown),
        cmocka_unit_test_setup_teardown(its_own_failure_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_only_tells_ends_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_kept_until_somebody_asks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
