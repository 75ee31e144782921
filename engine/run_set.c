#include "engine/run_set.h"

#include "engine/contention.h"
#include "engine/recipe_differences.h"
#include "engine/recipe_file.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what counts ---- */

static int same_run(const struct run_entry *a, const struct run_entry *b)
{
    return recipe_order_seed(&a->recipe) == recipe_order_seed(&b->recipe) &&
           recipe_augment_seed(&a->recipe) == recipe_augment_seed(&b->recipe) &&
           recipe_init_seed(&a->recipe) == recipe_init_seed(&b->recipe) && run_entry_same_family(a, b);
}

static int is_repeated(const struct run_set *set, const struct run_entry *entry)
{
    for (int i = 0; i < set->n_runs; i++)
        if (same_run(set->counted[i], entry))
            return 1;
    return 0;
}

static void count_run(struct run_set *set, const struct run_entry *entry)
{
    const struct run_summary *s = &entry->summary;
    int done = strcmp(s->state, "done") == 0;
    if (entry->problem[0] != '\0')
        set->unreadable++;
    else if (!done && !s->diverged && strcmp(s->state, "failed") == 0)
        set->broken++;
    else if ((!done && !s->diverged) || (done && isnan(s->last_acc)))
        set->unfinished++;
    else if (is_repeated(set, entry))
        set->repeated++;
    else {
        set->counted[set->n_runs] = entry;
        set->runs[set->n_runs++] = (struct verdict_run){.accuracy = s->last_acc,
                                                        .seconds = s->train_seconds,
                                                        .epochs = s->epochs_done,
                                                        .diverged = s->diverged,
                                                        .reached = !isnan(s->seconds_to_target),
                                                        .contended = entry->noisy > CONTENTION_SHARE,
                                                        .machine = entry->machine,
                                                        .program = entry->program};
    }
}

/* ---- what varies within a set ---- */

#define VALUES_MOST 6 /* that are told of one knob */

/* "celu on in 5, off in 2"; 0: it is the same in all runs. */
static int tell_values(const struct run_set *set, const struct knob *knob, char *out, size_t size)
{
    char value[VALUES_MOST][KNOB_TEXT_MAX], text[KNOB_TEXT_MAX];
    int count[VALUES_MOST] = {0}, n = 0, others = 0;
    for (int i = 0; i < set->n_runs; i++) {
        int at = 0;
        knob_get(&set->counted[i]->recipe, knob, text, sizeof text);
        while (at < n && strcmp(value[at], text) != 0)
            at++;
        if (at == VALUES_MOST) {
            others++;
            continue;
        }
        if (at == n)
            memcpy(value[n++], text, sizeof text);
        count[at]++;
    }
    size_t used = (size_t)snprintf(out, size, "%s", knob->key);
    for (int i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s %.30s in %d", i ? "," : "", value[i], count[i]);
    if (others > 0 && used < size)
        snprintf(out + used, size - used, ", others in %d", others);
    return n > 1;
}

/* Appends one knob's values, or counts it as not told where there is no room. */
static void add_mixed(struct run_set *set, const char *text, int *untold)
{
    size_t used = strlen(set->mixed), room = sizeof set->mixed - 24; /* for "; N more knobs" */
    if (*untold > 0 || used + strlen(text) + 2 >= room)
        ++*untold;
    else
        snprintf(set->mixed + used, sizeof set->mixed - used, "%s%s", used ? "; " : "", text);
}

/* 0, or -1: no memory. */
static int find_mixed(struct run_set *set)
{
    int mixed = 0, untold = 0, networks = 0;
    const struct run_entry *first = set->n_runs > 1 ? set->counted[0] : NULL;
    for (int i = 1; first != NULL && i < set->n_runs; i++) {
        mixed |= !run_entry_same_family(first, set->counted[i]);
        networks |= strcmp(first->recipe.network, set->counted[i]->recipe.network) != 0;
    }
    if (!mixed)
        return 0;
    set->varies = calloc((size_t)knob_count + 1, 1);
    if (set->varies == NULL)
        return -1;
    for (int k = 0; k < knob_count; k++) {
        char text[512];
        if (strcmp(knobs[k].section, "seeds") == 0 || !tell_values(set, &knobs[k], text, sizeof text))
            continue;
        set->varies[k] = 1;
        add_mixed(set, text, &untold);
    }
    set->varies[knob_count] = networks != 0;
    if (networks)
        add_mixed(set, "the network", &untold);
    size_t used = strlen(set->mixed);
    if (untold > 0)
        snprintf(set->mixed + used, sizeof set->mixed - used, "; %d more knob%s", untold, untold == 1 ? "" : "s");
    if (set->mixed[0] == '\0')
        snprintf(set->mixed, sizeof set->mixed, "the images");
    return 0;
}

int run_set_make(struct run_set *set, const char *name, struct run_entry *const *entries, int count)
{
    memset(set, 0, sizeof *set);
    snprintf(set->name, sizeof set->name, "%s", name);
    size_t room = (size_t)count + 1;
    set->entries = calloc(room, sizeof *set->entries);
    set->counted = calloc(room, sizeof *set->counted);
    set->runs = calloc(room, sizeof *set->runs);
    if (set->entries == NULL || set->counted == NULL || set->runs == NULL) {
        run_set_release(set);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        set->entries[set->n_entries++] = run_entry_keep(entries[i]);
        count_run(set, entries[i]);
    }
    if (find_mixed(set) == 0)
        return 0;
    run_set_release(set);
    return -1;
}

void run_set_release(struct run_set *set)
{
    for (int i = 0; set->entries != NULL && i < set->n_entries; i++)
        run_entry_free(set->entries[i]);
    free(set->entries);
    free(set->counted);
    free(set->runs);
    free(set->varies);
    memset(set, 0, sizeof *set);
}

int run_set_read_all(const char *parent, struct run_entry ***entries, int *count, struct error *err)
{
    struct run_folder *folders;
    char fallback[RUN_PATH_MAX];
    int n;
    *entries = NULL;
    *count = 0;
    run_folder_default_parent(fallback, sizeof fallback);
    if (run_folder_list(parent ? parent : fallback, &folders, &n, err) < 0)
        return -1;
    *entries = malloc(((size_t)n + 1) * sizeof **entries);
    for (int i = n - 1; *entries != NULL && i >= 0; i--) { /* oldest first: of runs that repeat, that one counts */
        struct run_entry *entry = run_entry_make(&folders[i], NULL);
        if (entry != NULL)
            (*entries)[(*count)++] = entry;
    }
    free(folders);
    return *entries != NULL ? 0 : error_set(err, "no memory for the list of runs");
}

/* ---- finding ---- */

enum kind { RUN, PATTERN, TAG, CAMPAIGN, PRESET, RECIPE_FILE, KINDS };
static const char *const prefixes[KINDS] = {"run:", "name:", "tag:", "campaign:", "preset:", "recipe:"};

struct wish {
    enum kind kind;
    const char *text;
    struct run_folder folder; /* RUN */
    struct recipe recipe;     /* PRESET, RECIPE_FILE */
};

/* 0: it can be asked for. -1: there is nothing of that kind, and err says why. */
static int prepare(struct wish *wish, enum kind kind, const char *text, struct error *err)
{
    wish->kind = kind;
    wish->text = text;
    if (kind == RUN)
        return run_folder_find(&wish->folder, text, err);
    if (kind == PRESET)
        return recipe_preset_load(text, &wish->recipe, NULL, err);
    if (kind == RECIPE_FILE)
        return access(text, R_OK) == 0 ? recipe_file_load(text, &wish->recipe, NULL, err)
                                       : error_set(err, "%.200s: there is no such file", text);
    if (kind == PATTERN && strpbrk(text, "*?[") == NULL)
        return error_set(err, "%.200s: not a pattern", text);
    return 0;
}

static int is_member(const struct run_label *label, const char *text)
{
    size_t n = strcspn(text, "/");
    return label->campaign[0] != '\0' && strlen(label->campaign) == n && strncmp(label->campaign, text, n) == 0 &&
           (text[n] == '\0' || strcmp(text + n + 1, run_side_name(label->side)) == 0);
}

static int fits(const struct wish *wish, const struct run_entry *entry)
{
    switch (wish->kind) {
    case RUN:
        return strcmp(wish->folder.path, entry->folder.path) == 0;
    case PATTERN:
        return fnmatch(wish->text, entry->folder.name, 0) == 0;
    case TAG:
        return run_label_has(&entry->label, wish->text);
    case CAMPAIGN:
        return is_member(&entry->label, wish->text);
    case PRESET:
    case RECIPE_FILE:
        return entry->problem[0] == '\0' && forecast_same_family(&wish->recipe, &entry->recipe);
    case KINDS:
        break;
    }
    return 0;
}

/* Marks the runs that belong to one word; *found: how many there are. */
static int mark(const struct wish *wish, struct run_entry *const *all, int count, char *chosen)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        if (fits(wish, all[i])) {
            chosen[i] = 1;
            found++;
        }
    return found;
}

/* Why nothing fits. A preset stands for its recipe as it is, which is not what most of its runs are of. */
static void explain(enum kind kind, const char *text, struct run_entry *const *all, int count, struct error *err)
{
    int near = 0;
    const struct run_entry *one = NULL;
    for (int i = 0; i < count && kind == PRESET; i++)
        if (all[i]->problem[0] == '\0' && strcmp(all[i]->recipe.preset, text) == 0) {
            near++;
            one = all[i];
        }
    if (kind == PRESET && near > 0)
        error_set(
            err,
            "'%.60s' is a preset, but no run here is of it as it is: %d run%s changed it (%.60s%s); say which by a "
            "run's name, a pattern of names ('%.60s*'), a tag or a campaign",
            text, near, near == 1 ? " has" : "s have", one->folder.name, near == 1 ? "" : " ...", text);
    else if (kind == PRESET || kind == RECIPE_FILE)
        error_set(err, "'%.100s' is a %s, but there are no runs of it here; davidnet train makes one", text,
                  kind == PRESET ? "preset" : "recipe file");
    else
        error_set(err, "%s%.100s: there are no such runs; `davidnet runs` lists those there are", prefixes[kind], text);
}

static int mark_word(const char *word, struct run_entry *const *all, int count, char *chosen, struct error *err)
{
    struct wish *wish = calloc(1, sizeof *wish); /* large */
    int found = 0, given = 0, explained = 0;
    if (wish == NULL)
        return error_set(err, "out of memory");
    for (enum kind kind = RUN; kind < KINDS && !given && found == 0; kind++) {
        size_t n = strlen(prefixes[kind]);
        given = strncmp(word, prefixes[kind], n) == 0;
        if (!given)
            continue;
        if (prepare(wish, kind, word + n, err) == 0) {
            found = mark(wish, all, count, chosen);
            if (found == 0)
                explain(kind, word + n, all, count, err);
        }
    }
    for (enum kind kind = RUN; kind < KINDS && !given && found == 0; kind++)
        if (prepare(wish, kind, word, NULL) == 0) {
            found = mark(wish, all, count, chosen);
            if (found == 0 && (kind == PRESET || kind == RECIPE_FILE)) {
                explained = 1;
                explain(kind, word, all, count, err);
            }
        }
    free(wish);
    if (found == 0 && !given && !explained)
        error_set(err,
                  "'%.100s' is no run, and there are no runs with such a name, tag, campaign, preset or recipe file",
                  word);
    return found > 0 ? 0 : -1;
}

int run_set_find(struct run_set *set, const char *word, struct run_entry *const *all, int count, struct error *err)
{
    char *chosen = calloc((size_t)count + 1, 1), *words = strdup(word), *rest = NULL;
    struct run_entry **list = malloc(((size_t)count + 1) * sizeof *list);
    int rc = chosen && words && list ? 0 : error_set(err, "out of memory"), n = 0;
    memset(set, 0, sizeof *set);
    for (char *one = rc == 0 ? strtok_r(words, ",", &rest) : NULL; one && rc == 0; one = strtok_r(NULL, ",", &rest))
        rc = mark_word(one, all, count, chosen, err);
    for (int i = 0; rc == 0 && i < count; i++)
        if (chosen[i])
            list[n++] = all[i];
    if (rc == 0 && n == 0)
        rc = error_set(err, "an empty word is no set of runs");
    if (rc == 0 && run_set_make(set, word, list, n) < 0)
        rc = error_set(err, "out of memory");
    free(list);
    free(words);
    free(chosen);
    return rc;
}

/* ---- telling ---- */

int run_sets_shared(const struct run_set *a, const struct run_set *b, const struct run_entry **first)
{
    int n = 0;
    *first = NULL;
    for (int i = 0; i < a->n_runs; i++)
        for (int j = 0; j < b->n_runs; j++)
            if (strcmp(a->counted[i]->folder.path, b->counted[j]->folder.path) == 0) {
                *first = n++ == 0 ? a->counted[i] : *first;
                break;
            }
    return n;
}

const char *run_sets_apart(const struct run_set *a, const struct run_set *b, char out[RUN_SETS_APART_MAX])
{
    const size_t size = RUN_SETS_APART_MAX;
    const struct run_entry *first;
    int shared = run_sets_shared(a, b, &first);
    out[0] = '\0';
    if (shared > 0)
        snprintf(out, size, "no verdict: %d run%s in both sets (%.60s%s); choose words that part them", shared,
                 shared == 1 ? " is" : "s are", first->folder.name, shared == 1 ? "" : " ...");
    for (int i = 0; i < a->n_runs && out[0] == '\0'; i++)
        for (int j = 0; j < b->n_runs && out[0] == '\0'; j++) {
            const struct run_entry *x = a->counted[i], *y = b->counted[j];
            if (x->recipe.eval != y->recipe.eval)
                snprintf(out, size, "accuracies are not compared: one is of the test images, the other of a holdout");
            else if (x->data[0] != '\0' && y->data[0] != '\0' && strcmp(x->data, y->data) != 0)
                snprintf(out, size, "accuracies are not compared: the runs are on different images");
        }
    return out;
}

/* The row of knob k (knob_count: the network), which recipe_differences did not find between the sets' first runs. */
static void make_row(struct recipe_difference *row, const struct recipe *const *recipes, int n, int k)
{
    *row = (struct recipe_difference){.key = "network", .unit = "", .section = "network"};
    if (k < knob_count)
        *row = (struct recipe_difference){.key = knobs[k].key, .unit = knobs[k].unit, .section = knobs[k].section};
    for (int i = 0; i < n; i++) {
        char text[KNOB_TEXT_MAX] = "one for all";
        if (k < knob_count)
            knob_get(recipes[i], &knobs[k], text, sizeof text);
        snprintf(row->value[i], sizeof row->value[i], "%.*s", (int)sizeof row->value[i] - 1, text);
    }
}

int run_sets_differences(const struct run_set *sets, int n, const struct recipe *const *fallback,
                         struct recipe_difference *out)
{
    const struct recipe *recipes[RECIPES_COMPARED_MAX];
    int count = 0, taken = 0;
    for (int i = 0; i < n; i++) {
        recipes[i] = sets[i].n_runs > 0 ? &sets[i].counted[0]->recipe : fallback ? fallback[i] : NULL;
        if (recipes[i] == NULL)
            return -1;
    }
    struct recipe_difference *found = malloc(((size_t)knob_count + 1) * sizeof *found);
    if (found == NULL)
        return -1;
    int n_found = recipe_differences(recipes, n, found);
    for (int at = 0; at <= knob_count; at++) { /* the network first, as recipe_differences has it */
        int k = at == 0 ? knob_count : at - 1, mixed = 0;
        const char *key = k < knob_count ? knobs[k].key : "network";
        for (int i = 0; i < n; i++)
            mixed |= sets[i].varies != NULL && sets[i].varies[k];
        int differs = taken < n_found && strcmp(found[taken].key, key) == 0;
        if (differs)
            out[count] = found[taken++];
        else if (mixed)
            make_row(&out[count], recipes, n, k);
        if ((!differs && !mixed) || strcmp(out[count].section, "seeds") == 0)
            continue;
        for (int i = 0; i < n; i++)
            if (sets[i].varies != NULL && sets[i].varies[k])
                strcpy(out[count].value[i], "mixed");
        count++;
    }
    free(found);
    return count;
}

const char *run_set_left_out(const struct run_set *set, char *out, size_t size)
{
    const struct {
        int n;
        const char *what;
    } parts[] = {{set->unfinished, "not finished"},
                 {set->broken, "failed for another reason"},
                 {set->repeated, "repeated with the same seeds"},
                 {set->unreadable, "unreadable"}};
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].n > 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%d %s", used ? ", " : "", parts[i].n, parts[i].what);
    return out;
}
