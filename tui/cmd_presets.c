/* davidnet presets: the recipes that can be named. */
#include "engine/recipe_file.h"
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

/* One preset; a user's file that does not read is reported and does not hide the others. */
static int show(struct recipe_about *about, cJSON *json, int width)
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
    free(info);
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    int as_json = command_take_json(&command_presets, argc, argv), code = EXIT_OK;
    if (as_json < 0)
        return EXIT_USAGE;
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
        if (show(&list[i], json, columns_width(stdout)) != EXIT_OK)
            code = EXIT_FAILED;
    }
    free(list);
    return json && command_print_json(json, 1) ? EXIT_FAILED : code;
}

static const struct command_option options[] = {{"--json", NULL, "the same as a JSON array", NULL}, {0}};

const struct command command_presets = {
    .name = "presets",
    .summary = "the recipes that can be named",
    .usage = "usage: davidnet presets [--json]\n\n"
             "Lists the built-in presets and your own, which are recipe files NAME.ini in\n"
             "$XDG_CONFIG_HOME/davidnet/recipes (~/.config/davidnet/recipes).\n",
    .options = options,
    .run = run,
};
