/*
 * The terminal: the only file that includes curses or writes to the tty. One terminal per process. It is restored
 * on every way out but SIGKILL: term_close (also at exit), and a handler for fatal signals that only writes a
 * string prepared beforehand and sets the modes back.
 */
#ifndef DAVIDNET_TUI_TERM_H
#define DAVIDNET_TUI_TERM_H

#include "kernels/error.h"
#include "views/grid.h"

struct term_options {
    int ascii;    /* 1: no braille even where the locale has UTF-8 */
    int no_color; /* 1: no colour */
};

/* What signals have asked for since term_events was called last. */
enum term_event {
    TERM_RESIZED = 1,
    TERM_SUSPEND = 2,   /* Ctrl-Z: call term_suspend when ready */
    TERM_INTERRUPT = 4, /* Ctrl-C */
    TERM_TERMINATE = 8, /* SIGTERM */
    TERM_HANGUP = 16,   /* the terminal is gone */
    TERM_CONTINUED = 32 /* after a stop, perhaps one that could not be foreseen (SIGSTOP): call term_resume */
};

/* Whether term_open would find a terminal that it can use. */
int term_check(struct error *err);
/* Takes over stdin and stdout, which must be a terminal. An unknown TERM falls back to a common one. */
int term_open(const struct term_options *options, struct error *err);
void term_close(void); /* may be called at any time, any number of times */

int term_ascii(void);               /* 1: draw with ASCII */
int term_depth(void);               /* colours: 0, 4, 8 or 24 bits */
void term_size(int *w, int *h);     /* asks the terminal anew; at least 1 x 1 */
int term_input_fd(void);            /* for poll: keys are there */
int term_signal_fd(void);           /* for poll: term_events has something */
unsigned term_events(void);         /* flags of enum term_event; clears them */
int term_key(void);                 /* the next key without waiting: KEYS_NONE if there is none, -1: terminal lost */
int term_show(const struct grid *); /* sends what differs from what is shown; 1: it takes nothing now; -1: no memory */
void term_forget(void);             /* the next term_show sends everything */
void term_resume(void);             /* our modes again, and the next term_show sends everything */
void term_suspend(void);            /* restores the terminal, stops the process, comes back when it is continued */

#endif
