/* The Tricks screen's form as tests use it: on davidnet-79, with four tricks of its own, two of which conflict. */
#ifndef DAVIDNET_TESTS_TRICKS_FORM_H
#define DAVIDNET_TESTS_TRICKS_FORM_H

#include "views/tricks_model.h"

enum { FORM_CROP, FORM_CUTOUT, FORM_HOT, FORM_COLD, FORM_TRICKS };
extern const struct trick form_tricks[FORM_TRICKS];

/* Set-up and tear-down of a group of tests: a folder for recipes, a data set that needs no files. */
int form_enter(void **state);
int form_leave(void **state);

struct tricks_model *form_open(void); /* with no run to compare with */
void form_close(struct tricks_model *model);
/* A run of davidnet-66 with batch 256, that has done 500 steps of 195 an epoch in 100 seconds. */
void form_add_last(struct tricks_model *model);

struct draft_place form_knob_place(const char *key);
void form_go(struct tricks_model *model, struct draft_place place); /* the cursor */
void form_go_knob(struct tricks_model *model, const char *key);
void form_type(struct tricks_model *model, const char *text);                 /* into the open field */
void form_set(struct tricks_model *model, const char *key, const char *text); /* opens it, fills it, Enter */

#endif
