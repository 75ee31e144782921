/*
 * The colours that enum color names stand for: 24-bit values, the nearest of xterm's 256, one of the 16, and the
 * attribute that stands in where there is no colour at all. Hues are chosen to stay apart under the common kinds
 * of colour blindness (after Okabe and Ito, "Color Universal Design", 2008); every text colour has a contrast of
 * at least 4.5:1 on the background and on panels.
 */
#ifndef DAVIDNET_VIEWS_PALETTE_H
#define DAVIDNET_VIEWS_PALETTE_H

#include "views/grid.h"

/* COLOR_DEFAULT is light as a foreground and dark as a background. 0xRRGGBB. */
uint32_t palette_rgb(uint32_t color, int background);
/* 16..255 of xterm's table: the nearest. */
int palette_256(uint32_t color, int background);
/* The same, but for entries that are taken. */
int palette_256_but(uint32_t color, int background, const unsigned char taken[256]);
/*
 * For a terminal whose table can be changed: an entry, 16..255, for every named colour, foregrounds and backgrounds;
 * the nearest that is free, so that what is shown is close where a terminal ignores the new value. One colour has one
 * entry.
 */
void palette_entries(int out[2][COLOR_COUNT]);
/* 0..15, or -1 for the terminal's own default. */
int palette_16(uint32_t color, int background);
/* Attributes to add where there is no colour. */
uint8_t palette_mono(uint32_t fg, uint32_t bg);

/* The value of entry 16..255 of xterm's table. */
uint32_t palette_xterm(int index);
/* WCAG 2 contrast ratio of two colours, 1..21. */
double palette_contrast(uint32_t rgb_a, uint32_t rgb_b);

/*
 * For rows that are drawn already: where an ink cannot be read on the colour of what is selected (4.5:1), it becomes
 * COLOR_TITLE.
 */
void palette_legible(struct grid *grid, struct rect area);

#endif
