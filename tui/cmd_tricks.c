/* davidnet tricks: every trick, what it changes and what was published about it. */
#include "engine/tricks.h"
#include "tui/columns.h"
#include "tui/command.h"

#include <cjson/cJSON.h>

extern const struct command command_tricks;

static void add_patches(cJSON *trick, const char *name, const struct trick_patch *patch)
{
    cJSON *list = cJSON_AddArrayToObject(trick, name);
    for (; patch->key; patch++) {
        cJSON *w = cJSON_CreateObject();
        cJSON_AddStringToObject(w, "knob", patch->key);
        cJSON_AddStringToObject(w, "on", patch->on);
        if (patch->off)
            cJSON_AddStringToObject(w, "off", patch->off);
        else
            cJSON_AddNullToObject(w, "off");
        cJSON_AddItemToArray(list, w);
    }
}

static int print_json(void)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "key", trick->key);
        cJSON_AddStringToObject(o, "title", trick->title);
        cJSON_AddStringToObject(o, "changes", trick->changes);
        cJSON_AddStringToObject(o, "published", trick->published);
        cJSON_AddStringToObject(o, "source", trick->source);
        cJSON *parameters = cJSON_AddArrayToObject(o, "parameters");
        for (int i = 0; trick->parameters[i]; i++)
            cJSON_AddItemToArray(parameters, cJSON_CreateString(trick->parameters[i]));
        add_patches(o, "writes", trick->patches);
        add_patches(o, "begins_with", trick->begins_with);
        cJSON_AddItemToArray(list, o);
    }
    return command_print_json(list, 1);
}

static void print_line(const char *label, const char *text, int width)
{
    printf("  %-11s ", label);
    columns_wrap(stdout, text, 14, 14, width);
}

static void print_patches(const char *label, const struct trick_patch *patches, int width)
{
    for (const struct trick_patch *patch = patches; patch->key; patch++) {
        char text[256];
        snprintf(text, sizeof text, "%s = %s (off: %s)", patch->key, patch->on,
                 patch->off ? patch->off : "as the preset has it");
        print_line(patch == patches ? label : "", text, width);
    }
}

static void print_trick(const struct trick *trick, int width)
{
    printf("%s: %s\n", trick->key, trick->title);
    print_line("changes", trick->changes, width);
    print_line("published", trick->published, width);
    print_line("source", trick->source, width);
    print_patches("writes", trick->patches, width);
    print_patches("begins with", trick->begins_with, width);
    for (int i = 0; trick->parameters[i]; i++) {
        char text[512], range[160];
        const struct knob *knob = knob_find(trick->parameters[i]);
        knob_range(knob, range, sizeof range);
        snprintf(text, sizeof text, "%s [%s] (%s): %s", knob->key, knob->default_text, range, knob->help);
        print_line(i ? "" : "parameters", text, width);
    }
}

static int run(int argc, char **argv)
{
    int json = command_take_json(&command_tricks, argc, argv), width = columns_width(stdout);
    if (json)
        return json < 0 ? EXIT_USAGE : print_json();
    puts("Switch a trick with --on KEY or --off KEY; set its parameters with --set.");
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++) {
        putchar('\n');
        print_trick(trick, width);
    }
    return EXIT_OK;
}

static const struct command_option options[] = {{"--json", NULL, "the same as a JSON array", NULL}, {0}};

const struct command command_tricks = {
    .name = "tricks",
    .summary = "every trick: what it changes, what was published",
    .usage = "usage: davidnet tricks [--json]\n\n"
             "Lists every training trick: what it changes, its published effect, its source,\n"
             "the knobs that it writes and its parameters.\n",
    .options = options,
    .run = run,
};
