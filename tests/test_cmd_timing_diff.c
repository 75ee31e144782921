/* `davidnet timing diff` and `--format trace`, called as main would, on folders made here. */
#include "engine/files.h"
#include "engine/run_folder.h"
#include "engine/trace.h"
#include "tests/fake_folder.h"
#include "tests/fake_timing.h"
#include "tui/command.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct command command_timing;

static char parent[64], out_path[96];

static void write_file(const char *run, const char *file, const char *text)
{
    struct run_folder folder;
    struct error err = {""};
    assert_int_equal(run_folder_find_in(&folder, parent, run, &err), 0);
    assert_int_equal(run_folder_replace(&folder, file, text, strlen(text), &err), 0);
}

static void add_times(const char *name, double slower)
{
    struct timing timing;
    struct error err = {""};
    fake_timing(&timing, 0, slower);
    char *text = timing_to_json(&timing, &err);
    assert_non_null(text);
    write_file(name, "timing.json", text);
    free(text);
    timing_release(&timing);
}

static void make_run(const char *name, int64_t seed, double slower, int switches)
{
    fake_folder_make(parent, &(struct fake_folder){.name = name,
                                                   .preset = "quick",
                                                   .seed = seed,
                                                   .epochs = 4,
                                                   .best = 90,
                                                   .epoch_seconds = 10,
                                                   .end = RUN_END_DONE,
                                                   .switches = switches});
    add_times(name, slower);
}

static void make_run_with(const char *name, const char *set)
{
    fake_folder_make(parent, &(struct fake_folder){.name = name,
                                                   .preset = "quick",
                                                   .seed = 9,
                                                   .set = set,
                                                   .epochs = 4,
                                                   .best = 90,
                                                   .epoch_seconds = 10,
                                                   .end = RUN_END_DONE});
    add_times(name, 1);
}

static int enter(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-timing-diff-XXXXXX");
    if (!mkdtemp(parent) || setenv("DAVIDNET_RUNS", parent, 1))
        return -1;
    snprintf(out_path, sizeof out_path, "%s/out", parent);
    make_run("one", 1, 1, 0);
    make_run("two", 2, 1.01, 0);
    make_run("slow-one", 3, 2, 0);
    make_run("slow-two", 4, 2.02, 1 << 20);
    fake_folder_make(parent, &(struct fake_folder){
                                 .name = "untimed", .preset = "quick", .epochs = 1, .epoch_seconds = 1, .end = -1});
    return 0;
}

static int leave(void **state)
{
    (void)state;
    return folder_remove(parent, NULL);
}

/* Runs it with -o; *text (may be NULL) is what it wrote, malloc'ed. Returns the exit code. */
static int call(char **text, const char *const *words)
{
    char copies[12][128], *argv[15] = {0};
    int argc = 0;
    for (; words[argc]; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s", words[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc++] = "-o";
    argv[argc++] = out_path;
    unlink(out_path);
    int code = command_timing.run(argc, argv);
    if (text) {
        size_t size;
        struct error err = {""};
        if (file_read(out_path, 1 << 24, text, &size, &err))
            fail_msg("%s", err.text);
    }
    return code;
}

#define CALL(text, ...) call(text, (const char *const[]){"timing", __VA_ARGS__, NULL})

static void has(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("there is no '%s' in:\n%s", what, text);
}

static void two_runs(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(CALL(&text, "diff", "one", "slow-one"), EXIT_OK);
    has(text, "A  one: cpu, bf16, 2 threads, amx, oneDNN 2.6.3, Some Processor @ 2.50GHz");
    has(text, "B  slow-one: ");
    has(text, "A side is one run, and runs vary by more than steps do");
    has(text, " differs\n");
    assert_null(strstr(text, "slower"));
    assert_null(strstr(text, "Of twenty lines"));
    assert_null(strstr(text, "warning"));
    free(text);
}

/* What the recipes differ by stands in the head; other data are warned of. */
static void recipes_that_differ(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(CALL(&text, "diff", "one", "two"), EXIT_OK);
    has(text, "recipes are the same but for seeds\n");
    free(text);
    make_run_with("narrow", "width=8");
    make_run_with("elsewhere", "data=synthetic:1:2000");
    assert_int_equal(CALL(&text, "diff", "one", "narrow"), EXIT_OK);
    has(text, "recipes differ: width ");
    has(text, " to 8\n");
    assert_null(strstr(text, "warning"));
    free(text);
    assert_int_equal(CALL(&text, "diff", "narrow", "elsewhere", "--format", "json"), EXIT_OK);
    has(text, "data sets differ: the default in A, synthetic:1:2000 in B");
    has(text, "\"differences\":\t\"width 8 to ");
    has(text, ", data default to synthetic:1:2000\"");
    free(text);
}

/* All recipes of a side count: one that is not like the others is named, whichever it is. */
static void sides_that_are_mixed(void **state)
{
    (void)state;
    char *text;
    make_run_with("narrow-2", "width=8");
    make_run_with("far-away", "data=synthetic:1:2000");
    assert_int_equal(CALL(&text, "diff", "one,two,narrow-2", "slow-one,far-away"), EXIT_OK);
    has(text, "recipes of the first run of each side are the same but for seeds\n");
    has(text, "warning: the recipes of A are mixed: from ");
    has(text, "to narrow-2: width ");
    has(text, "warning: the recipes of B are mixed: from slow-one to far-away: data default to synthetic:1:2000\n");
    has(text, "data sets differ: the default in A, synthetic:1:2000 in B\n");
    free(text);
    assert_int_equal(CALL(&text, "diff", "one,two,narrow-2", "slow-*", "--format=csv"), EXIT_OK);
    has(text, "\nmeta,a.mixed,,,,,,,,,,,true\n");
    has(text, "\nmeta,b.mixed,,,,,,,,,,,false\n");
    free(text);
    assert_int_equal(CALL(&text, "diff", "one,two", "slow-*"), EXIT_OK);
    has(text, "\nrecipes are the same but for seeds\n");
    assert_null(strstr(text, "mixed"));
    free(text);
}

static void sets_of_runs(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(CALL(&text, "diff", "one,two", "slow-*", "--format", "csv"), EXIT_OK);
    has(text, "\nmeta,a.run,,,,,,,,,,,two\n");
    has(text, "\nmeta,warning,,,,,,,,,,,\"slow-two was trained on a busy machine");
    has(text, "kind,name,phase,with,only,a_ms,b_ms,change_ms,change_percent,low_ms,high_ms,verdict,value\n");
    has(text, "\nrow,input,augment,,,2.1105,4.221,2.1105,100,"); /* means of 2.1, 2.121; of twice that */
    free(text);
    assert_int_equal(CALL(&text, "diff", "one,two", "slow-*", "--paired", "--format=csv"), EXIT_OK);
    has(text, "\nmeta,paired,,,,,,,,,,,true\n");
    has(text, "\nrow,input,augment,,,2.1105,4.221,2.1105,100,"); /* by 2.1 and 2.121 */
    free(text);
    assert_int_equal(CALL(&text, "diff", "one,two", "slow-*", "--least", "--format=csv"), EXIT_OK);
    has(text, "\nmeta,least,,,,,,,,,,,true\n");
    has(text, "\nrow,input,augment,,,2.004975,4.00995,2.004975,100,"); /* 0.95 of the means */
    free(text);
    assert_int_equal(CALL(&text, "diff", "one", "two", "--format=json"), EXIT_OK);
    has(text, "\"davidnet-timing-diff\"");
    free(text);
}

static void what_cannot_be_compared(void **state)
{
    (void)state;
    assert_int_equal(CALL(NULL, "diff", "one"), EXIT_USAGE);
    assert_int_equal(CALL(NULL, "diff", "one", "two", "slow-one"), EXIT_USAGE);
    assert_int_equal(CALL(NULL, "diff", "one", "two", "--format", "trace"), EXIT_USAGE);
    assert_int_equal(CALL(NULL, "diff", "one", "two", "--paired"), EXIT_FAILED);
    assert_int_equal(CALL(NULL, "one", "--paired"), EXIT_USAGE);
    assert_int_equal(CALL(NULL, "diff", "one", "absent"), EXIT_FAILED);
    assert_int_equal(CALL(NULL, "diff", "one", "untimed"), EXIT_FAILED);
    assert_int_equal(access(out_path, F_OK), -1);
}

/* An ending that is no format's is not written as a table, unless the format is said. */
static void unknown_endings(void **state)
{
    (void)state;
    char before[sizeof out_path], *text;
    strcpy(before, out_path);
    snprintf(out_path, sizeof out_path, "%s/out.foo", parent);
    assert_int_equal(CALL(NULL, "one"), EXIT_USAGE);
    assert_int_equal(CALL(NULL, "diff", "one", "two"), EXIT_USAGE);
    assert_int_equal(access(out_path, F_OK), -1);
    assert_int_equal(CALL(&text, "one", "--format", "table"), EXIT_OK);
    free(text);
    snprintf(out_path, sizeof out_path, "%s/out.txt", parent);
    assert_int_equal(CALL(&text, "diff", "one", "two"), EXIT_OK);
    has(text, "A  one: ");
    free(text);
    strcpy(out_path, before);
}

/* What `timing diff one two` writes to a terminal of that TERM. */
static size_t on_terminal(const char *term, char *out, size_t size)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *words[] = {"timing", "diff", "one", "two", NULL};
        setenv("TERM", term, 1);
        dup2(slave, STDOUT_FILENO);
        int code = command_timing.run(4, words);
        fflush(NULL);
        _exit(code);
    }
    close(slave);
    size_t used = 0;
    for (ssize_t n; used < size - 1 && (n = read(master, out + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    out[used] = '\0';
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(master);
    return used;
}

static void no_codes_for_a_dumb_terminal(void **state)
{
    (void)state;
    static char text[1 << 16];
    assert_true(on_terminal("xterm", text, sizeof text) > 0);
    has(text, "\033[90m");
    assert_true(on_terminal("dumb", text, sizeof text) > 0);
    has(text, "verdict");
    assert_null(strchr(text, '\033'));
}

static void traces_are_checked(void **state)
{
    (void)state;
    static const char good[] = "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"format\":\"" TRACE_FORMAT
                               "\",\"version\":1},\"traceEvents\":[]}\n";
    char *text;
    assert_int_equal(CALL(NULL, "one", "--format", "trace"), EXIT_FAILED); /* it has none */
    write_file("one", "trace.json", "{\"traceEvents\":[]}");
    assert_int_equal(CALL(NULL, "one", "--format", "trace"), EXIT_FAILED);
    assert_int_equal(access(out_path, F_OK), -1);
    write_file("one", "trace.json", good);
    assert_int_equal(CALL(&text, "one", "--format", "trace"), EXIT_OK);
    assert_string_equal(text, good);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_runs),
                                       cmocka_unit_test(recipes_that_differ),
                                       cmocka_unit_test(sides_that_are_mixed),
                                       cmocka_unit_test(sets_of_runs),
                                       cmocka_unit_test(what_cannot_be_compared),
                                       cmocka_unit_test(unknown_endings),
                                       cmocka_unit_test(no_codes_for_a_dumb_terminal),
                                       cmocka_unit_test(traces_are_checked)};
    return cmocka_run_group_tests(tests, enter, leave);
}
