/*
 * What the Tricks screen shows: the form of the next run's recipe. Its rows are made from the trick table and the knob
 * table alone, so a trick or knob that is added there appears here. What is done to the recipe is recipe_draft's
 * business; here is what the user sees and points at.
 *
 * Nothing here draws, starts a run, or reads a clock; presets are listed and recipes saved on request.
 */
#ifndef DAVIDNET_VIEWS_TRICKS_MODEL_H
#define DAVIDNET_VIEWS_TRICKS_MODEL_H

#include "engine/recipe_draft.h"
#include "engine/trainer.h"
#include "views/line_edit.h"
#include "views/tricks_plot.h"

enum tricks_row_kind {
    TRICKS_START,   /* what Enter begins */
    TRICKS_PRESET,  /* the preset */
    TRICKS_HEADING, /* of a group; the cursor passes over it */
    TRICKS_TRICK,
    TRICKS_KNOB,
    TRICKS_NETWORK
};

struct tricks_row {
    enum tricks_row_kind kind;
    int index;           /* of the trick or knob */
    int of_trick;        /* a knob: the trick whose parameter it is, and below which it stands; else -1 */
    const char *heading; /* a heading: its text, borrowed from a table */
};

/* Which rows there are. */
enum tricks_show { TRICKS_ALL, TRICKS_CHANGED /* other than the preset */, TRICKS_NEW /* other than the last run */ };

/* What keys act on. */
enum tricks_mode {
    TRICKS_BROWSE,
    TRICKS_EDIT,   /* the value of the row at the cursor */
    TRICKS_FILTER, /* the filter */
    TRICKS_PICK,   /* the list of presets */
    TRICKS_SAVE,   /* the name of the file to save to */
    TRICKS_PLOT    /* the knots of the learning rate */
};

/* What starting means now. */
enum tricks_start { TRICKS_CANNOT, TRICKS_STARTS, TRICKS_QUEUES };

#define TRICKS_PRESETS_MAX 64
#define TRICKS_LR_POINTS 257

/* The recipe's length, as far as it is known. */
struct tricks_cost {
    double steps_per_epoch, steps; /* NaN: not known */
    double seconds;                /* of training at the last run's speed; NaN: no ground to say */
};

struct tricks_model {
    struct recipe_draft draft;
    enum tricks_mode mode;
    enum tricks_show show;
    char filter[LINE_EDIT_MAX];
    struct line_edit edit; /* not TRICKS_BROWSE or TRICKS_PICK */
    char said[1024];       /* what the last key led to, or what is wrong with the text in the field; empty: nothing */
    int said_is_bad;
    int refused;   /* the text in the field would be refused */
    int untouched; /* TRICKS_EDIT: a number, as it was; the first character typed takes its place */

    struct tricks_row *row; /* those that pass show and filter, in order */
    int n_rows, cursor;

    struct recipe_about *preset; /* with titles, once tricks_model_list_presets was called */
    int n_presets, picked;
    struct tricks_plot plot; /* TRICKS_PLOT */
    int overwrites;          /* TRICKS_SAVE: there is a file of that name; the next Enter replaces it */
    char folder[512];        /* where recipes are saved to; empty: not known */

    /* From outside. */
    int has_last;       /* there is a run to compare with */
    struct recipe last; /* its data are called as the draft calls them, where they are the same */
    char last_name[128];
    struct trainer_status last_status; /* its speed */
    enum tricks_start start;
    int has_queued;
    struct recipe queued;

    /* The learning rate over the run: the draft's, and the preset's where it differs. */
    int n_lr, preset_lr_differs;
    double lr_x[TRICKS_LR_POINTS], lr[TRICKS_LR_POINTS], preset_lr_x[TRICKS_LR_POINTS], preset_lr[TRICKS_LR_POINTS];
    struct tricks_cost cost;
    char problem[1024]; /* why a run of this valid draft could not start: its data; empty: nothing known */
    char source[512];   /* the data set that the draft means; empty: not found */
    char command[RECIPE_COMMAND_MAX]; /* that trains it; empty while the draft is not valid */

    /* Private. */
    struct recipe kept; /* the draft as it was when it was last somewhere else, too */
    struct recipe last_given;
    int row_room;
    unsigned char idle[RECIPE_TRICKS_MAX]; /* 1: on and without effect, which was said */
};

int tricks_model_init(struct tricks_model *model, const struct trick *table, int n_tricks, const struct recipe *recipe,
                      struct error *err);
void tricks_model_release(struct tricks_model *model);

/* The draft as it is now has been started: it would not be lost. Writing it to a file does the same. */
void tricks_model_keep(struct tricks_model *model);
/* 1: nothing but this form has the draft: it was changed, and neither started nor queued nor written since. */
int tricks_model_only_here(const struct tricks_model *model);

/* The run to compare with: NULL where there is none. 1 if anything changed. */
int tricks_model_last(struct tricks_model *model, const struct recipe *recipe, const struct trainer_status *status);
/* What starting means now, and the recipe that waits behind the run (or NULL). 1 if anything changed. */
int tricks_model_ready(struct tricks_model *model, enum tricks_start start, const struct recipe *queued);
/* Looks again at what is on the disk: the data set that the draft means. */
void tricks_model_look(struct tricks_model *model);
/* Looks for the presets there are. */
void tricks_model_list_presets(struct tricks_model *model);

/* ---- rows ---- */

const struct tricks_row *tricks_model_here(const struct tricks_model *model); /* at the cursor; never NULL */
void tricks_model_move(struct tricks_model *model, int by);
void tricks_model_end(struct tricks_model *model, int last); /* to the first or last row */
void tricks_model_go(struct tricks_model *model, int row);   /* or the next below that is no heading */
void tricks_model_show(struct tricks_model *model, enum tricks_show show);
/* Where only every row has something with that text, every row is shown. */
void tricks_model_filter(struct tricks_model *model, const char *text);
int tricks_model_find(const struct tricks_model *model, struct draft_place place); /* its row, or -1 */

/* What a row is in the draft; not for START and HEADING. */
struct draft_place tricks_row_place(const struct tricks_row *row);
/* 1 if the draft differs there from the preset, or from the last run. */
int tricks_row_changed(const struct tricks_model *model, const struct tricks_row *row);
int tricks_row_is_new(const struct tricks_model *model, const struct tricks_row *row);
/* Name and unit, and the value that a recipe has there. */
const char *tricks_row_name(const struct tricks_model *model, const struct tricks_row *row);
const char *tricks_row_unit(const struct tricks_row *row);
void tricks_row_value(const struct tricks_model *model, const struct tricks_row *row, const struct recipe *recipe,
                      char *out, size_t size);
/* The row's value is one of a few: Left and Right go through them. */
int tricks_row_is_choice(const struct tricks_row *row);
int tricks_model_count(const struct tricks_model *model, enum tricks_show show); /* values that differ */

/* ---- what keys do ---- */

void tricks_model_toggle(struct tricks_model *model);         /* trick or switch */
void tricks_model_step(struct tricks_model *model, int by);   /* the next or previous choice */
void tricks_model_undo(struct tricks_model *model, int redo); /* the cursor goes to what changed */
void tricks_model_reset(struct tricks_model *model);          /* this row, to the preset's value */
void tricks_model_reset_all(struct tricks_model *model);
void tricks_model_take(struct tricks_model *model, const struct recipe *recipe); /* that recipe, as one edit */

/* Opens a field on the value here; or the filter, the name of a file, the list of presets,
 * the plot of the learning rate. */
void tricks_model_edit(struct tricks_model *model);
void tricks_model_open(struct tricks_model *model, enum tricks_mode mode);
/* Before a key changes the field's text: a character takes the place of a number that was not touched yet. */
void tricks_model_start_typing(struct tricks_model *model, int is_character);
void tricks_model_edited(struct tricks_model *model); /* the field's text has changed */
int tricks_model_accept(struct tricks_model *model);  /* Enter; 1: the field is closed */
void tricks_model_cancel(struct tricks_model *model);
/* TRICKS_PLOT: selects the next knot or moves this one (in steps), adds or removes one. */
void tricks_model_select_knot(struct tricks_model *model, int by);
void tricks_model_move_knot(struct tricks_model *model, double knot_steps, double value_steps);
void tricks_model_add_knot(struct tricks_model *model, int add);
void tricks_model_pick(struct tricks_model *model, int by); /* in the list of presets */

/* Private, between the model's two files. */
void tricks_rows_make(struct tricks_model *model);
int tricks_rows_room(int n_tricks);

#endif
