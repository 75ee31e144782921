#include "engine/knobs.h"

#include "engine/nearest.h"
#include "engine/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Whole numbers pass through double exactly up to here. */
#define WHOLE_MAX 9007199254740991.0
#define LR_MAX 1000
#define EPOCHS_MAX 10000
#define REALS_MAX SCHEDULE_KNOTS_MAX /* entries of the longest list */

static const char *const eval_names[] = {"test", "holdout", NULL};
static const char *const device_names[] = {"auto", "cpu", "cuda", "ref", NULL};
static const char *const precision_names[] = {"auto", "f32", "bf16", "f16", "tf32", NULL};
static const char *const nesterov_names[] = {"page", "torch", "tf", "none", NULL};
static const char *const shape_names[] = {"piecewise", "cosine",   "exponential", "polynomial",
                                          "one_cycle", "constant", NULL};

#define FIELD(f) offsetof(struct recipe, f), sizeof(((struct recipe *)0)->f)
#define INT(f, lo, hi) KNOB_INT, FIELD(f), 0, lo, hi, NULL
#define INT64(f, lo, hi) KNOB_INT64, FIELD(f), 0, lo, hi, NULL
#define REAL(f, lo, hi) KNOB_REAL, FIELD(f), 0, lo, hi, NULL
#define SWITCH(f) KNOB_SWITCH, FIELD(f), 0, 0, 1, NULL
#define ENUM(f, names) KNOB_ENUM, FIELD(f), 0, 0, 0, names
#define TEXT(f) KNOB_TEXT, FIELD(f), 0, 0, 0, NULL
#define REALS(f, lo, hi)                                                                                               \
    KNOB_REALS, offsetof(struct recipe, f), SCHEDULE_KNOTS_MAX, offsetof(struct recipe, schedule.n_knots), lo, hi, NULL

/* clang-format off */
const struct knob knobs[] = {
    {"width", "model", INT(width, 1, 1024), "64", "channels", "c of the network's lines (2c, 4c ...)"},
    {"logit_scale", "model", REAL(logit_scale, 1e-6, 1e6), "0.125", "", "the last linear layer's output is multiplied by it"},

    {"data", "data", TEXT(data), "", "", "folder of CIFAR-10 binary files, or synthetic; empty: $DAVIDNET_DATA, ./data ..."},
    {"eval", "data", ENUM(eval, eval_names), "test", "", "what is evaluated: the test set, or the last 5,000 training images"},
    {"drop_last", "data", SWITCH(drop_last), "on", "", "drop an epoch's last batch when it is not full"},

    {"crop", "augmentation", SWITCH(crop), "off", "", "pad by reflection and cut out at a random place"},
    {"crop_pad", "augmentation", INT(crop_pad, 1, 8), "4", "pixels", "padding on every side before the crop"},
    {"flip", "augmentation", SWITCH(flip), "off", "", "mirror at random"},
    {"flip_probability", "augmentation", REAL(flip_probability, 0, 1), "0.5", "", "of a left-right mirror image"},
    {"vertical_flip_probability", "augmentation", REAL(vertical_flip_probability, 0, 1), "0", "", "of an upside-down image"},
    {"cutout", "augmentation", SWITCH(cutout), "off", "", "set a box at a random place, fully inside, to zero"},
    {"cutout_height", "augmentation", INT(cutout_height, 1, 32), "8", "pixels", "height of the box"},
    {"cutout_width", "augmentation", INT(cutout_width, 1, 32), "8", "pixels", "width of the box"},

    {"epochs", "schedule", REAL(epochs, 0.001, EPOCHS_MAX), "24", "epochs", "length of the run; may be a fraction"},
    {"lr_shape", "schedule", ENUM(schedule.shape, shape_names), "piecewise", "", "how the learning rate moves"},
    {"lr_knots", "schedule", REALS(schedule.knot, 0, EPOCHS_MAX), "0,5,24", "epochs", "piecewise: where the line bends; two equal ones make a jump"},
    {"lr_values", "schedule", REALS(schedule.value, 0, LR_MAX), "0,0.4,0", "", "piecewise: the rate at each knot, per mean loss"},
    {"lr_peak", "schedule", REAL(schedule.peak, 0, LR_MAX), "0.4", "", "other shapes: the highest rate"},
    {"lr_warmup", "schedule", REAL(schedule.warmup, 0, EPOCHS_MAX), "5", "epochs", "other shapes: time to reach the peak"},
    {"lr_final", "schedule", REAL(schedule.final, 0, LR_MAX), "0", "", "cosine, exponential, polynomial, one_cycle: the last rate"},
    {"lr_power", "schedule", REAL(schedule.power, 0.01, 100), "1", "", "polynomial: the exponent"},

    {"batch", "optimiser", INT(batch, 2, 16384), "512", "images", "images in a step"},
    {"momentum", "optimiser", REAL(momentum, 0, 0.9999), "0.9", "", "of the gradient's moving sum"},
    {"nesterov", "optimiser", ENUM(nesterov, nesterov_names), "page", "", "form of Nesterov momentum; page has the rate inside the sum"},
    {"weight_decay", "optimiser", REAL(weight_decay, 0, 1), "0.0005", "", "pull of every weight towards 0, per mean loss"},

    {"device", "machine", ENUM(device, device_names), "auto", "", "where to train; ref: slow and plain, for comparison"},
    {"device_index", "machine", INT(device_index, 0, 63), "0", "", "which GPU"},
    {"precision", "machine", ENUM(precision, precision_names), "auto", "", "of activations; auto: bf16 where the hardware has it, else f32"},
    {"threads", "machine", INT(threads, 0, 1024), "0", "threads", "0: as many as this process may use"},
    {"isa", "machine", TEXT(isa), "auto", "", "instructions to use at most: plain, avx2, avx512, avx512_bf16, amx"},

    {"seed", "seeds", INT64(seed, 0, WHOLE_MAX), "0", "", "of everything random that has no seed of its own"},
    {"order_seed", "seeds", INT64(order_seed, -1, WHOLE_MAX), "-1", "", "of the order of images; -1: seed"},
    {"augment_seed", "seeds", INT64(augment_seed, -1, WHOLE_MAX), "-1", "", "of crops, flips and boxes; -1: seed"},
    {"init_seed", "seeds", INT64(init_seed, -1, WHOLE_MAX), "-1", "", "of the first weights; -1: seed"},

    {"target", "run", REAL(target, 0, 100), "94", "%", "accuracy whose time is reported"},
    {"evaluate_every", "run", INT(evaluate_every, 1, 1000), "1", "epochs", "between evaluations; the last epoch always has one"},
    {"checkpoint_seconds", "run", REAL(checkpoint_seconds, 0.01, 1e6), "60", "s", "between checkpoints; each epoch's end has one too"},
    {"keep_checkpoints", "run", SWITCH(keep_checkpoints), "on", "", "on: only the last two are kept; off: all of them"},
};
/* clang-format on */
const int knob_count = sizeof knobs / sizeof knobs[0];

const struct knob *knob_find(const char *key)
{
    for (int i = 0; i < knob_count; i++)
        if (strcmp(knobs[i].key, key) == 0)
            return &knobs[i];
    return NULL;
}

const char *knob_nearest(const char *key)
{
    struct nearest nearest;
    nearest_init(&nearest, key);
    for (int i = 0; i < knob_count; i++)
        nearest_offer(&nearest, knobs[i].key);
    return nearest.best;
}

void knob_range(const struct knob *knob, char *out, size_t size)
{
    char lo[NUMBER_TEXT_MAX], hi[NUMBER_TEXT_MAX];
    size_t used = 0;
    if (size)
        out[0] = '\0';
    switch (knob->type) {
    case KNOB_INT:
    case KNOB_INT64:
    case KNOB_REAL:
    case KNOB_REALS:
        number_format_real(knob->min, lo, sizeof lo);
        number_format_real(knob->max, hi, sizeof hi);
        snprintf(out, size, "%s to %s", lo, knob->max == WHOLE_MAX ? "2^53 - 1" : hi);
        break;
    case KNOB_SWITCH:
        snprintf(out, size, "on or off");
        break;
    case KNOB_ENUM:
        for (int i = 0; knob->names[i] && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", knob->names[i]);
        break;
    case KNOB_TEXT:
        snprintf(out, size, "text of at most %d characters", (int)knob->size - 1);
        break;
    }
}

static int bad_value(const struct knob *knob, const char *text, const char *hint, struct error *err)
{
    static const char *const kinds[] = {[KNOB_INT] = "a whole number, ",
                                        [KNOB_INT64] = "a whole number, ",
                                        [KNOB_REAL] = "a number, ",
                                        [KNOB_REALS] = "numbers with commas, each "};
    char range[160];
    knob_range(knob, range, sizeof range);
    int numeric =
        knob->type == KNOB_INT || knob->type == KNOB_INT64 || knob->type == KNOB_REAL || knob->type == KNOB_REALS;
    return error_set(err, "%s = %.80s: expected %s%s%s", knob->key, *text ? text : "(nothing)",
                     numeric ? kinds[knob->type] : "", range, hint);
}

static int set_switch(int *field, const struct knob *knob, const char *text, struct error *err)
{
    static const char *const words[][2] = {{"off", "on"}, {"no", "yes"}, {"false", "true"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int value = 0; value < 2; value++)
            if (strcasecmp(text, words[i][value]) == 0) {
                *field = value;
                return 0;
            }
    return bad_value(knob, text, "", err);
}

static int set_enum(void *field, const struct knob *knob, const char *text, struct error *err)
{
    struct nearest nearest;
    char hint[96];
    nearest_init(&nearest, text);
    for (int i = 0; knob->names[i]; i++) {
        if (strcmp(text, knob->names[i]) == 0) {
            memcpy(field, &i, sizeof i);
            return 0;
        }
        nearest_offer(&nearest, knob->names[i]);
    }
    return bad_value(knob, text, nearest_hint(&nearest, hint, sizeof hint), err);
}

static int *reals_count(struct recipe *recipe, const struct knob *knob)
{
    return (int *)(void *)((char *)recipe + knob->count_offset);
}

/*
 * Lists may share their counter (lr_knots and lr_values do). It then holds the longest one's length, and the others
 * end at a NaN, so that a difference in length is seen by recipe_check, whatever the order they were set in.
 */
static int reals_length(const struct recipe *recipe, const struct knob *knob)
{
    const double *values = (const double *)(const void *)((const char *)recipe + knob->offset);
    int n = 0, limit = *(const int *)(const void *)((const char *)recipe + knob->count_offset);
    while (n < limit && n < (int)knob->size && !isnan(values[n]))
        n++;
    return n;
}

static int parse_reals(const struct knob *knob, const char *text, double *values, struct error *err)
{
    char word[64];
    int n = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (n == (int)knob->size)
            return error_set(err, "%s = %.80s: at most %d numbers", knob->key, text, (int)knob->size);
        if (length >= sizeof word)
            return bad_value(knob, text, "", err);
        memcpy(word, at, length);
        word[length] = '\0';
        if (number_parse_real(word, &values[n]) || values[n] < knob->min || values[n] > knob->max)
            return bad_value(knob, text, "", err);
        n++;
        at += length;
        if (*at == '\0')
            return n;
    }
}

static int set_reals(struct recipe *recipe, const struct knob *knob, const char *text, struct error *err)
{
    double values[REALS_MAX];
    int n = parse_reals(knob, text, values, err), longest = n;
    if (n < 0)
        return -1;
    for (const struct knob *other = knobs; other < knobs + knob_count; other++) {
        if (other->type != KNOB_REALS || other->count_offset != knob->count_offset)
            continue;
        double *field = (double *)(void *)((char *)recipe + other->offset);
        int length = other == knob ? n : reals_length(recipe, other);
        if (other == knob)
            memcpy(field, values, (size_t)n * sizeof *values);
        for (int i = length; i < (int)other->size; i++)
            field[i] = NAN;
        if (length > longest)
            longest = length;
    }
    *reals_count(recipe, knob) = longest;
    return 0;
}

static int set_number(void *field, const struct knob *knob, const char *text, struct error *err)
{
    double real;
    int64_t whole;
    if (knob->type == KNOB_REAL) {
        if (number_parse_real(text, &real) || real < knob->min || real > knob->max)
            return bad_value(knob, text, "", err);
        *(double *)field = real;
        return 0;
    }
    if (number_parse_int(text, &whole) || whole < (int64_t)knob->min || whole > (int64_t)knob->max)
        return bad_value(knob, text, "", err);
    if (knob->type == KNOB_INT)
        *(int *)field = (int)whole;
    else
        *(int64_t *)field = whole;
    return 0;
}

int knob_set(struct recipe *recipe, const struct knob *knob, const char *text, struct error *err)
{
    void *field = (char *)recipe + knob->offset;
    int result = -1;
    switch (knob->type) {
    case KNOB_INT:
    case KNOB_INT64:
    case KNOB_REAL:
        result = set_number(field, knob, text, err);
        break;
    case KNOB_SWITCH:
        result = set_switch(field, knob, text, err);
        break;
    case KNOB_ENUM:
        result = set_enum(field, knob, text, err);
        break;
    case KNOB_TEXT:
        if (strlen(text) >= knob->size)
            return bad_value(knob, text, "", err);
        memset(field, 0, knob->size);
        memcpy(field, text, strlen(text));
        result = 0;
        break;
    case KNOB_REALS:
        result = set_reals(recipe, knob, text, err);
        break;
    }
    recipe->schedule.epochs = recipe->epochs; /* the schedule is evaluated on its own, so it has a copy */
    return result;
}

void knob_get(const struct recipe *recipe, const struct knob *knob, char *out, size_t size)
{
    const void *field = (const char *)recipe + knob->offset;
    const double *values = field;
    char number[NUMBER_TEXT_MAX];
    size_t used = 0;
    if (size)
        out[0] = '\0';
    switch (knob->type) {
    case KNOB_INT:
        snprintf(out, size, "%d", *(const int *)field);
        break;
    case KNOB_INT64:
        snprintf(out, size, "%lld", (long long)*(const int64_t *)field);
        break;
    case KNOB_REAL:
        snprintf(out, size, "%s", number_format_real(*values, number, sizeof number));
        break;
    case KNOB_SWITCH:
        snprintf(out, size, "%s", *(const int *)field ? "on" : "off");
        break;
    case KNOB_ENUM:
        snprintf(out, size, "%s", knob->names[*(const int *)field]);
        break;
    case KNOB_TEXT:
        snprintf(out, size, "%s", (const char *)field);
        break;
    case KNOB_REALS:
        for (int i = 0; i < reals_length(recipe, knob) && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "," : "",
                                     number_format_real(values[i], number, sizeof number));
        break;
    }
}

void knob_defaults(struct recipe *recipe)
{
    memset(recipe, 0, sizeof *recipe);
    for (int i = 0; i < knob_count; i++)
        knob_set(recipe, &knobs[i], knobs[i].default_text, NULL);
}

int knob_same(const struct recipe *a, const struct recipe *b, const struct knob *knob)
{
    char x[KNOB_TEXT_MAX], y[KNOB_TEXT_MAX];
    knob_get(a, knob, x, sizeof x);
    knob_get(b, knob, y, sizeof y);
    return strcmp(x, y) == 0;
}
