/* davidnet tricks: every trick, or one: what it changes, what was published about it, what it cannot be with. */
#include "engine/nearest.h"
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

static void add_conflicts(cJSON *o, const struct trick *trick)
{
    cJSON *list = cJSON_AddArrayToObject(o, "conflicts");
    for (const struct trick *other = tricks; other < tricks + trick_count; other++) {
        const char *knob = other == trick ? NULL : trick_clash(trick, other);
        if (!knob)
            continue;
        cJSON *conflict = cJSON_CreateObject();
        cJSON_AddStringToObject(conflict, "trick", other->key);
        cJSON_AddStringToObject(conflict, "knob", knob);
        cJSON_AddItemToArray(list, conflict);
    }
}

static cJSON *to_json(const struct trick *trick)
{
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
    add_conflicts(o, trick);
    return o;
}

static int print_json(void)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++)
        cJSON_AddItemToArray(list, to_json(trick));
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

static void print_conflicts(const struct trick *trick, int width)
{
    char text[1024] = "";
    size_t used = 0;
    for (const struct trick *other = tricks; other < tricks + trick_count && used < sizeof text; other++) {
        const char *knob = other == trick ? NULL : trick_clash(trick, other);
        if (knob)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s (both write %s)", used ? ", " : "",
                                     other->key, knob);
    }
    if (used)
        print_line("not with", text, width);
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
    print_conflicts(trick, width);
}

/* And all that there is to say of it alone. */
static int print_one(const struct trick *trick, int width)
{
    const struct knob *knob = knob_find(trick->key);
    char text[512];
    print_trick(trick, width);
    snprintf(text, sizeof text, "--on %s, --off %s; %s = on under [tricks] in a recipe file", trick->key, trick->key,
             trick->key);
    print_line("switched by", text, width);
    if (knob) {
        snprintf(text, sizeof text, "--set %s=VALUE, or a line under [%s] in a recipe file, sets the knob %s alone",
                 knob->key, knob->section, knob->key);
        print_line("the knob", text, width);
    }
    return EXIT_OK;
}

static int unknown(const char *name)
{
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX];
    nearest_init(&nearest, name);
    for (int i = 0; i < trick_count; i++)
        nearest_offer(&nearest, tricks[i].key);
    if (knob_find(name))
        return command_usage_error(&command_tricks, "%s is a knob and no trick; see `davidnet knobs %s`", name, name);
    return command_usage_error(&command_tricks, "no trick is named '%.64s'%s; `davidnet tricks` lists them all", name,
                               nearest_hint(&nearest, hint, sizeof hint));
}

static int run(int argc, char **argv)
{
    const char *name;
    int json = command_take_name(&command_tricks, argc, argv, &name), width = columns_width(stdout);
    if (json < 0)
        return EXIT_USAGE;
    const struct trick *one = name ? trick_find(name) : NULL;
    if (name && !one)
        return unknown(name);
    if (one)
        return json ? command_print_json(to_json(one), 1) : print_one(one, width);
    if (json)
        return print_json();
    puts("Switch a trick with --on KEY or --off KEY; set its parameters with --set.");
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++) {
        putchar('\n');
        print_trick(trick, width);
    }
    return EXIT_OK;
}

static const struct command_option options[] = {{"--json", NULL, "the same as JSON: an array, or one object", NULL},
                                                {0}};

const struct command command_tricks = {
    .name = "tricks",
    .summary = "every trick: what it changes, what was published",
    .usage = "usage: davidnet tricks [NAME] [--json]\n\n"
             "Lists every training trick, or one: what it changes, its published effect, its source, the knobs that\n"
             "it writes, its parameters, and the tricks that it cannot be on with.\n",
    .options = options,
    .run = run,
};
