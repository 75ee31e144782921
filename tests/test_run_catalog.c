/* The list of runs that a thread keeps: what it takes in, that it follows changes, what it shares. */
#include "engine/files.h"
#include "engine/run_catalog.h"
#include "engine/run_move.h"
#include "tests/fake_folder.h"

#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char parent[64];
static struct error err;
static struct run_catalog *catalog;
static struct run_entry **list;
static int count;

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    list = NULL;
    count = 0;
    return mkdtemp(parent) && (catalog = run_catalog_open(parent, &err)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    run_catalog_give_back(list, count);
    run_catalog_free(catalog);
    return folder_remove(parent, &err);
}

/* Another look, waited for; list is then what is known. */
static struct run_catalog_state look(void)
{
    struct run_catalog_state state;
    run_catalog_refresh(catalog);
    for (run_catalog_state(catalog, &state); state.reading; run_catalog_state(catalog, &state))
        poll(NULL, 0, 2);
    run_catalog_give_back(list, count);
    assert_int_equal(run_catalog_take(catalog, &list, &count), 0);
    return state;
}

static const struct run_entry *find(const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i]->folder.name, name) == 0)
            return list[i];
    return NULL;
}

static struct run_folder folder_of(const char *name)
{
    struct run_folder folder;
    assert_int_equal(run_folder_find_in(&folder, parent, name, &err), 0);
    return folder;
}

static struct fake_folder plain(const char *name)
{
    return fake_folder_done(name, NULL, 3, 94.1);
}

static void make(struct fake_folder fake)
{
    fake_folder_make(parent, &fake);
}

static void test_entries(void **state)
{
    (void)state;
    struct run_catalog_state seen = look();
    assert_int_equal(count, 0);
    assert_string_equal(seen.problem, "");
    make(plain("done"));
    struct fake_folder killed = plain("killed");
    killed.epochs = 5;
    killed.end = -1;
    killed.host = NULL;
    make(killed);
    char path[128];
    snprintf(path, sizeof path, "%s/not-a-run", parent);
    assert_int_equal(folder_make(path, &err), 0);
    seen = look();
    assert_int_equal(count, 2);
    assert_true(seen.known == 2 && seen.found == 2);
    const struct run_entry *e = find("done");
    assert_non_null(e);
    assert_string_equal(e->problem, "");
    assert_string_equal(e->summary.state, "done");
    assert_string_equal(e->summary.preset, "davidnet-79");
    assert_int_equal(e->summary.seed, 3);
    assert_true(e->summary.best_acc == 94.1 && e->summary.bytes > 0);
    assert_int_equal(e->n_epochs, 24);
    assert_true(e->epoch[23] == 24 && e->test_acc[23] == 94.1 && e->train_seconds[23] == 240);
    assert_string_equal(e->data, "abc");
    assert_string_equal(e->machine, "here: cpu, oneDNN 3, f32, 2 threads, avx2");
    e = find("killed");
    assert_string_equal(e->summary.state, "killed");
    assert_int_equal(e->n_epochs, 5);
    assert_string_equal(e->machine, "");
}

static void test_follows_changes(void **state)
{
    (void)state;
    make(plain("a"));
    make(plain("b"));
    struct run_catalog_state first = look(), second = look();
    assert_int_equal(first.generation, second.generation); /* nothing changed, nothing new to draw */
    const struct run_entry *b = find("b");
    struct run_label label = {.n_tags = 0};
    assert_int_equal(run_label_set_note(&label, "the one", &err), 0);
    struct run_folder a = folder_of("a");
    assert_int_equal(run_label_write(&a, &label, &err), 0);
    second = look();
    assert_int_not_equal(first.generation, second.generation);
    assert_string_equal(find("a")->label.note, "the one");
    assert_ptr_equal(find("b"), b); /* not read again */
    assert_int_equal(run_rename(&a, "c", &err), 0);
    look();
    assert_null(find("a"));
    assert_string_equal(find("c")->label.note, "the one");
    assert_int_equal(run_trash(&a, &err), 0);
    look();
    assert_int_equal(count, 1);
}

static void test_follows_a_live_run(void **state)
{
    (void)state;
    struct fake_folder fake = plain("live");
    int lock;
    char path[RUN_PATH_MAX];
    fake.epochs = 2;
    fake.end = -1;
    make(fake);
    struct run_folder folder = folder_of("live");
    look();
    assert_string_equal(find("live")->summary.state, "killed");
    assert_int_equal(run_folder_lock(&folder, &lock, &err), 0); /* alone: no file's time tells */
    look();
    assert_string_equal(find("live")->summary.state, "running");
    struct run_log *log = calloc(1, sizeof *log);
    run_folder_path(&folder, "log", path, sizeof path);
    assert_int_equal(run_log_open(log, path, &err), 0);
    for (uint32_t e = 3; e <= 5; e++) {
        struct record r = {.kind = RECORD_EPOCH, .step = e * 98, .epoch = e};
        r.as.epoch.test_acc = 80 + (float)e;
        assert_int_equal(run_log_append(log, &r, &err), 0);
        look();
        assert_int_equal(find("live")->n_epochs, e);
        assert_true(find("live")->summary.last_acc == 80 + e);
    }
    struct record end = {.kind = RECORD_END, .step = 5 * 98};
    assert_int_equal(run_log_append(log, &end, &err), 0);
    run_log_release(log);
    free(log);
    look();
    assert_string_equal(find("live")->summary.state, "done");
    run_folder_unlock(&lock);
}

/* Whatever the parent is called, a run's path is the one that run_folder_find gives. */
static void test_paths(void **state)
{
    (void)state;
    char link[80];
    make(plain("a"));
    snprintf(link, sizeof link, "%s-link", parent);
    assert_int_equal(symlink(parent, link), 0);
    run_catalog_free(catalog);
    catalog = run_catalog_open(link, &err);
    assert_non_null(catalog);
    look();
    struct run_folder folder = folder_of("a");
    const char *path = count == 1 ? list[0]->folder.path : "";
    unlink(link);
    assert_string_equal(path, folder.path);
}

/* A link to a run elsewhere is a run by the link's name; one to a run that is here is not another run. */
static void test_links(void **state)
{
    (void)state;
    char elsewhere[128], link[160], *real = realpath(parent, NULL);
    struct run_folder *folders, folder;
    int n;
    snprintf(elsewhere, sizeof elsewhere, "%s/.elsewhere", parent);
    assert_int_equal(folder_make(elsewhere, &err), 0);
    struct fake_folder fake = plain("far");
    fake_folder_make(elsewhere, &fake);
    make(plain("near"));
    snprintf(link, sizeof link, "%s/linked", parent);
    assert_int_equal(symlink(".elsewhere/far", link), 0);
    snprintf(link, sizeof link, "%s/alias", parent);
    assert_int_equal(symlink("near", link), 0);
    snprintf(link, sizeof link, "%s/nowhere", parent);
    assert_int_equal(symlink("nothing", link), 0);
    snprintf(link, sizeof link, "%s/.elsewhere/far", real);
    assert_int_equal(run_folder_list(parent, &folders, &n, &err), 0);
    look();
    assert_true(n == 2 && count == 2);
    for (int i = 0; i < n; i++) {
        const struct run_entry *entry = find(folders[i].name);
        assert_non_null(entry);
        assert_string_equal(entry->folder.path, folders[i].path);
        assert_int_equal(run_folder_find_in(&folder, parent, folders[i].name, &err), 0);
        assert_string_equal(folder.path, folders[i].path);
        assert_string_equal(folder.name, folders[i].name);
    }
    assert_string_equal(find("linked")->folder.path, link);
    folder = find("linked")->folder;
    assert_int_equal(run_rename(&folder, "other", &err), -1);
    assert_non_null(strstr(err.text, "linked is a link to"));
    assert_int_equal(run_trash(&folder, &err), -1);
    assert_int_equal(run_folder_find_in(&folder, parent, "alias", &err), 0);
    assert_string_equal(folder.name, "near");
    free(folders);
    free(real);
}

static void test_unreadable(void **state)
{
    (void)state;
    make(plain("good"));
    make(plain("bad"));
    struct run_folder folder = folder_of("bad");
    assert_int_equal(run_folder_replace(&folder, "recipe.ini", "nonsense\n", 9, &err), 0);
    look();
    assert_int_equal(count, 2);
    const struct run_entry *bad = find("bad");
    assert_string_equal(bad->summary.state, "unreadable");
    assert_non_null(strstr(bad->problem, "recipe.ini"));
    assert_true(isnan(bad->summary.best_acc) && bad->summary.bytes == -1);
    assert_string_equal(find("good")->summary.state, "done");
}

static void test_entries_outlive_the_catalog(void **state)
{
    (void)state;
    make(plain("a"));
    look();
    struct run_entry *mine = run_entry_keep(find("a"));
    run_catalog_give_back(list, count);
    list = NULL;
    count = 0;
    run_catalog_free(catalog);
    catalog = NULL;
    assert_string_equal(mine->folder.name, "a");
    assert_true(mine->test_acc[23] == 94.1);
    run_entry_free(mine);
}

static void test_forecast_from_entries(void **state)
{
    (void)state;
    struct forecast f;
    struct forecast_now now = {0, 0, 94};
    struct fake_folder fake = plain("live");
    fake.epochs = 1;
    fake.end = -1;
    make(fake);
    static const char *const names[] = {"r1", "r2", "r3", "r4"};
    for (int i = 0; i < 4; i++) {
        fake = plain(names[i]);
        fake.seed = 10 + i;
        fake.epoch_seconds = 10 + i;
        fake.best = i == 3 ? 93.9 : 94.1;
        make(fake);
    }
    fake = plain("other-recipe");
    fake.set = "cutout=off";
    make(fake);
    fake = plain("stopped");
    fake.end = RUN_END_STOPPED;
    make(fake);
    look();
    assert_int_equal(count, 7);
    const struct run_entry *const *entries = (const struct run_entry *const *)list;
    assert_int_equal(run_entry_forecast(find("live"), entries, count, &now, &f), 0);
    assert_int_equal(f.ground, 1);
    assert_int_equal(f.runs, 4);
    assert_int_equal(f.reached, 3);
    assert_true(f.epoch_low >= 20 && f.epoch_high <= 24);
    assert_true(f.seconds_low == f.epoch_low * 10 && f.seconds_high == f.epoch_high * 12);
    /* One that is done does not forecast itself. */
    assert_int_equal(run_entry_forecast(find("r1"), entries, count, &now, &f), 0);
    assert_int_equal(f.runs, 3);
}

/* Another version's times say nothing; its accuracies do. */
static void test_times_of_another_version(void **state)
{
    (void)state;
    static const char *const names[] = {"r1", "r2", "r3"};
    static const char program[] = "{\"davidnet\": \"9.9.9\", \"family\": \"cpu\", \"library\": \"oneDNN 3\", "
                                  "\"precision\": \"f32\", \"threads\": 2, \"isa\": \"avx2\"}";
    struct forecast f;
    struct forecast_now now = {0, 0, 94};
    struct fake_folder fake = plain("live");
    fake.end = -1;
    make(fake);
    for (int i = 0; i < 3; i++)
        make(plain(names[i]));
    struct run_folder folder = folder_of("r1");
    assert_int_equal(run_folder_replace(&folder, "program.json", program, sizeof program - 1, &err), 0);
    look();
    const struct run_entry *const *entries = (const struct run_entry *const *)list;
    assert_string_equal(find("r1")->machine, find("live")->machine);
    assert_int_equal(run_entry_forecast(find("live"), entries, count, &now, &f), 0);
    assert_int_equal(f.reached, 3);
    assert_true(isnan(f.seconds_low) && isnan(f.seconds_high));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_entries),
        EACH(test_follows_changes),
        EACH(test_follows_a_live_run),
        EACH(test_unreadable),
        EACH(test_paths),
        EACH(test_links),
        EACH(test_entries_outlive_the_catalog),
        EACH(test_forecast_from_entries),
        EACH(test_times_of_another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
