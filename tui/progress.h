/*
 * How far a command without a screen is: one line on stderr, rewritten in place. Only a terminal that understands that
 * gets it; a file, a pipe and TERM=dumb get no code and no carriage return. There is one such line in a process.
 */
#ifndef DAVIDNET_TUI_PROGRESS_H
#define DAVIDNET_TUI_PROGRESS_H

#include <stdbool.h>

/* Whether a terminal understands codes, by TERM alone. */
bool progress_codes(void);

/* Whether there is a line to be rewritten: who has something else for other places asks. */
bool progress_possible(void);

/* The line as it is now, cut to the terminal's width. Nothing where there is none. */
void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The line goes, for something else to be written. */
void progress_clear(void);

/* The line stays to be read; the next one is below it. */
void progress_keep(void);

#endif
