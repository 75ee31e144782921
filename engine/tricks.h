/*
 * The one table of tricks. A trick is a set of patches, each writing one knob; two tricks that are switched
 * on and write the same knob conflict, by construction. Switching a trick never changes epochs.
 */
#ifndef DAVIDNET_ENGINE_TRICKS_H
#define DAVIDNET_ENGINE_TRICKS_H

#include "engine/knobs.h"

struct trick_patch {
    const char *key, *on, *off; /* knob, its value when on, and when off (NULL: left as the preset has it) */
};

struct trick {
    const char *key;               /* "cutout" */
    const char *title;             /* "Cutout" */
    const char *changes;           /* what it changes, one line */
    const char *published;         /* "35 epochs: 3/5 -> 5/5 reach 94 %" */
    const char *source;            /* paper or post */
    const char *parameters[8];     /* knob keys, NULL-terminated */
    struct trick_patch patches[8]; /* ends with key NULL */
    /* (optional) Written with the patches, but only first values: whoever changes them has the trick on still, and
     * tricks do not conflict over them; the later one in the table has its way. Switching it off writes the values for
     * off, where there are some: NULL where what fits depends on the network. Ends with key NULL. */
    struct trick_patch begins_with[6];
};

extern const struct trick tricks[];
extern const int trick_count;

const struct trick *trick_find(const char *key);
/* 1 if every patch has its value for on. */
int trick_is_on(const struct trick *trick, const struct recipe *recipe);
/* The tricks of `tricks` that are on, a bit each in the table's order. */
uint64_t tricks_on(const struct recipe *recipe);
int trick_apply(const struct trick *trick, int on, struct recipe *recipe, struct error *err);

/* The first knob that it writes and that has not the value for on; NULL when it is on. */
const struct trick_patch *trick_missing(const struct trick *trick, const struct recipe *recipe);

/*
 * 1 when the recipe's other values leave the trick, which is on in it, without any effect; why then says which, as
 * the end of a sentence: "flip_kind has an effect only with flip=on". Of the network it knows nothing: what a trick
 * needs there network_build demands.
 */
#define TRICK_WHY_MAX 128
int trick_idle(const struct trick *trick, const struct recipe *recipe, char *why, size_t size);
/* The same as an error, for who wants to switch it on: -1 when it would change nothing. */
int trick_refuse_idle(const struct trick *trick, const struct recipe *recipe, struct error *err);

/* The first trick from `from` on that is on and idle, or count. Those that are on unless a recipe says otherwise are
 * nobody's wish, and passed over. */
int tricks_find_idle(const struct trick *table, int count, const struct recipe *recipe, int from, char *why,
                     size_t size);

/* What it sets that knob to when it is switched on; NULL: nothing. */
const char *trick_value(const struct trick *trick, const char *knob);

/* A knob that both write, or NULL. */
const char *trick_clash(const struct trick *a, const struct trick *b);

enum trick_wish { TRICK_LEAVE, TRICK_ON, TRICK_OFF };

/*
 * Switches tricks of a table, in its order whatever the order asked in; one that is so already is left as it is, its
 * parameters too. wishes: one for each trick. -1 with err when one that is to be on writes the same knob as another
 * that is on (by wish or in the recipe); *at_fault is then the index of one that is to be on.
 */
int tricks_switch(const struct trick *table, int count, const enum trick_wish *wishes, struct recipe *recipe,
                  int *at_fault, struct error *err);

/*
 * Whether the wishes still hold after values of the user's own were set. -1: one of those undoes what a trick writes,
 * or writes it where the trick was to be off (*knob is what was set), or a trick that was to be on changes nothing
 * (*knob is NULL). err says so in one sentence, *at_fault is the trick's index.
 */
int tricks_check(const struct trick *table, int count, const enum trick_wish *wishes, const struct recipe *recipe,
                 int *at_fault, const struct knob **knob, struct error *err);

/* The request's --on and --off as wishes; -1 with err when one is unknown, or is both on and off. */
int tricks_wishes(const struct trick *table, int count, const struct recipe_request *request, enum trick_wish *wishes,
                  struct error *err);

/* Both: switches what the request asks for. */
int tricks_apply(const struct trick *table, int count, const struct recipe_request *request, struct recipe *recipe,
                 struct error *err);

#endif
