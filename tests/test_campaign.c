/* Campaigns: their folder, whose turn it is, going on, extending; and the command, with real but tiny runs. */
#include "engine/campaign.h"
#include "engine/checkpoint.h"
#include "engine/files.h"
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

extern const struct command command_campaign, command_compare;

static char parent[64], output[1 << 16];
static struct error err;
static struct campaign campaign; /* large */
static struct run_entry **entries;
static int n_entries;

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/davidnet-test-XXXXXX");
    if (mkdtemp(parent) == NULL)
        return -1;
    setenv("DAVIDNET_RUNS", parent, 1);
    return 0;
}

static void forget(void)
{
    for (int i = 0; i < n_entries; i++)
        run_entry_free(entries[i]);
    free(entries);
    entries = NULL;
    n_entries = 0;
}

static int teardown(void **state)
{
    (void)state;
    forget();
    return folder_remove(parent, &err);
}

static void must(int rc)
{
    if (rc)
        fail_msg("%s", err.text);
}

static void declare(const char *name, int runs)
{
    struct recipe_request request = {.preset = "davidnet-79", .n_sets = 2, .sets = {"seed=7", "data=synthetic:1:2000"}};
    memset(&campaign, 0, sizeof campaign);
    snprintf(campaign.name, sizeof campaign.name, "%s", name);
    strcpy(campaign.what, "cutout");
    campaign.runs[0] = runs;
    campaign.seed = 7;
    must(recipe_resolve(&request, &campaign.side[RUN_WITH], &err));
    request.off[request.n_off++] = "cutout";
    must(recipe_resolve(&request, &campaign.side[RUN_WITHOUT], &err));
    must(campaign_check(&campaign, &err));
    must(campaign_create(&campaign, &err));
}

/* A run of the campaign, made by nobody. end: enum run_end, or -1: killed. */
static void pretend(enum run_side side, int number, int end, double best)
{
    char name[128];
    struct run_folder folder;
    struct run_label label;
    campaign_run_name(&campaign, side, number, name);
    struct fake_folder fake =
        fake_folder_done(name, side == RUN_WITH ? "cutout=on" : "cutout=off", 7 + 2 * (number - 1) + side, best);
    fake.end = end;
    if (end != RUN_END_DONE)
        fake.epochs = 5;
    fake.diverged = end == RUN_END_FAILED;
    fake_folder_make(parent, &fake);
    must(run_folder_find_in(&folder, parent, name, &err));
    campaign_run_label(&campaign, side, number, &label);
    must(run_label_write(&folder, &label, &err));
}

/* A finished run of a side's recipe that was made before there was a campaign, on that data. */
static void earlier(enum run_side side, const char *data, int64_t seed, double best)
{
    char name[64];
    struct run_folder folder;
    static struct recipe recipe;
    snprintf(name, sizeof name, "earlier-%s-%d", run_side_name(side), (int)seed);
    struct fake_folder fake = fake_folder_done(name, NULL, seed, best);
    fake_folder_make(parent, &fake);
    must(run_folder_find_in(&folder, parent, name, &err));
    recipe = campaign.side[side];
    recipe.seed = seed;
    snprintf(recipe.data, sizeof recipe.data, "%s", data);
    must(run_folder_write_recipe(&folder, "recipe.ini", &recipe, &err));
}

static struct campaign_state look(void)
{
    struct campaign_state now;
    forget();
    must(campaign_read_runs(&campaign, &entries, &n_entries, &err));
    campaign_look(&campaign, entries, n_entries, &now);
    return now;
}

/* What a campaign can find is reckoned from the spread of earlier runs of its recipes, before its first run. */
static void test_spread_of_earlier_runs(void **state)
{
    (void)state;
    struct run_entry **all;
    int count, measured;
    declare("planned", 10);
    for (int pass = 0; pass < 2; pass++) {
        must(run_set_read_all(parent, &all, &count, &err));
        struct verdict_spread spread = campaign_spread(&campaign, all, count);
        double sd = verdict_spread_sd(&spread, &measured);
        for (int i = 0; i < count; i++)
            run_entry_free(all[i]);
        free(all);
        if (pass == 0) {
            assert_true(!measured && sd == VERDICT_SPREAD && spread.runs == 0);
            for (int i = 0; i < 8; i++)
                earlier(RUN_WITHOUT, "synthetic:1:2000", 100 + i, i % 2 ? 94 : 93);
            for (int i = 0; i < 6; i++)
                earlier(RUN_WITH, "synthetic:1:2000", 200 + i, i % 2 ? 95 : 94);
            earlier(RUN_WITH, "synthetic:2:2000", 300, 50); /* of other images */
            pretend(RUN_WITH, 1, RUN_END_STOPPED, 50);
        } else {
            assert_true(measured && spread.runs == 14 && spread.df == 12);
            assert_true(fabs(sd - sqrt(14 * 0.25 / 12)) < 1e-4);
        }
    }
}

static void test_folder(void **state)
{
    (void)state;
    struct campaign *again = calloc(1, sizeof *again);
    declare("stored", 10);
    must(campaign_read(again, NULL, "stored", &err));
    assert_true(recipe_equal(&again->side[0], &campaign.side[0]) && recipe_equal(&again->side[1], &campaign.side[1]));
    assert_string_equal(again->what, "cutout");
    assert_true(again->looks == 1 && campaign_planned(again) == 10 && again->seed == 7 && !again->keep_checkpoints);
    assert_int_equal(campaign_create(again, &err), -1);
    assert_non_null(strstr(err.text, "already"));
    assert_int_equal(campaign_extend(again, 10, &err), -1);
    must(campaign_extend(again, 25, &err));
    must(campaign_read(again, NULL, "stored", &err));
    assert_true(again->looks == 2 && campaign_planned(again) == 25);
    struct verdict_question question = campaign_question(again);
    assert_true(question.planned == 25 && question.looks == 2);
    assert_int_equal(campaign_read(again, NULL, "missing", &err), 1);
    assert_int_equal(campaign_read(again, NULL, "../stored", &err), -1);
    char(*names)[RUN_CAMPAIGN_MAX];
    int count;
    must(campaign_list(parent, &names, &count, &err));
    assert_true(count == 1 && strcmp(names[0], "stored") == 0);
    free(names);
    struct run_folder *folders;
    must(run_folder_list(parent, &folders, &count, &err)); /* a campaign is no run */
    assert_int_equal(count, 0);
    free(folders);
    char path[128];
    snprintf(path, sizeof path, "%s/.campaigns/stored/campaign.json", parent);
    static const char bad[] = "{\"format\": \"davidnet-campaign\", \"what\": \"x\", \"seed\": 0, \"runs\": [10, 5]}";
    must(file_replace(path, &(struct file_part){bad, sizeof bad - 1}, 1, &err));
    assert_int_equal(campaign_read(again, NULL, "stored", &err), -1);
    assert_non_null(strstr(err.text, "campaign.json"));
    static const char later[] = "{\"format\": \"davidnet-campaign\", \"version\": 2, \"what\": \"x\", \"seed\": 0, "
                                "\"runs\": [5]}";
    must(file_replace(path, &(struct file_part){later, sizeof later - 1}, 1, &err));
    assert_int_equal(campaign_read(again, NULL, "stored", &err), -1);
    assert_non_null(strstr(err.text, "campaign.json: it is of version 2, and this davidnet knows up to 1"));
    campaign.side[RUN_WITH] = campaign.side[RUN_WITHOUT];
    assert_int_equal(campaign_check(&campaign, &err), -1);
    strcpy(campaign.what, CAMPAIGN_NOTHING);
    must(campaign_check(&campaign, &err));
    free(again);
}

/* Without, with, with, without ...; what was begun is gone on with, what diverged is not made again. */
static void test_turns(void **state)
{
    (void)state;
    struct recipe recipe;
    declare("turns", 3);
    struct campaign_state now = look();
    assert_true(now.left == 6 && now.side == RUN_WITHOUT && now.number == 1 && now.resume[0] == '\0');
    assert_true(isnan(now.seconds_left));
    pretend(RUN_WITHOUT, 1, RUN_END_DONE, 94);
    now = look();
    assert_true(now.left == 5 && now.side == RUN_WITH && now.number == 1);
    assert_true(fabs(now.seconds_left - 5 * 240) < 1e-9);
    pretend(RUN_WITH, 1, RUN_END_FAILED, 94);
    now = look();
    assert_true(now.ended[RUN_WITH] == 1 && now.side == RUN_WITH && now.number == 2);
    pretend(RUN_WITH, 2, -1, 94);
    now = look();
    assert_true(now.left == 4 && now.side == RUN_WITH && now.number == 2);
    assert_non_null(strstr(now.resume, "/turns-with-02"));
    campaign_run_recipe(&campaign, RUN_WITH, 2, &recipe);
    assert_true(recipe.seed == 10 && recipe.cutout);
    campaign_run_recipe(&campaign, RUN_WITHOUT, 2, &recipe);
    assert_true(recipe.seed == 9 && !recipe.cutout);
    /* Renamed runs are still the campaign's; another one's are not. */
    char from[128], to[128];
    snprintf(from, sizeof from, "%s/turns-without-01", parent);
    snprintf(to, sizeof to, "%s/renamed", parent);
    assert_int_equal(rename(from, to), 0);
    now = look();
    assert_true(now.left == 4 && now.ended[RUN_WITHOUT] == 1);
    struct run_set sets[2];
    must(campaign_sets(&campaign, entries, n_entries, sets));
    assert_true(sets[0].n_runs == 1 && sets[1].n_runs == 1 && sets[1].runs[0].diverged && sets[1].unfinished == 1);
    run_set_release(&sets[0]);
    run_set_release(&sets[1]);
}

/* ---- the command ---- */

static int call(const struct command *command, const char *const *words)
{
    char *argv[24];
    int argc = 0, saved = dup(STDOUT_FILENO);
    for (; words[argc]; argc++)
        argv[argc] = (char *)words[argc];
    argv[argc] = NULL;
    FILE *temp = tmpfile();
    fflush(stdout);
    dup2(fileno(temp), STDOUT_FILENO);
    int code = command->run(argc, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(temp);
    output[fread(output, 1, sizeof output - 1, temp)] = '\0';
    fclose(temp);
    return code;
}

#define TINY                                                                                                           \
    "campaign", "--preset", "quick", "--data", "synthetic:1:128", "--set", "width=8", "--set", "batch=32", "--epochs", \
        "1", "--threads", "1"
#define CALL(...) call(&command_campaign, (const char *const[]){__VA_ARGS__, NULL})

static void expect(const char *text)
{
    if (strstr(output, text) == NULL)
        fail_msg("no '%s' in:\n%s", text, output);
}

static int lines_with(const char *text)
{
    int n = 0;
    for (const char *at = output; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void test_command(void **state)
{
    (void)state;
    uint32_t steps[4];
    struct run_folder folder;
    assert_int_equal(CALL(TINY, "--on", "label_smoothing"), EXIT_USAGE); /* how many? */
    assert_int_equal(CALL(TINY, "--runs", "2"), EXIT_USAGE);             /* of what? */
    assert_int_equal(CALL(TINY, "--runs", "2", "--on", "labels"), EXIT_USAGE);
    assert_int_equal(CALL(TINY, "--runs", "2", "--vary", "momentum=0.9"), EXIT_USAGE); /* it is 0.9 */
    assert_int_equal(CALL(TINY, "--runs", "2", "--on", "label_smoothing"), EXIT_OK);
    assert_int_equal(lines_with(" done "), 4);
    assert_true(strstr(output, "With a spread") < strstr(output, " done ")); /* the power is stated first */
    expect("label_smoothing           off  on");
    expect("95 % interval");
    must(run_folder_find(&folder, "quick-label_smoothing-with-02", &err));
    assert_int_equal(checkpoint_list(&folder, steps, 4), 0);
    /* The same again: all is there. A run that is gone is made again. More runs are told. */
    assert_int_equal(CALL(TINY, "--runs", "2", "--on", "label_smoothing"), EXIT_OK);
    assert_int_equal(lines_with(" done "), 0);
    must(folder_remove(folder.path, &err));
    assert_int_equal(CALL("campaign", "resume", "quick-label_smoothing", "--json"), EXIT_OK);
    assert_int_equal(lines_with("\"event\":\"run\""), 1);
    assert_int_equal(lines_with("\"event\":\"verdict\""), 1);
    assert_int_equal(CALL("campaign", "resume", "quick-label_smoothing", "--runs", "3"), EXIT_OK);
    assert_int_equal(lines_with(" done "), 2);
    expect("tested at 2.5 %");
    expect("3 runs a side, in turns");                                                   /* in all: not three more */
    assert_int_equal(CALL(TINY, "--runs", "2", "--on", "label_smoothing"), EXIT_FAILED); /* fewer than declared */
    assert_int_equal(CALL(TINY, "--runs", "3", "--on", "label_smoothing", "--seed", "9"),
                     EXIT_FAILED); /* another one */
    assert_int_equal(CALL("campaign", "resume", "nothing"), EXIT_FAILED);
    assert_int_equal(CALL("campaign", "resume"), EXIT_USAGE);
}

/*
 * Both sides the same: runs with seeds of their own, a verdict of whatever kind, and no knob that differs. What it says
 * is chance: it is not asked to be noise.
 */
static void test_null(void **state)
{
    (void)state;
    assert_int_equal(CALL(TINY, "--null", "--runs", "3", "--vary", "momentum=0.8"), EXIT_USAGE);
    assert_int_equal(CALL(TINY, "--null", "--runs", "3"), EXIT_OK);
    expect("both sides alike, 3 runs each");
    expect("no knob differs, seeds apart");
    expect("the same recipe, other seeds: ");
    expect("A the same recipe: 3 runs\nB the same recipe, other seeds: 3 runs\n");
    assert_int_equal(lines_with("without nothing"), 0);
    assert_int_equal(lines_with(" done "), 6);
    assert_int_equal(call(&command_compare, (const char *const[]){"compare", "quick-nothing", "--json", NULL}),
                     EXIT_OK);
    cJSON *root = cJSON_Parse(output);
    const cJSON *verdict = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "verdicts"), 0);
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItem(verdict, "verdict"));
    assert_non_null(kind);
    assert_true(strcmp(kind, "noise") == 0 || strcmp(kind, "gain") == 0 || strcmp(kind, "loss") == 0 ||
                strcmp(kind, "no spread") == 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "differences")), 0);
    cJSON_Delete(root);
    int seen[6] = {0};
    must(campaign_read(&campaign, NULL, "quick-nothing", &err));
    assert_false(campaign_sides_differ(&campaign));
    assert_int_equal(look().left, 0);
    assert_int_equal(n_entries, 6);
    for (int i = 0; i < 6; i++) {
        int64_t seed = entries[i]->summary.seed - campaign.seed;
        assert_true(seed >= 0 && seed < 6 && !seen[seed]);
        seen[seed] = 1;
        assert_true(entries[i]->summary.last_acc > 0 && entries[i]->summary.last_acc <= 100);
    }
}

static void test_interim(void **state)
{
    (void)state;
    declare("interim", 3);
    for (int i = 1; i <= 2; i++) {
        pretend(RUN_WITHOUT, i, RUN_END_DONE, 93 + 0.1 * i);
        pretend(RUN_WITH, i, RUN_END_DONE, 94 + 0.1 * i);
    }
    assert_int_equal(call(&command_compare, (const char *const[]){"compare", "interim", NULL}), EXIT_OK);
    expect("cutout: interim, 2 and 2 of 3 runs a side: +1.00 % so far");
    pretend(RUN_WITHOUT, 3, RUN_END_DONE, 93);
    pretend(RUN_WITH, 3, RUN_END_DONE, 94);
    assert_int_equal(call(&command_compare, (const char *const[]){"compare", "interim", NULL}), EXIT_OK);
    expect("cutout: a significant gain of 1.00 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spread_of_earlier_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_command, setup, teardown),
        cmocka_unit_test_setup_teardown(test_null, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interim, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
