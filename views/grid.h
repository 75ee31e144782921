/*
 * A grid of terminal cells in memory: what every view draws into and what the terminal, the golden tests, the
 * text, ANSI and PNG dumps are made from. Drawing outside the grid or the clip rectangle is dropped, so any size
 * from 0x0 up is safe. No terminal, no clock, no I/O here.
 */
#ifndef DAVIDNET_VIEWS_GRID_H
#define DAVIDNET_VIEWS_GRID_H

#include <stdint.h>

/* Colours by what they mean; palette.h maps them to 24-bit, 256, 16 colours or none. */
enum color {
    COLOR_DEFAULT,
    COLOR_DIM,
    COLOR_TITLE,
    COLOR_BORDER,
    COLOR_ACCENT,
    COLOR_GOOD,
    COLOR_BAD,
    COLOR_WARN,
    COLOR_TRAIN,
    COLOR_VALID,
    COLOR_LR,
    COLOR_TARGET,
    COLOR_AXIS,
    COLOR_FORWARD,
    COLOR_BACKWARD,
    COLOR_UPDATE,
    COLOR_DATA,
    COLOR_KEY,
    COLOR_SELECTED,
    COLOR_PANEL,
    COLOR_TRAIN_RAW, /* behind a smoothed curve */
    COLOR_AHEAD,     /* the schedule still to come */
    COLOR_LOSS,      /* the phase between forward and backward */
    COLOR_RUN_A,     /* other runs: less bright than this one's curves; their letters tell them apart as well */
    COLOR_RUN_B,
    COLOR_RUN_C,
    COLOR_RUN_D,
    COLOR_RUN_E,
    COLOR_RUN_F,
    COLOR_COUNT,
    COLOR_RGB = 1 << 24 /* COLOR_RGB | 0xRRGGBB: an exact colour (samples) */
};

enum attr { ATTR_NONE = 0, ATTR_BOLD = 1, ATTR_REVERSE = 2, ATTR_UNDERLINE = 4, ATTR_DIM = 8 };

struct cell {
    char text[16];   /* one grapheme in UTF-8: a base character and its combining marks; "" behind a wide one */
    uint32_t fg, bg; /* enum color, or COLOR_RGB | rgb */
    uint8_t attr;
    uint8_t width; /* 1 or 2; 0: covered by the wide cell to the left */
};

struct rect {
    int x, y, w, h;
};

struct grid {
    int w, h;
    struct cell *cells;     /* [h][w], owned */
    int ascii;              /* 1: views use ASCII instead of braille and box drawing */
    int few_colors;         /* 1: fewer than 256: pictures are drawn in shades */
    int slow;               /* 1: every cell that is drawn takes time: pictures are few */
    int cursor_x, cursor_y; /* -1: hidden */
};

int grid_init(struct grid *grid, int w, int h); /* -1: out of memory */
void grid_release(struct grid *grid);
int grid_resize(struct grid *grid, int w, int h); /* contents are cleared */
void grid_clear(struct grid *grid);
struct cell *grid_at(struct grid *grid, int x, int y); /* NULL outside */

struct rect rect_intersect(struct rect a, struct rect b);
struct rect rect_inset(struct rect r, int dx, int dy); /* never negative sizes */

/*
 * The one way text gets into a grid. Knows wide, combining, control and invalid bytes (shown as U+FFFD or '?'),
 * never splits a wide character at the clip's edge. Returns the columns used.
 */
int put_text(struct grid *grid, struct rect clip, int x, int y, uint32_t fg, uint8_t attr, const char *utf8);
int put_format(struct grid *grid, struct rect clip, int x, int y, uint32_t fg, uint8_t attr, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
int text_width(const char *utf8);            /* columns */
int text_fit(const char *utf8, int columns); /* bytes of the whole characters, with their marks, that so many hold */

/* In the first row of area; what does not fit ends in an ellipsis ('~' in ASCII). Returns the columns used. */
int put_cut(struct grid *grid, struct rect area, uint32_t fg, uint8_t attr, const char *utf8);
/* The same, but it is the middle that goes: names often differ at their ends. */
int put_squeezed(struct grid *grid, struct rect area, uint32_t fg, uint8_t attr, const char *utf8);
/* The text ends before column `right`. */
void put_right(struct grid *grid, struct rect clip, int right, int y, uint32_t fg, uint8_t attr, const char *utf8);

/* Fills with one character of one column (NULL: blanks); the only call that sets a background. */
void put_fill(struct grid *grid, struct rect area, uint32_t fg, uint32_t bg, const char *utf8);
void put_box(struct grid *grid, struct rect area, uint32_t fg, const char *title);

/* Dumps. Text: lines with trailing blanks cut. The caller frees the string. */
char *grid_text(const struct grid *grid);
char *grid_ansi(const struct grid *grid, int color_depth); /* 0 none, 4, 8, 24 bits */

#endif
