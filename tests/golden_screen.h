/*
 * Screens against files in tests/golden (GOLDEN=update rewrites them; look at the difference before committing it),
 * and the sizes at which every view must draw without touching a cell that is not its own.
 */
#ifndef DAVIDNET_TESTS_GOLDEN_SCREEN_H
#define DAVIDNET_TESTS_GOLDEN_SCREEN_H

#include "views/grid.h"

typedef void golden_draw(const void *model, struct grid *grid, struct rect area);

/* Draws over a whole grid and compares with tests/golden/NAME-WxH[-ascii].txt; its text must stand out. */
void golden_check(const char *name, int w, int h, int ascii, golden_draw *draw, const void *model);
/* 80x24, 40x10 and 200x60, in braille and in ASCII. */
void golden_check_sizes(const char *name, golden_draw *draw, const void *model);

/*
 * Sizes from 0x0 to 12x12 and some larger ones, in both kinds: nothing outside the area changes, in ASCII there is
 * no other character.
 */
void golden_check_small(golden_draw *draw, const void *model);

/* The rightmost column of the area that has that character, as how far a curve goes in ASCII; -1: none has. */
int golden_last_column(const struct grid *grid, struct rect area, char character);

#endif
