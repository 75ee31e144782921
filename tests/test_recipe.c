#include "engine/recipe.h"

#include "engine/knobs.h"
#include "engine/recipe_file.h"
#include "engine/tricks.h"
#include "kernels/rng.h"
#include "tests/near.h"
#include "tests/recipe_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_davidnet_79(void **state)
{
    (void)state;
    struct recipe_request request = {0};
    struct recipe recipe;
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
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
    recipe_check_round_trip(&recipe);
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
        recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
        assert_string_equal(recipe.preset, list[i].name);
        recipe_check_round_trip(&recipe);
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
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_int_equal(recipe.cutout, 0);
    assert_int_equal(recipe.flip, 1);
    assert_int_equal(recipe.batch, 128); /* the last wins */
    assert_true(recipe.momentum == 0.85 && recipe.epochs == 20);
    request.on[request.n_on++] = "frozen_scale";
    request.sets[2] = "norm_bias_lr=32"; /* the user's own value comes after what a trick begins with */
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_true(recipe.frozen_scale && recipe.norm_bias_lr == 32 && recipe.norm_bias_decay == 1.0 / 64);
}

static void test_stretch(void **state)
{
    (void)state;
    for (int e = 1; e <= 100; e++) {
        struct recipe_request request = {.epochs = e};
        struct recipe recipe;
        recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
        assert_true(recipe.epochs == e && recipe.schedule.epochs == e);
        assert_true(recipe.schedule.knot[2] == e ||
                    (recipe.schedule.knot[2] < e && recipe.schedule.knot[2] > e - 1e-9));
        double warmup = recipe.schedule.knot[1] - 5.0 * e / 24;
        assert_true(warmup < 1e-12 && warmup > -1e-12);
        recipe_check_round_trip(&recipe);
    }
}

/* Random recipes, text that needs quotes and lists that need several lines among them. */
static void test_random_round_trips(void **state)
{
    (void)state;
    static const char letters[] = "abcXYZ019/._-+:,@%=~ ;#\"\\'\t!$[]{}\xc3\xa9";
    uint64_t at = 0;
    for (int round = 0; round < 40; round++) {
        struct recipe recipe;
        recipe_must(recipe_preset_load("davidnet-79", &recipe, NULL, &recipe_err));
        size_t length = rng_philox(3, RNG_TEST, 0, at++).word[0] % sizeof recipe.data;
        memset(recipe.data, 0, sizeof recipe.data);
        for (size_t i = 0; i < length; i++)
            recipe.data[i] = letters[rng_philox(3, RNG_TEST, 0, at++).word[0] % (sizeof letters - 1)];
        recipe.schedule.n_knots = 1 + (int)(rng_philox(3, RNG_TEST, 0, at++).word[0] % SCHEDULE_KNOTS_MAX);
        for (int i = 0; i < recipe.schedule.n_knots; i++) {
            recipe.schedule.knot[i] = 24.0 * (i + rng_uniform(rng_philox(3, RNG_TEST, 0, at++).word[0])) / 17 / 3;
            recipe.schedule.value[i] = rng_uniform(rng_philox(3, RNG_TEST, 0, at++).word[0]) / 7.0;
        }
        recipe.weight_decay = rng_uniform(rng_philox(3, RNG_TEST, 0, at++).word[0]) / 3.0;
        recipe.seed = (int64_t)(rng_philox(3, RNG_TEST, 0, at++).word[0]) << 20;
        recipe_check_round_trip(&recipe);
    }
}

static void test_command(void **state)
{
    (void)state;
    char text[512];
    struct recipe_request request = {.preset = "davidnet-66"};
    struct recipe recipe;
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_command(&recipe, text, sizeof text);
    assert_string_equal(text, "davidnet train --preset davidnet-66 --seed 0");
    request.epochs = 7;
    request.n_off = 1;
    request.off[0] = "flip";
    request.n_sets = 4;
    request.sets[0] = "data=/a folder/it's ; here";
    request.sets[1] = "seed=42";
    request.sets[2] = "momentum=0.30000000000000004";
    request.sets[3] = "network=a = block 2c pool=4; p = global_avg; l = linear bias=1";
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_check_command(&recipe, "davidnet-66");
    recipe_check_round_trip(&recipe);
    snprintf(recipe.preset, sizeof recipe.preset, "a-preset-that-is-gone");
    recipe_check_command(&recipe, "davidnet-79");
    recipe_command(&recipe, text, 20); /* too small: cut, never overrun */
    assert_int_equal(strlen(text), 19);
}

static void test_summary(void **state)
{
    (void)state;
    char text[200];
    struct recipe_request request = {.n_sets = 2, .sets = {"cutout_width=6", "seed=1"}};
    struct recipe recipe;
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(text, "davidnet-79, 24 epochs x 512, lr 0.4, crop 4, flip, cutout 8x6, seed 1");
    request = (struct recipe_request){.preset = "davidnet-66",
                                      .n_off = 3,
                                      .off = {"cutout", "crop", "flip"},
                                      .n_sets = 3,
                                      .sets = {"lr_shape=cosine", "lr_peak=0.25", "eval=holdout"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(
        text, "davidnet-66 lr_shape=cosine - crop - flip - cutout, 20 epochs x 512, lr 0.25, holdout, seed 0");
    recipe_must(recipe_set_network(&recipe, "pool = global_max; logits = linear", &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(
        text,
        "davidnet-66 lr_shape=cosine + own network - crop - flip - cutout, 20 epochs x 512, lr 0.25, holdout, seed 0");
    snprintf(recipe.preset, sizeof recipe.preset, "a-preset-that-is-gone"); /* the recipe alone says it */
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(text, "a-preset-that-is-gone lr_shape=cosine + own network - crop - flip - cutout, 20 epochs x "
                              "512, lr 0.25, holdout, seed 0");
}

/* Tricks that are not as the preset has them, of many the first; against what a run's recipe.ini came from, too. */
static void test_summary_of_tricks(void **state)
{
    (void)state;
    char text[256], path[128];
    struct recipe_request request = {.n_on = 2, .on = {"tta", "celu"}, .n_off = 1, .off = {"cutout"}};
    struct recipe recipe, back;
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(text, "davidnet-79 - cutout + celu + tta, 24 epochs x 512, lr 0.4, crop 4, flip, seed 0");
    snprintf(path, sizeof path, "%s/of-tricks.ini", recipe_folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    recipe_must(recipe_write(&recipe, out, &recipe_err));
    fclose(out);
    recipe_must(recipe_read(path, &back, &recipe_err));
    char again[sizeof text];
    recipe_summary(&back, again, sizeof again);
    assert_string_equal(again, text);
    request =
        (struct recipe_request){.n_on = 6, .on = {"label_smoothing", "celu", "ghost_bn", "frozen_scale", "ema", "tta"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_non_null(strstr(text, "davidnet-79 + label_smoothing + celu + ghost_bn and 3 more, 24 epochs"));
    for (int i = 0; i < trick_count; i++)
        assert_true((tricks_on(&recipe) >> i & 1) == (uint64_t)trick_is_on(&tricks[i], &recipe));
    request = (struct recipe_request){.preset = "tta-26"};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_int_equal(strncmp(text, "tta-26, 10 epochs", 17), 0); /* as the preset has them: no word of them */
}

/* So are knobs, but for what the line tells anyway, what tricks account for and what is no part of the recipe. */
static void test_summary_of_knobs(void **state)
{
    (void)state;
    char text[256], path[128], again[sizeof text];
    struct recipe recipe, back;
    struct recipe_request request = {
        .preset = "quick",
        .epochs = 3,
        .n_sets = 6,
        .sets = {"width=8", "batch=32", "threads=1", "target=50", "cutout_height=6", "celu_alpha=0.3"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text); /* celu_alpha has no effect here */
    assert_string_equal(text, "quick width=8, 3 epochs x 32, lr 0.4, crop 4, flip, cutout 6x8, seed 0");
    snprintf(path, sizeof path, "%s/of-knobs.ini", recipe_folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    recipe_must(recipe_write(&recipe, out, &recipe_err));
    fclose(out);
    recipe_must(recipe_read(path, &back, &recipe_err));
    recipe_summary(&back, again, sizeof again);
    assert_string_equal(again, text);
    request = (struct recipe_request){
        .preset = "quick",
        .n_on = 2,
        .on = {"celu", "ema"},
        .n_sets = 5,
        .sets = {"width=8", "momentum=0.8", "celu_alpha=0.3", "weight_decay=0.001", "logit_scale=0.2"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_int_equal(strncmp(text, "quick width=8 logit_scale=0.2 celu_alpha=0.3 and 2 more + celu + ema, ", 70), 0);
    request = (struct recipe_request){.preset = "quick", .epochs = 2};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_int_equal(strncmp(text, "quick, 2 epochs", 15), 0); /* a stretched schedule is the preset's */
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++) {
        request = (struct recipe_request){.preset = "davidnet-79", .n_on = 1, .on = {trick->key}};
        if (recipe_resolve(&request, &recipe, &recipe_err) != 0)
            continue; /* not without another one */
        recipe_summary(&recipe, text, sizeof text);
        if (strchr(text, '=') != NULL)
            fail_msg("%s", text); /* the trick's name says what it sets */
    }
}

/* The rate of a larger batch is a product, which is not told to the last bit. */
static void test_summary_of_a_product(void **state)
{
    (void)state;
    struct recipe_request request = {.preset = "davidnet-79", .n_on = 1, .on = {"batch_lr"}};
    struct recipe recipe;
    char text[256];
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_non_null(strstr(text, "x 2048, lr 1.76, "));
}

static void test_seeds(void **state)
{
    (void)state;
    struct recipe_request request = {.n_sets = 2, .sets = {"seed=7", "init_seed=9"}};
    struct recipe recipe;
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_true(recipe_order_seed(&recipe) == 7 && recipe_augment_seed(&recipe) == 7);
    assert_true(recipe_init_seed(&recipe) == 9);
    request.n_sets = 3;
    request.sets[2] = "order_seed=0";
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_true(recipe_order_seed(&recipe) == 0);
}

static void test_choices_in_force(void **state)
{
    (void)state;
    struct recipe_request request = {.n_off = 3, .off = {"crop", "flip", "cutout"}};
    struct recipe recipe;
    struct choices_options options;
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_choices(&recipe, &options);
    assert_true(options.crop_pad == 0 && options.flip == 0 && options.vertical_flip == 0);
    assert_true(options.cutout_h == 0 && options.cutout_w == 0);
    request = (struct recipe_request){.n_sets = 2, .sets = {"vertical_flip_probability=0.25", "cutout_height=3"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_choices(&recipe, &options);
    assert_true(options.vertical_flip == 0.25 && options.cutout_h == 3 && options.cutout_w == 8);
    assert_int_equal(options.groups, 0);
    request = (struct recipe_request){.n_on = 1, .on = {"gpu_data"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_choices(&recipe, &options);
    assert_int_equal(options.groups, 200);
    assert_int_equal(options.alternating, 0);
    request = (struct recipe_request){.n_on = 1, .on = {"alternating_flip"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_choices(&recipe, &options);
    assert_int_equal(options.alternating, 1);
    assert_true(options.brightness == 0 && options.contrast == 0);
    request = (struct recipe_request){.n_on = 1, .on = {"brightness_contrast"}, .n_sets = 1, .sets = {"contrast=0.5"}};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_choices(&recipe, &options);
    assert_true(options.brightness == 0.14 && options.contrast == 0.5);
}

static void test_request_errors(void **state)
{
    (void)state;
    recipe_resolve_fails((struct recipe_request){.preset = "davidnet79"}, "no preset is named",
                         "did you mean 'davidnet-79'?");
    recipe_resolve_fails((struct recipe_request){.preset = "../etc"}, "no preset is named", "quick");
    recipe_resolve_fails((struct recipe_request){.preset = ""}, "no preset is named", NULL);
    recipe_resolve_fails((struct recipe_request){.preset = "quick", .file = "x.ini"}, "exclude each other", "x.ini");
    recipe_resolve_fails((struct recipe_request){.file = "/nonexistent/x.ini"}, "/nonexistent/x.ini", "No such file");
    recipe_resolve_fails((struct recipe_request){.file = "/tmp"}, "cannot", "/tmp");
    recipe_resolve_fails((struct recipe_request){.n_on = 1, .on = {"cutuot"}}, "--on cutuot", "did you mean 'cutout'?");
    recipe_resolve_fails((struct recipe_request){.n_off = 1, .off = {"x"}}, "--off x", "crop, flip");
    recipe_resolve_fails((struct recipe_request){.n_on = 1, .on = {"flip"}, .n_off = 1, .off = {"flip"}},
                         "--on flip and --off flip", NULL);
    recipe_resolve_fails((struct recipe_request){.n_on = 1, .on = {"momentum"}}, "is a knob", "--set momentum=VALUE");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"celu=on"}}, "is a trick", "--on celu");
    recipe_resolve_fails((struct recipe_request){.n_on = 1, .on = {"celu"}, .n_sets = 1, .sets = {"activation=relu"}},
                         "activation = relu undoes trick celu", "activation = celu");
    recipe_resolve_fails((struct recipe_request){.n_off = 1, .off = {"cutout"}, .n_sets = 1, .sets = {"cutout=on"}},
                         "cutout = on is trick cutout", "switched off");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"momentun=1"}}, "--set momentun", "'momentum'");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"momentum"}}, "KEY=VALUE", NULL);
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"=1"}}, "KEY=VALUE", NULL);
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"batch=0"}}, "batch = 0", "2 to 16384");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"network=a = blokk c"}}, "network line 1",
                         "'block'");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"network=nonsense"}}, "name = kind", "nonsense");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"network="}}, "network", "empty");
    recipe_resolve_fails((struct recipe_request){.epochs = 1e9}, "epochs", "10000");
}

static void would_change_nothing(const char *preset, const char *off, const char *trick, const char *set1,
                                 const char *set2, const char *why)
{
    struct recipe_request request = {.preset = preset, .n_on = 1, .on = {trick}, .n_off = off != NULL, .off = {off}};
    request.n_sets = (set1 != NULL) + (set2 != NULL);
    request.sets[0] = set1;
    request.sets[1] = set2;
    recipe_resolve_fails(request, "would change nothing", why);
}

static void test_tricks_without_effect(void **state)
{
    (void)state;
    const char *seventynine = "davidnet-79", *both = "brightness_contrast";
    would_change_nothing(seventynine, "flip", "alternating_flip", NULL, NULL, "flip=on");
    would_change_nothing(seventynine, NULL, "flip", "flip_probability=0", NULL, "are 0");
    would_change_nothing(seventynine, NULL, both, "brightness=0", "contrast=0", "brightness and contrast are 0");
    would_change_nothing("backbone-shortcut", "crop", "gpu_data", "flip=off", "cutout=off", "no crop, flip, cutout");
    would_change_nothing("frozen-scale-43", NULL, "decoupled_decay", NULL, NULL, "norm_bias_decay");
    would_change_nothing(seventynine, NULL, "decoupled_decay", "weight_decay=0", NULL, "weight_decay is 0");
    would_change_nothing(seventynine, NULL, "kinked_lr", "lr_shape=cosine", NULL, "lr_shape=piecewise");
    would_change_nothing(seventynine, NULL, "kinked_lr", "lr_values=0,0.1,0.2", NULL, "no fall");
    would_change_nothing(seventynine, NULL, "ema", "ema_momentum=0", "ema_every=1", "ema_momentum=0");
    would_change_nothing(seventynine, NULL, "lookahead", "lookahead_momentum=0", NULL, "lookahead_momentum=0");
    struct recipe_request bulk = {.preset = "baseline-323", .n_on = 1, .on = {"bulk_random"}};
    struct recipe recipe;
    recipe_must(recipe_resolve(&bulk, &recipe, &recipe_err));
    bulk.n_off = 2;
    bulk.off[0] = "crop";
    bulk.off[1] = "flip";
    recipe_resolve_fails(bulk, "bulk_random would change nothing", "no crop, flip");
    /* odd epochs are mirror images still */
    struct recipe_request fine = {
        .n_on = 2, .on = {"flip", "alternating_flip"}, .n_sets = 1, .sets = {"flip_probability=0"}};
    recipe_must(recipe_resolve(&fine, &recipe, &recipe_err));
}

/* No preset has one: what a run's log says of it is the user's doing. */
static void test_presets_have_no_idle_tricks(void **state)
{
    (void)state;
    static struct recipe_about list[64];
    int n = recipe_preset_list(list, 64);
    for (int i = 0; i < n; i++) {
        char why[TRICK_WHY_MAX];
        struct recipe recipe;
        recipe_must(recipe_preset_load(list[i].name, &recipe, NULL, &recipe_err));
        int idle = tricks_find_idle(tricks, trick_count, &recipe, 0, why, sizeof why);
        if (idle < trick_count)
            fail_msg("%s: %s changes nothing: %s", list[i].name, tricks[idle].key, why);
    }
}

static void test_contradictions(void **state)
{
    (void)state;
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"epochs=12"}}, "lr_knots ends at 24",
                         "--epochs 12");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"lr_knots=0,24"}}, "differ in length",
                         "0,0.4,0");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"lr_knots=5,0,24"}}, "lr_knots", "before");
    recipe_resolve_fails((struct recipe_request){.n_sets = 2, .sets = {"lr_shape=cosine", "lr_warmup=30"}}, "lr_warmup",
                         "24");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"lr_shape=exponential"}}, "lr_final", "above 0");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"isa=avx3"}}, "isa = avx3", "avx2");
    recipe_resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"device_index=1"}}, "device_index", "cuda");
    recipe_resolve_fails((struct recipe_request){.n_sets = 2, .sets = {"device=cpu", "precision=f16"}}, "f16", "bf16");
    recipe_resolve_fails((struct recipe_request){.n_sets = 2, .sets = {"device=ref", "precision=tf32"}}, "tf32", "f32");
    struct recipe_request fine = {.n_sets = 3, .sets = {"lr_knots=0,2,10", "epochs=12", "lr_values=0,1,0.1"}};
    struct recipe recipe;
    recipe_must(recipe_resolve(&fine, &recipe, &recipe_err)); /* flat after its last knot */
    fine = (struct recipe_request){.n_sets = 1, .sets = {"epochs=12"}, .epochs = 10};
    recipe_resolve_fails(fine, "--epochs", "--set epochs=12");
    fine = (struct recipe_request){.n_sets = 1, .sets = {"lr_knots=0,5,24"}, .epochs = 12};
    recipe_resolve_fails(fine, "lr_knots ends at 24", "after 12 epochs");
}

/* --epochs stretches what the preset says; what the user says stays as given. */
static void test_stretched_presets_and_own_values(void **state)
{
    (void)state;
    struct recipe_request request = {.n_sets = 2, .sets = {"lr_knots=0,2,6,10", "lr_values=0,0.3,0.1,0"}, .epochs = 12};
    struct recipe recipe;
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_int_equal(recipe.schedule.n_knots, 4);
    assert_true(recipe.epochs == 12 && recipe.schedule.epochs == 12);
    assert_true(recipe.schedule.knot[1] == 2 && recipe.schedule.knot[2] == 6 && recipe.schedule.knot[3] == 10);
    request = (struct recipe_request){.n_sets = 1, .sets = {"lr_values=0,0.3,0"}, .epochs = 12};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_true(recipe.schedule.knot[1] == 2.5 && recipe.schedule.knot[2] == 12 && recipe.schedule.value[1] == 0.3);
    request =
        (struct recipe_request){.n_sets = 3, .sets = {"lr_shape=cosine", "lr_warmup=2", "lr_peak=0.5"}, .epochs = 48};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_true(recipe.schedule.warmup == 2 && recipe.schedule.peak == 0.5 && recipe.schedule.epochs == 48);
}

/* A failed resolve leaves the caller's recipe alone. */
static void test_failure_changes_nothing(void **state)
{
    (void)state;
    struct recipe recipe, before;
    struct recipe_request request = {.n_sets = 2, .sets = {"batch=64", "momentum=2"}};
    memset(&recipe, 0x5a, sizeof recipe);
    before = recipe;
    assert_int_equal(recipe_resolve(&request, &recipe, &recipe_err), -1);
    assert_memory_equal(&recipe, &before, sizeof recipe);
}

/* A trick multiplies the batch and the rate; the schedule stays as it is written. */
static void test_larger_batches(void **state)
{
    (void)state;
    struct error err = {""};
    struct recipe recipe;
    const char *key;
    struct recipe_request request = {.preset = "baseline-297", .on = {"batch_lr"}, .n_on = 1};
    assert_int_equal(recipe_resolve(&request, &recipe, &err), 0);
    assert_true(recipe.batch == 128 && recipe_batch(&recipe) == 512);
    assert_near(recipe_lr(&recipe, 15), 0.44, 1e-12); /* as batch512-256 has it */
    recipe.batch_lr = RECIPE_BATCH_LR_LINEAR;
    assert_near(recipe_lr(&recipe, 15), 0.4, 1e-12);
    recipe.batch_lr = RECIPE_BATCH_LR_SAME;
    assert_near(recipe_lr(&recipe, 15), 0.1, 1e-12);
    recipe.batch_times = 1;
    recipe.batch_lr = RECIPE_BATCH_LR_PUBLISHED;
    assert_near(recipe_lr(&recipe, 15), 0.1, 1e-12);
    recipe.batch_times = 64;
    recipe.batch = 512;
    assert_int_equal(recipe_check_key(&recipe, &key, &err), -1);
    assert_string_equal(key, "batch_times");
    assert_non_null(strstr(err.text, "512 x 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_davidnet_79),
        cmocka_unit_test(test_presets_resolve),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_stretch),
        cmocka_unit_test(test_random_round_trips),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_summary_of_tricks),
        cmocka_unit_test(test_summary_of_knobs),
        cmocka_unit_test(test_summary_of_a_product),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_choices_in_force),
        cmocka_unit_test(test_request_errors),
        cmocka_unit_test(test_tricks_without_effect),
        cmocka_unit_test(test_presets_have_no_idle_tricks),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_stretched_presets_and_own_values),
        cmocka_unit_test(test_failure_changes_nothing),
        cmocka_unit_test(test_larger_batches),
    };
    return cmocka_run_group_tests(tests, recipe_test_enter, recipe_test_leave);
}
