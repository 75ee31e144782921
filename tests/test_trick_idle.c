/* When a trick changes nothing: each value that takes its effect away, and each that gives it back. */
#include "engine/tricks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct recipe recipe;
static struct error err;

static void set(const char *key, const char *value)
{
    const struct knob *knob = knob_find(key);
    assert_non_null(knob);
    if (knob_set(&recipe, knob, value, &err))
        fail_msg("%s", err.text);
}

/* The defaults, and then "key=value key=value ...". */
static void begin(const char *values)
{
    char text[256];
    knob_defaults(&recipe);
    snprintf(text, sizeof text, "%s", values);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        char *equals = strchr(word, '=');
        assert_non_null(equals);
        *equals = '\0';
        set(word, equals + 1);
    }
}

static void each_reason(void **state)
{
    (void)state;
    static const char drawn[] = "no crop, flip, cutout, brightness or contrast is drawn";
    static const char flips[] = "flip_probability and vertical_flip_probability are 0";
    static const char divides[] = "norm_bias_decay = 1 / norm_bias_lr does it already";
    static const char all_alike[] = "every tensor that learns has the schedule's rate";
    static const struct {
        const char *trick, *values, *why; /* NULL: it has an effect */
    } cases[] = {{"flip", "", NULL},
                 {"flip", "flip_probability=0", flips},
                 {"flip", "flip_probability=0 vertical_flip_probability=0.5", NULL},
                 {"flip", "flip_probability=0 flip_kind=alternating", NULL},
                 {"alternating_flip", "flip=off", "flip_kind has an effect only with flip=on"},
                 {"alternating_flip", "flip=on", NULL},
                 {"brightness_contrast", "", NULL},
                 {"brightness_contrast", "brightness=0", NULL},
                 {"brightness_contrast", "contrast=0", NULL},
                 {"brightness_contrast", "brightness=0 contrast=0", "brightness and contrast are 0"},
                 {"gpu_data", "", drawn},
                 {"gpu_data", "crop=on", NULL},
                 {"gpu_data", "cutout=on", NULL},
                 {"gpu_data", "flip=on", NULL},
                 {"gpu_data", "flip=on flip_probability=0", drawn},
                 {"gpu_data", "brightness_contrast=on", NULL},
                 {"gpu_data", "brightness_contrast=on brightness=0 contrast=0", drawn},
                 {"bulk_random", "", drawn},
                 {"bulk_random", "crop=on", NULL},
                 {"decoupled_decay", "weight_decay=0.0005", all_alike},
                 {"decoupled_decay", "weight_decay=0 head_lr=2", "weight_decay is 0"},
                 {"decoupled_decay", "weight_decay=0.0005 head_lr=2", NULL},
                 {"decoupled_decay", "weight_decay=0.0005 filter_lr=2", NULL},
                 {"decoupled_decay", "weight_decay=0.0005 whitening_bias_lr=2", NULL},
                 {"decoupled_decay", "weight_decay=0.0005 norm_bias_lr=64", NULL},
                 {"decoupled_decay", "weight_decay=0.0005 norm_bias_lr=64 norm_bias_decay=0.015625", divides},
                 {"decoupled_decay", "weight_decay=0.0005 head_lr=0", all_alike}, /* what has no rate does not decay */
                 {"decoupled_decay", "weight_decay=0.0005 norm_bias_decay=0.5", NULL},
                 {"kinked_lr", "", NULL},
                 {"kinked_lr", "lr_kink_factor=1", "the rate has no fall after its highest knot"},
                 {"kinked_lr", "lr_values=0.4,0.4,0.4", "the rate has no fall after its highest knot"},
                 {"kinked_lr", "lr_shape=cosine", "lr_kink has an effect only with lr_shape=piecewise"},
                 {"ema", "", NULL},
                 {"ema", "ema_momentum=0", NULL},
                 {"ema", "ema_every=1", NULL},
                 {"ema", "ema_momentum=0 ema_every=1", "ema_momentum=0 and ema_every=1 make it the weights"},
                 {"lookahead", "", NULL},
                 {"lookahead", "lookahead_momentum=0", "lookahead_momentum=0 makes slow weights the fast ones"},
                 {"cutout", "", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct trick *trick = trick_find(cases[i].trick);
        char why[TRICK_WHY_MAX] = "";
        begin(cases[i].values);
        for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
            set(patch->key, patch->on);
        int idle = trick_idle(trick, &recipe, why, sizeof why);
        if (idle != (cases[i].why != NULL) || (idle && strcmp(why, cases[i].why) != 0))
            fail_msg("%s with '%s': %d, '%s'", cases[i].trick, cases[i].values, idle, why);
        err.text[0] = '\0';
        assert_int_equal(trick_refuse_idle(trick, &recipe, &err), idle ? -1 : 0);
        if (cases[i].why)
            assert_true(strstr(err.text, cases[i].trick) && strstr(err.text, cases[i].why));
    }
}

/* A trick of several patches is idle when all of them are. */
static void one_patch_is_enough(void **state)
{
    (void)state;
    const struct trick both = {.key = "both", .patches = {{"flip_kind", "alternating", NULL}, {"crop", "on", NULL}}};
    const struct trick idle = {.key = "idle",
                               .patches = {{"flip_kind", "alternating", NULL}, {"lr_kink_factor", "1.1", NULL}}};
    const struct trick none = {.key = "none"}, off = {.key = "off", .patches = {{"lookahead", "off", NULL}}};
    char why[TRICK_WHY_MAX];
    begin("flip_kind=alternating crop=on lr_kink_factor=1.1 lookahead_momentum=0");
    assert_false(trick_idle(&off, &recipe, why, sizeof why)); /* what makes lookahead=on idle is not about it */
    assert_false(trick_idle(&both, &recipe, why, sizeof why));
    assert_true(trick_idle(&idle, &recipe, why, sizeof why));
    assert_false(trick_idle(&none, &recipe, why, sizeof why));
}

/* From where it is told, and without those that are on unless a recipe says otherwise. */
static void idle_ones_are_found(void **state)
{
    (void)state;
    char why[TRICK_WHY_MAX];
    begin("");
    assert_true(trick_is_on(trick_find("bulk_random"), &recipe));
    assert_int_equal(tricks_find_idle(tricks, trick_count, &recipe, 0, why, sizeof why), trick_count);
    begin("flip=on flip_probability=0 ema=on ema_momentum=0 ema_every=1");
    int first = tricks_find_idle(tricks, trick_count, &recipe, 0, why, sizeof why);
    assert_true(first < trick_count);
    assert_string_equal(tricks[first].key, "flip");
    int next = tricks_find_idle(tricks, trick_count, &recipe, first + 1, why, sizeof why);
    assert_true(next < trick_count);
    assert_string_equal(tricks[next].key, "ema");
    assert_int_equal(tricks_find_idle(tricks, trick_count, &recipe, next + 1, why, sizeof why), trick_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason),
        cmocka_unit_test(one_patch_is_enough),
        cmocka_unit_test(idle_ones_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
