/*
 * The options that choose a recipe, shared by every command that takes one (train, samples, network, bench ...):
 * --preset, --recipe, --set, --on, --off, --epochs, and short ways to set a knob (--seed, --data, --device ...).
 * Options and their help are one table; the values of --set are those of the knob table.
 */
#ifndef DAVIDNET_TUI_OPTIONS_H
#define DAVIDNET_TUI_OPTIONS_H

#include "engine/recipe.h"

#include <stdio.h>

/* What the workbench trains when it is not told; without a screen it is RECIPE_DEFAULT_PRESET (engine/recipe.h). */
#define WORKBENCH_PRESET "quick"

/* All zero to begin with. request points into argv and into store: do not copy or move the struct. */
struct recipe_options {
    struct recipe_request request;
    char store[16384];
    size_t used;
};

/*
 * Looks at argv[*i]. 1: it was one of these options, and *i is at its last word; 0: it is the command's own business;
 * -1: it was one, but wrong. Both "--key value" and "--key=value" are understood.
 */
int recipe_options_take(struct recipe_options *options, int argc, char **argv, int *i, struct error *err);

/*
 * The recipe that they make, whose network fits images of 3 x 32 x 32 and ten classes; -1 with an error that names
 * what is wrong, and the file if it is in one.
 */
int recipe_options_resolve(const struct recipe_options *options, struct recipe *recipe, struct error *err);

/* 1 if that knob was given a value by any of the options (not through a preset, file or trick). */
int recipe_options_gave(const struct recipe_options *options, const char *key);

/* 1 if any of the options was given. */
int recipe_options_any(const struct recipe_options *options);

/* The options' part of a command's help, without those that the command has itself (`own`, or NULL), and the list of
 * knobs that --set takes. */
struct command_option;
void recipe_options_help(FILE *out, const struct command_option *own);
void recipe_options_help_knobs(FILE *out);

/* The table, for completions and the manual: ends with a NULL flag. knob: the one that it sets, or NULL. */
struct recipe_option {
    const char *flag, *value, *knob, *help;
};
extern const struct recipe_option recipe_option_table[];

#endif
