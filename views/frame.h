/*
 * What every screen has around it: a header with the program, the screens, the run, its state and clocks; a footer
 * with the keys that work now; the help screen and the dialog that asks. Drawn from data only.
 */
#ifndef DAVIDNET_VIEWS_FRAME_H
#define DAVIDNET_VIEWS_FRAME_H

#include "views/grid.h"

/* A key that works now. */
struct frame_key {
    const char *key;   /* as people write it: "p", "Ctrl-L" */
    const char *label; /* one or two words for the footer */
    const char *help;  /* a sentence for the help screen */
    const char *group; /* heading in the help screen: "Run", "Everywhere" */
    int last;          /* 1: at the right end of the footer, where it is never crowded out */
};

struct frame_model {
    const char *const *screens; /* titles, at keys 1, 2 ...; shown if there are several */
    int n_screens, current;
    const char *run;   /* its name */
    const char *state; /* "training" */
    uint32_t state_color;
    double train_seconds, speedrun_seconds, wall_seconds; /* NaN: not known */
    const char *message;                                  /* (optional) at the footer's right end */
    const struct frame_key *keys;
    int n_keys;
};

/* What header and footer leave for the screen. */
struct rect frame_area(struct rect area);
/* Draws header and footer and returns the rectangle that is left for the screen. */
struct rect frame_draw(const struct frame_model *model, struct grid *grid, struct rect area);

/* Over the whole area: every key with its sentence, in groups, in one or two columns. */
void help_draw(const struct frame_key *keys, int n, const char *intro, struct grid *grid, struct rect area);

/* A question in a box in the middle. keys: what can be answered. */
void dialog_draw(const char *title, const char *text, const struct frame_key *keys, int n, struct grid *grid,
                 struct rect area);

/* Breaks text at blanks to lines of at most `width` columns and draws them; returns the lines used. grid NULL: counts.
 */
int put_paragraph(struct grid *grid, struct rect area, uint32_t fg, const char *text);

#endif
