/*
 * The one table of knobs: the command line, recipe files, the TUI's form, exports, --help, completions and
 * the man page all read it. Adding a row is all it takes to add a knob.
 */
#ifndef DAVIDNET_ENGINE_KNOBS_H
#define DAVIDNET_ENGINE_KNOBS_H

#include "engine/recipe.h"

enum knob_type { KNOB_INT, KNOB_INT64, KNOB_REAL, KNOB_SWITCH, KNOB_ENUM, KNOB_TEXT, KNOB_REALS };

struct knob {
    const char *key;     /* snake_case: "weight_decay" */
    const char *section; /* of the recipe file: "optimiser" */
    enum knob_type type;
    size_t offset;            /* of the field in struct recipe */
    size_t size;              /* of the field (text), or maximum entries (reals) */
    size_t count_offset;      /* KNOB_REALS: offset of the int that counts entries */
    double min, max;          /* numbers */
    const char *const *names; /* KNOB_ENUM: NULL-terminated */
    const char *when;         /* NULL: always; "key=a|b", "key!=a": has an effect only while that knob is so */
    const char *default_text;
    const char *unit; /* "epochs", "pixels", "%", "" */
    const char *help; /* one line */
};

/* Whole numbers pass through double exactly up to here. */
#define KNOB_WHOLE_MAX 9007199254740991.0

/* engine/knob_table_body.h */
extern const struct knob knobs[];
extern const int knob_count;

const struct knob *knob_find(const char *key);
const char *knob_nearest(const char *key); /* for "did you mean"; NULL if nothing is near */

/* Parses text into the recipe's field; -1 with key, value and what is allowed. */
int knob_set(struct recipe *recipe, const struct knob *knob, const char *text, struct error *err);

/* on, yes, true, 1: 1; off, no, false, 0: 0; -1 for any other word. */
int knob_parse_switch(const char *text, int *on);

/* The field as text that knob_set reads back exactly; KNOB_TEXT_MAX holds any. */
#define KNOB_TEXT_MAX 1024
void knob_get(const struct recipe *recipe, const struct knob *knob, char *out, size_t size);

/* What is allowed, for people: "1 to 8", "on or off", "test, holdout". */
void knob_range(const struct knob *knob, char *out, size_t size);

/* 1 unless another knob's value leaves it without effect (its `when`). */
int knob_has_effect(const struct recipe *recipe, const struct knob *knob);

/* Every knob at its default; no network, no preset. */
void knob_defaults(struct recipe *recipe);

/* 1 if both recipes have the knob at the same value, to the last bit. */
int knob_same(const struct recipe *a, const struct recipe *b, const struct knob *knob);

/* Of its value: what tells another value where there is no room for a second recipe. */
uint32_t knob_checksum(const struct recipe *recipe, const struct knob *knob);

#endif
