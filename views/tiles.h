/* The numbers that matter, in a line above a screen: each with its name, spread over the width. */
#ifndef DAVIDNET_VIEWS_TILES_H
#define DAVIDNET_VIEWS_TILES_H

#include "views/grid.h"

struct tile {
    const char *name, *short_name; /* short_name: where it is tight, and where there is one row */
    char value[40];
    uint32_t color;
};

#define TILES_MAX 12

/* Two rows: names above values. One row: name and value after each other. The first ones that fit, at most TILES_MAX.
 */
void tiles_draw(const struct tile *tiles, int n, struct grid *grid, struct rect area);

#endif
