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

static struct timing *a_timing(uint64_t steps)
{
    struct error err = {""};
    struct timing *timing = malloc(sizeof *timing);
    assert_non_null(timing);
    if (timing_allocate(timing, 1, 1, &err))
        fail_msg("%s", err.text);
    strcpy(timing->rows[0].name, "row");
    timing->threads = 1;
    timing->train_steps = steps;
    return timing;
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
        scribe.timing = a_timing(step);
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

static uint64_t written_steps(void)
{
    struct timing timing;
    char path[RUN_PATH_MAX + 32];
    run_folder_path(&scribe.folder, "timing.json", path, sizeof path);
    if (timing_read(&timing, path, NULL))
        return 0;
    uint64_t steps = timing.train_steps;
    timing_release(&timing);
    return steps;
}

static int is_busy(void)
{
    pthread_mutex_lock(&scribe.lock);
    int busy = scribe.busy;
    pthread_mutex_unlock(&scribe.lock);
    return busy;
}

/* It is written between jobs, makes the scribe not busy, and gives way to a newer one of a job. */
static void a_post_is_no_job(void **state)
{
    (void)state;
    struct error err = {""};
    assert_int_equal(mkdir(scribe.folder.path, 0777), 0);
    for (uint64_t steps = 1; written_steps() == 0; steps++) { /* one may be dropped: another comes */
        scribe_post(&scribe, a_timing(steps));
        assert_false(is_busy());
        usleep(1000);
    }
    while (!(scribe_writing_seconds(&scribe) > 0)) /* it is counted once the file is there */
        usleep(1000);
    uint32_t step;
    assert_int_equal(checkpoint_list(&scribe.folder, &step, 1), 0);
    scribe_post(&scribe, a_timing(1000));
    fill(1);
    scribe.timing = a_timing(2000);
    if (scribe_finish(&scribe, &err))
        fail_msg("%s", err.text);
    assert_int_equal(written_steps(), 2000);
    scribe_post(&scribe, a_timing(3000)); /* written, or dropped with the scribe */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_earlier_failure_is_not_this_one, setup, teardown),
        cmocka_unit_test_setup_teardown(its_own_failure_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_only_tells_ends_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_post_is_no_job, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_kept_until_somebody_asks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
