/* A picture of a terminal that shows the grid: text by cairo in a monospaced font, braille and lines as shapes. */
#ifndef DAVIDNET_VIEWS_GRID_PNG_H
#define DAVIDNET_VIEWS_GRID_PNG_H

#include "kernels/error.h"
#include "views/grid.h"

/* depth: 24, 8, 4 or 0 bits of colour, as in grid_ansi. cell: height of a cell in pixels, 20 for a screenshot. */
int grid_png_write(const struct grid *grid, int depth, int cell, const char *path, struct error *err);

#endif
