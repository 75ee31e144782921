/* Recipes as text: the file that recipe_read gives back, a line for people, the command that reproduces it. */
#include "engine/recipe.h"

#include "engine/files.h"
#include "engine/knobs.h"
#include "engine/number.h"
#include "engine/recipe_file.h"
#include "engine/recipes.h"
#include "engine/shell_word.h"
#include "engine/tricks.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 100 /* bytes of a value a line; longer values go on with `key+ =` */

static void write_value(FILE *out, const char *key, const char *text)
{
    int plain = shell_word_is_plain(text); /* it survives comments, quotes and trimmed blanks, too */
    const char *p = text;
    do {
        fprintf(out, "%s%s = ", key, p == text ? "" : "+");
        if (!plain)
            fputc('"', out);
        for (int used = 0; *p && used < CHUNK; p++, used++) {
            unsigned char c = (unsigned char)*p;
            if (plain || isalnum(c) || c >= 0x80 || strchr("/._-+:,@%=~ ", c)) {
                fputc(c, out);
            } else {
                fprintf(out, "\\x%02x", c);
                used += 3;
            }
        }
        if (!plain)
            fputc('"', out);
        fputc('\n', out);
    } while (*p);
}

int recipe_write(const struct recipe *recipe, FILE *out, struct error *err)
{
    char text[KNOB_TEXT_MAX];
    const char *section = "";
    errno = 0;
    fprintf(out, "; a davidnet recipe, whole: it inherits nothing\n[recipe]\n");
    write_value(out, "origin", recipe->preset);
    if (recipe->name[0])
        write_value(out, "name", recipe->name);
    fprintf(out, "\n[network]\n%s", recipe->network);
    for (int i = 0; i < knob_count; i++) {
        if (strcmp(section, knobs[i].section) != 0)
            fprintf(out, "\n[%s]\n", section = knobs[i].section);
        knob_get(recipe, &knobs[i], text, sizeof text);
        write_value(out, knobs[i].key, text);
    }
    if (fflush(out) || ferror(out))
        return error_set(err, "cannot write the recipe: %s", strerror(errno ? errno : EIO));
    return 0;
}

char *recipe_text(const struct recipe *recipe, size_t *length, struct error *err)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    int status = out ? recipe_write(recipe, out, err) : error_set(err, "no memory to write the recipe");
    if (out && fclose(out) && !status)
        status = error_set(err, "no memory to write the recipe");
    if (!status)
        return text;
    free(text);
    return NULL;
}

static int check_name(const char *name, struct error *err)
{
    size_t length = strlen(name);
    if (length == 0 || length > 59)
        return error_set(err, "a preset's name has 1 to 59 characters");
    for (const char *p = name; *p; p++)
        if (!((unsigned char)*p < 0x80 && isalnum((unsigned char)*p)) && (!strchr("._-", *p) || p == name))
            return error_set(err,
                             "'%s': a preset's name is letters, digits, '-', '_' and '.', and begins with a "
                             "letter or digit",
                             name);
    for (int i = 0; i < recipe_builtin_count; i++)
        if (strcmp(recipe_builtins[i].name, name) == 0)
            return error_set(err, "'%s' is a built-in preset; choose another name", name);
    return 0;
}

int recipe_preset_save(const struct recipe *recipe, const char *name, int replace, char *path, size_t size,
                       struct error *err)
{
    char folder[PATH_MAX - 80];
    size_t length;
    if (check_name(name, err))
        return -1;
    if (recipe_user_folder(folder, sizeof folder))
        return error_set(err, "there is no home folder to keep recipes in; set XDG_CONFIG_HOME");
    if ((size_t)snprintf(path, size, "%s/%s.ini", folder, name) >= size)
        return error_set(err, "%s: the path is too long", folder);
    if (!replace && access(path, F_OK) == 0)
        return 1;
    if (folder_make(folder, err))
        return -1;
    struct recipe saved = *recipe; /* it has the preset's name from now on */
    memset(saved.name, 0, sizeof saved.name);
    char *text = recipe_text(&saved, &length, err);
    int status = text ? file_replace(path, &(struct file_part){text, length}, 1, err) : -1;
    free(text);
    return status;
}

int recipe_equal(const struct recipe *a, const struct recipe *b)
{
    if (strcmp(a->preset, b->preset) != 0 || strcmp(a->network, b->network) != 0)
        return 0;
    for (int i = 0; i < knob_count; i++)
        if (!knob_same(a, b, &knobs[i]))
            return 0;
    return 1;
}

/* A string that grows in a buffer of fixed size and never overruns it. */
struct text {
    char *out;
    size_t size, used;
};

static void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void text_add(struct text *text, const char *format, ...)
{
    if (text->used >= text->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->out + text->used, text->size - text->used, format, args);
    va_end(args);
    text->used += n > 0 ? (size_t)n : 0;
}

#define TRICKS_TOLD 4

#define KNOBS_TOLD 4

/* What the line tells by itself, or stretches with the epochs. */
static const char *const told_anyway[] = {"epochs", "lr_knots",      "lr_values",    "lr_peak",  "lr_warmup",
                                          "batch",  "batch_times",   "crop",         "crop_pad", "flip",
                                          "cutout", "cutout_height", "cutout_width", "eval",     "data"};

/* 1 if a trick that is not as the preset has it accounts for the knob's value. */
static int is_of_trick(const struct recipe *recipe, const struct knob *knob, uint64_t switched)
{
    char value[KNOB_TEXT_MAX];
    knob_get(recipe, knob, value, sizeof value);
    for (int i = 0; i < trick_count; i++) {
        if (!(switched >> i & 1))
            continue;
        for (const struct trick_patch *patch = tricks[i].patches; patch->key; patch++)
            if (strcmp(patch->key, knob->key) == 0)
                return 1;
        for (const struct trick_patch *patch = tricks[i].begins_with; patch->key; patch++)
            if (strcmp(patch->key, knob->key) == 0 &&
                (strcmp(patch->on, value) == 0 || (patch->off && strcmp(patch->off, value) == 0)))
                return 1;
    }
    return 0;
}

static int is_told(const struct recipe *recipe, int index, uint64_t switched)
{
    static const char *const beside[] = {"machine", "seeds", "run"};
    const struct knob *knob = &knobs[index];
    if (!recipe->has_base || recipe->base_values[index] == knob_checksum(recipe, knob) ||
        !knob_has_effect(recipe, knob))
        return 0;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (strcmp(knob->section, beside[i]) == 0)
            return 0;
    for (size_t i = 0; i < sizeof told_anyway / sizeof *told_anyway; i++)
        if (strcmp(knob->key, told_anyway[i]) == 0)
            return 0;
    return !is_of_trick(recipe, knob, switched);
}

/* " width=8 momentum=0.8": the knobs that are not as the preset has them, of more than KNOBS_TOLD the first. */
static void add_knobs(struct text *text, const struct recipe *recipe)
{
    uint64_t switched = recipe->has_base ? tricks_on(recipe) ^ recipe->base_tricks : 0;
    int told[RECIPE_KNOBS_MAX], count = 0;
    char value[KNOB_TEXT_MAX];
    for (int i = 0; i < knob_count && i < RECIPE_KNOBS_MAX; i++)
        if (is_told(recipe, i, switched))
            told[count++] = i;
    int most = count > KNOBS_TOLD ? KNOBS_TOLD - 1 : count;
    for (int i = 0; i < most; i++) {
        knob_get(recipe, &knobs[told[i]], value, sizeof value);
        text_add(text, " %s=%.24s%s", knobs[told[i]].key, value, strlen(value) > 24 ? "..." : "");
    }
    if (most < count)
        text_add(text, " and %d more", count - most);
}

/* " + celu - cutout": the tricks that are not as the preset has them, of more than TRICKS_TOLD the first. */
static void add_tricks(struct text *text, const struct recipe *recipe)
{
    uint64_t on = tricks_on(recipe), other = recipe->has_base ? on ^ recipe->base_tricks : 0;
    int count = 0, told = 0;
    for (int i = 0; i < trick_count; i++)
        count += (int)(other >> i & 1);
    int most = count > TRICKS_TOLD ? TRICKS_TOLD - 1 : count;
    for (int i = 0; i < trick_count && told < most; i++)
        if (other >> i & 1) {
            text_add(text, " %c %s", on >> i & 1 ? '+' : '-', tricks[i].key);
            told++;
        }
    if (told < count)
        text_add(text, " and %d more", count - told);
}

const char *recipe_name(const struct recipe *recipe)
{
    return recipe->name[0] ? recipe->name : recipe->preset[0] ? recipe->preset : "run";
}

void recipe_summary(const struct recipe *recipe, char *out, size_t size)
{
    struct text text = {out, size, 0};
    char rate[NUMBER_TEXT_MAX], epochs[NUMBER_TEXT_MAX];
    if (size)
        out[0] = '\0';
    /* a product: 0.4 * 4.4 is 1.76 to people */
    number_format_real(number_tidy(schedule_highest(&recipe->schedule) * recipe_lr_gain(recipe), 9), rate, sizeof rate);
    number_format_real(recipe->epochs, epochs, sizeof epochs);
    int inherits = recipe->name[0] && recipe->has_base;
    text_add(&text, "%s%s%s", recipe->name[0] ? recipe->name : recipe->preset, inherits ? ": " : "",
             inherits ? recipe->preset : "");
    add_knobs(&text, recipe);
    text_add(&text, "%s", recipe->own_network ? " + own network" : "");
    add_tricks(&text, recipe);
    text_add(&text, ", %s %s x %d, lr %s", epochs, recipe->epochs == 1 ? "epoch" : "epochs", recipe_batch(recipe),
             rate);
    if (recipe->crop)
        text_add(&text, ", crop %d", recipe->crop_pad);
    if (recipe->flip)
        text_add(&text, ", flip");
    if (recipe->cutout)
        text_add(&text, ", cutout %dx%d", recipe->cutout_height, recipe->cutout_width);
    if (recipe->eval == RECIPE_EVAL_HOLDOUT)
        text_add(&text, ", holdout");
    text_add(&text, ", seed %lld", (long long)recipe->seed);
}

static void add_word(struct text *text, const char *word)
{
    text->used = shell_word_add(word, text->out, text->size, text->used);
}

static void add_network(struct text *text, const char *network)
{
    text_add(text, " --set 'network=");
    for (const char *p = network; *p; p++) {
        if (*p != '\n')
            text_add(text, "%c", *p);
        else if (p[1])
            text_add(text, "; ");
    }
    text_add(text, "'");
}

void recipe_command(const struct recipe *recipe, char *out, size_t size)
{
    struct text text = {out, size, 0};
    struct recipe base;
    char value[KNOB_TEXT_MAX], word[KNOB_TEXT_MAX + 64];
    const char *preset = recipe->preset;
    if (size)
        out[0] = '\0';
    /* a recipe from a file, or a preset that is gone: everything is said against the default preset instead */
    if (recipe_preset_load(preset, &base, NULL, NULL)) {
        preset = RECIPE_DEFAULT_PRESET;
        if (recipe_preset_load(preset, &base, NULL, NULL))
            knob_defaults(&base);
    }
    text_add(&text, "davidnet train --preset");
    add_word(&text, preset);
    if (strcmp(base.network, recipe->network) != 0)
        add_network(&text, recipe->network);
    for (int i = 0; i < knob_count; i++) {
        if (strcmp(knobs[i].key, "seed") == 0 || knob_same(recipe, &base, &knobs[i]))
            continue;
        knob_get(recipe, &knobs[i], value, sizeof value);
        snprintf(word, sizeof word, "%s=%s", knobs[i].key, value);
        text_add(&text, " --set");
        add_word(&text, word);
    }
    text_add(&text, " --seed %lld", (long long)recipe->seed);
}
