/*
 * The recipe of the next run while it is edited: a preset, then the tricks switched on and off, then the user's own
 * values, as a list of edits. The recipe is resolved afresh from that list after every edit, so undo and redo have
 * any depth and undo exactly what was done.
 *
 * What is refused, with nothing changed: a value that its knob does not take, a trick that conflicts with another
 * one that is on, a trick that contradicts the rest of the recipe. Knobs that contradict each other are let in, as the
 * way from one good recipe to another may lead through a bad one (a knot more, then a rate more): the draft is then
 * not valid and says which knob and why, and nothing may be started from it.
 */
#ifndef DAVIDNET_ENGINE_RECIPE_DRAFT_H
#define DAVIDNET_ENGINE_RECIPE_DRAFT_H

#include "engine/recipe_file.h"
#include "engine/tricks.h"

/* What an edit is about. */
enum draft_kind { DRAFT_PRESET, DRAFT_TRICK, DRAFT_KNOB, DRAFT_NETWORK };
struct draft_place {
    enum draft_kind kind;
    int index; /* of the trick or knob in its table */
};

struct recipe_draft {
    /* What the edits come to; read only. */
    struct recipe recipe; /* of the next run */
    struct recipe base;   /* the preset's own; a recipe that came from no preset is its own base */
    int valid;            /* 1: it can be run */
    struct error why;     /* not valid: the contradiction */
    const char *fault;    /* not valid: the key of the knob at fault, "network", or NULL */

    const struct trick *tricks; /* borrowed; at most RECIPE_TRICKS_MAX */
    int n_tricks;

    /* Private. */
    struct draft_edit *edits;
    int n_edits, n_done, room; /* those after n_done were undone */
    int n_start;               /* the first ones, that are never undone */
};

/* Begins with that recipe, which is copied. -1: no memory. */
int recipe_draft_init(struct recipe_draft *draft, const struct trick *table, int n_tricks, const struct recipe *recipe,
                      struct error *err);
void recipe_draft_release(struct recipe_draft *draft);

/* Each is one step of undo, unless nothing changed. 0, or -1 with the reason and nothing changed. index: of the trick.
 */
int recipe_draft_preset(struct recipe_draft *draft, const char *name, struct error *err);
int recipe_draft_take(struct recipe_draft *draft, const struct recipe *recipe, struct error *err); /* another recipe */
int recipe_draft_switch(struct recipe_draft *draft, int index, int on, struct error *err);
/* A new number of epochs stretches the schedule, as --epochs does. */
int recipe_draft_set(struct recipe_draft *draft, const struct knob *knob, const char *text, struct error *err);
/* Several at once, as one step of undo. */
int recipe_draft_set_many(struct recipe_draft *draft, const struct knob *const *list, const char *const *texts, int n,
                          struct error *err);
int recipe_draft_set_network(struct recipe_draft *draft, const char *text, struct error *err);
/* To what the preset has. */
int recipe_draft_reset(struct recipe_draft *draft, struct draft_place place, struct error *err);

/* 1, with what it was about (place may be NULL); 0: there is nothing to undo or redo. */
int recipe_draft_undo(struct recipe_draft *draft, struct draft_place *place);
int recipe_draft_redo(struct recipe_draft *draft, struct draft_place *place);
int recipe_draft_can_undo(const struct recipe_draft *draft);
int recipe_draft_can_redo(const struct recipe_draft *draft);

/*
 * Whether that text could be set, without setting it: -1 with the reason when it would be refused; 0 when not, and
 * then err has the contradiction that it would lead to, or is empty.
 */
int recipe_draft_try(const struct recipe_draft *draft, const struct knob *knob, const char *text, struct error *err);

/* A trick that is on and writes the same knob as this one, or NULL; *field is that knob. */
const struct trick *recipe_draft_rival(const struct recipe_draft *draft, int trick, const char **field);

/* 1 if the preset's value and the draft's differ. */
int recipe_draft_changed(const struct recipe_draft *draft, struct draft_place place);
/* The same between any two recipes; a trick differs where it is on in only one of them. */
int recipe_draft_differs(const struct recipe_draft *draft, const struct recipe *a, const struct recipe *b,
                         struct draft_place place);

#endif
