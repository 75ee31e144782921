/* What tests of recipes have in common. Errors go into recipe_err. */
#ifndef DAVIDNET_TESTS_RECIPE_CHECKS_H
#define DAVIDNET_TESTS_RECIPE_CHECKS_H

#include "engine/recipe.h"

extern struct error recipe_err;
extern char
    recipe_folder[]; /* the user's configuration, made by _enter: its davidnet/recipes/ has the user's presets */

int recipe_test_enter(void **state);
int recipe_test_leave(void **state);

void recipe_must(int result);
/* Failed, and the message has both parts (the second one may be NULL). */
void recipe_must_fail(int result, const char *part1, const char *part2);
void recipe_resolve_fails(struct recipe_request request, const char *part1, const char *part2);

void recipe_check_round_trip(const struct recipe *recipe); /* written and read back, it is the same to the last bit */
/* The command that trains it, taken apart and resolved, gives the same recipe. */
void recipe_check_command(const struct recipe *recipe, const char *preset);

#endif
