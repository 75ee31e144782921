/*
 * What every screen has around it: a header with the program, the screens, the run, its state and clocks; a footer
 * with the keys that work now; the help screen and the dialog that asks. Drawn from data only.
 */
#ifndef DAVIDNET_VIEWS_FRAME_H
#define DAVIDNET_VIEWS_FRAME_H

#include "views/grid.h"

#define FRAME_SCREENS_MAX 9
#define FRAME_KEYS_MAX 64

/* A key that works now. */
struct frame_key {
    const char *key;   /* as people write it: "p", "Ctrl-L" */
    const char *label; /* one or two words for the footer */
    const char *help;  /* a sentence for the help screen */
    const char *group; /* heading in the help screen: "Run", "Everywhere" */
    int last;          /* 1: at the right end of the footer, where it is never crowded out */
    const char *also;  /* (optional) another key for the same, for the help screen */
};

struct frame_model {
    const char *const *screens; /* titles, at keys 1, 2 ...; shown if there are several */
    int n_screens, current;
    const char *run;   /* its name */
    const char *state; /* "training" */
    uint32_t state_color;
    const char *next;                                     /* (optional) what follows that run: "1 queued" */
    double train_seconds, speedrun_seconds, wall_seconds; /* NaN: not known */
    const char *message;                                  /* (optional) at the footer's right end */
    const struct frame_key *keys;                         /* at most FRAME_KEYS_MAX */
    int n_keys;
};

/* What header and footer leave for the screen. */
struct rect frame_area(struct rect area);
/* Draws header and footer and returns the rectangle that is left for the screen. */
struct rect frame_draw(const struct frame_model *model, struct grid *grid, struct rect area);

/* What frame_draw puts at a cell. index: of the screen or of the key. */
enum frame_part { FRAME_NOTHING, FRAME_SCREEN, FRAME_KEY };
enum frame_part frame_find(const struct frame_model *model, struct rect area, int x, int y, int *index);

/*
 * Over the whole area: every key with its sentence, in groups, in one or two columns, from row `top` on. Where there
 * is more than fits, it says so. help_rows: how many rows there are that do not fit, so the largest `top` that
 * shows more.
 */
void help_draw(const struct frame_key *keys, int n, const char *intro, int top, struct grid *grid, struct rect area);
int help_rows(const struct frame_key *keys, int n, const char *intro, struct rect area);

/* A question in a box in the middle. keys: what can be answered; they are seen before the text is. */
void dialog_draw(const char *title, const char *text, const struct frame_key *keys, int n, struct grid *grid,
                 struct rect area);
/* The answer at a cell, or -1. */
int dialog_find(const char *text, const struct frame_key *keys, int n, struct rect area, int x, int y);

/*
 * Breaks text at blanks to lines of at most area.w columns and draws them; a word without room on a line of its own is
 * broken, too. The area's last line ends with an ellipsis where there is more. Returns the lines that all of the text
 * takes. grid NULL: counts.
 * _in: what is outside clip is left out, without a mark.
 */
int put_paragraph(struct grid *grid, struct rect area, uint32_t fg, const char *text);
int put_paragraph_in(struct grid *grid, struct rect clip, struct rect area, uint32_t fg, const char *text);

/* In place of what is not there yet: a title and what to do about it, in the middle of the area. */
void put_notice(struct grid *grid, struct rect area, uint32_t color, const char *title, const char *text);

#endif
