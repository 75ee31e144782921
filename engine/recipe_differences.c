#include "engine/recipe_differences.h"

#include "engine/recipe_file.h"
#include "engine/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Line `index` of a network's text. */
static void network_line(const char *network, int index, char *out, size_t size)
{
    for (; index > 0 && *network != '\0'; index--) {
        network += strcspn(network, "\n");
        network += *network == '\n';
    }
    snprintf(out, size, "%.*s", (int)strcspn(network, "\n"), network);
}

/* The first line in which the networks differ stands for all of them. */
static void compare_networks(struct recipe_difference *difference, const struct recipe *const *recipes, int n)
{
    *difference = (struct recipe_difference){.key = "network", .unit = "", .section = "network"};
    for (int line = 0, same = 1; same && line < RECIPE_NETWORK_MAX; line++)
        for (int i = 0; i < n; i++) {
            network_line(recipes[i]->network, line, difference->value[i], sizeof difference->value[i]);
            same = same && strcmp(difference->value[i], difference->value[0]) == 0;
        }
}

int recipe_differences(const struct recipe *const *recipes, int n, struct recipe_difference *out)
{
    int other_network = 0, count = 0;
    for (int i = 1; i < n; i++)
        other_network |= strcmp(recipes[i]->network, recipes[0]->network) != 0;
    if (other_network)
        compare_networks(&out[count++], recipes, n);
    for (int k = 0; k < knob_count; k++) {
        int same = 1;
        for (int i = 1; i < n; i++)
            same = same && knob_same(recipes[0], recipes[i], &knobs[k]);
        if (same)
            continue;
        struct recipe_difference *d = &out[count++];
        *d = (struct recipe_difference){.key = knobs[k].key, .unit = knobs[k].unit, .section = knobs[k].section};
        for (int i = 0; i < n; i++) {
            char text[KNOB_TEXT_MAX];
            knob_get(recipes[i], &knobs[k], text, sizeof text);
            snprintf(d->value[i], sizeof d->value[i], "%.*s", (int)sizeof d->value[i] - 1, text);
        }
    }
    return count;
}

/* Seeds, and how a run is looked after: what says nothing of the recipe. */
static int is_beside(const struct recipe_difference *difference)
{
    return strcmp(difference->section, "seeds") == 0 || strcmp(difference->section, "run") == 0;
}

int recipe_differences_text(const struct recipe *a, const struct recipe *b, char *out, size_t size)
{
    const struct recipe *const two[] = {a, b};
    struct recipe_difference *found = malloc(((size_t)knob_count + 1) * sizeof *found);
    size_t used = 0;
    *out = '\0';
    if (!found)
        return -1;
    int n = recipe_differences(two, 2, found), told = 0, full = 0;
    for (int i = 0; i < n; i++) {
        const struct recipe_difference *d = &found[i];
        char text[2 * sizeof d->value[0] + 64];
        if (is_beside(d))
            continue;
        told++;
        if (full)
            continue;
        if (strcmp(d->section, "network") == 0)
            snprintf(text, sizeof text, "%s%s", used ? ", " : "", d->key);
        else
            snprintf(text, sizeof text, "%s%s %s to %s", used ? ", " : "", d->key,
                     d->value[0][0] ? d->value[0] : "default", d->value[1][0] ? d->value[1] : "default");
        if (used + strlen(text) + strlen(" ...") >= size) {
            snprintf(out + used, size - used, " ...");
            full = 1;
            continue;
        }
        used += (size_t)snprintf(out + used, size - used, "%s", text);
    }
    utf8_cut(out);
    free(found);
    return told;
}

void recipe_family_name(const struct recipe *recipe, char *out, size_t size)
{
    struct recipe *preset = malloc(sizeof *preset);
    struct recipe_difference *found = malloc(((size_t)knob_count + 1) * sizeof *found);
    int named = recipe->name[0] != '\0' && recipe->has_base;
    const char *name = recipe->preset[0] || recipe->name[0] ? recipe_name(recipe) : "own recipe";
    size_t used = (size_t)snprintf(out, size, "%s%s%s", name, named ? ": " : "", named ? recipe->preset : "");
    if (preset && found && recipe_preset_load(recipe->preset, preset, NULL, NULL) == 0) {
        if (preset->epochs != recipe->epochs &&
            recipe_stretch(preset, recipe->epochs, NULL) == 0) /* as --epochs does */
            used += (size_t)snprintf(out + used, size - used, " epochs=%g", recipe->epochs);
        const struct recipe *const two[] = {preset, recipe};
        int n = recipe_differences(two, 2, found);
        for (int i = 0; i < n && used < size; i++) {
            int skip =
                is_beside(&found[i]) || strcmp(found[i].key, "data") == 0 || strcmp(found[i].key, "threads") == 0;
            if (!skip)
                used += (size_t)snprintf(out + used, size - used, " %s=%s", found[i].key, found[i].value[1]);
        }
    }
    utf8_cut(out);
    free(found);
    free(preset);
}
