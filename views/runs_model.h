/*
 * What the Runs screen shows, as plain data: the runs that are known, filtered and sorted; which one is selected and
 * which are marked; what differs between the recipes of the marked ones. Selection and marks hold on to a run's folder,
 * whatever is sorted, filtered or read again.
 */
#ifndef DAVIDNET_VIEWS_RUNS_MODEL_H
#define DAVIDNET_VIEWS_RUNS_MODEL_H

#include "engine/recipe_differences.h"
#include "engine/run_entry.h"
#include "views/line_edit.h"

enum runs_column {
    RUNS_NAME,
    RUNS_STATE,
    RUNS_BEST,      /* percent */
    RUNS_LAST,      /* percent */
    RUNS_EVAL,      /* test or holdout */
    RUNS_TO_TARGET, /* train_seconds */
    RUNS_TRAINED,   /* train_seconds */
    RUNS_EPOCHS,
    RUNS_PRESET, /* and what the recipe changes of it */
    RUNS_TRICKS,
    RUNS_SEED,
    RUNS_DATE,
    RUNS_SIZE,
    RUNS_TAGS,
    RUNS_COLUMNS
};

/* Runs marked at once: as many as can be told apart in a chart. Each has a letter, 'a' on, and a colour. */
#define RUNS_MARKS_MAX RECIPES_COMPARED_MAX

enum runs_edit { RUNS_EDIT_NONE, RUNS_EDIT_FILTER, RUNS_EDIT_TAGS, RUNS_EDIT_NOTE, RUNS_EDIT_NAME };

struct runs_model {
    char parent[RUN_PATH_MAX]; /* where the runs are */
    int reading, known, found; /* as in struct run_catalog_state */
    char problem[256];
    char current[RUN_PATH_MAX]; /* folder of the run on the Run screen; empty: none */

    struct run_entry **entries; /* ours */
    int n_entries;
    const struct run_entry **rows; /* what passes the filter, in order */
    int n_rows;
    int widest[RUNS_COLUMNS]; /* columns of the widest text in rows */
    int selected;             /* in rows; 0 if there are none */
    enum runs_column sort;
    int descending;
    char filter[LINE_EDIT_MAX];
    char marked[RUNS_MARKS_MAX][RUN_PATH_MAX]; /* empty: free */

    enum runs_edit editing;
    struct line_edit edit;     /* the text being typed */
    char edited[RUN_PATH_MAX]; /* folder of the run that it is for; empty for the filter */

    int comparing;                                    /* 1: differences are shown */
    const struct run_entry *compared[RUNS_MARKS_MAX]; /* NULL: the preset of the one run compared */
    int n_compared;
    struct recipe_difference *differences; /* ours */
    int n_differences;

    /* Private. */
    char selected_path[RUN_PATH_MAX];
};

void runs_model_init(struct runs_model *model);
void runs_model_release(struct runs_model *model);

/* Takes over what run_catalog_take gave. -1: no memory, and what was there stays. */
int runs_model_take(struct runs_model *model, struct run_entry **entries, int count);

void runs_model_filter(struct runs_model *model, const char *words);
void runs_model_sort(struct runs_model *model, enum runs_column column, int descending);
/* The direction that a column is first sorted in: best accuracy first, but quickest first. */
int runs_column_descends(enum runs_column column);

/* The one that keys act on; NULL: none. */
const struct run_entry *runs_model_selected(const struct runs_model *model);
void runs_model_select(struct runs_model *model, int row);               /* clamped */
void runs_model_select_path(struct runs_model *model, const char *path); /* also when it comes to be known only later */

/* 0 .. RUNS_MARKS_MAX - 1, or -1: not marked. */
int runs_model_mark(const struct runs_model *model, const struct run_entry *entry);
/* Marks the selected run or takes its mark away. -1: all marks are in use. */
int runs_model_toggle_mark(struct runs_model *model);
void runs_model_clear_marks(struct runs_model *model);
/* The marked runs that are known, by mark; NULL where there is none. Returns how many. */
int runs_model_marked(const struct runs_model *model, const struct run_entry *marked[RUNS_MARKS_MAX]);
/* A run's folder has another path now. */
void runs_model_moved(struct runs_model *model, const char *from, const char *to);

/*
 * Brings compared and differences up to date: of the marked runs; of the marked one and the selected one where only one
 * is marked; of the selected one and its preset where none is.
 */
void runs_model_compare(struct runs_model *model);

/* A column's heading and a run's value in it, for people; "-" for what is not known. Returns out. */
const char *runs_column_title(enum runs_column column);
const char *runs_cell(const struct run_entry *entry, enum runs_column column, char *out, size_t size);

/* "live", "done", "stopped", "failed", "crashed", "unreadable". */
const char *runs_state(const struct run_entry *entry);

#endif
