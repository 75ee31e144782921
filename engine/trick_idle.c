/* The part of engine/tricks.h that finds tricks without effect. */
#include "engine/tricks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int no_flip(const struct recipe *recipe)
{
    return recipe->flip_probability == 0 && recipe->vertical_flip_probability == 0 &&
           recipe->flip_kind != RECIPE_FLIP_ALTERNATING;
}

static int no_color(const struct recipe *recipe)
{
    return recipe->brightness == 0 && recipe->contrast == 0;
}

static int nothing_drawn(const struct recipe *recipe)
{
    return !recipe->crop && (!recipe->flip || no_flip(recipe)) && !recipe->cutout &&
           (!recipe->brightness_contrast || no_color(recipe));
}

/* What decoupled_decay would make of the decay is what it is (engine/groups.h). */
static int same_decay(double lr, double decay)
{
    return lr == 0 || fabs(lr * decay - 1) < 1e-12;
}

static int decay_fits(const struct recipe *recipe)
{
    return same_decay(recipe->norm_bias_lr, recipe->norm_bias_decay) && same_decay(recipe->filter_lr, 1) &&
           same_decay(recipe->head_lr, 1) && same_decay(recipe->whitening_bias_lr, 1);
}

/* What learns at all learns at that rate, so there is nothing to decouple. */
static int schedule_rate(const struct recipe *recipe)
{
    return decay_fits(recipe) && recipe->norm_bias_lr == 1;
}

static int no_decay(const struct recipe *recipe)
{
    return recipe->weight_decay == 0;
}

static int average_is_weights(const struct recipe *recipe)
{
    return recipe->ema_momentum == 0 && recipe->ema_every == 1;
}

static int slow_is_fast(const struct recipe *recipe)
{
    return recipe->lookahead_momentum == 0;
}

static int no_fall(const struct recipe *recipe)
{
    return schedule_fall(&recipe->schedule) < 0 || recipe->schedule.kink_factor == 1;
}

/* Beside what the knob table says (knob_has_effect). Short: a note of a run's log holds it. */
static const struct idle {
    const char *knob, *on;
    int (*is)(const struct recipe *recipe);
    const char *why;
} idles[] = {
    {"flip", "on", no_flip, "flip_probability and vertical_flip_probability are 0"},
    {"brightness_contrast", "on", no_color, "brightness and contrast are 0"},
    {"gpu_data", "on", nothing_drawn, "no crop, flip, cutout, brightness or contrast is drawn"},
    {"loader_random", "bulk", nothing_drawn, "no crop, flip, cutout, brightness or contrast is drawn"},
    {"decoupled_decay", "on", no_decay, "weight_decay is 0"},
    {"decoupled_decay", "on", schedule_rate, "every tensor that learns has the schedule's rate"},
    {"decoupled_decay", "on", decay_fits, "norm_bias_decay = 1 / norm_bias_lr does it already"},
    {"lr_kink", "on", no_fall, "the rate has no fall after its highest knot"},
    {"ema", "on", average_is_weights, "ema_momentum=0 and ema_every=1 make it the weights"},
    {"lookahead", "on", slow_is_fast, "lookahead_momentum=0 makes slow weights the fast ones"},
};

static int patch_idle(const struct trick_patch *patch, const struct recipe *recipe, char *why, size_t size)
{
    const struct knob *knob = knob_find(patch->key);
    if (knob && !knob_has_effect(recipe, knob)) {
        snprintf(why, size, "%s has an effect only with %s", knob->key, knob->when);
        return 1;
    }
    for (size_t i = 0; i < sizeof idles / sizeof idles[0]; i++)
        if (strcmp(idles[i].knob, patch->key) == 0 && strcmp(idles[i].on, patch->on) == 0 && idles[i].is(recipe)) {
            snprintf(why, size, "%s", idles[i].why);
            return 1;
        }
    return 0;
}

int trick_idle(const struct trick *trick, const struct recipe *recipe, char *why, size_t size)
{
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
        if (!patch_idle(patch, recipe, why, size))
            return 0;
    return trick->patches[0].key != NULL;
}

int tricks_find_idle(const struct trick *table, int count, const struct recipe *recipe, int from, char *why,
                     size_t size)
{
    struct recipe defaults;
    knob_defaults(&defaults);
    for (int i = from; i < count; i++)
        if (trick_is_on(&table[i], recipe) && !trick_is_on(&table[i], &defaults) &&
            trick_idle(&table[i], recipe, why, size))
            return i;
    return count;
}
