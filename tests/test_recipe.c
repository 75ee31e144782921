#include "engine/recipe.h"

#include "engine/knobs.h"
#include "engine/recipe_file.h"
#include "kernels/rng.h"

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

static void write_file(const char *name, const char *text, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void must(int result)
{
    if (result)
        fail_msg("%s", err.text);
}

static void must_fail(int result, const char *part1, const char *part2)
{
    if (result == 0)
        fail_msg("succeeded, but expected: %s", part1);
    if (!strstr(err.text, part1) || (part2 && !strstr(err.text, part2)))
        fail_msg("expected '%s' and '%s' in: %s", part1, part2 ? part2 : "", err.text);
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

/* Random recipes, text that needs quotes and lists that need several lines among them. */
static void test_random_round_trips(void **state)
{
    (void)state;
    static const char letters[] = "abcXYZ019/._-+:,@%=~ ;#\"\\'\t!$[]{}\xc3\xa9";
    uint64_t at = 0;
    for (int round = 0; round < 40; round++) {
        struct recipe recipe;
        must(recipe_preset_load("davidnet-79", &recipe, NULL, &err));
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
        check_round_trip(&recipe);
    }
}

/* Words of a command as a shell would see them; only quotes are special in what recipe_command writes. */
static int split(char *text, char **words, int max)
{
    int n = 0;
    char *out = text;
    for (char *p = text; *p && n < max;) {
        while (*p == ' ')
            p++;
        words[n++] = out;
        for (int quoted = 0; *p && (quoted || *p != ' ');) {
            if (*p == '\'')
                quoted = !quoted;
            else if (!quoted && *p == '\\')
                *out++ = *++p;
            else
                *out++ = *p;
            p++;
        }
        if (*p)
            p++;
        *out++ = '\0';
    }
    return n;
}

/* The command, taken apart and resolved, gives the same recipe. */
static void check_command(const struct recipe *recipe, const char *preset)
{
    static char text[RECIPE_COMMAND_MAX];
    static char seed[64];
    char *words[300] = {NULL};
    struct recipe_request request = {0};
    struct recipe back;
    recipe_command(recipe, text, sizeof text);
    assert_true(strlen(text) < sizeof text - 1);
    int n = split(text, words, 300);
    assert_string_equal(words[0], "davidnet");
    assert_string_equal(words[1], "train");
    for (int i = 2; i + 1 < n; i += 2) {
        if (strcmp(words[i], "--preset") == 0)
            request.preset = words[i + 1];
        else if (strcmp(words[i], "--set") == 0)
            request.sets[request.n_sets++] = words[i + 1];
        else if (strcmp(words[i], "--seed") == 0) {
            snprintf(seed, sizeof seed, "seed=%s", words[i + 1]);
            request.sets[request.n_sets++] = seed;
        } else
            fail_msg("unexpected word %s", words[i]);
    }
    assert_string_equal(request.preset, preset);
    must(recipe_resolve(&request, &back, &err));
    snprintf(back.preset, sizeof back.preset, "%s", recipe->preset);
    assert_true(recipe_equal(recipe, &back));
}

static void test_command(void **state)
{
    (void)state;
    char text[512];
    struct recipe_request request = {.preset = "davidnet-66"};
    struct recipe recipe;
    must(recipe_resolve(&request, &recipe, &err));
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
    must(recipe_resolve(&request, &recipe, &err));
    check_command(&recipe, "davidnet-66");
    check_round_trip(&recipe);
    snprintf(recipe.preset, sizeof recipe.preset, "a-preset-that-is-gone");
    check_command(&recipe, "davidnet-79");
    recipe_command(&recipe, text, 20); /* too small: cut, never overrun */
    assert_int_equal(strlen(text), 19);
}

static void test_summary(void **state)
{
    (void)state;
    char text[200];
    struct recipe_request request = {.n_sets = 2, .sets = {"cutout_width=6", "seed=1"}};
    struct recipe recipe;
    must(recipe_resolve(&request, &recipe, &err));
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(text, "davidnet-79, 24 epochs x 512, lr 0.4, crop 4, flip, cutout 8x6, seed 1");
    request = (struct recipe_request){.preset = "davidnet-66",
                                      .n_off = 3,
                                      .off = {"cutout", "crop", "flip"},
                                      .n_sets = 3,
                                      .sets = {"lr_shape=cosine", "lr_peak=0.25", "eval=holdout"}};
    must(recipe_resolve(&request, &recipe, &err));
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(text, "davidnet-66, 20 epochs x 512, lr 0.25, holdout, seed 0");
    must(recipe_set_network(&recipe, "pool = global_max; logits = linear", &err));
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(text, "davidnet-66 + own network, 20 epochs x 512, lr 0.25, holdout, seed 0");
    snprintf(recipe.preset, sizeof recipe.preset, "a-preset-that-is-gone"); /* the recipe alone says it */
    recipe_summary(&recipe, text, sizeof text);
    assert_string_equal(text, "a-preset-that-is-gone + own network, 20 epochs x 512, lr 0.25, holdout, seed 0");
}

static void test_seeds(void **state)
{
    (void)state;
    struct recipe_request request = {.n_sets = 2, .sets = {"seed=7", "init_seed=9"}};
    struct recipe recipe;
    must(recipe_resolve(&request, &recipe, &err));
    assert_true(recipe_order_seed(&recipe) == 7 && recipe_augment_seed(&recipe) == 7);
    assert_true(recipe_init_seed(&recipe) == 9);
    request.n_sets = 3;
    request.sets[2] = "order_seed=0";
    must(recipe_resolve(&request, &recipe, &err));
    assert_true(recipe_order_seed(&recipe) == 0);
}

static void test_choices_in_force(void **state)
{
    (void)state;
    struct recipe_request request = {.n_off = 3, .off = {"crop", "flip", "cutout"}};
    struct recipe recipe;
    struct choices_options options;
    must(recipe_resolve(&request, &recipe, &err));
    recipe_choices(&recipe, &options);
    assert_true(options.crop_pad == 0 && options.flip == 0 && options.vertical_flip == 0);
    assert_true(options.cutout_h == 0 && options.cutout_w == 0);
    request = (struct recipe_request){.n_sets = 2, .sets = {"vertical_flip_probability=0.25", "cutout_height=3"}};
    must(recipe_resolve(&request, &recipe, &err));
    recipe_choices(&recipe, &options);
    assert_true(options.vertical_flip == 0.25 && options.cutout_h == 3 && options.cutout_w == 8);
    assert_int_equal(options.groups, 0);
    request = (struct recipe_request){.n_on = 1, .on = {"gpu_data"}};
    must(recipe_resolve(&request, &recipe, &err));
    recipe_choices(&recipe, &options);
    assert_int_equal(options.groups, 200);
}

static void resolve_fails(struct recipe_request request, const char *part1, const char *part2)
{
    struct recipe recipe;
    must_fail(recipe_resolve(&request, &recipe, &err), part1, part2);
}

static void test_request_errors(void **state)
{
    (void)state;
    resolve_fails((struct recipe_request){.preset = "davidnet79"}, "no preset is named", "did you mean 'davidnet-79'?");
    resolve_fails((struct recipe_request){.preset = "../etc"}, "no preset is named", "quick");
    resolve_fails((struct recipe_request){.preset = ""}, "no preset is named", NULL);
    resolve_fails((struct recipe_request){.preset = "quick", .file = "x.ini"}, "exclude each other", "x.ini");
    resolve_fails((struct recipe_request){.file = "/nonexistent/x.ini"}, "/nonexistent/x.ini", "No such file");
    resolve_fails((struct recipe_request){.file = "/tmp"}, "cannot", "/tmp");
    resolve_fails((struct recipe_request){.n_on = 1, .on = {"cutuot"}}, "--on cutuot", "did you mean 'cutout'?");
    resolve_fails((struct recipe_request){.n_off = 1, .off = {"x"}}, "--off x", "crop, flip, cutout");
    resolve_fails((struct recipe_request){.n_on = 1, .on = {"flip"}, .n_off = 1, .off = {"flip"}},
                  "--on flip and --off flip", NULL);
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"momentun=1"}}, "--set momentun", "'momentum'");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"momentum"}}, "KEY=VALUE", NULL);
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"=1"}}, "KEY=VALUE", NULL);
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"batch=0"}}, "batch = 0", "2 to 16384");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"network=a = blokk c"}}, "network line 1", "'block'");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"network=nonsense"}}, "name = kind", "nonsense");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"network="}}, "network", "empty");
    resolve_fails((struct recipe_request){.epochs = 1e9}, "epochs", "10000");
}

static void test_contradictions(void **state)
{
    (void)state;
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"epochs=12"}}, "lr_knots ends at 24", "--epochs 12");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"lr_knots=0,24"}}, "differ in length", "0,0.4,0");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"lr_knots=5,0,24"}}, "lr_knots", "before");
    resolve_fails((struct recipe_request){.n_sets = 2, .sets = {"lr_shape=cosine", "lr_warmup=30"}}, "lr_warmup", "24");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"lr_shape=exponential"}}, "lr_final", "above 0");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"isa=avx3"}}, "isa = avx3", "avx2");
    resolve_fails((struct recipe_request){.n_sets = 1, .sets = {"device_index=1"}}, "device_index", "cuda");
    resolve_fails((struct recipe_request){.n_sets = 2, .sets = {"device=cpu", "precision=f16"}}, "f16", "bf16");
    resolve_fails((struct recipe_request){.n_sets = 2, .sets = {"device=ref", "precision=tf32"}}, "tf32", "f32");
    struct recipe_request fine = {.n_sets = 3, .sets = {"lr_knots=0,2,10", "epochs=12", "lr_values=0,1,0.1"}};
    struct recipe recipe;
    must(recipe_resolve(&fine, &recipe, &err)); /* flat after its last knot */
    fine = (struct recipe_request){.n_sets = 1, .sets = {"epochs=12"}, .epochs = 10};
    resolve_fails(fine, "--epochs", "--set epochs=12");
    fine = (struct recipe_request){.n_sets = 1, .sets = {"lr_knots=0,5,24"}, .epochs = 12};
    resolve_fails(fine, "lr_knots ends at 24", "after 12 epochs");
}

/* --epochs stretches what the preset says; what the user says stays as given. */
static void test_stretched_presets_and_own_values(void **state)
{
    (void)state;
    struct recipe_request request = {.n_sets = 2, .sets = {"lr_knots=0,2,6,10", "lr_values=0,0.3,0.1,0"}, .epochs = 12};
    struct recipe recipe;
    must(recipe_resolve(&request, &recipe, &err));
    assert_int_equal(recipe.schedule.n_knots, 4);
    assert_true(recipe.epochs == 12 && recipe.schedule.epochs == 12);
    assert_true(recipe.schedule.knot[1] == 2 && recipe.schedule.knot[2] == 6 && recipe.schedule.knot[3] == 10);
    request = (struct recipe_request){.n_sets = 1, .sets = {"lr_values=0,0.3,0"}, .epochs = 12};
    must(recipe_resolve(&request, &recipe, &err));
    assert_true(recipe.schedule.knot[1] == 2.5 && recipe.schedule.knot[2] == 12 && recipe.schedule.value[1] == 0.3);
    request =
        (struct recipe_request){.n_sets = 3, .sets = {"lr_shape=cosine", "lr_warmup=2", "lr_peak=0.5"}, .epochs = 48};
    must(recipe_resolve(&request, &recipe, &err));
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
    assert_int_equal(recipe_resolve(&request, &recipe, &err), -1);
    assert_memory_equal(&recipe, &before, sizeof recipe);
}

static void file_fails(const char *text, int line, const char *part1, const char *part2)
{
    char at[64];
    struct recipe recipe;
    snprintf(at, sizeof at, line ? "my.ini line %d: " : "my.ini: ", line);
    must_fail(recipe_file_parse("my.ini", text, &recipe, NULL, &err), part1, part2);
    if (strncmp(err.text, at, strlen(at)) != 0)
        fail_msg("expected '%s...', got: %s", at, err.text);
}

#define FROM_79 "[recipe]\npreset = davidnet-79\n"

static void test_file_errors(void **state)
{
    (void)state;
    file_fails(FROM_79 "[optimiser]\nmomentun = 0.9\n", 4, "unknown key 'momentun'", "did you mean 'momentum'?");
    file_fails(FROM_79 "[optimizer]\nmomentum = 0.9\n", 4, "unknown section [optimizer]", "'optimiser'");
    file_fails(FROM_79 "[schedule]\nmomentum = 0.9\n", 4, "belongs in section [optimiser]", NULL);
    file_fails("momentum = 0.9\n", 1, "before any [section]", NULL);
    file_fails("nonsense = 0.9\n", 1, "before any [section]", NULL);
    file_fails(FROM_79 "\n; note\n[optimiser]\nbatch = 64\n# note\nbatch = 32\n", 8, "'batch' is set twice", "line 6");
    file_fails(FROM_79 "[optimiser]\n\nbatch = many\n", 5, "batch = many", "2 to 16384");
    file_fails(FROM_79 "[optimiser]\nbatch =\n", 4, "batch = (nothing)", NULL);
    file_fails(FROM_79 "[optimiser]\nbatch\n", 4, "expected 'key = value'", NULL);
    file_fails(FROM_79 "[optimiser\nbatch = 64\n", 3, "expected 'key = value' or '[section]'", NULL);
    file_fails("[recipe]\npreset = davidnet-89\n", 2, "no preset is named 'davidnet-89'", "'davidnet-79'");
    file_fails("[recipe]\nparent = davidnet-79\n", 2, "[recipe] has no key 'parent'", "preset");
    file_fails(FROM_79 "origin = x\n", 3, "exclude each other", NULL);
    file_fails("", 0, "no [network]", "preset");
    file_fails("[optimiser]\nbatch = 64\n", 0, "no [network]", NULL);
    file_fails(FROM_79 "[network]\n\nprep = conv_bn c\n# note\nlogits = liner\n", 7, "unknown kind 'liner'",
               "'linear'");
    file_fails(FROM_79 "[network]\na = conv c\na = conv c\n", 5, "the name 'a' is taken", NULL);
    file_fails(FROM_79 "[schedule]\nepochs = 12\n", 4, "lr_knots ends at 24", NULL);
    file_fails(FROM_79 "[schedule]\nlr_values = 0,1\n", 4, "differ in length", NULL);
    file_fails(FROM_79 "[machine]\nisa = sse\n", 4, "isa = sse", "avx2");
    file_fails(FROM_79 "[data]\ndata = \"unclosed\n", 4, "closing quote", NULL);
    file_fails(FROM_79 "[data]\ndata = \"a\\n\"\n", 4, "\\xHH", NULL);
    file_fails(FROM_79 "[data]\ndata = \"a\\x00\"\n", 4, "\\xHH", NULL);
    file_fails(FROM_79 "[data]\ndata+ = a\n", 4, "must follow 'data ='", NULL);
    file_fails(FROM_79 "[data]\ndata = a\neval = test\ndata+ = a\n", 6, "must follow 'data ='", NULL);
    char text[2000] = FROM_79 "[data]\ndata = ";
    memset(text + strlen(text), 'x', 200);
    file_fails(text, 4, "longer than 190 characters", "key+");
    strcpy(text, FROM_79 "[network]\n");
    text[strlen(text) + 60] = '\0';
    memset(text + strlen(text), 'x', 60);
    strcat(text, " = conv c\n");
    file_fails(text, 4, "a key of 61 characters", NULL);
}

static void test_file_syntax(void **state)
{
    (void)state;
    struct recipe recipe;
    struct recipe_about about;
    must(recipe_file_parse("dir/my.ini",
                           "\xef\xbb\xbf; a BOM, comments, blanks, CR LF, colons, continued values\r\n"
                           "[recipe]\r\n  preset = davidnet-66 ; inherited\r\n"
                           "title = mine # yes\n"
                           "[optimiser]   \n   batch: 64 # small\n\tmomentum=0.8\n"
                           "[schedule]\nlr_knots = 0, 1,\nlr_knots+ = 2, 20\nlr_values = 0,1,1,0\n"
                           "[data]\ndata = \"/a b\"\ndata+ = \"/\\x23c ;#d\"\n"
                           "[network]\n  p = conv_bn c ; first\n  g : global_max\n  l = linear # last",
                           &recipe, &about, &err));
    assert_string_equal(recipe.preset, "davidnet-66");
    assert_int_equal(recipe.batch, 64);
    assert_true(recipe.momentum == 0.8 && recipe.epochs == 20 && recipe.weight_decay == 5e-4);
    assert_int_equal(recipe.schedule.n_knots, 4);
    assert_true(recipe.schedule.knot[3] == 20);
    assert_string_equal(recipe.network, "p = conv_bn c\ng = global_max\nl = linear\n");
    assert_string_equal(about.title, "mine");
    assert_string_equal(recipe.data, "/a b/#c ;#d");
    check_round_trip(&recipe);
}

static void test_files_that_are_no_recipes(void **state)
{
    (void)state;
    char path[128];
    struct recipe recipe;
    snprintf(path, sizeof path, "%s/nul.ini", folder);
    FILE *out = fopen(path, "w");
    fwrite("[recipe]\0x", 1, 10, out);
    fclose(out);
    must_fail(recipe_read(path, &recipe, &err), "NUL", path);
    out = fopen(path, "w");
    for (int i = 0; i < 70000; i++)
        fputc('\n', out);
    fclose(out);
    must_fail(recipe_read(path, &recipe, &err), "larger than 65536", path);
}

static void test_presets_of_ones_own(void **state)
{
    (void)state;
    char path[128];
    static struct recipe_about list[64], about;
    struct recipe recipe;
    struct recipe_request request = {.preset = "mine"};
    write_file("davidnet/recipes/mine.ini", "[recipe]\npreset = base\ntitle = my own\n[optimiser]\nbatch = 128\n", path,
               sizeof path);
    write_file("davidnet/recipes/base.ini", "[recipe]\npreset = davidnet-66\n[model]\nwidth = 32\n", path, sizeof path);
    write_file("davidnet/recipes/quick.ini", "[optimiser]\nbatch = 3\n", path, sizeof path);
    write_file("davidnet/recipes/loop.ini", "[recipe]\npreset = loop\n", path, sizeof path);
    must(recipe_resolve(&request, &recipe, &err));
    assert_true(recipe.batch == 128 && recipe.width == 32 && recipe.epochs == 20);
    assert_string_equal(recipe.preset, "mine");
    check_round_trip(&recipe);
    check_command(&recipe, "mine");
    must(recipe_preset_load("mine", &recipe, &about, &err));
    assert_string_equal(about.title, "my own");
    assert_non_null(strstr(about.path, "recipes/mine.ini"));
    must(recipe_preset_load("quick", &recipe, &about, &err)); /* built-in names win */
    assert_string_equal(about.path, "");
    resolve_fails((struct recipe_request){.preset = "loop"}, "inherits from itself", "loop.ini line 2");
    resolve_fails((struct recipe_request){.preset = "min"}, "no preset is named 'min'", "did you mean 'mine'?");
    int n = recipe_preset_list(list, 64), quick = 0, mine = 0;
    for (int i = 0; i < n; i++) {
        quick += strcmp(list[i].name, "quick") == 0;
        mine += strcmp(list[i].name, "mine") == 0;
    }
    assert_int_equal(quick, 1);
    assert_int_equal(mine, 1);
    assert_int_equal(recipe_preset_list(list, 2), 2);
    /* a written recipe does not need the preset that it came from */
    must(recipe_preset_load("mine", &recipe, NULL, &err));
    snprintf(path, sizeof path, "%s/davidnet/recipes/mine.ini", folder);
    assert_int_equal(unlink(path), 0);
    check_round_trip(&recipe);
}

/* Damaged files are read or refused with a message, and what is read can be written and read again. */
static void test_damaged_files(void **state)
{
    (void)state;
    static const char insert[] = "=[];#\"\\+:\n \t,x0c-.\x80";
    char *text, *copy;
    size_t size;
    uint64_t at = 0;
    int good = 0, bad = 0;
    static struct recipe recipe;
    must(recipe_preset_load("davidnet-66", &recipe, NULL, &err));
    FILE *out = open_memstream(&text, &size);
    must(recipe_write(&recipe, out, &err));
    fclose(out);
    copy = malloc(size + 1);
    for (int round = 0; round < 1000; round++) {
        memcpy(copy, text, size + 1);
        for (unsigned hits = 1 + rng_philox(5, RNG_TEST, 0, at++).word[0] % 3; hits > 0; hits--) {
            struct rng_block r = rng_philox(5, RNG_TEST, 0, at++);
            size_t place = r.word[0] % size;
            if (r.word[1] & 1)
                copy[place] = insert[r.word[2] % (sizeof insert - 1)];
            else
                memmove(copy + place, copy + place + 1, strlen(copy + place));
        }
        err.text[0] = '\0';
        if (recipe_file_parse("damaged.ini", copy, &recipe, NULL, &err)) {
            bad++;
            assert_true(strncmp(err.text, "damaged.ini", 11) == 0);
        } else {
            good++;
            check_round_trip(&recipe);
        }
    }
    assert_true(good > 0 && bad > 0);
    free(copy);
    free(text);
}

/* Every knob appears in a written file, in its own section. */
static void test_file_has_every_knob(void **state)
{
    (void)state;
    struct recipe recipe;
    char *text, line[128];
    size_t size;
    must(recipe_preset_load("quick", &recipe, NULL, &err));
    FILE *out = open_memstream(&text, &size);
    must(recipe_write(&recipe, out, &err));
    fclose(out);
    for (int i = 0; i < knob_count; i++) {
        snprintf(line, sizeof line, "\n[%s]\n", knobs[i].section);
        char *section = strstr(text, line);
        assert_non_null(section);
        snprintf(line, sizeof line, "\n%s = ", knobs[i].key);
        assert_non_null(strstr(section, line));
    }
    free(text);
}

static void test_write_to_a_full_disk(void **state)
{
    (void)state;
    struct recipe recipe;
    FILE *out = fopen("/dev/full", "w");
    if (!out) {
        print_message("SKIPPED: no /dev/full here\n");
        skip();
    }
    must(recipe_preset_load("quick", &recipe, NULL, &err));
    must_fail(recipe_write(&recipe, out, &err), "cannot write", "No space");
    fclose(out);
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
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_choices_in_force),
        cmocka_unit_test(test_request_errors),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_stretched_presets_and_own_values),
        cmocka_unit_test(test_failure_changes_nothing),
        cmocka_unit_test(test_file_errors),
        cmocka_unit_test(test_file_syntax),
        cmocka_unit_test(test_files_that_are_no_recipes),
        cmocka_unit_test(test_presets_of_ones_own),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_file_has_every_knob),
        cmocka_unit_test(test_write_to_a_full_disk),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
