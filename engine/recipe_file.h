/*
 * Recipe files, and presets, which are recipe files with a name: built in (engine/recipes/NAME.ini), or the user's
 * own in $XDG_CONFIG_HOME/davidnet/recipes/NAME.ini. Built-in names win.
 *
 *     [recipe]
 *     preset = davidnet-79       inherits from it (or `origin = davidnet-79`: says where a full recipe came from)
 *     name = mine                (optional) what its runs are called; without it, as the file that --recipe names
 *     title = one line           (optional), and published = one line: what `davidnet presets` shows
 *     published_accuracy = 94.08 (optional) the same for programs: percent, published_seconds = 79, published_of = 7/10
 *     rung = 12                  (optional) its place on the ladder of published recipes, from 1, in the order of time
 *     [network]                  (optional) replaces the preset's network
 *     prep = conv_bn c           the lines of engine/network.h, in order
 *     [tricks]                   tricks, each on or off: all that the trick writes, as --on and --off switch it
 *     frozen_scale = on
 *     [optimiser]                knobs, each in its section of the knob table
 *     momentum = 0.9
 *
 * Tricks are switched before knobs are set, wherever they stand in the file. Some keys are a trick's and a knob's: in
 * [tricks] such a line switches the whole trick, in the knob's section it sets that knob and nothing else. A knob that
 * undoes a trick of the same file is an error.
 *
 * A file without `preset` needs a [network]; knobs it does not set have the table's defaults. A ';' or '#' at the
 * start of a line or after a blank begins a comment. Long values go on as `key+ = rest`. Text with other characters
 * than letters, digits and the commonest signs is written "in quotes", with \xHH for bytes.
 *
 * Errors name file and line. No file over 64 KiB, no line over 190 characters.
 */
#ifndef DAVIDNET_ENGINE_RECIPE_FILE_H
#define DAVIDNET_ENGINE_RECIPE_FILE_H

#include "engine/recipe.h"

#include <limits.h>

struct recipe_about {
    char name[64];
    char title[128];
    char published[192];
    double accuracy, seconds; /* published: percent, of training; NaN: not published */
    int reached, of;          /* published: `reached` of `of` runs reach 94 %; of 0: not published */
    int rung;                 /* from 1; 0: not on the ladder */
    char path[PATH_MAX];      /* empty: built in */
};

/* Replaces recipe by what the text says. `file` is for errors and, without [recipe] origin, the recipe's name. */
int recipe_file_parse(const char *file, const char *text, struct recipe *recipe, struct recipe_about *about,
                      struct error *err);

/* The same from a file. about may be NULL. */
int recipe_file_load(const char *path, struct recipe *recipe, struct recipe_about *about, struct error *err);

/* The same by preset name; an unknown one is an error that says which there are. */
int recipe_preset_load(const char *name, struct recipe *recipe, struct recipe_about *about, struct error *err);

/* Sets own_network, has_base, base_tricks and base_values by the preset as it is now. All that reads or resolves a
 * recipe has done so. */
void recipe_file_compare(struct recipe *recipe);

/* Fills list with up to max presets (name and path), built-in ones first, each part by name; returns how many. */
int recipe_preset_list(struct recipe_about *list, int max);

/* The folder of the user's own presets; -1 without a home, or when it does not fit. */
int recipe_user_folder(char *out, size_t size);

/*
 * Writes it to the user's own presets as NAME.ini and gives the path. 0; 1 when there is one of that name and replace
 * is 0: nothing was done; -1: bad name, the name of a built-in preset, or it cannot be written.
 */
int recipe_preset_save(const struct recipe *recipe, const char *name, int replace, char *path, size_t size,
                       struct error *err);

/* Replaces the network: lines parted by '\n' or ';', tidied (no comments, no blank lines, one space around '='). */
int recipe_set_network(struct recipe *recipe, const char *text, struct error *err);

#endif
