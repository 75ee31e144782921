/* Recipe files: their syntax, what is refused and where, presets of one's own, damaged files. */
#include "engine/recipe_file.h"

#include "engine/knobs.h"
#include "engine/tricks.h"
#include "kernels/rng.h"
#include "tests/recipe_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void write_file(const char *name, const char *text, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", recipe_folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void file_fails(const char *text, int line, const char *part1, const char *part2)
{
    char at[64];
    struct recipe recipe;
    snprintf(at, sizeof at, line ? "my.ini line %d: " : "my.ini: ", line);
    recipe_must_fail(recipe_file_parse("my.ini", text, &recipe, NULL, &recipe_err), part1, part2);
    if (strncmp(recipe_err.text, at, strlen(at)) != 0)
        fail_msg("expected '%s...', got: %s", at, recipe_err.text);
}

#define FROM_79 "[recipe]\npreset = davidnet-79\n"

static void test_file_errors(void **state)
{
    (void)state;
    file_fails(FROM_79 "[optimiser]\nmomentun = 0.9\n", 4, "unknown key 'momentun'", "did you mean 'momentum'?");
    file_fails(FROM_79 "[optimizer]\nmomentum = 0.9\n", 3, "unknown section [optimizer]", "'optimiser'");
    file_fails(FROM_79 "[modle]\n", 3, "unknown section [modle]", "'model'"); /* without keys, too */
    file_fails(FROM_79 "[modle]\n[optimiser]\nmomentun = 0.9\n", 3, "unknown section [modle]", NULL);
    file_fails(FROM_79 "[]\n", 3, "unknown section []", NULL);
    file_fails(FROM_79 "[model] width = 8\n", 3, "text after [model]", "next line");
    file_fails("[recipe]\rpreset = davidnet-79\r", 1, "text after [recipe]", NULL);
    file_fails(FROM_79 "[schedule]\nmomentum = 0.9\n", 4, "belongs in section [optimiser]", NULL);
    file_fails("momentum = 0.9\n", 1, "before any [section]", NULL);
    file_fails("\xef\xbb\xbfnonsense = 0.9\n", 1, "'nonsense' comes before any [section]", NULL);
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
    file_fails(FROM_79 "name = a\x1b[31mb\n", 3, "control character \\x1b", "leave it out");
    file_fails(FROM_79 "title = a\x07\n", 3, "control character \\x07", NULL);
    file_fails(FROM_79 "published = \"\\x0d\"\n", 3, "control character \\x0d", NULL);
    file_fails(FROM_79 "name = \"a\\x1b[31mb\"\n", 3, "control character \\x1b", NULL);
    file_fails(FROM_79 "title = \xC3\xA9\xC2\x9B"
                       "31m\n",
               3, "control character \\x9b", NULL);
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

/* What editors of other systems leave behind, and sections that have nothing in them. */
static void test_odd_files(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xef\xbb\xbf[recipe]\npreset = davidnet-79\n[model]\nwidth = 9\n",
        "[recipe]\r\npreset = davidnet-79\r\n[model]\r\nwidth = 9\r\n",
        "[recipe] ; what it is\npreset: davidnet-79\n[tricks]\n[network]\n\t[model] # below\n  width = 9",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct recipe recipe;
        recipe_must(recipe_file_parse("my.ini", texts[i], &recipe, NULL, &recipe_err));
        assert_int_equal(recipe.width, 9);
        assert_string_equal(recipe.preset, "davidnet-79");
    }
}

static double knob_value(const struct recipe *recipe, const char *key)
{
    char text[KNOB_TEXT_MAX];
    knob_get(recipe, knob_find(key), text, sizeof text);
    return strcmp(text, "on") == 0 ? 1 : strtod(text, NULL);
}

/* Each trick in a file is what --on is: its bundle, over the preset, before the file's own knobs. */
static void test_tricks_of_a_file(void **state)
{
    (void)state;
    struct recipe recipe, same;
    char text[256];
    for (int i = 0; i < trick_count; i++) {
        struct recipe_request request = {.preset = "davidnet-79", .n_on = 1, .on = {tricks[i].key}};
        snprintf(text, sizeof text, FROM_79 "[tricks]\n%s = on\n", tricks[i].key);
        recipe_must(recipe_file_parse("my.ini", text, &recipe, NULL, &recipe_err));
        recipe_must(recipe_resolve(&request, &same, &recipe_err));
        assert_true(trick_is_on(&tricks[i], &recipe));
        assert_true(recipe_equal(&recipe, &same));
        recipe_check_round_trip(&recipe);
    }
    /* wherever it stands, and beside knobs: those that it only begins with are free */
    recipe_must(recipe_file_parse("my.ini",
                                  FROM_79 "[model]\nlogit_scale = 0.25\n[tricks]\nfrozen_scale = yes\ncutout = off\n",
                                  &recipe, NULL, &recipe_err));
    assert_true(knob_value(&recipe, "frozen_scale") == 1 && knob_value(&recipe, "norm_bias_lr") == 64 &&
                knob_value(&recipe, "celu_alpha") == 0.3);
    assert_true(knob_value(&recipe, "logit_scale") == 0.25 && knob_value(&recipe, "cutout") == 0);
    /* the knob of the same name is the knob alone */
    recipe_must(recipe_file_parse("my.ini", FROM_79 "[model]\nfrozen_scale = on\n", &recipe, NULL, &recipe_err));
    assert_true(knob_value(&recipe, "frozen_scale") == 1 && knob_value(&recipe, "norm_bias_lr") == 1);
    /* without a preset, over the defaults */
    recipe_must(recipe_file_parse("my.ini",
                                  "[tricks]\ncelu = on\n[network]\np = conv_bn c\ng = global_max\nl = linear\n",
                                  &recipe, NULL, &recipe_err));
    assert_int_equal(recipe.activation, PLAN_ACT_CELU);
}

static void test_tricks_that_a_file_cannot_have(void **state)
{
    (void)state;
    file_fails(FROM_79 "[tricks]\ncelo = on\n", 4, "unknown trick 'celo'", "did you mean 'celu'?");
    file_fails(FROM_79 "[tricks]\ncelu = maybe\n", 4, "celu = maybe", "on or off");
    file_fails(FROM_79 "[tricks]\ncelu =\n", 4, "celu = (nothing)", "on or off");
    file_fails(FROM_79 "[tricks]\ncelu = on\ncelu = off\n", 5, "'celu' is set twice", "line 4");
    file_fails(FROM_79 "[tricks]\nmomentum = 0.9\n", 4, "'momentum' is a knob and no trick", "[optimiser]");
    file_fails(FROM_79 "[model]\ncelu = on\n", 4, "'celu' is a trick and no knob", "[tricks]");
    file_fails(FROM_79 "[trics]\ncelu = on\n", 3, "unknown section [trics]", "'tricks'");
    file_fails(FROM_79 "[tricks]\ncelu = on\ngelu = on\n", 5, "celu and gelu both write activation", "celu = off");
    file_fails("[recipe]\npreset = celu-52\n[tricks]\ngelu = on\n", 4, "both write activation", "celu = off");
    file_fails(FROM_79 "[model]\nactivation = gelu\n[tricks]\ncelu = on\n", 4, "activation = gelu undoes trick celu",
               "the trick is on line 6");
    file_fails(FROM_79 "[tricks]\ncelu = on\nalternating_flip = on\nflip = off\n", 5,
               "alternating_flip would change nothing", "flip=on");
    file_fails(FROM_79 "[tricks]\ncutout = off\n[augmentation]\ncutout = on\n", 6, "cutout = on is trick cutout",
               "line 4");
}

static void test_file_syntax(void **state)
{
    (void)state;
    struct recipe recipe;
    struct recipe_about about;
    recipe_must(recipe_file_parse("dir/my.ini",
                                  "\xef\xbb\xbf; a BOM, comments, blanks, CR LF, colons, continued values\r\n"
                                  "[recipe]\r\n  preset = davidnet-66 ; inherited\r\n"
                                  "title = mine # yes\n"
                                  "[optimiser]   \n   batch: 64 # small\n\tmomentum=0.8\n"
                                  "[schedule]\nlr_knots = 0, 1,\nlr_knots+ = 2, 20\nlr_values = 0,1,1,0\n"
                                  "[data]\ndata = \"/a b\"\ndata+ = \"/\\x23c ;#d\"\n"
                                  "[network]\n  p = conv_bn c ; first\n  g : global_max\n  l = linear # last",
                                  &recipe, &about, &recipe_err));
    assert_string_equal(recipe.preset, "davidnet-66");
    assert_int_equal(recipe.batch, 64);
    assert_true(recipe.momentum == 0.8 && recipe.epochs == 20 && recipe.weight_decay == 5e-4);
    assert_int_equal(recipe.schedule.n_knots, 4);
    assert_true(recipe.schedule.knot[3] == 20);
    assert_string_equal(recipe.network, "p = conv_bn c\ng = global_max\nl = linear\n");
    assert_string_equal(about.title, "mine");
    assert_string_equal(recipe.data, "/a b/#c ;#d");
    recipe_check_round_trip(&recipe);
}

static void test_files_that_are_no_recipes(void **state)
{
    (void)state;
    char path[128];
    struct recipe recipe;
    snprintf(path, sizeof path, "%s/nul.ini", recipe_folder);
    FILE *out = fopen(path, "w");
    fwrite("[recipe]\0x", 1, 10, out);
    fclose(out);
    recipe_must_fail(recipe_read(path, &recipe, &recipe_err), "NUL", path);
    out = fopen(path, "w");
    for (int i = 0; i < 70000; i++)
        fputc('\n', out);
    fclose(out);
    recipe_must_fail(recipe_read(path, &recipe, &recipe_err), "larger than 65536", path);
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
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_true(recipe.batch == 128 && recipe.width == 32 && recipe.epochs == 20);
    assert_string_equal(recipe.preset, "mine");
    recipe_check_round_trip(&recipe);
    recipe_check_command(&recipe, "mine");
    recipe_must(recipe_preset_load("mine", &recipe, &about, &recipe_err));
    assert_string_equal(about.title, "my own");
    assert_non_null(strstr(about.path, "recipes/mine.ini"));
    recipe_must(recipe_preset_load("quick", &recipe, &about, &recipe_err)); /* built-in names win */
    assert_string_equal(about.path, "");
    recipe_resolve_fails((struct recipe_request){.preset = "loop"}, "inherits from itself", "loop.ini line 2");
    recipe_resolve_fails((struct recipe_request){.preset = "min"}, "no preset is named 'min'", "did you mean 'mine'?");
    int n = recipe_preset_list(list, 64), quick = 0, mine = 0;
    for (int i = 0; i < n; i++) {
        quick += strcmp(list[i].name, "quick") == 0;
        mine += strcmp(list[i].name, "mine") == 0;
    }
    assert_int_equal(quick, 1);
    assert_int_equal(mine, 1);
    assert_int_equal(recipe_preset_list(list, 2), 2);
    /* a written recipe does not need the preset that it came from */
    recipe_must(recipe_preset_load("mine", &recipe, NULL, &recipe_err));
    snprintf(path, sizeof path, "%s/davidnet/recipes/mine.ini", recipe_folder);
    assert_int_equal(unlink(path), 0);
    recipe_check_round_trip(&recipe);
}

/* A file's recipe is called by the file, or by what it says; it stays the preset's in all else. */
static void test_name_of_a_file(void **state)
{
    (void)state;
    char path[128], text[256];
    struct recipe recipe, back;
    struct recipe_request request = {.file = path};
    write_file("my net.ini", "[recipe]\npreset = davidnet-79\n[tricks]\ncelu = on\n", path, sizeof path);
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_string_equal(recipe_name(&recipe), "my net");
    assert_string_equal(recipe.preset, "davidnet-79");
    recipe_summary(&recipe, text, sizeof text);
    assert_int_equal(strncmp(text, "my net: davidnet-79 + celu, 24 epochs", 37), 0);
    recipe_check_round_trip(&recipe);
    recipe_check_command(&recipe, "davidnet-79");
    FILE *out;
    for (int i = 0; i < 2; i++) { /* a run's folder keeps the name, and what is made from it does */
        write_file("recipe.ini", "", path, sizeof path);
        out = fopen(path, "w");
        assert_non_null(out);
        recipe_must(recipe_write(i ? &back : &recipe, out, &recipe_err));
        fclose(out);
        recipe_must(i ? recipe_resolve(&request, &back, &recipe_err) : recipe_read(path, &back, &recipe_err));
        assert_string_equal(recipe_name(&back), "my net");
    }
    write_file("called.ini", "[recipe]\nname = other\npreset = davidnet-66\n", path, sizeof path);
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_string_equal(recipe_name(&recipe), "other");
    write_file("alone.ini", "[network]\ng = global_max\nl = linear\n", path, sizeof path);
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    recipe_summary(&recipe, text, sizeof text);
    assert_int_equal(strncmp(text, "alone, 24 epochs", 16), 0);
    request = (struct recipe_request){.preset = "davidnet-66"};
    recipe_must(recipe_resolve(&request, &recipe, &recipe_err));
    assert_true(recipe.name[0] == '\0' && strcmp(recipe_name(&recipe), "davidnet-66") == 0);
    /* As a preset of one's own it is called as that is. */
    snprintf(recipe.name, sizeof recipe.name, "other");
    recipe_must(recipe_preset_save(&recipe, "saved", 1, path, sizeof path, &recipe_err));
    recipe_must(recipe_read(path, &back, &recipe_err));
    assert_string_equal(back.name, "");
    file_fails("[recipe]\nname = a\nname = b\n", 3, "'name' is set twice", "line 2");
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
    recipe_must(recipe_preset_load("davidnet-66", &recipe, NULL, &recipe_err));
    FILE *out = open_memstream(&text, &size);
    recipe_must(recipe_write(&recipe, out, &recipe_err));
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
        recipe_err.text[0] = '\0';
        if (recipe_file_parse("damaged.ini", copy, &recipe, NULL, &recipe_err)) {
            bad++;
            assert_true(strncmp(recipe_err.text, "damaged.ini", 11) == 0);
        } else {
            good++;
            recipe_check_round_trip(&recipe);
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
    recipe_must(recipe_preset_load("quick", &recipe, NULL, &recipe_err));
    FILE *out = open_memstream(&text, &size);
    recipe_must(recipe_write(&recipe, out, &recipe_err));
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
    recipe_must(recipe_preset_load("quick", &recipe, NULL, &recipe_err));
    recipe_must_fail(recipe_write(&recipe, out, &recipe_err), "cannot write", "No space");
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_errors),          cmocka_unit_test(test_odd_files),
        cmocka_unit_test(test_tricks_of_a_file),     cmocka_unit_test(test_tricks_that_a_file_cannot_have),
        cmocka_unit_test(test_file_syntax),          cmocka_unit_test(test_files_that_are_no_recipes),
        cmocka_unit_test(test_presets_of_ones_own),  cmocka_unit_test(test_name_of_a_file),
        cmocka_unit_test(test_damaged_files),        cmocka_unit_test(test_file_has_every_knob),
        cmocka_unit_test(test_write_to_a_full_disk),
    };
    return cmocka_run_group_tests(tests, recipe_test_enter, recipe_test_leave);
}
