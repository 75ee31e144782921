/*
 * Signals while the screen is ours. Handlers only set a flag and write a byte to a pipe; the event loop does the
 * rest. Those that end a process are told to the terminal's file first, which restores what can be restored from
 * within a handler. Used by one terminal at a time (tui/term.c).
 */
#ifndef DAVIDNET_TUI_SIGNALS_H
#define DAVIDNET_TUI_SIGNALS_H

#include "kernels/error.h"

/* What signals have asked for since signals_take was called last. */
enum signals_event {
    SIGNALS_RESIZED = 1,
    SIGNALS_SUSPEND = 2,   /* SIGTSTP, and no SIGCONT since */
    SIGNALS_INTERRUPT = 4, /* SIGINT */
    SIGNALS_TERMINATE = 8, /* SIGTERM */
    SIGNALS_HANGUP = 16,   /* the terminal is gone */
    SIGNALS_CONTINUED = 32 /* after a stop, perhaps one that could not be foreseen (SIGSTOP): call term_resume */
};

/* Called within handlers, so they may do only what is async-signal-safe. */
struct signals_hooks {
    void (*fatal)(void); /* the process ends when it returns */
};

int signals_begin(const struct signals_hooks *hooks, struct error *err); /* remembers the handlers that were there */
void signals_again(void); /* our handlers, where curses or we set others meanwhile */
void signals_end(void);   /* the old ones */

/*
 * Suspends us, or (job) all of our process group, which is what a shell calls a job. It comes back when we are
 * continued, and at once where no shell could do that. The terminal has to be the shell's before.
 */
void signals_stop(int job);

int signals_fd(void); /* for poll: signals_take has something */
unsigned signals_take(void);
unsigned signals_waiting(void); /* what signals_take would return, without taking it */

#endif
