/*
 * The workbench off screen: keys from a file, one a line, into a grid. Besides keys a line may be
 *     # a comment
 *     :size 120x40        another size
 *     :dump FILE          writes the screen: .txt, .ans (colours as escapes) or .png
 *     :until step N       waits until the run has done so many steps (or has ended)
 *     :until epoch N
 *     :until end
 *     :until fetched
 *     :until images       until the Samples screen has its data set
 *     :wait 0.5           seconds
 *     :type TEXT          its characters as keys
 *     :paste TEXT         the same as a paste
 *     :click X Y          the mouse; the upper left cell is 0 0
 *     :wheel up X Y       or down
 */
#ifndef DAVIDNET_TUI_SCRIPT_H
#define DAVIDNET_TUI_SCRIPT_H

#include "tui/app.h"

#include <stdio.h>

struct script_options {
    const char *file; /* its name, for messages */
    FILE *in;         /* NULL: no keys, just the screen as it is; stays the caller's */
    const char *dump; /* (optional) written at the end */
    int w, h, ascii;
    int depth; /* of colours in dumps: 24, or 0 */
};

/* The script, to be read; "-" is stdin. NULL with err. The caller closes it, where it is not stdin. */
FILE *script_open(const char *file, struct error *err);

int script_run(struct app *app, const struct script_options *options, struct error *err);

/* -1 with err where script_dump does not know the name's end. */
int script_check_dump(const char *path, struct error *err);
/* Writes the grid in the format that the name ends with. */
int script_dump(const struct grid *grid, int depth, const char *path, struct error *err);

#endif
