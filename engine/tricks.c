#include "engine/tricks.h"

#include "engine/nearest.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const struct trick tricks[] = {
    {
        .key = "crop",
        .title = "Random crop",
        .changes = "pads each training image by reflection and cuts a window of the old size out of it",
        .published = "part of every published recipe: standard augmentation",
        .source = "He et al., Deep Residual Learning, arXiv:1512.03385, 4.2",
        .parameters = {"crop_pad"},
        .patches = {{"crop", "on", "off"}},
    },
    {
        .key = "flip",
        .title = "Random flip",
        .changes = "mirrors training images at random, left to right (and upside down if asked)",
        .published = "part of every published recipe: standard augmentation",
        .source = "He et al., Deep Residual Learning, arXiv:1512.03385, 4.2",
        .parameters = {"flip_probability", "vertical_flip_probability"},
        .patches = {{"flip", "on", "off"}},
    },
    {
        .key = "alternating_flip",
        .title = "Alternating flip",
        .changes = "draws each image's left-right flip once; every other epoch shows all images the other way round",
        .published = "part of airbench94, whose 1,000 runs of 9.9 epochs have a mean of 94.01 %",
        .source = "K. Jordan, 94 % on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv:2404.00498",
        .patches = {{"flip_kind", "alternating", "random"}},
    },
    {
        .key = "cutout",
        .title = "Cutout",
        .changes = "sets a box of each training image, at a random place, to zero",
        .published = "ResNet-18, 35 epochs, batch 512: runs that reach 94 % go from 3 of 5 to 5 of 5 (8x8)",
        .source = "DeVries & Taylor, arXiv:1708.04552; D. Page, How to Train Your ResNet 3",
        .parameters = {"cutout_height", "cutout_width"},
        .patches = {{"cutout", "on", "off"}},
    },
    {
        .key = "brightness_contrast",
        .title = "Brightness and contrast",
        .changes = "adds a number to each training image's normalised values and multiplies them by another, at random",
        .published = "part of the fastest speedrun found by Hiverge: 7.6 epochs, mean 94.01 % of 200 runs",
        .source = "Hiverge's speedrun of CIFAR-10, after K. Jordan's airbench94",
        .parameters = {"brightness", "contrast"},
        .patches = {{"brightness_contrast", "on", "off"}},
    },
    {
        .key = "preprocess_once",
        .title = "Preprocess once",
        .changes = "normalises by a table made once; off: all images anew at each epoch's beginning. The batches are "
                   "the same",
        .published = "ResNet-18, 35 epochs: 323 -> 308 s, with one loader worker instead of several",
        .source = "D. Page, How to Train Your ResNet 1",
        .patches = {{"preprocess", "once", "epoch"}},
    },
    {
        .key = "bulk_random",
        .title = "Random numbers in bulk",
        .changes =
            "draws an epoch's crops, flips and boxes at once; off: each with its image. The batches are the same",
        .published = "ResNet-18, 35 epochs: 308 -> 301 s",
        .source = "D. Page, How to Train Your ResNet 1",
        .patches = {{"loader_random", "bulk", "item"}},
    },
    {
        .key = "main_loader",
        .title = "Augment in the step",
        .changes = "no loader threads: the step augments as it goes; off: a worker prepares batches ahead. The batches "
                   "are the same",
        .published = "ResNet-18, 35 epochs: 301 -> 297 s",
        .source = "D. Page, How to Train Your ResNet 1",
        .parameters = {"loader_workers"},
        .patches = {{"loader", "main", "workers"}},
    },
    {
        .key = "progressive_size",
        .title = "Progressive resizing",
        .changes = "shrinks the images of the first epochs, which saves most of their arithmetic",
        .published =
            "airbench94 with Muon, 8 epochs, 24 24 24 24 32 32 32 32: 0.78 of the arithmetic, 93.99 and 93.82 %; "
            "whole images 94.23 %, and 93.69 and 93.72 % for 0.875 of it",
        .source = "measured for davidnet in PyTorch, two runs each: too few to tell 0.2 % apart",
        .parameters = {"sizes"},
        .patches = {{"progressive_size", "on", "off"}},
    },
    {
        .key = "gpu_data",
        .title = "Grouped augmentation",
        .changes = "deals each epoch's crops, flips and boxes out evenly to groups of images: no draw for each image",
        .published = "24 epochs: 79 -> 70 s, mean 94.1 % (with data and augmentation on the GPU; here both are in "
                     "memory anyway)",
        .source = "D. Page, How to Train Your ResNet 8: Bag of Tricks",
        .parameters = {"augment_groups"},
        .patches = {{"gpu_data", "on", "off"}},
    },
    {
        .key = "pool_first",
        .title = "Max pool before norm",
        .changes = "max pools come before norm and activation, which then have a quarter of the work",
        .published = "davidnet, 24 epochs: 94.0 %; with 25, 70 s become 64 s",
        .source = "D. Page, How to Train Your ResNet 8",
        .patches = {{"pool_place", "before_norm", "after_act"}},
    },
    {
        .key = "duplicate_norm",
        .title = "Duplicate norm and relu",
        .changes = "the first norm and its activation come twice",
        .published = "ResNet-18, 35 epochs: without it and the kink of the rate, 4 of 5 runs reach 94 %, not 3 of 5",
        .source = "a flaw of the DAWNBench winner of 2018; D. Page, How to Train Your ResNet 1",
        .patches = {{"duplicate_norm", "on", "off"}},
    },
    {
        .key = "kinked_lr",
        .title = "Kink of the rate",
        .changes = "the learning rate jumps up by 5 % where its fall begins",
        .published = "ResNet-18, 35 epochs: without it and the second norm, 4 of 5 runs reach 94 %, not 3 of 5",
        .source = "a flaw of the DAWNBench winner of 2018; D. Page, How to Train Your ResNet 1",
        .parameters = {"lr_kink_factor"},
        .patches = {{"lr_kink", "on", "off"}},
    },
    {
        .key = "label_smoothing",
        .title = "Label smoothing",
        .changes = "trains on 0.8 cross-entropy + 0.2 of the mean of -log p over all classes",
        .published = "davidnet, 25 epochs: 94.2 %; 94.1 % with 23 (0.2)",
        .source = "Szegedy et al., arXiv:1512.00567, 7; D. Page, How to Train Your ResNet 8",
        .parameters = {"smoothing"},
        .patches = {{"label_smoothing", "on", "off"}},
    },
    {
        .key = "celu",
        .title = "CELU",
        .changes = "alpha * (exp(x / alpha) - 1) below zero instead of 0: a smooth activation",
        .published = "davidnet, 23 epochs: 94.3 %; 94.1 % with 20, in 52 s (alpha 0.075)",
        .source = "Barron, arXiv:1704.07483; D. Page, How to Train Your ResNet 8",
        .parameters = {"celu_alpha"},
        .patches = {{"activation", "celu", "relu"}},
    },
    {
        .key = "gelu",
        .title = "GELU",
        .changes = "x times the normal distribution's share below x, instead of relu",
        .published = "part of airbench94: 94.01 % in 9.9 epochs",
        .source = "Hendrycks & Gimpel, arXiv:1606.08415; Jordan, arXiv:2404.00498",
        .patches = {{"activation", "gelu", "relu"}},
    },
    {
        .key = "silu",
        .title = "SiLU",
        .changes = "x / (1 + exp(-x)) instead of relu",
        .published = "part of Hiverge's fastest run to 94 %: 94.01 % in 7.6 epochs",
        .source = "Hendrycks & Gimpel, arXiv:1606.08415; Elfwing et al., arXiv:1702.03118",
        .patches = {{"activation", "silu", "relu"}},
    },
    {
        .key = "ghost_bn",
        .title = "Ghost batch norm",
        .changes = "normalises groups of images by statistics of their own, as smaller batches would",
        .published = "davidnet, 20 epochs: 94.2 %; 94.1 % with 18, in 46 s (16 groups of 32)",
        .source = "Hoffer et al., arXiv:1705.08741; D. Page, How to Train Your ResNet 8",
        .parameters = {"ghost_groups"},
        .patches = {{"ghost_bn", "on", "off"}},
    },
    {
        .key = "frozen_scale",
        .title = "Frozen norm scales",
        .changes = "batch norm's scales stay 1, its biases learn 64 times as fast; CELU's alpha and the logits' scale "
                   "go with them",
        .published = "davidnet, 18 epochs: 94.2 %; 94.1 % with 17, in 43 s",
        .source = "D. Page, How to Train Your ResNet 8",
        .parameters = {"norm_bias_lr", "norm_bias_decay"},
        .patches = {{"frozen_scale", "on", "off"}},
        .begins_with = {{"norm_bias_lr", "64", "1"},
                        {"norm_bias_decay", "0.015625", "1"},
                        {"celu_alpha", "0.3", NULL},
                        {"logit_scale", "0.0625", NULL}},
    },
    {
        .key = "half_bn",
        .title = "Half-precision norm",
        .changes = "rounds batch norm's parameters and statistics to half precision",
        .published = "ResNet-18, 35 epochs, batch 512: single precision is faster there, 186 s and not 256 s",
        .source = "a slow path of the framework of 2018; D. Page, How to Train Your ResNet 3",
        .patches = {{"half_norm", "on", "off"}},
    },
    {
        .key = "whitening",
        .title = "Patch whitening",
        .changes = "the first convolution becomes fixed filters that whiten 3x3 patches, and a learned 1x1 one",
        .published = "davidnet, 14 epochs, rate 1.0, cutout 5: 94.1 % in 36 s, not 43 s with 17",
        .source = "D. Page, How to Train Your ResNet 8",
        .parameters = {"whitening_eps", "whitening_images", "whitening_bias_epochs"},
        .patches = {{"whitening", "3x3", "none"}},
        .begins_with = {{"whitening_eps", "0.01", "0.01"},
                        {"whitening_images", "10000", "10000"},
                        {"whitening_bias_epochs", "0", "0"}},
    },
    {
        .key = "whitening_2x2",
        .title = "Patch whitening, 2x2",
        .changes = "fixed filters that whiten 2x2 patches, and their negatives, come before the first convolution",
        .published = "part of airbench94: 94.01 % in 9.9 epochs",
        .source = "Jordan, arXiv:2404.00498",
        .parameters = {"whitening_eps", "whitening_images", "whitening_bias_epochs"},
        .patches = {{"whitening", "2x2", "none"}},
        .begins_with = {{"whitening_eps", "0.0005", "0.01"},
                        {"whitening_images", "5000", "10000"},
                        {"whitening_bias_epochs", "3", "0"}},
    },
    {
        .key = "dirac",
        .title = "Dirac initialisation",
        .changes = "the first filters of each convolution pass their channels on as they are",
        .published = "part of airbench94: 94.01 % in 9.9 epochs",
        .source = "Zagoruyko & Komodakis, arXiv:1706.00388; Jordan, arXiv:2404.00498",
        .patches = {{"conv_init", "dirac", "pytorch"}},
    },
    {
        .key = "low_momentum_bn",
        .title = "Low-momentum norm",
        .changes = "running statistics follow the batches more closely: 0.4 of each, not 0.1",
        .published = "part of airbench94: 94.01 % in 9.9 epochs",
        .source = "Jordan, arXiv:2404.00498",
        .patches = {{"norm_momentum", "0.4", "0.1"}},
    },
    {
        .key = "batch_lr",
        .title = "Larger batch and rate",
        .changes = "batches four times as large, and the learning rate with them",
        .published = "ResNet-18, 35 epochs: batch 512 and rate 0.44 instead of 128 and 0.1 take 256 s, not 297",
        .source = "Goyal et al., arXiv:1706.02677; D. Page, How to Train Your ResNet 2",
        .parameters = {"batch_lr"},
        .patches = {{"batch_times", "4", "1"}},
        .begins_with = {{"batch_lr", "published", "linear"}},
    },
    {
        .key = "muon",
        .title = "Muon",
        .changes = "filters' updates are made orthogonal, and filters kept at one length",
        .published = "airbench94: 94.01 % in 8 epochs and 2.59 s on an A100, instead of 9.9 and 3.09",
        .source = "Jordan et al., Muon (2024); K. Jordan, airbench94_muon",
        .parameters = {"muon_lr", "muon_momentum"},
        .patches = {{"optimiser", "muon", "sgd"}},
    },
    {
        .key = "lars",
        .title = "LARS",
        .changes = "each filter's step is relative to its length",
        .published = "nothing significant gained over SGD with weight decay",
        .source = "You et al., arXiv:1708.03888; D. Page, How to Train Your ResNet 5",
        .parameters = {"lars_lr"},
        .patches = {{"optimiser", "lars", "sgd"}},
    },
    {
        .key = "decoupled_decay",
        .title = "Fast biases, decoupled decay",
        .changes = "norm biases learn 64 times as fast; tensors whose rate is multiplied decay as fast as the others",
        .published = "part of airbench94, whose 1,000 runs of 9.9 epochs have a mean of 94.01 %",
        .source = "Loshchilov & Hutter, arXiv:1711.05101; K. Jordan, arXiv:2404.00498",
        .parameters = {"norm_bias_lr", "filter_lr", "head_lr", "whitening_bias_lr"},
        .patches = {{"decoupled_decay", "on", "off"}},
        .begins_with = {{"norm_bias_lr", "64", "1"}},
    },
    {
        .key = "ema",
        .title = "Moving average of weights",
        .changes = "evaluates and saves a moving average of weights and running statistics; training does not see it",
        .published = "davidnet, learning rate flat in the end: 94.1 % after 13 epochs instead of 14",
        .source = "Polyak & Juditsky (1992); D. Page, How to Train Your ResNet 8: Bag of Tricks",
        .parameters = {"ema_momentum", "ema_every"},
        .patches = {{"ema", "on", "off"}},
    },
    {
        .key = "lookahead",
        .title = "Lookahead",
        .changes =
            "every few steps weights and running statistics go back to slow copies of them, more so towards the end",
        .published = "part of airbench94, whose 1,000 runs of 9.9 epochs have a mean of 94.01 %",
        .source = "Zhang et al., arXiv:1907.08610; K. Jordan, arXiv:2404.00498",
        .parameters = {"lookahead_momentum", "lookahead_every"},
        .patches = {{"lookahead", "on", "off"}},
    },
    {
        .key = "tta",
        .title = "Test-time augmentation",
        .changes = "averages the logits of each evaluated image and its mirror",
        .published = "davidnet, 13 epochs: 94.1 -> 94.6 %; 94.1 % after 10 epochs, in 26 s",
        .source = "D. Page, How to Train Your ResNet 8: Bag of Tricks",
        .parameters = {"tta_share"},
        .patches = {{"tta", "flip", "none"}},
    },
    {
        .key = "tta_shift",
        .title = "Test-time augmentation in six views",
        .changes = "averages the logits of each evaluated image, its mirror, and both moved by a pixel either way",
        .published = "part of airbench94, whose 1,000 runs of 9.9 epochs have a mean of 94.01 %",
        .source = "K. Jordan, 94 % on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv:2404.00498",
        .parameters = {"tta_share"},
        .patches = {{"tta", "shift", "none"}},
    },
};
const int trick_count = sizeof tricks / sizeof tricks[0];

const struct trick *trick_find(const char *key)
{
    for (int i = 0; i < trick_count; i++)
        if (strcmp(tricks[i].key, key) == 0)
            return &tricks[i];
    return NULL;
}

const struct trick_patch *trick_missing(const struct trick *trick, const struct recipe *recipe)
{
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++) {
        const struct knob *knob = knob_find(patch->key);
        struct recipe patched = *recipe;
        if (!knob || knob_set(&patched, knob, patch->on, NULL) || !knob_same(&patched, recipe, knob))
            return patch;
    }
    return NULL;
}

int trick_is_on(const struct trick *trick, const struct recipe *recipe)
{
    return trick_missing(trick, recipe) == NULL;
}

_Static_assert(sizeof tricks / sizeof tricks[0] <= 64, "a bit for each trick");

uint64_t tricks_on(const struct recipe *recipe)
{
    uint64_t on = 0;
    for (int i = 0; i < trick_count; i++)
        if (trick_is_on(&tricks[i], recipe))
            on |= (uint64_t)1 << i;
    return on;
}

static int apply_patches(const struct trick *trick, const struct trick_patch *patch, int on, struct recipe *recipe,
                         struct error *err)
{
    for (; patch->key; patch++) {
        const char *text = on ? patch->on : patch->off;
        const struct knob *knob = knob_find(patch->key);
        if (!knob)
            return error_set(err, "trick %s: it writes '%s', which is no knob", trick->key, patch->key);
        if (text && knob_set(recipe, knob, text, err))
            return error_prefix(err, "trick %s", trick->key);
    }
    return 0;
}

int trick_apply(const struct trick *trick, int on, struct recipe *recipe, struct error *err)
{
    return apply_patches(trick, trick->begins_with, on, recipe, err) ||
                   apply_patches(trick, trick->patches, on, recipe, err)
               ? -1
               : 0;
}

const char *trick_value(const struct trick *trick, const char *knob)
{
    for (const struct trick_patch *patch = trick->patches; patch->key; patch++)
        if (strcmp(patch->key, knob) == 0)
            return patch->on;
    for (const struct trick_patch *patch = trick->begins_with; patch->key; patch++)
        if (strcmp(patch->key, knob) == 0)
            return patch->on;
    return NULL;
}

const char *trick_clash(const struct trick *a, const struct trick *b)
{
    for (const struct trick_patch *x = a->patches; x->key; x++)
        for (const struct trick_patch *y = b->patches; y->key; y++)
            if (strcmp(x->key, y->key) == 0)
                return x->key;
    return NULL;
}

static const struct trick *find_in(const struct trick *table, int count, const char *name, const char *option,
                                   struct error *err)
{
    const struct trick *trick = NULL;
    struct nearest nearest;
    char known[512] = "", hint[NEAREST_HINT_MAX];
    size_t used = 0;
    nearest_init(&nearest, name);
    for (int i = 0; i < count; i++) {
        nearest_offer(&nearest, table[i].key);
        if (strcmp(table[i].key, name) == 0)
            trick = &table[i];
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", table[i].key);
    }
    if (!trick && knob_find(name))
        error_set(err, "%s %s: it is a knob and no trick; set it with --set %s=VALUE", option, name, name);
    else if (!trick)
        error_set(err, "%s %.64s: no such trick%s; there are %s", option, name,
                  nearest_hint(&nearest, hint, sizeof hint), known);
    return trick;
}

int tricks_wishes(const struct trick *table, int count, const struct recipe_request *request, enum trick_wish *wishes,
                  struct error *err)
{
    for (int i = 0; i < count; i++)
        wishes[i] = TRICK_LEAVE;
    for (int i = 0; i < request->n_on + request->n_off; i++) {
        int off = i >= request->n_on;
        const char *name = off ? request->off[i - request->n_on] : request->on[i];
        const struct trick *trick = find_in(table, count, name, off ? "--off" : "--on", err);
        if (!trick)
            return -1;
        enum trick_wish *wish = &wishes[trick - table];
        if (*wish == (off ? TRICK_ON : TRICK_OFF))
            return error_set(err, "--on %s and --off %s exclude each other", name, name);
        *wish = off ? TRICK_OFF : TRICK_ON;
    }
    return 0;
}

int tricks_switch(const struct trick *table, int count, const enum trick_wish *wishes, struct recipe *recipe,
                  int *at_fault, struct error *err)
{
    int on[RECIPE_TRICKS_MAX] = {0};
    for (int i = 0; i < count; i++)
        on[i] = wishes[i] == TRICK_ON || (wishes[i] == TRICK_LEAVE && trick_is_on(&table[i], recipe));
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) {
            const char *both = on[i] && on[j] ? trick_clash(&table[i], &table[j]) : NULL;
            if (!both || (wishes[i] != TRICK_ON && wishes[j] != TRICK_ON))
                continue;
            *at_fault = wishes[i] == TRICK_ON ? i : j;
            const char *other = table[*at_fault == i ? j : i].key;
            return error_set(err, "tricks %s and %s both write %s; switch one off (--off %s, or [tricks] %s = off)",
                             table[j].key, table[i].key, both, other, other);
        }
    for (int pass = TRICK_OFF; pass >= TRICK_ON; pass--) /* off first: it never undoes what another switched on */
        for (int i = 0; i < count; i++) {
            *at_fault = i;
            if ((int)wishes[i] == pass && trick_is_on(&table[i], recipe) != (pass == TRICK_ON) &&
                trick_apply(&table[i], pass == TRICK_ON, recipe, err))
                return -1;
        }
    return 0;
}

int trick_refuse_idle(const struct trick *trick, const struct recipe *recipe, struct error *err)
{
    char why[TRICK_WHY_MAX];
    if (!trick_idle(trick, recipe, why, sizeof why))
        return 0;
    return error_set(err, "trick %s would change nothing: %s", trick->key, why);
}

int tricks_check(const struct trick *table, int count, const enum trick_wish *wishes, const struct recipe *recipe,
                 int *at_fault, const struct knob **knob, struct error *err)
{
    char value[KNOB_TEXT_MAX];
    for (int i = 0; i < count; i++) {
        const struct trick_patch *missing = trick_missing(&table[i], recipe), *patch = table[i].patches;
        *at_fault = i;
        *knob = NULL;
        if (wishes[i] == TRICK_ON && !missing && trick_refuse_idle(&table[i], recipe, err))
            return -1;
        if (wishes[i] == TRICK_LEAVE || (wishes[i] == TRICK_ON) == !missing)
            continue;
        if (wishes[i] == TRICK_ON)
            patch = missing;
        *knob = knob_find(patch->key);
        if (!*knob)
            return error_set(err, "trick %s: it writes '%s', which is no knob", table[i].key, patch->key);
        knob_get(recipe, *knob, value, sizeof value);
        if (wishes[i] == TRICK_OFF)
            return error_set(err, "%s = %.80s is trick %s, which is switched off beside it; leave one of them out",
                             patch->key, value, table[i].key);
        return error_set(err,
                         "%s = %.80s undoes trick %s, which is switched on beside it and sets %s = %s; leave one of "
                         "them out",
                         patch->key, value, table[i].key, patch->key, patch->on);
    }
    return 0;
}

int tricks_apply(const struct trick *table, int count, const struct recipe_request *request, struct recipe *recipe,
                 struct error *err)
{
    enum trick_wish wishes[RECIPE_TRICKS_MAX];
    int at_fault;
    return tricks_wishes(table, count, request, wishes, err) ||
                   tricks_switch(table, count, wishes, recipe, &at_fault, err)
               ? -1
               : 0;
}
