#include "engine/run_folder.h"

#include "engine/files.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char parent[64];
static struct recipe recipe;

static int setup(void **state)
{
    (void)state;
    struct error err = {""};
    struct recipe_request request = {.preset = "davidnet-79", .n_sets = 1, .sets = {"seed=7"}};
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    if (mkdtemp(parent) == NULL || recipe_resolve(&request, &recipe, &err) < 0)
        return -1;
    setenv("DAVIDNET_RUNS", parent, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct error err = {""};
    return folder_remove(parent, &err);
}

static void create(struct run_folder *folder, const char *name)
{
    struct error err = {""};
    if (run_folder_create(folder, parent, name, &recipe, &err) < 0)
        fail_msg("%s", err.text);
}

static void removing_a_folder_follows_no_link(void **state)
{
    (void)state;
    struct run_folder kept, removed;
    struct error err = {""};
    char link[RUN_PATH_MAX + 16], file[RUN_PATH_MAX + 16];
    create(&kept, "kept");
    create(&removed, "removed");
    snprintf(file, sizeof file, "%s/recipe.ini", kept.path);
    snprintf(link, sizeof link, "%s/inside", removed.path);
    assert_int_equal(symlink(kept.path, link), 0);
    assert_int_equal(folder_remove(removed.path, &err), 0);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(access(removed.path, F_OK), -1);

    snprintf(link, sizeof link, "%s/link", parent);
    assert_int_equal(symlink(kept.path, link), 0);
    assert_int_equal(folder_remove(link, &err), -1);
    assert_non_null(strstr(err.text, link));
    assert_int_equal(access(file, F_OK), 0);
}

static void makes_unique_names(void **state)
{
    (void)state;
    struct run_folder f[3], named, again;
    struct error err = {""};
    for (int i = 0; i < 3; i++) {
        create(&f[i], NULL);
        assert_int_equal(strncmp(f[i].name, "davidnet-79-20", 14), 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(f[i].name, f[j].name);
    }
    create(&named, "mine");
    assert_string_equal(named.name, "mine");
    assert_int_equal(run_folder_create(&again, parent, "mine", &recipe, &err), -1);
    assert_non_null(strstr(err.text, "mine"));
    char path[RUN_PATH_MAX];
    struct recipe back;
    assert_int_equal(run_folder_path(&named, "recipe.ini", path, sizeof path), 0);
    assert_int_equal(recipe_read(path, &back, &err), 0);
    assert_true(recipe_equal(&recipe, &back));
}

static void makes_missing_parents(void **state)
{
    (void)state;
    char deep[128];
    struct run_folder f;
    struct error err = {""};
    snprintf(deep, sizeof deep, "%s/a/b/c", parent);
    assert_int_equal(run_folder_create(&f, deep, "x", &recipe, &err), 0);
    snprintf(deep, sizeof deep, "%s/a/b/c/x/recipe.ini/d", parent);
    assert_int_equal(run_folder_create(&f, deep, "x", &recipe, &err), -1);
    assert_non_null(strstr(err.text, "recipe.ini"));
}

static void names_are_checked(void **state)
{
    (void)state;
    struct run_folder f;
    static const char *const bad[] = {"", ".", "..", ".hidden", "-x", "a/b", "a b", "a\nb", "\x1b[2J", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {""};
        assert_int_equal(run_folder_create(&f, parent, bad[i], &recipe, &err), -1);
        assert_null(strchr(err.text, '\x1b'));
    }
    char longest[102];
    memset(longest, 'a', 101);
    longest[101] = '\0';
    assert_int_equal(run_folder_check_name(longest, NULL), -1);
    assert_int_equal(run_folder_check_name(longest + 1, NULL), 0);
}

static void is_found_by_name_path_and_last(void **state)
{
    (void)state;
    struct run_folder a, b, found;
    struct error err = {""};
    char path[256];
    assert_int_equal(run_folder_find(&found, "last", &err), -1);
    create(&a, "a");
    usleep(20000); /* file times may be coarse */
    create(&b, "b");
    assert_int_equal(run_folder_find(&found, "a", &err), 0);
    assert_string_equal(found.path, a.path);
    snprintf(path, sizeof path, "%s/a/", parent);
    assert_int_equal(run_folder_find(&found, path, &err), 0);
    assert_string_equal(found.path, a.path);
    assert_string_equal(found.name, "a");
    assert_int_equal(run_folder_find(&found, "last", &err), 0);
    assert_string_equal(found.name, "b");
    assert_int_equal(run_folder_find(&found, "absent", &err), -1);
    assert_non_null(strstr(err.text, "absent"));
    assert_int_equal(run_folder_find(&found, "", &err), -1);
    assert_int_equal(run_folder_find(&found, parent, &err), -1); /* a folder, but no run */
    assert_non_null(strstr(err.text, "has no file recipe.ini"));
    snprintf(path, sizeof path, "%s/half", parent); /* the same by its name among the runs */
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(run_folder_find(&found, "half", &err), -1);
    assert_non_null(strstr(err.text, "/half: not a run's folder: it has no file recipe.ini"));
    assert_int_equal(rmdir(path), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(run_folder_find(&found, "half", &err), -1);
    assert_non_null(strstr(err.text, "/half: not a run's folder: it is a file"));
    assert_int_equal(unlink(path), 0);
}

static void files_are_replaced_whole(void **state)
{
    (void)state;
    struct run_folder f;
    struct error err = {""};
    char path[RUN_PATH_MAX], *text;
    size_t size;
    create(&f, "r");
    assert_int_equal(run_folder_replace(&f, "status", "one", 3, &err), 0);
    assert_int_equal(run_folder_replace(&f, "status", "twotwo", 6, &err), 0);
    run_folder_path(&f, "status", path, sizeof path);
    assert_int_equal(file_read(path, 100, &text, &size, &err), 0);
    assert_int_equal(size, 6);
    assert_string_equal(text, "twotwo");
    free(text);
    assert_int_equal(file_read(path, 5, &text, &size, &err), -1);
    chmod(f.path, 0500);
    if (geteuid() != 0)
        assert_int_equal(run_folder_replace(&f, "status", "x", 1, &err), -1);
    chmod(f.path, 0700);
    assert_int_equal(run_folder_replace(&f, "no/such", "x", 1, &err), -1);
}

static void one_process_trains_a_run(void **state)
{
    (void)state;
    struct run_folder f;
    struct error err = {""};
    char path[RUN_PATH_MAX], note[RUN_PATH_MAX], holder[64];
    int fd, second;
    create(&f, "l");
    assert_int_equal(run_folder_locked(&f, NULL, 0), 0);
    run_folder_path(&f, "status.tmp-123", path, sizeof path);     /* what a crash left */
    run_folder_path(&f, "label.json.tmp-123", note, sizeof note); /* what `davidnet note` writes at this moment */
    fclose(fopen(path, "w"));
    fclose(fopen(note, "w"));
    assert_int_equal(run_folder_lock(&f, &fd, &err), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(note, F_OK), 0);
    assert_int_equal(run_folder_locked(&f, holder, sizeof holder), 1);
    assert_int_equal(atol(holder), getpid());
    assert_int_equal(run_folder_lock(&f, &second, &err), -1);
    assert_int_equal(second, -1);
    assert_non_null(strstr(err.text, holder));
    run_folder_unlock(&fd);
    assert_int_equal(run_folder_locked(&f, NULL, 0), 0);

    int pipe_fd[2]; /* a process that is killed holds no lock */
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t child = fork();
    if (child == 0) {
        if (run_folder_lock(&f, &fd, NULL) < 0 || write(pipe_fd[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    close(pipe_fd[1]);
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    assert_int_equal(run_folder_locked(&f, NULL, 0), 1);
    assert_int_equal(run_folder_lock(&f, &fd, &err), -1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipe_fd[0]);
    assert_int_equal(run_folder_lock(&f, &fd, &err), 0);
    run_folder_unlock(&fd);
}

static struct run_log log_;

static void append(struct record r)
{
    struct error err = {""};
    assert_int_equal(run_log_append(&log_, &r, &err), 0);
}

static void open_log(const struct run_folder *f)
{
    struct error err = {""};
    char path[RUN_PATH_MAX];
    run_folder_path(f, "log", path, sizeof path);
    assert_int_equal(run_log_open(&log_, path, &err), 0);
}

static void train_two_epochs(const struct run_folder *f)
{
    open_log(f);
    struct record start = {.kind = RECORD_START};
    start.as.start.steps = 6;
    start.as.start.steps_per_epoch = 2;
    start.as.start.epochs = 3;
    start.as.start.target = 50;
    append(start);
    static const float acc[] = {55, 52};
    for (uint32_t step = 1; step <= 5; step++) {
        struct record r = {.kind = RECORD_STEP, .step = step, .epoch = (step + 1) / 2};
        r.as.step.train_seconds = step;
        r.as.step.wall_seconds = 2 * step;
        append(r);
        if (step % 2 == 1)
            continue;
        struct record e = {.kind = RECORD_EPOCH, .step = step, .epoch = step / 2};
        e.as.epoch.train_seconds = step;
        e.as.epoch.wall_seconds = 2 * step + 1;
        e.as.epoch.test_acc = acc[step / 2 - 1];
        append(e);
    }
}

static void summary_follows_the_log(void **state)
{
    (void)state;
    struct run_folder f;
    struct run_summary s;
    struct error err = {""};
    create(&f, "s");
    assert_int_equal(run_folder_summary(&f, &s, &err), 0); /* no log at all */
    assert_string_equal(s.state, "killed");
    assert_string_equal(s.name, "s");
    assert_string_equal(s.preset, "davidnet-79");
    assert_int_equal(s.seed, 7);
    assert_true(isnan(s.best_acc) && isnan(s.epochs_done) && isnan(s.train_seconds) && isnan(s.unix_start));
    assert_true(s.bytes > 0);

    train_two_epochs(&f);
    int fd;
    assert_int_equal(run_folder_lock(&f, &fd, &err), 0);
    assert_int_equal(run_folder_summary(&f, &s, &err), 0);
    assert_string_equal(s.state, "running");
    run_folder_unlock(&fd);
    assert_int_equal(run_folder_summary(&f, &s, &err), 0);
    assert_string_equal(s.state, "killed");
    assert_int_equal(s.step, 5);
    assert_int_equal(s.steps, 6);
    assert_true(s.epochs == 3 && s.epochs_done == 2.5);
    assert_true(s.best_acc == 55 && s.last_acc == 52);
    assert_true(s.train_seconds == 5 && s.wall_seconds == 10);
    assert_true(s.seconds_to_target == 2);

    static const struct {
        enum run_end how;
        const char *state;
    } ends[] = {{RUN_END_DONE, "done"}, {RUN_END_STOPPED, "stopped"}, {RUN_END_FAILED, "failed"}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct record end = {.kind = RECORD_END, .step = 5};
        end.as.end.how = ends[i].how;
        append(end);
        assert_int_equal(run_folder_summary(&f, &s, &err), 0);
        assert_string_equal(s.state, ends[i].state);
    }
    append((struct record){.kind = RECORD_REWIND, .step = 2}); /* resumed, and killed again */
    run_log_release(&log_);
    assert_int_equal(run_folder_summary(&f, &s, &err), 0);
    assert_string_equal(s.state, "killed");
    assert_int_equal(s.step, 2);
    assert_true(s.last_acc == 55);

    char path[RUN_PATH_MAX];
    run_folder_path(&f, "log", path, sizeof path);
    FILE *file = fopen(path, "ab");
    fputs("torn", file);
    fclose(file);
    assert_int_equal(run_folder_summary(&f, &s, &err), 0);
    assert_int_equal(s.log_dropped, 4);
    run_folder_path(&f, "recipe.ini", path, sizeof path);
    file = fopen(path, "w");
    fputs("nonsense = 1\n", file);
    fclose(file);
    assert_int_equal(run_folder_summary(&f, &s, &err), -1);
    assert_non_null(strstr(err.text, "recipe.ini"));
}

static void list_is_newest_first(void **state)
{
    (void)state;
    struct run_folder *list, f;
    int count;
    struct error err = {""};
    char path[256];
    assert_int_equal(run_folder_list("/nonexistent/runs", &list, &count, &err), 0);
    assert_int_equal(count, 0);
    free(list);
    create(&f, "old");
    usleep(20000);
    create(&f, "new");
    usleep(20000);
    snprintf(path, sizeof path, "%s/nothing", parent); /* no recipe: no run */
    mkdir(path, 0777);
    assert_int_equal(run_folder_list(parent, &list, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "new");
    assert_string_equal(list[1].name, "old");
    free(list);
    assert_int_equal(run_folder_find(&f, "old", &err), 0); /* the first record's time counts, not the file's */
    open_log(&f);
    append((struct record){.kind = RECORD_START});
    run_log_release(&log_);
    assert_int_equal(run_folder_list(parent, &list, &count, &err), 0);
    assert_string_equal(list[0].name, "old");
    free(list);
}

static void default_parent_follows_the_environment(void **state)
{
    (void)state;
    char out[RUN_PATH_MAX];
    setenv("HOME", "/home/x", 1);
    run_folder_default_parent(out, sizeof out);
    assert_string_equal(out, parent);
    unsetenv("DAVIDNET_RUNS");
    setenv("XDG_DATA_HOME", "/data", 1);
    run_folder_default_parent(out, sizeof out);
    assert_string_equal(out, "/data/davidnet/runs");
    setenv("XDG_DATA_HOME", "relative", 1); /* the XDG standard: to be ignored */
    run_folder_default_parent(out, sizeof out);
    assert_string_equal(out, "/home/x/.local/share/davidnet/runs");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(removing_a_folder_follows_no_link),
        EACH(makes_unique_names),
        EACH(makes_missing_parents),
        EACH(names_are_checked),
        EACH(is_found_by_name_path_and_last),
        EACH(files_are_replaced_whole),
        EACH(one_process_trains_a_run),
        EACH(summary_follows_the_log),
        EACH(list_is_newest_first),
        EACH(default_parent_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
