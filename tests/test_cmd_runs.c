/* The commands about runs, called as main would, on runs made here. */
#include "engine/checkpoint.h"
#include "engine/files.h"
#include "engine/timing.h"
#include "tests/fake_timing.h"
#include "tui/command.h"
#include "tui/run_report.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <math.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct command command_runs, command_show, command_curves, command_timing, command_note, command_tag,
    command_rename, command_rm;

static char parent[64];
static struct recipe recipe;
static struct run_log run_log;

#define LONG_NAME "a-name-that-is-longer-than-any-column-of-the-table-of-runs-can-be"

static void append(struct record r)
{
    struct error err = {""};
    assert_int_equal(run_log_append(&run_log, &r, &err), 0);
}

/* Two epochs of two steps each, stopped in the third. */
static void make_run(const char *name)
{
    struct run_folder folder;
    struct error err = {""};
    char path[RUN_PATH_MAX];
    assert_int_equal(run_folder_create(&folder, parent, name, &recipe, &err), 0);
    run_folder_path(&folder, "log", path, sizeof path);
    assert_int_equal(run_log_open(&run_log, path, &err), 0);
    struct record start = {.kind = RECORD_START};
    start.as.start.steps = 48;
    start.as.start.steps_per_epoch = 2;
    start.as.start.epochs = 24;
    start.as.start.target = 94;
    append(start);
    for (uint32_t step = 1; step <= 5; step++) {
        struct record r = {.kind = RECORD_STEP, .step = step, .epoch = (step + 1) / 2};
        r.as.step.lr = 0.1 * step;
        r.as.step.loss = step == 4 ? (double)NAN : 2.0 / step;
        r.as.step.accuracy = 57.28f;
        r.as.step.train_seconds = 100 * step;
        append(r);
        if (step % 2 != 0)
            continue;
        struct record e = {.kind = RECORD_EPOCH, .step = step, .epoch = step / 2};
        e.as.epoch.lr = 0.1 * step;
        e.as.epoch.test_acc = step == 2 ? 93.71f : (float)NAN;
        e.as.epoch.test_loss = step == 2 ? 0.25 : (double)NAN;
        e.as.epoch.train_seconds = 100 * step;
        append(e);
    }
    struct record end = {.kind = RECORD_END, .step = 5};
    end.as.end.how = RUN_END_STOPPED;
    strcpy(end.as.end.text, "stopped \x1b[31mhere \xc2\x9b"
                            "7m");
    append(end);
    run_log_release(&run_log);
}

static int setup(void **state)
{
    (void)state;
    struct error err = {""};
    struct recipe_request request = {.preset = "davidnet-79", .n_sets = 1, .sets = {"seed=7"}};
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    if (mkdtemp(parent) == NULL || recipe_resolve(&request, &recipe, &err) < 0)
        return -1;
    setenv("DAVIDNET_RUNS", parent, 1);
    make_run("short");
    make_run(LONG_NAME);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct error err = {""};
    return folder_remove(parent, &err);
}

static char output[65536], errors[4096];

static FILE *redirect(FILE *stream, int *saved)
{
    FILE *temp = tmpfile();
    fflush(stream);
    *saved = dup(fileno(stream));
    dup2(fileno(temp), fileno(stream));
    return temp;
}

static void restore(FILE *stream, int saved, FILE *temp, char *out, size_t size)
{
    fflush(stream);
    dup2(saved, fileno(stream));
    close(saved);
    rewind(temp);
    size_t n = fread(out, 1, size - 1, temp);
    out[n] = '\0';
    fclose(temp);
}

/* Runs a command; what it wrote is in output and errors. */
static int call(const struct command *command, int argc, const char *const *words)
{
    char *argv[8];
    int out, err;
    for (int i = 0; i < argc; i++)
        argv[i] = (char *)words[i];
    argv[argc] = NULL;
    FILE *out_file = redirect(stdout, &out), *err_file = redirect(stderr, &err);
    int code = command->run(argc, argv);
    restore(stdout, out, out_file, output, sizeof output);
    restore(stderr, err, err_file, errors, sizeof errors);
    return code;
}

#define CALL(command, ...)                                                                                             \
    call(&command, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),                                 \
         (const char *const[]){__VA_ARGS__})

/* The same, with a terminal of 80 columns to write to: the output must fit into the kernel's buffer. */
static void call_on_terminal(const struct command *command, int argc, const char *const *words)
{
    char *argv[8];
    int master, slave, saved = dup(STDOUT_FILENO);
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    memcpy(argv, words, (size_t)argc * sizeof *argv);
    argv[argc] = NULL;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    fflush(stdout);
    dup2(slave, STDOUT_FILENO);
    int code = command->run(argc, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    fcntl(master, F_SETFL, O_NONBLOCK);
    size_t n = 0, kept = 0;
    for (ssize_t got; (got = read(master, output + n, sizeof output - 1 - n)) > 0;)
        n += (size_t)got;
    for (size_t i = 0; i < n; i++)
        if (output[i] != '\r')
            output[kept++] = output[i];
    output[kept] = '\0';
    close(slave);
    close(master);
    assert_int_equal(code, EXIT_OK);
}

static void has(const char *text)
{
    if (strstr(output, text) == NULL)
        fail_msg("no '%s' in:\n%s", text, output);
}

static void fits_80_columns(void)
{
    for (const char *line = output; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        if (n > 80 || (n > 0 && line[n - 1] == ' '))
            fail_msg("%zu columns, or a blank at its end: '%.*s'", n, (int)n, line);
        line += n + (line[n] == '\n');
    }
}

static double at(const cJSON *array, int index)
{
    const cJSON *item = cJSON_GetArrayItem(array, index);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static void runs_lists_them(void **state)
{
    (void)state;
    assert_int_equal(CALL(command_runs, "runs"), EXIT_OK);
    fits_80_columns();
    has("short ");
    has(LONG_NAME "\n");
    has("stopped");
    has("2.5/24");
    has("93.71");
    has("8:20");
    assert_int_equal(CALL(command_runs, "runs", "--json"), EXIT_OK);
    cJSON *json = cJSON_Parse(output);
    assert_int_equal(cJSON_GetArraySize(json), 2);
    const cJSON *first = cJSON_GetArrayItem(json, 0);
    assert_string_equal(cJSON_GetObjectItem(first, "run")->valuestring, LONG_NAME); /* the newest */
    assert_true(cJSON_GetObjectItem(first, "best_acc")->valuedouble == 93.71);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(first, "seconds_to_target")));
    assert_true(cJSON_GetObjectItem(first, "seed")->valuedouble == 7);
    cJSON_Delete(json);

    assert_int_equal(CALL(command_runs, "runs", "--out=/nonexistent"), EXIT_OK);
    has("no runs in /nonexistent");
    assert_int_equal(CALL(command_runs, "runs", "--json", "--out", "/nonexistent"), EXIT_OK);
    assert_string_equal(output, "[]\n");
    assert_int_equal(CALL(command_runs, "runs", "--out"), EXIT_USAGE);
    assert_int_equal(CALL(command_runs, "runs", "what"), EXIT_USAGE);
}

static void a_bad_run_does_not_hide_the_others(void **state)
{
    (void)state;
    struct run_folder folder;
    struct error err = {""};
    assert_int_equal(run_folder_find(&folder, "short", &err), 0);
    assert_int_equal(run_folder_replace(&folder, "recipe.ini", "nonsense = 1\n", 13, &err), 0);
    assert_int_equal(CALL(command_runs, "runs"), EXIT_FAILED);
    has(LONG_NAME);
    assert_non_null(strstr(errors, "recipe.ini"));
}

/* A recipe file's name is cut between characters, and the columns behind it stand where they stand for others. */
static void names_of_recipes_are_cut_between_characters(void **state)
{
    (void)state;
    struct error err = {""};
    char path[RUN_PATH_MAX];
    struct run_folder folder;
    strcpy(recipe.name, "Pr\xc3\xbc"
                        "fst\xc3\xbc"
                        "cke \xc3\x9f\xc3\x9f\xc3\x9f");
    make_run("named");
    recipe.name[0] = '\0';
    assert_int_equal(CALL(command_runs, "runs"), EXIT_OK);
    const char *line = strstr(output, "\nnamed "), *other = strstr(output, "\nshort ");
    assert_true(line && other);
    const char *cut = strstr(line, "Pr\xc3\xbc"
                                   "fst\xc3\xbc"
                                   "cke ~"),
               *seed = strstr(line, " 7 ");
    assert_true(cut && seed);
    assert_int_equal(seed - line, strstr(other, " 7 ") - other + 2); /* two letters of two bytes */
    if (run_folder_find_in(&folder, parent, "named", &err))
        fail_msg("%s", err.text);
    run_folder_path(&folder, "recipe.ini", path, sizeof path);
    assert_int_equal(CALL(command_curves, "curves", "--recipe", path, "--format", "csv"), EXIT_OK);
    has("\nPr\xc3\xbc"
        "fst\xc3\xbc"
        "cke \xc3\x9f\xc3\x9f\xc3\x9f,0,");
    assert_int_equal(folder_remove(folder.path, &err), 0);
}

static void show_tells_all(void **state)
{
    (void)state;
    assert_int_equal(CALL(command_show, "show", "short"), EXIT_OK);
    has("short, started 20");
    has("davidnet train --preset davidnet-79");
    has("--seed 7");
    has("93.71");
    has("stopped at step 5 of 48, epoch 2.50 of 24.00");
    has("stopped ?[31mhere ?7m"); /* no escape codes from files */
    has("davidnet resume short");
    has("recipe.ini");
    assert_int_equal(CALL(command_show, "show", "short", "--json"), EXIT_OK);
    cJSON *json = cJSON_Parse(output);
    const cJSON *epochs = cJSON_GetObjectItem(json, "epochs_logged");
    assert_int_equal(cJSON_GetArraySize(epochs), 2);
    assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(epochs, 0), "test_acc")->valuedouble == 93.71);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(epochs, 1), "test_acc")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "checkpoints")), 0);
    cJSON_Delete(json);
    assert_int_equal(CALL(command_show, "show", "absent"), EXIT_FAILED);
    assert_non_null(strstr(errors, "absent"));
    assert_int_equal(CALL(command_show, "show"), EXIT_USAGE);
    assert_int_equal(CALL(command_show, "show", "short", "last"), EXIT_USAGE);
}

/* The table and the lines below it tell the same clocks in the same way, and nothing has a unit that is not known. */
static void show_tells_each_clock_once(void **state)
{
    (void)state;
    struct run_folder folder;
    struct error err = {""};
    char path[RUN_PATH_MAX];
    assert_int_equal(run_folder_create(&folder, parent, "clocks", &recipe, &err), 0);
    run_folder_path(&folder, "log", path, sizeof path);
    assert_int_equal(run_log_open(&run_log, path, &err), 0);
    append((struct record){.kind = RECORD_START, .as.start = {.steps = 2, .steps_per_epoch = 2, .epochs = 1}});
    struct record epoch = {.kind = RECORD_EPOCH, .step = 2, .epoch = 1};
    epoch.as.epoch.train_seconds = 5.09;
    epoch.as.epoch.wall_seconds = 23.057;
    epoch.as.epoch.test_acc = (float)NAN;
    append(epoch);
    struct record end = {.kind = RECORD_END, .step = 2, .as.end = {.how = RUN_END_STOPPED}};
    append(end);
    assert_int_equal(CALL(command_show, "show", "clocks"), EXIT_OK);
    has("  5.0 s  23.0 s ");
    has("trained for 5.0 s, 23.0 s by the clock"); /* a log of before the end had a clock of its own */
    has("; not evaluated yet\n");
    assert_null(strstr(output, "- %"));
    end.as.end.wall_seconds = 23.26; /* with the last checkpoint */
    append(end);
    run_log_release(&run_log);
    assert_int_equal(CALL(command_show, "show", "clocks"), EXIT_OK);
    has("  5.0 s  23.0 s ");
    has("trained for 5.0 s, 23.2 s by the clock");
    assert_int_equal(CALL(command_show, "show", "short"), EXIT_OK);
    has("best test accuracy 93.71 %\n");
}

static void notes_and_tags(void **state)
{
    (void)state;
    assert_int_equal(CALL(command_note, "note", "short", "two", "words"), EXIT_OK);
    assert_string_equal(output, "two words\n");
    assert_int_equal(CALL(command_note, "note", "short"), EXIT_OK);
    assert_string_equal(output, "two words\n");
    assert_int_equal(CALL(command_tag, "tag", "short", "+fast", "+baseline", "-never"), EXIT_OK);
    assert_string_equal(output, "fast baseline\n");
    assert_int_equal(CALL(command_tag, "tag", "short", "+ok", "+not/ok"), EXIT_FAILED);
    assert_int_equal(
        CALL(command_tag, "tag", LONG_NAME, "a-tag-that-is-as-long-as-can-be", "and-another-of-that-length-here"),
        EXIT_OK);
    assert_int_equal(CALL(command_runs, "runs"), EXIT_OK);
    fits_80_columns();
    has("fast baseline\n");
    has("\n  a-tag-that-is-as-long-as-can-be and-another-of-that-length-here\n");
    assert_int_equal(CALL(command_runs, "runs", "--tag", "baseline"), EXIT_OK);
    has("short ");
    assert_null(strstr(output, LONG_NAME));
    assert_int_equal(CALL(command_runs, "runs", "--tag=+baseline", "--json"), EXIT_OK);
    cJSON *tagged = cJSON_Parse(output);
    assert_int_equal(cJSON_GetArraySize(tagged), 1);
    cJSON_Delete(tagged);
    assert_int_equal(CALL(command_runs, "runs", "--tag", "base"), EXIT_OK); /* a whole one */
    has("has the tag 'base'.\n");
    assert_int_equal(CALL(command_show, "show", "short"), EXIT_OK);
    has("\ntags: fast baseline\nnote: two words\n");
    assert_int_equal(CALL(command_show, "show", "short", "--json"), EXIT_OK);
    cJSON *json = cJSON_Parse(output);
    assert_string_equal(cJSON_GetObjectItem(json, "note")->valuestring, "two words");
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tags"), 1)->valuestring, "baseline");
    cJSON_Delete(json);
    assert_int_equal(CALL(command_note, "note", "short", ""), EXIT_OK);
    assert_string_equal(output, "");
    assert_int_equal(CALL(command_tag, "tag", "short", "-fast", "-baseline"), EXIT_OK);
    assert_string_equal(output, "");
    assert_int_equal(CALL(command_runs, "runs", "--json"), EXIT_OK);
    json = cJSON_Parse(output);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetArrayItem(json, 1), "tags")), 0);
    cJSON_Delete(json);
    assert_int_equal(CALL(command_note, "note"), EXIT_USAGE);
    assert_int_equal(CALL(command_tag, "tag", "absent", "+ok"), EXIT_FAILED);
}

static void names_and_the_trash(void **state)
{
    (void)state;
    assert_int_equal(CALL(command_rename, "rename", "short", LONG_NAME), EXIT_FAILED);
    assert_int_equal(CALL(command_rename, "rename", "short", "brief"), EXIT_OK);
    assert_int_equal(CALL(command_show, "show", "brief"), EXIT_OK);
    assert_int_equal(CALL(command_rename, "rename", "brief"), EXIT_USAGE);
    assert_int_equal(CALL(command_rm, "rm"), EXIT_USAGE);
    assert_int_equal(CALL(command_rm, "rm", "brief", "--force"), EXIT_USAGE);
    assert_int_equal(CALL(command_rm, "rm", "brief", "--purge", "--restore"), EXIT_USAGE);
    assert_int_equal(CALL(command_rm, "rm", "absent", "brief"), EXIT_FAILED);
    has("/.trash/brief\n"); /* the other one went */
    assert_non_null(strstr(errors, "absent"));
    assert_int_equal(CALL(command_show, "show", "brief"), EXIT_FAILED);
    assert_int_equal(CALL(command_rm, "rm", "--restore", "last"), EXIT_OK);
    assert_string_equal(output, "brief is back\n");
    assert_int_equal(CALL(command_rm, "rm", "brief"), EXIT_OK);
    char where[256] = ""; /* the path that it says can be given back */
    assert_int_equal(sscanf(output, "moved to %255s", where), 1);
    assert_int_equal(CALL(command_rm, "rm", "--restore", where), EXIT_OK);
    assert_string_equal(output, "brief is back\n");
    assert_int_equal(CALL(command_rm, "rm", "--restore", "./brief"), EXIT_FAILED);
    assert_int_equal(CALL(command_rm, "rm", "brief"), EXIT_OK);
    assert_int_equal(CALL(command_rm, "rm", "--purge", "brief", LONG_NAME), EXIT_OK); /* from the trash, too */
    has("brief is removed\n");
    assert_int_equal(CALL(command_rm, "rm", "--purge", "brief"), EXIT_FAILED);
    assert_int_equal(CALL(command_rm, "rm", "--restore", "brief"), EXIT_FAILED);
    assert_int_equal(CALL(command_runs, "runs"), EXIT_OK);
    has("no runs in");
    assert_int_equal(CALL(command_rm, "rm", "--restore", "last"), EXIT_FAILED);
}

static void curves_as_csv(void **state)
{
    (void)state;
    assert_int_equal(CALL(command_curves, "curves", "short", LONG_NAME), EXIT_OK);
    has("run,kind,step,epoch,lr,train_loss,train_acc,test_loss,test_acc,train_seconds,wall_seconds,name,value\n");
    has("\nshort,step,1,0.5,0.1,2,57.28,,,100,0,,\n");
    has("\nshort,step,4,2,0.4,,57.28,,,400,0,,\n"); /* NaN: nothing there */
    has("\nshort,epoch,2,1,0.2,0,0,0.25,93.71,200,0,,\n");
    has("\n" LONG_NAME ",step,5,");
    int lines = 0;
    for (const char *line = output; line[0] != '\0'; line += strcspn(line, "\n") + 1)
        lines += strncmp(line + strcspn(line, ","), ",meta,", 6) != 0;
    assert_int_equal(lines, 1 + 2 * (5 + 2)); /* beside those that say whose they are */
}

static void curves_as_json(void **state)
{
    (void)state;
    char path[128];
    struct error err = {""};
    snprintf(path, sizeof path, "%s/curves.json", parent);
    assert_int_equal(CALL(command_curves, "curves", "short", "--format=json", "-o", path), EXIT_OK);
    char said[sizeof path + 1];
    snprintf(said, sizeof said, "%s\n", path);
    assert_string_equal(output, said); /* what was written */
    assert_int_equal(CALL(command_curves, "curves", "short", "--json", "-o", "/dev/null"), EXIT_OK);
    assert_string_equal(output, "");
    char *text;
    size_t size;
    assert_int_equal(file_read(path, 1 << 20, &text, &size, &err), 0);
    cJSON *json = cJSON_Parse(text);
    free(text);
    assert_string_equal(cJSON_GetObjectItem(json, "format")->valuestring, "davidnet-curves");
    assert_true(cJSON_GetObjectItem(json, "version")->valuedouble == 1);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "runs"), 0);
    const cJSON *steps = cJSON_GetObjectItem(run, "steps"), *epochs = cJSON_GetObjectItem(run, "epochs");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(steps, "lr")), 5);
    assert_true(at(cJSON_GetObjectItem(steps, "train_loss"), 2) == 2.0 / 3);
    assert_true(isnan(at(cJSON_GetObjectItem(steps, "train_loss"), 3)));
    assert_true(at(cJSON_GetObjectItem(steps, "epoch"), 4) == 2.5);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(epochs, "test_acc")), 2);
    assert_true(at(cJSON_GetObjectItem(epochs, "test_acc"), 0) == 93.71);
    cJSON_Delete(json);
    assert_int_equal(CALL(command_curves, "curves", "short", "--format", "yaml"), EXIT_USAGE);
    assert_int_equal(CALL(command_curves, "curves"), EXIT_USAGE);
    assert_int_equal(CALL(command_curves, "curves", "short", "absent"), EXIT_FAILED);
    assert_string_equal(output, "");
    assert_int_equal(CALL(command_curves, "curves", "short", "-o", "/nonexistent/x"), EXIT_FAILED);
}

static void curves_as_figures(void **state)
{
    (void)state;
    struct error err = {""};
    char path[128], *text;
    size_t size;
    static const char *const begins[] = {"\x89PNG", "<?xml", "%PDF"}, *const ends[] = {"png", "svg", "PDF"};
    for (int i = 0; i < 3; i++) { /* the file's name says what it is to be */
        snprintf(path, sizeof path, "%s/curves.%s", parent, ends[i]);
        assert_int_equal(CALL(command_curves, "curves", "short", LONG_NAME, "-o", path), EXIT_OK);
        assert_string_equal(errors, "");
        assert_int_equal(file_read(path, 1 << 22, &text, &size, &err), 0);
        assert_memory_equal(text, begins[i], 4);
        if (i == 1) {
            assert_non_null(strstr(text, "<title>Training curves of davidnet-79: mean of 2 runs</title>"));
            for (char *c = text; (c = strchr(c, '\n')) != NULL;) /* it is wrapped where the line before it ends */
                *c = ' ';
            assert_non_null(strstr(text, "the first is davidnet train --preset davidnet-79 --seed 7"));
        }
        free(text);
    }
    assert_int_equal(CALL(command_curves, "curves", "short", "--format=svg", "--log", "--title", "Mine"), EXIT_OK);
    assert_memory_equal(output, "<?xml", 5);
    has("<title>Mine</title>");
    assert_int_equal(CALL(command_curves, "curves", "short", LONG_NAME, "--format=csv", "--mean"), EXIT_OK);
    has("\ndavidnet-79,2,1,test_acc,2,93.71,0,93.71,93.71,,,\n");
    assert_int_equal(CALL(command_curves, "curves", "a-*,short", "short", "--format=csv", "--mean"), EXIT_OK);
    has("\ndavidnet-79,2,1,test_acc,2,93.71,0,93.71,93.71,,,\n"); /* each run once */
    assert_int_equal(CALL(command_curves, "curves", "preset:davidnet-79", "--format=csv", "--mean"), EXIT_OK);
    has("\ndavidnet-79,2,1,test_acc,2,93.71,0,93.71,93.71,,,\n");
    assert_int_equal(CALL(command_curves, "curves", "tag:nothing"), EXIT_FAILED);
    assert_int_equal(CALL(command_curves, "curves", "--preset", "quick"), EXIT_OK);
    has("curve,epoch,lr,name,value\n");
    has("\nquick,0,");
    assert_int_equal(CALL(command_curves, "curves", "short", "--preset", "quick"), EXIT_USAGE);
    assert_int_equal(CALL(command_curves, "curves", "short", "--each"), EXIT_USAGE);
    assert_int_equal(CALL(command_curves, "curves", "short", "--log", "--format=json"), EXIT_USAGE);
    assert_non_null(strstr(errors, "--log is for figures"));
    assert_int_equal(CALL(command_curves, "curves", "short", "--mean", "--each"), EXIT_USAGE);
    assert_int_equal(CALL(command_curves, "curves", "short", "--band", "wide"), EXIT_USAGE);
    assert_int_equal(CALL(command_curves, "curves", "short", "--format=png", "--scale", "0"), EXIT_USAGE);
    assert_int_equal(CALL(command_curves, "curves", "short", "-o", "/nonexistent/x.pdf"), EXIT_FAILED);
    assert_non_null(strstr(errors, "/nonexistent/x.pdf"));
}

/* What is not text is not for a terminal; the reason says what to do. */
static void no_picture_on_a_terminal(void **state)
{
    (void)state;
    int terminal, screen, saved = dup(STDOUT_FILENO);
    fflush(stdout);
    assert_int_equal(openpty(&terminal, &screen, NULL, NULL, NULL), 0);
    int said, code;
    FILE *temp = redirect(stderr, &said);
    dup2(screen, STDOUT_FILENO);
    char *words[] = {"curves", "short", "--format=png", NULL};
    code = command_curves.run(3, words);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    restore(stderr, said, temp, errors, sizeof errors);
    close(saved);
    close(terminal);
    close(screen);
    assert_int_equal(code, EXIT_FAILED);
    assert_non_null(strstr(errors, "a PNG is not for a terminal: name a file, -o FILE.png"));
}

static void write_timing_json(void)
{
    struct timing timing;
    struct run_folder folder;
    struct error err = {""};
    fake_timing_small(&timing);
    char *text = timing_to_json(&timing, &err);
    assert_non_null(text);
    timing_release(&timing);
    assert_int_equal(run_folder_find(&folder, "short", &err), 0);
    assert_int_equal(run_folder_replace(&folder, "timing.json", text, strlen(text), &err), 0);
    free(text);
}

/* The line that begins with that name, as the words after it. */
static void line_says(const char *name, const char *words)
{
    const char *line = strstr(output, name);
    char got[256] = "";
    size_t n = 0;
    assert_non_null(line);
    for (line += strlen(name); *line != '\0' && *line != '\n' && n + 2 < sizeof got; line++)
        if (*line != ' ' || (n > 0 && got[n - 1] != ' '))
            got[n++] = *line;
    if (strcmp(got, words) != 0)
        fail_msg("%s: '%s', not '%s'", name, got, words);
}

static void timing_as_a_table(void **state)
{
    (void)state;
    assert_int_equal(CALL(command_timing, "timing", "short"), EXIT_FAILED);
    assert_non_null(strstr(errors, "no timing breakdown yet"));
    write_timing_json();
    assert_int_equal(CALL(command_timing, "timing", "short"), EXIT_OK); /* into a file: whole */
    assert_null(strchr(output, '~'));
    line_says("\nlayer1/norm",
              "fused 7.000 - 9.7 % - 40.0 - 5.7 4.000 57 % 34 MB norm_back; forward fused into layer1/conv");
    call_on_terminal(&command_timing, 2, (const char *const[]){"timing", "short"});
    fits_80_columns();
    line_says("\ninput", "2.000 - - 2.8 % - table");
    line_says("\nlayer1/act", "fused into layer1/conv, backward into layer1/norm");
    line_says("\nevaluation", "- per batch"); /* never measured, so not zero */
    assert_int_equal(CALL(command_timing, "timing", "short", "--json"), EXIT_OK);
    struct timing timing;
    struct error err = {""};
    assert_int_equal(timing_from_json(&timing, output, "output", &err), 0);
    assert_int_equal(timing.n_steps, 6);
    timing_release(&timing);
    assert_non_null(strstr(output, "\"run\":\"short\",\"recipe\":\"davidnet-79\""));
    assert_non_null(strstr(output, "\"seed\":7,"));
    assert_non_null(strstr(output, "\"command\":\"davidnet train --preset davidnet-79 --seed 7"));
    assert_int_equal(CALL(command_timing, "timing", "short", "--format", "csv"), EXIT_OK);
    assert_non_null(strstr(output, ",davidnet train --preset davidnet-79 --seed 7\n"));
    assert_int_equal(CALL(command_timing, "timing", "short", "--format", "svg"), EXIT_OK);
    has("<title>Where a training step of short goes</title>");
    has("davidnet-79, 24 epochs x 512, lr 0.4, crop 4, flip, cutout 8x8, seed 7\n");
    has("layer1/conv, norm, act  3\n");
    has("mean of 20 steps of 512 images, the last step 21: 74.00 ms");
    char path[128];
    snprintf(path, sizeof path, "%s/timing.pdf", parent);
    assert_int_equal(CALL(command_timing, "timing", "short", "-o", path), EXIT_OK);
    assert_memory_equal(output, path, strlen(path)); /* what was written */
    char *pdf;
    size_t size;
    assert_int_equal(file_read(path, 1 << 22, &pdf, &size, &err), 0);
    assert_memory_equal(pdf, "%PDF", 4);
    free(pdf);
    assert_int_equal(CALL(command_timing, "timing", "short", "-o", "/nonexistent/x.png"), EXIT_FAILED);
    assert_non_null(strstr(errors, "/nonexistent/x.png"));
    assert_int_equal(CALL(command_timing, "timing", "short", "--format", "xml"), EXIT_USAGE);
    assert_int_equal(CALL(command_timing, "timing"), EXIT_USAGE);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(runs_lists_them),
        EACH(names_of_recipes_are_cut_between_characters),
        EACH(a_bad_run_does_not_hide_the_others),
        EACH(show_tells_all),
        EACH(show_tells_each_clock_once),
        EACH(notes_and_tags),
        EACH(names_and_the_trash),
        EACH(curves_as_csv),
        EACH(curves_as_json),
        EACH(curves_as_figures),
        EACH(no_picture_on_a_terminal),
        EACH(timing_as_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
