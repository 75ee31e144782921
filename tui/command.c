#include "tui/command.h"

#include "engine/nearest.h"
#include "engine/utf8.h"
#include "tui/columns.h"
#include "tui/options.h"
#include "tui/progress.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct display_options display = {.delay = 0.1};

const struct command_option display_option_table[] = {
    {"-U, --ascii", NULL, "draw with ASCII only", NULL},
    {"-C, --no-color", NULL, "no colour (so does NO_COLOR)", NULL},
    {"-M, --no-mouse", NULL, "leave the mouse to the terminal", NULL},
    {"-d, --delay", "SECONDS", "between frames (0.1)", NULL},
    {"--script", "FILE", "play keys from FILE, one a line, off screen", NULL},
    {"--size", "WxH", "size of the off-screen terminal (80x24)", NULL},
    {"--dump", "FILE", "where the off-screen picture goes: .txt, .ans or .png", NULL},
    {NULL, NULL, NULL, NULL},
};

#define INDENT 23

void command_options_help(FILE *out, const struct command_option *options)
{
    int width = columns_width(out);
    for (; options->flag; options++) {
        char left[64];
        int n = snprintf(left, sizeof left, "  %s%s%s", options->flag, options->value ? " " : "",
                         options->value ? options->value : "");
        fprintf(out, "%-*s", INDENT, left);
        if (n >= INDENT)
            fprintf(out, "\n%*s", INDENT, "");
        columns_wrap(out, options->help, INDENT, INDENT, width);
    }
}

const char *command_part_word(const struct command *part)
{
    const char *blank = strrchr(part->name, ' ');
    return blank ? blank + 1 : part->name;
}

const struct command *command_part(const struct command *command, const char *word)
{
    for (int i = 0; command->parts && command->parts[i]; i++)
        if (strcmp(command_part_word(command->parts[i]), word) == 0)
            return command->parts[i];
    return NULL;
}

void command_help(const struct command *command)
{
    int width = columns_width(stdout);
    columns_paragraphs(stdout, command->usage, width);
    if (command->options) {
        putchar('\n');
        command_options_help(stdout, command->options);
    }
    if (command->takes_recipe) {
        puts("\nrecipe options:");
        recipe_options_help(stdout, command->options);
    }
    for (int i = 0; command->parts && command->parts[i]; i++)
        printf("%s  %-10s %s\n", i ? "" : "\n", command_part_word(command->parts[i]), command->parts[i]->summary);
    if (command->more) {
        putchar('\n');
        columns_paragraphs(stdout, command->more, width);
    }
    if (command->print_more) {
        putchar('\n');
        command->print_more();
    }
}

int command_take_option(const struct command *command, int argc, char **argv, int *i, const char **flag,
                        const char **value)
{
    const char *word = argv[*i];
    size_t length = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
    for (const struct command_option *option = command->options; option && option->flag; option++) {
        if (strlen(option->flag) != length || strncmp(word, option->flag, length) != 0)
            continue;
        *flag = option->flag;
        *value = NULL;
        if (!option->value && word[length])
            return command_usage_error(command, "%s takes no value", option->flag), -1;
        if (!option->value)
            return 1;
        if (word[length])
            *value = word + length + 1;
        else if (*i + 1 < argc)
            *value = argv[++*i];
        else
            return command_usage_error(command, "%s needs a value: %s %s", option->flag, option->flag, option->value),
                   -1;
        return 1;
    }
    return 0;
}

int command_take_name(const struct command *command, int argc, char **argv, const char **name)
{
    int json = 0;
    *name = NULL;
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(command, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return -1;
        if (taken) {
            json = 1;
        } else if (argv[i][0] == '-' || *name) {
            command_unknown(command, argv[i]);
            return -1;
        } else {
            *name = argv[i];
        }
    }
    return json;
}

int command_take_json(const struct command *command, int argc, char **argv)
{
    const char *name;
    int json = command_take_name(command, argc, argv, &name);
    if (json >= 0 && name) {
        command_unknown(command, name);
        return -1;
    }
    return json;
}

int command_print_json(cJSON *root, int pretty)
{
    char *text = pretty ? cJSON_Print(root) : cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (!text)
        return command_fail("out of memory");
    puts(text);
    cJSON_free(text);
    return EXIT_OK;
}

void command_progress(const char *what, int done, int of)
{
    if (!what)
        progress_clear();
    else if (of)
        progress_show("%s %d of %d", what, done, of);
    else
        progress_show("%s", what);
}

int command_unknown(const struct command *command, const char *word)
{
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX], cut[64];
    if (word[0] != '-')
        return command_usage_error(command, "unexpected '%s'", word);
    snprintf(cut, sizeof cut, "%.*s", (int)strcspn(word, "="), word);
    nearest_init(&nearest, cut);
    for (const struct command_option *option = command->options; option && option->flag; option++)
        nearest_offer(&nearest, option->flag);
    for (const struct recipe_option *option = recipe_option_table; command->takes_recipe && option->flag; option++)
        nearest_offer(&nearest, option->flag);
    return command_usage_error(command, "'%s' is not an option%s", word, nearest_hint(&nearest, hint, sizeof hint));
}

/* Messages quote files and arguments, whose bytes must not command the terminal. */
static void put_message(const char *format, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    fputs(utf8_tame(text, "\n\t", '?'), stderr);
}

int command_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    progress_clear();
    fputs("davidnet: ", stderr);
    put_message(format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILED;
}

int command_usage_error(const struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "davidnet %s: ", command->name);
    put_message(format, args);
    fprintf(stderr, "\nTry 'davidnet %s --help'.\n", command->name);
    va_end(args);
    return EXIT_USAGE;
}
