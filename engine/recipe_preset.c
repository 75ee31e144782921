/* The part of engine/recipe_file.h that is about presets: where they are, and which. */
#include "engine/recipe_file.h"

#include "engine/nearest.h"
#include "engine/recipe_file_internal.h"
#include "engine/recipes.h"
#include "engine/tricks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INHERIT_MAX 12
#define LIST_MAX 256

static const struct recipe_builtin *find_builtin(const char *name)
{
    for (int i = 0; i < recipe_builtin_count; i++)
        if (strcmp(recipe_builtins[i].name, name) == 0)
            return &recipe_builtins[i];
    return NULL;
}

int recipe_user_folder(char *out, size_t size)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = -1;
    if (config && config[0] == '/')
        n = snprintf(out, size, "%s/davidnet/recipes", config);
    else if (home && home[0])
        n = snprintf(out, size, "%s/.config/davidnet/recipes", home);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

static int unknown_preset(const char *name, struct error *err)
{
    struct recipe_about *list = calloc(LIST_MAX, sizeof *list);
    char known[sizeof err->text] = "", hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    nearest_init(&nearest, name);
    int n = list ? recipe_preset_list(list, LIST_MAX) : 0;
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        nearest_offer(&nearest, list[i].name);
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", list[i].name);
    }
    error_set(err, "no preset is named '%.64s'%s; there are %s", name, nearest_hint(&nearest, hint, sizeof hint),
              known);
    free(list);
    return -1;
}

int recipe_preset_load_at(const char *name, int depth, struct recipe *recipe, struct recipe_about *about,
                          struct error *err)
{
    const struct recipe_builtin *builtin = find_builtin(name);
    char folder[PATH_MAX - 80], path[PATH_MAX] = "";
    int result;
    if (depth > INHERIT_MAX)
        return error_set(err, "preset '%.64s' inherits from itself, or over more than %d presets", name, INHERIT_MAX);
    if (builtin) {
        char file[80];
        snprintf(file, sizeof file, "preset %s", name);
        result = recipe_file_parse_at(file, builtin->text, depth, recipe, about, err);
    } else {
        if (strchr(name, '/') || name[0] == '.' || strlen(name) > 63 || recipe_user_folder(folder, sizeof folder))
            return unknown_preset(name, err);
        snprintf(path, sizeof path, "%s/%.63s.ini", folder, name);
        if (access(path, F_OK) != 0)
            return unknown_preset(name, err);
        result = recipe_file_load_at(path, depth, recipe, about, err);
    }
    if (result)
        return -1;
    snprintf(recipe->preset, sizeof recipe->preset, "%.63s", name);
    memset(recipe->name, 0, sizeof recipe->name);
    recipe->own_network = 0;
    recipe->has_base = 1;
    recipe->base_tricks = depth == 0 ? tricks_on(recipe) : 0;
    for (int i = 0; i < knob_count && i < RECIPE_KNOBS_MAX && depth == 0; i++)
        recipe->base_values[i] = knob_checksum(recipe, &knobs[i]);
    if (about) {
        snprintf(about->name, sizeof about->name, "%.63s", name);
        snprintf(about->path, sizeof about->path, "%s", path);
    }
    return 0;
}

void recipe_file_compare(struct recipe *recipe)
{
    struct recipe base;
    recipe->has_base = recipe_preset_load_at(recipe->preset, 0, &base, NULL, NULL) == 0; /* gone: nothing to go by */
    recipe->own_network = recipe->has_base && strcmp(base.network, recipe->network) != 0;
    recipe->base_tricks = recipe->has_base ? base.base_tricks : 0;
    if (recipe->has_base)
        memcpy(recipe->base_values, base.base_values, sizeof recipe->base_values);
}

int recipe_preset_load(const char *name, struct recipe *recipe, struct recipe_about *about, struct error *err)
{
    if (about)
        memset(about, 0, sizeof *about);
    return recipe_preset_load_at(name, 0, recipe, about, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct recipe_about *)a)->name, ((const struct recipe_about *)b)->name);
}

int recipe_preset_list(struct recipe_about *list, int max)
{
    int n = 0;
    char folder[PATH_MAX - 80];
    for (int i = 0; i < recipe_builtin_count && n < max; i++, n++) {
        memset(&list[n], 0, sizeof list[n]);
        snprintf(list[n].name, sizeof list[n].name, "%s", recipe_builtins[i].name);
    }
    int own = n;
    DIR *dir = recipe_user_folder(folder, sizeof folder) ? NULL : opendir(folder);
    for (struct dirent *e; dir && n < max && (e = readdir(dir));) {
        size_t length = strlen(e->d_name);
        if (length < 5 || length > 67 || e->d_name[0] == '.' || strcmp(e->d_name + length - 4, ".ini") != 0)
            continue;
        memset(&list[n], 0, sizeof list[n]);
        snprintf(list[n].name, sizeof list[n].name, "%.*s", (int)length - 4, e->d_name);
        if (find_builtin(list[n].name))
            continue;
        snprintf(list[n].path, sizeof list[n].path, "%s/%.67s", folder, e->d_name);
        n++;
    }
    if (dir)
        closedir(dir);
    qsort(list + own, (size_t)(n - own), sizeof *list, by_name);
    return n;
}
