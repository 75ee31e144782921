/* The recipe under edit: what is let in, what is refused and why, undo and redo, differences. */
#include "engine/recipe_draft.h"

#include "kernels/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;
static char folder[] = "/tmp/davidnet-test-XXXXXX";

/* Three tricks that write one knob between them, one that cannot be switched off, one that needs another field. */
static const struct trick table[] = {
    {.key = "cutout", .title = "Cutout", .parameters = {"cutout_height"}, .patches = {{"cutout", "on", "off"}}},
    {.key = "hot", .title = "Hot", .patches = {{"logit_scale", "0.25", "0.125"}, {"momentum", "0.8", "0.9"}}},
    {.key = "cold", .title = "Cold", .patches = {{"logit_scale", "0.0625", "0.125"}}},
    {.key = "nesterov", .title = "Nesterov", .patches = {{"nesterov", "page", NULL}}},
    {.key = "firm", .title = "Firm", .patches = {{"weight_decay", "0.0005", "0"}}}, /* the preset has it on */
    {.key = "loose", .title = "Loose", .patches = {{"weight_decay", "0.001", "0.0004"}}},
    {.key = "half", .title = "Half", .patches = {{"precision", "f16", "auto"}}},
};
enum { CUTOUT, HOT, COLD, NESTEROV, FIRM, LOOSE, HALF, TRICKS };

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) && setenv("XDG_CONFIG_HOME", folder, 1) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void must(int status)
{
    if (status)
        fail_msg("%s", err.text);
}

static void must_fail(int status, const char *part)
{
    if (!status)
        fail_msg("succeeded, but expected: %s", part);
    if (!strstr(err.text, part))
        fail_msg("expected '%s' in: %s", part, err.text);
}

static void begin(struct recipe_draft *draft, const char *preset)
{
    static struct recipe recipe;
    must(recipe_preset_load(preset, &recipe, NULL, &err));
    must(recipe_draft_init(draft, table, TRICKS, &recipe, &err));
    assert_true(draft->valid);
    assert_true(recipe_equal(&draft->recipe, &recipe) && recipe_equal(&draft->base, &recipe));
    assert_false(recipe_draft_can_undo(draft) || recipe_draft_can_redo(draft));
}

static struct draft_place knob_place(const char *key)
{
    return (struct draft_place){DRAFT_KNOB, (int)(knob_find(key) - knobs)};
}

static void set(struct recipe_draft *draft, const char *key, const char *text)
{
    must(recipe_draft_set(draft, knob_find(key), text, &err));
}

static void expect(const struct recipe_draft *draft, const char *key, const char *text)
{
    char now[KNOB_TEXT_MAX];
    knob_get(&draft->recipe, knob_find(key), now, sizeof now);
    assert_string_equal(now, text);
}

static void test_set_and_undo(void **state)
{
    (void)state;
    struct recipe_draft draft;
    struct draft_place place;
    begin(&draft, "davidnet-79");
    set(&draft, "batch", "256");
    set(&draft, "momentum", "0.85");
    set(&draft, "batch", "256"); /* nothing new: no step of undo */
    assert_true(recipe_draft_changed(&draft, knob_place("batch")));
    assert_false(recipe_draft_changed(&draft, knob_place("weight_decay")));
    assert_true(recipe_draft_undo(&draft, &place));
    assert_int_equal(place.kind, DRAFT_KNOB);
    assert_int_equal(place.index, knob_place("momentum").index);
    expect(&draft, "momentum", "0.9");
    expect(&draft, "batch", "256");
    assert_true(recipe_draft_undo(&draft, NULL));
    expect(&draft, "batch", "512");
    assert_false(recipe_draft_undo(&draft, NULL));
    assert_true(recipe_draft_redo(&draft, &place));
    assert_int_equal(place.index, knob_place("batch").index);
    assert_true(recipe_draft_redo(&draft, NULL));
    assert_false(recipe_draft_redo(&draft, NULL));
    expect(&draft, "momentum", "0.85");

    /* Something new after an undo: what was undone is gone. */
    assert_true(recipe_draft_undo(&draft, NULL));
    set(&draft, "batch", "128");
    assert_false(recipe_draft_can_redo(&draft));
    recipe_draft_release(&draft);
}

static void test_a_bad_value_never_enters(void **state)
{
    (void)state;
    static struct recipe before;
    struct recipe_draft draft;
    begin(&draft, "davidnet-79");
    set(&draft, "batch", "64");
    assert_true(recipe_draft_undo(&draft, NULL));
    before = draft.recipe;
    must_fail(recipe_draft_set(&draft, knob_find("batch"), "lots", &err), "batch = lots: expected a whole number");
    must_fail(recipe_draft_set(&draft, knob_find("cutout_height"), "99", &err), "1 to 32");
    must_fail(recipe_draft_set_network(&draft, "prep = nonsense c", &err), "nonsense");
    must_fail(recipe_draft_preset(&draft, "nonsense", &err), "no preset is named 'nonsense'");
    assert_memory_equal(&draft.recipe, &before, sizeof before);
    assert_true(draft.valid);
    assert_true(recipe_draft_can_redo(&draft)); /* a refusal costs nothing */
    assert_false(recipe_draft_can_undo(&draft));

    must_fail(recipe_draft_try(&draft, knob_find("batch"), "1", &err), "2 to 16384");
    must(recipe_draft_try(&draft, knob_find("batch"), "3", &err));
    assert_string_equal(err.text, "");
    must(recipe_draft_try(&draft, knob_find("lr_knots"), "0,1,2,24", &err));
    assert_non_null(strstr(err.text, "differ in length"));
    expect(&draft, "batch", "512");
    recipe_draft_release(&draft);
}

/* From three knots to four: in between the lists differ in length, and the draft says so. */
static void test_contradictions_are_named(void **state)
{
    (void)state;
    struct recipe_draft draft;
    begin(&draft, "davidnet-79");
    set(&draft, "lr_knots", "0,5,20,24");
    assert_false(draft.valid);
    assert_string_equal(draft.fault, "lr_values");
    assert_non_null(strstr(draft.why.text, "differ in length"));
    set(&draft, "lr_values", "0,0.4,0.1,0");
    assert_true(draft.valid);
    assert_string_equal(draft.why.text, "");
    assert_true(recipe_draft_undo(&draft, NULL));
    assert_false(draft.valid);
    assert_true(recipe_draft_undo(&draft, NULL));
    assert_true(draft.valid);
    recipe_draft_release(&draft);
}

static void test_epochs_stretch_the_schedule(void **state)
{
    (void)state;
    struct recipe_draft draft;
    begin(&draft, "davidnet-79");
    set(&draft, "epochs", "30");
    expect(&draft, "lr_knots", "0,6.25,30");
    expect(&draft, "lr_warmup", "6.25");
    assert_true(draft.valid);
    for (int i = 0; i < 40; i++) {
        set(&draft, "epochs", "7");
        assert_true(draft.valid);
        set(&draft, "epochs", "0.3");
        assert_true(draft.valid);
        set(&draft, "epochs", "24");
        assert_true(draft.valid);
    }
    expect(&draft, "lr_knots", "0,5,24");
    for (int i = 0; i < 40 * 3; i++)
        assert_true(recipe_draft_undo(&draft, NULL)); /* one step each, schedule and all */
    expect(&draft, "epochs", "30");
    expect(&draft, "lr_knots", "0,6.25,30");
    assert_true(recipe_draft_undo(&draft, NULL));
    assert_false(recipe_draft_can_undo(&draft));
    expect(&draft, "lr_knots", "0,5,24");
    recipe_draft_release(&draft);
}

static void test_tricks(void **state)
{
    (void)state;
    struct recipe_draft draft;
    const char *field = NULL;
    begin(&draft, "davidnet-79");
    assert_true(trick_is_on(&table[CUTOUT], &draft.recipe));
    must(recipe_draft_switch(&draft, CUTOUT, 0, &err));
    expect(&draft, "cutout", "off");
    assert_true(recipe_draft_changed(&draft, (struct draft_place){DRAFT_TRICK, CUTOUT}));

    must(recipe_draft_switch(&draft, HOT, 1, &err));
    expect(&draft, "logit_scale", "0.25");
    expect(&draft, "momentum", "0.8");
    assert_ptr_equal(recipe_draft_rival(&draft, COLD, &field), &table[HOT]);
    assert_string_equal(field, "logit_scale");
    must_fail(recipe_draft_switch(&draft, COLD, 1, &err), "hot and cold both set logit_scale: switch one off");
    expect(&draft, "logit_scale", "0.25");

    /* The user's own value wins over the trick, until it is switched again. */
    set(&draft, "logit_scale", "0.5");
    assert_false(trick_is_on(&table[HOT], &draft.recipe));
    must(recipe_draft_switch(&draft, HOT, 1, &err));
    expect(&draft, "logit_scale", "0.25");
    must(recipe_draft_switch(&draft, HOT, 0, &err));
    expect(&draft, "logit_scale", "0.125");
    must(recipe_draft_switch(&draft, COLD, 1, &err));
    expect(&draft, "logit_scale", "0.0625");
    must(recipe_draft_reset(&draft, (struct draft_place){DRAFT_TRICK, COLD}, &err));
    expect(&draft, "logit_scale", "0.125");

    assert_true(recipe_draft_undo(&draft, NULL));
    must_fail(recipe_draft_switch(&draft, NESTEROV, 0, &err), "part of preset davidnet-79");
    assert_true(recipe_draft_can_redo(&draft)); /* a refusal costs nothing */
    set(&draft, "nesterov", "torch");
    must_fail(recipe_draft_switch(&draft, NESTEROV, 0, &err), "part of preset davidnet-79");
    expect(&draft, "nesterov", "torch"); /* and takes nothing away */
    recipe_draft_release(&draft);
}

/* The preset has one on that conflicts with another: it is switched off first, by name or by value. */
static void test_rivals_of_the_preset(void **state)
{
    (void)state;
    struct recipe_draft draft;
    begin(&draft, "davidnet-79");
    must_fail(recipe_draft_switch(&draft, LOOSE, 1, &err), "firm and loose both set weight_decay: switch one off");
    must(recipe_draft_switch(&draft, FIRM, 0, &err));
    expect(&draft, "weight_decay", "0");
    must(recipe_draft_switch(&draft, LOOSE, 1, &err));
    expect(&draft, "weight_decay", "0.001");
    must_fail(recipe_draft_switch(&draft, FIRM, 1, &err), "loose and firm both set");
    must_fail(recipe_draft_reset(&draft, (struct draft_place){DRAFT_TRICK, FIRM}, &err), "loose and firm both set");
    expect(&draft, "weight_decay", "0.001");
    must(recipe_draft_switch(&draft, LOOSE, 0, &err));
    must(recipe_draft_switch(&draft, FIRM, 1, &err));
    expect(&draft, "weight_decay", "0.0005");
    while (recipe_draft_undo(&draft, NULL))
        continue;

    set(&draft, "weight_decay", "0.3"); /* firm is off by that */
    must(recipe_draft_switch(&draft, LOOSE, 1, &err));
    expect(&draft, "weight_decay", "0.001");
    recipe_draft_release(&draft);
}

/* A trick that contradicts the rest is refused as it is toggled; the same value of a knob is let in and named. */
static void test_a_contradicting_trick_is_refused(void **state)
{
    (void)state;
    struct recipe_draft draft;
    begin(&draft, "davidnet-79");
    set(&draft, "device", "cpu");
    must_fail(recipe_draft_switch(&draft, HALF, 1, &err), "precision = f16 is for GPUs");
    expect(&draft, "precision", "auto");
    assert_true(draft.valid);
    set(&draft, "precision", "f16");
    assert_false(draft.valid);
    assert_string_equal(draft.fault, "precision");
    must(recipe_draft_switch(&draft, CUTOUT, 0, &err)); /* not its fault */
    must(recipe_draft_reset(&draft, knob_place("precision"), &err));
    assert_true(draft.valid);
    recipe_draft_release(&draft);
}

static void test_presets(void **state)
{
    (void)state;
    struct recipe_draft draft;
    begin(&draft, "davidnet-79");
    set(&draft, "batch", "64");
    set(&draft, "seed", "7");
    set(&draft, "data", "synthetic:1:2000");
    set(&draft, "device", "cpu");
    must(recipe_draft_switch(&draft, CUTOUT, 0, &err));
    must(recipe_draft_preset(&draft, "quick", &err));
    assert_string_equal(draft.recipe.preset, "quick");
    expect(&draft, "batch", "512");
    expect(&draft, "cutout", "on");
    expect(&draft, "seed", "7"); /* where and with which dice is not the preset's */
    expect(&draft, "data", "synthetic:1:2000");
    expect(&draft, "device", "cpu");
    assert_true(recipe_draft_undo(&draft, NULL));
    assert_string_equal(draft.recipe.preset, "davidnet-79");
    expect(&draft, "batch", "64");
    expect(&draft, "cutout", "off");
    must(recipe_draft_reset(&draft, (struct draft_place){DRAFT_PRESET, 0}, &err));
    expect(&draft, "batch", "512");
    expect(&draft, "cutout", "on");
    expect(&draft, "seed", "7");
    assert_true(recipe_draft_undo(&draft, NULL));
    expect(&draft, "batch", "64");
    recipe_draft_release(&draft);
}

static void test_network(void **state)
{
    (void)state;
    struct recipe_draft draft;
    struct draft_place place = {DRAFT_NETWORK, 0};
    begin(&draft, "quick");
    must(recipe_draft_set_network(&draft, "prep = block c; pool = global_max; logits = linear", &err));
    assert_string_equal(draft.recipe.network, "prep = block c\npool = global_max\nlogits = linear\n");
    assert_true(draft.valid && recipe_draft_changed(&draft, place));
    /* eight pools of 2 do not fit into 32 pixels: known only once it is built */
    must_fail(recipe_draft_set_network(&draft,
                                       "a = block c; b = block c; d = block c; e = block c; f = block c; g = block c; "
                                       "h = block c; pool = global_max; logits = linear",
                                       &err),
              "network line");
    must(recipe_draft_reset(&draft, place, &err));
    assert_false(recipe_draft_changed(&draft, place));
    recipe_draft_release(&draft);
}

/* Taken from a run: its preset, and its own values as such. */
static void test_take(void **state)
{
    (void)state;
    static struct recipe recipe;
    struct recipe_draft draft;
    const struct recipe_request request = {
        .preset = "quick", .off = {"cutout"}, .n_off = 1, .sets = {"batch=32"}, .n_sets = 1};
    begin(&draft, "davidnet-79");
    must(recipe_resolve(&request, &recipe, &err));
    must(recipe_draft_take(&draft, &recipe, &err));
    assert_true(recipe_equal(&draft.recipe, &recipe));
    assert_string_equal(draft.base.preset, "quick");
    assert_true(recipe_draft_changed(&draft, knob_place("batch")));
    assert_true(recipe_draft_undo(&draft, NULL));
    assert_string_equal(draft.recipe.preset, "davidnet-79");
    recipe_draft_release(&draft);

    /* No preset of that name: it is its own base. */
    snprintf(recipe.preset, sizeof recipe.preset, "mine.ini");
    must(recipe_draft_init(&draft, table, TRICKS, &recipe, &err));
    assert_true(recipe_equal(&draft.recipe, &recipe) && recipe_equal(&draft.base, &recipe));
    recipe_draft_release(&draft);
}

/* Whatever is done, undoing all of it comes back to every recipe on the way, to the last bit, and so does redoing. */
static void test_random_edits_undo(void **state)
{
    (void)state;
    enum { STEPS = 200 };
    static const char *const values[][2] = {{"batch", "64"},          {"batch", "99999"},  {"epochs", "7"},
                                            {"epochs", "3.3"},        {"lr_knots", "0,2"}, {"lr_values", "0.1,0.2"},
                                            {"logit_scale", "0.3"},   {"seed", "5"},       {"cutout", "on"},
                                            {"lr_shape", "cosine"},   {"eval", "holdout"}, {"precision", "f16"},
                                            {"weight_decay", "0.01"}, {"device", "cpu"},   {"isa", "avx2"}};
    static const char *const presets[] = {"quick", "davidnet-79", "davidnet-66", "nonsense"};
    struct recipe *seen = calloc(STEPS + 1, sizeof *seen);
    struct recipe_draft draft;
    int depth = 0;
    begin(&draft, "quick");
    seen[0] = draft.recipe;
    for (uint64_t i = 0; i < STEPS; i++) {
        const uint32_t *word = rng_philox(3, RNG_TEST, 0, i).word;
        uint32_t r = word[0], what = word[1] % 8;
        if (what < 4)
            recipe_draft_set(&draft, knob_find(values[r % 15][0]), values[r % 15][1], &err);
        else if (what < 6)
            recipe_draft_switch(&draft, (int)(r % TRICKS), (int)(r >> 8 & 1), &err);
        else if (what == 6)
            recipe_draft_reset(&draft, (struct draft_place){DRAFT_KNOB, (int)(r % (unsigned)knob_count)}, &err);
        else
            recipe_draft_preset(&draft, presets[r % 4], &err);
        if (!recipe_equal(&draft.recipe, &seen[depth]))
            seen[++depth] = draft.recipe;
        assert_int_equal(draft.valid, recipe_check(&draft.recipe, NULL) == 0);
    }
    assert_true(depth > 60);
    for (int i = depth - 1; i >= 0; i--) {
        while (recipe_equal(&draft.recipe, &seen[i + 1])) /* a step that changed only what is owned */
            assert_true(recipe_draft_undo(&draft, NULL));
        assert_memory_equal(&draft.recipe, &seen[i], sizeof *seen);
    }
    while (recipe_draft_redo(&draft, NULL))
        continue;
    assert_memory_equal(&draft.recipe, &seen[depth], sizeof *seen);
    recipe_draft_release(&draft);
    free(seen);
}

static void test_save(void **state)
{
    (void)state;
    struct recipe_draft draft;
    static struct recipe back;
    char path[256];
    begin(&draft, "quick");
    set(&draft, "batch", "96");
    must(recipe_preset_save(&draft.recipe, "mine", 0, path, sizeof path, &err));
    assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
    must(recipe_read(path, &back, &err));
    assert_true(recipe_equal(&back, &draft.recipe));
    set(&draft, "batch", "97");
    assert_int_equal(recipe_preset_save(&draft.recipe, "mine", 0, path, sizeof path, &err), 1);
    must(recipe_read(path, &back, &err));
    assert_int_equal(back.batch, 96);
    must(recipe_preset_save(&draft.recipe, "mine", 1, path, sizeof path, &err));
    must(recipe_draft_preset(&draft, "mine", &err));
    expect(&draft, "batch", "97");
    must_fail(recipe_preset_save(&draft.recipe, "quick", 1, path, sizeof path, &err), "built-in");
    must_fail(recipe_preset_save(&draft.recipe, "../x", 1, path, sizeof path, &err), "letters, digits");
    must_fail(recipe_preset_save(&draft.recipe, ".x", 1, path, sizeof path, &err), "begins with");
    must_fail(recipe_preset_save(&draft.recipe, "", 1, path, sizeof path, &err), "1 to 59");
    recipe_draft_release(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_undo),
        cmocka_unit_test(test_a_bad_value_never_enters),
        cmocka_unit_test(test_contradictions_are_named),
        cmocka_unit_test(test_epochs_stretch_the_schedule),
        cmocka_unit_test(test_tricks),
        cmocka_unit_test(test_rivals_of_the_preset),
        cmocka_unit_test(test_a_contradicting_trick_is_refused),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_random_edits_undo),
        cmocka_unit_test(test_save),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
