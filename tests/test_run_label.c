/* Notes, tags, renaming, the trash: on real folders. */
#include "engine/files.h"
#include "engine/run_label.h"
#include "engine/run_move.h"
#include "tests/fake_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char parent[64];
static struct error err;

static struct run_folder make(const char *name)
{
    struct fake_folder fake = {.name = name, .preset = "quick", .epochs = 1, .best = 90, .epoch_seconds = 1, .end = -1};
    struct run_folder folder;
    fake_folder_make(parent, &fake);
    assert_int_equal(run_folder_find_in(&folder, parent, name, &err), 0);
    return folder;
}

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    return mkdtemp(parent) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return folder_remove(parent, &err);
}

static int exists(const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", parent, name);
    return stat(path, &st) == 0;
}

static const char *tags_of(const struct run_label *label)
{
    static char text[RUN_TAGS_TEXT_MAX];
    return run_label_tags(label, text, sizeof text);
}

static void test_tags(void **state)
{
    (void)state;
    struct run_label label = {.n_tags = 0};
    assert_int_equal(run_label_change(&label, "+fast", &err), 0);
    assert_int_equal(run_label_change(&label, "v1.2", &err), 0);
    assert_int_equal(run_label_change(&label, "+fast", &err), 0);
    assert_string_equal(tags_of(&label), "fast v1.2");
    assert_int_equal(run_label_change(&label, "-fast", &err), 0);
    assert_int_equal(run_label_change(&label, "-never", &err), 0);
    assert_string_equal(tags_of(&label), "v1.2");
    assert_true(run_label_has(&label, "v1.2") && !run_label_has(&label, "fast"));
    static const char *const bad[] = {
        "", "+", "a", "+-a", "two words", "\xC3\xA9t\xC3\xA9", "-", "_x", "a\tb", "abcdefghijklmnopqrstuvwxyzabcdef"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (run_label_change(&label, bad[i], &err) == 0)
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(run_label_set_tags(&label, "  one,two  one three ", &err), 0);
    assert_string_equal(tags_of(&label), "one two three");
    assert_int_equal(run_label_set_tags(&label, "four -five", &err), -1);
    assert_string_equal(tags_of(&label), "one two three");
    for (int i = label.n_tags; i < RUN_TAGS_MAX; i++) {
        char tag[16];
        snprintf(tag, sizeof tag, "t%d", i);
        assert_int_equal(run_label_change(&label, tag, &err), 0);
    }
    assert_int_equal(run_label_change(&label, "more", &err), -1);
}

static void test_note(void **state)
{
    (void)state;
    struct run_label label = {.n_tags = 0};
    char long_text[RUN_NOTE_MAX + 8];
    assert_int_equal(run_label_set_note(&label, " \tfirst\nsecond \x1b[31m \xE2\x82\xAC \n", &err), 0);
    assert_string_equal(label.note, "first second  [31m \xE2\x82\xAC");
    assert_int_equal(run_label_set_note(&label, "bad \xFF byte", &err), -1);
    assert_int_equal(run_label_set_note(&label, "cut \xE2\x82", &err), -1);
    assert_int_equal(run_label_set_note(&label, "C1 \xC2\x9B", &err), 0);
    assert_string_equal(label.note, "C1");
    memset(long_text, 'x', sizeof long_text);
    long_text[RUN_NOTE_MAX] = '\0';
    assert_int_equal(run_label_set_note(&label, long_text, &err), -1);
    long_text[RUN_NOTE_MAX - 1] = '\0';
    assert_int_equal(run_label_set_note(&label, long_text, &err), 0);
    assert_int_equal(run_label_set_note(&label, "", &err), 0);
    assert_string_equal(label.note, "");
}

static void write_label(const struct run_folder *folder, const char *text)
{
    assert_int_equal(run_folder_replace(folder, "label.json", text, strlen(text), &err), 0);
}

static void test_label_is_in_the_folder(void **state)
{
    (void)state;
    struct run_folder a = make("a"), b;
    struct run_label label;
    char command[256];
    assert_int_equal(run_label_read(&a, &label, &err), 0);
    assert_true(label.n_tags == 0 && label.note[0] == '\0');
    assert_int_equal(run_label_set_note(&label, "lr \"0.4\" \\ \xE2\x82\xAC", &err), 0);
    assert_int_equal(run_label_set_tags(&label, "fast baseline", &err), 0);
    assert_int_equal(run_label_write(&a, &label, &err), 0);
    /* A copy of the folder has it too. */
    snprintf(command, sizeof command, "cp -r %s/a %s/b", parent, parent);
    assert_int_equal(system(command), 0);
    assert_int_equal(run_folder_find_in(&b, parent, "b", &err), 0);
    assert_int_equal(run_label_read(&b, &label, &err), 0);
    assert_string_equal(label.note, "lr \"0.4\" \\ \xE2\x82\xAC");
    assert_string_equal(tags_of(&label), "fast baseline");

    static const char *const damaged[] = {"",
                                          "[]",
                                          "{\"format\": \"other\"}",
                                          "{\"format\": \"davidnet-label\", \"tags\": [3]}",
                                          "{\"format\": \"davidnet-label\", \"tags\": [\"-x\"]}",
                                          "{\"format\": \"davidnet-label\", \"version\": 2, \"tags\": []}"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        write_label(&a, damaged[i]);
        assert_int_equal(run_label_read(&a, &label, &err), -1);
        assert_non_null(strstr(err.text, "label.json"));
        assert_int_equal(label.n_tags, 0);
    }
    label = (struct run_label){.n_tags = 0};
    assert_int_equal(run_label_write(&a, &label, &err), 0);
    assert_false(exists("a/label.json"));
    assert_int_equal(run_label_write(&a, &label, &err), 0);
}

/* The same file, whether the disk was waited for or not. */
static void test_label_without_waiting(void **state)
{
    (void)state;
    struct run_folder a = make("a");
    struct run_label label = {.n_tags = 0}, again;
    char path[160];
    assert_int_equal(run_label_set_tags(&label, "fast", &err), 0);
    assert_int_equal(run_label_write_unsynced(&a, &label, &err), 0);
    assert_int_equal(run_label_read(&a, &again, &err), 0);
    assert_string_equal(tags_of(&again), "fast");
    snprintf(path, sizeof path, "%s/a/label.json", parent);
    file_sync(path);
    label.n_tags = 0;
    assert_int_equal(run_label_write_unsynced(&a, &label, &err), 0);
    assert_false(exists("a/label.json"));
    file_sync(path); /* of a file that is gone: its folder */
    struct run_folder none = {.path = "/nonexistent", .name = "nonexistent"};
    strcpy(label.note, "x");
    assert_int_equal(run_label_write_unsynced(&none, &label, &err), -1);
}

static void test_rename(void **state)
{
    (void)state;
    struct run_folder a = make("a"), b = make("b"), live = make("live");
    int lock;
    assert_int_equal(run_rename(&a, "b", &err), -1);
    assert_non_null(strstr(err.text, "already"));
    assert_int_equal(run_rename(&a, "a", &err), -1);
    assert_int_equal(run_rename(&a, "../c", &err), -1);
    assert_int_equal(run_rename(&a, ".c", &err), -1);
    assert_string_equal(a.name, "a");
    assert_int_equal(run_folder_lock(&live, &lock, &err), 0);
    assert_int_equal(run_rename(&live, "dead", &err), -1);
    assert_non_null(strstr(err.text, "training in process"));
    assert_true(exists("live") && exists("a") && exists("b/recipe.ini"));
    run_folder_unlock(&lock);
    assert_int_equal(run_rename(&live, "dead", &err), 0);
    assert_string_equal(live.name, "dead");
    assert_true(exists("dead/recipe.ini") && !exists("live"));
    assert_int_equal(run_folder_find_in(&b, parent, "dead", &err), 0);
    assert_string_equal(b.path, live.path);
    /* A folder that is no run is not replaced either, be it empty. */
    char path[128];
    snprintf(path, sizeof path, "%s/empty", parent);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(run_rename(&live, "empty", &err), -1);
    assert_true(exists("dead"));
}

static void test_trash(void **state)
{
    (void)state;
    struct run_folder *list, first = make("a"), second, found;
    int count, lock;
    assert_int_equal(run_trash_find(&found, parent, "last", &err), -1);
    assert_int_equal(run_folder_lock(&first, &lock, &err), 0);
    assert_int_equal(run_trash(&first, &err), -1);
    assert_int_equal(run_purge(&first, &err), -1);
    assert_true(exists("a"));
    run_folder_unlock(&lock);
    assert_int_equal(run_trash(&first, &err), 0);
    assert_true(exists(".trash/a/recipe.ini") && !exists("a"));
    assert_int_equal(run_trash(&first, &err), -1);
    second = make("a");
    assert_int_equal(run_trash(&second, &err), 0);
    assert_string_equal(second.name, "a~2");
    assert_int_equal(run_folder_list(parent, &list, &count, &err), 0);
    assert_int_equal(count, 0);
    free(list);
    assert_int_equal(run_trash_find(&found, parent, "last", &err), 0);
    assert_string_equal(found.path, second.path);
    assert_int_equal(run_trash_find(&found, parent, "../a", &err), -1);

    assert_int_equal(run_folder_lock(&second, &lock, &err), 0);
    assert_int_equal(run_restore(&second, &err), -1);
    assert_non_null(strstr(err.text, "is training in process"));
    assert_true(exists(".trash/a~2") && !exists("a"));
    run_folder_unlock(&lock);
    assert_int_equal(run_restore(&second, &err), 0);
    assert_string_equal(second.name, "a");
    assert_true(exists("a/log") && !exists(".trash/a~2"));
    assert_int_equal(run_restore(&second, &err), -1); /* it is not in the trash */
    assert_int_equal(run_trash_find(&found, parent, "a", &err), 0);
    assert_int_equal(run_restore(&found, &err), -1); /* there is an a again */
    assert_true(exists(".trash/a"));
    assert_int_equal(run_purge(&found, &err), 0);
    assert_int_equal(run_purge(&second, &err), 0);
    assert_false(exists(".trash/a") || exists("a"));
    assert_int_equal(run_folder_list(parent, &list, &count, &err), 0);
    assert_int_equal(count, 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),      cmocka_unit_test(test_note), EACH(test_label_is_in_the_folder),
        EACH(test_label_without_waiting), EACH(test_rename),           EACH(test_trash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
