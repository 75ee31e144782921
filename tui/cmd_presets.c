/* davidnet presets: the recipes that can be named. */
#include "engine/recipe_file.h"
#include "engine/tricks.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/network_info.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PRESETS_MAX 128

extern const struct command command_presets;

static void print_text(const struct recipe_about *about, const struct recipe *recipe, const struct network_info *info,
                       int width)
{
    char parameters[32], flops[32], line[256], summary[256];
    printf("%s%s%s\n  ", about->name, about->path[0] ? "  " : "", about->path);
    if (about->title[0]) {
        columns_wrap(stdout, about->title, 2, 2, width);
        printf("  ");
    }
    recipe_summary(recipe, summary, sizeof summary);
    const char *comma = strchr(summary, ',');
    columns_wrap(stdout, comma ? comma + 2 : summary, 2, 2, width);
    snprintf(line, sizeof line, "%s parameters, %sFLOP for a run on 50,000 images",
             network_info_count((double)info->parameters, parameters, sizeof parameters),
             network_info_count(info->run_flops, flops, sizeof flops));
    printf("  ");
    columns_wrap(stdout, line, 2, 2, width);
    if (about->published[0]) {
        snprintf(line, sizeof line, "published: %s", about->published);
        printf("  ");
        columns_wrap(stdout, line, 2, 4, width);
    }
}

static void add_json(cJSON *list, const struct recipe_about *about, const struct recipe *recipe,
                     const struct network_info *info)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", about->name);
    cJSON_AddStringToObject(o, "title", about->title);
    cJSON_AddStringToObject(o, "published", about->published);
    if (!isnan(about->accuracy))
        cJSON_AddNumberToObject(o, "published_accuracy", about->accuracy);
    if (!isnan(about->seconds))
        cJSON_AddNumberToObject(o, "published_seconds", about->seconds);
    if (about->of) {
        cJSON_AddNumberToObject(o, "published_reached", about->reached);
        cJSON_AddNumberToObject(o, "published_runs", about->of);
    }
    if (about->rung)
        cJSON_AddNumberToObject(o, "rung", about->rung);
    if (about->path[0])
        cJSON_AddStringToObject(o, "path", about->path);
    cJSON_AddNumberToObject(o, "epochs", recipe->epochs);
    cJSON_AddNumberToObject(o, "batch", recipe_batch(recipe));
    cJSON_AddNumberToObject(o, "parameters", (double)info->parameters);
    cJSON_AddNumberToObject(o, "forward_flops", info->forward_flops);
    cJSON_AddNumberToObject(o, "backward_flops", info->backward_flops);
    cJSON_AddNumberToObject(o, "run_flops", info->run_flops);
    cJSON_AddItemToArray(list, o);
}

/* Of one alone: the tricks that are on, and the values that are not the knobs' defaults. */
static void print_values(const struct recipe *recipe, int width)
{
    char text[RECIPE_TRICKS_MAX * 32] = "", value[KNOB_TEXT_MAX];
    const char *section = "";
    struct recipe defaults;
    size_t used = 0;
    for (int i = 0; i < trick_count && used < sizeof text; i++)
        if (trick_is_on(&tricks[i], recipe))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", tricks[i].key);
    printf("\ntricks that are on: ");
    columns_wrap(stdout, used ? text : "none", 20, 2, width);
    printf("\n[network]\n%s", recipe->network);
    knob_defaults(&defaults);
    for (const struct knob *knob = knobs; knob < knobs + knob_count; knob++) {
        if (knob_same(recipe, &defaults, knob))
            continue;
        if (strcmp(section, knob->section) != 0)
            printf("\n[%s]\n", section = knob->section);
        knob_get(recipe, knob, value, sizeof value);
        printf("%s = %s\n", knob->key, value);
    }
}

/* One preset; a user's file that does not read is reported and does not hide the others. */
static int show(const struct recipe_about *about, cJSON *json, int whole, int width)
{
    struct recipe recipe;
    struct error err = {""};
    struct recipe_about full;
    struct network_info *info = NULL;
    if (recipe_preset_load(about->name, &recipe, &full, &err) || !(info = network_info_new(&recipe, &err)))
        return command_fail("%s", err.text);
    if (json)
        add_json(json, &full, &recipe, info);
    else
        print_text(&full, &recipe, info, width);
    if (whole && !json)
        print_values(&recipe, width);
    free(info);
    return EXIT_OK;
}

/* Said of a name that is no preset; of a preset that cannot be read, show says why. */
static int check_name(const char *name)
{
    struct recipe_about *list = calloc(PRESETS_MAX, sizeof *list);
    struct recipe *recipe = malloc(sizeof *recipe);
    struct error err = {""};
    int n = list && recipe ? recipe_preset_list(list, PRESETS_MAX) : 0, i = 0, code = EXIT_OK;
    while (i < n && strcmp(list[i].name, name) != 0)
        i++;
    if (!list || !recipe)
        code = command_fail("out of memory");
    else if (i == n && recipe_preset_load(name, recipe, NULL, &err))
        code = command_usage_error(&command_presets, "%s", err.text);
    free(recipe);
    free(list);
    return code;
}

static int show_one(const char *name, int as_json)
{
    struct recipe_about about = {.accuracy = NAN};
    cJSON *json = as_json ? cJSON_CreateArray() : NULL;
    snprintf(about.name, sizeof about.name, "%.63s", name);
    if (as_json && !json)
        return command_fail("out of memory");
    int code = check_name(name);
    if (code == EXIT_OK)
        code = show(&about, json, 1, columns_width(stdout));
    cJSON *object = code == EXIT_OK ? cJSON_DetachItemFromArray(json, 0) : NULL;
    cJSON_Delete(json);
    return object ? command_print_json(object, 1) : code;
}

static int run(int argc, char **argv)
{
    const char *name;
    int as_json = command_take_name(&command_presets, argc, argv, &name), code = EXIT_OK;
    if (as_json < 0)
        return EXIT_USAGE;
    if (name)
        return show_one(name, as_json);
    struct recipe_about *list = calloc(PRESETS_MAX, sizeof *list);
    cJSON *json = as_json ? cJSON_CreateArray() : NULL;
    if (!list || (as_json && !json)) {
        free(list);
        return command_fail("out of memory");
    }
    int n = recipe_preset_list(list, PRESETS_MAX);
    for (int i = 0; i < n; i++) {
        if (i && !json)
            putchar('\n');
        if (show(&list[i], json, 0, columns_width(stdout)) != EXIT_OK)
            code = EXIT_FAILED;
    }
    free(list);
    return json && command_print_json(json, 1) ? EXIT_FAILED : code;
}

static const struct command_option options[] = {{"--json", NULL, "the same as JSON: an array, or one object", NULL},
                                                {0}};

const struct command command_presets = {
    .name = "presets",
    .summary = "the recipes that can be named",
    .usage = "usage: davidnet presets [NAME] [--json]\n\n"
             "Lists the built-in presets and your own, which are recipe files NAME.ini in\n"
             "$XDG_CONFIG_HOME/davidnet/recipes (~/.config/davidnet/recipes). With a NAME, that one with\n"
             "the tricks that are on in it, its network, and its values that are not the knobs' defaults.\n",
    .options = options,
    .run = run,
};
