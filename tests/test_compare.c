/* Sets of runs found by words, who counts in them, and what `davidnet compare` says. */
#include "engine/contention.h"
#include "engine/files.h"
#include "engine/run_label.h"
#include "engine/run_set.h"
#include "tests/fake_folder.h"
#include "tui/command.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct command command_compare;

static char parent[64], output[65536];
static struct run_entry **all;
static int n_all;
static struct error err;

static struct fake_folder plain(const char *name, int64_t seed, double best)
{
    struct fake_folder fake = fake_folder_done(name, NULL, seed, best);
    fake.epoch_seconds += 0.01 * (double)seed;
    return fake;
}

static void make(struct fake_folder fake)
{
    fake_folder_make(parent, &fake);
}

static void label(const char *name, const char *tag, const char *campaign, enum run_side side)
{
    struct run_folder folder;
    struct run_label text;
    assert_int_equal(run_folder_find_in(&folder, parent, name, &err), 0);
    assert_int_equal(run_label_read(&folder, &text, &err), 0);
    if (tag)
        assert_int_equal(run_label_change(&text, tag, &err), 0);
    if (campaign) {
        strcpy(text.campaign, campaign);
        text.side = side;
        text.number = 1;
    }
    assert_int_equal(run_label_write(&folder, &text, &err), 0);
}

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    if (mkdtemp(parent) == NULL)
        return -1;
    setenv("DAVIDNET_RUNS", parent, 1);
    static const double base[] = {94.0, 94.1, 93.9, 94.05}, cut[] = {93.5, 93.45, 93.6, 93.55};
    char name[32];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "base-%d", i);
        make(plain(name, i, base[i]));
        snprintf(name, sizeof name, "cut-%d", i);
        struct fake_folder fake = plain(name, 100 + i, cut[i]);
        fake.set = "cutout=off";
        make(fake);
        label(name, "plain", "my-campaign", RUN_WITH);
        snprintf(name, sizeof name, "base-%d", i);
        label(name, NULL, "my-campaign", RUN_WITHOUT);
    }
    struct fake_folder fake = plain("base-noisy", 50, 94.1);
    fake.switches = 2000;
    make(fake);
    fake = plain("base-diverged", 51, 94.1);
    fake.end = RUN_END_FAILED;
    fake.epochs = 12;
    fake.diverged = 1;
    make(fake);
    fake.name = "base-full-disk";
    fake.seed = 52;
    fake.diverged = 0;
    make(fake);
    fake.name = "base-stopped";
    fake.seed = 53;
    fake.end = RUN_END_STOPPED;
    make(fake);
    make(plain("base-again", 3, 94.05));
    fake = plain("other-images", 1, 95);
    fake.set = "eval=holdout";
    make(fake);
    return run_set_read_all(NULL, &all, &n_all, &err);
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < n_all; i++)
        run_entry_free(all[i]);
    free(all);
    return folder_remove(parent, &err);
}

/* How many runs a word finds, -1: none; their names in `names`. */
static char names[512];

static int find(const char *word)
{
    struct run_set set;
    names[0] = '\0';
    err.text[0] = '\0';
    if (run_set_find(&set, word, all, n_all, &err) < 0)
        return -1;
    for (int i = 0; i < set.n_entries; i++) {
        strcat(names, set.entries[i]->folder.name);
        strcat(names, " ");
    }
    int n = set.n_entries;
    run_set_release(&set);
    return n;
}

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(find("base-2"), 1);
    assert_int_equal(find("base-[0-3]"), 4);
    assert_int_equal(find("plain"), 4);
    assert_non_null(strstr(names, "cut-0"));
    assert_int_equal(find("tag:plain"), 4);
    assert_int_equal(find("my-campaign"), 8);
    assert_int_equal(find("campaign:my-campaign/without"), 4);
    assert_non_null(strstr(names, "base-1"));
    assert_int_equal(find("davidnet-79"), 9); /* the runs of the preset as it is, whatever became of them */
    assert_null(strstr(names, "cut"));
    assert_int_equal(find("base-1,base-2,cut-*,base-1"), 6);
    char path[128];
    snprintf(path, sizeof path, "%s/base-3", parent);
    assert_int_equal(find(path), 1);
    assert_int_equal(find("nothing"), -1);
    assert_non_null(strstr(err.text, "'nothing' is no run"));
    assert_int_equal(find("tag:base-1"), -1);
    assert_int_equal(find("preset:nothing"), -1);
    assert_int_equal(find("base-1,nothing"), -1);
    assert_int_equal(find(","), -1);
}

static void test_recipe_file(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/mine.ini", parent);
    static const char text[] = "[recipe]\npreset = davidnet-79\n[augmentation]\ncutout = off\n";
    struct file_part part = {text, sizeof text - 1};
    assert_int_equal(file_replace(path, &part, 1, &err), 0);
    assert_int_equal(find(path), 4);
    assert_null(strstr(names, "base"));
}

static void test_who_counts(void **state)
{
    (void)state;
    struct run_set set;
    char text[128];
    assert_int_equal(run_set_find(&set, "base-*", all, n_all, &err), 0);
    assert_int_equal(set.n_entries, 9);
    assert_int_equal(set.n_runs, 6);
    assert_true(set.unfinished == 1 && set.broken == 1 && set.repeated == 1);
    assert_string_equal(run_set_left_out(&set, text, sizeof text),
                        "1 not finished, 1 failed for another reason, 1 repeated with the same seeds");
    int diverged = 0, contended = 0;
    for (int i = 0; i < set.n_runs; i++) {
        diverged += set.runs[i].diverged;
        contended += set.runs[i].contended;
    }
    assert_true(diverged == 1 && contended == 1);
    assert_string_equal(set.mixed, "");
    run_set_release(&set);
    assert_int_equal(run_set_find(&set, "base-0,cut-0", all, n_all, &err), 0);
    assert_string_equal(set.mixed, "cutout on in 1, off in 1");
    run_set_release(&set);
    assert_int_equal(run_set_find(&set, "base-[0-3],cut-0,cut-1", all, n_all, &err), 0);
    assert_string_equal(set.mixed, "cutout on in 4, off in 2");
    run_set_release(&set);
}

/* Runs that both sides have would make the difference look smaller and surer than it is. */
static void test_shared_runs(void **state)
{
    (void)state;
    struct run_set a, b;
    const struct run_entry *first;
    char text[RUN_SETS_APART_MAX];
    assert_int_equal(run_set_find(&a, "base-[0-3]", all, n_all, &err), 0);
    assert_int_equal(run_set_find(&b, "base-[23],cut-*", all, n_all, &err), 0);
    assert_int_equal(run_sets_shared(&a, &b, &first), 2);
    assert_string_equal(first->folder.name, "base-2");
    assert_string_equal(run_sets_apart(&a, &b, text),
                        "no verdict: 2 runs are in both sets (base-2 ...); choose words that part them");
    run_set_release(&b);
    assert_int_equal(run_set_find(&b, "cut-*", all, n_all, &err), 0);
    assert_true(run_sets_shared(&a, &b, &first) == 0 && first == NULL);
    assert_string_equal(run_sets_apart(&a, &b, text), "");
    run_set_release(&a);
    run_set_release(&b);
}

static void test_contention_rule(void **state)
{
    (void)state;
    assert_true(!contention_noisy(0.3, 60, 100, 2) && !contention_noisy(NAN, 0, 100, 1));
    assert_true(contention_noisy(1.5, 0, 100, 2));   /* other guests */
    assert_true(contention_noisy(0, 2100, 100, 2));  /* other processes */
    assert_true(!contention_noisy(0, 2100, 100, 4)); /* more threads can be switched off more often */
    assert_true(!contention_noisy(0, 1, 0, 0));
}

/* What the command writes. */
static int compare(const char *a, const char *b, const char *option)
{
    char *argv[] = {"compare", (char *)a, (char *)(b ? b : option), (char *)(b ? option : NULL), NULL};
    int argc = 0;
    while (argv[argc])
        argc++;
    FILE *temp = tmpfile();
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(fileno(temp), STDOUT_FILENO);
    int code = command_compare.run(argc, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(temp);
    output[fread(output, 1, sizeof output - 1, temp)] = '\0';
    fclose(temp);
    return code;
}

static void expect(const char *text)
{
    if (strstr(output, text) == NULL)
        fail_msg("no '%s' in:\n%s", text, output);
}

static void test_command(void **state)
{
    (void)state;
    assert_int_equal(compare("base-[0-3]", "cut-*", NULL), EXIT_OK);
    expect("cutout                    on   off\n"); /* and nothing else differs */
    assert_null(strstr(output, "seed  "));
    expect("A        4  94.01 +-0.14       0.09  3 of 4 (30 to 95 %)      240.4 +-0.5\n");
    expect("a significant loss of 0.49 %");
    expect("Training is significantly slower");
    expect("With the spread of 0.08 % from run to run measured here (8 runs), 4 runs a side");
    assert_true(strstr(output, "With the spread") < strstr(output, "a significant loss")); /* the power first */
    assert_int_equal(compare("my-campaign", NULL, NULL), EXIT_OK);
    expect("a significant loss of 0.49 %");
    assert_int_equal(compare("base-0", "cut-0", NULL), EXIT_OK);
    expect("no verdict: it takes two runs a side");
    assert_int_equal(compare("base-[0-3]", "other-images", NULL), EXIT_OK);
    expect("accuracies are not compared");
    assert_int_equal(compare("base-0", "nothing", NULL), EXIT_FAILED);
    assert_int_equal(compare("base-0", NULL, NULL), EXIT_USAGE); /* with what? */
    assert_int_equal(compare("base-[0-3]", "base-2,cut-*", NULL), EXIT_OK);
    expect("no verdict: 1 run is in both sets (base-2)");
    assert_null(strstr(output, "Training is"));
    expect("   mixed: cutout off in 4, on in 1\n");
    expect("cutout                    on     mixed\n");
    assert_int_equal(compare("last", "cut-0", NULL), EXIT_OK);
    assert_null(strstr(output, "last:"));
}

/* What there is, and is not, of a word that finds nothing. */
static void test_words_that_find_nothing(void **state)
{
    (void)state;
    assert_int_equal(find("quick"), -1);
    assert_non_null(strstr(err.text, "'quick' is a preset, but there are no runs of it here"));
    assert_int_equal(find("preset:quick"), -1);
    assert_non_null(strstr(err.text, "'quick' is a preset"));
    make((struct fake_folder){.name = "quick-1",
                              .preset = "quick",
                              .set = "width=8",
                              .epochs = 24,
                              .best = 90,
                              .epoch_seconds = 1,
                              .end = RUN_END_DONE});
    struct run_entry **more;
    int n;
    struct run_set set;
    assert_int_equal(run_set_read_all(NULL, &more, &n, &err), 0);
    assert_int_equal(run_set_find(&set, "quick", more, n, &err), -1);
    assert_non_null(strstr(err.text, "no run here is of it as it is: 1 run has changed it (quick-1)"));
    for (int i = 0; i < n; i++)
        run_entry_free(more[i]);
    free(more);
    assert_int_equal(compare("campaign:base-0", NULL, NULL), EXIT_FAILED);
    assert_int_equal(compare("campaign:my-campaign", NULL, NULL), EXIT_OK);
    expect("a significant loss of 0.49 %");
}

static void test_json(void **state)
{
    (void)state;
    assert_int_equal(compare("base-*", "cut-*", "--json"), EXIT_OK);
    cJSON *root = cJSON_Parse(output);
    assert_non_null(root);
    const cJSON *sets = cJSON_GetObjectItem(root, "sets"), *a = cJSON_GetArrayItem(sets, 0);
    const cJSON *verdict = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "verdicts"), 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(a, "runs")), 6);
    assert_int_equal(cJSON_GetObjectItem(a, "diverged")->valueint, 1);
    assert_int_equal(cJSON_GetObjectItem(a, "timed")->valueint, 4);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(verdict, "verdict")), "noise"); /* one diverged */
    assert_true(cJSON_GetObjectItem(verdict, "p")->valuedouble > 0.05);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "differences")), 1);
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),       cmocka_unit_test(test_recipe_file),
        cmocka_unit_test(test_who_counts),  cmocka_unit_test(test_contention_rule),
        cmocka_unit_test(test_command),     cmocka_unit_test(test_json),
        cmocka_unit_test(test_shared_runs), cmocka_unit_test(test_words_that_find_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
