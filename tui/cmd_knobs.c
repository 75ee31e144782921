/* davidnet knobs: every knob, or one, as the table has it. */
#include "engine/nearest.h"
#include "engine/tricks.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/options.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern const struct command command_knobs;

static const char *const type_names[] = {
    [KNOB_INT] = "integer", [KNOB_INT64] = "integer", [KNOB_REAL] = "number",  [KNOB_SWITCH] = "switch",
    [KNOB_ENUM] = "choice", [KNOB_TEXT] = "text",     [KNOB_REALS] = "numbers"};

static void add_tricks(cJSON *o, const struct knob *knob)
{
    cJSON *list = cJSON_AddArrayToObject(o, "tricks");
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++)
        if (trick_value(trick, knob->key))
            cJSON_AddItemToArray(list, cJSON_CreateString(trick->key));
}

static cJSON *to_json(const struct knob *knob)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "key", knob->key);
    cJSON_AddStringToObject(o, "section", knob->section);
    cJSON_AddStringToObject(o, "type", type_names[knob->type]);
    cJSON_AddStringToObject(o, "default", knob->default_text);
    if (knob->type == KNOB_ENUM) {
        cJSON *values = cJSON_AddArrayToObject(o, "values");
        for (int i = 0; knob->names[i]; i++)
            cJSON_AddItemToArray(values, cJSON_CreateString(knob->names[i]));
    } else if (knob->type != KNOB_TEXT && knob->type != KNOB_SWITCH) {
        cJSON_AddNumberToObject(o, "min", knob->min);
        cJSON_AddNumberToObject(o, "max", knob->max);
    }
    cJSON_AddStringToObject(o, "unit", knob->unit);
    cJSON_AddStringToObject(o, "help", knob->help);
    if (knob->when)
        cJSON_AddStringToObject(o, "when", knob->when);
    else
        cJSON_AddNullToObject(o, "when");
    add_tricks(o, knob);
    return o;
}

static int print_json(void)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct knob *knob = knobs; knob < knobs + knob_count; knob++)
        cJSON_AddItemToArray(list, to_json(knob));
    return command_print_json(list, 1);
}

static void print_fact(const char *name, int width, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void print_fact(const char *name, int width, const char *format, ...)
{
    char text[KNOB_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("  %-8s  ", name);
    columns_wrap(stdout, text, 12, 12, width);
}

static int print_one(const struct knob *knob, int width)
{
    char range[160];
    knob_range(knob, range, sizeof range);
    printf("%s: ", knob->key);
    columns_wrap(stdout, knob->help, (int)strlen(knob->key) + 2, 2, width);
    print_fact("default", width, "%s", *knob->default_text ? knob->default_text : "(empty)");
    print_fact("allowed", width, "%s%s%s", range, *knob->unit ? " " : "", knob->unit);
    print_fact("set by", width, "--set %s=VALUE, or under [%s] in a recipe file", knob->key, knob->section);
    if (knob->when)
        print_fact("effect", width, "only with %s", knob->when);
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++)
        if (trick_value(trick, knob->key))
            print_fact("trick", width, "%s sets it to %s", trick->key, trick_value(trick, knob->key));
    if (trick_find(knob->key))
        print_fact("trick", width, "the one of that name is more than the knob: see `davidnet tricks %s`", knob->key);
    return EXIT_OK;
}

static int unknown(const char *name)
{
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX];
    nearest_init(&nearest, name);
    for (int i = 0; i < knob_count; i++)
        nearest_offer(&nearest, knobs[i].key);
    if (trick_find(name))
        return command_usage_error(&command_knobs, "%s is a trick and no knob; see `davidnet tricks %s`", name, name);
    return command_usage_error(&command_knobs, "no knob is named '%.64s'%s; `davidnet knobs` lists them all", name,
                               nearest_hint(&nearest, hint, sizeof hint));
}

static int run(int argc, char **argv)
{
    const char *name;
    int json = command_take_name(&command_knobs, argc, argv, &name);
    if (json < 0)
        return EXIT_USAGE;
    const struct knob *one = name ? knob_find(name) : NULL;
    if (name && !one)
        return unknown(name);
    if (one)
        return json ? command_print_json(to_json(one), 1) : print_one(one, columns_width(stdout));
    if (json)
        return print_json();
    puts("Every knob, with its [default] and (what is allowed). Set one with --set KEY=VALUE,\n"
         "or in a recipe file in the section that heads its list.\n");
    recipe_options_help_knobs(stdout);
    return EXIT_OK;
}

static const struct command_option options[] = {{"--json", NULL, "the same as JSON: an array, or one object", NULL},
                                                {0}};

const struct command command_knobs = {
    .name = "knobs",
    .summary = "every knob: default, range, help",
    .usage = "usage: davidnet knobs [NAME] [--json]\n\n"
             "Lists every knob by section, or one, with its default, what is allowed and what it does.\n",
    .options = options,
    .run = run,
};
