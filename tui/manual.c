#include "tui/manual.h"

#include "engine/knobs.h"
#include "engine/network.h"
#include "engine/recipes.h"
#include "engine/tricks.h"
#include "kernels/isa.h"
#include "tui/options.h"

#include <string.h>

/* Text that groff shows as it is: '-' and '\' escaped, no line that begins as a request. */
static void put(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

static void section(FILE *out, const char *name)
{
    fprintf(out, ".SH %s\n", name);
}

/* A tagged paragraph: bold tag, then text. */
static void entry(FILE *out, const char *tag, const char *text)
{
    fputs(".TP\n\\fB", out);
    put(out, tag);
    fputs("\\fR\n", out);
    put(out, text);
    fputc('\n', out);
}

static void print_knobs(FILE *out)
{
    char text[KNOB_TEXT_MAX + 512], range[160];
    const char *last = "";
    section(out, "KNOBS");
    for (const struct knob *knob = knobs; knob < knobs + knob_count; knob++) {
        if (strcmp(last, knob->section) != 0) {
            fprintf(out, ".SS [%s]\n", knob->section);
            last = knob->section;
        }
        knob_range(knob, range, sizeof range);
        snprintf(text, sizeof text, "%s (default: %s; %s%s%s)", knob->help,
                 knob->default_text[0] ? knob->default_text : "empty", range, knob->unit[0] ? " " : "", knob->unit);
        entry(out, knob->key, text);
    }
}

static void print_options(FILE *out, const struct command_option *options)
{
    char tag[64];
    for (; options && options->flag; options++) {
        snprintf(tag, sizeof tag, "%s%s%s", options->flag, options->value ? " " : "",
                 options->value ? options->value : "");
        entry(out, tag, options->help);
    }
}

/* Paragraphs as columns_paragraphs takes them, for groff to fill. */
static void print_paragraphs(FILE *out, const char *text)
{
    int as_it_is = 0;
    while (*text) {
        char line[512];
        int length = (int)strcspn(text, "\n"), keep = text[0] == ' ' || strncmp(text, "usage:", 6) == 0;
        if (keep != as_it_is)
            fputs(keep ? ".nf\n" : ".fi\n", out);
        as_it_is = keep;
        snprintf(line, sizeof line, "%.*s", length, text);
        if (length == 0)
            fputs(".PP", out);
        put(out, line);
        fputc('\n', out);
        text += length + (text[length] == '\n');
    }
    if (as_it_is)
        fputs(".fi\n", out);
}

static void print_command(FILE *out, const struct command *command)
{
    fputs(".SS ", out);
    put(out, command->name);
    fputc('\n', out);
    put(out, command->summary);
    fputs("\n.PP\n", out);
    print_paragraphs(out, command->usage);
    print_options(out, command->options);
    if (command->takes_recipe)
        fputs(".PP\nIt takes the recipe options too.\n", out);
    if (command->more) {
        fputs(".PP\n", out);
        print_paragraphs(out, command->more);
    }
}

static void print_commands(FILE *out, const struct command *const *list)
{
    section(out, "COMMANDS");
    for (; *list; list++) {
        print_command(out, *list);
        for (int i = 0; (*list)->parts && (*list)->parts[i]; i++)
            print_command(out, (*list)->parts[i]);
    }
}

static void print_files(FILE *out)
{
    section(out, "FILES");
    entry(
        out, "~/.local/share/davidnet/runs",
        "the runs, a folder each: recipe.ini, program.json, log, status, timing.json, stderr.txt (what libraries wrote "
        "while the workbench was on the screen), label.json (tags and note), checkpoint-STEP; those that were thrown "
        "away "
        "in .trash");
    entry(out, "~/.local/share/davidnet/cifar-10-batches-bin", "the data set, where `davidnet data fetch` leaves it");
    entry(out, "$XDG_CONFIG_HOME/davidnet/recipes/NAME.ini",
          "a preset of your own: [recipe] preset = what it inherits from, [network] the lines of a network, [tricks] "
          "tricks, "
          "each on or off, and knobs in the sections above");
    section(out, "ENVIRONMENT");
    entry(out, "DAVIDNET_DATA", "folder of the CIFAR-10 binary files, where --data is not given");
    entry(out, "DAVIDNET_RUNS", "folder of the runs, where --out is not given");
    entry(out, "XDG_DATA_HOME", "where davidnet/runs and the fetched data are (~/.local/share)");
    entry(out, "XDG_CONFIG_HOME", "where davidnet/recipes is (~/.config)");
    entry(out, "NO_COLOR", "when it is not empty: no colour");
    section(out, "EXIT STATUS");
    entry(out, "0", "all went well");
    entry(out, "1", "something failed; standard error says what, and what to do");
    entry(out, "2", "the command line was wrong");
    entry(out, "3", "the run ended below the --target that was asked for");
    entry(out, "130, 143", "stopped by SIGINT or SIGTERM, after a checkpoint");
}

void manual_print(FILE *out, const struct command *const *list)
{
    char tag[64];
    fputs(".TH DAVIDNET 1 \"\" davidnet \"User Commands\"\n", out);
    section(out, "NAME");
    fputs("davidnet \\- a terminal workbench that trains small image classifiers fast\n", out);
    section(out, "SYNOPSIS");
    fputs("\\fBdavidnet\\fR [\\fICOMMAND\\fR] [\\fIOPTION\\fR]...\n", out);
    print_commands(out, list);
    section(out, "DISPLAY OPTIONS");
    print_options(out, display_option_table);
    section(out, "RECIPE OPTIONS");
    for (const struct recipe_option *option = recipe_option_table; option->flag; option++) {
        snprintf(tag, sizeof tag, "%s %s", option->flag, option->value);
        entry(out, tag, option->help ? option->help : knob_find(option->knob)->help);
    }
    section(out, "PRESETS");
    for (int i = 0; i < recipe_builtin_count; i++)
        fprintf(out, "%s\\fB%s\\fR", i ? ", " : "", recipe_builtins[i].name);
    fputs(".\n", out);
    section(out, "TRICKS");
    for (const struct trick *trick = tricks; trick < tricks + trick_count; trick++)
        entry(out, trick->key, trick->changes);
    print_knobs(out);
    section(out, "NETWORKS");
    for (int i = 0; network_syntax[i][0]; i++)
        entry(out, network_syntax[i][0], network_syntax[i][1]);
    print_files(out);
}

/* ---- completions ---- */

static void print_names(FILE *out, const struct knob *knob)
{
    if (knob->type == KNOB_SWITCH)
        fputs("on off", out);
    for (int i = 0; knob->type == KNOB_ENUM && knob->names[i]; i++)
        fprintf(out, "%s%s", i ? " " : "", knob->names[i]);
}

/* The body of a case: what the words are, or where they come from. */
static void print_words(FILE *out, const char *words)
{
    if (strcmp(words, "FILE") == 0)
        fputs("COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", out);
    else if (strcmp(words, "RUN") == 0)
        fputs("words=\"last $(cd \"$runs\" 2>/dev/null && ls)\" ;;\n", out);
    else
        fprintf(out, "words=\"%s\" ;;\n", words);
}

/* Recipe options, whatever the command: case "$previous" in --device) words="auto cpu cuda ref" ;; ... */
static void print_recipe_cases(FILE *out)
{
    fputs("    --preset) words=\"", out);
    for (int i = 0; i < recipe_builtin_count; i++)
        fprintf(out, "%s ", recipe_builtins[i].name);
    fputs(
        "$(cd \"${XDG_CONFIG_HOME:-$HOME/.config}/davidnet/recipes\" 2>/dev/null && ls | sed -n 's/\\.ini$//p')\" ;;\n"
        "    --on|--off) words=\"",
        out);
    for (int i = 0; i < trick_count; i++)
        fprintf(out, "%s%s", i ? " " : "", tricks[i].key);
    fputs("\" ;;\n    --set) words=\"", out);
    for (int i = 0; i < knob_count; i++)
        fprintf(out, "%s= ", knobs[i].key);
    fputs("network=\"; compopt -o nospace 2>/dev/null ;;\n", out);
    for (const struct recipe_option *option = recipe_option_table; option->flag; option++) {
        const struct knob *knob = option->knob ? knob_find(option->knob) : NULL;
        if (!knob || (knob->type != KNOB_ENUM && knob->type != KNOB_SWITCH))
            continue;
        fprintf(out, "    %s) words=\"", option->flag);
        print_names(out, knob);
        fputs("\" ;;\n", out);
    }
    fputs("    --isa) words=\"auto", out);
    for (int i = 0; i < ISA_COUNT; i++)
        fprintf(out, " %s", isa_name((enum isa)i));
    fputs("\" ;;\n    --recipe|--data|--script|--dump) ", out);
    print_words(out, "FILE");
}

/* "-U, --ascii" is two words. */
static void print_flags(FILE *out, const struct command_option *options)
{
    for (; options && options->flag; options++)
        for (const char *c = options->flag; *c || (fputc(' ', out), 0); c++)
            if (*c != ',')
                fputc(*c, out);
}

/* What an option's value can be; of a part's option, too, it is the command that bash has at hand. */
static void print_values(FILE *out, const char *name, const struct command *command)
{
    for (const struct command_option *o = command->options; o && o->flag; o++)
        if (o->words) {
            fprintf(out, "    \"%s %s\") ", name, o->flag);
            print_words(out, o->words);
        }
}

static void print_all_flags(FILE *out, const struct command *command)
{
    print_flags(out, command->options);
    for (const struct recipe_option *o = recipe_option_table; command->takes_recipe && o->flag; o++)
        fprintf(out, "%s ", o->flag);
}

/* Of each command: the values of its own options, its first word, its options; and those of its parts. */
static void print_command_cases(FILE *out, const struct command *const *list)
{
    static const struct command *const none[] = {NULL};
    fputs("    case \"$command $previous\" in\n", out);
    for (int i = 0; list[i]; i++) {
        const struct command *const *parts = list[i]->parts ? list[i]->parts : none;
        print_values(out, list[i]->name, list[i]);
        for (int k = 0; parts[k]; k++)
            print_values(out, list[i]->name, parts[k]);
        if (list[i]->words) {
            fprintf(out, "    \"%s %s\") case \"$word\" in -*) ;; *) ", list[i]->name, list[i]->name);
            print_words(out, list[i]->words);
            fputs("    esac ;;\n", out);
        }
        if (parts[0]) {
            fprintf(out, "    \"%s %s\") words=\"", list[i]->name, list[i]->name);
            for (int k = 0; parts[k]; k++)
                fprintf(out, "%s%s", k ? " " : "", command_part_word(parts[k]));
            fputs("\" ;;\n", out);
        }
    }
    fputs("    \"help help\") words=\"--man --completion", out);
    for (int i = 0; list[i]; i++)
        fprintf(out, " %s", list[i]->name);
    fputs("\" ;;\n    esac\n    [ -n \"$words\" ] || case \"$command\" in\n", out);
    for (int i = 0; list[i]; i++) {
        const struct command *const *parts = list[i]->parts ? list[i]->parts : none;
        fprintf(out, "    %s) words=\"--help ", list[i]->name);
        print_all_flags(out, list[i]);
        for (int k = 0; parts[k]; k++)
            print_all_flags(out, parts[k]);
        fputs("$display\" ;;\n", out);
    }
    fputs("    esac\n", out);
}

/* --set KEY=VALUE is three words to bash: complete VALUE where the values are known. */
static void print_value_cases(FILE *out)
{
    fputs("    case \"${COMP_WORDS[COMP_CWORD-1]}\" in =) key=\"${COMP_WORDS[COMP_CWORD-2]}\" ;; esac\n"
          "    case \"$word\" in =) key=\"$previous\"; word= ;; esac\n"
          "    case \"$key\" in --*) previous=\"$key\"; key= ;; esac\n" /* --device=cpu: as --device cpu */
          "    case \"$key\" in\n",
          out);
    for (const struct knob *knob = knobs; knob < knobs + knob_count; knob++) {
        if (knob->type != KNOB_ENUM && knob->type != KNOB_SWITCH)
            continue;
        fprintf(out, "    %s) COMPREPLY=($(compgen -W \"", knob->key);
        print_names(out, knob);
        fputs("\" -- \"$word\")); return ;;\n", out);
    }
    fputs("    ?*) COMPREPLY=(); return ;;\n    esac\n", out);
}

void manual_print_completion(FILE *out, const struct command *const *list)
{
    fputs("# bash completions of davidnet, made by `davidnet help --completion`\n_davidnet()\n{\n"
          "    local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" words= key= display\n"
          "    local command=\"${COMP_WORDS[1]}\" "
          "runs=\"${DAVIDNET_RUNS:-${XDG_DATA_HOME:-$HOME/.local/share}/davidnet/runs}\"\n    display=\"",
          out);
    print_flags(out, display_option_table);
    fputs("\"\n    case \"$command\" in -*) command=tui ;; esac\n", out);
    print_value_cases(out);
    fputs("    if [ \"$COMP_CWORD\" -eq 1 ] && [ \"${word#-}\" = \"$word\" ]; then\n    words=\"help", out);
    for (int i = 0; list[i]; i++)
        fprintf(out, " %s", list[i]->name);
    fputs("\"\n    else\n    case \"$previous\" in\n", out);
    print_recipe_cases(out);
    fputs("    esac\n    [ -n \"$words\" ] || {\n", out);
    print_command_cases(out, list);
    fputs(
        "    }\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "    case \"$word\" in -*) ;; *) [ -n \"${COMPREPLY[*]}\" ] || COMPREPLY=($(compgen -f -- \"$word\")) ;; esac\n"
        "}\ncomplete -F _davidnet davidnet\n",
        out);
}
