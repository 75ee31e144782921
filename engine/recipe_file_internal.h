/* What engine/recipe_file.c and engine/recipe_preset.c share; nobody else includes it. */
#ifndef DAVIDNET_ENGINE_RECIPE_FILE_INTERNAL_H
#define DAVIDNET_ENGINE_RECIPE_FILE_INTERNAL_H

#include "engine/recipe_file.h"

/* As those without _at. depth: how many files inherit from this one already, so that none inherits from itself. */
int recipe_file_parse_at(const char *file, const char *text, int depth, struct recipe *recipe,
                         struct recipe_about *about, struct error *err);
int recipe_file_load_at(const char *path, int depth, struct recipe *recipe, struct recipe_about *about,
                        struct error *err);
int recipe_preset_load_at(const char *name, int depth, struct recipe *recipe, struct recipe_about *about,
                          struct error *err);

#endif
