#include "engine/recipe.h"

#include "engine/knobs.h"
#include "engine/recipe_file.h"
#include "engine/tricks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;
static char folder[] = "/tmp/davidnet-test-XXXXXX";

static int enter(void **state)
{
    (void)state;
    char path[128];
    if (!mkdtemp(folder) || setenv("XDG_CONFIG_HOME", folder, 1))
        return -1;
    snprintf(path, sizeof path, "%s/davidnet", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/davidnet/recipes", folder);
    return mkdir(path, 0700);
}

static int leave(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void must(int result)
{
    if (result)
        fail_msg("%s", err.text);
}

/* Written and read back, it must be the same to the last bit. */
static void check_round_trip(const struct recipe *recipe)
{
    char path[128];
    static struct recipe back;
    snprintf(path, sizeof path, "%s/round.ini", folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    must(recipe_write(recipe, out, &err));
    fclose(out);
    memset(&back, 0xaa, sizeof back);
    must(recipe_read(path, &back, &err));
    if (!recipe_equal(recipe, &back)) {
        for (int i = 0; i < knob_count; i++) {
            char a[KNOB_TEXT_MAX], b[KNOB_TEXT_MAX];
            knob_get(recipe, &knobs[i], a, sizeof a);
            knob_get(&back, &knobs[i], b, sizeof b);
            if (strcmp(a, b) != 0)
                fail_msg("%s: wrote '%s', read '%s'", knobs[i].key, a, b);
        }
        fail_msg("network or preset differ: '%s' '%s', '%s' '%s'", recipe->preset, back.preset, recipe->network,
                 back.network);
    }
}

static void test_davidnet_79(void **state)
{
    (void)state;
    struct recipe_request request = {0};
    struct recipe recipe;
    must(recipe_resolve(&request, &recipe, &err));
    assert_string_equal(recipe.preset, "davidnet-79");
    assert_true(recipe.epochs == 24 && recipe.schedule.epochs == 24);
    assert_int_equal(recipe.batch, 512);
    assert_int_equal(recipe.width, 64);
    assert_int_equal(recipe.schedule.n_knots, 3);
    assert_true(recipe.schedule.knot[1] == 5 && recipe.schedule.knot[2] == 24);
    assert_true(recipe.schedule.value[1] == 0.4 && recipe.schedule.value[2] == 0);
    assert_true(recipe.momentum == 0.9 && recipe.weight_decay == 5e-4);
    assert_int_equal(recipe.nesterov, NESTEROV_PAGE);
    assert_true(recipe.crop && recipe.flip && recipe.cutout && recipe.drop_last);
    struct choices_options options;
    recipe_choices(&recipe, &options);
    assert_int_equal(options.crop_pad, 4);
    assert_int_equal(options.cutout_h, 8);
    assert_int_equal(options.cutout_w, 8);
    assert_true(options.flip == 0.5 && options.vertical_flip == 0);
    check_round_trip(&recipe);
}

static void test_presets_resolve(void **state)
{
    (void)state;
    static struct recipe_about list[64];
    int n = recipe_preset_list(list, 64);
    assert_true(n >= 3);
    for (int i = 0; i < n; i++) {
        struct recipe_request request = {.preset = list[i].name};
        struct recipe recipe;
        must(recipe_resolve(&request, &recipe, &err));
        assert_string_equal(recipe.preset, list[i].name);
        check_round_trip(&recipe);
    }
}

static void test_order(void **state)
{
    (void)state;
    struct recipe_request request = {.preset = "davidnet-66",
                                     .n_off = 1,
                                     .off = {"cutout"},
                                     .n_on = 1,
                                     .on = {"flip"},
                                     .n_sets = 3,
                                     .sets = {"batch=256", "momentum = 0.85", "batch=128"}};
    struct recipe recipe;
    request.sets[1] = "momentum=0.85";
    must(recipe_resolve(&request, &recipe, &err));
    assert_int_equal(recipe.cutout, 0);
    assert_int_equal(recipe.flip, 1);
    assert_int_equal(recipe.batch, 128); /* the last wins */
    assert_true(recipe.momentum == 0.85 && recipe.epochs == 20);
    request.sets[2] = "cutout=on"; /* the user's own value comes after tricks */
    must(recipe_resolve(&request, &recipe, &err));
    assert_int_equal(recipe.cutout, 1);
}

static void test_stretch(void **state)
{
    (void)state;
    for (int e = 1; e <= 100; e++) {
        struct recipe_request request = {.epochs = e};
        struct recipe recipe;
        must(recipe_resolve(&request, &recipe, &err));
        assert_true(recipe.epochs == e && recipe.schedule.epochs == e);
        assert_true(recipe.schedule.knot[2] == e ||
                    (recipe.schedule.knot[2] < e && recipe.schedule.knot[2] > e - 1e-9));
        double warmup = recipe.schedule.knot[1] - 5.0 * e / 24;
        assert_true(warmup < 1e-12 && warmup > -1e-12);
        check_round_trip(&recipe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_davidnet_79),
        cmocka_unit_test(test_presets_resolve),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_stretch),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
