/* The table of shipped recipes against the files that it is made from (tests run in the repository's root), and what
 * recipe files say about themselves. */
#include "engine/recipes.h"

#include "engine/groups.h"
#include "engine/recipe_file.h"
#include "engine/tricks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

static void every_file_is_there_byte_for_byte(void **state)
{
    (void)state;
    glob_t files = {0};
    assert_int_equal(glob("engine/recipes/*.ini", 0, NULL, &files), 0);
    assert_int_equal((int)files.gl_pathc, recipe_builtin_count);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *in = fopen(files.gl_pathv[i], "rb");
        assert_non_null(in);
        static char text[1 << 16];
        size_t size = fread(text, 1, sizeof text, in);
        assert_true(size < sizeof text);
        fclose(in);

        char base[256];
        snprintf(base, sizeof base, "%s", strrchr(files.gl_pathv[i], '/') + 1);
        *strstr(base, ".ini") = '\0';
        int found = -1;
        for (int row = 0; row < recipe_builtin_count; row++)
            if (!strcmp(recipe_builtins[row].name, base))
                found = row;
        assert_true(found >= 0);
        assert_int_equal(strlen(recipe_builtins[found].text), size);
        assert_memory_equal(recipe_builtins[found].text, text, size);
    }
    globfree(&files);
}

static void rows_are_sorted_and_closed(void **state)
{
    (void)state;
    for (int row = 1; row < recipe_builtin_count; row++)
        assert_true(strcmp(recipe_builtins[row - 1].name, recipe_builtins[row].name) < 0);
    assert_null(recipe_builtins[recipe_builtin_count].name);
    assert_null(recipe_builtins[recipe_builtin_count].text);
}

/* To ask for what is so already changes nothing, whatever else the trick writes: the sides of a campaign differ by the
 * trick alone. */
static void switching_to_what_is_so_changes_nothing(void **state)
{
    (void)state;
    static struct recipe plain, asked;
    struct error err = {""};
    for (int row = 0; row < recipe_builtin_count; row++) {
        struct recipe_request request = {.preset = recipe_builtins[row].name};
        assert_int_equal(recipe_resolve(&request, &plain, &err), 0);
        for (int t = 0; t < trick_count; t++) {
            struct recipe_request again = request;
            if (trick_is_on(&tricks[t], &plain))
                again.on[again.n_on++] = tricks[t].key;
            else
                again.off[again.n_off++] = tricks[t].key;
            if (recipe_resolve(&again, &asked, &err) || !recipe_equal(&plain, &asked))
                fail_msg("%s, %s: %s", recipe_builtins[row].name, tricks[t].key, err.text);
        }
    }
}

/* What was published of a preset is about that one: what inherits from it has not the same results. */
static void published_results_are_not_inherited(void **state)
{
    (void)state;
    static struct recipe recipe;
    static struct recipe_about about;
    struct error err = {""};
    if (recipe_preset_load("davidnet-79", &recipe, &about, &err))
        fail_msg("%s", err.text);
    assert_true(about.accuracy == 94.08 && about.seconds == 79 && about.reached == 7 && about.of == 10);
    if (recipe_file_parse("my.ini", "[recipe]\npreset = davidnet-79\npublished_seconds = 12.5\n", &recipe, &about,
                          &err))
        fail_msg("%s", err.text);
    assert_true(about.seconds == 12.5 && isnan(about.accuracy) && about.of == 0 && about.rung == 0);
}

static void published_results_are_checked(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"published_accuracy = 101", "published_accuracy = 101: expected a number, 0 to 100"},
        {"published_seconds = fast", "published_seconds = fast: expected a number"},
        {"published_of = 6/5", "published_of = 6/5: expected how many of how many runs, as 3/5"},
        {"published_of = 3/5 runs", "published_of = 3/5 runs: expected"},
        {"rung = 0", "rung = 0: expected a number, 1 to 1000"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        static struct recipe recipe;
        struct error err = {""};
        char text[200];
        snprintf(text, sizeof text, "[recipe]\npreset = davidnet-79\n%s\n", lines[i][0]);
        assert_int_equal(recipe_file_parse("my.ini", text, &recipe, NULL, &err), -1);
        if (!strstr(err.text, "my.ini line 3: ") || !strstr(err.text, lines[i][1]))
            fail_msg("expected '%s' in: %s", lines[i][1], err.text);
    }
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g, not %.17g", value, expected);
}

/* What each speedrun's program has: rate and decay per summed loss, after the momentum's share is divided out; the rate
 * relative to its peak at the first step, at the peak and at the end. */
static void speedruns_have_their_published_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *preset;
        double lr, decay, first, peak, last, norm_momentum;
        int batch, steps;
    } runs[] = {
        {"airbench94", 11.5, 0.0153, 0.2, 0.23, 0.07, 0.4, 1024, 476},
        {"airbench95", 10, 0.0153, 0.2, 0.23, 0.07, 0.4, 1024, 720},
        {"airbench96", 9, 0.012, 0.2, 0.1, 0, 0.1, 1024, 1776},
        {"airbench94-muon", 0.053, 2e-6, 1, 0, 0, 0.4, 2000, 200},
        {"sprint-94", 0.0573, 1.0418e-6, 1, 0, 0, 1 - 0.5566, 1536, 243},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct recipe recipe;
        struct error err = {""};
        if (recipe_preset_load(runs[i].preset, &recipe, NULL, &err))
            fail_msg("%s", err.text);
        int per_epoch = 50000 / recipe.batch, muon = recipe.optimiser == RECIPE_OPTIMISER_MUON;
        double scale = muon ? 1 : 1024 * (1 + 1 / (1 - 0.85)), rate = runs[i].lr / scale;
        struct hyper hyper;
        groups_hyper(&recipe, 0, (uint32_t)per_epoch, recipe_lr(&recipe, runs[i].peak * recipe.epochs), &hyper);
        assert_near(hyper.lr, rate);
        assert_near(hyper.weight_decay * hyper.lr, runs[i].decay * recipe.batch / scale);
        assert_near(recipe_lr(&recipe, 0), runs[i].first * rate * recipe.batch);
        assert_near(recipe_lr(&recipe, recipe.epochs), runs[i].last * rate * recipe.batch);
        assert_near(recipe.norm_momentum, runs[i].norm_momentum);
        assert_int_equal(recipe.batch, runs[i].batch);
        assert_int_equal((int)ceil(recipe.epochs * per_epoch - 1e-9), runs[i].steps);
        assert_int_equal(recipe.lr_first_step, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_there_byte_for_byte),
        cmocka_unit_test(rows_are_sorted_and_closed),
        cmocka_unit_test(switching_to_what_is_so_changes_nothing),
        cmocka_unit_test(published_results_are_not_inherited),
        cmocka_unit_test(published_results_are_checked),
        cmocka_unit_test(speedruns_have_their_published_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
