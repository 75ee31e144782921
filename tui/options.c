#include "tui/options.h"

#include "engine/knobs.h"
#include "engine/number.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/network_info.h"

#include <stdlib.h>
#include <string.h>

const struct recipe_option recipe_option_table[] = {
    {"--preset", "NAME", NULL,
     "start from this preset; without it, " WORKBENCH_PRESET " in the workbench and " RECIPE_DEFAULT_PRESET
     " everywhere else; `davidnet presets` lists them"},
    {"--recipe", "FILE", NULL,
     "start from a recipe file instead; runs are called by its name (mine of mine.ini), its [tricks] section switches "
     "tricks: 'celu = on'"},
    {"--on", "TRICK", NULL, "switch a trick on; `davidnet tricks` lists them"},
    {"--off", "TRICK", NULL, "switch a trick off"},
    {"--set", "KEY=VALUE", NULL,
     "set any knob, or network='a = conv_bn c; b = ...'; after the tricks, so it must not undo one of --on"},
    {"--epochs", "N", NULL, "stretch the preset's schedule to N epochs; values that --set gives stay as given"},
    {"--seed", "N", "seed", NULL},
    {"--data", "SOURCE", "data", NULL},
    {"--device", "NAME[:N]", "device", "auto, cpu, cuda (or cuda:1, the second GPU) or ref"},
    {"--precision", "NAME", "precision", NULL},
    {"--threads", "N", "threads", NULL},
    {"--isa", "NAME", "isa", NULL},
    {"--target", "PERCENT", "target", NULL},
    {NULL, NULL, NULL, NULL},
};

static int keep_set(struct recipe_options *options, const char *key, const char *value, struct error *err)
{
    struct recipe_request *request = &options->request;
    size_t room = sizeof options->store - options->used;
    if (request->n_sets == RECIPE_SETS_MAX)
        return error_set(err, "more than %d values are set; put them in a recipe file", RECIPE_SETS_MAX);
    char *at = options->store + options->used;
    int length = snprintf(at, room, "%s=%s", key, value);
    if (length < 0 || (size_t)length >= room)
        return error_set(err, "--%s: the values on the command line are too long; put them in a recipe file", key);
    options->used += (size_t)length + 1;
    request->sets[request->n_sets++] = at;
    return 0;
}

static int take_device(struct recipe_options *options, const char *value, struct error *err)
{
    char name[32];
    const char *colon = strchr(value, ':');
    int64_t index;
    if (!colon)
        return keep_set(options, "device", value, err);
    size_t length = (size_t)(colon - value);
    if (length != strlen("cuda") || strncmp(value, "cuda", length) != 0 || number_parse_int(colon + 1, &index))
        return error_set(err, "--device %.80s: expected auto, cpu, cuda, cuda:N or ref", value);
    snprintf(name, sizeof name, "%lld", (long long)index);
    return keep_set(options, "device", "cuda", err) || keep_set(options, "device_index", name, err) ? -1 : 0;
}

static int take_once(const char **field, const char *flag, const char *value, struct error *err)
{
    if (*field)
        return error_set(err, "%s is given twice: %.80s and %.80s", flag, *field, value);
    *field = value;
    return 0;
}

static int take_value(struct recipe_options *options, const struct recipe_option *option, const char *value,
                      struct error *err)
{
    struct recipe_request *request = &options->request;
    const char *flag = option->flag;
    if (strcmp(flag, "--preset") == 0)
        return take_once(&request->preset, flag, value, err);
    if (strcmp(flag, "--recipe") == 0)
        return take_once(&request->file, flag, value, err);
    if (strcmp(flag, "--device") == 0)
        return take_device(options, value, err);
    if (option->knob)
        return keep_set(options, option->knob, value, err);
    if (strcmp(flag, "--epochs") == 0) {
        const struct knob *epochs = knob_find("epochs");
        if (number_parse_real(value, &request->epochs) || request->epochs < epochs->min ||
            request->epochs > epochs->max) {
            request->epochs = 0;
            return error_set(err, "--epochs %.80s: expected a number, %g to %g", value, epochs->min, epochs->max);
        }
        return 0;
    }
    int *count = &request->n_sets;
    const char **list = request->sets;
    int limit = RECIPE_SETS_MAX;
    if (strcmp(flag, "--set") != 0) {
        int on = strcmp(flag, "--on") == 0;
        if (strchr(value, ','))
            return error_set(err, "%s %.80s: one trick at a time; repeat the option: %s A %s B", flag, value, flag,
                             flag);
        count = on ? &request->n_on : &request->n_off;
        list = on ? request->on : request->off;
        limit = RECIPE_TRICKS_MAX;
    }
    if (*count == limit)
        return error_set(err, "%s is given more than %d times", flag, limit);
    list[(*count)++] = value;
    return 0;
}

int recipe_options_take(struct recipe_options *options, int argc, char **argv, int *i, struct error *err)
{
    const char *word = argv[*i];
    size_t length = strcspn(word, "=");
    for (const struct recipe_option *option = recipe_option_table; option->flag; option++) {
        if (strlen(option->flag) != length || strncmp(word, option->flag, length) != 0)
            continue;
        const char *value = word + length + 1;
        if (word[length] == '\0') {
            if (*i + 1 >= argc)
                return error_set(err, "%s needs a value: %s %s", option->flag, option->flag, option->value);
            value = argv[++*i];
        }
        return take_value(options, option, value, err) ? -1 : 1;
    }
    return 0;
}

int recipe_options_resolve(const struct recipe_options *options, struct recipe *recipe, struct error *err)
{
    const char *file = options->request.file;
    if (recipe_resolve(&options->request, recipe, err))
        return -1;
    struct network_info *info = network_info_new(recipe, err);
    if (!info)
        return file ? error_prefix(err, "%s", file) : -1;
    free(info);
    return 0;
}

int recipe_options_gave(const struct recipe_options *options, const char *key)
{
    const struct recipe_request *request = &options->request;
    size_t length = strlen(key);
    for (int i = 0; i < request->n_sets; i++)
        if (strncmp(request->sets[i], key, length) == 0 && request->sets[i][length] == '=')
            return 1;
    return strcmp(key, "epochs") == 0 && request->epochs > 0;
}

int recipe_options_any(const struct recipe_options *options)
{
    const struct recipe_request *request = &options->request;
    return request->preset || request->file || request->n_on || request->n_off || request->n_sets ||
           request->epochs > 0;
}

static int is_own(const char *flag, const struct command_option *own)
{
    for (; own && own->flag; own++)
        if (strcmp(own->flag, flag) == 0)
            return 1;
    return 0;
}

void recipe_options_help(FILE *out, const struct command_option *own)
{
    int width = columns_width(out);
    for (const struct recipe_option *option = recipe_option_table; option->flag; option++) {
        char left[40];
        if (is_own(option->flag, own))
            continue;
        snprintf(left, sizeof left, "%s %s", option->flag, option->value);
        fprintf(out, "  %-20s ", left);
        columns_wrap(out, option->help ? option->help : knob_find(option->knob)->help, 23, 23, width);
    }
}

void recipe_options_help_knobs(FILE *out)
{
    char text[KNOB_TEXT_MAX + 512], range[160];
    const char *section = "";
    int width = columns_width(out);
    for (const struct knob *knob = knobs; knob < knobs + knob_count; knob++) {
        if (strcmp(knob->section, section) != 0)
            fprintf(out, " %s\n", section = knob->section);
        knob_range(knob, range, sizeof range);
        snprintf(text, sizeof text, "%s [%s] (%s%s%s)", knob->help, knob->default_text, range, knob->unit[0] ? " " : "",
                 knob->unit);
        fprintf(out, "  %-26s ", knob->key);
        columns_wrap(out, text, 29, 29, width);
    }
}
