#include "views/runs_model.h"

#include "engine/recipe_file.h"
#include "engine/utf8.h"
#include "views/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void runs_model_init(struct runs_model *model)
{
    *model = (struct runs_model){.sort = RUNS_DATE, .descending = 1};
}

static void give_back(struct run_entry **entries, int count)
{
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
}

void runs_model_release(struct runs_model *model)
{
    give_back(model->entries, model->n_entries);
    free(model->rows);
    free(model->differences);
    runs_model_init(model);
}

/* ---- what a run looks like ---- */

const char *runs_state(const struct run_entry *entry)
{
    const char *state = entry->summary.state;
    return strcmp(state, "running") == 0 ? "live" : strcmp(state, "killed") == 0 ? "crashed" : state;
}

const char *runs_column_title(enum runs_column column)
{
    static const char *const titles[RUNS_COLUMNS] = {
        [RUNS_NAME] = "run",        [RUNS_STATE] = "state",   [RUNS_BEST] = "best %",
        [RUNS_LAST] = "last %",     [RUNS_EVAL] = "of",       [RUNS_TO_TARGET] = "to target",
        [RUNS_TRAINED] = "trained", [RUNS_EPOCHS] = "epochs", [RUNS_PRESET] = "recipe",
        [RUNS_TRICKS] = "tricks",   [RUNS_SEED] = "seed",     [RUNS_DATE] = "started",
        [RUNS_SIZE] = "size",       [RUNS_TAGS] = "tags"};
    return titles[column];
}

static void date(double unix_time, char *out, size_t size)
{
    struct tm tm;
    time_t when = isfinite(unix_time) ? (time_t)unix_time : 0;
    if (!isfinite(unix_time) || localtime_r(&when, &tm) == NULL || strftime(out, size, "%Y-%m-%d %H:%M", &tm) == 0)
        snprintf(out, size, "-");
}

const char *runs_cell(const struct run_entry *entry, enum runs_column column, char *out, size_t size)
{
    const struct run_summary *s = &entry->summary;
    int known = entry->problem[0] == '\0';
    snprintf(out, size, "-");
    switch (column) {
    case RUNS_NAME:
        snprintf(out, size, "%s", s->name);
        break;
    case RUNS_STATE:
        snprintf(out, size, "%s", runs_state(entry));
        break;
    case RUNS_BEST:
        return format_number(s->best_acc, 2, out, size);
    case RUNS_LAST:
        return format_number(s->last_acc, 2, out, size);
    case RUNS_EVAL:
        if (known)
            snprintf(out, size, "%s", entry->recipe.eval == RECIPE_EVAL_HOLDOUT ? "holdout" : "test");
        break;
    case RUNS_TO_TARGET:
        return format_seconds(s->seconds_to_target, out, size);
    case RUNS_TRAINED:
        return format_seconds(s->train_seconds, out, size);
    case RUNS_EPOCHS:
        return format_epochs(s->epochs_done, s->epochs, out, size);
    case RUNS_PRESET:
        if (known)
            snprintf(out, size, "%s", entry->family[0] != '\0' ? entry->family : "none");
        break;
    case RUNS_TRICKS:
        if (known)
            snprintf(out, size, "%s", entry->tricks[0] != '\0' ? entry->tricks : "none");
        break;
    case RUNS_SEED:
        if (known)
            snprintf(out, size, "%lld", (long long)s->seed);
        break;
    case RUNS_DATE:
        date(s->unix_start, out, size);
        break;
    case RUNS_SIZE:
        return format_bytes((double)s->bytes, out, size);
    case RUNS_TAGS:
        return run_label_tags(&entry->label, out, size);
    case RUNS_COLUMNS:
        break;
    }
    return out;
}

/* ---- filter and order ---- */

static int contains(const char *text, const char *word, size_t length)
{
    for (; *text != '\0'; text++)
        if (strncasecmp(text, word, length) == 0)
            return 1;
    return 0;
}

static int matches_word(const struct run_entry *entry, const char *word, size_t length)
{
    char tags[RUN_TAGS_TEXT_MAX];
    run_label_tags(&entry->label, tags, sizeof tags);
    const char *const texts[] = {entry->summary.name, entry->summary.recipe, entry->summary.preset, tags,
                                 entry->family,       entry->tricks,         runs_state(entry),     entry->label.note};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (contains(texts[i], word, length))
            return 1;
    return 0;
}

static int matches(const struct run_entry *entry, const char *words)
{
    for (words += strspn(words, " "); *words != '\0'; words += strspn(words, " ")) {
        size_t length = strcspn(words, " ");
        if (!matches_word(entry, words, length))
            return 0;
        words += length;
    }
    return 1;
}

/* One that is still loading has no start in its log, and is the newest. */
static double start_of(const struct run_entry *entry)
{
    int runs = strcmp(entry->summary.state, "running") == 0;
    return runs && isnan(entry->summary.unix_start) ? (double)INFINITY : entry->summary.unix_start;
}

static double number(const struct run_entry *entry, enum runs_column column)
{
    const struct run_summary *s = &entry->summary;
    switch (column) {
    case RUNS_BEST:
        return s->best_acc;
    case RUNS_LAST:
        return s->last_acc;
    case RUNS_TO_TARGET:
        return s->seconds_to_target;
    case RUNS_TRAINED:
        return s->train_seconds;
    case RUNS_EPOCHS:
        return s->epochs_done;
    case RUNS_SEED:
        return entry->problem[0] == '\0' ? (double)s->seed : (double)NAN;
    case RUNS_DATE:
        return start_of(entry);
    case RUNS_SIZE:
        return s->bytes >= 0 ? (double)s->bytes : (double)NAN;
    default:
        return NAN;
    }
}

static int is_text(enum runs_column column)
{
    return column == RUNS_NAME || column == RUNS_STATE || column == RUNS_EVAL || column == RUNS_PRESET ||
           column == RUNS_TRICKS || column == RUNS_TAGS;
}

int runs_column_descends(enum runs_column column)
{
    return column == RUNS_BEST || column == RUNS_LAST || column == RUNS_DATE || column == RUNS_EPOCHS ||
           column == RUNS_SIZE;
}

/* Negative: a before b. What is not known comes last in both directions. */
static int compare(const struct runs_model *model, const struct run_entry *a, const struct run_entry *b)
{
    int order = 0;
    if (is_text(model->sort)) {
        char x[RUN_TAGS_TEXT_MAX], y[RUN_TAGS_TEXT_MAX];
        runs_cell(a, model->sort, x, sizeof x);
        runs_cell(b, model->sort, y, sizeof y);
        if ((x[0] == '\0') != (y[0] == '\0'))
            return x[0] == '\0' ? 1 : -1;
        order = strcasecmp(x, y);
    } else {
        double x = number(a, model->sort), y = number(b, model->sort);
        if (isnan(x) != isnan(y))
            return isnan(x) ? 1 : -1;
        order = (x > y) - (x < y);
    }
    if (order != 0)
        return model->descending ? -order : order;
    double x = start_of(a), y = start_of(b);
    if (isnan(x) != isnan(y))
        return isnan(x) ? 1 : -1;
    if (x > y || x < y)
        return x > y ? -1 : 1;
    return strcmp(a->folder.path, b->folder.path);
}

static int compare_rows(const void *a, const void *b, void *model)
{
    return compare(model, *(const struct run_entry *const *)a, *(const struct run_entry *const *)b);
}

static void find_selected(struct runs_model *model)
{
    for (int i = 0; i < model->n_rows; i++)
        if (strcmp(model->rows[i]->folder.path, model->selected_path) == 0) {
            model->selected = i;
            return;
        }
    /* It is gone, or filtered out: what has come into its place. */
    if (model->selected >= model->n_rows)
        model->selected = model->n_rows > 0 ? model->n_rows - 1 : 0;
}

/* Once for each change of the list, not for each frame. */
static void measure(struct runs_model *model)
{
    char text[RUN_TAGS_TEXT_MAX];
    for (int c = 0; c < RUNS_COLUMNS; c++) {
        model->widest[c] = 0;
        for (int i = 0; i < model->n_rows; i++) {
            int width = text_width(runs_cell(model->rows[i], (enum runs_column)c, text, sizeof text));
            model->widest[c] = width > model->widest[c] ? width : model->widest[c];
        }
    }
}

static void make_rows(struct runs_model *model)
{
    model->n_rows = 0;
    for (int i = 0; i < model->n_entries; i++)
        if (matches(model->entries[i], model->filter))
            model->rows[model->n_rows++] = model->entries[i];
    measure(model);
    if (model->n_rows > 0)
        qsort_r(model->rows, (size_t)model->n_rows, sizeof *model->rows, compare_rows, model);
    find_selected(model);
    runs_model_compare(model);
}

int runs_model_take(struct runs_model *model, struct run_entry **entries, int count)
{
    const struct run_entry **rows = malloc(((size_t)count + 1) * sizeof *rows);
    if (rows == NULL) {
        give_back(entries, count);
        return -1;
    }
    struct run_entry **old = model->entries;
    int n_old = model->n_entries;
    free(model->rows);
    model->rows = rows;
    model->entries = entries;
    model->n_entries = count;
    make_rows(model);
    give_back(old, n_old);
    return 0;
}

void runs_model_filter(struct runs_model *model, const char *words)
{
    snprintf(model->filter, sizeof model->filter, "%s", words);
    make_rows(model);
}

void runs_model_sort(struct runs_model *model, enum runs_column column, int descending)
{
    model->sort = column;
    model->descending = descending;
    make_rows(model);
}

/* ---- selection and marks ---- */

const struct run_entry *runs_model_selected(const struct runs_model *model)
{
    return model->selected < model->n_rows ? model->rows[model->selected] : NULL;
}

void runs_model_select(struct runs_model *model, int row)
{
    row = row >= model->n_rows ? model->n_rows - 1 : row;
    model->selected = row < 0 ? 0 : row;
    const struct run_entry *entry = runs_model_selected(model);
    if (entry != NULL)
        snprintf(model->selected_path, sizeof model->selected_path, "%s", entry->folder.path);
    runs_model_compare(model);
}

void runs_model_select_path(struct runs_model *model, const char *path)
{
    snprintf(model->selected_path, sizeof model->selected_path, "%s", path);
    find_selected(model);
    runs_model_compare(model);
}

int runs_model_mark(const struct runs_model *model, const struct run_entry *entry)
{
    for (int i = 0; i < RUNS_MARKS_MAX; i++)
        if (model->marked[i][0] != '\0' && strcmp(model->marked[i], entry->folder.path) == 0)
            return i;
    return -1;
}

int runs_model_toggle_mark(struct runs_model *model)
{
    const struct run_entry *entry = runs_model_selected(model);
    if (entry == NULL)
        return 0;
    int mark = runs_model_mark(model, entry), rc = 0;
    if (mark >= 0) {
        model->marked[mark][0] = '\0';
    } else {
        for (mark = 0; mark < RUNS_MARKS_MAX && model->marked[mark][0] != '\0';)
            mark++;
        rc = mark < RUNS_MARKS_MAX ? 0 : -1;
        if (rc == 0)
            snprintf(model->marked[mark], sizeof model->marked[mark], "%s", entry->folder.path);
    }
    runs_model_compare(model);
    return rc;
}

void runs_model_clear_marks(struct runs_model *model)
{
    for (int i = 0; i < RUNS_MARKS_MAX; i++)
        model->marked[i][0] = '\0';
    runs_model_compare(model);
}

int runs_model_marked(const struct runs_model *model, const struct run_entry *marked[RUNS_MARKS_MAX])
{
    int n = 0;
    for (int m = 0; m < RUNS_MARKS_MAX; m++) {
        marked[m] = NULL;
        for (int i = 0; i < model->n_entries && model->marked[m][0] != '\0' && marked[m] == NULL; i++)
            if (strcmp(model->entries[i]->folder.path, model->marked[m]) == 0)
                marked[m] = model->entries[i];
        n += marked[m] != NULL;
    }
    return n;
}

void runs_model_moved(struct runs_model *model, const char *from, const char *to)
{
    if (strcmp(model->selected_path, from) == 0)
        snprintf(model->selected_path, sizeof model->selected_path, "%s", to);
    if (strcmp(model->current, from) == 0)
        snprintf(model->current, sizeof model->current, "%s", to);
    for (int i = 0; i < RUNS_MARKS_MAX; i++)
        if (strcmp(model->marked[i], from) == 0)
            snprintf(model->marked[i], sizeof model->marked[i], "%s", to);
}

/* ---- what differs ---- */

void runs_model_compare(struct runs_model *model)
{
    const struct run_entry *marked[RUNS_MARKS_MAX], *selected = runs_model_selected(model);
    const struct recipe *recipes[RUNS_MARKS_MAX];
    struct recipe preset;
    model->n_compared = model->n_differences = 0;
    if (!model->comparing)
        return;
    if (model->differences == NULL)
        model->differences = malloc(((size_t)knob_count + 1) * sizeof *model->differences);
    if (model->differences == NULL)
        return;
    int n = 0;
    runs_model_marked(model, marked);
    for (int i = 0; i < RUNS_MARKS_MAX; i++)
        if (marked[i] != NULL && marked[i]->problem[0] == '\0')
            model->compared[n++] = marked[i];
    if (n <= 1 && selected != NULL && selected->problem[0] == '\0' && (n == 0 || model->compared[0] != selected))
        model->compared[n++] = selected;
    if (n == 1 && recipe_preset_load(model->compared[0]->recipe.preset, &preset, NULL, NULL) == 0) {
        model->compared[1] = model->compared[0];
        model->compared[0] = NULL;
        n = 2;
    }
    for (int i = 0; i < n; i++)
        recipes[i] = model->compared[i] != NULL ? &model->compared[i]->recipe : &preset;
    model->n_compared = n;
    model->n_differences = recipe_differences(recipes, n, model->differences);
    for (int d = 0; d < model->n_differences; d++)
        for (int i = 0; i < n; i++)
            utf8_cut(model->differences[d].value[i]);
}
