/* The study of selective removal: its file, going on after a stop, and what the measurements come to. */
#include "engine/ablate_study.h"
#include "engine/ablate_summary.h"

#include "engine/files.h"
#include "tests/ablate_fixed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/davidnet-ablate-XXXXXX";
static struct error err;

static void must(int status)
{
    if (status)
        fail_msg("%s", err.text);
}

static int make_folder(void **state)
{
    (void)state;
    memcpy(strrchr(folder, '-'), "-XXXXXX", 8);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return folder_remove(folder, &err);
}

static void open_results(struct ablate_results *results)
{
    must(ablate_results_open(results, folder, &err));
}

/* ---- the file ---- */

/* The recipe of a preset, whatever its name; `set` is one knob's value, or NULL. */
static void add_recipe(struct ablate_results *results, const char *preset, const char *set)
{
    struct recipe *recipe = malloc(sizeof *recipe);
    assert_non_null(recipe);
    const struct recipe_request request = {.preset = "davidnet-79", .n_sets = set ? 1 : 0, .sets = {set}};
    must(recipe_resolve(&request, recipe, &err));
    snprintf(recipe->preset, sizeof recipe->preset, "%s", preset);
    must(ablate_results_add_recipe(results, recipe, &err));
    free(recipe);
}

static void begin(struct ablate_results *results, struct ablate_setting setting)
{
    open_results(results);
    must(ablate_results_begin(results, &setting, &err));
}

static void fill(struct ablate_results *results)
{
    begin(results, ablate_fixed_setting());
    add_recipe(results, "davidnet-79", NULL);
    for (int round = 0; round < 3; round++)
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++) {
            struct ablate_record record = ablate_fixed("davidnet-79", 512, (enum ablate_variant)v, round);
            must(ablate_results_add(results, &record, &err));
        }
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    struct ablate_results written, read;
    fill(&written);
    must(ablate_results_read(&read, folder, &err)); /* which needs no lock */
    assert_true(read.version == 2 && read.n_recipes == 1);
    assert_int_equal(read.count, written.count);
    assert_string_equal(read.setting.isa, "avx512");
    assert_string_equal(read.setting.device, "Some Processor @ 2.50GHz");
    assert_string_equal(read.setting_digest, written.setting_digest);
    const struct ablate_recipe *recipe = ablate_results_recipe(&read, "davidnet-79");
    assert_non_null(recipe);
    if (!recipe)
        return;
    assert_string_equal(recipe->options, "--preset davidnet-79 --seed 0");
    assert_string_equal(recipe->summary, written.recipes[0].summary);
    assert_true(recipe->seed == 0 && strcmp(recipe->digest, read.records[0].recipe) == 0);
    assert_true(read.setting.ceiling.flops == 4e12 && read.setting.threads == 2);
    for (size_t i = 0; i < read.count; i++) {
        const struct ablate_record *a = &written.records[i], *b = &read.records[i];
        assert_true(a->batch == b->batch && a->variant == b->variant && a->round == b->round && a->flops == b->flops &&
                    a->noisy == b->noisy && a->unix_time == b->unix_time);
        assert_true(fabs(a->times.seconds - b->times.seconds) < 1e-12 && fabs(a->times.cpu - b->times.cpu) < 1e-12);
        assert_true(fabs(a->times.part[ABLATE_CONV] - b->times.part[ABLATE_CONV]) < 1e-12);
    }
    assert_ptr_equal(ablate_results_find(&read, "davidnet-79", 512, ABLATE_RANDOM, 1), &read.records[7]);
    assert_null(ablate_results_find(&read, "davidnet-79", 512, ABLATE_RANDOM, 3));
    assert_null(ablate_results_find(&read, "davidnet-79", 128, ABLATE_RANDOM, 1));
    assert_null(ablate_results_find(&read, "quick", 512, ABLATE_RANDOM, 1));
    ablate_results_release(&read);
    ablate_results_release(&written);
}

/* What a crash leaves: the beginning of a line. What is added next stands on a line of its own. */
static void test_an_unfinished_line_is_taken_away(void **state)
{
    (void)state;
    struct ablate_results results;
    fill(&results);
    size_t count = results.count;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", results.path);
    ablate_results_release(&results);
    struct stat before;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(truncate(path, before.st_size - 20), 0);
    open_results(&results);
    assert_int_equal(results.count, count - 1);
    struct ablate_record record = ablate_fixed("davidnet-79", 512, ABLATE_CONVOLUTIONS, 2);
    must(ablate_results_add(&results, &record, &err));
    ablate_results_release(&results);
    struct stat after;
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    open_results(&results);
    assert_int_equal(results.count, count);
    ablate_results_release(&results);
}

static void spoil(const char *text)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    must(file_replace(path, &(struct file_part){text, strlen(text)}, 1, &err));
}

static void test_what_is_not_a_study_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "nonsense\n",
        "{}\n",
        "{\"format\":\"davidnet-ablate\",\"version\":3,\"family\":\"cpu\",\"precision\":\"f32\",\"isa\":\"avx512\","
        "\"threads\":2,\"library\":\"\",\"davidnet\":\"\",\"commit\":\"\"}\n",
        "{\"format\":\"davidnet-ablate\",\"version\":1,\"family\":\"cpu\",\"precision\":\"f32\",\"isa\":\"avx512\","
        "\"threads\":2,\"library\":\"\",\"davidnet\":\"\",\"commit\":\"\"}\n{\"preset\":\"a\",\"recipe\":\"b\","
        "\"batch\":512,\"variant\":\"nothing\",\"round\":0,\"ms\":1}\n",
        "{\"format\":\"davidnet-ablate\",\"version\":1,\"family\":\"cpu\",\"precision\":\"f32\",\"isa\":\"avx512\","
        "\"threads\":2,\"library\":\"\",\"davidnet\":\"\",\"commit\":\"\"}\n{\"preset\":\"a\",\"recipe\":\"b\","
        "\"batch\":512,\"variant\":\"full\",\"round\":-1,\"ms\":1}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ablate_results results;
        spoil(texts[i]);
        assert_int_equal(ablate_results_open(&results, folder, &err), -1);
        assert_non_null(strstr(err.text, i < 3 ? "results.jsonl line 1" : "results.jsonl line 2"));
    }
}

/* Two that measure into one folder would measure each other, and their lines come to lie between one another. */
static void test_one_measures_at_a_time(void **state)
{
    (void)state;
    struct ablate_results first, second;
    char mine[32];
    fill(&first);
    snprintf(mine, sizeof mine, "process %ld on ", (long)getpid());
    assert_int_equal(ablate_results_open(&second, folder, &err), -1);
    if (!strstr(err.text, mine) || !strstr(err.text, folder) || !strstr(err.text, "--out"))
        fail_msg("%s", err.text);
    must(ablate_results_read(&second, folder, &err)); /* looking on is free */
    ablate_results_release(&second);
    ablate_results_release(&first);
    open_results(&second);
    ablate_results_release(&second);
}

/* Who shows does not make a folder, and does not take away what another process is writing just now. */
static void test_showing_changes_nothing(void **state)
{
    (void)state;
    struct ablate_results results;
    char none[sizeof folder + 8], path[sizeof folder + 32];
    snprintf(none, sizeof none, "%s/none", folder);
    assert_int_equal(ablate_results_read(&results, none, &err), -1);
    assert_non_null(strstr(err.text, "nothing is measured"));
    assert_int_equal(access(none, F_OK), -1);
    fill(&results);
    size_t count = results.count;
    ablate_results_release(&results);
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(truncate(path, before.st_size - 20), 0);
    must(ablate_results_read(&results, folder, &err));
    assert_int_equal(results.count, count - 1);
    ablate_results_release(&results);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size - 20);
}

static char *read_all(void)
{
    char path[sizeof folder + 32], *text = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    must(file_read(path, 1 << 20, &text, &size, &err));
    return text;
}

/* The lines of one folder behind those of another: told by number, whatever they differ in. */
static void test_pasted_lines_are_found(void **state)
{
    (void)state;
    struct ablate_results results;
    struct ablate_setting setting = ablate_fixed_setting();
    fill(&results);
    ablate_results_release(&results);
    char *here = read_all(), path[sizeof folder + 32];
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    assert_int_equal(unlink(path), 0);
    for (int other = 0; other < 2; other++) {
        static const char *const expected[] = {"line 21 was measured with another machine or davidnet",
                                               "line 21 was measured with another recipe"};
        snprintf(setting.commit, sizeof setting.commit, "%s", other ? "0123456789" : "another");
        begin(&results, setting);
        add_recipe(&results, "davidnet-79", other ? "width=16" : NULL);
        struct ablate_record record = ablate_fixed("davidnet-79", 64, ABLATE_FULL, 0);
        must(ablate_results_add(&results, &record, &err));
        ablate_results_release(&results);
        char *there = read_all();
        const char *line = strchr(strchr(there, '\n') + 1, '\n') + 1;
        const struct file_part parts[] = {{here, strlen(here)}, {line, strlen(line)}};
        must(file_replace(path, parts, 2, &err));
        assert_int_equal(ablate_results_read(&results, folder, &err), -1);
        if (!strstr(err.text, expected[other]))
            fail_msg("expected '%s' in: %s", expected[other], err.text);
        assert_int_equal(unlink(path), 0);
        free(there);
    }
    free(here);
}

/* What an older davidnet measured is shown, with what it does not say unknown, and not added to. */
static void test_version_1_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "{\"format\":\"davidnet-ablate\",\"version\":1,\"family\":\"cpu\",\"precision\":\"f32\",\"isa\":\"avx512\","
        "\"threads\":2,\"library\":\"x\",\"davidnet\":\"0.1.0\",\"commit\":\"c\",\"ceiling_flops\":2e11,"
        "\"ceiling_bytes\":null}\n{\"preset\":\"quick\",\"recipe\":\"b\",\"batch\":512,\"variant\":\"full\","
        "\"round\":0,\"ms\":1,\"noisy\":false}\n";
    const struct ablate_choice all = {.n_presets = 0};
    struct ablate_results results;
    struct ablate_setting setting = ablate_fixed_setting();
    struct ablate_summary *list;
    int count;
    spoil(text);
    must(ablate_results_read(&results, folder, &err));
    assert_true(results.version == 1 && results.count == 1 && results.setting.device[0] == '\0');
    assert_true(isnan(results.records[0].unix_time));
    must(ablate_summarise_all(&results, &all, &list, &count, &err));
    char *command = ablate_command(&results, list, count, &err);
    assert_non_null(command);
    assert_string_equal(command, "davidnet lab ablate --preset quick --batches 512 --rounds 1 # and the options of a "
                                 "recipe, which this file does not know");
    free(command);
    free(list);
    ablate_results_release(&results);
    open_results(&results);
    assert_int_equal(ablate_results_begin(&results, &setting, &err), -1);
    assert_non_null(strstr(err.text, "older davidnet"));
    ablate_results_release(&results);
}

static void other_setting(struct ablate_setting setting, const char *expected)
{
    struct ablate_results results;
    open_results(&results);
    assert_int_equal(ablate_results_begin(&results, &setting, &err), -1);
    if (!strstr(err.text, expected) || !strstr(err.text, "--out"))
        fail_msg("expected '%s' in: %s", expected, err.text);
    ablate_results_release(&results);
}

static void test_other_machines_are_kept_apart(void **state)
{
    (void)state;
    struct ablate_results results;
    fill(&results);
    struct ablate_setting setting = ablate_fixed_setting(), same = setting;
    same.ceiling.flops = 5e12; /* measured again: never the same */
    must(ablate_results_begin(&results, &same, &err));
    assert_true(results.setting.ceiling.flops == 4e12);
    ablate_results_release(&results);
    struct ablate_setting threads = setting, isa = setting, commit = setting, family = setting, device = setting;
    threads.threads = 1;
    snprintf(isa.isa, sizeof isa.isa, "avx2");
    snprintf(commit.commit, sizeof commit.commit, "another");
    snprintf(family.family, sizeof family.family, "ref");
    snprintf(device.device, sizeof device.device, "Another Processor");
    other_setting(threads, "threads = 2, and this is 1");
    other_setting(isa, "instruction set avx512, and this is avx2");
    other_setting(commit, "commit 0123456789, and this is another");
    other_setting(device, "processor Some Processor @ 2.50GHz, and this is Another Processor");
    other_setting(family, "device cpu, and this is ref");
}

/* ---- the study ---- */

static struct recipe *tiny(const char *width)
{
    struct recipe *recipe = malloc(sizeof *recipe);
    assert_non_null(recipe);
    const struct recipe_request request = {
        .preset = "quick", .n_sets = 4, .sets = {width, "data=synthetic:1:40", "threads=1", "device=ref"}};
    must(recipe_resolve(&request, recipe, &err));
    return recipe;
}

struct stopper {
    int calls, stop_after;
    struct ablate_progress last;
};

static bool told(void *context, const struct ablate_progress *progress)
{
    struct stopper *stopper = context;
    stopper->last = *progress;
    return ++stopper->calls > stopper->stop_after;
}

static int run_study(const struct recipe *recipe, struct ablate_study study, struct stopper *stopper)
{
    struct ablate_results results;
    open_results(&results);
    study.recipes = &recipe;
    study.n_recipes = 1;
    study.davidnet = "0.1.0";
    study.commit = "test";
    int status = ablate_run(&study, &results, told, stopper, &err);
    ablate_results_release(&results);
    return status;
}

static size_t measured(void)
{
    struct ablate_results results;
    open_results(&results);
    size_t count = results.count;
    ablate_results_release(&results);
    return count;
}

static void test_a_study_goes_on_where_it_was(void **state)
{
    (void)state;
    struct recipe *recipe = tiny("width=2");
    struct ablate_study study = {.n_batches = 2, .rounds = 2, .batches = {4, 8}};
    enum { V = ABLATE_VARIANT_COUNT, TOTAL = 2 * 2 * V };
    struct stopper stopper = {.stop_after = V + 2}; /* a round, and two of the next */
    assert_int_equal(run_study(recipe, study, &stopper), 1);
    assert_int_equal(measured(), V + 2);
    assert_true(stopper.last.done == V + 2 && stopper.last.total == TOTAL && stopper.last.seconds_left > 0);
    assert_true(stopper.last.batch == 4 && stopper.last.round == 1 && stopper.last.variant == 2);

    stopper = (struct stopper){.stop_after = 1000};
    must(run_study(recipe, study, &stopper));
    assert_int_equal(measured(), TOTAL);
    assert_int_equal(stopper.last.done, TOTAL);
    assert_int_equal(stopper.calls, TOTAL - V - 2 + 2); /* what was missing, two ends */

    stopper = (struct stopper){.stop_after = 0}; /* nothing is left, so nobody is asked */
    assert_int_equal(run_study(recipe, study, &stopper), 0);
    strcpy(recipe->name, "other"); /* which is the same to measure */
    study.rounds = 3;              /* a round more at both */
    stopper = (struct stopper){.stop_after = 1000};
    must(run_study(recipe, study, &stopper));
    assert_int_equal(measured(), TOTAL + 2 * V);

    struct recipe *other = tiny("width=3");
    assert_int_equal(run_study(other, study, &stopper), -1);
    assert_non_null(strstr(err.text, "has quick with other values than now"));
    const char *now = strstr(err.text, "; now --preset quick"); /* both are named */
    assert_true(now && strstr(err.text, "--set width=2") < now && strstr(now, "--set width=3"));
    free(other);
    free(recipe);
}

/* ---- what they come to ---- */

static void test_costs(void **state)
{
    (void)state;
    struct ablate_results results;
    struct ablate_summary s;
    fill(&results);
    ablate_summarise(&results, "davidnet-79", 512, &s);
    const struct ablate_variant_summary *full = &s.variant[ABLATE_FULL];
    assert_int_equal(full->rounds, 3);
    assert_true(fabs(full->ms - 834.5) < 1e-9 && fabs(full->median - 834.5 * 1.01) < 1e-9 &&
                fabs(full->most - 834.5 * 1.02) < 1e-9);
    int noisy, rounds;
    ablate_count_noisy(&s, 1, &noisy, &rounds);
    assert_true(noisy == 1 && s.variant[ABLATE_RANDOM].noisy == 1 && rounds == 3 * ABLATE_VARIANT_COUNT);
    const struct ablate_cost *data = &s.cost[ABLATE_FULL], *norm = &s.cost[ABLATE_NO_UPDATE];
    assert_true(fabs(data->ms - 8) < 1e-9 && fabs(data->timers - 8) < 1e-9); /* 1 + 9, less the copy: 2 */
    assert_true(fabs(full->cpu_ms - 1.9 * 834.5) < 1e-9 && fabs(data->cpu - 1.9 * 8) < 1e-9);
    const struct ablate_cost *update = &s.cost[ABLATE_RANDOM];
    assert_true(fabs(update->timers - 20) < 1e-9 && fabs(update->others - 12) < 1e-9 && fabs(update->ms - 32) < 1e-9);
    assert_true(fabs(norm->timers - 200) < 1e-9 && fabs(norm->fused + 50) < 1e-9 && fabs(norm->ms - 150) < 1e-9);
    const struct ablate_cost *head = &s.cost[ABLATE_NO_NORM], *pool = &s.cost[ABLATE_BACKBONE];
    assert_true(fabs(head->ms - 6) < 1e-9 && fabs(head->timers - 6) < 1e-9); /* with the copy */
    assert_true(fabs(pool->ms - 50) < 1e-9 && fabs(pool->fused) < 1e-9);
    double sum = 0, timers = 0;
    for (int c = 0; c < ABLATE_COST_COUNT; c++) {
        const struct ablate_cost *k = &s.cost[c];
        assert_true(fabs(k->timers + k->fused + k->others + k->between - k->ms) < 1e-9);
        assert_true(k->low <= k->median && k->median <= k->high && k->low < k->high);
        sum += k->ms;
        timers += k->step;
    }
    assert_true(fabs(sum - full->ms) < 1e-9);
    assert_true(fabs(s.cost[ABLATE_CONVOLUTIONS].ms - s.variant[ABLATE_CONVOLUTIONS].ms) < 1e-9);
    /* the timers of the full step: of each part, and of all but what is between */
    assert_true(fabs(norm->step - 200) < 1e-9 && fabs(update->step - 20) < 1e-9 && fabs(pool->step) < 1e-9);
    assert_true(fabs(data->step - 8) < 1e-9 && fabs(head->step - 6) < 1e-9);
    assert_true(fabs(timers - 834) < 1e-9 && fabs(s.timers_ms - 834) < 1e-9);
    assert_true(fabs(s.bound_ms - 290) < 1e-9);
    ablate_results_release(&results);
}

/* Noise is what some rounds say the other way round. */
static void test_certainty(void **state)
{
    (void)state;
    struct ablate_cost cost = {.ms = -1, .low = -3, .high = 2};
    assert_string_equal(ablate_cost_certainty(&cost, 3), "within noise");
    cost.high = -0.5;
    assert_string_equal(ablate_cost_certainty(&cost, 3), "in every round");
    assert_string_equal(ablate_cost_certainty(&cost, 1), "one round");
}

static void test_what_is_missing_is_not_zero(void **state)
{
    (void)state;
    struct ablate_results results;
    struct ablate_setting setting = ablate_fixed_setting();
    struct ablate_record record = ablate_fixed("quick", 64, ABLATE_FULL, 0);
    struct ablate_summary s;
    setting.ceiling.flops = NAN;
    begin(&results, setting);
    assert_int_equal(ablate_results_add(&results, &record, &err), -1);
    assert_non_null(strstr(err.text, "the recipe of quick is not in it"));
    add_recipe(&results, "quick", NULL);
    must(ablate_results_add(&results, &record, &err));
    ablate_results_release(&results);
    open_results(&results); /* as null and back */
    ablate_summarise(&results, "quick", 64, &s);
    assert_int_equal(s.variant[ABLATE_FULL].rounds, 1);
    assert_int_equal(s.variant[ABLATE_RANDOM].rounds, 0);
    assert_true(isnan(s.variant[ABLATE_RANDOM].ms) && isnan(s.cost[ABLATE_FULL].ms) && isnan(s.bound_ms));
    ablate_results_release(&results);
}

static void test_all_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *preset;
        int batch;
    } added[] = {{"b", 512}, {"a", 128}, {"b", 128}, {"b", 512}, {"a", 1024}, {"b", 256}},
      expected[] = {{"b", 128}, {"b", 256}, {"b", 512}, {"a", 128}, {"a", 1024}};
    const struct ablate_choice all = {.n_presets = 0};
    struct ablate_results results;
    struct ablate_summary *list;
    int count;
    begin(&results, ablate_fixed_setting());
    add_recipe(&results, "a", "width=16");
    add_recipe(&results, "b", NULL);
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++) {
        struct ablate_record record = ablate_fixed(added[i].preset, added[i].batch, ABLATE_FULL, (int)i);
        must(ablate_results_add(&results, &record, &err));
    }
    must(ablate_summarise_all(&results, &all, &list, &count, &err));
    assert_int_equal(count, sizeof expected / sizeof expected[0]);
    for (int i = 0; i < count; i++) {
        assert_string_equal(list[i].preset, expected[i].preset);
        assert_int_equal(list[i].batch, expected[i].batch);
    }
    char *command = ablate_command(&results, list, count, &err);
    assert_non_null(command); /* of two rounds at batch 512 */
    assert_string_equal(command,
                        "davidnet lab ablate --preset davidnet-79 --seed 0 --batches 128,256,512 --rounds 2 && "
                        "davidnet lab ablate --preset davidnet-79 --set width=16 --seed 0 --batches 128,1024 "
                        "--rounds 1");
    free(command);
    free(list);
    ablate_results_release(&results);
}

static int choose(const struct ablate_results *results, const char *preset, int batch)
{
    const struct ablate_choice choice = {
        .presets = &preset, .n_presets = preset != NULL, .batches = &batch, .n_batches = batch > 0};
    struct ablate_summary *list;
    int count;
    if (ablate_summarise_all(results, &choice, &list, &count, &err))
        return -1;
    for (int i = 0; i < count; i++) {
        assert_true(!preset || strcmp(list[i].preset, preset) == 0);
        assert_true(batch == 0 || list[i].batch == batch);
    }
    free(list);
    return count;
}

static void test_what_was_asked_for(void **state)
{
    (void)state;
    struct ablate_results results;
    begin(&results, ablate_fixed_setting());
    add_recipe(&results, "a", NULL);
    add_recipe(&results, "b", NULL);
    for (int i = 0; i < 3; i++) {
        struct ablate_record record = ablate_fixed(i ? "b" : "a", i == 2 ? 512 : 128, ABLATE_FULL, 0);
        must(ablate_results_add(&results, &record, &err));
    }
    assert_int_equal(choose(&results, NULL, 0), 3);
    assert_int_equal(choose(&results, "a", 0), 1);
    assert_int_equal(choose(&results, "b", 0), 2);
    assert_int_equal(choose(&results, NULL, 128), 2);
    assert_int_equal(choose(&results, "b", 512), 1);
    assert_int_equal(choose(&results, "quick", 0), -1);
    assert_non_null(strstr(err.text, "quick is not measured, it has a (128), b (128, 512)"));
    assert_int_equal(choose(&results, "a", 512), -1);
    assert_int_equal(choose(&results, NULL, 64), -1);
    assert_non_null(strstr(err.text, "batch 64 is not measured"));
    ablate_results_release(&results);
}

/*
 * Both methods say the same of norm and activation where nothing is fused: measured on the ref family
 * (tests/peers/ablate_agreement.py, which says how), and kept, so that no machine's day decides.
 */
static void test_the_methods_agree_on_ref(void **state)
{
    (void)state;
    char *text;
    size_t size;
    const struct ablate_choice all = {.n_presets = 0};
    struct ablate_results results;
    struct ablate_summary *list;
    int count;
    must(file_read("tests/fixtures/ablate-ref.jsonl", 1 << 20, &text, &size, &err));
    spoil(text);
    free(text);
    must(ablate_results_read(&results, folder, &err));
    assert_string_equal(results.setting.family, "ref");
    must(ablate_summarise_all(&results, &all, &list, &count, &err));
    assert_true(count >= 2);
    int noisy, rounds;
    ablate_count_noisy(list, count, &noisy, &rounds);
    assert_true(10 * noisy < rounds);
    for (int i = 0; i < count; i++) {
        const struct ablate_cost *norm = &list[i].cost[ABLATE_NO_UPDATE];
        assert_true(list[i].variant[ABLATE_FULL].rounds >= 3 && norm->ms > 0);
        assert_true(fabs(norm->fused) < 0.1 * norm->ms);
        if (!(fabs(norm->ms / norm->timers - 1) < 0.1))
            fail_msg("batch %d: %g ms by removal, %g by the timers", list[i].batch, norm->ms, norm->timers);
    }
    free(list);
    ablate_results_release(&results);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_what_is_written_is_read),
        IN_FOLDER(test_an_unfinished_line_is_taken_away),
        IN_FOLDER(test_what_is_not_a_study_is_refused),
        IN_FOLDER(test_other_machines_are_kept_apart),
        IN_FOLDER(test_a_study_goes_on_where_it_was),
        IN_FOLDER(test_costs),
        IN_FOLDER(test_what_is_missing_is_not_zero),
        IN_FOLDER(test_all_in_order),
        IN_FOLDER(test_one_measures_at_a_time),
        IN_FOLDER(test_showing_changes_nothing),
        IN_FOLDER(test_pasted_lines_are_found),
        IN_FOLDER(test_version_1_is_read),
        IN_FOLDER(test_what_was_asked_for),
        IN_FOLDER(test_the_methods_agree_on_ref),
        cmocka_unit_test(test_certainty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
