#include "engine/campaign.h"

#include "engine/files.h"
#include "engine/knobs.h"
#include "engine/session.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAMPAIGN_FILE "campaign.json"
#define CAMPAIGN_FORMAT "davidnet-campaign"
#define CAMPAIGN_VERSION 1
#define CAMPAIGN_BYTES_MAX (64 << 10)

static const char *const recipe_file[] = {[RUN_WITHOUT] = "without.ini", [RUN_WITH] = "with.ini"};

/* ---- names and places ---- */

void campaign_name(const struct recipe *recipe, const char *what, char out[RUN_CAMPAIGN_MAX])
{
    snprintf(out, RUN_CAMPAIGN_MAX, "%.30s-%.30s", recipe_name(recipe), what);
    for (char *c = out; *c != '\0'; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+=@", *c))
            *c = '_';
}

/* The campaign's folder, as run_folder's functions take it. */
static int locate(const struct campaign *c, struct run_folder *folder, struct error *err)
{
    int n = snprintf(folder->path, sizeof folder->path, "%s/" CAMPAIGNS_FOLDER "/%s", c->parent, c->name);
    snprintf(folder->name, sizeof folder->name, "%s", c->name);
    if (n < 0 || (size_t)n >= sizeof folder->path - 32)
        return error_set(err, "%.200s: the path is too long", c->parent);
    return 0;
}

static int set_place(struct campaign *c, const char *parent, const char *name, struct error *err)
{
    char fallback[RUN_PATH_MAX];
    run_folder_default_parent(fallback, sizeof fallback);
    if (run_folder_check_name(name, err))
        return -1;
    if (strlen(name) >= sizeof c->name)
        return error_set(err, "campaign '%.100s': its name has at most %zu characters", name, sizeof c->name - 1);
    snprintf(c->name, sizeof c->name, "%s", name);
    const char *at = parent && parent[0] != '\0' ? parent : fallback;
    char *real = realpath(at, NULL); /* not there yet: as it is */
    snprintf(c->parent, sizeof c->parent, "%s", real ? real : at);
    free(real);
    return 0;
}

static int is_null(const struct campaign *c)
{
    return strcmp(c->what, CAMPAIGN_NOTHING) == 0;
}

const char *campaign_words(const struct campaign *c)
{
    return is_null(c) ? "the same recipe, other seeds" : c->what;
}

const char *campaign_side_words(const struct campaign *c, enum run_side side, char out[CAMPAIGN_WORDS_MAX])
{
    if (is_null(c))
        snprintf(out, CAMPAIGN_WORDS_MAX, "%s", side == RUN_WITHOUT ? "the same recipe" : campaign_words(c));
    else
        snprintf(out, CAMPAIGN_WORDS_MAX, "%s %s", run_side_name(side), c->what);
    return out;
}

int campaign_sides_differ(const struct campaign *c)
{
    struct recipe a = c->side[RUN_WITHOUT];
    a.seed = c->side[RUN_WITH].seed;
    return !recipe_equal(&a, &c->side[RUN_WITH]);
}

int campaign_planned(const struct campaign *c)
{
    return c->runs[c->looks - 1];
}

int campaign_check(struct campaign *c, struct error *err)
{
    struct plan *plan = malloc(sizeof *plan); /* large */
    int rc = plan ? 0 : error_set(err, "out of memory for the network's plan");
    if (rc == 0 && !campaign_sides_differ(c) && !is_null(c))
        rc = error_set(err, "with and without %s the recipe is the same: there is nothing to test", c->what);
    for (int side = 0; rc == 0 && side < 2; side++)
        if (session_check(&c->side[side], plan, err))
            rc = error_prefix(err, "%s %s", run_side_name((enum run_side)side), c->what);
    free(plan);
    return rc;
}

/* ---- the folder ---- */

static int write_file(const struct campaign *c, const struct run_folder *folder, struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", CAMPAIGN_FORMAT);
    cJSON_AddNumberToObject(root, "version", CAMPAIGN_VERSION);
    cJSON_AddStringToObject(root, "what", c->what);
    cJSON *runs = cJSON_AddArrayToObject(root, "runs");
    for (int i = 0; i < c->looks; i++)
        cJSON_AddItemToArray(runs, cJSON_CreateNumber(c->runs[i]));
    cJSON_AddNumberToObject(root, "seed", (double)c->seed);
    cJSON_AddBoolToObject(root, "keep_checkpoints", c->keep_checkpoints);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        return error_set(err, "no memory for %s/" CAMPAIGN_FILE, folder->path);
    int rc = run_folder_replace(folder, CAMPAIGN_FILE, text, strlen(text), err);
    cJSON_free(text);
    return rc;
}

int campaign_create(struct campaign *c, struct error *err)
{
    struct run_folder folder;
    char parent[RUN_PATH_MAX], name[RUN_CAMPAIGN_MAX], path[RUN_PATH_MAX + 32];
    snprintf(parent, sizeof parent, "%s", c->parent);
    snprintf(name, sizeof name, "%s", c->name);
    c->looks = 1;
    if (set_place(c, parent, name, err) || folder_make(c->parent, err) || set_place(c, c->parent, name, err) ||
        locate(c, &folder, err))
        return -1;
    if (c->runs[0] < 1 || c->runs[0] > CAMPAIGN_RUNS_MAX)
        return error_set(err, "a campaign has 1 to %d runs a side, not %d", CAMPAIGN_RUNS_MAX, c->runs[0]);
    if (c->seed < 0 || c->seed > KNOB_WHOLE_MAX - 2.0 * CAMPAIGN_RUNS_MAX)
        return error_set(err, "the campaign's first seed is too large to count up from");
    run_folder_path(&folder, CAMPAIGN_FILE, path, sizeof path);
    if (access(path, F_OK) == 0)
        return error_set(err, "there is a campaign %s in %s already", c->name, c->parent);
    /* campaign.json last: a folder without it is none. */
    if (folder_make(folder.path, err) || run_folder_write_recipe(&folder, recipe_file[0], &c->side[0], err) ||
        run_folder_write_recipe(&folder, recipe_file[1], &c->side[1], err))
        return -1;
    return write_file(c, &folder, err);
}

static int parse(struct campaign *c, const cJSON *root, struct error *err)
{
    const char *format = cJSON_GetStringValue(cJSON_GetObjectItem(root, "format"));
    const char *what = cJSON_GetStringValue(cJSON_GetObjectItem(root, "what"));
    const cJSON *runs = cJSON_GetObjectItem(root, "runs"), *seed = cJSON_GetObjectItem(root, "seed"), *one;
    const cJSON *version = cJSON_GetObjectItem(root, "version");
    if (format == NULL || strcmp(format, CAMPAIGN_FORMAT) != 0 || what == NULL || !cJSON_IsNumber(seed))
        return error_set(err, "not a JSON object with \"format\": \"" CAMPAIGN_FORMAT "\", \"what\" and \"seed\"");
    if (cJSON_IsNumber(version) && version->valuedouble > CAMPAIGN_VERSION)
        return error_set(err, "it is of version %g, and this davidnet knows up to %d: update it", version->valuedouble,
                         CAMPAIGN_VERSION);
    snprintf(c->what, sizeof c->what, "%s", what);
    c->seed = (int64_t)seed->valuedouble;
    c->keep_checkpoints = cJSON_IsTrue(cJSON_GetObjectItem(root, "keep_checkpoints"));
    c->looks = 0;
    cJSON_ArrayForEach(one, runs)
    {
        int last = c->looks > 0 ? c->runs[c->looks - 1] : 0;
        if (c->looks == VERDICT_LOOKS_MAX || !cJSON_IsNumber(one) || one->valueint <= last ||
            one->valueint > CAMPAIGN_RUNS_MAX)
            return error_set(err, "\"runs\" must be a list of at most %d growing numbers of runs", VERDICT_LOOKS_MAX);
        c->runs[c->looks++] = one->valueint;
    }
    return c->looks > 0 ? 0 : error_set(err, "\"runs\" is missing: how many runs a side were declared");
}

int campaign_read(struct campaign *c, const char *parent, const char *name, struct error *err)
{
    struct run_folder folder;
    char path[RUN_PATH_MAX + 160], *text;
    size_t size;
    memset(c, 0, sizeof *c);
    if (set_place(c, parent, name, err) || locate(c, &folder, err))
        return -1;
    run_folder_path(&folder, CAMPAIGN_FILE, path, sizeof path);
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        error_set(err, "there is no campaign %s in %s", c->name, c->parent);
        return 1;
    }
    if (file_read(path, CAMPAIGN_BYTES_MAX, &text, &size, err))
        return -1;
    cJSON *root = cJSON_Parse(text);
    free(text);
    int rc = parse(c, root, err);
    cJSON_Delete(root);
    if (rc)
        return error_prefix(err, "%s", path);
    for (int side = 0; side < 2; side++) {
        run_folder_path(&folder, recipe_file[side], path, sizeof path);
        if (recipe_read(path, &c->side[side], err))
            return -1;
    }
    return 0;
}

int campaign_extend(struct campaign *c, int runs, struct error *err)
{
    struct run_folder folder;
    if (runs <= campaign_planned(c))
        return error_set(err, "campaign %s was declared with %d runs a side: it can only be extended to more", c->name,
                         campaign_planned(c));
    if (runs > CAMPAIGN_RUNS_MAX)
        return error_set(err, "a campaign has at most %d runs a side", CAMPAIGN_RUNS_MAX);
    if (c->looks == VERDICT_LOOKS_MAX)
        return error_set(err, "campaign %s was extended %d times: begin a new one", c->name, VERDICT_LOOKS_MAX - 1);
    if (locate(c, &folder, err))
        return -1;
    c->runs[c->looks++] = runs;
    if (write_file(c, &folder, err) == 0)
        return 0;
    c->looks--;
    return -1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

int campaign_list(const char *parent, char (**names)[RUN_CAMPAIGN_MAX], int *count, struct error *err)
{
    struct campaign place;
    char path[RUN_PATH_MAX + 32];
    *names = NULL;
    *count = 0;
    if (set_place(&place, parent, "any", err))
        return -1;
    snprintf(path, sizeof path, "%s/" CAMPAIGNS_FOLDER, place.parent);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? 0 : error_set(err, "%s: %s", path, strerror(errno));
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char(*more)[RUN_CAMPAIGN_MAX];
        size_t length = strlen(e->d_name);
        if (e->d_name[0] == '.' || length >= RUN_CAMPAIGN_MAX)
            continue;
        more = realloc(*names, ((size_t)*count + 1) * sizeof **names);
        if (more == NULL)
            break;
        *names = more;
        memcpy((*names)[(*count)++], e->d_name, length + 1);
    }
    closedir(dir);
    if (*count > 0)
        qsort(*names, (size_t)*count, sizeof **names, by_name);
    return 0;
}

int campaign_lock(const struct campaign *c, int *fd, struct error *err)
{
    struct run_folder folder;
    return locate(c, &folder, err) || run_folder_lock(&folder, fd, err) ? -1 : 0;
}

/* ---- runs ---- */

void campaign_run_recipe(const struct campaign *c, enum run_side side, int number, struct recipe *recipe)
{
    *recipe = c->side[side];
    recipe->seed = c->seed + 2 * (int64_t)(number - 1) + side;
}

void campaign_run_name(const struct campaign *c, enum run_side side, int number, char out[128])
{
    snprintf(out, 128, "%s-%s-%02d", c->name, run_side_name(side), number);
}

void campaign_run_label(const struct campaign *c, enum run_side side, int number, struct run_label *label)
{
    memset(label, 0, sizeof *label);
    snprintf(label->campaign, sizeof label->campaign, "%s", c->name);
    label->side = side;
    label->number = number;
}

static int is_member(const struct campaign *c, const struct run_entry *entry, enum run_side side, int number)
{
    return strcmp(entry->label.campaign, c->name) == 0 && entry->label.side == side && entry->label.number == number;
}

int campaign_read_runs(const struct campaign *c, struct run_entry ***entries, int *count, struct error *err)
{
    struct run_folder *folders;
    int n;
    *entries = NULL;
    *count = 0;
    if (run_folder_list(c->parent, &folders, &n, err) < 0)
        return -1;
    *entries = malloc(((size_t)n + 1) * sizeof **entries);
    for (int i = 0; *entries != NULL && i < n; i++) {
        struct run_label label;
        if (run_label_read(&folders[i], &label, NULL) < 0 || strcmp(label.campaign, c->name) != 0)
            continue;
        struct run_entry *entry = run_entry_make(&folders[i], NULL);
        if (entry != NULL)
            (*entries)[(*count)++] = entry;
    }
    free(folders);
    return *entries != NULL ? 0 : error_set(err, "no memory for the campaign's runs");
}

/* The run of that place, NULL: there is none yet. */
static const struct run_entry *find_run(const struct campaign *c, struct run_entry *const *entries, int count,
                                        enum run_side side, int number)
{
    for (int i = 0; i < count; i++)
        if (is_member(c, entries[i], side, number))
            return entries[i];
    return NULL;
}

static int has_ended(const struct run_entry *entry)
{
    return strcmp(entry->summary.state, "done") == 0 || entry->summary.diverged;
}

void campaign_look(const struct campaign *c, struct run_entry *const *entries, int count, struct campaign_state *state)
{
    double seconds[2] = {0, 0};
    int found = 0, left[2] = {0, 0};
    memset(state, 0, sizeof *state);
    for (int k = 0; k < 2 * campaign_planned(c); k++) {
        int number = k / 2 + 1;
        enum run_side side = (k / 2 + k) % 2 ? RUN_WITH : RUN_WITHOUT; /* without, with, with, without ... */
        const struct run_entry *entry = find_run(c, entries, count, side, number);
        if (entry && has_ended(entry)) {
            state->ended[side]++;
            seconds[side] += entry->summary.wall_seconds;
            continue;
        }
        left[side]++;
        state->left++;
        if (found)
            continue;
        found = 1;
        state->side = side;
        state->number = number;
        if (entry)
            snprintf(state->resume, sizeof state->resume, "%s", entry->folder.path);
    }
    int ended = state->ended[0] + state->ended[1];
    double mean = ended > 0 ? (seconds[0] + seconds[1]) / ended : NAN;
    state->seconds_left = 0;
    for (int side = 0; side < 2; side++)
        if (left[side] > 0)
            state->seconds_left += left[side] * (state->ended[side] > 0 ? seconds[side] / state->ended[side] : mean);
}

static int takes_as_long(const struct recipe *a, const struct recipe *b)
{
    return strcmp(a->data, b->data) == 0 && a->device == b->device && a->threads == b->threads &&
           forecast_same_family(a, b);
}

double campaign_estimate(const struct campaign *c, int runs, struct run_entry *const *entries, int count)
{
    double mean[2];
    for (int side = 0; side < 2; side++) {
        double seconds = 0;
        int n = 0;
        for (int i = 0; i < count; i++)
            if (strcmp(entries[i]->summary.state, "done") == 0 && entries[i]->summary.wall_seconds > 0 &&
                takes_as_long(&c->side[side], &entries[i]->recipe)) {
                seconds += entries[i]->summary.wall_seconds;
                n++;
            }
        mean[side] = n > 0 ? seconds / n : NAN;
    }
    for (int side = 0; side < 2; side++)
        if (isnan(mean[side]))
            mean[side] = mean[1 - side];
    return runs * (mean[0] + mean[1]);
}

int campaign_tidy(const struct campaign *c, const struct run_entry *entry, struct error *err)
{
    int rc = 0;
    if (c->keep_checkpoints || !has_ended(entry))
        return 0;
    DIR *dir = opendir(entry->folder.path);
    if (dir == NULL)
        return error_set(err, "%s: %s", entry->folder.path, strerror(errno));
    for (struct dirent *e; rc == 0 && (e = readdir(dir)) != NULL;) {
        char path[RUN_PATH_MAX + 300];
        if (strncmp(e->d_name, "checkpoint-", 11) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", entry->folder.path, e->d_name);
        rc = folder_remove(path, err);
    }
    closedir(dir);
    return rc;
}

int campaign_sets(const struct campaign *c, struct run_entry *const *entries, int count, struct run_set sets[2])
{
    int rc = 0;
    struct run_entry **list = malloc(((size_t)count + 1) * sizeof *list);
    memset(sets, 0, 2 * sizeof *sets);
    for (int side = 0; list != NULL && rc == 0 && side < 2; side++) {
        char name[CAMPAIGN_WORDS_MAX];
        int n = 0;
        for (int i = 0; i < count; i++)
            if (strcmp(entries[i]->label.campaign, c->name) == 0 && (int)entries[i]->label.side == side &&
                entries[i]->label.number <= campaign_planned(c))
                list[n++] = entries[i];
        rc = run_set_make(&sets[side], campaign_side_words(c, (enum run_side)side, name), list, n);
    }
    free(list);
    return list != NULL ? rc : -1;
}

struct verdict_question campaign_question(const struct campaign *c)
{
    return (struct verdict_question){.planned = campaign_planned(c), .looks = c->looks};
}

/* Runs of a side's recipe on its data, made for this campaign or not. */
static int is_of_side(const struct campaign *c, int side, const struct run_entry *entry)
{
    return entry->problem[0] == '\0' && strcmp(entry->recipe.data, c->side[side].data) == 0 &&
           forecast_same_family(&c->side[side], &entry->recipe);
}

struct verdict_spread campaign_spread(const struct campaign *c, struct run_entry *const *entries, int count)
{
    struct verdict_spread spread = {0};
    struct verdict verdict;
    struct run_entry **list = malloc(((size_t)count + 1) * sizeof *list);
    int sides = campaign_sides_differ(c) ? 2 : 1; /* both alike: they are one set */
    for (int side = 0; list != NULL && side < sides; side++) {
        struct run_set set;
        int n = 0;
        for (int i = 0; i < count; i++)
            if (is_of_side(c, side, entries[i]))
                list[n++] = entries[i];
        if (run_set_make(&set, c->name, list, n) == 0) {
            verdict_make(set.runs, set.n_runs, NULL, 0, &(struct verdict_question){0}, &verdict);
            verdict_spread_add(&spread, &verdict.side[0].accuracy);
        }
        run_set_release(&set);
    }
    free(list);
    return spread;
}
