/*
 * The terminal: the only file that includes curses; what it writes reaches the tty through tui/outlet.h alone. One
 * terminal per process. It is restored on every way out but SIGKILL: term_close (also at exit), and a handler for
 * fatal signals that only writes a string prepared beforehand and sets the modes back.
 */
#ifndef DAVIDNET_TUI_TERM_H
#define DAVIDNET_TUI_TERM_H

#include "kernels/error.h"
#include "tui/keys.h"
#include "views/grid.h"

struct term_options {
    int ascii;    /* 1: no braille even where the locale has UTF-8 */
    int no_color; /* 1: no colour */
    int no_mouse; /* 1: the mouse is the terminal's, for selecting text */
};

/* Whether term_open would find a terminal that it can use. */
int term_check(struct error *err);
/* Takes over stdin and stdout, which must be a terminal. An unknown TERM falls back to a common one. */
int term_open(const struct term_options *options, struct error *err);
void term_close(void); /* may be called at any time, any number of times */

int term_slow(void);  /* 1: the line is: as little as possible should differ from one frame to the next */
int term_ascii(void); /* 1: draw with ASCII, as on a slow line, which has one byte for a cell then and not three */
int term_depth(void); /* colours: 0, 4, 8 or 24 bits, 0 on a slow line; pictures have the 256 of a table at best */
void term_size(int *w, int *h); /* asks the terminal anew; at least 1 x 1 */
int term_input_fd(void);        /* for poll: keys are there */
int term_output_fd(void);       /* for poll: it takes what waits for it: term_ready; -1: nothing does */
void term_forget(void);         /* the next term_show sends everything */
void term_resume(void);         /* our modes again, and the next term_show sends everything */

/*
 * Suspending (signals_stop) lies between these two. Until the second the terminal is the shell's: what is typed is its
 * input, and nothing else of this file may be called.
 */
void term_hand_over(void); /* the terminal as it was before term_open */
void term_take_back(void); /* our modes, and the next term_show sends everything */

/* What came in, without waiting. */
enum term_input {
    TERM_NOTHING,
    TERM_KEY,
    TERM_PASTED, /* a character that was pasted, not typed */
    TERM_MOUSE,
    TERM_LOST /* the terminal is gone */
};
enum term_input term_read(int *key, struct mouse *mouse);
int term_unread(void);  /* 1: term_read has something although poll says nothing */
int term_pasting(void); /* 1: in the middle of a paste: more is to come */

/* Whether the terminal tells us what the mouse does; nothing where it cannot. */
void term_mouse(int on);

/*
 * Puts a text of up to CLIPBOARD_TEXT_MAX bytes into the clipboard of whoever sits at the terminal, over SSH too.
 * Whether the terminal really takes it cannot be asked.
 */
enum term_copied {
    TERM_COPY_SENT,
    TERM_COPY_LATER,   /* the terminal takes nothing now: call again */
    TERM_COPY_UNKNOWN, /* it is not known to take one */
    TERM_COPY_LONG     /* it would not take as much */
};
enum term_copied term_copy(const char *text);

/*
 * Pacing. A frame ends with a question (a device status report) that the terminal answers when it has taken
 * everything before it, so that the connection never holds more than one frame. term_ready: 1: it has, or it is
 * known never to answer. On a slow line there are no colours, and a large frame is sent in parts.
 */
void term_tick(double now); /* what time it is, in seconds of a monotonic clock */
int term_ready(void);
double term_rest(void); /* seconds after a frame before another one that nobody waits for */
/*
 * Sends what differs from what is shown; awaited: it answers a key. 1: not all of it, call again when ready; -1: no
 * memory.
 */
int term_show(const struct grid *grid, int awaited);
/*
 * For when there is nothing to show and no key waits. On a slow line on which nothing large has been sent for long it
 * sends a part of the screen again, as the time that this takes is what tells that the line is fast by now.
 */
void term_probe(void);

#endif
