/* davidnet knobs: every knob, as the table has it. */
#include "engine/knobs.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/options.h"

#include <cjson/cJSON.h>

extern const struct command command_knobs;

static const char *const type_names[] = {
    [KNOB_INT] = "integer", [KNOB_INT64] = "integer", [KNOB_REAL] = "number",  [KNOB_SWITCH] = "switch",
    [KNOB_ENUM] = "choice", [KNOB_TEXT] = "text",     [KNOB_REALS] = "numbers"};

static int print_json(void)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct knob *knob = knobs; knob < knobs + knob_count; knob++) {
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
        cJSON_AddItemToArray(list, o);
    }
    return command_print_json(list, 1);
}

static int run(int argc, char **argv)
{
    int json = command_take_json(&command_knobs, argc, argv);
    if (json)
        return json < 0 ? EXIT_USAGE : print_json();
    puts("Every knob, with its [default] and (what is allowed). Set one with --set KEY=VALUE,\n"
         "or in a recipe file in the section that heads its list.\n");
    recipe_options_help_knobs(stdout);
    return EXIT_OK;
}

static const struct command_option options[] = {{"--json", NULL, "the same as a JSON array", NULL}, {0}};

const struct command command_knobs = {
    .name = "knobs",
    .summary = "every knob: default, range, help",
    .usage = "usage: davidnet knobs [--json]\n\n"
             "Lists every knob by section, with its default, what is allowed and what it does.\n",
    .options = options,
    .run = run,
};
