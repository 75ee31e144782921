/*
 * The recipes that are built into the binary: every engine/recipes/NAME.ini, turned into a table at build time.
 * Text is the file, byte for byte, with a terminating NUL. Rows are in byte order of their names.
 */
#ifndef DAVIDNET_ENGINE_RECIPES_H
#define DAVIDNET_ENGINE_RECIPES_H

struct recipe_builtin {
    const char *name; /* the file's name without .ini: a preset's name */
    const char *text;
};

extern const struct recipe_builtin recipe_builtins[]; /* closed by a row of NULLs, which is not counted */
extern const int recipe_builtin_count;

#endif
