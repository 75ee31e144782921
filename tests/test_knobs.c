#include "engine/knobs.h"

#include "engine/nearest.h"
#include "engine/number.h"
#include "engine/tricks.h"
#include "kernels/rng.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct error err;
static uint64_t draws;

static uint32_t draw(void)
{
    return rng_philox(7, RNG_TEST, 0, draws++).word[0];
}

static double draw_real(double lo, double hi)
{
    double u = ((double)draw() * 4294967296.0 + draw()) / 18446744073709551616.0;
    return lo + (hi - lo) * u;
}

static void test_rows_are_sane(void **state)
{
    (void)state;
    for (int i = 0; i < knob_count; i++) {
        const struct knob *k = &knobs[i];
        assert_true(k->key[0] && k->section[0] && k->help[0]);
        assert_true(strlen(k->key) <= 48 && strlen(k->help) <= 100);
        for (const char *p = k->key; *p; p++)
            assert_true((*p >= 'a' && *p <= 'z') || *p == '_');
        assert_ptr_equal(knob_find(k->key), k); /* no key twice */
        assert_true(k->offset < sizeof(struct recipe));
        /* a section is one run of rows: a recipe file has each once */
        for (int j = i + 2; j < knob_count; j++)
            if (strcmp(knobs[j].section, k->section) == 0)
                assert_string_equal(knobs[j - 1].section, k->section);
    }
    assert_null(knob_find("nonsense"));
}

/* A condition names a knob and values that it can have. */
static void test_when_a_knob_has_effect(void **state)
{
    (void)state;
    static struct recipe recipe;
    int seen = 0;
    for (int i = 0; i < knob_count; i++) {
        char text[128], *words;
        if (!knobs[i].when)
            continue;
        seen++;
        snprintf(text, sizeof text, "%s", knobs[i].when);
        char *equals = strchr(text, '=');
        assert_non_null(equals);
        *equals = '\0';
        if (equals[-1] == '!')
            equals[-1] = '\0';
        const struct knob *other = knob_find(text);
        assert_non_null(other);
        assert_ptr_not_equal(other, &knobs[i]);
        for (char *word = strtok_r(equals + 1, "|", &words); word; word = strtok_r(NULL, "|", &words)) {
            knob_defaults(&recipe);
            assert_int_equal(knob_set(&recipe, other, word, &err), 0);
            assert_int_equal(knob_has_effect(&recipe, &knobs[i]), !strchr(knobs[i].when, '!'));
        }
    }
    assert_true(seen > 0);
    knob_defaults(&recipe);
    assert_true(knob_has_effect(&recipe, knob_find("lr_knots")));
    assert_false(knob_has_effect(&recipe, knob_find("lr_peak")));
    assert_int_equal(knob_set(&recipe, knob_find("lr_shape"), "constant", &err), 0);
    assert_false(knob_has_effect(&recipe, knob_find("lr_knots")));
    assert_true(knob_has_effect(&recipe, knob_find("lr_peak")));
    assert_false(knob_has_effect(&recipe, knob_find("lr_final")));
    assert_int_equal(knob_set(&recipe, knob_find("lr_shape"), "cosine", &err), 0);
    assert_true(knob_has_effect(&recipe, knob_find("lr_final")));
    assert_true(knob_has_effect(&recipe, knob_find("batch")));
}

static void test_defaults_read_back(void **state)
{
    (void)state;
    struct recipe recipe;
    char text[KNOB_TEXT_MAX];
    knob_defaults(&recipe);
    for (int i = 0; i < knob_count; i++) {
        knob_get(&recipe, &knobs[i], text, sizeof text);
        assert_string_equal(text, knobs[i].default_text);
    }
    assert_true(recipe.schedule.epochs == recipe.epochs);
}

/* A random legal value, as text. */
static void random_text(const struct knob *k, char *out, size_t size)
{
    static const char letters[] = "abcXYZ019/._-+:,@%=~ ;#\"\\'\t!$[]{}\xc3\xa9";
    size_t used = 0;
    int n;
    switch (k->type) {
    case KNOB_INT:
    case KNOB_INT64:
        snprintf(out, size, "%.0f", floor(draw_real(k->min, k->max)));
        break;
    case KNOB_REAL:
        snprintf(out, size, "%.17g", draw_real(k->min, k->max));
        break;
    case KNOB_SWITCH:
        snprintf(out, size, "%s", draw() & 1 ? "on" : "off");
        break;
    case KNOB_ENUM:
        for (n = 0; k->names[n]; n++)
            ;
        snprintf(out, size, "%s", k->names[n > 0 ? draw() % (unsigned)n : 0]);
        break;
    case KNOB_TEXT:
        n = (int)(draw() % k->size);
        for (int i = 0; i < n; i++)
            out[i] = letters[draw() % (sizeof letters - 1)];
        out[n] = '\0';
        break;
    case KNOB_REALS:
        n = 1 + (int)(draw() % k->size);
        for (int i = 0; i < n; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%.17g", i ? "," : "", draw_real(k->min, k->max));
        break;
    }
}

/* Whatever is set reads back to the last bit, and touches no other knob. */
static void test_random_values_round_trip(void **state)
{
    (void)state;
    static struct recipe a, b, before;
    char text[KNOB_TEXT_MAX], again[KNOB_TEXT_MAX];
    for (int round = 0; round < 50; round++) {
        knob_defaults(&a);
        knob_defaults(&b);
        for (int i = 0; i < knob_count; i++) {
            before = a;
            random_text(&knobs[i], text, sizeof text);
            if (knob_set(&a, &knobs[i], text, &err))
                fail_msg("%s", err.text);
            for (int j = 0; j < knob_count; j++)
                if (j != i && !knob_same(&a, &before, &knobs[j]))
                    fail_msg("setting %s changed %s", knobs[i].key, knobs[j].key);
            knob_get(&a, &knobs[i], again, sizeof again);
            assert_int_equal(knob_set(&b, &knobs[i], again, &err), 0);
            assert_true(knob_same(&a, &b, &knobs[i]));
            if (knobs[i].type == KNOB_REAL)
                assert_memory_equal((char *)&a + knobs[i].offset, (char *)&b + knobs[i].offset, sizeof(double));
        }
        assert_true(a.schedule.epochs == a.epochs);
    }
}

static void expect_error(const char *key, const char *text, const char *part)
{
    struct recipe recipe, before;
    knob_defaults(&recipe);
    before = recipe;
    if (knob_set(&recipe, knob_find(key), text, &err) == 0)
        fail_msg("%s = %s was taken", key, text);
    if (strncmp(err.text, key, strlen(key)) != 0 || !strstr(err.text, part))
        fail_msg("expected '%s' and '%s' in: %s", key, part, err.text);
    assert_memory_equal(&recipe, &before, sizeof recipe);
}

static void test_bad_values(void **state)
{
    (void)state;
    char longest[600];
    expect_error("batch", "", "(nothing)");
    expect_error("batch", "512.5", "a whole number, 2 to 16384");
    expect_error("batch", "1", "2 to 16384");
    expect_error("batch", "99999999999999999999", "whole number");
    expect_error("batch", "512 images", "whole number");
    expect_error("momentum", "1", "0 to 0.9999");
    expect_error("momentum", "nan", "a number");
    expect_error("momentum", "0x1p-1", "a number");
    expect_error("momentum", "inf", "a number");
    expect_error("momentum", "0.9 0.8", "a number");
    expect_error("momentum", "0,9", "a number");
    expect_error("weight_decay", "-1e-9", "0 to 1");
    expect_error("threads", "257", "0 to 256"); /* what kernels/parallel takes */
    expect_error("flip", "maybe", "on or off");
    expect_error("nesterov", "pages", "did you mean 'page'?");
    expect_error("nesterov", "", "page, torch, tf, none");
    expect_error("lr_knots", "", "numbers with commas");
    expect_error("lr_knots", "0,5,", "numbers with commas");
    expect_error("lr_knots", ",0", "numbers with commas");
    expect_error("lr_knots", "0,-5", "each 0 to 10000");
    expect_error("lr_knots", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "at most 16");
    expect_error("seed", "-1", "0 to 2^53 - 1");
    expect_error("seed", "9007199254740993", "2^53");
    expect_error("isa", "an_isa_that_is_too_long", "at most 15");
    memset(longest, 'x', 512);
    longest[512] = '\0';
    expect_error("data", longest, "at most 511");
}

static void test_switch_words(void **state)
{
    (void)state;
    struct recipe recipe;
    const struct knob *flip = knob_find("flip");
    knob_defaults(&recipe);
    const char *words[] = {"on", "off", "YES", "no", "true", "False", "1", "0"};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(knob_set(&recipe, flip, words[i], &err), 0);
        assert_int_equal(recipe.flip, i % 2 == 0);
    }
}

/* lr_knots and lr_values share their counter: each keeps its own length, in either order. */
static void test_lists_of_different_length(void **state)
{
    (void)state;
    struct recipe recipe;
    char text[KNOB_TEXT_MAX];
    const struct knob *knots = knob_find("lr_knots"), *values = knob_find("lr_values");
    knob_defaults(&recipe);
    assert_int_equal(knob_set(&recipe, knots, "0, 1, 2, 3, 24", &err), 0);
    knob_get(&recipe, values, text, sizeof text);
    assert_string_equal(text, "0,0.4,0");
    assert_int_equal(recipe_check(&recipe, &err), -1);
    assert_non_null(strstr(err.text, "differ in length"));
    assert_int_equal(knob_set(&recipe, values, "0,1,2,1,0", &err), 0);
    knob_get(&recipe, knots, text, sizeof text);
    assert_string_equal(text, "0,1,2,3,24");
    assert_int_equal(recipe_check(&recipe, &err), 0);
    assert_int_equal(recipe.schedule.n_knots, 5);
    assert_int_equal(knob_set(&recipe, values, "1,0", &err), 0);
    assert_int_equal(recipe_check(&recipe, &err), -1);
    assert_int_equal(knob_set(&recipe, knots, "0,24", &err), 0);
    assert_int_equal(recipe.schedule.n_knots, 2);
    assert_int_equal(recipe_check(&recipe, &err), 0);
}

static void test_numbers(void **state)
{
    (void)state;
    char text[NUMBER_TEXT_MAX];
    double back;
    int64_t whole;
    assert_string_equal(number_format_real(0.1, text, sizeof text), "0.1");
    assert_string_equal(number_format_real(0.30000000000000004, text, sizeof text), "0.30000000000000004");
    assert_string_equal(number_format_real(5e-4, text, sizeof text), "0.0005");
    for (int i = 0; i < 20000; i++) {
        double value = ldexp(draw_real(-1, 1), (int)(draw() % 200) - 100);
        assert_int_equal(number_parse_real(number_format_real(value, text, sizeof text), &back), 0);
        assert_memory_equal(&value, &back, sizeof value);
    }
    assert_int_equal(number_parse_real(" 1e-3 ", &back), 0);
    assert_true(back == 1e-3);
    assert_int_equal(number_parse_real("1e999", &back), -1);
    assert_int_equal(number_parse_real("--1", &back), -1);
    assert_int_equal(number_parse_int("12 ", &whole), 0);
    assert_int_equal(number_parse_int("12x", &whole), -1);
}

/* A decimal comma must not leak into recipes. */
static void test_numbers_in_a_locale_with_commas(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", NULL};
    char text[NUMBER_TEXT_MAX];
    double back = 0;
    int found = 0;
    for (int i = 0; names[i] && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL;
    if (!found) {
        print_message("SKIPPED: no locale with a decimal comma is installed\n");
        skip();
    }
    number_format_real(0.25, text, sizeof text);
    int bad = number_parse_real("0.25", &back);
    setlocale(LC_ALL, "C");
    assert_string_equal(text, "0.25");
    assert_int_equal(bad, 0);
    assert_true(back == 0.25);
}

static void expect_hint(const char *key, const char *value, const char *part)
{
    static struct recipe recipe;
    struct error err = {""};
    knob_defaults(&recipe);
    assert_int_equal(knob_set(&recipe, knob_find(key), value, &err), -1);
    if (!strstr(err.text, part))
        fail_msg("expected '%s' in: %s", part, err.text);
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(knob_nearest("wieght_decay"), "weight_decay");
    assert_string_equal(knob_nearest("momentun"), "momentum");
    assert_string_equal(knob_nearest("lr_knot"), "lr_knots");
    assert_string_equal(knob_nearest("cutout_heigth"), "cutout_height");
    assert_null(knob_nearest("completely_unrelated"));
    assert_null(knob_nearest(""));
    char word[200];
    memset(word, 'a', 199);
    word[199] = '\0';
    assert_null(knob_nearest(word));
    struct nearest nearest;
    nearest_init(&nearest, "ab");
    nearest_offer(&nearest, "xy"); /* as many edits as letters is no likeness */
    assert_null(nearest.best);
    nearest_init(&nearest, "--foo");
    nearest_offer(&nearest, "--on"); /* the dashes are no likeness either */
    assert_null(nearest.best);
    nearest_init(&nearest, "--epocs");
    nearest_offer(&nearest, "--epochs");
    assert_string_equal(nearest.best, "--epochs");
    nearest_init(&nearest, "f64");
    nearest_offer(&nearest, "f32"); /* as much unlike as alike */
    assert_null(nearest.best);
    nearest_init(&nearest, "CUDA");
    nearest_offer(&nearest, "cpu");
    nearest_offer(&nearest, "cuda");
    assert_string_equal(nearest.best, "cuda");
    char hint[NEAREST_HINT_MAX];
    static const char *const longer[] = {"lr_shape", "lr_knots", "lr_values", "lr_peak"};
    for (int n = 1; n <= 4; n++) { /* nothing is near, but the word is how others begin */
        static const char *const hints[] = {" (did you mean 'lr_shape'?)", " (did you mean 'lr_shape' or 'lr_knots'?)",
                                            " (did you mean 'lr_shape', 'lr_knots' or 'lr_values'?)",
                                            " (did you mean 'lr_shape', 'lr_knots', 'lr_values' ...?)"};
        nearest_init(&nearest, "lr");
        for (int i = 0; i < n; i++)
            nearest_offer(&nearest, longer[i]);
        assert_string_equal(nearest_hint(&nearest, hint, sizeof hint), hints[n - 1]);
        assert_string_equal(nearest_hint(&nearest, hint, 20), "");
    }
    nearest_init(&nearest, "l");
    nearest_offer(&nearest, "lr_shape"); /* too little to go by */
    assert_string_equal(nearest_hint(&nearest, hint, sizeof hint), "");
    expect_hint("device", "gpu", "did you mean 'cuda'?");
    expect_hint("device", "cppu", "did you mean 'cpu'?");
    expect_hint("precision", "float32", "did you mean 'f32'?");
    expect_hint("precision", "f64", "expected auto, f32, bf16");
}

static void test_tricks_write_knobs(void **state)
{
    (void)state;
    assert_true(trick_count > 0 && trick_count <= RECIPE_TRICKS_MAX);
    for (int i = 0; i < trick_count; i++) {
        const struct trick *t = &tricks[i];
        struct recipe recipe;
        assert_ptr_equal(trick_find(t->key), t);
        assert_true(t->title[0] && t->changes[0] && t->published[0] && t->source[0] && t->patches[0].key);
        for (int p = 0; t->parameters[p]; p++)
            assert_non_null(knob_find(t->parameters[p]));
        knob_defaults(&recipe);
        double epochs = recipe.epochs;
        assert_int_equal(trick_apply(t, 1, &recipe, &err), 0);
        assert_true(trick_is_on(t, &recipe));
        assert_int_equal(trick_apply(t, 0, &recipe, &err), 0);
        assert_false(trick_is_on(t, &recipe));
        assert_true(recipe.epochs == epochs);
        for (const struct trick_patch *p = t->patches; p->key; p++)
            assert_string_not_equal(p->key, "epochs"); /* switching a trick never changes epochs */
    }
    assert_null(trick_find("nonsense"));
}

static void test_tricks_clash(void **state)
{
    (void)state;
    const struct trick a = {.key = "a", .patches = {{"flip", "on", "off"}, {"batch", "64", NULL}}};
    const struct trick b = {.key = "b", .patches = {{"batch", "128", NULL}}};
    const struct trick c = {.key = "c", .patches = {{"momentum", "0.8", "0.9"}}};
    struct recipe recipe;
    assert_string_equal(trick_clash(&a, &b), "batch");
    assert_null(trick_clash(&a, &c));
    knob_defaults(&recipe);
    assert_int_equal(trick_apply(&a, 1, &recipe, &err), 0);
    assert_true(trick_is_on(&a, &recipe) && recipe.batch == 64 && recipe.flip);
    assert_int_equal(trick_apply(&a, 0, &recipe, &err), 0); /* an off of NULL leaves the knob alone */
    assert_true(!recipe.flip && recipe.batch == 64);
    const struct trick wrong = {.key = "w", .patches = {{"nonsense", "1", "0"}}};
    assert_int_equal(trick_apply(&wrong, 1, &recipe, &err), -1);
    assert_non_null(strstr(err.text, "nonsense"));
    const struct trick range = {.key = "r", .patches = {{"batch", "-3", NULL}}};
    assert_int_equal(trick_apply(&range, 1, &recipe, &err), -1);
    assert_non_null(strstr(err.text, "trick r: batch = -3"));
    for (int i = 0; i < trick_count; i++)
        for (int j = 0; j < i; j++)
            /* today's conflict only over what each of them is about */
            assert_int_equal(trick_clash(&tricks[i], &tricks[j]) != NULL,
                             strcmp(tricks[i].patches[0].key, tricks[j].patches[0].key) == 0);
}

/* A first value may be changed with the trick on, and two tricks may have one for the same knob. */
static void test_tricks_begin_with_values(void **state)
{
    (void)state;
    const struct trick a = {.key = "a", .patches = {{"flip", "on", "off"}}, .begins_with = {{"width", "32", "64"}}};
    const struct trick b = {.key = "b", .patches = {{"crop", "on", "off"}}, .begins_with = {{"width", "16", NULL}}};
    struct recipe recipe;
    knob_defaults(&recipe);
    assert_null(trick_clash(&a, &b));
    assert_int_equal(trick_apply(&a, 1, &recipe, &err), 0);
    assert_true(recipe.flip && recipe.width == 32);
    recipe.width = 33;
    assert_true(trick_is_on(&a, &recipe));
    assert_int_equal(trick_apply(&b, 1, &recipe, &err), 0);
    assert_true(trick_is_on(&a, &recipe) && recipe.width == 16);
    assert_int_equal(trick_apply(&a, 0, &recipe, &err), 0);
    assert_true(!recipe.flip && recipe.width == 64);
}

static void test_tricks_that_write_one_knob_conflict(void **state)
{
    (void)state;
    static const struct trick table[] = {{.key = "small", .patches = {{"batch", "64", "512"}, {"flip", "on", "off"}}},
                                         {.key = "large", .patches = {{"batch", "1024", "512"}}},
                                         {.key = "calm", .patches = {{"momentum", "0.5", "0.9"}}}};
    struct recipe_request request = {.n_on = 2, .on = {"large", "small"}};
    struct recipe recipe;
    knob_defaults(&recipe);
    assert_int_equal(tricks_apply(table, 3, &request, &recipe, &err), -1);
    assert_non_null(strstr(err.text, "small and large both write batch"));
    request = (struct recipe_request){.n_on = 2, .on = {"calm", "small"}};
    assert_int_equal(tricks_apply(table, 3, &request, &recipe, &err), 0);
    assert_true(recipe.batch == 64 && recipe.momentum == 0.5);
    request = (struct recipe_request){.n_on = 1, .on = {"large"}}; /* against one that the recipe has on */
    assert_int_equal(tricks_apply(table, 3, &request, &recipe, &err), -1);
    assert_non_null(strstr(err.text, "--off small"));
    request = (struct recipe_request){.n_on = 1, .on = {"large"}, .n_off = 1, .off = {"small"}};
    assert_int_equal(tricks_apply(table, 3, &request, &recipe, &err), 0); /* off never undoes another's on */
    assert_true(recipe.batch == 1024 && !recipe.flip && recipe.momentum == 0.5);
    request = (struct recipe_request){.n_off = 1, .off = {"lagre"}};
    assert_int_equal(tricks_apply(table, 3, &request, &recipe, &err), -1);
    assert_non_null(strstr(err.text, "did you mean 'large'?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sane),
        cmocka_unit_test(test_when_a_knob_has_effect),
        cmocka_unit_test(test_defaults_read_back),
        cmocka_unit_test(test_random_values_round_trip),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_switch_words),
        cmocka_unit_test(test_lists_of_different_length),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_in_a_locale_with_commas),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_tricks_write_knobs),
        cmocka_unit_test(test_tricks_clash),
        cmocka_unit_test(test_tricks_begin_with_values),
        cmocka_unit_test(test_tricks_that_write_one_knob_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
