/* The ladder: which runs measure a rung, and the table that the script writes into a README. */
#include "engine/files.h"
#include "engine/ladder.h"
#include "tests/fake_folder.h"
#include "tui/command.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct command command_ladder;

static char parent[64];
static struct error err;
static struct ladder ladder;

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    return mkdtemp(parent) == NULL || ladder_init(&ladder, &err);
}

static int teardown(void **state)
{
    (void)state;
    ladder_release(&ladder);
    return folder_remove(parent, &err);
}

static const struct ladder_rung *find(const char *preset)
{
    for (int i = 0; i < ladder.count; i++)
        if (strcmp(ladder.rung[i].about.name, preset) == 0)
            return &ladder.rung[i];
    fail_msg("%s is no rung", preset);
    return NULL;
}

static void make(const char *name, int64_t seed, double best, int switches, const char *set, int end)
{
    struct fake_folder fake = fake_folder_done(name, set, seed, best);
    fake.end = end;
    if (end != RUN_END_DONE)
        fake.epochs = 3;
    fake.switches = switches;
    if (switches)
        fake.epoch_seconds = 50;
    fake_folder_make(parent, &fake);
}

/* A run of a file that inherits the rung's preset and changes it: listed by the file's name, and no run of the rung. */
static void make_from_file(void)
{
    struct run_folder folder;
    struct run_summary summary;
    struct recipe recipe;
    char path[128];
    struct recipe_request request = {.file = path};
    snprintf(path, sizeof path, "%s/mine.ini", parent);
    static const char text[] = "[recipe]\npreset = davidnet-79\n[tricks]\ncelu = on\n";
    assert_int_equal(file_replace(path, &(struct file_part){text, sizeof text - 1}, 1, &err), 0);
    assert_int_equal(recipe_resolve(&request, &recipe, &err), 0);
    make("of-a-file", 1, 99, 0, NULL, RUN_END_DONE);
    snprintf(path, sizeof path, "%s/of-a-file", parent);
    assert_int_equal(run_folder_at(&folder, path, &err), 0);
    assert_int_equal(run_folder_write_recipe(&folder, "recipe.ini", &recipe, &err), 0);
    assert_int_equal(run_folder_summary(&folder, &summary, &err), 0);
    assert_string_equal(summary.recipe, "mine");
    assert_string_equal(summary.preset, "davidnet-79");
    assert_int_equal(run_folder_create(&folder, parent, NULL, &recipe, &err), 0);
    assert_int_equal(strncmp(folder.name, "mine-2", 6), 0); /* and the date */
    assert_int_equal(folder_remove(folder.path, &err), 0);
}

static void measure(void)
{
    struct run_entry **entries;
    int count;
    assert_int_equal(run_set_read_all(parent, &entries, &count, &err), 0);
    assert_int_equal(ladder_measure(&ladder, entries, count), 0);
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
}

static void test_rungs(void **state)
{
    (void)state;
    assert_true(ladder.count >= 24);
    for (int i = 0; i < ladder.count; i++) {
        assert_int_equal(ladder.rung[i].about.rung, i + 1);
        assert_true(ladder.rung[i].accuracy.n == 0 && isnan(ladder.rung[i].seconds) && ladder.rung[i].epochs > 0);
    }
    assert_true(find("davidnet-79")->about.seconds == 79 && find("tta-26")->about.accuracy == 94.1);
}

static void test_measured(void **state)
{
    (void)state;
    const struct ladder_rung *rung = find("davidnet-79");
    make("synthetic", 1, 99, 0, "data=synthetic:1:2000", RUN_END_DONE);
    make("other", 1, 99, 0, "momentum=0.5", RUN_END_DONE);
    make_from_file();
    measure();
    assert_int_equal(rung->accuracy.n, 0);
    make("stopped", 1, 94, 0, NULL, RUN_END_STOPPED);
    measure();
    assert_true(rung->accuracy.n == 0 && strstr(rung->unfinished, "/stopped") != NULL);
    make("busy", 2, 94.2, 10000, NULL, RUN_END_DONE);
    measure();
    assert_true(rung->accuracy.n == 1 && rung->busy && fabs(rung->seconds - 1200) < 1e-9);
    make("one", 3, 94, 0, NULL, RUN_END_DONE);
    make("two", 4, 93.8, 0, NULL, RUN_END_DONE);
    make("two-again", 4, 93.8, 0, NULL, RUN_END_DONE);
    measure();
    assert_true(rung->accuracy.n == 3 && !rung->busy && fabs(rung->seconds - 240) < 1e-9);
    assert_true(fabs(rung->accuracy.mean - 94) < 1e-6 && rung->reached == 2);
    assert_int_equal(find("davidnet-66")->accuracy.n, 0);
}

/* The script puts the table between the marks, and leaves the rest as it is; it can be called again. */
static void test_table(void **state)
{
    (void)state;
    char readme[128], command[512], *text;
    size_t size;
    const char *bin = getenv("DAVIDNET_BIN");
    if (bin == NULL)
        bin = "./davidnet";
    if (access(bin, X_OK) != 0 || access("tests/ladder.sh", X_OK) != 0) {
        print_message("SKIPPED: no program to make the table with\n");
        skip();
    }
    snprintf(readme, sizeof readme, "%s/README", parent);
    static const char before[] = "above\n<!-- ladder -->\nold\n<!-- end of ladder -->\nbelow\n";
    assert_int_equal(file_replace(readme, &(struct file_part){before, sizeof before - 1}, 1, &err), 0);
    snprintf(command, sizeof command, "DAVIDNET_BIN='%s' LADDER_README='%s' tests/ladder.sh --table", bin, readme);
    setenv("DAVIDNET_RUNS", parent, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own script */
        assert_int_equal(file_read(readme, 1 << 16, &text, &size, &err), 0);
        assert_true(strncmp(text, "above\n<!-- ladder -->\n| preset |", 30) == 0);
        assert_non_null(
            strstr(text, "\n| `davidnet-79` | 24 | 512 | 94.08 | 79 s | 7 of 10 | 3 | 94.00 +-0.50 | 240 s |"));
        assert_non_null(strstr(text, "| `davidnet-66` | 20 | 512 | 93.80 | 66 s | - | - | not measured | - | - |\n"));
        assert_non_null(strstr(text, "\n<!-- end of ladder -->\nbelow\n"));
        assert_null(strstr(text, "old\n"));
        assert_non_null(
            strstr(text, "\nMeasured on cpu, oneDNN 3, f32, 2 threads, avx2.\n")); /* without the host's name */
        free(text);
    }
    assert_int_equal(file_replace(readme, &(struct file_part){"x\n", 2}, 1, &err), 0);
    strcat(command, " 2> /dev/null");
    assert_true(system(command) != 0); /* NOLINT(cert-env33-c) */
}

/* What --run can know to be wrong before it trains anything; said once, not for every rung. */
static void test_run_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *words[6];
        int code;
        const char *says;
    } cases[] = {
        {{"--run", "--data", "synthetic:1:256"}, EXIT_FAILED, "do not count"},
        {{"--run", "--preset", "davidnet-66", "--data", "synthetic:1:256"}, EXIT_FAILED, "do not count"},
        {{"--run", "--preset", "quick"}, EXIT_USAGE, "'quick' is no rung"},
        {{"--run", "--preset", "davidnet-79"}, EXIT_OK, "is measured already, by 3 runs"},
        {{"--run", "--set", "width=8"}, EXIT_FAILED, "as published"},
        {{"--preset", "davidnet-66"}, EXIT_USAGE, "go with --run"},
        {{"--run", "--recipe", "x.ini"}, EXIT_USAGE, "--preset NAME trains one of them"},
    };
    setenv("DAVIDNET_RUNS", parent, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[4096], *argv[8] = {"ladder"};
        int argc = 1, saved = dup(STDERR_FILENO);
        for (; argc <= 6 && argc - 1 < 6 && cases[i].words[argc - 1]; argc++)
            argv[argc] = (char *)cases[i].words[argc - 1];
        FILE *temp = tmpfile();
        dup2(fileno(temp), STDERR_FILENO);
        int code = command_ladder.run(argc, argv);
        fflush(stderr);
        dup2(saved, STDERR_FILENO);
        close(saved);
        rewind(temp);
        text[fread(text, 1, sizeof text - 1, temp)] = '\0';
        fclose(temp);
        const char *first = strstr(text, cases[i].says);
        if (code != cases[i].code || !first || strstr(first + 1, cases[i].says))
            fail_msg("case %zu: code %d, '%s'", i, code, text);
    }
}

/* What `davidnet ladder` writes to a terminal of so many columns; 0: to a pipe. */
static void listed(int columns, char *out, size_t size)
{
    struct winsize ws = {.ws_row = 24, .ws_col = (unsigned short)columns};
    int ends[2] = {-1, -1}, status;
    if (columns) {
        ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
        ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
        assert_true(ends[1] >= 0 && ioctl(ends[1], TIOCSWINSZ, &ws) == 0);
    } else {
        assert_int_equal(pipe(ends), 0);
    }
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *words[] = {"ladder", NULL};
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        int code = command_ladder.run(1, words);
        fflush(NULL);
        _exit(code);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; used < size - 1 && (n = read(ends[0], out + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    out[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The table keeps to the terminal, 80 columns hold all of its own; a pipe has them all. */
static void test_narrow_terminals(void **state)
{
    (void)state;
    static char text[1 << 16];
    setenv("DAVIDNET_RUNS", parent, 1);
    for (int columns = 0; columns <= 120; columns += 20) {
        if (columns == 20) /* taken for a mistake, see columns_width */
            continue;
        listed(columns, text, sizeof text);
        assert_non_null(strstr(text, "davidnet-79"));
        assert_non_null(strstr(text, "94.00 +-0.50 (3)"));
        assert_int_equal(strstr(text, "images/s") != NULL, columns == 0 || columns >= 80);
        assert_int_equal(strstr(text, "time") != NULL, columns == 0 || columns >= 60);
        for (const char *line = text; *line && columns; line += strcspn(line, "\n") + 1)
            assert_in_range(strcspn(line, "\r\n"), 1, (unsigned)columns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rungs),        cmocka_unit_test(test_measured),         cmocka_unit_test(test_table),
        cmocka_unit_test(test_run_refusals), cmocka_unit_test(test_narrow_terminals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
