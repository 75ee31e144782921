#include "engine/knobs.h"

#include "engine/crc.h"
#include "engine/nearest.h"
#include "engine/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define REALS_MAX SCHEDULE_KNOTS_MAX /* entries of the longest list */

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
        snprintf(out, size, "%s to %s", lo, knob->max == KNOB_WHOLE_MAX ? "2^53 - 1" : hi);
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

int knob_parse_switch(const char *text, int *on)
{
    static const char *const words[][2] = {{"off", "on"}, {"no", "yes"}, {"false", "true"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int value = 0; value < 2; value++)
            if (strcasecmp(text, words[i][value]) == 0) {
                *on = value;
                return 0;
            }
    return -1;
}

/* What others call a value of ours. */
static const char *our_name(const struct knob *knob, const char *text)
{
    static const char *const names[][2] = {{"gpu", "cuda"},          {"nvidia", "cuda"},   {"float32", "f32"},
                                           {"single", "f32"},        {"bfloat16", "bf16"}, {"float16", "f16"},
                                           {"half", "f16"},          {"reference", "ref"}, {"linear", "piecewise"},
                                           {"validation", "holdout"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int k = 0; knob->names[k] && strcasecmp(text, names[i][0]) == 0; k++)
            if (strcmp(knob->names[k], names[i][1]) == 0)
                return names[i][1];
    return NULL;
}

static int set_enum(void *field, const struct knob *knob, const char *text, struct error *err)
{
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX];
    nearest_init(&nearest, text);
    for (int i = 0; knob->names[i]; i++) {
        if (strcmp(text, knob->names[i]) == 0) {
            memcpy(field, &i, sizeof i);
            return 0;
        }
        nearest_offer(&nearest, knob->names[i]);
    }
    const char *ours = our_name(knob, text);
    if (ours)
        nearest.best = ours;
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
        result = knob_parse_switch(text, field) ? bad_value(knob, text, "", err) : 0;
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

uint32_t knob_checksum(const struct recipe *recipe, const struct knob *knob)
{
    char text[KNOB_TEXT_MAX];
    knob_get(recipe, knob, text, sizeof text);
    return crc_add(0, text, strlen(text));
}

/* One of the words in "a|b|c". */
static int is_among(const char *word, const char *words)
{
    size_t length = strlen(word);
    for (const char *at = words;; at++) {
        size_t n = strcspn(at, "|");
        if (n == length && strncmp(at, word, n) == 0)
            return 1;
        at += n;
        if (*at == '\0')
            return 0;
    }
}

int knob_has_effect(const struct recipe *recipe, const struct knob *knob)
{
    char key[64], value[KNOB_TEXT_MAX];
    if (!knob->when)
        return 1;
    size_t length = strcspn(knob->when, "!=");
    snprintf(key, sizeof key, "%.*s", (int)length, knob->when);
    int negated = knob->when[length] == '!';
    const struct knob *other = knob_find(key);
    if (!other)
        return 1;
    knob_get(recipe, other, value, sizeof value);
    return is_among(value, knob->when + length + 1 + negated) != negated;
}
