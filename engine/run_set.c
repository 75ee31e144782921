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

/* Knobs in which the runs that count differ from the first one, by name, as many as there is room for. */
static void find_mixed(struct run_set *set)
{
    struct recipe_difference *found = malloc(((size_t)knob_count + 1) * sizeof *found);
    size_t used = 0;
    for (int i = 1; found != NULL && i < set->n_runs && used == 0; i++) {
        if (run_entry_same_family(set->counted[0], set->counted[i]))
            continue;
        const struct recipe *const two[] = {&set->counted[0]->recipe, &set->counted[i]->recipe};
        int n = recipe_differences(two, 2, found);
        for (int d = 0; d < n && used < sizeof set->mixed; d++)
            if (strcmp(found[d].section, "seeds") != 0)
                used += (size_t)snprintf(set->mixed + used, sizeof set->mixed - used, "%s%s", used ? ", " : "",
                                         found[d].key);
        if (used == 0)
            used = (size_t)snprintf(set->mixed, sizeof set->mixed, "the images");
    }
    free(found);
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
    find_mixed(set);
    return 0;
}

void run_set_release(struct run_set *set)
{
    for (int i = 0; set->entries != NULL && i < set->n_entries; i++)
        run_entry_free(set->entries[i]);
    free(set->entries);
    free(set->counted);
    free(set->runs);
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

static int mark_word(const char *word, struct run_entry *const *all, int count, char *chosen, struct error *err)
{
    struct wish *wish = malloc(sizeof *wish); /* large */
    int found = 0, given = 0;
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
                error_set(err, "%.100s: there are no such runs", word);
        }
    }
    for (enum kind kind = RUN; kind < KINDS && !given && found == 0; kind++)
        if (prepare(wish, kind, word, NULL) == 0)
            found = mark(wish, all, count, chosen);
    free(wish);
    if (found == 0 && !given)
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

const char *run_sets_apart(const struct run_set *a, const struct run_set *b, char *out, size_t size)
{
    out[0] = '\0';
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
