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

static void print_files(FILE *out)
{
    section(out, "FILES");
    entry(out, "$XDG_CONFIG_HOME/davidnet/recipes/NAME.ini",
          "a preset of your own: [recipe] preset = what it inherits from, [network] the lines of a network, and knobs "
          "in the sections above");
    section(out, "ENVIRONMENT");
    entry(out, "DAVIDNET_DATA", "folder of the CIFAR-10 binary files, where --data is not given");
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
    section(out, "COMMANDS");
    for (; *list; list++)
        entry(out, (*list)->name, (*list)->summary);
    fputs(".PP\n\\fBdavidnet\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR explains each.\n", out);
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

static void print_words(FILE *out, const struct knob *knob)
{
    if (knob->type == KNOB_SWITCH)
        fputs("on off", out);
    for (int i = 0; knob->type == KNOB_ENUM && knob->names[i]; i++)
        fprintf(out, "%s%s", i ? " " : "", knob->names[i]);
}

/* case "$previous" in --device) words="auto cpu cuda ref";; ... */
static void print_option_cases(FILE *out)
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
        print_words(out, knob);
        fputs("\" ;;\n", out);
    }
    fputs("    --isa) words=\"auto", out);
    for (int i = 0; i < ISA_COUNT; i++)
        fprintf(out, " %s", isa_name((enum isa)i));
    fputs("\" ;;\n    --recipe|--data|--out|-o) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", out);
}

/* --set KEY=VALUE is three words to bash: complete VALUE where the values are known. */
static void print_value_cases(FILE *out)
{
    fputs("    case \"${COMP_WORDS[COMP_CWORD-1]}\" in =) key=\"${COMP_WORDS[COMP_CWORD-2]}\" ;; esac\n"
          "    case \"$word\" in =) key=\"$previous\"; word= ;; esac\n"
          "    case \"$key\" in\n",
          out);
    for (const struct knob *knob = knobs; knob < knobs + knob_count; knob++) {
        if (knob->type != KNOB_ENUM && knob->type != KNOB_SWITCH)
            continue;
        fprintf(out, "    %s) COMPREPLY=($(compgen -W \"", knob->key);
        print_words(out, knob);
        fputs("\" -- \"$word\")); return ;;\n", out);
    }
    fputs("    ?*) COMPREPLY=(); return ;;\n    esac\n", out);
}

void manual_print_completion(FILE *out, const struct command *const *list)
{
    fputs("# bash completions of davidnet, made by `davidnet help --completion`\n_davidnet()\n{\n"
          "    local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" words= key=\n",
          out);
    print_value_cases(out);
    fputs("    case \"$previous\" in\n", out);
    print_option_cases(out);
    fputs("    *) if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"help", out);
    for (; *list; list++)
        fprintf(out, " %s", (*list)->name);
    fputs("\"\n       else words=\"--help", out);
    for (const struct recipe_option *option = recipe_option_table; option->flag; option++)
        fprintf(out, " %s", option->flag);
    fputs(
        "\"; fi ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "    case \"$word\" in -*) ;; *) [ -n \"${COMPREPLY[*]}\" ] || COMPREPLY=($(compgen -f -- \"$word\")) ;; esac\n"
        "}\ncomplete -F _davidnet davidnet\n",
        out);
}
