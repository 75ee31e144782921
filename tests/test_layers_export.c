/* The key e of the Layers screen: the times as files in the current folder, on a run's folder made here. */
#include "engine/files.h"
#include "engine/trace.h"
#include "tests/app_hands.h"
#include "tests/fake_folder.h"
#include "tests/fake_timing.h"
#include "tui/free_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char parent[] = "/tmp/davidnet-test-XXXXXX", before[4096];
static struct app *app;

static int enter(void **state)
{
    (void)state;
    struct fake_folder fake = {.name = "shown",
                               .preset = "quick",
                               .seed = 1,
                               .epochs = 4,
                               .best = 90,
                               .epoch_seconds = 10,
                               .end = RUN_END_DONE};
    struct run_folder folder;
    struct run_source source;
    struct timing timing;
    struct error err = {""};
    if (!getcwd(before, sizeof before) || !mkdtemp(parent) || chdir(parent) || setenv("DAVIDNET_RUNS", parent, 1))
        return -1;
    fake_folder_make(parent, &fake);
    fake_timing(&timing, 0, 1);
    char *text = timing_to_json(&timing, &err);
    if (run_folder_find_in(&folder, parent, "shown", &err) ||
        run_folder_replace(&folder, "timing.json", text, strlen(text), &err))
        return -1;
    free(text);
    timing_release(&timing);
    app = calloc(1, sizeof *app);
    if (!app || run_source_open(&source, folder.path, &err))
        return -1;
    app_init(app, source, NULL);
    app->w = 100;
    app->h = 30;
    app_go(app, &screen_layers);
    app_update(app);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    app_release(app);
    free(app);
    return chdir(before) || folder_remove(parent, NULL);
}

static void begins(const char *path, const char *with)
{
    char *text;
    size_t size;
    struct error err = {""};
    if (file_read(path, 1 << 24, &text, &size, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(text, with, strlen(with));
    free(text);
}

static void every_format(void **state)
{
    (void)state;
    static const struct {
        const char *key, *path, *begins;
    } cases[] = {{"p", "timing-shown.pdf", "%PDF-"},
                 {"g", "timing-shown.png", "\x89PNG"},
                 {"s", "timing-shown.svg", "<?xml"},
                 {"c", "timing-shown.csv", ""},
                 {"j", "timing-shown.json", "{\"format\":\"davidnet-timing\""},
                 {"t", "timing-shown.txt", ""},
                 {"Enter", "timing-shown-2.pdf", "%PDF-"}}; /* the first one stays */
    assert_int_equal(app->layers.state, LAYERS_READY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char said[128];
        app_press(app, "e");
        assert_true(app_shows(app, "Export the times") && app_shows(app, "PDF, a figure for a report"));
        assert_true(app_shows(app, "As timing-shown.pdf and so on, into"));
        assert_true(app_shows(app, parent));
        app_press(app, cases[i].key);
        snprintf(said, sizeof said, "the times are in %s, folder %s", cases[i].path, parent);
        assert_true(app_shows(app, said));
        begins(cases[i].path, cases[i].begins);
    }
    app_press(app, "e");
    app_press(app, "Esc");
    assert_false(app_shows(app, "Export the times"));
    assert_int_not_equal(access("timing-shown-3.pdf", F_OK), 0);
}

/* The trace is the run's file, checked; a run without one, or with a broken one, says so. */
static void trace(void **state)
{
    (void)state;
    static const char text[] = "{\"displayTimeUnit\": \"ms\", \"otherData\": {\"format\": \"davidnet-trace\", "
                               "\"version\": 1}, \"traceEvents\": []}\n";
    struct run_folder folder;
    struct error err = {""};
    app_press(app, "e");
    app_press(app, "r");
    assert_true(app_shows(app, "run shown has no trace"));
    assert_int_equal(run_folder_find_in(&folder, parent, "shown", &err), 0);
    assert_int_equal(run_folder_replace(&folder, "trace.json", "[", 1, &err), 0);
    app_press(app, "e");
    app_press(app, "r");
    assert_true(app_shows(app, "trace.json"));
    assert_int_not_equal(access("trace-shown.json", F_OK), 0);
    if (trace_check(text, "text", &err))
        fail_msg("%s", err.text);
    assert_int_equal(run_folder_replace(&folder, "trace.json", text, strlen(text), &err), 0);
    app_press(app, "e");
    app_press(app, "r");
    assert_true(app_shows(app, "the trace is in trace-shown.json"));
    begins("trace-shown.json", text);
}

/* Where nothing can be written it says so. */
static void no_place(void **state)
{
    (void)state;
    assert_int_equal(mkdir("gone", 0755), 0);
    assert_int_equal(chdir("gone"), 0);
    assert_int_equal(rmdir("../gone"), 0);
    app_press(app, "e");
    app_press(app, "s");
    assert_true(app_shows(app, "timing-shown.svg: "));
    assert_int_equal(chdir(parent), 0);
}

/* What is there stays, be it a link that leads nowhere; and where all names are taken nothing is written. */
static void what_is_there_stays(void **state)
{
    (void)state;
    char path[32], target[16];
    assert_int_equal(symlink("nowhere", "x.pdf"), 0);
    struct error err = {""};
    assert_int_equal(free_path("x", "pdf", path, sizeof path, &err), 0);
    assert_string_equal(path, "x-2.pdf");
    for (int i = 2; i < 1000; i++) {
        snprintf(path, sizeof path, "x-%d.pdf", i);
        assert_int_equal(symlink("nowhere", path), 0);
    }
    assert_int_equal(free_path("x", "pdf", path, sizeof path, &err), -1);
    assert_non_null(strstr(err.text, "x.pdf to x-999.pdf are there already"));
    assert_int_equal(free_path("much-too-long-a-name-for-what-there-is", "pdf", target, sizeof target, &err), -1);
}

/* The keys stay in sight under a message that takes several rows, at small sizes, too. */
static void long_messages_leave_the_footer(void **state)
{
    (void)state;
    static const int sizes[][2] = {{80, 24}, {40, 12}, {100, 30}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        app->w = sizes[i][0];
        app->h = sizes[i][1];
        app_say(app, "against davidnet-79-20260301-101500-again, these two runs only; mind: the machines differ; "
                     "recipes differ: width 8 to 16, seed 1 to 2, and the last word of it");
        assert_true(app_shows(app, "against") && app_shows(app, "davidnet-79"));
        assert_true(app_shows(app, "q quit"));
        assert_true(app_shows(app, "? help"));
        assert_true(app_shows(app, "of it\n"));
        app_say(app, "said");
        assert_true(app_shows(app, "q quit") && app_shows(app, "said"));
    }
    app->w = 100;
    app->h = 30;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format),
        cmocka_unit_test(trace),
        cmocka_unit_test(no_place),
        cmocka_unit_test(what_is_there_stays),
        cmocka_unit_test(long_messages_leave_the_footer),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
