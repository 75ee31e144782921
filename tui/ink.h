/*
 * Colours as numbers of a terminal's table. With 24 bits the named colours get entries of their own, which the
 * terminal is told to change; exact colours (pictures) then keep clear of these, and are as near as the other entries
 * of xterm's table: curses can hand a terminal no more than a table.
 */
#ifndef DAVIDNET_TUI_INK_H
#define DAVIDNET_TUI_INK_H

#include "views/palette.h"

#include <stdint.h>

struct ink {
    int depth;                  /* 4, 8 or 24 bits */
    int named[2][COLOR_COUNT];  /* foreground, background */
    unsigned char changed[256]; /* 1: an entry that the terminal is told to change */
    struct {
        uint32_t color;
        int index;
    } cache[2][256]; /* of exact colours */
};

int ink_wants_true_color(void); /* by COLORTERM */
/* colors: entries of the table, at least 8; 256 with 8 bits and more. */
void ink_init(struct ink *, int depth, int colors);
int ink_index(struct ink *, uint32_t color, int background);

#endif
